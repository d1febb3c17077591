/* weighted_least_squares_method.c -- the method weighted-least-squares: its untyped door and its
 * descriptor.  The work: weighted_least_squares.c. */
#include "least_squares.h"
#include "space_ports.h"

enum { X, Y, WEIGHTS, NRM_SPACE_PLACES, X_NEW };
enum { COEFFICIENTS, FITTED, RESIDUALS, LEVERAGE, GRAM, MULTI_INDICES, PREDICTIONS, GRADIENT, OUTPUTS };

/* Dimensions of length 1 in the shape are left out but the first. */
static nrm_status give(nrm_ctx *ctx, nrm_value *out, nrm_dtype dtype, int64_t rows, int64_t q, int64_t d, const void *values)
{
    int64_t shape[3] = {rows};
    int ndim = 1;

    if (!out->wanted) return NRM_OK;
    if (q != 1) shape[ndim++] = q;
    if (d != 1) shape[ndim++] = d;
    NRM_TRY(nrm_output_array(ctx, out, dtype, ndim, shape));
    memcpy(out->array.data, values, (size_t)(rows * q * d) * nrm_dtype_size(dtype));
    return NRM_OK;
}

static nrm_status give_all(nrm_ctx *ctx, nrm_value *out, const nrm_weighted_least_squares_result *r)
{
    const int64_t gram[2] = {r->m, r->m}, indices[2] = {r->m, r->dimension};

    NRM_TRY(give(ctx, &out[COEFFICIENTS], NRM_F64, r->m, r->q, 1, r->coefficients));
    NRM_TRY(give(ctx, &out[FITTED], NRM_F64, r->n, r->q, 1, r->fitted));
    NRM_TRY(give(ctx, &out[RESIDUALS], NRM_F64, r->n, r->q, 1, r->residuals));
    NRM_TRY(give(ctx, &out[LEVERAGE], NRM_F64, r->n, 1, 1, r->leverage));
    NRM_TRY(give(ctx, &out[PREDICTIONS], NRM_F64, r->new_count, r->q, 1, r->predictions));
    NRM_TRY(give(ctx, &out[GRADIENT], NRM_F64, r->new_count, r->q, r->dimension, r->gradient));
    if (out[GRAM].wanted) {
        NRM_TRY(nrm_output_array(ctx, &out[GRAM], NRM_F64, 2, gram));
        memcpy(out[GRAM].array.data, r->gram, (size_t)(r->m * r->m) * sizeof *r->gram);
    }
    if (!out[MULTI_INDICES].wanted) return NRM_OK;
    NRM_TRY(nrm_output_array(ctx, &out[MULTI_INDICES], NRM_I64, 2, indices));
    memcpy(out[MULTI_INDICES].array.data, r->indices, (size_t)(r->m * r->dimension) * sizeof *r->indices);
    return NRM_OK;
}

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    static const unsigned bits[OUTPUTS] = {0, NRM_LEAST_SQUARES_FITTED, NRM_LEAST_SQUARES_RESIDUALS, NRM_LEAST_SQUARES_LEVERAGE,
                                           NRM_LEAST_SQUARES_GRAM, NRM_LEAST_SQUARES_INDICES, NRM_LEAST_SQUARES_PREDICTIONS,
                                           NRM_LEAST_SQUARES_GRADIENT};
    const nrm_array *x_new = &in[X_NEW].array;
    const nrm_space_input space = nrm_space_input_of(&in[FEATURES], &in[MU], &in[INDICES]);
    nrm_weighted_least_squares_result made = {0};
    unsigned want = 0;

    const nrm_weighted_least_squares_input input = {.x = in[X].rows, .weights = in[WEIGHTS].rows, .y = in[Y].rows, .space = &space,
                                                    .new_count = in[X_NEW].kind ? x_new->shape[0] : 0,
                                                    .x_new = in[X_NEW].kind ? x_new->data : NULL};
    const int64_t d = in[X].rows ? nrm_rows_cols(in[X].rows) : 1;
    NRM_REQUIRE(ctx, !in[X_NEW].kind || nrm_columns(x_new) == d, NRM_E_SHAPE, NRM_LEAST_SQUARES_WHO ": x_new has %lld columns; x has %lld",
                NRM_LL(nrm_columns(x_new)), NRM_LL(d));
    for (int k = 0; k < OUTPUTS; k++) want |= out[k].wanted ? bits[k] : 0;
    const nrm_status st = nrm_weighted_least_squares(ctx, &input, want, &made, info, options);
    const nrm_status given = st >= 0 ? give_all(ctx, out, &made) : st;
    nrm_weighted_least_squares_release(ctx, &made);
    return given < 0 ? given : st;
}

#define ARRAY_OF(dtype) .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(dtype), .since = "0.2"
#define ROWS .accepts = NRM_ACCEPT_ARRAY | NRM_ACCEPT_ROWS, .dtypes = NRM_FLOATS, .since = "0.2"
static const nrm_port inputs[] = {
    {.name = "x", ROWS, .shape = "n|n,d", .flags = NRM_PORT_OPTIONAL, .unit = "",
     .text = "the points, one a row; of features the numbers of their rows, from 0, and all in order where x is left out"},
    {.name = "y", ROWS, .shape = "n|n,q", .unit = "", .text = "the values measured there; several columns are fitted each on its own"},
    {.name = "weights", ROWS, .shape = "n|n,1", .flags = NRM_PORT_OPTIONAL, .unit = "", .text = "weights > 0 of the points, as volume-sampling gives them; m / k(x) where there are none"},
    NRM_SPACE_PORTS,
    {.name = "x_new", ARRAY_OF(NRM_F64), .shape = "t|t,f", .flags = NRM_PORT_OPTIONAL, .unit = "", .text = "points to predict at"}};
static const nrm_port outputs[] = {
    {.name = "coefficients", ARRAY_OF(NRM_F64), .shape = "m|m,q", .unit = "y", .text = "of the orthonormal functions, in the order of multi_indices; of features as they were given"},
    {.name = "fitted", ARRAY_OF(NRM_F64), .shape = "n|n,q", .flags = NRM_PORT_ON_REQUEST, .unit = "y", .text = "the fit at the points"},
    {.name = "residuals", ARRAY_OF(NRM_F64), .shape = "n|n,q", .flags = NRM_PORT_ON_REQUEST, .unit = "y", .text = "y minus the fit"},
    {.name = "leverage", ARRAY_OF(NRM_F64), .shape = "n", .flags = NRM_PORT_ON_REQUEST, .unit = "",
     .text = "how much each value decides on the fit at its own point, 0 to 1; they sum to m"},
    {.name = "gram", ARRAY_OF(NRM_F64), .shape = "m,m", .flags = NRM_PORT_ON_REQUEST, .unit = "",
     .text = "G, the mean of weight times products of the orthonormal functions; near the identity where the points serve well"},
    {.name = "multi_indices", ARRAY_OF(NRM_I64), .shape = "m,d", .flags = NRM_PORT_ON_REQUEST, .unit = "",
     .text = "degrees of each function in each coordinate; of fourier 2 l - 1 and 2 l are cosine and sine of frequency l"},
    {.name = "predictions", ARRAY_OF(NRM_F64), .shape = "t|t,q", .flags = NRM_PORT_ON_REQUEST, .unit = "y", .text = "the fit at x_new"},
    {.name = "gradient", ARRAY_OF(NRM_F64), .shape = "t|t,q|t,d|t,q,d", .flags = NRM_PORT_ON_REQUEST, .unit = "y/x",
     .text = "its derivatives at x_new: points, then columns of y, then coordinates, where there is more than one"}};
static const nrm_example examples[] = {
    {"A parabola through five points", "x=[-0.9,-0.4,0,0.5,0.8] y=[1.81,1.16,1,1.25,1.64] degree=2 x_new=[0.3]",
     "coefficients=[1.3333333333,0,0.2981423970] predictions=[1.09] gradient=[0.6] multi_indices=[[0],[1],[2]] info.residual=0 info.m=3", 1e-9},
    {"A plane, weights of one's own", "x=[[0,0],[1,0],[0,1],[1,1]] y=[1,3,0,2] weights=[1,2,2,1] degree=1 basis=legendre(0,1)",
     "coefficients=[1.5,0.5773502692,-0.2886751346] residuals=[0,0,0,0] info.stable=true info.mean_weight=1.5", 1e-9},
    {"Features of a finite set, all of its points", "features=[[1,0],[1,1],[1,2],[1,3]] y=[1,2,2,4]",
     "coefficients=[0.9588235294,0.7941176471] leverage=[0.5470588235,0.4529411765,0.4529411765,0.5470588235]", 1e-9}};

NRM_DESCRIBE(weighted_least_squares, NRM_WEIGHTED_LEAST_SQUARES_OPTIONS, NRM_WEIGHTED_LEAST_SQUARES_INFO);
const nrm_method nrm_weighted_least_squares_method = {
    .name = NRM_LEAST_SQUARES_WHO,
    .summary = "values at points fitted by orthonormal polynomials, sines and cosines, or features, with weights that keep it stable",
    .details =
        "A function of one or several variables is fitted in a space of m functions that are orthonormal for a measure mu, by least "
        "squares with the weights w = m / k(x), where k is the sum of the functions' squares. For points that volume-sampling has "
        "drawn for the same space these weights make the fit nearly as good as the best one in the space, from a few times m values.\n\n"
        "basis and degree name the space as for volume-sampling: polynomials orthonormal for the uniform, the normal or another measure, "
        "or sines and cosines, in one or several coordinates; or give features, the values of functions of one's own at all points of a "
        "finite set. The coefficients are those of the orthonormal functions, so that their squares sum to the variance that the fit "
        "explains, and multi_indices tells which function each belongs to.\n\n"
        "lambda_min tells how well the points serve: for any function f with the best fit P f the squared error of the fit is at most that of "
        "P f plus the weighted mean of (f - P f)^2 at the points over lambda_min. uniform_factor bounds the error by the least uniform error "
        "in the space. leave_one_out is the error to expect at new points of the same kind. A fit to points that do not decide on "
        "every function of the space is refused.\n\n"
        "The points may be more than memory holds: they are read twice, once with one_pass.",
    .paper = "A. Nouy, B. Michel, Weighted least-squares approximation with determinantal point processes and generalized volume sampling, "
             "2024, arXiv 2312.14057",
    .paper_number = 22,
    .domain = "sampling",
    .since = "0.2",
    NRM_DESCRIBED(weighted_least_squares),
    .run = run,
    .ranks = true};
