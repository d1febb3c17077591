/* hadamard.h -- the inner loops of the Walsh-Hadamard transform, one table an instruction set.
 * Private.
 *
 * A panel is n rows of NRM_HADAMARD_WIDTH doubles, a cache line each; n is a power of two.  Every
 * version adds and subtracts the same pairs in the same order, so all give the same bits. */
#ifndef NRM_KERNEL_HADAMARD_H
#define NRM_KERNEL_HADAMARD_H

#include "kernel/cpu.h"

enum { NRM_HADAMARD_WIDTH = 8, NRM_HADAMARD_AHEAD = 64 };

typedef struct nrm_hadamard_kernels {
    /* panel = H_n panel. */
    void (*transform)(double *panel, int64_t n);
    /* panel = H_n D a, for n rows of a, ld apart, and signs +1 and -1.  On the way the first three
     * quarters of n/8 rows of NRM_HADAMARD_AHEAD doubles, ld apart from `ahead` on, are called into
     * the cache; NULL: none. */
    void (*transform_of)(const double *a, int64_t ld, const double *sign, int64_t n, double *panel, const double *ahead);
    /* Row r of sums += sign[r] times row[r] of the panel; the last quarter of those n/8 rows is called. */
    void (*add_rows)(int64_t m, const int32_t *row, const double *sign, const double *panel, double *sums, int64_t n,
                     const double *ahead, int64_t ld);
    /* sum (one row) = sum_k factor[k] row[k] of the panel, k rising. */
    void (*weigh_rows)(int64_t count, const int64_t *row, const double *factor, const double *panel, double *sum);
} nrm_hadamard_kernels;

extern const nrm_hadamard_kernels nrm_hadamard_scalar;
#if defined(__x86_64__)
extern const nrm_hadamard_kernels nrm_hadamard_avx2, nrm_hadamard_avx512;
#endif
const nrm_hadamard_kernels *nrm_hadamard_kernels_for(nrm_isa isa);

#endif
