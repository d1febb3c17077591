/* private_sparse_regression.c -- the method by name: three roles behind one descriptor.
 * Contract: norma/private_sparse_regression.h; the halves: client.c, server.c, estimate.c; both on
 * a table: simulate.c. */
#include "linalg/linalg.h"
#include "method/descriptor.h"
#include "roles.h"
#include <norma/comm.h>

enum { X, Y, RECEIVED, THETA, PUBLIC_X, TRUTH };
enum { REPORTS, COEFFICIENTS, RAW, NEXT_THETA };

typedef nrm_private_sparse_regression_info report;
typedef nrm_private_sparse_regression_options choices;

static nrm_status need(nrm_ctx *ctx, const nrm_value *in, const char *role)
{
    NRM_REQUIRE(ctx, in[X].rows && in[Y].rows, NRM_E_ARGUMENT, NRM_PRIVATE ": input %s is missing; role %s needs records, x and y",
                in[X].rows ? "y" : "x", role);
    return NRM_OK;
}

static double distance(const double *a, const double *b, int64_t d)
{
    double sum = 0;
    for (int64_t j = 0; j < d; j++) sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sqrt(sum);
}

static nrm_status compare(nrm_ctx *ctx, const nrm_value *truth, const nrm_value *theta, const double *raw, report *info)
{
    const int64_t d = theta->array.shape[0];
    if (truth->kind == NRM_VALUE_NONE) return NRM_OK;
    NRM_REQUIRE(ctx, truth->array.shape[0] == d, NRM_E_SHAPE, NRM_PRIVATE ": truth has %lld numbers and theta %lld", NRM_LL(truth->array.shape[0]),
                NRM_LL(d));
    info->error = distance(theta->array.data, truth->array.data, d);
    info->raw_error = distance(raw, truth->array.data, d);
    return NRM_OK;
}

static nrm_status run_client(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const choices *o, report *info)
{
    int64_t shape[2];

    NRM_TRY(need(ctx, in, "client"));
    NRM_TRY(nrm_row_pass_count(ctx, NRM_PRIVATE, "x", "give a file or an array", in[X].rows, &shape[0], NULL));
    shape[1] = nrm_private_message_bytes(o->mode, nrm_rows_cols(in[X].rows));
    NRM_REQUIRE(ctx, shape[1] > 0, NRM_E_SHAPE, NRM_PRIVATE ": x has %lld columns; it must have 1 to %d", NRM_LL(nrm_rows_cols(in[X].rows)),
                NRM_PRIVATE_D_MOST);
    out[REPORTS].wanted = true; /* they are all a client makes */
    NRM_TRY(nrm_output_array(ctx, &out[REPORTS], NRM_U8, 2, shape));
    const double *theta = in[THETA].kind == NRM_VALUE_NONE ? NULL : in[THETA].array.data;
    return nrm_private_client_rows(ctx, in[X].rows, in[Y].rows, theta, shape[0], out[REPORTS].array.data, info, o);
}

/* The three outputs of d numbers; *raw is one of them or memory of its own (*held). */
static nrm_status make_outputs(nrm_ctx *ctx, nrm_value *out, int64_t d, double **raw, double **held)
{
    out[COEFFICIENTS].wanted = true;
    NRM_TRY(nrm_output_array(ctx, &out[COEFFICIENTS], NRM_F64, 1, &d));
    NRM_TRY(nrm_output_array(ctx, &out[RAW], NRM_F64, 1, &d));
    if (!out[RAW].wanted) NRM_TRY(NRM_ALLOC(ctx, *held, d, NRM_PRIVATE));
    *raw = out[RAW].wanted ? out[RAW].array.data : *held;
    return NRM_OK;
}

static nrm_status run_server(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const choices *o, report *info)
{
    nrm_private_server *s;
    double *raw = NULL, *held = NULL;
    nrm_status st;

    NRM_TRY(nrm_private_server_rows(ctx, in[RECEIVED].rows, o, &s));
    const int64_t d = s->plan.d;
    NRM_TRY_DONE(make_outputs(ctx, out, d, &raw, &held));
    NRM_TRY_DONE(nrm_output_array(ctx, &out[NEXT_THETA], NRM_F64, 1, &d));
    NRM_TRY_DONE(nrm_private_server_estimate(ctx, s, in[PUBLIC_X].rows, out[COEFFICIENTS].array.data, raw, info));
    if (out[NEXT_THETA].wanted) memcpy(out[NEXT_THETA].array.data, s->theta, (size_t)d * sizeof(double));
    st = compare(ctx, &in[TRUTH], &out[COEFFICIENTS], raw, info);
done:
    nrm_free(ctx, held);
    nrm_private_server_destroy(ctx, s);
    return st;
}

static nrm_status run_simulation(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const choices *o, report *info)
{
    double *raw = NULL, *held = NULL;

    NRM_TRY(need(ctx, in, "simulate"));
    const nrm_status made = make_outputs(ctx, out, nrm_rows_cols(in[X].rows), &raw, &held);
    nrm_status st = nrm_comm_agree(ctx, nrm_ctx_comm(ctx), made);
    if (st >= 0) st = nrm_private_sparse_regression(ctx, in[X].rows, in[Y].rows, in[PUBLIC_X].rows, out[COEFFICIENTS].array.data, raw, info, o);
    if (st >= 0) st = compare(ctx, &in[TRUTH], &out[COEFFICIENTS], raw, info);
    nrm_free(ctx, held);
    return st;
}

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const double start = nrm_now();
    const choices *o = options;
    const nrm_status st = o->role == NRM_PRIVATE_CLIENT   ? run_client(ctx, in, out, o, info)
                          : o->role == NRM_PRIVATE_SERVER ? run_server(ctx, in, out, o, info)
                                                          : run_simulation(ctx, in, out, o, info);
    if (st >= 0) ((report *)info)->seconds = nrm_now() - start;
    return st;
}

#define ROWS(name_, shape_, text_)                                                                                            \
    {.name = name_, .accepts = NRM_ACCEPT_ROWS, .dtypes = NRM_FLOATS, .shape = shape_, .flags = NRM_PORT_OPTIONAL | NRM_PORT_NAN_OK, \
     .unit = "", .since = "0.2", .text = text_}
#define VECTOR(name_, flags_, text_)                                                                                          \
    {.name = name_, .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "d", .flags = flags_, .unit = "y/x",      \
     .since = "0.2", .text = text_}

static const nrm_port inputs[] = {
    ROWS("x", "n,d", "client, simulate: a row for each person; a stream of any length"),
    ROWS("y", "n|n,1", "client, simulate: what is to be explained, a number for each person"),
    {.name = "received", .accepts = NRM_ACCEPT_ROWS, .dtypes = NRM_DTYPE_BIT(NRM_U8), .shape = "m,w", .flags = NRM_PORT_OPTIONAL, .unit = "",
     .since = "0.2", .text = "server: the reports of clients, a row of bytes each, in any order"},
    VECTOR("theta", NRM_PORT_OPTIONAL, "client, iht: what the server sent for this round; zeros in the first"),
    ROWS("public_x", "p,d", "nldp-public: rows of x that need no protection, without y"),
    VECTOR("truth", NRM_PORT_OPTIONAL, "to compare with: the error goes into the report")};
static const nrm_port outputs[] = {
    {.name = "reports", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_U8), .shape = "n,w", .flags = NRM_PORT_OPTIONAL, .unit = "",
     .since = "0.2", .text = "client: one message a row, which may be shown to anybody"},
    VECTOR("coefficients", NRM_PORT_OPTIONAL, "server, simulate: the estimate of theta"),
    VECTOR("raw", NRM_PORT_ON_REQUEST, "server, simulate: the same before the threshold"),
    VECTOR("next_theta", NRM_PORT_ON_REQUEST, "server, iht: what the users of the next round need")};
static const nrm_example examples[] = {
    {"Noise that vanishes: least squares, soft threshold",
     "x=[[1,1],[1,-1],[-1,1],[-1,-1]] y=[0.9,0.7,-0.7,-0.9] eps=1e7 delta=0.5 r=1.5 tau2=1 threshold=0.05", "coefficients=[0.75,0.05]", 0.02},
    {"Two messages, of which nobody learns much", "role=client mode=isotropic x=[[1,-1],[0.5,2]] y=[1,0] tau2=2 r=2",
     "info.messages=2 info.message_bytes=40 info.clipped=1", 1e-12}};

NRM_DESCRIBE(private_sparse_regression, NRM_PRIVATE_SPARSE_REGRESSION_OPTIONS, NRM_PRIVATE_SPARSE_REGRESSION_INFO);
const nrm_method nrm_private_sparse_regression_method = {
    .name = NRM_PRIVATE,
    .summary = "sparse regression under local differential privacy: each person sends one randomised message",
    .details =
        "Nobody hands over a record. A client turns (x, y) into a message whose law differs by at most a factor e^eps, up to a chance "
        "delta, between any two records; the server estimates the coefficients from the messages of many.\n\n"
        "nldp sends x x' and x y with noise and takes very many people when there are many columns; nldp-public sends x y alone and "
        "takes the covariance from public rows; isotropic knows it to be the identity; iht goes in rounds, each person taking part in "
        "one, and is the most accurate. All parameters must be public: never tune them on the records.\n\n"
        "epsilon and delta are guaranteed for each message against everybody, the server included, also in floating point: noise is "
        "drawn exactly, on a grid, and the sign of an iht message by comparing whole numbers. secure tells whether the bits behind it "
        "are secret: they come from the operating system unless a seed was chosen. A simulation protects nobody.\n\n"
        "What to rely on: sums of messages are exact, so their order, merging, threads and ranks change nothing; a damaged message, one of "
        "other parameters or of another round is refused. not_pd says that so many people are too few for nldp.",
    .paper = "L. Zhu, M. Ding, V. Aggarwal, J. Xu, D. Wang, Improved Analysis of Sparse Linear Regression in Local Differential Privacy "
             "Model, ICLR 2024, arXiv 2310.07367",
    .paper_number = 20,
    .domain = "private",
    .since = "0.2",
    NRM_DESCRIBED(private_sparse_regression),
    .run = run,
    .ranks = true};
