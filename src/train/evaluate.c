/* evaluate.c -- the loss of a trained network on data: the run's own, or others, which are read
 * with the tokenizer, the scales and the classes that the run learnt. */
#include "method/descriptor.h"
#include "trainer.h"

extern const nrm_method nrm_evaluate_method;

typedef struct evaluation {
    nrm_checkpoint from;
    nrm_dataset *data;
    nrm_network *network;
    nrm_parameters *parameters;
    nrm_pass pass;
} evaluation;

static void release(nrm_ctx *ctx, evaluation *e)
{
    nrm_pass_destroy(ctx, &e->pass);
    nrm_parameters_destroy(e->parameters);
    nrm_network_destroy(e->network);
    nrm_dataset_destroy(ctx, e->data);
    nrm_checkpoint_close(ctx, &e->from);
}

static nrm_status open_data(nrm_ctx *ctx, evaluation *e, const nrm_array *x, const nrm_array *y, const nrm_evaluate_options *o)
{
    nrm_train_options run;
    NRM_REQUIRE(ctx, (x != NULL) == (y != NULL), NRM_E_ARGUMENT, "evaluate: %s is given without %s; both are needed", x ? "x" : "y", x ? "y" : "x");
    NRM_REQUIRE(ctx, !(x && o->data), NRM_E_ARGUMENT, "evaluate: data and x are both given; give one");
    NRM_TRY(nrm_checkpoint_options(ctx, "evaluate", &e->from, &run));
    nrm_dataset_options d = nrm_trainer_dataset_options(&run, e->from.state.seed, e->from.data);
    if (x || o->data) { /* other data: all of them */
        d.path = o->data;
        d.labels = o->labels;
        d.validation = d.validation_labels = NULL;
        d.validation_fraction = 0;
    } else {
        if (o->labels) d.labels = o->labels;
        if (o->part == NRM_EVALUATE_ALL && !d.validation) d.validation_fraction = 0;
    }
    return x ? nrm_dataset_from_arrays(ctx, &e->data, &d, x, y, NULL, NULL) : nrm_dataset_open(ctx, &e->data, &d);
}

static nrm_status set_up(nrm_ctx *ctx, evaluation *e, int64_t batch, int64_t examples)
{
    nrm_train_options run;
    NRM_TRY(nrm_checkpoint_options(ctx, "evaluate", &e->from, &run));
    NRM_TRY(nrm_trainer_network(ctx, "evaluate", e->from.network, e->data, run.context, &e->network));
    NRM_TRY(nrm_pass_create(ctx, &e->pass, "evaluate", e->network, e->data, false, nrm_max_i64(1, nrm_min_i64(batch, examples)),
                            run.precision == NRM_PRECISION_F64 || run.optimizer == NRM_TRAIN_LBFGS ? NRM_F64 : NRM_F32));
    NRM_TRY(nrm_parameters_create(ctx, e->pass.graph.nn, &e->parameters));
    const nrm_status st = nrm_parameters_load(ctx, e->parameters, &e->from.file.bundle);
    if (st < 0) return nrm_fail_prefix(ctx, st, "evaluate");
    return nrm_parameters_bind(ctx, e->parameters, e->pass.instance);
}

nrm_status nrm_evaluate(nrm_ctx *ctx, const nrm_array *x, const nrm_array *y, const nrm_evaluate_options *options,
                        nrm_array *predictions, nrm_evaluate_info *info)
{
    const double began = nrm_now();
    nrm_evaluate_options o;
    evaluation e = {.data = NULL};
    nrm_array found = {.data = NULL};
    nrm_measure m;
    nrm_status st;

    NRM_TRY(nrm_options_load(ctx, &nrm_evaluate_method, options, &o));
    NRM_TRY_DONE(nrm_checkpoint_open(ctx, "evaluate", o.checkpoint, &e.from));
    NRM_TRY_DONE(open_data(ctx, &e, x, y, &o));
    const nrm_dataset_about about = nrm_dataset_describe(e.data);
    const bool whole = x || o.data || o.part == NRM_EVALUATE_ALL;
    const nrm_dataset_part part = whole ? NRM_TRAINING : NRM_VALIDATION;
    NRM_STOP_IF(about.examples[part] == 0, NRM_E_SHAPE, "evaluate: the run kept nothing for validation; evaluate all of its data, or give others");
    NRM_TRY_DONE(set_up(ctx, &e, o.batch, about.examples[part]));
    if (predictions) {
        const int64_t rows = nrm_measure_predictions(e.data, part), shape[2] = {about.values > 1 ? rows / about.values : rows, about.values};
        NRM_TRY_DONE(nrm_array_create(ctx, &found, NRM_F64, about.values > 1 ? 2 : 1, shape));
    }
    NRM_TRY_DONE(nrm_measure_part(ctx, NULL, &e.pass, e.data, part, 0, &m, predictions ? found.data : NULL));
    NRM_STOP_IF(!isfinite(m.loss), NRM_E_NONFINITE, "evaluate: the loss is %g", m.loss);
    if (predictions) *predictions = found;
    if (info) *info = (nrm_evaluate_info){.loss = m.loss, .perplexity = about.kind == NRM_DATASET_TEXT ? exp(m.loss) : 0, .accuracy = m.accuracy,
                                          .count = m.count, .step = e.from.state.step, .seconds = nrm_now() - began};
done:
    if (st < 0) nrm_array_destroy(ctx, &found);
    release(ctx, &e);
    return st;
}

/* ---- The method ------------------------------------------------------------------------------------- */

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    nrm_array found;
    const nrm_array *x = in[0].kind == NRM_VALUE_ARRAY ? &in[0].array : NULL, *y = in[1].kind == NRM_VALUE_ARRAY ? &in[1].array : NULL;
    const nrm_status st = nrm_evaluate(ctx, x, y, options, out[0].wanted ? &found : NULL, info);
    if (st < 0 || !out[0].wanted) return st;
    const nrm_status made = nrm_output_array(ctx, &out[0], found.dtype, found.ndim, found.shape);
    if (made >= 0) memcpy(out[0].array.data, found.data, (size_t)nrm_array_count(&found) * sizeof(double));
    nrm_array_destroy(ctx, &found);
    return made < 0 ? made : st;
}

static const nrm_port inputs[] = {
    {.name = "x", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS | NRM_DTYPE_BIT(NRM_U8), .shape = "", .flags = NRM_PORT_OPTIONAL, .unit = "", .since = "0.2",
     .text = "examples: a table (n, columns) or images (n, rows, columns) or (n, channels, rows, columns)"},
    {.name = "y", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS | NRM_DTYPE_BIT(NRM_I64) | NRM_DTYPE_BIT(NRM_U8), .shape = "", .flags = NRM_PORT_OPTIONAL, .unit = "",
     .since = "0.2", .text = "their targets"}};
static const nrm_port outputs[] = {
    {.name = "predictions", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "", .flags = NRM_PORT_ON_REQUEST, .unit = "", .since = "0.2",
     .text = "for each token or example the most likely class as the data name it, or the values"}};
NRM_DESCRIBE(evaluate, NRM_EVALUATE_OPTIONS, NRM_EVALUATE_INFO);
const nrm_method nrm_evaluate_method = {
    .name = "evaluate",
    .summary = "loss and accuracy of a network that train made",
    .details = "The network and what it learnt from its data (tokenizer, scales, classes) come from a checkpoint, which train must have made "
               "before. Without other data, the run's own are read again and its validation part is taken.\n\n"
               "The loss is the mean cross-entropy in nats over tokens or examples, or the mean squared error of values.",
    .paper = "Alec Radford, Jeffrey Wu, Rewon Child, David Luan, Dario Amodei, Ilya Sutskever: Language Models are Unsupervised Multitask Learners, 2019",
    .domain = "train", .since = "0.2", NRM_DESCRIBED_INPUTS, NRM_DESCRIBED_REST, .run = run};
