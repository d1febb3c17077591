/* convolution_plan.h -- the geometry of the fast convolution: how a strided, dilated, padded
 * sum becomes one at shifts of whole rows.  Private to convolution*.c.
 *
 * Along one axis let tap k sit at q_k = k dilation - before = stride f_k + a_k, 0 <= a_k < stride.
 *
 *     forward:  y[i] = sum_k w_k x[stride (i + f_k) + a_k]     the source is split into phases a
 *     adjoint:  dx[stride i + a] = sum_{k: a_k = a} w_k dy[i - f_k]     the target is
 *
 * Either way target point i of its phase reads the source phase of tap k at i + shift_k, so
 * with the phases as planes of one pitch a tap is an offset, for every stride and dilation.
 * a_k has the period stride / gcd(stride, dilation) in k, and does not repeat within it.
 *
 * The pitch: where zeros end one row and begin the next they can be the same zeros. */
#ifndef NRM_CONVOLUTION_PLAN_H
#define NRM_CONVOLUTION_PLAN_H

#include "convolution.h"
#include "convolution_kernels.h"

typedef struct nrm_conv_axis {
    int64_t kernel, stride, dilation, before;
    bool adjoint;
    int64_t source, target;               /* lengths */
    int64_t source_phases, target_phases; /* those that are used */
    int64_t period;
    int64_t low, span;   /* shifts lie in low .. low + span */
    int64_t count;       /* most target points of a phase */
    int64_t band, bands; /* they are done in bands, which fit the cache */
} nrm_conv_axis;

typedef struct nrm_conv_plan {
    nrm_conv_axis axis[2];
    int64_t batch, groups;
    int64_t channels, rows;   /* of a group: read, written */
    int64_t pitch, lines;     /* of a phase of a channel in the buffer */
    int64_t plane;            /* all phases of a channel */
    int64_t taps, depth;      /* depth = channels * taps */
    int64_t part_rows, parts; /* the rows of a group are done in parts */
    int64_t items;            /* parts * batch * groups * bands */
} nrm_conv_plan;

typedef struct nrm_conv_item { /* what is done at once */
    int64_t image, group;
    int64_t first, rows; /* of the group */
    int64_t begin[2], count[2]; /* target points */
} nrm_conv_item;

/* The taps that lead to one phase of the target (forward: all). */
typedef struct nrm_conv_section {
    int64_t phase[2]; /* number of the phase, and its first tap */
    int64_t step[2], count[2];
    int64_t taps, taps_before; /* its own; those of earlier sections */
} nrm_conv_section;

/* The weight gradient: chunks (images x bands) in blocks of the batch whose sums are kept
 * apart and added in order. */
typedef struct nrm_conv_gradient_plan {
    nrm_conv_plan plan;
    int64_t images, chunks; /* images at once, chunks in all */
    int64_t blocks;
    int64_t flat; /* places of a row of dy, a multiple of 16 */
} nrm_conv_gradient_plan;

nrm_conv_plan nrm_conv_plan_make(const nrm_conv_shape *shape, bool adjoint, int64_t size);
nrm_conv_gradient_plan nrm_conv_gradient_plan_make(const nrm_conv_shape *shape, int64_t size);
nrm_conv_item nrm_conv_plan_item(const nrm_conv_plan *plan, int64_t index);
int64_t nrm_conv_plan_sections(const nrm_conv_plan *plan);
nrm_conv_section nrm_conv_plan_section(const nrm_conv_plan *plan, int64_t index);
/* offset[depth], sections one after the other, (channel, tap) within. */
void nrm_conv_plan_offsets(const nrm_conv_plan *plan, int64_t *offset);

/* Zeros to keep after the last channel: what a tile and a shift may read there. */
int64_t nrm_conv_plan_slack(const nrm_conv_plan *plan);

/* a of a phase of the source or target, by its number. */
int64_t nrm_conv_source_phase(const nrm_conv_axis *axis, int64_t number);
int64_t nrm_conv_target_phase(const nrm_conv_axis *axis, int64_t number);
/* Points of a source phase in the buffer: those at [*first, *end) of `length` from target point
 * `begin` on are inside, and the first of them is source point *source. */
void nrm_conv_inside(const nrm_conv_axis *axis, int64_t phase, int64_t begin, int64_t length, int64_t *first,
                     int64_t *end, int64_t *source);

#endif
