/* source.h -- where readers get bytes from: a file, a pipe, memory, or a section of
 * another source; plain or deflated.  Gzip is recognised and taken off.  Private. */
#ifndef NRM_SOURCE_H
#define NRM_SOURCE_H

#include "base/base.h"

typedef struct nrm_inflater nrm_inflater;

typedef struct nrm_source {
    char *name;       /* for messages: a path, or "a.npz:weights" */
    const char *extension; /* in name: "csv" of "x.csv" and of "x.csv.gz", "" for none */
    int fd;           /* -1: memory */
    bool owns_fd;
    bool regular;     /* a file or memory: can be read from any place, size known */
    bool quiet;       /* a stream: leave progress to the method that reads it */
    const unsigned char *memory;
    unsigned char *owned_memory;  /* the same, where it was read from a pipe */
    int64_t first, at, end;       /* raw bytes [first, end), the next at `at`; end INT64_MAX on a pipe */
    nrm_inflater *inflater;         /* NULL: raw bytes are the content */
    unsigned char *buffer;        /* content read but not taken: [begin, stop) */
    int64_t capacity, begin, stop;
    bool ended;       /* nothing follows the buffer */
    int64_t taken;    /* bytes of content taken */
    int64_t line;     /* lines taken */
    bool summed;      /* keep the CRC-32 of the content that was pulled */
    uint32_t sum;
} nrm_source;

/* Open a path ("-" is standard input).  NRM_E_IO with a sentence of its own for a
 * missing file and for a folder. */
nrm_status nrm_source_open(nrm_ctx *ctx, nrm_source **source, const char *path);
nrm_status nrm_source_open_memory(nrm_ctx *ctx, nrm_source **source, const char *name, const void *bytes,
                                  int64_t size);
/* Bytes [offset, offset + size) of a regular, plain source, which must outlive it. */
nrm_status nrm_source_open_section(nrm_ctx *ctx, nrm_source **section, const nrm_source *parent, const char *name,
                                   int64_t offset, int64_t size, bool deflated);
void nrm_source_close(nrm_ctx *ctx, nrm_source *source);

/* Read the rest of a pipe into memory, so that the source is regular from then on. */
nrm_status nrm_source_settle(nrm_ctx *ctx, nrm_source *source);

/* At least `want` bytes (fewer only at the end) at *bytes, without taking them. */
nrm_status nrm_source_peek(nrm_ctx *ctx, nrm_source *source, int64_t want, const unsigned char **bytes,
                           int64_t *have);
void nrm_source_take(nrm_source *source, int64_t n); /* n <= what peek gave */
/* Exactly n bytes; NRM_E_FORMAT where the source ends inside `what`. */
nrm_status nrm_source_read(nrm_ctx *ctx, nrm_source *source, void *to, int64_t n, const char *what);
nrm_status nrm_source_skip(nrm_ctx *ctx, nrm_source *source, int64_t n, const char *what); /* read, and forget, or go there */
/* Behind gzip, read on to the end: its checksum stands there. */
nrm_status nrm_source_finish(nrm_ctx *ctx, nrm_source *source);
/* At most this many bytes follow: exact for plain files and memory, a bound for deflated
 * ones (deflate shrinks 1032 to 1 at best), INT64_MAX on a pipe.  What a file declares is
 * held against it before memory is asked for. */
int64_t nrm_source_most(const nrm_source *source);
/* The next line without its end (\n, \r\n or \r at the end of all); *line NULL at the
 * end.  Valid until the next call. */
nrm_status nrm_source_line(nrm_ctx *ctx, nrm_source *source, const char **line, int64_t *length);
enum { NRM_LINE_MOST = 1 << 30 };
/* Back to the first byte (NRM_E_UNSUPPORTED on a pipe). */
nrm_status nrm_source_rewind(nrm_ctx *ctx, nrm_source *source);
/* n raw bytes at `offset` of a regular source, apart from where it reads. */
nrm_status nrm_source_read_at(nrm_ctx *ctx, const nrm_source *source, int64_t offset, void *to, int64_t n);

/* ---- inflate.c ------------------------------------------------------------------------------ */

nrm_status nrm_inflate_create(nrm_ctx *ctx, nrm_inflater **inflater, bool gzip);
void nrm_inflate_destroy(nrm_ctx *ctx, nrm_inflater *inflater);
void nrm_inflate_reset(nrm_inflater *inflater);
/* Where the next raw bytes are to be put (when it has none left), and how many came. */
bool nrm_inflate_hungry(const nrm_inflater *inflater);
unsigned char *nrm_inflate_input(nrm_inflater *inflater, int64_t *room);
void nrm_inflate_fed(nrm_inflater *inflater, int64_t n); /* 0: the end of the raw bytes */
int64_t nrm_inflate_waiting(const nrm_inflater *inflater); /* raw bytes fed but not used */
/* Content into `to`; *got 0 with *ended at the end. NRM_E_FORMAT in the name of `name`. */
nrm_status nrm_inflate_run(nrm_ctx *ctx, nrm_inflater *inflater, const char *name, unsigned char *to, int64_t room,
                           int64_t *got, bool *ended);

#endif
