/* op_csr.c -- products of a sparse matrix, in compressed rows, with dense ones.
 *
 * S (rows x cols) has the non-zeros values[e] at (row of e, indices[e]); those of row i are
 * e = indptr[i] .. indptr[i + 1] - 1.  Two kinds of nodes are closed under derivatives:
 *
 *     csr_matmul    Y = S D   or   Y = S' D
 *     csr_sampled   v_e = < A[row of e, :], B[indices[e], :] >     (A B' where S is not 0)
 *
 * With cotangent U of S D:  D: S' U,  values: sampled(U, D).   Of S' D:  D: S U,  values:
 * sampled(D, U).  With cotangent u of sampled(A, B), put in S as values:  A: S B,  B: S' A.
 *
 * Each run looks through indptr and indices once before they are used. */
#include "scatter.h"
#include "kernel/elementwise.h"

enum { CHUNK = 16, PIECE = 512, NARROW = 8, MORE = 16, ENOUGH = 1 << 18 };

#define REAL float
#define T(name) name##_f32
#define KERNELS nrm_elementwise_f32_for
#include "csr_typed.h"
#undef REAL
#undef T
#undef KERNELS
#define REAL double
#define T(name) name##_f64
#define KERNELS nrm_elementwise_f64_for
#include "csr_typed.h"
#undef REAL
#undef T
#undef KERNELS

static nrm_status check_structure(const nrm_op_run *r, int64_t cols)
{
    const int64_t *indptr = r->in[0], rows = r->inputs[0]->shape[0] - 1, count = r->inputs[1]->shape[0];
    const char *who = nrm_op_types[r->node->op]->name;
    NRM_REQUIRE(r->ctx, indptr[0] == 0, NRM_E_FORMAT, "%s: indptr begins with %lld; it must begin with 0", who, NRM_LL(indptr[0]));
    for (int64_t i = 0; i < rows; i++)
        NRM_REQUIRE(r->ctx, indptr[i + 1] >= indptr[i], NRM_E_FORMAT, "%s: indptr falls from %lld to %lld at element %lld; it must not fall", who,
                    NRM_LL(indptr[i]), NRM_LL(indptr[i + 1]), NRM_LL(i + 1));
    NRM_REQUIRE(r->ctx, indptr[rows] == count, NRM_E_FORMAT, "%s: indptr ends with %lld; it must end with the number of non-zeros, %lld", who,
                NRM_LL(indptr[rows]), NRM_LL(count));
    return nrm_check_indices(r, 1, "indices", cols);
}

/* Both of i64 and one dimension, indptr of one element at least. */
static bool structure_fits(nrm_graph *g, const char *who, nrm_node indptr, nrm_node indices)
{
    char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
    if (!nrm_want_index(who, indptr) || !nrm_want_index(who, indices)) return false;
    if (nrm_at(indptr)->ndim == 1 && nrm_at(indices)->ndim == 1 && nrm_at(indptr)->shape[0] >= 1) return true;
    nrm_graph_refuse(g, NRM_E_SHAPE, "%s: indptr has shape %s and indices %s; both must have one dimension, indptr one element more than there are rows",
                     who, nrm_node_text(ta, indptr), nrm_node_text(tb, indices));
    return false;
}

static bool same_float(nrm_graph *g, const char *who, nrm_node a, nrm_node b)
{
    if (!nrm_want_float(who, a) || !nrm_want_float(who, b)) return false;
    if (nrm_at(a)->dtype == nrm_at(b)->dtype) return true;
    nrm_graph_refuse(g, NRM_E_DTYPE, "%s: the arguments are %s and %s; both must be f32 or both f64: use nrm_op_cast", who,
                     nrm_dtype_name(nrm_at(a)->dtype), nrm_dtype_name(nrm_at(b)->dtype));
    return false;
}

/* ---- Sampled products: inputs indptr, indices, a (rows, n), b (cols, n) ------------------------------ */

static nrm_status run_csr_sampled(const nrm_op_run *r)
{
    const int64_t n = r->inputs[2]->shape[1];
    NRM_TRY(check_structure(r, r->inputs[3]->shape[0]));
    if (r->node->dtype == NRM_F32) sampled_f32(r, n);
    else sampled_f64(r, n);
    return NRM_OK;
}

static double flops_csr(const nrm_op_run *r) { return 2 * (double)nrm_elements(r->inputs[1]) * (double)r->inputs[3]->shape[1]; }

static void vjp_csr_sampled(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_node indptr = nrm_input(g, node, 0), indices = nrm_input(g, node, 1), a = nrm_input(g, node, 2), b = nrm_input(g, node, 3);
    const int64_t cols = nrm_at(b)->shape[0];
    if (wanted[2]) gradients[2] = nrm_op_csr_matmul(indptr, indices, u, cols, b, false);
    if (wanted[3]) gradients[3] = nrm_op_csr_matmul(indptr, indices, u, cols, a, true);
}
const nrm_op_type nrm_op_type_csr_sampled = {.name = "csr_sampled", .vjp = vjp_csr_sampled, .run = run_csr_sampled, .flops = flops_csr};

/* For derivatives alone: everything is known to fit. */
static nrm_node sampled(nrm_node indptr, nrm_node indices, nrm_node a, nrm_node b)
{
    const nrm_node all[4] = {indptr, indices, a, b};
    nrm_graph *g = nrm_common_graph("csr_sampled", 4, all);
    if (!g) return nrm_lost(indptr);
    return nrm_emit(g, nrm_new_node(NRM_OP_csr_sampled, nrm_at(a)->dtype, 1, nrm_at(indices)->shape), 4, all);
}

/* ---- Products: attributes cols, transposed; inputs indptr, indices, values, dense ---------------------- */

static nrm_status run_csr_matmul(const nrm_op_run *r)
{
    const int64_t cols = r->node->attributes[0], n = r->node->shape[1];
    const bool single = r->node->dtype == NRM_F32, transposed = r->node->attributes[1];
    NRM_TRY(check_structure(r, cols));
    if (n == 0) return NRM_OK;
    if (!transposed) {
        if (single) product_f32(r, n);
        else product_f64(r, n);
        return NRM_OK;
    }
    const int parts = nrm_scatter_parts(r->threads, cols, n, nrm_elements(r->inputs[1]));
#pragma omp parallel for num_threads(parts) schedule(static) if (parts > 1)
    for (int p = 0; p < parts; p++) {
        if (single) transposed_f32(r, nrm_scatter_part_of(p, parts, cols, n), n);
        else transposed_f64(r, nrm_scatter_part_of(p, parts, cols, n), n);
    }
    return NRM_OK;
}

static void vjp_csr_matmul(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_node indptr = nrm_input(g, node, 0), indices = nrm_input(g, node, 1), values = nrm_input(g, node, 2), dense = nrm_input(g, node, 3);
    const int64_t cols = g->nodes[node]->attributes[0];
    const bool transposed = g->nodes[node]->attributes[1];
    if (wanted[2]) gradients[2] = transposed ? sampled(indptr, indices, dense, u) : sampled(indptr, indices, u, dense);
    if (wanted[3]) gradients[3] = nrm_op_csr_matmul(indptr, indices, values, cols, u, !transposed);
}
const nrm_op_type nrm_op_type_csr_matmul = {.name = "csr_matmul", .vjp = vjp_csr_matmul, .run = run_csr_matmul, .flops = flops_csr};

nrm_node nrm_op_csr_matmul(nrm_node indptr, nrm_node indices, nrm_node values, int64_t cols, nrm_node dense, bool transpose)
{
    const nrm_node all[4] = {indptr, indices, values, dense};
    char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
    nrm_graph *g = nrm_common_graph("csr_matmul", 4, all);
    if (!g || !structure_fits(g, "csr_matmul", indptr, indices) || !same_float(g, "csr_matmul", values, dense)) return nrm_lost(indptr);
    const nrm_op_node *v = nrm_at(values), *d = nrm_at(dense);
    const int64_t rows = nrm_at(indptr)->shape[0] - 1;
    if (!nrm_same_dims(v->ndim, v->shape, 1, nrm_at(indices)->shape))
        return nrm_graph_refuse(g, NRM_E_SHAPE, "csr_matmul: values have shape %s and indices %s; each non-zero must have one of both",
                                nrm_node_text(ta, values), nrm_node_text(tb, indices));
    if (cols < 0) return nrm_graph_refuse(g, NRM_E_RANGE, "csr_matmul: cols is %lld; it must be at least 0", NRM_LL(cols));
    if (d->ndim != 2 || d->shape[0] != (transpose ? rows : cols))
        return nrm_graph_refuse(g, NRM_E_SHAPE, "csr_matmul: a sparse %lldx%lld%s times %s; the dense factor must have two dimensions and %lld rows",
                                NRM_LL(rows), NRM_LL(cols), transpose ? "'" : "", nrm_node_text(ta, dense), NRM_LL(transpose ? rows : cols));
    nrm_op_node node = nrm_new_node(NRM_OP_csr_matmul, d->dtype, 2, (const int64_t[]){transpose ? cols : rows, d->shape[1]});
    node.attributes[0] = cols;
    node.attributes[1] = transpose;
    return nrm_emit(g, node, 4, all);
}
