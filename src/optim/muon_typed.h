/* muon_typed.h -- one step of muon.c for a matrix, included once for each REAL, with
 * TYPED(name), KERNELS (the table's type) and KERNELS_FOR.  No include guard on purpose. */

/* M and U, in blocks of fixed size. */
static void TYPED(look_ahead)(const nrm_rule_piece *p, const nrm_momentum_factors *f, REAL *u)
{
    const KERNELS *k = KERNELS_FOR(nrm_cpu_isa());
    const REAL *g = p->gradient;
    REAL *m = p->state[0];

#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->n; i += NRM_OPTIMIZER_BLOCK)
        k->momentum(nrm_min_i64(NRM_OPTIMIZER_BLOCK, p->n - i), f, g + i, m + i, u + i);
}

static void TYPED(descend)(const nrm_rule_piece *p, double keep, double rate, const REAL *o)
{
    const KERNELS *k = KERNELS_FOR(nrm_cpu_isa());
    REAL *w = p->parameter;

#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->n; i += NRM_OPTIMIZER_BLOCK)
        k->descend(nrm_min_i64(NRM_OPTIMIZER_BLOCK, p->n - i), keep, rate, o + i, w + i);
}

/* The polar factor, found in f64 behind u, back in u. */
static const REAL *TYPED(exact)(const nrm_rule_piece *p, REAL *u)
{
    double *wide = (double *)((unsigned char *)p->work + padded(p->n * (int64_t)sizeof(REAL)));

    for (int64_t i = 0; i < p->n; i++) wide[i] = (double)u[i];
    nrm_polar_run(p->rows, p->cols, wide);
    for (int64_t i = 0; i < p->n; i++) u[i] = (REAL)wide[i];
    return u;
}

static void TYPED(update)(const nrm_rule_piece *p)
{
    const nrm_muon_options *o = p->options;
    REAL *u = p->work;
    muon_factors f;

    memcpy(&f, p->factors, sizeof f);
    TYPED(look_ahead)(p, &f.momentum, u);
    const REAL *q = o->coefficients == NRM_ORTHOGONALISE_EXACT
                        ? TYPED(exact)(p, u)
                        : TYPED(nrm_newton_schulz_run)(p->rows, p->cols, u, coefficient_set(o), (int)o->steps, p->threads);
    TYPED(descend)(p, f.keep, f.eta * matrix_scale(o->scale, (double)p->rows, (double)p->cols), q);
}
