/* fuzz_idx.c -- any bytes as a .idx file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_load("fuzz.idx", data, size); }
