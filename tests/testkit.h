/* testkit.h -- what every test uses beside cmocka. */
#ifndef NRM_TESTKIT_H
#define NRM_TESTKIT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include <norma/core.h>

/* Run a table of unit tests: NRM_TEST_MAIN(cmocka_unit_test(a), cmocka_unit_test(b)). */
#define NRM_TEST_MAIN(...)                                        \
    int main(void)                                                \
    {                                                             \
        const struct CMUnitTest tests[] = {__VA_ARGS__};          \
        return cmocka_run_group_tests(tests, NULL, NULL);         \
    }

/* |a - b| <= tol (1 + |b|), with both printed where it fails; NaN equals NaN. */
#define assert_near(a, b, tol) nrm_assert_near((a), (b), (tol), #a, __FILE__, __LINE__)
void nrm_assert_near(double a, double b, double tol, const char *text, const char *file, int line);
#define assert_all_near(a, b, n, tol) nrm_assert_all_near((a), (b), (n), (tol), #a, __FILE__, __LINE__)
void nrm_assert_all_near(const double *a, const double *b, int64_t n, double tol, const char *text,
                         const char *file, int line);
/* A status, with the context's sentence printed where it differs. */
#define assert_status(ctx, call, expected) nrm_assert_status((ctx), (call), (expected), #call, __FILE__, __LINE__)
void nrm_assert_status(nrm_ctx *ctx, nrm_status got, nrm_status expected, const char *text,
                       const char *file, int line);
#define assert_ok(ctx, call) assert_status(ctx, call, NRM_OK)
/* The sentence of ctx contains a piece. */
#define assert_message(ctx, piece) nrm_assert_message((ctx), (piece), __FILE__, __LINE__)
void nrm_assert_message(nrm_ctx *ctx, const char *piece, const char *file, int line);

/* A context whose allocator counts, and can be told to fail at the n-th request. */
typedef struct nrm_test_memory {
    int64_t live;           /* blocks not released yet */
    int64_t live_bytes, peak_bytes;
    int64_t requests;       /* since the last reset */
    int64_t fail_at;        /* this request (from 0) and all after it fail; -1: none */
} nrm_test_memory;
nrm_ctx *nrm_test_ctx(nrm_test_memory *memory); /* memory may be NULL: the plain heap */

/* The allocation-failure loop: run `body` with 0, 1, 2, ... requests allowed until it
 * succeeds; every failure must be NRM_E_NOMEM, leak nothing and leave `output` (bytes)
 * as it was.  body must be repeatable.  `output` may be NULL. */
typedef nrm_status (*nrm_test_body)(nrm_ctx *ctx, void *user);
void nrm_test_allocation_failures(nrm_test_body body, void *user, void *output, size_t output_bytes);

/* A fixed small generator for test inputs, independent of the library's own. */
uint64_t nrm_test_next(uint64_t *state); /* splitmix64 */
double nrm_test_uniform(uint64_t *state);
double nrm_test_normal(uint64_t *state);

/* Path of a file of the real data, or NULL when it is absent (then skip()).  NORMA_DATA,
 * else ../shared/data beside the source tree.  Static buffer. */
const char *nrm_test_data(const char *name);
/* A fresh name in the build's temporary folder.  Static buffer, four in turn. */
const char *nrm_test_temp(const char *name);

#endif
