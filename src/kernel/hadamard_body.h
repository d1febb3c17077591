/* hadamard_body.h -- the loops of hadamard.h on vectors of BYTES, built with each instruction
 * set's flags.  Included once, after BYTES and TABLE (its name) are defined.
 *
 * Level h adds and subtracts the rows i and i + h, bit h of i being clear: levels 1, 2, 4, ... in
 * this order, three at a time with eight rows in registers.  Beyond LEAF rows the eighths are
 * finished first, each while it lies in the cache, and then joined. */

typedef double vector __attribute__((vector_size(BYTES)));
#define INLINE static inline __attribute__((always_inline))
enum { LANES = BYTES / 8, WIDTH = NRM_HADAMARD_WIDTH, PARTS = WIDTH / LANES, LEAF = 512, LINE = 8 };

INLINE vector load(const double *p)
{
    vector x;
    memcpy(&x, p, sizeof x);
    return x;
}
INLINE void store(double *p, vector x) { memcpy(p, &x, sizeof x); }

INLINE void butterfly(vector *x, vector *y)
{
    const vector a = *x, b = *y;
    *x = a + b;
    *y = a - b;
}

/* All levels on 2, 4 or 8 vectors. */
INLINE void short_transform(const int radix, vector x[8])
{
    for (int h = 1; h < radix; h *= 2)
        for (int i = 0; i < radix; i++)
            if (!(i & h)) butterfly(&x[i], &x[i + h]);
}

/* The n/8 rows of NRM_HADAMARD_AHEAD doubles, ld apart, that are called into the cache on the way:
 * SHARE lines of eight doubles for each eight rows of the first, the second and the third pass and
 * of the additions, four passes of about the same time, so that memory is never idle.  The lines
 * follow each other in the order of addresses: then the hardware runs ahead by itself. */
enum { LINES = NRM_HADAMARD_AHEAD / LINE, SHARE = LINES / 4 };
INLINE void call(const double *ahead, int64_t ld, int64_t line, int64_t count)
{
    for (uint64_t at = (uint64_t)line, end = at + (uint64_t)count; at < end; at++)
        __builtin_prefetch(ahead + (int64_t)(at / LINES) * ld + at % LINES * LINE, 0, 3);
}

/* Levels h .. radix h / 2 of a panel of n rows; lines of `ahead` are called from `line` on. */
INLINE void pass(const int radix, double *panel, int64_t n, int64_t h, const double *ahead, int64_t ld, int64_t line)
{
    for (int64_t block = 0; block < n; block += radix * h)
        for (int64_t i = block; i < block + h; i++) {
            if (ahead) {
                call(ahead, ld, line, SHARE);
                line += SHARE;
            }
            for (int part = 0; part < PARTS; part++) {
                double *at = panel + i * WIDTH + part * LANES;
                vector x[8];
#pragma GCC unroll 8
                for (int k = 0; k < radix; k++) x[k] = load(at + k * h * WIDTH);
                short_transform(radix, x);
#pragma GCC unroll 8
                for (int k = 0; k < radix; k++) store(at + k * h * WIDTH, x[k]);
            }
        }
}
static void pass_8(double *panel, int64_t n, int64_t h) { pass(8, panel, n, h, NULL, 0, 0); }
static void pass_4(double *panel, int64_t n, int64_t h) { pass(4, panel, n, h, NULL, 0, 0); }
static void pass_2(double *panel, int64_t n, int64_t h) { pass(2, panel, n, h, NULL, 0, 0); }

/* The levels from h on. */
static void levels(double *panel, int64_t n, int64_t h, const double *ahead, int64_t ld, int64_t line)
{
    if (n > LEAF) {
        for (int64_t k = 0; k < 8; k++)
            levels(panel + k * (n / 8) * WIDTH, n / 8, h, ahead, ld, line + k * (n / 64) * 2 * SHARE);
        pass_8(panel, n, n / 8);
        return;
    }
    if (ahead && 64 * h <= n) {
        pass(8, panel, n, h, ahead, ld, line);
        pass(8, panel, n, 8 * h, ahead, ld, line + n / 8 * SHARE);
        h *= 64;
    }
    for (; 8 * h <= n; h *= 8) pass_8(panel, n, h);
    if (4 * h == n) pass_4(panel, n, h);
    if (2 * h == n) pass_2(panel, n, h);
}

static void transform(double *panel, int64_t n) { levels(panel, n, 1, NULL, 0, 0); }

static void transform_of(const double *a, int64_t ld, const double *sign, int64_t n, double *panel, const double *ahead)
{
    if (n < 8) {
        for (int64_t i = 0; i < n; i++)
            for (int c = 0; c < WIDTH; c++) panel[i * WIDTH + c] = sign[i] * a[i * ld + c];
        levels(panel, n, 1, NULL, 0, 0);
        return;
    }
    for (int64_t i = 0; i < n; i += 8) { /* the first pass, on the way in */
        const double *low = a + i * ld, *high = low + 4 * ld;
        if (ahead) call(ahead, ld, i / 8 * SHARE, SHARE);
#pragma GCC unroll 4
        for (int part = 0; part < PARTS; part++) {
            vector x[8];
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++) {
                x[k] = sign[i + k] * load(low + k * ld + part * LANES);
                x[4 + k] = sign[i + 4 + k] * load(high + k * ld + part * LANES);
            }
            short_transform(8, x);
#pragma GCC unroll 8
            for (int k = 0; k < 8; k++) store(panel + (i + k) * WIDTH + part * LANES, x[k]);
        }
    }
    levels(panel, n, 8, ahead, ld, n / 8 * SHARE);
}

static void add_rows(int64_t m, const int32_t *row, const double *sign, const double *panel, double *sums, int64_t n,
                     const double *ahead, int64_t ld)
{
    const int64_t every = 8 / SHARE, end = n / 8 * LINES;
    int64_t line = n / 8 * 3 * SHARE;

    for (int64_t r = 0; r < m; r++) {
        if (ahead && r % every == 0 && line < end) call(ahead, ld, line++, 1);
        for (int part = 0; part < PARTS; part++) {
            double *to = sums + r * WIDTH + part * LANES;
            store(to, load(to) + sign[r] * load(panel + (int64_t)row[r] * WIDTH + part * LANES));
        }
    }
    if (ahead && line < end) call(ahead, ld, line, end - line);
}

static void weigh_rows(int64_t count, const int64_t *row, const double *factor, const double *panel, double *sum)
{
    vector total[PARTS];
    for (int part = 0; part < PARTS; part++) total[part] = (vector){0};
    for (int64_t k = 0; k < count; k++)
        for (int part = 0; part < PARTS; part++) total[part] += factor[k] * load(panel + row[k] * WIDTH + part * LANES);
    for (int part = 0; part < PARTS; part++) store(sum + part * LANES, total[part]);
}

const nrm_hadamard_kernels TABLE = {transform, transform_of, add_rows, weigh_rows};
