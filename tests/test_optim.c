/* test_optim.c -- what the optimizers compute: worked numbers, and PyTorch's. */
#include "base/base.h"
#include "linalg/orthogonalise.h"
#include "optim_kit.h"
#include "reference/optim_values.h"

/* ---- Against PyTorch, 20 steps ------------------------------------------------------------ */

#define SHAPE(...) (sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__}

static void any_shapes(kit *k, nrm_dtype dtype)
{
    *k = (kit){.dtype = dtype};
    kit_add(k, SHAPE(7, 5));
    kit_add(k, SHAPE(13));
    kit_add(k, 0, NULL);
    kit_add(k, SHAPE(2, 3, 2));
}

static void matrices(kit *k, nrm_dtype dtype)
{
    *k = (kit){.dtype = dtype};
    kit_add(k, SHAPE(7, 5));
    kit_add(k, SHAPE(5, 13));
    kit_add(k, SHAPE(3, 3));
}

static void compare(nrm_optimizer_kind kind, const void *options, void (*make)(kit *, nrm_dtype), const double *expected)
{
    const nrm_optimizer_group group = {kind, options};
    const nrm_dtype dtypes[] = {NRM_F64, NRM_F32};

    for (int d = 0; d < 2; d++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        nrm_optimizer *o;
        const double *want = expected;
        kit k;
        make(&k, dtypes[d]);
        assert_ok(ctx, nrm_optimizer_create(ctx, &o, 1, &group, k.count, k.tensor));
        kit_steps(ctx, o, &k, 0, 20);
        for (int i = 0; i < k.count; want += k.size[i++])
            for (int64_t e = 0; e < k.size[i]; e++)
                assert_near(kit_get(k.dtype, k.parameter[i], e), want[e], dtypes[d] == NRM_F64 ? 1e-11 : 2e-4);
        nrm_optimizer_destroy(ctx, o);
        kit_end(&k);
        nrm_ctx_destroy(ctx);
    }
}

static void test_torch_sgd(void **unused)
{
    (void)unused;
    nrm_sgd_options o = nrm_sgd_options_default();
    o.lr = 0.03, o.weight_decay = 0.1;
    compare(NRM_OPTIMIZER_SGD, &o, any_shapes, sgd_plain);
    o.momentum = 0.9;
    compare(NRM_OPTIMIZER_SGD, &o, any_shapes, sgd_heavy_ball);
    o.momentum = 0.8, o.nesterov = true, o.weight_decay = 0;
    compare(NRM_OPTIMIZER_SGD, &o, any_shapes, sgd_nesterov);
}

static void test_torch_adamw(void **unused)
{
    (void)unused;
    nrm_adamw_options o = nrm_adamw_options_default();
    compare(NRM_OPTIMIZER_ADAMW, NULL, any_shapes, adamw_default);
    o.lr = 0.02, o.beta1 = 0.8, o.beta2 = 0.95, o.eps = 1e-3, o.weight_decay = 0.3;
    compare(NRM_OPTIMIZER_ADAMW, &o, any_shapes, adamw_fast);
}

static void test_torch_muon(void **unused)
{
    (void)unused;
    nrm_muon_options o = nrm_muon_options_default();
    o.weight_decay = 0.1;
    compare(NRM_OPTIMIZER_MUON, &o, matrices, muon_match_fan);
    o.momentum = 0.9, o.nesterov = false, o.scale = NRM_MATRIX_SCALE_RMS;
    compare(NRM_OPTIMIZER_MUON, &o, matrices, muon_rms);
}

/* Decoupled decay: (1 - eta lambda) w - eta g, and the factor scales eta in both. */
static void test_decoupled(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_sgd_options options = nrm_sgd_options_default();
    double w[3] = {1, -2, 4}, g[3] = {0.5, 0.25, -1};
    void *p[] = {w};
    const void *d[] = {g};
    nrm_optimizer *o;
    const nrm_optimizer_tensor t = {.name = "w", .dtype = NRM_F64, .ndim = 1, .shape = (int64_t[]){3}};
    options.lr = 0.2, options.weight_decay = 0.3, options.decoupled = true;
    assert_ok(ctx, nrm_optimizer_create(ctx, &o, 1, &(nrm_optimizer_group){NRM_OPTIMIZER_SGD, &options}, 1, &t));
    assert_ok(ctx, nrm_optimizer_step(ctx, o, p, d, 0.5));
    assert_all_near(w, ((double[]){0.97 - 0.05, -1.94 - 0.025, 3.88 + 0.1}), 3, 1e-15);
    const double before[3] = {w[0], w[1], w[2]};
    assert_ok(ctx, nrm_optimizer_step(ctx, o, p, d, 0.0));
    assert_memory_equal(w, before, sizeof w);
    nrm_optimizer_destroy(ctx, o);
    nrm_ctx_destroy(ctx);
}

/* Lion against its formula, 20 steps: sign(0) = 0, and the memory is updated after the step. */
static void test_lion(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kit k;
    double w[35], m[35] = {0};
    any_shapes(&k, NRM_F64);
    nrm_optimizer *o = kit_optimizer(ctx, &k, "lion", "lr=0.03 beta1=0.8 beta2=0.95 weight_decay=0.2");
    for (int i = 0; i < 35; i++) w[i] = kit_value(i, 0);
    for (int step = 0; step < 20; step++) {
        kit_gradients(&k, step);
        kit_set(k.dtype, k.gradient[0], 3, 0);
        assert_ok(ctx, kit_step(ctx, o, &k));
        for (int i = 0; i < 35; i++) {
            const double g = i == 3 ? 0 : kit_value(i, 1 + step), u = 0.8 * m[i] + (1 - 0.8) * g;
            w[i] = (1 - 0.03 * 0.2) * w[i] - 0.03 * ((u > 0) - (u < 0));
            m[i] = 0.95 * m[i] + (1 - 0.95) * g;
        }
        assert_all_near(k.parameter[0], w, 35, 1e-14);
    }
    nrm_optimizer_destroy(ctx, o);
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

/* ---- Worked numbers of the orthogonalisation and of Muon -------------------------------------- */

static const double G0[12] = {1, 2, -1, 0, 0, 1, 3, -2, 2, -1, 0, 1};
static const double G1[12] = {0, -1, 2, 1, 1, 1, -1, 0, -2, 0, 1, 3};
static const double NS_MUON[12] = {0.4514316604, 0.7529290038, -0.3109954046, -0.0126109461, 0.1656581480, 0.2731625663,
                                   0.8668185984, -0.5226596829, 0.9838765454, -0.3341420401, 0.1782690941, 0.3325855977};
static const double NS_POLAR[12] = {0.3990504610, 0.9347153482, -0.4098118165, -0.0505558108, 0.0903502661, 0.2581443841,
                                    0.8002475141, -0.5033815874, 0.7403708742, -0.3933175172, 0.1409060769, 0.3051130764};
static const double POLAR[12] = {0.4240087628, 0.8333034448, -0.3533247066, -0.0313622318, 0.1334085197, 0.2592380113,
                                 0.8158307537, -0.4994176626, 0.8637779979, -0.3578276987, 0.1647707515, 0.3141615951};

/* The matrix -O that one step of Muon without momentum, decay and scale adds to W = 0. */
static void orthogonalise(nrm_orthogonaliser coefficients, int64_t m, int64_t n, const double *g, double *o)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_muon_options options = nrm_muon_options_default();
    nrm_optimizer *optimizer;
    void *p[] = {o};
    const void *d[] = {g};
    const nrm_optimizer_tensor t = {.name = "w", .dtype = NRM_F64, .ndim = 2, .shape = (int64_t[]){m, n}};
    options.lr = 1, options.momentum = 0, options.coefficients = coefficients, options.scale = NRM_MATRIX_SCALE_NONE;
    for (int64_t i = 0; i < m * n; i++) o[i] = 0;
    assert_ok(ctx, nrm_optimizer_create(ctx, &optimizer, 1, &(nrm_optimizer_group){NRM_OPTIMIZER_MUON, &options}, 1, &t));
    assert_ok(ctx, nrm_optimizer_step(ctx, optimizer, p, d, 1));
    for (int64_t i = 0; i < m * n; i++) o[i] = -o[i];
    nrm_optimizer_destroy(ctx, optimizer);
    nrm_ctx_destroy(ctx);
}

static void transpose(int64_t m, int64_t n, const double *a, double *t)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) t[j * m + i] = a[i * n + j];
}

static void test_orthogonalised(void **unused)
{
    (void)unused;
    const struct { nrm_orthogonaliser set; const double *expected; } rows[] = {
        {NRM_ORTHOGONALISE_MUON, NS_MUON}, {NRM_ORTHOGONALISE_POLAR_EXPRESS, NS_POLAR}, {NRM_ORTHOGONALISE_EXACT, POLAR}};
    double o[12], tall[12], q[12], back[12];
    for (int k = 0; k < 3; k++) {
        orthogonalise(rows[k].set, 3, 4, G0, o);
        assert_all_near(o, rows[k].expected, 12, 1e-9);
        transpose(3, 4, G0, tall);
        orthogonalise(rows[k].set, 4, 3, tall, q);
        transpose(4, 3, q, back);
        if (k < 2) assert_memory_equal(back, o, sizeof o);
        else assert_all_near(back, o, 12, 1e-13);
    }
    /* The sets that converge end at the polar factor. */
    orthogonalise(NRM_ORTHOGONALISE_POLAR_EXPRESS8, 3, 4, G0, o);
    assert_all_near(o, POLAR, 12, 1e-9);
    orthogonalise(NRM_ORTHOGONALISE_MUON8_2, 3, 4, G0, o);
    assert_all_near(o, POLAR, 12, 1e-3);
    orthogonalise(NRM_ORTHOGONALISE_MUON, 2, 2, ((double[]){3, 0, 0, 4}), o);
    assert_all_near(o, ((double[]){0.72287617, 0, 0, 1.11920393}), 4, 2e-7);
    orthogonalise(NRM_ORTHOGONALISE_POLAR_EXPRESS, 2, 2, ((double[]){3, 0, 0, 4}), o);
    assert_all_near(o, ((double[]){0.9467875, 0, 0, 0.87828654}), 4, 5e-6); /* its eps is 1e-6, steeply magnified */
}

/* Zero rows stay zero and change nothing; scale does not matter. */
static void test_invariance(void **unused)
{
    (void)unused;
    double padded[20] = {0}, o[20], scaled[12], q[12];
    memcpy(padded + 4, G0, sizeof G0);
    orthogonalise(NRM_ORTHOGONALISE_MUON, 5, 4, padded, o);
    assert_all_near(o + 4, NS_MUON, 12, 1e-9);
    for (int j = 0; j < 4; j++) assert_true(o[j] == 0 && o[16 + j] == 0);
    for (int i = 0; i < 12; i++) scaled[i] = 1e3 * G0[i];
    orthogonalise(NRM_ORTHOGONALISE_MUON, 3, 4, scaled, q);
    assert_all_near(q, NS_MUON, 12, 1e-6);
    for (int i = 0; i < 12; i++) scaled[i] = 1e200 * G0[i];
    orthogonalise(NRM_ORTHOGONALISE_MUON, 3, 4, scaled, q);
    assert_all_near(q, NS_MUON, 12, 1e-6);
}

/* sigma -> p(p(...)) over (0, 1]: the ranges the coefficients are known for. */
static void test_ranges(void **unused)
{
    (void)unused;
    const struct { const char *set; int steps; double least, low, high; } rows[] = {
        {"muon", 5, 0.01, 0.6818, 1.1344}, {"muon", 5, 0.001, 0.4705, 1.2024}, {"polar_express", 5, 0.003, 0.8589, 1.1411},
        {"quintic_classic", 5, 0.01, 0.2285, 1}, {"muon8+2", 10, 0.001, 1 - 1e-15, 1.00054}};
    for (int k = 0; k < NRM_COUNT(rows); k++) {
        const nrm_newton_schulz_set *set = nrm_newton_schulz_set_find(rows[k].set);
        double low = INFINITY, high = 0, slope = 1 / set->safety;
        for (int i = 0; i <= 100000; i++) {
            double t = (rows[k].least + (1 - rows[k].least) * i / 100000) / set->safety;
            for (int s = 0; s < rows[k].steps; s++) {
                const nrm_quintic q = set->step[s < set->step_count ? s : set->step_count - 1];
                t = t * (q.a + t * t * (q.b + t * t * q.c));
                if (i == 0) slope *= q.a;
            }
            low = fmin(low, t), high = fmax(high, t);
        }
        assert_near(low, rows[k].low, 1e-4);
        assert_near(high, rows[k].high, 1e-4);
        if (k == 0) assert_near(slope, 484.876, 1e-5);
        if (k == 2) assert_near(slope, 970.07, 1e-4);
    }
}

static void test_muon_worked(void **unused)
{
    (void)unused;
    static const double W1[12] = {-.0090286351, -.0649585927, -.0935800868, -.1494477792, .0964868364, .0444367494,
                                  -.0173363701, -.0394468078, .1799224693, .1563828447, .0962346155, .0432482879};
    static const double W2[12] = {-.0183483715, -.0612483787, -.1108258268, -.1500813460, .0888719378, .0258198904,
                                  -.0224221137, -.0394489661, .1843844014, .1519031869, .0953221822, .0294402996};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_muon_options options = nrm_muon_options_default();
    nrm_optimizer *o;
    double w[12];
    void *p[] = {w};
    /* A 3 x 2 x 2 tensor is the same matrix. */
    const nrm_optimizer_tensor t = {.name = "w", .dtype = NRM_F64, .ndim = 3, .shape = (int64_t[]){3, 2, 2}};
    options.weight_decay = 0.1;
    for (int i = 0; i < 12; i++) w[i] = 0.1 * (i / 4) - 0.05 * (i % 4);
    assert_ok(ctx, nrm_optimizer_create(ctx, &o, 1, &(nrm_optimizer_group){NRM_OPTIMIZER_MUON, &options}, 1, &t));
    assert_ok(ctx, nrm_optimizer_step(ctx, o, p, (const void *[]){G0}, 1));
    assert_all_near(w, W1, 12, 1e-9);
    assert_ok(ctx, nrm_optimizer_step(ctx, o, p, (const void *[]){G1}, 1));
    assert_all_near(w, W2, 12, 1e-9);
    nrm_optimizer_destroy(ctx, o);

    /* Fused blocks are orthogonalised apart: rows 0-2 and 3-5 as two 3 x 4 matrices. */
    double both[24], g[24];
    const nrm_optimizer_tensor fused = {.name = "qk", .dtype = NRM_F64, .ndim = 2, .shape = (int64_t[]){6, 4},
                                        .split_count = 2, .split = (int64_t[]){3, 3}};
    for (int i = 0; i < 24; i++) both[i] = 0.1 * (i / 4 % 3) - 0.05 * (i % 4);
    assert_ok(ctx, nrm_optimizer_create(ctx, &o, 1, &(nrm_optimizer_group){NRM_OPTIMIZER_MUON, &options}, 1, &fused));
    for (int step = 0; step < 2; step++) {
        for (int i = 0; i < 24; i++) g[i] = i < 12 ? (step ? G1 : G0)[i] : (step ? G0 : G0)[i - 12];
        assert_ok(ctx, nrm_optimizer_step(ctx, o, (void *[]){both}, (const void *[]){g}, 1));
        assert_all_near(both, step ? W2 : W1, 12, 1e-9);
        if (!step) assert_all_near(both + 12, W1, 12, 1e-9);
    }
    nrm_optimizer_destroy(ctx, o);
    nrm_ctx_destroy(ctx);
}

/* Zero gradients: no step and no NaN, for every orthogonaliser and shape. */
static void test_zero_gradient(void **unused)
{
    (void)unused;
    double g[12] = {0}, o[12];
    for (int c = 0; c < nrm_orthogonaliser_count; c++) {
        orthogonalise((nrm_orthogonaliser)c, 3, 4, g, o);
        for (int i = 0; i < 12; i++) assert_true(o[i] == 0);
        orthogonalise((nrm_orthogonaliser)c, 12, 1, g, o);
        for (int i = 0; i < 12; i++) assert_true(o[i] == 0);
    }
}

/* The Gram form (long matrices) against the plain one on the same singular values: a long
 * matrix with a square one inside and zeros elsewhere. */
static void test_gram_form(void **unused)
{
    (void)unused;
    enum { S = 6, L = 17 };
    double square[S * S], wide[S * L] = {0}, o[S * S], q[S * L];
    for (int c = 0; c < nrm_orthogonaliser_count; c++) {
        uint64_t seed = 5;
        for (int i = 0; i < S * S; i++) wide[i / S * L + i % S] = square[i] = nrm_test_normal(&seed);
        orthogonalise((nrm_orthogonaliser)c, S, S, square, o);
        orthogonalise((nrm_orthogonaliser)c, S, L, wide, q);
        for (int i = 0; i < S; i++) {
            assert_all_near(q + i * L, o + i * S, S, 1e-10);
            for (int j = S; j < L; j++) assert_near(q[i * L + j], 0, 1e-15);
        }
    }
}

/* f32 beside f64 where singular values span six decades: both forms, m <= n and m > n, five
 * steps and ten.  The small ones are magnified hundreds of times; rounding must not be. */
static void test_single(void **unused)
{
    (void)unused;
    const int64_t shapes[][2] = {{40, 50}, {40, 170}, {170, 40}};
    for (int s = 0; s < 6; s++) {
        const int64_t m = shapes[s / 2][0], n = shapes[s / 2][1];
        const nrm_newton_schulz_set *set = nrm_newton_schulz_set_find(s % 2 ? "muon8+2" : "muon");
        double *g = aligned_alloc(64, (size_t)(16 * m * n * 8)), norm = 0;
        float *f = aligned_alloc(64, (size_t)(16 * m * n * 8));
        uint64_t seed = 3;
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                const double decade = pow(10, -6.0 * (double)(m < n ? i : j) / 39);
                f[i * n + j] = (float)(decade * nrm_test_normal(&seed));
                g[i * n + j] = (double)f[i * n + j];
            }
        assert_true(nrm_newton_schulz_work(m, n) <= 8 * m * n);
        const double *q = nrm_newton_schulz_run_f64(m, n, g, set, 0, 1);
        const float *r = nrm_newton_schulz_run_f32(m, n, f, set, 0, 1);
        for (int64_t i = 0; i < m * n; i++) norm += ((double)r[i] - q[i]) * ((double)r[i] - q[i]);
        assert_true(sqrt(norm) < 1e-4); /* of about sqrt(40) */
        free(g), free(f);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_torch_sgd), cmocka_unit_test(test_torch_adamw), cmocka_unit_test(test_torch_muon), cmocka_unit_test(test_lion),
              cmocka_unit_test(test_decoupled), cmocka_unit_test(test_orthogonalised), cmocka_unit_test(test_invariance),
              cmocka_unit_test(test_ranges), cmocka_unit_test(test_muon_worked), cmocka_unit_test(test_zero_gradient),
              cmocka_unit_test(test_gram_form), cmocka_unit_test(test_single))
