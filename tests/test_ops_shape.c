/* test_ops_shape.c -- views and copies: reshape, permute, slice, pad, concat, roll, and views of
 * views, each against the elements gathered one by one. */
#include "ops_kit.h"

/* A chain of steps on one array; the reference does the same on a list of elements. */
typedef enum step_kind { RESHAPE = 1, PERMUTE, BROADCAST, SLICE, PAD, CIRCULAR, ROLL, TRANSPOSE, SINE, SUM } step_kind;
typedef struct step {
    step_kind kind;
    int n; /* dimensions, or the axis */
    int64_t a[6];
} step;
enum { MOST_STEPS = 8 };
typedef struct chain {
    step steps[MOST_STEPS];
    ops_input in;
} chain;

static nrm_node take(const step *s, nrm_node x)
{
    int axes[6];
    for (int i = 0; i < 6; i++) axes[i] = (int)s->a[i];
    switch (s->kind) {
    case RESHAPE: return nrm_op_reshape(x, s->n, s->a);
    case PERMUTE: return nrm_op_permute(x, axes);
    case BROADCAST: return nrm_op_broadcast(x, s->n, s->a);
    case SLICE: return nrm_op_slice(x, s->n, s->a[0], s->a[1], s->a[2]);
    case PAD: return nrm_op_pad(x, s->n, s->a[0], s->a[1], s->a[2]);
    case CIRCULAR: return nrm_op_pad_circular(x, s->n, s->a[0], s->a[1]);
    case ROLL: return nrm_op_roll(x, s->n, s->a[0]);
    case TRANSPOSE: return nrm_op_transpose(x);
    case SINE: return nrm_op_sin(x);
    case SUM: return nrm_op_sum(x, 1, &s->n, true);
    }
    return x;
}

static nrm_node build(nrm_graph *g, const nrm_node *x, const void *user)
{
    const chain *c = user;
    nrm_node y = x[0];
    (void)g;
    for (int i = 0; i < MOST_STEPS && c->steps[i].kind; i++) y = take(&c->steps[i], y);
    return y;
}
/* An end that is not linear, and reads the views twice. */
static nrm_node build_used(nrm_graph *g, const nrm_node *x, const void *user)
{
    const nrm_node y = build(g, x, user);
    return nrm_op_add(nrm_op_square(y), nrm_op_mul(y, nrm_op_sum_all(nrm_op_sin(x[0]))));
}

typedef struct list {
    int ndim;
    int64_t shape[6], count;
    double *x;
} list;

static list list_of(int ndim, const int64_t *shape)
{
    list l = {.ndim = ndim, .count = 1};
    for (int i = 0; i < ndim; i++) l.count *= l.shape[i] = shape[i];
    l.x = calloc((size_t)l.count + 1, sizeof *l.x);
    assert_non_null(l.x);
    return l;
}

static int64_t place_of(const list *l, const int64_t *digits)
{
    int64_t at = 0;
    for (int i = 0; i < l->ndim; i++) at = at * l->shape[i] + digits[i];
    return at;
}

/* Where an element of the result comes from; false: nowhere, it is 0. */
static bool origin(const step *s, const list *from, int ndim, const int64_t *digits, int64_t *source)
{
    for (int i = 0; i < from->ndim; i++) source[i] = s->kind == PERMUTE || s->kind == BROADCAST ? 0 : digits[i];
    const int a = s->n < 0 ? s->n + ndim : s->n;
    switch (s->kind) {
    case PERMUTE: for (int i = 0; i < ndim; i++) source[s->a[i] < 0 ? s->a[i] + ndim : s->a[i]] = digits[i]; return true;
    case TRANSPOSE: source[ndim - 1] = digits[ndim - 2]; source[ndim - 2] = digits[ndim - 1]; return true;
    case BROADCAST: for (int i = 0; i < from->ndim; i++) source[i] = from->shape[i] == 1 ? 0 : digits[i + ndim - from->ndim]; return true;
    case SLICE: source[a] = (s->a[0] < 0 ? s->a[0] + from->shape[a] : s->a[0]) + digits[a] * s->a[2]; return true;
    case CIRCULAR: source[a] = (digits[a] - s->a[0] + from->shape[a]) % from->shape[a]; return true;
    case ROLL: source[a] = (digits[a] - s->a[0] % from->shape[a] + from->shape[a]) % from->shape[a]; return true;
    case PAD:
        source[a] = digits[a] - s->a[0];
        if (source[a] < 0) return false;
        if (from->shape[a] < 2) return source[a] < from->shape[a]; /* no gap, whatever its length */
        if (source[a] % (s->a[2] + 1) != 0) return false;
        source[a] /= s->a[2] + 1;
        return source[a] < from->shape[a];
    default: return true;
    }
}

static list shape_after(const step *s, const list *from)
{
    int64_t shape[6], known = 1;
    int ndim = from->ndim;
    for (int i = 0; i < 6; i++) shape[i] = i < ndim ? from->shape[i] : 1;
    const int a = s->n < 0 ? s->n + ndim : s->n;
    if (s->kind == RESHAPE || s->kind == BROADCAST) {
        ndim = s->n;
        for (int i = 0; i < ndim; i++) known *= s->a[i] < 0 ? 1 : s->a[i];
        for (int i = 0; i < ndim; i++) shape[i] = s->a[i] < 0 ? from->count / known : s->a[i];
    }
    if (s->kind == PERMUTE) for (int i = 0; i < ndim; i++) shape[i] = from->shape[s->a[i] < 0 ? s->a[i] + ndim : s->a[i]];
    if (s->kind == TRANSPOSE) {
        shape[ndim - 1] = from->shape[ndim - 2];
        shape[ndim - 2] = from->shape[ndim - 1];
    }
    if (s->kind == SUM) shape[a] = 1;
    if (s->kind == CIRCULAR) shape[a] += s->a[0] + s->a[1];
    if (s->kind == PAD) shape[a] += s->a[0] + s->a[1] + (shape[a] > 1 ? (shape[a] - 1) * s->a[2] : 0);
    if (s->kind == SLICE) {
        const int64_t start = s->a[0] < 0 ? s->a[0] + shape[a] : s->a[0], stop = s->a[1] < 0 ? s->a[1] + shape[a] : s->a[1];
        shape[a] = 0;
        for (int64_t i = start; i < stop && i >= start; i = i > INT64_MAX - s->a[2] ? stop : i + s->a[2]) shape[a]++;
    }
    return list_of(ndim, shape);
}

static list follow(const step *s, list from)
{
    list to = shape_after(s, &from);
    for (int64_t i = 0; i < (s->kind == SUM ? from.count : to.count); i++) {
        const list *walked = s->kind == SUM ? &from : &to;
        int64_t digits[6] = {0}, source[6] = {0}, left = i;
        for (int k = walked->ndim - 1; k >= 0; k--) {
            digits[k] = left % walked->shape[k];
            left /= walked->shape[k];
        }
        if (s->kind == SUM) {
            digits[s->n] = 0;
            to.x[place_of(&to, digits)] += from.x[i];
        } else if (s->kind == RESHAPE) to.x[i] = from.x[i];
        else if (s->kind == SINE) to.x[i] = sin(from.x[i]);
        else if (origin(s, &from, to.ndim, digits, source)) to.x[i] = from.x[place_of(&from, source)];
    }
    free(from.x);
    return to;
}

static void value(const ops_values *in, double *y, const void *user)
{
    const chain *c = user;
    list l = list_of(c->in.ndim, c->in.shape);
    memcpy(l.x, in[0].x, sizeof *l.x * (size_t)l.count);
    for (int i = 0; i < MOST_STEPS && c->steps[i].kind; i++) l = follow(&c->steps[i], l);
    memcpy(y, l.x, sizeof *y * (size_t)l.count);
    free(l.x);
}

static void check(const chain *c, const char *name)
{
    ops_record r = {.name = name, .build = build, .reference = value, .input_count = 1, .inputs = {c->in}, .user = c};
    ops_check(&r);
    r.build = build_used;
    r.reference = NULL;
    r.single_tolerance = 1e-4;
    r.first_tolerance = r.second_tolerance = 1e-6;
    ops_check(&r);
}

static void test_single_steps(void **state)
{
    (void)state;
    static const chain chains[] = {
        {{{RESHAPE, 2, {6, 4}}}, OPS_SHAPE(3, 2, 3, 4)}, {{{RESHAPE, 3, {-1, 1, 8}}}, OPS_SHAPE(3, 2, 3, 4)},
        {{{RESHAPE, 0, {0}}}, OPS_SHAPE(3, 1, 1, 1)}, {{{RESHAPE, 2, {-1, 5}}}, OPS_SHAPE(3, 2, 0, 5)},
        {{{PERMUTE, 0, {2, 0, 1}}}, OPS_SHAPE(3, 2, 3, 4)}, {{{PERMUTE, 0, {0, -1, 1}}}, OPS_SHAPE(3, 2, 3, 4)},
        {{{PERMUTE, 0, {5, 4, 3, 2, 1, 0}}}, OPS_SHAPE(6, 2, 1, 3, 2, 1, 2)}, {{{TRANSPOSE, 0, {0}}}, OPS_SHAPE(4, 2, 2, 3, 4)},
        {{{BROADCAST, 3, {2, 3, 4}}}, OPS_SHAPE(2, 3, 1)}, {{{BROADCAST, 4, {2, 1, 3, 2}}}, OPS_SHAPE(0, 0)}, {{{BROADCAST, 2, {0, 3}}}, OPS_SHAPE(1, 3)},
        {{{SLICE, 1, {1, 4, 1}}}, OPS_SHAPE(2, 3, 5)}, {{{SLICE, 0, {1, 7, 3}}}, OPS_SHAPE(2, 8, 3)}, {{{SLICE, -1, {-4, -1, 2}}}, OPS_SHAPE(2, 3, 5)},
        {{{SLICE, 0, {2, 2, 1}}}, OPS_SHAPE(2, 3, 5)}, {{{SLICE, 0, {0, 3, INT64_MAX}}}, OPS_SHAPE(2, 3, 5)}, {{{SLICE, 0, {0, 0, 1}}}, OPS_SHAPE(1, 0)},
        {{{PAD, 0, {2, 1, 0}}}, OPS_SHAPE(2, 3, 2)}, {{{PAD, 1, {1, 2, 2}}}, OPS_SHAPE(3, 2, 3, 2)}, {{{PAD, -1, {0, 0, 3}}}, OPS_SHAPE(2, 2, 4)},
        {{{PAD, 1, {2, 1, INT64_MAX}}}, OPS_SHAPE(2, 2, 1)}, {{{PAD, 0, {2, 1, 5}}}, OPS_SHAPE(2, 0, 3)}, {{{PAD, 1, {1, 1, 1}}}, OPS_SHAPE(3, 20, 10, 40)},
        {{{CIRCULAR, 1, {2, 3, 0}}}, OPS_SHAPE(2, 2, 3)}, {{{CIRCULAR, 0, {0, 1, 0}}}, OPS_SHAPE(2, 2, 3)}, {{{CIRCULAR, 0, {0, 0, 0}}}, OPS_SHAPE(1, 3)},
        {{{ROLL, 0, {2}}}, OPS_SHAPE(2, 5, 2)}, {{{ROLL, 1, {-1}}}, OPS_SHAPE(2, 2, 3)}, {{{ROLL, 1, {300}}}, OPS_SHAPE(2, 2, 3)},
        {{{ROLL, 0, {INT64_MIN}}}, OPS_SHAPE(1, 7)}, {{{ROLL, 0, {3}}}, OPS_SHAPE(1, 0)},
    };
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        char name[32];
        snprintf(name, sizeof name, "single step %zu", i);
        check(&chains[i], name);
    }
}

/* Views of views, read by sweeps, copies, reductions. */
static void test_chains(void **state)
{
    (void)state;
    static const chain chains[] = {
        {{{PERMUTE, 0, {1, 0}}, {RESHAPE, 1, {12}}}, OPS_SHAPE(2, 3, 4)}, /* a copy in the middle */
        {{{PERMUTE, 0, {1, 0}}, {RESHAPE, 1, {12}}, {SLICE, 0, {1, 11, 3}}, {BROADCAST, 2, {3, 4}}}, OPS_SHAPE(2, 3, 4)},
        {{{SLICE, 1, {1, 6, 2}}, {SLICE, 1, {1, 3, 1}}, {SLICE, 0, {0, 3, 2}}}, OPS_SHAPE(2, 3, 7)},
        {{{SLICE, 1, {1, 4, 1}}, {RESHAPE, 2, {3, 3}}, {TRANSPOSE, 0, {0}}}, OPS_SHAPE(2, 3, 5)},
        {{{BROADCAST, 3, {2, 3, 4}}, {PERMUTE, 0, {2, 0, 1}}, {RESHAPE, 2, {8, 3}}, {SLICE, 0, {1, 8, 2}}}, OPS_SHAPE(2, 3, 1)},
        {{{SINE, 0, {0}}, {PERMUTE, 0, {2, 1, 0}}, {SLICE, 1, {0, 2, 1}}, {SINE, 0, {0}}, {SUM, 1, {0}}, {BROADCAST, 3, {4, 5, 2}}, {SINE, 0, {0}}}, OPS_SHAPE(3, 2, 3, 4)},
        {{{RESHAPE, 4, {2, 3, 2, 2}}, {PERMUTE, 0, {0, 2, 1, 3}}, {RESHAPE, 3, {4, 3, 2}}, {SUM, 1, {0}}, {SINE, 0, {0}}}, OPS_SHAPE(2, 6, 4)},
        {{{SUM, 0, {0}}, {RESHAPE, 1, {5}}, {SLICE, 0, {1, 4, 1}}, {RESHAPE, 2, {3, 1}}, {BROADCAST, 2, {3, 2}}}, OPS_SHAPE(2, 4, 5)},
        {{{PAD, 0, {1, 1, 0}}, {SLICE, 0, {1, 4, 1}}, {ROLL, 1, {1}}, {CIRCULAR, 0, {1, 1, 0}}, {TRANSPOSE, 0, {0}}}, OPS_SHAPE(2, 3, 4)},
        {{{BROADCAST, 2, {4, 3}}, {RESHAPE, 1, {12}}, {SINE, 0, {0}}}, OPS_SHAPE(1, 3)},
        {{{BROADCAST, 2, {3, 4}}, {RESHAPE, 1, {12}}, {SINE, 0, {0}}, {SLICE, 0, {0, 12, 5}}}, OPS_SHAPE(2, 3, 1)},
        {{{SINE, 0, {0}}, {SLICE, 0, {3, 1200, 1}}, {RESHAPE, 2, {19, 63}}, {TRANSPOSE, 0, {0}}, {SINE, 0, {0}}, {SUM, 0, {0}}}, OPS_SHAPE(1, 1500)},
        {{{TRANSPOSE, 0, {0}}, {SINE, 0, {0}}, {TRANSPOSE, 0, {0}}, {SUM, 1, {0}}, {SINE, 0, {0}}}, OPS_SHAPE(2, 40, 60)},
        {{{SLICE, 0, {0, 0, 1}}, {SINE, 0, {0}}, {TRANSPOSE, 0, {0}}, {SUM, 1, {0}}}, OPS_SHAPE(2, 3, 5)},
    };
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        char name[32];
        snprintf(name, sizeof name, "chain %zu", i);
        check(&chains[i], name);
    }
}

/* ---- Several arrays ------------------------------------------------------------------------------------- */

static nrm_node build_concat(nrm_graph *g, const nrm_node *x, const void *user)
{
    nrm_node parts[20];
    (void)g;
    for (int i = 0; i < 20; i++) parts[i] = x[i % 3]; /* more than the small arrays of the derivatives hold */
    return nrm_op_square(nrm_op_concat(*(const int *)user, parts, 1));
}
static void value_concat(const ops_values *in, double *y, const void *user)
{
    static const int64_t width[3] = {2, 0, 3};
    int64_t at = 0;
    for (int64_t row = 0; row < 4; row++)
        for (int k = 0; k < *(const int *)user; k++)
            for (int64_t i = 0; i < width[k % 3]; i++, at++) y[at] = pow(in[k % 3].x[row * width[k % 3] + i], 2);
}

static nrm_node build_sum_to(nrm_graph *g, const nrm_node *x, const void *user)
{
    (void)g;
    (void)user;
    return nrm_op_mul(nrm_op_sum_to(nrm_op_sin(x[0]), 2, (int64_t[]){3, 1}), nrm_op_sum_to(x[0], 0, NULL));
}
static void value_sum_to(const ops_values *in, double *y, const void *user)
{
    double all = 0;
    (void)user;
    for (int i = 0; i < 3; i++) y[i] = 0;
    for (int i = 0; i < 24; i++) {
        all += in[0].x[i];
        y[i / 4 % 3] += sin(in[0].x[i]);
    }
    for (int i = 0; i < 3; i++) y[i] *= all;
}

static nrm_node build_integers(nrm_graph *g, const nrm_node *x, const void *user)
{
    const nrm_node many = nrm_op_concat(2, (nrm_node[]){nrm_op_transpose(x[0]), nrm_op_pad(nrm_op_slice(x[0], 0, 0, 2, 1), 0, 1, 1, 0)}, 1);
    (void)user;
    return nrm_op_concat(2, (nrm_node[]){nrm_op_reshape(many, 1, (int64_t[]){-1}), nrm_graph_range(g, NRM_I64, 3)}, 0);
}
static void value_integers(const ops_values *in, double *y, const void *user)
{
    (void)user;
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 3; j++) y[i * 7 + j] = (double)in[0].i[j * 4 + i];
        for (int j = 0; j < 4; j++) y[i * 7 + 3 + j] = i == 0 || i == 3 ? 0 : (double)in[0].i[(i - 1) * 4 + j];
    }
    for (int i = 0; i < 3; i++) y[28 + i] = i;
}

static void test_several(void **state)
{
    (void)state;
    static const int counts[3] = {1, 3, 20};
    for (int i = 0; i < 3; i++) {
        const ops_record r = {.name = "concat", .build = build_concat, .reference = value_concat, .input_count = 3,
                              .inputs = {OPS_SHAPE(2, 4, 2), OPS_SHAPE(2, 4, 0), OPS_SHAPE(2, 4, 3)}, .user = &counts[i]};
        ops_check(&r);
    }
    const ops_record more[] = {
        {.name = "sum_to", .build = build_sum_to, .reference = value_sum_to, .input_count = 1, .inputs = {OPS_SHAPE(3, 2, 3, 4)}},
        {.name = "integers", .build = build_integers, .reference = value_integers, .input_count = 1,
         .inputs = {{.ndim = 2, .shape = {3, 4}, .index = true, .low = -50, .high = 1000}}, .flags = OPS_NO_DERIVATIVE}};
    ops_check_all(more, 2);
}

NRM_TEST_MAIN(cmocka_unit_test(test_single_steps), cmocka_unit_test(test_chains), cmocka_unit_test(test_several))
