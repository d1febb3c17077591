/* problem.c -- checks, scaling and layout.  Contract: problem.h. */
#include "problem.h"
#include "method/descriptor.h"
#include <omp.h>

static const double TOTALS_AGREE = 1e-6;
static const double LARGEST_COST = 1e150; /* its square must be a number */

/* ---- Checks ------------------------------------------------------------------------------ */

static nrm_status check_masses(nrm_ctx *ctx, const char *name, const double *mass, int64_t n, double *total,
                               int64_t *kept)
{
    int64_t where;
    char text[NRM_NUMBER_LENGTH];

    NRM_REQUIRE(ctx, nrm_all_finite_f64(mass, n, &where), NRM_E_NONFINITE,
                "sparse-ot: %s[%lld] is NaN or infinite; masses must be finite", name, NRM_LL(where));
    *total = 0;
    *kept = 0;
    for (int64_t i = 0; i < n; i++) {
        if (mass[i] < 0) {
            nrm_format_f64(text, mass[i]);
            return nrm_fail(ctx, NRM_E_RANGE, "sparse-ot: %s[%lld] is %s; masses must be >= 0", name, NRM_LL(i), text);
        }
        *total += mass[i];
        *kept += mass[i] > 0;
    }
    NRM_REQUIRE(ctx, *total > 0 && isfinite(*total), NRM_E_RANGE,
                "sparse-ot: the total of %s is %s; there must be some mass, and its sum finite", name,
                *total > 0 ? "infinite" : "0");
    return NRM_OK;
}

#define RANGE(name, type)                                                                   \
    static void range_##name(const type *x, int64_t n, double *least, double *most)         \
    {                                                                                       \
        type low[8], high[8];                                                               \
        int64_t i = 0;                                                                      \
        for (int l = 0; l < 8; l++) low[l] = high[l] = x[0];                                \
        for (; i + 8 <= n; i += 8)                                                          \
            for (int l = 0; l < 8; l++) {                                                   \
                low[l] = x[i + l] < low[l] ? x[i + l] : low[l];                             \
                high[l] = x[i + l] > high[l] ? x[i + l] : high[l];                          \
            }                                                                               \
        for (; i < n; i++) {                                                                \
            low[0] = x[i] < low[0] ? x[i] : low[0];                                         \
            high[0] = x[i] > high[0] ? x[i] : high[0];                                      \
        }                                                                                   \
        for (int l = 1; l < 8; l++) {                                                       \
            low[0] = low[l] < low[0] ? low[l] : low[0];                                     \
            high[0] = high[l] > high[0] ? high[l] : high[0];                                \
        }                                                                                   \
        *least = (double)low[0];                                                            \
        *most = (double)high[0];                                                            \
    }
RANGE(f64, double)
RANGE(f32, float)

static nrm_status check_cost(nrm_ctx *ctx, const nrm_ot_caller *c, double *least, double *most)
{
    int64_t where = 0;
    const int64_t count = c->m * c->n;
    const bool finite = c->f32 ? nrm_all_finite_f32(c->cost, count, &where)
                               : nrm_all_finite_f64(c->cost, count, &where);

    NRM_REQUIRE(ctx, finite, NRM_E_NONFINITE,
                "sparse-ot: cost[%lld, %lld] is NaN or infinite; costs must be finite: forbid a pair by a large cost",
                NRM_LL(where / c->n), NRM_LL(where % c->n));
    if (c->f32) range_f32(c->cost, count, least, most);
    else range_f64(c->cost, count, least, most);
    NRM_REQUIRE(ctx, fmax(fabs(*least), fabs(*most)) <= LARGEST_COST, NRM_E_OVERFLOW,
                "sparse-ot: costs reach beyond 1e150, whose square overflows; scale them down");
    return NRM_OK;
}

/* ---- Layout ------------------------------------------------------------------------------- */

/* out[q] = row column_of[q] (of inner columns) of the caller's cost, restricted to row_of.
 * In tiles, so that the strided side stays in cache. */
#define GATHER(name, type)                                                                      \
    static void gather_##name(const nrm_ot_problem *p, const type *cost, type *out)             \
    {                                                                                           \
        enum { TILE = 32 };                                                                     \
        const int64_t m = p->ot.m, n = p->ot.n, width = p->caller.n;                            \
        const int threads = nrm_threads(p->ot.ctx);                                             \
        _Pragma("omp parallel for num_threads(threads) schedule(static) if (m * n > 1 << 15)")  \
        for (int64_t tile = 0; tile < (n + TILE - 1) / TILE; tile++) {                          \
            const int64_t end = nrm_min_i64(n, (tile + 1) * TILE);                              \
            for (int64_t first = 0; first < m; first += TILE)                                   \
                for (int64_t j = tile * TILE; j < end; j++)                                     \
                    for (int64_t i = first; i < nrm_min_i64(m, first + TILE); i++)              \
                        out[j * m + i] = p->transposed ? cost[p->column_of[j] * width + p->row_of[i]] \
                                                       : cost[p->row_of[i] * width + p->column_of[j]]; \
        }                                                                                       \
    }
GATHER(f64, double)
GATHER(f32, float)

static void keep(const double *mass, int64_t n, double total, int64_t *place, double *kept)
{
    for (int64_t i = 0, q = 0; i < n; i++) {
        if (!(mass[i] > 0)) continue;
        place[q] = i;
        kept[q++] = mass[i] / total;
    }
}

static nrm_status lay_out(nrm_ctx *ctx, nrm_ot_problem *p)
{
    const nrm_ot_caller *c = &p->caller;
    nrm_ot *ot = &p->ot;
    const bool in_place = p->transposed && ot->m == p->rows && ot->n == p->columns;

    ot->cost = c->cost;
    if (!in_place) {
        NRM_TRY(nrm_alloc_bytes(ctx, &p->copy, ot->m * ot->n, c->f32 ? sizeof(float) : sizeof(double),
                                "sparse-ot: a copy of the cost by columns"));
        if (c->f32) gather_f32(p, c->cost, p->copy);
        else gather_f64(p, c->cost, p->copy);
        ot->cost = p->copy;
    }
    return nrm_ot_prepare(ot);
}

nrm_status nrm_ot_problem_make(nrm_ctx *ctx, const nrm_ot_caller *c, const nrm_sparse_ot_options *o, nrm_ot_problem *p)
{
    int64_t count, kept_a, kept_b;
    double total_a, total_b, least = 0, most = 0, largest = 0;
    char text_a[NRM_NUMBER_LENGTH], text_b[NRM_NUMBER_LENGTH];
    nrm_status st = NRM_OK;

    *p = (nrm_ot_problem){.caller = *c, .transposed = o->axis == NRM_SPARSE_OT_ROW};
    NRM_REQUIRE(ctx, c->a && c->b && c->cost, NRM_E_NULL, "sparse-ot: a, b and cost must not be NULL");
    NRM_REQUIRE(ctx, c->m > 0 && c->n > 0, NRM_E_SHAPE, "sparse-ot: cost is %lld x %lld; it must have rows and columns",
                NRM_LL(c->m), NRM_LL(c->n));
    NRM_REQUIRE(ctx, nrm_mul_size(c->m, c->n, &count) && nrm_mul_size(count, 8, &count), NRM_E_OVERFLOW,
                "sparse-ot: a cost of %lld x %lld is more than memory can address", NRM_LL(c->m), NRM_LL(c->n));
    NRM_TRY(check_masses(ctx, "a", c->a, c->m, &total_a, &kept_a));
    NRM_TRY(check_masses(ctx, "b", c->b, c->n, &total_b, &kept_b));
    nrm_format_f64(text_a, total_a);
    nrm_format_f64(text_b, total_b);
    NRM_REQUIRE(ctx, fabs(total_a - total_b) <= TOTALS_AGREE * fmax(total_a, total_b), NRM_E_INFEASIBLE,
                "sparse-ot: a sums to %s and b to %s; totals must agree: scale one of them", text_a, text_b);
    NRM_TRY(check_cost(ctx, c, &least, &most));

    const bool t = p->transposed;
    nrm_ot *ot = &p->ot;
    p->rows = t ? c->n : c->m;
    p->columns = t ? c->m : c->n;
    p->total = total_a;
    *ot = (nrm_ot){.ctx = ctx, .m = t ? kept_b : kept_a, .n = t ? kept_a : kept_b, .f32 = c->f32,
                   .gamma = o->gamma * total_a, .magnitude = fmax(fabs(least), fabs(most)),
                   .dual = o->form == NRM_SPARSE_OT_DUAL};
    if (o->k > p->rows)
        nrm_warn(ctx, "sparse-ot: k is %lld and a %s has %lld entries: no limit", NRM_LL(o->k), t ? "row" : "column",
                 NRM_LL(p->rows));
    ot->k = nrm_min_i64(o->k, ot->m);
    NRM_REQUIRE(ctx, ot->k >= (ot->m + ot->n - 1) / ot->n, NRM_E_INFEASIBLE,
                "sparse-ot: %lld %ss of at most k = %lld entries hold %lld, and %lld %ss with mass need one each; "
                "raise k",
                NRM_LL(ot->n), t ? "row" : "column", NRM_LL(ot->k), NRM_LL(ot->n * ot->k), NRM_LL(ot->m),
                t ? "column" : "row");
    NRM_REQUIRE(ctx, isfinite(ot->gamma) && ot->gamma > 0, NRM_E_OVERFLOW,
                "sparse-ot: gamma times the total mass overflows or vanishes; scale the masses");

    NRM_TRY_DONE(NRM_ALLOC(ctx, p->row_of, ot->m, "sparse-ot: rows"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, p->column_of, ot->n, "sparse-ot: columns"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, p->mass, ot->m + ot->n, "sparse-ot: masses"));
    keep(t ? c->b : c->a, p->rows, t ? total_b : total_a, p->row_of, p->mass);
    keep(t ? c->a : c->b, p->columns, t ? total_a : total_b, p->column_of, p->mass + ot->m);
    ot->a = p->mass;
    ot->b = p->mass + ot->m;
    for (int64_t i = 0; i < ot->m; i++) largest = fmax(largest, ot->a[i]);
    ot->scale = fmax(most - least, ot->gamma * largest);
    NRM_TRY_DONE(lay_out(ctx, p));
done:
    if (st < 0) nrm_ot_problem_end(p);
    return st;
}

void nrm_ot_problem_end(nrm_ot_problem *p)
{
    nrm_ctx *ctx = p->ot.ctx;
    nrm_ot_release(&p->ot);
    nrm_free(ctx, p->copy);
    nrm_free(ctx, p->mass);
    nrm_free(ctx, p->column_of);
    nrm_free(ctx, p->row_of);
    *p = (nrm_ot_problem){0};
}

/* ---- Back to the caller ------------------------------------------------------------------------ */

static double caller_cost(const nrm_ot_problem *p, int64_t row, int64_t column)
{
    const int64_t at = p->transposed ? column * p->caller.n + row : row * p->caller.n + column;
    return p->caller.f32 ? (double)((const float *)p->caller.cost)[at] : ((const double *)p->caller.cost)[at];
}

/* The largest potential with which a row without mass takes none: min_j C_ij - beta_j. */
static void fill_rows(const nrm_ot_problem *p, const double *beta, double *alpha)
{
    for (int64_t i = 0, q = 0; i < p->rows; i++) {
        if (q < p->ot.m && p->row_of[q] == i) { q++; continue; }
        alpha[i] = INFINITY;
        for (int64_t j = 0; j < p->ot.n; j++)
            alpha[i] = fmin(alpha[i], caller_cost(p, i, p->column_of[j]) - beta[p->column_of[j]]);
    }
}

static void fill_columns(const nrm_ot_problem *p, const double *alpha, double *beta)
{
    for (int64_t j = 0, q = 0; j < p->columns; j++) {
        if (q < p->ot.n && p->column_of[q] == j) { q++; continue; }
        beta[j] = INFINITY;
        for (int64_t i = 0; i < p->ot.m; i++)
            beta[j] = fmin(beta[j], caller_cost(p, p->row_of[i], j) - alpha[p->row_of[i]]);
    }
}

nrm_status nrm_ot_potentials(nrm_ot_problem *p, const double *inner_alpha, const double *inner_beta, double *alpha,
                             double *beta)
{
    double *row, *column, *caller_a, mean = 0;

    NRM_TRY(NRM_ALLOC(p->ot.ctx, row, p->rows + p->columns, "sparse-ot: potentials"));
    column = row + p->rows;
    for (int64_t i = 0; i < p->ot.m; i++) row[p->row_of[i]] = inner_alpha[i];
    for (int64_t j = 0; j < p->ot.n; j++) column[p->column_of[j]] = inner_beta[j];
    fill_rows(p, column, row);
    fill_columns(p, row, column);

    caller_a = p->transposed ? column : row;
    double *caller_b = p->transposed ? row : column;
    for (int64_t i = 0; i < p->caller.m; i++) mean += caller_a[i];
    mean /= (double)p->caller.m;
    if (alpha)
        for (int64_t i = 0; i < p->caller.m; i++) alpha[i] = caller_a[i] - mean;
    if (beta)
        for (int64_t j = 0; j < p->caller.n; j++) beta[j] = caller_b[j] + mean;
    nrm_free(p->ot.ctx, row);
    return NRM_OK;
}

nrm_status nrm_ot_plan_csr(nrm_ot_problem *p, const nrm_ot_plan *plan, nrm_csr *csr)
{
    nrm_csr s;

    NRM_TRY(nrm_csr_create(p->ot.ctx, &s, NRM_F64, p->caller.m, p->caller.n, plan->nnz));
    double *values = s.values;
    memset(s.indptr, 0, (size_t)(s.rows + 1) * sizeof *s.indptr);
    for (int64_t j = 0; j < p->ot.n; j++)
        for (int64_t q = plan->start[j]; q < plan->start[j + 1]; q++)
            s.indptr[1 + (p->transposed ? p->column_of[j] : p->row_of[plan->row[q]])]++;
    for (int64_t i = 0; i < s.rows; i++) s.indptr[i + 1] += s.indptr[i];
    for (int64_t j = 0; j < p->ot.n; j++) /* rising in j: columns rise within each row */
        for (int64_t q = plan->start[j]; q < plan->start[j + 1]; q++) {
            const int64_t inner = p->row_of[plan->row[q]];
            const int64_t at = s.indptr[p->transposed ? p->column_of[j] : inner]++;
            s.indices[at] = p->transposed ? inner : p->column_of[j];
            values[at] = plan->mass[q] * p->total;
        }
    memmove(s.indptr + 1, s.indptr, (size_t)s.rows * sizeof *s.indptr); /* each had moved to the next's start */
    s.indptr[0] = 0;
    *csr = s;
    return NRM_OK;
}
