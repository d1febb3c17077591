/* alone.h -- LAPACK on one thread, whose bits depend on how many it has.  Private. */
#ifndef NRM_LINALG_ALONE_H
#define NRM_LINALG_ALONE_H

#include "base/base.h"
#include "linalg.h"

/* Until put back.  Without ctx OpenMP's own number is what counts. */
typedef struct nrm_alone { int threads; nrm_blas_scope scope; } nrm_alone;

static inline nrm_alone nrm_alone_enter(nrm_ctx *ctx)
{
    const nrm_alone before = {nrm_threads_asked(ctx), nrm_blas_enter_single()};
    if (ctx) (void)!nrm_set_threads(ctx, 1); /* 1 is in its range */
    return before;
}

static inline void nrm_alone_leave(nrm_ctx *ctx, nrm_alone before)
{
    if (ctx) (void)!nrm_set_threads(ctx, before.threads);
    nrm_blas_leave(before.scope);
}

#endif
