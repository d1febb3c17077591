/* convolution_plan.c -- phases, bands and pitch.  Contract: convolution_plan.h. */
#include "convolution_plan.h"
#include "base/base.h"

enum {
    CACHE = 192 << 10,         /* bytes of buffer and output that are worked on at once */
    TASKS = 16,                /* pieces wanted, so that threads find work in a small batch */
    LEAST_FLAT = 192,          /* points that are worth a band for that */
    PART_ROWS = 16,            /* rows that are worth a copy of the source */
    COLUMNS = 256,             /* a row is not cut into shorter pieces */
    GRADIENT_CACHE = 1 << 20,  /* the weight gradient reads its buffer once for every four rows */
    GRADIENT_FLAT = 1024,      /* points whose four rows of y stay in the first cache */
    GRADIENT_LEAST = 256,      /* points that are worth adding up the lanes */
    IMAGES_CACHE = 256 << 10,  /* more images than for GRADIENT_LEAST must fit this */
    PARTIAL_BYTES = 2 << 20,   /* all sums of a weight gradient that are kept apart */
    CHUNKS_A_BLOCK = 2
};

static int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0); }
static int64_t ceil_divide(int64_t a, int64_t b) { return -floor_divide(-a, b); }
static int64_t round_up(int64_t a, int64_t b) { return ceil_divide(a, b) * b; }
static int64_t clamp(int64_t a, int64_t low, int64_t high) { return nrm_min_i64(nrm_max_i64(a, low), high); }

static int64_t tap_phase(const nrm_conv_axis *axis, int64_t tap)
{
    const int64_t q = tap * axis->dilation - axis->before;
    return q - axis->stride * floor_divide(q, axis->stride);
}

static int64_t tap_shift(const nrm_conv_axis *axis, int64_t tap)
{
    const int64_t f = floor_divide(tap * axis->dilation - axis->before, axis->stride);
    return axis->adjoint ? -f : f;
}

int64_t nrm_conv_source_phase(const nrm_conv_axis *axis, int64_t number)
{
    return axis->adjoint ? 0 : tap_phase(axis, number);
}

int64_t nrm_conv_target_phase(const nrm_conv_axis *axis, int64_t number)
{
    return axis->adjoint ? tap_phase(axis, number) : 0;
}

void nrm_conv_inside(const nrm_conv_axis *axis, int64_t phase, int64_t begin, int64_t length, int64_t *first,
                     int64_t *end, int64_t *source)
{
    const int64_t step = axis->adjoint ? 1 : axis->stride, origin = begin + axis->low;
    *first = clamp(ceil_divide(-phase, step) - origin, 0, length);
    *end = clamp(ceil_divide(axis->source - phase, step) - origin, *first, length);
    *source = (origin + *first) * step + phase;
}

static nrm_conv_axis make_axis(const nrm_conv_shape *s, int which, bool adjoint)
{
    const int64_t plane = which ? s->width : s->height, out = which ? s->out_width : s->out_height;
    nrm_conv_axis axis = {.kernel = s->kernel[which], .stride = s->stride[which], .dilation = s->dilation[which],
                          .before = s->before[which], .adjoint = adjoint};
    int64_t a = axis.stride, b = axis.dilation;

    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    axis.period = axis.stride / a;
    const int64_t phases = nrm_min_i64(axis.period, axis.kernel);
    axis.source = adjoint ? out : plane;
    axis.target = adjoint ? plane : out;
    axis.source_phases = adjoint ? 1 : phases;
    axis.target_phases = adjoint ? phases : 1;
    axis.count = adjoint ? ceil_divide(plane, axis.stride) : out;
    const int64_t p = tap_shift(&axis, 0), q = tap_shift(&axis, axis.kernel - 1);
    axis.low = nrm_min_i64(p, q);
    axis.span = nrm_max_i64(p, q) - axis.low;
    return axis;
}

/* The shortest distance between whole rows: all of a row is inside the pitch, and what a shift
 * reads past it finds the zeros that begin the next row. */
static int64_t shared_pitch(const nrm_conv_axis *axis)
{
    const int64_t length = axis->count + axis->span;
    int64_t zeros = length, last = 0;

    for (int64_t a = 0; a < axis->source_phases; a++) {
        int64_t first, end, source;
        nrm_conv_inside(axis, nrm_conv_source_phase(axis, a), 0, length, &first, &end, &source);
        if (first == end) continue;
        zeros = nrm_min_i64(zeros, first);
        last = nrm_max_i64(last, end);
    }
    return nrm_max_i64(nrm_max_i64(axis->count, last), length - zeros);
}

/* Rows are shared among parts where that is worth a copy of the source for each. */
static void choose_parts(nrm_conv_plan *plan, int64_t wanted)
{
    plan->part_rows = clamp(round_up(ceil_divide(plan->rows, wanted), 2 * NRM_CONV_ROWS), PART_ROWS, plan->rows);
    plan->parts = ceil_divide(plan->rows, plan->part_rows);
}

/* Bands of at most about `cache` elements and `flat` points, for `wanted` items if that many
 * can be had without reading much twice. */
static void choose_bands(nrm_conv_plan *plan, int64_t cache, int64_t flat, int64_t wanted)
{
    nrm_conv_axis *h = &plan->axis[0], *w = &plan->axis[1];
    const int64_t tasks = plan->batch * plan->groups;
    const int64_t phased = plan->channels * h->source_phases * w->source_phases;

    plan->pitch = shared_pitch(w);
    const int64_t line = phased * plan->pitch, row = plan->rows * plan->pitch;
    const int64_t bands = clamp(h->count * plan->pitch / LEAST_FLAT, 1, ceil_divide(wanted, tasks));
    h->band = nrm_min_i64((cache - h->span * line) / (line + row), flat / plan->pitch);
    h->band = clamp(h->band, nrm_max_i64(h->span, 1), ceil_divide(h->count, bands));
    h->bands = ceil_divide(h->count, h->band);

    const int64_t column = phased * (h->band + h->span) + plan->rows * h->band;
    w->band = w->count;
    if (h->band <= nrm_max_i64(h->span, 1))
        w->band = clamp(nrm_min_i64(nrm_min_i64(cache / column - w->span, flat),
                                    ceil_divide(w->count, ceil_divide(wanted, tasks * h->bands))),
                        nrm_max_i64(w->span, COLUMNS), w->count);
    w->bands = ceil_divide(w->count, w->band);
    choose_parts(plan, ceil_divide(wanted, tasks * h->bands * w->bands));
    if (w->bands > 1) plan->pitch = w->band + w->span; /* the rows of a band do not end in zeros */
}

static nrm_conv_plan make_plan(const nrm_conv_shape *s, bool adjoint, int64_t cache, int64_t flat, int64_t wanted)
{
    const int64_t in = s->in / s->groups, out = s->out / s->groups;
    nrm_conv_plan plan = {.axis = {make_axis(s, 0, adjoint), make_axis(s, 1, adjoint)},
                          .batch = s->batch, .groups = s->groups,
                          .channels = adjoint ? out : in, .rows = adjoint ? in : out};

    choose_bands(&plan, cache, flat, wanted);
    plan.lines = plan.axis[0].band + plan.axis[0].span;
    plan.plane = plan.axis[0].source_phases * plan.axis[1].source_phases * plan.lines * plan.pitch;
    plan.taps = s->kernel[0] * s->kernel[1];
    plan.depth = plan.channels * plan.taps;
    plan.items = plan.parts * plan.batch * plan.groups * plan.axis[0].bands * plan.axis[1].bands;
    return plan;
}

nrm_conv_plan nrm_conv_plan_make(const nrm_conv_shape *shape, bool adjoint, int64_t size)
{
    return make_plan(shape, adjoint, CACHE / size, INT64_MAX, TASKS);
}

nrm_conv_gradient_plan nrm_conv_gradient_plan_make(const nrm_conv_shape *s, int64_t size)
{
    nrm_conv_gradient_plan g = {.plan = make_plan(s, false, GRADIENT_CACHE / size, GRADIENT_FLAT, 1)};
    const nrm_conv_plan *plan = &g.plan;
    const int64_t bands = plan->axis[0].bands * plan->axis[1].bands;

    g.flat = round_up(plan->axis[0].band * plan->pitch, NRM_CONV_MOST_LANES);
    const int64_t image = (plan->channels * plan->plane + plan->rows * g.flat) * size;
    const int64_t least = ceil_divide(GRADIENT_LEAST, g.flat), best = ceil_divide(GRADIENT_FLAT, g.flat);
    g.images = bands > 1 ? 1 : nrm_min_i64(clamp(IMAGES_CACHE / image, least, best), s->batch);
    g.chunks = ceil_divide(s->batch, g.images) * bands;
    const int64_t most = PARTIAL_BYTES / (s->out * plan->depth * size);
    g.blocks = clamp(nrm_min_i64(g.chunks / CHUNKS_A_BLOCK, most), 1, TASKS);
    choose_parts(&g.plan, ceil_divide(TASKS, g.blocks * s->groups));
    return g;
}

nrm_conv_item nrm_conv_plan_item(const nrm_conv_plan *plan, int64_t index)
{
    const nrm_conv_axis *h = &plan->axis[0], *w = &plan->axis[1];
    nrm_conv_item item;

    item.begin[1] = index % w->bands * w->band;
    index /= w->bands;
    item.begin[0] = index % h->bands * h->band;
    index /= h->bands;
    item.group = index % plan->groups;
    index /= plan->groups;
    item.image = index % plan->batch;
    item.first = index / plan->batch * plan->part_rows;
    item.rows = nrm_min_i64(plan->part_rows, plan->rows - item.first);
    for (int d = 0; d < 2; d++)
        item.count[d] = nrm_min_i64(plan->axis[d].band, plan->axis[d].count - item.begin[d]);
    return item;
}

int64_t nrm_conv_plan_sections(const nrm_conv_plan *plan)
{
    return plan->axis[0].target_phases * plan->axis[1].target_phases;
}

nrm_conv_section nrm_conv_plan_section(const nrm_conv_plan *plan, int64_t index)
{
    const int64_t columns = plan->axis[1].target_phases;
    nrm_conv_section section = {.phase = {index / columns, index % columns}};
    int64_t earlier[2]; /* taps of the phases before */

    for (int d = 0; d < 2; d++) {
        const nrm_conv_axis *axis = &plan->axis[d];
        const int64_t phase = section.phase[d], step = axis->adjoint ? axis->period : 1;
        section.step[d] = step;
        section.count[d] = ceil_divide(axis->kernel - phase, step);
        earlier[d] = axis->kernel / step * phase + nrm_min_i64(axis->kernel % step, phase);
    }
    section.taps = section.count[0] * section.count[1];
    section.taps_before = earlier[0] * plan->axis[1].kernel + section.count[0] * earlier[1];
    return section;
}

/* Of tap (kh, kw) in the buffer of a channel. */
static int64_t tap_offset(const nrm_conv_plan *plan, int64_t kh, int64_t kw)
{
    const nrm_conv_axis *h = &plan->axis[0], *w = &plan->axis[1];
    const int64_t phase = kh % h->source_phases * w->source_phases + kw % w->source_phases;
    return (phase * plan->lines + tap_shift(h, kh) - h->low) * plan->pitch + tap_shift(w, kw) - w->low;
}

void nrm_conv_plan_offsets(const nrm_conv_plan *plan, int64_t *offset)
{
    for (int64_t index = 0; index < nrm_conv_plan_sections(plan); index++) {
        const nrm_conv_section s = nrm_conv_plan_section(plan, index);
        for (int64_t c = 0; c < plan->channels; c++)
            for (int64_t i = 0; i < s.count[0]; i++)
                for (int64_t j = 0; j < s.count[1]; j++)
                    *offset++ = c * plan->plane +
                                tap_offset(plan, s.phase[0] + i * s.step[0], s.phase[1] + j * s.step[1]);
    }
}

int64_t nrm_conv_plan_slack(const nrm_conv_plan *plan) { return NRM_CONV_SLACK + plan->axis[1].span; }
