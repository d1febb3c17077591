/* sketch_dense.c -- gaussian and srct as products with a generated S.  Contract: sketch.h.
 *
 * S is generated in tiles, some rows by BLOCK columns, that lie in the second cache, and each is
 * multiplied with the BLOCK rows of A it meets.  A tile of rows of S A belongs to one thread,
 * which sums over the blocks in order: bits do not depend on threads.
 *
 *   gaussian  columns 2k, 2k + 1 of row r, in block number b of the columns, are the pair of
 *             normals number (b m + r) BLOCK/2 + k
 *   srct      S_ri = g_(row_r - i mod n) D_i: the signs g, backwards from row_r - first */
#include "linalg.h"
#include "sketch_circulant.h"
#include "sketch_family.h"
#include <cblas.h>
#include <omp.h>

enum { BLOCK = 256, TILE = 64, SMALL_TILE = 16, ROUND = 1 << 24 }; /* ROUND: entries of S between two looks at the clock */

typedef struct dense {
    int64_t tile;    /* rows of a tile */
    int64_t *chosen; /* srct: the rows P */
    double *tiles;   /* one a thread */
} dense;

static nrm_status begin(nrm_ctx *ctx, nrm_sketch_sum *sum)
{
    dense *s;

    NRM_TRY(NRM_ALLOC_ZERO(ctx, s, 1, sum->who));
    sum->state = s;
    sum->unit = BLOCK;
    s->tile = sum->plan.m >= 4 * TILE ? TILE : SMALL_TILE;
    NRM_TRY(NRM_ALLOC(ctx, s->tiles, sum->threads * s->tile * BLOCK, sum->who));
    if (sum->plan.kind == NRM_SKETCH_GAUSSIAN) return NRM_OK;
    NRM_TRY(NRM_ALLOC(ctx, s->chosen, sum->plan.m, sum->who));
    return nrm_sketch_choose(ctx, sum, sum->plan.n, s->chosen);
}

/* Columns first .. first + count - 1 of row r of S, unscaled. */
static void gaussian_row(const nrm_sketch_plan *plan, int64_t r, int64_t first, double *row)
{
    const uint64_t number = (uint64_t)(first / BLOCK) * (uint64_t)plan->m + (uint64_t)r;
    nrm_sketch_normals(plan, number * (BLOCK / 2), BLOCK / 2, row);
}

static void circulant_row(const nrm_sketch_plan *plan, int64_t row_of_c, int64_t first, int64_t count,
                          const double *sign, double *row)
{
    double g[BLOCK];
    for (int64_t done = 0; done < count;) { /* runs of g without a wrap, from their last to their first */
        const int64_t last = row_of_c >= first + done ? row_of_c - first - done : row_of_c - first - done + plan->n;
        const int64_t run = nrm_min_i64(count - done, last + 1);
        nrm_sketch_signs(plan, NRM_SKETCH_CIRCULANT, last - run + 1, run, g);
        for (int64_t i = 0; i < run; i++) row[done + i] = g[run - 1 - i] * sign[done + i];
        done += run;
    }
}

static void product(int64_t m, int64_t columns, int64_t count, const double *tile, const double *rows, int64_t ld,
                    double *values, int64_t ldv)
{
    if (columns > 0)
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)columns, (int)count, 1, tile, BLOCK, rows,
                    (int)ld, 1, values, (int)ldv);
}

/* Rows r .. r + tile - 1 of S A, `count` rows from row `from` of `rows` on. */
static void add_tile(const nrm_sketch_sum *sum, const nrm_sketch_rows *rows, int64_t r, int64_t from, int64_t count,
                     const double *sign, double *tile)
{
    const dense *s = sum->state;
    const nrm_sketch_plan *plan = &sum->plan;
    const int64_t height = nrm_min_i64(s->tile, plan->m - r), first = rows->first + from;

    for (int64_t k = 0; k < height; k++)
        if (plan->kind == NRM_SKETCH_GAUSSIAN) gaussian_row(plan, r + k, first, tile + k * BLOCK);
        else circulant_row(plan, s->chosen[r + k], first, count, sign, tile + k * BLOCK);
    double *values = sum->values + r * sum->columns;
    product(height, sum->d, count, tile, sum->d > 0 ? rows->a + from * rows->lda : NULL, rows->lda, values, sum->columns);
    product(height, sum->q, count, tile, sum->q > 0 ? rows->b + from * rows->ldb : NULL, rows->ldb, values + sum->d,
            sum->columns);
}

/* Fourier transforms cost as much as about 32 log2 n rows of the product. */
static bool by_fourier(const nrm_sketch_sum *sum, const nrm_sketch_rows *rows)
{
    const int64_t n = sum->plan.n;
    return sum->plan.kind == NRM_SKETCH_SRCT && rows->count == n && nrm_circulant_is_fast(n) &&
           (double)sum->plan.m > 32 * log2((double)n);
}

/* Rows of S A of a tile, over `count` rows from row `from` on, block by block. */
static void add_blocks(const nrm_sketch_sum *sum, const nrm_sketch_rows *rows, int64_t r, int64_t from, int64_t count, double *tile)
{
    const dense *s = sum->state;
    double sign[BLOCK];

    for (int64_t end = from + count; from < end; from += BLOCK) {
        const int64_t height = nrm_min_i64(BLOCK, end - from);
        if (s->chosen) nrm_sketch_signs(&sum->plan, 0, rows->first + from, height, sign);
        add_tile(sum, rows, r, from, height, sign, tile);
    }
}

static nrm_status add(nrm_ctx *ctx, nrm_sketch_sum *sum, const nrm_sketch_rows *rows)
{
    const dense *s = sum->state;
    const int64_t tiles = (sum->plan.m + s->tile - 1) / s->tile;
    const int64_t round = nrm_max_i64(1, nrm_min_i64(32, ROUND / sum->plan.m / BLOCK)) * BLOCK;

    if (by_fourier(sum, rows)) return nrm_sketch_circulant(ctx, sum, rows, s->chosen);
    for (int64_t from = 0; from < rows->count; from += round) {
        const int64_t count = nrm_min_i64(round, rows->count - from);
        NRM_TRY(nrm_sketch_tick(ctx, sum, rows->first + from));
#pragma omp parallel num_threads(sum->threads) if (count * sum->plan.m > NRM_SKETCH_TEAM / 4)
        {
            const int before = omp_get_max_threads();
            omp_set_num_threads(1); /* a team of one counts as no team for OpenBLAS */
#pragma omp for schedule(dynamic)
            for (int64_t t = 0; t < tiles; t++)
                add_blocks(sum, rows, t * s->tile, from, count, s->tiles + omp_get_thread_num() * s->tile * BLOCK);
            omp_set_num_threads(before);
        }
    }
    return NRM_OK;
}

static void finish(nrm_sketch_sum *sum) { nrm_sketch_scale(sum, 1 / sqrt((double)sum->plan.m)); }

static void end(nrm_ctx *ctx, nrm_sketch_sum *sum)
{
    dense *s = sum->state;
    nrm_free(ctx, s->tiles);
    nrm_free(ctx, s->chosen);
}

const nrm_sketch_family nrm_sketch_dense = {begin, add, finish, end};
