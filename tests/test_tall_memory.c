/* test_tall_memory.c -- methods on rows of a file hold no more for four times the rows. */
#include "testkit.h"
#include <norma/call.h>

typedef struct tall {
    const char *method, *a, *b; /* ports */
    const char *params[10];     /* name, value, ... */
} tall;

static const tall cases[] = {
    {"row-sketch", "a", NULL, {"rows", "40"}},
    {"row-sketch", "a", NULL, {"rows", "40", "sketch", "gaussian"}},
    {"row-sketch", "a", NULL, {"rows", "40", "sketch", "osnap"}},
    {"linf-regression", "a", "b", {"rows", "60"}},
    {"linf-regression", "a", "b", {"rows", "60", "sketch", "gaussian", "refine", "3"}},
    {"linf-regression", "a", "b", {"rows", "10000000"}}, /* exact */
    {"lp-coreset", "a", "b", {"p", "1.5", "rows", "60", "passes", "one"}},
    {"lp-coreset", "a", "b", {"p", "3", "rows", "60", "passes", "one"}},
    {"weighted-least-squares", "x", "y", {"basis", "legendre", "degree", "2", "dimension", "4"}},
    {"private-sparse-regression", "x", "y", {"mode", "nldp"}},
    {"private-sparse-regression", "x", "y", {"mode", "iht", "k", "2"}},
    {"top-eigenvector", "a", NULL, {NULL}}};

enum { COLUMNS = 4, FEW = 120000, MANY = 4 * FEW };

/* Numbers in [-1, 1) from a linear congruence. */
static void write_rows(nrm_ctx *ctx, const char *path, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    uint64_t state = 12345;
    nrm_array a;

    assert_ok(ctx, nrm_array_create(ctx, &a, NRM_F64, 2, shape));
    for (int64_t i = 0; i < rows * columns; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((double *)a.data)[i] = (double)(int64_t)state * 0x1p-63;
    }
    assert_ok(ctx, nrm_save(ctx, path, &a));
    nrm_array_destroy(ctx, &a);
}

static int64_t peak(const tall *t, const char *a, const char *b)
{
    nrm_test_memory memory = {.fail_at = -1};
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    nrm_call *call;

    assert_ok(ctx, nrm_set_threads(ctx, 1));
    assert_ok(ctx, nrm_call_create(ctx, t->method, &call));
    assert_ok(ctx, nrm_call_input_path(call, t->a, a));
    if (t->b) assert_ok(ctx, nrm_call_input_path(call, t->b, b));
    for (int i = 0; t->params[i]; i += 2) assert_ok(ctx, nrm_call_set(call, t->params[i], t->params[i + 1]));
    assert_true(nrm_call_run(call) >= 0);
    nrm_call_destroy(call);
    nrm_ctx_destroy(ctx);
    assert_int_equal(memory.live, 0);
    return memory.peak_bytes;
}

static void test_memory(void **state)
{
    (void)state;
    char few_a[512], few_b[512], many_a[512], many_b[512];
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    snprintf(few_a, sizeof few_a, "%s", nrm_test_temp("few_a.npy"));
    snprintf(few_b, sizeof few_b, "%s", nrm_test_temp("few_b.npy"));
    snprintf(many_a, sizeof many_a, "%s", nrm_test_temp("many_a.npy"));
    snprintf(many_b, sizeof many_b, "%s", nrm_test_temp("many_b.npy"));
    write_rows(ctx, few_a, FEW, COLUMNS);
    write_rows(ctx, few_b, FEW, 1);
    write_rows(ctx, many_a, MANY, COLUMNS);
    write_rows(ctx, many_b, MANY, 1);
    nrm_ctx_destroy(ctx);
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
        const int64_t few = peak(&cases[i], few_a, few_b), many = peak(&cases[i], many_a, many_b);
        /* merging keeps a coreset for each doubling of the rows */
        if (many > few + few / 5) fail_msg("%s (case %d): %lld bytes for %d rows, %lld for %d", cases[i].method, i, (long long)few,
                                           FEW, (long long)many, MANY);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_memory))
