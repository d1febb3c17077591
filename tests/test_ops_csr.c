/* test_ops_csr.c -- sparse matrices times dense ones. */
#include "index_kit.h"

typedef struct product { int64_t rows, cols, n; bool transpose; } product;

/* Inputs: values, dense, indptr, indices (the real ones first, as in the script). */
static nrm_node multiply(nrm_graph *g, const nrm_node *x, const void *user)
{
    const product *p = user;
    (void)g;
    return nrm_op_csr_matmul(x[2], x[3], x[0], p->cols, x[1], p->transpose);
}
static nrm_node bent(nrm_graph *g, const nrm_node *x, const void *user)
{
    return nrm_op_square(multiply(g, (nrm_node[]){nrm_op_sin(x[0]), nrm_op_sin(x[1]), x[2], x[3]}, user));
}

static const double indptr[6] = {0, 3, 4, 4, 9, 10}, indices[10] = {0, 2, 5, 1, 0, 1, 3, 4, 5, 2};
static const product plain = {5, 7, 4, false}, transposed = {5, 7, 4, true};

static ops_record record(const char *name, const product *p)
{
    return (ops_record){.name = name, .build = multiply, .user = p, .input_count = 4,
        .inputs = {{.ndim = 1, .shape = {10}, .values = pattern(1, 10)},
                   {.ndim = 2, .shape = {p->transpose ? p->rows : p->cols, p->n}, .values = pattern(p->transpose ? 3 : 2, 7 * p->n)},
                   {.ndim = 1, .shape = {6}, .index = true, .values = indptr}, {.ndim = 1, .shape = {10}, .index = true, .values = indices}}};
}

static void against_pytorch(void **state)
{
    (void)state;
    const ops_record straight = record("csr_matmul", &plain), turned = record("csr_matmul transposed", &transposed);
    index_against(&straight, csr_y, (const double *[]){csr_d0, csr_d1});
    index_against(&turned, csr_transposed_y, (const double *[]){csr_transposed_d0, csr_transposed_d1});
}

static void derivatives(void **state)
{
    static const int64_t widths[] = {1, 2, 7, 9, 40};
    (void)state;
    for (int w = 0; w < 5; w++)
        for (int t = 0; t < 2; t++) {
            const product p = {5, 7, widths[w], t};
            ops_record r = record("csr_matmul", &p);
            r.inputs[0].values = r.inputs[1].values = NULL;
            r.build = bent;
            ops_check(&r);
        }
}

/* One entry more than once is added up; no rows, no columns, no non-zeros, no width. */
static void corners(void **state)
{
    static const double twice[3] = {0, 3, 4}, same[4] = {1, 1, 1, 0}, one[1] = {0}, none[3] = {0, 0, 0};
    (void)state;
    for (int t = 0; t < 2; t++) {
        const product double_entry = {2, 3, 5, t}, no_rows = {0, 3, 5, t}, empty = {2, 3, 5, t}, no_columns = {2, 0, 5, t}, no_width = {2, 3, 0, t};
        const ops_record records[] = {
            {.name = "twice", .build = bent, .user = &double_entry, .input_count = 4,
             .inputs = {{.ndim = 1, .shape = {4}}, {.ndim = 2, .shape = {t ? 2 : 3, 5}}, {.ndim = 1, .shape = {3}, .index = true, .values = twice}, {.ndim = 1, .shape = {4}, .index = true, .values = same}}},
            {.name = "no rows", .build = bent, .user = &no_rows, .input_count = 4,
             .inputs = {{.ndim = 1, .shape = {0}}, {.ndim = 2, .shape = {t ? 0 : 3, 5}}, {.ndim = 1, .shape = {1}, .index = true, .values = one}, {.ndim = 1, .shape = {0}, .index = true}}},
            {.name = "no non-zeros", .build = bent, .user = &empty, .input_count = 4,
             .inputs = {{.ndim = 1, .shape = {0}}, {.ndim = 2, .shape = {t ? 2 : 3, 5}}, {.ndim = 1, .shape = {3}, .index = true, .values = none}, {.ndim = 1, .shape = {0}, .index = true}}},
            {.name = "no columns", .build = bent, .user = &no_columns, .input_count = 4,
             .inputs = {{.ndim = 1, .shape = {0}}, {.ndim = 2, .shape = {t ? 2 : 0, 5}}, {.ndim = 1, .shape = {3}, .index = true, .values = none}, {.ndim = 1, .shape = {0}, .index = true}}},
            {.name = "no width", .build = bent, .user = &no_width, .input_count = 4,
             .inputs = {{.ndim = 1, .shape = {4}}, {.ndim = 2, .shape = {t ? 2 : 3, 0}}, {.ndim = 1, .shape = {3}, .index = true, .values = twice}, {.ndim = 1, .shape = {4}, .index = true, .values = same}}},
        };
        ops_check_all(records, 5);
    }
}

static void dense_product(const ops_values *in, double *y, const void *user)
{
    const product *p = user;
    for (int64_t i = 0; i < (p->transpose ? p->cols : p->rows) * p->n; i++) y[i] = 0;
    for (int64_t i = 0; i < p->rows; i++)
        for (int64_t e = in[2].i[i]; e < in[2].i[i + 1]; e++)
            for (int64_t j = 0; j < p->n; j++) {
                const int64_t row = p->transpose ? in[3].i[e] : i, from = p->transpose ? i : in[3].i[e];
                y[row * p->n + j] += in[0].x[e] * in[1].x[from * p->n + j];
            }
}

/* Sizes at which threads share the rows or the columns; rows of very different lengths.
 * Derivatives by values go through the sampled product, which is large here as well. */
static void shared_among_threads(void **state)
{
    enum { ROWS = 820, EACH = 9 };
    static double ptr[ROWS + 1];
    (void)state;
    for (int i = 0; i <= ROWS; i++) ptr[i] = i < 20 ? 0 : i == ROWS ? ROWS * EACH : (double)((i - 20) * (EACH - 3));
    for (int t = 0; t < 2; t++)
        for (int64_t n = 20; n <= 50; n += 30) { /* rows shared out, columns */
            const product p = {ROWS, 400, n, t};
            const ops_record r = {.name = "large", .build = multiply, .reference = dense_product, .user = &p, .flags = OPS_ONE_DERIVATIVE,
                .value_tolerance = 1e-11, .single_tolerance = 3e-4, .first_tolerance = 1e-6, .input_count = 4,
                .inputs = {{.ndim = 1, .shape = {ROWS * EACH}}, {.ndim = 2, .shape = {t ? ROWS : 400, n}},
                           {.ndim = 1, .shape = {ROWS + 1}, .index = true, .values = ptr}, {.ndim = 1, .shape = {ROWS * EACH}, .index = true, .high = 400}}};
            ops_check(&r);
        }
}

/* With and without transpose, and where a derivative meets them first. */
static nrm_node sampled(nrm_graph *g, const nrm_node *x, const void *user)
{
    const nrm_node y = multiply(g, x, user), one = nrm_graph_fill(g, NRM_F64, 2, (int64_t[]){((const product *)user)->rows, 4}, 1);
    nrm_node by_values;
    nrm_graph_vjp(1, &y, &one, 1, x, &by_values);
    return by_values;
}

static void hostile_structure(void **state)
{
    static const struct { double ptr[6], index[10]; nrm_status status; const char *piece; } bad[] = {
        {{1, 3, 4, 4, 9, 10}, {0}, NRM_E_FORMAT, "indptr begins with 1; it must begin with 0"},
        {{0, 3, 2, 4, 9, 10}, {0}, NRM_E_FORMAT, "indptr falls from 3 to 2 at element 2; it must not fall"},
        {{0, 3, 4, 4, 11, 10}, {0}, NRM_E_FORMAT, "indptr falls from 11 to 10 at element 5"},
        {{0, 3, 4, 4, 9, 9}, {0}, NRM_E_FORMAT, "indptr ends with 9; it must end with the number of non-zeros, 10"},
        {{0, 3, 4, 4, 9, 0x1p62}, {0}, NRM_E_FORMAT, "indptr ends with 4611686018427387904"},
        {{0, -0x1p63, 4, 4, 9, 10}, {0}, NRM_E_FORMAT, "indptr falls from 0 to -9223372036854775808 at element 1"},
        {{0, 3, 4, 4, 9, 10}, {0, 2, 7}, NRM_E_RANGE, "element 2 of indices is 7; it must be at least 0 and less than 7"},
        {{0, 3, 4, 4, 9, 10}, {0, 2, 5, 1, 0, 1, 3, 4, 5, -1}, NRM_E_RANGE, "element 9 of indices is -1"},
    };
    (void)state;
    for (int k = 0; k < (int)(sizeof bad / sizeof *bad); k++)
        for (int way = 0; way < 3; way++) {
            ops_record r = record("csr_matmul", way == 1 ? &transposed : &plain);
            char piece[160];
            if (way == 2) r.build = sampled;
            r.inputs[2].values = bad[k].ptr;
            r.inputs[3].values = bad[k].index;
            snprintf(piece, sizeof piece, "%s: %s", way == 2 ? "csr_sampled" : "csr_matmul", bad[k].piece);
            index_run_fails(&r, bad[k].status, piece);
        }
}

static void refusals(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    KIT_REFUSED(ctx, NRM_E_SHAPE, "csr_matmul: a sparse 5x7 times 5x4; the dense factor must have two dimensions and 7 rows", ,
                nrm_op_csr_matmul(WHOLE_OF(6), WHOLE_OF(10), REAL_OF(10), 7, REAL_OF(5, 4), false));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "csr_matmul: a sparse 5x7' times 7x4; the dense factor must have two dimensions and 5 rows", ,
                nrm_op_csr_matmul(WHOLE_OF(6), WHOLE_OF(10), REAL_OF(10), 7, REAL_OF(7, 4), true));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "must have two dimensions", , nrm_op_csr_matmul(WHOLE_OF(6), WHOLE_OF(10), REAL_OF(10), 7, REAL_OF(7), false));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "csr_matmul: values have shape 9 and indices 10", , nrm_op_csr_matmul(WHOLE_OF(6), WHOLE_OF(10), REAL_OF(9), 7, REAL_OF(7, 4), false));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "csr_matmul: indptr has shape 0 and indices 10", , nrm_op_csr_matmul(WHOLE_OF(0), WHOLE_OF(10), REAL_OF(10), 7, REAL_OF(7, 4), false));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "csr_matmul: indptr has shape 6 and indices 5x2", , nrm_op_csr_matmul(WHOLE_OF(6), WHOLE_OF(5, 2), REAL_OF(5, 2), 7, REAL_OF(7, 4), false));
    KIT_REFUSED(ctx, NRM_E_RANGE, "csr_matmul: cols is -7", , nrm_op_csr_matmul(WHOLE_OF(6), WHOLE_OF(10), REAL_OF(10), -7, REAL_OF(7, 4), false));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "csr_matmul: the index is f64", , nrm_op_csr_matmul(REAL_OF(6), WHOLE_OF(10), REAL_OF(10), 7, REAL_OF(7, 4), false));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "csr_matmul: the index is f64", , nrm_op_csr_matmul(WHOLE_OF(6), REAL_OF(10), REAL_OF(10), 7, REAL_OF(7, 4), false));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "csr_matmul: the argument is i64", , nrm_op_csr_matmul(WHOLE_OF(6), WHOLE_OF(10), WHOLE_OF(10), 7, REAL_OF(7, 4), false));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "csr_matmul: the arguments are f64 and f32", ,
                nrm_op_csr_matmul(WHOLE_OF(6), WHOLE_OF(10), REAL_OF(10), 7, nrm_graph_fill(g, NRM_F32, 2, (int64_t[]){7, 4}, 0), false));
    KIT_REFUSED(ctx, NRM_E_NULL, "csr_matmul: argument 4 is no node", , nrm_op_csr_matmul(WHOLE_OF(6), WHOLE_OF(10), REAL_OF(10), 7, (nrm_node){0}, false));
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(against_pytorch), cmocka_unit_test(derivatives), cmocka_unit_test(corners), cmocka_unit_test(shared_among_threads),
              cmocka_unit_test(hostile_structure), cmocka_unit_test(refusals))
