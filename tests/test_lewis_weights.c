/* test_lewis_weights.c -- the method lewis-weights: outputs, info, doors, what is refused.  The numbers
 * themselves: test_leverage.c, test_sensitivity.c. */
#include "rows_kit.h"
#include <norma/call.h>
#include <norma/comm.h>
#include <norma/lewis_weights.h>

static const double EXAMPLE[8] = {1, 0, 0, 1, 1, 1, 2, -1};

/* The error of the info is that of the weights handed out: recomputed for two columns. */
static void test_proof(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_rows *a = rows_of(ctx, 4, 2, EXAMPLE);
    nrm_lewis_weights_options o = nrm_lewis_weights_options_default();
    nrm_lewis_weights_info info;
    double w[4];

    for (int k = 0; k < 4; k++) {
        const double p = (double[]){1, 1.7, 3, 20}[k];
        for (int64_t rounds = 1; rounds < 30; rounds += 7) {
            double g[3] = {0}, error = 0;
            o.p = p, o.max_iter = rounds;
            const nrm_status st = nrm_lewis_weights_rows(ctx, a, NULL, 4, w, NULL, NULL, NULL, &info, &o);
            assert_true(st == (info.error <= o.tol ? NRM_OK : NRM_NOT_CONVERGED) && info.iterations <= rounds);
            for (int i = 0; i < 4; i++) {
                const double c = pow(w[i], 1 - 2 / p), *x = EXAMPLE + 2 * i;
                g[0] += c * x[0] * x[0], g[1] += c * x[0] * x[1], g[2] += c * x[1] * x[1];
            }
            for (int i = 0; i < 4; i++) {
                const double *x = EXAMPLE + 2 * i, det = g[0] * g[2] - g[1] * g[1];
                const double square = (g[2] * x[0] * x[0] - 2 * g[1] * x[0] * x[1] + g[0] * x[1] * x[1]) / det;
                error = fmax(error, fabs(log(pow(w[i], -2 / p) * square)));
            }
            assert_near(info.error, error, 1e-13);
            assert_near(info.sum, w[0] + w[1] + w[2] + w[3], 1e-15);
        }
    }
    nrm_rows_close(ctx, a);
    nrm_ctx_destroy(ctx);
}

static void test_outputs(void **state)
{
    (void)state;
    enum { N = 3000, D = 3 };
    static double a[N * D], b[N], w[N], s[N], lower[N], upper[N], of_all[N];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_lewis_weights_options o = nrm_lewis_weights_options_default();
    nrm_lewis_weights_info info;
    uint64_t seed = 6;

    for (int i = 0; i < N * D; i++) a[i] = nrm_test_normal(&seed) / (0.1 + nrm_test_uniform(&seed));
    for (int i = 0; i < N; i++) b[i] = nrm_test_normal(&seed);
    nrm_rows *rows = rows_of(ctx, N, D, a), *more = rows_of(ctx, N, 1, b);
    o.p = 3;
    assert_ok(ctx, nrm_lewis_weights_rows(ctx, rows, more, N, w, NULL, lower, upper, &info, &o));
    assert_true(info.rows == N && info.columns == D + 1 && info.rank == D + 1 && info.measured == 0 && isnan(info.total));
    for (int i = 0; i < N; i++) assert_true(lower[i] <= w[i] && w[i] * (1 - 1e-8) <= lower[i] && upper[i] >= w[i]);
    o.draws = 30;
    assert_ok(ctx, nrm_lewis_weights_rows(ctx, rows, more, N, w, s, lower, upper, &info, &o));
    double sum = 0;
    for (int i = 0; i < N; i++) sum += s[i], assert_true(lower[i] <= s[i] && s[i] <= upper[i]);
    assert_near(info.total, sum, 1e-12);
    assert_true(info.measured > 20 && info.measured < N && info.total_error == 0);
    assert_ok(ctx, nrm_lewis_weights_rows(ctx, rows, more, N, w, NULL, NULL, NULL, &info, &o));
    assert_true(info.total_error > 0 && fabs(info.total - sum) < 6 * info.total_error);
    o.draws = 0, o.measure = NRM_SENSITIVITY_EXACT;
    assert_ok(ctx, nrm_lewis_weights_rows(ctx, rows, more, N, w, of_all, lower, upper, &info, &o));
    assert_int_equal(info.measured, N);
    for (int i = 0; i < N; i++) assert_true(of_all[i] == lower[i] && upper[i] <= lower[i] * (1 + 1e-8));
    nrm_rows_close(ctx, rows);
    nrm_rows_close(ctx, more);
    nrm_ctx_destroy(ctx);
}

static void test_refused(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_lewis_weights_options o = nrm_lewis_weights_options_default();
    nrm_lewis_weights_info info = {.rows = 9};
    double w[4] = {7, 7, 7, 7}, zeros[8] = {0}, bad[8] = {1, 0, 0, NAN, 1, 1, 2, -1};
    nrm_rows *a = rows_of(ctx, 4, 2, EXAMPLE), *b = rows_of(ctx, 3, 2, EXAMPLE), *zero = rows_of(ctx, 4, 2, zeros), *nan = rows_of(ctx, 4, 2, bad);

    assert_status(ctx, nrm_lewis_weights_rows(ctx, NULL, NULL, 4, w, NULL, NULL, NULL, &info, &o), NRM_E_NULL);
    assert_status(ctx, nrm_lewis_weights_rows(ctx, a, NULL, 4, NULL, NULL, NULL, NULL, &info, &o), NRM_E_NULL);
    assert_status(ctx, nrm_lewis_weights_rows(ctx, a, NULL, 0, w, NULL, NULL, NULL, &info, &o), NRM_E_SHAPE);
    assert_status(ctx, nrm_lewis_weights_rows(ctx, a, NULL, 5, w, NULL, NULL, NULL, &info, &o), NRM_E_SHAPE);
    assert_status(ctx, nrm_lewis_weights_rows(ctx, a, b, 4, w, NULL, NULL, NULL, &info, &o), NRM_E_SHAPE);
    assert_status(ctx, nrm_lewis_weights_rows(ctx, nan, NULL, 4, w, NULL, NULL, NULL, &info, &o), NRM_E_NONFINITE);
    assert_message(ctx, "lewis-weights: a is nan at row 1, column 1");
    for (int k = 0; k < 3; k++) {
        o.p = (double[]){0.99, NAN, 64.5}[k];
        assert_status(ctx, nrm_lewis_weights_rows(ctx, a, NULL, 4, w, NULL, NULL, NULL, &info, &o), NRM_E_RANGE);
        assert_message(ctx, "p");
    }
    o.p = 1, o.draws = 4;
    assert_status(ctx, nrm_lewis_weights_rows(ctx, zero, NULL, 4, w, NULL, NULL, NULL, &info, &o), NRM_E_SINGULAR);
    nrm_cancel(ctx);
    assert_status(ctx, nrm_lewis_weights_rows(ctx, a, NULL, 4, w, NULL, NULL, NULL, &info, &o), NRM_E_CANCELLED);
    nrm_cancel_clear(ctx);
    for (int i = 0; i < 4; i++) assert_true(w[i] == 7);
    assert_int_equal(info.rows, 9);
    o.draws = 0;
    assert_ok(ctx, nrm_lewis_weights_rows(ctx, zero, NULL, 4, w, NULL, NULL, NULL, &info, &o));
    assert_true(info.rank == 0 && info.sum == 0 && w[0] == 0 && w[3] == 0);
    nrm_rows_close(ctx, a), nrm_rows_close(ctx, b), nrm_rows_close(ctx, zero), nrm_rows_close(ctx, nan);
    nrm_ctx_destroy(ctx);
}

/* By name, from text of unknown length; with ranks. */
typedef struct written { const char *path; double w[300]; } written;

static nrm_status on_rank(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    const written *file = user;
    nrm_call *call = NULL;
    (void)comm;

    assert_ok(ctx, nrm_call_create(ctx, "lewis-weights", &call));
    assert_ok(ctx, nrm_call_input_path(call, "a", file->path));
    assert_ok(ctx, nrm_call_set(call, "p", "1.5"));
    assert_ok(ctx, nrm_call_run(call));
    const nrm_value *w = nrm_call_output(call, "weights");
    assert_int_equal(w->array.shape[0], 300);
    assert_all_near(w->array.data, file->w, 300, 1e-13);
    nrm_call_destroy(call);
    return NRM_OK;
}

static void test_text(void **state)
{
    (void)state;
    double a[600];
    written text = {.path = nrm_test_temp("lewis_rows.csv")};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_lewis_weights_options o = nrm_lewis_weights_options_default();
    uint64_t seed = 12;

    FILE *file = fopen(text.path, "w");
    assert_non_null(file);
    for (int i = 0; i < 600; i++) fprintf(file, "%.17g%s", a[i] = nrm_test_normal(&seed), i % 2 ? "\n" : ",");
    fclose(file);
    nrm_rows *rows = rows_of(ctx, 300, 2, a);
    o.p = 1.5;
    assert_ok(ctx, nrm_lewis_weights_rows(ctx, rows, NULL, 300, text.w, NULL, NULL, NULL, NULL, &o));
    for (int ranks = 1; ranks <= 3; ranks++) assert_ok(ctx, nrm_run_ranks(ctx, ranks, on_rank, &text));
    nrm_rows_close(ctx, rows);
    nrm_ctx_destroy(ctx);
}

typedef struct memory_case { const double *a; double w[60], s[60]; nrm_lewis_weights_info info; } memory_case;

static nrm_status whole(nrm_ctx *ctx, void *user)
{
    memory_case *c = user;
    const nrm_array array = {.dtype = NRM_F64, .ndim = 2, .shape = {60, 2}, .data = (void *)(uintptr_t)c->a};
    nrm_lewis_weights_options o = nrm_lewis_weights_options_default();
    nrm_rows *rows = NULL;

    o.p = 3;
    nrm_status st = nrm_rows_from_array(ctx, &rows, &array);
    if (st >= 0) st = nrm_lewis_weights_rows(ctx, rows, NULL, 60, c->w, c->s, NULL, NULL, NULL, &o);
    nrm_rows_close(ctx, rows);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    double a[120];
    memory_case c = {.a = a};
    uint64_t seed = 3;
    for (int i = 0; i < 120; i++) a[i] = nrm_test_normal(&seed);
    nrm_test_allocation_failures(whole, &c, &c, sizeof c);
}

NRM_TEST_MAIN(cmocka_unit_test(test_proof), cmocka_unit_test(test_outputs), cmocka_unit_test(test_refused), cmocka_unit_test(test_text),
              cmocka_unit_test(test_memory))
