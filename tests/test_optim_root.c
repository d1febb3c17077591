/* test_optim_root.c -- ROOT: the quantile, the clipping, the coefficients. */
#include "base/base.h"
#include "linalg/fitted_coefficients.h"
#include "optim/quantile.h"
#include "optim_kit.h"

/* ---- The quantile --------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* By sorting. */
static double sorted_quantile(nrm_dtype dtype, int64_t n, const void *x, int64_t stride, double q)
{
    const int64_t count = (n + stride - 1) / stride;
    double *s = malloc((size_t)count * sizeof *s);
    for (int64_t i = 0; i < count; i++) s[i] = fabs(kit_get(dtype, x, i * stride));
    qsort(s, (size_t)count, sizeof *s, ascending);
    const double h = q * (double)(count - 1), k = floor(h);
    const double low = s[(int64_t)k], high = s[nrm_min_i64((int64_t)k + 1, count - 1)];
    free(s);
    return low + (h - k) * (high - low);
}

static double a_number(uint64_t *seed, int kind)
{
    switch (kind) {
    case 0: return nrm_test_normal(seed);
    case 1: return (double)(nrm_test_next(seed) % 5) - 2;                                /* ties, zeros of both signs */
    case 2: return nrm_test_normal(seed) * pow(10, 60 * nrm_test_uniform(seed) - 30);    /* all magnitudes, denormal too */
    case 3: return nrm_test_next(seed) % 50 ? -0.0 : nrm_test_normal(seed);
    default: return 1 + 1e-6 * nrm_test_uniform(seed);                                   /* one first digit */
    }
}

static void test_quantile(void **unused)
{
    (void)unused;
    const int64_t sizes[] = {1, 2, 3, 24, 1000, 7001};
    const double qs[] = {1e-9, 0.1, 0.5, 0.85, 0.9, 0.999, 1};
    const nrm_dtype dtypes[] = {NRM_F32, NRM_F64};
    double x[7001], scratch[7001];
    uint64_t seed = 1;
    for (int d = 0; d < 2; d++)
        for (int kind = 0; kind < 5; kind++)
            for (int s = 0; s < NRM_COUNT(sizes); s++) {
                for (int64_t i = 0; i < sizes[s]; i++) kit_set(dtypes[d], x, i, a_number(&seed, kind));
                for (int q = 0; q < NRM_COUNT(qs); q++)
                    for (int64_t stride = 1; stride < 8; stride += 3) {
                        const double want = sorted_quantile(dtypes[d], sizes[s], x, stride, qs[q]);
                        for (int threads = 1; threads < (q == 4 ? 4 : 2); threads++)
                            assert_true(nrm_abs_quantile(dtypes[d], sizes[s], x, stride, qs[q], scratch, threads) == want);
                    }
            }
}

/* ---- Worked numbers ------------------------------------------------------------------------------------ */

static const double CLIPPED[24] = {
    .3608377081, -.3829606264, .5215791834, .0950133020, .3642885337, -.3022939207, .4683868600, .1759462043,
    -.4128207319, .6159501229, .0627140853, .1840231154, -.1997047830, .7470447106, .4922847177, -.3290766495,
    .1057138493, .1810730889, -.0742899766, .0443195593, .1591865659, .3163052585, -.5798468406, .6399647147};
static const double B0[24] = {.1, -.2, .3, 0, .1, -.1, .2, .1, -.3, .4, 0, .1, -.1, .3, .2, -.2, .1, 0, 0, -.1, .1, .2, -.3, 8};

/* -U of one step from W = 0 with the gradient g and no momentum. */
static void direction(int64_t m, int64_t n, nrm_dtype dtype, const double *g, const char *text, double *u)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kit k = {.dtype = dtype};
    char all[256];
    kit_add(&k, 2, (int64_t[]){m, n});
    for (int64_t i = 0; i < m * n; i++) kit_set(dtype, k.gradient[0], i, g[i]), kit_set(dtype, k.parameter[0], i, 0);
    snprintf(all, sizeof all, "lr=1 momentum=0 scale=none %s", text);
    nrm_optimizer *o = kit_optimizer(ctx, &k, "root", all);
    assert_ok(ctx, kit_step(ctx, o, &k));
    for (int64_t i = 0; i < m * n; i++) u[i] = -kit_get(dtype, k.parameter[0], i);
    nrm_optimizer_destroy(ctx, o);
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

static void test_worked_clip(void **unused)
{
    (void)unused;
    double u[24];
    direction(4, 6, NRM_F64, B0, "coefficients=muon", u);
    assert_all_near(u, CLIPPED, 24, 1e-9);
    direction(4, 6, NRM_F32, B0, "coefficients=muon", u);
    assert_all_near(u, CLIPPED, 24, 1e-5);
    /* The fixed threshold of the paper's algorithm, and a sample that is all entries. */
    direction(4, 6, NRM_F64, B0, "coefficients=muon eps_mode=fixed threshold=0.300000001", u);
    assert_all_near(u, CLIPPED, 24, 1e-9);
    direction(4, 6, NRM_F64, B0, "coefficients=muon eps_mode=sampled", u);
    assert_all_near(u, CLIPPED, 24, 1e-9);
    /* Unclipped, one entry eats a singular direction. */
    direction(4, 6, NRM_F64, B0, "coefficients=muon quantile=1", u);
    assert_all_near(u + 18, ((double[]){-.0016, -.0147, .0209, .0101, -.0242, .7011}), 6, 5e-5);
}

static void test_worked_steps(void **unused)
{
    (void)unused;
    kit_worked_steps("root", "lr=0.01 weight_decay=0.1 coefficients=muon", false,
                     (double[]){-.0011179145, -.0521858290, -.0987820855, -.1498500000, .0991075876, .0487845588, -.0031232948,
                                -.0472229114, .1958842927, .1514116474, .0991075876, .0487845588},
                     (double[]){-.0027428789, -.0508654843, -.1008881045, -.1512679360, .0984750021, .0456240151, -.0035540488,
                                -.0456727172, .1986325441, .1507922783, .0974226828, .0463211887});
}

static void test_coefficients_act(void **unused)
{
    (void)unused;
    double u[12];
    direction(3, 4, NRM_F64, KIT_GRADIENT[0], "quantile=1 coefficients=user a=3.4916 b=-4.8224 c=2.1095 allow_unbounded=1", u);
    assert_all_near(u, ((double[]){.3402558185, .6397877179, -.2945258337, -.0074413194, .0606126235, .2722018756, .8339235193,
                                   -.5357448050, .7035569740, -.3011102158, .0680539428, .2948865232}), 12, 1e-9);
    direction(3, 4, NRM_F64, KIT_GRADIENT[0], "quantile=1 coefficients=user a=2.9794 b=-3.6674 c=1.6207", u);
    assert_all_near(u, ((double[]){.3997361152, .7847224354, -.3325842604, -.0294775370, .1261069288, .2441516495, .7684854996,
                                   -.4702880235, .8147625967, -.3369529365, .1555844657, .2960131381}), 12, 1e-9);
}

/* ---- Properties -------------------------------------------------------------------------------------------- */

/* q = 1 with Muon's coefficients: Muon with the sum form of the momentum, to the bit. */
static void test_is_muon(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kit k, twin;
    kit_worked(&k, NRM_F32, true), kit_worked(&twin, NRM_F32, true);
    nrm_optimizer *o = kit_optimizer(ctx, &k, "root", "quantile=1 coefficients=muon");
    nrm_optimizer *p = kit_optimizer(ctx, &twin, "muon", "lr=1e-3 weight_decay=0.1 momentum_form=sum scale=rms");
    for (int step = 0; step < 4; step++) {
        kit_worked_gradient(&k, step), kit_worked_gradient(&twin, step);
        assert_ok(ctx, kit_step(ctx, o, &k));
        assert_ok(ctx, kit_step(ctx, p, &twin));
        kit_same(&k, &twin);
    }
    nrm_optimizer_destroy(ctx, o), nrm_optimizer_destroy(ctx, p);
    kit_end(&k), kit_end(&twin);
    nrm_ctx_destroy(ctx);
}

static void test_homogeneous(void **unused)
{
    (void)unused;
    double scaled[24], u[24];
    for (int i = 0; i < 24; i++) scaled[i] = 1e6 * B0[i];
    direction(4, 6, NRM_F64, scaled, "coefficients=muon", u);
    assert_all_near(u, CLIPPED, 24, 1e-5); /* but for the 1e-9 and the 1e-7, steeply magnified */
}

/* Fitted coefficients come nearer to the polar factor of a Gaussian matrix than Muon's: for each
 * shape its own. */
static void test_fit(void **unused)
{
    (void)unused;
    const char *kinds[] = {"muon", "table", "fit", "each", "best", "exact"};
    const int64_t shapes[][2] = {{16, 64}, {64, 16}, {24, 24}};
    for (int s = 0; s < 3; s++) {
        const int64_t m = shapes[s][0], n = shapes[s][1];
        double g[1024], u[NRM_COUNT(kinds)][1024], off[NRM_COUNT(kinds)] = {0};
        uint64_t seed = 4;
        for (int64_t i = 0; i < m * n; i++) g[i] = nrm_test_normal(&seed);
        for (int k = NRM_COUNT(kinds) - 1; k >= 0; k--) {
            char text[64];
            snprintf(text, sizeof text, "quantile=1 coefficients=%s", kinds[k]);
            direction(m, n, NRM_F64, g, text, u[k]);
            for (int64_t i = 0; i < m * n; i++) off[k] += pow(u[k][i] - u[NRM_COUNT(kinds) - 1][i], 2);
        }
        assert_true(off[1] == off[2]); /* no entry for such shapes */
        for (int k = 1; k < NRM_COUNT(kinds) - 1; k++) assert_true(sqrt(off[k]) < (m == n ? 0.9 : 0.3) * sqrt(off[0]));
    }
}

/* One fit for each shape, either way round; the table for its shapes. */
static void test_shared_fits(void **unused)
{
    (void)unused;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    const int64_t live = memory.live;
    nrm_root_options options = nrm_root_options_default();
    nrm_optimizer *o;
    kit k = {.dtype = NRM_F64};
    kit_add(&k, 2, (int64_t[]){6, 11});
    options.coefficients = NRM_ROOT_FIT;
    const nrm_optimizer_group group = {NRM_OPTIMIZER_ROOT, &options};
    assert_ok(ctx, nrm_optimizer_create(ctx, &o, 1, &group, 1, k.tensor));
    const int64_t one = memory.live - live;
    nrm_optimizer_destroy(ctx, o);
    kit_add(&k, 2, (int64_t[]){11, 6});
    kit_add(&k, 2, (int64_t[]){6, 11});
    assert_ok(ctx, nrm_optimizer_create(ctx, &o, 1, &group, 3, k.tensor));
    assert_int_equal(memory.live - live, one + 2 * 2); /* of each a name, and that of its state */
    memory.requests = 0;
    kit_steps(ctx, o, &k, 0, 2);
    assert_int_equal(memory.requests, 0);
    /* Options that change: other coefficients are made, or all stays. */
    options.steps = 17;
    assert_status(ctx, nrm_optimizer_set_options(ctx, o, 0, &options), NRM_E_RANGE);
    assert_message(ctx, "root: steps is 17; it must be from 1 to 16 for fitted coefficients");
    options.steps = 3;
    assert_ok(ctx, nrm_optimizer_set_options(ctx, o, 0, &options));
    kit_steps(ctx, o, &k, 2, 3);
    nrm_optimizer_destroy(ctx, o);
    assert_int_equal(memory.live, live);
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

static void remember(void *user, nrm_log_level level, const char *text)
{
    char *last = user;
    if (level == NRM_LOG_WARNING) snprintf(last + strlen(last), 512 - strlen(last), "[%s]", text);
}

/* More zeros than the quantile: not clipped, and said once; a zero gradient is no matter. */
static void test_zeros(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    char said[512] = "";
    kit k, twin;
    assert_ok(ctx, nrm_set_log(ctx, remember, said));
    kit_worked(&k, NRM_F64, false), kit_worked(&twin, NRM_F64, false);
    nrm_optimizer *o = kit_optimizer(ctx, &k, "root", "coefficients=muon");
    nrm_optimizer *p = kit_optimizer(ctx, &twin, "root", "coefficients=muon quantile=1");
    for (int step = 0; step < 3; step++) {
        for (int i = 0; i < 12; i++) ((double *)k.gradient[0])[i] = ((double *)twin.gradient[0])[i] = step && i == 5 ? 3 : 0;
        assert_ok(ctx, kit_step(ctx, o, &k));
        assert_ok(ctx, kit_step(ctx, p, &twin));
        kit_same(&k, &twin);
        assert_string_equal(said, step ? "[root: 'w0': more of its momentum is zero than the quantile asks for: not clipped]" : "");
    }
    nrm_optimizer_destroy(ctx, o), nrm_optimizer_destroy(ctx, p);
    kit_end(&k), kit_end(&twin);
    nrm_ctx_destroy(ctx);
}

static void refuse(nrm_ctx *ctx, const char *text, nrm_status status, const char *piece)
{
    nrm_optimizer_options options;
    nrm_optimizer *o = NULL;
    const nrm_optimizer_tensor t = {.name = "w", .dtype = NRM_F32, .ndim = 2, .shape = (int64_t[]){4, 7}};
    assert_ok(ctx, nrm_optimizer_options_init(ctx, NRM_OPTIMIZER_ROOT, &options));
    nrm_status st = nrm_optimizer_options_parse(ctx, NRM_OPTIMIZER_ROOT, &options, text);
    if (st == NRM_OK) st = nrm_optimizer_create(ctx, &o, 1, &(nrm_optimizer_group){NRM_OPTIMIZER_ROOT, &options}, 1, &t);
    assert_status(ctx, st, status);
    assert_message(ctx, piece);
    assert_null(o);
}

static void test_refusals(void **unused)
{
    (void)unused;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    const int64_t live = memory.live;
    refuse(ctx, "quantile=0", NRM_E_RANGE, "root: quantile");
    refuse(ctx, "quantile=1.5", NRM_E_RANGE, "root: quantile");
    refuse(ctx, "eps_mode=fixed", NRM_E_RANGE, "threshold is 0");
    refuse(ctx, "coefficients=user a=3.4916 b=-4.8224 c=2.1095", NRM_E_RANGE, "bring the singular value");
    refuse(ctx, "coefficients=users", NRM_E_ARGUMENT, "polar_express");
    refuse(ctx, "coefficients=each steps=20", NRM_E_RANGE, "root: steps is 20");
    refuse(ctx, "safety=0.5", NRM_E_RANGE, "root: safety is 0.5");
    assert_int_equal(memory.live, live);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_quantile), cmocka_unit_test(test_worked_clip), cmocka_unit_test(test_worked_steps),
              cmocka_unit_test(test_coefficients_act), cmocka_unit_test(test_is_muon), cmocka_unit_test(test_homogeneous),
              cmocka_unit_test(test_fit), cmocka_unit_test(test_shared_fits), cmocka_unit_test(test_zeros),
              cmocka_unit_test(test_refusals))
