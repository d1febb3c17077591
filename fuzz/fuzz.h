/* fuzz.h -- what the fuzz targets share.  A target is one LLVMFuzzerTestOneInput in
 * fuzz_NAME.c with seeds in corpus/NAME; tests/CMakeLists.txt links it with libFuzzer
 * or with replay.c.
 *
 * Whatever the bytes are, a reader must end with a status: NRM_OK and a result that
 * keeps every promise of norma/io.h, or a failure with a sentence and an untouched
 * result.  Memory is bounded, so that a file that asks for too much is a failure too. */
#ifndef NRM_FUZZ_H
#define NRM_FUZZ_H

#include <norma/io.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_require(bool condition) { if (!condition) abort(); }

static inline void *fuzz_allocate(void *user, size_t alignment, size_t bytes)
{
    (void)user;
    if (bytes > (size_t)1 << 26) return NULL;
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static inline void fuzz_release(void *user, void *memory)
{
    (void)user;
    free(memory);
}

static inline nrm_ctx *fuzz_ctx(void)
{
    nrm_ctx *ctx = NULL;
    nrm_ctx_options options = nrm_ctx_options_default();
    options.allocator = (nrm_allocator){fuzz_allocate, fuzz_release, NULL};
    fuzz_require(nrm_ctx_create(&ctx, &options) == NRM_OK);
    return ctx;
}

static inline void fuzz_check_array(const nrm_array *a)
{
    uint64_t sum = 0;
    const size_t bytes = (size_t)nrm_array_count(a) * nrm_dtype_size(a->dtype);
    fuzz_require(a->ndim >= 0 && a->ndim <= NRM_MAX_NDIM && a->data && a->owned);
    for (size_t i = 0; i < bytes; i++) sum += ((const unsigned char *)a->data)[i];
    fuzz_require(sum <= 255 * (uint64_t)bytes); /* all of it could be read */
}

static inline void fuzz_check_bundle(const nrm_bundle *bundle)
{
    for (int64_t i = 0; i < bundle->count; i++) {
        fuzz_require(bundle->items[i].name != NULL);
        fuzz_check_array(&bundle->items[i].array);
    }
}

/* Load the bytes under a name and check what comes of it. */
static inline int fuzz_load(const char *name, const uint8_t *data, size_t size)
{
    nrm_ctx *ctx = fuzz_ctx();
    nrm_loaded loaded, before;

    memset(&loaded, 0x5A, sizeof loaded);
    memcpy(&before, &loaded, sizeof loaded);
    if (nrm_load_memory(ctx, name, data, size, &loaded) < 0) {
        fuzz_require(nrm_message(ctx)[0] != '\0');
        fuzz_require(memcmp(&loaded, &before, sizeof loaded) == 0);
    } else {
        fuzz_require(loaded.format != NULL);
        if (loaded.kind == NRM_LOADED_ARRAY) fuzz_check_array(&loaded.array);
        if (loaded.kind == NRM_LOADED_CSR) fuzz_require(nrm_csr_check(ctx, &loaded.csr) == NRM_OK);
        fuzz_check_bundle(&loaded.bundle);
        fuzz_check_bundle(&loaded.extra);
        nrm_loaded_destroy(ctx, &loaded);
    }
    nrm_ctx_destroy(ctx);
    return 0;
}

#endif
