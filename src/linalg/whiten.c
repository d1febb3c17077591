/* whiten.c -- contract: whiten.h.
 *
 * Both products run on the register blocks of kernel/matmul.h.  T is packed in panels as wide as a
 * block; of a triangular T panel j has no rows below its last column, and of G the blocks above
 * the diagonal are left out: 2 n d^2 flops in all, not 4.  y is kept with rows of whole panels, the
 * padding 0, so that G needs no packing at all: its factors are read where y lies, for T = I in the
 * rows themselves.  Each element of y and G is one chain of sums over fixed blocks, however rows are cut. */
#include "whiten.h"
#include "kernel/optimizer_kernels.h"
#include "linalg.h"
#include <cblas.h>
#include <lapacke.h>
#include <omp.h>

enum {
    SLOTS = NRM_WHITEN_SLOTS,
    CHUNK_ROWS = 16384, /* about */
    STEP = 12,          /* rows: two register blocks */
    LEAST_ROWS = 36,
    SMALL = 4096        /* numbers of T */
};

/* y of a block together with a few rows of T or G fits the first cache; where that would be few rows, so
 * that reading and writing G costs more than it saves, two panels of y fit it. */
static int64_t block_rows(int64_t columns)
{
    const int64_t fit = 3456 / nrm_max_i64(columns, 1) / STEP * STEP;
    return fit < LEAST_ROWS ? 120 : nrm_min_i64(480, fit);
}

nrm_status nrm_whiten_begin(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, const char *task, nrm_whiten *w)
{
    const int64_t columns_a = nrm_rows_cols(a), columns = columns_a + (b ? nrm_rows_cols(b) : 0);
    const int64_t known = nrm_rows_count(a);
    int64_t area;

    *w = (nrm_whiten){.ctx = ctx, .who = who, .task = task, .a = a, .b = b, .n = n, .columns_a = columns_a, .columns = columns,
                      .kernel = nrm_matmul_kernel_f64_for(nrm_cpu_isa()), .block = block_rows(columns), .threads = nrm_threads(ctx)};
    NRM_REQUIRE(ctx, n >= 1 && columns >= 1, NRM_E_SHAPE, "%s: a is %lld x %lld; it must have at least one row and one column", who,
                NRM_LL(n), NRM_LL(columns));
    NRM_REQUIRE(ctx, known < 0 || known == n, NRM_E_SHAPE, "%s: a has %lld rows; it must have %lld", who, NRM_LL(known), NRM_LL(n));
    NRM_REQUIRE(ctx, nrm_mul_size(columns, columns, &area) && area < INT32_MAX, NRM_E_OVERFLOW,
                "%s: a has %lld columns; their products are more than memory can hold: take fewer", who, NRM_LL(columns));
    w->unit = w->block * SLOTS * nrm_max_i64(1, CHUNK_ROWS / (w->block * SLOTS));
    w->threads = (int)nrm_min_i64(nrm_min_i64(w->threads, SLOTS), (n + w->block - 1) / w->block);
    const int64_t width = w->kernel->width, most = (columns + width - 1) / width * width;
    const int t = nrm_arena_add(&w->arena, columns * columns, sizeof *w->t), packed = nrm_arena_add(&w->arena, columns * most, sizeof *w->t);
    const int gram = nrm_arena_add(&w->arena, SLOTS * most * most, sizeof *w->t);
    const int rows = nrm_arena_add(&w->arena, w->threads * w->block * most, sizeof *w->t);
    const int square = nrm_arena_add(&w->arena, w->threads * w->block, sizeof *w->t);
    const int factor = nrm_arena_add(&w->arena, w->threads * w->block, sizeof *w->t);
    NRM_TRY(nrm_arena_alloc(ctx, &w->arena, who));
    w->t = nrm_arena_at(&w->arena, t), w->packed = nrm_arena_at(&w->arena, packed), w->gram = nrm_arena_at(&w->arena, gram);
    w->rows = nrm_arena_at(&w->arena, rows), w->square = nrm_arena_at(&w->arena, square), w->factor = nrm_arena_at(&w->arena, factor);
    return NRM_OK;
}

void nrm_whiten_end(nrm_whiten *w)
{
    nrm_free(w->ctx, w->packed_first);
    nrm_arena_free(w->ctx, &w->arena);
    *w = (nrm_whiten){0};
}

/* Rows of the matrix that is renewed: all columns, or of T0. */
static int64_t deep(const nrm_whiten *w) { return w->staged ? w->rank : w->columns; }

static void pack(const nrm_whiten *w) { nrm_matmul_pack_f64(w->kernel, w->rank, deep(w), w->t, w->rank, 1, w->packed); }

nrm_status nrm_whiten_basis(nrm_whiten *w, int64_t rank, bool triangular, bool staged, const double *t)
{
    const int width = w->kernel->width;

    w->rank = rank;
    w->wide = (rank + width - 1) / width * width;
    w->triangular = triangular;
    w->staged = staged;
    w->as_it_is = false;
    memset(w->rows, 0, (size_t)(w->threads * w->block * w->wide) * sizeof *t);
    if (staged) {
        nrm_free(w->ctx, w->packed_first);
        NRM_TRY(NRM_ALLOC_ZERO(w->ctx, w->packed_first, (w->columns + w->threads * w->block) * w->wide, w->who));
        w->rows_first = w->packed_first + w->columns * w->wide;
        nrm_matmul_pack_f64(w->kernel, rank, w->columns, t, rank, 1, w->packed_first);
        memset(w->t, 0, (size_t)(rank * rank) * sizeof *t);
        for (int64_t i = 0; i < rank; i++) w->t[i * rank + i] = 1;
    } else memcpy(w->t, t, (size_t)(w->columns * rank) * sizeof *t);
    pack(w);
    return NRM_OK;
}

void nrm_whiten_as_it_is(nrm_whiten *w)
{
    const int width = w->kernel->width;
    w->rank = w->columns;
    w->wide = (w->rank + width - 1) / width * width;
    w->as_it_is = true;
}

/* The addresses of rows that come later, on their way into the cache while others are worked on.  Of a slot's last
 * block in a chunk it is where the next chunk goes on, if that is in the same array: nothing is read there. */
typedef struct ahead { uintptr_t at, end; } ahead;

static ahead rows_ahead(const nrm_whiten *w, const double *rows, int64_t ld)
{
    const uintptr_t block = (uintptr_t)(w->block * ld) * sizeof *rows, at = (uintptr_t)rows + SLOTS * block;
    return (ahead){at, at + block};
}

static void fetch(ahead *next)
{
    enum { LINES = 12, LINE = 64 };
    for (int i = 0; i < LINES && next->at < next->end; i++, next->at += LINE) __builtin_prefetch((const void *)next->at);
}

/* A factor a, or a and b side by side, of which `first` columns are a's. */
typedef struct left { const double *a, *b; int64_t lda, ldb, first, columns; } left;

/* Some rows of y = x T, the rows of T in pieces that the first cache holds. */
static void product_rows(const nrm_whiten *w, int64_t count, const left *x, const double *packed, bool triangular, ahead *next,
                         double *y)
{
    const int width = w->kernel->width;

    for (int64_t j = 0; j < w->rank; j += width) {
        const int64_t most = triangular ? nrm_min_i64(j + width, x->columns) : x->columns;
        fetch(next);
        nrm_matmul_rows_f64 q = {.m = count, .n = nrm_min_i64(width, w->rank - j), .a_column = 1, .c = y + j, .ldc = w->wide};
        for (int64_t p = 0; p < most; p += q.k) {
            const bool of_a = p < x->first;
            q.k = nrm_min_i64(NRM_MATMUL_DEPTH, (of_a ? nrm_min_i64(x->first, most) : most) - p);
            q.a = of_a ? x->a + p : x->b + p - x->first;
            q.a_row = of_a ? x->lda : x->ldb;
            q.b = packed + j * x->columns + p * width;
            q.add = p > 0;
            nrm_matmul_rows_run_f64(w->kernel, &q);
        }
    }
}

/* Where T is small it stays in the first cache, and a few rows of x meet all of it; else many meet a panel. */
static void product(const nrm_whiten *w, int64_t count, const left *x, const double *packed, bool triangular, ahead *next, double *y)
{
    const int64_t step = x->columns * w->wide <= SMALL ? 2 * w->kernel->rows : count;
    left part = *x;

    for (int64_t i = 0; i < count; i += step) {
        part.a = x->a + i * x->lda;
        if (x->b) part.b = x->b + i * x->ldb;
        product_rows(w, nrm_min_i64(step, count - i), &part, packed, triangular, next, y + i * w->wide);
    }
}

static void copy_rows(const nrm_whiten *w, int64_t count, const left *x, double *y)
{
    for (int64_t i = 0; i < count; i++, y += w->wide) {
        memcpy(y, x->a + i * x->lda, (size_t)x->first * sizeof *y);
        if (x->b) memcpy(y + x->first, x->b + i * x->ldb, (size_t)(x->columns - x->first) * sizeof *y);
        memset(y + x->columns, 0, (size_t)(w->wide - x->columns) * sizeof *y);
    }
}

static void to_basis(const nrm_whiten *w, int64_t count, const left *x, int64_t thread, ahead *next, double *y)
{
    if (w->as_it_is) {
        copy_rows(w, count, x, y);
        return;
    }
    if (!w->staged) {
        product(w, count, x, w->packed, w->triangular, next, y);
        return;
    }
    double *first = w->rows_first + thread * w->block * w->wide;
    product(w, count, x, w->packed_first, w->triangular, next, first);
    product(w, count, &(left){.a = first, .lda = w->wide, .first = w->rank, .columns = w->rank}, w->packed, true, next, y);
}

/* gram += y'y for count rows of y, ldy apart; of panel j the rows from j on, cut into blocks as even as can be. */
static void add_gram(const nrm_whiten *w, int64_t count, const double *y, int64_t ldy, ahead *next, double *gram)
{
    const nrm_matmul_kernel_f64 *k = w->kernel;
    const int64_t wide = w->wide;

    for (int64_t j = 0; j < w->rank; j += k->width) {
        const int64_t rows = w->rank - j, blocks = (rows + k->rows - 1) / k->rows;
        for (int64_t r = 0; r < blocks; r++) {
            fetch(next);
            const int64_t top = rows * r / blocks, i = j + top;
            k->block[rows * (r + 1) / blocks - top](count, y + i, 1, ldy, y + j, ldy, gram + i * wide + j, wide, true, NULL);
        }
    }
}

/* y may be read where the rows lie: what pads the last panel is then the row after, which is there. */
static bool in_place(const nrm_whiten *w, const nrm_row_chunk *chunk, int64_t end)
{
    return w->as_it_is && !chunk->b && chunk->lda >= w->kernel->width && end < chunk->count;
}

static void one_block(const nrm_whiten *w, const nrm_row_chunk *chunk, int64_t at, int slot, nrm_whiten_fn fn, void *user, bool gram)
{
    const nrm_optimizer_kernels_f64 *pass = nrm_optimizer_kernels_f64_for(nrm_cpu_isa());
    const int64_t thread = omp_get_thread_num(), count = nrm_min_i64(w->block, chunk->count - at), wide = w->wide;
    double *y = w->rows + thread * w->block * wide, *square = w->square + thread * w->block, *factor = w->factor + thread * w->block;

    const left x = {.a = chunk->a + at * chunk->lda, .lda = chunk->lda, .b = chunk->b ? chunk->b + at * chunk->ldb : NULL,
                    .ldb = chunk->ldb, .first = w->columns_a, .columns = w->columns};

    ahead next = rows_ahead(w, x.a, x.lda);
    if (!fn && in_place(w, chunk, at + count)) {
        add_gram(w, count, x.a, x.lda, &next, w->gram + slot * wide * wide);
        return;
    }
    to_basis(w, count, &x, thread, &next, y);
    if (fn) {
        w->kernel->squares(count, wide, y, wide, square);
        fn(user, slot, chunk->first + at, count, square, factor);
    }
    if (!gram) return;
    if (fn)
        for (int64_t i = 0; i < count; i++) pass->scale(wide, factor[i], y + i * wide);
    add_gram(w, count, y, wide, &next, w->gram + slot * wide * wide);
}

static void chunk_of_blocks(const nrm_whiten *w, const nrm_row_chunk *chunk, nrm_whiten_fn fn, void *user, bool gram)
{
#pragma omp parallel for num_threads(w->threads) schedule(dynamic, 1) if (w->threads > 1 && chunk->count > w->block)
    for (int slot = 0; slot < SLOTS; slot++)
        for (int64_t at = slot * w->block; at < chunk->count; at += SLOTS * w->block) one_block(w, chunk, at, slot, fn, user, gram);
}

/* The slots' sums, in order, as a full matrix without padding. */
static void collect(const nrm_whiten *w, double *gram)
{
    const int64_t r = w->rank, wide = w->wide;

    for (int64_t i = 0; i < r; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;
            for (int slot = 0; slot < SLOTS; slot++) sum += w->gram[(slot * wide + i) * wide + j];
            gram[i * r + j] = gram[j * r + i] = sum;
        }
}

nrm_status nrm_whiten_pass(nrm_whiten *w, nrm_whiten_fn fn, void *user, double *gram)
{
    nrm_row_pass *pass = NULL;
    nrm_row_chunk chunk = {0};
    int64_t rows = 0;

    if (gram) memset(w->gram, 0, (size_t)(SLOTS * w->wide * w->wide) * sizeof *gram);
    nrm_status st = nrm_row_pass_begin(w->ctx, w->who, w->a, w->b, w->unit, w->task, &pass);
    if (st >= 0) nrm_row_pass_trust(pass);
    while (st >= 0) {
        st = nrm_row_pass_next(w->ctx, pass, &chunk);
        if (st < 0 || chunk.count == 0) break;
        if (chunk.first + chunk.count > w->n)
            st = nrm_fail(w->ctx, NRM_E_SHAPE, "%s: a has more than %lld rows; it must have as many", w->who, NRM_LL(w->n));
        else chunk_of_blocks(w, &chunk, fn, user, gram != NULL);
    }
    NRM_TRY(nrm_row_pass_end(w->ctx, &pass, st, &rows));
    NRM_REQUIRE(w->ctx, rows == w->n, NRM_E_SHAPE, "%s: a has %lld rows; it must have %lld", w->who, NRM_LL(rows), NRM_LL(w->n));
    if (!gram) return NRM_OK;
    collect(w, gram);
    return nrm_sum_ranks(w->ctx, w->who, gram, w->rank * w->rank);
}

nrm_status nrm_whiten_renew(nrm_whiten *w, double *gram)
{
    const int64_t r = w->rank;

    const nrm_blas_scope scope = nrm_blas_enter_single();
    const int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (int)r, gram, (int)r); /* U' U, read by rows L L' */
    if (info == 0)
        cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)deep(w), (int)r, 1, gram, (int)r, w->t, (int)r);
    nrm_blas_leave(scope);
    NRM_REQUIRE(w->ctx, info == 0, NRM_E_SINGULAR, "%s: the weighted rows have lost a direction to rounding; scale the columns of a alike",
                w->who);
    pack(w);
    return NRM_OK;
}
