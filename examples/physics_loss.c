/* A network that is made to satisfy the heat equation.
 *
 *     cc examples/physics_loss.c $(pkg-config --cflags --libs norma) -lm
 *
 *     u(x, t) = v' tanh(W (x, t) + b) + c,    u_t = u_xx on 0 <= x <= pi, 0 <= t <= 1,
 *     u = exp(-t) sin x where t = 0, x = 0 or x = pi: then it is that everywhere.
 *
 *     loss = mean (u_t - u_xx)^2 inside + mean (u - exp(-t) sin x)^2 at the edges
 *
 * u_t and u_xx are jets: two directions, first and second derivatives, carried forward with
 * u.  The loss contains them, and its gradient by all parameters is one reverse pass through
 * the whole.  L-BFGS does the rest.  The program checks the jets against the closed form, the
 * gradient against differences of the loss, and the solution against the true one. */
#include <math.h>
#include <norma/norma.h>
#include <stdio.h>

enum { HIDDEN = 20, INSIDE = 200, EDGE = 90, PARAMETERS = 4 };

static const int64_t sizes[PARAMETERS] = {2 * HIDDEN, HIDDEN, HIDDEN, 1};
static const char *const names[PARAMETERS] = {"w", "b", "v", "c"};

static nrm_node network(nrm_node points, const nrm_node *p)
{
    return nrm_op_linear(nrm_op_tanh(nrm_op_linear(points, p[0], p[1])), p[2], p[3]);
}

/* The program: outputs are the loss, its gradients, u_t and u_xx at the points inside. */
static nrm_status build(nrm_ctx *ctx, nrm_program **program)
{
    nrm_graph *g;
    nrm_node p[PARAMETERS], outputs[1 + PARAMETERS + 2], direction[2], first[2], second[2];

    nrm_status st = nrm_graph_create(ctx, &g);
    if (st < 0) return st;
    const nrm_node inside = nrm_graph_input(g, "inside", NRM_F64, 2, (int64_t[]){INSIDE, 2});
    const nrm_node edge = nrm_graph_input(g, "edge", NRM_F64, 2, (int64_t[]){EDGE, 2});
    const nrm_node value = nrm_graph_input(g, "value", NRM_F64, 2, (int64_t[]){EDGE, 1});
    p[0] = nrm_graph_parameter(g, names[0], NRM_F64, 2, (int64_t[]){HIDDEN, 2});
    p[1] = nrm_graph_parameter(g, names[1], NRM_F64, 1, (int64_t[]){HIDDEN});
    p[2] = nrm_graph_parameter(g, names[2], NRM_F64, 2, (int64_t[]){1, HIDDEN});
    p[3] = nrm_graph_parameter(g, names[3], NRM_F64, 1, (int64_t[]){1});

    for (int k = 0; k < 2; k++) /* along x, along t: the same direction at every point */
        direction[k] = nrm_op_broadcast(nrm_graph_constant(g, NRM_F64, 2, (int64_t[]){1, 2}, (double[]){k == 0, k == 1}),
                                        2, (int64_t[]){INSIDE, 2});
    nrm_graph_jet(inside, 2, direction, network(inside, p), first, second);
    const nrm_node residual = nrm_op_sub(first[1], second[0]);
    const nrm_node miss = nrm_op_sub(network(edge, p), value);
    outputs[0] = nrm_op_add(nrm_op_mean_all(nrm_op_square(residual)), nrm_op_mean_all(nrm_op_square(miss)));
    nrm_graph_gradient(outputs[0], PARAMETERS, p, outputs + 1);
    outputs[1 + PARAMETERS] = first[1];
    outputs[2 + PARAMETERS] = second[0];
    st = nrm_compile(ctx, 3 + PARAMETERS, outputs, NULL, program); /* whatever went wrong above is told here */
    nrm_graph_destroy(g);
    return st;
}

static nrm_status loss_and_gradients(nrm_ctx *ctx, void *user, const double *const *p, double *value, double *const *gradients)
{
    nrm_instance *run = user;
    for (int i = 0; i < PARAMETERS; i++) {
        nrm_status st = nrm_instance_bind(ctx, run, names[i], p[i]);
        if (st >= 0) st = nrm_instance_bind_output(ctx, run, 1 + i, gradients[i]);
        if (st < 0) return st;
    }
    const nrm_status st = nrm_run(ctx, run);
    if (st >= 0) *value = *(const double *)nrm_instance_output(run, 0);
    return st;
}

/* The largest difference between the jets and u_t, u_xx by hand. */
static double jet_error(const nrm_instance *run, double (*inside)[2], double *const *p)
{
    const double *u_t = nrm_instance_output(run, 1 + PARAMETERS), *u_xx = nrm_instance_output(run, 2 + PARAMETERS);
    double error = 0;
    for (int i = 0; i < INSIDE; i++) {
        double t = 0, xx = 0;
        for (int j = 0; j < HIDDEN; j++) {
            const double wx = p[0][2 * j], wt = p[0][2 * j + 1], y = tanh(wx * inside[i][0] + wt * inside[i][1] + p[1][j]);
            t += p[2][j] * (1 - y * y) * wt;
            xx -= p[2][j] * 2 * y * (1 - y * y) * wx * wx;
        }
        error = fmax(error, fmax(fabs(t - u_t[i]), fabs(xx - u_xx[i])));
    }
    return error;
}

/* The gradient along a direction against a central difference of the loss. */
static double gradient_error(nrm_ctx *ctx, nrm_instance *run, double *const *p, double *const *gradients)
{
    const double h = 1e-6;
    double along = 0, value[2];
    for (int i = 0; i < PARAMETERS; i++)
        for (int64_t j = 0; j < sizes[i]; j++) along += gradients[i][j] * sin((double)(i + j));
    for (int side = 0; side < 2; side++) {
        const double step = side == 0 ? h : -h;
        for (int i = 0; i < PARAMETERS; i++)
            for (int64_t j = 0; j < sizes[i]; j++) p[i][j] += step * sin((double)(i + j));
        if (loss_and_gradients(ctx, run, (const double *const *)p, &value[side], gradients) < 0) return INFINITY;
        for (int i = 0; i < PARAMETERS; i++)
            for (int64_t j = 0; j < sizes[i]; j++) p[i][j] -= step * sin((double)(i + j));
    }
    return fabs((value[0] - value[1]) / (2 * h) - along) / fabs(along);
}

/* The largest distance from the true solution on a grid. */
static double solution_error(double *const *p)
{
    double error = 0;
    for (int i = 0; i <= 20; i++)
        for (int k = 0; k <= 10; k++) {
            const double x = 3.14159265358979 * i / 20, t = k / 10.0;
            double u = p[3][0];
            for (int j = 0; j < HIDDEN; j++) u += p[2][j] * tanh(p[0][2 * j] * x + p[0][2 * j + 1] * t + p[1][j]);
            error = fmax(error, fabs(u - exp(-t) * sin(x)));
        }
    return error;
}

int main(void)
{
    static double memory[PARAMETERS][2 * HIDDEN], slopes[PARAMETERS][2 * HIDDEN], inside[INSIDE][2], edge[EDGE][2], value[EDGE];
    double *p[PARAMETERS], *gradients[PARAMETERS], before, jets = INFINITY, gradient = INFINITY, error = INFINITY;
    nrm_lbfgs_minimise_options options = nrm_lbfgs_minimise_options_default();
    nrm_lbfgs_minimise_info info = NRM_ZERO;
    nrm_ctx *ctx;
    nrm_program *program = NULL;
    nrm_instance *run = NULL;

    for (int i = 0; i < INSIDE; i++) { /* spread evenly: multiples of two irrational numbers */
        inside[i][0] = 3.14159265358979 * fmod(0.7548776662466927 * (i + 1), 1);
        inside[i][1] = fmod(0.5698402909980532 * (i + 1), 1);
    }
    for (int i = 0; i < EDGE; i++) {
        const double s = (i / 3 + 0.5) / (EDGE / 3);
        edge[i][0] = i % 3 == 0 ? 3.14159265358979 * s : i % 3 == 1 ? 0 : 3.14159265358979;
        edge[i][1] = i % 3 == 0 ? 0 : s;
        value[i] = exp(-edge[i][1]) * sin(edge[i][0]);
    }
    for (int i = 0; i < PARAMETERS; i++) {
        p[i] = memory[i];
        gradients[i] = slopes[i];
        for (int64_t j = 0; j < sizes[i]; j++) p[i][j] = i == 3 ? 0 : sin(12.9898 * (double)(i + 1) + 78.233 * (double)(j + 1));
    }

    if (nrm_ctx_create(&ctx, NULL) < 0) return 1;
    nrm_status st = build(ctx, &program);
    if (st >= 0) st = nrm_instance_create(ctx, program, &run);
    if (st >= 0) st = nrm_instance_bind(ctx, run, "inside", inside);
    if (st >= 0) st = nrm_instance_bind(ctx, run, "edge", edge);
    if (st >= 0) st = nrm_instance_bind(ctx, run, "value", value);
    if (st >= 0) st = loss_and_gradients(ctx, run, (const double *const *)p, &before, gradients);
    if (st >= 0) {
        jets = jet_error(run, inside, p);
        gradient = gradient_error(ctx, run, p, gradients);
        options.max_iter = 400;
        options.tolerance = 1e-7;
        st = nrm_lbfgs_minimise(ctx, PARAMETERS, sizes, p, loss_and_gradients, run, &options, &info);
    }
    if (st < 0) fprintf(stderr, "%s\n", nrm_message(ctx));
    else error = solution_error(p);
    if (st >= 0)
        printf("jets off by %.1e, gradient by %.1e; loss %.3g -> %.3g in %lld steps, solution off by %.1e\n", jets, gradient, before,
               info.value, (long long)info.iterations, error);
    nrm_instance_destroy(run);
    nrm_program_destroy(program);
    nrm_ctx_destroy(ctx);
    return st >= 0 && jets < 1e-12 && gradient < 1e-6 && info.value < 1e-4 * before && error < 0.02 ? 0 : 1;
}
