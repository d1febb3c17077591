/* sketch_family.h -- what the families of sketch.h share.  Private to src/linalg/sketch*.c.
 *
 * Every random number is read at a fixed place of its Philox stream (seed, stream), so the work
 * can be cut anywhere.  Places, as block numbers:
 *
 *   from 0         gaussian: pairs of normals; sparse: an entry a block; else the signs D, 128 a block
 *   from CHOICE    the rows P; bgp: the permutation
 *   from CIRCULANT the signs g of C, 128 a block
 *   from GAMMA     bgp: pairs of normals */
#ifndef NRM_SKETCH_FAMILY_H
#define NRM_SKETCH_FAMILY_H

#include "sketch.h"
#include "base/random.h"
#include "transform.h"

#define NRM_SKETCH_CHOICE (UINT64_C(1) << 62)
#define NRM_SKETCH_CIRCULANT (UINT64_C(2) << 62)
#define NRM_SKETCH_GAMMA (UINT64_C(3) << 62)

/* Rows first .. first + count - 1 of [A B]. */
typedef struct nrm_sketch_rows {
    int64_t first, count;
    const double *a;
    int64_t lda;
    const double *b;
    int64_t ldb;
} nrm_sketch_rows;

typedef struct nrm_sketch_family {
    nrm_status (*begin)(nrm_ctx *ctx, nrm_sketch_sum *sum); /* checks what is its own; sets unit and state */
    nrm_status (*add)(nrm_ctx *ctx, nrm_sketch_sum *sum, const nrm_sketch_rows *rows);
    void (*finish)(nrm_sketch_sum *sum); /* the scaled sum in values */
    void (*end)(nrm_ctx *ctx, nrm_sketch_sum *sum); /* of a begun or half begun state, not NULL */
} nrm_sketch_family;
extern const nrm_sketch_family nrm_sketch_dense, nrm_sketch_hadamard, nrm_sketch_pooled, nrm_sketch_sparse;

/* Numbers touched from which on a team of threads pays: waking it costs some 10 us. */
enum { NRM_SKETCH_TEAM = 1 << 17 };

struct nrm_sketch_sum {
    const char *who;
    const nrm_sketch_family *family;
    nrm_sketch_plan plan;
    int64_t d, q, columns; /* columns = d + q */
    int64_t unit;
    int threads;    /* work was made for so many */
    double *values; /* m x columns */
    void *state;
    bool finished;
};

static inline nrm_rng nrm_sketch_rng(const nrm_sketch_plan *plan, uint64_t block)
{
    nrm_rng rng = nrm_rng_make(plan->seed, plan->stream);
    rng.block = block;
    return rng;
}

/* Look at the cancel flag with `done` rows behind. */
nrm_status nrm_sketch_tick(nrm_ctx *ctx, const nrm_sketch_sum *sum, int64_t done);
/* m row numbers out of `rows` into an array of m. */
nrm_status nrm_sketch_choose(nrm_ctx *ctx, const nrm_sketch_sum *sum, int64_t rows, int64_t *chosen);
/* values *= factor. */
void nrm_sketch_scale(nrm_sketch_sum *sum, double factor);

/* Blocks first .. first + count - 1, as kernel/philox.h gives them. */
void nrm_sketch_blocks(const nrm_sketch_plan *plan, uint64_t first, int64_t count, uint64_t *low, uint64_t *high);
/* Numbers first .. first + count - 1 of the signs, +1 and -1, that begin at block `start`. */
void nrm_sketch_signs(const nrm_sketch_plan *plan, uint64_t start, int64_t first, int64_t count, double *sign);
/* -1 to the power |x & y|. */
static inline double nrm_sketch_parity(int64_t x, int64_t y) { return __builtin_parityll((uint64_t)(x & y)) ? -1 : 1; }
/* Panel number p of count rows from row `from` of `rows` on, each under its sign, and zero rows up
 * to `padded`. */
void nrm_sketch_panel(const nrm_sketch_sum *sum, const nrm_sketch_rows *rows, int64_t from, int64_t count, int64_t p,
                      const double *sign, int64_t padded, double *panel);
/* 2 pairs independent normals, of blocks first .. first + pairs - 1. */
void nrm_sketch_normals(const nrm_sketch_plan *plan, uint64_t first, int64_t pairs, double *x);

/* srct of all rows at once. */
nrm_status nrm_sketch_circulant(nrm_ctx *ctx, nrm_sketch_sum *sum, const nrm_sketch_rows *rows, const int64_t *chosen);

#endif
