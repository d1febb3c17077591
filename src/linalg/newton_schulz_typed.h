/* newton_schulz_typed.h -- the body of newton_schulz.c, included once for each REAL, with
 * TYPED(name) and KERNELS_FOR, the table of elementwise passes.  No include guard on purpose.
 * Matrices are in panels unless they are called rows.  Every pass and product is a job, whose
 * pieces the threads share. */

#define KERNEL(at) ((at)->TYPED(kernel))

typedef struct TYPED(job) {
    const place *at;
    int64_t m, n, ld; /* of the matrix that is read */
    const REAL *from;
    REAL *to;
    double first, second; /* numbers of the pass */
    double *sums;
    TYPED(nrm_panels_product) product;
    nrm_quintic polynomial; /* if `from` is given: of it, the product being its square */
} TYPED(job);

/* A pass through a matrix of m x n: pieces are w of its rows, or a panel of n columns. */
static void TYPED(pass)(const TYPED(job) *job, int64_t n, piece *run)
{
    share(job->at, NULL, job->m * job->n >= WORTH, panels(KERNEL(job->at)->panel, n), run, job);
}

static void TYPED(in)(const void *job, int64_t t)
{
    const TYPED(job) *j = job;
    TYPED(nrm_panels_in)(KERNEL(j->at), j->m, j->n, t * KERNEL(j->at)->panel, j->from, j->ld, j->m > j->n, j->to);
}

/* x (s x l) = rows (m x n), or their transpose where that is the s x l form; zeros where it
 * is padded. */
static void TYPED(into_panels)(const place *at, int64_t m, int64_t n, const REAL *rows, int64_t ld, REAL *x)
{
    const TYPED(job) job = {.at = at, .m = m, .n = n, .ld = ld, .from = rows, .to = x};
    TYPED(pass)(&job, m, TYPED(in));
}

static void TYPED(out)(const void *job, int64_t t)
{
    const TYPED(job) *j = job;
    TYPED(nrm_panels_out)(KERNEL(j->at), j->m, j->n, t * KERNEL(j->at)->panel, j->from, j->m > j->n, j->to, j->ld);
}

static void TYPED(out_of_panels)(const place *at, int64_t m, int64_t n, const REAL *x, REAL *rows)
{
    const TYPED(job) job = {.at = at, .m = m, .n = n, .ld = n, .from = x, .to = rows};
    TYPED(pass)(&job, m, TYPED(out));
}

static int64_t TYPED(panel_size)(const place *at, int64_t m)
{
    return nrm_panels_up(KERNEL(at)->panel, m) * KERNEL(at)->panel;
}

static void TYPED(square_sum)(const void *job, int64_t t)
{
    const TYPED(job) *j = job;
    const int64_t size = TYPED(panel_size)(j->at, j->m);
    j->sums[t] = KERNELS_FOR(nrm_cpu_isa())->square_sum(size, j->first, j->from + t * size);
}

/* unit |x|_F in f64, panels joined in order; sums: a number for each panel. */
static double TYPED(frobenius)(const place *at, int64_t s, int64_t l, const REAL *x, double unit, double *sums)
{
    const TYPED(job) job = {.at = at, .m = s, .n = l, .from = x, .first = unit, .sums = sums};
    double sum = 0;

    TYPED(pass)(&job, l, TYPED(square_sum));
    for (int64_t t = 0; t < panels(KERNEL(at)->panel, l); t++) sum += sums[t];
    return sqrt(sum);
}

static void TYPED(scaled)(const void *job, int64_t t)
{
    const TYPED(job) *j = job;
    const int64_t size = TYPED(panel_size)(j->at, j->m);
    const REAL first = (REAL)j->first, second = (REAL)j->second;
    REAL *x = j->to + t * size;
    for (int64_t i = 0; i < size; i++) x[i] = x[i] * first * second;
}

/* x (s x l) <- x 2^exponent / divisor: by a power of two and a factor near 1, neither of which
 * leaves the range of REAL. */
static void TYPED(divide)(const place *at, int64_t s, int64_t l, double divisor, int exponent, REAL *x)
{
    int power;
    const double near = frexp(1 / divisor, &power);
    const TYPED(job) job = {.at = at, .m = s, .n = l, .to = x, .first = ldexp(1, power + exponent), .second = near};
    TYPED(pass)(&job, l, TYPED(scaled));
}

/* square (s x s) <- shift I + b gram + c square, in the lower part of a tile */
static void TYPED(combine)(const place *at, int64_t s, nrm_tile tile, nrm_quintic q, const REAL *gram, REAL *square)
{
    const int w = KERNEL(at)->panel;
    const int64_t high = nrm_panels_up(w, s), end = tile.top + tile.rows;

    for (int64_t j = tile.left; j < tile.left + tile.columns; j += w) {
        const int64_t i = nrm_max_i64(j, tile.top), first = j * high + i * w;
        if (i < end) KERNELS_FOR(nrm_cpu_isa())->descend((end - i) * w, q.c, -q.b, gram + first, square + first);
        for (int64_t k = j; i == j && k < nrm_min_i64(j + w, end); k++) square[j * high + k * w + k - j] += (REAL)q.a;
    }
}

static void TYPED(lower)(const void *job, int64_t t)
{
    const TYPED(job) *j = job;
    const nrm_tile tile = lower_tile(j->at, j->product.m, t);
    TYPED(nrm_panels_multiply)(KERNEL(j->at), &j->product, tile);
    if (j->from) TYPED(combine)(j->at, j->product.m, tile, j->polynomial, j->from, j->product.c);
    TYPED(nrm_panels_mirror)(KERNEL(j->at), j->product.m, tile, j->product.c);
}

/* c (s x s) = a' b for a product known to be symmetric; a, b: depth x s.  False: stopped. */
static bool TYPED(lower_product)(const place *at, int64_t s, int64_t depth, const REAL *a, const REAL *b, REAL *c)
{
    const TYPED(job) job = {.at = at, .product = {.m = s, .n = s, .k = depth, .a = a, .b = b, .c = c, .lower = true}};
    return share(at, at->ctx, true, lower_tiles(at, s), TYPED(lower), &job);
}

/* z = a I + b gram + c gram^2 */
static bool TYPED(polynomial)(const place *at, int64_t s, nrm_quintic q, const REAL *gram, REAL *z)
{
    const TYPED(job) job = {.at = at, .from = gram, .polynomial = q,
                            .product = {.m = s, .n = s, .k = q.c != 0 ? s : 0, .a = gram, .b = gram, .c = z, .lower = true}};
    return share(at, at->ctx, true, lower_tiles(at, s), TYPED(lower), &job);
}

static void TYPED(turn)(const void *job, int64_t t)
{
    const TYPED(job) *j = job;
    TYPED(nrm_panels_turn)(KERNEL(j->at), j->m, j->n, t * KERNEL(j->at)->panel, j->from, j->to);
}

/* gram (s x s) = x x'; turned becomes x'. */
static bool TYPED(own_product)(const place *at, int64_t s, int64_t l, const REAL *x, REAL *turned, REAL *gram)
{
    const TYPED(job) job = {.at = at, .m = s, .n = l, .from = x, .to = turned};
    TYPED(pass)(&job, s, TYPED(turn));
    return TYPED(lower_product)(at, s, l, turned, turned, gram);
}

static void TYPED(tile)(const void *job, int64_t t)
{
    const TYPED(job) *j = job;
    const int64_t down = tiles(j->at, j->product.m);
    TYPED(nrm_panels_multiply)(KERNEL(j->at), &j->product, tile_at(j->at, j->product.m, j->product.n, t % down, t / down));
}

/* next = z x; z: s x s, symmetric, x: s x l. */
static bool TYPED(apply)(const place *at, int64_t s, int64_t l, const REAL *z, const REAL *x, REAL *next)
{
    const TYPED(job) job = {.at = at, .product = {.m = s, .n = l, .k = s, .a = z, .b = x, .c = next}};
    return share(at, at->ctx, true, tiles(at, s) * tiles(at, l), TYPED(tile), &job);
}

static void TYPED(exchange)(REAL **a, REAL **b)
{
    REAL *kept = *a;
    *a = *b;
    *b = kept;
}

/* (2), all steps; *x and *next change places.  square: two of s x s. */
static bool TYPED(plain)(place *at, int64_t s, int64_t l, const nrm_newton_schulz_set *set, REAL **x, REAL **next,
                         REAL *square)
{
    REAL *gram = square, *z = gram + nrm_panels_size(KERNEL(at)->panel, s, s);

    for (at->step = 0; at->step < at->steps; at->step++) {
        if (!TYPED(own_product)(at, s, l, *x, *next, gram) ||
            !TYPED(polynomial)(at, s, coefficients(set, at->step), gram, z) ||
            !TYPED(apply)(at, s, l, z, *x, *next))
            return false;
        TYPED(exchange)(x, next);
    }
    return true;
}

/* (3), all steps, in phases that begin with R = X X' and end with X <- Q X.  square: four of s x s. */
static bool TYPED(gram_steps)(place *at, int64_t s, int64_t l, const nrm_newton_schulz_set *set, REAL **x, REAL **next,
                              REAL *square)
{
    const int64_t size = nrm_panels_size(KERNEL(at)->panel, s, s);
    REAL *r = square, *z = r + size, *q = z + size, *t = q + size;

    for (at->step = 0; at->step < at->steps;) {
        const int end = at->steps - at->step < PHASE ? at->steps : at->step + PHASE;
        if (!TYPED(own_product)(at, s, l, *x, *next, r)) return false;
        for (bool first = true; at->step < end; at->step++, first = false) {
            if (!TYPED(polynomial)(at, s, coefficients(set, at->step), r, first ? q : z)) return false;
            if (!first) {
                if (!TYPED(lower_product)(at, s, s, z, q, t)) return false;
                TYPED(exchange)(&q, &t);
            }
            if (at->step + 1 == end) continue;
            const REAL *factor = first ? q : z;
            if (!TYPED(lower_product)(at, s, s, factor, r, t) ||
                !TYPED(lower_product)(at, s, s, t, factor, r))
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
    const int64_t s = nrm_min_i64(m, n), l = nrm_max_i64(m, n), area = nrm_panels_size(KERNEL(at)->panel, s, l);
    REAL *square = work + 2 * area;
    double *sums = (double *)(void *)work;
    int exponent = 0;

    *x = work + area, *other = work;
    TYPED(into_panels)(at, m, n, work, n, *x);
    /* Squares of f64 beyond 1e154 or below 1e-154 are out of range: go by 2^-600, 2^600. */
    double norm = TYPED(frobenius)(at, s, l, *x, 1, sums);
    if (!isfinite(norm)) exponent = -600;
    else if (norm < 1e-140) exponent = 600;
    const double unit = ldexp(1, exponent);
    if (exponent) norm = TYPED(frobenius)(at, s, l, *x, unit, sums);
    TYPED(divide)(at, s, l, set->safety * norm + set->eps * unit, exponent, *x);
    return gram_form(s, l) ? TYPED(gram_steps)(at, s, l, set, x, other, square) : TYPED(plain)(at, s, l, set, x, other, square);
}

REAL *TYPED(nrm_newton_schulz_run)(int64_t m, int64_t n, REAL *work, const nrm_newton_schulz_set *set, int steps,
                                   int threads)
{
    place at = place_of(NULL, "", nrm_min_i64(m, n), nrm_max_i64(m, n), steps > 0 ? steps : set->default_steps, threads);
    REAL *x, *other;

    TYPED(iterate)(&at, m, n, work, set, &x, &other);
    TYPED(out_of_panels)(&at, m, n, x, other);
    return other;
}

/* |gram - I|_F / sqrt(s) */
static double TYPED(residual)(const place *at, int64_t s, const REAL *gram)
{
    const int w = KERNEL(at)->panel;
    const int64_t high = nrm_panels_up(w, s);
    double sum = 0;

    for (int64_t j = 0; j < s; j += w)
        for (int64_t i = 0; i < s; i++)
            for (int64_t k = 0; k < nrm_min_i64(w, s - j); k++) {
                const double off = (double)gram[j * high + i * w + k] - (i == j + k);
                sum += off * off;
            }
    return sqrt(sum / (double)s);
}

static nrm_status TYPED(run)(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, REAL *x, int64_t ld,
                             const nrm_newton_schulz_set *set, int steps, double *residual)
{
    const int64_t s = nrm_min_i64(m, n), l = nrm_max_i64(m, n);
    place at = place_of(ctx, who, s, l, steps, nrm_threads(ctx));
    REAL *work, *now, *other;
    nrm_status st = NRM_OK;
    double found = 0;
    int64_t row, col;

    NRM_TRY(TYPED(nrm_check)(ctx, who, "the matrix", 1, m, n, x, ld));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, work, nrm_newton_schulz_work(m, n), who));
    for (int64_t i = 0; i < m; i++) memcpy(work + i * n, x + i * ld, (size_t)n * sizeof *x);
    if (!TYPED(iterate)(&at, m, n, work, set, &now, &other)) {
        st = cancelled(&at);
        goto done;
    }
    if (residual) {
        REAL *gram = work + 2 * nrm_panels_size(KERNEL(&at)->panel, s, l);
        if (!TYPED(own_product)(&at, s, l, now, other, gram)) {
            st = cancelled(&at);
            goto done;
        }
        found = TYPED(residual)(&at, s, gram);
    }
    TYPED(out_of_panels)(&at, m, n, now, other);
    NRM_STOP_IF(!TYPED(nrm_finite)(m, n, other, n, &row, &col), NRM_E_OVERFLOW, "%s: Newton-Schulz with the "
                "coefficients %s overflows after %d steps; take fewer", who, set->name, steps);
    for (int64_t i = 0; i < m; i++) memcpy(x + i * ld, other + i * n, (size_t)n * sizeof *x);
    if (residual) *residual = found;
done:
    nrm_free(ctx, work);
    return st;
}
#undef KERNEL
