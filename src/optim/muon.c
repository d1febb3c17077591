/* muon.c -- momentum, orthogonalised.
 *
 * Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024:
 *     M <- mu M + (1 - mu) G,   U = (1 - mu) G + mu M   (Nesterov; else U = M)
 *     O = orthogonalise(U)      (linalg/orthogonalise.h)
 *     W <- (1 - eta lambda) W - eta scale(m, n) O
 *
 * The form M <- mu M + G gives the same O, up to the eps of the orthogonalisation.  G is not
 * written to.  G = 0 gives U = 0 at first, O = 0 and no step. */
#include "linalg/orthogonalise.h"
#include "optim.h"

typedef nrm_muon_options nrm_this_options;
static const nrm_param params[] = {NRM_MUON_OPTIONS(NRM_PARAM)};
static const nrm_method muon_method = {.name = "muon", .summary = "momentum, orthogonalised", .params = params,
                                       .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

typedef struct muon_factors { nrm_momentum_factors momentum; double eta, keep; } muon_factors;

static bool state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    (void)options, (void)rows, (void)cols;
    *s = (nrm_rule_state){.suffix = "m"};
    return i == 0;
}

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_muon_options *o = options;
    const double eta = o->lr * now->factor;
    const muon_factors f = {.momentum = {.clip = now->clip, .momentum = o->momentum, .direct = o->nesterov ? 1 - o->momentum : 0,
                                         .through = o->nesterov ? o->momentum : 1},
                            .eta = eta, .keep = 1 - eta * o->weight_decay};
    memcpy(out, &f, sizeof f);
}

static double matrix_scale(int kind, double m, double n)
{
    switch (kind) {
    case NRM_MATRIX_SCALE_SPECTRAL: return sqrt(m / n);
    case NRM_MATRIX_SCALE_RMS: return 0.2 * sqrt(fmax(m, n));
    case NRM_MATRIX_SCALE_NONE: return 1;
    default: return sqrt(fmax(1, m / n));
    }
}

/* The words of the option are the names of the sets. */
static const nrm_newton_schulz_set *coefficient_set(const nrm_muon_options *o)
{
#define NRM_SET_NAME(constant, word) word,
    static const char *const name[] = {NRM_ORTHOGONALISERS(NRM_SET_NAME)};
    return nrm_newton_schulz_set_find(name[o->coefficients]);
}

static int64_t padded(int64_t bytes) { return (bytes + 63) / 64 * 64; }

static int64_t work(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    const nrm_muon_options *o = options;
    const int64_t size = (int64_t)nrm_dtype_size(dtype);
    int64_t bytes, polar;

    if (!nrm_mul_size(nrm_newton_schulz_work(rows, cols), size, &bytes)) return -1;
    if (o->coefficients != NRM_ORTHOGONALISE_EXACT) return bytes;
    if (!nrm_mul_size(nrm_polar_work(rows, cols), (int64_t)sizeof(double), &polar)) return -1;
    return nrm_add_size(padded(rows * cols * size), polar, &bytes) ? bytes : -1;
}

#define REAL double
#define TYPED(name) name##_f64
#define KERNELS nrm_optimizer_kernels_f64
#define KERNELS_FOR nrm_optimizer_kernels_f64_for
#include "muon_typed.h"
#undef REAL
#undef TYPED
#undef KERNELS
#undef KERNELS_FOR

#define REAL float
#define TYPED(name) name##_f32
#define KERNELS nrm_optimizer_kernels_f32
#define KERNELS_FOR nrm_optimizer_kernels_f32_for
#include "muon_typed.h"

static void update(const nrm_rule_piece *p)
{
    if (p->dtype == NRM_F32) update_f32(p);
    else update_f64(p);
}

const nrm_rule nrm_muon_rule = {.method = &muon_method, .matrix = true, .state = state, .factors = factors,
                                .update = update, .work = work};
