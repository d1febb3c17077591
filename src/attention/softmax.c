/* softmax.c -- softmax, log-softmax and logsumexp of rows.  Contract and equations:
 * norma/softmax.h.
 *
 * Dukhan and Ablavatski's two passes, and the two forms of three passes they compare with:
 *
 *     two-pass                 (s, E) = sum ExtExp(z_i);  y_i = (m_i / s) 2^(n_i - E)
 *     three-pass, recompute    mu = max z;  s = sum exp(z_i - mu);  y_i = exp(z_i - mu) / s
 *     three-pass, reload       mu = max z;  y_i = exp(z_i - mu), s = sum y_i;  y_i = y_i / s
 *     block-reload             a block b:  E_b = rint(max z log2 e), y_i = m_i 2^(n_i - E_b);
 *                              then  y_i = (y_i / s) 2^(E_b - E)
 *     online                   s <- s exp(mu - max(mu, z_i)) + exp(z_i - max(mu, z_i)),
 *                              mu <- max(mu, z_i);  y_i = exp(z_i - mu) / s
 *
 * Departures from the paper: the clamp and the exact path (src/kernel/extexp.h); sums of
 * blocks merged in f64 in a fixed order; with streaming stores pass 2 runs from the end,
 * where x is still in cache.  Block-reload is not in the paper: 2^E_b in the place of
 * exp(mu) needs no subtraction that rounds, so it has the speed of reloading and the
 * accuracy of pairs.  Online is Milakov and Gimelshein's (2018, arXiv 1805.02867), for
 * comparison: two passes in base e, a maximum for each lane and one rescaling for eight
 * elements of it; rescaling by exp, unlike by a power of two, rounds. */
#include "softmax_door.h"
#include "softmax_impl.h"

#define NRM_BODY "softmax_forward.h"
#include "softmax_twice.h"

/* ---- The method ---------------------------------------------------------------------------- */

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const nrm_array *x = &in[0].array, *m = &in[1].array;
    int64_t rows, columns;
    nrm_softmax_mask mask = {0};

    NRM_TRY(nrm_softmax_rows_of(ctx, "softmax", "x", x, &rows, &columns));
    if (in[1].kind == NRM_VALUE_ARRAY) {
        char given[NRM_SHAPE_LENGTH];
        const bool whole = nrm_same_shape(x->ndim, x->shape, m->ndim, m->shape);
        NRM_REQUIRE(ctx, whole || (m->ndim == 1 && m->shape[0] == columns), NRM_E_SHAPE,
                    "softmax: mask has shape %s; it must have the shape of x or be one row of %lld",
                    nrm_shape_text(given, m->ndim, m->shape), NRM_LL(columns));
        mask = (nrm_softmax_mask){.keep = m->data, .keep_stride = whole ? columns : 0};
    }
    NRM_TRY(nrm_output_array(ctx, &out[0], x->dtype, x->ndim, x->shape));
    NRM_TRY(nrm_output_array(ctx, &out[1], NRM_F64, x->ndim - 1, x->shape));
    void *y = out[0].wanted ? out[0].array.data : NULL;
    double *lse = out[1].wanted ? out[1].array.data : NULL;
    if (x->dtype == NRM_F32)
        return nrm_softmax_f32(ctx, rows, columns, x->data, columns, &mask, y, columns, lse, info, options);
    return nrm_softmax_f64(ctx, rows, columns, x->data, columns, &mask, y, columns, lse, info, options);
}

static const nrm_port inputs[] = {
    {.name = "x", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "", .flags = NRM_PORT_NAN_OK,
     .unit = "", .since = "0.1", .text = "numbers of any shape with at least one axis; the last axis is normalised"},
    {.name = "mask", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_U8), .shape = "",
     .flags = NRM_PORT_OPTIONAL, .unit = "", .since = "0.1",
     .text = "0 excludes an element; of the shape of x, or one row for all"}};
static const nrm_port outputs[] = {
    {.name = "y", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "", .unit = "", .since = "0.1",
     .text = "softmax of x, or its logarithm; shape and type of x, and it may be x itself"},
    {.name = "lse", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "",
     .flags = NRM_PORT_ON_REQUEST, .unit = "", .since = "0.1",
     .text = "log of the sum of exponentials of each row; shape of x without its last axis"}};
static const nrm_example examples[] = {
    {"Softmax of four numbers that overflow exp", "x=[1000,1001,999,-1000]",
     "y=[0.24472847105,0.66524095577,0.09003057317,0] info.slow_rows=0", 1e-9},
    {"Rows, with a mask and the logarithm of the sums", "x=[[0,1,2],[3,3,3]] mask=[1,1,0]",
     "y=[[0.2689414213699951,0.7310585786300049,0],[0.5,0.5,0]] lse=[1.3132616875182228,3.6931471805599454]", 1e-12},
    {"Logarithm, at twice the temperature", "x=[2,4] alpha=0.5 log", "y=[-1.3132616875182228,-0.3132616875182228]",
     1e-12},
    {"The paper's two passes, by name", "x=[[1,2,3],[1,1,1]] algorithm=two-pass isa=scalar",
     "y=[[0.09003057317038046,0.24472847105479767,0.6652409557748219],[0.3333333333333333,0.3333333333333333,"
     "0.3333333333333333]]", 1e-12}};

NRM_DESCRIBE(softmax, NRM_SOFTMAX_OPTIONS, NRM_SOFTMAX_INFO);
const nrm_method nrm_softmax_method = {
    .name = "softmax",
    .summary = "softmax, log-softmax and logsumexp along the last axis, in two passes over memory",
    .details =
        "y_i = exp(alpha x_i) / sum_j exp(alpha x_j) along the last axis.\n\n"
        "The two-pass algorithm keeps every exponential as a mantissa and an exponent, so it needs no maximum first: "
        "it reads x twice and writes y once, where the usual algorithms make three passes. Rows that fit the cache "
        "are done with one exponential an element instead. auto chooses.\n\n"
        "A NaN makes its row NaN. Elements that are -inf or masked are exactly 0. A row with nothing left is 0 "
        "(all_masked), a row with +inf is NaN (infinity). Elements of any finite size are handled.\n\n"
        "The result does not depend on the number of threads.",
    .paper = "Marat Dukhan, Artsiom Ablavatski: The Two-Pass Softmax Algorithm, 2020, arXiv 2001.04438",
    .paper_number = 32,
    .domain = "attention",
    .since = "0.1",
    NRM_DESCRIBED(softmax),
    .run = run};
