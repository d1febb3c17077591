/* tensor_sketch.c -- contract: tensor_sketch.h.
 *
 * Both doors rest on one step: an array of shape outer x n_j x inner is taken to outer x N_j x
 * inner by T_j = H D_j or C_j D_j along its middle.  A factor is such an array with outer = 1,
 * inner = d_j; a general b goes through it once an axis, the last axis first.
 *
 * Places in the Philox stream, as block numbers (sketch_family.h): signs D_j from j FACTOR, the
 * rows from CHOICE, t by t and j by j, the signs of C_j from CIRCULANT + j FACTOR. */
#include "tensor_sketch.h"
#include "check.h"
#include "linalg.h"
#include "sketch_circulant.h"
#include "sketch_family.h"
#include <omp.h>
#include <stdio.h>

static const uint64_t FACTOR = UINT64_C(1) << 55;

static int64_t padded_rows(const nrm_tensor_plan *plan, int j)
{
    return plan->kind == NRM_SKETCH_SRHT ? nrm_next_power_of_two(plan->n[j]) : plan->n[j];
}

static nrm_status draw_signs(nrm_ctx *ctx, const char *who, const nrm_tensor_plan *plan, uint64_t place, int j,
                             double **sign)
{
    const nrm_sketch_plan draws = {.seed = plan->seed, .stream = plan->stream};
    NRM_TRY(NRM_ALLOC(ctx, *sign, plan->n[j], who));
    nrm_sketch_signs(&draws, place + (uint64_t)j * FACTOR, 0, plan->n[j], *sign);
    return NRM_OK;
}

/* ---- One axis ----------------------------------------------------------------------------------- */

typedef struct axis {
    int64_t outer, n, padded, inner;
    const double *sign;
} axis;

/* to (outer x padded x inner) = D from; rows of `from` (outer n of them) are ld apart. */
static void load(const axis *x, const double *from, int64_t ld, double *to)
{
    for (int64_t o = 0; o < x->outer; o++, to += x->padded * x->inner) {
        for (int64_t i = 0; i < x->n; i++, from += ld)
            for (int64_t c = 0; c < x->inner; c++) to[i * x->inner + c] = x->sign[i] * from[c];
        memset(to + x->n * x->inner, 0, (size_t)((x->padded - x->n) * x->inner) * sizeof *to);
    }
}

static nrm_status hadamard(nrm_ctx *ctx, const char *who, const axis *x, double *to)
{
    if (x->inner == 1) { /* lines in one piece, shared by the threads; the length is right, so nothing fails */
#pragma omp parallel for num_threads(nrm_threads(ctx)) schedule(static) if (x->outer * x->padded > NRM_SKETCH_TEAM)
        for (int64_t o = 0; o < x->outer; o++) nrm_hadamard(ctx, who, x->padded, to + o * x->padded, false);
        return NRM_OK;
    }
    for (int64_t o = 0; o < x->outer; o++)
        NRM_TRY(nrm_hadamard_columns(ctx, who, x->padded, x->inner, to + o * x->padded * x->inner, x->inner, false));
    return NRM_OK;
}

/* The circulant along two lines of the array, from c of all outer x inner on. */
static void two_lines(const nrm_circulant *circulant, const axis *x, int64_t c, double *to, double *pair, double *work)
{
    double *line[2];
    for (int64_t j = 0; j < 2; j++) {
        const int64_t at = nrm_min_i64(c + j, x->outer * x->inner - 1); /* of an odd number the last twice */
        line[j] = to + at / x->inner * x->n * x->inner + at % x->inner;
    }
    for (int64_t i = 0; i < x->n; i++)
        for (int j = 0; j < 2; j++) pair[2 * i + j] = line[j][i * x->inner];
    nrm_circulant_apply(circulant, pair, work);
    for (int64_t i = 0; i < x->n; i++)
        for (int j = 0; j < 2; j++) line[j][i * x->inner] = pair[2 * i + j];
}

static nrm_status circulants(nrm_ctx *ctx, const char *who, const nrm_tensor_plan *plan, int j, const axis *x, double *to)
{
    const int64_t pairs = (x->outer * x->inner + 1) / 2, threads = nrm_min_i64(nrm_threads(ctx), pairs);
    const int64_t room = nrm_padded(2 * x->n * (int64_t)sizeof(double)) / (int64_t)sizeof(double);
    nrm_circulant *circulant = NULL;
    double *sign = NULL;
    double *work = NULL;
    nrm_status st;

    NRM_TRY_DONE(draw_signs(ctx, who, plan, NRM_SKETCH_CIRCULANT, j, &sign));
    NRM_TRY_DONE(nrm_circulant_create(ctx, who, x->n, sign, &circulant));
    NRM_TRY_DONE(NRM_ALLOC(ctx, work, 2 * threads * room, who));
#pragma omp parallel for num_threads((int)threads) schedule(static) if (x->outer * x->n * x->inner > NRM_SKETCH_TEAM)
    for (int64_t pair = 0; pair < pairs; pair++) {
        double *own = work + 2 * omp_get_thread_num() * room;
        two_lines(circulant, x, 2 * pair, to, own, own + room);
    }
done:
    nrm_free(ctx, work);
    nrm_free(ctx, sign);
    nrm_circulant_destroy(ctx, circulant);
    return st;
}

/* to (outer x N_j x inner, allocated here) = T_j along the middle of from. */
static nrm_status transform(nrm_ctx *ctx, const char *who, const nrm_tensor_plan *plan, int j, int64_t outer,
                            int64_t inner, const double *from, int64_t ld, double **to)
{
    axis x = {outer, plan->n[j], padded_rows(plan, j), inner, NULL};
    double *sign;
    int64_t count;
    nrm_status st;

    *to = NULL;
    NRM_REQUIRE(ctx, x.padded > 0 && nrm_mul_size(outer, x.padded, &count) && nrm_mul_size(count, inner, &count),
                NRM_E_OVERFLOW, "%s: the tensor sketch of an array of %lld x %lld x %lld is too large", who, NRM_LL(outer),
                NRM_LL(x.n), NRM_LL(inner));
    NRM_REQUIRE(ctx, !nrm_tick(ctx, "tensor sketch", (double)j, (double)plan->factors, NULL, NAN), NRM_E_CANCELLED,
                "%s: stopped on request in a tensor sketch", who);
    NRM_TRY(draw_signs(ctx, who, plan, 0, j, &sign));
    x.sign = sign;
    NRM_TRY_DONE(NRM_ALLOC(ctx, *to, count, who));
    load(&x, from, ld, *to);
    st = plan->kind == NRM_SKETCH_SRHT ? hadamard(ctx, who, &x, *to) : circulants(ctx, who, plan, j, &x, *to);
done:
    nrm_free(ctx, sign);
    if (st < 0) {
        nrm_free(ctx, *to);
        *to = NULL;
    }
    return st;
}

/* ---- The doors -------------------------------------------------------------------------------------- */

/* Checks the plan; rows is prod n_j. */
static nrm_status check_plan(nrm_ctx *ctx, const char *who, const nrm_tensor_plan *plan, int64_t *rows)
{
    NRM_REQUIRE(ctx, plan->kind == NRM_SKETCH_SRHT || plan->kind == NRM_SKETCH_SRCT, NRM_E_ARGUMENT,
                "%s: there is no tensor sketch of kind %d; it must be srht or srct", who, (int)plan->kind);
    NRM_REQUIRE(ctx, plan->factors >= 1 && plan->factors <= NRM_TENSOR_FACTORS, NRM_E_RANGE,
                "%s: a tensor sketch of %d factors; it takes 1 to %d", who, plan->factors, NRM_TENSOR_FACTORS);
    NRM_REQUIRE(ctx, plan->m >= 1, NRM_E_RANGE, "%s: a sketch of %lld rows; it must have at least one", who, NRM_LL(plan->m));
    *rows = 1;
    for (int j = 0; j < plan->factors; j++) {
        NRM_REQUIRE(ctx, plan->n[j] >= 1, NRM_E_SHAPE, "%s: factor %d has %lld rows; it must have at least one", who, j + 1,
                    NRM_LL(plan->n[j]));
        NRM_REQUIRE(ctx, nrm_mul_size(*rows, plan->n[j], rows), NRM_E_OVERFLOW, "%s: the rows of %d factors multiply to more "
                    "than 2^63", who, plan->factors);
    }
    return NRM_OK;
}

/* index[t factors + j] = i_tj. */
static nrm_status draw_rows(nrm_ctx *ctx, const char *who, const nrm_tensor_plan *plan, int64_t **index)
{
    const nrm_sketch_plan draws = {.seed = plan->seed, .stream = plan->stream};
    nrm_rng rng = nrm_sketch_rng(&draws, NRM_SKETCH_CHOICE);
    int64_t count;

    NRM_REQUIRE(ctx, nrm_mul_size(plan->m, plan->factors, &count), NRM_E_OVERFLOW, "%s: a sketch of %lld rows is too large",
                who, NRM_LL(plan->m));
    NRM_TRY(NRM_ALLOC(ctx, *index, count, who));
    for (int64_t t = 0; t < plan->m; t++)
        for (int j = 0; j < plan->factors; j++)
            (*index)[t * plan->factors + j] = nrm_rng_below(&rng, padded_rows(plan, j));
    return NRM_OK;
}

static size_t span(int64_t rows, int64_t cols, int64_t ld)
{
    return rows > 0 && cols > 0 ? (size_t)((rows - 1) * ld + cols) * sizeof(double) : 0;
}

/* Row t of sa: the product of the factors' rows, built up in place from the last factor backwards,
 * so that what is read is not yet overwritten. */
static void kronecker_row(const nrm_tensor_plan *plan, const nrm_tensor_factor *factor, double *const *z,
                          const int64_t *index, double *row)
{
    int64_t width = 1;
    row[0] = 1 / sqrt((double)plan->m);
    for (int j = plan->factors - 1; j >= 0; j--) {
        const double *of = z[j] + index[j] * factor[j].d;
        for (int64_t i = factor[j].d - 1; i >= 0; i--)
            for (int64_t c = 0; c < width; c++) row[i * width + c] = of[i] * row[c];
        width *= factor[j].d;
    }
}

nrm_status nrm_tensor_sketch(nrm_ctx *ctx, const char *who, const nrm_tensor_plan *plan, const nrm_tensor_factor *factor,
                             double *sa, int64_t ldsa)
{
    double *z[NRM_TENSOR_FACTORS] = {0};
    int64_t *index = NULL, rows, columns = 1;
    nrm_status st;

    NRM_TRY(check_plan(ctx, who, plan, &rows));
    for (int j = 0; j < plan->factors; j++) {
        char name[32];
        snprintf(name, sizeof name, "factor %d", j + 1);
        NRM_TRY(nrm_check_f64(ctx, who, name, 1, plan->n[j], factor[j].d, factor[j].a, factor[j].lda));
        NRM_REQUIRE(ctx, nrm_mul_size(columns, factor[j].d, &columns), NRM_E_OVERFLOW, "%s: the columns of %d factors "
                    "multiply to more than 2^63", who, plan->factors);
    }
    NRM_TRY(nrm_check_shape(ctx, who, "the sketch", 1, plan->m, columns, sa, ldsa));
    for (int j = 0; j < plan->factors; j++)
        NRM_REQUIRE(ctx, !nrm_overlap(factor[j].a, span(plan->n[j], factor[j].d, factor[j].lda), sa, span(plan->m, columns, ldsa)),
                    NRM_E_ALIAS, "%s: factor %d and the sketch overlap; give the sketch memory of its own", who, j + 1);
    for (int j = 0; j < plan->factors; j++)
        NRM_TRY_DONE(transform(ctx, who, plan, j, 1, factor[j].d, factor[j].a, factor[j].lda, &z[j]));
    NRM_TRY_DONE(draw_rows(ctx, who, plan, &index));
#pragma omp parallel for num_threads(nrm_threads(ctx)) schedule(static) if (plan->m * columns > NRM_SKETCH_TEAM)
    for (int64_t t = 0; t < plan->m; t++) kronecker_row(plan, factor, z, index + t * plan->factors, sa + t * ldsa);
done:
    for (int j = 0; j < plan->factors; j++) nrm_free(ctx, z[j]);
    nrm_free(ctx, index);
    return st;
}

nrm_status nrm_tensor_sketch_array(nrm_ctx *ctx, const char *who, const nrm_tensor_plan *plan, int64_t q, const double *b,
                                   int64_t ldb, double *sb, int64_t ldsb)
{
    const double scale = 1 / sqrt((double)plan->m), *from = b;
    double *held = NULL, *next = NULL;
    int64_t *index = NULL, outer, inner = q, ld = ldb;
    nrm_status st;

    NRM_TRY(check_plan(ctx, who, plan, &outer));
    NRM_TRY(nrm_check_f64(ctx, who, "the right-hand side", 1, outer, q, b, ldb));
    NRM_TRY(nrm_check_shape(ctx, who, "its sketch", 1, plan->m, q, sb, ldsb));
    NRM_REQUIRE(ctx, !nrm_overlap(b, span(outer, q, ldb), sb, span(plan->m, q, ldsb)), NRM_E_ALIAS,
                "%s: the right-hand side and its sketch overlap; give the sketch memory of its own", who);
    for (int j = plan->factors - 1; j >= 0; j--) {
        outer /= plan->n[j];
        NRM_TRY_DONE(transform(ctx, who, plan, j, outer, inner, from, ld, &next));
        nrm_free(ctx, held);
        from = held = next;
        inner *= padded_rows(plan, j);
        ld = inner;
    }
    NRM_TRY_DONE(draw_rows(ctx, who, plan, &index));
    for (int64_t t = 0; t < plan->m; t++) {
        int64_t place = 0;
        for (int j = 0; j < plan->factors; j++) place = place * padded_rows(plan, j) + index[t * plan->factors + j];
        for (int64_t c = 0; c < q; c++) sb[t * ldsb + c] = scale * held[place * q + c];
    }
done:
    nrm_free(ctx, held);
    nrm_free(ctx, index);
    return st;
}
