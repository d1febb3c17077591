/* lp_coreset_method.c -- the method lp-coreset: its untyped door and its descriptor.  The work:
 * lp_coreset.c. */
#include "coreset_job.h"
#include "method/descriptor.h"

enum { INDEX, WEIGHTS, ROWS_A, ROWS_B, SENSITIVITIES, LEWIS_WEIGHTS, PROBABILITIES, WITNESS, OUTPUTS };

static nrm_status give(nrm_ctx *ctx, nrm_value *out, nrm_dtype dtype, int64_t rows, int64_t cols, const void *values)
{
    const int64_t shape[2] = {rows, cols};
    if (!out->wanted) return NRM_OK;
    NRM_TRY(nrm_output_array(ctx, out, dtype, cols > 0 ? 2 : 1, shape));
    memcpy(out->array.data, values, (size_t)(rows * nrm_max_i64(cols, 1)) * nrm_dtype_size(dtype));
    return NRM_OK;
}

static nrm_status give_all(nrm_ctx *ctx, nrm_value *out, const nrm_lp_coreset_result *r)
{
    NRM_TRY(give(ctx, &out[INDEX], NRM_I64, r->rows, 0, r->index));
    NRM_TRY(give(ctx, &out[WEIGHTS], NRM_F64, r->rows, 0, r->weights));
    NRM_TRY(give(ctx, &out[ROWS_A], NRM_F64, r->rows, r->d, r->a));
    NRM_TRY(give(ctx, &out[ROWS_B], NRM_F64, r->rows, r->q, r->b));
    NRM_TRY(give(ctx, &out[SENSITIVITIES], NRM_F64, r->n, 0, r->sensitivities));
    NRM_TRY(give(ctx, &out[LEWIS_WEIGHTS], NRM_F64, r->n, 0, r->lewis_weights));
    NRM_TRY(give(ctx, &out[PROBABILITIES], NRM_F64, r->n, 0, r->probabilities));
    return give(ctx, &out[WITNESS], NRM_F64, r->d + r->q, 0, r->witness);
}

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const bool weighted = in[2].kind == NRM_VALUE_ARRAY, scored = in[3].kind == NRM_VALUE_ARRAY;
    const nrm_lp_coreset_input input = {.a = in[0].rows, .b = in[1].rows,
                                        .row_weights = weighted ? in[2].array.data : NULL,
                                        .user_scores = scored ? in[3].array.data : NULL,
                                        .length = weighted ? in[2].array.shape[0] : scored ? in[3].array.shape[0] : 0};
    static const unsigned bits[OUTPUTS] = {0, 0, NRM_LP_CORESET_ROWS, NRM_LP_CORESET_ROWS, NRM_LP_CORESET_SENSITIVITIES,
                                           NRM_LP_CORESET_LEWIS_WEIGHTS, NRM_LP_CORESET_PROBABILITIES, NRM_LP_CORESET_WITNESS};
    nrm_lp_coreset_result made = {0};
    unsigned want = 0;

    NRM_REQUIRE(ctx, !out[ROWS_B].wanted || input.b, NRM_E_ARGUMENT, NRM_LP_CORESET ": rows_b are wanted, but there is no b");
    for (int k = 0; k < OUTPUTS; k++) want |= out[k].wanted ? bits[k] : 0;
    const nrm_status st = nrm_lp_coreset(ctx, &input, want, &made, info, options);
    const nrm_status given = st >= 0 ? give_all(ctx, out, &made) : st;
    nrm_lp_coreset_release(ctx, &made);
    return given < 0 ? given : st;
}

#define ARRAY_OF(dtype) .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(dtype), .since = "0.2"
static const nrm_port inputs[] = {
    {.name = "a", .accepts = NRM_ACCEPT_ARRAY | NRM_ACCEPT_CSR | NRM_ACCEPT_ROWS, .dtypes = NRM_FLOATS, .shape = "n,d", .unit = "",
     .since = "0.2", .text = "the rows, dense or sparse, at least as many as columns"},
    {.name = "b", .accepts = NRM_ACCEPT_ARRAY | NRM_ACCEPT_CSR | NRM_ACCEPT_ROWS, .dtypes = NRM_FLOATS, .shape = "n|n,q",
     .flags = NRM_PORT_OPTIONAL, .unit = "", .since = "0.2",
     .text = "more columns of the same rows, such as the right side of a regression, which needs a coreset of both"},
    {.name = "row_weights", ARRAY_OF(NRM_F64), .shape = "n", .flags = NRM_PORT_OPTIONAL, .unit = "",
     .text = "what each row counts in the sum of |.|^p, > 0; 1 where there are none"},
    {.name = "user_scores", ARRAY_OF(NRM_F64), .shape = "n", .flags = NRM_PORT_OPTIONAL, .unit = "",
     .text = "what is to stand for the sensitivities, at least 0 and not all 0; the scale does not matter"}};
static const nrm_port outputs[] = {
    {.name = "index", ARRAY_OF(NRM_I64), .shape = "m", .unit = "", .text = "numbers of the rows kept, rising, from 0"},
    {.name = "weights", ARRAY_OF(NRM_F64), .shape = "m", .unit = "", .text = "what each row kept counts in the sum of |.|^p"},
    {.name = "rows_a", ARRAY_OF(NRM_F64), .shape = "m,d", .flags = NRM_PORT_ON_REQUEST, .unit = "a",
     .text = "the rows kept of a, as they came, not scaled by their weights"},
    {.name = "rows_b", ARRAY_OF(NRM_F64), .shape = "m,q", .flags = NRM_PORT_ON_REQUEST, .unit = "b", .text = "the same of b"},
    {.name = "sensitivities", ARRAY_OF(NRM_F64), .shape = "n", .flags = NRM_PORT_ON_REQUEST, .unit = "",
     .text = "how much each row can matter: its greatest share of the sum of |.|^p, over all x, found as scores says"},
    {.name = "lewis_weights", ARRAY_OF(NRM_F64), .shape = "n", .flags = NRM_PORT_ON_REQUEST, .unit = "",
     .text = "Lewis weights; they sum to the rank"},
    {.name = "probabilities", ARRAY_OF(NRM_F64), .shape = "n", .flags = NRM_PORT_ON_REQUEST, .unit = "",
     .text = "with which each row was kept; with iid that of a single draw"},
    {.name = "witness", ARRAY_OF(NRM_F64), .shape = "c", .flags = NRM_PORT_ON_REQUEST, .unit = "",
     .text = "the x of length 1, for the columns of a and then of b, at which the audit found the distortion"}};
static const nrm_example examples[] = {
    {"Every row, where so many are wanted", "a=[[1,0],[0,1],[1,1],[2,-1]] p=2 rows=4 scheme=lewis",
     "index=[0,1,2,3] weights=[1,1,1,1] sensitivities=[0.1764705882,0.3529411765,0.6470588235,0.8235294118] info.total_sensitivity=2",
     1e-9},
    {"Rows that nobody can do without", "a=[[1,0],[0,0],[0,0],[0,2],[0,0]] p=1 rows=3", "index=[0,3] weights=[1,1]", 1e-12}};

NRM_DESCRIBE(lp_coreset, NRM_LP_CORESET_OPTIONS, NRM_LP_CORESET_INFO);
const nrm_method nrm_lp_coreset_method = {
    .name = NRM_LP_CORESET,
    .summary = "a few weighted rows of a tall matrix that keep the p-norm of a x for every x",
    .details =
        "Keeps rows at random, those that can matter more with greater probability, and gives each the weight that makes the sum of "
        "weights times |row x|^p right on average. With as many rows as eps and delta ask for it is right within the factor 1 +- eps "
        "for all x at once, so that a regression solved on the rows kept is one on all rows. For that the coreset must be of a and "
        "b together.\n\n"
        "scheme says how much a row matters. The sensitivity is the greatest share of the sum that a row can have; Lewis weights "
        "are near it and take a few passes; combined (p > 2) adds leverage scores to it, and root-leverage (p <= 2) takes these "
        "alone, in rounds. uniform is there to compare with: it loses rows that are rare and large.\n\n"
        "Rows that can be read only once, or are too many to hold a number for each, are taken in blocks whose coresets are merged; "
        "the memory then grows with the logarithm of their number only, and eps is multiplied by at most levels.\n\n"
        "The weights are for |.|^p, of rows as they came. A row's draw depends on the seed and its number alone: not on how many "
        "threads or processes there are. audit looks for the x at which the coreset is worst and measures it on all rows: what it "
        "finds is a lower bound of the greatest error, with its witness.",
    .paper = "D. P. Woodruff, T. Yasuda, Sharper Bounds for l_p Sensitivity Sampling, ICML 2023, arXiv 2306.00732",
    .paper_number = 24,
    .domain = "regression",
    .since = "0.2",
    NRM_DESCRIBED(lp_coreset),
    .run = run,
    .ranks = true};
