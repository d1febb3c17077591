/* describe.h -- what a descriptor says, in words.  Every page, completion and report
 * takes its words from here. */
#ifndef NRM_CLI_DESCRIBE_H
#define NRM_CLI_DESCRIBE_H

#include "text.h"
#include <norma/method.h>

bool param_is_path(const nrm_param *p);            /* a text that names a file or a folder */
const char *param_placeholder(const nrm_param *p); /* NUMBER, INTEGER, WORD, TEXT, FILE; "" for a flag */
const char *param_type(const nrm_param *p);        /* number, integer, flag, choice, text, file, folder */
void param_default(const nrm_param *p, text *t);   /* as typed; nothing where there is none */
void param_range(const nrm_param *p, text *t);     /* "> 0", "1 to 64", "a, b or c"; may add nothing */
void param_facts(const nrm_param *p, text *t);     /* default, range, unit in one line */
void param_term(const nrm_param *p, text *t);      /* "--max-iter INTEGER", "--[no-]polish" */
/* The words of a choice, one by one: NULL after the last. */
typedef struct choice_words { const char *at; char word[64]; } choice_words;
const char *choice_next(choice_words *words);      /* start with {p->choices} */

void port_term(const nrm_port *p, text *t);        /* "--x FILE" */
void port_shape(const nrm_port *p, text *t);       /* "n, or m x n"; "any shape" */
void port_types(const nrm_port *p, text *t);       /* "f32, f64", "text in UTF-8" */
void port_accepts(const nrm_port *p, text *t);     /* "array", "array, sparse or rows" */
void port_facts(const nrm_port *p, bool output, text *t);

typedef enum example_language { EXAMPLE_SHELL, EXAMPLE_PYTHON } example_language;
/* A stored call as a person writes it; `expect` as "gives ..." text. */
void example_call(const nrm_method *method, const nrm_example *e, example_language language, text *t);
void example_result(const nrm_example *e, text *t);

#endif
