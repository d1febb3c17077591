/* volume_sampling_method.c -- volume-sampling: what is asked for, checked, and its door by name.
 * Contract: norma/volume_sampling.h; the work: volume_sampling.c. */
#include "method/descriptor.h"
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
    const int64_t block = !volumes ? m : o->block > 0 ? o->block : 2 * m;
    const int64_t n = o->points > 0 ? o->points : o->scheme == NRM_VOLUME_SAMPLING_DPP ? m : volumes ? 2 * block : 4 * m;

    NRM_REQUIRE(ctx, o->block == 0 || volumes, NRM_E_ARGUMENT, WHO ": block is %lld, which is for repeated-volume alone; leave it out",
                NRM_LL(o->block));
    NRM_REQUIRE(ctx, block >= m, NRM_E_RANGE, WHO ": block is %lld, but a volume sample of %lld functions has at least %lld points",
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
    NRM_REQUIRE(ctx, start->x, NRM_E_NULL, WHO ": start is NULL, but it has %lld points", NRM_LL(start->points));
    NRM_TRY(nrm_space_check_points(ctx, WHO, "start", p->space, start->points, start->x));
    if (!start->weights) return NRM_OK;
    NRM_REQUIRE(ctx, nrm_all_finite_f64(start->weights, start->points, &where), NRM_E_NONFINITE,
                WHO ": start_weights[%lld] is NaN or Inf; every weight must be a finite number", NRM_LL(where));
    for (int64_t i = 0; i < start->points; i++)
        NRM_REQUIRE(ctx, start->weights[i] > 0, NRM_E_RANGE, WHO ": start_weights[%lld] is %g; a weight must be > 0: leave out the point",
                    NRM_LL(i), start->weights[i]);
    return NRM_OK;
}

static nrm_status choose_sampler(nrm_ctx *ctx, const nrm_volume_sampling_options *o, nrm_volume_plan *p)
{
    const nrm_dpp_line line = nrm_dpp_line_of(p->space);

    p->rule.dpp = o->scheme != NRM_VOLUME_SAMPLING_IID;
    if (!p->rule.dpp || o->sampler == NRM_VOLUME_SAMPLING_CHAIN) return NRM_OK;
    NRM_REQUIRE(ctx, o->sampler == NRM_VOLUME_SAMPLING_AUTO || line.model, NRM_E_ARGUMENT,
                WHO ": sampler is eigenvalues, which is known for one variable and all polynomials, or sines and cosines, below a degree; "
                    "use chain");
    p->rule.line = line;
    return NRM_OK;
}

static nrm_status make_plan(nrm_ctx *ctx, const nrm_volume_sampling_options *o, const nrm_volume_sampling_start *start, nrm_volume_plan *p)
{
    const bool independent = o->scheme == NRM_VOLUME_SAMPLING_IID || o->scheme == NRM_VOLUME_SAMPLING_VOLUME;

    p->m = nrm_space_size(p->space), p->dimension = nrm_space_dimension(p->space);
    p->kept = start ? start->points : 0;
    p->delta = o->delta, p->eta = o->eta, p->condition = o->condition, p->greedy = o->greedy;
    p->boost = o->boost, p->max_reject = o->max_reject;
    p->rule.first = p->kept, p->rule.mixture = o->mixture, p->rule.seed = nrm_seed(ctx);
    NRM_REQUIRE(ctx, o->mixture == 0 || independent, NRM_E_ARGUMENT,
                WHO ": mixture is %g, but only iid and volume have independent points to draw from mu; leave it out", o->mixture);
    NRM_TRY(size_up(ctx, o, p->m, &p->rule.points, &p->rule.unit));
    NRM_TRY(choose_sampler(ctx, o, p));
    NRM_TRY(check_start(ctx, p, start));
    if (p->m > MANY)
        nrm_warn(ctx, WHO ": the space has %lld functions; G alone takes %.1f GB and a design may take long", NRM_LL(p->m),
                 8e-9 * (double)p->m * (double)p->m);
    return NRM_OK;
}

nrm_status nrm_volume_sampling(nrm_ctx *ctx, const nrm_space_input *input, const nrm_volume_sampling_start *start,
                               nrm_volume_sampling_design *design, nrm_volume_sampling_info *info,
                               const nrm_volume_sampling_options *options)
{
    const double begin = nrm_now();
    nrm_volume_sampling_options o;
    nrm_volume_sampling_info found;
    nrm_volume_plan plan = {0};
    nrm_space *space = NULL;
    nrm_dpp_source source = {0};
    nrm_status st;

    NRM_TRY(nrm_options_load(ctx, &nrm_volume_sampling_method, options, &o));
    NRM_REQUIRE(ctx, design, NRM_E_NULL, WHO ": design must not be NULL");
    NRM_TRY(NRM_SPACE_CREATE(ctx, WHO, &o, input, &space));
    plan.space = space;
    plan.rule.source = &source;
    NRM_TRY_DONE(make_plan(ctx, &o, start, &plan));
    NRM_TRY_DONE(nrm_dpp_source_create(ctx, WHO, space, &source));
    NRM_TRY_DONE(nrm_volume_sampling_run(ctx, &plan, start, design, &found));
    found.seconds = nrm_now() - begin;
    if (info) *info = found;
done:
    nrm_dpp_source_destroy(ctx, &source);
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
{ nrm_volume_sampling_design d = {0}; (void)in; NRM_TRY(nrm_volume_sampling(ctx, NULL, NULL, &d, info, options)); return hand_over(ctx, &d, out); }
static const nrm_port outputs[] = {{.name = "x", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "n|n,d", .unit = "", .since = "0.2",.text = "p"}};
NRM_DESCRIBE(volume_sampling, NRM_VOLUME_SAMPLING_OPTIONS, NRM_VOLUME_SAMPLING_INFO);
const nrm_method nrm_volume_sampling_method = {.name=WHO,.summary="s",.details="d",.paper="p",.paper_number=22,.domain="sampling",.since="0.2",NRM_DESCRIBED_REST,.run=run};
