/* test_panels.c -- matrices in panels (kernel/panels.h), bit for bit against plain loops: every
 * instruction set, sizes around squares, register blocks and the depth that is gone through at
 * once, tiles of all kinds; padding filled with NaN reaches no number that counts. */
#include "kernel/panels.h"
#include "testkit.h"

typedef struct form { int64_t m, n, k, tile; bool lower; } form;

#define PANELS(REAL, TYPE, FMA)                                                                                    \
    static int64_t at_##TYPE(int w, int64_t m, int64_t i, int64_t j)                                               \
    {                                                                                                              \
        return j / w * w * nrm_panels_up(w, m) + i * w + j % w;                                                    \
    }                                                                                                              \
    static REAL *unset_##TYPE(int64_t count)                                                                       \
    {                                                                                                              \
        REAL *x = malloc((size_t)(count + 1) * sizeof *x);                                                               \
        assert_non_null(x);                                                                                        \
        for (int64_t i = 0; i < count; i++) x[i] = (REAL)NAN;                                                      \
        return x;                                                                                                  \
    }                                                                                                              \
    /* m x n numbers in panels, NaN around them. */                                                                \
    static REAL *numbers_##TYPE(int w, int64_t m, int64_t n, uint64_t seed)                                        \
    {                                                                                                              \
        REAL *x = unset_##TYPE(nrm_panels_size(w, m, n));                                                          \
        for (int64_t i = 0; i < m; i++)                                                                            \
            for (int64_t j = 0; j < n; j++) x[at_##TYPE(w, m, i, j)] = (REAL)(2 * nrm_test_uniform(&seed) - 1);    \
        return x;                                                                                                  \
    }                                                                                                              \
    static void product_##TYPE(const nrm_matmul_kernel_##TYPE *kernel, const form *f)                              \
    {                                                                                                              \
        const int w = kernel->panel;                                                                               \
        REAL *a = numbers_##TYPE(w, f->k, f->m, 1), *b = f->lower ? a : numbers_##TYPE(w, f->k, f->n, 2);          \
        REAL *c = unset_##TYPE(nrm_panels_size(w, f->m, f->n));                                                    \
        const nrm_panels_product_##TYPE q = {.m = f->m, .n = f->n, .k = f->k, .a = a, .b = b, .c = c, .lower = f->lower}; \
        for (int64_t i = 0; i < f->m; i += f->tile * w)                                                            \
            for (int64_t j = 0; j < (f->lower ? i + 1 : f->n); j += f->tile * w) {                                 \
                const nrm_tile tile = {i, j, nrm_min_i64(f->tile * w, f->m - i), nrm_min_i64(f->tile * w, f->n - j)}; \
                nrm_panels_multiply_##TYPE(kernel, &q, tile);                                                      \
                if (f->lower) nrm_panels_mirror_##TYPE(kernel, f->n, tile, c);                                     \
            }                                                                                                      \
        for (int64_t i = 0; i < f->m; i++)                                                                         \
            for (int64_t j = 0; j < f->n; j++) {                                                                   \
                REAL sum = 0;                                                                                      \
                for (int64_t p = 0; p < f->k; p++) sum = FMA(a[at_##TYPE(w, f->k, p, i)], b[at_##TYPE(w, f->k, p, j)], sum); \
                assert_true(c[at_##TYPE(w, f->m, i, j)] == sum);                                                   \
            }                                                                                                      \
        if (b != a) free(b);                                                                                       \
        free(a);                                                                                                   \
        free(c);                                                                                                   \
    }                                                                                                              \
    /* Rows into panels, as they are and turned, and back. */                                                      \
    static void moves_##TYPE(const nrm_matmul_kernel_##TYPE *kernel, int64_t m, int64_t n)                         \
    {                                                                                                              \
        const int w = kernel->panel;                                                                               \
        const int64_t ld = n + 3, size = nrm_panels_size(w, m, n);                                                 \
        REAL *rows = unset_##TYPE(m * ld), *back = unset_##TYPE(m * ld), *x = unset_##TYPE(size), *turned = unset_##TYPE(size); \
        uint64_t seed = 3;                                                                                         \
        for (int64_t i = 0; i < m; i++)                                                                            \
            for (int64_t j = 0; j < n; j++) rows[i * ld + j] = (REAL)nrm_test_normal(&seed);                       \
        for (int64_t i = 0; i < m; i += w) {                                                                       \
            nrm_panels_in_##TYPE(kernel, m, n, i, rows, ld, false, x);                                             \
            nrm_panels_in_##TYPE(kernel, m, n, i, rows, ld, true, turned);                                         \
        }                                                                                                          \
        for (int64_t i = 0; i < nrm_panels_up(w, m); i++)                                                          \
            for (int64_t j = 0; j < nrm_panels_up(w, n); j++) {                                                    \
                const REAL expected = i < m && j < n ? rows[i * ld + j] : 0;                                       \
                assert_true(x[at_##TYPE(w, m, i, j)] == expected && turned[at_##TYPE(w, n, j, i)] == expected);    \
            }                                                                                                      \
        for (int64_t i = 0; i < size; i++) turned[i] = (REAL)NAN;                                                  \
        for (int64_t i = 0; i < m; i += w) nrm_panels_turn_##TYPE(kernel, m, n, i, x, turned);                     \
        for (int turn = 0; turn < 2; turn++) {                                                                     \
            for (int64_t i = 0; i < m; i += w) nrm_panels_out_##TYPE(kernel, m, n, i, turn ? turned : x, turn, back, ld); \
            assert_memory_equal(back, rows, (size_t)(m * ld) * sizeof *rows); /* and nothing between the rows */   \
        }                                                                                                          \
        free(rows);                                                                                                \
        free(back);                                                                                                \
        free(x);                                                                                                   \
        free(turned);                                                                                              \
    }
PANELS(float, f32, fmaf)
PANELS(double, f64, fma)

static void check(form f)
{
    for (int isa = NRM_ISA_SCALAR; isa <= (int)nrm_cpu_isa(); isa++) {
        product_f32(nrm_matmul_kernel_f32_for((nrm_isa)isa), &f);
        product_f64(nrm_matmul_kernel_f64_for((nrm_isa)isa), &f);
        f.lower = !f.lower && f.m == f.n;
    }
}

static void test_products(void **state)
{
    uint64_t seed = 11;
    (void)state;
    for (int64_t size = 1; size <= 70; size++) {
        const int64_t n = 1 + (int64_t)(nrm_test_next(&seed) % 70), k = 1 + (int64_t)(nrm_test_next(&seed) % 70);
        const int64_t tile = 1 + (int64_t)(nrm_test_next(&seed) % 3);
        check((form){size, n, k, tile, false});
        check((form){size, size, k, tile, true});
        check((form){size, size, n, tile, false});
    }
    static const int64_t depths[] = {0, 127, 128, 129, 255, 256, 257, 513};
    for (int i = 0; i < NRM_COUNT(depths); i++) {
        check((form){19, 37, depths[i], 1, false});
        check((form){37, 37, depths[i], 2, true});
    }
}

static void test_moves(void **state)
{
    static const int64_t sizes[] = {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 50};
    (void)state;
    for (int isa = NRM_ISA_SCALAR; isa <= (int)nrm_cpu_isa(); isa++)
        for (int i = 0; i < NRM_COUNT(sizes); i++)
            for (int j = 0; j < NRM_COUNT(sizes); j++) {
                moves_f32(nrm_matmul_kernel_f32_for((nrm_isa)isa), sizes[i], sizes[j]);
                moves_f64(nrm_matmul_kernel_f64_for((nrm_isa)isa), sizes[i], sizes[j]);
            }
}

static void test_size(void **state)
{
    (void)state;
    assert_int_equal(nrm_panels_size(16, 1, 33), 16 * 48);
    assert_int_equal(nrm_panels_size(16, INT64_MAX, 1), -1);
    assert_int_equal(nrm_panels_size(16, INT64_MAX / 4, 16), -1);
}

NRM_TEST_MAIN(cmocka_unit_test(test_products), cmocka_unit_test(test_moves), cmocka_unit_test(test_size))
