/* log.c -- contract: log.h. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "log.h"
#include "buffer.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

struct nrm_run_log {
    int fd;
    char *path;
    int64_t size; /* of the whole lines in the file; -1 for a pipe or a device */
    nrm_buffer line;
    bool any; /* the line has a field */
};

/* ---- Going on with an old file ---------------------------------------------------------------------------- */

static nrm_status read_all(nrm_ctx *ctx, const nrm_run_log *log, char **text, int64_t *size)
{
    struct stat info;
    char *bytes = NULL;
    int64_t have = 0;
    nrm_status st;

    if (fstat(log->fd, &info) != 0) return nrm_fail_errno(ctx, errno, "%s: cannot be examined", log->path);
    *text = NULL;
    *size = 0;
    if (!S_ISREG(info.st_mode)) return NRM_OK;
    NRM_TRY_DONE(NRM_ALLOC(ctx, bytes, (int64_t)info.st_size, "the log of a run"));
    while (have < info.st_size) {
        const ssize_t got = pread(log->fd, bytes + have, (size_t)(info.st_size - have), (off_t)have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            st = nrm_fail_errno(ctx, errno, "%s: cannot be read", log->path);
            goto done;
        }
        if (got == 0) break;
        have += got;
    }
    *text = bytes;
    *size = have;
    return NRM_OK;
done:
    nrm_free(ctx, bytes);
    return st;
}

/* Whether a line, without its end, belongs to the steps up to `resume`. */
static bool keep(const char *line, int64_t length, int64_t resume)
{
    json_error_t error;
    json_t *object = json_loadb(line, (size_t)length, 0, &error);
    const json_t *step = json_object_get(object, "step");
    const bool kept = json_is_object(object) && (!step || (json_is_integer(step) && json_integer_value(step) <= resume));
    json_decref(object);
    return kept;
}

static nrm_status cut(nrm_ctx *ctx, nrm_run_log *log, int64_t resume)
{
    char *text = NULL;
    int64_t size = 0, at = 0;

    NRM_TRY(read_all(ctx, log, &text, &size));
    while (at < size) {
        const char *stop = memchr(text + at, '\n', (size_t)(size - at));
        if (!stop || !keep(text + at, stop - text - at, resume)) break;
        at = stop - text + 1;
    }
    nrm_free(ctx, text);
    if (log->size >= 0 && ftruncate(log->fd, (off_t)at) != 0)
        return nrm_fail_errno(ctx, errno, "%s: cannot be cut to the resumed step", log->path);
    if (log->size >= 0) log->size = at;
    return NRM_OK;
}

/* ---- Opening and closing ------------------------------------------------------------------------------------- */

nrm_status nrm_run_log_open(nrm_ctx *ctx, nrm_run_log **log, const char *path, int64_t resume)
{
    nrm_run_log *l = NULL;
    struct stat info;
    nrm_status st;

    NRM_REQUIRE(ctx, log && path, NRM_E_NULL, "log: log and path must not be NULL");
    NRM_TRY_DONE(nrm_alloc_zeroed(ctx, &l, 1, sizeof *l, "the log of a run"));
    l->fd = -1;
    l->line.ctx = ctx;
    NRM_TRY_DONE(nrm_copy_string(ctx, &l->path, path));
    l->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | (resume < 0 ? O_TRUNC : 0), 0666);
    if (l->fd < 0 && errno == ENOENT) {
        st = nrm_fail(ctx, NRM_E_IO, "%s: cannot be written: its folder does not exist; make it first", path);
        goto done;
    }
    if (l->fd < 0 || fstat(l->fd, &info) != 0) {
        st = nrm_fail_errno(ctx, errno, "%s: cannot be opened for writing", path);
        goto done;
    }
    l->size = S_ISREG(info.st_mode) ? 0 : -1;
    if (resume >= 0) NRM_TRY_DONE(cut(ctx, l, resume));
    *log = l;
    return NRM_OK;
done:
    if (l) (void)nrm_run_log_close(ctx, l); /* the failure that is told came first */
    return st;
}

nrm_status nrm_run_log_close(nrm_ctx *ctx, nrm_run_log *l)
{
    nrm_status st = NRM_OK;

    if (!l) return NRM_OK;
    if (l->fd >= 0 && close(l->fd) != 0 && errno != EINTR)
        st = nrm_fail_errno(ctx, errno, "%s: the log could not be closed", l->path);
    nrm_buffer_free(&l->line);
    nrm_free(ctx, l->path);
    nrm_free(ctx, l);
    return st;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static void key_of(nrm_run_log *l, const char *key)
{
    nrm_buffer_text(&l->line, l->any ? "," : "{");
    nrm_buffer_quoted(&l->line, key);
    nrm_buffer_text(&l->line, ":");
    l->any = true;
}

void nrm_run_log_begin(nrm_run_log *l, int64_t step)
{
    l->line.length = 0;
    l->line.status = NRM_OK;
    l->any = false;
    if (step >= 0) nrm_run_log_integer(l, "step", step);
}

void nrm_run_log_number(nrm_run_log *l, const char *key, double value)
{
    key_of(l, key);
    nrm_buffer_number(&l->line, value);
}

void nrm_run_log_integer(nrm_run_log *l, const char *key, int64_t value)
{
    key_of(l, key);
    nrm_buffer_integer(&l->line, value);
}

void nrm_run_log_text(nrm_run_log *l, const char *key, const char *value)
{
    key_of(l, key);
    nrm_buffer_quoted(&l->line, value);
}

void nrm_run_log_json(nrm_run_log *l, const char *key, const char *json)
{
    key_of(l, key);
    nrm_buffer_text(&l->line, json);
}

nrm_status nrm_run_log_end(nrm_ctx *ctx, nrm_run_log *l)
{
    nrm_buffer_text(&l->line, l->any ? "}\n" : "{}\n");
    NRM_TRY(l->line.status);
    for (int64_t at = 0; at < l->line.length;) {
        const ssize_t done = write(l->fd, l->line.bytes + at, (size_t)(l->line.length - at));
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) {
            const int error = errno;
            if (l->size >= 0 && ftruncate(l->fd, (off_t)l->size) != 0) /* half a line is none */
                return nrm_fail_errno(ctx, errno, "%s: half a line stands at the end of the log", l->path);
            return nrm_fail_errno(ctx, error, "%s: the log cannot be written", l->path);
        }
        at += done;
    }
    if (l->size >= 0) l->size += l->line.length;
    return NRM_OK;
}
