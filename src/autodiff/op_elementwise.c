/* op_elementwise.c -- operations on each element, their broadcasting and derivatives.
 *
 * Arguments of different shapes are made equal by explicit broadcast nodes, so that the
 * operations themselves, and their derivatives, see one shape only; the tile machine reads
 * a broadcast argument where it lies.  The numbers are computed by kernel/elementwise.h. */
#include "graph.h"
#include <float.h>

/* ---- Broadcasting --------------------------------------------------------------------------- */

/* The common shape of two, NumPy's rule; false, poisoned, where there is none. */
static bool common_shape(nrm_graph *g, const char *who, nrm_node a, nrm_node b, int *ndim, int64_t *shape)
{
    const nrm_op_node *x = nrm_at(a), *y = nrm_at(b);
    char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
    *ndim = x->ndim > y->ndim ? x->ndim : y->ndim;
    for (int i = 1; i <= *ndim; i++) {
        const int64_t m = i <= x->ndim ? x->shape[x->ndim - i] : 1, n = i <= y->ndim ? y->shape[y->ndim - i] : 1;
        if (m != n && m != 1 && n != 1) {
            nrm_graph_refuse(g, NRM_E_SHAPE, "%s: shapes %s and %s do not broadcast; counted from the right, sizes "
                             "must be equal or 1", who, nrm_node_text(ta, a), nrm_node_text(tb, b));
            return false;
        }
        shape[*ndim - i] = m == 1 ? n : m;
    }
    return true;
}

static bool same_dtype(nrm_graph *g, const char *who, nrm_node a, nrm_node b)
{
    if (nrm_at(a)->dtype == nrm_at(b)->dtype) return nrm_want_float(who, a);
    nrm_graph_refuse(g, NRM_E_DTYPE, "%s: the arguments are %s and %s; both must be f32 or both f64: use nrm_op_cast",
                     who, nrm_dtype_name(nrm_at(a)->dtype), nrm_dtype_name(nrm_at(b)->dtype));
    return false;
}

static nrm_node unary(nrm_op op, nrm_node x)
{
    nrm_graph *g = nrm_common_graph(nrm_op_types[op]->name, 1, &x);
    if (!g || !nrm_want_float(nrm_op_types[op]->name, x)) return nrm_lost(x);
    return nrm_emit(g, nrm_new_node(op, nrm_at(x)->dtype, nrm_at(x)->ndim, nrm_at(x)->shape), 1, &x);
}

static nrm_node binary(nrm_op op, nrm_node a, nrm_node b)
{
    const char *who = nrm_op_types[op]->name;
    nrm_node both[2] = {a, b};
    int64_t shape[NRM_GRAPH_MAX_NDIM];
    int ndim;
    nrm_graph *g = nrm_common_graph(who, 2, both);
    if (!g || !same_dtype(g, who, a, b) || !common_shape(g, who, a, b, &ndim, shape)) return nrm_lost(a);
    both[0] = nrm_op_broadcast(a, ndim, shape);
    both[1] = nrm_op_broadcast(b, ndim, shape);
    if (!nrm_node_valid(both[0]) || !nrm_node_valid(both[1])) return nrm_lost(a);
    return nrm_emit(g, nrm_new_node(op, nrm_at(both[0])->dtype, ndim, shape), 2, both);
}

#define NRM_OP_DEFINE_UNARY(name) nrm_node nrm_op_##name(nrm_node x) { return unary(NRM_OP_##name, x); }
NRM_OP_UNARY_LIST(NRM_OP_DEFINE_UNARY)
#define NRM_OP_DEFINE_BINARY(name) nrm_node nrm_op_##name(nrm_node a, nrm_node b) { return binary(NRM_OP_##name, a, b); }
NRM_OP_BINARY_LIST(NRM_OP_DEFINE_BINARY)

nrm_node nrm_op_where(nrm_node condition, nrm_node a, nrm_node b)
{
    nrm_node all[3] = {condition, a, b};
    int64_t shape[NRM_GRAPH_MAX_NDIM], with[NRM_GRAPH_MAX_NDIM];
    int ndim, ndim_with;
    nrm_graph *g = nrm_common_graph("where", 3, all);
    if (!g || !same_dtype(g, "where", a, b) || !same_dtype(g, "where", condition, a) ||
        !common_shape(g, "where", a, b, &ndim, shape)) return nrm_lost(condition);
    all[1] = nrm_op_broadcast(a, ndim, shape);
    if (!nrm_node_valid(all[1]) || !common_shape(g, "where", condition, all[1], &ndim_with, with)) return nrm_lost(condition);
    for (int i = 0; i < 3; i++) {
        all[i] = nrm_op_broadcast(i == 1 ? all[1] : i == 0 ? condition : b, ndim_with, with);
        if (!nrm_node_valid(all[i])) return nrm_lost(condition);
    }
    return nrm_emit(g, nrm_new_node(NRM_OP_where, nrm_at(a)->dtype, ndim_with, with), 3, all);
}

/* ---- Derivatives of one argument: cotangent times f'(x) --------------------------------------------- */

#define X nrm_input(g, node, 0)
#define Y nrm_self(g, node)
#define VJP1(name, expression)                                                                              \
    static void vjp_##name(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients) \
    {                                                                                                       \
        (void)g;                                                                                            \
        (void)node;                                                                                         \
        (void)wanted;                                                                                       \
        gradients[0] = (expression);                                                                        \
    }

VJP1(neg, nrm_op_neg(u))
VJP1(abs, nrm_op_mul(u, nrm_op_sign(X)))
VJP1(square, nrm_op_mul(u, nrm_op_scale(X, 2)))
VJP1(reciprocal, nrm_op_neg(nrm_op_mul(u, nrm_op_square(Y))))
/* 1 / (2 sqrt x), and 0 at x = 0: where() chooses before there is an infinity, which would
 * meet the zeros of the next derivative. */
VJP1(sqrt, nrm_op_mul(u, nrm_op_div(nrm_op_scale(nrm_op_step(X), 0.5), nrm_op_where(nrm_op_step(X), Y, nrm_like(X, 1)))))
VJP1(rsqrt, nrm_op_mul(u, nrm_op_scale(nrm_op_mul(nrm_op_square(Y), Y), -0.5)))
VJP1(exp, nrm_op_mul(u, Y))
VJP1(expm1, nrm_op_mul(u, nrm_op_shift(Y, 1)))
VJP1(log, nrm_op_div(u, X))
VJP1(log1p, nrm_op_div(u, nrm_op_shift(X, 1)))
VJP1(sin, nrm_op_mul(u, nrm_op_cos(X)))
VJP1(cos, nrm_op_neg(nrm_op_mul(u, nrm_op_sin(X))))
VJP1(tanh, nrm_op_mul(u, nrm_op_sub(nrm_like(Y, 1), nrm_op_square(Y))))
VJP1(sigmoid, nrm_op_mul(u, nrm_op_mul(Y, nrm_op_sub(nrm_like(Y, 1), Y))))
VJP1(softplus, nrm_op_mul(u, nrm_op_sigmoid(X)))
VJP1(relu, nrm_op_mul(u, nrm_op_step(X)))
VJP1(gelu, nrm_op_mul(u, nrm_op_gelu_slope(X)))
VJP1(silu, nrm_op_mul(u, nrm_op_silu_slope(X)))

static nrm_node normal_density(nrm_node x) /* exp(-x^2 / 2) / sqrt(2 pi) */
{
    return nrm_op_scale(nrm_op_exp(nrm_op_scale(nrm_op_square(x), -0.5)), 0x1.9884533d43651p-2);
}
/* (Phi + x phi)' = phi (2 - x^2) */
VJP1(gelu_slope, nrm_op_mul(u, nrm_op_mul(normal_density(X), nrm_op_sub(nrm_like(X, 2), nrm_op_square(X)))))
/* erf' = 2/sqrt(pi) exp(-x^2) */
VJP1(erf, nrm_op_mul(u, nrm_op_scale(nrm_op_exp(nrm_op_neg(nrm_op_square(X))), 0x1.20dd750429b6dp+0)))

/* (s + x s (1 - s))' = s (1 - s) (2 + x (1 - 2 s)), s = sigmoid(x) */
static nrm_node silu_curvature(nrm_node x)
{
    const nrm_node s = nrm_op_sigmoid(x), one = nrm_like(x, 1);
    const nrm_node slope = nrm_op_mul(s, nrm_op_sub(one, s));
    return nrm_op_mul(slope, nrm_op_shift(nrm_op_mul(x, nrm_op_sub(one, nrm_op_scale(s, 2))), 2));
}
VJP1(silu_slope, nrm_op_mul(u, silu_curvature(X)))

static void vjp_cast(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    (void)wanted;
    if (nrm_is_float(nrm_at(X)->dtype) && nrm_is_float(nrm_at(Y)->dtype)) gradients[0] = nrm_op_cast(u, nrm_at(X)->dtype);
}

/* ---- Two and three arguments ---------------------------------------------------------------------------- */

#define A nrm_input(g, node, 0)
#define B nrm_input(g, node, 1)
#define VJP2(name, by_a, by_b)                                                                              \
    static void vjp_##name(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients) \
    {                                                                                                       \
        (void)g;                                                                                            \
        (void)node;                                                                                         \
        if (wanted[0]) gradients[0] = (by_a);                                                               \
        if (wanted[1]) gradients[1] = (by_b);                                                               \
    }

VJP2(add, u, u)
VJP2(sub, u, nrm_op_neg(u))
VJP2(mul, nrm_op_mul(u, B), nrm_op_mul(u, A))
VJP2(div, nrm_op_div(u, B), nrm_op_neg(nrm_op_mul(u, nrm_op_div(Y, B))))

/* b a^(b-1), which is 0 at b = 0 also where a is. */
static nrm_node slope_of_pow(nrm_node a, nrm_node b)
{
    const nrm_op_node *n = nrm_at(b);
    if (n->op == NRM_OP_fill) return n->value == 0 ? nrm_like(a, 0) : nrm_op_scale(nrm_op_power(a, n->value - 1), n->value);
    const nrm_node either = nrm_op_where(a, nrm_like(a, 1), b); /* 0 where both are */
    return nrm_op_mul(b, nrm_op_pow(a, nrm_op_where(either, nrm_op_shift(b, -1), nrm_like(b, 0))));
}
/* ... and log(a) a^b with 0 at a = 0 */
VJP2(pow, nrm_op_mul(u, slope_of_pow(A, B)),
     nrm_op_mul(u, nrm_op_mul(Y, nrm_op_log(nrm_op_where(nrm_op_step(A), A, nrm_like(A, 1))))))
/* Where equal, the first argument takes it. */
VJP2(max, nrm_op_mul(u, nrm_op_less_equal(B, A)), nrm_op_mul(u, nrm_op_less(A, B)))
VJP2(min, nrm_op_mul(u, nrm_op_less_equal(A, B)), nrm_op_mul(u, nrm_op_less(B, A)))

static void vjp_where(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_node condition = nrm_input(g, node, 0), zero = nrm_like(u, 0);
    if (wanted[1]) gradients[1] = nrm_op_where(condition, u, zero);
    if (wanted[2]) gradients[2] = nrm_op_where(condition, zero, u);
}

/* ---- Types ---------------------------------------------------------------------------------------------------- */

#define ELEMENTWISE(name_) const nrm_op_type nrm_op_type_##name_ = {.name = #name_, .flags = NRM_OP_ELEMENTWISE, .vjp = vjp_##name_};
#define ELEMENTWISE_FLAT(name_) const nrm_op_type nrm_op_type_##name_ = {.name = #name_, .flags = NRM_OP_ELEMENTWISE | NRM_OP_FLAT};
ELEMENTWISE(neg) ELEMENTWISE(abs) ELEMENTWISE(square) ELEMENTWISE(reciprocal) ELEMENTWISE(sqrt) ELEMENTWISE(rsqrt)
ELEMENTWISE(exp) ELEMENTWISE(expm1) ELEMENTWISE(log) ELEMENTWISE(log1p) ELEMENTWISE(sin) ELEMENTWISE(cos)
ELEMENTWISE(tanh) ELEMENTWISE(sigmoid) ELEMENTWISE(softplus) ELEMENTWISE(relu) ELEMENTWISE(gelu)
ELEMENTWISE(gelu_slope) ELEMENTWISE(silu) ELEMENTWISE(silu_slope) ELEMENTWISE(erf)
ELEMENTWISE(add) ELEMENTWISE(sub) ELEMENTWISE(mul) ELEMENTWISE(div) ELEMENTWISE(pow) ELEMENTWISE(max)
ELEMENTWISE(min) ELEMENTWISE(where)
ELEMENTWISE_FLAT(sign) ELEMENTWISE_FLAT(step) ELEMENTWISE_FLAT(floor)
ELEMENTWISE_FLAT(less) ELEMENTWISE_FLAT(less_equal) ELEMENTWISE_FLAT(equal)

/* ---- Built from the others -------------------------------------------------------------------------------------- */

nrm_node nrm_op_scale(nrm_node x, double factor) { return nrm_node_valid(x) && nrm_want_float("scale", x) ? nrm_op_mul(x, nrm_like(x, factor)) : nrm_lost(x); }
nrm_node nrm_op_shift(nrm_node x, double term) { return nrm_node_valid(x) && nrm_want_float("shift", x) ? nrm_op_add(x, nrm_like(x, term)) : nrm_lost(x); }

nrm_node nrm_op_gelu_tanh(nrm_node x)
{
    /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    const nrm_node cube = nrm_op_mul(nrm_op_square(x), x);
    const nrm_node inner = nrm_op_scale(nrm_op_add(x, nrm_op_scale(cube, 0.044715)), 0x1.9884533d43651p-1);
    return nrm_op_mul(nrm_op_scale(x, 0.5), nrm_op_shift(nrm_op_tanh(inner), 1));
}

nrm_node nrm_op_leaky_relu(nrm_node x, double slope) { return nrm_op_where(nrm_op_step(x), x, nrm_op_scale(x, slope)); }
nrm_node nrm_op_log_sigmoid(nrm_node x) { return nrm_op_neg(nrm_op_softplus(nrm_op_neg(x))); }

nrm_node nrm_op_power(nrm_node x, double exponent)
{
    if (exponent == 1) return x;
    if (exponent == 2) return nrm_op_square(x);
    if (exponent == 3) return nrm_op_mul(nrm_op_square(x), x);
    if (exponent == -1) return nrm_op_reciprocal(x);
    if (exponent == 0.5) return nrm_op_sqrt(x);
    if (exponent == -0.5) return nrm_op_rsqrt(x);
    return nrm_node_valid(x) && nrm_want_float("power", x) ? nrm_op_pow(x, nrm_like(x, exponent)) : nrm_lost(x);
}

nrm_node nrm_op_clamp(nrm_node x, double least, double most)
{
    if (!nrm_node_valid(x) || !nrm_want_float("clamp", x)) return nrm_lost(x);
    if (!(least <= most)) return nrm_graph_refuse(x.graph, NRM_E_RANGE, "clamp: the bounds are %g and %g; the first must not exceed the second", least, most);
    return nrm_op_max(nrm_op_min(x, nrm_like(x, most)), nrm_like(x, least));
}

/* ---- Cast, stop ---------------------------------------------------------------------------------------------------- */

#define CONVERT(FROM, TO) for (int64_t i = 0; i < n; i++) ((TO *)r->out)[i] = (TO)((const FROM *)r->in[0])[i]
/* To i64 towards zero; what does not fit becomes the nearest bound, NaN 0. */
static int64_t whole(double x) { return x != x ? 0 : x <= -0x1p63 ? INT64_MIN : x >= 0x1p63 ? INT64_MAX : (int64_t)x; }

static nrm_status run_cast(const nrm_op_run *r)
{
    const int64_t n = nrm_elements(r->node);
    const nrm_dtype from = r->inputs[0]->dtype, to = r->node->dtype;
    if (from == NRM_F32 && to == NRM_F64) CONVERT(float, double);
    else if (from == NRM_F64 && to == NRM_F32) CONVERT(double, float);
    else if (from == NRM_I64 && to == NRM_F32) CONVERT(int64_t, float);
    else if (from == NRM_I64 && to == NRM_F64) CONVERT(int64_t, double);
    else if (from == NRM_F32) for (int64_t i = 0; i < n; i++) ((int64_t *)r->out)[i] = whole((double)((const float *)r->in[0])[i]);
    else for (int64_t i = 0; i < n; i++) ((int64_t *)r->out)[i] = whole(((const double *)r->in[0])[i]);
    return NRM_OK;
}
const nrm_op_type nrm_op_type_cast = {.name = "cast", .vjp = vjp_cast, .run = run_cast};

nrm_node nrm_op_cast(nrm_node x, nrm_dtype dtype)
{
    nrm_graph *g = nrm_common_graph("cast", 1, &x);
    if (!g) return nrm_lost(x);
    if (dtype != NRM_F32 && dtype != NRM_F64 && dtype != NRM_I64)
        return nrm_graph_refuse(g, NRM_E_DTYPE, "cast: dtype %d is none of f32, f64, i64", (int)dtype);
    if (nrm_at(x)->dtype == dtype) return x;
    return nrm_emit(g, nrm_new_node(NRM_OP_cast, dtype, nrm_at(x)->ndim, nrm_at(x)->shape), 1, &x);
}

const nrm_op_type nrm_op_type_stop_gradient = {.name = "stop_gradient", .flags = NRM_OP_VIEW | NRM_OP_FLAT};

nrm_node nrm_op_stop_gradient(nrm_node x)
{
    nrm_graph *g = nrm_common_graph("stop_gradient", 1, &x);
    if (!g) return nrm_lost(x);
    return nrm_emit(g, nrm_new_node(NRM_OP_stop_gradient, nrm_at(x)->dtype, nrm_at(x)->ndim, nrm_at(x)->shape), 1, &x);
}
