/* options.c -- options structs by their descriptor: defaults, text, ranges. */
#include "descriptor.h"
#include <stdio.h>
#include <stdlib.h>

/* The members are read and written as bytes: the struct's type is not known here. */
double nrm_option_f64(const nrm_param *p, const void *options)
{
    double value;
    memcpy(&value, (const char *)options + p->offset, sizeof value);
    return value;
}

int64_t nrm_option_i64(const nrm_param *p, const void *options)
{
    const char *place = (const char *)options + p->offset;
    int64_t wide;
    int choice;
    bool flag;

    switch (p->kind) {
    case NRM_KIND_CHOICE: memcpy(&choice, place, sizeof choice); return choice;
    case NRM_KIND_FLAG: memcpy(&flag, place, sizeof flag); return flag;
    default: memcpy(&wide, place, sizeof wide); return wide;
    }
}

const char *nrm_option_text(const nrm_param *p, const void *options)
{
    const char *value;
    memcpy(&value, (const char *)options + p->offset, sizeof value);
    return value && strcmp(value, NRM_REQUIRED_TEXT) != 0 ? value : NULL;
}

static void store_i64(const nrm_param *p, void *options, int64_t value)
{
    char *place = (char *)options + p->offset;
    const int choice = (int)value;
    const bool flag = value != 0;

    switch (p->kind) {
    case NRM_KIND_CHOICE: memcpy(place, &choice, sizeof choice); break;
    case NRM_KIND_FLAG: memcpy(place, &flag, sizeof flag); break;
    default: memcpy(place, &value, sizeof value); break;
    }
}

void nrm_options_default(const nrm_method *method, void *options)
{
    memset(options, 0, method->options_size);
    memcpy(options, &method->options_size, sizeof(size_t)); /* `size` comes first */
    for (int i = 0; i < method->param_count; i++) {
        const nrm_param *p = &method->params[i];
        char *place = (char *)options + p->offset;
        if (p->kind == NRM_KIND_F64) memcpy(place, &p->f64_default, sizeof p->f64_default);
        else if (p->kind == NRM_KIND_TEXT) memcpy(place, &p->text_default, sizeof p->text_default);
        else store_i64(p, options, p->i64_default);
    }
}

int nrm_choice_word(const nrm_param *p, int64_t index, char *word, size_t size)
{
    const char *at = p->choices;
    for (; index > 0 && *at; index--) at = strchr(at, '|') + 1;
    if (index < 0 || !*at) return -1;
    const size_t length = (size_t)(strchr(at, '|') - at);
    snprintf(word, size, "%.*s", (int)length, at);
    return 0;
}

/* "> 0", "between 1 and 64", "at least 1", "finite". */
static void range_text(const nrm_param *p, char *text, size_t size)
{
    char least[NRM_NUMBER_LENGTH], most[NRM_NUMBER_LENGTH];
    const bool real = p->kind == NRM_KIND_F64;
    const bool low = real ? p->f64_least > -DBL_MAX : p->i64_least > INT64_MIN;
    const bool high = real ? p->f64_most < DBL_MAX : p->i64_most < INT64_MAX;

    if (real) {
        nrm_format_f64(least, p->f64_least);
        nrm_format_f64(most, p->f64_most);
    } else {
        snprintf(least, sizeof least, "%lld", NRM_LL(p->i64_least));
        snprintf(most, sizeof most, "%lld", NRM_LL(p->i64_most));
    }
    if (real && p->f64_least == NRM_POSITIVE)
        snprintf(text, size, high ? "> 0 and at most %s" : "> 0 and finite", most);
    else if (low && high) snprintf(text, size, "between %s and %s", least, most);
    else if (low) snprintf(text, size, "at least %s%s", least, real ? " and finite" : "");
    else if (high) snprintf(text, size, "at most %s%s", most, real ? " and finite" : "");
    else snprintf(text, size, "%s", real ? "finite" : "a 64-bit integer");
}

static bool in_range(const nrm_param *p, const void *options)
{
    if (p->kind == NRM_KIND_F64) {
        const double v = nrm_option_f64(p, options);
        return v >= p->f64_least && v <= p->f64_most;
    }
    const int64_t v = nrm_option_i64(p, options);
    return p->kind == NRM_KIND_FLAG ||
           (v >= p->i64_least && v <= p->i64_most && !(v == NRM_REQUIRED_I64 && nrm_param_required(p)));
}

static nrm_status check_text(nrm_ctx *ctx, const nrm_method *method, const nrm_param *p, const char *value)
{
    const bool path = strcmp(p->content, "file") == 0 || strcmp(p->content, "folder") == 0;
    char shown[NRM_SHOWN_LENGTH];

    NRM_REQUIRE(ctx, value || !nrm_param_required(p), NRM_E_ARGUMENT, "%s: %s is missing; it is %s", method->name,
                p->name, p->text);
    if (!value) return NRM_OK;
    NRM_REQUIRE(ctx, *value || !path, NRM_E_ARGUMENT, "%s: %s is ''; it must be the path of a %s (%s)", method->name,
                p->name, p->content, p->text);
    NRM_REQUIRE(ctx, nrm_is_utf8(value), NRM_E_ARGUMENT, "%s: %s is '%s'; it must be UTF-8 (%s)", method->name,
                p->name, nrm_shown(shown, value), p->text);
    return NRM_OK;
}

static nrm_status check_option(nrm_ctx *ctx, const nrm_method *method, const nrm_param *p, const void *options)
{
    char range[96], value[NRM_NUMBER_LENGTH];

    if (p->kind == NRM_KIND_TEXT) return check_text(ctx, method, p, nrm_option_text(p, options));
    if (in_range(p, options)) return NRM_OK; /* the words below cost more than a short method */
    range_text(p, range, sizeof range);
    if (p->kind == NRM_KIND_F64) {
        const double v = nrm_option_f64(p, options);
        NRM_REQUIRE(ctx, !(isnan(v) && nrm_param_required(p)), NRM_E_ARGUMENT,
                    "%s: %s is missing; it must be %s (%s)", method->name, p->name, range, p->text);
        nrm_format_f64(value, v);
        NRM_REQUIRE(ctx, v >= p->f64_least && v <= p->f64_most, NRM_E_RANGE,
                    "%s: %s is %s; it must be %s (%s)", method->name, p->name, value, range, p->text);
    } else if (p->kind == NRM_KIND_I64 || p->kind == NRM_KIND_CHOICE) {
        const int64_t v = nrm_option_i64(p, options);
        NRM_REQUIRE(ctx, !(v == NRM_REQUIRED_I64 && nrm_param_required(p)), NRM_E_ARGUMENT,
                    "%s: %s is missing; it must be %s (%s)", method->name, p->name, range, p->text);
        NRM_REQUIRE(ctx, v >= p->i64_least && v <= p->i64_most, NRM_E_RANGE,
                    "%s: %s is %lld; it must be %s (%s)", method->name, p->name, NRM_LL(v), range, p->text);
    }
    return NRM_OK;
}

nrm_status nrm_options_load(nrm_ctx *ctx, const nrm_method *method, const void *options, void *loaded)
{
    nrm_options_default(method, loaded);
    if (options) {
        size_t size;
        memcpy(&size, options, sizeof size);
        NRM_REQUIRE(ctx, size >= sizeof size && size <= method->options_size, NRM_E_ARGUMENT,
                    "%s: options.size is %zu; make the options with the method's _options_default() "
                    "(this library's are %zu bytes)", method->name, size, method->options_size);
        memcpy(loaded, options, size);
        memcpy(loaded, &method->options_size, sizeof size);
    }
    for (int i = 0; i < method->param_count; i++)
        NRM_TRY(check_option(ctx, method, &method->params[i], loaded));
    return NRM_OK;
}

/* ---- From text ----------------------------------------------------------------------------- */

static nrm_status choice_from_text(nrm_ctx *ctx, const nrm_method *method, const nrm_param *p,
                                   const char *text, int64_t *value)
{
    enum { MOST = 32 };
    char words[MOST][48], list[MOST * 50] = "";
    const char *pointers[MOST + 1] = {NULL};
    int count = 0;

    for (; count < MOST && nrm_choice_word(p, count, words[count], sizeof words[count]) == 0; count++) {
        if (nrm_same_name(words[count], text)) {
            *value = count;
            return NRM_OK;
        }
        pointers[count] = words[count];
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", count ? ", " : "", words[count]);
    }
    const char *near = nrm_nearest(text, pointers);
    char shown[NRM_SHOWN_LENGTH];
    return nrm_fail(ctx, NRM_E_ARGUMENT, "%s: %s is '%s'; it must be one of %s%s%s%s", method->name, p->name,
                    nrm_shown(shown, text), list, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

nrm_status nrm_option_from_text(nrm_ctx *ctx, const nrm_method *method, const nrm_param *p, const char *text,
                                void *options)
{
    const char *end = text + strlen(text);
    char shown[NRM_SHOWN_LENGTH];
    double real = 0;
    int64_t whole = 0;

    switch (p->kind) {
    case NRM_KIND_F64:
        NRM_REQUIRE(ctx, nrm_parse_f64(text, end, &real), NRM_E_ARGUMENT,
                    "%s: %s is '%s'; it must be a number such as 0.1 or 1e-6 (%s)", method->name, p->name,
                    nrm_shown(shown, text), p->text);
        memcpy((char *)options + p->offset, &real, sizeof real);
        break;
    case NRM_KIND_I64:
        NRM_REQUIRE(ctx, nrm_parse_i64(text, end, &whole), NRM_E_ARGUMENT,
                    "%s: %s is '%s'; it must be a whole number (%s)", method->name, p->name,
                    nrm_shown(shown, text), p->text);
        store_i64(p, options, whole);
        break;
    case NRM_KIND_FLAG:
        whole = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
        NRM_REQUIRE(ctx, whole || strcmp(text, "false") == 0 || strcmp(text, "0") == 0, NRM_E_ARGUMENT,
                    "%s: %s is '%s'; it must be true or false (%s)", method->name, p->name,
                    nrm_shown(shown, text), p->text);
        store_i64(p, options, whole);
        break;
    case NRM_KIND_TEXT:
        NRM_TRY(check_text(ctx, method, p, text));
        memcpy((char *)options + p->offset, &text, sizeof text);
        break;
    default:
        NRM_TRY(choice_from_text(ctx, method, p, text, &whole));
        store_i64(p, options, whole);
        break;
    }
    return check_option(ctx, method, p, options);
}
