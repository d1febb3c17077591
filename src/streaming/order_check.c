/* order_check.c -- do the rows arrive in random order?  Contract: heavy_light.h.
 *
 * In random order the rows of two parts of a block are exchangeable, so
 *     z = (mean1 - mean2) / sqrt(var1 / n1 + var2 / n2)
 * is near N(0, 1) for any scalar of the row.  Two scalars are watched: |a'Z|^2 (sorting by
 * direction) and |a|^2 (sorting by length); both are needed.
 *
 * The parts are the first h rows of the block and those after them; when there are h of
 * these too, z is looked at and the parts become one of 2h.  So the end of the stream,
 * which rarely is the end of a block, is compared with as many rows before it or more.
 *
 * Rows count as they arrive, stored or not: the rows that the heap lets through grow
 * longer as its bar rises, and on those alone heavy-tailed rows in perfectly random order
 * give |z| > 6 in one stream of fifteen (on arrivals: below 4 in 400).
 * It is a heuristic: an adversary can hide from it. */
#include "heavy_light.h"

enum { LEAST = 32 }; /* rows in each part, below which z means little */

/* b's rows into a: Chan, Golub, LeVeque. */
static void join(nrm_order_part *a, const nrm_order_part *b)
{
    const double n = a->count + b->count;

    if (b->count == 0) return;
    for (int i = 0; i < 2; i++) {
        const double delta = b->mean[i] - a->mean[i];
        a->spread[i] += b->spread[i] + delta * delta * a->count * b->count / n;
        a->mean[i] += delta * b->count / n;
    }
    a->count = n;
}

void nrm_order_worst(const nrm_order_check *check, double worst[2])
{
    const nrm_order_part *a = &check->part[0], *b = &check->part[1];

    memcpy(worst, check->worst, sizeof check->worst);
    if (a->count < LEAST || b->count < LEAST) return;
    for (int i = 0; i < 2; i++) {
        const double difference = fabs(a->mean[i] - b->mean[i]);
        const double rounding = 1e-12 * (fabs(a->mean[i]) + fabs(b->mean[i])); /* of equal values */
        if (difference <= rounding) continue;
        const double error = sqrt(a->spread[i] / (a->count * a->count) + b->spread[i] / (b->count * b->count));
        worst[i] = fmax(worst[i], difference / fmax(error, rounding));
    }
}

void nrm_order_note(nrm_order_check *check, double projection, double square)
{
    nrm_order_part *part = &check->part[check->part[0].count < LEAST ? 0 : 1];
    const double value[2] = {projection, square};

    part->count += 1;
    for (int i = 0; i < 2; i++) { /* Welford */
        const double delta = value[i] - part->mean[i];
        part->mean[i] += delta / part->count;
        part->spread[i] += delta * (value[i] - part->mean[i]);
    }
    if (check->part[1].count >= check->part[0].count) {
        nrm_order_worst(check, check->worst);
        join(&check->part[0], &check->part[1]);
        check->part[1] = (nrm_order_part){0};
    }
}

void nrm_order_close(nrm_order_check *check)
{
    nrm_order_worst(check, check->worst);
    memset(check->part, 0, sizeof check->part);
}

void nrm_order_add(nrm_order_check *check, const nrm_order_check *other)
{
    for (int i = 0; i < 2; i++) join(&check->part[i], &other->part[i]);
}
