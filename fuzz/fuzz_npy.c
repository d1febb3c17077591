/* fuzz_npy.c -- any bytes as a .npy file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_load("fuzz.npy", data, size); }
