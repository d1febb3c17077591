/* load.c -- nrm_load and nrm_rows_open: which format it is, then its reader. */
#include "formats.h"
#include <stdio.h>

typedef struct format {
    const char *name;
    const char *extensions; /* between blanks */
    bool binary;            /* has a mark of its own: a file so named without it is wrong */
    bool from_pipe;         /* its reader takes a pipe as it comes */
    nrm_read_fn read;
    nrm_open_fn open;       /* NULL: no stream in constant memory */
    const char *looks;      /* how one begins, for messages */
} format;

enum { NPY, NPZ, SAFETENSORS, IDX, MATRIX_MARKET, LIBSVM, JSON, TABLE, FORMAT_COUNT };
static const format formats[FORMAT_COUNT] = {
    [NPY] = {"npy", " npy ", true, false, nrm_read_npy, nrm_open_npy, "\\x93NUMPY"},
    [NPZ] = {"npz", " npz ", true, false, nrm_read_npz, NULL, "PK (a zip archive)"},
    [SAFETENSORS] = {"safetensors", " safetensors ", true, false, nrm_read_safetensors, NULL, "a length and '{'"},
    [IDX] = {"idx", " idx idx1-ubyte idx2-ubyte idx3-ubyte ", true, false, nrm_read_idx, nrm_open_idx,
             "two zero bytes, a type and the number of dimensions"},
    [MATRIX_MARKET] = {"matrix-market", " mtx mm ", true, false, nrm_read_matrix_market, nrm_open_matrix_market,
                       "%%MatrixMarket"},
    [LIBSVM] = {"libsvm", " svm libsvm svmlight ", false, true, nrm_read_libsvm, nrm_open_libsvm,
                "a label and index:value pairs"},
    [JSON] = {"json", " json ", true, false, nrm_read_json, NULL, "'['"},
    [TABLE] = {"csv", " csv tsv txt dat ", false, true, nrm_read_table, nrm_open_table, "a row of numbers"},
};

/* What people try that Norma does not read, by its first bytes. */
static const struct { const char *mark; int length; const char *name, *remedy; } foreign[] = {
    {"\x89HDF\r\n\x1a\n", 8, "an HDF5 file", "export the array as npy"},
    {"PAR1", 4, "a Parquet file", "export it as npy or csv"},
    {"ARROW1", 6, "an Arrow file", "export it as npy or csv"},
    {"MATLAB 5", 8, "a MATLAB file", "export the matrix as csv or mtx"},
    {"\x80\x02", 2, "a Python pickle", "save the array with numpy.save"},
    {"\x80\x03", 2, "a Python pickle", "save the array with numpy.save"},
    {"\x80\x04", 2, "a Python pickle", "save the array with numpy.save"},
    {"\x80\x05", 2, "a Python pickle", "save the array with numpy.save"},
    {"\x89PNG", 4, "a PNG picture", "convert it to npy"},
    {"\xff\xd8\xff", 3, "a JPEG picture", "convert it to npy"},
    {"%PDF", 4, "a PDF document", "give a file of numbers"},
    {"BZh", 3, "bzip2 data", "unpack it first, or use gzip"},
    {"\xfd" "7zXZ", 5, "xz data", "unpack it first, or use gzip"},
    {"\x28\xb5\x2f\xfd", 4, "zstd data", "unpack it first, or use gzip"},
    {"\xff\xfe", 2, "UTF-16 text", "save it as UTF-8"},
    {"\xfe\xff", 2, "UTF-16 text", "save it as UTF-8"},
};

static bool begins(nrm_span s, const char *mark, int length)
{
    return s.end - s.begin >= length && memcmp(s.begin, mark, (size_t)length) == 0;
}

/* ---- By content -------------------------------------------------------------------------------- */

static bool is_safetensors(nrm_span s)
{
    return s.end - s.begin >= 9 && s.begin[8] == '{' && memcmp(s.begin + 4, "\0\0\0\0", 4) == 0;
}

static bool is_idx(nrm_span s)
{
    return s.end - s.begin >= 4 && s.begin[0] == 0 && s.begin[1] == 0 && s.begin[3] >= 1 && s.begin[3] <= NRM_MAX_NDIM &&
           s.begin[2] >= 0x08 && s.begin[2] <= 0x0E;
}

static bool is_matrix_market(nrm_span s)
{
    return s.end - s.begin >= 14 && nrm_span_is((nrm_span){s.begin, s.begin + 14}, "%%MatrixMarket");
}

/* "index:" or "qid:" begins the word. */
static bool is_pair(nrm_span word)
{
    const char *colon = memchr(word.begin, ':', (size_t)(word.end - word.begin));
    int64_t index;
    return colon && (nrm_parse_i64(word.begin, colon, &index) || nrm_span_is((nrm_span){word.begin, colon}, "qid"));
}

/* A line with pairs behind its label; a complete one, unless there is only that. */
static bool is_libsvm(nrm_span s)
{
    while (s.begin < s.end) {
        const char *stop = memchr(s.begin, '\n', (size_t)(s.end - s.begin));
        nrm_span line = {s.begin, stop ? stop : s.end};
        if (line.begin < line.end && *line.begin != '#') {
            nrm_next_word(&line);
            const nrm_span second = nrm_next_word(&line);
            if (second.begin < second.end && *second.begin != '#') return is_pair(second);
        }
        s.begin = stop ? stop + 1 : s.end;
    }
    return false;
}

static bool is_binary(nrm_span s)
{
    for (; s.begin < s.end; s.begin++) {
        const unsigned char c = (unsigned char)*s.begin;
        if ((c < 32 && !strchr("\t\n\r\f", c)) || c == 0 || c == 127) return true;
    }
    return false;
}

static int find_extension(const char *extension)
{
    char padded[40];
    if (!*extension || strlen(extension) > 30) return -1;
    snprintf(padded, sizeof padded, " %s ", extension);
    for (int i = 0; i < FORMAT_COUNT; i++)
        if (strstr(formats[i].extensions, padded)) return i;
    return -1;
}

static int find_mark(nrm_span s)
{
    if (begins(s, "\x93NUMPY", 6)) return NPY;
    if (begins(s, "PK\3\4", 4) || begins(s, "PK\5\6", 4)) return NPZ;
    if (is_matrix_market(s)) return MATRIX_MARKET;
    if (is_safetensors(s)) return SAFETENSORS;
    if (is_idx(s)) return IDX;
    return -1;
}

static int find_text(nrm_span s, int extension)
{
    const char *p = s.begin;
    while (p < s.end && (nrm_is_blank(*p) || *p == '\n' || *p == '\r')) p++;
    if (p < s.end && *p == '[') return JSON;
    if (extension == LIBSVM || extension == TABLE) return extension;
    return is_libsvm(s) ? LIBSVM : TABLE;
}

/* ---- By content, then extension ---------------------------------------------------------------- */

/* The first bytes: enough for every mark, and then the first line. */
static nrm_status peek_start(nrm_ctx *ctx, nrm_source *source, nrm_span *start)
{
    enum { MARK_BYTES = 16, LINE_BYTES = 4096 };
    const unsigned char *bytes;
    int64_t have, before;

    NRM_TRY(nrm_source_peek(ctx, source, MARK_BYTES, &bytes, &have));
    do {
        before = have;
        if (memchr(bytes, '\n', (size_t)have)) break;
        NRM_TRY(nrm_source_peek(ctx, source, before + 1, &bytes, &have));
    } while (have > before && have < LINE_BYTES);
    *start = (nrm_span){(const char *)bytes, (const char *)bytes + nrm_min_i64(have, LINE_BYTES)};
    return NRM_OK;
}

static nrm_status fail_unknown(nrm_ctx *ctx, const nrm_source *source, nrm_span s, int extension)
{
    char text[NRM_QUOTE_LENGTH];

    for (int i = 0; i < NRM_COUNT(foreign); i++)
        if (begins(s, foreign[i].mark, foreign[i].length))
            return nrm_fail(ctx, NRM_E_FORMAT, "%s: is %s, which Norma does not read; %s", source->name,
                            foreign[i].name, foreign[i].remedy);
    s.end = nrm_min_i64(s.end - s.begin, 16) + s.begin;
    if (extension >= 0)
        return nrm_fail(ctx, NRM_E_FORMAT, "%s: begins with '%s'; a .%s file begins with %s: check the file, or its name",
                        source->name, nrm_quote(text, s), source->extension, formats[extension].looks);
    return nrm_fail(ctx, NRM_E_FORMAT, "%s: is no format that Norma reads (it begins with '%s'); expected npy, npz, "
                    "csv or other text, LIBSVM, Matrix Market, idx, safetensors or JSON", source->name,
                    nrm_quote(text, s));
}

static nrm_status recognise(nrm_ctx *ctx, nrm_source *source, const format **found)
{
    const int extension = find_extension(source->extension);
    nrm_span s;

    NRM_TRY(peek_start(ctx, source, &s));
    NRM_REQUIRE(ctx, s.begin < s.end, NRM_E_FORMAT, "%s: the file is empty; numbers are expected", source->name);
    int kind = find_mark(s);
    if (kind < 0) {
        if (begins(s, "\xEF\xBB\xBF", 3)) s.begin += 3;
        if (is_binary(s)) return fail_unknown(ctx, source, s, extension);
        for (int i = 0; i < NRM_COUNT(foreign); i++)
            if (begins(s, foreign[i].mark, foreign[i].length)) return fail_unknown(ctx, source, s, extension);
        kind = find_text(s, extension);
        /* A name that promises a mark which is not there: better ask than read it as text. */
        if (kind != JSON && extension >= 0 && formats[extension].binary) return fail_unknown(ctx, source, s, extension);
    }
    *found = &formats[kind];
    return NRM_OK;
}

/* ---- Loading whole files -------------------------------------------------------------------------- */

static nrm_status load_source(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded)
{
    const format *f = NULL;
    nrm_loaded fresh = {0};
    nrm_status st;

    NRM_TRY_DONE(recognise(ctx, source, &f));
    if (!f->from_pipe) NRM_TRY_DONE(nrm_source_settle(ctx, source));
    NRM_TRY_DONE(f->read(ctx, source, &fresh));
    NRM_TRY_DONE(nrm_source_finish(ctx, source));
    fresh.format = f->name;
    *loaded = fresh;
    fresh = (nrm_loaded){0};
done:
    nrm_loaded_destroy(ctx, &fresh);
    nrm_source_close(ctx, source);
    return st;
}

/* A path, or the literal itself, which is its own content. */
static nrm_status open_source(nrm_ctx *ctx, nrm_source **source, const char *path)
{
    char quote[NRM_QUOTE_LENGTH], name[NRM_QUOTE_LENGTH + 16];
    const size_t length = strlen(path);

    if (path[0] != '[') return nrm_source_open(ctx, source, path);
    snprintf(name, sizeof name, "the literal %s", nrm_quote(quote, (nrm_span){path, path + length}));
    return nrm_source_open_memory(ctx, source, name, path, (int64_t)length);
}

nrm_status nrm_load(nrm_ctx *ctx, const char *path, nrm_loaded *loaded)
{
    nrm_source *source;

    NRM_REQUIRE(ctx, path && loaded, NRM_E_NULL, "load: path and loaded must not be NULL");
    NRM_TRY(open_source(ctx, &source, path));
    return load_source(ctx, source, loaded);
}

nrm_status nrm_load_memory(nrm_ctx *ctx, const char *name, const void *bytes, size_t size, nrm_loaded *loaded)
{
    nrm_source *source;

    NRM_REQUIRE(ctx, name && loaded && (bytes || size == 0), NRM_E_NULL, "load: name, bytes and loaded must not be NULL");
    NRM_REQUIRE(ctx, size <= INT64_MAX, NRM_E_OVERFLOW, "load: %zu bytes are more than memory can address", size);
    NRM_TRY(nrm_source_open_memory(ctx, &source, name, bytes, (int64_t)size));
    return load_source(ctx, source, loaded);
}

/* ---- Opening streams --------------------------------------------------------------------------------- */

static nrm_status load_rows(nrm_ctx *ctx, nrm_source *source, const format *f, int64_t cols, nrm_rows **rows)
{
    nrm_loaded loaded = {0};
    nrm_rows *fresh = NULL;
    nrm_status st;

    NRM_STOP_IF(f == &formats[NPZ] || f == &formats[SAFETENSORS], NRM_E_UNSUPPORTED,
                "%s: a %s file holds several arrays; rows come from one: save it as npy, "
                "or call by name with FILE:ARRAY", source->name, f->name);
    NRM_TRY_DONE(nrm_source_settle(ctx, source));
    NRM_TRY_DONE(f->read(ctx, source, &loaded));
    NRM_TRY_DONE(nrm_rows_from_loaded(ctx, &fresh, &loaded));
    NRM_TRY_DONE(nrm_check_cols(ctx, source, cols, fresh->cols));
    *rows = fresh;
    fresh = NULL;
done:
    nrm_rows_close(ctx, fresh);
    nrm_loaded_destroy(ctx, &loaded);
    if (st >= 0) nrm_source_close(ctx, source); /* not needed any more */
    return st;
}

nrm_status nrm_rows_open_source(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows)
{
    const format *f = NULL;

    source->quiet = true;
    nrm_status st = recognise(ctx, source, &f);
    if (st >= 0) st = f->open ? f->open(ctx, source, cols, rows) : load_rows(ctx, source, f, cols, rows);
    if (st < 0) nrm_source_close(ctx, source);
    return st;
}

nrm_status nrm_rows_open_memory(nrm_ctx *ctx, nrm_rows **rows, const char *name, const void *bytes, size_t size,
                                int64_t cols)
{
    nrm_source *source;
    NRM_TRY(nrm_source_open_memory(ctx, &source, name, bytes, (int64_t)size));
    return nrm_rows_open_source(ctx, source, cols, rows);
}

nrm_status nrm_rows_open(nrm_ctx *ctx, nrm_rows **rows, const char *path, int64_t cols)
{
    nrm_source *source;

    NRM_REQUIRE(ctx, rows && path, NRM_E_NULL, "rows: rows and path must not be NULL");
    NRM_REQUIRE(ctx, cols >= 0, NRM_E_RANGE, "rows: cols is %lld; give the number of columns, or 0 for what the file "
                "says", NRM_LL(cols));
    NRM_TRY(open_source(ctx, &source, path));
    return nrm_rows_open_source(ctx, source, cols, rows);
}
