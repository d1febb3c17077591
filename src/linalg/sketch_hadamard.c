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
 * Chunk I belongs to lane I mod `lanes`, which has accumulators of its own, and a lane's columns
 * are cut in strips; a strip of a lane belongs to one thread.  Lanes and strips depend on the
 * sizes alone, and so do the bits, as long as chunks of a lane come in the same order. */
#include "sketch_family.h"
#include <omp.h>
#include <stdlib.h>

enum { LEAST_CHUNK = 512, LANES = 16, STRIP_BYTES = 1 << 18 };
static const int64_t LANE_BYTES = 1 << 25, UNIT_BYTES = 1 << 22;

typedef struct kept { int64_t low, high, row; } kept; /* k'', k', and the row of S A */
typedef struct hadamard {
    int64_t chunk, lanes, panels, strip; /* strip: panels of one */
    kept *rows;
    double *sums;       /* lanes x panels x m x NRM_PANEL */
    double *panel;      /* chunk x NRM_PANEL, one a thread */
    uint64_t *sign;     /* chunk, one a thread */
    uint64_t *row_sign; /* m, one a thread */
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
    int64_t *chosen;
    NRM_TRY(NRM_ALLOC(ctx, chosen, sum->plan.m, sum->who));
    const nrm_status st = nrm_sketch_choose(ctx, sum, padded, chosen);
    if (st >= 0) {
        for (int64_t r = 0; r < sum->plan.m; r++) s->rows[r] = (kept){chosen[r] % s->chunk, chosen[r] / s->chunk, r};
        qsort(s->rows, (size_t)sum->plan.m, sizeof *s->rows, by_low);
    }
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
    s->chunk = nrm_min_i64(padded, nrm_max_i64(LEAST_CHUNK, nrm_next_power_of_two(m)));
    s->panels = (sum->columns + NRM_PANEL - 1) / NRM_PANEL;
    s->strip = nrm_max_i64(1, STRIP_BYTES / (s->chunk * line));
    const int64_t strips = (s->panels + s->strip - 1) / s->strip;
    s->lanes = nrm_max_i64(1, nrm_min_i64(LANES / strips, LANE_BYTES / (m * s->panels * line)));
    s->lanes = nrm_min_i64(s->lanes, padded / s->chunk);
    sum->unit = s->chunk;
    while (sum->unit < s->lanes * s->chunk && sum->unit < padded && sum->unit * sum->columns * 8 < UNIT_BYTES) sum->unit *= 2;
    NRM_TRY(NRM_ALLOC(ctx, s->rows, m, sum->who));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, s->sums, s->lanes * s->panels * m * NRM_PANEL, sum->who));
    NRM_TRY(NRM_ALLOC(ctx, s->panel, sum->threads * s->chunk * NRM_PANEL, sum->who));
    NRM_TRY(NRM_ALLOC(ctx, s->sign, sum->threads * s->chunk, sum->who));
    NRM_TRY(NRM_ALLOC(ctx, s->row_sign, sum->threads * m, sum->who));
    return choose_rows(ctx, sum, padded);
}

void nrm_sketch_panel(const nrm_sketch_sum *sum, const nrm_sketch_rows *rows, int64_t from, int64_t count, int64_t p,
                      const uint64_t *sign, int64_t padded, double *panel)
{
    const int64_t first = p * NRM_PANEL, end = nrm_min_i64(first + NRM_PANEL, sum->columns);
    const int64_t of_a = nrm_max_i64(0, nrm_min_i64(end, sum->d) - first);

    for (int64_t i = 0; i < count; i++) {
        double *to = panel + i * NRM_PANEL;
        const double factor = sign[i] >> 63 ? -1 : 1;
        const double *from_a = of_a > 0 ? rows->a + (from + i) * rows->lda + first : NULL;
        const double *from_b = first + of_a < end ? rows->b + (from + i) * rows->ldb + first + of_a - sum->d : NULL;
        for (int64_t c = 0; c < of_a; c++) to[c] = factor * from_a[c];
        for (int64_t c = of_a; c < end - first; c++) to[c] = factor * from_b[c - of_a];
        for (int64_t c = end - first; c < NRM_PANEL; c++) to[c] = 0;
    }
    memset(panel + count * NRM_PANEL, 0, (size_t)((padded - count) * NRM_PANEL) * sizeof *panel);
}

/* Chunk number `chunk` of a strip: the panels from `p` on. */
static void add_chunk(const nrm_sketch_sum *sum, const nrm_sketch_rows *rows, int64_t chunk, int64_t p, int thread)
{
    const hadamard *s = sum->state;
    const int64_t m = sum->plan.m, from = chunk * s->chunk - rows->first, count = nrm_min_i64(s->chunk, rows->count - from);
    double *panel = s->panel + thread * s->chunk * NRM_PANEL;
    uint64_t *sign = s->sign + thread * s->chunk, *row_sign = s->row_sign + thread * m;

    nrm_sketch_signs(&sum->plan, 0, chunk * s->chunk, count, sign);
    for (int64_t r = 0; r < m; r++) row_sign[r] = (uint64_t)__builtin_parityll((uint64_t)(s->rows[r].high & chunk)) << 63;
    for (int64_t end = nrm_min_i64(p + s->strip, s->panels); p < end; p++) {
        double *sums = s->sums + (chunk % s->lanes * s->panels + p) * m * NRM_PANEL;
        nrm_sketch_panel(sum, rows, from, count, p, sign, s->chunk, panel);
        nrm_hadamard_panel(panel, s->chunk);
        for (int64_t r = 0; r < m; r++) {
            const double *x = panel + s->rows[r].low * NRM_PANEL, factor = row_sign[r] ? -1 : 1;
            for (int64_t c = 0; c < NRM_PANEL; c++) sums[r * NRM_PANEL + c] += factor * x[c];
        }
    }
}

static nrm_status add(nrm_ctx *ctx, nrm_sketch_sum *sum, const nrm_sketch_rows *rows)
{
    const hadamard *s = sum->state;
    const int64_t strips = (s->panels + s->strip - 1) / s->strip;
    const int64_t begin_at = rows->first / s->chunk, end_at = (rows->first + rows->count + s->chunk - 1) / s->chunk;

    for (int64_t at = begin_at; at < end_at;) { /* a round: at most one chunk of each lane */
        const int64_t round = nrm_min_i64(s->lanes - at % s->lanes, end_at - at);
        NRM_TRY(nrm_sketch_tick(ctx, sum, at * s->chunk));
#pragma omp parallel for num_threads(sum->threads) schedule(dynamic)
        for (int64_t task = 0; task < round * strips; task++)
            add_chunk(sum, rows, at + task / strips, task % strips * s->strip, omp_get_thread_num());
        at += round;
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
            sum->values[s->rows[r].row * sum->columns + c] = scale * total;
        }
}

static void end(nrm_ctx *ctx, nrm_sketch_sum *sum)
{
    hadamard *s = sum->state;
    nrm_free(ctx, s->rows);
    nrm_free(ctx, s->sums);
    nrm_free(ctx, s->panel);
    nrm_free(ctx, s->sign);
    nrm_free(ctx, s->row_sign);
}

const nrm_sketch_family nrm_sketch_hadamard = {begin, add, finish, end};
