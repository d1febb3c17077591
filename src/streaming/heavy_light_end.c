/* heavy_light_end.c -- the answer from a heavy-light state, and two states made one.
 *
 * With (Z, Y, c) of the open block, or of the last complete one while the open one is less
 * than half as long, and n_light rows absorbed in all,
 *
 *     L'L  ~  (L'L Z) (Z'L'L Z)^{-1} (L'L Z)'  ~  N N',                         (Nystrom)
 *     M = sym(Z'Y) = V Lambda V',   N = Y V Lambda^{-1/2} sqrt(n_light / c),
 *
 * exact when rank(L) <= k or k = d, up to the sampling error of the block.  Directions with
 * Lambda <= 1e-10 of the largest carry rounding errors only and are dropped.  Then
 *
 *     ritz:   v = top left singular vector of [N, H']
 *     pick:   the top one of N or of H', whichever has the larger estimate of |A u|^2
 *     light:  the top one of N
 *
 * ritz is exact where v1 mixes a heavy and a light direction; pick, the paper's rule, is
 * cos^2(phi / 2) there.  pick estimates |L u|^2 by |N'u|^2 for both candidates: the block
 * itself is gone, and N N' <= its L'L for every u, with little lost along the top.
 *
 * For a complete block Y = Z_next R, so N = Z_next (R V Lambda^{-1/2} ...): the final step
 * needs X = Y or X = Z, and a k x k matrix C with N = X C. */
#include "heavy_light.h"

static bool open_block_serves(const nrm_heavy_light *hl)
{
    const int64_t *c = hl->counter;
    return hl->scalar[NRM_HL_OPEN] > 0 && (c[NRM_HL_LAST] == 0 || c[NRM_HL_COUNT] >= c[NRM_HL_LAST] / 2);
}

/* Rows of the block that the final step uses; 0: no light row was other than zero. */
static int64_t serving_rows(const nrm_heavy_light *hl)
{
    return hl->counter[open_block_serves(hl) ? NRM_HL_COUNT : NRM_HL_LAST];
}

/* C of N = X C (k x k; columns of dropped directions are zero).  work: 3 k^2 + k numbers. */
static nrm_status nystrom(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, const nrm_heavy_light *hl,
                          double *c, double *work)
{
    const int64_t d = s->columns, k = hl->width;
    const bool open = open_block_serves(hl);
    double *m = work, *v = m + k * k, *scaled = v + k * k, *w = scaled + k * k;
    const double scale = (double)hl->counter[NRM_HL_ABSORBED] / (double)serving_rows(hl);

    if (open) {
        memset(m, 0, (size_t)(k * k) * sizeof *m);
        nrm_ordered_transposed(ctx, d, k, k, hl->z, k, hl->y, k, m, k); /* Z'Y */
    } else {
        memcpy(m, hl->m, (size_t)(k * k) * sizeof *m);
    }
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < i; j++) m[i * k + j] = m[j * k + i] = (m[i * k + j] + m[j * k + i]) / 2;
    NRM_TRY(nrm_small_eigen(ctx, k, m, w, v));
    for (int64_t j = 0; j < k; j++) {
        const double factor = w[j] > 1e-10 * w[0] && w[j] > 0 ? sqrt(scale / w[j]) : 0;
        for (int64_t i = 0; i < k; i++) scaled[i * k + j] = v[i * k + j] * factor;
    }
    if (open) memcpy(c, scaled, (size_t)(k * k) * sizeof *c);
    else nrm_small_product(k, k, k, hl->r, scaled, c);
    return NRM_OK;
}

/* The better of the light and the heavy candidate, and both together for the gap. */
static nrm_status pick(nrm_ctx *ctx, const nrm_two_parts *both, double *v, double top[2], int64_t *numbers)
{
    nrm_two_parts part = *both;
    double best = -1, *work, *u;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(ctx, work, both->d + 2 * both->k + both->m, NRM_TOP_EIGENVECTOR));
    u = work + 2 * both->k + both->m;
    *numbers += both->d;
    NRM_TRY_DONE(nrm_two_parts_top(ctx, both, u, top, numbers));
    for (int heavy = 0; heavy < 2; heavy++) {
        double unused[2];
        part.k = heavy ? 0 : both->k;
        part.m = heavy ? both->m : 0;
        if (part.k + part.m == 0) continue;
        NRM_TRY_DONE(nrm_two_parts_top(ctx, &part, u, unused, numbers));
        if (!nrm_unit(u, both->d)) continue;
        const double energy = nrm_two_parts_energy(ctx, both, u, work);
        if (energy > best) {
            best = energy;
            memcpy(v, u, (size_t)both->d * sizeof *v);
        }
    }
    top[1] = fmin(top[1], best); /* a wrong pick may fall below the second of both */
    top[0] = best;
done:
    nrm_free(ctx, work);
    return st;
}

static void report(const nrm_top_eigenvector_stream *s, const nrm_heavy_light *hl, nrm_top_eigenvector_info *info)
{
    const double bar = s->options.theta * s->energy;
    double worst[2];

    nrm_order_worst(&hl->order, worst);
    info->order_projection = worst[0];
    info->order_length = worst[1];
    info->order_suspect = worst[0] > NRM_ORDER_LIMIT || worst[1] > NRM_ORDER_LIMIT;
    for (int64_t i = 0; i < hl->heavy.count; i++) info->heavy_count += hl->heavy.squares[i] >= bar;
    /* No row absorbed was longer than any row stored: the longest absorbed one decides. */
    info->heavy_overflow = hl->counter[NRM_HL_ABSORBED] > 0 && hl->scalar[NRM_HL_LONGEST] >= bar;
    info->blocks = hl->counter[NRM_HL_BLOCKS];
    info->evictions = hl->counter[NRM_HL_EVICTIONS];
}

nrm_status nrm_heavy_light_query(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, double *v,
                                 nrm_top_eigenvector_info *info)
{
    const nrm_heavy_light *hl = s->state;
    const int64_t k = hl->width;
    const bool light = hl->stores && s->options.combine == NRM_TOP_EIGENVECTOR_LIGHT;
    int64_t numbers = 0;
    double *c, top[2];
    nrm_status st;

    NRM_TRY(NRM_ALLOC_ZERO(ctx, c, 4 * k * k + k, NRM_TOP_EIGENVECTOR));
    nrm_two_parts parts = {s->columns, 0, light ? 0 : hl->heavy.count,
                           open_block_serves(hl) ? hl->y : hl->z, c, hl->heavy.rows};
    if (serving_rows(hl) > 0) {
        parts.k = k;
        NRM_TRY_DONE(nystrom(ctx, s, hl, c, c + k * k));
    }
    NRM_STOP_IF(parts.k + parts.m == 0, NRM_E_SINGULAR, NRM_TOP_EIGENVECTOR ": no row is in the light part, "
                "which combine = light takes alone; use combine = ritz or more rows");
    if (hl->stores && s->options.combine == NRM_TOP_EIGENVECTOR_PICK)
        NRM_TRY_DONE(pick(ctx, &parts, v, top, &numbers));
    else
        NRM_TRY_DONE(nrm_two_parts_top(ctx, &parts, v, top, &numbers));
    nrm_info_gap(info, top[0], top[1]);
    info->peak_numbers += numbers + 4 * k * k + k;
    report(s, hl, info);
done:
    nrm_free(ctx, c);
    return st;
}

/* ---- Merge ----------------------------------------------------------------------------------- */

static bool same_vectors(const nrm_heavy_light *a, const nrm_heavy_light *b, int64_t d)
{
    return a->counter[NRM_HL_BLOCKS] == b->counter[NRM_HL_BLOCKS] &&
           memcmp(a->z, b->z, (size_t)(d * a->width) * sizeof *a->z) == 0;
}

static void take_block(nrm_heavy_light *a, const nrm_heavy_light *b, int64_t d)
{
    const int64_t k = a->width;
    static const int of_block[] = {NRM_HL_COUNT, NRM_HL_LENGTH, NRM_HL_LAST, NRM_HL_BLOCKS};

    memcpy(a->z, b->z, (size_t)(d * k) * sizeof *a->z);
    memcpy(a->y, b->y, (size_t)(d * k) * sizeof *a->y);
    memcpy(a->m, b->m, (size_t)(k * k) * sizeof *a->m);
    memcpy(a->r, b->r, (size_t)(k * k) * sizeof *a->r);
    for (int i = 0; i < NRM_COUNT(of_block); i++) a->counter[of_block[i]] = b->counter[of_block[i]];
    a->scalar[NRM_HL_OPEN] = b->scalar[NRM_HL_OPEN];
    a->scalar[NRM_HL_KEEP] = b->scalar[NRM_HL_KEEP];
    memcpy(a->order.part, b->order.part, sizeof a->order.part);
}

/* Offer other's stored rows; whatever finds no place is absorbed. */
static void merge_heavy(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, nrm_heavy_light *a,
                        const nrm_heavy_light *b)
{
    const int64_t d = s->columns;

    for (int64_t i = 0; i < b->heavy.count; i++) {
        const double *row = b->heavy.rows + i * d;
        const double square = b->heavy.squares[i], least = nrm_heavy_rows_least(&a->heavy);
        const int64_t number = s->rows + b->heavy.numbers[i];
        double *place;

        if (!nrm_heavy_rows_full(&a->heavy)) {
            place = nrm_heavy_rows_push(&a->heavy, square, number);
        } else if (square > least) {
            place = nrm_heavy_rows_replace(&a->heavy, square, number);
            nrm_heavy_light_row(ctx, s, a, place, least);
            a->counter[NRM_HL_EVICTIONS]++;
        } else {
            nrm_heavy_light_row(ctx, s, a, row, square);
            continue;
        }
        memcpy(place, row, (size_t)d * sizeof *place);
    }
}

nrm_status nrm_heavy_light_merge(nrm_ctx *ctx, nrm_top_eigenvector_stream *s,
                                 const nrm_top_eigenvector_stream *other)
{
    nrm_heavy_light *a = s->state;
    const nrm_heavy_light *b = other->state;
    const int64_t d = s->columns, k = a->width;

    if (same_vectors(a, b, d)) {
        for (int64_t e = 0; e < d * k; e++) a->y[e] += b->y[e];
        a->counter[NRM_HL_COUNT] += b->counter[NRM_HL_COUNT];
        a->scalar[NRM_HL_OPEN] += b->scalar[NRM_HL_OPEN];
        nrm_order_add(&a->order, &b->order);
    } else if (serving_rows(b) > serving_rows(a)) {
        take_block(a, b, d);
    }
    a->counter[NRM_HL_ABSORBED] += b->counter[NRM_HL_ABSORBED];
    a->counter[NRM_HL_EVICTIONS] += b->counter[NRM_HL_EVICTIONS];
    a->scalar[NRM_HL_ENERGY] += b->scalar[NRM_HL_ENERGY];
    a->scalar[NRM_HL_LONGEST] = fmax(a->scalar[NRM_HL_LONGEST], b->scalar[NRM_HL_LONGEST]);
    for (int i = 0; i < 2; i++) a->order.worst[i] = fmax(a->order.worst[i], b->order.worst[i]);
    merge_heavy(ctx, s, a, b);
    return NRM_OK;
}
