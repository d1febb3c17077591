/* table.c -- the papers whose reproduction is here, from table.def. */
#include "report.h"

#define NRM_PAPER_ENTRY(number, alias) extern const nrm_paper nrm_paper_##number;
#include "table.def"
#undef NRM_PAPER_ENTRY

static const struct {
    const nrm_paper *paper;
    const char *alias;
} entries[] = {
#define NRM_PAPER_ENTRY(number, alias) {&nrm_paper_##number, #alias},
#include "table.def"
#undef NRM_PAPER_ENTRY
};

int nrm_paper_count(void) { return (int)(sizeof entries / sizeof *entries); }
const nrm_paper *nrm_paper_at(int i) { return i >= 0 && i < nrm_paper_count() ? entries[i].paper : NULL; }
const char *nrm_paper_alias(int i) { return i >= 0 && i < nrm_paper_count() ? entries[i].alias : NULL; }
