/* page.h -- one page of help, written for a terminal or as a man page.  What a page
 * says is decided once (help.c); how it looks, here. */
#ifndef NRM_CLI_PAGE_H
#define NRM_CLI_PAGE_H

#include "text.h"

typedef enum page_format { PAGE_TERMINAL, PAGE_MAN } page_format;

typedef struct page {
    page_format format;
    int width;   /* of a terminal page */
    int column;  /* where the meanings of items begin, until the next section */
    bool bold;   /* headings and names of a terminal page */
    text out;
} page;

page page_for_terminal(void); /* as wide as standard output */
page page_for_man(void);

void page_title(page *p, const char *name, const char *summary); /* first */
void page_section(page *p, const char *title);
/* The items of this section have no term wider than this: begin the meanings early. */
void page_fit_terms(page *p, int widest);
/* Paragraphs split by blank lines; lines that begin with spaces stay as they are. */
void page_paragraphs(page *p, const char *words);
/* "norma softmax --x FILE [--y FILE] ...": wraps under its own beginning. */
void page_usage(page *p, const char *line);
/* A name with what it means and, beneath, its facts (type, default, range); either may be "". */
void page_item(page *p, const char *term, const char *meaning, const char *facts);
/* A shell line with its title and what it gives; either may be "". */
void page_example(page *p, const char *title, const char *line, const char *result);

#endif
