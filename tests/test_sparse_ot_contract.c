/* test_sparse_ot_contract.c -- what sparse-ot promises beside its numbers: answers to bad
 * input, masses of zero, memory, threads, cancelling, single precision, the descriptor. */
#include "sparse_ot_data.h"
#include "method/descriptor.h"
#include <norma/call.h>

static nrm_status call(nrm_ctx *ctx, const problem *p, const nrm_sparse_ot_options *o)
{
    return nrm_sparse_ot(ctx, p->m, p->n, p->a, p->b, p->cost, NULL, NULL, NULL, NULL, NULL, o);
}

/* ---- Bad input -------------------------------------------------------------------------------------- */

static void refuses(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    problem p = problem_random(5, 4, 1);
    nrm_sparse_ot_options o = options_of(2, 1);
    double kept;
#define WITH(place, value, status, ...)                              \
    do {                                                             \
        kept = (place);                                              \
        (place) = (value);                                           \
        assert_status(ctx, call(ctx, &p, &o), status);               \
        const char *const pieces[] = {__VA_ARGS__};                  \
        for (size_t q = 0; q < sizeof pieces / sizeof *pieces; q++) assert_message(ctx, pieces[q]); \
        (place) = kept;                                              \
    } while (0)
    WITH(p.a[2], -0.25, NRM_E_RANGE, "sparse-ot", "a[2] is -0.25", ">= 0");
    WITH(p.b[3], -1, NRM_E_RANGE, "b[3] is -1");
    WITH(p.a[0], (double)NAN, NRM_E_NONFINITE, "a[0]");
    WITH(p.b[0], (double)INFINITY, NRM_E_NONFINITE, "b[0]");
    WITH(p.cost[7], (double)NAN, NRM_E_NONFINITE, "cost[1, 3]", "large cost");
    WITH(p.a[1], p.a[1] + 0.5, NRM_E_INFEASIBLE, "a sums to 1.5", "b to ", "scale");
    WITH(p.a[1], p.a[1] * (1 + 1e-4), NRM_E_INFEASIBLE, "totals must agree");
    WITH(p.cost[0], 1.7e308, NRM_E_OVERFLOW, "1e150", "scale them down");
    WITH(p.cost[0], -1e200, NRM_E_OVERFLOW, "1e150");
    WITH(o.gamma, 0, NRM_E_RANGE, "gamma must be > 0: use exact transport for gamma = 0");
    WITH(o.gamma, -1, NRM_E_RANGE, "gamma");
    WITH(o.gamma, (double)NAN, NRM_E_RANGE, "gamma");
    WITH(o.tol, 0, NRM_E_RANGE, "tol");
    WITH(o.lr, -1, NRM_E_RANGE, "lr");
#undef WITH
    p.cost[0] = 1e100; /* a pair as good as forbidden */
    assert_true(call(ctx, &p, &o) >= 0);
    problem_free(&p);

    p = problem_random(5, 4, 1);
    o.k = 0;
    assert_status(ctx, call(ctx, &p, &o), NRM_E_RANGE);
    o.k = NRM_REQUIRED_I64;
    assert_true(call(ctx, &p, &o) < 0);
    assert_message(ctx, "k");
    assert_true(call(ctx, &p, NULL) < 0); /* k has no default */
    o.k = 1; /* 4 columns of one entry cannot serve 5 rows */
    assert_status(ctx, call(ctx, &p, &o), NRM_E_INFEASIBLE);
    assert_message(ctx, "hold 4");
    assert_message(ctx, "5 rows");
    o.solver = 99;
    assert_status(ctx, call(ctx, &p, &o), NRM_E_RANGE);
    o = options_of(2, 1);
    assert_status(ctx, nrm_sparse_ot(ctx, 5, 4, NULL, p.b, p.cost, NULL, NULL, NULL, NULL, NULL, &o), NRM_E_NULL);
    assert_status(ctx, nrm_sparse_ot(ctx, 5, 0, p.a, p.b, p.cost, NULL, NULL, NULL, NULL, NULL, &o), NRM_E_SHAPE);
    assert_status(ctx, nrm_sparse_ot(ctx, INT64_C(1) << 33, INT64_C(1) << 33, p.a, p.b, p.cost, NULL, NULL, NULL, NULL,
                                     NULL, &o), NRM_E_OVERFLOW);
    for (int i = 0; i < 5; i++) p.a[i] = 0;
    assert_status(ctx, call(ctx, &p, &o), NRM_E_RANGE);
    assert_message(ctx, "total of a is 0");
    problem_free(&p);
    nrm_ctx_destroy(ctx);
}

static void leaves_outputs_alone(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    problem p = problem_random(5, 4, 1);
    nrm_sparse_ot_options o = options_of(2, 1);
    double alpha[5] = {7, 7, 7, 7, 7}, beta[4] = {8, 8, 8, 8};
    nrm_csr plan = {.rows = -3}, relaxed = {.cols = -4};
    nrm_sparse_ot_info info = {.nnz = -9};
    p.cost[3] = (double)NAN;
    assert_status(ctx, nrm_sparse_ot(ctx, 5, 4, p.a, p.b, p.cost, &plan, alpha, beta, &relaxed, &info, &o),
                  NRM_E_NONFINITE);
    assert_true(alpha[0] == 7 && beta[3] == 8 && plan.rows == -3 && relaxed.cols == -4 && info.nnz == -9);
    problem_free(&p);
    nrm_ctx_destroy(ctx);
}

static void keep_warning(void *user, nrm_log_level level, const char *message)
{
    if (level == NRM_LOG_WARNING) snprintf(user, 200, "%s", message);
}

static void clips_k_with_a_warning(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    problem p = problem_random(5, 4, 1);
    char warning[200] = "";
    nrm_sparse_ot_info info, full;
    nrm_sparse_ot_options o = options_of(5, 1);
    assert_ok(ctx, nrm_set_log(ctx, keep_warning, warning));
    assert_ok(ctx, nrm_sparse_ot(ctx, 5, 4, p.a, p.b, p.cost, NULL, NULL, NULL, NULL, &full, &o));
    assert_string_equal(warning, "");
    o.k = 70;
    assert_ok(ctx, nrm_sparse_ot(ctx, 5, 4, p.a, p.b, p.cost, NULL, NULL, NULL, NULL, &info, &o));
    assert_non_null(strstr(warning, "k is 70"));
    assert_int_equal(info.k, 5);
    assert_true(info.value == full.value);
    problem_free(&p);
    nrm_ctx_destroy(ctx);
}

/* ---- Degenerate problems ------------------------------------------------------------------------------- */

/* Rows and columns of mass 0: the rest is solved as if they were not there, and the potentials
 * that fill their places give them no mass. */
static void zero_masses(void **state)
{
    (void)state;
    problem p = problem_random(7, 6, 3), q = problem_make(5, 4);
    const int rows[] = {0, 2, 3, 5, 6}, columns[] = {1, 2, 4, 5};
    p.a[1] = p.a[4] = p.b[0] = p.b[3] = 0;
    to_unit_mass(p.a, 7);
    to_unit_mass(p.b, 6);
    for (int i = 0; i < 5; i++) q.a[i] = p.a[rows[i]];
    for (int j = 0; j < 4; j++) q.b[j] = p.b[columns[j]];
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 4; j++) q.cost[i * 4 + j] = p.cost[rows[i] * 6 + columns[j]];
    for (int axis = 0; axis < 2; axis++) {
        nrm_sparse_ot_options o = options_of(3, 1);
        o.axis = axis;
        solution s = solve(&p, &o, -1), t = solve(&q, &o, -1);
        assert_int_equal(s.info.dropped_rows, 2);
        assert_int_equal(s.info.dropped_columns, 2);
        assert_near(s.info.value, t.info.value, 1e-7);
        for (int i = 0; i < 5; i++)
            for (int j = 0; j < 4; j++)
                assert_near(s.plan[rows[i] * 6 + columns[j]], t.plan[i * 4 + j], 1e-5);
        assert_near(marginal_error(&p, s.plan), marginal_error(&q, t.plan), 1e-6);
        for (int e = 0; e < 7; e++) /* nothing sticks out: the potentials are feasible for all */
            for (int j = 0; j < 6; j++)
                if (p.a[e] == 0 || p.b[j] == 0)
                    if (p.a[e] != p.b[j]) assert_true(s.alpha[e] + s.beta[j] <= p.cost[e * 6 + j] + 1e-12);
        solution_free(&s);
        solution_free(&t);
    }
    problem_free(&p);
    problem_free(&q);
}

static void smallest_and_flat(void **state)
{
    (void)state;
    problem p = problem_make(1, 1);
    p.a[0] = p.b[0] = 3;
    p.cost[0] = -2;
    nrm_sparse_ot_options o = options_of(1, 0.5);
    solution s = solve(&p, &o, NRM_OK);
    assert_near(s.plan[0], 3, 1e-14);
    assert_near(s.info.value, -6 + 0.25 * 9, 1e-13);
    solution_free(&s);
    problem_free(&p);

    p = problem_make(6, 3); /* constant costs: the penalty alone spreads the mass, T = a b' */
    for (int i = 0; i < 6; i++) p.a[i] = 1.0 / 6;
    for (int j = 0; j < 3; j++) p.b[j] = 1.0 / 3;
    for (int e = 0; e < 18; e++) p.cost[e] = 5;
    o = options_of(6, 2);
    s = solve(&p, &o, NRM_OK);
    for (int e = 0; e < 18; e++) assert_near(s.plan[e], 1.0 / 18, 1e-7);
    assert_near(s.info.value, 5 + 1.0 / 18, 1e-9);
    solution_free(&s);
    problem_free(&p);

    p = problem_random(1, 9, 4); /* one row, one column */
    o = options_of(1, 1);
    s = solve(&p, &o, NRM_OK);
    for (int j = 0; j < 9; j++) assert_near(s.plan[j], p.b[j], 1e-14);
    solution_free(&s);
    problem_free(&p);
    p = problem_random(9, 1, 4);
    o.k = 9;
    s = solve(&p, &o, NRM_OK);
    for (int i = 0; i < 9; i++) assert_near(s.plan[i], p.a[i], 1e-9);
    solution_free(&s);
    problem_free(&p);
}

/* Costs of 1e8 and masses of 1e-6: nothing is tuned to the unit. */
static void any_units(void **state)
{
    (void)state;
    problem p = problem_random(12, 10, 8), q = problem_random(12, 10, 8);
    nrm_sparse_ot_options o = options_of(12, 1), scaled = options_of(12, 1e8 / 1e-6);
    solution s = solve(&p, &o, NRM_OK);
    for (int e = 0; e < 120; e++) q.cost[e] = 1e8 * q.cost[e] - 4e8;
    for (int i = 0; i < 12; i++) q.a[i] *= 1e-6;
    for (int j = 0; j < 10; j++) q.b[j] *= 1e-6;
    solution t = solve(&q, &scaled, NRM_OK);
    assert_near(t.info.value / 1e2 + 4, s.info.value, 1e-7);
    for (int e = 0; e < 120; e++) assert_near(t.plan[e] * 1e6, s.plan[e], 1e-7);
    solution_free(&s);
    solution_free(&t);
    problem_free(&p);
    problem_free(&q);
}

/* ---- Memory, threads, cancelling -------------------------------------------------------------------------- */

typedef struct trial {
    problem p;
    nrm_sparse_ot_options o;
    struct { double alpha[8], beta[8]; nrm_sparse_ot_info info; nrm_csr plan, relaxed; } out;
} trial;

static nrm_status body(nrm_ctx *ctx, void *user)
{
    trial *t = user;
    const nrm_status st = nrm_sparse_ot(ctx, t->p.m, t->p.n, t->p.a, t->p.b, t->p.cost, &t->out.plan, t->out.alpha,
                                        t->out.beta, &t->out.relaxed, &t->out.info, &t->o);
    if (st >= 0) {
        nrm_csr_destroy(ctx, &t->out.plan);
        nrm_csr_destroy(ctx, &t->out.relaxed);
    }
    return st;
}

static void survives_no_memory(void **state)
{
    (void)state;
    for (int solver = 0; solver < NRM_SPARSE_OT_SOLVERS_COUNT; solver++)
        for (int form = 0; form < 2; form++) {
            trial t = {.p = problem_random(8, 8, 5), .o = options_of(2, 1)};
            t.o.solver = solver, t.o.form = form, t.o.max_iter = 40, t.o.axis = form;
            t.p.a[3] = 0;
            to_unit_mass(t.p.a, 8);
            nrm_test_allocation_failures(body, &t, &t.out, sizeof t.out);
            problem_free(&t.p);
        }
}

/* Large enough that threads are used at all. */
static void same_bits_for_any_threads(void **state)
{
    (void)state;
    enum { M = 1500, N = 1450 };
    problem p = problem_random(M, N, 6);
    const int64_t k[] = {M, 4};
    for (int form = 0; form < 2; form++)
        for (int c = 0; c < 2; c++) {
            nrm_sparse_ot_options o = options_of(k[c], 0.2);
            static double alpha[2][M], beta[2][N];
            double *plan[2];
            nrm_sparse_ot_info info[2];
            o.form = form;
            o.max_iter = 6;
            o.polish = c == 0;
            for (int t = 0; t < 2; t++) {
                nrm_ctx *ctx = nrm_test_ctx(NULL);
                nrm_csr csr;
                assert_ok(ctx, nrm_set_threads(ctx, t == 0 ? 1 : 3));
                assert_true(nrm_sparse_ot(ctx, M, N, p.a, p.b, p.cost, &csr, alpha[t], beta[t], NULL, &info[t], &o) >= 0);
                plan[t] = dense_of(ctx, &csr);
                nrm_ctx_destroy(ctx);
            }
            assert_memory_equal(alpha[0], alpha[1], sizeof alpha[0]);
            assert_memory_equal(beta[0], beta[1], sizeof beta[0]);
            assert_memory_equal(plan[0], plan[1], (size_t)M * N * sizeof(double));
            assert_memory_equal(&info[0].value, &info[1].value, sizeof(double));
            assert_int_equal(info[0].evaluations, info[1].evaluations);
            free(plan[0]);
            free(plan[1]);
        }
    problem_free(&p);
}

typedef struct reports {
    int count, stop_at;
    double last;
    bool named;
} reports;

static int on_progress(void *user, const nrm_progress *progress)
{
    reports *r = user;
    r->named = strstr(progress->task, "sparse-ot") && strcmp(progress->value_name, "residual") == 0;
    r->last = progress->value;
    return ++r->count >= r->stop_at;
}

static int at_the_end(void *user, const nrm_progress *progress)
{
    (void)user;
    return progress->done >= progress->total;
}

/* Averaging the cuts' plans is as long as all the rest: a cancelled call does without, and the
 * relaxed plan is that of the best point. */
static void cancels_before_averaging(void **state)
{
    (void)state;
    problem p = problem_random(60, 60, 7);
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_sparse_ot_options o = options_of(2, 0.01);
    nrm_sparse_ot_info info;
    nrm_csr plan, relaxed;
    o.max_iter = 30;
    o.tol = 1e-12;
    o.solver = NRM_SPARSE_OT_BUNDLE;
    assert_ok(ctx, nrm_set_progress(ctx, at_the_end, NULL));
    assert_status(ctx, nrm_sparse_ot(ctx, 60, 60, p.a, p.b, p.cost, &plan, NULL, NULL, &relaxed, &info, &o),
                  NRM_PARTIAL);
    assert_int_equal(info.iterations, 30);
    assert_int_equal(relaxed.nnz, plan.nnz);
    assert_memory_equal(relaxed.values, plan.values, (size_t)plan.nnz * sizeof(double));
    nrm_csr_destroy(ctx, &plan);
    nrm_csr_destroy(ctx, &relaxed);
    nrm_ctx_destroy(ctx);
    problem_free(&p);
}

static void cancels_with_the_best_point(void **state)
{
    (void)state;
    problem p = problem_random(300, 300, 7);
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    reports r = {.stop_at = 2};
    nrm_sparse_ot_options o = options_of(3, 0.01);
    nrm_sparse_ot_info info;
    nrm_csr plan;
    double alpha[300];
    o.max_iter = 1000000;
    o.tol = 1e-12;
    assert_ok(ctx, nrm_set_progress(ctx, on_progress, &r));
    assert_status(ctx, nrm_sparse_ot(ctx, 300, 300, p.a, p.b, p.cost, &plan, alpha, NULL, NULL, &info, &o), NRM_PARTIAL);
    assert_true(r.named && r.last > 0);
    assert_true(info.value > -1 && info.nnz > 0 && info.max_nnz <= 3);
    double *dense = dense_of(ctx, &plan);
    assert_near(marginal_error(&p, dense), fmax(info.row_residual, info.column_residual), 1e-12);
    assert_near(semi_dual(&p, alpha, 3, 0.01, NULL), info.value, 1e-12);
    free(dense);
    nrm_ctx_destroy(ctx);

    for (int solver = 0; solver < NRM_SPARSE_OT_SOLVERS_COUNT; solver++) { /* asked before it began */
        ctx = nrm_test_ctx(NULL);
        nrm_cancel(ctx);
        o.solver = solver;
        assert_status(ctx, nrm_sparse_ot(ctx, 300, 300, p.a, p.b, p.cost, NULL, NULL, NULL, NULL, &info, &o), NRM_PARTIAL);
        nrm_ctx_destroy(ctx);
    }
    problem_free(&p);
}

/* ---- Single precision, the doors ------------------------------------------------------------------------------ */

/* Costs that floats hold exactly give the very same result. */
static void single_precision_costs(void **state)
{
    (void)state;
    problem p = problem_random(40, 30, 9);
    float *cost = calloc(1200, sizeof *cost);
    for (int e = 0; e < 1200; e++) {
        cost[e] = (float)p.cost[e];
        p.cost[e] = (double)cost[e];
    }
    for (int axis = 0; axis < 2; axis++) {
        nrm_sparse_ot_options o = options_of(5, 0.4);
        o.axis = axis;
        solution s = solve(&p, &o, -1);
        nrm_sparse_ot_info info;
        double alpha[40];
        assert_status(s.ctx, nrm_sparse_ot_f32(s.ctx, 40, 30, p.a, p.b, cost, NULL, alpha, NULL, NULL, &info, &o), s.status);
        assert_true(info.value == s.info.value && info.gap == s.info.gap);
        assert_memory_equal(alpha, s.alpha, sizeof alpha);
        cost[17] = NAN;
        assert_status(s.ctx, nrm_sparse_ot_f32(s.ctx, 40, 30, p.a, p.b, cost, NULL, NULL, NULL, NULL, NULL, &o),
                      NRM_E_NONFINITE);
        assert_message(s.ctx, "cost[0, 17]");
        cost[17] = (float)p.cost[17];
        solution_free(&s);
    }
    free(cost);
    problem_free(&p);
}

static void examples_hold(void **state)
{
    (void)state;
    const nrm_method *method = nrm_method_find("sparse-ot");
    assert_non_null(method);
    for (int e = 0; e < method->example_count; e++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        assert_true(nrm_example_run(ctx, method, e) >= 0);
        nrm_ctx_destroy(ctx);
    }
}

static void by_name(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    problem p = problem_example();
    float cost[8];
    nrm_call *c;
    const int64_t m = 4, n = 2, both[] = {4, 2};
    for (int e = 0; e < 8; e++) cost[e] = (float)p.cost[e];
    assert_ok(ctx, nrm_call_create(ctx, "sparse_ot", &c));
    assert_ok(ctx, nrm_call_input(c, "a", NRM_F64, 1, &m, p.a));
    assert_ok(ctx, nrm_call_input(c, "b", NRM_F64, 1, &n, p.b));
    assert_ok(ctx, nrm_call_input(c, "cost", NRM_F32, 2, both, cost));
    assert_ok(ctx, nrm_call_set(c, "k", "3"));
    assert_ok(ctx, nrm_call_set(c, "form", "dual"));
    assert_ok(ctx, nrm_call_want(c, "relaxed-plan"));
    assert_ok(ctx, nrm_call_run(c));
    const nrm_value *plan = nrm_call_output(c, "plan"), *relaxed = nrm_call_output(c, "relaxed_plan");
    assert_true(plan && plan->kind == NRM_VALUE_CSR && relaxed && relaxed->kind == NRM_VALUE_CSR);
    assert_int_equal(plan->csr.nnz, 5);
    const nrm_sparse_ot_info *info = nrm_call_info(c);
    assert_near(info->value, 0.27, 1e-7);
    nrm_call_destroy(c);
    problem_free(&p);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(refuses), cmocka_unit_test(leaves_outputs_alone),
              cmocka_unit_test(clips_k_with_a_warning), cmocka_unit_test(zero_masses),
              cmocka_unit_test(smallest_and_flat), cmocka_unit_test(any_units), cmocka_unit_test(survives_no_memory),
              cmocka_unit_test(same_bits_for_any_threads), cmocka_unit_test(cancels_with_the_best_point),
              cmocka_unit_test(cancels_before_averaging),
              cmocka_unit_test(single_precision_costs), cmocka_unit_test(examples_hold), cmocka_unit_test(by_name))
