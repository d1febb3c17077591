/* sketch_hadamard.c -- srht in one pass over the rows.  Contract: sketch.h.
 *
 * H_N = H_(N/B) (x) H_B: with row numbers k = (k', k'') in units of B,
 *
 *     (H_N D A)_k = sum_I (-1)^|k' & I| (H_B (D A)_I)_k''      over chunks I of B rows,
 *
 * so a chunk is transformed in cache and m of its rows, under a sign each, are added to m
 * accumulators: one read of A, O(log B + m/B) additions a number, memory for one chunk.  Columns
 * go in panels of NRM_PANEL, a cache line wide.  Kept rows are sorted by k'', so that a panel is
 * walked through forwards.
 *
 * GROUP chunks in a row belong to a lane, the next GROUP to the next lane, in turn; a lane has
 * accumulators of its own.  Columns are cut in strips of STRIP panels; a strip of a lane is one
 * thread's at a time.  Lanes and strips depend on the sizes alone, and so do the bits, as long as
 * the chunks of a lane come in the same order. */
#include "kernel/hadamard.h"
#include "sketch_family.h"
#include <omp.h>
#include <stdlib.h>

enum { LEAST_CHUNK = 512, LANES = 16, GROUP = 8, TURNS = 4, STRIP = NRM_HADAMARD_AHEAD / NRM_PANEL };
static const int64_t LANE_BYTES = 1 << 25, UNIT_BYTES = 1 << 23;

typedef struct kept { int64_t low, high, row; } kept; /* k'', k', and the row of S A */
typedef struct hadamard {
    const nrm_hadamard_kernels *kernels;
    int64_t chunk, lanes, panels;
    int32_t *low;     /* of the kept rows, rising */
    int64_t *high, *row;
    double *sums;     /* lanes x panels x m x NRM_PANEL */
    double *panel;    /* chunk x NRM_PANEL, one a thread */
    double *sign;     /* chunk, one a thread */
    double *row_sign; /* m, one a thread */
} hadamard;

static int by_low(const void *x, const void *y)
{
    const kept *a = x, *b = y;
    if (a->low != b->low) return a->low < b->low ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static nrm_status choose_rows(nrm_ctx *ctx, const nrm_sketch_sum *sum, int64_t padded)
{
    const hadamard *s = sum->state;
    const int64_t m = sum->plan.m;
    int64_t *chosen;
    kept *rows = NULL;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(ctx, chosen, m, sum->who));
    NRM_TRY_DONE(NRM_ALLOC(ctx, rows, m, sum->who));
    NRM_TRY_DONE(nrm_sketch_choose(ctx, sum, padded, chosen));
    for (int64_t r = 0; r < m; r++) rows[r] = (kept){chosen[r] % s->chunk, chosen[r] / s->chunk, r};
    qsort(rows, (size_t)m, sizeof *rows, by_low);
    for (int64_t r = 0; r < m; r++) {
        s->low[r] = (int32_t)rows[r].low;
        s->high[r] = rows[r].high;
        s->row[r] = rows[r].row;
    }
done:
    nrm_free(ctx, rows);
    nrm_free(ctx, chosen);
    return st;
}

static nrm_status begin(nrm_ctx *ctx, nrm_sketch_sum *sum)
{
    const int64_t m = sum->plan.m, padded = nrm_next_power_of_two(sum->plan.n);
    const int64_t line = NRM_PANEL * (int64_t)sizeof(double);
    hadamard *s;

    NRM_REQUIRE(ctx, sum->plan.replace || m <= padded, NRM_E_RANGE, "%s: an SRHT to %lld rows of %lld (padded to %lld) "
                "without replacement; ask for %lld or fewer", sum->who, NRM_LL(m), NRM_LL(sum->plan.n), NRM_LL(padded),
                NRM_LL(padded));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, s, 1, sum->who));
    sum->state = s;
    s->kernels = nrm_hadamard_kernels_for(nrm_cpu_isa());
    s->chunk = nrm_min_i64(padded, nrm_max_i64(LEAST_CHUNK, nrm_next_power_of_two(m)));
    s->panels = (sum->columns + NRM_PANEL - 1) / NRM_PANEL;
    const int64_t strips = (s->panels + STRIP - 1) / STRIP;
    s->lanes = nrm_max_i64(1, nrm_min_i64(LANES / nrm_min_i64(strips, LANES), LANE_BYTES / (m * s->panels * line)));
    s->lanes = nrm_min_i64(s->lanes, (padded / s->chunk + GROUP - 1) / GROUP);
    sum->unit = s->chunk;
    while (sum->unit < s->lanes * s->chunk * GROUP && sum->unit < padded && sum->unit * sum->columns * 8 < UNIT_BYTES) sum->unit *= 2;
    NRM_TRY(NRM_ALLOC(ctx, s->low, m, sum->who));
    NRM_TRY(NRM_ALLOC(ctx, s->high, m, sum->who));
    NRM_TRY(NRM_ALLOC(ctx, s->row, m, sum->who));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, s->sums, s->lanes * s->panels * m * NRM_PANEL, sum->who));
    NRM_TRY(NRM_ALLOC(ctx, s->panel, sum->threads * s->chunk * NRM_PANEL, sum->who));
    NRM_TRY(NRM_ALLOC(ctx, s->sign, sum->threads * s->chunk, sum->who));
    NRM_TRY(NRM_ALLOC(ctx, s->row_sign, sum->threads * m, sum->who));
    return choose_rows(ctx, sum, padded);
}

void nrm_sketch_panel(const nrm_sketch_sum *sum, const nrm_sketch_rows *rows, int64_t from, int64_t count, int64_t p,
                      const double *sign, int64_t padded, double *panel)
{
    const int64_t first = p * NRM_PANEL, end = nrm_min_i64(first + NRM_PANEL, sum->columns);
    const int64_t of_a = nrm_max_i64(0, nrm_min_i64(end, sum->d) - first);

    for (int64_t i = 0; i < count; i++) {
        double *to = panel + i * NRM_PANEL;
        const double *from_a = of_a > 0 ? rows->a + (from + i) * rows->lda + first : NULL;
        const double *from_b = first + of_a < end ? rows->b + (from + i) * rows->ldb + first + of_a - sum->d : NULL;
        for (int64_t c = 0; c < of_a; c++) to[c] = sign[i] * from_a[c];
        for (int64_t c = of_a; c < end - first; c++) to[c] = sign[i] * from_b[c - of_a];
        for (int64_t c = end - first; c < NRM_PANEL; c++) to[c] = 0;
    }
    memset(panel + count * NRM_PANEL, 0, (size_t)((padded - count) * NRM_PANEL) * sizeof *panel);
}

/* First row of the chunk that follows in its lane the one that begins at row `from`; -1: the round
 * of `add` ends there. */
static int64_t next_chunk(const hadamard *s, const nrm_sketch_rows *rows, int64_t from)
{
    const int64_t chunk = from / s->chunk, round = s->lanes * GROUP * TURNS;
    const bool last = (rows->first / s->chunk + chunk + 1) % GROUP == 0; /* of its group */
    const int64_t next = chunk + 1 + (last ? (s->lanes - 1) * GROUP : 0);
    return next / round == chunk / round ? next * s->chunk : -1;
}

/* H D of panel p of `count` rows from row `from` of `rows` on; with a whole panel of A its share of
 * the same strip of the lane's next chunk is called into the cache: three quarters here, and the
 * last along with the additions, for which it is returned (or NULL). */
static const double *transform(const nrm_sketch_sum *sum, const nrm_sketch_rows *rows, int64_t from, int64_t count, int64_t p,
                      const double *sign, double *panel)
{
    const hadamard *s = sum->state;
    const int64_t strip = p - p % STRIP, next = next_chunk(s, rows, from);

    if (count < s->chunk || (p + 1) * NRM_PANEL > sum->d) {
        nrm_sketch_panel(sum, rows, from, count, p, sign, s->chunk, panel);
        s->kernels->transform(panel, s->chunk);
        return NULL;
    }
    const bool more = next >= 0 && next + s->chunk <= rows->count && (strip + STRIP) * NRM_PANEL <= sum->d;
    const double *ahead = more ? rows->a + (next + p % STRIP * (s->chunk / STRIP)) * rows->lda + strip * NRM_PANEL : NULL;
    s->kernels->transform_of(rows->a + from * rows->lda + p * NRM_PANEL, rows->lda, sign, s->chunk, panel, ahead);
    return ahead;
}

/* sign[r] = (-1)^|high[r] & chunk|, by folding all bits onto the lowest: a loop for vectors. */
static void row_signs(int64_t m, const int64_t *high, int64_t chunk, double *sign)
{
    for (int64_t r = 0; r < m; r++) {
        uint64_t x = (uint64_t)(high[r] & chunk);
        for (int shift = 32; shift > 0; shift /= 2) x ^= x >> shift;
        x = x << 63 | UINT64_C(0x3FF0000000000000);
        memcpy(&sign[r], &x, sizeof x);
    }
}

/* Chunk number `chunk` of a strip of a lane: the panels from `p` on. */
static void add_chunk(const nrm_sketch_sum *sum, const nrm_sketch_rows *rows, int64_t chunk, int64_t lane, int64_t p,
                      int thread)
{
    const hadamard *s = sum->state;
    const int64_t m = sum->plan.m, from = chunk * s->chunk - rows->first, count = nrm_min_i64(s->chunk, rows->count - from);
    double *panel = s->panel + thread * s->chunk * NRM_PANEL, *sign = s->sign + thread * s->chunk;
    double *row_sign = s->row_sign + thread * m;

    nrm_sketch_signs(&sum->plan, 0, chunk * s->chunk, count, sign);
    row_signs(m, s->high, chunk, row_sign);
    for (int64_t end = nrm_min_i64(p + STRIP, s->panels); p < end; p++) {
        const double *ahead = transform(sum, rows, from, count, p, sign, panel);
        s->kernels->add_rows(m, s->low, row_sign, panel, s->sums + (lane * s->panels + p) * m * NRM_PANEL, s->chunk, ahead,
                             rows->lda);
    }
}

/* The chunks of a lane among chunks at .. end - 1. */
static void add_lane(const nrm_sketch_sum *sum, const nrm_sketch_rows *rows, int64_t at, int64_t end, int64_t lane,
                     int64_t p, int thread)
{
    const hadamard *s = sum->state;
    const int64_t turn = s->lanes * GROUP;

    for (int64_t group = at / turn * turn + lane * GROUP; group < end; group += turn)
        for (int64_t chunk = nrm_max_i64(group, at); chunk < nrm_min_i64(group + GROUP, end); chunk++)
            add_chunk(sum, rows, chunk, lane, p, thread);
}

static nrm_status add(nrm_ctx *ctx, nrm_sketch_sum *sum, const nrm_sketch_rows *rows)
{
    const hadamard *s = sum->state;
    const int64_t strips = (s->panels + STRIP - 1) / STRIP, round = s->lanes * GROUP * TURNS;
    const int64_t end_at = (rows->first + rows->count + s->chunk - 1) / s->chunk;

    for (int64_t at = rows->first / s->chunk; at < end_at; at += round) {
        NRM_TRY(nrm_sketch_tick(ctx, sum, at * s->chunk));
#pragma omp parallel for num_threads(sum->threads) schedule(dynamic) if (rows->count * sum->columns > NRM_SKETCH_TEAM)
        for (int64_t task = 0; task < s->lanes * strips; task++)
            add_lane(sum, rows, at, nrm_min_i64(at + round, end_at), task / strips, task % strips * STRIP, omp_get_thread_num());
    }
    return NRM_OK;
}

static void finish(nrm_sketch_sum *sum)
{
    const hadamard *s = sum->state;
    const int64_t m = sum->plan.m;
    const double scale = 1 / sqrt((double)m);

    for (int64_t r = 0; r < m; r++)
        for (int64_t c = 0; c < sum->columns; c++) {
            double total = 0;
            for (int64_t lane = 0; lane < s->lanes; lane++)
                total += s->sums[((lane * s->panels + c / NRM_PANEL) * m + r) * NRM_PANEL + c % NRM_PANEL];
            sum->values[s->row[r] * sum->columns + c] = scale * total;
        }
}

static void end(nrm_ctx *ctx, nrm_sketch_sum *sum)
{
    hadamard *s = sum->state;
    nrm_free(ctx, s->low);
    nrm_free(ctx, s->high);
    nrm_free(ctx, s->row);
    nrm_free(ctx, s->sums);
    nrm_free(ctx, s->panel);
    nrm_free(ctx, s->sign);
    nrm_free(ctx, s->row_sign);
}

const nrm_sketch_family nrm_sketch_hadamard = {begin, add, finish, end};
