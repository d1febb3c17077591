/* tile.c -- sweeps run: tile by tile, every instruction of the group on a tile that stays in
 * the first cache.  A block of tiles belongs to one thread; sums over blocks are kept apart
 * and merged in order, so the bits do not depend on the threads. */
#include "kernel/elementwise.h"
#include "program.h"
#include <omp.h>

/* True where elements first .. first + n lie one after another in the array, from *offset. */
static bool nrm_access_run(const nrm_access *a, int64_t first, int64_t n, int64_t *offset)
{
    int64_t at = a->offset, left = first;
    const int last = a->ndim - 1;
    if (last < 0 || a->stride[last] != 1 || first % a->size[last] + n > a->size[last]) return false;
    for (int i = last; i >= 0; i--) {
        at += left % a->size[i] * a->stride[i];
        left /= a->size[i];
    }
    *offset = at;
    return true;
}

/* Words that may be anything's bytes. */
typedef uint32_t __attribute__((may_alias)) word4;
typedef uint64_t __attribute__((may_alias)) word8;

#define GATHER(REAL)                                                                     \
    static void gather_##REAL(const nrm_access *a, const REAL *base, int64_t first, int64_t count, REAL *to) \
    {                                                                                    \
        int64_t digit[NRM_GRAPH_MAX_NDIM] = {0}, at = a->offset, left = first;           \
        const int last = a->ndim - 1;                                                    \
        for (int i = last; i >= 0; i--) {                                                \
            digit[i] = left % a->size[i];                                                \
            at += digit[i] * a->stride[i];                                               \
            left /= a->size[i];                                                          \
        }                                                                                \
        if (last < 0) { /* one element */                                                \
            if (count > 0) *to = base[at];                                               \
            return;                                                                      \
        }                                                                                \
        while (count > 0) {                                                              \
            const int64_t run = nrm_min_i64(a->size[last] - digit[last], count), step = a->stride[last]; \
            const REAL *from = base + at;                                                \
            if (step == 1) memcpy(to, from, (size_t)run * sizeof *to);                   \
            else if (step == 0) for (int64_t i = 0; i < run; i++) to[i] = *from;         \
            else for (int64_t i = 0; i < run; i++) to[i] = from[i * step];               \
            to += run;                                                                   \
            count -= run;                                                                \
            at -= digit[last] * step;                                                    \
            digit[last] = 0;                                                             \
            for (int i = last - 1; i >= 0; i--) { /* carry */                            \
                at += a->stride[i];                                                      \
                if (++digit[i] < a->size[i]) break;                                      \
                at -= a->size[i] * a->stride[i];                                         \
                digit[i] = 0;                                                            \
            }                                                                            \
        }                                                                                \
    }
GATHER(word4)
GATHER(word8)

/* Elements of 4 bytes and of 8 are copied as they are, whatever they mean. */
void nrm_gather_elements(const nrm_access *access, size_t size, const void *base, int64_t first, int64_t count, void *to)
{
    if (count == 0) return; /* sizes may be 0 then */
    if (size == 4) gather_word4(access, base, first, count, to);
    else gather_word8(access, base, first, count, to);
}

#define T(name) name##_f32
#define REAL float
#define KERNELS nrm_elementwise_f32_for
#include "tile_typed.h"
#undef T
#undef REAL
#undef KERNELS
#define T(name) name##_f64
#define REAL double
#define KERNELS nrm_elementwise_f64_for
#include "tile_typed.h"

void nrm_sweep_run(const nrm_instance *i, const nrm_step *step, int threads)
{
    const nrm_sweep *s = step->sweep;
    /* Threads cost some microseconds to wake. */
    if (s->elements * s->instruction_count < 32768 || s->blocks < 2) threads = 1;
    if (s->dtype == NRM_F32) sweep_f32(i, step, threads);
    else sweep_f64(i, step, threads);
}

void nrm_copy_run(const nrm_instance *i, const nrm_step *step, int threads)
{
    enum { PIECE = 4096 };
    const nrm_program *p = i->program;
    const nrm_op_node *n = p->graph->nodes[step->node];
    const nrm_access *from = &p->access[n->inputs[0]];
    nrm_access view = *from;
    const size_t size = nrm_dtype_size(n->dtype);
    const int64_t pieces = (nrm_elements(n) + PIECE - 1) / PIECE;
    const void *base = nrm_memory(i, from->base);

    nrm_view_of(p, step->node, &view);
#pragma omp parallel for num_threads(threads) schedule(static) if (pieces > 8)
    for (int64_t k = 0; k < pieces; k++)
        nrm_gather_elements(&view, size, base, k * PIECE, nrm_min_i64(PIECE, view.count - k * PIECE),
                            (char *)nrm_memory(i, step->node) + k * PIECE * (int64_t)size);
}
