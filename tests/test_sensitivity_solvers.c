/* test_sensitivity_solvers.c -- the regressions that share their rows, beside the solver that takes
 * each on its own: the same least norms, bounds that hold, and hardly any left open. */
#include "testkit.h"
#include "regression/lp_solve.h"
#include "regression/sensitivity_newton.h"

enum { M = 120, R = 5, WIDE = 16 };

/* normal, heavy-tailed, nearly one entry a row, small integers with many ties, one row far out. */
static void family(int kind, double *y)
{
    uint64_t seed = (uint64_t)(kind + 1);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < R; j++) {
            const double x = nrm_test_normal(&seed), u = nrm_test_uniform(&seed);
            y[i * R + j] = kind == 0 ? x : kind == 1 ? x / (0.02 + u) : kind == 2 ? (i % R == j) + 0.01 * x
                           : kind == 3 ? floor(5 * u) - 2 : x + (i == 7) * 100;
        }
}

typedef struct prepared { nrm_newton_rows rows; double padded[M * WIDE], columns[R * M], cross[R * R]; } prepared;

static void prepare(const double *y, double p, double tol, prepared *q)
{
    *q = (prepared){.rows = {.p = p, .tol = tol, .m = M, .r = R, .kernel = nrm_matmul_kernel_f64_for(nrm_cpu_isa()),
                             .loops = nrm_elementwise_f64_for(nrm_cpu_isa())}};
    q->rows.wide = (R + q->rows.kernel->width - 1) / q->rows.kernel->width * q->rows.kernel->width;
    assert_true(q->rows.wide <= WIDE);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < R; j++) {
            q->padded[i * q->rows.wide + j] = q->columns[j * M + i] = y[i * R + j];
            for (int k = 0; k <= j; k++) q->cross[j * R + k] += y[i * R + j] * y[i * R + k];
        }
    assert_true(nrm_newton_factor(R, q->cross));
    q->rows.y = q->padded, q->rows.columns = q->columns, q->rows.cross = q->cross;
}

/* |Yx|_p under t'x = 1 by lp_solve.h: x = e_0 / t_0 + N z, N = rows e_j - (t_j / t_0) e_0. */
static nrm_lp_answer alone(const double *y, const double *t, double p)
{
    double a[M * (R - 1)], b[M], z[R - 1];
    int pivot = 0;
    nrm_lp_answer answer;

    for (int j = 1; j < R; j++) pivot = fabs(t[j]) > fabs(t[pivot]) ? j : pivot;
    for (int i = 0; i < M; i++) {
        int column = 0;
        for (int j = 0; j < R; j++)
            if (j != pivot) a[i * (R - 1) + column++] = y[i * R + j] - t[j] / t[pivot] * y[i * R + pivot];
        b[i] = -y[i * R + pivot] / t[pivot];
    }
    const nrm_lp_problem problem = {.n = M, .d = R - 1, .a = a, .lda = R - 1, .b = b, .p = p, .tol = 1e-11, .threads = 1};
    assert_true(nrm_lp_solve(NULL, "test", &problem, z, false, &answer, NULL, NULL) >= 0);
    return answer;
}

static void test_least_norms(void **state)
{
    (void)state;
    static const double ps[] = {1, 1.2, 1.5, 2.5, 4, 10};
    static prepared q;
    double y[M * R], *work = malloc(sizeof *work * (size_t)(nrm_newton_work(M, R, WIDE) + nrm_edges_work(M, R)));

    for (int kind = 0; kind < 5; kind++)
        for (int k = 0; k < 6; k++) {
            const double p = ps[k];
            int open = 0;
            family(kind, y);
            prepare(y, p, 1e-9, &q);
            for (int i = 0; i < M; i += 3) {
                const double *t = y + i * R;
                double length = 0;
                for (int j = 0; j < R; j++) length += fabs(t[j]);
                if (length == 0) continue;
                const nrm_newton_answer fast = p > 1 ? nrm_newton_least(&q.rows, t, work) : nrm_edges_least(&q.rows, t, work);
                const nrm_lp_answer slow = alone(y, t, p);
                open += !fast.closed;
                assert_true(fast.lower <= slow.norm * (1 + 1e-10) && fast.norm >= slow.norm_lower * (1 - 1e-10));
                if (fast.closed) assert_near(fast.norm / slow.norm, 1, 1e-8);
            }
            assert_true(open <= 6); /* the start is far from the row that is far out */
        }
    free(work);
}

/* Systems of a few equations. */
static void test_factor(void **state)
{
    (void)state;
    double a[9] = {4, 0, 0, 2, 10, 0, 0, 3, 5}, x[3] = {8, 38, 26};
    assert_true(nrm_newton_factor(3, a));
    nrm_newton_solve(3, a, x); /* (4 2 0; 2 10 3; 0 3 5) x */
    assert_near(4 * x[0] + 2 * x[1], 8, 1e-14);
    assert_near(2 * x[0] + 10 * x[1] + 3 * x[2], 38, 1e-14);
    assert_near(3 * x[1] + 5 * x[2], 26, 1e-14);
    double singular[4] = {1, 0, 1, 1};
    assert_false(nrm_newton_factor(2, singular));
    assert_true(nrm_newton_work(INT64_MAX / 2, 10, 16) < 0 && nrm_edges_work(INT64_MAX / 2, 2) < 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_least_norms), cmocka_unit_test(test_factor))
