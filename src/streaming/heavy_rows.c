/* heavy_rows.c -- the longest rows of a stream.  Contract: heavy_light.h.
 *
 * Rows lie still; the heap orders their places.  Of equal lengths the one in the lower
 * place counts as shorter, so the order is total and the same everywhere. */
#include "heavy_light.h"

bool nrm_heavy_rows_full(const nrm_heavy_rows *h) { return h->count == h->capacity; }

double nrm_heavy_rows_least(const nrm_heavy_rows *h)
{
    return h->capacity > 0 ? h->squares[h->heap[0]] : (double)INFINITY;
}

static bool shorter(const nrm_heavy_rows *h, int64_t a, int64_t b)
{
    return h->squares[a] < h->squares[b] || (h->squares[a] == h->squares[b] && a < b);
}

static void sink(nrm_heavy_rows *h, int64_t at)
{
    const int64_t place = h->heap[at];
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= h->count) break;
        if (child + 1 < h->count && shorter(h, h->heap[child + 1], h->heap[child])) child++;
        if (!shorter(h, h->heap[child], place)) break;
        h->heap[at] = h->heap[child];
        at = child;
    }
    h->heap[at] = place;
}

double *nrm_heavy_rows_push(nrm_heavy_rows *h, double square, int64_t number)
{
    const int64_t place = h->count++;
    int64_t at = place;

    h->squares[place] = square;
    h->numbers[place] = number;
    for (; at > 0 && shorter(h, place, h->heap[(at - 1) / 2]); at = (at - 1) / 2)
        h->heap[at] = h->heap[(at - 1) / 2];
    h->heap[at] = place;
    return h->rows + place * h->columns;
}

double *nrm_heavy_rows_replace(nrm_heavy_rows *h, double square, int64_t number)
{
    const int64_t place = h->heap[0];
    h->squares[place] = square;
    h->numbers[place] = number;
    sink(h, 0);
    return h->rows + place * h->columns;
}

bool nrm_heavy_rows_rebuild(nrm_heavy_rows *h)
{
    if (h->count < 0 || h->count > h->capacity) return false;
    for (int64_t i = 0; i < h->count; i++) {
        h->heap[i] = i;
        if (!(h->squares[i] >= 0) || !nrm_stream_count(h->numbers[i])) return false;
    }
    for (int64_t i = h->count / 2; i-- > 0;) sink(h, i);
    return true;
}
