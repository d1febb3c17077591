/* files.c -- writing the command's own documents. */
#define _POSIX_C_SOURCE 200809L
#include "commands.h"
#include "terminal.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Make every folder on the way to `path`; a failure shows when the file is opened. */
static void make_folders(const char *path)
{
    text part = {0};
    for (const char *c = path; *c; c++) {
        if (*c == '/' && c > path) mkdir(text_string(&part), 0777);
        text_add_bytes(&part, c, 1);
    }
    text_free(&part);
}

/* The content goes to a neighbour that is renamed, so the file is old or new, never half. */
int write_file(const char *path, const text *content)
{
    text trial = {0};
    make_folders(path);
    text_add(&trial, "%s.%ld", path, (long)getpid());
    FILE *file = fopen(text_string(&trial), "w");
    bool good = file && fwrite(text_string(content), 1, content->length, file) == content->length;
    if (file && fclose(file) != 0) good = false;
    if (good) good = rename(text_string(&trial), path) == 0;
    if (!good) {
        const int error = errno;
        if (file) unlink(text_string(&trial));
        say("%s cannot be written: %s", path, strerror(error));
    }
    text_free(&trial);
    return good ? CLI_DONE : CLI_FILES;
}
