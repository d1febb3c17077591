/* table.c -- the table of methods.  The tests compile it with one file more, of methods
 * that only they have. */
#include "descriptor.h"

#define NRM_TABLE_ENTRY(method) extern const nrm_method nrm_##method##_method;
#include "table.def"
#ifdef NRM_TABLE_MORE
#include NRM_TABLE_MORE
#endif
#undef NRM_TABLE_ENTRY

static const nrm_method *const table[] = {
#define NRM_TABLE_ENTRY(method) &nrm_##method##_method,
#include "table.def"
#ifdef NRM_TABLE_MORE
#include NRM_TABLE_MORE
#endif
#undef NRM_TABLE_ENTRY
};

int nrm_method_count(void) { return NRM_COUNT(table); }

const nrm_method *nrm_method_at(int i) { return i >= 0 && i < NRM_COUNT(table) ? table[i] : NULL; }

const nrm_method *nrm_method_find(const char *name)
{
    if (!name) return NULL;
    for (int i = 0; i < NRM_COUNT(table); i++)
        if (nrm_same_name(table[i]->name, name)) return table[i];
    return NULL;
}

const char *nrm_method_nearest(const char *name)
{
    const char *words[NRM_COUNT(table) + 1] = {NULL};
    for (int i = 0; i < NRM_COUNT(table); i++) words[i] = table[i]->name;
    return name ? nrm_nearest(name, words) : NULL;
}
