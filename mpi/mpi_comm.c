/* mpi_comm.c -- the ranks of MPI as a communicator.  Contract: norma/mpi.h.
 *
 * MPI counts bytes in int.  Gathers whose total fits are MPI_Allgatherv (every rank knows the
 * sizes of all, so all choose alike); everything else are messages of at most a GiB from each
 * rank to each, of which sender and receiver alone know the size. */
#include <limits.h>
#include <mpi.h>
#include <norma/mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef NRM_MPI_PIECE /* a test has smaller ones */
#define NRM_MPI_PIECE (1 << 30)
#define NRM_MPI_GATHER_MOST INT_MAX
#endif
enum { PIECE = NRM_MPI_PIECE, TAG = 1 };

typedef struct mpi_rank {
    nrm_comm comm;
    MPI_Comm mpi;
    MPI_Request *requests; /* 2 size */
    int *counts, *places;  /* size each */
} mpi_rank;

/* Communicators that live of an MPI that was initialised here; MPI itself is one a process. */
static int alive;
static bool started_here;

static nrm_status check(mpi_rank *m, int code)
{
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;

    if (code == MPI_SUCCESS) return NRM_OK;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
    snprintf(m->comm.reason, sizeof m->comm.reason, "MPI: %.*s", length, text);
    return NRM_E_IO;
}

/* The k-th message of a block of so many bytes. */
static int piece(int64_t bytes, int64_t k)
{
    const int64_t left = bytes - k * PIECE;
    return left <= 0 ? 0 : left < PIECE ? (int)left : PIECE;
}

/* Messages number k of all blocks; *more: there are others after them. */
static int exchange_pieces(mpi_rank *m, int64_t k, const unsigned char *send, const int64_t *send_bytes, bool same_block,
                           unsigned char *receive, const int64_t *receive_bytes, bool *more)
{
    const int rank = m->comm.rank, size = m->comm.size;
    int used = 0, code = MPI_SUCCESS;

    for (int r = 0; r < size && code == MPI_SUCCESS; r++) {
        const int n = r == rank ? 0 : piece(receive_bytes[r], k);
        if (n) code = MPI_Irecv(receive + k * PIECE, n, MPI_BYTE, r, TAG, m->mpi, &m->requests[used++]);
        *more = *more || (r != rank && receive_bytes[r] > (k + 1) * PIECE);
        if (receive_bytes[r]) receive += receive_bytes[r];
    }
    for (int r = 0; r < size && code == MPI_SUCCESS; r++) {
        const int n = r == rank ? 0 : piece(send_bytes[same_block ? rank : r], k);
        if (n) code = MPI_Isend(send + k * PIECE, n, MPI_BYTE, r, TAG, m->mpi, &m->requests[used++]);
        *more = *more || (r != rank && send_bytes[same_block ? rank : r] > (k + 1) * PIECE);
        if (!same_block && send_bytes[r]) send += send_bytes[r];
    }
    return code == MPI_SUCCESS ? MPI_Waitall(used, m->requests, MPI_STATUSES_IGNORE) : code;
}

static nrm_status exchange(mpi_rank *m, const void *send, const int64_t *send_bytes, bool same_block, void *receive,
                           const int64_t *receive_bytes)
{
    const unsigned char *own = send;
    unsigned char *place = receive;
    const int rank = m->comm.rank;

    for (int r = 0; r < rank; r++) {
        if (!same_block && send_bytes[r]) own += send_bytes[r];
        if (receive_bytes[r]) place += receive_bytes[r];
    }
    if (send_bytes[rank] != receive_bytes[rank]) {
        snprintf(m->comm.reason, sizeof m->comm.reason, "the rank sends itself another size than it expects");
        return NRM_E_SHAPE;
    }
    if (send_bytes[rank] && own != place) memcpy(place, own, (size_t)send_bytes[rank]);
    bool more = true;
    for (int64_t k = 0; more; k++) {
        more = false;
        const nrm_status st = check(m, exchange_pieces(m, k, send, send_bytes, same_block, receive, receive_bytes, &more));
        if (st < 0) return st;
    }
    return NRM_OK;
}

static nrm_status all_to_all(nrm_comm *comm, const void *send, const int64_t *send_bytes, void *receive, const int64_t *receive_bytes)
{
    return exchange((mpi_rank *)comm, send, send_bytes, false, receive, receive_bytes);
}

static nrm_status all_gather(nrm_comm *comm, const void *send, void *receive, const int64_t *bytes)
{
    mpi_rank *m = (mpi_rank *)comm;
    int64_t total = 0;

    for (int r = 0; r < comm->size; r++) total += bytes[r];
    if (total > NRM_MPI_GATHER_MOST) return exchange(m, send, bytes, true, receive, bytes);
    for (int r = 0, at = 0; r < comm->size; r++) {
        m->counts[r] = (int)bytes[r];
        m->places[r] = at;
        at += m->counts[r];
    }
    const bool in_place = total > 0 && send == (const unsigned char *)receive + m->places[comm->rank];
    return check(m, MPI_Allgatherv(in_place ? MPI_IN_PLACE : send, m->counts[comm->rank], MPI_BYTE, receive, m->counts, m->places,
                                   MPI_BYTE, m->mpi));
}

static void destroy(nrm_comm *comm)
{
    mpi_rank *m = (mpi_rank *)comm;
    int over = 0;

    if (MPI_Finalized(&over) == MPI_SUCCESS && !over) {
        if (m->mpi != MPI_COMM_NULL) MPI_Comm_free(&m->mpi);
        if (--alive == 0 && started_here) MPI_Finalize();
    }
    free(m->requests);
    free(m->counts);
    free(m->places);
    free(m);
}

static const nrm_comm_calls calls = {all_to_all, all_gather, destroy};

static nrm_status start_mpi(const char **reason)
{
    int is = 0, was = 0, level = MPI_THREAD_SINGLE;

    MPI_Finalized(&was);
    *reason = "MPI was ended before; it cannot be started again in a process";
    if (was) return NRM_E_UNSUPPORTED;
    MPI_Initialized(&is);
    if (!is) {
        *reason = "MPI cannot be initialised";
        if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS) return NRM_E_IO;
        started_here = true;
    } else if (MPI_Query_thread(&level) != MPI_SUCCESS) {
        level = MPI_THREAD_SINGLE;
    }
    *reason = "this MPI supports no threads beside it (MPI_THREAD_FUNNELED)";
    return level < MPI_THREAD_FUNNELED ? NRM_E_UNSUPPORTED : NRM_OK;
}

static nrm_status fill(mpi_rank *m, MPI_Comm from, const char **reason)
{
    *reason = "MPI gives no copy of the communicator";
    if (MPI_Comm_dup(from, &m->mpi) != MPI_SUCCESS) return NRM_E_IO;
    MPI_Comm_set_errhandler(m->mpi, MPI_ERRORS_RETURN);
    if (MPI_Comm_rank(m->mpi, &m->comm.rank) != MPI_SUCCESS || MPI_Comm_size(m->mpi, &m->comm.size) != MPI_SUCCESS) return NRM_E_IO;
    *reason = "there are more ranks than a communicator takes (NRM_COMM_MOST)";
    if (m->comm.size > NRM_COMM_MOST) return NRM_E_RANGE;
    const size_t size = (size_t)m->comm.size;
    m->requests = malloc(2 * size * sizeof *m->requests);
    m->counts = malloc(size * sizeof *m->counts);
    m->places = malloc(size * sizeof *m->places);
    *reason = "there is no memory left";
    return m->requests && m->counts && m->places ? NRM_OK : NRM_E_NOMEM;
}

nrm_status nrm_mpi_comm_create(nrm_comm **comm, const void *mpi_comm, const char **reason)
{
    const char *unread;
    MPI_Comm from = MPI_COMM_WORLD;

    if (!reason) reason = &unread;
    *reason = "the place for the communicator is NULL";
    if (!comm) return NRM_E_NULL;
    const nrm_status started = start_mpi(reason);
    if (started < 0) return started;
    mpi_rank *m = calloc(1, sizeof *m);
    *reason = "there is no memory left";
    if (!m) return NRM_E_NOMEM;
    alive++;
    m->comm.calls = &calls;
    m->mpi = MPI_COMM_NULL;
    if (mpi_comm) memcpy(&from, mpi_comm, sizeof from);
    const nrm_status st = fill(m, from, reason);
    if (st < 0) {
        destroy(&m->comm);
        return st;
    }
    *comm = &m->comm;
    return NRM_OK;
}

void nrm_mpi_abort(nrm_comm *comm, int code)
{
    if (comm) MPI_Abort(((mpi_rank *)comm)->mpi, code);
}
