/* sketch.c -- the door to the sketches, and the draws they share.  Contract: sketch.h. */
#include "check.h"
#include "kernel/philox.h"
#include "linalg.h"
#include "sketch_family.h"
#include <limits.h>

enum { BATCH = 128 }; /* blocks of random bits at once */

/* ---- What the families share ----------------------------------------------------------------- */

nrm_status nrm_sketch_tick(nrm_ctx *ctx, const nrm_sketch_sum *sum, int64_t done)
{
    NRM_REQUIRE(ctx, !nrm_tick(ctx, "sketch", (double)done, (double)sum->plan.n, NULL, NAN), NRM_E_CANCELLED,
                "%s: stopped at row %lld of %lld of a sketch", sum->who, NRM_LL(done), NRM_LL(sum->plan.n));
    return NRM_OK;
}

nrm_status nrm_sketch_choose(nrm_ctx *ctx, const nrm_sketch_sum *sum, int64_t rows, int64_t *chosen)
{
    const nrm_sketch_plan *plan = &sum->plan;
    nrm_rng rng = nrm_sketch_rng(plan, NRM_SKETCH_CHOICE);

    if (plan->replace) {
        for (int64_t r = 0; r < plan->m; r++) chosen[r] = nrm_rng_below(&rng, rows);
        return NRM_OK;
    }
    NRM_REQUIRE(ctx, plan->m <= rows, NRM_E_RANGE, "%s: a sketch of %lld rows out of %lld without replacement; ask for "
                "%lld or fewer, or draw with replacement", sum->who, NRM_LL(plan->m), NRM_LL(rows), NRM_LL(rows));
    return nrm_rng_choice(ctx, &rng, chosen, plan->m, rows);
}

void nrm_sketch_scale(nrm_sketch_sum *sum, double factor)
{
    for (int64_t i = 0; i < sum->plan.m * sum->columns; i++) sum->values[i] *= factor;
}

void nrm_sketch_blocks(const nrm_sketch_plan *plan, uint64_t first, int64_t count, uint64_t *low, uint64_t *high)
{
    nrm_philox_kernels_for(nrm_cpu_isa())->blocks(plan->seed, plan->stream, first, count, low, high);
}

/* Bits from .. end - 1 as signs: fours from a table, the ends one by one. */
static void expand(uint64_t bits, int64_t from, int64_t end, double *sign)
{
    static const double fours[16][4] = {{1, 1, 1, 1},   {-1, 1, 1, 1},   {1, -1, 1, 1},   {-1, -1, 1, 1},
                                        {1, 1, -1, 1},  {-1, 1, -1, 1},  {1, -1, -1, 1},  {-1, -1, -1, 1},
                                        {1, 1, 1, -1},  {-1, 1, 1, -1},  {1, -1, 1, -1},  {-1, -1, 1, -1},
                                        {1, 1, -1, -1}, {-1, 1, -1, -1}, {1, -1, -1, -1}, {-1, -1, -1, -1}};
    int64_t k = from;
    for (; k + 4 <= end; k += 4) memcpy(sign + k - from, fours[bits >> k & 15], sizeof fours[0]);
    for (; k < end; k++) sign[k - from] = bits >> k & 1 ? -1 : 1;
}

void nrm_sketch_signs(const nrm_sketch_plan *plan, uint64_t start, int64_t first, int64_t count, double *sign)
{
    const int64_t end = first + count;
    uint64_t half[2][BATCH]; /* bits 0 .. 63 and 64 .. 127 of a block */

    for (int64_t i = first; i < end;) {
        const int64_t block = i / 128, blocks = nrm_min_i64(BATCH, (end + 127) / 128 - block);
        nrm_sketch_blocks(plan, start + (uint64_t)block, blocks, half[0], half[1]);
        for (int64_t h = 2 * block + (i % 128 >= 64); h < 2 * (block + blocks) && i < end; h++) {
            const int64_t stop = nrm_min_i64(end, 64 * h + 64);
            expand(half[h % 2][h / 2 - block], i - 64 * h, stop - 64 * h, sign + i - first);
            i = stop;
        }
    }
}

/* Pair by pair, from u in (0, 1] and angles in [0, 2 pi). */
void nrm_sketch_normals(const nrm_sketch_plan *plan, uint64_t first, int64_t pairs, double *x)
{
    uint64_t low[BATCH], high[BATCH];
    double u[BATCH], angle[BATCH], cosine[BATCH];

    for (int64_t at = 0; at < pairs; at += BATCH) {
        const int64_t count = nrm_min_i64(BATCH, pairs - at);
        nrm_sketch_blocks(plan, first + (uint64_t)at, count, low, high);
        for (int64_t p = 0; p < count; p++) {
            u[p] = 2 - nrm_one_to_two(low[p]);
            angle[p] = 6.283185307179586476925 * (nrm_one_to_two(high[p]) - 1);
        }
        nrm_box_muller(count, u, angle, cosine);
        for (int64_t p = 0; p < count; p++) {
            x[2 * (at + p)] = cosine[p];
            x[2 * (at + p) + 1] = angle[p];
        }
    }
}

/* ---- The door ---------------------------------------------------------------------------------- */

static const nrm_sketch_family *family_of(nrm_sketch_kind kind)
{
    switch (kind) {
    case NRM_SKETCH_GAUSSIAN:
    case NRM_SKETCH_SRCT: return &nrm_sketch_dense;
    case NRM_SKETCH_SRHT: return &nrm_sketch_hadamard;
    case NRM_SKETCH_BGP: return &nrm_sketch_pooled;
    case NRM_SKETCH_COUNTSKETCH:
    case NRM_SKETCH_OSNAP: return &nrm_sketch_sparse;
    }
    return NULL;
}

nrm_status nrm_sketch_begin(nrm_ctx *ctx, const char *who, const nrm_sketch_plan *plan, int64_t d, int64_t q,
                            nrm_sketch_sum **sum)
{
    const nrm_sketch_family *family = family_of(plan->kind);
    nrm_sketch_sum *s;
    int64_t columns, count;
    nrm_status st;

    *sum = NULL;
    NRM_REQUIRE(ctx, family, NRM_E_ARGUMENT, "%s: there is no sketch of kind %d", who, (int)plan->kind);
    NRM_REQUIRE(ctx, plan->m >= 1, NRM_E_RANGE, "%s: a sketch of %lld rows; it must have at least one", who,
                NRM_LL(plan->m));
    NRM_REQUIRE(ctx, plan->n >= 1 && d >= 0 && q >= 0 && (d > 0 || q > 0), NRM_E_SHAPE, "%s: a sketch of %lld rows "
                "and %lld + %lld columns; it must have at least one of each", who, NRM_LL(plan->n), NRM_LL(d), NRM_LL(q));
    NRM_REQUIRE(ctx, nrm_add_size(d, q, &columns) && columns <= INT_MAX && plan->m <= INT_MAX &&
                nrm_mul_size(plan->m, columns, &count) && plan->n <= INT64_MAX / 4, NRM_E_OVERFLOW,
                "%s: a sketch of %lld x %lld + %lld is too large", who, NRM_LL(plan->m), NRM_LL(d), NRM_LL(q));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, s, 1, who));
    *s = (nrm_sketch_sum){.who = who, .family = family, .plan = *plan, .d = d, .q = q, .columns = columns, .unit = 1,
                          .threads = nrm_threads(ctx)};
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, s->values, count, who));
    NRM_TRY_DONE(family->begin(ctx, s));
    *sum = s;
done:
    if (st < 0) nrm_sketch_end(ctx, s);
    return st;
}

int64_t nrm_sketch_unit(const nrm_sketch_sum *sum) { return sum->unit; }

nrm_status nrm_sketch_add(nrm_ctx *ctx, nrm_sketch_sum *sum, int64_t first, int64_t count, const double *a, int64_t lda,
                          const double *b, int64_t ldb)
{
    const int64_t n = sum->plan.n;
    const nrm_sketch_rows rows = {first, count, a, lda, b, ldb};

    NRM_REQUIRE(ctx, !sum->finished, NRM_E_ARGUMENT, "%s: rows come after the sketch was read; begin another", sum->who);
    NRM_REQUIRE(ctx, first >= 0 && count >= 0 && first <= n && count <= n - first &&
                (count == 0 || (first % sum->unit == 0 && (count % sum->unit == 0 || first + count == n))), NRM_E_SHAPE, "%s: rows %lld to %lld of %lld; a sketch "
                "takes whole chunks of %lld rows", sum->who, NRM_LL(first), NRM_LL(first + count), NRM_LL(n),
                NRM_LL(sum->unit));
    if (count == 0) return NRM_OK;
    if (sum->d > 0) NRM_TRY(nrm_check_shape(ctx, sum->who, "the matrix", 1, count, sum->d, a, lda));
    if (sum->q > 0) NRM_TRY(nrm_check_shape(ctx, sum->who, "the right-hand side", 1, count, sum->q, b, ldb));
    return sum->family->add(ctx, sum, &rows);
}

double *nrm_sketch_values(nrm_sketch_sum *sum)
{
    if (!sum->finished) sum->family->finish(sum);
    sum->finished = true;
    return sum->values;
}

void nrm_sketch_end(nrm_ctx *ctx, nrm_sketch_sum *sum)
{
    if (!sum) return;
    if (sum->state) sum->family->end(ctx, sum);
    nrm_free(ctx, sum->state);
    nrm_free(ctx, sum->values);
    nrm_free(ctx, sum);
}

static size_t span(int64_t rows, int64_t cols, int64_t ld)
{
    return rows > 0 && cols > 0 ? (size_t)((rows - 1) * ld + cols) * sizeof(double) : 0;
}

nrm_status nrm_sketch(nrm_ctx *ctx, const char *who, const nrm_sketch_plan *plan, int64_t d, const double *a, int64_t lda,
                      double *sa, int64_t ldsa)
{
    const int64_t m = plan->m, n = plan->n;
    nrm_sketch_sum *sum;
    nrm_status st;

    NRM_TRY(nrm_check_f64(ctx, who, "the matrix", 1, n, d, a, lda));
    NRM_TRY(nrm_check_shape(ctx, who, "the sketch", 1, m, d, sa, ldsa));
    NRM_REQUIRE(ctx, !nrm_overlap(a, span(n, d, lda), sa, span(m, d, ldsa)), NRM_E_ALIAS,
                "%s: the matrix and its sketch overlap; give the sketch memory of its own", who);
    NRM_TRY(nrm_sketch_begin(ctx, who, plan, d, 0, &sum));
    st = nrm_sketch_add(ctx, sum, 0, n, a, lda, NULL, 0);
    if (st >= 0) {
        const double *values = nrm_sketch_values(sum);
        for (int64_t i = 0; i < m; i++) memcpy(sa + i * ldsa, values + i * d, (size_t)d * sizeof *sa);
    }
    nrm_sketch_end(ctx, sum);
    return st;
}
