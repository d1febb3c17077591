/* threads.c -- ranks as threads of one process.  Contract: norma/comm.h.
 *
 * To move bytes every rank posts what it sends, all wait for each other, every rank copies
 * what is meant for it out of the others' memory, and all wait again before that memory may
 * change.  Between the two waits nobody writes what another reads, so one lock and one
 * condition for the waiting are all that is needed.
 *
 * A rank that ends wakes those that wait: they fail instead of waiting for ever. */
#define _POSIX_C_SOURCE 200809L
#include "base/base.h"
#include <norma/comm.h>
#include <pthread.h>
#include <stdio.h>

typedef struct posting {
    const unsigned char *send;
    const int64_t *bytes;   /* all_to_all: to every rank; all_gather: of every rank */
    bool gather;
} posting;

typedef struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t turn;
    int size, waiting;
    int64_t round;          /* times that all have met */
    int64_t misfit;         /* the exchange in which blocks did not fit */
    int ended, failed;      /* a rank that ended, the first that failed; -1: none */
    posting *posts;
} meeting;

typedef struct thread_rank {
    nrm_comm comm;
    meeting *meeting;
    int64_t exchanges;
    nrm_ctx *ctx;
    nrm_rank_fn run;
    void *user;
    nrm_status status;
    pthread_t thread;
} thread_rank;

/* Wait for all; false: one has ended and will not come. */
static bool meet(meeting *m)
{
    pthread_mutex_lock(&m->lock);
    const int64_t round = m->round;
    if (++m->waiting == m->size) {
        m->waiting = 0;
        m->round++;
        pthread_cond_broadcast(&m->turn);
    }
    while (m->round == round && m->ended < 0) pthread_cond_wait(&m->turn, &m->lock);
    const bool met = m->round != round;
    if (!met) m->waiting--;
    pthread_mutex_unlock(&m->lock);
    return met;
}

static nrm_status alone(thread_rank *t)
{
    snprintf(t->comm.reason, sizeof t->comm.reason, "rank %d has ended; all ranks must make the same calls", t->meeting->ended);
    return NRM_E_IO;
}

static void misfit(thread_rank *t)
{
    pthread_mutex_lock(&t->meeting->lock);
    t->meeting->misfit = t->exchanges;
    pthread_mutex_unlock(&t->meeting->lock);
}

/* The block of rank r for this one; false: it is not what was expected. */
static bool take(const thread_rank *t, int r, bool gather, int64_t expected, unsigned char *receive)
{
    const posting *p = &t->meeting->posts[r];
    const unsigned char *from = p->send;
    const int block = gather ? r : t->comm.rank;

    if (p->gather != gather || p->bytes[block] != expected) return false;
    for (int k = 0; k < block && !gather; k++) from += p->bytes[k];
    if (expected && from != receive) memcpy(receive, from, (size_t)expected);
    return true;
}

static nrm_status exchange(thread_rank *t, const posting *own, void *receive, const int64_t *receive_bytes)
{
    meeting *m = t->meeting;
    unsigned char *to = receive;

    t->exchanges++;
    m->posts[t->comm.rank] = *own;
    if (!meet(m)) return alone(t);
    for (int r = 0; r < m->size; r++) {
        if (!take(t, r, own->gather, receive_bytes[r], to)) misfit(t);
        if (receive_bytes[r]) to += receive_bytes[r];
    }
    if (!meet(m)) return alone(t);
    if (m->misfit != t->exchanges) return NRM_OK;
    snprintf(t->comm.reason, sizeof t->comm.reason, "the ranks do not exchange the same blocks; all must make the same calls");
    return NRM_E_SHAPE;
}

static nrm_status all_to_all(nrm_comm *comm, const void *send, const int64_t *send_bytes, void *receive, const int64_t *receive_bytes)
{
    return exchange((thread_rank *)comm, &(posting){send, send_bytes, false}, receive, receive_bytes);
}

static nrm_status all_gather(nrm_comm *comm, const void *send, void *receive, const int64_t *bytes)
{
    return exchange((thread_rank *)comm, &(posting){send, bytes, true}, receive, bytes);
}

static const nrm_comm_calls calls = {all_to_all, all_gather, NULL};

/* ---- Running ------------------------------------------------------------------------------------- */

static void leave(meeting *m, int rank, bool failed)
{
    pthread_mutex_lock(&m->lock);
    if (failed && m->failed < 0) m->failed = rank;
    if (m->ended < 0) m->ended = rank;
    pthread_cond_broadcast(&m->turn);
    pthread_mutex_unlock(&m->lock);
}

static void *run_rank(void *argument)
{
    thread_rank *t = argument;
    nrm_comm *before = nrm_ctx_comm(t->ctx);
    nrm_status st = t->ctx ? nrm_set_comm(t->ctx, &t->comm) : NRM_OK; /* rank 0 may have no context */
    if (st >= 0) st = t->run(t->ctx, &t->comm, t->user);
    t->status = st;
    if (t->ctx) st = nrm_set_comm(t->ctx, before);
    leave(t->meeting, t->comm.rank, t->status < 0);
    return NULL;
}

/* Ranks 1 and up get contexts, then threads; *started of them run. */
static nrm_status start(nrm_ctx *ctx, meeting *m, thread_rank *ranks, int *started)
{
    nrm_ctx_options options = nrm_ctx_options_default();

    options.threads = nrm_threads_asked(ctx);
    options.seed = nrm_seed(ctx);
    for (int r = 1; r < m->size; r++) {
        NRM_REQUIRE(ctx, nrm_ctx_create(&ranks[r].ctx, &options) >= 0, NRM_E_NOMEM, "comm: no memory for the context of rank %d", r);
        if (nrm_seed_given(ctx)) NRM_TRY(nrm_set_seed(ranks[r].ctx, options.seed)); /* 0 may have been chosen */
    }
    for (int r = 1; r < m->size; r++) {
        if (pthread_create(&ranks[r].thread, NULL, run_rank, &ranks[r]) != 0) {
            leave(m, r, false); /* those that run must not wait for it */
            return nrm_fail(ctx, NRM_E_NOMEM, "comm: the thread of rank %d cannot be started", r);
        }
        (*started)++;
    }
    return NRM_OK;
}

nrm_status nrm_run_ranks(nrm_ctx *ctx, int count, nrm_rank_fn run, void *user)
{
    meeting m = {.lock = PTHREAD_MUTEX_INITIALIZER, .turn = PTHREAD_COND_INITIALIZER, .size = count, .ended = -1, .failed = -1};
    thread_rank *ranks = NULL;
    int started = 0;
    nrm_status st;

    NRM_REQUIRE(ctx, run, NRM_E_NULL, "comm: the function of a rank must not be NULL");
    NRM_REQUIRE(ctx, count >= 1 && count <= NRM_COMM_MOST, NRM_E_RANGE, "comm: %d ranks are asked for; there may be 1 to %d", count,
                NRM_COMM_MOST);
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, ranks, count, "the ranks"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, m.posts, count, "the ranks"));
    for (int r = 0; r < count; r++)
        ranks[r] = (thread_rank){.comm = {.calls = &calls, .rank = r, .size = count}, .meeting = &m, .run = run, .user = user};
    ranks[0].ctx = ctx;
    st = start(ctx, &m, ranks, &started);
    if (st >= 0) run_rank(&ranks[0]);
    for (int r = 1; r <= started; r++) pthread_join(ranks[r].thread, NULL);
    if (st >= 0) {
        st = ranks[m.failed < 0 ? 0 : m.failed].status;
        if (m.failed > 0) nrm_fail(ctx, st, "%s", nrm_message(ranks[m.failed].ctx));
    }
done:
    for (int r = 1; ranks && r < count; r++) nrm_ctx_destroy(ranks[r].ctx);
    nrm_free(ctx, m.posts);
    nrm_free(ctx, ranks);
    return st;
}
