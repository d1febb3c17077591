/* coreset_audit.c -- where is the coreset worst?  Contract: coreset_job.h.
 *
 *     distortion = max over x of | sum_kept w_i |a_i'x|^p / sum_all omega_i |a_i'x|^p  -  1 |
 *
 * is not a convex problem; what is found is a lower bound, with the x at which it is reached.
 *
 *   1. A reference coreset, several times as large and independent (of merged coresets: what the last
 *      draw was made from), stands for all rows while directions are sought.
 *   2. Candidates, x = T z with T whitening the reference: T T'a for the rows a of the reference and
 *      of the coreset that have the most leverage (they are what can be missing, or count too
 *      much), and T g for normal g.
 *   3. From the ten worst, steps uphill on |ln ratio|; z goes along the gradient and stays of length 1.
 *   4. One pass over all rows measures these and the worst of the candidates; the largest counts.
 *
 * The specification's ascent reads all rows at every step; here the reference does instead, so
 * that the price is one pass, whatever the number of steps. */
#include "coreset_job.h"
#include "base/random.h"
#include "data/row_pass.h"
#include "linalg/alone.h"
#include "linalg/range.h"
#include <norma/comm.h>

enum { OF_ROWS = 200, RANDOM = 200, CANDIDATES = 2 * OF_ROWS + RANDOM, CLIMBERS = 10, STEPS = 20, FINALISTS = 48, SLOTS = 16 };

typedef struct audit {
    double p;
    int64_t columns, rank, threads;
    const nrm_weighted_rows *kept, *reference;
    double *t;      /* columns x rank */
    double *y[2];   /* of kept and reference in T's coordinates: count x rank */
    double *z;      /* CANDIDATES x rank */
    double *error;  /* CANDIDATES: |ratio - 1| as far as known */
    double *sums;   /* 2 x CANDIDATES */
    double *work;   /* of the sums: SLOTS x 2 x CANDIDATES, and directions turned */
    double *turned; /* max(columns, rank) x CANDIDATES */
    double *climb;  /* 4 x rank */
} audit;

/* ---- Sums of powers -------------------------------------------------------------------------------- */

static void add_powers(double p, int64_t count, const double *y, double weight, double *sum)
{
    if (p == 1) for (int64_t k = 0; k < count; k++) sum[k] += weight * fabs(y[k]);
    else if (p == 2) for (int64_t k = 0; k < count; k++) sum[k] += weight * (y[k] * y[k]);
    else if (p == 3) for (int64_t k = 0; k < count; k++) sum[k] += weight * (fabs(y[k]) * (y[k] * y[k]));
    else if (p == 4) for (int64_t k = 0; k < count; k++) sum[k] += weight * (y[k] * y[k] * (y[k] * y[k]));
    else for (int64_t k = 0; k < count; k++) sum[k] += weight * pow(fabs(y[k]), p);
}

/* Rows [a b] and what each counts. */
typedef struct some_rows {
    int64_t count, d, q, lda, ldb;
    const double *a, *b, *weight; /* b, weight may be NULL */
} some_rows;

/* y = the row times the directions, which lie column by column: x[j * directions + k]. */
static void times_directions(const double *row, int64_t n, int64_t directions, const double *x, double *y)
{
    for (int64_t j = 0; j < n; j++)
        for (int64_t k = 0; k < directions; k++) y[k] += row[j] * x[j * directions + k];
}

/* sum[k] += sum of weight |row x_k|^p, in SLOTS slices whose sums are added in their order. */
static void sum_powers(const audit *u, const some_rows *rows, int64_t directions, const double *x, double *sum)
{
#pragma omp parallel for num_threads((int)u->threads) schedule(static, 1) if (u->threads > 1)
    for (int slot = 0; slot < SLOTS; slot++) {
        double *part = u->work + slot * 2 * directions, *y = part + directions;
        const int64_t from = rows->count * slot / SLOTS, to = rows->count * (slot + 1) / SLOTS;
        memset(part, 0, (size_t)directions * sizeof *part);
        for (int64_t i = from; i < to; i++) {
            memset(y, 0, (size_t)directions * sizeof *y);
            times_directions(rows->a + i * rows->lda, rows->d, directions, x, y);
            if (rows->b) times_directions(rows->b + i * rows->ldb, rows->q, directions, x + rows->d * directions, y);
            add_powers(u->p, directions, y, rows->weight ? rows->weight[i] : 1, part);
        }
    }
    for (int slot = 0; slot < SLOTS; slot++)
        for (int64_t k = 0; k < directions; k++) sum[k] += u->work[slot * 2 * directions + k];
}

static double error_of(double kept, double all) { return all > 0 ? fabs(kept / all - 1) : -1; }

/* ---- Candidates -------------------------------------------------------------------------------------- */

static void unit(int64_t n, double *x)
{
    const double length = nrm_norm2(x, n);
    for (int64_t i = 0; i < n && length > 0; i++) x[i] /= length;
}

/* z of the OF_ROWS rows of most weight^(2/p) |y|^2, greatest first. */
static int64_t lean_on_rows(const audit *u, const nrm_weighted_rows *w, const double *y, double *z)
{
    int64_t held = 0, place[OF_ROWS];
    double most[OF_ROWS];

    for (int64_t i = 0; i < w->count; i++) {
        const double length = nrm_norm2(y + i * u->rank, u->rank), score = pow(w->weight[i], 1 / u->p) * length;
        int64_t at = held;
        if (!(score > 0) || (held == OF_ROWS && score <= most[held - 1])) continue;
        if (held == OF_ROWS) at--;
        else held++;
        for (; at > 0 && most[at - 1] < score; at--) most[at] = most[at - 1], place[at] = place[at - 1];
        most[at] = score;
        place[at] = i;
    }
    for (int64_t k = 0; k < held; k++) {
        memcpy(z + k * u->rank, y + place[k] * u->rank, (size_t)u->rank * sizeof *z);
        unit(u->rank, z + k * u->rank);
    }
    return held;
}

static int64_t make_candidates(const audit *u, uint64_t seed)
{
    int64_t count = lean_on_rows(u, u->reference, u->y[1], u->z);
    nrm_rng rng = nrm_rng_make(seed, nrm_coreset_stream(NRM_CORESET_DIRECTIONS, 0));

    count += lean_on_rows(u, u->kept, u->y[0], u->z + count * u->rank);
    nrm_rng_normals(&rng, u->z + count * u->rank, RANDOM * u->rank);
    for (int64_t k = count; k < count + RANDOM; k++) unit(u->rank, u->z + k * u->rank);
    return count + RANDOM;
}

static void turn(int64_t rows, int64_t cols, const double *x, double *turned)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++) turned[j * rows + i] = x[i * cols + j];
}

/* The ratios of `count` directions z, on the reference. */
static void estimate(const audit *u, int64_t count)
{
    const nrm_weighted_rows *side[2] = {u->kept, u->reference};

    turn(count, u->rank, u->z, u->turned);
    memset(u->sums, 0, (size_t)(2 * CANDIDATES) * sizeof *u->sums);
    for (int s = 0; s < 2; s++) {
        const some_rows rows = {.count = side[s]->count, .d = u->rank, .lda = u->rank, .a = u->y[s], .weight = side[s]->weight};
        sum_powers(u, &rows, count, u->turned, u->sums + s * CANDIDATES);
    }
    for (int64_t k = 0; k < count; k++) u->error[k] = error_of(u->sums[k], u->sums[CANDIDATES + k]);
}

/* The `most` worst candidates come first. */
static void worst_first(const audit *u, int64_t count, int64_t most)
{
    for (int64_t k = 0; k < most; k++) {
        int64_t worst = k;
        for (int64_t i = k + 1; i < count; i++)
            if (u->error[i] > u->error[worst]) worst = i;
        const double error = u->error[k];
        u->error[k] = u->error[worst];
        u->error[worst] = error;
        for (int64_t j = 0; j < u->rank; j++) {
            const double z = u->z[k * u->rank + j];
            u->z[k * u->rank + j] = u->z[worst * u->rank + j];
            u->z[worst * u->rank + j] = z;
        }
    }
}

/* ---- Uphill ---------------------------------------------------------------------------------------------- */

/* sum of w |y'z|^p and, divided by p, its gradient; false where it is 0. */
static bool sum_and_gradient(const audit *u, int side, const double *z, double *sum, double *gradient)
{
    const nrm_weighted_rows *w = side ? u->reference : u->kept;

    *sum = 0;
    memset(gradient, 0, (size_t)u->rank * sizeof *gradient);
    for (int64_t i = 0; i < w->count; i++) {
        const double *y = u->y[side] + i * u->rank;
        double v = 0;
        for (int64_t j = 0; j < u->rank; j++) v += y[j] * z[j];
        if (v == 0) continue;
        const double slope = w->weight[i] * (u->p == 1 ? 1 : u->p == 2 ? fabs(v) : pow(fabs(v), u->p - 1));
        *sum += slope * fabs(v);
        for (int64_t j = 0; j < u->rank; j++) gradient[j] += copysign(slope, v) * y[j];
    }
    return *sum > 0;
}

/* ln ratio and its gradient over p. */
static bool log_ratio(const audit *u, const double *z, double *value, double *gradient, double *work)
{
    double kept, all;
    if (!sum_and_gradient(u, 0, z, &kept, gradient) || !sum_and_gradient(u, 1, z, &all, work)) return false;
    for (int64_t j = 0; j < u->rank; j++) gradient[j] = gradient[j] / kept - work[j] / all;
    *value = log(kept / all);
    return isfinite(*value);
}

static void climb(const audit *u, double *z)
{
    const int64_t r = u->rank;
    double *gradient = u->climb, *trial = gradient + r, *next = trial + r, *work = next + r;
    double value, other, step = 0.3;

    if (!log_ratio(u, z, &value, gradient, work)) return;
    const double sign = value >= 0 ? 1 : -1;
    for (int k = 0; k < STEPS; k++) {
        const double length = nrm_norm2(gradient, r);
        if (!(length > 0)) return;
        for (int64_t j = 0; j < r; j++) trial[j] = z[j] + sign * step / length * gradient[j];
        unit(r, trial);
        if (log_ratio(u, trial, &other, next, work) && sign * other > sign * value) {
            memcpy(z, trial, (size_t)r * sizeof *z);
            memcpy(gradient, next, (size_t)r * sizeof *z);
            value = other;
            step *= 1.5;
        } else {
            step *= 0.25;
        }
    }
}

/* ---- All rows ---------------------------------------------------------------------------------------------- */

/* x = T z into u->turned, column by column; scaled so that no power of a row leaves the range. */
static void directions_of_rows(const audit *u, int64_t count)
{
    const nrm_weighted_rows *w = u->reference;

    for (int64_t j = 0; j < u->columns; j++)
        for (int64_t k = 0; k < count; k++) {
            double x = 0;
            for (int64_t i = 0; i < u->rank; i++) x += u->t[j * u->rank + i] * u->z[k * u->rank + i];
            u->turned[j * count + k] = x;
        }
    for (int64_t k = 0; k < count; k++) {
        double most = 0;
        for (int64_t i = 0; i < w->count; i++) {
            double v = 0;
            for (int64_t j = 0; j < u->columns; j++) v += w->rows[i * u->columns + j] * u->turned[j * count + k];
            most = fmax(most, fabs(v));
        }
        for (int64_t j = 0; j < u->columns && most > 0; j++) u->turned[j * count + k] /= most;
    }
}

static nrm_status sum_all_rows(nrm_ctx *ctx, const nrm_coreset_job *j, const audit *u, int64_t count, double *sum)
{
    nrm_row_pass *pass;
    nrm_row_chunk c;

    nrm_status st = nrm_row_pass_begin(ctx, NRM_LP_CORESET, j->a, j->b, nrm_row_pass_unit(j->columns), "audit", &pass);
    while (st >= 0) {
        st = nrm_row_pass_next(ctx, pass, &c);
        if (st < 0 || c.count == 0) break;
        const some_rows rows = {.count = c.count, .d = j->d, .q = j->q, .lda = c.lda, .ldb = c.ldb, .a = c.a, .b = c.b,
                                .weight = j->in->row_weights ? j->in->row_weights + c.first : NULL};
        sum_powers(u, &rows, count, u->turned, sum);
    }
    NRM_TRY(nrm_row_pass_end(ctx, &pass, st, NULL));
    return nrm_sum_ranks(ctx, NRM_LP_CORESET, sum, count);
}

static nrm_status measure(nrm_ctx *ctx, nrm_coreset_job *j, const audit *u, int64_t count)
{
    const nrm_weighted_rows *k = u->kept, *all = u->reference;
    const some_rows kept = {.count = k->count, .d = u->columns, .lda = u->columns, .a = k->rows, .weight = k->weight};
    const some_rows reference = {.count = all->count, .d = u->columns, .lda = u->columns, .a = all->rows, .weight = all->weight};
    int64_t worst = 0;

    directions_of_rows(u, count);
    memset(u->sums, 0, (size_t)(2 * CANDIDATES) * sizeof *u->sums);
    sum_powers(u, &kept, count, u->turned, u->sums);
    if (j->reference_is_all) sum_powers(u, &reference, count, u->turned, u->sums + CANDIDATES);
    else NRM_TRY(sum_all_rows(ctx, j, u, count, u->sums + CANDIDATES));
    for (int64_t i = 0; i < count; i++) {
        u->error[i] = error_of(u->sums[i], u->sums[CANDIDATES + i]);
        if (u->error[i] > u->error[worst]) worst = i;
    }
    j->info.distortion = u->error[worst];
    for (int64_t i = 0; i < u->columns; i++) j->witness[i] = u->turned[i * count + worst];
    unit(u->columns, j->witness);
    return NRM_OK;
}

/* ---- The whole ---------------------------------------------------------------------------------------------- */

/* T from the reference, its rows times the square roots of their weights. */
static nrm_status whiten(nrm_ctx *ctx, audit *u, double *scaled)
{
    const nrm_weighted_rows *w = u->reference;
    const int64_t shape[2] = {w->count, w->columns};
    nrm_comm *comm = nrm_ctx_comm(ctx);
    nrm_rows *rows = NULL;
    nrm_array view;
    bool triangular;

    for (int64_t i = 0; i < w->count; i++)
        for (int64_t k = 0; k < w->columns; k++) scaled[i * w->columns + k] = sqrt(w->weight[i]) * w->rows[i * w->columns + k];
    nrm_status st = nrm_array_view(ctx, &view, NRM_F64, 2, shape, scaled);
    if (st >= 0) st = nrm_rows_from_array(ctx, &rows, &view);
    if (ctx && st >= 0) st = nrm_set_comm(ctx, NULL);
    if (st >= 0) st = nrm_range_basis(ctx, NRM_LP_CORESET, rows, NULL, w->count, u->t, &u->rank, &triangular, NULL, NULL);
    if (ctx) (void)!nrm_set_comm(ctx, comm); /* it was taken before */
    nrm_rows_close(ctx, rows);
    return st;
}

static nrm_status in_coordinates(nrm_ctx *ctx, const audit *u, const nrm_weighted_rows *w, double *y)
{
    const nrm_alone alone = nrm_alone_enter(ctx);
    const nrm_status st = nrm_gemm(ctx, NRM_LP_CORESET, 'n', 'n', w->count, u->rank, u->columns, 1, w->rows, u->columns, u->t, u->rank, 0,
                                   y, u->rank);
    nrm_alone_leave(ctx, alone);
    return st;
}

/* By every rank alone, with the same result. */
static nrm_status search(nrm_ctx *ctx, audit *u, nrm_arena *arena, int64_t *count)
{
    const int64_t d = u->columns, rows = u->kept->count + u->reference->count;
    const int t = nrm_arena_add(arena, d * d, sizeof(double)), y = nrm_arena_add(arena, rows * d, sizeof(double));
    const int z = nrm_arena_add(arena, CANDIDATES * d, sizeof(double)), turned = nrm_arena_add(arena, CANDIDATES * d, sizeof(double));
    const int work = nrm_arena_add(arena, (3 + 2 * SLOTS) * CANDIDATES, sizeof(double)), path = nrm_arena_add(arena, 4 * d, sizeof(double));

    NRM_TRY(nrm_arena_alloc(ctx, arena, NRM_LP_CORESET));
    u->t = nrm_arena_at(arena, t);
    u->y[0] = nrm_arena_at(arena, y);
    u->z = nrm_arena_at(arena, z);
    u->turned = nrm_arena_at(arena, turned);
    u->error = nrm_arena_at(arena, work);
    u->sums = u->error + CANDIDATES;
    u->work = u->sums + 2 * CANDIDATES;
    u->climb = nrm_arena_at(arena, path);
    NRM_TRY(whiten(ctx, u, u->y[0]));
    u->y[1] = u->y[0] + u->kept->count * u->rank;
    NRM_TRY(in_coordinates(ctx, u, u->kept, u->y[0]));
    NRM_TRY(in_coordinates(ctx, u, u->reference, u->y[1]));
    *count = make_candidates(u, nrm_seed(ctx));
    estimate(u, *count);
    worst_first(u, *count, FINALISTS);
    for (int k = 0; k < CLIMBERS; k++) { /* the climbers' starts stay among the finalists */
        memcpy(u->z + (FINALISTS + k) * u->rank, u->z + k * u->rank, (size_t)u->rank * sizeof *u->z);
        climb(u, u->z + (FINALISTS + k) * u->rank);
        NRM_REQUIRE(ctx, !nrm_tick(ctx, "audit", k, CLIMBERS, NULL, NAN), NRM_E_CANCELLED, NRM_LP_CORESET ": stopped on request");
    }
    *count = FINALISTS + CLIMBERS;
    return NRM_OK;
}

nrm_status nrm_coreset_audit(nrm_ctx *ctx, nrm_coreset_job *j)
{
    audit u = {.p = j->o.p, .columns = j->columns, .kept = &j->kept, .reference = &j->reference, .threads = nrm_threads(ctx)};
    nrm_arena arena = {0};
    int64_t count = 0;

    nrm_status st = NRM_ALLOC(ctx, j->witness, j->columns, NRM_LP_CORESET);
    if (st >= 0) st = search(ctx, &u, &arena, &count);
    st = nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st);
    if (st >= 0) st = measure(ctx, j, &u, count);
    nrm_arena_free(ctx, &arena);
    return st;
}
