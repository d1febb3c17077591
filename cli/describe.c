/* describe.c -- ports, parameters and examples of a descriptor, in words. */
#include "describe.h"
#include <inttypes.h>
#include <string.h>

/* ---- Parameters -------------------------------------------------------------------- */

bool param_is_path(const nrm_param *p)
{
    return p->kind == NRM_KIND_TEXT && (strcmp(p->content, "file") == 0 || strcmp(p->content, "folder") == 0);
}

const char *param_placeholder(const nrm_param *p)
{
    switch (p->kind) {
    case NRM_KIND_F64: return "NUMBER";
    case NRM_KIND_I64: return "INTEGER";
    case NRM_KIND_FLAG: return "";
    case NRM_KIND_TEXT:
        return param_is_path(p) ? (strcmp(p->content, "file") == 0 ? "FILE" : "FOLDER")
                                : strcmp(p->content, "words") == 0 ? "WORDS" : strcmp(p->content, "value") == 0 ? "VALUE" : "TEXT";
    default: return "WORD";
    }
}

const char *param_type(const nrm_param *p)
{
    switch (p->kind) {
    case NRM_KIND_F64: return "number";
    case NRM_KIND_I64: return "integer";
    case NRM_KIND_FLAG: return "flag";
    case NRM_KIND_TEXT: return param_is_path(p) || strcmp(p->content, "value") == 0 ? p->content : "text";
    default: return "choice";
    }
}

const char *choice_next(choice_words *words)
{
    const char *end = words->at ? strchr(words->at, '|') : NULL;
    if (!end) return NULL;
    const size_t length = (size_t)(end - words->at);
    const size_t kept = length < sizeof words->word ? length : sizeof words->word - 1;
    memcpy(words->word, words->at, kept);
    words->word[kept] = '\0';
    words->at = end + 1;
    return words->word;
}

/* In one line: as a shell takes it, its end left out where it is long. */
static void add_text_default(const char *value, text *t)
{
    enum { MOST_BYTES = 60 };
    text line = {0};
    size_t length = strlen(value), kept = length < MOST_BYTES ? length : MOST_BYTES;
    while (kept < length && ((unsigned char)value[kept] & 0xC0) == 0x80) kept--; /* a whole code point */
    text_add_bytes(&line, value, kept);
    if (kept < length) text_add(&line, "...");
    if (strpbrk(text_string(&line), "\n\t")) { /* $'\n', which the shells know */
        text_add(t, "$'");
        for (const char *c = text_string(&line); *c; c++) {
            if (*c == '\n' || *c == '\t') text_add(t, *c == '\n' ? "\\n" : "\\t");
            else text_add(t, *c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
        }
        text_add(t, "'");
    } else {
        text_add_quoted(t, text_string(&line));
    }
    text_free(&line);
}

void param_default(const nrm_param *p, text *t)
{
    choice_words words = {.at = p->choices};
    if (nrm_param_required(p)) return;
    switch (p->kind) {
    case NRM_KIND_F64: text_add_number(t, p->f64_default); break;
    case NRM_KIND_I64: text_add(t, "%" PRId64, p->i64_default); break;
    case NRM_KIND_FLAG: text_add(t, p->i64_default ? "true" : "false"); break;
    case NRM_KIND_TEXT:
        if (p->text_default) add_text_default(p->text_default, t);
        break;
    default:
        for (int64_t i = 0; i < p->i64_default; i++) choice_next(&words);
        const char *word = choice_next(&words);
        if (word) text_add(t, "%s", word);
        break;
    }
}

static void choices_in_words(const nrm_param *p, text *t)
{
    choice_words words = {.at = p->choices};
    for (const char *word = choice_next(&words); word;) {
        choice_words ahead = words;
        const bool last_comes = choice_next(&ahead) != NULL;
        choice_words after = ahead;
        text_add(t, "%s", word);
        word = choice_next(&words);
        if (last_comes) text_add(t, choice_next(&after) ? ", " : " or ");
    }
}

/* A large power of two is written as one. */
static void add_bound(const nrm_param *p, bool most, text *t)
{
    const int64_t whole = most ? p->i64_most : p->i64_least;
    int power = 20;
    while (power < 62 && whole != INT64_C(1) << power) power++;
    if (p->kind == NRM_KIND_F64) text_add_number(t, most ? p->f64_most : p->f64_least);
    else if (whole == INT64_C(1) << power) text_add(t, "2^%d", power);
    else text_add(t, "%" PRId64, whole);
}

/* "below 1", where the largest number is as good as the next whole one: 1 - DBL_EPSILON. */
static bool below_whole(const nrm_param *p, text *t)
{
    const double whole = ceil(p->f64_most);
    if (p->kind != NRM_KIND_F64 || p->f64_most == whole || whole - p->f64_most > 2 * DBL_EPSILON) return false;
    text_add(t, "below ");
    text_add_number(t, whole);
    return true;
}

void param_range(const nrm_param *p, text *t)
{
    if (p->kind == NRM_KIND_FLAG || p->kind == NRM_KIND_TEXT) return;
    if (p->kind != NRM_KIND_F64 && p->kind != NRM_KIND_I64) {
        choices_in_words(p, t);
        return;
    }
    const bool real = p->kind == NRM_KIND_F64;
    const bool low = real ? p->f64_least > -DBL_MAX : p->i64_least > INT64_MIN + 1;
    const bool high = real ? p->f64_most < DBL_MAX : p->i64_most < INT64_MAX;

    if (real && p->f64_least == NRM_POSITIVE) {
        text_add(t, "> 0");
        if (!high) return;
        text_add(t, ", ");
        if (!below_whole(p, t)) text_add(t, "at most "), add_bound(p, true, t);
    } else if (low && high) {
        add_bound(p, false, t);
        text_add(t, " to ");
        if (!below_whole(p, t)) add_bound(p, true, t);
    } else if (low) {
        text_add(t, "at least ");
        add_bound(p, false, t);
    } else if (high) {
        text_add(t, "at most ");
        add_bound(p, true, t);
    } else {
        text_add(t, real ? "any finite number" : "any integer");
    }
}

void param_facts(const nrm_param *p, text *t)
{
    const size_t start = t->length;
    param_range(p, t);
    if (p->unit && *p->unit) text_add(t, "%s[%s]", t->length > start ? " " : "", p->unit);
    if (t->length > start) text_add(t, "; ");
    if (nrm_param_required(p)) {
        text_add(t, "required");
    } else if (p->kind == NRM_KIND_TEXT && !p->text_default) {
        text_add(t, "optional");
    } else {
        text_add(t, "default ");
        if (p->kind == NRM_KIND_FLAG) text_add(t, p->i64_default ? "on" : "off");
        else param_default(p, t);
    }
}

void param_term(const nrm_param *p, text *t)
{
    text_add(t, p->kind == NRM_KIND_FLAG && p->i64_default ? "--[no-]" : "--");
    text_add_dashed(t, p->name);
    if (p->kind != NRM_KIND_FLAG) text_add(t, " %s", param_placeholder(p));
}

/* ---- Ports ---------------------------------------------------------------------------- */

void port_term(const nrm_port *p, text *t)
{
    text_add(t, "--");
    text_add_dashed(t, p->name);
    text_add(t, " FILE");
}

void port_shape(const nrm_port *p, text *t)
{
    if (!*p->shape) text_add(t, "any shape");
    for (const char *c = p->shape; *c; c++) {
        if (*c == ',') text_add(t, " x ");
        else if (*c == '|') text_add(t, " or ");
        else text_add_bytes(t, c, 1);
    }
}

void port_types(const nrm_port *p, text *t)
{
    const char *between = "";
    if (p->flags & NRM_PORT_TEXT) {
        text_add(t, "text in UTF-8");
        return;
    }
    for (int d = 0; d < NRM_DTYPE_COUNT; d++) {
        if (!(p->dtypes & NRM_DTYPE_BIT(d))) continue;
        text_add(t, "%s%s", between, nrm_dtype_name((nrm_dtype)d));
        between = ", ";
    }
}

void port_accepts(const nrm_port *p, text *t)
{
    const char *names[3];
    int count = 0;
    if (p->accepts & NRM_ACCEPT_ARRAY) names[count++] = "dense";
    if (p->accepts & NRM_ACCEPT_CSR) names[count++] = "sparse";
    if (p->accepts & NRM_ACCEPT_ROWS) names[count++] = "a stream of rows";
    for (int i = 0; i < count; i++)
        text_add(t, "%s%s", i == 0 ? "" : i == count - 1 ? " or " : ", ", names[i]);
}

void port_facts(const nrm_port *p, bool output, text *t)
{
    if (!(p->flags & NRM_PORT_TEXT)) {
        port_shape(p, t);
        text_add(t, "; ");
    }
    port_types(p, t);
    if (p->accepts != NRM_ACCEPT_ARRAY) {
        text_add(t, "; ");
        port_accepts(p, t);
    }
    if (p->unit && *p->unit) text_add(t, " [%s]", p->unit);
    if (output && (p->flags & NRM_PORT_ON_REQUEST)) text_add(t, "; made on request");
    if (!output && (p->flags & NRM_PORT_OPTIONAL)) text_add(t, "; optional");
    if (p->flags & NRM_PORT_NAN_OK) text_add(t, "; may hold NaN and Inf");
}

/* ---- Examples ----------------------------------------------------------------------------
 * "x=[1, 2] algorithm=two-pass log prompt='two words'": spaces split, but not inside
 * brackets or a quoted value, where '' is one quote. */

static bool is_on_request(const nrm_method *m, const char *name)
{
    const int i = nrm_port_find(m->outputs, m->output_count, name);
    return i >= 0 && (m->outputs[i].flags & NRM_PORT_ON_REQUEST);
}

/* The next argument of a call as name and value ("" where there is none). */
static bool next_argument(const char **at, text *name, text *value)
{
    const char *c = *at + strspn(*at, " \n");
    int depth = 0;
    text_free(name);
    text_free(value);
    if (!*c) return false;
    const size_t length = strcspn(c, "= \n");
    text_add_bytes(name, c, length);
    c += length;
    if (c[0] == '=' && c[1] == '\'') {
        for (c += 2; *c && (*c != '\'' || *++c == '\''); c++) text_add_bytes(value, c, 1);
    } else if (*c == '=') {
        for (c++; *c && (depth > 0 || (*c != ' ' && *c != '\n')); c++) {
            depth += (*c == '[') - (*c == ']');
            text_add_bytes(value, c, 1);
        }
    }
    *at = c;
    return true;
}

static void shell_argument(const nrm_method *m, const char *name, const char *value, text *t)
{
    const nrm_param *p = nrm_param_find(m, name);
    const int output = nrm_port_find(m->outputs, m->output_count, name);
    const bool flag = p && p->kind == NRM_KIND_FLAG;
    const bool off = flag && (strcmp(value, "false") == 0 || strcmp(value, "0") == 0);
    text_add(t, off ? " --no-" : " --");
    text_add_dashed(t, name);
    if (flag) return;
    text_add(t, strncmp(value, "--", 2) == 0 ? "=" : " ");
    if (*value || p) {
        text_add_quoted(t, value);
    } else { /* an output that is asked for */
        text_add_dashed(t, name);
        text_add(t, output >= 0 && (m->outputs[output].flags & NRM_PORT_TEXT) ? ".txt" : ".npy");
    }
}

static void add_python_string(const char *value, text *t)
{
    text_add(t, "\"");
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') text_add(t, "\\%c", *value);
        else if (*value == '\n') text_add(t, "\\n");
        else text_add_bytes(t, value, 1);
    }
    text_add(t, "\"");
}

static void python_argument(const nrm_method *m, const char *name, const char *value, const char *between, text *t)
{
    const nrm_param *p = nrm_param_find(m, name);
    text_add(t, "%s", between);
    for (const char *c = name; *c; c++) text_add(t, "%c", *c == '-' ? '_' : *c);
    text_add(t, "=");
    const bool number = p && p->kind == NRM_KIND_TEXT && strcmp(p->content, "value") == 0 && *value &&
                        value[strspn(value, "+-.0123456789eE")] == '\0';
    if (p && p->kind == NRM_KIND_FLAG)
        text_add(t, strcmp(value, "false") == 0 || strcmp(value, "0") == 0 ? "False" : "True");
    else if (p && !number && (p->kind == NRM_KIND_CHOICE || p->kind == NRM_KIND_TEXT)) add_python_string(value, t);
    else text_add(t, "%s", value);
}

void example_call(const nrm_method *method, const nrm_example *e, example_language language, text *t)
{
    const char *at = e->call, *between = "";
    text name = {0}, value = {0};

    if (language == EXAMPLE_SHELL) text_add(t, "norma %s", method->name);
    else {
        text_add(t, "norma.");
        for (const char *c = method->name; *c; c++) text_add(t, "%c", *c == '-' ? '_' : *c);
        text_add(t, "(");
    }
    while (next_argument(&at, &name, &value)) {
        if (language == EXAMPLE_SHELL) shell_argument(method, text_string(&name), text_string(&value), t);
        else python_argument(method, text_string(&name), text_string(&value), between, t);
        between = ", ";
    }
    /* What is expected and only made on request has to be asked for. */
    at = e->expect;
    bool shown = false;
    while (next_argument(&at, &name, &value)) {
        if (!is_on_request(method, text_string(&name))) continue;
        if (language == EXAMPLE_SHELL) shell_argument(method, text_string(&name), shown ? "" : "-", t);
        else text_add(t, "%s\"%s\"", shown ? ", " : ", want=[", text_string(&name));
        shown = true;
    }
    if (language == EXAMPLE_PYTHON) text_add(t, shown ? "])" : ")");
    text_free(&name);
    text_free(&value);
}

void example_result(const nrm_example *e, text *t)
{
    const char *at = e->expect, *between = "gives ";
    text name = {0}, value = {0};
    while (next_argument(&at, &name, &value)) {
        const char *shown = text_string(&name);
        if (strncmp(shown, "info.", 5) == 0) shown += 5;
        text_add(t, "%s%s = ", between, shown);
        for (const char *c = text_string(&value); *c; c++) { /* spaces, so that long arrays wrap */
            text_add_bytes(t, c, 1);
            if (*c == ',' && c[1] != ' ') text_add(t, " ");
        }
        between = ", ";
    }
    text_free(&name);
    text_free(&value);
}
