/* matrix_market.c -- Matrix Market files (NIST), read:
 *
 *     %%MatrixMarket matrix coordinate|array real|integer|pattern general|symmetric|skew-symmetric
 *     % comments
 *     rows cols [entries]
 *     row col [value]     counted from 1        or one value a line, column after column
 *
 * Entries of the same place add up.  A symmetric file lists the lower triangle only. */
#include "matrix_market.h"

static nrm_status fail_line(nrm_ctx *ctx, const nrm_source *source, nrm_span found, const char *expected)
{
    char text[NRM_QUOTE_LENGTH];
    return nrm_fail(ctx, NRM_E_FORMAT, "%s: line %lld: found '%s'; %s", source->name, NRM_LL(source->line),
                    nrm_quote(text, found), expected);
}

/* The next line that is no comment; begin NULL at the end. */
static nrm_status next_line(nrm_ctx *ctx, nrm_source *source, nrm_span *line)
{
    for (;;) {
        int64_t length;
        NRM_TRY(nrm_source_line(ctx, source, &line->begin, &length));
        if (!line->begin) return NRM_OK;
        *line = nrm_trim((nrm_span){line->begin, line->begin + length});
        if (line->begin < line->end && *line->begin != '%') return NRM_OK;
    }
}

/* ---- The header -------------------------------------------------------------------------------- */

static nrm_status parse_banner(nrm_ctx *ctx, const nrm_source *source, nrm_span line, nrm_mm_header *h)
{
    const nrm_span mark = nrm_next_word(&line), object = nrm_next_word(&line), form = nrm_next_word(&line);
    const nrm_span field = nrm_next_word(&line), symmetry = nrm_next_word(&line);

    if (!nrm_span_is(mark, "%%MatrixMarket") || !nrm_span_is(object, "matrix"))
        return fail_line(ctx, source, object, "the first line must begin with '%%MatrixMarket matrix'");
    h->coordinate = nrm_span_is(form, "coordinate");
    if (!h->coordinate && !nrm_span_is(form, "array"))
        return fail_line(ctx, source, form, "'coordinate' or 'array' is expected");
    h->pattern = nrm_span_is(field, "pattern");
    if (!h->pattern && !nrm_span_is(field, "real") && !nrm_span_is(field, "integer") && !nrm_span_is(field, "double"))
        return fail_line(ctx, source, field, "'real', 'integer' or 'pattern' is expected (complex matrices are not read)");
    if (h->pattern && !h->coordinate) return fail_line(ctx, source, field, "an array must have values");
    if (nrm_span_is(symmetry, "general") || symmetry.begin == symmetry.end) h->symmetry = NRM_GENERAL;
    else if (nrm_span_is(symmetry, "symmetric")) h->symmetry = NRM_SYMMETRIC;
    else if (nrm_span_is(symmetry, "skew-symmetric")) h->symmetry = NRM_SKEW;
    else return fail_line(ctx, source, symmetry, "'general', 'symmetric' or 'skew-symmetric' is expected");
    return NRM_OK;
}

static bool parse_size(nrm_span *line, int64_t *size)
{
    const nrm_span word = nrm_next_word(line);
    return nrm_parse_i64(word.begin, word.end, size) && *size >= 0;
}

nrm_status nrm_mm_read_header(nrm_ctx *ctx, nrm_source *source, nrm_mm_header *h)
{
    nrm_mm_header fresh = {0};
    nrm_span line, rest;
    int64_t length;

    NRM_TRY(nrm_source_line(ctx, source, &line.begin, &length));
    NRM_REQUIRE(ctx, line.begin, NRM_E_FORMAT, "%s: the file is empty", source->name);
    line.end = line.begin + length;
    NRM_TRY(parse_banner(ctx, source, line, &fresh));
    NRM_TRY(next_line(ctx, source, &line));
    NRM_REQUIRE(ctx, line.begin, NRM_E_FORMAT, "%s: ends before the line of sizes; the file is truncated", source->name);
    rest = line;
    const bool ok = parse_size(&rest, &fresh.rows) && parse_size(&rest, &fresh.cols) &&
                    (!fresh.coordinate || parse_size(&rest, &fresh.nnz));
    if (!ok || nrm_next_word(&rest).begin < line.end)
        return fail_line(ctx, source, line, fresh.coordinate ? "'rows cols entries' is expected"
                                                             : "'rows cols' is expected");
    NRM_REQUIRE(ctx, fresh.symmetry == NRM_GENERAL || fresh.rows == fresh.cols, NRM_E_FORMAT,
                "%s: is called symmetric but is %lld x %lld", source->name, NRM_LL(fresh.rows), NRM_LL(fresh.cols));
    *h = fresh;
    return NRM_OK;
}

/* ---- Coordinates ---------------------------------------------------------------------------------- */

nrm_status nrm_mm_read_entry(nrm_ctx *ctx, nrm_source *source, const nrm_mm_header *h, int64_t seen,
                             nrm_mm_entry *entry)
{
    nrm_span line, rest;
    nrm_mm_entry e = {.value = 1};

    NRM_TRY(next_line(ctx, source, &line));
    NRM_REQUIRE(ctx, line.begin, NRM_E_FORMAT, "%s: ends after %lld of %lld entries; the file is truncated: fetch or "
                "make it again", source->name, NRM_LL(seen), NRM_LL(h->nnz));
    rest = line;
    bool ok = parse_size(&rest, &e.row) && parse_size(&rest, &e.col);
    if (ok && !h->pattern) {
        const nrm_span word = nrm_next_word(&rest);
        ok = nrm_parse_f64(word.begin, word.end, &e.value);
    }
    if (!ok || nrm_next_word(&rest).begin < line.end)
        return fail_line(ctx, source, line, h->pattern ? "'row col' is expected" : "'row col value' is expected");
    NRM_REQUIRE(ctx, e.row >= 1 && e.row <= h->rows && e.col >= 1 && e.col <= h->cols, NRM_E_FORMAT,
                "%s: line %lld: the place (%lld, %lld) lies outside %lld x %lld; both count from 1", source->name,
                NRM_LL(source->line), NRM_LL(e.row), NRM_LL(e.col), NRM_LL(h->rows), NRM_LL(h->cols));
    e.row--;
    e.col--;
    if (h->symmetry != NRM_GENERAL && e.col > e.row)
        return fail_line(ctx, source, line, "a symmetric file lists the lower triangle only");
    if (h->symmetry == NRM_SKEW && e.col == e.row)
        return fail_line(ctx, source, line, "a skew-symmetric file does not list the diagonal, which is 0");
    *entry = e;
    return NRM_OK;
}

nrm_status nrm_mm_read_end(nrm_ctx *ctx, nrm_source *source)
{
    nrm_span line;
    NRM_TRY(next_line(ctx, source, &line));
    return line.begin ? fail_line(ctx, source, line, "nothing is expected behind the last entry") : NRM_OK;
}

typedef struct triplets {
    nrm_entries entries; /* column and value */
    int64_t *rows;
    int64_t row_capacity;
} triplets;

static nrm_status add(nrm_ctx *ctx, triplets *t, int64_t row, int64_t col, double value)
{
    NRM_TRY(nrm_grow(ctx, &t->rows, &t->row_capacity, t->entries.count + 1, sizeof *t->rows, "rows of entries"));
    t->rows[t->entries.count] = row;
    return nrm_entries_add(ctx, &t->entries, col, value);
}

/* Place the triplets by row in file order, then order each row and add up repetitions. */
static nrm_status build(nrm_ctx *ctx, const nrm_mm_header *h, const triplets *t, nrm_csr *s)
{
    nrm_entries scratch = {0};
    const int64_t n = t->entries.count;
    int64_t kept = 0, begin = 0;
    nrm_status st;

    NRM_TRY(nrm_csr_create(ctx, s, NRM_F64, h->rows, h->cols, n));
    double *values = s->values;
    /* indptr[i + 1] first counts row i, then is where its next entry goes. */
    for (int64_t k = 0; k < n; k++) s->indptr[t->rows[k] + 1]++;
    for (int64_t i = 0, sum = 0; i < s->rows; i++) {
        const int64_t count = s->indptr[i + 1];
        s->indptr[i + 1] = sum;
        sum += count;
    }
    for (int64_t k = 0; k < n; k++) {
        const int64_t at = s->indptr[t->rows[k] + 1]++;
        s->indices[at] = t->entries.indices[k];
        values[at] = t->entries.values[k];
    }
    for (int64_t i = 0; i < s->rows; i++) {
        int64_t count = s->indptr[i + 1] - begin;
        NRM_TRY_DONE(nrm_row_sort(ctx, &scratch, s->indices + begin, values + begin, &count));
        memmove(s->indices + kept, s->indices + begin, (size_t)count * sizeof *s->indices);
        memmove(values + kept, values + begin, (size_t)count * sizeof *values);
        kept += count;
        begin = s->indptr[i + 1];
        s->indptr[i + 1] = kept;
    }
    s->nnz = kept;
    st = NRM_OK;
done:
    nrm_entries_free(ctx, &scratch);
    return st; /* after a failure s goes with the rest of what was loaded */
}

static nrm_status read_coordinate(nrm_ctx *ctx, nrm_source *source, const nrm_mm_header *h, nrm_csr *s)
{
    enum { FREE_ROWS = 1 << 20, ROWS_PER_BYTE = 64 };
    triplets t = {0};
    nrm_status st;

    for (int64_t k = 0; k < h->nnz; k++) {
        nrm_mm_entry e = {0};
        NRM_TRY_DONE(nrm_mm_read_entry(ctx, source, h, k, &e));
        NRM_TRY_DONE(add(ctx, &t, e.row, e.col, e.value));
        if (h->symmetry != NRM_GENERAL && e.row != e.col)
            NRM_TRY_DONE(add(ctx, &t, e.col, e.row, h->symmetry == NRM_SKEW ? -e.value : e.value));
    }
    NRM_TRY_DONE(nrm_mm_read_end(ctx, source));
    /* A row costs 8 bytes even when it is empty: a short file must not ask for all memory. */
    NRM_STOP_IF(h->rows > FREE_ROWS && (h->rows - FREE_ROWS) / ROWS_PER_BYTE > source->taken, NRM_E_UNSUPPORTED,
                "%s: declares %lld rows in %lld bytes; almost all are empty: leave empty rows out", source->name,
                NRM_LL(h->rows), NRM_LL(source->taken));
    st = build(ctx, h, &t, s);
done:
    nrm_entries_free(ctx, &t.entries);
    nrm_free(ctx, t.rows);
    return st;
}

/* ---- Arrays ------------------------------------------------------------------------------------------ */

/* The next number, wherever the lines break. */
static nrm_status next_number(nrm_ctx *ctx, nrm_source *source, nrm_span *line, double *value)
{
    nrm_span word = nrm_next_word(line);
    if (word.begin == word.end) {
        NRM_TRY(next_line(ctx, source, line));
        NRM_REQUIRE(ctx, line->begin, NRM_E_FORMAT, "%s: ends before the last number; the file is truncated: fetch or "
                    "make it again", source->name);
        word = nrm_next_word(line);
    }
    return nrm_parse_f64(word.begin, word.end, value) ? NRM_OK : fail_line(ctx, source, word, "a number is expected");
}

/* Numbers that an array file lists: all, or a triangle with or without the diagonal. */
static bool count_listed(const nrm_mm_header *h, int64_t *count)
{
    if (h->symmetry == NRM_GENERAL) return nrm_shape_count(2, (const int64_t[]){h->rows, h->cols}, count);
    const int64_t n = h->rows;
    if (!nrm_mul_size(n, h->symmetry == NRM_SYMMETRIC ? n + 1 : nrm_max_i64(n - 1, 0), count)) return false;
    *count /= 2;
    return true;
}

static nrm_status read_array(nrm_ctx *ctx, nrm_source *source, const nrm_mm_header *h, nrm_array *a)
{
    int64_t listed;
    nrm_span line = {"", ""};

    /* A number and the end of its line take two bytes. */
    NRM_REQUIRE(ctx, h->rows < INT64_MAX && count_listed(h, &listed) && listed / 2 <= nrm_source_most(source) / 4 + 1,
                NRM_E_FORMAT, "%s: declares %lld x %lld numbers, but at most %lld bytes follow; the file is truncated or "
                "damaged: fetch or make it again", source->name, NRM_LL(h->rows), NRM_LL(h->cols),
                NRM_LL(nrm_source_most(source)));
    NRM_TRY(nrm_array_create(ctx, a, NRM_F64, 2, (const int64_t[]){h->rows, h->cols}));
    double *x = a->data;
    for (int64_t j = 0; j < h->cols && h->rows > 0; j++) {
        const int64_t first = h->symmetry == NRM_GENERAL ? 0 : h->symmetry == NRM_SYMMETRIC ? j : j + 1;
        for (int64_t i = first; i < h->rows; i++) {
            double v = 0;
            NRM_TRY(next_number(ctx, source, &line, &v));
            x[i * h->cols + j] = v;
            if (h->symmetry != NRM_GENERAL && i != j) x[j * h->cols + i] = h->symmetry == NRM_SKEW ? -v : v;
        }
    }
    const nrm_span word = nrm_next_word(&line);
    if (word.begin < word.end) return fail_line(ctx, source, word, "nothing is expected behind the last number");
    return nrm_mm_read_end(ctx, source);
}

nrm_status nrm_mm_read_body(nrm_ctx *ctx, nrm_source *source, const nrm_mm_header *h, nrm_loaded *loaded)
{
    loaded->kind = h->coordinate ? NRM_LOADED_CSR : NRM_LOADED_ARRAY;
    return h->coordinate ? read_coordinate(ctx, source, h, &loaded->csr) : read_array(ctx, source, h, &loaded->array);
}

nrm_status nrm_read_matrix_market(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded)
{
    nrm_mm_header h = {0};
    NRM_TRY(nrm_mm_read_header(ctx, source, &h));
    return nrm_mm_read_body(ctx, source, &h, loaded);
}
