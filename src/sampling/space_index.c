/* space_index.c -- index sets of product functions.  Contract: space_parts.h.
 *
 * The sets are downward closed: an odometer whose last coordinate turns fastest, set back to 0
 * where it would leave the set, meets every index once, in lexicographic order.  A counting sort
 * by the sum of orders follows; frequency l of fourier has the order l at the indices 2l - 1, 2l,
 * of which the smaller comes first. */
#include "space_parts.h"

enum { MOST = 1 << 20 }; /* functions of a space */

static int64_t order_of(const nrm_axis *axis, int64_t alpha)
{
    return axis->is.family == NRM_FAMILY_FOURIER ? (alpha + 1) / 2 : alpha;
}

static bool within(int set, int64_t degree, int64_t dimension, const nrm_axis *axis, const int64_t *alpha)
{
    int64_t left = set == NRM_SPACE_HYPERBOLIC ? degree + 1 : degree;

    for (int64_t i = 0; i < dimension; i++) {
        const int64_t order = order_of(&axis[i], alpha[i]);
        if (order > degree) return false;
        if (set == NRM_SPACE_TOTAL && (left -= order) < 0) return false;
        if (set == NRM_SPACE_HYPERBOLIC && (left /= order + 1) < 1) return false; /* floors of floors */
    }
    return true;
}

/* The next index of the set after alpha; false after the last. */
static bool turn(int set, int64_t degree, int64_t dimension, const nrm_axis *axis, int64_t *alpha)
{
    for (int64_t i = dimension - 1; i >= 0; i--) {
        alpha[i]++;
        if (within(set, degree, dimension, axis, alpha)) return true;
        alpha[i] = 0;
    }
    return false;
}

static int64_t total_order(const nrm_axis *axis, int64_t dimension, const int64_t *alpha)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < dimension; i++) sum += order_of(&axis[i], alpha[i]);
    return sum;
}

/* By rising order; of equal ones the lexicographically last first, sines and cosines exchanged. */
static nrm_status sort(nrm_ctx *ctx, const char *who, int64_t m, int64_t dimension, const nrm_axis *axis, const int64_t *from,
                       int64_t *to)
{
    int64_t highest = 0, *place;

    for (int64_t j = 0; j < m; j++) highest = nrm_max_i64(highest, total_order(axis, dimension, from + j * dimension));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, place, highest + 2, who));
    for (int64_t j = 0; j < m; j++) place[total_order(axis, dimension, from + j * dimension) + 1]++;
    for (int64_t t = 0; t < highest; t++) place[t + 1] += place[t];
    for (int64_t j = m - 1; j >= 0; j--) {
        const int64_t *alpha = from + j * dimension;
        int64_t *row = to + place[total_order(axis, dimension, alpha)]++ * dimension;
        for (int64_t i = 0; i < dimension; i++)
            row[i] = axis[i].is.family == NRM_FAMILY_FOURIER && alpha[i] > 0 ? (alpha[i] % 2 ? alpha[i] + 1 : alpha[i] - 1) : alpha[i];
    }
    nrm_free(ctx, place);
    return NRM_OK;
}

nrm_status nrm_index_set(nrm_ctx *ctx, const char *who, int set, int64_t degree, int64_t dimension, const nrm_axis *axis,
                         int64_t **index, int64_t *m)
{
    int64_t *alpha = NULL, *found = NULL, *sorted = NULL, capacity = 0, count = 0;
    nrm_status st;

    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, alpha, dimension, who));
    do {
        NRM_STOP_IF(count == MOST, NRM_E_RANGE,
                    "%s: degree %lld in %lld coordinates spans more than %d functions; lower it, or take the index set %s", who,
                    NRM_LL(degree), NRM_LL(dimension), MOST, set == NRM_SPACE_HYPERBOLIC ? "as a list" : "hyperbolic");
        NRM_TRY_DONE(nrm_grow(ctx, &found, &capacity, (count + 1) * dimension, sizeof *found, who));
        memcpy(found + count++ * dimension, alpha, (size_t)dimension * sizeof *alpha);
        if (count % 4096 == 0)
            NRM_STOP_IF(nrm_tick(ctx, "index set", (double)count, -1, NULL, NAN), NRM_E_CANCELLED, "%s: stopped on request", who);
    } while (turn(set, degree, dimension, axis, alpha));
    NRM_TRY_DONE(NRM_ALLOC(ctx, sorted, count * dimension, who));
    NRM_TRY_DONE(sort(ctx, who, count, dimension, axis, found, sorted));
    *index = sorted;
    sorted = NULL;
    *m = count;
done:
    nrm_free(ctx, alpha);
    nrm_free(ctx, found);
    nrm_free(ctx, sorted);
    return st;
}

/* ---- A list ---------------------------------------------------------------------------------------- */

/* The number of an earlier row equal to row j, or -1; table: places for the numbers of rows + 1. */
static int64_t seen_before(const int64_t *index, int64_t dimension, int64_t j, int64_t *table, int64_t places)
{
    const size_t bytes = (size_t)dimension * sizeof *index;
    uint64_t at = nrm_hash(NRM_HASH_START, index + j * dimension, bytes) & (uint64_t)(places - 1);

    for (; table[at] > 0; at = (at + 1) & (uint64_t)(places - 1))
        if (memcmp(index + (table[at] - 1) * dimension, index + j * dimension, bytes) == 0) return table[at] - 1;
    table[at] = j + 1;
    return -1;
}

static nrm_status check_duplicates(nrm_ctx *ctx, const char *who, int64_t m, int64_t dimension, const int64_t *index)
{
    int64_t places = 4, *table, before = -1, j = 0;

    while (places < 2 * m) places *= 2;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, table, places, who));
    for (; j < m && before < 0; j++) before = seen_before(index, dimension, j, table, places);
    nrm_free(ctx, table);
    NRM_REQUIRE(ctx, before < 0, NRM_E_ARGUMENT, "%s: row %lld of indices is the same as row %lld; every index must be there once", who,
                NRM_LL(j - 1), NRM_LL(before));
    return NRM_OK;
}

nrm_status nrm_index_list(nrm_ctx *ctx, const char *who, const nrm_space_input *input, int64_t **index, int64_t *m)
{
    const int64_t count = input->index_count, d = input->index_columns;
    int64_t *made;

    NRM_REQUIRE(ctx, input->indices, NRM_E_NULL, "%s: indices is NULL, but it has %lld rows", who, NRM_LL(count));
    NRM_REQUIRE(ctx, count >= 1 && count <= MOST && d >= 1, NRM_E_SHAPE, "%s: indices is %lld x %lld; it must have 1 to %d rows", who,
                NRM_LL(count), NRM_LL(d), MOST);
    for (int64_t i = 0; i < count * d; i++)
        NRM_REQUIRE(ctx, input->indices[i] >= 0 && input->indices[i] <= 2000000, NRM_E_RANGE,
                    "%s: indices[%lld,%lld] is %lld; a degree must be 0 to 2000000", who, NRM_LL(i / d), NRM_LL(i % d),
                    NRM_LL(input->indices[i]));
    NRM_TRY(check_duplicates(ctx, who, count, d, input->indices));
    NRM_TRY(NRM_ALLOC(ctx, made, count * d, who));
    memcpy(made, input->indices, (size_t)(count * d) * sizeof *made);
    *index = made;
    *m = count;
    return NRM_OK;
}

nrm_status nrm_index_buckets(nrm_ctx *ctx, const char *who, int64_t m, int64_t dimension, int64_t i, const int64_t *index,
                             nrm_axis *axis)
{
    const int64_t most = axis->most;

    NRM_TRY(NRM_ALLOC_ZERO(ctx, axis->start, most + 3, who));
    NRM_TRY(NRM_ALLOC(ctx, axis->member, m, who));
    for (int64_t j = 0; j < m; j++) axis->start[index[j * dimension + i] + 2]++;
    for (int64_t k = 1; k < most + 2; k++) axis->start[k + 1] += axis->start[k];
    for (int64_t j = 0; j < m; j++) axis->member[axis->start[index[j * dimension + i] + 1]++] = j;
    return NRM_OK;
}
