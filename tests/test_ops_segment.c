/* test_ops_segment.c -- sums, means, greatest elements and softmax of segments. */
#include "index_kit.h"

typedef nrm_node segment_op(nrm_node x, nrm_node id, int64_t segments);

static const double ids[12] = {3, 0, 0, 5, 2, 1, 0, 3, 5, 5, 2, 0}; /* the script's: 4 is empty */
static segment_op *const ops[4] = {nrm_op_segment_sum, nrm_op_segment_mean, nrm_op_segment_greatest, nrm_op_segment_softmax};
static const char *const names[4] = {"segment_sum", "segment_mean", "segment_greatest", "segment_softmax"};
static const int kinds[4] = {0, 1, 2, 3};

static nrm_node build(nrm_graph *g, const nrm_node *x, const void *user) { (void)g; return ops[*(const int *)user](x[0], x[1], 6); }
/* Nonlinear around it; what is -inf in an empty segment is left out. */
static nrm_node bent(nrm_graph *g, const nrm_node *x, const void *user)
{
    nrm_node y = build(g, (nrm_node[]){nrm_op_sin(x[0]), x[1]}, user);
    if (*(const int *)user == 2) y = nrm_op_gather(y, x[1]);
    return nrm_op_square(y);
}
static nrm_node present(nrm_graph *g, const nrm_node *x, const void *user) /* segments 0 to 3 and 5 */
{
    return nrm_op_gather(build(g, x, user), nrm_graph_constant(g, NRM_I64, 1, (int64_t[]){5}, (int64_t[]){0, 1, 2, 3, 5}));
}

static void against_pytorch(void **state)
{
    (void)state;
    const ops_record mean = {.name = "segment_mean", .build = build, .user = &kinds[1], .input_count = 2,
        .inputs = {{.ndim = 2, .shape = {12, 3}, .values = pattern(6, 36)}, {.ndim = 1, .shape = {12}, .index = true, .values = ids}}};
    index_against(&mean, segment_mean_y, (const double *[]){segment_mean_d0});
    const ops_record softmax = {.name = "segment_softmax", .build = build, .user = &kinds[3], .input_count = 2,
        .inputs = {{.ndim = 2, .shape = {12, 3}, .values = pattern(8, 36)}, {.ndim = 1, .shape = {12}, .index = true, .values = ids}}};
    index_against(&softmax, segment_softmax_y, (const double *[]){segment_softmax_d0});
}

/* Ties share equally; the cotangent of a present segment is the script's. */
static void greatest_against_pytorch(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double tied[36], *results[2];
    const double *x = pattern(7, 36);
    (void)state;
    for (int i = 0; i < 36; i++) tied[i] = rint(x[i]);
    const ops_record r = {.name = "segment_greatest", .build = present, .user = &kinds[2], .input_count = 2,
        .inputs = {{.ndim = 2, .shape = {12, 3}, .values = tied}, {.ndim = 1, .shape = {12}, .index = true, .values = ids}}};
    index_run run = index_begin(ctx, &r);
    const double *u = pattern(9, 18);
    double chosen[15];
    for (int i = 0; i < 15; i++) chosen[i] = u[i < 12 ? i : i + 3];
    const nrm_node cotangent = ops_constant(run.y, 2, (int64_t[]){5, 3}, chosen);
    nrm_node outputs[2] = {run.y, {NULL, -1}};
    nrm_graph_vjp(1, &run.y, &cotangent, 1, run.x, &outputs[1]);
    ops_evaluate(ctx, 2, outputs, run.data, (ops_mode){true, true, 2, false}, results);
    assert_all_near(results[0], segment_greatest_y, 15, 0);
    assert_all_near(results[1], segment_greatest_d0, 36, 1e-14);
    free(results[0]);
    free(results[1]);
    index_end(&r, &run);
    nrm_ctx_destroy(ctx);
}

/* The header's words, row by row. */
static void value(const ops_values *in, double *y, const void *user)
{
    const int kind = *(const int *)user;
    const int64_t rows = in[1].count, n = rows > 0 ? in[0].count / rows : 4;
    for (int64_t s = 0; s < 6; s++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0, most = -INFINITY, count = 0, weights = 0;
            for (int64_t i = 0; i < rows; i++) {
                if (in[1].i[i] != s) continue;
                sum += in[0].x[i * n + j];
                most = fmax(most, in[0].x[i * n + j]);
                count++;
            }
            if (kind < 3) y[s * n + j] = kind == 0 ? sum : kind == 1 ? sum / fmax(count, 1) : most;
            for (int64_t i = 0; i < rows; i++) weights += in[1].i[i] == s ? exp(in[0].x[i * n + j] - most) : 0;
            for (int64_t i = 0; i < rows && kind == 3; i++)
                if (in[1].i[i] == s) y[i * n + j] = exp(in[0].x[i * n + j] - most) / weights;
        }
}

static void values_and_derivatives(void **state)
{
    static const int64_t widths[] = {1, 4, 33};
    (void)state;
    for (int k = 0; k < 4; k++) {
        for (int w = 0; w < 3; w++) {
            ops_record r = {.name = names[k], .build = build, .reference = value, .user = &kinds[k], .flags = k == 2 ? OPS_NO_DERIVATIVE : 0, .input_count = 2,
                .inputs = {{.ndim = 2, .shape = {12, widths[w]}, .distinct = true, .low = -1.5, .high = 1.5}, {.ndim = 1, .shape = {12}, .index = true, .values = ids}}};
            ops_check(&r);
            r.build = bent;
            r.reference = NULL;
            r.flags = 0;
            ops_check(&r);
        }
        const ops_record corners[2] = {
            {.name = names[k], .build = build, .reference = value, .user = &kinds[k], .input_count = 2, .flags = OPS_NO_DERIVATIVE,
             .inputs = {{.ndim = 2, .shape = {0, 4}}, {.ndim = 1, .shape = {0}, .index = true}}},
            {.name = names[k], .build = bent, .user = &kinds[k], .input_count = 2,
             .inputs = {{.ndim = 1, .shape = {12}, .distinct = true, .low = -1.5, .high = 1.5}, {.ndim = 1, .shape = {12}, .index = true, .values = ids}}},
        };
        ops_check_all(corners, 2);
    }
}

static nrm_node greatest_of_many(nrm_graph *g, const nrm_node *x, const void *user) { (void)g; (void)user; return nrm_op_segment_greatest(x[0], x[1], 300); }

static void shared_among_threads(void **state)
{
    (void)state;
    const ops_record records[2] = {
        {.name = "segment_greatest of wide rows", .build = greatest_of_many, .flags = OPS_NO_DERIVATIVE, .input_count = 2,
         .inputs = {{.ndim = 2, .shape = {3000, 77}}, {.ndim = 1, .shape = {3000}, .index = true, .high = 300}}},
        {.name = "segment_greatest of numbers", .build = greatest_of_many, .flags = OPS_NO_DERIVATIVE, .input_count = 2,
         .inputs = {{.ndim = 1, .shape = {60000}}, {.ndim = 1, .shape = {60000}, .index = true, .high = 300}}},
    };
    ops_check_all(records, 2);
}

/* Large numbers, infinities and NaN; the derivatives of an empty or hopeless segment are no NaN. */
static void extremes(void **state)
{
    static const double x[12] = {800, -INFINITY, 1, -INFINITY, -3, -800, 1, 801, -INFINITY, -INFINITY, (double)NAN, 1};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double *results[3];
    (void)state;
    const ops_record r = {.name = "segment_softmax", .build = build, .user = &kinds[3], .input_count = 2,
        .inputs = {{.ndim = 1, .shape = {12}, .values = x}, {.ndim = 1, .shape = {12}, .index = true, .values = ids}}};
    index_run run = index_begin(ctx, &r);
    nrm_node outputs[3] = {run.y, nrm_op_segment_greatest(run.x[0], run.x[1], 6), {NULL, -1}};
    const nrm_node cotangent = ops_constant(run.y, 1, (int64_t[]){12}, pattern(9, 12));
    nrm_graph_vjp(1, &run.y, &cotangent, 1, run.x, &outputs[2]);
    ops_evaluate(ctx, 3, outputs, run.data, (ops_mode){true, true, 1, false}, results);
    const double e = 1 / (1 + exp(1)), third = 1. / 3, none = (double)NAN;
    assert_all_near(results[0], ((double[]){e, 0, third, 0, none, 1, third, 1 - e, 0, 0, none, third}), 12, 1e-15);
    assert_all_near(results[1], ((double[]){1, -800, none, 801, -INFINITY, -INFINITY}), 6, 0);
    for (int i = 0; i < 12; i++) assert_true(isfinite(results[2][i]) || ids[i] == 2);
    for (int k = 0; k < 3; k++) free(results[k]);
    index_end(&r, &run);
    nrm_ctx_destroy(ctx);
}

/* Forward, where an empty segment is an output itself: its tangent is 0, twice too. */
static void empty_segments_forward(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    for (int k = 0; k < 3; k++) {
        const ops_record r = {.name = names[k], .build = build, .user = &kinds[k], .input_count = 2,
            .inputs = {{.ndim = 2, .shape = {12, 1}, .values = pattern(5, 12)}, {.ndim = 1, .shape = {12}, .index = true, .values = ids}}};
        index_run run = index_begin(ctx, &r);
        const nrm_node tangent = ops_constant(run.x[0], 2, (int64_t[]){12, 1}, pattern(6, 12));
        nrm_node jet[2];
        double *results[2];
        nrm_graph_jet(run.x[0], 1, &tangent, run.y, &jet[0], &jet[1]);
        ops_evaluate(ctx, 2, jet, run.data, (ops_mode){true, true, 1, false}, results);
        const double *t = pattern(6, 12);
        for (int i = 0; i < 6; i++) assert_true(isfinite(results[0][i]) && results[1][i] == 0);
        assert_true(results[0][4] == 0);
        assert_near(results[0][1], t[5], 1e-15); /* a segment of one row */
        free(results[0]);
        free(results[1]);
        index_end(&r, &run);
    }
    nrm_ctx_destroy(ctx);
}

static void hostile_ids(void **state)
{
    static const double bad[3] = {0, 6, 1}, negative[3] = {0, 1, -1};
    static const char *const pieces[4] = {"scatter_add: element 1 of the index is 6", "scatter_add: element 1 of the index is 6",
                                          "segment_greatest: element 1 of the index is 6; it must be at least 0 and less than 6",
                                          "segment_greatest: element 1 of the index is 6"};
    (void)state;
    for (int k = 0; k < 4; k++) {
        ops_record r = {.name = names[k], .build = build, .user = &kinds[k], .input_count = 2,
            .inputs = {{.ndim = 2, .shape = {3, 2}, .values = pattern(1, 6)}, {.ndim = 1, .shape = {3}, .index = true, .values = bad}}};
        index_run_fails(&r, NRM_E_RANGE, pieces[k]);
        r.inputs[1].values = negative;
        index_run_fails(&r, NRM_E_RANGE, "element 2 of the index is -1");
    }
}

static void refusals(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    for (int k = 0; k < 4; k++) {
        KIT_REFUSED(ctx, NRM_E_SHAPE, names[k], , ops[k](REAL_OF(3, 2), WHOLE_OF(2), 4));
        assert_message(ctx, ": x has shape 3x2 and the ids 2; there must be one id for each row of x");
        KIT_REFUSED(ctx, NRM_E_SHAPE, names[k], , ops[k](REAL_OF(3, 2), WHOLE_OF(3, 1), 4));
        KIT_REFUSED(ctx, NRM_E_SHAPE, names[k], , ops[k](nrm_graph_scalar(g, NRM_F64, 1), WHOLE_OF(1), 4));
        KIT_REFUSED(ctx, NRM_E_RANGE, names[k], , ops[k](REAL_OF(3, 2), WHOLE_OF(3), -1));
        assert_message(ctx, ": the number of segments is -1; it must be at least 0");
        KIT_REFUSED(ctx, NRM_E_DTYPE, names[k], , ops[k](WHOLE_OF(3, 2), WHOLE_OF(3), 4));
        KIT_REFUSED(ctx, NRM_E_DTYPE, names[k], , ops[k](REAL_OF(3, 2), REAL_OF(3), 4));
        KIT_REFUSED(ctx, NRM_E_NULL, names[k], , ops[k](REAL_OF(3, 2), (nrm_node){0}, 4));
    }
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(against_pytorch), cmocka_unit_test(greatest_against_pytorch), cmocka_unit_test(values_and_derivatives),
              cmocka_unit_test(shared_among_threads), cmocka_unit_test(extremes), cmocka_unit_test(empty_segments_forward), cmocka_unit_test(hostile_ids), cmocka_unit_test(refusals))
