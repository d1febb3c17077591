/* dataset_load.c -- files of examples: which arrays in them are features and which targets.
 *
 *     idx, npy          the features; targets from `labels`, from the file beside images
 *                       (t10k-images-idx3-ubyte.gz: t10k-labels-idx1-ubyte.gz), or the target
 *                       column of a table
 *     npz, safetensors  x and y, images and labels, data and target, features and targets, or
 *                       x_train and y_train with x_test and y_test to validate on
 *     csv and the like  a table with a target column
 *     LIBSVM            the features made dense, and the labels of the rows */
#include "data/formats.h"
#include "dataset_impl.h"

static const char *const pair_names[][2] = {{"x_train", "y_train"}, {"x", "y"}, {"images", "labels"},
                                            {"data", "target"}, {"features", "targets"}};
static const char *const validation_names[][2] = {{"x_test", "y_test"}, {"x_validation", "y_validation"}};

static nrm_array *find_array(nrm_bundle *bundle, const char *name)
{
    for (int64_t i = 0; i < bundle->count; i++) {
        const char *given = bundle->items[i].name;
        if (nrm_span_is((nrm_span){given, given + strlen(given)}, name)) return &bundle->items[i].array;
    }
    return NULL;
}

/* Convert `a` into features or targets. */
static nrm_status take_x(nrm_ctx *ctx, const char *path, nrm_dataset_kind kind, const nrm_array *a, nrm_array *x)
{
    char shape[NRM_SHAPE_LENGTH];
    const bool images = kind == NRM_DATASET_IMAGES;

    NRM_REQUIRE(ctx, images ? a->ndim == 3 || a->ndim == 4 : a->ndim == 2, NRM_E_SHAPE, "%s: has shape %s; %s", path,
                nrm_shape_text(shape, a->ndim, a->shape),
                images ? "images are (number, rows, columns) or (number, channels, rows, columns)"
                       : "a table has rows and columns");
    return nrm_array_convert(ctx, x, images && a->dtype == NRM_U8 ? NRM_U8 : NRM_F32, a);
}

/* ---- Targets ------------------------------------------------------------------------------------------------ */

/* The first array of a file that holds one. */
static nrm_status load_labels(nrm_ctx *ctx, const char *path, nrm_array *y)
{
    nrm_loaded loaded = {0};
    nrm_status st;

    NRM_TRY_DONE(nrm_load(ctx, path, &loaded));
    NRM_STOP_IF(loaded.kind == NRM_LOADED_CSR || (loaded.kind == NRM_LOADED_BUNDLE && loaded.bundle.count != 1),
                NRM_E_FORMAT, "%s: targets are one array; this %s file has none or several", path, loaded.format);
    NRM_TRY_DONE(nrm_array_convert(ctx, y, NRM_F64, loaded.kind == NRM_LOADED_ARRAY ? &loaded.array
                                                                                     : &loaded.bundle.items[0].array));
done:
    nrm_loaded_destroy(ctx, &loaded);
    return st;
}

/* path with its last "images" as "labels", and "idx3" behind that as "idx1"; NULL without. */
static nrm_status labels_beside(nrm_ctx *ctx, const char *path, char **beside)
{
    char *at = NULL;

    *beside = NULL;
    NRM_TRY(nrm_copy_string(ctx, beside, path));
    for (char *p = *beside; (p = strstr(p, "images")) != NULL; p++) at = p;
    if (!at) {
        nrm_free(ctx, *beside);
        *beside = NULL;
        return NRM_OK;
    }
    memcpy(at, "labels", 6);
    char *kind = strstr(at, "idx3");
    if (kind) kind[3] = '1';
    return NRM_OK;
}

static nrm_status load_labels_beside(nrm_ctx *ctx, const char *path, nrm_array *y)
{
    char *beside = NULL;
    nrm_status st;

    NRM_TRY(labels_beside(ctx, path, &beside));
    NRM_STOP_IF(!beside, NRM_E_ARGUMENT, "%s: images need labels; give their file, or name the images so that "
                "\"images\" in it can be replaced by \"labels\"", path);
    NRM_TRY_DONE(load_labels(ctx, beside, y));
done:
    if (st == NRM_E_IO) st = nrm_fail_prefix(ctx, st, "%s: images need labels, looked for beside them", path);
    nrm_free(ctx, beside);
    return st;
}

/* Take a column of a table off as its targets. */
static nrm_status take_column(nrm_ctx *ctx, const char *path, int64_t column, const nrm_array *table, nrm_examples *e)
{
    nrm_array all = {0};
    nrm_status st;
    char shape[NRM_SHAPE_LENGTH];

    NRM_REQUIRE(ctx, table->ndim == 2 && table->shape[1] >= 2, NRM_E_SHAPE,
                "%s: has shape %s; a table needs rows, and two columns or more: features and the target", path,
                nrm_shape_text(shape, table->ndim, table->shape));
    const int64_t n = table->shape[0], cols = table->shape[1], at = column < 0 ? column + cols : column;
    NRM_REQUIRE(ctx, at >= 0 && at < cols, NRM_E_RANGE, "%s: target_column is %lld; the table has columns 0 to %lld", path,
                NRM_LL(column), NRM_LL(cols - 1));
    NRM_TRY_DONE(nrm_array_convert(ctx, &all, NRM_F64, table));
    NRM_TRY_DONE(nrm_array_create_raw(ctx, &e->x, NRM_F32, 2, (const int64_t[]){n, cols - 1}));
    NRM_TRY_DONE(nrm_array_create_raw(ctx, &e->y, NRM_F64, 1, &n));
    const double *from = all.data;
    float *x = e->x.data;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < cols; j++, from++) {
            if (j == at) ((double *)e->y.data)[i] = *from;
            else *x++ = (float)*from;
        }
done:
    nrm_array_destroy(ctx, &all);
    return st;
}

/* ---- Features ------------------------------------------------------------------------------------------------- */

static nrm_status densify(nrm_ctx *ctx, const char *path, const nrm_dataset_options *o, const nrm_csr *s, int64_t columns,
                          nrm_array *x)
{
    const int64_t cols = columns > 0 ? columns : s->cols;
    int64_t count = 0, bytes = INT64_MAX;

    NRM_REQUIRE(ctx, s->cols <= cols, NRM_E_SHAPE, "%s: has %lld columns; the %lld of the training data are expected", path,
                NRM_LL(s->cols), NRM_LL(cols));
    NRM_REQUIRE(ctx, nrm_mul_size(s->rows, cols, &count) && nrm_mul_size(count, 4, &bytes) && bytes <= o->dense_bytes,
                NRM_E_OVERFLOW, "%s: %lld x %lld sparse rows take %.3g bytes once dense; dense_bytes allows %lld: raise it, "
                "or leave columns out", path, NRM_LL(s->rows), NRM_LL(cols), 4.0 * (double)s->rows * (double)cols,
                NRM_LL(o->dense_bytes));
    NRM_TRY(nrm_array_create(ctx, x, NRM_F32, 2, (const int64_t[]){s->rows, cols}));
    for (int64_t i = 0; i < s->rows; i++) {
        float *row = (float *)x->data + i * cols;
        for (int64_t k = s->indptr[i]; k < s->indptr[i + 1]; k++)
            row[s->indices[k]] = s->dtype == NRM_F64 ? (float)((const double *)s->values)[k] : ((const float *)s->values)[k];
    }
    return NRM_OK;
}

static nrm_status from_sparse(nrm_ctx *ctx, const char *path, const nrm_dataset_options *o, const char *labels,
                              nrm_loaded *loaded, int64_t columns, nrm_examples *e)
{
    const nrm_array *y = find_array(&loaded->extra, "label");

    NRM_TRY(densify(ctx, path, o, &loaded->csr, columns, &e->x));
    if (labels) return load_labels(ctx, labels, &e->y);
    NRM_REQUIRE(ctx, y, NRM_E_ARGUMENT, "%s: a %s matrix has no labels; give their file", path, loaded->format);
    return nrm_array_convert(ctx, &e->y, NRM_F64, y);
}

static nrm_status from_array(nrm_ctx *ctx, const char *path, const nrm_dataset_options *o, nrm_dataset_kind kind,
                             const char *labels, const nrm_array *a, nrm_examples *e)
{
    if (kind == NRM_DATASET_TABLE && !labels) return take_column(ctx, path, o->target_column, a, e);
    NRM_TRY(take_x(ctx, path, kind, a, &e->x));
    return labels ? load_labels(ctx, labels, &e->y) : load_labels_beside(ctx, path, &e->y);
}

/* A pair of arrays by one of several pairs of names; false where there is none. */
static bool find_pair(nrm_bundle *bundle, const char *const names[][2], int count, const char *labels, nrm_array **x,
                      nrm_array **y)
{
    for (int i = 0; i < count; i++) {
        *x = find_array(bundle, names[i][0]);
        *y = find_array(bundle, names[i][1]);
        if (*x && (*y || labels)) return true;
    }
    return false;
}

static nrm_status from_bundle(nrm_ctx *ctx, const char *path, nrm_dataset_kind kind, const char *labels,
                              nrm_bundle *bundle, nrm_examples *e, nrm_examples *validation)
{
    nrm_array *x, *y;

    NRM_REQUIRE(ctx, find_pair(bundle, pair_names, NRM_COUNT(pair_names), labels, &x, &y), NRM_E_FORMAT,
                "%s: has no arrays x and y (nor images and labels, data and target, features and targets, x_train and "
                "y_train); name them so", path);
    NRM_TRY(take_x(ctx, path, kind, x, &e->x));
    if (labels) return load_labels(ctx, labels, &e->y);
    NRM_TRY(nrm_array_convert(ctx, &e->y, NRM_F64, y));
    if (!validation || !find_pair(bundle, validation_names, NRM_COUNT(validation_names), NULL, &x, &y)) return NRM_OK;
    NRM_TRY(take_x(ctx, path, kind, x, &validation->x));
    return nrm_array_convert(ctx, &validation->y, NRM_F64, y);
}

/* One file.  validation NULL: what it may have to validate on is not looked for. */
static nrm_status load_file(nrm_ctx *ctx, const char *path, const char *labels, const nrm_dataset_options *o,
                            nrm_dataset_kind kind, int64_t columns, nrm_examples *e, nrm_examples *validation)
{
    nrm_loaded loaded = {0};
    nrm_status st;

    NRM_TRY_DONE(nrm_load(ctx, path, &loaded));
    if (loaded.kind == NRM_LOADED_BUNDLE)
        NRM_TRY_DONE(from_bundle(ctx, path, kind, labels, &loaded.bundle, e, validation));
    else if (loaded.kind == NRM_LOADED_ARRAY)
        NRM_TRY_DONE(from_array(ctx, path, o, kind, labels, &loaded.array, e));
    else {
        NRM_STOP_IF(kind != NRM_DATASET_TABLE, NRM_E_FORMAT, "%s: holds sparse rows (%s), not images; use kind table", path,
                    loaded.format);
        NRM_TRY_DONE(from_sparse(ctx, path, o, labels, &loaded, columns, e));
    }
done:
    nrm_loaded_destroy(ctx, &loaded);
    return st;
}

/* The default data; for a table the pictures become rows. */
static nrm_status load_digits(nrm_ctx *ctx, const nrm_dataset_options *o, nrm_dataset_kind kind, nrm_examples *e)
{
    enum { DIGITS = 6000 /* a tenth of a second */ };
    nrm_examples digits = {0};
    nrm_status st;

    NRM_TRY(nrm_digits(ctx, o->seed, DIGITS, &digits));
    if (kind == NRM_DATASET_TABLE) {
        digits.x.ndim = 2;
        digits.x.shape[1] *= digits.x.shape[2];
        NRM_TRY_DONE(nrm_array_convert(ctx, &e->x, NRM_F32, &digits.x));
    } else {
        e->x = digits.x;
        digits.x = (nrm_array){0};
    }
    e->y = digits.y;
    digits.y = (nrm_array){0};
    st = NRM_OK;
done:
    nrm_examples_destroy(ctx, &digits);
    return st;
}

nrm_status nrm_dataset_load(nrm_ctx *ctx, const nrm_dataset_options *o, nrm_dataset_kind kind, int64_t columns,
                            nrm_examples *training, nrm_examples *validation)
{
    if (!o->path) NRM_TRY(load_digits(ctx, o, kind, training));
    else NRM_TRY(load_file(ctx, o->path, o->labels, o, kind, columns, training, o->validation ? NULL : validation));
    if (!o->validation) return NRM_OK;
    return load_file(ctx, o->validation, o->validation_labels, o, kind,
                     training->x.ndim == 2 ? training->x.shape[1] : columns, validation, NULL);
}

/* ---- Which kind ----------------------------------------------------------------------------------------------- */

/* By content.  A file with the name of a text, or without one that says numbers, is a text
 * where it does not read as numbers; what fails otherwise is told. */
nrm_status nrm_dataset_guess(nrm_ctx *ctx, const char *path, nrm_dataset_kind *kind)
{
    static const char *const numbers[] = {".csv", ".tsv", ".svm", ".libsvm", ".npy", ".npz", ".mtx", ".json", ".idx",
                                          ".safetensors", "-ubyte"};
    nrm_loaded loaded = {0};
    nrm_array *x = &loaded.array, *y;

    NRM_REQUIRE(ctx, strcmp(path, "-") != 0, NRM_E_ARGUMENT, "data: standard input can be read but once; say of which "
                "kind it is: text, images or table");
    bool named = false;
    for (int i = 0; i < NRM_COUNT(numbers); i++) named |= strstr(path, numbers[i]) != NULL;
    const nrm_status st = nrm_load(ctx, path, &loaded);
    /* A line of words alone reads as the names of columns. */
    const bool heading = st >= 0 && strcmp(loaded.format, "csv") == 0 && loaded.array.shape[0] == 0;
    if (!named && (st == NRM_E_FORMAT || heading)) {
        nrm_loaded_destroy(ctx, &loaded);
        nrm_clear_message(ctx);
        *kind = NRM_DATASET_TEXT;
        return NRM_OK;
    }
    NRM_TRY(st);
    if (loaded.kind == NRM_LOADED_BUNDLE &&
        !find_pair(&loaded.bundle, pair_names, NRM_COUNT(pair_names), "", &x, &y)) x = NULL;
    *kind = x && loaded.kind != NRM_LOADED_CSR && x->ndim > 2 ? NRM_DATASET_IMAGES : NRM_DATASET_TABLE;
    nrm_loaded_destroy(ctx, &loaded);
    return NRM_OK;
}
