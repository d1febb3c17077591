/* dpp_chain.h -- the projection DPP of any space by the chain rule.  Private. */
#ifndef NRM_DPP_CHAIN_H
#define NRM_DPP_CHAIN_H

#include "space.h"
#include <stdatomic.h>

/* One draw among those of several threads: the thread that entered the library ticks, all stop. */
typedef struct nrm_dpp_watch {
    nrm_ctx *ctx; /* what to tick; NULL in other threads */
    const char *who;
    atomic_bool *stop;
} nrm_dpp_watch;

int64_t nrm_dpp_chain_work(int64_t m, int64_t dimension); /* doubles; -1: more than memory can address */
/* m points to x (m x dimension), exchangeable; *proposals grows by the number of points looked at.
 * BLAS is called: in a parallel region, or with one thread.  Without a sentence NRM_E_CANCELLED, and
 * NRM_E_INTERNAL where a direction of the space was not found in 20000 m proposals: the basis is
 * not orthonormal with respect to mu. */
nrm_status nrm_dpp_chain_draw(const nrm_space *space, const nrm_dpp_watch *watch, nrm_rng *rng, double *work, double *x,
                              int64_t *proposals);

#endif
