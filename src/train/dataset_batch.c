/* dataset_batch.c -- which examples make a batch, and their numbers in the caller's memory.
 *
 * Text: batch number `step` takes windows that begin at random; the stream of random numbers
 * is that of the step.
 *
 * Images, tables: with n examples and batches of m, epoch e = step / (n / m) has an order of
 * its own, and the batch takes places (step mod n / m) m and on.  The order is a permutation
 * that is computed place by place, without a list: a Feistel network on the k bits of a place,
 *
 *     L ^= F(R, key 0),  R ^= F(L, key 1),  L ^= F(R, key 2), ...      eight rounds,
 *
 * is one-to-one on 0 .. 2^k - 1 whatever F is; where it leaves 0 .. n - 1 it is applied again
 * until it comes back, which takes less than two turns on the average as 2^k < 2 n.  (Black
 * and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002.)  So any batch can be
 * asked for at any time. */
#include "dataset_impl.h"

enum { ROUNDS = 8 };

static const char *const part_word[NRM_PARTS] = {"training", "validation"};

/* ---- Orders ------------------------------------------------------------------------------------------------------ */

typedef struct order {
    int64_t count;
    int left, right; /* bits of the halves */
    uint64_t key[ROUNDS];
} order;

static order order_of_epoch(int64_t count, uint64_t seed, int64_t epoch)
{
    nrm_rng rng = nrm_rng_make(seed, NRM_STREAM_EPOCH | (uint64_t)epoch);
    order o = {.count = count};
    int bits = 2;

    while (bits < 62 && INT64_C(1) << bits < count) bits++;
    o.left = bits / 2;
    o.right = bits - o.left;
    for (int r = 0; r < ROUNDS; r++) o.key[r] = nrm_rng_u64(&rng);
    return o;
}

/* The finaliser of splitmix64 on a keyed half, its high bits. */
static uint64_t mix(uint64_t half, uint64_t key, int bits)
{
    uint64_t z = (half + 1) * UINT64_C(0x9E3779B97F4A7C15) ^ key;
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (z ^ z >> 31) >> (64 - bits);
}

static int64_t order_at(const order *o, int64_t place)
{
    uint64_t x = (uint64_t)place;
    do {
        uint64_t left = x >> o->right, right = x & ((UINT64_C(1) << o->right) - 1);
        for (int r = 0; r < ROUNDS; r += 2) {
            left ^= mix(right, o->key[r], o->left);
            right ^= mix(left, o->key[r + 1], o->right);
        }
        x = left << o->right | right;
    } while (x >= (uint64_t)o->count);
    return (int64_t)x;
}

/* ---- Checks ------------------------------------------------------------------------------------------------------- */

static nrm_status check_part(nrm_ctx *ctx, const nrm_dataset *d, nrm_dataset_part part)
{
    NRM_REQUIRE(ctx, d, NRM_E_NULL, "data: data must not be NULL");
    NRM_REQUIRE(ctx, part == NRM_TRAINING || part == NRM_VALIDATION, NRM_E_ARGUMENT, "data: part %d is none", (int)part);
    NRM_REQUIRE(ctx, d->part[part].count > 0, NRM_E_RANGE, "data: %s has no validation part; give a validation_fraction "
                "above 0, or a file to validate on", d->name);
    return NRM_OK;
}

static nrm_status check_batch(nrm_ctx *ctx, const nrm_dataset *d, const nrm_batch *b)
{
    NRM_REQUIRE(ctx, b, NRM_E_NULL, "data: batch must not be NULL");
    NRM_REQUIRE(ctx, b->rows >= 1, NRM_E_RANGE, "data: a batch has %lld rows; at least one is expected", NRM_LL(b->rows));
    const bool text = d->kind == NRM_DATASET_TEXT;
    NRM_REQUIRE(ctx, (text ? b->tokens != NULL : b->features != NULL) && (d->values > 0 ? b->values != NULL : b->labels != NULL),
                NRM_E_NULL, "data: a batch of this data set needs memory for %s and %s", text ? "tokens" : "features",
                d->values > 0 ? "values" : "labels");
    return NRM_OK;
}

/* Places where a window may begin, or examples. */
static int64_t choices(const nrm_dataset *d, nrm_dataset_part part)
{
    return d->kind == NRM_DATASET_TEXT ? d->part[part].count - d->context : d->part[part].count;
}

/* ---- Numbers ------------------------------------------------------------------------------------------------------ */

/* A window of `length` tokens, at most the context, and those that follow each. */
static void put_window(const nrm_dataset *d, const nrm_part *p, int64_t start, int64_t length, int64_t row,
                       const nrm_batch *b)
{
    const nrm_token *from = p->tokens + start;
    int64_t *tokens = b->tokens + row * d->context, *labels = b->labels + row * d->context;

    for (int64_t i = 0; i < length; i++) {
        tokens[i] = from[i];
        labels[i] = from[i + 1];
    }
    for (int64_t i = length; i < d->context; i++) {
        tokens[i] = 0;
        labels[i] = NRM_LABEL_IGNORED;
    }
}

/* (v / 255 - mean) / scale of bytes v, as one product and one sum that compilers make vectors of. */
static void put_bytes(const nrm_dataset *d, const nrm_part *p, const int64_t *indices, int64_t count, const nrm_batch *b)
{
    const int64_t width = d->features, block = width / d->blocks;

    for (int64_t c = 0; c < d->blocks; c++) {
        const float factor = (float)(1 / (255 * d->scale[c])), shift = (float)(-d->mean[c] / d->scale[c]);
        for (int64_t i = 0; i < count; i++) {
            const uint8_t *restrict from = p->bytes + indices[i] * width + c * block;
            float *restrict to = b->features + i * width + c * block;
            for (int64_t j = 0; j < block; j++) to[j] = (float)from[j] * factor + shift;
        }
    }
}

static void put_examples(const nrm_dataset *d, const nrm_part *p, const int64_t *indices, int64_t count,
                         const nrm_batch *b)
{
    const int64_t width = d->features, k = d->values;

    if (p->bytes) put_bytes(d, p, indices, count, b);
    for (int64_t i = 0; i < count; i++) {
        const int64_t row = indices[i];
        if (p->features) memcpy(b->features + i * width, p->features + row * width, (size_t)width * sizeof(float));
        if (p->labels) b->labels[i] = p->labels[row];
        else memcpy(b->values + i * k, p->values + row * k, (size_t)k * sizeof(float));
    }
}

/* ---- Batches ------------------------------------------------------------------------------------------------------ */

static void find_rows(const nrm_dataset *d, nrm_dataset_part part, uint64_t seed, int64_t step, int64_t rows,
                      int64_t *indices)
{
    const int64_t n = choices(d, part);

    if (d->kind == NRM_DATASET_TEXT) {
        nrm_rng rng = nrm_rng_make(seed, NRM_STREAM_WINDOWS | (uint64_t)step);
        for (int64_t i = 0; i < rows; i++) indices[i] = nrm_rng_below(&rng, n);
        return;
    }
    const int64_t batches = n / rows;
    const order o = order_of_epoch(n, seed, step / batches);
    for (int64_t i = 0; i < rows; i++) indices[i] = order_at(&o, step % batches * rows + i);
}

static nrm_status check_order(nrm_ctx *ctx, const nrm_dataset *d, nrm_dataset_part part, int64_t step, int64_t rows)
{
    NRM_TRY(check_part(ctx, d, part));
    NRM_REQUIRE(ctx, step >= 0 && step < INT64_C(1) << 48, NRM_E_RANGE, "data: step is %lld; it must be 0 to 2^48 - 1",
                NRM_LL(step));
    NRM_REQUIRE(ctx, rows >= 1 && rows <= choices(d, part), NRM_E_RANGE,
                "data: a batch of %lld is asked for, but the %s part of %s has %lld %s: use a smaller batch or more data",
                NRM_LL(rows), part_word[part], d->name, NRM_LL(choices(d, part)),
                d->kind == NRM_DATASET_TEXT ? "windows" : "examples");
    return NRM_OK;
}

nrm_status nrm_dataset_order(nrm_ctx *ctx, const nrm_dataset *d, nrm_dataset_part part, uint64_t seed, int64_t step,
                             int64_t rows, int64_t *indices)
{
    NRM_TRY(check_order(ctx, d, part, step, rows));
    NRM_REQUIRE(ctx, indices, NRM_E_NULL, "data: indices must not be NULL");
    find_rows(d, part, seed, step, rows, indices);
    return NRM_OK;
}

/* Indices that are sound, to numbers. */
static void put(const nrm_dataset *d, nrm_dataset_part part, const int64_t *indices, const nrm_batch *b)
{
    const nrm_part *p = &d->part[part];
    if (d->kind == NRM_DATASET_TEXT)
        for (int64_t i = 0; i < b->rows; i++) put_window(d, p, indices[i], d->context, i, b);
    else put_examples(d, p, indices, b->rows, b);
}

nrm_status nrm_dataset_batch(nrm_ctx *ctx, const nrm_dataset *d, nrm_dataset_part part, uint64_t seed, int64_t step,
                             const nrm_batch *b)
{
    enum { SMALL = 512 };
    int64_t few[SMALL], *indices = few;

    NRM_REQUIRE(ctx, b, NRM_E_NULL, "data: batch must not be NULL");
    NRM_TRY(check_order(ctx, d, part, step, b->rows));
    NRM_TRY(check_batch(ctx, d, b));
    if (b->rows > SMALL) NRM_TRY(NRM_ALLOC(ctx, indices, b->rows, "the order of a batch"));
    find_rows(d, part, seed, step, b->rows, indices);
    put(d, part, indices, b);
    if (indices != few) nrm_free(ctx, indices);
    return NRM_OK;
}

nrm_status nrm_dataset_pick(nrm_ctx *ctx, const nrm_dataset *d, nrm_dataset_part part, const int64_t *indices,
                            const nrm_batch *b)
{
    NRM_TRY(check_part(ctx, d, part));
    NRM_TRY(check_batch(ctx, d, b));
    NRM_REQUIRE(ctx, indices, NRM_E_NULL, "data: indices must not be NULL");
    for (int64_t i = 0; i < b->rows; i++)
        NRM_REQUIRE(ctx, indices[i] >= 0 && indices[i] < choices(d, part), NRM_E_RANGE,
                    "data: index %lld is %lld; the %s part of %s has %s 0 to %lld", NRM_LL(i), NRM_LL(indices[i]),
                    part_word[part], d->name, d->kind == NRM_DATASET_TEXT ? "windows" : "examples",
                    NRM_LL(choices(d, part) - 1));
    put(d, part, indices, b);
    return NRM_OK;
}

/* ---- Sweeps ------------------------------------------------------------------------------------------------------- */

/* Windows that do not overlap, or examples. */
static int64_t examples_in_order(const nrm_dataset *d, nrm_dataset_part part)
{
    const int64_t n = d->part[part].count;
    if (d->kind != NRM_DATASET_TEXT) return n;
    return n < 2 ? 0 : (n - 1) / d->context + ((n - 1) % d->context > 0);
}

int64_t nrm_dataset_sweeps(const nrm_dataset *d, nrm_dataset_part part, int64_t rows)
{
    if (!d || (unsigned)part >= NRM_PARTS || rows < 1) return 0;
    const int64_t n = examples_in_order(d, part);
    return n / rows + (n % rows > 0);
}

/* Row `row` of a batch beyond the last example. */
static void put_nothing(const nrm_dataset *d, int64_t row, const nrm_batch *b)
{
    if (d->kind == NRM_DATASET_TEXT) {
        put_window(d, &d->part[NRM_TRAINING], 0, 0, row, b);
        return;
    }
    memset(b->features + row * d->features, 0, (size_t)d->features * sizeof(float));
    if (d->values > 0) memset(b->values + row * d->values, 0, (size_t)d->values * sizeof(float));
    else b->labels[row] = NRM_LABEL_IGNORED;
}

nrm_status nrm_dataset_sweep(nrm_ctx *ctx, const nrm_dataset *d, nrm_dataset_part part, int64_t number,
                             const nrm_batch *b, int64_t *count)
{
    NRM_TRY(check_part(ctx, d, part));
    NRM_TRY(check_batch(ctx, d, b));
    NRM_REQUIRE(ctx, count, NRM_E_NULL, "data: count must not be NULL");
    const int64_t sweeps = nrm_dataset_sweeps(d, part, b->rows), all = examples_in_order(d, part);
    NRM_REQUIRE(ctx, number >= 0 && number < sweeps, NRM_E_RANGE, "data: sweep %lld is asked for; there are 0 to %lld",
                NRM_LL(number), NRM_LL(sweeps - 1));
    const nrm_part *p = &d->part[part];
    const int64_t first = number * b->rows, real = nrm_min_i64(b->rows, all - first);

    for (int64_t i = 0; i < real; i++) {
        const int64_t at = first + i;
        nrm_batch row = {.rows = 1, .features = b->features ? b->features + i * d->features : NULL,
                         .labels = b->labels ? b->labels + i : NULL, .values = b->values ? b->values + i * d->values : NULL};
        if (d->kind == NRM_DATASET_TEXT)
            put_window(d, p, at * d->context, nrm_min_i64(d->context, p->count - 1 - at * d->context), i, b);
        else put_examples(d, p, &at, 1, &row);
    }
    for (int64_t i = real; i < b->rows; i++) put_nothing(d, i, b);
    *count = real;
    return NRM_OK;
}
