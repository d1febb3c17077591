/* pair_table.c -- a hash table from pairs of tokens to small numbers.  Contract:
 * tokenizer_impl.h.  Linear probing; keys are spread by a Fibonacci multiplication. */
#include "tokenizer_impl.h"

static int64_t find(const nrm_pair_table *t, uint32_t key)
{
    const uint64_t mask = (uint64_t)t->places - 1;
    uint64_t place = (key * UINT64_C(0x9E3779B97F4A7C15) >> 32) & mask;
    while (t->value[place] >= 0 && t->key[place] != key) place = (place + 1) & mask;
    return (int64_t)place;
}

int32_t *nrm_pair_place(const nrm_pair_table *t, uint32_t key) { return &t->value[find(t, key)]; }

void nrm_pair_put(nrm_pair_table *t, uint32_t key, int32_t value)
{
    const int64_t place = find(t, key);
    if (t->value[place] < 0) t->taken++;
    t->key[place] = key;
    t->value[place] = value;
}

nrm_status nrm_pair_table_grow(nrm_ctx *ctx, nrm_pair_table *t, int64_t keys)
{
    nrm_pair_table fresh = {.places = t->places > 0 ? t->places : 64};
    nrm_status st;

    if (t->places > 0 && 2 * keys <= t->places) return NRM_OK;
    while (fresh.places < 2 * keys) fresh.places *= 2;
    NRM_TRY_DONE(NRM_ALLOC(ctx, fresh.key, fresh.places, "pairs of tokens"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, fresh.value, fresh.places, "pairs of tokens"));
    for (int64_t i = 0; i < fresh.places; i++) fresh.value[i] = -1;
    for (int64_t i = 0; i < t->places; i++)
        if (t->value[i] >= 0) nrm_pair_put(&fresh, t->key[i], t->value[i]);
    nrm_pair_table_free(ctx, t);
    *t = fresh;
    return NRM_OK;
done:
    nrm_pair_table_free(ctx, &fresh);
    return st;
}

void nrm_pair_table_free(nrm_ctx *ctx, nrm_pair_table *t)
{
    nrm_free(ctx, t->key);
    nrm_free(ctx, t->value);
    *t = (nrm_pair_table){0};
}
