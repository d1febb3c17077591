/* subspace.h -- where the low-rank rules have their subspace from: the leading singular vectors
 * of a matrix, random coordinates, or the best columns of a fixed basis.  Private to src/optim.
 *
 * A rule says which by a projector; what it keeps between steps is one array of state: P (side x
 * rank), or the indices of columns.  A basis is shared by all matrices of a group with that side.
 *
 *     nrm_subspace s;
 *     nrm_subspace_lay_out(&s, &projector, piece, &layout);    work; also to learn its size
 *     nrm_subspace_open(&s, piece, piece->state[2]);
 *     nrm_subspace_refresh(&s, piece, a, room);                 anew, from a
 *     nrm_subspace_down(&s, a, room, low);  nrm_subspace_up(&s, low, a);
 *
 * room: as large as a, used up. */
#ifndef NRM_SUBSPACE_H
#define NRM_SUBSPACE_H

#include "low_rank.h"

typedef struct nrm_projector {
    const char *who; /* the rule, for messages */
    nrm_projector_kind kind;
    nrm_basis_transform transform;
    nrm_projected_side side;
    int64_t ell_norm, seed, rank;
    double density; /* > 0: rank = density side, rounded (columns: down), at least 1 */
} nrm_projector;

/* The options that rules with a fixed basis, and those with a choice of projectors, have. */
#define NRM_PROJECTOR_OF(name, o, kind_, rank_, density_)                                                                  \
    ((nrm_projector){.who = (name), .kind = (nrm_projector_kind)(kind_), .transform = (nrm_basis_transform)(o)->transform, \
                     .side = (nrm_projected_side)(o)->side, .ell_norm = (o)->ell_norm, .seed = (o)->seed, .rank = (rank_), \
                     .density = (density_)})
/* The projector that takes columns of a basis. */
#define NRM_PROJECTOR_OF_BASIS(basis) (NRM_PROJECTOR_DCT2 + (basis))

nrm_low_rank nrm_projector_shape(const nrm_projector *p, nrm_dtype dtype, int threads, int64_t rows, int64_t cols);
/* fits, key, make and unmake of nrm_rule, and the array of state. */
nrm_status nrm_projector_fits(nrm_ctx *ctx, const nrm_projector *p, const char *name, int64_t rows, int64_t cols);
int64_t nrm_projector_key(const nrm_projector *p, int64_t rows, int64_t cols);
nrm_status nrm_projector_make(nrm_ctx *ctx, const nrm_projector *p, nrm_dtype dtype, int64_t rows, int64_t cols, void **basis);
void nrm_projector_unmake(nrm_ctx *ctx, void *basis);
nrm_rule_state nrm_projector_state(const nrm_projector *p, int64_t rows, int64_t cols);
/* The i-th array of the rules that keep M, V and their subspace; false: no more of these. */
enum { NRM_SUBSPACE_M, NRM_SUBSPACE_V, NRM_SUBSPACE_P, NRM_SUBSPACE_STATES };
bool nrm_projector_adam_state(const nrm_projector *p, int i, int64_t rows, int64_t cols, nrm_rule_state *s);
/* fits, key and make of a rule, from its projector_of(options). */
#define NRM_PROJECTOR_FUNCTIONS(projector_of)                                                                        \
    static nrm_status fits(nrm_ctx *ctx, const void *options, const char *name, int64_t rows, int64_t cols)          \
    {                                                                                                                \
        const nrm_projector p = projector_of(options);                                                               \
        return nrm_projector_fits(ctx, &p, name, rows, cols);                                                        \
    }                                                                                                                \
    static int64_t key(const void *options, int64_t rows, int64_t cols)                                              \
    {                                                                                                                \
        const nrm_projector p = projector_of(options);                                                               \
        return nrm_projector_key(&p, rows, cols);                                                                    \
    }                                                                                                                \
    static nrm_status make(nrm_ctx *ctx, const void *options, nrm_dtype dtype, int64_t rows, int64_t cols, void **c) \
    {                                                                                                                \
        const nrm_projector p = projector_of(options);                                                               \
        return nrm_projector_make(ctx, &p, dtype, rows, cols, c);                                                    \
    }
/* state and work of a rule that keeps M, V and its subspace, and needs nrm_subspace_work alone. */
#define NRM_PROJECTOR_ADAM_FUNCTIONS(projector_of)                                                                   \
    static bool state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s)                     \
    {                                                                                                                \
        const nrm_projector p = projector_of(options);                                                               \
        return nrm_projector_adam_state(&p, i, rows, cols, s);                                                       \
    }                                                                                                                \
    static int64_t work(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols)                            \
    {                                                                                                                \
        const nrm_projector from = projector_of(options);                                                            \
        const nrm_rule_piece p = nrm_piece_of_shape(options, dtype, rows, cols);                                     \
        nrm_layout at = {0};                                                                                         \
        nrm_subspace_work_at(&from, &p, &at);                                                                        \
        return at.used;                                                                                              \
    }
/* 1 <= rank <= most, a property of the matrix called `name`. */
nrm_status nrm_rank_fits(nrm_ctx *ctx, const char *who, const char *name, int64_t rank, int64_t most, int64_t rows, int64_t cols);

typedef struct nrm_subspace {
    nrm_projector projector;
    nrm_low_rank l;
    nrm_basis_view view; /* where there is a basis */
    void *p;             /* svd: side x rank */
    int64_t *index;      /* else: rank columns of the basis */
    void *work;          /* svd */
} nrm_subspace;

void nrm_subspace_lay_out(nrm_subspace *s, const nrm_projector *p, const nrm_rule_piece *piece, nrm_layout *at);
void nrm_subspace_open(nrm_subspace *s, const nrm_rule_piece *piece, void *state);
void nrm_subspace_refresh(nrm_subspace *s, const nrm_rule_piece *piece, const void *a, void *room);
void nrm_subspace_down(const nrm_subspace *s, const void *a, void *room, void *low);
void nrm_subspace_up(const nrm_subspace *s, const void *low, void *a);

/* The work of a step: clip G, room of its size, g = down(G), what Adam makes of it. */
typedef struct nrm_subspace_work { void *g, *room, *low, *u; nrm_subspace subspace; } nrm_subspace_work;
nrm_subspace_work nrm_subspace_work_at(const nrm_projector *p, const nrm_rule_piece *piece, nrm_layout *at);
/* Opens the subspace, which is state NRM_SUBSPACE_P, anew where `refresh`, and fills g and low. */
void nrm_subspace_begin(nrm_subspace_work *w, const nrm_rule_piece *piece, double clip, bool refresh);

#endif
