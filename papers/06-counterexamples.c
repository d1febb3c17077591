/* 06-counterexamples.c -- paper 6: two sketches against two proofs, Kronecker products, a real table. */
#include "06-parts.h"
#include <math.h>
#include <norma/io.h>
#include <string.h>

/* ---- Proposition 2.2 of the correction -------------------------------------------------------------- */

/* S = M^(1/2), M = I + K, K = -rho (e1 v' + v e1') + alpha (v e' + e v'), e the last coordinate, v a random
 * unit vector of e_2 .. e_d.  K^3 = lambda^2 K with lambda^2 = rho^2 + alpha^2, so M^(1/2) is
 * I + c1 K + c2 K^2.  With A = [e_1 .. e_d], b = e: x'_1 = alpha rho / (1 - rho^2) in size. */
static void make_root(int64_t d, nrm_draws *draws, double *k, double *s)
{
    const double rho = 0.05, alpha = 0.05, lambda = sqrt(rho * rho + alpha * alpha);
    const double up = sqrt(1 + lambda), down = sqrt(1 - lambda);
    const double c1 = (up - down) / (2 * lambda), c2 = (up + down - 2) / (2 * lambda * lambda);
    const int64_t n = d + 1;
    double v[MOST_D] = {0}, norm = 0;

    for (int64_t j = 1; j < d; j++) {
        v[j] = nrm_draw_normal(draws);
        norm += v[j] * v[j];
    }
    memset(k, 0, (size_t)(n * n) * sizeof *k);
    for (int64_t j = 1; j < d; j++) {
        v[j] /= sqrt(norm);
        k[j] = k[j * n] = -rho * v[j];
        k[j * n + d] = k[d * n + j] = alpha * v[j];
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double square = 0;
            for (int64_t l = 0; l < n; l++) square += k[i * n + l] * k[l * n + j];
            s[i * n + j] = (i == j) + c1 * k[i * n + j] + c2 * square;
        }
}

static nrm_status run_root(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const char *const columns[] = {"d", "|x'_1|", "sqrt(d) |x'_1|"};
    const double expected = 0.05 * 0.05 / (1 - 0.05 * 0.05);
    double deviation = 0, *k = nrm_scratch(r, MOST_D * MOST_D, sizeof *k), *s = nrm_scratch(r, MOST_D * MOST_D, sizeof *s);
    nrm_draws draws = {r->seed + 22};
    problem p;
    solution found;

    if (!k || !s || !problem_make(r, &p, MOST_D * MOST_D)) return NRM_E_NOMEM;
    nrm_table table = nrm_table_begin(r, "A counter-example to the published proof", "S of order d + 1, singular values within 4 % of 1, drawn so that fixed inner products are "
                                      "kept; A = [e_1 .. e_d], b = e_(d+1), x = 0, |r| = |A^+| = 1.", columns, 3);
    for (int64_t d = 4; d <= 64; d *= 4) {
        const nrm_linf_regression_options o = sketch_of(NRM_LINF_USER, d + 1);
        make_hard(&p, d + 1, d, 1);
        make_root(d, &draws, k, s);
        const nrm_status st = solve(ctx, &p, r->seed, &o, s, &found);
        if (st < 0) return st;
        nrm_cell_text(table, "%lld", (long long)d);
        nrm_cell_text(table, "%.14f", fabs(found.x[0]));
        nrm_cell_number(table, sqrt((double)d) * fabs(found.x[0]));
        deviation = fmax(deviation, fabs(fabs(found.x[0]) - expected));
    }
    nrm_measure(r, "proof", deviation);
    return NRM_OK;
}

/* ---- Normals in place of signs ------------------------------------------------------------------------ */

/* Rows of a Hadamard matrix times normals: entry (row, i) is (-1)^|row & i| gamma_i / sqrt(m). */
static void make_diagonal(int64_t n, int64_t m, nrm_draws *draws, double *s)
{
    double gamma[256];
    for (int64_t i = 0; i < n; i++) gamma[i] = nrm_draw_normal(draws);
    for (int64_t t = 0; t < m; t++) {
        const uint64_t row = nrm_draw(draws) % (uint64_t)n;
        for (int64_t i = 0; i < n; i++) {
            int odd = 0;
            for (uint64_t both = row & (uint64_t)i; both; both &= both - 1) odd ^= 1;
            s[t * n + i] = (odd ? -1 : 1) * gamma[i] / sqrt((double)m);
        }
    }
}

static nrm_status run_diagonal(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { N = 256, M = 64 };
    const int rounds = r->quick ? 400 : 4000;
    const nrm_linf_regression_options o = sketch_of(NRM_LINF_USER, M);
    double *s = nrm_scratch(r, N * M, sizeof *s);
    nrm_draws draws = {r->seed + 37};
    problem p;
    solution found;
    int large = 0;

    if (!s || !problem_make(r, &p, 2 * N)) return NRM_E_NOMEM;
    make_hard(&p, N, 1, 1); /* u = (e1 + e2) / sqrt 2, r = (e1 - e2) / sqrt 2 */
    p.a[0] = p.a[1] = p.b[0] = sqrt(0.5);
    p.b[1] = -sqrt(0.5);
    for (int k = 0; k < rounds; k++) {
        nrm_status st = nrm_step(r, "normals inside", k, rounds);
        make_diagonal(N, M, &draws, s);
        if (st >= 0) st = solve(ctx, &p, r->seed, &o, s, &found);
        if (st < 0) return st;
        large += fabs(found.x[0]) >= 3.0 / 7;
    }
    nrm_measure(r, "diagonal", (double)large / rounds);
    nrm_measure_reason(r, "diagonal", "n = 256, m = 64, %d runs; signs in place of normals err by some 1 / sqrt(64).", rounds);
    return NRM_OK;
}

nrm_status run_counterexamples(nrm_reproduction *r, nrm_ctx *ctx)
{
    const nrm_status st = run_root(r, ctx);
    return st < 0 ? st : run_diagonal(r, ctx);
}

/* ---- Kronecker products ------------------------------------------------------------------------------- */

nrm_status run_tensor(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { N1 = 64, N2 = 60, D1 = 4, D2 = 4, D = D1 * D2, N = N1 * N2 };
    static const int sketches[] = {NRM_LINF_TENSOR_SRHT, NRM_LINF_TENSOR_SRCT};
    static const char *const names[] = {"tensor-srht", "tensor-srct"};
    const int seeds = r->quick ? 20 : 100;
    double a1[N1 * D1], a2[N2 * D2], failures = 0;
    nrm_draws draws = {r->seed + 12};
    problem p;
    solution found;

    if (!problem_make(r, &p, N * (D + 1))) return NRM_E_NOMEM;
    for (int i = 0; i < N1 * D1; i++) a1[i] = nrm_draw_normal(&draws);
    for (int i = 0; i < N2 * D2; i++) a2[i] = nrm_draw_normal(&draws);
    p.n = N, p.d = D;
    for (int64_t i = 0; i < N; i++) {
        p.b[i] = nrm_draw_normal(&draws);
        for (int64_t j = 0; j < D; j++) p.b[i] += p.a[i * D + j] = a1[i / N2 * D1 + j / D2] * a2[i % N2 * D2 + j % D2];
    }
    nrm_status st = solve_exactly(ctx, &p);
    for (int c = 0; c < 2 && st >= 0; c++) {
        nrm_linf_regression_options o = sketch_of(sketches[c], 0);
        int failed = 0;
        o.eps = 1;
        o.delta = 0.1;
        for (int k = 0; k < seeds && st >= 0; k++) {
            nrm_linf_regression_problem asked = {.size = sizeof asked, .factors = 2, .a_factors = {{a1, N1, D1, D1}, {a2, N2, D2, D2}}};
            const nrm_linf_regression_results results = {.size = sizeof results, .x = found.x};
            nrm_array b;
            st = nrm_step(r, names[c], k, seeds);
            if (st >= 0) st = nrm_array_view(ctx, &b, NRM_F64, 1, (const int64_t[]){N}, p.b);
            if (st >= 0) st = nrm_rows_from_array(ctx, &asked.b, &b);
            if (st >= 0) st = nrm_set_seed(ctx, r->seed * 1000 + (uint64_t)k);
            if (st >= 0) st = nrm_linf_regression(ctx, &asked, &results, &found.info, &o);
            nrm_rows_close(ctx, asked.b);
            if (st >= 0) failed += scaled_error(&p, &found) > o.eps;
        }
        failures = fmax(failures, (double)failed / seeds);
    }
    if (st < 0) return st;
    nrm_measure(r, "tensor", failures);
    nrm_measure_reason(r, "tensor", "The worse of tensor-srht and tensor-srct, %d seeds each, eps = 1, delta = 0.1: %lld of %d rows, d = %d.", seeds,
                       (long long)found.info.rows, N, D);
    return NRM_OK;
}

/* ---- A real table --------------------------------------------------------------------------------------- */

/* The columns of a (n x c) that do not depend on those before them: elimination of its Gram matrix g. */
static int64_t independent(int64_t n, int64_t c, const double *a, double *g, int64_t *kept)
{
    double scale[MOST_D];
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < c; j++)
            for (int64_t k = 0; k < c && a[i * c + j] != 0; k++) g[j * c + k] += a[i * c + j] * a[i * c + k];
    for (int64_t j = 0; j < c; j++) scale[j] = g[j * c + j];
    for (int64_t j = 0; j < c; j++) {
        const double pivot = g[j * c + j];
        if (!(pivot > 1e-6 * scale[j])) continue;
        kept[count++] = j;
        for (int64_t i = j + 1; i < c; i++) {
            const double factor = g[i * c + j] / pivot;
            for (int64_t k = j; k < c; k++) g[i * c + k] -= factor * g[j * c + k];
        }
    }
    return count;
}

/* p from the table and its labels. */
static nrm_status make_real(nrm_reproduction *r, nrm_ctx *ctx, const nrm_loaded *file, problem *p)
{
    nrm_array dense = {0};
    const int64_t n = file->csr.rows, c = file->csr.cols;
    int64_t kept[MOST_D];
    double *g = nrm_scratch(r, c * c, sizeof *g);
    nrm_status st = nrm_csr_to_dense(ctx, &dense, &file->csr);

    if (st >= 0 && (!g || !problem_make(r, p, n * (c + 1)))) st = NRM_E_NOMEM;
    if (st >= 0) {
        p->n = n;
        p->d = independent(n, c, dense.data, g, kept);
        for (int64_t i = 0; i < n; i++) {
            for (int64_t j = 0; j < p->d; j++) p->a[i * p->d + j] = ((const double *)dense.data)[i * c + kept[j]];
            p->b[i] = ((const double *)file->extra.items[0].array.data)[i];
        }
        st = solve_exactly(ctx, p);
    }
    nrm_array_destroy(ctx, &dense);
    return st;
}

static nrm_status compare_real(nrm_reproduction *r, nrm_ctx *ctx, const problem *p)
{
    static const int sketches[] = {NRM_LINF_SRHT, NRM_LINF_BGP, NRM_LINF_COUNTSKETCH};
    static const char *const names[] = {"srht", "bgp", "countsketch"};
    static const char *const columns[] = {"sketch", "rows", "median", "largest", "bars hold"};
    const int seeds = r->quick ? 3 : 15;
    solution found;

    nrm_table table = nrm_table_begin(r, "a9a, the label by the features", "32561 rows, columns that depend on others left out; sqrt(d) |x' - x|_inf / (|r| |A^+|) over seeds, "
                                      "m by `sharp` for eps = 1/2, delta = 0.1.", columns, 5);
    for (int c = 0; c < 3; c++) {
        nrm_linf_regression_options o = sketch_of(sketches[c], 0);
        double errors[15], most = 0;
        int held = 0;
        o.delta = 0.1;
        for (int k = 0; k < seeds; k++) {
            nrm_status st = nrm_step(r, "a9a", c * seeds + k, 3 * seeds);
            if (st >= 0) st = solve(ctx, p, r->seed * 1000 + (uint64_t)k, &o, NULL, &found);
            if (st < 0) return st;
            errors[k] = scaled_error(p, &found);
            most = fmax(most, errors[k]);
            bool all = true;
            for (int64_t j = 0; j < p->d; j++) all = all && fabs(found.x[j] - p->x[j]) <= found.bars[j];
            held += all;
        }
        nrm_cell_text(table, "%s", names[c]);
        nrm_cell_text(table, "%lld", (long long)found.info.rows);
        nrm_cell_number(table, nrm_median(errors, seeds));
        nrm_cell_number(table, most);
        nrm_cell_text(table, "%d of %d", held, seeds);
        if (c == 0) nrm_measure(r, "real", most);
    }
    return NRM_OK;
}

nrm_status run_real(nrm_reproduction *r, nrm_ctx *ctx)
{
    const char *path = nrm_data_path(r, "libsvm/a9a");
    nrm_loaded file = {0};
    problem p;

    if (!path) {
        nrm_not_measured(r, "real", "libsvm/a9a is not in the data folder; give it with --data");
        return NRM_OK;
    }
    nrm_status st = nrm_load(ctx, path, &file);
    if (st < 0) return st;
    if (file.kind == NRM_LOADED_CSR && file.csr.cols <= MOST_D && file.extra.count == 1 &&
        file.extra.items[0].array.dtype == NRM_F64 && file.csr.dtype == NRM_F64) {
        st = make_real(r, ctx, &file, &p);
        if (st >= 0) st = compare_real(r, ctx, &p);
    } else {
        nrm_not_measured(r, "real", "%s is not the LIBSVM file that is meant", path);
    }
    nrm_loaded_destroy(ctx, &file);
    return st;
}
