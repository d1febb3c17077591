/* frequent_directions.c -- Frequent Directions: a sketch of l rows in memory for 2 l.
 *
 * Ghashami, Liberty, Phillips, Woodruff, "Frequent Directions: Simple and Deterministic
 * Matrix Sketching", SIAM J. Comput. 45(5), 2016.  When the buffer B (2l x d) is full,
 *
 *     B = U S V',   B <- sqrt(max(S^2 - s_l^2 I, 0)) V',   at most l - 1 rows left      (1)
 *
 * so that  0 <= A'A - B'B <= (sum of the s_l^2) I.  With B B' = U S^2 U', row i of the new B
 * is sqrt((w_i - w_l) / w_i) (U'B)_i, w = S^2: only a 2l x 2l eigenproblem, and rows are
 * combined in place.  Squaring costs accuracy only where (1) throws the direction away.
 * A baseline; the answer is the top right singular vector of B. */
#include "stream.h"

typedef struct nrm_sketch {
    int64_t rows;      /* l, at most d + 1 */
    double *b;         /* 2l x d */
    double *gram, *u;  /* 2l x 2l */
    double *w;         /* 2l */
    double *mixed;     /* l x TILE */
    int64_t *filled;
    double *lost;      /* sum of s_l^2 */
} nrm_sketch;

enum { TILE = 64 };

static void destroy(nrm_ctx *ctx, void *state)
{
    nrm_sketch *f = state;
    if (!f) return;
    void *memory[] = {f->b, f->gram, f->u, f->w, f->mixed, f->filled, f->lost, f};
    for (int i = 0; i < NRM_COUNT(memory); i++) nrm_free(ctx, memory[i]);
}

static nrm_status create(nrm_ctx *ctx, nrm_top_eigenvector_stream *s)
{
    const int64_t d = s->columns, l = nrm_min_i64(s->options.sketch_rows, d + 1);
    nrm_sketch *f;

    NRM_TRY(NRM_ALLOC_ZERO(ctx, f, 1, NRM_TOP_EIGENVECTOR));
    s->state = f;
    f->rows = l;
    NRM_TRY(nrm_stream_alloc(ctx, s, &f->b, 2 * l, d, "the sketch: lower sketch_rows"));
    NRM_TRY(nrm_stream_alloc(ctx, s, &f->gram, 2 * l, 2 * l, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &f->u, 2 * l, 2 * l, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &f->w, 2 * l, 1, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &f->mixed, l, TILE, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &f->filled, 1, 1, NRM_TOP_EIGENVECTOR));
    return nrm_stream_alloc(ctx, s, &f->lost, 1, 1, NRM_TOP_EIGENVECTOR);
}

/* (1).  The eigenproblem is all that can fail, and it comes before the sketch changes. */
static nrm_status shrink(nrm_ctx *ctx, nrm_sketch *f, int64_t d)
{
    const nrm_ordered_kernels *kernels = nrm_ordered_kernels_for(nrm_cpu_isa());
    const int64_t l = f->rows, n = 2 * l;

    nrm_ordered_row_gram(ctx, n, d, f->b, d, f->gram, n);
    NRM_TRY(nrm_small_eigen(ctx, n, f->gram, f->w, f->u));
    const double cut = fmax(f->w[l - 1], 0), rounding = 1e-15 * (double)n * f->w[0];
    int64_t kept = 0;
    for (; kept < l - 1 && f->w[kept] > cut + rounding; kept++) { /* gram now takes the l x 2l mixing matrix */
        const double factor = sqrt((f->w[kept] - cut) / f->w[kept]);
        for (int64_t r = 0; r < n; r++) f->gram[kept * n + r] = factor * f->u[r * n + kept];
    }
    for (int64_t j = 0; j < d; j += TILE) {
        const int64_t width = nrm_min_i64(TILE, d - j);
        memset(f->mixed, 0, (size_t)(l * TILE) * sizeof *f->mixed);
        kernels->product(kept, n, width, f->gram, n, f->b + j, d, f->mixed, TILE);
        for (int64_t i = 0; i < kept; i++)
            memcpy(f->b + i * d + j, f->mixed + i * TILE, (size_t)width * sizeof *f->b);
    }
    *f->filled = kept;
    *f->lost += cut;
    return NRM_OK;
}

static nrm_status absorb(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const nrm_batch *batch, int64_t *taken)
{
    nrm_sketch *f = s->state;

    for (*taken = 0; *taken < batch->count; ++*taken) {
        if (*f->filled == 2 * f->rows) NRM_TRY(shrink(ctx, f, s->columns));
        nrm_row_copy(batch, *taken, f->b + (*f->filled)++ * s->columns);
    }
    return NRM_OK;
}

static nrm_status query(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, double *v, nrm_top_eigenvector_info *info)
{
    const nrm_sketch *f = s->state;
    const nrm_two_parts parts = {s->columns, 0, *f->filled, NULL, NULL, f->b};
    int64_t numbers = 0;
    double top[2];

    NRM_REQUIRE(ctx, *f->filled > 0, NRM_E_SINGULAR, NRM_TOP_EIGENVECTOR ": the sketch is empty: all directions "
                "of its rows were equally long; give more sketch_rows");
    NRM_TRY(nrm_two_parts_top(ctx, &parts, v, top, &numbers));
    nrm_info_gap(info, top[0], top[1]);
    info->lost = *f->lost;
    info->peak_numbers += numbers;
    return NRM_OK;
}

static nrm_status merge(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const nrm_top_eigenvector_stream *other)
{
    nrm_sketch *f = s->state;
    const nrm_sketch *g = other->state;
    const int64_t filled = *f->filled, d = s->columns;
    const double lost = *f->lost;
    double *before;
    nrm_status st = NRM_OK;

    NRM_TRY(NRM_ALLOC(ctx, before, filled * d, NRM_TOP_EIGENVECTOR)); /* to go back to when memory runs out */
    memcpy(before, f->b, (size_t)(filled * d) * sizeof *before);
    for (int64_t i = 0; i < *g->filled && st >= 0; i++) {
        if (*f->filled == 2 * f->rows) st = shrink(ctx, f, d);
        if (st >= 0) memcpy(f->b + (*f->filled)++ * d, g->b + i * d, (size_t)d * sizeof *f->b);
    }
    if (st < 0) {
        memcpy(f->b, before, (size_t)(filled * d) * sizeof *before);
        *f->filled = filled;
        *f->lost = lost;
    } else {
        *f->lost += *g->lost;
    }
    nrm_free(ctx, before);
    return st;
}

static void fields(const nrm_top_eigenvector_stream *s, nrm_state_fields *list)
{
    const nrm_sketch *f = s->state;
    nrm_state_add(list, "sketch", NRM_F64, 2 * f->rows * s->columns, f->b);
    nrm_state_add(list, "filled", NRM_I64, 1, f->filled);
    nrm_state_add(list, "lost", NRM_F64, 1, f->lost);
}

static nrm_status loaded(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const char *path)
{
    const nrm_sketch *f = s->state;
    NRM_REQUIRE(ctx, *f->filled >= 0 && *f->filled <= 2 * f->rows, NRM_E_FORMAT, NRM_TOP_EIGENVECTOR
                ": %s holds a sketch of %lld rows; it has at most %lld: the file is damaged", path,
                NRM_LL(*f->filled), NRM_LL(2 * f->rows));
    return NRM_OK;
}

const nrm_engine nrm_engine_frequent_directions = {create, absorb, query, merge, fields, loaded, NULL, destroy,
                                                   "frequent-directions"};
