/* oja.c -- Oja's rule, with one rate or with many at once.
 *
 *     v <- v + eta_t a_t (a_t'v)                                                       (1)
 *
 * Normalising v changes neither its direction nor any later step, because (1) is linear in
 * v; so v is scaled only before it overflows, and  s = ln |v_n| / |v_0|  is kept beside it.
 * Its length needs no pass over v: |v + eta p a|^2 = |v|^2 + eta p^2 (2 + eta |a|^2).
 *
 * Rates: fixed; or decaying, eta_t = rate / t; with rate 0, eta_t = d / (|a_1|^2 + ... +
 * |a_t|^2), which is  d / (mean square length)  over t and follows the scale of A.
 *
 * oja-adaptive, after Price and Xun, "Spectral Guarantees for Adversarial Streaming PCA",
 * FOCS 2024 (arXiv 2408.10332): eta_i = 2^-i eta_0 side by side, and the longest row x.
 * From the smallest rate up, the first of
 *     |x|^2 eta_i > 1   answers x / |x|,     s_i >= 10 ln d   answers v_i.
 * Both are baselines: one vector, no heavy rows stored (but that one). */
#include "stream.h"
#include "base/random.h"

typedef struct nrm_oja {
    int64_t runs;     /* rates side by side */
    double *v;        /* d x runs */
    double *squares;  /* |v|^2 as the recurrence has it; runs each, as the next two */
    double *growth;   /* s up to the last scaling */
    double *rates;    /* oja-adaptive: eta_i; oja: the last step */
    double *p;        /* work */
    double *longest;  /* oja-adaptive: the longest row, d */
    double *scalar;   /* |longest|^2, sum of (a'v / |v|)^2 (run 0), sum of |a|^2 */
} nrm_oja;

enum { LONGEST, CAPTURED, ENERGY, SCALARS };

static const double LARGE = 1e100, LARGE_STEP = 1e50;

static void destroy(nrm_ctx *ctx, void *state)
{
    nrm_oja *o = state;
    if (!o) return;
    void *memory[] = {o->v, o->squares, o->growth, o->rates, o->p, o->longest, o->scalar, o};
    for (int i = 0; i < NRM_COUNT(memory); i++) nrm_free(ctx, memory[i]);
}

static nrm_status create(nrm_ctx *ctx, nrm_top_eigenvector_stream *s)
{
    const bool adaptive = s->options.algorithm == NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE;
    const int64_t d = s->columns, runs = adaptive ? s->options.rates : 1;
    nrm_rng rng = nrm_rng_make(s->seed, NRM_STREAM_START);
    double square = 0;
    nrm_oja *o;

    NRM_REQUIRE(ctx, adaptive || s->options.rate > 0 || s->options.rate_schedule == NRM_TOP_EIGENVECTOR_DECAYING,
                NRM_E_ARGUMENT, NRM_TOP_EIGENVECTOR ": rate is 0 with rate_schedule fixed; a fixed rate must "
                "be > 0: give rate, or use rate_schedule decaying");
    NRM_TRY(NRM_ALLOC_ZERO(ctx, o, 1, NRM_TOP_EIGENVECTOR));
    s->state = o;
    o->runs = runs;
    NRM_TRY(nrm_stream_alloc(ctx, s, &o->v, d, runs, "the vectors of Oja's rule"));
    NRM_TRY(nrm_stream_alloc(ctx, s, &o->squares, runs, 1, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &o->growth, runs, 1, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &o->rates, runs, 1, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &o->p, runs, 1, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &o->longest, adaptive ? d : 0, 1, "the longest row"));
    NRM_TRY(nrm_stream_alloc(ctx, s, &o->scalar, SCALARS, 1, NRM_TOP_EIGENVECTOR));

    for (int64_t j = 0; j < d; j++) { /* every run starts from the same vector */
        const double g = nrm_rng_normal(&rng);
        square += g * g;
        for (int64_t i = 0; i < runs; i++) o->v[j * runs + i] = g;
    }
    for (int64_t i = 0; i < runs; i++) {
        o->squares[i] = square;
        o->growth[i] = -log(square) / 2;
    }
    return NRM_OK;
}

/* Before |v|^2 overflows: the true length out of v, into the growth. */
static void rescale(nrm_oja *o, int64_t d, int64_t i)
{
    double square = 0;
    const double shrink = 1 / sqrt(o->squares[i]);

    for (int64_t j = 0; j < d; j++) {
        o->v[j * o->runs + i] *= shrink;
        square += o->v[j * o->runs + i] * o->v[j * o->runs + i];
    }
    o->growth[i] -= log(shrink);
    o->squares[i] = square;
}

static double step_size(const nrm_top_eigenvector_options *options, const nrm_oja *o, int64_t d, int64_t t)
{
    if (options->rate_schedule == NRM_TOP_EIGENVECTOR_FIXED) return options->rate;
    if (options->rate > 0) return options->rate / (double)t;
    return o->scalar[ENERGY] > 0 ? (double)d / o->scalar[ENERGY] : 0;
}

static void step(const nrm_top_eigenvector_stream *s, nrm_oja *o, const nrm_batch *batch, int64_t i)
{
    const int64_t runs = o->runs;
    const double square = batch->squares[i];

    if (runs == 1) o->p[0] = nrm_row_dot(batch, i, o->v);
    else nrm_row_product(batch, i, runs, o->v, o->p);
    const double unit_p = o->p[0] / sqrt(o->squares[0]);
    o->scalar[CAPTURED] += unit_p * unit_p;
    for (int64_t c = 0; c < runs; c++) {
        /* A step so long makes v the row itself, to the last bit, at any greater length too. */
        const double eta = fmin(o->rates[c], LARGE_STEP / fmax(square, DBL_MIN)), p = o->p[c];
        o->squares[c] += eta * p * p * (2 + eta * square);
        o->p[c] = eta * p;
    }
    nrm_row_transposed(batch, i, runs, o->p, o->v);
    for (int64_t c = 0; c < runs; c++)
        if (o->squares[c] > LARGE) rescale(o, s->columns, c);
}

static nrm_status absorb(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const nrm_batch *batch, int64_t *taken)
{
    const nrm_top_eigenvector_options *options = &s->options;
    const bool adaptive = options->algorithm == NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE;
    const double d = (double)s->columns;
    nrm_oja *o = s->state;
    (void)ctx;

    for (int64_t i = 0; i < batch->count; i++) {
        const double square = batch->squares[i];
        o->scalar[ENERGY] += square;
        if (adaptive && square > o->scalar[LONGEST]) {
            nrm_row_copy(batch, i, o->longest);
            if (o->scalar[LONGEST] == 0) /* the first row that is not zero sets the scale */
                for (int64_t c = 0; c < o->runs; c++)
                    o->rates[c] = ldexp(options->rate > 0 ? options->rate : fmin(d / square, DBL_MAX), (int)-c);
            o->scalar[LONGEST] = square;
        }
        if (!adaptive) o->rates[0] = step_size(options, o, s->columns, batch->first + i + 1);
        if (square > 0) step(s, o, batch, i);
    }
    *taken = batch->count;
    return NRM_OK;
}

static double growth(const nrm_oja *o, int64_t i) { return o->growth[i] + log(o->squares[i]) / 2; }

/* The run that answers (see above), -1 for the longest row, -2 where none can be trusted. */
static int64_t choose(const nrm_oja *o, int64_t d, int64_t *run)
{
    for (int64_t i = o->runs - 1; i >= 0; i--) {
        *run = i;
        if (o->scalar[LONGEST] * o->rates[i] > 1) return -1;
        if (growth(o, i) >= 10 * log((double)d)) return i;
    }
    *run = 0;
    for (int64_t i = 1; i < o->runs; i++)
        if (growth(o, i) > growth(o, *run)) *run = i;
    return -2;
}

static nrm_status query(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, double *v, nrm_top_eigenvector_info *info)
{
    const nrm_oja *o = s->state;
    const bool adaptive = s->options.algorithm == NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE;
    int64_t run = 0, chosen = adaptive ? choose(o, s->columns, &run) : 0;

    for (int64_t j = 0; j < s->columns; j++) v[j] = chosen == -1 ? o->longest[j] : o->v[j * o->runs + run];
    info->rate = o->rates[run];
    info->growth = growth(o, run);
    info->eigenvalue = adaptive ? (double)NAN : o->scalar[CAPTURED];
    info->trusted = adaptive && chosen != -2;
    if (chosen == -2)
        return nrm_fail(ctx, NRM_NOT_CONVERGED, NRM_TOP_EIGENVECTOR ": no rate of oja-adaptive grew by 10 ln d = "
                        "%g (the best by %g); v is that of the best: give more rows or a larger rate",
                        10 * log((double)s->columns), growth(o, run));
    return NRM_OK;
}

static void fields(const nrm_top_eigenvector_stream *s, nrm_state_fields *f)
{
    const nrm_oja *o = s->state;
    const bool adaptive = s->options.algorithm == NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE;

    nrm_state_add(f, "vectors", NRM_F64, s->columns * o->runs, o->v);
    nrm_state_add(f, "squares", NRM_F64, o->runs, o->squares);
    nrm_state_add(f, "growth", NRM_F64, o->runs, o->growth);
    nrm_state_add(f, "rates", NRM_F64, o->runs, o->rates);
    nrm_state_add(f, "scalars", NRM_F64, SCALARS, o->scalar);
    nrm_state_add(f, "longest", NRM_F64, adaptive ? s->columns : 0, o->longest);
}

static nrm_status loaded(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const char *path)
{
    const nrm_oja *o = s->state;
    for (int64_t i = 0; i < o->runs; i++)
        NRM_REQUIRE(ctx, o->squares[i] > 0 && o->rates[i] >= 0, NRM_E_FORMAT, NRM_TOP_EIGENVECTOR
                    ": %s holds a length of %g; lengths are positive: the file is damaged", path, o->squares[i]);
    return NRM_OK;
}

const nrm_engine nrm_engine_oja = {create, absorb, query, NULL, fields, loaded, NULL, destroy, "oja"};
const nrm_engine nrm_engine_oja_adaptive = {create, absorb, query, NULL, fields, loaded, NULL, destroy,
                                            "oja-adaptive"};
