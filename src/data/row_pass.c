/* row_pass.c -- contract: row_pass.h. */
#include "row_pass.h"
#include "rows.h"
#include <norma/comm.h>

typedef struct side { /* a, b or c */
    nrm_rows *rows;
    const char *name;
    double *buffer; /* unit rows, made when a chunk does not lie in one piece */
    const double *at;
    int64_t count;
} side;

struct nrm_row_pass {
    const char *who, *task;
    side a, b, c;
    int64_t unit, at; /* at: the first row of the next chunk of all */
    int rank, ranks;
    bool trusted;
};

int64_t nrm_row_pass_unit(int64_t columns)
{
    return nrm_max_i64(16, nrm_min_i64(8192, (1 << 17) / nrm_max_i64(columns, 1) / 16 * 16));
}

static nrm_status rewind_side(nrm_ctx *ctx, const nrm_row_pass *p, const side *s)
{
    if (!s->rows || (s->rows->at == 0 && s->rows->failed >= 0 && !s->rows->ended)) return NRM_OK;
    const nrm_status st = nrm_rows_rewind(ctx, s->rows);
    return st < 0 ? nrm_fail_prefix(ctx, st, "%s: %s is read more than once", p->who, s->name) : NRM_OK;
}

nrm_status nrm_row_pass_begin(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t unit, const char *task,
                              nrm_row_pass **pass)
{
    const nrm_comm *comm = nrm_ctx_comm(ctx);
    nrm_row_pass *p;
    nrm_status st;

    *pass = NULL;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p, 1, who));
    *p = (nrm_row_pass){.who = who, .task = task, .a = {.rows = a, .name = "a"}, .b = {.rows = b, .name = "b"},
                        .unit = nrm_max_i64(unit, 1), .rank = nrm_comm_rank(comm), .ranks = nrm_comm_size(comm)};
    NRM_TRY_DONE(rewind_side(ctx, p, &p->a));
    NRM_TRY_DONE(rewind_side(ctx, p, &p->b));
    *pass = p;
    return NRM_OK;
done:
    nrm_free(ctx, p);
    return st;
}

void nrm_row_pass_names(nrm_row_pass *p, const char *a, const char *b)
{
    p->a.name = a;
    p->b.name = b;
}

nrm_status nrm_row_pass_beside(nrm_ctx *ctx, nrm_row_pass *p, nrm_rows *c, const char *name)
{
    p->c.rows = c;
    p->c.name = name;
    return rewind_side(ctx, p, &p->c);
}

void nrm_row_pass_trust(nrm_row_pass *pass) { pass->trusted = true; }

/* ---- A chunk ------------------------------------------------------------------------------------ */

/* `count` rows of a block behind the `have` rows of the buffer. */
static void append(side *s, const nrm_row_block *block, int64_t have)
{
    double *to = s->buffer + have * block->cols;
    if (block->dense) {
        memcpy(to, block->dense, (size_t)(block->count * block->cols) * sizeof *to);
        return;
    }
    memset(to, 0, (size_t)(block->count * block->cols) * sizeof *to);
    for (int64_t i = 0; i < block->count; i++)
        for (int64_t k = block->indptr[i]; k < block->indptr[i + 1]; k++)
            to[i * block->cols + block->indices[k]] += block->values[k];
}

/* Up to `unit` rows at s->at, without a copy where the stream has them in one piece. */
static nrm_status fill(nrm_ctx *ctx, const nrm_row_pass *p, side *s)
{
    const int64_t cols = nrm_rows_cols(s->rows);
    nrm_row_block block;
    int64_t size;

    s->at = NULL;
    s->count = 0;
    while (s->count < p->unit) {
        const nrm_status st = nrm_rows_next(ctx, s->rows, p->unit - s->count, &block);
        if (st < 0) return nrm_fail_prefix(ctx, st, "%s: %s", p->who, s->name);
        if (block.count == 0) break;
        const bool all = block.first + block.count == nrm_rows_count(s->rows) || block.count == p->unit;
        if (s->count == 0 && all && block.dense) {
            s->at = block.dense;
            s->count = block.count;
            return NRM_OK;
        }
        if (!s->buffer) {
            NRM_REQUIRE(ctx, nrm_mul_size(p->unit, cols, &size), NRM_E_OVERFLOW,
                        "%s: %lld rows of %lld numbers are too many for memory", p->who, NRM_LL(p->unit), NRM_LL(cols));
            NRM_TRY(NRM_ALLOC(ctx, s->buffer, size, p->who));
        }
        append(s, &block, s->count);
        s->count += block.count;
    }
    s->at = s->buffer;
    return NRM_OK;
}

static nrm_status check_side(nrm_ctx *ctx, const nrm_row_pass *p, const side *s)
{
    const int64_t cols = nrm_rows_cols(s->rows);
    int64_t where;
    if (p->trusted || nrm_all_finite_f64(s->at, s->count * cols, &where)) return NRM_OK;
    return nrm_fail(ctx, NRM_E_NONFINITE, "%s: %s is %g at row %lld, column %lld; it must be finite: remove or mend that row",
                    p->who, s->name, s->at[where], NRM_LL(p->at + where / cols), NRM_LL(where % cols));
}

/* As many rows of s as of a, which has `of_a` of them. */
static nrm_status check_ends(nrm_ctx *ctx, const nrm_row_pass *p, const side *s, int64_t of_a, int64_t count)
{
    if (!s->rows || of_a == count) return NRM_OK;
    const bool a_ends = of_a < count;
    return nrm_fail(ctx, NRM_E_SHAPE, "%s: %s ends before row %lld, but %s goes on; they must have the same number of rows",
                    p->who, a_ends ? p->a.name : s->name, NRM_LL(p->at + nrm_min_i64(of_a, count)), a_ends ? s->name : p->a.name);
}

static nrm_status skip_side(nrm_ctx *ctx, const nrm_row_pass *p, const side *s, int64_t *count)
{
    *count = 0;
    const nrm_status st = s->rows ? nrm_rows_skip(ctx, s->rows, p->unit, count) : NRM_OK;
    return st < 0 ? nrm_fail_prefix(ctx, st, "%s: %s", p->who, s->name) : NRM_OK;
}

/* The others' chunk; *count rows were there. */
static nrm_status pass_over(nrm_ctx *ctx, const nrm_row_pass *p, int64_t *count)
{
    int64_t of_b, of_c;
    NRM_TRY(skip_side(ctx, p, &p->a, count));
    NRM_TRY(skip_side(ctx, p, &p->b, &of_b));
    NRM_TRY(skip_side(ctx, p, &p->c, &of_c));
    NRM_TRY(check_ends(ctx, p, &p->b, *count, of_b));
    return check_ends(ctx, p, &p->c, *count, of_c);
}

nrm_status nrm_row_pass_next(nrm_ctx *ctx, nrm_row_pass *p, nrm_row_chunk *chunk)
{
    *chunk = (nrm_row_chunk){.first = p->at};
    NRM_REQUIRE(ctx, !nrm_tick(ctx, p->task, (double)p->at, (double)nrm_rows_count(p->a.rows), NULL, NAN), NRM_E_CANCELLED,
                "%s: stopped on request at row %lld", p->who, NRM_LL(p->at));
    while (p->at / p->unit % p->ranks != p->rank) {
        int64_t count;
        NRM_TRY(pass_over(ctx, p, &count));
        p->at += count;
        chunk->first = p->at;
        if (count < p->unit) return NRM_OK;
    }
    NRM_TRY(fill(ctx, p, &p->a));
    if (p->b.rows) NRM_TRY(fill(ctx, p, &p->b));
    if (p->c.rows) NRM_TRY(fill(ctx, p, &p->c));
    NRM_TRY(check_ends(ctx, p, &p->b, p->a.count, p->b.count));
    NRM_TRY(check_ends(ctx, p, &p->c, p->a.count, p->c.count));
    if (p->a.count == 0) return NRM_OK;
    NRM_TRY(check_side(ctx, p, &p->a));
    if (p->b.rows) NRM_TRY(check_side(ctx, p, &p->b));
    if (p->c.rows) NRM_TRY(check_side(ctx, p, &p->c));
    p->at += p->a.count;
    chunk->count = p->a.count;
    chunk->a = p->a.at;
    chunk->lda = nrm_rows_cols(p->a.rows);
    chunk->b = p->b.at;
    chunk->ldb = nrm_rows_cols(p->b.rows);
    chunk->c = p->c.at;
    chunk->ldc = nrm_rows_cols(p->c.rows);
    return NRM_OK;
}

nrm_status nrm_row_pass_end(nrm_ctx *ctx, nrm_row_pass **pass, nrm_status status, int64_t *rows)
{
    nrm_row_pass *p = *pass;

    if (p) {
        if (rows) *rows = p->at;
        nrm_free(ctx, p->a.buffer);
        nrm_free(ctx, p->b.buffer);
        nrm_free(ctx, p->c.buffer);
        nrm_free(ctx, p);
    }
    *pass = NULL;
    return nrm_comm_agree(ctx, nrm_ctx_comm(ctx), status);
}

nrm_status nrm_row_pass_count(nrm_ctx *ctx, const char *who, const char *name, const char *remedy, nrm_rows *rows, int64_t *n,
                              int64_t *passes)
{
    *n = nrm_rows_count(rows);
    if (*n >= 0) return NRM_OK;
    nrm_status st = nrm_rows_rewind(ctx, rows);
    if (st == NRM_E_UNSUPPORTED)
        st = nrm_fail(ctx, st, "%s: the number of rows of %s must be known and this stream cannot tell it: %s", who, name, remedy);
    if (st >= 0) st = nrm_rows_skip(ctx, rows, INT64_MAX, n);
    if (st < 0 && st != NRM_E_UNSUPPORTED) st = nrm_fail_prefix(ctx, st, "%s: %s", who, name);
    if (passes) ++*passes;
    return nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st);
}

nrm_status nrm_row_pass_blame(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b)
{
    nrm_row_pass *pass;
    nrm_row_chunk chunk;

    nrm_status st = nrm_row_pass_begin(ctx, who, a, b, nrm_row_pass_unit(nrm_rows_cols(a)), "searching", &pass);
    while (st >= 0 && (st = nrm_row_pass_next(ctx, pass, &chunk)) >= 0 && chunk.count > 0) continue;
    return nrm_row_pass_end(ctx, &pass, st, NULL);
}

nrm_status nrm_sum_ranks(nrm_ctx *ctx, const char *who, double *values, int64_t count)
{
    nrm_comm *comm = nrm_ctx_comm(ctx);
    unsigned char *work;

    if (nrm_comm_size(comm) == 1) return NRM_OK;
    nrm_status st = NRM_ALLOC(ctx, work, nrm_max_i64(nrm_comm_sum_work(comm, NRM_F64, count), 1), who);
    st = nrm_comm_agree(ctx, comm, st);
    if (st >= 0) st = nrm_comm_sum(ctx, comm, NRM_F64, count, values, work);
    nrm_free(ctx, work);
    return st;
}
