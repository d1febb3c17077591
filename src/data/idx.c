/* idx.c -- the format of the MNIST files, usually behind gzip:
 *
 *     0 0 type ndim   ndim sizes (4 bytes, most significant first)   the elements (the same) */
#include "formats.h"

typedef struct idx_header {
    nrm_wire wire;
    int ndim;
    int64_t shape[NRM_MAX_NDIM];
} idx_header;

static nrm_status read_header(nrm_ctx *ctx, nrm_source *source, idx_header *h)
{
    unsigned char bytes[4];

    NRM_TRY(nrm_source_read(ctx, source, bytes, 4, "the idx header"));
    h->wire.big = true;
    switch (bytes[2]) {
    case 0x08: h->wire.type = NRM_WIRE_U8; break;
    case 0x09: h->wire.type = NRM_WIRE_I8; break;
    case 0x0B: h->wire.type = NRM_WIRE_I16; break;
    case 0x0C: h->wire.type = NRM_WIRE_I32; break;
    case 0x0D: h->wire.type = NRM_WIRE_F32; break;
    case 0x0E: h->wire.type = NRM_WIRE_F64; break;
    default:
        return nrm_fail(ctx, NRM_E_FORMAT, "%s: the element type is 0x%02x; idx has 0x08, 0x09 and 0x0b to 0x0e",
                        source->name, bytes[2]);
    }
    h->ndim = bytes[3];
    NRM_REQUIRE(ctx, h->ndim >= 1 && h->ndim <= NRM_MAX_NDIM, NRM_E_UNSUPPORTED,
                "%s: has %d dimensions; 1 to %d are read", source->name, h->ndim, NRM_MAX_NDIM);
    for (int k = 0; k < h->ndim; k++) {
        NRM_TRY(nrm_source_read(ctx, source, bytes, 4, "the idx header"));
        h->shape[k] = (int64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
    }
    return NRM_OK;
}

nrm_status nrm_read_idx(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded)
{
    idx_header h = {0};
    NRM_TRY(read_header(ctx, source, &h));
    loaded->kind = NRM_LOADED_ARRAY;
    return nrm_read_elements(ctx, source, h.wire, h.ndim, h.shape, &loaded->array);
}

/* A row is one image: all dimensions but the first in a line. */
nrm_status nrm_open_idx(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows)
{
    idx_header h = {0};
    int64_t width = 1;

    NRM_TRY(read_header(ctx, source, &h));
    NRM_REQUIRE(ctx, nrm_shape_count(h.ndim - 1, h.shape + 1, &width), NRM_E_FORMAT,
                "%s: declares more elements than memory can address; the file is damaged", source->name);
    NRM_TRY(nrm_check_cols(ctx, source, cols, width));
    return nrm_open_elements(ctx, source, h.wire, h.shape[0], width, false, rows);
}
