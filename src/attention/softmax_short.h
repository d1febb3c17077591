/* softmax_short.h -- rows that need no passes: narrow ones side by side, and those of one
 * block straight through their kernels.  Part of softmax_rows.h. */

/* z of `count` <= k->lanes rows, turned so that a lane is a row; the other lanes are 0. */
static void T(turn)(const T(task) *t, int64_t first, int64_t count, REAL *z)
{
    const nrm_softmax_mask *mask = t->mask;
    const int64_t n = t->columns, lanes = t->k->lanes;
    const REAL alpha = (REAL)t->plan->o.alpha;

    for (int64_t r = 0; r < count; r++)
        for (int64_t i = 0; i < n; i++) z[i * lanes + r] = t->x[(first + r) * t->ldx + i];
    for (int64_t r = count; r < lanes; r++)
        for (int64_t i = 0; i < n; i++) z[i * lanes + r] = 0;
    if (alpha == 1 && !mask->bias && !mask->keep && !mask->lengths) return;
    for (int64_t r = 0; r < count; r++) {
        const REAL *bias = mask->bias ? (const REAL *)mask->bias + (first + r) * mask->bias_stride : NULL;
        const uint8_t *keep = mask->keep ? mask->keep + (first + r) * mask->keep_stride : NULL;
        const int64_t length = mask->lengths ? mask->lengths[first + r] : n;
        for (int64_t i = 0; i < n; i++) {
            REAL *v = &z[i * lanes + r];
            *v = i < length && !(keep && !keep[i]) ? alpha * *v + (bias ? bias[i] : 0) : -(REAL)INFINITY;
        }
    }
}

/* k->lanes rows side by side. */
static void T(narrow_rows)(T(task) *t, int64_t first, int64_t count, int slot)
{
    REAL z[NRM_SOFTMAX_NARROW * NRM_SOFTMAX_MOST_LANES], s[NRM_SOFTMAX_MOST_LANES], e[NRM_SOFTMAX_MOST_LANES];
    const int64_t n = t->columns, lanes = t->k->lanes;

    T(turn)(t, first, count, z);
    t->k->narrow(n, z, s, e);
    for (int64_t r = 0; r < count; r++) {
        const nrm_extexp total = {(double)s[r], (double)e[r]};
        REAL *y = t->y + (first + r) * t->ldy;
        double hi, lo;
        if (!nrm_extexp_sane(total)) {
            T(one_row)(t, first + r, slot);
            continue;
        }
        for (int64_t i = 0; i < n; i++) y[i] = z[i * lanes + r];
        if (!t->lse) continue;
        nrm_extexp_log(total, &hi, &lo);
        t->lse[first + r] = hi + lo;
    }
}

/* A row of one block in cache, straight through its kernels: in registers if it fits them,
 * else maximum, exponentials, scaling.  False where the row needs more; it is then as it
 * was, or has a NaN. */
static bool T(direct_row)(const T(task) *t, int64_t r, int slot)
{
    const nrm_softmax_mask *mask = t->mask;
    const KERNELS *k = t->k;
    const int64_t n = t->columns;
    SPAN s = {.x = t->x + r * t->ldx, .n = n, .alpha = (REAL)t->plan->o.alpha, .far = t->plan->far};
    REAL *y = t->y + r * t->ldy, *kept = t->buffers ? t->buffers + slot * n : y;
    nrm_extexp total;

    if (mask->keep) s.keep = mask->keep + r * mask->keep_stride;
    if (mask->bias) s.bias = (const REAL *)mask->bias + r * mask->bias_stride;
    if (n <= k->row_most && t->plan->short_rows) {
        total = k->row(&s, y);
        if (!nrm_extexp_sane(total)) return false;
    } else {
        const REAL e = T(exponent_of)(k->maximum(&s));
        if (!nrm_extexp_sane((nrm_extexp){1, (double)e})) return false;
        total = (nrm_extexp){k->pair_store(&s, kept, e), (double)e};
        if (!nrm_extexp_sane(total)) return false;
        k->scale(n, kept, y, (REAL)(1 / total.mantissa), t->plan->stream);
    }
    if (t->lse) {
        double hi, lo;
        nrm_extexp_log(total, &hi, &lo);
        t->lse[r] = hi + lo;
    }
    return true;
}

static bool T(is_direct)(const T(task) *t)
{
    const nrm_softmax_plan *plan = t->plan;
    return t->columns > 1 && t->columns <= plan->o.block && !t->mask->lengths && plan->o.alpha != 0 &&
           plan->algorithm == NRM_SOFTMAX_BLOCK_RELOAD;
}

/* Rows that are narrow for any number of rows, so that a row's bits do not depend on it. */
static bool T(is_narrow)(const T(task) *t)
{
    return t->plan->short_rows && t->columns > 1 && t->columns <= NRM_SOFTMAX_NARROW && t->plan->o.alpha != 0;
}
