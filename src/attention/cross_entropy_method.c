/* cross_entropy_method.c -- the descriptor of cross-entropy: (6) of norma/softmax.h along the
 * last axis of an array.  The typed functions take the options of softmax, and the scale as
 * an argument; alpha and scale are the parameters here. */
#include "softmax_door.h"

static const nrm_port inputs[] = {
    {.name = "x", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "", .flags = NRM_PORT_NAN_OK,
     .unit = "", .since = "0.1", .text = "scores of any shape with at least one axis; the last axis is the classes"},
    {.name = "target", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_I64), .shape = "", .unit = "",
     .since = "0.1",
     .text = "class of each row, counted from 0; negative: the row is ignored.  Shape of x without its last axis"}};
static const nrm_port outputs[] = {
    {.name = "loss", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "", .unit = "nats",
     .since = "0.1", .text = "minus the logarithm of the target's probability, 0 in ignored rows; shape of target"},
    {.name = "gradient", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "", .flags = NRM_PORT_OPTIONAL,
     .unit = "", .since = "0.1",
     .text = "scale times the derivative of the sum of the losses by x; shape and type of x, and it may be x itself"}};
static const nrm_example examples[] = {
    {"Two rows: odds of 1 to 1 and of 3 to 1", "x=[[0,0],[0,1.0986122886681098]] target=[0,1]",
     "loss=[0.6931471805599453,0.2876820724517809] gradient=[[-0.5,0.5],[0.25,-0.25]] info.mean=0.4904146265058631",
     1e-14},
    {"An ignored row, and the gradient of the mean of the other two",
     "x=[[1,2,3],[5,5,5],[0,0,0]] target=[2,-1,1] scale=0.5",
     "loss=[0.4076059644443804,0,1.0986122886681098] gradient=[[0.04501528658519023,0.12236423552739884,"
     "-0.16737952211258907],[0,0,0],[0.16666666666666666,-0.3333333333333333,0.16666666666666666]] info.ignored=1",
     1e-14},
    {"A score that no exponential can hold", "x=[0,-1000] target=[1]",
     "loss=[1000] gradient=[1,-1] info.mean=1000", 1e-14}};

NRM_DESCRIBE(cross_entropy, NRM_CROSS_ENTROPY_OPTIONS, NRM_CROSS_ENTROPY_INFO);

/* The shape of x without its last axis; for a single row also an array of one number. */
static nrm_status check_target(nrm_ctx *ctx, const nrm_array *x, const nrm_array *target)
{
    char given[NRM_SHAPE_LENGTH], wanted[NRM_SHAPE_LENGTH];
    const bool one = x->ndim == 1 && target->ndim == 1 && target->shape[0] == 1;

    NRM_REQUIRE(ctx, one || nrm_same_shape(x->ndim - 1, x->shape, target->ndim, target->shape), NRM_E_SHAPE,
                "cross-entropy: target has shape %s; it must have %s, that of x without its last axis",
                nrm_shape_text(given, target->ndim, target->shape), nrm_shape_text(wanted, x->ndim - 1, x->shape));
    return NRM_OK;
}

static void describe(const int64_t *target, const double *loss, nrm_cross_entropy_info *info)
{
    double sum = 0;

    for (int64_t r = 0; r < info->rows; r++) {
        info->ignored += target[r] < 0;
        if (loss) sum += loss[r];
    }
    info->mean = loss && info->ignored < info->rows ? sum / (double)(info->rows - info->ignored) : (double)NAN;
}

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const double start = nrm_now();
    const nrm_array *x = &in[0].array, *t = &in[1].array;
    const nrm_cross_entropy_options *given = options;
    nrm_softmax_options o = nrm_softmax_options_default();
    int64_t rows, columns;

    NRM_TRY(nrm_softmax_rows_of(ctx, "cross-entropy", "x", x, &rows, &columns));
    NRM_TRY(check_target(ctx, x, t));
    o.alpha = given->alpha;
    NRM_TRY(nrm_output_array(ctx, &out[0], NRM_F64, t->ndim, t->shape));
    NRM_TRY(nrm_output_array(ctx, &out[1], x->dtype, x->ndim, x->shape));
    double *loss = out[0].wanted ? out[0].array.data : NULL;
    void *dx = out[1].wanted ? out[1].array.data : NULL;
    if (x->dtype == NRM_F32)
        NRM_TRY(nrm_cross_entropy_f32(ctx, rows, columns, x->data, columns, t->data, given->scale, loss, dx, columns,
                                      &o));
    else
        NRM_TRY(nrm_cross_entropy_f64(ctx, rows, columns, x->data, columns, t->data, given->scale, loss, dx, columns,
                                      &o));
    nrm_cross_entropy_info facts = {.rows = rows, .columns = columns};
    describe(t->data, loss, &facts);
    facts.seconds = nrm_now() - start;
    *(nrm_cross_entropy_info *)info = facts;
    return NRM_OK;
}

const nrm_method nrm_cross_entropy_method = {
    .name = "cross-entropy",
    .summary = "cross-entropy of the softmax of each row with a target class, and its gradient",
    .details =
        "loss = logsumexp(alpha x) - alpha x_target along the last axis, and its gradient "
        "alpha scale (softmax_i - [i = target]).\n\n"
        "No exponential overflows. At the target the gradient is alpha scale (exp(-loss) - 1), so that loss and "
        "gradient agree. Losses are double precision and never negative; their absolute error is that of the "
        "logarithm of the sum, so a loss near 0 has few digits.\n\n"
        "A row with a negative target is ignored: loss 0 and gradient 0. A NaN makes the loss and the gradient of "
        "its row NaN; a target whose score is -inf has loss inf.\n\n"
        "The result does not depend on the number of threads.",
    .paper = "Marat Dukhan, Artsiom Ablavatski: The Two-Pass Softmax Algorithm, 2020, arXiv 2001.04438",
    .paper_number = 32,
    .domain = "attention",
    .since = "0.1",
    NRM_DESCRIBED(cross_entropy),
    .run = run};
