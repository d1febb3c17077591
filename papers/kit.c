/* kit.c -- what experiments need beside the library: progress, scratch memory, files of
 * the real data, synthetic draws, fair timing. */
#define _POSIX_C_SOURCE 200809L
#include "report.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

nrm_status nrm_step(nrm_reproduction *r, const char *task, double done, double total)
{
    return r->record->live ? nrm_live_step(r->record->live, task, done, total) : NRM_OK;
}

void *nrm_scratch(nrm_reproduction *r, int64_t count, size_t size)
{
    nrm_record *record = r->record;
    if (count < 0 || size == 0 || (uint64_t)count > (SIZE_MAX - 63) / size) {
        nrm_trouble(record, "scratch memory for %lld elements of %zu bytes cannot be addressed",
                    (long long)count, size);
        return NULL;
    }
    const size_t bytes = ((size_t)count * size + 63) / 64 * 64 + (count == 0 ? 64 : 0);
    void *memory = aligned_alloc(64, bytes);
    if (!memory) {
        nrm_trouble(record, "%zu bytes of scratch memory cannot be had", bytes);
        return NULL;
    }
    memset(memory, 0, bytes);
    record->scratch = cli_grow(record->scratch, (size_t)(record->scratch_count + 1) * sizeof *record->scratch);
    record->scratch[record->scratch_count++] = memory;
    return memory;
}

const char *nrm_data_path(nrm_reproduction *r, const char *name)
{
    if (!r->data) return NULL;
    text path = {0};
    text_add(&path, "%s/%s", r->data, name);
    if (access(text_string(&path), R_OK) != 0) {
        text_free(&path);
        return NULL;
    }
    /* Kept like scratch memory, so that several paths can be held at once. */
    char *kept = nrm_scratch(r, (int64_t)path.length + 1, 1);
    if (kept) memcpy(kept, text_string(&path), path.length + 1);
    text_free(&path);
    return kept;
}

double nrm_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
uint64_t nrm_draw(nrm_draws *draws)
{
    uint64_t z = draws->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double nrm_draw_uniform(nrm_draws *draws) { return (double)(nrm_draw(draws) >> 11) * 0x1p-53; }

double nrm_draw_normal(nrm_draws *draws)
{
    const double u = 1.0 - nrm_draw_uniform(draws); /* (0, 1]: the logarithm is finite */
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * nrm_draw_uniform(draws));
}

/* One turn: run until least_seconds have passed, at least once. */
static nrm_status one_turn(nrm_ctx *ctx, const nrm_contender *contender, double least_seconds, double *seconds)
{
    const double start = nrm_seconds();
    for (int64_t runs = 1;; runs++) {
        const nrm_status st = contender->run(ctx, contender->user);
        const double passed = nrm_seconds() - start;
        if (st < 0) return st;
        if (passed >= least_seconds) {
            *seconds = passed / (double)runs;
            return NRM_OK;
        }
    }
}

nrm_status nrm_time_in_turn(nrm_reproduction *r, nrm_ctx *ctx, const nrm_contender *contenders, int count,
                            int rounds, double least_seconds, double *seconds)
{
    double warm_up;
    for (int c = 0; c < count; c++) {
        const nrm_status st = one_turn(ctx, &contenders[c], 0, &warm_up);
        if (st < 0) return st;
    }
    for (int k = 0; k < rounds; k++) {
        for (int c = 0; c < count; c++) {
            nrm_status st = nrm_step(r, contenders[c].name, (double)k * count + c, (double)rounds * count);
            if (st >= 0) st = one_turn(ctx, &contenders[c], least_seconds, &seconds[(ptrdiff_t)c * rounds + k]);
            if (st < 0) return st;
        }
    }
    return NRM_OK;
}
