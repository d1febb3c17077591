/* npz.c -- NumPy's .npz, read: a zip archive of .npy files, stored or deflated.
 *
 * The central directory at the end of the archive is what counts:
 *
 *     entries   [zip64 end  zip64 locator]   end record  comment
 *
 * Zip64 is understood; encryption and archives in several parts are not.  The CRC-32 of
 * every array is checked. */
#include "formats.h"
#include "zip.h"

enum { END_BYTES = 22, LOCATOR_BYTES = 20, END64_BYTES = 56, ENTRY_BYTES = 46, LOCAL_BYTES = 30, COMMENT_MOST = 65535,
       DIRECTORY_MOST = 1 << 26 };

typedef struct directory {
    int64_t offset, size, count;
} directory;

typedef struct entry {
    unsigned flags, method;
    uint32_t sum;
    int64_t packed, size, offset;
    nrm_span name;
} entry;

static unsigned get16(const unsigned char *p) { return (unsigned)(p[0] | p[1] << 8); }
static uint32_t get32(const unsigned char *p) { return get16(p) | (uint32_t)get16(p + 2) << 16; }

/* 64 bits as an int64_t; -1 for what does not fit. */
static int64_t get64(const unsigned char *p)
{
    const uint64_t v = get32(p) | (uint64_t)get32(p + 4) << 32;
    return v <= INT64_MAX ? (int64_t)v : -1;
}

static nrm_status fail_zip(nrm_ctx *ctx, const nrm_source *source, const char *what)
{
    return nrm_fail(ctx, NRM_E_FORMAT, "%s: the zip archive is damaged or truncated (%s); fetch or make it again",
                    source->name, what);
}

/* ---- The directory ---------------------------------------------------------------------------------- */

/* The zip64 end record, where the plain one is full of 0xff. */
static nrm_status find_end64(nrm_ctx *ctx, const nrm_source *source, int64_t end, directory *d)
{
    unsigned char locator[LOCATOR_BYTES], record[END64_BYTES];

    if (end < LOCATOR_BYTES) return fail_zip(ctx, source, "no zip64 locator");
    NRM_TRY(nrm_source_read_at(ctx, source, end - LOCATOR_BYTES, locator, LOCATOR_BYTES));
    if (get32(locator) != NRM_ZIP_LOCATOR) return fail_zip(ctx, source, "no zip64 locator");
    NRM_TRY(nrm_source_read_at(ctx, source, get64(locator + 8), record, END64_BYTES));
    if (get32(record) != NRM_ZIP_END64) return fail_zip(ctx, source, "no zip64 end record");
    *d = (directory){get64(record + 48), get64(record + 40), get64(record + 32)};
    return NRM_OK;
}

static nrm_status find_directory(nrm_ctx *ctx, const nrm_source *source, directory *d)
{
    const int64_t size = source->end - source->first, tail = nrm_min_i64(size, END_BYTES + COMMENT_MOST);
    unsigned char *bytes;
    int64_t at;

    if (size < END_BYTES) return fail_zip(ctx, source, "no end record");
    NRM_TRY(NRM_ALLOC(ctx, bytes, tail, "the end of a zip archive"));
    nrm_status st = nrm_source_read_at(ctx, source, size - tail, bytes, tail);
    for (at = tail - END_BYTES; st >= 0 && at >= 0; at--)
        if (get32(bytes + at) == NRM_ZIP_END && at + END_BYTES + (int64_t)get16(bytes + at + 20) == tail) break;
    if (st >= 0 && at < 0) st = fail_zip(ctx, source, "no end record");
    if (st >= 0) {
        const unsigned char *p = bytes + at;
        const bool full = get16(p + 10) == 0xffff || get32(p + 12) == 0xffffffff || get32(p + 16) == 0xffffffff;
        *d = (directory){get32(p + 16), get32(p + 12), get16(p + 10)};
        if (full) st = find_end64(ctx, source, size - tail + at, d);
    }
    nrm_free(ctx, bytes);
    if (st < 0) return st;
    if (d->offset < 0 || d->size < 0 || d->count < 0 || d->size > size || d->offset > size - d->size)
        return fail_zip(ctx, source, "the directory lies outside the file");
    NRM_REQUIRE(ctx, d->size <= DIRECTORY_MOST, NRM_E_UNSUPPORTED, "%s: the zip directory takes %lld bytes; at most %d "
                "are read", source->name, NRM_LL(d->size), DIRECTORY_MOST);
    return NRM_OK;
}

/* Sizes that do not fit 32 bits stand in an extra field, in this order. */
static bool widen(entry *e, const unsigned char *extra, int64_t length)
{
    int64_t *const wide[] = {&e->size, &e->packed, &e->offset};
    while (length >= 4) {
        const int64_t id = get16(extra), bytes = get16(extra + 2);
        if (bytes > length - 4) return false;
        if (id == 1) {
            const unsigned char *p = extra + 4, *const end = p + bytes;
            for (int i = 0; i < NRM_COUNT(wide); i++) {
                if (*wide[i] != 0xffffffff) continue;
                if (end - p < 8) return false;
                *wide[i] = get64(p);
                p += 8;
            }
            return e->size >= 0 && e->packed >= 0 && e->offset >= 0;
        }
        extra += 4 + bytes;
        length -= 4 + bytes;
    }
    return true;
}

/* The entry at *at of the directory's bytes; *at moves behind it. */
static bool parse_entry(const unsigned char *bytes, int64_t size, int64_t *at, entry *e)
{
    const unsigned char *p = bytes + *at;
    if (size - *at < ENTRY_BYTES || get32(p) != NRM_ZIP_ENTRY) return false;
    const int64_t name = get16(p + 28), extra = get16(p + 30), comment = get16(p + 32);
    if (size - *at - ENTRY_BYTES < name + extra + comment) return false;
    *e = (entry){.flags = get16(p + 8), .method = get16(p + 10), .sum = get32(p + 16), .packed = get32(p + 20),
                 .size = get32(p + 24), .offset = get32(p + 42)};
    e->name = (nrm_span){(const char *)p + ENTRY_BYTES, (const char *)p + ENTRY_BYTES + name};
    *at += ENTRY_BYTES + name + extra + comment;
    return widen(e, p + ENTRY_BYTES + name, extra);
}

/* ---- One array ----------------------------------------------------------------------------------------- */

/* Open the content of an entry as a source called "x.npz:name". */
static nrm_status open_entry(nrm_ctx *ctx, const nrm_source *source, const entry *e, const char *label, int64_t limit,
                             nrm_source **section)
{
    unsigned char local[LOCAL_BYTES];

    NRM_REQUIRE(ctx, (e->flags & 1) == 0, NRM_E_UNSUPPORTED, "%s: is encrypted; save it without a password", label);
    NRM_REQUIRE(ctx, e->method == 0 || e->method == 8, NRM_E_UNSUPPORTED, "%s: is compressed by method %u; stored and "
                "deflated arrays are read: save it with numpy.savez or savez_compressed", label, e->method);
    NRM_TRY(nrm_source_read_at(ctx, source, e->offset, local, LOCAL_BYTES));
    if (get32(local) != NRM_ZIP_LOCAL) return fail_zip(ctx, source, "an entry has no header");
    const int64_t data = LOCAL_BYTES + (int64_t)get16(local + 26) + get16(local + 28);
    if (e->offset > limit || data > limit - e->offset || e->packed > limit - e->offset - data)
        return fail_zip(ctx, source, "an entry runs into the directory");
    if (e->method == 0 && e->packed != e->size) return fail_zip(ctx, source, "the sizes of a stored entry differ");
    NRM_TRY(nrm_source_open_section(ctx, section, source, label, e->offset + data, e->packed, e->method == 8));
    (*section)->summed = true;
    return NRM_OK;
}

/* Read to the end, past what the array took, and compare size and sum. */
static nrm_status check_sum(nrm_ctx *ctx, nrm_source *section, const entry *e)
{
    for (;;) {
        const unsigned char *bytes;
        int64_t have;
        NRM_TRY(nrm_source_peek(ctx, section, 1, &bytes, &have));
        if (have == 0) break;
        nrm_source_take(section, have);
        if (section->taken > e->size) break;
    }
    NRM_REQUIRE(ctx, section->taken == e->size && section->sum == e->sum, NRM_E_FORMAT,
                "%s: its checksum or size is wrong; the archive is damaged: fetch or make it again", section->name);
    return NRM_OK;
}

static nrm_status read_entry(nrm_ctx *ctx, const nrm_source *source, const entry *e, const char *name, int64_t limit,
                             nrm_loaded *loaded, int64_t *capacity)
{
    nrm_source *section = NULL;
    nrm_loaded one = {0};
    char *label = NULL;
    const size_t length = strlen(source->name), room = length + strlen(name) + 2;
    nrm_status st;

    NRM_TRY_DONE(NRM_ALLOC(ctx, label, (int64_t)room, "a name"));
    memcpy(label, source->name, length);
    label[length] = ':';
    memcpy(label + length + 1, name, strlen(name) + 1);
    NRM_TRY_DONE(open_entry(ctx, source, e, label, limit, &section));
    NRM_TRY_DONE(nrm_read_npy(ctx, section, &one));
    NRM_TRY_DONE(check_sum(ctx, section, e));
    st = nrm_bundle_add(ctx, &loaded->bundle, capacity, name, &one.array);
done:
    nrm_source_close(ctx, section);
    nrm_loaded_destroy(ctx, &one);
    nrm_free(ctx, label);
    return st;
}

/* "weights" of "weights.npy"; NULL for what is no array (a folder, a note). */
static nrm_status array_name(nrm_ctx *ctx, nrm_span entry_name, char **name)
{
    const int64_t length = entry_name.end - entry_name.begin - 4;

    *name = NULL;
    if (length < 1 || memcmp(entry_name.end - 4, ".npy", 4) != 0 || memchr(entry_name.begin, 0, (size_t)length))
        return NRM_OK;
    NRM_TRY(NRM_ALLOC(ctx, *name, length + 1, "a name"));
    memcpy(*name, entry_name.begin, (size_t)length);
    (*name)[length] = '\0';
    return NRM_OK;
}

/* ---- The archive ------------------------------------------------------------------------------------------ */

static nrm_status read_entries(nrm_ctx *ctx, const nrm_source *source, const directory *d, const unsigned char *bytes,
                               nrm_loaded *loaded)
{
    int64_t at = 0, capacity = 0, packed = 0;

    for (int64_t i = 0; i < d->count; i++) {
        entry e = {0};
        char *name;
        if (!parse_entry(bytes, d->size, &at, &e)) return fail_zip(ctx, source, "an entry of the directory");
        /* Entries that share bytes are a way to make a small archive huge. */
        if (!nrm_add_size(packed, e.packed, &packed) || packed > d->offset)
            return fail_zip(ctx, source, "the entries overlap");
        NRM_TRY(array_name(ctx, e.name, &name));
        if (!name) continue;
        const nrm_status st = read_entry(ctx, source, &e, name, d->offset, loaded, &capacity);
        nrm_free(ctx, name);
        NRM_TRY(st);
    }
    NRM_REQUIRE(ctx, loaded->bundle.count > 0, NRM_E_FORMAT, "%s: the zip archive holds no .npy arrays; save it with "
                "numpy.savez", source->name);
    return NRM_OK;
}

nrm_status nrm_read_npz(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded)
{
    directory d = {0};
    unsigned char *bytes;

    NRM_REQUIRE(ctx, !source->inflater, NRM_E_UNSUPPORTED, "%s: an npz behind gzip is not read; unpack it first",
                source->name);
    NRM_TRY(find_directory(ctx, source, &d));
    NRM_TRY(NRM_ALLOC(ctx, bytes, d.size, "a zip directory"));
    nrm_status st = nrm_source_read_at(ctx, source, d.offset, bytes, d.size);
    if (st >= 0) st = read_entries(ctx, source, &d, bytes, loaded);
    nrm_free(ctx, bytes);
    loaded->kind = NRM_LOADED_BUNDLE;
    return st;
}
