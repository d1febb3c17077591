/* losses.c -- one number a row, their sum and how many count, so that means over several
 * batches can be put together; and their mean, which is trained. */
#include "nn.h"

static nrm_nn_loss no_loss(void) { return (nrm_nn_loss){nrm_no_node(), nrm_no_node(), nrm_no_node(), nrm_no_node()}; }

static nrm_nn_loss finish(nrm_nn *nn, nrm_node rows, nrm_node count)
{
    nrm_nn_loss loss = {.rows = rows, .sum = nrm_op_sum_all(rows), .count = count};
    loss.mean = nrm_op_div(loss.sum, nrm_op_max(count, nrm_graph_scalar(nn->graph, nn->dtype, 1)));
    return loss;
}

nrm_nn_loss nrm_nn_cross_entropy(nrm_nn *nn, nrm_node x, nrm_node target, double smoothing)
{
    const int last = -1;
    if (!nrm_nn_takes(nn, "nn_cross_entropy", x, 1, NRM_GRAPH_MAX_NDIM) || !nrm_nn_takes_index(nn, "nn_cross_entropy", target)) return no_loss();
    if (!(smoothing >= 0 && smoothing < 1)) {
        nrm_graph_refuse(nn->graph, NRM_E_RANGE, "nn_cross_entropy: smoothing is %g; it must lie in [0, 1)", smoothing);
        return no_loss();
    }
    nrm_node rows = nrm_op_cross_entropy(x, target);
    const nrm_node place = nrm_op_cast(target, nn->dtype);
    const nrm_node counts = nrm_op_less_equal(nrm_graph_scalar(nn->graph, nn->dtype, 0), place);
    if (smoothing > 0) {
        /* All classes alike: the mean over classes of -log softmax is logsumexp(x) - mean(x). */
        const nrm_node even = nrm_op_sub(nrm_op_logsumexp(x, 1, &last, false), nrm_op_mean(x, 1, &last, false));
        rows = nrm_op_add(nrm_op_scale(rows, 1 - smoothing), nrm_op_mul(counts, nrm_op_scale(even, smoothing)));
    }
    return finish(nn, rows, nrm_op_sum_all(counts));
}

/* x and target of one shape and dtype. */
static bool pair(nrm_nn *nn, const char *who, nrm_node x, nrm_node target)
{
    char a[NRM_NODE_TEXT], b[NRM_NODE_TEXT];
    if (!nrm_nn_takes(nn, who, x, 1, NRM_GRAPH_MAX_NDIM) || !nrm_nn_takes(nn, who, target, 1, NRM_GRAPH_MAX_NDIM)) return false;
    if (nrm_same_dims(nrm_at(x)->ndim, nrm_at(x)->shape, nrm_at(target)->ndim, nrm_at(target)->shape)) return true;
    nrm_graph_refuse(nn->graph, NRM_E_SHAPE, "%s: x has shape %s and the target %s; they must agree", who, nrm_node_text(a, x),
                     nrm_node_text(b, target));
    return false;
}

/* Elements to rows: the mean over all axes but the first. */
static nrm_nn_loss from_elements(nrm_nn *nn, nrm_node elements)
{
    static const int rest[] = {1, 2, 3, 4, 5};
    if (!nrm_node_valid(elements)) return no_loss();
    const nrm_node rows = nrm_at(elements)->ndim > 1 ? nrm_op_mean(elements, nrm_at(elements)->ndim - 1, rest, false) : elements;
    return finish(nn, rows, nrm_graph_scalar(nn->graph, nn->dtype, (double)nrm_at(elements)->shape[0]));
}

nrm_nn_loss nrm_nn_mse(nrm_nn *nn, nrm_node x, nrm_node target)
{
    if (!pair(nn, "nn_mse", x, target)) return no_loss();
    return from_elements(nn, nrm_op_square(nrm_op_sub(x, target)));
}

nrm_nn_loss nrm_nn_l1(nrm_nn *nn, nrm_node x, nrm_node target)
{
    if (!pair(nn, "nn_l1", x, target)) return no_loss();
    return from_elements(nn, nrm_op_abs(nrm_op_sub(x, target)));
}

/* With c = min(|d|, delta) both branches are c (|d| - c/2). */
nrm_nn_loss nrm_nn_huber(nrm_nn *nn, nrm_node x, nrm_node target, double delta)
{
    if (!pair(nn, "nn_huber", x, target)) return no_loss();
    if (!(delta > 0 && isfinite(delta))) {
        nrm_graph_refuse(nn->graph, NRM_E_RANGE, "nn_huber: delta is %g; it must be > 0", delta);
        return no_loss();
    }
    const nrm_node d = nrm_op_abs(nrm_op_sub(x, target)), c = nrm_op_min(d, nrm_like(d, delta));
    return from_elements(nn, nrm_op_mul(c, nrm_op_sub(d, nrm_op_scale(c, 0.5))));
}

/* softplus(x) - t x, which does not overflow. */
nrm_nn_loss nrm_nn_bce_with_logits(nrm_nn *nn, nrm_node x, nrm_node target)
{
    if (!pair(nn, "nn_bce_with_logits", x, target)) return no_loss();
    return from_elements(nn, nrm_op_sub(nrm_op_softplus(x), nrm_op_mul(target, x)));
}
