/* test_optim_lowrank.c -- dct-adamw, trion, galore, ldadam, frugal, fira and dion: worked
 * numbers, NumPy's (reference/make_optim_lowrank.py), and what must hold whatever the numbers. */
#include "base/base.h"
#include "linalg/fft.h"
#include "optim_kit.h"
#include "reference/optim_lowrank_values.h"

/* ---- Worked numbers ------------------------------------------------------------------------------ */

/* W after each of three steps (NULL: not looked at), as it is and transposed.  No f32 where Adam
 * divides what is 0 but for rounding by itself. */
static void worked(const char *kind, const char *text, bool tall, bool single, const double *const want[3])
{
    for (int d = 0; d < 1 + single; d++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        kit k;
        kit_worked(&k, d ? NRM_F32 : NRM_F64, tall);
        nrm_optimizer *o = kit_optimizer(ctx, &k, kind, text);
        for (int step = 0; step < 3; step++) {
            kit_worked_gradient(&k, step);
            assert_ok(ctx, kit_step(ctx, o, &k));
            for (int i = 0; want[step] && i < 12; i++)
                assert_near(kit_get(k.dtype, k.parameter[0], tall ? i % 4 * 3 + i / 4 : i), want[step][i], d ? 2e-6 : 1e-9);
        }
        nrm_optimizer_destroy(ctx, o);
        kit_end(&k);
        nrm_ctx_destroy(ctx);
    }
}

static void both_ways(const char *kind, const char *text, const double *first, const double *second, const double *third)
{
    for (int tall = 0; tall < 2; tall++) worked(kind, text, tall, strcmp(kind, "dct-adamw") != 0, (const double *const[]){first, second, third});
}

static const double DCT_W1[12] = {-0.0098559855, -0.0516410198, -0.1015910198, -0.1481589803, 0.1022914631, 0.0360115317,
                                  -0.0139384684, -0.0360115316, 0.1899440145, 0.1481589802, 0.0982089802, 0.0516410197};
static const double DCT_W2[12] = {-0.0143179684, -0.0531043950, -0.1010301795, -0.1467829861, 0.1006091658, 0.0284818688,
                                  -0.0148430285, -0.0279075067, 0.1958059152, 0.1570194888, 0.0985700206, 0.0422935301};
static const double DCT_W3[12] = {-0.0188107358, -0.0531913817, -0.1026952005, -0.1543872775, 0.0984581513, 0.0176689933,
                                  -0.0223606591, -0.0234420263, 0.1911030240, 0.1567223782, 0.0967053994, 0.0345001621};

static void test_worked_dct_adamw(void **unused)
{
    (void)unused;
    static const double off[12] = {-0.0143179685, -0.0425807113, -0.1062920213, -0.1467829861, 0.1006091658, 0.0284818688,
                                   -0.0148430285, -0.0279075067, 0.1958059153, 0.1464958050, 0.1038318624, 0.0422935301};
    static const double dct3[12] = {-0.0152716494, -0.0615559067, -0.0953103659, -0.1511755944, 0.0991141391, 0.0447856655,
                                    -0.0143649306, -0.0287031718, 0.1979152905, 0.1505719922, 0.0938610444, 0.0397429757};
    both_ways("dct-adamw", "rank=2 lr=0.01 weight_decay=0.1", DCT_W1, DCT_W2, DCT_W3);
    both_ways("dct-adamw", "rank=2 lr=0.01 weight_decay=0.1 error_feedback=off", DCT_W1, off, NULL);
    both_ways("dct-adamw", "rank=2 lr=0.01 weight_decay=0.1 basis=dct3", NULL, dct3, NULL);
}

static void test_worked_trion(void **unused)
{
    (void)unused;
    static const double first[12] = {-0.0083071458, -0.0529890413, -0.0979909294, -0.1518290633, 0.0988400220, 0.0453218808,
                                     -0.0124543871, -0.0417037395, 0.1912928542, 0.1466109587, 0.1016090706, 0.0477709367};
    static const double second[12] = {-0.0099897169, -0.0523532534, -0.1020131920, -0.1630733790, 0.0945762638, 0.0369370055,
                                      -0.0198495453, -0.0324899734, 0.1892110831, 0.1468475466, 0.0971876080, 0.0361274210};
    worked("trion", "rank=2 lr=0.02 weight_decay=0.1", false, true, (const double *const[]){first, second, NULL});
}

static void test_worked_projected(void **unused)
{
    (void)unused;
    static const double galore[12] = {-0.0048108021, -0.0525130376, -0.0978002661, -0.1462440559, 0.1012286215, 0.0451842308,
                                      -0.0029882333, -0.0453645283, 0.2006804764, 0.1522987383, 0.1002281976, 0.0470864763};
    static const double ldadam2[12] = {-0.0195856068, -0.0605433798, -0.0912391028, -0.1336265475, 0.1060807512, 0.0313292061,
                                       -0.0119118854, -0.0322500718, 0.2043148550, 0.1603689584, 0.1014579209, 0.0375339844};
    static const double ldadam3[12] = {-0.0272798552, -0.0670169870, -0.0918597790, -0.1391722204, 0.1058171953, 0.0232014212,
                                       -0.0169457356, -0.0231996829, 0.2029076518, 0.1635091689, 0.1039746030, 0.0316561068};
    static const double frugal[12] = {-0.0192524845, -0.0803524638, -0.1117827543, -0.1558519206, 0.1055299091, 0.0110278865,
                                      -0.0319548993, -0.0517298004, 0.2039356342, 0.1401149100, 0.0815242040, 0.0186444840};
    both_ways("galore", "rank=2 lr=0.01 weight_decay=0.1 eps=1e-8", NULL, galore, NULL);
    both_ways("ldadam", "rank=2 lr=0.01 weight_decay=0.1", NULL, ldadam2, ldadam3);
    both_ways("frugal", "density=0.67 lr=0.01 weight_decay=0.1", NULL, frugal, NULL);
}

/* Q begins where a state says, as the first two columns of I. */
static void test_worked_dion(void **unused)
{
    (void)unused;
    static const double second[12] = {-0.0112104553, -0.0666513139, -0.1079184571, -0.1523980968, 0.0956725602, 0.0355070873,
                                      -0.0065344924, -0.0367679421, 0.1863242572, 0.1606166578, 0.1026103139, 0.0257365784};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double b[12] = {0}, q[8] = {1, 0, 0, 1};
    int64_t none = 0;
    nrm_named items[3] = {
        {.name = (char[]){"optimizer.step"}, .array = {.data = &none, .dtype = NRM_I64}},
        {.name = (char[]){"dion.b:w0"}, .array = {.data = b, .dtype = NRM_F64, .ndim = 2, .shape = {3, 4}}},
        {.name = (char[]){"dion.q:w0"}, .array = {.data = q, .dtype = NRM_F64, .ndim = 2, .shape = {4, 2}}}};
    kit k;
    kit_worked(&k, NRM_F64, false);
    nrm_optimizer *o = kit_optimizer(ctx, &k, "dion", "rank=2 lr=0.02 weight_decay=0");
    assert_ok(ctx, nrm_optimizer_load_state(ctx, o, &(nrm_bundle){.items = items, .count = 3}));
    for (int step = 0; step < 2; step++) {
        kit_worked_gradient(&k, step);
        assert_ok(ctx, kit_step(ctx, o, &k));
    }
    assert_all_near((double *)k.parameter[0], second, 12, 1e-9);
    nrm_optimizer_destroy(ctx, o);
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

static const void *state_of(nrm_optimizer *o, const char *want, nrm_array *array)
{
    const char *name;
    for (int64_t i = 0; nrm_optimizer_state_at(o, i, &name, array); i++)
        if (strcmp(name, want) == 0) return array->data;
    fail_msg("no state %s", want);
    return NULL;
}

static void test_worked_states(void **unused)
{
    (void)unused;
    static const double error[12] = {-0.5, 1.5, -0.5, -0.5, 0, 0, 0, 0, 0.5, -1.5, 0.5, 0.5};
    static const double moment[8] = {0.0707106781, 0.1414213562, 0, -0.2121320344, -0.0530722778, -0.1592168333, -0.0530722778, 0.3470110469};
    static const double b[12] = {0.925, 1.975, -0.975, -0.025, 0, 0.95, 2.85, -1.9, 1.925, -1.025, 0.025, 0.975};
    const int64_t chosen[3][2] = {{0, 2}, {1, 2}, {0, 2}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_array a;
    kit k;
    kit_worked(&k, NRM_F64, false);
    nrm_optimizer *o = kit_optimizer(ctx, &k, "dct-adamw", "rank=2 lr=0.01 weight_decay=0.1");
    for (int step = 0; step < 3; step++) {
        kit_worked_gradient(&k, step);
        assert_ok(ctx, kit_step(ctx, o, &k));
        assert_memory_equal(state_of(o, "dct-adamw.index:w0", &a), chosen[step], sizeof chosen[step]);
        if (step == 0) assert_all_near((const double *)state_of(o, "dct-adamw.error:w0", &a), error, 12, 1e-9);
        if (step == 1) assert_all_near((const double *)state_of(o, "dct-adamw.m:w0", &a), moment, 8, 1e-9);
    }
    nrm_optimizer_destroy(ctx, o);
    kit_worked_gradient(&k, 0);
    o = kit_optimizer(ctx, &k, "trion", "rank=2 lr=0.02 weight_decay=0.1");
    assert_ok(ctx, kit_step(ctx, o, &k));
    assert_all_near((const double *)state_of(o, "trion.b:w0", &a), b, 12, 1e-9);
    nrm_optimizer_destroy(ctx, o);
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

/* ---- NumPy's numbers -------------------------------------------------------------------------------- */

static void three(kit *k, nrm_dtype dtype)
{
    *k = (kit){.dtype = dtype};
    kit_add(k, 2, (int64_t[]){7, 5});
    kit_add(k, 2, (int64_t[]){5, 13});
    kit_add(k, 2, (int64_t[]){4, 4});
}

/* Less regular than the kit's: those have columns of equal scores. */
static double uneven(int64_t i, int64_t k) { return (double)((i * i * (13 + k) + i * 37 + k * 61) % 101 - 50) / 16.0; }

static void compare(const char *kind, const char *text, const double *want)
{
    char options[256];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kit k;
    snprintf(options, sizeof options, "lr=0.01 weight_decay=0.1 %s", text);
    three(&k, NRM_F64);
    for (int i = 0; i < k.count; i++)
        for (int64_t e = 0; e < k.size[i]; e++) kit_set(NRM_F64, k.parameter[i], e, uneven(e, 0));
    nrm_optimizer *o = kit_optimizer(ctx, &k, kind, options);
    for (int step = 0; step < 7; step++) {
        for (int i = 0; i < k.count; i++)
            for (int64_t e = 0; e < k.size[i]; e++) kit_set(NRM_F64, k.gradient[i], e, uneven(e, 1 + step + 100 * i));
        assert_ok(ctx, kit_step(ctx, o, &k));
    }
    for (int i = 0; i < k.count; want += k.size[i++]) assert_all_near((double *)k.parameter[i], want, k.size[i], 1e-10);
    nrm_optimizer_destroy(ctx, o);
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

static void test_numpy(void **unused)
{
    (void)unused;
    compare("dct-adamw", "rank=2", dct_adamw_plain);
    compare("dct-adamw", "rank=2 update_gap=2 ell_norm=2", dct_adamw_gap);
    compare("dct-adamw", "rank=3 update_gap=3 rotate=0 error_feedback=off", dct_adamw_slots);
    compare("dct-adamw", "rank=2 error_feedback=8bit", dct_adamw_8bit);
    compare("dct-adamw", "rank=2 error_feedback=4bit basis=dct3", dct_adamw_4bit);
    compare("dct-adamw", "rank=3 side=left", dct_adamw_left);
    compare("dct-adamw", "rank=3 side=right", dct_adamw_right);
    compare("trion", "rank=3", trion_plain);
    compare("trion", "rank=2 scale=rms momentum=0.9 basis=dct3", trion_rms);
    compare("galore", "rank=2 update_gap=3", galore_svd);
    compare("galore", "rank=2 update_gap=3 projector=dct2 ell_norm=2", galore_dct2);
    compare("fira", "rank=2 update_gap=4 alpha=0.5", fira_svd);
    compare("fira", "rank=2 update_gap=2 alpha=1 projector=dct2", fira_dct2);
    compare("frugal", "density=0.6 update_gap=3 residual_scale=0.5", frugal_svd);
    compare("frugal", "density=0.3 update_gap=4 residual_scale=0.5 projector=dct2", frugal_dct2);
    compare("ldadam", "rank=2", ldadam_plain);
    compare("ldadam", "rank=3 error_feedback=0", ldadam_off);
}

/* ---- What must hold ------------------------------------------------------------------------------------ */

/* Steps of two optimizers end in the same place. */
static void agree(const char *kind, const char *text, const char *other, const char *other_text, double tolerance)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kit a, b;
    three(&a, NRM_F64), three(&b, NRM_F64);
    nrm_optimizer *first = kit_optimizer(ctx, &a, kind, text), *second = kit_optimizer(ctx, &b, other, other_text);
    kit_steps(ctx, first, &a, 0, 6);
    kit_steps(ctx, second, &b, 0, 6);
    for (int i = 0; i < a.count; i++) assert_all_near((double *)a.parameter[i], (double *)b.parameter[i], a.size[i], tolerance);
    nrm_optimizer_destroy(ctx, first);
    nrm_optimizer_destroy(ctx, second);
    kit_end(&a), kit_end(&b);
    nrm_ctx_destroy(ctx);
}

/* rank = the projected side.  identity: AdamW in the coordinates themselves; Trion is Muon with
 * B as its momentum; Fira's rest is nothing. */
static void test_whole_rank(void **unused)
{
    (void)unused;
    static const char *const cases[][4] = {{"dct-adamw", "rank=5 basis=identity lr=0.1", "adamw", "weight_decay=0 lr=0.1"},
                                           {"trion", "rank=5 scale=none lr=0.1", "muon", "scale=none momentum_form=sum nesterov=0 lr=0.1"},
                                           {"fira", "rank=5 alpha=1 lr=0.1", "galore", "rank=5 alpha=1 lr=0.1"}};
    for (int c = 0; c < NRM_COUNT(cases); c++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        kit a = {.dtype = NRM_F64}, b = {.dtype = NRM_F64};
        kit_add(&a, 2, (int64_t[]){5, 13}), kit_add(&b, 2, (int64_t[]){5, 13});
        kit_add(&a, 2, (int64_t[]){9, 5}), kit_add(&b, 2, (int64_t[]){9, 5});
        nrm_optimizer *first = kit_optimizer(ctx, &a, cases[c][0], cases[c][1]);
        nrm_optimizer *second = kit_optimizer(ctx, &b, cases[c][2], cases[c][3]);
        kit_steps(ctx, first, &a, 0, 6);
        kit_steps(ctx, second, &b, 0, 6);
        for (int t = 0; t < 2; t++) assert_all_near((double *)a.parameter[t], (double *)b.parameter[t], a.size[t], c ? 1e-12 : 1e-14);
        nrm_array e;
        if (c == 0) {
            const double *error = state_of(first, "dct-adamw.error:w0", &e);
            for (int t = 0; t < 65; t++) assert_true(error[t] == 0);
        }
        nrm_optimizer_destroy(ctx, first);
        nrm_optimizer_destroy(ctx, second);
        kit_end(&a), kit_end(&b);
        nrm_ctx_destroy(ctx);
    }
    agree("dct-adamw", "rank=2 max_shape=2 lr=0.01", "adamw", "lr=0.01 weight_decay=0", 1e-14);
    agree("dct-adamw", "rank=3 transform=fft", "dct-adamw", "rank=3 transform=gemm", nrm_fft_accuracy() < 1e-12 ? 1e-9 : 1e-3);
}

/* New options on the way: another basis is made, another rank would be another state. */
static void test_changed_options(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_dct_adamw_options options = nrm_dct_adamw_options_default();
    double w[2][35];
    for (int changed = 0; changed < 2; changed++) {
        kit k = {.dtype = NRM_F64};
        kit_add(&k, 2, (int64_t[]){7, 5});
        nrm_optimizer *o = kit_optimizer(ctx, &k, "dct-adamw", changed ? "rank=2 basis=random seed=1" : "rank=2 basis=random seed=2");
        options.rank = 2, options.basis = NRM_BASIS_RANDOM, options.seed = 2;
        assert_ok(ctx, nrm_optimizer_set_options(ctx, o, 0, &options));
        options.rank = 3;
        assert_status(ctx, nrm_optimizer_set_options(ctx, o, 0, &options), NRM_E_ARGUMENT);
        options.rank = 6;
        assert_status(ctx, nrm_optimizer_set_options(ctx, o, 0, &options), NRM_E_RANGE);
        kit_steps(ctx, o, &k, 0, 3);
        memcpy(w[changed], k.parameter[0], sizeof w[changed]);
        nrm_optimizer_destroy(ctx, o);
        kit_end(&k);
    }
    assert_memory_equal(w[0], w[1], sizeof w[0]);
    nrm_ctx_destroy(ctx);
}

/* Sum of up(a_t) and the last E is the sum of the gradients. */
static void test_error_is_kept(void **unused)
{
    (void)unused;
    for (int rank = 1; rank <= 3; rank++) {
        char text[64];
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        double sum[12] = {0};
        nrm_array e;
        kit k;
        kit_worked(&k, NRM_F64, false);
        snprintf(text, sizeof text, "rank=%d basis=identity beta1=0", rank);
        nrm_optimizer *o = kit_optimizer(ctx, &k, "dct-adamw", text);
        for (int step = 0; step < 9; step++) {
            kit_gradients(&k, step);
            for (int i = 0; i < 12; i++) sum[i] += kit_get(NRM_F64, k.gradient[0], i);
            assert_ok(ctx, kit_step(ctx, o, &k));
            /* identity, beta1 = 0: M is a itself, at the rows I */
            const int64_t *index = state_of(o, "dct-adamw.index:w0", &e);
            const double *m = state_of(o, "dct-adamw.m:w0", &e), *error = state_of(o, "dct-adamw.error:w0", &e);
            for (int i = 0; i < rank * 4; i++) sum[index[i / 4] * 4 + i % 4] -= m[i];
            for (int i = 0; i < 12; i++) assert_near(error[i], sum[i], 1e-13);
        }
        nrm_optimizer_destroy(ctx, o);
        kit_end(&k);
        nrm_ctx_destroy(ctx);
    }
}

/* Rank-2 cosines leave nothing of the middle row of G0: no sign there. */
static void test_no_sign_of_rounding(void **unused)
{
    (void)unused;
    for (int d = 0; d < 2; d++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        double with[12];
        kit k;
        for (int scale = 0; scale < 2; scale++) {
            kit_worked(&k, d ? NRM_F32 : NRM_F64, false);
            nrm_optimizer *o = kit_optimizer(ctx, &k, "frugal", scale ? "density=0.67 projector=dct2" : "density=0.67 projector=dct2 residual_scale=0");
            assert_ok(ctx, kit_step(ctx, o, &k));
            for (int i = 0; i < 12; i++) {
                const double w = kit_get(k.dtype, k.parameter[0], i);
                if (!scale) with[i] = w;
                else assert_near(fabs(w - with[i]), i / 4 == 1 ? 0 : 1e-3, d ? 1e-7 : 1e-15);
            }
            nrm_optimizer_destroy(ctx, o);
            kit_end(&k);
        }
        nrm_ctx_destroy(ctx);
    }
}

/* Codes take an eighth and a sixteenth of the room, and lose little. */
static void test_bytes(void **unused)
{
    (void)unused;
    static const struct { const char *kind, *text; int64_t bytes; } want[] = { /* 7x5, 5x13, 4x4 in f64; the step: 8 */
        {"dct-adamw", "rank=2 error_feedback=off", 8 + 8 * (2 * 2 * (7 + 13 + 4) + 3 * 2)},
        {"dct-adamw", "rank=2", 8 + 8 * (2 * 2 * (7 + 13 + 4) + 3 * 2 + 35 + 65 + 16)},
        {"dct-adamw", "rank=2 error_feedback=8bit", 8 + 8 * (2 * 2 * (7 + 13 + 4) + 3 * 2 + 2 * (7 + 5 + 4)) + 35 + 65 + 16},
        {"dct-adamw", "rank=2 error_feedback=4bit", 8 + 8 * (2 * 2 * (7 + 13 + 4) + 3 * 2 + 2 * (7 + 5 + 4)) + 7 * 3 + 5 * 7 + 4 * 2},
        {"trion", "rank=2", 8 + 8 * (35 + 65 + 16)},
        {"galore", "rank=2", 8 + 8 * (2 * 2 * (7 + 13 + 4) + 2 * (5 + 5 + 4))},
        {"galore", "rank=2 projector=dct2", 8 + 8 * (2 * 2 * (7 + 13 + 4) + 3 * 2)},
        {"fira", "rank=2", 8 + 8 * (2 * 2 * (7 + 13 + 4) + 2 * (5 + 5 + 4) + 3)},
        {"ldadam", "rank=2", 8 + 8 * (2 * 2 * (7 + 13 + 4) + 2 * (5 + 5 + 4) + 35 + 65 + 16)},
        {"dion", "rank=2", 8 + 8 * (35 + 65 + 16 + 2 * (5 + 13 + 4))},
        {"frugal", "density=0.5 projector=columns", 8 + 8 * (2 * 2 * (7 + 13 + 4) + 3 * 2)}};
    for (int i = 0; i < NRM_COUNT(want); i++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        kit k;
        three(&k, NRM_F64);
        nrm_optimizer *o = kit_optimizer(ctx, &k, want[i].kind, want[i].text);
        assert_int_equal(nrm_optimizer_state_bytes(o), want[i].bytes);
        nrm_optimizer_destroy(ctx, o);
        kit_end(&k);
        nrm_ctx_destroy(ctx);
    }
}

/* Random columns: ascending, different from matrix to matrix and from time to time, by the seed. */
static void test_random_columns(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    int64_t first[2][20], later[20];
    nrm_array a;
    for (int seed = 0; seed < 2; seed++) {
        char text[96];
        kit k = {.dtype = NRM_F32};
        kit_add(&k, 2, (int64_t[]){40, 60}), kit_add(&k, 2, (int64_t[]){40, 60});
        snprintf(text, sizeof text, "projector=columns density=0.51 update_gap=2 seed=%d", seed);
        nrm_optimizer *o = kit_optimizer(ctx, &k, "frugal", text);
        kit_steps(ctx, o, &k, 0, 2);
        memcpy(first[seed], state_of(o, "frugal.index:w0", &a), sizeof first[seed]);
        assert_int_equal(a.shape[1], 20);
        assert_memory_not_equal(first[seed], state_of(o, "frugal.index:w1", &a), sizeof first[seed]);
        for (int i = 1; i < 20; i++) assert_true(first[seed][i] > first[seed][i - 1] && first[seed][i] < 40);
        kit_steps(ctx, o, &k, 2, 3);
        memcpy(later, state_of(o, "frugal.index:w0", &a), sizeof later);
        assert_memory_not_equal(first[seed], later, sizeof later);
        nrm_optimizer_destroy(ctx, o);
        kit_end(&k);
    }
    assert_memory_not_equal(first[0], first[1], sizeof first[0]);
    nrm_ctx_destroy(ctx);
}

/* Large matrices: by the fast transform, in lanes and tiles; 1 and 2 threads, same bits. */
static void test_large_matrices(void **unused)
{
    (void)unused;
    static const char *const cases[][2] = {{"dct-adamw", "rank=24 error_feedback=8bit"}, {"dct-adamw", "rank=200 update_gap=2"},
                                           {"trion", "rank=24"}, {"trion", "rank=40 basis=random side=left"}, {"dion", "rank=24"},
                                           {"frugal", "density=0.1 projector=dct3"}, {"fira", "rank=24 projector=dct2"},
                                           {"ldadam", "rank=9"}};
    for (int c = 0; c < NRM_COUNT(cases); c++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        kit k[2];
        for (int t = 0; t < 2; t++) {
            k[t] = (kit){.dtype = NRM_F32};
            kit_add(&k[t], 2, (int64_t[]){260, 500}), kit_add(&k[t], 2, (int64_t[]){400, 270});
            assert_ok(ctx, nrm_set_threads(ctx, 1 + t));
            nrm_optimizer *o = kit_optimizer(ctx, &k[t], cases[c][0], cases[c][1]);
            kit_steps(ctx, o, &k[t], 0, 3);
            nrm_optimizer_destroy(ctx, o);
        }
        kit_same(&k[0], &k[1]);
        for (int64_t i = 0; i < k[0].size[0]; i += 53) assert_true(isfinite(kit_get(NRM_F32, k[0].parameter[0], i)));
        kit_end(&k[0]), kit_end(&k[1]);
        nrm_ctx_destroy(ctx);
    }
}

/* ---- Refusals ------------------------------------------------------------------------------------------- */

static void refuse(const char *kind, const char *text, nrm_status status, const char *message)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_optimizer_options options;
    nrm_optimizer_group group = {.options = &options};
    nrm_optimizer *o = NULL;
    kit k;
    three(&k, NRM_F64);
    assert_ok(ctx, nrm_optimizer_kind_find(ctx, kind, &group.kind));
    assert_ok(ctx, nrm_optimizer_options_init(ctx, group.kind, &options));
    nrm_status st = nrm_optimizer_options_parse(ctx, group.kind, &options, text);
    if (st >= 0) st = nrm_optimizer_create(ctx, &o, 1, &group, k.count, k.tensor);
    assert_int_equal(st, status);
    assert_message(ctx, message);
    assert_null(o);
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

static void test_refusals(void **unused)
{
    (void)unused;
    refuse("dct-adamw", "rank=5", NRM_E_RANGE, "dct-adamw: rank is 5; for 'w2' of 4 x 4 it must be 1 to 4");
    refuse("dct-adamw", "rank=-1", NRM_E_RANGE, "rank");
    refuse("dct-adamw", "rank=2 update_gap=0", NRM_E_RANGE, "update_gap");
    refuse("dct-adamw", "rank=2 ell_norm=3", NRM_E_RANGE, "ell_norm");
    refuse("trion", "rank=2 basis=hadamard", NRM_E_SHAPE, "trion: basis is hadamard and the projected side is 5");
    refuse("galore", "rank=5 side=right", NRM_E_RANGE, "rank is 5");
    refuse("fira", "rank=6", NRM_E_RANGE, "fira: rank is 6; for 'w0' of 7 x 5 it must be 1 to 5");
    refuse("ldadam", "rank=6", NRM_E_RANGE, "ldadam: rank is 6");
    refuse("dion", "rank=6", NRM_E_RANGE, "dion: rank is 6");
    refuse("frugal", "density=1.5", NRM_E_RANGE, "density");
    refuse("frugal", "density=0", NRM_E_RANGE, "density");
}

/* Without a rank: a quarter of the projected side, 1 .. 128. */
static void test_usual_rank(void **unused)
{
    (void)unused;
    const int64_t shapes[][2] = {{3, 5}, {12, 40}, {700, 520}}, ranks[] = {1, 3, 128};
    for (int i = 0; i < 3; i++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        const nrm_optimizer_tensor tensor = {.name = "w", .dtype = NRM_F32, .ndim = 2, .shape = shapes[i]};
        const char *kinds[] = {"trion", "galore", "ldadam", "dion"};
        for (int k = 0; k < 4; k++) {
            nrm_optimizer_group group = {NRM_OPTIMIZER_SGD, NULL};
            nrm_optimizer *o;
            nrm_array view;
            const char *name;
            bool found = false;
            assert_ok(ctx, nrm_optimizer_kind_find(ctx, kinds[k], &group.kind));
            assert_ok(ctx, nrm_optimizer_create(ctx, &o, 1, &group, 1, &tensor));
            for (int64_t j = 0; nrm_optimizer_state_at(o, j, &name, &view); j++)
                found = found || (view.ndim == 2 && nrm_min_i64(view.shape[0], view.shape[1]) == ranks[i]);
            assert_true(found || k == 0); /* trion keeps nothing of that size */
            nrm_optimizer_destroy(ctx, o);
        }
        nrm_ctx_destroy(ctx);
    }
}

/* What a file says of indices and codes is looked at. */
static void test_damaged_state(void **unused)
{
    (void)unused;
    for (int rotate = 0; rotate < 2; rotate++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        nrm_bundle b = {0};
        nrm_named items[16];
        nrm_array *index = NULL;
        kit k;
        kit_worked(&k, NRM_F64, false);
        nrm_optimizer *o = kit_optimizer(ctx, &k, "dct-adamw", rotate ? "rank=2" : "rank=2 rotate=0");
        kit_steps(ctx, o, &k, 0, 2);
        const char *name;
        for (b.items = items; nrm_optimizer_state_at(o, b.count, &name, &items[b.count].array); b.count++) {
            items[b.count].name = (char *)(uintptr_t)name;
            if (strstr(name, "index")) index = &items[b.count].array;
        }
        assert_non_null(index);
        const struct { int64_t x[2]; nrm_status status[2]; } cases[] = {
            {{0, 3}, {NRM_E_RANGE, NRM_E_RANGE}}, {{-1, 2}, {NRM_E_RANGE, NRM_E_RANGE}}, {{1, INT64_MAX}, {NRM_E_RANGE, NRM_E_RANGE}},
            {{2, 0}, {NRM_OK, NRM_E_RANGE}}, {{0, 2}, {NRM_OK, NRM_OK}}, {{0, 0}, {NRM_OK, NRM_OK}}};
        for (int c = 0; c < NRM_COUNT(cases); c++) {
            index->data = (void *)(uintptr_t)cases[c].x;
            assert_status(ctx, nrm_optimizer_load_state(ctx, o, &b), cases[c].status[rotate]);
            if (cases[c].status[rotate] < 0) assert_message(ctx, "the file is damaged");
        }
        nrm_optimizer_destroy(ctx, o);
        kit_end(&k);
        nrm_ctx_destroy(ctx);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked_dct_adamw), cmocka_unit_test(test_worked_trion), cmocka_unit_test(test_worked_projected),
              cmocka_unit_test(test_worked_dion), cmocka_unit_test(test_worked_states), cmocka_unit_test(test_numpy),
              cmocka_unit_test(test_whole_rank), cmocka_unit_test(test_changed_options), cmocka_unit_test(test_error_is_kept), cmocka_unit_test(test_no_sign_of_rounding),
              cmocka_unit_test(test_bytes), cmocka_unit_test(test_random_columns), cmocka_unit_test(test_large_matrices),
              cmocka_unit_test(test_refusals), cmocka_unit_test(test_usual_rank), cmocka_unit_test(test_damaged_state))
