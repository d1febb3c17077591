/* op_softmax_typed.h -- the rows of op_softmax.c for REAL and T(name) = name_f32 or name_f64. */

/* Of r and b, around a loop over the blocks b.count. */
#define PARALLEL_BLOCKS \
    _Pragma("omp parallel for num_threads(r->threads) schedule(static, 1) if (b.rows * b.columns > 2 * BLOCK)")

static void T(softmax)(const nrm_op_run *r)
{
    const T(nrm_softmax_kernels) *k = T(nrm_softmax_best)();
    const row_blocks b = blocks_of(r->node);
    const bool causal = r->node->attributes[0];
    const REAL *x = r->in[0], scale = (REAL)r->node->value;
    REAL *y = r->out;
    PARALLEL_BLOCKS
    for (int64_t p = 0; p < b.count; p++) {
        for (int64_t i = p * b.each; i < nrm_min_i64(b.rows, (p + 1) * b.each); i++) {
            const int64_t seen = causal ? i % b.columns + 1 : b.columns;
            REAL *row = y + i * b.columns;
            T(nrm_softmax_row)(k, seen, x + i * b.columns, scale, 1, row);
            if (seen < b.columns) memset(row + seen, 0, (size_t)(b.columns - seen) * sizeof *row);
        }
    }
}

static void T(log_softmax)(const nrm_op_run *r)
{
    const T(nrm_softmax_kernels) *k = T(nrm_softmax_best)();
    const row_blocks b = blocks_of(r->node);
    const REAL *x = r->in[0];
    REAL *y = r->out;
    PARALLEL_BLOCKS
    for (int64_t p = 0; p < b.count; p++) {
        for (int64_t i = p * b.each; i < nrm_min_i64(b.rows, (p + 1) * b.each); i++) {
            const T(nrm_softmax_span) row = {.x = x + i * b.columns, .n = b.columns, .alpha = 1};
            double hi, lo;
            T(nrm_softmax_row_log)(k, b.columns, row.x, 1, &hi, &lo);
            if (hi == -INFINITY) hi = 0; /* nothing in the row: -inf stays */
            const REAL first = (REAL)hi;
            k->shift(&row, y + i * b.columns, first, (REAL)(isfinite(first) ? (hi - (double)first) + lo : 0), false);
        }
    }
}

static void T(cross_entropy)(const nrm_op_run *r)
{
    const T(nrm_softmax_kernels) *k = T(nrm_softmax_best)();
    const row_blocks b = blocks_of(r->inputs[0]);
    const REAL *x = r->in[0];
    const int64_t *target = r->in[1];
    REAL *loss = r->out;
    PARALLEL_BLOCKS
    for (int64_t p = 0; p < b.count; p++) {
        for (int64_t i = p * b.each; i < nrm_min_i64(b.rows, (p + 1) * b.each); i++) {
            double hi, lo;
            loss[i] = 0;
            if (target[i] < 0) continue;
            T(nrm_softmax_row_log)(k, b.columns, x + i * b.columns, 1, &hi, &lo);
            const double z = (double)x[i * b.columns + target[i]], value = (hi - z) + lo;
            loss[i] = (REAL)(value < 0 ? 0 : z == -INFINITY && !isnan(hi) ? (double)INFINITY : value); /* the sum has its rounding */
        }
    }
}

/* softmax_target - 1 is minus the sum of the others: no digits cancel, and the row sums to 0. */
static void T(cross_entropy_slope)(const nrm_op_run *r)
{
    const T(nrm_softmax_kernels) *k = T(nrm_softmax_best)();
    const row_blocks b = blocks_of(r->node);
    const REAL *x = r->in[0], *u = r->in[2];
    const int64_t *target = r->in[1];
    REAL *y = r->out;
    PARALLEL_BLOCKS
    for (int64_t p = 0; p < b.count; p++) {
        for (int64_t i = p * b.each; i < nrm_min_i64(b.rows, (p + 1) * b.each); i++) {
            REAL *row = y + i * b.columns;
            if (target[i] < 0) {
                memset(row, 0, (size_t)b.columns * sizeof *row);
                continue;
            }
            T(nrm_softmax_row)(k, b.columns, x + i * b.columns, 1, u[i], row);
            if (isnan(row[target[i]])) continue;
            row[target[i]] = 0;
            row[target[i]] = (REAL)-k->sum(b.columns, row);
        }
    }
}

#undef PARALLEL_BLOCKS
