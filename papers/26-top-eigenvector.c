/* 26-top-eigenvector.c -- what the paper on random-order streams claims, measured here.
 * Framework: reproduce.h.  Quality is always <v, v1>^2 against the exact eigenvector. */
#include "26-tables.h"
#include <math.h>
#include <norma/io.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS = 3, MOST_NUMBERS = 20000 * MOST_D };

static const nrm_claim claims[] = {
    {.id = "heavy-rows", .statement = "With the heavy rows stored, the top eigenvector is found where Oja's rule "
     "fails at every rate", .where = "abstract; hard instance oja_hard(256, 3, 60), R = 3",
     .figure = "correlation 1 - O(1/sqrt R)", .relation = NRM_AT_LEAST, .holds = 0.999, .direction = 0.9},
    {.id = "oja-fails", .statement = "On that instance Oja's rule fails with any fixed rate (best of six)",
     .where = "lower bound for Oja's rule at R = O(log d / log log d)", .figure = "fails",
     .relation = NRM_AT_MOST, .holds = 0.2, .direction = 0.5},
    {.id = "light-fails", .statement = "Without heavy rows the block power method misses a direction that one long "
     "row carries", .where = "derived from the definition of heavy rows; mixed(0.05)", .figure = "fails",
     .relation = NRM_AT_MOST, .holds = 0.05, .direction = 0.5},
    {.id = "sketch-fails", .statement = "Frequent Directions of the same memory (24 rows) miss a direction of gap 4.5 among "
     "512, which the default finds", .where = "derived: a sketch of l rows may lose |A|_F^2 / l; spiked d=512",
     .figure = "fails", .relation = NRM_AT_MOST, .holds = 0.2, .direction = 0.5},
    {.id = "constant-gap", .statement = "A constant gap is enough: over permutations of a stream with R = 2 the "
     "correlation is 0.97 or more", .where = "abstract: R = Omega(1) is enough", .figure = "",
     .unit = "of permutations", .relation = NRM_AT_LEAST, .holds = 0.95, .direction = 0.5},
    {.id = "everywhere", .statement = "The default, with its combined final step, reaches the top eigenvector on every "
     "instance of 64 and of 256 columns (worst median)", .where = "derived: A'A = H'H + L'L", .figure = "", .relation = NRM_AT_LEAST, .holds = 0.99,
     .direction = 0.9},
    {.id = "pick", .statement = "Picking one of the heavy and the light candidate loses what the angle between them "
     "says: cos^2(phi / 2)", .where = "derived from the paper's algorithm; angled(30), angled(45)",
     .figure = "0.933 and 0.854", .unit = "worst difference", .relation = NRM_WITHIN, .target = 0, .holds = 0.02,
     .direction = 0.05},
    {.id = "memory", .statement = "The memory is h vectors up to a constant: numbers stored over (2k + K) d",
     .where = "abstract: O(h d polylog d) bits", .figure = "O(1)", .unit = "x", .relation = NRM_AT_MOST, .holds = 1.1,
     .direction = 2},
    {.id = "memory-rows", .statement = "The memory does not depend on the number of rows", .where = "abstract",
     .figure = "none", .relation = NRM_TRUE, .holds = 1},
    {.id = "order", .statement = "Sorted streams, where the method must fail, are reported as such",
     .where = "Norma's order check; the paper assumes random order", .figure = "", .unit = "of 3 orders",
     .relation = NRM_TRUE, .holds = 1},
    {.id = "real-table", .statement = "On a real table in random order (a9a, sparse) the top eigenvector "
     "is found", .where = "abstract", .figure = "correlation 1 - O(1/sqrt R)", .relation = NRM_AT_LEAST,
     .holds = 0.99, .direction = 0.9},
};

/* ---- Contenders ------------------------------------------------------------------------------ */

static const instance instances[] = {
    {"spiked R=2", SPIKED, 20000, 64, 2, 1},       {"spiked R=4", SPIKED, 20000, 64, 4, 1},
    {"oja_hard k=3", OJA_HARD, 15303, 256, 3, 60}, {"oja_hard k=8", OJA_HARD, 15308, 256, 8, 60},
    {"mixed 0.05", MIXED, 20000, 64, 4, 0.05},     {"mixed 0.2", MIXED, 20000, 64, 4, 0.2},
    {"mixed 0.5", MIXED, 20000, 64, 4, 0.5},       {"angled 30", ANGLED, 20000, 64, 10, 30},
    {"angled 45", ANGLED, 20000, 64, 10, 45},      {"spiked d=512", SPIKED, 20000, 512, 6, 1},
};
enum { INSTANCES = NRM_CLAIM_COUNT(instances), OJA_HARD_3 = 2, MIXED_005 = 4, SPIKED_512 = 9 };

enum { OJA, SKETCH_8, SKETCH_24, LIGHT, PICK, RITZ_EQUAL, RITZ, CONTENDERS };
static const char *const contender_names[] = {"Oja, best of 6 rates", "Frequent Directions, l = 8",
                                              "Frequent Directions, l = 24", "light only", "pick", "n known", "default"};

static nrm_top_eigenvector_options contender(int which)
{
    nrm_top_eigenvector_options o = nrm_top_eigenvector_options_default();
    if (which == OJA) o.algorithm = NRM_TOP_EIGENVECTOR_OJA, o.rate_schedule = NRM_TOP_EIGENVECTOR_FIXED;
    if (which == SKETCH_8 || which == SKETCH_24) o.algorithm = NRM_TOP_EIGENVECTOR_FREQUENT_DIRECTIONS;
    if (which == SKETCH_8) o.sketch_rows = 8;
    if (which == LIGHT) o.algorithm = NRM_TOP_EIGENVECTOR_BLOCK_POWER;
    if (which == PICK) o.combine = NRM_TOP_EIGENVECTOR_PICK;
    if (which == RITZ_EQUAL || which == LIGHT) o.schedule = NRM_TOP_EIGENVECTOR_EQUAL;
    return o;
}

/* Quality of one contender; Oja is given lambda1 and the best of c / lambda1. */
static nrm_status measure(nrm_ctx *ctx, double *a, const instance *t, int which, const double *v1, double lambda1,
                          double *quality)
{
    static const double c[] = {2, 5, 10, 20, 40, 80};
    nrm_top_eigenvector_options o = contender(which);
    double v[MOST_D];

    *quality = 0;
    for (int i = 0; i < (which == OJA ? NRM_CLAIM_COUNT(c) : 1); i++) {
        if (which == OJA) o.rate = c[i] / lambda1;
        const nrm_status st = solve_table(ctx, a, t->rows, t->d, &o, v, NULL);
        if (st < 0) return st;
        *quality = fmax(*quality, squared_correlation(v, v1, t->d));
    }
    return NRM_OK;
}

/* ---- The table of instances ------------------------------------------------------------------ */

static nrm_status run_instances(nrm_reproduction *r, nrm_ctx *ctx, double *a)
{
    double quality[INSTANCES][CONTENDERS][REPEATS], gap[INSTANCES][REPEATS];
    static const char *const columns[] = {"instance", "true R", "Oja, best of 6 rates", "FD, l = 8", "FD, l = 24",
                                          "light only", "pick", "ritz, n known", "ritz, default"};
    nrm_top_eigenvector_options exact = nrm_top_eigenvector_options_default();
    const int repeats = r->quick ? 1 : REPEATS;
    double v1[MOST_D], medians[CONTENDERS][INSTANCES], worst = 1, pick = 0;
    const char *labels[INSTANCES];

    exact.algorithm = NRM_TOP_EIGENVECTOR_EXACT;
    nrm_table table = nrm_table_begin(r, "Correlation <v, v1>^2", "Medians of three draws (one in a quick run). "
                                      "Frequent Directions with l = 24 and the default both hold 48 vectors.", columns, 9);
    for (int i = 0; i < INSTANCES; i++) {
        for (int k = 0; k < repeats; k++) {
            nrm_draws draws = {r->seed * 1000 + (uint64_t)(i * REPEATS + k)};
            nrm_top_eigenvector_info info;
            nrm_status st = nrm_step(r, instances[i].name, i * repeats + k, INSTANCES * repeats);
            if (st < 0) return st;
            draw_instance(&instances[i], a, &draws);
            st = nrm_set_seed(ctx, r->seed + (uint64_t)k);
            if (st >= 0) st = solve_table(ctx, a, instances[i].rows, instances[i].d, &exact, v1, &info);
            for (int c = 0; c < CONTENDERS && st >= 0; c++)
                st = measure(ctx, a, &instances[i], c, v1, info.eigenvalue, &quality[i][c][k]);
            if (st < 0) return st;
            gap[i][k] = info.gap;
        }
        nrm_cell_text(table, "%s", labels[i] = instances[i].name);
        nrm_cell_number(table, nrm_median(gap[i], repeats));
        for (int c = 0; c < CONTENDERS; c++) {
            medians[c][i] = nrm_median(quality[i][c], repeats);
            nrm_cell_text(table, "%.3f", medians[c][i]);
        }
        if (i != SPIKED_512) worst = fmin(worst, medians[RITZ][i]);
        if (instances[i].family == ANGLED) {
            const double expected = (1 + cos(instances[i].share * 0.017453292519943295)) / 2;
            pick = fmax(pick, fabs(medians[PICK][i] - expected));
        }
    }
    nrm_measure_spread(r, "heavy-rows", quality[OJA_HARD_3][RITZ], repeats);
    nrm_measure_spread(r, "oja-fails", quality[OJA_HARD_3][OJA], repeats);
    nrm_measure_spread(r, "light-fails", quality[MIXED_005][LIGHT], repeats);
    nrm_measure_spread(r, "sketch-fails", quality[SPIKED_512][SKETCH_24], repeats);
    nrm_measure_reason(r, "sketch-fails", "Correlation of the default with the same 48 vectors: %.3f",
                       medians[RITZ][SPIKED_512]);
    nrm_measure(r, "everywhere", worst);
    nrm_measure(r, "pick", pick);
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "Which direction is found",
        .caption = "One bar a method: 1 is the top eigenvector, 0 is orthogonal to it.",
        .x_label = "instance", .y_label = "correlation", .y_from_zero = true});
    static const int shown[] = {OJA, SKETCH_24, LIGHT, PICK, RITZ};
    for (int c = 0; c < NRM_CLAIM_COUNT(shown); c++)
        nrm_plot_bars(p, contender_names[shown[c]], labels, medians[shown[c]], INSTANCES);
    return NRM_OK;
}

/* ---- The gap that Oja's rule needs --------------------------------------------------------------- */

static nrm_status plot_oja(nrm_reproduction *r, nrm_ctx *ctx, double *a)
{
    static const int64_t sizes[] = {256, 4096};
    static const char *const names[] = {"Oja, best rate, d = 256", "Oja, best rate, d = 4096"};
    nrm_draws draws = {r->seed + 99};
    double x[9], y[9], v[MOST_D];
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "The gap that Oja's rule needs on oja_hard",
        .caption = "Oja: closed form, median of 101 starts; dashed: k ln k - k + 1 = ln(d) / 2. Heavy-light: measured.",
        .x_label = "k = R", .y_label = "correlation", .y_from_zero = true});

    for (int i = 0; i < NRM_CLAIM_COUNT(sizes); i++) {
        double k = 1;
        for (int j = 0; j < 9; j++) x[j] = j + 2, y[j] = oja_best(j + 2, sizes[i], &draws);
        while (k * log(k) - k + 1 < log((double)sizes[i]) / 2) k += 1e-3;
        nrm_plot_line(p, names[i], x, y, 9);
        nrm_plot_mark_x(p, i ? "d = 4096" : "d = 256", k);
    }
    for (int j = 0; j < 9; j++) {
        const instance hard = {"", OJA_HARD, j + 2 + 255 * 60, 256, j + 2, 60};
        draw_instance(&hard, a, &draws);
        const nrm_status st = solve_table(ctx, a, hard.rows, hard.d, NULL, v, NULL);
        if (st < 0) return st;
        y[j] = v[0] * v[0]; /* v1 = e1 */
    }
    nrm_plot_line(p, "heavy-light, d = 256", x, y, 9);
    return NRM_OK;
}

/* ---- Permutations, progress of the answer, sorted streams --------------------------------------- */

static nrm_status run_permutations(nrm_reproduction *r, nrm_ctx *ctx, double *a, const double *v1, nrm_draws *draws)
{
    const instance *t = &instances[0];
    const int rounds = r->quick ? 20 : 100;
    int good = 0, alarms = 0;
    double v[MOST_D], lowest = 1;

    for (int k = 0; k < rounds; k++) {
        nrm_top_eigenvector_info info;
        nrm_status st = nrm_step(r, "permutations", k, rounds);
        shuffle_rows(a, t->rows, t->d, draws);
        if (st >= 0) st = nrm_set_seed(ctx, r->seed + (uint64_t)k);
        if (st >= 0) st = solve_table(ctx, a, t->rows, t->d, NULL, v, &info);
        if (st < 0) return st;
        const double quality = squared_correlation(v, v1, t->d);
        good += quality >= 0.97;
        alarms += info.order_suspect;
        lowest = fmin(lowest, quality);
    }
    nrm_measure(r, "constant-gap", (double)good / rounds);
    nrm_measure_reason(r, "constant-gap", "%d of %d permutations; the lowest correlation is %.4f", good, rounds, lowest);
    nrm_note(r, "The order check raised %d false alarms in %d random permutations.", alarms, rounds);
    return NRM_OK;
}

/* The answer while the stream runs, asked of the stream object at doubling numbers of rows. */
static nrm_status plot_progress(nrm_reproduction *r, nrm_ctx *ctx, const double *a, const double *v1)
{
    const instance *t = &instances[0];
    static const int shown[] = {NRM_TOP_EIGENVECTOR_HEAVY_LIGHT, NRM_TOP_EIGENVECTOR_OJA,
                                NRM_TOP_EIGENVECTOR_FREQUENT_DIRECTIONS};
    static const char *const names[] = {"heavy-light", "Oja, decaying rate", "Frequent Directions, l = 24"};
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "How far the answer is, row by row (spiked R = 2)",
        .caption = "The state is queried while the stream runs; equal memory for heavy-light and Frequent Directions.",
        .x_label = "rows seen", .y_label = "1 - correlation", .x_log = true, .y_log = true});

    for (int c = 0; c < NRM_CLAIM_COUNT(shown); c++) {
        nrm_top_eigenvector_options o = nrm_top_eigenvector_options_default();
        nrm_top_eigenvector_stream *stream = NULL;
        double x[64], y[64], v[MOST_D];
        int points = 0;
        o.algorithm = shown[c];
        nrm_status st = nrm_top_eigenvector_stream_create(ctx, &stream, t->d, &o);
        for (int64_t at = 0, next = 64; st >= 0 && at < t->rows; at = next, next = next * 5 / 4) {
            if (next > t->rows) next = t->rows;
            const nrm_row_block block = {.count = next - at, .cols = t->d, .dense = a + at * t->d};
            st = nrm_top_eigenvector_stream_absorb(ctx, stream, &block);
            if (st >= 0) st = nrm_top_eigenvector_stream_query(ctx, stream, v, NULL);
            x[points] = (double)next;
            y[points++] = fmax(1 - squared_correlation(v, v1, t->d), 1e-9);
        }
        nrm_top_eigenvector_stream_destroy(ctx, stream);
        if (st < 0) return st;
        nrm_plot_line(p, names[c], x, y, points);
    }
    return NRM_OK;
}

/* Rows by decreasing |a.v1|, by increasing, and the largest third before the others. */
static nrm_status run_sorted(nrm_reproduction *r, nrm_ctx *ctx, const double *a, const double *v1, nrm_draws *draws)
{
    static const char *const columns[] = {"order", "correlation", "|z| of |a'Z|^2", "|z| of |a|^2", "order_suspect"};
    static const char *const orders[] = {"|a.v1| falling", "|a.v1| rising", "largest third first"};
    const instance *t = &instances[0];
    double *sorted = nrm_scratch(r, t->rows * t->d, sizeof *sorted), *size = nrm_scratch(r, t->rows, sizeof *size);
    keyed *keys = nrm_scratch(r, t->rows, sizeof *keys);
    int raised = 0;

    if (!sorted || !size || !keys) return NRM_E_NOMEM;
    nrm_table table = nrm_table_begin(r, "Sorted streams", "The same rows as spiked R = 2. The limit for |z| is 6.",
                                      columns, 5);
    for (int64_t i = 0; i < t->rows; i++) size[i] = sqrt(squared_correlation(a + i * t->d, v1, t->d));
    const double middle = nrm_median(size, (int)t->rows);
    for (int order = 0; order < 3; order++) {
        nrm_top_eigenvector_info info;
        double v[MOST_D];
        for (int64_t i = 0; i < t->rows; i++) { /* a third of |N(0, 1)| is above 1.434 medians */
            keys[i].row = i;
            keys[i].key = order == 0 ? -size[i] : order == 1 ? size[i]
                                                             : (size[i] < 1.434 * middle) + nrm_draw_uniform(draws);
        }
        qsort(keys, (size_t)t->rows, sizeof *keys, by_key);
        for (int64_t i = 0; i < t->rows; i++)
            memcpy(sorted + i * t->d, a + keys[i].row * t->d, (size_t)t->d * sizeof *sorted);
        const nrm_status st = solve_table(ctx, sorted, t->rows, t->d, NULL, v, &info);
        if (st < 0) return st;
        raised += info.order_suspect;
        nrm_cell_text(table, "%s", orders[order]);
        nrm_cell_text(table, "%.3f", squared_correlation(v, v1, t->d));
        nrm_cell_number(table, info.order_projection);
        nrm_cell_number(table, info.order_length);
        nrm_cell_text(table, info.order_suspect ? "yes" : "no");
    }
    nrm_measure(r, "order", raised / 3.0);
    return NRM_OK;
}

/* ---- Memory ------------------------------------------------------------------------------------- */

static nrm_status run_memory(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { COLUMNS = 2048 };
    const int64_t sizes[] = {1000, r->quick ? 4000 : 40000};
    double *v = nrm_scratch(r, COLUMNS, sizeof *v);
    nrm_top_eigenvector_info info[2];

    if (!v) return NRM_E_NOMEM;
    for (int i = 0; i < 2; i++) {
        row_source s = {sizes[i], 1};
        nrm_rows *rows;
        nrm_status st = nrm_step(r, "memory", i, 2);
        if (st >= 0) st = nrm_rows_from_callback(ctx, &rows, COLUMNS, fill_rows, &s);
        if (st < 0) return st;
        st = nrm_top_eigenvector(ctx, rows, v, &info[i], NULL);
        nrm_rows_close(ctx, rows);
        if (st < 0) return st;
    }
    nrm_measure(r, "memory", (double)info[1].stored_numbers / ((2 * 8 + 32) * COLUMNS));
    nrm_measure_bool(r, "memory-rows", info[0].stored_numbers == info[1].stored_numbers &&
                                           info[0].peak_numbers == info[1].peak_numbers);
    nrm_note(r, "Memory: %lld numbers held for %lld and for %lld rows of %d; %lld with the work space of the answer.",
             (long long)info[1].stored_numbers, (long long)sizes[0], (long long)sizes[1], COLUMNS,
             (long long)info[1].peak_numbers);
    return NRM_OK;
}

/* ---- A real table ------------------------------------------------------------------------------- */

static nrm_status run_csr(nrm_reproduction *r, nrm_ctx *ctx, const nrm_csr *table)
{
    static const int algorithms[] = {NRM_TOP_EIGENVECTOR_EXACT, NRM_TOP_EIGENVECTOR_HEAVY_LIGHT,
                                     NRM_TOP_EIGENVECTOR_BLOCK_POWER, NRM_TOP_EIGENVECTOR_FREQUENT_DIRECTIONS,
                                     NRM_TOP_EIGENVECTOR_OJA};
    static const char *const names[] = {"exact", "heavy-light", "block-power", "Frequent Directions, l = 24",
                                        "Oja, decaying rate"};
    static const char *const columns[] = {"method", "correlation", "numbers held", "million rows/s", "gap"};
    double *v = nrm_scratch(r, 2 * table->cols, sizeof *v), quality[REPEATS];
    nrm_draws draws = {r->seed + 7};
    nrm_csr shuffled;

    if (!v) return NRM_E_NOMEM;
    nrm_table t = nrm_table_begin(r, "a9a, rows shuffled", "14 ones a row, not centred.", columns, 5);
    for (int k = 0; k < REPEATS; k++) {
        if (!permute_csr(r, table, &shuffled, &draws)) return NRM_E_NOMEM;
        for (int c = 0; c < (k == 0 ? NRM_CLAIM_COUNT(algorithms) : 2); c++) {
            nrm_top_eigenvector_options o = nrm_top_eigenvector_options_default();
            nrm_top_eigenvector_info info;
            double *to = c == 0 ? v : v + table->cols;
            o.algorithm = algorithms[c];
            nrm_status st = nrm_step(r, "a9a", k, REPEATS);
            if (st >= 0) st = solve_csr(ctx, &shuffled, &o, to, &info);
            if (st < 0) return st;
            if (c == 1) quality[k] = squared_correlation(v, to, table->cols);
            if (k > 0) continue;
            nrm_cell_text(t, "%s", names[c]);
            nrm_cell_text(t, "%.5f", squared_correlation(v, to, table->cols));
            nrm_cell_text(t, "%lld", (long long)info.stored_numbers);
            nrm_cell_number(t, info.rows_per_second / 1e6);
            nrm_cell_number(t, info.gap);
        }
    }
    nrm_measure_spread(r, "real-table", quality, REPEATS);
    return NRM_OK;
}

static nrm_status run_real(nrm_reproduction *r, nrm_ctx *ctx)
{
    const char *path = nrm_data_path(r, "libsvm/a9a");
    nrm_loaded file = {0};

    if (!path) {
        nrm_not_measured(r, "real-table", "libsvm/a9a is not in the data folder; give it with --data");
        return NRM_OK;
    }
    nrm_status st = nrm_load(ctx, path, &file);
    if (st < 0) return st;
    if (file.kind == NRM_LOADED_CSR) st = run_csr(r, ctx, &file.csr);
    else nrm_not_measured(r, "real-table", "%s is not a LIBSVM file", path);
    nrm_loaded_destroy(ctx, &file);
    return st;
}

/* ---- The experiment ------------------------------------------------------------------------------- */

static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
{
    double *a = nrm_scratch(r, MOST_NUMBERS, sizeof *a), v1[MOST_D];
    nrm_top_eigenvector_options exact = nrm_top_eigenvector_options_default();
    nrm_draws draws = {r->seed + 31};
    nrm_status st;

    if (!a) return NRM_E_NOMEM;
    st = run_instances(r, ctx, a);
    if (st >= 0) st = plot_oja(r, ctx, a);
    if (st < 0) return st;

    exact.algorithm = NRM_TOP_EIGENVECTOR_EXACT;
    draw_instance(&instances[0], a, &draws);
    st = solve_table(ctx, a, instances[0].rows, instances[0].d, &exact, v1, NULL);
    if (st >= 0) st = run_permutations(r, ctx, a, v1, &draws);
    if (st >= 0) st = plot_progress(r, ctx, a, v1);
    if (st >= 0) st = run_sorted(r, ctx, a, v1, &draws);
    if (st >= 0) st = run_memory(r, ctx);
    if (st >= 0) st = run_real(r, ctx);
    nrm_note(r, "The paper reports no experiments. Its lower bound (any algorithm of O(hd / R) bits has correlation at "
                "most 1 - Omega(1 / R^2) on some input) is a statement about all algorithms and cannot be measured.");
    return st;
}

const nrm_paper nrm_paper_26 = {
    .number = 26,
    .about = "Streams whose top direction is spread over all rows (spiked), carried in part by one long row (mixed, "
             "angled), or by a few (oja_hard), with known answers; the same in sorted order; and a real sparse table. "
             "Every method reads each stream once; the default holds 48 vectors.",
    .claims = claims,
    .claim_count = NRM_CLAIM_COUNT(claims),
    .run = run,
};
