/* activations.c -- nonlinearities by name.
 *
 * The last four keep the length of gradients, for networks with a Lipschitz bound: MaxMin
 * and GroupSort (Anil, Lucas, Grosse 2019) and Householder (Singla, Singla, Feizi 2021):
 *     (a, b) -> (a, b)                                    where a sin(t/2) > b cos(t/2)
 *               (a cos t + b sin t, a sin t - b cos t)    elsewhere */
#include "nn.h"

static const char *const names[] = {"identity", "relu", "leaky_relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid", "softplus",
                                    "sin", "square_relu", "maxmin", "groupsort", "fullsort", "householder", NULL};
const char *const *nrm_nn_activations(void) { return names; }

/* One feature at a time; invalid where the name is none of these. */
static nrm_node pointwise(nrm_node x, const char *kind)
{
    static const struct { const char *name; nrm_node (*build)(nrm_node); } table[] = {
        {"relu", nrm_op_relu}, {"gelu", nrm_op_gelu}, {"gelu_tanh", nrm_op_gelu_tanh}, {"silu", nrm_op_silu},
        {"tanh", nrm_op_tanh}, {"sigmoid", nrm_op_sigmoid}, {"softplus", nrm_op_softplus}, {"sin", nrm_op_sin}};
    for (int i = 0; i < NRM_COUNT(table); i++)
        if (strcmp(kind, table[i].name) == 0) return table[i].build(x);
    if (strcmp(kind, "identity") == 0) return x;
    if (strcmp(kind, "leaky_relu") == 0) return nrm_op_leaky_relu(x, 0.01);
    if (strcmp(kind, "square_relu") == 0) return nrm_op_square(nrm_op_relu(x));
    return nrm_no_node();
}

nrm_node nrm_nn_group_sort(nrm_nn *nn, nrm_node x, int axis, int64_t size)
{
    int order[NRM_GRAPH_MAX_NDIM], count = 0;
    int64_t shape[NRM_GRAPH_MAX_NDIM];
    if (!nrm_nn_takes(nn, "nn_group_sort", x, 1, NRM_GRAPH_MAX_NDIM) || !nrm_nn_positive(nn, "nn_group_sort", "size", size)) return nrm_no_node();
    const nrm_op_node *n = nrm_at(x);
    const int a = nrm_axis(nn->graph, "nn_group_sort", n->ndim, axis);
    if (a < 0) return nrm_no_node();
    if (n->shape[a] % size != 0)
        return nrm_graph_refuse(nn->graph, NRM_E_SHAPE, "nn_group_sort: axis %d has %lld features; they must be a multiple of the "
                                "group's %lld", a, NRM_LL(n->shape[a]), NRM_LL(size));
    /* The axis goes last, is sorted in rows of `size`, and goes back. */
    for (int i = 0; i < n->ndim; i++)
        if (i != a) order[count++] = i;
    order[count] = a;
    for (int i = 0; i < n->ndim; i++) shape[i] = n->shape[order[i]];
    nrm_node y = nrm_op_reshape(nrm_op_permute(x, order), 2, (int64_t[]){-1, size});
    y = nrm_op_reshape(nrm_op_sort(y, false), n->ndim, shape);
    int back[NRM_GRAPH_MAX_NDIM];
    for (int i = 0; i < n->ndim; i++) back[order[i]] = i;
    return nrm_op_permute(y, back);
}

/* The halves of an axis with an even number of features. */
static bool halves(nrm_nn *nn, const char *kind, nrm_node x, int axis, nrm_node *a, nrm_node *b)
{
    const int64_t n = nrm_at(x)->shape[axis];
    if (n % 2 != 0) {
        nrm_graph_refuse(nn->graph, NRM_E_SHAPE, "nn_activation: %s needs an even number of features; axis %d has %lld", kind, axis, NRM_LL(n));
        return false;
    }
    *a = nrm_op_slice(x, axis, 0, n / 2, 1);
    *b = nrm_op_slice(x, axis, n / 2, n, 1);
    return nn->graph->status >= 0;
}

static nrm_node householder(nrm_nn *nn, const char *name, nrm_node x, int axis)
{
    nrm_node a, b;
    int64_t shape[NRM_GRAPH_MAX_NDIM] = {1, 1, 1, 1, 1, 1};
    if (!halves(nn, "householder", x, axis, &a, &b)) return nrm_no_node();
    const int64_t pairs = nrm_at(a)->shape[axis];
    nrm_graph_push(nn->graph, name);
    nrm_node t = nrm_nn_parameter(nn, "theta", 1, &pairs, (nrm_init){NRM_INIT_CONSTANT, 1.5707963267948966, 0}, NRM_PARAMETER_NO_DECAY);
    nrm_graph_pop(nn->graph);
    shape[0] = pairs; /* (pairs, 1, ...) meets the axes from there on */
    t = nrm_op_reshape(t, nrm_at(x)->ndim - axis, shape);
    const nrm_node half = nrm_op_scale(t, 0.5), c = nrm_op_cos(t), s = nrm_op_sin(t);
    const nrm_node front = nrm_op_step(nrm_op_sub(nrm_op_mul(a, nrm_op_sin(half)), nrm_op_mul(b, nrm_op_cos(half))));
    const nrm_node parts[2] = {nrm_op_where(front, a, nrm_op_add(nrm_op_mul(a, c), nrm_op_mul(b, s))),
                               nrm_op_where(front, b, nrm_op_sub(nrm_op_mul(a, s), nrm_op_mul(b, c)))};
    return nrm_op_concat(2, parts, axis);
}

nrm_node nrm_nn_activation(nrm_nn *nn, const char *name, nrm_node x, const char *kind, int axis)
{
    nrm_node a, b;
    char shown[NRM_SHOWN_LENGTH];
    if (!nrm_nn_takes(nn, "nn_activation", x, 1, NRM_GRAPH_MAX_NDIM)) return nrm_no_node();
    if (!kind) return nrm_graph_refuse(nn->graph, NRM_E_NULL, "nn_activation: its name is NULL");
    const nrm_node y = pointwise(x, kind);
    if (nrm_node_valid(y) || nn->graph->status < 0) return y;
    axis = nrm_axis(nn->graph, "nn_activation", nrm_at(x)->ndim, axis);
    if (axis < 0) return nrm_no_node();
    if (strcmp(kind, "groupsort") == 0) return nrm_nn_group_sort(nn, x, axis, 2);
    if (strcmp(kind, "fullsort") == 0) return nrm_nn_group_sort(nn, x, axis, nrm_max_i64(nrm_at(x)->shape[axis], 1));
    if (strcmp(kind, "householder") == 0) return householder(nn, name, x, axis);
    if (strcmp(kind, "maxmin") == 0) {
        if (!halves(nn, "maxmin", x, axis, &a, &b)) return nrm_no_node();
        return nrm_op_concat(2, (nrm_node[]){nrm_op_max(a, b), nrm_op_min(a, b)}, axis);
    }
    const char *nearest = nrm_nearest(kind, names);
    return nrm_graph_refuse(nn->graph, NRM_E_ARGUMENT, "nn_activation: '%s' is unknown; %s%s", nrm_shown(shown, kind),
                            nearest ? "the nearest is " : "relu, gelu, silu and tanh are among the names", nearest ? nearest : "");
}
