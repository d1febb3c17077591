/* show.c -- text, numbers and signs as the page and the summary show them. */
#include "report.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nrm_show_escaped(text *page, const char *words)
{
    for (const char *c = words ? words : ""; *c; c++) {
        switch (*c) {
        case '&': text_add(page, "&amp;"); break;
        case '<': text_add(page, "&lt;"); break;
        case '>': text_add(page, "&gt;"); break;
        case '"': text_add(page, "&quot;"); break;
        case '\'': text_add(page, "&#39;"); break;
        default: text_add_bytes(page, c, 1);
        }
    }
}

/* 12345 as 12 345, with a thin space that does not break. */
static void add_grouped(text *t, double value)
{
    char digits[32];
    const int count = snprintf(digits, sizeof digits, "%.0f", fabs(value));
    if (value < 0) text_add(t, "\u2212");
    for (int i = 0; i < count; i++) {
        if (count > 4 && i > 0 && (count - i) % 3 == 0) text_add(t, "\u202f");
        text_add_bytes(t, &digits[i], 1);
    }
}

/* Small raised digits, so that a power of ten is plain text. */
static void add_power(text *t, long power)
{
    static const char *const raised[] = {"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                         "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
    char digits[24];
    snprintf(digits, sizeof digits, "%ld", labs(power));
    if (power < 0) text_add(t, "\u207b");
    for (const char *c = digits; *c; c++) text_add(t, "%s", raised[*c - '0']);
}

void nrm_show_number(text *t, double value)
{
    char digits[48];
    const double size = fabs(value);
    if (isnan(value)) {
        text_add(t, "not a number");
    } else if (value == floor(value) && size < 1e9) {
        add_grouped(t, value);
    } else if (isinf(value)) {
        text_add(t, value > 0 ? "\u221e" : "\u2212\u221e");
    } else if (size >= 1e-3 && size < 99995) {
        snprintf(digits, sizeof digits, size < 9999.5 ? "%.4g" : "%.0f", size);
        if (size < 100 && !strchr(digits, '.')) snprintf(digits, sizeof digits, "%.7g", size); /* 0.99998 is not 1 */
        text_add(t, "%s%s", value < 0 ? "\u2212" : "", digits);
    } else {
        snprintf(digits, sizeof digits, "%.2e", size); /* "1.23e-07" */
        char *exponent = strchr(digits, 'e');
        *exponent++ = '\0';
        if (strcmp(digits + 1, ".00") == 0) digits[1] = '\0';
        text_add(t, "%s%s\u202f\u00d7\u202f10", value < 0 ? "\u2212" : "", digits);
        add_power(t, strtol(exponent, NULL, 10));
    }
}

void nrm_show_quantity(text *t, double value, const char *unit)
{
    nrm_show_number(t, value);
    if (!unit || !*unit) return;
    if (strcmp(unit, "x") == 0) text_add(t, "\u202f\u00d7");
    else text_add(t, nrm_unit_is_long(unit) ? " %s" : "\u00a0%s", unit);
}

/* A statement that is true or false is answered in words. */
void nrm_show_measured(text *t, const json_t *claim)
{
    const double value = nrm_json_real(claim, "value");
    if (!json_object_get(claim, "values")) text_add(t, "\u2013");
    else if (strcmp(nrm_json_text(claim, "relation"), "true") != 0 || isnan(value))
        nrm_show_quantity(t, value, nrm_json_text(claim, "unit"));
    else if (value >= 1) text_add(t, "yes");
    else if (value <= 0) text_add(t, "no");
    else text_add(t, "%.3g\u00a0%% of cases", 100 * value);
}

void nrm_show_key(text *page, const json_t *object, const char *key)
{
    nrm_show_escaped(page, nrm_json_text(object, key));
}

const char *nrm_show_class(const char *verdict)
{
    static const char *const classes[] = {"holds", "direction", "fails", "none"};
    _Static_assert(sizeof classes / sizeof *classes == NRM_VERDICT_COUNT, "a class for every verdict");
    for (int v = 0; v < NRM_VERDICT_COUNT; v++)
        if (strcmp(verdict, nrm_verdict_word((nrm_verdict)v)) == 0) return classes[v];
    return "none";
}

void nrm_show_icon(text *page, const char *kind)
{
    text_add(page, "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"#icon-%s\"/></svg>", kind);
}

void nrm_show_chip(text *page, const char *kind, const char *words)
{
    text_add(page, "<span class=\"chip %s\">", kind);
    nrm_show_icon(page, kind);
    nrm_show_escaped(page, words);
    text_add(page, "</span>");
}

/* No break inside a word of the command: "--threads" would lose its hyphens. */
void nrm_show_command(text *page, const char *command)
{
    text_add(page, "<code>");
    while (*command) {
        const size_t length = strcspn(command, " ");
        text word = {0};
        text_add_bytes(&word, command, length);
        text_add(page, length < 40 ? "<span>" : "<span class=\"long\">");
        nrm_show_escaped(page, text_string(&word));
        text_add(page, command[length] ? "</span> " : "</span>");
        text_free(&word);
        command += length + (command[length] != '\0');
    }
    text_add(page, "</code>");
}
