/* 22-parts.h -- paper 22: what its experiments share.  Framework: reproduce.h. */
#ifndef NRM_PAPER_22_PARTS_H
#define NRM_PAPER_22_PARTS_H

#include "reproduce.h"
#include <math.h>
#include <norma/volume_sampling.h>
#include <norma/weighted_least_squares.h>
#include <string.h>

/* The schemes that are compared, and the least lambda_min of a stable design. */
enum { IID, VOLUME, REPEATED, SCHEMES };
extern const char *const scheme_names[SCHEMES];
extern const int scheme_of[SCHEMES];
#define STABLE 0.5

/* A space and what is fitted in it. */
typedef struct subject {
    const char *basis;
    int64_t degree, dimension;
    int index_set;
    const nrm_space_input *input;                       /* features */
    double (*f)(const struct subject *s, const double *x);
    const double *values;                               /* of f at the rows of features */
    const double *best;                                 /* m: coefficients of P f */
    double e2;                                          /* |f - P f|^2 */
} subject;

/* One design of n points drawn with `seed` and the fit on it. */
typedef struct trial { double lambda_min, error; } trial; /* error: |f - fit| / |f - P f| */
nrm_status run_trial(nrm_ctx *ctx, const subject *s, int scheme, int64_t n, uint64_t seed, trial *t);
nrm_status draw_design(nrm_ctx *ctx, const subject *s, int scheme, int64_t n, uint64_t seed, nrm_volume_sampling_design *design,
                       nrm_volume_sampling_info *info);
/* coefficients (m) of the fit of y at the points of x; weights NULL: m / k. */
nrm_status fit_values(nrm_ctx *ctx, const subject *s, int64_t n, const double *x, const double *weights, const double *y, double *coefficients,
                      nrm_weighted_least_squares_info *info);

/* Coefficients of f(x) of one variable in the first m functions of legendre or hermite, by a sum so
 * fine that only rounding is left; returns |f|^2. */
double project(const char *basis, double (*f)(double), int64_t m, double *coefficients);
double runge(double x);   /* 1 / (1 + 5 x^2) */
double bump(double x);    /* exp(-(x - 1)^2 / 4) */
double peak(double x);    /* exp(-x^2) / (1 + x^2) */

/* A table by number of points: `repeats` trials of each scheme; what came out by scheme. */
enum { SIZES = 16 };
typedef struct study {
    int64_t n[SIZES];
    int sizes, repeats;
    double stable[SCHEMES][SIZES], median[SCHEMES][SIZES]; /* share with lambda_min >= STABLE; median error */
} study;
nrm_status run_study(nrm_reproduction *r, nrm_ctx *ctx, const subject *s, const char *title, study *t);
/* The least n with stable >= share; INFINITY where there is none. */
double points_for(const study *t, int scheme, double share);

nrm_status run_identities(nrm_reproduction *r, nrm_ctx *ctx); /* 22-identities.c */
nrm_status run_cloud(nrm_reproduction *r, nrm_ctx *ctx);      /* 22-cloud.c */

#endif
