/* instance.c -- memory for a program, binding, running. */
#include "program.h"
#include <stdio.h>

/* What the operations keep from run to run. */
static nrm_status prepare_steps(nrm_ctx *ctx, nrm_instance *i)
{
    const nrm_program *p = i->program;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, i->prepared, p->step_count, "an instance"));
    for (int32_t s = 0; s < p->step_count; s++) {
        const nrm_step *step = &p->steps[s];
        const nrm_op_type *type = nrm_op_types[p->graph->nodes[step->node]->op];
        nrm_op_run run;
        if (step->kind != NRM_STEP_OPERATION || !type->prepare) continue;
        nrm_step_record(p, NULL, step, &run, i->in_nodes, NULL);
        run.ctx = ctx;
        run.threads = i->threads;
        NRM_TRY(type->prepare(&run, &i->prepared[s]));
    }
    return NRM_OK;
}

static void finish_steps(nrm_instance *i)
{
    const nrm_program *p = i->program;
    for (int32_t s = 0; i->prepared && s < p->step_count; s++)
        if (i->prepared[s]) nrm_op_types[p->graph->nodes[p->steps[s].node]->op]->finish(i->ctx, i->prepared[s]);
    nrm_free(i->ctx, i->prepared);
}

nrm_status nrm_instance_create(nrm_ctx *ctx, const nrm_program *p, nrm_instance **instance)
{
    nrm_instance *i = NULL;
    nrm_status st;

    NRM_REQUIRE(ctx, p && instance, NRM_E_NULL, "instance: %s is NULL", p ? "the place for the instance" : "the program");
    NRM_TRY(NRM_ALLOC_ZERO(ctx, i, 1, "an instance"));
    i->ctx = ctx;
    i->program = p;
    i->threads = nrm_threads(ctx) < p->threads ? nrm_threads(ctx) : p->threads;
    NRM_TRY_DONE(nrm_alloc_bytes(ctx, &i->arena, p->arena_bytes, 1, "the arrays of a program"));
    NRM_TRY_DONE(nrm_alloc_bytes(ctx, &i->scratch, i->threads * p->scratch_bytes, 1, "the tiles of a program"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, i->bound, p->input_count, "an instance"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, i->bound_outputs, p->output_count, "an instance"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, i->in, p->most_inputs, "an instance"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, i->in_nodes, p->most_inputs, "an instance"));
    NRM_TRY_DONE(prepare_steps(ctx, i));
    *instance = i;
    return NRM_OK;
done:
    nrm_instance_destroy(i);
    return st;
}

void nrm_instance_destroy(nrm_instance *i)
{
    if (!i) return;
    finish_steps(i);
    nrm_free(i->ctx, i->arena);
    nrm_free(i->ctx, i->scratch);
    nrm_free(i->ctx, i->bound);
    nrm_free(i->ctx, i->bound_outputs);
    nrm_free(i->ctx, i->in);
    nrm_free(i->ctx, i->in_nodes);
    nrm_free(i->ctx, i);
}

/* ---- Binding -------------------------------------------------------------------------------------- */

nrm_status nrm_instance_bind_at(nrm_ctx *ctx, nrm_instance *i, int input, const void *data)
{
    NRM_REQUIRE(ctx, i && data, NRM_E_NULL, "bind: %s is NULL", i ? "the array" : "the instance");
    NRM_REQUIRE(ctx, input >= 0 && input < i->program->input_count, NRM_E_RANGE, "bind: there is no input %d; the program has %d",
                input, i->program->input_count);
    i->bound[input] = data;
    return NRM_OK;
}

nrm_status nrm_instance_bind(nrm_ctx *ctx, nrm_instance *i, const char *name, const void *data)
{
    enum { MOST = 255 };
    NRM_REQUIRE(ctx, i && name && data, NRM_E_NULL, "bind: the %s is NULL", !i ? "instance" : !name ? "name" : "array");
    for (int k = 0; k < i->program->input_count; k++)
        if (strcmp(i->program->inputs[k].name, name) == 0) return nrm_instance_bind_at(ctx, i, k, data);
    const char *words[MOST + 1] = {NULL};
    for (int k = 0; k < i->program->input_count && k < MOST; k++) words[k] = i->program->inputs[k].name;
    const char *near = nrm_nearest(name, words);
    return nrm_fail(ctx, NRM_E_ARGUMENT, "bind: there is no input '%.80s'%s%s%s", name, near ? "; did you mean '" : "",
                    near ? near : "", near ? "'?" : "");
}

nrm_status nrm_instance_bind_output(nrm_ctx *ctx, nrm_instance *i, int output, void *data)
{
    NRM_REQUIRE(ctx, i, NRM_E_NULL, "bind: the instance is NULL");
    NRM_REQUIRE(ctx, output >= 0 && output < i->program->output_count, NRM_E_RANGE, "bind: there is no output %d; the program has %d",
                output, i->program->output_count);
    i->bound_outputs[output] = data;
    return NRM_OK;
}

void nrm_instance_random(nrm_instance *i, uint64_t seed, uint64_t step)
{
    if (!i) return;
    i->seed = seed;
    i->step = step;
}

void nrm_instance_watch(nrm_instance *i, bool watch)
{
    if (i) i->watch = watch;
}

const void *nrm_instance_output(const nrm_instance *i, int output)
{
    if (!i || output < 0 || output >= i->program->output_count) return NULL;
    if (i->bound_outputs[output]) return i->bound_outputs[output];
    const nrm_program *p = i->program;
    const nrm_access *a = &p->access[p->outputs[output]];
    const char *base = nrm_memory(i, a->base);
    return base ? base + a->offset * (int64_t)nrm_dtype_size(p->graph->nodes[a->base]->dtype) : NULL;
}

/* ---- Running ---------------------------------------------------------------------------------------- */

void nrm_step_record(const nrm_program *p, const nrm_instance *i, const nrm_step *step, nrm_op_run *run,
                     const nrm_op_node **inputs, const void **in)
{
    const nrm_op_node *n = p->graph->nodes[step->node];
    for (int k = 0; k < n->input_count; k++) {
        const nrm_access *a = &p->access[n->inputs[k]];
        inputs[k] = p->graph->nodes[n->inputs[k]];
        if (i) in[k] = (const char *)nrm_memory(i, a->base) + a->offset * (int64_t)nrm_dtype_size(inputs[k]->dtype);
    }
    *run = (nrm_op_run){.node = n, .inputs = inputs, .in = in};
}

static nrm_status operation(nrm_ctx *ctx, const nrm_instance *i, const nrm_step *step, int threads)
{
    nrm_op_run run;
    nrm_step_record(i->program, i, step, &run, i->in_nodes, i->in);
    run.ctx = ctx;
    run.out = nrm_memory(i, step->node);
    run.work = i->arena + step->work_offset;
    run.prepared = i->prepared[step - i->program->steps];
    run.threads = threads;
    run.seed = i->seed;
    run.step = i->step;
    return nrm_op_types[run.node->op]->run(&run);
}

/* The parameter that is nearest to a node along first inputs; "" for none. */
static const char *nearest_parameter(const nrm_program *p, int32_t node)
{
    const nrm_graph *g = p->graph;
    int32_t best = -1;
    for (int depth = 0; depth < 64 && best < 0; depth++) {
        int32_t next = -1;
        for (int k = 0; k < g->nodes[node]->input_count; k++) {
            const int32_t x = p->access[g->nodes[node]->inputs[k]].base;
            if (g->nodes[x]->op == NRM_OP_parameter) best = x;
            else if (x > next) next = x;
        }
        if (next < 0) break;
        node = next;
    }
    return best >= 0 ? g->nodes[best]->name : "";
}

static nrm_status look_for_nonfinite(nrm_ctx *ctx, const nrm_instance *i, const nrm_step *step)
{
    const nrm_program *p = i->program;
    char shape[NRM_NODE_TEXT];
    for (int32_t k = 0; k < step->node_count; k++) {
        const int32_t node = p->step_nodes[step->first_node + k];
        const nrm_op_node *n = p->graph->nodes[node];
        const int64_t count = nrm_elements(n);
        int64_t where = 0;
        if (!p->stored[node] || !nrm_is_float(n->dtype)) continue;
        const void *x = nrm_memory(i, node);
        if (n->dtype == NRM_F32 ? nrm_all_finite_f32(x, count, &where) : nrm_all_finite_f64(x, count, &where)) continue;
        const char *name = nearest_parameter(p, node);
        const double value = nrm_real_get(n->dtype, x, where);
        return nrm_fail(ctx, NRM_E_NONFINITE, "run: element %lld of a %s of shape %s%s%s%s is %g, the first that is not finite", NRM_LL(where),
                        nrm_op_types[n->op]->name, nrm_dims_text(shape, n->ndim, n->shape), *name ? " (near parameter '" : "", name,
                        *name ? "')" : "", value);
    }
    return NRM_OK;
}

nrm_status nrm_run(nrm_ctx *ctx, nrm_instance *i)
{
    NRM_REQUIRE(ctx, i, NRM_E_NULL, "run: the instance is NULL");
    const nrm_program *p = i->program;
    const int threads = nrm_threads(ctx) < i->threads ? nrm_threads(ctx) : i->threads;

    for (int k = 0; k < p->input_count; k++)
        NRM_REQUIRE(ctx, i->bound[k] || !p->inputs[k].used, NRM_E_ARGUMENT, "run: '%s' is not bound; use nrm_instance_bind", p->inputs[k].name);
    for (int32_t s = 0; s < p->step_count; s++) {
        const nrm_step *step = &p->steps[s];
        NRM_REQUIRE(ctx, !nrm_cancelled(ctx), NRM_E_CANCELLED, "run: stopped on request");
        switch (step->kind) {
        case NRM_STEP_SWEEP: nrm_sweep_run(i, step, threads); break;
        case NRM_STEP_COPY: nrm_copy_run(i, step, threads); break;
        case NRM_STEP_PRODUCT: NRM_TRY(nrm_product_run(ctx, i, step, threads)); break;
        case NRM_STEP_OPERATION: NRM_TRY(operation(ctx, i, step, threads)); break;
        }
        if (i->watch) NRM_TRY(look_for_nonfinite(ctx, i, step));
    }
    for (int k = 0; k < p->output_count; k++) { /* those that could not be made where they are wanted */
        const nrm_access *a = &p->access[p->outputs[k]];
        if (!i->bound_outputs[k] || p->place[a->base].output == k) continue;
        const int64_t size = (int64_t)nrm_dtype_size(p->graph->nodes[a->base]->dtype);
        memcpy(i->bound_outputs[k], (const char *)nrm_memory(i, a->base) + a->offset * size, (size_t)(a->count * size));
    }
    return NRM_OK;
}
