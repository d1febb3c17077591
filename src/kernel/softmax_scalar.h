/* softmax_scalar.h -- the body of the portable kernels of softmax (softmax_kernels.h), and
 * the definition that the vector kernels are tested against.  Included for f32 and f64 by
 * softmax_ref.c.  Plain C without fma; loops over CHUNK elements with nothing carried
 * between them, so that any compiler can vectorise them. */

enum { F(CHUNK) = 64 };
#define CHUNK F(CHUNK)

/* z of `count` <= CHUNK elements from i on; the rest of the chunk is excluded. */
static void F(load_chunk)(const SPAN *span, int64_t i, int64_t count, REAL *z)
{
    memcpy(z, span->x + i, (size_t)count * sizeof *z);
    if (span->alpha != 1 || span->bias) /* as fma would do it, up to one rounding */
        for (int64_t k = 0; k < count; k++) z[k] = span->alpha * z[k] + (span->bias ? span->bias[i + k] : 0);
    if (span->keep)
        for (int64_t k = 0; k < count; k++)
            if (!span->keep[i + k]) z[k] = -(REAL)INFINITY;
    for (int64_t k = count; k < CHUNK; k++) z[k] = -(REAL)INFINITY;
}

/* 2^d for d <= 0, 0 below the normal numbers. */
static inline REAL F(pow2)(REAL d)
{
    UINT bits;
    d = (d > POW2_LEAST ? d : POW2_LEAST) + POW2_MAGIC;
    memcpy(&bits, &d, sizeof bits);
    bits <<= MANTISSA_BITS;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* m and n of a chunk; entries below `least` are raised to it, a NaN is not. */
static void F(extexp_chunk)(const REAL *z, REAL least, REAL *m, REAL *n)
{
    for (int k = 0; k < CHUNK; k++) {
        const REAL x = z[k] < least ? least : z[k];
        n[k] = (x * LOG2E + ROUND_MAGIC) - ROUND_MAGIC; /* rint */
        m[k] = F(exp_reduced)(x, n[k]);
    }
}

static nrm_extexp F(pair_sum)(const SPAN *span)
{
    REAL z[CHUNK], m[CHUNK], n[CHUNK], s[CHUNK] = {0}, e[CHUNK];

    for (int k = 0; k < CHUNK; k++) e[k] = -(REAL)INFINITY;
    for (int64_t i = 0; i < span->n; i += CHUNK) {
        F(load_chunk)(span, i, span->n - i < CHUNK ? span->n - i : CHUNK, z);
        F(extexp_chunk)(z, LOW(span), m, n);
        for (int k = 0; k < CHUNK; k++) {
            const REAL top = e[k] > n[k] ? e[k] : n[k];
            s[k] = s[k] * F(pow2)(e[k] - top) + m[k] * F(pow2)(n[k] - top);
            e[k] = top;
        }
    }
    for (int half = CHUNK / 2; half; half /= 2)
        for (int k = 0; k < half; k++) {
            const REAL top = e[k] > e[k + half] ? e[k] : e[k + half];
            s[k] = s[k] * F(pow2)(e[k] - top) + s[k + half] * F(pow2)(e[k + half] - top);
            e[k] = top;
        }
    return (nrm_extexp){(double)s[0], (double)e[0]};
}

static void F(pair_scale)(const SPAN *span, REAL *y, REAL lambda, REAL e, bool stream)
{
    REAL z[CHUNK], m[CHUNK], n[CHUNK];
    (void)stream;
    for (int64_t i = 0; i < span->n; i += CHUNK) {
        const int64_t count = span->n - i < CHUNK ? span->n - i : CHUNK;
        F(load_chunk)(span, i, count, z);
        F(extexp_chunk)(z, LOW(span), m, n);
        for (int k = 0; k < CHUNK; k++) z[k] = m[k] * lambda * F(pow2)(n[k] - e);
        memcpy(y + i, z, (size_t)count * sizeof *y);
    }
}

static REAL F(maximum)(const SPAN *span)
{
    REAL z[CHUNK], top[CHUNK];
    for (int k = 0; k < CHUNK; k++) top[k] = -(REAL)INFINITY;
    for (int64_t i = 0; i < span->n; i += CHUNK) {
        F(load_chunk)(span, i, span->n - i < CHUNK ? span->n - i : CHUNK, z);
        for (int k = 0; k < CHUNK; k++) top[k] = top[k] > z[k] ? top[k] : z[k];
    }
    for (int k = 1; k < CHUNK; k++) top[0] = top[0] > top[k] ? top[0] : top[k];
    return top[0];
}

/* Sum of f(z), stored in y where y is not NULL: f = m 2^(n - e) of z - mu raised to least. */
static double F(fold)(const SPAN *span, REAL *y, REAL mu, REAL least, REAL e)
{
    REAL z[CHUNK], m[CHUNK], n[CHUNK], s[CHUNK] = {0};
    for (int64_t i = 0; i < span->n; i += CHUNK) {
        const int64_t count = span->n - i < CHUNK ? span->n - i : CHUNK;
        F(load_chunk)(span, i, count, z);
        for (int k = 0; k < CHUNK; k++) z[k] -= mu;
        F(extexp_chunk)(z, least, m, n);
        for (int k = 0; k < CHUNK; k++) {
            z[k] = m[k] * F(pow2)(n[k] - e);
            s[k] += z[k];
        }
        if (y) memcpy(y + i, z, (size_t)count * sizeof *y);
    }
    for (int half = CHUNK / 2; half; half /= 2)
        for (int k = 0; k < half; k++) s[k] += s[k + half];
    return (double)s[0];
}
static double F(exp_sum)(const SPAN *span, REAL mu) { return F(fold)(span, NULL, mu, EXP_CUTOFF, 0); }
static double F(exp_store)(const SPAN *span, REAL *y, REAL mu) { return F(fold)(span, y, mu, EXP_CUTOFF, 0); }
static double F(pair_store)(const SPAN *span, REAL *y, REAL e) { return F(fold)(span, y, 0, LOW(span), e); }

/* A maximum mu and a sum s = sum exp(z - mu) for each element of the chunk. */
static nrm_extexp F(online_sum)(const SPAN *span)
{
    REAL z[CHUNK], m[CHUNK], n[CHUNK], s[CHUNK] = {0}, mu[CHUNK], fall[CHUNK];
    REAL top = (REAL)NRM_EXTEXP_LOW;
    double total = 0;

    for (int k = 0; k < CHUNK; k++) mu[k] = top;
    for (int64_t i = 0; i < span->n; i += CHUNK) {
        F(load_chunk)(span, i, span->n - i < CHUNK ? span->n - i : CHUNK, z);
        for (int k = 0; k < CHUNK; k++) {
            const REAL old = mu[k];
            mu[k] = old > z[k] ? old : z[k]; /* a NaN may be lost again: s keeps it */
            fall[k] = old - mu[k];
            z[k] -= mu[k];
        }
        F(extexp_chunk)(fall, EXP_CUTOFF, m, n);
        for (int k = 0; k < CHUNK; k++) s[k] *= m[k] * F(pow2)(n[k]);
        F(extexp_chunk)(z, EXP_CUTOFF, m, n);
        for (int k = 0; k < CHUNK; k++) s[k] += m[k] * F(pow2)(n[k]);
    }
    for (int k = 0; k < CHUNK; k++) top = top > mu[k] ? top : mu[k];
    for (int k = 0; k < CHUNK; k++) fall[k] = mu[k] - top;
    F(extexp_chunk)(fall, EXP_CUTOFF, m, n);
    for (int k = 0; k < CHUNK; k++) total += (double)s[k] * (double)(m[k] * F(pow2)(n[k]));
    return (nrm_extexp){total, (double)top};
}

static void F(scale)(int64_t n, const REAL *x, REAL *y, REAL lambda, bool stream)
{
    (void)stream;
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * lambda;
}

static void F(exp_scale)(const SPAN *span, REAL *y, REAL mu, REAL lambda, bool stream)
{
    for (int64_t i = 0; i < span->n; i += CHUNK) { /* piece by piece, for y may be x */
        SPAN piece = *span;
        piece.n = span->n - i < CHUNK ? span->n - i : CHUNK;
        piece.x += i;
        if (piece.keep) piece.keep += i;
        if (piece.bias) piece.bias += i;
        F(fold)(&piece, y + i, mu, EXP_CUTOFF, 0);
        F(scale)(piece.n, y + i, y + i, lambda, stream);
    }
}

static void F(shift)(const SPAN *span, REAL *y, REAL hi, REAL lo, bool stream)
{
    REAL z[CHUNK];
    (void)stream;
    for (int64_t i = 0; i < span->n; i += CHUNK) {
        const int64_t count = span->n - i < CHUNK ? span->n - i : CHUNK;
        F(load_chunk)(span, i, count, z);
        for (int64_t k = 0; k < count; k++) y[i + k] = (z[k] - hi) - lo;
    }
}

/* A lane a row, as in the vector kernels. */
static void F(narrow)(int64_t n, REAL *z, REAL *s, REAL *e)
{
    enum { LANES = NRM_SOFTMAX_MOST_LANES };
    REAL top[CHUNK], m[CHUNK], exponent[CHUNK], row[CHUNK];

    for (int k = 0; k < CHUNK; k++) top[k] = 0;
    memcpy(top, z, LANES * sizeof *top);
    for (int64_t j = 1; j < n; j++)
        for (int r = 0; r < LANES; r++) top[r] = top[r] > z[j * LANES + r] ? top[r] : z[j * LANES + r];
    F(extexp_chunk)(top, (REAL)NRM_EXTEXP_LOW, m, exponent);
    memcpy(e, exponent, LANES * sizeof *e);
    memset(s, 0, LANES * sizeof *s);
    for (int64_t j = 0; j < n; j++) {
        memcpy(row, top, sizeof row);
        memcpy(row, z + j * LANES, LANES * sizeof *row);
        F(extexp_chunk)(row, (REAL)NRM_EXTEXP_LOW, m, exponent);
        for (int r = 0; r < LANES; r++) s[r] += z[j * LANES + r] = m[r] * F(pow2)(exponent[r] - e[r]);
    }
    for (int64_t j = 0; j < n; j++)
        for (int r = 0; r < LANES; r++) z[j * LANES + r] *= 1 / s[r];
}

#undef CHUNK
