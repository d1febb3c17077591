/* norma/core.h -- what every call shares: status codes, the context, messages,
 * threads, seed, allocator, progress and cancellation.
 *
 * Norma has no global state.  Everything a call may need beside its arguments
 * hangs on a context.  NULL is a valid context everywhere: defaults, silent,
 * no message kept.  A context serves one thread at a time; nrm_cancel alone may
 * be called from any thread or signal handler. */
#ifndef NORMA_CORE_H
#define NORMA_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_VERSION_MAJOR 0
#define NRM_VERSION_MINOR 2
#define NRM_VERSION_PATCH 0
#define NRM_VERSION "0.2.0"

#ifdef __cplusplus
#define NRM_ZERO {} /* every member zero, in the way each language likes */
#else
#define NRM_ZERO {0}
#endif

#if defined(__GNUC__)
#define NRM_API __attribute__((visibility("default")))
#define NRM_NODISCARD __attribute__((warn_unused_result))
#define NRM_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define NRM_API
#define NRM_NODISCARD
#define NRM_PRINTF(string, first)
#endif

/* The one list of status codes: 0 done, > 0 done with a remark (the outputs are
 * valid; info says how good), < 0 failed (the outputs are as they were).
 *      constant                 value  name                text                    */
#define NRM_STATUS_LIST(S)                                                              \
    S(NRM_OK,                    0, "ok",                "done")                        \
    S(NRM_NOT_CONVERGED,         1, "not-converged",     "the iteration limit came before the tolerance; outputs hold the best point") \
    S(NRM_PARTIAL,               2, "partial",           "stopped early on request; outputs hold what was reached") \
    S(NRM_RELAXED,               3, "relaxed",           "a constraint holds only up to the residual in info") \
    S(NRM_E_NULL,               -1, "null-pointer",      "a required pointer is NULL")  \
    S(NRM_E_ARGUMENT,           -2, "bad-argument",      "an argument is not understood") \
    S(NRM_E_RANGE,              -3, "out-of-range",      "a parameter lies outside its range") \
    S(NRM_E_SHAPE,              -4, "bad-shape",         "array shapes do not fit")     \
    S(NRM_E_DTYPE,              -5, "bad-dtype",         "an array has the wrong element type") \
    S(NRM_E_NONFINITE,          -6, "non-finite",        "an input holds NaN or Inf")   \
    S(NRM_E_OVERFLOW,           -7, "overflow",          "a size or value overflows")   \
    S(NRM_E_ALIAS,              -8, "overlap",           "two arrays overlap and must not") \
    S(NRM_E_NOMEM,              -9, "out-of-memory",     "memory could not be had")     \
    S(NRM_E_CANCELLED,         -10, "cancelled",         "stopped on request")          \
    S(NRM_E_IO,                -11, "input-output",      "the operating system refused a file operation") \
    S(NRM_E_FORMAT,            -12, "bad-file",          "a file's content is malformed") \
    S(NRM_E_UNSUPPORTED,       -13, "unsupported",       "this build or machine cannot do it") \
    S(NRM_E_INFEASIBLE,        -14, "infeasible",        "the constraints contradict each other") \
    S(NRM_E_SINGULAR,          -15, "singular",          "a matrix is singular or a direction is undefined") \
    S(NRM_E_INTERNAL,          -16, "internal-error",    "Norma is wrong here; please report it")

typedef enum nrm_status {
#define NRM_STATUS_ENUM(constant, value, name, text) constant = value,
    NRM_STATUS_LIST(NRM_STATUS_ENUM)
#undef NRM_STATUS_ENUM
} nrm_status;

NRM_API const char *nrm_status_name(nrm_status status); /* "not-converged"; "unknown" */
NRM_API const char *nrm_status_text(nrm_status status); /* one sentence, no full stop */
NRM_API const char *nrm_version(void);                  /* of the library: NRM_VERSION */

typedef struct nrm_ctx nrm_ctx;

/* Memory hooks.  allocate returns `bytes` (> 0) aligned to `alignment` (a power
 * of two, at least sizeof(void *)), or NULL; release never sees NULL. */
typedef struct nrm_allocator {
    void *(*allocate)(void *user, size_t alignment, size_t bytes);
    void (*release)(void *user, void *memory);
    void *user;
} nrm_allocator;

typedef enum nrm_log_level { NRM_LOG_DEBUG, NRM_LOG_INFO, NRM_LOG_WARNING } nrm_log_level;
typedef void (*nrm_log_fn)(void *user, nrm_log_level level, const char *message);

/* One report of work in progress, at most some twenty a second.
 *   task   what is being done, for a person; valid during the call only
 *   done   units finished; total  units in all, or <= 0 where unknown
 *   value  the number to watch (a residual, a loss), NaN where there is none
 * Non-zero cancels the running call. */
typedef struct nrm_progress {
    const char *task;
    double done, total;
    const char *value_name;
    double value;
} nrm_progress;
typedef int (*nrm_progress_fn)(void *user, const nrm_progress *progress);

typedef struct nrm_ctx_options {
    size_t size;            /* set by nrm_ctx_options_default() */
    int threads;            /* 0 = all that OpenMP offers */
    uint64_t seed;          /* of every random stream of every call */
    nrm_allocator allocator;/* {0} = aligned C heap */
    nrm_log_fn log;         /* NULL = silent */
    void *log_user;
    nrm_progress_fn progress; /* NULL = none */
    void *progress_user;
} nrm_ctx_options;

static inline nrm_ctx_options nrm_ctx_options_default(void)
{
    nrm_ctx_options options = NRM_ZERO;
    options.size = sizeof options;
    return options;
}

/* Create a context; options may be NULL.  NRM_E_NULL, _RANGE (threads < 0 or
 * > 65536), _ARGUMENT (one allocator hook without the other, options without
 * their size), _NOMEM. */
NRM_API NRM_NODISCARD nrm_status nrm_ctx_create(nrm_ctx **ctx, const nrm_ctx_options *options);
NRM_API void nrm_ctx_destroy(nrm_ctx *ctx); /* NULL is fine */

/* The sentence of the last call on ctx that failed or ended with a remark: what
 * was given, the rule, the remedy.  "" where there is none; valid until the next
 * call on ctx. */
NRM_API const char *nrm_message(const nrm_ctx *ctx);

NRM_API int nrm_threads(const nrm_ctx *ctx);   /* threads a call will use, >= 1 */
NRM_API uint64_t nrm_seed(const nrm_ctx *ctx); /* 0 for NULL */
NRM_API NRM_NODISCARD nrm_status nrm_set_threads(nrm_ctx *ctx, int threads);
NRM_API NRM_NODISCARD nrm_status nrm_set_seed(nrm_ctx *ctx, uint64_t seed);
NRM_API NRM_NODISCARD nrm_status nrm_set_log(nrm_ctx *ctx, nrm_log_fn log, void *user);
NRM_API NRM_NODISCARD nrm_status nrm_set_progress(nrm_ctx *ctx, nrm_progress_fn progress, void *user);

/* Ask the call running on ctx to stop at its next check (well within a second).
 * Safe in a signal handler.  The request stays until nrm_cancel_clear. */
NRM_API void nrm_cancel(nrm_ctx *ctx);
NRM_API void nrm_cancel_clear(nrm_ctx *ctx);
NRM_API bool nrm_cancelled(const nrm_ctx *ctx);

/* The word of `words` (NULL-terminated) nearest to `name` by edit distance, a swap of
 * neighbours counted once; NULL unless it is close enough to be a slip. */
NRM_API const char *nrm_nearest(const char *name, const char *const *words);

#ifdef __cplusplus
}
#endif
#endif
