/* optimizer_step.c -- the method `optimizer-step`.  Contract: norma/optimizer_step.h.
 *
 *     (W', S') = optimizer(W, G, S)
 *
 * The mathematics is the optimizer's.  Here its options are found among the texts of the call,
 * its state is read and written by the names the driver gives it, and the change is measured. */
#include <norma/optim_distributed.h>
#include <norma/optimizer_step.h>
#include "data/data.h"
#include "linalg/linalg.h"
#include "optim.h"
#include <inttypes.h>
#include <stdio.h>

extern const nrm_method nrm_optimizer_step_method;

/* ---- Options ---------------------------------------------------------------------------------- */

/* An optimizer's own seed is that of the call. */
static nrm_status seed_option(nrm_ctx *ctx, nrm_optimizer_kind kind, nrm_optimizer_options *out)
{
    char text[24];
    int count;
    const nrm_param *params = nrm_optimizer_params(kind, &count);

    snprintf(text, sizeof text, "%" PRIu64, nrm_seed(ctx));
    for (int i = 0; i < count; i++)
        if (strcmp(params[i].name, "seed") == 0) return nrm_optimizer_options_set(ctx, kind, out, "seed", text);
    return NRM_OK;
}

static nrm_status optimizer_options(nrm_ctx *ctx, const nrm_optimizer_step_options *o, nrm_optimizer_options *out)
{
    const nrm_optimizer_kind kind = (nrm_optimizer_kind)o->optimizer;

    NRM_TRY(nrm_optimizer_options_init(ctx, kind, out));
    for (int i = 0; i < nrm_optimizer_step_method.param_count; i++) {
        const nrm_param *p = &nrm_optimizer_step_method.params[i];
        if (p->kind != NRM_KIND_TEXT || strcmp(p->content, "value") != 0) continue;
        const char *text = nrm_option_text(p, o);
        if (text) NRM_TRY(nrm_optimizer_options_set(ctx, kind, out, p->name, text));
    }
    return seed_option(ctx, kind, out);
}

/* "64,64,64" to heights, of which the driver checks the sum. */
static nrm_status read_split(nrm_ctx *ctx, const char *text, int64_t **heights, int *count)
{
    int64_t n = 1;

    for (const char *c = text; *c; c++) n += *c == ',';
    NRM_REQUIRE(ctx, n <= INT32_MAX, NRM_E_OVERFLOW, "split has %lld heights; there may be %d", NRM_LL(n), INT32_MAX);
    NRM_TRY(NRM_ALLOC(ctx, *heights, n, "the row blocks of a step"));
    for (int64_t i = 0; i < n; i++) {
        const size_t length = strcspn(text, ",");
        NRM_REQUIRE(ctx, nrm_parse_i64(text, text + length, &(*heights)[i]), NRM_E_ARGUMENT,
                    "split has '%.*s'; it must be heights of row blocks with commas between, such as 64,64,64",
                    (int)nrm_min_i64((int64_t)length, 40), text);
        text += length + (text[length] == ',');
    }
    *count = (int)n;
    return NRM_OK;
}

static nrm_status make(nrm_ctx *ctx, const nrm_optimizer_step_options *o, const nrm_array *weights, nrm_optimizer **optimizer)
{
    nrm_optimizer_options options;
    nrm_optimizer_tensor tensor = {.name = o->name, .dtype = weights->dtype, .ndim = weights->ndim, .shape = weights->shape};
    int64_t *heights = NULL;

    NRM_TRY(optimizer_options(ctx, o, &options));
    nrm_status st = o->split ? read_split(ctx, o->split, &heights, &tensor.split_count) : NRM_OK;
    tensor.split = heights;
    if (st >= 0)
        st = nrm_optimizer_create(ctx, optimizer, 1, &(nrm_optimizer_group){(nrm_optimizer_kind)o->optimizer, &options}, 1, &tensor);
    nrm_free(ctx, heights);
    return st;
}

/* ---- State -------------------------------------------------------------------------------------- */

static nrm_status read_state(nrm_ctx *ctx, nrm_optimizer *optimizer, const char *path)
{
    nrm_loaded file;
    nrm_status st = nrm_load(ctx, path, &file);

    if (st < 0) return nrm_fail_prefix(ctx, st, "state");
    st = file.kind == NRM_LOADED_BUNDLE
             ? nrm_optimizer_load_state(ctx, optimizer, &file.bundle)
             : nrm_fail(ctx, NRM_E_FORMAT, "it is %s; a state is a safetensors or npz file of an earlier step", file.format);
    nrm_loaded_destroy(ctx, &file);
    return st < 0 ? nrm_fail_prefix(ctx, st, "state: %s", path) : NRM_OK;
}

static nrm_status write_state(nrm_ctx *ctx, nrm_optimizer *optimizer, const char *path)
{
    nrm_bundle bundle;
    NRM_TRY(nrm_optimizer_gather_state(ctx, optimizer, 0, &bundle));
    const nrm_status st = nrm_save_bundle(ctx, path, &bundle);
    nrm_bundle_destroy(ctx, &bundle);
    return st < 0 ? nrm_fail_prefix(ctx, st, "state_out") : NRM_OK;
}

/* ---- The step ------------------------------------------------------------------------------------- */

static nrm_status check_arrays(nrm_ctx *ctx, const nrm_array *w, const nrm_array *g)
{
    char first[NRM_SHAPE_LENGTH], second[NRM_SHAPE_LENGTH];
    int64_t i = 0;

    NRM_REQUIRE(ctx, w && g, NRM_E_NULL, "optimizer-step: weights and gradient must not be NULL");
    NRM_REQUIRE(ctx, w->dtype == NRM_F32 || w->dtype == NRM_F64, NRM_E_DTYPE,
                "optimizer-step: weights hold %s; they must hold f32 or f64", nrm_dtype_name(w->dtype));
    NRM_REQUIRE(ctx, g->dtype == w->dtype, NRM_E_DTYPE, "optimizer-step: weights hold %s and gradient %s; give both the same type",
                nrm_dtype_name(w->dtype), nrm_dtype_name(g->dtype));
    NRM_REQUIRE(ctx, g->ndim == w->ndim && memcmp(g->shape, w->shape, (size_t)w->ndim * sizeof *w->shape) == 0, NRM_E_SHAPE,
                "optimizer-step: weights have shape %s and gradient %s; they must agree",
                nrm_shape_text(first, w->ndim, w->shape), nrm_shape_text(second, g->ndim, g->shape));
    const int64_t n = nrm_array_count(w);
    NRM_REQUIRE(ctx, n == 0 || (w->data && g->data), NRM_E_NULL, "optimizer-step: weights and gradient must have data");
    const bool finite = w->dtype == NRM_F32 ? nrm_all_finite_f32(w->data, n, &i) : nrm_all_finite_f64(w->data, n, &i);
    NRM_REQUIRE(ctx, finite, NRM_E_NONFINITE, "optimizer-step: element %lld of weights is not finite; all must be", NRM_LL(i));
    return NRM_OK;
}

/* The change, in f64. */
static void measure(const nrm_array *before, const nrm_array *after, double *change, nrm_optimizer_step_info *info)
{
    const int64_t n = nrm_array_count(before);

    for (int64_t i = 0; i < n; i++)
        change[i] = nrm_real_get(after->dtype, after->data, i) - nrm_real_get(before->dtype, before->data, i);
    info->update_norm = nrm_norm2(change, n);
    info->update_rms = n > 0 ? info->update_norm / sqrt((double)n) : 0;
}

static nrm_status take(nrm_ctx *ctx, const nrm_optimizer_step_options *o, const nrm_array *gradient, nrm_array *weights,
                       nrm_optimizer_step_info *info)
{
    nrm_optimizer *optimizer = NULL;
    nrm_status st;

    NRM_TRY(make(ctx, o, weights, &optimizer));
    if (o->state) NRM_TRY_DONE(read_state(ctx, optimizer, o->state));
    NRM_TRY_DONE(nrm_optimizer_step(ctx, optimizer, &weights->data, (const void *const[]){gradient->data}, 1.0));
    info->step = nrm_optimizer_steps(optimizer);
    info->state_bytes = nrm_optimizer_state_bytes(optimizer);
    st = o->state_out ? write_state(ctx, optimizer, o->state_out) : NRM_OK;
done:
    nrm_optimizer_destroy(ctx, optimizer);
    return st;
}

nrm_status nrm_optimizer_step_once(nrm_ctx *ctx, const nrm_array *weights, const nrm_array *gradient,
                                   const nrm_optimizer_step_options *options, void *weights_out, nrm_optimizer_step_info *info)
{
    nrm_optimizer_step_options o;
    nrm_optimizer_step_info told = {0};
    nrm_array next = {0};
    double *change = NULL;
    nrm_status st;

    NRM_TRY(nrm_options_load(ctx, &nrm_optimizer_step_method, options, &o));
    NRM_TRY(check_arrays(ctx, weights, gradient));
    NRM_TRY_DONE(nrm_array_convert(ctx, &next, weights->dtype, weights));
    NRM_TRY_DONE(NRM_ALLOC(ctx, change, nrm_array_count(weights), "the change of a step"));
    st = take(ctx, &o, gradient, &next, &told);
    if (st < 0) {
        st = nrm_fail_prefix(ctx, st, "optimizer-step");
        goto done;
    }
    measure(weights, &next, change, &told);
    if (weights_out && nrm_array_count(&next) > 0)
        memcpy(weights_out, next.data, (size_t)nrm_array_count(&next) * nrm_dtype_size(next.dtype));
    if (info) *info = told;
done:
    nrm_array_destroy(ctx, &next);
    nrm_free(ctx, change);
    return st;
}

/* ---- The method ------------------------------------------------------------------------------------- */

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const nrm_array *w = &in[0].array;
    NRM_TRY(nrm_output_array(ctx, &out[0], w->dtype, w->ndim, w->shape));
    return nrm_optimizer_step_once(ctx, w, &in[1].array, options, out[0].wanted ? out[0].array.data : NULL, info);
}

static const nrm_port inputs[] = {
    {.name = "weights", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "", .unit = "", .since = "0.2",
     .text = "W: what is trained, a matrix where the optimizer works on matrices"},
    {.name = "gradient", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "", .unit = "", .since = "0.2",
     .text = "G: of the loss, with the shape of the weights"}};
static const nrm_port outputs[] = {
    {.name = "weights_out", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "", .unit = "", .since = "0.2",
     .text = "W after the step"}};
static const nrm_example examples[] = {
    {"Muon: the singular values 3 and 4 of the gradient become 0.7229 and 1.1192",
     "weights=[[1,0],[0,1]] gradient=[[3,0],[0,4]] optimizer=muon lr=0.1", "weights_out=[[0.9277124,0],[0,0.8880796]] info.step=1", 1e-6},
    {"Plain gradient descent on a vector", "weights=[1,2] gradient=[0.5,-1] optimizer=sgd lr=0.1", "weights_out=[0.95,2.1] info.step=1", 1e-15}};

/* The names of a kind's options. */
#define OPTION_NAME(kind, name, ...) " " #name

NRM_DESCRIBE(optimizer_step, NRM_OPTIMIZER_STEP_OPTIONS, NRM_OPTIMIZER_STEP_INFO);
const nrm_method nrm_optimizer_step_method = {
    .name = "optimizer-step",
    .summary = "one step of a training optimizer on arrays",
    .details =
        "Takes weights, the gradient and the state that the last step left, and gives the weights and the state after the step: the way to check an "
        "optimizer's numbers. Without a state it is the first step, from zeros.\n\n"
        "The state is arrays by name: optimizer.step, and OPTIMIZER.ARRAY:NAME for each array of the optimizer. The checkpoint of a training run is such a "
        "file, where name is the parameter's. Types follow the weights; the bits do not depend on the number of threads.\n\n"
        "An option that is left out has the optimizer's own default, and one that the optimizer does not have is refused. "
        "They are, with true and false for what is on or off, and seed being that of the call:\n\n"
        "sgd:" NRM_SGD_OPTIONS(OPTION_NAME) "\n\n"
        "adamw:" NRM_ADAMW_OPTIONS(OPTION_NAME) "\n\n"
        "muon:" NRM_MUON_OPTIONS(OPTION_NAME) "\n\n"
        "normuon:" NRM_NORMUON_OPTIONS(OPTION_NAME) "\n\n"
        "root:" NRM_ROOT_OPTIONS(OPTION_NAME) "\n\n"
        "auon:" NRM_AUON_OPTIONS(OPTION_NAME) "\n\n"
        "hybrid-auon:" NRM_HYBRID_AUON_OPTIONS(OPTION_NAME) "\n\n"
        "lion:" NRM_LION_OPTIONS(OPTION_NAME) "\n\n"
        "dct-adamw:" NRM_DCT_ADAMW_OPTIONS(OPTION_NAME) "\n\n"
        "trion:" NRM_TRION_OPTIONS(OPTION_NAME) "\n\n"
        "galore:" NRM_GALORE_OPTIONS(OPTION_NAME) "\n\n"
        "ldadam:" NRM_LDADAM_OPTIONS(OPTION_NAME) "\n\n"
        "frugal:" NRM_FRUGAL_OPTIONS(OPTION_NAME) "\n\n"
        "fira:" NRM_FIRA_OPTIONS(OPTION_NAME) "\n\n"
        "dion:" NRM_DION_OPTIONS(OPTION_NAME),
    .paper = "Zichong Li, Liming Liu, Chen Liang, Weizhu Chen, Tuo Zhao: NorMuon: Making Muon more efficient and scalable, 2025, arXiv 2510.05491",
    .paper_number = 18, .domain = "optim", .since = "0.2", NRM_DESCRIBED(optimizer_step), .run = run};
