/* test_b1.c -- benchmark B1 (papers/b1.h): its teacher, its runs, and what is built around them. */
#include "b1-parts.h"
#include "report.h"
#include "testkit.h"
#include <string.h>

static const nrm_claim claims[] = {{.id = "one", .statement = "One", .where = "here", .figure = "", .relation = NRM_TRUE}};
static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx) { return r && ctx ? NRM_OK : NRM_E_NULL; }
static const nrm_paper paper = {.number = 18, .about = "A test.", .claims = claims, .claim_count = 1, .run = run};

typedef struct world {
    nrm_ctx *ctx;
    nrm_reproduction r;
    b1_bench *bench;
} world;

static void begin(world *w)
{
    w->ctx = nrm_test_ctx(NULL);
    w->r = (nrm_reproduction){.seed = 3, .quick = true, .record = nrm_record_create(&paper, NULL)};
    assert_ok(w->ctx, nrm_set_threads(w->ctx, 2));
    assert_ok(w->ctx, b1_create(&w->r, w->ctx, 24, 40, &w->bench)); /* smaller than the real one */
}

static void end(world *w)
{
    b1_destroy(w->bench);
    assert_int_equal(nrm_threads(w->ctx), 2); /* as it was */
    assert_string_equal(w->r.record->trouble, "");
    nrm_record_destroy(w->r.record);
    nrm_ctx_destroy(w->ctx);
}

/* ---- Teacher -------------------------------------------------------------------------------- */

static void teacher_is_a_distribution(void **state)
{
    (void)state;
    world w;
    begin(&w);
    const b1_teacher *t = &w.bench->teacher;
    double weights = 0, uniform = 0, kl;

    for (int i = 0; i < B1_TOKENS; i++) weights += t->weight[i];
    assert_near(weights, 1, 1e-14);
    assert_near(t->weight[0] / t->weight[3], 4, 1e-14);
    for (int c = 0; c < B1_CONTEXTS; c++) {
        double sum = 0, entropy = 0;
        for (int i = 0; i < B1_TOKENS; i++) {
            const double q = (double)t->probability[c * B1_TOKENS + i];
            sum += q;
            entropy -= q * (double)t->logarithm[c * B1_TOKENS + i];
        }
        assert_near(sum, 1, 1e-6);
        assert_near(t->cumulative[c * B1_TOKENS + B1_TOKENS - 1], 1, 1e-12);
        uniform += t->weight[c / B1_TOKENS] * t->weight[c % B1_TOKENS] * (log(B1_TOKENS) - entropy);
    }
    /* A student whose head is zero predicts the uniform distribution. */
    b1_initial_weights(w.bench, 0);
    assert_ok(w.ctx, b1_measure(w.bench, &kl));
    assert_near(kl, uniform, 1e-6);
    assert_true(kl > 0.8 && kl < 2.2);
    end(&w);
}

static void batches_follow_the_teacher(void **state)
{
    (void)state;
    enum { BATCHES = 2000 };
    world w;
    begin(&w);
    const b1_teacher *t = &w.bench->teacher;
    nrm_draws draws = {5};
    double zeros = 0, targets[B1_TOKENS] = {0};

    for (int i = 0; i < BATCHES; i++) {
        b1_draw_batch(t, &draws, w.bench->batch);
        for (int k = 0; k < B1_BATCH; k++) {
            assert_in_range(w.bench->batch->contexts[2 * k + 1], 0, B1_TOKENS - 1);
            if (w.bench->batch->contexts[2 * k] != 0 || w.bench->batch->contexts[2 * k + 1] != 0) continue;
            zeros++;
            targets[w.bench->batch->targets[k]]++;
        }
    }
    const double p = t->weight[0] * t->weight[0], n = BATCHES * B1_BATCH;
    assert_true(fabs(zeros / n - p) < 5 * sqrt(p / n));
    for (int i = 0; i < B1_TOKENS; i++) {
        const double q = (double)t->probability[i];
        assert_true(fabs(targets[i] / zeros - q) < 5 * sqrt(q / zeros) + 1e-3);
    }
    end(&w);
}

/* ---- Runs ---------------------------------------------------------------------------------------- */

typedef struct seen { int calls, last; double momentum; } seen;

static nrm_status look(nrm_ctx *ctx, void *user, const b1_moment *moment)
{
    seen *s = user;
    (void)ctx;
    assert_true(s->calls == 0 ? moment->step == 1 : moment->step == s->calls * 8);
    s->calls++;
    s->last = moment->step;
    assert_string_equal(moment->tensors[1].name, "W2");
    assert_int_equal(moment->tensors[1].shape[0], 40);
    assert_int_equal(nrm_optimizer_steps(moment->optimizer), moment->step);
    return NRM_OK;
}

static void runs_are_repeatable(void **state)
{
    (void)state;
    world w;
    begin(&w);
    b1_setup setup = b1_default("muon", "coefficients=polar_express nesterov=false", 0.02);
    b1_result a, b;
    seen s = {0};

    setup.steps = 30;
    setup.curve_every = 10;
    setup.watch = look;
    setup.watch_user = &s;
    setup.watch_every = 8;
    assert_ok(w.ctx, b1_train(w.bench, &setup, &a));
    assert_int_equal(s.last, 24);
    assert_int_equal(a.points, 4);
    assert_near(a.at[1], 10, 0);
    assert_near(a.at[3], 30, 0);
    assert_true(a.curve[3] < a.curve[0] && a.kl >= a.curve[3] && a.kl <= a.curve[3]);
    assert_int_equal(a.parameter_bytes, 4 * (24 * 64 + 2 * 24 * 40));
    assert_true(a.state_bytes >= a.parameter_bytes && a.state_bytes < a.parameter_bytes + 64);
    assert_true(a.matrix_seconds > 0 && a.rest_seconds > 0 && a.network_seconds > 0);
    setup.watch = NULL;
    assert_ok(w.ctx, b1_train(w.bench, &setup, &b));
    assert_memory_equal(a.curve, b.curve, sizeof(double) * 4);
    setup.seed = 1;
    assert_ok(w.ctx, b1_train(w.bench, &setup, &b));
    assert_true(fabs(a.kl - b.kl) > 1e-6);
    end(&w);
}

/* Plain descent on every matrix: weights move by -lr factor gradient, the factor 1 until 60 %. */
static nrm_status check_descent(nrm_ctx *ctx, void *user, const b1_moment *moment)
{
    float *before = user;
    (void)ctx;
    const double factor = moment->step <= 7 ? 1 : (11 - moment->step) / 4.0;
    for (int i = 0; i < 24 * 64; i++) {
        if (moment->step > 1) assert_near((double)moment->weights[0][i], (double)before[i] - 0.5 * factor * (double)moment->gradients[0][i], 1e-6);
        before[i] = moment->weights[0][i];
    }
    return NRM_OK;
}

static void rate_falls_at_the_end(void **state)
{
    (void)state;
    static float before[24 * 64];
    world w;
    begin(&w);
    b1_setup setup = b1_default("sgd", "momentum=0", 0.5);
    b1_result result;
    setup.steps = 10;
    setup.watch = check_descent;
    setup.watch_user = before;
    setup.watch_every = 1;
    assert_ok(w.ctx, b1_train(w.bench, &setup, &result));
    assert_int_equal(result.points, 1);
    end(&w);
}

static void divergence_is_a_result(void **state)
{
    (void)state;
    world w;
    begin(&w);
    b1_setup setup = b1_default("sgd", "", 1e30);
    b1_result result;
    setup.steps = 20;
    assert_ok(w.ctx, b1_train(w.bench, &setup, &result));
    assert_true(isinf(result.kl));
    end(&w);
}

static void wrong_words_are_refused(void **state)
{
    (void)state;
    world w;
    begin(&w);
    b1_setup setup = b1_default("moun", "", 0.1);
    b1_result result;
    assert_status(w.ctx, b1_train(w.bench, &setup, &result), NRM_E_ARGUMENT);
    assert_message(w.ctx, "muon");
    setup = b1_default("muon", "momentom=0.9", 0.1);
    assert_status(w.ctx, b1_train(w.bench, &setup, &result), NRM_E_ARGUMENT);
    assert_message(w.ctx, "momentom");
    setup.options = "momentum";
    assert_status(w.ctx, b1_train(w.bench, &setup, &result), NRM_E_ARGUMENT);
    end(&w);
}

/* ---- Outliers ---------------------------------------------------------------------------------------- */

static void outliers_hit_their_share(void **state)
{
    (void)state;
    world w;
    begin(&w);
    b1_setup setup = b1_default("muon", "", 0.1);
    nrm_draws noise = {9}, again = {9};
    int hit = 0, large = 0;
    float first[24 * 64];

    setup.outliers = 0.02;
    for (int p = 0; p < B1_PARAMETERS; p++)
        for (int64_t i = 0; i < w.bench->sizes[p]; i++) w.bench->gradients[p][i] = 0.5f;
    assert_ok(w.ctx, b1_disturb(w.bench, &setup, &noise));
    for (int p = 0; p < B1_MATRICES; p++)
        for (int64_t i = 0; i < w.bench->sizes[p]; i++) {
            const double added = fabs((double)w.bench->gradients[p][i] - 0.5);
            hit += added > 0;
            large += added > 50 * 0.8164965809277260; /* the median of |t| with 2 degrees of freedom */
        }
    const double n = 24 * 64 + 2 * 24 * 40;
    assert_true(fabs(hit - 0.02 * n) < 5 * sqrt(0.02 * n));
    assert_true(fabs(large - hit / 2.0) < 5 * sqrt(hit) / 2);
    for (int64_t i = 0; i < w.bench->sizes[B1_HEAD]; i++) assert_true(w.bench->gradients[B1_HEAD][i] <= 0.5f);

    /* The same stream gives the same noise; clipping comes after it. */
    memcpy(first, w.bench->gradients[0], sizeof first);
    for (int64_t i = 0; i < 24 * 64; i++) w.bench->gradients[0][i] = 0.5f;
    setup.clip_value = 2;
    assert_ok(w.ctx, b1_disturb(w.bench, &setup, &again));
    for (int i = 0; i < 24 * 64; i++) assert_near((double)w.bench->gradients[0][i], fmax(-2, fmin(2, (double)first[i])), 0);
    setup.outliers = setup.clip_value = 0;
    setup.clip_norm = 0.25;
    assert_ok(w.ctx, b1_disturb(w.bench, &setup, &again));
    double square = 0;
    for (int p = 0; p < B1_PARAMETERS; p++)
        for (int64_t i = 0; i < w.bench->sizes[p]; i++) square += (double)w.bench->gradients[p][i] * (double)w.bench->gradients[p][i];
    assert_near(sqrt(square), 0.25, 1e-5);
    end(&w);
}

/* ---- Studies ------------------------------------------------------------------------------------------ */

static void the_best_rate_is_taken(void **state)
{
    (void)state;
    world w;
    begin(&w);
    b1_contender c[2] = {{.name = "one", .setup = b1_default("sgd", "momentum=0.9", 0), .rates = {1e-6, 0.3, 1e30}},
                         {.name = "two", .setup = b1_default("muon", "", 0), .rates = {0.02}}};
    b1_outcome o[2];
    b1_result again;

    c[0].setup.steps = c[1].setup.steps = 40;
    c[0].setup.curve_every = 10;
    assert_ok(w.ctx, b1_compare(w.bench, 2, c, 2, o));
    assert_near(o[0].rate, 0.3, 0);
    assert_false(o[0].at_edge);
    assert_true(isinf(o[0].rate_kl[2]) && o[0].rate_kl[1] < o[0].rate_kl[0]);
    assert_near(o[0].kl[0], o[0].rate_kl[1], 0);
    assert_near(o[0].mean, (o[0].kl[0] + o[0].kl[1]) / 2, 1e-15);
    assert_near(o[0].most - o[0].least, fabs(o[0].kl[0] - o[0].kl[1]), 1e-15);
    assert_int_equal(o[0].first.points, 5);
    assert_near(o[1].rate, 0.02, 0);
    assert_false(o[1].at_edge);
    b1_setup setup = c[1].setup;
    setup.lr = 0.02;
    setup.seed = 1;
    assert_ok(w.ctx, b1_train(w.bench, &setup, &again));
    assert_near(o[1].kl[1], again.kl, 0);
    b1_show(w.bench, "Both", NULL, 2, c, o);
    assert_int_equal(json_array_size(w.r.record->tables), 1);
    assert_int_equal(json_array_size(w.r.record->plots), 1);
    assert_status(w.ctx, b1_compare(w.bench, 2, c, B1_MOST_SEEDS + 1, o), NRM_E_RANGE);
    end(&w);
}

static void steps_are_timed(void **state)
{
    (void)state;
    world w;
    begin(&w);
    b1_timed t[2] = {{.name = "a", .kind = "adamw", .options = ""}, {.name = "m", .kind = "muon", .options = ""}};
    assert_ok(w.ctx, b1_time_steps(&w.r, w.ctx, 20, 12, 1, 2, t));
    assert_true(t[0].seconds > 0 && t[1].seconds > 0);
    assert_true(t[0].state_bytes >= 2 * 960 && t[1].state_bytes >= 960 && t[1].state_bytes < 2 * 960);
    assert_status(w.ctx, b1_time_steps(&w.r, w.ctx, 20, 12, 0, 2, t), NRM_E_RANGE);
    end(&w);
}

/* ---- Singular values ------------------------------------------------------------------------------------ */

static void singular_values_of_known_matrices(void **state)
{
    (void)state;
    /* G0 of the specification of NorMuon: values by LAPACK. */
    const float g[] = {1, 2, -1, 0, 0, 1, 3, -2, 2, -1, 0, 1}, upright[] = {1, 0, 2, 2, 1, -1, -1, 3, 0, 0, -2, 1};
    const double expected[] = {3.8857456831, 2.4494897428, 2.2138158203};
    double work[64], sigma[8];
    b1_singular_values(3, 4, g, work, sigma);
    assert_all_near(sigma, expected, 3, 1e-10);
    b1_singular_values(4, 3, upright, work, sigma);
    assert_all_near(sigma, expected, 3, 1e-10);

    /* u v' has the one value |u| |v|; zeros have none. */
    float one[6 * 5], none[6 * 5] = {0};
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 5; j++) one[i * 5 + j] = (float)((i + 1) * (j - 2));
    b1_singular_values(6, 5, one, work, sigma);
    const double lengths[] = {sqrt(91 * 10), 0, 0, 0, 0}, zeros[5] = {0};
    assert_all_near(sigma, lengths, 5, 1e-12);
    b1_singular_values(6, 5, none, work, sigma);
    assert_all_near(sigma, zeros, 5, 0);

    /* Hadamard's matrix of order 8 times a diagonal one: far apart, and equal in pairs. */
    const double diagonal[] = {1, 1, 1e-3, 1e-3, 1e-5, 1e-5, 64, 64};
    float h[64];
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) h[i * 8 + j] = (float)(__builtin_parity((unsigned)(i & j)) ? -diagonal[j] : diagonal[j]);
    b1_singular_values(8, 8, h, work, sigma);
    const double falling[] = {64, 64, 1, 1, 1e-3, 1e-3, 1e-5, 1e-5};
    for (int i = 0; i < 8; i++) assert_near(sigma[i] / (sqrt(8) * falling[i]), 1, 1e-6);
}

NRM_TEST_MAIN(cmocka_unit_test(teacher_is_a_distribution), cmocka_unit_test(batches_follow_the_teacher),
              cmocka_unit_test(runs_are_repeatable), cmocka_unit_test(rate_falls_at_the_end),
              cmocka_unit_test(divergence_is_a_result), cmocka_unit_test(wrong_words_are_refused),
              cmocka_unit_test(outliers_hit_their_share), cmocka_unit_test(the_best_rate_is_taken),
              cmocka_unit_test(steps_are_timed), cmocka_unit_test(singular_values_of_known_matrices))
