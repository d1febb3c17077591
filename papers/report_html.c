/* report_html.c -- the report as one page that needs nothing beside itself. */
#include "report.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- The top ------------------------------------------------------------------------------ */

/* Four signs told apart by shape: tick, arrow, cross, open circle; and the square. */
static void add_symbols(text *page)
{
    static const char *const symbols[][2] = {
        {"holds", "<path d=\"M3 8.6l3.3 3.2L13 4.6\"/>"},
        {"direction", "<path d=\"M4 12l7.4-7.4M5.6 4.4h6v6\"/>"},
        {"fails", "<path d=\"M4 4l8 8M12 4l-8 8\"/>"},
        {"none", "<circle cx=\"8\" cy=\"8\" r=\"4.4\"/>"}};
    text_add(page, "<svg width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\"><defs>");
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        text_add(page, "<symbol id=\"icon-%s\" viewBox=\"0 0 16 16\"><g fill=\"none\" stroke=\"currentColor\" "
                       "stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\">%s</g></symbol>",
                 symbols[i][0], symbols[i][1]);
    text_add(page, "</defs></svg>\n");
}

static void add_tally(text *page, const json_t *report)
{
    const json_t *summary = json_object_get(report, "summary");
    text_add(page, "<ul class=\"tally\">\n");
    for (int v = 0; v < NRM_VERDICT_COUNT; v++) {
        const char *word = nrm_verdict_word((nrm_verdict)v), *kind = nrm_show_class(word);
        text_add(page, "<li><b>%.0f</b><span class=\"%s\">", nrm_json_real(summary, word), kind);
        nrm_show_icon(page, kind);
        text_add(page, "%s</span></li>\n", word);
    }
    text_add(page, "</ul>\n");
}

/* "2026-11-25T20:34:28Z" as "25 November 2026, 20:34 UTC". */
static void add_date(text *page, const char *date)
{
    static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July", "August",
                                         "September", "October", "November", "December"};
    int year, month, day, hour, minute;
    if (sscanf(date, "%d-%d-%dT%d:%d", &year, &month, &day, &hour, &minute) == 5 && month >= 1 && month <= 12)
        text_add(page, "%d %s %d, %02d:%02d UTC", day, months[month - 1], year, hour, minute);
    else
        nrm_show_escaped(page, date);
}

static void add_bytes(text *page, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;
    for (; bytes >= 1024 && u + 1 < sizeof units / sizeof *units; u++) bytes /= 1024;
    text_add(page, bytes >= 100 || bytes == floor(bytes) ? "%.0f\u00a0%s" : "%.1f\u00a0%s", bytes, units[u]);
}

static void add_caches(text *page, const json_t *machine)
{
    static const char *const levels[][2] = {{"l1", "L1"}, {"l2", "L2"}, {"l3", "L3"}};
    int known = 0;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (!(nrm_json_real(machine, levels[i][0]) > 0)) continue;
        text_add(page, "%s%s\u00a0", known++ > 0 ? ", " : "", levels[i][1]);
        add_bytes(page, nrm_json_real(machine, levels[i][0]));
    }
    if (known == 0) text_add(page, "unknown");
}

static void add_seconds(text *page, double seconds)
{
    if (seconds < 9.95) text_add(page, "%.1f\u00a0s", seconds);
    else if (seconds < 119.5) text_add(page, "%.0f\u00a0s", seconds);
    else text_add(page, "%.0f\u00a0min %.0f\u00a0s", floor(seconds / 60), fmod(seconds, 60));
}

static void add_facts(text *page, const json_t *report)
{
    const json_t *machine = json_object_get(report, "machine");
    text_add(page, "<dl class=\"facts\">\n<div><dt>When</dt><dd>");
    add_date(page, nrm_json_text(report, "date"));
    text_add(page, "</dd></div>\n<div><dt>How long</dt><dd>");
    add_seconds(page, nrm_json_real(report, "seconds"));
    text_add(page, "%s</dd></div>\n<div><dt>Processor</dt><dd>",
             json_is_true(json_object_get(report, "quick")) ? ", quick run" : "");
    nrm_show_key(page, machine, "cpu");
    text_add(page, "</dd></div>\n<div><dt>Used</dt><dd>%.0f of %.0f threads, <span class=\"nowrap\">%s</span></dd></div>\n",
             nrm_json_real(report, "threads"), nrm_json_real(machine, "processors"), nrm_json_text(machine, "instructions"));
    text_add(page, "<div><dt>Caches</dt><dd>");
    add_caches(page, machine);
    text_add(page, "</dd></div>\n<div><dt>Memory</dt><dd>");
    add_bytes(page, nrm_json_real(machine, "memory"));
    text_add(page, "</dd></div>\n<div><dt>System</dt><dd>");
    nrm_show_key(page, machine, "system");
    text_add(page, "</dd></div>\n<div><dt>Built with</dt><dd>Norma ");
    nrm_show_key(page, report, "version");
    text_add(page, ", ");
    nrm_show_key(page, machine, "compiler");
    text_add(page, "</dd></div>\n<div class=\"wide\"><dt>Command</dt><dd>");
    nrm_show_command(page, nrm_json_text(report, "command"));
    text_add(page, "</dd></div>\n</dl>\n");
}

static void add_top(text *page, const json_t *report)
{
    text_add(page,
             "<header>\n<div class=\"brand\"><svg viewBox=\"0 0 32 32\" aria-hidden=\"true\"><path fill=\"none\" "
             "stroke=\"currentColor\" stroke-width=\"2\" stroke-linejoin=\"round\" d=\"M5 4h7v16h16v7H5zM5 "
             "10h3M5 15h3M5 20h3M12 27v-3M17 27v-3M22 27v-3\"/></svg>Norma</div>\n"
             "<h1>What the papers claim, measured\u00a0here</h1>\n"
             "<p class=\"lead\">Norma is one library, in C, for the methods of %d papers on learning and optimising "
             "under norms, orthogonality, sparsity and constraints. This page puts what the papers claim beside what "
             "was measured on this machine. Every verdict is computed from the numbers.</p>\n",
             NRM_PAPER_COUNT);
    if (json_is_true(json_object_get(report, "stopped")))
        text_add(page, "<p class=\"stopped\">The run was stopped before its end. What had been measured by then "
                       "is shown.</p>\n");
    add_tally(page, report);
    add_facts(page, report);
    text_add(page, "</header>\n");
}

/* ---- A card ----------------------------------------------------------------------------------- */

static void add_foot(text *page, const json_t *paper)
{
    text_add(page, "<dl class=\"foot\"><div><dt>Command</dt><dd>");
    nrm_show_command(page, nrm_json_text(paper, "command"));
    text_add(page, "</dd></div><div><dt>Seed</dt><dd>%.0f</dd></div><div><dt>Took</dt><dd>",
             nrm_json_real(paper, "seed"));
    add_seconds(page, nrm_json_real(paper, "seconds"));
    text_add(page, "</dd></div></dl>\n");
}

/* The year, unless the venue names it: "ICLR 2023". */
static void add_citation(text *page, const json_t *paper)
{
    const char *venue = nrm_json_text(paper, "venue");
    char year[16];
    snprintf(year, sizeof year, "%.0f", nrm_json_real(paper, "year"));
    nrm_show_key(page, paper, "authors");
    text_add(page, ". ");
    nrm_show_escaped(page, venue);
    if (!strstr(venue, year)) text_add(page, "%s%s", *venue ? ", " : "", year);
    text_add(page, ". <span class=\"nowrap\">");
    nrm_show_key(page, paper, "identifier");
    text_add(page, "</span>");
}

static void add_card(text *page, const json_t *paper, int *plot_index)
{
    size_t i;
    json_t *entry;
    const double number = nrm_json_real(paper, "number");
    if (number > 0) text_add(page, "<article class=\"card\" id=\"paper-%.0f\">\n<header><span class=\"number\">%.0f</span><h2>", number, number);
    else text_add(page, "<article class=\"card\" id=\"%s\">\n<header><span class=\"number\">\u2217</span><h2>", nrm_json_text(paper, "slug"));
    nrm_show_key(page, paper, "title");
    text_add(page, "</h2><p class=\"cite\">");
    if (number > 0) add_citation(page, paper);
    else text_add(page, "A page of Norma\u2019s own: methods of several papers side by side.");
    text_add(page, "</p></header>\n");
    if (strcmp(nrm_json_text(paper, "state"), "failed") == 0) {
        text_add(page, "<p class=\"failed\">The experiment could not run to its end: ");
        nrm_show_key(page, paper, "message");
        text_add(page, "</p>\n");
    }
    if (*nrm_json_text(paper, "about")) {
        text_add(page, "<p class=\"about\">");
        nrm_show_key(page, paper, "about");
        text_add(page, "</p>\n");
    }
    nrm_page_claims(page, paper);
    nrm_page_plots(page, paper, plot_index);
    json_array_foreach(json_object_get(paper, "tables"), i, entry) nrm_page_table(page, entry);
    if (json_array_size(json_object_get(paper, "notes")) > 0) {
        text_add(page, "<ul class=\"notes\">");
        json_array_foreach(json_object_get(paper, "notes"), i, entry) {
            text_add(page, "<li>");
            nrm_show_escaped(page, json_string_value(entry));
            text_add(page, "</li>");
        }
        text_add(page, "</ul>\n");
    }
    add_foot(page, paper);
    text_add(page, "</article>\n");
}

/* ---- All papers --------------------------------------------------------------------------------- */

static bool on_page(const json_t *report, double number)
{
    size_t i;
    json_t *paper;
    json_array_foreach(json_object_get(report, "papers"), i, paper) {
        if (nrm_json_real(paper, "number") == number) return true;
    }
    return false;
}

static void add_papers(text *page, const json_t *report)
{
    size_t i;
    json_t *paper;
    text_add(page, "<section class=\"papers\" id=\"papers\"><h2>The %d papers</h2>\n<p>Norma takes in one paper "
                   "after the other. A paper is implemented when its method is in the library and its claims are "
                   "measured by an experiment.</p>\n<ol>\n", NRM_PAPER_COUNT);
    json_array_foreach(json_object_get(report, "all_papers"), i, paper) {
        const double number = nrm_json_real(paper, "number");
        const bool here = on_page(report, number), implemented = json_is_true(json_object_get(paper, "implemented"));
        text_add(page, "<li><span>%.0f</span><span>", number);
        if (here) text_add(page, "<a href=\"#paper-%.0f\">", number);
        nrm_show_key(page, paper, "title");
        text_add(page, here ? "</a><small>" : "<small>");
        add_citation(page, paper);
        text_add(page, "</small></span><span class=\"state\">");
        if (implemented) nrm_show_chip(page, "holds", here ? "on this page" : "implemented");
        else nrm_show_chip(page, "none", "not yet");
        text_add(page, "</span></li>\n");
    }
    text_add(page, "</ol></section>\n");
}

void nrm_report_html(text *page, const json_t *report)
{
    size_t i;
    json_t *paper;
    int plot_index = 0;
    text_add(page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Norma: claims of the papers, measured"
                   "</title>\n<style>\n");
    for (int k = 0; nrm_page_style[k]; k++) text_add(page, "%s\n", nrm_page_style[k]);
    text_add(page, "</style>\n</head>\n<body>\n");
    add_symbols(page);
    text_add(page, "<div class=\"page\">\n");
    add_top(page, report);
    text_add(page, "<main>\n");
    json_array_foreach(json_object_get(report, "papers"), i, paper) add_card(page, paper, &plot_index);
    add_papers(page, report);
    text_add(page, "</main>\n<footer><p>A claim holds when the measured number, the median where there are several, "
                   "meets the limit printed beside it. It holds in direction when it meets the weaker limit only. "
                   "The limits belong to the claims, not to the run; every number is in report.json.</p></footer>\n"
                   "</div>\n</body>\n</html>\n");
}
