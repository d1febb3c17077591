/* product.c -- matrix products, reading their factors where they lie (kernel/matmul.h).
 *
 * A factor may be any view in which one of the last two axes steps by 1, the other by at
 * least its length.  So the heads of an attention, slices of a joint projection and
 * transposes cost nothing.  Many small products go to the threads one by one, few large ones
 * are shared by all. */
#include "kernel/matmul.h"
#include "program.h"
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
    return true;
}

bool nrm_product_reads(const nrm_program *p, int32_t node, int input)
{
    factor f;
    return describe(p, node, input, &f);
}

typedef struct product {
    factor a, b;
    int64_t m, n, k, batches;
    const char *from_a, *from_b, *start; /* start: a row added to every row, NULL: none */
    char *to;
    size_t size;
    const nrm_op_node *node;
} product;

/* Where the factors of one product of the batch begin. */
static void find(const product *q, int64_t batch, const void **a, const void **b)
{
    int64_t at = q->a.offset, bt = q->b.offset, left = batch;
    for (int i = q->node->ndim - 3; i >= 0; i--) {
        const int64_t digit = left % q->node->shape[i];
        at += digit * q->a.batch[i];
        bt += digit * q->b.batch[i];
        left /= q->node->shape[i];
    }
    *a = q->from_a + at * (int64_t)q->size;
    *b = q->from_b + bt * (int64_t)q->size;
}

#define ONE(REAL, TYPE)                                                                                           \
    static void one_##TYPE(const product *q, int64_t batch, void *work, int threads)                              \
    {                                                                                                             \
        const void *a, *b;                                                                                        \
        find(q, batch, &a, &b);                                                                                   \
        const nrm_matmul_##TYPE p = {                                                                             \
            .m = q->m, .n = q->n, .k = q->k,                                                                      \
            .a = a, .a_row = q->a.transposed ? 1 : q->a.ld, .a_column = q->a.transposed ? q->a.ld : 1,            \
            .b = b, .b_row = q->b.transposed ? 1 : q->b.ld, .b_column = q->b.transposed ? q->b.ld : 1,            \
            .c = (REAL *)(void *)q->to + batch * q->m * q->n, .ldc = q->n,                                        \
            .start = (const REAL *)(const void *)q->start};                                                       \
        nrm_matmul_run_##TYPE(&p, work, threads, nrm_cpu_isa());                                                  \
    }
ONE(float, f32)
ONE(double, f64)

static void one(const product *q, int64_t batch, void *work, int threads)
{
    if (q->size == 4) one_f32(q, batch, work, threads);
    else one_f64(q, batch, work, threads);
}

static product describe_product(const nrm_program *p, const nrm_step *step)
{
    const nrm_op_node *n = p->graph->nodes[step->node], *x = p->graph->nodes[n->inputs[0]];
    product q = {.node = n, .size = nrm_dtype_size(n->dtype), .m = n->shape[n->ndim - 2], .n = n->shape[n->ndim - 1],
                 .k = x->shape[x->ndim - (n->attributes[0] ? 2 : 1)]};
    q.batches = q.m * q.n > 0 ? nrm_elements(n) / (q.m * q.n) : 0;
    return q;
}

/* Whole products to the threads, rather than each shared by all. */
static bool in_turn(const product *q, int threads) { return q->batches > 1 && (q->batches >= 4 * threads || q->m * q->n * q->k < 1 << 18); }

static int64_t work_of(const product *q, int threads)
{
    return q->size == 4 ? nrm_matmul_work_f32(q->n, q->k, threads) : nrm_matmul_work_f64(q->n, q->k, threads);
}

int64_t nrm_product_work(const nrm_program *p, const nrm_step *step)
{
    const product q = describe_product(p, step);
    return nrm_max_i64(work_of(&q, 1) * p->threads, work_of(&q, p->threads));
}

/* An empty sum is the row it begins with. */
static void fill_rows(const product *q)
{
    const size_t bytes = (size_t)q->n * q->size;
    for (int64_t r = 0; r < q->batches * q->m; r++) {
        if (q->start) memcpy(q->to + r * (int64_t)bytes, q->start, bytes);
        else memset(q->to + r * (int64_t)bytes, 0, bytes);
    }
}

nrm_status nrm_product_run(nrm_ctx *ctx, const nrm_instance *i, const nrm_step *step, int threads)
{
    const nrm_program *p = i->program;
    product q = describe_product(p, step);
    unsigned char *work = i->arena + step->work_offset;

    if (q.batches == 0) return NRM_OK;
    q.to = nrm_memory(i, step->node);
    if (q.node->input_count == 3) { /* rewrite.c gave it the bias of a layer */
        const nrm_access *row = &p->access[q.node->inputs[2]];
        q.start = (const char *)nrm_memory(i, row->base) + row->offset * (int64_t)q.size;
    }
    if (q.k == 0) {
        fill_rows(&q);
        return NRM_OK;
    }
    if (!describe(p, step->node, 0, &q.a) || !describe(p, step->node, 1, &q.b))
        return nrm_fail(ctx, NRM_E_INTERNAL, "run: a factor of a product cannot be read");
    q.from_a = nrm_memory(i, q.a.base);
    q.from_b = nrm_memory(i, q.b.base);
    if (in_turn(&q, threads)) {
        const int64_t each = work_of(&q, 1);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1 && q.batches * q.m * q.n * q.k > 65536)
        for (int64_t b = 0; b < q.batches; b++) one(&q, b, work + omp_get_thread_num() * each, 1);
    } else {
        for (int64_t b = 0; b < q.batches; b++) one(&q, b, work, threads);
    }
    return NRM_OK;
}
