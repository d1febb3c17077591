/* machine.c -- the machine and the build that the numbers belong to. */
#define _GNU_SOURCE /* _SC_LEVEL*_CACHE_SIZE */
#include "report.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define NRM_QUOTE_(x) #x
#define NRM_QUOTE(x) NRM_QUOTE_(x)

static const char *compiler_name(void)
{
#if defined(__clang__)
    return "clang " NRM_QUOTE(__clang_major__) "." NRM_QUOTE(__clang_minor__) "." NRM_QUOTE(__clang_patchlevel__);
#elif defined(__GNUC__)
    return "gcc " NRM_QUOTE(__GNUC__) "." NRM_QUOTE(__GNUC_MINOR__) "." NRM_QUOTE(__GNUC_PATCHLEVEL__);
#else
    return "unknown compiler";
#endif
}

/* "model name : AMD EPYC" of Linux; other systems keep the architecture. */
static void find_cpu(char *cpu, size_t size)
{
    struct utsname system;
    snprintf(cpu, size, "%s", uname(&system) == 0 ? system.machine : "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[512];
    while (file && fgets(line, sizeof line, file)) {
        char *value = strchr(line, ':');
        if (!value || strncmp(line, "model name", 10) != 0) continue;
        for (value++; *value == ' '; value++) {}
        value[strcspn(value, "\n")] = '\0';
        if (*value) snprintf(cpu, size, "%s", value);
        break;
    }
    if (file) fclose(file);
}

static int64_t at_least_zero(long value) { return value > 0 ? value : 0; }

/* One line of a file of Linux's /sys; false where it is not there. */
static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "r");
    const bool good = file && fgets(line, size, file);
    if (file) fclose(file);
    if (good) line[strcspn(line, "\n")] = '\0';
    return good;
}

/* /sys knows what a virtual machine was given; sysconf counts what the chip has. */
static void find_caches(nrm_machine *machine)
{
    int64_t *const levels[] = {&machine->l1, &machine->l2, &machine->l3};
#if defined(_SC_LEVEL1_DCACHE_SIZE)
    machine->l1 = at_least_zero(sysconf(_SC_LEVEL1_DCACHE_SIZE));
    machine->l2 = at_least_zero(sysconf(_SC_LEVEL2_CACHE_SIZE));
    machine->l3 = at_least_zero(sysconf(_SC_LEVEL3_CACHE_SIZE));
#endif
    for (int i = 0; i < 8; i++) {
        char path[96], kind[32], level[32], size[32];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
        if (!read_line(path, kind, sizeof kind)) return;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        const bool has_level = read_line(path, level, sizeof level);
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        if (!has_level || !read_line(path, size, sizeof size) || strcmp(kind, "Instruction") == 0) continue;
        char *end;
        const long which = strtol(level, NULL, 10), count = strtol(size, &end, 10);
        if (which >= 1 && which <= 3 && count > 0 && *end == 'K') *levels[which - 1] = (int64_t)count * 1024;
    }
}

void nrm_machine_find(nrm_machine *machine)
{
    *machine = (nrm_machine){0};
    find_cpu(machine->cpu, sizeof machine->cpu);
    find_caches(machine);
    machine->processors = (int)at_least_zero(sysconf(_SC_NPROCESSORS_ONLN));
    machine->memory = at_least_zero(sysconf(_SC_PHYS_PAGES)) * at_least_zero(sysconf(_SC_PAGESIZE));
#if defined(__x86_64__)
    __builtin_cpu_init();
    machine->avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    machine->avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#endif
}

json_t *nrm_machine_json(const nrm_machine *machine, int threads)
{
    struct utsname system;
    const bool known = uname(&system) == 0;
    text name = {0};
    if (known) text_add(&name, "%s %s %s", system.sysname, system.release, system.machine);
    /* A processor's name is not ours: it goes in only when it is UTF-8. */
    json_t *cpu = json_string(machine->cpu);
    json_t *json = json_pack("{s:o, s:I, s:I, s:I, s:i, s:I, s:s, s:i, s:s, s:s}", "cpu",
                             cpu ? cpu : json_string("unknown"), "l1", (json_int_t)machine->l1, "l2",
                             (json_int_t)machine->l2, "l3", (json_int_t)machine->l3, "processors",
                             machine->processors, "memory", (json_int_t)machine->memory, "instructions",
                             machine->avx512 ? "AVX-512" : machine->avx2 ? "AVX2" : "scalar", "threads", threads,
                             "system", known ? text_string(&name) : "unknown", "compiler", compiler_name());
    text_free(&name);
    return json;
}
