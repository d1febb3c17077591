/* table.h -- the parser of text tables, shared by the reader and the stream.  Private. */
#ifndef NRM_TABLE_H
#define NRM_TABLE_H

#include "formats.h"

typedef struct nrm_table {
    nrm_source *source; /* not owned */
    char separator;     /* ' ': any run of blanks */
    bool has_header;
    bool pending;       /* the first line held numbers that were not handed out yet */
    int64_t cols, rows; /* rows parsed so far */
    double *first;
    char *names;        /* of the columns, joined by \n, no 0 behind */
    int64_t names_length;
} nrm_table;

/* Find separator, header and columns: the source stands after its first line. */
nrm_status nrm_table_open(nrm_ctx *ctx, nrm_table *t, nrm_source *source);
nrm_status nrm_table_next(nrm_ctx *ctx, nrm_table *t, double *row, bool *ended); /* row: cols values */
nrm_status nrm_table_rewind(nrm_ctx *ctx, nrm_table *t);
void nrm_table_close(nrm_ctx *ctx, nrm_table *t);

#endif
