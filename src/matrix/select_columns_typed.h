/* select_columns_typed.h -- the body of select_columns.c, included once for each REAL, with
 * TYPED(name) and DTYPE.  No include guard on purpose. */

/* The power of two that brings the largest entry of a into [1, 2); 1 where all are 0. */
static double TYPED(unit_of)(int64_t m, int64_t n, const REAL *a, int64_t lda)
{
    double most = 0;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) most = fmax(most, fabs((double)a[i * lda + j]));
    return most > 0 ? ldexp(1, (int)nrm_min_i64(-ilogb(most), 1022)) : 1;
}

static void TYPED(scale)(int64_t n, double unit, REAL *x)
{
    for (int64_t i = 0; i < n; i++) x[i] = (REAL)((double)x[i] * unit);
}

/* unit |x - y|_F, y NULL: unit |x|_F; x has row stride ldx, y is contiguous. */
static double TYPED(distance)(int64_t m, int64_t n, const REAL *x, int64_t ldx, const REAL *y, double unit)
{
    double sum = 0;
    for (int64_t i = 0; i < m; i++) {
        double row = 0;
        for (int64_t j = 0; j < n; j++) {
            const double off = unit * ((double)x[i * ldx + j] - (y ? (double)y[i * n + j] : 0));
            row += off * off;
        }
        sum += row;
    }
    return sqrt(sum);
}

static nrm_status TYPED(check)(nrm_ctx *ctx, const plan *p, const REAL *a, int64_t lda, const int64_t *index,
                               const REAL *projection, const REAL *approximation, const double *scores)
{
    const int64_t m = p->rows, n = p->cols;

    NRM_TRY(TYPED(nrm_check)(ctx, WHO, "a", 1, m, n, a, lda));
    NRM_REQUIRE(ctx, index && projection, NRM_E_NULL, WHO ": index and projection must not be NULL");
    const size_t from = (size_t)((m - 1) * lda + n) * sizeof *a;
    const bool apart = !nrm_overlap(a, from, index, (size_t)p->rank * sizeof *index) &&
                       !nrm_overlap(a, from, projection, (size_t)p->low * sizeof *projection) &&
                       !(approximation && nrm_overlap(a, from, approximation, (size_t)(m * n) * sizeof *approximation)) &&
                       !(scores && nrm_overlap(a, from, scores, (size_t)p->length * sizeof *scores));
    NRM_REQUIRE(ctx, apart, NRM_E_ALIAS, WHO ": an output overlaps a; make them separate");
    return NRM_OK;
}

/* What the best projection of the rank leaves of a. */
static nrm_status TYPED(best)(nrm_ctx *ctx, const plan *p, const REAL *a, int64_t lda, double unit, double norm,
                              double *best)
{
    const int64_t m = p->rows, n = p->cols, s = nrm_min_i64(m, n);
    double *wide, *sigma = NULL, sum = 0;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(ctx, wide, m * n, WHO));
    const nrm_alone before = nrm_alone_enter(ctx);
    NRM_TRY_DONE(NRM_ALLOC(ctx, sigma, s, WHO));
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) wide[i * n + j] = norm > 0 ? unit * (double)a[i * lda + j] / norm : 0;
    NRM_TRY_DONE(nrm_svd(ctx, WHO, m, n, wide, n, NULL, sigma, NULL));
    for (int64_t i = s - 1; i >= p->rank; i--) sum += sigma[i] * sigma[i];
    *best = sqrt(sum);
done:
    nrm_alone_leave(ctx, before);
    nrm_free(ctx, wide);
    nrm_free(ctx, sigma);
    return st;
}

/* All results in the arena.  In units in which no square of an entry leaves the range of f64. */
static nrm_status TYPED(compute)(nrm_ctx *ctx, const plan *p, const REAL *a, int64_t lda, const nrm_basis_view *v, places *at,
                                 nrm_select_columns_info *info)
{
    const int64_t m = p->rows, n = p->cols;
    REAL *x = at->x;
    int64_t where;
    const double unit = TYPED(unit_of)(m, n, a, lda);

    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) x[i * n + j] = (REAL)(unit * (double)a[i * lda + j]);
    nrm_basis_forward(v, x, at->s);
    const double *score = nrm_basis_scores(v, p->ell_norm, at->s);
    for (int64_t i = 0; i < p->length; i++) at->score[i] = (p->ell_norm == 2 ? sqrt(score[i]) : score[i]) / unit;
    nrm_basis_select(v, p->ell_norm, false, at->s, at->index);
    nrm_basis_take(v, at->s, at->index, at->low);
    nrm_basis_up(v, at->low, at->index, x);
    TYPED(scale)(p->low, 1 / unit, at->low);
    TYPED(scale)(m * n, 1 / unit, x);
    NRM_REQUIRE(ctx, TYPED(nrm_all_finite)(at->low, p->low, &where) && TYPED(nrm_all_finite)(x, m * n, &where), NRM_E_OVERFLOW,
                WHO ": the projection is out of the range of its type; scale a down");
    const double norm = TYPED(distance)(m, n, a, lda, NULL, unit);
    info->norm = norm / unit;
    info->residual = norm > 0 ? TYPED(distance)(m, n, a, lda, x, unit) / norm : 0;
    const int64_t width = p->right ? p->rank : n;
    const double held = norm > 0 ? TYPED(distance)(p->low / width, width, at->low, width, NULL, unit) / norm : 1;
    info->captured = held * held;
    return p->compare ? TYPED(best)(ctx, p, a, lda, unit, norm, &info->best) : NRM_OK;
}

nrm_status TYPED(nrm_select_columns)(nrm_ctx *ctx, int64_t m, int64_t n, const REAL *a, int64_t lda, int64_t *index,
                                     REAL *projection, REAL *approximation, double *scores, nrm_select_columns_info *info,
                                     const nrm_select_columns_options *options)
{
    const double start = nrm_now();
    nrm_select_columns_info found;
    nrm_basis *basis = NULL;
    nrm_arena arena = {0};
    nrm_status st;
    places at;
    plan p = {0};

    NRM_TRY(make_plan(ctx, m, n, options, &p));
    NRM_TRY(TYPED(check)(ctx, &p, a, lda, index, projection, approximation, scores));
    NRM_TRY_DONE(nrm_basis_create(ctx, WHO, p.kind, p.transform, p.length, nrm_seed(ctx), DTYPE, &basis));
    NRM_TRY_DONE(lay_out(ctx, &p, DTYPE, &arena, &at));
    const nrm_basis_view v = {.basis = basis, .right = p.right, .rows = m, .cols = n, .rank = p.rank,
                              .threads = nrm_threads(ctx), .work = at.work};
    found = (nrm_select_columns_info){.side = p.right ? "right" : "left", .length = p.length, .rank = p.rank,
                                      .bound = sqrt(1 - (double)p.rank / (double)p.length), .best = NAN};
    NRM_TRY_DONE(TYPED(compute)(ctx, &p, a, lda, &v, &at, &found));
    if (scores) NRM_TRY_DONE(check_scores(ctx, &p, at.score));
    memcpy(index, at.index, (size_t)p.rank * sizeof *index);
    memcpy(projection, at.low, (size_t)p.low * sizeof *projection);
    if (approximation) memcpy(approximation, at.x, (size_t)(m * n) * sizeof *approximation);
    if (scores) memcpy(scores, at.score, (size_t)p.length * sizeof *scores);
    found.seconds = nrm_now() - start;
    if (info) *info = found;
done:
    nrm_basis_destroy(ctx, basis);
    nrm_arena_free(ctx, &arena);
    return st;
}
