/* test_lp_solve.c -- least p-norm of a residual for rows in memory. */
#include "regression/lp_solve.h"
#include "testkit.h"

static const double a4[8] = {1, 0, 0, 1, 1, 1, 2, -1}, b4[4] = {1, 2, 2, 1};

/* The paper's worked example. */
static void test_worked(void **state)
{
    (void)state;
    static const struct { double p, x[2], objective; } cases[] = {
        {1, {1, 1}, 1},
        {1.5, {1.04487209, 1.22261099}, .881696664910},
        {3, {1.04531942, 1.42413984}, .331614920174},
        {4, {1.03311044, 1.44858103}, .167666044537}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int i = 0; i < 4; i++) {
        double x[2] = {0}, dual[4];
        nrm_lp_answer answer;
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &(nrm_lp_problem){4, 2, a4, 2, b4, NULL, cases[i].p, 0, 0, 1}, x, false, &answer, dual, NULL));
        assert_all_near(x, cases[i].x, 2, 5e-9);
        assert_near(answer.objective, cases[i].objective, 1e-11);
        printf("p %g its %lld gap %g\n", cases[i].p, (long long)answer.iterations, answer.norm - answer.norm_lower);
    }
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked))
