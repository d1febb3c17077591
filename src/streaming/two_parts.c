/* two_parts.c -- top singular direction of F = [X C, H'] (d x (k + m)) without forming F.
 * Contract: stream.h.
 *
 *     F'F = [ C' X'X C    (H X C)' ]      v = X C y1 + H' y2   for its top eigenvector
 *           [ H X C       H H'     ]          (y1, y2)
 *
 * when k + m <= d, else F F' = (X C)(X C)' + H'H (d x d): the smaller of the two, so the
 * work space is at most min(d, k + m)^2 numbers a few times.  Only the largest direction
 * is wanted, and for that squaring costs no accuracy: the error is eps / (1 - s2^2/s1^2)
 * either way. */
#include "stream.h"

static nrm_status by_columns(nrm_ctx *ctx, const nrm_two_parts *f, double *v, double top[2], int64_t *numbers)
{
    const int64_t k = f->k, m = f->m, n = k + m;
    nrm_arena arena = {0};
    const int g_at = nrm_arena_add(&arena, n * n, sizeof(double));
    const int u_at = nrm_arena_add(&arena, n * n, sizeof(double));
    const int w_at = nrm_arena_add(&arena, n, sizeof(double));
    const int t_at = nrm_arena_add(&arena, n * k, sizeof(double)); /* (k or m) x k */
    nrm_status st;

    NRM_TRY(nrm_arena_alloc(ctx, &arena, "the final step of " NRM_TOP_EIGENVECTOR));
    *numbers = nrm_max_i64(*numbers, arena.bytes / 8);
    double *g = nrm_arena_at(&arena, g_at), *u = nrm_arena_at(&arena, u_at);
    double *w = nrm_arena_at(&arena, w_at), *t = nrm_arena_at(&arena, t_at);
    const nrm_ordered_kernels *kernels = nrm_ordered_kernels_for(nrm_cpu_isa());

    if (k > 0) {
        memset(t, 0, (size_t)(k * k) * sizeof *t);
        kernels->transposed(f->d, k, k, f->x, k, f->x, k, t, k);    /* X'X */
        nrm_small_product(k, k, k, t, f->c, u);                     /* X'X C */
        kernels->transposed(k, k, k, f->c, k, u, k, g, n);          /* C'X'X C */
        memset(t, 0, (size_t)(m * k) * sizeof *t);
        nrm_ordered_product(ctx, m, f->d, k, f->h, f->d, f->x, k, t, k); /* H X */
        kernels->product(m, k, k, t, k, f->c, k, g + k * n, n);     /* H X C; the lower triangle is read */
    }
    if (m > 0) nrm_ordered_row_gram(ctx, m, f->d, f->h, f->d, g + k * n + k, n);
    NRM_TRY_DONE(nrm_small_eigen(ctx, n, g, w, u));

    memset(v, 0, (size_t)f->d * sizeof *v);
    top[0] = w[0];
    top[1] = n > 1 ? w[1] : 0;
    for (int64_t i = 0; i < n; i++) w[i] = u[i * n]; /* (y1, y2) */
    if (k > 0) {
        nrm_small_product(k, 1, k, f->c, w, t);
        kernels->product(f->d, k, 1, f->x, k, t, 1, v, 1);
    }
    kernels->transposed(m, f->d, 1, f->h, f->d, w + k, 1, v, 1);
done:
    nrm_arena_free(ctx, &arena);
    return st;
}

static nrm_status by_rows(nrm_ctx *ctx, const nrm_two_parts *f, double *v, double top[2], int64_t *numbers)
{
    const int64_t d = f->d, k = f->k;
    nrm_arena arena = {0};
    const int g_at = nrm_arena_add(&arena, d * d, sizeof(double));
    const int u_at = nrm_arena_add(&arena, d * d, sizeof(double));
    const int w_at = nrm_arena_add(&arena, d, sizeof(double));
    const int n_at = nrm_arena_add(&arena, d * k, sizeof(double));
    nrm_status st;

    NRM_TRY(nrm_arena_alloc(ctx, &arena, "the final step of " NRM_TOP_EIGENVECTOR));
    *numbers = nrm_max_i64(*numbers, arena.bytes / 8);
    double *g = nrm_arena_at(&arena, g_at), *u = nrm_arena_at(&arena, u_at);
    double *w = nrm_arena_at(&arena, w_at), *n = nrm_arena_at(&arena, n_at);

    if (k > 0) {
        nrm_small_product(d, k, k, f->x, f->c, n);
        nrm_ordered_row_gram(ctx, d, k, n, k, g, d);
    }
    nrm_ordered_transposed(ctx, f->m, d, d, f->h, d, f->h, d, g, d);
    NRM_TRY_DONE(nrm_small_eigen(ctx, d, g, w, u));
    for (int64_t i = 0; i < d; i++) v[i] = u[i * d];
    top[0] = w[0];
    top[1] = d > 1 ? w[1] : 0;
done:
    nrm_arena_free(ctx, &arena);
    return st;
}

nrm_status nrm_two_parts_top(nrm_ctx *ctx, const nrm_two_parts *parts, double *v, double top[2], int64_t *numbers)
{
    return parts->k + parts->m <= parts->d ? by_columns(ctx, parts, v, top, numbers)
                                           : by_rows(ctx, parts, v, top, numbers);
}

/* |C'X'u|^2 + |H u|^2; work: 2 k + m numbers. */
double nrm_two_parts_energy(nrm_ctx *ctx, const nrm_two_parts *f, const double *u, double *work)
{
    const nrm_ordered_kernels *kernels = nrm_ordered_kernels_for(nrm_cpu_isa());
    double *xu = work, *cxu = xu + f->k, *hu = cxu + f->k, energy = 0;

    memset(work, 0, (size_t)(2 * f->k + f->m) * sizeof *work);
    kernels->transposed(f->d, f->k, 1, f->x, f->k, u, 1, xu, 1);
    kernels->transposed(f->k, f->k, 1, f->c, f->k, xu, 1, cxu, 1);
    nrm_ordered_product(ctx, f->m, f->d, 1, f->h, f->d, u, 1, hu, 1);
    for (int64_t i = 0; i < f->k; i++) energy += cxu[i] * cxu[i];
    for (int64_t i = 0; i < f->m; i++) energy += hu[i] * hu[i];
    return energy;
}
