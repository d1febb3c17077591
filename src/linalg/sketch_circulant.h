/* sketch_circulant.h -- products with a circulant.  Private to linalg. */
#ifndef NRM_SKETCH_CIRCULANT_H
#define NRM_SKETCH_CIRCULANT_H

#include "base/base.h"

typedef struct nrm_circulant nrm_circulant;

/* C x with (C x)_i = sum_j g_(i-j mod n) x_j, for any g.  O(n log n) by
 * Fourier transforms, O(n^2) where these are not accurate in this build, and for a short n. */
nrm_status nrm_circulant_create(nrm_ctx *ctx, const char *who, int64_t n, const double *g, nrm_circulant **circulant);
void nrm_circulant_destroy(nrm_ctx *ctx, nrm_circulant *circulant); /* NULL is fine */
/* Two vectors at once: x has n pairs, which become C of the first and C of the second of each;
 * work has 2n.  Both 64-byte aligned.  For several threads at once. */
void nrm_circulant_apply(const nrm_circulant *circulant, double *restrict x, double *restrict work);
/* True if it goes by Fourier transforms. */
bool nrm_circulant_is_fast(int64_t n);

#endif
