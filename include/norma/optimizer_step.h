/* norma/optimizer_step.h -- one step of one optimizer on arrays: the method `optimizer-step`.
 *
 *     nrm_optimizer_step_options o = nrm_optimizer_step_options_default();
 *     o.optimizer = NRM_OPTIMIZER_MUON;  o.lr = "0.02";  o.state_out = "s1.safetensors";
 *     nrm_optimizer_step_once(ctx, &weights, &gradient, &o, next, &info);
 *
 * to check numbers through any door.  In a program that takes many steps use norma/optim.h. */
#ifndef NORMA_OPTIMIZER_STEP_H
#define NORMA_OPTIMIZER_STEP_H

#include <norma/method.h>
#include <norma/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The options of all optimizers, each once.  They are texts, read by the optimizer that is
 * chosen, as it alone knows what fits; NULL leaves its own default.  A new optimizer enters
 * what it has of its own here, and its line in the details. */
#define NRM_OPTIMIZER_STEP_VALUES(P)                                                                                   \
    P(text, lr, NULL, "value", "0.2", "base step")                                                                     \
    P(text, weight_decay, NULL, "value", "0.2", "pull of the weights towards 0")                                       \
    P(text, momentum, NULL, "value", "0.2", "memory of the gradients")                                                 \
    P(text, nesterov, NULL, "value", "0.2", "true: look ahead")                                                        \
    P(text, momentum_form, NULL, "value", "0.2", "whether the momentum is a mean or a sum")                            \
    P(text, momentum_warmup, NULL, "value", "0.2", "steps in which the momentum rises")                                \
    P(text, momentum_start, NULL, "value", "0.2", "momentum of the first step of a warm-up")                           \
    P(text, decoupled, NULL, "value", "0.2", "true: shrink the weights instead of adding to the gradient")             \
    P(text, cautious_decay, NULL, "value", "0.2", "true: decay only what the step moves towards 0 too")                \
    P(text, beta1, NULL, "value", "0.2", "memory of the mean gradient")                                                \
    P(text, beta2, NULL, "value", "0.2", "memory of the mean square, or of the second mean")                           \
    P(text, eps, NULL, "value", "0.2", "added where the optimizer divides by a norm or a root")                        \
    P(text, safety, NULL, "value", "0.2", "multiplies the norm of the matrix before the Newton-Schulz steps")          \
    P(text, coefficients, NULL, "value", "0.2", "polynomial of the Newton-Schulz steps")                               \
    P(text, steps, NULL, "value", "0.2", "Newton-Schulz steps")                                                        \
    P(text, scale, NULL, "value", "0.2", "of the step, by the shape of the matrix")                                    \
    P(text, variant, NULL, "value", "0.2", "of the method, where its paper and its code differ")                       \
    P(text, eps_row, NULL, "value", "0.2", "added to the root of a row's mean square")                                 \
    P(text, axis, NULL, "value", "0.2", "which way the rows that are normalised lie")                                  \
    P(text, quantile, NULL, "value", "0.2", "share of the entries that are not clipped")                               \
    P(text, eps_mode, NULL, "value", "0.2", "how the place of clipping is found")                                      \
    P(text, threshold, NULL, "value", "0.2", "where it is, if it is given")                                            \
    P(text, a, NULL, "value", "0.2", "coefficients=user: of a t + b t^3 + c t^5")                                      \
    P(text, b, NULL, "value", "0.2", "as a")                                                                           \
    P(text, c, NULL, "value", "0.2", "as a")                                                                           \
    P(text, allow_unbounded, NULL, "value", "0.2", "true: take coefficients that let singular values grow on the way") \
    P(text, gamma, NULL, "value", "0.2", "of the cosh that brakes the step")                                           \
    P(text, hybrid_steps, NULL, "value", "0.2", "Newton-Schulz steps before it")                                       \
    P(text, eps_norm, NULL, "value", "0.2", "added to norms")                                                          \
    P(text, eps_rms, NULL, "value", "0.2", "added to the root mean square")                                            \
    P(text, rank, NULL, "value", "0.2", "dimensions of the subspace")                                                  \
    P(text, density, NULL, "value", "0.2", "share of the projected side that they are")                                \
    P(text, basis, NULL, "value", "0.2", "whose columns span the subspace")                                            \
    P(text, projector, NULL, "value", "0.2", "what makes the subspace")                                                \
    P(text, side, NULL, "value", "0.2", "which side is projected")                                                     \
    P(text, update_gap, NULL, "value", "0.2", "steps between two subspaces")                                           \
    P(text, rotate, NULL, "value", "0.2", "true: the moments follow their columns")                                    \
    P(text, error_feedback, NULL, "value", "0.2", "what becomes of what the projection leaves behind")                 \
    P(text, ell_norm, NULL, "value", "0.2", "norm that scores the columns of a basis")                                 \
    P(text, transform, NULL, "value", "0.2", "how the scores are found")                                               \
    P(text, alpha, NULL, "value", "0.2", "multiplies the step in the subspace")                                        \
    P(text, rho, NULL, "value", "0.2", "weight of the mean gradient in the new subspace")                              \
    P(text, residual_scale, NULL, "value", "0.2", "step of what is outside the subspace")                              \
    P(text, growth_limit, NULL, "value", "0.2", "factor by which that may grow in a step")                             \
    P(text, max_shape, NULL, "value", "0.2", "a matrix with a side of this or more is stepped elementwise")

#define NRM_OPTIMIZER_STEP_OPTIONS(P)                                                                   \
    P(choice, optimizer, NRM_OPTIMIZER_ADAMW, NRM_OPTIMIZER_KINDS, "0.2", "whose step it is")           \
    P(text, state, NULL, "file", "0.2", "what an earlier step left; none: the first step")              \
    P(text, state_out, NULL, "file", "0.2", "where the state goes: safetensors or npz; none: nowhere")  \
    P(text, name, "weights", "", "0.2", "of the tensor in the state: adamw.m:weights")                  \
    P(text, split, NULL, "", "0.2", "row blocks that are matrices of their own, as 64,64,64; they sum to the rows") \
    NRM_OPTIMIZER_STEP_VALUES(P)
NRM_OPTIONS(optimizer_step, NRM_OPTIMIZER_STEP_OPTIONS);

#define NRM_OPTIMIZER_STEP_INFO(F)                                        \
    F(i64, step, "", "number of the step, from 1")                        \
    F(f64, update_norm, "", "2-norm of the change of all elements")       \
    F(f64, update_rms, "", "root of its mean square")                     \
    F(i64, state_bytes, "B", "state of the optimizer")
NRM_INFO(optimizer_step, NRM_OPTIMIZER_STEP_INFO);

/* One step.
 *   weights      in   f32 or f64, up to NRM_MAX_NDIM axes; as the optimizer asks
 *   gradient     in   of the same type and shape
 *   weights_out  out  as many elements, or NULL; may be the weights' own memory
 * NRM_E_NULL, _SHAPE, _DTYPE, _NONFINITE, _ARGUMENT and _RANGE (an option, by name), what
 * nrm_load and nrm_optimizer_load_state say of the state, what nrm_save_bundle says of where
 * it goes, _OVERFLOW, _NOMEM: weights_out and info are as they were, and nothing is written. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_step_once(nrm_ctx *ctx, const nrm_array *weights, const nrm_array *gradient,
                                                         const nrm_optimizer_step_options *options, void *weights_out,
                                                         nrm_optimizer_step_info *info);

#ifdef __cplusplus
}
#endif
#endif
