/* fuzz_npz.c -- any bytes as a .npz file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_load("fuzz.npz", data, size); }
