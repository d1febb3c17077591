/* train.c -- a run: steps of the optimizer on the gradients of batches.
 *
 *     g = 1/A sum over A batches of d loss / d w        (accumulate = A)
 *     g <- g min(1, clip / |g|)
 *     w <- optimizer(w, g, lr schedule(step))
 *
 * Batches, dropout masks and initial values are pure functions of (seed, step), so that a run
 * which goes on from a checkpoint is the run that was not interrupted.
 *
 * Ranks share a run by the rows of each batch (ranks.c); the optimizer averages the gradients
 * and shares its work (norma/optim_distributed.h).  What a rank does alone is followed by
 * nrm_comm_agree before anything that the others wait for. */
#include "kernel/elementwise.h"
#include "method/descriptor.h"
#include "trainer.h"
#include <norma/optim_distributed.h>

extern const nrm_method nrm_train_method;

static double loss_of(const nrm_pass *p)
{
    const void *loss = nrm_instance_output(p->instance, NRM_PASS_LOSS);
    return p->dtype == NRM_F32 ? (double)*(const float *)loss : *(const double *)loss;
}

/* Say where a loss that is not finite began. */
static nrm_status explain_nonfinite(nrm_ctx *ctx, nrm_trainer *t, double loss, int64_t step)
{
    nrm_instance_watch(t->training.instance, true);
    const nrm_status st = nrm_pass_run(ctx, &t->training, t->state.seed, nrm_ranks_stream(&t->ranks, step));
    nrm_instance_watch(t->training.instance, false);
    if (st == NRM_E_NONFINITE) return nrm_fail_prefix(ctx, st, "%s: the loss of step %lld is %g; a smaller lr may help", t->who, NRM_LL(step + 1), loss);
    return nrm_fail(ctx, NRM_E_NONFINITE, "%s: the loss of step %lld is %g; a smaller lr may help", t->who, NRM_LL(step + 1), loss);
}

static void scale_or_add(const nrm_trainer *t, int64_t i, bool add)
{
    nrm_parameter sum;
    nrm_parameters_at(t->summed, i, &sum);
    if (t->dtype == NRM_F32) {
        const nrm_elementwise_f32 *k = nrm_elementwise_f32_for(nrm_cpu_isa());
        if (add) k->accumulate(t->sizes[i], t->gradient[i], sum.array.data);
        else k->binary_vs[NRM_BINARY_mul](t->sizes[i], sum.array.data, 1.0f / (float)t->o.accumulate, t->gradient[i]);
    } else {
        const nrm_elementwise_f64 *k = nrm_elementwise_f64_for(nrm_cpu_isa());
        if (add) k->accumulate(t->sizes[i], t->gradient[i], sum.array.data);
        else k->binary_vs[NRM_BINARY_mul](t->sizes[i], sum.array.data, 1.0 / (double)t->o.accumulate, t->gradient[i]);
    }
}

/* Loss and gradients of step `step`, of this rank's rows. */
static nrm_status gradients(nrm_ctx *ctx, nrm_trainer *t, int64_t step, double *loss)
{
    *loss = 0;
    for (int64_t i = 0; t->summed && i < t->trained; i++) {
        nrm_parameter sum;
        nrm_parameters_at(t->summed, i, &sum);
        memset(sum.array.data, 0, (size_t)t->sizes[i] * nrm_dtype_size(t->dtype));
    }
    for (int64_t k = 0; k < t->o.accumulate; k++) {
        const int64_t number = step * t->o.accumulate + k;
        NRM_TRY(nrm_ranks_batch(ctx, &t->ranks, t->data, t->state.seed, number, &t->training.batch));
        NRM_TRY(nrm_pass_run(ctx, &t->training, t->state.seed, nrm_ranks_stream(&t->ranks, number)));
        const double value = loss_of(&t->training);
        if (!isfinite(value)) return explain_nonfinite(ctx, t, value, number);
        *loss += value / (double)t->o.accumulate;
        for (int64_t i = 0; t->summed && i < t->trained; i++) scale_or_add(t, i, true);
        if (t->training.updates > 0)
            NRM_TRY(nrm_parameters_update(ctx, t->parameters, t->training.graph.nn, t->training.instance, 1 + t->training.trained));
    }
    for (int64_t i = 0; t->summed && i < t->trained; i++) scale_or_add(t, i, false);
    return NRM_OK;
}

static nrm_status one_step(nrm_ctx *ctx, nrm_trainer *t)
{
    const int64_t step = t->state.step;
    const double start = nrm_now(), factor = nrm_schedule_factor(&t->schedule, step);
    double loss, norm = 0;

    NRM_TRY(nrm_comm_agree(ctx, t->ranks.comm, gradients(ctx, t, step, &loss)));
    NRM_TRY(nrm_ranks_mean(ctx, &t->ranks, &loss));
    const double computed = nrm_now();
    const nrm_status st = nrm_optimizer_step_mean(ctx, t->optimizer, t->parameter, t->gradient, t->ranks.weight, factor,
                                                  t->o.clip > 0 ? t->o.clip : INFINITY, &norm);
    if (st < 0) return st == NRM_E_CANCELLED ? st : nrm_fail_prefix(ctx, st, "%s: step %lld", t->who, NRM_LL(step + 1));
    t->state.step++;
    t->optimizer_seconds += nrm_now() - computed;
    t->trained_seconds += nrm_now() - start;
    t->trained_examples += t->o.batch * t->o.accumulate;
    if (t->first_step == 0) t->first_step = nrm_now() - t->began;
    return nrm_comm_agree(ctx, t->ranks.comm, nrm_record_step(ctx, t, loss, factor, norm));
}

/* Validate; true in *enough when patience is at its end. */
static nrm_status validate(nrm_ctx *ctx, nrm_trainer *t, int64_t batches, nrm_measure *m, bool *enough)
{
    NRM_TRY(nrm_ranks_average_buffers(ctx, &t->ranks, t->parameters));
    NRM_TRY(nrm_measure_part(ctx, t->ranks.comm, &t->evaluation, t->data, NRM_VALIDATION, batches, m, NULL));
    NRM_REQUIRE(ctx, isfinite(m->loss), NRM_E_NONFINITE, "%s: the validation loss after step %lld is %g; a smaller lr may help", t->who,
                NRM_LL(t->state.step), m->loss);
    if (m->loss < t->state.best_loss) {
        t->state.best_loss = m->loss;
        t->state.best_step = t->state.step;
        t->state.without_gain = 0;
    } else {
        t->state.without_gain++;
    }
    *enough = t->o.patience > 0 && t->state.without_gain >= t->o.patience;
    return nrm_comm_agree(ctx, t->ranks.comm, nrm_record_validation(ctx, t, m));
}

static nrm_status steps(nrm_ctx *ctx, nrm_trainer *t, nrm_measure *m, bool *early)
{
    const bool text = t->about.kind == NRM_DATASET_TEXT, can_validate = t->about.examples[NRM_VALIDATION] > 0;
    const double each = (double)(t->o.batch * t->o.accumulate * (text ? t->about.shape[0] : 1));
    const int64_t every = t->o.evaluate_every > 0 ? t->o.evaluate_every : nrm_max_i64(t->o.steps / 10, 1);
    const int64_t keep = t->o.checkpoint_every > 0 ? t->o.checkpoint_every : every;

    /* A run that was stopped in a validation begins with it. */
    const bool owed = t->state.step > 0 && t->state.step % every == 0 &&
                      (t->validation_count == 0 || t->validations[3 * (t->validation_count - 1)] != (double)t->state.step);
    if (can_validate && owed) NRM_TRY(validate(ctx, t, t->state.step == t->o.steps ? 0 : t->o.evaluate_batches, m, early));
    while (t->state.step < t->o.steps && !*early) {
        NRM_TRY(one_step(ctx, t));
        const int64_t step = t->state.step;
        if (can_validate && (step % every == 0 || step == t->o.steps))
            NRM_TRY(validate(ctx, t, step == t->o.steps ? 0 : t->o.evaluate_batches, m, early));
        if (t->o.folder && (step % keep == 0 || step == t->o.steps || *early)) NRM_TRY(nrm_checkpoint_save(ctx, t));
        const bool stop = nrm_tick(ctx, text ? "training, tokens" : "training, examples", (double)step * each, (double)t->o.steps * each, "loss", t->losses[step - 1]);
        NRM_TRY(nrm_comm_agree(ctx, t->ranks.comm, stop ? nrm_fail(ctx, NRM_E_CANCELLED, "%s: stopped on request after step %lld", t->who, NRM_LL(step)) : NRM_OK));
    }
    return NRM_OK;
}

/* What is written after a stop on request must not be stopped by the same request. */
static nrm_status save_after_stop(nrm_ctx *ctx, nrm_trainer *t)
{
    nrm_cancel_clear(ctx);
    nrm_status st = nrm_checkpoint_save(ctx, t);
    if (st >= 0) st = nrm_comm_agree(ctx, t->ranks.comm, nrm_record_end(ctx, t));
    nrm_cancel(ctx);
    return st;
}

static void tell(const nrm_trainer *t, const nrm_measure *m, bool early, nrm_train_info *info)
{
    const nrm_program_stats stats = nrm_program_statistics(t->training.program);
    const int64_t tokens = t->about.kind == NRM_DATASET_TEXT ? t->about.shape[0] : 1;
    *info = (nrm_train_info){
        .steps = t->state.step, .loss = t->state.step > 0 ? t->losses[t->state.step - 1] : NAN, .validation_loss = m->count > 0 ? m->loss : NAN,
        .best_loss = t->state.best_loss, .best_step = t->state.best_step, .accuracy = m->accuracy,
        .parameters = nrm_parameters_elements(t->parameters), .flops = stats.flops,
        .rate = t->trained_seconds > 0 ? (double)(t->trained_examples * tokens) / t->trained_seconds : 0,
        .first_step = t->first_step, .optimizer_share = t->trained_seconds > 0 ? t->optimizer_seconds / t->trained_seconds : 0,
        .state_bytes = nrm_optimizer_state_bytes(t->optimizer), .ranks = nrm_comm_size(t->ranks.comm),
        .bytes_sent = nrm_comm_bytes_sent(t->ranks.comm) - t->ranks.sent, .early = early, .seconds = nrm_now() - t->began};
}

static nrm_status open_data(nrm_ctx *ctx, nrm_trainer *t, const nrm_array *x, const nrm_array *y, const nrm_checkpoint *from)
{
    const nrm_dataset_options o = nrm_trainer_dataset_options(&t->o, t->state.seed, from ? from->data : NULL);
    NRM_REQUIRE(ctx, (x != NULL) == (y != NULL), NRM_E_ARGUMENT, "%s: %s is given without %s; both are needed", t->who, x ? "x" : "y", x ? "y" : "x");
    NRM_REQUIRE(ctx, !(x && t->o.data), NRM_E_ARGUMENT, "%s: data and x are both given; give one", t->who);
    if (x) NRM_TRY(nrm_dataset_from_arrays(ctx, &t->data, &o, x, y, NULL, NULL));
    else NRM_TRY(nrm_dataset_open(ctx, &t->data, &o));
    t->about = nrm_dataset_describe(t->data);
    return NRM_OK;
}

/* What a rank does alone before the first step. */
static nrm_status prepare(nrm_ctx *ctx, nrm_trainer *t, const nrm_array *x, const nrm_array *y, const nrm_train_options *options, nrm_checkpoint *from)
{
    NRM_TRY(nrm_options_load(ctx, &nrm_train_method, options, &t->o));
    t->dtype = t->o.precision == NRM_PRECISION_F64 || t->o.optimizer == NRM_TRAIN_LBFGS ? NRM_F64 : NRM_F32;
    if (t->o.resume) {
        NRM_TRY(nrm_checkpoint_open(ctx, t->who, t->o.resume, from));
        t->state.seed = from->state.seed;
    }
    NRM_TRY(open_data(ctx, t, x, y, t->o.resume ? from : NULL));
    return nrm_trainer_setup(ctx, t, from->network);
}

static nrm_status begin(nrm_ctx *ctx, nrm_trainer *t, const nrm_array *x, const nrm_array *y, const nrm_train_options *options, nrm_checkpoint *from)
{
    NRM_TRY(nrm_comm_agree(ctx, t->ranks.comm, prepare(ctx, t, x, y, options, from)));
    const int64_t numbers[] = {(int64_t)t->state.seed, t->o.steps, t->o.batch, t->o.accumulate, t->o.evaluate_every, t->o.evaluate_batches, t->o.checkpoint_every,
                               t->o.patience, t->o.folder != NULL, from->state.step, t->about.examples[NRM_TRAINING], t->about.examples[NRM_VALIDATION]};
    NRM_TRY(nrm_ranks_same(ctx, &t->ranks, t->who, NRM_COUNT(numbers), numbers));
    NRM_TRY(nrm_trainer_optimizer(ctx, t));
    NRM_TRY(nrm_comm_agree(ctx, t->ranks.comm, t->o.resume ? nrm_checkpoint_restore(ctx, t, from) : NRM_OK));
    return nrm_comm_agree(ctx, t->ranks.comm, nrm_record_begin(ctx, t, t->o.resume != NULL));
}

nrm_status nrm_train(nrm_ctx *ctx, const nrm_array *x, const nrm_array *y, const nrm_train_options *options, double *losses,
                     nrm_train_info *info)
{
    nrm_comm *comm = nrm_ctx_comm(ctx);
    nrm_trainer t = {.who = "train", .began = nrm_now(), .state = {.seed = nrm_seed(ctx), .best_loss = INFINITY},
                     .ranks.comm = nrm_comm_size(comm) > 1 ? comm : NULL};
    nrm_checkpoint from = {.run = NULL};
    nrm_measure m = {NAN, -1, 0};
    bool early = false, partial = false;
    nrm_status st;

    NRM_TRY_DONE(begin(ctx, &t, x, y, options, &from));
    st = t.o.optimizer == NRM_TRAIN_LBFGS ? nrm_train_full_batch(ctx, &t) : steps(ctx, &t, &m, &early);
    if (st == NRM_E_CANCELLED || st == NRM_PARTIAL) {
        partial = true;
        if (t.o.folder) NRM_TRY_DONE(save_after_stop(ctx, &t));
    } else if (st >= 0) {
        if (t.o.optimizer == NRM_TRAIN_LBFGS && t.about.examples[NRM_VALIDATION] > 0) NRM_TRY_DONE(validate(ctx, &t, 0, &m, &early));
        NRM_TRY_DONE(nrm_comm_agree(ctx, t.ranks.comm, nrm_record_end(ctx, &t)));
    } else {
        goto done;
    }
    for (int64_t i = 0; losses && i < t.o.steps; i++) losses[i] = i < t.state.step ? t.losses[i] : NAN;
    if (info) tell(&t, &m, early, info);
    st = partial ? nrm_fail(ctx, NRM_PARTIAL, "train: stopped on request after step %lld of %lld%s", NRM_LL(t.state.step), NRM_LL(t.o.steps),
                            t.o.folder ? "; the checkpoint is written" : "") : NRM_OK;
done:
    nrm_trainer_destroy(ctx, &t);
    nrm_checkpoint_close(ctx, &from);
    return st;
}

/* ---- The method ------------------------------------------------------------------------------------ */

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const nrm_train_options *o = options;
    const nrm_array *x = in[0].kind == NRM_VALUE_ARRAY ? &in[0].array : NULL, *y = in[1].kind == NRM_VALUE_ARRAY ? &in[1].array : NULL;
    NRM_TRY(nrm_output_array(ctx, &out[0], NRM_F64, 1, &o->steps));
    return nrm_train(ctx, x, y, o, out[0].wanted ? out[0].array.data : NULL, info);
}

static const nrm_port inputs[] = {
    {.name = "x", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS | NRM_DTYPE_BIT(NRM_U8), .shape = "", .flags = NRM_PORT_OPTIONAL, .unit = "", .since = "0.2",
     .text = "examples in place of data: a table (n, columns) or images (n, rows, columns) or (n, channels, rows, columns)"},
    {.name = "y", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS | NRM_DTYPE_BIT(NRM_I64) | NRM_DTYPE_BIT(NRM_U8), .shape = "", .flags = NRM_PORT_OPTIONAL, .unit = "",
     .since = "0.2", .text = "their targets: classes (n), or values (n) or (n, k)"}};
static const nrm_port outputs[] = {
    {.name = "losses", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "s", .flags = NRM_PORT_ON_REQUEST, .unit = "", .since = "0.2",
     .text = "the loss of every step; NaN for those that were not done"}};
static const nrm_example examples[] = {
    {"A table of four rows, three of them learnt by heart",
     "x=[[0,0],[0,1],[1,0],[1,1]] y=[0,1,1,0] target=class validation=0 batch=4 steps=60 lr=0.05 model='{\"model\":\"mlp\",\"widths\":[16]}'",
     "info.steps=60", 0}};

NRM_DESCRIBE(train, NRM_TRAIN_OPTIONS, NRM_TRAIN_INFO);
const nrm_method nrm_train_method = {
    .name = "train",
    .summary = "a network trained on a text, on images or on a table",
    .details =
        "By the data a GPT-like transformer, a residual convolutional network or a multilayer perceptron is chosen, sized by the model option. Without data it "
        "learns the library's own documentation, or drawn digits.\n\n"
        "Each step takes the gradient of the mean loss of a batch, clipped to a norm, and gives it to the optimizer with the learning rate of the schedule. A part "
        "of the data is kept for validation.\n\n"
        "The folder receives the checkpoint (parameters, optimizer state, configuration, what was learnt from the data), a log with one JSON object a line, "
        "and the curve of the loss. A run that is stopped writes its checkpoint first; resume goes on from it with the same bits as a run without a stop.\n\n"
        "Batches, masks and initial values depend on the seed and the step alone.\n\n"
        "Several ranks of MPI can share a run: each takes some rows of every batch, gradients are averaged, and each keeps the optimizer's state of some "
        "parameters. The losses are those of one process up to rounding, where the network drops nothing and normalises no batch.",
    .paper = "Ilya Loshchilov, Frank Hutter: Decoupled Weight Decay Regularization, 2019, arXiv 1711.05101",
    .domain = "train", .since = "0.2", NRM_DESCRIBED(train), .run = run, .ranks = true};
