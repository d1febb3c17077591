/* top_eigenvector.c -- the method: one call from a stream of rows to the top eigenvector of
 * A'A, and its descriptor.  Contract: norma/top_eigenvector.h.  The algorithms:
 * heavy_light.c (the paper's, and block power), oja.c, frequent_directions.c, exact.c, all
 * behind the stream object of stream.c; power.c, which reads the rows many times. */
#include "stream.h"

/* All rows into s.  A cancelled call keeps what it has: *partial. */
static nrm_status absorb_all(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, nrm_rows *rows, bool *partial)
{
    nrm_row_block block;
    *partial = false;

    for (;;) {
        nrm_status st = nrm_rows_next(ctx, rows, s->batch, &block);
        if (st >= 0 && block.count == 0) return NRM_OK;
        if (st >= 0) st = nrm_top_eigenvector_stream_absorb(ctx, s, &block);
        *partial = st == NRM_E_CANCELLED && s->rows > 0;
        if (*partial) return NRM_OK;
        NRM_TRY(st);
    }
}

/* |A v|^2 and the residual from a second pass. */
static nrm_status measure(nrm_ctx *ctx, nrm_rows *rows, int64_t batch, const double *v,
                          nrm_top_eigenvector_info *info)
{
    const int64_t d = nrm_rows_cols(rows);
    double *y, value;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(ctx, y, d + 2 * batch, "the residual"));
    nrm_gram_pass pass = {rows, batch, 0, "residual", y + d};
    NRM_TRY_DONE(nrm_gram_pass_run(ctx, &pass, v, y, &value));
    info->exact_eigenvalue = value;
    info->residual = value > 0 ? nrm_residual(d, y, value, v) : (double)INFINITY;
    info->passes++;
done:
    nrm_free(ctx, y);
    return st;
}

/* One pass through a stream object; v and info are temporary. */
static nrm_status one_pass(nrm_ctx *ctx, nrm_rows *rows, const nrm_top_eigenvector_options *o, double *v,
                           nrm_top_eigenvector_info *info)
{
    const int64_t said = nrm_rows_count(rows), known = o->rows > 0 ? o->rows : nrm_max_i64(said, 0);
    nrm_top_eigenvector_stream *s = NULL;
    bool partial;
    nrm_status st;

    if (o->residual) NRM_TRY(nrm_rows_again(ctx, rows)); /* better refused before the first pass than after */
    NRM_TRY(nrm_stream_make(ctx, &s, nrm_rows_cols(rows), o, known, nrm_seed(ctx)));
    NRM_TRY_DONE(absorb_all(ctx, s, rows, &partial));
    const int64_t read = s->rows, batch = s->batch;
    NRM_TRY_DONE(nrm_top_eigenvector_stream_query(ctx, s, v, info));
    if (partial) {
        st = nrm_fail(ctx, NRM_PARTIAL, NRM_TOP_EIGENVECTOR ": stopped on request after %lld rows; v is the answer for "
                      "those", NRM_LL(read));
        goto done;
    }
    if (o->rows > 0 && read != o->rows)
        nrm_warn(ctx, NRM_TOP_EIGENVECTOR ": rows was given as %lld and %lld came; equal blocks were planned for the "
                 "first number", NRM_LL(o->rows), NRM_LL(read));
    if (info->order_suspect)
        nrm_warn(ctx, NRM_TOP_EIGENVECTOR ": the rows do not look randomly ordered and v may be wrong; shuffle them");
    if (info->gap_too_small)
        nrm_warn(ctx, NRM_TOP_EIGENVECTOR ": the gap is %.3g; below 1.2 the direction is not identifiable, and v is one "
                 "of many about as good", info->gap);
    if (o->residual) {
        const nrm_status found = st; /* >= 0: its remark outlives a second pass that succeeds */
        nrm_top_eigenvector_stream_destroy(ctx, s);
        s = NULL;
        NRM_TRY_DONE(measure(ctx, rows, batch, v, info));
        st = found;
    }
done:
    nrm_top_eigenvector_stream_destroy(ctx, s);
    return st;
}

nrm_status nrm_top_eigenvector(nrm_ctx *ctx, nrm_rows *rows, double *v, nrm_top_eigenvector_info *info,
                               const nrm_top_eigenvector_options *options)
{
    const double start = nrm_now();
    nrm_top_eigenvector_options o;
    nrm_top_eigenvector_info found;
    double *u;
    nrm_status st;

    NRM_REQUIRE(ctx, rows && v, NRM_E_NULL, NRM_TOP_EIGENVECTOR ": rows and v must not be NULL");
    NRM_TRY(nrm_options_load(ctx, &nrm_top_eigenvector_method, options, &o));
    const int64_t d = nrm_rows_cols(rows);
    NRM_REQUIRE(ctx, d >= 1, NRM_E_SHAPE, NRM_TOP_EIGENVECTOR ": a has %lld columns; it must have at least one",
                NRM_LL(d));
    NRM_REQUIRE(ctx, o.columns == 0 || o.columns == d, NRM_E_SHAPE, NRM_TOP_EIGENVECTOR ": a has %lld columns, but "
                "columns is %lld; leave it at 0 unless the input cannot tell", NRM_LL(d), NRM_LL(o.columns));
    NRM_TRY(NRM_ALLOC(ctx, u, d, NRM_TOP_EIGENVECTOR));
    nrm_info_clear(&found);
    st = o.algorithm == NRM_TOP_EIGENVECTOR_POWER ? nrm_power_method(ctx, rows, &o, u, &found)
                                                  : one_pass(ctx, rows, &o, u, &found);
    if (st >= 0) {
        found.seconds = nrm_now() - start;
        found.rows_per_second = found.seconds > 0 ? (double)(found.rows * found.passes) / found.seconds : 0;
        memcpy(v, u, (size_t)d * sizeof *v);
        if (info) *info = found;
    }
    nrm_free(ctx, u);
    return st;
}

/* ---- Descriptor ---------------------------------------------------------------------------------- */

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const int64_t d = nrm_rows_cols(in[0].rows);
    NRM_TRY(nrm_output_array(ctx, &out[0], NRM_F64, 1, &d));
    return nrm_top_eigenvector(ctx, in[0].rows, out[0].array.data, info, options);
}

static const nrm_port inputs[] = {
    {.name = "a", .accepts = NRM_ACCEPT_ARRAY | NRM_ACCEPT_CSR | NRM_ACCEPT_ROWS, .dtypes = NRM_FLOATS,
     .shape = "n,d", .unit = "", .since = "0.1",
     .text = "the rows, dense or sparse, in random order; a stream of any length is read once"}};

static const nrm_port outputs[] = {
    {.name = "v", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "d", .unit = "",
     .since = "0.1", .text = "unit vector; its largest entry is positive"}};

static const nrm_example examples[] = {
    {"Rows that fit into the stored rows: exact", "a=[[3,4],[6,8],[-4,3]]",
     "v=[0.6,0.8] info.eigenvalue=125 info.gap=5 info.rows=3", 1e-12},
    {"All rows alike", "a=[[1,2,2],[1,2,2]] stored_rows=1", "v=[0.3333333333333333,0.6666666666666666,"
     "0.6666666666666666] info.eigenvalue=18", 1e-12},
    {"The power method, with its residual", "a=[[2,0],[0,1]] algorithm=power", "v=[1,0] info.eigenvalue=4", 1e-9},
    {"Exact, from the Gram matrix", "a=[[2,1],[1,2],[0,0]] algorithm=exact",
     "v=[0.7071067811865476,0.7071067811865476] info.eigenvalue=9 info.gap=9", 1e-12}};

NRM_DESCRIBE(top_eigenvector, NRM_TOP_EIGENVECTOR_OPTIONS, NRM_TOP_EIGENVECTOR_INFO);

const nrm_method nrm_top_eigenvector_method = {
    .name = "top-eigenvector",
    .summary = "top eigenvector of A'A from one pass over rows in random order, in little memory",
    .details =
        "Finds the unit v that maximises |A v|^2, the first principal direction of uncentred data, reading the rows "
        "of A once. The memory is (2 width + stored_rows) vectors, whatever the number of rows.\n\n"
        "The rows must come in random order: each block of the stream is then a sample of all of it, and one power "
        "step is made per block. Rows so long that they would dominate a block are stored and treated exactly; Oja's "
        "rule lacks that, and Frequent Directions need more memory where the rows point in many directions. "
        "order_suspect tells when the rows look sorted: shuffle them then. gap_too_small tells when two directions are about equally good.\n\n"
        "algorithm chooses the method: heavy-light is the paper's; block-power is the same without stored rows; oja, "
        "oja-adaptive and frequent-directions are the usual ones; power reads the rows again and again until the "
        "residual is small; exact forms the d x d Gram matrix.\n\n"
        "audit_rows and residual check the answer: from a uniform sample of rows with an interval, or from all rows "
        "in a second pass.",
    .paper = "P. Kacham, D. P. Woodruff, Approximating the Top Eigenvector in Random Order Streams, NeurIPS 2024, "
             "arXiv 2412.11963",
    .paper_number = 26,
    .domain = "streaming",
    .since = "0.1",
    NRM_DESCRIBED(top_eigenvector),
    .run = run};
