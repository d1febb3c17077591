/* op_source.c -- nodes without inputs: inputs, parameters, constants, fills, ranges, random
 * numbers. */
#include "graph.h"
#include "base/random.h"
#include "data/data.h"
#include <math.h>

/* attributes: none; value: the fill's */
const nrm_op_type nrm_op_type_input = {.name = "input", .flags = NRM_OP_SOURCE | NRM_OP_FLAT};
const nrm_op_type nrm_op_type_parameter = {.name = "parameter", .flags = NRM_OP_SOURCE | NRM_OP_FLAT};
const nrm_op_type nrm_op_type_constant = {.name = "constant", .flags = NRM_OP_SOURCE | NRM_OP_FLAT};
const nrm_op_type nrm_op_type_variable = {.name = "variable", .flags = NRM_OP_SOURCE | NRM_OP_FLAT};

static bool sound_source(nrm_graph *graph, const char *who, nrm_dtype dtype)
{
    if (!graph || graph->status < 0) return false;
    if (dtype == NRM_F32 || dtype == NRM_F64 || dtype == NRM_I64) return true;
    nrm_graph_refuse(graph, NRM_E_DTYPE, "%s: dtype %d is none of f32, f64, i64", who, (int)dtype);
    return false;
}

nrm_node nrm_graph_constant(nrm_graph *graph, nrm_dtype dtype, int ndim, const int64_t *shape, const void *data)
{
    int64_t count;
    if (!sound_source(graph, "constant", dtype)) return (nrm_node){graph, -1};
    nrm_op_node node = nrm_new_node(NRM_OP_constant, dtype, ndim, shape);
    const nrm_node made = nrm_emit(graph, node, 0, NULL);
    if (!nrm_node_valid(made) || !nrm_shape_count(ndim, shape, &count)) return (nrm_node){graph, -1};
    if (count > 0 && !data) return nrm_graph_refuse(graph, NRM_E_NULL, "constant: its elements are NULL");
    void *copy = nrm_graph_keep(graph, count * (int64_t)nrm_dtype_size(dtype));
    if (!copy) return (nrm_node){graph, -1};
    if (count > 0) memcpy(copy, data, (size_t)count * nrm_dtype_size(dtype));
    graph->nodes[made.index]->constant = copy;
    return made;
}

nrm_node nrm_variable(nrm_graph *graph, nrm_dtype dtype, int ndim, const int64_t *shape)
{
    return nrm_emit(graph, nrm_new_node(NRM_OP_variable, dtype, ndim, shape), 0, NULL);
}

/* ---- Fill -------------------------------------------------------------------------------------- */

static nrm_status run_fill(const nrm_op_run *r)
{
    const int64_t n = nrm_elements(r->node);
    switch (r->node->dtype) {
    case NRM_F32: for (int64_t i = 0; i < n; i++) ((float *)r->out)[i] = (float)r->node->value; break;
    case NRM_F64: for (int64_t i = 0; i < n; i++) ((double *)r->out)[i] = r->node->value; break;
    default: for (int64_t i = 0; i < n; i++) ((int64_t *)r->out)[i] = (int64_t)r->node->value; break;
    }
    return NRM_OK;
}
const nrm_op_type nrm_op_type_fill = {.name = "fill", .flags = NRM_OP_SOURCE | NRM_OP_FLAT, .run = run_fill};

nrm_node nrm_graph_fill(nrm_graph *graph, nrm_dtype dtype, int ndim, const int64_t *shape, double value)
{
    if (!sound_source(graph, "fill", dtype)) return (nrm_node){graph, -1};
    if (dtype == NRM_I64 && !(fabs(value) <= 0x1p53 && value == rint(value)))
        return nrm_graph_refuse(graph, NRM_E_RANGE, "fill: value is %g; an i64 fill needs a whole number within 2^53", value);
    nrm_op_node node = nrm_new_node(NRM_OP_fill, dtype, ndim, shape);
    node.value = dtype == NRM_F32 ? (double)(float)value : value;
    return nrm_emit(graph, node, 0, NULL);
}

nrm_node nrm_graph_scalar(nrm_graph *graph, nrm_dtype dtype, double value)
{
    return nrm_graph_fill(graph, dtype, 0, NULL, value);
}

/* ---- Range -------------------------------------------------------------------------------------- */

static nrm_status run_range(const nrm_op_run *r)
{
    const int64_t n = nrm_elements(r->node);
    switch (r->node->dtype) {
    case NRM_F32: for (int64_t i = 0; i < n; i++) ((float *)r->out)[i] = (float)i; break;
    case NRM_F64: for (int64_t i = 0; i < n; i++) ((double *)r->out)[i] = (double)i; break;
    default: for (int64_t i = 0; i < n; i++) ((int64_t *)r->out)[i] = i; break;
    }
    return NRM_OK;
}
const nrm_op_type nrm_op_type_range = {.name = "range", .flags = NRM_OP_SOURCE | NRM_OP_FLAT, .run = run_range};

nrm_node nrm_graph_range(nrm_graph *graph, nrm_dtype dtype, int64_t n)
{
    if (!sound_source(graph, "range", dtype)) return (nrm_node){graph, -1};
    return nrm_emit(graph, nrm_new_node(NRM_OP_range, dtype, 1, &n), 0, NULL);
}

/* ---- Uniform ------------------------------------------------------------------------------------
 * attributes[0]: stream.  Block j of the Philox stream gives elements 4j .. 4j + 3 (f32: 24
 * bits of a word) or 2j, 2j + 1 (f64: 53 bits of two words): element i is a pure function
 * of (seed, stream, step, i). */

static void uniform_f32(const nrm_op_run *r, int64_t block, int64_t n, float *out)
{
    const uint64_t stream = (uint64_t)r->node->attributes[0];
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)((uint64_t)block >> 32), (uint32_t)stream, (uint32_t)r->step};
    const uint32_t key[2] = {(uint32_t)r->seed ^ (uint32_t)(r->step >> 32), (uint32_t)(r->seed >> 32) ^ (uint32_t)(stream >> 32)};
    uint32_t word[4];
    nrm_philox4x32(counter, key, word);
    for (int64_t i = 0; i < 4 && 4 * block + i < n; i++) out[4 * block + i] = (float)(word[i] >> 8) * 0x1p-24f;
}

static void uniform_f64(const nrm_op_run *r, int64_t block, int64_t n, double *out)
{
    const uint64_t stream = (uint64_t)r->node->attributes[0];
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)((uint64_t)block >> 32), (uint32_t)stream, (uint32_t)r->step};
    const uint32_t key[2] = {(uint32_t)r->seed ^ (uint32_t)(r->step >> 32), (uint32_t)(r->seed >> 32) ^ (uint32_t)(stream >> 32)};
    uint32_t word[4];
    nrm_philox4x32(counter, key, word);
    for (int64_t i = 0; i < 2 && 2 * block + i < n; i++) {
        const uint64_t both = (uint64_t)word[2 * i] << 32 | word[2 * i + 1];
        out[2 * block + i] = (double)(both >> 11) * 0x1p-53;
    }
}

static nrm_status run_uniform(const nrm_op_run *r)
{
    const int64_t n = nrm_elements(r->node);
    const bool single = r->node->dtype == NRM_F32;
    const int64_t blocks = single ? (n + 3) / 4 : (n + 1) / 2;
#pragma omp parallel for num_threads(r->threads) schedule(static) if (blocks > 4096)
    for (int64_t b = 0; b < blocks; b++) {
        if (single) uniform_f32(r, b, n, r->out);
        else uniform_f64(r, b, n, r->out);
    }
    return NRM_OK;
}
const nrm_op_type nrm_op_type_uniform = {.name = "uniform", .flags = NRM_OP_SOURCE | NRM_OP_FLAT, .run = run_uniform};

nrm_node nrm_graph_uniform(nrm_graph *graph, nrm_dtype dtype, int ndim, const int64_t *shape, int64_t stream)
{
    if (!sound_source(graph, "uniform", dtype)) return (nrm_node){graph, -1};
    if (!nrm_is_float(dtype)) return nrm_graph_refuse(graph, NRM_E_DTYPE, "uniform: dtype is i64; it must be f32 or f64");
    nrm_op_node node = nrm_new_node(NRM_OP_uniform, dtype, ndim, shape);
    node.attributes[0] = stream;
    return nrm_emit(graph, node, 0, NULL);
}
