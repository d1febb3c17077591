/* elementwise_typed.h -- the body of test_elementwise.c for one type, included for f32 and for
 * f64 with REAL, F(name), KIND (the column of the bounds), EPSILON, LEAST, MOST, TINY. */

/* One unit in the last place of r. */
static long double F(unit)(long double r)
{
    int e;
    (void)frexpl(r, &e);
    const long double unit = ldexpl(EPSILON, e - 1);
    return r == 0 || unit < TINY ? TINY : unit;
}

static bool F(same)(REAL a, REAL b) /* bits, all NaN alike */
{
    return (a != a && b != b) || memcmp(&a, &b, sizeof a) == 0;
}

/* got is r within the bounds; what is a limit or a NaN must be so exactly. */
static bool F(close)(REAL got, long double r, double ulps, double absolute, long double scale)
{
    if (isnan(r)) return got != got;
    if (isinf(r)) return got == (REAL)r;
    if (fabsl(r) > (long double)MOST * (1 - 4 * (long double)EPSILON) && isinf(got)) return (got > 0) == (r > 0);
    if (!isfinite(got)) return false;
    const long double error = fabsl((long double)got - r);
    return error <= ulps * F(unit)(r) || error <= absolute * scale;
}

static int F(specials)(REAL *x)
{
    static const double list[] = {
        0,         1,        0.5,     2,        3,          0.75,       0.17328, 0.34657,    0.70710678118654752,
        88.72283,  87.33654, 103.972, 103.98,   709.78271,  708.3964,   745.13,  745.14,     1.4142135623730951,
        19.06,     38.4,     1e5,     100001,   1073741824, 1073741825, 1e30,    0.99999994, 1.5707963267948966,
        16777216,  16777217, 9.01,    14.4,     17.5,       37.4,       6,       1.5,        3.1415926535897931,
        2.5,       130,      131};
    int n = 0;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        for (int s = 0; s < 2; s++) x[n++] = (REAL)(s ? -list[i] : list[i]);
    const REAL limits[] = {LEAST, LEAST / 2, TINY, 3 * TINY, MOST, 1 + EPSILON, 1 - EPSILON / 2, (REAL)INFINITY};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        for (int s = 0; s < 2; s++) x[n++] = s ? -limits[i] : limits[i];
    x[n++] = (REAL)NAN;
    return n;
}

/* Every magnitude of the type, all of [-110, 110] and [-1, 1], neighbourhoods of the cuts. */
static int64_t F(arguments)(REAL *x)
{
    uint64_t seed = 5;
    int64_t n = F(specials)(x);
    const int64_t special = n;
    const double low = log2((double)LEAST) - 20, high = log2((double)MOST);
    for (int i = 0; i < 4000; i++) x[n++] = (REAL)exp2(low + (high - low) * nrm_test_uniform(&seed)) * (i % 2 ? -1 : 1);
    for (int i = 0; i < 4000; i++) x[n++] = (REAL)(220 * nrm_test_uniform(&seed) - 110);
    for (int i = 0; i < 4000; i++) x[n++] = (REAL)(10 * nrm_test_uniform(&seed) - 5);
    for (int i = 0; i < 4000; i++) x[n++] = (REAL)(2 * nrm_test_uniform(&seed) - 1);
    for (int64_t k = 0; k < special; k++)
        for (int i = 0; i < 16; i++) x[n++] = x[k] * (1 + (REAL)(i - 8) * EPSILON);
    for (int i = 1; i < 1000; i++) x[n++] = (REAL)(i * 1.57079632679489661923); /* zeros of sin, cos */
    assert_true(n <= SWEEP);
    return n;
}

static void F(unary_values)(void **state)
{
    (void)state;
    static REAL x[SWEEP], y[SWEEP];
    const int64_t n = F(arguments)(x);
    for (nrm_isa isa = NRM_ISA_SCALAR; isa <= nrm_cpu_isa(); isa++)
        for (int op = 0; op < NRM_UNARY_COUNT; op++) {
            F(nrm_elementwise_for)(isa)->unary[op](n, x, y);
            for (int64_t i = 0; i < n; i++) {
                const long double r = unary_reference((nrm_unary)op, x[i]), size = fabsl((long double)x[i]);
                if (!F(close)(y[i], r, bounds[op].ulps[KIND], bounds[op].absolute[KIND], size > 1 ? size : 1))
                    fail_msg("%s %s(%a) = %a, not %La: %Lg ulp", nrm_isa_name(isa), bounds[op].name, (double)x[i],
                             (double)y[i], r, ((long double)y[i] - r) / F(unit)(r));
                if (x[i] == 0 && r == 0 && !signbit(y[i]) != !signbit(r))
                    fail_msg("%s %s(%a) has the wrong sign", nrm_isa_name(isa), bounds[op].name, (double)x[i]);
            }
        }
}

static void F(binary_values)(void **state)
{
    (void)state;
    static REAL a[SWEEP], b[SWEEP], y[SWEEP], special[SWEEP];
    uint64_t seed = 6;
    const int count = F(specials)(special);
    int64_t n = 0;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) a[n] = special[i], b[n++] = special[j];
    for (int i = 0; i < 6000; i++) { /* a^b all over the range */
        a[n] = (REAL)exp2(i % 2 ? 40 * nrm_test_uniform(&seed) - 20 : 0.2 * nrm_test_uniform(&seed) - 0.1);
        b[n] = (REAL)(log((double)MOST) * (2.2 * nrm_test_uniform(&seed) - 1.1) / log((double)a[n]));
        n++;
    }
    for (int i = 0; i < 1000; i++) a[n] = (REAL)(-4 * nrm_test_uniform(&seed)), b[n++] = (REAL)(i % 21 - 10);
    assert_true(n <= SWEEP);
    for (nrm_isa isa = NRM_ISA_SCALAR; isa <= nrm_cpu_isa(); isa++)
        for (int op = 0; op < NRM_BINARY_COUNT; op++) {
            F(nrm_elementwise_for)(isa)->binary[op](n, a, b, y);
            const double ulps = op == NRM_BINARY_pow ? 1.0 : 0.5;
            for (int64_t i = 0; i < n; i++) {
                const long double r = binary_reference((nrm_binary)op, a[i], b[i]);
                if (!F(close)(y[i], r, ulps, 0, 1) && !(op != NRM_BINARY_pow && y[i] == (REAL)r))
                    fail_msg("%s %s(%a, %a) = %a, not %La: %Lg ulp", nrm_isa_name(isa), binary_name[op], (double)a[i],
                             (double)b[i], (double)y[i], r, ((long double)y[i] - r) / F(unit)(r));
            }
        }
}

/* ---- Tails, places, guards -------------------------------------------------------------------- */

enum { F(LONG) = 96, F(GUARD) = 24 };

static void F(mixed)(REAL *x, uint64_t seed) /* all kinds side by side */
{
    REAL special[SWEEP];
    const int count = F(specials)(special);
    for (int i = 0; i < F(LONG); i++) {
        x[i] = (REAL)(8 * nrm_test_uniform(&seed) - (i < 40 ? 4 : 0));
        if (i % 5 == 3) x[i] = special[nrm_test_next(&seed) % (uint64_t)count];
    }
}

/* got[shift .. shift + n) is want there, and nothing else in got was written. */
static void F(check_piece)(const REAL *got, const REAL *want, int64_t shift, int64_t n, const char *what)
{
    for (int64_t i = 0; i < F(LONG) + F(GUARD); i++) {
        const bool inside = i >= shift && i < shift + n;
        if (!F(same)(got[i], inside ? want[i] : (REAL)-77))
            fail_msg("%s: n %d, shift %d, element %d", what, (int)n, (int)shift, (int)i);
    }
}
static void F(clear)(REAL *y)
{
    for (int i = 0; i < F(LONG) + F(GUARD); i++) y[i] = -77;
}

static void F(tails)(void **state)
{
    (void)state;
    REAL x[F(LONG)], b[F(LONG)], c[F(LONG)], same[F(LONG)], whole[F(LONG)], y[F(LONG) + F(GUARD)];
    F(mixed)(x, 1);
    F(mixed)(b, 2);
    F(mixed)(c, 3);
    for (nrm_isa isa = NRM_ISA_SCALAR; isa <= nrm_cpu_isa(); isa++) {
        const F(nrm_elementwise) *k = F(nrm_elementwise_for)(isa);
        for (int64_t n = 0; n <= 67; n++) {
            const int64_t s = n % 7;
            for (int op = 0; op < NRM_UNARY_COUNT; op++) {
                k->unary[op](F(LONG), x, whole);
                F(clear)(y);
                k->unary[op](n, x + s, y + s);
                F(check_piece)(y, whole, s, n, bounds[op].name);
                memcpy(y + s, x + s, (size_t)n * sizeof *y);
                k->unary[op](n, y + s, y + s); /* in place */
                F(check_piece)(y, whole, s, n, bounds[op].name);
            }
            for (int op = 0; op < NRM_BINARY_COUNT; op++) {
                k->binary[op](F(LONG), x, b, whole);
                F(clear)(y);
                k->binary[op](n, x + s, b + s, y + s);
                F(check_piece)(y, whole, s, n, binary_name[op]);
                for (int first = 0; first < 2; first++) {
                    memcpy(y + s, (first ? x : b) + s, (size_t)n * sizeof *y);
                    k->binary[op](n, first ? y + s : x + s, first ? b + s : y + s, y + s);
                    F(check_piece)(y, whole, s, n, binary_name[op]);
                }
                for (int i = 0; i < F(LONG); i++) same[i] = b[n];
                k->binary[op](F(LONG), x, same, whole);
                memcpy(y + s, x + s, (size_t)n * sizeof *y);
                k->binary_vs[op](n, y + s, b[n], y + s);
                F(check_piece)(y, whole, s, n, binary_name[op]);
                k->binary[op](F(LONG), same, x, whole);
                memcpy(y + s, x + s, (size_t)n * sizeof *y);
                k->binary_sv[op](n, b[n], y + s, y + s);
                F(check_piece)(y, whole, s, n, binary_name[op]);
            }
            for (int i = 0; i < F(LONG); i++) c[i] = i % 3 ? c[i] : 0, whole[i] = c[i] != 0 ? x[i] : b[i];
            F(clear)(y);
            k->where(n, c + s, x + s, b + s, y + s);
            F(check_piece)(y, whole, s, n, "where");
            for (int i = 0; i < F(LONG); i++) whole[i] = x[i] + b[i];
            memcpy(y + s, b + s, (size_t)n * sizeof *y);
            k->accumulate(n, x + s, y + s);
            F(check_piece)(y, whole, s, n, "accumulate");
            for (int i = 0; i < F(LONG); i++) whole[i] = (REAL)FMA((REAL)1.7, x[i], b[i]);
            memcpy(y + s, b + s, (size_t)n * sizeof *y);
            k->axpy(n, (REAL)1.7, x + s, y + s);
            F(check_piece)(y, whole, s, n, "axpy");
            for (int i = 0; i < F(LONG); i++) whole[i] = 3;
            k->fill(n, 3, y + s);
            F(check_piece)(y, whole, s, n, "fill");
        }
    }
}

static void F(reductions)(void **state)
{
    (void)state;
    enum { MOST_N = 1000 };
    static REAL x[MOST_N + 1], moved[MOST_N + 1];
    uint64_t seed = 9;
    for (nrm_isa isa = NRM_ISA_SCALAR; isa <= nrm_cpu_isa(); isa++) {
        const F(nrm_elementwise) *k = F(nrm_elementwise_for)(isa);
        assert_true(k->isa <= isa);
        assert_true(k->sum(0, x) == 0 && k->greatest(0, x) == -(REAL)INFINITY && k->least(0, x) == (REAL)INFINITY);
        for (int64_t n = 1; n <= MOST_N; n += n < 80 ? 1 : 61) {
            long double sum = 0, size = 0;
            REAL most = -(REAL)INFINITY, least = (REAL)INFINITY;
            for (int64_t i = 0; i < n; i++) {
                moved[i + 1] = x[i] = (REAL)nrm_test_normal(&seed) + (REAL)(n % 3 - 1) * 5;
                sum += x[i];
                size += fabsl((long double)x[i]);
                most = x[i] > most ? x[i] : most;
                least = x[i] < least ? x[i] : least;
            }
            const long double allowed = EPSILON * size * (4 + (long double)n / 16);
            assert_true(fabsl(k->sum(n, x) - sum) <= allowed);
            assert_true(k->sum(n, x) == k->sum(n, moved + 1));
            assert_true(k->greatest(n, x) == most && k->least(n, x) == least);
            const int64_t place = (int64_t)(nrm_test_next(&seed) % (uint64_t)n);
            x[place] = (REAL)INFINITY;
            assert_true(k->greatest(n, x) == (REAL)INFINITY && isinf(k->sum(n, x)));
            assert_true(isfinite(k->least(n, x)) == (n > 1));
            x[place] = (REAL)NAN;
            assert_true(isnan(k->sum(n, x)) && isnan(k->greatest(n, x)) && isnan(k->least(n, x)));
        }
    }
}
