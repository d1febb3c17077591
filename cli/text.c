/* text.c -- text that grows, wraps and is quoted. */
#include "text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *cli_grow(void *memory, size_t bytes)
{
    void *grown = realloc(memory, bytes > 0 ? bytes : 1);
    if (!grown) {
        fputs("norma: there is no memory left\n", stderr);
        exit(1);
    }
    return grown;
}

static void make_room(text *t, size_t more)
{
    const size_t need = t->length + more + 1;
    if (need <= t->capacity) return;
    size_t capacity = t->capacity > 0 ? t->capacity : 256;
    while (capacity < need) capacity *= 2;
    t->data = cli_grow(t->data, capacity);
    t->capacity = capacity;
}

void text_add_bytes(text *t, const char *bytes, size_t count)
{
    make_room(t, count);
    if (count > 0) memcpy(t->data + t->length, bytes, count);
    t->length += count;
    t->data[t->length] = '\0';
}

void text_add(text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int count = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (count > 0) {
        make_room(t, (size_t)count);
        vsnprintf(t->data + t->length, (size_t)count + 1, format, again);
        t->length += (size_t)count;
    }
    va_end(again);
}

void text_add_repeated(text *t, char c, int count)
{
    for (int i = 0; i < count; i++) text_add_bytes(t, &c, 1);
}

const char *text_string(const text *t) { return t->data ? t->data : ""; }

void text_free(text *t)
{
    free(t->data);
    *t = (text){0};
}

void text_add_dashed(text *t, const char *name)
{
    for (; *name; name++) text_add_bytes(t, *name == '_' ? "-" : name, 1);
}

void text_add_number(text *t, double value)
{
    char digits[40];
    if (value > -1e6 && value < 1e6 && value == (double)(int)value) {
        text_add(t, "%d", (int)value);
        return;
    }
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value) break;
    }
    text_add(t, "%s", digits);
}

void text_add_quoted(text *t, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (*word && word[strspn(word, plain)] == '\0') {
        text_add(t, "%s", word);
        return;
    }
    text_add_bytes(t, "'", 1);
    for (; *word; word++) {
        if (*word == '\'') text_add_bytes(t, "'\\''", 4);
        else text_add_bytes(t, word, 1);
    }
    text_add_bytes(t, "'", 1);
}

int text_columns(const char *bytes, size_t count)
{
    int columns = 0;
    for (size_t i = 0; i < count; i++) columns += ((unsigned char)bytes[i] & 0xC0) != 0x80;
    return columns;
}

int text_wrap(text *t, const char *words, int column, int indent, int width)
{
    bool at_start = true; /* no space before the first word */
    while (*words) {
        words += strspn(words, " \n");
        const size_t length = strcspn(words, " \n");
        if (length == 0) break;
        const int columns = text_columns(words, length);
        if (!at_start && column + 1 + columns > width) {
            text_add(t, "\n");
            text_add_repeated(t, ' ', indent);
            column = indent;
        } else if (!at_start) {
            text_add(t, " ");
            column++;
        }
        for (size_t i = 0; i < length; i++) text_add_bytes(t, words[i] == NO_BREAK[0] ? " " : words + i, 1);
        column += columns;
        words += length;
        at_start = false;
    }
    return column;
}
