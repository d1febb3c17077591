/* heavy_light.c -- the random-order algorithm: absorbing rows.
 *
 * Kacham and Woodruff, "Approximating the Top Eigenvector in Random Order Streams",
 * NeurIPS 2024 (arXiv 2412.11963).  The stream is cut into blocks B_1, B_2, ...; in random
 * order  (n / n_p) B_p'B_p  is close to  A'A  in spectral norm, unless one row is so long
 * that it dominates its block.  One power step per block, on k vectors at once:
 *
 *     Y_p = B_p'(B_p Z_p),     Z_{p+1} = orth(Y_p),     Z_1 = orth(Gaussian)          (L)
 *
 * and the K longest rows H so far are kept apart, exactly (H).  A row that a longer one
 * pushes out is absorbed in its turn, so A'A = H'H + L'L with L the rows absorbed.
 *
 * Where this departs from the paper, and why:
 *   - the rows kept are the K longest, not those above a threshold: neither |A|_F nor n
 *     needs to be known, and a row too many in H does no harm;
 *   - k vectors instead of one: the gap that counts is lambda1 / lambda_{k+1};
 *   - block lengths double by default: the last complete block then holds a quarter of the
 *     stream or more, and the error of the answer is the sampling error of that block;
 *   - Y_p need not be kept when block p is over: with Y_p = Z_{p+1} R and M = Z_p'Y_p, the
 *     k x k matrices R and M are all that the final step asks for (heavy_light_end.c).  So
 *     the memory is Z, Y and H: (2k + K) d + O(k^2 + K) numbers, plus batch * k.
 *
 * Rows are taken in runs: between two rows that are stored, a batch of rows is two matrix
 * products.  The products keep the order of sums (kernel/ordered.h), so neither batches
 * nor runs nor threads show in the bits. */
#include "heavy_light.h"
#include "base/random.h"

/* ---- Blocks -------------------------------------------------------------------------------- */

void nrm_heavy_light_plan(const nrm_top_eigenvector_stream *s, nrm_heavy_light *hl)
{
    const nrm_top_eigenvector_options *o = &s->options;
    int64_t *counter = hl->counter, length;
    const double light = (double)counter[NRM_HL_ABSORBED];

    if (o->schedule == NRM_TOP_EIGENVECTOR_EQUAL) {
        const int64_t rows = nrm_max_i64(s->known_rows - hl->heavy.capacity, 1);
        length = (rows + o->blocks - 1) / o->blocks;
    } else {
        const int64_t most = INT64_C(1) << 60;
        length = counter[NRM_HL_BLOCKS] == 0 ? o->first_block
                                             : nrm_min_i64(2 * nrm_min_i64(counter[NRM_HL_LENGTH], most), most);
    }
    counter[NRM_HL_COUNT] = 0;
    counter[NRM_HL_LENGTH] = length;
    hl->scalar[NRM_HL_OPEN] = 0;
    /* More rows than announced stay in the last block: no step on a block too short. */
    if (o->schedule == NRM_TOP_EIGENVECTOR_EQUAL && counter[NRM_HL_BLOCKS] == o->blocks - 1)
        counter[NRM_HL_LENGTH] = INT64_MAX;

    /* Keep about c d ln d rows: sum of keep |a|^2 over the block, were its rows like those
     * absorbed before.  The first block, of which nothing is known, is kept whole. */
    hl->scalar[NRM_HL_KEEP] = 0;
    if (o->subsample > 0 && hl->scalar[NRM_HL_ENERGY] > 0) {
        const double d = (double)s->columns, mean = hl->scalar[NRM_HL_ENERGY] / light;
        const double wanted = o->subsample * d * log(fmax(d, 3));
        hl->scalar[NRM_HL_KEEP] = fmin(wanted / ((double)length * mean), DBL_MAX);
    }
}

void nrm_heavy_light_close(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, nrm_heavy_light *hl)
{
    const int64_t d = s->columns, k = hl->width;

    if (hl->scalar[NRM_HL_OPEN] > 0) { /* a block of zeros says nothing: Z, M and R stay */
        memset(hl->m, 0, (size_t)(k * k) * sizeof *hl->m);
        nrm_ordered_transposed(ctx, d, k, k, hl->z, k, hl->y, k, hl->m, k); /* M = Z'Y, with the Z that made Y */
        nrm_orthonormal_basis(d, k, hl->y, hl->z, hl->r, s->seed,
                              NRM_STREAM_REFILL + ((uint64_t)(hl->counter[NRM_HL_BLOCKS] + 1) << 32));
        memset(hl->y, 0, (size_t)(d * k) * sizeof *hl->y);
        hl->counter[NRM_HL_LAST] = hl->counter[NRM_HL_COUNT];
    }
    nrm_order_close(&hl->order);
    hl->counter[NRM_HL_BLOCKS]++;
    nrm_heavy_light_plan(s, hl);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

/* Weight of the next light row: 1, or with subsampling 0 or 1 / probability.  The draw
 * belongs to the number of the row among the light ones. */
static double weight(const nrm_top_eigenvector_stream *s, const nrm_heavy_light *hl, double square)
{
    const double keep = hl->scalar[NRM_HL_KEEP], probability = keep * square;
    nrm_rng rng = nrm_rng_make(s->seed, NRM_STREAM_SUBSAMPLE);

    if (keep == 0 || probability >= 1) return 1;
    rng.block = (uint64_t)hl->counter[NRM_HL_ABSORBED];
    return nrm_rng_uniform(&rng) < probability ? 1 / probability : 0;
}

static void count_light(nrm_heavy_light *hl, double square)
{
    hl->counter[NRM_HL_COUNT]++;
    hl->counter[NRM_HL_ABSORBED]++;
    hl->scalar[NRM_HL_ENERGY] += square;
    hl->scalar[NRM_HL_OPEN] += square;
    hl->scalar[NRM_HL_LONGEST] = fmax(hl->scalar[NRM_HL_LONGEST], square);
}

static double sum_of_squares(const double *p, int64_t k)
{
    double sum = 0;
    for (int64_t c = 0; c < k; c++) sum += p[c] * p[c];
    return sum;
}

static void make_room(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, nrm_heavy_light *hl)
{
    if (hl->counter[NRM_HL_COUNT] >= hl->counter[NRM_HL_LENGTH]) nrm_heavy_light_close(ctx, s, hl);
}

void nrm_heavy_light_row(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, nrm_heavy_light *hl,
                         const double *row, double square)
{
    const nrm_ordered_kernels *kernels = nrm_ordered_kernels_for(nrm_cpu_isa());
    const int64_t k = hl->width;

    make_room(ctx, s, hl);
    const double w = weight(s, hl, square);
    if (w > 0) {
        memset(hl->p, 0, (size_t)k * sizeof *hl->p);
        kernels->sparse_product(s->columns, NULL, row, k, hl->z, k, hl->p);
        for (int64_t c = 0; c < k; c++) hl->p[c] *= w;
        kernels->sparse_transposed(s->columns, NULL, row, k, hl->p, hl->y, k);
    }
    count_light(hl, square);
}

/* A run of rows that are not stored: two products for all of them. */
static void absorb_run(nrm_ctx *ctx, nrm_heavy_light *hl, const nrm_batch *run)
{
    const int64_t k = hl->width;

    nrm_batch_product(ctx, run, k, hl->z, hl->p);
    nrm_batch_transposed(ctx, run, k, hl->p, hl->y);
    for (int64_t i = 0; i < run->count; i++) {
        nrm_order_note(&hl->order, sum_of_squares(hl->p + i * k, k), run->squares[i]);
        count_light(hl, run->squares[i]);
    }
}

/* The same with subsampling, row by row: most rows are only counted. */
static void absorb_sampled(const nrm_top_eigenvector_stream *s, nrm_heavy_light *hl, const nrm_batch *run)
{
    const int64_t k = hl->width;

    for (int64_t i = 0; i < run->count; i++) {
        const double w = weight(s, hl, run->squares[i]);
        double projection = 0;
        if (w > 0) {
            nrm_row_product(run, i, k, hl->z, hl->p);
            projection = w * sum_of_squares(hl->p, k); /* unbiased for |a'Z|^2 */
            for (int64_t c = 0; c < k; c++) hl->p[c] *= w;
            nrm_row_transposed(run, i, k, hl->p, hl->y);
        }
        nrm_order_note(&hl->order, projection, run->squares[i]);
        count_light(hl, run->squares[i]);
    }
}

/* Row i is longer than the shortest stored one: they change places. */
static void exchange(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, nrm_heavy_light *hl,
                     const nrm_batch *batch, int64_t i)
{
    const double evicted = nrm_heavy_rows_least(&hl->heavy);

    make_room(ctx, s, hl);
    nrm_row_product(batch, i, hl->width, hl->z, hl->p);
    nrm_order_note(&hl->order, sum_of_squares(hl->p, hl->width), batch->squares[i]);
    double *place = nrm_heavy_rows_replace(&hl->heavy, batch->squares[i], batch->first + i);
    nrm_heavy_light_row(ctx, s, hl, place, evicted);
    nrm_row_copy(batch, i, place);
    hl->counter[NRM_HL_EVICTIONS]++;
}

static nrm_status absorb(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const nrm_batch *batch, int64_t *taken)
{
    nrm_heavy_light *hl = s->state;

    for (int64_t i = 0; i < batch->count;) {
        if (!nrm_heavy_rows_full(&hl->heavy)) {
            nrm_row_copy(batch, i, nrm_heavy_rows_push(&hl->heavy, batch->squares[i], batch->first + i));
            i++;
            continue;
        }
        const double least = nrm_heavy_rows_least(&hl->heavy);
        if (batch->squares[i] > least) {
            exchange(ctx, s, hl, batch, i++);
            continue;
        }
        make_room(ctx, s, hl);
        const int64_t room = hl->counter[NRM_HL_LENGTH] - hl->counter[NRM_HL_COUNT];
        int64_t end = i + 1;
        while (end < batch->count && end - i < room && !(batch->squares[end] > least)) end++;
        const nrm_batch run = nrm_batch_part(batch, i, end - i);
        if (hl->scalar[NRM_HL_KEEP] > 0) absorb_sampled(s, hl, &run);
        else absorb_run(ctx, hl, &run);
        i = end;
    }
    *taken = batch->count;
    return NRM_OK;
}

/* ---- Life -------------------------------------------------------------------------------------- */

static void destroy(nrm_ctx *ctx, void *state)
{
    nrm_heavy_light *hl = state;
    if (!hl) return;
    void *memory[] = {hl->z, hl->y, hl->m, hl->r, hl->p, hl->heavy.rows, hl->heavy.squares, hl->heavy.numbers,
                      hl->heavy.heap, hl->counter, hl->scalar, hl};
    for (int i = 0; i < NRM_COUNT(memory); i++) nrm_free(ctx, memory[i]);
}

static nrm_status create(nrm_ctx *ctx, nrm_top_eigenvector_stream *s)
{
    const int64_t d = s->columns, k = nrm_min_i64(s->options.width, d);
    const int64_t stored = s->options.algorithm == NRM_TOP_EIGENVECTOR_HEAVY_LIGHT ? s->options.stored_rows : 0;
    nrm_heavy_light *hl;

    NRM_TRY(NRM_ALLOC_ZERO(ctx, hl, 1, NRM_TOP_EIGENVECTOR));
    s->state = hl;
    hl->width = k;
    hl->stores = stored > 0;
    hl->heavy.capacity = stored;
    hl->heavy.columns = d;
    NRM_TRY(nrm_stream_alloc(ctx, s, &hl->z, d, k, "the iterated vectors"));
    NRM_TRY(nrm_stream_alloc(ctx, s, &hl->y, d, k, "the block sums"));
    NRM_TRY(nrm_stream_alloc(ctx, s, &hl->m, k, k, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &hl->r, k, k, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &hl->p, s->batch, k, "a batch"));
    NRM_TRY(nrm_stream_alloc(ctx, s, &hl->heavy.rows, stored, d, "the stored rows: lower stored_rows"));
    NRM_TRY(nrm_stream_alloc(ctx, s, &hl->heavy.squares, stored, 1, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &hl->heavy.numbers, stored, 1, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &hl->heavy.heap, stored, 1, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &hl->counter, NRM_HL_COUNTERS, 1, NRM_TOP_EIGENVECTOR));
    NRM_TRY(nrm_stream_alloc(ctx, s, &hl->scalar, NRM_HL_SCALARS, 1, NRM_TOP_EIGENVECTOR));

    nrm_rng rng = nrm_rng_make(s->seed, NRM_STREAM_START);
    nrm_rng_normals(&rng, hl->y, d * k);
    nrm_orthonormal_basis(d, k, hl->y, hl->z, NULL, s->seed, NRM_STREAM_REFILL);
    memset(hl->y, 0, (size_t)(d * k) * sizeof *hl->y);
    nrm_heavy_light_plan(s, hl);
    return NRM_OK;
}

static void fields(const nrm_top_eigenvector_stream *s, nrm_state_fields *f)
{
    nrm_heavy_light *hl = s->state;
    const int64_t d = s->columns, k = hl->width, stored = hl->heavy.capacity;

    nrm_state_add(f, "z", NRM_F64, d * k, hl->z);
    nrm_state_add(f, "y", NRM_F64, d * k, hl->y);
    nrm_state_add(f, "m", NRM_F64, k * k, hl->m);
    nrm_state_add(f, "r", NRM_F64, k * k, hl->r);
    nrm_state_add(f, "counters", NRM_I64, NRM_HL_COUNTERS, hl->counter);
    nrm_state_add(f, "scalars", NRM_F64, NRM_HL_SCALARS, hl->scalar);
    nrm_state_add(f, "order", NRM_F64, NRM_ORDER_NUMBERS, &hl->order);
    nrm_state_add(f, "stored_count", NRM_I64, 1, &hl->heavy.count);
    nrm_state_add(f, "stored_rows", NRM_F64, stored * d, hl->heavy.rows);
    nrm_state_add(f, "stored_squares", NRM_F64, stored, hl->heavy.squares);
    nrm_state_add(f, "stored_numbers", NRM_I64, stored, hl->heavy.numbers);
}

static nrm_status loaded(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const char *path)
{
    nrm_heavy_light *hl = s->state;
    const int64_t *c = hl->counter;
    bool good = nrm_heavy_rows_rebuild(&hl->heavy);

    for (int i = 0; i < NRM_HL_COUNTERS; i++) good = good && (i == NRM_HL_LENGTH || nrm_stream_count(c[i]));
    good = good && c[NRM_HL_LENGTH] > 0 && c[NRM_HL_ABSORBED] == s->rows - hl->heavy.count &&
           c[NRM_HL_COUNT] <= c[NRM_HL_ABSORBED] && (c[NRM_HL_LAST] == 0 || c[NRM_HL_BLOCKS] > 0);
    NRM_REQUIRE(ctx, good, NRM_E_FORMAT, NRM_TOP_EIGENVECTOR ": %s holds counts that contradict each other; "
                "it was not written by save, or is damaged", path);
    return NRM_OK;
}

static int64_t exact_rows(const nrm_top_eigenvector_stream *s, const int64_t **numbers, const double **rows)
{
    const nrm_heavy_light *hl = s->state;
    *numbers = hl->heavy.numbers;
    *rows = hl->heavy.rows;
    return hl->heavy.count;
}

const nrm_engine nrm_engine_heavy_light = {create, absorb, nrm_heavy_light_query, nrm_heavy_light_merge,
                                           fields, loaded, exact_rows, destroy, "heavy-light"};
