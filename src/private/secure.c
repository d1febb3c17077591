/* secure.c -- ChaCha20 (RFC 8439, section 2.3).  Contract: secure.h.
 *
 * The state is four constants, eight words of key, the block's number, three words of nonce.
 * Twenty rounds of quarter rounds
 *     a += b; d = (d ^ a) <<< 16;  c += d; b = (b ^ c) <<< 12;
 *     a += b; d = (d ^ a) <<<  8;  c += d; b = (b ^ c) <<<  7
 * down the columns and the diagonals in turn; the first state is added at the end.  No step
 * depends on a secret in its timing. */
#define _DEFAULT_SOURCE /* getrandom */
#include "secure.h"
#include <errno.h>
#include <sys/random.h>

static inline uint32_t turned(uint32_t x, int by) { return x << by | x >> (32 - by); }

static inline void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b; *d = turned(*d ^ *a, 16);
    *c += *d; *b = turned(*b ^ *c, 12);
    *a += *b; *d = turned(*d ^ *a, 8);
    *c += *d; *b = turned(*b ^ *c, 7);
}

void nrm_chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3], uint32_t out[NRM_CHACHA_WORDS])
{
    const uint32_t first[NRM_CHACHA_WORDS] = {0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u, key[0],  key[1],   key[2],   key[3],
                                              key[4],      key[5],      key[6],      key[7],      counter, nonce[0], nonce[1], nonce[2]};
    uint32_t s[NRM_CHACHA_WORDS];

    memcpy(s, first, sizeof s);
    for (int round = 0; round < 10; round++) {
        quarter(&s[0], &s[4], &s[8], &s[12]);
        quarter(&s[1], &s[5], &s[9], &s[13]);
        quarter(&s[2], &s[6], &s[10], &s[14]);
        quarter(&s[3], &s[7], &s[11], &s[15]);
        quarter(&s[0], &s[5], &s[10], &s[15]);
        quarter(&s[1], &s[6], &s[11], &s[12]);
        quarter(&s[2], &s[7], &s[8], &s[13]);
        quarter(&s[3], &s[4], &s[9], &s[14]);
    }
    for (int i = 0; i < NRM_CHACHA_WORDS; i++) out[i] = s[i] + first[i];
}

nrm_status nrm_os_random(nrm_ctx *ctx, const char *who, void *bytes, size_t count)
{
    unsigned char *at = bytes;

    while (count > 0) {
        const ssize_t got = getrandom(at, count, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return nrm_fail_errno(ctx, got < 0 ? errno : EIO, "%s: the operating system gives no random bits, and without them "
                                  "nothing can be hidden", who);
        at += got;
        count -= (size_t)got;
    }
    return NRM_OK;
}

void nrm_wipe(void *bytes, size_t count)
{
    volatile unsigned char *at = bytes;
    for (size_t i = 0; i < count; i++) at[i] = 0;
}

nrm_secret nrm_secret_make(const uint32_t key[8], const uint32_t nonce[3])
{
    nrm_secret secret = {.left = 0};
    memcpy(secret.key, key, sizeof secret.key);
    memcpy(secret.nonce, nonce, sizeof secret.nonce);
    return secret;
}

static uint32_t next_word(nrm_secret *secret)
{
    if (secret->left == 0) {
        nrm_chacha20_block(secret->key, secret->counter++, secret->nonce, secret->word);
        secret->left = NRM_CHACHA_WORDS;
    }
    return secret->word[NRM_CHACHA_WORDS - secret->left--];
}

uint64_t nrm_secret_u64(nrm_secret *secret)
{
    const uint64_t low = next_word(secret);
    return low | (uint64_t)next_word(secret) << 32;
}

bool nrm_secret_bit(nrm_secret *secret)
{
    if (secret->bits_left == 0) {
        secret->bits = nrm_secret_u64(secret);
        secret->bits_left = 64;
    }
    const bool bit = secret->bits & 1;
    secret->bits >>= 1;
    secret->bits_left--;
    return bit;
}
