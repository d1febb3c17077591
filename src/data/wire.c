/* wire.c -- elements as files hold them: any byte order, narrow integers, bool, half
 * precision (IEEE 754 binary16) and bfloat16. */
#include "data.h"

int64_t nrm_wire_size(nrm_wire wire)
{
    switch (wire.type) {
#define CASE(constant, bytes, dtype) case constant: return bytes;
        NRM_WIRE_LIST(CASE)
#undef CASE
    }
    return 1;
}

nrm_dtype nrm_wire_dtype(nrm_wire wire)
{
    switch (wire.type) {
#define CASE(constant, bytes, dtype) case constant: return dtype;
        NRM_WIRE_LIST(CASE)
#undef CASE
    }
    return NRM_F64;
}

/* Whether this machine puts the most significant byte first. */
static bool machine_is_big(void)
{
    const uint16_t one = 1;
    unsigned char bytes[2];
    memcpy(bytes, &one, 2);
    return bytes[0] == 0;
}

bool nrm_wire_is_native(nrm_wire wire)
{
    if (wire.type == NRM_WIRE_U8) return true;
    return wire.big == machine_is_big() && (wire.type == NRM_WIRE_I32 || wire.type == NRM_WIRE_I64 ||
                                            wire.type == NRM_WIRE_F32 || wire.type == NRM_WIRE_F64);
}

static uint16_t load16(const unsigned char *p, bool big)
{
    return (uint16_t)(big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

static uint32_t load32(const unsigned char *p, bool big)
{
    return big ? (uint32_t)load16(p, true) << 16 | load16(p + 2, true)
               : (uint32_t)load16(p + 2, false) << 16 | load16(p, false);
}

static uint64_t load64(const unsigned char *p, bool big)
{
    return big ? (uint64_t)load32(p, true) << 32 | load32(p + 4, true)
               : (uint64_t)load32(p + 4, false) << 32 | load32(p, false);
}

static float float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static double double_of(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* 1 sign bit, 5 of exponent with bias 15, 10 of fraction: every one is a float. */
static float half_of(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;

    if (exponent == 31) return float_of(sign | 0x7f800000u | fraction << 13);
    if (exponent > 0) return float_of(sign | (exponent + 112) << 23 | fraction << 13);
    const float small = (float)fraction * 0x1p-24f; /* subnormal: fraction * 2^-24 */
    return sign ? -small : small;
}

bool nrm_wire_decode(nrm_wire wire, const void *raw, int64_t n, void *to, int64_t *where)
{
    const unsigned char *p = raw;
    const bool big = wire.big;

#define EACH(type, bytes, value)                                     \
    {                                                                \
        type *y = to;                                                \
        for (int64_t i = 0; i < n; i++, p += (bytes)) y[i] = (value); \
    }                                                                \
    break
    switch (wire.type) {
    case NRM_WIRE_BOOL: EACH(uint8_t, 1, *p != 0);
    case NRM_WIRE_U8: EACH(uint8_t, 1, *p);
    case NRM_WIRE_I8: EACH(int32_t, 1, (int8_t)*p);
    case NRM_WIRE_I16: EACH(int32_t, 2, (int16_t)load16(p, big));
    case NRM_WIRE_U16: EACH(int32_t, 2, load16(p, big));
    case NRM_WIRE_I32: EACH(int32_t, 4, (int32_t)load32(p, big));
    case NRM_WIRE_U32: EACH(int64_t, 4, load32(p, big));
    case NRM_WIRE_I64: EACH(int64_t, 8, (int64_t)load64(p, big));
    case NRM_WIRE_U64:
        for (int64_t i = 0; i < n; i++)
            if (load64(p + 8 * i, big) > INT64_MAX) {
                *where = i;
                return false;
            }
        EACH(int64_t, 8, (int64_t)load64(p, big));
    case NRM_WIRE_F16: EACH(float, 2, half_of(load16(p, big)));
    case NRM_WIRE_BF16: EACH(float, 2, float_of((uint32_t)load16(p, big) << 16));
    case NRM_WIRE_F32: EACH(float, 4, float_of(load32(p, big)));
    case NRM_WIRE_F64: EACH(double, 8, double_of(load64(p, big)));
    }
#undef EACH
    return true;
}

bool nrm_wire_decode_f64(nrm_wire wire, const void *raw, int64_t n, double *to)
{
    enum { PIECE = 256 };
    union { float f32[PIECE]; int32_t i32[PIECE]; int64_t i64[PIECE]; uint8_t u8[PIECE]; } piece;
    const unsigned char *p = raw;
    int64_t where;

    if (wire.type == NRM_WIRE_F64) return nrm_wire_decode(wire, raw, n, to, &where);
    for (int64_t done = 0; done < n; done += PIECE, p += PIECE * nrm_wire_size(wire)) {
        const int64_t m = nrm_min_i64(PIECE, n - done);
        if (!nrm_wire_decode(wire, p, m, &piece, &where)) return false;
        for (int64_t i = 0; i < m; i++) switch (nrm_wire_dtype(wire)) {
            case NRM_F32: to[done + i] = (double)piece.f32[i]; break;
            case NRM_I32: to[done + i] = piece.i32[i]; break;
            case NRM_I64: to[done + i] = (double)piece.i64[i]; break;
            case NRM_U8: to[done + i] = piece.u8[i]; break;
            case NRM_F64: case NRM_DTYPE_COUNT: break;
            }
    }
    return true;
}
