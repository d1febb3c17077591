/* test_sparse_ot_blocks.c -- the building blocks against every support tried in turn, the
 * projection's derivative, the router. */
#include "sparse_ot_data.h"
#include "reference/sparse_ot_values.h"

/* ---- Omega*_+ and Omega*_b --------------------------------------------------------------------------- */

static void worked_numbers(void **state)
{
    (void)state;
    const double s[] = {0.9, 0.7, -0.2, 0.65};
    const double positive[] = {0.405, 0.65, 0.86125, 0.86125};
    const double mass_value[] = {0.325, 0.3475, 0.350833333333333, 0.350833333333333};
    const double tau[] = {0.4, 0.55, 0.583333333333333, 0.583333333333333};
    const double t[4][4] = {{0.5}, {0.35, 0.15}, {0.316666666666667, 0.116666666666667, 0, 0.066666666666667},
                            {0.316666666666667, 0.116666666666667, 0, 0.066666666666667}};
    for (int64_t k = 1; k <= 5; k++) {
        double value, got[4], threshold;
        const int64_t at = (k > 4 ? 4 : k) - 1;
        assert_int_equal(nrm_sparse_conjugate_positive(NULL, 4, s, k, 1, &value, got), NRM_OK);
        assert_near(value, positive[at], 1e-14);
        assert_near(got[0], 0.9, 1e-15);
        assert_true(got[2] == 0);
        assert_int_equal(nrm_sparse_conjugate_mass(NULL, 4, s, k, 1, 0.5, &value, got, &threshold), NRM_OK);
        assert_near(value, mass_value[at], 1e-14);
        assert_near(threshold, tau[at], 1e-14);
        assert_all_near(got, t[at], 4, 1e-14);
    }
}

static void reference(void **state)
{
    (void)state;
    uint64_t seed = 11;
    double s[7];
    for (int i = 0; i < 7; i++) s[i] = 2 * nrm_test_uniform(&seed) - 1;
    for (int64_t k = 1; k <= 7; k++) {
        double value, t[7];
        assert_int_equal(nrm_sparse_conjugate_mass(NULL, 7, s, k, 0.7, 0.4, &value, t, NULL), NRM_OK);
        assert_near(value, reference_conjugate_value[k - 1], 1e-14);
        assert_all_near(t, reference_conjugate_t + 7 * (k - 1), 7, 1e-14);
    }
}

/* Optimality from its definition on hostile inputs: ties, large offsets, tiny and huge mass. */
static void optimality(void **state)
{
    (void)state;
    uint64_t seed = 23;
    double s[60], t[60], value, tau;
    for (int trial = 0; trial < 2000; trial++) {
        const int64_t m = 1 + (int64_t)(60 * nrm_test_uniform(&seed)), k = 1 + (int64_t)((double)m * nrm_test_uniform(&seed));
        const double offset = trial % 3 == 0 ? 1e6 : 0, grain = trial % 2 ? 8 : 1e300;
        const double mass = pow(10, -6 + 8 * nrm_test_uniform(&seed)), gamma = 0.5;
        for (int64_t i = 0; i < m; i++) {
            s[i] = nrm_test_normal(&seed);
            if (grain < 1e300) s[i] = floor(s[i] * grain) / grain;
            s[i] += offset;
        }
        assert_int_equal(nrm_sparse_conjugate_mass(NULL, m, s, k, gamma, mass, &value, t, &tau), NRM_OK);
        double sum = 0, dot = 0, square = 0;
        int64_t count = 0, last = -1;
        for (int64_t i = 0; i < m; i++) {
            assert_true(t[i] >= 0);
            sum += t[i], dot += t[i] * s[i], square += t[i] * t[i];
            if (t[i] > 0) {
                count++;
                last = i;
                assert_near(t[i], (s[i] - tau) / gamma, 1e-14 + 1e-9 * (offset > 0));
            }
        }
        assert_true(count >= 1 && count <= k);
        assert_near(sum / mass, 1, 4e-15);
        assert_near(value, dot - 0.5 * gamma * square, 1e-12);
        for (int64_t i = 0; i < m; i++) { /* who is out is not better than who is in; ties: lower index in */
            if (t[i] > 0) continue;
            for (int64_t j = 0; j < m; j++)
                if (t[j] > 0) assert_true(s[i] < s[j] || (s[i] == s[j] && i > j));
            if (count < k) assert_true(s[i] <= tau + 1e-9);
        }
        (void)last;
    }
}

/* An input made to drop one entry a pass of the threshold's iteration. */
static void slow_threshold(void **state)
{
    (void)state;
    enum { M = 3000 };
    double *s = calloc(M, sizeof *s), *t = calloc(M, sizeof *t), value, tau, sum = 0;
    for (int i = 0; i < M; i++) s[i] = -pow(2, i * 0.3 - 900);
    assert_int_equal(nrm_sparse_conjugate_mass(NULL, M, s, M, 1, 1, &value, t, &tau), NRM_OK);
    for (int i = 0; i < M; i++) sum += t[i];
    assert_near(sum, 1, 1e-12);
    free(s);
    free(t);
}

static void blocks_refuse(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double s[3] = {1, 2, 3}, value;
    assert_status(ctx, nrm_sparse_conjugate_positive(ctx, 3, NULL, 1, 1, &value, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_sparse_conjugate_positive(ctx, 3, s, 1, 1, NULL, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_sparse_conjugate_positive(ctx, 0, s, 1, 1, &value, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_sparse_conjugate_positive(ctx, 3, s, 0, 1, &value, NULL), NRM_E_RANGE);
    assert_status(ctx, nrm_sparse_conjugate_mass(ctx, 3, s, 1, 0, 1, &value, NULL, NULL), NRM_E_RANGE);
    assert_status(ctx, nrm_sparse_conjugate_mass(ctx, 3, s, 1, 1, 0, &value, NULL, NULL), NRM_E_RANGE);
    assert_status(ctx, nrm_sparse_conjugate_mass(ctx, 3, s, 1, 1, 1, NULL, NULL, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_sparse_conjugate_mass(ctx, 3, s, 1, 1e200, 1e200, &value, NULL, NULL), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_sparse_conjugate_mass(ctx, 3, s, 1, 1e-200, 1e-200, &value, NULL, NULL), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_sparse_simplex_project(ctx, 3, s, 1, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_sparse_simplex_jvp(ctx, 3, s, s, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_sparse_simplex_jvp(ctx, 0, s, s, s), NRM_E_SHAPE);
    s[1] = (double)NAN;
    assert_status(ctx, nrm_sparse_simplex_project(ctx, 3, s, 1, s), NRM_E_NONFINITE);
    assert_message(ctx, "entry 1");
    nrm_ctx_destroy(ctx);
}

/* P_k' v by finite differences, and its symmetry. */
static void derivative(void **state)
{
    (void)state;
    uint64_t seed = 29;
    enum { M = 12 };
    for (int64_t k = 1; k <= M; k++) {
        double x[M], v[M], u[M], p[M], w[M], z[M], up[M], down[M], vw = 0, uz = 0;
        const double h = 1e-7;
        for (int i = 0; i < M; i++) x[i] = 0.4 * nrm_test_normal(&seed), v[i] = nrm_test_normal(&seed), u[i] = nrm_test_normal(&seed);
        assert_int_equal(nrm_sparse_simplex_project(NULL, M, x, k, p), NRM_OK);
        assert_int_equal(nrm_sparse_simplex_jvp(NULL, M, p, v, w), NRM_OK);
        assert_int_equal(nrm_sparse_simplex_jvp(NULL, M, p, u, z), NRM_OK);
        for (int i = 0; i < M; i++) up[i] = x[i] + h * v[i], down[i] = x[i] - h * v[i];
        assert_int_equal(nrm_sparse_simplex_project(NULL, M, up, k, up), NRM_OK); /* in place too */
        assert_int_equal(nrm_sparse_simplex_project(NULL, M, down, k, down), NRM_OK);
        for (int i = 0; i < M; i++) {
            assert_near((up[i] - down[i]) / (2 * h), w[i], 1e-7);
            vw += u[i] * w[i], uz += v[i] * z[i];
        }
        assert_near(vw, uz, 1e-13);
    }
}

static nrm_status project_body(nrm_ctx *ctx, void *user)
{
    const double x[5] = {0.1, 0.5, 0.3, 0.9, -1};
    return nrm_sparse_simplex_project(ctx, 5, x, 2, user);
}

/* ---- The router ------------------------------------------------------------------------------------------ */

enum { TOKENS = 256, EXPERTS = 16 };
static void make_logits(double *logits)
{
    uint64_t seed = 37;
    for (int i = 0; i < TOKENS; i++)
        for (int e = 0; e < EXPERTS; e++) logits[i * EXPERTS + e] = nrm_test_normal(&seed) + 2.0 * e / EXPERTS;
}

static void router_limits(void **state)
{
    (void)state;
    static double logits[TOKENS * EXPERTS], softmax[TOKENS * EXPERTS];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_sparse_ot_router_info info;
    nrm_csr combine;
    make_logits(logits);
    for (int weights = 0; weights < 2; weights++) {
        nrm_sparse_ot_router_options o = nrm_sparse_ot_router_options_default();
        o.softmax_weights = weights;
        o.adam_iters = 500;
        assert_ok(ctx, nrm_sparse_ot_router(ctx, TOKENS, EXPERTS, logits, &combine, softmax, &info, &o));
        assert_ok(ctx, nrm_csr_check(ctx, &combine));
        assert_int_equal(info.k, 16);
        assert_int_equal(info.assigned, combine.nnz);
        assert_true(info.max_load <= 16);
        double total = 0;
        for (int64_t i = 0; i < TOKENS; i++) {
            double row = 0;
            for (int e = 0; e < EXPERTS; e++) row += softmax[i * EXPERTS + e];
            assert_near(row, 1, 1e-14);
            for (int64_t q = combine.indptr[i]; q < combine.indptr[i + 1]; q++) {
                const double value = ((double *)combine.values)[q];
                total += value;
                if (weights) assert_true(value == softmax[i * EXPERTS + combine.indices[q]]);
            }
        }
        if (!weights) assert_near(total, TOKENS, 1e-10); /* expert masses are exact */
        nrm_csr_destroy(ctx, &combine);

        o.kind = NRM_SPARSE_OT_TOKENS_CHOOSE;
        o.k = 2;
        assert_ok(ctx, nrm_sparse_ot_router(ctx, TOKENS, EXPERTS, logits, &combine, NULL, &info, &o));
        assert_int_equal(info.k, 2);
        assert_int_equal(info.unassigned, 0); /* token masses are exact */
        for (int64_t i = 0; i < TOKENS; i++) assert_true(combine.indptr[i + 1] - combine.indptr[i] <= 2);
        nrm_csr_destroy(ctx, &combine);
    }
    nrm_sparse_ot_router_options o = nrm_sparse_ot_router_options_default(); /* ceil(10 * 1.3 / 4) = 4 -> 4; 1.7 -> 5 -> 8 */
    o.capacity_factor = 1.3;
    assert_ok(ctx, nrm_sparse_ot_router(ctx, 10, 4, logits, &combine, NULL, &info, &o));
    assert_int_equal(info.k, 4);
    nrm_csr_destroy(ctx, &combine);
    o.capacity_factor = 1.7;
    assert_ok(ctx, nrm_sparse_ot_router(ctx, 10, 4, logits, &combine, NULL, &info, &o));
    assert_int_equal(info.k, 8);
    nrm_csr_destroy(ctx, &combine);
    o.capacity_factor = 1e12;
    assert_ok(ctx, nrm_sparse_ot_router(ctx, 10, 4, logits, &combine, NULL, &info, &o));
    assert_int_equal(info.k, 10);
    nrm_csr_destroy(ctx, &combine);
    nrm_ctx_destroy(ctx);
}

/* Adam by its definition, on masses of one token each. */
static void router_takes_adam_steps(void **state)
{
    (void)state;
    enum { P = 12, E = 3 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 41;
    double logits[P * E], alpha[P] = {0}, mean[P] = {0}, square[P] = {0}, plan[P * E], softmax[P * E];
    nrm_sparse_ot_router_options o = nrm_sparse_ot_router_options_default();
    nrm_csr combine;
    for (int q = 0; q < P * E; q++) logits[q] = nrm_test_normal(&seed);
    o.softmax_weights = false;
    assert_ok(ctx, nrm_sparse_ot_router(ctx, P, E, logits, &combine, softmax, NULL, &o));
    for (int step = 1; step <= 21; step++) {
        double g[P];
        for (int i = 0; i < P; i++) g[i] = 1;
        for (int e = 0; e < E; e++) {
            double s[P], t[P], value;
            for (int i = 0; i < P; i++) s[i] = alpha[i] + softmax[i * E + e];
            assert_ok(ctx, nrm_sparse_conjugate_mass(ctx, P, s, 4, 1, (double)P / E, &value, t, NULL));
            for (int i = 0; i < P; i++) g[i] -= t[i], plan[i * E + e] = t[i];
        }
        for (int i = 0; i < P && step <= 20; i++) {
            mean[i] = 0.9 * mean[i] + 0.1 * g[i];
            square[i] = 0.999 * square[i] + 0.001 * g[i] * g[i];
            alpha[i] += 1e-2 * (mean[i] / (1 - pow(0.9, step))) / (sqrt(square[i] / (1 - pow(0.999, step))) + 1e-8);
        }
    }
    double *dense = dense_of(ctx, &combine);
    assert_all_near(dense, plan, P * E, 1e-6); /* epsilon is relative to gradients of another scale */
    free(dense);
    nrm_ctx_destroy(ctx);
}

static void router_gradient(void **state)
{
    (void)state;
    enum { P = 8, E = 4 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 43;
    double logits[P * E], softmax[P * E], weight[P * E], gradient[P * E];
    nrm_csr combine, other;
    for (int q = 0; q < P * E; q++) logits[q] = nrm_test_normal(&seed), weight[q] = nrm_test_normal(&seed);
    assert_ok(ctx, nrm_sparse_ot_router(ctx, P, E, logits, &combine, softmax, NULL, NULL));
    assert_ok(ctx, nrm_sparse_ot_router_backward(ctx, &combine, softmax, weight, gradient));
    for (int q = 0; q < P * E; q++) { /* loss = <weight, values>, the places held fixed */
        double loss[2];
        const double h = 1e-6, kept = logits[q];
        for (int side = 0; side < 2; side++) {
            logits[q] = kept + (side ? h : -h);
            assert_ok(ctx, nrm_sparse_ot_router(ctx, P, E, logits, &other, softmax, NULL, NULL));
            loss[side] = 0;
            for (int64_t i = 0, at = 0; i < P; i++)
                for (; at < combine.indptr[i + 1]; at++) loss[side] += weight[at] * softmax[i * E + combine.indices[at]];
            nrm_csr_destroy(ctx, &other);
        }
        logits[q] = kept;
        assert_near((loss[1] - loss[0]) / (2 * h), gradient[q], 1e-8);
    }
    nrm_csr_destroy(ctx, &combine);
    nrm_ctx_destroy(ctx);
}

static void router_refuses(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double logits[4] = {1, 2, 3, 4};
    nrm_csr combine;
    nrm_sparse_ot_router_options o = nrm_sparse_ot_router_options_default(), bad;
#define BAD(field, value)                                                                                       \
    do {                                                                                                        \
        bad = o, bad.field = value;                                                                             \
        assert_status(ctx, nrm_sparse_ot_router(ctx, 2, 2, logits, &combine, NULL, NULL, &bad), NRM_E_RANGE);   \
        assert_message(ctx, #field);                                                                            \
    } while (0)
    BAD(kind, 5);
    BAD(capacity_factor, 0);
    BAD(gamma, -1);
    BAD(lr, 0);
    BAD(adam_iters, 0);
    o.kind = NRM_SPARSE_OT_TOKENS_CHOOSE;
    BAD(k, 0);
#undef BAD
    assert_status(ctx, nrm_sparse_ot_router(ctx, 2, 2, NULL, &combine, NULL, NULL, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_sparse_ot_router(ctx, 0, 2, logits, &combine, NULL, NULL, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_sparse_ot_router(ctx, INT64_MAX / 2, 3, logits, &combine, NULL, NULL, NULL), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_sparse_ot_router(ctx, INT64_MAX / 8, 2, logits, &combine, NULL, NULL, NULL), NRM_E_OVERFLOW);
    double softmax[4], gradient[4] = {1, 1, 1, 1};
    assert_ok(ctx, nrm_sparse_ot_router(ctx, 2, 2, logits, &combine, softmax, NULL, NULL));
    assert_status(ctx, nrm_sparse_ot_router_backward(ctx, &combine, softmax, gradient, softmax), NRM_E_ALIAS);
    assert_status(ctx, nrm_sparse_ot_router_backward(ctx, &combine, softmax, gradient, gradient), NRM_E_ALIAS);
    nrm_csr_destroy(ctx, &combine);
    logits[2] = (double)NAN;
    assert_status(ctx, nrm_sparse_ot_router(ctx, 2, 2, logits, &combine, NULL, NULL, NULL), NRM_E_NONFINITE);
    assert_message(ctx, "logits[1, 0]");
    assert_status(ctx, nrm_sparse_ot_router_backward(ctx, NULL, logits, logits, logits), NRM_E_NULL);
    nrm_ctx_destroy(ctx);
}

static nrm_status router_body(nrm_ctx *ctx, void *user)
{
    const double logits[8] = {1, 2, 3, 4, 5, 4, 3, 1};
    nrm_csr combine;
    nrm_sparse_ot_router_info info;
    (void)user;
    const nrm_status st = nrm_sparse_ot_router(ctx, 4, 2, logits, &combine, NULL, &info, NULL);
    if (st >= 0) nrm_csr_destroy(ctx, &combine);
    return st;
}

static void survive_no_memory(void **state)
{
    (void)state;
    double p[5] = {9, 9, 9, 9, 9};
    nrm_test_allocation_failures(project_body, p, p, sizeof p);
    nrm_test_allocation_failures(router_body, NULL, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(worked_numbers), cmocka_unit_test(reference), cmocka_unit_test(optimality),
              cmocka_unit_test(slow_threshold), cmocka_unit_test(blocks_refuse), cmocka_unit_test(derivative),
              cmocka_unit_test(router_limits), cmocka_unit_test(router_takes_adam_steps),
              cmocka_unit_test(router_gradient), cmocka_unit_test(router_refuses), cmocka_unit_test(survive_no_memory))
