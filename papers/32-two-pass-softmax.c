/* 32-two-pass-softmax.c -- what the paper on two-pass softmax claims, measured here.
 * Framework: reproduce.h.  Timing is in one thread, on uniform logits in [-1000, 1000] as in
 * the authors' benchmark; algorithms run in turn, so that a busy machine slows all alike. */
#include "reproduce.h"
#include <math.h>
#include <norma/softmax.h>
#include <stdio.h>
#include <string.h>

static const nrm_claim claims[] = {
    {.id = "avx512-out-of-cache", .statement = "Out of cache, with AVX-512, two passes beat the better of the two "
     "three-pass algorithms (ordinary stores, one thread)", .where = "abstract; Skylake-X",
     .figure = "up to 28 % faster", .unit = "x", .relation = NRM_AT_LEAST, .holds = 1.15, .direction = 1},
    {.id = "avx2-out-of-cache", .statement = "The same with AVX2", .where = "abstract; Skylake-X",
     .figure = "up to 18 % faster", .unit = "x", .relation = NRM_AT_LEAST, .holds = 1.15, .direction = 1},
    {.id = "reload-in-cache", .statement = "In cache, where arithmetic is the limit, three passes with reloading beat "
     "two passes: one exponential an element against two", .where = "derived from the operation counts; the authors' "
     "library ships reloading", .figure = "", .unit = "x", .relation = NRM_AT_LEAST, .holds = 1.05, .direction = 1},
    {.id = "traffic", .statement = "Time out of cache follows the words moved: reloading (5, and 1 for the first "
     "write) against two-pass (3, and 1)", .where = "section 3: 3N, 4N, 5N memory operations", .figure = "6/4 = 1.5",
     .unit = "x", .relation = NRM_WITHIN, .target = 1.5, .holds = 0.3, .direction = 0.5},
    {.id = "no-overflow", .statement = "No maximum is needed: sums of exponentials up to exp(131072) and rows that sum "
     "to 1 within 1e-6", .where = "section 4", .figure = "", .unit = "of the rows", .relation = NRM_TRUE, .holds = 1},
    {.id = "error", .statement = "Largest relative error of two-pass, logits 100 + 10 N(0,1)",
     .where = "derived: degree-5 polynomial, 1.6e-7, and one rounding each", .figure = "", .unit = "",
     .relation = NRM_AT_MOST, .holds = 1e-6, .direction = 2e-6},
    {.id = "error-ratio", .statement = "Two-pass is the more accurate: x - max, which three passes round, is never "
     "formed", .where = "derived; 100 + 10 N(0,1)", .figure = "", .unit = "x", .relation = NRM_AT_LEAST, .holds = 3,
     .direction = 1},
    {.id = "threads", .statement = "The bits do not depend on the number of threads",
     .where = "Norma's blocks; the paper runs one thread", .figure = "", .unit = "of the cases", .relation = NRM_TRUE,
     .holds = 1},
    {.id = "extremes", .statement = "-inf and -FLT_MAX give 0, a NaN makes its row NaN, an all-masked row is 0, huge "
     "entries win", .where = "Norma's clamp and exact path; the published kernels return NaN", .figure = "",
     .unit = "of the cases", .relation = NRM_TRUE, .holds = 1},
};

/* ---- Contenders ------------------------------------------------------------------------------ */

enum { TWO_PASS, TWO_PASS_NT, RECOMPUTE, RELOAD, BLOCK_RELOAD, ONLINE, COPY, CONTENDERS };
static const char *const names[CONTENDERS] = {"two-pass", "two-pass, streaming", "three-pass, recompute",
                                              "three-pass, reload", "block-reload (ours)", "online", "copy"};
enum { MOST_ROUNDS = 9, MOST_SIZES = 9 };

typedef struct job {
    int64_t n;
    const float *x;
    float *y;
    nrm_softmax_options options;
} job;

static nrm_status run_softmax(nrm_ctx *ctx, void *user)
{
    const job *j = user;
    return nrm_softmax_f32(ctx, 1, j->n, j->x, j->n, NULL, j->y, j->n, NULL, NULL, &j->options);
}

static nrm_status run_copy(nrm_ctx *ctx, void *user)
{
    const job *j = user;
    (void)ctx;
    memcpy(j->y, j->x, (size_t)j->n * sizeof *j->y);
    return NRM_OK;
}

static nrm_softmax_options contender(int which, int isa)
{
    static const int algorithm[] = {NRM_SOFTMAX_TWO_PASS, NRM_SOFTMAX_TWO_PASS, NRM_SOFTMAX_THREE_PASS_RECOMPUTE,
                                    NRM_SOFTMAX_THREE_PASS_RELOAD, NRM_SOFTMAX_BLOCK_RELOAD, NRM_SOFTMAX_ONLINE, 0};
    nrm_softmax_options o = nrm_softmax_options_default();
    o.algorithm = algorithm[which];
    o.isa = isa;
    o.nt_stores = which == TWO_PASS_NT ? NRM_SOFTMAX_NT_ALWAYS : NRM_SOFTMAX_NT_NEVER;
    return o;
}

/* ---- Times ----------------------------------------------------------------------------------- */

typedef struct timing {
    int isa;
    const char *isa_name;
    int sizes, rounds;
    double n[MOST_SIZES];
    double seconds[MOST_SIZES][CONTENDERS][MOST_ROUNDS];
} timing;

static nrm_status measure_size(nrm_reproduction *r, nrm_ctx *ctx, timing *t, int s, const float *x, float *y)
{
    nrm_contender contenders[CONTENDERS];
    job jobs[CONTENDERS];
    double seconds[CONTENDERS * MOST_ROUNDS];

    for (int c = 0; c < CONTENDERS; c++) {
        jobs[c] = (job){(int64_t)t->n[s], x, y, contender(c, t->isa)};
        contenders[c] = (nrm_contender){names[c], c == COPY ? run_copy : run_softmax, &jobs[c]};
    }
    const nrm_status st =
        nrm_time_in_turn(r, ctx, contenders, CONTENDERS, t->rounds, r->quick ? 2e-3 : 1e-2, seconds);
    if (st < 0) return st;
    for (int c = 0; c < CONTENDERS; c++)
        memcpy(t->seconds[s][c], seconds + c * t->rounds, (size_t)t->rounds * sizeof *seconds);
    return NRM_OK;
}

static void show_times(nrm_reproduction *r, const timing *t)
{
    const char *columns[CONTENDERS + 2] = {"elements"};
    char title[64];
    double ns[CONTENDERS][MOST_SIZES];

    for (int c = 0; c < CONTENDERS; c++) columns[c + 1] = names[c];
    columns[CONTENDERS + 1] = "two-pass against copy, % of its bandwidth";
    snprintf(title, sizeof title, "Nanoseconds an element, %s", t->isa_name);
    nrm_table table = nrm_table_begin(r, title, "Median of the rounds; one row of f32, one thread.", columns,
                                      CONTENDERS + 2);
    for (int s = 0; s < t->sizes; s++) {
        nrm_cell_text(table, "2^%d", (int)lround(log2(t->n[s])));
        for (int c = 0; c < CONTENDERS; c++) {
            ns[c][s] = 1e9 * nrm_median(t->seconds[s][c], t->rounds) / t->n[s];
            nrm_cell_number(table, ns[c][s]);
        }
        nrm_cell_number(table, 100 * (3 / ns[TWO_PASS_NT][s]) / (2 / ns[COPY][s]));
    }
    nrm_plot plot = nrm_plot_begin(r, &(nrm_plot_options){
        .title = title, .caption = "Left of the line x and y fit the last cache: one exponential an element wins. "
        "Right of it memory is the limit and the fewest passes win.", .x_label = "elements of the row",
        .y_label = "ns/element", .x_log = true, .y_from_zero = true});
    for (int c = 0; c < CONTENDERS; c++) nrm_plot_line(plot, names[c], t->n, ns[c], t->sizes);
    if (r->machine->l3 > 0) nrm_plot_mark_x(plot, "x and y fill the last cache", (double)r->machine->l3 / 8);
}

/* How much longer `slower` takes than `faster` in each round; of two slower ones the better. */
static void ratios(const timing *t, int s, int slower, int or_slower, int faster, double *ratio)
{
    for (int k = 0; k < t->rounds; k++)
        ratio[k] = fmin(t->seconds[s][slower][k], t->seconds[s][or_slower][k]) / t->seconds[s][faster][k];
}

static void judge_times(nrm_reproduction *r, const timing *t)
{
    const bool wide = t->isa == NRM_SOFTMAX_ISA_AVX512;
    const char *claim = wide ? "avx512-out-of-cache" : "avx2-out-of-cache";
    const int last = t->sizes - 1;
    double ratio[MOST_ROUNDS];

    ratios(t, last, RECOMPUTE, RELOAD, TWO_PASS, ratio);
    nrm_measure_spread(r, claim, ratio, t->rounds);
    const double own = nrm_median(ratio, t->rounds);
    ratios(t, last, ONLINE, ONLINE, TWO_PASS, ratio);
    const double online = nrm_median(ratio, t->rounds);
    const double copy = 8e-9 * t->n[last] / nrm_median(t->seconds[last][COPY], t->rounds);
    ratios(t, last, RECOMPUTE, RELOAD, TWO_PASS_NT, ratio);
    nrm_measure_reason(r, claim, "At 2^%d elements two-pass is %.2f times as fast as the better three-pass, with "
                       "streaming stores %.2f times; with ordinary stores it is %.2f times as fast as online softmax, "
                       "which makes two passes too; a copy runs at %.1f GB/s here.",
                       (int)lround(log2(t->n[last])), own, nrm_median(ratio, t->rounds), online, copy);
    if (!wide && r->machine->avx512) return; /* the rest is told by the best instruction set */
    ratios(t, 1, TWO_PASS, TWO_PASS, RELOAD, ratio);
    nrm_measure_spread(r, "reload-in-cache", ratio, t->rounds);
    nrm_measure_reason(r, "reload-in-cache", "At 2^%d elements, %s: reloading is %.2f times as fast as two-pass. This "
                       "is a limit of the paper's algorithm, stated here: in cache Norma's auto does not use it.",
                       (int)lround(log2(t->n[1])), t->isa_name, nrm_median(ratio, t->rounds));
    ratios(t, last, RELOAD, RELOAD, TWO_PASS, ratio);
    nrm_measure_spread(r, "traffic", ratio, t->rounds);
    nrm_measure_reason(r, "traffic", "Measured at 2^%d elements with %s; where arithmetic is not fully hidden behind "
                       "memory, the second exponential of two-pass lowers the ratio.",
                       (int)lround(log2(t->n[last])), t->isa_name);
}

static nrm_status measure_isa(nrm_reproduction *r, nrm_ctx *ctx, int isa, const float *x, float *y, int largest)
{
    static const int few[] = {12, 14, 18, 21}, many[] = {12, 14, 16, 18, 20, 22, 24};
    timing *t = nrm_scratch(r, 1, sizeof *t);
    const int *powers = r->quick ? few : many;
    const int count = r->quick ? NRM_CLAIM_COUNT(few) : NRM_CLAIM_COUNT(many);

    if (!t) return NRM_E_NOMEM;
    t->isa = isa;
    t->isa_name = isa == NRM_SOFTMAX_ISA_AVX512 ? "AVX-512" : "AVX2";
    t->rounds = r->quick ? 7 : MOST_ROUNDS;
    for (int s = 0; s < count; s++)
        if (powers[s] < largest) t->n[t->sizes++] = exp2(powers[s]);
    t->n[t->sizes++] = exp2(largest);
    for (int s = 0; s < t->sizes; s++) {
        const nrm_status st = measure_size(r, ctx, t, s, x, y);
        if (st < 0) return st;
    }
    show_times(r, t);
    judge_times(r, t);
    return NRM_OK;
}

static nrm_status times(nrm_reproduction *r, nrm_ctx *ctx)
{
    /* Out of cache: x and y four times the last cache, if the memory allows. */
    int largest = r->quick ? 23 : 25;
    while (largest < 28 && exp2(largest + 3) < 4.0 * (double)r->machine->l3) largest++;
    while (largest > 22 && r->machine->memory > 0 && exp2(largest + 4) > (double)r->machine->memory) largest--;
    const int64_t n = (int64_t)1 << largest;
    float *x = nrm_scratch(r, n, sizeof *x), *y = nrm_scratch(r, n, sizeof *y);
    nrm_draws draws = {r->seed + 32};
    nrm_status st = NRM_OK;

    if (!x || !y) return NRM_E_NOMEM;
    for (int64_t i = 0; i < n; i++) x[i] = (float)(2000 * nrm_draw_uniform(&draws) - 1000);
    st = nrm_set_threads(ctx, 1);
    if (st >= 0 && r->machine->avx512) st = measure_isa(r, ctx, NRM_SOFTMAX_ISA_AVX512, x, y, largest);
    if (st >= 0 && r->machine->avx2) st = measure_isa(r, ctx, NRM_SOFTMAX_ISA_AVX2, x, y, largest);
    if (!r->machine->avx512) nrm_not_measured(r, "avx512-out-of-cache", "This processor has no AVX-512.");
    if (!r->machine->avx2) {
        nrm_not_measured(r, "avx2-out-of-cache", "This processor has no AVX2 with FMA.");
        nrm_not_measured(r, "reload-in-cache", "Only vector kernels are timed; there are none for this processor.");
        nrm_not_measured(r, "traffic", "Only vector kernels are timed; there are none for this processor.");
    }
    const nrm_status back = nrm_set_threads(ctx, r->threads);
    return st < 0 ? st : back;
}

/* ---- Errors ------------------------------------------------------------------------------------ */

enum { ERROR_KINDS = 3 };
static const char *const kinds[ERROR_KINDS] = {"N(0,1)", "100 + 10 N(0,1)", "uniform in [-1000, 1000]"};

static void logits(int kind, float *x, int64_t n, uint64_t seed)
{
    nrm_draws draws = {seed + 100 + (uint64_t)kind};
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(kind == 0 ? nrm_draw_normal(&draws) : kind == 1 ? 100 + 10 * nrm_draw_normal(&draws)
                                                                       : 2000 * nrm_draw_uniform(&draws) - 1000);
}

/* Largest relative error over the normal results; sum of y in *sum. */
static double largest_error(const float *x, const float *y, int64_t n, double *sum)
{
    double top = -INFINITY, total = 0, worst = 0;
    *sum = 0;
    for (int64_t i = 0; i < n; i++) top = fmax(top, (double)x[i]);
    for (int64_t i = 0; i < n; i++) total += exp((double)x[i] - top);
    for (int64_t i = 0; i < n; i++) {
        const double exact = exp((double)x[i] - top) / total;
        *sum += (double)y[i];
        if (exact >= 1.2e-38) worst = fmax(worst, fabs((double)y[i] - exact) / exact);
    }
    return worst;
}

static nrm_status errors(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const char *const columns[] = {"logits", "two-pass", "three-pass, recompute", "three-pass, reload",
                                          "block-reload (ours)", "online"};
    static const int which[] = {TWO_PASS, RECOMPUTE, RELOAD, BLOCK_RELOAD, ONLINE};
    enum { ALGORITHMS = NRM_CLAIM_COUNT(which) };
    const int64_t n = (int64_t)1 << (r->quick ? 18 : 20);
    float *x = nrm_scratch(r, n, sizeof *x), *y = nrm_scratch(r, n, sizeof *y);
    double error[ERROR_KINDS][ALGORITHMS], sum, good = 0;
    if (!x || !y) return NRM_E_NOMEM;

    nrm_table table = nrm_table_begin(r, "Largest relative error of softmax", "Against f64, results above 1.2e-38.",
                                      columns, ALGORITHMS + 1);
    for (int kind = 0; kind < ERROR_KINDS; kind++) {
        logits(kind, x, n, r->seed);
        nrm_cell_text(table, "%s", kinds[kind]);
        for (int a = 0; a < ALGORITHMS; a++) {
            job j = {n, x, y, contender(which[a], NRM_SOFTMAX_ISA_AUTO)};
            const nrm_status st = run_softmax(ctx, &j);
            if (st < 0) return st;
            error[kind][a] = largest_error(x, y, n, &sum);
            nrm_cell_number(table, error[kind][a]);
            if (a == 0) good += fabs(sum - 1) <= 1e-6;
        }
    }
    nrm_measure(r, "error", error[1][0]);
    nrm_measure(r, "error-ratio", fmin(error[1][1], error[1][2]) / error[1][0]);
    const float edge[] = {131071, 131072, 131070};
    float result[3];
    job j = {3, edge, result, contender(TWO_PASS, NRM_SOFTMAX_ISA_AUTO)};
    nrm_softmax_pair pair = nrm_softmax_pair_zero();
    nrm_status st = run_softmax(ctx, &j);
    if (st >= 0) st = nrm_softmax_pair_add_f32(ctx, &pair, 1, edge, NULL, NULL);
    if (st < 0 && st != NRM_E_RANGE) return st;
    good += fabs((double)result[1] - 0.6652409557748219) < 1e-6;
    nrm_measure(r, "no-overflow", good / (ERROR_KINDS + 1));
    return NRM_OK;
}

/* ---- Promises ----------------------------------------------------------------------------------- */

static nrm_status threads(nrm_reproduction *r, nrm_ctx *ctx)
{
    const int64_t n = 1000003;
    float *x = nrm_scratch(r, n, sizeof *x), *one = nrm_scratch(r, n, sizeof *one);
    float *two = nrm_scratch(r, n, sizeof *two);
    int same = 0, cases = 0;
    if (!x || !one || !two) return NRM_E_NOMEM;

    logits(1, x, n, r->seed);
    for (int c = 0; c < COPY; c++)
        for (int t = 2; t <= 3; t++, cases++) {
            job j = {n, x, one, contender(c, NRM_SOFTMAX_ISA_AUTO)};
            nrm_status st = nrm_set_threads(ctx, 1);
            if (st >= 0) st = run_softmax(ctx, &j);
            j.y = two;
            if (st >= 0) st = nrm_set_threads(ctx, t);
            if (st >= 0) st = run_softmax(ctx, &j);
            if (st < 0) return st;
            same += memcmp(one, two, (size_t)n * sizeof *one) == 0;
        }
    nrm_measure(r, "threads", (double)same / cases);
    return nrm_set_threads(ctx, r->threads);
}

static nrm_status extremes(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const struct { float x[4], y[4]; } rows[] = {
        {{0, 0, -INFINITY, -INFINITY}, {0.5f, 0.5f, 0, 0}},
        {{0, 0, -3.4028235e38f, -1e6f}, {0.5f, 0.5f, 0, 0}},
        {{0, NAN, 0, 0}, {NAN, NAN, NAN, NAN}},
        {{-INFINITY, -INFINITY, -INFINITY, -INFINITY}, {0, 0, 0, 0}},
        {{3e38f, 0, -3e38f, 1}, {1, 0, 0, 0}},
        {{INFINITY, 0, 0, 0}, {NAN, NAN, NAN, NAN}},
        {{-2e5f, -2e5f, -INFINITY, -3e5f}, {0.5f, 0.5f, 0, 0}}};
    int good = 0, cases = 0;

    for (int c = 0; c < COPY; c++)
        for (int k = 0; k < NRM_CLAIM_COUNT(rows); k++, cases++) {
            float y[4];
            job j = {4, rows[k].x, y, contender(c, NRM_SOFTMAX_ISA_AUTO)};
            const nrm_status st = run_softmax(ctx, &j);
            bool right = true;
            if (st < 0) return st;
            for (int i = 0; i < 4; i++)
                right = right && (isnan(rows[k].y[i]) ? isnan(y[i]) : fabsf(y[i] - rows[k].y[i]) < 1e-6f) &&
                        (rows[k].y[i] != 0 || y[i] == 0);
            good += right;
        }
    nrm_measure(r, "extremes", (double)good / cases);
    return NRM_OK;
}

static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
{
    nrm_status st = errors(r, ctx);
    if (st >= 0) st = threads(r, ctx);
    if (st >= 0) st = extremes(r, ctx);
    if (st >= 0) st = times(r, ctx);
    nrm_note(r, "The authors run with denormal results flushed to zero, on buffers rotated beyond the cache; here "
                "denormals are kept and one pair of buffers is used, so that \"in cache\" means in cache.");
    nrm_note(r, "Streaming stores and pass 2 from the end of the row, block-reload, the clamp, the exact path and the "
                "merging of blocks are not in the paper. Nor is online softmax (Milakov, Gimelshein, 2018, arXiv "
                "1805.02867), the other algorithm of two passes: with a running maximum and base e.");
    return st;
}

const nrm_paper nrm_paper_32 = {
    .number = 32,
    .about = "Softmax of one row of f32 by the paper's two-pass algorithm, by the two usual three-pass algorithms and "
             "by online softmax, each on AVX-512 and AVX2, from rows that fit the first cache to rows that fit none; "
             "errors against f64; bits for different numbers of threads; rows with NaN, infinities and masks.",
    .claims = claims,
    .claim_count = NRM_CLAIM_COUNT(claims),
    .run = run};
