/* test_ordered.c -- the fixed-order products: value, order of sums, every instruction set. */
#include "testkit.h"
#include "kernel/ordered.h"

enum { MOST = 21 };

static const nrm_ordered_kernels *kernels_at(int isa)
{
    return isa <= (int)nrm_cpu_isa() ? nrm_ordered_kernels_for((nrm_isa)isa) : NULL;
}

static double fused_at(int isa, double a, double b, double c) { return isa > 0 ? fma(a, b, c) : a * b + c; }

/* The definition: one chain a result, from what is there, in the order of the index.  The
 * kernels must give these bits. */
static void products_to_the_bit(void **state)
{
    (void)state;
    uint64_t seed = 1;
    double a[MOST * MOST], z[MOST * MOST], p[MOST * MOST], q[MOST * MOST], y[MOST * MOST], w[MOST * MOST];

    for (int isa = 0; isa < NRM_ISA_COUNT; isa++) {
        const nrm_ordered_kernels *k = kernels_at(isa);
        if (!k) continue;
        for (int m = 0; m <= 10; m++)
            for (int n = 0; n <= 9; n += 3)
                for (int c = 0; c <= MOST; c++) {
                    const int lda = n + 2, ldp = c; /* a with a stride, the others dense */
                    for (int e = 0; e < MOST * MOST; e++) {
                        a[e] = e % 5 == 3 ? 0 : nrm_test_normal(&seed);
                        z[e] = nrm_test_normal(&seed);
                        p[e] = q[e] = nrm_test_normal(&seed);
                        y[e] = w[e] = nrm_test_normal(&seed);
                    }
                    k->product(m, n, c, a, lda, z, c, p, ldp);
                    k->transposed(m, n, c, a, lda, z, c, y, c);
                    for (int i = 0; i < m; i++)
                        for (int h = 0; h < c; h++)
                            for (int j = 0; j < n; j++) {
                                q[i * ldp + h] = fused_at(isa, a[i * lda + j], z[j * c + h], q[i * ldp + h]);
                                w[j * c + h] = fused_at(isa, a[i * lda + j], z[i * c + h], w[j * c + h]);
                            }
                    assert_memory_equal(p, q, sizeof p);
                    assert_memory_equal(y, w, sizeof y);
                }
    }
}

/* A row by its entries gives the bits of the dense row. */
static void sparse_is_dense(void **state)
{
    (void)state;
    enum { N = 300 };
    uint64_t seed = 2;
    double row[N], value[N], x[N], z[N * MOST], p[MOST], q[MOST], r[MOST], y[N * MOST], w[N * MOST], u[N * MOST];
    int64_t index[N];

    for (int isa = 0; isa < NRM_ISA_COUNT; isa++) {
        const nrm_ordered_kernels *k = kernels_at(isa);
        if (!k) continue;
        for (int c = 1; c <= MOST; c++) {
            int64_t count = 0;
            for (int j = 0; j < N; j++) {
                row[j] = nrm_test_uniform(&seed) < 0.3 ? nrm_test_normal(&seed) : 0;
                x[j] = nrm_test_normal(&seed);
                if (row[j] != 0) index[count] = j, value[count++] = row[j];
            }
            for (int e = 0; e < N * c; e++) z[e] = nrm_test_normal(&seed), y[e] = w[e] = u[e] = z[e] + 1;
            memset(p, 0, sizeof p), memset(q, 0, sizeof q), memset(r, 0, sizeof r);
            k->product(1, N, c, row, N, z, c, p, c);
            k->sparse_product(count, index, value, c, z, c, q);
            k->sparse_product(N, NULL, row, c, z, c, r);
            assert_memory_equal(p, q, (size_t)c * sizeof *p);
            assert_memory_equal(p, r, (size_t)c * sizeof *p);
            k->transposed(1, N, c, row, N, p, c, y, c);
            k->sparse_transposed(count, index, value, c, p, w, c);
            k->sparse_transposed(N, NULL, row, c, p, u, c);
            assert_memory_equal(y, w, (size_t)(N * c) * sizeof *y);
            assert_memory_equal(y, u, (size_t)(N * c) * sizeof *y);
            double dot = k->dot(N, row, x), sparse = k->sparse_dot(count, index, value, x);
            assert_memory_equal(&dot, &sparse, sizeof dot);
            dot = k->dot(N, row, row), sparse = k->sparse_square(count, index, value);
            assert_memory_equal(&dot, &sparse, sizeof dot);
        }
    }
}

static void dot_and_axpy(void **state)
{
    (void)state;
    double x[40], y[40], before[40];
    uint64_t seed = 3;
    for (int isa = 0; isa < NRM_ISA_COUNT; isa++) {
        const nrm_ordered_kernels *k = kernels_at(isa);
        if (!k) continue;
        for (int n = 0; n <= 40; n++) {
            double sum = 0;
            for (int j = 0; j < 40; j++) x[j] = nrm_test_normal(&seed), before[j] = y[j] = nrm_test_normal(&seed);
            for (int j = 0; j < n; j++) sum += x[j] * y[j];
            assert_near(k->dot(n, x, y), sum, 1e-13);
            k->axpy(n, 0.5, x, y);
            for (int j = 0; j < 40; j++) assert_near(y[j], before[j] + (j < n ? 0.5 * x[j] : 0), 1e-15);
        }
    }
}

/* Large enough for a team of threads: the same bits with 1, 2 and 3. */
static void threads_do_not_show(void **state)
{
    (void)state;
    enum { M = 90, N = 1100, K = 13 };
    uint64_t seed = 4;
    double *a = calloc(M * N, sizeof *a), *z = calloc(N * K, sizeof *z), *p[3], *y[3], *g[3];
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (int e = 0; e < M * N; e++) a[e] = nrm_test_normal(&seed);
    for (int e = 0; e < N * K; e++) z[e] = nrm_test_normal(&seed);
    for (int t = 0; t < 3; t++) {
        p[t] = calloc(M * K, sizeof **p), y[t] = calloc(N * K, sizeof **y), g[t] = calloc(M * M, sizeof **g);
        assert_ok(ctx, nrm_set_threads(ctx, t + 1));
        nrm_ordered_product(ctx, M, N, K, a, N, z, K, p[t], K);
        nrm_ordered_transposed(ctx, M, N, K, a, N, p[t], K, y[t], K);
        nrm_ordered_row_gram(ctx, M, N, a, N, g[t], M);
        assert_memory_equal(p[t], p[0], M * K * sizeof(double));
        assert_memory_equal(y[t], y[0], N * K * sizeof(double));
        assert_memory_equal(g[t], g[0], M * M * sizeof(double));
    }
    for (int i = 0; i < M; i += 7)
        for (int j = 0; j < M; j += 5) {
            double sum = 0;
            for (int c = 0; c < N; c++) sum += a[i * N + c] * a[j * N + c];
            assert_near(g[0][i * M + j], sum, 1e-12);
        }
    for (int t = 0; t < 3; t++) free(p[t]), free(y[t]), free(g[t]);
    free(a), free(z);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(products_to_the_bit), cmocka_unit_test(sparse_is_dense),
              cmocka_unit_test(dot_and_axpy), cmocka_unit_test(threads_do_not_show))
