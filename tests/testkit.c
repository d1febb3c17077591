/* testkit.c -- contract: testkit.h. */
#define _POSIX_C_SOURCE 200809L
#include "testkit.h"
#include <sys/stat.h>
#include <unistd.h>

void nrm_assert_near(double a, double b, double tol, const char *text, const char *file, int line)
{
    if ((isnan(a) && isnan(b)) || a == b || fabs(a - b) <= tol * (1 + fabs(b))) return;
    print_error("%s = %.17g, expected %.17g within %g\n", text, a, b, tol);
    _fail(file, line);
}

void nrm_assert_all_near(const double *a, const double *b, int64_t n, double tol, const char *text,
                         const char *file, int line)
{
    for (int64_t i = 0; i < n; i++) {
        if ((isnan(a[i]) && isnan(b[i])) || a[i] == b[i] || fabs(a[i] - b[i]) <= tol * (1 + fabs(b[i])))
            continue;
        print_error("%s[%lld] = %.17g, expected %.17g within %g\n", text, (long long)i, a[i], b[i], tol);
        _fail(file, line);
    }
}

void nrm_assert_status(nrm_ctx *ctx, nrm_status got, nrm_status expected, const char *text,
                       const char *file, int line)
{
    if (got == expected) return;
    print_error("%s returned %s, expected %s: %s\n", text, nrm_status_name(got),
                nrm_status_name(expected), nrm_message(ctx));
    _fail(file, line);
}

void nrm_assert_message(nrm_ctx *ctx, const char *piece, const char *file, int line)
{
    if (strstr(nrm_message(ctx), piece)) return;
    print_error("message \"%s\" does not say \"%s\"\n", nrm_message(ctx), piece);
    _fail(file, line);
}

/* ---- Counting memory: the size of a block is kept in front of it -------------------------- */

static void *counting_allocate(void *user, size_t alignment, size_t bytes)
{
    nrm_test_memory *m = user;
    if (m->fail_at >= 0 && m->requests >= m->fail_at) {
        m->requests++;
        return NULL;
    }
    m->requests++;
    if (bytes > SIZE_MAX / 2) return NULL;
    const size_t head = alignment > 64 ? alignment : 64;
    unsigned char *block = aligned_alloc(head, (head + bytes + head - 1) / head * head);
    if (!block) return NULL;
    memcpy(block, &bytes, sizeof bytes);
    memset(block + head, 0xA5, bytes); /* nobody may count on zeros */
    memcpy(block + head - sizeof head, &head, sizeof head);
    m->live++;
    m->live_bytes += (int64_t)bytes;
    if (m->live_bytes > m->peak_bytes) m->peak_bytes = m->live_bytes;
    return block + head;
}

static void counting_release(void *user, void *memory)
{
    nrm_test_memory *m = user;
    size_t head, bytes;
    memcpy(&head, (unsigned char *)memory - sizeof head, sizeof head);
    unsigned char *block = (unsigned char *)memory - head;
    memcpy(&bytes, block, sizeof bytes);
    m->live--;
    m->live_bytes -= (int64_t)bytes;
    free(block);
}

nrm_ctx *nrm_test_ctx(nrm_test_memory *memory)
{
    nrm_ctx_options options = nrm_ctx_options_default();
    nrm_ctx *ctx = NULL;

    if (memory) {
        *memory = (nrm_test_memory){.fail_at = -1};
        options.allocator = (nrm_allocator){counting_allocate, counting_release, memory};
    }
    assert_int_equal(nrm_ctx_create(&ctx, &options), NRM_OK);
    return ctx;
}

void nrm_test_allocation_failures(nrm_test_body body, void *user, void *output, size_t output_bytes)
{
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    unsigned char *before = malloc(output_bytes + 1);
    const int64_t at_rest = memory.live;

    assert_non_null(before);
    if (output) memcpy(before, output, output_bytes);
    for (int64_t allowed = 0;; allowed++) {
        assert_true(allowed < 100000);
        memory.requests = 0;
        memory.fail_at = allowed;
        const nrm_status status = body(ctx, user);
        if (status >= 0) {
            assert_true(memory.requests <= allowed); /* no failure was swallowed */
            break;
        }
        assert_status(ctx, status, NRM_E_NOMEM);
        assert_int_equal(memory.live, at_rest);
        if (output) assert_memory_equal(output, before, output_bytes);
    }
    assert_int_equal(memory.live, at_rest);
    free(before);
    nrm_ctx_destroy(ctx);
}

/* ---- Inputs and files ------------------------------------------------------------------------ */

uint64_t nrm_test_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

double nrm_test_uniform(uint64_t *state) { return (double)(nrm_test_next(state) >> 11) * 0x1p-53; }

double nrm_test_normal(uint64_t *state)
{
    const double u = 1 - nrm_test_uniform(state), v = nrm_test_uniform(state);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

const char *nrm_test_data(const char *name)
{
    static char path[4096];
    const char *folder = getenv("NORMA_DATA");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : NRM_SOURCE_DIR "/../shared/data", name);
    return access(path, R_OK) == 0 ? path : NULL;
}

const char *nrm_test_temp(const char *name)
{
    static char path[4][4096];
    static int turn;
    turn = (turn + 1) % 4;
    mkdir(NRM_BINARY_DIR "/tmp", 0777);
    snprintf(path[turn], sizeof path[turn], NRM_BINARY_DIR "/tmp/%ld-%s", (long)getpid(), name);
    return path[turn];
}
