/* safetensors.c -- named tensors as the Hugging Face library of that name stores them:
 *
 *     length of the header (8 bytes little-endian)
 *     {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {...}}
 *     the tensors, row-major, at those offsets behind the header
 *
 * Every offset is held against the file before anything is read, and the tensors together
 * may not take more bytes than there are.  (The JSON library uses the C heap.) */
#include "formats.h"
#include <jansson.h>

enum { HEADER_MOST = 1 << 25 };

static const struct { const char *name; nrm_wire_type type; } dtypes[] = {
    {"F64", NRM_WIRE_F64}, {"F32", NRM_WIRE_F32}, {"F16", NRM_WIRE_F16}, {"BF16", NRM_WIRE_BF16},
    {"I64", NRM_WIRE_I64}, {"I32", NRM_WIRE_I32}, {"I16", NRM_WIRE_I16}, {"I8", NRM_WIRE_I8},
    {"U64", NRM_WIRE_U64}, {"U32", NRM_WIRE_U32}, {"U16", NRM_WIRE_U16}, {"U8", NRM_WIRE_U8},
    {"BOOL", NRM_WIRE_BOOL}};

/* ---- Reading ------------------------------------------------------------------------------------------ */

typedef struct tensor {
    const char *name;
    nrm_wire wire;
    int ndim;
    int64_t shape[NRM_MAX_NDIM];
    int64_t begin, end; /* behind the header */
} tensor;

static nrm_status fail_tensor(nrm_ctx *ctx, const nrm_source *source, const char *name, const char *what)
{
    return nrm_fail(ctx, NRM_E_FORMAT, "%s:%s: %s; the header is damaged: fetch or make the file again", source->name,
                    name, what);
}

static nrm_status parse_shape(nrm_ctx *ctx, const nrm_source *source, const json_t *shape, tensor *t)
{
    if (!json_is_array(shape)) return fail_tensor(ctx, source, t->name, "'shape' must be a list of sizes");
    NRM_REQUIRE(ctx, json_array_size(shape) <= NRM_MAX_NDIM, NRM_E_UNSUPPORTED, "%s:%s: has %zu dimensions; at most %d "
                "are read", source->name, t->name, json_array_size(shape), NRM_MAX_NDIM);
    t->ndim = (int)json_array_size(shape);
    for (int k = 0; k < t->ndim; k++) {
        const json_t *size = json_array_get(shape, (size_t)k);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return fail_tensor(ctx, source, t->name, "'shape' must be a list of sizes");
        t->shape[k] = json_integer_value(size);
    }
    return NRM_OK;
}

static nrm_status parse_tensor(nrm_ctx *ctx, const nrm_source *source, const json_t *value, int64_t room, tensor *t)
{
    const json_t *offsets = json_object_get(value, "data_offsets");
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    int64_t bytes;
    int i = 0;

    if (!dtype) return fail_tensor(ctx, source, t->name, "'dtype' must be a string");
    while (i < NRM_COUNT(dtypes) && strcmp(dtype, dtypes[i].name) != 0) i++;
    NRM_REQUIRE(ctx, i < NRM_COUNT(dtypes), NRM_E_UNSUPPORTED, "%s:%s: has dtype '%.16s'; BOOL, integers, BF16, F16, F32 "
                "and F64 are read", source->name, t->name, dtype);
    t->wire = (nrm_wire){dtypes[i].type, false};
    NRM_TRY(parse_shape(ctx, source, json_object_get(value, "shape"), t));
    if (json_array_size(offsets) != 2 || !json_is_integer(json_array_get(offsets, 0)) ||
        !json_is_integer(json_array_get(offsets, 1)))
        return fail_tensor(ctx, source, t->name, "'data_offsets' must be two whole numbers");
    t->begin = json_integer_value(json_array_get(offsets, 0));
    t->end = json_integer_value(json_array_get(offsets, 1));
    if (t->begin < 0 || t->end < t->begin || t->end > room)
        return fail_tensor(ctx, source, t->name, "'data_offsets' lie outside the file");
    if (!nrm_shape_count(t->ndim, t->shape, &bytes) || !nrm_mul_size(bytes, nrm_wire_size(t->wire), &bytes) ||
        bytes != t->end - t->begin)
        return fail_tensor(ctx, source, t->name, "'data_offsets' do not fit dtype and shape");
    return NRM_OK;
}

static nrm_status read_tensor(nrm_ctx *ctx, const nrm_source *source, const tensor *t, int64_t start, nrm_array *a)
{
    nrm_source *section;
    NRM_TRY(nrm_source_open_section(ctx, &section, source, source->name, start + t->begin, t->end - t->begin, false));
    const nrm_status st = nrm_read_elements(ctx, section, t->wire, t->ndim, t->shape, a);
    nrm_source_close(ctx, section);
    return st;
}

static nrm_status read_all(nrm_ctx *ctx, const nrm_source *source, json_t *header, int64_t start, nrm_bundle *bundle)
{
    const int64_t room = source->end - source->first - start;
    int64_t left = room, capacity = 0;
    const char *name;
    json_t *value;

    json_object_foreach(header, name, value) {
        tensor t = {.name = name};
        nrm_array a = {0};
        if (strcmp(name, "__metadata__") == 0) continue;
        NRM_TRY(parse_tensor(ctx, source, value, room, &t));
        left -= t.end - t.begin;
        if (left < 0) return fail_tensor(ctx, source, name, "the tensors overlap");
        NRM_TRY(read_tensor(ctx, source, &t, start, &a));
        NRM_TRY(nrm_bundle_add(ctx, bundle, &capacity, name, &a));
    }
    return NRM_OK;
}

nrm_status nrm_read_safetensors(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded)
{
    unsigned char bytes[8];
    int64_t length = 0;
    char *text;
    json_error_t error;

    NRM_REQUIRE(ctx, !source->inflater, NRM_E_UNSUPPORTED, "%s: safetensors behind gzip are not read; unpack the file "
                "first", source->name);
    NRM_TRY(nrm_source_read(ctx, source, bytes, 8, "the safetensors header"));
    for (int i = 7; i >= 0; i--) length = (i == 7 ? bytes[i] & 127 : bytes[i]) | length << 8;
    NRM_REQUIRE(ctx, length <= nrm_source_most(source) && length <= HEADER_MOST && bytes[7] < 128, NRM_E_FORMAT,
                "%s: declares a header of %lld bytes; %lld bytes follow, and at most %d are read as a header: the file is "
                "truncated or damaged", source->name, NRM_LL(length), NRM_LL(nrm_source_most(source)), HEADER_MOST);
    NRM_TRY(NRM_ALLOC(ctx, text, length, "a safetensors header"));
    nrm_status st = nrm_source_read(ctx, source, text, length, "the safetensors header");
    json_t *header = st >= 0 ? json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (st >= 0 && !json_is_object(header))
        st = nrm_fail(ctx, NRM_E_FORMAT, "%s: the header is not understood (%s); an object of tensors is expected",
                      source->name, header ? "no object" : error.text);
    if (st >= 0) st = read_all(ctx, source, header, 8 + length, &loaded->bundle);
    json_decref(header);
    nrm_free(ctx, text);
    loaded->kind = NRM_LOADED_BUNDLE;
    return st;
}

/* ---- Writing ------------------------------------------------------------------------------------------- */

static json_t *make_header(const nrm_bundle *bundle)
{
    static const char *const names[] = {
        [NRM_F32] = "F32", [NRM_F64] = "F64", [NRM_I32] = "I32", [NRM_I64] = "I64", [NRM_U8] = "U8"};
    json_t *header = json_object();
    int64_t at = 0;

    for (int64_t i = 0; i < bundle->count; i++) {
        const nrm_array *a = &bundle->items[i].array;
        const int64_t end = at + nrm_array_count(a) * (int64_t)nrm_dtype_size(a->dtype);
        json_t *shape = json_array();
        for (int k = 0; k < a->ndim; k++) json_array_append_new(shape, json_integer(a->shape[k]));
        json_t *value = json_pack("{s:s, s:o, s:[I, I]}", "dtype", names[a->dtype], "shape", shape, "data_offsets",
                                  (json_int_t)at, (json_int_t)end);
        if (json_object_set_new(header, bundle->items[i].name, value) != 0) { /* a name that is not UTF-8, or no memory */
            json_decref(header);
            return NULL;
        }
        at = end;
    }
    return header;
}

static nrm_status write_header(nrm_ctx *ctx, nrm_sink *sink, const char *text)
{
    unsigned char bytes[8];
    const size_t length = strlen(text), padded = (length + 7) / 8 * 8; /* the tensors begin at a multiple of 8 */

    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(padded >> (8 * i));
    NRM_TRY(nrm_sink_write(ctx, sink, bytes, 8));
    NRM_TRY(nrm_sink_write(ctx, sink, text, (int64_t)length));
    return nrm_sink_write(ctx, sink, "       ", (int64_t)(padded - length));
}

nrm_status nrm_write_safetensors(nrm_ctx *ctx, nrm_sink *sink, const nrm_bundle *bundle)
{
    json_t *header = make_header(bundle);
    char *text = header ? json_dumps(header, JSON_COMPACT) : NULL;

    json_decref(header);
    NRM_REQUIRE(ctx, text, NRM_E_ARGUMENT, "%s: a name is not UTF-8, or there is no memory for the header", sink->path);
    nrm_status st = write_header(ctx, sink, text);
    for (int64_t i = 0; i < bundle->count && st >= 0; i++) {
        const nrm_array *a = &bundle->items[i].array;
        st = nrm_sink_write(ctx, sink, a->data, nrm_array_count(a) * (int64_t)nrm_dtype_size(a->dtype));
    }
    json_free_t release;
    json_get_alloc_funcs(NULL, &release);
    release(text);
    return st;
}
