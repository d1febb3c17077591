/* record.c -- a record cut to its promised range, and its gradient.  Contract: protocol.h.
 *
 * ball(x, r) = x min(1, r/|x|), clip(v, tau) entry by entry; iht's gradient is x (x'theta - y)
 * of the clipped record, then shrunk to the ball of radius r.  For the paper's radius and a theta
 * that the protocol allows the last step does nothing; it is there because theta comes from the
 * server, and what a server sends must not weaken the guarantee. */
#include "linalg/linalg.h"
#include "protocol.h"

static double clip(double v, double tau) { return v > tau ? tau : v < -tau ? -tau : v; }

/* 0 for what is no number; *x is finite then. */
static bool mend(double *x)
{
    if (isfinite(*x)) return true;
    *x = 0;
    return false;
}

/* v to |v| <= r; true if it was there before.  Rounding can leave it an ulp outside, which the
 * calibration allows for. */
static bool to_ball(double *v, int64_t d, double r)
{
    const double norm = nrm_norm2(v, d);
    if (norm <= r) return true;
    const double by = r / norm;
    for (int64_t j = 0; j < d; j++) v[j] = by > 0 ? v[j] * by : v[j] / norm * r;
    return false;
}

double nrm_private_cut(const nrm_private_plan *plan, const double *x, double y, double *ball, double *box,
                       nrm_private_record_report *report)
{
    const double tau1 = plan->o.tau1, tau2 = plan->o.tau2;
    bool finite = mend(&y), inside = fabs(y) <= tau2;

    for (int64_t j = 0; j < plan->d; j++) {
        double v = x[j];
        finite &= mend(&v);
        if (ball) ball[j] = v;
        if (!box) continue;
        box[j] = clip(v, tau1);
        inside &= fabs(v) <= tau1;
    }
    if (ball) inside &= to_ball(ball, plan->d, plan->o.r);
    if (report) *report = (nrm_private_record_report){.clipped = !inside, .nonfinite = !finite};
    return clip(y, tau2);
}

double nrm_private_gradient(const nrm_private_plan *plan, const double *x, double y, const double *theta, double *box, double *v,
                            nrm_private_record_report *report)
{
    const int64_t d = plan->d;
    double residual = -nrm_private_cut(plan, x, y, NULL, box, report);

    for (int64_t j = 0; j < d; j++) residual += box[j] * theta[j];
    mend(&residual);
    for (int64_t j = 0; j < d; j++) {
        v[j] = box[j] * residual;
        mend(&v[j]);
    }
    to_ball(v, d, plan->radius);
    return fmin(nrm_norm2(v, d), plan->radius);
}
