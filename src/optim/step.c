/* step.c -- one step: everything is looked at before anything is changed.  Contract:
 * norma/optim.h, norma/optim_distributed.h.
 *
 * Ranks that share an optimizer look at what each holds, agree, bring their sums of squares
 * together, update what they hold and hand it to the others (share.c); one alone does the same
 * with nobody to wait for.
 *
 * Threads share blocks of a fixed size (elementwise rules), whole matrices (small ones), or
 * the inside of a matrix (large ones): no bit depends on how many they are. */
#include "share.h"
#include <omp.h>
#include <stdio.h>

enum { WORTH_THREADS = 1 << 16 }; /* elements from which starting threads pays */

void nrm_optimizer_place(char *text, size_t size, int ndim, const int64_t *shape, int64_t index)
{
    int64_t at[NRM_MAX_NDIM];
    size_t used = 0;

    text[0] = 0;
    for (int i = ndim - 1; i > 0; i--) {
        at[i] = index % shape[i];
        index /= shape[i];
    }
    at[0] = index;
    for (int i = 0; i < ndim && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld%s", i ? "," : "[", NRM_LL(at[i]), i + 1 == ndim ? "]" : "");
}

/* Element i of a slot, in its tensor's parameter or gradient. */
static const void *element(const nrm_optimizer_slot *s, const void *const *gradients, int64_t i)
{
    return (const unsigned char *)gradients[s->tensor] + (s->first + i) * (int64_t)nrm_dtype_size(s->dtype);
}

static void *mutable_element(const nrm_optimizer_slot *s, void *const *parameters, int64_t i)
{
    return (unsigned char *)parameters[s->tensor] + (s->first + i) * (int64_t)nrm_dtype_size(s->dtype);
}

static bool finite(nrm_dtype dtype, int64_t n, const void *x)
{
    return dtype == NRM_F32 ? nrm_optimizer_kernels_f32_for(nrm_cpu_isa())->finite(n, x)
                            : nrm_optimizer_kernels_f64_for(nrm_cpu_isa())->finite(n, x);
}

/* The sentence about a block that holds something that is not finite. */
static nrm_status refuse(nrm_ctx *ctx, const nrm_optimizer *o, const nrm_optimizer_part *b, const void *const *gradients)
{
    const nrm_optimizer_slot *s = &o->slots[b->slot];
    const void *x = element(s, gradients, b->first);
    char place[NRM_MAX_NDIM * 22 + 2], value[NRM_NUMBER_LENGTH];
    int64_t i = 0;

    if (s->dtype == NRM_F32) {
        nrm_all_finite_f32(x, b->count, &i);
        nrm_format_f32(value, ((const float *)x)[i]);
    } else {
        nrm_all_finite_f64(x, b->count, &i);
        nrm_format_f64(value, ((const double *)x)[i]);
    }
    nrm_optimizer_place(place, sizeof place, s->ndim, s->shape, s->first + b->first + i);
    return nrm_fail(ctx, NRM_E_NONFINITE,
                    "optimizer: step %lld: the gradient of '%s'%s is %s; every gradient must be finite: look at the loss, "
                    "lower the rate or clip (parameters and state are unchanged)",
                    NRM_LL(o->step + 1), s->name, place, value);
}

nrm_status nrm_optimizer_check_blocks(nrm_ctx *ctx, const nrm_optimizer *o, int64_t count, const nrm_optimizer_part *blocks,
                                      const void *const *gradients, int threads)
{
    int64_t bad = count;

#pragma omp parallel for schedule(static) num_threads(threads) reduction(min : bad) if (threads > 1 && count > 1)
    for (int64_t i = 0; i < count; i++) {
        const nrm_optimizer_slot *s = &o->slots[blocks[i].slot];
        if (i < bad && !finite(s->dtype, blocks[i].count, element(s, gradients, blocks[i].first))) bad = i;
    }
    return bad == count ? NRM_OK : refuse(ctx, o, &blocks[bad], gradients);
}

/* The sums of the squares of unit g, block by block; and of them all. */
static double squares_of(const nrm_optimizer *o, const void *const *gradients, double unit, int threads)
{
    double sum = 0;

#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t i = 0; i < o->block_count; i++) {
        const nrm_optimizer_part *b = &o->blocks[i];
        const nrm_optimizer_slot *s = &o->slots[b->slot];
        o->squares[i] = nrm_square_sum(s->dtype, b->count, unit, element(s, gradients, b->first));
    }
    for (int64_t i = 0; i < o->block_count; i++) sum += o->squares[i];
    return sum;
}

/* The norm over all ranks, as nrm_clip_gradients measures it, from squares of the gradients
 * that are there already and, should they leave the range, once more in another unit. */
static nrm_status norm_of_all(nrm_ctx *ctx, const nrm_optimizer *o, const void *const *gradients, int threads, double *norm)
{
    double unit = 1, squares;

    NRM_TRY(nrm_share_sum_squares(ctx, o, &squares));
    if (!isfinite(squares)) unit = 0x1p-600;
    else if (squares < 1e-280) unit = 0x1p600;
    if (unit != 1) {
        squares_of(o, gradients, unit, threads);
        NRM_TRY(nrm_share_sum_squares(ctx, o, &squares));
    }
    *norm = sqrt(squares) / unit;
    return NRM_OK;
}

/* By slots: of a split tensor every block is looked at. */
static nrm_status check_pointers(nrm_ctx *ctx, const nrm_optimizer *o, void *const *parameters,
                                 const void *const *gradients)
{
    for (int64_t i = 0; i < o->slot_count; i++) {
        const nrm_optimizer_slot *s = &o->slots[i];
        const size_t bytes = (size_t)(s->first + s->count) * nrm_dtype_size(s->dtype);
        NRM_REQUIRE(ctx, s->count == 0 || (parameters[s->tensor] && gradients[s->tensor]), NRM_E_NULL,
                    "optimizer: the %s of '%s' is NULL; it must point to its values",
                    parameters[s->tensor] ? "gradient" : "parameter", s->name);
        NRM_REQUIRE(ctx, !nrm_overlap(parameters[s->tensor], bytes, gradients[s->tensor], bytes), NRM_E_ALIAS,
                    "optimizer: '%s' overlaps its gradient; they must be different memory", s->name);
    }
    return NRM_OK;
}

/* A slot from element `first` on. */
static nrm_rule_piece piece_at(nrm_optimizer *o, int64_t slot, int64_t first, void *const *parameters,
                               const void *const *gradients)
{
    nrm_optimizer_slot *s = &o->slots[slot];
    const nrm_optimizer_member *g = &o->groups[s->group];
    nrm_rule_piece p = {.dtype = s->dtype, .options = &g->options, .factors = g->factors, .threads = 1, .t = o->step,
                        .number = slot, .constant = s->constant, .remark = &s->remark,
                        .parameter = mutable_element(s, parameters, first), .gradient = element(s, gradients, first)};

    for (int k = 0; k < NRM_RULE_STATES && s->state[k]; k++)
        p.state[k] = (unsigned char *)s->state[k] + (first - s->held_first) * (int64_t)nrm_dtype_size(s->dtype);
    return p;
}

/* Elementwise rules: their arrays of state are as the tensor. */
static void update_blocks(nrm_optimizer *o, void *const *parameters, const void *const *gradients, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t i = 0; i < o->block_count; i++) {
        const nrm_optimizer_part *b = &o->blocks[i];
        const nrm_rule *rule = o->groups[o->slots[b->slot].group].rule;
        if (rule->matrix) continue;
        nrm_rule_piece p = piece_at(o, b->slot, b->first, parameters, gradients);
        p.n = b->count;
        rule->update(&p);
    }
}

static void update_matrix(nrm_optimizer *o, int64_t slot, void *const *parameters, const void *const *gradients, int threads,
                          void *work)
{
    const nrm_optimizer_slot *s = &o->slots[slot];
    nrm_rule_piece p = piece_at(o, slot, 0, parameters, gradients);

    p.n = s->count, p.rows = s->rows, p.cols = s->cols;
    p.threads = threads, p.work = work;
    o->groups[s->group].rule->update(&p);
}

static void update_matrices(nrm_optimizer *o, void *const *parameters, const void *const *gradients, int threads)
{
    const int teams = (int)nrm_min_i64(nrm_min_i64(threads, o->threads), nrm_max_i64(1, o->small_count));

#pragma omp parallel for schedule(dynamic, 1) num_threads(teams) if (teams > 1)
    for (int64_t i = 0; i < o->small_count; i++)
        update_matrix(o, o->small[i], parameters, gradients, 1, o->work + omp_get_thread_num() * o->small_work);
    for (int64_t i = 0; i < o->large_count; i++) update_matrix(o, o->large[i], parameters, gradients, threads, o->work);
}

/* What rules had to say, once for each matrix. */
static void log_remarks(nrm_ctx *ctx, nrm_optimizer *o)
{
    for (int64_t i = 0; i < o->slot_count; i++) {
        nrm_optimizer_slot *s = &o->slots[i];
        if (s->remark && !s->remarked)
            nrm_warn(ctx, "%s: '%s': %s", o->groups[s->group].rule->method->name, s->name, s->remark);
        s->remarked = s->remarked || s->remark;
        s->remark = NULL;
    }
}

nrm_status nrm_optimizer_check_step(nrm_ctx *ctx, const nrm_optimizer *o, void *const *parameters,
                                    const void *const *gradients, double factor)
{
    NRM_REQUIRE(ctx, (parameters && gradients) || o->slot_count == 0, NRM_E_NULL,
                "optimizer: optimizer, parameters and gradients must not be NULL");
    NRM_REQUIRE(ctx, factor >= 0 && isfinite(factor), NRM_E_RANGE,
                "optimizer: the factor of the rate is %g; it must be finite and at least 0", factor);
    NRM_REQUIRE(ctx, o->step < INT64_MAX, NRM_E_OVERFLOW, "optimizer: too many steps");
    NRM_TRY(check_pointers(ctx, o, parameters, gradients));
    NRM_REQUIRE(ctx, !nrm_cancelled(ctx), NRM_E_CANCELLED, "optimizer: stopped before step %lld", NRM_LL(o->step + 1));
    return NRM_OK;
}

/* Gradients that are not finite; where they are measured, the pass that does it tells whether
 * there may be any. */
static nrm_status look(nrm_ctx *ctx, const nrm_optimizer *o, void *const *parameters, const void *const *gradients,
                       double factor, bool measured, int threads)
{
    NRM_TRY(nrm_optimizer_check_step(ctx, o, parameters, gradients, factor));
    if (measured && isfinite(squares_of(o, gradients, 1, threads))) return NRM_OK;
    return nrm_optimizer_check_blocks(ctx, o, o->block_count, o->blocks, gradients, threads);
}

/* Threads for passes over what this rank holds. */
static int pass_threads(const nrm_ctx *ctx, const nrm_optimizer *o)
{
    int64_t elements = 0;
    for (int64_t i = 0; i < o->slot_count; i++) elements += o->slots[i].held;
    return elements < WORTH_THREADS ? 1 : nrm_threads(ctx);
}

nrm_status nrm_optimizer_check(nrm_ctx *ctx, nrm_optimizer *o, void *const *parameters, const void *const *gradients, double factor)
{
    NRM_REQUIRE(ctx, o, NRM_E_NULL, "optimizer: optimizer, parameters and gradients must not be NULL");
    return nrm_comm_agree(ctx, o->comm, look(ctx, o, parameters, gradients, factor, false, pass_threads(ctx, o)));
}

/* max_norm 0: do not measure. */
static nrm_status take_step(nrm_ctx *ctx, nrm_optimizer *o, void *const *parameters, const void *const *gradients,
                            double factor, double max_norm, double *norm)
{
    nrm_rule_moment now = {.factor = factor, .clip = 1};
    double found = 0;

    NRM_REQUIRE(ctx, o, NRM_E_NULL, "optimizer: optimizer, parameters and gradients must not be NULL");
    const int threads = nrm_threads(ctx), passes = pass_threads(ctx, o);
    NRM_TRY(nrm_comm_agree(ctx, o->comm, look(ctx, o, parameters, gradients, factor, max_norm > 0, passes)));
    if (max_norm > 0) NRM_TRY(norm_of_all(ctx, o, gradients, passes, &found));

    if (norm) *norm = found;
    if (found > max_norm) now.clip = max_norm / found;
    now.t = ++o->step;
    for (int i = 0; i < o->group_count; i++)
        o->groups[i].rule->factors(&o->groups[i].options, &now, o->groups[i].factors);
    update_blocks(o, parameters, gradients, passes);
    update_matrices(o, parameters, gradients, threads);
    log_remarks(ctx, o);
    return nrm_share_spread(ctx, o, parameters);
}

nrm_status nrm_optimizer_step(nrm_ctx *ctx, nrm_optimizer *o, void *const *parameters, const void *const *gradients,
                              double factor)
{
    return take_step(ctx, o, parameters, gradients, factor, 0, NULL);
}

nrm_status nrm_optimizer_step_clipped(nrm_ctx *ctx, nrm_optimizer *o, void *const *parameters,
                                      const void *const *gradients, double factor, double max_norm, double *norm)
{
    NRM_REQUIRE(ctx, max_norm > 0, NRM_E_RANGE,
                "optimizer: max_norm is %g; it must be > 0: use INFINITY to measure alone", max_norm);
    return take_step(ctx, o, parameters, gradients, factor, max_norm, norm);
}

int64_t nrm_optimizer_steps(const nrm_optimizer *o) { return o ? o->step : 0; }
