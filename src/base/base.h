/* base.h -- what every source file of the library uses: failing with a sentence,
 * checked memory, ticking, timing.  Private. */
#ifndef NRM_BASE_H
#define NRM_BASE_H

#include <norma/array.h>
#include <norma/core.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

/* Keep a sentence in ctx (NULL allowed) and return `status`.  The sentence says
 * method, argument, value, rule, remedy: "sparse-ot: gamma is 0; gamma must be
 * > 0: use exact transport for gamma = 0". */
nrm_status nrm_fail(nrm_ctx *ctx, nrm_status status, const char *format, ...) NRM_PRINTF(3, 4);
/* The same, keeping errno's text at the end: "...: No such file or directory". */
nrm_status nrm_fail_errno(nrm_ctx *ctx, int error, const char *format, ...) NRM_PRINTF(3, 4);
/* Put "prefix: " before the message that is already there. */
nrm_status nrm_fail_prefix(nrm_ctx *ctx, nrm_status status, const char *format, ...) NRM_PRINTF(3, 4);
void nrm_warn(nrm_ctx *ctx, const char *format, ...) NRM_PRINTF(2, 3); /* to the log hook */
void nrm_clear_message(nrm_ctx *ctx);

/* Return from the function unless all is well; nothing to release yet. */
#define NRM_TRY(call)                                         \
    do {                                                      \
        const nrm_status nrm_try_status = (call);             \
        if (nrm_try_status < 0) return nrm_try_status;        \
    } while (0)
#define NRM_REQUIRE(ctx, condition, status, ...)                               \
    do {                                                                       \
        if (!(condition)) return nrm_fail((ctx), (status), __VA_ARGS__);       \
    } while (0)
/* The same where something is held: set `st`, go to `done`. */
#define NRM_TRY_DONE(call)            \
    do {                              \
        st = (call);                  \
        if (st < 0) goto done;        \
    } while (0)
#define NRM_STOP_IF(condition, status, ...)                    \
    do {                                                       \
        if (condition) {                                       \
            st = nrm_fail(ctx, (status), __VA_ARGS__);         \
            goto done;                                         \
        }                                                      \
    } while (0)

/* count * size bytes, 64-byte aligned, not cleared; a count of 0 gives a valid
 * pointer.  `place` is the address of a pointer of any type (NULL after a failure);
 * `what` names the memory in the message. */
nrm_status nrm_alloc_bytes(nrm_ctx *ctx, void *place, int64_t count, size_t size, const char *what);
nrm_status nrm_alloc_zeroed(nrm_ctx *ctx, void *place, int64_t count, size_t size, const char *what);
#define NRM_ALLOC(ctx, pointer, count, what) \
    nrm_alloc_bytes((ctx), &(pointer), (count), sizeof *(pointer), (what))
#define NRM_ALLOC_ZERO(ctx, pointer, count, what) \
    nrm_alloc_zeroed((ctx), &(pointer), (count), sizeof *(pointer), (what))
void nrm_free(nrm_ctx *ctx, void *memory); /* NULL is fine */
/* Grow a buffer of *capacity elements to at least `need` (doubling); contents kept.
 * `place` as above. */
nrm_status nrm_grow(nrm_ctx *ctx, void *place, int64_t *capacity, int64_t need, size_t size, const char *what);
nrm_status nrm_copy_string(nrm_ctx *ctx, char **copy, const char *text);

/* a * b, a + b; false on overflow or a negative operand. */
bool nrm_mul_size(int64_t a, int64_t b, int64_t *product);
bool nrm_add_size(int64_t a, int64_t b, int64_t *sum);

/* Many arrays from one block, freed at once.  Ask for all sizes first (nrm_arena_add
 * returns a slot), allocate once, then take pointers: allocation is one step that
 * fails before any work begins.
 *     nrm_arena arena = {0};
 *     int v = nrm_arena_add(&arena, d, sizeof(double));
 *     NRM_TRY(nrm_arena_alloc(ctx, &arena, "the work of topeig"));
 *     double *x = nrm_arena_at(&arena, v);   ...   nrm_arena_free(ctx, &arena); */
enum { NRM_ARENA_SLOTS = 32 };
typedef struct nrm_arena {
    unsigned char *base;
    int64_t bytes; /* -1 after an overflow */
    int count;
    int64_t offset[NRM_ARENA_SLOTS];
} nrm_arena;
int nrm_arena_add(nrm_arena *arena, int64_t count, size_t size);
nrm_status nrm_arena_alloc(nrm_ctx *ctx, nrm_arena *arena, const char *what);
void *nrm_arena_at(const nrm_arena *arena, int slot);
void nrm_arena_free(nrm_ctx *ctx, nrm_arena *arena);

/* Report progress (rate-limited) and say whether to stop.  Call it from the
 * thread that entered the library, every few milliseconds of work or more often. */
bool nrm_tick(nrm_ctx *ctx, const char *task, double done, double total, const char *value_name, double value);

double nrm_now(void); /* seconds, monotonic */
int nrm_threads_asked(const nrm_ctx *ctx); /* as set: 0 = all that OpenMP offers */
/* A seed was chosen (nrm_set_seed, or one that is not 0 in the options): what must be secret
 * comes from the operating system unless it was. */
bool nrm_seed_given(const nrm_ctx *ctx);

#define NRM_LL(x) ((long long)(x))
#define NRM_COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
static inline int64_t nrm_min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t nrm_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }

/* Bytes rounded up to whole cache lines. */
static inline int64_t nrm_padded(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/* Element i of f32 or f64 numbers, as dtype says. */
static inline double nrm_real_get(nrm_dtype dtype, const void *x, int64_t i)
{
    return dtype == NRM_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}
static inline void nrm_real_set(nrm_dtype dtype, void *x, int64_t i, double value)
{
    if (dtype == NRM_F32) ((float *)x)[i] = (float)value;
    else ((double *)x)[i] = value;
}

/* FNV-1a, going on from `hash`. */
#define NRM_HASH_START UINT64_C(0xcbf29ce484222325)
static inline uint64_t nrm_hash(uint64_t hash, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* True if [a, a+na) and [b, b+nb) share a byte. */
bool nrm_overlap(const void *a, size_t na, const void *b, size_t nb);

/* True if all n values are finite; else *where is the first that is not. */
bool nrm_all_finite_f64(const double *x, int64_t n, int64_t *where);
bool nrm_all_finite_f32(const float *x, int64_t n, int64_t *where);

/* Locale-independent numbers.  Parse exactly [begin, end): false if anything is
 * left over.  Accepts inf, nan, 1e5, .5; not hex. */
bool nrm_parse_f64(const char *begin, const char *end, double *value);
bool nrm_parse_i64(const char *begin, const char *end, int64_t *value);
/* Shortest text that reads back to the same bits ("0.1", "1e+300", "nan", "inf");
 * returns its length.  buffer holds NRM_NUMBER_LENGTH. */
enum { NRM_NUMBER_LENGTH = 32 };
int nrm_format_f64(char *buffer, double value);
int nrm_format_f32(char *buffer, float value);

/* Well-formed UTF-8. */
bool nrm_is_utf8(const char *text);
/* Any bytes as text: what is no UTF-8 becomes U+FFFD.  NUL bytes stay, one more ends it. */
nrm_status nrm_repair_utf8(nrm_ctx *ctx, const void *bytes, int64_t n, char **text, int64_t *length);
/* Text as a message quotes it: what is long ends with "...", control characters are blanks,
 * a byte that is not UTF-8 is '?'.  buffer holds NRM_SHOWN_LENGTH; returns it. */
enum { NRM_SHOWN_LENGTH = 64 };
const char *nrm_shown(char *buffer, const char *text);

#endif
