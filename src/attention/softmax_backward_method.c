/* softmax_backward_method.c -- the descriptor of softmax-backward: (4) and (5) of
 * norma/softmax.h along the last axis of arrays.  The typed functions take the options of
 * softmax; those that change the derivative are the parameters here. */
#include "softmax_door.h"

static const nrm_port inputs[] = {
    {.name = "y", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "", .flags = NRM_PORT_NAN_OK,
     .unit = "", .since = "0.1",
     .text = "what softmax returned, of any shape with at least one axis; the last axis is the normalised one"},
    {.name = "gradient", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "", .flags = NRM_PORT_NAN_OK,
     .unit = "", .since = "0.1", .text = "derivative of a loss by y; shape of y"}};
static const nrm_port outputs[] = {
    {.name = "dx", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "", .unit = "", .since = "0.1",
     .text = "derivative of the loss by x; shape and type of y, and it may be y or gradient itself"}};
static const nrm_example examples[] = {
    {"Of the first probability alone", "y=[0.25,0.75] gradient=[1,0]", "dx=[0.1875,-0.1875]", 1e-15},
    {"Rows, one of them certain: nothing flows", "y=[[0.5,0.25,0.25],[1,0,0]] gradient=[[1,2,4],[1,2,4]]",
     "dx=[[-0.5,0,0.5],[0,0,0]] info.rows=2 info.columns=3", 1e-15},
    {"Of a log-probability, at twice the temperature",
     "y=[-1.3862943611198906,-0.2876820724517809] gradient=[1,0] log alpha=0.5", "dx=[0.375,-0.375]", 1e-15}};

NRM_DESCRIBE(softmax_backward, NRM_SOFTMAX_BACKWARD_OPTIONS, NRM_SOFTMAX_BACKWARD_INFO);

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const double start = nrm_now();
    const nrm_array *y = &in[0].array, *g = &in[1].array;
    const nrm_softmax_backward_options *given = options;
    char y_shape[NRM_SHAPE_LENGTH], g_shape[NRM_SHAPE_LENGTH];
    int64_t rows, columns;

    NRM_TRY(nrm_softmax_rows_of(ctx, "softmax-backward", "y", y, &rows, &columns));
    NRM_REQUIRE(ctx, nrm_same_shape(y->ndim, y->shape, g->ndim, g->shape), NRM_E_SHAPE,
                "softmax-backward: gradient has shape %s and y %s; they must agree",
                nrm_shape_text(g_shape, g->ndim, g->shape), nrm_shape_text(y_shape, y->ndim, y->shape));
    nrm_softmax_options o = nrm_softmax_options_default();
    o.log = given->log;
    o.alpha = given->alpha;
    NRM_TRY(nrm_output_array(ctx, &out[0], y->dtype, y->ndim, y->shape));
    void *dx = out[0].array.data;
    if (y->dtype == NRM_F32)
        NRM_TRY(nrm_softmax_backward_f32(ctx, rows, columns, y->data, columns, g->data, columns, dx, columns, &o));
    else
        NRM_TRY(nrm_softmax_backward_f64(ctx, rows, columns, y->data, columns, g->data, columns, dx, columns, &o));
    *(nrm_softmax_backward_info *)info =
        (nrm_softmax_backward_info){.rows = rows, .columns = columns, .seconds = nrm_now() - start};
    return NRM_OK;
}

const nrm_method nrm_softmax_backward_method = {
    .name = "softmax-backward",
    .summary = "derivative of a loss by the argument of softmax or log-softmax, from that by its result",
    .details =
        "With y = softmax(alpha x) along the last axis and g the derivative of a loss by y,\n\n"
        "dx = alpha y (g - <y, g>), and with log, dx = alpha (g - exp(y) sum g).\n\n"
        "x itself is not needed. The sums are taken in double precision. Masked elements have y = 0 and so dx = 0. "
        "With log they have y = -inf: constant whatever x is, so their g counts for nothing and their dx is 0.\n\n"
        "The result does not depend on the number of threads.",
    .paper = "Marat Dukhan, Artsiom Ablavatski: The Two-Pass Softmax Algorithm, 2020, arXiv 2001.04438",
    .paper_number = 32,
    .domain = "attention",
    .since = "0.1",
    NRM_DESCRIBED(softmax_backward),
    .run = run};
