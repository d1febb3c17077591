/* table.c -- rows of numbers as text: csv, tsv, and columns between blanks.
 *
 * One row a line.  Lines that are blank or begin with '#' do not count.  Fields are split
 * at the separator, which is found from the first two lines; a field may stand in double
 * quotes.  A field that is empty, NA, N/A, null or nan is a NaN.  Everything else must be
 * a number, or, in the first line, a name of a column. */
#include "table.h"

/* Take the next field off *rest.  1: a field; 0: none left; -1: a quote is not closed,
 * -2: text behind a closing quote.  *more says that a separator followed. */
static int next_field(nrm_span *rest, char separator, nrm_span *field, bool *more)
{
    const char *p = rest->begin, *const end = rest->end;

    if (separator == ' ') {
        while (p < end && nrm_is_blank(*p)) p++;
        if (p == end) return 0;
    } else if (!*more) {
        return 0;
    }
    const char *start = p;
    while (start < end && nrm_is_blank(*start) && *start != separator) start++;
    if (start < end && *start == '"') { /* "" inside stands for one quote */
        for (p = start + 1;; p++) {
            if (p >= end) return -1;
            if (*p != '"') continue;
            if (p + 1 < end && p[1] == '"') p++;
            else break;
        }
        *field = (nrm_span){start, ++p};
        while (p < end && nrm_is_blank(*p) && *p != separator) p++;
        if (p < end && *p != separator && !(separator == ' ' && p > field->end)) return -2;
    } else {
        if (separator == ' ') while (p < end && !nrm_is_blank(*p)) p++;
        else {
            p = p < end ? memchr(p, separator, (size_t)(end - p)) : NULL;
            if (!p) p = end;
        }
        *field = nrm_trim((nrm_span){start < p ? start : p, p});
    }
    *more = p < end;
    rest->begin = p < end && separator != ' ' ? p + 1 : p;
    return 1;
}

static nrm_span unquoted(nrm_span s)
{
    if (s.end - s.begin >= 2 && *s.begin == '"') return nrm_trim((nrm_span){s.begin + 1, s.end - 1});
    return s;
}

static bool is_missing(nrm_span s)
{
    static const char *const words[] = {"na", "n/a", "null", "none", "nan", "-nan"};
    if (s.begin == s.end) return true;
    for (int i = 0; i < NRM_COUNT(words); i++)
        if (nrm_span_is(s, words[i])) return true;
    return false;
}

static bool parse_field(nrm_span field, double *value)
{
    field = unquoted(field);
    if (nrm_parse_f64(field.begin, field.end, value)) return true;
    *value = NAN;
    return is_missing(field);
}

/* ---- Which separator ------------------------------------------------------------------------ */

static bool line_counts(nrm_span line)
{
    const char *p = line.begin;
    while (p < line.end && (nrm_is_blank(*p) || *p == '\r')) p++;
    return p < line.end && *p != '#';
}

static int64_t count_fields(nrm_span line, char separator)
{
    int64_t n = 1;
    bool quoted = false;
    for (const char *p = line.begin; p < line.end; p++) {
        if (*p == '"') quoted = !quoted;
        else if (*p == separator && !quoted) n++;
    }
    return n;
}

/* Up to two lines that count, out of at most 64 KiB; returns how many. */
static nrm_status sample(nrm_ctx *ctx, nrm_source *s, nrm_span lines[2], int *count)
{
    enum { SAMPLE_BYTES = 1 << 16 };
    const unsigned char *bytes;
    int64_t have = 0, before;

    do { /* a pipe gives what it has; do not wait for more than two lines */
        before = have;
        NRM_TRY(nrm_source_peek(ctx, s, before + 1, &bytes, &have));
        *count = 0;
        const char *p = (const char *)bytes, *const end = p + have;
        while (p < end && *count < 2) {
            const char *stop = memchr(p, '\n', (size_t)(end - p));
            nrm_span line = {p, stop ? stop : end};
            if (line_counts(line) && (stop || have == before || have >= SAMPLE_BYTES)) lines[(*count)++] = line;
            p = stop ? stop + 1 : end;
        }
    } while (*count < 2 && have > before && have < SAMPLE_BYTES);
    return NRM_OK;
}

static bool has_space(nrm_span line)
{
    return line.begin < line.end && memchr(line.begin, ' ', (size_t)(line.end - line.begin));
}

/* The first candidate that splits both lines alike; else one that splits either, so that
 * ragged rows are seen as such (a tab beside spaces is a blank like them).  The comma comes
 * last among equals: with others it is a decimal comma or part of a name. */
static char choose_separator(const nrm_span *lines, int count)
{
    static const char candidates[] = {'\t', ';', '|', ','};
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < NRM_COUNT(candidates) && count > 0; i++) {
            const int64_t first = count_fields(lines[0], candidates[i]);
            const int64_t last = count_fields(lines[count - 1], candidates[i]);
            if (first == 1 && last == 1) continue;
            if (pass == 0 && first != last) continue;
            if (pass == 1 && candidates[i] == '\t' && (has_space(lines[0]) || has_space(lines[count - 1]))) continue;
            return candidates[i];
        }
    return ' ';
}

/* ---- Lines -------------------------------------------------------------------------------------- */

/* The next line that counts; begin NULL at the end. */
static nrm_status next_line(nrm_ctx *ctx, nrm_table *t, nrm_span *line)
{
    for (;;) {
        int64_t length;
        NRM_TRY(nrm_source_line(ctx, t->source, &line->begin, &length));
        line->end = line->begin ? line->begin + length : NULL;
        if (!line->begin || line_counts(*line)) return NRM_OK;
        if (t->separator == '\t' && length > 0 && memchr(line->begin, '\t', (size_t)length) &&
            !memchr(line->begin, '#', (size_t)length))
            return NRM_OK; /* a row of missing values */
    }
}

static nrm_status fail_quote(nrm_ctx *ctx, const nrm_table *t, int why)
{
    return nrm_fail(ctx, NRM_E_FORMAT, why == -1 ? "%s: line %lld: a quote is opened and not closed on the line"
                    : "%s: line %lld: text follows a closing quote; a separator is expected",
                    t->source->name, NRM_LL(t->source->line));
}

static bool has_letter(nrm_span s)
{
    for (; s.begin < s.end; s.begin++) {
        const unsigned char c = (unsigned char)*s.begin;
        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c >= 128) return true;
    }
    return false;
}

/* Count the columns and say whether the line holds their names.  It does when no field is
 * a number and each has a letter; with numbers among them ("id,2019,2020") only when the
 * first is a word, so that a slip in a first row of data is not taken for a header. */
static nrm_status examine_first(nrm_ctx *ctx, nrm_table *t, nrm_span line)
{
    nrm_span field;
    bool more = true, numbers = false, words = false, odd = false, named = false;
    double value;
    int got;

    t->cols = 0;
    while ((got = next_field(&line, t->separator, &field, &more)) > 0) {
        const nrm_span text = unquoted(field);
        if (parse_field(field, &value)) numbers |= text.begin < text.end;
        else if (!has_letter(text)) odd = true;
        else {
            words = true;
            named |= t->cols == 0 && has_letter((nrm_span){text.begin, text.begin + 1});
        }
        t->cols++;
    }
    if (got < 0) return fail_quote(ctx, t, got);
    t->has_header = words && !odd && (!numbers || named);
    return NRM_OK;
}

static nrm_status keep_names(nrm_ctx *ctx, nrm_table *t, nrm_span line)
{
    nrm_span field;
    bool more = true;

    NRM_TRY(NRM_ALLOC(ctx, t->names, line.end - line.begin + t->cols, "column names"));
    while (next_field(&line, t->separator, &field, &more) > 0) {
        if (t->names_length > 0) t->names[t->names_length++] = '\n';
        const bool quoted = field.begin < field.end && *field.begin == '"';
        field = unquoted(field);
        for (const char *p = field.begin; p < field.end; p++) {
            t->names[t->names_length++] = *p;
            if (quoted && *p == '"') p++;
        }
    }
    return NRM_OK;
}

static nrm_status fail_field(nrm_ctx *ctx, const nrm_table *t, nrm_span field, int64_t col)
{
    char text[NRM_QUOTE_LENGTH];
    double value;
    const char *comma = memchr(field.begin, ',', (size_t)(field.end - field.begin));
    const bool decimal = comma && nrm_parse_f64(field.begin, comma, &value) &&
                         nrm_parse_f64(comma + 1, field.end, &value);
    return nrm_fail(ctx, NRM_E_FORMAT, "%s: line %lld (row %lld), column %lld: found '%s'; a number is expected%s",
                    t->source->name, NRM_LL(t->source->line), NRM_LL(t->rows + 1), NRM_LL(col + 1),
                    nrm_quote(text, field), decimal ? ": write a decimal point, not a comma"
                    : ": remove or encode columns of text");
}

/* The numbers of one line. */
static nrm_status parse_line(nrm_ctx *ctx, nrm_table *t, nrm_span line, double *to)
{
    nrm_span field;
    bool more = true;
    int64_t n = 0;
    int got;

    while ((got = next_field(&line, t->separator, &field, &more)) > 0) {
        if (n < t->cols && !parse_field(field, &to[n])) return fail_field(ctx, t, field, n);
        n++;
    }
    if (got < 0) return fail_quote(ctx, t, got);
    NRM_REQUIRE(ctx, n == t->cols, NRM_E_FORMAT,
                "%s: line %lld (row %lld) has %lld fields; the lines before have %lld: every row must have as many",
                t->source->name, NRM_LL(t->source->line), NRM_LL(t->rows + 1), NRM_LL(n), NRM_LL(t->cols));
    t->rows++;
    return NRM_OK;
}

/* ---- Contract: table.h ------------------------------------------------------------------------- */

nrm_status nrm_table_open(nrm_ctx *ctx, nrm_table *t, nrm_source *source)
{
    nrm_span lines[2] = {{0}}, line;
    int count = 0;
    nrm_table fresh = {.source = source};
    nrm_status st;

    NRM_TRY(sample(ctx, source, lines, &count));
    fresh.separator = strcmp(source->extension, "tsv") == 0 ? '\t' : choose_separator(lines, count);
    NRM_TRY(next_line(ctx, &fresh, &line));
    NRM_REQUIRE(ctx, line.begin, NRM_E_FORMAT, "%s: holds no rows; a table of numbers is expected", source->name);
    NRM_TRY(examine_first(ctx, &fresh, line));
    if (fresh.has_header) {
        NRM_TRY_DONE(keep_names(ctx, &fresh, line));
    } else {
        NRM_TRY_DONE(NRM_ALLOC(ctx, fresh.first, fresh.cols, "the first row"));
        NRM_TRY_DONE(parse_line(ctx, &fresh, line, fresh.first));
        fresh.pending = true;
    }
    *t = fresh;
    return NRM_OK;
done:
    nrm_table_close(ctx, &fresh);
    return st;
}

nrm_status nrm_table_next(nrm_ctx *ctx, nrm_table *t, double *row, bool *ended)
{
    nrm_span line;

    *ended = false;
    if (t->pending) {
        memcpy(row, t->first, (size_t)t->cols * sizeof *row);
        t->pending = false;
        return NRM_OK;
    }
    NRM_TRY(next_line(ctx, t, &line));
    if (line.begin) return parse_line(ctx, t, line, row);
    *ended = true;
    return NRM_OK;
}

nrm_status nrm_table_rewind(nrm_ctx *ctx, nrm_table *t)
{
    nrm_span line;

    NRM_TRY(nrm_source_rewind(ctx, t->source));
    NRM_TRY(next_line(ctx, t, &line)); /* the first line is kept, as names or numbers */
    t->pending = !t->has_header;
    t->rows = t->pending ? 1 : 0;
    return NRM_OK;
}

void nrm_table_close(nrm_ctx *ctx, nrm_table *t)
{
    nrm_free(ctx, t->first);
    nrm_free(ctx, t->names);
    t->first = NULL;
    t->names = NULL;
}
