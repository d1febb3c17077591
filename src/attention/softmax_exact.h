/* softmax_exact.h -- rows that no fast pass can do: with NaN, infinities, everything
 * excluded, entries beyond +-130000, alpha = 0 or a single column.  Three passes in f64
 * with an explicit maximum; the policies of the options are decided here.  Part of
 * softmax_rows.h. */

static double T(exact_z)(const T(job) *j, int64_t i) { return T(entry)(&j->row, j->t->plan->o.alpha, i); }

/* part = (entries that are +inf, the maximum); NaN in both where one is found. */
static void T(pass_exact_scan)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const int64_t n = T(piece)(j, b, &start).n;
    nrm_extexp part = {0, -INFINITY};

    for (int64_t i = 0; i < n && !isnan(part.mantissa); i++) {
        const double z = T(exact_z)(j, start + i);
        if (isnan(z)) part = (nrm_extexp){NAN, NAN};
        else {
            part.mantissa += z == INFINITY;
            part.exponent = fmax(part.exponent, z);
        }
    }
    j->part[b] = part;
}

static void T(pass_exact_sum)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const int64_t n = T(piece)(j, b, &start).n;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += exp(T(exact_z)(j, start + i) - j->top);
    j->part[b].mantissa = sum;
}

static void T(pass_exact_write)(void *job, int64_t b)
{
    T(job) *j = job;
    const bool log_wanted = j->t->plan->o.log;
    int64_t start;
    const int64_t n = T(piece)(j, b, &start).n;

    for (int64_t i = 0; i < n; i++) {
        const double z = T(exact_z)(j, start + i);
        double log_y = (z - j->top) - j->value; /* value = log of the sum */
        if (j->at_infinity) log_y = z == INFINITY ? -j->value : -INFINITY;
        j->y[start + i] = (REAL)(log_wanted ? log_y : j->at_infinity ? (z == INFINITY ? 1 / j->total : 0)
                                                                     : exp(z - j->top) / j->total);
    }
}

static void T(pass_exact_fill)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const int64_t n = T(piece)(j, b, &start).n;
    for (int64_t i = 0; i < n; i++) j->y[start + i] = (REAL)j->value;
}

/* The row is one value, also beyond its length unless that is simply excluded. */
static T(outcome) T(exact_fill)(T(job) *j, double value, REAL *rest)
{
    j->value = value;
    *rest = (REAL)value;
    return !j->y || T(sweep)(j, T(pass_exact_fill), false) ? T(DONE) : T(STOPPED);
}

static T(outcome) T(exact_row)(T(job) *j, REAL *rest)
{
    const nrm_softmax_options *o = &j->t->plan->o;
    double infinite = 0;

    if (j->row.n != 1 || !isfinite(T(exact_z)(j, 0))) { /* a single finite column is not counted as slow */
#pragma omp atomic
        j->t->slow_rows++;
    }
    if (!T(sweep)(j, T(pass_exact_scan), false)) return T(STOPPED);
    j->top = -INFINITY;
    for (int64_t b = 0; b < j->blocks; b++) {
        infinite += j->part[b].mantissa;
        j->top = j->top > j->part[b].exponent ? j->top : j->part[b].exponent;
    }
    j->lse = isnan(infinite) ? NAN : j->top;
    if (isnan(infinite) || (infinite > 0 && o->infinity == NRM_SOFTMAX_INFINITY_NAN))
        return T(exact_fill)(j, NAN, rest);
    if (j->top == -INFINITY) {
        const double even = o->log ? -log((double)j->t->columns) : 1 / (double)j->t->columns;
        if (o->all_masked == NRM_SOFTMAX_EMPTY_UNIFORM) return T(exact_fill)(j, even, rest);
        if (o->all_masked == NRM_SOFTMAX_EMPTY_NAN) return T(exact_fill)(j, NAN, rest);
        return T(exact_fill)(j, o->log ? -INFINITY : 0, rest);
    }
    j->at_infinity = infinite > 0;
    j->total = infinite;
    if (!j->at_infinity) {
        if (!T(sweep)(j, T(pass_exact_sum), false)) return T(STOPPED);
        for (int64_t b = 0; b < j->blocks; b++) j->total += j->part[b].mantissa;
        j->lse = j->top + log(j->total);
    }
    j->value = log(j->total);
    return !j->y || T(sweep)(j, T(pass_exact_write), false) ? T(DONE) : T(STOPPED);
}
