/* sink.h -- where writers put bytes: a temporary file beside the target that takes its
 * name at the end, or straight into a device, a pipe or standard output.  Private. */
#ifndef NRM_SINK_H
#define NRM_SINK_H

#include "base/base.h"
#include <norma/array.h>

typedef struct nrm_sink {
    int fd;
    bool owns_fd;
    char *path;      /* for messages */
    char *target;    /* what the temporary file becomes; NULL when written directly */
    char *temporary;
    unsigned char *buffer;
    int64_t used, written, total; /* total: bytes or numbers expected, for progress; 0 unknown */
} nrm_sink;

nrm_status nrm_sink_open(nrm_ctx *ctx, nrm_sink *sink, const char *path);
nrm_status nrm_sink_write(nrm_ctx *ctx, nrm_sink *sink, const void *bytes, int64_t n);
nrm_status nrm_sink_text(nrm_ctx *ctx, nrm_sink *sink, const char *format, ...) NRM_PRINTF(3, 4); /* short ones */
/* Element i of an array, in the shortest form that reads back to the same value. */
nrm_status nrm_sink_number(nrm_ctx *ctx, nrm_sink *sink, nrm_dtype dtype, const void *data, int64_t i);
/* The end: with st >= 0 flush, sync and rename, and return what comes of it; with st < 0
 * throw the temporary file away and return st. */
nrm_status nrm_sink_close(nrm_ctx *ctx, nrm_sink *sink, nrm_status st);

#endif
