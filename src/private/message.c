/* message.c -- the bytes of a message.  Contract: protocol.h; format: norma/private_protocol.h.
 *
 * The hash (FNV-1a, 64 bits) and the check (its upper half over all before it) find mistakes and
 * damage.  They are no seal: whoever can write on the wire can send what he likes, and one
 * client in n can always lie; what a single message can do is bounded by the server's check of
 * its numbers. */
#include "protocol.h"

enum { CHECK = 4 };

int64_t nrm_private_payload_bytes(int mode, int64_t d)
{
    switch (mode) {
    case NRM_PRIVATE_NLDP: return 8 * (d * (d + 1) / 2 + d);
    case NRM_PRIVATE_IHT: return 9;
    default: return 8 * d;
    }
}

int64_t nrm_private_message_bytes(int mode, int64_t d)
{
    if (mode < 0 || mode >= nrm_private_mode_count || d < 1 || d > NRM_PRIVATE_D_MOST) return -1;
    return NRM_PRIVATE_HEADER + nrm_private_payload_bytes(mode, d) + CHECK;
}

static void put(unsigned char *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) to[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)from[i] << (8 * i);
    return value;
}

void nrm_private_put_u64(unsigned char *to, uint64_t value) { put(to, value, 8); }
uint64_t nrm_private_get_u64(const unsigned char *from) { return get(from, 8); }

static uint64_t check_of(const unsigned char *message, int64_t bytes)
{
    return nrm_hash(NRM_HASH_START, message, (size_t)bytes) >> 32;
}

void nrm_private_seal(int mode, const nrm_private_header *header, unsigned char *message)
{
    const int64_t end = NRM_PRIVATE_HEADER + nrm_private_payload_bytes(mode, header->d);
    message[0] = 'N';
    message[1] = 'P';
    message[2] = NRM_PRIVATE_VERSION;
    message[3] = (unsigned char)mode;
    put(message + 4, header->d, 4);
    put(message + 8, header->round, 4);
    put(message + 12, header->hash, 8);
    put(message + end, check_of(message, end), CHECK);
}

nrm_status nrm_private_open(nrm_ctx *ctx, int mode, const nrm_private_header *expected, const void *message, int64_t bytes,
                            const unsigned char **payload)
{
    static const char *const names[] = {"nldp", "nldp-public", "isotropic", "iht"};
    const unsigned char *m = message;
    const int64_t whole = nrm_private_message_bytes(mode, expected->d);

    NRM_REQUIRE(ctx, bytes >= NRM_PRIVATE_HEADER + CHECK && m[0] == 'N' && m[1] == 'P', NRM_E_FORMAT, NRM_PRIVATE ": %lld bytes that do "
                "not begin as a message does", NRM_LL(bytes));
    NRM_REQUIRE(ctx, m[2] == NRM_PRIVATE_VERSION, NRM_E_FORMAT, NRM_PRIVATE ": a message of version %d; this server reads version %d",
                m[2], NRM_PRIVATE_VERSION);
    NRM_REQUIRE(ctx, m[3] == mode, NRM_E_ARGUMENT, NRM_PRIVATE ": a message of mode %s; the server's is %s",
                m[3] < nrm_private_mode_count ? names[m[3]] : "that there is not", names[mode]);
    NRM_REQUIRE(ctx, get(m + 4, 4) == expected->d, NRM_E_ARGUMENT, NRM_PRIVATE ": a message of %llu columns; the server's have %llu",
                (unsigned long long)get(m + 4, 4), (unsigned long long)expected->d);
    NRM_REQUIRE(ctx, bytes == whole, NRM_E_FORMAT, NRM_PRIVATE ": a message of %lld bytes; one of this mode and size has %lld", NRM_LL(bytes),
                NRM_LL(whole));
    NRM_REQUIRE(ctx, get(m + whole - CHECK, CHECK) == check_of(m, whole - CHECK), NRM_E_FORMAT, NRM_PRIVATE ": a damaged message: its check "
                "does not fit its bytes");
    NRM_REQUIRE(ctx, get(m + 8, 4) == expected->round, NRM_E_ARGUMENT, NRM_PRIVATE ": a message of round %llu; the server is in round %llu",
                (unsigned long long)get(m + 8, 4), (unsigned long long)expected->round);
    NRM_REQUIRE(ctx, get(m + 12, 8) == expected->hash, NRM_E_ARGUMENT, NRM_PRIVATE ": a message made with other parameters%s; client and "
                "server must agree on all of them", mode == NRM_PRIVATE_IHT ? " or another theta" : "");
    *payload = m + NRM_PRIVATE_HEADER;
    return NRM_OK;
}
