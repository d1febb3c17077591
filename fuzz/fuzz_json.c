/* fuzz_json.c -- any bytes as a .json file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_load("fuzz.json", data, size); }
