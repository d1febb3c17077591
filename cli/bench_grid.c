/* bench_grid.c -- grids of times: filled, shown, as JSON. */
#include "bench.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 9, QUICK_ROUNDS = 5 };

bench_grid *bench_add_grid(bench *b, const char *unit, const char *column_name, const char *format, ...)
{
    va_list args;
    b->grids = cli_grow(b->grids, (size_t)(b->grid_count + 1) * sizeof *b->grids);
    bench_grid *g = &b->grids[b->grid_count++];
    memset(g, 0, sizeof *g);
    for (int i = 0; i < BENCH_ROWS; i++)
        for (int j = 0; j < BENCH_COLUMNS; j++) g->median[i][j] = g->spread[i][j] = NAN;
    snprintf(g->unit, sizeof g->unit, "%s", unit);
    snprintf(g->column_name, sizeof g->column_name, "%s", column_name);
    va_start(args, format);
    vsnprintf(g->title, sizeof g->title, format, args);
    va_end(args);
    return g;
}

int bench_add_column(bench_grid *g, const char *format, ...)
{
    va_list args;
    if (g->column_count == BENCH_COLUMNS) return BENCH_COLUMNS - 1;
    va_start(args, format);
    vsnprintf(g->columns[g->column_count], BENCH_NAME, format, args);
    va_end(args);
    return g->column_count++;
}

static int row_of(bench_grid *g, const char *name)
{
    for (int i = 0; i < g->row_count; i++)
        if (strcmp(g->rows[i], name) == 0) return i;
    if (g->row_count == BENCH_ROWS) return BENCH_ROWS - 1;
    snprintf(g->rows[g->row_count], BENCH_NAME, "%s", name);
    return g->row_count++;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Half the distance between the quartiles, relative to the median. */
static double relative_spread(const double *values, int n, double median)
{
    double sorted[BENCH_ROUNDS];
    memcpy(sorted, values, (size_t)n * sizeof *values);
    qsort(sorted, (size_t)n, sizeof *sorted, compare);
    return (sorted[(3 * (n - 1) + 2) / 4] - sorted[(n - 1) / 4]) / 2 / median;
}

bool bench_wants(const bench *b, const char *row) { return !b->only || strcmp(b->only, row) == 0; }

nrm_status bench_column(bench *b, bench_grid *g, int column, const nrm_contender *contenders, int count,
                        double least_seconds, bench_measure measure, double scale)
{
    const int rounds = b->rounds > 0 ? b->rounds : b->quick ? QUICK_ROUNDS : ROUNDS;
    double *seconds = cli_grow(NULL, (size_t)count * (size_t)rounds * sizeof *seconds);
    nrm_contender wanted[BENCH_ROWS];
    int rows[BENCH_ROWS], wanted_count = 0;

    for (int c = 0; c < count; c++) {
        const int row = row_of(g, contenders[c].name);
        if (!bench_wants(b, contenders[c].name) || wanted_count == BENCH_ROWS) continue;
        rows[wanted_count] = row;
        wanted[wanted_count++] = contenders[c];
    }
    const nrm_status st = nrm_time_in_turn(b->kit, b->ctx, wanted, wanted_count, rounds, least_seconds, seconds);
    for (int c = 0; st >= 0 && c < wanted_count; c++) {
        const double median = nrm_median(seconds + (ptrdiff_t)c * rounds, rounds);
        g->median[rows[c]][column] = measure == BENCH_TIME ? scale * median : scale / median;
        g->spread[rows[c]][column] = relative_spread(seconds + (ptrdiff_t)c * rounds, rounds, median);
    }
    free(seconds);
    return st;
}

/* Three digits, whatever the size: 0.301, 12.3, 1.20 M. */
static void add_cell(text *t, const bench_grid *g, int i, int j)
{
    const double value = g->median[i][j];
    const char *prefix = value >= 1e6 ? " M" : value >= 1e4 ? " k" : "";
    const double shown = value >= 1e6 ? value / 1e6 : value >= 1e4 ? value / 1e3 : value;
    if (isnan(value)) text_add(t, "-");
    else if (shown < 0.01) text_add(t, "%.3g", shown);
    else text_add(t, "%.*f%s", shown >= 100 ? 0 : shown >= 10 ? 1 : shown >= 1 ? 2 : 3, shown, prefix);
    if (!isnan(g->spread[i][j])) text_add(t, " %2.0f%%", 100 * g->spread[i][j]);
}

static bool row_is_empty(const bench_grid *g, int i)
{
    for (int j = 0; j < g->column_count; j++)
        if (!isnan(g->median[i][j])) return false;
    return true;
}

static bool has_spread(const bench_grid *g)
{
    for (int i = 0; i < g->row_count; i++)
        if (!isnan(g->spread[i][0])) return true;
    return false;
}

void bench_show(text *t, const bench_grid *g, int width)
{
    enum { CELL = 14 };
    int widest = (int)strlen(g->column_name);
    for (int i = 0; i < g->row_count; i++)
        if ((int)strlen(g->rows[i]) > widest) widest = (int)strlen(g->rows[i]);
    int at_once = (width - widest - 2) / CELL;
    if (at_once < 1) at_once = 1;

    text_add(t, "%s, %s%s\n", g->title, g->unit, has_spread(g) ? " (median, spread)" : "");
    for (int first = 0; first < g->column_count; first += at_once) {
        const int end = first + at_once < g->column_count ? first + at_once : g->column_count;
        text_add(t, "  %-*s", widest, g->column_name);
        for (int j = first; j < end; j++) text_add(t, "%*s", CELL, g->columns[j]);
        text_add(t, "\n");
        for (int i = 0; i < g->row_count; i++) {
            if (row_is_empty(g, i)) continue;
            text_add(t, "  %-*s", widest, g->rows[i]);
            for (int j = first; j < end; j++) {
                text cell = {0};
                add_cell(&cell, g, i, j);
                text_add(t, "%*s", CELL, text_string(&cell));
                text_free(&cell);
            }
            text_add(t, "\n");
        }
        text_add(t, "\n");
    }
}

json_t *bench_json(const bench_grid *g)
{
    json_t *measures = json_array();
    for (int j = 0; j < g->column_count; j++) {
        for (int i = 0; i < g->row_count; i++) {
            if (isnan(g->median[i][j])) continue;
            json_array_append_new(measures, json_pack("{s:s, s:s, s:f, s:o}", "size", g->columns[j], "variant",
                                                      g->rows[i], "median", g->median[i][j], "spread",
                                                      nrm_json_number(g->spread[i][j])));
        }
    }
    return json_pack("{s:s, s:s, s:s, s:o}", "title", g->title, "unit", g->unit, "size", g->column_name, "measures",
                     measures);
}
