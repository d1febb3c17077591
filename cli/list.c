/* list.c -- norma list: every method, for people and for programs. */
#include "commands.h"
#include "terminal.h"
#include <norma/call.h>
#include <string.h>
#include <unistd.h>

static int list_json(void)
{
    nrm_ctx *ctx = NULL;
    char *json = NULL;
    text t = {0};

    if (nrm_ctx_create(&ctx, NULL) < 0) {
        say("there is no memory left");
        return CLI_FAILED;
    }
    int code = CLI_FAILED;
    if (nrm_methods_json(ctx, &json) < 0) {
        say("%s", nrm_message(ctx));
    } else {
        text_add(&t, "%s", json);
        if (t.length == 0 || t.data[t.length - 1] != '\n') text_add(&t, "\n");
        code = print_text(&t);
    }
    nrm_free_string(ctx, json);
    nrm_ctx_destroy(ctx);
    text_free(&t);
    return code;
}

static int list_table(void)
{
    text t = {0};
    int widest = 0;
    for (int i = 0; i < nrm_method_count(); i++) {
        const int length = (int)strlen(nrm_method_at(i)->name);
        if (length > widest) widest = length;
    }
    for (int i = 0; i < nrm_method_count(); i++) {
        const nrm_method *m = nrm_method_at(i);
        text line = {0};
        if (m->paper_number > 0) text_add(&line, "%s (paper %d)", m->summary, m->paper_number);
        else text_add(&line, "%s", m->summary);
        text_add(&t, "%-*s  ", widest, m->name);
        text_wrap(&t, text_string(&line), widest + 2, widest + 2, terminal_width(STDOUT_FILENO));
        text_add(&t, "\n");
        text_free(&line);
    }
    const int code = print_text(&t);
    text_free(&t);
    return code;
}

int run_list(int argc, char **argv)
{
    static const char *const names[] = {"--json", NULL};
    bool json = false;
    int count;
    const int code = take_arguments(argc, argv, 0, NULL, &count, names, &json);
    if (code != CLI_DONE) return code;
    return json ? list_json() : list_table();
}
