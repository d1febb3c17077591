/* install_docs.c -- norma install-docs DATADIR: manual pages and completions, where
 * man and the shells look for them. */
#include "commands.h"
#include "terminal.h"
#include <string.h>

/* Write one file below `folder` and add its name to the list of those written. */
static int install(const char *folder, const char *name, const text *content, text *written)
{
    text path = {0};
    text_add(&path, "%s/%s", folder, name);
    const int code = write_file(text_string(&path), content);
    if (code == CLI_DONE) text_add(written, "%s\n", text_string(&path));
    text_free(&path);
    return code;
}

static int install_page(const char *folder, const char *topic, page p, text *written)
{
    text name = {0};
    text_add(&name, "man/man1/norma%s%s.1", *topic ? "-" : "", topic);
    const int code = install(folder, text_string(&name), &p.out, written);
    text_free(&name);
    text_free(&p.out);
    return code;
}

static int install_pages(const char *folder, text *written)
{
    page whole = page_for_man();
    norma_page(&whole);
    int code = install_page(folder, "", whole, written);
    for (int i = 0; code == CLI_DONE && i < command_count(); i++) {
        page p = page_for_man();
        command_page(&p, command_at(i));
        code = install_page(folder, command_at(i)->name, p, written);
    }
    for (int i = 0; code == CLI_DONE && i < nrm_method_count(); i++) {
        page p = page_for_man();
        method_page(&p, nrm_method_at(i));
        code = install_page(folder, nrm_method_at(i)->name, p, written);
    }
    return code;
}

static int install_completions(const char *folder, text *written)
{
    static const char *const places[][2] = {
        {"bash", "bash-completion/completions/norma"},
        {"zsh", "zsh/site-functions/_norma"},
        {"fish", "fish/vendor_completions.d/norma.fish"},
    };
    int code = CLI_DONE;
    for (int i = 0; code == CLI_DONE && i < 3; i++) {
        text script = {0};
        if (completion_script(places[i][0], &script)) code = install(folder, places[i][1], &script, written);
        text_free(&script);
    }
    return code;
}

int run_install_docs(int argc, char **argv)
{
    const char *folder = NULL;
    text written = {0};
    int count;
    int code = take_arguments(argc, argv, 1, &folder, &count, NULL, NULL);
    if (code != CLI_DONE) return code;
    if (!folder || !*folder) return say_usage("install-docs needs a folder, such as /usr/local/share");
    code = install_pages(folder, &written);
    if (code == CLI_DONE) code = install_completions(folder, &written);
    const int printed = print_text(&written);
    text_free(&written);
    return code != CLI_DONE ? code : printed;
}
