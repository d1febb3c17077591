/* sink.c -- contract: sink.h. */
#define _XOPEN_SOURCE 700 /* realpath, mode bits */
#define _FILE_OFFSET_BITS 64
#include "sink.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 16, NAME_TRIES = 100 };

static void release(nrm_ctx *ctx, nrm_sink *s)
{
    nrm_free(ctx, s->path);
    nrm_free(ctx, s->target);
    nrm_free(ctx, s->temporary);
    nrm_free(ctx, s->buffer);
    *s = (nrm_sink){.fd = -1};
}

/* What a rename has to replace: the file itself, not a symbolic link to it. */
static nrm_status resolve(nrm_ctx *ctx, nrm_sink *s, const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0 || !S_ISLNK(info.st_mode)) return nrm_copy_string(ctx, &s->target, path);
    char *real = realpath(path, NULL); /* NULL: the link dangles; it is replaced */
    const nrm_status st = nrm_copy_string(ctx, &s->target, real ? real : path);
    free(real);
    return st;
}

/* A name in the target's folder that nobody has.  Made by open, not mkstemp, so that the
 * process's umask rules the mode of a new file; an old file keeps its own. */
static nrm_status open_temporary(nrm_ctx *ctx, nrm_sink *s, const struct stat *old)
{
    const size_t length = strlen(s->target);
    const int64_t room = (int64_t)length + 48;

    NRM_TRY(NRM_ALLOC(ctx, s->temporary, room, "a temporary name"));
    for (unsigned i = 0; i < NAME_TRIES; i++) {
        const unsigned tag = (unsigned)((uint64_t)(nrm_now() * 1e9) >> 4) + i;
        snprintf(s->temporary, (size_t)room, "%s.%ld-%u.tmp", s->target, (long)getpid(), tag);
        s->fd = open(s->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (s->fd >= 0) break;
        if (errno != EEXIST) break;
    }
    if (s->fd >= 0) {
        s->owns_fd = true;
        if (old) (void)!fchmod(s->fd, old->st_mode & 07777); /* a wish: some file systems have no modes */
        return NRM_OK;
    }
    const int error = errno;
    nrm_free(ctx, s->temporary);
    s->temporary = NULL;
    if (error == ENOENT)
        return nrm_fail(ctx, NRM_E_IO, "%s: cannot be written: its folder does not exist; make it first", s->path);
    return nrm_fail_errno(ctx, error, "%s: cannot be written: no file can be made in its folder", s->path);
}

static nrm_status open_target(nrm_ctx *ctx, nrm_sink *s, const char *path)
{
    struct stat info;

    if (strcmp(path, "-") == 0) {
        s->fd = STDOUT_FILENO;
        return NRM_OK;
    }
    const bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
        return nrm_fail(ctx, NRM_E_IO, "%s: cannot be written: this is a folder; give the name of a file in it", path);
    if (exists && !S_ISREG(info.st_mode)) { /* a device or a pipe: nothing to protect */
        s->fd = open(path, O_WRONLY | O_CLOEXEC);
        s->owns_fd = s->fd >= 0;
        return s->owns_fd ? NRM_OK : nrm_fail_errno(ctx, errno, "%s: cannot be written", path);
    }
    if (exists && access(path, W_OK) != 0) return nrm_fail_errno(ctx, errno, "%s: cannot be written", path);
    NRM_TRY(resolve(ctx, s, path));
    return open_temporary(ctx, s, exists ? &info : NULL);
}

nrm_status nrm_sink_open(nrm_ctx *ctx, nrm_sink *sink, const char *path)
{
    nrm_sink s = {.fd = -1};
    nrm_status st;

    NRM_TRY_DONE(nrm_copy_string(ctx, &s.path, strcmp(path, "-") == 0 ? "standard output" : path));
    NRM_TRY_DONE(NRM_ALLOC(ctx, s.buffer, BUFFER_BYTES, "a writer's buffer"));
    NRM_TRY_DONE(open_target(ctx, &s, path));
    *sink = s;
    return NRM_OK;
done:
    release(ctx, &s);
    return st;
}

static nrm_status put(nrm_ctx *ctx, nrm_sink *s, const unsigned char *bytes, int64_t n)
{
    while (n > 0) {
        if (nrm_tick(ctx, "writing", (double)s->written, (double)s->total, NULL, NAN))
            return nrm_fail(ctx, NRM_E_CANCELLED, "%s: writing stopped on request", s->path);
        const ssize_t done = write(s->fd, bytes, (size_t)nrm_min_i64(n, 1 << 22));
        if (done < 0 && errno == EINTR) continue; /* the tick above says whether to stop */
        if (done < 0) return nrm_fail_errno(ctx, errno, "%s: cannot be written", s->path);
        bytes += done;
        n -= done;
        s->written += done;
    }
    return NRM_OK;
}

static nrm_status flush(nrm_ctx *ctx, nrm_sink *s)
{
    const int64_t n = s->used;
    s->used = 0;
    return put(ctx, s, s->buffer, n);
}

nrm_status nrm_sink_write(nrm_ctx *ctx, nrm_sink *s, const void *bytes, int64_t n)
{
    if (n > BUFFER_BYTES - s->used) NRM_TRY(flush(ctx, s));
    if (n > BUFFER_BYTES) return put(ctx, s, bytes, n);
    if (n > 0) memcpy(s->buffer + s->used, bytes, (size_t)n);
    s->used += n;
    return NRM_OK;
}

nrm_status nrm_sink_text(nrm_ctx *ctx, nrm_sink *s, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    NRM_REQUIRE(ctx, n >= 0 && n < (int)sizeof text, NRM_E_INTERNAL, "%s: a written word is too long", s->path);
    return nrm_sink_write(ctx, s, text, n);
}

nrm_status nrm_sink_number(nrm_ctx *ctx, nrm_sink *s, nrm_dtype dtype, const void *data, int64_t i)
{
    char text[NRM_NUMBER_LENGTH];
    int n = 0;
    switch (dtype) {
    case NRM_F32: n = nrm_format_f32(text, ((const float *)data)[i]); break;
    case NRM_F64: n = nrm_format_f64(text, ((const double *)data)[i]); break;
    case NRM_I32: n = snprintf(text, sizeof text, "%" PRId32, ((const int32_t *)data)[i]); break;
    case NRM_I64: n = snprintf(text, sizeof text, "%" PRId64, ((const int64_t *)data)[i]); break;
    case NRM_U8: n = snprintf(text, sizeof text, "%d", ((const uint8_t *)data)[i]); break;
    case NRM_DTYPE_COUNT: break;
    }
    return nrm_sink_write(ctx, s, text, n);
}

nrm_status nrm_sink_close(nrm_ctx *ctx, nrm_sink *s, nrm_status st)
{
    if (st >= 0) {
        const nrm_status last = flush(ctx, s);
        if (last < 0) st = last;
    }
    if (s->target && st >= 0 && fsync(s->fd) != 0) st = nrm_fail_errno(ctx, errno, "%s: cannot be written", s->path);
    if (s->owns_fd && close(s->fd) != 0 && st >= 0)
        st = nrm_fail_errno(ctx, errno, "%s: cannot be written", s->path);
    if (s->target && st >= 0 && rename(s->temporary, s->target) != 0)
        st = nrm_fail_errno(ctx, errno, "%s: cannot be written", s->path);
    if (s->target && st < 0) unlink(s->temporary);
    release(ctx, s);
    return st;
}
