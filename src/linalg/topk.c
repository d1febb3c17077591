/* topk.c -- the k largest of n numbers.  Contracts: project.h, topk.h.
 *
 * Order: larger value first, then lower index; -0 equals 0, NaN counts as -Inf (callers
 * that care have refused it).
 *
 * A few (k <= FEW): one scan that keeps a sorted list.  A whole group of entries is
 * passed over with one branch, so the scan runs at the speed of the comparison.
 *
 * Many: a double becomes an unsigned integer of the same order.  The k-th largest is
 * found by counting into equal-width buckets between the least and the greatest key and
 * going on with the one bucket that holds it: every round shrinks the range of keys
 * 1024-fold, so at most seven rounds, O(n) for any input and no bad pivots.  Where k is
 * small against n, the k-th largest of the first n/8 entries is found first: it is a lower
 * bound, and of entries in no special order it leaves few to count.  Then one pass in
 * index order picks what lies above it and the first of its equals, and a stable merge
 * sort orders these k. */
#include "topk.h"
#include "project.h"

enum { FEW = 32, GROUP = 8, BUCKET_BITS = 10, BUCKETS = 1 << BUCKET_BITS, RUN = 8,
       SAMPLED = 1024, SAMPLE = 8 };

static void insert(double *best, int64_t *index, int64_t held, double value, int64_t i)
{
    int64_t place = held; /* strictly above: an equal of a lower index stays first */
    for (; place > 0 && value > best[place - 1]; place--) {
        best[place] = best[place - 1];
        index[place] = index[place - 1];
    }
    best[place] = value;
    index[place] = i;
}

static inline void top_few(const double *s, int64_t n, int64_t k, int64_t *index, bool magnitude)
{
    double best[FEW];
    int64_t i = 0;

    for (; i < k; i++) insert(best, index, i, nrm_rank_value(s[i], magnitude), i);
    while (i < n) {
        const int64_t end = nrm_min_i64(i + GROUP, n);
        if (end - i == GROUP) {
            const double least = best[k - 1];
            int above = 0;
            for (int j = 0; j < GROUP; j++) above |= (magnitude ? fabs(s[i + j]) : s[i + j]) > least;
            if (!above) {
                i = end;
                continue;
            }
        }
        for (; i < end; i++) {
            const double value = nrm_rank_value(s[i], magnitude);
            if (value > best[k - 1]) insert(best, index, k - 1, value, i);
        }
    }
}

uint64_t nrm_select_key(uint64_t *key, int64_t n, int64_t k, int64_t *above)
{
    *above = 0;
    for (;;) {
        uint64_t least = key[0], most = key[0];
        for (int64_t i = 1; i < n; i++) {
            least = key[i] < least ? key[i] : least;
            most = key[i] > most ? key[i] : most;
        }
        if (least == most) return least;

        int64_t count[BUCKETS] = {0}, kept = 0;
        uint64_t bucket = BUCKETS - 1;
        const int width = 64 - __builtin_clzll(most - least);
        const int shift = width > BUCKET_BITS ? width - BUCKET_BITS : 0;
        for (int64_t i = 0; i < n; i++) count[(key[i] - least) >> shift]++;
        for (; *above + count[bucket] < k; bucket--) *above += count[bucket];
        if (shift == 0) return least + bucket;
        for (int64_t i = 0; i < n; i++) {
            key[kept] = key[i];
            kept += (key[i] - least) >> shift == bucket;
        }
        n = kept;
    }
}

nrm_top_cut nrm_top_cut_find(const double *x, int64_t n, int64_t k, bool magnitude, int64_t *scratch)
{
    uint64_t *key = (uint64_t *)scratch;
    nrm_top_cut cut = {.magnitude = magnitude};
    int64_t above, held = 0;
    uint64_t least = 0;

    if (n >= SAMPLED && k <= n / SAMPLE) least = nrm_top_cut_find(x, n / SAMPLE, k, magnitude, scratch).key;
    for (int64_t i = 0; i < n; i++) {
        key[held] = nrm_rank_key(x[i], magnitude);
        held += key[held] >= least;
    }
    cut.key = nrm_select_key(key, held, k, &above);
    cut.equals = k - above;
    return cut;
}

/* Stable merge sort of index by falling value: runs by insertion, then merges to and fro
 * between index and scratch. */
static inline void sort_falling(const double *s, int64_t k, int64_t *index, int64_t *scratch, bool magnitude)
{
    int64_t *from = index, *to = scratch;

    for (int64_t start = 0; start < k; start += RUN)
        for (int64_t i = start + 1; i < nrm_min_i64(start + RUN, k); i++) {
            const int64_t moved = index[i];
            const double value = nrm_rank_value(s[moved], magnitude);
            int64_t place = i;
            for (; place > start && nrm_rank_value(s[index[place - 1]], magnitude) < value; place--)
                index[place] = index[place - 1];
            index[place] = moved;
        }
    for (int64_t width = RUN; width < k; width *= 2) {
        for (int64_t start = 0; start < k; start += 2 * width) {
            const int64_t middle = nrm_min_i64(start + width, k), end = nrm_min_i64(start + 2 * width, k);
            int64_t left = start, right = middle;
            for (int64_t i = start; i < end; i++) {
                const bool take_right =
                    left == middle || (right < end && nrm_rank_value(s[from[right]], magnitude) >
                                                          nrm_rank_value(s[from[left]], magnitude));
                to[i] = take_right ? from[right++] : from[left++];
            }
        }
        int64_t *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != index) memcpy(index, from, (size_t)k * sizeof *index);
}

static inline void top(const double *s, int64_t n, int64_t k, int64_t *index, int64_t *scratch, bool magnitude)
{
    k = nrm_min_i64(k, n);
    if (k <= 0) return;
    if (k <= FEW) {
        top_few(s, n, k, index, magnitude);
        return;
    }
    nrm_top_cut cut = nrm_top_cut_find(s, n, k, magnitude, scratch);
    for (int64_t i = 0, held = 0; held < k; i++) {
        index[held] = i;
        held += nrm_top_cut_keeps(&cut, s[i]);
    }
    sort_falling(s, k, index, scratch, magnitude);
}

void nrm_top_k(const double *s, int64_t n, int64_t k, int64_t *index, int64_t *scratch)
{
    top(s, n, k, index, scratch, false);
}

void nrm_top_k_magnitude(const double *s, int64_t n, int64_t k, int64_t *index, int64_t *scratch)
{
    top(s, n, k, index, scratch, true);
}
