/* outputs.c -- where outputs go: tried before the work, written after it. */
#define _POSIX_C_SOURCE 200809L
#include "run.h"
#include "terminal.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool writes_to_stdout(const run *r)
{
    for (int i = 0; i < r->method->output_count; i++)
        if (r->paths[i] && strcmp(r->paths[i], "-") == 0) return true;
    return false;
}

/* A name beside `path` that keeps its extension: "out/.norma-123-y.npy". */
static void neighbour(text *t, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    text_add_bytes(t, path, (size_t)(name - path));
    text_add(t, ".norma-%ld-%s", (long)getpid(), name);
}

/* The library's sentence speaks of the trial file; the user knows only the real one. */
static void say_about(const char *sentence, const char *trial, const char *path)
{
    text t = {0};
    for (const char *found; (found = strstr(sentence, trial)) != NULL; sentence = found + strlen(trial)) {
        text_add_bytes(&t, sentence, (size_t)(found - sentence));
        text_add(&t, "%s", path);
    }
    text_add(&t, "%s", sentence);
    say("%s", text_string(&t));
    text_free(&t);
}

/* Write one number or letter beside the target, by the same writer: the folder, the permission and
 * the format are all tried at once. */
static int try_path(const run *r, const nrm_port *port, const char *path)
{
    double one = 1;
    unsigned char letter = 'a';
    const int64_t shape[2] = {1, 1};
    int64_t indptr[2] = {0, 1}, indices[1] = {0};
    nrm_array a = {&one, NRM_F64, 2, {shape[0], shape[1]}, false}, letters = {&letter, NRM_U8, 1, {1}, false};
    nrm_csr s = {1, 1, 1, indptr, indices, &one, NRM_F64, false};
    struct stat there;

    if (strcmp(path, "-") == 0) return CLI_DONE;
    if (stat(path, &there) == 0 && S_ISDIR(there.st_mode)) {
        say("%s: %s would be written to %s, which is a folder; give a file", r->method->name, port->name, path);
        return CLI_FILES;
    }
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) return CLI_DONE; /* a device */

    text trial = {0};
    neighbour(&trial, path);
    nrm_status st = port->flags & NRM_PORT_TEXT ? nrm_save_text(r->ctx, text_string(&trial), &letters)
                                                : nrm_save(r->ctx, text_string(&trial), &a);
    if (st < 0 && (port->accepts & NRM_ACCEPT_CSR) && st != NRM_E_IO)
        st = nrm_save_csr(r->ctx, text_string(&trial), &s);
    if (st < 0) say_about(nrm_message(r->ctx), text_string(&trial), path);
    else unlink(text_string(&trial));
    text_free(&trial);
    return st < 0 ? exit_code_of(st) : CLI_DONE;
}

int try_outputs(const run *r)
{
    for (int i = 0; i < r->method->output_count; i++) {
        const int code = r->paths[i] ? try_path(r, &r->method->outputs[i], r->paths[i]) : CLI_DONE;
        if (code != CLI_DONE) return code;
    }
    return CLI_DONE;
}

int write_outputs(const run *r)
{
    for (int i = 0; i < r->method->output_count; i++) {
        const char *name = r->method->outputs[i].name;
        if (!r->paths[i]) continue;
        if (!nrm_call_output(r->call, name)) {
            say("%s made no %s; %s is not written", r->method->name, name, r->paths[i]);
            continue;
        }
        const nrm_status st = nrm_call_write(r->call, name, r->paths[i]);
        if (st >= 0) continue;
        if (strcmp(r->paths[i], "-") == 0 && output_closed()) continue; /* it has what it wanted */
        say("%s", nrm_message(r->ctx));
        return exit_code_of(st);
    }
    return CLI_DONE;
}
