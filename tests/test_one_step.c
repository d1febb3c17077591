/* test_one_step.c -- what the first step of an optimizer makes of a matrix (papers/one_step.h). */
#include "one_step.h"
#include "testkit.h"
#include <norma/optim.h>
#include <string.h>

static const double g[6] = {1, -2, 0.5, 3, 0, -0.25};

static void an_update_is_what_is_taken_off(void **state)
{
    (void)state;
    double u[6];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_int_equal(first_update(ctx, "sgd", "", 2, 3, g, u, NULL, NULL), NRM_OK);
    for (int i = 0; i < 6; i++) assert_near(u[i], g[i], 1e-15);
    /* AdamW's first step is the sign, and 0 where there is no gradient; eps as it is given. */
    assert_int_equal(first_update(ctx, "adamw", "eps=0.5", 3, 2, g, u, NULL, NULL), NRM_OK);
    for (int i = 0; i < 6; i++) assert_near(u[i], g[i] / (fabs(g[i]) + 0.5), 1e-14);
    nrm_ctx_destroy(ctx);
}

static void state_is_copied_by_its_beginning(void **state)
{
    (void)state;
    double u[6], kept[6] = {7, 7, 7, 7, 7, 7};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_int_equal(first_update(ctx, "adamw", "beta1=0.75", 2, 3, g, u, "adamw.m:", kept), NRM_OK);
    for (int i = 0; i < 6; i++) assert_near(kept[i], 0.25 * g[i], 1e-15);
    kept[0] = 7;
    assert_int_equal(first_update(ctx, "adamw", "", 2, 3, g, u, "adamw.x:", kept), NRM_E_ARGUMENT);
    assert_int_equal(first_update(ctx, "adamw", "", 2, 3, g, u, "optimizer.step", kept), NRM_E_ARGUMENT); /* not of that size */
    assert_near(kept[0], 7, 0);
    nrm_ctx_destroy(ctx);
}

static void troubles_come_through(void **state)
{
    (void)state;
    double u[6];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_int_equal(first_update(ctx, "adamv", "", 2, 3, g, u, NULL, NULL), NRM_E_ARGUMENT);
    assert_non_null(strstr(nrm_message(ctx), "adamw"));
    assert_int_equal(first_update(ctx, "sgd", "momentum=2", 2, 3, g, u, NULL, NULL), NRM_E_RANGE);
    nrm_ctx_destroy(ctx);
}

static void norms(void **state)
{
    (void)state;
    assert_near(norm_of((const double[]){3, 0, -4}, 3), 5, 1e-15);
    assert_near(norm_of(g, 0), 0, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(an_update_is_what_is_taken_off), cmocka_unit_test(state_is_copied_by_its_beginning),
              cmocka_unit_test(troubles_come_through), cmocka_unit_test(norms))
