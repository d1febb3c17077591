/* orthogonalise.h -- matrices brought to (or near) their orthogonal polar factor.  Private.
 *
 * For G = U S V' (m x n, s = min(m, n), l = max(m, n)) the polar factor is U V'.
 * Newton-Schulz reaches for it with products alone: on the smaller side, X = G (or G'),
 *     X <- X / (safety |X|_F + eps)                                                    (1)
 *     A = X X',   X <- a X + (b A + c A^2) X            steps times                    (2)
 * which maps every singular value by p(t) = a t + b t^3 + c t^5 and leaves the singular
 * vectors alone; zero rows and columns stay exactly zero.
 *
 * Where l >= 2 s, steps are taken on the s x s side (Gram form): with R = X X', Q = I,
 *     Z = a I + b R + c R^2,   Q <- Z Q,   R <- Z R Z                                     (3)
 * and X <- Q X after a few steps, R being formed afresh so that rounding does not grow. */
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
 * whose polynomial grows on (0, 1]) is NRM_E_OVERFLOW.  A step of (2) costs (3 s^2 l + s^3) / 2
 * multiply-adds.  The bits do not depend on the number of threads: an element of a product is
 * one chain of multiply-adds (kernel/panels.h), however many tiles the threads share. */
nrm_status nrm_newton_schulz(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, double *x, int64_t ld,
                             const nrm_newton_schulz_set *set, int steps, double *residual);
nrm_status nrm_newton_schulz_f32(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, float *x, int64_t ld,
                                 const nrm_newton_schulz_set *set, int steps, double *residual);

/* The same for callers who run it again and again: nothing is checked or allocated.  `work`
 * has nrm_newton_schulz_work(m, n) numbers (-1: more than can be addressed), 64-byte aligned;
 * its first m n are G, contiguous and finite.  The result (m x n, contiguous) lies in work
 * too, where the returned pointer says.  Same bits as above, whatever `threads`. */
int64_t nrm_newton_schulz_work(int64_t m, int64_t n);
double *nrm_newton_schulz_run_f64(int64_t m, int64_t n, double *work, const nrm_newton_schulz_set *set, int steps,
                                  int threads);
float *nrm_newton_schulz_run_f32(int64_t m, int64_t n, float *work, const nrm_newton_schulz_set *set, int steps,
                                 int threads);

/* The residual alone, of any x. */
nrm_status nrm_orthogonality_residual(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, const double *x,
                                      int64_t ld, double *residual);

/* U V' by the SVD into o (m x n, stride ldo; may be a itself).  Singular values at or below
 * rcond times the largest (rcond < 0: eps max(m, n)) count as 0 and add nothing; *rank
 * (may be NULL) tells how many did not. */
nrm_status nrm_polar(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, const double *a, int64_t lda,
                     double rcond, double *o, int64_t ldo, int64_t *rank);

/* The same for callers who run it again and again, with the default rcond: nothing is checked
 * or allocated, LAPACK runs on one thread.  `work` has nrm_polar_work(m, n) doubles (-1: more
 * than LAPACK can count); its first m n are G (contiguous, finite) and become U V', or zero
 * in the event, not known to occur with finite input, that the SVD does not converge. */
int64_t nrm_polar_work(int64_t m, int64_t n);
void nrm_polar_run(int64_t m, int64_t n, double *work);

#endif
