/* test_optim_rows.c -- NorMuon, and what Muon's family shares: forms of the momentum and of the
 * decay, warm-up, eps and safety. */
#include "base/base.h"
#include "optim/normuon.h"
#include "optim_kit.h"

/* ---- Worked numbers ---------------------------------------------------------------------------- */

static void test_worked(void **unused)
{
    (void)unused;
    kit_worked_steps("normuon", "lr=0.02 weight_decay=0.1", false,
                     (double[]){-.0100365144, -.0666396046, -.0928857491, -.1494196234, .0965680113, .0445706030, -.0169116164,
                                -.0397029186, .1811694557, .1559593456, .0964605578, .0436698141},
                     (double[]){-.0195612423, -.0628466580, -.1105193435, -.1500739181, .0893340298, .0269047977, -.0217353012,
                                -.0397004031, .1858782004, .1512650885, .0955104473, .0291515227});
    kit_worked_steps("normuon", "lr=0.02 weight_decay=0.1", true, NULL,
                     (double[]){-.0187467014, .0883452001, .1859140738, -.0639248436, .0236023261, .1529288919, -.1112030278,
                                -.0245187116, .0949105203, -.1503706322, -.0324886409, .0182434541});
    kit_worked_steps("normuon", "variant=paper lr=0.02 weight_decay=0.1 eps_row=1e-8", true,
                     (double[]){-.0028560028, .0987519563, .1933754635, -.0559107413, .0477193080, .1523675029, -.0975029765,
                                -.0064023418, .0984832982, -.1495589931, -.0440560721, .0461813146},
                     (double[]){-.0073620723, .0980127755, .1945257646, -.0596893892, .0440734111, .1553700262, -.0965617620,
                                -.0118261581, .0948335465, -.1521562464, -.0394542311, .0383746597});
}

/* The i-th array of state of the only tensor. */
static void state_of(nrm_optimizer *o, int i, nrm_array *view) { assert_true(nrm_optimizer_state_at(o, 1 + i, NULL, view)); }

static void test_row_state(void **unused)
{
    (void)unused;
    static const double WIDE[3] = {.0229520434, .0266471065, .0216809979};
    static const double TALL[4] = {.0258851036, .0274863774, .0277081077, .0139606083};
    for (int tall = 0; tall < 2; tall++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        kit k;
        nrm_array v;
        kit_worked(&k, NRM_F64, tall);
        nrm_optimizer *o = kit_optimizer(ctx, &k, "normuon", "lr=0.02 weight_decay=0.1");
        for (int step = 0; step < 2; step++) {
            kit_worked_gradient(&k, step);
            assert_ok(ctx, kit_step(ctx, o, &k));
        }
        state_of(o, 1, &v);
        assert_true(v.ndim == 2 && v.shape[0] == 3 + tall && v.shape[1] == 1);
        assert_all_near(v.data, tall ? TALL : WIDE, 3 + tall, 1e-9);
        nrm_optimizer_destroy(ctx, o);
        kit_end(&k);
        nrm_ctx_destroy(ctx);
    }
}

/* ---- Properties of the step ---------------------------------------------------------------------- */

/* A step with lr 1 and factor 1 on W = 0, and the norms of its rows. */
static double step_norms(const char *kind, const char *text, int64_t m, int64_t n, int steps, double *row, double *update)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kit k = {.dtype = NRM_F64};
    double all = 0;

    kit_add(&k, 2, (int64_t[]){m, n});
    nrm_optimizer *o = kit_optimizer(ctx, &k, kind, text);
    for (int step = 0; step < steps; step++) {
        memset(k.parameter[0], 0, (size_t)(m * n) * 8);
        kit_normal_gradients(&k, (uint64_t)step);
        assert_ok(ctx, kit_step(ctx, o, &k));
    }
    for (int64_t i = 0; i < m; i++) {
        row[i] = 0;
        for (int64_t j = 0; j < n; j++) row[i] += pow(((double *)k.parameter[0])[i * n + j], 2);
        all += row[i];
        row[i] = sqrt(row[i]);
    }
    if (update) memcpy(update, k.parameter[0], (size_t)(m * n) * 8);
    nrm_optimizer_destroy(ctx, o);
    kit_end(&k);
    nrm_ctx_destroy(ctx);
    return sqrt(all);
}

static void test_row_norms(void **unused)
{
    (void)unused;
    double row[32], plain[32], a[9 * 32], b[9 * 32];

    /* At step 1 all rows are equal; the size is Muon's at every step. */
    for (int steps = 1; steps < 4; steps++) {
        const double all = step_norms("normuon", "lr=1 scale=none", 9, 4, steps, row, NULL);
        const double muon = step_norms("muon", "lr=1 scale=none", 9, 4, steps, plain, NULL);
        assert_near(all, muon, 1e-9);
        for (int i = 0; i < 9 && steps == 1; i++) assert_near(row[i], muon / 3, 1e-9);
        /* The paper's: root mean square 0.2 eta, whatever the shape. */
        assert_near(step_norms("normuon", "lr=1 variant=paper", 9, 4, steps, row, NULL), 0.2 * sqrt(36), 1e-12);
        assert_near(step_norms("normuon", "lr=1 variant=paper", 4, 9, steps, row, NULL), 0.2 * sqrt(36), 1e-12);
    }
    /* The exact polar factor of a wide matrix has rows of norm 1: nothing to equalise. */
    step_norms("normuon", "lr=1 coefficients=exact", 5, 9, 3, row, a);
    step_norms("muon", "lr=1 coefficients=exact", 5, 9, 3, row, b);
    assert_all_near(a, b, 45, 1e-9);
    /* Of a wide matrix, axis=long equalises columns: the transposed problem. */
    step_norms("normuon", "lr=1 scale=none axis=long", 5, 9, 1, row, a);
    for (int j = 0; j < 9; j++) {
        double column = 0, first = 0;
        for (int i = 0; i < 5; i++) column += a[i * 9 + j] * a[i * 9 + j], first += a[i * 9] * a[i * 9];
        assert_near(column, first, 1e-9);
    }
    step_norms("normuon", "lr=1 axis=long", 9, 5, 2, row, a);
    step_norms("normuon", "lr=1 axis=row", 9, 5, 2, row, b);
    assert_memory_equal(a, b, 45 * sizeof *a);
}

/* axis=long of G' is axis=row of G, transposed. */
static void test_long_axis(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kit tall, wide;
    kit_worked(&tall, NRM_F64, true), kit_worked(&wide, NRM_F64, false);
    nrm_optimizer *p = kit_optimizer(ctx, &tall, "normuon", "axis=row scale=rms weight_decay=0.1 cautious_decay=1");
    nrm_optimizer *q = kit_optimizer(ctx, &wide, "normuon", "axis=long scale=rms weight_decay=0.1 cautious_decay=1");
    for (int step = 0; step < 3; step++) {
        kit_worked_gradient(&tall, step), kit_worked_gradient(&wide, step);
        assert_ok(ctx, kit_step(ctx, p, &tall));
        assert_ok(ctx, kit_step(ctx, q, &wide));
    }
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            assert_near(((double *)wide.parameter[0])[i * 4 + j], ((double *)tall.parameter[0])[j * 3 + i], 1e-13);
    nrm_array v;
    state_of(q, 1, &v);
    assert_true(v.shape[0] == 4 && v.shape[1] == 1);
    nrm_optimizer_destroy(ctx, p), nrm_optimizer_destroy(ctx, q);
    kit_end(&tall), kit_end(&wide);
    nrm_ctx_destroy(ctx);
}

/* A row without gradient has v = 0 and does not move; when its first gradient comes it does. */
static void test_zero_rows(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kit k;
    nrm_array v;
    kit_worked(&k, NRM_F32, true);
    nrm_optimizer *o = kit_optimizer(ctx, &k, "normuon", "");
    for (int step = 0; step < 3; step++) {
        float before[12];
        memcpy(before, k.parameter[0], sizeof before);
        kit_worked_gradient(&k, step);
        for (int j = 0; j < 3 && step < 2; j++) ((float *)k.gradient[0])[3 + j] = 0;
        assert_ok(ctx, kit_step(ctx, o, &k));
        state_of(o, 1, &v);
        assert_true((((float *)v.data)[1] == 0) == (step < 2));
        for (int i = 0; i < 12; i++) {
            const bool moved = ((float *)k.parameter[0])[i] != before[i];
            assert_true(isfinite(((float *)k.parameter[0])[i]) && moved == (step == 2 || i / 3 != 1));
        }
    }
    nrm_optimizer_destroy(ctx, o);
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

/* Shards of rows, their sums added up, give what the whole matrix gives. */
static void test_shards(void **unused)
{
    (void)unused;
    enum { M = 11, N = 6 };
    const int64_t cut[] = {0, 4, 4, 9, M};
    nrm_normuon_options options = nrm_normuon_options_default();
    double o[M * N], w[M * N], x[M * N], v[M], u[M], by[M], squares[M];
    nrm_normuon_sums parts = {0, 0};
    uint64_t seed = 3;

    for (int i = 0; i < M * N; i++) o[i] = nrm_test_normal(&seed), w[i] = x[i] = nrm_test_normal(&seed);
    for (int i = 0; i < M; i++) v[i] = u[i] = nrm_test_uniform(&seed);
    nrm_normuon_row_squares(NRM_F64, M, N, o, 2, by);
    const nrm_normuon_sums sums = nrm_normuon_lines(NRM_F64, M, N, 0.9, 1e-10, v, by);
    const double rate = nrm_normuon_rate(&options, 0.1, M, N, sums);
    nrm_normuon_descend(NRM_F64, M, N, false, 0.99, false, rate, by, o, 2, w);
    for (int s = 0; s < 4; s++) {
        const int64_t rows = cut[s + 1] - cut[s];
        nrm_normuon_row_squares(NRM_F64, rows, N, o + cut[s] * N, 1, squares + cut[s]);
        const nrm_normuon_sums part = nrm_normuon_lines(NRM_F64, rows, N, 0.9, 1e-10, u + cut[s], squares + cut[s]);
        parts.o += part.o, parts.h += part.h;
    }
    assert_near(parts.o, sums.o, 1e-14);
    assert_near(parts.h, sums.h, 1e-14);
    for (int s = 0; s < 4; s++)
        nrm_normuon_descend(NRM_F64, cut[s + 1] - cut[s], N, false, 0.99, false, nrm_normuon_rate(&options, 0.1, M, N, parts),
                            squares + cut[s], o + cut[s] * N, 1, x + cut[s] * N);
    assert_all_near(x, w, M * N, 1e-14);
    assert_memory_equal(u, v, sizeof v);
}

/* ---- What the family shares ------------------------------------------------------------------------- */

/* From buffers of zero both forms of the momentum give the same steps, but for eps. */
static void test_forms(void **unused)
{
    (void)unused;
    double row[9], a[36], b[36];
    for (int nesterov = 0; nesterov < 2; nesterov++) {
        char text[96];
        snprintf(text, sizeof text, "nesterov=%d eps=1e-300 momentum_form=ema", nesterov);
        step_norms("muon", text, 9, 4, 4, row, a);
        snprintf(text, sizeof text, "nesterov=%d eps=1e-300 momentum_form=sum", nesterov);
        step_norms("muon", text, 9, 4, 4, row, b);
        assert_all_near(b, a, 36, 1e-12);
    }
}

/* momentum_start at the first step, momentum from step momentum_warmup + 1 on. */
static void test_warmup(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kit k = {.dtype = NRM_F64};
    double m[12] = {0};
    nrm_array state;

    kit_add(&k, 2, (int64_t[]){3, 4});
    nrm_optimizer *o = kit_optimizer(ctx, &k, "muon", "momentum=0.95 momentum_start=0.75 momentum_warmup=4");
    for (int step = 0; step < 7; step++) {
        const double mu = fmin(0.95, 0.75 + 0.05 * step);
        kit_gradients(&k, step);
        assert_ok(ctx, kit_step(ctx, o, &k));
        for (int i = 0; i < 12; i++) m[i] = mu * m[i] + (1 - mu) * ((double *)k.gradient[0])[i];
        state_of(o, 0, &state);
        assert_all_near(state.data, m, 12, 1e-14);
    }
    nrm_optimizer_destroy(ctx, o);
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

/* Cautious decay: as no decay where the step leads away from 0, as decay elsewhere. */
static void test_cautious(void **unused)
{
    (void)unused;
    const char *kinds[] = {"muon", "normuon", "normuon axis=long"};
    const char *decays[] = {"weight_decay=0", "weight_decay=5", "weight_decay=5 cautious_decay=1"};
    for (int c = 0; c < NRM_COUNT(kinds); c++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        kit k[3];
        double before[12];
        int kept = 0;
        for (int i = 0; i < 3; i++) {
            char text[96];
            kit_worked(&k[i], NRM_F64, false);
            snprintf(text, sizeof text, "%s %s", decays[i], c == 2 ? "axis=long" : "");
            memcpy(before, k[i].parameter[0], sizeof before);
            nrm_optimizer *o = kit_optimizer(ctx, &k[i], c ? "normuon" : "muon", text);
            assert_ok(ctx, kit_step(ctx, o, &k[i]));
            nrm_optimizer_destroy(ctx, o);
        }
        for (int i = 0; i < 12; i++) {
            const double plain = ((double *)k[0].parameter[0])[i], decayed = ((double *)k[1].parameter[0])[i];
            const bool shrinks = (before[i] - plain) * before[i] > 0;
            kept += !shrinks;
            assert_true(((double *)k[2].parameter[0])[i] == (shrinks ? decayed : plain));
        }
        assert_true(kept > 1 && kept < 11);
        for (int i = 0; i < 3; i++) kit_end(&k[i]);
        nrm_ctx_destroy(ctx);
    }
}

/* eps and safety: of diag(3, 4) the values p(p(..(s / (safety 5 + eps)))). */
static void test_eps_and_safety(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kit k = {.dtype = NRM_F64};
    kit_add(&k, 2, (int64_t[]){2, 2});
    const double g[4] = {3, 0, 0, 4};
    memcpy(k.gradient[0], g, sizeof g);
    memset(k.parameter[0], 0, sizeof g);
    nrm_optimizer *o = kit_optimizer(ctx, &k, "muon", "lr=1 momentum=0 scale=none coefficients=cubic_classic steps=2 safety=1.5 eps=0.25");
    assert_ok(ctx, kit_step(ctx, o, &k));
    for (int i = 0; i < 2; i++) {
        double t = g[3 * i] / 7.75;
        for (int s = 0; s < 2; s++) t = 1.5 * t - 0.5 * t * t * t;
        assert_near(-((double *)k.parameter[0])[3 * i], t, 1e-14);
    }
    nrm_optimizer_destroy(ctx, o);

    nrm_muon_options bad = nrm_muon_options_default();
    bad.safety = 0.5;
    assert_status(ctx, nrm_optimizer_create(ctx, &o, 1, &(nrm_optimizer_group){NRM_OPTIMIZER_MUON, &bad}, 1, k.tensor), NRM_E_RANGE);
    assert_message(ctx, "muon: safety is 0.5");
    nrm_normuon_options worse = nrm_normuon_options_default();
    worse.beta2 = 1;
    assert_status(ctx, nrm_optimizer_create(ctx, &o, 1, &(nrm_optimizer_group){NRM_OPTIMIZER_NORMUON, &worse}, 1, k.tensor), NRM_E_RANGE);
    assert_message(ctx, "normuon: beta2 is 1");
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked), cmocka_unit_test(test_row_state), cmocka_unit_test(test_row_norms),
              cmocka_unit_test(test_long_axis), cmocka_unit_test(test_zero_rows), cmocka_unit_test(test_shards),
              cmocka_unit_test(test_forms), cmocka_unit_test(test_warmup), cmocka_unit_test(test_cautious),
              cmocka_unit_test(test_eps_and_safety))
