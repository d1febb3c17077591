/* bench_calls.c -- the methods that take long enough to be timed by name: a run is a
 * whole call, inputs in memory, checks and all. */
#include "bench.h"
#include <math.h>
#include <norma/call.h>
#include <string.h>

enum { MOST_INPUTS = 4, MOST_SETTINGS = 4 };

typedef struct input { const char *name; int ndim; int64_t shape[2]; const double *data; } input;
typedef struct job {
    const char *method;
    input inputs[MOST_INPUTS];
    int input_count;
    const char *settings[MOST_SETTINGS][2]; /* NULL ends */
} job;

static nrm_status set_up(nrm_call *call, const job *j)
{
    nrm_status st = NRM_OK;
    for (int i = 0; st >= 0 && i < j->input_count; i++)
        st = nrm_call_input(call, j->inputs[i].name, NRM_F64, j->inputs[i].ndim, j->inputs[i].shape, j->inputs[i].data);
    for (int i = 0; st >= 0 && i < MOST_SETTINGS && j->settings[i][0]; i++)
        st = nrm_call_set(call, j->settings[i][0], j->settings[i][1]);
    return st;
}

static nrm_status run_job(nrm_ctx *ctx, void *user)
{
    const job *j = user;
    nrm_call *call;
    nrm_status st = nrm_call_create(ctx, j->method, &call);
    if (st < 0) return st;
    st = set_up(call, j);
    if (st >= 0) st = nrm_call_run(call);
    nrm_call_destroy(call);
    return nrm_cancelled(ctx) ? NRM_E_CANCELLED : st;
}

/* ---- top-eigenvector: spiked rows, N(0, 1) with one direction twice as long ---------------- */

static double *spiked_rows(bench *b, int64_t rows, int64_t columns)
{
    double *a = nrm_scratch(b->kit, rows * columns, sizeof *a);
    nrm_draws draws = {1};
    for (int64_t i = 0; a && i < rows * columns; i++)
        a[i] = nrm_draw_normal(&draws) * (i % columns == 0 ? 2 : 1);
    return a;
}

nrm_status bench_top_eigenvector(bench *b)
{
    static const int64_t sizes[][2] = {{20000, 64}, {5000, 512}};
    static const char *const algorithms[] = {"heavy-light", "block-power", "oja", "oja-adaptive",
                                             "frequent-directions", "power", "exact"};
    enum { COUNT = sizeof algorithms / sizeof *algorithms };
    bench_grid *g = bench_add_grid(b, "rows/s", "rows x columns", "top-eigenvector");

    for (int s = 0; s < (b->quick ? 1 : 2); s++) {
        const int64_t rows = b->quick ? 4000 : sizes[s][0], columns = sizes[s][1];
        const double *a = spiked_rows(b, rows, columns);
        nrm_contender contenders[COUNT];
        job jobs[COUNT];
        if (!a) return NRM_E_NOMEM;
        for (int i = 0; i < COUNT; i++) {
            jobs[i] = (job){.method = "top-eigenvector", .inputs = {{"a", 2, {rows, columns}, a}}, .input_count = 1,
                            .settings = {{"algorithm", algorithms[i]}}};
            contenders[i] = (nrm_contender){algorithms[i], run_job, &jobs[i]};
        }
        const int column = bench_add_column(g, "%lldx%lld", (long long)rows, (long long)columns);
        const nrm_status st = bench_column(b, g, column, contenders, COUNT, 0.01, BENCH_RATE, (double)rows);
        if (st < 0) return st;
    }
    return NRM_OK;
}

/* ---- sparse-ot: n points to n points of the plane, squared distances over the largest ------- */

typedef struct plane { double *cost, *mass; } plane;

static bool plane_problem(bench *b, int64_t n, plane *p)
{
    double *points = nrm_scratch(b->kit, 4 * n, sizeof *points), most = 0;
    p->cost = nrm_scratch(b->kit, n * n, sizeof *p->cost);
    p->mass = nrm_scratch(b->kit, n, sizeof *p->mass);
    if (!points || !p->cost || !p->mass) return false;
    nrm_draws draws = {2};
    for (int64_t i = 0; i < 4 * n; i++) points[i] = nrm_draw_normal(&draws) + (i < 2 * n ? 0 : 1);
    for (int64_t i = 0; i < n * n; i++) {
        const double *x = points + 2 * (i / n), *y = points + 2 * n + 2 * (i % n);
        p->cost[i] = (x[0] - y[0]) * (x[0] - y[0]) + (x[1] - y[1]) * (x[1] - y[1]);
        most = fmax(most, p->cost[i]);
    }
    for (int64_t i = 0; i < n * n; i++) p->cost[i] /= most;
    for (int64_t i = 0; i < n; i++) p->mass[i] = 1.0 / (double)n;
    return true;
}

nrm_status bench_sparse_ot(bench *b)
{
    static const int64_t sizes[] = {256, 1000};
    static const char *const limits[][2] = {{"k = 1", "1"}, {"k = 2", "2"}, {"k = 8", "8"}, {"k = n", "1000"}};
    enum { COUNT = sizeof limits / sizeof *limits };
    bench_grid *g = bench_add_grid(b, "s a solve", "rows = columns", "sparse-ot, gamma 1, tol 1e-6");

    for (int s = 0; s < (b->quick ? 1 : 2); s++) {
        const int64_t n = b->quick ? 64 : sizes[s];
        nrm_contender contenders[COUNT];
        job jobs[COUNT];
        plane p;
        if (!plane_problem(b, n, &p)) return NRM_E_NOMEM;
        for (int i = 0; i < COUNT; i++) {
            jobs[i] = (job){.method = "sparse-ot", .input_count = 3, .settings = {{"k", limits[i][1]}, {"gamma", "1"}},
                            .inputs = {{"a", 1, {n, 0}, p.mass}, {"b", 1, {n, 0}, p.mass}, {"cost", 2, {n, n}, p.cost}}};
            contenders[i] = (nrm_contender){limits[i][0], run_job, &jobs[i]};
        }
        const nrm_status st = bench_column(b, g, bench_add_column(g, "%lld", (long long)n), contenders, COUNT, 0,
                                           BENCH_TIME, 1);
        if (st < 0) return st;
    }
    return NRM_OK;
}
