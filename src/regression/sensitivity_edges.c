/* sensitivity_edges.c -- min |Yx|_1 with t'x = 1, from vertex to vertex.  Contract: sensitivity_newton.h.
 *
 * A vertex is where r - 1 rows S have y_j'x = 0.  With the rows B = (t, y_S), signs s_j of the others
 * and g = sum s_j y_j, the multipliers v of B'v = g are mu = |Yx|_1, and v_S: x is best if |v_k| <= 1
 * for all k.  Where one is not, |Yx|_1 falls along the edge on which only y_k leaves 0, with the
 * slope 1 - |v_k|, to the row whose crossing makes the slope positive (Barrodale and Roberts, 1973,
 * for regressions).  That row takes the place of k; rows crossed on the way change their signs.
 *
 * The start is no vertex but t / |t|^2, its r - 1 places held by what is orthogonal to t: these leave
 * where v_k is not 0, and never come back.  Compared with an interior-point method, whose every step
 * is a Gram matrix, an edge is one product with Y.
 *
 * The bound is that of the signs and v_S, made to fit.  Ties may make it go round in circles: then it
 * ends, not closed, and the caller has another way. */
#include "sensitivity_newton.h"
#include <float.h>

static const double FREE = 1e-9, OVER = 1e-10, LEAST_PIVOT = 1e-9;

typedef struct edges {
    const nrm_newton_rows *o;
    const double *t;
    double *residual, *rho, *sign, *theta; /* m each; sign 0: in S */
    double *inverse, *b;                   /* r x r each: B^-1 and B */
    double *x, *d, *g, *v, *u;             /* r each */
    int64_t *index, *at;                   /* m; r: the row in a place, -1: none yet; at[0] is t's */
} edges;

int64_t nrm_edges_work(int64_t m, int64_t r)
{
    int64_t a, b;
    if (!nrm_mul_size(m, 5, &a) || !nrm_mul_size(r, 2 * r + 6, &b)) return -1;
    return a + b + 64;
}

static edges places(const nrm_newton_rows *o, const double *t, double *room)
{
    const int64_t m = o->m, r = o->r;
    edges k = {.o = o, .t = t, .residual = room, .rho = room + m, .sign = room + 2 * m, .theta = room + 3 * m, .inverse = room + 4 * m};
    k.b = k.inverse + r * r;
    k.x = k.b + r * r, k.d = k.x + r, k.g = k.d + r, k.v = k.g + r, k.u = k.v + r;
    k.index = (int64_t *)(void *)(k.u + r);
    k.at = k.index + m;
    return k;
}

static double dot(int64_t n, const double *x, const double *y)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static void product(const nrm_newton_rows *o, const double *z, double *out)
{
    o->loops->fill(o->m, 0, out);
    for (int64_t j = 0; j < o->r; j++) o->loops->axpy(o->m, z[j], o->columns + j * o->m, out);
}

/* Y'v by rows, those with a v of 0 left out. */
static void transposed(const nrm_newton_rows *o, const double *v, double *out)
{
    memset(out, 0, (size_t)o->r * sizeof *out);
    for (int64_t i = 0; i < o->m; i++) {
        const double *y = o->y + i * o->wide;
        if (v[i] == 0) continue;
        for (int64_t j = 0; j < o->r; j++) out[j] += v[i] * y[j];
    }
}

/* The rows of B beyond t: columns of the reflection that takes t to the first axis.  All orthogonal. */
static void start(const edges *k)
{
    const nrm_newton_rows *o = k->o;
    const int64_t r = o->r;
    const double square = dot(r, k->t, k->t), length = sqrt(square);
    double *h = k->u;

    for (int64_t j = 0; j < r; j++) h[j] = k->t[j] / length;
    h[0] += copysign(1, k->t[0]);
    const double beta = 2 / dot(r, h, h);
    for (int64_t i = 0; i < r; i++)
        for (int64_t j = 0; j < r; j++) {
            k->b[i * r + j] = i == 0 ? k->t[j] : (i == j) - beta * h[i] * h[j];
            k->inverse[j * r + i] = i == 0 ? k->t[j] / square : k->b[i * r + j];
        }
    for (int64_t j = 0; j < r; j++) {
        k->x[j] = k->t[j] / square;
        k->at[j] = -1;
    }
    product(o, k->x, k->residual);
    for (int64_t i = 0; i < o->m; i++) k->sign[i] = k->residual[i] < 0 ? -1 : 1;
    transposed(o, k->sign, k->g);
}

/* v = B^-T g; the place to leave, 0: none. */
static int64_t choose(const edges *k)
{
    const int64_t r = k->o->r;
    int64_t best = 0;
    double most = 0;

    memset(k->v, 0, (size_t)r * sizeof *k->v);
    for (int64_t i = 0; i < r; i++)
        for (int64_t j = 0; j < r; j++) k->v[j] += k->inverse[i * r + j] * k->g[i];
    for (int64_t j = 1; j < r; j++) {
        const bool none = k->at[j] < 0;
        const double over = none ? fabs(k->v[j]) - FREE * fabs(k->v[0]) : fabs(k->v[j]) - 1 - OVER;
        /* Places that no row holds are given up first. */
        if (over > 0 && (best == 0 || (none && k->at[best] >= 0) || (none == (k->at[best] < 0) && over > most))) best = j, most = over;
    }
    return best;
}

/* Of index[0 .. count-1], each a crossing at theta that adds 2 |rho| to the slope: the place of the one
 * that brings the sum to `need`, those at less before it; -1: none does. */
static int64_t crossing(const edges *k, int64_t count, double need)
{
    const double *theta = k->theta, *rho = k->rho;
    int64_t *index = k->index, low = 0, high = count;
    double before = 0;

    while (low < high) {
        const double a = theta[index[low]], b = theta[index[low + (high - low) / 2]], c = theta[index[high - 1]];
        const double pivot = fmax(fmin(a, b), fmin(fmax(a, b), c));
        int64_t less = low, equal = low, more = high; /* [low, less) below, [less, equal) at, [more, high) above */
        double below = 0, at = 0;
        while (equal < more) {
            const int64_t row = index[equal];
            if (theta[row] < pivot) {
                index[equal++] = index[less];
                index[less++] = row;
                below += 2 * fabs(rho[row]);
            } else if (theta[row] > pivot) {
                index[equal] = index[--more];
                index[more] = row;
            } else {
                at += 2 * fabs(rho[row]);
                equal++;
            }
        }
        if (before + below >= need) high = less;
        else if (before + below + at >= need) {
            for (before += below; less < more; less++)
                if ((before += 2 * fabs(rho[index[less]])) >= need) return less;
            return more - 1;
        } else before += below + at, low = more;
    }
    return -1;
}

/* Row `row` takes the place. */
static void exchange(const edges *k, int64_t place, int64_t row)
{
    const int64_t r = k->o->r;
    const double *y = k->o->y + row * k->o->wide;

    for (int64_t j = 0; j < r; j++) k->u[j] = 0;
    for (int64_t i = 0; i < r; i++)
        for (int64_t j = 0; j < r; j++) k->u[j] += y[i] * k->inverse[i * r + j];
    for (int64_t i = 0; i < r; i++) {
        double *inverse = k->inverse + i * r;
        const double c = inverse[place] / k->u[place];
        for (int64_t j = 0; j < r; j++) inverse[j] -= j == place ? 0 : k->u[j] * c;
        inverse[place] = c;
    }
    memcpy(k->b + place * r, y, (size_t)r * sizeof *y);
    k->at[place] = row;
}

static void add_row(const edges *k, double factor, int64_t row)
{
    for (int64_t j = 0; j < k->o->r; j++) k->g[j] += factor * k->o->y[row * k->o->wide + j];
}

/* Along the edge of a place; false: no row stops it, or hardly. */
static bool move(const edges *k, int64_t place)
{
    const nrm_newton_rows *o = k->o;
    const int64_t r = o->r, leaving = k->at[place];
    const double direction = k->v[place] > 0 ? -1 : 1, need = fabs(k->v[place]) - (leaving >= 0 ? 1 : 0);
    double length = 0;
    int64_t count = 0;

    for (int64_t j = 0; j < r; j++) {
        k->d[j] = direction * k->inverse[j * r + place];
        length += k->d[j] * k->d[j];
    }
    product(o, k->d, k->rho);
    for (int64_t i = 0; i < o->m; i++) {
        if (!(k->sign[i] * k->rho[i] < 0)) continue;
        const double theta = -k->residual[i] / k->rho[i];
        k->theta[i] = theta > 0 ? theta : 0;
        k->index[count++] = i;
    }
    const int64_t stop = crossing(k, count, need);
    if (stop < 0) return false;
    const int64_t entering = k->index[stop];
    const double step = k->theta[entering];
    if (fabs(k->rho[entering]) < LEAST_PIVOT * sqrt(length * dot(r, o->y + entering * o->wide, o->y + entering * o->wide))) return false;
    for (int64_t i = 0; i < stop; i++) {
        add_row(k, -2 * k->sign[k->index[i]], k->index[i]);
        k->sign[k->index[i]] *= -1;
    }
    add_row(k, -k->sign[entering], entering);
    k->sign[entering] = 0;
    o->loops->axpy(o->m, step, k->rho, k->residual);
    for (int64_t j = 0; j < r; j++) k->x[j] += step * k->d[j];
    if (leaving >= 0) {
        k->sign[leaving] = direction;
        add_row(k, direction, leaving);
    }
    exchange(k, place, entering);
    k->residual[entering] = 0;
    return true;
}

/* lambda: signs, and v for S; then as much as Y'lambda = mu t lacks.  |lambda|_inf / mu to 1 / lower. */
static double bound(const edges *k)
{
    const nrm_newton_rows *o = k->o;
    double most = 0;

    for (int64_t j = 1; j < o->r; j++)
        if (k->at[j] >= 0) k->sign[k->at[j]] = -k->v[j]; /* sum s y + sum lambda y_S = mu t */
    transposed(o, k->sign, k->g);
    const double mu = dot(o->r, k->g, k->x) / dot(o->r, k->t, k->x);
    if (!(mu > 0)) return 0;
    for (int64_t j = 0; j < o->r; j++) k->g[j] = k->t[j] - k->g[j] / mu;
    nrm_newton_solve(o->r, o->cross, k->g);
    product(o, k->g, k->rho);
    for (int64_t i = 0; i < o->m; i++) most = fmax(most, fabs(k->sign[i] / mu + k->rho[i]));
    return 1 / most;
}

nrm_newton_answer nrm_edges_least(const nrm_newton_rows *o, const double *t, double *work)
{
    const edges k = places(o, t, work);
    nrm_newton_answer answer = {.norm = INFINITY};
    const int64_t most = 30 * o->r + 100;
    int64_t place = 1;

    start(&k);
    while (answer.systems < most && (place = choose(&k)) > 0 && move(&k, place)) answer.systems++;
    product(o, k.x, k.residual);
    double sum = 0;
    for (int64_t i = 0; i < o->m; i++) sum += fabs(k.residual[i]);
    answer.norm = sum / fabs(dot(o->r, t, k.x));
    answer.lower = fmin(bound(&k), answer.norm);
    answer.closed = answer.norm - answer.lower <= o->tol * answer.norm;
    return answer;
}
