/* b1-model.c -- teacher and student of benchmark B1 (b1.h): tables, graphs, initial weights. */
#include "b1-parts.h"
#include <math.h>

/* ---- The teacher ---------------------------------------------------------------------------- */

/* q and log q of context (a, b): B tanh(A [T_a; T_b]), in f64. */
static void teach(const double *t, const double *a, const double *b, int64_t context, b1_teacher *teacher)
{
    const double *first = t + context / B1_TOKENS * B1_WIDTH, *second = t + context % B1_TOKENS * B1_WIDTH;
    double hidden[B1_TOKENS], logits[B1_TOKENS], most = -INFINITY, sum = 0;

    for (int i = 0; i < B1_TOKENS; i++) {
        const double *row = a + i * B1_TOKENS;
        double total = 0;
        for (int j = 0; j < B1_WIDTH; j++) total += row[j] * first[j] + row[B1_WIDTH + j] * second[j];
        hidden[i] = tanh(total);
    }
    for (int i = 0; i < B1_TOKENS; i++) {
        logits[i] = 0;
        for (int j = 0; j < B1_TOKENS; j++) logits[i] += b[i * B1_TOKENS + j] * hidden[j];
        most = fmax(most, logits[i]);
    }
    for (int i = 0; i < B1_TOKENS; i++) sum += exp(logits[i] - most);
    double passed = 0;
    for (int i = 0; i < B1_TOKENS; i++) {
        const int64_t at = context * B1_TOKENS + i;
        const double logarithm = logits[i] - most - log(sum);
        teacher->logarithm[at] = (float)logarithm;
        teacher->probability[at] = (float)exp(logarithm);
        teacher->cumulative[at] = passed += exp(logarithm);
    }
}

nrm_status b1_make_teacher(nrm_reproduction *r, b1_teacher *teacher)
{
    enum { EMBEDDINGS = B1_TOKENS * B1_WIDTH, SQUARE = B1_TOKENS * B1_TOKENS, TABLE = B1_CONTEXTS * B1_TOKENS };
    nrm_draws draws = b1_draws(r, 0, B1_TEACHER);
    double *t = nrm_scratch(r, EMBEDDINGS + 2 * SQUARE, sizeof *t), sum = 0, passed = 0;

    teacher->probability = nrm_scratch(r, TABLE, sizeof(float));
    teacher->logarithm = nrm_scratch(r, TABLE, sizeof(float));
    teacher->cumulative = nrm_scratch(r, TABLE, sizeof(double));
    if (!t || !teacher->probability || !teacher->logarithm || !teacher->cumulative) return NRM_E_NOMEM;
    for (int i = 0; i < EMBEDDINGS; i++) t[i] = nrm_draw_normal(&draws) / sqrt(i % B1_WIDTH + 1);
    for (int i = 0; i < 2 * SQUARE; i++) t[EMBEDDINGS + i] = nrm_draw_normal(&draws) * 3 / sqrt(B1_TOKENS);
    for (int64_t c = 0; c < B1_CONTEXTS; c++) teach(t, t + EMBEDDINGS, t + EMBEDDINGS + SQUARE, c, teacher);
    for (int i = 0; i < B1_TOKENS; i++) sum += 1.0 / (i + 1);
    for (int i = 0; i < B1_TOKENS; i++) {
        teacher->weight[i] = 1 / (sum * (i + 1));
        teacher->cumulative_weight[i] = passed += teacher->weight[i];
    }
    return NRM_OK;
}

/* The place in a table of cumulative probabilities; rounding may leave the last one below 1. */
static int64_t draw_from(const double *cumulative, nrm_draws *draws)
{
    const double u = nrm_draw_uniform(draws);
    int low = 0, high = B1_TOKENS - 1;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (u < cumulative[middle]) high = middle;
        else low = middle + 1;
    }
    return low;
}

void b1_draw_batch(const b1_teacher *teacher, nrm_draws *draws, b1_batch *batch)
{
    for (int i = 0; i < B1_BATCH; i++) {
        const int64_t a = draw_from(teacher->cumulative_weight, draws), b = draw_from(teacher->cumulative_weight, draws);
        batch->contexts[2 * i] = a;
        batch->contexts[2 * i + 1] = b;
        batch->targets[i] = draw_from(teacher->cumulative + (a * B1_TOKENS + b) * B1_TOKENS, draws);
    }
}

/* ---- The student ---------------------------------------------------------------------------- */

/* Logits of `count` contexts, (count, 64); the parameters, in order. */
static nrm_node student(const b1_bench *bench, nrm_graph *g, int64_t count, nrm_node *p)
{
    const nrm_node none = {0};

    for (int i = 0; i < B1_PARAMETERS; i++)
        p[i] = nrm_graph_parameter(g, bench->tensors[i].name, NRM_F32, 2, bench->shapes[i]);
    const nrm_node contexts = nrm_graph_input(g, "contexts", NRM_I64, 2, (int64_t[]){count, 2});
    const nrm_node x = nrm_op_reshape(nrm_op_gather(p[B1_EMBEDDING], contexts), 2, (int64_t[]){count, 2 * B1_WIDTH});
    const nrm_node h1 = nrm_op_relu(nrm_op_linear(x, p[B1_W1], none));
    const nrm_node h2 = nrm_op_relu(nrm_op_linear(h1, p[B1_W2], none));
    const nrm_node h3 = nrm_op_add(h1, nrm_op_linear(h2, p[B1_W3], none));
    return nrm_op_linear(h3, p[B1_HEAD], none);
}

static nrm_status make_run(b1_bench *bench, int outputs, const nrm_node *output, const int64_t *contexts,
                           nrm_program **program, nrm_instance **run)
{
    nrm_ctx *ctx = bench->ctx;
    nrm_status st = nrm_compile(ctx, outputs, output, NULL, program);
    if (st >= 0) st = nrm_instance_create(ctx, *program, run);
    if (st >= 0) st = nrm_instance_bind(ctx, *run, "contexts", contexts);
    for (int i = 0; i < B1_PARAMETERS && st >= 0; i++)
        st = nrm_instance_bind(ctx, *run, bench->tensors[i].name, bench->weights[i]);
    return st;
}

/* Outputs: the mean cross entropy of a batch and its gradients. */
static nrm_status make_training(b1_bench *bench, nrm_graph *g)
{
    nrm_node p[B1_PARAMETERS], output[1 + B1_PARAMETERS];
    const nrm_node logits = student(bench, g, B1_BATCH, p);
    const nrm_node targets = nrm_graph_input(g, "targets", NRM_I64, 1, (int64_t[]){B1_BATCH});

    output[0] = nrm_op_mean_all(nrm_op_cross_entropy(logits, targets));
    nrm_graph_gradient(output[0], B1_PARAMETERS, p, output + 1);
    nrm_status st = make_run(bench, 1 + B1_PARAMETERS, output, bench->batch->contexts, &bench->training, &bench->training_run);
    if (st >= 0) st = nrm_instance_bind(bench->ctx, bench->training_run, "targets", bench->batch->targets);
    for (int i = 0; i < B1_PARAMETERS && st >= 0; i++)
        st = nrm_instance_bind_output(bench->ctx, bench->training_run, 1 + i, bench->gradients[i]);
    return st;
}

/* Output: KL(q || student) of each of the 4096 contexts. */
static nrm_status make_measuring(b1_bench *bench, nrm_graph *g)
{
    const int64_t shape[] = {B1_CONTEXTS, B1_TOKENS};
    nrm_node p[B1_PARAMETERS];
    const nrm_node logits = student(bench, g, B1_CONTEXTS, p);
    const nrm_node q = nrm_graph_input(g, "q", NRM_F32, 2, shape), log_q = nrm_graph_input(g, "log_q", NRM_F32, 2, shape);
    const nrm_node kl = nrm_op_sum(nrm_op_mul(q, nrm_op_sub(log_q, nrm_op_log_softmax(logits))), 1, (int[]){1}, false);

    nrm_status st = make_run(bench, 1, &kl, bench->contexts, &bench->measuring, &bench->measuring_run);
    if (st >= 0) st = nrm_instance_bind(bench->ctx, bench->measuring_run, "q", bench->teacher.probability);
    if (st >= 0) st = nrm_instance_bind(bench->ctx, bench->measuring_run, "log_q", bench->teacher.logarithm);
    return st;
}

nrm_status b1_make_student(b1_bench *bench)
{
    nrm_status (*const make[])(b1_bench *, nrm_graph *) = {make_training, make_measuring};
    nrm_status st = NRM_OK;

    for (int i = 0; i < 2 && st >= 0; i++) {
        nrm_graph *g = NULL;
        st = nrm_graph_create(bench->ctx, &g);
        if (st >= 0) st = make[i](bench, g);
        nrm_graph_destroy(g);
    }
    return st;
}

/* He for what a relu follows, 1 / sqrt(columns) for W3, deviation 1/2 for E, zero for O. */
void b1_initial_weights(b1_bench *bench, uint64_t seed)
{
    nrm_draws draws = b1_draws(bench->r, seed, B1_INITIAL);
    const double deviations[B1_PARAMETERS] = {
        [B1_W1] = sqrt(2.0 / (double)bench->shapes[B1_W1][1]), [B1_W2] = sqrt(2.0 / (double)bench->shapes[B1_W2][1]),
        [B1_W3] = 1 / sqrt((double)bench->shapes[B1_W3][1]), [B1_EMBEDDING] = 0.5, [B1_HEAD] = 0};

    for (int p = 0; p < B1_PARAMETERS; p++)
        for (int64_t i = 0; i < bench->sizes[p]; i++)
            bench->weights[p][i] = deviations[p] > 0 ? (float)(deviations[p] * nrm_draw_normal(&draws)) : 0;
}

nrm_status b1_measure(b1_bench *bench, double *kl)
{
    const nrm_status st = nrm_run(bench->ctx, bench->measuring_run);
    if (st < 0) return st;
    const float *each = nrm_instance_output(bench->measuring_run, 0);
    const double *p = bench->teacher.weight;
    *kl = 0;
    for (int c = 0; c < B1_CONTEXTS; c++) *kl += p[c / B1_TOKENS] * p[c % B1_TOKENS] * (double)each[c];
    if (!isfinite(*kl)) *kl = INFINITY;
    return NRM_OK;
}
