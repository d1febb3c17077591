/* state.c -- state by name, out and in.  Contract: norma/optim.h. */
#include "optim.h"
#include <stdio.h>

static const char STEP[] = "optimizer.step";

int64_t nrm_optimizer_state_count(const nrm_optimizer *o) { return o ? o->cell_count + 1 : 0; }

int64_t nrm_optimizer_state_bytes(const nrm_optimizer *o)
{
    return o ? o->state_bytes + (int64_t)sizeof o->step : 0;
}

static nrm_array view_of(const nrm_optimizer *o, const nrm_optimizer_cell *c)
{
    const nrm_optimizer_slot *s = &o->slots[c->slot];
    nrm_array view = {.data = s->state[c->index], .dtype = nrm_optimizer_state_dtype(s, &c->form), .ndim = s->ndim};

    if (c->form.rows) {
        view.ndim = 2;
        view.shape[0] = c->form.rows;
        view.shape[1] = c->form.cols;
    } else {
        memcpy(view.shape, s->shape, sizeof view.shape);
    }
    return view;
}

bool nrm_optimizer_state_describe(nrm_optimizer *o, int64_t i, const char **name, nrm_array *view)
{
    if (i < 0 || i >= nrm_optimizer_state_count(o)) return false;
    *name = i == 0 ? STEP : o->cells[i - 1].name;
    *view = i == 0 ? (nrm_array){.data = &o->step, .dtype = NRM_I64} : view_of(o, &o->cells[i - 1]);
    return true;
}

bool nrm_optimizer_state_at(nrm_optimizer *o, int64_t i, const char **name, nrm_array *view)
{
    const char *called;
    nrm_array whole;

    /* Of what ranks share nobody has all. */
    if (!nrm_optimizer_state_describe(o, i, &called, &whole) || (i > 0 && o->comm)) return false;
    if (name) *name = called;
    if (view) *view = whole;
    return true;
}

static const nrm_array *find(const nrm_bundle *bundle, const char *name)
{
    for (int64_t i = 0; i < bundle->count; i++)
        if (bundle->items[i].name && strcmp(bundle->items[i].name, name) == 0) return &bundle->items[i].array;
    return NULL;
}

static void shape_text(char *text, size_t size, const nrm_array *a)
{
    size_t used = (size_t)snprintf(text, size, "(");
    for (int i = 0; i < a->ndim && i < NRM_MAX_NDIM && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", i ? ", " : "", NRM_LL(a->shape[i]));
    if (used < size) snprintf(text + used, size - used, ")");
}

static nrm_status check_reals(nrm_ctx *ctx, const char *name, const nrm_array *a, bool not_negative)
{
    const int64_t n = nrm_array_count(a);
    char place[NRM_MAX_NDIM * 22 + 2];
    int64_t i = 0;

    const bool finite = a->dtype == NRM_F32 ? nrm_all_finite_f32(a->data, n, &i) : nrm_all_finite_f64(a->data, n, &i);
    if (!finite) {
        nrm_optimizer_place(place, sizeof place, a->ndim, a->shape, i);
        return nrm_fail(ctx, NRM_E_NONFINITE, "optimizer: the state '%s'%s is not finite; the file is damaged, or the run "
                        "had diverged: take an earlier one", name, place);
    }
    for (i = 0; not_negative && i < n; i++) {
        const double value = nrm_real_get(a->dtype, a->data, i);
        if (value >= 0) continue;
        nrm_optimizer_place(place, sizeof place, a->ndim, a->shape, i);
        return nrm_fail(ctx, NRM_E_RANGE, "optimizer: the state '%s'%s is %g; a mean square is at least 0: the file is damaged",
                        name, place, value);
    }
    return NRM_OK;
}

static nrm_status check_indices(nrm_ctx *ctx, const char *name, const nrm_array *a, const nrm_rule_state *form)
{
    const int64_t *x = a->data, n = nrm_array_count(a);
    bool chosen = false;

    for (int64_t i = 0; i < n; i++) chosen = chosen || x[i] != 0;
    for (int64_t i = 0; chosen && i < n; i++)
        NRM_REQUIRE(ctx, x[i] >= 0 && x[i] < form->below && (form->any_order || i == 0 || x[i] > x[i - 1]), NRM_E_RANGE,
                    "optimizer: the state '%s'[%lld] is %lld; indices %s from 0 to %lld: the file is damaged", name, NRM_LL(i),
                    NRM_LL(x[i]), form->any_order ? "are" : "ascend,", NRM_LL(form->below - 1));
    return NRM_OK;
}

static nrm_status check_values(nrm_ctx *ctx, const char *name, const nrm_array *a, const nrm_rule_state *form)
{
    if (form->values == NRM_RULE_CODES) return NRM_OK;
    if (form->values == NRM_RULE_INDICES) return check_indices(ctx, name, a, form);
    return check_reals(ctx, name, a, form->not_negative);
}

static nrm_status check_cell(nrm_ctx *ctx, const nrm_optimizer *o, const nrm_optimizer_cell *c, const nrm_bundle *bundle)
{
    const nrm_array *given = find(bundle, c->name), own = view_of(o, c);
    char got[NRM_MAX_NDIM * 22 + 4], want[NRM_MAX_NDIM * 22 + 4];

    NRM_REQUIRE(ctx, given, NRM_E_ARGUMENT, "optimizer: the state '%s' is missing; it was saved by another optimizer or "
                "for other tensors: use the same groups and names", c->name);
    NRM_REQUIRE(ctx, given->dtype == own.dtype, NRM_E_DTYPE, "optimizer: the state '%s' is of type %s; it must be %s",
                c->name, nrm_dtype_name(given->dtype), nrm_dtype_name(own.dtype));
    bool same = given->ndim == own.ndim;
    for (int i = 0; same && i < own.ndim; i++) same = given->shape[i] == own.shape[i];
    if (!same) {
        shape_text(got, sizeof got, given);
        shape_text(want, sizeof want, &own);
        return nrm_fail(ctx, NRM_E_SHAPE, "optimizer: the state '%s' has shape %s; the tensor needs %s", c->name, got, want);
    }
    NRM_REQUIRE(ctx, given->data || nrm_array_count(&own) == 0, NRM_E_NULL, "optimizer: the state '%s' has no data", c->name);
    return check_values(ctx, c->name, given, &c->form);
}

nrm_status nrm_optimizer_load_state(nrm_ctx *ctx, nrm_optimizer *o, const nrm_bundle *bundle)
{
    int64_t taken = 0;

    NRM_REQUIRE(ctx, o && bundle && (bundle->items || bundle->count <= 0), NRM_E_NULL,
                "optimizer: optimizer and bundle must not be NULL");
    const nrm_array *step = find(bundle, STEP);
    NRM_REQUIRE(ctx, step && step->data, NRM_E_ARGUMENT, "optimizer: '%s' is missing; these arrays are not an optimizer's state",
                STEP);
    NRM_REQUIRE(ctx, step->dtype == NRM_I64, NRM_E_DTYPE, "optimizer: '%s' is of type %s; it must be i64", STEP,
                nrm_dtype_name(step->dtype));
    NRM_REQUIRE(ctx, nrm_array_count(step) == 1, NRM_E_SHAPE, "optimizer: '%s' has %lld values; it must be one", STEP,
                NRM_LL(nrm_array_count(step)));
    memcpy(&taken, step->data, sizeof taken);
    NRM_REQUIRE(ctx, taken >= 0, NRM_E_RANGE, "optimizer: '%s' is %lld; it must be at least 0", STEP, NRM_LL(taken));
    for (int64_t i = 0; i < o->cell_count; i++) NRM_TRY(check_cell(ctx, o, &o->cells[i], bundle));

    o->step = taken;
    for (int64_t i = 0; i < o->cell_count; i++) {
        const nrm_optimizer_cell *c = &o->cells[i];
        const nrm_optimizer_slot *s = &o->slots[c->slot];
        const size_t size = nrm_dtype_size(nrm_optimizer_state_dtype(s, &c->form));
        const int64_t first = c->form.rows ? 0 : s->held_first, count = nrm_optimizer_state_held(s, &c->form);
        const unsigned char *from = find(bundle, c->name)->data;
        if (count) memmove(s->state[c->index], from + first * (int64_t)size, (size_t)count * size);
    }
    return NRM_OK;
}
