/* test_top_eigenvector_stream.c -- the stream object: memory, bits, query, merge, files,
 * failing memory, cancellation. */
#include "top_eigenvector_data.h"
#include "streaming/heavy_light.h"
#include <norma/io.h>
#include <omp.h>

static nrm_top_eigenvector_stream *make(nrm_ctx *ctx, int64_t d, const nrm_top_eigenvector_options *o)
{
    nrm_top_eigenvector_stream *s = NULL;
    assert_ok(ctx, nrm_top_eigenvector_stream_create(ctx, &s, d, o));
    return s;
}

/* Rows first .. first + count - 1 of t, in blocks of `step`. */
static void feed(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const table *t, int64_t first, int64_t count,
                 int64_t step)
{
    for (int64_t i = 0; i < count; i += step) {
        const nrm_row_block block = {.count = i + step < count ? step : count - i, .cols = t->d,
                                     .dense = t->a + (first + i) * t->d};
        assert_ok(ctx, nrm_top_eigenvector_stream_absorb(ctx, s, &block));
    }
}

static const nrm_top_eigenvector_algorithm streaming[] = {
    NRM_TOP_EIGENVECTOR_HEAVY_LIGHT, NRM_TOP_EIGENVECTOR_BLOCK_POWER, NRM_TOP_EIGENVECTOR_OJA,
    NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE, NRM_TOP_EIGENVECTOR_FREQUENT_DIRECTIONS, NRM_TOP_EIGENVECTOR_EXACT};
enum { STREAMING = sizeof streaming / sizeof *streaming };

/* 1: (2k + K) d + O(k^2 + K) numbers and no more, whatever n; query adds d and a few
 * matrices of order k + K. */
static void memory_promise(void **state)
{
    (void)state;
    for (int64_t n = 500; n <= 8000; n *= 4) {
        nrm_test_memory memory;
        nrm_ctx *ctx = nrm_test_ctx(&memory);
        const int64_t k = 4, K = 10, d = 600, base = memory.live_bytes, q = k + K;
        nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_HEAVY_LIGHT);
        nrm_top_eigenvector_info info;
        double v[600];
        table t = table_make(n, d);
        uint64_t seed = 3;
        for (int64_t e = 0; e < n * d; e++) t.a[e] = nrm_test_uniform(&seed) - 0.5;
        o.width = k;
        o.stored_rows = K;
        o.first_block = 100;
        nrm_top_eigenvector_stream *s = make(ctx, d, &o);
        memory.peak_bytes = memory.live_bytes;
        feed(ctx, s, &t, 0, n, 64);
        const int64_t held = (memory.live_bytes - base) / 8, absorbing = (memory.peak_bytes - base) / 8;
        const int64_t promise = (2 * k + K) * d + 2 * k * k + 3 * K + 64 * (k + 1) + 150; /* 150: the structs */
        assert_true(held <= promise && absorbing <= promise);
        assert_ok(ctx, nrm_top_eigenvector_stream_query(ctx, s, v, &info));
        const int64_t peak = (memory.peak_bytes - base) / 8;
        assert_true(peak <= promise + d + 8 * q * q + 40 * q);
        assert_true(info.stored_numbers <= held && held <= info.stored_numbers + 150);
        assert_true(info.peak_numbers >= info.stored_numbers && info.peak_numbers <= peak);
        assert_true(peak <= info.peak_numbers + 8 * q * q + 40 * q + 150); /* LAPACK's own work space */
        nrm_top_eigenvector_stream_destroy(ctx, s);
        table_free(&t);
        nrm_ctx_destroy(ctx);
    }
}

/* 9: bits depend on rows, order, options and seed; not on batch, blocks or threads. */
static void same_bits(void **state)
{
    (void)state;
    const int64_t d = 130, n = 1200;
    table t = table_reference(n, d);
    double first[130], v[130];
    for (int which = 0; which < STREAMING + 2; which++) {
        nrm_top_eigenvector_options o = options_of(which < STREAMING ? streaming[which] : streaming[0]);
        if (which == STREAMING) o.subsample = 0.3;
        if (which == STREAMING + 1) o.width = 64, o.stored_rows = 200;
        o.audit_rows = 30;
        for (int round = 0; round < 6; round++) {
            nrm_ctx *ctx = nrm_test_ctx(NULL);
            nrm_top_eigenvector_info info;
            static double audit;
            assert_ok(ctx, nrm_set_threads(ctx, 1 + round % 3));
            assert_ok(ctx, nrm_set_seed(ctx, 5));
            o.batch = (const int64_t[]){64, 1, 7, 64, 1000, 3}[round];
            nrm_top_eigenvector_stream *s = make(ctx, d, &o);
            feed(ctx, s, &t, 0, n, (const int64_t[]){n, n, 11, 1, 500, 65}[round]);
            assert_true(nrm_top_eigenvector_stream_query(ctx, s, v, &info) >= 0);
            if (round == 0) memcpy(first, v, sizeof v), audit = info.audit;
            assert_memory_equal(v, first, sizeof v);
            assert_memory_equal(&info.audit, &audit, sizeof audit);
            nrm_top_eigenvector_stream_destroy(ctx, s);
            nrm_ctx_destroy(ctx);
        }
    }
    table_free(&t);
}

/* 8: sparse and dense rows give the same bits. */
static void sparse_and_dense(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 9;
    table t = table_make(900, 40);
    int64_t indptr[901] = {0}, *indices = calloc(36000, sizeof *indices), nnz = 0;
    double *values = calloc(36000, sizeof *values), v[40], w[40];

    for (int64_t i = 0; i < 900; i++) {
        const double length = nrm_test_uniform(&seed) < 0.02 ? 12 : 1;
        for (int j = 0; j < 40; j++) {
            if (nrm_test_uniform(&seed) > 0.2 || i == 5) continue; /* row 5 is empty */
            t.a[i * 40 + j] = values[nnz] = length * nrm_test_normal(&seed) * (j == 7 ? 3 : 1);
            indices[nnz++] = j;
        }
        indptr[i + 1] = nnz;
    }
    for (int which = 0; which < STREAMING + 1; which++) {
        nrm_top_eigenvector_options o = options_of(which < STREAMING ? streaming[which] : streaming[0]);
        nrm_top_eigenvector_info info, other;
        if (which == STREAMING) o.subsample = 0.5;
        nrm_top_eigenvector_stream *a = make(ctx, 40, &o), *b = make(ctx, 40, &o);
        feed(ctx, a, &t, 0, 900, 900);
        for (int64_t i = 0; i < 900; i += 100) {
            const nrm_row_block block = {.count = 100, .cols = 40, .indptr = indptr + i, .indices = indices,
                                         .values = values};
            assert_ok(ctx, nrm_top_eigenvector_stream_absorb(ctx, b, &block));
        }
        assert_true(nrm_top_eigenvector_stream_query(ctx, a, v, &info) >= 0);
        assert_true(nrm_top_eigenvector_stream_query(ctx, b, w, &other) >= 0);
        assert_memory_equal(v, w, sizeof v);
        assert_memory_equal(&info.eigenvalue, &other.eigenvalue, sizeof info.eigenvalue);
        nrm_top_eigenvector_stream_destroy(ctx, a);
        nrm_top_eigenvector_stream_destroy(ctx, b);
    }
    /* and the power method, which reads them again */
    nrm_csr s = {.rows = 900, .cols = 40, .nnz = nnz, .indptr = indptr, .indices = indices, .values = values,
                 .dtype = NRM_F64};
    nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_POWER);
    nrm_rows *rows;
    o.max_iter = 20;
    assert_ok(ctx, nrm_rows_from_csr(ctx, &rows, &s));
    assert_true(nrm_top_eigenvector(ctx, rows, v, NULL, &o) >= 0);
    nrm_rows_close(ctx, rows);
    assert_true(solve(ctx, &t, w, NULL, &o) >= 0);
    assert_memory_equal(v, w, sizeof v);

    nrm_top_eigenvector_stream *a = make(ctx, 40, NULL);
    nrm_row_block block = {.count = 900, .cols = 40, .indptr = indptr, .indices = indices, .values = values};
    indices[3] = 40; /* a column that is not there */
    assert_status(ctx, nrm_top_eigenvector_stream_absorb(ctx, a, &block), NRM_E_SHAPE);
    indices[3] = indices[2];
    assert_status(ctx, nrm_top_eigenvector_stream_absorb(ctx, a, &block), NRM_E_SHAPE);
    block.cols = 41;
    assert_status(ctx, nrm_top_eigenvector_stream_absorb(ctx, a, &block), NRM_E_SHAPE);
    assert_int_equal(nrm_top_eigenvector_stream_rows(a), 0);
    nrm_top_eigenvector_stream_destroy(ctx, a);
    free(indices);
    free(values);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* Queries at any time leave no trace; a bad row leaves those before it. */
static void query_and_bad_rows(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_reference(800, 12);
    double v[12], w[12];
    for (int which = 0; which < STREAMING; which++) {
        const nrm_top_eigenvector_options o = options_of(streaming[which]);
        nrm_top_eigenvector_stream *a = make(ctx, 12, &o), *b = make(ctx, 12, &o);
        assert_status(ctx, nrm_top_eigenvector_stream_query(ctx, a, v, NULL), NRM_E_SHAPE);
        for (int64_t i = 0; i < 800; i += 40) {
            feed(ctx, a, &t, i, 40, 40);
            assert_true(nrm_top_eigenvector_stream_query(ctx, a, v, NULL) >= 0);
        }
        feed(ctx, b, &t, 0, 500, 500);
        const double kept = t.a[600 * 12 + 2];
        t.a[600 * 12 + 2] = NAN;
        const nrm_row_block rest = {.count = 300, .cols = 12, .dense = t.a + 500 * 12};
        assert_status(ctx, nrm_top_eigenvector_stream_absorb(ctx, b, &rest), NRM_E_NONFINITE);
        assert_message(ctx, "a[600,2]");
        assert_int_equal(nrm_top_eigenvector_stream_rows(b), 600);
        t.a[600 * 12 + 2] = kept;
        feed(ctx, b, &t, 600, 200, 200);
        assert_true(nrm_top_eigenvector_stream_query(ctx, a, v, NULL) >= 0);
        assert_true(nrm_top_eigenvector_stream_query(ctx, b, w, NULL) >= 0);
        assert_memory_equal(v, w, sizeof v);
        nrm_top_eigenvector_stream_destroy(ctx, a);
        nrm_top_eigenvector_stream_destroy(ctx, b);
    }
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* The order check starts again with every block, whose vectors are others. */
static void order_check_restarts(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_reference(200, 12);
    const nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_BLOCK_POWER);
    nrm_top_eigenvector_stream *s = make(ctx, 12, &o);
    for (int64_t i = 0; i < 200; i++) { /* blocks of 64 and 128 */
        feed(ctx, s, &t, i, 1, 1);
        const nrm_heavy_light *hl = s->state;
        const int64_t in_block = i < 64 ? i + 1 : i < 192 ? i - 63 : i - 191;
        assert_near(hl->order.part[0].count + hl->order.part[1].count, (double)in_block, 0);
        assert_int_equal(hl->counter[NRM_HL_COUNT], in_block);
    }
    nrm_top_eigenvector_stream_destroy(ctx, s);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* ---- Merge ------------------------------------------------------------------------------- */

/* In the first block shards add up: four shards of 500 rows answer as one stream of 2000
 * whose block is as long, to rounding. */
static void merge_adds_first_blocks(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_reference(2000, 10);
    nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_HEAVY_LIGHT);
    nrm_top_eigenvector_info info, merged;
    double v[10], w[10];

    o.first_block = 5000;
    o.stored_rows = 7;
    o.audit_rows = 40;
    nrm_top_eigenvector_stream *all = make(ctx, 10, &o), *sum = make(ctx, 10, &o);
    feed(ctx, all, &t, 0, 2000, 2000);
    feed(ctx, sum, &t, 0, 500, 500);
    for (int64_t shard = 1; shard < 4; shard++) {
        nrm_top_eigenvector_stream *s = make(ctx, 10, &o);
        feed(ctx, s, &t, shard * 500, 500, 500);
        assert_ok(ctx, nrm_top_eigenvector_stream_merge(ctx, sum, s));
        nrm_top_eigenvector_stream_destroy(ctx, s);
    }
    assert_ok(ctx, nrm_top_eigenvector_stream_query(ctx, all, v, &info));
    assert_ok(ctx, nrm_top_eigenvector_stream_query(ctx, sum, w, &merged));
    assert_all_near(v, w, 10, 1e-12);
    assert_near(info.eigenvalue, merged.eigenvalue, 1e-12);
    assert_int_equal(merged.rows, 2000);
    assert_int_equal(merged.heavy_count, info.heavy_count);
    assert_true(merged.audit_low < merged.eigenvalue && merged.eigenvalue < merged.audit_high);
    assert_false(merged.order_suspect);
    nrm_top_eigenvector_stream_destroy(ctx, all);
    nrm_top_eigenvector_stream_destroy(ctx, sum);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* Later the longer block wins; the answer stays good, and absorbing can go on. */
static void merge_later(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_top_eigenvector_options exact = options_of(NRM_TOP_EIGENVECTOR_EXACT);
    double v[32], v1[32];
    for (int which = 0; which < STREAMING; which++) {
        const nrm_top_eigenvector_options o = options_of(streaming[which]);
        table t = table_mixed(12000, 32, 4, which == 1 ? 1 : 0.5, 17);
        nrm_top_eigenvector_stream *a = make(ctx, 32, &o), *b = make(ctx, 32, &o);
        feed(ctx, a, &t, 0, 3000, 3000);
        feed(ctx, b, &t, 3000, 6000, 6000);
        if (which == 2 || which == 3) {
            assert_status(ctx, nrm_top_eigenvector_stream_merge(ctx, a, b), NRM_E_UNSUPPORTED);
        } else {
            assert_ok(ctx, nrm_top_eigenvector_stream_merge(ctx, a, b));
            feed(ctx, a, &t, 9000, 3000, 3000);
            assert_int_equal(nrm_top_eigenvector_stream_rows(a), 12000);
            assert_ok(ctx, nrm_top_eigenvector_stream_query(ctx, a, v, NULL));
            assert_ok(ctx, solve(ctx, &t, v1, NULL, &exact));
            assert_true(correlation(v, v1, 32) > 0.98);
        }
        nrm_top_eigenvector_options other = o;
        other.width = 3;
        nrm_top_eigenvector_stream *c = make(ctx, 32, &other);
        assert_status(ctx, nrm_top_eigenvector_stream_merge(ctx, a, c), NRM_E_ARGUMENT);
        assert_status(ctx, nrm_top_eigenvector_stream_merge(ctx, a, a), NRM_E_ALIAS);
        nrm_top_eigenvector_stream_destroy(ctx, a);
        nrm_top_eigenvector_stream_destroy(ctx, b);
        nrm_top_eigenvector_stream_destroy(ctx, c);
        table_free(&t);
    }
    nrm_ctx_destroy(ctx);
}

/* Rows of zeros count, and what comes from the other stream is all there is. */
static void merge_with_zeros(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_reference(90, 12), zeros = table_make(200, 12);
    for (int which = 0; which < STREAMING; which++) {
        nrm_top_eigenvector_options o = options_of(streaming[which]);
        nrm_top_eigenvector_info info;
        double v[12];
        if (which == 2 || which == 3) continue;
        o.sketch_rows = 4;
        nrm_top_eigenvector_stream *a = make(ctx, 12, &o), *b = make(ctx, 12, &o);
        feed(ctx, a, &zeros, 0, 200, 200);
        assert_status(ctx, nrm_top_eigenvector_stream_query(ctx, a, v, NULL), NRM_E_SINGULAR);
        feed(ctx, b, &t, 0, 90, 90);
        assert_ok(ctx, nrm_top_eigenvector_stream_query(ctx, b, v, &info));
        const double lost = info.lost;
        assert_ok(ctx, nrm_top_eigenvector_stream_merge(ctx, a, b));
        assert_ok(ctx, nrm_top_eigenvector_stream_query(ctx, a, v, &info));
        assert_int_equal(info.rows, 290);
        if (which == 4) assert_true(info.lost >= lost);
        nrm_top_eigenvector_stream_destroy(ctx, a);
        nrm_top_eigenvector_stream_destroy(ctx, b);
    }
    table_free(&t);
    table_free(&zeros);
    nrm_ctx_destroy(ctx);
}

/* The audit's sample of a merged stream is uniform: chi-squared over the rows. */
static void merged_audit_is_uniform(void **state)
{
    (void)state;
    enum { MINE = 12, THEIRS = 30, PLACES = 8, ROUNDS = 4000 };
    double count[MINE + THEIRS] = {0}, chi = 0, row[MINE + THEIRS], squares[MINE + THEIRS] = {0};
    for (int i = 0; i < MINE + THEIRS; i++) row[i] = i;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        double rows_a[PLACES], rows_b[PLACES];
        int64_t numbers_a[PLACES], numbers_b[PLACES];
        nrm_reservoir a = {PLACES, 1, 0, rows_a, numbers_a}, b = {PLACES, 1, 0, rows_b, numbers_b};
        const nrm_batch first = {0, MINE, 1, row, NULL, NULL, NULL, squares};
        const nrm_batch second = {0, THEIRS, 1, row + MINE, NULL, NULL, NULL, squares};
        nrm_reservoir_absorb(&a, round, &first);
        nrm_reservoir_absorb(&b, round + 1000000, &second);
        nrm_reservoir_merge(&a, &b, round);
        assert_int_equal(a.seen, MINE + THEIRS);
        for (int i = 0; i < PLACES; i++) {
            assert_near(rows_a[i], (double)numbers_a[i], 0);
            for (int j = 0; j < i; j++) assert_true(numbers_a[i] != numbers_a[j]);
            count[numbers_a[i]]++;
        }
    }
    const double expected = (double)ROUNDS * PLACES / (MINE + THEIRS);
    for (int i = 0; i < MINE + THEIRS; i++) chi += (count[i] - expected) * (count[i] - expected) / expected;
    assert_true(chi < 41 + 5 * sqrt(82)); /* mean 41 (less, without replacement), deviation 9 */
}

/* ---- Files ------------------------------------------------------------------------------- */

static void save_and_load(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_reference(1100, 9);
    double v[9], w[9];
    for (int which = 0; which < STREAMING + 1; which++) {
        nrm_top_eigenvector_options o = options_of(which < STREAMING ? streaming[which] : streaming[0]);
        const char *path = nrm_test_temp(which % 2 ? "stream.npz" : "stream.safetensors");
        nrm_top_eigenvector_stream *a, *b = NULL;
        nrm_top_eigenvector_info info, other;
        if (which == STREAMING) o.subsample = 0.7;
        o.audit_rows = 20;
        assert_ok(ctx, nrm_set_seed(ctx, UINT64_MAX - 3)); /* does not fit a signed number */
        a = make(ctx, 9, &o);
        feed(ctx, a, &t, 0, 600, 600);
        assert_ok(ctx, nrm_top_eigenvector_stream_save(ctx, a, path));
        assert_ok(ctx, nrm_set_seed(ctx, 1));
        assert_ok(ctx, nrm_top_eigenvector_stream_load(ctx, &b, path));
        feed(ctx, a, &t, 600, 500, 500);
        feed(ctx, b, &t, 600, 500, 77);
        assert_true(nrm_top_eigenvector_stream_query(ctx, a, v, &info) >= 0);
        assert_true(nrm_top_eigenvector_stream_query(ctx, b, w, &other) >= 0);
        assert_memory_equal(v, w, sizeof v);
        assert_memory_equal(&info.audit, &other.audit, sizeof info.audit);
        assert_int_equal(info.stored_numbers, other.stored_numbers);
        nrm_top_eigenvector_stream_destroy(ctx, a);
        nrm_top_eigenvector_stream_destroy(ctx, b);
    }
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* A saved file with one number changed: refused where memory would depend on it, and never
 * a crash. */
static void damaged_files(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_reference(300, 6);
    const char *path = nrm_test_temp("damaged.npz");
    nrm_top_eigenvector_stream *s, *back = NULL;
    nrm_top_eigenvector_options o = nrm_top_eigenvector_options_default();
    nrm_loaded file = {0};
    int refused = 0;

    o.stored_rows = 5;
    o.audit_rows = 4;
    s = make(ctx, 6, &o);
    feed(ctx, s, &t, 0, 300, 300);
    assert_ok(ctx, nrm_top_eigenvector_stream_save(ctx, s, path));
    assert_ok(ctx, nrm_load(ctx, path, &file));
    assert_int_equal(file.kind, NRM_LOADED_BUNDLE);
    for (int64_t item = 0; item < file.bundle.count; item++) {
        nrm_array *a = &file.bundle.items[item].array;
        for (int64_t e = 0; e < a->shape[0] && e < 9; e++)
            for (int bad = 0; bad < 4; bad++) {
                int64_t *whole = a->data;
                double *real = a->data;
                const int64_t kept = whole[e];
                if (a->dtype == NRM_I64) whole[e] = (const int64_t[]){-1, 1000000, INT64_MIN, INT64_MAX}[bad];
                else real[e] = (const double[]){NAN, -3.5, 1e300, 1000}[bad];
                assert_ok(ctx, nrm_save_bundle(ctx, path, &file.bundle));
                const nrm_status st = nrm_top_eigenvector_stream_load(ctx, &back, path);
                if (st >= 0) { /* harmless: it can be used */
                    double v[6];
                    feed(ctx, back, &t, 0, 300, 300);
                    (void)!nrm_top_eigenvector_stream_query(ctx, back, v, NULL);
                    nrm_top_eigenvector_stream_destroy(ctx, back);
                } else {
                    assert_true(st == NRM_E_FORMAT || st == NRM_E_NOMEM);
                    refused++;
                }
                whole[e] = kept;
            }
    }
    assert_true(refused > 60); /* every NaN, and more */
    nrm_loaded_destroy(ctx, &file);
    nrm_array plain;
    assert_ok(ctx, nrm_array_view(ctx, &plain, NRM_F64, 1, (const int64_t[]){6}, t.a));
    path = nrm_test_temp("plain.npy");
    assert_ok(ctx, nrm_save(ctx, path, &plain));
    assert_status(ctx, nrm_top_eigenvector_stream_load(ctx, &back, path), NRM_E_FORMAT);
    assert_status(ctx, nrm_top_eigenvector_stream_load(ctx, &back, "/nowhere.npz"), NRM_E_IO);
    nrm_top_eigenvector_stream_destroy(ctx, s);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* The small eigenproblems run on one thread; a context that follows OpenMP still does after. */
static void threads_stay_as_set(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const int before = omp_get_max_threads();
    table t = table_reference(300, 6);
    double v[6];

    assert_ok(ctx, nrm_set_threads(ctx, 0));
    omp_set_num_threads(2);
    nrm_top_eigenvector_stream *s = make(ctx, 6, NULL);
    feed(ctx, s, &t, 0, 300, 300);
    assert_ok(ctx, nrm_top_eigenvector_stream_query(ctx, s, v, NULL));
    omp_set_num_threads(3);
    assert_int_equal(nrm_threads(ctx), 3);
    omp_set_num_threads(before);
    nrm_top_eigenvector_stream_destroy(ctx, s);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* ---- Failing memory, cancelled calls ------------------------------------------------------- */

typedef struct job {
    table t;
    nrm_top_eigenvector_options o;
    double v[12];
} job;

static nrm_status whole_call(nrm_ctx *ctx, void *user)
{
    job *j = user;
    return solve(ctx, &j->t, j->v, NULL, &j->o);
}

static nrm_status merged_call(nrm_ctx *ctx, void *user)
{
    job *j = user;
    nrm_top_eigenvector_stream *a = NULL, *b = NULL;
    const nrm_row_block block = {.count = 100, .cols = 12, .dense = j->t.a};
    nrm_status st = nrm_top_eigenvector_stream_create(ctx, &a, 12, &j->o);
    if (st >= 0) st = nrm_top_eigenvector_stream_create(ctx, &b, 12, &j->o);
    if (st >= 0) st = nrm_top_eigenvector_stream_absorb(ctx, a, &block);
    if (st >= 0) st = nrm_top_eigenvector_stream_absorb(ctx, b, &block);
    if (st >= 0) st = nrm_top_eigenvector_stream_merge(ctx, a, b);
    if (st >= 0) st = nrm_top_eigenvector_stream_query(ctx, a, j->v, NULL);
    nrm_top_eigenvector_stream_destroy(ctx, a);
    nrm_top_eigenvector_stream_destroy(ctx, b);
    return st;
}

static nrm_status saved_call(nrm_ctx *ctx, void *user)
{
    job *j = user;
    nrm_top_eigenvector_stream *a = NULL, *b = NULL;
    const nrm_row_block block = {.count = 100, .cols = 12, .dense = j->t.a};
    const char *path = nrm_test_temp("failing.npz");
    nrm_status st = nrm_top_eigenvector_stream_create(ctx, &a, 12, &j->o);
    if (st >= 0) st = nrm_top_eigenvector_stream_absorb(ctx, a, &block);
    if (st >= 0) st = nrm_top_eigenvector_stream_save(ctx, a, path);
    if (st >= 0) st = nrm_top_eigenvector_stream_load(ctx, &b, path);
    if (st >= 0) st = nrm_top_eigenvector_stream_query(ctx, b, j->v, NULL);
    nrm_top_eigenvector_stream_destroy(ctx, a);
    nrm_top_eigenvector_stream_destroy(ctx, b);
    return st;
}

static void failing_memory(void **state)
{
    (void)state;
    for (int algorithm = 0; algorithm < nrm_top_eigenvector_algorithm_count; algorithm++) {
        job j = {table_reference(300, 12), options_of((nrm_top_eigenvector_algorithm)algorithm), {0}};
        j.o.residual = true;
        j.o.audit_rows = 9;
        j.o.sketch_rows = 4;
        nrm_test_allocation_failures(whole_call, &j, j.v, sizeof j.v);
        j.o.residual = false;
        if (algorithm != NRM_TOP_EIGENVECTOR_POWER && algorithm != NRM_TOP_EIGENVECTOR_OJA &&
            algorithm != NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE)
            nrm_test_allocation_failures(merged_call, &j, j.v, sizeof j.v);
        table_free(&j.t);
    }
    job j = {table_reference(300, 12), nrm_top_eigenvector_options_default(), {0}};
    j.o.combine = NRM_TOP_EIGENVECTOR_PICK;
    nrm_test_allocation_failures(whole_call, &j, j.v, sizeof j.v);
    j.o.stored_rows = 3;
    nrm_test_allocation_failures(saved_call, &j, j.v, sizeof j.v);
    table_free(&j.t);
}

/* Stop after a number of rows: the answer for those; before any row: cancelled. */
static int64_t stopping_rows(void *user, int64_t most, int64_t cols, double *dense)
{
    int64_t *sent = user;
    if (*sent >= 2000) nrm_cancel(*(nrm_ctx **)(sent + 1));
    for (int64_t e = 0; e < most * cols; e++) dense[e] = (double)((*sent * cols + e) * 37 % 101 - 50) + (e % cols == 1 ? 90 : 0);
    *sent += most;
    return most;
}

static void cancelled(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int which = 0; which < STREAMING; which++) {
        struct { int64_t sent; nrm_ctx *ctx; } user = {0, ctx};
        nrm_top_eigenvector_options o = options_of(streaming[which]);
        nrm_top_eigenvector_info info;
        nrm_rows *rows;
        double v[5] = {0};
        assert_ok(ctx, nrm_rows_from_callback(ctx, &rows, 5, stopping_rows, &user));
        assert_status(ctx, nrm_top_eigenvector(ctx, rows, v, &info, &o), NRM_PARTIAL);
        assert_message(ctx, "stopped on request");
        assert_true(info.rows >= 1900 && info.rows <= 2100);
        assert_true(v[1] > 0.9);
        nrm_rows_close(ctx, rows);
        nrm_cancel_clear(ctx);
        nrm_cancel(ctx);
        table t = table_reference(100, 5);
        v[0] = 42;
        assert_status(ctx, solve(ctx, &t, v, &info, &o), NRM_E_CANCELLED);
        assert_near(v[0], 42, 0);
        table_free(&t);
        nrm_cancel_clear(ctx);
    }
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(memory_promise), cmocka_unit_test(same_bits), cmocka_unit_test(sparse_and_dense),
              cmocka_unit_test(query_and_bad_rows), cmocka_unit_test(order_check_restarts),
              cmocka_unit_test(merge_adds_first_blocks),
              cmocka_unit_test(merge_later), cmocka_unit_test(merge_with_zeros),
              cmocka_unit_test(merged_audit_is_uniform),
              cmocka_unit_test(save_and_load), cmocka_unit_test(damaged_files), cmocka_unit_test(threads_stay_as_set),
              cmocka_unit_test(failing_memory),
              cmocka_unit_test(cancelled))
