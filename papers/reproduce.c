/* reproduce.c -- `norma reproduce`: run the papers, write and say what came out. */
#define _POSIX_C_SOURCE 200809L
#include "commands.h"
#include "report.h"
#include "terminal.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Run one paper and append it to the report; true if the experiment ran to its end. */
static bool run_paper(const nrm_arguments *a, const nrm_machine *machine, const nrm_paper *paper, nrm_ctx *ctx,
                      nrm_live *live, json_t *report)
{
    nrm_record *record = nrm_record_create(paper, live);
    nrm_reproduction r = {.quick = a->quick, .data = a->data, .seed = a->seed,
                          .threads = nrm_threads(ctx), .machine = machine, .record = record};
    const double start = nrm_seconds();
    nrm_status st = record->trouble[0] ? NRM_E_INTERNAL : paper->run(&r, ctx);
    const double seconds = nrm_seconds() - start;
    const bool stopped = nrm_live_stopped(live);
    const char *state = stopped ? "stopped" : st < 0 || record->trouble[0] ? "failed" : "done";
    text message = {0}, line = {0};
    if (strcmp(state, "failed") == 0) {
        if (record->trouble[0]) text_add(&message, "%s", record->trouble);
        else text_add(&message, "%s", *nrm_message(ctx) ? nrm_message(ctx) : nrm_status_text(st));
    }
    json_t *body = nrm_record_finish(record, stopped ? "The run was stopped before this was measured."
                                             : st < 0 ? "The experiment failed before this was measured."
                                                      : "The experiment gave no value for this claim.");
    nrm_arguments_command(&line, a, paper, nrm_threads(ctx));
    json_t *json = nrm_report_paper(record, text_string(&line), a->seed);
    json_object_set_new(json, "state", json_string(state));
    json_object_set_new(json, "message", json_string(text_string(&message)));
    json_object_set_new(json, "seconds", json_real(seconds));
    json_object_update(json, body);
    json_decref(body);
    json_array_append_new(json_object_get(report, "papers"), json);
    if (message.length > 0 && paper->number > 0) say("reproduce: paper %d: %s", paper->number, text_string(&message));
    else if (message.length > 0) say("reproduce: %s: %s", paper->slug, text_string(&message));
    text_free(&message);
    text_free(&line);
    nrm_record_destroy(record);
    return strcmp(state, "failed") != 0;
}

static int write_below(const char *folder, const char *name, const text *content)
{
    text path = {0};
    text_add(&path, "%s/%s", folder, name);
    const int code = write_file(text_string(&path), content);
    text_free(&path);
    return code;
}

/* Page and JSON into the folder, JSON or a summary to standard output. */
static int finish(const nrm_arguments *a, const json_t *report)
{
    const char *folder = a->out ? a->out : NRM_DEFAULT_FOLDER;
    char *dump = json_dumps(report, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    if (!dump) {
        say("reproduce: the report cannot be made: there is no memory left");
        return CLI_FAILED;
    }
    text json = {0}, html = {0}, summary = {0};
    text_add(&json, "%s\n", dump);
    free(dump);
    nrm_report_html(&html, report);
    int code = write_below(folder, "index.html", &html);
    if (code == CLI_DONE) code = write_below(folder, "report.json", &json);
    if (!a->json && !a->quiet) {
        nrm_report_summary(&summary, report, terminal_width(STDOUT_FILENO),
                           terminal_colour(STDOUT_FILENO));
        if (code == CLI_DONE) text_add(&summary, "%s/index.html\n", folder);
    }
    const text *printed = a->json ? &json : &summary;
    const int print_code = printed->length > 0 ? print_text(printed) : CLI_DONE;
    text_free(&json);
    text_free(&html);
    text_free(&summary);
    return code != CLI_DONE ? code : print_code;
}

static int run_all(const nrm_arguments *a, nrm_ctx *ctx)
{
    nrm_machine machine;
    nrm_machine_find(&machine);
    text line = {0};
    nrm_arguments_command(&line, a, NULL, nrm_threads(ctx));
    json_t *report = nrm_report_create(a, &machine, nrm_threads(ctx), text_string(&line));
    text_free(&line);
    nrm_live *live = nrm_live_create(ctx, a->quiet);
    const double start = nrm_seconds();
    bool all_ran = true;
    int count = 0, index = 0;
    for (int i = 0; i < nrm_paper_count(); i++) count += a->chosen[i];
    for (int i = 0; i < nrm_paper_count() && !nrm_live_stopped(live); i++) {
        if (!a->chosen[i]) continue;
        const nrm_paper *paper = nrm_paper_at(i);
        nrm_live_paper(live, ++index, count, paper->number, nrm_citation_of(paper).title);
        all_ran = run_paper(a, &machine, paper, ctx, live, report) && all_ran;
    }
    const bool stopped = nrm_live_stopped(live);
    nrm_live_destroy(live);
    nrm_report_close(report, nrm_seconds() - start, stopped);
    const int code = finish(a, report);
    json_decref(report);
    if (code != CLI_DONE) return code;
    if (!all_ran) return CLI_FAILED;
    return stopped ? CLI_INTERRUPTED : CLI_DONE;
}

int nrm_reproduce_main(int argc, char **argv)
{
    nrm_arguments a = {0};
    a.chosen = cli_grow(NULL, (size_t)nrm_paper_count() + 1);
    memset(a.chosen, 0, (size_t)nrm_paper_count() + 1);
    int code = nrm_arguments_parse(argc, argv, &a);
    if (code == CLI_DONE) {
        nrm_ctx_options options = nrm_ctx_options_default();
        options.threads = a.threads;
        options.seed = a.seed;
        nrm_ctx *ctx = NULL;
        if (nrm_ctx_create(&ctx, &options) < 0) {
            say("reproduce: a context cannot be made: there is no memory left");
            code = CLI_FAILED;
        } else {
            code = run_all(&a, ctx);
            nrm_ctx_destroy(ctx);
        }
    }
    free(a.chosen);
    return code;
}
