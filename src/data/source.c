/* source.c -- contract: source.h. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "source.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 1 << 16, CANCEL_CHUNK = 1 << 22 };

/* "csv" of "dir/x.csv.gz": the last suffix but gz. */
static const char *find_extension(const char *name, char *without_gz, size_t room)
{
    const char *base = strrchr(name, '/');
    base = base ? base + 1 : name;
    size_t length = strlen(base);

    if (length > 3 && strcmp(base + length - 3, ".gz") == 0) length -= 3;
    if (length >= room) { base += length - (room - 1); length = room - 1; }
    memcpy(without_gz, base, length);
    without_gz[length] = '\0';
    char *dot = strrchr(without_gz, '.');
    if (!dot || dot == without_gz) return without_gz + length;
    for (char *p = dot; *p; p++) if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a');
    return dot + 1;
}

static nrm_status create(nrm_ctx *ctx, nrm_source **source, const char *name)
{
    char text[64];
    nrm_source *s = NULL;
    nrm_status st;
    const size_t length = strlen(name) + 1;
    const char *extension = find_extension(name, text, sizeof text);

    NRM_TRY(NRM_ALLOC_ZERO(ctx, s, 1, "a reader"));
    s->fd = -1;
    /* The extension lives behind the name in the same memory. */
    NRM_TRY_DONE(NRM_ALLOC(ctx, s->name, (int64_t)(length + strlen(extension) + 1), "a reader's name"));
    memcpy(s->name, name, length);
    memcpy(s->name + length, extension, strlen(extension) + 1);
    s->extension = s->name + length;
    s->capacity = CHUNK;
    NRM_TRY_DONE(NRM_ALLOC(ctx, s->buffer, s->capacity, "a reader's buffer"));
    *source = s;
    return NRM_OK;
done:
    nrm_source_close(ctx, s);
    return st;
}

void nrm_source_close(nrm_ctx *ctx, nrm_source *s)
{
    if (!s) return;
    if (s->owns_fd) close(s->fd);
    nrm_inflate_destroy(ctx, s->inflater);
    nrm_free(ctx, s->owned_memory);
    nrm_free(ctx, s->buffer);
    nrm_free(ctx, s->name);
    nrm_free(ctx, s);
}

/* ---- Raw bytes ------------------------------------------------------------------------------ */

static nrm_status read_raw(nrm_ctx *ctx, nrm_source *s, unsigned char *to, int64_t room, int64_t *got)
{
    room = nrm_min_i64(nrm_min_i64(room, s->end - s->at), CANCEL_CHUNK);
    *got = 0;
    if (nrm_cancelled(ctx) || (!s->quiet && nrm_tick(ctx, "reading", (double)(s->at - s->first),
                                                     s->regular ? (double)(s->end - s->first) : 0, NULL, NAN)))
        return nrm_fail(ctx, NRM_E_CANCELLED, "%s: reading stopped on request", s->name);
    if (room <= 0) return NRM_OK;
    if (s->fd < 0) {
        memcpy(to, s->memory + s->at, (size_t)room);
        *got = room;
    } else {
        ssize_t n;
        do n = s->regular ? pread(s->fd, to, (size_t)room, (off_t)s->at) : read(s->fd, to, (size_t)room);
        while (n < 0 && errno == EINTR && !nrm_cancelled(ctx));
        if (n < 0 && errno == EINTR) return nrm_fail(ctx, NRM_E_CANCELLED, "%s: reading stopped on request", s->name);
        if (n < 0) return nrm_fail_errno(ctx, errno, "%s: cannot be read", s->name);
        *got = n;
    }
    s->at += *got;
    return NRM_OK;
}

/* Some content; *got is 0 at the end only. */
static nrm_status pull(nrm_ctx *ctx, nrm_source *s, unsigned char *to, int64_t room, int64_t *got)
{
    if (!s->inflater) {
        NRM_TRY(read_raw(ctx, s, to, room, got));
        s->ended = *got == 0;
    } else for (*got = 0; *got == 0 && !s->ended;) {
        if (nrm_inflate_hungry(s->inflater)) {
            int64_t space, came;
            unsigned char *input = nrm_inflate_input(s->inflater, &space);
            NRM_TRY(read_raw(ctx, s, input, space, &came));
            nrm_inflate_fed(s->inflater, came);
        }
        NRM_TRY(nrm_inflate_run(ctx, s->inflater, s->name, to, room, got, &s->ended));
    }
    if (s->summed) s->sum = (uint32_t)crc32_z(s->sum, to, (size_t)*got);
    return NRM_OK;
}

/* ---- Opening ---------------------------------------------------------------------------------- */

/* Look at the first bytes and take a gzip layer off. */
static nrm_status unwrap(nrm_ctx *ctx, nrm_source *s)
{
    const unsigned char *bytes;
    int64_t have, space;

    NRM_TRY(nrm_source_peek(ctx, s, 3, &bytes, &have));
    if (have < 3 || bytes[0] != 0x1f || bytes[1] != 0x8b || bytes[2] != 8) return NRM_OK;
    nrm_inflater *inflater;
    NRM_TRY(nrm_inflate_create(ctx, &inflater, true));
    have = s->stop - s->begin; /* at most CHUNK, which the input holds */
    memcpy(nrm_inflate_input(inflater, &space), bytes, (size_t)have);
    nrm_inflate_fed(inflater, have);
    s->begin = s->stop = 0;
    s->ended = false;
    s->inflater = inflater;
    return NRM_OK;
}

static nrm_status open_file(nrm_ctx *ctx, nrm_source *s, const char *path)
{
    struct stat info;

    if (strcmp(path, "-") == 0) {
        s->fd = STDIN_FILENO;
    } else {
        s->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (s->fd < 0 && errno == ENOENT)
            return nrm_fail(ctx, NRM_E_IO, "%s: there is no such file; check the spelling and the folder", path);
        if (s->fd < 0) return nrm_fail_errno(ctx, errno, "%s: cannot be opened", path);
        s->owns_fd = true;
    }
    if (fstat(s->fd, &info) != 0) return nrm_fail_errno(ctx, errno, "%s: cannot be examined", s->name);
    NRM_REQUIRE(ctx, !S_ISDIR(info.st_mode), NRM_E_IO, "%s: this is a folder; give the name of a file in it", s->name);
    s->end = INT64_MAX;
    if (S_ISREG(info.st_mode) && info.st_size > 0) { /* files in /proc say 0 and are read like pipes */
        /* Standard input may stand anywhere in its file: what follows is ours. */
        const off_t here = s->owns_fd ? 0 : lseek(s->fd, 0, SEEK_CUR);
        if (here >= 0) {
            s->regular = true;
            s->first = s->at = here;
            s->end = nrm_max_i64(here, info.st_size);
        }
    }
    return NRM_OK;
}

nrm_status nrm_source_open(nrm_ctx *ctx, nrm_source **source, const char *path)
{
    nrm_source *s;
    nrm_status st;

    NRM_TRY(create(ctx, &s, strcmp(path, "-") == 0 ? "standard input" : path));
    NRM_TRY_DONE(open_file(ctx, s, path));
    NRM_TRY_DONE(unwrap(ctx, s));
    *source = s;
    return NRM_OK;
done:
    nrm_source_close(ctx, s);
    return st;
}

nrm_status nrm_source_open_memory(nrm_ctx *ctx, nrm_source **source, const char *name, const void *bytes,
                                  int64_t size)
{
    nrm_source *s;
    nrm_status st;

    NRM_TRY(create(ctx, &s, name));
    s->memory = bytes;
    s->end = size;
    s->regular = true;
    NRM_TRY_DONE(unwrap(ctx, s));
    *source = s;
    return NRM_OK;
done:
    nrm_source_close(ctx, s);
    return st;
}

nrm_status nrm_source_open_section(nrm_ctx *ctx, nrm_source **section, const nrm_source *parent, const char *name,
                                   int64_t offset, int64_t size, bool deflated)
{
    nrm_source *s;
    nrm_status st;

    NRM_TRY(create(ctx, &s, name));
    s->fd = parent->fd;
    s->memory = parent->memory;
    s->first = s->at = parent->first + offset;
    s->end = s->first + size;
    s->regular = true;
    s->quiet = parent->quiet;
    if (deflated) NRM_TRY_DONE(nrm_inflate_create(ctx, &s->inflater, false));
    *section = s;
    return NRM_OK;
done:
    nrm_source_close(ctx, s);
    return st;
}

nrm_status nrm_source_settle(nrm_ctx *ctx, nrm_source *s)
{
    unsigned char *memory = NULL;
    int64_t capacity = 0, size = s->stop - s->begin, got = 1;
    nrm_status st;

    if (s->regular) return NRM_OK;
    while (got > 0) {
        NRM_TRY_DONE(nrm_grow(ctx, &memory, &capacity, size + CHUNK, 1, "what standard input gives"));
        if (size == s->stop - s->begin) memcpy(memory, s->buffer + s->begin, (size_t)size);
        NRM_TRY_DONE(pull(ctx, s, memory + size, capacity - size, &got));
        size += got;
    }
    if (s->owns_fd) close(s->fd);
    nrm_inflate_destroy(ctx, s->inflater);
    s->inflater = NULL;
    s->fd = -1;
    s->owns_fd = false;
    s->memory = s->owned_memory = memory;
    s->first = s->at = s->begin = s->stop = 0;
    s->end = size;
    s->regular = true;
    s->ended = false;
    return NRM_OK;
done:
    nrm_free(ctx, memory);
    return st;
}

/* ---- Content ------------------------------------------------------------------------------------ */

nrm_status nrm_source_peek(nrm_ctx *ctx, nrm_source *s, int64_t want, const unsigned char **bytes, int64_t *have)
{
    if (s->stop - s->begin < want && s->begin > 0) {
        memmove(s->buffer, s->buffer + s->begin, (size_t)(s->stop - s->begin));
        s->stop -= s->begin;
        s->begin = 0;
    }
    while (s->stop - s->begin < want && !s->ended) {
        int64_t got;
        if (s->stop == s->capacity)
            NRM_TRY(nrm_grow(ctx, &s->buffer, &s->capacity, s->stop + 1, 1, "a reader's buffer"));
        NRM_TRY(pull(ctx, s, s->buffer + s->stop, s->capacity - s->stop, &got));
        s->stop += got;
    }
    *bytes = s->buffer + s->begin;
    *have = s->stop - s->begin;
    return NRM_OK;
}

void nrm_source_take(nrm_source *s, int64_t n)
{
    s->begin += n;
    s->taken += n;
}

nrm_status nrm_source_read(nrm_ctx *ctx, nrm_source *s, void *to, int64_t n, const char *what)
{
    unsigned char *out = to;
    int64_t done = nrm_min_i64(n, s->stop - s->begin);

    if (done > 0) memcpy(out, s->buffer + s->begin, (size_t)done);
    s->begin += done;
    while (done < n && !s->ended) {
        int64_t got;
        NRM_TRY(pull(ctx, s, out + done, n - done, &got));
        done += got;
    }
    s->taken += done;
    NRM_REQUIRE(ctx, done == n, NRM_E_FORMAT,
                "%s: ends after %lld of %lld bytes of %s; the file is truncated: fetch or make it again", s->name,
                NRM_LL(done), NRM_LL(n), what);
    return NRM_OK;
}

nrm_status nrm_source_skip(nrm_ctx *ctx, nrm_source *s, int64_t n, const char *what)
{
    const int64_t buffered = s->stop - s->begin;
    if (s->regular && !s->inflater && !s->summed && n > buffered && n - buffered <= s->end - s->at) { /* go there */
        s->at += n - buffered;
        s->taken += n;
        s->begin = s->stop = 0;
        return NRM_OK;
    }
    while (n > 0) {
        const unsigned char *bytes;
        int64_t have;
        NRM_TRY(nrm_source_peek(ctx, s, 1, &bytes, &have));
        NRM_REQUIRE(ctx, have > 0, NRM_E_FORMAT, "%s: ends inside %s; the file is truncated: fetch or make it again",
                    s->name, what);
        have = nrm_min_i64(have, n);
        nrm_source_take(s, have);
        n -= have;
    }
    return NRM_OK;
}

nrm_status nrm_source_finish(nrm_ctx *ctx, nrm_source *s)
{
    int64_t have = 1;
    while (s->inflater && have > 0) {
        const unsigned char *bytes;
        NRM_TRY(nrm_source_peek(ctx, s, 1, &bytes, &have));
        nrm_source_take(s, have);
    }
    return NRM_OK;
}

int64_t nrm_source_most(const nrm_source *s)
{
    enum { RATIO = 1032, WINDOW = 1 << 16 };
    int64_t raw, most;

    if (!s->regular) return INT64_MAX;
    raw = s->end - s->at;
    if (s->inflater) {
        if (!nrm_mul_size(raw + nrm_inflate_waiting(s->inflater), RATIO, &raw)) return INT64_MAX;
        raw = nrm_add_size(raw, WINDOW, &most) ? most : INT64_MAX;
    }
    return nrm_add_size(raw, s->stop - s->begin, &most) ? most : INT64_MAX;
}

nrm_status nrm_source_line(nrm_ctx *ctx, nrm_source *s, const char **line, int64_t *length)
{
    int64_t searched = 0, have = s->stop - s->begin, n;
    const unsigned char *bytes = s->buffer + s->begin, *end;

    if (s->taken == 0) { /* the mark of UTF-8 that some programs put first */
        NRM_TRY(nrm_source_peek(ctx, s, 3, &bytes, &have));
        if (have >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) nrm_source_take(s, 3);
        bytes = s->buffer + s->begin;
        have = s->stop - s->begin;
    }
    for (;;) {
        end = have > searched ? memchr(bytes + searched, '\n', (size_t)(have - searched)) : NULL;
        if (end || s->ended) break;
        NRM_REQUIRE(ctx, have < NRM_LINE_MOST, NRM_E_FORMAT, "%s: line %lld is longer than %d bytes; is this text?",
                    s->name, NRM_LL(s->line + 1), NRM_LINE_MOST);
        searched = have;
        NRM_TRY(nrm_source_peek(ctx, s, have + 1, &bytes, &have));
    }
    *line = NULL;
    *length = 0;
    if (!end && have == 0) return NRM_OK;
    n = end ? end - bytes : have;
    nrm_source_take(s, n + (end ? 1 : 0));
    s->line++;
    if (n > 0 && bytes[n - 1] == '\r') n--;
    *line = (const char *)bytes;
    *length = n;
    return NRM_OK;
}

nrm_status nrm_source_rewind(nrm_ctx *ctx, nrm_source *s)
{
    NRM_REQUIRE(ctx, s->regular, NRM_E_UNSUPPORTED, "%s: a pipe cannot be read twice; give a file", s->name);
    s->at = s->first;
    s->begin = s->stop = s->taken = s->line = 0;
    s->ended = false;
    if (s->inflater) nrm_inflate_reset(s->inflater);
    return NRM_OK;
}

nrm_status nrm_source_read_at(nrm_ctx *ctx, const nrm_source *s, int64_t offset, void *to, int64_t n)
{
    unsigned char *out = to;

    NRM_REQUIRE(ctx, s->regular && !s->inflater, NRM_E_UNSUPPORTED,
                "%s: cannot be read from the middle: it is a pipe or compressed", s->name);
    NRM_REQUIRE(ctx, offset >= 0 && n >= 0 && n <= s->end - s->first && offset <= s->end - s->first - n, NRM_E_FORMAT,
                "%s: ends before byte %lld + %lld; the file is truncated: fetch or make it again", s->name,
                NRM_LL(offset), NRM_LL(n));
    if (s->fd < 0) {
        if (n > 0) memcpy(out, s->memory + s->first + offset, (size_t)n);
        return NRM_OK;
    }
    while (n > 0) {
        const ssize_t got = pread(s->fd, out, (size_t)nrm_min_i64(n, CANCEL_CHUNK), (off_t)(s->first + offset));
        if (got < 0 && errno == EINTR && !nrm_cancelled(ctx)) continue;
        if (got < 0) return nrm_fail_errno(ctx, errno, "%s: cannot be read", s->name);
        NRM_REQUIRE(ctx, got > 0, NRM_E_FORMAT, "%s: became shorter while it was read", s->name);
        out += got;
        offset += got;
        n -= got;
    }
    return NRM_OK;
}
