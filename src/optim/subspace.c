/* subspace.c -- contract: subspace.h. */
#include "subspace.h"
#include "base/random.h"

static bool has_basis(const nrm_projector *p) { return p->kind != NRM_PROJECTOR_SVD; }

/* Random columns are those of the identity. */
static nrm_basis_kind basis_of(const nrm_projector *p)
{
    return p->kind == NRM_PROJECTOR_COLUMNS ? NRM_BASIS_IDENTITY : (nrm_basis_kind)((int)p->kind - NRM_PROJECTOR_DCT2);
}
_Static_assert(NRM_PROJECTOR_IDENTITY - NRM_PROJECTOR_DCT2 == NRM_BASIS_IDENTITY, "the bases come in the same order");

nrm_low_rank nrm_projector_shape(const nrm_projector *p, nrm_dtype dtype, int threads, int64_t rows, int64_t cols)
{
    int64_t rank = p->rank;
    if (p->density > 0) {
        const nrm_low_rank l = nrm_low_rank_of(dtype, threads, p->side, true, 1, rows, cols);
        const double wanted = p->density * (double)l.side;
        rank = nrm_max_i64(1, (int64_t)(p->kind == NRM_PROJECTOR_COLUMNS ? floor(wanted) : round(wanted)));
    }
    return nrm_low_rank_of(dtype, threads, p->side, true, rank, rows, cols);
}

nrm_status nrm_rank_fits(nrm_ctx *ctx, const char *who, const char *name, int64_t rank, int64_t most, int64_t rows, int64_t cols)
{
    NRM_REQUIRE(ctx, rank >= 1 && rank <= most, NRM_E_RANGE,
                "%s: rank is %lld; for '%s' of %lld x %lld it must be 1 to %lld: lower it, or give small matrices to another group", who,
                NRM_LL(rank), name, NRM_LL(rows), NRM_LL(cols), NRM_LL(most));
    return NRM_OK;
}

nrm_status nrm_projector_fits(nrm_ctx *ctx, const nrm_projector *p, const char *name, int64_t rows, int64_t cols)
{
    const nrm_low_rank l = nrm_projector_shape(p, NRM_F64, 1, rows, cols);
    const int64_t most = has_basis(p) ? l.side : nrm_min_i64(l.side, l.other); /* there are no more singular vectors */
    NRM_TRY(nrm_rank_fits(ctx, p->who, name, l.rank, most, rows, cols));
    return has_basis(p) ? nrm_basis_check(ctx, p->who, basis_of(p), l.side) : NRM_OK;
}

/* 27 bits of length (nrm_basis_check), 3 of basis, 2 of transform, 27 of seed. */
int64_t nrm_projector_key(const nrm_projector *p, int64_t rows, int64_t cols)
{
    if (!has_basis(p)) return -1;
    const int64_t bases = (p->seed * 8 + (int64_t)basis_of(p)) * 4 + (int64_t)p->transform;
    return bases * (INT64_C(1) << 27) + nrm_projector_shape(p, NRM_F64, 1, rows, cols).side;
}

nrm_status nrm_projector_make(nrm_ctx *ctx, const nrm_projector *p, nrm_dtype dtype, int64_t rows, int64_t cols, void **basis)
{
    nrm_basis *made;
    NRM_TRY(nrm_basis_create(ctx, p->who, basis_of(p), p->transform, nrm_projector_shape(p, dtype, 1, rows, cols).side,
                             (uint64_t)p->seed, dtype, &made));
    *basis = made;
    return NRM_OK;
}

void nrm_projector_unmake(nrm_ctx *ctx, void *basis) { nrm_basis_destroy(ctx, basis); }

nrm_rule_state nrm_projector_state(const nrm_projector *p, int64_t rows, int64_t cols)
{
    const nrm_low_rank l = nrm_projector_shape(p, NRM_F64, 1, rows, cols);
    if (!has_basis(p)) return (nrm_rule_state){.suffix = "projector", .rows = l.side, .cols = l.rank};
    return (nrm_rule_state){.suffix = "index", .rows = 1, .cols = l.rank, .values = NRM_RULE_INDICES, .below = l.side};
}

bool nrm_projector_adam_state(const nrm_projector *p, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    const nrm_low_rank l = nrm_projector_shape(p, NRM_F64, 1, rows, cols);
    *s = i == NRM_SUBSPACE_P ? nrm_projector_state(p, rows, cols)
                             : nrm_low_rank_state(&l, i == NRM_SUBSPACE_M ? "m" : "v", i == NRM_SUBSPACE_V);
    return i < NRM_SUBSPACE_STATES;
}

/* ---- In a step -------------------------------------------------------------------------------------- */

void nrm_subspace_lay_out(nrm_subspace *s, const nrm_projector *p, const nrm_rule_piece *piece, nrm_layout *at)
{
    const nrm_low_rank *l = &s->l;

    *s = (nrm_subspace){.projector = *p, .l = nrm_projector_shape(p, piece->dtype, piece->threads, piece->rows, piece->cols)};
    if (!has_basis(p)) {
        s->work = nrm_layout_take(at, nrm_leading_work(l->right, l->rows, l->cols), 1);
        return;
    }
    s->view = (nrm_basis_view){.right = l->right, .rows = l->rows, .cols = l->cols, .rank = l->rank, .threads = l->threads};
    s->view.work = nrm_layout_take(at, nrm_basis_work(basis_of(p), p->transform, l->dtype, l->right, l->rows, l->cols, l->rank), 1);
}

void nrm_subspace_open(nrm_subspace *s, const nrm_rule_piece *piece, void *state)
{
    if (has_basis(&s->projector)) s->view.basis = piece->constant, s->index = state;
    else s->p = state;
}

/* rank of `side` numbers, ascending, every set equally likely: Knuth, algorithm 3.4.2 S. */
static void draw(const nrm_subspace *s, int64_t number, int64_t t)
{
    nrm_rng rng = nrm_rng_make((uint64_t)s->projector.seed ^ (uint64_t)t << 27, (uint64_t)number);
    for (int64_t j = 0, held = 0; held < s->l.rank; j++)
        if (nrm_rng_below(&rng, s->l.side - j) < s->l.rank - held) s->index[held++] = j;
}

void nrm_subspace_refresh(nrm_subspace *s, const nrm_rule_piece *piece, const void *a, void *room)
{
    const nrm_low_rank *l = &s->l;

    if (!has_basis(&s->projector)) {
        nrm_leading_run(l->dtype, l->right, l->rows, l->cols, l->rank, a, s->p, s->work);
    } else if (s->projector.kind == NRM_PROJECTOR_COLUMNS) {
        draw(s, piece->number, piece->t);
    } else {
        nrm_basis_forward(&s->view, a, room);
        nrm_basis_select(&s->view, (int)s->projector.ell_norm, false, room, s->index);
    }
}

void nrm_subspace_down(const nrm_subspace *s, const void *a, void *room, void *low)
{
    if (has_basis(&s->projector)) nrm_basis_down(&s->view, a, s->index, room, low);
    else nrm_low_rank_down(&s->l, s->p, a, low);
}

void nrm_subspace_up(const nrm_subspace *s, const void *low, void *a)
{
    if (has_basis(&s->projector)) nrm_basis_up(&s->view, low, s->index, a);
    else nrm_low_rank_up(&s->l, s->p, 1, low, 0, a);
}

nrm_subspace_work nrm_subspace_work_at(const nrm_projector *p, const nrm_rule_piece *piece, nrm_layout *at)
{
    const int64_t size = (int64_t)nrm_dtype_size(piece->dtype);
    nrm_subspace_work w;

    nrm_subspace_lay_out(&w.subspace, p, piece, at);
    w.g = nrm_layout_take(at, w.subspace.l.full, size);
    w.room = nrm_layout_take(at, w.subspace.l.full, size);
    w.low = nrm_layout_take(at, w.subspace.l.low, size);
    w.u = nrm_layout_take(at, w.subspace.l.low, size);
    return w;
}

void nrm_subspace_begin(nrm_subspace_work *w, const nrm_rule_piece *piece, double clip, bool refresh)
{
    nrm_subspace_open(&w->subspace, piece, piece->state[NRM_SUBSPACE_P]);
    nrm_dense_combine(piece->dtype, piece->threads, piece->n, clip, piece->gradient, 0, piece->gradient, w->g);
    if (refresh) nrm_subspace_refresh(&w->subspace, piece, w->g, w->room);
    nrm_subspace_down(&w->subspace, w->g, w->room, w->low);
}
