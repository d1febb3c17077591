/* fuzz_csv.c -- any bytes as a .csv file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_load("fuzz.csv", data, size); }
