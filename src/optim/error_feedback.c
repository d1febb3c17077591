/* error_feedback.c -- contract and formulas: error_feedback.h. */
#include "error_feedback.h"
#include "linalg/dense_run.h"

static int bits_of(int kind) { return kind == NRM_ERROR_FEEDBACK_8BIT ? 8 : 4; }
static int64_t code_bytes(int bits, int64_t cols) { return bits == 8 ? cols : (cols + 1) / 2; }

bool nrm_error_feedback_state(int kind, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    if (kind == NRM_ERROR_FEEDBACK_OFF) return false;
    if (kind == NRM_ERROR_FEEDBACK_FULL) {
        *s = (nrm_rule_state){.suffix = "error"};
        return i == 0;
    }
    *s = i == 0 ? (nrm_rule_state){.suffix = "error_codes", .rows = rows, .cols = code_bytes(bits_of(kind), cols), .values = NRM_RULE_CODES}
                : (nrm_rule_state){.suffix = "error_ranges", .rows = rows, .cols = 2};
    return i < 2;
}

static inline int code_at(const unsigned char *codes, int bits, int64_t i)
{
    return bits == 8 ? codes[i] : codes[i / 2] >> 4 * (i % 2) & 15;
}

#define REAL double
#define TYPED(name) name##_f64
#include "error_feedback_typed.h"
#undef REAL
#undef TYPED

#define REAL float
#define TYPED(name) name##_f32
#include "error_feedback_typed.h"

void nrm_error_feedback_add(int kind, const nrm_rule_piece *p, double clip, void *const *state, void *a)
{
    if (kind == NRM_ERROR_FEEDBACK_OFF) nrm_dense_combine(p->dtype, p->threads, p->n, clip, p->gradient, 0, p->gradient, a);
    else if (kind == NRM_ERROR_FEEDBACK_FULL) nrm_dense_combine(p->dtype, p->threads, p->n, clip, p->gradient, 1, state[0], a);
    else if (p->dtype == NRM_F32) add_f32(p, bits_of(kind), (float)clip, state[0], state[1], a);
    else add_f64(p, bits_of(kind), clip, state[0], state[1], a);
}

void nrm_error_feedback_keep(int kind, const nrm_rule_piece *p, const void *a, const void *back, void *const *state)
{
    if (kind == NRM_ERROR_FEEDBACK_OFF) return;
    if (kind == NRM_ERROR_FEEDBACK_FULL) nrm_dense_combine(p->dtype, p->threads, p->n, 1, a, -1, back, state[0]);
    else if (p->dtype == NRM_F32) keep_f32(p, bits_of(kind), a, back, state[0], state[1]);
    else keep_f64(p, bits_of(kind), a, back, state[0], state[1]);
}
