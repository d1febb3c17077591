/* test_sparse_ot.c -- the statements of the specification: worked numbers, limits, bounds,
 * certificates, against an independent reference (reference/sparse_ot.py). */
#include "sparse_ot_data.h"
#include "reference/sparse_ot_values.h"

/* ---- Worked numbers -------------------------------------------------------------------------------- */

static void example_with_no_gap(void **state)
{
    (void)state;
    problem p = problem_example();
    const double plan[] = {0.4, 0, 0, 0.3, 0.1, 0.1, 0.1, 0};
    for (int64_t k = 3; k <= 4; k++) {
        nrm_sparse_ot_options o = options_of(k, 1);
        solution s = solve(&p, &o, NRM_OK);
        assert_near(s.info.value, 0.27, 1e-9);
        assert_near(s.info.primal, 0.27, 1e-9);
        assert_near(s.info.value, reference_example_dual[1], 1e-8);
        assert_near(s.info.primal, reference_example_primal[1], 1e-8);
        assert_true(fabs(s.info.gap) < 1e-9 && s.info.feasible && s.info.polished);
        assert_all_near(s.plan, plan, 8, 1e-9);
        assert_int_equal(s.info.max_nnz, 3);
        solution_free(&s);
        o.gamma = 0.1;
        s = solve(&p, &o, NRM_OK);
        assert_near(s.info.value, 0.144, 1e-9);
        solution_free(&s);
    }
    problem_free(&p);
}

/* k = 2: a tie at the optimum, D = 0.28 < P = 0.34: the gap of the relaxation is real.  The
 * relaxed plan has value D under the k-support norm and the right marginals. */
static void example_with_a_gap(void **state)
{
    (void)state;
    problem p = problem_example();
    for (int form = 0; form < 2; form++) {
        nrm_sparse_ot_options o = options_of(2, 1);
        o.form = form;
        solution s = solve(&p, &o, NRM_RELAXED);
        assert_near(s.info.value, 0.28, 1e-7);
        assert_near(s.info.value, reference_example_dual[0], 1e-7);
        assert_true(s.info.value <= reference_example_primal[0]);
        assert_true(!s.info.feasible && isnan(s.info.gap));
        assert_true(s.info.row_residual > 0.05);
        assert_string_equal(s.info.solver, "bundle");
        assert_message(s.ctx, "relaxed_plan");
        assert_near(marginal_error(&p, s.relaxed), 0, 3e-6);
        solution_free(&s);
    }
    problem_free(&p);
}

/* ---- The limits k = m and k = 1 --------------------------------------------------------------------- */

static void no_limit_is_quadratic_transport(void **state)
{
    (void)state;
    problem p = problem_bins(0), split = problem_bins(1);
    const double gamma[] = {0.1, 1}, spec[] = {0.03954761, 0.04577014};
    for (int g = 0; g < 2; g++)
        for (int form = 0; form < 2; form++) {
            nrm_sparse_ot_options o = options_of(32, gamma[g]);
            o.form = form;
            o.max_iter = 5000;
            solution s = solve(&p, &o, NRM_OK);
            assert_near(s.info.value, reference_bins_smooth[g], 1e-9);
            assert_near(s.info.value, spec[g], 1e-8);
            assert_near(s.info.primal, reference_bins_smooth[g], 1e-9);
            assert_true(s.info.gap < 1e-6);
            assert_int_equal(s.info.k, 32);
            solution_free(&s);
        }
    nrm_sparse_ot_options o = options_of(32, 0.1);
    o.max_iter = 5000;
    solution s = solve(&split, &o, NRM_OK);
    assert_near(s.info.value, reference_bins_split_smooth[0], 1e-9);
    solution_free(&s);
    problem_free(&p);
    problem_free(&split);
}

/* k = 1: S = W + (gamma/2)|b|^2 with W the cost of exact transport, out of reach of L-BFGS. */
static void one_is_exact_transport(void **state)
{
    (void)state;
    problem p = problem_bins(0);
    const double gamma[] = {0.1, 1}, spec[] = {0.04087088, 0.06633174};
    double square = 0;
    for (int64_t j = 0; j < 32; j++) square += p.b[j] * p.b[j];
    for (int g = 0; g < 2; g++) {
        nrm_sparse_ot_options o = options_of(1, gamma[g]);
        solution s = solve(&p, &o, NRM_RELAXED);
        const double exact = reference_bins_exact[0] + 0.5 * gamma[g] * square;
        assert_near(exact, spec[g], 1e-8);
        assert_near(s.info.value, exact, 1e-7);
        assert_true(s.info.value <= exact + 1e-12); /* a lower bound */
        assert_near(marginal_error(&p, s.relaxed), 0, 3e-6); /* the relaxed plan is exact transport's */
        assert_near(plan_cost(&p, s.relaxed), reference_bins_exact[0], 1e-5);
        solution_free(&s);
        o.solver = NRM_SPARSE_OT_LBFGS;
        s = solve(&p, &o, NRM_NOT_CONVERGED);
        assert_true(s.info.value < exact - 1e-4); /* the test that the bundle is needed */
        solution_free(&s);
        o.solver = NRM_SPARSE_OT_BUNDLE;
        o.max_iter = 1000;
        s = solve(&p, &o, NRM_RELAXED);
        assert_near(s.info.value, exact, 1e-7);
        solution_free(&s);
    }
    problem_free(&p);
}

static void one_with_equal_masses_is_assignment(void **state)
{
    (void)state;
    problem p = problem_uniform(12, 12, 12);
    nrm_sparse_ot_options o = options_of(1, 0.5);
    solution s = solve(&p, &o, NRM_OK);
    for (int64_t i = 0; i < 12; i++)
        for (int64_t j = 0; j < 12; j++)
            assert_near(s.plan[i * 12 + j], reference_assignment_column[i] == (double)j ? 1.0 / 12 : 0, 1e-12);
    assert_near(s.info.primal_cost, reference_assignment_cost[0], 1e-12);
    assert_near(s.info.value, reference_assignment_cost[0] + 0.25 / 12, 1e-9);
    solution_free(&s);
    problem_free(&p);
}

/* ---- Between the limits -------------------------------------------------------------------------------- */

static void value_falls_with_k(void **state)
{
    (void)state;
    problem p = problem_bins(0);
    double last = INFINITY, at[15];
    for (int64_t k = 1; k <= 14; k++) {
        nrm_sparse_ot_options o = options_of(k, 1);
        o.tol = 1e-7;
        o.max_iter = 3000;
        solution s = solve(&p, &o, -1);
        assert_true(s.info.value <= last + 1e-6); /* kinked maxima are known to about this */
        at[k] = last = s.info.value;
        assert_true(s.info.max_nnz <= k);
        solution_free(&s);
    }
    for (int64_t k = 10; k <= 14; k++) assert_near(at[k], reference_bins_smooth[1], 1e-9);
    assert_true(at[1] > at[2] + 1e-3 && at[2] > at[3] + 1e-3 && at[5] > at[10] + 1e-5);
    problem_free(&p);
}

/* Cutting planes solved by SciPy give the same dual optimum, column and row limits alike. */
static void agrees_with_cutting_planes(void **state)
{
    (void)state;
    problem p = problem_random(6, 5, 13);
    const int64_t k[] = {2, 3, 6};
    for (int form = 0; form < 2; form++)
        for (int c = 0; c < 3; c++) {
            nrm_sparse_ot_options o = options_of(k[c], 0.3);
            o.form = form;
            o.max_iter = 3000;
            solution s = solve(&p, &o, -1);
            assert_near(s.info.value, reference_small_semi_dual[c], 2e-7);
            solution_free(&s);
        }
    for (int64_t row_k = 1; row_k <= 2; row_k++) {
        nrm_sparse_ot_options o = options_of(row_k, 0.3);
        o.axis = NRM_SPARSE_OT_ROW;
        o.max_iter = 3000;
        solution s = solve(&p, &o, -1);
        assert_near(s.info.value, reference_small_row_semi_dual[row_k - 1], 2e-7);
        for (int64_t i = 0; i < 6; i++) {
            int64_t count = 0;
            for (int64_t j = 0; j < 5; j++) count += s.plan[i * 5 + j] != 0;
            assert_true(count <= row_k);
        }
        solution_free(&s);
    }
    problem_free(&p);
}

/* ---- Certificates --------------------------------------------------------------------------------------- */

/* Everything in info is recomputed from the raw data and the outputs. */
static void recompute(problem *p, const nrm_sparse_ot_options *o, nrm_status status)
{
    solution s = solve(p, o, status);
    const nrm_sparse_ot_info *f = &s.info;
    double cost = 0, square = 0, row = 0, column = 0, total = 0;
    int64_t nnz = 0, most = 0;

    for (int64_t i = 0; i < p->m; i++) {
        double sum = 0;
        for (int64_t j = 0; j < p->n; j++) {
            const double t = s.plan[i * p->n + j];
            assert_true(t >= 0);
            sum += t;
            cost += t * p->cost[i * p->n + j];
            square += t * t;
            nnz += t != 0;
        }
        row = fmax(row, fabs(sum - p->a[i]));
        total += p->a[i];
    }
    for (int64_t j = 0; j < p->n; j++) {
        double sum = 0;
        int64_t count = 0;
        for (int64_t i = 0; i < p->m; i++) sum += s.plan[i * p->n + j], count += s.plan[i * p->n + j] != 0;
        column = fmax(column, fabs(sum - p->b[j]));
        most = count > most ? count : most;
    }
    const double primal = cost + 0.5 * o->gamma * square;
    assert_near(f->primal_cost, cost, 1e-13);
    assert_near(f->primal, primal, 1e-13);
    assert_near(f->row_residual, row, 1e-14);
    assert_near(f->column_residual, column, 1e-14);
    assert_int_equal(f->nnz, nnz);
    assert_int_equal(f->feasible, fmax(row, column) <= o->tol * total);
    if (f->feasible) assert_near(f->gap, (primal - f->value) / fabs(f->value), 1e-10);
    if (o->axis == NRM_SPARSE_OT_COLUMN) {
        assert_int_equal(f->max_nnz, most);
        assert_true(most <= o->k);
        if (o->form == NRM_SPARSE_OT_SEMI_DUAL) {
            assert_true(column <= 1e-15 * total); /* exact by construction */
            assert_near(semi_dual(p, s.alpha, o->k, o->gamma, NULL), f->value, 1e-12);
        }
        /* D(alpha, beta) from its definition. */
        double dual = 0;
        for (int64_t i = 0; i < p->m; i++) dual += s.alpha[i] * p->a[i];
        for (int64_t j = 0; j < p->n; j++) {
            double u[64], omega;
            for (int64_t i = 0; i < p->m; i++) u[i] = s.alpha[i] + s.beta[j] - p->cost[i * p->n + j];
            assert_ok(s.ctx, nrm_sparse_conjugate_positive(s.ctx, p->m, u, o->k, o->gamma, &omega, NULL));
            dual += s.beta[j] * p->b[j] - omega;
        }
        assert_near(dual, f->value, 1e-10);
    }
    double mean = 0;
    for (int64_t i = 0; i < p->m; i++) mean += s.alpha[i];
    assert_near(mean, 0, 1e-12);
    solution_free(&s);
}

static void info_is_true(void **state)
{
    (void)state;
    problem p = problem_random(9, 14, 21), bins = problem_bins(1);
    for (int64_t k = 1; k <= 10; k += 3)
        for (int form = 0; form < 2; form++)
            for (int solver = 0; solver < NRM_SPARSE_OT_SOLVERS_COUNT; solver++)
                for (int polish = 0; polish < 2; polish++) {
                    nrm_sparse_ot_options o = options_of(k, 0.5);
                    o.form = form, o.solver = solver, o.polish = polish;
                    recompute(&p, &o, -1);
                }
    nrm_sparse_ot_options o = options_of(3, 0.5);
    o.axis = NRM_SPARSE_OT_ROW;
    recompute(&p, &o, -1);
    o.axis = NRM_SPARSE_OT_COLUMN;
    recompute(&bins, &o, -1);
    problem_free(&p);
    problem_free(&bins);
}

/* S is below every feasible k-sparse plan; one is b_j at a random row of each column, for the
 * rows' masses that this makes. */
static void weak_duality(void **state)
{
    (void)state;
    uint64_t seed = 31;
    for (int trial = 0; trial < 20; trial++) {
        problem p = problem_random(7, 11, 100 + (uint64_t)trial);
        double feasible = 0;
        const double gamma = 0.05 + nrm_test_uniform(&seed);
        for (int64_t i = 0; i < 7; i++) p.a[i] = 0;
        for (int64_t j = 0; j < 11; j++) {
            const int64_t i = (int64_t)(7 * nrm_test_uniform(&seed));
            p.a[i] += p.b[j];
            feasible += p.b[j] * p.cost[i * 11 + j] + 0.5 * gamma * p.b[j] * p.b[j];
        }
        for (int64_t k = 1; k <= 7; k++) {
            nrm_sparse_ot_options o = options_of(k, gamma);
            solution s = solve(&p, &o, -1);
            assert_true(s.info.value <= feasible + 1e-12);
            if (s.info.feasible) assert_true(s.info.gap >= -1e-9);
            solution_free(&s);
        }
        problem_free(&p);
    }
}

/* S(x) <= S(y) + <a - T(y) 1, x - y> for all pairs, on a grid full of ties. */
static void supergradients(void **state)
{
    (void)state;
    uint64_t seed = 17;
    enum { M = 6, N = 5, POINTS = 40 };
    problem p = problem_random(M, N, 40);
    for (int64_t e = 0; e < M * N; e++) p.cost[e] = floor(4 * p.cost[e]) / 4;
    for (int64_t k = 1; k <= M; k++) {
        double alpha[POINTS][M], value[POINTS], g[POINTS][M];
        for (int q = 0; q < POINTS; q++) {
            for (int i = 0; i < M; i++) alpha[q][i] = floor(8 * nrm_test_uniform(&seed)) / 4;
            value[q] = semi_dual(&p, alpha[q], k, 0.5, g[q]);
        }
        for (int x = 0; x < POINTS; x++)
            for (int y = 0; y < POINTS; y++) {
                double bound = value[y];
                for (int i = 0; i < M; i++) bound += g[y][i] * (alpha[x][i] - alpha[y][i]);
                assert_true(value[x] <= bound + 1e-12);
            }
        for (int i = 0; i < M; i++) alpha[0][i] += 3.25; /* S(alpha + c 1) = S(alpha) */
        assert_near(semi_dual(&p, alpha[0], k, 0.5, NULL), value[0], 1e-13);
    }
    problem_free(&p);
}

/* ---- Derivatives and invariances ------------------------------------------------------------------------ */

static double value_of(problem *p, const nrm_sparse_ot_options *o)
{
    solution s = solve(p, o, -1);
    const double value = s.info.value;
    solution_free(&s);
    return value;
}

static void envelope(void **state)
{
    (void)state;
    problem p = problem_random(5, 6, 50);
    nrm_sparse_ot_options o = options_of(4, 2);
    o.tol = 1e-10;
    o.max_iter = 5000;
    solution s = solve(&p, &o, NRM_OK);
    assert_true(fabs(s.info.gap) < 1e-9);
    const double h = 1e-5;
    for (int64_t e = 0; e < 30; e++) { /* dV/dC = T */
        const double kept = p.cost[e];
        p.cost[e] = kept + h;
        const double up = value_of(&p, &o);
        p.cost[e] = kept - h;
        const double down = value_of(&p, &o);
        p.cost[e] = kept;
        assert_near((up - down) / (2 * h), s.plan[e], 1e-5);
    }
    for (int64_t i = 1; i < 5; i++) { /* dV/da = alpha up to a constant: move mass from row 0 */
        p.a[i] += h, p.a[0] -= h;
        const double up = value_of(&p, &o);
        p.a[i] -= 2 * h, p.a[0] += 2 * h;
        const double down = value_of(&p, &o);
        p.a[i] += h, p.a[0] -= h;
        assert_near((up - down) / (2 * h), s.alpha[i] - s.alpha[0], 1e-5);
    }
    for (int64_t j = 1; j < 6; j++) { /* dV/db = -tau = beta */
        p.b[j] += h, p.b[0] -= h;
        const double up = value_of(&p, &o);
        p.b[j] -= 2 * h, p.b[0] += 2 * h;
        const double down = value_of(&p, &o);
        p.b[j] += h, p.b[0] -= h;
        assert_near((up - down) / (2 * h), s.beta[j] - s.beta[0], 1e-5);
    }
    solution_free(&s);
    problem_free(&p);
}

static void invariances(void **state)
{
    (void)state;
    uint64_t seed = 61;
    problem p = problem_random(8, 7, 60);
    nrm_sparse_ot_options o = options_of(3, 0.7);
    o.max_iter = 5000;
    solution s = solve(&p, &o, -1);

    double shift = 0; /* C + u 1' + 1 v': S moves by <u, a> + <v, b>, T stays */
    problem q = problem_random(8, 7, 60);
    for (int64_t i = 0; i < 8; i++) {
        const double u = nrm_test_normal(&seed);
        shift += u * p.a[i];
        for (int64_t j = 0; j < 7; j++) q.cost[i * 7 + j] += u;
    }
    for (int64_t j = 0; j < 7; j++) {
        const double v = nrm_test_normal(&seed);
        shift += v * p.b[j];
        for (int64_t i = 0; i < 8; i++) q.cost[i * 7 + j] += v;
    }
    solution t = solve(&q, &o, -1);
    assert_near(t.info.value - shift, s.info.value, 1e-6);
    if (s.info.feasible && fabs(s.info.gap) < 1e-8) assert_all_near(t.plan, s.plan, 56, 1e-6);
    solution_free(&t);
    problem_free(&q);

    q = problem_random(8, 7, 60); /* (a, b, gamma) -> (c a, c b, gamma/c): T times c, S times c */
    for (int64_t i = 0; i < 8; i++) q.a[i] *= 8;
    for (int64_t j = 0; j < 7; j++) q.b[j] *= 8;
    nrm_sparse_ot_options eighth = o;
    eighth.gamma /= 8;
    t = solve(&q, &eighth, -1);
    assert_near(t.info.value, 8 * s.info.value, 1e-12);
    for (int e = 0; e < 56; e++) assert_near(t.plan[e], 8 * s.plan[e], 1e-12);
    assert_all_near(t.alpha, s.alpha, 8, 1e-12);
    solution_free(&t);
    problem_free(&q);

    q = problem_transpose(&p); /* rows of the transpose are columns */
    o.axis = NRM_SPARSE_OT_ROW;
    t = solve(&q, &o, -1);
    assert_near(t.info.value, s.info.value, 1e-12);
    for (int64_t i = 0; i < 8; i++)
        for (int64_t j = 0; j < 7; j++) assert_near(t.plan[j * 8 + i], s.plan[i * 7 + j], 1e-12);
    solution_free(&t);
    solution_free(&s);
    problem_free(&q);
    problem_free(&p);
}

NRM_TEST_MAIN(cmocka_unit_test(example_with_no_gap), cmocka_unit_test(example_with_a_gap),
              cmocka_unit_test(no_limit_is_quadratic_transport), cmocka_unit_test(one_is_exact_transport),
              cmocka_unit_test(one_with_equal_masses_is_assignment), cmocka_unit_test(value_falls_with_k),
              cmocka_unit_test(agrees_with_cutting_planes), cmocka_unit_test(info_is_true),
              cmocka_unit_test(weak_duality), cmocka_unit_test(supergradients), cmocka_unit_test(envelope),
              cmocka_unit_test(invariances))
