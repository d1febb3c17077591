/* test_volume_refusals.c -- volume-sampling: bad input, where the space vanishes, stopping, memory. */
#include "volume_kit.h"

static void refused(nrm_ctx *ctx, const nrm_space_input *input, const nrm_volume_sampling_start *start, nrm_volume_sampling_options o,
                    nrm_status status, const char *piece)
{
    nrm_volume_sampling_design d = {.points = 77};
    nrm_volume_sampling_info info = {.points = 78};
    assert_status(ctx, nrm_volume_sampling(ctx, input, start, &d, &info, &o), status);
    assert_message(ctx, piece);
    assert_true(d.points == 77 && info.points == 78);
}

static void keep_warning(void *user, nrm_log_level level, const char *message)
{
    if (level == NRM_LOG_WARNING) snprintf(user, 200, "%s", message);
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_volume_sampling_options o = legendre(10, NRM_VOLUME_SAMPLING_IID, 9);
    double f[12] = {1, 2, 3, 2, 4, 5, 3, 6, 1, 4, 8, 2}, mu[4] = {1, 1, 0, 1}, x[2] = {0.5, 2}, w[2] = {1, 0};
    nrm_space_input features = {.rows = 4, .columns = 3, .features = f};

    refused(ctx, NULL, NULL, o, NRM_E_RANGE, "volume-sampling: points is 9, but the space has 10 functions; a fit needs at least as many points");
    o.points = 35, o.scheme = NRM_VOLUME_SAMPLING_REPEATED_DPP;
    refused(ctx, NULL, NULL, o, NRM_E_RANGE, "volume-sampling: points is 35; blocks of 10 points make 30 or 40");
    o.scheme = NRM_VOLUME_SAMPLING_DPP;
    refused(ctx, NULL, NULL, o, NRM_E_RANGE, "points is 35, but a DPP of 10 functions has 10 points");
    o.points = 0, o.mixture = 0.5;
    refused(ctx, NULL, NULL, o, NRM_E_ARGUMENT, "mixture is 0.5");
    o.mixture = 0, o.block_points = 20;
    refused(ctx, NULL, NULL, o, NRM_E_ARGUMENT, "block_points is 20");
    o.scheme = NRM_VOLUME_SAMPLING_REPEATED_VOLUME, o.block_points = 9;
    refused(ctx, NULL, NULL, o, NRM_E_RANGE, "block_points is 9");
    o.block_points = 0, o.delta = 1;
    refused(ctx, NULL, NULL, o, NRM_E_RANGE, "delta is 1");
    o.delta = 0;
    refused(ctx, NULL, NULL, o, NRM_E_RANGE, "delta is 0");
    o.delta = 0.5, o.dimension = 2, o.sampler = NRM_VOLUME_SAMPLING_EIGENVALUES;
    refused(ctx, NULL, NULL, o, NRM_E_ARGUMENT, "sampler is eigenvalues");
    assert_status(ctx, nrm_volume_sampling(ctx, NULL, NULL, NULL, NULL, &o), NRM_E_NULL);

    o = legendre(2, NRM_VOLUME_SAMPLING_DPP, 0);
    refused(ctx, NULL, &(nrm_volume_sampling_start){2, 1, x, NULL}, o, NRM_E_RANGE, "start is 2 at row 1");
    x[1] = NAN;
    refused(ctx, NULL, &(nrm_volume_sampling_start){2, 1, x, NULL}, o, NRM_E_NONFINITE, "start is nan at row 1");
    x[1] = 1;
    refused(ctx, NULL, &(nrm_volume_sampling_start){2, 1, x, w}, o, NRM_E_RANGE, "start_weights[1] is 0");
    refused(ctx, NULL, &(nrm_volume_sampling_start){2, 1, NULL, w}, o, NRM_E_NULL, "start");

    const int64_t twice[3] = {0, 2, 0};
    o = nrm_volume_sampling_options_default();
    o.basis = "hermite";
    refused(ctx, &(nrm_space_input){.index_count = 3, .index_columns = 1, .indices = twice}, NULL, o, NRM_E_ARGUMENT, "indices");
    o = legendre(5001, NRM_VOLUME_SAMPLING_DPP, 0); /* so many are warned of, and then refused for another reason */
    char warned[200] = "";
    assert_ok(ctx, nrm_set_log(ctx, keep_warning, warned));
    o.dimension = 1;
    refused(ctx, NULL, &(nrm_volume_sampling_start){1, 2, x, NULL}, o, NRM_E_SHAPE, "start has 2 numbers a point; points of the space have 1");
    assert_non_null(strstr(warned, "volume-sampling: the space has 5001 functions"));
    assert_ok(ctx, nrm_set_log(ctx, NULL, NULL));

    o = nrm_volume_sampling_options_default();
    refused(ctx, &features, NULL, o, NRM_E_SINGULAR, "column 1");
    f[1] = 1;
    features.mu = mu;
    refused(ctx, &features, NULL, o, NRM_E_RANGE, "mu[2] is 0");
    features.mu = NULL, features.rows = 2;
    refused(ctx, &features, NULL, o, NRM_E_SHAPE, "2");
    nrm_ctx_destroy(ctx);
}

/* A point where the space vanishes has no weight. */
static void test_vanishing(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double f[10] = {1, 0, 0, 1, 0, 0, 1, 1, 2, 1}, x[2] = {3, 2};
    const nrm_space_input features = {.rows = 5, .columns = 2, .features = f};
    nrm_volume_sampling_options o = nrm_volume_sampling_options_default();
    nrm_volume_sampling_design d = {0};
    refused(ctx, &features, &(nrm_volume_sampling_start){2, 1, x, NULL}, o, NRM_E_SINGULAR, "vanish at start[1]");
    o.points = 400, o.scheme = NRM_VOLUME_SAMPLING_IID;
    assert_ok(ctx, nrm_volume_sampling(ctx, &features, NULL, &d, NULL, &o));
    for (int i = 0; i < 400; i++) assert_true(d.index[i] != 2);
    nrm_volume_sampling_design_destroy(ctx, &d);
    o.mixture = 0.5;
    assert_ok(ctx, nrm_volume_sampling(ctx, &features, NULL, &d, NULL, &o));
    int vanishing = 0;
    for (int i = 0; i < 400; i++)
        if (d.index[i] == 2) {
            vanishing++;
            assert_near(d.weights[i], 2, 1e-12);
        }
    assert_true(vanishing > 10);
    nrm_volume_sampling_design_destroy(ctx, &d);
    nrm_ctx_destroy(ctx);
}

static int stop_at_once(void *user, const nrm_progress *progress)
{
    (void)user, (void)progress;
    return 1;
}

static void test_cancel(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_volume_sampling_options o = legendre(10, NRM_VOLUME_SAMPLING_DPP, 0);
    nrm_volume_sampling_design d = {0};
    nrm_volume_sampling_info info;

    nrm_cancel(ctx);
    refused(ctx, NULL, NULL, o, NRM_E_CANCELLED, "volume-sampling: stopped on request");
    nrm_cancel_clear(ctx);
    o.condition = true, o.delta = 1e-9, o.max_reject = 1000000;
    assert_ok(ctx, nrm_set_progress(ctx, stop_at_once, NULL));
    const nrm_status st = nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o);
    assert_true(st == NRM_PARTIAL || st == NRM_E_CANCELLED);
    if (st == NRM_PARTIAL) {
        assert_message(ctx, "the best of them");
        check_design(ctx, &d, &info);
    }
    nrm_volume_sampling_design_destroy(ctx, &d);
    nrm_ctx_destroy(ctx);
}

static nrm_status attempt_among(nrm_ctx *ctx, void *user)
{
    static const double x[6] = {-1, -0.5, 0, 0.25, 0.5, 1};
    nrm_volume_sampling_design d = {0};
    const nrm_status st = nrm_volume_sampling_among(ctx, &(nrm_volume_sampling_candidates){6, 1, x}, NULL, NULL, &d, NULL, user);
    if (st < 0) assert_true(d.points == 0 && d.x == NULL);
    nrm_volume_sampling_design_destroy(ctx, &d);
    return st;
}

typedef struct attempt_at { const nrm_space_input *input; const nrm_volume_sampling_start *start; nrm_volume_sampling_options o; } attempt_at;

static nrm_status attempt(nrm_ctx *ctx, void *user)
{
    const attempt_at *at = user;
    nrm_volume_sampling_design d = {0};
    const nrm_status st = nrm_volume_sampling(ctx, at->input, at->start, &d, NULL, &at->o);
    if (st < 0) assert_true(d.points == 0 && d.x == NULL);
    nrm_volume_sampling_design_destroy(ctx, &d);
    return st;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    static const double f[12] = {1, 1, 3, 2, 4, 5, 3, 6, 1, 4, 8, 2}, x[2] = {0.5, 1};
    const nrm_space_input features = {.rows = 4, .columns = 3, .features = f};
    const nrm_volume_sampling_start start = {2, 1, x, NULL};
    attempt_at rows = {&features, NULL, nrm_volume_sampling_options_default()};
    attempt_at line = {NULL, &start, legendre(3, NRM_VOLUME_SAMPLING_REPEATED_VOLUME, 0)};
        line.o.greedy = true, line.o.delta = 0.9, line.o.condition = true;
    nrm_test_allocation_failures(attempt, &rows, NULL, 0);
    nrm_test_allocation_failures(attempt, &line, NULL, 0);
    line.o.greedy = line.o.condition = false;
    nrm_test_allocation_failures(attempt_among, &line.o, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_refusals), cmocka_unit_test(test_vanishing), cmocka_unit_test(test_cancel),
              cmocka_unit_test(test_allocation_failures))
