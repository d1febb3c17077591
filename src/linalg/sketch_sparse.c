/* sketch_sparse.c -- countsketch and osnap: few entries a column of S.  Contract: sketch.h.
 *
 * Row i of A goes, under a sign, to one row in each of s bands of S A (countsketch: s = 1).  For
 * several threads the entries of a block of rows are sorted into RANGES ranges of rows of S A,
 * keeping their order, and a range is filled by one thread.  So a row of S A is always summed by
 * rising i: its bits do not depend on blocks, chunks or threads. */
#include "kernel/elementwise.h"
#include "sketch_family.h"

enum { RANGES = 16, ENTRIES = 1 << 16, UNIT = 1 << 13, BATCH = 128 };

typedef struct entry { int64_t row, target; } entry; /* target: ~t under the sign -1 */
typedef struct sparse {
    int64_t bands, block; /* rows of A whose entries are sorted at once */
    entry *drawn, *sorted;
} sparse;

static nrm_status begin(nrm_ctx *ctx, nrm_sketch_sum *sum)
{
    const nrm_sketch_plan *plan = &sum->plan;
    const int64_t bands = plan->kind == NRM_SKETCH_OSNAP ? plan->nonzeros : 1;
    sparse *s;

    NRM_REQUIRE(ctx, bands >= 1 && bands <= plan->m, NRM_E_RANGE, "%s: %lld nonzeros in a column of a sketch of %lld "
                "rows; it must be 1 to the number of rows", sum->who, NRM_LL(bands), NRM_LL(plan->m));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, s, 1, sum->who));
    sum->state = s;
    s->bands = bands;
    s->block = nrm_max_i64(1, ENTRIES / bands);
    sum->unit = nrm_max_i64(1, UNIT / bands);
    NRM_TRY(NRM_ALLOC(ctx, s->drawn, s->block * bands, sum->who));
    return NRM_ALLOC(ctx, s->sorted, s->block * bands, sum->who);
}

/* Entries start .. start + count - 1, bands a row, of those of row `first` of A and the next; that row
 * is number `row` of the chunk. */
static void draw(const nrm_sketch_plan *plan, int64_t bands, int64_t first, int64_t row, int64_t start, int64_t count,
                 entry *drawn)
{
    const uint64_t number = (uint64_t)first * (uint64_t)bands + (uint64_t)start;
    uint64_t low[BATCH], high[BATCH];

    nrm_sketch_blocks(plan, number, count, low, high);
    row += start / bands;
    for (int64_t e = 0, band = start % bands; e < count; e++) {
        nrm_rng rng = nrm_sketch_rng(plan, number + (uint64_t)e + 1); /* with its first block at hand */
        rng.word[0] = (uint32_t)low[e];
        rng.word[1] = (uint32_t)(low[e] >> 32);
        rng.word[2] = (uint32_t)high[e];
        rng.word[3] = (uint32_t)(high[e] >> 32);
        rng.left = 4;
        const int64_t least = band * plan->m / bands, end = (band + 1) * plan->m / bands;
        const bool negative = nrm_rng_u32(&rng) & 1;
        const int64_t target = least + nrm_rng_below(&rng, end - least);
        drawn[e] = (entry){row, negative ? ~target : target};
        if (++band == bands) {
            band = 0;
            row++;
        }
    }
}

static int64_t range_of(int64_t target, int64_t width) { return (target < 0 ? ~target : target) / width; }

/* Sort the entries of a block; range r is start[r] .. start[r + 1] - 1. */
static void sort(const sparse *s, int64_t count, int64_t width, int64_t start[RANGES + 1])
{
    int64_t at[RANGES + 1] = {0};
    for (int64_t e = 0; e < count; e++) at[range_of(s->drawn[e].target, width) + 1]++;
    for (int r = 0; r < RANGES; r++) at[r + 1] += at[r];
    memcpy(start, at, sizeof at);
    for (int64_t e = 0; e < count; e++) s->sorted[at[range_of(s->drawn[e].target, width)]++] = s->drawn[e];
}

/* Entries first .. end - 1: their rows of A into those of S A. */
static void add_entries(const nrm_sketch_sum *sum, const nrm_sketch_rows *rows, const entry *entries, int64_t first, int64_t end)
{
    const nrm_elementwise_f64 *of = nrm_elementwise_f64_for(nrm_cpu_isa());

    for (int64_t e = first; e < end; e++) {
        const entry *x = &entries[e];
        const double sign = x->target < 0 ? -1 : 1;
        double *to = sum->values + (x->target < 0 ? ~x->target : x->target) * sum->columns;
        if (sum->d > 0) of->axpy(sum->d, sign, rows->a + x->row * rows->lda, to);
        if (sum->q > 0) of->axpy(sum->q, sign, rows->b + x->row * rows->ldb, to + sum->d);
    }
}

static nrm_status add(nrm_ctx *ctx, nrm_sketch_sum *sum, const nrm_sketch_rows *rows)
{
    const sparse *s = sum->state;
    const int64_t bands = s->bands, width = (sum->plan.m + RANGES - 1) / RANGES;
    const bool team = sum->threads > 1 && rows->count * bands * sum->columns > NRM_SKETCH_TEAM;
    int64_t start[RANGES + 1];

    for (int64_t from = 0; from < rows->count; from += s->block) {
        const int64_t entries = nrm_min_i64(s->block, rows->count - from) * bands;
        NRM_TRY(nrm_sketch_tick(ctx, sum, rows->first + from));
#pragma omp parallel for num_threads(sum->threads) schedule(static) if (team)
        for (int64_t e = 0; e < entries; e += BATCH)
            draw(&sum->plan, bands, rows->first + from, from, e, nrm_min_i64(BATCH, entries - e), s->drawn + e);
        if (!team) {
            add_entries(sum, rows, s->drawn, 0, entries);
            continue;
        }
        sort(s, entries, width, start);
#pragma omp parallel for num_threads(sum->threads) schedule(dynamic)
        for (int r = 0; r < RANGES; r++) add_entries(sum, rows, s->sorted, start[r], start[r + 1]);
    }
    return NRM_OK;
}

static void finish(nrm_sketch_sum *sum)
{
    const sparse *s = sum->state;
    if (s->bands > 1) nrm_sketch_scale(sum, 1 / sqrt((double)s->bands));
}

static void end(nrm_ctx *ctx, nrm_sketch_sum *sum)
{
    sparse *s = sum->state;
    nrm_free(ctx, s->drawn);
    nrm_free(ctx, s->sorted);
}

const nrm_sketch_family nrm_sketch_sparse = {begin, add, finish, end};
