/* json.c -- nested JSON arrays of numbers: the literals "[[1,2],[3,4]]" and .json files.
 *
 * The depth of the first number is the rank; every list must be as long as its sisters.
 * Numbers become f64, whole ones too.  null, NaN and "nan" are NaN; Infinity, "inf" and
 * "-inf" are the infinities, since JSON has no word of its own for them.
 *
 * A loop over the text with a counter for each depth, not recursion: depth is at most
 * NRM_MAX_NDIM.  (A JSON library would hold every number as an object of its own.) */
#include "formats.h"

enum { TEXT_MOST = 1 << 30 };

typedef struct json_parser {
    const char *name;
    const char *begin, *at, *end;
    int depth, rank; /* rank -1 until the first number or empty list */
    int64_t length[NRM_MAX_NDIM], seen[NRM_MAX_NDIM]; /* of the first list at a depth; of the open one */
    double *data;
    int64_t count, capacity;
} json_parser;

static nrm_status fail_at(nrm_ctx *ctx, const json_parser *j, const char *expected)
{
    char text[NRM_QUOTE_LENGTH];
    if (j->at == j->end)
        return nrm_fail(ctx, NRM_E_FORMAT, "%s: the text ends where %s is expected", j->name, expected);
    const char *stop = j->at;
    while (stop < j->end && stop - j->at < NRM_QUOTE_LENGTH && !strchr(",[] \t\r\n", *stop)) stop++;
    if (stop == j->at) stop++;
    return nrm_fail(ctx, NRM_E_FORMAT, "%s: found '%s' at character %lld; %s is expected", j->name,
                    nrm_quote(text, (nrm_span){j->at, stop}), NRM_LL(j->at - j->begin + 1), expected);
}

static nrm_status fail_ragged(nrm_ctx *ctx, const json_parser *j)
{
    return nrm_fail(ctx, NRM_E_FORMAT, "%s: the lists differ in length or depth at character %lld; all lists of one "
                    "depth must be alike", j->name, NRM_LL(j->at - j->begin + 1));
}

static void skip_space(json_parser *j)
{
    while (j->at < j->end && (nrm_is_blank(*j->at) || *j->at == '\n' || *j->at == '\r')) j->at++;
}

/* A number, or one of the words for what is none. */
static bool parse_scalar(json_parser *j, double *value)
{
    static const struct { const char *word; double value; } words[] = {
        {"null", NAN}, {"nan", NAN}, {"\"nan\"", NAN}, {"infinity", INFINITY}, {"-infinity", -INFINITY},
        {"\"inf\"", INFINITY}, {"\"-inf\"", -INFINITY}, {"\"infinity\"", INFINITY}, {"\"-infinity\"", -INFINITY}};
    nrm_span word = {j->at, j->at};
    while (word.end < j->end && *word.end != ',' && *word.end != ']' && *word.end != '[' && !nrm_is_blank(*word.end) &&
           *word.end != '\n' && *word.end != '\r')
        word.end++;
    bool found = nrm_parse_f64(word.begin, word.end, value);
    for (int i = 0; i < NRM_COUNT(words) && !found; i++)
        if (nrm_span_is(word, words[i].word)) {
            *value = words[i].value;
            found = true;
        }
    if (found) j->at = word.end;
    return found;
}

static nrm_status open_list(nrm_ctx *ctx, json_parser *j)
{
    NRM_REQUIRE(ctx, j->depth < NRM_MAX_NDIM, NRM_E_FORMAT, "%s: lists lie more than %d deep", j->name, NRM_MAX_NDIM);
    if (j->rank >= 0 && j->depth >= j->rank) return fail_ragged(ctx, j);
    j->at++;
    j->seen[j->depth++] = 0;
    return NRM_OK;
}

static nrm_status close_list(nrm_ctx *ctx, json_parser *j)
{
    const int d = --j->depth;
    if (j->length[d] < 0) j->length[d] = j->seen[d];
    if (j->length[d] != j->seen[d]) return fail_ragged(ctx, j);
    j->at++;
    return NRM_OK;
}

/* What begins a value: lists opened down to a number, or to an empty list. */
static nrm_status parse_value(nrm_ctx *ctx, json_parser *j)
{
    double value;

    for (skip_space(j); j->at < j->end && *j->at == '['; skip_space(j)) NRM_TRY(open_list(ctx, j));
    const bool empty = j->at < j->end && *j->at == ']' && j->depth > 0 && j->seen[j->depth - 1] == 0;
    if (empty) {
        if (j->rank < 0) j->rank = j->depth;
        return close_list(ctx, j);
    }
    if (j->depth == 0 || !parse_scalar(j, &value))
        return fail_at(ctx, j, j->depth == 0 ? "a list of numbers" : "a number, null, \"nan\", \"inf\" or \"-inf\"");
    if (j->rank < 0) j->rank = j->depth;
    if (j->depth != j->rank) return fail_ragged(ctx, j);
    NRM_TRY(nrm_grow(ctx, &j->data, &j->capacity, j->count + 1, sizeof(double), "a JSON array"));
    j->data[j->count++] = value;
    return NRM_OK;
}

static nrm_status parse(nrm_ctx *ctx, json_parser *j)
{
    do {
        NRM_TRY(parse_value(ctx, j));
        while (j->depth > 0) { /* after a value: a comma, or the end of one or more lists */
            j->seen[j->depth - 1]++;
            skip_space(j);
            if (j->at < j->end && *j->at == ',') {
                j->at++;
                break;
            }
            if (j->at == j->end || *j->at != ']') return fail_at(ctx, j, "',' or ']'");
            NRM_TRY(close_list(ctx, j));
        }
        NRM_REQUIRE(ctx, !nrm_cancelled(ctx), NRM_E_CANCELLED, "%s: reading stopped on request", j->name);
    } while (j->depth > 0);
    skip_space(j);
    return j->at == j->end ? NRM_OK : fail_at(ctx, j, "nothing more");
}

nrm_status nrm_read_json(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded)
{
    const unsigned char *bytes;
    int64_t have;
    json_parser j = {.name = source->name, .rank = -1};

    NRM_TRY(nrm_source_peek(ctx, source, (int64_t)TEXT_MOST + 1, &bytes, &have));
    NRM_REQUIRE(ctx, have <= TEXT_MOST, NRM_E_UNSUPPORTED, "%s: JSON of more than %d bytes; use npy", source->name,
                TEXT_MOST);
    if (have >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) { bytes += 3; have -= 3; }
    j.begin = j.at = (const char *)bytes;
    j.end = j.begin + have;
    for (int d = 0; d < NRM_MAX_NDIM; d++) j.length[d] = -1;
    nrm_status st = parse(ctx, &j);
    if (st >= 0 && !j.data) st = NRM_ALLOC(ctx, j.data, 0, "a JSON array");
    if (st < 0) {
        nrm_free(ctx, j.data);
        return st;
    }
    loaded->kind = NRM_LOADED_ARRAY;
    loaded->array = (nrm_array){.data = j.data, .dtype = NRM_F64, .ndim = j.rank, .owned = true};
    for (int d = 0; d < j.rank; d++) loaded->array.shape[d] = j.length[d];
    return NRM_OK;
}
