/* dataset_targets.c -- what is to be predicted: the label of an image, the class or the values
 * of a row.
 *
 * Labels of images count from 0.  Classes of a table may be any whole numbers (-1 and 1, or
 * 3, 5, 9): the i-th smallest is label i, and class_value keeps what it stands for. */
#include "dataset_impl.h"

enum { AUTO_CLASSES_MOST = 100, AUTO_EXAMPLES_LEAST = 5 };

static bool is_whole(double value) { return value == floor(value) && fabs(value) <= 0x1p53; }

/* Where value stands in the sorted list, or should. */
static int64_t find(const double *list, int64_t count, double value)
{
    int64_t low = 0, high = count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (list[middle] < value) low = middle + 1;
        else high = middle;
    }
    return low;
}

typedef struct classes {
    double *value; /* ascending */
    int64_t count, capacity;
    bool whole;    /* all targets seen were */
    int64_t odd;   /* else the first that was not */
} classes;

/* Add the targets of y until there are more than `most` different ones. */
static nrm_status collect(nrm_ctx *ctx, classes *c, const nrm_array *y, int64_t most)
{
    const double *value = y->data;
    const int64_t n = nrm_array_count(y);

    for (int64_t i = 0; i < n && c->whole && c->count <= most; i++) {
        if (!is_whole(value[i])) {
            c->whole = false;
            c->odd = i;
            break;
        }
        const int64_t at = find(c->value, c->count, value[i]);
        if (at < c->count && c->value[at] == value[i]) continue;
        NRM_TRY(nrm_grow(ctx, &c->value, &c->capacity, c->count + 1, sizeof *c->value, "classes"));
        memmove(c->value + at + 1, c->value + at, (size_t)(c->count - at) * sizeof *c->value);
        c->value[at] = value[i];
        c->count++;
    }
    return NRM_OK;
}

static bool is_single(const nrm_array *y) { return y->ndim == 1 || y->shape[1] == 1; }

static nrm_status find_classes(nrm_ctx *ctx, nrm_dataset *d, nrm_target target, const nrm_array *training,
                               const nrm_array *validation)
{
    const int64_t most = target == NRM_TARGET_AUTO ? AUTO_CLASSES_MOST : NRM_CLASSES_MOST;
    const int64_t n = training->shape[0] + (validation ? validation->shape[0] : 0);
    classes c = {.whole = true};
    nrm_status st;

    NRM_TRY_DONE(collect(ctx, &c, training, most));
    if (validation) NRM_TRY_DONE(collect(ctx, &c, validation, most));
    if (target == NRM_TARGET_AUTO && (!c.whole || c.count > most || c.count * AUTO_EXAMPLES_LEAST > n)) {
        d->values = 1;
        goto done;
    }
    NRM_STOP_IF(!c.whole, NRM_E_RANGE, "%s: target %lld (from 0) is not whole; labels of classes are whole numbers: use "
                "target value", d->name, NRM_LL(c.odd));
    NRM_STOP_IF(c.count > most, NRM_E_RANGE, "%s: has more than %lld different targets; that many classes are the most: use "
                "target value", d->name, NRM_LL(most));
    d->classes = c.count;
    d->class_value = c.value;
    c.value = NULL;
done:
    nrm_free(ctx, c.value);
    return st;
}

/* The labels of images, from 0: the largest says how many classes there are. */
static nrm_status find_labels(nrm_ctx *ctx, nrm_dataset *d, const nrm_array *training, const nrm_array *validation)
{
    const nrm_array *both[] = {training, validation};
    double largest = 0;

    for (int p = 0; p < 2 && both[p]; p++)
        for (int64_t i = 0; i < nrm_array_count(both[p]); i++) {
            const double value = ((const double *)both[p]->data)[i];
            NRM_REQUIRE(ctx, is_whole(value) && value >= 0 && value < NRM_CLASSES_MOST, NRM_E_RANGE,
                        "%s: the label of image %lld (from 0) is %g; labels are whole numbers from 0 to %d", d->name,
                        NRM_LL(i), value, NRM_CLASSES_MOST - 1);
            largest = value > largest ? value : largest;
        }
    d->classes = (int64_t)largest + 1;
    return NRM_OK;
}

nrm_status nrm_dataset_find_targets(nrm_ctx *ctx, nrm_dataset *d, nrm_target target, const nrm_array *training,
                                    const nrm_array *validation)
{
    const int64_t columns = nrm_array_count(training) / training->shape[0];

    NRM_REQUIRE(ctx, !validation || nrm_array_count(validation) / validation->shape[0] == columns, NRM_E_SHAPE,
                "%s: the two parts differ in the number of targets of an example", d->name);
    const bool known = d->classes > 0 || d->values > 0;
    if (known) {
        const int64_t wanted = d->classes > 0 ? 1 : d->values;
        NRM_REQUIRE(ctx, columns == wanted, NRM_E_SHAPE, "%s: an example has %lld targets; the training data have %lld",
                    d->name, NRM_LL(columns), NRM_LL(wanted));
        return NRM_OK;
    }
    NRM_REQUIRE(ctx, is_single(training) || (d->kind == NRM_DATASET_TABLE && target != NRM_TARGET_CLASS), NRM_E_SHAPE,
                "%s: an example has %lld targets; a class is one number", d->name, NRM_LL(columns));
    if (d->kind == NRM_DATASET_IMAGES) return find_labels(ctx, d, training, validation);
    if (target != NRM_TARGET_VALUE && is_single(training)) return find_classes(ctx, d, target, training, validation);
    d->values = columns;
    return NRM_OK;
}

static nrm_status label_of(nrm_ctx *ctx, const nrm_dataset *d, double value, int64_t row, int64_t *label)
{
    if (d->class_value) {
        *label = find(d->class_value, d->classes, value);
        NRM_REQUIRE(ctx, *label < d->classes && d->class_value[*label] == value, NRM_E_RANGE,
                    "%s: the target of row %lld (from 0) is %g, which is none of the %lld classes of the training data",
                    d->name, NRM_LL(row), value, NRM_LL(d->classes));
        return NRM_OK;
    }
    NRM_REQUIRE(ctx, is_whole(value) && value >= 0 && value < (double)d->classes, NRM_E_RANGE,
                "%s: the label of image %lld (from 0) is %g; labels are whole numbers from 0 to %lld", d->name, NRM_LL(row),
                value, NRM_LL(d->classes - 1));
    *label = (int64_t)value;
    return NRM_OK;
}

nrm_status nrm_dataset_fill_targets(nrm_ctx *ctx, nrm_dataset *d, nrm_part *part, const nrm_array *y,
                                    const int64_t *rows)
{
    const double *value = y->data;

    if (d->classes > 0) {
        NRM_TRY(NRM_ALLOC(ctx, part->labels, part->count, "labels"));
        for (int64_t i = 0; i < part->count; i++) NRM_TRY(label_of(ctx, d, value[rows[i]], rows[i], &part->labels[i]));
        return NRM_OK;
    }
    NRM_TRY(NRM_ALLOC(ctx, part->values, part->count * d->values, "targets"));
    for (int64_t i = 0; i < part->count; i++)
        for (int64_t k = 0; k < d->values; k++) part->values[i * d->values + k] = (float)value[rows[i] * d->values + k];
    return NRM_OK;
}
