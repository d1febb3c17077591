/* report_parts.c -- the parts of a paper's card: claims, plots, tables. */
#include "report.h"
#include <stdlib.h>
#include <string.h>

/* ---- Claims ----------------------------------------------------------------------------------- */

static void add_measured(text *page, const json_t *claim)
{
    const size_t runs = json_array_size(json_object_get(claim, "values"));
    text value = {0};
    nrm_show_measured(&value, claim);
    const char *unit = nrm_json_text(claim, "unit");
    const bool apart = runs > 0 && nrm_unit_is_long(unit) && value.length > strlen(unit) &&
                       strcmp(text_string(&value) + value.length - strlen(unit), unit) == 0;
    if (apart) value.data[value.length - strlen(unit)] = '\0';
    text_add(page, "<span class=\"value\">");
    nrm_show_escaped(page, text_string(&value)); /* a unit may hold any character */
    text_add(page, apart ? "</span><span class=\"spread\">" : "</span>");
    if (apart) {
        nrm_show_escaped(page, unit);
        text_add(page, "</span>");
    }
    text_free(&value);
    if (runs > 1) {
        text_add(page, "<span class=\"spread\">median of %zu, ", runs);
        nrm_show_number(page, nrm_json_real(claim, "least"));
        text_add(page, "\u00a0to\u00a0");
        nrm_show_number(page, nrm_json_real(claim, "most"));
        text_add(page, "</span>");
    }
    text_add(page, "<span class=\"limits\">holds: ");
    nrm_show_key(page, claim, "holds_when");
    if (*nrm_json_text(claim, "direction_when")) {
        text_add(page, "<br>in direction: ");
        nrm_show_key(page, claim, "direction_when");
    }
    text_add(page, "</span>");
}

static void add_claim(text *page, const json_t *claim)
{
    const char *verdict = nrm_json_text(claim, "verdict"), *kind = nrm_show_class(verdict);
    text_add(page, "<tr role=\"row\"><td role=\"cell\"><p>");
    nrm_show_key(page, claim, "statement");
    text_add(page, "</p><p class=\"where\">");
    nrm_show_key(page, claim, "where");
    text_add(page, "</p>");
    if (*nrm_json_text(claim, "reason")) {
        text_add(page, "<p class=\"reason %s\"><span>", kind);
        nrm_show_key(page, claim, "reason");
        text_add(page, "</span></p>");
    }
    text_add(page, "</td>\n<td role=\"cell\" data-label=\"The paper\">");
    if (*nrm_json_text(claim, "figure")) nrm_show_key(page, claim, "figure");
    else text_add(page, "<span class=\"limits\">no figure given</span>");
    text_add(page, "</td>\n<td role=\"cell\" data-label=\"Measured here\">");
    add_measured(page, claim);
    text_add(page, "</td>\n<td role=\"cell\">");
    nrm_show_chip(page, kind, verdict);
    text_add(page, "</td></tr>\n");
}

void nrm_page_claims(text *page, const json_t *paper)
{
    size_t i;
    json_t *claim;
    text_add(page, "<table class=\"claims\" role=\"table\"><thead role=\"rowgroup\"><tr role=\"row\">"
                   "<th role=\"columnheader\">Claim</th><th role=\"columnheader\">The paper</th>"
                   "<th role=\"columnheader\">Measured here</th><th role=\"columnheader\">Verdict</th></tr></thead>\n"
                   "<tbody role=\"rowgroup\">\n");
    json_array_foreach(json_object_get(paper, "claims"), i, claim) add_claim(page, claim);
    text_add(page, "</tbody></table>\n");
}

/* ---- Tables and plots --------------------------------------------------------------------------- */

/* Text that is a number all the same, "0.990", stands with the numbers. */
static bool is_words(const json_t *cell)
{
    const char *words = json_string_value(cell);
    if (!words || strcmp(words, "-") == 0) return false;
    char *end;
    strtod(words, &end);
    return end == words || *end;
}

static void add_cell(text *page, const json_t *cell)
{
    text_add(page, is_words(cell) ? "<td class=\"words\">" : "<td>");
    if (json_is_string(cell)) nrm_show_escaped(page, json_string_value(cell));
    else if (json_is_number(cell)) nrm_show_number(page, json_number_value(cell));
    else text_add(page, "\u2013");
    text_add(page, "</td>");
}

static void scroll_begin(text *page, const char *title)
{
    text_add(page, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    nrm_show_escaped(page, title);
    text_add(page, "\"><table class=\"data\"><thead><tr>");
}

static void add_title(text *page, const json_t *object)
{
    text_add(page, "<h3>");
    nrm_show_key(page, object, "title");
    text_add(page, "</h3>");
    if (!*nrm_json_text(object, "caption")) return;
    text_add(page, "<p>");
    nrm_show_key(page, object, "caption");
    text_add(page, "</p>");
}

/* A column of words has its head on the left, too: its first cell decides. */
void nrm_page_table(text *page, const json_t *table)
{
    const json_t *rows = json_object_get(table, "rows");
    size_t i, k;
    json_t *row, *cell;
    text_add(page, "<div class=\"data-box\">");
    add_title(page, table);
    scroll_begin(page, nrm_json_text(table, "title"));
    json_array_foreach(json_object_get(table, "columns"), k, cell) {
        const bool words = is_words(json_array_get(json_array_get(rows, 0), k));
        text_add(page, "<th scope=\"col\"%s>", words ? " class=\"words\"" : "");
        nrm_show_escaped(page, json_string_value(cell));
        text_add(page, "</th>");
    }
    text_add(page, "</tr></thead><tbody>\n");
    json_array_foreach(rows, i, row) {
        text_add(page, "<tr>");
        json_array_foreach(row, k, cell) add_cell(page, cell);
        text_add(page, "</tr>\n");
    }
    text_add(page, "</tbody></table></div></div>\n");
}

enum { MOST_PLOT_ROWS = 60 };

/* What a plot shows, where it cannot be drawn. */
static void add_plot_data(text *page, const json_t *plot)
{
    size_t i;
    json_t *series;
    text_add(page, "<div><p>gnuplot is missing or could not draw this; the numbers:</p>");
    scroll_begin(page, nrm_json_text(plot, "title"));
    text_add(page, "<th scope=\"col\" class=\"words\">series</th><th scope=\"col\">x</th><th scope=\"col\">y</th>"
                   "</tr></thead><tbody>\n");
    json_array_foreach(json_object_get(plot, "series"), i, series) {
        const json_t *y = json_object_get(series, "y");
        const json_t *x = json_object_get(series, json_object_get(series, "labels") ? "labels" : "x");
        for (size_t k = 0; k < json_array_size(y) && k < MOST_PLOT_ROWS; k++) {
            text_add(page, "<tr><td class=\"words\">");
            nrm_show_key(page, series, "name");
            text_add(page, "</td>");
            add_cell(page, json_array_get(x, k));
            add_cell(page, json_array_get(y, k));
            text_add(page, "</tr>\n");
        }
        if (!y || json_array_size(y) > MOST_PLOT_ROWS) {
            text_add(page, "<tr><td class=\"words\">");
            nrm_show_key(page, series, "name");
            text_add(page, "</td><td class=\"words\">%s</td><td></td></tr>\n",
                     json_object_get(series, "at") ? "a mark" : y ? "the rest is in report.json" : "in report.json");
        }
    }
    text_add(page, "</tbody></table></div></div>");
}

void nrm_page_plots(text *page, const json_t *paper, int *index)
{
    const json_t *plots = json_object_get(paper, "plots");
    size_t i;
    json_t *plot;
    if (json_array_size(plots) == 0) return;
    text_add(page, "<div class=\"plots\">\n");
    json_array_foreach(plots, i, plot) {
        text_add(page, "<figure><figcaption>");
        add_title(page, plot);
        text drawing = {0};
        const bool drawn = nrm_plot_svg(&drawing, plot, ++*index);
        if (drawn) nrm_plot_legend(page, plot);
        text_add(page, "</figcaption>%s", text_string(&drawing));
        if (!drawn) add_plot_data(page, plot);
        text_free(&drawing);
        text_add(page, "</figure>\n");
    }
    text_add(page, "</div>\n");
}
