/* optimizer.c -- making an optimizer: tensors checked and put in groups.  Contract:
 * norma/optim.h, norma/optim_distributed.h; the parts: optim.h. */
#include "share.h"
#include <norma/optim_distributed.h>

/* ---- Routing ---------------------------------------------------------------------------------- */

/* Rows and columns of a tensor seen as a matrix; false on overflow or a negative size. */
static bool view_as_matrix(int ndim, const int64_t *shape, int64_t *rows, int64_t *cols)
{
    *rows = ndim > 0 ? shape[0] : 1;
    *cols = 1;
    for (int i = 1; i < ndim; i++)
        if (!nrm_mul_size(*cols, shape[i], cols)) return false;
    return *rows >= 0;
}

void nrm_optimizer_route(int64_t count, nrm_optimizer_tensor *tensors, int matrix_group, int other_group)
{
    for (int64_t i = 0; tensors && i < count; i++) {
        nrm_optimizer_tensor *t = &tensors[i];
        int64_t rows, cols;
        const bool matrix = t->ndim >= 2 && t->ndim <= 4 && t->shape && view_as_matrix(t->ndim, t->shape, &rows, &cols) &&
                            rows >= 2 && cols >= 2 && !(t->flags & (NRM_OPTIMIZER_EMBEDDING | NRM_OPTIMIZER_HEAD));
        t->group = matrix ? matrix_group : other_group;
    }
}

/* ---- Checks -------------------------------------------------------------------------------------- */

static nrm_status check_split(nrm_ctx *ctx, const nrm_optimizer_tensor *t)
{
    int64_t sum = 0;

    NRM_REQUIRE(ctx, t->split_count >= 0 && (t->split || !t->split_count), NRM_E_ARGUMENT,
                "optimizer: split of '%s' has %d entries%s; give the heights of its row blocks, or 0 and NULL", t->name,
                t->split_count, t->split ? "" : " and is NULL");
    for (int i = 0; i < t->split_count; i++)
        NRM_REQUIRE(ctx, t->split[i] > 0 && nrm_add_size(sum, t->split[i], &sum), NRM_E_SHAPE,
                    "optimizer: split[%d] of '%s' is %lld; a row block has at least one row", i, t->name,
                    NRM_LL(t->split[i]));
    NRM_REQUIRE(ctx, !t->split_count || sum == t->shape[0], NRM_E_SHAPE,
                "optimizer: split of '%s' sums to %lld; it must sum to its %lld rows", t->name, NRM_LL(sum),
                NRM_LL(t->shape[0]));
    return NRM_OK;
}

static nrm_status check_matrix(nrm_ctx *ctx, const char *kind, const nrm_optimizer_tensor *t, int64_t rows, int64_t cols)
{
    NRM_REQUIRE(ctx, t->ndim >= 2 && t->ndim <= 4, NRM_E_SHAPE,
                "%s: '%s' needs a matrix (got %d-d); use the adamw group", kind, t->name, t->ndim);
    NRM_REQUIRE(ctx, rows <= INT32_MAX && cols <= INT32_MAX, NRM_E_OVERFLOW,
                "%s: '%s' is %lld x %lld; BLAS takes at most %d each way: split it", kind, t->name, NRM_LL(rows),
                NRM_LL(cols), INT32_MAX);
    NRM_TRY(check_split(ctx, t));
    if (!t->split_count && rows && cols && (rows / 20 > cols || cols / 20 > rows))
        nrm_warn(ctx, "%s: '%s' is %lld x %lld; if it is an embedding or a head, use the adamw group", kind, t->name,
                 NRM_LL(rows), NRM_LL(cols));
    return NRM_OK;
}

static nrm_status check_tensor(nrm_ctx *ctx, const nrm_optimizer *o, const nrm_optimizer_tensor *tensors, int64_t i)
{
    const nrm_optimizer_tensor *t = &tensors[i];
    int64_t rows, cols, count;

    NRM_REQUIRE(ctx, t->name && t->name[0], NRM_E_ARGUMENT, "optimizer: tensor %lld has no name; state is saved by name",
                NRM_LL(i));
    for (int64_t k = 0; k < i; k++)
        NRM_REQUIRE(ctx, strcmp(tensors[k].name, t->name) != 0, NRM_E_ARGUMENT,
                    "optimizer: tensors %lld and %lld are both called '%s'; names must differ", NRM_LL(k), NRM_LL(i), t->name);
    NRM_REQUIRE(ctx, t->dtype == NRM_F32 || t->dtype == NRM_F64, NRM_E_DTYPE,
                "optimizer: '%s' is of type %s; it must be f32 or f64", t->name, nrm_dtype_name(t->dtype));
    NRM_REQUIRE(ctx, t->ndim >= 0 && t->ndim <= NRM_MAX_NDIM && (t->shape || !t->ndim), NRM_E_SHAPE,
                "optimizer: '%s' has %d axes%s; there may be 0 to %d, with their shape", t->name, t->ndim,
                t->shape ? "" : " and no shape", NRM_MAX_NDIM);
    NRM_REQUIRE(ctx, view_as_matrix(t->ndim, t->shape, &rows, &cols) && nrm_mul_size(rows, cols, &count) &&
                count <= INT64_MAX / 64, NRM_E_SHAPE,
                "optimizer: the shape of '%s' has a negative size, or more elements than memory can address", t->name);
    NRM_REQUIRE(ctx, t->group >= 0 && t->group < o->group_count, NRM_E_RANGE,
                "optimizer: the group of '%s' is %d; there are groups 0 to %d", t->name, t->group, o->group_count - 1);
    const nrm_rule *rule = o->groups[t->group].rule;
    return rule->matrix ? check_matrix(ctx, rule->method->name, t, rows, cols) : NRM_OK;
}

/* ---- Construction ----------------------------------------------------------------------------------- */

static nrm_status load_group(nrm_ctx *ctx, nrm_optimizer_member *g, const void *options)
{
    NRM_TRY(nrm_options_load(ctx, g->rule->method, options, &g->options));
    return g->rule->check ? g->rule->check(ctx, &g->options) : NRM_OK;
}

static nrm_status load_groups(nrm_ctx *ctx, nrm_optimizer *o, const nrm_optimizer_group *groups)
{
    NRM_TRY(NRM_ALLOC_ZERO(ctx, o->groups, o->group_count, "the groups of an optimizer"));
    for (int i = 0; i < o->group_count; i++) {
        NRM_TRY(nrm_optimizer_find_rule(ctx, groups[i].kind, &o->groups[i].rule));
        NRM_TRY(load_group(ctx, &o->groups[i], groups[i].options));
    }
    return NRM_OK;
}

static int blocks_of(const nrm_optimizer *o, const nrm_optimizer_tensor *t)
{
    return o->groups[t->group].rule->matrix && t->split_count ? t->split_count : 1;
}

/* Row block k of tensor i (all of it where it is not split), which begins at row `row`. */
static nrm_status load_slot(nrm_ctx *ctx, const nrm_optimizer *o, nrm_optimizer_slot *s, const nrm_optimizer_tensor *t,
                            int64_t i, int k, int64_t row)
{
    const nrm_optimizer_member *g = &o->groups[t->group];
    const bool split = g->rule->matrix && t->split_count;

    *s = (nrm_optimizer_slot){.tensor = i, .block = split ? k : -1, .dtype = t->dtype, .ndim = t->ndim, .group = t->group};
    if (t->ndim) memcpy(s->shape, t->shape, (size_t)t->ndim * sizeof *t->shape);
    if (split) s->shape[0] = t->split[k];
    view_as_matrix(s->ndim, s->shape, &s->rows, &s->cols);
    s->count = s->rows * s->cols;
    s->first = row * s->cols;
    NRM_TRY(nrm_copy_string(ctx, &s->name, t->name));
    return g->rule->fits && s->count ? g->rule->fits(ctx, &g->options, s->name, s->rows, s->cols) : NRM_OK;
}

static nrm_status load_tensors(nrm_ctx *ctx, nrm_optimizer *o, const nrm_optimizer_tensor *tensors)
{
    int64_t count = 0;

    for (int64_t i = 0; i < o->tensor_count; i++) {
        NRM_TRY(check_tensor(ctx, o, tensors, i));
        count += blocks_of(o, &tensors[i]);
    }
    NRM_TRY(NRM_ALLOC_ZERO(ctx, o->slots, count, "the tensors of an optimizer"));
    for (int64_t i = 0; i < o->tensor_count; i++) {
        int64_t row = 0;
        for (int k = 0, blocks = blocks_of(o, &tensors[i]); k < blocks; k++) {
            nrm_optimizer_slot *s = &o->slots[o->slot_count++];
            NRM_TRY(load_slot(ctx, o, s, &tensors[i], i, k, row));
            row += s->rows;
        }
    }
    return NRM_OK;
}

nrm_status nrm_optimizer_load(nrm_ctx *ctx, nrm_optimizer *o, const nrm_optimizer_group *groups,
                              const nrm_optimizer_tensor *tensors)
{
    NRM_TRY(load_groups(ctx, o, groups));
    return load_tensors(ctx, o, tensors);
}

/* What this rank does alone; the others must not learn of a failure by waiting. */
static nrm_status build(nrm_ctx *ctx, nrm_optimizer *o, const nrm_optimizer_group *groups, const nrm_optimizer_tensor *tensors)
{
    NRM_TRY(nrm_optimizer_load(ctx, o, groups, tensors));
    NRM_TRY(nrm_share_out(ctx, o));
    NRM_TRY(nrm_optimizer_make_state(ctx, o));
    NRM_TRY(nrm_optimizer_make_blocks(ctx, o));
    return nrm_optimizer_make_matrices(ctx, o);
}

nrm_status nrm_optimizer_check_create(nrm_ctx *ctx, const void *place, int group_count, const nrm_optimizer_group *groups,
                                      int64_t tensor_count, const nrm_optimizer_tensor *tensors)
{
    NRM_REQUIRE(ctx, place, NRM_E_NULL, "optimizer: the place for the optimizer is NULL");
    NRM_REQUIRE(ctx, group_count >= 1 && groups, NRM_E_ARGUMENT,
                "optimizer: group_count is %d%s; at least one group is needed", group_count, groups ? "" : " and groups is NULL");
    NRM_REQUIRE(ctx, tensor_count >= 0 && (tensors || !tensor_count), NRM_E_ARGUMENT,
                "optimizer: tensor_count is %lld%s; it must be 0 or more, with the tensors", NRM_LL(tensor_count),
                tensors ? "" : " and tensors is NULL");
    return NRM_OK;
}

nrm_status nrm_optimizer_create_sharded(nrm_ctx *ctx, nrm_optimizer **optimizer, nrm_comm *comm, int group_count,
                                        const nrm_optimizer_group *groups, int64_t tensor_count,
                                        const nrm_optimizer_tensor *tensors)
{
    nrm_optimizer *o = NULL;
    nrm_status st = nrm_optimizer_check_create(ctx, optimizer, group_count, groups, tensor_count, tensors);

    if (st >= 0) st = NRM_ALLOC_ZERO(ctx, o, 1, "an optimizer");
    if (st >= 0) {
        o->group_count = group_count, o->tensor_count = tensor_count, o->threads = nrm_threads(ctx);
        o->comm = nrm_comm_size(comm) > 1 ? comm : NULL;
        st = build(ctx, o, groups, tensors);
    }
    st = nrm_comm_agree(ctx, comm, st);
    if (st >= 0) st = nrm_share_compare(ctx, o);
    if (st >= 0) *optimizer = o;
    else nrm_optimizer_destroy(ctx, o);
    return st;
}

nrm_status nrm_optimizer_create(nrm_ctx *ctx, nrm_optimizer **optimizer, int group_count, const nrm_optimizer_group *groups,
                                int64_t tensor_count, const nrm_optimizer_tensor *tensors)
{
    return nrm_optimizer_create_sharded(ctx, optimizer, NULL, group_count, groups, tensor_count, tensors);
}

void nrm_optimizer_destroy(nrm_ctx *ctx, nrm_optimizer *o)
{
    if (!o) return;
    nrm_optimizer_drop_matrices(ctx, o);
    nrm_share_free(ctx, o->share);
    for (int64_t i = 0; i < o->slot_count; i++) nrm_free(ctx, o->slots[i].name);
    for (int64_t i = 0; o->cells && i < o->cell_count; i++) nrm_free(ctx, o->cells[i].name);
    nrm_free(ctx, o->groups);
    nrm_free(ctx, o->slots);
    nrm_free(ctx, o->cells);
    nrm_free(ctx, o->blocks);
    nrm_free(ctx, o->squares);
    nrm_free(ctx, o->state);
    nrm_free(ctx, o);
}

/* ---- Options that change ----------------------------------------------------------------------------- */

/* Would slot s have the same arrays of state under other options? */
static bool same_state(const nrm_rule *rule, const void *before, const void *after, const nrm_optimizer_slot *s)
{
    for (int k = 0; k < NRM_RULE_STATES; k++) {
        nrm_rule_state a = {0}, b = {0};
        const bool first = rule->state(before, k, s->rows, s->cols, &a), second = rule->state(after, k, s->rows, s->cols, &b);
        if (first != second) return false;
        if (!first) return true;
        if (strcmp(a.suffix, b.suffix) != 0 || a.rows != b.rows || a.cols != b.cols || a.values != b.values) return false;
    }
    return true;
}

/* Work and constants serve the new options too. */
static bool same_matrix(const nrm_rule *rule, const void *before, const void *after, const nrm_optimizer_slot *s)
{
    return rule->work(before, s->dtype, s->rows, s->cols) == rule->work(after, s->dtype, s->rows, s->cols) &&
           (!rule->key || rule->key(before, s->rows, s->cols) == rule->key(after, s->rows, s->cols));
}

/* Other options for a group: `fresh`; are work and constants as they were? */
static nrm_status check_options(nrm_ctx *ctx, const nrm_optimizer *o, int group, const void *options, nrm_optimizer_member *fresh,
                                bool *same)
{
    NRM_REQUIRE(ctx, group >= 0 && group < o->group_count, NRM_E_RANGE, "optimizer: the group is %d; there are groups 0 to %d",
                group, o->group_count - 1);
    const nrm_optimizer_member *g = &o->groups[group];
    const nrm_rule *rule = g->rule;
    *fresh = *g;
    *same = true;
    NRM_TRY(load_group(ctx, fresh, options));
    for (int64_t i = 0; i < o->slot_count; i++) {
        const nrm_optimizer_slot *s = &o->slots[i];
        if (s->group != group || s->count == 0) continue;
        if (rule->fits) NRM_TRY(rule->fits(ctx, &fresh->options, s->name, s->rows, s->cols));
        NRM_REQUIRE(ctx, same_state(rule, &g->options, &fresh->options, s), NRM_E_ARGUMENT,
                    "%s: the new options would change the state that '%s' has; make a new optimizer", rule->method->name, s->name);
        *same = *same && (!rule->matrix || same_matrix(rule, &g->options, &fresh->options, s));
    }
    return NRM_OK;
}

nrm_status nrm_optimizer_set_options(nrm_ctx *ctx, nrm_optimizer *o, int group, const void *options)
{
    nrm_optimizer_member fresh, kept;
    nrm_optimizer remade;
    bool same = true;

    NRM_REQUIRE(ctx, o, NRM_E_NULL, "optimizer: optimizer must not be NULL");
    nrm_status st = check_options(ctx, o, group, options, &fresh, &same);
    if (st < 0) return nrm_comm_agree(ctx, o->comm, st);
    kept = o->groups[group];
    o->groups[group] = fresh;
    if (!same) {
        remade = *o;
        remade.small = remade.large = NULL, remade.constants = NULL, remade.work = NULL;
        st = nrm_optimizer_make_matrices(ctx, &remade);
    }
    st = nrm_comm_agree(ctx, o->comm, st);
    if (!same) nrm_optimizer_drop_matrices(ctx, st < 0 ? &remade : o);
    if (st < 0) o->groups[group] = kept;
    else if (!same) *o = remade;
    nrm_optimizer_link_constants(o);
    return st;
}
