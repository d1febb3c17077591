/* dpp_chain.h -- points of nu = (k/m) mu, and the projection DPP of any space by the chain rule.
 * Private. */
#ifndef NRM_DPP_CHAIN_H
#define NRM_DPP_CHAIN_H

#include "alias.h"
#include "space.h"
#include <stdatomic.h>

/* Where proposals come from. */
typedef struct nrm_dpp_source {
    const nrm_space *space;
    nrm_alias rows; /* features: rows by leverage; else {0} */
} nrm_dpp_source;

/* Features: one pass over the basis at all rows, on the context's threads. */
nrm_status nrm_dpp_source_create(nrm_ctx *ctx, const char *who, const nrm_space *space, nrm_dpp_source *source);
void nrm_dpp_source_destroy(nrm_ctx *ctx, nrm_dpp_source *source);
void nrm_dpp_propose(const nrm_dpp_source *source, nrm_rng *rng, double *x); /* x ~ nu */

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
nrm_status nrm_dpp_chain_draw(const nrm_dpp_source *source, const nrm_dpp_watch *watch, nrm_rng *rng, double *work, double *x,
                              int64_t *proposals);

#endif
