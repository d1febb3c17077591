/* space_features.c -- the space spanned by the columns of a matrix F on its N rows, with weights mu
 * of sum 1.  Contract: space_parts.h.
 *
 * diag(sqrt(mu)) F = Q R makes phi = diag(1 / sqrt(mu)) Q orthonormal in L2(mu), and
 * k_i = |Q_i|^2 / mu_i.  Column j depends on those before it where R_jj is nothing but rounding
 * beside its length. */
#include "linalg/thin_qr.h"
#include "space_parts.h"

static nrm_status take_mu(nrm_ctx *ctx, const char *who, const nrm_space_input *in, nrm_space *s)
{
    double sum = 0;

    NRM_TRY(NRM_ALLOC(ctx, s->mu, 3 * in->rows, who));
    s->mu_sum = s->mu + in->rows, s->leverage_sum = s->mu_sum + in->rows;
    for (int64_t i = 0; i < in->rows; i++) {
        s->mu[i] = in->mu ? in->mu[i] : 1;
        NRM_REQUIRE(ctx, s->mu[i] > 0 && isfinite(s->mu[i]), NRM_E_RANGE, "%s: mu[%lld] is %g; it must be > 0 and finite: leave out the row",
                    who, NRM_LL(i), s->mu[i]);
        sum += s->mu[i];
    }
    NRM_REQUIRE(ctx, isfinite(sum), NRM_E_OVERFLOW, "%s: the sum of mu is infinite; scale it down", who);
    for (int64_t i = 0; i < in->rows; i++) {
        s->mu[i] /= sum;
        NRM_REQUIRE(ctx, s->mu[i] >= 1e-300, NRM_E_RANGE, "%s: mu[%lld] is %g of the sum; leave out the row", who, NRM_LL(i), s->mu[i]);
    }
    return NRM_OK;
}

static nrm_status check_rank(nrm_ctx *ctx, const char *who, const nrm_space *s)
{
    for (int64_t j = 0; j < s->m; j++) {
        double column = 0;
        for (int64_t i = 0; i <= j; i++) column = hypot(column, s->r[i * s->m + j]);
        NRM_REQUIRE(ctx, column > 0, NRM_E_SINGULAR, "%s: column %lld of features is zero; remove it", who, NRM_LL(j));
        NRM_REQUIRE(ctx, s->r[j * s->m + j] > 1e-12 * column, NRM_E_SINGULAR,
                    "%s: column %lld of features depends on the columns before it (%.1e of its length is its own); remove it", who,
                    NRM_LL(j), s->r[j * s->m + j] / column);
    }
    return NRM_OK;
}

static void running_sums(nrm_space *s)
{
    double mu = 0, leverage = 0;

    for (int64_t i = 0; i < s->rows; i++) {
        double square = 0;
        for (int64_t j = 0; j < s->m; j++) square += s->q[i * s->m + j] * s->q[i * s->m + j];
        s->mu_sum[i] = mu += s->mu[i];
        s->leverage_sum[i] = leverage += square;
    }
}

nrm_status nrm_space_features(nrm_ctx *ctx, const char *who, const nrm_space_input *in, nrm_space *s)
{
    const int64_t n = in->rows, m = in->columns;
    int64_t area, where;

    NRM_REQUIRE(ctx, in->features, NRM_E_NULL, "%s: features is NULL", who);
    NRM_REQUIRE(ctx, m >= 1 && n >= m, NRM_E_SHAPE,
                "%s: features is %lld x %lld; it must have at least one column, and as many points (rows) as columns", who, NRM_LL(n),
                NRM_LL(m));
    NRM_REQUIRE(ctx, nrm_mul_size(n, m, &area) && area <= INT64_MAX / 64 && n < (INT64_C(1) << 53), NRM_E_OVERFLOW,
                "%s: features is %lld x %lld; that is more than memory can address", who, NRM_LL(n), NRM_LL(m));
    NRM_REQUIRE(ctx, nrm_all_finite_f64(in->features, area, &where), NRM_E_NONFINITE, "%s: features[%lld,%lld] is %g; it must be finite",
                who, NRM_LL(where / m), NRM_LL(where % m), in->features[where]);
    s->rows = n, s->m = m, s->dimension = 1;
    NRM_TRY(take_mu(ctx, who, in, s));
    NRM_TRY(NRM_ALLOC(ctx, s->q, area, who));
    NRM_TRY(NRM_ALLOC(ctx, s->r, m * m, who));
    for (int64_t i = 0; i < n; i++) {
        const double root = sqrt(s->mu[i]);
        for (int64_t j = 0; j < m; j++) s->q[i * m + j] = root * in->features[i * m + j];
    }
    NRM_TRY(nrm_thin_qr(ctx, who, n, m, s->q, s->r));
    NRM_TRY(check_rank(ctx, who, s));
    running_sums(s);
    return NRM_OK;
}

void nrm_space_to_given(const nrm_space *s, int64_t q, double *c)
{
    for (int64_t j = s->m - 1; s->r && j >= 0; j--)
        for (int64_t l = 0; l < q; l++) {
            double rest = c[j * q + l];
            for (int64_t i = j + 1; i < s->m; i++) rest -= s->r[j * s->m + i] * c[i * q + l];
            c[j * q + l] = rest / s->r[j * s->m + j];
        }
}
