/* op_conv.c -- convolutions and pooling of planes (kernel/convolution.h, kernel/pooling.h).
 *
 * A convolution is a trilinear form in x, w, y (batch, channels, height, width), and its three
 * nodes are the derivatives of that form by one of them, so each one's derivatives are the
 * other two:
 *
 *     conv2d            (x, w) -> y       x: transposed(u, w)     w: weight(x, u)
 *     conv2d_transposed (y, w) -> x       y: conv2d(u, w)         w: weight(u, y)
 *     conv2d_weight     (x, y) -> w       x: transposed(y, u)     y: conv2d(x, u)
 *
 * attributes: stride, dilation, before, after (two each), groups.  The maximum over windows is
 * a choice of places (max_pool_index, no derivative) and then a take. */
#include "graph.h"
#include "kernel/convolution.h"
#include "kernel/pooling.h"

enum { STRIDE = 0, DILATION = 2, BEFORE = 4, AFTER = 6, GROUPS = 8 };

static nrm_conv_options options_of(const nrm_op_node *n)
{
    const int64_t *a = n->attributes;
    return (nrm_conv_options){{a[STRIDE], a[STRIDE + 1]}, {a[DILATION], a[DILATION + 1]}, {a[BEFORE], a[BEFORE + 1]}, {a[AFTER], a[AFTER + 1]}, a[GROUPS]};
}

static void set_options(nrm_op_node *n, const nrm_conv_options *o)
{
    for (int i = 0; i < 2; i++) {
        n->attributes[STRIDE + i] = o->stride[i];
        n->attributes[DILATION + i] = o->dilation[i];
        n->attributes[BEFORE + i] = o->before[i];
        n->attributes[AFTER + i] = o->after[i];
    }
    n->attributes[GROUPS] = o->groups;
}

/* ---- Shapes ------------------------------------------------------------------------------------ */

/* The form's sizes from those of its three arrays. */
static nrm_conv_shape shape_of(const int64_t *x, const int64_t *w, const int64_t *y, const nrm_conv_options *o)
{
    return (nrm_conv_shape){.batch = x[0], .in = x[1], .out = y[1], .groups = o->groups, .height = x[2], .width = x[3], .kernel = {w[2], w[3]},
                            .stride = {o->stride[0], o->stride[1]}, .dilation = {o->dilation[0], o->dilation[1]},
                            .before = {o->before[0], o->before[1]}, .out_height = y[2], .out_width = y[3]};
}

/* Height and width of y; false, poisoned, where an option is out of range or no window fits. */
static bool out_size(nrm_graph *g, const char *who, const int64_t *plane, const int64_t *kernel, const nrm_conv_options *o, int64_t *out)
{
    static const char *const names[] = {"height", "width"};
    for (int i = 0; i < 2; i++) {
        if (o->stride[i] < 1 || o->dilation[i] < 1 || o->before[i] < 0 || o->after[i] < 0 || o->groups < 1) {
            nrm_graph_refuse(g, NRM_E_RANGE, "%s: along the %s stride %lld, dilation %lld, %lld and %lld zeros around, %lld groups; stride, dilation and "
                             "groups are at least 1, zeros at least 0", who, names[i], NRM_LL(o->stride[i]), NRM_LL(o->dilation[i]), NRM_LL(o->before[i]),
                             NRM_LL(o->after[i]), NRM_LL(o->groups));
            return false;
        }
        out[i] = nrm_conv_out_length(plane[i], kernel[i], o->stride[i], o->dilation[i], o->before[i], o->after[i]);
        if (out[i] >= 1) continue;
        nrm_graph_refuse(g, NRM_E_SHAPE, "%s: along the %s a kernel of %lld with dilation %lld and stride %lld does not fit into %lld elements with %lld "
                         "and %lld zeros around", who, names[i], NRM_LL(kernel[i]), NRM_LL(o->dilation[i]), NRM_LL(o->stride[i]), NRM_LL(plane[i]),
                         NRM_LL(o->before[i]), NRM_LL(o->after[i]));
        return false;
    }
    return true;
}

static bool sound_shape(nrm_graph *g, const char *who, const nrm_conv_shape *s, int64_t w_in)
{
    nrm_conv_shape filled = *s; /* an empty batch is no fault */
    filled.batch = nrm_max_i64(1, s->batch);
    if (s->in < 1 || s->out < 1 || s->in % s->groups != 0 || s->out % s->groups != 0 || w_in != s->in / s->groups)
        nrm_graph_refuse(g, NRM_E_SHAPE, "%s: %lld channels in, %lld out, %lld groups and weights for %lld channels; groups must divide both, and the weights "
                         "have channels in / groups", who, NRM_LL(s->in), NRM_LL(s->out), NRM_LL(s->groups), NRM_LL(w_in));
    else if (!nrm_conv_shape_valid(&filled)) nrm_graph_refuse(g, NRM_E_OVERFLOW, "%s: the arrays are larger than memory can address", who);
    else return true;
    return false;
}

/* Both f32 or both f64, 4-dimensional. */
static nrm_graph *two_arrays(const char *who, const nrm_node *both)
{
    nrm_graph *g = nrm_common_graph(who, 2, both);
    if (!g || !nrm_want_float(who, both[0]) || !nrm_want_ndim(who, both[0], 4, 4) || !nrm_want_ndim(who, both[1], 4, 4)) return NULL;
    if (nrm_at(both[0])->dtype == nrm_at(both[1])->dtype) return g;
    nrm_graph_refuse(g, NRM_E_DTYPE, "%s: the arguments are %s and %s; both must be f32 or both f64", who, nrm_dtype_name(nrm_at(both[0])->dtype),
                     nrm_dtype_name(nrm_at(both[1])->dtype));
    return NULL;
}

/* ---- Running --------------------------------------------------------------------------------------- */

static nrm_conv_shape run_shape(const nrm_op_run *r, nrm_conv_kind *kind)
{
    const nrm_conv_options o = options_of(r->node);
    const int64_t *a = r->inputs[0]->shape, *b = r->inputs[1]->shape, *c = r->node->shape;
    *kind = r->node->op == NRM_OP_conv2d ? NRM_CONV_FORWARD : r->node->op == NRM_OP_conv2d_transposed ? NRM_CONV_INPUT : NRM_CONV_WEIGHT;
    return *kind == NRM_CONV_FORWARD ? shape_of(a, b, c, &o) : *kind == NRM_CONV_INPUT ? shape_of(c, b, a, &o) : shape_of(a, c, b, &o);
}

static nrm_status run_conv(const nrm_op_run *r)
{
    nrm_conv_kind kind;
    const nrm_conv_shape s = run_shape(r, &kind);
    const bool single = r->node->dtype == NRM_F32;
    if (s.batch == 0) { /* a sum over nothing */
        memset(r->out, 0, (size_t)nrm_elements(r->node) * nrm_dtype_size(r->node->dtype));
        return NRM_OK;
    }
    switch (kind) {
    case NRM_CONV_FORWARD:
        if (single) nrm_conv_forward_f32(&s, r->in[0], r->in[1], r->out, r->work, r->threads);
        else nrm_conv_forward_f64(&s, r->in[0], r->in[1], r->out, r->work, r->threads);
        break;
    case NRM_CONV_INPUT:
        if (single) nrm_conv_input_f32(&s, r->in[0], r->in[1], r->out, r->work, r->threads);
        else nrm_conv_input_f64(&s, r->in[0], r->in[1], r->out, r->work, r->threads);
        break;
    default:
        if (single) nrm_conv_weight_f32(&s, r->in[0], r->in[1], r->out, r->work, r->threads);
        else nrm_conv_weight_f64(&s, r->in[0], r->in[1], r->out, r->work, r->threads);
        break;
    }
    return NRM_OK;
}

static int64_t work_conv(const nrm_op_run *r)
{
    nrm_conv_kind kind;
    const nrm_conv_shape s = run_shape(r, &kind);
    if (s.batch == 0) return 0;
    return r->node->dtype == NRM_F32 ? nrm_conv_work_f32(&s, kind, r->threads) : nrm_conv_work_f64(&s, kind, r->threads);
}

static double flops_conv(const nrm_op_run *r)
{
    nrm_conv_kind kind;
    const nrm_conv_shape s = run_shape(r, &kind);
    return 2 * (double)s.batch * (double)s.out * (double)s.out_height * (double)s.out_width * (double)(s.in / s.groups) * (double)s.kernel[0] * (double)s.kernel[1];
}

/* ---- Derivatives --------------------------------------------------------------------------------------- */

static void vjp_conv2d(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_node x = nrm_input(g, node, 0), w = nrm_input(g, node, 1);
    const nrm_conv_options o = options_of(g->nodes[node]);
    if (wanted[0]) gradients[0] = nrm_op_conv2d_transposed(u, w, nrm_at(x)->shape[2], nrm_at(x)->shape[3], o);
    if (wanted[1]) gradients[1] = nrm_op_conv2d_weight(x, u, nrm_at(w)->shape[2], nrm_at(w)->shape[3], o);
}

static void vjp_transposed(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_node y = nrm_input(g, node, 0), w = nrm_input(g, node, 1);
    const nrm_conv_options o = options_of(g->nodes[node]);
    if (wanted[0]) gradients[0] = nrm_op_conv2d(u, w, o);
    if (wanted[1]) gradients[1] = nrm_op_conv2d_weight(u, y, nrm_at(w)->shape[2], nrm_at(w)->shape[3], o);
}

static void vjp_weight(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_node x = nrm_input(g, node, 0), y = nrm_input(g, node, 1);
    const nrm_conv_options o = options_of(g->nodes[node]);
    if (wanted[0]) gradients[0] = nrm_op_conv2d_transposed(y, u, nrm_at(x)->shape[2], nrm_at(x)->shape[3], o);
    if (wanted[1]) gradients[1] = nrm_op_conv2d(x, u, o);
}

const nrm_op_type nrm_op_type_conv2d = {.name = "conv2d", .vjp = vjp_conv2d, .run = run_conv, .work = work_conv, .flops = flops_conv};
const nrm_op_type nrm_op_type_conv2d_transposed = {.name = "conv2d_transposed", .vjp = vjp_transposed, .run = run_conv, .work = work_conv, .flops = flops_conv};
const nrm_op_type nrm_op_type_conv2d_weight = {.name = "conv2d_weight", .vjp = vjp_weight, .run = run_conv, .work = work_conv, .flops = flops_conv};

/* ---- Building -------------------------------------------------------------------------------------------- */

nrm_node nrm_op_conv2d(nrm_node x, nrm_node w, nrm_conv_options o)
{
    const nrm_node both[2] = {x, w};
    int64_t y[4];
    nrm_graph *g = two_arrays("conv2d", both);
    if (!g || !out_size(g, "conv2d", nrm_at(x)->shape + 2, nrm_at(w)->shape + 2, &o, y + 2)) return nrm_lost(x);
    y[0] = nrm_at(x)->shape[0];
    y[1] = nrm_at(w)->shape[0];
    const nrm_conv_shape s = shape_of(nrm_at(x)->shape, nrm_at(w)->shape, y, &o);
    if (!sound_shape(g, "conv2d", &s, nrm_at(w)->shape[1])) return nrm_lost(x);
    nrm_op_node node = nrm_new_node(NRM_OP_conv2d, nrm_at(x)->dtype, 4, y);
    set_options(&node, &o);
    return nrm_emit(g, node, 2, both);
}

/* y is what conv2d of a (height, width) plane with this kernel gives. */
static bool matches(nrm_graph *g, const char *who, const int64_t *plane, const int64_t *kernel, const nrm_conv_options *o, nrm_node y)
{
    int64_t out[2];
    if (!out_size(g, who, plane, kernel, o, out)) return false;
    if (out[0] == nrm_at(y)->shape[2] && out[1] == nrm_at(y)->shape[3]) return true;
    nrm_graph_refuse(g, NRM_E_SHAPE, "%s: y has planes of %lldx%lld; a convolution with these options gives %lldx%lld", who, NRM_LL(nrm_at(y)->shape[2]),
                     NRM_LL(nrm_at(y)->shape[3]), NRM_LL(out[0]), NRM_LL(out[1]));
    return false;
}

nrm_node nrm_op_conv2d_transposed(nrm_node y, nrm_node w, int64_t height, int64_t width, nrm_conv_options o)
{
    const char *who = "conv2d_transposed";
    const nrm_node both[2] = {y, w};
    nrm_graph *g = two_arrays(who, both);
    if (!g || !matches(g, who, (int64_t[]){height, width}, nrm_at(w)->shape + 2, &o, y)) return nrm_lost(y);
    int64_t x[4] = {nrm_at(y)->shape[0], 0, height, width};
    if (!nrm_mul_size(nrm_at(w)->shape[1], o.groups, &x[1]))
        return nrm_graph_refuse(g, NRM_E_OVERFLOW, "%s: %lld groups of %lld channels are more than can be counted", who, NRM_LL(o.groups), NRM_LL(nrm_at(w)->shape[1]));
    const nrm_conv_shape s = shape_of(x, nrm_at(w)->shape, nrm_at(y)->shape, &o);
    if (nrm_at(y)->shape[1] != nrm_at(w)->shape[0])
        return nrm_graph_refuse(g, NRM_E_SHAPE, "%s: y has %lld channels and the weights %lld; they must agree", who, NRM_LL(nrm_at(y)->shape[1]), NRM_LL(nrm_at(w)->shape[0]));
    if (!sound_shape(g, who, &s, nrm_at(w)->shape[1])) return nrm_lost(y);
    nrm_op_node node = nrm_new_node(NRM_OP_conv2d_transposed, nrm_at(y)->dtype, 4, x);
    set_options(&node, &o);
    return nrm_emit(g, node, 2, both);
}

nrm_node nrm_op_conv2d_weight(nrm_node x, nrm_node y, int64_t kernel_height, int64_t kernel_width, nrm_conv_options o)
{
    const char *who = "conv2d_weight";
    const nrm_node both[2] = {x, y};
    nrm_graph *g = two_arrays(who, both);
    if (!g || !matches(g, who, nrm_at(x)->shape + 2, (int64_t[]){kernel_height, kernel_width}, &o, y)) return nrm_lost(x);
    if (nrm_at(x)->shape[0] != nrm_at(y)->shape[0])
        return nrm_graph_refuse(g, NRM_E_SHAPE, "%s: x has a batch of %lld and y of %lld; they must agree", who, NRM_LL(nrm_at(x)->shape[0]), NRM_LL(nrm_at(y)->shape[0]));
    const int64_t w[4] = {nrm_at(y)->shape[1], nrm_at(x)->shape[1] / o.groups, kernel_height, kernel_width};
    const nrm_conv_shape s = shape_of(nrm_at(x)->shape, w, nrm_at(y)->shape, &o);
    if (!sound_shape(g, who, &s, w[1])) return nrm_lost(x);
    nrm_op_node node = nrm_new_node(NRM_OP_conv2d_weight, nrm_at(x)->dtype, 4, w);
    set_options(&node, &o);
    return nrm_emit(g, node, 2, both);
}

/* ---- One dimension: planes of height 1 -------------------------------------------------------------------- */

static nrm_conv_options flat(nrm_conv_options o)
{
    o.stride[0] = o.dilation[0] = 1;
    o.before[0] = o.after[0] = 0;
    return o;
}

/* (a, b, n) -> (a, b, 1, n) and back. */
static nrm_node raise(nrm_node x)
{
    if (!nrm_node_valid(x) || !nrm_want_ndim("conv1d", x, 3, 3)) return nrm_lost(x);
    const int64_t *s = nrm_at(x)->shape;
    return nrm_op_reshape(x, 4, (int64_t[]){s[0], s[1], 1, s[2]});
}
static nrm_node lower(nrm_node x)
{
    if (!nrm_node_valid(x)) return x;
    const int64_t *s = nrm_at(x)->shape;
    return nrm_op_reshape(x, 3, (int64_t[]){s[0], s[1], s[3]});
}

nrm_node nrm_op_conv1d(nrm_node x, nrm_node w, nrm_conv_options options) { return lower(nrm_op_conv2d(raise(x), raise(w), flat(options))); }

nrm_node nrm_op_conv1d_transposed(nrm_node y, nrm_node w, int64_t length, nrm_conv_options options)
{
    return lower(nrm_op_conv2d_transposed(raise(y), raise(w), 1, length, flat(options)));
}

/* ---- Pooling: attributes kernel, stride, pad, and height, width of x ----------------------------------------- */

static nrm_pool_shape pool_of(const nrm_op_node *n)
{
    nrm_pool_shape s = {.planes = 1, .kernel = n->attributes[0], .stride = n->attributes[1], .pad = n->attributes[2], .height = n->attributes[3], .width = n->attributes[4]};
    for (int i = 0; i < n->ndim - 2; i++) s.planes *= n->shape[i];
    nrm_pool_shape_fill(&s);
    return s;
}

static nrm_status run_max_pool_index(const nrm_op_run *r)
{
    const nrm_pool_shape s = pool_of(r->node);
    if (r->inputs[0]->dtype == NRM_F32) nrm_max_pool_f32(&s, r->in[0], r->out, r->threads);
    else nrm_max_pool_f64(&s, r->in[0], r->out, r->threads);
    return NRM_OK;
}

static nrm_status run_average_pool(const nrm_op_run *r)
{
    const nrm_pool_shape s = pool_of(r->node);
    const bool adjoint = r->node->op == NRM_OP_average_pool_adjoint;
    if (r->node->dtype == NRM_F32) (adjoint ? nrm_average_pool_adjoint_f32 : nrm_average_pool_f32)(&s, r->in[0], r->out, r->threads);
    else (adjoint ? nrm_average_pool_adjoint_f64 : nrm_average_pool_f64)(&s, r->in[0], r->out, r->threads);
    return NRM_OK;
}

static nrm_node pool_node(nrm_op op, nrm_node x, nrm_dtype dtype, const nrm_pool_shape *s, int64_t height, int64_t width)
{
    nrm_op_node node = nrm_new_node(op, dtype, 4, nrm_at(x)->shape);
    node.shape[2] = height;
    node.shape[3] = width;
    const int64_t attributes[5] = {s->kernel, s->stride, s->pad, s->height, s->width};
    memcpy(node.attributes, attributes, sizeof attributes);
    return nrm_emit(x.graph, node, 1, &x);
}

static void vjp_average_pool(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_pool_shape s = pool_of(g->nodes[node]);
    const bool adjoint = g->nodes[node]->op == NRM_OP_average_pool_adjoint;
    (void)wanted;
    gradients[0] = adjoint ? pool_node(NRM_OP_average_pool, u, nrm_at(u)->dtype, &s, s.out_height, s.out_width)
                           : pool_node(NRM_OP_average_pool_adjoint, u, nrm_at(u)->dtype, &s, s.height, s.width);
}
const nrm_op_type nrm_op_type_max_pool_index = {.name = "max_pool_index", .flags = NRM_OP_FLAT, .run = run_max_pool_index};
const nrm_op_type nrm_op_type_average_pool = {.name = "average_pool", .vjp = vjp_average_pool, .run = run_average_pool};
const nrm_op_type nrm_op_type_average_pool_adjoint = {.name = "average_pool_adjoint", .vjp = vjp_average_pool, .run = run_average_pool};

static bool pool_shape(const char *who, nrm_node x, int64_t kernel, int64_t stride, int64_t pad, nrm_pool_shape *s)
{
    nrm_graph *g = nrm_common_graph(who, 1, &x);
    if (!g || !nrm_want_float(who, x) || !nrm_want_ndim(who, x, 4, 4)) return false;
    const int64_t *shape = nrm_at(x)->shape;
    *s = (nrm_pool_shape){.planes = shape[0] * shape[1], .height = shape[2], .width = shape[3], .kernel = kernel, .stride = stride, .pad = pad};
    if (nrm_pool_shape_fill(s)) return true;
    nrm_graph_refuse(g, NRM_E_RANGE, "%s: kernel %lld, stride %lld, padding %lld for planes of %lldx%lld; kernel and stride are at least 1, the padding "
                     "is smaller than the kernel, and a window must fit", who, NRM_LL(kernel), NRM_LL(stride), NRM_LL(pad), NRM_LL(shape[2]), NRM_LL(shape[3]));
    return false;
}

nrm_node nrm_op_max_pool2d(nrm_node x, int64_t kernel, int64_t stride, int64_t pad)
{
    nrm_pool_shape s;
    if (!pool_shape("max_pool2d", x, kernel, stride, pad, &s)) return nrm_lost(x);
    const int64_t b = nrm_at(x)->shape[0], c = nrm_at(x)->shape[1];
    const nrm_node index = pool_node(NRM_OP_max_pool_index, x, NRM_I64, &s, s.out_height, s.out_width);
    const nrm_node chosen = nrm_op_take(nrm_op_reshape(x, 3, (int64_t[]){b, c, s.height * s.width}),
                                        nrm_op_reshape(index, 3, (int64_t[]){b, c, s.out_height * s.out_width}));
    return nrm_op_reshape(chosen, 4, (int64_t[]){b, c, s.out_height, s.out_width});
}

nrm_node nrm_op_average_pool2d(nrm_node x, int64_t kernel, int64_t stride, int64_t pad)
{
    nrm_pool_shape s;
    if (!pool_shape("average_pool2d", x, kernel, stride, pad, &s)) return nrm_lost(x);
    return pool_node(NRM_OP_average_pool, x, nrm_at(x)->dtype, &s, s.out_height, s.out_width);
}
