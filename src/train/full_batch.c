/* full_batch.c -- L-BFGS on the mean loss over the whole training part, in f64 (norma/optim.h).
 *
 * Its memory of steps is not kept in checkpoints: a run that is resumed starts it anew from
 * the parameters. */
#include "trainer.h"

/* Loss and gradients at the given parameters, which are copied to where the pass reads them. */
static nrm_status objective(nrm_ctx *ctx, void *user, const double *const *parameters, double *value, double *const *gradients)
{
    nrm_trainer *t = user;
    const double start = nrm_now();
    for (int64_t i = 0; i < t->trained; i++)
        if (t->parameter[i] != (const void *)parameters[i]) memcpy(t->parameter[i], parameters[i], (size_t)t->sizes[i] * sizeof(double));
    NRM_TRY(nrm_pass_run(ctx, &t->training, t->state.seed, 0));
    *value = *(const double *)nrm_instance_output(t->training.instance, NRM_PASS_LOSS);
    for (int64_t i = 0; i < t->trained; i++) memcpy(gradients[i], t->gradient[i], (size_t)t->sizes[i] * sizeof(double));
    t->trained_seconds += nrm_now() - start;
    t->trained_examples += t->o.batch;
    if (t->first_step == 0) t->first_step = nrm_now() - t->began;
    if (nrm_tick(ctx, "training, evaluations", (double)(t->trained_examples / t->o.batch), 0, "loss", *value))
        return nrm_fail(ctx, NRM_E_CANCELLED, "%s: stopped on request", t->who);
    return NRM_OK;
}

nrm_status nrm_train_full_batch(nrm_ctx *ctx, nrm_trainer *t)
{
    nrm_lbfgs_minimise_options options = nrm_lbfgs_minimise_options_default();
    nrm_lbfgs_minimise_info info;
    double **copies = NULL, *memory = NULL;
    int64_t all = 0;
    nrm_status st;

    NRM_REQUIRE(ctx, t->training.updates == 0, NRM_E_UNSUPPORTED, "%s: this network keeps running statistics, which lbfgs cannot; use a model without batch norm", t->who);
    for (int64_t i = 0; i < t->trained; i++) all += t->sizes[i];
    NRM_TRY_DONE(NRM_ALLOC(ctx, copies, t->trained, "a run"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, memory, all, "a run"));
    for (int64_t i = 0, at = 0; i < t->trained; at += t->sizes[i++]) {
        copies[i] = memory + at;
        memcpy(copies[i], t->parameter[i], (size_t)t->sizes[i] * sizeof(double));
    }
    int64_t real;
    NRM_TRY_DONE(nrm_dataset_sweep(ctx, t->data, NRM_TRAINING, 0, &t->training.batch, &real));
    options.max_iter = t->o.steps - t->state.step;
    options.first_step = t->o.lr > 0 ? t->o.lr : 1;
    if (options.max_iter < 1) goto done;
    NRM_TRY_DONE(nrm_lbfgs_minimise(ctx, t->trained, t->sizes, copies, objective, t, &options, &info));
    const nrm_status end = st;
    for (int64_t i = 0; i < t->trained; i++) memcpy(t->parameter[i], copies[i], (size_t)t->sizes[i] * sizeof(double));
    /* One value is known, that at the end. */
    for (int64_t k = 0; k < info.iterations; k++) t->losses[t->state.step + k] = k + 1 == info.iterations ? info.value : NAN;
    t->state.step += info.iterations;
    if (info.iterations > 0) NRM_TRY_DONE(nrm_record_step(ctx, t, info.value, 1, info.residual));
    if (t->o.folder && end != NRM_PARTIAL) NRM_TRY_DONE(nrm_checkpoint_save(ctx, t));
    st = end == NRM_PARTIAL ? NRM_PARTIAL : NRM_OK;
done:
    nrm_free(ctx, copies);
    nrm_free(ctx, memory);
    return st;
}
