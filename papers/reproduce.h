/* reproduce.h -- a paper's claims as data, and the experiment that measures them.
 *
 * papers/NN-name.c holds one `const nrm_paper nrm_paper_NN`: the claims and a `run`
 * that measures them through the public API.  `norma reproduce` runs it, judges every
 * claim from the numbers alone, and shows all that was recorded on one page and in one
 * JSON object.  The paper's citation lives in papers.c, its line in table.def.
 *
 *   static const nrm_claim claims[] = {
 *       {.id = "speed-up", .statement = "Out of cache, two passes beat three",
 *        .where = "section 5, figure 6", .figure = "16-18 % faster", .unit = "x",
 *        .relation = NRM_AT_LEAST, .holds = 1.15, .direction = 1.0}};
 *
 *   static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
 *   {
 *       ...
 *       nrm_measure_spread(r, "speed-up", ratios, rounds);
 *       nrm_measure_reason(r, "speed-up", "A copy runs at %.1f GB/s here, so ...", copy);
 *       return NRM_OK;
 *   }
 *   const nrm_paper nrm_paper_32 = {.number = 32, .about = "...", .claims = claims,
 *                                   .claim_count = NRM_CLAIM_COUNT(claims), .run = run};
 *
 * Nothing that records can fail in the experiment's face: text and numbers are copied,
 * the first trouble (no memory, an unknown claim id, NULL) is kept, and the framework
 * reports it when run returns.  Text is UTF-8 and plain: it is escaped for the page. */
#ifndef NRM_REPRODUCE_H
#define NRM_REPRODUCE_H

#include <norma/core.h>

/* ---- Claims ------------------------------------------------------------------------ */

/* When a measured value (the median, where several are given) meets a limit. */
typedef enum nrm_relation {
    NRM_AT_LEAST, /* value >= limit */
    NRM_AT_MOST,  /* value <= limit */
    NRM_WITHIN,   /* |value - target| <= limit */
    NRM_TRUE      /* value is the share of cases in which the statement is true (1 = yes,
                     0 = no); it holds at 1, limits need not be given */
} nrm_relation;

typedef struct nrm_claim {
    const char *id;        /* for the recording functions; short, unique in the paper */
    const char *statement; /* the claim in words, one sentence */
    const char *where;     /* "section 4, figure 2", "abstract", "derived from (7)" */
    const char *figure;    /* the paper's number as text, "" where it gives none */
    const char *unit;      /* of the measured value: "x", "%", "ns/element", ""; a longer one
                              (over 12 bytes) is shown as a description below the number */
    nrm_relation relation;
    double target;    /* of NRM_WITHIN */
    double holds;     /* limit: the claim holds */
    double direction; /* weaker limit: it holds in direction only.  Equal to `holds` (or
                         stronger): there is no middle verdict.  NRM_TRUE: share, 0 for none */
} nrm_claim;

/* ---- Papers ------------------------------------------------------------------------ */

typedef struct nrm_reproduction nrm_reproduction;

typedef struct nrm_paper {
    int number;        /* of the 33: title, authors, ... are looked up in papers.c.  0: a page of
                          Norma's own, which compares the methods of several papers */
    const char *slug, *title; /* of such a page: "optimizers"; NULL for a paper */
    const char *about; /* what the experiment does and on what: a few sentences */
    const nrm_claim *claims;
    int claim_count;
    /* Measure.  A status < 0 means that the experiment itself could not run: what was
     * recorded until then is shown with ctx's sentence.  A claim that fails is no error.
     * NRM_E_CANCELLED and NRM_PARTIAL of a call mean Ctrl-C: return them, measure nothing
     * from such a result. */
    nrm_status (*run)(nrm_reproduction *r, nrm_ctx *ctx);
} nrm_paper;

#define NRM_CLAIM_COUNT(claims) ((int)(sizeof(claims) / sizeof *(claims)))

/* The machine, as found at the start. */
typedef struct nrm_machine {
    char cpu[128];            /* "AMD EPYC 9B14" */
    int64_t l1, l2, l3;       /* data bytes seen by one core; 0 where unknown */
    int processors;           /* on line */
    bool avx2, avx512;        /* avx2: with FMA; avx512: F, DQ, BW and VL */
    int64_t memory;           /* bytes */
} nrm_machine;

struct nrm_reproduction {
    bool quick;       /* make it short: a few seconds, smaller sizes */
    const char *data; /* folder of the real data (--data), NULL where none was given */
    uint64_t seed;    /* also of ctx */
    int threads;      /* also of ctx */
    const nrm_machine *machine;
    struct nrm_record *record; /* the framework's */
};

/* ---- Recording: what was measured ---------------------------------------------------- */

/* The value of a claim; a second call replaces the first. */
void nrm_measure(nrm_reproduction *r, const char *claim, double value);
/* Several runs of the same measurement: judged by the median, shown with min .. max. */
void nrm_measure_spread(nrm_reproduction *r, const char *claim, const double *values, int n);
/* Yes or no, for NRM_TRUE. */
void nrm_measure_bool(nrm_reproduction *r, const char *claim, bool value);
/* Why the verdict is what it is, composed from measurements; shown beside the verdict.
 * Without it a claim that falls short says only measured value and limit. */
void nrm_measure_reason(nrm_reproduction *r, const char *claim, const char *format, ...) NRM_PRINTF(3, 4);
/* The claim cannot be measured here: data absent, an instruction set missing. */
void nrm_not_measured(nrm_reproduction *r, const char *claim, const char *format, ...) NRM_PRINTF(3, 4);
/* A remark below the claims: sizes used, a departure from the paper. */
void nrm_note(nrm_reproduction *r, const char *format, ...) NRM_PRINTF(2, 3);

/* A table, filled cell by cell, row after row:
 *     static const char *const columns[] = {"n", "two-pass, ns/element"};
 *     nrm_table t = nrm_table_begin(r, "Time by size", NULL, columns, 2);
 *     nrm_cell_text(t, "4 Ki");  nrm_cell_number(t, 0.31); */
typedef struct nrm_table { struct nrm_record *record; void *node; } nrm_table;
nrm_table nrm_table_begin(nrm_reproduction *r, const char *title, const char *caption /* NULL */,
                          const char *const *columns, int column_count);
void nrm_cell_text(nrm_table table, const char *format, ...) NRM_PRINTF(2, 3);
void nrm_cell_number(nrm_table table, double value); /* shown with four digits */

/* A plot; series are added to it, x and y are copied.
 *     nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "Time by size",
 *         .x_label = "elements", .y_label = "ns/element", .x_log = true});
 *     nrm_plot_line(p, "two-pass", sizes, times, n); */
typedef struct nrm_plot { struct nrm_record *record; void *node; } nrm_plot;
typedef struct nrm_plot_options {
    const char *title, *caption;   /* caption: what to see in it; may be NULL */
    const char *x_label, *y_label; /* with units */
    bool x_log, y_log;
    bool y_from_zero;              /* y axis starts at 0 (linear axes) */
} nrm_plot_options;
nrm_plot nrm_plot_begin(nrm_reproduction *r, const nrm_plot_options *options);
void nrm_plot_line(nrm_plot plot, const char *name, const double *x, const double *y, int64_t n);
void nrm_plot_points(nrm_plot plot, const char *name, const double *x, const double *y, int64_t n);
/* Line with a band from low to high around it. */
void nrm_plot_band(nrm_plot plot, const char *name, const double *x, const double *y,
                   const double *low, const double *high, int64_t n);
/* One bar a label; several bar series stand side by side. */
void nrm_plot_bars(nrm_plot plot, const char *name, const char *const *labels, const double *y, int64_t n);
/* values is rows x cols, row 0 at the top; alone in its plot. */
void nrm_plot_heat(nrm_plot plot, const char *name, const double *values, int64_t rows, int64_t cols);
/* A thin dashed line across: a limit, a cache size (vertical). */
void nrm_plot_mark_y(nrm_plot plot, const char *name, double y);
void nrm_plot_mark_x(nrm_plot plot, const char *name, double x);

/* ---- What experiments need beside the library ---------------------------------------- */

/* Say how far the experiment is (calls of library methods report by themselves through
 * ctx).  NRM_E_CANCELLED once the user pressed Ctrl-C: return it. */
NRM_NODISCARD nrm_status nrm_step(nrm_reproduction *r, const char *task, double done, double total);

/* count * size bytes of zeros, 64-byte aligned, released by the framework when run
 * returns; NULL (return NRM_E_NOMEM) when it cannot be had. */
void *nrm_scratch(nrm_reproduction *r, int64_t count, size_t size);

/* The path of a file or folder below --data, NULL where there is none.  The string is the
 * framework's and lasts until run returns. */
const char *nrm_data_path(nrm_reproduction *r, const char *name);

double nrm_seconds(void); /* monotonic clock */
double nrm_median(const double *values, int n); /* of n >= 1 values, NaN for none */

/* Synthetic data: splitmix64, as the specifications of the papers spell it out. */
typedef struct nrm_draws { uint64_t state; } nrm_draws; /* {seed} to start */
uint64_t nrm_draw(nrm_draws *draws);
double nrm_draw_uniform(nrm_draws *draws); /* [0, 1), 53 bits */
double nrm_draw_normal(nrm_draws *draws);  /* Box-Muller, cosine half only */

/* Time contenders fairly: one warm-up each, then `rounds` rounds in which every one runs
 * in turn, repeated within its turn until least_seconds have passed.  seconds[c * rounds + k]
 * is contender c's time per run in round k.  Stops at a failure or Ctrl-C. */
typedef struct nrm_contender {
    const char *name;
    nrm_status (*run)(nrm_ctx *ctx, void *user);
    void *user;
} nrm_contender;
NRM_NODISCARD nrm_status nrm_time_in_turn(nrm_reproduction *r, nrm_ctx *ctx, const nrm_contender *contenders,
                                          int count, int rounds, double least_seconds, double *seconds);

/* ---- The command --------------------------------------------------------------------- */

/* norma reproduce NAME|NN|all [...]: argv[0] is "reproduce" (or anything).  Returns the
 * exit code: 0 done, whatever the verdicts; 1 an experiment or the page failed; 2 usage. */
int nrm_reproduce_main(int argc, char **argv);

#endif
