/* dataset_examples.c -- features of images and tables: checked, split and standardised,
 *
 *     (x - mean) / scale,     mean and standard deviation over the training part
 *
 * of each channel (images, whose bytes count as x / 255) or each column (tables; a column
 * that is constant gets scale 1). */
#include "dataset_impl.h"

/* ---- Shapes ---------------------------------------------------------------------------------------------------- */

/* The shape of one example: channels, rows, columns of an image. */
static int shape_of(const nrm_array *x, int64_t shape[3])
{
    int n = 0;
    if (x->ndim == 3) shape[n++] = 1;
    for (int k = 1; k < x->ndim; k++) shape[n++] = x->shape[k];
    return n;
}

static nrm_status check_part(nrm_ctx *ctx, const nrm_dataset *d, const nrm_examples *e, const char *word)
{
    const nrm_array *x = &e->x, *y = &e->y;
    const int64_t n = x->shape[0], width = n > 0 ? nrm_array_count(x) / n : 0;
    int64_t where;

    NRM_REQUIRE(ctx, n > 0 && width > 0, NRM_E_SHAPE, "%s: the %s examples are %lld of %lld numbers; at least one of each "
                "is needed", d->name, word, NRM_LL(n), NRM_LL(width));
    NRM_REQUIRE(ctx, (y->ndim == 1 || y->ndim == 2) && y->shape[0] == n && nrm_array_count(y) > 0, NRM_E_SHAPE,
                "%s: there are %lld %s examples, but %lld targets; one for each is expected", d->name, NRM_LL(n), word,
                NRM_LL(y->ndim > 0 ? y->shape[0] : 1));
    if (x->dtype == NRM_F32 && !nrm_all_finite_f32(x->data, n * width, &where))
        return nrm_fail(ctx, NRM_E_NONFINITE, "%s: %s example %lld has no finite number at feature %lld (both from 0); fill "
                        "the gap, or leave the example out", d->name, word, NRM_LL(where / width), NRM_LL(where % width));
    const int64_t k = nrm_array_count(y) / n;
    if (!nrm_all_finite_f64(y->data, n * k, &where))
        return nrm_fail(ctx, NRM_E_NONFINITE, "%s: the target of %s example %lld (from 0) is not finite", d->name, word,
                        NRM_LL(where / k));
    return NRM_OK;
}

/* Set the shape, or hold x against the one that is known. */
static nrm_status check_shape(nrm_ctx *ctx, nrm_dataset *d, const nrm_array *x)
{
    char given[NRM_SHAPE_LENGTH], known[NRM_SHAPE_LENGTH];
    int64_t shape[3] = {0};
    const int ndim = shape_of(x, shape);

    if (d->ndim == 0) {
        d->ndim = ndim;
        memcpy(d->shape, shape, sizeof shape);
        d->features = nrm_array_count(x) / x->shape[0];
    }
    NRM_REQUIRE(ctx, ndim == d->ndim && memcmp(shape, d->shape, sizeof shape) == 0, NRM_E_SHAPE,
                "%s: an example has shape %s; the training data have %s", d->name, nrm_shape_text(given, ndim, shape),
                nrm_shape_text(known, d->ndim, d->shape));
    return NRM_OK;
}

/* ---- Splitting -------------------------------------------------------------------------------------------------- */

typedef struct selection {
    int64_t *rows[NRM_PARTS]; /* ascending */
    int64_t count[NRM_PARTS];
} selection;

/* Which rows are left for training: the first of a random permutation; each part keeps the
 * order of the file. */
static nrm_status split(nrm_ctx *ctx, const nrm_dataset *d, const nrm_dataset_options *o, int64_t n, selection *s)
{
    int64_t *order = NULL;
    uint8_t *validation = NULL;
    nrm_status st;
    int64_t held = (int64_t)((double)n * o->validation_fraction);

    if (held == 0 && o->validation_fraction > 0) held = 1;
    NRM_REQUIRE(ctx, held < n, NRM_E_SHAPE, "%s: %lld example is too few to split; give more, or validation_fraction 0",
                d->name, NRM_LL(n));
    s->count[NRM_TRAINING] = n - held;
    s->count[NRM_VALIDATION] = held;
    NRM_TRY_DONE(NRM_ALLOC(ctx, s->rows[NRM_TRAINING], n - held, "rows to train on"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, s->rows[NRM_VALIDATION], held, "rows to validate on"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, order, n, "a split"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, validation, n, "a split"));
    nrm_rng rng = nrm_rng_make(o->seed, NRM_STREAM_SPLIT);
    nrm_rng_permutation(&rng, order, n);
    for (int64_t i = n - held; i < n; i++) validation[order[i]] = 1;
    int64_t *next[NRM_PARTS] = {s->rows[NRM_TRAINING], s->rows[NRM_VALIDATION]};
    for (int64_t i = 0; i < n; i++) *next[validation[i] ? NRM_VALIDATION : NRM_TRAINING]++ = i;
done:
    nrm_free(ctx, order);
    nrm_free(ctx, validation);
    return st;
}

static nrm_status all_rows(nrm_ctx *ctx, selection *s, nrm_dataset_part p, int64_t n)
{
    s->count[p] = n;
    NRM_TRY(NRM_ALLOC(ctx, s->rows[p], n, "rows of a part"));
    for (int64_t i = 0; i < n; i++) s->rows[p][i] = i;
    return NRM_OK;
}

/* ---- Standardising ------------------------------------------------------------------------------------------------ */

/* Sum over the chosen rows of (x - centre)^power for each block, power 1 or 2. */
static void sum_floats(const nrm_dataset *d, const float *x, const int64_t *rows, int64_t n, const double *centre,
                       int power, double *sum)
{
    const int64_t block = d->features / d->blocks;

    for (int64_t b = 0; b < d->blocks; b++) sum[b] = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t b = 0; b < d->blocks; b++) {
            const float *from = x + rows[i] * d->features + b * block;
            double s = 0;
            for (int64_t j = 0; j < block; j++) {
                const double away = (double)from[j] - centre[b];
                s += power == 1 ? away : away * away;
            }
            sum[b] += s;
        }
}

/* The same of bytes divided by 255, from how often each of them occurs. */
static void sum_bytes(const nrm_dataset *d, const uint8_t *x, const int64_t *rows, int64_t n, const double *centre,
                      int power, double *sum)
{
    const int64_t block = d->features / d->blocks;

    for (int64_t b = 0; b < d->blocks; b++) {
        int64_t seen[2][256] = {{0}}; /* two, as equal neighbours would wait for each other */
        for (int64_t i = 0; i < n; i++) {
            const uint8_t *from = x + rows[i] * d->features + b * block;
            for (int64_t j = 0; j < block; j++) seen[j & 1][from[j]]++;
        }
        sum[b] = 0;
        for (int v = 0; v < 256; v++) {
            const double away = v / 255.0 - centre[b];
            sum[b] += (double)(seen[0][v] + seen[1][v]) * (power == 1 ? away : away * away);
        }
    }
}

static void sum_blocks(const nrm_dataset *d, const nrm_array *x, const selection *s, const double *centre, int power,
                       double *sum)
{
    const int64_t *rows = s->rows[NRM_TRAINING], n = s->count[NRM_TRAINING];
    if (x->dtype == NRM_U8) sum_bytes(d, x->data, rows, n, centre, power, sum);
    else sum_floats(d, x->data, rows, n, centre, power, sum);
}

static nrm_status learn_scale(nrm_ctx *ctx, nrm_dataset *d, const nrm_dataset_options *o, const nrm_array *x,
                              const selection *s)
{
    const double numbers = (double)s->count[NRM_TRAINING] * (double)(d->features / d->blocks);

    NRM_TRY(NRM_ALLOC_ZERO(ctx, d->mean, d->blocks, "means of features"));
    NRM_TRY(NRM_ALLOC(ctx, d->scale, d->blocks, "scales of features"));
    for (int64_t b = 0; b < d->blocks; b++) d->scale[b] = 1;
    if (o->keep_scale) return NRM_OK;
    sum_blocks(d, x, s, d->mean, 1, d->scale);
    for (int64_t b = 0; b < d->blocks; b++) d->mean[b] = d->scale[b] / numbers;
    sum_blocks(d, x, s, d->mean, 2, d->scale);
    for (int64_t b = 0; b < d->blocks; b++) {
        const double deviation = sqrt(d->scale[b] / numbers);
        d->scale[b] = deviation > 1e-12 * (1 + fabs(d->mean[b])) ? deviation : 1; /* else constant */
    }
    return NRM_OK;
}

static nrm_status fill_features(nrm_ctx *ctx, const nrm_dataset *d, nrm_part *part, const nrm_array *x,
                                const int64_t *rows, int64_t n)
{
    const int64_t width = d->features, block = width / d->blocks;

    part->count = n;
    if (x->dtype == NRM_U8) {
        NRM_TRY(NRM_ALLOC(ctx, part->bytes, n * width, "images"));
        for (int64_t i = 0; i < n; i++)
            memcpy(part->bytes + i * width, (const uint8_t *)x->data + rows[i] * width, (size_t)width);
        return NRM_OK;
    }
    NRM_TRY(NRM_ALLOC(ctx, part->features, n * width, "features"));
    for (int64_t i = 0; i < n; i++) {
        const float *from = (const float *)x->data + rows[i] * width;
        float *to = part->features + i * width;
        for (int64_t j = 0; j < width; j++)
            to[j] = (float)(((double)from[j] - d->mean[j / block]) / d->scale[j / block]);
    }
    return NRM_OK;
}

/* ---- Both parts ----------------------------------------------------------------------------------------------------- */

static nrm_status fill_parts(nrm_ctx *ctx, nrm_dataset *d, const nrm_dataset_options *o, const nrm_examples *training,
                             const nrm_examples *validation, selection *s)
{
    const bool own = validation->x.ndim > 0;
    const nrm_examples *from[NRM_PARTS] = {training, own ? validation : training};

    if (own) {
        NRM_TRY(all_rows(ctx, s, NRM_TRAINING, training->x.shape[0]));
        NRM_TRY(all_rows(ctx, s, NRM_VALIDATION, validation->x.shape[0]));
    } else {
        NRM_TRY(split(ctx, d, o, training->x.shape[0], s));
    }
    if (!d->mean) {
        d->blocks = d->kind == NRM_DATASET_IMAGES ? d->shape[0] : d->features;
        NRM_TRY(learn_scale(ctx, d, o, &training->x, s));
    }
    for (int p = 0; p < NRM_PARTS; p++) {
        NRM_TRY(fill_features(ctx, d, &d->part[p], &from[p]->x, s->rows[p], s->count[p]));
        NRM_TRY(nrm_dataset_fill_targets(ctx, d, &d->part[p], &from[p]->y, s->rows[p]));
    }
    return NRM_OK;
}

nrm_status nrm_dataset_fill_examples(nrm_ctx *ctx, nrm_dataset *d, const nrm_dataset_options *o,
                                     const nrm_examples *training, const nrm_examples *validation)
{
    selection s = {0};
    const bool own = validation->x.ndim > 0;

    NRM_TRY(check_part(ctx, d, training, "training"));
    NRM_TRY(check_shape(ctx, d, &training->x));
    if (own) {
        NRM_TRY(check_part(ctx, d, validation, "validation"));
        NRM_TRY(check_shape(ctx, d, &validation->x));
        NRM_REQUIRE(ctx, training->x.dtype == validation->x.dtype, NRM_E_DTYPE,
                    "%s: training images are %s, those to validate on %s; bytes are divided by 255, other types are not",
                    d->name, nrm_dtype_name(training->x.dtype), nrm_dtype_name(validation->x.dtype));
    }
    NRM_TRY(nrm_dataset_find_targets(ctx, d, o->target, &training->y, own ? &validation->y : NULL));
    const nrm_status st = fill_parts(ctx, d, o, training, validation, &s);
    for (int p = 0; p < NRM_PARTS; p++) nrm_free(ctx, s.rows[p]);
    return st;
}
