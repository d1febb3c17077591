/* space_evaluate.c -- the functions of a space, and their derivatives, at points.  Contract: space.h.
 *
 * LANES points walk through the indices k = 0, 1, ... of a coordinate together, by the recurrence
 * (1) of space_parts.h; each value is multiplied into the functions that have k there, which the
 * coordinate lists.  No table is needed, whatever the degree.  Fourier turns by an angle: unlike the
 * recurrence of cosines that keeps errors at k roundings near x = 0.
 *
 * Where phi leaves the range of f64 (hermite far out), the weighted rows are made in three walks:
 * values as mantissa and exponent; exponents are added up in the row; the largest, M, is the row's
 * scale, and the row becomes 2^(e - M); mantissas are multiplied in.  Then k = 4^M |row|^2. */
#include "space_parts.h"

enum { LANES = 16, WORTH_THREADS = 1 << 15 };

/* Functions phi_k of one coordinate at LANES points: value 2^exponent. */
typedef struct walk {
    const nrm_axis *axis;
    double t[LANES], value[LANES], before[LANES];
    double slope[LANES], slope_before[LANES]; /* of the derivative */
    double cosine[LANES], sine[LANES], cosine1[LANES], sine1[LANES]; /* fourier: of l x and of x */
    double exponent[LANES];
    bool slopes, scaled;
} walk;

static void walk_begin(walk *w, const nrm_axis *axis, int64_t count, const double *x, int64_t stride, bool slopes, bool scaled)
{
    w->axis = axis;
    w->slopes = slopes, w->scaled = scaled;
    for (int p = 0; p < LANES; p++) {
        w->t[p] = nrm_axis_inward(axis, x[(p < count ? p : 0) * stride]);
        w->value[p] = 1, w->before[p] = w->slope[p] = w->slope_before[p] = w->exponent[p] = 0;
    }
    if (axis->is.family != NRM_FAMILY_FOURIER) return;
    for (int p = 0; p < LANES; p++) {
        w->cosine1[p] = cos(w->t[p]), w->sine1[p] = sin(w->t[p]);
        w->cosine[p] = 1, w->sine[p] = 0;
    }
}

static void turn(walk *w, int64_t k)
{
    const double root = sqrt(2), frequency = (double)((k + 1) / 2);

    if (k % 2)
        for (int p = 0; p < LANES; p++) {
            const double c = w->cosine[p], s = w->sine[p];
            w->cosine[p] = c * w->cosine1[p] - s * w->sine1[p];
            w->sine[p] = s * w->cosine1[p] + c * w->sine1[p];
        }
    for (int p = 0; p < LANES; p++) {
        w->value[p] = root * (k % 2 ? w->cosine[p] : w->sine[p]);
        w->slope[p] = root * frequency * (k % 2 ? -w->sine[p] : w->cosine[p]);
    }
}

static void rescale(walk *w)
{
    const double large = 0x1p300, small = 0x1p-300;
    for (int p = 0; p < LANES; p++)
        if (fabs(w->value[p]) > large) {
            w->value[p] *= small, w->before[p] *= small;
            w->exponent[p] += 300;
        }
}

/* From phi_(k-1) to phi_k. */
static void walk_step(walk *w, int64_t k)
{
    if (w->axis->is.family == NRM_FAMILY_FOURIER) {
        turn(w, k);
        return;
    }
    const double a = w->axis->a[k - 1], b = w->axis->b[k - 1], inverse = w->axis->inverse[k];
    if (w->slopes)
        for (int p = 0; p < LANES; p++) {
            const double next = ((w->t[p] - a) * w->slope[p] + w->value[p] - b * w->slope_before[p]) * inverse;
            w->slope_before[p] = w->slope[p];
            w->slope[p] = next;
        }
    for (int p = 0; p < LANES; p++) {
        const double next = ((w->t[p] - a) * w->value[p] - b * w->before[p]) * inverse;
        w->before[p] = w->value[p];
        w->value[p] = next;
    }
    if (w->scaled) rescale(w);
}

/* row[p][j] = (first ? 1 : row[p][j]) value[p] for the functions j with index k. */
static void spread(const nrm_axis *axis, int64_t k, int64_t count, int64_t m, bool first, const double *value, double *rows)
{
    for (int64_t at = axis->start[k]; at < axis->start[k + 1]; at++) {
        double *to = rows + axis->member[at];
        if (first)
            for (int64_t p = 0; p < count; p++) to[p * m] = value[p];
        else
            for (int64_t p = 0; p < count; p++) to[p * m] *= value[p];
    }
}

/* Rows of phi, or of its derivative along coordinate `along` (-1: none). */
static void block(const nrm_space *s, int64_t along, int64_t count, const double *x, double *rows)
{
    walk w;

    for (int64_t i = 0; i < s->dimension; i++) {
        const nrm_axis *axis = &s->axis[i];
        const double scale = 1 / axis->is.scale;
        walk_begin(&w, axis, count, x + i, s->dimension, i == along, false);
        for (int64_t k = 0; k <= axis->most; k++) {
            double slope[LANES];
            if (k > 0) walk_step(&w, k);
            if (axis->start[k] == axis->start[k + 1]) continue;
            for (int p = 0; p < LANES; p++) slope[p] = w.slope[p] * scale;
            spread(axis, k, count, s->m, i == 0, i == along ? slope : w.value, rows);
        }
    }
}

/* ---- Out of range ----------------------------------------------------------------------------------- */

static void add_exponents(const nrm_space *s, int64_t i, int64_t count, const double *x, double *rows)
{
    walk w;

    walk_begin(&w, &s->axis[i], count, x + i, s->dimension, false, true);
    for (int64_t k = 0; k <= s->axis[i].most; k++) {
        if (k > 0) walk_step(&w, k);
        for (int64_t p = 0; p < count; p++) {
            int power;
            const double mantissa = frexp(w.value[p], &power), exponent = mantissa == 0 ? -INFINITY : w.exponent[p] + power;
            for (int64_t at = s->axis[i].start[k]; at < s->axis[i].start[k + 1]; at++) {
                double *to = rows + p * s->m + s->axis[i].member[at];
                *to = i == 0 ? exponent : *to + exponent;
            }
        }
    }
}

static void multiply_mantissas(const nrm_space *s, int64_t i, int64_t count, const double *x, double *rows)
{
    walk w;

    walk_begin(&w, &s->axis[i], count, x + i, s->dimension, false, true);
    for (int64_t k = 0; k <= s->axis[i].most; k++) {
        double mantissa[LANES];
        int power;
        if (k > 0) walk_step(&w, k);
        for (int p = 0; p < LANES; p++) mantissa[p] = frexp(w.value[p], &power);
        spread(&s->axis[i], k, count, s->m, false, mantissa, rows);
    }
}

/* A row becomes 2^(row - M), M its largest; it is given back (0 where all are -inf). */
static double take_powers(int64_t m, double *row)
{
    double most = -INFINITY;
    for (int64_t j = 0; j < m; j++) most = fmax(most, row[j]);
    for (int64_t j = 0; j < m; j++) row[j] = row[j] - most >= -1000 ? ldexp(1, (int)(row[j] - most)) : 0;
    return isfinite(most) ? most : 0;
}

static void scaled_block(const nrm_space *s, int64_t count, const double *x, double *rows, double *exponent)
{
    for (int64_t i = 0; i < s->dimension; i++) add_exponents(s, i, count, x, rows);
    for (int64_t p = 0; p < count; p++) exponent[p] = take_powers(s->m, rows + p * s->m);
    for (int64_t i = 0; i < s->dimension; i++) multiply_mantissas(s, i, count, x, rows);
}

/* ---- Blocks ----------------------------------------------------------------------------------------- */

static double square(int64_t m, const double *row)
{
    double sum = 0;
    for (int64_t j = 0; j < m; j++) sum += row[j] * row[j];
    return sum;
}

static void weigh(int64_t m, double exponent, double *row, double *weight)
{
    const double k = square(m, row), factor = k > 0 ? sqrt((double)m / k) : 0;

    for (int64_t j = 0; j < m; j++) row[j] *= factor;
    *weight = k > 0 ? ldexp((double)m / k, -2 * (int)fmax(-10000, fmin(10000, exponent))) : INFINITY;
}

static void weighted_block(const nrm_space *s, int64_t count, const double *x, double *rows, double *weight)
{
    double exponent[LANES] = {0};
    bool within = true;

    block(s, -1, count, x, rows);
    for (int64_t p = 0; p < count; p++) {
        const double k = square(s->m, rows + p * s->m);
        within = within && k > 1e-200 && k < 1e200;
    }
    if (!within) scaled_block(s, count, x, rows, exponent);
    for (int64_t p = 0; p < count; p++) weigh(s->m, exponent[p], rows + p * s->m, &weight[p]);
}

static void features_row(const nrm_space *s, double x, double *row, double *weight)
{
    const int64_t i = (int64_t)x;
    const double scale = 1 / sqrt(s->mu[i]);

    for (int64_t j = 0; j < s->m; j++) row[j] = s->q[i * s->m + j] * scale;
    if (weight) weigh(s->m, 0, row, weight);
}

static void run(const nrm_space *s, int64_t along, int64_t count, const double *x, double *rows, double *weight)
{
    const int64_t m = s->m, d = s->dimension;

#pragma omp parallel for schedule(static) num_threads(s->threads) if (s->threads > 1 && count * m > WORTH_THREADS)
    for (int64_t first = 0; first < count; first += LANES) {
        const int64_t n = nrm_min_i64(LANES, count - first);
        const double *at = x + first * d;
        double *to = rows + first * m;
        if (!s->axis)
            for (int64_t p = 0; p < n; p++) features_row(s, at[p], to + p * m, weight ? weight + first + p : NULL);
        else if (weight) weighted_block(s, n, at, to, weight + first);
        else block(s, along, n, at, to);
    }
}

void nrm_space_evaluate(const nrm_space *s, int64_t count, const double *x, double *phi) { run(s, -1, count, x, phi, NULL); }

void nrm_space_evaluate_weighted(const nrm_space *s, int64_t count, const double *x, double *phi, double *weight)
{
    run(s, -1, count, x, phi, weight);
}

void nrm_space_derivative(const nrm_space *s, int64_t i, int64_t count, const double *x, double *phi) { run(s, i, count, x, phi, NULL); }
