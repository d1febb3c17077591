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

/* Lines first .. end - 1 of a row of NRM_HADAMARD_AHEAD.  The eight lines of a row are shared by
 * three passes, so that memory is never idle: asked for at once they would wait in a queue. */
enum { FIRST = 2, SECOND = 5, THIRD = NRM_HADAMARD_AHEAD / LINE };
INLINE void call(const double *row, const int first, const int end)
{
    for (int line = first; line < end; line++) __builtin_prefetch(row + line * LINE, 0, 2);
}

/* Levels h .. radix h / 2 of a panel of n rows; `ahead` is a row for every radix rows. */
INLINE void pass(const int radix, double *panel, int64_t n, int64_t h, const double *ahead, int64_t ld, const int first,
                 const int end)
{
    for (int64_t block = 0; block < n; block += radix * h)
        for (int64_t i = block; i < block + h; i++) {
            if (ahead) {
                call(ahead, first, end);
                ahead += ld;
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
static void pass_8(double *panel, int64_t n, int64_t h) { pass(8, panel, n, h, NULL, 0, 0, 0); }
static void pass_4(double *panel, int64_t n, int64_t h) { pass(4, panel, n, h, NULL, 0, 0, 0); }
static void pass_2(double *panel, int64_t n, int64_t h) { pass(2, panel, n, h, NULL, 0, 0, 0); }

/* The levels from h on. */
static void levels(double *panel, int64_t n, int64_t h, const double *ahead, int64_t ld)
{
    if (n > LEAF) {
        for (int64_t k = 0; k < 8; k++)
            levels(panel + k * (n / 8) * WIDTH, n / 8, h, ahead ? ahead + k * (n / 64) * ld : NULL, ld);
        pass_8(panel, n, n / 8);
        return;
    }
    if (ahead && 64 * h <= n) {
        pass(8, panel, n, h, ahead, ld, FIRST, SECOND);
        pass(8, panel, n, 8 * h, ahead, ld, SECOND, THIRD);
        h *= 64;
    }
    for (; 8 * h <= n; h *= 8) pass_8(panel, n, h);
    if (4 * h == n) pass_4(panel, n, h);
    if (2 * h == n) pass_2(panel, n, h);
}

static void transform(double *panel, int64_t n) { levels(panel, n, 1, NULL, 0); }

static void transform_of(const double *a, int64_t ld, const double *sign, int64_t n, double *panel, const double *ahead)
{
    if (n < 8) {
        for (int64_t i = 0; i < n; i++)
            for (int c = 0; c < WIDTH; c++) panel[i * WIDTH + c] = sign[i] * a[i * ld + c];
        levels(panel, n, 1, NULL, 0);
        return;
    }
    for (int64_t i = 0; i < n; i += 8) { /* the first pass, on the way in */
        const double *low = a + i * ld, *high = low + 4 * ld;
        if (ahead) call(ahead + i / 8 * ld, 0, FIRST);
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
    levels(panel, n, 8, ahead, ld);
}

static void add_rows(int64_t m, const int32_t *row, const double *sign, const double *panel, double *sums)
{
    for (int64_t r = 0; r < m; r++)
        for (int part = 0; part < PARTS; part++) {
            double *to = sums + r * WIDTH + part * LANES;
            store(to, load(to) + sign[r] * load(panel + (int64_t)row[r] * WIDTH + part * LANES));
        }
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
