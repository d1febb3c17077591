/* @c@.c -- THE MATHEMATICS, in the paper's notation; where this departs from the
 * paper, and why.  Contract: norma/@c@.h. */
#include "method/descriptor.h"
#include <norma/@c@.h>

extern const nrm_method nrm_@c@_method;

nrm_status nrm_@c@(nrm_ctx *ctx, int64_t n, const double *x, double *y, nrm_@c@_info *info,
    const nrm_@c@_options *options)
{
    const double start = nrm_now();
    nrm_@c@_options o;
    int64_t where;

    /* Every check comes before any output is touched. */
    NRM_TRY(nrm_options_load(ctx, &nrm_@c@_method, options, &o));
    NRM_REQUIRE(ctx, x && y, NRM_E_NULL, "@cli@: x and y must not be NULL");
    NRM_REQUIRE(ctx, n >= 1, NRM_E_SHAPE, "@cli@: x has %lld values; it must have at least one", NRM_LL(n));
    NRM_REQUIRE(ctx, x == y || !nrm_overlap(x, (size_t)n * sizeof *x, y, (size_t)n * sizeof *y), NRM_E_ALIAS,
                "@cli@: x and y overlap; make them the same or separate");
    NRM_REQUIRE(ctx, nrm_all_finite_f64(x, n, &where), NRM_E_NONFINITE,
                "@cli@: x[%lld] is NaN or Inf; x must be finite", NRM_LL(where));

    for (int64_t i = 0; i < n; i++) y[i] = o.factor * x[i]; /* (1) */
    if (info) *info = (nrm_@c@_info){.count = n, .seconds = nrm_now() - start};
    return NRM_OK;
}

/* ---- The untyped door -------------------------------------------------------------------- */

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const nrm_array *x = &in[0].array;
    NRM_TRY(nrm_output_array(ctx, &out[0], NRM_F64, x->ndim, x->shape));
    return nrm_@c@(ctx, nrm_array_count(x), x->data, out[0].array.data, info, options);
}

static const nrm_port inputs[] = {
    {.name = "x", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "n", .since = "@since@",
     .text = "the numbers"},
};
static const nrm_port outputs[] = {
    {.name = "y", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "n", .since = "@since@",
     .text = "factor times x"},
};
static const nrm_example examples[] = {
    {"Twice three numbers", "x=[1,2,3]", "y=[2,4,6] info.count=3", 0},
};

NRM_DESCRIBE(@c@, NRM_@C@_OPTIONS, NRM_@C@_INFO);
const nrm_method nrm_@c@_method = {
    .name = "@cli@",
    .summary = "ONE LINE: what it computes",
    .details = "What it is for and when to use it, without a word of files, flags or languages.",
    .paper = "AUTHORS, TITLE, YEAR",
    .paper_number = @paper@,
    .domain = "@domain@",
    .since = "@since@",
    NRM_DESCRIBED(@c@),
    .run = run,
};
