/* fold.c -- what depends on constants alone is computed once, when compiling.
 *
 * The constant nodes that something else reads are the outputs of a program of their own,
 * run on the spot.  Fills are left to rewrite.c: a number is worth more than an array of it. */
#include "program.h"

static const int64_t MOST_BYTES = (int64_t)1 << 26; /* a larger result is computed in every run */

static bool constant_source(nrm_op op) { return op == NRM_OP_constant || op == NRM_OP_fill || op == NRM_OP_range; }

/* worth[i]: constant, but not made of fills alone. */
static void mark_constants(const nrm_graph *g, const bool *reachable, bool *constant, bool *worth)
{
    for (int32_t i = 0; i < g->count; i++) {
        const nrm_op_node *n = g->nodes[i];
        if (!reachable[i]) continue;
        constant[i] = n->input_count == 0 ? constant_source(n->op) : n->op != NRM_OP_custom && n->op != NRM_OP_custom_vjp;
        worth[i] = constant[i] && n->op != NRM_OP_fill && n->input_count == 0;
        for (int k = 0; k < n->input_count; k++) {
            constant[i] = constant[i] && constant[n->inputs[k]];
            worth[i] = worth[i] || worth[n->inputs[k]];
        }
        worth[i] = worth[i] && constant[i];
        if (n->input_count > 0 && nrm_elements(n) * 8 > MOST_BYTES) constant[i] = worth[i] = false;
    }
}

/* Views stay views: what they show is folded, and a broadcast costs nothing. */
static int32_t shown(const nrm_graph *g, int32_t node)
{
    while (nrm_op_types[g->nodes[node]->op]->flags & NRM_OP_VIEW) node = g->nodes[node]->inputs[0];
    return node;
}

static nrm_status compute(nrm_ctx *ctx, int count, const nrm_node *wanted, nrm_graph *keep, const void **folded)
{
    nrm_compile_options plain = nrm_compile_options_default();
    nrm_program *program = NULL;
    nrm_instance *instance = NULL;
    nrm_status st;

    plain.optimise = plain.fuse = false; /* which also ends the recursion */
    NRM_TRY_DONE(nrm_compile(ctx, count, wanted, &plain, &program));
    NRM_TRY_DONE(nrm_instance_create(ctx, program, &instance));
    NRM_TRY_DONE(nrm_run(ctx, instance));
    for (int k = 0; k < count; k++) {
        const int64_t bytes = nrm_elements(nrm_at(wanted[k])) * (int64_t)nrm_dtype_size(nrm_at(wanted[k])->dtype);
        void *copy = nrm_graph_keep(keep, bytes);
        NRM_STOP_IF(!copy, NRM_E_NOMEM, "compile: no memory for %lld bytes of constants", NRM_LL(bytes));
        if (bytes > 0) memcpy(copy, nrm_instance_output(instance, k), (size_t)bytes);
        folded[wanted[k].index] = copy;
    }
done:
    nrm_instance_destroy(instance);
    nrm_program_destroy(program);
    return st;
}

nrm_status nrm_fold(nrm_ctx *ctx, nrm_graph *g, const bool *reachable, int count, const nrm_node *outputs,
                    nrm_graph *keep, const void **folded)
{
    bool *constant = NULL, *worth = NULL, *read = NULL;
    nrm_node *wanted = NULL;
    int32_t found = 0;
    nrm_status st;

    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, constant, g->count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, worth, g->count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, read, g->count, "a program"));
    mark_constants(g, reachable, constant, worth);
    for (int k = 0; k < count; k++) read[shown(g, outputs[k].index)] = true;
    for (int32_t i = 0; i < g->count; i++)
        for (int k = 0; reachable[i] && !constant[i] && k < g->nodes[i]->input_count; k++) read[shown(g, g->nodes[i]->inputs[k])] = true;
    for (int32_t i = 0; i < g->count; i++) found += read[i] && worth[i] && g->nodes[i]->input_count > 0;
    if (found == 0) goto done;
    NRM_TRY_DONE(NRM_ALLOC(ctx, wanted, found, "a program"));
    found = 0;
    for (int32_t i = 0; i < g->count; i++)
        if (read[i] && worth[i] && g->nodes[i]->input_count > 0) wanted[found++] = (nrm_node){g, i};
    st = compute(ctx, found, wanted, keep, folded);
done:
    nrm_free(ctx, constant);
    nrm_free(ctx, worth);
    nrm_free(ctx, read);
    nrm_free(ctx, wanted);
    return st;
}
