/* tall_qr.h -- the triangular factor R of a tall matrix whose rows come in chunks: R'R = A'A
 * without forming A'A.  Private.
 *
 *     NRM_TRY(nrm_tall_qr_begin(ctx, who, columns, &qr));
 *     nrm_tall_qr_add(ctx, qr, first, count, a, lda, d, b, ldb)  for every chunk of [a b]
 *     nrm_tall_qr_finish(ctx, qr, r);
 *
 * Memory: some ten times columns^2 numbers a lane, at most eight lanes, whatever the number of rows. */
#ifndef NRM_TALL_QR_H
#define NRM_TALL_QR_H

#include "base/base.h"

typedef struct nrm_tall_qr nrm_tall_qr;

nrm_status nrm_tall_qr_begin(nrm_ctx *ctx, const char *who, int64_t columns, nrm_tall_qr **qr);
/* The rows that are worked on at once: chunks that begin at multiples of it and are as long, or
 * several times that, keep all threads at work. */
int64_t nrm_tall_qr_unit(const nrm_tall_qr *qr);
/* Rows first .. first + count - 1: d columns of a, columns - d of b (NULL if none), finite.  In any
 * order of chunks; the bits depend on that order alone. */
void nrm_tall_qr_add(nrm_ctx *ctx, nrm_tall_qr *qr, int64_t first, int64_t count, const double *a, int64_t lda,
                     int64_t d, const double *b, int64_t ldb);
/* r (columns x columns): upper triangular, diagonal >= 0, zeros below; NRM_E_OVERFLOW: it leaves the
 * range of f64.  _alone: of the rows added here; _finish: of those of all ranks of the context, which
 * all come here. */
nrm_status nrm_tall_qr_alone(nrm_ctx *ctx, nrm_tall_qr *qr, double *r);
nrm_status nrm_tall_qr_finish(nrm_ctx *ctx, nrm_tall_qr *qr, double *r);
void nrm_tall_qr_end(nrm_ctx *ctx, nrm_tall_qr *qr); /* NULL is fine */

#endif
