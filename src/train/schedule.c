/* schedule.c -- contract and formulas: schedule.h. */
#include "schedule.h"

nrm_status nrm_schedule_check(nrm_ctx *ctx, const nrm_schedule *s)
{
    NRM_REQUIRE(ctx, s, NRM_E_NULL, "schedule: schedule must not be NULL");
    NRM_REQUIRE(ctx, s->kind >= 0 && s->kind < nrm_schedule_kind_count, NRM_E_ARGUMENT,
                "schedule: kind %d is none; they are cosine, constant, linear and stable", (int)s->kind);
    NRM_REQUIRE(ctx, s->total >= 1, NRM_E_RANGE, "schedule: total is %lld; a run has at least one step", NRM_LL(s->total));
    NRM_REQUIRE(ctx, s->warmup >= 0 && s->warmup <= s->total, NRM_E_RANGE,
                "schedule: warmup is %lld; it must be 0 to the %lld steps of the run", NRM_LL(s->warmup), NRM_LL(s->total));
    NRM_REQUIRE(ctx, s->kind != NRM_SCHEDULE_STABLE || (s->decay >= 0 && s->decay <= s->total - s->warmup), NRM_E_RANGE,
                "schedule: decay is %lld; it must be 0 to the %lld steps after the warm-up", NRM_LL(s->decay),
                NRM_LL(s->total - s->warmup));
    NRM_REQUIRE(ctx, s->floor >= 0 && s->floor <= 1, NRM_E_RANGE, "schedule: floor is %g; it must be 0 to 1", s->floor);
    return NRM_OK;
}

double nrm_schedule_factor(const nrm_schedule *s, int64_t step)
{
    const double pi = 3.14159265358979323846;
    const double left = (double)(s->total - step), length = (double)(s->total - s->warmup);

    if (step < s->warmup) return (double)(step + 1) / (double)s->warmup;
    if (s->kind == NRM_SCHEDULE_CONSTANT) return 1;
    if (step >= s->total) return s->floor;
    switch (s->kind) {
    case NRM_SCHEDULE_LINEAR: return s->floor + (1 - s->floor) * (left / length);
    case NRM_SCHEDULE_STABLE:
        return left >= (double)s->decay ? 1 : s->floor + (1 - s->floor) * (left / (double)s->decay);
    default: return s->floor + (1 - s->floor) * (0.5 * (1 + cos(pi * (1 - left / length))));
    }
}
