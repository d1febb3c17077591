/* elementwise.h -- the loops of elementwise operations and row reductions, one table a type
 * and instruction set.  Private.
 *
 * They run on tiles of at most some thousand elements that lie in the first cache: what
 * counts is the time per element there.  Nothing is read or written past n; y may be any of
 * the inputs itself (same address), overlap in another way is not allowed; no alignment is
 * assumed.  NaN gives NaN, infinities their limits.  A kernel's bits for an element do not
 * depend on n or on the element's position, so tiles may be cut anywhere; reductions have a
 * fixed order for a given n.  The bits do depend on the instruction set.
 *
 * Errors in units of the last place (tests/test_elementwise.c has the table): exp, log, pow 1;
 * log1p, rsqrt 1.5; the other transcendental functions 2 (softplus 2.2), in f64 2.5; gelu,
 * silu and their slopes 4 (f64 5) or 1e-7 max(1, |x|) (f64 2e-16).  Denormals are computed,
 * not flushed.
 * NaN: sign, step, relu, max and min give NaN for a NaN in either argument; less, less_equal
 * and equal give 0; where takes a NaN condition for not 0; pow is C's (x^0 and 1^x are 1).
 * Fast as long as arguments are regular; vectors that hold others also take the slow way:
 * log and log1p outside the positive normal numbers; sin and cos beyond 1e5 (f64: 2^30); pow
 * of zero, of denormals, and with results out of range. */
#ifndef NRM_ELEMENTWISE_H
#define NRM_ELEMENTWISE_H

#include "kernel/cpu.h"
#include <norma/graph.h>

typedef enum nrm_unary {
#define NRM_UNARY_ENUM(name) NRM_UNARY_##name,
    NRM_OP_UNARY_LIST(NRM_UNARY_ENUM) NRM_UNARY_COUNT
} nrm_unary;
typedef enum nrm_binary {
#define NRM_BINARY_ENUM(name) NRM_BINARY_##name,
    NRM_OP_BINARY_LIST(NRM_BINARY_ENUM) NRM_BINARY_COUNT
} nrm_binary;

enum {
    NRM_ELEMENTWISE_ROOM = 16, /* elements of the widest vector */
    NRM_ELEMENTWISE_ROWS = 16
};

#define NRM_ELEMENTWISE_DECLARE(REAL, TYPE)                                                                    \
    typedef struct nrm_elementwise_##TYPE {                                                                    \
        nrm_isa isa;                                                                                           \
        void (*unary[NRM_UNARY_COUNT])(int64_t n, const REAL *x, REAL *y);                                     \
        void (*binary[NRM_BINARY_COUNT])(int64_t n, const REAL *a, const REAL *b, REAL *y);                    \
        void (*binary_vs[NRM_BINARY_COUNT])(int64_t n, const REAL *a, REAL b, REAL *y); /* b the same for all */ \
        void (*binary_sv[NRM_BINARY_COUNT])(int64_t n, REAL a, const REAL *b, REAL *y);                        \
        void (*where)(int64_t n, const REAL *condition, const REAL *a, const REAL *b, REAL *y);                \
        /* y += x; y += a x (fma). */                                                                          \
        void (*accumulate)(int64_t n, const REAL *x, REAL *y);                                                 \
        void (*axpy)(int64_t n, REAL a, const REAL *x, REAL *y);                                               \
        void (*fill)(int64_t n, REAL value, REAL *y);                                                          \
        /* n >= 0; sum of none is 0, greatest -inf, least inf; NaN anywhere gives NaN.  sum: several           \
         * vector accumulators, folded in a fixed order. */                                                    \
        REAL (*sum)(int64_t n, const REAL *x);                                                                 \
        REAL (*greatest)(int64_t n, const REAL *x);                                                            \
        REAL (*least)(int64_t n, const REAL *x);                                                               \
        /* At most NRM_ELEMENTWISE_ROWS rows ld apart, row r of n + r grow elements (n >= 1, grow 0 or 1) in     \
         * whole vectors: of `room` (a multiple of NRM_ELEMENTWISE_ROOM) those from the row's end on become 0. \
         * x = softmax(scale x): a NaN or +inf makes a row NaN, -inf throughout gives 0.                       \
         * g = scale p (g - sum g p), its derivative where p is the softmax. */                                \
        void (*softmax)(int rows, int64_t n, int64_t grow, int64_t room, REAL scale, REAL *x, int64_t ld);     \
        void (*softmax_slope)(int rows, int64_t n, int64_t grow, int64_t room, REAL scale, const REAL *p,      \
                              REAL *g, int64_t ld);                                                            \
    } nrm_elementwise_##TYPE;                                                                                  \
    const nrm_elementwise_##TYPE *nrm_elementwise_##TYPE##_for(nrm_isa isa); /* the best at most isa */         \
    const nrm_elementwise_##TYPE *nrm_elementwise_##TYPE##_avx2(void);   /* NULL: not in this build */         \
    const nrm_elementwise_##TYPE *nrm_elementwise_##TYPE##_avx512(void);

NRM_ELEMENTWISE_DECLARE(float, f32)
NRM_ELEMENTWISE_DECLARE(double, f64)

#endif
