/* init.c -- initial values.
 *
 * Elements 2j and 2j + 1 of a parameter are drawn from block j of the Philox stream that the
 * hash of its name gives, so an element depends on (seed, name, place) alone: adding a layer
 * changes no other, and any split over threads gives the same bits.  Draws are f64, rounded.
 *
 *     xavier   Glorot & Bengio 2010, var = 2 / (fan_in + fan_out)
 *     kaiming  He et al. 2015, var = gain^2 / fan_in
 *     orthogonal  Q of a Gaussian matrix with R's diagonal positive: uniform over Q'Q = I */
#include "nn.h"
#include "base/random.h"
#include "linalg/linalg.h"

#define INIT_NAME(constant, word) word,
static const char *const names[] = {NRM_INIT_KINDS(INIT_NAME) NULL};

const char *const *nrm_init_names(void) { return names; }
const char *nrm_init_name(nrm_init_kind kind)
{
    return (int)kind >= 0 && (int)kind < nrm_init_kind_count ? names[kind] : "unknown";
}

nrm_init nrm_init_usual(nrm_init_kind kind)
{
    switch (kind) {
    case NRM_INIT_NORMAL:
    case NRM_INIT_TRUNCATED_NORMAL:
    case NRM_INIT_UNIFORM: return (nrm_init){kind, 0, 1};
    case NRM_INIT_XAVIER_UNIFORM:
    case NRM_INIT_XAVIER_NORMAL:
    case NRM_INIT_ORTHOGONAL: return (nrm_init){kind, 1, 0};
    case NRM_INIT_KAIMING_UNIFORM:
    case NRM_INIT_KAIMING_NORMAL: return (nrm_init){kind, sqrt(2), 0};
    default: return (nrm_init){kind, 0, 0};
    }
}

nrm_init nrm_init_bias(nrm_init weight, int64_t fan_in)
{
    const double bound = 1 / sqrt((double)nrm_max_i64(fan_in, 1));
    if (weight.kind == NRM_INIT_TORCH) return (nrm_init){NRM_INIT_UNIFORM, -bound, bound};
    return (nrm_init){NRM_INIT_ZEROS, 0, 0};
}

/* ---- One element -------------------------------------------------------------------------- */

/* What all kinds but orthogonal come down to: a number, or one drawn from a distribution. */
typedef enum draw_kind { DRAW_NONE, DRAW_UNIFORM, DRAW_NORMAL, DRAW_TRUNCATED } draw_kind;
typedef struct draw {
    draw_kind kind;
    double at, scale; /* at + scale * (uniform on [0, 1), or standard normal) */
} draw;

static draw draw_of(nrm_init init, double fan_in, double fan_out)
{
    const double u = sqrt(6 / (fan_in + fan_out)) * init.a, k = sqrt(3 / fan_in) * init.a, t = 1 / sqrt(fan_in);
    switch (init.kind) {
    case NRM_INIT_ONES: return (draw){DRAW_NONE, 1, 0};
    case NRM_INIT_CONSTANT: return (draw){DRAW_NONE, init.a, 0};
    case NRM_INIT_NORMAL: return (draw){DRAW_NORMAL, init.a, init.b};
    case NRM_INIT_TRUNCATED_NORMAL: return (draw){DRAW_TRUNCATED, init.a, init.b};
    case NRM_INIT_UNIFORM: return (draw){DRAW_UNIFORM, init.a, init.b - init.a};
    case NRM_INIT_XAVIER_UNIFORM: return (draw){DRAW_UNIFORM, -u, 2 * u};
    case NRM_INIT_XAVIER_NORMAL: return (draw){DRAW_NORMAL, 0, sqrt(2 / (fan_in + fan_out)) * init.a};
    case NRM_INIT_KAIMING_UNIFORM: return (draw){DRAW_UNIFORM, -k, 2 * k};
    case NRM_INIT_KAIMING_NORMAL: return (draw){DRAW_NORMAL, 0, init.a / sqrt(fan_in)};
    case NRM_INIT_TORCH: return (draw){DRAW_UNIFORM, -t, 2 * t};
    default: return (draw){DRAW_NONE, 0, 0};
    }
}

/* Two uniform numbers on [0, 1), 53 bits each, from a block. */
static void uniforms(uint64_t seed, uint64_t stream, uint64_t block, double u[2])
{
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t word[4];
    nrm_philox4x32(counter, key, word);
    for (int i = 0; i < 2; i++) u[i] = (double)(((uint64_t)word[2 * i + 1] << 32 | word[2 * i]) >> 11) * 0x1p-53;
}

/* Two standard normal ones: Box and Muller. */
static void normals(uint64_t seed, uint64_t stream, uint64_t block, double z[2])
{
    uniforms(seed, stream, block, z);
    const double r = sqrt(-2 * log(1 - z[0])), angle = 6.283185307179586 * z[1];
    z[0] = r * cos(angle);
    z[1] = r * sin(angle);
}

/* Elements 2 j and 2 j + 1. */
static void two_elements(draw d, uint64_t seed, uint64_t stream, int64_t j, double x[2])
{
    if (d.kind == DRAW_UNIFORM) uniforms(seed, stream, (uint64_t)j, x);
    else if (d.kind != DRAW_NONE) normals(seed, stream, (uint64_t)j, x);
    for (int i = 0; i < 2; i++) {
        /* The k-th new try of an element has a block of its own, far behind the first ones. */
        for (uint64_t k = 1; d.kind == DRAW_TRUNCATED && !(fabs(x[i]) <= 2); k++) {
            double z[2];
            normals(seed, stream, (uint64_t)(2 * j + i) + (k << 48), z);
            x[i] = z[0];
        }
        x[i] = d.kind == DRAW_NONE ? d.at : d.at + d.scale * x[i];
    }
}

/* ---- Whole arrays ----------------------------------------------------------------------------- */

static void put(nrm_array *array, int64_t i, double value)
{
    if (array->dtype == NRM_F32) ((float *)array->data)[i] = (float)value;
    else ((double *)array->data)[i] = value;
}

static nrm_status fill_orthogonal(nrm_ctx *ctx, double gain, uint64_t seed, uint64_t stream, nrm_array *array)
{
    const int64_t count = nrm_array_count(array), rows = array->ndim > 0 ? array->shape[0] : 1;
    const int64_t cols = rows > 0 ? count / rows : 0, tall = nrm_max_i64(rows, cols), thin = nrm_min_i64(rows, cols);
    const draw normal = {DRAW_NORMAL, 0, 1};
    double *q = NULL;
    if (count == 0) return NRM_OK;
    NRM_TRY(NRM_ALLOC(ctx, q, count, "an orthogonal matrix"));
    for (int64_t i = 0; i < count; i += 2) {
        double x[2];
        two_elements(normal, seed, stream, i / 2, x);
        for (int64_t k = i; k < count && k < i + 2; k++) q[k] = x[k - i];
    }
    const nrm_status st = nrm_qr(ctx, "init", tall, thin, q, thin, NULL);
    for (int64_t i = 0; st >= 0 && i < rows; i++)
        for (int64_t j = 0; j < cols; j++) put(array, i * cols + j, gain * (rows >= cols ? q[i * thin + j] : q[j * thin + i]));
    nrm_free(ctx, q);
    return st;
}

static void fans(const nrm_array *array, double *in, double *out)
{
    double field = 1;
    for (int k = 2; k < array->ndim; k++) field *= (double)array->shape[k];
    *out = array->ndim > 0 ? (double)array->shape[0] * field : 1;
    *in = array->ndim > 1 ? (double)array->shape[1] * field : *out;
    if (*in < 1) *in = 1;
    if (*out < 1) *out = 1;
}

static nrm_status check(nrm_ctx *ctx, nrm_init init, const char *name, const nrm_array *array)
{
    NRM_REQUIRE(ctx, name && array && (array->data || nrm_array_count(array) == 0), NRM_E_NULL, "init: name and array must not be NULL");
    NRM_REQUIRE(ctx, nrm_is_float(array->dtype), NRM_E_DTYPE, "init: '%s' is %s; initial values are f32 or f64", name,
                nrm_dtype_name(array->dtype));
    NRM_REQUIRE(ctx, (int)init.kind >= 0 && (int)init.kind < nrm_init_kind_count, NRM_E_ARGUMENT, "init: '%s' has the unknown kind %d",
                name, (int)init.kind);
    NRM_REQUIRE(ctx, isfinite(init.a) && isfinite(init.b), NRM_E_NONFINITE, "init: '%s' has a = %g, b = %g for %s; both "
                "must be finite", name, init.a, init.b, names[init.kind]);
    NRM_REQUIRE(ctx, (init.kind != NRM_INIT_NORMAL && init.kind != NRM_INIT_TRUNCATED_NORMAL) || init.b >= 0, NRM_E_RANGE,
                "init: '%s' has the standard deviation %g; it must not be negative", name, init.b);
    NRM_REQUIRE(ctx, init.kind != NRM_INIT_UNIFORM || init.a <= init.b, NRM_E_RANGE,
                "init: '%s' is uniform on [%g, %g); the first bound must not exceed the second", name, init.a, init.b);
    return NRM_OK;
}

nrm_status nrm_init_fill(nrm_ctx *ctx, nrm_init init, uint64_t seed, const char *name, nrm_array *array)
{
    double in, out;
    NRM_TRY(check(ctx, init, name, array));
    const uint64_t stream = nrm_name_stream("", name);
    const int64_t count = nrm_array_count(array);
    if (init.kind == NRM_INIT_ORTHOGONAL) return fill_orthogonal(ctx, init.a, seed, stream, array);
    fans(array, &in, &out);
    const draw d = draw_of(init, in, out);
#pragma omp parallel for num_threads(nrm_threads(ctx)) schedule(static) if (count > 8192)
    for (int64_t i = 0; i < count; i += 2) {
        double x[2];
        two_elements(d, seed, stream, i / 2, x);
        for (int64_t k = i; k < count && k < i + 2; k++) put(array, k, x[k - i]);
    }
    return NRM_OK;
}
