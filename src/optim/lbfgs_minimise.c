/* lbfgs_minimise.c -- L-BFGS over a list of tensors.  Contract: norma/optim.h; the method
 * itself: linalg/lbfgs.h.  The tensors are laid end to end, and the caller's objective is
 * given pointers into that. */
#include "linalg/lbfgs.h"
#include "optim.h"

typedef nrm_lbfgs_minimise_options nrm_this_options;
static const nrm_param params[] = {NRM_LBFGS_MINIMISE_OPTIONS(NRM_PARAM)};
static const nrm_method lbfgs_method = {.name = "lbfgs", .summary = "limited-memory BFGS", .params = params,
                                        .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

typedef struct tensor_list {
    int64_t count;
    const int64_t *sizes;
    const double **at;     /* of the point that is asked about */
    double **gradient;
    nrm_lbfgs_objective_fn objective;
    void *user;
} tensor_list;

static nrm_status evaluate(nrm_ctx *ctx, void *user, const double *x, double *value, double *gradient)
{
    const tensor_list *l = user;

    for (int64_t i = 0; i < l->count; i++) {
        l->at[i] = x;
        l->gradient[i] = gradient;
        x += l->sizes[i];
        gradient += l->sizes[i];
    }
    return l->objective(ctx, l->user, l->at, value, l->gradient);
}

static nrm_status check(nrm_ctx *ctx, int64_t count, const int64_t *sizes, double *const *parameters,
                        nrm_lbfgs_objective_fn objective, int64_t *total)
{
    *total = 0;
    NRM_REQUIRE(ctx, objective && count >= 1 && sizes && parameters, NRM_E_NULL,
                "lbfgs: objective, sizes and parameters must not be NULL, and count (%lld) at least 1", NRM_LL(count));
    for (int64_t i = 0; i < count; i++) {
        int64_t where;
        NRM_REQUIRE(ctx, sizes[i] >= 0 && (parameters[i] || sizes[i] == 0), NRM_E_SHAPE,
                    "lbfgs: tensor %lld has %lld elements%s; give at least 0, and where they are", NRM_LL(i),
                    NRM_LL(sizes[i]), parameters[i] ? "" : " and is NULL");
        NRM_REQUIRE(ctx, nrm_add_size(*total, sizes[i], total), NRM_E_OVERFLOW,
                    "lbfgs: the tensors are more than memory can address");
        NRM_REQUIRE(ctx, nrm_all_finite_f64(parameters[i], sizes[i], &where), NRM_E_NONFINITE,
                    "lbfgs: element %lld of tensor %lld is %g; the start must be finite", NRM_LL(where), NRM_LL(i),
                    parameters[i][where]);
    }
    NRM_REQUIRE(ctx, *total >= 1, NRM_E_SHAPE, "lbfgs: the tensors have no elements; there is nothing to minimise over");
    return NRM_OK;
}

static nrm_status remark(nrm_ctx *ctx, const nrm_lbfgs_result *r, const nrm_lbfgs_options *o)
{
    if (r->end == NRM_LBFGS_CONVERGED) return NRM_OK;
    if (r->end == NRM_LBFGS_CANCELLED)
        return nrm_fail(ctx, NRM_PARTIAL, "lbfgs: stopped after %lld steps at a derivative of %g", NRM_LL(r->iterations),
                        r->residual);
    return nrm_fail(ctx, NRM_NOT_CONVERGED, "lbfgs: %s after %lld steps: the largest derivative is %g, the tolerance %g",
                    r->end == NRM_LBFGS_STALLED ? "no decrease is left" : "max_iter came", NRM_LL(r->iterations),
                    r->residual, o->tol);
}

nrm_status nrm_lbfgs_minimise(nrm_ctx *ctx, int64_t count, const int64_t *sizes, double *const *parameters,
                              nrm_lbfgs_objective_fn objective, void *user, const nrm_lbfgs_minimise_options *options,
                              nrm_lbfgs_minimise_info *info)
{
    nrm_lbfgs_minimise_options o;
    nrm_lbfgs_result r;
    nrm_arena arena = {0};
    nrm_status st;
    int64_t total;

    NRM_TRY(nrm_options_load(ctx, &lbfgs_method, options, &o));
    NRM_TRY(check(ctx, count, sizes, parameters, objective, &total));
    const int x_slot = nrm_arena_add(&arena, total, sizeof(double));
    const int at_slot = nrm_arena_add(&arena, count, sizeof(double *));
    const int gradient_slot = nrm_arena_add(&arena, count, sizeof(double *));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, "the parameters of lbfgs"));

    double *x = nrm_arena_at(&arena, x_slot), *end = x;
    tensor_list l = {count, sizes, nrm_arena_at(&arena, at_slot), nrm_arena_at(&arena, gradient_slot), objective, user};
    for (int64_t i = 0; i < count; end += sizes[i++])
        if (sizes[i]) memcpy(end, parameters[i], (size_t)sizes[i] * sizeof *end);
    nrm_lbfgs_options inner = nrm_lbfgs_options_default();
    inner.memory = o.memory, inner.max_iter = o.max_iter, inner.tol = o.tolerance, inner.first_step = o.first_step;
    inner.task = "L-BFGS";
    NRM_TRY_DONE(nrm_lbfgs(ctx, "lbfgs", total, evaluate, &l, x, &inner, &r));
    end = x;
    for (int64_t i = 0; i < count; end += sizes[i++])
        if (sizes[i]) memcpy(parameters[i], end, (size_t)sizes[i] * sizeof *end);
    if (info)
        *info = (nrm_lbfgs_minimise_info){.value = r.value, .residual = r.residual, .iterations = r.iterations,
                                          .evaluations = r.evaluations, .armijo_only = r.armijo_only,
                                          .stalled = r.end == NRM_LBFGS_STALLED};
    st = remark(ctx, &r, &inner);
done:
    nrm_arena_free(ctx, &arena);
    return st;
}
