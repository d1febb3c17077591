/* measure.c -- loss and accuracy of a network on a part of the data, in f64 over batches in
 * order: what was padded to fill the last batch does not count. */
#include "pass.h"

int64_t nrm_measure_predictions(const nrm_dataset *data, nrm_dataset_part part)
{
    const nrm_dataset_about about = nrm_dataset_describe(data);
    if (about.kind == NRM_DATASET_TEXT) return about.tokens[part] > 0 ? about.tokens[part] - 1 : 0;
    return about.examples[part] * (about.values > 0 ? about.values : 1);
}

/* What one batch adds; *made counts the predictions so far. */
static void add_batch(const nrm_pass *p, const nrm_dataset_about *about, int64_t real, nrm_measure *sum, double *right,
                      double *predictions, int64_t *made)
{
    const void *rows = nrm_instance_output(p->instance, NRM_PASS_ROWS), *found = nrm_instance_output(p->instance, NRM_PASS_PREDICTIONS);
    const int64_t each = about->kind == NRM_DATASET_TEXT ? about->shape[0] : 1;
    for (int64_t i = 0; i < real * each; i++) {
        if (p->batch.labels && p->batch.labels[i] < 0) continue;
        sum->loss += nrm_real_get(p->dtype, rows, i);
        sum->count++;
        if (p->batch.labels) {
            const int64_t guess = ((const int64_t *)found)[i];
            *right += guess == p->batch.labels[i];
            if (predictions) predictions[(*made)++] = about->class_value ? about->class_value[guess] : (double)guess;
        } else {
            for (int64_t k = 0; predictions && k < about->values; k++) predictions[(*made)++] = nrm_real_get(p->dtype, found, i * about->values + k);
        }
    }
}

/* Batches rank, rank + size, ... of `count`. */
static nrm_status sweep(nrm_ctx *ctx, const nrm_comm *comm, nrm_pass *p, const nrm_dataset *data, nrm_dataset_part part, int64_t count,
                        nrm_measure *sum, double *right, double *predictions)
{
    const nrm_dataset_about about = nrm_dataset_describe(data);
    int64_t made = 0, real;

    for (int64_t k = nrm_comm_rank(comm); k < count; k += nrm_comm_size(comm)) {
        NRM_TRY(nrm_dataset_sweep(ctx, data, part, k, &p->batch, &real));
        NRM_TRY(nrm_pass_run(ctx, p, 0, 0));
        add_batch(p, &about, real, sum, right, predictions, &made);
        if (nrm_tick(ctx, "validation", (double)(k + 1), (double)count, "loss", sum->loss / (double)nrm_max_i64(sum->count, 1)))
            return nrm_fail(ctx, NRM_E_CANCELLED, "stopped on request");
    }
    return NRM_OK;
}

nrm_status nrm_measure_part(nrm_ctx *ctx, nrm_comm *comm, nrm_pass *p, const nrm_dataset *data, nrm_dataset_part part,
                            int64_t batches, nrm_measure *measure, double *predictions)
{
    const int64_t classes = nrm_dataset_describe(data).classes;
    const int64_t rows = p->batch.rows;
    const int64_t all = nrm_dataset_sweeps(data, part, rows), count = batches > 0 && batches < all ? batches : all;
    nrm_measure sum = {0, -1, 0};
    double right = 0;

    NRM_TRY(nrm_comm_agree(ctx, comm, sweep(ctx, comm, p, data, part, count, &sum, &right, predictions)));
    if (comm) {
        double parts[3] = {sum.loss, right, (double)sum.count}, work[3 * NRM_COMM_MOST];
        NRM_TRY(nrm_comm_sum(ctx, comm, NRM_F64, 3, parts, work));
        sum.loss = parts[0], right = parts[1], sum.count = (int64_t)parts[2];
    }
    if (sum.count > 0) {
        sum.loss /= (double)sum.count;
        if (classes > 0) sum.accuracy = right / (double)sum.count;
    }
    *measure = sum;
    return NRM_OK;
}
