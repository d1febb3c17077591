/* keep.h -- named arrays to an npz and back, for ledgers and servers.  Private. */
#ifndef NRM_PRIVATE_KEEP_H
#define NRM_PRIVATE_KEEP_H

#include "data/data.h"

typedef struct nrm_kept {
    const char *name;
    nrm_dtype dtype; /* i64 or f64 */
    int64_t count;   /* when loading, -1 takes any and is set */
    void *data;      /* when loading, points into the bundle */
} nrm_kept;

nrm_status nrm_keep(nrm_ctx *ctx, const char *path, const nrm_kept *fields, int count);
/* Arrays of a file's bundle, which stays the owner.  NRM_E_FORMAT names what is not there. */
nrm_status nrm_kept_load(nrm_ctx *ctx, const char *path, nrm_loaded *loaded, nrm_kept *fields, int count);

#endif
