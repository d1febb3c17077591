/* bpe.c -- byte pair encoding: learning the merges, and applying them.
 *
 * Sennrich, Haddow, Birch, "Neural machine translation of rare words with subword units",
 * ACL 2016, on bytes.  The text is cut into words; each different word is kept once with the
 * number of times it occurs.  Then, until the vocabulary is full:
 *
 *     take the pair of neighbouring tokens that occurs most often (of equals the one with
 *     the smallest tokens), make it a token, and write it so in every word that has it.
 *
 * A heap gives the pair.  Counts of a pair that exists only fall, as its neighbours are
 * merged away, so an entry of the heap is an upper bound: one that is out of date goes back
 * with its true count.  Each pair knows the words that had it when it was first seen, so a
 * merge touches those words alone: a text of a megabyte takes a fraction of a second. */
#include "tokenizer_impl.h"

enum {
    COUNT_LEAST = 2,          /* a pair that occurs once saves nothing */
    LEARN_BYTES = 1 << 26     /* merges are learnt from the first 64 MiB of a longer text */
};

/* ---- Words --------------------------------------------------------------------------------------- */

enum { SPACE, LETTER, DIGIT, OTHER };

static int class_of(unsigned char c)
{
    if (c == ' ' || (c >= '\t' && c <= '\r')) return SPACE;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80) return LETTER;
    return c >= '0' && c <= '9' ? DIGIT : OTHER;
}

/* A run of letters, of digits or of other signs, each with the blank before it; or white
 * space, which leaves its last blank to what follows. */
int64_t nrm_word_end(const unsigned char *p, int64_t at, int64_t size)
{
    const int64_t most = at + nrm_min_i64(size - at, NRM_TOKEN_BYTES_MOST);
    int64_t end = at + 1;
    int class = class_of(p[at]);

    if (p[at] == ' ' && end < most) class = class_of(p[end]);
    while (end < most && class_of(p[end]) == class) end++;
    if (class == SPACE && end < most && end > at + 1 && p[end - 1] == ' ') end--;
    return end;
}

typedef struct word {
    int64_t start;  /* of its first occurrence in the text; later of its tokens */
    int64_t length, count;
} word;

typedef struct lexicon {
    word *words;
    int64_t count, capacity;
    int32_t *table; /* hash to word, -1 free */
    int64_t places;
} lexicon;

static uint64_t hash_word(const unsigned char *p, int64_t n)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (int64_t i = 0; i < n; i++) h = (h ^ p[i]) * UINT64_C(0x100000001B3);
    return h ^ h >> 29;
}

static int64_t lexicon_place(const lexicon *l, const unsigned char *text, const unsigned char *p, int64_t n)
{
    const uint64_t mask = (uint64_t)l->places - 1;
    uint64_t place = hash_word(p, n) & mask;
    for (; l->table[place] >= 0; place = (place + 1) & mask) {
        const word *w = &l->words[l->table[place]];
        if (w->length == n && memcmp(text + w->start, p, (size_t)n) == 0) break;
    }
    return (int64_t)place;
}

static nrm_status lexicon_grow(nrm_ctx *ctx, lexicon *l, const unsigned char *text)
{
    if (2 * (l->count + 1) > l->places) {
        nrm_free(ctx, l->table);
        l->table = NULL;
        l->places = l->places ? 2 * l->places : 1024;
        NRM_TRY(NRM_ALLOC(ctx, l->table, l->places, "the words of a text"));
        for (int64_t i = 0; i < l->places; i++) l->table[i] = -1;
        for (int64_t i = 0; i < l->count; i++)
            l->table[lexicon_place(l, text, text + l->words[i].start, l->words[i].length)] = (int32_t)i;
    }
    return nrm_grow(ctx, &l->words, &l->capacity, l->count + 1, sizeof *l->words, "the words of a text");
}

static nrm_status collect_words(nrm_ctx *ctx, const unsigned char *text, int64_t size, lexicon *l)
{
    for (int64_t at = 0, end; at < size; at = end) {
        end = nrm_word_end(text, at, size);
        NRM_TRY(lexicon_grow(ctx, l, text));
        const int64_t place = lexicon_place(l, text, text + at, end - at);
        if (l->table[place] < 0) {
            l->table[place] = (int32_t)l->count;
            l->words[l->count++] = (word){at, end - at, 0};
        }
        l->words[l->table[place]].count++;
    }
    return NRM_OK;
}

/* ---- Pairs ------------------------------------------------------------------------------------------ */

typedef struct pair {
    uint32_t key;
    int32_t node;      /* its newest word, -1 none */
    int64_t count;
} pair;
typedef struct node { int32_t word, next; } node;
typedef struct entry { int64_t count; int32_t pair; } entry;

typedef struct learner {
    nrm_ctx *ctx;
    lexicon lexicon;
    nrm_token *tokens; /* of all words, one after another */
    nrm_pair_table table;
    pair *pairs;
    int64_t pair_count, pair_capacity;
    node *nodes;
    int64_t node_count, node_capacity;
    entry *heap;
    int64_t heap_count, heap_capacity;
} learner;

/* Note that word w has the pair, `count` times in the text. */
static nrm_status add_pair(learner *l, uint32_t key, int32_t w, int64_t count)
{
    NRM_TRY(nrm_pair_table_grow(l->ctx, &l->table, l->pair_count + 1));
    int32_t index = *nrm_pair_place(&l->table, key);
    if (index < 0) {
        NRM_TRY(nrm_grow(l->ctx, &l->pairs, &l->pair_capacity, l->pair_count + 1, sizeof *l->pairs, "pairs of tokens"));
        index = (int32_t)l->pair_count;
        l->pairs[l->pair_count++] = (pair){key, -1, 0};
        nrm_pair_put(&l->table, key, index);
    }
    pair *p = &l->pairs[index];
    p->count += count;
    if (p->node >= 0 && l->nodes[p->node].word == w) return NRM_OK;
    NRM_TRY(nrm_grow(l->ctx, &l->nodes, &l->node_capacity, l->node_count + 1, sizeof *l->nodes, "places of pairs"));
    l->nodes[l->node_count] = (node){w, p->node};
    p->node = (int32_t)l->node_count++;
    return NRM_OK;
}

static bool before(const learner *l, entry a, entry b)
{
    return a.count != b.count ? a.count > b.count : l->pairs[a.pair].key < l->pairs[b.pair].key;
}

static nrm_status push(learner *l, int32_t index)
{
    const entry fresh = {l->pairs[index].count, index};
    int64_t i = l->heap_count;

    if (fresh.count < COUNT_LEAST) return NRM_OK;
    NRM_TRY(nrm_grow(l->ctx, &l->heap, &l->heap_capacity, i + 1, sizeof *l->heap, "a heap of pairs"));
    l->heap_count++;
    for (; i > 0 && before(l, fresh, l->heap[(i - 1) / 2]); i = (i - 1) / 2) l->heap[i] = l->heap[(i - 1) / 2];
    l->heap[i] = fresh;
    return NRM_OK;
}

static entry pop(learner *l)
{
    const entry top = l->heap[0], last = l->heap[--l->heap_count];
    int64_t i = 0;

    for (int64_t child; (child = 2 * i + 1) < l->heap_count; i = child) {
        if (child + 1 < l->heap_count && before(l, l->heap[child + 1], l->heap[child])) child++;
        if (!before(l, l->heap[child], last)) break;
        l->heap[i] = l->heap[child];
    }
    l->heap[i] = last;
    return top;
}

/* The pair that occurs most often; -1 when none occurs twice. */
static nrm_status best_pair(learner *l, int32_t *best)
{
    *best = -1;
    while (l->heap_count > 0) {
        const entry top = pop(l);
        if (top.count == l->pairs[top.pair].count) {
            *best = top.pair;
            return NRM_OK;
        }
        NRM_TRY(push(l, top.pair));
    }
    return NRM_OK;
}

/* ---- Merging ------------------------------------------------------------------------------------------- */

/* Write the pair as one token in [t, t + n); returns the new length. */
static int64_t replace(nrm_token *t, int64_t n, uint32_t key, nrm_token token)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++) {
        const bool match = i + 1 < n && nrm_pair(t[i], t[i + 1]) == key;
        t[kept++] = match ? token : t[i];
        i += match;
    }
    return kept;
}

static nrm_status merge_in_word(learner *l, int32_t w, uint32_t key, nrm_token token)
{
    word *at = &l->lexicon.words[w];
    nrm_token *t = l->tokens + at->start;
    bool found = false;

    for (int64_t i = 0; i + 1 < at->length; i++) found |= nrm_pair(t[i], t[i + 1]) == key;
    if (!found) return NRM_OK; /* an earlier merge took it away */
    for (int64_t i = 0; i + 1 < at->length; i++)
        l->pairs[*nrm_pair_place(&l->table, nrm_pair(t[i], t[i + 1]))].count -= at->count;
    at->length = replace(t, at->length, key, token);
    for (int64_t i = 0; i + 1 < at->length; i++) {
        const uint32_t now = nrm_pair(t[i], t[i + 1]);
        if (t[i] == token || t[i + 1] == token) NRM_TRY(add_pair(l, now, w, at->count));
        else l->pairs[*nrm_pair_place(&l->table, now)].count += at->count;
    }
    return NRM_OK;
}

static nrm_status merge_pair(learner *l, int32_t best, nrm_token token)
{
    const int64_t old = l->pair_count;
    const uint32_t key = l->pairs[best].key;

    for (int32_t n = l->pairs[best].node; n >= 0; n = l->nodes[n].next)
        NRM_TRY(merge_in_word(l, l->nodes[n].word, key, token));
    for (int64_t i = old; i < l->pair_count; i++) NRM_TRY(push(l, (int32_t)i));
    return NRM_OK;
}

static nrm_status start(learner *l, const unsigned char *text, int64_t size)
{
    int64_t used = 0;

    NRM_TRY(collect_words(l->ctx, text, size, &l->lexicon));
    for (int64_t w = 0; w < l->lexicon.count; w++) used += l->lexicon.words[w].length;
    NRM_TRY(NRM_ALLOC(l->ctx, l->tokens, used, "the words of a text"));
    used = 0;
    for (int64_t w = 0; w < l->lexicon.count; w++) {
        word *at = &l->lexicon.words[w];
        for (int64_t i = 0; i < at->length; i++) l->tokens[used + i] = text[at->start + i];
        at->start = used;
        used += at->length;
        for (int64_t i = 0; i + 1 < at->length; i++)
            NRM_TRY(add_pair(l, nrm_pair(l->tokens[at->start + i], l->tokens[at->start + i + 1]), (int32_t)w, at->count));
    }
    for (int64_t i = 0; i < l->pair_count; i++) NRM_TRY(push(l, (int32_t)i));
    return NRM_OK;
}

static nrm_status learn(learner *l, int64_t most, uint32_t *merges, int64_t *count)
{
    for (*count = 0; *count < most; ++*count) {
        int32_t best;
        if (nrm_tick(l->ctx, "learning tokens", (double)*count, (double)most, NULL, NAN))
            return nrm_fail(l->ctx, NRM_E_CANCELLED, "tokenizer: learning stopped on request");
        NRM_TRY(best_pair(l, &best));
        if (best < 0) return NRM_OK;
        merges[*count] = l->pairs[best].key;
        NRM_TRY(merge_pair(l, best, (nrm_token)(256 + *count)));
    }
    return NRM_OK;
}

nrm_status nrm_bpe_learn(nrm_ctx *ctx, const unsigned char *text, int64_t size, int64_t most, uint32_t **merges,
                         int64_t *count)
{
    learner l = {.ctx = ctx};
    uint32_t *found = NULL;
    nrm_status st;

    NRM_TRY_DONE(NRM_ALLOC(ctx, found, most, "merges of tokens"));
    NRM_TRY_DONE(start(&l, text, nrm_min_i64(size, LEARN_BYTES)));
    NRM_TRY_DONE(learn(&l, most, found, count));
    *merges = found;
    found = NULL;
done:
    nrm_free(ctx, found);
    nrm_free(ctx, l.lexicon.words);
    nrm_free(ctx, l.lexicon.table);
    nrm_free(ctx, l.tokens);
    nrm_pair_table_free(ctx, &l.table);
    nrm_free(ctx, l.pairs);
    nrm_free(ctx, l.nodes);
    nrm_free(ctx, l.heap);
    return st;
}
