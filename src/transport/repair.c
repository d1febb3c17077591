/* repair.c -- exchanging entries of a support that admits no plan.
 *
 * When the fixed-support problem has no solution its semi-dual is unbounded, and along the
 * way out the residual a - T 1 settles at the least one: some rows stay short, all columns
 * they are in are full of rows that are short too, and others have too much.  So each row
 * that is short gets an entry in a column that holds a row with too much, or an entry without
 * mass to give up, where it costs least at the dual optimum. */
#include "ot.h"

static void swap_entries(nrm_ot_support *s, double *mass, int64_t p) /* p - 1 and p */
{
    const int64_t row = s->row[p];
    const double cost = s->cost[p], t = mass[p];
    s->row[p] = s->row[p - 1], s->cost[p] = s->cost[p - 1], mass[p] = mass[p - 1];
    s->row[p - 1] = row, s->cost[p - 1] = cost, mass[p - 1] = t;
}

/* Row sums short of a (positive) at alpha, and the mass of each entry. */
static void deficits(nrm_ot *fixed, const double *alpha, double *short_of, double *mass)
{
    const nrm_ot_support *s = fixed->support;
    nrm_ot_column *w = &fixed->columns[0];

    memcpy(short_of, fixed->a, (size_t)fixed->m * sizeof *short_of);
    memset(mass, 0, (size_t)s->start[fixed->n] * sizeof *mass);
    nrm_ot_restart(fixed);
    for (int64_t j = 0; j < fixed->n; j++) {
        double tau;
        nrm_ot_column_at(fixed, w, j, alpha, 0, &tau);
        int64_t p = s->start[j];
        for (int64_t q = 0; q < w->count; q++) {
            while (s->row[p] != w->index[q]) p++;
            mass[p] = w->value[q];
            short_of[w->index[q]] -= w->value[q];
        }
    }
}

/* The entry of column j to give up, -1 for none; the row must be absent from the column. */
static int64_t spare_entry(const nrm_ot_support *s, int64_t j, int64_t row, double tol, const double *short_of,
                           const double *mass, const int64_t *uses)
{
    int64_t best = -1;
    double least = INFINITY;
    for (int64_t p = s->start[j]; p < s->start[j + 1]; p++) {
        const int64_t i = s->row[p];
        if (i == row) return -1;
        if (uses[i] < 2 || short_of[i] > tol) continue;
        if (mass[p] > 0 && !(short_of[i] < -0.5 * tol)) continue;
        if (mass[p] < least) { least = mass[p]; best = p; }
    }
    return best;
}

nrm_status nrm_ot_repair(nrm_ot *fixed, const double *alpha, const double *tau, const double *failed, double tol,
                         int round, nrm_ot_support *s, int64_t *changed)
{
    const int64_t entries = s->start[fixed->n];
    double *short_of = NULL, *mass = NULL;
    int64_t *uses = NULL;
    bool *touched = NULL;
    nrm_status st = NRM_OK;

    *changed = 0;
    NRM_TRY_DONE(NRM_ALLOC(fixed->ctx, short_of, fixed->m, "sparse-ot: repairing"));
    NRM_TRY_DONE(NRM_ALLOC(fixed->ctx, mass, entries, "sparse-ot: repairing"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(fixed->ctx, uses, fixed->m, "sparse-ot: repairing"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(fixed->ctx, touched, fixed->n, "sparse-ot: repairing"));
    deficits(fixed, failed, short_of, mass);
    for (int64_t p = 0; p < entries; p++) uses[s->row[p]]++;
    for (int64_t q = 0; q < fixed->m; q++) {
        const int64_t i = (q + round * 13) % fixed->m; /* not always the same ones first */
        int64_t into = -1, column = -1;
        double best = -INFINITY;
        if (!(short_of[i] > tol)) continue;
        for (int64_t j = 0; j < fixed->n; j++) {
            const double worth = alpha[i] - nrm_ot_cost(fixed, i, j) - tau[j];
            if (touched[j] || !(worth > best)) continue;
            const int64_t p = spare_entry(s, j, i, tol, short_of, mass, uses);
            if (p >= 0) { best = worth; into = p; column = j; }
        }
        if (into < 0) continue;
        const int64_t out = s->row[into];
        short_of[out] += mass[into];
        short_of[i] -= mass[into];
        uses[out]--;
        uses[i]++;
        touched[column] = true;
        s->row[into] = i;
        s->cost[into] = nrm_ot_cost(fixed, i, column);
        int64_t p = into;
        for (; p > s->start[column] && s->row[p - 1] > s->row[p]; p--) swap_entries(s, mass, p);
        for (; p + 1 < s->start[column + 1] && s->row[p] > s->row[p + 1]; p++) swap_entries(s, mass, p + 1);
        (*changed)++;
    }
done:
    nrm_free(fixed->ctx, touched);
    nrm_free(fixed->ctx, uses);
    nrm_free(fixed->ctx, mass);
    nrm_free(fixed->ctx, short_of);
    return st;
}
