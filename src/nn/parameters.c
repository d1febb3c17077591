/* parameters.c -- the memory of a network's parameters: one block, each array at a multiple
 * of 64 bytes, the trained ones before the buffers. */
#include "nn.h"
#include "autodiff/program.h"

struct nrm_parameters {
    nrm_ctx *ctx;
    nrm_parameter *list;
    int64_t count, trained, elements;
    unsigned char *block;
    char *names;
};

void nrm_parameters_destroy(nrm_parameters *parameters)
{
    if (!parameters) return;
    nrm_free(parameters->ctx, parameters->list);
    nrm_free(parameters->ctx, parameters->block);
    nrm_free(parameters->ctx, parameters->names);
    nrm_free(parameters->ctx, parameters);
}

static int64_t padded_bytes(const nrm_array *a) { return nrm_padded(nrm_array_count(a) * (int64_t)nrm_dtype_size(a->dtype)); }

/* Memory for what list[0 .. count-1] declares; names are copied. */
static nrm_status settle(nrm_ctx *ctx, nrm_parameters *p)
{
    int64_t bytes = 0, text = 0;
    for (int64_t i = 0; i < p->count; i++) {
        text += (int64_t)strlen(p->list[i].name) + 1;
        NRM_REQUIRE(ctx, nrm_add_size(bytes, padded_bytes(&p->list[i].array), &bytes), NRM_E_OVERFLOW,
                    "parameters: together they are larger than memory can address");
    }
    NRM_TRY(NRM_ALLOC(ctx, p->names, text, "the names of parameters"));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p->block, bytes, "parameters"));
    bytes = text = 0;
    for (int64_t i = 0; i < p->count; i++) {
        nrm_parameter *q = &p->list[i];
        const size_t length = strlen(q->name) + 1;
        memcpy(p->names + text, q->name, length);
        q->name = p->names + text;
        q->array.data = p->block + bytes;
        q->array.owned = false;
        text += (int64_t)length;
        bytes += padded_bytes(&q->array);
    }
    return NRM_OK;
}

static nrm_status start(nrm_ctx *ctx, int64_t count, nrm_parameters **parameters)
{
    nrm_parameters *p;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p, 1, "parameters"));
    p->ctx = ctx;
    p->count = count;
    *parameters = p;
    return NRM_ALLOC_ZERO(ctx, p->list, count, "parameters");
}

nrm_status nrm_parameters_create(nrm_ctx *ctx, const nrm_nn *nn, nrm_parameters **parameters)
{
    nrm_parameters *p = NULL;
    int64_t at = 0;
    nrm_status st;
    NRM_REQUIRE(ctx, nn && parameters, NRM_E_NULL, "parameters: the network and the place for them must not be NULL");
    NRM_TRY(nrm_graph_check(nn->graph));
    NRM_TRY_DONE(start(ctx, nn->count, &p));
    for (int buffers = 0; buffers < 2; buffers++)
        for (int64_t i = 0; i < nn->count; i++) {
            if ((nn->records[i].flags & NRM_PARAMETER_BUFFER ? 1 : 0) != buffers) continue;
            nrm_nn_parameter_at(nn, i, &p->list[at], NULL, NULL);
            if (!buffers) {
                p->trained++;
                p->elements += nrm_array_count(&p->list[at].array);
            }
            at++;
        }
    NRM_TRY_DONE(settle(ctx, p));
    *parameters = p;
    return NRM_OK;
done:
    nrm_parameters_destroy(p);
    return st;
}

nrm_status nrm_parameters_like(nrm_ctx *ctx, const nrm_parameters *parameters, nrm_parameters **copy)
{
    nrm_parameters *p = NULL;
    nrm_status st;
    NRM_REQUIRE(ctx, parameters && copy, NRM_E_NULL, "parameters: neither they nor the place for the copy may be NULL");
    NRM_TRY_DONE(start(ctx, parameters->count, &p));
    memcpy(p->list, parameters->list, (size_t)p->count * sizeof *p->list);
    p->trained = parameters->trained;
    p->elements = parameters->elements;
    NRM_TRY_DONE(settle(ctx, p));
    *copy = p;
    return NRM_OK;
done:
    nrm_parameters_destroy(p);
    return st;
}

int64_t nrm_parameters_count(const nrm_parameters *parameters) { return parameters ? parameters->count : 0; }
int64_t nrm_parameters_trained(const nrm_parameters *parameters) { return parameters ? parameters->trained : 0; }
int64_t nrm_parameters_elements(const nrm_parameters *parameters) { return parameters ? parameters->elements : 0; }

bool nrm_parameters_at(const nrm_parameters *parameters, int64_t i, nrm_parameter *parameter)
{
    if (!parameters || !parameter || i < 0 || i >= parameters->count) return false;
    *parameter = parameters->list[i];
    return true;
}

int64_t nrm_parameters_find(const nrm_parameters *parameters, const char *name)
{
    for (int64_t i = 0; name && i < nrm_parameters_count(parameters); i++)
        if (strcmp(parameters->list[i].name, name) == 0) return i;
    return -1;
}

nrm_status nrm_parameters_initialise(nrm_ctx *ctx, nrm_parameters *parameters, uint64_t seed)
{
    NRM_REQUIRE(ctx, parameters, NRM_E_NULL, "parameters: they are NULL");
    for (int64_t i = 0; i < parameters->count; i++)
        NRM_TRY(nrm_init_fill(ctx, parameters->list[i].init, seed, parameters->list[i].name, &parameters->list[i].array));
    return NRM_OK;
}

/* ---- With a program ---------------------------------------------------------------------- */

static nrm_status fits(nrm_ctx *ctx, const nrm_parameter *p, const nrm_program_array *a)
{
    char have[NRM_NODE_TEXT], want[NRM_NODE_TEXT];
    NRM_REQUIRE(ctx, a->dtype == p->array.dtype && nrm_same_dims(a->ndim, a->shape, p->array.ndim, p->array.shape), NRM_E_SHAPE,
                "parameters: '%s' is %s %s and the program wants %s %s; they belong to different networks", p->name,
                nrm_dtype_name(p->array.dtype), nrm_dims_text(have, p->array.ndim, p->array.shape), nrm_dtype_name(a->dtype),
                nrm_dims_text(want, a->ndim, a->shape));
    return NRM_OK;
}

nrm_status nrm_parameters_bind(nrm_ctx *ctx, const nrm_parameters *parameters, nrm_instance *instance)
{
    NRM_REQUIRE(ctx, parameters && instance, NRM_E_NULL, "parameters: neither they nor the instance may be NULL");
    const nrm_program *program = instance->program;
    for (int i = 0; i < nrm_program_input_count(program); i++) {
        nrm_program_array a;
        nrm_program_input(program, i, &a);
        const int64_t k = nrm_parameters_find(parameters, a.name);
        if (k < 0) continue;
        NRM_TRY(fits(ctx, &parameters->list[k], &a));
        NRM_TRY(nrm_instance_bind_at(ctx, instance, i, parameters->list[k].array.data));
    }
    return NRM_OK;
}

nrm_status nrm_parameters_update(nrm_ctx *ctx, nrm_parameters *parameters, const nrm_nn *nn, const nrm_instance *instance, int first)
{
    NRM_REQUIRE(ctx, parameters && nn && instance, NRM_E_NULL, "parameters: parameters, network and instance must not be NULL");
    for (int copy = 0; copy < 2; copy++) { /* all are looked at before one is changed */
        int output = first;
        for (int64_t i = 0; i < nn->count; i++) {
            const nrm_nn_record *r = &nn->records[i];
            nrm_program_array a;
            if (!nrm_node_valid(r->next)) continue;
            const char *name = nrm_at(r->node)->name;
            const int64_t k = nrm_parameters_find(parameters, name);
            NRM_REQUIRE(ctx, k >= 0 && nrm_program_output(instance->program, output, &a), NRM_E_ARGUMENT,
                        "parameters: there is no buffer '%s', or no output %d for it", name, output);
            NRM_TRY(fits(ctx, &parameters->list[k], &a));
            if (copy) memcpy(parameters->list[k].array.data, nrm_instance_output(instance, output), (size_t)a.count * nrm_dtype_size(a.dtype));
            output++;
        }
    }
    return NRM_OK;
}
