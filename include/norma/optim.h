/* norma/optim.h -- optimizers for training: one interface over flat tensors.
 *
 *     nrm_optimizer_tensor tensors[] = {
 *         {.name = "hidden.weight", .dtype = NRM_F32, .ndim = 2, .shape = (int64_t[]){256, 128}},
 *         {.name = "hidden.bias", .dtype = NRM_F32, .ndim = 1, .shape = (int64_t[]){256}}};
 *     nrm_optimizer_group groups[] = {{NRM_OPTIMIZER_MUON, NULL}, {NRM_OPTIMIZER_ADAMW, NULL}};
 *     nrm_optimizer_route(2, tensors, 0, 1);          matrices to group 0, the rest to group 1
 *     nrm_optimizer *o;
 *     nrm_optimizer_create(ctx, &o, 2, groups, 2, tensors);
 *     nrm_optimizer_step(ctx, o, parameters, gradients, 1.0);          once for every batch
 *     nrm_optimizer_destroy(ctx, o);
 *
 * Parameters and gradients are the caller's, contiguous and row-major, f32 or f64 for each
 * tensor; state has the tensor's type.  An optimizer serves one thread at a time.  A step
 * allocates nothing and gives the same bits for any number of threads.  What each optimizer
 * computes: docs/optimizers.md. */
#ifndef NORMA_OPTIM_H
#define NORMA_OPTIM_H

#include <norma/io.h>
#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_OPTIMIZER_KINDS(C)       \
    C(NRM_OPTIMIZER_SGD, "sgd")      \
    C(NRM_OPTIMIZER_ADAMW, "adamw")  \
    C(NRM_OPTIMIZER_MUON, "muon")    \
    C(NRM_OPTIMIZER_NORMUON, "normuon") \
    C(NRM_OPTIMIZER_ROOT, "root") \
    C(NRM_OPTIMIZER_AUON, "auon") \
    C(NRM_OPTIMIZER_HYBRID_AUON, "hybrid-auon") \
    C(NRM_OPTIMIZER_LION, "lion") \
    C(NRM_OPTIMIZER_DCT_ADAMW, "dct-adamw") \
    C(NRM_OPTIMIZER_TRION, "trion")  \
    C(NRM_OPTIMIZER_GALORE, "galore") \
    C(NRM_OPTIMIZER_LDADAM, "ldadam") \
    C(NRM_OPTIMIZER_FRUGAL, "frugal") \
    C(NRM_OPTIMIZER_FIRA, "fira")    \
    C(NRM_OPTIMIZER_DION, "dion")
NRM_CHOICES(nrm_optimizer_kind, NRM_OPTIMIZER_KINDS);

/* ---- Options --------------------------------------------------------------------------
 * eta = lr times the factor given to a step. */

/* d = g + weight_decay w;  m <- momentum m + d;  w <- w - eta (nesterov ? d + momentum m : m);
 * decoupled: d = g and w <- (1 - eta weight_decay) w - ... */
#define NRM_SGD_OPTIONS(P)                                                                        \
    P(f64, lr, 0.01, NRM_POSITIVE, DBL_MAX, "", "0.2", "base step")                               \
    P(f64, momentum, 0.0, 0.0, 1 - DBL_EPSILON, "", "0.2", "share of the last step that is kept; below 1") \
    P(flag, nesterov, false, "0.2", "look ahead: needs momentum > 0")                             \
    P(f64, weight_decay, 0.0, 0.0, DBL_MAX, "", "0.2", "pull of the weights towards 0")           \
    P(flag, decoupled, false, "0.2", "shrink the weights by eta weight_decay instead of adding it to the gradient")
NRM_OPTIONS(sgd, NRM_SGD_OPTIONS);

/* m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;
 * w <- (1 - eta weight_decay) w - eta (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps) */
#define NRM_ADAMW_OPTIONS(P)                                                                      \
    P(f64, lr, 1e-3, NRM_POSITIVE, DBL_MAX, "", "0.2", "base step")                               \
    P(f64, beta1, 0.9, 0.0, 1 - DBL_EPSILON, "", "0.2", "memory of the mean gradient; below 1")   \
    P(f64, beta2, 0.999, 0.0, 1 - DBL_EPSILON, "", "0.2", "memory of the mean square; below 1")   \
    P(f64, eps, 1e-8, NRM_POSITIVE, DBL_MAX, "", "0.2", "added to the root of the mean square")   \
    P(f64, weight_decay, 0.01, 0.0, DBL_MAX, "", "0.2", "the weights shrink by eta weight_decay a step")
NRM_OPTIONS(adamw, NRM_ADAMW_OPTIONS);

/* w <- (1 - eta weight_decay) w - eta sign(beta1 m + (1 - beta1) g);  m <- beta2 m + (1 - beta2) g */
#define NRM_LION_OPTIONS(P)                                                                       \
    P(f64, lr, 1e-4, NRM_POSITIVE, DBL_MAX, "", "0.2", "base step: that of every element")        \
    P(f64, beta1, 0.9, 0.0, 1 - DBL_EPSILON, "", "0.2", "share of the memory in the sign; below 1") \
    P(f64, beta2, 0.99, 0.0, 1 - DBL_EPSILON, "", "0.2", "memory of the mean gradient; below 1")  \
    P(f64, weight_decay, 0.0, 0.0, DBL_MAX, "", "0.2", "the weights shrink by eta weight_decay a step")
NRM_OPTIONS(lion, NRM_LION_OPTIONS);

#define NRM_ORTHOGONALISERS(C)                              \
    C(NRM_ORTHOGONALISE_MUON, "muon")                       \
    C(NRM_ORTHOGONALISE_POLAR_EXPRESS, "polar_express")     \
    C(NRM_ORTHOGONALISE_POLAR_EXPRESS8, "polar_express8")   \
    C(NRM_ORTHOGONALISE_QUINTIC_CLASSIC, "quintic_classic") \
    C(NRM_ORTHOGONALISE_CUBIC_CLASSIC, "cubic_classic")     \
    C(NRM_ORTHOGONALISE_MUON8_2, "muon8+2")                 \
    C(NRM_ORTHOGONALISE_EXACT, "exact")
NRM_CHOICES(nrm_orthogonaliser, NRM_ORTHOGONALISERS);

#define NRM_MATRIX_SCALES(C)                  \
    C(NRM_MATRIX_SCALE_MATCH_FAN, "match_fan") \
    C(NRM_MATRIX_SCALE_SPECTRAL, "spectral")   \
    C(NRM_MATRIX_SCALE_RMS, "rms")             \
    C(NRM_MATRIX_SCALE_NONE, "none")
NRM_CHOICES(nrm_matrix_scale, NRM_MATRIX_SCALES);

#define NRM_MOMENTUM_FORMS(C)  \
    C(NRM_MOMENTUM_EMA, "ema") \
    C(NRM_MOMENTUM_SUM, "sum")
NRM_CHOICES(nrm_momentum_form, NRM_MOMENTUM_FORMS);

/* What the optimizers that orthogonalise have in common; their options begin with it.
 *   ema  M <- momentum M + (1 - momentum) G;  U = nesterov ? momentum M + (1 - momentum) G : M
 *   sum  M <- momentum M + G;                 U = nesterov ? momentum M + G : M */
#define NRM_MATRIX_OPTIONS(P, LR, COEFFICIENTS, LIST, SCALE, DECAY, FORM)                             \
    P(f64, lr, LR, NRM_POSITIVE, DBL_MAX, "", "0.2", "base step")                                     \
    P(f64, momentum, 0.95, 0.0, 1 - DBL_EPSILON, "", "0.2", "memory of the gradients; below 1")       \
    P(flag, nesterov, true, "0.2", "look ahead")                                                      \
    P(choice, coefficients, COEFFICIENTS, LIST, "0.2",                                                \
      "polynomial of the Newton-Schulz steps; exact: the polar factor by the SVD")                    \
    P(i64, steps, 0, 0, 100, "", "0.2", "Newton-Schulz steps; 0 = as many as belong to the coefficients") \
    P(choice, scale, SCALE, NRM_MATRIX_SCALES, "0.2",                                                 \
      "match_fan max(1, m/n)^(1/2), spectral (m/n)^(1/2), rms 0.2 max(m, n)^(1/2), none 1")           \
    P(f64, weight_decay, DECAY, 0.0, DBL_MAX, "", "0.2", "the weights shrink by eta weight_decay a step") \
    P(choice, momentum_form, FORM, NRM_MOMENTUM_FORMS, "0.2", "ema: a mean of the gradients; sum: a sum") \
    P(i64, momentum_warmup, 0, 0, INT64_C(1) << 53, "", "0.2", "steps in which the momentum rises from momentum_start") \
    P(f64, momentum_start, 0.85, 0.0, 1 - DBL_EPSILON, "", "0.2", "momentum of the first step of a warm-up") \
    P(flag, cautious_decay, false, "0.2", "decay only what the step moves towards 0 too")             \
    P(f64, eps, 0.0, 0.0, DBL_MAX, "", "0.2", "added to the norm U is divided by; 0 = that of the coefficients") \
    P(f64, safety, 0.0, 0.0, 1e3, "", "0.2", "multiplies that norm, >= 1; 0 = that of the coefficients")
#define NRM_MATRIX_USUAL_OPTIONS(P)                                                                   \
    NRM_MATRIX_OPTIONS(P, 0.02, NRM_ORTHOGONALISE_MUON, NRM_ORTHOGONALISERS, NRM_MATRIX_SCALE_MATCH_FAN, 0.0, NRM_MOMENTUM_EMA)
NRM_OPTIONS(matrix, NRM_MATRIX_USUAL_OPTIONS);

/* For a matrix of m rows and n columns:
 * W <- (1 - eta weight_decay) W - eta scale orthogonalise(U) */
#define NRM_MUON_OPTIONS(P) NRM_MATRIX_USUAL_OPTIONS(P)
NRM_OPTIONS(muon, NRM_MUON_OPTIONS);

#define NRM_NORMUON_VARIANTS(C)    \
    C(NRM_NORMUON_CODE, "code")   \
    C(NRM_NORMUON_PAPER, "paper")
NRM_CHOICES(nrm_normuon_variant, NRM_NORMUON_VARIANTS);

#define NRM_NORMUON_AXES(C)          \
    C(NRM_NORMUON_AXIS_ROW, "row")   \
    C(NRM_NORMUON_AXIS_LONG, "long")
NRM_CHOICES(nrm_normuon_axis, NRM_NORMUON_AXES);

/* O = orthogonalise(U);  v_i <- beta2 v_i + (1 - beta2) mean_j O_ij^2;  H_ij = O_ij / (sqrt(v_i) + eps_row)
 *   code   W <- (1 - eta weight_decay) W - eta scale |O| / |H| H          (Frobenius norms)
 *   paper  U = M;  W <- (1 - eta weight_decay) W - 0.2 eta sqrt(m n) / |H| H  (neither nesterov nor scale) */
#define NRM_NORMUON_OPTIONS(P)                                                                        \
    NRM_MATRIX_USUAL_OPTIONS(P)                                                                       \
    P(choice, variant, NRM_NORMUON_CODE, NRM_NORMUON_VARIANTS, "0.2",                                 \
      "code: as large a step as Muon's; paper: root mean square 0.2 eta, without nesterov and scale") \
    P(f64, beta2, 0.95, 0.0, 1 - DBL_EPSILON, "", "0.2", "memory of the mean squares of the rows; below 1") \
    P(f64, eps_row, 0.0, 0.0, DBL_MAX, "", "0.2", "added to the root of a row's mean square; 0 = 1e-10, paper: 1e-8") \
    P(choice, axis, NRM_NORMUON_AXIS_ROW, NRM_NORMUON_AXES, "0.2", "row: every row; long: the columns of a wide matrix")
NRM_OPTIONS(normuon, NRM_NORMUON_OPTIONS);

/* After those of NRM_ORTHOGONALISERS, each at its place. */
#define NRM_ROOT_COEFFICIENTS(C)     \
    NRM_ORTHOGONALISERS(C)           \
    C(NRM_ROOT_TABLE, "table")       \
    C(NRM_ROOT_FIT, "fit")           \
    C(NRM_ROOT_BEST, "best")         \
    C(NRM_ROOT_EACH, "each")         \
    C(NRM_ROOT_USER, "user")
enum { NRM_ROOT_TABLE = nrm_orthogonaliser_count, NRM_ROOT_FIT, NRM_ROOT_BEST, NRM_ROOT_EACH, NRM_ROOT_USER };

#define NRM_ROOT_EPS_MODES(C)           \
    C(NRM_ROOT_QUANTILE, "quantile")    \
    C(NRM_ROOT_FIXED, "fixed")          \
    C(NRM_ROOT_SAMPLED, "sampled")
NRM_CHOICES(nrm_root_eps_mode, NRM_ROOT_EPS_MODES);

/* B = U clipped to [-e, e], e = quantile of |U_ij| + 1e-9;
 * W <- (1 - eta weight_decay) W - eta scale orthogonalise(B).  coefficients, beside those of muon:
 * table (of ROOT's authors for the shape, else fit), fit (one triple fitted to the shape), best (fit
 * or polar_express, the nearer for the shape), each (a triple fitted for every step), user (a, b, c). */
#define NRM_ROOT_OPTIONS(P)                                                                           \
    NRM_MATRIX_OPTIONS(P, 1e-3, NRM_ROOT_TABLE, NRM_ROOT_COEFFICIENTS, NRM_MATRIX_SCALE_RMS, 0.1, NRM_MOMENTUM_SUM) \
    P(f64, quantile, 0.9, NRM_POSITIVE, 1.0, "", "0.2", "share of the entries that are not clipped; 1: none is") \
    P(choice, eps_mode, NRM_ROOT_QUANTILE, NRM_ROOT_EPS_MODES, "0.2",                                 \
      "clip at the quantile; at threshold; at the quantile of 65536 entries or fewer")                \
    P(f64, threshold, 0.0, 0.0, DBL_MAX, "", "0.2", "where eps_mode=fixed clips")                     \
    P(f64, a, 0.0, -DBL_MAX, DBL_MAX, "", "0.2", "coefficients=user: of a t + b t^3 + c t^5")         \
    P(f64, b, 0.0, -DBL_MAX, DBL_MAX, "", "0.2", "as a")                                              \
    P(f64, c, 0.0, -DBL_MAX, DBL_MAX, "", "0.2", "as a")                                              \
    P(flag, allow_unbounded, false, "0.2",                                                            \
      "take coefficients (table, user) that bring singular values of [0, 1] above 1.35 on the way")
NRM_OPTIONS(root, NRM_ROOT_OPTIONS);

#define NRM_AUON_VARIANTS(C)     \
    C(NRM_AUON_PAPER, "paper")   \
    C(NRM_AUON_REPO, "repo")
NRM_CHOICES(nrm_auon_variant, NRM_AUON_VARIANTS);

/* After those of NRM_MATRIX_SCALES, each at its place. */
#define NRM_AUON_SCALES(C) NRM_MATRIX_SCALES(C) C(NRM_AUON_SCALE_AUTO, "auto")
enum { NRM_AUON_SCALE_AUTO = nrm_matrix_scale_count };

/* g = nesterov ? momentum M + (1 - momentum) G : M;  X = g / (|g| + eps_norm);
 * r = sqrt(mean cosh(gamma X)^2);  U = X / (r + eps_rms), repo: g / (r + eps_rms);
 * W <- (1 - eta weight_decay) W - eta scale U.
 * With hybrid_steps > 0, Y = g after so many Newton-Schulz steps:  U = Y / (r + eps_rms),
 * r = sqrt(mean cosh(gamma Y)^2), repo: of gamma Y / (|Y| + eps_norm). */
#define NRM_AUON_FAMILY_OPTIONS(P, LR, STEPS)                                                         \
    P(f64, lr, LR, NRM_POSITIVE, DBL_MAX, "", "0.2", "base step; lr weight_decay is below 1")         \
    P(f64, momentum, 0.95, 0.0, 1.0, "", "0.2", "memory of the mean gradient")                        \
    P(flag, nesterov, true, "0.2", "look ahead")                                                      \
    P(f64, weight_decay, 0.0, 0.0, DBL_MAX, "", "0.2", "the weights shrink by eta weight_decay a step") \
    P(choice, variant, NRM_AUON_PAPER, NRM_AUON_VARIANTS, "0.2",                                      \
      "paper: a normalised step; repo: one of the size of the gradient, or of the orthogonalised one") \
    P(f64, gamma, -1.0, -1.0, 20.0, "", "0.2", "inside cosh; -1 = that of the variant: paper 1, repo 1.5") \
    P(i64, hybrid_steps, STEPS, -1, 100, "", "0.2", "Newton-Schulz steps first; -1 = as the variant: paper 1, repo 5") \
    P(choice, scale, NRM_AUON_SCALE_AUTO, NRM_AUON_SCALES, "0.2", "as for muon; auto: paper match_fan, repo none") \
    P(f64, eps_norm, 1e-7, NRM_POSITIVE, DBL_MAX, "", "0.2", "added to norms")                        \
    P(f64, eps_rms, 1e-8, NRM_POSITIVE, DBL_MAX, "", "0.2", "added to r")
#define NRM_AUON_OPTIONS(P) NRM_AUON_FAMILY_OPTIONS(P, 0.24, 0)
NRM_OPTIONS(auon, NRM_AUON_OPTIONS);
#define NRM_HYBRID_AUON_OPTIONS(P) NRM_AUON_FAMILY_OPTIONS(P, 0.02, -1)
NRM_OPTIONS(hybrid_auon, NRM_HYBRID_AUON_OPTIONS);

/* ---- Low rank ------------------------------------------------------------------------------
 * For a matrix of m rows and n columns.  right projects its rows: G P (m x rank), left its
 * columns: P'G (rank x n); auto is the shorter side.  P has orthonormal columns. */

#define NRM_BASES(C)                  \
    C(NRM_BASIS_DCT2, "dct2")         \
    C(NRM_BASIS_DCT3, "dct3")         \
    C(NRM_BASIS_HADAMARD, "hadamard") \
    C(NRM_BASIS_RANDOM, "random")     \
    C(NRM_BASIS_IDENTITY, "identity")
NRM_CHOICES(nrm_basis_kind, NRM_BASES);

#define NRM_BASIS_TRANSFORMS(C) \
    C(NRM_BASIS_AUTO, "auto")   \
    C(NRM_BASIS_FFT, "fft")     \
    C(NRM_BASIS_GEMM, "gemm")
NRM_CHOICES(nrm_basis_transform, NRM_BASIS_TRANSFORMS);

#define NRM_PROJECTORS(C)                 \
    C(NRM_PROJECTOR_SVD, "svd")           \
    C(NRM_PROJECTOR_COLUMNS, "columns")   \
    C(NRM_PROJECTOR_DCT2, "dct2")         \
    C(NRM_PROJECTOR_DCT3, "dct3")         \
    C(NRM_PROJECTOR_HADAMARD, "hadamard") \
    C(NRM_PROJECTOR_RANDOM, "random")     \
    C(NRM_PROJECTOR_IDENTITY, "identity")
NRM_CHOICES(nrm_projector_kind, NRM_PROJECTORS);

#define NRM_PROJECTED_SIDES(C)  \
    C(NRM_PROJECT_AUTO, "auto") \
    C(NRM_PROJECT_LEFT, "left") \
    C(NRM_PROJECT_RIGHT, "right")
NRM_CHOICES(nrm_projected_side, NRM_PROJECTED_SIDES);

#define NRM_ERROR_FEEDBACKS(C)          \
    C(NRM_ERROR_FEEDBACK_OFF, "off")    \
    C(NRM_ERROR_FEEDBACK_FULL, "full")  \
    C(NRM_ERROR_FEEDBACK_8BIT, "8bit")  \
    C(NRM_ERROR_FEEDBACK_4BIT, "4bit")
NRM_CHOICES(nrm_error_feedback, NRM_ERROR_FEEDBACKS);

#define NRM_LOW_RANK_ADAM_OPTIONS(P, LR, BETA1, BETA2, EPS)                                       \
    P(f64, lr, LR, NRM_POSITIVE, DBL_MAX, "", "0.2", "base step")                                 \
    P(f64, beta1, BETA1, 0.0, 1 - DBL_EPSILON, "", "0.2", "memory of the mean gradient; below 1") \
    P(f64, beta2, BETA2, 0.0, 1 - DBL_EPSILON, "", "0.2", "memory of the mean square; below 1")   \
    P(f64, eps, EPS, NRM_POSITIVE, DBL_MAX, "", "0.2", "added to the root of the mean square")    \
    P(f64, weight_decay, 0.0, 0.0, DBL_MAX, "", "0.2", "the weights shrink by eta weight_decay a step")
#define NRM_RANK_OPTION(P) \
    P(i64, rank, 0, 0, INT32_MAX, "", "0.2", "dimensions of the subspace, at most the projected side of every matrix; 0: a quarter of it, up to 128")
#define NRM_SIDE_OPTION(P) \
    P(choice, side, NRM_PROJECT_AUTO, NRM_PROJECTED_SIDES, "0.2", "which side is projected; auto: the shorter one")
#define NRM_SELECTION_OPTIONS(P)                                                                  \
    P(i64, ell_norm, 1, 1, 2, "", "0.2", "norm that scores the columns of a basis; 2 leaves the least behind") \
    P(choice, transform, NRM_BASIS_AUTO, NRM_BASIS_TRANSFORMS, "0.2",                             \
      "how a basis is applied: fast, or as a product; auto: fast from length 64 on")              \
    P(i64, seed, 0, 0, INT64_C(1) << 26, "", "0.2", "of random bases and random columns")
#define NRM_BASIS_OPTION(P) \
    P(choice, basis, NRM_BASIS_DCT2, NRM_BASES, "0.2", "the orthogonal basis whose columns are chosen")
#define NRM_PROJECTOR_OPTIONS(P)                                                                  \
    P(i64, update_gap, 200, 1, INT64_MAX, "", "0.2", "steps between two subspaces")               \
    P(choice, projector, NRM_PROJECTOR_SVD, NRM_PROJECTORS, "0.2",                                \
      "singular vectors of the gradient, random columns of I, or the best columns of a basis")

/* A = G + E;  I: the columns of the basis D that A lies along, at step 1 and when update_gap
 * divides t;  a = down(A), E <- A - up(a);  Adam on a;  W <- (1 - eta weight_decay) W - eta up(u) */
#define NRM_DCT_ADAMW_OPTIONS(P)                                                                  \
    NRM_LOW_RANK_ADAM_OPTIONS(P, 1e-3, 0.9, 0.999, 1e-8)                                          \
    NRM_RANK_OPTION(P)                                                                            \
    NRM_BASIS_OPTION(P)                                                                           \
    P(i64, update_gap, 1, 1, INT64_MAX, "", "0.2", "columns are chosen anew when it divides the step's number") \
    P(flag, rotate, true, "0.2", "moments follow their columns when the choice changes")          \
    P(choice, error_feedback, NRM_ERROR_FEEDBACK_FULL, NRM_ERROR_FEEDBACKS, "0.2",                \
      "what the projection leaves behind is added to the next gradient; kept in full, or in 8 or 4 bits") \
    P(i64, max_shape, 32000, 1, INT64_MAX, "", "0.2", "a matrix with a side of this or more gets AdamW") \
    NRM_SIDE_OPTION(P)                                                                            \
    NRM_SELECTION_OPTIONS(P)
NRM_OPTIONS(dct_adamw, NRM_DCT_ADAMW_OPTIONS);

/* B <- B + G;  b = down(B), B <- B - (1 - momentum) up(b);
 * W <- (1 - eta weight_decay) W - eta scale up(orthogonalise(b)) */
#define NRM_TRION_OPTIONS(P)                                                                      \
    P(f64, lr, 0.02, NRM_POSITIVE, DBL_MAX, "", "0.2", "base step")                               \
    P(f64, momentum, 0.95, 0.0, 1.0, "", "0.2", "share of what was stepped along that is kept")   \
    P(choice, coefficients, NRM_ORTHOGONALISE_MUON, NRM_ORTHOGONALISERS, "0.2",                   \
      "polynomial of the Newton-Schulz steps; exact: the polar factor by the SVD")                \
    P(i64, steps, 0, 0, 100, "", "0.2", "Newton-Schulz steps; 0 = as many as belong to the coefficients") \
    P(choice, scale, NRM_MATRIX_SCALE_SPECTRAL, NRM_MATRIX_SCALES, "0.2",                         \
      "match_fan max(1, m/n)^(1/2), spectral (m/n)^(1/2), rms 0.2 max(m, n)^(1/2), none 1")       \
    P(f64, weight_decay, 0.0, 0.0, DBL_MAX, "", "0.2", "the weights shrink by eta weight_decay a step") \
    NRM_RANK_OPTION(P)                                                                            \
    NRM_BASIS_OPTION(P)                                                                           \
    NRM_SIDE_OPTION(P)                                                                            \
    NRM_SELECTION_OPTIONS(P)
NRM_OPTIONS(trion, NRM_TRION_OPTIONS);

/* P anew every update_gap steps;  Adam's M, V on P'G;
 * W <- (1 - eta weight_decay) (W - eta alpha (1 - beta2^t)^(1/2) / (1 - beta1^t) P (M / (V^(1/2) + eps))) */
#define NRM_GALORE_OPTIONS(P)                                                                     \
    NRM_LOW_RANK_ADAM_OPTIONS(P, 0.01, 0.9, 0.999, 1e-6)                                          \
    NRM_RANK_OPTION(P)                                                                            \
    P(f64, alpha, 0.25, NRM_POSITIVE, DBL_MAX, "", "0.2", "multiplies the step")                  \
    NRM_PROJECTOR_OPTIONS(P)                                                                      \
    NRM_SIDE_OPTION(P)                                                                            \
    NRM_SELECTION_OPTIONS(P)
NRM_OPTIONS(galore, NRM_GALORE_OPTIONS);

/* As galore, with alpha P psi + phi (G - alpha P P'G) in the place of alpha P psi,
 * psi = M / (V^(1/2) + eps), phi = |psi| / |P'G| for each row or column. */
#define NRM_FIRA_OPTIONS(P)                                                                       \
    NRM_LOW_RANK_ADAM_OPTIONS(P, 0.01, 0.9, 0.999, 1e-6)                                          \
    NRM_RANK_OPTION(P)                                                                            \
    P(f64, alpha, 0.25, NRM_POSITIVE, DBL_MAX, "", "0.2", "multiplies the step in the subspace")  \
    P(f64, growth_limit, 1.01, 1.0, DBL_MAX, "", "0.2", "the rest grows by at most this factor a step") \
    NRM_PROJECTOR_OPTIONS(P)                                                                      \
    NRM_SIDE_OPTION(P)                                                                            \
    NRM_SELECTION_OPTIONS(P)
NRM_OPTIONS(fira, NRM_FIRA_OPTIONS);

/* AdamW on P'G, the sign of the rest: W <- (1 - eta weight_decay) W - eta P u
 * - eta residual_scale sign(G - P P'G);  P anew, M = V = 0, every update_gap steps. */
#define NRM_FRUGAL_OPTIONS(P)                                                                     \
    NRM_LOW_RANK_ADAM_OPTIONS(P, 1e-3, 0.9, 0.999, 1e-8)                                          \
    P(f64, density, 0.25, NRM_POSITIVE, 1.0, "", "0.2", "rank / projected side: rounded, for columns down; at least 1") \
    P(f64, residual_scale, 1.0, 0.0, DBL_MAX, "", "0.2", "step of the signs, in steps")           \
    NRM_PROJECTOR_OPTIONS(P)                                                                      \
    NRM_SIDE_OPTION(P)                                                                            \
    NRM_SELECTION_OPTIONS(P)
NRM_OPTIONS(frugal, NRM_FRUGAL_OPTIONS);

/* A = G + E;  P: one step of block power iteration on rho P M + (1 - rho) A;  the moments turned
 * into it;  E <- A - P P'A + what the turn lost;  W <- (1 - eta weight_decay) W - eta P u */
#define NRM_LDADAM_OPTIONS(P)                                                                     \
    NRM_LOW_RANK_ADAM_OPTIONS(P, 1e-3, 0.908, 0.99, 1e-8)                                         \
    NRM_RANK_OPTION(P)                                                                            \
    P(f64, rho, 0.908, 0.0, 1.0, "", "0.2", "weight of the mean gradient in the new subspace")    \
    P(flag, error_feedback, true, "0.2", "what the projection leaves behind is added to the next gradient") \
    NRM_SIDE_OPTION(P)
NRM_OPTIONS(ldadam, NRM_LDADAM_OPTIONS);

/* B <- B + G;  P = orth(B Q);  R = B'P;  B <- B - (1 - momentum) P R';  Q <- R / |columns of R|;
 * W <- (1 - eta weight_decay) W - eta scale P Q' */
#define NRM_DION_OPTIONS(P)                                                                       \
    P(f64, lr, 0.02, NRM_POSITIVE, DBL_MAX, "", "0.2", "base step")                               \
    P(f64, momentum, 0.95, 0.0, 1.0, "", "0.2", "share of what was stepped along that is kept")   \
    P(choice, scale, NRM_MATRIX_SCALE_SPECTRAL, NRM_MATRIX_SCALES, "0.2",                         \
      "match_fan max(1, m/n)^(1/2), spectral (m/n)^(1/2), rms 0.2 max(m, n)^(1/2), none 1")       \
    P(f64, weight_decay, 0.01, 0.0, DBL_MAX, "", "0.2", "the weights shrink by eta weight_decay a step") \
    NRM_RANK_OPTION(P)                                                                            \
    P(i64, seed, 0, 0, INT64_C(1) << 26, "", "0.2", "of the first Q")
NRM_OPTIONS(dion, NRM_DION_OPTIONS);

/* Room for the options of any kind, for those who learn the kind at run time. */
typedef union nrm_optimizer_options {
    size_t size;
    nrm_sgd_options sgd;
    nrm_adamw_options adamw;
    nrm_lion_options lion;
    nrm_matrix_options matrix; /* how those that orthogonalise begin */
    nrm_muon_options muon;
    nrm_normuon_options normuon;
    nrm_root_options root;
    nrm_auon_options auon; /* and how hybrid_auon begins */
    nrm_hybrid_auon_options hybrid_auon;
    nrm_dct_adamw_options dct_adamw;
    nrm_trion_options trion;
    nrm_galore_options galore;
    nrm_ldadam_options ldadam;
    nrm_frugal_options frugal;
    nrm_fira_options fira;
    nrm_dion_options dion;
} nrm_optimizer_options;

NRM_API const char *nrm_optimizer_kind_name(nrm_optimizer_kind kind); /* "muon"; "unknown" */
/* NRM_E_ARGUMENT lists the names and the nearest. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_kind_find(nrm_ctx *ctx, const char *name, nrm_optimizer_kind *kind);
/* True where the optimizer works on whole matrices. */
NRM_API bool nrm_optimizer_kind_takes_matrices(nrm_optimizer_kind kind);
/* The options of a kind as a table, for help and parsing (norma/method.h). */
NRM_API const nrm_param *nrm_optimizer_params(nrm_optimizer_kind kind, int *count);
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_options_init(nrm_ctx *ctx, nrm_optimizer_kind kind,
                                                            nrm_optimizer_options *options);
/* Set one option from text: "lr" to "0.02".  NRM_E_ARGUMENT, _RANGE: the option, the value,
 * the rule. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_options_set(nrm_ctx *ctx, nrm_optimizer_kind kind,
                                                           nrm_optimizer_options *options, const char *name,
                                                           const char *text);
/* Several, "beta2=0.9, axis=long": separated by spaces or commas; a fault changes none. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_options_parse(nrm_ctx *ctx, nrm_optimizer_kind kind,
                                                             nrm_optimizer_options *options, const char *text);

/* All kinds as one JSON array, for programs: name, summary, matrices (does it take whole
 * matrices?), options_size (of its struct), parameters as in nrm_methods_json.  Free with
 * nrm_free_string. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizers_json(nrm_ctx *ctx, char **json);

/* ---- Tensors and groups ------------------------------------------------------------------ */

enum { /* what a tensor is, where its shape does not tell */
    NRM_OPTIMIZER_EMBEDDING = 1,
    NRM_OPTIMIZER_HEAD = 2
};

/* Names and shapes are copied by nrm_optimizer_create. */
typedef struct nrm_optimizer_tensor {
    const char *name; /* not empty, its own */
    nrm_dtype dtype;  /* NRM_F32 or NRM_F64 */
    int ndim;
    const int64_t *shape;
    unsigned flags;   /* NRM_OPTIMIZER_ bits */
    int group;        /* which group updates it */
    /* Matrix optimizers: heights of row blocks that are matrices of their own (fused query,
     * key, value).  They sum to shape[0]; 0: the tensor is one matrix. */
    int split_count;
    const int64_t *split;
} nrm_optimizer_tensor;

/* Matrix optimizers see a tensor of 2 to 4 axes as shape[0] x (the rest). */
typedef struct nrm_optimizer_group {
    nrm_optimizer_kind kind;
    const void *options; /* nrm_sgd_options, nrm_adamw_options ... as kind says; NULL: defaults; copied */
} nrm_optimizer_group;

/* Put hidden matrices (2 to 4 axes, seen as a matrix at least 2 x 2, neither embedding nor
 * head) in matrix_group and all other tensors in other_group. */
NRM_API void nrm_optimizer_route(int64_t count, nrm_optimizer_tensor *tensors, int matrix_group, int other_group);

/* ---- The optimizer -------------------------------------------------------------------------- */

typedef struct nrm_optimizer nrm_optimizer;

/* All memory is taken here: the state (zero) and, for matrix optimizers, work for as many
 * threads as ctx has now.  A matrix routed there that looks like an embedding (one side over
 * 20 times the other) is logged as a warning.  NRM_E_NULL, _ARGUMENT, _RANGE (an option, by
 * name), _DTYPE, _SHAPE (a tensor, by name), _OVERFLOW, _NOMEM. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_create(nrm_ctx *ctx, nrm_optimizer **optimizer, int group_count,
                                                      const nrm_optimizer_group *groups, int64_t tensor_count,
                                                      const nrm_optimizer_tensor *tensors);
NRM_API void nrm_optimizer_destroy(nrm_ctx *ctx, nrm_optimizer *optimizer); /* NULL is fine */

/* One step of every tensor.
 *   parameters  in/out  parameters[i]: the elements of tensor i
 *   gradients   in      gradients[i]: as many, of the same type; not changed
 *   factor      in      multiplies every group's lr (a schedule); >= 0.  0 moves the state alone
 * NRM_E_NONFINITE (the first gradient that is not finite, by tensor and index), _NULL,
 * _RANGE, _ALIAS (a parameter that overlaps its gradient), _CANCELLED (before the first
 * change; a step that has begun ends): parameters and state are as they were.  Small matrices
 * are shared out among the threads whole, large ones in tiles; every BLAS call runs on one
 * thread. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_step(nrm_ctx *ctx, nrm_optimizer *optimizer, void *const *parameters,
                                                    const void *const *gradients, double factor);
/* The same with gradients that count max_norm / norm times where their common 2-norm exceeds
 * max_norm > 0 (INFINITY: measure only): nrm_clip_gradients and a step, without a pass of its
 * own and without writing to the gradients.  *norm (may be NULL): the norm, untouched after a
 * failure. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_step_clipped(nrm_ctx *ctx, nrm_optimizer *optimizer,
                                                            void *const *parameters, const void *const *gradients,
                                                            double factor, double max_norm, double *norm);
/* What such a step would be refused for, without the step: for those who step several optimizers
 * together, or none. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_check(nrm_ctx *ctx, nrm_optimizer *optimizer, void *const *parameters,
                                                     const void *const *gradients, double factor);
NRM_API int64_t nrm_optimizer_steps(const nrm_optimizer *optimizer); /* steps taken */
/* Other options for a group from now on (NULL: its defaults), the state staying as it is.
 * NRM_E_RANGE, _ARGUMENT (options that the tensors or their state do not fit), _NOMEM: nothing
 * is changed.  Of an optimizer that ranks share all call it, with the same options.  Options that need other work space or constants take memory; rates, momenta
 * and decays do not. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_set_options(nrm_ctx *ctx, nrm_optimizer *optimizer, int group,
                                                           const void *options);

/* State by name: "optimizer.step" (i64, 0-dimensional) and, for each tensor and array of its
 * optimizer's state, "adamw.m:block0.w" (of a row block "muon.m:qkv#2").  A bundle of them, saved, loaded and given to an
 * optimizer made the same way, goes on with the same bits.  `view` is of the optimizer's memory; false:
 * out of range. */
NRM_API int64_t nrm_optimizer_state_count(const nrm_optimizer *optimizer);
NRM_API int64_t nrm_optimizer_state_bytes(const nrm_optimizer *optimizer);
NRM_API bool nrm_optimizer_state_at(nrm_optimizer *optimizer, int64_t i, const char **name, nrm_array *view);
/* Take the state from a bundle, which may hold other arrays too.  NRM_E_ARGUMENT (a state that
 * is missing), _DTYPE, _SHAPE, _NONFINITE, _RANGE (negative where it cannot be), each by
 * name: nothing is changed. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_load_state(nrm_ctx *ctx, nrm_optimizer *optimizer,
                                                          const nrm_bundle *bundle);

/* ---- Gradients ----------------------------------------------------------------------------------- */

/* Scale all gradients (count arrays of `sizes` elements, all f32 or all f64) by
 * max_norm / norm where their common 2-norm exceeds max_norm > 0 (INFINITY: measure only).
 * *norm (may be NULL) is the norm before, summed in f64 over fixed blocks.  NRM_E_NONFINITE
 * names the gradient and index; the gradients are as they were. */
NRM_API NRM_NODISCARD nrm_status nrm_clip_gradients(nrm_ctx *ctx, int64_t count, nrm_dtype dtype,
                                                    void *const *gradients, const int64_t *sizes, double max_norm,
                                                    double *norm);

/* ---- L-BFGS: full batch, f64 ----------------------------------------------------------------------- */

#define NRM_LBFGS_MINIMISE_OPTIONS(P)                                                                  \
    P(i64, memory, 10, 1, 1000, "", "0.2", "steps remembered")                                         \
    P(i64, max_iter, 500, 1, INT64_C(1) << 53, "", "0.2", "most steps")                                \
    P(f64, tolerance, 1e-6, 0.0, DBL_MAX, "", "0.2", "stop where no derivative exceeds it")            \
    P(f64, first_step, 1.0, NRM_POSITIVE, DBL_MAX, "", "0.2", "length of the first step, in the units of the parameters")
NRM_OPTIONS(lbfgs_minimise, NRM_LBFGS_MINIMISE_OPTIONS);

#define NRM_LBFGS_MINIMISE_INFO(F)                                               \
    F(f64, value, "", "the objective at the end")                                \
    F(f64, residual, "", "largest derivative there, in size")                    \
    F(i64, iterations, "", "steps taken")                                        \
    F(i64, evaluations, "", "calls of the objective")                            \
    F(i64, armijo_only, "", "steps without a Wolfe point: > 0 hints at kinks")   \
    F(flag, stalled, "", "no point of decrease was left: a kink, or rounding")
NRM_INFO(lbfgs_minimise, NRM_LBFGS_MINIMISE_INFO);

/* *value and all gradients at `parameters` (count arrays).  A value that is not finite means
 * "outside": the line search backs off.  A status < 0 ends the minimisation with it. */
typedef nrm_status (*nrm_lbfgs_objective_fn)(nrm_ctx *ctx, void *user, const double *const *parameters, double *value,
                                             double *const *gradients);

/* Minimise over `count` arrays of `sizes` elements from where they stand, by L-BFGS with a line
 * search to the strong Wolfe conditions (Nocedal & Wright, algs. 7.4, 3.5, 3.6).  NRM_OK;
 * NRM_NOT_CONVERGED (max_iter, or stalled); NRM_PARTIAL (cancelled): parameters hold the best
 * point.  Failures (NRM_E_NULL, _RANGE, _SHAPE, _NONFINITE at the first point, _OVERFLOW,
 * _NOMEM, the objective's own) leave parameters and info as they were.  A call remembers
 * nothing of an earlier one: its memory of steps is not state to be saved; start again from
 * the saved parameters. */
NRM_API NRM_NODISCARD nrm_status nrm_lbfgs_minimise(nrm_ctx *ctx, int64_t count, const int64_t *sizes,
                                                    double *const *parameters, nrm_lbfgs_objective_fn objective,
                                                    void *user, const nrm_lbfgs_minimise_options *options,
                                                    nrm_lbfgs_minimise_info *info);

#ifdef __cplusplus
}
#endif
#endif
