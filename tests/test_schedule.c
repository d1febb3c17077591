/* test_schedule.c -- learning rates over a run, at points where they are known. */
#include "testkit.h"
#include "train/schedule.h"

static double at(nrm_schedule s, int64_t step)
{
    assert_ok(NULL, nrm_schedule_check(NULL, &s));
    return nrm_schedule_factor(&s, step);
}

static void test_values(void **state)
{
    (void)state;
    const nrm_schedule cosine = {NRM_SCHEDULE_COSINE, 110, 10, 0, 0.1};
    const nrm_schedule linear = {NRM_SCHEDULE_LINEAR, 110, 10, 0, 0.2};
    const nrm_schedule stable = {NRM_SCHEDULE_STABLE, 100, 5, 20, 0};
    const nrm_schedule constant = {NRM_SCHEDULE_CONSTANT, 100, 4, 0, 0.3};

    assert_near(at(cosine, 0), 0.1, 1e-15);   /* 1 of 10 steps of warm-up */
    assert_near(at(cosine, 4), 0.5, 1e-15);
    assert_near(at(cosine, 9), 1, 1e-15);
    assert_near(at(cosine, 10), 1, 1e-15);
    assert_near(at(cosine, 35), 0.1 + 0.9 * (0.5 + sqrt(0.5) / 2), 1e-15); /* a quarter: cos 45 degrees */
    assert_near(at(cosine, 60), 0.55, 1e-15);
    assert_near(at(cosine, 110), 0.1, 1e-15);
    assert_near(at(cosine, 100000), 0.1, 1e-15);

    assert_near(at(linear, 10), 1, 1e-15);
    assert_near(at(linear, 60), 0.6, 1e-15);
    assert_near(at(linear, 110), 0.2, 1e-15);
    assert_near(at(linear, 500), 0.2, 1e-15);

    assert_near(at(stable, 0), 0.2, 1e-15);
    assert_near(at(stable, 5), 1, 0);
    assert_near(at(stable, 80), 1, 0);
    assert_near(at(stable, 90), 0.5, 1e-15);
    assert_near(at(stable, 99), 0.05, 1e-15);
    assert_near(at(stable, 100), 0, 0);

    assert_near(at(constant, 1), 0.5, 0);
    assert_near(at(constant, 4), 1, 0);
    assert_near(at(constant, 1000), 1, 0);
}

static void test_corners(void **state)
{
    (void)state;
    for (int kind = 0; kind < nrm_schedule_kind_count; kind++)
        for (int64_t total = 1; total <= 4; total++)
            for (int64_t warmup = 0; warmup <= total; warmup++)
                for (int64_t decay = 0; decay <= total - warmup; decay++) {
                    const nrm_schedule s = {(nrm_schedule_kind)kind, total, warmup, decay, 0.25};
                    double before = 0;
                    for (int64_t step = 0; step < total + 3; step++) {
                        const double f = at(s, step);
                        assert_true(f > 0 && f <= 1);
                        assert_true(step < warmup ? f > before : step == 0 || step == warmup || f <= before);
                        before = f;
                    }
                }
}

static void test_refused(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    static const struct { nrm_schedule s; nrm_status status; const char *message; } cases[] = {
        {{(nrm_schedule_kind)9, 10, 0, 0, 0}, NRM_E_ARGUMENT, "kind 9 is none"},
        {{NRM_SCHEDULE_COSINE, 0, 0, 0, 0}, NRM_E_RANGE, "total is 0"},
        {{NRM_SCHEDULE_COSINE, 10, 11, 0, 0}, NRM_E_RANGE, "warmup is 11"},
        {{NRM_SCHEDULE_COSINE, 10, -1, 0, 0}, NRM_E_RANGE, "warmup is -1"},
        {{NRM_SCHEDULE_STABLE, 10, 4, 7, 0}, NRM_E_RANGE, "decay is 7; it must be 0 to the 6 steps"},
        {{NRM_SCHEDULE_COSINE, 10, 1, 0, 1.5}, NRM_E_RANGE, "floor is 1.5"},
        {{NRM_SCHEDULE_COSINE, 10, 1, 0, NAN}, NRM_E_RANGE, "floor is nan"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_status(ctx, nrm_schedule_check(ctx, &cases[i].s), cases[i].status);
        assert_message(ctx, cases[i].message);
    }
    assert_status(ctx, nrm_schedule_check(ctx, NULL), NRM_E_NULL);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_values), cmocka_unit_test(test_corners), cmocka_unit_test(test_refused))
