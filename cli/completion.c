/* completion.c -- completions for bash, zsh and fish.  One walk over methods and
 * commands meets every option; what is written of each differs by shell. */
#include "commands.h"
#include "describe.h"
#include "terminal.h"
#include <string.h>

/* What may follow an option. */
typedef enum follows { FOLLOWS_NOTHING, FOLLOWS_FILE, FOLLOWS_FOLDER, FOLLOWS_WORDS, FOLLOWS_NUMBER, FOLLOWS_TEXT } follows;

typedef struct found_option {
    const char *topic; /* the method or command */
    const char *name;  /* "max-iter" */
    follows what;
    const char *words; /* of FOLLOWS_WORDS, split by spaces */
    const char *meaning;
} found_option;

typedef void (*visit)(text *t, const found_option *o);

/* ---- The walk --------------------------------------------------------------------------- */

static void visit_name(text *t, visit visitor, const char *topic, const char *name, follows what, const char *words,
                       const char *meaning)
{
    text dashed = {0};
    text_add_dashed(&dashed, name);
    visitor(t, &(found_option){topic, text_string(&dashed), what, words, meaning});
    text_free(&dashed);
}

static follows follows_param(const nrm_param *p)
{
    switch (p->kind) {
    case NRM_KIND_FLAG: return FOLLOWS_NOTHING;
    case NRM_KIND_CHOICE: return FOLLOWS_WORDS;
    case NRM_KIND_TEXT:
        return !param_is_path(p) ? FOLLOWS_TEXT : strcmp(p->content, "file") == 0 ? FOLLOWS_FILE : FOLLOWS_FOLDER;
    default: return FOLLOWS_NUMBER;
    }
}

static void visit_param(text *t, visit visitor, const char *topic, const nrm_param *p)
{
    text words = {0}, no = {0};
    choice_words choices = {.at = p->choices};
    for (const char *word; p->kind == NRM_KIND_CHOICE && (word = choice_next(&choices)) != NULL;)
        text_add(&words, "%s%s", words.length ? " " : "", word);
    visit_name(t, visitor, topic, p->name, follows_param(p), text_string(&words), p->text);
    if (p->kind == NRM_KIND_FLAG && p->i64_default) { /* only what is on can be turned off */
        text_add(&no, "no-%s", p->name);
        visit_name(t, visitor, topic, text_string(&no), FOLLOWS_NOTHING, "", p->text);
    }
    text_free(&words);
    text_free(&no);
}

static void visit_options(text *t, visit visitor, const char *topic, const option *options, int count)
{
    static const follows of_value[] = {[VALUE_NONE] = FOLLOWS_NOTHING, [VALUE_NUMBER] = FOLLOWS_NUMBER, [VALUE_WORD] = FOLLOWS_TEXT,
                                       [VALUE_FILE] = FOLLOWS_FILE, [VALUE_FOLDER] = FOLLOWS_FOLDER};
    for (int i = 0; i < count; i++)
        visit_name(t, visitor, topic, options[i].name + 2, of_value[options[i].value], "", options[i].meaning);
}

static void visit_method(text *t, visit visitor, const nrm_method *m)
{
    for (int i = 0; i < m->input_count; i++)
        visit_name(t, visitor, m->name, m->inputs[i].name, FOLLOWS_FILE, "", m->inputs[i].text);
    for (int i = 0; i < m->output_count; i++)
        visit_name(t, visitor, m->name, m->outputs[i].name, FOLLOWS_FILE, "", m->outputs[i].text);
    for (int i = 0; i < m->param_count; i++) visit_param(t, visitor, m->name, &m->params[i]);
    visit_options(t, visitor, m->name, method_options, METHOD_OPTION_COUNT);
}

static void visit_command(text *t, visit visitor, const command *c)
{
    visit_options(t, visitor, c->name, c->options, c->option_count);
    visit_options(t, visitor, c->name, &method_options[OPTION_HELP], 1);
}

/* The words a command's own argument may be; "" where it is a file or a folder. */
static void argument_words(text *t, argument_kind kind)
{
    if (kind == ARGUMENT_SHELL) text_add(t, "bash zsh fish");
    if (kind != ARGUMENT_TOPIC && kind != ARGUMENT_METHOD) return;
    for (int i = 0; i < nrm_method_count(); i++) text_add(t, "%s%s", t->length ? " " : "", nrm_method_at(i)->name);
    for (int i = 0; kind == ARGUMENT_TOPIC && i < command_count(); i++) text_add(t, " %s", command_at(i)->name);
}

/* Text inside single quotes; `extra` lists what else takes a backslash. */
static void add_single_quoted(text *t, const char *words, const char *extra, const char *quote)
{
    for (; *words; words++) {
        if (*words == '\'') text_add(t, "%s", quote);
        else if (strchr(extra, *words)) text_add(t, "\\%c", *words);
        else text_add_bytes(t, words, 1);
    }
}

/* ---- bash ----------------------------------------------------------------------------------- */

static void bash_name(text *t, const found_option *o) { text_add(t, " --%s", o->name); }

static void bash_value(text *t, const found_option *o)
{
    if (o->what == FOLLOWS_NOTHING) return;
    text_add(t, "        '%s --%s') ", o->topic, o->name);
    switch (o->what) {
    case FOLLOWS_FILE: text_add(t, "action='-f'"); break;
    case FOLLOWS_FOLDER: text_add(t, "action='-d'"); break;
    case FOLLOWS_WORDS: text_add(t, "words='%s'", o->words); break;
    default: text_add(t, "return"); break;
    }
    text_add(t, " ;;\n");
}

static void bash_script(text *t)
{
    text topics = {0}, words = {0};
    argument_words(&topics, ARGUMENT_TOPIC);
    text_add(t,
        "# Completion of norma for bash; made by 'norma completion bash'.\n"
        "_norma()\n{\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} topic=${COMP_WORDS[1]}\n"
        "    local words='' action=''\n"
        "    COMPREPLY=()\n"
        "    if ((COMP_CWORD == 1)); then\n"
        "        mapfile -t COMPREPLY < <(compgen -W '%s --help --version' -- \"$current\")\n"
        "        return\n"
        "    fi\n"
        "    if [[ $current == '=' ]]; then current=''; fi\n"
        "    if [[ $previous == '=' ]]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
        "    case \"$topic $previous\" in\n", text_string(&topics));
    for (int i = 0; i < nrm_method_count(); i++) visit_method(t, bash_value, nrm_method_at(i));
    for (int i = 0; i < command_count(); i++) visit_command(t, bash_value, command_at(i));
    text_add(t, "    *)\n        case \"$topic\" in\n");
    for (int i = 0; i < nrm_method_count(); i++) {
        text_add(t, "        %s) words='", nrm_method_at(i)->name);
        visit_method(t, bash_name, nrm_method_at(i));
        text_add(t, "' ;;\n");
    }
    for (int i = 0; i < command_count(); i++) {
        const command *c = command_at(i);
        argument_words(&words, c->argument);
        text_add(t, "        %s) words='%s", c->name, text_string(&words));
        visit_command(t, bash_name, c);
        text_add(t, "'%s ;;\n", c->argument == ARGUMENT_FILE ? " action='-f'"
                                : c->argument == ARGUMENT_FOLDER ? " action='-d'" : "");
        text_free(&words);
    }
    text_add(t,
        "        esac ;;\n    esac\n"
        "    if [[ $action && $current != -* ]]; then\n"
        "        compopt -o filenames\n"
        "        mapfile -t COMPREPLY < <(compgen \"$action\" -- \"$current\")\n"
        "    else\n"
        "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
        "    fi\n"
        "}\n"
        "complete -F _norma norma\n");
    text_free(&topics);
}

/* ---- zsh ------------------------------------------------------------------------------------- */

static void zsh_option(text *t, const found_option *o)
{
    text_add(t, " \\\n                '--%s%s[", o->name, o->what == FOLLOWS_NOTHING ? "" : "=");
    add_single_quoted(t, o->meaning, "[]\\:", "'\\''");
    text_add(t, "]");
    switch (o->what) {
    case FOLLOWS_NOTHING: break;
    case FOLLOWS_FILE: text_add(t, ":file:_files"); break;
    case FOLLOWS_FOLDER: text_add(t, ":folder:_files -/"); break;
    case FOLLOWS_WORDS: text_add(t, ":word:(%s)", o->words); break;
    case FOLLOWS_TEXT: text_add(t, ":text:"); break;
    default: text_add(t, ":number:"); break;
    }
    text_add(t, "'");
}

static void zsh_topic(text *t, const char *name, const char *summary)
{
    text_add(t, "            '%s:", name);
    add_single_quoted(t, summary, ":\\", "'\\''");
    text_add(t, "'\n");
}

static void zsh_argument(text *t, argument_kind kind)
{
    text words = {0};
    argument_words(&words, kind);
    if (words.length > 0) text_add(t, " \\\n                '1:name:(%s)'", text_string(&words));
    if (kind == ARGUMENT_FILE) text_add(t, " \\\n                '1:file:_files'");
    if (kind == ARGUMENT_FOLDER) text_add(t, " \\\n                '1:folder:_files -/'");
    text_free(&words);
}

static void zsh_script(text *t)
{
    text_add(t, "#compdef norma\n# Completion of norma for zsh; made by 'norma completion zsh'.\n"
                "_norma() {\n    if (( CURRENT == 2 )); then\n        local -a topics=(\n");
    for (int i = 0; i < nrm_method_count(); i++) zsh_topic(t, nrm_method_at(i)->name, nrm_method_at(i)->summary);
    for (int i = 0; i < command_count(); i++) zsh_topic(t, command_at(i)->name, command_at(i)->summary);
    text_add(t, "        )\n        _describe 'method or command' topics\n        return\n    fi\n"
                "    shift words\n    (( CURRENT-- ))\n    case $words[1] in\n");
    for (int i = 0; i < nrm_method_count(); i++) {
        text_add(t, "        %s)\n            _arguments", nrm_method_at(i)->name);
        visit_method(t, zsh_option, nrm_method_at(i));
        text_add(t, "\n            ;;\n");
    }
    for (int i = 0; i < command_count(); i++) {
        text_add(t, "        %s)\n            _arguments", command_at(i)->name);
        zsh_argument(t, command_at(i)->argument);
        visit_command(t, zsh_option, command_at(i));
        text_add(t, "\n            ;;\n");
    }
    text_add(t, "    esac\n}\n"
                "if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then _norma \"$@\"; else compdef _norma norma; fi\n");
}

/* ---- fish ------------------------------------------------------------------------------------ */

static void fish_option(text *t, const found_option *o)
{
    text_add(t, "complete -c norma -n '__fish_seen_subcommand_from %s' -l %s", o->topic, o->name);
    switch (o->what) {
    case FOLLOWS_NOTHING: break;
    case FOLLOWS_FILE: text_add(t, " -r -F"); break;
    case FOLLOWS_FOLDER: text_add(t, " -x -a '(__fish_complete_directories)'"); break;
    case FOLLOWS_WORDS: text_add(t, " -x -a '%s'", o->words); break;
    default: text_add(t, " -x"); break;
    }
    text_add(t, " -d '");
    add_single_quoted(t, o->meaning, "\\", "\\'");
    text_add(t, "'\n");
}

static void fish_topic(text *t, const char *name, const char *summary)
{
    text_add(t, "complete -c norma -n __fish_use_subcommand -a %s -d '", name);
    add_single_quoted(t, summary, "\\", "\\'");
    text_add(t, "'\n");
}

static void fish_script(text *t)
{
    text_add(t, "# Completion of norma for fish; made by 'norma completion fish'.\ncomplete -c norma -f\n");
    for (int i = 0; i < nrm_method_count(); i++) fish_topic(t, nrm_method_at(i)->name, nrm_method_at(i)->summary);
    for (int i = 0; i < command_count(); i++) fish_topic(t, command_at(i)->name, command_at(i)->summary);
    for (int i = 0; i < nrm_method_count(); i++) visit_method(t, fish_option, nrm_method_at(i));
    for (int i = 0; i < command_count(); i++) {
        const command *c = command_at(i);
        text words = {0};
        argument_words(&words, c->argument);
        visit_command(t, fish_option, c);
        if (words.length > 0)
            text_add(t, "complete -c norma -n '__fish_seen_subcommand_from %s' -a '%s'\n", c->name, text_string(&words));
        if (c->argument == ARGUMENT_FILE || c->argument == ARGUMENT_FOLDER)
            text_add(t, "complete -c norma -n '__fish_seen_subcommand_from %s' -F\n", c->name);
        text_free(&words);
    }
}

/* ---- norma completion ----------------------------------------------------------------------------- */

bool completion_script(const char *shell, text *t)
{
    if (strcmp(shell, "bash") == 0) bash_script(t);
    else if (strcmp(shell, "zsh") == 0) zsh_script(t);
    else if (strcmp(shell, "fish") == 0) fish_script(t);
    else return false;
    return true;
}

int run_completion(int argc, char **argv)
{
    const char *shell = NULL;
    text t = {0};
    int count;
    int code = take_arguments(argc, argv, 1, &shell, &count, NULL, NULL);
    if (code != CLI_DONE) return code;
    if (!shell) return say_usage("completion needs the name of a shell: bash, zsh or fish");
    if (!completion_script(shell, &t))
        return say_usage("there are no completions for '%s'; the shells are bash, zsh and fish", shell);
    code = print_text(&t);
    text_free(&t);
    return code;
}
