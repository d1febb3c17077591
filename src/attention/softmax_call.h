/* softmax_call.h -- the public forward function of one type.  Part of softmax.c. */

/* Elements that the passes of the algorithm read and write, for each one of x. */
#ifndef NRM_SOFTMAX_WORDS
#define NRM_SOFTMAX_WORDS
static double words_moved(const nrm_softmax_plan *plan, bool writes, bool short_row, bool blocks)
{
    const bool one_pass = plan->algorithm == NRM_SOFTMAX_TWO_PASS || plan->algorithm == NRM_SOFTMAX_ONLINE;
    if (!writes) return one_pass ? 1 : 2;
    if (short_row) return 2; /* x once, y once */
    switch (plan->algorithm) {
    case NRM_SOFTMAX_THREE_PASS_RECOMPUTE: return 4;
    case NRM_SOFTMAX_THREE_PASS_RELOAD: return 5;
    case NRM_SOFTMAX_BLOCK_RELOAD: return blocks && plan->in_place ? 5 : 4;
    default: return 3;
    }
}

static const char *algorithm_name(nrm_softmax_algorithm algorithm)
{
#define WORD(constant, word) word,
    static const char *const words[] = {NRM_SOFTMAX_ALGORITHMS(WORD)};
#undef WORD
    return words[algorithm];
}
#endif

nrm_status T(nrm_softmax)(nrm_ctx *ctx, int64_t rows, int64_t columns, const REAL *x, int64_t ldx,
                          const nrm_softmax_mask *mask, REAL *y, int64_t ldy, double *lse, nrm_softmax_info *info,
                          const nrm_softmax_options *options)
{
    static const nrm_softmax_mask none = {0};
    const double start = info ? nrm_now() : 0;
    const nrm_softmax_shape shape = {"softmax", rows, columns, sizeof *x};
    nrm_softmax_plan plan;

    NRM_TRY(nrm_softmax_plan_options(ctx, shape.who, options, &plan));
    NRM_TRY(nrm_softmax_check_shape(ctx, &shape));
    if (rows > 0) {
        NRM_TRY(nrm_softmax_check_matrix(ctx, &shape, "x", x, ldx));
        NRM_REQUIRE(ctx, y || lse, NRM_E_NULL, "softmax: y and lse are both NULL; one of them must be given");
        if (y) NRM_TRY(nrm_softmax_check_matrix(ctx, &shape, "y", y, ldy));
        NRM_TRY(nrm_softmax_check_mask(ctx, &shape, mask));
        NRM_TRY(nrm_softmax_check_overlap(ctx, &shape, "x", x, ldx, "y", y, ldy));
        NRM_TRY(nrm_softmax_check_mask_apart(ctx, &shape, mask, "y", y, ldy));
        NRM_TRY(nrm_softmax_check_apart(ctx, &shape, "lse", lse, rows, sizeof *lse, "x", x, ldx));
        NRM_TRY(nrm_softmax_check_apart(ctx, &shape, "lse", lse, rows, sizeof *lse, "y", y, ldy));
    }
    nrm_softmax_plan_passes(&plan, &shape, (const void *)x == (const void *)y, y != NULL);
    T(task) task = {.plan = &plan, .k = T(kernels)(plan.isa), .mask = mask ? mask : &none, .x = x, .y = y,
                    .lse = lse, .ldx = ldx, .ldy = ldy, .columns = columns};
    if (rows > 0) {
        nrm_softmax_work work = nrm_softmax_divide(ctx, shape.who, rows, columns, plan.o.block);
        task.work = &work;
        NRM_TRY(T(run_task)(ctx, &task, T(is_narrow)(&task) ? task.k->lanes : 1, T(rows), &task));
    }
    if (info) {
        const bool row_kernel = plan.short_rows && (columns <= task.k->row_most || T(is_narrow)(&task));
        const double count = (double)rows * (double)columns * (double)sizeof *x;
        *info = (nrm_softmax_info){.rows = rows, .columns = columns, .slow_rows = task.slow_rows,
                                   .algorithm = algorithm_name(plan.algorithm), .isa = nrm_isa_name(plan.isa),
                                   .nt_stores = plan.stream && plan.algorithm != NRM_SOFTMAX_THREE_PASS_RELOAD,
                                   .bytes = count * words_moved(&plan, y != NULL, row_kernel, columns > plan.o.block),
                                   .seconds = nrm_now() - start};
        info->bandwidth = info->seconds > 0 ? 1e-9 * info->bytes / info->seconds : 0;
    }
    return NRM_OK;
}
