/* select_columns.c -- the columns of a fixed orthogonal basis along which a matrix lies.
 * Contract and equations: norma/select_columns.h; the transforms and the choice: linalg/basis.c.
 *
 * Modoranu and others choose the columns of a DCT in place of singular vectors, for training
 * (arXiv 2505.17967): one fast transform, whatever the rank.  Results are made in memory of
 * their own and copied at the end, so that a failure leaves the outputs as they were; the
 * residual is measured on the numbers handed out, not by (1). */
#include "linalg/alone.h"
#include "linalg/basis.h"
#include "linalg/check.h"
#include "method/descriptor.h"
#include <norma/select_columns.h>

#define WHO "select-columns"

extern const nrm_method nrm_select_columns_method;

typedef struct plan {
    int64_t rows, cols, length, rank, low; /* low: elements of the projection */
    bool right, compare;
    int ell_norm;
    nrm_basis_kind kind;
    nrm_basis_transform transform;
} plan;

/* In the arena. */
typedef struct places { void *x, *s, *low, *work; double *score; int64_t *index; } places;

static nrm_status make_plan(nrm_ctx *ctx, int64_t m, int64_t n, const nrm_select_columns_options *options, plan *p)
{
    nrm_select_columns_options o;
    int64_t area;

    NRM_TRY(nrm_options_load(ctx, &nrm_select_columns_method, options, &o));
    NRM_REQUIRE(ctx, m >= 1 && n >= 1, NRM_E_SHAPE, WHO ": a is %lld x %lld; it must have at least one row and one column",
                NRM_LL(m), NRM_LL(n));
    NRM_REQUIRE(ctx, nrm_mul_size(m, n, &area) && area <= INT64_MAX / 64, NRM_E_OVERFLOW,
                WHO ": a is %lld x %lld; that is more than memory can address", NRM_LL(m), NRM_LL(n));
    *p = (plan){.rows = m, .cols = n, .right = o.side == NRM_PROJECT_RIGHT || (o.side == NRM_PROJECT_AUTO && m >= n),
                .compare = o.compare, .ell_norm = (int)o.ell_norm, .kind = (nrm_basis_kind)o.basis,
                .transform = (nrm_basis_transform)o.transform};
    p->length = p->right ? n : m;
    p->rank = nrm_usual_rank(o.rank, p->length);
    NRM_REQUIRE(ctx, p->rank <= p->length, NRM_E_RANGE, WHO ": rank is %lld; the %s side of a, %lld x %lld, has %lld columns of the "
                "basis: it must be 1 to that", NRM_LL(p->rank), p->right ? "right" : "left", NRM_LL(m), NRM_LL(n), NRM_LL(p->length));
    p->low = p->rank * (p->right ? m : n);
    return nrm_basis_check(ctx, WHO, p->kind, p->length);
}

static nrm_status lay_out(nrm_ctx *ctx, const plan *p, nrm_dtype dtype, nrm_arena *arena, places *at)
{
    const size_t size = nrm_dtype_size(dtype);
    const int64_t work = nrm_basis_work(p->kind, p->transform, dtype, p->right, p->rows, p->cols, p->rank);

    NRM_REQUIRE(ctx, work >= 0, NRM_E_OVERFLOW, WHO ": a is %lld x %lld; its work space is more than memory can address",
                NRM_LL(p->rows), NRM_LL(p->cols));
    const int x = nrm_arena_add(arena, p->rows * p->cols, size), s = nrm_arena_add(arena, p->rows * p->cols, size);
    const int low = nrm_arena_add(arena, p->low, size), room = nrm_arena_add(arena, work, 1);
    const int score = nrm_arena_add(arena, p->length, sizeof *at->score), index = nrm_arena_add(arena, p->rank, sizeof *at->index);
    NRM_TRY(nrm_arena_alloc(ctx, arena, WHO));
    *at = (places){.x = nrm_arena_at(arena, x), .s = nrm_arena_at(arena, s), .low = nrm_arena_at(arena, low),
                   .work = nrm_arena_at(arena, room), .score = nrm_arena_at(arena, score), .index = nrm_arena_at(arena, index)};
    return NRM_OK;
}

/* A norm of finite entries can leave the range that they are in. */
static nrm_status check_scores(nrm_ctx *ctx, const plan *p, const double *score)
{
    int64_t where;

    NRM_REQUIRE(ctx, nrm_all_finite_f64(score, p->length, &where), NRM_E_OVERFLOW,
                WHO ": score %lld is out of the range of f64; scale a down", NRM_LL(where));
    return NRM_OK;
}

nrm_status nrm_select_columns_size(nrm_ctx *ctx, int64_t m, int64_t n, const nrm_select_columns_options *options, int64_t *rank,
                                   int64_t shape[2])
{
    plan p = {0};

    NRM_REQUIRE(ctx, rank && shape, NRM_E_NULL, WHO ": rank and shape must not be NULL");
    NRM_TRY(make_plan(ctx, m, n, options, &p));
    *rank = p.rank;
    shape[0] = p.right ? m : p.rank;
    shape[1] = p.right ? p.rank : n;
    return NRM_OK;
}

#define REAL double
#define DTYPE NRM_F64
#define TYPED(name) name##_f64
#include "select_columns_typed.h"
#undef REAL
#undef DTYPE
#undef TYPED

#define REAL float
#define DTYPE NRM_F32
#define TYPED(name) name##_f32
#include "select_columns_typed.h"

/* ---- The method -------------------------------------------------------------------------------- */

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    enum { INDEX, PROJECTION, APPROXIMATION, SCORES };
    const nrm_array *a = &in[0].array;
    const int64_t m = a->shape[0], n = a->shape[1];
    int64_t rank, shape[2];

    NRM_TRY(nrm_select_columns_size(ctx, m, n, options, &rank, shape));
    const int64_t length = shape[0] == m && shape[1] == rank ? n : m;
    NRM_TRY(nrm_output_array(ctx, &out[INDEX], NRM_I64, 1, &rank));
    NRM_TRY(nrm_output_array(ctx, &out[PROJECTION], a->dtype, 2, shape));
    NRM_TRY(nrm_output_array(ctx, &out[APPROXIMATION], a->dtype, 2, a->shape));
    NRM_TRY(nrm_output_array(ctx, &out[SCORES], NRM_F64, 1, &length));
    void *approximation = out[APPROXIMATION].wanted ? out[APPROXIMATION].array.data : NULL;
    double *scores = out[SCORES].wanted ? out[SCORES].array.data : NULL;
    if (a->dtype == NRM_F32)
        return nrm_select_columns_f32(ctx, m, n, a->data, n, out[INDEX].array.data, out[PROJECTION].array.data, approximation,
                                      scores, info, options);
    return nrm_select_columns_f64(ctx, m, n, a->data, n, out[INDEX].array.data, out[PROJECTION].array.data, approximation, scores,
                                  info, options);
}

static const nrm_port inputs[] = {
    {.name = "a", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "m,n", .unit = "", .since = "0.2",
     .text = "the matrix, such as a gradient"}};
static const nrm_port outputs[] = {
    {.name = "index", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_I64), .shape = "r", .unit = "", .since = "0.2",
     .text = "the columns of the basis, ascending, from 0"},
    {.name = "projection", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "p,q", .unit = "a", .since = "0.2",
     .text = "a times these columns (m x r) where the right side is projected, else they transposed times a (r x n); type of a"},
    {.name = "approximation", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "m,n", .flags = NRM_PORT_ON_REQUEST,
     .unit = "a", .since = "0.2", .text = "the projection taken back to the shape of a; type of a"},
    {.name = "scores", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "l", .flags = NRM_PORT_ON_REQUEST,
     .unit = "a", .since = "0.2", .text = "norms of all columns (right) or rows (left) of a in the basis"}};
static const nrm_example examples[] = {
    {"Two of three frequencies, and what the SVD would leave", "a=[[1,2,-1,0],[0,1,3,-2],[2,-1,0,1]] rank=2 ell_norm=1 compare",
     "index=[0,2] projection=[[1.7320508076,1.1547005384,1.1547005384,-0.5773502692],"
     "[1.2247448714,-0.4082482905,-2.8577380332,2.0412414523]] info.residual=0.4803844614 info.captured=0.7692307692 "
     "info.bound=0.5773502692 info.best=0.4341650026",
     1e-9},
    {"All coordinates of a tall matrix: nothing is left behind", "a=[[3,4],[0,1],[2,2]] rank=2 basis=identity",
     "index=[0,1] projection=[[3,4],[0,1],[2,2]] info.residual=0 info.captured=1", 1e-12}};

NRM_DESCRIBE(select_columns, NRM_SELECT_COLUMNS_OPTIONS, NRM_SELECT_COLUMNS_INFO);
const nrm_method nrm_select_columns_method = {
    .name = WHO,
    .summary = "a matrix projected on the columns of a cosine, Hadamard or random basis along which it lies best",
    .details =
        "One fixed orthogonal basis serves every matrix of a size; what is chosen for each is which rank of its columns hold "
        "most of it. That takes one fast transform of every row or column, whatever the rank, where singular vectors take a "
        "decomposition: DCT-AdamW and Trion project gradients so.\n\n"
        "residual is the share of a, by Frobenius norms, that the projection leaves behind, and captured the share of its energy, "
        "by squared norms, that the projection holds, both measured on the numbers handed out. "
        "With ell_norm 2 no other choice of columns leaves less, and at most bound; compare tells what the best of all "
        "projections, the leading singular vectors, would leave.\n\n"
        "random draws its basis from the seed.",
    .paper = "I.-V. Modoranu, M. Safaryan, E. Schultheis, M. Ryabinin, A. Chumachenko, D. Alistarh, SVD-Free Low-Rank Adaptive "
             "Gradient Optimization for Large Language Models, 2025, arXiv 2505.17967",
    .paper_number = 14,
    .domain = "matrix",
    .since = "0.2",
    NRM_DESCRIBED(select_columns),
    .run = run};
