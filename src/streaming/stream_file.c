/* stream_file.c -- a stream object to a file and back.  Contract: norma/top_eigenvector.h.
 *
 * The file is a bundle of named arrays (npz or safetensors):
 *     header   i64  version, columns, rows, known rows, seed, rows seen by the audit
 *     options  f64  the parameters in the order of their list (all are exact in f64)
 *     totals   f64  sum of |a|^2, largest |a|^2
 *     audit_rows, audit_numbers, and the engine's own fields.
 * A file is not to be trusted: shapes, ranges, finiteness and the counts that memory
 * accesses depend on are checked before the stream is handed out. */
#include "stream.h"

enum { VERSION = 1, HEADER = 6, TOTALS = 2 };

#define COUNT_OPTION(...) +1
enum { OPTIONS = 0 NRM_TOP_EIGENVECTOR_OPTIONS(COUNT_OPTION) };

void nrm_state_add(nrm_state_fields *f, const char *name, nrm_dtype dtype, int64_t count, const void *data)
{
    /* load writes through data, and only to streams of its own */
    f->field[f->count++] = (nrm_state_field){name, dtype, count, (void *)(uintptr_t)data};
}

typedef struct parts {
    int64_t header[HEADER];
    double options[OPTIONS], totals[TOTALS];
} parts;

static void list_fields(const nrm_top_eigenvector_stream *s, const parts *p, nrm_state_fields *f)
{
    f->count = 0;
    nrm_state_add(f, "header", NRM_I64, HEADER, p->header);
    nrm_state_add(f, "options", NRM_F64, OPTIONS, p->options);
    nrm_state_add(f, "totals", NRM_F64, TOTALS, p->totals);
    if (!s) return;
    nrm_state_add(f, "audit_rows", NRM_F64, s->reservoir.capacity * s->columns, s->reservoir.rows);
    nrm_state_add(f, "audit_numbers", NRM_I64, s->reservoir.capacity, s->reservoir.numbers);
    s->engine->fields(s, f);
}

nrm_status nrm_top_eigenvector_stream_save(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, const char *path)
{
    nrm_state_fields fields;
    nrm_named items[NRM_STATE_FIELDS];
    parts p;
    int64_t seed, i = 0;

    NRM_REQUIRE(ctx, s && path, NRM_E_NULL, NRM_TOP_EIGENVECTOR ": stream and path must not be NULL");
    memcpy(&seed, &s->seed, sizeof seed);
    memcpy(p.header, (int64_t[HEADER]){VERSION, s->columns, s->rows, s->known_rows, seed, s->reservoir.seen},
           sizeof p.header);
    p.totals[0] = s->energy;
    p.totals[1] = s->largest;
#define PUT_OPTION(kind, name, ...) p.options[i++] = (double)s->options.name;
    NRM_TOP_EIGENVECTOR_OPTIONS(PUT_OPTION)
    list_fields(s, &p, &fields);
    for (int f = 0; f < fields.count; f++) {
        const nrm_state_field *field = &fields.field[f];
        items[f].name = (char *)(uintptr_t)field->name;
        NRM_TRY(nrm_array_view(ctx, &items[f].array, field->dtype, 1, &field->count, field->data));
    }
    return nrm_save_bundle(ctx, path, &(nrm_bundle){items, fields.count});
}

/* ---- Load -------------------------------------------------------------------------------------- */

/* Copy the named arrays of a bundle to where the fields are. */
static nrm_status read_fields(nrm_ctx *ctx, const nrm_bundle *bundle, const char *path, nrm_state_fields *fields)
{
    for (int f = 0; f < fields->count; f++) {
        const nrm_state_field *field = &fields->field[f];
        const nrm_array *a = NULL;
        int64_t where;

        for (int64_t i = 0; i < bundle->count; i++)
            if (strcmp(bundle->items[i].name, field->name) == 0) a = &bundle->items[i].array;
        NRM_REQUIRE(ctx, a && a->dtype == field->dtype && a->ndim == 1 && a->shape[0] == field->count, NRM_E_FORMAT,
                    NRM_TOP_EIGENVECTOR ": %s has no array \"%s\" of %lld %s numbers; it was not written by save, or "
                    "by another version", path, field->name, NRM_LL(field->count), nrm_dtype_name(field->dtype));
        NRM_REQUIRE(ctx, a->dtype != NRM_F64 || nrm_all_finite_f64(a->data, field->count, &where), NRM_E_FORMAT,
                    NRM_TOP_EIGENVECTOR ": %s holds NaN or Inf in \"%s\"; the file is damaged", path, field->name);
        memcpy(field->data, a->data, (size_t)field->count * nrm_dtype_size(field->dtype));
    }
    return NRM_OK;
}

/* Every option as it was stored: a whole number unless it is an f64. */
static bool whole(double x) { return fabs(x) <= 0x1p53 && x == floor(x); }

static nrm_status read_options(nrm_ctx *ctx, const parts *p, const char *path, nrm_top_eigenvector_options *options)
{
    nrm_top_eigenvector_options o = nrm_top_eigenvector_options_default();
    int64_t i = 0;
    bool good = true;

#define KIND_f64(name) o.name = p->options[i];
#define KIND_i64(name) good = good && whole(p->options[i]); if (good) o.name = (int64_t)p->options[i];
#define KIND_choice(name) good = good && fabs(p->options[i]) < 100; if (good) o.name = (int)p->options[i];
#define KIND_flag(name) o.name = p->options[i] != 0;
#define GET_OPTION(kind, name, ...) KIND_##kind(name) i++;
    NRM_TOP_EIGENVECTOR_OPTIONS(GET_OPTION)
    NRM_REQUIRE(ctx, good && o.algorithm != NRM_TOP_EIGENVECTOR_POWER, NRM_E_FORMAT, NRM_TOP_EIGENVECTOR
                ": %s holds parameters that no stream has; the file is damaged", path);
    if (nrm_options_load(ctx, &nrm_top_eigenvector_method, &o, options) < 0)
        return nrm_fail_prefix(ctx, NRM_E_FORMAT, "%s", path);
    return NRM_OK;
}

/* Vectors of `columns` numbers in the file of a stream with these options. */
static int64_t vectors(const nrm_top_eigenvector_options *o, int64_t columns)
{
    int64_t count = o->audit_rows;
    switch (o->algorithm) {
    case NRM_TOP_EIGENVECTOR_HEAVY_LIGHT: return count + 2 * nrm_min_i64(o->width, columns) + o->stored_rows;
    case NRM_TOP_EIGENVECTOR_BLOCK_POWER: return count + 2 * nrm_min_i64(o->width, columns);
    case NRM_TOP_EIGENVECTOR_FREQUENT_DIRECTIONS: return count + 2 * nrm_min_i64(o->sketch_rows, columns);
    case NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE: return count + o->rates;
    case NRM_TOP_EIGENVECTOR_EXACT: return count > INT64_MAX - columns ? count : count + columns;
    default: return count + 1;
    }
}

/* The stream is made before its arrays are read: sizes that the file does not fill would let
 * a few bytes ask for all memory there is. */
static nrm_status check_sizes(nrm_ctx *ctx, const nrm_bundle *bundle, const char *path, int64_t columns,
                              const nrm_top_eigenvector_options *o)
{
    int64_t held = 0, needed;
    for (int64_t i = 0; i < bundle->count; i++) held += nrm_array_count(&bundle->items[i].array);
    NRM_REQUIRE(ctx, nrm_mul_size(vectors(o, columns), columns, &needed) && needed <= held, NRM_E_FORMAT,
                NRM_TOP_EIGENVECTOR ": %s holds %lld numbers, too few for its header (%lld columns): it is damaged",
                path, NRM_LL(held), NRM_LL(columns));
    return NRM_OK;
}

static nrm_status load_bundle(nrm_ctx *ctx, const nrm_bundle *bundle, const char *path,
                              nrm_top_eigenvector_stream **stream)
{
    nrm_top_eigenvector_stream *s = NULL;
    nrm_top_eigenvector_options options;
    nrm_state_fields fields;
    parts p;
    uint64_t seed;
    nrm_status st;

    list_fields(NULL, &p, &fields);
    NRM_TRY(read_fields(ctx, bundle, path, &fields));
    const int64_t *h = p.header;
    NRM_REQUIRE(ctx, h[0] == VERSION && h[1] >= 1 && nrm_stream_count(h[2]) && nrm_stream_count(h[3]) && h[5] >= 0 &&
                h[5] <= h[2],
                NRM_E_FORMAT, NRM_TOP_EIGENVECTOR ": %s has a header of version %lld with %lld columns and %lld rows; "
                "this version reads files of version %d", path, NRM_LL(h[0]), NRM_LL(h[1]), NRM_LL(h[2]), VERSION);
    NRM_TRY(read_options(ctx, &p, path, &options));
    NRM_TRY(check_sizes(ctx, bundle, path, h[1], &options));
    memcpy(&seed, &h[4], sizeof seed);

    NRM_TRY(nrm_stream_make(ctx, &s, h[1], &options, h[3], seed));
    list_fields(s, &p, &fields);
    NRM_TRY_DONE(read_fields(ctx, bundle, path, &fields));
    s->rows = h[2];
    s->energy = p.totals[0];
    s->largest = p.totals[1];
    s->reservoir.seen = h[5];
    NRM_STOP_IF(s->energy < 0 || s->largest < 0 || (s->reservoir.capacity > 0 && h[5] != h[2]), NRM_E_FORMAT,
                NRM_TOP_EIGENVECTOR ": %s holds totals that no stream has; the file is damaged", path);
    if (s->engine->loaded) NRM_TRY_DONE(s->engine->loaded(ctx, s, path));
    *stream = s;
done:
    if (st < 0) nrm_top_eigenvector_stream_destroy(ctx, s);
    return st;
}

nrm_status nrm_top_eigenvector_stream_load(nrm_ctx *ctx, nrm_top_eigenvector_stream **stream, const char *path)
{
    nrm_loaded loaded = {0};
    nrm_status st;

    NRM_REQUIRE(ctx, stream && path, NRM_E_NULL, NRM_TOP_EIGENVECTOR ": stream and path must not be NULL");
    NRM_TRY(nrm_load(ctx, path, &loaded));
    if (loaded.kind == NRM_LOADED_BUNDLE)
        st = load_bundle(ctx, &loaded.bundle, path, stream);
    else
        st = nrm_fail(ctx, NRM_E_FORMAT, NRM_TOP_EIGENVECTOR ": %s holds one array; a saved stream is a bundle of "
                      "named arrays", path);
    nrm_loaded_destroy(ctx, &loaded);
    return st;
}
