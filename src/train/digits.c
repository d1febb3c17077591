/* digits.c -- pictures of digits, drawn: the images to train on where none are given.
 *
 * A digit is a few strokes; a stroke is a smooth curve (Catmull-Rom) through points on the
 * unit square.  Each picture moves the points a little, bends the whole (a sine along either
 * axis), turns, slants, stretches and shifts it, and draws it with a pen of its own width and
 * pressure: a pixel's ink falls off over one pixel at the edge of the pen.  Noise is added
 * last.  Picture i is a function of (seed, i) alone, so pictures are drawn by several threads. */
#include "dataset_impl.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, POINTS_MOST = 13, PIECES = 3 /* of a curve between two points */ };

typedef struct stroke {
    int digit, variant; /* variant 0: always; 1 or 2: one of two ways to write it */
    int count;
    float point[POINTS_MOST][2]; /* across, down */
} stroke;

static const stroke strokes[] = {
    {0, 0, 9, {{.5f, 0}, {.15f, .12f}, {0, .5f}, {.15f, .88f}, {.5f, 1}, {.85f, .88f}, {1, .5f}, {.85f, .12f}, {.5f, 0}}},
    {1, 1, 2, {{.25f, .2f}, {.55f, 0}}},
    {1, 0, 3, {{.55f, 0}, {.54f, .5f}, {.52f, 1}}},
    {2, 0, 8, {{.05f, .25f}, {.2f, .05f}, {.5f, 0}, {.85f, .1f}, {.92f, .32f}, {.7f, .58f}, {.3f, .82f}, {.03f, 1}}},
    {2, 1, 3, {{.03f, 1}, {.5f, .97f}, {1, 1}}},
    {2, 2, 5, {{.03f, 1}, {.05f, .86f}, {.25f, .84f}, {.6f, .97f}, {1, .95f}}},
    {3, 0, 5, {{.08f, .1f}, {.45f, 0}, {.85f, .12f}, {.85f, .35f}, {.4f, .47f}}},
    {3, 0, 6, {{.4f, .47f}, {.85f, .55f}, {.97f, .78f}, {.7f, .97f}, {.35f, 1}, {.02f, .88f}}},
    {4, 1, 3, {{.65f, 0}, {.3f, .35f}, {0, .66f}}},
    {4, 2, 3, {{.12f, .02f}, {.06f, .35f}, {.03f, .62f}}},
    {4, 0, 3, {{0, .65f}, {.5f, .66f}, {1, .62f}}},
    {4, 0, 3, {{.72f, 0}, {.72f, .5f}, {.7f, 1}}},
    {5, 0, 3, {{.9f, 0}, {.5f, .01f}, {.15f, .03f}}},
    {5, 0, 3, {{.15f, .03f}, {.12f, .25f}, {.1f, .45f}}},
    {5, 0, 7, {{.1f, .45f}, {.45f, .36f}, {.85f, .5f}, {.95f, .75f}, {.65f, .97f}, {.3f, 1}, {0, .88f}}},
    {6, 0, 10, {{.8f, .02f}, {.4f, .18f}, {.1f, .5f}, {.08f, .8f}, {.4f, 1}, {.8f, .92f}, {.92f, .7f}, {.7f, .5f},
                {.35f, .52f}, {.1f, .7f}}},
    {7, 0, 3, {{0, .03f}, {.5f, .02f}, {1, 0}}},
    {7, 0, 3, {{1, 0}, {.65f, .45f}, {.35f, 1}}},
    {7, 1, 2, {{.3f, .5f}, {.85f, .48f}}},
    {8, 0, 13, {{.5f, .46f}, {.15f, .32f}, {.2f, .08f}, {.5f, 0}, {.8f, .08f}, {.85f, .3f}, {.5f, .46f}, {.1f, .65f},
                {.08f, .88f}, {.5f, 1}, {.92f, .88f}, {.9f, .65f}, {.5f, .46f}}},
    {9, 0, 8, {{.9f, .25f}, {.7f, .03f}, {.35f, .02f}, {.08f, .2f}, {.15f, .42f}, {.5f, .5f}, {.85f, .35f}, {.9f, .2f}}},
    {9, 1, 3, {{.9f, .2f}, {.87f, .6f}, {.7f, 1}}},
    {9, 2, 5, {{.9f, .2f}, {.9f, .6f}, {.8f, .9f}, {.5f, 1}, {.15f, .92f}}},
};

/* How one picture differs from the others. */
typedef struct hand {
    double across[3], down[3];     /* pixel = a + b x + c y */
    double wave[2], phase[2];
    double pen, pressure, noise;
} hand;

static double between(nrm_rng *rng, double low, double high) { return low + (high - low) * nrm_rng_uniform(rng); }

static hand draw_hand(nrm_rng *rng)
{
    const double turn = between(rng, -.35, .35), slant = between(rng, -.35, .35);
    const double width = between(rng, 9, 16), height = between(rng, 15, 21);
    const double centre = (SIDE - 1) / 2.0, x = centre + between(rng, -3, 3), y = centre + between(rng, -2.5, 2.5);
    const double c = cos(turn), s = sin(turn);
    hand h = {.across = {x, c * width, -(s + slant * c) * height}, .down = {y, s * width, (c - slant * s) * height}};

    for (int k = 0; k < 2; k++) {
        h.wave[k] = between(rng, 0, .07);
        h.phase[k] = between(rng, 0, 6.28);
    }
    h.pen = between(rng, .6, 1.6);
    h.pressure = between(rng, .7, 1);
    h.noise = between(rng, 0, .12);
    return h;
}

/* A point of the unit square to pixels. */
static void place(const hand *h, double x, double y, double at[2])
{
    const double u = x - .5 + h->wave[0] * sin(5 * y + h->phase[0]);
    const double v = y - .5 + h->wave[1] * sin(5 * x + h->phase[1]);
    at[0] = h->across[0] + h->across[1] * u + h->across[2] * v;
    at[1] = h->down[0] + h->down[1] * u + h->down[2] * v;
}

static double clamp(double value, double low, double high) { return value < low ? low : value > high ? high : value; }

/* First and last pixel that ink between a and b can reach. */
static void reached(double a, double b, double reach, int *first, int *last)
{
    *first = (int)clamp((a < b ? a : b) - reach + 1, 0, SIDE);
    *last = (int)clamp((a < b ? b : a) + reach, -1, SIDE - 1);
}

/* Ink of a straight piece on the pixels around it: pen + 1/2 - distance, from 0 to 1. */
static void draw_piece(const hand *h, const double a[2], const double b[2], float ink[PIXELS])
{
    const double reach = h->pen + .5, dx = b[0] - a[0], dy = b[1] - a[1], scale = 1 / (dx * dx + dy * dy + 1e-12);
    int left, right, top, bottom;

    reached(a[0], b[0], reach, &left, &right);
    reached(a[1], b[1], reach, &top, &bottom);
    for (int y = top; y <= bottom; y++)
        for (int x = left; x <= right; x++) {
            const double ax = x - a[0], ay = y - a[1], t = clamp((ax * dx + ay * dy) * scale, 0, 1);
            const double ex = ax - t * dx, ey = ay - t * dy, square = ex * ex + ey * ey;
            float *pixel = &ink[y * SIDE + x];
            const double least = reach - (double)*pixel; /* nearer than this: more ink than there is */
            if (least > 0 && square < least * least) *pixel = (float)clamp(reach - sqrt(square), 0, 1);
        }
}

/* Catmull-Rom: the curve through p[1] and p[2] with tangents (p[2] - p[0]) / 2, (p[3] - p[1]) / 2. */
static double curve(double p0, double p1, double p2, double p3, double t)
{
    return p1 + .5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)));
}

static void draw_stroke(const hand *h, const stroke *s, nrm_rng *rng, float ink[PIXELS])
{
    double p[POINTS_MOST][2], from[2], to[2];

    for (int i = 0; i < s->count; i++)
        for (int k = 0; k < 2; k++) p[i][k] = (double)s->point[i][k] + between(rng, -.05, .05);
    place(h, p[0][0], p[0][1], from);
    for (int i = 0; i + 1 < s->count; i++) {
        const double *before = p[i > 0 ? i - 1 : 0], *after = p[i + 2 < s->count ? i + 2 : i + 1];
        for (int j = 1; j <= PIECES; j++) {
            const double t = (double)j / PIECES;
            place(h, curve(before[0], p[i][0], p[i + 1][0], after[0], t), curve(before[1], p[i][1], p[i + 1][1], after[1], t),
                  to);
            draw_piece(h, from, to, ink);
            from[0] = to[0];
            from[1] = to[1];
        }
    }
}

static int draw_digit(uint64_t seed, int64_t number, uint8_t pixels[PIXELS])
{
    nrm_rng rng = nrm_rng_make(seed, NRM_STREAM_DIGITS | (uint64_t)number);
    float ink[PIXELS] = {0};
    const int digit = (int)nrm_rng_below(&rng, 10), variant = 1 + (int)nrm_rng_below(&rng, 2);
    const hand h = draw_hand(&rng);

    for (int i = 0; i < NRM_COUNT(strokes); i++)
        if (strokes[i].digit == digit && (strokes[i].variant == 0 || strokes[i].variant == variant))
            draw_stroke(&h, &strokes[i], &rng, ink);
    for (int i = 0; i < PIXELS; i += 4) { /* a byte of noise for each pixel */
        const uint32_t grains = nrm_rng_u32(&rng);
        for (int k = 0; k < 4; k++) {
            const double grain = (double)(grains >> 8 * k & 255) - 127.5;
            const double value = 255 * h.pressure * (double)ink[i + k] + 2 * h.noise * grain;
            pixels[i + k] = (uint8_t)(clamp(value, 0, 255) + .5);
        }
    }
    return digit;
}

nrm_status nrm_digits(nrm_ctx *ctx, uint64_t seed, int64_t n, nrm_examples *digits)
{
    nrm_examples e = {0};
    nrm_status st;

    NRM_TRY_DONE(nrm_array_create_raw(ctx, &e.x, NRM_U8, 3, (const int64_t[]){n, SIDE, SIDE}));
    NRM_TRY_DONE(nrm_array_create_raw(ctx, &e.y, NRM_F64, 1, &n));
    uint8_t *pixels = e.x.data;
    double *label = e.y.data;
#pragma omp parallel for num_threads(nrm_threads(ctx)) schedule(static)
    for (int64_t i = 0; i < n; i++) label[i] = draw_digit(seed, i, pixels + i * PIXELS);
    *digits = e;
    return NRM_OK;
done:
    nrm_examples_destroy(ctx, &e);
    return st;
}
