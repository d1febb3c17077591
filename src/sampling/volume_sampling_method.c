/* volume_sampling_method.c -- volume-sampling: what is asked for, checked, and its door by name.
 * Contract: norma/volume_sampling.h; the work: volume_sampling.c. */
#include "space_ports.h"
#include "volume_sampling_plan.h"

#define WHO NRM_VOLUME_SAMPLING_WHO

extern const nrm_method nrm_volume_sampling_method;

enum {
    MANY = 5000,   /* functions: from here on a design takes minutes */
    IID_UNIT = 64, /* independent points that a thread draws at once */
    MOST = 1 << 30 /* points: streams go by their numbers */
};

/* Points of the design and of a unit that is drawn on its own. */
static nrm_status size_up(nrm_ctx *ctx, const nrm_volume_sampling_options *o, int64_t m, int64_t *points, int64_t *unit)
{
    const bool volumes = o->scheme == NRM_VOLUME_SAMPLING_REPEATED_VOLUME;
    const bool repeated = volumes || o->scheme == NRM_VOLUME_SAMPLING_REPEATED_DPP;
    const int64_t block = !volumes ? m : o->block_points > 0 ? o->block_points : 2 * m;
    const int64_t n = o->points > 0 ? o->points : o->scheme == NRM_VOLUME_SAMPLING_DPP ? m : volumes ? 2 * block : 4 * m;

    NRM_REQUIRE(ctx, o->block_points == 0 || volumes, NRM_E_ARGUMENT, WHO ": block_points is %lld, which is for repeated-volume alone; leave it out",
                NRM_LL(o->block_points));
    NRM_REQUIRE(ctx, block >= m, NRM_E_RANGE, WHO ": block_points is %lld, but a volume sample of %lld functions has at least %lld points",
                NRM_LL(block), NRM_LL(m), NRM_LL(m));
    NRM_REQUIRE(ctx, n >= m, NRM_E_RANGE, WHO ": points is %lld, but the space has %lld functions; a fit needs at least as many points",
                NRM_LL(n), NRM_LL(m));
    NRM_REQUIRE(ctx, n <= MOST, NRM_E_RANGE, WHO ": %lld points; a design has at most %d", NRM_LL(n), MOST);
    NRM_REQUIRE(ctx, o->scheme != NRM_VOLUME_SAMPLING_DPP || n == m, NRM_E_RANGE,
                WHO ": points is %lld, but a DPP of %lld functions has %lld points; repeated-dpp draws several", NRM_LL(n), NRM_LL(m), NRM_LL(m));
    NRM_REQUIRE(ctx, !repeated || n % block == 0, NRM_E_RANGE, WHO ": points is %lld; blocks of %lld points make %lld or %lld", NRM_LL(n),
                NRM_LL(block), NRM_LL(nrm_max_i64(n / block, 1) * block), NRM_LL((n / block + 1) * block));
    *points = n;
    *unit = repeated ? block : o->scheme == NRM_VOLUME_SAMPLING_IID ? IID_UNIT : n;
    return NRM_OK;
}

static nrm_status check_start(nrm_ctx *ctx, const nrm_volume_plan *p, const nrm_volume_sampling_start *start)
{
    int64_t where;

    if (!start || start->points == 0) return NRM_OK;
    NRM_REQUIRE(ctx, start->points > 0 && start->points <= MOST - p->rule.points, NRM_E_SHAPE, WHO ": start has %lld points; a design has at most %d",
                NRM_LL(start->points), MOST);
    NRM_REQUIRE(ctx, start->dimension == p->dimension, NRM_E_SHAPE, WHO ": start has %lld numbers a point; points of the space have %lld",
                NRM_LL(start->dimension), NRM_LL(p->dimension));
    NRM_REQUIRE(ctx, start->x, NRM_E_NULL, WHO ": start is NULL, but it has %lld points", NRM_LL(start->points));
    NRM_TRY(nrm_space_check_points(ctx, WHO, "start", p->rule.space, start->points, start->x));
    if (!start->weights) return NRM_OK;
    NRM_REQUIRE(ctx, nrm_all_finite_f64(start->weights, start->points, &where), NRM_E_NONFINITE,
                WHO ": start_weights[%lld] is NaN or Inf; every weight must be a finite number", NRM_LL(where));
    for (int64_t i = 0; i < start->points; i++)
        NRM_REQUIRE(ctx, start->weights[i] > 0, NRM_E_RANGE, WHO ": start_weights[%lld] is %g; a weight must be > 0: leave out the point",
                    NRM_LL(i), start->weights[i]);
    return NRM_OK;
}

/* Which random matrix has the DPP of a space as its spectrum. */
static nrm_dpp_line line_of(const nrm_space *space)
{
    nrm_dpp_line line = {0};

    if (!nrm_space_is_line(space)) return line;
    const nrm_coordinate *t = nrm_space_coordinate(space, 0);
    switch (t->family) {
    case NRM_FAMILY_LEGENDRE: line.model = NRM_DPP_JACOBI; break;
    case NRM_FAMILY_CHEBYSHEV: line.model = NRM_DPP_JACOBI, line.a = line.b = -0.5; break;
    case NRM_FAMILY_JACOBI: line.model = NRM_DPP_JACOBI, line.a = t->alpha, line.b = t->beta; break;
    case NRM_FAMILY_HERMITE: line.model = NRM_DPP_HERMITE; break;
    case NRM_FAMILY_LAGUERRE: line.model = NRM_DPP_LAGUERRE, line.a = t->alpha; break;
    case NRM_FAMILY_FOURIER: line.model = nrm_space_size(space) % 2 == 1 ? NRM_DPP_CIRCULAR : NRM_DPP_NO_MODEL; break;
    default: break;
    }
    return line;
}

static nrm_status choose_sampler(nrm_ctx *ctx, const nrm_volume_sampling_options *o, nrm_volume_plan *p)
{
    const nrm_dpp_line line = line_of(p->rule.space);

    p->rule.dpp = o->scheme != NRM_VOLUME_SAMPLING_IID;
    if (!p->rule.dpp || o->sampler == NRM_VOLUME_SAMPLING_CHAIN) return NRM_OK;
    NRM_REQUIRE(ctx, o->sampler == NRM_VOLUME_SAMPLING_AUTO || line.model, NRM_E_ARGUMENT,
                WHO ": sampler is eigenvalues, which is known for one coordinate and all polynomials, or sines and cosines, up to a degree; "
                    "use chain");
    p->rule.line = line;
    if (line.model) p->rule.shift = nrm_space_coordinate(p->rule.space, 0)->shift, p->rule.scale = nrm_space_coordinate(p->rule.space, 0)->scale;
    return NRM_OK;
}

static nrm_status make_plan(nrm_ctx *ctx, const nrm_volume_sampling_options *o, const nrm_volume_sampling_start *start, nrm_volume_plan *p)
{
    const bool independent = o->scheme == NRM_VOLUME_SAMPLING_IID || o->scheme == NRM_VOLUME_SAMPLING_VOLUME;

    p->m = nrm_space_size(p->rule.space), p->dimension = nrm_space_dimension(p->rule.space);
    p->kept = start ? start->points : 0;
    p->delta = o->delta, p->eta = o->eta, p->condition = o->condition, p->greedy = o->greedy;
    p->boost = o->boost, p->max_reject = o->max_reject;
    p->rule.first = p->kept, p->rule.mixture = o->mixture, p->rule.seed = nrm_seed(ctx);
    NRM_REQUIRE(ctx, o->mixture == 0 || independent, NRM_E_ARGUMENT,
                WHO ": mixture is %g, but only iid and volume have independent points to draw from mu; leave it out", o->mixture);
    NRM_TRY(size_up(ctx, o, p->m, &p->rule.points, &p->rule.unit));
    NRM_TRY(choose_sampler(ctx, o, p));
    if (p->m > MANY)
        nrm_warn(ctx, WHO ": the space has %lld functions; G alone takes %.1f GB and a design may take long", NRM_LL(p->m),
                 8e-9 * (double)p->m * (double)p->m);
    return check_start(ctx, p, start);
}

/* Draw in a space that has been made. */
static nrm_status sample(nrm_ctx *ctx, const nrm_volume_sampling_options *o, const nrm_space *space, const nrm_volume_sampling_start *start,
                         nrm_volume_sampling_design *design, nrm_volume_sampling_info *info)
{
    nrm_volume_plan plan = {.rule.space = space};

    NRM_TRY(make_plan(ctx, o, start, &plan));
    return nrm_volume_sampling_run(ctx, &plan, start, design, info);
}

nrm_status nrm_volume_sampling(nrm_ctx *ctx, const nrm_space_input *input, const nrm_volume_sampling_start *start,
                               nrm_volume_sampling_design *design, nrm_volume_sampling_info *info,
                               const nrm_volume_sampling_options *options)
{
    const double begin = nrm_now();
    nrm_volume_sampling_options o;
    nrm_volume_sampling_info found;
    nrm_space *space = NULL;

    NRM_TRY(nrm_options_load(ctx, &nrm_volume_sampling_method, options, &o));
    NRM_REQUIRE(ctx, design, NRM_E_NULL, WHO ": design must not be NULL");
    if (o.dimension == 0 && start && start->points > 0 && !(input && input->features)) o.dimension = start->dimension;
    NRM_TRY(NRM_SPACE_CREATE(ctx, WHO, &o, input, &space));
    const nrm_status st = sample(ctx, &o, space, start, design, &found);
    nrm_space_destroy(ctx, space);
    if (st < 0) return st;
    found.seconds = nrm_now() - begin;
    if (info) *info = found;
    return st;
}

/* ---- Among candidates ---------------------------------------------------------------------------- */

/* The space that the basis spans on the candidates: its values there are the features. */
static nrm_status restrict_to(nrm_ctx *ctx, const nrm_volume_sampling_candidates *c, const nrm_space_input *input,
                              const nrm_volume_sampling_options *o, nrm_space **restricted)
{
    nrm_space_input named = input ? *input : (nrm_space_input){0};
    nrm_space *space = NULL;
    double *values = NULL;
    int64_t area;
    nrm_status st;

    NRM_REQUIRE(ctx, !named.features, NRM_E_ARGUMENT, WHO ": candidates are points for a basis, but there are features; give one of the two");
    named.mu = NULL;
    NRM_TRY(NRM_SPACE_CREATE(ctx, WHO, o, &named, &space));
    const int64_t m = nrm_space_size(space), n = c->points;
    NRM_STOP_IF(nrm_space_dimension(space) != c->dimension, NRM_E_SHAPE, WHO ": candidates have %lld numbers a point; points of the space have %lld",
                NRM_LL(c->dimension), NRM_LL(nrm_space_dimension(space)));
    NRM_STOP_IF(n < m, NRM_E_SHAPE, WHO ": there are %lld candidates, but the space has %lld functions; give at least as many", NRM_LL(n), NRM_LL(m));
    NRM_TRY_DONE(nrm_space_check_points(ctx, WHO, "candidates", space, n, c->x));
    NRM_STOP_IF(!nrm_mul_size(n, m, &area), NRM_E_OVERFLOW, WHO ": %lld candidates for %lld functions are more than memory can address",
                NRM_LL(n), NRM_LL(m));
    NRM_TRY_DONE(NRM_ALLOC(ctx, values, area, WHO));
    nrm_space_evaluate(space, n, c->x, values);
    const nrm_space_input features = {.rows = n, .columns = m, .features = values, .mu = input ? input->mu : NULL};
    st = nrm_space_create(ctx, WHO, &(nrm_space_names){.degree = -1}, &features, restricted);
done:
    nrm_free(ctx, values);
    nrm_space_destroy(ctx, space);
    return st;
}

nrm_status nrm_volume_sampling_among(nrm_ctx *ctx, const nrm_volume_sampling_candidates *candidates, const nrm_space_input *input,
                                     const nrm_volume_sampling_start *start, nrm_volume_sampling_design *design,
                                     nrm_volume_sampling_info *info, const nrm_volume_sampling_options *options)
{
    const double begin = nrm_now();
    nrm_volume_sampling_design made = {0};
    nrm_volume_sampling_options o;
    nrm_volume_sampling_info found;
    nrm_space *space = NULL;
    double *x = NULL;
    nrm_status st;

    NRM_TRY(nrm_options_load(ctx, &nrm_volume_sampling_method, options, &o));
    NRM_REQUIRE(ctx, design && candidates && candidates->x, NRM_E_NULL, WHO ": design and candidates must not be NULL");
    if (o.dimension == 0) o.dimension = candidates->dimension;
    NRM_TRY(restrict_to(ctx, candidates, input, &o, &space));
    NRM_TRY_DONE(sample(ctx, &o, space, start, &made, &found));
    const nrm_status remark = st;
    const int64_t d = candidates->dimension;
    NRM_TRY_DONE(NRM_ALLOC(ctx, x, made.points * d, WHO));
    for (int64_t i = 0; i < made.points; i++) memcpy(x + i * d, candidates->x + made.index[i] * d, (size_t)d * sizeof *x);
    nrm_free(ctx, made.x);
    made.x = x, made.dimension = found.dimension = d;
    found.seconds = nrm_now() - begin;
    *design = made;
    if (info) *info = found;
    st = remark;
done:
    if (st < 0) nrm_volume_sampling_design_destroy(ctx, &made);
    nrm_space_destroy(ctx, space);
    return st;
}

/* ---- The method -------------------------------------------------------------------------------- */

static void copy_out(nrm_value *out, const void *from)
{
    if (out->wanted) memcpy(out->array.data, from, (size_t)nrm_array_count(&out->array) * nrm_dtype_size(out->array.dtype));
}

static nrm_status hand_over(nrm_ctx *ctx, const nrm_volume_sampling_design *d, nrm_value *out)
{
    enum { X, WEIGHTS, INDEX, BLOCK, PHI, GRAM };
    const int64_t points[2] = {d->points, d->dimension}, phi[2] = {d->points, d->m}, gram[2] = {d->m, d->m};

    NRM_REQUIRE(ctx, d->index || !out[INDEX].wanted, NRM_E_ARGUMENT, WHO ": index is wanted, but only features and candidates have numbers; take x");
    NRM_TRY(nrm_output_array(ctx, &out[X], NRM_F64, d->dimension == 1 ? 1 : 2, points));
    NRM_TRY(nrm_output_array(ctx, &out[WEIGHTS], NRM_F64, 1, points));
    NRM_TRY(nrm_output_array(ctx, &out[INDEX], NRM_I64, 1, points));
    NRM_TRY(nrm_output_array(ctx, &out[BLOCK], NRM_I64, 1, points));
    NRM_TRY(nrm_output_array(ctx, &out[PHI], NRM_F64, 2, phi));
    NRM_TRY(nrm_output_array(ctx, &out[GRAM], NRM_F64, 2, gram));
    copy_out(&out[X], d->x);
    copy_out(&out[WEIGHTS], d->weights);
    copy_out(&out[INDEX], d->index);
    copy_out(&out[BLOCK], d->block);
    copy_out(&out[PHI], d->phi);
    copy_out(&out[GRAM], d->gram);
    return NRM_OK;
}

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    enum { NRM_SPACE_PLACES, CANDIDATES, START, START_WEIGHTS };
    const nrm_space_input input = nrm_space_input_of(&in[FEATURES], &in[MU], &in[INDICES]);
    const bool starts = in[START].kind == NRM_VALUE_ARRAY;
    nrm_volume_sampling_start start = {0};
    nrm_volume_sampling_design design = {0};

    NRM_REQUIRE(ctx, starts || in[START_WEIGHTS].kind == NRM_VALUE_NONE, NRM_E_ARGUMENT,
                WHO ": start_weights is given without start; give the points that have these weights");
    if (starts) start.points = in[START].array.shape[0], start.dimension = nrm_columns(&in[START].array), start.x = in[START].array.data;
    if (in[START_WEIGHTS].kind == NRM_VALUE_ARRAY) start.weights = in[START_WEIGHTS].array.data;
    nrm_status st;
    if (in[CANDIDATES].kind == NRM_VALUE_ARRAY) {
        const nrm_array *a = &in[CANDIDATES].array;
        const nrm_volume_sampling_candidates candidates = {a->shape[0], nrm_columns(a), a->data};
        st = nrm_volume_sampling_among(ctx, &candidates, &input, &start, &design, info, options);
    } else {
        st = nrm_volume_sampling(ctx, &input, &start, &design, info, options);
    }
    if (st < 0) return st;
    const nrm_status handed = hand_over(ctx, &design, out);
    if (handed < 0) st = handed;
    nrm_volume_sampling_design_destroy(ctx, &design);
    return st;
}

static const nrm_port inputs[] = {
    NRM_SPACE_PORTS,
    {.name = "candidates", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "p|p,d", .flags = NRM_PORT_OPTIONAL,
     .unit = "", .since = "0.2", .text = "points of the domain among which those of the design are chosen; start holds their numbers then"},
    {.name = "start", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "s|s,f", .flags = NRM_PORT_OPTIONAL, .unit = "",
     .since = "0.2", .text = "points evaluated already: they stay, first and in their order, and points are added"},
    {.name = "start_weights", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "s", .flags = NRM_PORT_OPTIONAL,
     .unit = "", .since = "0.2", .text = "their weights; left out: m / k as for new points"}};
static const nrm_port outputs[] = {
    {.name = "x", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "n|n,d", .unit = "", .since = "0.2",
     .text = "the points, a number or a row of numbers each; of features row numbers"},
    {.name = "weights", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "n", .unit = "", .since = "0.2",
     .text = "w at the points"},
    {.name = "index", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_I64), .shape = "n", .flags = NRM_PORT_ON_REQUEST, .unit = "",
     .since = "0.2", .text = "of features and candidates: the row numbers as integers"},
    {.name = "block", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_I64), .shape = "n", .flags = NRM_PORT_ON_REQUEST, .unit = "",
     .since = "0.2", .text = "number of the independent block that a point was drawn in, -1: given as start"},
    {.name = "phi", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "n,m", .flags = NRM_PORT_ON_REQUEST, .unit = "",
     .since = "0.2", .text = "the orthonormal basis at the points"},
    {.name = "gram", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "m,m", .flags = NRM_PORT_ON_REQUEST, .unit = "",
     .since = "0.2", .text = "G"}};
static const nrm_example examples[] = {
    {"One constant: every point has the weight 1 and G is 1", "basis=legendre degree=0 points=3", "weights=[1,1,1] info.lambda_min=1 info.stable=1", 1e-12},
    {"As many rows as functions: a DPP takes all of them", "features=[[1,0],[1,2]] scheme=dpp", "weights=[1,1] info.points=2 info.lambda_min=1", 1e-12},
    {"What theory wants of independent points", "basis=legendre degree=9 points=500 scheme=iid", "info.points_wanted=451 info.probability_bound=0.9953399793",
     1e-9}};

NRM_DESCRIBE(volume_sampling, NRM_VOLUME_SAMPLING_OPTIONS, NRM_VOLUME_SAMPLING_INFO);
const nrm_method nrm_volume_sampling_method = {
    .name = WHO,
    .summary = "points at which a few measurements give a near-best, stable least-squares fit: determinantal and optimal sampling",
    .details =
        "Draws the points at which to evaluate a function that is to be fitted in a space of m functions, such as polynomials up to a "
        "degree, by weighted least squares. The points repel each other (determinantal point processes), so that a few times m of them "
        "are enough where independent ones take m log m. They are drawn first, evaluated by whatever means, and fitted later by "
        "weighted-least-squares with the same space and the weights given here.\n\n"
        "repeated-dpp draws blocks of m points, each a determinantal process; volume one block and independent points; iid independent "
        "points alone; dpp the one block whose fit interpolates. condition draws again until the smallest eigenvalue of the Gram matrix is at least "
        "1 - delta, boost takes the best of several designs, greedy leaves out points that are not needed. start adds points to a design: "
        "what was measured there stays of use.\n\n"
        "lambda_min proves the design: the fit's squared error is at most e^2 + |f - v|_n^2 / lambda_min, v being the best function of the "
        "space and e its error. Polynomials in one coordinate are drawn as eigenvalues of random matrices, without rejection; "
        "all others by an exact chain rule. Features are held in memory.",
    .paper = "A. Nouy, B. Michel, Weighted least-squares approximation with determinantal point processes and generalized volume "
             "sampling, 2023, arXiv 2312.14057",
    .paper_number = 22,
    .domain = "sampling",
    .since = "0.2",
    NRM_DESCRIBED(volume_sampling),
    .run = run};
