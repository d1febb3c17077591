/* norma/optim_distributed.h -- optimizers shared by the ranks of a communicator (norma/comm.h).
 *
 * Two forms.  With replicated weights every rank has all parameters, and each holds the state
 * of a part and updates it:
 *
 *     nrm_optimizer_create_sharded(ctx, &o, comm, 2, groups, count, tensors);
 *     nrm_optimizer_step_mean(ctx, o, parameters, gradients, 1.0 / ranks, 1.0, INFINITY, NULL);
 *
 * The result is that of one rank with the same gradients, bit for bit and for any number of
 * ranks.  Any optimizer can be shared so.
 *
 * All functions here are called by all ranks.  A rank that cannot (a gradient that is not
 * finite, no memory, a request to stop) makes all fail before anything is changed, told which
 * rank and why.  How it is done and what it costs: docs/distributed.md. */
#ifndef NORMA_OPTIM_DISTRIBUTED_H
#define NORMA_OPTIM_DISTRIBUTED_H

#include <norma/comm.h>
#include <norma/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Replicated weights, sharded state ---------------------------------------------------- */

/* nrm_optimizer_create on every rank, with the same groups and tensors (else NRM_E_ARGUMENT, on
 * all, told what differs).  comm must outlive the optimizer; with one rank, or NULL, this is
 * nrm_optimizer_create.  nrm_optimizer_step and _step_clipped take gradients that are the same
 * on all ranks; nrm_optimizer_state_bytes counts what this rank holds; nrm_optimizer_load_state
 * takes the whole state, whoever saved it; nrm_optimizer_state_at has the step alone. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_create_sharded(nrm_ctx *ctx, nrm_optimizer **optimizer, nrm_comm *comm,
                                                              int group_count, const nrm_optimizer_group *groups,
                                                              int64_t tensor_count, const nrm_optimizer_tensor *tensors);

/* A step with the sum over ranks of weight times the rank's own gradients (weight: its part of
 * the batch), clipped as by nrm_optimizer_step_clipped.  gradients: what this rank updates
 * holds that sum afterwards, the rest is as it was.  Sums are made in f64, in the order of the
 * ranks.  NRM_E_NONFINITE names the rank, the tensor and the index; where the sum alone
 * overflows, gradients were changed already, parameters and state were not. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_step_mean(nrm_ctx *ctx, nrm_optimizer *optimizer, void *const *parameters,
                                                         void *const *gradients, double weight, double factor,
                                                         double max_norm, double *norm);

/* The whole state on rank root, as the arrays that nrm_optimizer_state_at gives of an optimizer
 * that is alone (nrm_bundle_destroy); an empty bundle on the others. */
NRM_API NRM_NODISCARD nrm_status nrm_optimizer_gather_state(nrm_ctx *ctx, nrm_optimizer *optimizer, int root,
                                                            nrm_bundle *state);

#ifdef __cplusplus
}
#endif
#endif
