/* newton_schulz_typed.h -- the body of newton_schulz.c, included once for each REAL, with
 * TYPED(name) and CBLAS(name).  No include guard on purpose. */

/* to = unit x / divisor, contiguous, transposed (n x m) if `turned`: square pieces, each
 * computed along its rows and written along the rows of the target. */
static void TYPED(scaled)(int64_t m, int64_t n, const REAL *x, int64_t ld, REAL *to, bool turned, double unit,
                          double divisor)
{
    REAL piece[TURN][TURN];

    if (!turned) {
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) to[i * n + j] = (REAL)(unit * (double)x[i * ld + j] / divisor);
        return;
    }
    for (int64_t top = 0; top < m; top += TURN)
        for (int64_t left = 0; left < n; left += TURN) {
            const int64_t rows = nrm_min_i64(TURN, m - top), cols = nrm_min_i64(TURN, n - left);
            for (int64_t i = 0; i < rows; i++)
                for (int64_t j = 0; j < cols; j++)
                    piece[i][j] = (REAL)(unit * (double)x[(top + i) * ld + left + j] / divisor);
            for (int64_t j = 0; j < cols; j++)
                for (int64_t i = 0; i < rows; i++) to[(left + j) * m + top + i] = piece[i][j];
        }
}

/* unit |x|_F in f64, rows joined in order, a row in lanes. */
static double TYPED(frobenius)(int64_t m, int64_t n, const REAL *x, int64_t ld, double unit)
{
    enum { LANES = 16 };
    double sum = 0;
    for (int64_t i = 0; i < m; i++) {
        double lane[LANES] = {0}, row = 0;
        int64_t j = 0;
        for (; j + LANES <= n; j += LANES)
            for (int k = 0; k < LANES; k++) {
                const double value = unit * (double)x[i * ld + j + k];
                lane[k] += value * value;
            }
        for (int k = 0; j < n; j++, k++) {
            const double value = unit * (double)x[i * ld + j];
            lane[k] += value * value;
        }
        for (int k = 0; k < LANES; k++) row += lane[k];
        sum += row;
    }
    return sqrt(sum);
}

/* The rows x cols piece of a (s x s) at (top, left), on or below the diagonal, to its mirror
 * image.  By way of a copy: columns of a matrix whose rows are 2^k long fall into few sets of
 * the cache. */
static void TYPED(mirror)(int64_t s, int64_t top, int64_t left, int64_t rows, int64_t cols, REAL *a)
{
    REAL piece[TURN][TURN];

    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++) piece[j][i] = a[(top + i) * s + left + j];
    for (int64_t j = 0; j < cols; j++)
        for (int64_t i = top == left ? j + 1 : 0; i < rows; i++) a[(left + j) * s + top + i] = piece[j][i];
}

/* The tile of `out` (s x s) at (top, left), and its mirror image. */
static void TYPED(product_tile)(int64_t s, int64_t depth, const REAL *a, const REAL *b, REAL alpha, REAL beta,
                                int64_t top, int64_t left, REAL *out)
{
    const int64_t rows = nrm_min_i64(TILE, s - top), cols = nrm_min_i64(TILE, s - left);

    if (top == left && a == b)
        CBLAS(syrk)(CblasRowMajor, CblasLower, CblasNoTrans, (int)rows, (int)depth, alpha, a + top * depth, (int)depth,
                    beta, out + top * s + left, (int)s);
    else
        CBLAS(gemm)(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)cols, (int)depth, alpha, a + top * depth,
                    (int)depth, b + left * depth, (int)depth, beta, out + top * s + left, (int)s);
    for (int64_t i = top; i < top + rows; i += TURN)
        for (int64_t j = left; j < left + cols && j <= i; j += TURN)
            TYPED(mirror)(s, i, j, nrm_min_i64(TURN, top + rows - i), nrm_min_i64(TURN, left + cols - j), out);
}

/* out (s x s) = alpha a b' + beta out for a product known to be symmetric; a, b: s x depth.
 * False: stopped. */
static bool TYPED(lower_product)(const place *at, int64_t s, int64_t depth, const REAL *a, const REAL *b, REAL alpha,
                                 REAL beta, REAL *out)
{
    const int64_t side = tiles(s), count = side * (side + 1) / 2;
    bool stop = false;

#pragma omp parallel for schedule(dynamic, 1) num_threads(at->threads) if (at->threads > 1 && count > 1)
    for (int64_t t = 0; t < count; t++) {
        int64_t top, left;
        if (stopped(at, &stop)) continue;
        lower_tile(t, &top, &left);
        TYPED(product_tile)(s, depth, a, b, alpha, beta, top, left, out);
    }
    return !stop;
}

/* z = a I + b gram + c gram^2 */
static bool TYPED(polynomial)(const place *at, int64_t s, nrm_quintic q, const REAL *gram, REAL *z)
{
    bool done = true;

    if (q.c != 0) {
        memcpy(z, gram, (size_t)(s * s) * sizeof *z);
        done = TYPED(lower_product)(at, s, s, gram, gram, (REAL)q.c, (REAL)q.b, z);
    } else {
        for (int64_t i = 0; i < s * s; i++) z[i] = (REAL)q.b * gram[i];
    }
    for (int64_t i = 0; i < s; i++) z[i * s + i] += (REAL)q.a;
    return done;
}

/* next = z x; z: s x s, x: s x l. */
static bool TYPED(apply)(const place *at, int64_t s, int64_t l, const REAL *z, const REAL *x, REAL *next)
{
    const int64_t across = tiles(l), count = tiles(s) * across;
    bool stop = false;

#pragma omp parallel for schedule(dynamic, 1) num_threads(at->threads) if (at->threads > 1 && count > 1)
    for (int64_t t = 0; t < count; t++) {
        const int64_t top = t / across * TILE, left = t % across * TILE;
        if (stopped(at, &stop)) continue;
        CBLAS(gemm)(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)nrm_min_i64(TILE, s - top),
                    (int)nrm_min_i64(TILE, l - left), (int)s, 1, z + top * s, (int)s, x + left, (int)l, 0,
                    next + top * l + left, (int)l);
    }
    return !stop;
}

static void TYPED(exchange)(REAL **a, REAL **b)
{
    REAL *kept = *a;
    *a = *b;
    *b = kept;
}

/* (2), all steps; *x and *next change places.  square: 2 s^2. */
static bool TYPED(plain)(place *at, int64_t s, int64_t l, const nrm_newton_schulz_set *set, REAL **x, REAL **next,
                         REAL *square)
{
    REAL *gram = square, *z = square + s * s;

    for (at->step = 0; at->step < at->steps; at->step++) {
        if (!TYPED(lower_product)(at, s, l, *x, *x, 1, 0, gram) ||
            !TYPED(polynomial)(at, s, coefficients(set, at->step), gram, z) ||
            !TYPED(apply)(at, s, l, z, *x, *next))
            return false;
        TYPED(exchange)(x, next);
    }
    return true;
}

/* (3), all steps, in phases that begin with R = X X' and end with X <- Q X.  square: 4 s^2. */
static bool TYPED(gram_steps)(place *at, int64_t s, int64_t l, const nrm_newton_schulz_set *set, REAL **x, REAL **next,
                              REAL *square)
{
    REAL *r = square, *z = r + s * s, *q = z + s * s, *t = q + s * s;

    for (at->step = 0; at->step < at->steps;) {
        const int end = at->steps - at->step < PHASE ? at->steps : at->step + PHASE;
        if (!TYPED(lower_product)(at, s, l, *x, *x, 1, 0, r)) return false;
        for (bool first = true; at->step < end; at->step++, first = false) {
            if (!TYPED(polynomial)(at, s, coefficients(set, at->step), r, first ? q : z)) return false;
            if (!first) {
                if (!TYPED(lower_product)(at, s, s, z, q, 1, 0, t)) return false;
                TYPED(exchange)(&q, &t);
            }
            if (at->step + 1 == end) continue;
            const REAL *factor = first ? q : z;
            if (!TYPED(lower_product)(at, s, s, factor, r, 1, 0, t) ||
                !TYPED(lower_product)(at, s, s, t, factor, 1, 0, r))
                return false;
        }
        if (!TYPED(apply)(at, s, l, q, *x, *next)) return false;
        TYPED(exchange)(x, next);
    }
    return true;
}

/* G in work[0 .. m n), m x n, becomes the result in s x l form at *x, the other buffer at
 * *other.  False: stopped. */
static bool TYPED(iterate)(place *at, int64_t m, int64_t n, REAL *work, const nrm_newton_schulz_set *set, REAL **x,
                           REAL **other)
{
    const int64_t s = nrm_min_i64(m, n), l = nrm_max_i64(m, n);
    REAL *square = work + 2 * s * l;

    *x = work + s * l, *other = work;
    /* Squares of f64 beyond 1e154 or below 1e-154 are out of range: go by 2^-600, 2^600. */
    double unit = 1, norm = TYPED(frobenius)(m, n, work, n, 1);
    if (!isfinite(norm)) unit = 0x1p-600;
    else if (norm < 1e-140) unit = 0x1p600;
    if (unit != 1) norm = TYPED(frobenius)(m, n, work, n, unit);
    TYPED(scaled)(m, n, work, n, *x, m > n, unit, set->safety * norm + set->eps * unit);

    const nrm_blas_scope scope = nrm_blas_enter_single();
    const bool done = gram_form(s, l) ? TYPED(gram_steps)(at, s, l, set, x, other, square)
                                      : TYPED(plain)(at, s, l, set, x, other, square);
    nrm_blas_leave(scope);
    return done;
}

REAL *TYPED(nrm_newton_schulz_run)(int64_t m, int64_t n, REAL *work, const nrm_newton_schulz_set *set, int steps,
                                   int threads)
{
    place at = {NULL, "", 0, steps > 0 ? steps : set->default_steps, threads};
    REAL *x, *other;

    TYPED(iterate)(&at, m, n, work, set, &x, &other);
    if (m <= n) return x;
    TYPED(scaled)(n, m, x, m, other, true, 1, 1);
    return other;
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
    place at = {ctx, who, 0, steps, nrm_threads(ctx)};
    REAL *work, *now, *other;
    nrm_status st = NRM_OK;
    int64_t row, col;

    NRM_TRY(TYPED(nrm_check)(ctx, who, "the matrix", 1, m, n, x, ld));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, work, nrm_newton_schulz_work(m, n), who));
    TYPED(scaled)(m, n, x, ld, work, false, 1, 1);
    if (!TYPED(iterate)(&at, m, n, work, set, &now, &other)) {
        st = cancelled(&at);
        goto done;
    }
    NRM_STOP_IF(!TYPED(nrm_finite)(s, l, now, l, &row, &col), NRM_E_OVERFLOW, "%s: Newton-Schulz with the "
                "coefficients %s overflows after %d steps; take fewer", who, set->name, steps);
    if (residual) {
        REAL *gram = work + 2 * s * l;
        const nrm_blas_scope scope = nrm_blas_enter_single();
        const bool made = TYPED(lower_product)(&at, s, l, now, now, 1, 0, gram);
        nrm_blas_leave(scope);
        if (!made) {
            st = cancelled(&at);
            goto done;
        }
        *residual = TYPED(residual)(s, gram);
    }
    TYPED(scaled)(s, l, now, l, other, m > n, 1, 1);
    for (int64_t i = 0; i < m; i++) memcpy(x + i * ld, other + i * n, (size_t)n * sizeof *x);
done:
    nrm_free(ctx, work);
    return st;
}
