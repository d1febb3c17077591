/* test_matmul.c -- the products of kernel/matmul.h, bit for bit against plain loops: every
 * instruction set, strides of all kinds, ends of register blocks, blocks and panels, one
 * thread and two; nothing is written beside c, nothing read beside a and b. */
#include "kernel/matmul.h"
#include "testkit.h"

typedef enum mode { PLAIN, ADD, START } mode;

/* How a matrix lies: rows by rows, columns by columns, or with gaps in both. */
typedef enum lie { BY_ROWS, BY_COLUMNS, SPREAD, LIES } lie;
typedef struct layout { int64_t row, column, size; } layout;

static layout lay(lie how, int64_t rows, int64_t columns, int64_t gap)
{
    layout l = {columns + gap, 1, 0};
    if (how == BY_COLUMNS) l = (layout){1, rows + gap, 0};
    if (how == SPREAD) l = (layout){2 * columns + gap, 2, 0};
    l.size = (rows - 1) * l.row + (columns - 1) * l.column + 1;
    return l;
}

typedef struct form {
    int64_t m, n, k, gap;
    lie a, b;
    mode mode;
} form;

#define MATMUL(REAL, TYPE, FMA)                                                                                    \
    static REAL *numbers_##TYPE(int64_t count, uint64_t seed)                                                      \
    {                                                                                                              \
        REAL *x = malloc(sizeof *x * (size_t)count);                                                               \
        assert_non_null(x);                                                                                        \
        for (int64_t i = 0; i < count; i++) x[i] = (REAL)(2 * nrm_test_uniform(&seed) - 1);                        \
        return x;                                                                                                  \
    }                                                                                                              \
    static void expect_##TYPE(const form *f, const REAL *a, layout la, const REAL *b, layout lb, const REAL *start, \
                              REAL *c, int64_t ldc)                                                                \
    {                                                                                                              \
        for (int64_t i = 0; i < f->m; i++)                                                                         \
            for (int64_t j = 0; j < f->n; j++) {                                                                   \
                REAL sum = f->mode == ADD ? c[i * ldc + j] : f->mode == START ? start[j] : 0;                      \
                for (int64_t p = 0; p < f->k; p++) sum = FMA(a[i * la.row + p * la.column], b[p * lb.row + j * lb.column], sum); \
                c[i * ldc + j] = sum;                                                                              \
            }                                                                                                      \
    }                                                                                                              \
    /* b packed, then rows against it from row `skip` of b on. */                                                  \
    static void in_parts_##TYPE(const form *f, nrm_isa isa, const REAL *a, layout la, const REAL *b, layout lb,    \
                                const REAL *start, REAL *c, int64_t ldc, int64_t skip)                             \
    {                                                                                                              \
        const nrm_matmul_kernel_##TYPE *kernel = nrm_matmul_kernel_##TYPE##_for(isa);                              \
        const int64_t panels = (f->n + kernel->width - 1) / kernel->width, depth = f->k + skip;                    \
        REAL *packed = malloc(sizeof *packed * (size_t)(panels * depth * kernel->width));                          \
        assert_non_null(packed);                                                                                   \
        for (int64_t i = 0; i < panels * depth * kernel->width; i++) packed[i] = (REAL)NAN;                        \
        nrm_matmul_pack_##TYPE(kernel, f->n, depth, b - skip * lb.row, lb.row, lb.column, packed);                 \
        const nrm_matmul_rows_##TYPE rows = {.m = f->m, .n = f->n, .k = f->k, .a = a, .a_row = la.row,             \
            .a_column = la.column, .b = packed + skip * kernel->width, .b_panel = depth * kernel->width, .c = c,   \
            .ldc = ldc, .add = f->mode == ADD, .start = f->mode == START ? start : NULL};                          \
        nrm_matmul_rows_run_##TYPE(kernel, &rows);                                                                 \
        free(packed);                                                                                              \
    }                                                                                                              \
    static void check_##TYPE(const form *f)                                                                        \
    {                                                                                                              \
        enum { SKIP = 3 };                                                                                         \
        const bool shared = f->m * f->n * f->k >= 65536; /* small ones are not */                                  \
        const layout la = lay(f->a, f->m, f->k, f->gap), lb = lay(f->b, f->k, f->n, f->gap);                       \
        const int64_t ldc = f->n + f->gap, all = (f->m + 1) * ldc + 64, before = SKIP * lb.row;                    \
        REAL *a = numbers_##TYPE(la.size, 1), *b = numbers_##TYPE(lb.size + before, 2), *start = numbers_##TYPE(f->n, 3); \
        REAL *first = numbers_##TYPE(all, 4), *expected = malloc(sizeof *first * (size_t)all), *c = malloc(sizeof *first * (size_t)all); \
        assert_true(expected && c);                                                                                \
        memcpy(expected, first, sizeof *first * (size_t)all);                                                      \
        expect_##TYPE(f, a, la, b + before, lb, start, expected, ldc);                                             \
        for (int isa = NRM_ISA_SCALAR; isa <= (int)nrm_cpu_isa(); isa++)                                           \
            for (int threads = 0; threads <= (shared && isa == (int)nrm_cpu_isa() ? 2 : 1); threads++) {           \
                memcpy(c, first, sizeof *first * (size_t)all);                                                     \
                if (threads == 0) {                                                                                \
                    in_parts_##TYPE(f, (nrm_isa)isa, a, la, b + before, lb, start, c, ldc, SKIP);                  \
                } else {                                                                                           \
                    const int64_t bytes = nrm_matmul_work_##TYPE(f->n, f->k, threads);                             \
                    unsigned char *work = aligned_alloc(64, (size_t)bytes + 64);                                   \
                    assert_non_null(work);                                                                         \
                    memset(work, 0xFF, (size_t)bytes + 64);                                                        \
                    const nrm_matmul_##TYPE q = {.m = f->m, .n = f->n, .k = f->k, .a = a, .a_row = la.row, .a_column = la.column, \
                        .b = b + before, .b_row = lb.row, .b_column = lb.column, .c = c, .ldc = ldc,               \
                        .add = f->mode == ADD, .start = f->mode == START ? start : NULL};                          \
                    nrm_matmul_run_##TYPE(&q, work, threads, (nrm_isa)isa);                                        \
                    for (int i = 0; i < 64; i++) assert_int_equal(work[bytes + i], 0xFF);                          \
                    free(work);                                                                                    \
                }                                                                                                  \
                if (memcmp(c, expected, sizeof *c * (size_t)all) == 0) continue;                                   \
                print_error(#TYPE " %s, threads %d (0: in parts): m %lld n %lld k %lld gap %lld, lie %d %d, mode %d\n", \
                            nrm_isa_name((nrm_isa)isa), threads, (long long)f->m, (long long)f->n, (long long)f->k, \
                            (long long)f->gap, (int)f->a, (int)f->b, (int)f->mode);                                \
                fail();                                                                                            \
            }                                                                                                      \
        free(a);                                                                                                   \
        free(b);                                                                                                   \
        free(start);                                                                                               \
        free(first);                                                                                               \
        free(expected);                                                                                            \
        free(c);                                                                                                   \
    }
MATMUL(float, f32, fmaf)
MATMUL(double, f64, fma)

static void check(form f)
{
    check_f32(&f);
    check_f64(&f);
}

/* m, n and k take every value to 70, the others at random; all ways to lie in two sizes. */
static void test_small(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int64_t size = 1; size <= 70; size++)
        for (int way = (int)size % 2; way < LIES * LIES; way += 2) {
            int64_t s[3];
            for (int i = 0; i < 3; i++) s[i] = 1 + (int64_t)(nrm_test_next(&seed) % 70);
            s[(size + way) % 3] = size;
            check((form){s[0], s[1], s[2], (int64_t)(nrm_test_next(&seed) % 3), (lie)(way / LIES), (lie)(way % LIES),
                         (mode)(nrm_test_next(&seed) % 3)});
        }
}

/* Around the limits of blocks of rows, of packed depth and columns. */
static void test_limits(void **state)
{
    static const int64_t sizes[][3] = {{167, 9, 5}, {168, 17, 33}, {169, 33, 40}, {337, 40, 16}, {7, 9, 255}, {13, 17, 256}, {29, 16, 257},
                                       {15, 33, 513}, {5, 1023, 7}, {6, 1024, 9}, {7, 1025, 12}, {4, 1041, 258}, {170, 31, 260}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int way = (int)i % 3; way < LIES * LIES; way += 2)
            check((form){sizes[i][0], sizes[i][1], sizes[i][2], (int64_t)i % 2, (lie)(way / LIES), (lie)(way % LIES), (mode)((way + (int)i) % 3)});
}

/* Squares of whole numbers are exact in any order. */
static void test_squares(void **state)
{
    enum { M = 7, LD = 131 };
    double a[M * LD], to[M];

    (void)state;
    for (int i = 0; i < M * LD; i++) a[i] = i * 37 % 101 - 50;
    for (int isa = NRM_ISA_SCALAR; isa <= (int)nrm_cpu_isa(); isa++) {
        const nrm_matmul_kernel_f64 *kernel = nrm_matmul_kernel_f64_for((nrm_isa)isa);
        for (int n = 0; n <= 128; n += kernel->width) {
            kernel->squares(M, n, a, LD, to);
            for (int i = 0; i < M; i++) {
                double sum = 0;
                for (int j = 0; j < n; j++) sum += a[i * LD + j] * a[i * LD + j];
                assert_true(to[i] == sum);
            }
        }
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_squares), cmocka_unit_test(test_small), cmocka_unit_test(test_limits))
