/* A small network that tells the arms of a spiral apart, with a training loop of its own.
 *
 *     cc examples/small_network.c $(pkg-config --cflags --libs norma) -lm
 *
 * Layers give a graph, the graph a program, the program losses and gradients, the optimizer
 * new parameters: the pieces from which `norma train` is made.  At the end the parameters are
 * saved and loaded again.  The program checks its own answer. */
#include <math.h>
#include <norma/norma.h>
#include <stdio.h>

enum { ARMS = 3, POINTS = 300, HIDDEN = 32, STEPS = 400, MOST = 16 };

typedef struct network {
    nrm_nn *nn;
    nrm_program *program;
    nrm_instance *run;
    nrm_parameters *parameters, *gradients, *again;
    nrm_optimizer *optimizer;
    int count; /* parameters that are trained */
    void *weights[MOST];
    const void *slopes[MOST];
} network;

/* Outputs of the program: loss, the class of each point, the gradients. */
static nrm_status build(nrm_ctx *ctx, network *n)
{
    const nrm_init init = nrm_init_usual(NRM_INIT_TORCH);
    nrm_node outputs[2 + MOST], trained[MOST];

    nrm_status st = nrm_nn_create(ctx, &n->nn, NRM_F32, true);
    if (st < 0) return st;
    const nrm_node x = nrm_graph_input(nrm_nn_graph(n->nn), "x", NRM_F32, 2, (int64_t[]){POINTS, 2});
    const nrm_node y = nrm_graph_input(nrm_nn_graph(n->nn), "y", NRM_I64, 1, (int64_t[]){POINTS});
    nrm_node h = nrm_nn_activation(n->nn, "", nrm_nn_linear(n->nn, "first", x, HIDDEN, true, init), "tanh", -1);
    h = nrm_nn_activation(n->nn, "", nrm_nn_linear(n->nn, "second", h, HIDDEN, true, init), "tanh", -1);
    const nrm_node logits = nrm_nn_linear(n->nn, "head", h, ARMS, true, init);
    outputs[0] = nrm_nn_cross_entropy(n->nn, logits, y, 0).mean;
    outputs[1] = nrm_op_argmax(logits);
    n->count = nrm_nn_trained(n->nn, MOST, trained);
    nrm_graph_gradient(outputs[0], n->count, trained, outputs + 2);
    st = nrm_compile(ctx, 2 + n->count, outputs, NULL, &n->program);
    if (st >= 0) st = nrm_instance_create(ctx, n->program, &n->run);
    if (st >= 0) st = nrm_parameters_create(ctx, n->nn, &n->parameters);
    if (st >= 0) st = nrm_parameters_like(ctx, n->parameters, &n->gradients);
    if (st >= 0) st = nrm_parameters_like(ctx, n->parameters, &n->again);
    if (st >= 0) st = nrm_parameters_initialise(ctx, n->parameters, 1);
    if (st >= 0) st = nrm_parameters_bind(ctx, n->parameters, n->run);
    return st;
}

/* AdamW for all of it; gradients are written where it reads them. */
static nrm_status add_optimizer(nrm_ctx *ctx, network *n)
{
    nrm_adamw_options adamw = nrm_adamw_options_default();
    nrm_optimizer_tensor tensors[MOST] = NRM_ZERO;
    nrm_parameter p[MOST], g;
    adamw.lr = 0.02;
    for (int i = 0; i < n->count; i++) {
        nrm_parameters_at(n->parameters, i, &p[i]);
        nrm_parameters_at(n->gradients, i, &g);
        tensors[i].name = p[i].name;
        tensors[i].dtype = p[i].array.dtype;
        tensors[i].ndim = p[i].array.ndim;
        tensors[i].shape = p[i].array.shape;
        n->weights[i] = p[i].array.data;
        n->slopes[i] = g.array.data;
        const nrm_status st = nrm_instance_bind_output(ctx, n->run, 2 + i, g.array.data);
        if (st < 0) return st;
    }
    const nrm_optimizer_group group = {NRM_OPTIMIZER_ADAMW, &adamw};
    return nrm_optimizer_create(ctx, &n->optimizer, 1, &group, n->count, tensors);
}

static float loss_of(const network *n) { return *(const float *)nrm_instance_output(n->run, 0); }

/* To a file and back, into other memory: the program gives the same loss, to the bit. */
static nrm_status save_and_load(nrm_ctx *ctx, network *n, const char *path, bool *same)
{
    nrm_loaded file = NRM_ZERO;
    const float loss = loss_of(n);
    nrm_status st = nrm_parameters_save(ctx, n->parameters, NULL, path);
    if (st >= 0) st = nrm_load(ctx, path, &file);
    if (st >= 0) st = nrm_parameters_load(ctx, n->again, &file.bundle);
    if (st >= 0) st = nrm_parameters_bind(ctx, n->again, n->run);
    if (st >= 0) st = nrm_run(ctx, n->run);
    *same = st >= 0 && !(loss_of(n) < loss) && !(loss_of(n) > loss);
    nrm_loaded_destroy(ctx, &file);
    remove(path);
    return st;
}

int main(void)
{
    static float x[POINTS][2];
    static int64_t y[POINTS];
    network n = NRM_ZERO;
    float before = NAN, after = NAN;
    int right = 0;
    bool same = false;
    nrm_ctx *ctx;

    for (int i = 0; i < POINTS; i++) { /* a turn and a half outwards, each arm a third of a turn on */
        const double r = (i / ARMS + 0.5) / (POINTS / ARMS), angle = 9.4 * r + 2.0944 * (i % ARMS) + 0.1 * sin(i * 12.9898);
        x[i][0] = (float)(2 * r * cos(angle));
        x[i][1] = (float)(2 * r * sin(angle));
        y[i] = i % ARMS;
    }

    if (nrm_ctx_create(&ctx, NULL) < 0) return 1;
    nrm_status st = build(ctx, &n);
    if (st >= 0) st = add_optimizer(ctx, &n);
    if (st >= 0) st = nrm_instance_bind(ctx, n.run, "x", x);
    if (st >= 0) st = nrm_instance_bind(ctx, n.run, "y", y);
    for (int step = 0; st >= 0 && step < STEPS; step++) {
        st = nrm_run(ctx, n.run);
        if (st >= 0 && step == 0) before = loss_of(&n);
        if (st >= 0) st = nrm_optimizer_step(ctx, n.optimizer, n.weights, n.slopes, 1 - (double)step / STEPS);
    }
    if (st >= 0) st = nrm_run(ctx, n.run);
    if (st >= 0) {
        const int64_t *guess = nrm_instance_output(n.run, 1);
        for (int i = 0; i < POINTS; i++) right += guess[i] == y[i];
        after = loss_of(&n);
        st = save_and_load(ctx, &n, "small_network.safetensors", &same);
    }
    if (st < 0) fprintf(stderr, "%s\n", nrm_message(ctx));
    printf("loss %.3f -> %.4f, %d of %d right, %s after loading\n", (double)before, (double)after, right, POINTS,
           same ? "the same" : "another");
    nrm_optimizer_destroy(ctx, n.optimizer);
    nrm_parameters_destroy(n.parameters);
    nrm_parameters_destroy(n.gradients);
    nrm_parameters_destroy(n.again);
    nrm_instance_destroy(n.run);
    nrm_program_destroy(n.program);
    nrm_nn_destroy(n.nn);
    nrm_ctx_destroy(ctx);
    return st >= 0 && right > 0.95 * POINTS && same ? 0 : 1;
}
