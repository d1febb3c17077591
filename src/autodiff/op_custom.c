/* op_custom.c -- operations of the user's own.
 *
 * A node has one array.  That of a custom node holds all its outputs one after another, each
 * beginning at a multiple of 64 bytes, and the user sees slices of it, which are views.  Its
 * numeric derivative is a second node of the same kind, whose inputs are the first one's
 * inputs, its array and the array of cotangents, and whose outputs are the gradients. */
#include "graph.h"

enum { MOST_ARRAYS = 16, ALIGNED = 64 };

const nrm_custom_spec *nrm_custom_keep(nrm_graph *graph, const nrm_custom *custom, int count, const nrm_custom_output *outputs)
{
    const size_t length = strlen(custom->name) + 1;
    nrm_custom_spec *spec = nrm_graph_keep(graph, (int64_t)(sizeof *spec + (size_t)count * sizeof *outputs));
    char *name = nrm_graph_keep(graph, (int64_t)length);
    if (!spec || !name) return NULL;
    memcpy(name, custom->name, length);
    spec->custom = *custom;
    spec->custom.name = name;
    spec->output_count = count;
    for (int i = 0; i < count; i++) spec->outputs[i] = outputs[i];
    return spec;
}

static int64_t count_of(int ndim, const int64_t *shape)
{
    int64_t count = 1;
    for (int i = 0; i < ndim; i++) count *= shape[i];
    return count;
}

static int64_t padded(nrm_dtype dtype, int64_t count)
{
    const int64_t every = ALIGNED / (int64_t)nrm_dtype_size(dtype);
    return (count + every - 1) / every * every;
}

/* The parts of a joint array, as arrays of their own. */
static int64_t parts_of(const nrm_custom_spec *spec, nrm_dtype dtype, void *joint, nrm_custom_array *parts)
{
    int64_t at = 0;
    for (int i = 0; i < spec->output_count; i++) {
        parts[i] = (nrm_custom_array){.dtype = dtype, .ndim = spec->outputs[i].ndim};
        memcpy(parts[i].shape, spec->outputs[i].shape, sizeof parts[i].shape);
        parts[i].data = joint ? (char *)joint + at * (int64_t)nrm_dtype_size(dtype) : NULL;
        at += padded(dtype, count_of(parts[i].ndim, parts[i].shape));
    }
    return at;
}

/* Between the parts nobody writes, but nrm_instance_watch looks there. */
static void clear_gaps(const nrm_custom_spec *spec, nrm_dtype dtype, const nrm_custom_array *parts)
{
    for (int i = 0; i < spec->output_count; i++) {
        const int64_t count = count_of(parts[i].ndim, parts[i].shape), size = (int64_t)nrm_dtype_size(dtype);
        memset((char *)parts[i].data + count * size, 0, (size_t)((padded(dtype, count) - count) * size));
    }
}

static void inputs_of(const nrm_op_run *r, int count, nrm_custom_array *arrays)
{
    for (int i = 0; i < count; i++) {
        arrays[i] = (nrm_custom_array){.data = (void *)(uintptr_t)r->in[i], .dtype = r->inputs[i]->dtype, .ndim = r->inputs[i]->ndim};
        memcpy(arrays[i].shape, r->inputs[i]->shape, sizeof arrays[i].shape);
    }
}

static nrm_status run_custom(const nrm_op_run *r)
{
    nrm_custom_array inputs[MOST_ARRAYS], outputs[MOST_ARRAYS];
    const nrm_custom_spec *spec = r->node->custom;
    inputs_of(r, r->node->input_count, inputs);
    parts_of(spec, r->node->dtype, r->out, outputs);
    clear_gaps(spec, r->node->dtype, outputs);
    return spec->custom.forward(r->ctx, spec->custom.user, inputs, outputs, r->work);
}
static int64_t work_custom(const nrm_op_run *r) { return r->node->custom->custom.work_bytes; }

/* Inputs, the joint outputs, the joint cotangents; the node's own spec lists the gradients. */
static nrm_status run_custom_vjp(const nrm_op_run *r)
{
    nrm_custom_array inputs[MOST_ARRAYS], outputs[MOST_ARRAYS], cotangents[MOST_ARRAYS], gradients[MOST_ARRAYS], given[MOST_ARRAYS];
    const int count = r->node->input_count - 2;
    const nrm_custom_spec *spec = r->node->custom, *forward = r->inputs[count]->custom;
    int made = 0;
    inputs_of(r, count, inputs);
    parts_of(forward, r->node->dtype, (void *)(uintptr_t)r->in[count], outputs);
    parts_of(forward, r->node->dtype, (void *)(uintptr_t)r->in[count + 1], cotangents);
    parts_of(spec, r->node->dtype, r->out, given);
    clear_gaps(spec, r->node->dtype, given);
    for (int i = 0; i < count; i++) {
        gradients[i] = inputs[i];
        gradients[i].data = nrm_is_float(inputs[i].dtype) ? given[made++].data : NULL;
    }
    return spec->custom.vjp(r->ctx, spec->custom.user, inputs, outputs, cotangents, gradients, r->work);
}
static int64_t work_custom_vjp(const nrm_op_run *r) { return r->node->custom->custom.vjp_work_bytes; }

/* Views of the parts of a joint node. */
static void show_parts(const nrm_custom_spec *spec, nrm_node joint, nrm_node *parts)
{
    int64_t at = 0;
    for (int i = 0; i < spec->output_count; i++) {
        const int64_t count = count_of(spec->outputs[i].ndim, spec->outputs[i].shape);
        parts[i] = nrm_op_reshape(nrm_op_slice(joint, 0, at, at + count, 1), spec->outputs[i].ndim, spec->outputs[i].shape);
        at += padded(nrm_node_valid(joint) ? nrm_at(joint)->dtype : NRM_F64, count);
    }
}

static nrm_node joint_node(nrm_graph *g, nrm_op op, nrm_dtype dtype, const nrm_custom_spec *spec, int input_count, const nrm_node *inputs)
{
    nrm_custom_array parts[MOST_ARRAYS];
    const int64_t all = parts_of(spec, dtype, NULL, parts);
    nrm_op_node node = nrm_new_node(op, dtype, 1, &all);
    node.custom = spec;
    return nrm_emit(g, node, input_count, inputs);
}

static void vjp_custom(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *n = g->nodes[node];
    const nrm_custom_spec *spec = n->custom;
    const int count = n->input_count;
    nrm_node inputs[MOST_ARRAYS + 2], outputs[MOST_ARRAYS], cotangents[MOST_ARRAYS], parts[MOST_ARRAYS];
    nrm_custom_output shapes[MOST_ARRAYS] = {{0}};
    int made = 0;

    (void)wanted;
    for (int i = 0; i < count; i++) inputs[i] = nrm_input(g, node, i);
    if (spec->custom.build_vjp) {
        show_parts(spec, nrm_self(g, node), outputs);
        show_parts(spec, u, cotangents);
        spec->custom.build_vjp(spec->custom.user, inputs, outputs, cotangents, gradients);
        return;
    }
    if (!spec->custom.vjp) {
        nrm_graph_refuse(g, NRM_E_UNSUPPORTED, "custom: '%s' was given no derivative; give vjp or build_vjp", spec->custom.name);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (!nrm_is_float(nrm_at(inputs[i])->dtype)) continue;
        shapes[made].ndim = nrm_at(inputs[i])->ndim;
        memcpy(shapes[made++].shape, nrm_at(inputs[i])->shape, sizeof shapes->shape);
    }
    inputs[count] = nrm_self(g, node);
    inputs[count + 1] = u;
    const nrm_custom_spec *backward = nrm_custom_keep(g, &spec->custom, made, shapes);
    if (!backward) return;
    show_parts(backward, joint_node(g, NRM_OP_custom_vjp, n->dtype, backward, count + 2, inputs), parts);
    made = 0;
    for (int i = 0; i < count; i++)
        if (nrm_is_float(nrm_at(inputs[i])->dtype)) gradients[i] = parts[made++];
}

const nrm_op_type nrm_op_type_custom = {.name = "custom", .vjp = vjp_custom, .run = run_custom, .work = work_custom};

static void vjp_custom_vjp(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    (void)u;
    (void)wanted;
    (void)gradients;
    nrm_graph_refuse(g, NRM_E_UNSUPPORTED, "custom: the vjp of '%s' has no derivative itself, as forward and second derivatives need; give build_vjp instead",
                     g->nodes[node]->custom->custom.name);
}
const nrm_op_type nrm_op_type_custom_vjp = {.name = "custom_vjp", .vjp = vjp_custom_vjp, .run = run_custom_vjp, .work = work_custom_vjp};

void nrm_op_custom(const nrm_custom *custom, int input_count, const nrm_node *inputs, nrm_dtype dtype, int output_count,
                   const nrm_custom_output *shapes, nrm_node *outputs)
{
    nrm_graph *g = nrm_common_graph("custom", input_count, inputs);
    for (int i = 0; i < output_count; i++) outputs[i] = input_count > 0 ? nrm_lost(inputs[0]) : nrm_no_node();
    if (!g) return;
    if (!custom || !custom->name || !custom->forward) {
        nrm_graph_refuse(g, NRM_E_NULL, "custom: the operation, its name or its forward function is NULL");
        return;
    }
    if (input_count < 1 || input_count > MOST_ARRAYS - 2 || output_count < 1 || output_count > MOST_ARRAYS || !nrm_is_float(dtype) ||
        custom->work_bytes < 0 || custom->vjp_work_bytes < 0) {
        nrm_graph_refuse(g, NRM_E_ARGUMENT, "custom: '%s' has %d inputs and %d outputs of dtype %s; 1 to %d inputs, 1 to %d outputs of f32 or f64 "
                         "and work of 0 bytes or more are possible", custom->name, input_count, output_count, nrm_dtype_name(dtype), MOST_ARRAYS - 2, MOST_ARRAYS);
        return;
    }
    for (int i = 0; i < input_count; i++) {
        if (nrm_at(inputs[i])->dtype == dtype || nrm_at(inputs[i])->dtype == NRM_I64) continue;
        nrm_graph_refuse(g, NRM_E_DTYPE, "custom: input %d of '%s' is %s; float inputs must be of the outputs' dtype, %s", i + 1, custom->name,
                         nrm_dtype_name(nrm_at(inputs[i])->dtype), nrm_dtype_name(dtype));
        return;
    }
    for (int i = 0; i < output_count; i++) {
        const nrm_op_node probe = nrm_new_node(NRM_OP_custom, dtype, shapes[i].ndim, shapes[i].shape);
        int64_t count = 1;
        bool fits = probe.ndim >= 0 && probe.ndim <= NRM_GRAPH_MAX_NDIM;
        for (int k = 0; k < probe.ndim && fits; k++) fits = nrm_mul_size(count, probe.shape[k], &count);
        if (fits && count <= INT64_MAX / 4096) continue;
        nrm_graph_refuse(g, NRM_E_SHAPE, "custom: the shape of output %d of '%s' is negative or too large", i + 1, custom->name);
        return;
    }
    const nrm_custom_spec *spec = nrm_custom_keep(g, custom, output_count, shapes);
    if (spec) show_parts(spec, joint_node(g, NRM_OP_custom, dtype, spec, input_count, inputs), outputs);
}
