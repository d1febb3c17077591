/* test_curve.c -- the plot of a run: well-formed, in the field, right at the corners. */
#include "testkit.h"
#include "train/curve_impl.h"
#include <locale.h>

/* Tags nest and are closed, attributes are quoted, no bare '&'. */
static void assert_well_formed(const char *svg)
{
    char stack[16][16];
    int depth = 0;

    for (const char *p = svg; *p; p++) {
        if (*p == '&') assert_non_null(strchr(p, ';'));
        assert_true(*p != '>');
        if (*p != '<') continue;
        const char *end = p;
        int quotes = 0;
        for (; *end && (*end != '>' || quotes % 2); end++) {
            quotes += *end == '"';
            assert_true(end == p || *end != '<');
        }
        assert_true(*end == '>' && quotes % 2 == 0);
        char name[16] = "";
        sscanf(p + 1 + (p[1] == '/'), "%15[a-z]", name);
        if (p[1] == '/') {
            assert_true(depth > 0);
            assert_string_equal(stack[--depth], name);
        } else if (end[-1] != '/') {
            assert_true(depth < 16);
            strcpy(stack[depth++], name);
        }
        if (strcmp(name, "style") == 0 && p[1] != '/') end = strstr(end, "</style>") - 1; /* braces and all */
        p = end;
    }
    assert_int_equal(depth, 0);
}

/* All coordinates of lines and marks lie in the field; returns the length. */
static int64_t draw(nrm_ctx *ctx, const nrm_curve *c, char **svg)
{
    int64_t length;

    assert_ok(ctx, nrm_curve_svg(ctx, c, svg, &length));
    assert_int_equal(strlen(*svg), length);
    assert_well_formed(*svg);
    assert_null(strstr(*svg, "nan"));
    assert_null(strstr(*svg, "inf"));
    for (const char *p = *svg; (p = strstr(p, "class=\"line ")) != NULL; p++) {
        const char *at = strstr(p, "d=\"") + 3;
        while (*at == 'M' || *at == 'L') {
            char *end;
            const double x = strtod(at + 1, &end), y = strtod(end, &end);
            assert_true(x >= 73.99 && x <= 736.01);
            assert_true((y >= 83.99 && y <= 386.01) || y == 58); /* 58: the legend */
            if (strncmp(end, "h0", 2) == 0) end += 2;
            at = end;
        }
    }
    return length;
}

static bool has(const char *svg, const char *piece) { return strstr(svg, piece) != NULL; }

static void test_usual(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    static double x[50000], y[50000], smooth[50000];
    double vx[5], vy[5];
    uint64_t seed = 2;
    char *svg;

    for (int i = 0; i < 50000; i++) {
        x[i] = i;
        y[i] = i % 5000 < 200 ? NAN : 1.5 + 2 * exp(-i / 8000.0) + 0.1 * nrm_test_normal(&seed);
    }
    nrm_curve_smooth(50000, y, 100, smooth);
    for (int i = 0; i < 5; i++) {
        vx[i] = 10000 * (i + 1) - 1;
        vy[i] = 1.6 + 2 * exp(-vx[i] / 8000.0);
    }
    const nrm_curve_series series[] = {{NULL, NRM_CURVE_FAINT, 50000, x, y}, {"training", NRM_CURVE_LINE, 50000, x, smooth},
                                       {"validation", NRM_CURVE_MARKED, 5, vx, vy}};
    const nrm_curve c = {"a <b> & \"c\" 'd' \x01\xFF", "steps", "loss", NRM_CURVE_AUTO, 3, series};
    setlocale(LC_NUMERIC, "de_DE.UTF-8");
    assert_true(draw(ctx, &c, &svg) < 100000);
    setlocale(LC_NUMERIC, "C");
    assert_true(has(svg, "a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;  \xEF\xBF\xBD"));
    assert_true(has(svg, ">20k</text>"));
    assert_true(has(svg, ">validation</tspan> <tspan dx=\"3\">1.604</tspan>")); /* its last value */
    assert_true(has(svg, ">2.5</text>") || has(svg, ">2</text>"));
    assert_true(has(svg, "prefers-color-scheme:dark"));
    nrm_free(ctx, svg);
    nrm_ctx_destroy(ctx);
}

static void test_corners(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    static const double values[] = {0, 1, -1, 2.31, 1e-300, -1e-300, 1e300, -1e300, 1e-9, 1e9, 123456, NAN, INFINITY,
                                    -INFINITY, 0.4, 0.4000001, 5e-324, 1.7e308, -1.7e308};
    const double x[3] = {10, 10, 12};
    char *svg;

    for (int i = 0; i < NRM_COUNT(values); i++)
        for (int j = 0; j < NRM_COUNT(values); j++)
            for (int scale = NRM_CURVE_AUTO; scale <= NRM_CURVE_LOGARITHMIC; scale++) {
                const double y[3] = {values[i], values[j], values[i]};
                for (int count = 0; count <= 3; count++) {
                    const nrm_curve_series series = {"s", (nrm_curve_style)(count % 3), count, x, y};
                    const nrm_curve c = {"t", NULL, NULL, (nrm_curve_scale)scale, 1, &series};
                    draw(ctx, &c, &svg);
                    nrm_free(ctx, svg);
                }
            }
    const nrm_curve empty = {NULL, NULL, NULL, NRM_CURVE_AUTO, 0, NULL};
    draw(ctx, &empty, &svg);
    assert_true(has(svg, "no finite value to show"));
    nrm_free(ctx, svg);
    /* One point is a dot, so that it can be seen. */
    const double y = 2.31;
    const nrm_curve_series one = {"training", NRM_CURVE_LINE, 1, x, &y};
    const nrm_curve c = {"t", NULL, NULL, NRM_CURVE_AUTO, 1, &one};
    draw(ctx, &c, &svg);
    assert_true(has(svg, "<circle class=\"dot\""));
    nrm_free(ctx, svg);
    nrm_ctx_destroy(ctx);
}

static void test_ticks(void **state)
{
    (void)state;
    static const struct { double low, high; nrm_axis_kind kind; int count; double tick[8]; const char *label; } cases[] = {
        {0, 10, NRM_AXIS_LINEAR, 6, {0, 2, 4, 6, 8, 10}, "4"},
        {0.396, 0.4032, NRM_AXIS_LINEAR, 4, {0.396, 0.398, 0.4, 0.402}, "0.400"},
        {-1, 1, NRM_AXIS_LINEAR, 5, {-1, -.5, 0, .5, 1}, "0.0"},
        {0, 3, NRM_AXIS_STEPS, 4, {0, 1, 2, 3}, "2"},
        {0, 2000000, NRM_AXIS_STEPS, 5, {0, 500000, 1000000, 1500000, 2000000}, "1M"},
        {0, 1e-5, NRM_AXIS_LINEAR, 6, {0, 2e-6, 4e-6, 6e-6, 8e-6, 1e-5}, "4\xC2\xB7" "10<tspan dy=\"-.45em\" font-size=\"75%\">\xE2\x88\x92" "6</tspan>"},
        {1e-6, 1, NRM_AXIS_LOGARITHMIC, 4, {1e-6, 1e-4, 1e-2, 1}, "0.01"},
        {1e-8, 1e-4, NRM_AXIS_LOGARITHMIC, 5, {1e-8, 1e-7, 1e-6, 1e-5, 1e-4}, "10<tspan dy=\"-.45em\" font-size=\"75%\">\xE2\x88\x92" "6</tspan>"},
        {1, 100, NRM_AXIS_LOGARITHMIC, 7, {1, 2, 5, 10, 20, 50, 100}, "5"}};

    for (int i = 0; i < NRM_COUNT(cases); i++) {
        nrm_axis a = nrm_axis_make(cases[i].low, cases[i].high, cases[i].kind, 6, 0, 100);
        nrm_buffer b = {0};
        char *label;
        assert_int_equal(a.count, cases[i].count);
        for (int k = 0; k < a.count; k++) assert_near(a.tick[k] / (cases[i].high), cases[i].tick[k] / cases[i].high, 1e-12);
        assert_true(nrm_axis_at(&a, a.tick[0]) >= 0 && nrm_axis_at(&a, a.tick[a.count - 1]) <= 100);
        nrm_axis_label(&b, &a, a.tick[2]);
        assert_ok(NULL, nrm_buffer_take(&b, &label, NULL));
        assert_string_equal(label, cases[i].label);
        nrm_free(NULL, label);
    }
}

static void test_smooth(void **state)
{
    (void)state;
    const double y[] = {2, NAN, 4, INFINITY, 8};
    double s[5];

    nrm_curve_smooth(5, y, 2, s); /* weights 1/2 to the past */
    assert_near(s[0], 2, 1e-15);
    assert_true(isnan(s[1]) && isnan(s[3]));
    assert_near(s[2], (2 * .25 + 4 * .5) / .75, 1e-15);
    assert_near(s[4], (2 * .125 + 4 * .25 + 8 * .5) / .875, 1e-15);
    nrm_curve_smooth(5, y, 1, s);
    assert_near(s[4], 8, 0);
}

static void test_refused(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double x[2] = {1, 0}, y[2] = {1, 1}, bad[1] = {NAN};
    nrm_curve_series s = {"s", NRM_CURVE_LINE, 2, x, y};
    const nrm_curve c = {"t", NULL, NULL, NRM_CURVE_AUTO, 1, &s};
    char *svg = NULL;

    assert_status(ctx, nrm_curve_svg(ctx, &c, &svg, NULL), NRM_E_RANGE);
    assert_message(ctx, "x[1] of series 0 is 0; x is finite and ascends");
    s = (nrm_curve_series){"s", NRM_CURVE_LINE, 1, bad, y};
    assert_status(ctx, nrm_curve_svg(ctx, &c, &svg, NULL), NRM_E_RANGE);
    s = (nrm_curve_series){"s", NRM_CURVE_LINE, 1, NULL, y};
    assert_status(ctx, nrm_curve_svg(ctx, &c, &svg, NULL), NRM_E_NULL);
    s = (nrm_curve_series){"s", (nrm_curve_style)5, 0, NULL, NULL};
    assert_status(ctx, nrm_curve_svg(ctx, &c, &svg, NULL), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_curve_svg(ctx, NULL, &svg, NULL), NRM_E_NULL);
    s = (nrm_curve_series){"s", NRM_CURVE_LINE, 1, y, y};
    assert_status(ctx, nrm_curve_save(ctx, &c, "/no/such/folder/curve.svg"), NRM_E_IO);
    assert_null(svg);
    nrm_ctx_destroy(ctx);
}

static nrm_status save(nrm_ctx *ctx, void *user)
{
    const double x[2] = {0, 1}, y[2] = {3, 2};
    const nrm_curve_series s = {"s", NRM_CURVE_LINE, 2, x, y};
    const nrm_curve c = {"t", "x", "y", NRM_CURVE_AUTO, 1, &s};
    return nrm_curve_save(ctx, &c, user);
}

static void test_memory(void **state)
{
    (void)state;
    const char *path = nrm_test_temp("curve.svg");
    nrm_test_allocation_failures(save, (void *)path, NULL, 0);
    assert_int_equal(remove(path), 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_usual), cmocka_unit_test(test_corners), cmocka_unit_test(test_ticks),
              cmocka_unit_test(test_smooth), cmocka_unit_test(test_refused), cmocka_unit_test(test_memory))
