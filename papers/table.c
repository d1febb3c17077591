/* table.c -- the papers whose reproduction is here, from table.def. */
#include "report.h"

/* Weak for as long as the three experiments are being written. */
#define NRM_PAPER_ENTRY(number, alias) extern const nrm_paper nrm_paper_##number __attribute__((weak));
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

static int place(int i)
{
    for (int k = 0; k < (int)(sizeof entries / sizeof *entries); k++)
        if (entries[k].paper && i-- == 0) return k;
    return -1;
}

int nrm_paper_count(void)
{
    int count = 0;
    while (place(count) >= 0) count++;
    return count;
}
const nrm_paper *nrm_paper_at(int i) { return i >= 0 && place(i) >= 0 ? entries[place(i)].paper : NULL; }
const char *nrm_paper_alias(int i) { return i >= 0 && place(i) >= 0 ? entries[place(i)].alias : NULL; }
