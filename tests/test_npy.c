/* test_npy.c -- binary formats: npy, npz, idx, safetensors, against files of NumPy. */
#include "testkit.h"
#include "reference/formats_values.h"
#include <norma/io.h>
#include <zlib.h>

#define LOAD(ctx, name, bytes, loaded) nrm_load_memory((ctx), (name), (bytes), sizeof(bytes), (loaded))

static void expect_array(const nrm_array *a, nrm_dtype dtype, int ndim, const int64_t *shape)
{
    assert_int_equal(a->dtype, dtype);
    assert_int_equal(a->ndim, ndim);
    for (int i = 0; i < ndim; i++) assert_int_equal(a->shape[i], shape[i]);
    assert_true(a->owned);
}

static void npy_of_numpy(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_loaded l;
    (void)state;

    assert_ok(ctx, LOAD(ctx, "f4.npy", file_f4, &l));
    assert_int_equal(l.kind, NRM_LOADED_ARRAY);
    assert_string_equal(l.format, "npy");
    expect_array(&l.array, NRM_F32, 2, (const int64_t[]){2, 3});
    const float *f = l.array.data;
    assert_true(f[0] == 0.1f && f[1] == -2.5f && f[2] == 3e38f && isnan(f[3]) && isinf(f[4]) && f[5] == 0x1p-149f);
    nrm_loaded_destroy(ctx, &l);

    assert_ok(ctx, LOAD(ctx, "x", file_fortran, &l)); /* the name does not matter */
    expect_array(&l.array, NRM_F64, 2, (const int64_t[]){2, 3});
    for (int i = 0; i < 6; i++) assert_near(((double *)l.array.data)[i], i, 0);
    nrm_loaded_destroy(ctx, &l);
    assert_ok(ctx, LOAD(ctx, "cube.npy", file_fortran_cube, &l));
    expect_array(&l.array, NRM_I32, 3, (const int64_t[]){2, 3, 4});
    for (int i = 0; i < 24; i++) assert_int_equal(((int32_t *)l.array.data)[i], i);
    nrm_loaded_destroy(ctx, &l);

    assert_ok(ctx, LOAD(ctx, "scalar.npy", file_scalar, &l));
    expect_array(&l.array, NRM_F64, 0, NULL);
    assert_near(*(double *)l.array.data, 7.25, 0);
    nrm_loaded_destroy(ctx, &l);
    nrm_ctx_destroy(ctx);
}

static void npy_types_become_the_nearest(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_loaded l;
    (void)state;

    assert_ok(ctx, LOAD(ctx, "i2.npy", file_big_i2, &l));
    expect_array(&l.array, NRM_I32, 1, (const int64_t[]){3});
    assert_int_equal(((int32_t *)l.array.data)[1], -2);
    assert_int_equal(((int32_t *)l.array.data)[2], 300);
    nrm_loaded_destroy(ctx, &l);
    assert_ok(ctx, LOAD(ctx, "bool.npy", file_bool, &l));
    expect_array(&l.array, NRM_U8, 1, (const int64_t[]){3});
    assert_memory_equal(l.array.data, "\1\0\1", 3);
    nrm_loaded_destroy(ctx, &l);
    assert_ok(ctx, LOAD(ctx, "half.npy", file_half, &l));
    expect_array(&l.array, NRM_F32, 1, (const int64_t[]){6});
    const float *f = l.array.data;
    assert_true(f[0] == 1.5f && f[1] == -2 && f[2] == 65504 && f[3] == 0x1p-24f && isinf(f[4]) && isnan(f[5]));
    nrm_loaded_destroy(ctx, &l);
    assert_ok(ctx, LOAD(ctx, "u8.npy", file_u8, &l));
    expect_array(&l.array, NRM_I64, 1, (const int64_t[]){2});
    assert_true(((int64_t *)l.array.data)[1] == INT64_MAX);
    nrm_loaded_destroy(ctx, &l);

    assert_status(ctx, LOAD(ctx, "u8.npy", file_u8_large, &l), NRM_E_RANGE);
    assert_message(ctx, "element 1");
    assert_status(ctx, LOAD(ctx, "o.npy", file_object, &l), NRM_E_FORMAT);
    assert_message(ctx, "o.npy: holds Python objects");
    assert_message(ctx, "astype(float)");
    assert_status(ctx, LOAD(ctx, "r.npy", file_records, &l), NRM_E_FORMAT);
    assert_message(ctx, "records");
    nrm_ctx_destroy(ctx);
}

/* An npy file by hand: a header, padded, and `size` bytes of data. */
static size_t make_npy(unsigned char *to, int version, const char *header, size_t size)
{
    const size_t length = strlen(header), start = version == 1 ? 10 : 12;
    memcpy(to, "\x93NUMPY", 6);
    memset(to + 6, 0, 6);
    to[6] = (unsigned char)version;
    to[8] = (unsigned char)length;
    memcpy(to + start, header, length);
    for (size_t i = 0; i < size; i++) to[start + length + i] = (unsigned char)i;
    return start + length + size;
}

static void expect_npy(nrm_ctx *ctx, const char *header, size_t size, nrm_status status, const char *piece)
{
    unsigned char bytes[400];
    for (int version = 1; version <= 3; version++) {
        nrm_loaded l = {.format = "untouched"};
        const size_t n = make_npy(bytes, version, header, size);
        assert_status(ctx, nrm_load_memory(ctx, "hand.npy", bytes, n, &l), status);
        if (status >= 0) nrm_loaded_destroy(ctx, &l);
        else {
            assert_message(ctx, "hand.npy");
            assert_message(ctx, piece);
            assert_string_equal(l.format, "untouched");
        }
    }
}

static void npy_headers(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    unsigned char bytes[400];
    nrm_loaded l;
    (void)state;

    expect_npy(ctx, "{'shape':(2,),'fortran_order':False,'descr':'<f8'}", 16, NRM_OK, "");
    expect_npy(ctx, "{ \"descr\" : \"|u1\", 'fortran_order' : True , 'shape' : (2L, 1L) , }\n", 2, NRM_OK, "");
    expect_npy(ctx, "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 5), }", 0, NRM_OK, "");
    expect_npy(ctx, "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", 23, NRM_E_FORMAT, "truncated");
    expect_npy(ctx, "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", 8, NRM_E_FORMAT,
               "4611686018427387904x4");
    expect_npy(ctx, "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }", 8, NRM_E_FORMAT, "8 bytes follow");
    expect_npy(ctx, "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", 8, NRM_E_FORMAT, "header");
    expect_npy(ctx, "{'descr': '<f8', 'fortran_order': False, 'shape': (1 2), }", 16, NRM_E_FORMAT, "header");
    expect_npy(ctx, "{'descr': '<f8', 'fortran_order': Maybe, 'shape': (1,), }", 8, NRM_E_FORMAT, "header");
    expect_npy(ctx, "{'descr': '<f8', 'shape': (1,), }", 8, NRM_E_FORMAT, "fortran_order");
    expect_npy(ctx, "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)", 8, NRM_E_FORMAT, "header");
    expect_npy(ctx, "{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }", 16, NRM_E_FORMAT, "complex");
    expect_npy(ctx, "{'descr': '<U3', 'fortran_order': False, 'shape': (1,), }", 12, NRM_E_FORMAT, "text");
    expect_npy(ctx, "{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 8, NRM_E_UNSUPPORTED,
               "8 dimensions");
    make_npy(bytes, 4, "{}", 0);
    assert_status(ctx, nrm_load_memory(ctx, "v4.npy", bytes, 20, &l), NRM_E_UNSUPPORTED);
    assert_message(ctx, "version 4.0");
    assert_status(ctx, nrm_load_memory(ctx, "cut.npy", bytes, 5, &l), NRM_E_FORMAT); /* not even the mark */
    assert_message(ctx, "a .npy file begins with");
    nrm_ctx_destroy(ctx);
}

static void npz_of_numpy(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_loaded l;
    unsigned char damaged[sizeof file_savez];
    (void)state;

    assert_ok(ctx, LOAD(ctx, "a.npz", file_savez, &l));
    assert_int_equal(l.kind, NRM_LOADED_BUNDLE);
    assert_int_equal(l.bundle.count, 2);
    assert_string_equal(l.bundle.items[0].name, "weights");
    assert_near(((double *)l.bundle.items[0].array.data)[2], 2, 0);
    assert_string_equal(l.bundle.items[1].name, "ids");
    expect_array(&l.bundle.items[1].array, NRM_I64, 2, (const int64_t[]){2, 1});
    nrm_loaded_destroy(ctx, &l);

    assert_ok(ctx, LOAD(ctx, "b.npz", file_savez_compressed, &l));
    assert_int_equal(l.bundle.count, 2);
    expect_array(&l.bundle.items[1].array, NRM_F32, 1, (const int64_t[]){500});
    nrm_loaded_destroy(ctx, &l);

    /* Any single damaged byte of the numbers is found by the checksum. */
    for (size_t at = 0; at < sizeof file_savez; at++) {
        memcpy(damaged, file_savez, sizeof damaged);
        damaged[at] ^= 0x40;
        nrm_loaded before = {.format = "untouched"};
        if (LOAD(ctx, "damaged.npz", damaged, &before) < 0) assert_string_equal(before.format, "untouched");
        else nrm_loaded_destroy(ctx, &before);
    }
    memcpy(damaged, file_savez, sizeof damaged);
    for (size_t at = 0; at + 8 < sizeof damaged; at++) /* the last 8 bytes of an array: 2.0 */
        if (memcmp(damaged + at, (const unsigned char[]){0, 0, 0, 0, 0, 0, 0, 0x40}, 8) == 0) damaged[at] = 1;
    assert_status(ctx, LOAD(ctx, "damaged.npz", damaged, &l), NRM_E_FORMAT);
    assert_message(ctx, "damaged.npz:weights: its checksum");
    assert_status(ctx, nrm_load_memory(ctx, "cut.npz", file_savez, sizeof file_savez - 5, &l), NRM_E_FORMAT);
    assert_message(ctx, "truncated");
    nrm_ctx_destroy(ctx);
}

static void idx_files(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    static const unsigned char i16[] = {0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x01, 0x00, 0xFF, 0xFE};
    unsigned char wrong[sizeof i16];
    nrm_loaded l;
    (void)state;

    assert_ok(ctx, LOAD(ctx, "x", i16, &l));
    assert_string_equal(l.format, "idx");
    expect_array(&l.array, NRM_I32, 2, (const int64_t[]){1, 2});
    assert_int_equal(((int32_t *)l.array.data)[0], 256);
    assert_int_equal(((int32_t *)l.array.data)[1], -2);
    nrm_loaded_destroy(ctx, &l);
    memcpy(wrong, i16, sizeof wrong);
    wrong[4] = 0x7f;
    assert_status(ctx, LOAD(ctx, "x", wrong, &l), NRM_E_FORMAT);
    assert_message(ctx, "4 bytes follow");
    memcpy(wrong, i16, sizeof wrong);
    wrong[2] = 0x0A;
    assert_status(ctx, LOAD(ctx, "x", wrong, &l), NRM_E_FORMAT);
    assert_message(ctx, "0x0a");
    nrm_ctx_destroy(ctx);
}

/* ---- safetensors -------------------------------------------------------------------------------- */

static nrm_status load_tensors(nrm_ctx *ctx, const char *header, const void *data, size_t size, nrm_loaded *l)
{
    unsigned char bytes[600] = {0};
    const size_t length = strlen(header);
    bytes[0] = (unsigned char)length;
    bytes[1] = (unsigned char)(length >> 8);
    memcpy(bytes + 8, header, length);
    if (size > 0) memcpy(bytes + 8 + length, data, size);
    return nrm_load_memory(ctx, "t.safetensors", bytes, 8 + length + size, l);
}

static void safetensors_files(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const float f[] = {1.5f, -2};
    const unsigned char bf[] = {0x80, 0x3F, 0x20, 0xC0};
    nrm_loaded l;
    (void)state;

    assert_ok(ctx, load_tensors(ctx, "{\"__metadata__\":{\"a\":\"b\"},\"w\":{\"dtype\":\"F32\",\"shape\":[2,1],"
                                     "\"data_offsets\":[0,8]}}", f, 8, &l));
    assert_int_equal(l.bundle.count, 1);
    assert_string_equal(l.bundle.items[0].name, "w");
    expect_array(&l.bundle.items[0].array, NRM_F32, 2, (const int64_t[]){2, 1});
    assert_memory_equal(l.bundle.items[0].array.data, f, 8);
    nrm_loaded_destroy(ctx, &l);
    assert_ok(ctx, load_tensors(ctx, "{\"w\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}", bf, 4, &l));
    assert_true(((float *)l.bundle.items[0].array.data)[0] == 1 && ((float *)l.bundle.items[0].array.data)[1] == -2.5f);
    nrm_loaded_destroy(ctx, &l);

    static const struct { const char *header, *piece; } bad[] = {
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", "outside"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", "outside"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "outside"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", "do not fit"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", "do not fit"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", "sizes"},
        {"{\"v\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"w\":{\"dtype\":\"U8\",\"shape\":[1],"
         "\"data_offsets\":[0,1]}}", "overlap"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2]}}", "data_offsets"},
        {"{\"w\":7}", "dtype"},
        {"{\"w\":", "header"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"w\":1}", "duplicate"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        l = (nrm_loaded){.format = "untouched"};
        assert_status(ctx, load_tensors(ctx, bad[i].header, f, 8, &l), NRM_E_FORMAT);
        assert_message(ctx, bad[i].piece);
        assert_string_equal(l.format, "untouched");
    }
    assert_status(ctx, load_tensors(ctx, "{\"w\":{\"dtype\":\"F8_E5M2\",\"shape\":[8],\"data_offsets\":[0,8]}}", f, 8, &l),
                  NRM_E_UNSUPPORTED);
    assert_message(ctx, "t.safetensors:w: has dtype 'F8_E5M2'");
    nrm_ctx_destroy(ctx);
}

/* ---- gzip ------------------------------------------------------------------------------------------ */

static size_t pack(unsigned char *to, size_t room, const void *bytes, size_t size)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)bytes;
    z.avail_in = (uInt)size;
    z.next_out = to;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t n = z.total_out;
    deflateEnd(&z);
    return n;
}

static void behind_gzip(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    unsigned char packed[4096], header[64];
    nrm_loaded l;
    (void)state;

    size_t n = pack(packed, sizeof packed, file_f4, sizeof file_f4);
    assert_ok(ctx, nrm_load_memory(ctx, "f4.npy.gz", packed, n, &l));
    expect_array(&l.array, NRM_F32, 2, (const int64_t[]){2, 3});
    nrm_loaded_destroy(ctx, &l);
    assert_status(ctx, nrm_load_memory(ctx, "f4.npy.gz", packed, n - 9, &l), NRM_E_FORMAT);
    assert_message(ctx, "truncated");
    packed[n - 5] ^= 1; /* a bit of the checksum behind the data */
    assert_status(ctx, nrm_load_memory(ctx, "f4.npy.gz", packed, n, &l), NRM_E_FORMAT);
    assert_message(ctx, "damaged");

    /* What 60 packed bytes cannot hold is refused before memory is asked for. */
    memcpy(header, "\0\0\x08\x02\x7f\xff\xff\xff\x7f\xff\xff\xff", 12);
    n = pack(packed, sizeof packed, header, 12);
    assert_status(ctx, nrm_load_memory(ctx, "bomb.gz", packed, n, &l), NRM_E_FORMAT);
    assert_message(ctx, "2147483647x2147483647");
    nrm_ctx_destroy(ctx);
}

/* ---- Allocation failures ----------------------------------------------------------------------------- */

typedef struct file { const char *name; const unsigned char *bytes; size_t size; nrm_loaded out; } file;

static nrm_status load_file(nrm_ctx *ctx, void *user)
{
    file *f = user;
    nrm_loaded l = f->out;
    const nrm_status st = nrm_load_memory(ctx, f->name, f->bytes, f->size, &l);
    if (st >= 0) nrm_loaded_destroy(ctx, &l);
    else f->out = l; /* the loop compares: it must be as before */
    return st;
}

static void allocation_failures(void **state)
{
    unsigned char packed[4096];
    const size_t n = pack(packed, sizeof packed, file_half, sizeof file_half);
    file files[] = {{.name = "a.npy", .bytes = file_fortran_cube, .size = sizeof file_fortran_cube},
                    {.name = "b.npy", .bytes = file_half, .size = sizeof file_half},
                    {.name = "b.npy.gz", .bytes = packed, .size = n},
                    {.name = "c.npz", .bytes = file_savez_compressed, .size = sizeof file_savez_compressed}};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        nrm_test_allocation_failures(load_file, &files[i], &files[i].out, sizeof files[i].out);
}

NRM_TEST_MAIN(cmocka_unit_test(npy_of_numpy), cmocka_unit_test(npy_types_become_the_nearest), cmocka_unit_test(npy_headers),
              cmocka_unit_test(npz_of_numpy), cmocka_unit_test(idx_files), cmocka_unit_test(safetensors_files),
              cmocka_unit_test(behind_gzip), cmocka_unit_test(allocation_failures))
