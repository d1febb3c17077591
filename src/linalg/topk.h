/* topk.h -- the line between the k largest of n numbers and the rest.  Private.
 *
 *     nrm_top_cut cut = nrm_top_cut_find(x, n, k, false, scratch);
 *     for (int64_t i = 0; i < n; i++)          -- in index order, every i once
 *         if (nrm_top_cut_keeps(&cut, x[i])) ...   -- true exactly k times */
#ifndef NRM_TOPK_H
#define NRM_TOPK_H

#include "base/base.h"

typedef struct nrm_top_cut {
    uint64_t key;   /* of the k-th largest */
    int64_t equals; /* how many entries with this very key still belong to the k */
    bool magnitude;
} nrm_top_cut;

/* 1 <= k <= n; scratch holds n int64. */
nrm_top_cut nrm_top_cut_find(const double *x, int64_t n, int64_t k, bool magnitude, int64_t *scratch);

/* The k-th largest of n keys, which are used up, 1 <= k <= n; *above: how many are larger. */
uint64_t nrm_select_key(uint64_t *key, int64_t n, int64_t k, int64_t *above);

/* What entries are ranked by: NaN counts as -Inf. */
static inline double nrm_rank_value(double x, bool magnitude)
{
    const double value = magnitude ? fabs(x) : x;
    return value > -INFINITY ? value : -INFINITY;
}

/* An unsigned integer with the order of the ranked values. */
static inline uint64_t nrm_rank_key(double x, bool magnitude)
{
    const double value = nrm_rank_value(x, magnitude) + 0.0; /* -0 becomes 0 */
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits ^ ((0 - (bits >> 63)) | UINT64_C(1) << 63); /* negative: all bits turn; else the sign */
}

static inline bool nrm_top_cut_keeps(nrm_top_cut *cut, double x)
{
    const uint64_t key = nrm_rank_key(x, cut->magnitude);
    const bool equal = key == cut->key, kept = (key > cut->key) | (equal & (cut->equals > 0));
    cut->equals -= equal;
    return kept;
}

#endif
