/* linf_tensor.c -- A = A_1 (x) A_2 (x) A_3 given by its factors.  Contract: linf.h.
 *
 * Row (i n_2 + j) n_3 + k of A is the Kronecker product of row i of A_1, j of A_2 and k of A_3.  The
 * tensor sketches never form A.  All else -- the exact solution, refinement, other sketches -- reads
 * its rows like any others, from a stream that makes them as they are asked for. */
#include "linf.h"
#include "data/rows.h"
#include "linalg/tensor_sketch.h"
#include <norma/comm.h>

typedef struct kronecker_rows {
    nrm_rows base;
    int factors;
    nrm_linf_regression_factor at[NRM_LINF_FACTORS];
} kronecker_rows;

/* Row number i, from the last factor to the first. */
static void make_row(const kronecker_rows *k, int64_t i, double *row)
{
    int64_t length = 1;
    row[0] = 1;
    for (int f = k->factors - 1; f >= 0; f--) {
        const nrm_linf_regression_factor *a = &k->at[f];
        const double *left = a->values + i % a->rows * a->stride;
        for (int64_t c = a->columns - 1; c >= 0; c--) /* the copy at 0 is read by all and overwritten last */
            for (int64_t j = 0; j < length; j++) row[c * length + j] = left[c] * row[j];
        length *= a->columns;
        i /= a->rows;
    }
}

static nrm_status next(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, nrm_row_block *block)
{
    int64_t most = 0;

    if (rows->at == rows->count) return NRM_OK;
    NRM_TRY(nrm_rows_dense(ctx, rows, nrm_min_i64(limit, rows->count - rows->at), &most));
    for (int64_t i = 0; i < most; i++) make_row((const kronecker_rows *)rows, rows->at + i, rows->dense + i * rows->cols);
    block->count = most;
    block->dense = rows->dense;
    return NRM_OK;
}

static nrm_status go_anywhere(nrm_ctx *ctx, nrm_rows *rows)
{
    (void)ctx;
    (void)rows; /* rows->at says it all */
    return NRM_OK;
}

static nrm_status skip(nrm_ctx *ctx, nrm_rows *rows, int64_t n)
{
    (void)n;
    return go_anywhere(ctx, rows);
}

static const nrm_rows_kind kronecker_kind = {next, go_anywhere, skip, NULL, "a Kronecker product"};

static nrm_status check_factor(nrm_ctx *ctx, const char *name, int number, const nrm_linf_regression_factor *a)
{
    NRM_REQUIRE(ctx, a->values, NRM_E_NULL, NRM_LINF ": %s%d must not be NULL", name, number);
    NRM_REQUIRE(ctx, a->rows >= 1 && a->columns >= 1 && a->stride >= a->columns, NRM_E_SHAPE, NRM_LINF ": %s%d is %lld x %lld with a "
                "row stride of %lld; it must have at least one row and one column", name, number, NRM_LL(a->rows),
                NRM_LL(a->columns), NRM_LL(a->stride));
    for (int64_t i = 0, where; i < a->rows; i++)
        NRM_REQUIRE(ctx, nrm_all_finite_f64(a->values + i * a->stride, a->columns, &where), NRM_E_NONFINITE,
                    NRM_LINF ": %s%d is %g at row %lld, column %lld; it must be finite", name, number,
                    a->values[i * a->stride + where], NRM_LL(i), NRM_LL(where));
    return NRM_OK;
}

nrm_status nrm_linf_read_rows(nrm_ctx *ctx, const char *name, nrm_rows *rows, double **values, int64_t *count)
{
    const int64_t columns = nrm_rows_cols(rows);
    int64_t capacity = 0, need = 0, where;
    nrm_row_block block;
    nrm_status st;

    *values = NULL;
    *count = 0;
    NRM_TRY_DONE(rows->at > 0 || rows->ended ? nrm_rows_rewind(ctx, rows) : NRM_OK);
    for (;;) {
        NRM_TRY_DONE(nrm_rows_next(ctx, rows, 4096, &block));
        if (block.count == 0) break;
        NRM_STOP_IF(!nrm_mul_size(*count + block.count, columns, &need), NRM_E_OVERFLOW, NRM_LINF ": %s is too large for memory", name);
        NRM_TRY_DONE(nrm_grow(ctx, values, &capacity, need, sizeof **values, NRM_LINF));
        double *to = *values + *count * columns;
        if (block.dense) memcpy(to, block.dense, (size_t)(block.count * columns) * sizeof *to);
        else memset(to, 0, (size_t)(block.count * columns) * sizeof *to);
        for (int64_t i = 0; !block.dense && i < block.count; i++)
            for (int64_t k = block.indptr[i]; k < block.indptr[i + 1]; k++) to[i * columns + block.indices[k]] += block.values[k];
        NRM_STOP_IF(!nrm_all_finite_f64(to, block.count * columns, &where), NRM_E_NONFINITE, NRM_LINF ": %s is %g at row %lld, column "
                    "%lld; it must be finite: remove or mend that row", name, to[where], NRM_LL(*count + where / columns),
                    NRM_LL(where % columns));
        *count += block.count;
    }
    return NRM_OK;
done:
    nrm_free(ctx, *values);
    *values = NULL;
    return st;
}

static nrm_status make_rows(nrm_ctx *ctx, const char *name, int factors, const nrm_linf_regression_factor *at, nrm_rows **rows)
{
    int64_t n = 1, d = 1;
    kronecker_rows *made;

    for (int f = 0; f < factors; f++) {
        NRM_TRY(check_factor(ctx, name, f + 1, &at[f]));
        NRM_REQUIRE(ctx, nrm_mul_size(n, at[f].rows, &n) && n <= INT64_MAX / 4 && nrm_mul_size(d, at[f].columns, &d), NRM_E_OVERFLOW,
                    NRM_LINF ": the Kronecker product of the factors of %s has more rows or columns than can be counted", name);
    }
    NRM_TRY(nrm_rows_create(ctx, &made, sizeof *made, &kronecker_kind, d, n));
    made->factors = factors;
    memcpy(made->at, at, (size_t)factors * sizeof *at);
    *rows = &made->base;
    return NRM_OK;
}

nrm_status nrm_linf_tensor_rows(nrm_ctx *ctx, nrm_linf_plan *plan)
{
    nrm_linf_regression_problem *p = &plan->problem;
    const bool tensor = plan->o.sketch == NRM_LINF_TENSOR_SRHT || plan->o.sketch == NRM_LINF_TENSOR_SRCT;

    NRM_REQUIRE(ctx, !tensor || p->factors > 0, NRM_E_ARGUMENT, NRM_LINF ": a tensor sketch wants the Kronecker factors of a: "
                "give a2 beside a, or take srht");
    if (p->factors == 0) return NRM_OK;
    NRM_REQUIRE(ctx, !p->a, NRM_E_ARGUMENT, NRM_LINF ": a and its Kronecker factors are given; leave one out");
    NRM_REQUIRE(ctx, p->factors >= 1 && p->factors <= NRM_LINF_FACTORS, NRM_E_RANGE, NRM_LINF ": %d Kronecker factors; there can be 1 to %d", p->factors,
                NRM_LINF_FACTORS);
    NRM_TRY(make_rows(ctx, "a", p->factors, p->a_factors, &plan->made_a));
    p->a = plan->made_a;
    if (!p->b_factors[0].values) return NRM_OK;
    NRM_REQUIRE(ctx, !p->b, NRM_E_ARGUMENT, NRM_LINF ": b and its Kronecker factors are given; leave one out");
    for (int f = 0; f < p->factors; f++)
        NRM_REQUIRE(ctx, p->b_factors[f].values && p->b_factors[f].rows == p->a_factors[f].rows, NRM_E_SHAPE, NRM_LINF ": factor %d of "
                    "b has %lld rows and that of a %lld; they must be equal", f + 1, NRM_LL(p->b_factors[f].rows),
                    NRM_LL(p->a_factors[f].rows));
    NRM_TRY(make_rows(ctx, "b", p->factors, p->b_factors, &plan->made_b));
    p->b = plan->made_b;
    return NRM_OK;
}

/* ---- The sketch ---------------------------------------------------------------------------------- */

/* Any b: its transform needs all of it. */
static nrm_status sketch_b(nrm_ctx *ctx, const nrm_linf_plan *plan, nrm_tensor_plan *of, uint64_t stream, double *sketch)
{
    const int64_t c = plan->columns, replicas = plan->o.repetitions;
    int64_t rows;
    double *b;
    nrm_status st;

    NRM_TRY(nrm_linf_read_rows(ctx, "b", plan->problem.b, &b, &rows));
    NRM_TRY_DONE(nrm_linf_check_count(ctx, plan, rows));
    for (int64_t k = 0; k < replicas; k++) {
        of->stream = stream + (uint64_t)k;
        NRM_TRY_DONE(nrm_tensor_sketch_array(ctx, NRM_LINF, of, plan->q, b, plan->q, sketch + k * plan->m * c + plan->d, c));
    }
done:
    nrm_free(ctx, b);
    return st;
}

static nrm_status sketch_all(nrm_ctx *ctx, const nrm_linf_plan *plan, uint64_t stream, double *sketch)
{
    const nrm_linf_regression_problem *p = &plan->problem;
    const int64_t c = plan->columns;
    nrm_tensor_plan of = {.kind = plan->o.sketch == NRM_LINF_TENSOR_SRHT ? NRM_SKETCH_SRHT : NRM_SKETCH_SRCT, .seed = nrm_seed(ctx),
                          .m = plan->m, .factors = p->factors};
    nrm_tensor_factor a[NRM_LINF_FACTORS], b[NRM_LINF_FACTORS];

    for (int f = 0; f < p->factors; f++) {
        const nrm_linf_regression_factor *of_a = &p->a_factors[f], *of_b = &p->b_factors[f];
        of.n[f] = of_a->rows;
        a[f] = (nrm_tensor_factor){of_a->columns, of_a->values, of_a->stride};
        b[f] = (nrm_tensor_factor){of_b->columns, of_b->values, of_b->stride};
    }
    for (int64_t k = 0; k < plan->o.repetitions; k++) {
        double *to = sketch + k * plan->m * c;
        of.stream = stream + (uint64_t)k;
        NRM_TRY(nrm_tensor_sketch(ctx, NRM_LINF, &of, a, to, c));
        if (plan->made_b) NRM_TRY(nrm_tensor_sketch(ctx, NRM_LINF, &of, b, to + plan->d, c));
    }
    return plan->made_b ? NRM_OK : sketch_b(ctx, plan, &of, stream, sketch);
}

nrm_status nrm_linf_tensor_compress(nrm_ctx *ctx, const nrm_linf_plan *plan, uint64_t stream, double *sketch)
{
    return nrm_comm_agree(ctx, nrm_ctx_comm(ctx), sketch_all(ctx, plan, stream, sketch)); /* every rank makes it all */
}
