/* verdict.c -- a verdict is a function of the claim's limits and the measured numbers.
 *
 * With v the median of the measured values:
 *   holds                 v meets `holds`
 *   holds in direction    v misses `holds` and meets the weaker `direction`
 *   does not hold here    v meets neither, or a value is NaN
 *   not measured          there is no value */
#include "report.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *nrm_verdict_word(nrm_verdict verdict)
{
    static const char *const words[] = {"holds", "holds in direction", "does not hold here", "not measured"};
    _Static_assert(sizeof words / sizeof *words == NRM_VERDICT_COUNT, "a word for every verdict");
    return verdict < NRM_VERDICT_COUNT ? words[verdict] : "unknown";
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double nrm_median(const double *values, int n)
{
    if (!values || n < 1) return NAN;
    double *sorted = cli_grow(NULL, (size_t)n * sizeof *sorted);
    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare);
    const double low = sorted[(n - 1) / 2], high = sorted[n / 2];
    free(sorted);
    return low == high ? low : low + (high - low) / 2; /* equal infinities stay */
}

static bool meets(const nrm_claim *claim, double value, double limit)
{
    switch (claim->relation) {
    case NRM_AT_LEAST: return value >= limit;
    case NRM_AT_MOST: return value <= limit;
    case NRM_WITHIN: return fabs(value - claim->target) <= limit;
    case NRM_TRUE: return value >= limit;
    }
    return false;
}

/* A statement that is true or false holds when it is true in every case. */
static double holds_limit(const nrm_claim *claim)
{
    return claim->relation == NRM_TRUE ? 1.0 : claim->holds;
}

static bool has_direction(const nrm_claim *claim)
{
    switch (claim->relation) {
    case NRM_AT_LEAST: return claim->direction < claim->holds;
    case NRM_AT_MOST:
    case NRM_WITHIN: return claim->direction > claim->holds;
    case NRM_TRUE: return claim->direction > 0 && claim->direction < 1;
    }
    return false;
}

nrm_verdict nrm_judge(const nrm_claim *claim, const double *values, int n)
{
    if (!values || n < 1) return NRM_NOT_MEASURED;
    for (int i = 0; i < n; i++)
        if (isnan(values[i])) return NRM_DOES_NOT_HOLD;
    const double value = nrm_median(values, n);
    if (meets(claim, value, holds_limit(claim))) return NRM_HOLDS;
    if (has_direction(claim) && meets(claim, value, claim->direction)) return NRM_HOLDS_IN_DIRECTION;
    return NRM_DOES_NOT_HOLD;
}

static void add_limit(text *t, const nrm_claim *claim, double limit)
{
    switch (claim->relation) {
    case NRM_AT_LEAST: text_add(t, "at least "); break;
    case NRM_AT_MOST: text_add(t, "at most "); break;
    case NRM_WITHIN:
        nrm_show_number(t, claim->target);
        text_add(t, "\u00a0\u00b1\u00a0");
        break;
    case NRM_TRUE:
        if (limit >= 1) text_add(t, "true in every case");
        else {
            text_add(t, "true in ");
            nrm_show_quantity(t, 100 * limit, "%");
            text_add(t, " of the cases");
        }
        return;
    }
    nrm_show_quantity(t, limit, nrm_unit_is_long(claim->unit) ? "" : claim->unit);
}

bool nrm_limit_text(text *t, const nrm_claim *claim, nrm_verdict verdict)
{
    if (verdict == NRM_HOLDS_IN_DIRECTION && !has_direction(claim)) return false;
    add_limit(t, claim, verdict == NRM_HOLDS_IN_DIRECTION ? claim->direction : holds_limit(claim));
    return true;
}

void nrm_shortfall_text(text *t, const nrm_claim *claim, double value)
{
    if (isnan(value)) {
        text_add(t, "The measurement is not a number.");
        return;
    }
    if (claim->relation == NRM_TRUE) {
        if (value <= 0) text_add(t, "It was false wherever it was tried.");
        else {
            text_add(t, "It was true in ");
            nrm_show_quantity(t, 100 * value, "%");
            text_add(t, " of the cases; the claim is every case.");
        }
        return;
    }
    text_add(t, "Measured ");
    nrm_show_quantity(t, value, claim->unit);
    text_add(t, "; the claim needs ");
    add_limit(t, claim, claim->holds);
    text_add(t, ".");
}

static bool blank(const char *words) { return !words || !*words; }

const char *nrm_claims_fault(const nrm_paper *paper)
{
    if (!nrm_citation_at(paper->number) && (paper->number != 0 || blank(paper->slug) || blank(paper->title)))
        return "a paper has a number from 1 to 33, a page a slug and a title";
    if (!paper->run || !paper->claims || paper->claim_count < 1) return "a paper needs claims and a run";
    for (int i = 0; i < paper->claim_count; i++) {
        const nrm_claim *claim = &paper->claims[i];
        if (blank(claim->id) || blank(claim->statement) || blank(claim->where))
            return "a claim needs an id, a statement and where it is made";
        if (!isfinite(claim->holds) || !isfinite(claim->direction) || !isfinite(claim->target))
            return "a claim's limits must be finite";
        for (int k = 0; k < i; k++)
            if (strcmp(paper->claims[k].id, claim->id) == 0) return "two claims have the same id";
    }
    return NULL;
}
