/* stream.c -- the common part of a stream object: life, absorb, query, merge.
 * Contract: stream.h and norma/top_eigenvector.h. */
#include "stream.h"

static const nrm_engine *engine_of(int algorithm)
{
    switch (algorithm) {
    case NRM_TOP_EIGENVECTOR_HEAVY_LIGHT:
    case NRM_TOP_EIGENVECTOR_BLOCK_POWER: return &nrm_engine_heavy_light;
    case NRM_TOP_EIGENVECTOR_OJA: return &nrm_engine_oja;
    case NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE: return &nrm_engine_oja_adaptive;
    case NRM_TOP_EIGENVECTOR_FREQUENT_DIRECTIONS: return &nrm_engine_frequent_directions;
    case NRM_TOP_EIGENVECTOR_EXACT: return &nrm_engine_exact;
    default: return NULL;
    }
}

/* Every 0 that stands for a rule becomes the rule's number. */
static void resolve(nrm_top_eigenvector_options *o, int64_t columns)
{
    const double d = (double)columns, logarithm = log(fmax(d, 3));

    if (o->blocks == 0) o->blocks = nrm_max_i64(4, (int64_t)ceil(log2(d)));
    if (o->first_block == 0) o->first_block = nrm_max_i64(64, columns > INT64_MAX / 2 ? columns : 2 * columns);
    if (o->theta == 0) o->theta = fmin(1, 1 / (d * logarithm * logarithm));
    if (o->sketch_rows == 0) o->sketch_rows = o->width + o->stored_rows / 2;
    o->sketch_rows = nrm_max_i64(o->sketch_rows, 2); /* the sketch keeps one row less when it shrinks */
}

nrm_status nrm_stream_alloc(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, void *place, int64_t count,
                            int64_t columns, const char *what)
{
    int64_t numbers;

    NRM_REQUIRE(ctx, nrm_mul_size(count, columns, &numbers), NRM_E_OVERFLOW, NRM_TOP_EIGENVECTOR
                ": %lld x %lld numbers for %s overflow", NRM_LL(count), NRM_LL(columns), what);
    NRM_TRY(nrm_alloc_zeroed(ctx, place, numbers, sizeof(double), what));
    s->numbers += numbers;
    return NRM_OK;
}

nrm_status nrm_stream_make(nrm_ctx *ctx, nrm_top_eigenvector_stream **stream, int64_t columns,
                           const nrm_top_eigenvector_options *options, int64_t known_rows, uint64_t seed)
{
    nrm_top_eigenvector_stream *s;
    nrm_status st;

    NRM_REQUIRE(ctx, columns >= 1, NRM_E_SHAPE, NRM_TOP_EIGENVECTOR ": a has %lld columns; it must have at least "
                "one", NRM_LL(columns));
    NRM_REQUIRE(ctx, known_rows > 0 || options->schedule == NRM_TOP_EIGENVECTOR_DOUBLING ||
                (options->algorithm != NRM_TOP_EIGENVECTOR_HEAVY_LIGHT &&
                 options->algorithm != NRM_TOP_EIGENVECTOR_BLOCK_POWER), NRM_E_ARGUMENT, NRM_TOP_EIGENVECTOR
                ": schedule is equal and the number of rows is not known; give rows, or use schedule doubling");
    NRM_TRY(NRM_ALLOC_ZERO(ctx, s, 1, NRM_TOP_EIGENVECTOR));
    s->options = *options;
    resolve(&s->options, columns);
    s->engine = engine_of(options->algorithm);
    s->columns = columns;
    s->known_rows = known_rows;
    s->batch = nrm_batch_rows(options, columns);
    s->seed = seed;
    s->reservoir.capacity = options->audit_rows;
    s->reservoir.columns = columns;
    NRM_TRY_DONE(nrm_stream_alloc(ctx, s, &s->squares, s->batch, 1, NRM_TOP_EIGENVECTOR));
    NRM_TRY_DONE(nrm_stream_alloc(ctx, s, &s->reservoir.rows, options->audit_rows, columns, "the audit's rows"));
    NRM_TRY_DONE(nrm_stream_alloc(ctx, s, &s->reservoir.numbers, options->audit_rows, 1, NRM_TOP_EIGENVECTOR));
    NRM_TRY_DONE(s->engine->create(ctx, s));
    *stream = s;
done:
    if (st < 0) nrm_top_eigenvector_stream_destroy(ctx, s);
    return st;
}

nrm_status nrm_top_eigenvector_stream_create(nrm_ctx *ctx, nrm_top_eigenvector_stream **stream, int64_t columns,
                                             const nrm_top_eigenvector_options *options)
{
    nrm_top_eigenvector_options o;

    NRM_REQUIRE(ctx, stream, NRM_E_NULL, NRM_TOP_EIGENVECTOR ": the place for the stream is NULL");
    NRM_TRY(nrm_options_load(ctx, &nrm_top_eigenvector_method, options, &o));
    NRM_REQUIRE(ctx, o.algorithm != NRM_TOP_EIGENVECTOR_POWER && !o.residual, NRM_E_ARGUMENT, NRM_TOP_EIGENVECTOR
                ": %s needs the rows a second time and a stream object sees them once; call nrm_top_eigenvector",
                o.residual ? "residual" : "algorithm power");
    return nrm_stream_make(ctx, stream, columns, &o, o.rows, nrm_seed(ctx));
}

void nrm_top_eigenvector_stream_destroy(nrm_ctx *ctx, nrm_top_eigenvector_stream *s)
{
    if (!s) return;
    s->engine->destroy(ctx, s->state);
    nrm_reservoir_destroy(ctx, &s->reservoir);
    nrm_free(ctx, s->squares);
    nrm_free(ctx, s);
}

int64_t nrm_top_eigenvector_stream_rows(const nrm_top_eigenvector_stream *s) { return s ? s->rows : 0; }
int64_t nrm_top_eigenvector_stream_columns(const nrm_top_eigenvector_stream *s) { return s ? s->columns : 0; }

/* ---- Absorb ---------------------------------------------------------------------------------- */

static nrm_status check_block(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, const nrm_row_block *b)
{
    NRM_REQUIRE(ctx, b->count >= 0 && b->cols == s->columns, NRM_E_SHAPE, NRM_TOP_EIGENVECTOR
                ": a block of %lld x %lld; this stream's rows have %lld columns", NRM_LL(b->count), NRM_LL(b->cols),
                NRM_LL(s->columns));
    if (b->count == 0 || b->dense) return NRM_OK;
    NRM_REQUIRE(ctx, b->indptr && (b->indptr[b->count] == b->indptr[0] || (b->indices && b->values)), NRM_E_NULL,
                NRM_TOP_EIGENVECTOR ": a block has neither dense rows nor indptr, indices and values");
    for (int64_t i = 0; i < b->count; i++) {
        int64_t before = -1;
        for (int64_t e = b->indptr[i]; e < b->indptr[i + 1]; before = b->indices[e++])
            NRM_REQUIRE(ctx, b->indices[e] > before && b->indices[e] < b->cols, NRM_E_SHAPE, NRM_TOP_EIGENVECTOR
                        ": row %lld of a block names column %lld after %lld; columns rise within a row and lie in "
                        "0 .. %lld", NRM_LL(i), NRM_LL(b->indices[e]), NRM_LL(before), NRM_LL(b->cols - 1));
    }
    return NRM_OK;
}

/* The rows of a batch that are good go in, all of them or as many as the engine takes. */
static nrm_status absorb_batch(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, nrm_batch batch)
{
    int64_t good = 0, taken = 0;
    const nrm_status measured = nrm_batch_measure(ctx, &batch, s->squares, &good);

    batch.squares = s->squares;
    batch.count = good;
    double energy = s->energy;
    for (int64_t i = 0; i < good; i++) energy += s->squares[i];
    NRM_REQUIRE(ctx, isfinite(energy), NRM_E_OVERFLOW, NRM_TOP_EIGENVECTOR ": the sum of all squares overflows near "
                "row %lld; scale a down", NRM_LL(s->rows));
    const nrm_status st = s->engine->absorb(ctx, s, &batch, &taken);
    batch.count = taken;
    for (int64_t i = 0; i < taken; i++) {
        s->energy += s->squares[i];
        s->largest = fmax(s->largest, s->squares[i]);
    }
    nrm_reservoir_absorb(&s->reservoir, s->seed, &batch);
    s->rows += taken;
    return st < 0 ? st : measured;
}

nrm_status nrm_top_eigenvector_stream_absorb(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const nrm_row_block *block)
{
    NRM_REQUIRE(ctx, s && block, NRM_E_NULL, NRM_TOP_EIGENVECTOR ": stream and block must not be NULL");
    NRM_TRY(check_block(ctx, s, block));
    const nrm_batch all = {s->rows, block->count, s->columns, block->dense, block->indptr, block->indices,
                           block->values, NULL};
    for (int64_t i = 0; i < block->count; i += s->batch) {
        const double total = s->known_rows > 0 ? (double)s->known_rows : -1;
        if (nrm_tick(ctx, NRM_TOP_EIGENVECTOR, (double)s->rows, total, NULL, (double)NAN))
            return nrm_fail(ctx, NRM_E_CANCELLED, NRM_TOP_EIGENVECTOR ": stopped on request after %lld rows",
                            NRM_LL(s->rows));
        NRM_TRY(absorb_batch(ctx, s, nrm_batch_part(&all, i, nrm_min_i64(s->batch, block->count - i))));
    }
    return NRM_OK;
}

/* ---- Query ----------------------------------------------------------------------------------- */

bool nrm_unit(double *v, int64_t n)
{
    int64_t largest = 0;
    double sum = 0;

    for (int64_t j = 1; j < n; j++)
        if (fabs(v[j]) > fabs(v[largest])) largest = j;
    const double scale = v[largest]; /* its sign too: the largest entry comes out positive */
    if (scale == 0 || !isfinite(scale)) return false;
    for (int64_t j = 0; j < n; j++) sum += (v[j] / scale) * (v[j] / scale);
    for (int64_t j = 0; j < n; j++) v[j] = v[j] / scale / sqrt(sum);
    return true;
}

void nrm_info_clear(nrm_top_eigenvector_info *info)
{
    *info = (nrm_top_eigenvector_info){0};
    info->eigenvalue = info->gap = info->rate = info->growth = info->order_projection = info->order_length =
        info->lost = info->audit = info->audit_low = info->audit_high = info->exact_eigenvalue = info->residual = (double)NAN;
}

void nrm_info_gap(nrm_top_eigenvector_info *info, double first, double second)
{
    info->eigenvalue = first;
    info->gap = second > 0 ? fmax(first / second, 1) : (double)INFINITY;
    info->gap_too_small = info->gap < 1.2;
}

static void audit(const nrm_top_eigenvector_stream *s, const double *v, nrm_top_eigenvector_info *info)
{
    const nrm_ordered_kernels *kernels = nrm_ordered_kernels_for(nrm_cpu_isa());
    const int64_t *numbers = NULL;
    const double *rows = NULL;
    const int64_t count = s->engine->exact_rows ? s->engine->exact_rows(s, &numbers, &rows) : 0;
    double known = 0;

    for (int64_t i = 0; i < count; i++) {
        const double x = kernels->dot(s->columns, rows + i * s->columns, v);
        known += x * x;
    }
    nrm_reservoir_audit(&s->reservoir, v, known, numbers, count, info);
}

nrm_status nrm_top_eigenvector_stream_query(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, double *v,
                                            nrm_top_eigenvector_info *info)
{
    nrm_top_eigenvector_info found;
    double *u;
    nrm_status st;

    NRM_REQUIRE(ctx, s && v, NRM_E_NULL, NRM_TOP_EIGENVECTOR ": stream and v must not be NULL");
    NRM_REQUIRE(ctx, s->rows > 0, NRM_E_SHAPE, NRM_TOP_EIGENVECTOR ": a has no rows; give at least one");
    NRM_REQUIRE(ctx, s->largest > 0, NRM_E_SINGULAR, NRM_TOP_EIGENVECTOR ": all %lld rows are zero (or their squares "
                "underflow); no direction is better than another", NRM_LL(s->rows));
    nrm_info_clear(&found);
    found.rows = s->rows;
    found.columns = s->columns;
    found.stored_numbers = s->numbers;
    found.peak_numbers = s->numbers + s->columns;
    found.passes = 1;
    NRM_TRY(NRM_ALLOC(ctx, u, s->columns, NRM_TOP_EIGENVECTOR));
    NRM_TRY_DONE(s->engine->query(ctx, s, u, &found));
    if (!nrm_unit(u, s->columns)) {
        st = nrm_fail(ctx, NRM_E_SINGULAR, NRM_TOP_EIGENVECTOR ": what was kept of %lld rows has no direction; give "
                      "more stored_rows or sketch_rows", NRM_LL(s->rows));
        goto done;
    }
    audit(s, u, &found);
    memcpy(v, u, (size_t)s->columns * sizeof *v);
    if (info) *info = found;
done:
    nrm_free(ctx, u);
    return st;
}

/* ---- Merge ----------------------------------------------------------------------------------- */

nrm_status nrm_top_eigenvector_stream_merge(nrm_ctx *ctx, nrm_top_eigenvector_stream *s,
                                            const nrm_top_eigenvector_stream *other)
{
    NRM_REQUIRE(ctx, s && other, NRM_E_NULL, NRM_TOP_EIGENVECTOR ": both streams must not be NULL");
    NRM_REQUIRE(ctx, s != other, NRM_E_ALIAS, NRM_TOP_EIGENVECTOR ": a stream cannot be merged with itself");
    const nrm_top_eigenvector_options *a = &s->options, *b = &other->options;
    NRM_REQUIRE(ctx, s->columns == other->columns && a->algorithm == b->algorithm && a->width == b->width &&
                a->stored_rows == b->stored_rows && a->sketch_rows == b->sketch_rows &&
                a->audit_rows == b->audit_rows, NRM_E_ARGUMENT, NRM_TOP_EIGENVECTOR ": the streams differ in columns, "
                "algorithm, width, stored_rows, sketch_rows or audit_rows; only like streams can be merged");
    NRM_REQUIRE(ctx, s->engine->merge, NRM_E_UNSUPPORTED, NRM_TOP_EIGENVECTOR ": %s depends on the order of the rows "
                "and cannot be merged; use heavy-light", s->engine->name);
    NRM_REQUIRE(ctx, isfinite(s->energy + other->energy), NRM_E_OVERFLOW, NRM_TOP_EIGENVECTOR ": the sum of all "
                "squares overflows; scale a down");
    NRM_TRY(s->engine->merge(ctx, s, other));
    nrm_reservoir_merge(&s->reservoir, &other->reservoir, s->seed);
    s->rows += other->rows;
    s->energy += other->energy;
    s->largest = fmax(s->largest, other->largest);
    return NRM_OK;
}
