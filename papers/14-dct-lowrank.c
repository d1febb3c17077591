/* 14-dct-lowrank.c -- what the paper on low-rank steps by columns of a fixed DCT claims, measured
 * here: losses on benchmark B1 (b1.h), and what each part of DCT-AdamW is worth.  Times, errors and
 * memory: 14-costs.c.  Framework: reproduce.h. */
#include "14-parts.h"

enum { SEEDS = 3 };

static const nrm_claim claims[] = {
    {.id = "ldadam", .statement = "DCT-AdamW ends near LDAdam, which finds a subspace by power steps and QR", .where = "table of the 800M run",
     .figure = "13.69 and 13.91", .unit = "ratio of KL", .relation = NRM_AT_MOST, .holds = 1.04, .direction = 1.1},
    {.id = "adamw", .statement = "DCT-AdamW of rank 16 ends near AdamW of full rank", .where = "table of the 800M run",
     .figure = "13.69 and 11.73", .unit = "ratio of KL", .relation = NRM_AT_MOST, .holds = 1.04, .direction = 1.17},
    {.id = "galore", .statement = "GaLore, which keeps a subspace for many steps and drops the rest, ends higher than DCT-AdamW",
     .where = "section on experiments", .figure = "higher", .unit = "ratio of KL", .relation = NRM_AT_LEAST, .holds = 1.1, .direction = 1},
    {.id = "feedback", .statement = "Without error feedback DCT-AdamW ends higher", .where = "algorithm, error feedback", .figure = "higher",
     .unit = "ratio of KL", .relation = NRM_AT_LEAST, .holds = 1.15, .direction = 1.02},
    {.id = "rotation", .statement = "Without carrying the moments over to the new columns it ends higher", .where = "algorithm, rotation",
     .figure = "higher", .unit = "ratio of KL", .relation = NRM_AT_LEAST, .holds = 1.15, .direction = 1.02},
    {.id = "basis", .statement = "Columns of the DCT do better than those of a random orthogonal matrix", .where = "derived: why a DCT",
     .figure = "", .unit = "ratio of KL", .relation = NRM_AT_LEAST, .holds = 1.01, .direction = 1},
    {.id = "trion-dion", .statement = "Trion ends below Dion of the same rank", .where = "table 1, 350M", .figure = "15.30 and 15.64",
     .unit = "ratio of KL", .relation = NRM_AT_MOST, .holds = 0.98, .direction = 1},
    {.id = "frugal", .statement = "FRUGAL with columns of the DCT matches FRUGAL with an SVD", .where = "appendix", .figure = "match",
     .unit = "ratio of KL", .relation = NRM_AT_MOST, .holds = 1.04, .direction = 1.15},
    {.id = "svd-time", .statement = "A whole step of DCT-AdamW is 100 times faster than one SVD of the matrix", .where = "abstract: SVD-free",
     .figure = "", .unit = "x", .relation = NRM_AT_LEAST, .holds = 100, .direction = 10},
    {.id = "rank-time", .statement = "Its step grows less with the rank than Dion's does", .where = "section on run time",
     .figure = "4.5 to 18 % faster runs as r grows", .unit = "ratio of growth", .relation = NRM_AT_MOST, .holds = 0.5, .direction = 0.95},
    {.id = "dion-time", .statement = "A step of Trion is faster than one of Dion, from an eighth of full rank on", .where = "table 1, run time",
     .figure = "1h53 and 2h03", .unit = "of the ranks", .relation = NRM_TRUE, .direction = 0.5},
    {.id = "smooth", .statement = "On a smooth matrix the chosen columns leave little more than the best subspace of that rank",
     .where = "section on the DCT", .figure = "", .unit = "x the SVD's residual", .relation = NRM_AT_MOST, .holds = 1.15, .direction = 1.5},
    {.id = "smooth-random", .statement = "There they leave a quarter or less of what columns of a random basis leave", .where = "section on the DCT",
     .figure = "", .unit = "ratio of residuals", .relation = NRM_AT_MOST, .holds = 0.25, .direction = 0.75},
    {.id = "bound", .statement = "What columns chosen by their 2-norms leave is at most (1 - r/n)^(1/2) of the matrix", .where = "theorem on the projection",
     .figure = "(1 - r/n)^(1/2)", .unit = "of the cases", .relation = NRM_TRUE},
    {.id = "memory", .statement = "With error feedback in 8 bits DCT-AdamW keeps less than LDAdam", .where = "table of the 800M run: GiB in all",
     .figure = "57.82 and 72.10", .unit = "ratio of states", .relation = NRM_AT_MOST, .holds = 0.8, .direction = 0.99},
    {.id = "trion-memory", .statement = "Trion keeps less than Dion: column numbers in place of a matrix", .where = "table 1, memory",
     .figure = "42.42 and 45.59 GB in all", .unit = "of the shapes", .relation = NRM_TRUE},
};

/* ---- Contenders ------------------------------------------------------------------------------------- */

enum { ADAMW, DCT, RANDOM_BASIS, DCT3, TWO_NORM, NO_FEEDBACK, NO_ROTATION, LDADAM, GALORE, FIRA, FRUGAL_SVD, FRUGAL_DCT, TRION, DION,
       TRION_32, DION_32, MUON, ALL };
enum { FULL_ONLY = 1, DRAWN = 2 }; /* left out of a quick run; with a curve */

static const struct {
    const char *title, *kind, *options;
    int flags;
    double rates[3];
} contenders[ALL] = {
    [ADAMW] = {"AdamW, full rank", "adamw", B1_ADAMW, DRAWN, {0.0015, 0.003, 0.006}},
    [DCT] = {"DCT-AdamW", "dct-adamw", "rank=16", DRAWN, {0.0045, 0.009, 0.018}},
    [RANDOM_BASIS] = {"... random basis", "dct-adamw", "rank=16 basis=random", 0, {0.0045, 0.009, 0.018}},
    [DCT3] = {"... DCT-III", "dct-adamw", "rank=16 basis=dct3", FULL_ONLY, {0.0045, 0.009, 0.018}},
    [TWO_NORM] = {"... columns by 2-norm", "dct-adamw", "rank=16 ell_norm=2", FULL_ONLY, {0.0045, 0.009, 0.018}},
    [NO_FEEDBACK] = {"... no error feedback", "dct-adamw", "rank=16 error_feedback=off", 0, {0.0045, 0.009, 0.018}},
    [NO_ROTATION] = {"... no rotation", "dct-adamw", "rank=16 rotate=0", 0, {0.009, 0.018, 0.036}},
    [LDADAM] = {"LDAdam", "ldadam", "rank=16", DRAWN, {0.003, 0.006, 0.012}},
    [GALORE] = {"GaLore, T = 50", "galore", "rank=16 update_gap=50", DRAWN, {0.012, 0.024, 0.048}},
    [FIRA] = {"Fira, T = 50", "fira", "rank=16 update_gap=50", FULL_ONLY, {0.012, 0.024, 0.048}},
    [FRUGAL_SVD] = {"FRUGAL, SVD, a quarter of full rank", "frugal", "density=0.25 update_gap=50", 0, {0.002, 0.004, 0.008}},
    [FRUGAL_DCT] = {"FRUGAL, DCT, a quarter", "frugal", "density=0.25 update_gap=50 projector=dct2", 0, {0.002, 0.004, 0.008}},
    [TRION] = {"Trion", "trion", "rank=16", DRAWN, {0.01, 0.02, 0.04}},
    [DION] = {"Dion", "dion", "rank=16", DRAWN, {0.01, 0.02, 0.04}},
    [TRION_32] = {"Trion, rank 32", "trion", "rank=32", FULL_ONLY, {0.01, 0.02, 0.04}},
    [DION_32] = {"Dion, rank 32", "dion", "rank=32", FULL_ONLY, {0.005, 0.01, 0.02}},
    [MUON] = {"Muon, full rank", "muon", "", FULL_ONLY, {0.005, 0.01, 0.02}},
};

/* Which of a run's contenders is `which`; a claim is about those that every run has. */
typedef struct losses {
    int count, place[ALL];
    b1_contender contenders[ALL];
    b1_outcome outcomes[ALL];
    int seeds;
} losses;

/* KL of one over KL of the other, seed by seed. */
static void claim_ratio(nrm_reproduction *r, const losses *l, const char *id, int over, int under)
{
    const b1_outcome *a = &l->outcomes[l->place[over]], *b = &l->outcomes[l->place[under]];
    double ratio[SEEDS];
    for (int s = 0; s < l->seeds; s++) ratio[s] = a->kl[s] / b->kl[s];
    nrm_measure_spread(r, id, ratio, l->seeds);
    nrm_measure_reason(r, id, "KL %.4f (%s) and %.4f (%s), means over %d seed%s.", a->mean, contenders[over].title, b->mean, contenders[under].title,
                       l->seeds, l->seeds > 1 ? "s" : "");
}

static nrm_status run_losses(nrm_reproduction *r, b1_bench *bench)
{
    losses *l = nrm_scratch(r, 1, sizeof *l);

    if (!l) return NRM_E_NOMEM;
    l->seeds = r->quick ? 1 : SEEDS;
    for (int i = 0; i < ALL; i++) {
        if (r->quick && (contenders[i].flags & FULL_ONLY)) continue;
        b1_contender *c = &l->contenders[l->place[i] = l->count++];
        *c = (b1_contender){.name = contenders[i].title, .setup = b1_default(contenders[i].kind, contenders[i].options, 0)};
        c->setup.curve_every = (contenders[i].flags & DRAWN) ? 20 : 0;
        if (r->quick) {
            c->setup.steps = 200;
            c->rates[0] = contenders[i].rates[1];
        } else {
            for (int k = 0; k < 3; k++) c->rates[k] = contenders[i].rates[k];
        }
    }
    const nrm_status st = b1_compare(bench, l->count, l->contenders, l->seeds, l->outcomes);
    if (st < 0) return st;
    b1_show(bench, "Losses on B1, rank 16", "KL of the student from the teacher over all contexts, after the last step, by the best rate. The matrices "
            "are 128 x 64, 256 x 128 and 128 x 256.", l->count, l->contenders, l->outcomes);
    claim_ratio(r, l, "ldadam", DCT, LDADAM);
    claim_ratio(r, l, "adamw", DCT, ADAMW);
    claim_ratio(r, l, "galore", GALORE, DCT);
    claim_ratio(r, l, "feedback", NO_FEEDBACK, DCT);
    claim_ratio(r, l, "rotation", NO_ROTATION, DCT);
    claim_ratio(r, l, "basis", RANDOM_BASIS, DCT);
    claim_ratio(r, l, "trion-dion", TRION, DION);
    claim_ratio(r, l, "frugal", FRUGAL_DCT, FRUGAL_SVD);
    return NRM_OK;
}

/* ---- The experiment --------------------------------------------------------------------------------------- */

static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
{
    b1_bench *bench;

    nrm_status st = run_projections(r, ctx);
    if (st >= 0) st = run_memory(r, ctx);
    if (st >= 0) st = run_times(r, ctx);
    if (st >= 0) st = b1_create(r, ctx, 128, 256, &bench);
    if (st < 0) return st;
    st = run_losses(r, bench);
    b1_destroy(bench);
    nrm_note(r, "B1's teacher is a random network: its gradients have no smooth structure that a DCT could find, which is where the paper expects the "
             "gain. The page \"optimizers\" compares the same methods on a text.");
    return st;
}

const nrm_paper nrm_paper_14 = {
    .number = 14,
    .about = "B1, a small language model from a random teacher with an exact loss, trained with the paper's two optimizers, with parts of them left out, "
             "and with those they are compared with, each at the best of three rates; single steps on matrices by size and rank; what is left of a smooth "
             "matrix behind a projection; and the size of all states.",
    .claims = claims,
    .claim_count = NRM_CLAIM_COUNT(claims),
    .run = run,
};
