/* space_axis.c -- families of one coordinate: their names, recurrences and domains.
 * Contract: space_parts.h.
 *
 * Orthonormal polynomials with positive leading coefficients satisfy (1) of space_parts.h with
 *     legendre   a = 0           b_k = k / sqrt(4 k^2 - 1)
 *     hermite    a = 0           b_k = sqrt(k)
 *     chebyshev  a = 0           b_1 = 1 / sqrt(2), then 1/2
 *     laguerre   a_k = 2 k + 1 + alpha            b_k = sqrt(k (k + alpha))
 *     jacobi     a_k = (beta^2 - alpha^2) / ((2k + s)(2k + s + 2)),  s = alpha + beta
 *                b_k^2 = 4 k (k + alpha)(k + beta)(k + s) / ((2k + s)^2 (2k + s + 1)(2k + s - 1)),
 * where a_0 and b_1 of jacobi are written without the factors that cancel. */
#include "space_parts.h"

typedef struct family_name {
    const char *word;
    int least, most; /* numbers in brackets */
    const char *numbers;
} family_name;

static const family_name families[] = {
    [NRM_FAMILY_LEGENDRE] = {"legendre", 0, 2, "none, or (lower,upper)"},
    [NRM_FAMILY_HERMITE] = {"hermite", 0, 2, "none, or (mean,deviation)"},
    [NRM_FAMILY_CHEBYSHEV] = {"chebyshev", 0, 2, "none, or (lower,upper)"},
    [NRM_FAMILY_JACOBI] = {"jacobi", 2, 4, "(a,b) or (a,b,lower,upper)"},
    [NRM_FAMILY_LAGUERRE] = {"laguerre", 0, 2, "none, (a) or (a,scale)"},
    [NRM_FAMILY_FOURIER] = {"fourier", 0, 2, "none, or (lower,upper)"}};

static const double two_pi = 6.283185307179586;

/* ---- Names ---------------------------------------------------------------------------------------- */

static const char *skip_blanks(const char *at)
{
    while (*at == ' ') at++;
    return at;
}

/* The numbers in brackets behind a name; *at moves behind them.  -1: not well formed. */
static int read_numbers(const char **at, double *number, int room)
{
    const char *from = skip_blanks(*at);
    int count = 0;

    if (*from != '(') return 0;
    for (from++;; from++) {
        from = skip_blanks(from);
        const char *end = from + strcspn(from, ",) ");
        if (count == room || !nrm_parse_f64(from, end, &number[count]) || !isfinite(number[count])) return -1;
        count++;
        from = skip_blanks(end);
        if (*from == ')') break;
        if (*from != ',') return -1;
    }
    *at = from + 1;
    return count;
}

static nrm_status check_exponent(nrm_ctx *ctx, const char *who, const char *family, const char *name, double value)
{
    NRM_REQUIRE(ctx, value > -1 && value <= 10000, NRM_E_RANGE, "%s: %s of %s is %g; it must be > -1 and at most 10000", who, name,
                family, value);
    return NRM_OK;
}

/* What `count` numbers mean. */
static nrm_status set_numbers(nrm_ctx *ctx, const char *who, nrm_family family, const double *number, int count, nrm_coordinate *c)
{
    const char *word = families[family].word;
    const double *range = number;
    bool ranged = count == 2, on_interval = true;

    *c = (nrm_coordinate){.family = family, .scale = 1};
    if (family == NRM_FAMILY_JACOBI) {
        NRM_TRY(check_exponent(ctx, who, word, "a", number[0]));
        NRM_TRY(check_exponent(ctx, who, word, "b", number[1]));
        c->alpha = number[0], c->beta = number[1];
        range += 2, ranged = count == 4;
    }
    if (family == NRM_FAMILY_LAGUERRE) {
        if (count > 0) c->alpha = number[0];
        if (count > 1) c->scale = number[1];
        on_interval = false;
        NRM_TRY(check_exponent(ctx, who, word, "a", c->alpha));
    }
    if (family == NRM_FAMILY_HERMITE) {
        if (ranged) c->shift = number[0], c->scale = number[1];
        on_interval = false;
    }
    NRM_REQUIRE(ctx, on_interval || c->scale > 0, NRM_E_RANGE, "%s: the %s of %s is %g; it must be > 0", who,
                family == NRM_FAMILY_HERMITE ? "deviation" : "scale", word, c->scale);
    if (!on_interval || !ranged) return NRM_OK;
    NRM_REQUIRE(ctx, range[0] < range[1] && isfinite(range[1] - range[0]), NRM_E_RANGE,
                "%s: %s goes from %g to %g; the lower end must be below the upper", who, word, range[0], range[1]);
    if (family == NRM_FAMILY_FOURIER) c->shift = range[0], c->scale = (range[1] - range[0]) / two_pi;
    else c->shift = range[0] + 0.5 * (range[1] - range[0]), c->scale = 0.5 * (range[1] - range[0]);
    return NRM_OK;
}

/* One name with its numbers; *at moves behind it and its comma. */
static nrm_status parse_one(nrm_ctx *ctx, const char *who, const char **at, nrm_coordinate *c)
{
    const char *from = skip_blanks(*at);
    const size_t length = strcspn(from, "(, ");
    char shown[NRM_SHOWN_LENGTH];
    double number[4];

    for (int i = 0; i < NRM_COUNT(families); i++) {
        if (strncmp(from, families[i].word, length) != 0 || families[i].word[length]) continue;
        const char *end = from + length;
        const int count = read_numbers(&end, number, families[i].most);
        const bool odd = count == 1 && i != NRM_FAMILY_LAGUERRE;
        end = skip_blanks(end);
        NRM_REQUIRE(ctx, count >= families[i].least && !odd && count != 3 && (*end == ',' || !*end), NRM_E_ARGUMENT,
                    "%s: basis has \"%s\"; the numbers of %s are %s", who, nrm_shown(shown, from), families[i].word, families[i].numbers);
        *at = *end ? end + 1 : end;
        NRM_REQUIRE(ctx, !*end || *skip_blanks(*at), NRM_E_ARGUMENT, "%s: basis ends with a comma; a name must follow", who);
        return set_numbers(ctx, who, (nrm_family)i, number, count, c);
    }
    return nrm_fail(ctx, NRM_E_ARGUMENT,
                    "%s: basis has \"%s\"; it must be legendre, hermite, chebyshev, jacobi(a,b), laguerre(a) or fourier", who,
                    nrm_shown(shown, from));
}

nrm_status nrm_axes_parse(nrm_ctx *ctx, const char *who, const char *basis, int64_t dimension, nrm_axis **axis, int64_t *count)
{
    nrm_coordinate c;
    nrm_axis *made;
    int64_t names = 0;

    const char *at = basis;
    do {
        NRM_TRY(parse_one(ctx, who, &at, &c));
        names++;
    } while (*at);
    NRM_REQUIRE(ctx, dimension == 0 || names == 1 || names == dimension, NRM_E_SHAPE,
                "%s: basis names %lld coordinates, but the dimension is %lld; give one name for all, or one for each", who,
                NRM_LL(names), NRM_LL(dimension));
    *count = dimension > 0 ? dimension : names;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, made, *count, who));
    at = basis;
    nrm_status st = NRM_OK;
    for (int64_t i = 0; i < names && st >= 0; i++) st = parse_one(ctx, who, &at, &made[i].is);
    for (int64_t i = names; i < *count; i++) made[i].is = made[0].is;
    if (st < 0) nrm_free(ctx, made);
    else *axis = made;
    return st;
}

/* ---- Recurrences ---------------------------------------------------------------------------------- */

static double a_of(const nrm_coordinate *c, double k)
{
    const double s = c->alpha + c->beta, along = 2 * k + s;

    if (c->family == NRM_FAMILY_LAGUERRE) return 2 * k + 1 + c->alpha;
    if (c->family != NRM_FAMILY_JACOBI) return 0;
    if (k == 0) return (c->beta - c->alpha) / (s + 2);
    return (c->beta - c->alpha) / along * (s / (along + 2));
}

static double b_of(const nrm_coordinate *c, double k)
{
    const double s = c->alpha + c->beta, along = 2 * k + s;

    switch (c->family) {
    case NRM_FAMILY_LEGENDRE: return k / sqrt((2 * k - 1) * (2 * k + 1));
    case NRM_FAMILY_HERMITE: return sqrt(k);
    case NRM_FAMILY_CHEBYSHEV: return k > 1 ? 0.5 : sqrt(0.5);
    case NRM_FAMILY_LAGUERRE: return sqrt(k) * sqrt(k + c->alpha);
    default: break;
    }
    const double factors = sqrt(4 * (k + c->alpha) / along * ((k + c->beta) / (along + 1)));
    return k > 1 ? factors * sqrt(k / along * ((k + s) / (along - 1))) : factors / sqrt(along); /* 1 + s = along - 1 */
}

static double log_norm(const nrm_coordinate *c)
{
    const double s = c->alpha + c->beta;
    if (c->family == NRM_FAMILY_LAGUERRE) return -lgamma(c->alpha + 1);
    if (c->family == NRM_FAMILY_JACOBI) return lgamma(s + 2) - (s + 1) * log(2) - lgamma(c->alpha + 1) - lgamma(c->beta + 1);
    return 0;
}

nrm_status nrm_axis_prepare(nrm_ctx *ctx, const char *who, int64_t most, nrm_axis *axis)
{
    const int64_t n = most + 1;

    axis->most = most;
    axis->log_norm = log_norm(&axis->is);
    NRM_TRY(NRM_ALLOC(ctx, axis->a, 3 * n, who));
    axis->b = axis->a + n;
    axis->inverse = axis->b + n;
    for (int64_t k = 0; k < n; k++) {
        axis->a[k] = a_of(&axis->is, (double)k);
        axis->b[k] = k > 0 ? b_of(&axis->is, (double)k) : 0;
        axis->inverse[k] = k > 0 ? 1 / axis->b[k] : 0;
    }
    return NRM_OK;
}

void nrm_axis_bounds(const nrm_axis *axis, double *lower, double *upper)
{
    const nrm_coordinate *c = &axis->is;

    *lower = -INFINITY, *upper = INFINITY;
    if (c->family == NRM_FAMILY_HERMITE || c->family == NRM_FAMILY_FOURIER) return;
    *lower = c->family == NRM_FAMILY_LAGUERRE ? 0 : c->shift - c->scale;
    if (c->family != NRM_FAMILY_LAGUERRE) *upper = c->shift + c->scale;
}
