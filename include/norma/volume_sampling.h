/* norma/volume_sampling.h -- where to evaluate a function so that a weighted least-squares fit in
 * a space V = span(phi_1 .. phi_m), orthonormal in L2(mu), is near the best one and stable.
 *
 *     k(x) = sum phi_j(x)^2,   w(x) = m / k(x),   G = (1/n) sum_i w(x_i) phi(x_i) phi(x_i)'      (1)
 *     fit = argmin_v (1/n) sum_i w(x_i) (f(x_i) - v(x_i))^2,  stable: lambda_min(G) >= 1 - delta (2)
 *
 * Points are drawn independently from (k/m) mu, or so that they repel each other: m points of the
 * projection determinantal process (DPP) of V have the density det[phi_j(x_i)]^2 / m!.
 *
 *     iid               n independent points
 *     dpp               one DPP, n = m: the fit interpolates
 *     volume            a DPP and n - m independent points, in random order
 *     repeated-dpp      n / m independent DPPs: stable with the fewest points
 *     repeated-volume   n / block_points independent volume samples
 *
 * A. Nouy, B. Michel, arXiv 2312.14057.  What was drawn is evaluated by its user and fitted later
 * by weighted-least-squares with the same space. */
#ifndef NORMA_VOLUME_SAMPLING_H
#define NORMA_VOLUME_SAMPLING_H

#include <norma/space.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_VOLUME_SAMPLING_SCHEMES(C)                           \
    C(NRM_VOLUME_SAMPLING_REPEATED_DPP, "repeated-dpp")          \
    C(NRM_VOLUME_SAMPLING_DPP, "dpp")                            \
    C(NRM_VOLUME_SAMPLING_VOLUME, "volume")                      \
    C(NRM_VOLUME_SAMPLING_REPEATED_VOLUME, "repeated-volume")    \
    C(NRM_VOLUME_SAMPLING_IID, "iid")
NRM_CHOICES(nrm_volume_sampling_scheme, NRM_VOLUME_SAMPLING_SCHEMES);

#define NRM_VOLUME_SAMPLING_SAMPLERS(C)                  \
    C(NRM_VOLUME_SAMPLING_AUTO, "auto")                  \
    C(NRM_VOLUME_SAMPLING_EIGENVALUES, "eigenvalues")    \
    C(NRM_VOLUME_SAMPLING_CHAIN, "chain")
NRM_CHOICES(nrm_volume_sampling_sampler, NRM_VOLUME_SAMPLING_SAMPLERS);

#define NRM_VOLUME_SAMPLING_OPTIONS(P)                                                                       \
    NRM_SPACE_OPTIONS(P)                                                                                     \
    P(choice, scheme, NRM_VOLUME_SAMPLING_REPEATED_DPP, NRM_VOLUME_SAMPLING_SCHEMES, "0.2",                  \
      "repeated-dpp: n / m DPPs; dpp: one, n = m; volume: one and n - m independent points; "               \
      "repeated-volume: several of block_points each; iid: independent points")                             \
    P(i64, points, 0, 0, INT64_C(1) << 30, "", "0.2",                                                        \
      "n, points to draw, at least m; repeated-dpp: a multiple of m; 0: 4 m, dpp: m")                        \
    P(i64, block_points, 0, 0, INT64_C(1) << 30, "", "0.2",                                                         \
      "repeated-volume: points of a volume sample, at least m; 0: 2 m")                                      \
    P(f64, mixture, 0.0, 0.0, 0.999999, "", "0.2",                                                           \
      "iid, volume: share of independent points drawn from mu itself, so that no weight exceeds 1 / mixture") \
    P(flag, condition, false, "0.2", "draw again until lambda_min >= 1 - delta")                             \
    P(f64, delta, 0.5, NRM_POSITIVE, 1.0 - DBL_EPSILON, "", "0.2", "what is stable: lambda_min >= 1 - delta") \
    P(i64, max_reject, 1000, 0, 1000000, "", "0.2", "condition: designs rejected before the best is taken")  \
    P(i64, boost, 1, 1, 1000, "", "0.2", "designs drawn, of which that with the largest lambda_min is taken") \
    P(flag, greedy, false, "0.2", "leave out points one by one as long as lambda_min >= 1 - delta")          \
    P(choice, sampler, NRM_VOLUME_SAMPLING_AUTO, NRM_VOLUME_SAMPLING_SAMPLERS, "0.2",                        \
      "how a DPP is drawn: eigenvalues of a random matrix (polynomials below a degree in one variable, "     \
      "trigonometric polynomials), point by point (chain), or the first where it can be")                    \
    P(f64, eta, 0.01, NRM_POSITIVE, 1.0 - DBL_EPSILON, "", "0.2",                                            \
      "probability of an unstable design that points_wanted admits")
NRM_OPTIONS(volume_sampling, NRM_VOLUME_SAMPLING_OPTIONS);

#define NRM_VOLUME_SAMPLING_INFO(F)                                                                          \
    F(i64, m, "", "functions of the space")                                                                  \
    F(i64, dimension, "", "numbers of a point")                                                              \
    F(i64, points, "", "of the design, those given before among them")                                       \
    F(i64, kept, "", "points given before")                                                                  \
    F(i64, removed, "", "points left out by greedy")                                                         \
    F(i64, blocks, "", "independent blocks drawn")                                                           \
    F(f64, lambda_min, "", "least eigenvalue of G: the fit's error is at most e + |f - v|_n / sqrt(lambda_min)") \
    F(f64, lambda_max, "", "largest eigenvalue of G")                                                        \
    F(flag, stable, "", "lambda_min >= 1 - delta")                                                           \
    F(i64, trials, "", "designs drawn")                                                                      \
    F(i64, rejections, "", "condition: times that the best of `boost` designs was not stable")               \
    F(i64, proposals, "", "points proposed by the chain rule, of all designs")                               \
    F(str, sampler, "", "how DPPs were drawn: eigenvalues, chain or none")                                   \
    F(f64, uniform_factor, "", "1 + sqrt(mean weight / lambda_min): the fit's L2 error is at most that times the least uniform error in V") \
    F(f64, probability_bound, "", "a design of this size is stable with at least this probability (Chernoff)") \
    F(f64, points_wanted, "", "points for which that bound is 1 - eta; infinite where none are enough")      \
    F(f64, seconds, "s", "wall time")
NRM_INFO(volume_sampling, NRM_VOLUME_SAMPLING_INFO);

/* What is drawn: made by nrm_volume_sampling, ended by nrm_volume_sampling_design_destroy with a
 * context of the same allocator. */
typedef struct nrm_volume_sampling_design {
    int64_t points, dimension, m;
    double *x;       /* points x dimension; features: row numbers */
    int64_t *index;  /* features: the same as integers; else NULL */
    double *weights; /* points: w of (1) */
    int64_t *block;  /* points: the block that each belongs to, from 0; -1: given before */
    double *phi;     /* points x m: the orthonormal basis */
    double *gram;    /* m x m: G */
} nrm_volume_sampling_design;
NRM_API void nrm_volume_sampling_design_destroy(nrm_ctx *ctx, nrm_volume_sampling_design *design); /* becomes {0} */

/* Points that have been evaluated already and stay, first and in their order. */
typedef struct nrm_volume_sampling_start {
    int64_t points, dimension;
    const double *x;       /* points x dimension */
    const double *weights; /* points, > 0; NULL: m / k(x), as for the new ones */
} nrm_volume_sampling_start;

/* Draw a design.
 *   input    in   what the space takes beside its options; NULL: nothing
 *   start    in   a design to add to; NULL: none
 *   design   out  written whole                    info  out  may be NULL
 *   options  in   NULL = nrm_volume_sampling_options_default()
 * NRM_OK; NRM_NOT_CONVERGED (condition: no stable design in max_reject + 1; the best is given).
 * Failures leave design and info as they were: NRM_E_NULL, _RANGE, _SHAPE, _NONFINITE, _SINGULAR
 * (features that depend on each other, by column), _OVERFLOW, _NOMEM, _CANCELLED.
 * A block has a random stream of its own, numbered through the design: the bits depend neither on
 * the threads nor, without condition and boost, on the blocks after it. */
NRM_API NRM_NODISCARD nrm_status nrm_volume_sampling(nrm_ctx *ctx, const nrm_space_input *input,
                                                     const nrm_volume_sampling_start *start,
                                                     nrm_volume_sampling_design *design, nrm_volume_sampling_info *info,
                                                     const nrm_volume_sampling_options *options);

/* The same among given points of the basis's domain instead of all of it: mu weighs them alone
 * (input->mu, a weight each; NULL: equal ones), and phi is orthonormal there.  The design has their
 * coordinates in x and their numbers in index; start->x holds numbers.  V is the span it was: the
 * design serves weighted-least-squares with the basis as named.  NRM_E_SINGULAR: functions that
 * depend on each other on these points, by number. */
typedef struct nrm_volume_sampling_candidates {
    int64_t points, dimension;
    const double *x; /* points x dimension */
} nrm_volume_sampling_candidates;
NRM_API NRM_NODISCARD nrm_status nrm_volume_sampling_among(nrm_ctx *ctx, const nrm_volume_sampling_candidates *candidates,
                                                           const nrm_space_input *input, const nrm_volume_sampling_start *start,
                                                           nrm_volume_sampling_design *design, nrm_volume_sampling_info *info,
                                                           const nrm_volume_sampling_options *options);

#ifdef __cplusplus
}
#endif
#endif
