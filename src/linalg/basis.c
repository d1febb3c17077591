/* basis.c -- a fixed orthogonal basis: its making, its columns, the choice among them.
 * Contract: basis.h. */
#include "basis.h"
#include "base/random.h"
#include "dense_run.h"
#include "project.h"
#include "topk.h"
#include "transform.h"

enum {
    FAST_FROM = 64,  /* n from which `auto` takes the transform */
    CHUNK = 64,      /* columns whose scores are summed together */
    WORTH_THREADS = 1 << 16
};

/* identity: S = A whatever is asked for. */
static bool is_fast(nrm_basis_kind kind, nrm_basis_transform transform, int64_t n)
{
    if (kind == NRM_BASIS_RANDOM || kind == NRM_BASIS_IDENTITY) return false;
    return transform == NRM_BASIS_FFT || (transform == NRM_BASIS_AUTO && n >= FAST_FROM);
}

/* D[i][j] of a basis that has a formula; k (2 i + 1) modulo 4 n keeps the cosine exact. */
static double formula(nrm_basis_kind kind, int64_t n, const double *cosine, int64_t i, int64_t j)
{
    if (kind == NRM_BASIS_HADAMARD) return (__builtin_popcountll((uint64_t)(i & j)) & 1 ? -1 : 1) / sqrt((double)n);
    const int64_t place = kind == NRM_BASIS_DCT3 ? j : i, frequency = kind == NRM_BASIS_DCT3 ? i : j;
    return sqrt((frequency == 0 ? 1 : 2) / (double)n) * cosine[frequency * (2 * place + 1) % (4 * n)];
}

/* ---- Making ------------------------------------------------------------------------------------------ */

nrm_status nrm_basis_check(nrm_ctx *ctx, const char *who, nrm_basis_kind kind, int64_t n)
{
    NRM_REQUIRE(ctx, n >= 1 && n <= INT32_MAX / 16, n < 1 ? NRM_E_SHAPE : NRM_E_OVERFLOW,
                "%s: a basis of length %lld; the length must be 1 to %d", who, NRM_LL(n), INT32_MAX / 16);
    NRM_REQUIRE(ctx, kind != NRM_BASIS_HADAMARD || nrm_is_power_of_two(n), NRM_E_SHAPE,
                "%s: basis is hadamard and the projected side is %lld; it must be a power of two: use dct2", who, NRM_LL(n));
    return NRM_OK;
}

/* Q of a Gaussian matrix, row-major in f64, from a stream of its own for each n. */
static nrm_status fill_random(nrm_ctx *ctx, const char *who, nrm_basis *b, uint64_t seed)
{
    const int64_t n = b->n, work_bytes = nrm_qr_work(NRM_F64, n, n);
    nrm_rng rng = nrm_rng_make(seed, (uint64_t)n);
    double *q, *work = NULL;
    nrm_status st = NRM_OK;

    NRM_REQUIRE(ctx, work_bytes >= 0, NRM_E_OVERFLOW, "%s: a random basis of length %lld is more than LAPACK can count", who, NRM_LL(n));
    NRM_TRY(NRM_ALLOC(ctx, q, n * n, who));
    NRM_TRY_DONE(nrm_alloc_bytes(ctx, &work, work_bytes, 1, who));
    nrm_rng_normals(&rng, q, n * n);
    nrm_qr_run(NRM_F64, n, n, q, work);
    for (int64_t i = 0; i < n * n; i++) nrm_real_set(b->dtype, b->matrix, i, q[i]);
done:
    nrm_free(ctx, q);
    nrm_free(ctx, work);
    return st;
}

static nrm_status fill_matrix(nrm_ctx *ctx, const char *who, nrm_basis *b, uint64_t seed)
{
    const int64_t n = b->n;
    int64_t count;

    NRM_REQUIRE(ctx, nrm_mul_size(n, n, &count), NRM_E_OVERFLOW, "%s: a basis of length %lld is too large", who, NRM_LL(n));
    NRM_TRY(nrm_alloc_bytes(ctx, &b->matrix, count, nrm_dtype_size(b->dtype), who));
    if (b->kind == NRM_BASIS_RANDOM) return fill_random(ctx, who, b, seed);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) nrm_real_set(b->dtype, b->matrix, i * n + j, formula(b->kind, n, b->cosine, i, j));
    return NRM_OK;
}

nrm_status nrm_basis_create(nrm_ctx *ctx, const char *who, nrm_basis_kind kind, nrm_basis_transform transform, int64_t n,
                            uint64_t seed, nrm_dtype dtype, nrm_basis **basis)
{
    const bool cosines = kind == NRM_BASIS_DCT2 || kind == NRM_BASIS_DCT3;
    nrm_basis *b;
    nrm_status st = NRM_OK;

    NRM_TRY(nrm_basis_check(ctx, who, kind, n));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, b, 1, who));
    b->kind = kind, b->dtype = dtype, b->n = n, b->fast = is_fast(kind, transform, n);
    if (cosines) {
        NRM_TRY_DONE(NRM_ALLOC(ctx, b->cosine, 4 * n, who));
        nrm_dct_cosines(n, b->cosine);
        if (b->fast) NRM_TRY_DONE(nrm_fft_create(ctx, who, NRM_FFT_COMPLEX, n, &b->fft));
    }
    if (!b->fast && kind != NRM_BASIS_IDENTITY) NRM_TRY_DONE(fill_matrix(ctx, who, b, seed));
    *basis = b;
done:
    if (st < 0) nrm_basis_destroy(ctx, b);
    return st;
}

void nrm_basis_destroy(nrm_ctx *ctx, nrm_basis *b)
{
    if (!b) return;
    nrm_fft_destroy(ctx, b->fft);
    nrm_free(ctx, b->cosine);
    nrm_free(ctx, b->matrix);
    nrm_free(ctx, b);
}

/* ---- Work ---------------------------------------------------------------------------------------------- */

/* Scores and the scratch of the selection, columns, lanes. */
static int64_t columns_at(int64_t n) { return nrm_padded(2 * n * 8); }
static int64_t lanes_at(nrm_dtype dtype, int64_t n, int64_t rank)
{
    return columns_at(n) + nrm_padded(n * rank * (int64_t)nrm_dtype_size(dtype));
}

int64_t nrm_basis_work(nrm_basis_kind kind, nrm_basis_transform transform, nrm_dtype dtype, bool right, int64_t rows,
                       int64_t cols, int64_t rank)
{
    const int64_t n = right ? cols : rows;
    int64_t bytes;

    if (n > INT32_MAX / 16 || rank > n) return -1;
    bytes = is_fast(kind, transform, n) ? nrm_basis_fast_work(kind, right, rows, cols) : 0;
    return bytes >= 0 && nrm_add_size(bytes, lanes_at(dtype, n, rank), &bytes) ? nrm_padded(bytes) : -1;
}

static void *work_at(const nrm_basis_view *v, int64_t offset) { return (unsigned char *)v->work + offset; }

/* ---- Transforms and columns ------------------------------------------------------------------------------ */

#define REAL double
#define TYPED(name) name##_f64
#include "basis_typed.h"
#undef REAL
#undef TYPED

#define REAL float
#define TYPED(name) name##_f32
#include "basis_typed.h"

#define DISPATCH(v, name, ...)                                          \
    do {                                                                \
        if ((v)->basis->dtype == NRM_F32) name##_f32((v), __VA_ARGS__); \
        else name##_f64((v), __VA_ARGS__);                              \
    } while (0)

static void transform(const nrm_basis_view *v, bool inverse, const void *from, void *to)
{
    const nrm_basis *b = v->basis;
    const char turn = inverse ? 't' : 'n';

    if (b->fast) nrm_basis_fast(v, inverse, from, to, work_at(v, lanes_at(b->dtype, b->n, v->rank)));
    else if (b->kind == NRM_BASIS_IDENTITY) memcpy(to, from, (size_t)(v->rows * v->cols) * nrm_dtype_size(b->dtype));
    else if (v->right)
        nrm_dense_product(b->dtype, v->threads, 'n', turn, v->rows, v->cols, v->cols, 1, from, b->matrix, 0, to);
    else
        nrm_dense_product(b->dtype, v->threads, inverse ? 'n' : 't', 'n', v->rows, v->cols, v->rows, 1, b->matrix, from, 0, to);
}

void nrm_basis_forward(const nrm_basis_view *v, const void *a, void *s) { transform(v, false, a, s); }
void nrm_basis_inverse(const nrm_basis_view *v, const void *s, void *a) { transform(v, true, s, a); }

const double *nrm_basis_scores(const nrm_basis_view *v, int norm, const void *s)
{
    double *score = v->work;
    DISPATCH(v, scores, norm, s, score);
    return score;
}

void nrm_basis_select(const nrm_basis_view *v, int norm, bool falling, const void *s, int64_t *index)
{
    const int64_t n = v->basis->n;
    const double *score = nrm_basis_scores(v, norm, s);
    int64_t *scratch = (int64_t *)v->work + n;

    if (falling) {
        nrm_top_k(score, n, v->rank, index, scratch);
        return;
    }
    nrm_top_cut cut = nrm_top_cut_find(score, n, v->rank, false, scratch);
    for (int64_t j = 0, held = 0; held < v->rank; j++) {
        index[held] = j;
        held += nrm_top_cut_keeps(&cut, score[j]);
    }
}

void nrm_basis_take(const nrm_basis_view *v, const void *s, const int64_t *index, void *low) { DISPATCH(v, take, s, index, low); }

void nrm_basis_columns(const nrm_basis_view *v, const int64_t *index, void *columns)
{
    DISPATCH(v, columns, index, columns);
}

/* Is it cheaper to transform everything than to multiply by the columns of I? */
static bool by_transform(const nrm_basis_view *v)
{
    const double n = (double)v->basis->n;
    if (v->basis->kind == NRM_BASIS_IDENTITY) return true;
    return v->basis->fast && 2 * (double)v->rank * log2(n) > n;
}

void nrm_basis_down(const nrm_basis_view *v, const void *a, const int64_t *index, void *room, void *low)
{
    const nrm_basis *b = v->basis;

    if (b->kind == NRM_BASIS_IDENTITY) {
        nrm_basis_take(v, a, index, low);
        return;
    }
    if (by_transform(v)) {
        nrm_basis_forward(v, a, room);
        nrm_basis_take(v, room, index, low);
        return;
    }
    void *columns = work_at(v, columns_at(b->n));
    nrm_basis_columns(v, index, columns);
    if (v->right) nrm_dense_product(b->dtype, v->threads, 'n', 'n', v->rows, v->rank, v->cols, 1, a, columns, 0, low);
    else nrm_dense_product(b->dtype, v->threads, 't', 'n', v->rank, v->cols, v->rows, 1, columns, a, 0, low);
}

void nrm_basis_up(const nrm_basis_view *v, const void *low, const int64_t *index, void *a)
{
    const nrm_basis *b = v->basis;

    if (by_transform(v)) {
        DISPATCH(v, put, low, index, a);
        if (b->fast) transform(v, true, a, a);
        return;
    }
    void *columns = work_at(v, columns_at(b->n));
    nrm_basis_columns(v, index, columns);
    if (v->right) nrm_dense_product(b->dtype, v->threads, 'n', 't', v->rows, v->cols, v->rank, 1, low, columns, 0, a);
    else nrm_dense_product(b->dtype, v->threads, 'n', 'n', v->rows, v->cols, v->rank, 1, columns, low, 0, a);
}
