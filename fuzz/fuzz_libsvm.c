/* fuzz_libsvm.c -- any bytes as a .svm file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_load("fuzz.svm", data, size); }
