/* test_student.c -- tails and quantiles of Student's t distribution. */
#include "base/student.h"
#include "reference/student_values.h"
#include "testkit.h"

static void test_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reference_student / sizeof *reference_student; i++) {
        const double tail = reference_student[i][0], quantile = reference_student[i][2];
        const double degrees = reference_student[i][1] > 0 ? reference_student[i][1] : (double)INFINITY;
        assert_near(nrm_student_quantile(tail, degrees) / quantile, 1, 1e-13);
        assert_near(nrm_student_tail(quantile, degrees) / tail, 1, 1e-12);
    }
}

/* One degree is Cauchy's law, two have a closed form. */
static void test_closed_forms(void **state)
{
    (void)state;
    const double pi = 3.14159265358979323846;
    for (double t = 1.0 / 64; t < 1e6; t *= 3) {
        assert_near(nrm_student_tail(t, 1) * pi / atan(1 / t), 1, 1e-13);
        assert_near(nrm_student_tail(t, 2) * (t * t + 2 + t * sqrt(t * t + 2)), 1, 1e-13);
    }
    assert_near(nrm_student_tail(0, 7), 0.5, 1e-14);
    assert_true(nrm_student_quantile(0.5, 7) == 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_reference), cmocka_unit_test(test_closed_forms))
