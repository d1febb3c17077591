/* space.c -- spaces made from their names, and what is asked of them.  Contract: space.h. */
#include "space_parts.h"

static nrm_status make_family(nrm_ctx *ctx, const char *who, const nrm_space_names *names, const nrm_space_input *input, nrm_space *s)
{
    const bool list = input->index_count > 0 || input->indices;
    int64_t dimension = names->dimension;

    NRM_REQUIRE(ctx, list || names->degree >= 0, NRM_E_ARGUMENT,
                "%s: the space has no degree; give one, or a list of indices, or features", who);
    NRM_REQUIRE(ctx, !list || names->degree < 0, NRM_E_ARGUMENT, "%s: degree is %lld, but a list of indices is given; leave one out", who,
                NRM_LL(names->degree));
    NRM_REQUIRE(ctx, !list || dimension == 0 || dimension == input->index_columns, NRM_E_SHAPE,
                "%s: indices has %lld columns, but a point has %lld coordinates; it must have one for each", who,
                NRM_LL(input->index_columns), NRM_LL(dimension));
    if (list) dimension = input->index_columns;
    NRM_TRY(nrm_axes_parse(ctx, who, names->basis ? names->basis : "legendre", dimension, &s->axis, &s->dimension));
    if (list) NRM_TRY(nrm_index_list(ctx, who, input, &s->index, &s->m));
    else NRM_TRY(nrm_index_set(ctx, who, names->index_set, names->degree, s->dimension, s->axis, &s->index, &s->m));
    for (int64_t i = 0; i < s->dimension; i++) {
        int64_t most = 0;
        for (int64_t j = 0; j < s->m; j++) most = nrm_max_i64(most, s->index[j * s->dimension + i]);
        NRM_TRY(nrm_axis_prepare(ctx, who, most, &s->axis[i]));
        NRM_TRY(nrm_index_buckets(ctx, who, s->m, s->dimension, i, s->index, &s->axis[i]));
    }
    return NRM_OK;
}

static nrm_status check_features_alone(nrm_ctx *ctx, const char *who, const nrm_space_names *names, const nrm_space_input *input)
{
    NRM_REQUIRE(ctx, !names->basis, NRM_E_ARGUMENT, "%s: basis is given, but features are too; leave one out", who);
    NRM_REQUIRE(ctx, names->degree < 0 && input->index_count == 0 && !input->indices, NRM_E_ARGUMENT,
                "%s: a degree or a list of indices is given, but features are too; leave one out", who);
    NRM_REQUIRE(ctx, names->dimension <= 1, NRM_E_ARGUMENT, "%s: dimension is %lld; a point of features is one row number: leave it out",
                who, NRM_LL(names->dimension));
    return NRM_OK;
}

nrm_status nrm_space_create(nrm_ctx *ctx, const char *who, const nrm_space_names *names, const nrm_space_input *input,
                            nrm_space **space)
{
    static const nrm_space_input none;
    const nrm_space_input *in = input ? input : &none;
    nrm_space *s;
    nrm_status st;

    NRM_TRY(NRM_ALLOC_ZERO(ctx, s, 1, who));
    s->threads = nrm_threads(ctx);
    if (in->features || in->rows > 0) {
        NRM_TRY_DONE(check_features_alone(ctx, who, names, in));
        NRM_TRY_DONE(nrm_space_features(ctx, who, in, s));
    } else {
        NRM_STOP_IF(in->mu, NRM_E_ARGUMENT, "%s: mu is given without features; it weighs their rows", who);
        NRM_TRY_DONE(make_family(ctx, who, names, in, s));
    }
    *space = s;
    return NRM_OK;
done:
    nrm_space_destroy(ctx, s);
    return st;
}

void nrm_space_destroy(nrm_ctx *ctx, nrm_space *s)
{
    if (!s) return;
    for (int64_t i = 0; s->axis && i < s->dimension; i++) {
        nrm_free(ctx, s->axis[i].a);
        nrm_free(ctx, s->axis[i].start);
        nrm_free(ctx, s->axis[i].member);
    }
    nrm_free(ctx, s->axis);
    nrm_free(ctx, s->index);
    nrm_free(ctx, s->q);
    nrm_free(ctx, s->mu);
    nrm_free(ctx, s->r);
    nrm_free(ctx, s);
}

int64_t nrm_space_size(const nrm_space *s) { return s->m; }
int64_t nrm_space_dimension(const nrm_space *s) { return s->dimension; }
int64_t nrm_space_points(const nrm_space *s) { return s->rows; }
const int64_t *nrm_space_indices(const nrm_space *s) { return s->index; }

const nrm_coordinate *nrm_space_coordinate(const nrm_space *s, int64_t i)
{
    static const nrm_coordinate features = {.family = NRM_FAMILY_FEATURES, .scale = 1};
    return s->axis ? &s->axis[i].is : &features;
}

bool nrm_space_is_line(const nrm_space *s)
{
    if (!s->axis || s->dimension != 1) return false;
    for (int64_t j = 0; j < s->m; j++)
        if (s->index[j] != j) return false;
    return true;
}

/* ---- Points ----------------------------------------------------------------------------------------- */

static nrm_status check_row_number(nrm_ctx *ctx, const char *who, const char *name, const nrm_space *s, int64_t row, double x)
{
    NRM_REQUIRE(ctx, x >= 0 && x < (double)s->rows && x == floor(x), isnan(x) ? NRM_E_NONFINITE : NRM_E_RANGE,
                "%s: row %lld of %s is %g; it must be the number of a row of features, 0 to %lld", who, NRM_LL(row), name, x,
                NRM_LL(s->rows - 1));
    return NRM_OK;
}

nrm_status nrm_space_check_points_from(nrm_ctx *ctx, const char *who, const char *name, const nrm_space *s, int64_t first,
                                       int64_t count, const double *x)
{
    for (int64_t i = 0; !s->axis && i < count; i++) NRM_TRY(check_row_number(ctx, who, name, s, first + i, x[i]));
    for (int64_t c = 0; s->axis && c < s->dimension; c++) {
        double lower, upper;
        nrm_axis_bounds(&s->axis[c], &lower, &upper);
        for (int64_t i = 0; i < count; i++) {
            const double value = x[i * s->dimension + c];
            NRM_REQUIRE(ctx, isfinite(value), NRM_E_NONFINITE, "%s: %s is %g at row %lld, column %lld; it must be finite", who, name, value,
                        NRM_LL(first + i), NRM_LL(c));
            NRM_REQUIRE(ctx, value >= lower && value <= upper, NRM_E_RANGE,
                        "%s: %s is %.17g at row %lld, column %lld, outside of the basis's domain, %g to %g: move the domain or remove the point",
                        who, name, value, NRM_LL(first + i), NRM_LL(c), lower, upper);
        }
    }
    return NRM_OK;
}

nrm_status nrm_space_check_points(nrm_ctx *ctx, const char *who, const char *name, const nrm_space *s, int64_t count, const double *x)
{
    return nrm_space_check_points_from(ctx, who, name, s, 0, count, x);
}
