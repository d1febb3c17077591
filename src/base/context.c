/* context.c -- status codes, the context, messages, progress, cancellation. */
#define _DEFAULT_SOURCE /* madvise */
#include "base.h"
#include <norma/comm.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { MESSAGE_LENGTH = 1024, MOST_THREADS = 65536 };
static const size_t HUGE_PAGE = (size_t)2 << 20;
static const double TICK_SECONDS = 0.05; /* at most twenty reports a second */

struct nrm_ctx {
    int threads;
    uint64_t seed;
    bool seed_given;
    nrm_allocator allocator;
    nrm_log_fn log;
    void *log_user;
    nrm_progress_fn progress;
    void *progress_user;
    nrm_comm *comm;
    atomic_bool cancelled;
    double last_tick;
    char message[MESSAGE_LENGTH];
};

const char *nrm_status_name(nrm_status status)
{
    switch (status) {
#define CASE(constant, value, name, text) case constant: return name;
        NRM_STATUS_LIST(CASE)
#undef CASE
    }
    return "unknown";
}

const char *nrm_status_text(nrm_status status)
{
    switch (status) {
#define CASE(constant, value, name, text) case constant: return text;
        NRM_STATUS_LIST(CASE)
#undef CASE
    }
    return "a status this version does not know";
}

const char *nrm_version(void) { return NRM_VERSION; }

/* ---- Memory hooks: the only place that calls the C heap for the library ---------- */

/* Large blocks begin on a huge page and ask for such pages: passes over several arrays at
 * once are then limited by memory, not by looking up addresses. */
static void *heap_allocate(void *user, size_t alignment, size_t bytes)
{
    const bool large = bytes >= 2 * HUGE_PAGE;

    (void)user;
    if (large && alignment < HUGE_PAGE) alignment = HUGE_PAGE;
    if (bytes > SIZE_MAX - alignment) return NULL;
    const size_t whole = (bytes + alignment - 1) / alignment * alignment;
    void *memory = aligned_alloc(alignment, whole);
#ifdef MADV_HUGEPAGE
    if (memory && large) (void)madvise(memory, whole, MADV_HUGEPAGE); /* advice: may be ignored */
#endif
    return memory;
}

static void heap_release(void *user, void *memory)
{
    (void)user;
    free(memory);
}

static nrm_allocator ctx_allocator(const nrm_ctx *ctx)
{
    return ctx ? ctx->allocator : (nrm_allocator){heap_allocate, heap_release, NULL};
}

/* Pointers of all types are stored through memcpy: a void ** would alias them. */
nrm_status nrm_alloc_bytes(nrm_ctx *ctx, void *place, int64_t count, size_t size, const char *what)
{
    const nrm_allocator allocator = ctx_allocator(ctx);
    void *memory = NULL;
    int64_t bytes = 0;

    memcpy(place, &memory, sizeof memory);
    NRM_REQUIRE(ctx, nrm_mul_size(count, (int64_t)size, &bytes), NRM_E_OVERFLOW,
                "%s: %lld elements of %zu bytes are more than memory can address", what,
                NRM_LL(count), size);
    memory = allocator.allocate(allocator.user, 64, bytes > 0 ? (size_t)bytes : 1);
    NRM_REQUIRE(ctx, memory, NRM_E_NOMEM, "%s: no memory for %lld bytes", what, NRM_LL(bytes));
    memcpy(place, &memory, sizeof memory);
    return NRM_OK;
}

nrm_status nrm_alloc_zeroed(nrm_ctx *ctx, void *place, int64_t count, size_t size, const char *what)
{
    void *memory;
    NRM_TRY(nrm_alloc_bytes(ctx, place, count, size, what));
    memcpy(&memory, place, sizeof memory);
    memset(memory, 0, (size_t)count * size);
    return NRM_OK;
}

void nrm_free(nrm_ctx *ctx, void *memory)
{
    const nrm_allocator allocator = ctx_allocator(ctx);
    if (memory) allocator.release(allocator.user, memory);
}

/* ---- The context -------------------------------------------------------------------- */

static nrm_status check_threads(nrm_ctx *ctx, int threads)
{
    NRM_REQUIRE(ctx, threads >= 0 && threads <= MOST_THREADS, NRM_E_RANGE,
                "threads is %d; threads must be 0 (all) to %d", threads, MOST_THREADS);
    return NRM_OK;
}

nrm_status nrm_ctx_create(nrm_ctx **ctx, const nrm_ctx_options *options)
{
    nrm_ctx_options o = nrm_ctx_options_default();

    if (!ctx) return NRM_E_NULL;
    *ctx = NULL;
    if (options && options->size < sizeof options->size) return NRM_E_ARGUMENT; /* not from _default() */
    if (options) memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    if (!o.allocator.allocate != !o.allocator.release) return NRM_E_ARGUMENT;
    NRM_TRY(check_threads(NULL, o.threads));
    if (!o.allocator.allocate) o.allocator = ctx_allocator(NULL);

    nrm_ctx *c = o.allocator.allocate(o.allocator.user, 64, sizeof *c);
    if (!c) return NRM_E_NOMEM;
    memset(c, 0, sizeof *c);
    c->threads = o.threads;
    c->seed = o.seed;
    c->seed_given = o.seed != 0;
    c->allocator = o.allocator;
    c->log = o.log;
    c->log_user = o.log_user;
    c->progress = o.progress;
    c->progress_user = o.progress_user;
    atomic_init(&c->cancelled, false);
    *ctx = c;
    return NRM_OK;
}

void nrm_ctx_destroy(nrm_ctx *ctx)
{
    if (!ctx) return;
    const nrm_allocator allocator = ctx->allocator;
    allocator.release(allocator.user, ctx);
}

const char *nrm_message(const nrm_ctx *ctx) { return ctx ? ctx->message : ""; }
uint64_t nrm_seed(const nrm_ctx *ctx) { return ctx ? ctx->seed : 0; }
bool nrm_seed_given(const nrm_ctx *ctx) { return ctx && ctx->seed_given; }

int nrm_threads(const nrm_ctx *ctx)
{
    return ctx && ctx->threads > 0 ? ctx->threads : omp_get_max_threads();
}

int nrm_threads_asked(const nrm_ctx *ctx) { return ctx ? ctx->threads : 0; }

nrm_status nrm_set_threads(nrm_ctx *ctx, int threads)
{
    if (!ctx) return NRM_E_NULL;
    NRM_TRY(check_threads(ctx, threads));
    ctx->threads = threads;
    return NRM_OK;
}

nrm_status nrm_set_seed(nrm_ctx *ctx, uint64_t seed)
{
    if (!ctx) return NRM_E_NULL;
    ctx->seed = seed;
    ctx->seed_given = true;
    return NRM_OK;
}

nrm_status nrm_set_log(nrm_ctx *ctx, nrm_log_fn log, void *user)
{
    if (!ctx) return NRM_E_NULL;
    ctx->log = log;
    ctx->log_user = user;
    return NRM_OK;
}

nrm_status nrm_set_progress(nrm_ctx *ctx, nrm_progress_fn progress, void *user)
{
    if (!ctx) return NRM_E_NULL;
    ctx->progress = progress;
    ctx->progress_user = user;
    return NRM_OK;
}

nrm_status nrm_set_comm(nrm_ctx *ctx, nrm_comm *comm)
{
    if (!ctx) return NRM_E_NULL;
    ctx->comm = comm;
    return NRM_OK;
}

nrm_comm *nrm_ctx_comm(const nrm_ctx *ctx) { return ctx ? ctx->comm : NULL; }

void nrm_cancel(nrm_ctx *ctx) { if (ctx) atomic_store(&ctx->cancelled, true); }
void nrm_cancel_clear(nrm_ctx *ctx) { if (ctx) atomic_store(&ctx->cancelled, false); }
bool nrm_cancelled(const nrm_ctx *ctx) { return ctx && atomic_load(&((nrm_ctx *)ctx)->cancelled); }

double nrm_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool nrm_tick(nrm_ctx *ctx, const char *task, double done, double total, const char *value_name,
              double value)
{
    if (!ctx) return false;
    if (ctx->progress) {
        const double now = nrm_now();
        if (now - ctx->last_tick >= TICK_SECONDS || (total > 0 && done >= total)) {
            const nrm_progress report = {task, done, total, value_name, value};
            ctx->last_tick = now;
            if (ctx->progress(ctx->progress_user, &report)) nrm_cancel(ctx);
        }
    }
    return nrm_cancelled(ctx);
}

/* ---- Messages ------------------------------------------------------------------------- */

void nrm_clear_message(nrm_ctx *ctx) { if (ctx) ctx->message[0] = '\0'; }

nrm_status nrm_fail(nrm_ctx *ctx, nrm_status status, const char *format, ...)
{
    if (!ctx) return status;
    va_list args;
    char text[MESSAGE_LENGTH]; /* the arguments may be the old message */
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(ctx->message, text, sizeof text);
    return status;
}

nrm_status nrm_fail_errno(nrm_ctx *ctx, int error, const char *format, ...)
{
    if (!ctx) return NRM_E_IO;
    va_list args;
    char text[MESSAGE_LENGTH], reason[128];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (strerror_r(error, reason, sizeof reason)) snprintf(reason, sizeof reason, "error %d", error);
    return nrm_fail(ctx, NRM_E_IO, "%s: %s", text, reason);
}

nrm_status nrm_fail_prefix(nrm_ctx *ctx, nrm_status status, const char *format, ...)
{
    if (!ctx) return status;
    va_list args;
    char text[MESSAGE_LENGTH];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return nrm_fail(ctx, status, "%s: %s", text, ctx->message);
}

void nrm_warn(nrm_ctx *ctx, const char *format, ...)
{
    if (!ctx || !ctx->log) return;
    va_list args;
    char text[MESSAGE_LENGTH];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ctx->log(ctx->log_user, NRM_LOG_WARNING, text);
}
