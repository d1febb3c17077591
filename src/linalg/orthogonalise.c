/* orthogonalise.c -- the coefficient sets, and the exact polar factor.
 * Contract: orthogonalise.h.  The iteration itself: newton_schulz.c. */
#include "orthogonalise.h"
#include "check.h"
#include "linalg.h"
#include <cblas.h>

/* ---- The table: a new set is one schedule and one row -------------------------------------- */

/* Steep at 0 (slope 3.4445^5 = 485 after five steps), never settling: singular values end
 * in [0.68, 1.13] from 0.01 on. */
static const nrm_quintic muon[] = {{3.4445, -4.7750, 2.0315}};
/* p(1) = 1, p'(1) = 0 (p''(1) = 0 too for the quintic): order 2 and 3, slow for small t. */
static const nrm_quintic cubic_classic[] = {{1.5, -0.5, 0}};
static const nrm_quintic quintic_classic[] = {{15.0 / 8, -10.0 / 8, 3.0 / 8}};
/* Greedy minimax: each step the best quintic on what the step before left. */
static const nrm_quintic polar_express[] = {
    {8.156554524902461, -22.48329292557795, 15.878769915207462},
    {4.042929935166739, -2.808917465908714, 0.5000178451051316},
    {3.8916678022926607, -2.772484153217685, 0.5060648178503393},
    {3.285753657755655, -2.3681294933425376, 0.46449024233003106},
    {2.3465413258596377, -1.7097828382687081, 0.42323551169305323},
};
/* The same from a longer run; all but the last row are divided by 1.01 in the argument, as
 * (1) divides by it. */
#define NRM_CUSHIONED(a, b, c) {(a) / 1.01, (b) / (1.01 * 1.01 * 1.01), (c) / (1.01 * 1.01 * 1.01 * 1.01 * 1.01)}
static const nrm_quintic polar_express8[] = {
    NRM_CUSHIONED(8.28721201814563, -23.595886519098837, 17.300387312530933),
    NRM_CUSHIONED(4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    NRM_CUSHIONED(3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    NRM_CUSHIONED(3.3184196573706015, -2.488488024314874, 0.51004894012372),
    NRM_CUSHIONED(2.300652019954817, -1.6689039845747493, 0.4188073119525673),
    NRM_CUSHIONED(1.891301407787398, -1.2679958271945868, 0.37680408948524835),
    {1.875, -1.25, 0.375},
};
static const nrm_quintic muon_then_settle[] = {
    {3.4445, -4.7750, 2.0315}, {3.4445, -4.7750, 2.0315}, {3.4445, -4.7750, 2.0315},
    {3.4445, -4.7750, 2.0315}, {3.4445, -4.7750, 2.0315}, {3.4445, -4.7750, 2.0315},
    {3.4445, -4.7750, 2.0315}, {3.4445, -4.7750, 2.0315}, {2, -1.5, 0.5},
};

#define NRM_SET(name_, schedule, steps, safety_, eps_, converges_, source_)                      \
    {.name = (name_), .source = (source_), .step = (schedule), .step_count = NRM_COUNT(schedule), \
     .default_steps = (steps), .safety = (safety_), .eps = (eps_), .converges = (converges_)}
static const nrm_newton_schulz_set sets[] = {
    NRM_SET("muon", muon, 5, 1, 1e-7, false, "Jordan et al., Muon, 2024"),
    NRM_SET("cubic_classic", cubic_classic, 15, 1, 1e-7, true, "Bjorck and Bowie, 1971"),
    NRM_SET("quintic_classic", quintic_classic, 10, 1, 1e-7, true, "Bjorck and Bowie, 1971"),
    NRM_SET("polar_express", polar_express, 5, 1.02, 1e-6, false, "Amsel et al., arXiv 2505.16932"),
    NRM_SET("polar_express8", polar_express8, 8, 1.01, 1e-7, true, "Amsel et al., arXiv 2505.16932"),
    NRM_SET("muon8+2", muon_then_settle, 10, 1, 1e-7, true, "Muon, then (2, -1.5, 0.5)"),
};

int nrm_newton_schulz_set_count(void) { return NRM_COUNT(sets); }

const nrm_newton_schulz_set *nrm_newton_schulz_set_at(int i)
{
    return i >= 0 && i < NRM_COUNT(sets) ? &sets[i] : NULL;
}

const nrm_newton_schulz_set *nrm_newton_schulz_set_find(const char *name)
{
    for (int i = 0; name && i < NRM_COUNT(sets); i++)
        if (strcmp(sets[i].name, name) == 0) return &sets[i];
    return NULL;
}

/* ---- The polar factor by the SVD ------------------------------------------------------------ */

nrm_status nrm_polar(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, const double *a, int64_t lda,
                     double rcond, double *o, int64_t ldo, int64_t *rank)
{
    nrm_arena arena = {0};
    nrm_status st;
    int64_t kept = 0;

    NRM_TRY(nrm_check_f64(ctx, who, "the matrix", 1, m, n, a, lda));
    NRM_TRY(nrm_check_shape(ctx, who, "the polar factor", 1, m, n, o, ldo));
    NRM_REQUIRE(ctx, rcond < 1, NRM_E_RANGE, "%s: rcond is %g; it must be below 1, negative for the default",
                who, rcond);
    if (rcond < 0) rcond = (double)nrm_max_i64(m, n) * 0x1p-52;
    const int64_t p = nrm_min_i64(m, n);
    const int u_slot = nrm_arena_add(&arena, m * p, sizeof(double));
    const int s_slot = nrm_arena_add(&arena, p, sizeof(double));
    const int vt_slot = nrm_arena_add(&arena, p * n, sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, who));
    double *u = nrm_arena_at(&arena, u_slot), *s = nrm_arena_at(&arena, s_slot), *vt = nrm_arena_at(&arena, vt_slot);

    NRM_TRY_DONE(nrm_svd(ctx, who, m, n, a, lda, u, s, vt));
    while (kept < p && s[kept] > rcond * s[0]) kept++;
    const nrm_blas_scope scope = nrm_blas_enter(ctx);
    for (int64_t i = 0; kept == 0 && i < m; i++) memset(o + i * ldo, 0, (size_t)n * sizeof *o);
    if (kept > 0)
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)kept, 1, u, (int)p, vt, (int)n,
                    0, o, (int)ldo);
    nrm_blas_leave(scope);
    if (rank) *rank = kept;
done:
    nrm_arena_free(ctx, &arena);
    return st;
}
