/* compile.c -- a graph becomes a program: the passes in order. */
#include "program.h"

static nrm_status check_outputs(nrm_ctx *ctx, int count, const nrm_node *outputs)
{
    NRM_REQUIRE(ctx, count > 0 && outputs, NRM_E_ARGUMENT, "compile: %d outputs are given; at least one is needed", count);
    for (int k = 0; k < count; k++) {
        nrm_graph *g = outputs[k].graph ? outputs[k].graph : outputs[0].graph;
        if (g && g->status < 0) return nrm_fail(ctx, g->status, "%s", g->message);
    }
    for (int k = 0; k < count; k++) {
        NRM_REQUIRE(ctx, nrm_node_valid(outputs[k]), NRM_E_ARGUMENT,
                    "compile: output %d is no node; nrm_graph_check on its graph tells why", k + 1);
        NRM_REQUIRE(ctx, outputs[k].graph == outputs[0].graph, NRM_E_ARGUMENT, "compile: output %d belongs to another graph", k + 1);
    }
    return NRM_OK;
}

static nrm_status add_tables(nrm_ctx *ctx, nrm_program *p)
{
    const int32_t count = p->graph->count;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p->live, count, "a program"));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p->stored, count, "a program"));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p->access, count, "a program"));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p->group, count, "a program"));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p->group_elements, count, "a program"));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p->group_row, count, "a program"));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p->small, count, "a program"));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p->place, count, "a program"));
    return NRM_OK;
}

nrm_status nrm_compile(nrm_ctx *ctx, int count, const nrm_node *outputs, const nrm_compile_options *options,
                       nrm_program **program)
{
    nrm_program *p = NULL;
    nrm_status st;

    NRM_REQUIRE(ctx, program, NRM_E_NULL, "compile: the place for the program is NULL");
    NRM_REQUIRE(ctx, !options || options->size == sizeof *options, NRM_E_ARGUMENT,
                "compile: options.size is %zu; make the options with nrm_compile_options_default()", options ? options->size : 0);
    NRM_TRY(check_outputs(ctx, count, outputs));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p, 1, "a program"));
    p->ctx = ctx;
    p->options = options ? *options : nrm_compile_options_default();
    p->threads = nrm_threads(ctx);
    NRM_TRY_DONE(nrm_graph_create(ctx, &p->graph));
    NRM_TRY_DONE(NRM_ALLOC(ctx, p->outputs, count, "a program"));
    p->output_count = count;
    NRM_TRY_DONE(nrm_rewrite(ctx, p, count, outputs));
    NRM_TRY_DONE(add_tables(ctx, p));
    nrm_mark_live(p->graph, count, p->outputs, p->live);
    for (int32_t i = 0; i < p->graph->count; i++)
        if (p->graph->nodes[i]->input_count > p->most_inputs) p->most_inputs = p->graph->nodes[i]->input_count;
    nrm_find_accesses(p);
    NRM_TRY_DONE(nrm_find_groups(ctx, p));
    st = nrm_plan(ctx, p);
done:
    if (st < 0) nrm_program_destroy(p);
    else *program = p;
    return st;
}

void nrm_program_destroy(nrm_program *p)
{
    if (!p) return;
    nrm_free(p->ctx, p->inputs);
    nrm_free(p->ctx, p->input_nodes);
    nrm_free(p->ctx, p->outputs);
    nrm_free(p->ctx, p->live);
    nrm_free(p->ctx, p->stored);
    nrm_free(p->ctx, p->access);
    nrm_free(p->ctx, p->group);
    nrm_free(p->ctx, p->group_elements);
    nrm_free(p->ctx, p->group_row);
    nrm_free(p->ctx, p->small);
    nrm_free(p->ctx, p->place);
    nrm_free(p->ctx, p->steps);
    nrm_free(p->ctx, p->step_nodes);
    nrm_graph_destroy(p->graph);
    nrm_free(p->ctx, p);
}

int nrm_program_input_count(const nrm_program *p) { return p ? p->input_count : 0; }
int nrm_program_output_count(const nrm_program *p) { return p ? p->output_count : 0; }

bool nrm_program_input(const nrm_program *p, int i, nrm_program_array *array)
{
    if (!p || !array || i < 0 || i >= p->input_count) return false;
    *array = p->inputs[i];
    return true;
}

bool nrm_program_output(const nrm_program *p, int i, nrm_program_array *array)
{
    if (!p || !array || i < 0 || i >= p->output_count) return false;
    const nrm_op_node *n = p->graph->nodes[p->outputs[i]];
    *array = (nrm_program_array){.name = "", .used = true, .dtype = n->dtype, .ndim = n->ndim, .count = nrm_elements(n)};
    memcpy(array->shape, n->shape, sizeof array->shape);
    return true;
}
