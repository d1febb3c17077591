/* plot.c -- a recorded plot drawn by gnuplot as SVG, made fit to live inside the page.
 *
 * Colours are written as sentinels and replaced by the page's CSS variables, so
 * that one drawing is right in light and dark: black becomes currentColor, series i
 * becomes var(--series-i), a heat map's level becomes the opacity of var(--heat). */
#include "report.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* TRIM: what gnuplot leaves empty at the left. */
enum { WIDTH = 440, HEIGHT = 290, HEIGHT_ROTATED = 350, TRIM = 14, FONT = 15, SERIES_COLOURS = 6, HEAT_MOST = 160 };

/* ---- The script ------------------------------------------------------------------------ */

/* In single quotes gnuplot takes every character as it is, but the quote. */
static void quoted(text *t, const char *words)
{
    text_add(t, "'");
    for (const char *c = words; *c; c++) {
        if (*c == '\'') text_add(t, "''");
        else if ((unsigned char)*c < ' ') text_add(t, " ");
        else text_add_bytes(t, c, 1);
    }
    text_add(t, "'");
}

static bool is(const json_t *series, const char *kind) { return strcmp(nrm_json_text(series, "kind"), kind) == 0; }
static bool flag(const json_t *plot, const char *key) { return json_is_true(json_object_get(plot, key)); }

static void add_value(text *t, const json_t *list, size_t i)
{
    const double value = nrm_json_value(json_array_get(list, i));
    if (isfinite(value)) text_add(t, " %.17g", value);
    else text_add(t, " NaN");
}

/* A heat map larger than the page can show is averaged down. */
static void heat_block(text *t, const json_t *series)
{
    const int64_t rows = json_integer_value(json_object_get(series, "rows"));
    const int64_t cols = json_integer_value(json_object_get(series, "cols"));
    const json_t *values = json_object_get(series, "values");
    const int64_t step_r = (rows + HEAT_MOST - 1) / HEAT_MOST, step_c = (cols + HEAT_MOST - 1) / HEAT_MOST;
    for (int64_t i = 0; i < rows; i += step_r) {
        for (int64_t j = 0; j < cols; j += step_c) {
            double sum = 0;
            int count = 0;
            for (int64_t k = i; k < i + step_r && k < rows; k++)
                for (int64_t l = j; l < j + step_c && l < cols; l++, count++)
                    sum += nrm_json_value(json_array_get(values, (size_t)(k * cols + l)));
            text_add(t, "%.9g %.9g %.9g\n", (double)j + 0.5 * (double)(step_c - 1),
                     (double)i + 0.5 * (double)(step_r - 1), sum / count);
        }
    }
}

static void data_block(text *t, const json_t *series, size_t index)
{
    text_add(t, "$data%zu << EOD\n", index);
    if (is(series, "heat")) {
        heat_block(t, series);
    } else {
        const json_t *x = json_object_get(series, "x"), *y = json_object_get(series, "y");
        for (size_t i = 0; i < json_array_size(y); i++) {
            if (x) add_value(t, x, i);
            else text_add(t, " %zu", i);
            add_value(t, y, i);
            if (is(series, "band")) {
                add_value(t, json_object_get(series, "low"), i);
                add_value(t, json_object_get(series, "high"), i);
            }
            text_add(t, "\n");
        }
    }
    text_add(t, "EOD\n");
}

static bool has(const json_t *plot, const char *kind)
{
    size_t i;
    json_t *series;
    json_array_foreach(json_object_get(plot, "series"), i, series) {
        if (is(series, kind)) return true;
    }
    return false;
}

/* A thin dashed line, not a series: its name stands beside it. */
static void add_mark(text *t, const json_t *mark)
{
    const double at = nrm_json_value(json_object_get(mark, "at"));
    if (!isfinite(at)) return;
    const bool x = is(mark, "mark-x");
    text_add(t, x ? "set arrow from first %.17g,graph 0 to first %.17g,graph 1"
                  : "set arrow from graph 0,first %.17g to graph 1,first %.17g", at, at);
    text_add(t, " nohead lc rgb '#0a0b07' dt (6,5) lw 1\nset label ");
    quoted(t, nrm_json_text(mark, "name"));
    text_add(t, x ? " at first %.17g,graph 0.98 rotate by 90 right offset char -0.7,0"
                  : " at graph 0.02,first %.17g left offset 0,char 0.6", at);
    text_add(t, " noenhanced textcolor rgb '#0a0b07' font ',12'\n");
}

/* Labels of bars that would touch each other are turned, and get room below. */
static bool turned(const json_t *plot)
{
    size_t i, k, columns = 0, count = 0;
    json_t *series, *label;
    json_array_foreach(json_object_get(plot, "series"), i, series) {
        if (!is(series, "bars")) continue;
        json_array_foreach(json_object_get(series, "labels"), k, label) {
            columns += strlen(json_string_value(label)) + 2;
            count++;
        }
        break;
    }
    return count > 1 && columns > 44;
}

static int height_of(const json_t *plot) { return turned(plot) ? HEIGHT_ROTATED : HEIGHT; }

static bool any_negative(const json_t *plot)
{
    size_t i, k;
    json_t *series, *y;
    json_array_foreach(json_object_get(plot, "series"), i, series) {
        json_array_foreach(json_object_get(series, "y"), k, y) {
            if (nrm_json_value(y) < 0) return true;
        }
    }
    return false;
}

static void frame(text *t, const json_t *plot)
{
    text_add(t, "set encoding utf8\nset terminal svg size %d,%d fixed enhanced font 'inherit,%d' linewidth 1\n"
                "set datafile missing 'NaN'\nset border 3 lc rgb '#0a0b07' lw 1\n"
                "set tics nomirror out scale 0.5 textcolor rgb '#000000'\nset style fill solid 1 noborder\n"
                "unset key\n", WIDTH, height_of(plot), FONT);
    text_add(t, "set xlabel ");
    quoted(t, nrm_json_text(plot, "x_label"));
    text_add(t, " noenhanced offset 0,0.3\nset ylabel ");
    quoted(t, nrm_json_text(plot, "y_label"));
    text_add(t, " noenhanced offset 0.8,0\n");
    if (!has(plot, "heat"))
        text_add(t, "set grid ytics lc rgb '#0a0b08' lw 1 dt solid, lc rgb '#0a0b08' lw 1 dt solid\n");
    if (flag(plot, "x_log")) text_add(t, "set logscale x\nset format x '10^{%%L}'\n");
    if (flag(plot, "y_log")) text_add(t, "set logscale y\nset format y '10^{%%L}'\n");
    else if ((flag(plot, "y_from_zero") || has(plot, "bars")) && !any_negative(plot)) text_add(t, "set yrange [0:*]\n");
    size_t i;
    json_t *series;
    json_array_foreach(json_object_get(plot, "series"), i, series) {
        if (is(series, "mark-x") || is(series, "mark-y")) add_mark(t, series);
        else data_block(t, series, i);
    }
}

/* Side by side: bar series b of n is a box of width 0.8 / n around its label's place. */
static void add_bars(text *t, size_t index, int b, int n, int colour)
{
    text_add(t, "$data%zu using ($1%+.4f):2:(%.4f) with boxes lc rgb '#0a0b0%d'", index,
             (b - (n - 1) / 2.0) * 0.8 / n, 0.74 / n, colour);
}

static void bar_labels(text *t, const json_t *series, bool turn)
{
    const json_t *labels = json_object_get(series, "labels");
    text_add(t, "set xtics scale 0 (");
    for (size_t i = 0; i < json_array_size(labels); i++) {
        text_add(t, i > 0 ? ", " : "");
        quoted(t, json_string_value(json_array_get(labels, i)));
        text_add(t, " %zu", i);
    }
    text_add(t, ") noenhanced%s\nset xrange [-0.6:%.1f]\n", turn ? " rotate by 35 right font ',13'" : "",
             (double)json_array_size(labels) - 0.4);
}

/* Symbols on a line of few points; on a long one they would cover it. */
static bool with_symbols(const json_t *series)
{
    return is(series, "points") || json_array_size(json_object_get(series, "y")) <= 40;
}

static void add_series(text *t, const json_t *series, size_t index, int colour)
{
    static const int symbols[SERIES_COLOURS] = {7, 5, 9, 13, 11, 4};
    const int symbol = symbols[colour - 1];
    if (is(series, "band"))
        text_add(t, "$data%zu using 1:3:4 with filledcurves lc rgb '#0a0c0%d', ", index, colour);
    text_add(t, "$data%zu using 1:2 with ", index);
    if (is(series, "points")) text_add(t, "points pt %d ps 0.55", symbol);
    else if (with_symbols(series))
        text_add(t, "linespoints lw 2 pt %d ps 0.5", symbol);
    else text_add(t, "lines lw 2");
    text_add(t, " lc rgb '#0a0b0%d'", colour);
}

static void heat_frame(text *t, const json_t *series)
{
    text_add(t, "set palette defined (0 '#0100fe', 1 '#01fffe')\nset yrange [*:*] reverse\nset border 15\n"
                "set tics out\nset autoscale fix\nset cblabel ");
    quoted(t, nrm_json_text(series, "name"));
    text_add(t, " noenhanced\nplot $data0 using 1:2:3 with image pixels\n");
}

/* Series are coloured in the order in which they were recorded. */
static bool takes_colour(const json_t *series) { return json_array_size(json_object_get(series, "y")) > 0; }

static bool script(text *t, const json_t *plot)
{
    const json_t *list = json_object_get(plot, "series");
    size_t i;
    json_t *series;
    int bars = 0, drawn = 0;
    frame(t, plot);
    json_array_foreach(list, i, series) {
        if (is(series, "heat")) {
            heat_frame(t, series);
            return i == 0;
        }
        if (is(series, "bars") && bars++ == 0) bar_labels(t, series, turned(plot));
    }
    int b = 0;
    json_array_foreach(list, i, series) {
        if (!takes_colour(series)) continue;
        text_add(t, drawn > 0 ? ", " : "plot ");
        const int colour = drawn++ % SERIES_COLOURS + 1;
        if (is(series, "bars")) add_bars(t, i, b++, bars, colour);
        else add_series(t, series, i, colour);
    }
    text_add(t, "\n");
    return drawn > 0;
}

/* ---- From gnuplot's SVG to the page's -------------------------------------------------------- */

static bool starts(const char *words, const char *with) { return strncmp(words, with, strlen(with)) == 0; }

/* The page's word for a colour of gnuplot's: "black", "rgb( 10,  11,   3)". */
static void add_colour(text *page, const char *attribute, const char *value, size_t length)
{
    int r = -1, g = 0, b = 0;
    const bool black = length == 5 && starts(value, "black");
    const bool rgb = sscanf(value, "rgb(%d,%d,%d)", &r, &g, &b) == 3;
    text_add(page, "%s=\"", attribute);
    if (black || (rgb && r == 0 && g == 0 && b == 0)) text_add(page, "currentColor\"");
    else if (r == 10 && g == 11 && b >= 1 && b <= SERIES_COLOURS) text_add(page, "var(--series-%d)\"", b);
    else if (r == 10 && g == 11 && b == 7) text_add(page, "var(--axis)\"");
    else if (r == 10 && g == 11 && b == 8) text_add(page, "var(--grid)\"");
    else if (r == 10 && g == 12 && b >= 1 && b <= SERIES_COLOURS)
        text_add(page, "var(--series-%d)\" %s-opacity=\"0.16\"", b, attribute);
    else if (r == 1 && b == 254) text_add(page, "var(--heat)\" %s-opacity=\"%.3g\"", attribute, g / 255.0);
    else {
        text_add_bytes(page, value, length);
        text_add(page, "\"");
    }
}

/* A colour attribute at `c`, fill = 'VALUE' in any of gnuplot's spellings; returns how
 * much of the input it takes, 0 where there is none. */
static size_t take_colour(text *page, const char *c)
{
    static const char *const names[] = {"fill", "stroke", "color"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!starts(c, names[i])) continue;
        const char *at = c + strlen(names[i]);
        at += strspn(at, " ");
        if (*at++ != '=') continue;
        at += strspn(at, " ");
        const char quote = *at++;
        const char *end = quote == '"' || quote == '\'' ? strchr(at, quote) : NULL;
        if (!end) continue;
        add_colour(page, names[i], at, (size_t)(end - at));
        return (size_t)(end + 1 - c);
    }
    return 0;
}

/* Copy the drawing: colours replaced, ids made unique, references without a namespace. */
static void adapt(text *page, const char *svg, int index)
{
    static const struct { const char *from, *to; } names[] = {
        {" xlink:href='#", " href='#"}, {" id='", " id='"}, {" id=\"", " id=\""}, {"url(#", "url(#"}};
    for (const char *c = svg; *c;) {
        size_t used = c > svg && isspace((unsigned char)c[-1]) ? take_colour(page, c) : 0;
        for (size_t i = 0; used == 0 && i < sizeof names / sizeof *names; i++) {
            if (!starts(c, names[i].from)) continue;
            used = strlen(names[i].from);
            text_add(page, "%sp%d-", names[i].to, index);
        }
        if (used == 0) text_add_bytes(page, c, used = 1);
        c += used;
    }
}

/* What a series looks like, 26 x 12: the symbols are those of add_series, in its order. */
static void add_sample(text *page, const json_t *series, int colour)
{
    static const char *const symbols[SERIES_COLOURS] = {
        "<circle cx='13' cy='6' r='3.2'/>", "<path d='M10 3h6v6h-6z'/>", "<path d='M13 2l4 7H9z'/>",
        "<path d='M13 2l4 4-4 4-4-4z'/>", "<path d='M13 10l4-7H9z'/>",
        "<path d='M10 3h6v6h-6z' fill='none' stroke='currentColor' stroke-width='1.5'/>"};
    const bool bars = is(series, "bars");
    text_add(page, "<svg viewBox='0 0 %d 12' aria-hidden='true' style='width:%dpx;color:var(--series-%d)' "
                   "fill='currentColor'>", bars ? 13 : 26, bars ? 13 : 26, colour);
    if (bars) text_add(page, "<path d='M0 0h13v12H0z'/>");
    if (is(series, "band")) text_add(page, "<path d='M0 1h26v10H0z' opacity='.2'/>");
    if (is(series, "line") || is(series, "band")) text_add(page, "<path d='M0 5h26v2H0z'/>");
    if (!bars && with_symbols(series)) text_add(page, "%s", symbols[colour - 1]);
    text_add(page, "</svg>");
}

void nrm_plot_legend(text *page, const json_t *plot)
{
    size_t i;
    json_t *series;
    int drawn = 0, named = 0;
    json_array_foreach(json_object_get(plot, "series"), i, series) {
        if (!takes_colour(series)) continue;
        const int colour = drawn++ % SERIES_COLOURS + 1;
        if (!*nrm_json_text(series, "name")) continue;
        text_add(page, named++ == 0 ? "<ul class=\"legend\"><li>" : "<li>");
        add_sample(page, series, colour);
        nrm_show_key(page, series, "name");
        text_add(page, "</li>");
    }
    if (named > 0) text_add(page, "</ul>");
}

bool nrm_plot_svg(text *page, const json_t *plot, int index)
{
    text commands = {0}, svg = {0};
    bool good = script(&commands, plot) && nrm_gnuplot(&commands, &svg);
    const bool heat = has(plot, "heat");
    /* From behind gnuplot's own <svg ...><title> ... <desc> ... to the end. */
    const char *body = good ? strstr(svg.data, "</desc>") : NULL;
    if (body) {
        text_add(page, "<svg%s viewBox='%d 0 %d %d' role='img' aria-label=\"",
                 heat ? " class='heat'" : "", TRIM, WIDTH - TRIM, height_of(plot));
        nrm_show_escaped(page, nrm_json_text(plot, "title"));
        text_add(page, "\">");
        adapt(page, body + strlen("</desc>"), index);
    }
    text_free(&commands);
    text_free(&svg);
    return body != NULL;
}
