/* test_ops_index.c -- gather, scatter_add, take and take_adjoint. */
#include "index_kit.h"

static nrm_node gather(nrm_graph *g, const nrm_node *x, const void *user) { (void)g; (void)user; return nrm_op_gather(x[0], x[1]); }
static nrm_node scatter(nrm_graph *g, const nrm_node *x, const void *user) { (void)g; return nrm_op_scatter_add(x[0], x[1], *(const int64_t *)user); }
static nrm_node take(nrm_graph *g, const nrm_node *x, const void *user) { (void)g; (void)user; return nrm_op_take(x[0], x[1]); }
static nrm_node take_adjoint(nrm_graph *g, const nrm_node *x, const void *user) { (void)g; return nrm_op_take_adjoint(x[0], x[1], *(const int64_t *)user); }

/* Nonlinear around it, so that second derivatives say something. */
static nrm_node bent_gather(nrm_graph *g, const nrm_node *x, const void *user) { return nrm_op_square(gather(g, (nrm_node[]){nrm_op_sin(x[0]), x[1]}, user)); }
static nrm_node bent_scatter(nrm_graph *g, const nrm_node *x, const void *user) { return nrm_op_square(scatter(g, (nrm_node[]){nrm_op_sin(x[0]), x[1]}, user)); }
static nrm_node bent_take(nrm_graph *g, const nrm_node *x, const void *user) { return nrm_op_square(take(g, (nrm_node[]){nrm_op_sin(x[0]), x[1]}, user)); }
static nrm_node bent_adjoint(nrm_graph *g, const nrm_node *x, const void *user) { return nrm_op_square(take_adjoint(g, (nrm_node[]){nrm_op_sin(x[0]), x[1]}, user)); }

static const int64_t seven = 7, six = 6;

static void against_pytorch(void **state)
{
    (void)state;
    const ops_record rows = {.name = "gather", .build = gather, .input_count = 2,
        .inputs = {{.ndim = 3, .shape = {7, 2, 3}, .values = pattern(1, 42)}, {.ndim = 2, .shape = {3, 4}, .index = true, .values = choice(1, 7, 12)}}};
    index_against(&rows, gather_y, (const double *[]){gather_d0});
    const ops_record added = {.name = "scatter_add", .build = scatter, .user = &seven, .input_count = 2,
        .inputs = {{.ndim = 2, .shape = {12, 5}, .values = pattern(2, 60)}, {.ndim = 1, .shape = {12}, .index = true, .values = choice(2, 7, 12)}}};
    index_against(&added, scatter_y, (const double *[]){scatter_d0});
    const ops_record taken = {.name = "take", .build = take, .input_count = 2,
        .inputs = {{.ndim = 3, .shape = {2, 3, 6}, .values = pattern(3, 36)}, {.ndim = 3, .shape = {2, 3, 8}, .index = true, .values = choice(3, 6, 48)}}};
    index_against(&taken, take_y, (const double *[]){take_d0});
    const ops_record given = {.name = "take_adjoint", .build = take_adjoint, .user = &six, .input_count = 2,
        .inputs = {{.ndim = 2, .shape = {3, 8}, .values = pattern(4, 24)}, {.ndim = 2, .shape = {3, 8}, .index = true, .values = choice(4, 6, 24)}}};
    index_against(&given, take_adjoint_y, (const double *[]){take_adjoint_d0});
}

/* Rows narrow and wide, an index of no, one and two dimensions, nothing at all. */
static void rows_by_index(void **state)
{
    static const int64_t widths[] = {1, 3, 8, 33, 100};
    (void)state;
    for (int w = 0; w < 5; w++) {
        const int64_t n = widths[w];
        ops_record r = {.name = "gather", .build = bent_gather, .input_count = 2,
            .inputs = {{.ndim = 2, .shape = {7, n}}, {.ndim = 2, .shape = {3, 5}, .index = true, .high = 7}}};
        ops_check(&r);
        r = (ops_record){.name = "scatter_add", .build = bent_scatter, .user = &seven, .input_count = 2,
            .inputs = {{.ndim = 3, .shape = {3, 5, n}}, {.ndim = 2, .shape = {3, 5}, .index = true, .high = 7}}};
        ops_check(&r);
    }
    const ops_record corners[] = {
        {.name = "gather of one", .build = bent_gather, .input_count = 2, .inputs = {{.ndim = 3, .shape = {4, 2, 3}}, {.ndim = 0, .index = true, .high = 4}}},
        {.name = "gather of numbers", .build = bent_gather, .input_count = 2, .inputs = {{.ndim = 1, .shape = {9}}, {.ndim = 3, .shape = {2, 2, 3}, .index = true, .high = 9}}},
        {.name = "gather of none", .build = bent_gather, .input_count = 2, .inputs = {{.ndim = 2, .shape = {0, 3}}, {.ndim = 1, .shape = {0}, .index = true}}},
        {.name = "gather of empty rows", .build = bent_gather, .input_count = 2, .inputs = {{.ndim = 2, .shape = {4, 0}}, {.ndim = 1, .shape = {5}, .index = true, .high = 4}}},
        {.name = "scatter_add of one", .build = bent_scatter, .user = &seven, .input_count = 2, .inputs = {{.ndim = 2, .shape = {2, 3}}, {.ndim = 0, .index = true, .high = 7}}},
        {.name = "scatter_add of numbers", .build = bent_scatter, .user = &seven, .input_count = 2, .inputs = {{.ndim = 1, .shape = {40}}, {.ndim = 1, .shape = {40}, .index = true, .high = 7}}},
        {.name = "scatter_add of none", .build = bent_scatter, .user = &seven, .input_count = 2, .inputs = {{.ndim = 2, .shape = {0, 3}}, {.ndim = 1, .shape = {0}, .index = true}}},
    };
    ops_check_all(corners, 7);
}

static void along_the_last_axis(void **state)
{
    (void)state;
    const ops_record records[] = {
        {.name = "take", .build = bent_take, .input_count = 2, .inputs = {{.ndim = 3, .shape = {2, 3, 5}}, {.ndim = 3, .shape = {2, 3, 9}, .index = true, .high = 5}}},
        {.name = "take of one row", .build = bent_take, .input_count = 2, .inputs = {{.ndim = 1, .shape = {5}}, {.ndim = 1, .shape = {3}, .index = true, .high = 5}}},
        {.name = "take of none", .build = bent_take, .input_count = 2, .inputs = {{.ndim = 2, .shape = {3, 5}}, {.ndim = 2, .shape = {3, 0}, .index = true}}},
        {.name = "take of no rows", .build = bent_take, .input_count = 2, .inputs = {{.ndim = 2, .shape = {0, 5}}, {.ndim = 2, .shape = {0, 4}, .index = true}}},
        {.name = "take_adjoint", .build = bent_adjoint, .user = &six, .input_count = 2, .inputs = {{.ndim = 2, .shape = {5, 11}}, {.ndim = 2, .shape = {5, 11}, .index = true, .high = 6}}},
        {.name = "take_adjoint of none", .build = bent_adjoint, .user = &six, .input_count = 2, .inputs = {{.ndim = 2, .shape = {5, 0}}, {.ndim = 2, .shape = {5, 0}, .index = true}}},
    };
    ops_check_all(records, 6);
}

/* Sizes at which threads share the work: by columns, by rows, by pieces of one row. */
static void shared_among_threads(void **state)
{
    static const int64_t rows = 501, long_row = 30000;
    (void)state;
    const ops_record records[] = {
        {.name = "scatter_add of wide rows", .build = scatter, .user = &rows, .flags = OPS_NO_DERIVATIVE, .single_tolerance = 1e-4, .input_count = 2,
         .inputs = {{.ndim = 2, .shape = {3000, 77}}, {.ndim = 1, .shape = {3000}, .index = true, .high = 40}}},
        {.name = "scatter_add of narrow rows", .build = scatter, .user = &rows, .flags = OPS_NO_DERIVATIVE, .single_tolerance = 1e-4, .input_count = 2,
         .inputs = {{.ndim = 2, .shape = {20000, 3}}, {.ndim = 1, .shape = {20000}, .index = true, .high = 500}}},
        {.name = "gather of many", .build = gather, .flags = OPS_NO_DERIVATIVE, .input_count = 2,
         .inputs = {{.ndim = 2, .shape = {300, 50}}, {.ndim = 1, .shape = {3001}, .index = true, .high = 300}}},
        {.name = "take of a long row", .build = take, .flags = OPS_NO_DERIVATIVE, .input_count = 2,
         .inputs = {{.ndim = 2, .shape = {2, 1000}}, {.ndim = 2, .shape = {2, 40000}, .index = true, .high = 1000}}},
        {.name = "take_adjoint of long rows", .build = take_adjoint, .user = &long_row, .flags = OPS_NO_DERIVATIVE, .single_tolerance = 1e-4, .input_count = 2,
         .inputs = {{.ndim = 2, .shape = {3, 9000}}, {.ndim = 2, .shape = {3, 9000}, .index = true, .high = 30000}}},
    };
    ops_check_all(records, 5);
}

/* A table of i64 can be read, too. */
static void whole_numbers(void **state)
{
    static const double table[6] = {10, -20, 30, -40, 50, -60}, index[3] = {2, 0, 2};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        const ops_record r = {.name = "i64", .build = kind ? take : gather, .input_count = 2,
            .inputs = {{.ndim = kind ? 1 : 2, .shape = {kind ? 6 : 3, 2}, .index = true, .values = table}, {.ndim = 1, .shape = {3}, .index = true, .values = index}}};
        index_run run = index_begin(ctx, &r);
        double *y;
        ops_evaluate(ctx, 1, &run.y, run.data, (ops_mode){true, true, 1, false}, &y);
        if (kind) assert_all_near(y, ((double[]){30, 10, 30}), 3, 0);
        else assert_all_near(y, ((double[]){50, -60, 10, -20, 50, -60}), 6, 0);
        free(y);
        index_end(&r, &run);
    }
    nrm_ctx_destroy(ctx);
}

static void hostile_indices(void **state)
{
    static const double below[3] = {0, 2, -1}, at[3] = {3, 0, 1}, far[3] = {0, -0x1p63, 0x1p62};
    const double *const all[3] = {below, at, far};
    static const char *const pieces[3] = {"element 2 of the index is -1; it must be at least 0 and less than 3",
                                          "element 0 of the index is 3; it must be at least 0 and less than 3",
                                          "element 1 of the index is -9223372036854775808; it must be"};
    static const int64_t three = 3;
    nrm_node (*const builders[4])(nrm_graph *, const nrm_node *, const void *) = {gather, scatter, take, take_adjoint};
    static const char *const names[4] = {"gather: ", "scatter_add: ", "take: ", "take_adjoint: "};
    (void)state;
    for (int op = 0; op < 4; op++)
        for (int k = 0; k < 3; k++) {
            char piece[160];
            const ops_record r = {.name = names[op], .build = builders[op], .user = &three, .input_count = 2,
                .inputs = {{.ndim = 1, .shape = {3}, .values = pattern(1, 3)}, {.ndim = 1, .shape = {3}, .index = true, .values = all[k]}}};
            snprintf(piece, sizeof piece, "%s%s", names[op], pieces[k]);
            index_run_fails(&r, NRM_E_RANGE, piece);
        }
    const ops_record none = {.name = "gather of no rows", .build = gather, .input_count = 2,
        .inputs = {{.ndim = 2, .shape = {0, 3}, .values = below}, {.ndim = 1, .shape = {1}, .index = true, .values = below}}};
    index_run_fails(&none, NRM_E_RANGE, "gather: element 0 of the index is 0; it must be at least 0 and less than 0");
}

/* A constant index is computed with while compiling, which then says it. */
static void hostile_constants(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    nrm_program *program = NULL;
    (void)state;
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node y = nrm_op_gather(nrm_graph_range(g, NRM_F64, 4), nrm_graph_constant(g, NRM_I64, 1, (int64_t[]){2}, (int64_t[]){1, 4}));
    assert_status(ctx, nrm_compile(ctx, 1, &y, NULL, &program), NRM_E_RANGE);
    assert_message(ctx, "gather: element 1 of the index is 4; it must be at least 0 and less than 4");
    assert_null(program);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

static void refusals(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    KIT_REFUSED(ctx, NRM_E_DTYPE, "gather: the index is f64; indices are i64", , nrm_op_gather(REAL_OF(3, 2), REAL_OF(4)));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "gather: the argument has shape", , nrm_op_gather(nrm_graph_scalar(g, NRM_F32, 1), WHOLE_OF(4)));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "gather: a table of shape 2x1x1x1x1 by an index of shape 1x1x1 would have 7 dimensions", ,
                nrm_op_gather(REAL_OF(2, 1, 1, 1, 1), WHOLE_OF(1, 1, 1)));
    KIT_REFUSED(ctx, NRM_E_NULL, "gather: argument 2 is no node", , nrm_op_gather(REAL_OF(3, 2), (nrm_node){0}));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "scatter_add: the argument is i64", , nrm_op_scatter_add(WHOLE_OF(3), WHOLE_OF(3), 2));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "scatter_add: the index is f64", , nrm_op_scatter_add(REAL_OF(3), REAL_OF(3), 2));
    KIT_REFUSED(ctx, NRM_E_RANGE, "scatter_add: rows is -1", , nrm_op_scatter_add(REAL_OF(3), WHOLE_OF(3), -1));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "scatter_add: x has shape 3x2 and the index 2; x's shape must begin", , nrm_op_scatter_add(REAL_OF(3, 2), WHOLE_OF(2), 5));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "scatter_add: x has shape 3 and the index 3x2", , nrm_op_scatter_add(REAL_OF(3), WHOLE_OF(3, 2), 5));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "scatter_add: the result would have 7 dimensions", , nrm_op_scatter_add(REAL_OF(1, 1, 1, 1, 1, 1), nrm_graph_scalar(g, NRM_I64, 0), 5));
    KIT_REFUSED(ctx, NRM_E_OVERFLOW, "scatter_add: an array of shape", , nrm_op_scatter_add(REAL_OF(3, 2), WHOLE_OF(3), INT64_MAX / 4));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "take: the index is f64", , nrm_op_take(REAL_OF(3), REAL_OF(3)));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "take: x has shape 2x3 and the index 3x3; all axes but the last must agree", , nrm_op_take(REAL_OF(2, 3), WHOLE_OF(3, 3)));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "take: x has shape 2x3 and the index 3", , nrm_op_take(REAL_OF(2, 3), WHOLE_OF(3)));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "take: the argument has shape", , nrm_op_take(nrm_graph_scalar(g, NRM_F64, 1), nrm_graph_scalar(g, NRM_I64, 0)));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "take_adjoint: x has shape 2x3 and the index 2x4; they must agree", , nrm_op_take_adjoint(REAL_OF(2, 3), WHOLE_OF(2, 4), 5));
    KIT_REFUSED(ctx, NRM_E_RANGE, "take_adjoint: n is -2", , nrm_op_take_adjoint(REAL_OF(2, 3), WHOLE_OF(2, 3), -2));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "take_adjoint: the argument is i64", , nrm_op_take_adjoint(WHOLE_OF(2, 3), WHOLE_OF(2, 3), 2));
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(against_pytorch), cmocka_unit_test(rows_by_index), cmocka_unit_test(along_the_last_axis),
              cmocka_unit_test(shared_among_threads), cmocka_unit_test(whole_numbers), cmocka_unit_test(hostile_indices),
              cmocka_unit_test(hostile_constants), cmocka_unit_test(refusals))
