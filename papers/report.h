/* report.h -- between the parts of `norma reproduce`; experiments need reproduce.h only.
 *
 * All that an experiment records becomes JSON at once.  report.json is that tree, the
 * page is drawn from it, and so the two cannot disagree.
 *
 *   reproduce.c  running the papers      arguments.c  the command line
 *   record.c     recording of an experiment, its claims judged (verdict.c)
 *   kit.c        what experiments need beside the library: scratch memory, draws, timing
 *   machine.c    the machine and the build
 *   papers.c     the 33 papers         table.c  those that are implemented
 *   report_json.c, summary.c, report_html.c, report_parts.c, show.c, style.c, plot.c,
 *   gnuplot.c    the report              live.c  progress and Ctrl-C */
#ifndef NRM_REPORT_H
#define NRM_REPORT_H

#include "reproduce.h"
#include "text.h"
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

/* ---- verdict.c ----------------------------------------------------------------------- */

typedef enum nrm_verdict {
    NRM_HOLDS,
    NRM_HOLDS_IN_DIRECTION,
    NRM_DOES_NOT_HOLD,
    NRM_NOT_MEASURED,
    NRM_VERDICT_COUNT
} nrm_verdict;

const char *nrm_verdict_word(nrm_verdict verdict); /* "holds in direction" */
/* From the measured values alone; none gives NRM_NOT_MEASURED, a NaN among them
 * NRM_DOES_NOT_HOLD. */
nrm_verdict nrm_judge(const nrm_claim *claim, const double *values, int n);
/* When a claim holds, or holds in direction, in words: "at least 1.15 x".  False, and
 * nothing added, where there is no middle verdict. */
bool nrm_limit_text(text *t, const nrm_claim *claim, nrm_verdict verdict);
/* Why a claim falls short where the experiment gave no reason. */
void nrm_shortfall_text(text *t, const nrm_claim *claim, double value);
/* NULL, or what is wrong with the claims of a paper: for the author of the experiment. */
const char *nrm_claims_fault(const nrm_paper *paper);

/* ---- papers.c, table.c ----------------------------------------------------------------- */

enum { NRM_PAPER_COUNT = 33 };
typedef struct nrm_citation {
    int number;
    const char *slug, *title, *authors, *venue;
    int year;
    const char *identifier, *summary; /* "arXiv 2001.04438"; one line */
} nrm_citation;
const nrm_citation *nrm_citation_at(int number); /* 1 .. 33, else NULL */
/* Of a paper, or of a page of Norma's own: number 0, no authors. */
nrm_citation nrm_citation_of(const nrm_paper *paper);

int nrm_paper_count(void); /* implemented, and pages of Norma's own */
const nrm_paper *nrm_paper_at(int i); /* ascending by number, then the pages */
const char *nrm_paper_alias(int i);   /* "sparse_ot" */

/* ---- record.c -------------------------------------------------------------------------- */

/* What is shared by the papers of one run of the command. */
typedef struct nrm_live nrm_live;

typedef struct nrm_record {
    const nrm_paper *paper;
    json_t *measures; /* claim id -> {values, reason, missing} */
    json_t *notes, *tables, *plots;
    char trouble[256]; /* the first misuse, "" for none */
    void **scratch;
    int scratch_count;
    nrm_live *live; /* may be NULL: a silent test */
} nrm_record;

nrm_record *nrm_record_create(const nrm_paper *paper, nrm_live *live);
/* The paper's JSON: claims with verdicts, notes, tables, plots.  `ended` says in a
 * sentence why a claim without a value has none. */
json_t *nrm_record_finish(nrm_record *record, const char *ended);
void nrm_record_destroy(nrm_record *record);
void nrm_trouble(nrm_record *record, const char *format, ...) NRM_PRINTF(2, 3);

/* Numbers that JSON has no word for: NaN is null, infinities are "inf", "-inf". */
json_t *nrm_json_number(double value);
double nrm_json_value(const json_t *value);

/* ---- live.c ---------------------------------------------------------------------------- */

/* The line of progress on a terminal's standard error, and Ctrl-C. */
nrm_live *nrm_live_create(nrm_ctx *ctx, bool quiet);
void nrm_live_paper(nrm_live *live, int index, int count, int number, const char *title);
nrm_status nrm_live_step(nrm_live *live, const char *task, double done, double total);
bool nrm_live_stopped(const nrm_live *live);
void nrm_live_destroy(nrm_live *live);

/* ---- arguments.c ----------------------------------------------------------------------- */

#define NRM_DEFAULT_FOLDER "norma-report"
typedef struct nrm_arguments {
    bool quick, json, quiet;
    const char *data, *out; /* NULL where not given */
    uint64_t seed;
    int threads;  /* 0 = all */
    bool *chosen; /* one for each implemented paper; the caller's */
    bool given_quick, given_data, given_out, given_seed, given_threads, given_json, given_quiet;
} nrm_arguments;
/* CLI_DONE, or CLI_USAGE with the fault said. */
int nrm_arguments_parse(int argc, char **argv, nrm_arguments *a);
/* The command that repeats one paper, or with NULL the whole run. */
void nrm_arguments_command(text *t, const nrm_arguments *a, const nrm_paper *paper, int threads);

/* ---- The report -------------------------------------------------------------------------- */

/* report_json.c: what was run, where and how; papers are appended to "papers". */
json_t *nrm_report_create(const nrm_arguments *arguments, const nrm_machine *machine, int threads,
                          const char *command);
json_t *nrm_report_paper(const nrm_record *record, const char *command, uint64_t seed);
void nrm_report_close(json_t *report, double seconds, bool stopped);

/* summary.c: for a person, without the page. */
void nrm_report_summary(text *t, const json_t *report, int width, bool colour);

/* report_html.c: the page, self-contained. */
void nrm_report_html(text *page, const json_t *report);

/* plot.c: one plot as inline SVG; false where gnuplot is missing or fails. `index` makes
 * the ids unique on the page. */
bool nrm_plot_svg(text *page, const json_t *plot, int index);
void nrm_plot_legend(text *page, const json_t *plot); /* its series by name */
/* gnuplot.c: run commands that draw one SVG; false unless it came out whole. */
bool nrm_gnuplot(const text *commands, text *svg);

/* style.c */
extern const char *const nrm_page_style[]; /* CSS, line by line, NULL at the end */

/* show.c: text and numbers for page and summary (UTF-8), and pieces of the page. */
void nrm_show_escaped(text *page, const char *words);
void nrm_show_number(text *t, double value); /* four digits: 1.234, 12 345, 1.2 x 10^-7 */
void nrm_show_quantity(text *t, double value, const char *unit);
/* A unit that is rather a description: it stands below the number, and not in limits. */
static inline bool nrm_unit_is_long(const char *unit) { return unit && strlen(unit) > 12; }
void nrm_show_measured(text *t, const json_t *claim); /* "1.31 x", "yes" */
void nrm_show_key(text *page, const json_t *object, const char *key); /* escaped */
void nrm_show_command(text *page, const char *command);
void nrm_show_icon(text *page, const char *kind);
void nrm_show_chip(text *page, const char *kind, const char *words);
const char *nrm_show_class(const char *verdict); /* of style.c: holds, direction, fails, none */

/* report_parts.c: a paper's claims, plots and tables. */
void nrm_page_claims(text *page, const json_t *paper);
void nrm_page_plots(text *page, const json_t *paper, int *index);
void nrm_page_table(text *page, const json_t *table);

/* machine.c */
void nrm_machine_find(nrm_machine *machine);
json_t *nrm_machine_json(const nrm_machine *machine, int threads);

static inline double nrm_json_real(const json_t *object, const char *key)
{
    return nrm_json_value(json_object_get(object, key));
}

static inline const char *nrm_json_text(const json_t *object, const char *key)
{
    const char *words = json_string_value(json_object_get(object, key));
    return words ? words : "";
}

#endif
