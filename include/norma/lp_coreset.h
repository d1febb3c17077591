/* norma/lp_coreset.h -- a few weighted rows of a tall matrix that keep |A x|_p for every x.
 *
 *     sum over kept i of w_i |a_i'x|^p  ~  sum over all i of omega_i |a_i'x|^p     for all x      (1)
 *
 * a_i is row i of [A B], p >= 1, omega_i > 0 weights of the rows (1).  Row i is kept with the
 * probability q_i = min(1, c s_i), independently of the others, with w_i = omega_i / q_i, so that
 * both sides of (1) have the same mean; c is such that the q_i sum to the number of rows wanted.
 * The scores s_i say how much a row can matter (Woodruff & Yasuda, ICML 2023):
 *     uniform         1
 *     sensitivity     sigma_i = max over x of omega_i |a_i'x|^p / sum_j omega_j |a_j'x|^p
 *     lewis           the Lewis weights
 *     root-leverage   tau_i^(p/2), tau the leverage scores, in rounds; p <= 2
 *     combined        l_i / d + k_i / sum k;  k_i = max(1, n sigma_i / sum sigma), l the leverage
 *                     scores of the rows scaled by k_i^(1/2 - 1/p); p > 2
 *     augmented       sigma_i / sum sigma + tau_i / d; p <= 2
 * Without a number of rows it is m = ceil(2 B ln(2 d / delta) / eps^2), with d the rank and S the
 * sum of the sensitivities in
 *     B = d^(1 - p/2) S (sensitivity, p <= 2), S^(2 - 2/p) (sensitivity, p > 2), d^max(1, p/2) (lewis),
 *         d (root-leverage), d^(2/p) S^(2 - 4/p) (combined), S + d (augmented). */
#ifndef NORMA_LP_CORESET_H
#define NORMA_LP_CORESET_H

#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_LP_CORESET_SCHEMES(C)               \
    C(NRM_LP_CORESET_AUTO, "auto")              \
    C(NRM_LP_CORESET_UNIFORM, "uniform")        \
    C(NRM_LP_CORESET_SENSITIVITY, "sensitivity") \
    C(NRM_LP_CORESET_LEWIS, "lewis")            \
    C(NRM_LP_CORESET_ROOT_LEVERAGE, "root-leverage") \
    C(NRM_LP_CORESET_COMBINED, "combined")      \
    C(NRM_LP_CORESET_AUGMENTED, "augmented")
NRM_CHOICES(nrm_lp_coreset_scheme, NRM_LP_CORESET_SCHEMES);

#define NRM_LP_CORESET_SCORES(C)           \
    C(NRM_LP_SCORES_AUTO, "auto")          \
    C(NRM_LP_SCORES_EXACT, "exact")        \
    C(NRM_LP_SCORES_APPROXIMATE, "approximate") \
    C(NRM_LP_SCORES_BRACKET, "bracket")
NRM_CHOICES(nrm_lp_coreset_scores, NRM_LP_CORESET_SCORES);

#define NRM_LP_CORESET_PASSES(C)           \
    C(NRM_LP_PASSES_AUTO, "auto")          \
    C(NRM_LP_PASSES_ONE, "one")            \
    C(NRM_LP_PASSES_MANY, "many")
NRM_CHOICES(nrm_lp_coreset_passes, NRM_LP_CORESET_PASSES);

#define NRM_LP_CORESET_OPTIONS(P)                                                                            \
    P(f64, p, 1, 1, DBL_MAX, "", "0.2", "the norm; beyond 64, 64 stands for the largest entry")             \
    P(choice, scheme, NRM_LP_CORESET_AUTO, NRM_LP_CORESET_SCHEMES, "0.2",                                    \
      "what rows are chosen by; auto: combined for p > 2, else sensitivity up to 10000 rows and lewis beyond") \
    P(i64, rows, 0, 0, INT64_MAX, "", "0.2", "rows to keep on average, more than there are columns; 0: by eps and delta") \
    P(f64, eps, 0.25, NRM_POSITIVE, 1, "", "0.2", "relative error of sums of |.|^p that rows = 0 is made for") \
    P(f64, delta, 0.05, NRM_POSITIVE, 0.5, "", "0.2", "probability of failing that rows = 0 is made for")    \
    P(choice, scores, NRM_LP_SCORES_AUTO, NRM_LP_CORESET_SCORES, "0.2",                                      \
      "how sensitivities are found: exact, from a sample of rows, or from above by Lewis weights; auto: by the work, from above where coresets are merged") \
    P(flag, iid, false, "0.2", "draw with replacement; a row that is drawn k times is kept once with k times the weight") \
    P(choice, passes, NRM_LP_PASSES_AUTO, NRM_LP_CORESET_PASSES, "0.2",                                      \
      "one: keep coresets of blocks and merge them; many: scores of all rows first; auto: many where rows can be read again and are at most 2^24") \
    P(flag, audit, false, "0.2", "search for the x at which the coreset is worst, and measure it on all rows") \
    P(f64, lewis_tol, 0, 0, 1, "", "0.2", "relative error of the Lewis weights; 0: 1e-10 where they are wanted, 1e-3 to draw by") \
    P(i64, lewis_iterations, 500, 1, 1000000, "", "0.2", "most rounds for the Lewis weights")                \
    P(f64, newton_tol, 0, 0, 1, "", "0.2",                                                                   \
      "relative error of solved sensitivities; 0: 1e-10 where exact ones are wanted, 1e-3 to draw by")
NRM_OPTIONS(lp_coreset, NRM_LP_CORESET_OPTIONS);

#define NRM_LP_CORESET_INFO(F)                                                                               \
    F(str, scheme, "", "what rows were chosen by")                                                           \
    F(str, scores, "", "how sensitivities were found: exact, approximate, bracket, user; none where the scheme needs none") \
    F(f64, p, "", "the norm used")                                                                           \
    F(i64, rows_read, "", "rows of a")                                                                       \
    F(i64, columns, "", "of a and b together")                                                               \
    F(i64, rank, "", "of a and b together, where the scores tell it; else -1")                               \
    F(i64, rows, "", "rows kept")                                                                            \
    F(f64, expected, "", "mean number of rows kept")                                                         \
    F(f64, total_sensitivity, "", "sum of the sensitivities, or of what stands for them; NaN where the scheme needs none") \
    F(f64, least_weight, "", "smallest weight of a row kept")                                                \
    F(f64, most_weight, "", "largest weight of a row kept")                                                  \
    F(i64, levels, "", "how often a row was drawn: 1, or more where coresets were merged")                   \
    F(f64, lewis_error, "", "relative error of the Lewis weights; NaN where none were needed")               \
    F(f64, distortion, "", "audit: largest |ratio - 1| of the sides of (1) found, measured on all rows; else NaN") \
    F(i64, passes, "", "times the rows were read")                                                           \
    F(f64, seconds, "s", "wall time")
NRM_INFO(lp_coreset, NRM_LP_CORESET_INFO);

/* What is sampled.
 *   a, b          rows of d >= 1 and of q >= 1 numbers, finite; b may be NULL.  For regression the
 *                 coreset must be of [a b].  Read from their beginning.
 *   row_weights   omega: `length` numbers > 0, or NULL
 *   user_scores   in place of the sensitivities: `length` numbers >= 0, not all 0, or NULL
 *   length        of these two, the number of rows */
typedef struct nrm_lp_coreset_input {
    nrm_rows *a, *b;
    const double *row_weights, *user_scores;
    int64_t length;
} nrm_lp_coreset_input;

enum { /* what is wanted beside index and weights */
    NRM_LP_CORESET_ROWS = 1,          /* a, b */
    NRM_LP_CORESET_SENSITIVITIES = 2, /* each of length n; not from one pass */
    NRM_LP_CORESET_LEWIS_WEIGHTS = 4,
    NRM_LP_CORESET_PROBABILITIES = 8, /* q_i, without iid; for iid the share s_i / sum s */
    NRM_LP_CORESET_WITNESS = 16       /* with audit */
};

/* Memory of the context the call was made with: nrm_lp_coreset_release.  NULL: not wanted. */
typedef struct nrm_lp_coreset_result {
    int64_t rows, d, q, n;
    int64_t *index;  /* rows: numbers of the rows kept, rising, from 0 */
    double *weights; /* rows: w of (1) */
    double *a, *b;   /* rows x d, rows x q: the rows kept as they came, not scaled */
    double *sensitivities, *lewis_weights, *probabilities; /* n */
    double *witness; /* d + q: the x of the audit, |x|_2 = 1 */
} nrm_lp_coreset_result;

/* A coreset of in's rows.
 *   result   out  any content; written only on success
 *   want     in   NRM_LP_CORESET_ bits
 *   info     out  may be NULL        options  in  NULL = nrm_lp_coreset_options_default()
 * NRM_OK, or NRM_NOT_CONVERGED (the Lewis weights or a sensitivity reached their limit of steps;
 * the coreset is as unbiased as ever), or with all outputs as they were: NRM_E_NULL, _SHAPE (fewer
 * rows than columns, lengths that differ), _RANGE (rows <= d + q, a scheme and a p that do not go
 * together, a weight or score that may not be), _NONFINITE (row and column named), _SINGULAR (all
 * rows are 0), _UNSUPPORTED (rows cannot be read again, but must be), _OVERFLOW, _NOMEM, _CANCELLED.
 * Each row's draw depends on the seed and its number alone.  Among ranks (norma/comm.h) each has
 * the same rows and gets the same answer. */
NRM_API NRM_NODISCARD nrm_status nrm_lp_coreset(nrm_ctx *ctx, const nrm_lp_coreset_input *in, unsigned want,
                                                nrm_lp_coreset_result *result, nrm_lp_coreset_info *info,
                                                const nrm_lp_coreset_options *options);
NRM_API void nrm_lp_coreset_release(nrm_ctx *ctx, nrm_lp_coreset_result *result); /* becomes {0}; NULL is fine */

#ifdef __cplusplus
}
#endif
#endif
