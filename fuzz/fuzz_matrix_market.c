/* fuzz_matrix_market.c -- any bytes as a .mtx file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_load("fuzz.mtx", data, size); }
