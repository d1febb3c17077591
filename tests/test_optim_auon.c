/* test_optim_auon.c -- AuON and Hybrid-AuON: worked numbers, r by powers and by cosh, bounds, extremes. */
#include "base/base.h"
#include "optim/power_sums.h"
#include "optim_kit.h"

/* -U of one step from W = 0 with the gradient g, without momentum. */
static void direction(const char *kind, const char *text, nrm_dtype dtype, int64_t m, int64_t n, const double *g, double *u)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kit k = {.dtype = dtype};
    char all[256];
    kit_add(&k, 2, (int64_t[]){m, n});
    for (int64_t i = 0; i < m * n; i++) kit_set(dtype, k.gradient[0], i, g[i]), kit_set(dtype, k.parameter[0], i, 0);
    snprintf(all, sizeof all, "lr=1 momentum=0 scale=none %s", text);
    nrm_optimizer *o = kit_optimizer(ctx, &k, kind, all);
    assert_ok(ctx, kit_step(ctx, o, &k));
    for (int64_t i = 0; i < m * n; i++) u[i] = -kit_get(dtype, k.parameter[0], i);
    nrm_optimizer_destroy(ctx, o);
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

static double norm(int64_t n, const double *x)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

/* r of a step with the variant paper: |X| / |U|. */
static double r_with(double eps_norm, double gamma, int64_t n, const double *g)
{
    char text[96];
    double *u = malloc((size_t)n * sizeof *u);
    snprintf(text, sizeof text, "gamma=%.17g eps_norm=%g eps_rms=1e-300", gamma, eps_norm);
    direction("auon", text, NRM_F64, 1, n, g, u);
    const double r = norm(n, g) / (norm(n, g) + eps_norm) / norm(n, u);
    free(u);
    return r;
}

static double r_of(double gamma, int64_t n, const double *g) { return r_with(1e-300, gamma, n, g); }

/* By its definition. */
static double cosh_r(double gamma, int64_t n, const double *g)
{
    const double size = norm(n, g);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += pow(cosh(gamma * g[i] / size), 2);
    return sqrt(sum / (double)n);
}

/* ---- Worked numbers ---------------------------------------------------------------------------------- */

static void test_worked_direction(void **unused)
{
    (void)unused;
    double u[12];
    direction("auon", "", NRM_F64, 3, 4, KIT_GRADIENT[0], u);
    assert_all_near(u, ((double[]){.1879280442, .3758560884, -.1879280442, 0, 0, .1879280442, .5637841326, -.3758560884,
                                   .3758560884, -.1879280442, 0, .1879280442}), 12, 1e-9);
    direction("auon", "eps_rms=1e-300", NRM_F64, 3, 4, KIT_GRADIENT[0], u);
    assert_near(norm(12, u), .9582487738, 1e-9);
    assert_near(r_with(1e-7, 1, 12, KIT_GRADIENT[0]), 1.0435703210, 1e-9);
    assert_near(r_with(1e-7, 1.5, 12, KIT_GRADIENT[0]), 1.1034991939, 1e-9);
    /* One Newton-Schulz step, as it is, over its r. */
    static const double X1[12] = {.4847597728, .9849092950, -.4085329737, -.0466923199, .1696114389, .2684560140,
                                  .8538284531, -.5126818225, .9736450918, -.4097117011, .2163037588, .3405572669};
    direction("hybrid-auon", "", NRM_F64, 3, 4, KIT_GRADIENT[0], u);
    for (int i = 0; i < 12; i++) assert_near(u[i] * 1.1799457638, X1[i], 3e-8); /* eps_rms 1e-8 */
    direction("hybrid-auon", "eps_rms=1e-300", NRM_F64, 3, 4, KIT_GRADIENT[0], u);
    for (int i = 0; i < 12; i++) assert_near(u[i] * 1.1799457638, X1[i], 1e-9);
}

static void test_worked_steps(void **unused)
{
    (void)unused;
    kit_worked_steps("auon", "lr=0.1 weight_decay=0.01", false,
                     (double[]){-.0187928013, -.0875356026, -.0811071987, -.1498500000, .0999, .0311571987, -.0563784039,
                                -.0123643974, .1622143974, .1686428013, .0999, .0311571987},
                     (double[]){-.0281929725, -.0859347709, -.1123095758, -.1700513741, .0794488759, .0013558534, -.0642276934,
                                .0064858950, .1839167033, .1778931225, .0794488759, -.0393465949});
    kit_worked_steps("auon", "lr=0.1 weight_decay=0.01", true,
                     (double[]){-.0217000578, .0999, .1563998844, -.0933501156, .0282499422, .1715500578, -.0781999422,
                                -.0651001734, .0999, -.14985, -.0065498844, .0282499422}, NULL);
    kit_worked_steps("auon", "variant=repo lr=0.1 weight_decay=0.01", false,
                     (double[]){-.0088355300, -.0676210601, -.0910644700, -.14985, .0999, .0411144700, -.0265065901,
                                -.0322789399, .1821289399, .1586855300, .0999, .0411144700},
                     (double[]){-.0128776643, -.0669025907, -.1044280115, -.1584529379, .0910473121, .0282695978, -.0298802050,
                                -.0241447214, .1913504472, .1625778143, .0910473121, .0107640219});
    kit_worked_steps("hybrid-auon", "lr=0.02 weight_decay=0.01", false, NULL,
                     (double[]){-.0155093030, -.0664991113, -.1070186989, -.1517185860, .0894772378, .0313299981, -.0204126291,
                                -.0397790512, .1877784473, .1555646337, .0938702404, .0306963043});
    kit_worked_steps("hybrid-auon", "variant=repo lr=0.02 weight_decay=0.01", false, NULL,
                     (double[]){-.0166290645, -.0603925725, -.1100873108, -.1505546508, .0902445804, .0282716921, -.0203459109,
                                -.0405776033, .1864431662, .1522295648, .0960769185, .0315411576});
    /* The other door to the same. */
    kit_worked_steps("auon", "hybrid_steps=5 gamma=1.5 variant=repo lr=0.02 weight_decay=0.01", false, NULL,
                     (double[]){-.0166290645, -.0603925725, -.1100873108, -.1505546508, .0902445804, .0282716921, -.0203459109,
                                -.0405776033, .1864431662, .1522295648, .0960769185, .0315411576});
}

/* ---- r -------------------------------------------------------------------------------------------------- */

/* Powers where they suffice, cosh where they do not: the definition either way. */
static void test_brake(void **unused)
{
    (void)unused;
    enum { N = 40001 };
    const double gammas[] = {0, 0.3, 1, 1.5, 4, 20};
    const int64_t sizes[] = {1, 2, 12, 4096, N};
    double *g = malloc(N * sizeof *g);
    uint64_t seed = 6;
    int powers = 0, all = 0;
    for (int outlier = 0; outlier < 2; outlier++)
        for (int s = 0; s < NRM_COUNT(sizes); s++)
            for (int c = 0; c < NRM_COUNT(gammas); c++) {
                const nrm_momentum_factors look = {1, 1, 0, 1, 0};
                double m[NRM_POWER_PIECE] = {0}, excess;
                nrm_power_sums sums = {.exponent = 0};
                for (int64_t i = 0; i < sizes[s]; i++) g[i] = nrm_test_normal(&seed);
                if (outlier) g[sizes[s] / 2] = 1e4;
                assert_near(r_of(gammas[c], sizes[s], g), cosh_r(gammas[c], sizes[s], g), 2e-12);
                for (int64_t i = 0; i < sizes[s]; i += NRM_POWER_PIECE) {
                    const nrm_power_sums more =
                        nrm_power_sums_of(NRM_F64, nrm_min_i64(NRM_POWER_PIECE, sizes[s] - i), &look, 0, g + i, m);
                    nrm_power_sums_add(&sums, &more);
                }
                assert_near(nrm_power_sums_norm(&sums), norm(sizes[s], g), 1e-13);
                const double z = ldexp(gammas[c] / norm(sizes[s], g), sums.exponent);
                all++;
                if (!nrm_power_sums_cosh(&sums, sizes[s], z, &excess)) continue;
                powers++;
                assert_near(sqrt(1 + excess), cosh_r(gammas[c], sizes[s], g), 1e-12);
            }
    assert_true(powers > all / 4 && powers < all / 2); /* both ways are taken */
    free(g);
}

/* cosh(gamma / sqrt(N)) <= r <= sqrt(1 + sinh^2(gamma) / N), reached by equal entries and by one. */
static void test_bounds(void **unused)
{
    (void)unused;
    const struct { double gamma, low, high; int64_t n; } rows[] = {{1, 1.041956823, 1.055978924, 12}, {1.5, 1.095224030, 1.173805457, 12},
                                                                 {1, 1.0050042, 1.0068818, 100}, {1, 1.0000500, 1.0000691, 10000}};
    double *g = malloc(10000 * sizeof *g);
    uint64_t seed = 2;
    for (int k = 0; k < NRM_COUNT(rows); k++) {
        const double tol = rows[k].n == 12 ? 1e-9 : 1e-7;
        for (int64_t i = 0; i < rows[k].n; i++) g[i] = i % 3 ? -2 : 2;
        assert_near(r_of(rows[k].gamma, rows[k].n, g), rows[k].low, tol);
        for (int64_t i = 0; i < rows[k].n; i++) g[i] = i == 5 ? -3 : 0;
        assert_near(r_of(rows[k].gamma, rows[k].n, g), rows[k].high, tol);
        for (int64_t i = 0; i < rows[k].n; i++) g[i] = nrm_test_normal(&seed);
        const double r = r_of(rows[k].gamma, rows[k].n, g);
        assert_true(r > rows[k].low - 1e-7 && r < rows[k].high + 1e-7);
    }
    /* 64 x 64 normal numbers; with one entry of 1e4. */
    for (int i = 0; i < 4096; i++) g[i] = nrm_test_normal(&seed);
    assert_near(1e4 * (r_of(1, 4096, g) - 1), 1.2209, 1e-4);
    g[77] = 1e4;
    assert_near(1e4 * (r_of(1, 4096, g) - 1), 1.68573, 1e-4);
    free(g);
}

/* ---- What follows ------------------------------------------------------------------------------------------ */

/* paper: normalised momentum; repo: plain momentum; repo hybrid: Muon without scale by shape; each
 * up to one factor that is nearly 1. */
static void test_what_it_is(void **unused)
{
    (void)unused;
    enum { M = 40, N = 30 };
    double g[M * N], u[M * N], v[M * N];
    uint64_t seed = 8;
    for (int i = 0; i < M * N; i++) g[i] = nrm_test_normal(&seed);
    direction("auon", "", NRM_F64, M, N, g, u);
    for (int i = 0; i < M * N; i++) assert_near(u[i] / g[i], u[0] / g[0], 1e-13);
    assert_true(norm(M * N, u) < 1 && norm(M * N, u) > 1 - 0.7 / (M * N));
    direction("auon", "variant=repo", NRM_F64, M, N, g, u);
    for (int i = 0; i < M * N; i++) assert_true(u[i] / g[i] < 1 && u[i] / g[i] > 1 - 2.3 / (M * N));
    direction("hybrid-auon", "variant=repo", NRM_F64, M, N, g, u);
    direction("muon", "", NRM_F64, M, N, g, v);
    for (int i = 0; i < M * N; i++) assert_true(u[i] / v[i] < 1 && u[i] / v[i] > 1 - 2.3 / (M * N));
    /* paper ignores the scale of g, repo follows it. */
    for (int i = 0; i < M * N; i++) v[i] = 1024 * g[i];
    double w[M * N];
    direction("auon", "", NRM_F64, M, N, g, u);
    direction("auon", "", NRM_F64, M, N, v, w);
    assert_all_near(w, u, M * N, 1e-8);
    direction("auon", "variant=repo", NRM_F64, M, N, g, u);
    direction("auon", "variant=repo", NRM_F64, M, N, v, w);
    for (int i = 0; i < M * N; i++) assert_near(w[i] / 1024, u[i], 1e-8);
    direction("auon", "gamma=0 eps_rms=1e-300", NRM_F64, M, N, g, u);
    assert_near(norm(M * N, u), 1, 1e-8);
}

/* Numbers at the ends of both types, and of very different size in one matrix. */
static void test_extremes(void **unused)
{
    (void)unused;
    const struct { nrm_dtype dtype; double size; } rows[] = {{NRM_F64, 1e300}, {NRM_F64, 1e-250}, {NRM_F64, 1e-40}, {NRM_F32, 1e37},
                                                             {NRM_F32, 1e18}, {NRM_F32, 1e-18}, {NRM_F32, 1e-36}};
    double g[5000], u[5000], v[5000];
    uint64_t seed = 1;
    for (int i = 0; i < 5000; i++) g[i] = nrm_test_normal(&seed) * (i < 2500 ? 1e-12 : 1); /* the first pieces far smaller */
    direction("auon", "eps_norm=1e-300", NRM_F64, 50, 100, g, u);
    for (int k = 0; k < NRM_COUNT(rows); k++) {
        for (int i = 0; i < 5000; i++) v[i] = rows[k].size * g[i];
        direction("auon", "eps_norm=1e-300", rows[k].dtype, 50, 100, v, v);
        assert_all_near(v + 2500, u + 2500, 2500, rows[k].dtype == NRM_F64 ? 1e-12 : 1e-6);
    }
}

static void remember(void *user, nrm_log_level level, const char *text)
{
    if (level == NRM_LOG_WARNING) snprintf(user, 256, "%s", text);
}

/* A single row has nothing to orthogonalise: as auon, and said. */
static void test_vector(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    char said[256] = "";
    kit k = {.dtype = NRM_F32}, twin = {.dtype = NRM_F32};
    kit_add(&k, 2, (int64_t[]){1, 9}), kit_add(&twin, 2, (int64_t[]){1, 9});
    nrm_optimizer *o = kit_optimizer(ctx, &k, "hybrid-auon", "lr=0.1"), *p = kit_optimizer(ctx, &twin, "auon", "lr=0.1");
    assert_ok(ctx, nrm_set_log(ctx, remember, said));
    kit_steps(ctx, o, &k, 0, 2), kit_steps(ctx, p, &twin, 0, 2);
    kit_same(&k, &twin);
    assert_string_equal(said, "hybrid-auon: 'w0': a vector has nothing to orthogonalise: hybrid_steps counts as 0");
    nrm_optimizer_destroy(ctx, o), nrm_optimizer_destroy(ctx, p);
    kit_end(&k), kit_end(&twin);
    nrm_ctx_destroy(ctx);
}

/* No gradient: the decay alone.  A decay that would overshoot is refused, as are options out of range. */
static void test_zero_and_refusals(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const char *bad[][2] = {{"lr=0.5 weight_decay=2", "auon: lr times weight_decay is 1"}, {"gamma=-0.5", "auon: gamma is -0.5"},
                            {"gamma=20.5", "auon: gamma"}, {"momentum=1.1", "auon: momentum"}, {"eps_rms=0", "auon: eps_rms"}};
    kit k;
    kit_worked(&k, NRM_F64, false);
    nrm_optimizer *o = kit_optimizer(ctx, &k, "auon", "lr=0.5 weight_decay=0.2");
    memset(k.gradient[0], 0, 12 * sizeof(double));
    assert_ok(ctx, kit_step(ctx, o, &k));
    for (int i = 0; i < 12; i++) assert_near(kit_get(k.dtype, k.parameter[0], i), 0.9 * (0.1 * (i / 4) - 0.05 * (i % 4)), 1e-15);
    nrm_optimizer_destroy(ctx, o);
    for (int i = 0; i < NRM_COUNT(bad); i++) {
        nrm_optimizer_options options;
        o = NULL;
        assert_ok(ctx, nrm_optimizer_options_init(ctx, NRM_OPTIMIZER_AUON, &options));
        nrm_status st = nrm_optimizer_options_parse(ctx, NRM_OPTIMIZER_AUON, &options, bad[i][0]);
        if (st == NRM_OK) st = nrm_optimizer_create(ctx, &o, 1, &(nrm_optimizer_group){NRM_OPTIMIZER_AUON, &options}, 1, k.tensor);
        assert_status(ctx, st, NRM_E_RANGE);
        assert_message(ctx, bad[i][1]);
        assert_null(o);
    }
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked_direction), cmocka_unit_test(test_worked_steps), cmocka_unit_test(test_brake),
              cmocka_unit_test(test_bounds), cmocka_unit_test(test_what_it_is), cmocka_unit_test(test_extremes),
              cmocka_unit_test(test_vector), cmocka_unit_test(test_zero_and_refusals))
