/* sort_typed.h -- the order of one row of numbers, for one type: REAL, BITS (unsigned, of its
 * size), T(name).  Part of op_sort.c. */

/* An unsigned integer that is the larger the earlier the number comes: -0 equals 0, and NaN
 * of either sign is the largest number. */
static inline uint64_t T(key)(REAL x, bool largest)
{
    const REAL value = x + 0; /* -0 becomes 0 */
    BITS bits, top = (BITS)1 << (8 * sizeof(BITS) - 1);
    memcpy(&bits, &value, sizeof bits);
    bits = x != x ? (BITS)-1 : (BITS)(bits ^ (bits & top ? (BITS)-1 : top)); /* negative: all bits turn; else the sign */
    return largest ? bits : (BITS)~bits;
}

/* A few: one scan that keeps a sorted list.  A group that holds nothing better than the last
 * of the list is passed over with one branch. */
static void T(top_few)(int64_t n, const REAL *x, int64_t k, bool largest, int64_t *index)
{
    uint64_t best[FEW];
    int64_t held = 0;
    for (int64_t i = 0; i < n;) {
        const int64_t end = nrm_min_i64(i + GROUP, n);
        if (held == k && end - i == GROUP) {
            const REAL last = x[index[k - 1]];
            int better = 0; /* or NaN, which the keys judge */
            if (largest) for (int j = 0; j < GROUP; j++) better |= !(x[i + j] <= last);
            else for (int j = 0; j < GROUP; j++) better |= !(x[i + j] >= last);
            if (!better) {
                i = end;
                continue;
            }
        }
        for (; i < end; i++) {
            const uint64_t key = T(key)(x[i], largest);
            if (held == k && key <= best[k - 1]) continue;
            int64_t place = held < k ? held++ : k - 1; /* strictly above: an equal in a lower place stays first */
            for (; place > 0 && key > best[place - 1]; place--) {
                best[place] = best[place - 1];
                index[place] = index[place - 1];
            }
            best[place] = key;
            index[place] = i;
        }
    }
}

/* Many: the k-th largest key divides; those above it and the first of its equals are sorted.
 * Where k is small against n, the k-th of the first n / SAMPLE keys is a lower bound that
 * leaves few to look at. */
static void T(top)(int64_t n, const REAL *x, int64_t k, bool largest, int64_t *index, entry *work)
{
    if (k <= FEW) {
        T(top_few)(n, x, k, largest, index);
        return;
    }
    entry *chosen = work, *other = work + n;
    uint64_t *key = (uint64_t *)(other + k), least = 0;
    int64_t above, held = 0;
    if (n >= SAMPLED && k <= n / SAMPLE) {
        for (int64_t i = 0; i < n / SAMPLE; i++) key[i] = T(key)(x[i], largest);
        least = nrm_select_key(key, n / SAMPLE, k, &above);
    }
    for (int64_t i = 0; i < n; i++) {
        chosen[held] = (entry){T(key)(x[i], largest), i};
        held += chosen[held].key >= least;
    }
    if (held > k) keep_first(held, k, chosen, key);
    chosen = sort_falling(k, chosen, other);
    for (int64_t i = 0; i < k; i++) index[i] = chosen[i].place;
}

static void T(run_top)(const nrm_op_run *r, int64_t n, int64_t k, int64_t outer, bool largest)
{
    const int64_t each = work_of(n, k);
    const REAL *x = r->in[0];
    int64_t *index = r->out;
#pragma omp parallel for num_threads(r->threads) schedule(static) if (outer > 1 && outer * n > ENOUGH)
    for (int64_t o = 0; o < outer; o++) {
        entry *work = (entry *)(void *)((char *)r->work + omp_get_thread_num() * each);
        T(top)(n, x + o * n, k, largest, index + o * k, work);
    }
}
