/* op_attention.c -- softmax self-attention as one operation.
 *
 *     S = scale q k',  P = softmax(S) by rows,  y = P v
 *
 * for every sequence and head of qkv (batch, t, 3, heads, d).  With the cotangent u of y
 *
 *     dP = u v',  dS = scale P (dP - sum dP P),  dq = dS k,  dk = dS' q,  dv = P' u,
 *
 * which is a node of its own, attention_slope, with all three in one array.  Neither keeps P:
 * a block of query rows at a time goes through all products in the caches, and the slope
 * makes its weights again (Dao et al., "FlashAttention", 2022, whose rescaling is not needed
 * where a row of P fits a cache).  causal: row i sees rows 0 .. i; blocks above the diagonal
 * are not computed, those on it are masked, so that a NaN or an infinity in row j of v (or u)
 * may show in some rows before it.
 *
 * The derivative of the slope is rarely wanted and is built from other operations.  With
 * cotangents a, b, c of dq, dk, dv (s the scale, row sums written sum):
 *
 *     E = s (a k' + q b'),  e = sum E P,  D = sum dP P
 *     of dP: F = P (E - e),   of P: G = E (dP - D) - e dP + u c',   of S: H = s P (G - sum P G)
 *     u: P c + F v,   v: F' u,   q: H k + dS b,   k: H' q + dS' a. */
#include "graph.h"
#include "kernel/elementwise.h"
#include "kernel/matmul.h"
#include <omp.h>

enum {
    LINE = 16,     /* elements of a cache line, or of two */
    BLOCK = 84,    /* query rows whose weights are kept for dk and dv: a multiple of 4, 6, 14, the rows of register blocks */
    PIECE = 168,   /* query rows of one turn where there are few heads: a multiple of 4, 6, 14 */
    SMALL = 8192   /* multiplications that one thread does faster */
};

typedef struct attention {
    int64_t batch, t, heads, d;
    int64_t step; /* from a row of qkv to the next */
    double scale;
    bool causal;
} attention;

static attention attention_of(const nrm_op_run *r)
{
    const int64_t *shape = r->inputs[0]->shape;
    return (attention){.batch = shape[0], .t = shape[1], .heads = shape[3], .d = shape[4], .step = 3 * shape[3] * shape[4],
                       .scale = r->node->value, .causal = r->node->attributes[0]};
}

static int64_t round_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

#define T(name) name##_f32
#define T2(name, rest) name##_f32_##rest
#define REAL float
#include "attention_typed.h"
#undef T
#undef T2
#undef REAL
#define T(name) name##_f64
#define T2(name, rest) name##_f64_##rest
#define REAL double
#include "attention_typed.h"

static int64_t work_of(const nrm_op_run *r, bool backward)
{
    const attention q = attention_of(r);
    if (nrm_elements(r->node) == 0) return 0;
    const int64_t each = r->node->dtype == NRM_F32 ? lay_out_f32(&q, backward, NULL).size * 4 : lay_out_f64(&q, backward, NULL).size * 8;
    return each * r->threads;
}

/* `products` of the size of q k', and some ten operations a weight. */
static double flops_of(const nrm_op_run *r, int products)
{
    const attention q = attention_of(r);
    const double weights = (double)q.batch * (double)q.heads * (double)q.t * (q.causal ? (double)(q.t + 1) / 2 : (double)q.t);
    return weights * (2 * products * (double)q.d + 10);
}

/* ---- Forwards: attributes[0] causal; value: the scale ----------------------------------------------- */

static nrm_status run_attention(const nrm_op_run *r)
{
    if (nrm_elements(r->node) == 0) return NRM_OK;
    if (r->node->dtype == NRM_F32) forward_f32(r);
    else forward_f64(r);
    return NRM_OK;
}
static int64_t work_attention(const nrm_op_run *r) { return work_of(r, false); }
static double flops_attention(const nrm_op_run *r) { return flops_of(r, 2); }

static void vjp_attention(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *n = g->nodes[node];
    const nrm_node both[2] = {nrm_input(g, node, 0), u};
    nrm_op_node slope = nrm_new_node(NRM_OP_attention_slope, n->dtype, 5, nrm_at(both[0])->shape);
    (void)wanted;
    slope.attributes[0] = n->attributes[0];
    slope.value = n->value;
    gradients[0] = nrm_emit(g, slope, 2, both);
}

const nrm_op_type nrm_op_type_attention = {.name = "attention", .vjp = vjp_attention, .run = run_attention, .work = work_attention, .flops = flops_attention};

nrm_node nrm_op_attention(nrm_node qkv, double scale, bool causal)
{
    char text[NRM_NODE_TEXT];
    nrm_graph *g = nrm_common_graph("attention", 1, &qkv);
    if (!g || !nrm_want_float("attention", qkv)) return nrm_no_node();
    const nrm_op_node *n = nrm_at(qkv);
    if (n->ndim != 5 || n->shape[2] != 3)
        return nrm_graph_refuse(g, NRM_E_SHAPE, "attention: qkv has shape %s; it must be (batch, t, 3, heads, d), queries, keys and values "
                                "side by side", nrm_node_text(text, qkv));
    if (!isfinite(scale)) return nrm_graph_refuse(g, NRM_E_RANGE, "attention: scale is %g; it must be finite, usually 1 / sqrt(d)", scale);
    nrm_op_node node = nrm_new_node(NRM_OP_attention, n->dtype, 4, (const int64_t[]){n->shape[0], n->shape[1], n->shape[3], n->shape[4]});
    node.attributes[0] = causal;
    node.value = scale;
    return nrm_emit(g, node, 1, &qkv);
}

/* ---- The slope: inputs qkv, u; attributes and value as above --------------------------------------------- */

static nrm_status run_attention_slope(const nrm_op_run *r)
{
    if (nrm_elements(r->node) == 0) return NRM_OK;
    if (r->node->dtype == NRM_F32) backward_f32(r);
    else backward_f64(r);
    return NRM_OK;
}
static int64_t work_attention_slope(const nrm_op_run *r) { return work_of(r, true); }
static double flops_attention_slope(const nrm_op_run *r) { return flops_of(r, 5); }

/* (batch, t, heads, d) <-> (batch, heads, t, d) */
static nrm_node exchange(nrm_node x) { return nrm_op_permute(x, (const int[]){0, 2, 1, 3}); }

/* Part `part` of something shaped like qkv, as (batch, heads, t, d). */
static nrm_node part_of(nrm_node qkv, int64_t part)
{
    if (!nrm_node_valid(qkv)) return qkv;
    const int64_t *s = nrm_at(qkv)->shape, shape[4] = {s[0], s[1], s[3], s[4]};
    return exchange(nrm_op_reshape(nrm_op_slice(qkv, 2, part, part + 1, 1), 4, shape));
}

/* And back. */
static nrm_node joined(nrm_node q, nrm_node k, nrm_node v)
{
    nrm_node parts[3] = {exchange(q), exchange(k), exchange(v)};
    for (int i = 0; i < 3; i++) {
        if (!nrm_node_valid(parts[i])) return nrm_no_node();
        const int64_t *s = nrm_at(parts[i])->shape, shape[5] = {s[0], s[1], 1, s[2], s[3]};
        parts[i] = nrm_op_reshape(parts[i], 5, shape);
    }
    return nrm_op_concat(3, parts, 2);
}

static nrm_node row_sum(nrm_node x) { return nrm_op_sum(x, 1, (const int[]){-1}, true); }

/* softmax(scale q k'), where row i sees columns 0 .. i if causal. */
static nrm_node weights_of(nrm_node q, nrm_node k, double scale, bool causal)
{
    nrm_node scores = nrm_op_scale(nrm_op_matmul_transposed(q, false, k, true), scale);
    if (!nrm_node_valid(scores)) return scores;
    nrm_graph *g = scores.graph;
    const nrm_dtype dtype = nrm_at(scores)->dtype;
    const int64_t t = nrm_at(scores)->shape[3];
    if (t == 0) return scores;
    if (causal) {
        const nrm_node column = nrm_graph_range(g, dtype, t), row = nrm_op_reshape(column, 2, (const int64_t[]){t, 1});
        scores = nrm_op_where(nrm_op_less_equal(column, row), scores, nrm_graph_scalar(g, dtype, -INFINITY));
    }
    const nrm_node top = nrm_op_stop_gradient(nrm_op_greatest(scores, 1, (const int[]){-1}, true));
    const nrm_node e = nrm_op_exp(nrm_op_sub(scores, top));
    return nrm_op_div(e, row_sum(e));
}

static void vjp_attention_slope(nrm_graph *g, int32_t node, nrm_node cotangent, const bool *wanted, nrm_node *gradients)
{
    const nrm_node qkv = nrm_input(g, node, 0);
    const double s = g->nodes[node]->value;
    const nrm_node q = part_of(qkv, 0), k = part_of(qkv, 1), v = part_of(qkv, 2), u = exchange(nrm_input(g, node, 1));
    const nrm_node a = part_of(cotangent, 0), b = part_of(cotangent, 1), c = part_of(cotangent, 2);
    const nrm_node weights = weights_of(q, k, s, g->nodes[node]->attributes[0]);
    const nrm_node inner = nrm_op_matmul_transposed(u, false, v, true);
    const nrm_node outer = nrm_op_scale(nrm_op_add(nrm_op_matmul_transposed(a, false, k, true), nrm_op_matmul_transposed(q, false, b, true)), s);
    const nrm_node outer_sum = row_sum(nrm_op_mul(outer, weights));
    const nrm_node of_inner = nrm_op_mul(weights, nrm_op_sub(outer, outer_sum));
    if (wanted[1]) gradients[1] = exchange(nrm_op_add(nrm_op_matmul(weights, c), nrm_op_matmul(of_inner, v)));
    if (!wanted[0]) return;
    const nrm_node centred = nrm_op_sub(inner, row_sum(nrm_op_mul(inner, weights)));
    const nrm_node of_weights = nrm_op_add(nrm_op_sub(nrm_op_mul(outer, centred), nrm_op_mul(outer_sum, inner)), nrm_op_matmul_transposed(u, false, c, true));
    const nrm_node slope = nrm_op_scale(nrm_op_mul(weights, centred), s);
    const nrm_node of_scores = nrm_op_scale(nrm_op_mul(weights, nrm_op_sub(of_weights, row_sum(nrm_op_mul(weights, of_weights)))), s);
    gradients[0] = joined(nrm_op_add(nrm_op_matmul(of_scores, k), nrm_op_matmul(slope, b)),
                          nrm_op_add(nrm_op_matmul_transposed(of_scores, true, q, false), nrm_op_matmul_transposed(slope, true, a, false)),
                          nrm_op_matmul_transposed(of_inner, true, u, false));
}

const nrm_op_type nrm_op_type_attention_slope = {.name = "attention_slope", .vjp = vjp_attention_slope, .run = run_attention_slope,
                                                 .work = work_attention_slope, .flops = flops_attention_slope};
