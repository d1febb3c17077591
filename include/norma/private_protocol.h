/* norma/private_protocol.h -- private sparse regression as it is used: the client's half runs
 * where the record is, the server's where the messages arrive.  Neither needs the other's code.
 *
 *     phone:   nrm_private_source_open(ctx, &source);
 *              nrm_private_randomize(ctx, source, user, d, x, y, NULL, message, NULL, &options);
 *     server:  nrm_private_server_create(ctx, &server, d, &options);
 *              nrm_private_server_absorb(ctx, server, message, bytes);      for each, in any order
 *              nrm_private_server_estimate(ctx, server, NULL, theta, NULL, &info);
 *
 * iht: nrm_private_server_theta gives what is sent to the users of a round, who pass it to
 * nrm_private_randomize with options.round; nrm_private_server_next_round ends the round.
 *
 * Both sides need the same parameters: mode, calibration, eps, delta, r, tau1, tau2 (or users),
 * split, and for iht k, kprime, radius, score_bound, update; a message carries their hash.
 *
 * A message, little endian (docs/methods/private-sparse-regression.md has the table):
 *     "NP" version mode | u32 d | u32 round | u64 parameters | numbers | u32 check
 * numbers: nldp d(d+1)/2 + d i64, nldp-public and isotropic d i64, iht u64 seed and u8 sign. */
#ifndef NORMA_PRIVATE_PROTOCOL_H
#define NORMA_PRIVATE_PROTOCOL_H

#include <norma/private_sparse_regression.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The client ------------------------------------------------------------------------------ */

/* Where a client's secret bits come from.  One thread at a time. */
typedef struct nrm_private_source nrm_private_source;
/* The operating system's generator (a fresh key for each message), unless a seed was chosen on
 * ctx: then as _seeded.  NRM_E_NULL, _NOMEM, _IO (no random bits to be had). */
NRM_API NRM_NODISCARD nrm_status nrm_private_source_open(nrm_ctx *ctx, nrm_private_source **source);
/* For tests alone: whoever knows the seed can take the noise off.  Warns through the log.  The
 * bits are a function of seed, user and round; a user is served once a round, and numbers rise. */
NRM_API NRM_NODISCARD nrm_status nrm_private_source_seeded(nrm_ctx *ctx, nrm_private_source **source, uint64_t seed);
NRM_API bool nrm_private_source_secure(const nrm_private_source *source);
NRM_API void nrm_private_source_close(nrm_ctx *ctx, nrm_private_source *source); /* wipes it */

/* What the client alone may know of its record. */
typedef struct nrm_private_record_report {
    bool clipped;   /* outside the promised range */
    bool nonfinite; /* NaN or Inf: sent as 0 */
} nrm_private_record_report;

/* Bytes of a message; -1 for a mode or d that there is not. */
NRM_API int64_t nrm_private_message_bytes(int mode, int64_t d);

/* One record to one message.
 *   user     in   a number of the caller's; a seeded source needs it, another ignores it
 *   x, y     in   d numbers and one; any values
 *   theta    in   iht: d finite numbers from the server, for options.round; else NULL
 *   message  out  nrm_private_message_bytes(mode, d) bytes
 *   report   out  may be NULL
 * A message is made whatever the record is: a refusal would tell something of it.  NRM_E_NULL,
 * _SHAPE, _RANGE (parameters), _NONFINITE (theta), _ARGUMENT (a seeded source asked twice for one
 * user), _IO (no random bits), _NOMEM: these depend on public things alone. */
NRM_API NRM_NODISCARD nrm_status nrm_private_randomize(nrm_ctx *ctx, nrm_private_source *source, int64_t user, int64_t d,
                                                       const double *x, double y, const double *theta, void *message,
                                                       nrm_private_record_report *report,
                                                       const nrm_private_sparse_regression_options *options);

/* What people have spent.  A person who sends a second message is refused, or (again) charged by
 * basic composition: eps and delta add up. */
typedef struct nrm_private_ledger nrm_private_ledger;
NRM_API NRM_NODISCARD nrm_status nrm_private_ledger_create(nrm_ctx *ctx, nrm_private_ledger **ledger);
NRM_API void nrm_private_ledger_destroy(nrm_ctx *ctx, nrm_private_ledger *ledger);
/* NRM_E_ARGUMENT names the user and what was spent; nothing is changed then. */
NRM_API NRM_NODISCARD nrm_status nrm_private_ledger_charge(nrm_ctx *ctx, nrm_private_ledger *ledger, int64_t user, double eps,
                                                           double delta, bool again);
/* Messages sent by a user, 0 for one that is not there; eps and delta may be NULL. */
NRM_API int64_t nrm_private_ledger_spent(const nrm_private_ledger *ledger, int64_t user, double *eps, double *delta);
/* A seed chosen for a source: NRM_E_ARGUMENT when it has been used before. */
NRM_API NRM_NODISCARD nrm_status nrm_private_ledger_seed(nrm_ctx *ctx, nrm_private_ledger *ledger, uint64_t seed);
/* As an npz; NRM_E_FORMAT names what does not fit. */
NRM_API NRM_NODISCARD nrm_status nrm_private_ledger_save(nrm_ctx *ctx, const nrm_private_ledger *ledger, const char *path);
NRM_API NRM_NODISCARD nrm_status nrm_private_ledger_load(nrm_ctx *ctx, nrm_private_ledger **ledger, const char *path);

/* ---- The server ------------------------------------------------------------------------------ */

/* Sums of messages: exact integers, so order does not matter and two servers merge into one. */
typedef struct nrm_private_server nrm_private_server;
NRM_API NRM_NODISCARD nrm_status nrm_private_server_create(nrm_ctx *ctx, nrm_private_server **server, int64_t d,
                                                           const nrm_private_sparse_regression_options *options);
NRM_API void nrm_private_server_destroy(nrm_ctx *ctx, nrm_private_server *server);
/* Take in one message: anybody's bytes.  NRM_E_FORMAT (damaged, or numbers that no client sends),
 * _ARGUMENT (other parameters, mode, d or round); nothing is changed then. */
NRM_API NRM_NODISCARD nrm_status nrm_private_server_absorb(nrm_ctx *ctx, nrm_private_server *server, const void *message,
                                                           int64_t bytes);
/* Add other's messages; same parameters and round (NRM_E_ARGUMENT).  other is not changed. */
NRM_API NRM_NODISCARD nrm_status nrm_private_server_merge(nrm_ctx *ctx, nrm_private_server *server,
                                                          const nrm_private_server *other);
NRM_API int64_t nrm_private_server_messages(const nrm_private_server *server); /* of this round */
NRM_API int64_t nrm_private_server_round(const nrm_private_server *server);    /* 1 .. */
/* theta_(t-1), d numbers, which the users of this round need. */
NRM_API const double *nrm_private_server_theta(const nrm_private_server *server);
/* iht: end the round by (3).  NRM_E_ARGUMENT: no messages, or another mode. */
NRM_API NRM_NODISCARD nrm_status nrm_private_server_next_round(nrm_ctx *ctx, nrm_private_server *server);
/* The answer for what has been absorbed; the server is not changed.  public_x, raw, info as in
 * nrm_private_sparse_regression.  NRM_E_ARGUMENT: no messages. */
NRM_API NRM_NODISCARD nrm_status nrm_private_server_estimate(nrm_ctx *ctx, const nrm_private_server *server,
                                                             nrm_rows *public_x, double *theta, double *raw,
                                                             nrm_private_sparse_regression_info *info);
/* Everything the server holds, as an npz; the parameters must be given again and be the same. */
NRM_API NRM_NODISCARD nrm_status nrm_private_server_save(nrm_ctx *ctx, const nrm_private_server *server, const char *path);
NRM_API NRM_NODISCARD nrm_status nrm_private_server_load(nrm_ctx *ctx, nrm_private_server **server, const char *path,
                                                         int64_t d, const nrm_private_sparse_regression_options *options);

#ifdef __cplusplus
}
#endif
#endif
