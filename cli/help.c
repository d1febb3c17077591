/* help.c -- what the pages say: the overview, a command, a method. */
#include "commands.h"
#include "describe.h"
#include "terminal.h"
#include <norma/core.h>
#include <stdio.h>
#include <string.h>

static const char summary[] = "learning and optimising under norms, orthogonality, sparsity and constraints";

static void exit_code_items(page *p)
{
    page_section(p, "Exit codes");
    page_fit_terms(p, 3);
    for (int i = 0; i < EXIT_CODE_COUNT; i++) {
        char code[16];
        snprintf(code, sizeof code, "%d", exit_codes[i].code);
        page_item(p, code, exit_codes[i].meaning, "");
    }
}

static void option_items(page *p, const option *options, int count)
{
    for (int i = 0; i < count; i++) {
        text term = {0};
        text_add(&term, "%s%s%s", options[i].name, *options[i].placeholder ? " " : "", options[i].placeholder);
        page_item(p, text_string(&term), options[i].meaning, "");
        text_free(&term);
    }
}

static int widest_name(void)
{
    int widest = 0;
    for (int i = 0; i < nrm_method_count(); i++)
        if ((int)strlen(nrm_method_at(i)->name) > widest) widest = (int)strlen(nrm_method_at(i)->name);
    for (int i = 0; i < command_count(); i++)
        if ((int)strlen(command_at(i)->name) > widest) widest = (int)strlen(command_at(i)->name);
    return widest;
}

static void method_items(page *p)
{
    page_section(p, "Methods");
    page_fit_terms(p, widest_name());
    for (int i = 0; i < nrm_method_count(); i++)
        page_item(p, nrm_method_at(i)->name, nrm_method_at(i)->summary, "");
}

static void command_items(page *p)
{
    page_section(p, "Commands");
    page_fit_terms(p, widest_name());
    for (int i = 0; i < command_count(); i++) page_item(p, command_at(i)->name, command_at(i)->summary, "");
}

void overview_page(page *p)
{
    page_title(p, "norma", summary);
    page_section(p, "Usage");
    page_usage(p, "norma METHOD --INPUT" NO_BREAK "FILE [--PARAMETER" NO_BREAK "VALUE]... [--OUTPUT" NO_BREAK "FILE]...");
    method_items(p);
    command_items(p);
    page_section(p, "To begin");
    page_example(p, "", "norma softmax --x '[1,2,3]'", "");
    page_example(p, "", "norma help softmax", "");
}

void norma_page(page *p)
{
    page_title(p, "norma", summary);
    page_section(p, "Usage");
    page_usage(p, "norma METHOD --INPUT" NO_BREAK "FILE [--PARAMETER" NO_BREAK "VALUE]... [--OUTPUT" NO_BREAK "FILE]...");
    page_usage(p, "norma COMMAND [ARGUMENT]...");
    page_section(p, "What it does");
    page_paragraphs(p,
        "Runs one method on the arrays in the files given, writes the outputs asked for and prints a short "
        "report. 'norma help METHOD' shows what a method takes, gives and reports.\n\n"
        "Names may be written with '-' or '_', values as --name VALUE or --name=VALUE, flags as --name, --no-name "
        "or --name=false. An input is a file, '-' for standard input, or a literal such as '[[1,2],[3,4]]'; "
        "'a.npz:weights' picks one array of several. An output is a file whose extension chooses the format, or "
        "'-' for standard output as text; the report then goes to standard error. Outputs without a file are "
        "summarised in the report; an output that is itself text is printed before it, and goes to a file as it is "
        "unless the file's name ends like that of an array.\n\n"
        "Formats: npy, npz, csv, text, LIBSVM, Matrix Market, idx, safetensors, JSON.");
    method_items(p);
    command_items(p);
    page_section(p, "Options of every method");
    option_items(p, method_options, METHOD_OPTION_COUNT);
    page_section(p, "Environment");
    page_item(p, "NO_COLOR", "when set, no bold type and a plain progress bar", "");
    page_item(p, "OMP_NUM_THREADS", "threads to use where --threads does not say", "");
    exit_code_items(p);
    page_section(p, "Examples");
    page_example(p, "", "norma softmax --x '[1,2,3]'", "");
    page_example(p, "", "norma softmax --x scores.npy --y probabilities.npy --json", "");
    page_example(p, "", "cat rows.csv | norma top-eigenvector --a - --v v.npy", "");
}

void command_page(page *p, const command *c)
{
    text line = {0};
    text_add(&line, "norma %s", c->name);
    page_title(p, text_string(&line), c->summary);
    page_section(p, "Usage");
    for (int i = 0; i < 3 && c->usage[i]; i++) {
        text_free(&line);
        text_add(&line, "norma %s", c->usage[i]);
        page_usage(p, text_string(&line));
    }
    if (c->details) {
        page_section(p, "What it does");
        page_paragraphs(p, c->details);
    }
    if (c->option_count > 0) {
        page_section(p, "Options");
        option_items(p, c->options, c->option_count);
    }
    exit_code_items(p);
    if (c->examples[0][1]) page_section(p, "Examples");
    for (int i = 0; i < 3 && c->examples[i][1]; i++) page_example(p, c->examples[i][0], c->examples[i][1], "");
    text_free(&line);
}

/* ---- A method ------------------------------------------------------------------------- */

/* " [--y FILE]": one word, as far as wrapping goes. */
static void usage_word(text *line, const char *before, const text *term, const char *after)
{
    text_add(line, " %s", before);
    for (const char *c = text_string(term); *c; c++) text_add_bytes(line, *c == ' ' ? NO_BREAK : c, 1);
    text_add(line, "%s", after);
}

static void usage_port(text *line, const nrm_port *p, bool optional)
{
    text term = {0};
    port_term(p, &term);
    usage_word(line, optional ? "[" : "", &term, optional ? "]" : "");
    text_free(&term);
}

static void usage_param(text *line, const nrm_param *p)
{
    text term = {0};
    param_term(p, &term);
    usage_word(line, "", &term, "");
    text_free(&term);
}

static void method_usage(page *p, const nrm_method *m)
{
    text line = {0};
    text_add(&line, "norma %s", m->name);
    for (int i = 0; i < m->input_count; i++)
        if (!(m->inputs[i].flags & NRM_PORT_OPTIONAL)) usage_port(&line, &m->inputs[i], false);
    for (int i = 0; i < m->param_count; i++)
        if (nrm_param_required(&m->params[i])) usage_param(&line, &m->params[i]);
    for (int i = 0; i < m->input_count; i++)
        if (m->inputs[i].flags & NRM_PORT_OPTIONAL) usage_port(&line, &m->inputs[i], true);
    for (int i = 0; i < m->output_count; i++) usage_port(&line, &m->outputs[i], true);
    if (m->param_count > 0) text_add(&line, " [--PARAMETER" NO_BREAK "VALUE]...");
    page_usage(p, text_string(&line));
    text_free(&line);
}

static void port_items(page *p, const char *title, const nrm_port *ports, int count, bool output)
{
    if (count == 0) return;
    page_section(p, title);
    for (int i = 0; i < count; i++) {
        text term = {0}, facts = {0};
        port_term(&ports[i], &term);
        port_facts(&ports[i], output, &facts);
        page_item(p, text_string(&term), ports[i].text, text_string(&facts));
        text_free(&term);
        text_free(&facts);
    }
}

static void param_items(page *p, const nrm_method *m)
{
    if (m->param_count == 0) return;
    page_section(p, "Parameters");
    for (int i = 0; i < m->param_count; i++) {
        text term = {0}, facts = {0};
        param_term(&m->params[i], &term);
        param_facts(&m->params[i], &facts);
        page_item(p, text_string(&term), m->params[i].text, text_string(&facts));
        text_free(&term);
        text_free(&facts);
    }
}

static void info_items(page *p, const nrm_method *m)
{
    if (m->info_count == 0) return;
    int widest = 0;
    for (int i = 0; i < m->info_count; i++)
        if ((int)strlen(m->info[i].name) > widest) widest = (int)strlen(m->info[i].name);
    page_section(p, "Reported");
    page_fit_terms(p, widest);
    for (int i = 0; i < m->info_count; i++) {
        const nrm_field *f = &m->info[i];
        text meaning = {0}, term = {0};
        text_add_dashed(&term, f->name);
        text_add(&meaning, "%s", f->text);
        if (f->unit && *f->unit) text_add(&meaning, " [%s]", f->unit);
        page_item(p, text_string(&term), text_string(&meaning), "");
        text_free(&meaning);
        text_free(&term);
    }
}

static void example_items(page *p, const nrm_method *m)
{
    if (m->example_count == 0) return;
    page_section(p, "Examples");
    for (int i = 0; i < m->example_count; i++) {
        text line = {0}, result = {0};
        example_call(m, &m->examples[i], EXAMPLE_SHELL, &line);
        example_result(&m->examples[i], &result);
        page_example(p, m->examples[i].title ? m->examples[i].title : "", text_string(&line), text_string(&result));
        text_free(&line);
        text_free(&result);
    }
}

void method_page(page *p, const nrm_method *m)
{
    text name = {0};
    text_add(&name, "norma %s", m->name);
    page_title(p, text_string(&name), m->summary);
    text_free(&name);
    page_section(p, "Usage");
    method_usage(p, m);
    if (m->details && *m->details) {
        page_section(p, "What it does");
        page_paragraphs(p, m->details);
    }
    port_items(p, "Inputs", m->inputs, m->input_count, false);
    port_items(p, "Outputs", m->outputs, m->output_count, true);
    param_items(p, m);
    page_section(p, "Options of every method");
    option_items(p, method_options, METHOD_OPTION_COUNT);
    info_items(p, m);
    example_items(p, m);
    if (m->paper && *m->paper) {
        page_section(p, "Paper");
        page_paragraphs(p, m->paper);
    }
    exit_code_items(p);
}

/* ---- norma help, norma man --------------------------------------------------------------- */

/* The page of a command or method; "" and "norma" are the whole. */
static int topic_page(page *p, const char *word)
{
    const command *c = command_find(word);
    const nrm_method *m = nrm_method_find(word);
    if (!*word || nrm_same_name(word, "norma")) {
        norma_page(p);
    } else if (c) {
        command_page(p, c);
    } else if (m) {
        method_page(p, m);
    } else {
        const char *near = nearest_topic(word);
        if (near) return say_usage("there is no page for '%s'; did you mean '%s'?", word, near);
        return say_usage("there is no page for '%s'; 'norma list' names the methods", word);
    }
    return CLI_DONE;
}

static int show_topic(int argc, char **argv, page p)
{
    const char *word = "";
    int count;
    int code = take_arguments(argc, argv, 1, &word, &count, NULL, NULL);
    if (code == CLI_DONE) code = topic_page(&p, word);
    if (code == CLI_DONE) code = print_text(&p.out);
    text_free(&p.out);
    return code;
}

int run_help(int argc, char **argv) { return show_topic(argc, argv, page_for_terminal()); }
int run_man(int argc, char **argv) { return show_topic(argc, argv, page_for_man()); }
