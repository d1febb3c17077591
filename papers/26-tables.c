/* 26-tables.c -- contract: 26-tables.h. */
#include "26-tables.h"
#include <math.h>
#include <string.h>

static void swap_rows(double *a, int64_t d, int64_t i, int64_t j)
{
    for (int64_t c = 0; c < d; c++) {
        const double kept = a[i * d + c];
        a[i * d + c] = a[j * d + c];
        a[j * d + c] = kept;
    }
}

void shuffle_rows(double *a, int64_t n, int64_t d, nrm_draws *draws)
{
    for (int64_t i = n - 1; i > 0; i--) swap_rows(a, d, i, (int64_t)(nrm_draw(draws) % (uint64_t)(i + 1)));
}

/* A reflection takes e1 to a random direction: x <- x - 2 u (u'x) / u'u, u = e1 - g. */
static void rotate(double *a, int64_t n, int64_t d, nrm_draws *draws)
{
    double u[MOST_D], length = 0;
    for (int64_t j = 0; j < d; j++) u[j] = nrm_draw_normal(draws), length += u[j] * u[j];
    for (int64_t j = 0; j < d; j++) u[j] = (j == 0) - u[j] / sqrt(length);
    for (int64_t i = 0; i < n; i++) {
        double dot = 0;
        for (int64_t j = 0; j < d; j++) dot += u[j] * a[i * d + j];
        for (int64_t j = 0; j < d; j++) a[i * d + j] -= dot / u[0] * u[j]; /* u'u = 2 u1 */
    }
}

void draw_instance(const instance *t, double *a, nrm_draws *draws)
{
    const int64_t n = t->rows, d = t->d, k = (int64_t)t->gap, copies = (int64_t)t->share;
    const double spike = t->family == MIXED ? t->share * t->gap : t->family == ANGLED ? 1 + t->gap : t->gap;

    memset(a, 0, (size_t)(n * d) * sizeof *a);
    if (t->family == OJA_HARD) { /* k rows e1, M rows e_j / sqrt M for every other j */
        for (int64_t i = 0; i < n; i++)
            a[i * d + (i < k ? 0 : 1 + (i - k) / copies)] = i < k ? 1 : 1 / sqrt(t->share);
        shuffle_rows(a, n, d, draws);
        return;
    }
    for (int64_t e = 0; e < n * d; e++) a[e] = nrm_draw_normal(draws) * (e % d == 0 ? sqrt(spike) : 1);
    if (t->family != SPIKED) { /* one long row */
        const double angle = t->family == ANGLED ? t->share * 0.017453292519943295 : 0;
        const double energy = (t->family == ANGLED ? t->gap : (1 - t->share) * t->gap) * (double)n;
        memset(a, 0, (size_t)d * sizeof *a);
        a[0] = sqrt(energy) * cos(angle);
        a[1] = sqrt(energy) * sin(angle);
        swap_rows(a, d, 0, (int64_t)(nrm_draw(draws) % (uint64_t)n));
    }
    rotate(a, n, d, draws);
}

nrm_status solve_table(nrm_ctx *ctx, double *a, int64_t n, int64_t d, const nrm_top_eigenvector_options *o, double *v,
                       nrm_top_eigenvector_info *info)
{
    nrm_array table;
    nrm_rows *rows;
    nrm_status st = nrm_array_view(ctx, &table, NRM_F64, 2, (const int64_t[]){n, d}, a);
    if (st >= 0) st = nrm_rows_from_array(ctx, &rows, &table);
    if (st < 0) return st;
    st = nrm_top_eigenvector(ctx, rows, v, info, o);
    nrm_rows_close(ctx, rows);
    return st;
}

double squared_correlation(const double *u, const double *v, int64_t d)
{
    double dot = 0;
    for (int64_t j = 0; j < d; j++) dot += u[j] * v[j];
    return dot * dot;
}

/* v ~ (g1 (1 + eta)^k, gj (1 + eta / M)^M) */
double oja_best(int k, int64_t d, nrm_draws *draws)
{
    enum { STARTS = 101, COPIES = 60, RATES = 120 };
    double best[STARTS];
    for (int s = 0; s < STARTS; s++) {
        const double first = pow(nrm_draw_normal(draws), 2);
        double others = 0;
        for (int64_t j = 1; j < d; j++) others += pow(nrm_draw_normal(draws), 2);
        best[s] = 0;
        for (int i = 0; i < RATES; i++) {
            const double eta = pow(10, -2 + 4.0 * i / RATES);
            const double x = first * exp(2 * (k * log1p(eta) - COPIES * log1p(eta / COPIES)));
            best[s] = fmax(best[s], x / (x + others));
        }
    }
    return nrm_median(best, STARTS);
}

bool permute_csr(nrm_reproduction *r, const nrm_csr *from, nrm_csr *to, nrm_draws *draws)
{
    int64_t *order = nrm_scratch(r, from->rows, sizeof *order);
    const size_t size = nrm_dtype_size(from->dtype);

    *to = *from;
    to->owned = false;
    to->indptr = nrm_scratch(r, from->rows + 1, sizeof *to->indptr);
    to->indices = nrm_scratch(r, from->nnz, sizeof *to->indices);
    to->values = nrm_scratch(r, from->nnz, size);
    if (!order || !to->indptr || !to->indices || !to->values) return false;
    for (int64_t i = 0; i < from->rows; i++) order[i] = i;
    for (int64_t i = from->rows - 1; i > 0; i--) {
        const int64_t j = (int64_t)(nrm_draw(draws) % (uint64_t)(i + 1)), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (int64_t i = 0; i < from->rows; i++) {
        const int64_t begin = from->indptr[order[i]], count = from->indptr[order[i] + 1] - begin, at = to->indptr[i];
        memcpy(to->indices + at, from->indices + begin, (size_t)count * sizeof *to->indices);
        memcpy((char *)to->values + (size_t)at * size, (const char *)from->values + (size_t)begin * size,
               (size_t)count * size);
        to->indptr[i + 1] = at + count;
    }
    return true;
}

nrm_status solve_csr(nrm_ctx *ctx, const nrm_csr *table, const nrm_top_eigenvector_options *o, double *v,
                     nrm_top_eigenvector_info *info)
{
    nrm_rows *rows;
    nrm_status st = nrm_rows_from_csr(ctx, &rows, table);
    if (st < 0) return st;
    st = nrm_top_eigenvector(ctx, rows, v, info, o);
    nrm_rows_close(ctx, rows);
    return st;
}

int64_t fill_rows(void *user, int64_t most, int64_t cols, double *dense)
{
    row_source *s = user;
    const int64_t count = s->left < most ? s->left : most;
    for (int64_t e = 0; e < count * cols; e++) {
        s->state = s->state * 6364136223846793005u + 1442695040888963407u;
        dense[e] = (double)(s->state >> 40) * 0x1p-24 - 0.5;
    }
    s->left -= count;
    return count;
}

int by_key(const void *x, const void *y)
{
    const double a = ((const keyed *)x)->key, b = ((const keyed *)y)->key;
    return (a > b) - (a < b);
}
