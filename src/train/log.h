/* log.h -- the log of a run: JSON, one object a line, so that it can be read while it grows.
 *
 *     nrm_run_log *log;
 *     NRM_TRY(nrm_run_log_open(ctx, &log, "run.jsonl", 0));
 *     nrm_run_log_begin(log, step);                {"step":12
 *     nrm_run_log_number(log, "loss", loss);       ,"loss":2.5
 *     NRM_TRY(nrm_run_log_end(ctx, log));          }\n
 *
 * A line is handed to the operating system whole, by one write.  Numbers are written without
 * locale, in the shortest form that reads back to the same bits; NaN and Inf become null.
 * Private. */
#ifndef NRM_RUN_LOG_H
#define NRM_RUN_LOG_H

#include "base/base.h"

typedef struct nrm_run_log nrm_run_log;

/* Open a file for writing; the log keeps ctx.  resume < 0 begins a new one.  resume >= 0 continues the log of
 * a run whose checkpoint was written after `resume` steps: what lies before the first line
 * whose "step" is above that, or that is no whole JSON object (a run that was cut off), stays;
 * the rest is dropped.  A file that is not there is begun.  NRM_E_IO, _NOMEM. */
nrm_status nrm_run_log_open(nrm_ctx *ctx, nrm_run_log **log, const char *path, int64_t resume);
/* The fields of a line, in order.  What goes wrong is told by _end. */
void nrm_run_log_begin(nrm_run_log *log, int64_t step); /* step < 0: a line without one (a heading) */
void nrm_run_log_number(nrm_run_log *log, const char *key, double value);
void nrm_run_log_integer(nrm_run_log *log, const char *key, int64_t value);
void nrm_run_log_text(nrm_run_log *log, const char *key, const char *value);
void nrm_run_log_json(nrm_run_log *log, const char *key, const char *json); /* value as it stands, one line */
/* Write the line.  After a failure nothing of it counts: the next line begins anew. */
nrm_status nrm_run_log_end(nrm_ctx *ctx, nrm_run_log *log);
/* Close; NULL is fine.  NRM_E_IO when the file system held a failure back until now. */
nrm_status nrm_run_log_close(nrm_ctx *ctx, nrm_run_log *log);

#endif
