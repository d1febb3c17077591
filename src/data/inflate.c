/* inflate.c -- zlib behind a small interface: gzip (any number of members, one after
 * another) and the raw deflate of zip archives.  zlib's memory is the context's. */
#include "source.h"
#include <zlib.h>

enum { INPUT_BYTES = 1 << 16 };

struct nrm_inflater {
    z_stream z;
    nrm_ctx *ctx; /* of the running call: zlib asks for memory when it likes */
    bool gzip, dry /* no more raw bytes */, between /* members */, ended;
    unsigned char input[INPUT_BYTES];
};

static voidpf zlib_allocate(voidpf user, uInt count, uInt size)
{
    void *memory;
    const nrm_inflater *inflater = user;
    return nrm_alloc_zeroed(inflater->ctx, &memory, count, size, "zlib") < 0 ? NULL : memory;
}

static void zlib_release(voidpf user, voidpf memory) { nrm_free(((nrm_inflater *)user)->ctx, memory); }

nrm_status nrm_inflate_create(nrm_ctx *ctx, nrm_inflater **inflater, bool gzip)
{
    nrm_inflater *fresh;

    NRM_TRY(nrm_alloc_zeroed(ctx, &fresh, 1, sizeof *fresh, "a decompressor"));
    fresh->ctx = ctx;
    fresh->gzip = gzip;
    fresh->z.zalloc = zlib_allocate;
    fresh->z.zfree = zlib_release;
    fresh->z.opaque = fresh;
    if (inflateInit2(&fresh->z, gzip ? 15 + 16 : -15) != Z_OK) {
        nrm_free(ctx, fresh);
        return nrm_fail(ctx, NRM_E_NOMEM, "a decompressor: no memory");
    }
    *inflater = fresh;
    return NRM_OK;
}

void nrm_inflate_destroy(nrm_ctx *ctx, nrm_inflater *inflater)
{
    if (!inflater) return;
    inflater->ctx = ctx;
    inflateEnd(&inflater->z);
    nrm_free(ctx, inflater);
}

void nrm_inflate_reset(nrm_inflater *inflater)
{
    inflateReset(&inflater->z);
    inflater->z.avail_in = 0;
    inflater->dry = inflater->between = inflater->ended = false;
}

bool nrm_inflate_hungry(const nrm_inflater *inflater)
{
    /* Two bytes tell whether another member follows. */
    return !inflater->dry && !inflater->ended && inflater->z.avail_in < (inflater->between ? 2u : 1u);
}

unsigned char *nrm_inflate_input(nrm_inflater *inflater, int64_t *room)
{
    if (inflater->z.avail_in > 0) memmove(inflater->input, inflater->z.next_in, inflater->z.avail_in);
    inflater->z.next_in = inflater->input;
    *room = INPUT_BYTES - inflater->z.avail_in;
    return inflater->input + inflater->z.avail_in;
}

void nrm_inflate_fed(nrm_inflater *inflater, int64_t n)
{
    if (n == 0) inflater->dry = true;
    inflater->z.avail_in += (uInt)n;
}

int64_t nrm_inflate_waiting(const nrm_inflater *inflater) { return inflater->z.avail_in; }

/* After a member: another one, or the end (padding and other bytes are left alone, as
 * gzip does). */
static void next_member(nrm_inflater *inflater)
{
    const unsigned char *next = inflater->z.next_in;
    if (inflater->gzip && inflater->z.avail_in >= 2 && next[0] == 0x1f && next[1] == 0x8b) {
        inflateReset(&inflater->z);
        inflater->between = false;
    } else if (!inflater->gzip || inflater->z.avail_in >= 2 || inflater->dry) {
        inflater->ended = true;
    }
}

nrm_status nrm_inflate_run(nrm_ctx *ctx, nrm_inflater *inflater, const char *name, unsigned char *to, int64_t room,
                           int64_t *got, bool *ended)
{
    const uInt most = (uInt)nrm_min_i64(room, 1 << 30);

    *got = 0;
    inflater->ctx = ctx;
    if (inflater->between) next_member(inflater);
    *ended = inflater->ended;
    if (inflater->ended || inflater->between) return NRM_OK;
    inflater->z.next_out = to;
    inflater->z.avail_out = most;
    const int result = inflate(&inflater->z, Z_NO_FLUSH);
    *got = (int64_t)(most - inflater->z.avail_out);
    if (result == Z_STREAM_END) inflater->between = true;
    else if (result == Z_MEM_ERROR) return nrm_fail(ctx, NRM_E_NOMEM, "%s: no memory to decompress it", name);
    else if (result != Z_OK && result != Z_BUF_ERROR)
        return nrm_fail(ctx, NRM_E_FORMAT, "%s: the compressed data is damaged (%s); fetch or make the file again",
                        name, inflater->z.msg ? inflater->z.msg : "zlib gives no reason");
    else if (*got == 0 && inflater->dry)
        return nrm_fail(ctx, NRM_E_FORMAT, "%s: the compressed data ends early; the file is truncated: fetch or "
                        "make it again", name);
    return NRM_OK;
}
