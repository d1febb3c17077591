/* orthogonalise.h -- matrices brought to (or near) their orthogonal polar factor.  Private.
 *
 * For G = U S V' (m x n, s = min(m, n), l = max(m, n)) the polar factor is U V'.
 * Newton-Schulz reaches for it with products alone: on the smaller side, X = G (or G'),
 *     X <- X / (safety |X|_F + eps)                                                    (1)
 *     A = X X',   X <- a X + (b A + c A^2) X            steps times                    (2)
 * which maps every singular value by p(t) = a t + b t^3 + c t^5 and leaves the singular
 * vectors alone; zero rows and columns stay exactly zero. */
#ifndef NRM_ORTHOGONALISE_H
#define NRM_ORTHOGONALISE_H

#include "base/base.h"

typedef struct nrm_quintic { double a, b, c; } nrm_quintic;

/* A named schedule: step k uses step[k], the last one from then on. */
typedef struct nrm_newton_schulz_set {
    const char *name, *source;
    const nrm_quintic *step;
    int step_count;
    int default_steps;
    double safety, eps; /* of (1) */
    bool converges;     /* singular values in (0, 1] go to 1; others only come near it */
} nrm_newton_schulz_set;

int nrm_newton_schulz_set_count(void);
const nrm_newton_schulz_set *nrm_newton_schulz_set_at(int i);              /* NULL out of range */
const nrm_newton_schulz_set *nrm_newton_schulz_set_find(const char *name); /* NULL if unknown */

/* (1) and (2) on x (m x n, row stride ld), in place; steps 0 means the set's own number.
 * *residual (may be NULL): |X X' - I|_F / sqrt(s), the root mean square of (t^2 - 1) over
 * the singular values t of the result.  f32 computes in f32 with the norm in f64.
 * NRM_E_CANCELLED, _NONFINITE, _NOMEM ... leave x as it was; a result that overflows (a set
 * whose polynomial grows on (0, 1]) is NRM_E_OVERFLOW.  3 s^2 l + s^3 multiply-adds a step. */
nrm_status nrm_newton_schulz(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, double *x, int64_t ld,
                             const nrm_newton_schulz_set *set, int steps, double *residual);
nrm_status nrm_newton_schulz_f32(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, float *x, int64_t ld,
                                 const nrm_newton_schulz_set *set, int steps, double *residual);

/* The residual alone, of any x. */
nrm_status nrm_orthogonality_residual(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, const double *x,
                                      int64_t ld, double *residual);

/* U V' by the SVD into o (m x n, stride ldo; may be a itself).  Singular values at or below
 * rcond times the largest (rcond < 0: eps max(m, n)) count as 0 and add nothing; *rank
 * (may be NULL) tells how many did not. */
nrm_status nrm_polar(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, const double *a, int64_t lda,
                     double rcond, double *o, int64_t ldo, int64_t *rank);

#endif
