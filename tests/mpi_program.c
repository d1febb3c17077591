/* What scripts/mpi.sh starts as several ranks: bytes, sums and agreement over MPI, and both
 * forms of shared optimizers against one rank alone. */
#include <math.h>
#include <norma/mpi.h>
#include <norma/norma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TENSORS = 4, STEPS = 3, MOST = 64, LONG = 100000 };

static const int64_t shapes[TENSORS][2] = {{7, 5}, {256, 32}, {18, 64}, {3, 300}};
static nrm_ctx *ctx;
static nrm_comm *comm;

#define CHECK(condition) check((condition), #condition, __LINE__)
static void check(bool fine, const char *what, int line)
{
    if (fine) return;
    fprintf(stderr, "rank %d of %d, line %d: not %s: %s\n", comm->rank, comm->size, line, what, nrm_message(ctx));
    nrm_mpi_abort(comm, 1);
}

static double value(int64_t i, int64_t k) { return (double)((i * 37 + k * 61 + i * k * 11) % 97 - 48) / 16.0; }

static void bytes_and_sums(void)
{
    static int64_t out[MOST * MOST], in[MOST * MOST], to[MOST], from[MOST];
    static double x[LONG], work[2 * LONG + MOST];
    const int size = comm->size, rank = comm->rank;
    int64_t n = 0;

    for (int k = 0; k < size; k++) {
        to[k] = 8 * (k + 1 + 10 * rank), from[k] = 8 * (rank + 1 + 10 * k);
        for (int i = 0; i < k + 1 + 10 * rank; i++) out[n++] = 10000 * rank + 100 * k + i;
    }
    CHECK(nrm_comm_all_to_all(ctx, comm, out, to, in, from) == NRM_OK);
    n = 0;
    for (int r = 0; r < size; r++)
        for (int i = 0; i < rank + 1 + 10 * r; i++) CHECK(in[n++] == 10000 * r + 100 * rank + i);
    for (int r = 0; r < size; r++) to[r] = 8 * (20 * r + (r % 2)); /* rank 0 brings nothing */
    for (int i = 0; i < 20 * rank + rank % 2; i++) out[i] = 1000 * rank + i;
    CHECK(nrm_comm_all_gather(ctx, comm, out, in, to) == NRM_OK);
    n = 0;
    for (int r = 0; r < size; r++)
        for (int i = 0; i < 20 * r + r % 2; i++) CHECK(in[n++] == 1000 * r + i);
    CHECK(nrm_comm_sum_work(comm, NRM_F64, LONG) <= (int64_t)sizeof work);
    for (int64_t i = 0; i < LONG; i++) x[i] = 1.0 / (double)(i + 3 * rank + 1);
    CHECK(nrm_comm_sum(ctx, comm, NRM_F64, LONG, x, work) == NRM_OK);
    for (int64_t i = 0; i < LONG; i++) {
        double sum = 0;
        for (int r = 0; r < size; r++) sum += 1.0 / (double)(i + 3 * r + 1);
        CHECK(x[i] == sum);
    }
    for (int root = 0; root < size; root++) {
        x[0] = rank;
        CHECK(nrm_comm_broadcast(ctx, comm, root, x, 8) == NRM_OK && x[0] == root);
    }
    CHECK(nrm_comm_barrier(ctx, comm) == NRM_OK);
}

/* One rank fails: all do, with its sentence. */
static void agreement(void)
{
    const int last = comm->size - 1;
    const nrm_status own = comm->rank == last ? nrm_set_threads(ctx, -1) : NRM_OK;
    CHECK(nrm_comm_agree(ctx, comm, own) == NRM_E_RANGE);
    CHECK(comm->size == 1 || strncmp(nrm_message(ctx), "rank ", 5) == 0);
    CHECK(nrm_comm_agree(ctx, comm, NRM_OK) == NRM_OK);
}

typedef struct weights { double *w[TENSORS], *g[TENSORS]; } weights;

static void fill(weights *a, int step)
{
    for (int t = 0; t < TENSORS; t++) {
        const int64_t n = shapes[t][0] * shapes[t][1];
        if (step < 0) a->w[t] = malloc((size_t)n * sizeof(double)), a->g[t] = malloc((size_t)n * sizeof(double));
        for (int64_t i = 0; i < n; i++) (step < 0 ? a->w[t] : a->g[t])[i] = value(i, 1 + step + 100 * t);
    }
}

static void shard(const weights *a, void **w, void **g)
{
    for (int t = 0; t < TENSORS; t++) {
        int64_t first, count;
        nrm_row_shard(shapes[t][0], comm->size, comm->rank, &first, &count);
        w[t] = a->w[t] + first * shapes[t][1];
        g[t] = a->g[t] + first * shapes[t][1];
    }
}

static void optimizers(void)
{
    weights alone, replicated, rows;
    void *w[TENSORS], *g[TENSORS];
    nrm_optimizer_tensor tensor[TENSORS];
    const nrm_optimizer_group group = {NRM_OPTIMIZER_NORMUON, NULL};
    nrm_optimizer *one, *many;
    nrm_row_sharded_optimizer *sharded;
    static const char *const name[TENSORS] = {"a", "b", "c", "d"};

    for (int t = 0; t < TENSORS; t++) tensor[t] = (nrm_optimizer_tensor){.name = name[t], .dtype = NRM_F64, .ndim = 2, .shape = shapes[t]};
    fill(&alone, -1), fill(&replicated, -1), fill(&rows, -1);
    shard(&rows, w, g);
    CHECK(nrm_optimizer_create(ctx, &one, 1, &group, TENSORS, tensor) == NRM_OK);
    CHECK(nrm_optimizer_create_sharded(ctx, &many, comm, 1, &group, TENSORS, tensor) == NRM_OK);
    CHECK(nrm_row_sharded_create(ctx, &sharded, comm, NRM_OPTIMIZER_NORMUON, NULL, false, TENSORS, tensor) == NRM_OK);
    int64_t sent[2] = {0, 0};
    for (int step = 0; step < STEPS; step++) {
        fill(&alone, step), fill(&replicated, step), fill(&rows, step);
        CHECK(nrm_optimizer_step(ctx, one, (void *const *)alone.w, (const void *const *)alone.g, 1) == NRM_OK);
        int64_t before = nrm_comm_bytes_sent(comm);
        CHECK(nrm_optimizer_step(ctx, many, (void *const *)replicated.w, (const void *const *)replicated.g, 1) == NRM_OK);
        sent[0] += nrm_comm_bytes_sent(comm) - before;
        before = nrm_comm_bytes_sent(comm);
        CHECK(nrm_row_sharded_step(ctx, sharded, w, (const void *const *)g, 1) == NRM_OK);
        sent[1] += nrm_comm_bytes_sent(comm) - before;
    }
    for (int t = 0; t < TENSORS; t++) {
        int64_t first, count;
        nrm_row_shard(shapes[t][0], comm->size, comm->rank, &first, &count);
        CHECK(memcmp(replicated.w[t], alone.w[t], (size_t)(shapes[t][0] * shapes[t][1]) * sizeof(double)) == 0);
        for (int64_t i = first * shapes[t][1]; i < (first + count) * shapes[t][1]; i++)
            CHECK(fabs(rows.w[t][i] - alone.w[t][i]) <= 1e-12 * (1 + fabs(alone.w[t][i])));
    }
    int64_t work[2 * MOST], state[2] = {nrm_optimizer_state_bytes(many), nrm_row_sharded_state_bytes(sharded)};
    CHECK(nrm_comm_sum(ctx, comm, NRM_I64, 2, sent, work) == NRM_OK);
    if (comm->rank == 0)
        printf("%d ranks: replicated %lld bytes sent a step, %lld of state on rank 0; rows %lld, %lld\n", comm->size, (long long)sent[0] / STEPS,
               (long long)state[0], (long long)sent[1] / STEPS, (long long)state[1]);
    nrm_optimizer_destroy(ctx, one);
    nrm_optimizer_destroy(ctx, many);
    nrm_row_sharded_destroy(ctx, sharded);
    weights *const all[] = {&alone, &replicated, &rows};
    for (int a = 0; a < 3; a++)
        for (int t = 0; t < TENSORS; t++) free(all[a]->w[t]), free(all[a]->g[t]);
}

int main(void)
{
    const char *reason;
    nrm_ctx_options options = nrm_ctx_options_default();

    options.threads = 1;
    if (nrm_ctx_create(&ctx, &options) < 0 || nrm_mpi_comm_create(&comm, NULL, &reason) < 0) return 1;
    bytes_and_sums();
    agreement();
    optimizers();
    nrm_comm_destroy(comm);
    nrm_ctx_destroy(ctx);
    return 0;
}
