/* one_step.c -- contract: one_step.h. */
#include "one_step.h"
#include "b1.h"
#include <math.h>
#include <string.h>

static nrm_status copy_state(nrm_optimizer *optimizer, const char *prefix, int64_t size, double *to)
{
    nrm_array view;
    const char *name;
    for (int64_t i = 0; nrm_optimizer_state_at(optimizer, i, &name, &view); i++) {
        int64_t count = 1;
        for (int k = 0; k < view.ndim; k++) count *= view.shape[k];
        if (strncmp(name, prefix, strlen(prefix)) != 0 || view.dtype != NRM_F64 || count != size) continue;
        memcpy(to, view.data, (size_t)size * sizeof *to);
        return NRM_OK;
    }
    return NRM_E_ARGUMENT;
}

nrm_status first_update(nrm_ctx *ctx, const char *kind, const char *options, int64_t rows, int64_t cols, const double *gradient,
                        double *update, const char *state, double *kept)
{
    const int64_t shape[2] = {rows, cols}, size = rows * cols;
    const nrm_optimizer_tensor tensor = {.name = "W", .dtype = NRM_F64, .ndim = 2, .shape = shape};
    nrm_optimizer *optimizer = NULL;

    memset(update, 0, (size_t)size * sizeof *update);
    nrm_status st = b1_optimizer(ctx, kind, options, 1, 1, &tensor, &optimizer);
    if (st >= 0) st = nrm_optimizer_step(ctx, optimizer, (void *[]){update}, (const void *[]){gradient}, 1);
    for (int64_t i = 0; i < size; i++) update[i] = -update[i];
    if (st >= 0 && state) st = copy_state(optimizer, state, size, kept);
    nrm_optimizer_destroy(ctx, optimizer);
    return st;
}

double norm_of(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}
