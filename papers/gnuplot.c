/* gnuplot.c -- run gnuplot: no shell, a script in a temporary file, its SVG on a pipe. */
#define _GNU_SOURCE /* mkostemp, pipe2 */
#include "report.h"
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool spawn_gnuplot(const char *path, int out, pid_t *child)
{
    char *const argv[] = {(char *)"gnuplot", (char *)"-d", (char *)path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0) return false;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return false;
    }
    /* Its own process group: a Ctrl-C is for us, and the page is still drawn. */
    bool good = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP) == 0 &&
                posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
                posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) == 0 &&
                posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0;
    good = good && posix_spawnp(child, "gnuplot", &actions, &attributes, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return good;
}

static bool run_gnuplot(const char *path, text *svg)
{
    int ends[2];
    pid_t child;
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    const bool started = spawn_gnuplot(path, ends[1], &child);
    close(ends[1]);
    char block[8192];
    ssize_t count = 0;
    while (started && (count = read(ends[0], block, sizeof block)) != 0) {
        if (count > 0) text_add_bytes(svg, block, (size_t)count);
        else break;
    }
    close(ends[0]);
    int code = 1;
    if (started) waitpid(child, &code, 0);
    return started && code == 0 && strstr(text_string(svg), "</svg>");
}

bool nrm_gnuplot(const text *commands, text *svg)
{
    const char *folder = getenv("TMPDIR");
    text path = {0};
    text_add(&path, "%s/norma-plot-XXXXXX", folder && *folder ? folder : "/tmp");
    const int file = mkostemp(path.data, O_CLOEXEC);
    bool good = file >= 0;
    for (size_t done = 0; good && done < commands->length;) {
        const ssize_t count = write(file, commands->data + done, commands->length - done);
        good = count > 0;
        if (good) done += (size_t)count;
    }
    good = good && run_gnuplot(path.data, svg);
    if (file >= 0) {
        close(file);
        unlink(path.data);
    }
    text_free(&path);
    return good;
}
