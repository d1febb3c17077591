/* terminal.h -- the two streams of the command: what they can show, and writing to
 * them so that a full disk is reported and a closed pipe is not. */
#ifndef NRM_CLI_TERMINAL_H
#define NRM_CLI_TERMINAL_H

#include "text.h"

/* Exit codes, documented in every page. */
enum {
    CLI_DONE = 0,
    CLI_FAILED = 1,        /* the method could not do it */
    CLI_USAGE = 2,         /* a name, value, shape or range is wrong */
    CLI_FILES = 3,         /* a file cannot be read or written, or is malformed */
    CLI_REMARK = 4,        /* done with a remark; results are written */
    CLI_INTERRUPTED = 130  /* Ctrl-C; a partial result is written where there is one */
};

void terminal_start(void);            /* once, first: character set, SIGPIPE */
bool terminal_is(int descriptor);     /* a terminal that can move its cursor */
int terminal_width(int descriptor);   /* columns; 80 where it is not a terminal */
bool terminal_unicode(void);          /* the user's character set is UTF-8 */
bool terminal_colour(int descriptor); /* bold and dim are welcome: a terminal and no NO_COLOR */

/* "norma: <sentence>" on standard error. */
void say(const char *format, ...) CLI_PRINTF(1, 2);
/* Not any more: another process says it. */
void say_nothing(void);
/* The same as say, returning CLI_USAGE. */
int say_usage(const char *format, ...) CLI_PRINTF(1, 2);

/* Write to standard output (or `descriptor`).  CLI_DONE, or CLI_FILES with the reason
 * said.  A reader that has gone away is no error: it has what it wanted. */
int print_text(const text *t);
int print_text_to(int descriptor, const text *t);
/* True if the reader of standard output has closed its end. */
bool output_closed(void);

/* Add text from elsewhere so that no terminal obeys it: control characters as ^X, what the
 * user's character set does not have or cannot print as '?'.  Newlines and tabs stay. */
void text_add_harmless(text *t, const char *bytes, size_t count);

double seconds_now(void); /* monotonic clock */

/* A line that is redrawn (the progress bar) registers here, so that a message can
 * clear it first. */
extern void (*clear_line)(void);

#endif
