/* test_ops_matmul.c -- products: every transposition, batches that broadcast, empty and thin
 * sides, and factors read where they lie. */
#include "ops_kit.h"

typedef struct product {
    ops_input a, b;
    bool ta, tb;
} product;

static nrm_node build(nrm_graph *g, const nrm_node *x, const void *user)
{
    const product *p = user;
    (void)g;
    return nrm_op_matmul_transposed(x[0], p->ta, x[1], p->tb);
}
static nrm_node build_used(nrm_graph *g, const nrm_node *x, const void *user) { return nrm_op_sin(build(g, x, user)); }

static int64_t side(const ops_input *in, int from_end) { return in->shape[in->ndim - from_end]; }
static int64_t batch_of(const ops_input *in, int ndim, const int64_t *digits)
{
    int64_t at = 0;
    for (int i = 0; i < in->ndim - 2; i++) at = at * in->shape[i] + (in->shape[i] == 1 ? 0 : digits[ndim - (in->ndim - 2) + i]);
    return at;
}

static void value(const ops_values *in, double *y, const void *user)
{
    const product *p = user;
    const int na = p->a.ndim - 2, nb = p->b.ndim - 2, ndim = na > nb ? na : nb;
    const int64_t ra = side(&p->a, 2), ca = side(&p->a, 1), rb = side(&p->b, 2), cb = side(&p->b, 1);
    const int64_t m = p->ta ? ca : ra, k = p->ta ? ra : ca, n = p->tb ? rb : cb;
    int64_t shape[6], batches = 1;
    for (int i = 0; i < ndim; i++) {
        const int64_t s = i < ndim - na ? 1 : p->a.shape[i - (ndim - na)], t = i < ndim - nb ? 1 : p->b.shape[i - (ndim - nb)];
        shape[i] = s == 1 ? t : s;
        batches *= shape[i];
    }
    for (int64_t b = 0; b < batches; b++) {
        int64_t digits[6], left = b;
        for (int i = ndim - 1; i >= 0; i--) {
            digits[i] = left % shape[i];
            left /= shape[i];
        }
        const double *x = in[0].x + batch_of(&p->a, ndim, digits) * ra * ca, *z = in[1].x + batch_of(&p->b, ndim, digits) * rb * cb;
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t l = 0; l < k; l++) sum += x[p->ta ? l * ca + i : i * ca + l] * z[p->tb ? j * cb + l : l * cb + j];
                *y++ = sum;
            }
    }
}

/* Shapes as they are multiplied, op(a) (batch.., m, k) and op(b); the transposed ones are stored so. */
static void check(ops_input a, ops_input b, bool plain_only)
{
    for (int way = 0; way < (plain_only ? 1 : 4); way++) {
        product p = {.a = a, .b = b, .ta = way & 1, .tb = way & 2};
        if (p.ta) {
            p.a.shape[a.ndim - 1] = a.shape[a.ndim - 2];
            p.a.shape[a.ndim - 2] = a.shape[a.ndim - 1];
        }
        if (p.tb) {
            p.b.shape[b.ndim - 1] = b.shape[b.ndim - 2];
            p.b.shape[b.ndim - 2] = b.shape[b.ndim - 1];
        }
        char name[32];
        snprintf(name, sizeof name, "matmul%s%s", p.ta ? ", left transposed" : "", p.tb ? ", right" : "");
        ops_record r = {.name = name, .build = build, .reference = value, .input_count = 2, .inputs = {p.a, p.b}, .user = &p, .single_tolerance = 1e-4};
        ops_check(&r);
        r.build = build_used;
        r.reference = NULL;
        ops_check(&r);
    }
}

static void test_products(void **state)
{
    (void)state;
    static const ops_input pairs[][2] = {
        {OPS_SHAPE(2, 3, 4), OPS_SHAPE(2, 4, 5)}, {OPS_SHAPE(2, 1, 4), OPS_SHAPE(2, 4, 5)}, {OPS_SHAPE(2, 3, 4), OPS_SHAPE(2, 4, 1)},
        {OPS_SHAPE(2, 1, 1), OPS_SHAPE(2, 1, 1)}, {OPS_SHAPE(2, 3, 1), OPS_SHAPE(2, 1, 5)}, {OPS_SHAPE(2, 17, 33), OPS_SHAPE(2, 33, 9)},
        {OPS_SHAPE(3, 2, 3, 4), OPS_SHAPE(3, 2, 4, 2)}, {OPS_SHAPE(3, 1, 3, 4), OPS_SHAPE(3, 3, 4, 2)}, {OPS_SHAPE(3, 3, 2, 4), OPS_SHAPE(2, 4, 2)},
        {OPS_SHAPE(2, 2, 4), OPS_SHAPE(3, 3, 4, 2)}, {OPS_SHAPE(4, 2, 1, 3, 2), OPS_SHAPE(3, 3, 2, 2)}, {OPS_SHAPE(6, 2, 1, 1, 2, 2, 3), OPS_SHAPE(5, 3, 1, 1, 3, 2)},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) check(pairs[i][0], pairs[i][1], false);
}

static void test_empty(void **state)
{
    (void)state;
    static const ops_input pairs[][2] = {
        {OPS_SHAPE(2, 3, 0), OPS_SHAPE(2, 0, 5)}, {OPS_SHAPE(2, 0, 4), OPS_SHAPE(2, 4, 5)}, {OPS_SHAPE(2, 3, 4), OPS_SHAPE(2, 4, 0)},
        {OPS_SHAPE(3, 2, 3, 0), OPS_SHAPE(2, 0, 5)}, {OPS_SHAPE(3, 2, 3, 0), OPS_SHAPE(3, 2, 0, 5)}, {OPS_SHAPE(3, 0, 3, 4), OPS_SHAPE(2, 4, 5)},
        {OPS_SHAPE(2, 3, 4), OPS_SHAPE(3, 0, 4, 5)}, {OPS_SHAPE(3, 0, 3, 4), OPS_SHAPE(3, 1, 4, 5)},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) check(pairs[i][0], pairs[i][1], false);
}

/* ---- Factors that are views: heads of an attention, slices of a joint projection ------------------------- */

static nrm_node heads(nrm_node x, int64_t at) /* (2, 5, 12), 3 heads of 4 from column `at` -> (2, 3, 5, 4) */
{
    const nrm_node part = nrm_op_slice(x, 2, at, at + 12, 1);
    return nrm_op_permute(nrm_op_reshape(part, 4, (int64_t[]){2, 5, 3, 4}), (int[]){0, 2, 1, 3});
}
static nrm_node build_attention(nrm_graph *g, const nrm_node *x, const void *user)
{
    (void)g;
    (void)user;
    const nrm_node q = heads(x[0], 0), k = heads(x[0], 12), v = heads(x[0], 24);
    const nrm_node scores = nrm_op_exp(nrm_op_scale(nrm_op_matmul(q, nrm_op_transpose(k)), 0.2));
    return nrm_op_reshape(nrm_op_permute(nrm_op_matmul(scores, v), (int[]){0, 2, 1, 3}), 3, (int64_t[]){2, 5, 12});
}
static void value_attention(const ops_values *in, double *y, const void *user)
{
    (void)user;
    for (int b = 0; b < 2; b++)
        for (int h = 0; h < 3; h++)
            for (int i = 0; i < 5; i++) {
                double out[4] = {0};
                for (int j = 0; j < 5; j++) {
                    const double *q = in[0].x + (b * 5 + i) * 36 + h * 4, *k = in[0].x + (b * 5 + j) * 36 + 12 + h * 4;
                    double score = 0;
                    for (int e = 0; e < 4; e++) score += q[e] * k[e];
                    for (int e = 0; e < 4; e++) out[e] += exp(0.2 * score) * k[12 + e];
                }
                for (int e = 0; e < 4; e++) y[(b * 5 + i) * 12 + h * 4 + e] = out[e];
            }
}

/* Views that BLAS cannot read, or only just: steps along both sides, broadcast rows, a diagonal block. */
static nrm_node build_odd(nrm_graph *g, const nrm_node *x, const void *user)
{
    (void)g;
    (void)user;
    const nrm_node a = x[0]; /* (6, 8) */
    const nrm_node both = nrm_op_slice(nrm_op_slice(a, 0, 0, 6, 2), 1, 1, 8, 2);               /* (3, 4), steps 16 and 2 */
    const nrm_node rows = nrm_op_slice(a, 0, 1, 5, 1);                                          /* (4, 8) */
    const nrm_node corner = nrm_op_slice(rows, 1, 2, 5, 1);                                     /* (4, 3), row step 8 */
    const nrm_node same = nrm_op_broadcast(nrm_op_slice(a, 0, 3, 4, 1), 2, (int64_t[]){4, 8});  /* every row alike */
    const nrm_node column = nrm_op_broadcast(nrm_op_slice(a, 1, 3, 4, 1), 2, (int64_t[]){6, 5}); /* every column alike */
    const nrm_node p = nrm_op_matmul(both, corner);                                             /* (3, 3) */
    const nrm_node q = nrm_op_matmul_transposed(corner, true, same, false);                     /* (3, 8) */
    const nrm_node r = nrm_op_matmul_transposed(column, true, a, false);                        /* (5, 8) */
    const nrm_node s = nrm_op_matmul(q, nrm_op_transpose(r));                                   /* (3, 5) */
    return nrm_op_concat(2, (nrm_node[]){p, s}, 1);
}
static void value_odd(const ops_values *in, double *y, const void *user)
{
    const double *a = in[0].x;
    (void)user;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            y[i * 8 + j] = 0;
            for (int l = 0; l < 4; l++) y[i * 8 + j] += a[2 * i * 8 + 1 + 2 * l] * a[(1 + l) * 8 + 2 + j];
        }
        for (int j = 0; j < 5; j++) {
            double sum = 0;
            for (int c = 0; c < 8; c++) {
                double q = 0, r = 0;
                for (int l = 0; l < 4; l++) q += a[(1 + l) * 8 + 2 + i] * a[3 * 8 + c];
                for (int l = 0; l < 6; l++) r += a[l * 8 + 3] * a[l * 8 + c];
                sum += q * r;
            }
            y[i * 8 + 3 + j] = sum;
        }
    }
}

static nrm_node build_linear(nrm_graph *g, const nrm_node *x, const void *user)
{
    (void)g;
    (void)user;
    const nrm_node row = nrm_op_slice(nrm_op_reshape(x[0], 2, (int64_t[]){6, 4}), 0, 2, 3, 1);
    const nrm_node one = nrm_op_linear(nrm_op_reshape(row, 1, (int64_t[]){4}), x[1], x[2]);
    const nrm_node all = nrm_op_linear(x[0], x[1], x[2]), bare = nrm_op_linear(x[0], x[1], (nrm_node){0});
    return nrm_op_add(nrm_op_mul(all, nrm_op_sin(bare)), one);
}
static void value_linear(const ops_values *in, double *y, const void *user)
{
    (void)user;
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 3; j++) {
            double bare = 0, one = in[2].x[j];
            for (int k = 0; k < 4; k++) {
                bare += in[0].x[i * 4 + k] * in[1].x[j * 4 + k];
                one += in[0].x[8 + k] * in[1].x[j * 4 + k];
            }
            y[i * 3 + j] = (bare + in[2].x[j]) * sin(bare) + one;
        }
}

static void test_in_place(void **state)
{
    (void)state;
    const ops_record records[] = {
        {.name = "attention", .build = build_attention, .reference = value_attention, .input_count = 1, .inputs = {OPS_SHAPE(3, 2, 5, 36)},
         .single_tolerance = 1e-4},
        {.name = "odd views", .build = build_odd, .reference = value_odd, .input_count = 1, .inputs = {OPS_SHAPE(2, 6, 8)}, .single_tolerance = 1e-4,
         .first_tolerance = 1e-6, .second_tolerance = 1e-5},
        {.name = "linear", .build = build_linear, .reference = value_linear, .input_count = 3,
         .inputs = {OPS_SHAPE(3, 2, 3, 4), OPS_SHAPE(2, 3, 4), OPS_SHAPE(1, 3)}, .single_tolerance = 1e-4}};
    ops_check_all(records, 3);
}

/* One large product and many small ones, shared by threads; a sum over a long batch. */
static void test_large(void **state)
{
    (void)state;
    static const ops_input pairs[][2] = {{OPS_SHAPE(2, 130, 70), OPS_SHAPE(2, 70, 90)}, {OPS_SHAPE(3, 40, 17, 9), OPS_SHAPE(3, 40, 9, 13)},
                                         {OPS_SHAPE(2, 7, 3001), OPS_SHAPE(2, 3001, 5)}};
    for (int i = 0; i < 3; i++) {
        const product p = {.a = pairs[i][0], .b = pairs[i][1]};
        const ops_record r = {.name = "large", .build = build, .reference = value, .input_count = 2, .inputs = {p.a, p.b}, .user = &p,
                              .flags = OPS_ONE_DERIVATIVE, .single_tolerance = 1e-3};
        ops_check(&r);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_products), cmocka_unit_test(test_empty), cmocka_unit_test(test_in_place), cmocka_unit_test(test_large))
