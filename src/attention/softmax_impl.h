/* softmax_impl.h -- between the files of softmax.  Private.
 *
 *   softmax.c           the descriptor and, by softmax_forward.h, softmax_call.h (the public
 *                       forward functions) and softmax_cross_entropy.h
 *   softmax_twice.h     a typed file for f32 and for f64
 *   softmax_check.c     arguments, options, the choice of algorithm
 *   softmax_work.c      rows or blocks among threads
 *   softmax_rows.h      the passes over a row, for f32 and f64
 *   softmax_short.h     short rows, which need no passes
 *   softmax_exact.h     the f64 path of rows that no fast pass can do
 *   softmax_backward.c  derivatives          softmax_pair.c  pairs */
#ifndef NRM_SOFTMAX_IMPL_H
#define NRM_SOFTMAX_IMPL_H

#include "base/base.h"
#include "kernel/softmax_kernels.h"
#include <norma/softmax.h>

extern const nrm_method nrm_softmax_method;

#define NRM_PASTE_(a, b) a##b
#define NRM_PASTE(a, b) NRM_PASTE_(a, b)

/* ---- softmax_check.c ------------------------------------------------------------------------- */

/* A call, with the types of its matrices forgotten. */
typedef struct nrm_softmax_shape {
    const char *who; /* first word of the messages */
    int64_t rows, columns;
    size_t size; /* of an element */
} nrm_softmax_shape;

/* Options loaded and checked; the instruction set resolved. */
typedef struct nrm_softmax_plan {
    nrm_softmax_options o;
    nrm_isa isa;
    nrm_softmax_algorithm algorithm; /* never auto */
    bool short_rows;                 /* auto: rows small enough for the register kernels may use them */
    bool stream;                     /* streaming stores of y */
    bool in_place;
    bool far; /* x is more than the first two caches hold */
    bool buffered; /* block-reload keeps the exponentials beside y, to write y once */
} nrm_softmax_plan;

nrm_status nrm_softmax_plan_options(nrm_ctx *ctx, const char *who, const nrm_softmax_options *options,
                                    nrm_softmax_plan *plan);
/* What auto means for these sizes. */
void nrm_softmax_plan_passes(nrm_softmax_plan *plan, const nrm_softmax_shape *shape, bool in_place, bool writes);

nrm_status nrm_softmax_check_shape(nrm_ctx *ctx, const nrm_softmax_shape *shape);
nrm_status nrm_softmax_check_matrix(nrm_ctx *ctx, const nrm_softmax_shape *shape, const char *name, const void *data,
                                    int64_t ld);
nrm_status nrm_softmax_check_mask(nrm_ctx *ctx, const nrm_softmax_shape *shape, const nrm_softmax_mask *mask);
/* Output `out` may be `in` itself but share nothing else with it. */
nrm_status nrm_softmax_check_overlap(nrm_ctx *ctx, const nrm_softmax_shape *shape, const char *in_name,
                                     const void *in, int64_t in_ld, const char *out_name, const void *out,
                                     int64_t out_ld);
/* Output `out` shares nothing with `count` elements elsewhere (NULL is fine), or with the mask. */
nrm_status nrm_softmax_check_apart(nrm_ctx *ctx, const nrm_softmax_shape *shape, const char *name, const void *memory,
                                   int64_t count, size_t size, const char *out_name, const void *out, int64_t out_ld);
nrm_status nrm_softmax_check_mask_apart(nrm_ctx *ctx, const nrm_softmax_shape *shape, const nrm_softmax_mask *mask,
                                        const char *out_name, const void *out, int64_t out_ld);

/* ---- softmax_work.c -------------------------------------------------------------------------- */

/* How a call is divided: rows among the threads, or rows one after another with the
 * blocks of each among the threads.  The result does not depend on it. */
typedef struct nrm_softmax_work {
    nrm_ctx *ctx;
    const char *who;
    int64_t rows, columns, block, blocks; /* blocks of a row */
    int threads;                          /* that take part */
    bool by_blocks;
    int64_t row; /* by_blocks: the one in work */
    int sweep, sweeps;
} nrm_softmax_work;

nrm_softmax_work nrm_softmax_divide(nrm_ctx *ctx, const char *who, int64_t rows, int64_t columns, int64_t block);
/* How many sweeps a row will take, for the progress by blocks.  Rows among threads share
 * `work` and must not write it. */
static inline void nrm_softmax_expect(nrm_softmax_work *work, int sweeps)
{
    if (work->by_blocks) work->sweeps = sweeps;
}
/* pass(job, b) for the blocks of one row, the last ones first if `backwards`.
 * False when the user asked to stop. */
typedef void (*nrm_softmax_pass)(void *job, int64_t block);
bool nrm_softmax_sweep(nrm_softmax_work *work, nrm_softmax_pass pass, void *job, int64_t blocks, bool backwards);
/* fn for groups of `unit` rows; slot < work->threads numbers the caller's private memory.
 * fn returns false when a sweep did. */
typedef bool (*nrm_softmax_rows_fn)(void *task, int64_t first, int64_t count, int slot);
nrm_status nrm_softmax_each_row(nrm_softmax_work *work, int64_t unit, nrm_softmax_rows_fn fn, void *task);

#endif
