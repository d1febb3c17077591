/* sensitivity_newton.c -- contract: sensitivity_newton.h.
 *
 * What is known to all rows' regressions is used: Y and the factor of Y'Y stay, and nothing is
 * reduced.  With e_i = |r_i|^(p-2), r = Y x, least is where Y'lambda = mu t, lambda = e r.  A step
 *
 *     H dx = mu t - Y'lambda,  t'dx = 0,  H = Y' W Y,   mu = t'H^-1 Y'lambda / t'H^-1 t,
 *     p > 2:  W = (p - 1) e,
 *     p < 2:  e = q^(p/2-1) of q = r^2 + delta^2, and W = e (1 - (2 - p) lambda r / (e q)) with a lambda
 *             of its own, which is carried along: lambda <- e r + W Y dx (lp_between.c has why).
 *
 * The bound: for any lambda with Y'lambda = t, 1 = lambda'Y x <= |lambda|_q |Yx|_p; lambda is scaled
 * by what mu is, and made to fit by lambda <- lambda + Y (Y'Y)^-1 (t - Y'lambda).  Where it does not close to
 * tol in a few steps the caller has a solver that is slower and takes more care. */
#include "sensitivity_newton.h"
#include <float.h>

enum { MOST = 40, SEARCH = 10 };
static const double LEAST = 1e-14, NOISE = 1e-12, NEARLY = 0.1, SETTLED = 1e-3, LEAST_DELTA = 1e-15;

typedef struct work { double *r, *s, *e, *w, *lambda, *log, *scaled, *h, *x, *dx, *g, *u; } work;

int64_t nrm_newton_work(int64_t m, int64_t r, int64_t wide)
{
    int64_t a, b;
    if (!nrm_mul_size(m, r + 6, &a) || !nrm_mul_size(r, wide + r + 4, &b)) return -1;
    return a + b + 64;
}

bool nrm_newton_factor(int64_t n, double *a)
{
    for (int64_t j = 0; j < n; j++) {
        for (int64_t i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (int64_t k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0)) return false;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    }
    return true;
}

void nrm_newton_solve(int64_t n, const double *l, double *x)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < i; k++) x[i] -= l[i * n + k] * x[k];
        x[i] /= l[i * n + i];
    }
    for (int64_t i = n - 1; i >= 0; i--) {
        x[i] /= l[i * n + i];
        for (int64_t k = 0; k < i; k++) x[k] -= l[i * n + k] * x[i];
    }
}

/* fmax is a call. */
static inline double above(double x, double least) { return x > least ? x : least; }

static double dot(int64_t n, const double *x, const double *y)
{
    enum { SUMS = 8 };
    double sum[SUMS] = {0}, total = 0;
    int64_t i = 0;
    for (; i + SUMS <= n; i += SUMS)
        for (int k = 0; k < SUMS; k++) sum[k] += x[i + k] * y[i + k];
    for (; i < n; i++) total += x[i] * y[i];
    for (int k = 0; k < SUMS; k++) total += sum[k];
    return total;
}

/* out (m) = Y z. */
static void product(const nrm_newton_rows *o, const double *z, double *out)
{
    o->loops->fill(o->m, 0, out);
    for (int64_t j = 0; j < o->r; j++) o->loops->axpy(o->m, z[j], o->columns + j * o->m, out);
}

/* out (r) = Y'v. */
static void transposed(const nrm_newton_rows *o, const double *v, double *out)
{
    for (int64_t j = 0; j < o->r; j++) out[j] = dot(o->m, o->columns + j * o->m, v);
}

static double largest(const nrm_newton_rows *o, const double *v, double *room)
{
    o->loops->unary[NRM_UNARY_abs](o->m, v, room);
    return o->loops->greatest(o->m, room);
}

/* |v|_q, q >= 1; room: m. */
static double norm(const nrm_newton_rows *o, const double *v, double q, double *room)
{
    const double most = largest(o, v, room);
    if (!(most > 0)) return most;
    for (int64_t i = 0; i < o->m; i++) room[i] = above(room[i] / most, DBL_MIN);
    o->loops->unary[NRM_UNARY_log](o->m, room, room);
    for (int64_t i = 0; i < o->m; i++) room[i] *= q;
    o->loops->unary[NRM_UNARY_exp](o->m, room, room);
    return most * pow(o->loops->sum(o->m, room), 1 / q);
}

/* e of r, in units in which the greatest |r| of the start is 1; the loss sum e q. */
static double powers(const nrm_newton_rows *o, const double *r, double delta, double *e, double *room)
{
    double sum = 0;
    for (int64_t i = 0; i < o->m; i++) room[i] = above(r[i] * r[i] + delta * delta, DBL_MIN);
    o->loops->unary[NRM_UNARY_log](o->m, room, e);
    for (int64_t i = 0; i < o->m; i++) e[i] *= 0.5 * o->p - 1;
    o->loops->unary[NRM_UNARY_exp](o->m, e, e);
    sum = dot(o->m, e, room);
    return sum;
}

/* H = Y' W Y, factored; a small ridge, since H is singular where residuals vanish. */
static bool factor(const nrm_newton_rows *o, const work *k)
{
    const int64_t m = o->m, r = o->r, wide = o->wide;
    double trace = 0;

    for (int64_t j = 0; j < r; j++) o->loops->binary[NRM_BINARY_mul](m, k->w, o->columns + j * m, k->scaled + j * m);
    for (int64_t i = 0; i < r; i += o->kernel->rows)
        for (int64_t j = 0; j < wide && j < i + o->kernel->rows; j += o->kernel->width)
            o->kernel->block[nrm_min_i64(o->kernel->rows, r - i)](m, k->scaled + i * m, m, 1, o->y + j, wide, k->u + i * wide + j, wide, false,
                                                                  NULL);
    for (int64_t i = 0; i < r; i++) trace += k->u[i * wide + i];
    for (int64_t i = 0; i < r; i++) {
        memcpy(k->h + i * r, k->u + i * wide, (size_t)(i + 1) * sizeof *k->h);
        k->h[i * r + i] += 1e-14 * trace;
    }
    return nrm_newton_factor(r, k->h);
}

/* dx and s = Y dx; false: H is singular. */
static bool direction(const nrm_newton_rows *o, const work *k, const double *t)
{
    double *ht = k->g + o->r;

    if (!factor(o, k)) return false;
    o->loops->binary[NRM_BINARY_mul](o->m, k->e, k->r, k->log);
    transposed(o, k->log, k->g);
    memcpy(ht, t, (size_t)o->r * sizeof *t);
    memcpy(k->dx, k->g, (size_t)o->r * sizeof *t);
    nrm_newton_solve(o->r, k->h, k->dx);
    nrm_newton_solve(o->r, k->h, ht);
    const double mu = dot(o->r, t, k->dx) / dot(o->r, t, ht);
    for (int64_t j = 0; j < o->r; j++) k->dx[j] = mu * ht[j] - k->dx[j];
    product(o, k->dx, k->s);
    return true;
}

/* A bound of |Yx|_p under t'x = 1: 1 / |lambda|_q of the lambda that fits. */
static double bound(const nrm_newton_rows *o, const work *k, const double *t)
{
    transposed(o, k->lambda, k->g);
    const double mu = dot(o->r, k->g, k->x) / dot(o->r, t, k->x);
    if (!(mu > 0)) return 0;
    for (int64_t j = 0; j < o->r; j++) k->g[j] = t[j] - k->g[j] / mu;
    nrm_newton_solve(o->r, o->cross, k->g);
    product(o, k->g, k->log);
    o->loops->axpy(o->m, 1 / mu, k->lambda, k->log);
    return 1 / norm(o, k->log, o->p / (o->p - 1), k->w);
}

/* W, and for p < 2 lambda held to what its own r allows. */
static void weights(const nrm_newton_rows *o, const work *k, double delta)
{
    if (o->p > 2) {
        for (int64_t i = 0; i < o->m; i++) k->w[i] = above((o->p - 1) * k->e[i], LEAST);
        return;
    }
    for (int64_t i = 0; i < o->m; i++) {
        const double r = k->r[i], e = k->e[i], q = r * r + delta * delta, most = e * sqrt(q);
        const double lambda = above(-above(-most, -k->lambda[i]), -most);
        k->lambda[i] = lambda;
        k->w[i] = e * above(1 - (2 - o->p) * lambda * r / (e * q), o->p - 1);
    }
}

/* Along s, halved until the loss falls and, where the whole step does not do it all, doubled: r, e
 * and the loss there.  False: no step helps. */
static bool search(const nrm_newton_rows *o, const work *k, double delta, double *loss, double *taken, double *fall)
{
    double *trial = k->scaled, *e = trial + o->m, step = 1, at = INFINITY;

    for (int i = 0; i < SEARCH; i++, step /= 2) {
        for (int64_t j = 0; j < o->m; j++) trial[j] = k->r[j] + step * k->s[j];
        at = powers(o, trial, delta, e, k->log);
        if (at <= *loss * (1 + NOISE)) break;
    }
    if (!(at <= *loss * (1 + NOISE))) return false;
    if (o->p <= 2) /* before r moves */
        for (int64_t i = 0; i < o->m; i++) k->lambda[i] += step * (k->e[i] * k->r[i] + k->w[i] * k->s[i] - k->lambda[i]);
    memcpy(k->r, trial, (size_t)o->m * sizeof *trial);
    memcpy(k->e, e, (size_t)o->m * sizeof *e);
    for (int64_t j = 0; j < o->r; j++) k->x[j] += step * k->dx[j];
    *fall = fmax(0, (*loss - at) / *loss);
    *loss = at;
    *taken = step;
    return true;
}

/* x = t / |t|^2, in units in which the greatest |r| is 1. */
static void start(const nrm_newton_rows *o, const work *k, const double *t)
{
    product(o, t, k->r);
    const double unit = largest(o, k->r, k->log);
    for (int64_t j = 0; j < o->r; j++) k->x[j] = t[j] / unit;
    for (int64_t i = 0; i < o->m; i++) k->r[i] /= unit;
}

/* The geometric mean of |r|, which no outlier moves far. */
static double usual_size(const nrm_newton_rows *o, const work *k)
{
    for (int64_t i = 0; i < o->m; i++) k->log[i] = above(fabs(k->r[i]), 1e-12);
    o->loops->unary[NRM_UNARY_log](o->m, k->log, k->log);
    return exp(o->loops->sum(o->m, k->log) / (double)o->m);
}

static work places(const nrm_newton_rows *o, double *at)
{
    const int64_t m = o->m, r = o->r;
    work k = {.r = at, .s = at + m, .e = at + 2 * m, .w = at + 3 * m, .lambda = at + 4 * m, .log = at + 5 * m, .scaled = at + 6 * m};
    k.h = k.scaled + m * r;
    k.u = k.h + r * r;
    k.x = k.u + r * o->wide;
    k.dx = k.x + r;
    k.g = k.dx + r; /* 2 r */
    return k;
}

/* norm and lower of what has been reached; true: closed. */
static bool judge(const nrm_newton_rows *o, const work *k, const double *t, nrm_newton_answer *answer)
{
    if (o->p > 2) o->loops->binary[NRM_BINARY_mul](o->m, k->e, k->r, k->lambda);
    const double length = norm(o, k->r, o->p, k->log) / dot(o->r, t, k->x);
    if (length < answer->norm) answer->norm = length;
    answer->lower = fmin(fmax(answer->lower, bound(o, k, t)), answer->norm);
    answer->closed = answer->norm - answer->lower <= o->tol * answer->norm;
    return answer->closed;
}

nrm_newton_answer nrm_newton_least(const nrm_newton_rows *o, const double *t, double *room)
{
    const work k = places(o, room);
    nrm_newton_answer answer = {.norm = INFINITY};
    double step = 1, fall = 1;

    start(o, &k, t);
    double delta = o->p < 2 ? usual_size(o, &k) : 0, loss = powers(o, k.r, delta, k.e, k.log);
    if (o->p < 2) o->loops->binary[NRM_BINARY_mul](o->m, k.e, k.r, k.lambda);
    for (int idle = 0; answer.systems < MOST && idle < 3; answer.systems++) {
        weights(o, &k, delta);
        if (!direction(o, &k, t) || !search(o, &k, delta, &loss, &step, &fall)) break;
        const double lower = answer.lower;
        if (fall < NEARLY * o->p * sqrt(o->tol) && judge(o, &k, t, &answer)) break;
        idle = answer.lower > 0 && answer.lower <= lower ? idle + 1 : 0;
        if (o->p > 2 || step < 0.9) continue;
        delta = fmax((fall < SETTLED ? 0.1 : 0.5) * delta, LEAST_DELTA);
        loss = powers(o, k.r, delta, k.e, k.log);
    }
    return answer;
}
