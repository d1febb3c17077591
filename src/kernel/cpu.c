/* cpu.c -- instruction sets and caches.  Contract: cpu.h. */
#define _GNU_SOURCE /* _SC_LEVEL*_CACHE_SIZE */
#include "cpu.h"
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

/* On AMD the C library adds up all L3 slices of the socket; a core reaches one of them.
 * The processor's own list has it (0 where it does not).  One cpuid, because on a virtual
 * machine each may take microseconds. */
static int64_t amd_l3(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    __builtin_cpu_init();
    if (!__builtin_cpu_is("amd")) return 0;
    __cpuid_count(0x8000001Du, 3, a, b, c, d);
    if ((a & 31) == 3 && (a >> 5 & 7) == 3) /* unified, level 3: ways, partitions, line, sets */
        return (int64_t)((b >> 22) + 1) * ((b >> 12 & 1023) + 1) * ((b & 4095) + 1) * ((int64_t)c + 1);
#endif
    return 0;
}

nrm_cache_sizes nrm_cpu_caches(void)
{
    const int64_t l3 = amd_l3();
    return (nrm_cache_sizes){cache_size(_SC_LEVEL1_DCACHE_SIZE, 32 << 10), cache_size(_SC_LEVEL2_CACHE_SIZE, 1 << 20),
                             l3 > 0 ? l3 : cache_size(_SC_LEVEL3_CACHE_SIZE, 32 << 20)};
}
