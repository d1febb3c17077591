/* curve.c -- contract: curve.h.  The picture from top to bottom: title, legend, the field with
 * its grid, the axis of steps.  Colours are variables of the picture's own class, so that it can
 * also stand inside a page; they are those of the report of `norma reproduce`.  The pale line has
 * a colour of its own, as the opacity of a hairline adds up where it crosses itself. */
#include "curve_impl.h"
#include "data/sink.h"

enum { LEFT = 74, RIGHT = 736, TOP = 84, BOTTOM = 386, TICKS_X = 7, TICKS_Y = 6 };

static const char style[] =
    "<style>.nrm-curve{--paper:#fffefb;--ink:#1f2328;--soft:#5a626c;--axis:#8a9099;--grid:#e9e6df;--one:#2a6bb0;--pale:#b9d0e8;--two:#c25e1f}"
    "@media(prefers-color-scheme:dark){.nrm-curve{--paper:#1a1d21;--ink:#e5e3de;--soft:#a3aab3;--axis:#767d86;--grid:#2b2f35;"
    "--one:#7db4ee;--pale:#35506d;--two:#f0a06c}}"
    ".nrm-curve text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans','Liberation Sans',sans-serif;"
    "font-size:13px;fill:var(--soft);font-variant-numeric:tabular-nums}"
    ".nrm-curve .title{font-size:18px;font-weight:600;fill:var(--ink)}.nrm-curve .name{fill:var(--ink)}"
    ".nrm-curve .grid{stroke:var(--grid);fill:none}.nrm-curve .axis{stroke:var(--axis);fill:none}"
    ".nrm-curve .line{fill:none;stroke-linejoin:round;stroke-linecap:round}"
    ".nrm-curve .faint{stroke:var(--pale);stroke-width:1}.nrm-curve .full{stroke:var(--one);stroke-width:2.2}"
    ".nrm-curve .marked{stroke:var(--two);stroke-width:2}.nrm-curve .mark{fill:var(--two);stroke:var(--paper);stroke-width:1.5}"
    ".nrm-curve .dot{fill:var(--one)}</style>";

static const char *const style_class[] = {"faint", "full", "marked"};

/* ---- Small pieces ------------------------------------------------------------------------------------------------- */

static void put_number(nrm_buffer *b, const char *before, double value)
{
    nrm_buffer_text(b, before);
    nrm_buffer_decimal(b, value, 2, 0);
}

static void put_words(nrm_buffer *b, double x, double y, const char *attributes, const char *words)
{
    put_number(b, "<text x=\"", x);
    put_number(b, "\" y=\"", y);
    nrm_buffer_text(b, "\" ");
    nrm_buffer_text(b, attributes);
    nrm_buffer_text(b, ">");
    nrm_buffer_xml(b, words);
    nrm_buffer_text(b, "</text>\n");
}

/* Characters, near enough: bytes that begin one. */
static int64_t length_of(const char *words)
{
    int64_t n = 0;
    for (; *words; words++) n += (*words & 0xC0) != 0x80;
    return n;
}

/* ---- Ranges ------------------------------------------------------------------------------------------------------- */

typedef struct range { double low, high; } range;

static void include(range *r, double value)
{
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
}

/* What lies near the ends of the doubles is left out: widths and ratios could not be taken. */
static bool shown(double y, bool logarithmic) { return fabs(y) <= 1e100 && (!logarithmic || y >= 1e-100); }

static void find_ranges(const nrm_curve *c, bool logarithmic, range *x, range *y)
{
    *x = *y = (range){INFINITY, -INFINITY};
    for (int s = 0; s < c->series_count; s++)
        for (int64_t i = 0; i < c->series[s].count; i++) {
            include(x, c->series[s].x[i]);
            if (shown(c->series[s].y[i], logarithmic)) include(y, c->series[s].y[i]);
        }
}

static nrm_axis make_y(const nrm_curve *c, bool logarithmic)
{
    range x, y;

    find_ranges(c, logarithmic, &x, &y);
    if (logarithmic) {
        nrm_axis axis = {0};
        if (y.high >= y.low) axis = nrm_axis_make(y.low, y.high, NRM_AXIS_LOGARITHMIC, TICKS_Y, BOTTOM, TOP);
        return axis.count >= 2 ? axis : make_y(c, false); /* nothing positive, or as good as linear */
    }
    if (!(y.high >= y.low)) y = (range){0, 1};
    const double room = .04 * (y.high - y.low);
    return nrm_axis_make(y.low >= 0 ? fmax(y.low - room, 0) : y.low - room, y.high + room, NRM_AXIS_LINEAR, TICKS_Y, BOTTOM,
                         TOP);
}

/* Returns false where there is nothing to show. */
static bool make_axes(const nrm_curve *c, nrm_axis *x, nrm_axis *y)
{
    range rx, ry;

    find_ranges(c, false, &rx, &ry);
    const bool any = ry.high >= ry.low;
    const bool wide = any && ry.low >= 1e-100 && ry.high >= 30 * ry.low;
    *y = make_y(c, c->scale == NRM_CURVE_LOGARITHMIC || (c->scale == NRM_CURVE_AUTO && wide));
    if (!(rx.high >= rx.low)) rx = (range){0, 1};
    if (rx.high == rx.low) rx = (range){rx.low - 1, rx.high + 1};
    *x = nrm_axis_make(rx.low, rx.high, NRM_AXIS_STEPS, TICKS_X, LEFT, RIGHT);
    return any;
}

/* ---- Axes ----------------------------------------------------------------------------------------------------------- */

static void draw_axes(nrm_buffer *b, const nrm_curve *c, const nrm_axis *x, const nrm_axis *y)
{
    for (int i = 0; i < y->count; i++) {
        const double at = nrm_axis_at(y, y->tick[i]);
        put_number(b, "<path class=\"grid\" d=\"M74 ", at);
        nrm_buffer_text(b, "H736\"/>");
        put_number(b, "<text text-anchor=\"end\" x=\"66\" y=\"", at + 4.5);
        nrm_buffer_text(b, "\">");
        nrm_axis_label(b, y, y->tick[i]);
        nrm_buffer_text(b, "</text>\n");
    }
    for (int i = 0; i < x->count; i++) {
        const double at = nrm_axis_at(x, x->tick[i]);
        put_number(b, "<path class=\"axis\" d=\"M", at);
        nrm_buffer_text(b, " 386v5\"/>");
        put_number(b, "<text text-anchor=\"middle\" x=\"", at);
        nrm_buffer_text(b, "\" y=\"407\">");
        nrm_axis_label(b, x, x->tick[i]);
        nrm_buffer_text(b, "</text>\n");
    }
    nrm_buffer_text(b, "<path class=\"axis\" d=\"M74 386H736\"/>\n");
    if (c->x_name) put_words(b, (LEFT + RIGHT) / 2.0, 430, "text-anchor=\"middle\"", c->x_name);
    if (c->y_name) put_words(b, 0, 0, "text-anchor=\"middle\" transform=\"translate(20 235) rotate(-90)\"", c->y_name);
}

/* ---- Lines ------------------------------------------------------------------------------------------------------------ */

typedef struct pen {
    nrm_buffer *b;
    bool down;       /* a point was drawn since the last gap */
    int64_t drawn;   /* points since then */
    int64_t column;  /* pixel in which points are held */
    double first, last, low, high; /* what is held: y in pixels */
    int64_t held;
    bool low_first;
} pen;

static void draw_to(pen *p, double x, double y)
{
    put_number(p->b, p->down ? "L" : "M", x);
    put_number(p->b, " ", y);
    p->down = true;
    p->drawn++;
}

/* What is held in a pixel, in the order in which it came. */
static void release(pen *p)
{
    const double x = (double)p->column;
    if (p->held > 0) draw_to(p, x, p->first);
    if (p->held > 2 && p->low < p->high) {
        draw_to(p, x, p->low_first ? p->low : p->high);
        draw_to(p, x, p->low_first ? p->high : p->low);
    }
    if (p->held > 1) draw_to(p, x, p->last);
    p->held = 0;
}

static void lift(pen *p)
{
    release(p);
    if (p->drawn == 1) nrm_buffer_text(p->b, "h0"); /* a round cap makes a dot of it */
    p->down = false;
    p->drawn = 0;
}

static void hold(pen *p, double x, double y)
{
    const int64_t column = llround(x);
    if (p->held > 0 && column != p->column) release(p);
    if (p->held == 0) {
        p->column = column;
        p->first = p->low = p->high = y;
    } else if (y < p->low) {
        p->low = y;
        p->low_first = false;
    } else if (y > p->high) {
        p->high = y;
        p->low_first = true;
    }
    p->last = y;
    p->held++;
}

/* A circle at each point that is shown. */
static void draw_marks(nrm_buffer *b, const nrm_curve_series *s, const nrm_axis *x, const nrm_axis *y, const char *class)
{
    for (int64_t i = 0; i < s->count; i++) {
        if (!shown(s->y[i], y->kind == NRM_AXIS_LOGARITHMIC)) continue;
        nrm_buffer_text(b, "<circle class=\"");
        nrm_buffer_text(b, class);
        put_number(b, "\" r=\"3.5\" cx=\"", nrm_axis_at(x, s->x[i]));
        put_number(b, "\" cy=\"", nrm_axis_at(y, s->y[i]));
        nrm_buffer_text(b, "\"/>");
    }
    nrm_buffer_text(b, "\n");
}

static void draw_series(nrm_buffer *b, const nrm_curve_series *s, const nrm_axis *x, const nrm_axis *y)
{
    enum { FEW = 1000, MARKS_MOST = 60 };
    pen p = {.b = b};
    int64_t count = 0;

    nrm_buffer_text(b, "<path class=\"line ");
    nrm_buffer_text(b, style_class[s->style]);
    nrm_buffer_text(b, "\" d=\"");
    for (int64_t i = 0; i < s->count; i++) {
        if (!shown(s->y[i], y->kind == NRM_AXIS_LOGARITHMIC)) {
            lift(&p);
            continue;
        }
        const double px = nrm_axis_at(x, s->x[i]), py = nrm_axis_at(y, s->y[i]);
        count++;
        if (s->count <= FEW) draw_to(&p, px, py);
        else hold(&p, px, py);
    }
    lift(&p);
    nrm_buffer_text(b, "\"/>\n");
    if (s->style == NRM_CURVE_MARKED && s->count <= MARKS_MOST) draw_marks(b, s, x, y, "mark");
    else if (count == 1) draw_marks(b, s, x, y, "dot");
}

/* ---- Legend ----------------------------------------------------------------------------------------------------------- */

/* Enough digits to compare runs by eye. */
static void put_value(nrm_buffer *b, double value)
{
    const double size = fabs(value);
    if (size > 0 && (size < 1e-3 || size >= 1e5)) {
        const int exponent = (int)floor(log10(size));
        nrm_buffer_decimal(b, value / pow(10, exponent), 2, 0);
        nrm_buffer_text(b, "e");
        nrm_buffer_integer(b, exponent);
        return;
    }
    const int decimals = size < 1 ? 4 : size < 100 ? 3 : 1;
    nrm_buffer_decimal(b, value, decimals, decimals);
}

static void draw_legend(nrm_buffer *b, const nrm_curve *c)
{
    double at = LEFT;

    for (int s = 0; s < c->series_count; s++) {
        const nrm_curve_series *series = &c->series[s];
        if (!series->name) continue;
        nrm_buffer_text(b, "<path class=\"line ");
        nrm_buffer_text(b, style_class[series->style]);
        put_number(b, "\" d=\"M", at);
        nrm_buffer_text(b, " 58h20\"/>");
        if (series->style == NRM_CURVE_MARKED) {
            put_number(b, "<circle class=\"mark\" r=\"3.5\" cy=\"58\" cx=\"", at + 10);
            nrm_buffer_text(b, "\"/>");
        }
        put_number(b, "<text y=\"62.5\" x=\"", at + 27);
        nrm_buffer_text(b, "\"><tspan class=\"name\">");
        nrm_buffer_xml(b, series->name);
        nrm_buffer_text(b, "</tspan>");
        double last = NAN;
        for (int64_t i = 0; i < series->count; i++)
            if (isfinite(series->y[i])) last = series->y[i];
        if (isfinite(last) && series->style != NRM_CURVE_FAINT) {
            nrm_buffer_text(b, " <tspan dx=\"3\">");
            put_value(b, last);
            nrm_buffer_text(b, "</tspan>");
        }
        nrm_buffer_text(b, "</text>\n");
        at += 27 + 7.2 * (double)length_of(series->name) + (series->style != NRM_CURVE_FAINT ? 62 : 22);
    }
}

/* ---- The whole ---------------------------------------------------------------------------------------------------------- */

static nrm_status check(nrm_ctx *ctx, const nrm_curve *c)
{
    NRM_REQUIRE(ctx, c && (c->series || c->series_count == 0), NRM_E_NULL, "curve: curve and series must not be NULL");
    NRM_REQUIRE(ctx, c->series_count >= 0, NRM_E_RANGE, "curve: series_count is %d; it must be >= 0", c->series_count);
    for (int s = 0; s < c->series_count; s++) {
        const nrm_curve_series *series = &c->series[s];
        NRM_REQUIRE(ctx, series->count >= 0, NRM_E_RANGE, "curve: series %d has count %lld; it must be >= 0", s,
                    NRM_LL(series->count));
        NRM_REQUIRE(ctx, (series->x && series->y) || series->count == 0, NRM_E_NULL,
                    "curve: x and y of series %d must not be NULL", s);
        NRM_REQUIRE(ctx, (unsigned)series->style <= NRM_CURVE_MARKED, NRM_E_ARGUMENT, "curve: style %d of series %d is none",
                    (int)series->style, s);
        for (int64_t i = 0; i < series->count; i++)
            NRM_REQUIRE(ctx, fabs(series->x[i]) <= 0x1p53 && (i == 0 || series->x[i] >= series->x[i - 1]), NRM_E_RANGE,
                        "curve: x[%lld] of series %d is %g; x is finite and ascends", NRM_LL(i), s, series->x[i]);
    }
    return NRM_OK;
}

nrm_status nrm_curve_svg(nrm_ctx *ctx, const nrm_curve *c, char **svg, int64_t *length)
{
    nrm_buffer b = {.ctx = ctx};
    nrm_axis x, y;

    NRM_REQUIRE(ctx, svg, NRM_E_NULL, "curve: svg must not be NULL");
    NRM_TRY(check(ctx, c));
    const bool any = make_axes(c, &x, &y);
    nrm_buffer_text(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"nrm-curve\" width=\"760\" height=\"440\" "
                        "viewBox=\"0 0 760 440\" role=\"img\">\n<title>");
    nrm_buffer_xml(&b, c->title ? c->title : "A run");
    nrm_buffer_text(&b, "</title>\n");
    nrm_buffer_text(&b, style);
    nrm_buffer_text(&b, "\n<rect width=\"760\" height=\"440\" rx=\"10\" fill=\"var(--paper)\"/>\n");
    if (c->title) put_words(&b, LEFT, 34, "class=\"title\"", c->title);
    draw_legend(&b, c);
    draw_axes(&b, c, &x, &y);
    for (int s = 0; s < c->series_count; s++) draw_series(&b, &c->series[s], &x, &y);
    if (!any) put_words(&b, (LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0, "text-anchor=\"middle\"", "no finite value to show");
    nrm_buffer_text(&b, "</svg>\n");
    return nrm_buffer_take(&b, svg, length);
}

nrm_status nrm_curve_save(nrm_ctx *ctx, const nrm_curve *c, const char *path)
{
    char *svg = NULL;
    int64_t length = 0;
    nrm_sink sink;
    nrm_status st;

    NRM_REQUIRE(ctx, path, NRM_E_NULL, "curve: path must not be NULL");
    NRM_TRY(nrm_curve_svg(ctx, c, &svg, &length));
    st = nrm_sink_open(ctx, &sink, path);
    if (st >= 0) st = nrm_sink_close(ctx, &sink, nrm_sink_write(ctx, &sink, svg, length));
    nrm_free(ctx, svg);
    return st;
}

void nrm_curve_smooth(int64_t count, const double *y, double span, double *smooth)
{
    const double keep = span > 1 ? 1 - 1 / span : 0;
    double sum = 0, weight = 0;

    for (int64_t i = 0; i < count; i++) {
        const double value = y[i];
        if (isfinite(value)) {
            sum = keep * sum + (1 - keep) * value;
            weight = keep * weight + (1 - keep);
        }
        smooth[i] = isfinite(value) && weight > 0 ? sum / weight : NAN;
    }
}
