/* sketch_pooled.c -- bgp, sums of random rows of a Hadamard transform.  Contract: sketch.h.
 *
 * With y = H_N D A, row j of S A is the sum over positions k of its block, s j <= k < s (j + 1),
 *
 *     (S A)_j = (1/sqrt(N)) sum_k gamma_k y_perm(k).
 *
 * From a chunk I of B rows, y_t holds (-1)^|t' & I| (H_B (D A)_I)_t'' (sketch_hadamard.c), so a
 * chunk of all rows is the plain case and a smaller one repeats the sums over all N positions.
 * A panel of columns is transformed by one thread, its sums are shared by output rows: every sum
 * runs over k in order.
 *
 * The permutation: up to TABLE positions one of all, drawn by Fisher and Yates.  Beyond, rounds
 * of x <- (x + a) b mod N with b odd and of x <- x xor (x >> half the bits): each is one to one,
 * the keys a, b are random numbers, and no memory is needed. */
#include "kernel/hadamard.h"
#include "sketch_family.h"

enum { TABLE = 1 << 16, ROUNDS = 6, SECTION = 1024, LEAST_CHUNK = 1024, CHUNK_BYTES = 1 << 27 };

typedef struct pooled {
    const nrm_hadamard_kernels *kernels;
    int64_t padded, width, panels; /* N, N/m */
    int64_t threads;  /* panels at once */
    int64_t *table;   /* of the permutation, or NULL */
    uint64_t key[2 * ROUNDS];
    int shift;
    double *sums;     /* panels x m x NRM_PANEL */
} pooled;

static nrm_status begin_permutation(nrm_ctx *ctx, const nrm_sketch_sum *sum)
{
    pooled *s = sum->state;
    nrm_rng rng = nrm_sketch_rng(&sum->plan, NRM_SKETCH_CHOICE);

    if (s->padded <= TABLE) {
        NRM_TRY(NRM_ALLOC(ctx, s->table, s->padded, sum->who));
        nrm_rng_permutation(&rng, s->table, s->padded);
        return NRM_OK;
    }
    for (int r = 0; r < ROUNDS; r++) {
        s->key[2 * r] = nrm_rng_u64(&rng);
        s->key[2 * r + 1] = nrm_rng_u64(&rng) | 1;
    }
    for (int64_t size = s->padded; size > 1; size /= 4) s->shift++; /* half the bits, rounded up */
    return NRM_OK;
}

static nrm_status begin(nrm_ctx *ctx, nrm_sketch_sum *sum)
{
    const int64_t m = sum->plan.m, n = sum->plan.n;
    pooled *s;

    NRM_REQUIRE(ctx, nrm_is_power_of_two(m), NRM_E_RANGE, "%s: a pooled sketch of %lld rows; it must be a power of two: "
                "ask for %lld", sum->who, NRM_LL(m), NRM_LL(nrm_next_power_of_two(m)));
    NRM_REQUIRE(ctx, sum->plan.pool >= 0, NRM_E_RANGE, "%s: a pool of %lld rows; it must be 0 or more", sum->who,
                NRM_LL(sum->plan.pool));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, s, 1, sum->who));
    sum->state = s;
    s->kernels = nrm_hadamard_kernels_for(nrm_cpu_isa());
    s->width = nrm_next_power_of_two(nrm_max_i64((n + m - 1) / m, sum->plan.pool));
    NRM_REQUIRE(ctx, s->width > 0 && nrm_mul_size(m, s->width, &s->padded), NRM_E_OVERFLOW, "%s: a pooled sketch of "
                "%lld rows, pool %lld, is too large", sum->who, NRM_LL(m), NRM_LL(sum->plan.pool));
    s->panels = (sum->columns + NRM_PANEL - 1) / NRM_PANEL;
    s->threads = nrm_min_i64(sum->threads, s->panels);
    sum->unit = nrm_min_i64(s->padded, LEAST_CHUNK);
    while (sum->unit < n && 2 * sum->unit * sum->columns * 8 <= CHUNK_BYTES) sum->unit *= 2;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, s->sums, s->panels * m * NRM_PANEL, sum->who));
    return begin_permutation(ctx, sum);
}

static int64_t permuted(const pooled *s, int64_t k)
{
    const uint64_t mask = (uint64_t)s->padded - 1;
    uint64_t x = (uint64_t)k;

    if (s->table) return s->table[k];
    for (int r = 0; r < ROUNDS; r++) {
        x = (x + s->key[2 * r]) * s->key[2 * r + 1] & mask;
        x ^= x >> s->shift;
    }
    return (int64_t)x;
}

/* Positions first .. first + count - 1 (first even) of chunk number `chunk` of `size` rows: the
 * places in its panel, and gamma under the sign of the chunk. */
static void positions(const nrm_sketch_sum *sum, int64_t first, int64_t count, int64_t size, int64_t chunk,
                      int64_t place[SECTION], double gamma[SECTION + 1])
{
    const pooled *s = sum->state;
    nrm_sketch_normals(&sum->plan, NRM_SKETCH_GAMMA + (uint64_t)(first / 2), (count + 1) / 2, gamma);
    for (int64_t k = 0; k < count; k++) {
        const int64_t t = permuted(s, first + k);
        place[k] = t & (size - 1);
        gamma[k] *= nrm_sketch_parity(t / size, chunk);
    }
}

/* Section number `section` of the positions: at most SECTION, of one output row or of several. */
static void pool_section(const nrm_sketch_sum *sum, int64_t section, int64_t length, int64_t size, int64_t chunk,
                         const double *panel, double *sums)
{
    const pooled *s = sum->state;
    int64_t place[SECTION];
    double gamma[SECTION + 2];

    for (int64_t first = section * length; first < (section + 1) * length; first += SECTION) {
        const int64_t count = nrm_min_i64(SECTION, length), step = nrm_min_i64(s->width, count);
        positions(sum, first, count, size, chunk, place, gamma);
        for (int64_t k = 0; k < count; k += step) {
            double row[NRM_PANEL], *to = sums + (first + k) / s->width * NRM_PANEL;
            s->kernels->weigh_rows(step, place + k, gamma + k, panel, row);
            for (int64_t c = 0; c < NRM_PANEL; c++) to[c] += row[c];
        }
    }
}

/* A chunk of `size` rows, a power of two. */
static nrm_status add_chunk(nrm_ctx *ctx, const nrm_sketch_sum *sum, const nrm_sketch_rows *rows, int64_t from,
                            int64_t size, double *panels, double *sign)
{
    const pooled *s = sum->state;
    const int64_t count = nrm_min_i64(size, rows->count - from), chunk = (rows->first + from) / size;
    const int64_t length = nrm_min_i64(s->padded, nrm_max_i64(s->width, SECTION)), sections = s->padded / length;

    nrm_sketch_signs(&sum->plan, 0, rows->first + from, count, sign);
    for (int64_t first = 0; first < s->panels; first += s->threads) {
        const int64_t round = nrm_min_i64(s->threads, s->panels - first);
        NRM_TRY(nrm_sketch_tick(ctx, sum, rows->first + from + first * count / s->panels));
#pragma omp parallel for num_threads((int)s->threads) schedule(static, 1) if (size * sum->columns > NRM_SKETCH_TEAM)
        for (int64_t t = 0; t < round; t++) {
            nrm_sketch_panel(sum, rows, from, count, first + t, sign, size, panels + t * size * NRM_PANEL);
            s->kernels->transform(panels + t * size * NRM_PANEL, size);
        }
#pragma omp parallel for num_threads(sum->threads) schedule(dynamic) if (s->padded * sum->columns > NRM_SKETCH_TEAM)
        for (int64_t task = 0; task < round * sections; task++) {
            const int64_t t = task / sections;
            pool_section(sum, task % sections, length, size, chunk, panels + t * size * NRM_PANEL,
                         s->sums + (first + t) * sum->plan.m * NRM_PANEL);
        }
    }
    return NRM_OK;
}

static nrm_status add(nrm_ctx *ctx, nrm_sketch_sum *sum, const nrm_sketch_rows *rows)
{
    const pooled *s = sum->state;
    const bool all = rows->count == sum->plan.n;
    const int64_t size = all ? s->padded : sum->unit;
    nrm_arena arena = {0};
    nrm_status st = NRM_OK;

    const int panel_slot = nrm_arena_add(&arena, s->threads * size, NRM_PANEL * sizeof(double));
    const int sign_slot = nrm_arena_add(&arena, size, sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, sum->who));
    for (int64_t from = 0; from < rows->count; from += size)
        NRM_TRY_DONE(add_chunk(ctx, sum, rows, from, size, nrm_arena_at(&arena, panel_slot), nrm_arena_at(&arena, sign_slot)));
done:
    nrm_arena_free(ctx, &arena);
    return st;
}

static void finish(nrm_sketch_sum *sum)
{
    const pooled *s = sum->state;
    const double scale = 1 / sqrt((double)s->padded);

    for (int64_t r = 0; r < sum->plan.m; r++)
        for (int64_t c = 0; c < sum->columns; c++)
            sum->values[r * sum->columns + c] = scale * s->sums[(c / NRM_PANEL * sum->plan.m + r) * NRM_PANEL + c % NRM_PANEL];
}

static void end(nrm_ctx *ctx, nrm_sketch_sum *sum)
{
    pooled *s = sum->state;
    nrm_free(ctx, s->table);
    nrm_free(ctx, s->sums);
}

const nrm_sketch_family nrm_sketch_pooled = {begin, add, finish, end};
