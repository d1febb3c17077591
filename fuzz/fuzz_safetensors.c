/* fuzz_safetensors.c -- any bytes as a .safetensors file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_load("fuzz.safetensors", data, size); }
