/* newton_schulz_typed.h -- the body of newton_schulz.c, included once for each REAL, with
 * TYPED(name) and CBLAS(name).  No include guard on purpose. */

enum { TYPED(TILE) = 32 };

/* (1): x, transposed if tall, into `to` (s x l) as unit x / divisor. */
static void TYPED(load)(int64_t m, int64_t n, const REAL *x, int64_t ld, REAL *to, double unit, double divisor)
{
    const bool tall = m > n;
    for (int64_t top = 0; top < m; top += TYPED(TILE))
        for (int64_t left = 0; left < n; left += TYPED(TILE))
            for (int64_t i = top; i < nrm_min_i64(top + TYPED(TILE), m); i++)
                for (int64_t j = left; j < nrm_min_i64(left + TYPED(TILE), n); j++)
                    to[tall ? j * m + i : i * n + j] = (REAL)(unit * (double)x[i * ld + j] / divisor);
}

static void TYPED(store)(int64_t m, int64_t n, const REAL *from, REAL *x, int64_t ld)
{
    const bool tall = m > n;
    for (int64_t top = 0; top < m; top += TYPED(TILE))
        for (int64_t left = 0; left < n; left += TYPED(TILE))
            for (int64_t i = top; i < nrm_min_i64(top + TYPED(TILE), m); i++)
                for (int64_t j = left; j < nrm_min_i64(left + TYPED(TILE), n); j++)
                    x[i * ld + j] = from[tall ? j * m + i : i * n + j];
}

/* unit |x|_F in f64, rows joined in order. */
static double TYPED(frobenius)(int64_t m, int64_t n, const REAL *x, int64_t ld, double unit)
{
    double sum = 0;
    for (int64_t i = 0; i < m; i++) {
        double row = 0;
        for (int64_t j = 0; j < n; j++) {
            const double value = unit * (double)x[i * ld + j];
            row += value * value;
        }
        sum += row;
    }
    return sqrt(sum);
}

/* gram = x x', both triangles. */
static nrm_status TYPED(gram)(const place *at, int64_t s, int64_t l, const REAL *x, REAL *gram)
{
    const int64_t width = panel_width(s);
    for (int64_t j = 0; j < l; j += width) {
        NRM_TRY(check_cancel(at));
        CBLAS(syrk)(CblasRowMajor, CblasLower, CblasNoTrans, (int)s, (int)nrm_min_i64(width, l - j), 1, x + j,
                    (int)l, j > 0, gram, (int)s);
    }
    for (int64_t i = 0; i < s; i++)
        for (int64_t j = 0; j < i; j++) gram[j * s + i] = gram[i * s + j];
    return NRM_OK;
}

/* One step of (2): `next` from x; gram and square are s x s. */
static nrm_status TYPED(step)(const place *at, int64_t s, int64_t l, nrm_quintic q, const REAL *x, REAL *next,
                              REAL *gram, REAL *square)
{
    const int64_t width = panel_width(s);

    NRM_TRY(TYPED(gram)(at, s, l, x, gram));
    if (q.c != 0) NRM_TRY(TYPED(gram)(at, s, s, gram, square));
    for (int64_t i = 0; i < s * s; i++) {
        const REAL quartic = q.c != 0 ? (REAL)q.c * square[i] : 0;
        gram[i] = (REAL)q.b * gram[i] + quartic;
    }
    for (int64_t i = 0; i < s * l; i++) next[i] = x[i];
    for (int64_t j = 0; j < l; j += width) {
        NRM_TRY(check_cancel(at));
        CBLAS(symm)(CblasRowMajor, CblasLeft, CblasLower, (int)s, (int)nrm_min_i64(width, l - j), 1, gram, (int)s,
                    x + j, (int)l, (REAL)q.a, next + j, (int)l);
    }
    return NRM_OK;
}

/* |gram - I|_F / sqrt(s) */
static double TYPED(residual)(int64_t s, const REAL *gram)
{
    double sum = 0;
    for (int64_t i = 0; i < s; i++)
        for (int64_t j = 0; j < s; j++) {
            const double off = (double)gram[i * s + j] - (i == j);
            sum += off * off;
        }
    return sqrt(sum / (double)s);
}

static nrm_status TYPED(run)(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, REAL *x, int64_t ld,
                             const nrm_newton_schulz_set *set, int steps, double *residual)
{
    const int64_t s = nrm_min_i64(m, n), l = nrm_max_i64(m, n);
    place at = {ctx, who, steps, steps};
    nrm_arena arena = {0};
    nrm_status st = NRM_OK;

    NRM_TRY(TYPED(nrm_check)(ctx, who, "the matrix", 1, m, n, x, ld));
    const int x_slot = nrm_arena_add(&arena, s * l, sizeof(REAL));
    const int next_slot = nrm_arena_add(&arena, s * l, sizeof(REAL));
    const int gram_slot = nrm_arena_add(&arena, s * s, sizeof(REAL));
    const int square_slot = nrm_arena_add(&arena, s * s, sizeof(REAL));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, who));
    REAL *now = nrm_arena_at(&arena, x_slot), *next = nrm_arena_at(&arena, next_slot);
    REAL *gram = nrm_arena_at(&arena, gram_slot), *square = nrm_arena_at(&arena, square_slot);
    const nrm_blas_scope scope = nrm_blas_enter(ctx);

    /* Squares of f64 beyond 1e154 or below 1e-154 are out of range: go by 2^-600, 2^600. */
    double unit = 1, norm = TYPED(frobenius)(m, n, x, ld, 1);
    if (!isfinite(norm)) unit = 0x1p-600;
    else if (norm < 1e-140) unit = 0x1p600;
    if (unit != 1) norm = TYPED(frobenius)(m, n, x, ld, unit);
    TYPED(load)(m, n, x, ld, now, unit, set->safety * norm + set->eps * unit);

    for (int k = 0; k < steps; k++) {
        at.step = k;
        const nrm_quintic q = set->step[k < set->step_count ? k : set->step_count - 1];
        NRM_TRY_DONE(TYPED(step)(&at, s, l, q, now, next, gram, square));
        REAL *swapped = now;
        now = next;
        next = swapped;
    }
    int64_t row, col;
    NRM_STOP_IF(!TYPED(nrm_finite)(s, l, now, l, &row, &col), NRM_E_OVERFLOW, "%s: Newton-Schulz with the "
                "coefficients %s overflows after %d steps; take fewer", who, set->name, steps);
    if (residual) {
        NRM_TRY_DONE(TYPED(gram)(&at, s, l, now, gram));
        *residual = TYPED(residual)(s, gram);
    }
    TYPED(store)(m, n, now, x, ld);
done:
    nrm_blas_leave(scope);
    nrm_arena_free(ctx, &arena);
    return st;
}
