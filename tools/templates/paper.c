/* @cli@: what its paper claims, measured here.  Framework: reproduce.h. */
#include "reproduce.h"
#include <norma/@c@.h>

static const nrm_claim claims[] = {
    {.id = "exact", .statement = "THE CLAIM IN WORDS, one sentence", .where = "section N, figure M",
     .figure = "THE PAPER'S NUMBER", .unit = "", .relation = NRM_AT_MOST, .holds = 1e-12, .direction = 1e-6},
};

static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
{
    const double x[2] = {1, 3};
    double y[2];

    const nrm_status status = nrm_@c@(ctx, 2, x, y, NULL, NULL);
    if (status < 0) return status;
    nrm_measure(r, "exact", y[1] - 2 * x[1]);
    return NRM_OK;
}

const nrm_paper nrm_paper_@paper@ = {
    .number = @paper@,
    .about = "What the experiment does, and on what.",
    .claims = claims,
    .claim_count = NRM_CLAIM_COUNT(claims),
    .run = run,
};
