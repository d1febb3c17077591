/* test_polar_express.c -- the generator beside the published tables, its minimax property on a
 * grid, and arguments of every kind. */
#include "linalg/polar_express.h"
#include "linalg/solve_small.h"
#include "testkit.h"

/* Amsel et al., arXiv 2505.16932, as printed there and in the programs that use them. */
static const double table5[5][3] = {
    {8.156554524902461, -22.48329292557795, 15.878769915207462},
    {4.042929935166739, -2.808917465908714, 0.5000178451051316},
    {3.8916678022926607, -2.772484153217685, 0.5060648178503393},
    {3.285753657755655, -2.3681294933425376, 0.46449024233003106},
    {2.3465413258596377, -1.7097828382687081, 0.42323551169305323},
};
static const double table8[6][3] = {
    {8.28721201814563, -23.595886519098837, 17.300387312530933},
    {4.107059111542203, -2.9478499167379106, 0.5448431082926601},
    {3.9486908534822946, -2.908902115962949, 0.5518191394370137},
    {3.3184196573706015, -2.488488024314874, 0.51004894012372},
    {2.300652019954817, -1.6689039845747493, 0.4188073119525673},
    {1.891301407787398, -1.2679958271945868, 0.37680408948524835},
};

static nrm_status make(nrm_ctx *ctx, double lower, int steps, double safety, double cushion, nrm_quintic *step,
                       double *lowest)
{
    const nrm_polar_express_options o = {lower, steps, safety, cushion};
    return nrm_polar_express(ctx, "pe", &o, step, lowest);
}

static double value(nrm_quintic p, double t) { return p.a * t + p.b * t * t * t + p.c * t * t * t * t * t; }

static void check_row(nrm_quintic p, const double *row, double tol)
{
    assert_near(p.a, row[0], tol);
    assert_near(p.b, row[1], tol);
    assert_near(p.c, row[2], tol);
}

static void test_tables(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double limit[3] = {1.875, -1.25, 0.375};
    nrm_quintic step[8];
    double lowest;

    assert_ok(ctx, make(ctx, 1e-3, 5, 0.02, 0.02, step, &lowest));
    for (int k = 0; k < 5; k++) check_row(step[k], table5[k], 1e-13);
    assert_near(lowest, 0.8588726435266892, 1e-12);
    assert_ok(ctx, make(ctx, 1e-3, 8, 0, 0.02407327424182761, step, &lowest));
    for (int k = 0; k < 6; k++) check_row(step[k], table8[k], 1e-13);
    check_row(step[6], limit, 2e-6); /* printed as the limit */
    check_row(step[7], limit, 1e-8);
    assert_near(lowest, 1, 1e-14);
    nrm_ctx_destroy(ctx);
}

/* Without safety and cushion each step is the best quintic on [l, 2 - l]: the error takes its
 * largest size at l and three more points, with alternating sign, so no quintic does better
 * (Chebyshev); and l of the next step is what this one leaves. */
static void test_minimax(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double lowers[4] = {1e-6, 1e-3, 0.1, 0.7};
    nrm_quintic step[12];

    for (int i = 0; i < 4; i++) {
        double l = lowers[i], u = 1, lowest;
        assert_ok(ctx, make(ctx, l, 12, 0, 0, step, &lowest));
        for (int k = 0; k < 12 && l / u < 1 - 5e-6; k++) {
            const double most = 1 - value(step[k], l);
            double sup = 0;
            int turns = 0, sign = -1;
            for (int j = 0; j <= 200000; j++) {
                const double e = value(step[k], l + (u - l) * j / 200000) - 1;
                if (fabs(e) > sup) sup = fabs(e);
                if (fabs(e) > most * (1 - 1e-4) - 1e-15 && (e > 0 ? 1 : -1) != sign) sign = -sign, turns++;
            }
            assert_true(most > 0 && sup <= most * (1 + 1e-9) + 1e-14);
            assert_int_equal(turns, 3);
            l = value(step[k], l);
            u = 2 - l;
        }
        assert_true(lowest > (lowers[i] < 1e-5 ? 0.99 : 1 - 1e-12) && lowest <= 1 + 1e-14);
    }
    nrm_ctx_destroy(ctx);
}

/* [lower, 1] ends within [lowest, 2 - lowest], with safety and cushion too. */
static void test_range(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_quintic step[64];
    double lowest;

    for (int steps = 1; steps <= 9; steps++) {
        assert_ok(ctx, make(ctx, 1e-3, steps, 0.02, 0.02, step, &lowest));
        for (int j = 0; j <= 10000; j++) {
            double x = 1e-3 + (1 - 1e-3) * j / 10000;
            for (int k = 0; k < steps; k++) x = value(step[k], x);
            assert_true(x >= lowest - 1e-12 && x <= 2 - lowest + 1e-12);
        }
    }
    assert_ok(ctx, make(ctx, 1e-3, 64, 0, 0, step, &lowest)); /* settled for long */
    assert_near(lowest, 1, 1e-14);
    nrm_ctx_destroy(ctx);
}

/* Every combination ends, with finite coefficients or with a refusal that changes nothing. */
static void test_hostile(void **state)
{
    (void)state;
    static const double lower[] = {1e-300, 1e-12, 1e-3, 0.1, 0.5, 0.999, 1 - 1e-12, 1 - 0x1p-53, 0, 1, -1, 2, NAN, INFINITY};
    static const double cushion[] = {0, 1e-6, 0.02, 0.5, 0.9, 1 - 0x1p-53, 1, -1e-9, NAN};
    static const double safety[] = {0, 0.02, 0.5, 1, 1.01, -1, NAN};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    int made = 0;

    for (size_t i = 0; i < sizeof lower / sizeof *lower; i++)
        for (size_t j = 0; j < sizeof cushion / sizeof *cushion; j++)
            for (size_t k = 0; k < sizeof safety / sizeof *safety; k++) {
                nrm_quintic step[64];
                double lowest = 7;
                step[0].a = 7;
                const nrm_status st = make(ctx, lower[i], 64, safety[k], cushion[j], step, &lowest);
                const bool legal = i < 8 && j < 6 && k < 4;
                assert_true(st == NRM_OK ? legal : st == NRM_E_RANGE && step[0].a == 7 && lowest == 7);
                for (int n = 0; st == NRM_OK && n < 64; n++)
                    assert_true(isfinite(step[n].a) && isfinite(step[n].b) && isfinite(step[n].c));
                made += st == NRM_OK;
            }
    assert_true(made > 100);
    nrm_quintic step[2];
    assert_status(ctx, make(ctx, 1e-3, 0, 0, 0, step, NULL), NRM_E_RANGE);
    assert_message(ctx, "pe: steps is 0; it must be from 1 to 64");
    assert_status(ctx, make(ctx, 1e-3, 65, 0, 0, step, NULL), NRM_E_RANGE);
    assert_status(ctx, make(ctx, 1, 2, 0, 0, step, NULL), NRM_E_RANGE);
    assert_message(ctx, "lower is 1; it must be above 0 and below 1");
    assert_status(ctx, make(ctx, 0.5, 12, 0.5, 0.9, step, NULL), NRM_E_RANGE);
    assert_message(ctx, "has no polynomial with lower 0.5, safety 0.5 and cushion 0.9");
    nrm_ctx_destroy(ctx);
}

/* What the named sets make of [least, 1]: the range, and the slope at 0. */
static void test_named(void **state)
{
    (void)state;
    static const struct { const char *name; int steps; double least, low, high, tol; } row[] = {
        {"muon", 5, 0.01, 0.6818, 1.1344, 5e-5},          {"muon", 5, 0.001, 0.4705, 1.2024, 5e-5},
        {"polar_express", 5, 0.003, 0.8589, 1.1411, 5e-5}, {"quintic_classic", 5, 0.01, 0.2285, 1, 5e-5},
        {"muon8+2", 10, 0.001, 1, 1.00054, 5e-6}};

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const nrm_newton_schulz_set *set = nrm_newton_schulz_set_find(row[i].name);
        double low = INFINITY, high = 0, slope = 1 / set->safety;
        for (int j = 0; j <= 200000; j++) { /* in log t, for what happens near least */
            double x = exp(log(row[i].least) * j / 200000) / set->safety;
            for (int k = 0; k < row[i].steps; k++) x = value(set->step[k < set->step_count ? k : set->step_count - 1], x);
            low = fmin(low, x), high = fmax(high, x);
        }
        assert_near(low, row[i].low, row[i].tol);
        assert_near(high, row[i].high, row[i].tol);
        for (int k = 0; k < 5; k++) slope *= set->step[k < set->step_count ? k : set->step_count - 1].a;
        if (i == 0) assert_near(slope, 484.876, 1e-6);
        if (i == 2) assert_near(slope, 970.07, 5e-6);
    }
}

static void test_solve_small(void **state)
{
    (void)state;
    double a[9] = {0, 2, 1, 1, 1, 0, 2, 0, 3}, b[3] = {7, 3, 11}; /* needs an exchange; x = (1, 2, 3) */
    assert_true(nrm_solve_small(3, a, b));
    assert_all_near(b, ((double[]){1, 2, 3}), 3, 1e-15);
    double singular[4] = {1, 2, 2, 4}, c[2] = {1, 1};
    assert_false(nrm_solve_small(2, singular, c));
    double infinite[1] = {NAN}, d[1] = {1};
    assert_false(nrm_solve_small(1, infinite, d));
}

NRM_TEST_MAIN(cmocka_unit_test(test_tables), cmocka_unit_test(test_minimax), cmocka_unit_test(test_range),
              cmocka_unit_test(test_hostile), cmocka_unit_test(test_named),
              cmocka_unit_test(test_solve_small))
