/* elementwise_vector.h -- the loops of elementwise.h on vectors, and their table.
 *
 * Included for f32 and for f64 by elementwise_tables.h.  A function of vectors is given to
 * one of three loops and inlined there; the end of an array goes through the same function,
 * padded with ones (regular for every operation), so an element's bits do not depend on
 * where it stands.  UNROLL vectors at a time: the functions are long chains, and the
 * processor looks ahead less far than one of them is long. */
#include "vector_exponential.h"
#include "vector_logarithm.h"
#include "vector_trigonometric.h"

/* ---- The simple operations -------------------------------------------------------------- */

static NRM_INLINE VEC F(neg)(VEC x) { return V(xor)(x, V(set1)((REAL)-0.0)); }
static NRM_INLINE VEC F(abs)(VEC x) { return V(abs)(x); }
static NRM_INLINE VEC F(square)(VEC x) { return V(mul)(x, x); }
static NRM_INLINE VEC F(reciprocal)(VEC x) { return V(div)(V(set1)(1), x); }
static NRM_INLINE VEC F(sqrt)(VEC x) { return V(sqrt)(x); }
static NRM_INLINE VEC F(rsqrt)(VEC x) { return V(div)(V(set1)(1), V(sqrt)(x)); }
static NRM_INLINE VEC F(relu)(VEC x) { return V(max)(V(set1)(0), x); }
static NRM_INLINE VEC F(floor)(VEC x) { return V(floor)(x); }
static NRM_INLINE VEC F(choose)(V(mask) m) { return V(select)(m, V(set1)(1), V(set1)(0)); }
static NRM_INLINE VEC F(step)(VEC x) { return V(select)(V(is_nan)(x), x, F(choose)(V(less)(V(set1)(0), x))); }
static NRM_INLINE VEC F(sign)(VEC x)
{
    return V(select)(V(less)(x, V(set1)(0)), V(set1)(-1), F(step)(x));
}

static NRM_INLINE VEC F(add)(VEC a, VEC b) { return V(add)(a, b); }
static NRM_INLINE VEC F(sub)(VEC a, VEC b) { return V(sub)(a, b); }
static NRM_INLINE VEC F(mul)(VEC a, VEC b) { return V(mul)(a, b); }
static NRM_INLINE VEC F(div)(VEC a, VEC b) { return V(div)(a, b); }
static NRM_INLINE VEC F(max)(VEC a, VEC b) { return V(select)(V(is_nan)(a), a, V(max)(a, b)); }
static NRM_INLINE VEC F(min)(VEC a, VEC b) { return V(select)(V(is_nan)(a), a, V(min)(a, b)); }
static NRM_INLINE VEC F(less)(VEC a, VEC b) { return F(choose)(V(less)(a, b)); }
static NRM_INLINE VEC F(less_equal)(VEC a, VEC b) { return F(choose)(V(less_equal)(a, b)); }
static NRM_INLINE VEC F(equal)(VEC a, VEC b) { return F(choose)(V(equal)(a, b)); }
static NRM_INLINE VEC F(where_of)(VEC c, VEC a, VEC b) { return V(select)(V(equal)(c, V(set1)(0)), b, a); }
static NRM_INLINE VEC F(fma)(VEC a, VEC b, VEC c) { return V(fma)(a, b, c); }

/* ---- The loops --------------------------------------------------------------------------- */

/* Some functions are right for regular arguments only.  The loops ask once for UNROLL
 * vectors and mend where one is not; `name` is known when they are compiled. */
static NRM_INLINE bool F(unary_careful)(nrm_unary name)
{
    return name == NRM_UNARY_log || name == NRM_UNARY_log1p || name == NRM_UNARY_sin || name == NRM_UNARY_cos;
}
static NRM_INLINE V(mask) F(unary_regular)(nrm_unary name, VEC x)
{
    if (name == NRM_UNARY_log) return F(log_regular)(x);
    if (name == NRM_UNARY_log1p) return F(log_regular)(V(add)(V(set1)(1), x));
    return F(turn_regular)(x);
}
static __attribute__((noinline)) VEC F(unary_mend)(nrm_unary name, VEC x, VEC r)
{
    if (name == NRM_UNARY_log) return F(log_mend)(x);
    if (name == NRM_UNARY_log1p) return F(log1p_mend)(x, r);
    return F(turn_mend)(x, r, name == NRM_UNARY_sin);
}
static NRM_INLINE bool F(all)(V(mask) m) { return __builtin_expect(V(lanes_of)(m) == ALL_LANES, 1); }

static NRM_INLINE VEC F(get)(const REAL *x, int64_t i, bool same) { return same ? V(set1)(*x) : V(load)(x + i); }
static NRM_INLINE VEC F(get_part)(const REAL *x, int64_t i, int64_t count, bool same)
{
    return same ? V(set1)(*x) : V(load_part)(x + i, count, 1);
}

/* The last vectors: `count` elements from i on. */
#define LAST_VECTORS                                                               \
    for (int64_t count; (count = n - i < LANES ? n - i : LANES) > 0; i += count)

static NRM_INLINE void F(map)(int64_t n, const REAL *x, REAL *y, nrm_unary name, VEC (*f)(VEC))
{
    const bool careful = F(unary_careful)(name);
    const int unroll = name == NRM_UNARY_erf ? UNROLL / 2 : UNROLL; /* four of erf do not fit the registers */
    int64_t i = 0;
    for (; i + unroll * LANES <= n; i += unroll * LANES) {
        VEC v[UNROLL], r[UNROLL];
        for (int u = 0; u < unroll; u++) r[u] = f(v[u] = V(load)(x + i + u * LANES));
        if (careful) {
            V(mask) regular = F(unary_regular)(name, v[0]);
            for (int u = 1; u < unroll; u++) regular = V(both)(regular, F(unary_regular)(name, v[u]));
            if (!F(all)(regular))
                for (int u = 0; u < unroll; u++) r[u] = F(unary_mend)(name, v[u], r[u]);
        }
        for (int u = 0; u < unroll; u++) V(store)(y + i + u * LANES, r[u]);
    }
    LAST_VECTORS {
        const VEC v = V(load_part)(x + i, count, 1);
        VEC r = f(v);
        if (careful && !F(all)(F(unary_regular)(name, v))) r = F(unary_mend)(name, v, r);
        V(store_part)(y + i, count, r);
    }
}

/* same_a: *a is meant for every element. */
static NRM_INLINE void F(map2)(int64_t n, const REAL *a, bool same_a, const REAL *b, bool same_b, REAL *y,
                               nrm_binary name, VEC (*f)(VEC, VEC))
{
    const bool careful = name == NRM_BINARY_pow;
    const int unroll = careful ? UNROLL / 2 : UNROLL;
    int64_t i = 0;
    for (; i + unroll * LANES <= n; i += unroll * LANES) {
        VEC v[UNROLL], w[UNROLL], r[UNROLL];
        for (int u = 0; u < unroll; u++) {
            v[u] = F(get)(a, i + u * LANES, same_a);
            w[u] = F(get)(b, i + u * LANES, same_b);
            r[u] = f(v[u], w[u]);
        }
        if (careful) {
            V(mask) regular = F(pow_regular)(v[0], w[0], r[0]);
            for (int u = 1; u < unroll; u++) regular = V(both)(regular, F(pow_regular)(v[u], w[u], r[u]));
            if (!F(all)(regular))
                for (int u = 0; u < unroll; u++) r[u] = F(pow_mend)(v[u], w[u], r[u]);
        }
        for (int u = 0; u < unroll; u++) V(store)(y + i + u * LANES, r[u]);
    }
    LAST_VECTORS {
        const VEC v = F(get_part)(a, i, count, same_a), w = F(get_part)(b, i, count, same_b);
        VEC r = f(v, w);
        if (careful && !F(all)(F(pow_regular)(v, w, r))) r = F(pow_mend)(v, w, r);
        V(store_part)(y + i, count, r);
    }
}

static NRM_INLINE void F(map3)(int64_t n, const REAL *a, bool same_a, const REAL *b, const REAL *c, REAL *y,
                               VEC (*f)(VEC, VEC, VEC))
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        V(store)(y + i, f(F(get)(a, i, same_a), V(load)(b + i), V(load)(c + i)));
    LAST_VECTORS V(store_part)(y + i, count, f(F(get_part)(a, i, count, same_a), V(load_part)(b + i, count, 1),
                                               V(load_part)(c + i, count, 1)));
}

#define UNARY(name)                                                                \
    static void F(unary_##name)(int64_t n, const REAL *x, REAL *y)                 \
    {                                                                              \
        F(map)(n, x, y, NRM_UNARY_##name, F(name));                                \
    }
NRM_OP_UNARY_LIST(UNARY)
#define BINARY(name)                                                               \
    static void F(binary_##name)(int64_t n, const REAL *a, const REAL *b, REAL *y) \
    {                                                                              \
        F(map2)(n, a, false, b, false, y, NRM_BINARY_##name, F(name));             \
    }                                                                              \
    static void F(binary_vs_##name)(int64_t n, const REAL *a, REAL b, REAL *y)     \
    {                                                                              \
        F(map2)(n, a, false, &b, true, y, NRM_BINARY_##name, F(name));             \
    }                                                                              \
    static void F(binary_sv_##name)(int64_t n, REAL a, const REAL *b, REAL *y)     \
    {                                                                              \
        F(map2)(n, &a, true, b, false, y, NRM_BINARY_##name, F(name));             \
    }
NRM_OP_BINARY_LIST(BINARY)

static void F(where)(int64_t n, const REAL *condition, const REAL *a, const REAL *b, REAL *y)
{
    F(map3)(n, condition, false, a, b, y, F(where_of));
}
static void F(accumulate)(int64_t n, const REAL *x, REAL *y)
{
    F(map2)(n, x, false, y, false, y, NRM_BINARY_add, F(add));
}
static void F(axpy)(int64_t n, REAL a, const REAL *x, REAL *y) { F(map3)(n, &a, true, x, y, y, F(fma)); }
static void F(fill)(int64_t n, REAL value, REAL *y)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) V(store)(y + i, V(set1)(value));
    LAST_VECTORS V(store_part)(y + i, count, V(set1)(value));
}

/* ---- Reductions --------------------------------------------------------------------------- */

static REAL F(sum)(int64_t n, const REAL *x)
{
    VEC s0 = V(set1)(0), s1 = s0, s2 = s0, s3 = s0;
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        s0 = V(add)(s0, V(load)(x + i));
        s1 = V(add)(s1, V(load)(x + i + LANES));
        s2 = V(add)(s2, V(load)(x + i + 2 * LANES));
        s3 = V(add)(s3, V(load)(x + i + 3 * LANES));
    }
    LAST_VECTORS s0 = V(add)(s0, V(load_part)(x + i, count, 0));
    return V(lane0)(V(reduce_add)(V(add)(V(add)(s0, s1), V(add)(s2, s3))));
}

/* The greatest of x with the sign bits `flip` exchanged.  max drops a NaN in its first
 * argument, so whether one came by is kept beside. */
static NRM_INLINE REAL F(extreme)(int64_t n, const REAL *x, REAL flip)
{
    const VEC sign = V(set1)(flip);
    const REAL none = signbit(flip) ? (REAL)INFINITY : -(REAL)INFINITY;
    VEC m0 = V(set1)(-(REAL)INFINITY), m1 = m0;
    V(mask) bad = V(is_nan)(m0);
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        const VEC first = V(load)(x + i), second = V(load)(x + i + LANES);
        bad = V(either)(bad, V(either)(V(is_nan)(first), V(is_nan)(second)));
        m0 = V(max)(m0, V(xor)(first, sign));
        m1 = V(max)(m1, V(xor)(second, sign));
    }
    LAST_VECTORS {
        const VEC v = V(xor)(V(load_part)(x + i, count, none), sign);
        bad = V(either)(bad, V(is_nan)(v));
        m0 = V(max)(m0, v);
    }
    return V(lanes_of)(bad) ? (REAL)NAN : V(lane0)(V(xor)(V(reduce_max)(V(max)(m0, m1)), sign));
}
static REAL F(greatest)(int64_t n, const REAL *x) { return F(extreme)(n, x, 0); }
static REAL F(least)(int64_t n, const REAL *x) { return F(extreme)(n, x, (REAL)-0.0); }

#include "elementwise_softmax.h"
#include "elementwise_table.h"

#undef UNARY
#undef BINARY
#undef LAST_VECTORS
#undef POLYNOMIAL
