/* comm.c -- what ranks do together, made of two moves of bytes.  Contract: norma/comm.h.
 *
 * Sums are made here, not by the implementation: every number is added in the order of the
 * ranks, by one rank that hands the result on (or, few of them, by each rank), so that they
 * have the same bits everywhere and always. */
#include "base/base.h"
#include <norma/comm.h>
#include <stdio.h>

int nrm_comm_rank(const nrm_comm *comm) { return comm ? comm->rank : 0; }
int nrm_comm_size(const nrm_comm *comm) { return comm ? comm->size : 1; }
int64_t nrm_comm_bytes_sent(const nrm_comm *comm) { return comm ? comm->bytes_sent : 0; }
void nrm_comm_destroy(nrm_comm *comm) { if (comm && comm->calls->destroy) comm->calls->destroy(comm); }

/* ---- Moving bytes ----------------------------------------------------------------------------- */

/* The sum of the sizes, checked. */
static nrm_status total(nrm_ctx *ctx, const nrm_comm *comm, const int64_t *bytes, int64_t *sum)
{
    *sum = 0;
    NRM_REQUIRE(ctx, bytes, NRM_E_NULL, "comm: the sizes must not be NULL");
    for (int r = 0; r < nrm_comm_size(comm); r++)
        NRM_REQUIRE(ctx, bytes[r] >= 0 && nrm_add_size(*sum, bytes[r], sum), NRM_E_RANGE,
                    "comm: the block of rank %d has %lld bytes; a size is at least 0 and their sum can be addressed", r,
                    NRM_LL(bytes[r]));
    return NRM_OK;
}

static nrm_status done(nrm_ctx *ctx, const nrm_comm *comm, nrm_status st)
{
    if (st >= 0) return NRM_OK;
    return nrm_fail(ctx, st, "comm: rank %d of %d: %.*s", comm->rank, comm->size, NRM_COMM_REASON,
                    comm->reason[0] ? comm->reason : nrm_status_text(st));
}

nrm_status nrm_comm_all_to_all(nrm_ctx *ctx, nrm_comm *comm, const void *send, const int64_t *send_bytes, void *receive,
                               const int64_t *receive_bytes)
{
    int64_t out, in;

    NRM_TRY(total(ctx, comm, send_bytes, &out));
    NRM_TRY(total(ctx, comm, receive_bytes, &in));
    NRM_REQUIRE(ctx, (send || !out) && (receive || !in), NRM_E_NULL, "comm: send and receive must not be NULL");
    const int rank = nrm_comm_rank(comm);
    if (nrm_comm_size(comm) == 1) {
        NRM_REQUIRE(ctx, out == in, NRM_E_SHAPE, "comm: %lld bytes are sent and %lld expected", NRM_LL(out), NRM_LL(in));
        if (out) memcpy(receive, send, (size_t)out);
        return NRM_OK;
    }
    comm->bytes_sent += out - send_bytes[rank];
    return done(ctx, comm, comm->calls->all_to_all(comm, send, send_bytes, receive, receive_bytes));
}

nrm_status nrm_comm_all_gather(nrm_ctx *ctx, nrm_comm *comm, const void *send, void *receive, const int64_t *bytes)
{
    int64_t all;

    NRM_TRY(total(ctx, comm, bytes, &all));
    const int rank = nrm_comm_rank(comm);
    NRM_REQUIRE(ctx, (send || !bytes[rank]) && (receive || !all), NRM_E_NULL, "comm: send and receive must not be NULL");
    if (nrm_comm_size(comm) == 1) {
        if (all) memcpy(receive, send, (size_t)all);
        return NRM_OK;
    }
    comm->bytes_sent += bytes[rank] * (comm->size - 1);
    return done(ctx, comm, comm->calls->all_gather(comm, send, receive, bytes));
}

/* The blocks of all but the root are empty. */
nrm_status nrm_comm_broadcast(nrm_ctx *ctx, nrm_comm *comm, int root, void *data, int64_t bytes)
{
    int64_t blocks[NRM_COMM_MOST] = {0};
    const int size = nrm_comm_size(comm);

    NRM_REQUIRE(ctx, root >= 0 && root < size, NRM_E_RANGE, "comm: root is %d; there are ranks 0 to %d", root, size - 1);
    blocks[root] = bytes;
    return nrm_comm_all_gather(ctx, comm, data, data, blocks);
}

nrm_status nrm_comm_barrier(nrm_ctx *ctx, nrm_comm *comm)
{
    const int64_t nothing[NRM_COMM_MOST] = {0};
    return nrm_comm_all_gather(ctx, comm, NULL, NULL, nothing);
}

/* ---- Sums ---------------------------------------------------------------------------------------- */

enum { FEW_BYTES = 1 << 16 }; /* of all ranks together: every rank adds them itself */

static bool few(const nrm_comm *comm, int64_t bytes) { return bytes <= FEW_BYTES / nrm_comm_size(comm); }

/* Where the part of rank r begins that it adds. */
static int64_t part(int64_t count, int ranks, int r) { return count / ranks * r + nrm_min_i64(count % ranks, r); }

int64_t nrm_comm_sum_work(const nrm_comm *comm, nrm_dtype dtype, int64_t count)
{
    const int64_t ranks = nrm_comm_size(comm);
    int64_t bytes, all;

    if (!nrm_mul_size(count, (int64_t)nrm_dtype_size(dtype), &bytes) || !nrm_mul_size(bytes, 2, &all)) return -1;
    if (ranks == 1) return 0;
    if (few(comm, bytes)) return bytes * ranks;
    return (count / ranks + 1) * ranks * (int64_t)nrm_dtype_size(dtype);
}

/* sum[i] = the sum over ranks of from[r * stride + i]. */
static void add_ranks(nrm_dtype dtype, int ranks, int64_t stride, int64_t count, const void *from, void *sum)
{
    for (int64_t i = 0; i < count; i++) {
        if (dtype == NRM_I64) {
            uint64_t s = 0;
            for (int r = 0; r < ranks; r++) s += ((const uint64_t *)from)[r * stride + i];
            memcpy((int64_t *)sum + i, &s, sizeof s);
        } else if (dtype == NRM_F32) {
            double s = 0;
            for (int r = 0; r < ranks; r++) s += (double)((const float *)from)[r * stride + i];
            ((float *)sum)[i] = (float)s;
        } else {
            double s = 0;
            for (int r = 0; r < ranks; r++) s += ((const double *)from)[r * stride + i];
            ((double *)sum)[i] = s;
        }
    }
}

nrm_status nrm_comm_sum(nrm_ctx *ctx, nrm_comm *comm, nrm_dtype dtype, int64_t count, void *values, void *work)
{
    int64_t blocks[NRM_COMM_MOST], mine[NRM_COMM_MOST];
    const int ranks = nrm_comm_size(comm), rank = nrm_comm_rank(comm);
    const int64_t size = (int64_t)nrm_dtype_size(dtype);

    NRM_REQUIRE(ctx, dtype == NRM_F64 || dtype == NRM_F32 || dtype == NRM_I64, NRM_E_DTYPE,
                "comm: values of type %s are not added; give f64, f32 or i64", nrm_dtype_name(dtype));
    NRM_REQUIRE(ctx, count >= 0 && nrm_comm_sum_work(comm, dtype, count) >= 0, NRM_E_RANGE, "comm: %lld values cannot be added",
                NRM_LL(count));
    NRM_REQUIRE(ctx, (values || !count) && (work || !count || ranks == 1), NRM_E_NULL, "comm: values and work must not be NULL");
    if (ranks == 1) return NRM_OK;
    if (few(comm, count * size)) {
        for (int r = 0; r < ranks; r++) blocks[r] = count * size;
        NRM_TRY(nrm_comm_all_gather(ctx, comm, values, work, blocks));
        add_ranks(dtype, ranks, count, count, work, values);
        return NRM_OK;
    }
    const int64_t first = part(count, ranks, rank), own = part(count, ranks, rank + 1) - first;
    unsigned char *sum = (unsigned char *)values + first * size;
    for (int r = 0; r < ranks; r++) {
        blocks[r] = (part(count, ranks, r + 1) - part(count, ranks, r)) * size;
        mine[r] = own * size;
    }
    NRM_TRY(nrm_comm_all_to_all(ctx, comm, values, blocks, work, mine));
    add_ranks(dtype, ranks, own, own, work, sum);
    return nrm_comm_all_gather(ctx, comm, sum, values, blocks);
}

/* ---- Agreement --------------------------------------------------------------------------------------- */

enum { NONE = -1, SENTENCE = 1024 };

/* The rank whose failure counts: the first that failed, a request to stop only where nothing
 * else is. */
static int rank_to_blame(int ranks, const signed char *status)
{
    int found = NONE;
    for (int r = 0; r < ranks; r++)
        if (status[r] < 0 && (found == NONE || (status[found] == NRM_E_CANCELLED && status[r] != NRM_E_CANCELLED))) found = r;
    return found;
}

nrm_status nrm_comm_agree(nrm_ctx *ctx, nrm_comm *comm, nrm_status st)
{
    signed char status[NRM_COMM_MOST];
    int64_t ones[NRM_COMM_MOST];
    char text[SENTENCE] = "";
    const int ranks = nrm_comm_size(comm);

    if (ranks == 1) return st;
    for (int r = 0; r < ranks; r++) ones[r] = 1;
    const signed char own = (signed char)st;
    NRM_TRY(nrm_comm_all_gather(ctx, comm, &own, status, ones));
    const int blamed = rank_to_blame(ranks, status);
    if (blamed == NONE) return st;
    if (blamed == comm->rank) snprintf(text, sizeof text, "%s", *nrm_message(ctx) ? nrm_message(ctx) : nrm_status_text(st));
    NRM_TRY(nrm_comm_broadcast(ctx, comm, blamed, text, SENTENCE));
    text[SENTENCE - 1] = '\0';
    return nrm_fail(ctx, (nrm_status)status[blamed], "rank %d: %s", blamed, text);
}
