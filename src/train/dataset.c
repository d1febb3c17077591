/* dataset.c -- opening, describing and ending a data set.  Contract: dataset.h. */
#include "dataset_impl.h"

nrm_dataset_options nrm_dataset_options_default(void)
{
    return (nrm_dataset_options){.validation_fraction = 0.1, .context = 64, .vocabulary = 512, .target_column = -1,
                                 .dense_bytes = INT64_C(1) << 32};
}

static nrm_status check_options(nrm_ctx *ctx, const nrm_dataset_options *o)
{
    NRM_REQUIRE(ctx, o, NRM_E_NULL, "data: options must not be NULL");
    NRM_REQUIRE(ctx, o->kind >= 0 && o->kind < nrm_dataset_kind_count, NRM_E_ARGUMENT,
                "data: kind %d is none; they are guess, text, images and table", (int)o->kind);
    NRM_REQUIRE(ctx, o->target >= 0 && o->target < nrm_target_count, NRM_E_ARGUMENT,
                "data: target %d is none; they are auto, class and value", (int)o->target);
    NRM_REQUIRE(ctx, o->tokenizer >= 0 && o->tokenizer < nrm_tokenizer_choice_count, NRM_E_ARGUMENT,
                "data: tokenizer %d is none; they are auto, byte, char and bpe", (int)o->tokenizer);
    NRM_REQUIRE(ctx, o->validation_fraction >= 0 && o->validation_fraction < 1, NRM_E_RANGE,
                "data: validation_fraction is %g; it must be at least 0 and below 1", o->validation_fraction);
    NRM_REQUIRE(ctx, o->context >= 1 && o->context <= INT32_MAX, NRM_E_RANGE,
                "data: context is %lld; it must be 1 to %d", NRM_LL(o->context), INT32_MAX);
    NRM_REQUIRE(ctx, o->dense_bytes >= 1, NRM_E_RANGE, "data: dense_bytes is %lld; it must be >= 1",
                NRM_LL(o->dense_bytes));
    return NRM_OK;
}

static const char *default_name(nrm_dataset_kind kind)
{
    return kind == NRM_DATASET_TEXT ? "Norma's own documents" : "generated digits";
}

/* An empty data set of a kind, with what its state says. */
static nrm_status create(nrm_ctx *ctx, nrm_dataset **data, const nrm_dataset_options *o, nrm_dataset_kind kind,
                         const char *name)
{
    nrm_dataset *d;
    nrm_status st;

    NRM_TRY(nrm_alloc_zeroed(ctx, &d, 1, sizeof *d, "a data set"));
    d->kind = kind;
    d->context = o->context;
    NRM_TRY_DONE(nrm_copy_string(ctx, &d->name, name));
    if (o->state) NRM_TRY_DONE(nrm_dataset_restore(ctx, d, o->state));
    *data = d;
    return NRM_OK;
done:
    nrm_dataset_destroy(ctx, d);
    return st;
}

/* The end of every way to open one: hand it over, or end it. */
static nrm_status hand_over(nrm_ctx *ctx, nrm_dataset **data, nrm_dataset *d, nrm_status st)
{
    if (st < 0) nrm_dataset_destroy(ctx, d);
    else *data = d;
    return st;
}

static nrm_status fill_examples(nrm_ctx *ctx, nrm_dataset *d, const nrm_dataset_options *o)
{
    const int64_t columns = d->kind == NRM_DATASET_TABLE ? d->features : 0;
    nrm_examples training = {0}, validation = {0};
    nrm_status st;

    NRM_TRY_DONE(nrm_dataset_load(ctx, o, d->kind, columns, &training, &validation));
    NRM_TRY_DONE(nrm_dataset_fill_examples(ctx, d, o, &training, &validation));
done:
    nrm_examples_destroy(ctx, &training);
    nrm_examples_destroy(ctx, &validation);
    return st;
}

nrm_status nrm_dataset_open(nrm_ctx *ctx, nrm_dataset **data, const nrm_dataset_options *o)
{
    nrm_dataset *d;

    NRM_REQUIRE(ctx, data, NRM_E_NULL, "data: data must not be NULL");
    NRM_TRY(check_options(ctx, o));
    nrm_dataset_kind kind = o->kind;
    if (kind == NRM_DATASET_GUESS) {
        kind = NRM_DATASET_TEXT;
        if (o->path) NRM_TRY(nrm_dataset_guess(ctx, o->path, &kind));
    }
    NRM_TRY(create(ctx, &d, o, kind, o->path ? o->path : default_name(kind)));
    return hand_over(ctx, data, d, kind == NRM_DATASET_TEXT ? nrm_dataset_fill_text(ctx, d, o) : fill_examples(ctx, d, o));
}

nrm_status nrm_dataset_from_text(nrm_ctx *ctx, nrm_dataset **data, const nrm_dataset_options *o, const void *text,
                                 int64_t size)
{
    nrm_dataset *d;

    NRM_REQUIRE(ctx, data && (text || size == 0), NRM_E_NULL, "data: data and text must not be NULL");
    NRM_REQUIRE(ctx, size >= 0, NRM_E_RANGE, "data: size is %lld; it must be >= 0", NRM_LL(size));
    NRM_TRY(check_options(ctx, o));
    NRM_REQUIRE(ctx, (o->kind == NRM_DATASET_GUESS || o->kind == NRM_DATASET_TEXT) && !o->path, NRM_E_ARGUMENT,
                "data: a text in memory is of kind text and has no path");
    NRM_TRY(create(ctx, &d, o, NRM_DATASET_TEXT, "the text"));
    return hand_over(ctx, data, d, nrm_dataset_fill_text_memory(ctx, d, o, text, size));
}

static nrm_status check_array(nrm_ctx *ctx, const char *name, const nrm_array *a)
{
    int64_t count;
    NRM_REQUIRE(ctx, a->ndim >= 0 && a->ndim <= NRM_MAX_NDIM && nrm_shape_count(a->ndim, a->shape, &count) &&
                (unsigned)a->dtype < NRM_DTYPE_COUNT, NRM_E_SHAPE, "data: %s is no array", name);
    NRM_REQUIRE(ctx, a->data || count == 0, NRM_E_NULL, "data: %s has no data", name);
    return NRM_OK;
}

/* Copies in the types that examples have. */
static nrm_status copy_examples(nrm_ctx *ctx, nrm_examples *e, const nrm_array *x, const nrm_array *y,
                                const char *x_name, const char *y_name)
{
    NRM_TRY(check_array(ctx, x_name, x));
    NRM_TRY(check_array(ctx, y_name, y));
    NRM_REQUIRE(ctx, x->ndim >= 2 && x->ndim <= 4, NRM_E_SHAPE, "data: %s has %d dimensions; a table has 2, images 3 or 4",
                x_name, x->ndim);
    NRM_TRY(nrm_array_convert(ctx, &e->x, x->dtype == NRM_U8 && x->ndim > 2 ? NRM_U8 : NRM_F32, x));
    return nrm_array_convert(ctx, &e->y, NRM_F64, y);
}

nrm_status nrm_dataset_from_arrays(nrm_ctx *ctx, nrm_dataset **data, const nrm_dataset_options *o, const nrm_array *x,
                                   const nrm_array *y, const nrm_array *x_validation, const nrm_array *y_validation)
{
    nrm_examples training = {0}, validation = {0};
    nrm_dataset *d = NULL;
    nrm_status st;

    NRM_REQUIRE(ctx, data && x && y, NRM_E_NULL, "data: data, x and y must not be NULL");
    NRM_REQUIRE(ctx, !x_validation == !y_validation, NRM_E_NULL,
                "data: x_validation and y_validation come together: give both or none");
    NRM_TRY(check_options(ctx, o));
    NRM_REQUIRE(ctx, !o->path && !o->labels && !o->validation && !o->validation_labels, NRM_E_ARGUMENT,
                "data: arrays in memory have no paths");
    const nrm_dataset_kind kind = x->ndim > 2 ? NRM_DATASET_IMAGES : NRM_DATASET_TABLE;
    NRM_REQUIRE(ctx, o->kind == NRM_DATASET_GUESS || o->kind == kind, NRM_E_SHAPE,
                "data: x has %d dimensions; a table has 2, images 3 or 4, and a text is given as text", x->ndim);
    NRM_TRY_DONE(copy_examples(ctx, &training, x, y, "x", "y"));
    if (x_validation)
        NRM_TRY_DONE(copy_examples(ctx, &validation, x_validation, y_validation, "x_validation", "y_validation"));
    NRM_TRY_DONE(create(ctx, &d, o, kind, "the arrays"));
    st = hand_over(ctx, data, d, nrm_dataset_fill_examples(ctx, d, o, &training, &validation));
done:
    nrm_examples_destroy(ctx, &training);
    nrm_examples_destroy(ctx, &validation);
    return st;
}

void nrm_examples_destroy(nrm_ctx *ctx, nrm_examples *examples)
{
    nrm_array_destroy(ctx, &examples->x);
    nrm_array_destroy(ctx, &examples->y);
}

void nrm_dataset_destroy(nrm_ctx *ctx, nrm_dataset *d)
{
    if (!d) return;
    for (int p = 0; p < NRM_PARTS; p++) {
        nrm_free(ctx, d->part[p].tokens);
        nrm_free(ctx, d->part[p].bytes);
        nrm_free(ctx, d->part[p].features);
        nrm_free(ctx, d->part[p].labels);
        nrm_free(ctx, d->part[p].values);
    }
    nrm_tokenizer_destroy(ctx, d->tokenizer);
    nrm_free(ctx, d->mean);
    nrm_free(ctx, d->scale);
    nrm_free(ctx, d->class_value);
    nrm_free(ctx, d->name);
    nrm_free(ctx, d);
}

nrm_dataset_about nrm_dataset_describe(const nrm_dataset *d)
{
    nrm_dataset_about about = {.kind = d->kind, .ndim = d->ndim, .features = d->features, .classes = d->classes,
                               .values = d->values, .tokenizer = d->tokenizer, .class_value = d->class_value,
                               .name = d->name};
    for (int k = 0; k < d->ndim; k++) about.shape[k] = d->shape[k];
    for (int p = 0; p < NRM_PARTS; p++) {
        about.examples[p] = nrm_dataset_sweeps(d, (nrm_dataset_part)p, 1);
        if (d->kind == NRM_DATASET_TEXT) about.tokens[p] = d->part[p].count;
    }
    return about;
}
