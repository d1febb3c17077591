/* softmax_cross_entropy.h -- (6), the loss of each row and its gradient.  Part of softmax.c.
 *
 *     loss = lse - z_k,   dx_i = alpha scale (softmax_i - [i = k])
 *
 * Softmax with alpha scale folded into the factor of its last pass; then the target's own
 * element, softmax_k - 1 = expm1(-loss). */

typedef struct T(cross_entropy_task) {
    T(task) softmax;
    const int64_t *target;
    double scale, *loss;
} T(cross_entropy_task);

static bool T(cross_entropy_rows)(void *task, int64_t first, int64_t count, int slot)
{
    T(cross_entropy_task) *c = task;
    T(task) *t = &c->softmax;
    const double factor = t->plan->o.alpha * c->scale;

    for (int64_t r = first; r < first + count; r++) {
        T(job) j = T(job_of)(t, r, slot);
        const int64_t k = c->target[r];
        if (k < 0) {
            if (j.y) T(fill)(j.y, t->columns, 0);
            if (c->loss) c->loss[r] = 0;
            continue;
        }
        const double z = T(exact_z)(&j, k); /* dx may be x: read it now */
        j.factor = factor;
        j.wants_lse = true;
        if (!T(do_row)(&j)) return false;
        const double loss = j.lse - z < 0 ? 0 : j.lse - z; /* lse has the rounding of its sum */
        if (j.y) j.y[k] = (REAL)(factor * expm1(-loss));
        if (c->loss) c->loss[r] = loss;
    }
    return true;
}

nrm_status T(nrm_cross_entropy)(nrm_ctx *ctx, int64_t rows, int64_t columns, const REAL *x, int64_t ldx,
                                const int64_t *target, double scale, double *loss, REAL *dx, int64_t lddx,
                                const nrm_softmax_options *options)
{
    static const nrm_softmax_mask none = {0};
    const nrm_softmax_shape shape = {"cross-entropy", rows, columns, sizeof *x};
    nrm_softmax_plan plan;

    NRM_TRY(nrm_softmax_plan_options(ctx, shape.who, options, &plan));
    NRM_REQUIRE(ctx, !plan.o.log, NRM_E_ARGUMENT, "cross-entropy: log is set; it has no meaning here: leave it out");
    NRM_REQUIRE(ctx, isfinite(scale), NRM_E_RANGE, "cross-entropy: scale is %g; it must be finite", scale);
    NRM_TRY(nrm_softmax_check_shape(ctx, &shape));
    if (rows == 0) return NRM_OK;
    NRM_TRY(nrm_softmax_check_matrix(ctx, &shape, "x", x, ldx));
    NRM_REQUIRE(ctx, target, NRM_E_NULL, "cross-entropy: target is NULL; it must hold a column number for each row");
    NRM_REQUIRE(ctx, loss || dx, NRM_E_NULL, "cross-entropy: loss and dx are both NULL; one of them must be given");
    if (dx) NRM_TRY(nrm_softmax_check_matrix(ctx, &shape, "dx", dx, lddx));
    NRM_TRY(nrm_softmax_check_overlap(ctx, &shape, "x", x, ldx, "dx", dx, lddx));
    NRM_TRY(nrm_softmax_check_apart(ctx, &shape, "target", target, rows, sizeof *target, "dx", dx, lddx));
    NRM_TRY(nrm_softmax_check_apart(ctx, &shape, "loss", loss, rows, sizeof *loss, "x", x, ldx));
    NRM_TRY(nrm_softmax_check_apart(ctx, &shape, "loss", loss, rows, sizeof *loss, "dx", dx, lddx));
    for (int64_t r = 0; r < rows; r++)
        NRM_REQUIRE(ctx, target[r] < columns, NRM_E_RANGE,
                    "cross-entropy: the target of row %lld is %lld; it must be below the %lld columns (negative: row "
                    "ignored)", NRM_LL(r), NRM_LL(target[r]), NRM_LL(columns));

    nrm_softmax_plan_passes(&plan, &shape, (const void *)x == (const void *)dx, dx != NULL);
    nrm_softmax_work work = nrm_softmax_divide(ctx, shape.who, rows, columns, plan.o.block);
    T(cross_entropy_task) task = {
        .softmax = {.plan = &plan, .work = &work, .k = T(kernels)(plan.isa), .mask = &none, .x = x, .y = dx,
                    .ldx = ldx, .ldy = lddx, .columns = columns},
        .target = target, .scale = scale, .loss = loss};
    return T(run_task)(ctx, &task.softmax, 1, T(cross_entropy_rows), &task);
}
