/* fuzz_private_message.c -- any bytes as a message to a server.  The first byte says which: bits 0
 * and 1 the mode, bit 2 seals what follows, so that numbers are reached; what is refused must leave
 * the sums alone, and what is taken must be a message that counts once. */
#include "fuzz.h"
#include "private/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { D = 3, ROOM = 128 };
    if (size == 0) return 0;
    nrm_ctx *ctx = fuzz_ctx();
    nrm_private_sparse_regression_options o = nrm_private_sparse_regression_options_default();
    nrm_private_server *server = NULL;
    unsigned char message[ROOM];
    nrm_i128 before[D * (D + 1) / 2 + D];
    double theta[D];

    o.mode = data[0] & 3, o.tau1 = 1, o.tau2 = 1, o.k = 1, o.kprime = 2, o.rounds = 1;
    fuzz_require(nrm_private_server_create(ctx, &server, D, &o) == NRM_OK);
    const int64_t whole = nrm_private_message_bytes(o.mode, D), bytes = size - 1 < ROOM ? (int64_t)size - 1 : ROOM;
    fuzz_require(whole <= ROOM);
    memcpy(message, data + 1, (size_t)bytes);
    if (data[0] & 4 && bytes == whole) {
        const nrm_private_header header = {D, o.mode == NRM_PRIVATE_IHT, nrm_private_round_hash(&server->plan, 1, server->theta)};
        nrm_private_seal(o.mode, &header, message);
    }
    memcpy(before, server->sums, (size_t)server->plan.numbers * sizeof *before);
    if (nrm_private_server_absorb(ctx, server, message, bytes) < 0) {
        fuzz_require(nrm_message(ctx)[0] != '\0' && nrm_private_server_messages(server) == 0);
        fuzz_require(memcmp(before, server->sums, (size_t)server->plan.numbers * sizeof *before) == 0);
    } else {
        fuzz_require(bytes == whole && nrm_private_server_messages(server) == 1);
        if (o.mode == NRM_PRIVATE_IHT) fuzz_require(nrm_private_server_next_round(ctx, server) == NRM_OK);
        if (o.mode != NRM_PRIVATE_NLDP_PUBLIC) {
            fuzz_require(nrm_private_server_estimate(ctx, server, NULL, theta, NULL, NULL) == NRM_OK);
            for (int j = 0; j < D; j++) fuzz_require(theta[j] == theta[j]);
        }
    }
    nrm_private_server_destroy(ctx, server);
    nrm_ctx_destroy(ctx);
    return 0;
}
