/* secure.h -- secret random bits: ChaCha20 (RFC 8439) with keys of the operating system.  Private.
 *
 * nrm_rng of base is for experiments: whoever sees a few of its numbers knows the others.  What
 * hides a person's record must not be guessed, so its bits come from here. */
#ifndef NRM_SECURE_H
#define NRM_SECURE_H

#include "base/base.h"

enum { NRM_CHACHA_WORDS = 16 };
/* Block `counter` (64 bytes, as 16 words) of the stream of (key, nonce). */
void nrm_chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3], uint32_t out[NRM_CHACHA_WORDS]);

/* `count` bytes of the operating system's generator.  NRM_E_IO when it refuses. */
nrm_status nrm_os_random(nrm_ctx *ctx, const char *who, void *bytes, size_t count);
void nrm_wipe(void *bytes, size_t count); /* a clearing that no compiler leaves out */

/* One stream of secret bits: 2^32 blocks, 256 GiB. */
typedef struct nrm_secret {
    uint32_t key[8], nonce[3], counter;
    uint32_t word[NRM_CHACHA_WORDS];
    int left;         /* words of the block not used yet */
    uint64_t bits;    /* of nrm_secret_bit */
    int bits_left;
} nrm_secret;

nrm_secret nrm_secret_make(const uint32_t key[8], const uint32_t nonce[3]);
uint64_t nrm_secret_u64(nrm_secret *secret);
bool nrm_secret_bit(nrm_secret *secret);

#endif
