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
 * With row-sharded weights no rank has a whole matrix: each holds some rows of every weight,
 * gradient and state.  Muon and NorMuon can be shared so (nrm_row_sharded_create).
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

/* ---- Row-sharded weights: Muon, NorMuon ------------------------------------------------------ */

/* The rows of a tensor of `rows` rows that a rank has: chunks of ceil(rows / ranks), so that
 * the last ranks may have fewer, or none. */
NRM_API void nrm_row_shard(int64_t rows, int ranks, int rank, int64_t *first, int64_t *count);

typedef struct nrm_row_sharded_optimizer nrm_row_sharded_optimizer;

/* tensors are described whole, all f32 or all f64, with group 0; kind is NRM_OPTIMIZER_MUON or
 * _NORMUON with its options (NULL: defaults).  The result is that of one rank: with Muon bit
 * for bit, with NorMuon up to the rounding of the sums over rows.  local_norm (NorMuon): each shard is
 * brought back to its own norm and not to that of the matrix, as the reference implementation
 * does, which partly undoes the equalisation of the rows.  comm must outlive the optimizer;
 * NULL: one rank. */
NRM_API NRM_NODISCARD nrm_status nrm_row_sharded_create(nrm_ctx *ctx, nrm_row_sharded_optimizer **optimizer, nrm_comm *comm,
                                                        nrm_optimizer_kind kind, const void *options, bool local_norm,
                                                        int64_t tensor_count, const nrm_optimizer_tensor *tensors);
NRM_API void nrm_row_sharded_destroy(nrm_ctx *ctx, nrm_row_sharded_optimizer *optimizer); /* NULL is fine */

/* parameters[i] (in/out) and gradients[i] are this rank's rows of tensor i, the gradients
 * averaged already (nrm_row_sharded_reduce); a pointer to no rows may be NULL.  factor as for
 * nrm_optimizer_step, and its failures, on all ranks: nothing is changed. */
NRM_API NRM_NODISCARD nrm_status nrm_row_sharded_step(nrm_ctx *ctx, nrm_row_sharded_optimizer *optimizer,
                                                      void *const *parameters, const void *const *gradients, double factor);

/* shards[i], this rank's rows, = the sum over ranks of weight times gradients[i], which are whole:
 * a reduce-scatter, in f64 and in the order of the ranks. */
NRM_API NRM_NODISCARD nrm_status nrm_row_sharded_reduce(nrm_ctx *ctx, nrm_row_sharded_optimizer *optimizer,
                                                        const void *const *gradients, double weight, void *const *shards);

/* This rank's state: "optimizer.step" and arrays named as those of an optimizer that is alone,
 * with this rank's rows of them.  `view` is of the optimizer's memory and may be written to
 * go on with what was saved; false: out of range. */
NRM_API int64_t nrm_row_sharded_state_count(const nrm_row_sharded_optimizer *optimizer);
NRM_API int64_t nrm_row_sharded_state_bytes(const nrm_row_sharded_optimizer *optimizer);
NRM_API bool nrm_row_sharded_state_at(nrm_row_sharded_optimizer *optimizer, int64_t i, const char **name, nrm_array *view);

#ifdef __cplusplus
}
#endif
#endif
