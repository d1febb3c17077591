/* op_fft.c -- Fourier transforms of real arrays and back, along the last 1, 2 or 3 axes.
 *
 *     rfft  = C r      r: real transforms of the last axis, which leave columns 0 .. n/2,
 *     irfft = s C^-1   C: complex ones of the other axes, s: r backwards, with the factors 1/n
 *
 * s reads a column that is its own conjugate (0, and n/2 of an even n) once, and its imaginary
 * part not at all; every other one stands for its conjugate too and counts twice.  So with N
 * the product of the lengths and w = 1 in the former columns, 2 in the latter, the transposes are
 *
 *     rfft' u = N irfft(u / w),    irfft' u = w rfft(u) / N,
 *
 * each an operation with a derivative again.  (C and the weights commute: w is constant along
 * the other axes.  The imaginary parts that irfft passes over are zero in r u.)
 *
 * A line is read into doubles, transformed by the plans of linalg/fft.h, and written back;
 * LANES neighbouring lines go together where they lie across the memory.  Plans serve one
 * thread at a time, so an instance prepares a set for each of its threads. */
#include "graph.h"
#include "linalg/fft.h"
#include <omp.h>

enum {
    MOST = 3,     /* dimensions */
    LANES = 8,
    SMALL = 4096  /* elements that one thread does alone */
};

typedef struct plans {
    int threads;
    nrm_fft *(*of)[MOST]; /* of each thread and axis; the last is real */
} plans;

/* Axis k of the transformed ones has outer[k] * inner[k] lines of length[k]. */
typedef struct transform {
    int dimensions, threads;
    bool inverse;
    int64_t length[MOST], outer[MOST], inner[MOST];
    int64_t stride; /* doubles of one line in memory */
    double *lines;  /* 2 LANES of them for each thread */
    const plans *plans;
} transform;

static double *lines_of(const transform *t) { return t->lines + omp_get_thread_num() * 2 * LANES * t->stride; }

#define NRM_PASTE_(a, b) a##b
#define NRM_PASTE(a, b) NRM_PASTE_(a, b)
#define REAL float
#define T(name) NRM_PASTE(name, _f32)
#include "op_fft_typed.h"
#undef REAL
#undef T
#define REAL double
#define T(name) NRM_PASTE(name, _f64)
#include "op_fft_typed.h"

/* ---- Running: attributes[0] dimensions -------------------------------------------------------- */

static transform transform_of(const nrm_op_run *r)
{
    const bool inverse = r->node->op == NRM_OP_irfft;
    const nrm_op_node *real = inverse ? r->node : r->inputs[0];
    transform t = {.dimensions = (int)r->node->attributes[0], .inverse = inverse, .threads = r->threads, .plans = r->prepared};
    int64_t outer = 1, inner = 1, longest = 1;
    const int first = real->ndim - t.dimensions, last = t.dimensions - 1;

    for (int i = 0; i < first; i++) outer *= real->shape[i];
    for (int k = 0; k <= last; k++) {
        t.length[k] = real->shape[first + k];
        t.outer[k] = outer;
        outer *= t.length[k];
        longest = nrm_max_i64(longest, t.length[k]);
    }
    for (int k = last; k >= 0; k--) {
        t.inner[k] = inner;
        inner *= k == last ? t.length[k] / 2 + 1 : t.length[k];
    }
    if (r->prepared) t.threads = (int)nrm_min_i64(t.threads, t.plans->threads);
    t.stride = (2 * longest + 2 + 7) / 8 * 8 + 8; /* whole cache lines, and no power of two */
    return t;
}

/* Bytes of the spectrum under way: irfft may not write its input. */
static int64_t spectrum_bytes(const nrm_op_run *r)
{
    if (r->node->op == NRM_OP_rfft || r->node->attributes[0] == 1) return 0;
    return nrm_padded(nrm_elements(r->inputs[0]) * (int64_t)nrm_dtype_size(r->node->dtype));
}

static int64_t work_fft(const nrm_op_run *r)
{
    const transform t = transform_of(r);
    int64_t bytes;
    if (!nrm_mul_size(t.stride, (int64_t)sizeof(double) * 2 * LANES * r->threads, &bytes) ||
        !nrm_add_size(bytes, spectrum_bytes(r), &bytes)) return -1;
    return bytes;
}

static nrm_status run_fft(const nrm_op_run *r)
{
    transform t = transform_of(r);
    t.lines = (double *)((char *)r->work + spectrum_bytes(r));
    if (r->node->dtype == NRM_F32) {
        if (t.inverse) irfft_f32(&t, r->in[0], r->work, r->out);
        else rfft_f32(&t, r->in[0], r->out);
    } else {
        if (t.inverse) irfft_f64(&t, r->in[0], r->work, r->out);
        else rfft_f64(&t, r->in[0], r->out);
    }
    return NRM_OK;
}

static void finish_fft(nrm_ctx *ctx, void *prepared)
{
    plans *p = prepared;
    for (int i = 0; p->of && i < p->threads; i++)
        for (int k = 0; k < MOST; k++) nrm_fft_destroy(ctx, p->of[i][k]);
    nrm_free(ctx, p->of);
    nrm_free(ctx, p);
}

static nrm_status prepare_fft(const nrm_op_run *r, void **prepared)
{
    const char *who = nrm_op_types[r->node->op]->name;
    const transform t = transform_of(r);
    plans *p;
    NRM_TRY(NRM_ALLOC_ZERO(r->ctx, p, 1, who));
    *prepared = p; /* from here on the instance cleans up */
    p->threads = (int)nrm_min_i64(r->threads, nrm_max_i64(1, t.outer[t.dimensions - 1]));
    for (int k = 0; k < t.dimensions - 1; k++) p->threads = (int)nrm_max_i64(p->threads, nrm_min_i64(r->threads, t.outer[k] * t.inner[k] / LANES));
    NRM_TRY(NRM_ALLOC_ZERO(r->ctx, p->of, p->threads, who));
    for (int i = 0; i < p->threads; i++)
        for (int k = 0; k < t.dimensions; k++)
            NRM_TRY(nrm_fft_create(r->ctx, who, k == t.dimensions - 1 ? NRM_FFT_REAL : NRM_FFT_COMPLEX, t.length[k], &p->of[i][k]));
    return NRM_OK;
}

/* The usual count, 5 n log2 n for n complex numbers and half of that for real ones. */
static double flops_fft(const nrm_op_run *r)
{
    const transform t = transform_of(r);
    double points = 1;
    for (int k = 0; k < t.dimensions; k++) points *= (double)t.length[k];
    return 2.5 * (double)nrm_elements(t.inverse ? r->node : r->inputs[0]) * log2(points);
}

/* ---- Derivatives --------------------------------------------------------------------------------- */

/* u, of the shape of a spectrum, times `single` in the columns that are their own conjugates,
 * times `others` elsewhere; n: the length of the last real axis. */
static nrm_node weigh(nrm_node u, int64_t n, double single, double others)
{
    const nrm_dtype dtype = nrm_at(u)->dtype;
    const int64_t columns = n / 2 + 1, shape[2] = {columns, 1};
    void *w = nrm_graph_keep(u.graph, columns * (int64_t)nrm_dtype_size(dtype));
    if (!w) return nrm_lost(u);
    for (int64_t k = 0; k < columns; k++) {
        const double value = k == 0 || 2 * k == n ? single : others;
        if (dtype == NRM_F32) ((float *)w)[k] = (float)value;
        else ((double *)w)[k] = value;
    }
    return nrm_op_mul(u, nrm_graph_constant(u.graph, dtype, 2, shape, w));
}

/* The product of the last `dimensions` lengths of a real array. */
static double points_of(const nrm_op_node *real, int dimensions)
{
    double points = 1;
    for (int k = 1; k <= dimensions; k++) points *= (double)real->shape[real->ndim - k];
    return points;
}

static void vjp_rfft(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *x = nrm_at(nrm_input(g, node, 0));
    const int dimensions = (int)g->nodes[node]->attributes[0];
    const int64_t n = x->shape[x->ndim - 1];
    const double points = points_of(x, dimensions);
    if (wanted[0]) gradients[0] = nrm_op_irfft(weigh(u, n, points, points / 2), dimensions, n);
}

static void vjp_irfft(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *x = g->nodes[node];
    const int dimensions = (int)x->attributes[0];
    const double points = points_of(x, dimensions);
    const nrm_node spectrum = wanted[0] ? nrm_op_rfft(u, dimensions) : nrm_lost(u);
    if (nrm_node_valid(spectrum)) gradients[0] = weigh(spectrum, x->shape[x->ndim - 1], 1 / points, 2 / points);
}

const nrm_op_type nrm_op_type_rfft = {.name = "rfft", .vjp = vjp_rfft, .run = run_fft, .prepare = prepare_fft, .finish = finish_fft,
                                      .work = work_fft, .flops = flops_fft};
const nrm_op_type nrm_op_type_irfft = {.name = "irfft", .vjp = vjp_irfft, .run = run_fft, .prepare = prepare_fft, .finish = finish_fft,
                                       .work = work_fft, .flops = flops_fft};

/* ---- Building -------------------------------------------------------------------------------------- */

/* An argument with `more` axes after the transformed ones, none of which is empty. */
static bool sound(const char *who, nrm_node x, int dimensions, int more)
{
    char text[NRM_NODE_TEXT];
    if (!nrm_common_graph(who, 1, &x) || !nrm_want_float(who, x)) return false;
    if (dimensions < 1 || dimensions > MOST) {
        nrm_graph_refuse(x.graph, NRM_E_RANGE, "%s: dimensions is %d; 1, 2 or %d axes can be transformed", who, dimensions, MOST);
        return false;
    }
    if (!nrm_want_ndim(who, x, dimensions + more, NRM_GRAPH_MAX_NDIM - 1 + more)) return false;
    for (int k = 0; k < dimensions; k++) {
        if (nrm_at(x)->shape[nrm_at(x)->ndim - more - 1 - k] > 0) continue;
        nrm_graph_refuse(x.graph, NRM_E_SHAPE, "%s: the argument has shape %s; axes that are transformed must not be empty", who, nrm_node_text(text, x));
        return false;
    }
    return true;
}

nrm_node nrm_op_rfft(nrm_node x, int dimensions)
{
    if (!sound("rfft", x, dimensions, 0)) return nrm_lost(x);
    const nrm_op_node *real = nrm_at(x);
    nrm_op_node node = nrm_new_node(NRM_OP_rfft, real->dtype, real->ndim, real->shape);
    node.shape[node.ndim - 1] = node.shape[node.ndim - 1] / 2 + 1;
    node.shape[node.ndim++] = 2;
    node.attributes[0] = dimensions;
    return nrm_emit(x.graph, node, 1, &x);
}

nrm_node nrm_op_irfft(nrm_node y, int dimensions, int64_t n)
{
    char text[NRM_NODE_TEXT];
    if (!sound("irfft", y, dimensions, 1)) return nrm_lost(y);
    const nrm_op_node *half = nrm_at(y);
    const int64_t columns = half->shape[half->ndim - 2];
    if (half->shape[half->ndim - 1] != 2)
        return nrm_graph_refuse(y.graph, NRM_E_SHAPE, "irfft: the argument has shape %s; its last axis must be 2, the real and the imaginary part",
                                nrm_node_text(text, y));
    if (n < 1 || n / 2 + 1 != columns)
        return nrm_graph_refuse(y.graph, NRM_E_SHAPE, "irfft: n is %lld and the argument has shape %s; half the spectrum of n values has n/2 + 1 columns, "
                                "so %lld of them belong to n = %lld or %lld", NRM_LL(n), nrm_node_text(text, y), NRM_LL(columns),
                                NRM_LL(columns > 1 ? 2 * columns - 2 : 1), NRM_LL(2 * columns - 1));
    nrm_op_node node = nrm_new_node(NRM_OP_irfft, half->dtype, half->ndim - 1, half->shape);
    node.shape[node.ndim - 1] = n;
    node.attributes[0] = dimensions;
    return nrm_emit(y.graph, node, 1, &y);
}
