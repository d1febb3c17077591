/* orthogonalize.c -- one matrix brought near its polar factor.  Contract and equation:
 * norma/orthogonalize.h.  The steps: linalg/newton_schulz.c; the coefficients:
 * linalg/orthogonalise.c, linalg/fitted_coefficients.c, linalg/polar_express.c.
 *
 * The result is made in memory of its own and copied at the end, so that q may be a and a
 * failure leaves q as it was.  What is measured is measured on the numbers handed out. */
#include "linalg/alone.h"
#include "linalg/check.h"
#include "linalg/fitted_coefficients.h"
#include "linalg/linalg.h"
#include "linalg/polar_express.h"
#include "method/descriptor.h"
#include <norma/orthogonalize.h>

#define WHO "orthogonalize"

extern const nrm_method nrm_orthogonalize_method;
enum { FIT_STEPS = 5 }; /* where steps is 0 and the coefficients have no number of their own */

/* What the options ask for.  `set` looks into the other members: a plan stays where it is. */
typedef struct plan {
    bool exact;
    int steps;
    nrm_newton_schulz_set set;
    nrm_fitted_coefficients fitted;
    nrm_quintic generated[NRM_POLAR_EXPRESS_STEPS];
    double expected;
} plan;

static nrm_status generate(nrm_ctx *ctx, const nrm_orthogonalize_options *o, plan *p)
{
    const nrm_polar_express_options asked = {o->lower, p->steps, o->safety, o->cushion};

    NRM_TRY(nrm_polar_express(ctx, WHO, &asked, p->generated, NULL));
    p->set = (nrm_newton_schulz_set){.name = "generated", .source = "", .step = p->generated, .step_count = p->steps,
                                     .default_steps = p->steps, .safety = 1 + o->safety, .eps = 1e-6};
    return NRM_OK;
}

static nrm_status fit(nrm_ctx *ctx, const nrm_orthogonalize_options *o, int64_t m, int64_t n, plan *p)
{
    const nrm_fit_kind kind = o->coefficients == NRM_ORTHOGONALIZE_ROOT   ? NRM_FIT_TABLE
                              : o->coefficients == NRM_ORTHOGONALIZE_FIT  ? NRM_FIT_SHARED
                              : o->coefficients == NRM_ORTHOGONALIZE_BEST ? NRM_FIT_BEST
                                                                          : NRM_FIT_EACH;
    const nrm_spectrum_source gaussian = {.rows = m, .cols = n};

    NRM_TRY(nrm_fit_coefficients(ctx, WHO, kind, &gaussian, p->steps, o->allow_unbounded, &p->fitted));
    p->set = nrm_fitted_set(&p->fitted);
    p->expected = p->fitted.error;
    return NRM_OK;
}

/* The words of the option are the names of the sets. */
static const nrm_newton_schulz_set *named_set(int coefficients)
{
#define SET_NAME(constant, word) word,
    static const char *const name[] = {NRM_ORTHOGONALIZE_COEFFICIENT_SETS(SET_NAME)};
    return nrm_newton_schulz_set_find(name[coefficients]);
}

static nrm_status make_plan(nrm_ctx *ctx, const nrm_orthogonalize_options *o, int64_t m, int64_t n, int64_t count,
                            const double *triples, plan *p)
{
    const bool given = o->coefficients == NRM_ORTHOGONALIZE_GIVEN;

    NRM_REQUIRE(ctx, given || (count == 0 && !triples), NRM_E_ARGUMENT,
                WHO ": triples do nothing with these coefficients; set coefficients to 'given', or leave the triples out");
    NRM_REQUIRE(ctx, !given || (count > 0 && triples), NRM_E_ARGUMENT,
                WHO ": coefficients is 'given' but there are no triples; add rows of a, b, c");
    *p = (plan){.exact = o->coefficients == NRM_ORTHOGONALIZE_EXACT, .expected = NAN,
                .steps = o->steps > 0 ? (int)o->steps : FIT_STEPS};
    if (p->exact) {
        p->steps = 0;
        p->set.name = "svd";
        return NRM_OK;
    }
    if (given) {
        NRM_TRY(nrm_given_coefficients(ctx, WHO, count, triples, o->steps > 0 ? (int)o->steps : (int)nrm_max_i64(count, FIT_STEPS),
                                       o->allow_unbounded, &p->fitted));
        p->set = nrm_fitted_set(&p->fitted);
        p->steps = p->fitted.steps;
        return NRM_OK;
    }
    if (o->coefficients == NRM_ORTHOGONALIZE_GENERATED) return generate(ctx, o, p);
    const nrm_newton_schulz_set *set = named_set(o->coefficients);
    if (!set) return fit(ctx, o, m, n, p);
    p->set = *set;
    if (o->steps == 0) p->steps = set->default_steps;
    return NRM_OK;
}

/* Of q, both contiguous m x n in f64; a is overwritten by its polar factor. */
static nrm_status compare(nrm_ctx *ctx, int64_t m, int64_t n, double *a, double *q, double rcond,
                          nrm_orthogonalize_info *info)
{
    const int64_t s = nrm_min_i64(m, n);
    const nrm_alone before = nrm_alone_enter(ctx);
    double *sigma;
    nrm_status st;

    NRM_TRY_DONE(NRM_ALLOC(ctx, sigma, s, WHO)); /* NULL after a failure */
    NRM_TRY_DONE(nrm_polar(ctx, WHO, m, n, a, n, rcond, a, n, &info->rank));
    NRM_TRY_DONE(nrm_svd(ctx, WHO, m, n, q, n, NULL, sigma, NULL));
    info->largest = sigma[0];
    info->smallest = sigma[s - 1];
    for (int64_t i = 0; i < m * n; i++) q[i] -= a[i];
    info->error = info->rank > 0 ? nrm_norm_frobenius(m, n, q, n) / sqrt((double)info->rank) : 0;
done:
    nrm_free(ctx, sigma);
    nrm_alone_leave(ctx, before);
    return st;
}

#define REAL double
#define TYPED(name) name##_f64
#define NEWTON_SCHULZ nrm_newton_schulz
#include "orthogonalize_typed.h"
#undef REAL
#undef TYPED
#undef NEWTON_SCHULZ

#define REAL float
#define TYPED(name) name##_f32
#define NEWTON_SCHULZ nrm_newton_schulz_f32
#include "orthogonalize_typed.h"

/* ---- The method -------------------------------------------------------------------------------- */

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const nrm_array *a = &in[0].array;
    const bool given = in[1].kind == NRM_VALUE_ARRAY;
    const int64_t m = a->shape[0], n = a->shape[1], count = given ? in[1].array.shape[0] : 0;
    const double *triples = given ? in[1].array.data : NULL;

    NRM_TRY(nrm_output_array(ctx, &out[0], a->dtype, 2, a->shape));
    void *q = out[0].array.data;
    if (a->dtype == NRM_F32) return nrm_orthogonalize_f32(ctx, m, n, a->data, n, count, triples, q, n, info, options);
    return nrm_orthogonalize_f64(ctx, m, n, a->data, n, count, triples, q, n, info, options);
}

static const nrm_port inputs[] = {
    {.name = "a", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "m,n", .unit = "", .since = "0.2",
     .text = "the matrix, of any shape and scale"},
    {.name = "triples", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "k,3",
     .flags = NRM_PORT_OPTIONAL, .unit = "", .since = "0.2",
     .text = "coefficients=given: a, b, c of each step, the last row serving the steps that follow"}};
static const nrm_port outputs[] = {
    {.name = "q", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "m,n", .unit = "", .since = "0.2",
     .text = "near the polar factor of a; type of a"}};
static const nrm_example examples[] = {
    {"The steps of Muon: near, and fast", "a=[[1,2,-1,0],[0,1,3,-2],[2,-1,0,1]]",
     "q=[[0.4514316604,0.7529290038,-0.3109954046,-0.0126109461],[0.1656581480,0.2731625663,0.8668185984,-0.5226596829],"
     "[0.9838765454,-0.3341420401,0.1782690941,0.3325855977]] info.norm=5.0990195136 info.steps=5",
     1e-9},
    {"The polar factor itself", "a=[[1,2,-1,0],[0,1,3,-2],[2,-1,0,1]] coefficients=exact",
     "q=[[0.4240087628,0.8333034448,-0.3533247066,-0.0313622318],[0.1334085197,0.2592380113,0.8158307537,-0.4994176626],"
     "[0.8637779979,-0.3578276987,0.1647707515,0.3141615951]] info.residual=0 info.rank=3",
     1e-9},
    {"Polar Express, measured by the SVD", "a=[[1,2,-1,0],[0,1,3,-2],[2,-1,0,1]] coefficients=polar_express compare",
     "q=[[0.3990504610,0.9347153482,-0.4098118165,-0.0505558108],[0.0903502661,0.2581443841,0.8002475141,-0.5033815874],"
     "[0.7403708742,-0.3933175172,0.1409060769,0.3051130764]] info.rank=3",
     1e-9},
    {"Coefficients of one's own",
     "a=[[1,2,-1,0],[0,1,3,-2],[2,-1,0,1]] triples=[[2.9794,-3.6674,1.6207]] coefficients=given",
     "q=[[0.3997361152,0.7847224354,-0.3325842604,-0.0294775370],[0.1261069288,0.2441516495,0.7684854996,-0.4702880235],"
     "[0.8147625967,-0.3369529365,0.1555844657,0.2960131381]]",
     1e-9}};

NRM_DESCRIBE(orthogonalize, NRM_ORTHOGONALIZE_OPTIONS, NRM_ORTHOGONALIZE_INFO);
const nrm_method nrm_orthogonalize_method = {
    .name = WHO,
    .summary = "the nearest matrix with orthonormal rows or columns, by Newton-Schulz steps or exactly",
    .details =
        "For a = U S V' the nearest matrix with orthonormal rows (or columns, where a is tall) is the polar factor U V'. "
        "Newton-Schulz steps approach it with products of matrices alone.\n\n"
        "muon and polar_express come near in 5 steps, as training needs it: singular values end around 1, those of muon "
        "between 0.68 and 1.13 wherever they were above 0.01 of the Frobenius norm. polar_express8, muon8+2, and "
        "quintic_classic and cubic_classic with enough steps, go to 1. exact is the SVD.\n\n"
        "fit, best, each and root choose coefficients for the shape; see orthogonalize-coefficients. They expect the "
        "singular values of a random matrix; expected says how near they come then, and compare how near they came.\n\n"
        "residual is the answer's own proof: the root mean square of t^2 - 1 over the singular values t of q. Zero rows and "
        "columns stay exactly zero.",
    .paper = "Z. Li, L. Liu, C. Liang, W. Chen, T. Zhao, NorMuon, 2025, arXiv 2510.05491; K. Jordan and others, Muon, 2024; "
             "N. Amsel, D. Persson, C. Musco, R. M. Gower, The Polar Express, 2025, arXiv 2505.16932",
    .paper_number = 18,
    .domain = "matrix",
    .since = "0.2",
    NRM_DESCRIBED(orthogonalize),
    .run = run};
