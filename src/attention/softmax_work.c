/* softmax_work.c -- rows or blocks among threads.  Contract: softmax_impl.h. */
#include "softmax_impl.h"
#include <omp.h>

enum {
    SERIAL_BELOW = 32768,       /* elements that one thread does sooner than a team starts */
    BLOCKS_TO_SHARE = 64,       /* a row of so many blocks is worth a team */
    ELEMENTS_A_TICK = 1 << 21   /* a thread's work between two looks at the cancel flag, < 0.05 s */
};

nrm_softmax_work nrm_softmax_divide(nrm_ctx *ctx, const char *who, int64_t rows, int64_t columns, int64_t block)
{
    nrm_softmax_work work = {.ctx = ctx, .who = who, .rows = rows, .columns = columns, .block = block};

    work.blocks = (columns - 1) / block + 1;
    work.threads = columns >= SERIAL_BELOW || rows * columns >= SERIAL_BELOW ? nrm_threads(ctx) : 1;
    work.by_blocks = work.blocks >= BLOCKS_TO_SHARE || (rows < work.threads && work.blocks > 1);
    work.sweeps = 1;
    if (!work.by_blocks && rows < work.threads) work.threads = (int)rows;
    return work;
}

static bool tick(const nrm_softmax_work *work, double rows_done)
{
    return nrm_tick(work->ctx, work->who, rows_done, (double)work->rows, NULL, NAN);
}

bool nrm_softmax_sweep(nrm_softmax_work *work, nrm_softmax_pass pass, void *job, int64_t blocks, bool backwards)
{
    if (!work->by_blocks) {
        for (int64_t b = 0; b < blocks; b++) pass(job, b);
        return true;
    }
    /* Backwards by groups: within one, the hardware reads ahead as it does forwards. */
    const int64_t group = nrm_max_i64(1, ELEMENTS_A_TICK / work->block) * work->threads;
    const int64_t groups = (blocks - 1) / group + 1;
    for (int64_t g = 0; g < groups && blocks > 0; g++) {
        const int64_t first = (backwards ? groups - 1 - g : g) * group, end = nrm_min_i64(first + group, blocks);
#pragma omp parallel for schedule(static) num_threads(work->threads) if (work->threads > 1)
        for (int64_t b = first; b < end; b++) pass(job, b);
        const double part = (work->sweep + (double)(g + 1) / (double)groups) / work->sweeps;
        if (tick(work, (double)work->row + fmin(part, 1))) return false;
    }
    work->sweep++;
    return true;
}

static nrm_status cancelled(const nrm_softmax_work *work, int64_t done)
{
    return nrm_fail(work->ctx, NRM_E_CANCELLED, "%s: stopped on request after %lld of %lld rows", work->who,
                    NRM_LL(done), NRM_LL(work->rows));
}

nrm_status nrm_softmax_each_row(nrm_softmax_work *work, int64_t unit, nrm_softmax_rows_fn fn, void *task)
{
    if (work->by_blocks) {
        for (work->row = 0; work->row < work->rows; work->row++) {
            work->sweep = 0;
            if (!fn(task, work->row, 1, 0)) return cancelled(work, work->row);
        }
        return NRM_OK;
    }
    const int64_t units = (work->rows - 1) / unit + 1;
    const int64_t group = nrm_max_i64(1, ELEMENTS_A_TICK / work->columns / unit) * work->threads;
    for (int64_t first = 0; first < units; first += group) {
        const int64_t end = nrm_min_i64(first + group, units);
        if (work->threads == 1) {
            fn(task, first * unit, nrm_min_i64(end * unit, work->rows) - first * unit, 0);
        } else {
#pragma omp parallel for schedule(static) num_threads(work->threads)
            for (int64_t u = first; u < end; u++)
                fn(task, u * unit, nrm_min_i64(unit, work->rows - u * unit), omp_get_thread_num());
        }
        if (tick(work, (double)nrm_min_i64(end * unit, work->rows))) return cancelled(work, end * unit);
    }
    return NRM_OK;
}
