/* attention_typed.h -- the loops of op_attention.c for REAL, T(name) = name_f32 or name_f64,
 * T2(name, rest) = name_f32_rest. */

/* One thread's place of work.  A head's factors are packed once (kernel/matmul.h), then rows
 * of queries go through, a register block at a time. */
typedef struct T(bench) {
    const T(nrm_matmul_kernel) *product;
    const T(nrm_elementwise) *rows;
    int64_t height, width; /* of a register block */
    int64_t block;         /* query rows whose weights are held: a multiple of height */
    int64_t ld;            /* of weights and slopes, block x t */
    REAL *weights, *slopes;
    REAL *keys, *values;   /* k' (d x t); v (t x d) forwards, v' (d x t) backwards */
    REAL *key_rows;        /* k (t x d) */
    REAL *queries, *above; /* q, u (block x d) */
    int64_t size;          /* of all, in elements */
} T(bench);

static REAL *T(take)(T(bench) *b, REAL *work, int64_t count)
{
    REAL *part = work ? work + b->size : NULL;
    b->size += round_up(count, LINE);
    return part;
}

/* work NULL: to know the size.  The rows of weights are an odd number of cache lines apart,
 * so that columns do not meet in a few sets of the first cache. */
static T(bench) T(lay_out)(const attention *q, bool backward, REAL *work)
{
    const nrm_isa isa = nrm_cpu_isa();
    T(bench) b = {.product = T2(nrm_matmul_kernel, for)(isa), .rows = T2(nrm_elementwise, for)(isa)};
    const int64_t wide = round_up(q->t, NRM_MATMUL_MOST_WIDTH), deep = round_up(q->d, NRM_MATMUL_MOST_WIDTH);
    b.height = b.product->rows;
    b.width = b.product->width;
    b.block = backward ? BLOCK : b.height;
    b.ld = wide + NRM_ELEMENTWISE_ROOM;
    b.weights = T(take)(&b, work, b.block * b.ld);
    b.keys = T(take)(&b, work, wide * q->d);
    b.values = T(take)(&b, work, backward ? wide * q->d : deep * q->t);
    if (!backward) return b;
    b.slopes = T(take)(&b, work, b.block * b.ld);
    b.key_rows = T(take)(&b, work, deep * q->t);
    b.queries = T(take)(&b, work, deep * b.block);
    b.above = T(take)(&b, work, deep * b.block);
    return b;
}

/* to = m rows of x times the packed y' (d x t): its first `seen` columns, rounded up to whole panels. */
static void T(inner)(const attention *q, const T(bench) *b, int64_t m, int64_t seen, const REAL *x, int64_t x_row, const REAL *y, REAL *to)
{
    const T(nrm_matmul_rows) rows = {.m = m, .n = round_up(seen, b->width), .k = q->d, .a = x, .a_row = x_row, .a_column = 1,
                                     .b = y, .b_panel = q->d * b->width, .c = to, .ldc = b->ld};
    T(nrm_matmul_rows_run)(b->product, &rows);
}

/* softmax(scale q k') of query rows i .. i + m - 1, zeros from what a row sees to whole vectors. */
static void T(weigh)(const attention *q, const T(bench) *b, int64_t i, int64_t m, const REAL *queries, REAL *to)
{
    const int64_t seen = q->causal ? i + m : q->t, room = round_up(seen, NRM_ELEMENTWISE_ROOM);
    T(inner)(q, b, m, seen, queries + i * q->step, q->step, b->keys, to);
    b->rows->softmax((int)m, q->causal ? i + 1 : q->t, q->causal, room, (REAL)q->scale, to, b->ld);
}

/* Rows first .. end - 1 of one head. */
static void T(forward_rows)(const attention *q, const T(bench) *b, const REAL *x, REAL *y, int64_t first, int64_t end)
{
    const int64_t part = q->heads * q->d, all = q->causal ? end : q->t;
    T(nrm_matmul_pack)(b->product, all, q->d, x + part, 1, q->step, b->keys);
    T(nrm_matmul_pack)(b->product, q->d, all, x + 2 * part, q->step, 1, b->values);
    for (int64_t i = first; i < end; i += b->height) {
        const int64_t m = nrm_min_i64(b->height, end - i);
        T(weigh)(q, b, i, m, x, b->weights);
        const T(nrm_matmul_rows) rows = {.m = m, .n = q->d, .k = q->causal ? i + m : q->t, .a = b->weights, .a_row = b->ld, .a_column = 1,
                                         .b = b->values, .b_panel = all * b->width, .c = y + i * part, .ldc = part};
        T(nrm_matmul_rows_run)(b->product, &rows);
    }
}

static void T(forward)(const nrm_op_run *r)
{
    const attention q = attention_of(r);
    const int64_t each = T(lay_out)(&q, false, NULL).size, all = q.batch * q.heads;
    const int64_t piece = all >= 2 * r->threads ? q.t : PIECE, pieces = (q.t + piece - 1) / piece;
#pragma omp parallel for num_threads(r->threads) schedule(dynamic) if (nrm_elements(r->node) * q.t > SMALL)
    for (int64_t p = 0; p < all * pieces; p++) {
        const T(bench) b = T(lay_out)(&q, false, (REAL *)r->work + omp_get_thread_num() * each);
        const int64_t batch = p / pieces / q.heads, head = p / pieces % q.heads, first = p % pieces * piece;
        T(forward_rows)(&q, &b, (const REAL *)r->in[0] + batch * q.t * q.step + head * q.d,
                        (REAL *)r->out + (batch * q.t * q.heads + head) * q.d, first, nrm_min_i64(first + piece, q.t));
    }
}

/* to (t x d) = or += x' y: x (block x t) as weights lie, y packed (count x d), query rows i0 .. i0 + count - 1.
 * Row j of the result is reached from queries j on. */
static void T(outer)(const attention *q, const T(bench) *b, int64_t i0, int64_t count, const REAL *x, const REAL *y, REAL *to)
{
    const int64_t columns = q->causal ? i0 + count : q->t;
    for (int64_t j = 0; j < columns; j += b->height) {
        const int64_t skip = q->causal && j > i0 ? j - i0 : 0;
        const T(nrm_matmul_rows) rows = {.m = nrm_min_i64(b->height, columns - j), .n = q->d, .k = count - skip, .a = x + skip * b->ld + j,
                                         .a_row = 1, .a_column = b->ld, .b = y + skip * b->width, .b_panel = count * b->width,
                                         .c = to + j * q->step, .ldc = q->step, .add = q->causal ? j < i0 : i0 > 0};
        T(nrm_matmul_rows_run)(b->product, &rows);
    }
}

/* One head: x and its gradient g as qkv lies, u as the result. */
static void T(backward_head)(const attention *q, const T(bench) *b, const REAL *x, const REAL *u, REAL *g)
{
    const int64_t part = q->heads * q->d;
    T(nrm_matmul_pack)(b->product, q->t, q->d, x + part, 1, q->step, b->keys);
    T(nrm_matmul_pack)(b->product, q->t, q->d, x + 2 * part, 1, q->step, b->values);
    T(nrm_matmul_pack)(b->product, q->d, q->t, x + part, q->step, 1, b->key_rows);
    for (int64_t i0 = 0; i0 < q->t; i0 += b->block) {
        const int64_t count = nrm_min_i64(b->block, q->t - i0);
        for (int64_t i = i0; i < i0 + count; i += b->height) {
            const int64_t m = nrm_min_i64(b->height, i0 + count - i), seen = q->causal ? i + m : q->t;
            REAL *weights = b->weights + (i - i0) * b->ld, *slopes = b->slopes + (i - i0) * b->ld;
            T(weigh)(q, b, i, m, x, weights);
            T(inner)(q, b, m, seen, u + i * part, part, b->values, slopes);
            b->rows->softmax_slope((int)m, q->causal ? i + 1 : q->t, q->causal, round_up(seen, NRM_ELEMENTWISE_ROOM), (REAL)q->scale,
                                   weights, slopes, b->ld);
            const T(nrm_matmul_rows) rows = {.m = m, .n = q->d, .k = seen, .a = slopes, .a_row = b->ld, .a_column = 1, .b = b->key_rows,
                                             .b_panel = q->t * b->width, .c = g + i * q->step, .ldc = q->step};
            T(nrm_matmul_rows_run)(b->product, &rows);
        }
        T(nrm_matmul_pack)(b->product, q->d, count, x + i0 * q->step, q->step, 1, b->queries);
        T(nrm_matmul_pack)(b->product, q->d, count, u + i0 * part, part, 1, b->above);
        T(outer)(q, b, i0, count, b->slopes, b->queries, g + part);
        T(outer)(q, b, i0, count, b->weights, b->above, g + 2 * part);
    }
}

static void T(backward)(const nrm_op_run *r)
{
    const attention q = attention_of(r);
    const int64_t each = T(lay_out)(&q, true, NULL).size;
#pragma omp parallel for num_threads(r->threads) schedule(dynamic) if (nrm_elements(r->node) * q.t > SMALL)
    for (int64_t p = 0; p < q.batch * q.heads; p++) {
        const T(bench) b = T(lay_out)(&q, true, (REAL *)r->work + omp_get_thread_num() * each);
        const int64_t batch = p / q.heads, head = p % q.heads, at = batch * q.t * q.step + head * q.d;
        T(backward_head)(&q, &b, (const REAL *)r->in[0] + at, (const REAL *)r->in[1] + (batch * q.t * q.heads + head) * q.d, (REAL *)r->out + at);
    }
}
