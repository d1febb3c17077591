/* clip.c -- gradients scaled down to a bound on their common 2-norm.
 *
 *     norm = sqrt(sum over all elements of g^2),   g <- g max_norm / norm   where norm > max_norm
 *
 * Squares are summed in f64 over blocks of a fixed size, and blocks in order.  Where the f64
 * squares leave the range, all is measured again in units of 2^600 or 2^-600. */
#include "optim.h"
#include <stdio.h>

enum { WAVE = 256 }; /* blocks whose sums are held at a time */

typedef struct gradient_list {
    int64_t count;
    nrm_dtype dtype;
    void *const *data;
    const int64_t *sizes;
    int threads;
} gradient_list;

/* The place of a block; blocks are counted through all arrays. */
typedef struct cursor { int64_t array, first; } cursor;

static bool next_block(const gradient_list *l, cursor *at, nrm_optimizer_part *block)
{
    while (at->array < l->count && at->first >= l->sizes[at->array]) *at = (cursor){at->array + 1, 0};
    if (at->array >= l->count) return false;
    *block = (nrm_optimizer_part){at->array, at->first, nrm_min_i64(NRM_OPTIMIZER_BLOCK, l->sizes[at->array] - at->first)};
    at->first += block->count;
    return true;
}

static void *block_data(const gradient_list *l, const nrm_optimizer_part *b)
{
    return (unsigned char *)l->data[b->slot] + b->first * (int64_t)nrm_dtype_size(l->dtype);
}

static double block_squares(const gradient_list *l, const nrm_optimizer_part *b, double unit)
{
    return nrm_square_sum(l->dtype, b->count, unit, block_data(l, b));
}

static void scale_block(const gradient_list *l, const nrm_optimizer_part *b, double factor)
{
    if (l->dtype == NRM_F32) nrm_optimizer_kernels_f32_for(nrm_cpu_isa())->scale(b->count, factor, block_data(l, b));
    else nrm_optimizer_kernels_f64_for(nrm_cpu_isa())->scale(b->count, factor, block_data(l, b));
}

/* Wave after wave of blocks, shared by the threads: sum the squares, or (scale != 0) scale. */
static double pass(const gradient_list *l, double unit, double scale)
{
    nrm_optimizer_part block[WAVE];
    double square[WAVE], sum = 0;
    cursor at = {0, 0};

    for (int filled = WAVE; filled == WAVE;) {
        for (filled = 0; filled < WAVE && next_block(l, &at, &block[filled]);) filled++;
#pragma omp parallel for schedule(static) num_threads(l->threads) if (l->threads > 1 && filled > 1)
        for (int i = 0; i < filled; i++) {
            square[i] = 0;
            if (scale != 0) scale_block(l, &block[i], scale);
            else square[i] = block_squares(l, &block[i], unit);
        }
        for (int i = 0; i < filled; i++) sum += square[i];
    }
    return sum;
}

static nrm_status refuse(nrm_ctx *ctx, const gradient_list *l)
{
    char value[NRM_NUMBER_LENGTH];

    for (int64_t i = 0; i < l->count; i++) {
        int64_t where = 0;
        const bool fine = l->dtype == NRM_F32 ? nrm_all_finite_f32(l->data[i], l->sizes[i], &where)
                                              : nrm_all_finite_f64(l->data[i], l->sizes[i], &where);
        if (fine) continue;
        if (l->dtype == NRM_F32) nrm_format_f32(value, ((const float *)l->data[i])[where]);
        else nrm_format_f64(value, ((const double *)l->data[i])[where]);
        return nrm_fail(ctx, NRM_E_NONFINITE, "clip-gradients: element %lld of gradient %lld is %s; every gradient must be "
                        "finite: look at the loss (nothing was scaled)", NRM_LL(where), NRM_LL(i), value);
    }
    return NRM_OK;
}

nrm_status nrm_clip_gradients(nrm_ctx *ctx, int64_t count, nrm_dtype dtype, void *const *gradients, const int64_t *sizes,
                              double max_norm, double *norm)
{
    NRM_REQUIRE(ctx, count >= 0 && ((gradients && sizes) || count == 0), NRM_E_NULL,
                "clip-gradients: count is %lld; it must be at least 0, with gradients and sizes", NRM_LL(count));
    NRM_REQUIRE(ctx, dtype == NRM_F32 || dtype == NRM_F64, NRM_E_DTYPE,
                "clip-gradients: the type is %s; it must be f32 or f64", nrm_dtype_name(dtype));
    NRM_REQUIRE(ctx, max_norm > 0, NRM_E_RANGE,
                "clip-gradients: max_norm is %g; it must be > 0: use INFINITY to measure alone", max_norm);
    for (int64_t i = 0; i < count; i++)
        NRM_REQUIRE(ctx, sizes[i] >= 0 && (gradients[i] || sizes[i] == 0), NRM_E_SHAPE,
                    "clip-gradients: gradient %lld has %lld elements%s; give at least 0, and where they are", NRM_LL(i),
                    NRM_LL(sizes[i]), gradients[i] ? "" : " and is NULL");

    const gradient_list l = {count, dtype, gradients, sizes, nrm_threads(ctx)};
    double unit = 1, squares = pass(&l, unit, 0);
    if (!isfinite(squares)) {
        NRM_TRY(refuse(ctx, &l));
        unit = 0x1p-600;
    } else if (squares < 1e-280) {
        unit = 0x1p600;
    }
    if (unit != 1) squares = pass(&l, unit, 0);
    const double found = sqrt(squares) / unit;
    if (found > max_norm) pass(&l, 1, max_norm / found);
    if (norm) *norm = found;
    return NRM_OK;
}
