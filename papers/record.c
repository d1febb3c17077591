/* record.c -- what an experiment records, as JSON from the first moment. */
#include "report.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nrm_trouble(nrm_record *record, const char *format, ...)
{
    if (record->trouble[0]) return; /* the first one is the cause */
    va_list args;
    va_start(args, format);
    vsnprintf(record->trouble, sizeof record->trouble, format, args);
    va_end(args);
}

/* Every json_ call that can fail goes through here. */
static void keep(nrm_record *record, int failed)
{
    if (failed) nrm_trouble(record, "something recorded is not UTF-8, or memory ran out");
}

nrm_record *nrm_record_create(const nrm_paper *paper, nrm_live *live)
{
    nrm_record *record = cli_grow(NULL, sizeof *record);
    *record = (nrm_record){.paper = paper, .measures = json_object(), .notes = json_array(),
                           .tables = json_array(), .plots = json_array(), .live = live};
    const char *fault = nrm_claims_fault(paper);
    if (fault) nrm_trouble(record, "%s", fault);
    return record;
}

void nrm_record_destroy(nrm_record *record)
{
    if (!record) return;
    json_decref(record->measures);
    json_decref(record->notes);
    json_decref(record->tables);
    json_decref(record->plots);
    for (int i = 0; i < record->scratch_count; i++) free(record->scratch[i]);
    free(record->scratch);
    free(record);
}

json_t *nrm_json_number(double value)
{
    if (isnan(value)) return json_null();
    if (isinf(value)) return json_string(value > 0 ? "inf" : "-inf");
    return json_real(value);
}

double nrm_json_value(const json_t *value)
{
    if (json_is_number(value)) return json_number_value(value);
    const char *words = json_string_value(value);
    if (words && strcmp(words, "inf") == 0) return INFINITY;
    if (words && strcmp(words, "-inf") == 0) return -INFINITY;
    return NAN;
}

static json_t *numbers(nrm_record *record, const double *values, int64_t n)
{
    json_t *array = json_array();
    if (!values || n < 0) {
        nrm_trouble(record, "numbers to record are missing (NULL or a negative count)");
        return array;
    }
    for (int64_t i = 0; i < n; i++) keep(record, json_array_append_new(array, nrm_json_number(values[i])));
    return array;
}

/* ---- Claims -------------------------------------------------------------------------- */

static json_t *measure_of(nrm_record *record, const char *id)
{
    bool known = false;
    for (int i = 0; id && i < record->paper->claim_count; i++)
        known = known || strcmp(record->paper->claims[i].id, id) == 0;
    if (!known) {
        nrm_trouble(record, "no claim is called \"%s\"", id ? id : "NULL");
        return NULL;
    }
    json_t *measure = json_object_get(record->measures, id);
    if (!measure) {
        measure = json_object();
        keep(record, json_object_set_new(record->measures, id, measure));
    }
    return measure;
}

void nrm_measure_spread(nrm_reproduction *r, const char *claim, const double *values, int n)
{
    json_t *measure = measure_of(r->record, claim);
    if (!measure) return;
    if (n < 1) {
        nrm_trouble(r->record, "claim \"%s\" was measured with no value", claim);
        return;
    }
    keep(r->record, json_object_set_new(measure, "values", numbers(r->record, values, n)));
}

void nrm_measure(nrm_reproduction *r, const char *claim, double value)
{
    nrm_measure_spread(r, claim, &value, 1);
}

void nrm_measure_bool(nrm_reproduction *r, const char *claim, bool value)
{
    nrm_measure(r, claim, value ? 1 : 0);
}

static void measure_text(nrm_reproduction *r, const char *claim, const char *key, const char *format, va_list args)
{
    json_t *measure = measure_of(r->record, claim);
    if (measure) keep(r->record, json_object_set_new(measure, key, json_vsprintf(format, args)));
}

void nrm_measure_reason(nrm_reproduction *r, const char *claim, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    measure_text(r, claim, "reason", format, args);
    va_end(args);
}

void nrm_not_measured(nrm_reproduction *r, const char *claim, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    measure_text(r, claim, "missing", format, args);
    va_end(args);
}

void nrm_note(nrm_reproduction *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep(r->record, json_array_append_new(r->record->notes, json_vsprintf(format, args)));
    va_end(args);
}

/* ---- Tables -------------------------------------------------------------------------- */

static json_t *or_null(const char *words) { return words ? json_string(words) : json_null(); }

nrm_table nrm_table_begin(nrm_reproduction *r, const char *title, const char *caption,
                          const char *const *columns, int column_count)
{
    nrm_record *record = r->record;
    json_t *names = json_array();
    for (int i = 0; i < column_count; i++) keep(record, json_array_append_new(names, json_string(columns[i])));
    if (column_count < 1) nrm_trouble(record, "a table needs a column");
    json_t *table = json_pack("{s:o, s:o, s:o, s:[]}", "title", or_null(title), "caption", or_null(caption),
                              "columns", names, "rows");
    keep(record, json_array_append_new(record->tables, table));
    return (nrm_table){record, table};
}

static void add_cell(nrm_table table, json_t *cell)
{
    json_t *rows = json_object_get(table.node, "rows");
    const size_t columns = json_array_size(json_object_get(table.node, "columns"));
    json_t *last = json_array_get(rows, json_array_size(rows) - 1);
    if (!last || json_array_size(last) >= columns) {
        last = json_array();
        keep(table.record, json_array_append_new(rows, last));
    }
    keep(table.record, json_array_append_new(last, cell));
}

void nrm_cell_text(nrm_table table, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_cell(table, json_vsprintf(format, args));
    va_end(args);
}

/* In a table, infinities keep their text and NaN is an empty cell. */
void nrm_cell_number(nrm_table table, double value) { add_cell(table, nrm_json_number(value)); }

/* ---- Plots --------------------------------------------------------------------------- */

nrm_plot nrm_plot_begin(nrm_reproduction *r, const nrm_plot_options *options)
{
    json_t *plot = json_pack("{s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:[]}", "title", or_null(options->title),
                             "caption", or_null(options->caption), "x_label", or_null(options->x_label),
                             "y_label", or_null(options->y_label), "x_log", options->x_log, "y_log",
                             options->y_log, "y_from_zero", options->y_from_zero, "series");
    keep(r->record, json_array_append_new(r->record->plots, plot));
    return (nrm_plot){r->record, plot};
}

static json_t *add_series(nrm_plot plot, const char *kind, const char *name)
{
    json_t *series = json_pack("{s:s, s:s}", "kind", kind, "name", name ? name : "");
    keep(plot.record, json_array_append_new(json_object_get(plot.node, "series"), series));
    return series;
}

static void add_numbers(nrm_plot plot, json_t *series, const char *key, const double *values, int64_t n)
{
    keep(plot.record, json_object_set_new(series, key, numbers(plot.record, values, n)));
}

static json_t *add_curve(nrm_plot plot, const char *kind, const char *name, const double *x, const double *y,
                         int64_t n)
{
    json_t *series = add_series(plot, kind, name);
    add_numbers(plot, series, "x", x, n);
    add_numbers(plot, series, "y", y, n);
    return series;
}

void nrm_plot_line(nrm_plot plot, const char *name, const double *x, const double *y, int64_t n)
{
    add_curve(plot, "line", name, x, y, n);
}

void nrm_plot_points(nrm_plot plot, const char *name, const double *x, const double *y, int64_t n)
{
    add_curve(plot, "points", name, x, y, n);
}

void nrm_plot_band(nrm_plot plot, const char *name, const double *x, const double *y, const double *low,
                   const double *high, int64_t n)
{
    json_t *series = add_curve(plot, "band", name, x, y, n);
    add_numbers(plot, series, "low", low, n);
    add_numbers(plot, series, "high", high, n);
}

void nrm_plot_bars(nrm_plot plot, const char *name, const char *const *labels, const double *y, int64_t n)
{
    json_t *series = add_series(plot, "bars", name), *words = json_array();
    for (int64_t i = 0; i < n; i++) keep(plot.record, json_array_append_new(words, json_string(labels[i])));
    keep(plot.record, json_object_set_new(series, "labels", words));
    add_numbers(plot, series, "y", y, n);
}

void nrm_plot_heat(nrm_plot plot, const char *name, const double *values, int64_t rows, int64_t cols)
{
    if (rows < 1 || cols < 1 || rows > INT64_MAX / cols) {
        nrm_trouble(plot.record, "a heat map needs rows and columns");
        return;
    }
    json_t *series = add_series(plot, "heat", name);
    keep(plot.record, json_object_set_new(series, "rows", json_integer(rows)));
    keep(plot.record, json_object_set_new(series, "cols", json_integer(cols)));
    add_numbers(plot, series, "values", values, rows * cols);
}

static void add_mark(nrm_plot plot, const char *kind, const char *name, double at)
{
    keep(plot.record, json_object_set_new(add_series(plot, kind, name), "at", nrm_json_number(at)));
}

void nrm_plot_mark_y(nrm_plot plot, const char *name, double y) { add_mark(plot, "mark-y", name, y); }
void nrm_plot_mark_x(nrm_plot plot, const char *name, double x) { add_mark(plot, "mark-x", name, x); }

/* ---- The end: claims with verdicts ------------------------------------------------------ */

static json_t *take_text(text *t)
{
    json_t *words = json_string(text_string(t));
    text_free(t);
    return words;
}

/* value, spread and the verdict; a reason wherever the verdict is not "holds". */
static void judge_into(json_t *entry, const nrm_claim *claim, const json_t *measure, const char *ended)
{
    const json_t *list = json_object_get(measure, "values");
    const int n = (int)json_array_size(list);
    double *values = cli_grow(NULL, (size_t)(n + 1) * sizeof *values);
    for (int i = 0; i < n; i++) values[i] = nrm_json_value(json_array_get(list, (size_t)i));
    const nrm_verdict verdict = nrm_judge(claim, values, n);
    text reason = {0};
    const char *given = nrm_json_text(measure, verdict == NRM_NOT_MEASURED ? "missing" : "reason");

    if (n > 0) {
        double least = values[0], most = values[0];
        bool nan = isnan(values[0]);
        for (int i = 1; i < n; i++) {
            least = fmin(least, values[i]);
            most = fmax(most, values[i]);
            nan = nan || isnan(values[i]);
        }
        const double median = nan ? (double)NAN : nrm_median(values, n);
        json_object_set_new(entry, "value", nrm_json_number(median));
        json_object_set_new(entry, "least", nrm_json_number(least));
        json_object_set_new(entry, "most", nrm_json_number(most));
        json_object_set(entry, "values", json_object_get(measure, "values"));
        if (*given) text_add(&reason, "%s", given);
        else if (verdict != NRM_HOLDS) nrm_shortfall_text(&reason, claim, median);
    } else {
        text_add(&reason, "%s", *given ? given : ended);
    }
    json_object_set_new(entry, "verdict", json_string(nrm_verdict_word(verdict)));
    json_object_set_new(entry, "reason", take_text(&reason));
    free(values);
}

static json_t *claim_json(const nrm_claim *claim, const json_t *measure, const char *ended)
{
    static const char *const relations[] = {"at-least", "at-most", "within", "true"};
    text holds = {0}, direction = {0};
    nrm_limit_text(&holds, claim, NRM_HOLDS);
    nrm_limit_text(&direction, claim, NRM_HOLDS_IN_DIRECTION);
    json_t *entry = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:o, s:o}", "id", claim->id, "statement",
                              claim->statement, "where", claim->where, "figure", claim->figure ? claim->figure : "",
                              "unit", claim->unit ? claim->unit : "", "relation", relations[claim->relation],
                              "target", claim->target, "holds", claim->relation == NRM_TRUE ? 1.0 : claim->holds,
                              "direction", claim->direction, "holds_when", take_text(&holds),
                              "direction_when", take_text(&direction));
    if (entry) judge_into(entry, claim, measure, ended);
    return entry;
}

json_t *nrm_record_finish(nrm_record *record, const char *ended)
{
    json_t *claims = json_array();
    for (int i = 0; record->paper->claims && i < record->paper->claim_count; i++) {
        const nrm_claim *claim = &record->paper->claims[i];
        const json_t *measure = claim->id ? json_object_get(record->measures, claim->id) : NULL;
        keep(record, json_array_append_new(claims, claim_json(claim, measure, ended)));
    }
    json_t *paper = json_pack("{s:o, s:O, s:O, s:O}", "claims", claims, "notes", record->notes, "tables",
                              record->tables, "plots", record->plots);
    if (!paper) nrm_trouble(record, "memory ran out");
    return paper;
}
