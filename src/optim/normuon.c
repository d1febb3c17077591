/* normuon.c -- Muon with a learning rate for each neuron.
 *
 * Li, Liu, Liang, Chen and Zhao, "NorMuon: making Muon more efficient and scalable",
 * arXiv 2510.05491.  M, U and O as in Muon (matrix_step.h); then for every row i of n numbers
 *     v_i <- beta2 v_i + (1 - beta2) (1/n) sum_j O_ij^2,   H_ij = O_ij / (sqrt(v_i) + eps_row)
 * and the size is put back, in one of two ways:
 *     code    W <- (1 - eta lambda) W - eta scale(m, n) |O|_F / (|H|_F + 1e-10) H
 *     paper   U = M,   W <- (1 - eta lambda) W - 0.2 eta sqrt(m n) / |H|_F H
 * so that |update|_F is Muon's (code), or its root mean square 0.2 eta (paper).
 *
 * v has no correction for its start at 0: a factor common to all rows cancels.  A row with
 * v_i = 0 (no gradient so far) has H_i = 0.  The axis `long` takes columns for rows where the
 * matrix is wide.  Norms come from the sums of squares of the rows, |H|_F^2 = sum_i h_i^2
 * sum_j O_ij^2 with h_i = 1 / (sqrt(v_i) + eps_row), so that O is read once for them and once
 * for the descent. */
#include "normuon.h"

typedef nrm_normuon_options nrm_this_options;
static const nrm_param params[] = {NRM_NORMUON_OPTIONS(NRM_PARAM)};
static const nrm_method normuon_method = {.name = "normuon", .summary = "momentum, orthogonalised, every row brought to the same size",
                                          .params = params, .param_count = NRM_COUNT(params),
                                          .options_size = sizeof(nrm_this_options)};

enum { COLUMNS = 512 }; /* of a block whose sums one thread holds: fixed, so that no bit depends on threads */

/* ---- The pieces ---------------------------------------------------------------------------------------- */

bool nrm_normuon_by_columns(const nrm_normuon_options *o, int64_t rows, int64_t cols)
{
    return o->axis == NRM_NORMUON_AXIS_LONG && rows < cols;
}

double nrm_normuon_eps(const nrm_normuon_options *o)
{
    if (o->eps_row > 0) return o->eps_row;
    return o->variant == NRM_NORMUON_PAPER ? 1e-8 : 1e-10;
}

void nrm_normuon_row_squares(nrm_dtype dtype, int64_t rows, int64_t cols, const void *o, int threads, double *squares)
{
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (int64_t i = 0; i < rows; i++)
        squares[i] = NRM_KERNEL(dtype, square_sum, cols, 1, nrm_matrix_const_at(dtype, o, i * cols));
}

void nrm_normuon_column_squares(nrm_dtype dtype, int64_t rows, int64_t cols, const void *o, int threads, double *squares)
{
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (int64_t j = 0; j < cols; j += COLUMNS) {
        const int64_t width = nrm_min_i64(COLUMNS, cols - j);
        memset(squares + j, 0, (size_t)width * sizeof *squares);
        for (int64_t i = 0; i < rows; i++)
            NRM_KERNEL(dtype, add_squares, width, nrm_matrix_const_at(dtype, o, i * cols + j), squares + j);
    }
}

nrm_normuon_sums nrm_normuon_lines(nrm_dtype dtype, int64_t lines, int64_t length, double beta2, double eps, void *v,
                                   double *squares)
{
    nrm_normuon_sums sums = {0, 0};

    for (int64_t i = 0; i < lines; i++) {
        const double square = squares[i], mean = square / (double)length;
        nrm_real_set(dtype, v, i, beta2 * nrm_real_get(dtype, v, i) + (1 - beta2) * mean);
        const double now = nrm_real_get(dtype, v, i), by = now > 0 ? 1 / (sqrt(now) + eps) : 0;
        sums.o += square;
        sums.h += by * by * square;
        squares[i] = by;
    }
    return sums;
}

double nrm_normuon_rate(const nrm_normuon_options *o, double eta, int64_t rows, int64_t cols, nrm_normuon_sums sums)
{
    if (sums.h == 0) return 0;
    if (o->variant == NRM_NORMUON_PAPER) return 0.2 * eta * sqrt((double)rows * (double)cols) / sqrt(sums.h);
    return eta * nrm_matrix_scale_of(o->scale, rows, cols) * sqrt(sums.o) / (sqrt(sums.h) + 1e-10);
}

void nrm_normuon_descend(nrm_dtype dtype, int64_t rows, int64_t cols, bool by_columns, double keep, bool cautious, double rate,
                         double *by, const void *o, int threads, void *w)
{
    for (int64_t j = 0; by_columns && j < cols; j++) by[j] *= rate;
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (int64_t i = 0; i < rows; i++) {
        const void *row = nrm_matrix_const_at(dtype, o, i * cols);
        void *weights = nrm_matrix_at(dtype, w, i * cols);
        if (by_columns) NRM_KERNEL(dtype, descend_columns, cols, keep, cautious, by, row, weights);
        else if (cautious) NRM_KERNEL(dtype, descend_cautious, cols, keep, rate * by[i], row, weights);
        else NRM_KERNEL(dtype, descend, cols, keep, rate * by[i], row, weights);
    }
}

/* ---- The rule ----------------------------------------------------------------------------------------------- */

static nrm_status check(nrm_ctx *ctx, const void *options)
{
    return nrm_matrix_check(ctx, "normuon", nrm_matrix_options_of(options));
}

static int64_t lines_of(const nrm_normuon_options *o, int64_t rows, int64_t cols)
{
    return nrm_normuon_by_columns(o, rows, cols) ? cols : rows;
}

static bool state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    *s = (nrm_rule_state){.suffix = "m"};
    if (i == 1) *s = (nrm_rule_state){.suffix = "v", .rows = lines_of(options, rows, cols), .cols = 1, .not_negative = true};
    return i < 2;
}

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_normuon_options *o = options;
    nrm_matrix_options shared = *nrm_matrix_options_of(options);

    shared.nesterov = o->nesterov && o->variant != NRM_NORMUON_PAPER;
    const nrm_matrix_factors f = nrm_matrix_step_factors(&shared, now);
    memcpy(out, &f, sizeof f);
}

/* Orthogonalisation, and behind it a number for each line. */
static int64_t work(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    const nrm_normuon_options *o = options;
    int64_t lines, bytes;
    if (!nrm_mul_size(lines_of(o, rows, cols), (int64_t)sizeof(double), &lines)) return -1;
    return nrm_add_size(nrm_matrix_work(o->coefficients == NRM_ORTHOGONALISE_EXACT, dtype, rows, cols), lines, &bytes) ? bytes : -1;
}

static void update(const nrm_rule_piece *p)
{
    const nrm_normuon_options *o = p->options;
    const nrm_newton_schulz_set schedule = nrm_matrix_schedule(nrm_matrix_options_of(o));
    const int64_t rows = p->rows, cols = p->cols;
    const bool by_columns = nrm_normuon_by_columns(o, rows, cols);
    double *by = (double *)((unsigned char *)p->work + nrm_matrix_work(!schedule.step, p->dtype, rows, cols));
    nrm_matrix_factors f;

    memcpy(&f, p->factors, sizeof f);
    nrm_matrix_momentum(p, &f.momentum);
    const void *q = nrm_matrix_orthogonalise(p, &schedule);
    if (by_columns) nrm_normuon_column_squares(p->dtype, rows, cols, q, p->threads, by);
    else nrm_normuon_row_squares(p->dtype, rows, cols, q, p->threads, by);
    const nrm_normuon_sums sums = nrm_normuon_lines(p->dtype, by_columns ? cols : rows, by_columns ? rows : cols, o->beta2,
                                                    nrm_normuon_eps(o), p->state[1], by);
    nrm_normuon_descend(p->dtype, rows, cols, by_columns, f.keep, o->cautious_decay, nrm_normuon_rate(o, f.eta, rows, cols, sums),
                        by, q, p->threads, p->parameter);
}

const nrm_rule nrm_normuon_rule = {.method = &normuon_method, .matrix = true, .check = check, .state = state, .factors = factors,
                                   .update = update, .work = work};
