/* low_rank.c -- passes of the rules that work in a subspace.  Contract: low_rank.h. */
#include "low_rank.h"

nrm_low_rank nrm_low_rank_of(nrm_dtype dtype, int threads, int side_option, bool square_right, int64_t rank, int64_t rows, int64_t cols)
{
    const bool longer = rows > cols || (rows == cols && square_right);
    nrm_low_rank l = {.dtype = dtype, .threads = threads, .rows = rows, .cols = cols, .full = rows * cols};

    l.right = side_option == NRM_PROJECT_RIGHT || (side_option == NRM_PROJECT_AUTO && longer);
    l.side = l.right ? cols : rows;
    l.other = l.right ? rows : cols;
    l.rank = nrm_usual_rank(rank, l.side);
    l.low = l.rank <= l.side ? l.rank * l.other : 0; /* a larger rank is refused before it is used */
    return l;
}

nrm_rule_state nrm_low_rank_state(const nrm_low_rank *l, const char *suffix, bool not_negative)
{
    return (nrm_rule_state){.suffix = suffix, .rows = l->right ? l->rows : l->rank, .cols = l->right ? l->rank : l->cols,
                            .not_negative = not_negative};
}

void *nrm_layout_take(nrm_layout *at, int64_t count, int64_t size)
{
    void *place = at->base && at->used >= 0 ? at->base + at->used : NULL;
    int64_t bytes;

    if (at->used < 0 || !nrm_mul_size(count, size, &bytes) || bytes > INT64_MAX - 64 ||
        !nrm_add_size(at->used, nrm_padded(bytes), &at->used)) {
        at->used = -1;
        return NULL;
    }
    return place;
}

/* ---- Passes ---------------------------------------------------------------------------------------- */

void nrm_low_rank_down(const nrm_low_rank *l, const void *p, const void *g, void *low)
{
    if (l->right) nrm_dense_product(l->dtype, l->threads, 'n', 'n', l->rows, l->rank, l->cols, 1, g, p, 0, low);
    else nrm_dense_product(l->dtype, l->threads, 't', 'n', l->rank, l->cols, l->rows, 1, p, g, 0, low);
}

void nrm_low_rank_up(const nrm_low_rank *l, const void *p, double alpha, const void *low, double beta, void *a)
{
    if (l->right) nrm_dense_product(l->dtype, l->threads, 'n', 't', l->rows, l->cols, l->rank, alpha, low, p, beta, a);
    else nrm_dense_product(l->dtype, l->threads, 'n', 'n', l->rows, l->cols, l->rank, alpha, p, low, beta, a);
}

nrm_adamw_factors nrm_low_rank_adam_factors(double beta1, double beta2, double eps, int64_t t)
{
    return (nrm_adamw_factors){.clip = 1, .beta1 = beta1, .beta2 = beta2, .eps = eps, .root = 1 / sqrt(1 - pow(beta2, (double)t)),
                               .rate = 1 / (1 - pow(beta1, (double)t))};
}

/* The kernel of AdamW, descending from 0. */
void nrm_low_rank_adam(const nrm_low_rank *l, const nrm_adamw_factors *f, const void *g, void *m, void *v, void *u)
{
    nrm_adamw_factors ascent = *f;
    ascent.clip = 1, ascent.keep = 0, ascent.rate = -f->rate;

#pragma omp parallel for num_threads(l->threads) if (l->threads > 1 && l->low > NRM_OPTIMIZER_BLOCK)
    for (int64_t i = 0; i < l->low; i += NRM_OPTIMIZER_BLOCK) {
        const int64_t n = nrm_min_i64(NRM_OPTIMIZER_BLOCK, l->low - i);
        void *to = nrm_matrix_at(l->dtype, u, i);
        memset(to, 0, (size_t)n * nrm_dtype_size(l->dtype));
        NRM_KERNEL(l->dtype, adamw, n, &ascent, nrm_matrix_const_at(l->dtype, g, i), nrm_matrix_at(l->dtype, m, i),
                   nrm_matrix_at(l->dtype, v, i), to);
    }
}

void nrm_low_rank_normalise_columns(nrm_dtype dtype, int64_t rows, int64_t cols, double eps, void *x)
{
    for (int64_t j = 0; j < cols; j++) {
        double sum = 0;
        for (int64_t i = 0; i < rows; i++) {
            const double value = nrm_real_get(dtype, x, i * cols + j);
            sum += value * value;
        }
        const double norm = sqrt(sum) + eps;
        for (int64_t i = 0; i < rows; i++) nrm_real_set(dtype, x, i * cols + j, nrm_real_get(dtype, x, i * cols + j) / norm);
    }
}

#define REAL double
#define TYPED(name) name##_f64
#include "low_rank_typed.h"
#undef REAL
#undef TYPED

#define REAL float
#define TYPED(name) name##_f32
#include "low_rank_typed.h"

double nrm_low_rank_largest(nrm_dtype dtype, int threads, int64_t n, const void *x)
{
    return dtype == NRM_F32 ? largest_f32(threads, n, x) : largest_f64(threads, n, x);
}

void nrm_low_rank_signs(nrm_dtype dtype, int threads, int64_t n, const void *g, double least, void *x)
{
    if (dtype == NRM_F32) signs_f32(threads, n, g, (float)least, x);
    else signs_f64(threads, n, g, least, x);
}

void nrm_low_rank_norms(const nrm_low_rank *l, const void *low, double *norm)
{
    if (l->dtype == NRM_F32) norms_f32(l, low, norm);
    else norms_f64(l, low, norm);
}

void nrm_low_rank_scale(const nrm_low_rank *l, const double *factor, void *a)
{
    if (l->dtype == NRM_F32) scale_f32(l, factor, a);
    else scale_f64(l, factor, a);
}
