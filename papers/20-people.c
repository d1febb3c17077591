/* 20-people.c -- people without memory: row i is a function of (seed, i).  Contract: 20-parts.h. */
#include "20-parts.h"
#include <math.h>
#include <string.h>

typedef struct stream { people p; int64_t at; bool want_y; double theta[MOST_D]; } stream;

void truth_of(const people *p, double *theta)
{
    nrm_draws draws = {p->seed + 9};
    double square = 0;

    memset(theta, 0, (size_t)p->d * sizeof *theta);
    for (int j = 0; j < p->k; j++) {
        theta[j] = p->normal ? nrm_draw_normal(&draws) : j % 2 ? -1 : 1;
        square += theta[j] * theta[j];
    }
    for (int j = 0; j < p->k; j++) theta[j] *= p->length / sqrt(square);
}

/* The first `count` entries of a row, which do not depend on count. */
static void draw_x(const people *p, int64_t row, int count, double *x)
{
    nrm_draws draws = {p->seed * 0x9E3779B97F4A7C15u + (uint64_t)row * 0xD1B54A32D192ED03u};
    uint64_t bits = 0;
    for (int j = 0; j < count; j++) {
        if (p->normal) {
            x[j] = nrm_draw_normal(&draws);
            continue;
        }
        if (j % 64 == 0) bits = nrm_draw(&draws);
        x[j] = bits & 1 ? 1 : -1;
        bits >>= 1;
    }
}

static double draw_y(const people *p, int64_t row, const double *theta)
{
    nrm_draws draws = {~(p->seed * 0x9E3779B97F4A7C15u) + (uint64_t)row * 0xD1B54A32D192ED03u};
    double x[MOST_D], y = p->normal ? 0.5 * nrm_draw_normal(&draws) : 0.3 * sqrt(3) * (2 * nrm_draw_uniform(&draws) - 1);
    draw_x(p, row, p->k, x);
    for (int j = 0; j < p->k; j++) y += x[j] * theta[j];
    return y;
}

static int64_t fill(void *user, int64_t most, int64_t cols, double *dense)
{
    stream *s = user;
    int64_t made = 0;
    for (; made < most && s->at < s->p.n; made++, s->at++) {
        if (s->want_y) dense[made] = draw_y(&s->p, s->at, s->theta);
        else draw_x(&s->p, s->at, (int)cols, dense + made * cols);
    }
    return made;
}

nrm_status errors_of(nrm_ctx *ctx, const people *p, const nrm_private_sparse_regression_options *options, uint64_t seed, double *raw,
                     double *final, nrm_private_sparse_regression_info *info)
{
    nrm_private_sparse_regression_options o = *options;
    nrm_private_sparse_regression_info found;
    stream of_x = {.p = *p}, of_y = {.p = *p, .want_y = true}, of_public = {.p = *p};
    nrm_rows *x = NULL, *y = NULL, *z = NULL;
    double theta[MOST_D], before[MOST_D], square[2] = {0};

    truth_of(p, of_y.theta);
    of_public.p.n = 20000, of_public.p.seed += 77; /* other people, whose x is public */
    o.users = p->n;
    nrm_status st = nrm_set_seed(ctx, seed);
    if (st >= 0) st = nrm_rows_from_callback(ctx, &x, p->d, fill, &of_x);
    if (st >= 0) st = nrm_rows_from_callback(ctx, &y, 1, fill, &of_y);
    if (st >= 0 && o.mode == NRM_PRIVATE_NLDP_PUBLIC) st = nrm_rows_from_callback(ctx, &z, p->d, fill, &of_public);
    if (st >= 0) st = nrm_private_sparse_regression(ctx, x, y, z, theta, before, &found, &o);
    nrm_rows_close(ctx, x);
    nrm_rows_close(ctx, y);
    nrm_rows_close(ctx, z);
    if (st < 0) return st;
    for (int j = 0; j < p->d; j++) {
        square[0] += pow(before[j] - of_y.theta[j], 2);
        square[1] += pow(theta[j] - of_y.theta[j], 2);
    }
    if (raw) *raw = sqrt(square[0]);
    if (final) *final = sqrt(square[1]);
    if (info) *info = found;
    return NRM_OK;
}

double slope_of(const double *x, const double *y, int n)
{
    double mx = 0, my = 0, xy = 0, xx = 0;
    for (int i = 0; i < n; i++) mx += log(x[i]) / n, my += log(y[i]) / n;
    for (int i = 0; i < n; i++) {
        xy += (log(x[i]) - mx) * (log(y[i]) - my);
        xx += (log(x[i]) - mx) * (log(x[i]) - mx);
    }
    return xy / xx;
}
