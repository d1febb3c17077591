/* optimizer.c -- making an optimizer: kinds and options, tensors checked and put in groups,
 * all memory taken at once.  Contract: norma/optim.h; the parts: optim.h. */
#include "optim.h"
#include <stdio.h>

/* ---- Kinds ---------------------------------------------------------------------------------- */

static const nrm_rule *const rules[] = {
    [NRM_OPTIMIZER_SGD] = &nrm_sgd_rule, [NRM_OPTIMIZER_ADAMW] = &nrm_adamw_rule, [NRM_OPTIMIZER_MUON] = &nrm_muon_rule};
_Static_assert(NRM_COUNT(rules) == nrm_optimizer_kind_count, "every kind has a rule");

const nrm_rule *nrm_optimizer_rule(nrm_optimizer_kind kind)
{
    return (int)kind >= 0 && (int)kind < NRM_COUNT(rules) ? rules[kind] : NULL;
}

const char *nrm_optimizer_kind_name(nrm_optimizer_kind kind)
{
    const nrm_rule *rule = nrm_optimizer_rule(kind);
    return rule ? rule->method->name : "unknown";
}

bool nrm_optimizer_kind_takes_matrices(nrm_optimizer_kind kind)
{
    const nrm_rule *rule = nrm_optimizer_rule(kind);
    return rule && rule->matrix;
}

static nrm_status find_rule(nrm_ctx *ctx, nrm_optimizer_kind kind, const nrm_rule **rule)
{
    *rule = nrm_optimizer_rule(kind);
    NRM_REQUIRE(ctx, *rule, NRM_E_ARGUMENT, "optimizer: kind is %d; it must be one of nrm_optimizer_kind, 0 to %d",
                (int)kind, nrm_optimizer_kind_count - 1);
    return NRM_OK;
}

nrm_status nrm_optimizer_kind_find(nrm_ctx *ctx, const char *name, nrm_optimizer_kind *kind)
{
    const char *names[NRM_COUNT(rules) + 1] = {NULL};
    char list[256] = "";

    NRM_REQUIRE(ctx, name && kind, NRM_E_NULL, "optimizer: name and kind must not be NULL");
    for (int i = 0; i < NRM_COUNT(rules); i++) {
        names[i] = rules[i]->method->name;
        if (nrm_same_name(names[i], name)) {
            *kind = (nrm_optimizer_kind)i;
            return NRM_OK;
        }
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = nrm_nearest(name, names);
    return nrm_fail(ctx, NRM_E_ARGUMENT, "optimizer: '%s' is not known; it must be one of %s%s%s%s", name, list,
                    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

const nrm_param *nrm_optimizer_params(nrm_optimizer_kind kind, int *count)
{
    const nrm_rule *rule = nrm_optimizer_rule(kind);
    if (count) *count = rule ? rule->method->param_count : 0;
    return rule ? rule->method->params : NULL;
}

nrm_status nrm_optimizer_options_init(nrm_ctx *ctx, nrm_optimizer_kind kind, nrm_optimizer_options *options)
{
    const nrm_rule *rule;
    NRM_REQUIRE(ctx, options, NRM_E_NULL, "optimizer: options must not be NULL");
    NRM_TRY(find_rule(ctx, kind, &rule));
    nrm_options_default(rule->method, options);
    return NRM_OK;
}

nrm_status nrm_optimizer_options_set(nrm_ctx *ctx, nrm_optimizer_kind kind, nrm_optimizer_options *options,
                                     const char *name, const char *text)
{
    enum { MOST = 32 };
    const char *names[MOST + 1] = {NULL};
    const nrm_rule *rule;
    nrm_optimizer_options fresh;

    NRM_REQUIRE(ctx, options && name && text, NRM_E_NULL, "optimizer: options, name and text must not be NULL");
    NRM_TRY(find_rule(ctx, kind, &rule));
    const nrm_method *method = rule->method;
    NRM_REQUIRE(ctx, options->size == method->options_size, NRM_E_ARGUMENT,
                "%s: options.size is %zu; make the options with nrm_optimizer_options_init", method->name, options->size);
    for (int i = 0; i < method->param_count && i < MOST; i++) names[i] = method->params[i].name;
    const nrm_param *param = nrm_param_find(method, name);
    if (!param) {
        const char *near = nrm_nearest(name, names);
        return nrm_fail(ctx, NRM_E_ARGUMENT, "%s: there is no option '%s'%s%s%s", method->name, name,
                        near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
    fresh = *options;
    NRM_TRY(nrm_option_from_text(ctx, method, param, text, &fresh));
    *options = fresh;
    return NRM_OK;
}

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

static nrm_status load_groups(nrm_ctx *ctx, nrm_optimizer *o, const nrm_optimizer_group *groups)
{
    NRM_TRY(NRM_ALLOC_ZERO(ctx, o->groups, o->group_count, "the groups of an optimizer"));
    for (int i = 0; i < o->group_count; i++) {
        nrm_optimizer_member *g = &o->groups[i];
        NRM_TRY(find_rule(ctx, groups[i].kind, &g->rule));
        NRM_TRY(nrm_options_load(ctx, g->rule->method, groups[i].options, &g->options));
        if (g->rule->check) NRM_TRY(g->rule->check(ctx, &g->options));
    }
    return NRM_OK;
}

static nrm_status load_tensors(nrm_ctx *ctx, nrm_optimizer *o, const nrm_optimizer_tensor *tensors)
{
    NRM_TRY(NRM_ALLOC_ZERO(ctx, o->slots, o->slot_count, "the tensors of an optimizer"));
    for (int64_t i = 0; i < o->slot_count; i++) {
        const nrm_optimizer_tensor *t = &tensors[i];
        nrm_optimizer_slot *s = &o->slots[i];
        NRM_TRY(check_tensor(ctx, o, tensors, i));
        s->dtype = t->dtype, s->ndim = t->ndim, s->group = t->group;
        if (t->ndim) memcpy(s->shape, t->shape, (size_t)t->ndim * sizeof *t->shape);
        view_as_matrix(t->ndim, t->shape, &s->rows, &s->cols);
        s->count = s->rows * s->cols;
        NRM_TRY(nrm_copy_string(ctx, &s->name, t->name));
    }
    return NRM_OK;
}

static int64_t state_elements(const nrm_optimizer_slot *s, const nrm_rule_state *form)
{
    return form->rows ? form->rows * form->cols : s->count;
}

static int64_t padded(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/* The cells, with their names, and one block of zeros for all of them. */
static nrm_status make_state(nrm_ctx *ctx, nrm_optimizer *o)
{
    nrm_rule_state form;
    int64_t bytes = 0;

    for (int64_t i = 0; i < o->slot_count; i++) {
        const nrm_optimizer_slot *s = &o->slots[i];
        const nrm_optimizer_member *g = &o->groups[s->group];
        for (int k = 0; k < NRM_RULE_STATES && g->rule->state(&g->options, k, s->rows, s->cols, &form); k++) {
            o->cell_count++;
            NRM_REQUIRE(ctx, nrm_add_size(bytes, padded(state_elements(s, &form) * (int64_t)nrm_dtype_size(s->dtype)), &bytes),
                        NRM_E_OVERFLOW, "optimizer: its state is more than memory can address");
        }
    }
    NRM_TRY(NRM_ALLOC_ZERO(ctx, o->cells, o->cell_count, "the state of an optimizer"));
    NRM_TRY(nrm_alloc_zeroed(ctx, &o->state, bytes, 1, "the state of an optimizer"));
    int64_t cell = 0, at = 0;
    for (int64_t i = 0; i < o->slot_count; i++) {
        nrm_optimizer_slot *s = &o->slots[i];
        const nrm_optimizer_member *g = &o->groups[s->group];
        for (int k = 0; k < NRM_RULE_STATES && g->rule->state(&g->options, k, s->rows, s->cols, &form); k++) {
            nrm_optimizer_cell *c = &o->cells[cell++];
            const char *kind = g->rule->method->name;
            const int64_t size = state_elements(s, &form) * (int64_t)nrm_dtype_size(s->dtype);
            const int64_t length = (int64_t)(strlen(kind) + strlen(form.suffix) + strlen(s->name) + 3);
            *c = (nrm_optimizer_cell){.slot = i, .index = k, .form = form};
            s->state[k] = o->state + at;
            at += padded(size);
            o->state_bytes += size;
            NRM_TRY(NRM_ALLOC(ctx, c->name, length, "the name of a state"));
            snprintf(c->name, (size_t)length, "%s.%s:%s", kind, form.suffix, s->name);
        }
    }
    return NRM_OK;
}

static nrm_status make_blocks(nrm_ctx *ctx, nrm_optimizer *o)
{
    int64_t at = 0;

    for (int64_t i = 0; i < o->slot_count; i++)
        o->block_count += (o->slots[i].count + NRM_OPTIMIZER_BLOCK - 1) / NRM_OPTIMIZER_BLOCK;
    NRM_TRY(NRM_ALLOC(ctx, o->blocks, o->block_count, "the blocks of an optimizer"));
    NRM_TRY(NRM_ALLOC(ctx, o->squares, o->block_count, "the blocks of an optimizer"));
    for (int64_t i = 0; i < o->slot_count; i++)
        for (int64_t first = 0; first < o->slots[i].count; first += NRM_OPTIMIZER_BLOCK)
            o->blocks[at++] = (nrm_optimizer_part){i, first, nrm_min_i64(NRM_OPTIMIZER_BLOCK, o->slots[i].count - first)};
    return NRM_OK;
}

static int64_t matrices_of(const nrm_optimizer *o, const nrm_optimizer_tensor *t, int64_t i)
{
    if (!o->groups[t->group].rule->matrix || o->slots[i].count == 0) return 0;
    return t->split_count ? t->split_count : 1;
}

static double matrix_cost(int64_t rows, int64_t cols)
{
    return (double)rows * (double)cols * (double)nrm_min_i64(rows, cols);
}

/* One matrix: to the small ones or the large ones, with the work it needs.  Small ones must
 * balance among the threads, and not be so large that work space for each thread hurts. */
static nrm_status add_matrix(nrm_ctx *ctx, nrm_optimizer *o, int64_t slot, int64_t first, int64_t rows, double all)
{
    const double ONE_TILE = 256.0 * 256 * 256, SMALL = 512.0 * 512 * 512;
    const nrm_optimizer_slot *s = &o->slots[slot];
    const nrm_optimizer_member *g = &o->groups[s->group];
    const double cost = matrix_cost(rows, s->cols);
    const int64_t bytes = g->rule->work(&g->options, s->dtype, rows, s->cols);
    const nrm_optimizer_part part = {slot, first, rows};

    NRM_REQUIRE(ctx, bytes >= 0 && bytes <= INT64_MAX / 65536 - 64, NRM_E_OVERFLOW,
                "%s: '%s' with %lld rows of %lld needs more work space than can be addressed", g->rule->method->name, s->name,
                NRM_LL(rows), NRM_LL(s->cols));
    if (cost <= ONE_TILE || (cost <= SMALL && 2 * o->threads * cost <= all)) {
        o->small[o->small_count++] = part;
        o->small_work = nrm_max_i64(o->small_work, padded(bytes));
    } else {
        o->large[o->large_count++] = part;
        o->large_work = nrm_max_i64(o->large_work, padded(bytes));
    }
    return NRM_OK;
}

static nrm_status make_matrices(nrm_ctx *ctx, nrm_optimizer *o, const nrm_optimizer_tensor *tensors)
{
    int64_t count = 0;
    double all = 0;

    for (int64_t i = 0; i < o->slot_count; i++) {
        const int64_t parts = matrices_of(o, &tensors[i], i);
        count += parts;
        if (parts) all += matrix_cost(o->slots[i].rows, o->slots[i].cols);
    }
    NRM_TRY(NRM_ALLOC(ctx, o->small, count, "the matrices of an optimizer"));
    NRM_TRY(NRM_ALLOC(ctx, o->large, count, "the matrices of an optimizer"));
    for (int64_t i = 0; i < o->slot_count; i++) {
        const nrm_optimizer_tensor *t = &tensors[i];
        int64_t first = 0;
        for (int64_t k = 0, parts = matrices_of(o, t, i); k < parts; k++) {
            const int64_t rows = t->split_count ? t->split[k] : o->slots[i].rows;
            NRM_TRY(add_matrix(ctx, o, i, first, rows, all));
            first += rows;
        }
    }
    /* Either all threads are in one large matrix, or each has a small one. */
    const int64_t teams = nrm_min_i64(o->threads, nrm_max_i64(1, o->small_count));
    return nrm_alloc_zeroed(ctx, &o->work, nrm_max_i64(o->large_work, teams * o->small_work), 1,
                            "the work space of an optimizer");
}

nrm_status nrm_optimizer_create(nrm_ctx *ctx, nrm_optimizer **optimizer, int group_count, const nrm_optimizer_group *groups,
                                int64_t tensor_count, const nrm_optimizer_tensor *tensors)
{
    nrm_optimizer *o;
    nrm_status st;

    NRM_REQUIRE(ctx, optimizer, NRM_E_NULL, "optimizer: the place for the optimizer is NULL");
    NRM_REQUIRE(ctx, group_count >= 1 && groups, NRM_E_ARGUMENT,
                "optimizer: group_count is %d%s; at least one group is needed", group_count, groups ? "" : " and groups is NULL");
    NRM_REQUIRE(ctx, tensor_count >= 0 && (tensors || !tensor_count), NRM_E_ARGUMENT,
                "optimizer: tensor_count is %lld%s; it must be 0 or more, with the tensors", NRM_LL(tensor_count),
                tensors ? "" : " and tensors is NULL");
    NRM_TRY(NRM_ALLOC_ZERO(ctx, o, 1, "an optimizer"));
    o->group_count = group_count, o->slot_count = tensor_count, o->threads = nrm_threads(ctx);
    NRM_TRY_DONE(load_groups(ctx, o, groups));
    NRM_TRY_DONE(load_tensors(ctx, o, tensors));
    NRM_TRY_DONE(make_state(ctx, o));
    NRM_TRY_DONE(make_blocks(ctx, o));
    NRM_TRY_DONE(make_matrices(ctx, o, tensors));
    *optimizer = o;
    return NRM_OK;
done:
    nrm_optimizer_destroy(ctx, o);
    return st;
}

void nrm_optimizer_destroy(nrm_ctx *ctx, nrm_optimizer *o)
{
    if (!o) return;
    for (int64_t i = 0; o->slots && i < o->slot_count; i++) nrm_free(ctx, o->slots[i].name);
    for (int64_t i = 0; o->cells && i < o->cell_count; i++) nrm_free(ctx, o->cells[i].name);
    nrm_free(ctx, o->groups);
    nrm_free(ctx, o->slots);
    nrm_free(ctx, o->cells);
    nrm_free(ctx, o->blocks);
    nrm_free(ctx, o->squares);
    nrm_free(ctx, o->small);
    nrm_free(ctx, o->large);
    nrm_free(ctx, o->state);
    nrm_free(ctx, o->work);
    nrm_free(ctx, o);
}
