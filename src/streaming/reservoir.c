/* reservoir.c -- a uniform sample of the rows, and what it says about |A v|^2.
 * Contract: stream.h.
 *
 * Row t (from 0) draws j uniform in 0 .. t and takes place j if j < capacity (Vitter's
 * algorithm R).  The draw is a function of t alone, so nothing but the count is state.
 *
 * The estimate is stratified: rows that the algorithm holds exactly are known, and those
 * of the sample that are not among them are a uniform sample of all the others:
 *     |A v|^2 = sum_exact (a.v)^2 + n' mean,   half width 1.96 n' s / sqrt(m') sqrt(1 - m'/n')
 * The rows of the sample were also used to find v: with m much smaller than n that bias is
 * far below the width. */
#include "stream.h"
#include "base/random.h"

void nrm_reservoir_destroy(nrm_ctx *ctx, nrm_reservoir *r)
{
    nrm_free(ctx, r->rows);
    nrm_free(ctx, r->numbers);
}

static int64_t held(const nrm_reservoir *r) { return nrm_min_i64(r->seen, r->capacity); }

void nrm_reservoir_absorb(nrm_reservoir *r, uint64_t seed, const nrm_batch *batch)
{
    for (int64_t i = 0; i < batch->count && r->capacity > 0; i++, r->seen++) {
        int64_t place = r->seen;
        if (place >= r->capacity) {
            nrm_rng rng = nrm_rng_make(seed, NRM_STREAM_AUDIT);
            rng.block = (uint64_t)r->seen;
            place = (int64_t)(nrm_rng_uniform(&rng) * (double)(r->seen + 1));
        }
        if (place >= r->capacity) continue;
        nrm_row_copy(batch, i, r->rows + place * r->columns);
        r->numbers[place] = batch->first + i;
    }
}

/* Of the result's places, so many come from the other sample as in drawing without
 * replacement from both populations; which ones go and which come is drawn place by place. */
void nrm_reservoir_merge(nrm_reservoir *r, const nrm_reservoir *other, uint64_t seed)
{
    const int64_t mine = held(r), theirs = held(other), total = r->seen + other->seen;
    const int64_t places = nrm_min_i64(total, r->capacity);
    int64_t from_other = 0, left = r->seen, left_other = other->seen, next = 0;
    nrm_rng rng = nrm_rng_make(seed, NRM_STREAM_MERGE);

    if (r->capacity == 0) return;
    rng.block = (uint64_t)total * 4;
    for (int64_t i = 0; i < places; i++) {
        if (nrm_rng_below(&rng, left + left_other) < left_other) {
            from_other++;
            left_other--;
        } else {
            left--;
        }
    }
    int64_t replace = mine - (places - from_other); /* of my rows, so many go */
    int64_t take = from_other;
    for (int64_t i = 0; i < places; i++) {
        if (i < mine) {
            if (nrm_rng_below(&rng, mine - i) >= replace) continue;
            replace--;
        }
        while (nrm_rng_below(&rng, theirs - next) >= take) next++;
        memcpy(r->rows + i * r->columns, other->rows + next * r->columns, (size_t)r->columns * sizeof *r->rows);
        r->numbers[i] = r->seen + other->numbers[next];
        next++;
        take--;
    }
    r->seen = total;
}

static bool is_exact(const int64_t *exact, int64_t count, int64_t number)
{
    for (int64_t i = 0; i < count; i++)
        if (exact[i] == number) return true;
    return false;
}

void nrm_reservoir_audit(const nrm_reservoir *r, const double *v, double known, const int64_t *exact,
                         int64_t exact_count, nrm_top_eigenvector_info *info)
{
    const nrm_ordered_kernels *kernels = nrm_ordered_kernels_for(nrm_cpu_isa());
    double m = 0, mean = 0, spread = 0;
    const double others = (double)(r->seen - exact_count);

    if (r->capacity == 0 || r->seen == 0) return;
    for (int64_t i = 0; i < held(r); i++) {
        if (is_exact(exact, exact_count, r->numbers[i])) continue;
        const double x = kernels->dot(r->columns, r->rows + i * r->columns, v), delta = x * x - mean;
        m += 1;
        mean += delta / m;
        spread += delta * (x * x - mean);
    }
    double half = others > 0 ? (double)INFINITY : 0; /* nothing is known of the others */
    if (m > 1) half = 1.96 * others * sqrt(spread / (m - 1) / m) * sqrt(fmax(0, 1 - m / others));
    info->audit = known + others * mean;
    info->audit_low = fmax(known, info->audit - half);
    info->audit_high = info->audit + half;
}
