/* npy.c -- NumPy's .npy, versions 1 to 3, read and written.
 *
 *     \x93NUMPY  major minor  length (2 bytes little-endian; 4 from version 2)
 *     {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }  blanks  \n
 *     the elements
 *
 * The header is a Python dictionary; only this one shape of it is understood. */
#include "formats.h"
#include <stdio.h>

enum { HEADER_MOST = 1 << 16 };

/* ---- The header ------------------------------------------------------------------------------ */

static void skip_space(nrm_span *s)
{
    while (s->begin < s->end && (nrm_is_blank(*s->begin) || *s->begin == '\n')) s->begin++;
}

static bool take(nrm_span *s, char c)
{
    skip_space(s);
    if (s->begin == s->end || *s->begin != c) return false;
    s->begin++;
    return true;
}

static bool take_string(nrm_span *s, nrm_span *text)
{
    skip_space(s);
    if (s->begin == s->end || (*s->begin != '\'' && *s->begin != '"')) return false;
    const char *stop = memchr(s->begin + 1, *s->begin, (size_t)(s->end - s->begin - 1));
    if (!stop) return false;
    *text = (nrm_span){s->begin + 1, stop};
    s->begin = stop + 1;
    return true;
}

static bool take_bool(nrm_span *s, bool *value)
{
    skip_space(s);
    const char *start = s->begin;
    while (s->begin < s->end && ((*s->begin >= 'a' && *s->begin <= 'z') || (*s->begin >= 'A' && *s->begin <= 'Z')))
        s->begin++;
    const nrm_span word = {start, s->begin};
    *value = nrm_span_is(word, "True");
    return *value || nrm_span_is(word, "False");
}

/* "(3, 4)", "(3,)", "()", and the "(3L, 4L)" of Python 2. */
static bool take_shape(nrm_span *s, nrm_npy_header *h, bool *too_many)
{
    if (!take(s, '(')) return false;
    for (h->ndim = 0; !take(s, ')'); h->ndim++) {
        skip_space(s);
        const char *start = s->begin;
        while (s->begin < s->end && *s->begin >= '0' && *s->begin <= '9') s->begin++;
        *too_many = h->ndim == NRM_MAX_NDIM;
        if (*too_many || !nrm_parse_i64(start, s->begin, &h->shape[h->ndim])) return false;
        if (s->begin < s->end && *s->begin == 'L') s->begin++;
        if (!take(s, ',') && (s->begin == s->end || *s->begin != ')')) return false;
    }
    return true;
}

/* "<f8": byte order, kind, bytes. */
static bool find_wire(nrm_span text, nrm_wire *wire)
{
    static const struct { char kind[4]; nrm_wire_type type; } known[] = {
        {"b1", NRM_WIRE_BOOL}, {"i1", NRM_WIRE_I8}, {"i2", NRM_WIRE_I16}, {"i4", NRM_WIRE_I32},
        {"i8", NRM_WIRE_I64}, {"u1", NRM_WIRE_U8}, {"u2", NRM_WIRE_U16}, {"u4", NRM_WIRE_U32},
        {"u8", NRM_WIRE_U64}, {"f2", NRM_WIRE_F16}, {"f4", NRM_WIRE_F32}, {"f8", NRM_WIRE_F64}};
    if (text.end - text.begin != 3 || !strchr("<>|=", *text.begin)) return false;
    wire->big = *text.begin == '>';
    for (int i = 0; i < NRM_COUNT(known); i++)
        if (memcmp(known[i].kind, text.begin + 1, 2) == 0) {
            wire->type = known[i].type;
            return true;
        }
    return false;
}

static nrm_status fail_dtype(nrm_ctx *ctx, const nrm_source *source, nrm_span text)
{
    char quote[NRM_QUOTE_LENGTH];
    const char kind = text.end - text.begin >= 2 ? text.begin[1] : '?';
    const char *what = kind == 'O' ? "Python objects" : kind == 'c' ? "complex numbers"
                     : kind == 'U' || kind == 'S' ? "text" : kind == 'M' || kind == 'm' ? "dates"
                     : kind == 'V' ? "records" : "an element type Norma does not know";
    return nrm_fail(ctx, NRM_E_FORMAT, "%s: holds %s (dtype '%s'); bool, integers and floats of at most 8 bytes are "
                    "read: save it with astype(float)", source->name, what, nrm_quote(quote, text));
}

static nrm_status parse_header(nrm_ctx *ctx, const nrm_source *source, nrm_span s, nrm_npy_header *h)
{
    nrm_span key, text = {NULL, NULL};
    bool ok = take(&s, '{'), shape = false, order = false, too_many = false;

    while (ok && !take(&s, '}')) {
        ok = take_string(&s, &key) && take(&s, ':');
        if (!ok) break;
        if (nrm_span_is(key, "descr")) {
            skip_space(&s);
            NRM_REQUIRE(ctx, s.begin == s.end || *s.begin != '[', NRM_E_FORMAT,
                        "%s: holds records (a structured dtype); save its fields as arrays of numbers", source->name);
            ok = take_string(&s, &text);
        } else if (nrm_span_is(key, "fortran_order")) {
            ok = order = take_bool(&s, &h->fortran);
        } else if (nrm_span_is(key, "shape")) {
            ok = shape = take_shape(&s, h, &too_many);
        } else {
            ok = false;
        }
        if (ok && !take(&s, ',')) {
            skip_space(&s);
            ok = s.begin < s.end && *s.begin == '}';
        }
    }
    NRM_REQUIRE(ctx, !too_many, NRM_E_UNSUPPORTED, "%s: has more than %d dimensions", source->name, NRM_MAX_NDIM);
    NRM_REQUIRE(ctx, ok && shape && order && text.begin, NRM_E_FORMAT,
                "%s: the npy header is not understood; a dictionary of descr, fortran_order and shape is expected: "
                "save it again with numpy.save", source->name);
    return find_wire(text, &h->wire) ? NRM_OK : fail_dtype(ctx, source, text);
}

nrm_status nrm_read_npy_header(nrm_ctx *ctx, nrm_source *source, nrm_npy_header *header)
{
    unsigned char start[12];
    char *text;
    nrm_npy_header h = {0};
    int64_t length;

    NRM_TRY(nrm_source_read(ctx, source, start, 8, "the npy header"));
    NRM_REQUIRE(ctx, memcmp(start, "\x93NUMPY", 6) == 0, NRM_E_FORMAT,
                "%s: does not begin with the mark of an npy file; save it with numpy.save", source->name);
    const int major = start[6];
    NRM_REQUIRE(ctx, major >= 1 && major <= 3, NRM_E_UNSUPPORTED, "%s: is npy version %d.%d; versions 1 to 3 are read",
                source->name, major, start[7]);
    NRM_TRY(nrm_source_read(ctx, source, start + 8, major == 1 ? 2 : 4, "the npy header"));
    length = start[8] | start[9] << 8;
    if (major > 1) length |= (int64_t)start[10] << 16 | (int64_t)start[11] << 24;
    NRM_REQUIRE(ctx, length <= HEADER_MOST, NRM_E_FORMAT, "%s: the npy header takes %lld bytes; at most %d are read",
                source->name, NRM_LL(length), HEADER_MOST);
    NRM_TRY(NRM_ALLOC(ctx, text, length, "an npy header"));
    nrm_status st = nrm_source_read(ctx, source, text, length, "the npy header");
    if (st >= 0) st = parse_header(ctx, source, (nrm_span){text, text + length}, &h);
    nrm_free(ctx, text);
    if (st >= 0) *header = h;
    return st;
}

/* ---- Reading ------------------------------------------------------------------------------------ */

/* Row-major rows x cols from the same column-major, in tiles that stay in cache. */
static void transpose(unsigned char *to, const unsigned char *from, int64_t rows, int64_t cols, size_t size)
{
    enum { TILE = 32 };
    for (int64_t i0 = 0; i0 < rows; i0 += TILE)
        for (int64_t j0 = 0; j0 < cols; j0 += TILE)
            for (int64_t i = i0; i < nrm_min_i64(i0 + TILE, rows); i++)
                for (int64_t j = j0; j < nrm_min_i64(j0 + TILE, cols); j++)
                    memcpy(to + (size_t)(i * cols + j) * size, from + (size_t)(j * rows + i) * size, size);
}

/* Any number of axes: walk the result in order, with the place in `from` counted along. */
static void reverse(unsigned char *to, const unsigned char *from, const nrm_array *a, size_t size)
{
    int64_t stride[NRM_MAX_NDIM] = {1}, index[NRM_MAX_NDIM] = {0}, at = 0;
    const int64_t n = nrm_array_count(a);

    for (int k = 1; k < a->ndim; k++) stride[k] = stride[k - 1] * nrm_max_i64(1, a->shape[k - 1]);
    for (int64_t i = 0; i < n; i++) {
        memcpy(to + (size_t)i * size, from + (size_t)at * size, size);
        for (int k = a->ndim - 1; k >= 0; k--) {
            at += stride[k];
            if (++index[k] < a->shape[k]) break;
            at -= stride[k] * a->shape[k];
            index[k] = 0;
        }
    }
}

/* Turn a, whose memory is column-major for `shape`, to row-major. */
static nrm_status reverse_axes(nrm_ctx *ctx, nrm_array *a, const int64_t *shape)
{
    nrm_array fresh = {0};
    const size_t size = nrm_dtype_size(a->dtype);

    NRM_TRY(nrm_array_create_raw(ctx, &fresh, a->dtype, a->ndim, shape));
    if (a->ndim == 2) transpose(fresh.data, a->data, shape[0], shape[1], size);
    else reverse(fresh.data, a->data, &fresh, size);
    nrm_array_destroy(ctx, a);
    *a = fresh;
    return NRM_OK;
}

nrm_status nrm_read_npy(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded)
{
    nrm_npy_header h;
    int64_t reversed[NRM_MAX_NDIM];

    NRM_TRY(nrm_read_npy_header(ctx, source, &h));
    loaded->kind = NRM_LOADED_ARRAY;
    if (!h.fortran || h.ndim < 2) return nrm_read_elements(ctx, source, h.wire, h.ndim, h.shape, &loaded->array);
    for (int k = 0; k < h.ndim; k++) reversed[k] = h.shape[h.ndim - 1 - k];
    NRM_TRY(nrm_read_elements(ctx, source, h.wire, h.ndim, reversed, &loaded->array));
    return reverse_axes(ctx, &loaded->array, h.shape);
}

nrm_status nrm_open_npy(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows)
{
    nrm_npy_header h;
    char text[NRM_SHAPE_LENGTH];

    NRM_TRY(nrm_read_npy_header(ctx, source, &h));
    NRM_REQUIRE(ctx, h.ndim == 1 || h.ndim == 2, NRM_E_SHAPE,
                "%s: the array is %s; rows come from a 2-d array, or a 1-d one as one column", source->name,
                nrm_shape_text(text, h.ndim, h.shape));
    const int64_t width = h.ndim == 2 ? h.shape[1] : 1;
    NRM_TRY(nrm_check_cols(ctx, source, cols, width));
    return nrm_open_elements(ctx, source, h.wire, h.shape[0], width, h.fortran, rows);
}

/* ---- Writing ------------------------------------------------------------------------------------- */

int64_t nrm_npy_header_text(const nrm_array *a, unsigned char header[NRM_NPY_HEADER_MOST])
{
    static const char *const descr[] = {
#define DESCR(constant, name, type, numpy) [constant] = numpy,
        NRM_DTYPE_LIST(DESCR)
#undef DESCR
    };
    char *text = (char *)header + 10;
    int n = snprintf(text, NRM_NPY_HEADER_MOST - 10, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr[a->dtype]);

    for (int i = 0; i < a->ndim; i++)
        n += snprintf(text + n, (size_t)(NRM_NPY_HEADER_MOST - 10 - n), "%lld%s", NRM_LL(a->shape[i]),
                      a->ndim == 1 ? "," : i + 1 < a->ndim ? ", " : "");
    n += snprintf(text + n, (size_t)(NRM_NPY_HEADER_MOST - 10 - n), "), }");
    while ((10 + n + 1) % 64 != 0) text[n++] = ' ';
    text[n++] = '\n';
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (unsigned char)(n & 255);
    header[9] = (unsigned char)(n >> 8);
    return 10 + n;
}

nrm_status nrm_write_npy(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a)
{
    unsigned char header[NRM_NPY_HEADER_MOST];
    const int64_t bytes = nrm_array_count(a) * (int64_t)nrm_dtype_size(a->dtype);

    sink->total = bytes;
    NRM_TRY(nrm_sink_write(ctx, sink, header, nrm_npy_header_text(a, header)));
    return nrm_sink_write(ctx, sink, a->data, bytes);
}
