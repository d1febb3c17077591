/* lp_coreset.c -- few weighted rows that keep |A x|_p for every x.  Contract and equations:
 * norma/lp_coreset.h.
 *
 * Many passes: scores of all rows, one draw, one pass that picks the rows drawn (coreset_many.c).
 * One pass: blocks are reduced to coresets, and coresets of coresets are merged (coreset_merge.c).
 * Scores known beforehand -- equal ones, the user's -- need no pass of their own, so that one pass is
 * enough without merging.
 *
 * The paper gives bounds, not constants: the number of rows follows a rule of their form, and the
 * audit (coreset_audit.c) says what came of it. */
#include "coreset_job.h"
#include "linalg/linalg.h"
#include "scaled_rows.h"
#include <norma/comm.h>

#define WHO NRM_LP_CORESET

enum { SENSITIVITY_ROWS = 10000, MANY_ROWS = 1 << 24 };

static nrm_status agree(nrm_ctx *ctx, nrm_status st) { return nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st); }

/* ---- Checks ------------------------------------------------------------------------------------------ */

static nrm_status check_scheme(nrm_ctx *ctx, const nrm_lp_coreset_options *o, const nrm_lp_coreset_input *in, unsigned want)
{
    const int scheme = o->scheme;
    const bool takes_scores = scheme == NRM_LP_CORESET_AUTO || scheme == NRM_LP_CORESET_SENSITIVITY ||
                              scheme == NRM_LP_CORESET_COMBINED || scheme == NRM_LP_CORESET_AUGMENTED;

    NRM_REQUIRE(ctx, scheme != NRM_LP_CORESET_COMBINED || o->p > 2, NRM_E_RANGE,
                WHO ": scheme combined is for p > 2, and p is %g; take sensitivity or lewis", o->p);
    NRM_REQUIRE(ctx, (scheme != NRM_LP_CORESET_ROOT_LEVERAGE && scheme != NRM_LP_CORESET_AUGMENTED) || o->p <= 2, NRM_E_RANGE,
                WHO ": scheme %s is for p <= 2, and p is %g; take combined, sensitivity or lewis",
                scheme == NRM_LP_CORESET_AUGMENTED ? "augmented" : "root-leverage", o->p);
    NRM_REQUIRE(ctx, scheme != NRM_LP_CORESET_UNIFORM || o->rows > 0, NRM_E_RANGE,
                WHO ": rows is 0; no number of equally likely rows is enough for every a: give one, or take another scheme");
    NRM_REQUIRE(ctx, !in->user_scores || takes_scores, NRM_E_ARGUMENT, WHO ": user_scores stand for sensitivities, which this "
                "scheme does not use; take sensitivity, combined or augmented");
    NRM_REQUIRE(ctx, !(want & NRM_LP_CORESET_WITNESS) || o->audit, NRM_E_ARGUMENT,
                WHO ": the witness is found by the audit, which is off; set audit");
    return NRM_OK;
}

static nrm_status check_numbers(nrm_ctx *ctx, const nrm_lp_coreset_input *in)
{
    bool any = false;

    if (!in->row_weights && !in->user_scores) return NRM_OK;
    NRM_REQUIRE(ctx, in->length >= 1, NRM_E_SHAPE, WHO ": there are %lld row_weights or user_scores; there must be one a row",
                NRM_LL(in->length));
    for (int64_t i = 0; in->row_weights && i < in->length; i++)
        NRM_REQUIRE(ctx, in->row_weights[i] > 0 && in->row_weights[i] <= DBL_MAX, isfinite(in->row_weights[i]) ? NRM_E_RANGE : NRM_E_NONFINITE,
                    WHO ": the weight of row %lld is %g; it must be > 0 and finite: leave out rows that do not count", NRM_LL(i),
                    in->row_weights[i]);
    for (int64_t i = 0; in->user_scores && i < in->length; i++) {
        NRM_REQUIRE(ctx, in->user_scores[i] >= 0 && in->user_scores[i] <= DBL_MAX,
                    isfinite(in->user_scores[i]) ? NRM_E_RANGE : NRM_E_NONFINITE,
                    WHO ": the score of row %lld is %g; it must be at least 0 and finite", NRM_LL(i), in->user_scores[i]);
        any |= in->user_scores[i] > 0;
    }
    NRM_REQUIRE(ctx, !in->user_scores || any, NRM_E_RANGE, WHO ": all user_scores are 0; at least one row must have a score > 0");
    return NRM_OK;
}

static nrm_status load(nrm_ctx *ctx, const nrm_lp_coreset_input *in, unsigned want, const nrm_lp_coreset_options *options,
                       nrm_coreset_job *j)
{
    NRM_REQUIRE(ctx, in && in->a, NRM_E_NULL, WHO ": in and its rows a must not be NULL");
    NRM_TRY(nrm_options_load(ctx, &nrm_lp_coreset_method, options, &j->o));
    j->in = in;
    j->want = want;
    j->d = nrm_rows_cols(in->a);
    j->q = in->b ? nrm_rows_cols(in->b) : 0;
    NRM_REQUIRE(ctx, j->d >= 1, NRM_E_SHAPE, WHO ": a has %lld columns; it must have at least one", NRM_LL(j->d));
    NRM_REQUIRE(ctx, !in->b || j->q >= 1, NRM_E_SHAPE, WHO ": b has %lld columns; it must have at least one", NRM_LL(j->q));
    j->columns = j->d + j->q;
    NRM_REQUIRE(ctx, j->o.rows == 0 || j->o.rows > j->columns, NRM_E_RANGE, WHO ": rows is %lld; with %lld columns%s it must be at "
                "least %lld", NRM_LL(j->o.rows), NRM_LL(j->columns), in->b ? " of a and b" : "", NRM_LL(j->columns + 1));
    NRM_TRY(check_scheme(ctx, &j->o, in, want));
    NRM_TRY(check_numbers(ctx, in));
    if (j->o.p > 64) {
        nrm_warn(ctx, WHO ": p is %g; 64 is used in its place, which weighs little but the largest entries", j->o.p);
        j->o.p = 64;
    }
    return NRM_OK;
}

/* What is derived from the user's numbers: scales omega^(1/p), scores with 1 as the largest. */
static nrm_status prepare(nrm_ctx *ctx, nrm_coreset_job *j)
{
    const nrm_lp_coreset_input *in = j->in;

    NRM_TRY(nrm_scaled_rows(ctx, &j->a, in->a, NULL, -1));
    if (in->b) NRM_TRY(nrm_scaled_rows(ctx, &j->b, in->b, NULL, -1));
    if (in->row_weights) {
        NRM_TRY(NRM_ALLOC(ctx, j->scale, in->length, WHO));
        for (int64_t i = 0; i < in->length; i++) j->scale[i] = pow(in->row_weights[i], 1 / j->o.p);
    }
    if (in->user_scores) {
        double most = 0;
        for (int64_t i = 0; i < in->length; i++) most = fmax(most, in->user_scores[i]);
        NRM_TRY(NRM_ALLOC(ctx, j->user, in->length, WHO));
        for (int64_t i = 0; i < in->length; i++) j->user[i] = in->user_scores[i] / most;
    }
    return NRM_OK;
}

/* ---- How ------------------------------------------------------------------------------------------------ */

static bool rewinds(nrm_ctx *ctx, const nrm_coreset_job *j)
{
    const bool can = nrm_rows_rewind(ctx, j->a) >= 0 && (!j->b || nrm_rows_rewind(ctx, j->b) >= 0);
    if (!can) nrm_clear_message(ctx);
    return can;
}

nrm_status nrm_coreset_check_count(nrm_ctx *ctx, const nrm_coreset_job *j, int64_t n)
{
    NRM_REQUIRE(ctx, (!j->in->row_weights && !j->in->user_scores) || j->in->length == n, NRM_E_SHAPE, WHO ": a has %lld rows and "
                "there are %lld row_weights or user_scores; there must be one a row", NRM_LL(n), NRM_LL(j->in->length));
    NRM_REQUIRE(ctx, n >= j->columns, NRM_E_SHAPE, WHO ": a has %lld rows and %lld columns%s; there must be at least as many rows",
                NRM_LL(n), NRM_LL(j->columns), j->q ? " with b" : "");
    return NRM_OK;
}

/* Sets n where it can be known without a pass, direct and many. */
static nrm_status choose_passes(nrm_ctx *ctx, nrm_coreset_job *j)
{
    const bool again = rewinds(ctx, j), lists = (j->want & (NRM_LP_CORESET_SENSITIVITIES | NRM_LP_CORESET_LEWIS_WEIGHTS)) != 0;

    j->n = nrm_rows_count(j->a);
    if (j->n < 0 && j->b) j->n = nrm_rows_count(j->b);
    if (j->n < 0 && (j->in->row_weights || j->in->user_scores)) j->n = j->in->length;
    j->direct = !lists && j->n >= 0 && (j->o.scheme == NRM_LP_CORESET_UNIFORM ||
                (j->user && (j->o.scheme == NRM_LP_CORESET_AUTO || j->o.scheme == NRM_LP_CORESET_SENSITIVITY) &&
                 (j->o.rows > 0 || again)));
    j->many = j->direct || j->o.passes == NRM_LP_PASSES_MANY || (j->o.passes == NRM_LP_PASSES_AUTO && again && j->n <= MANY_ROWS);
    NRM_REQUIRE(ctx, again || j->direct || !j->many, NRM_E_UNSUPPORTED, WHO ": passes is many, but these rows can be read only once; "
                "take one");
    NRM_REQUIRE(ctx, j->many || !lists, again ? NRM_E_RANGE : NRM_E_UNSUPPORTED, WHO ": sensitivities or Lewis weights of all rows are "
                "wanted; they take many passes over rows that can be read again%s", again ? ": set passes to many" : "");
    NRM_REQUIRE(ctx, again || !j->o.audit, NRM_E_UNSUPPORTED, WHO ": the audit reads the rows a second time, which these cannot be");
    if (j->many && j->n < 0) {
        NRM_TRY(nrm_coreset_count(ctx, j->a, j->b, &j->n));
        if (j->o.passes == NRM_LP_PASSES_AUTO && j->n > MANY_ROWS && !lists) j->many = false;
    }
    NRM_REQUIRE(ctx, j->many || !(j->want & NRM_LP_CORESET_PROBABILITIES), NRM_E_RANGE, WHO ": where coresets are merged rows have no "
                "probability known beforehand; leave out the probabilities, or set passes to many");
    return NRM_OK;
}

static int choose_scheme(const nrm_coreset_job *j)
{
    if (j->o.scheme != NRM_LP_CORESET_AUTO) return j->o.scheme;
    if (j->user) return NRM_LP_CORESET_SENSITIVITY;
    if (j->o.p > 2) return NRM_LP_CORESET_COMBINED;
    return j->many && j->n <= SENSITIVITY_ROWS ? NRM_LP_CORESET_SENSITIVITY : NRM_LP_CORESET_LEWIS;
}

/* ---- The call ---------------------------------------------------------------------------------------------- */

/* Rows kept, cut into a and b. */
static nrm_status cut(nrm_ctx *ctx, const nrm_coreset_job *j, nrm_lp_coreset_result *r)
{
    const nrm_weighted_rows *w = &j->kept;

    if (!(j->want & NRM_LP_CORESET_ROWS)) return NRM_OK;
    NRM_TRY(NRM_ALLOC(ctx, r->a, w->count * j->d, WHO));
    if (j->q) NRM_TRY(NRM_ALLOC(ctx, r->b, w->count * j->q, WHO));
    for (int64_t k = 0; k < w->count; k++) {
        memcpy(r->a + k * j->d, w->rows + k * w->columns, (size_t)j->d * sizeof *r->a);
        if (j->q) memcpy(r->b + k * j->q, w->rows + k * w->columns + j->d, (size_t)j->q * sizeof *r->b);
    }
    return NRM_OK;
}

/* What the job holds becomes the result's. */
static void hand_over(nrm_coreset_job *j, nrm_lp_coreset_result *r)
{
    r->rows = j->kept.count;
    r->d = j->d;
    r->q = j->q;
    r->n = j->n;
    r->index = j->kept.index;
    r->weights = j->kept.weight;
    r->probabilities = j->shares;
    r->witness = j->want & NRM_LP_CORESET_WITNESS ? j->witness : NULL;
    j->kept.index = NULL;
    j->kept.weight = NULL;
    j->shares = NULL;
    if (r->witness) j->witness = NULL;
    if (j->want & NRM_LP_CORESET_SENSITIVITIES) r->sensitivities = j->scores.sensitivities, j->scores.sensitivities = NULL;
    if (j->want & NRM_LP_CORESET_LEWIS_WEIGHTS) r->lewis_weights = j->scores.lewis, j->scores.lewis = NULL;
}

static const char *scheme_word(int scheme)
{
#define NRM_SCHEME_WORD(constant, word) word,
    static const char *const words[] = {NRM_LP_CORESET_SCHEMES(NRM_SCHEME_WORD)};
    return words[scheme];
}

static void fill_info(nrm_coreset_job *j)
{
    const nrm_weighted_rows *w = &j->kept;

    j->info.scheme = scheme_word(j->scheme);
    j->info.p = j->o.p;
    j->info.rows_read = j->n;
    j->info.columns = j->columns;
    j->info.rows = w->count;
    j->info.passes = nrm_scaled_rows_passes(j->a);
    for (int64_t k = 0; k < w->count; k++) {
        j->info.least_weight = fmin(j->info.least_weight, w->weight[k]); /* NaN gives way */
        j->info.most_weight = fmax(j->info.most_weight, w->weight[k]);
    }
}

static void job_free(nrm_ctx *ctx, nrm_coreset_job *j)
{
    nrm_rows_close(ctx, j->a);
    nrm_rows_close(ctx, j->b);
    nrm_free(ctx, j->scale);
    nrm_free(ctx, j->user);
    nrm_free(ctx, j->shares);
    nrm_free(ctx, j->witness);
    nrm_coreset_scores_free(ctx, &j->scores);
    nrm_weighted_rows_free(ctx, &j->kept);
    nrm_weighted_rows_free(ctx, &j->reference);
}

static nrm_status work(nrm_ctx *ctx, nrm_coreset_job *j)
{
    NRM_TRY(agree(ctx, prepare(ctx, j)));
    NRM_TRY(choose_passes(ctx, j));
    j->scheme = choose_scheme(j);
    NRM_TRY(j->many ? nrm_coreset_draw(ctx, j) : nrm_coreset_merge(ctx, j));
    return j->o.audit ? nrm_coreset_audit(ctx, j) : NRM_OK;
}

nrm_status nrm_lp_coreset(nrm_ctx *ctx, const nrm_lp_coreset_input *in, unsigned want, nrm_lp_coreset_result *result,
                          nrm_lp_coreset_info *info, const nrm_lp_coreset_options *options)
{
    const double start = nrm_now();
    nrm_coreset_job j = {.remark = NRM_OK};
    nrm_lp_coreset_result made = {0};

    NRM_REQUIRE(ctx, result, NRM_E_NULL, WHO ": result must not be NULL");
    NRM_TRY(load(ctx, in, want, options, &j));
    j.info = (nrm_lp_coreset_info){.scores = "none", .rank = -1, .total_sensitivity = NAN, .least_weight = NAN, .most_weight = NAN,
                                   .lewis_error = NAN, .distortion = NAN};
    j.kept.columns = j.reference.columns = j.columns;
    nrm_status st = work(ctx, &j);
    if (st >= 0) st = agree(ctx, cut(ctx, &j, &made));
    if (st >= 0) {
        fill_info(&j);
        hand_over(&j, &made);
        *result = made;
        j.info.seconds = nrm_now() - start;
        if (info) *info = j.info;
        st = j.remark;
        if (st == NRM_NOT_CONVERGED)
            st = nrm_fail(ctx, st, WHO ": the scores are known less well than asked for (Lewis weights to %.2g); the coreset is "
                          "unbiased all the same", j.info.lewis_error);
    } else {
        nrm_lp_coreset_release(ctx, &made);
    }
    job_free(ctx, &j);
    return st;
}

void nrm_lp_coreset_release(nrm_ctx *ctx, nrm_lp_coreset_result *result)
{
    if (!result) return;
    nrm_free(ctx, result->index);
    nrm_free(ctx, result->weights);
    nrm_free(ctx, result->a);
    nrm_free(ctx, result->b);
    nrm_free(ctx, result->sensitivities);
    nrm_free(ctx, result->lewis_weights);
    nrm_free(ctx, result->probabilities);
    nrm_free(ctx, result->witness);
    *result = (nrm_lp_coreset_result){0};
}
