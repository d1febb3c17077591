/* cpu.c -- instruction sets and caches.  Contract: cpu.h. */
#define _GNU_SOURCE /* _SC_LEVEL*_CACHE_SIZE */
#include "cpu.h"
#include <unistd.h>

nrm_isa nrm_cpu_isa(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return NRM_ISA_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return NRM_ISA_AVX2;
#endif
    return NRM_ISA_SCALAR;
}

const char *nrm_isa_name(nrm_isa isa)
{
    static const char *const name[] = {"scalar", "avx2", "avx512"};
    return isa < NRM_ISA_COUNT ? name[isa] : "unknown";
}

static int64_t cache_size(int level, int64_t otherwise)
{
    const long bytes = sysconf(level);
    return bytes > 0 ? bytes : otherwise;
}

nrm_cache_sizes nrm_cpu_caches(void)
{
    return (nrm_cache_sizes){cache_size(_SC_LEVEL1_DCACHE_SIZE, 32 << 10),
                             cache_size(_SC_LEVEL2_CACHE_SIZE, 1 << 20),
                             cache_size(_SC_LEVEL3_CACHE_SIZE, 32 << 20)};
}
