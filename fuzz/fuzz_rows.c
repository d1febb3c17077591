/* fuzz_rows.c -- any bytes as a stream of rows.  The first byte says how it is read: bit 0
 * gives the columns (3) beforehand, bits 1 to 3 the rows asked for at once, bit 4 makes it
 * a .csv.  What a second pass reads must equal the first. */
#include "data/formats.h"
#include "fuzz.h"

/* A number made from the rows read, to compare two passes by; false where one fails. */
static bool read_all(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, uint64_t *digest)
{
    enum { BLOCKS = 200 };
    *digest = 0;
    for (int k = 0; k < BLOCKS; k++) {
        nrm_row_block block;
        if (nrm_rows_next(ctx, rows, limit, &block) < 0) return false;
        if (block.count == 0) break;
        fuzz_require(block.count <= limit && block.cols == nrm_rows_cols(rows));
        const int64_t n = block.dense ? block.count * block.cols : block.indptr[block.count];
        const double *x = block.dense ? block.dense : block.values;
        for (int64_t i = 0; i < n; i++) {
            uint64_t bits;
            memcpy(&bits, &x[i], sizeof bits);
            if (!block.dense) fuzz_require(block.indices[i] >= 0 && block.indices[i] < block.cols);
            *digest = (*digest ^ bits) * 1099511628211u;
        }
        *digest += (uint64_t)block.count;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    nrm_ctx *ctx = fuzz_ctx();
    nrm_rows *rows = NULL;
    const int64_t cols = data[0] & 1 ? 3 : 0, limit = 1 + (data[0] >> 1 & 7);
    uint64_t once, twice;

    if (nrm_rows_open_memory(ctx, &rows, data[0] & 16 ? "fuzz.csv" : "fuzz", data + 1, size - 1, cols) < 0) {
        fuzz_require(nrm_message(ctx)[0] != '\0' && !rows);
    } else {
        const bool fine = read_all(ctx, rows, limit, &once);
        fuzz_require(nrm_rows_rewind(ctx, rows) == NRM_OK);
        fuzz_require(read_all(ctx, rows, limit, &twice) == fine && once == twice);
    }
    nrm_rows_close(ctx, rows);
    nrm_ctx_destroy(ctx);
    return 0;
}
