/* scatter.c -- contract: scatter.h.
 *
 * Nothing is sorted.  Wide rows (embeddings) are cut by columns: every thread goes through the
 * whole index and does its columns of each row, which balances however often an index
 * occurs.  Narrow ones are cut by rows of the result: every thread goes through the whole
 * index and does the rows that are its own. */
#include "scatter.h"
#include "kernel/elementwise.h"

enum {
    STRIPE = 16,  /* columns that are worth a part: no two threads then write to one line for long */
    NARROW = 8,   /* elements; fewer are put one by one */
    ENOUGH = 1 << 18, /* elements, and MORE of them for each index, that pay for threads */
    MORE = 16
};

/* One bit tells whether any is outside; only then the first is looked for. */
nrm_status nrm_check_indices(const nrm_op_run *r, int input, const char *what, int64_t bound)
{
    const int64_t *index = r->in[input], n = nrm_elements(r->inputs[input]);
    int outside = 0;
#pragma omp parallel for num_threads(r->threads) schedule(static) reduction(| : outside) if (n > ENOUGH / MORE)
    for (int64_t i = 0; i < n; i++) outside |= (index[i] < 0) | (index[i] >= bound);
    if (!outside) return NRM_OK;
    int64_t i = 0;
    while (index[i] >= 0 && index[i] < bound) i++;
    return nrm_fail(r->ctx, NRM_E_RANGE, "%s: element %lld of %s is %lld; it must be at least 0 and less than %lld",
                    nrm_op_types[r->node->op]->name, NRM_LL(i), what, NRM_LL(index[i]), NRM_LL(bound));
}

int nrm_scatter_parts(int threads, int64_t rows, int64_t width, int64_t count)
{
    if (threads < 2 || (double)count * ((double)width + MORE) < ENOUGH) return 1;
    const int64_t most = width >= 2 * STRIPE ? width / STRIPE : rows;
    return (int)nrm_max_i64(1, nrm_min_i64(threads, most));
}

nrm_scatter_part nrm_scatter_part_of(int part, int parts, int64_t rows, int64_t width)
{
    nrm_scatter_part p = {0, rows, 0, width};
    if (width >= 2 * STRIPE) {
        const int64_t stripes = width / STRIPE;
        p.column = stripes * part / parts * STRIPE;
        if (part < parts - 1) p.column_end = stripes * (part + 1) / parts * STRIPE;
    } else { /* without rows * part, which might not fit */
        const int64_t each = rows / parts, more = rows % parts;
        p.row = each * part + nrm_min_i64(part, more);
        p.row_end = p.row + each + (part < more);
    }
    return p;
}

#define SCATTER(REAL, TYPE)                                                                                         \
    static inline REAL larger_##TYPE(REAL a, REAL b) { return b > a || b != b ? b : a; } /* NaN stays */            \
    static void scatter_##TYPE(const nrm_op_run *r, nrm_scatter_part p, int64_t width, bool greatest)               \
    {                                                                                                               \
        const nrm_elementwise_##TYPE *k = nrm_elementwise_##TYPE##_for(nrm_cpu_isa());                              \
        const REAL *x = r->in[0];                                                                                   \
        const int64_t *index = r->in[1], count = nrm_elements(r->inputs[1]), n = p.column_end - p.column;           \
        REAL *y = r->out;                                                                                           \
        for (int64_t i = 0; i < count; i++) {                                                                       \
            if (index[i] < p.row || index[i] >= p.row_end) continue;                                                \
            const REAL *from = x + i * width + p.column;                                                            \
            REAL *to = y + index[i] * width + p.column;                                                             \
            if (n < NARROW)                                                                                         \
                for (int64_t j = 0; j < n; j++) to[j] = greatest ? larger_##TYPE(to[j], from[j]) : to[j] + from[j]; \
            else if (greatest) k->binary[NRM_BINARY_max](n, to, from, to);                                          \
            else k->accumulate(n, from, to);                                                                        \
        }                                                                                                           \
    }                                                                                                               \
    static void clear_##TYPE(const nrm_op_run *r, REAL value)                                                       \
    {                                                                                                               \
        enum { PIECE = 8192 };                                                                                      \
        const nrm_elementwise_##TYPE *k = nrm_elementwise_##TYPE##_for(nrm_cpu_isa());                              \
        const int64_t n = nrm_elements(r->node), pieces = (n + PIECE - 1) / PIECE;                                  \
        REAL *y = r->out;                                                                                           \
        _Pragma("omp parallel for num_threads(r->threads) schedule(static) if (pieces > 4)")                        \
        for (int64_t i = 0; i < pieces; i++) k->fill(nrm_min_i64(PIECE, n - i * PIECE), value, y + i * PIECE);      \
    }
SCATTER(float, f32)
SCATTER(double, f64)

nrm_status nrm_scatter_run(const nrm_op_run *r, bool greatest)
{
    const int64_t rows = r->node->shape[0], width = nrm_width_from(r->node, 1), count = nrm_elements(r->inputs[1]);
    const bool single = r->node->dtype == NRM_F32;
    const double none = greatest ? -INFINITY : 0;
    NRM_TRY(nrm_check_indices(r, 1, "the index", rows));
    if (single) clear_f32(r, (float)none);
    else clear_f64(r, none);
    if (width == 0) return NRM_OK;
    const int parts = nrm_scatter_parts(r->threads, rows, width, count);
#pragma omp parallel for num_threads(parts) schedule(static) if (parts > 1)
    for (int p = 0; p < parts; p++) {
        if (single) scatter_f32(r, nrm_scatter_part_of(p, parts, rows, width), width, greatest);
        else scatter_f64(r, nrm_scatter_part_of(p, parts, rows, width), width, greatest);
    }
    return NRM_OK;
}
