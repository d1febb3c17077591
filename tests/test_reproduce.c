/* test_reproduce.c -- verdicts, recording and the page of `norma reproduce`, on papers
 * made up for the purpose: this program brings its own table in place of papers/table.c. */
#define _POSIX_C_SOURCE 200809L
#include "report.h"
#include "testkit.h"
#include <fcntl.h>
#include <norma/method.h>
#include <signal.h>
#include <unistd.h>

/* ---- The made-up papers ------------------------------------------------------------------ */

static const nrm_claim speed_claims[] = {
    {.id = "faster", .statement = "Out of cache, two passes over memory beat three passes",
     .where = "section 5, figure 6", .figure = "16\u201328 % faster", .unit = "x", .relation = NRM_AT_LEAST,
     .holds = 1.15, .direction = 1.0},
    {.id = "in-cache", .statement = "In the first-level cache the two-pass form costs no more than a quarter on top "
     "of the better three-pass form", .where = "section 5", .figure = "", .unit = "x", .relation = NRM_AT_MOST,
     .holds = 1.25, .direction = 1.6},
    {.id = "monotone", .statement = "The advantage grows with the size of the vector", .where = "figure 6",
     .figure = "grows", .relation = NRM_TRUE, .direction = 0.6},
    {.id = "error", .statement = "The relative error stays at two units in the last place", .where = "section 4",
     .figure = "1.9 ulp", .unit = "ulp", .relation = NRM_WITHIN, .target = 1.9, .holds = 0.3, .direction = 1},
    {.id = "wide", .statement = "With AVX-512 <scalef> the gain is larger than with AVX2", .where = "abstract",
     .figure = "28 % & 18 %", .unit = "%", .relation = NRM_AT_LEAST, .holds = 5, .direction = 5}};

static nrm_status run_speed(nrm_reproduction *r, nrm_ctx *ctx)
{
    (void)ctx;
    enum { N = 11 };
    double size[N], two[N], three[N], low[N], high[N];
    const double ratios[] = {1.29, 1.33, 1.31, 1.35, 1.30};
    nrm_draws draws = {r->seed};
    for (int i = 0; i < N; i++) {
        size[i] = pow(2, 12 + i * 1.4);
        two[i] = i < 6 ? 0.3 + 0.01 * nrm_draw_uniform(&draws) : 0.3 + 0.05 * (i - 5);
        three[i] = i < 6 ? 0.26 : 0.27 + 0.11 * (i - 5);
        low[i] = three[i] * 0.94;
        high[i] = three[i] * 1.09;
        if (nrm_step(r, "two-pass", i, N) < 0) return NRM_E_CANCELLED;
    }
    nrm_measure_spread(r, "faster", ratios, 5);
    nrm_measure(r, "in-cache", 1.3);
    nrm_measure(r, "monotone", 0.7);
    nrm_measure(r, "error", 5.5);
    nrm_measure_reason(r, "error", "The scalar kernel rounds twice where %s rounds once; %.1f ulp were measured.",
                       "FMA", 5.5);
    nrm_not_measured(r, "wide", "This processor has no AVX-512.");
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "Time by size", .x_label = "elements",
        .y_label = "ns/element", .x_log = true, .y_from_zero = true,
        .caption = "Median of five rounds, all contenders in turn; the band is their range."});
    nrm_plot_line(p, "two-pass", size, two, N);
    nrm_plot_band(p, "three-pass", size, three, low, high, N);
    nrm_plot_mark_x(p, "L2", 524288);
    static const char *const labels[] = {"scalar", "AVX2", "AVX-512"};
    nrm_plot bars = nrm_plot_begin(r, &(nrm_plot_options){.title = "Gain by instruction set",
        .x_label = "", .y_label = "speed-up, %"});
    nrm_plot_bars(bars, "plain stores", labels, (double[]){4, 18, 28}, 3);
    nrm_plot_bars(bars, "non-temporal 'nt' stores", labels, (double[]){9, 31, 49}, 3);
    static const char *const columns[] = {"algorithm", "n", "ns/element", "GB/s", "error, ulp", "bits, 1 and 2 threads"};
    nrm_table t = nrm_table_begin(r, "At 16 Mi elements", "The same buffers for all.", columns, 6);
    for (int i = 0; i < 3; i++) {
        nrm_cell_text(t, "%s", ((const char *[]){"two-pass", "three-pass, recompute", "three-pass, reload"})[i]);
        nrm_cell_number(t, 16777216);
        nrm_cell_number(t, 0.6134 + 0.2 * i);
        nrm_cell_number(t, i == 1 ? (double)NAN : 19.56);
        nrm_cell_number(t, 1.2e-7 * (i + 1));
        nrm_cell_text(t, "equal");
    }
    nrm_note(r, "The paper used %s; sizes beyond %d Mi do not fit here.", "a Skylake-X", 64);
    return NRM_OK;
}

static const nrm_claim plan_claims[] = {
    {.id = "sparse", .statement = "No column of the plan has more than k non-zeros", .where = "definition 3",
     .figure = "k", .relation = NRM_TRUE},
    {.id = "gap", .statement = "For k = m the value is that of quadratically regularised transport",
     .where = "derived from (7)", .figure = "equal", .relation = NRM_AT_MOST, .holds = 1e-6, .direction = 1e-6}};

static nrm_status run_plan(nrm_reproduction *r, nrm_ctx *ctx)
{
    (void)ctx;
    enum { N = 40 };
    double *plan = nrm_scratch(r, N * N, sizeof *plan), x[60], y[60], angle[360], wave[360];
    if (!plan) return NRM_E_NOMEM;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) plan[i * N + j] = exp(-0.08 * (i - j * 0.8 - 3) * (i - j * 0.8 - 3)) * (i % 3 != 1);
    nrm_draws draws = {7};
    for (int i = 0; i < 60; i++) { x[i] = i; y[i] = pow(10, -i / 9.0) * (1 + nrm_draw_uniform(&draws)); }
    for (int i = 0; i < 360; i++) { angle[i] = i / 60.0; wave[i] = sin(angle[i]) + 0.1 * nrm_draw_normal(&draws); }
    nrm_measure_bool(r, "sparse", true);
    nrm_measure(r, "gap", 2.13e-9);
    nrm_plot heat = nrm_plot_begin(r, &(nrm_plot_options){.title = "The plan", .x_label = "target", .y_label = "source"});
    nrm_plot_heat(heat, "mass", plan, N, N);
    nrm_plot curve = nrm_plot_begin(r, &(nrm_plot_options){.title = "Duality gap", .x_label = "iteration",
        .y_label = "gap", .y_log = true});
    nrm_plot_points(curve, "L-BFGS", x, y, 60);
    nrm_plot_mark_y(curve, "tolerance", 1e-6);
    nrm_plot lines = nrm_plot_begin(r, &(nrm_plot_options){.title = "A long line", .x_label = "t",
        .y_label = "`echo no`, it's \"v\"\n@x {/=9 y}_2"});
    nrm_plot_line(lines, "wave", angle, wave, 360);
    return NRM_OK;
}

static int mode; /* what the third paper does: 0 fails, 1 misuses, 2 is interrupted */

static const nrm_claim odd_claims[] = {
    {.id = "first", .statement = "It is measured before the trouble", .where = "section 1", .relation = NRM_AT_MOST, .holds = 1},
    {.id = "second", .statement = "It is not", .where = "section 2", .relation = NRM_AT_MOST, .holds = 1}};

static nrm_status run_odd(nrm_reproduction *r, nrm_ctx *ctx)
{
    nrm_measure(r, "first", 0.5);
    if (mode == 1) {
        nrm_measure(r, "third", 1);
        return NRM_OK;
    }
    if (mode == 2) {
        raise(SIGINT);
        return nrm_step(r, "waiting", 1, 2);
    }
    return nrm_set_threads(ctx, -1); /* a failure of the library with its sentence */
}

static const nrm_paper speed_paper = {.number = 32, .about = "Five rounds of three contenders in turn on vectors from "
    "4 Ki to 16 Mi elements, single precision, one thread; buffers are rotated so that nothing stays in a cache.",
    .claims = speed_claims, .claim_count = NRM_CLAIM_COUNT(speed_claims), .run = run_speed};
static const nrm_paper plan_paper = {.number = 11, .about = "Two Gaussian clouds of points.", .claims = plan_claims,
    .claim_count = NRM_CLAIM_COUNT(plan_claims), .run = run_plan};
static const nrm_paper odd_paper = {.number = 26, .about = "Trouble.", .claims = odd_claims,
    .claim_count = NRM_CLAIM_COUNT(odd_claims), .run = run_odd};

static nrm_status run_page(nrm_reproduction *r, nrm_ctx *ctx)
{
    (void)ctx;
    nrm_measure(r, "first", 0.5);
    nrm_measure(r, "second", 2);
    return NRM_OK;
}

static const nrm_paper own_page = {.slug = "side-by-side", .title = "Two methods <side by side>", .claims = odd_claims,
    .claim_count = NRM_CLAIM_COUNT(odd_claims), .run = run_page};

enum { TABLE = 4 };
int nrm_paper_count(void) { return TABLE; }
const nrm_paper *nrm_paper_at(int i)
{
    const nrm_paper *const papers[TABLE] = {&plan_paper, &odd_paper, &speed_paper, &own_page};
    return i >= 0 && i < TABLE ? papers[i] : NULL;
}
const char *nrm_paper_alias(int i)
{
    static const char *const aliases[TABLE] = {"plan", "odd_one", "softmax", "beside"};
    return i >= 0 && i < TABLE ? aliases[i] : NULL;
}

/* ---- Verdicts ------------------------------------------------------------------------------- */

static nrm_verdict judge_one(nrm_relation relation, double target, double holds, double direction, double value)
{
    const nrm_claim claim = {.id = "c", .statement = "s", .where = "w", .relation = relation, .target = target,
                             .holds = holds, .direction = direction};
    return nrm_judge(&claim, &value, 1);
}

static void verdict_at_the_limits(void **state)
{
    (void)state;
    assert_int_equal(judge_one(NRM_AT_LEAST, 0, 1.15, 1, 1.15), NRM_HOLDS);
    assert_int_equal(judge_one(NRM_AT_LEAST, 0, 1.15, 1, nextafter(1.15, 0)), NRM_HOLDS_IN_DIRECTION);
    assert_int_equal(judge_one(NRM_AT_LEAST, 0, 1.15, 1, 1), NRM_HOLDS_IN_DIRECTION);
    assert_int_equal(judge_one(NRM_AT_LEAST, 0, 1.15, 1, nextafter(1, 0)), NRM_DOES_NOT_HOLD);
    assert_int_equal(judge_one(NRM_AT_LEAST, 0, 5, 5, 4.9), NRM_DOES_NOT_HOLD);
    assert_int_equal(judge_one(NRM_AT_LEAST, 0, 5, 7, 6), NRM_HOLDS); /* a stronger direction changes nothing */
    assert_int_equal(judge_one(NRM_AT_MOST, 0, 1e-6, 1e-3, 1e-6), NRM_HOLDS);
    assert_int_equal(judge_one(NRM_AT_MOST, 0, 1e-6, 1e-3, 1e-4), NRM_HOLDS_IN_DIRECTION);
    assert_int_equal(judge_one(NRM_AT_MOST, 0, 1e-6, 1e-3, 0.1), NRM_DOES_NOT_HOLD);
    assert_int_equal(judge_one(NRM_AT_MOST, 0, 1e-6, 0, 1e-5), NRM_DOES_NOT_HOLD); /* no direction given */
    assert_int_equal(judge_one(NRM_AT_MOST, 0, 1e-6, 0, -3), NRM_HOLDS);
    assert_int_equal(judge_one(NRM_WITHIN, 4, 0.5, 1, 3.5), NRM_HOLDS);
    assert_int_equal(judge_one(NRM_WITHIN, 4, 0.5, 1, 5), NRM_HOLDS_IN_DIRECTION);
    assert_int_equal(judge_one(NRM_WITHIN, 4, 0.5, 1, 2.9), NRM_DOES_NOT_HOLD);
    assert_int_equal(judge_one(NRM_TRUE, 0, 0, 0, 1), NRM_HOLDS);
    assert_int_equal(judge_one(NRM_TRUE, 0, 0, 0, 0), NRM_DOES_NOT_HOLD);
    assert_int_equal(judge_one(NRM_TRUE, 0, 0, 0, 0.999), NRM_DOES_NOT_HOLD);
    assert_int_equal(judge_one(NRM_TRUE, 0, 0, 0.8, 0.8), NRM_HOLDS_IN_DIRECTION);
    assert_int_equal(judge_one(NRM_TRUE, 0, 0, 0.8, 0.79), NRM_DOES_NOT_HOLD);
}

static void verdict_of_odd_numbers(void **state)
{
    (void)state;
    const double infinite = (double)INFINITY, nan = (double)NAN;
    const nrm_claim claim = {.id = "c", .statement = "s", .where = "w", .relation = NRM_AT_LEAST, .holds = 2};
    assert_int_equal(nrm_judge(&claim, NULL, 0), NRM_NOT_MEASURED);
    assert_int_equal(judge_one(NRM_AT_LEAST, 0, -1, -2, nan), NRM_DOES_NOT_HOLD);
    assert_int_equal(judge_one(NRM_AT_MOST, 0, 1, 2, nan), NRM_DOES_NOT_HOLD);
    assert_int_equal(judge_one(NRM_TRUE, 0, 0, 0.1, nan), NRM_DOES_NOT_HOLD);
    assert_int_equal(judge_one(NRM_AT_MOST, 0, 1, 2, infinite), NRM_DOES_NOT_HOLD);
    assert_int_equal(judge_one(NRM_WITHIN, 0, 1, 2, -infinite), NRM_DOES_NOT_HOLD);
    /* The median decides: one bad round of three does not, two do. */
    assert_int_equal(nrm_judge(&claim, (double[]){2.5, 0.1, 2}, 3), NRM_HOLDS);
    assert_int_equal(nrm_judge(&claim, (double[]){0.5, 0.1, 2}, 3), NRM_HOLDS_IN_DIRECTION);
    assert_int_equal(nrm_judge(&claim, (double[]){3, 4, nan}, 3), NRM_DOES_NOT_HOLD);
}

static void median_of_few(void **state)
{
    (void)state;
    const double values[] = {5, 1, 4, 2};
    assert_near(nrm_median(values, 1), 5, 0);
    assert_near(nrm_median(values, 2), 3, 0);
    assert_near(nrm_median(values, 3), 4, 0);
    assert_near(nrm_median(values, 4), 3, 0);
    assert_near(nrm_median((double[]){1e308, 1.2e308}, 2), 1.1e308, 1e-15);
    assert_true(isnan(nrm_median(values, 0)));
    assert_near(values[0], 5, 0); /* and the values stay as they were */
}

static void assert_text(text *t, const char *expected)
{
    assert_string_equal(text_string(t), expected);
    text_free(t);
}

static void words_of_limits(void **state)
{
    (void)state;
    text t = {0};
    assert_true(nrm_limit_text(&t, &speed_claims[0], NRM_HOLDS));
    assert_text(&t, "at least 1.15\u202f\u00d7");
    assert_true(nrm_limit_text(&t, &speed_claims[0], NRM_HOLDS_IN_DIRECTION));
    assert_text(&t, "at least 1\u202f\u00d7");
    assert_true(nrm_limit_text(&t, &speed_claims[2], NRM_HOLDS));
    assert_text(&t, "true in every case");
    assert_true(nrm_limit_text(&t, &speed_claims[2], NRM_HOLDS_IN_DIRECTION));
    assert_text(&t, "true in 60\u00a0% of the cases");
    assert_true(nrm_limit_text(&t, &speed_claims[3], NRM_HOLDS));
    assert_text(&t, "1.9\u00a0\u00b1\u00a00.3\u00a0ulp");
    assert_false(nrm_limit_text(&t, &speed_claims[4], NRM_HOLDS_IN_DIRECTION));
    assert_text(&t, "");
    nrm_shortfall_text(&t, &speed_claims[0], 1.02);
    assert_text(&t, "Measured 1.02\u202f\u00d7; the claim needs at least 1.15\u202f\u00d7.");
    nrm_shortfall_text(&t, &speed_claims[2], 0);
    assert_text(&t, "It was false wherever it was tried.");
    nrm_shortfall_text(&t, &speed_claims[0], (double)NAN);
    assert_text(&t, "The measurement is not a number.");
}

static void numbers_shown(void **state)
{
    (void)state;
    const struct { double value; const char *shown; } cases[] = {
        {0, "0"}, {-0.0, "0"}, {1234, "1234"}, {16777216, "16\u202f777\u202f216"}, {-12345, "\u221212\u202f345"},
        {1.23456, "1.235"}, {-0.5, "\u22120.5"}, {12345.6, "12346"}, {0.99998, "0.99998"}, {3.00001, "3.00001"}, {0.001, "0.001"}, {1e-6, "1\u202f\u00d7\u202f10\u207b\u2076"},
        {1.23e-7, "1.23\u202f\u00d7\u202f10\u207b\u2077"}, {-4.5e12, "\u22124.50\u202f\u00d7\u202f10\u00b9\u00b2"},
        {(double)INFINITY, "\u221e"}, {(double)NAN, "not a number"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text t = {0};
        nrm_show_number(&t, cases[i].value);
        assert_text(&t, cases[i].shown);
    }
}

/* ---- Recording -------------------------------------------------------------------------------- */

static void misuse_is_kept(void **state)
{
    (void)state;
    const nrm_claim twice[] = {odd_claims[0], odd_claims[0]};
    nrm_paper bad = odd_paper;
    bad.claims = twice;
    assert_non_null(nrm_claims_fault(&bad));
    assert_null(nrm_claims_fault(&odd_paper));

    nrm_record *record = nrm_record_create(&odd_paper, NULL);
    nrm_reproduction r = {.record = record};
    nrm_measure(&r, "first", 1);
    assert_string_equal(record->trouble, "");
    nrm_measure(&r, "nonsense", 1);
    nrm_measure_spread(&r, "first", NULL, 3);
    assert_string_equal(record->trouble, "no claim is called \"nonsense\""); /* the first one stays */
    assert_null(nrm_scratch(&r, INT64_MAX, 8));
    assert_null(nrm_data_path(&r, "no-folder-given"));
    json_t *paper = nrm_record_finish(record, "It ended.");
    const json_t *claims = json_object_get(paper, "claims");
    assert_string_equal(nrm_json_text(json_array_get(claims, 1), "verdict"), "not measured");
    assert_string_equal(nrm_json_text(json_array_get(claims, 1), "reason"), "It ended.");
    json_decref(paper);
    nrm_record_destroy(record);
}

static void draws_are_splitmix64(void **state)
{
    (void)state;
    nrm_draws draws = {1234567};
    /* The first outputs for seed 1234567 as published with the reference code. */
    assert_true(nrm_draw(&draws) == 6457827717110365317u);
    assert_true(nrm_draw(&draws) == 3203168211198807973u);
    double sum = 0, squares = 0;
    for (int i = 0; i < 100000; i++) {
        const double x = nrm_draw_normal(&draws);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / 1e5) < 4 / sqrt(1e5));
    assert_true(fabs(squares / 1e5 - 1) < 4 * sqrt(2 / 1e5));
}

static nrm_status count_run(nrm_ctx *ctx, void *user)
{
    (void)ctx;
    ++*(int *)user;
    return NRM_OK;
}

static void contenders_in_turn(void **state)
{
    (void)state;
    int a = 0, b = 0;
    const nrm_contender both[] = {{"a", count_run, &a}, {"b", count_run, &b}};
    double seconds[6] = {0};
    nrm_record *record = nrm_record_create(&odd_paper, NULL);
    nrm_reproduction r = {.record = record};
    assert_int_equal(nrm_time_in_turn(&r, NULL, both, 2, 3, 0, seconds), NRM_OK);
    assert_int_equal(a, 4); /* a warm-up and three rounds */
    assert_int_equal(b, 4);
    assert_int_equal(nrm_time_in_turn(&r, NULL, both, 1, 1, 0.002, seconds), NRM_OK);
    assert_true(a > 10 && seconds[0] > 0 && seconds[0] < 0.002);
    nrm_record_destroy(record);
}

/* ---- The command --------------------------------------------------------------------------------- */

/* Run it with standard output in a file; `words` are split at spaces, OUT is a fresh folder. */
static int command(const char *words, const char *folder, json_t **report)
{
    char line[512], *argv[16] = {(char *)"reproduce"};
    int argc = 1;
    snprintf(line, sizeof line, "%s", words);
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
        argv[argc++] = strcmp(word, "OUT") == 0 ? (char *)folder : word;
    fflush(stdout);
    const int before = dup(STDOUT_FILENO), file = open(nrm_test_temp("reproduce.stdout"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(before >= 0 && file >= 0);
    dup2(file, STDOUT_FILENO);
    const int code = nrm_reproduce_main(argc, argv);
    dup2(before, STDOUT_FILENO);
    close(before);
    close(file);
    if (report) {
        char path[600];
        snprintf(path, sizeof path, "%s/report.json", folder);
        *report = json_load_file(path, 0, NULL);
        assert_non_null(*report);
    }
    return code;
}

static char *page_of(const char *folder)
{
    char path[600];
    snprintf(path, sizeof path, "%s/index.html", folder);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text page = {0};
    char block[4096];
    for (size_t count; (count = fread(block, 1, sizeof block, file)) > 0;) text_add_bytes(&page, block, count);
    fclose(file);
    return page.data;
}

static const json_t *claim_of(const json_t *report, size_t paper, const char *id)
{
    size_t i;
    json_t *claim;
    json_array_foreach(json_object_get(json_array_get(json_object_get(report, "papers"), paper), "claims"), i, claim) {
        if (strcmp(nrm_json_text(claim, "id"), id) == 0) return claim;
    }
    fail_msg("no claim %s", id);
    return NULL;
}

static void report_says_what_was_measured(void **state)
{
    (void)state;
    const char *folder = nrm_test_temp("reproduce/deep/all");
    json_t *report;
    assert_int_equal(command("softmax 11 --out OUT --quick --seed 5 --threads 1", folder, &report), 0);
    assert_true(json_is_true(json_object_get(report, "quick")));
    assert_int_equal(json_array_size(json_object_get(report, "papers")), 2);
    assert_int_equal(json_array_size(json_object_get(report, "all_papers")), 33);
    assert_string_equal(nrm_json_text(report, "command"), "norma reproduce 11 32 --quick --seed 5 --threads 1");
    const json_t *faster = claim_of(report, 1, "faster");
    assert_string_equal(nrm_json_text(faster, "verdict"), "holds");
    assert_near(nrm_json_value(json_object_get(faster, "value")), 1.31, 0);
    assert_near(nrm_json_value(json_object_get(faster, "least")), 1.29, 0);
    assert_near(nrm_json_value(json_object_get(faster, "most")), 1.35, 0);
    assert_string_equal(nrm_json_text(claim_of(report, 1, "in-cache"), "verdict"), "holds in direction");
    assert_string_equal(nrm_json_text(claim_of(report, 1, "monotone"), "verdict"), "holds in direction");
    assert_string_equal(nrm_json_text(claim_of(report, 1, "error"), "reason"),
                        "The scalar kernel rounds twice where FMA rounds once; 5.5 ulp were measured.");
    assert_string_equal(nrm_json_text(claim_of(report, 1, "wide"), "reason"), "This processor has no AVX-512.");
    const json_t *summary = json_object_get(report, "summary");
    assert_int_equal(json_integer_value(json_object_get(summary, "holds")), 3);
    assert_int_equal(json_integer_value(json_object_get(summary, "holds in direction")), 2);
    assert_int_equal(json_integer_value(json_object_get(summary, "does not hold here")), 1);
    assert_int_equal(json_integer_value(json_object_get(summary, "not measured")), 1);

    char *page = page_of(folder);
    /* gnuplot takes a label as it is: no shell, no substitution, no markup. */
    assert_non_null(strstr(page, ">`echo no`, it's \"v\" @x {/=9 y}_2<"));
    assert_non_null(strstr(page, "AVX-512 &lt;scalef&gt;"));
    assert_null(strstr(page, "<scalef>"));
    assert_non_null(strstr(page, "28 % &amp; 18 %"));
    assert_null(strstr(page, "http"));
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "rgb("));
    free(page);
    json_decref(report);
}

static void trouble_is_reported(void **state)
{
    (void)state;
    const char *folder = nrm_test_temp("reproduce-trouble");
    json_t *report;
    mode = 0;
    assert_int_equal(command("all --out OUT --quiet", folder, &report), 1);
    assert_string_equal(nrm_json_text(claim_of(report, 1, "first"), "verdict"), "holds");
    assert_string_equal(nrm_json_text(claim_of(report, 1, "second"), "reason"),
                        "The experiment failed before this was measured.");
    const json_t *odd = json_array_get(json_object_get(report, "papers"), 1);
    assert_string_equal(nrm_json_text(odd, "state"), "failed");
    assert_non_null(strstr(nrm_json_text(odd, "message"), "-1"));
    assert_int_equal(json_array_size(json_object_get(report, "papers")), TABLE); /* the others ran */
    json_decref(report);
    mode = 1;
    assert_int_equal(command("odd-one --out OUT --quiet", folder, &report), 1);
    odd = json_array_get(json_object_get(report, "papers"), 0);
    assert_string_equal(nrm_json_text(odd, "message"), "no claim is called \"third\"");
    json_decref(report);
}

static void interrupt_finishes_the_page(void **state)
{
    (void)state;
    const char *folder = nrm_test_temp("reproduce-stopped");
    json_t *report;
    mode = 2;
    assert_int_equal(command("all --out OUT --quiet", folder, &report), 130);
    assert_true(json_is_true(json_object_get(report, "stopped")));
    assert_int_equal(json_array_size(json_object_get(report, "papers")), 2); /* the third did not start */
    assert_string_equal(nrm_json_text(claim_of(report, 1, "first"), "verdict"), "holds");
    assert_string_equal(nrm_json_text(claim_of(report, 1, "second"), "reason"),
                        "The run was stopped before this was measured.");
    json_decref(report);
    char *page = page_of(folder);
    assert_non_null(strstr(page, "The run was stopped"));
    free(page);
}

/* A page of Norma's own has a name in place of a number. */
static void pages_have_names(void **state)
{
    (void)state;
    const char *folder = nrm_test_temp("reproduce-own-page");
    json_t *report;
    assert_int_equal(command("side_by_side 11 --out OUT --quiet --threads 1", folder, &report), 0);
    assert_string_equal(nrm_json_text(report, "command"), "norma reproduce 11 side-by-side --seed 0 --threads 1");
    const json_t *own = json_array_get(json_object_get(report, "papers"), 1);
    assert_int_equal(json_integer_value(json_object_get(own, "number")), 0);
    assert_string_equal(nrm_json_text(own, "slug"), "side-by-side");
    assert_string_equal(nrm_json_text(own, "command"), "norma reproduce side-by-side --seed 0 --threads 1");
    json_decref(report);
    char *page = page_of(folder);
    assert_non_null(strstr(page, "id=\"side-by-side\""));
    assert_non_null(strstr(page, "Two methods &lt;side by side&gt;"));
    assert_null(strstr(page, "paper-0"));
    free(page);
    assert_int_equal(command("beside --quiet --out OUT", folder, NULL), 0);

    nrm_paper bad = own_page;
    bad.title = "";
    assert_non_null(nrm_claims_fault(&bad));
    bad = own_page;
    bad.number = 34;
    assert_non_null(nrm_claims_fault(&bad));
    assert_null(nrm_claims_fault(&own_page));
}

static void without_gnuplot(void **state)
{
    (void)state;
    const char *folder = nrm_test_temp("reproduce-no-gnuplot"), *path = getenv("PATH");
    char *kept = strdup(path ? path : "");
    setenv("PATH", "/nonexistent", 1);
    assert_int_equal(command("11 32 --out OUT --quiet", folder, NULL), 0);
    setenv("PATH", kept, 1);
    free(kept);
    char *page = page_of(folder);
    assert_non_null(strstr(page, "gnuplot is missing"));
    assert_null(strstr(page, "role='img'"));
    free(page);
}

static void wrong_arguments(void **state)
{
    (void)state;
    const char *folder = nrm_test_temp("reproduce-usage");
    const char *const wrong[] = {"", "--quick", "77", "7", "0", "nonsense", "11 --out", "11 --seed -1", "11 --seed 1x",
                                 "11 --seed 1 --seed 1", "11 --threads 100000", "11 --fast", "11 --quick=yes",
                                 "11 --quick --quick", "11 --data /nonexistent", "11 --out="};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_int_equal(command(wrong[i], folder, NULL), 2);
    assert_int_equal(command("11 --quiet --out /dev/null/report", folder, NULL), 3);
}

NRM_TEST_MAIN(cmocka_unit_test(verdict_at_the_limits), cmocka_unit_test(verdict_of_odd_numbers),
              cmocka_unit_test(median_of_few), cmocka_unit_test(words_of_limits), cmocka_unit_test(numbers_shown),
              cmocka_unit_test(misuse_is_kept), cmocka_unit_test(draws_are_splitmix64),
              cmocka_unit_test(contenders_in_turn), cmocka_unit_test(report_says_what_was_measured),
              cmocka_unit_test(trouble_is_reported), cmocka_unit_test(interrupt_finishes_the_page), cmocka_unit_test(pages_have_names),
              cmocka_unit_test(without_gnuplot), cmocka_unit_test(wrong_arguments))
