/* summary.c -- what the command prints for a person. */
#include "report.h"
#include <string.h>

static const char *verdict_colour(const char *verdict)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m", "\033[2m"};
    _Static_assert(sizeof colours / sizeof *colours == NRM_VERDICT_COUNT, "a colour for every verdict");
    for (int v = 0; v < NRM_VERDICT_COUNT; v++)
        if (strcmp(verdict, nrm_verdict_word((nrm_verdict)v)) == 0) return colours[v];
    return "";
}

/* Verdict, number, statement; the reason beneath where the claim does not simply hold. */
static void add_claim(text *t, const json_t *claim, int width, bool colour)
{
    enum { VERDICT = 20, VALUE = 16, INDENT = 2 + VERDICT + VALUE };
    const char *verdict = nrm_json_text(claim, "verdict"), *reason = nrm_json_text(claim, "reason");
    text value = {0};
    nrm_show_measured(&value, claim);
    text_add(t, "  %s%-*s%s%s", colour ? verdict_colour(verdict) : "", VERDICT, verdict, colour ? "\033[0m" : "",
             text_string(&value));
    const int columns = text_columns(text_string(&value), value.length);
    if (columns >= VALUE - 1) text_add(t, "\n");
    text_add_repeated(t, ' ', columns >= VALUE - 1 ? INDENT : VALUE - columns);
    text_wrap(t, nrm_json_text(claim, "statement"), INDENT, INDENT, width);
    text_add(t, "\n");
    if (*reason && strcmp(verdict, nrm_verdict_word(NRM_HOLDS)) != 0) {
        text_add_repeated(t, ' ', INDENT);
        text_wrap(t, reason, INDENT, INDENT, width);
        text_add(t, "\n");
    }
    text_free(&value);
}

void nrm_report_summary(text *t, const json_t *report, int width, bool colour)
{
    size_t p, c;
    json_t *paper, *claim, *count;
    json_array_foreach(json_object_get(report, "papers"), p, paper) {
        const char *state = nrm_json_text(paper, "state");
        if (p > 0) text_add(t, "\n");
        if (nrm_json_real(paper, "number") > 0) text_add(t, "%.0f  ", nrm_json_real(paper, "number"));
        text_add(t, "%s  (%.1f s%s%s)\n", nrm_json_text(paper, "title"), nrm_json_real(paper, "seconds"),
                 strcmp(state, "done") == 0 ? "" : ", ", strcmp(state, "done") == 0 ? "" : state);
        json_array_foreach(json_object_get(paper, "claims"), c, claim) add_claim(t, claim, width, colour);
    }
    const char *verdict;
    bool first = true;
    json_object_foreach(json_object_get(report, "summary"), verdict, count) {
        text_add(t, "%s%lld %s", first ? "\n" : ", ", (long long)json_integer_value(count), verdict);
        first = false;
    }
    text_add(t, "\n");
}
