/* pass.c -- contract: pass.h. */
#define _POSIX_C_SOURCE 200809L
#include "pass.h"
#include <unistd.h>

static nrm_status batch_memory(nrm_ctx *ctx, nrm_pass *p, const nrm_dataset_about *about, int64_t rows)
{
    const bool text = about->kind == NRM_DATASET_TEXT, wide = p->dtype == NRM_F64;
    const int64_t labels = about->classes > 0 ? rows * (text ? about->shape[0] : 1) : 0;

    p->batch.rows = rows;
    p->feature_count = text ? 0 : rows * about->features;
    p->value_count = rows * about->values;
    if (text) NRM_TRY(NRM_ALLOC(ctx, p->batch.tokens, rows * about->shape[0], "a batch"));
    else NRM_TRY(NRM_ALLOC(ctx, p->batch.features, p->feature_count, "a batch"));
    if (about->values > 0) NRM_TRY(NRM_ALLOC(ctx, p->batch.values, p->value_count, "a batch"));
    else NRM_TRY(NRM_ALLOC(ctx, p->batch.labels, labels, "a batch"));
    if (wide && !text) NRM_TRY(NRM_ALLOC(ctx, p->features, p->feature_count, "a batch"));
    if (wide && about->values > 0) NRM_TRY(NRM_ALLOC(ctx, p->values, p->value_count, "a batch"));
    return NRM_OK;
}

/* "x" and "y" of the network are the batch. */
static nrm_status bind_batch(nrm_ctx *ctx, nrm_pass *p)
{
    const void *x = p->batch.tokens ? (const void *)p->batch.tokens : p->features ? (const void *)p->features : p->batch.features;
    const void *y = p->batch.labels ? (const void *)p->batch.labels : p->values ? (const void *)p->values : p->batch.values;
    NRM_TRY(nrm_instance_bind(ctx, p->instance, "x", x));
    return nrm_instance_bind(ctx, p->instance, "y", y);
}

/* What the program computes, in order; *count of them in ctx's memory. */
static nrm_status list_outputs(nrm_ctx *ctx, nrm_pass *p, bool training, bool classes, nrm_node **outputs, int *count)
{
    nrm_nn *nn = p->graph.nn;
    nrm_node *trained = NULL;
    if (!training) {
        NRM_TRY(NRM_ALLOC(ctx, *outputs, 2, "a network"));
        (*outputs)[NRM_PASS_ROWS] = p->graph.loss.rows;
        (*outputs)[NRM_PASS_PREDICTIONS] = classes ? nrm_op_argmax(p->graph.logits) : p->graph.logits;
        *count = 2;
        return NRM_OK;
    }
    p->trained = nrm_nn_trained(nn, 0, NULL);
    p->updates = nrm_nn_updates(nn, 0, NULL);
    *count = 1 + p->trained + p->updates;
    NRM_TRY(NRM_ALLOC(ctx, *outputs, *count, "a network"));
    const nrm_status st = NRM_ALLOC(ctx, trained, p->trained, "a network");
    if (st < 0) return st; /* the caller frees outputs */
    nrm_nn_trained(nn, p->trained, trained);
    (*outputs)[NRM_PASS_LOSS] = p->graph.loss.mean;
    nrm_graph_gradient(p->graph.loss.mean, p->trained, trained, *outputs + NRM_PASS_GRADIENTS);
    nrm_nn_updates(nn, p->updates, *outputs + NRM_PASS_GRADIENTS + p->trained);
    nrm_free(ctx, trained);
    return NRM_OK;
}

/* The system hands out more memory than there is, and ends the program when it is used: refuse
 * before that. */
static nrm_status fits_in_memory(nrm_ctx *ctx, const nrm_program *program, int64_t batch)
{
    const double need = (double)nrm_program_statistics(program).arena_bytes;
    const double have = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGE_SIZE);
    NRM_REQUIRE(ctx, have <= 0 || need < 0.9 * have, NRM_E_NOMEM, "a pass over a batch of %lld needs %.3g GB and this machine has %.3g: use a smaller batch, "
                "with accumulate in its place, or a smaller model", NRM_LL(batch), need / 1e9, have / 1e9);
    return NRM_OK;
}

nrm_status nrm_pass_create(nrm_ctx *ctx, nrm_pass *pass, const char *who, const nrm_network *network, const nrm_dataset *data,
                           bool training, int64_t batch, nrm_dtype dtype)
{
    const nrm_dataset_about about = nrm_dataset_describe(data);
    nrm_network_options options = nrm_network_options_default();
    nrm_pass p = {.dtype = dtype};
    nrm_node *outputs = NULL;
    int count = 0;
    nrm_status st;

    options.training = training;
    options.batch = batch;
    options.length = about.kind == NRM_DATASET_TEXT ? about.shape[0] : 0;
    options.dtype = dtype;
    NRM_TRY_DONE(nrm_network_build(ctx, network, &options, &p.graph));
    NRM_TRY_DONE(list_outputs(ctx, &p, training, about.classes > 0, &outputs, &count));
    NRM_TRY_DONE(nrm_compile(ctx, count, outputs, NULL, &p.program));
    NRM_TRY_DONE(fits_in_memory(ctx, p.program, batch));
    NRM_TRY_DONE(nrm_instance_create(ctx, p.program, &p.instance));
    NRM_TRY_DONE(batch_memory(ctx, &p, &about, batch));
    NRM_TRY_DONE(bind_batch(ctx, &p));
done:
    nrm_free(ctx, outputs);
    if (st < 0) {
        nrm_pass_destroy(ctx, &p);
        return nrm_fail_prefix(ctx, st, "%s", who);
    }
    *pass = p;
    return NRM_OK;
}

void nrm_pass_destroy(nrm_ctx *ctx, nrm_pass *p)
{
    nrm_instance_destroy(p->instance);
    nrm_program_destroy(p->program);
    nrm_nn_destroy(p->graph.nn);
    nrm_free(ctx, p->batch.tokens);
    nrm_free(ctx, p->batch.features);
    nrm_free(ctx, p->batch.labels);
    nrm_free(ctx, p->batch.values);
    nrm_free(ctx, p->features);
    nrm_free(ctx, p->values);
    *p = (nrm_pass){.trained = 0};
}

nrm_status nrm_pass_run(nrm_ctx *ctx, nrm_pass *p, uint64_t seed, int64_t step)
{
    for (int64_t i = 0; p->features && i < p->feature_count; i++) p->features[i] = (double)p->batch.features[i];
    for (int64_t i = 0; p->values && i < p->value_count; i++) p->values[i] = (double)p->batch.values[i];
    nrm_instance_random(p->instance, seed, (uint64_t)step);
    return nrm_run(ctx, p->instance);
}
