/* 20-adult.c -- real people: who earns over 50 000 dollars, from the census of 1994 (UCI Adult, as
 * LIBSVM's a9a).  Contract: 20-parts.h.
 *
 * Binary features, rows of length 1, so |x (x'theta - y)| <= 2 for every theta of the unit ball: the
 * clipped score of iht clips nothing. */
#include "20-parts.h"
#include <norma/io.h>
#include <math.h>
#include <string.h>

typedef struct table { double *x, *y; int64_t n; } table;

enum { COLUMNS = 123 };

/* Rows of length 1 and labels of +-1. */
static void fill_table(const nrm_array *x, const nrm_array *label, table *t)
{
    const int64_t cols = x->shape[1];
    for (int64_t i = 0; i < t->n; i++) {
        const double *from = (const double *)x->data + i * cols;
        double square = 0;
        for (int64_t j = 0; j < cols; j++) square += from[j] * from[j];
        for (int64_t j = 0; j < cols; j++) t->x[i * COLUMNS + j] = square > 0 ? from[j] / sqrt(square) : 0;
        t->y[i] = ((const double *)label->data)[i] > 0 ? 1 : -1;
    }
}

static nrm_status read_table(nrm_reproduction *r, nrm_ctx *ctx, const char *path, table *t)
{
    nrm_loaded l;
    nrm_array dense = {0}, x = {0}, label = {0};
    nrm_status st = nrm_load(ctx, path, &l);
    if (st < 0) return st;
    if (l.kind != NRM_LOADED_CSR || l.csr.cols > COLUMNS || l.extra.count < 1) st = NRM_E_FORMAT;
    if (st >= 0) st = nrm_csr_to_dense(ctx, &dense, &l.csr);
    if (st >= 0) st = nrm_array_convert(ctx, &x, NRM_F64, &dense);
    if (st >= 0) st = nrm_array_convert(ctx, &label, NRM_F64, &l.extra.items[0].array);
    if (st >= 0) {
        *t = (table){nrm_scratch(r, l.csr.rows * COLUMNS, sizeof(double)), nrm_scratch(r, l.csr.rows, sizeof(double)), l.csr.rows};
        if (t->x && t->y) fill_table(&x, &label, t);
        else st = NRM_E_NOMEM;
    }
    nrm_array_destroy(ctx, &dense);
    nrm_array_destroy(ctx, &x);
    nrm_array_destroy(ctx, &label);
    nrm_loaded_destroy(ctx, &l);
    return st;
}

/* Share of people of `test` whose sign is right. */
static double accuracy(const table *test, const double *theta)
{
    int64_t right = 0;
    for (int64_t i = 0; i < test->n; i++) {
        double sum = 0;
        for (int64_t j = 0; j < COLUMNS; j++) sum += test->x[i * COLUMNS + j] * theta[j];
        right += (sum > 0) == (test->y[i] > 0);
    }
    return (double)right / (double)test->n;
}

static nrm_status fit(nrm_ctx *ctx, const table *adults, const nrm_private_sparse_regression_options *o, uint64_t seed, double *theta)
{
    nrm_array x, y;
    nrm_rows *of_x = NULL, *of_y = NULL;
    nrm_status st = nrm_array_view(ctx, &x, NRM_F64, 2, (const int64_t[2]){adults->n, COLUMNS}, adults->x);
    if (st >= 0) st = nrm_array_view(ctx, &y, NRM_F64, 1, &adults->n, adults->y);
    if (st >= 0) st = nrm_rows_from_array(ctx, &of_x, &x);
    if (st >= 0) st = nrm_rows_from_array(ctx, &of_y, &y);
    if (st >= 0) st = nrm_set_seed(ctx, seed);
    if (st >= 0) st = nrm_private_sparse_regression(ctx, of_x, of_y, NULL, theta, NULL, NULL, o);
    nrm_rows_close(ctx, of_x);
    nrm_rows_close(ctx, of_y);
    return st;
}

nrm_status run_adult(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const char *const columns[] = {"eps", "right, rounds", "right, one message"};
    static const double eps[] = {1, 2, 4, 8, 16};
    const char *train = nrm_data_path(r, "libsvm/a9a"), *test = nrm_data_path(r, "libsvm/a9a.t");
    table adults, others;
    double theta[COLUMNS];

    if (r->quick || !train || !test) {
        nrm_note(r, "Real people (UCI Adult) are tried in a full run where the data are given: libsvm/a9a and libsvm/a9a.t below --data.");
        return NRM_OK;
    }
    nrm_status st = read_table(r, ctx, train, &adults);
    if (st >= 0) st = read_table(r, ctx, test, &others);
    if (st < 0) return st;
    int64_t poor = 0;
    for (int64_t i = 0; i < others.n; i++) poor += others.y[i] < 0;
    nrm_private_sparse_regression_options o = nrm_private_sparse_regression_options_default();
    o.r = 1, o.tau1 = 1, o.tau2 = 1, o.k = 10, o.kprime = 20, o.rounds = 6, o.eta = 2, o.radius = NRM_PRIVATE_RADIUS_SCORE, o.score_bound = 2;
    nrm_table out = nrm_table_begin(r, "Who earns over 50 000 dollars?", "Share of the 16 281 people of a9a.t told rightly, from one private message of "
                                    "each of the 32 561 of a9a; medians of three draws of the noise. So few people are not enough for 123 columns at "
                                    "a small eps.", columns, 3);
    for (size_t i = 0; i < sizeof eps / sizeof *eps; i++) {
        double share[2][3];
        for (int w = 0; w < 2; w++)
            for (int s = 0; s < 3; s++) {
                o.mode = w == 0 ? NRM_PRIVATE_IHT : NRM_PRIVATE_NLDP;
                o.eps = eps[i];
                st = nrm_step(r, "real people", (double)i, 5);
                if (st >= 0) st = fit(ctx, &adults, &o, r->seed + (uint64_t)s, theta);
                if (st < 0) return st;
                share[w][s] = accuracy(&others, theta);
            }
        nrm_cell_number(out, eps[i]), nrm_cell_text(out, "%.3f", nrm_median(share[0], 3)), nrm_cell_text(out, "%.3f", nrm_median(share[1], 3));
    }
    o.mode = NRM_PRIVATE_NLDP, o.eps = 1e7, o.delta = 0.5, o.threshold = 0, o.kappa_min = 1e-6;
    st = fit(ctx, &adults, &o, r->seed, theta);
    nrm_note(r, "Real people: saying \"no\" of everybody is right for %.3f of them, least squares without privacy for %.3f.",
             (double)poor / (double)others.n, st >= 0 ? accuracy(&others, theta) : NAN);
    return st;
}
