/* pieces.c -- a program run on many pieces of a batch, its outputs added up.
 *
 * Groups of consecutive pieces are fixed by their number; a group is one thread's, on an
 * instance of its own, and has sums of its own.  The sums are merged in the order of the
 * groups. */
#include "kernel/elementwise.h"
#include "program.h"
#include <omp.h>

enum { MOST_GROUPS = 64 };
static const int64_t MOST_BYTES = (int64_t)64 << 20;

typedef struct bound_input { const char *data; int64_t stride; } bound_input;

typedef struct worker {
    nrm_ctx *ctx; /* a message has one writer */
    nrm_instance *instance;
    nrm_status st;
} worker;

struct nrm_pieces {
    nrm_ctx *ctx;
    const nrm_program *program;
    worker *workers;
    int worker_count, groups; /* groups: most */
    bound_input *inputs;
    int64_t *offset, *count;  /* of an output in a group's sums (bytes); its elements */
    void **outputs;           /* where the caller wants them, NULL: in the first group's sums */
    int64_t group_bytes;
    unsigned char *sums;
    uint64_t seed, step;
};

static nrm_status add_workers(nrm_ctx *ctx, nrm_pieces *q)
{
    nrm_ctx_options options = nrm_ctx_options_default();
    const int threads = nrm_threads(ctx);
    q->worker_count = q->groups > 1 ? threads : 1;
    options.threads = q->groups > 1 ? 1 : threads;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, q->workers, q->worker_count, "pieces"));
    for (int w = 0; w < q->worker_count; w++) {
        const nrm_status st = nrm_ctx_create(&q->workers[w].ctx, &options);
        if (st < 0) return nrm_fail(ctx, st, "pieces: no memory for a thread's context");
        NRM_TRY(nrm_instance_create(ctx, q->program, &q->workers[w].instance));
        if (q->groups > 1) q->workers[w].instance->threads = 1;
    }
    return NRM_OK;
}

nrm_status nrm_pieces_create(nrm_ctx *ctx, const nrm_program *p, nrm_pieces **pieces)
{
    nrm_pieces *q = NULL;
    nrm_status st;

    NRM_REQUIRE(ctx, p && pieces, NRM_E_NULL, "pieces: %s is NULL", p ? "the place for the pieces" : "the program");
    NRM_TRY(NRM_ALLOC_ZERO(ctx, q, 1, "pieces"));
    q->ctx = ctx;
    q->program = p;
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, q->inputs, p->input_count, "pieces"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, q->outputs, p->output_count, "pieces"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, q->offset, p->output_count, "pieces"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, q->count, p->output_count, "pieces"));
    for (int k = 0; k < p->output_count; k++) {
        const nrm_op_node *n = p->graph->nodes[p->outputs[k]];
        NRM_STOP_IF(!nrm_is_float(n->dtype), NRM_E_DTYPE, "pieces: output %d is i64; what is added up must be f32 or f64", k);
        q->offset[k] = q->group_bytes;
        q->count[k] = nrm_elements(n);
        q->group_bytes += nrm_padded(q->count[k] * (int64_t)nrm_dtype_size(n->dtype));
    }
    q->groups = (int)nrm_max_i64(1, nrm_min_i64(MOST_GROUPS, MOST_BYTES / nrm_max_i64(q->group_bytes, 1)));
    NRM_TRY_DONE(nrm_alloc_bytes(ctx, &q->sums, q->groups, (size_t)nrm_max_i64(q->group_bytes, 1), "the sums of pieces"));
    NRM_TRY_DONE(add_workers(ctx, q));
    *pieces = q;
    return NRM_OK;
done:
    nrm_pieces_destroy(q);
    return st;
}

void nrm_pieces_destroy(nrm_pieces *q)
{
    if (!q) return;
    for (int w = 0; q->workers && w < q->worker_count; w++) {
        nrm_instance_destroy(q->workers[w].instance);
        nrm_ctx_destroy(q->workers[w].ctx);
    }
    nrm_free(q->ctx, q->workers);
    nrm_free(q->ctx, q->inputs);
    nrm_free(q->ctx, q->outputs);
    nrm_free(q->ctx, q->offset);
    nrm_free(q->ctx, q->count);
    nrm_free(q->ctx, q->sums);
    nrm_free(q->ctx, q);
}

nrm_status nrm_pieces_bind(nrm_ctx *ctx, nrm_pieces *q, const char *name, const void *data, int64_t stride)
{
    NRM_REQUIRE(ctx, q, NRM_E_NULL, "pieces: pieces is NULL");
    NRM_TRY(nrm_instance_bind(ctx, q->workers[0].instance, name, data));
    for (int k = 0; k < q->program->input_count; k++)
        if (strcmp(q->program->inputs[k].name, name) == 0) q->inputs[k] = (bound_input){data, stride};
    return NRM_OK;
}

nrm_status nrm_pieces_bind_output(nrm_ctx *ctx, nrm_pieces *q, int output, void *data)
{
    NRM_REQUIRE(ctx, q, NRM_E_NULL, "pieces: pieces is NULL");
    NRM_REQUIRE(ctx, output >= 0 && output < q->program->output_count, NRM_E_RANGE, "pieces: there is no output %d; the program has %d", output, q->program->output_count);
    q->outputs[output] = data;
    return NRM_OK;
}

void nrm_pieces_random(nrm_pieces *q, uint64_t seed, uint64_t step)
{
    if (!q) return;
    q->seed = seed;
    q->step = step;
}

static void add(nrm_dtype dtype, int64_t n, const void *x, void *y)
{
    if (dtype == NRM_F32) nrm_elementwise_f32_for(nrm_cpu_isa())->accumulate(n, x, y);
    else nrm_elementwise_f64_for(nrm_cpu_isa())->accumulate(n, x, y);
}

/* Pieces first .. end into the sums of one group. */
static nrm_status run_group(nrm_ctx *ctx, nrm_pieces *q, worker *w, int group, int64_t first, int64_t end)
{
    const nrm_program *p = q->program;
    unsigned char *sums = q->sums + group * q->group_bytes;
    for (int64_t piece = first; piece < end; piece++) {
        if (nrm_cancelled(ctx)) return nrm_fail(w->ctx, NRM_E_CANCELLED, "pieces: stopped on request");
        for (int k = 0; k < p->input_count; k++)
            if (q->inputs[k].data) w->instance->bound[k] = q->inputs[k].data + piece * q->inputs[k].stride;
        nrm_instance_random(w->instance, q->seed, q->step + (uint64_t)piece);
        NRM_TRY(nrm_run(w->ctx, w->instance));
        for (int k = 0; k < p->output_count; k++) {
            const nrm_dtype dtype = p->graph->nodes[p->outputs[k]]->dtype;
            const void *y = nrm_instance_output(w->instance, k);
            if (piece == first) memcpy(sums + q->offset[k], y, (size_t)q->count[k] * nrm_dtype_size(dtype));
            else add(dtype, q->count[k], y, sums + q->offset[k]);
        }
    }
    return NRM_OK;
}

static void merge(nrm_pieces *q, int groups, double scale)
{
    const nrm_program *p = q->program;
    for (int k = 0; k < p->output_count; k++) {
        const nrm_dtype dtype = p->graph->nodes[p->outputs[k]]->dtype;
        unsigned char *sum = q->sums + q->offset[k];
        for (int g = 1; g < groups; g++) add(dtype, q->count[k], sum + g * q->group_bytes, sum);
        void *to = q->outputs[k] ? q->outputs[k] : sum;
        if (dtype == NRM_F32) nrm_elementwise_f32_for(nrm_cpu_isa())->binary_vs[NRM_BINARY_mul](q->count[k], (const float *)(const void *)sum, (float)scale, to);
        else nrm_elementwise_f64_for(nrm_cpu_isa())->binary_vs[NRM_BINARY_mul](q->count[k], (const double *)(const void *)sum, scale, to);
    }
}

nrm_status nrm_pieces_run(nrm_ctx *ctx, nrm_pieces *q, int64_t count, double scale)
{
    NRM_REQUIRE(ctx, q, NRM_E_NULL, "pieces: pieces is NULL");
    NRM_REQUIRE(ctx, count >= 1, NRM_E_RANGE, "pieces: count is %lld; there must be at least one piece", NRM_LL(count));
    NRM_REQUIRE(ctx, isfinite(scale), NRM_E_NONFINITE, "pieces: scale is %g; it must be finite", scale);
    const int groups = (int)nrm_min_i64(count, q->groups);
    const int threads = nrm_threads(ctx) < q->worker_count ? nrm_threads(ctx) : q->worker_count;

    for (int w = 0; w < q->worker_count; w++) q->workers[w].st = NRM_OK;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
    for (int g = 0; g < groups; g++) {
        worker *w = &q->workers[threads > 1 ? omp_get_thread_num() : 0];
        if (w->st >= 0) w->st = run_group(ctx, q, w, g, count * g / groups, count * (g + 1) / groups);
    }
    for (int w = 0; w < q->worker_count; w++)
        if (q->workers[w].st < 0) return nrm_fail(ctx, q->workers[w].st, "%s", nrm_message(q->workers[w].ctx));
    merge(q, groups, scale);
    return NRM_OK;
}

const void *nrm_pieces_output(const nrm_pieces *q, int output)
{
    if (!q || output < 0 || output >= q->program->output_count) return NULL;
    return q->outputs[output] ? q->outputs[output] : (const void *)(q->sums + q->offset[output]);
}
