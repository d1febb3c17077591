/* softmax_vector.h -- the body of the vector kernels of softmax (softmax_kernels.h).
 *
 * Included for f32 and for f64 by softmax_avx2.c and softmax_avx512.c, which define
 *     REAL, VEC, V(op)     the element, the vector, vf32_op or vf64_op (extexp_avx*.h)
 *     SPAN, F(name)        the span type, name_f32 or name_f64
 *     LANES, SUM_VECTORS, SUM_ACCUMULATORS, MAP_VECTORS, EXP_CUTOFF
 * Modes, streaming and the element functions are compile-time constants after inlining:
 * each kernel becomes a few straight loops.  Unrollings were chosen by measurement. */

/* Element i of the span; `mode` says how: as it is (BARE, PLAIN) or with alpha, bias, keep. */
static NRM_INLINE VEC F(load_z)(const SPAN *span, int64_t i, int mode)
{
    VEC z = V(load)(span->x + i);
    if (mode == GENERAL) {
        const VEC alpha = V(set1)(span->alpha);
        z = span->bias ? V(fma)(z, alpha, V(load)(span->bias + i)) : V(mul)(z, alpha);
        if (span->keep) z = V(keep)(span->keep + i, z, V(set1)(-(REAL)INFINITY));
    }
    return z;
}

/* `count` < LANES elements from i on; the other lanes are excluded entries. */
static NRM_INLINE VEC F(load_z_part)(const SPAN *span, int64_t i, int64_t count, int mode)
{
    if (mode == BARE) return V(load_part)(span->x + i, count, (REAL)NRM_EXTEXP_LOW);
    if (mode == PLAIN) return V(load_part)(span->x + i, count, -(REAL)INFINITY);
    const VEC alpha = V(set1)(span->alpha);
    VEC z = V(load_part)(span->x + i, count, 0);
    uint8_t keep[NRM_SOFTMAX_MOST_LANES] = {0};
    if (span->keep) memcpy(keep, span->keep + i, (size_t)count);
    else memset(keep, 1, (size_t)count);
    z = span->bias ? V(fma)(z, alpha, V(load_part)(span->bias + i, count, 0)) : V(mul)(z, alpha);
    return V(keep)(keep, z, V(set1)(-(REAL)INFINITY));
}

/* Ask for what comes later: the hardware's own reading ahead stops at every page, which
 * costs a quarter of the speed out of cache (an address past the end does no harm). */
static NRM_INLINE void F(ask)(const SPAN *span, int64_t i, int vectors)
{
    if (!span->far) return;
    for (int u = 0; u < vectors; u += 64 / (LANES * (int)sizeof(REAL)))
        _mm_prefetch((const char *)((uintptr_t)(span->x + i + u * LANES) + NRM_SOFTMAX_AHEAD), _MM_HINT_T0);
}

static NRM_INLINE int F(mode)(const SPAN *span)
{
    if (span->keep || span->bias || span->alpha != 1) return GENERAL;
    return span->bare ? BARE : PLAIN;
}

/* ExtExp of an element; a NaN survives the clamp because it is max's second operand. */
static NRM_INLINE VEC F(extexp)(VEC z, VEC *n, int mode)
{
    return V(extexp)(mode == BARE ? z : V(max)(V(set1)((REAL)NRM_EXTEXP_LOW), z), n);
}

/* ---- Functions of one vector, all of the same type: f(z, a, b) ------------------------------ */

typedef VEC (*F(element))(VEC z, VEC a, VEC b, int mode);

static NRM_INLINE VEC F(pair_value)(VEC z, VEC e, VEC lambda, int mode) /* (m lambda) 2^(n - e) */
{
    VEC n;
    const VEC m = F(extexp)(z, &n, mode);
    return V(scale)(V(mul)(m, lambda), V(sub)(n, e));
}
static NRM_INLINE VEC F(pair_below)(VEC z, VEC e, VEC unused, int mode) /* m 2^(n - e) */
{
    VEC n;
    const VEC m = F(extexp)(z, &n, mode);
    (void)unused;
    return V(scale)(m, V(sub)(n, e));
}
static NRM_INLINE VEC F(exp_below)(VEC z, VEC mu, VEC unused, int mode) /* exp(z - mu), z <= mu */
{
    VEC n; /* below the cutoff the type has no more numbers: 0 */
    const VEC m = V(extexp)(V(max)(V(set1)((REAL)EXP_CUTOFF), V(sub)(z, mu)), &n);
    (void)unused, (void)mode;
    return V(scale)(m, n);
}
static NRM_INLINE VEC F(exp_scaled)(VEC z, VEC mu, VEC lambda, int mode)
{
    (void)mode; /* lambda before the power of two: products with denormal numbers are slow */
    return F(pair_value)(V(sub)(z, mu), V(set1)(0), lambda, PLAIN);
}
static NRM_INLINE VEC F(times)(VEC z, VEC lambda, VEC unused, int mode)
{
    (void)unused, (void)mode;
    return V(mul)(z, lambda);
}
static NRM_INLINE VEC F(shifted)(VEC z, VEC hi, VEC lo, int mode)
{
    (void)mode;
    return V(sub)(V(sub)(z, hi), lo);
}

/* ---- The two shapes of loop -------------------------------------------------------------------- */

static NRM_INLINE void F(put)(REAL *y, VEC v, bool stream)
{
    if (stream) V(stream)(y, v);
    else V(store)(y, v);
}

/* y = f(z).  Streaming stores need whole aligned vectors: the ends are stored as usual. */
static NRM_INLINE void F(map)(const SPAN *span, REAL *y, F(element) f, REAL a_, REAL b_, bool stream, int mode)
{
    const VEC a = V(set1)(a_), b = V(set1)(b_);
    int64_t i = 0;

    if (stream) {
        const int64_t past = (int64_t)((uintptr_t)y / sizeof(REAL) % LANES);
        i = past ? LANES - past : 0;
        if (i > span->n) i = span->n;
        if (i) V(store_part)(y, i, f(F(load_z_part)(span, 0, i, mode), a, b, mode));
    }
    for (; i + MAP_VECTORS * LANES <= span->n; i += MAP_VECTORS * LANES) {
        VEC v[MAP_VECTORS];
        F(ask)(span, i, MAP_VECTORS);
        for (int u = 0; u < MAP_VECTORS; u++) v[u] = f(F(load_z)(span, i + u * LANES, mode), a, b, mode);
        for (int u = 0; u < MAP_VECTORS; u++) F(put)(y + i + u * LANES, v[u], stream);
    }
    for (; i + LANES <= span->n; i += LANES) F(put)(y + i, f(F(load_z)(span, i, mode), a, b, mode), stream);
    if (i < span->n) V(store_part)(y + i, span->n - i, f(F(load_z_part)(span, i, span->n - i, mode), a, b, mode));
    if (stream) _mm_sfence();
}

/* The map in the mode and kind of store that the call asks for. */
static NRM_INLINE void F(map_any)(const SPAN *span, REAL *y, F(element) f, REAL a, REAL b, bool stream)
{
    const int mode = F(mode)(span);
    if (mode == GENERAL && stream) F(map)(span, y, f, a, b, true, GENERAL);
    else if (mode == GENERAL) F(map)(span, y, f, a, b, false, GENERAL);
    else if (mode == PLAIN && stream) F(map)(span, y, f, a, b, true, PLAIN);
    else if (mode == PLAIN) F(map)(span, y, f, a, b, false, PLAIN);
    else if (stream) F(map)(span, y, f, a, b, true, BARE);
    else F(map)(span, y, f, a, b, false, BARE);
}

/* Sum of f(z), stored in y as well where `store` says so. */
static NRM_INLINE double F(fold)(const SPAN *span, REAL *y, F(element) f, REAL a_, bool store, int mode)
{
    const VEC a = V(set1)(a_);
    VEC s[FOLD_VECTORS], v[FOLD_VECTORS];
    int64_t i = 0;

    for (int u = 0; u < FOLD_VECTORS; u++) s[u] = V(set1)(0);
    for (; i + FOLD_VECTORS * LANES <= span->n; i += FOLD_VECTORS * LANES) {
        F(ask)(span, i, FOLD_VECTORS);
        for (int u = 0; u < FOLD_VECTORS; u++) v[u] = f(F(load_z)(span, i + u * LANES, mode), a, a, mode);
        for (int u = 0; u < FOLD_VECTORS; u++) {
            s[u] = V(add)(s[u], v[u]);
            if (store) V(store)(y + i + u * LANES, v[u]);
        }
    }
    for (; i + LANES <= span->n; i += LANES) {
        v[0] = f(F(load_z)(span, i, mode), a, a, mode);
        s[0] = V(add)(s[0], v[0]);
        if (store) V(store)(y + i, v[0]);
    }
    if (i < span->n) {
        v[0] = f(F(load_z_part)(span, i, span->n - i, mode), a, a, mode);
        s[0] = V(add)(s[0], v[0]);
        if (store) V(store_part)(y + i, span->n - i, v[0]);
    }
    for (int u = 1; u < FOLD_VECTORS; u++) s[0] = V(add)(s[0], s[u]);
    return V(lane0)(V(reduce_add)(s[0]));
}
static NRM_INLINE double F(fold_any)(const SPAN *span, REAL *y, F(element) f, REAL a, bool store)
{
    const int mode = F(mode)(span);
    if (mode == GENERAL) return F(fold)(span, y, f, a, store, GENERAL);
    return mode == PLAIN ? F(fold)(span, y, f, a, store, PLAIN) : F(fold)(span, y, f, a, store, BARE);
}

/* ---- Two-pass: the paper's algorithm -------------------------------------------------------------- */

/* One rescaling a group of vectors: the largest exponent of the group comes first. */
static NRM_INLINE nrm_extexp F(pair_sum_mode)(const SPAN *span, int mode)
{
    VEC s[SUM_ACCUMULATORS], e[SUM_ACCUMULATORS], top[SUM_ACCUMULATORS];
    VEC m[SUM_VECTORS], n[SUM_VECTORS];
    int64_t i = 0;

    for (int k = 0; k < SUM_ACCUMULATORS; k++) s[k] = V(set1)(0), e[k] = V(set1)(-(REAL)INFINITY);
    for (; i + SUM_VECTORS * LANES <= span->n; i += SUM_VECTORS * LANES) {
        F(ask)(span, i, SUM_VECTORS);
        for (int u = 0; u < SUM_VECTORS; u++) m[u] = F(extexp)(F(load_z)(span, i + u * LANES, mode), &n[u], mode);
        for (int k = 0; k < SUM_ACCUMULATORS; k++) {
            top[k] = e[k];
            for (int u = k; u < SUM_VECTORS; u += SUM_ACCUMULATORS) top[k] = V(max)(top[k], n[u]);
            s[k] = V(scale)(s[k], V(sub)(e[k], top[k]));
            for (int u = k; u < SUM_VECTORS; u += SUM_ACCUMULATORS)
                s[k] = V(add_scaled)(s[k], m[u], V(sub)(n[u], top[k]));
            e[k] = top[k];
        }
    }
    for (; i < span->n; i += LANES) {
        const int64_t left = span->n - i;
        const VEC z = left < LANES ? F(load_z_part)(span, i, left, mode) : F(load_z)(span, i, mode);
        m[0] = F(extexp)(z, &n[0], mode);
        top[0] = V(max)(e[0], n[0]);
        s[0] = V(add_scaled)(V(scale)(s[0], V(sub)(e[0], top[0])), m[0], V(sub)(n[0], top[0]));
        e[0] = top[0];
    }
    VEC most = e[0];
    for (int k = 1; k < SUM_ACCUMULATORS; k++) most = V(max)(most, e[k]);
    most = V(reduce_max)(most);
    VEC sum = V(scale)(s[0], V(sub)(e[0], most));
    for (int k = 1; k < SUM_ACCUMULATORS; k++) sum = V(add_scaled)(sum, s[k], V(sub)(e[k], most));
    return (nrm_extexp){(double)V(lane0)(V(reduce_add)(sum)), (double)V(lane0)(most)};
}
static nrm_extexp F(pair_sum)(const SPAN *span)
{
    const int mode = F(mode)(span);
    if (mode == GENERAL) return F(pair_sum_mode)(span, GENERAL);
    return mode == PLAIN ? F(pair_sum_mode)(span, PLAIN) : F(pair_sum_mode)(span, BARE);
}
static void F(pair_scale)(const SPAN *span, REAL *y, REAL lambda, REAL e, bool stream)
{
    F(map_any)(span, y, F(pair_value), e, lambda, stream);
}

/* ---- Online ---------------------------------------------------------------------------------------- */

/* Take `vectors` vectors into the sums s over the maxima mu with one rescaling:
 *     top = max(mu, z),   s <- s exp(mu - top) + sum exp(z - top),   mu <- top
 * A NaN may be lost from mu; s keeps it. */
static NRM_INLINE void F(online_add)(VEC *s, VEC *mu, const VEC *z, int vectors)
{
    VEC top = *mu;
    for (int u = 0; u < vectors; u++) top = V(max)(top, z[u]);
    VEC sum = F(exp_below)(z[0], top, top, PLAIN);
    for (int u = 1; u < vectors; u++) sum = V(add)(sum, F(exp_below)(z[u], top, top, PLAIN));
    *s = V(fma)(*s, F(exp_below)(*mu, top, top, PLAIN), sum);
    *mu = top;
}
static NRM_INLINE nrm_extexp F(online_sum_mode)(const SPAN *span, int mode)
{
    VEC s = V(set1)(0), mu = V(set1)((REAL)NRM_EXTEXP_LOW), z[SUM_VECTORS];
    REAL sums[LANES], weights[LANES];
    double total = 0;
    int64_t i = 0;

    for (; i + SUM_VECTORS * LANES <= span->n; i += SUM_VECTORS * LANES) {
        F(ask)(span, i, SUM_VECTORS);
        for (int u = 0; u < SUM_VECTORS; u++) z[u] = F(load_z)(span, i + u * LANES, mode);
        F(online_add)(&s, &mu, z, SUM_VECTORS);
    }
    for (; i < span->n; i += LANES) {
        const int64_t left = span->n - i;
        z[0] = left < LANES ? F(load_z_part)(span, i, left, mode) : F(load_z)(span, i, mode);
        F(online_add)(&s, &mu, z, 1);
    }
    const VEC top = V(reduce_max)(mu);
    V(store)(sums, s);
    V(store)(weights, F(exp_below)(mu, top, top, PLAIN));
    for (int k = 0; k < LANES; k++) total += (double)sums[k] * (double)weights[k];
    return (nrm_extexp){total, (double)V(lane0)(top)};
}
static nrm_extexp F(online_sum)(const SPAN *span)
{
    return F(mode)(span) == GENERAL ? F(online_sum_mode)(span, GENERAL) : F(online_sum_mode)(span, PLAIN);
}

/* ---- Three-pass and the rest ---------------------------------------------------------------------- */

static NRM_INLINE REAL F(maximum_mode)(const SPAN *span, int mode)
{
    VEC top[FOLD_VECTORS];
    int64_t i = 0;

    for (int u = 0; u < FOLD_VECTORS; u++) top[u] = V(set1)(-(REAL)INFINITY);
    for (; i + FOLD_VECTORS * LANES <= span->n; i += FOLD_VECTORS * LANES) {
        F(ask)(span, i, FOLD_VECTORS);
        for (int u = 0; u < FOLD_VECTORS; u++) top[u] = V(max)(top[u], F(load_z)(span, i + u * LANES, mode));
    }
    for (; i + LANES <= span->n; i += LANES) top[0] = V(max)(top[0], F(load_z)(span, i, mode));
    if (i < span->n) top[0] = V(max)(top[0], F(load_z_part)(span, i, span->n - i, mode));
    for (int u = 1; u < FOLD_VECTORS; u++) top[0] = V(max)(top[0], top[u]);
    return V(lane0)(V(reduce_max)(top[0]));
}
static REAL F(maximum)(const SPAN *span)
{
    return F(mode)(span) == GENERAL ? F(maximum_mode)(span, GENERAL) : F(maximum_mode)(span, PLAIN);
}

static double F(exp_sum)(const SPAN *span, REAL mu) { return F(fold_any)(span, NULL, F(exp_below), mu, false); }
static double F(exp_store)(const SPAN *span, REAL *y, REAL mu) { return F(fold_any)(span, y, F(exp_below), mu, true); }
static void F(exp_scale)(const SPAN *span, REAL *y, REAL mu, REAL lambda, bool stream)
{
    F(map_any)(span, y, F(exp_scaled), mu, lambda, stream);
}
static double F(pair_store)(const SPAN *span, REAL *y, REAL e) { return F(fold_any)(span, y, F(pair_below), e, true); }
static void F(shift)(const SPAN *span, REAL *y, REAL hi, REAL lo, bool stream)
{
    F(map_any)(span, y, F(shifted), hi, lo, stream);
}
static void F(scale)(int64_t n, const REAL *x, REAL *y, REAL lambda, bool stream)
{
    const SPAN span = {.x = x, .n = n, .alpha = 1};
    if (stream) F(map)(&span, y, F(times), lambda, lambda, true, PLAIN);
    else F(map)(&span, y, F(times), lambda, lambda, false, PLAIN);
}

/* ---- Short rows -------------------------------------------------------------------------------------- */

/* rint(max log2 e) >= every n of the row, so no power of two exceeds 1. */
static NRM_INLINE VEC F(exponent_of)(VEC top)
{
    return V(round)(V(mul)(V(max)(V(set1)((REAL)NRM_EXTEXP_LOW), top), V(set1)(LOG2E)));
}

/* The row stays in `vectors` registers: one reading, one exponential, one writing. */
static NRM_INLINE nrm_extexp F(row_mode)(const SPAN *span, REAL *y, int vectors, int mode)
{
    const int64_t left = span->n - (vectors - 1) * LANES; /* in the last vector, 1 .. LANES */
    VEC v[ROW_VECTORS], sum[2] = {V(set1)(0), V(set1)(0)};

    for (int u = 0; u < vectors - 1; u++) v[u] = F(load_z)(span, u * LANES, mode);
    v[vectors - 1] = left < LANES ? F(load_z_part)(span, (vectors - 1) * LANES, left, mode)
                                  : F(load_z)(span, (vectors - 1) * LANES, mode);
    VEC top = v[0];
    for (int u = 1; u < vectors; u++) top = V(max)(top, v[u]);
    const VEC e = F(exponent_of)(V(reduce_max)(top));
    for (int u = 0; u < vectors; u++) {
        v[u] = F(pair_below)(v[u], e, e, PLAIN);
        sum[u % 2] = V(add)(sum[u % 2], v[u]);
    }
    const VEC s = V(reduce_add)(V(add)(sum[0], sum[1]));
    const nrm_extexp pair = {(double)V(lane0)(s), (double)V(lane0)(e)};
    if (!nrm_extexp_sane(pair)) return pair;
    const VEC lambda = V(div)(V(set1)(1), s);
    for (int u = 0; u < vectors - 1; u++) V(store)(y + u * LANES, V(mul)(v[u], lambda));
    if (left < LANES) V(store_part)(y + (vectors - 1) * LANES, left, V(mul)(v[vectors - 1], lambda));
    else V(store)(y + (vectors - 1) * LANES, V(mul)(v[vectors - 1], lambda));
    return pair;
}
static nrm_extexp F(row)(const SPAN *span, REAL *y)
{
    const bool general = F(mode)(span) == GENERAL;
    switch ((span->n + LANES - 1) / LANES) {
#define ROW_CASE(vectors) \
    case vectors: return general ? F(row_mode)(span, y, vectors, GENERAL) : F(row_mode)(span, y, vectors, PLAIN)
        ROW_CASES
#undef ROW_CASE
    default: return nrm_extexp_zero(); /* not reached: n <= row_most */
    }
}

/* LANES rows side by side, one a lane. */
static void F(narrow)(int64_t n, REAL *z, REAL *s_, REAL *e_)
{
    VEC top = V(load)(z), s = V(set1)(0);

    for (int64_t j = 1; j < n; j++) top = V(max)(top, V(load)(z + j * LANES));
    const VEC e = F(exponent_of)(top);
    for (int64_t j = 0; j < n; j++) {
        const VEC y = F(pair_below)(V(load)(z + j * LANES), e, e, PLAIN);
        s = V(add)(s, y);
        V(store)(z + j * LANES, y);
    }
    const VEC lambda = V(div)(V(set1)(1), s);
    for (int64_t j = 0; j < n; j++) V(store)(z + j * LANES, V(mul)(V(load)(z + j * LANES), lambda));
    V(store)(s_, s);
    V(store)(e_, e);
}
