/* exact.c -- the exact top eigenvector: the Gram matrix G = A'A (d x d), one row at a time,
 * and a symmetric eigenproblem at the end.  O(d^2) memory, n d^2 + O(d^3) time: the measure
 * that the streaming algorithms are held against where d allows. */
#include "stream.h"

enum { STRIPE = 64 };

static void destroy(nrm_ctx *ctx, void *state) { nrm_free(ctx, state); }

static nrm_status create(nrm_ctx *ctx, nrm_top_eigenvector_stream *s)
{
    return nrm_stream_alloc(ctx, s, &s->state, s->columns, s->columns, "the Gram matrix: use heavy-light");
}

/* The lower triangle, in stripes of columns. */
static nrm_status absorb(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const nrm_batch *batch, int64_t *taken)
{
    const nrm_ordered_kernels *kernels = nrm_ordered_kernels_for(nrm_cpu_isa());
    const int64_t d = s->columns;
    double *g = s->state;

    for (int64_t c = 0; c < d && batch->dense; c += STRIPE)
        nrm_ordered_transposed(ctx, batch->count, d - c, nrm_min_i64(STRIPE, d - c), batch->dense + c, d,
                               batch->dense + c, d, g + c * d + c, d);
    for (int64_t i = 0; i < batch->count && !batch->dense; i++) {
        const int64_t begin = batch->indptr[i], *index = batch->indices + begin;
        const double *value = batch->values + begin;
        for (int64_t e = 0; e < batch->indptr[i + 1] - begin; e++)
            kernels->sparse_transposed(e + 1, index, value, 1, value + e, g + index[e] * d, 1);
    }
    *taken = batch->count;
    return NRM_OK;
}

static nrm_status query(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, double *v, nrm_top_eigenvector_info *info)
{
    const int64_t d = s->columns;
    double *u, *w;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(ctx, u, d * d + d, "the eigenvectors"));
    w = u + d * d;
    NRM_TRY_DONE(nrm_small_eigen(ctx, d, s->state, w, u));
    for (int64_t j = 0; j < d; j++) v[j] = u[j * d];
    nrm_info_gap(info, w[0], d > 1 ? w[1] : 0);
    info->peak_numbers += d * d + d;
done:
    nrm_free(ctx, u);
    return st;
}

static nrm_status merge(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const nrm_top_eigenvector_stream *other)
{
    double *g = s->state;
    const double *h = other->state;
    (void)ctx;
    for (int64_t e = 0; e < s->columns * s->columns; e++) g[e] += h[e];
    return NRM_OK;
}

static void fields(const nrm_top_eigenvector_stream *s, nrm_state_fields *list)
{
    nrm_state_add(list, "gram", NRM_F64, s->columns * s->columns, s->state);
}

const nrm_engine nrm_engine_exact = {create, absorb, query, merge, fields, NULL, NULL, destroy, "exact"};
