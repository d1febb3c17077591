/* terminal.c -- what the terminal can show; writing to the standard streams. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* TIOCGWINSZ */
#include "terminal.h"
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

enum { USUAL_WIDTH = 80, LEAST_WIDTH = 40, MOST_WIDTH = 110 };

void (*clear_line)(void);

/* Only the character set follows the environment: numbers look the same in every
 * country. */
void terminal_start(void)
{
    setlocale(LC_CTYPE, "");
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
}

bool terminal_is(int descriptor)
{
    const char *kind = getenv("TERM");
    return isatty(descriptor) && !(kind && strcmp(kind, "dumb") == 0);
}

int terminal_width(int descriptor)
{
    struct winsize size;
    if (!isatty(descriptor) || ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return USUAL_WIDTH;
    if (size.ws_col < LEAST_WIDTH) return LEAST_WIDTH;
    return size.ws_col > MOST_WIDTH ? MOST_WIDTH : size.ws_col;
}

bool terminal_unicode(void) { return strcmp(nl_langinfo(CODESET), "UTF-8") == 0; }

bool terminal_colour(int descriptor)
{
    const char *no_colour = getenv("NO_COLOR");
    return terminal_is(descriptor) && !(no_colour && *no_colour);
}

static bool silent;

void say_nothing(void) { silent = true; }

static void say_args(const char *format, va_list args)
{
    if (silent) return;
    if (clear_line) clear_line();
    fputs("norma: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_args(format, args);
    va_end(args);
}

int say_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_args(format, args);
    va_end(args);
    return CLI_USAGE;
}

bool output_closed(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

int print_text_to(int descriptor, const text *t)
{
    const char *at = text_string(t);
    size_t left = t->length;
    while (left > 0) {
        const ssize_t count = write(descriptor, at, left);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EPIPE) return CLI_DONE;
        if (count < 0) {
            say("standard %s cannot be written: %s", descriptor == STDOUT_FILENO ? "output" : "error",
                strerror(errno));
            return CLI_FILES;
        }
        at += count;
        left -= (size_t)count;
    }
    return CLI_DONE;
}

int print_text(const text *t) { return print_text_to(STDOUT_FILENO, t); }

void text_add_harmless(text *t, const char *bytes, size_t count)
{
    mbstate_t state = {0};
    while (count > 0) {
        wchar_t c;
        size_t length = mbrtowc(&c, bytes, count, &state);
        const bool character = length != (size_t)-1 && length != (size_t)-2;
        if (!character) state = (mbstate_t){0};
        if (!character || length == 0) length = 1;
        if (*bytes == '\n' || *bytes == '\t' || (character && iswprint((wint_t)c))) text_add_bytes(t, bytes, length);
        else if ((unsigned char)*bytes < ' ' || *bytes == 0x7F) text_add(t, "^%c", *bytes ^ 0x40);
        else text_add_bytes(t, "?", 1);
        bytes += length;
        count -= length;
    }
}

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
