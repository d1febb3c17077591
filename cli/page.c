/* page.c -- the look of a page, on a terminal and as roff. */
#include "page.h"
#include "terminal.h"
#include <norma/core.h>
#include <string.h>
#include <unistd.h>

enum { MARGIN = 2, MEANING_COLUMN = 26, NARROW_COLUMN = 8, NARROW_WIDTH = 60 };

page page_for_terminal(void)
{
    return (page){.format = PAGE_TERMINAL, .width = terminal_width(STDOUT_FILENO), .bold = terminal_colour(STDOUT_FILENO)};
}

page page_for_man(void) { return (page){.format = PAGE_MAN}; }

/* ---- roff ------------------------------------------------------------------------- */

/* The code point at `at` (well-formed UTF-8), and how many bytes it takes. */
static unsigned decode(const char *at, int *bytes)
{
    const unsigned char *u = (const unsigned char *)at;
    *bytes = u[0] < 0x80 ? 1 : u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : 4;
    unsigned code = *bytes == 1 ? u[0] : u[0] & (0x7Fu >> *bytes);
    for (int i = 1; i < *bytes; i++) {
        if ((u[i] & 0xC0) != 0x80) { *bytes = 1; return '?'; }
        code = code << 6 | (u[i] & 0x3Fu);
    }
    return code;
}

/* Text that roff must not read as requests.  A hyphen is written \- so that options
 * can be copied from the page. */
static void roff(text *t, const char *words, size_t count)
{
    bool line_start = true;
    for (size_t i = 0; i < count;) {
        int bytes;
        const unsigned code = decode(words + i, &bytes);
        if (line_start && (code == '.' || code == '\'')) text_add(t, "\\&");
        if (code == '\\') text_add(t, "\\e");
        else if (code == '-') text_add(t, "\\-");
        else if (code == '\'') text_add(t, "\\(aq");
        else if (code == '^') text_add(t, "\\(ha");
        else if (code == '~') text_add(t, "\\(ti");
        else if (code == '`') text_add(t, "\\(ga");
        else if (code == '"') text_add(t, "\\(dq");
        else if (code == (unsigned)NO_BREAK[0]) text_add(t, "\\ ");
        else if (code >= 0x80) text_add(t, "\\[u%04X]", code);
        else text_add_bytes(t, words + i, 1);
        line_start = code == '\n';
        i += (size_t)bytes;
    }
}

static void roff_line(text *t, const char *macro, const char *words)
{
    text_add(t, "%s", macro);
    roff(t, words, strlen(words));
    text_add(t, "\n");
}

/* ---- Both --------------------------------------------------------------------------- */

static void heading(page *p, const char *title)
{
    text_add(&p->out, p->bold ? "\n\033[1m%s\033[0m\n" : "\n%s\n", title);
}

void page_title(page *p, const char *name, const char *summary)
{
    text *t = &p->out;
    if (p->format == PAGE_MAN) {
        text_add(t, ".TH \"");
        for (const char *c = name; *c; c++) text_add(t, "%c", *c >= 'a' && *c <= 'z' ? *c - 32 : *c == ' ' ? '-' : *c);
        text_add(t, "\" \"1\" \"\" \"Norma %s\" \"Norma\"\n.nh\n.ad l\n.SH NAME\n", nrm_version());
        for (const char *c = name; *c; c++) roff(t, *c == ' ' ? "-" : c, 1);
        text_add(t, " \\- ");
        roff(t, summary, strlen(summary));
        text_add(t, "\n");
        return;
    }
    text_add(t, p->bold ? "\033[1m%s\033[0m - " : "%s - ", name);
    text_wrap(t, summary, text_columns(name, strlen(name)) + 3, MARGIN, p->width);
    text_add(t, "\n");
}

void page_section(page *p, const char *title)
{
    p->column = p->width < NARROW_WIDTH ? NARROW_COLUMN : MEANING_COLUMN;
    if (p->format == PAGE_TERMINAL) {
        heading(p, title);
        return;
    }
    /* The names that readers and tools of manual pages look for. */
    if (strcmp(title, "Usage") == 0) title = "Synopsis";
    if (strcmp(title, "What it does") == 0) title = "Description";
    text_add(&p->out, ".SH \"");
    for (const char *c = title; *c; c++) text_add(&p->out, "%c", *c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    text_add(&p->out, "\"\n.nh\n");
}

void page_fit_terms(page *p, int widest)
{
    const int column = MARGIN + widest + 2;
    if (p->format == PAGE_TERMINAL && column < MEANING_COLUMN) p->column = column;
}

static void verbatim_line(page *p, const char *line, size_t length)
{
    if (p->format == PAGE_MAN) {
        text_add(&p->out, ".EX\n");
        roff(&p->out, line, length);
        text_add(&p->out, "\n.EE\n");
    } else {
        text_add_repeated(&p->out, ' ', MARGIN);
        text_add_bytes(&p->out, line, length);
        text_add(&p->out, "\n");
    }
}

static void running_text(page *p, text *words)
{
    if (words->length == 0) return;
    if (p->format == PAGE_MAN) {
        roff_line(&p->out, "", text_string(words));
    } else {
        text_add_repeated(&p->out, ' ', MARGIN);
        text_wrap(&p->out, text_string(words), MARGIN, MARGIN, p->width);
        text_add(&p->out, "\n");
    }
    text_free(words);
}

void page_paragraphs(page *p, const char *words)
{
    text running = {0};
    while (*words) {
        const size_t length = strcspn(words, "\n");
        if (length == 0) { /* a blank line: the next paragraph */
            running_text(p, &running);
            text_add(&p->out, p->format == PAGE_MAN ? ".PP\n" : "\n");
        } else if (words[0] == ' ') {
            running_text(p, &running);
            verbatim_line(p, words, length);
        } else {
            if (running.length > 0) text_add(&running, " ");
            text_add_bytes(&running, words, length);
        }
        words += length + (words[length] == '\n');
    }
    running_text(p, &running);
}

void page_usage(page *p, const char *line)
{
    if (p->format == PAGE_MAN) {
        roff_line(&p->out, "", line);
        text_add(&p->out, ".br\n");
        return;
    }
    /* Continue under the third word: norma NAME --here */
    int indent = MARGIN;
    const char *third = line;
    for (int word = 0; word < 2; word++) third += strcspn(third, " "), third += strspn(third, " ");
    if (*third) indent += (int)(third - line);
    text_add_repeated(&p->out, ' ', MARGIN);
    text_wrap(&p->out, line, MARGIN, indent, p->width);
    text_add(&p->out, "\n");
}

void page_item(page *p, const char *term, const char *meaning, const char *facts)
{
    text *t = &p->out;
    if (p->format == PAGE_MAN) {
        roff_line(t, ".TP\n.B ", term);
        if (*meaning) roff_line(t, "", meaning);
        if (*meaning && *facts) text_add(t, ".br\n");
        if (*facts) roff_line(t, "", facts);
        if (!*meaning && !*facts) text_add(t, "\\&\n");
        return;
    }
    const int indent = p->column;
    int column = MARGIN + text_columns(term, strlen(term));
    text_add_repeated(t, ' ', MARGIN);
    text_add(t, p->bold ? "\033[1m%s\033[0m" : "%s", term);
    for (int part = 0; part < 2; part++) {
        const char *words = part == 0 ? meaning : facts;
        if (!*words) continue;
        if (column > indent - 2) {
            text_add(t, "\n");
            column = 0;
        }
        text_add_repeated(t, ' ', indent - column);
        if (p->bold && part == 1) text_add(t, "\033[2m");
        text_wrap(t, words, indent, indent, p->width);
        if (p->bold && part == 1) text_add(t, "\033[0m");
        column = p->width; /* the facts begin a line of their own */
    }
    text_add(t, "\n");
}

void page_example(page *p, const char *title, const char *line, const char *result)
{
    text *t = &p->out;
    if (p->format == PAGE_MAN) {
        text_add(t, ".PP\n");
        if (*title) roff_line(t, "", title);
        text_add(t, ".RS 4\n.EX\n");
        roff_line(t, "", line);
        if (*result) roff_line(t, "", result);
        text_add(t, ".EE\n.RE\n");
        return;
    }
    if (*title) text_add(t, "%*s%s\n", MARGIN, "", title);
    text_add(t, "%*s%s\n", 2 * MARGIN, "", line);
    if (*result) {
        text_add_repeated(t, ' ', 2 * MARGIN);
        text_wrap(t, result, 2 * MARGIN, 2 * MARGIN, p->width);
        text_add(t, "\n");
    }
}
