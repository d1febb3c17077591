/* rows_kit.h -- reading streams of rows in tests. */
#ifndef NRM_ROWS_KIT_H
#define NRM_ROWS_KIT_H

#include "testkit.h"
#include <norma/io.h>

/* n x cols numbers in memory as a stream of rows; NULL where it cannot be had. */
static inline nrm_rows *rows_of(nrm_ctx *ctx, int64_t n, int64_t cols, const double *x)
{
    const nrm_array array = {.dtype = NRM_F64, .ndim = 2, .shape = {n, cols}, .data = (void *)(uintptr_t)x};
    nrm_rows *rows = NULL;
    return nrm_rows_from_array(ctx, &rows, &array) < 0 ? NULL : rows;
}

/* Read a stream to its end into dense memory; returns the rows.  The pieces must join. */
static inline int64_t gather(nrm_ctx *ctx, nrm_rows *rows, int64_t max_rows, double *x, int64_t room)
{
    const int64_t cols = nrm_rows_cols(rows);
    int64_t total = 0;
    nrm_row_block b;

    for (;;) {
        assert_ok(ctx, nrm_rows_next(ctx, rows, max_rows, &b));
        assert_int_equal(b.first, total);
        assert_int_equal(b.cols, cols);
        assert_true(b.count <= max_rows && (total + b.count) * cols <= room);
        if (b.count == 0) break;
        for (int64_t i = 0; i < b.count; i++) {
            double *to = x + (total + i) * cols;
            if (b.dense) memcpy(to, b.dense + i * cols, (size_t)cols * sizeof *to);
            else memset(to, 0, (size_t)cols * sizeof *to);
            if (!b.dense) for (int64_t k = b.indptr[i]; k < b.indptr[i + 1]; k++) to[b.indices[k]] += b.values[k];
        }
        total += b.count;
    }
    assert_int_equal(nrm_rows_count(rows), total);
    assert_ok(ctx, nrm_rows_next(ctx, rows, max_rows, &b)); /* the end stays the end */
    assert_int_equal(b.count, 0);
    return total;
}

/* Whatever is asked for at once, and after a rewind, the rows are the same. */
static inline void expect_rows(nrm_ctx *ctx, nrm_rows *rows, const double *expected, int64_t count, int64_t cols)
{
    double x[64];
    static const int64_t steps[] = {1, 2, 1000, INT64_MAX};
    assert_int_equal(nrm_rows_cols(rows), cols);
    for (int s = 0; s < 4; s++) {
        assert_int_equal(gather(ctx, rows, steps[s], x, 64), count);
        assert_all_near(x, expected, count * cols, 0);
        assert_ok(ctx, nrm_rows_rewind(ctx, rows));
    }
    nrm_rows_close(ctx, rows);
}

static inline const char *write_file(const char *name, const void *bytes, size_t size)
{
    const char *path = nrm_test_temp(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    return path;
}

#endif
