/* 04-root.c -- what the paper on ROOT claims, measured here.
 * Framework: reproduce.h; the benchmark: b1.h; training: 04-outliers.c, 04-images.c;
 * coefficients: 04-precision.c. */
#include "04-parts.h"

static const nrm_claim claims[] = {
    {.id = "shapes", .statement = "Coefficients fitted to the shape bring a matrix nearer to its polar factor than Muon's "
     "(Muon's error over the fit's, worst of 13 shapes, Gaussian spectra)", .where = "figure on precision: four kinds of layers",
     .figure = "1.2 to 1.4", .unit = "x", .relation = NRM_AT_LEAST, .holds = 1.15, .direction = 1},
    {.id = "square", .statement = "Square matrices are the hardest: the fit's error is larger than for a rectangle with the "
     "same short side", .where = "table of fixed coefficients by shape", .figure = "square worst", .unit = "of the pairs",
     .relation = NRM_TRUE, .holds = 1, .direction = 0.5},
    {.id = "momenta", .statement = "Fitted to the momenta of a training run, they beat Muon's on every layer (worst of three "
     "layers)", .where = "the same figure", .figure = "1.2 to 1.4", .unit = "x", .relation = NRM_AT_LEAST, .holds = 1.1,
     .direction = 1},
    {.id = "momenta-twice", .statement = "and at least halve the error where the momentum has full rank: W1 and W2",
     .where = "benchmark B1", .figure = "", .unit = "x", .relation = NRM_AT_LEAST, .holds = 2, .direction = 1.15},
    {.id = "bounded", .statement = "The published triples keep every singular value bounded on the way (largest value on "
     "[0, 1] within five steps)", .where = "table of the reference code", .figure = "", .relation = NRM_AT_MOST,
     .holds = 1.35, .direction = 1.5},
    {.id = "outliers", .statement = "With outliers in the gradients ROOT ends below Muon: KL over Muon's",
     .where = "section on robustness, in the direction; benchmark B1", .figure = "better", .unit = "x",
     .relation = NRM_AT_MOST, .holds = 0.85, .direction = 1},
    {.id = "outliers-adamw", .statement = "and below AdamW", .where = "main table, in the direction", .figure = "60.12 against 59.05 %",
     .unit = "x", .relation = NRM_AT_MOST, .holds = 0.98, .direction = 1},
    {.id = "against-entries", .statement = "Clipping the momentum at a quantile beats clipping the entries of the gradient at "
     "a fixed, tuned size in front of Muon", .where = "not in the paper: its missing baseline", .figure = "", .unit = "x",
     .relation = NRM_AT_MOST, .holds = 1, .direction = 1.04},
    {.id = "clean", .statement = "Without outliers clipping costs next to nothing: KL over Muon's", .where = "benchmark B1",
     .figure = "", .unit = "x", .relation = NRM_AT_MOST, .holds = 1.04, .direction = 1.08},
    {.id = "clean-better", .statement = "Without outliers put in, ROOT still ends below Muon",
     .where = "1B parameters, training loss; recalled", .figure = "2.541 against 2.551", .unit = "x",
     .relation = NRM_AT_MOST, .holds = 0.996, .direction = 1},
    {.id = "clean-adamw", .statement = "Without outliers it ends below AdamW", .where = "main table, in the direction",
     .figure = "60.12 against 59.05 %", .unit = "x", .relation = NRM_AT_MOST, .holds = 0.92, .direction = 1},
    {.id = "images", .statement = "On images clipping alone lowers the error: share of test digits that ROOT gets wrong over "
     "Muon's", .where = "vision transformer on CIFAR-10; recalled", .figure = "11.6 against 15.3 %", .unit = "x",
     .relation = NRM_AT_MOST, .holds = 0.9, .direction = 1},
    {.id = "images-outliers", .statement = "and more so with outliers in the gradients", .where = "the same, with our noise",
     .figure = "", .unit = "x", .relation = NRM_AT_MOST, .holds = 0.85, .direction = 1},
    {.id = "clip-cost", .statement = "Clipping is a small part of a step: a step with it over one without",
     .where = "derived from the operation counts; short side 256 and more", .figure = "", .unit = "x",
     .relation = NRM_AT_MOST, .holds = 1.05, .direction = 1.2},
};

static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
{
    const int threads = nrm_threads(ctx);
    nrm_status st = nrm_set_threads(ctx, 1);
    if (st >= 0) st = precision(r, ctx);
    if (st >= 0) st = outliers(r, ctx);
    if (st >= 0) st = images(r, ctx);
    if (st >= 0) st = clip_cost(r, ctx);
    if (nrm_set_threads(ctx, threads) < 0) nrm_note(r, "The threads could not be set back.");
    nrm_note(r, "The authors do not publish how they find coefficients; here they are fitted by least squares to singular "
                "values, with a bound on what lies between them. Networks of 1B parameters are out of reach here.");
    return st;
}

const nrm_paper nrm_paper_04 = {
    .number = 4,
    .about = "Coefficients fitted to 13 shapes and to the momenta of a training run, compared with fixed ones; and a small "
             "language model (benchmark B1) trained with clean gradients and with gradients in which one entry of 500 is "
             "hit by heavy-tailed noise, every optimizer at its best rate and with the same noise. One thread.",
    .claims = claims,
    .claim_count = NRM_CLAIM_COUNT(claims),
    .run = run,
};
