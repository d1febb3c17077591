/* npz_write.c -- a bundle as .npz: .npy files stored in a zip archive, without
 * compression.  Zip64 fields appear where a size or an offset needs them.  Every date is
 * 1980-01-01, so that the same arrays give the same bytes. */
#include "formats.h"
#include "zip.h"
#include <zlib.h>

enum { RECORD_MOST = 64, DATE = 1 << 5 | 1 /* 1980-01-01 */ };

typedef struct record {
    unsigned char bytes[RECORD_MOST];
    int length;
} record;

static void put(record *r, int bytes, uint64_t value)
{
    for (int i = 0; i < bytes; i++) r->bytes[r->length++] = (unsigned char)(value >> (8 * i));
}

static uint64_t narrow(int64_t value) { return value < 0xffffffff ? (uint64_t)value : 0xffffffff; }

typedef struct member {
    const nrm_named *item;
    uint32_t sum;
    int64_t size, offset;
} member;

/* The fields that local header and directory entry have in common. */
static void put_common(record *r, const member *m, int64_t extra)
{
    const bool wide = m->size >= 0xffffffff || m->offset >= 0xffffffff;
    put(r, 2, wide ? 45 : 20); /* version of zip that can read it */
    put(r, 2, 1 << 11);        /* names are UTF-8 */
    put(r, 2, 0);              /* stored */
    put(r, 2, 0);
    put(r, 2, DATE);
    put(r, 4, m->sum);
    put(r, 4, narrow(m->size));
    put(r, 4, narrow(m->size));
    put(r, 2, strlen(m->item->name) + 4);
    put(r, 2, (uint64_t)extra);
}

static nrm_status write_record(nrm_ctx *ctx, nrm_sink *sink, const record *r)
{
    return nrm_sink_write(ctx, sink, r->bytes, r->length);
}

static nrm_status write_name(nrm_ctx *ctx, nrm_sink *sink, const member *m)
{
    NRM_TRY(nrm_sink_write(ctx, sink, m->item->name, (int64_t)strlen(m->item->name)));
    return nrm_sink_write(ctx, sink, ".npy", 4);
}

static nrm_status write_member(nrm_ctx *ctx, nrm_sink *sink, member *m, int64_t *offset)
{
    unsigned char header[NRM_NPY_HEADER_MOST];
    const nrm_array *a = &m->item->array;
    const int64_t length = nrm_npy_header_text(a, header);
    const int64_t bytes = nrm_array_count(a) * (int64_t)nrm_dtype_size(a->dtype);
    record r = {.length = 0}, extra = {.length = 0};

    m->offset = *offset;
    m->size = length + bytes;
    m->sum = (uint32_t)crc32_z(0, header, (size_t)length);
    if (bytes > 0) m->sum = (uint32_t)crc32_z(m->sum, a->data, (size_t)bytes);
    if (m->size >= 0xffffffff) {
        put(&extra, 2, 1);
        put(&extra, 2, 16);
        put(&extra, 8, (uint64_t)m->size);
        put(&extra, 8, (uint64_t)m->size);
    }
    put(&r, 4, NRM_ZIP_LOCAL);
    put_common(&r, m, extra.length);
    NRM_TRY(write_record(ctx, sink, &r));
    NRM_TRY(write_name(ctx, sink, m));
    NRM_TRY(write_record(ctx, sink, &extra));
    NRM_TRY(nrm_sink_write(ctx, sink, header, length));
    NRM_TRY(nrm_sink_write(ctx, sink, a->data, bytes));
    *offset += r.length + (int64_t)strlen(m->item->name) + 4 + extra.length + m->size;
    return NRM_OK;
}

static nrm_status write_entry(nrm_ctx *ctx, nrm_sink *sink, const member *m, int64_t *length)
{
    record r = {.length = 0}, extra = {.length = 0};
    const bool wide_size = m->size >= 0xffffffff, wide_offset = m->offset >= 0xffffffff;

    if (wide_size || wide_offset) {
        put(&extra, 2, 1);
        put(&extra, 2, (wide_size ? 16u : 0u) + (wide_offset ? 8u : 0u));
        if (wide_size) put(&extra, 8, (uint64_t)m->size);
        if (wide_size) put(&extra, 8, (uint64_t)m->size);
        if (wide_offset) put(&extra, 8, (uint64_t)m->offset);
    }
    put(&r, 4, NRM_ZIP_ENTRY);
    put(&r, 2, 45);
    put_common(&r, m, extra.length);
    put(&r, 2, 0); /* comment */
    put(&r, 2, 0); /* disk */
    put(&r, 2, 0); /* attributes inside */
    put(&r, 4, 0); /* and outside */
    put(&r, 4, narrow(m->offset));
    NRM_TRY(write_record(ctx, sink, &r));
    NRM_TRY(write_name(ctx, sink, m));
    *length += r.length + (int64_t)strlen(m->item->name) + 4 + extra.length;
    return write_record(ctx, sink, &extra);
}

static nrm_status write_end(nrm_ctx *ctx, nrm_sink *sink, int64_t count, int64_t offset, int64_t length)
{
    record end = {.length = 0};

    if (count >= 0xffff || offset >= 0xffffffff || length >= 0xffffffff) {
        record wide = {.length = 0}, locator = {.length = 0};
        put(&wide, 4, NRM_ZIP_END64);
        put(&wide, 8, 44); /* bytes behind this field */
        put(&wide, 2, 45);
        put(&wide, 2, 45);
        put(&wide, 4, 0);
        put(&wide, 4, 0);
        put(&wide, 8, (uint64_t)count);
        put(&wide, 8, (uint64_t)count);
        put(&wide, 8, (uint64_t)length);
        put(&wide, 8, (uint64_t)offset);
        put(&locator, 4, NRM_ZIP_LOCATOR);
        put(&locator, 4, 0);
        put(&locator, 8, (uint64_t)(offset + length));
        put(&locator, 4, 1);
        NRM_TRY(write_record(ctx, sink, &wide));
        NRM_TRY(write_record(ctx, sink, &locator));
    }
    put(&end, 4, NRM_ZIP_END);
    put(&end, 4, 0);
    put(&end, 2, (uint64_t)nrm_min_i64(count, 0xffff));
    put(&end, 2, (uint64_t)nrm_min_i64(count, 0xffff));
    put(&end, 4, narrow(length));
    put(&end, 4, narrow(offset));
    put(&end, 2, 0);
    return write_record(ctx, sink, &end);
}

nrm_status nrm_write_npz(nrm_ctx *ctx, nrm_sink *sink, const nrm_bundle *bundle)
{
    member *members;
    int64_t offset = 0, length = 0;
    nrm_status st;

    NRM_TRY(NRM_ALLOC_ZERO(ctx, members, bundle->count, "the directory of an npz"));
    for (int64_t i = 0; i < bundle->count; i++) {
        const nrm_named *item = &bundle->items[i];
        members[i].item = item;
        NRM_STOP_IF(strlen(item->name) > 60000, NRM_E_ARGUMENT, "%s: the name of array %lld is longer than 60000 bytes",
                    sink->path, NRM_LL(i));
        sink->total += nrm_array_count(&item->array) * (int64_t)nrm_dtype_size(item->array.dtype);
    }
    for (int64_t i = 0; i < bundle->count; i++) NRM_TRY_DONE(write_member(ctx, sink, &members[i], &offset));
    for (int64_t i = 0; i < bundle->count; i++) NRM_TRY_DONE(write_entry(ctx, sink, &members[i], &length));
    st = write_end(ctx, sink, bundle->count, offset, length);
done:
    nrm_free(ctx, members);
    return st;
}
