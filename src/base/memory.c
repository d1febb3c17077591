/* memory.c -- checked sizes, growing buffers, the arena. */
#include "base.h"

bool nrm_mul_size(int64_t a, int64_t b, int64_t *product)
{
    return a >= 0 && b >= 0 && !__builtin_mul_overflow(a, b, product);
}

bool nrm_add_size(int64_t a, int64_t b, int64_t *sum)
{
    return a >= 0 && b >= 0 && !__builtin_add_overflow(a, b, sum);
}

nrm_status nrm_grow(nrm_ctx *ctx, void *place, int64_t *capacity, int64_t need, size_t size,
                    const char *what)
{
    if (need <= *capacity) return NRM_OK;
    int64_t larger = *capacity > INT64_MAX / 2 ? INT64_MAX : nrm_max_i64(2 * *capacity, 64);
    void *fresh, *old;

    larger = nrm_max_i64(larger, need);
    NRM_TRY(nrm_alloc_bytes(ctx, &fresh, larger, size, what));
    memcpy(&old, place, sizeof old);
    if (old) memcpy(fresh, old, (size_t)*capacity * size);
    nrm_free(ctx, old);
    memcpy(place, &fresh, sizeof fresh);
    *capacity = larger;
    return NRM_OK;
}

nrm_status nrm_copy_string(nrm_ctx *ctx, char **copy, const char *text)
{
    const size_t length = strlen(text) + 1;
    NRM_TRY(nrm_alloc_bytes(ctx, copy, (int64_t)length, 1, "a name"));
    memcpy(*copy, text, length);
    return NRM_OK;
}

int nrm_arena_add(nrm_arena *arena, int64_t count, size_t size)
{
    int64_t bytes, end;
    const int slot = arena->count;

    if (slot == NRM_ARENA_SLOTS || arena->bytes < 0 || !nrm_mul_size(count, (int64_t)size, &bytes) ||
        !nrm_add_size(bytes, 63, &bytes) || !nrm_add_size(arena->bytes, bytes / 64 * 64, &end)) {
        arena->bytes = -1;
        return 0;
    }
    arena->offset[slot] = arena->bytes;
    arena->bytes = end;
    arena->count++;
    return slot;
}

nrm_status nrm_arena_alloc(nrm_ctx *ctx, nrm_arena *arena, const char *what)
{
    NRM_REQUIRE(ctx, arena->bytes >= 0, NRM_E_OVERFLOW, "%s is larger than memory can address", what);
    return nrm_alloc_zeroed(ctx, &arena->base, arena->bytes, 1, what);
}

void *nrm_arena_at(const nrm_arena *arena, int slot) { return arena->base + arena->offset[slot]; }

void nrm_arena_free(nrm_ctx *ctx, nrm_arena *arena)
{
    nrm_free(ctx, arena->base);
    *arena = (nrm_arena){0};
}

bool nrm_overlap(const void *a, size_t na, const void *b, size_t nb)
{
    const uintptr_t p = (uintptr_t)a, q = (uintptr_t)b;
    return na && nb && p < q + nb && q < p + na;
}
