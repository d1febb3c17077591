/* server_rows.c -- the role server: a table whose rows are messages.  Contract: roles.h. */
#include "roles.h"
#include "data/rows.h"
#include <norma/comm.h>
#include <stdlib.h>

enum { ROWS = 4096 };

typedef struct block { unsigned char *bytes; uint64_t *keys; } block;

/* A row's numbers as the bytes that they are. */
static nrm_status to_bytes(nrm_ctx *ctx, const nrm_row_block *rows, int64_t i, unsigned char *bytes)
{
    if (!rows->dense) memset(bytes, 0, (size_t)rows->cols);
    const int64_t begin = rows->dense ? i * rows->cols : rows->indptr[i], end = rows->dense ? begin + rows->cols : rows->indptr[i + 1];
    const double *values = rows->dense ? rows->dense : rows->values;
    for (int64_t k = begin; k < end; k++) {
        const int64_t place = rows->dense ? k - begin : rows->indices[k];
        NRM_REQUIRE(ctx, values[k] >= 0 && values[k] <= 255 && values[k] == floor(values[k]), NRM_E_FORMAT, NRM_PRIVATE ": received row %lld "
                    "holds %g; a message is of bytes, 0 to 255", NRM_LL(rows->first + i), values[k]);
        bytes[place] = (unsigned char)values[k];
    }
    return NRM_OK;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Two equal messages among so many have a chance of 2^-40: a seed was used twice, or a message
 * came twice. */
static nrm_status check_twins(nrm_ctx *ctx, uint64_t *keys, int64_t count, int64_t first)
{
    qsort(keys, (size_t)count, sizeof *keys, by_value);
    for (int64_t i = 1; i < count; i++)
        NRM_REQUIRE(ctx, keys[i] != keys[i - 1], NRM_E_ARGUMENT, NRM_PRIVATE ": two of the received rows %lld to %lld have the same random "
                    "bits; a client's seed was used twice, or a message came twice", NRM_LL(first), NRM_LL(first + count - 1));
    return NRM_OK;
}

static nrm_status absorb_block(nrm_ctx *ctx, nrm_private_server *s, const nrm_row_block *rows, const block *b)
{
    const int64_t random = s->plan.o.mode == NRM_PRIVATE_IHT ? 8 : rows->cols - NRM_PRIVATE_HEADER;
    for (int64_t i = 0; i < rows->count; i++) {
        NRM_TRY(to_bytes(ctx, rows, i, b->bytes));
        const nrm_status st = nrm_private_server_absorb(ctx, s, b->bytes, rows->cols);
        if (st < 0) return nrm_fail(ctx, st, "%s (received row %lld)", nrm_message(ctx), NRM_LL(rows->first + i));
        b->keys[i] = nrm_hash(NRM_HASH_START, b->bytes + NRM_PRIVATE_HEADER, (size_t)random);
    }
    return check_twins(ctx, b->keys, rows->count, rows->first);
}

/* d of the message, if it is as long as one of that d. */
static nrm_status columns_of(nrm_ctx *ctx, int mode, const unsigned char *bytes, int64_t count, int64_t *d)
{
    const int64_t said = count >= NRM_PRIVATE_HEADER ? (int64_t)(nrm_private_get_u64(bytes + 4) & UINT32_MAX) : 0;
    NRM_REQUIRE(ctx, nrm_private_message_bytes(mode, said) == count, NRM_E_FORMAT, NRM_PRIVATE ": received rows have %lld bytes; no message of "
                "this mode has so many with the columns it says", NRM_LL(count));
    *d = said;
    return NRM_OK;
}

static nrm_status open_server(nrm_ctx *ctx, int64_t d, const nrm_private_sparse_regression_options *o, nrm_private_server **s)
{
    return o->state ? nrm_private_server_load(ctx, s, o->state, d, o) : nrm_private_server_create(ctx, s, d, o);
}

static nrm_status absorb_all(nrm_ctx *ctx, nrm_rows *received, const nrm_private_sparse_regression_options *o, nrm_private_server **s)
{
    const int64_t cols = nrm_rows_cols(received);
    block b = {0};
    nrm_row_block rows;
    int64_t d = o->d;
    nrm_status st;

    NRM_TRY_DONE(NRM_ALLOC(ctx, b.bytes, cols, NRM_PRIVATE));
    NRM_TRY_DONE(NRM_ALLOC(ctx, b.keys, ROWS, NRM_PRIVATE));
    for (;;) {
        NRM_STOP_IF(nrm_tick(ctx, "absorbing", 0, -1, NULL, NAN), NRM_E_CANCELLED, NRM_PRIVATE ": stopped on request");
        st = nrm_rows_next(ctx, received, ROWS, &rows);
        if (st < 0) nrm_fail_prefix(ctx, st, NRM_PRIVATE ": received");
        if (st < 0 || rows.count == 0) break;
        if (!*s) {
            NRM_TRY_DONE(to_bytes(ctx, &rows, 0, b.bytes));
            if (d == 0) NRM_TRY_DONE(columns_of(ctx, o->mode, b.bytes, cols, &d));
            NRM_TRY_DONE(open_server(ctx, d, o, s));
        }
        NRM_TRY_DONE(absorb_block(ctx, *s, &rows, &b));
    }
done:
    nrm_free(ctx, b.bytes);
    nrm_free(ctx, b.keys);
    return st;
}

nrm_status nrm_private_server_rows(nrm_ctx *ctx, nrm_rows *received, const nrm_private_sparse_regression_options *o,
                                   nrm_private_server **server)
{
    nrm_private_server *s = NULL;
    nrm_status st;

    *server = NULL;
    NRM_TRY_DONE(received ? absorb_all(ctx, received, o, &s) : NRM_OK);
    NRM_STOP_IF(!s && (!o->state || o->d == 0), NRM_E_ARGUMENT, NRM_PRIVATE ": there are no messages; the server needs received, or state and d");
    if (!s) NRM_TRY_DONE(open_server(ctx, o->d, o, &s));
    if (s->plan.o.mode == NRM_PRIVATE_IHT && !o->keep_open) NRM_TRY_DONE(nrm_private_server_next_round(ctx, s));
    if (o->save_state && nrm_comm_rank(nrm_ctx_comm(ctx)) == 0) NRM_TRY_DONE(nrm_private_server_save(ctx, s, o->save_state));
    *server = s;
    s = NULL;
done:
    nrm_private_server_destroy(ctx, s);
    return st;
}
