/* libsvm.c -- sparse rows with labels, as LIBSVM and SVMlight write them:
 *
 *     label  [qid:n]  index:value  index:value ...  [# comment]
 *
 * Indices ascend and count from 1; a file in which 0 occurs counts from 0 (scikit-learn
 * writes such files).  qid is left out. */
#include "formats.h"

typedef struct svm_parser {
    nrm_source *source;
    int64_t rows;           /* parsed so far */
    int64_t least, greatest; /* indices seen so far, as written */
    double label;           /* of the last row */
} svm_parser;

static nrm_status fail_word(nrm_ctx *ctx, const svm_parser *p, nrm_span word, const char *expected)
{
    char text[NRM_QUOTE_LENGTH];
    return nrm_fail(ctx, NRM_E_FORMAT, "%s: line %lld (row %lld): found '%s'; %s", p->source->name,
                    NRM_LL(p->source->line), NRM_LL(p->rows + 1), nrm_quote(text, word), expected);
}

static nrm_status parse_label(nrm_ctx *ctx, svm_parser *p, nrm_span word)
{
    if (nrm_parse_f64(word.begin, word.end, &p->label)) return NRM_OK;
    if (memchr(word.begin, ',', (size_t)(word.end - word.begin)))
        return fail_word(ctx, p, word, "rows with several labels are not read: one number is expected first");
    return fail_word(ctx, p, word, "a label, which is a number, is expected first");
}

/* One row; its entries, indices as written, go behind those already in e. */
static nrm_status parse_row(nrm_ctx *ctx, svm_parser *p, nrm_span line, nrm_entries *e)
{
    int64_t last = -1, index;
    double value;

    NRM_TRY(parse_label(ctx, p, nrm_next_word(&line)));
    for (;;) {
        const nrm_span word = nrm_next_word(&line);
        if (word.begin == word.end || *word.begin == '#') break;
        const char *colon = memchr(word.begin, ':', (size_t)(word.end - word.begin));
        if (!colon) return fail_word(ctx, p, word, "index:value is expected");
        if (nrm_span_is((nrm_span){word.begin, colon}, "qid")) continue;
        if (!nrm_parse_i64(word.begin, colon, &index) || index < 0 || index == INT64_MAX)
            return fail_word(ctx, p, word, "an index is a whole number from 1");
        if (!nrm_parse_f64(colon + 1, word.end, &value))
            return fail_word(ctx, p, word, "a number is expected behind the colon");
        if (index <= last) return fail_word(ctx, p, word, "indices must ascend within a row: sort the row");
        last = index;
        p->least = nrm_min_i64(p->least, index);
        NRM_TRY(nrm_entries_add(ctx, e, index, value));
    }
    p->greatest = nrm_max_i64(p->greatest, last);
    p->rows++;
    return NRM_OK;
}

/* The next line with a row; begin NULL at the end. */
static nrm_status next_line(nrm_ctx *ctx, nrm_source *source, nrm_span *line)
{
    for (;;) {
        int64_t length;
        NRM_TRY(nrm_source_line(ctx, source, &line->begin, &length));
        if (!line->begin) return NRM_OK;
        line->end = line->begin + length;
        nrm_span rest = *line;
        const nrm_span word = nrm_next_word(&rest);
        if (word.begin < word.end && *word.begin != '#') return NRM_OK;
    }
}

static svm_parser start(nrm_source *source)
{
    return (svm_parser){.source = source, .least = INT64_MAX, .greatest = -1};
}

static int64_t base_of(const svm_parser *p) { return p->least == 0 ? 0 : 1; }
static int64_t cols_of(const svm_parser *p) { return p->greatest < 0 ? 0 : p->greatest + 1 - base_of(p); }

/* ---- The whole file ------------------------------------------------------------------------------ */

nrm_status nrm_read_libsvm(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded)
{
    svm_parser p = start(source);
    nrm_entries e = {0};
    int64_t *indptr = NULL, indptr_capacity = 0, label_capacity = 0, items = 0;
    double *labels = NULL;
    nrm_span line;
    nrm_status st;

    for (;;) {
        NRM_TRY_DONE(nrm_grow(ctx, &indptr, &indptr_capacity, p.rows + 1, sizeof *indptr, "row starts"));
        indptr[p.rows] = e.count;
        NRM_TRY_DONE(next_line(ctx, source, &line));
        if (!line.begin) break;
        NRM_TRY_DONE(nrm_grow(ctx, &labels, &label_capacity, p.rows + 1, sizeof *labels, "labels"));
        NRM_TRY_DONE(parse_row(ctx, &p, line, &e));
        labels[p.rows - 1] = p.label;
    }
    NRM_STOP_IF(p.rows == 0, NRM_E_FORMAT, "%s: holds no rows; lines of label index:value ... are expected", source->name);
    NRM_TRY_DONE(nrm_entries_reserve(ctx, &e, 1)); /* no entry at all still needs its arrays */
    for (int64_t k = 0; k < e.count; k++) e.indices[k] -= base_of(&p);

    nrm_array array = {.data = labels, .dtype = NRM_F64, .ndim = 1, .shape = {p.rows}, .owned = true};
    labels = NULL; /* the bundle's from here, also when it fails */
    NRM_TRY_DONE(nrm_bundle_add(ctx, &loaded->extra, &items, "label", &array));
    loaded->kind = NRM_LOADED_CSR;
    loaded->csr = (nrm_csr){.rows = p.rows, .cols = cols_of(&p), .nnz = e.count, .indptr = indptr, .indices = e.indices,
                            .values = e.values, .dtype = NRM_F64, .owned = true};
    return NRM_OK;
done:
    nrm_free(ctx, labels);
    nrm_free(ctx, indptr);
    nrm_entries_free(ctx, &e);
    return st;
}

/* ---- The stream ------------------------------------------------------------------------------------ */

typedef struct svm_rows {
    nrm_rows base;
    svm_parser parser;
    int64_t first_index; /* 1, or 0 */
} svm_rows;

static nrm_status check_indices(nrm_ctx *ctx, const svm_rows *r, int64_t from)
{
    const nrm_entries *e = &r->base.entries;
    const char *name = r->parser.source->name;

    NRM_REQUIRE(ctx, from == e->count || e->indices[from] >= r->first_index, NRM_E_FORMAT,
                "%s: row %lld has index 0, so the file counts from 0: read it from a file with cols 0, which looks for "
                "that first", name, NRM_LL(r->parser.rows));
    NRM_REQUIRE(ctx, from == e->count || e->indices[e->count - 1] - r->first_index < r->base.cols, NRM_E_SHAPE,
                "%s: row %lld has index %lld; the stream was opened for %lld columns", name, NRM_LL(r->parser.rows),
                NRM_LL(e->indices[e->count - 1]), NRM_LL(r->base.cols));
    for (int64_t k = from; k < e->count; k++) e->indices[k] -= r->first_index;
    return NRM_OK;
}

static nrm_status svm_next(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, nrm_row_block *block)
{
    svm_rows *r = (svm_rows *)rows;
    nrm_entries *e = &rows->entries;
    nrm_span line;

    limit = nrm_min_i64(limit, NRM_BLOCK_NUMBERS);
    e->count = 0;
    NRM_TRY(nrm_entries_reserve(ctx, e, 1));
    NRM_TRY(nrm_rows_start(ctx, rows, 0, 0));
    while (block->count < limit && e->count < NRM_BLOCK_NUMBERS) {
        const int64_t from = e->count;
        NRM_TRY(next_line(ctx, r->parser.source, &line));
        if (!line.begin) break;
        NRM_TRY(parse_row(ctx, &r->parser, line, e));
        NRM_TRY(check_indices(ctx, r, from));
        NRM_TRY(nrm_rows_start(ctx, rows, ++block->count, e->count));
    }
    block->indptr = rows->indptr;
    block->indices = e->indices;
    block->values = e->values;
    return NRM_OK;
}

static nrm_status svm_rewind(nrm_ctx *ctx, nrm_rows *rows)
{
    svm_rows *r = (svm_rows *)rows;
    r->parser.rows = 0;
    return nrm_source_rewind(ctx, r->parser.source);
}

static void svm_close(nrm_ctx *ctx, nrm_rows *rows) { nrm_source_close(ctx, ((svm_rows *)rows)->parser.source); }

static const nrm_rows_kind svm_kind = {svm_next, svm_rewind, NULL, svm_close, "a LIBSVM file"};

/* One pass over a file for the number of rows and columns and the first index. */
static nrm_status scan(nrm_ctx *ctx, nrm_source *source, svm_parser *p)
{
    nrm_entries e = {0};
    nrm_span line;
    nrm_status st;

    NRM_STOP_IF(!source->regular, NRM_E_ARGUMENT, "%s: the columns of LIBSVM rows cannot be counted on a pipe; give "
                "their number (columns), or use a file", source->name);
    for (;;) {
        NRM_TRY_DONE(next_line(ctx, source, &line));
        if (!line.begin) break;
        e.count = 0;
        NRM_TRY_DONE(parse_row(ctx, p, line, &e));
    }
    NRM_STOP_IF(p->rows == 0, NRM_E_FORMAT, "%s: holds no rows; lines of label index:value ... are expected", source->name);
    st = nrm_source_rewind(ctx, source);
done:
    nrm_entries_free(ctx, &e);
    return st;
}

nrm_status nrm_open_libsvm(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows)
{
    svm_parser p = start(source);
    svm_rows *r;

    if (cols == 0) NRM_TRY(scan(ctx, source, &p));
    NRM_TRY(nrm_rows_create(ctx, &r, sizeof *r, &svm_kind, cols > 0 ? cols : cols_of(&p), cols > 0 ? -1 : p.rows));
    r->first_index = base_of(&p);
    r->parser = start(source);
    *rows = &r->base;
    return NRM_OK;
}

/* ---- Writing ----------------------------------------------------------------------------------------- */

nrm_status nrm_write_libsvm_csr(nrm_ctx *ctx, nrm_sink *sink, const nrm_csr *s)
{
    for (int64_t i = 0; i < s->rows; i++) {
        NRM_TRY(nrm_sink_text(ctx, sink, "0"));
        for (int64_t k = s->indptr[i]; k < s->indptr[i + 1]; k++) {
            NRM_TRY(nrm_sink_text(ctx, sink, " %lld:", NRM_LL(s->indices[k]) + 1));
            NRM_TRY(nrm_sink_number(ctx, sink, s->dtype, s->values, k));
        }
        NRM_TRY(nrm_sink_text(ctx, sink, "\n"));
    }
    return NRM_OK;
}

static bool is_zero(const nrm_array *a, int64_t i)
{
    switch (a->dtype) {
    case NRM_F32: return !(((const float *)a->data)[i] < 0 || ((const float *)a->data)[i] > 0) &&
                         !isnan(((const float *)a->data)[i]);
    case NRM_F64: return !(((const double *)a->data)[i] < 0 || ((const double *)a->data)[i] > 0) &&
                         !isnan(((const double *)a->data)[i]);
    case NRM_I32: return ((const int32_t *)a->data)[i] == 0;
    case NRM_I64: return ((const int64_t *)a->data)[i] == 0;
    case NRM_U8: return ((const uint8_t *)a->data)[i] == 0;
    case NRM_DTYPE_COUNT: break;
    }
    return true;
}

nrm_status nrm_write_libsvm(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a)
{
    char text[NRM_SHAPE_LENGTH];
    NRM_REQUIRE(ctx, a->ndim == 2, NRM_E_SHAPE, "%s: LIBSVM holds rows of a 2-d array; this one is %s", sink->path,
                nrm_shape_text(text, a->ndim, a->shape));
    for (int64_t i = 0; i < a->shape[0]; i++) {
        NRM_TRY(nrm_sink_text(ctx, sink, "0"));
        for (int64_t j = 0; j < a->shape[1]; j++) {
            if (is_zero(a, i * a->shape[1] + j)) continue;
            NRM_TRY(nrm_sink_text(ctx, sink, " %lld:", NRM_LL(j + 1)));
            NRM_TRY(nrm_sink_number(ctx, sink, a->dtype, a->data, i * a->shape[1] + j));
        }
        NRM_TRY(nrm_sink_text(ctx, sink, "\n"));
    }
    return NRM_OK;
}
