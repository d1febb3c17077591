/* orthogonalize_coefficients.c -- coefficients of Newton-Schulz steps, generated or fitted, with
 * what they do to a spectrum.  Contract: norma/orthogonalize.h.  The mathematics:
 * linalg/polar_express.c, linalg/newton_schulz_fit.c. */
#include "linalg/fitted_coefficients.h"
#include "linalg/polar_express.h"
#include "method/descriptor.h"
#include <norma/orthogonalize.h>

#define WHO "orthogonalize-coefficients"

extern const nrm_method nrm_orthogonalize_coefficients_method;

typedef struct schedule {
    nrm_quintic step[NRM_POLAR_EXPRESS_STEPS];
    nrm_orthogonalize_coefficients_info info;
} schedule;

static double slope(const schedule *s, int steps)
{
    double product = 1 / s->info.divisor;
    for (int k = 0; k < steps; k++) product *= s->step[k].a;
    return product;
}

static nrm_status generate(nrm_ctx *ctx, const nrm_orthogonalize_coefficients_options *o, schedule *s)
{
    const nrm_polar_express_options asked = {o->lower, (int)o->steps, o->safety, o->cushion};

    NRM_TRY(nrm_polar_express(ctx, WHO, &asked, s->step, &s->info.lowest));
    s->info.source = "generated";
    s->info.divisor = 1 + o->safety;
    s->info.objective = NAN;
    s->info.sup = nrm_newton_schulz_sup(s->step, (int)o->steps, (int)o->steps, &s->info.sup_at);
    return NRM_OK;
}

static nrm_status fit(nrm_ctx *ctx, const nrm_orthogonalize_coefficients_options *o, const nrm_spectrum_source *source,
                      schedule *s)
{
    const nrm_fit_kind kind = o->kind == NRM_ORTHOGONALIZE_COEFFICIENTS_TABLE  ? NRM_FIT_TABLE
                              : o->kind == NRM_ORTHOGONALIZE_COEFFICIENTS_FIT  ? NRM_FIT_SHARED
                              : o->kind == NRM_ORTHOGONALIZE_COEFFICIENTS_BEST ? NRM_FIT_BEST
                                                                               : NRM_FIT_EACH;
    nrm_fitted_coefficients made;

    NRM_TRY(nrm_fit_coefficients(ctx, WHO, kind, source, (int)o->steps, o->allow_unbounded, &made));
    for (int k = 0; k < o->steps; k++) s->step[k] = made.step[k < made.step_count ? k : made.step_count - 1];
    s->info = (nrm_orthogonalize_coefficients_info){.source = made.source, .divisor = made.safety, .objective = made.objective,
                                                    .sup = made.sup, .sup_at = made.sup_at, .lowest = NAN,
                                                    .iterations = made.iterations};
    return NRM_OK;
}

static double named_error(const nrm_spectrum *spectrum, const char *name, int steps)
{
    return nrm_spectrum_error(spectrum, nrm_newton_schulz_set_find(name), steps);
}

/* The errors on the spectrum, where there is one. */
static nrm_status judge(nrm_ctx *ctx, const nrm_spectrum_source *source, int steps, schedule *s)
{
    nrm_orthogonalize_coefficients_info *info = &s->info;
    const nrm_newton_schulz_set set = {.step = s->step, .step_count = steps, .safety = info->divisor};
    nrm_spectrum spectrum;

    info->error = info->error_muon = info->error_quintic_classic = info->error_polar_express = NAN;
    if (source->rows == 0 && source->cols == 0 && source->count == 0) return NRM_OK;
    NRM_TRY(nrm_spectrum_create(ctx, WHO, source, 0, &spectrum));
    info->error = nrm_spectrum_error(&spectrum, &set, steps);
    info->error_muon = named_error(&spectrum, "muon", steps);
    info->error_quintic_classic = named_error(&spectrum, "quintic_classic", steps);
    info->error_polar_express = named_error(&spectrum, "polar_express", steps);
    nrm_spectrum_destroy(ctx, &spectrum);
    return NRM_OK;
}

nrm_status nrm_orthogonalize_coefficients(nrm_ctx *ctx, int64_t count, const double *spectrum, double *coefficients,
                                          nrm_orthogonalize_coefficients_info *info,
                                          const nrm_orthogonalize_coefficients_options *options)
{
    const double start = nrm_now();
    nrm_orthogonalize_coefficients_options o;
    schedule s = {.info = {.iterations = 0}};

    NRM_TRY(nrm_options_load(ctx, &nrm_orthogonalize_coefficients_method, options, &o));
    NRM_REQUIRE(ctx, coefficients, NRM_E_NULL, WHO ": the place for the coefficients is NULL");
    NRM_REQUIRE(ctx, count >= 0 && (spectrum || count == 0), NRM_E_NULL,
                WHO ": spectrum is %s with %lld values; give the values, or NULL and 0", spectrum ? "given" : "NULL",
                NRM_LL(count));
    const nrm_spectrum_source source = {.rows = o.rows, .cols = o.cols, .count = count, .sigma = spectrum};
    if (o.kind == NRM_ORTHOGONALIZE_COEFFICIENTS_POLAR_EXPRESS) NRM_TRY(generate(ctx, &o, &s));
    else NRM_TRY(fit(ctx, &o, &source, &s));
    NRM_TRY(judge(ctx, &source, (int)o.steps, &s));
    s.info.slope = slope(&s, (int)o.steps);
    for (int k = 0; k < o.steps; k++) {
        coefficients[3 * k] = s.step[k].a;
        coefficients[3 * k + 1] = s.step[k].b;
        coefficients[3 * k + 2] = s.step[k].c;
    }
    s.info.seconds = nrm_now() - start;
    if (info) *info = s.info;
    return NRM_OK;
}

/* ---- The method -------------------------------------------------------------------------------- */

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const nrm_orthogonalize_coefficients_options *o = options;
    const bool given = in[0].kind == NRM_VALUE_ARRAY;
    const int64_t shape[2] = {o->steps, 3};

    NRM_TRY(nrm_output_array(ctx, &out[0], NRM_F64, 2, shape));
    return nrm_orthogonalize_coefficients(ctx, given ? in[0].array.shape[0] : 0, given ? in[0].array.data : NULL,
                                          out[0].array.data, info, options);
}

static const nrm_port inputs[] = {
    {.name = "spectrum", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "k",
     .flags = NRM_PORT_OPTIONAL, .unit = "", .since = "0.2",
     .text = "singular values measured on matrices, each over the Frobenius norm of its matrix"}};
static const nrm_port outputs[] = {
    {.name = "coefficients", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "steps,3", .unit = "",
     .since = "0.2", .text = "a, b, c of each step"}};
static const nrm_example examples[] = {
    {"Polar Express as published", "lower=0.001 steps=5 safety=0.02 cushion=0.02",
     "coefficients=[[8.15655,-22.48329,15.87877],[4.04293,-2.80892,0.50002],[3.89167,-2.77248,0.50606],"
     "[3.28575,-2.36813,0.46449],[2.34654,-1.70978,0.42324]] info.slope=970.067 info.lowest=0.858873",
     5e-6},
    {"Fitted to 64 x 256", "kind=fit rows=64 cols=256",
     "coefficients=[[2.0877,-1.701829,0.614221],[2.0877,-1.701829,0.614221],[2.0877,-1.701829,0.614221],"
     "[2.0877,-1.701829,0.614221],[2.0877,-1.701829,0.614221]] info.error=0.00033 info.error_muon=0.2167",
     5e-5},
    {"Fitted to two measured singular values, for two steps", "spectrum=[0.5,0.8] kind=fit steps=2",
     "info.error=0.008758 info.error_muon=0.210417 info.sup=1.24935", 1e-5}};

NRM_DESCRIBE(orthogonalize_coefficients, NRM_ORTHOGONALIZE_COEFFICIENTS_OPTIONS, NRM_ORTHOGONALIZE_COEFFICIENTS_INFO);
const nrm_method nrm_orthogonalize_coefficients_method = {
    .name = WHO,
    .summary = "coefficients of Newton-Schulz steps, by greedy minimax or fitted to a shape or to measured singular values",
    .details =
        "A Newton-Schulz step maps every singular value t of a matrix, divided by its Frobenius norm, to a t + b t^3 + "
        "c t^5. This finds a, b, c for the steps to come, so that all values end near 1.\n\n"
        "polar-express gives each step the quintic nearest to 1 on what the steps before left of [lower, 1]: good for "
        "any matrix without singular values below lower.\n\n"
        "fit takes one triple for all steps and minimises the mean square distance from 1 over a spectrum: of Gaussian "
        "matrices with rows and cols, of the values measured, or of both. Where the matrix is much longer than wide it is "
        "far better than any fixed set; where it is square, no single triple reaches the small values, and polar-express is "
        "better from 256 rows on: best compares them. each fits a triple for every step.\n\n"
        "A fit belongs to its number of steps. It never lets a number of [0, 1] grow above 1.35 on the way (sup), for a "
        "matrix of low rank has singular values that no Gaussian one has. The published triple for 2048 x 2048 does: "
        "it is replaced by a fit unless allow_unbounded.",
    .paper = "W. He, K. Han, H. Zhou, H. Chen, Z. Liu, X. Chen, Y. Wang, ROOT: Robust Orthogonalized Optimizer for Neural "
             "Network Training, 2025, arXiv 2511.20626; N. Amsel, D. Persson, C. Musco, R. M. Gower, The Polar Express, "
             "2025, arXiv 2505.16932",
    .paper_number = 4,
    .domain = "matrix",
    .since = "0.2",
    NRM_DESCRIBED(orthogonalize_coefficients),
    .run = run};
