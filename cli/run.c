/* run.c -- norma METHOD ...: from argv to outputs on disk and a report. */
#define _POSIX_C_SOURCE 200809L
#include "run.h"
#include "describe.h"
#include "ranks.h"
#include "terminal.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Ctrl-C: the first asks the method to stop, the second leaves at once ----------------- */

static nrm_ctx *volatile running;
static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal_number)
{
    static const char leave[] = "\r\033[K";
    (void)signal_number;
    if (interrupts > 0) {
        if (clear_line && write(STDERR_FILENO, leave, sizeof leave - 1) < 0) _exit(CLI_INTERRUPTED);
        _exit(CLI_INTERRUPTED);
    }
    interrupts = 1;
    nrm_cancel(running);
}

/* Without SA_RESTART: a read that waits for input ends too.  Ranks are stopped by mpirun, which
 * makes a SIGTERM of Ctrl-C. */
static void watch_interrupts(nrm_ctx *ctx)
{
    struct sigaction action = {.sa_handler = on_interrupt}, now;
    running = ctx;
    sigemptyset(&action.sa_mask);
    /* A parent that ignores Ctrl-C (nohup, a background job) wants this one to. */
    if (sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler != SIG_IGN) sigaction(SIGINT, &action, NULL);
    if (nrm_ctx_comm(ctx)) sigaction(SIGTERM, &action, NULL);
}

/* ---- Statuses -------------------------------------------------------------------------------- */

int exit_code_of(nrm_status status)
{
    switch (status) {
    case NRM_OK: return CLI_DONE;
    case NRM_NOT_CONVERGED:
    case NRM_RELAXED: return CLI_REMARK;
    case NRM_PARTIAL:
    case NRM_E_CANCELLED: return CLI_INTERRUPTED;
    case NRM_E_NULL:
    case NRM_E_ARGUMENT:
    case NRM_E_RANGE:
    case NRM_E_SHAPE:
    case NRM_E_DTYPE:
    case NRM_E_NONFINITE:
    case NRM_E_ALIAS: return CLI_USAGE;
    case NRM_E_IO:
    case NRM_E_FORMAT: return CLI_FILES;
    default: return CLI_FAILED;
    }
}

static void warn(void *user, nrm_log_level level, const char *message)
{
    (void)user;
    if (level == NRM_LOG_WARNING) say("%s", message);
}

/* ---- The steps --------------------------------------------------------------------------------- */

/* "softmax needs an input more: ..." with what each is. */
static int check_nothing_missing(const run *r)
{
    const nrm_method *m = r->method;
    text list = {0};
    int missing = 0;

    for (int i = 0; i < m->input_count; i++) {
        text term = {0};
        if (r->inputs_given[i] || (m->inputs[i].flags & NRM_PORT_OPTIONAL)) continue;
        port_term(&m->inputs[i], &term);
        text_add(&list, "  %-20s  %s\n", text_string(&term), m->inputs[i].text);
        text_free(&term);
        missing++;
    }
    if (missing > 0) {
        say("%s needs %s; 'norma help %s' shows all it takes:", m->name,
            missing == 1 ? "one more input" : "more inputs", m->name);
        print_text_to(STDERR_FILENO, &list);
    }
    text_free(&list);
    return missing > 0 ? CLI_USAGE : CLI_DONE;
}

static int failed(const run *r, nrm_status status)
{
    if (interrupts > 0) {
        say("%s: stopped; there is no result yet", r->method->name);
        return CLI_INTERRUPTED;
    }
    say("%s", *nrm_message(r->ctx) ? nrm_message(r->ctx) : nrm_status_text(status));
    return exit_code_of(status);
}

static int tell(const run *r, nrm_status status, double seconds, const char *message)
{
    const int where = writes_to_stdout(r) ? STDERR_FILENO : STDOUT_FILENO;
    text t = {0};
    int code = CLI_DONE;

    if (r->given[OPTION_JSON]) {
        const char *json;
        const nrm_status st = nrm_call_report(r->call, &json);
        if (st < 0) {
            say("%s", nrm_message(r->ctx));
            return exit_code_of(st);
        }
        text_add(&t, "%s\n", json);
    } else {
        add_texts(&t, r, isatty(where));
        if (!r->given[OPTION_QUIET]) add_summary(&t, r, status, seconds, message);
        else if (status > 0) say("%s", *message ? message : nrm_status_text(status));
    }
    code = print_text_to(where, &t);
    text_free(&t);
    return code;
}

/* Of several ranks one writes and tells. */
static bool speaks(const run *r) { return nrm_comm_rank(nrm_ctx_comm(r->ctx)) == 0; }

/* See that outputs can be written, and save the problem. */
static int try_files(const run *r)
{
    if (!speaks(r)) return CLI_DONE;
    const int code = try_outputs(r);
    if (code != CLI_DONE) return code;
    watch_interrupts(r->ctx);
    if (!r->save_problem) return CLI_DONE;
    const nrm_status saved = nrm_call_save_problem(r->call, r->save_problem);
    return saved < 0 ? failed(r, saved) : CLI_DONE;
}

/* No rank begins where another cannot. */
static int all_ready(const run *r, int code)
{
    const nrm_status st = nrm_comm_agree(r->ctx, nrm_ctx_comm(r->ctx), code == CLI_DONE ? NRM_OK : NRM_E_ARGUMENT);
    if (code != CLI_DONE || st >= 0) return code;
    say("%s: not all ranks can begin; they need the same arguments and files", r->method->name);
    return CLI_FAILED;
}

/* The call is set up: run, write, tell. */
static int carry_out(run *r)
{
    watch_interrupts(r->ctx);
    if (!r->given[OPTION_QUIET]) progress_start(r->ctx);
    const double start = seconds_now();
    const nrm_status st = nrm_call_run(r->call);
    const double seconds = seconds_now() - start;
    progress_stop(r->ctx);
    if (st < 0) return failed(r, st);
    if (!speaks(r)) return interrupts > 0 ? CLI_INTERRUPTED : exit_code_of(st);

    text message = {0};
    text_add(&message, "%s", nrm_message(r->ctx));
    nrm_cancel_clear(r->ctx); /* what was reached is still written */
    int code = write_outputs(r);
    if (code == CLI_DONE) code = tell(r, st, seconds, text_string(&message));
    text_free(&message);
    if (code != CLI_DONE) return code;
    return interrupts > 0 ? CLI_INTERRUPTED : exit_code_of(st);
}

static int settle(run *r)
{
    if (r->given[OPTION_SEED] && nrm_set_seed(r->ctx, r->seed) < 0) return failed(r, NRM_E_RANGE);
    if (r->given[OPTION_THREADS] && nrm_set_threads(r->ctx, r->threads) < 0) return failed(r, NRM_E_RANGE);
    return CLI_DONE;
}

static int run_with(nrm_ctx *ctx, nrm_call *call, int argc, char **argv, bool replayed)
{
    run r = {.ctx = ctx, .call = call, .method = nrm_call_method(call)};
    r.inputs_given = cli_grow(NULL, (size_t)r.method->input_count * sizeof *r.inputs_given);
    r.paths = cli_grow(NULL, (size_t)r.method->output_count * sizeof *r.paths);
    for (int i = 0; i < r.method->input_count; i++) r.inputs_given[i] = replayed;
    for (int i = 0; i < r.method->output_count; i++) r.paths[i] = NULL;

    nrm_comm *comm;
    int code = ranks_join(r.method, &comm);
    if (code == CLI_DONE && nrm_set_comm(ctx, comm) >= 0) {
        code = take_run_arguments(&r, argc, argv, replayed);
        if (!speaks(&r)) r.given[OPTION_QUIET] = true;
        if (code == CLI_DONE) code = check_nothing_missing(&r);
        if (code == CLI_DONE) code = settle(&r);
        if (code == CLI_DONE) code = try_files(&r);
        code = all_ready(&r, code);
        if (code == CLI_DONE) code = carry_out(&r);
    }
    running = NULL;
    nrm_comm_destroy(comm);
    free(r.inputs_given);
    free(r.paths);
    return code;
}

static int make_ctx(nrm_ctx **ctx)
{
    nrm_ctx_options options = nrm_ctx_options_default();
    options.log = warn;
    if (nrm_ctx_create(ctx, &options) >= 0) return CLI_DONE;
    say("there is no memory left");
    return CLI_FAILED;
}

int run_method(const nrm_method *m, int argc, char **argv)
{
    nrm_ctx *ctx;
    nrm_call *call = NULL;
    int code = make_ctx(&ctx);
    if (code != CLI_DONE) return code;
    const nrm_status st = nrm_call_create(ctx, m->name, &call);
    if (st < 0) {
        say("%s", nrm_message(ctx));
        code = exit_code_of(st);
    } else {
        code = run_with(ctx, call, argc, argv, false);
    }
    nrm_call_destroy(call);
    nrm_ctx_destroy(ctx);
    return code;
}

int run_replay(int argc, char **argv)
{
    nrm_ctx *ctx;
    nrm_call *call = NULL;
    if (argc < 2 || strncmp(argv[1], "--", 2) == 0)
        return say_usage("replay needs the file of a saved problem; 'norma help replay' shows the form");
    int code = make_ctx(&ctx);
    if (code != CLI_DONE) return code;
    const nrm_status st = nrm_call_load_problem(ctx, argv[1], &call);
    if (st < 0) {
        say("%s", nrm_message(ctx));
        code = exit_code_of(st);
    } else {
        code = run_with(ctx, call, argc - 2, argv + 2, true);
    }
    nrm_call_destroy(call);
    nrm_ctx_destroy(ctx);
    return code;
}
