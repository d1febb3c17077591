/* optimizer_kernels_body.h -- the loops of optimizer_kernels.h: plain C that every compiler
 * turns into vectors, built with each instruction set's flags.  Included once a type, after
 * REAL, F(name), ROOT (its square root) and TABLE (the name of the table) are defined.  No
 * include guard on purpose. */

typedef REAL F(vector) __attribute__((vector_size(32)));
typedef struct F(factors) { REAL clip, momentum, rest, direct, through; } F(factors);
enum { F(LINE) = 64 / sizeof(REAL) }; /* of the cache */

static void F(sgd)(int64_t n, const nrm_sgd_factors *f, const REAL *restrict g, REAL *restrict w)
{
    const REAL clip = (REAL)f->clip, l2 = (REAL)f->l2, keep = (REAL)f->keep, rate = (REAL)f->rate;
    for (int64_t i = 0; i < n; i++) w[i] = keep * w[i] - rate * (clip * g[i] + l2 * w[i]);
}

static void F(sgd_momentum)(int64_t n, const nrm_sgd_factors *f, const REAL *restrict g, REAL *restrict m,
                            REAL *restrict w)
{
    const REAL clip = (REAL)f->clip, l2 = (REAL)f->l2, momentum = (REAL)f->momentum, direct = (REAL)f->direct;
    const REAL through = (REAL)f->through, keep = (REAL)f->keep, rate = (REAL)f->rate;
    for (int64_t i = 0; i < n; i++) {
        const REAL d = clip * g[i] + l2 * w[i];
        m[i] = momentum * m[i] + d;
        w[i] = keep * w[i] - rate * (direct * d + through * m[i]);
    }
}

/* `count` elements: known to be a cache line's in the loop, so that it becomes whole vectors. */
static inline __attribute__((always_inline)) void F(adamw_few)(int64_t count, const nrm_adamw_factors *f, const REAL *restrict g,
                                                               REAL *restrict m, REAL *restrict v, REAL *restrict w)
{
    const REAL clip = (REAL)f->clip, beta1 = (REAL)f->beta1, rest1 = (REAL)(1 - f->beta1), beta2 = (REAL)f->beta2;
    const REAL rest2 = (REAL)(1 - f->beta2), eps = (REAL)f->eps, root = (REAL)f->root;
    const REAL keep = (REAL)f->keep, rate = (REAL)f->rate;
    for (int64_t i = 0; i < count; i++) {
        const REAL d = clip * g[i];
        m[i] = beta1 * m[i] + rest1 * d;
        v[i] = beta2 * v[i] + rest2 * d * d;
        w[i] = keep * w[i] - rate * (m[i] / (root * ROOT(v[i]) + eps));
    }
}

static void F(adamw)(int64_t n, const nrm_adamw_factors *f, const REAL *restrict g, REAL *restrict m,
                     REAL *restrict v, REAL *restrict w)
{
    int64_t i = 0;
    for (; i + F(LINE) <= n; i += F(LINE)) {
        nrm_fetch_ahead(g + i);
        nrm_fetch_ahead(m + i);
        nrm_fetch_ahead(v + i);
        nrm_fetch_ahead(w + i);
        F(adamw_few)(F(LINE), f, g + i, m + i, v + i, w + i);
    }
    F(adamw_few)(n - i, f, g + i, m + i, v + i, w + i);
}

static void F(lion)(int64_t n, const nrm_lion_factors *f, const REAL *restrict g, REAL *restrict m, REAL *restrict w)
{
    const REAL clip = (REAL)f->clip, beta1 = (REAL)f->beta1, rest1 = (REAL)(1 - f->beta1), beta2 = (REAL)f->beta2;
    const REAL rest2 = (REAL)(1 - f->beta2), keep = (REAL)f->keep, rate = (REAL)f->rate;
    for (int64_t i = 0; i < n; i++) {
        const REAL d = clip * g[i], u = beta1 * m[i] + rest1 * d;
        m[i] = beta2 * m[i] + rest2 * d;
        w[i] = keep * w[i] - rate * (REAL)((u > 0) - (u < 0)); /* no branch: signs are random */
    }
}

static void F(momentum)(int64_t n, const nrm_momentum_factors *f, const REAL *restrict g, REAL *restrict m,
                        REAL *restrict u)
{
    const REAL momentum = (REAL)f->momentum, rest = (REAL)f->rest;
    const REAL clip = (REAL)f->clip, direct = (REAL)f->direct, through = (REAL)f->through;
    for (int64_t i = 0; i < n; i++) {
        const REAL d = clip * g[i];
        m[i] = momentum * m[i] + rest * d;
        u[i] = direct * d + through * m[i];
    }
}

static void F(descend)(int64_t n, double keep_, double rate_, const REAL *restrict d, REAL *restrict w)
{
    const REAL keep = (REAL)keep_, rate = (REAL)rate_;
    for (int64_t i = 0; i < n; i++) w[i] = keep * w[i] - rate * d[i];
}

/* Decay where the step and the decay pull the same way: keep or 1, exactly, without a branch. */
static inline REAL F(keep_where)(REAL keep, REAL d, REAL w)
{
    const REAL same = (REAL)(((w > 0) & (d > 0)) | ((w < 0) & (d < 0)));
    return same * keep + (1 - same);
}

static void F(descend_cautious)(int64_t n, double keep_, double rate_, const REAL *restrict d, REAL *restrict w)
{
    const REAL keep = (REAL)keep_, rate = (REAL)rate_;
    for (int64_t i = 0; i < n; i++) w[i] = F(keep_where)(keep, d[i], w[i]) * w[i] - rate * d[i];
}

static void F(descend_momentum)(int64_t n, const nrm_momentum_factors *f, double keep_, double rate_, const REAL *restrict g,
                                const REAL *restrict m, REAL *restrict w)
{
    const REAL clip = (REAL)f->clip, direct = (REAL)f->direct, through = (REAL)f->through;
    const REAL keep = (REAL)keep_, rate = (REAL)rate_;
    for (int64_t i = 0; i < n; i++) w[i] = keep * w[i] - rate * (direct * (clip * g[i]) + through * m[i]);
}

static void F(descend_columns)(int64_t n, double keep_, bool cautious, const double *restrict rate, const REAL *restrict d,
                               REAL *restrict w)
{
    const REAL keep = (REAL)keep_;
    if (cautious)
        for (int64_t i = 0; i < n; i++) w[i] = F(keep_where)(keep, d[i], w[i]) * w[i] - (REAL)rate[i] * d[i];
    else
        for (int64_t i = 0; i < n; i++) w[i] = keep * w[i] - (REAL)rate[i] * d[i];
}

static void F(scale)(int64_t n, double factor_, REAL *restrict x)
{
    const REAL factor = (REAL)factor_;
    for (int64_t i = 0; i < n; i++) x[i] *= factor;
}

static void F(clamp)(int64_t n, double bound_, REAL *restrict x)
{
    const REAL bound = (REAL)bound_;
    for (int64_t i = 0; i < n; i++) {
        const REAL low = x[i] < -bound ? -bound : x[i];
        x[i] = low > bound ? bound : low;
    }
}

static double F(square_sum)(int64_t n, double unit, const REAL *restrict x)
{
    enum { LANES = 16 };
    double lane[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) {
            const double value = unit * (double)x[i + k];
            lane[k] += value * value;
        }
    for (int k = 0; i < n; i++, k++) {
        const double value = unit * (double)x[i];
        lane[k] += value * value;
    }
    for (int k = 0; k < LANES; k++) sum += lane[k];
    return sum;
}

/* `count` vectors of g and m: m moves, and the even powers of unit u add up in `sum`, a lane
 * for every number of a vector.  The sums have names so that they stay in registers. */
static inline void F(run_powers)(int64_t count, const F(factors) *f, const REAL *restrict g, REAL *restrict m,
                                 F(vector) *restrict sum)
{
    const REAL clip = f->clip, momentum = f->momentum, rest = f->rest, direct = f->direct, through = f->through;
    F(vector) s2 = {0}, s4 = s2, s6 = s2, s8 = s2;

    for (int64_t i = 0; i < count; i++, g += sizeof s2 / sizeof *g, m += sizeof s2 / sizeof *m) {
        F(vector) d, now;
        memcpy(&d, g, sizeof d);
        memcpy(&now, m, sizeof now);
        d *= clip;
        now = momentum * now + rest * d;
        memcpy(m, &now, sizeof now);
        const F(vector) u = direct * d + through * now, u2 = u * u, u4 = u2 * u2;
        s2 += u2, s4 += u4, s6 += u4 * u2, s8 += u4 * u4;
    }
    sum[0] = s2, sum[1] = s4, sum[2] = s6, sum[3] = s8;
}

/* Sums of a run in the type, runs in f64. */
static void F(momentum_powers)(int64_t n, const nrm_momentum_factors *f, double unit, const REAL *restrict g,
                               REAL *restrict m, double *restrict sum)
{
    enum { LANES = (int)(sizeof(F(vector)) / sizeof(REAL)), RUN = 128 * LANES };
    const F(factors) own = {(REAL)f->clip, (REAL)f->momentum, (REAL)f->rest, (REAL)(unit * f->direct), (REAL)(unit * f->through)};
    double lane[NRM_POWERS][LANES] = {{0}};

    for (int64_t i = 0; i < n; i += RUN) {
        const int64_t width = n - i < RUN ? n - i : RUN, whole = width / LANES, left = width % LANES;
        REAL g_end[LANES] = {0}, m_end[LANES] = {0};
        F(vector) run[NRM_POWERS];
        F(run_powers)(whole, &own, g + i, m + i, run);
        for (int p = 0; p < NRM_POWERS; p++)
            for (int k = 0; k < LANES; k++) lane[p][k] += (double)run[p][k];
        if (left == 0) continue;
        memcpy(g_end, g + i + width - left, (size_t)left * sizeof *g);
        memcpy(m_end, m + i + width - left, (size_t)left * sizeof *m);
        F(run_powers)(1, &own, g_end, m_end, run);
        memcpy(m + i + width - left, m_end, (size_t)left * sizeof *m);
        for (int p = 0; p < NRM_POWERS; p++)
            for (int k = 0; k < left; k++) lane[p][k] += (double)run[p][k];
    }
    for (int p = 0; p < NRM_POWERS; p++) {
        sum[p] = 0;
        for (int k = 0; k < LANES; k++) sum[p] += lane[p][k];
    }
}

static void F(add_squares)(int64_t n, const REAL *restrict x, double *restrict sum)
{
    for (int64_t i = 0; i < n; i++) sum[i] += (double)x[i] * (double)x[i];
}

/* x - x is 0 for a finite x and NaN otherwise.  In several places at once: one stream of
 * reads would use half of the memory's speed. */
static bool F(finite)(int64_t n, const REAL *restrict x)
{
    enum { STREAMS = 4, LINE = F(LINE) };
    const int64_t part = n / (STREAMS * LINE) * LINE;
    REAL lane[STREAMS][LINE] = {{0}}, sum = 0;
    for (int64_t i = 0; i < part; i += LINE)
        for (int t = 0; t < STREAMS; t++)
            for (int k = 0; k < LINE; k++) lane[t][k] += x[t * part + i + k] - x[t * part + i + k];
    for (int64_t i = STREAMS * part; i < n; i++) sum += x[i] - x[i];
    for (int k = 0; k < STREAMS * LINE; k++) sum += lane[k / LINE][k % LINE];
    return sum == 0;
}

const TABLE = {F(sgd), F(sgd_momentum), F(adamw), F(lion), F(momentum), F(descend), F(descend_cautious), F(descend_momentum),
               F(descend_columns), F(scale), F(clamp), F(square_sum), F(momentum_powers), F(add_squares), F(finite)};
