/* test_linalg_large.c -- the code of svd.c for matrices whose divide-and-conquer workspace
 * would outgrow 32-bit integers, run on small ones: svd.c is compiled in here with its limit
 * at 0, and the library's own copy stays in the archive. */
#define NRM_LARGEST_DIVIDED 0
#include "linalg/svd.c"

#include "reference/linalg_values.h"
#include "testkit.h"

typedef struct outputs { double s[5], u[35], vt[25], w[6], v[36]; } outputs;

static nrm_status svd_and_eigen(nrm_ctx *ctx, void *user)
{
    outputs *out = user, o;
    double a[35], symmetric[36];

    pattern(7, 5, 0, a, 5);
    pattern(6, 6, 2, symmetric, 6);
    NRM_TRY(nrm_svd(ctx, "t", 7, 5, a, 5, o.u, o.s, o.vt));
    NRM_TRY(nrm_eigen_symmetric(ctx, "t", 6, symmetric, 6, o.w, o.v));
    *out = o;
    return NRM_OK;
}

static void test_values(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[35], s[5];
    outputs o;

    assert_ok(ctx, svd_and_eigen(ctx, &o));
    assert_all_near(o.s, svd_7x5, 5, 1e-13);
    assert_all_near(o.w, eigen_6, 6, 1e-13);
    pattern(7, 5, 0, a, 5);
    for (int i = 0; i < 7; i++)
        for (int j = 0; j < 5; j++) {
            double sum = 0;
            for (int k = 0; k < 5; k++) sum += o.u[i * 5 + k] * o.s[k] * o.vt[k * 5 + j];
            assert_near(sum, a[i * 5 + j], 1e-13);
        }
    double symmetric[36]; /* its lower triangle is what counts */
    pattern(6, 6, 2, symmetric, 6);
    for (int k = 0; k < 6; k++)
        for (int i = 0; i < 6; i++) {
            double sum = 0;
            for (int j = 0; j < 6; j++) sum += symmetric[i > j ? i * 6 + j : j * 6 + i] * o.v[j * 6 + k];
            assert_near(sum, o.w[k] * o.v[i * 6 + k], 1e-13);
        }
    assert_ok(ctx, nrm_svd(ctx, "t", 7, 5, a, 5, NULL, s, NULL));
    assert_all_near(s, svd_7x5, 5, 1e-13);
    nrm_ctx_destroy(ctx);
}

static void test_memory(void **state)
{
    (void)state;
    static outputs o;
    nrm_test_allocation_failures(svd_and_eigen, &o, &o, sizeof o);
    assert_all_near(o.s, svd_7x5, 5, 1e-13);
}

NRM_TEST_MAIN(cmocka_unit_test(test_values), cmocka_unit_test(test_memory))
