/* norma/sparse_ot.h -- optimal transport with at most k non-zeros in each column of the plan.
 *
 * T. Liu, J. Puigcerver, M. Blondel, "Sparsity-constrained optimal transport", ICLR 2023.
 * Masses a (m), b (n) with equal totals, cost C (m x n), gamma > 0:
 *
 *     P_k = min  <T, C> + (gamma/2)|T|^2   over  T >= 0, T 1 = a, T'1 = b,
 *                                          at most k non-zeros in each column               (P)
 *     S   = max  <alpha, a> - sum_j Omega*_bj(alpha - c_j)                          semi-dual (S)
 *     D   = max  <alpha, a> + <beta, b> - sum_j Omega*_+(alpha + beta_j - c_j)           dual (D)
 *
 * with Omega*_+ and Omega*_b as defined at the two building blocks below.  S = D <= P_k.
 * k = 1 is close to exact transport, k = m is transport with a quadratic penalty.  (P) is
 * not convex: when the maximiser of (S) leaves no tie at the k-th place of any column the
 * plan it gives solves (P); otherwise S is the value of a convex relaxation, and the call
 * looks for a k-sparse plan on the chosen support and reports the gap between the two. */
#ifndef NORMA_SPARSE_OT_H
#define NORMA_SPARSE_OT_H

#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_SPARSE_OT_FORMS(C) C(NRM_SPARSE_OT_SEMI_DUAL, "semi-dual") C(NRM_SPARSE_OT_DUAL, "dual")
NRM_CHOICES(nrm_sparse_ot_form, NRM_SPARSE_OT_FORMS);

#define NRM_SPARSE_OT_SOLVERS(C)                                                      \
    C(NRM_SPARSE_OT_AUTO, "auto") C(NRM_SPARSE_OT_LBFGS, "lbfgs")                     \
    C(NRM_SPARSE_OT_ADAM, "adam") C(NRM_SPARSE_OT_BUNDLE, "bundle")                   \
    C(NRM_SPARSE_OT_SUBGRADIENT, "subgradient")
NRM_CHOICES(nrm_sparse_ot_solver, NRM_SPARSE_OT_SOLVERS);

#define NRM_SPARSE_OT_AXES(C) C(NRM_SPARSE_OT_COLUMN, "column") C(NRM_SPARSE_OT_ROW, "row")
NRM_CHOICES(nrm_sparse_ot_axis, NRM_SPARSE_OT_AXES);

#define NRM_SPARSE_OT_OPTIONS(P)                                                                            \
    P(i64, k, NRM_REQUIRED_I64, 1, INT64_MAX, "", "0.1",                                                    \
      "most non-zeros in a column of the plan (a row with axis row); more than the column has is no limit") \
    P(f64, gamma, 1.0, NRM_POSITIVE, DBL_MAX, "cost/mass", "0.1",                                           \
      "weight of the quadratic term; gamma must be > 0: use exact transport for gamma = 0")                 \
    P(choice, form, NRM_SPARSE_OT_SEMI_DUAL, NRM_SPARSE_OT_FORMS, "0.1",                                    \
      "objective: semi-dual has exact column sums, dual is smoother to evaluate")                           \
    P(choice, solver, NRM_SPARSE_OT_AUTO, NRM_SPARSE_OT_SOLVERS, "0.1",                                     \
      "auto is lbfgs, and bundle from where it stalls on a kink; subgradient is a slow baseline")           \
    P(f64, tol, 1e-6, NRM_POSITIVE, 1.0, "total mass", "0.1",                                               \
      "largest error of a marginal that counts as none, relative to the total mass")                        \
    P(i64, max_iter, 500, 1, 100000000, "", "0.1", "most iterations of each solver (adam has its own)")     \
    P(i64, memory, 10, 1, 1000, "", "0.1", "pairs that lbfgs remembers")                                    \
    P(choice, axis, NRM_SPARSE_OT_COLUMN, NRM_SPARSE_OT_AXES, "0.1", "what k limits: each column or each row") \
    P(flag, polish, true, "0.1",                                                                            \
      "solve again on the support that was found: exact marginals and a certified gap where it is feasible") \
    P(f64, lr, 1e-2, NRM_POSITIVE, DBL_MAX, "cost", "0.1", "step length of adam")                           \
    P(i64, adam_iters, 20, 1, 100000000, "", "0.1", "steps of adam, all taken")
NRM_OPTIONS(sparse_ot, NRM_SPARSE_OT_OPTIONS);

#define NRM_SPARSE_OT_INFO(F)                                                                                 \
    F(f64, value, "cost", "the dual objective at alpha (and beta): a lower bound on every k-sparse plan")     \
    F(f64, primal_cost, "cost", "<T, C> of the plan returned")                                                \
    F(f64, primal, "cost", "<T, C> + (gamma/2)|T|^2 of the plan returned")                                    \
    F(f64, gap, "", "(primal - value) / |value|: the certificate of a feasible plan; NaN where there is none") \
    F(f64, row_residual, "mass", "largest error of a row sum of the plan")                                    \
    F(f64, column_residual, "mass", "largest error of a column sum of the plan")                              \
    F(f64, dual_residual, "mass", "largest marginal error of the plan at alpha, before it was polished")      \
    F(flag, feasible, "", "both residuals are within tol of the total mass")                                  \
    F(flag, polished, "", "the plan was solved for again, on its support or to rounding")                     \
    F(i64, k, "", "the limit used: k, or the length of a column if that is less")                             \
    F(i64, nnz, "", "non-zeros of the plan")                                                                  \
    F(i64, max_nnz, "", "most non-zeros of a column (row with axis row)")                                     \
    F(i64, iterations, "", "iterations of the dual solvers")                                                  \
    F(i64, evaluations, "", "evaluations of the dual objective, each reading the cost once")                  \
    F(str, solver, "", "what produced alpha: lbfgs, bundle, adam or subgradient")                             \
    F(i64, dropped_rows, "", "rows without mass, left out")                                                   \
    F(i64, dropped_columns, "", "columns without mass, left out")                                             \
    F(f64, seconds, "s", "wall time")
NRM_INFO(sparse_ot, NRM_SPARSE_OT_INFO);

/* Solve.
 *   a        in   m masses >= 0, not all 0
 *   b        in   n masses >= 0; |sum a - sum b| <= 1e-6 of the total, b is then rescaled
 *   cost     in   m x n, row-major, finite
 *   plan     out  T (m x n, f64), made by the call, ended by nrm_csr_destroy(ctx, plan)
 *   alpha    out  m, mean zero: dV/da up to a constant
 *   beta     out  n, = -tau: dV/db.  dV/dC = T where V is differentiable
 *   relaxed  out  the plan of the convex relaxation: exact marginals in the limit, possibly
 *                 more than k non-zeros in a column; as `plan`
 *   plan, alpha, beta, relaxed and info may be NULL; options may be (k, gamma, form, ...)
 *   _default() with k set: k has no default
 * Rows and columns without mass are left out of the problem; their potentials are the
 * largest that give them none: alpha_i = min_j C_ij - beta_j.
 *
 * NRM_OK; NRM_RELAXED: alpha is optimal but no k-sparse plan with the right marginals was
 * found, the plan's residuals are in info; NRM_NOT_CONVERGED: alpha is not optimal to tol
 * (the plan may yet be feasible: see info); NRM_PARTIAL: cancelled, all outputs are the best
 * so far.  NRM_E_NULL, _SHAPE, _RANGE, _NONFINITE (naming the entry); _INFEASIBLE: totals
 * differ, or n k < rows with mass; _OVERFLOW, _NOMEM.
 *
 * Cost: an evaluation reads the cost once; more than one thread is used from 2 million
 * entries on.  Memory: a copy of the cost (column by column; none with axis row and no zero
 * masses), at most 64 m numbers for sums by blocks of columns, 25 n for supports, 20 m for
 * lbfgs, 120 (m + 120) for the bundle, the plan; m n more for `relaxed`, and for polishing
 * with k < m where m n is at most 4 million.  Same bits for any number of threads. */
NRM_API NRM_NODISCARD nrm_status nrm_sparse_ot(nrm_ctx *ctx, int64_t m, int64_t n, const double *a, const double *b,
                                               const double *cost, nrm_csr *plan, double *alpha, double *beta,
                                               nrm_csr *relaxed, nrm_sparse_ot_info *info,
                                               const nrm_sparse_ot_options *options);
/* The same from single-precision costs: they stay so in memory, which halves what an
 * evaluation reads; all arithmetic is double. */
NRM_API NRM_NODISCARD nrm_status nrm_sparse_ot_f32(nrm_ctx *ctx, int64_t m, int64_t n, const double *a, const double *b,
                                                   const float *cost, nrm_csr *plan, double *alpha, double *beta,
                                                   nrm_csr *relaxed, nrm_sparse_ot_info *info,
                                                   const nrm_sparse_ot_options *options);

/* ---- The two building blocks -------------------------------------------------------------
 *
 * For s (m >= 1, finite), k >= 1 (more than m is m), gamma > 0; ties go to the lowest index.
 *
 * Omega*_+(s) = max <s, t> - (gamma/2)|t|^2 over t >= 0, |t|_0 <= k
 *             = (1/2gamma) sum_{i<=k} [s_[i]]_+^2,   t = [top_k(s)]_+ / gamma.
 *   t  out  the maximiser, which is a (super)gradient; m values; may be NULL */
NRM_API NRM_NODISCARD nrm_status nrm_sparse_conjugate_positive(nrm_ctx *ctx, int64_t m, const double *s, int64_t k,
                                                               double gamma, double *value, double *t);
/* Omega*_b(s) = max <s, t> - (gamma/2)|t|^2 over t >= 0, 1't = mass, |t|_0 <= k
 *   t_i = [s_i - tau]_+ / gamma on the k largest;   mass > 0
 *   tau  out  the threshold; may be NULL */
NRM_API NRM_NODISCARD nrm_status nrm_sparse_conjugate_mass(nrm_ctx *ctx, int64_t m, const double *s, int64_t k,
                                                           double gamma, double mass, double *value, double *t,
                                                           double *tau);
/* P_k: the nearest point of the unit simplex with at most k non-zeros; = t of the above
 * with gamma = mass = 1. */
NRM_API NRM_NODISCARD nrm_status nrm_sparse_simplex_project(nrm_ctx *ctx, int64_t m, const double *x, int64_t k,
                                                            double *p);
/* Its derivative, where it has one, applied to v from either side (it is symmetric):
 * w = mask * v - mean of v over the mask, the mask being where p = P_k(x) is not 0.  For t
 * of Omega*_b divide w by gamma. */
NRM_API NRM_NODISCARD nrm_status nrm_sparse_simplex_jvp(nrm_ctx *ctx, int64_t m, const double *p, const double *v,
                                                        double *w);

/* ---- A router for a mixture of experts -----------------------------------------------------
 *
 * Tokens carry mass 1 each, experts tokens/experts each; C = -softmax(logits) along each
 * token; a fixed number of Adam steps on the semi-dual.  Experts choose: k = capacity =
 * ceil(tokens c / experts), rounded up to a multiple of 4, limits each expert.  Tokens
 * choose: k limits the experts of a token. */
#define NRM_SPARSE_OT_ROUTERS(C) C(NRM_SPARSE_OT_EXPERTS_CHOOSE, "experts-choose") C(NRM_SPARSE_OT_TOKENS_CHOOSE, "tokens-choose")
NRM_CHOICES(nrm_sparse_ot_router_kind, NRM_SPARSE_OT_ROUTERS);

#define NRM_SPARSE_OT_ROUTER_OPTIONS(P)                                                                     \
    P(choice, kind, NRM_SPARSE_OT_EXPERTS_CHOOSE, NRM_SPARSE_OT_ROUTERS, "0.1",                             \
      "who is limited: each expert to its capacity, or each token to k experts")                            \
    P(f64, capacity_factor, 1.0, NRM_POSITIVE, DBL_MAX, "", "0.1",                                          \
      "experts choose: capacity of an expert over its fair share tokens/experts")                           \
    P(i64, k, 1, 1, INT64_MAX, "", "0.1", "tokens choose: most experts of a token")                         \
    P(f64, gamma, 1.0, NRM_POSITIVE, DBL_MAX, "1/tokens", "0.1", "weight of the quadratic term")            \
    P(f64, lr, 1e-2, NRM_POSITIVE, DBL_MAX, "", "0.1", "step length of Adam")                               \
    P(i64, adam_iters, 20, 1, 100000000, "", "0.1", "steps of Adam, all taken")                             \
    P(flag, softmax_weights, true, "0.1",                                                                   \
      "combine holds the softmax entries at the chosen places; without it the entries of the plan")
NRM_OPTIONS(sparse_ot_router, NRM_SPARSE_OT_ROUTER_OPTIONS);

#define NRM_SPARSE_OT_ROUTER_INFO(F)                                                                \
    F(i64, k, "", "the limit used: the capacity of an expert, or the experts of a token")           \
    F(i64, assigned, "", "(token, expert) pairs")                                                   \
    F(i64, unassigned, "", "tokens with no expert")                                                 \
    F(i64, max_load, "tokens", "most tokens of an expert")                                          \
    F(i64, min_load, "tokens", "fewest tokens of an expert")                                        \
    F(f64, residual, "tokens", "largest error of a marginal of the plan after the last step")       \
    F(f64, seconds, "s", "wall time")
NRM_INFO(sparse_ot_router, NRM_SPARSE_OT_ROUTER_INFO);

/*   logits   in   tokens x experts, row-major, finite
 *   combine  out  tokens x experts (f64): weight of each chosen pair; made by the call, ended
 *                 by nrm_csr_destroy(ctx, combine)
 *   softmax  out  tokens x experts: for the backward pass; may be NULL, may be logits
 *   info     out  may be NULL;  options NULL = defaults
 * NRM_OK; NRM_PARTIAL: cancelled, all outputs are those of the steps taken; NRM_E_NULL, _SHAPE,
 * _RANGE, _NONFINITE (naming the entry), _OVERFLOW, _NOMEM: outputs untouched.  Cost: a step
 * reads the logits once.  Same bits for any number of threads. */
NRM_API NRM_NODISCARD nrm_status nrm_sparse_ot_router(nrm_ctx *ctx, int64_t tokens, int64_t experts,
                                                      const double *logits, nrm_csr *combine, double *softmax,
                                                      nrm_sparse_ot_router_info *info,
                                                      const nrm_sparse_ot_router_options *options);
/* Gradient of a loss with respect to the logits, from that with respect to the values of
 * `combine` (softmax weights; the choice of places is treated as constant).
 *   combine_gradient  in  combine->nnz values
 *   logits_gradient  out  tokens x experts; must not overlap an input (NRM_E_ALIAS) */
NRM_API NRM_NODISCARD nrm_status nrm_sparse_ot_router_backward(nrm_ctx *ctx, const nrm_csr *combine,
                                                               const double *softmax, const double *combine_gradient,
                                                               double *logits_gradient);

#ifdef __cplusplus
}
#endif
#endif
