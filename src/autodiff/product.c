/* product.c -- matrix products by BLAS, reading their factors where they lie.
 *
 * A factor may be any view whose last two axes BLAS can describe: one of them steps by 1, the
 * other by at least its length.  So the heads of an attention, slices of a joint projection
 * and transposes cost nothing.  Many small products go to the threads one by one, few large
 * ones are shared by BLAS. */
#include "linalg/linalg.h"
#include "program.h"
#include <cblas.h>
#include <omp.h>

typedef struct factor {
    int64_t offset, ld, batch[NRM_GRAPH_MAX_NDIM]; /* strides of the result's batch axes */
    bool transposed; /* as it lies, against what the product wants */
    int32_t base;
} factor;

/* Node `node`, a matmul, its factor `input`. */
static bool describe(const nrm_program *p, int32_t node, int input, factor *f)
{
    const nrm_op_node *n = p->graph->nodes[node], *x = p->graph->nodes[n->inputs[input]];
    const nrm_access *a = &p->access[n->inputs[input]];
    const int last = x->ndim - 1;
    const int64_t rows = x->shape[last - 1], columns = x->shape[last];
    int64_t stride[NRM_GRAPH_MAX_NDIM];

    if (!nrm_access_axes(a, x->ndim, x->shape, stride)) return false;
    *f = (factor){.offset = a->offset, .base = a->base, .transposed = n->attributes[input]};
    if ((columns == 1 || stride[last] == 1) && (rows == 1 || stride[last - 1] >= columns)) {
        f->ld = rows == 1 ? columns : stride[last - 1];
    } else if ((rows == 1 || stride[last - 1] == 1) && (columns == 1 || stride[last] >= rows)) {
        f->ld = columns == 1 ? rows : stride[last];
        f->transposed = !f->transposed;
    } else {
        return false;
    }
    for (int i = 0; i < n->ndim - 2; i++) f->batch[i] = x->ndim == 2 ? 0 : stride[i];
    f->ld = nrm_max_i64(f->ld, 1);
    return f->ld <= INT32_MAX;
}

bool nrm_product_reads(const nrm_program *p, int32_t node, int input)
{
    factor f;
    return describe(p, node, input, &f);
}

typedef struct product {
    factor a, b;
    int64_t m, n, k, batches;
    const char *from_a, *from_b;
    char *to;
    size_t size;
    const nrm_op_node *node;
} product;

static void one(const product *q, int64_t batch)
{
    int64_t a = q->a.offset, b = q->b.offset, left = batch;
    for (int i = q->node->ndim - 3; i >= 0; i--) {
        const int64_t digit = left % q->node->shape[i];
        a += digit * q->a.batch[i];
        b += digit * q->b.batch[i];
        left /= q->node->shape[i];
    }
    const enum CBLAS_TRANSPOSE ta = q->a.transposed ? CblasTrans : CblasNoTrans, tb = q->b.transposed ? CblasTrans : CblasNoTrans;
    const int m = (int)q->m, n = (int)q->n, k = (int)q->k, lda = (int)q->a.ld, ldb = (int)q->b.ld;
    const void *x = q->from_a + a * (int64_t)q->size, *y = q->from_b + b * (int64_t)q->size;
    void *z = q->to + batch * q->m * q->n * (int64_t)q->size;
    if (q->size == 4) cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1.0f, x, lda, y, ldb, 0.0f, z, n);
    else cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1.0, x, lda, y, ldb, 0.0, z, n);
}

nrm_status nrm_product_run(nrm_ctx *ctx, const nrm_instance *i, const nrm_step *step, int threads)
{
    const nrm_program *p = i->program;
    const nrm_op_node *n = p->graph->nodes[step->node], *x = p->graph->nodes[n->inputs[0]];
    product q = {.node = n, .size = nrm_dtype_size(n->dtype), .to = nrm_memory(i, step->node)};

    q.m = n->shape[n->ndim - 2];
    q.n = n->shape[n->ndim - 1];
    q.k = x->shape[x->ndim - (n->attributes[0] ? 2 : 1)];
    const int64_t count = nrm_elements(n);
    q.batches = q.m * q.n > 0 ? count / (q.m * q.n) : 0;
    if (count == 0) return NRM_OK;
    if (q.k == 0) {
        memset(q.to, 0, (size_t)count * q.size);
        return NRM_OK;
    }
    if (!describe(p, step->node, 0, &q.a) || !describe(p, step->node, 1, &q.b))
        return nrm_fail(ctx, NRM_E_INTERNAL, "run: a factor of a product cannot be read");
    q.from_a = nrm_memory(i, q.a.base);
    q.from_b = nrm_memory(i, q.b.base);
    if (q.batches > 1 && (q.batches >= 4 * threads || q.m * q.n * q.k < 1 << 18)) {
        const nrm_blas_scope scope = nrm_blas_enter(NULL);
        omp_set_num_threads(1); /* also where the products are done one by one */
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
        for (int64_t b = 0; b < q.batches; b++) one(&q, b);
        nrm_blas_leave(scope);
        return NRM_OK;
    }
    const nrm_blas_scope scope = nrm_blas_enter(ctx);
    omp_set_num_threads(threads);
    for (int64_t b = 0; b < q.batches; b++) one(&q, b);
    nrm_blas_leave(scope);
    return NRM_OK;
}
