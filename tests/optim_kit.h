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

/* Gradients without structure (the formula's matrices have close to no rank), rounded to f32. */
static inline void kit_normal_gradients(kit *k, uint64_t step)
{
    for (int i = 0; i < k->count; i++) {
        uint64_t seed = 977 * step + (uint64_t)i;
        for (int64_t e = 0; e < k->size[i]; e++) kit_set(k->dtype, k->gradient[i], e, (double)(float)nrm_test_normal(&seed));
    }
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

/* The worked example of the specifications: W0, G0, G1 as one 3 x 4 matrix, or (tall) their
 * transposes. */
static const double KIT_GRADIENT[2][12] = {{1, 2, -1, 0, 0, 1, 3, -2, 2, -1, 0, 1}, {0, -1, 2, 1, 1, 1, -1, 0, -2, 0, 1, 3}};

static inline void kit_worked_gradient(kit *k, int step)
{
    const bool tall = k->shape[0][0] == 4;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) kit_set(k->dtype, k->gradient[0], tall ? j * 3 + i : i * 4 + j, KIT_GRADIENT[step % 2][i * 4 + j]);
}

static inline void kit_worked(kit *k, nrm_dtype dtype, bool tall)
{
    *k = (kit){.dtype = dtype};
    kit_add(k, 2, tall ? (const int64_t[]){4, 3} : (const int64_t[]){3, 4});
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) kit_set(dtype, k->parameter[0], tall ? j * 3 + i : i * 4 + j, 0.1 * i - 0.05 * j);
    kit_worked_gradient(k, 0);
}

/* An optimizer over all tensors of a kit, by name and text. */
static inline nrm_optimizer *kit_optimizer(nrm_ctx *ctx, const kit *k, const char *kind, const char *text)
{
    nrm_optimizer_options options;
    nrm_optimizer_group group = {.options = &options};
    nrm_optimizer *o = NULL;
    assert_ok(ctx, nrm_optimizer_kind_find(ctx, kind, &group.kind));
    assert_ok(ctx, nrm_optimizer_options_init(ctx, group.kind, &options));
    assert_ok(ctx, nrm_optimizer_options_parse(ctx, group.kind, &options, text));
    assert_ok(ctx, nrm_optimizer_create(ctx, &o, 1, &group, k->count, k->tensor));
    return o;
}

/* W after one and two steps of the worked example (first, second: NULL = not looked at), in
 * f64 to 1e-9 and in f32. */
static inline void kit_worked_steps(const char *kind, const char *text, bool tall, const double *first, const double *second)
{
    for (int d = 0; d < 2; d++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        kit k;
        kit_worked(&k, d ? NRM_F32 : NRM_F64, tall);
        nrm_optimizer *o = kit_optimizer(ctx, &k, kind, text);
        for (int step = 0; step < 2; step++) {
            const double *want = step ? second : first;
            kit_worked_gradient(&k, step);
            assert_ok(ctx, kit_step(ctx, o, &k));
            for (int i = 0; want && i < 12; i++) assert_near(kit_get(k.dtype, k.parameter[0], i), want[i], d ? 1e-6 : 1e-9);
        }
        nrm_optimizer_destroy(ctx, o);
        kit_end(&k);
        nrm_ctx_destroy(ctx);
    }
}

/* All parameters are bit for bit those of another kit. */
static inline void kit_same(const kit *a, const kit *b)
{
    for (int i = 0; i < a->count; i++)
        assert_memory_equal(a->parameter[i], b->parameter[i], (size_t)a->size[i] * nrm_dtype_size(a->dtype));
}

#endif
