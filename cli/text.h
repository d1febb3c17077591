/* text.h -- text that grows: the command builds every page and report in one and
 * writes it at once, so that a write error is seen in one place. */
#ifndef NRM_CLI_TEXT_H
#define NRM_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CLI_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define CLI_PRINTF(string, first)
#endif

typedef struct text {
    char *data; /* always ends with '\0' once anything was added; NULL before */
    size_t length, capacity;
} text;

void text_add(text *t, const char *format, ...) CLI_PRINTF(2, 3);
void text_add_bytes(text *t, const char *bytes, size_t count);
void text_add_repeated(text *t, char c, int count);
const char *text_string(const text *t); /* "" for an empty one */
void text_free(text *t);                /* becomes {0} */

/* A C name as it is typed: "max_iter" becomes "max-iter". */
void text_add_dashed(text *t, const char *name);
/* The shortest decimal that reads back as `value`: 0.1, 1e-10, inf. */
void text_add_number(text *t, double value);
/* A word for a POSIX shell: quoted where it must be. */
void text_add_quoted(text *t, const char *word);

/* Columns that `count` bytes of UTF-8 take (one for each code point). */
int text_columns(const char *bytes, size_t count);

/* Add words so that no line passes `width`.  The first line continues at column
 * `column`; the others are indented by `indent`.  Newlines of the input count as
 * spaces; NO_BREAK is a space at which no line ends.  Ends without a newline; returns
 * the column reached. */
#define NO_BREAK "\x1f"
int text_wrap(text *t, const char *words, int column, int indent, int width);

/* Memory or the end: the command has nothing useful to do without a few bytes. */
void *cli_grow(void *memory, size_t bytes);

#endif
