/* norms.c -- (x - mean) / sqrt(var + eps), scaled and shifted, over four kinds of sets:
 *
 *     layer   the last axis of each row              Ba, Kiros, Hinton 2016
 *     rms     the same without the mean              Zhang, Sennrich 2019
 *     group   some channels of one example           Wu, He 2018
 *     batch   one channel of all examples            Ioffe, Szegedy 2015
 *
 * Variances are means of squared deviations (the biased ones); batch norm keeps running
 * averages of the mean and of the unbiased variance for evaluation.
 *
 * Batch norm's channels are large, so sweeps over them count.  Its mean is split into a constant
 * a of the same value and the rest d = mean - a, which is 0 but has the mean's derivatives:
 *     var = mean((x - a)^2) - d^2,   y = (x - a) s + (shift - d s),   s = scale / sqrt(var + eps)
 * hold for every a, so all derivatives are right; and going back the sums of u and of u (x - a)
 * are all that is needed, in one sweep, before the gradient in a second one. */
#include "nn.h"

static const nrm_init zeros = {NRM_INIT_ZEROS, 0, 0}, ones = {NRM_INIT_ONES, 0, 0};

static bool sound_eps(nrm_nn *nn, const char *who, double eps)
{
    if (eps > 0 && isfinite(eps)) return true;
    nrm_graph_refuse(nn->graph, NRM_E_RANGE, "%s: eps is %g; it must be > 0", who, eps);
    return false;
}

/* (x - mean) rsqrt(var + eps) over some axes. */
static nrm_node standardised(nrm_node x, int count, const int *axes, double eps)
{
    const nrm_node c = nrm_op_sub(x, nrm_op_mean(x, count, axes, true));
    return nrm_op_mul(c, nrm_op_rsqrt(nrm_op_shift(nrm_op_mean(nrm_op_square(c), count, axes, true), eps)));
}

static nrm_node scale_parameter(nrm_nn *nn, int64_t n) { return nrm_nn_parameter(nn, "weight", 1, &n, ones, NRM_PARAMETER_NO_DECAY); }
static nrm_node shift_parameter(nrm_nn *nn, int64_t n) { return nrm_nn_parameter(nn, "bias", 1, &n, zeros, NRM_PARAMETER_NO_DECAY); }

/* A vector of channels as (channels, 1, 1 ...), to meet x (batch, channels, ...). */
static nrm_node for_channels(nrm_node vector, nrm_node x)
{
    int64_t shape[NRM_GRAPH_MAX_NDIM] = {-1, 1, 1, 1, 1, 1};
    return nrm_op_reshape(vector, nrm_at(x)->ndim - 1, shape);
}

nrm_node nrm_nn_layer_norm(nrm_nn *nn, const char *name, nrm_node x, double eps, bool bias)
{
    if (!nrm_nn_takes(nn, "nn_layer_norm", x, 1, NRM_GRAPH_MAX_NDIM) || !sound_eps(nn, "nn_layer_norm", eps)) return nrm_no_node();
    const int64_t n = nrm_at(x)->shape[nrm_at(x)->ndim - 1];
    const int last = -1;
    nrm_graph_push(nn->graph, name);
    const nrm_node w = scale_parameter(nn, n), b = bias ? shift_parameter(nn, n) : nrm_no_node();
    nrm_graph_pop(nn->graph);
    const nrm_node y = nrm_op_mul(standardised(x, 1, &last, eps), w);
    return bias ? nrm_op_add(y, b) : y;
}

nrm_node nrm_nn_rms_norm(nrm_nn *nn, const char *name, nrm_node x, double eps)
{
    if (!nrm_nn_takes(nn, "nn_rms_norm", x, 1, NRM_GRAPH_MAX_NDIM) || !sound_eps(nn, "nn_rms_norm", eps)) return nrm_no_node();
    const int last = -1;
    nrm_graph_push(nn->graph, name);
    const nrm_node w = scale_parameter(nn, nrm_at(x)->shape[nrm_at(x)->ndim - 1]);
    nrm_graph_pop(nn->graph);
    return nrm_op_mul(nrm_op_mul(x, nrm_op_rsqrt(nrm_op_shift(nrm_op_mean(nrm_op_square(x), 1, &last, true), eps))), w);
}

nrm_node nrm_nn_group_norm(nrm_nn *nn, const char *name, nrm_node x, int64_t groups, double eps)
{
    if (!nrm_nn_takes(nn, "nn_group_norm", x, 2, NRM_GRAPH_MAX_NDIM) || !sound_eps(nn, "nn_group_norm", eps) ||
        !nrm_nn_positive(nn, "nn_group_norm", "groups", groups)) return nrm_no_node();
    const nrm_op_node *n = nrm_at(x);
    const int last = -1;
    if (n->shape[1] % groups != 0)
        return nrm_graph_refuse(nn->graph, NRM_E_RANGE, "nn_group_norm: groups is %lld; it must divide the %lld channels",
                                NRM_LL(groups), NRM_LL(n->shape[1]));
    nrm_graph_push(nn->graph, name);
    const nrm_node w = scale_parameter(nn, n->shape[1]), b = shift_parameter(nn, n->shape[1]);
    nrm_graph_pop(nn->graph);
    nrm_node y = nrm_op_reshape(x, 3, (int64_t[]){n->shape[0], groups, -1});
    y = nrm_op_reshape(standardised(y, 1, &last, eps), n->ndim, n->shape);
    if (nn->graph->status < 0) return nrm_no_node();
    return nrm_op_add(nrm_op_mul(y, for_channels(w, x)), for_channels(b, x));
}

/* running <- (1 - momentum) running + momentum now */
static void follow(nrm_nn *nn, nrm_node running, nrm_node now, double factor, double momentum)
{
    if (nn->graph->status < 0) return;
    now = nrm_op_reshape(now, 1, nrm_at(running)->shape);
    nrm_nn_buffer_next(nn, running, nrm_op_add(nrm_op_scale(running, 1 - momentum), nrm_op_scale(now, momentum * factor)));
}

nrm_node nrm_nn_batch_norm(nrm_nn *nn, const char *name, nrm_node x, double momentum, double eps)
{
    int axes[NRM_GRAPH_MAX_NDIM], count = 0;
    if (!nrm_nn_takes(nn, "nn_batch_norm", x, 2, NRM_GRAPH_MAX_NDIM) || !sound_eps(nn, "nn_batch_norm", eps)) return nrm_no_node();
    if (!(momentum >= 0 && momentum <= 1))
        return nrm_graph_refuse(nn->graph, NRM_E_RANGE, "nn_batch_norm: momentum is %g; it must lie in [0, 1]", momentum);
    const nrm_op_node *n = nrm_at(x);
    const int64_t channels = n->shape[1], each = channels > 0 ? nrm_elements(n) / channels : 0;
    if (nn->training && each < 2)
        return nrm_graph_refuse(nn->graph, NRM_E_SHAPE, "nn_batch_norm: %lld value a channel; training needs two or more: "
                                "use a larger batch or another norm", NRM_LL(each));
    for (int i = 0; i < n->ndim; i++)
        if (i != 1) axes[count++] = i;
    nrm_graph_push(nn->graph, name);
    const nrm_node w = scale_parameter(nn, channels), b = shift_parameter(nn, channels);
    const nrm_node running_mean = nrm_nn_buffer(nn, "running_mean", 1, &channels, zeros);
    const nrm_node running_var = nrm_nn_buffer(nn, "running_var", 1, &channels, ones);
    nrm_graph_pop(nn->graph);
    if (nn->graph->status < 0) return nrm_no_node();
    nrm_node mean = for_channels(running_mean, x), var = for_channels(running_var, x), late = nrm_no_node();
    if (nn->training) mean = nrm_op_mean(x, count, axes, true);
    const nrm_node c = nrm_op_sub(x, nrm_op_stop_gradient(mean));
    if (nn->training) {
        late = nrm_op_sub(mean, nrm_op_stop_gradient(mean));
        var = nrm_op_sub(nrm_op_mean(nrm_op_square(c), count, axes, true), nrm_op_square(late));
        follow(nn, running_mean, mean, 1, momentum);
        follow(nn, running_var, var, (double)each / (double)(each - 1), momentum);
    }
    const nrm_node scale = nrm_op_mul(nrm_op_rsqrt(nrm_op_shift(var, eps)), for_channels(w, x));
    nrm_node shift = for_channels(b, x);
    if (nn->training) shift = nrm_op_sub(shift, nrm_op_mul(late, scale));
    return nrm_op_add(nrm_op_mul(c, scale), shift);
}

nrm_node nrm_nn_norm(nrm_nn *nn, const char *name, nrm_node x, const char *kind, int64_t groups)
{
    if (strcmp(kind, "layer") == 0) return nrm_nn_layer_norm(nn, name, x, 1e-5, true);
    if (strcmp(kind, "rms") == 0) return nrm_nn_rms_norm(nn, name, x, 1e-6);
    if (strcmp(kind, "batch") == 0) return nrm_nn_batch_norm(nn, name, x, 0.1, 1e-5);
    if (strcmp(kind, "group") == 0) return nrm_nn_group_norm(nn, name, x, groups, 1e-5);
    return x;
}
