/* scan_typed.h -- scans for one type: REAL, T(name).  Part of op_scan.c.  A scan sees its array
 * as (outer, count, inner); a piece of `inner` goes through the axis row by row. */

/* One number a row: it stays in a register. */
static void T(cumulate_one)(const scan *s, const REAL *x, REAL *y)
{
    double sum = 0;
    for (int64_t i = 0; i < s->count; i++) {
        const int64_t at = s->reverse ? s->count - 1 - i : i;
        const double before = sum;
        sum += (double)x[at];
        y[at] = (REAL)(s->exclusive ? before : sum);
    }
}

static void T(recur_one)(const scan *s, const REAL *a, const REAL *b, REAL *h)
{
    REAL value = 0;
    for (int64_t i = 0; i < s->count; i++) {
        const int64_t at = s->reverse ? s->count - 1 - i : i;
        value = i == 0 ? b[at] : a[at] * value + b[at];
        h[at] = value;
    }
}

static void T(cumulate)(const scan *s, const REAL *x, REAL *y, int64_t n, int64_t inner)
{
    double sum[PIECE] = {0};
    for (int64_t i = 0; i < s->count; i++) {
        const int64_t at = (s->reverse ? s->count - 1 - i : i) * inner;
        if (s->exclusive)
            for (int64_t j = 0; j < n; j++) y[at + j] = (REAL)sum[j];
        for (int64_t j = 0; j < n; j++) sum[j] += (double)x[at + j];
        if (!s->exclusive)
            for (int64_t j = 0; j < n; j++) y[at + j] = (REAL)sum[j];
    }
}

/* The first row is b's: what a says of it multiplies nothing. */
static void T(recur)(const scan *s, const REAL *a, const REAL *b, REAL *h, int64_t n, int64_t inner)
{
    const int64_t step = s->reverse ? -inner : inner;
    int64_t at = s->reverse ? (s->count - 1) * inner : 0;
    if (s->count > 0) memcpy(h + at, b + at, (size_t)n * sizeof *h);
    for (int64_t i = 1; i < s->count; i++) {
        const REAL *before = h + at;
        at += step;
        REAL *restrict to = h + at;
        for (int64_t j = 0; j < n; j++) to[j] = a[at + j] * before[j] + b[at + j];
    }
}

static void T(run_scan)(const nrm_op_run *r)
{
    const scan s = scan_of(r->node);
    const int64_t pieces = (s.inner + PIECE - 1) / PIECE;
    const REAL *a = r->in[0], *b = r->node->input_count > 1 ? r->in[1] : NULL;
    REAL *y = r->out;
#pragma omp parallel for num_threads(r->threads) schedule(static) if (s.outer * s.count * s.inner > ENOUGH)
    for (int64_t p = 0; p < s.outer * pieces; p++) {
        const int64_t column = p % pieces * PIECE, at = p / pieces * s.count * s.inner + column, n = nrm_min_i64(PIECE, s.inner - column);
        if (b && s.inner == 1) T(recur_one)(&s, a + at, b + at, y + at);
        else if (b) T(recur)(&s, a + at, b + at, y + at, n, s.inner);
        else if (s.inner == 1) T(cumulate_one)(&s, a + at, y + at);
        else T(cumulate)(&s, a + at, y + at, n, s.inner);
    }
}
