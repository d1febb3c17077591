#include "testkit.h"
static void test_nothing(void **state) { (void)state; }
NRM_TEST_MAIN(cmocka_unit_test(test_nothing))
