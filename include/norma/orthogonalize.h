/* norma/orthogonalize.h -- a matrix brought to, or near, the nearest one with orthonormal rows
 * or columns; and the coefficients with which that is done.
 *
 * For G = U S V' (m x n, s = min(m, n), l = max(m, n)) the nearest such matrix is the polar
 * factor U V'.  Newton-Schulz steps reach for it with products of matrices alone:
 *     X = G / (divisor |G|_F + eps),   X <- a X + (b X X' + c (X X')^2) X                     (1)
 * Each step maps every singular value by p(t) = a t + b t^3 + c t^5 and leaves the singular
 * vectors alone.  What K steps make of [0, 1] is all that the coefficients decide. */
#ifndef NORMA_ORTHOGONALIZE_H
#define NORMA_ORTHOGONALIZE_H

#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

/* muon to muon8+2 are fixed sets; exact is the SVD.  root: the table of ROOT's authors, else
 * fit; fit: one triple fitted to the shape; best: fit or polar_express, whichever is nearer for
 * a Gaussian matrix of the shape; each: a triple fitted for every step; generated: Polar Express
 * for lower, safety and cushion; given: the triples of the argument. */
#define NRM_ORTHOGONALIZE_COEFFICIENT_SETS(C)                \
    C(NRM_ORTHOGONALIZE_MUON, "muon")                        \
    C(NRM_ORTHOGONALIZE_POLAR_EXPRESS, "polar_express")      \
    C(NRM_ORTHOGONALIZE_POLAR_EXPRESS8, "polar_express8")    \
    C(NRM_ORTHOGONALIZE_QUINTIC_CLASSIC, "quintic_classic")  \
    C(NRM_ORTHOGONALIZE_CUBIC_CLASSIC, "cubic_classic")      \
    C(NRM_ORTHOGONALIZE_MUON8_2, "muon8+2")                  \
    C(NRM_ORTHOGONALIZE_EXACT, "exact")                      \
    C(NRM_ORTHOGONALIZE_ROOT, "root")                        \
    C(NRM_ORTHOGONALIZE_FIT, "fit")                          \
    C(NRM_ORTHOGONALIZE_BEST, "best")                        \
    C(NRM_ORTHOGONALIZE_EACH, "each")                        \
    C(NRM_ORTHOGONALIZE_GENERATED, "generated")              \
    C(NRM_ORTHOGONALIZE_GIVEN, "given")
NRM_CHOICES(nrm_orthogonalize_coefficient_set, NRM_ORTHOGONALIZE_COEFFICIENT_SETS);

#define NRM_ORTHOGONALIZE_OPTIONS(P)                                                                        \
    P(choice, coefficients, NRM_ORTHOGONALIZE_MUON, NRM_ORTHOGONALIZE_COEFFICIENT_SETS, "0.2",              \
      "muon to muon8+2: fixed sets; exact: the SVD; root: the table of ROOT's authors for the shape, else fit; fit: one " \
      "triple fitted to the shape; best: fit or polar_express, the better for the shape; each: a triple fitted for "       \
      "every step; generated: Polar Express for lower, safety, cushion; given: triples")                    \
    P(i64, steps, 0, 0, 100, "", "0.2",                                                                     \
      "Newton-Schulz steps; 0: as many as belong to the coefficients. Fits take up to 16, generated 64")    \
    P(f64, lower, 1e-3, NRM_POSITIVE, 1 - DBL_EPSILON, "", "0.2",                                           \
      "generated: least singular value over the Frobenius norm that is to reach 1")                         \
    P(f64, safety, 0.02, 0.0, 1.0, "", "0.2", "generated: room for rounding above the largest singular value") \
    P(f64, cushion, 0.02, 0.0, 1 - DBL_EPSILON, "", "0.2",                                                  \
      "generated: singular values under cushion times the largest are not fitted to")                       \
    P(flag, allow_unbounded, false, "0.2",                                                                  \
      "take coefficients (given, or of the table) that bring singular values of [0, 1] above 1.35")         \
    P(f64, rcond, 0.0, 0.0, 1 - DBL_EPSILON, "", "0.2",                                                     \
      "exact and compare: singular values up to rcond times the largest count as 0; 0: rounding, 2^-52 max(m, n)") \
    P(flag, compare, false, "0.2", "measure the distance from the polar factor and the singular values, by the SVD")
NRM_OPTIONS(orthogonalize, NRM_ORTHOGONALIZE_OPTIONS);

#define NRM_ORTHOGONALIZE_INFO(F)                                                                           \
    F(str, source, "", "where the coefficients come from: the name of a set, table, fit, generated, given or svd") \
    F(i64, steps, "", "Newton-Schulz steps taken; 0 for exact")                                             \
    F(f64, norm, "a", "Frobenius norm of a")                                                                \
    F(f64, residual, "", "|Q Q' - I|_F / sqrt(s) on the smaller side: root mean square of t^2 - 1 over the singular " \
      "values t of q")                                                                                      \
    F(f64, expected, "", "fitted coefficients: relative distance from the polar factor for a Gaussian matrix of " \
      "the shape; else NaN")                                                                                \
    F(f64, error, "", "compare: |Q - UV'|_F / |UV'|_F; else NaN")                                           \
    F(f64, largest, "", "compare: largest singular value of q; else NaN")                                   \
    F(f64, smallest, "", "compare: smallest singular value of q; else NaN")                                 \
    F(i64, rank, "", "exact and compare: singular values of a that count; else -1")                         \
    F(f64, seconds, "s", "wall time")
NRM_INFO(orthogonalize, NRM_ORTHOGONALIZE_INFO);

/* q near the polar factor of a.
 *   a        in   m x n, both at least 1, row stride lda >= n, finite; of any scale: zero rows and
 *                 columns stay zero, and so does a zero matrix
 *   count, triples  in  for coefficients = given: count (1 .. 16) rows a, b, c, the last one
 *                 serving the steps that follow; else 0 and NULL
 *   q        out  m x n, stride ldq >= n; a itself with the same stride, or apart from it
 *   info     out  may be NULL       options  in  NULL = nrm_orthogonalize_options_default()
 * f32 steps are taken in f32, with the norm in f64; exact is computed in f64.
 * NRM_OK, or with q and info as they were: NRM_E_NULL, _SHAPE, _RANGE (an option; coefficients that
 * grow, with the singular value that does and how far), _ARGUMENT (triples without given, or the
 * reverse), _ALIAS, _NONFINITE, _OVERFLOW, _NOMEM, _CANCELLED.
 * A step costs (3 s^2 l + s^3) / 2 multiply-adds; coefficients that are fitted 10 to 100 ms once.
 * The bits do not depend on the number of threads: LAPACK (exact, compare) runs on one. */
NRM_API NRM_NODISCARD nrm_status nrm_orthogonalize_f64(nrm_ctx *ctx, int64_t m, int64_t n, const double *a, int64_t lda,
                                                       int64_t count, const double *triples, double *q, int64_t ldq,
                                                       nrm_orthogonalize_info *info,
                                                       const nrm_orthogonalize_options *options);
NRM_API NRM_NODISCARD nrm_status nrm_orthogonalize_f32(nrm_ctx *ctx, int64_t m, int64_t n, const float *a, int64_t lda,
                                                       int64_t count, const double *triples, float *q, int64_t ldq,
                                                       nrm_orthogonalize_info *info,
                                                       const nrm_orthogonalize_options *options);

/* ---- Coefficients ------------------------------------------------------------------------------ */

#define NRM_ORTHOGONALIZE_COEFFICIENTS_KINDS(C)                              \
    C(NRM_ORTHOGONALIZE_COEFFICIENTS_POLAR_EXPRESS, "polar-express")         \
    C(NRM_ORTHOGONALIZE_COEFFICIENTS_TABLE, "table")                         \
    C(NRM_ORTHOGONALIZE_COEFFICIENTS_FIT, "fit")                             \
    C(NRM_ORTHOGONALIZE_COEFFICIENTS_BEST, "best")                           \
    C(NRM_ORTHOGONALIZE_COEFFICIENTS_EACH, "each")
NRM_CHOICES(nrm_orthogonalize_coefficients_kind, NRM_ORTHOGONALIZE_COEFFICIENTS_KINDS);

#define NRM_ORTHOGONALIZE_COEFFICIENTS_OPTIONS(P)                                                           \
    P(choice, kind, NRM_ORTHOGONALIZE_COEFFICIENTS_POLAR_EXPRESS, NRM_ORTHOGONALIZE_COEFFICIENTS_KINDS, "0.2", \
      "polar-express: greedy minimax on [lower, 1]; table: of ROOT's authors for rows and cols, else fit; fit: one triple " \
      "fitted to the spectrum; best: fit or polar-express, the nearer; each: a triple fitted for every step") \
    P(i64, steps, 5, 1, 64, "", "0.2", "steps the coefficients are for; fits take up to 16")                \
    P(f64, lower, 1e-3, NRM_POSITIVE, 1 - DBL_EPSILON, "", "0.2",                                           \
      "polar-express: least singular value over the Frobenius norm that is to reach 1")                     \
    P(f64, safety, 0.02, 0.0, 1.0, "", "0.2", "polar-express: room for rounding above the largest singular value") \
    P(f64, cushion, 0.02, 0.0, 1 - DBL_EPSILON, "", "0.2",                                                  \
      "polar-express: singular values under cushion times the largest are not fitted to")                   \
    P(i64, rows, 0, 0, INT64_C(1) << 53, "", "0.2",                                                         \
      "of the matrices: their singular values count as those of Gaussian ones of this shape; 0: no shape")  \
    P(i64, cols, 0, 0, INT64_C(1) << 53, "", "0.2", "of the matrices")                                      \
    P(flag, allow_unbounded, false, "0.2", "table: take an entry that brings singular values of [0, 1] above 1.35")
NRM_OPTIONS(orthogonalize_coefficients, NRM_ORTHOGONALIZE_COEFFICIENTS_OPTIONS);

#define NRM_ORTHOGONALIZE_COEFFICIENTS_INFO(F)                                                              \
    F(str, source, "", "what they are in the end: generated, table, fit or polar_express")                  \
    F(f64, divisor, "", "of (1): divide the matrix by divisor times its Frobenius norm first")              \
    F(f64, error, "", "relative distance from the polar factor on the spectrum; NaN without shape and spectrum") \
    F(f64, error_muon, "", "of the set muon there, as many steps")                                          \
    F(f64, error_quintic_classic, "", "of the set quintic_classic there, as many steps")                    \
    F(f64, error_polar_express, "", "of the set polar_express there, as many steps")                        \
    F(f64, objective, "", "what the fit minimised: mean square error with a tenth of the weight on [0.05, 1]; else NaN") \
    F(f64, sup, "", "largest value that any number of [0, 1] takes on the way")                             \
    F(f64, sup_at, "", "that number")                                                                       \
    F(f64, slope, "", "by which singular values near 0, over the Frobenius norm, are multiplied in all")               \
    F(f64, lowest, "", "polar-express: [lower, 1] ends within [lowest, 2 - lowest]; else NaN")              \
    F(i64, iterations, "", "of the fit")                                                                    \
    F(f64, seconds, "s", "wall time")
NRM_INFO(orthogonalize_coefficients, NRM_ORTHOGONALIZE_COEFFICIENTS_INFO);

/* Triples for steps of (1).
 *   count, spectrum  in  singular values over the Frobenius norm, in [0, 1] (measured, pooled from as
 *                 many matrices as there are); 0 and NULL for none.  With rows and cols too they
 *                 count half, the Gaussian ones half.  Kinds other than polar-express need one.
 *   coefficients  out  steps x 3: a, b, c of each step
 *   info     out  may be NULL       options  in  NULL = defaults
 * NRM_OK, or with coefficients and info as they were: NRM_E_NULL, _RANGE, _SHAPE (no shape and no
 * spectrum, one side alone), _NOMEM, _CANCELLED. */
NRM_API NRM_NODISCARD nrm_status nrm_orthogonalize_coefficients(nrm_ctx *ctx, int64_t count, const double *spectrum,
                                                                double *coefficients,
                                                                nrm_orthogonalize_coefficients_info *info,
                                                                const nrm_orthogonalize_coefficients_options *options);

#ifdef __cplusplus
}
#endif
#endif
