/* test_linf_regression.c */
#include "testkit.h"
#include <norma/linf_regression.h>
static void test_none(void **state) { (void)state; }
NRM_TEST_MAIN(cmocka_unit_test(test_none))
