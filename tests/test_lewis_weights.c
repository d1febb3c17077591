/* test_lewis_weights.c -- the method lewis-weights. */
#include "testkit.h"
#include <norma/lewis_weights.h>

static void test_nothing(void **state) { (void)state; }
NRM_TEST_MAIN(cmocka_unit_test(test_nothing))
