/* orthogonalize_typed.h -- the body of orthogonalize.c, included once for each REAL, with
 * TYPED(name) and NEWTON_SCHULZ.  No include guard on purpose. */

static void TYPED(widen)(int64_t m, int64_t n, const REAL *a, int64_t lda, double *wide)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) wide[i * n + j] = (double)a[i * lda + j];
}

static nrm_status TYPED(check)(nrm_ctx *ctx, int64_t m, int64_t n, const REAL *a, int64_t lda, const REAL *q, int64_t ldq)
{
    NRM_TRY(TYPED(nrm_check)(ctx, WHO, "a", 1, m, n, a, lda));
    NRM_TRY(nrm_check_shape(ctx, WHO, "q", 1, m, n, q, ldq));
    const size_t from = (size_t)((m - 1) * lda + n) * sizeof *a, to = (size_t)((m - 1) * ldq + n) * sizeof *q;
    NRM_REQUIRE(ctx, (a == q && lda == ldq) || !nrm_overlap(a, from, q, to), NRM_E_ALIAS,
                WHO ": a and q overlap; make them the same with one stride, or separate");
    return NRM_OK;
}

/* The polar factor through f64: x is a on entry. */
static nrm_status TYPED(exact)(nrm_ctx *ctx, int64_t m, int64_t n, REAL *x, double *wide, double rcond,
                               nrm_orthogonalize_info *info)
{
    TYPED(widen)(m, n, x, n, wide);
    const nrm_alone before = nrm_alone_enter(ctx);
    const nrm_status st = nrm_polar(ctx, WHO, m, n, wide, n, rcond, wide, n, &info->rank);
    nrm_alone_leave(ctx, before);
    if (st < 0) return st;
    for (int64_t i = 0; i < m * n; i++) x[i] = (REAL)wide[i];
    TYPED(widen)(m, n, x, n, wide);
    return nrm_orthogonality_residual(ctx, WHO, m, n, wide, n, &info->residual);
}

/* x becomes the result; info all but seconds.  wide, other: m x n of work, other for compare. */
static nrm_status TYPED(compute)(nrm_ctx *ctx, int64_t m, int64_t n, const REAL *a, int64_t lda, const plan *p,
                                 const nrm_orthogonalize_options *o, REAL *x, double *wide, double *other,
                                 nrm_orthogonalize_info *info)
{
    const double rcond = o->rcond > 0 ? o->rcond : -1;

    *info = (nrm_orthogonalize_info){.source = p->set.name, .steps = p->steps, .expected = p->expected, .error = NAN,
                                     .largest = NAN, .smallest = NAN, .rank = -1};
    for (int64_t i = 0; i < m; i++) memcpy(x + i * n, a + i * lda, (size_t)n * sizeof *x);
    if (p->exact) NRM_TRY(TYPED(exact)(ctx, m, n, x, wide, rcond, info));
    else NRM_TRY(NEWTON_SCHULZ(ctx, WHO, m, n, x, n, &p->set, p->steps, &info->residual));
    TYPED(widen)(m, n, a, lda, wide);
    info->norm = nrm_norm_frobenius(m, n, wide, n);
    if (!o->compare) return NRM_OK;
    TYPED(widen)(m, n, x, n, other);
    return compare(ctx, m, n, wide, other, rcond, info);
}

nrm_status TYPED(nrm_orthogonalize)(nrm_ctx *ctx, int64_t m, int64_t n, const REAL *a, int64_t lda, int64_t count,
                                    const double *triples, REAL *q, int64_t ldq, nrm_orthogonalize_info *info,
                                    const nrm_orthogonalize_options *options)
{
    const double start = nrm_now();
    nrm_orthogonalize_options o;
    nrm_orthogonalize_info found;
    nrm_arena arena = {0};
    nrm_status st;
    plan p;

    NRM_TRY(nrm_options_load(ctx, &nrm_orthogonalize_method, options, &o));
    NRM_TRY(TYPED(check)(ctx, m, n, a, lda, q, ldq));
    NRM_TRY(make_plan(ctx, &o, m, n, count, triples, &p));
    const int x_slot = nrm_arena_add(&arena, m * n, sizeof(REAL));
    const int wide_slot = nrm_arena_add(&arena, m * n, sizeof(double));
    const int other_slot = nrm_arena_add(&arena, o.compare ? m * n : 0, sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, WHO));
    REAL *x = nrm_arena_at(&arena, x_slot);

    NRM_TRY_DONE(TYPED(compute)(ctx, m, n, a, lda, &p, &o, x, nrm_arena_at(&arena, wide_slot),
                                nrm_arena_at(&arena, other_slot), &found));
    for (int64_t i = 0; i < m; i++) memcpy(q + i * ldq, x + i * n, (size_t)n * sizeof *q);
    found.seconds = nrm_now() - start;
    if (info) *info = found;
done:
    nrm_arena_free(ctx, &arena);
    return st;
}
