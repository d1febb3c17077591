/* norma/private_sparse_regression.h -- sparse regression on records that nobody hands over.
 *
 * n people each hold one record (x_i, y_i), y_i = x_i'theta + noise, theta with few entries other
 * than 0.  Each sends ONE randomised message M_i, and for any two records of that person
 *     P(M_i in S | record) <= e^eps P(M_i in S | other record) + delta         for every S      (1)
 * whatever others send.  From the messages the server estimates theta.
 *
 * nldp          one message of x x' and x y with Gaussian noise:   theta = S_lambda(C^-1 u)      (2)
 * nldp-public   x y alone; C comes from public rows x without y
 * isotropic     x y alone; the covariance of x is known to be I
 * iht           rounds: each user gets theta_(t-1) and sends one gradient, randomised on a ball;
 *               delta = 0:  theta_t = P(T_k'(theta_(t-1) - eta mean z))                          (3)
 * S_lambda is the soft threshold, T_k' keeps the k' largest entries, P projects on the unit ball.
 *
 * Zhu, Ding, Aggarwal, Xu, Wang, "Improved Analysis of Sparse Linear Regression in Local
 * Differential Privacy Model", ICLR 2024.  The two halves, which run in different places, are in
 * norma/private_protocol.h; this header has their parameters, and both at once on a table. */
#ifndef NORMA_PRIVATE_SPARSE_REGRESSION_H
#define NORMA_PRIVATE_SPARSE_REGRESSION_H

#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_PRIVATE_ROLES(C)                \
    C(NRM_PRIVATE_SIMULATE, "simulate")     \
    C(NRM_PRIVATE_CLIENT, "client")         \
    C(NRM_PRIVATE_SERVER, "server")
NRM_CHOICES(nrm_private_role, NRM_PRIVATE_ROLES);

#define NRM_PRIVATE_MODES(C)                   \
    C(NRM_PRIVATE_NLDP, "nldp")                \
    C(NRM_PRIVATE_NLDP_PUBLIC, "nldp-public")  \
    C(NRM_PRIVATE_ISOTROPIC, "isotropic")      \
    C(NRM_PRIVATE_IHT, "iht")
NRM_CHOICES(nrm_private_mode, NRM_PRIVATE_MODES);

#define NRM_PRIVATE_CALIBRATIONS(C)            \
    C(NRM_PRIVATE_TIGHT, "tight")              \
    C(NRM_PRIVATE_PAPER, "paper")
NRM_CHOICES(nrm_private_calibration, NRM_PRIVATE_CALIBRATIONS);

#define NRM_PRIVATE_RADII(C)                   \
    C(NRM_PRIVATE_RADIUS_PAPER, "paper")       \
    C(NRM_PRIVATE_RADIUS_SCORE, "score")
NRM_CHOICES(nrm_private_radius, NRM_PRIVATE_RADII);

#define NRM_PRIVATE_UPDATES(C)                 \
    C(NRM_PRIVATE_HARD, "hard")                \
    C(NRM_PRIVATE_SOFT, "soft")
NRM_CHOICES(nrm_private_update, NRM_PRIVATE_UPDATES);

#define NRM_PRIVATE_SPARSE_REGRESSION_OPTIONS(P)                                                              \
    P(choice, role, NRM_PRIVATE_SIMULATE, NRM_PRIVATE_ROLES, "0.2",                                           \
      "client: records to reports; server: reports to coefficients; simulate: both on a table")               \
    P(choice, mode, NRM_PRIVATE_NLDP, NRM_PRIVATE_MODES, "0.2",                                               \
      "nldp, nldp-public and isotropic: one message each, no waiting; iht: in rounds, delta = 0")             \
    P(choice, calibration, NRM_PRIVATE_TIGHT, NRM_PRIVATE_CALIBRATIONS, "0.2",                                \
      "tight: one joint release with the least noise that eps and delta allow; paper: the paper's noise")     \
    P(f64, eps, 1.0, NRM_POSITIVE, 1e7, "", "0.2", "privacy budget of a message")                             \
    P(f64, delta, 1e-6, 0.0, 1.0, "", "0.2", "chance that eps does not bound, between 0 and 1; iht does not use it") \
    P(i64, users, 0, 0, INT64_C(1) << 53, "", "0.2",                                                          \
      "people who take part in all, a public number; 0: the rows of x (simulate), not known (client, server)") \
    P(f64, r, 0.0, 0.0, 1e100, "x", "0.2", "records are shrunk to |x| <= r; 0: sqrt(d)")                      \
    P(f64, tau1, 0.0, 0.0, 1e100, "x", "0.2", "entries of x are clipped to it (paper, iht); 0: sqrt(2 ln users)") \
    P(f64, tau2, 0.0, 0.0, 1e100, "y", "0.2", "y is clipped to it; 0: sqrt(2 ln users)")                      \
    P(f64, split, 0.5, 0.0, 1.0, "", "0.2", "nldp, tight: share of the budget for x x', 0 < split < 1")       \
    P(f64, threshold, -1.0, -1.0, 1e100, "", "0.2",                                                           \
      "soft threshold lambda; -1: threshold_factor sqrt(2 ln d) standard deviations of the noise")            \
    P(f64, threshold_factor, 1.0, 0.0, 1e6, "", "0.2", "factor of that rule")                                         \
    P(flag, refit, false, "0.2", "fit once more on the entries that the threshold left, without its shrinkage") \
    P(f64, kappa_min, 0.0, 0.0, 1e100, "", "0.2", "nldp: least eigenvalue of the covariance; 0: a tenth of their mean") \
    P(i64, k, 0, 0, INT32_MAX, "", "0.2", "iht: entries of theta that are not 0; must be given")              \
    P(i64, kprime, 0, 0, INT32_MAX, "", "0.2", "iht: entries kept in a round; 0: 8 k (2 k is better in practice)") \
    P(i64, rounds, 0, 0, 1000000, "", "0.2", "iht: groups of users; 0: ln(users), rounded up")                \
    P(f64, growth, 1.0, 1.0, 100.0, "", "0.2", "iht: a group has so many times the users of the one before")  \
    P(f64, eta, 1.0, NRM_POSITIVE, 1e100, "", "0.2", "iht: step; about 1 / the largest eigenvalue of the covariance") \
    P(choice, radius, NRM_PRIVATE_RADIUS_PAPER, NRM_PRIVATE_RADII, "0.2",                                     \
      "iht: gradients are bounded by the worst case (paper) or clipped to score_bound (score), which is far less noise") \
    P(f64, score_bound, 0.0, 0.0, 1e100, "x y", "0.2", "iht, score: that bound; 0: sqrt(d) tau2 / 4")         \
    P(choice, update, NRM_PRIVATE_HARD, NRM_PRIVATE_UPDATES, "0.2", "iht: keep kprime entries (hard) or shrink all (soft)") \
    P(flag, average, false, "0.2", "iht: the mean of the second half of the rounds in place of the last")     \
    P(i64, round, 1, 1, 1000000, "", "0.2", "client, iht: the round of these messages")                       \
    P(i64, first_user, 0, 0, INT64_C(1) << 53, "", "0.2", "client: number of the person of the first row; rows follow it") \
    P(text, ledger, NULL, "file", "0.2", "client: what each person has spent; made where there is none, and kept up") \
    P(flag, again, false, "0.2", "client: let a person of the ledger send once more; budgets add up")         \
    P(i64, d, 0, 0, 1 << 24, "", "0.2", "server: columns of x; 0: as the reports say")                        \
    P(text, state, NULL, "file", "0.2", "server: go on from a state that was saved")                          \
    P(text, save_state, NULL, "file", "0.2", "server: where to save the state")                               \
    P(flag, keep_open, false, "0.2", "server, iht: take messages in and do not end the round")                \
    P(flag, each_message, false, "0.2", "simulate: draw every person's Gaussian noise, not that of the sum")
NRM_OPTIONS(private_sparse_regression, NRM_PRIVATE_SPARSE_REGRESSION_OPTIONS);

#define NRM_PRIVATE_SPARSE_REGRESSION_INFO(F)                                                                 \
    F(i64, messages, "", "made (client), absorbed (server) or simulated")                                     \
    F(f64, epsilon, "", "of one message, guaranteed to its sender against everybody")                         \
    F(f64, delta, "", "of one message; what the grid of the noise adds is within it")                         \
    F(f64, most_epsilon, "", "that any one person has spent; for client with a ledger the sum of their messages") \
    F(f64, most_delta, "", "the same of delta")                                                               \
    F(flag, secure, "", "client: the noise is secret, from the operating system; false with a chosen seed, and in simulate") \
    F(f64, sigma, "", "noise for a sensitivity of 1: the analytic or (paper) classical Gaussian mechanism; NaN for iht") \
    F(f64, covariance_sd, "x^2", "nldp: noise of a diagonal entry of x x' in a message; else NaN")            \
    F(f64, offdiagonal_sd, "x^2", "the same of other entries")                                                \
    F(f64, moment_sd, "x y", "noise of an entry of x y in a message; NaN for iht")                            \
    F(f64, radius, "x y", "iht: bound of a gradient, r; else NaN")                                            \
    F(f64, message_norm, "x y", "iht: length B of every message; else NaN")                                   \
    F(f64, grid_delta, "", "what noise on a grid in place of a continuum can add to delta; taken off before")  \
    F(i64, message_bytes, "", "of one message")                                                               \
    F(i64, clipped, "", "records outside the promised range, known to their owners alone; -1 for server")     \
    F(i64, nonfinite, "", "records with NaN or Inf, sent as 0; -1 for server")                                \
    F(f64, threshold, "", "largest soft threshold of an entry; NaN where there was none")                     \
    F(flag, not_pd, "", "nldp: the noisy covariance had eigenvalues below kappa and they were raised: too few users for this noise") \
    F(i64, raised, "", "that many")                                                                           \
    F(f64, kappa, "", "least eigenvalue after that; NaN for iht")                                             \
    F(i64, round, "", "iht: rounds ended so far")                                                             \
    F(i64, unused, "", "iht: users left over in no group")                                                    \
    F(i64, support, "", "entries of the coefficients that are not 0")                                         \
    F(f64, raw_error, "", "|raw - truth|_2; NaN without truth")                                               \
    F(f64, error, "", "|coefficients - truth|_2; NaN without truth")                                          \
    F(f64, seconds, "s", "wall time")
NRM_INFO(private_sparse_regression, NRM_PRIVATE_SPARSE_REGRESSION_INFO);

/* Both halves on a table, its rows in random order: what an experiment needs, and nobody's
 * protection.  The noise is that of the simulation's own streams (the seed of ctx).
 *   x, y      in   n rows of d and of one column; rewound first if they have been read
 *   public_x  in   rows of d; nldp-public only, else NULL
 *   theta     out  d numbers
 *   raw       out  d numbers before the threshold, may be NULL; for iht the same as theta
 *   info      out  may be NULL      options  in  NULL = _default(); role is not looked at
 * NaN and Inf in a record are sent as 0 and counted.  iht: group t is rows end_(t-1) .. end_t - 1.
 * NRM_OK, or with all outputs as they were: NRM_E_NULL, _SHAPE, _RANGE (no k, k > d, n < rounds,
 * paper calibration with eps too large, ...), _SINGULAR (public_x: names the column), _UNSUPPORTED
 * (the number of rows is not known, users is 0 and they cannot be read twice), _CANCELLED, _NOMEM.
 * Sums of messages are sums of integers: their bits depend neither on threads nor on ranks, among
 * which the rows are shared.  Memory: O(d^2) for nldp, else O(d), whatever n.
 * Cost: n d^2 for nldp (n d^2/2 normals with each_message), n d otherwise, d^3 at the end of nldp. */
NRM_API NRM_NODISCARD nrm_status nrm_private_sparse_regression(nrm_ctx *ctx, nrm_rows *x, nrm_rows *y, nrm_rows *public_x,
                                                               double *theta, double *raw,
                                                               nrm_private_sparse_regression_info *info,
                                                               const nrm_private_sparse_regression_options *options);

/* Parameters from public numbers alone: never tune them on records that were promised privacy.
 * Fills users, r, tau1, tau2, k, kprime, rounds, growth, radius and score_bound of *options; the
 * rest stays.  x_bound bounds or scales an entry of x (1 for standardised columns), y_bound y.
 * NRM_E_NULL, _RANGE. */
NRM_API NRM_NODISCARD nrm_status nrm_private_suggest(nrm_ctx *ctx, int64_t users, int64_t d, int64_t k, double x_bound,
                                                     double y_bound, nrm_private_sparse_regression_options *options);

/* The noise that (eps, delta) takes for a vector that changes by at most 1 in length: the least
 * (Balle and Wang 2018), valid for every eps > 0; and the delta of a given one. */
NRM_API double nrm_private_gaussian_sigma(double eps, double delta); /* NaN out of range */
NRM_API double nrm_private_gaussian_delta(double sigma, double eps);

#ifdef __cplusplus
}
#endif
#endif
