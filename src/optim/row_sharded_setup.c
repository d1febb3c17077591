/* row_sharded_setup.c -- the layout and the memory of a row-sharded optimizer.  Contract:
 * norma/optim_distributed.h; the step: row_sharded.c. */
#include "row_sharded.h"

void nrm_row_shard(int64_t rows, int ranks, int rank, int64_t *first, int64_t *count)
{
    const int64_t each = ranks > 0 && rows > 0 ? (rows - 1) / ranks + 1 : 0;
    *first = each > 0 && rank > (rows - 1) / each ? rows : each * rank;
    *count = nrm_max_i64(0, nrm_min_i64(each, rows - *first));
}

/* Where row blocks and shards overlap. */
int64_t nrm_row_sharded_rows(const nrm_row_sharded_optimizer *o, int64_t slot, int r, int64_t *first)
{
    const nrm_optimizer_slot *s = &o->frame->slots[slot];
    int64_t shard, count;

    *first = 0;
    if (s->count == 0) return 0;
    nrm_row_shard(o->tensor_rows[s->tensor], nrm_comm_size(o->frame->comm), r, &shard, &count);
    const int64_t top = s->first / s->cols, begin = nrm_max_i64(top, shard), end = nrm_min_i64(top + s->rows, shard + count);
    *first = begin - top;
    return nrm_max_i64(0, end - begin);
}

/* ---- Layout ------------------------------------------------------------------------------------ */

static void place_matrix(nrm_row_sharded_optimizer *o, int64_t i)
{
    const nrm_optimizer_slot *s = &o->frame->slots[i];
    nrm_row_matrix *m = &o->matrices[i];
    int64_t first, shard, count;

    m->rows = nrm_row_sharded_rows(o, i, nrm_comm_rank(o->frame->comm), &first);
    nrm_row_shard(o->tensor_rows[s->tensor], nrm_comm_size(o->frame->comm), nrm_comm_rank(o->frame->comm), &shard, &count);
    m->place = m->rows > 0 ? s->first + (first - shard) * s->cols : 0;
    m->packed = o->elements;
    o->elements += m->rows * s->cols;
    if (o->normuon) {
        m->by_columns = nrm_normuon_by_columns(&o->frame->groups[0].options.normuon, s->rows, s->cols);
        m->lines = m->by_columns ? s->cols : m->rows;
    }
}

static void place_lines(nrm_row_sharded_optimizer *o, bool columns)
{
    for (int64_t k = 0; k < o->frame->slot_count; k++) {
        nrm_row_matrix *m = &o->matrices[o->order[k]];
        if (m->by_columns != columns) continue;
        m->first_line = o->lines;
        o->lines += m->lines;
    }
    if (columns) o->columns = o->lines;
}

static nrm_status make_layout(nrm_ctx *ctx, nrm_row_sharded_optimizer *o)
{
    const int64_t slots = o->frame->slot_count;
    const int ranks = nrm_comm_size(o->frame->comm);
    int32_t *owner = NULL;
    int64_t at = 0;
    nrm_status st;

    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, owner, slots, "the layout of an optimizer"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, o->matrices, slots, "the layout of an optimizer"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, o->order, slots, "the layout of an optimizer"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, o->to, ranks, "the layout of an optimizer"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, o->from, ranks, "the layout of an optimizer"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, o->cursor, ranks, "the layout of an optimizer"));
    NRM_TRY_DONE(nrm_share_deal_matrices(ctx, o->frame, owner));
    for (int r = 0; r < ranks; r++)
        for (int64_t i = 0; i < slots; i++)
            if (owner[i] == r) o->order[at++] = i;
    for (int64_t k = 0; k < slots; k++) {
        o->matrices[o->order[k]].owner = owner[o->order[k]];
        place_matrix(o, o->order[k]);
    }
    place_lines(o, true);
    place_lines(o, false);
done:
    nrm_free(ctx, owner);
    return st;
}

/* ---- Memory -------------------------------------------------------------------------------------- */

/* Of the matrices owned here: elements in all, bytes to orthogonalise one. */
static nrm_status owned_sizes(nrm_ctx *ctx, const nrm_row_sharded_optimizer *o, int64_t *elements, int64_t *work)
{
    const nrm_optimizer *f = o->frame;
    const bool exact = nrm_matrix_options_of(&f->groups[0].options)->coefficients == NRM_ORTHOGONALISE_EXACT;

    *elements = *work = 0;
    for (int64_t i = 0; i < f->slot_count; i++) {
        const nrm_optimizer_slot *s = &f->slots[i];
        if (o->matrices[i].owner != nrm_comm_rank(f->comm) || s->count == 0) continue;
        const int64_t bytes = nrm_matrix_work(exact, o->dtype, s->rows, s->cols);
        NRM_REQUIRE(ctx, bytes >= 0, NRM_E_OVERFLOW, "%s: '%s' needs more work space than can be addressed", f->groups[0].rule->method->name, s->name);
        *work = nrm_max_i64(*work, bytes);
        *elements += s->count;
    }
    return NRM_OK;
}

/* Of one tensor, the gradients of all ranks for the rows here. */
static int64_t reduce_elements(const nrm_row_sharded_optimizer *o)
{
    int64_t most = 0, first, count;
    for (int64_t i = 0; i < o->frame->slot_count; i++) {
        const nrm_optimizer_slot *s = &o->frame->slots[i];
        nrm_row_shard(o->tensor_rows[s->tensor], nrm_comm_size(o->frame->comm), nrm_comm_rank(o->frame->comm), &first, &count);
        most = nrm_max_i64(most, count * s->cols * nrm_comm_size(o->frame->comm));
    }
    return most;
}

static nrm_status take_memory(nrm_ctx *ctx, nrm_row_sharded_optimizer *o)
{
    const size_t size = nrm_dtype_size(o->dtype);
    const int64_t slots = o->frame->slot_count;
    int64_t owned, work;

    NRM_TRY(owned_sizes(ctx, o, &owned, &work));
    const int64_t adding = nrm_max_i64(nrm_comm_sum_work(o->frame->comm, NRM_F64, 2 * slots), nrm_comm_sum_work(o->frame->comm, NRM_F64, o->columns));
    NRM_TRY(nrm_alloc_zeroed(ctx, &o->m, o->elements, size, "the state of an optimizer"));
    NRM_TRY(nrm_alloc_zeroed(ctx, &o->v, o->lines, size, "the state of an optimizer"));
    NRM_TRY(nrm_alloc_bytes(ctx, &o->u, o->elements, size, "the shards of an optimizer"));
    NRM_TRY(nrm_alloc_bytes(ctx, &o->owned, owned, size, "the matrices of an optimizer"));
    NRM_TRY(NRM_ALLOC(ctx, o->by, o->lines, "the rows of an optimizer"));
    NRM_TRY(NRM_ALLOC(ctx, o->sums, 2 * slots, "the sums of an optimizer"));
    NRM_TRY(nrm_alloc_bytes(ctx, &o->sum_work, adding, 1, "the sums of an optimizer"));
    NRM_TRY(nrm_alloc_bytes(ctx, &o->reduce_work, reduce_elements(o), size, "the gradients of an optimizer"));
    return nrm_alloc_zeroed(ctx, &o->work, work, 1, "the work space of an optimizer");
}

/* "normuon.m:w", "normuon.v:w#1": m of all slots, then v. */
static nrm_status name_states(nrm_ctx *ctx, nrm_row_sharded_optimizer *o)
{
    const nrm_optimizer *f = o->frame;
    const int64_t count = nrm_row_sharded_state_count(o) - 1;
    const char *kind = f->groups[0].rule->method->name;

    NRM_TRY(NRM_ALLOC_ZERO(ctx, o->names, count, "the names of a state"));
    for (int64_t i = 0; i < count; i++) {
        const char *suffix = i < f->slot_count ? "m" : "v";
        NRM_TRY(nrm_optimizer_state_name(ctx, &o->names[i], kind, suffix, &f->slots[i % f->slot_count]));
    }
    return NRM_OK;
}

/* ---- Construction ------------------------------------------------------------------------------------ */

static nrm_status build(nrm_ctx *ctx, nrm_row_sharded_optimizer *o, nrm_comm *comm, const nrm_optimizer_group *group,
                        int64_t count, const nrm_optimizer_tensor *tensors)
{
    nrm_optimizer *f;

    NRM_TRY(NRM_ALLOC_ZERO(ctx, o->frame, 1, "an optimizer"));
    f = o->frame;
    f->group_count = 1, f->tensor_count = count, f->comm = nrm_comm_size(comm) > 1 ? comm : NULL;
    NRM_TRY(nrm_optimizer_load(ctx, f, group, tensors));
    NRM_TRY(NRM_ALLOC(ctx, o->tensor_rows, count, "the layout of an optimizer"));
    for (int64_t i = 0; i < count; i++) {
        NRM_REQUIRE(ctx, tensors[i].dtype == tensors[0].dtype, NRM_E_DTYPE,
                    "optimizer: '%s' is of type %s and '%s' of type %s; shards travel together: make an optimizer for each type", tensors[0].name,
                    nrm_dtype_name(tensors[0].dtype), tensors[i].name, nrm_dtype_name(tensors[i].dtype));
        o->tensor_rows[i] = tensors[i].shape[0];
    }
    o->dtype = count ? tensors[0].dtype : NRM_F64;
    NRM_TRY(make_layout(ctx, o));
    NRM_TRY(take_memory(ctx, o));
    return name_states(ctx, o);
}

nrm_status nrm_row_sharded_create(nrm_ctx *ctx, nrm_row_sharded_optimizer **optimizer, nrm_comm *comm, nrm_optimizer_kind kind,
                                  const void *options, bool local_norm, int64_t tensor_count, const nrm_optimizer_tensor *tensors)
{
    const nrm_optimizer_group group = {kind, options};
    nrm_row_sharded_optimizer *o = NULL;
    nrm_status st = nrm_optimizer_check_create(ctx, optimizer, 1, &group, tensor_count, tensors);

    if (st >= 0 && kind != NRM_OPTIMIZER_MUON && kind != NRM_OPTIMIZER_NORMUON)
        st = nrm_fail(ctx, NRM_E_UNSUPPORTED, "optimizer: %s cannot be sharded by rows; muon and normuon can, and any optimizer can be "
                      "shared with nrm_optimizer_create_sharded", nrm_optimizer_kind_name(kind));
    if (st >= 0 && local_norm && kind != NRM_OPTIMIZER_NORMUON)
        st = nrm_fail(ctx, NRM_E_ARGUMENT, "optimizer: local_norm is given for %s; it changes normuon alone", nrm_optimizer_kind_name(kind));
    if (st >= 0) st = NRM_ALLOC_ZERO(ctx, o, 1, "an optimizer");
    if (st >= 0) {
        o->normuon = kind == NRM_OPTIMIZER_NORMUON, o->local_norm = local_norm;
        st = build(ctx, o, comm, &group, tensor_count, tensors);
    }
    st = nrm_comm_agree(ctx, comm, st);
    if (st >= 0) st = nrm_share_compare(ctx, o->frame);
    if (st >= 0) *optimizer = o;
    else nrm_row_sharded_destroy(ctx, o);
    return st;
}

void nrm_row_sharded_destroy(nrm_ctx *ctx, nrm_row_sharded_optimizer *o)
{
    if (!o) return;
    for (int64_t i = 0; o->names && i < nrm_row_sharded_state_count(o) - 1; i++) nrm_free(ctx, o->names[i]);
    nrm_free(ctx, o->names);
    nrm_optimizer_destroy(ctx, o->frame);
    nrm_free(ctx, o->tensor_rows);
    nrm_free(ctx, o->matrices);
    nrm_free(ctx, o->order);
    nrm_free(ctx, o->m);
    nrm_free(ctx, o->v);
    nrm_free(ctx, o->u);
    nrm_free(ctx, o->owned);
    nrm_free(ctx, o->to);
    nrm_free(ctx, o->from);
    nrm_free(ctx, o->cursor);
    nrm_free(ctx, o->by);
    nrm_free(ctx, o->sums);
    nrm_free(ctx, o->work);
    nrm_free(ctx, o->sum_work);
    nrm_free(ctx, o->reduce_work);
    nrm_free(ctx, o);
}

/* ---- State --------------------------------------------------------------------------------------------- */

int64_t nrm_row_sharded_state_count(const nrm_row_sharded_optimizer *o)
{
    return o ? 1 + o->frame->slot_count * (o->normuon ? 2 : 1) : 0;
}

int64_t nrm_row_sharded_state_bytes(const nrm_row_sharded_optimizer *o)
{
    return o ? (o->elements + o->lines) * (int64_t)nrm_dtype_size(o->dtype) + (int64_t)sizeof o->frame->step : 0;
}

bool nrm_row_sharded_state_at(nrm_row_sharded_optimizer *o, int64_t i, const char **name, nrm_array *view)
{
    if (i < 0 || i >= nrm_row_sharded_state_count(o)) return false;
    if (i == 0) {
        if (name) *name = "optimizer.step";
        if (view) *view = (nrm_array){.data = &o->frame->step, .dtype = NRM_I64};
        return true;
    }
    const int64_t slots = o->frame->slot_count, slot = (i - 1) % slots;
    const nrm_row_matrix *m = &o->matrices[slot];
    const bool lines = i > slots;
    if (name) *name = o->names[i - 1];
    if (view)
        *view = (nrm_array){.data = nrm_matrix_at(o->dtype, lines ? o->v : o->m, lines ? m->first_line : m->packed), .dtype = o->dtype, .ndim = 2,
                            .shape = {lines ? m->lines : m->rows, lines ? 1 : o->frame->slots[slot].cols}};
    return true;
}
