/* run.h -- one run of a method from the command line, between its parts: argv is taken
 * (arguments.c), outputs are tried (outputs.c), progress is drawn (progress.c), the
 * result is told (summary.c). */
#ifndef NRM_CLI_RUN_H
#define NRM_CLI_RUN_H

#include "commands.h"
#include <norma/call.h>

typedef struct run {
    nrm_ctx *ctx;
    nrm_call *call;
    const nrm_method *method;
    bool *inputs_given;
    const char **paths; /* where each output goes; NULL where it was not said */
    const char *save_problem;
    uint64_t seed;
    int threads;
    bool given[METHOD_OPTION_COUNT];
} run;

/* Set the call up from argv; `replayed` calls take outputs and options only.
 * CLI_DONE, or another code with the reason said. */
int take_run_arguments(run *r, int argc, char **argv, bool replayed);

/* See, before any work, that every output can be written where it should go. */
int try_outputs(const run *r);
/* Write what was made.  The first failure is said and returned. */
int write_outputs(const run *r);
/* An output goes to standard output; the report then goes to standard error. */
bool writes_to_stdout(const run *r);

/* Draw progress on standard error from now on; a call without a terminal does nothing. */
void progress_start(nrm_ctx *ctx);
void progress_stop(nrm_ctx *ctx);

/* The outputs that are text and go to no file, as they are; each ends its line.  What a
 * terminal would obey is made harmless. */
void add_texts(text *t, const run *r, bool for_terminal);
/* The report for a person.  message: the sentence of the run, or "". */
void add_summary(text *t, const run *r, nrm_status status, double seconds, const char *message);

/* The exit code of a status; what its sentence is, said. */
int exit_code_of(nrm_status status);

#endif
