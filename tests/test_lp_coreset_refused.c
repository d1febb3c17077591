/* test_lp_coreset_refused.c -- what lp-coreset refuses, each with its sentence, outputs untouched. */
#include "lp_coreset_kit.h"
#include "data/formats.h"

static void refused(nrm_ctx *ctx, const nrm_lp_coreset_input *in, unsigned want, const nrm_lp_coreset_options *o, nrm_status status,
                    const char *piece)
{
    nrm_lp_coreset_result r, before;
    nrm_lp_coreset_info info, info_before;

    memset(&r, 0x55, sizeof r), memset(&info, 0x55, sizeof info);
    memcpy(&before, &r, sizeof r), memcpy(&info_before, &info, sizeof info);
    assert_status(ctx, nrm_lp_coreset(ctx, in, want, &r, &info, o), status);
    assert_message(ctx, piece);
    assert_memory_equal(&r, &before, sizeof r);
    assert_memory_equal(&info, &info_before, sizeof info);
}

static int64_t nothing_more(void *user, int64_t most, int64_t cols, double *dense)
{
    int *left = user;
    if (*left == 0 || most < 1) return 0;
    for (int64_t j = 0; j < cols; j++) dense[j] = *left * 3 + (double)(j * j);
    --*left;
    return 1;
}

static void test_bad_input(void **state)
{
    (void)state;
    double a[40], weight[20], score[20];
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_options o = with(1, NRM_LP_CORESET_LEWIS, 5);

    make_rows(20, 2, 1, a);
    for (int i = 0; i < 20; i++) weight[i] = score[i] = 1;
    nrm_rows *rows = rows_of(ctx, 20, 2, a), *fewer = rows_of(ctx, 19, 1, a), *flat = rows_of(ctx, 1, 2, a);
    nrm_lp_coreset_input in = {.a = rows};
    assert_int_equal(nrm_lp_coreset(ctx, &in, 0, NULL, NULL, &o), NRM_E_NULL);
    refused(ctx, NULL, 0, &o, NRM_E_NULL, "must not be NULL");
    refused(ctx, &(nrm_lp_coreset_input){0}, 0, &o, NRM_E_NULL, "must not be NULL");
    static const double wrong_p[] = {0.5, 0, -1, NAN, -INFINITY, INFINITY};
    for (int k = 0; k < 6; k++) o.p = wrong_p[k], refused(ctx, &in, 0, &o, NRM_E_RANGE, "p is");
    o = with(1, NRM_LP_CORESET_LEWIS, 2);
    refused(ctx, &in, 0, &o, NRM_E_RANGE, "rows is 2; with 2 columns it must be at least 3");
    o = with(1, NRM_LP_CORESET_UNIFORM, 0);
    refused(ctx, &in, 0, &o, NRM_E_RANGE, "rows is 0");
    o = with(2, NRM_LP_CORESET_COMBINED, 5);
    refused(ctx, &in, 0, &o, NRM_E_RANGE, "combined is for p > 2, and p is 2");
    o = with(3, NRM_LP_CORESET_ROOT_LEVERAGE, 5);
    refused(ctx, &in, 0, &o, NRM_E_RANGE, "root-leverage is for p <= 2, and p is 3");
    o = with(3, NRM_LP_CORESET_AUGMENTED, 5);
    refused(ctx, &in, 0, &o, NRM_E_RANGE, "augmented is for p <= 2");
    o = with(1, NRM_LP_CORESET_LEWIS, 5);
    refused(ctx, &in, NRM_LP_CORESET_WITNESS, &o, NRM_E_ARGUMENT, "set audit");
    o.eps = 0, refused(ctx, &in, 0, &o, NRM_E_RANGE, "eps is 0");
    o.eps = 0.1, o.delta = NAN, refused(ctx, &in, 0, &o, NRM_E_RANGE, "delta is");
    o = with(1, NRM_LP_CORESET_LEWIS, 5);
    in.b = fewer, refused(ctx, &in, 0, &o, NRM_E_SHAPE, "b ends before row 19, but a goes on");
    in.b = NULL, in.a = flat, refused(ctx, &in, 0, &o, NRM_E_SHAPE, "a has 1 rows and 2 columns");
    in = (nrm_lp_coreset_input){.a = rows, .row_weights = weight, .length = 19};
    refused(ctx, &in, 0, &o, NRM_E_SHAPE, "a has 20 rows and there are 19");
    in.length = 20;
    weight[3] = 0, refused(ctx, &in, 0, &o, NRM_E_RANGE, "the weight of row 3 is 0; it must be > 0");
    weight[3] = NAN, refused(ctx, &in, 0, &o, NRM_E_NONFINITE, "the weight of row 3 is nan");
    in.row_weights = NULL, in.user_scores = score;
    refused(ctx, &in, 0, &o, NRM_E_ARGUMENT, "user_scores stand for sensitivities");
    o.scheme = NRM_LP_CORESET_SENSITIVITY;
    score[4] = -1, refused(ctx, &in, 0, &o, NRM_E_RANGE, "the score of row 4 is -1; it must be at least 0");
    score[4] = INFINITY, refused(ctx, &in, 0, &o, NRM_E_NONFINITE, "the score of row 4 is inf");
    memset(score, 0, sizeof score), refused(ctx, &in, 0, &o, NRM_E_RANGE, "all user_scores are 0");
    in = (nrm_lp_coreset_input){.a = rows};
    for (int scheme = NRM_LP_CORESET_UNIFORM; scheme <= NRM_LP_CORESET_AUGMENTED; scheme++)
        for (int passes = NRM_LP_PASSES_ONE; passes <= NRM_LP_PASSES_MANY; passes++) {
            o = with(scheme == NRM_LP_CORESET_COMBINED ? 3 : 1, scheme, 5);
            o.passes = passes;
            a[27] = NAN, refused(ctx, &in, 0, &o, NRM_E_NONFINITE, "a is nan at row 13, column 1");
            a[27] = 1;
        }
    memset(a, 0, sizeof a);
    for (int scheme = NRM_LP_CORESET_SENSITIVITY; scheme <= NRM_LP_CORESET_AUGMENTED; scheme++) {
        o = with(scheme == NRM_LP_CORESET_COMBINED ? 3 : 1, scheme, 5);
        refused(ctx, &in, 0, &o, NRM_E_SINGULAR, "every row is 0");
        o.passes = NRM_LP_PASSES_ONE;
        refused(ctx, &in, 0, &o, NRM_E_SINGULAR, "every row is 0");
    }
    refused(ctx, &in, NRM_LP_CORESET_LEWIS_WEIGHTS, &o, NRM_E_RANGE, "set passes to many");
    nrm_rows_close(ctx, rows), nrm_rows_close(ctx, fewer), nrm_rows_close(ctx, flat);

    static const char ragged[] = "1,2\n3,4\n5\n6,7\n";
    assert_ok(ctx, nrm_rows_open_memory(ctx, &rows, "a.csv", ragged, strlen(ragged), 0));
    in.a = rows;
    for (int passes = NRM_LP_PASSES_AUTO; passes <= NRM_LP_PASSES_MANY; passes++) {
        o = with(1, NRM_LP_CORESET_LEWIS, 3);
        o.passes = passes, refused(ctx, &in, 0, &o, NRM_E_FORMAT, "(row 3) has 1 fields");
    }
    nrm_rows_close(ctx, rows);

    int left = 1;
    assert_ok(ctx, nrm_rows_from_callback(ctx, &rows, 2, nothing_more, &left));
    in.a = rows;
    o = with(1, NRM_LP_CORESET_LEWIS, 5);
    o.passes = NRM_LP_PASSES_MANY, refused(ctx, &in, 0, &o, NRM_E_UNSUPPORTED, "can be read only once");
    o.passes = NRM_LP_PASSES_AUTO, refused(ctx, &in, NRM_LP_CORESET_LEWIS_WEIGHTS, &o, NRM_E_UNSUPPORTED, "many passes");
    refused(ctx, &in, NRM_LP_CORESET_PROBABILITIES, &o, NRM_E_RANGE, "where coresets are merged");
    o.audit = true, refused(ctx, &in, 0, &o, NRM_E_UNSUPPORTED, "the audit reads the rows a second time");
    o.audit = false, refused(ctx, &in, 0, &o, NRM_E_SHAPE, "a has 1 rows and 2 columns");
    nrm_rows_close(ctx, rows);
    nrm_ctx_destroy(ctx);
}

/* Lewis weights that reached their limit of rounds: a remark, and a coreset. */
static void test_not_converged(void **state)
{
    (void)state;
    static double a[900];
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_options o = with(1, NRM_LP_CORESET_LEWIS, 20);
    nrm_lp_coreset_info info;
    nrm_lp_coreset_result r;

    make_rows(300, 3, 9, a);
    o.lewis_iterations = 1, o.lewis_tol = 1e-12;
    assert_int_equal(coreset(ctx, 300, 3, a, 0, &r, &info, &o), NRM_NOT_CONVERGED);
    assert_message(ctx, "less well than asked for");
    assert_true(info.lewis_error > 1e-12 && r.rows > 0);
    nrm_lp_coreset_release(ctx, &r);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_bad_input), cmocka_unit_test(test_not_converged))
