/* reference.c -- norma reference DIR: one Markdown page for each method, and an index. */
#include "commands.h"
#include "describe.h"
#include "terminal.h"
#include <string.h>

static const char made_by[] = "<!-- Made by `norma reference` from the method's descriptor; edit that. -->\n\n";

/* Plain words inside Markdown: nothing in them is markup. */
static void add_plain(text *t, const char *words)
{
    for (; *words; words++) {
        if (strchr("\\`*_<>[]|#", *words)) text_add(t, "\\");
        text_add_bytes(t, *words == '\n' ? " " : words, 1);
    }
}

/* Paragraphs as they are, formulas (lines that begin with spaces) as code. */
static void add_paragraphs(text *t, const char *words)
{
    bool in_code = false;
    while (*words) {
        const size_t length = strcspn(words, "\n");
        const bool code = words[0] == ' ';
        if (code && !in_code) text_add(t, "\n```text\n");
        if (!code && in_code) text_add(t, "```\n\n");
        in_code = code;
        text line = {0};
        text_add_bytes(&line, words, length);
        if (code) text_add(t, "%s", text_string(&line));
        else add_plain(t, text_string(&line));
        text_add(t, "\n");
        text_free(&line);
        words += length + (words[length] == '\n');
    }
    if (in_code) text_add(t, "```\n");
}

static void add_unit(text *t, const char *unit)
{
    text bracket = {0};
    if (unit && *unit) text_add(&bracket, " [%s]", unit);
    add_plain(t, text_string(&bracket));
    text_free(&bracket);
}

static void add_since(text *t, const char *since) { text_add(t, " | %s |\n", since && *since ? since : ""); }

static void add_ports(text *t, const char *title, const nrm_port *ports, int count, bool output)
{
    if (count == 0) return;
    text_add(t, "\n## %s\n\n| name | shape | types | meaning | since |\n| --- | --- | --- | --- | --- |\n", title);
    for (int i = 0; i < count; i++) {
        const nrm_port *p = &ports[i];
        text shape = {0}, accepts = {0};
        text_add(t, "| `%s` | ", p->name);
        port_shape(p, &shape);
        add_plain(t, text_string(&shape));
        text_add(t, " | ");
        port_types(p, t);
        port_accepts(p, &accepts);
        if (p->accepts != NRM_ACCEPT_ARRAY) text_add(t, "; %s", text_string(&accepts));
        text_add(t, " | ");
        add_plain(t, p->text);
        add_unit(t, p->unit);
        if (output && (p->flags & NRM_PORT_ON_REQUEST)) text_add(t, " *(on request)*");
        if (!output && (p->flags & NRM_PORT_OPTIONAL)) text_add(t, " *(optional)*");
        if (p->flags & NRM_PORT_NAN_OK) text_add(t, " *(may hold NaN and Inf)*");
        add_since(t, p->since);
        text_free(&shape);
        text_free(&accepts);
    }
}

static void add_params(text *t, const nrm_method *m)
{
    if (m->param_count == 0) return;
    text_add(t, "\n## Parameters\n\n| name | type | default | range | meaning | since |\n"
                "| --- | --- | --- | --- | --- | --- |\n");
    for (int i = 0; i < m->param_count; i++) {
        const nrm_param *p = &m->params[i];
        text value = {0}, range = {0};
        param_default(p, &value);
        param_range(p, &range);
        text_add(t, "| `%s` | %s | ", p->name, param_type(p));
        if (nrm_param_required(p)) text_add(t, "*required*");
        else if (value.length == 0) text_add(t, "*none*");
        else if (strpbrk(text_string(&value), "`|")) add_plain(t, text_string(&value)); /* no code span in a table */
        else text_add(t, "`%s`", text_string(&value));
        text_add(t, " | ");
        add_plain(t, text_string(&range));
        text_add(t, " | ");
        add_plain(t, p->text);
        add_unit(t, p->unit);
        add_since(t, p->since);
        text_free(&value);
        text_free(&range);
    }
}

static void add_info(text *t, const nrm_method *m)
{
    static const char *const types[] = {"number", "integer", "flag", "choice", "text", "text"};
    if (m->info_count == 0) return;
    text_add(t, "\n## Reported\n\n| name | type | unit | meaning |\n| --- | --- | --- | --- |\n");
    for (int i = 0; i < m->info_count; i++) {
        const nrm_field *f = &m->info[i];
        text_add(t, "| `%s` | %s | ", f->name, types[f->kind]);
        add_plain(t, f->unit ? f->unit : "");
        text_add(t, " | ");
        add_plain(t, f->text);
        text_add(t, " |\n");
    }
}

static void add_examples(text *t, const nrm_method *m)
{
    if (m->example_count > 0) text_add(t, "\n## Examples\n");
    for (int i = 0; i < m->example_count; i++) {
        const nrm_example *e = &m->examples[i];
        text_add(t, "\n");
        if (e->title && *e->title) add_plain(t, e->title), text_add(t, "\n\n");
        text_add(t, "```sh\n");
        example_call(m, e, EXAMPLE_SHELL, t);
        text_add(t, "\n```\n\n```python\n");
        example_call(m, e, EXAMPLE_PYTHON, t);
        text_add(t, "\n```\n\n");
        text result = {0};
        example_result(e, &result);
        add_plain(t, text_string(&result));
        text_add(t, "\n");
        text_free(&result);
    }
}

static void method_reference(text *t, const nrm_method *m)
{
    text_add(t, "%s# %s\n\n", made_by, m->name);
    add_plain(t, m->summary);
    text_add(t, "\n\n");
    if (m->details) add_paragraphs(t, m->details);
    add_ports(t, "Inputs", m->inputs, m->input_count, false);
    add_ports(t, "Outputs", m->outputs, m->output_count, true);
    add_params(t, m);
    add_info(t, m);
    add_examples(t, m);
    if (m->paper && *m->paper) {
        text_add(t, "\n## Paper\n\n");
        add_plain(t, m->paper);
        if (m->paper_number > 0) text_add(t, " (number %d of the 33)", m->paper_number);
        text_add(t, "\n");
    }
    text_add(t, "\nSince %s. [All methods](README.md)\n", m->since);
}

static void index_reference(text *t)
{
    text_add(t, "%s# Methods\n\n| method | what it does | paper | domain |\n| --- | --- | --- | --- |\n", made_by);
    for (int i = 0; i < nrm_method_count(); i++) {
        const nrm_method *m = nrm_method_at(i);
        text_add(t, "| [%s](%s.md) | ", m->name, m->name);
        add_plain(t, m->summary);
        if (m->paper_number > 0) text_add(t, " | %d", m->paper_number);
        else text_add(t, " |");
        text_add(t, " | %s |\n", m->domain);
    }
}

static int write_page(const char *folder, const char *name, const text *content, text *written)
{
    text path = {0};
    text_add(&path, "%s/%s.md", folder, name);
    const int code = write_file(text_string(&path), content);
    if (code == CLI_DONE) text_add(written, "%s\n", text_string(&path));
    text_free(&path);
    return code;
}

int run_reference(int argc, char **argv)
{
    const char *folder = NULL;
    text t = {0}, written = {0};
    int count;
    int code = take_arguments(argc, argv, 1, &folder, &count, NULL, NULL);
    if (code != CLI_DONE) return code;
    if (!folder || !*folder) return say_usage("reference needs a folder, such as docs/reference");
    index_reference(&t);
    code = write_page(folder, "README", &t, &written);
    text_free(&t);
    for (int i = 0; code == CLI_DONE && i < nrm_method_count(); i++) {
        method_reference(&t, nrm_method_at(i));
        code = write_page(folder, nrm_method_at(i)->name, &t, &written);
        text_free(&t);
    }
    const int printed = print_text(&written);
    text_free(&written);
    return code != CLI_DONE ? code : printed;
}
