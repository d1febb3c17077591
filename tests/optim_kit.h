/* optim_kit.h -- tensors with weights and gradients from an integer formula (that of
 * tests/reference/make_optim.py), and the steps of an optimizer over them. */
#ifndef NRM_OPTIM_KIT_H
#define NRM_OPTIM_KIT_H

#include "testkit.h"
#include <norma/optim.h>

enum { KIT_TENSORS = 80, KIT_MOST = 1 << 18 };

typedef struct kit {
    int count;
    nrm_dtype dtype;
    nrm_optimizer_tensor tensor[KIT_TENSORS];
    int64_t shape[KIT_TENSORS][NRM_MAX_NDIM], size[KIT_TENSORS];
    char name[KIT_TENSORS][16];
    void *parameter[KIT_TENSORS], *gradient[KIT_TENSORS];
} kit;

static inline double kit_value(int64_t i, int64_t k) { return (double)((i * 37 + k * 61 + i * k * 11) % 97 - 48) / 16.0; }

static inline void kit_set(nrm_dtype dtype, void *x, int64_t i, double value)
{
    if (dtype == NRM_F32) ((float *)x)[i] = (float)value;
    else ((double *)x)[i] = value;
}

static inline double kit_get(nrm_dtype dtype, const void *x, int64_t i)
{
    return dtype == NRM_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static inline void kit_add(kit *k, int ndim, const int64_t *shape)
{
    const int i = k->count++;
    assert_true(i < KIT_TENSORS);
    k->size[i] = 1;
    for (int a = 0; a < ndim; a++) k->size[i] *= k->shape[i][a] = shape[a];
    snprintf(k->name[i], sizeof k->name[i], "w%d", i);
    k->tensor[i] = (nrm_optimizer_tensor){.name = k->name[i], .dtype = k->dtype, .ndim = ndim, .shape = k->shape[i]};
    k->parameter[i] = malloc((size_t)k->size[i] * 8 + 8);
    k->gradient[i] = malloc((size_t)k->size[i] * 8 + 8);
    for (int64_t e = 0; e < k->size[i]; e++) {
        kit_set(k->dtype, k->parameter[i], e, kit_value(e, 0));
        kit_set(k->dtype, k->gradient[i], e, 0);
    }
}

static inline void kit_end(kit *k)
{
    for (int i = 0; i < k->count; i++) {
        free(k->parameter[i]);
        free(k->gradient[i]);
    }
    k->count = 0;
}

/* Gradients of step `step`, from 0. */
static inline void kit_gradients(kit *k, int64_t step)
{
    for (int i = 0; i < k->count; i++)
        for (int64_t e = 0; e < k->size[i]; e++) kit_set(k->dtype, k->gradient[i], e, kit_value(e, 1 + step + 100 * i));
}

static inline nrm_status kit_step(nrm_ctx *ctx, nrm_optimizer *o, kit *k)
{
    return nrm_optimizer_step(ctx, o, k->parameter, (const void *const *)k->gradient, 1.0);
}

static inline void kit_steps(nrm_ctx *ctx, nrm_optimizer *o, kit *k, int first, int end)
{
    for (int step = first; step < end; step++) {
        kit_gradients(k, step);
        assert_ok(ctx, kit_step(ctx, o, k));
    }
}

/* All parameters are bit for bit those of another kit. */
static inline void kit_same(const kit *a, const kit *b)
{
    for (int i = 0; i < a->count; i++)
        assert_memory_equal(a->parameter[i], b->parameter[i], (size_t)a->size[i] * nrm_dtype_size(a->dtype));
}

#endif
