/* Ranks that work together, as threads of one process. */
#include "testkit.h"
#include <norma/comm.h>

enum { MOST = 5 };

/* What rank r sends to rank k: k + 1 numbers that tell both. */
static nrm_status moves(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    const int rank = nrm_comm_rank(comm), size = nrm_comm_size(comm);
    int64_t out[MOST], in[MOST], send[MOST * MOST], receive[MOST * MOST], n = 0;

    (void)user;
    for (int k = 0; k < size; k++) {
        out[k] = 8 * (k + 1), in[k] = 8 * (rank + 1);
        for (int i = 0; i <= k; i++) send[n++] = 100 * rank + 10 * k + i;
    }
    assert_ok(ctx, nrm_comm_all_to_all(ctx, comm, send, out, receive, in));
    for (int r = 0; r < size; r++)
        for (int i = 0; i <= rank; i++) assert_int_equal(receive[r * (rank + 1) + i], 100 * r + 10 * rank + i);
    assert_int_equal(nrm_comm_bytes_sent(comm), size * (size + 1) / 2 * 8 - 8 * (rank + 1));

    /* Rank r brings r numbers; in place and not. */
    for (int r = 0; r < size; r++) in[r] = 8 * r;
    for (int i = 0; i < rank; i++) send[i] = 10 * rank + i;
    memset(receive, 0, sizeof receive);
    assert_ok(ctx, nrm_comm_all_gather(ctx, comm, send, receive, in));
    for (int r = 0, at = 0; r < size; r++)
        for (int i = 0; i < r; i++) assert_int_equal(receive[at++], 10 * r + i);
    const int place = rank * (rank - 1) / 2;
    memset(receive, 0, sizeof receive);
    for (int i = 0; i < rank; i++) receive[place + i] = 10 * rank + i;
    assert_ok(ctx, nrm_comm_all_gather(ctx, comm, receive + place, receive, in));
    for (int r = 0, at = 0; r < size; r++)
        for (int i = 0; i < r; i++) assert_int_equal(receive[at++], 10 * r + i);

    for (int root = 0; root < size; root++) {
        double value = rank;
        assert_ok(ctx, nrm_comm_broadcast(ctx, comm, root, &value, sizeof value));
        assert_true(value == root);
    }
    assert_ok(ctx, nrm_comm_barrier(ctx, comm));
    return NRM_OK;
}

static void bytes_arrive_where_they_belong(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= MOST; ranks++) assert_ok(NULL, nrm_run_ranks(NULL, ranks, moves, NULL));
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, moves(ctx, NULL, NULL)); /* one alone */
    nrm_ctx_destroy(ctx);
}

/* Sums of few and of many numbers, with values whose order shows in the last bit. */
static nrm_status sums(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    const int rank = nrm_comm_rank(comm), size = nrm_comm_size(comm);
    (void)user;
    for (int64_t n = 1; n < 40000; n = n * 7 + 3) {
        void *work = malloc((size_t)nrm_comm_sum_work(comm, NRM_F64, n) + 1), *narrow = malloc((size_t)nrm_comm_sum_work(comm, NRM_F32, n) + 1);
        double *x = malloc((size_t)n * sizeof *x);
        int64_t *k = malloc((size_t)n * sizeof *k);
        float *f = malloc((size_t)n * sizeof *f);
        for (int64_t i = 0; i < n; i++) x[i] = 1.0 / (double)(i + 3 * rank + 1);
        assert_ok(ctx, nrm_comm_sum(ctx, comm, NRM_F64, n, x, work));
        for (int64_t i = 0; i < n; i++) {
            double sum = 0;
            for (int r = 0; r < size; r++) sum += 1.0 / (double)(i + 3 * r + 1);
            assert_true(x[i] == sum);
        }
        for (int64_t i = 0; i < n; i++) k[i] = i - rank;
        assert_ok(ctx, nrm_comm_sum(ctx, comm, NRM_I64, n, k, work));
        for (int64_t i = 0; i < n; i++) assert_int_equal(k[i], i * size - size * (size - 1) / 2);
        for (int64_t i = 0; i < n; i++) f[i] = 1.0f / (float)(i + 3 * rank + 1);
        assert_ok(ctx, nrm_comm_sum(ctx, comm, NRM_F32, n, f, narrow));
        for (int64_t i = 0; i < n; i++) {
            double sum = 0;
            for (int r = 0; r < size; r++) sum += (double)(1.0f / (float)(i + 3 * r + 1));
            assert_true(f[i] == (float)sum);
        }
        free(work);
        free(narrow);
        free(x);
        free(k);
        free(f);
    }
    return NRM_OK;
}

static void sums_have_one_order(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 4; ranks++) assert_ok(NULL, nrm_run_ranks(NULL, ranks, sums, NULL));
}

/* Ranks 1 and 2 fail alone; rank 0 was asked to stop. */
static nrm_status some_fail(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    nrm_status own = NRM_OK;
    (void)user;
    if (comm->rank == 0) own = NRM_E_CANCELLED;
    if (comm->rank == 2) own = nrm_set_threads(ctx, -1);
    if (comm->rank == 1) own = nrm_comm_broadcast(ctx, NULL, 7, NULL, 0);
    const nrm_status all = nrm_comm_agree(ctx, comm, own);
    assert_int_equal(all, NRM_E_RANGE);
    assert_message(ctx, "rank 1: comm: root is 7; there are ranks 0 to 0");
    assert_int_equal(nrm_comm_agree(ctx, comm, comm->rank == 1 ? NRM_PARTIAL : NRM_OK), comm->rank == 1 ? NRM_PARTIAL : NRM_OK);
    assert_int_equal(nrm_comm_agree(ctx, comm, comm->rank == 0 ? NRM_E_CANCELLED : NRM_OK), NRM_E_CANCELLED);
    return all;
}

static void one_failure_is_the_failure_of_all(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_status(ctx, nrm_run_ranks(ctx, 4, some_fail, NULL), NRM_E_RANGE);
    assert_message(ctx, "rank 1: comm: root is 7");
    nrm_ctx_destroy(ctx);
}

/* Rank 1 ends at once; the others must not wait for ever. */
static nrm_status one_ends(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    (void)user;
    return comm->rank == 1 ? NRM_OK : nrm_comm_barrier(ctx, comm);
}

static nrm_status blocks_differ(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    char send[16] = "", receive[16];
    const int64_t three[2] = {3, 3}, other[2] = {3, 4};
    (void)user;
    return nrm_comm_all_to_all(ctx, comm, send, three, receive, comm->rank == 0 ? other : three);
}

static nrm_status calls_differ(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    char send[16] = "", receive[16];
    const int64_t three[2] = {3, 3};
    (void)user;
    return comm->rank ? nrm_comm_all_gather(ctx, comm, send, receive, three) : nrm_comm_all_to_all(ctx, comm, send, three, receive, three);
}

static void ranks_that_differ_do_not_hang(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_status(ctx, nrm_run_ranks(ctx, 3, one_ends, NULL), NRM_E_IO);
    assert_message(ctx, "rank 1 has ended");
    assert_status(ctx, nrm_run_ranks(ctx, 2, blocks_differ, NULL), NRM_E_SHAPE);
    assert_message(ctx, "do not exchange the same blocks");
    assert_status(ctx, nrm_run_ranks(ctx, 2, calls_differ, NULL), NRM_E_SHAPE);
    nrm_ctx_destroy(ctx);
}

static void arguments_are_checked(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const int64_t bad[1] = {-1}, one[1] = {1};
    char a = 'a', b = 'b';
    assert_status(ctx, nrm_run_ranks(ctx, 0, one_ends, NULL), NRM_E_RANGE);
    assert_status(ctx, nrm_run_ranks(ctx, 1, NULL, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_comm_all_gather(ctx, NULL, &a, &b, bad), NRM_E_RANGE);
    assert_status(ctx, nrm_comm_all_gather(ctx, NULL, NULL, &b, one), NRM_E_NULL);
    assert_status(ctx, nrm_comm_all_to_all(ctx, NULL, &a, NULL, &b, one), NRM_E_NULL);
    assert_status(ctx, nrm_comm_sum(ctx, NULL, NRM_U8, 1, &a, NULL), NRM_E_DTYPE);
    assert_int_equal(nrm_comm_sum_work(NULL, NRM_F64, INT64_MAX), -1);
    assert_true(nrm_ctx_comm(ctx) == NULL && nrm_ctx_comm(NULL) == NULL);
    assert_status(ctx, nrm_set_comm(NULL, NULL), NRM_E_NULL);
    nrm_ctx_destroy(ctx);
}

static nrm_status nothing(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    (void)user;
    return nrm_comm_barrier(ctx, comm);
}

static nrm_status run_three(nrm_ctx *ctx, void *user) { return nrm_run_ranks(ctx, 3, nothing, user); }

static void memory_may_run_out(void **state)
{
    (void)state;
    nrm_test_allocation_failures(run_three, NULL, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(bytes_arrive_where_they_belong), cmocka_unit_test(sums_have_one_order),
              cmocka_unit_test(one_failure_is_the_failure_of_all), cmocka_unit_test(ranks_that_differ_do_not_hang),
              cmocka_unit_test(arguments_are_checked), cmocka_unit_test(memory_may_run_out))
