/* 26-tables.h -- the tables of numbers that paper 26 is tried on, and calls over them. */
#ifndef NRM_26_TABLES_H
#define NRM_26_TABLES_H

#include "reproduce.h"
#include <norma/top_eigenvector.h>

enum { MOST_D = 512 };

/* spiked: N(0, 1) entries, one direction times sqrt(gap); mixed: that direction's energy is
 * shared between all rows (share) and one long row; angled: spike 1 + gap on one direction and
 * one row of energy gap * rows at `share` degrees to it; oja_hard: gap rows e1, and `share`
 * rows e_j / sqrt(share) for every other j. */
typedef enum family { SPIKED, MIXED, ANGLED, OJA_HARD } family;
typedef struct instance {
    const char *name;
    family family;
    int64_t rows, d;
    double gap, share;
} instance;

void draw_instance(const instance *t, double *a, nrm_draws *draws); /* rows in random order */
void shuffle_rows(double *a, int64_t n, int64_t d, nrm_draws *draws);
nrm_status solve_table(nrm_ctx *ctx, double *a, int64_t n, int64_t d, const nrm_top_eigenvector_options *o, double *v,
                       nrm_top_eigenvector_info *info);
double squared_correlation(const double *u, const double *v, int64_t d);
/* Oja's rule on oja_hard, in closed form: correlation at the best rate of a fine grid, the
 * median over random starts. */
double oja_best(int k, int64_t d, nrm_draws *draws);

/* `to` gets the rows of `from` in random order; its arrays are scratch.  false: no memory. */
bool permute_csr(nrm_reproduction *r, const nrm_csr *from, nrm_csr *to, nrm_draws *draws);
nrm_status solve_csr(nrm_ctx *ctx, const nrm_csr *table, const nrm_top_eigenvector_options *o, double *v,
                     nrm_top_eigenvector_info *info);

/* Rows for a stream without memory: a congruential generator. */
typedef struct row_source { int64_t left; uint64_t state; } row_source;
int64_t fill_rows(void *user, int64_t most, int64_t cols, double *dense);

typedef struct keyed { double key; int64_t row; } keyed;
int by_key(const void *x, const void *y); /* for qsort, rising */

#endif
