/* protocol.h -- what client, server and simulation share: the parameters made definite, a record
 * cut to its promised range, a message's bytes, directions on the sphere.  Private. */
#ifndef NRM_PROTOCOL_H
#define NRM_PROTOCOL_H

#include "discrete.h"
#include <norma/private_protocol.h>

#define NRM_PRIVATE "private-sparse-regression"
extern const nrm_method nrm_private_sparse_regression_method;

enum {
    NRM_PRIVATE_GRID = 48,      /* Gaussian noise is 2^48 grid units of each number */
    NRM_PRIVATE_SPHERE = 44,    /* a coordinate of a direction is a multiple of 2^-44 */
    NRM_PRIVATE_VERSION = 1,
    NRM_PRIVATE_HEADER = 20,    /* bytes before the numbers; 4 more after them */
    NRM_PRIVATE_D_MOST = 1 << 24
};

typedef enum nrm_private_part { NRM_PART_DIAGONAL, NRM_PART_OFFDIAGONAL, NRM_PART_MOMENT, NRM_PART_COUNT } nrm_private_part;

typedef struct nrm_private_plan {
    nrm_private_sparse_regression_options o; /* without zeros that stand for a rule */
    int64_t d, numbers, covariance;          /* numbers of a message; of them, of the triangle of x x' */
    bool ball;                               /* x is shrunk to |x| <= r in x y; else clipped by tau1 */
    double sigma, grid_delta;
    double sd[NRM_PART_COUNT];               /* noise; 0 for a part that is not sent */
    double unit[NRM_PART_COUNT];             /* of the grid: sd / 2^48 */
    double most[NRM_PART_COUNT];             /* no client sends more units */
    double radius, norm;                     /* iht: r and B */
    uint64_t least;                          /* iht: the less likely sign has at least least / 2^64 */
    uint64_t hash;                           /* of all that a message depends on, but round and theta */
} nrm_private_plan;

static inline nrm_private_part nrm_private_part_of(int64_t i, int64_t j) { return i == j ? NRM_PART_DIAGONAL : NRM_PART_OFFDIAGONAL; }

/* `users` known to the caller when the options say 0; 0: not known.  NRM_E_RANGE, ... */
nrm_status nrm_private_plan_make(nrm_ctx *ctx, int64_t d, int64_t users, const nrm_private_sparse_regression_options *options,
                                 nrm_private_plan *plan);
/* The hash of a message of this round, theta (d numbers, iht only) included. */
uint64_t nrm_private_round_hash(const nrm_private_plan *plan, int64_t round, const double *theta);
/* iht: the first user after group t = 1 .. rounds, of n. */
int64_t nrm_private_group_end(const nrm_private_plan *plan, int64_t n, int64_t t);
void nrm_private_info_begin(const nrm_private_plan *plan, nrm_private_sparse_regression_info *info);

/* ---- A record ---------------------------------------------------------------------------------- */

/* x (d) to `ball` (|ball| <= r, may be NULL) and `box` (clipped by tau1, may be NULL), y to the
 * returned number; NaN and Inf become 0 first. */
double nrm_private_cut(const nrm_private_plan *plan, const double *x, double y, double *ball, double *box,
                       nrm_private_record_report *report);
/* iht: v = gradient of the record at theta, |v| <= radius; returns |v|.  box: d numbers of work. */
double nrm_private_gradient(const nrm_private_plan *plan, const double *x, double y, const double *theta, double *box, double *v,
                            nrm_private_record_report *report);

/* Eight sums in turn: the bits depend on d alone. */
double nrm_private_dot(const double *a, const double *b, int64_t d);
/* nrm_private_randomize with a plan that was made before. */
nrm_status nrm_private_randomize_planned(nrm_ctx *ctx, const nrm_private_plan *plan, nrm_private_source *source, int64_t user,
                                         const double *x, double y, const double *theta, void *message,
                                         nrm_private_record_report *report);

/* ---- The sphere --------------------------------------------------------------------------------- */

/* n normals that are a function of (seed, stream) alone, written to z, which has room for n + 1;
 * work: 2 (n + 1). */
void nrm_private_normals(uint64_t seed, uint64_t stream, int64_t n, double *z, double *work);
/* The unit vector of a seed, in multiples of 2^-44; work: 3 (d + 1) doubles, the first d of which
 * become a positive multiple of it. */
void nrm_private_direction(uint64_t seed, int64_t d, int64_t *units, double *work);
/* The sign that makes sign * B * direction a private and unbiased stand-in for v, |v| = norm,
 * from 64 uniform bits; units is filled. */
bool nrm_private_sign(const nrm_private_plan *plan, const double *v, double norm, uint64_t seed, uint64_t coin, int64_t *units,
                      double *work);

/* ---- Bytes -------------------------------------------------------------------------------------- */

typedef struct nrm_private_header { uint32_t d, round; uint64_t hash; } nrm_private_header;
int64_t nrm_private_payload_bytes(int mode, int64_t d);
void nrm_private_put_u64(unsigned char *to, uint64_t value);
uint64_t nrm_private_get_u64(const unsigned char *from);
/* The header and the check around a payload that is in its place. */
void nrm_private_seal(int mode, const nrm_private_header *header, unsigned char *message);
/* *payload points into the message once it is whole and of this mode, d, round and hash. */
nrm_status nrm_private_open(nrm_ctx *ctx, int mode, const nrm_private_header *expected, const void *message, int64_t bytes,
                            const unsigned char **payload);

#endif
