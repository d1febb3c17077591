/* dion.c -- momentum, orthogonalised in a subspace that follows it.
 *
 * Ahn et al., "Dion: distributed orthonormalized updates", 2025, on one machine: Q (n x rank) is
 * Gaussian at first,
 *     B <- B + G,   P = Q of the QR of B Q,   R = B'P
 *     B <- B - (1 - mu) P R',   Q <- R / (|columns of R| + 1e-8)
 *     W <- (1 - eta lambda) W - eta scale(m, n) P Q'
 * B = 0 gives R = 0, Q = 0 and no step; the next P is then the first coordinates. */
#include "base/random.h"
#include "subspace.h"

typedef nrm_dion_options nrm_this_options;
static const nrm_param params[] = {NRM_DION_OPTIONS(NRM_PARAM)};
static const nrm_method dion_method = {.name = "dion", .summary = "momentum, orthogonalised in a subspace that follows it",
                                       .params = params, .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

static const double TINY = 1e-8;
typedef struct step_factors { double clip, eta, keep; } step_factors;
enum { B, Q, STATES };

static int64_t rank_of(const void *options, int64_t rows, int64_t cols)
{
    return nrm_usual_rank(((const nrm_this_options *)options)->rank, nrm_min_i64(rows, cols));
}

static nrm_status fits(nrm_ctx *ctx, const void *options, const char *name, int64_t rows, int64_t cols)
{
    return nrm_rank_fits(ctx, "dion", name, rank_of(options, rows, cols), nrm_min_i64(rows, cols), rows, cols);
}

static bool state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    *s = i == B ? (nrm_rule_state){.suffix = "b"}
                : (nrm_rule_state){.suffix = "q", .rows = cols, .cols = rank_of(options, rows, cols)};
    return i < STATES;
}

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_this_options *o = options;
    const double eta = o->lr * now->factor;
    const step_factors f = {.clip = now->clip, .eta = eta, .keep = 1 - eta * o->weight_decay};
    memcpy(out, &f, sizeof f);
}

/* P; of the QR; P R' and P Q'. */
typedef struct work_places { void *p, *qr, *product; } work_places;

static work_places lay_out(const nrm_rule_piece *p, nrm_layout *at)
{
    const int64_t size = (int64_t)nrm_dtype_size(p->dtype), rank = rank_of(p->options, p->rows, p->cols);
    work_places w;

    w.p = nrm_layout_take(at, p->rows, rank * size);
    w.qr = nrm_layout_take(at, nrm_qr_work(p->dtype, p->rows, rank), 1);
    w.product = nrm_layout_take(at, p->n, size);
    return w;
}

static int64_t work(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    const nrm_rule_piece p = nrm_piece_of_shape(options, dtype, rows, cols);
    nrm_layout at = {0};

    lay_out(&p, &at);
    return at.used;
}

/* Where it was not given with the state. */
static void begin(const nrm_rule_piece *p, int64_t count)
{
    const nrm_this_options *o = p->options;
    nrm_rng rng = nrm_rng_make((uint64_t)o->seed, (uint64_t)p->number);

    for (int64_t i = 0; i < count; i++)
        if (nrm_real_get(p->dtype, p->state[Q], i) != 0) return;
    for (int64_t i = 0; i < count; i++) nrm_real_set(p->dtype, p->state[Q], i, nrm_rng_normal(&rng));
}

static void update(const nrm_rule_piece *p)
{
    const nrm_this_options *o = p->options;
    const int64_t m = p->rows, n = p->cols, rank = rank_of(o, p->rows, p->cols);
    const nrm_dtype dtype = p->dtype;
    nrm_layout at = {.base = p->work};
    void *b = p->state[B], *q = p->state[Q];
    step_factors f;

    memcpy(&f, p->factors, sizeof f);
    const work_places w = lay_out(p, &at);
    if (p->t == 1) begin(p, n * rank);
    nrm_dense_combine(dtype, p->threads, p->n, 1, b, f.clip, p->gradient, b);
    nrm_dense_product(dtype, p->threads, 'n', 'n', m, rank, n, 1, b, q, 0, w.p);
    nrm_qr_run(dtype, m, rank, w.p, w.qr);
    nrm_dense_product(dtype, p->threads, 't', 'n', n, rank, m, 1, b, w.p, 0, q); /* R in the place of Q */
    nrm_dense_product(dtype, p->threads, 'n', 't', m, n, rank, o->momentum - 1, w.p, q, 1, b);
    nrm_low_rank_normalise_columns(dtype, n, rank, TINY, q);
    nrm_dense_product(dtype, p->threads, 'n', 't', m, n, rank, 1, w.p, q, 0, w.product);
    nrm_matrix_descend(p, f.keep, false, f.eta * nrm_matrix_scale_of(o->scale, m, n), w.product);
}

const nrm_rule nrm_dion_rule = {.method = &dion_method, .matrix = true, .state = state, .factors = factors, .update = update,
                                .work = work, .fits = fits};
