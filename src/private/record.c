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

double nrm_private_dot(const double *a, const double *b, int64_t d)
{
    enum { LANES = 8 };
    double sum[LANES] = {0};
    int64_t j = 0;
    for (; j + LANES <= d; j += LANES)
        for (int l = 0; l < LANES; l++) sum[l] += a[j + l] * b[j + l];
    for (int l = 0; j + l < d; l++) sum[l] += a[j + l] * b[j + l];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

static double norm_of(const double *v, int64_t d)
{
    const double square = nrm_private_dot(v, v, d);
    return square > 1e-280 && square < 1e280 ? sqrt(square) : nrm_norm2(v, d);
}

/* v to |v| <= r; its norm, above r if it was outside.  Rounding can leave it an ulp outside, which
 * the calibration allows for. */
static double to_ball(double *v, int64_t d, double r)
{
    const double norm = norm_of(v, d);
    if (norm <= r) return norm;
    const double by = r / norm;
    for (int64_t j = 0; j < d; j++) v[j] = by > 0 ? v[j] * by : v[j] / norm * r;
    return norm;
}

/* to[j] = x[j] clipped by tau, 0 for what is no number; counts in integers, which vectorizes. */
static void to_box(const double *x, int64_t d, double tau, double *to, int64_t *strange, int64_t *outside)
{
    int64_t odd = 0, out = 0;
    for (int64_t j = 0; j < d; j++) {
        const bool fine = fabs(x[j]) <= DBL_MAX;
        const double v = fine ? x[j] : 0, low = v < -tau ? -tau : v;
        to[j] = low > tau ? tau : low;
        odd += !fine;
        out += fabs(v) > tau;
    }
    *strange += odd;
    *outside += out;
}

double nrm_private_cut(const nrm_private_plan *plan, const double *x, double y, double *ball, double *box,
                       nrm_private_record_report *report)
{
    const double tau2 = plan->o.tau2;
    int64_t strange = !mend(&y), outside = fabs(y) > tau2;

    if (box) to_box(x, plan->d, plan->o.tau1, box, &strange, &outside);
    if (ball) {
        to_box(x, plan->d, DBL_MAX, ball, &strange, &outside);
        outside += to_ball(ball, plan->d, plan->o.r) > plan->o.r;
    }
    if (report) *report = (nrm_private_record_report){.clipped = outside > 0, .nonfinite = strange > 0};
    return clip(y, tau2);
}

double nrm_private_gradient(const nrm_private_plan *plan, const double *x, double y, const double *theta, double *box, double *v,
                            nrm_private_record_report *report)
{
    const int64_t d = plan->d;
    double residual = -nrm_private_cut(plan, x, y, NULL, box, report);

    residual += nrm_private_dot(box, theta, d);
    mend(&residual);
    for (int64_t j = 0; j < d; j++) {
        const double w = box[j] * residual;
        v[j] = fabs(w) <= DBL_MAX ? w : 0;
    }
    return fmin(to_ball(v, d, plan->radius), plan->radius);
}
