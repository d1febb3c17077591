/* normuon.h -- the step of NorMuon after the orthogonalisation, in pieces that serve a whole
 * matrix or a shard of its rows.  Private to the library.
 *
 * Equations: normuon.c.  With `by_columns` a "line" is a column, else a row.  On a shard of
 * rows, lines being rows, nrm_normuon_lines needs no other shard; the sums of squares it
 * returns are added up over the shards before nrm_normuon_rate.  (Lines being columns,
 * nrm_normuon_column_squares of the shards are added up first.) */
#ifndef NRM_NORMUON_H
#define NRM_NORMUON_H

#include "matrix_step.h"

typedef struct nrm_normuon_sums { double o, h; } nrm_normuon_sums; /* |O|_F^2, |H|_F^2 */

bool nrm_normuon_by_columns(const nrm_normuon_options *o, int64_t rows, int64_t cols);
double nrm_normuon_eps(const nrm_normuon_options *o); /* of the row division */

/* squares[i] = sum over line i of O^2, in f64. */
void nrm_normuon_row_squares(nrm_dtype dtype, int64_t rows, int64_t cols, const void *o, int threads, double *squares);
void nrm_normuon_column_squares(nrm_dtype dtype, int64_t rows, int64_t cols, const void *o, int threads, double *squares);
/* v of `lines` lines of `length` elements each, and, in place of its squares, what each line
 * of O is multiplied by to give H (0 where v is 0). */
nrm_normuon_sums nrm_normuon_lines(nrm_dtype dtype, int64_t lines, int64_t length, double beta2, double eps, void *v,
                                   double *squares);
/* What H is multiplied by: rows, cols and sums are those of the whole matrix. */
double nrm_normuon_rate(const nrm_normuon_options *o, double eta, int64_t rows, int64_t cols, nrm_normuon_sums sums);
/* W <- keep W - rate H, H_ij = by[line] O_ij.  `by` is overwritten. */
void nrm_normuon_descend(nrm_dtype dtype, int64_t rows, int64_t cols, bool by_columns, double keep, bool cautious, double rate,
                         double *by, const void *o, int threads, void *w);

#endif
