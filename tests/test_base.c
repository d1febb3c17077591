/* The base floor: status codes, context, memory, numbers as text, random streams. */
#include "base/random.h"
#include "testkit.h"
#include <float.h>
#include <locale.h>

/* ---- Status codes and the context ------------------------------------------------------------- */

static void test_status_names(void **state)
{
    (void)state;
    assert_string_equal(nrm_status_name(NRM_OK), "ok");
    assert_string_equal(nrm_status_name(NRM_E_NOMEM), "out-of-memory");
    assert_string_equal(nrm_status_name((nrm_status)-999), "unknown");
    assert_non_null(strstr(nrm_status_text(NRM_NOT_CONVERGED), "tolerance"));
    assert_non_null(nrm_status_text((nrm_status)12345));
    assert_string_equal(nrm_version(), NRM_VERSION);
    char numbers[32];
    snprintf(numbers, sizeof numbers, "%d.%d.%d", NRM_VERSION_MAJOR, NRM_VERSION_MINOR, NRM_VERSION_PATCH);
    assert_string_equal(nrm_version(), numbers);
}

static void test_null_context(void **state)
{
    (void)state;
    assert_string_equal(nrm_message(NULL), "");
    assert_true(nrm_threads(NULL) >= 1);
    assert_true(nrm_seed(NULL) == 0);
    assert_false(nrm_cancelled(NULL));
    nrm_cancel(NULL);
    nrm_cancel_clear(NULL);
    nrm_ctx_destroy(NULL);
    assert_int_equal(nrm_set_seed(NULL, 1), NRM_E_NULL);
    assert_int_equal(nrm_set_threads(NULL, 1), NRM_E_NULL);
    assert_int_equal(nrm_set_log(NULL, NULL, NULL), NRM_E_NULL);
    assert_int_equal(nrm_set_progress(NULL, NULL, NULL), NRM_E_NULL);
    assert_int_equal(nrm_ctx_create(NULL, NULL), NRM_E_NULL);
    assert_int_equal(nrm_fail(NULL, NRM_E_RANGE, "x"), NRM_E_RANGE);
    nrm_warn(NULL, "nobody hears this");
}

static void test_context_options(void **state)
{
    (void)state;
    nrm_ctx_options options = nrm_ctx_options_default();
    nrm_ctx *ctx;

    options.threads = 3;
    options.seed = UINT64_MAX;
    assert_int_equal(nrm_ctx_create(&ctx, &options), NRM_OK);
    assert_int_equal(nrm_threads(ctx), 3);
    assert_true(nrm_seed(ctx) == UINT64_MAX);
    assert_status(ctx, nrm_set_threads(ctx, -1), NRM_E_RANGE);
    assert_message(ctx, "threads is -1");
    assert_ok(ctx, nrm_set_threads(ctx, 0));
    assert_true(nrm_threads(ctx) >= 1);
    assert_ok(ctx, nrm_set_seed(ctx, 5));
    assert_true(nrm_seed(ctx) == 5);
    nrm_ctx_destroy(ctx);

    options.threads = 70000;
    assert_int_equal(nrm_ctx_create(&ctx, &options), NRM_E_RANGE);
    assert_null(ctx);
    options.threads = 1;
    options.allocator.user = &options;
    options.allocator.release = (void (*)(void *, void *))1; /* one hook of two; never called */
    assert_int_equal(nrm_ctx_create(&ctx, &options), NRM_E_ARGUMENT);
    options = (nrm_ctx_options){.threads = 2}; /* not made by _default(): nothing in it can be trusted */
    assert_int_equal(nrm_ctx_create(&ctx, &options), NRM_E_ARGUMENT);
    assert_null(ctx);
    /* A caller compiled against a shorter struct: what it lacks is default. */
    options = nrm_ctx_options_default();
    options.threads = 2;
    options.seed = 9;
    options.size = offsetof(nrm_ctx_options, seed);
    assert_int_equal(nrm_ctx_create(&ctx, &options), NRM_OK);
    assert_int_equal(nrm_threads(ctx), 2);
    assert_true(nrm_seed(ctx) == 0);
    nrm_ctx_destroy(ctx);
}

static int stop_at_half(void *user, const nrm_progress *p)
{
    *(double *)user = p->done;
    return p->done >= 5;
}

static void remember(void *user, nrm_log_level level, const char *message)
{
    assert_int_equal(level, NRM_LOG_WARNING);
    snprintf(user, 64, "%s", message);
}

static void test_progress_cancel_log(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double seen = -1;
    char text[64] = "";

    assert_ok(ctx, nrm_set_progress(ctx, stop_at_half, &seen));
    assert_false(nrm_tick(ctx, "work", 1, 10, "x", 0.5));
    assert_true(seen == 1);
    assert_false(nrm_tick(ctx, "work", 2, 10, NULL, NAN)); /* too soon to be reported */
    assert_true(seen == 1);
    assert_true(nrm_tick(ctx, "work", 10, 10, NULL, NAN)); /* the last always is */
    assert_true(nrm_cancelled(ctx));
    nrm_cancel_clear(ctx);
    assert_false(nrm_cancelled(ctx));
    nrm_cancel(ctx);
    assert_true(nrm_tick(ctx, "work", 3, 10, NULL, NAN));
    assert_ok(ctx, nrm_set_log(ctx, remember, text));
    nrm_warn(ctx, "k is %d", 7);
    assert_string_equal(text, "k is 7");
    nrm_ctx_destroy(ctx);
}

static void test_messages(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    char longer[3000];

    assert_int_equal(nrm_fail(ctx, NRM_E_RANGE, "tol is %g", 2.0), NRM_E_RANGE);
    assert_string_equal(nrm_message(ctx), "tol is 2");
    assert_int_equal(nrm_fail_prefix(ctx, NRM_E_RANGE, "%s", "here"), NRM_E_RANGE);
    assert_string_equal(nrm_message(ctx), "here: tol is 2");
    assert_int_equal(nrm_fail_errno(ctx, 2, "cannot open x"), NRM_E_IO);
    assert_message(ctx, "cannot open x: No such file");
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(nrm_fail(ctx, NRM_E_RANGE, "%s", longer), NRM_E_RANGE);
    assert_true(strlen(nrm_message(ctx)) < sizeof longer);
    nrm_clear_message(ctx);
    assert_string_equal(nrm_message(ctx), "");
    nrm_ctx_destroy(ctx);
}

/* ---- Memory --------------------------------------------------------------------------------------- */

static void test_sizes(void **state)
{
    (void)state;
    int64_t r;
    assert_true(nrm_mul_size(3, 5, &r) && r == 15);
    assert_false(nrm_mul_size(INT64_MAX, 2, &r));
    assert_false(nrm_mul_size(-1, 2, &r));
    assert_true(nrm_add_size(INT64_MAX - 1, 1, &r) && r == INT64_MAX);
    assert_false(nrm_add_size(INT64_MAX, 1, &r));
    const char x[8] = {0};
    assert_true(nrm_overlap(x, 4, x + 3, 4));
    assert_false(nrm_overlap(x, 4, x + 4, 4));
    assert_false(nrm_overlap(x, 0, x, 4));
}

static nrm_status use_memory(nrm_ctx *ctx, void *user)
{
    nrm_arena arena = {0};
    int64_t capacity = 0, *numbers = NULL;
    nrm_status st;

    const int a = nrm_arena_add(&arena, 3, sizeof(double)), b = nrm_arena_add(&arena, 100, 1);
    NRM_TRY(nrm_arena_alloc(ctx, &arena, "an arena"));
    double *x = nrm_arena_at(&arena, a);
    unsigned char *y = nrm_arena_at(&arena, b);
    assert_true((uintptr_t)x % 64 == 0 && (uintptr_t)y % 64 == 0 && (uintptr_t)y >= (uintptr_t)(x + 3));
    for (int64_t i = 0; i < 1000; i++) {
        NRM_TRY_DONE(nrm_grow(ctx, &numbers, &capacity, i + 1, sizeof *numbers, "numbers"));
        numbers[i] = i;
    }
    for (int64_t i = 0; i < 1000; i++) assert_true(numbers[i] == i);
    *(int *)user = 1;
done:
    nrm_free(ctx, numbers);
    nrm_arena_free(ctx, &arena);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    double *x;
    char *copy;
    int done = 0;

    assert_status(ctx, NRM_ALLOC(ctx, x, INT64_MAX / 4, "x"), NRM_E_OVERFLOW);
    assert_null(x);
    assert_message(ctx, "x: ");
    assert_ok(ctx, NRM_ALLOC(ctx, x, 0, "x"));
    assert_non_null(x);
    nrm_free(ctx, x);
    assert_ok(ctx, NRM_ALLOC_ZERO(ctx, x, 10, "x"));
    for (int i = 0; i < 10; i++) assert_true(x[i] == 0);
    nrm_free(ctx, x);
    nrm_free(ctx, NULL);
    assert_ok(ctx, nrm_copy_string(ctx, &copy, "abc"));
    assert_string_equal(copy, "abc");
    nrm_free(ctx, copy);
    nrm_arena arena = {0};
    (void)nrm_arena_add(&arena, INT64_MAX / 2, 8);
    assert_status(ctx, nrm_arena_alloc(ctx, &arena, "an arena"), NRM_E_OVERFLOW);
    assert_int_equal(memory.live, 1); /* the context itself */
    nrm_ctx_destroy(ctx);
    assert_int_equal(memory.live, 0);
    nrm_test_allocation_failures(use_memory, &done, NULL, 0);
    assert_int_equal(done, 1);
}

/* ---- Numbers as text --------------------------------------------------------------------------------- */

static bool read_f64(const char *text, double *value) { return nrm_parse_f64(text, text + strlen(text), value); }

static void test_parse_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "-", ".", "e5", "1e", "1.2.3", "0x10", " 1", "1 ", "1,5", "--1", "1e5x", "nanx"};
    static const struct { const char *text; double value; } good[] = {
        {"0", 0}, {"-0", -0.0}, {"1", 1}, {"+1.5", 1.5}, {".5", 0.5}, {"5.", 5}, {"1e3", 1000}, {"1E-3", 0.001},
        {"123456789012345", 123456789012345}, {"1.7976931348623157e308", DBL_MAX}, {"5e-324", 4.9406564584124654e-324},
        {"0.1", 0.1}, {"2.2250738585072014e-308", DBL_MIN}, {"1e400", INFINITY}, {"inf", INFINITY}, {"-Infinity", -INFINITY},
        {"9007199254740993", 9007199254740992.0}, {"0.000000000000000000000000000001", 1e-30}, {"00000000000000000000012", 12}};
    double v;
    int64_t w;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (read_f64(bad[i], &v)) fail_msg("'%s' was read as %g", bad[i], v);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!read_f64(good[i].text, &v) || v != good[i].value) fail_msg("'%s' was read as %.17g", good[i].text, v);
        assert_true(signbit(v) == signbit(good[i].value));
    }
    assert_true(read_f64("nan", &v) && isnan(v));
    const char *least = "-9223372036854775808", *over = "9223372036854775808", *most = "9223372036854775807";
    const char *half = "1.5";
    assert_true(nrm_parse_i64(least, least + 20, &w) && w == INT64_MIN);
    assert_true(nrm_parse_i64(most, most + 19, &w) && w == INT64_MAX);
    assert_false(nrm_parse_i64(over, over + 19, &w));
    assert_false(nrm_parse_i64(least, least + 1, &w));
    assert_false(nrm_parse_i64(half, half + 3, &w));
}

/* Random bits printed and read back are the same bits; also against strtod. */
static void test_numbers_round_trip(void **state)
{
    (void)state;
    uint64_t s = 11;
    char text[NRM_NUMBER_LENGTH];

    assert_non_null(setlocale(LC_ALL, "C"));
    for (int i = 0; i < 200000; i++) {
        const uint64_t bits = nrm_test_next(&s);
        double x, y;
        float f;
        memcpy(&x, &bits, sizeof x);
        if (isnan(x)) continue;
        assert_true(nrm_format_f64(text, x) < NRM_NUMBER_LENGTH);
        assert_true(read_f64(text, &y) && memcmp(&x, &y, sizeof x) == 0);
        memcpy(&f, &bits, sizeof f);
        if (isnan(f)) continue;
        assert_true(nrm_format_f32(text, f) < NRM_NUMBER_LENGTH);
        assert_true(read_f64(text, &y) && (float)y == f);
        snprintf(text, sizeof text, "%.*f", (int)(bits % 12), nrm_test_normal(&s) * 1e5);
        assert_true(read_f64(text, &y) && y == strtod(text, NULL));
    }
    assert_int_equal(nrm_format_f64(text, 0.1), 3);
    assert_string_equal(text, "0.1");
    nrm_format_f64(text, NAN);
    assert_string_equal(text, "nan");
    nrm_format_f32(text, NAN);
    assert_string_equal(text, "nan");
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"softmax", "sparse-ot", "top-eigenvector", NULL};
    assert_string_equal(nrm_nearest("sotfmax", words), "softmax");
    assert_string_equal(nrm_nearest("sparse_ot", words), "sparse-ot");
    assert_string_equal(nrm_nearest("top-eigenvektor", words), "top-eigenvector");
    assert_null(nrm_nearest("ridge", words));
    assert_null(nrm_nearest("", words));
    assert_null(nrm_nearest("a-word-that-is-much-longer-than-any-table-could-ever-hold", words));
}

/* ---- Random streams -------------------------------------------------------------------------------------- */

/* Known answers published with Random123 (philox4x32, 10 rounds). */
static void test_philox(void **state)
{
    (void)state;
    static const uint32_t counter[3][4] = {{0, 0, 0, 0},
                                           {~0u, ~0u, ~0u, ~0u},
                                           {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    static const uint32_t key[3][2] = {{0, 0}, {~0u, ~0u}, {0xa4093822, 0x299f31d0}};
    static const uint32_t expected[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                            {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                            {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        nrm_philox4x32(counter[i], key[i], out);
        assert_memory_equal(out, expected[i], sizeof out);
    }
}

static void test_streams(void **state)
{
    (void)state;
    nrm_rng a = nrm_rng_make(1, 2), b = nrm_rng_make(1, 2), c = nrm_rng_make(1, 3), d = nrm_rng_make(2, 2);
    int same_c = 0, same_d = 0;

    for (int i = 0; i < 1000; i++) {
        const uint32_t x = nrm_rng_u32(&a);
        assert_true(x == nrm_rng_u32(&b));
        same_c += x == nrm_rng_u32(&c);
        same_d += x == nrm_rng_u32(&d);
    }
    assert_true(same_c <= 1 && same_d <= 1);
}

static void test_distributions(void **state)
{
    (void)state;
    enum { N = 200000, CELLS = 7 };
    nrm_rng rng = nrm_rng_make(42, 0);
    double *x = malloc(N * sizeof *x), mean = 0, square = 0, fourth = 0;
    int64_t count[CELLS] = {0};

    assert_non_null(x);
    nrm_rng_uniforms(&rng, x, N);
    for (int i = 0; i < N; i++) {
        assert_true(x[i] >= 0 && x[i] < 1);
        mean += x[i] / N;
        square += x[i] * x[i] / N;
    }
    assert_true(fabs(mean - 0.5) < 5 * sqrt(1.0 / 12 / N)); /* five standard errors */
    assert_true(fabs(square - 1.0 / 3) < 5 * sqrt(4.0 / 45 / N));
    nrm_rng_normals(&rng, x, N);
    mean = square = 0;
    for (int i = 0; i < N; i++) {
        mean += x[i] / N;
        square += x[i] * x[i] / N;
        fourth += x[i] * x[i] * x[i] * x[i] / N;
    }
    assert_true(fabs(mean) < 5 / sqrt(N) && fabs(square - 1) < 5 * sqrt(2.0 / N) && fabs(fourth - 3) < 5 * sqrt(96.0 / N));
    for (int i = 0; i < N; i++) count[nrm_rng_below(&rng, CELLS)]++;
    double chi2 = 0;
    for (int i = 0; i < CELLS; i++) chi2 += pow((double)count[i] - (double)N / CELLS, 2) / ((double)N / CELLS);
    assert_true(chi2 < 30); /* 6 degrees of freedom: P < 4e-5 */
    assert_true(nrm_rng_below(&rng, 1) == 0);
    free(x);
}

static void test_permutation_and_choice(void **state)
{
    (void)state;
    enum { N = 1000 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_rng rng = nrm_rng_make(7, 1);
    int64_t p[N], seen[N] = {0}, first[5] = {0};

    nrm_rng_permutation(&rng, p, N);
    int64_t fixed = 0;
    for (int i = 0; i < N; i++) {
        assert_true(p[i] >= 0 && p[i] < N && !seen[p[i]]++);
        fixed += p[i] == i;
    }
    assert_true(fixed < 10);
    for (int64_t k = 0; k <= N; k += 125) {
        memset(seen, 0, sizeof seen);
        assert_ok(ctx, nrm_rng_choice(ctx, &rng, p, k, N));
        for (int64_t i = 0; i < k; i++) assert_true(p[i] >= 0 && p[i] < N && !seen[p[i]]++);
    }
    for (int i = 0; i < 50000; i++) { /* the first of two out of five is uniform */
        int64_t pair[2];
        assert_ok(ctx, nrm_rng_choice(ctx, &rng, pair, 2, 5));
        first[pair[0]]++;
    }
    for (int i = 0; i < 5; i++) assert_true(llabs(first[i] - 10000) < 5 * 90);
    assert_status(ctx, nrm_rng_choice(ctx, &rng, p, 6, 5), NRM_E_RANGE);
    nrm_ctx_destroy(ctx);
}

/* Whether a seed was chosen: 0 counts when it was set. */
static void test_seed_given(void **state)
{
    (void)state;
    nrm_ctx_options options = nrm_ctx_options_default();
    nrm_ctx *ctx;

    assert_false(nrm_seed_given(NULL));
    assert_int_equal(nrm_ctx_create(&ctx, &options), NRM_OK);
    assert_false(nrm_seed_given(ctx));
    assert_int_equal(nrm_set_seed(ctx, 0), NRM_OK);
    assert_true(nrm_seed_given(ctx) && nrm_seed(ctx) == 0);
    nrm_ctx_destroy(ctx);
    options.seed = 9;
    assert_int_equal(nrm_ctx_create(&ctx, &options), NRM_OK);
    assert_true(nrm_seed_given(ctx));
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_status_names), cmocka_unit_test(test_null_context),
              cmocka_unit_test(test_context_options), cmocka_unit_test(test_seed_given), cmocka_unit_test(test_progress_cancel_log),
              cmocka_unit_test(test_messages), cmocka_unit_test(test_sizes), cmocka_unit_test(test_memory),
              cmocka_unit_test(test_parse_numbers), cmocka_unit_test(test_numbers_round_trip),
              cmocka_unit_test(test_nearest), cmocka_unit_test(test_philox), cmocka_unit_test(test_streams),
              cmocka_unit_test(test_distributions), cmocka_unit_test(test_permutation_and_choice))
