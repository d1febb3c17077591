/* positions.c -- where a row of a sequence stands: added (learned, sinusoidal) or turned (RoPE). */
#include "nn.h"

nrm_node nrm_nn_position_learned(nrm_nn *nn, const char *name, nrm_node x, int64_t length, nrm_init init)
{
    if (!nrm_nn_takes(nn, "nn_position_learned", x, 2, NRM_GRAPH_MAX_NDIM) ||
        !nrm_nn_positive(nn, "nn_position_learned", "length", length)) return nrm_no_node();
    const nrm_op_node *n = nrm_at(x);
    const int64_t t = n->shape[n->ndim - 2], width = n->shape[n->ndim - 1];
    if (t > length)
        return nrm_graph_refuse(nn->graph, NRM_E_SHAPE, "nn_position_learned: the sequence has %lld rows; there are positions for %lld",
                                NRM_LL(t), NRM_LL(length));
    nrm_graph_push(nn->graph, name);
    const nrm_node w = nrm_nn_parameter(nn, "weight", 2, (int64_t[]){length, width}, init, NRM_PARAMETER_EMBEDDING);
    nrm_graph_pop(nn->graph);
    return nrm_op_add(x, nrm_op_slice(w, 0, 0, t, 1));
}

/* A constant (rows, columns) of nn's dtype from f64 values. */
static nrm_node table(nrm_nn *nn, int64_t rows, int64_t columns, const double *values)
{
    const int64_t shape[2] = {rows, columns};
    nrm_node t = nrm_graph_constant(nn->graph, NRM_F64, 2, shape, values);
    return nrm_node_valid(t) ? nrm_op_cast(t, nn->dtype) : t; /* folded when compiled */
}

static bool sound_base(nrm_nn *nn, const char *who, double base)
{
    if (base > 1 && isfinite(base)) return true;
    nrm_graph_refuse(nn->graph, NRM_E_RANGE, "%s: base is %g; it must be > 1, usually 10000", who, base);
    return false;
}

nrm_node nrm_nn_position_sinusoidal(nrm_nn *nn, nrm_node x, double base)
{
    double *values;
    int64_t count;
    if (!nrm_nn_takes(nn, "nn_position_sinusoidal", x, 2, NRM_GRAPH_MAX_NDIM) || !sound_base(nn, "nn_position_sinusoidal", base)) return nrm_no_node();
    const nrm_op_node *n = nrm_at(x);
    const int64_t t = n->shape[n->ndim - 2], width = n->shape[n->ndim - 1];
    if (!nrm_mul_size(t, width, &count) || NRM_ALLOC(nn->ctx, values, count, "positions") < 0)
        return nrm_graph_refuse(nn->graph, NRM_E_NOMEM, "nn_position_sinusoidal: no memory for %lld x %lld values", NRM_LL(t), NRM_LL(width));
    for (int64_t p = 0; p < t; p++)
        for (int64_t i = 0; i < width; i++) {
            const double angle = (double)p * pow(base, -(double)(i / 2 * 2) / (double)width);
            values[p * width + i] = i % 2 ? cos(angle) : sin(angle);
        }
    const nrm_node positions = table(nn, t, width, values);
    nrm_free(nn->ctx, values);
    return nrm_op_add(x, positions);
}

nrm_node nrm_nn_rope(nrm_nn *nn, nrm_node x, double base)
{
    double *values;
    int64_t count;
    if (!nrm_nn_takes(nn, "nn_rope", x, 2, NRM_GRAPH_MAX_NDIM) || !sound_base(nn, "nn_rope", base)) return nrm_no_node();
    const nrm_op_node *n = nrm_at(x);
    const int64_t t = n->shape[n->ndim - 2], d = n->shape[n->ndim - 1], half = d / 2;
    if (d % 2 != 0) return nrm_graph_refuse(nn->graph, NRM_E_SHAPE, "nn_rope: a head has %lld features; they must be even", NRM_LL(d));
    if (!nrm_mul_size(t, d, &count) || NRM_ALLOC(nn->ctx, values, count, "positions") < 0)
        return nrm_graph_refuse(nn->graph, NRM_E_NOMEM, "nn_rope: no memory for %lld x %lld values", NRM_LL(t), NRM_LL(d));
    for (int64_t p = 0; p < t; p++)
        for (int64_t i = 0; i < half; i++) {
            const double angle = (double)p * pow(base, -2 * (double)i / (double)d);
            values[p * half + i] = cos(angle);
            values[(t + p) * half + i] = sin(angle);
        }
    const nrm_node c = table(nn, t, half, values), s = table(nn, t, half, values + t * half);
    nrm_free(nn->ctx, values);
    const nrm_node a = nrm_op_slice(x, -1, 0, half, 1), b = nrm_op_slice(x, -1, half, d, 1);
    return nrm_op_concat(2, (nrm_node[]){nrm_op_sub(nrm_op_mul(a, c), nrm_op_mul(b, s)), nrm_op_add(nrm_op_mul(b, c), nrm_op_mul(a, s))}, -1);
}
