/* row_sketch.c -- the sketches of linalg/sketch.h as a method of their own, over a stream of rows.
 * Contract: norma/row_sketch.h.
 *
 * S a is a sum over chunks of rows, so ranks add up their shares.  An array in memory is not searched
 * for NaN and Inf, which would read it twice: whatever S, they end up in S a, and are looked for then. */
#include "data/row_pass.h"
#include "data/rows.h"
#include "linalg/sketch.h"
#include "linalg/transform.h"
#include "method/descriptor.h"
#include <norma/comm.h>
#include <norma/row_sketch.h>

#define WHO "row-sketch"
extern const nrm_method nrm_row_sketch_method;

_Static_assert((int)NRM_ROW_SKETCH_GAUSSIAN == (int)NRM_SKETCH_GAUSSIAN && (int)NRM_ROW_SKETCH_OSNAP == (int)NRM_SKETCH_OSNAP,
               "kinds are numbered alike");
enum { STREAM = 6 };

static int64_t rows_of(const nrm_row_sketch_options *o)
{
    return o->sketch == NRM_ROW_SKETCH_BGP ? nrm_next_power_of_two(o->rows) : o->rows;
}

nrm_status nrm_row_sketch_rows(nrm_ctx *ctx, const nrm_row_sketch_options *options, int64_t *m)
{
    nrm_row_sketch_options o;

    NRM_REQUIRE(ctx, m, NRM_E_NULL, WHO ": m must not be NULL");
    NRM_TRY(nrm_options_load(ctx, &nrm_row_sketch_method, options, &o));
    *m = rows_of(&o);
    return NRM_OK;
}

/* n: as the stream says, as given, or by a pass that only counts. */
static nrm_status find_n(nrm_ctx *ctx, nrm_rows *a, int64_t given, int64_t *n, int64_t *passes)
{
    const int64_t count = nrm_rows_count(a);

    NRM_REQUIRE(ctx, given == 0 || count < 0 || given == count, NRM_E_SHAPE, WHO ": a has %lld rows, but total_rows is %lld; "
                "leave it at 0 unless the input cannot tell", NRM_LL(count), NRM_LL(given));
    *n = given;
    if (given == 0) NRM_TRY(nrm_row_pass_count(ctx, WHO, "a", "give total_rows", a, n, passes));
    NRM_REQUIRE(ctx, *n >= 1, NRM_E_SHAPE, WHO ": a has no rows; it must have at least one");
    return NRM_OK;
}

static nrm_status check_count(nrm_ctx *ctx, int64_t n, int64_t rows)
{
    NRM_REQUIRE(ctx, rows == n, NRM_E_SHAPE, WHO ": a %s row %lld, but %lld rows were announced", rows < n ? "ends before" : "goes on at",
                NRM_LL(nrm_min_i64(rows, n)), NRM_LL(n));
    return NRM_OK;
}

/* Rows of a step: a chunk, or all that there are where they lie in memory and nobody shares them. */
static int64_t step(nrm_ctx *ctx, nrm_rows *a, const nrm_sketch_sum *sum, int64_t n)
{
    return nrm_rows_in_place(a) && nrm_comm_size(nrm_ctx_comm(ctx)) == 1 ? n : nrm_sketch_unit(sum);
}

/* What is not finite in a shows in every sketch of it: looking at the sketch spares a reading. */
static nrm_status check_values(nrm_ctx *ctx, nrm_rows *a, nrm_sketch_sum *sum, int64_t count)
{
    int64_t where;
    if (nrm_all_finite_f64(nrm_sketch_values(sum), count, &where)) return NRM_OK;
    NRM_TRY(nrm_row_pass_blame(ctx, WHO, a, NULL));
    return nrm_fail(ctx, NRM_E_OVERFLOW, WHO ": the sketch of a leaves the range of f64; scale a down");
}

nrm_status nrm_row_sketch(nrm_ctx *ctx, nrm_rows *a, double *sa, nrm_row_sketch_info *info,
                          const nrm_row_sketch_options *options)
{
    const double start = nrm_now();
    nrm_row_sketch_options o;
    nrm_sketch_sum *sum = NULL;
    nrm_row_pass *pass = NULL;
    nrm_row_chunk chunk;
    int64_t n, seen, passes = 1;
    nrm_status st;

    NRM_TRY(nrm_options_load(ctx, &nrm_row_sketch_method, options, &o));
    NRM_REQUIRE(ctx, a && sa, NRM_E_NULL, WHO ": a and sa must not be NULL");
    const int64_t m = rows_of(&o), d = nrm_rows_cols(a);
    NRM_TRY(find_n(ctx, a, o.total_rows, &n, &passes));
    const nrm_sketch_plan plan = {.kind = (nrm_sketch_kind)o.sketch, .seed = nrm_seed(ctx), .stream = STREAM, .m = m, .n = n,
                                  .nonzeros = o.nonzeros, .pool = o.pool, .replace = o.replace};
    st = nrm_sketch_begin(ctx, WHO, &plan, d, 0, &sum);
    if (st >= 0) st = nrm_row_pass_begin(ctx, WHO, a, NULL, step(ctx, a, sum, n), "sketch", &pass);
    if (st >= 0 && nrm_rows_in_place(a)) nrm_row_pass_trust(pass);
    while (st >= 0 && (st = nrm_row_pass_next(ctx, pass, &chunk)) >= 0 && chunk.count > 0) {
        const int64_t end = chunk.first + chunk.count;
        if (end > n || chunk.count % nrm_sketch_unit(sum) != 0) st = check_count(ctx, n, end); /* too many; the last ones */
        if (st >= 0) st = nrm_sketch_add(ctx, sum, chunk.first, chunk.count, chunk.a, chunk.lda, NULL, 0);
    }
    NRM_TRY_DONE(nrm_row_pass_end(ctx, &pass, st, &seen));
    NRM_TRY_DONE(check_count(ctx, n, seen));
    NRM_TRY_DONE(nrm_sum_ranks(ctx, WHO, nrm_sketch_values(sum), m * d));
    NRM_TRY_DONE(check_values(ctx, a, sum, m * d));
    memcpy(sa, nrm_sketch_values(sum), (size_t)(m * d) * sizeof *sa);
    if (info) *info = (nrm_row_sketch_info){.rows = m, .total_rows = n, .passes = passes, .seconds = nrm_now() - start};
done:
    nrm_sketch_end(ctx, sum);
    return st;
}

/* ---- The untyped door -------------------------------------------------------------------- */

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    int64_t shape[2] = {0, nrm_rows_cols(in[0].rows)};
    NRM_TRY(nrm_row_sketch_rows(ctx, options, &shape[0]));
    NRM_TRY(nrm_output_array(ctx, &out[0], NRM_F64, 2, shape));
    return nrm_row_sketch(ctx, in[0].rows, out[0].array.data, info, options);
}

static const nrm_port inputs[] = {
    {.name = "a", .accepts = NRM_ACCEPT_ARRAY | NRM_ACCEPT_CSR | NRM_ACCEPT_ROWS, .dtypes = NRM_FLOATS, .shape = "n,d", .unit = "",
     .since = "0.2", .text = "the rows of the matrix, dense or sparse; a stream of any length is read once"}};
static const nrm_port outputs[] = {
    {.name = "sa", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "m,d", .unit = "a", .since = "0.2",
     .text = "the sketch S a"}};
static const nrm_example examples[] = {
    {"Four rows to two, by signs of a Hadamard matrix", "a=[[1,2],[0,1],[1,-1],[3,1]] rows=2",
     "sa=[[-2.1213203435596424,-3.5355339059327378],[0.70710678118654757,-0.70710678118654757]] info.rows=2 info.total_rows=4 "
     "info.passes=1", 1e-12},
    {"Every row into one of two buckets, under a sign", "a=[[1,0],[0,1],[2,0],[0,2]] rows=2 sketch=countsketch",
     "sa=[[2,-1],[-1,-2]] info.rows=2", 1e-12}};

NRM_DESCRIBE(row_sketch, NRM_ROW_SKETCH_OPTIONS, NRM_ROW_SKETCH_INFO);
const nrm_method nrm_row_sketch_method = {
    .name = WHO,
    .summary = "the rows of a tall matrix compressed to a few random combinations, from one pass",
    .details =
        "Multiplies a by a random matrix S of rows rows: norms and inner products of all columns, and of their combinations, "
        "are kept to about sqrt(d / rows), so what is computed from sa is near what a would have given. Two matrices with the "
        "same number of rows and the same seed get the same S: a and right-hand sides may be compressed apart.\n\n"
        "srht is the usual choice: a fast transform that spreads every row over all combinations. gaussian is the reference, and "
        "costs rows times as much as reading a. countsketch is the cheapest, and one large or lonely row can spoil it; "
        "osnap lies between. bgp is what a theorem covers for errors coordinate by coordinate; from a stream it is "
        "slower than from memory.\n\n"
        "What to rely on: the sketch is unbiased, E[S'S] = I; S is a function of the seed, the sizes and the options, the same however a "
        "is stored, cut or shared out; memory does not grow with the number of rows.",
    .paper = "Z. Song, M. Ye, J. Yin, L. Zhang, A Nearly-Optimal Bound for Fast Regression with l-infinity Guarantee, ICML 2023, "
             "arXiv 2302.00248",
    .paper_number = 6,
    .domain = "regression",
    .since = "0.2",
    NRM_DESCRIBED(row_sketch),
    .run = run,
    .ranks = true};
