/* bench_softmax.c -- softmax of one row of f32: every algorithm on every instruction set
 * of the machine, beside a copy of the same row.
 *
 * x is uniform in [-1000, 1000] as in the paper's measurements; x and y are warm, so what
 * fits into a cache is in it.  Bandwidth counts the words that the passes read and write. */
#include "bench.h"
#include <norma/softmax.h>
#include <stdio.h>
#include <string.h>

enum { ISAS = 3, ALGORITHMS = 5, CONTENDERS = ISAS * ALGORITHMS + 2 };

typedef struct job {
    char name[BENCH_NAME];
    int64_t n;
    const float *x;
    float *y;
    nrm_softmax_options options;
    double bytes; /* moved by one run */
} job;

static nrm_status run_softmax(nrm_ctx *ctx, void *user)
{
    job *j = user;
    nrm_softmax_info info = {0};
    const nrm_status st = nrm_softmax_f32(ctx, 1, j->n, j->x, j->n, NULL, j->y, j->n, NULL, &info, &j->options);
    j->bytes = info.bytes;
    return st;
}

static nrm_status run_copy(nrm_ctx *ctx, void *user)
{
    job *j = user;
    (void)ctx;
    memcpy(j->y, j->x, (size_t)j->n * sizeof *j->y);
    j->bytes = 2.0 * (double)j->n * sizeof *j->y;
    return NRM_OK;
}

static int fill_jobs(const bench *b, job *jobs, nrm_contender *contenders, int64_t n, const float *x, float *y)
{
    static const struct { int id; const char *name; } isas[ISAS] = {
        {NRM_SOFTMAX_ISA_AVX512, "avx512"}, {NRM_SOFTMAX_ISA_AVX2, "avx2"}, {NRM_SOFTMAX_ISA_SCALAR, "scalar"}};
    static const struct { int id; const char *name; } algorithms[ALGORITHMS] = {
        {NRM_SOFTMAX_TWO_PASS, "two-pass"}, {NRM_SOFTMAX_THREE_PASS_RECOMPUTE, "three-pass-recompute"},
        {NRM_SOFTMAX_THREE_PASS_RELOAD, "three-pass-reload"}, {NRM_SOFTMAX_BLOCK_RELOAD, "block-reload"},
        {NRM_SOFTMAX_ONLINE, "online"}};
    const bool has[ISAS] = {b->kit->machine->avx512, b->kit->machine->avx2, true};
    int count = 0;

    for (int i = -1; i < ISAS; i++) { /* -1: what a user gets who asks for nothing */
        if (i >= 0 && !has[i]) continue;
        for (int k = 0; k < (i < 0 ? 1 : ALGORITHMS); k++) {
            job *j = &jobs[count];
            *j = (job){.n = n, .x = x, .y = y, .options = nrm_softmax_options_default()};
            if (i >= 0) j->options.isa = isas[i].id;
            if (i >= 0) j->options.algorithm = algorithms[k].id;
            if (i < 0) snprintf(j->name, sizeof j->name, "auto");
            else snprintf(j->name, sizeof j->name, "%s %s", algorithms[k].name, isas[i].name);
            contenders[count++] = (nrm_contender){j->name, run_softmax, j};
        }
    }
    jobs[count] = (job){.name = "copy", .n = n, .x = x, .y = y};
    contenders[count] = (nrm_contender){jobs[count].name, run_copy, &jobs[count]};
    return count + 1;
}

nrm_status bench_softmax(bench *b)
{
    static const int powers[] = {12, 16, 20, 22, 24, 26};
    const int count = b->quick ? 3 : (int)(sizeof powers / sizeof *powers);
    const int64_t most = (int64_t)1 << powers[count - 1];
    float *x = nrm_scratch(b->kit, most, sizeof *x), *y = nrm_scratch(b->kit, most, sizeof *y);
    if (!x || !y) return NRM_E_NOMEM;
    nrm_draws draws = {3};
    for (int64_t i = 0; i < most; i++) x[i] = (float)(2000 * nrm_draw_uniform(&draws) - 1000);

    bench_add_grid(b, "ns/element", "elements", "softmax of one row of f32");
    bench_add_grid(b, "GB/s", "elements", "softmax of one row of f32, memory read and written");
    bench_grid *time = &b->grids[b->grid_count - 2], *bandwidth = &b->grids[b->grid_count - 1];
    for (int s = 0; s < count; s++) {
        job jobs[CONTENDERS];
        nrm_contender contenders[CONTENDERS];
        const int64_t n = (int64_t)1 << powers[s];
        const int contender_count = fill_jobs(b, jobs, contenders, n, x, y);
        const int column = bench_add_column(time, "2^%d", powers[s]);
        bench_add_column(bandwidth, "2^%d", powers[s]);
        const nrm_status st = bench_column(b, time, column, contenders, contender_count, b->quick ? 1e-3 : 5e-3,
                                           BENCH_TIME, 1e9 / (double)n);
        if (st < 0) return st;
        bandwidth->row_count = time->row_count;
        for (int i = 0; i < contender_count; i++) {
            memcpy(bandwidth->rows[i], time->rows[i], BENCH_NAME);
            bandwidth->median[i][column] = jobs[i].bytes / ((double)n * time->median[i][column]);
        }
    }
    return NRM_OK;
}
