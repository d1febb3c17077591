/* norma/comm.h -- ranks that work together: processes under MPI, threads of one process, or
 * one alone.
 *
 * A communicator moves bytes among `size` ranks and knows which of them it is.  The library
 * itself has two: NULL, which is one rank alone, and the threads of nrm_run_ranks.  The one of
 * MPI is a library of its own (norma/mpi.h); others are a table of two functions.
 *
 * Every function below that takes a communicator must be called by all of its ranks, in the
 * same order.  A communicator serves one thread at a time. */
#ifndef NORMA_COMM_H
#define NORMA_COMM_H

#include <norma/array.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nrm_comm nrm_comm;

/* What an implementation gives.  Blocks lie end to end in the order of the ranks; sizes are
 * bytes, 0 allowed; send and receive do not overlap, but all_gather may be asked to send from
 * the rank's own place in receive.  A failure (NRM_E_IO, ...) leaves a sentence in
 * comm->reason. */
typedef struct nrm_comm_calls {
    /* send: a block for every rank; receive: a block from every rank. */
    nrm_status (*all_to_all)(nrm_comm *comm, const void *send, const int64_t *send_bytes, void *receive,
                             const int64_t *receive_bytes);
    /* send: bytes[rank] bytes; receive: those of every rank.  bytes is the same on all ranks. */
    nrm_status (*all_gather)(nrm_comm *comm, const void *send, void *receive, const int64_t *bytes);
    void (*destroy)(nrm_comm *comm);
} nrm_comm_calls;

enum { NRM_COMM_MOST = 4096, NRM_COMM_REASON = 128 }; /* ranks; bytes of a reason */

/* The beginning of every implementation's own struct. */
struct nrm_comm {
    const nrm_comm_calls *calls;
    int rank, size;     /* 0 <= rank < size <= NRM_COMM_MOST */
    int64_t bytes_sent; /* to other ranks, so far; kept by the functions below */
    char reason[NRM_COMM_REASON];
};

NRM_API int nrm_comm_rank(const nrm_comm *comm); /* 0 for NULL */
NRM_API int nrm_comm_size(const nrm_comm *comm); /* 1 for NULL */
NRM_API int64_t nrm_comm_bytes_sent(const nrm_comm *comm);
NRM_API void nrm_comm_destroy(nrm_comm *comm); /* NULL is fine */

/* The communicator of calls on ctx: methods that can (train) share their work among its ranks.
 * NULL: none.  It must outlive those calls. */
NRM_API NRM_NODISCARD nrm_status nrm_set_comm(nrm_ctx *ctx, nrm_comm *comm);
NRM_API nrm_comm *nrm_ctx_comm(const nrm_ctx *ctx);

/* As in nrm_comm_calls.  NRM_E_NULL, _RANGE (a size below 0), and what the implementation
 * says. */
NRM_API NRM_NODISCARD nrm_status nrm_comm_all_to_all(nrm_ctx *ctx, nrm_comm *comm, const void *send,
                                                     const int64_t *send_bytes, void *receive,
                                                     const int64_t *receive_bytes);
NRM_API NRM_NODISCARD nrm_status nrm_comm_all_gather(nrm_ctx *ctx, nrm_comm *comm, const void *send, void *receive,
                                                     const int64_t *bytes);
/* data of rank root, to all. */
NRM_API NRM_NODISCARD nrm_status nrm_comm_broadcast(nrm_ctx *ctx, nrm_comm *comm, int root, void *data, int64_t bytes);
/* Nobody goes on before all have come here. */
NRM_API NRM_NODISCARD nrm_status nrm_comm_barrier(nrm_ctx *ctx, nrm_comm *comm);

/* values[i] becomes the sum of values[i] of all ranks (f64, f32, i64), added in the order of
 * the ranks (f32 in f64, rounded once; i64 modulo 2^64): the same bits on every rank and in every
 * run.  work: nrm_comm_sum_work bytes, aligned as f64. */
NRM_API int64_t nrm_comm_sum_work(const nrm_comm *comm, nrm_dtype dtype, int64_t count); /* -1: too large */
NRM_API NRM_NODISCARD nrm_status nrm_comm_sum(nrm_ctx *ctx, nrm_comm *comm, nrm_dtype dtype, int64_t count,
                                              void *values, void *work);

/* Before something is changed that others rely on: every rank brings the status of what it
 * did alone.  If one failed all fail, with its status and "rank 2: its sentence"; a request
 * to stop (NRM_E_CANCELLED) yields to any other failure.  Else each has its own back. */
NRM_API NRM_NODISCARD nrm_status nrm_comm_agree(nrm_ctx *ctx, nrm_comm *comm, nrm_status status);

/* Run `ranks` ranks as threads of this process: rank 0 on the calling thread with ctx, the
 * others with contexts of their own (as many threads, the same seed, silent).  Each context
 * has the communicator meanwhile, so rank may call nrm_train and the like.  The status and
 * sentence of the rank that failed first, else rank 0's.  A rank that ends while others wait
 * for it makes their calls fail with NRM_E_IO.  NRM_E_RANGE (ranks), _NULL, _NOMEM. */
typedef nrm_status (*nrm_rank_fn)(nrm_ctx *ctx, nrm_comm *comm, void *user);
NRM_API NRM_NODISCARD nrm_status nrm_run_ranks(nrm_ctx *ctx, int ranks, nrm_rank_fn rank, void *user);

#ifdef __cplusplus
}
#endif
#endif
