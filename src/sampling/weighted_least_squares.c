/* weighted_least_squares.c -- weighted least squares in an orthonormal space.  Contract and
 * equations: norma/weighted_least_squares.h.
 *
 * The rows (sqrt(w) phi(x), sqrt(w) y) go through a QR factorisation in chunks, of which only R is
 * kept: no normal equations, so the fit is as accurate as the points allow.  Rows are made with
 * |phi| scaled to sqrt(m), which is what the weights m / k do anyway: phi itself may overflow.  For
 * other weights w the row is multiplied by sqrt(w k / m).
 *
 * Beyond the paper: the factor of (4) is that of the points at hand, not of a bound for all: |g|_n^2
 * is at most the mean weight times sup |g|^2. */
#include "least_squares.h"
#include "linalg/alone.h"
#include "linalg/tall_qr.h"
#include "method/descriptor.h"

#define WHO NRM_LEAST_SQUARES_WHO
enum { MANY = 5000 }; /* functions: a warning */

extern const nrm_method nrm_weighted_least_squares_method;

/* ---- Rows ------------------------------------------------------------------------------------------- */

static nrm_status weigh(nrm_fit *f, const nrm_row_chunk *chunk)
{
    for (int64_t i = 0; i < chunk->count; i++) {
        const double own = f->weight[i], given = chunk->c ? chunk->c[i] : own, *y = chunk->a + i * chunk->lda;
        NRM_REQUIRE(f->ctx, chunk->c || own < INFINITY, NRM_E_RANGE,
                    WHO ": k(x) is 0 at row %lld: every function vanishes there, and the weight would be infinite; remove the point or give weights",
                    NRM_LL(chunk->first + i));
        NRM_REQUIRE(f->ctx, given > 0, NRM_E_RANGE, chunk->c ? WHO ": weights has %g at row %lld; a weight must be > 0: remove the point"
                                                            : WHO ": the weight m / k(x) is %g at row %lld: k(x) is out of range there; remove the point",
                    given, NRM_LL(chunk->first + i));
        f->weight[i] = given;
        f->root[i] = sqrt(given);
        for (int64_t l = 0; l < f->q; l++) f->value[i * f->q + l] = f->root[i] * y[l];
        if (!chunk->c) continue;
        const double factor = sqrt(given / own);
        for (int64_t j = 0; j < f->m; j++) f->psi[i * f->m + j] *= factor;
    }
    return NRM_OK;
}

static nrm_status make_rows(nrm_fit *f, const nrm_row_chunk *chunk)
{
    const double *x = chunk->b;

    if (!x) {
        for (int64_t i = 0; i < chunk->count; i++) f->x[i] = (double)(chunk->first + i);
        x = f->x;
    }
    NRM_TRY(nrm_space_check_points_from(f->ctx, WHO, "x", f->space, chunk->first, chunk->count, x));
    nrm_space_evaluate_weighted(f->space, chunk->count, x, f->psi, f->weight);
    return weigh(f, chunk);
}

nrm_status nrm_fit_pass(nrm_fit *f, const char *task, nrm_fit_fn fn, void *user, int64_t *rows)
{
    nrm_row_pass *pass;
    nrm_row_chunk chunk;
    nrm_status st = nrm_row_pass_begin(f->ctx, WHO, f->in->y, f->in->x, f->unit, task, &pass);

    if (st >= 0) nrm_row_pass_names(pass, "y", "x");
    if (st >= 0) st = nrm_row_pass_beside(f->ctx, pass, f->in->weights, "weights");
    while (st >= 0 && (st = nrm_row_pass_next(f->ctx, pass, &chunk)) >= 0 && chunk.count > 0) {
        st = make_rows(f, &chunk);
        if (st >= 0) st = fn(f, &chunk, user);
    }
    return nrm_row_pass_end(f->ctx, &pass, st, rows);
}

static nrm_status add_chunk(nrm_fit *f, const nrm_row_chunk *chunk, void *user)
{
    f->weight_sum += nrm_sum(f->weight, chunk->count);
    nrm_tall_qr_add(f->ctx, user, chunk->first, chunk->count, f->psi, f->m, f->m, f->value, f->q);
    return NRM_OK;
}

static nrm_status reserve(nrm_fit *f, nrm_tall_qr **qr)
{
    const int64_t c = f->m + f->q, known = nrm_rows_count(f->in->y);

    NRM_TRY(nrm_tall_qr_begin(f->ctx, WHO, c, qr));
    f->unit = nrm_tall_qr_unit(*qr) * (c > 512 ? 2 : 8);
    if (known >= 0) f->unit = nrm_max_i64(1, nrm_min_i64(f->unit, known));
    NRM_TRY(NRM_ALLOC(f->ctx, f->psi, f->unit * (f->m + f->q + 3), WHO));
    f->x = f->psi + f->unit * f->m, f->weight = f->x + f->unit, f->root = f->weight + f->unit, f->value = f->root + f->unit;
    return NRM_ALLOC_ZERO(f->ctx, f->r, c * c, WHO);
}

/* R of all points; every rank comes here, with the status so far. */
static nrm_status factor(nrm_fit *f, nrm_status before)
{
    nrm_tall_qr *qr = NULL;
    nrm_status st = nrm_comm_agree(f->ctx, nrm_ctx_comm(f->ctx), before >= 0 ? reserve(f, &qr) : before);

    if (st >= 0) st = nrm_fit_pass(f, "least squares", add_chunk, qr, &f->n);
    if (st >= 0) st = nrm_tall_qr_finish(f->ctx, qr, f->r);
    if (st >= 0) st = nrm_sum_ranks(f->ctx, WHO, &f->weight_sum, 1);
    nrm_tall_qr_end(f->ctx, qr);
    return st;
}

/* ---- The fit ---------------------------------------------------------------------------------------- */

static nrm_status refuse_singular(nrm_fit *f, double condition)
{
    const int64_t c = f->m + f->q;
    int64_t worst = 0;
    double least = INFINITY;

    for (int64_t j = 0; j < f->m; j++) {
        double column = 0;
        for (int64_t i = 0; i <= j; i++) column = hypot(column, f->r[i * c + j]);
        const double own = column > 0 ? f->r[j * c + j] / column : 0;
        if (own < least) least = own, worst = j;
    }
    return nrm_fail(f->ctx, NRM_E_SINGULAR,
                    WHO ": the points do not decide on function %lld of the space (%.1e of its values is its own, condition %.1e): add points, or take a smaller space",
                    NRM_LL(worst), least, condition);
}

/* Eigenvalues of G from the singular values of R11 / sqrt(n). */
static nrm_status judge(nrm_fit *f, double delta, nrm_weighted_least_squares_info *info)
{
    const int64_t m = f->m, c = m + f->q;
    const double n = (double)f->n, e = 1 - delta;
    double *singular;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(f->ctx, singular, m, WHO));
    const nrm_alone before = nrm_alone_enter(f->ctx);
    st = nrm_svd(f->ctx, WHO, m, m, f->r, c, NULL, singular, NULL);
    nrm_alone_leave(f->ctx, before);
    const double most = st >= 0 ? singular[0] : 1, least = st >= 0 ? singular[m - 1] : 1;
    nrm_free(f->ctx, singular);
    NRM_TRY(st);
    if (!(least > 4 * DBL_EPSILON * (double)m * most)) return refuse_singular(f, most / least);
    info->lambda_min = least / n * least, info->lambda_max = most / n * most;
    info->stable = info->lambda_min >= e;
    info->mean_weight = f->weight_sum / n;
    info->uniform_factor = 1 + sqrt(info->mean_weight / info->lambda_min);
    info->iid_probability = fmax(0, 1 - (double)m * exp(-(delta + e * log(e)) * n / (double)m));
    info->expected_factor = 1 + 1 / (e * info->iid_probability);
    return NRM_OK;
}

/* R11 own = R12, and the residual from R22. */
static nrm_status solve(nrm_fit *f, nrm_weighted_least_squares_info *info)
{
    const int64_t m = f->m, q = f->q, c = m + q;
    double norm = 0;

    NRM_TRY(NRM_ALLOC(f->ctx, f->own, m * q, WHO));
    for (int64_t j = m - 1; j >= 0; j--)
        for (int64_t l = 0; l < q; l++) {
            double rest = f->r[j * c + m + l];
            for (int64_t i = j + 1; i < m; i++) rest -= f->r[j * c + i] * f->own[i * q + l];
            f->own[j * q + l] = rest / f->r[j * c + j];
        }
    for (int64_t i = m; i < c; i++)
        for (int64_t l = i; l < c; l++) norm = hypot(norm, f->r[i * c + l]);
    info->residual = norm / sqrt((double)f->n * (double)q);
    info->noise_variance = f->n > m ? info->residual * info->residual * (double)f->n / (double)(f->n - m) : (double)NAN;
    return NRM_OK;
}

static nrm_status give_gram(nrm_fit *f, nrm_weighted_least_squares_result *made)
{
    const int64_t m = f->m, c = m + f->q;

    NRM_TRY(NRM_ALLOC(f->ctx, made->gram, m * m, WHO));
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;
            for (int64_t k = 0; k <= j; k++) sum += f->r[k * c + i] * f->r[k * c + j];
            made->gram[i * m + j] = made->gram[j * m + i] = sum / (double)f->n;
        }
    return NRM_OK;
}

static nrm_status give(nrm_fit *f, unsigned want, nrm_weighted_least_squares_result *made)
{
    const int64_t *indices = nrm_space_indices(f->space);

    made->m = f->m, made->dimension = f->d, made->n = f->n, made->q = f->q;
    NRM_TRY(NRM_ALLOC(f->ctx, made->coefficients, f->m * f->q, WHO));
    memcpy(made->coefficients, f->own, (size_t)(f->m * f->q) * sizeof *made->coefficients);
    nrm_space_to_given(f->space, f->q, made->coefficients);
    if (want & NRM_LEAST_SQUARES_GRAM) NRM_TRY(give_gram(f, made));
    if (want & NRM_LEAST_SQUARES_INDICES) {
        NRM_TRY(NRM_ALLOC(f->ctx, made->indices, f->m * f->d, WHO));
        memcpy(made->indices, indices, (size_t)(f->m * f->d) * sizeof *made->indices);
    }
    return nrm_fit_predict(f, want, made);
}

/* ---- The call --------------------------------------------------------------------------------------- */

static nrm_status check_input(nrm_ctx *ctx, const nrm_weighted_least_squares_input *in, unsigned want, bool one_pass)
{
    const bool features = in->space && (in->space->features || in->space->rows > 0);

    NRM_REQUIRE(ctx, in->y, NRM_E_NULL, WHO ": y must not be NULL");
    NRM_REQUIRE(ctx, in->x || features, NRM_E_ARGUMENT, WHO ": x is left out; only features have points of their own: give it");
    NRM_REQUIRE(ctx, !in->weights || nrm_rows_cols(in->weights) == 1, NRM_E_SHAPE, WHO ": weights has %lld columns; it must have one",
                NRM_LL(nrm_rows_cols(in->weights)));
    NRM_REQUIRE(ctx, nrm_rows_cols(in->y) >= 1, NRM_E_SHAPE, WHO ": y has no columns; it must have at least one");
    NRM_REQUIRE(ctx, in->x_new || !(want & (NRM_LEAST_SQUARES_PREDICTIONS | NRM_LEAST_SQUARES_GRADIENT)), NRM_E_ARGUMENT,
                WHO ": predictions are wanted, but x_new is left out; give the points");
    NRM_REQUIRE(ctx, in->new_count >= 0, NRM_E_SHAPE, WHO ": x_new has %lld points", NRM_LL(in->new_count));
    NRM_REQUIRE(ctx, !features || !(want & (NRM_LEAST_SQUARES_INDICES | NRM_LEAST_SQUARES_GRADIENT)), NRM_E_ARGUMENT,
                WHO ": indices and gradient are not there for features; leave them out");
    NRM_REQUIRE(ctx, !one_pass || !(want & (NRM_LEAST_SQUARES_FITTED | NRM_LEAST_SQUARES_RESIDUALS | NRM_LEAST_SQUARES_LEVERAGE)),
                NRM_E_ARGUMENT, WHO ": fitted, residuals and leverage need a second pass; leave out one_pass");
    return NRM_OK;
}

static nrm_status check_count(const nrm_fit *f, int64_t points)
{
    NRM_REQUIRE(f->ctx, points >= f->m, NRM_E_SHAPE,
                WHO ": there are %lld points for %lld functions; there must be at least as many: add points, or take a smaller space",
                NRM_LL(points), NRM_LL(f->m));
    return NRM_OK;
}

static nrm_status check_sizes(nrm_fit *f)
{
    const int64_t known = nrm_rows_count(f->in->y), columns = f->in->x ? nrm_rows_cols(f->in->x) : f->d;
    int64_t area;

    NRM_REQUIRE(f->ctx, columns == f->d, NRM_E_SHAPE, WHO ": x has %lld columns; a point of this space has %lld", NRM_LL(columns), NRM_LL(f->d));
    NRM_REQUIRE(f->ctx, nrm_mul_size(f->m + f->q, f->m + f->q, &area) && area < INT32_MAX, NRM_E_OVERFLOW,
                WHO ": a fit of %lld functions to %lld columns of y is more than memory can address", NRM_LL(f->m), NRM_LL(f->q));
    if (known >= 0) NRM_TRY(check_count(f, known));
    if (f->in->x_new) NRM_TRY(nrm_space_check_points(f->ctx, WHO, "x_new", f->space, f->in->new_count, f->in->x_new));
    if (f->m > MANY) nrm_warn(f->ctx, WHO ": the space has %lld functions; every point takes %.1g operations", NRM_LL(f->m), 2.0 * (double)f->m * (double)f->m);
    return NRM_OK;
}

/* The space, and what can be refused before the points are read. */
static nrm_status begin_fit(nrm_fit *f, nrm_weighted_least_squares_options *o, nrm_space **space)
{
    const nrm_weighted_least_squares_input *in = f->in;
    const bool named = in->space && (in->space->features || in->space->indices);

    if (o->dimension == 0 && in->x && !named) o->dimension = nrm_rows_cols(in->x);
    NRM_TRY(NRM_SPACE_CREATE(f->ctx, WHO, o, in->space, space));
    f->space = *space, f->m = nrm_space_size(*space), f->d = nrm_space_dimension(*space), f->q = nrm_rows_cols(in->y);
    return check_sizes(f);
}

static nrm_status judge_and_give(nrm_fit *f, double delta, unsigned want, nrm_weighted_least_squares_result *made,
                                 nrm_weighted_least_squares_info *info)
{
    NRM_TRY(check_count(f, f->n));
    NRM_TRY(judge(f, delta, info));
    NRM_TRY(solve(f, info));
    return give(f, want, made);
}

static nrm_status fit(nrm_fit *f, nrm_weighted_least_squares_options *o, unsigned want, nrm_space **space,
                      nrm_weighted_least_squares_result *made, nrm_weighted_least_squares_info *info)
{
    NRM_TRY(factor(f, begin_fit(f, o, space)));
    const nrm_status st = judge_and_give(f, o->delta, want, made, info);
    info->leave_one_out = NAN;
    if (o->one_pass) NRM_TRY(nrm_comm_agree(f->ctx, nrm_ctx_comm(f->ctx), st));
    else NRM_TRY(nrm_fit_points(f, st, want, made, &info->leave_one_out));
    info->m = f->m, info->points = f->n, info->dimension = f->d, info->passes = o->one_pass ? 1 : 2;
    return NRM_OK;
}

nrm_status nrm_weighted_least_squares(nrm_ctx *ctx, const nrm_weighted_least_squares_input *input, unsigned want,
                                      nrm_weighted_least_squares_result *result, nrm_weighted_least_squares_info *info,
                                      const nrm_weighted_least_squares_options *options)
{
    const double begin = nrm_now();
    nrm_weighted_least_squares_options o;
    nrm_weighted_least_squares_result made = {0};
    nrm_weighted_least_squares_info found = {0};
    nrm_fit f = {.ctx = ctx, .in = input};
    nrm_space *space = NULL;
    nrm_status st;

    NRM_TRY(nrm_options_load(ctx, &nrm_weighted_least_squares_method, options, &o));
    NRM_REQUIRE(ctx, input && result, NRM_E_NULL, WHO ": input and result must not be NULL");
    NRM_TRY(check_input(ctx, input, want, o.one_pass));
    NRM_TRY_DONE(fit(&f, &o, want, &space, &made, &found));
    found.seconds = nrm_now() - begin;
    *result = made;
    made = (nrm_weighted_least_squares_result){0};
    if (info) *info = found;
done:
    nrm_weighted_least_squares_release(ctx, &made);
    nrm_free(ctx, f.psi);
    nrm_free(ctx, f.r);
    nrm_free(ctx, f.own);
    nrm_space_destroy(ctx, space);
    return st;
}

void nrm_weighted_least_squares_release(nrm_ctx *ctx, nrm_weighted_least_squares_result *result)
{
    if (!result) return;
    nrm_free(ctx, result->coefficients);
    nrm_free(ctx, result->fitted);
    nrm_free(ctx, result->residuals);
    nrm_free(ctx, result->leverage);
    nrm_free(ctx, result->gram);
    nrm_free(ctx, result->indices);
    nrm_free(ctx, result->predictions);
    nrm_free(ctx, result->gradient);
    *result = (nrm_weighted_least_squares_result){0};
}
