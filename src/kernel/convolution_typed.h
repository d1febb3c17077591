/* convolution_typed.h -- the body of convolution.c, included once for each REAL with F(name).
 * No include guard on purpose. */

/* to[j] = from[j step].  Rows are short: blocks of 4, the last over the one before it, beat
 * calls of memcpy and loops that end one by one. */
static inline void F(copy)(REAL *restrict to, const REAL *restrict from, int64_t n, int64_t step)
{
    int64_t j = 0;
    if (n < 4) {
        if (n > 0) to[0] = from[0];
        if (n > 1) to[1] = from[step];
        if (n > 2) to[2] = from[2 * step];
        return;
    }
    for (; j < n; j += 4) {
        if (j > n - 4) j = n - 4;
        const REAL a = from[j * step], b = from[(j + 1) * step], c = from[(j + 2) * step], d = from[(j + 3) * step];
        to[j] = a, to[j + 1] = b, to[j + 2] = c, to[j + 3] = d;
    }
}

static inline void F(zero)(REAL *to, int64_t n)
{
    if (n == 1) to[0] = 0;
    else if (n > 1) memset(to, 0, (size_t)n * sizeof *to);
}

/* One row of a phase: zeros, numbers `step` apart, zeros. */
static inline void F(gather_row)(REAL *to, int64_t first, int64_t end, int64_t length, const REAL *from, int64_t step)
{
    F(zero)(to, first);
    if (step == 1) F(copy)(to + first, from, end - first, 1);
    else if (step == 2) F(copy)(to + first, from, end - first, 2);
    else F(copy)(to + first, from, end - first, step);
    F(zero)(to + end, length - end);
}

/* The channels of an item into the buffer, phases apart and with their zeros. */
static void F(gather)(const nrm_conv_plan *plan, const nrm_conv_item *item, const REAL *source, REAL *to)
{
    const nrm_conv_axis *h = &plan->axis[0], *w = &plan->axis[1];
    const int64_t phases = h->source_phases * w->source_phases, size = h->source * w->source;
    const int64_t step[2] = {h->adjoint ? 1 : h->stride, w->adjoint ? 1 : w->stride};

    source += (item->image * plan->groups + item->group) * plan->channels * size;
    for (int64_t phase = 0; phase < phases; phase++) {
        int64_t top, bottom, row, left, right, column;
        nrm_conv_inside(h, nrm_conv_source_phase(h, phase / w->source_phases), item->begin[0], plan->lines, &top,
                        &bottom, &row);
        nrm_conv_inside(w, nrm_conv_source_phase(w, phase % w->source_phases), item->begin[1], plan->pitch, &left,
                        &right, &column);
        for (int64_t c = 0; c < plan->channels; c++) {
            REAL *plane = to + c * plan->plane + phase * plan->lines * plan->pitch;
            F(zero)(plane, top * plan->pitch);
            for (int64_t i = top; i < bottom; i++)
                F(gather_row)(plane + i * plan->pitch, left, right, plan->pitch,
                              source + c * size + (row + (i - top) * step[0]) * w->source + column, step[1]);
            F(zero)(plane + bottom * plan->pitch, (plan->lines - bottom) * plan->pitch);
        }
    }
}

/* ---- Forward, and the adjoint by the input -------------------------------------------------- */

/* The weights of the k-th (channel, tap) of a section for all rows of a block side by side.
 * Forward: w[group rows + row][channel][tap]; adjoint: w[group channels + channel][row][tap]. */
static void F(pack_block)(const nrm_conv_plan *plan, const nrm_conv_section *s, int64_t group, int64_t begin,
                          int64_t rows, const REAL *w, REAL *to)
{
    const bool adjoint = plan->axis[0].adjoint;
    const int64_t row_step = (adjoint ? 1 : plan->channels) * plan->taps;
    const int64_t channel_step = (adjoint ? plan->rows : 1) * plan->taps;
    const REAL *from = w + group * plan->rows * plan->depth + begin * row_step;

    for (int64_t c = 0; c < plan->channels; c++)
        for (int64_t i = 0; i < s->count[0]; i++)
            for (int64_t j = 0; j < s->count[1]; j++) {
                const int64_t row = s->phase[0] + i * s->step[0], column = s->phase[1] + j * s->step[1];
                const int64_t tap = row * plan->axis[1].kernel + column;
                for (int64_t r = 0; r < rows; r++) *to++ = from[c * channel_step + tap + r * row_step];
            }
}

/* All weights of 4 rows of a group, in the order of convolution_kernels.h. */
static void F(pack)(const nrm_conv_plan *plan, int64_t group, int64_t begin, const REAL *w, REAL *packed)
{
    const int64_t rows = nrm_min_i64(NRM_CONV_ROWS, plan->rows - begin);
    for (int64_t index = 0; index < nrm_conv_plan_sections(plan); index++) {
        const nrm_conv_section s = nrm_conv_plan_section(plan, index);
        REAL *to = packed + (group * plan->taps + s.taps_before) * plan->rows * plan->channels;
        F(pack_block)(plan, &s, group, begin, rows, w, to + begin * plan->channels * s.taps);
    }
}

/* What a phase of the target takes from the flat rows. */
static void F(scatter)(const nrm_conv_plan *plan, const nrm_conv_item *item, const nrm_conv_section *s,
                       const F(nrm_conv_correlate) *span, REAL *target)
{
    const nrm_conv_axis *axis = plan->axis;
    int64_t step[2], first[2], count[2];

    for (int d = 0; d < 2; d++) {
        step[d] = axis[d].adjoint ? axis[d].stride : 1;
        first[d] = item->begin[d] * step[d] + nrm_conv_target_phase(&axis[d], s->phase[d]);
        count[d] = nrm_min_i64(item->count[d], (axis[d].target - first[d] + step[d] - 1) / step[d]);
    }
    for (int64_t r = 0; r < item->rows; r++)
        for (int64_t i = 0; i < count[0]; i++) {
            const REAL *from = span->y + r * span->y_stride + i * plan->pitch;
            REAL *to = target + (r * axis[0].target + first[0] + i * step[0]) * axis[1].target + first[1];
            if (step[1] == 1) F(copy)(to, from, count[1], 1);
            else
                for (int64_t j = 0; j < count[1]; j++) to[j * step[1]] = from[j];
        }
}

/* Zeros where a phase of the target meets no tap. */
static void F(clear_target)(const nrm_conv_plan *plan, const nrm_conv_item *item, REAL *target)
{
    const nrm_conv_axis *h = &plan->axis[0], *w = &plan->axis[1];
    const int64_t top = item->begin[0] * h->stride, left = item->begin[1] * w->stride;
    const int64_t bottom = nrm_min_i64(top + item->count[0] * h->stride, h->target);
    const int64_t right = nrm_min_i64(left + item->count[1] * w->stride, w->target);

    if (!h->adjoint || (h->target_phases == h->stride && w->target_phases == w->stride)) return;
    for (int64_t r = 0; r < item->rows; r++)
        for (int64_t i = top; i < bottom; i++) F(zero)(target + (r * h->target + i) * w->target + left, right - left);
}

static void F(item)(const nrm_conv_plan *plan, const nrm_conv_item *item, const REAL *source, const REAL *packed,
                    const int64_t *offset, REAL *target, REAL *buffer, REAL *flat)
{
    const int64_t row = (item->image * plan->groups + item->group) * plan->rows + item->first;
    F(nrm_conv_correlate) span = {.rows = item->rows, .flat = item->count[0] * plan->pitch, .x = buffer, .y = flat,
                                  .y_stride = plan->axis[0].band * plan->pitch + NRM_CONV_SLACK};

    target += row * plan->axis[0].target * plan->axis[1].target;
    F(gather)(plan, item, source, buffer);
    F(clear_target)(plan, item, target);
    for (int64_t index = 0; index < nrm_conv_plan_sections(plan); index++) {
        const nrm_conv_section s = nrm_conv_plan_section(plan, index);
        span.depth = plan->channels * s.taps;
        span.offset = offset + plan->channels * s.taps_before;
        span.w = packed + (item->group * plan->taps + s.taps_before) * plan->rows * plan->channels +
                 item->first * span.depth;
        F(nrm_conv_kernels_for)(nrm_cpu_isa())->correlate(&span);
        F(scatter)(plan, item, &s, &span, target);
    }
}

static void F(correlate_all)(const nrm_conv_plan *plan, const REAL *source, const REAL *w, REAL *target, void *work,
                             int threads)
{
    const layout at = correlate_layout(plan, work, threads, sizeof(REAL));
    const int64_t blocks = (plan->rows + NRM_CONV_ROWS - 1) / NRM_CONV_ROWS;
    int64_t *offset = nrm_arena_at(&at.arena, at.offset);
    REAL *packed = nrm_arena_at(&at.arena, at.weights);

    nrm_conv_plan_offsets(plan, offset);
#pragma omp parallel num_threads(threads)
    {
        REAL *buffer = (REAL *)nrm_arena_at(&at.arena, at.source) + omp_get_thread_num() * at.source_size;
        REAL *flat = (REAL *)nrm_arena_at(&at.arena, at.target) + omp_get_thread_num() * at.target_size;

        for (int64_t j = plan->channels * plan->plane; j < at.source_size; j++) buffer[j] = 0;
#pragma omp for schedule(static)
        for (int64_t b = 0; b < plan->groups * blocks; b++)
            F(pack)(plan, b / blocks, b % blocks * NRM_CONV_ROWS, w, packed);
#pragma omp for schedule(dynamic)
        for (int64_t index = 0; index < plan->items; index++) {
            const nrm_conv_item item = nrm_conv_plan_item(plan, index);
            F(item)(plan, &item, source, packed, offset, target, buffer, flat);
        }
    }
}

void F(nrm_conv_forward)(const nrm_conv_shape *shape, const REAL *x, const REAL *w, REAL *y, void *work, int threads)
{
    const nrm_conv_plan plan = nrm_conv_plan_make(shape, false, sizeof(REAL));
    F(correlate_all)(&plan, x, w, y, work, threads);
}

void F(nrm_conv_input)(const nrm_conv_shape *shape, const REAL *dy, const REAL *w, REAL *dx, void *work, int threads)
{
    const nrm_conv_plan plan = nrm_conv_plan_make(shape, true, sizeof(REAL));
    F(correlate_all)(&plan, dy, w, dx, work, threads);
}

/* ---- The adjoint by the weights ------------------------------------------------------------- */

/* The item's rows of y on the pitch of x, zeros between. */
static void F(gather_y)(const nrm_conv_gradient_plan *g, const nrm_conv_item *item, const REAL *dy, REAL *to)
{
    const nrm_conv_plan *plan = &g->plan;
    const int64_t height = plan->axis[0].target, width = plan->axis[1].target;

    for (int64_t r = 0; r < item->rows; r++) {
        const int64_t channel = (item->image * plan->groups + item->group) * plan->rows + item->first + r;
        const REAL *from = dy + (channel * height + item->begin[0]) * width + item->begin[1];
        for (int64_t i = 0; i < item->count[0]; i++)
            F(gather_row)(to + r * g->flat + i * plan->pitch, 0, item->count[1], plan->pitch, from + i * width, 1);
        F(zero)(to + r * g->flat + item->count[0] * plan->pitch, g->flat - item->count[0] * plan->pitch);
    }
}

/* Add chunk (images at one band) of a part of the rows to span->dw. */
static void F(gradient_chunk)(const nrm_conv_gradient_plan *g, int64_t chunk, int64_t group, int64_t first,
                              const REAL *x, const REAL *dy, F(nrm_conv_gradient) *span, REAL *buffer, REAL *flat)
{
    const nrm_conv_plan *plan = &g->plan;
    const int64_t bands = plan->axis[0].bands * plan->axis[1].bands;
    nrm_conv_item item = nrm_conv_plan_item(plan, chunk % bands);

    item.group = group;
    item.first = first;
    item.rows = span->rows;
    item.image = chunk / bands * g->images;
    span->flat = item.count[0] * plan->pitch;
    span->images = nrm_min_i64(g->images, plan->batch - item.image);
    for (int64_t image = 0; image < span->images; image++, item.image++) {
        F(gather)(plan, &item, x, buffer + image * span->x_image);
        F(gather_y)(g, &item, dy, flat + image * span->dy_image);
    }
    F(zero)(buffer + span->images * span->x_image, nrm_conv_plan_slack(plan));
    F(nrm_conv_kernels_for)(nrm_cpu_isa())->gradient(span);
}

/* One block of images for one part of a group's rows: its sum into dw. */
static void F(gradient_block)(const nrm_conv_gradient_plan *g, int64_t index, const REAL *x, const REAL *dy,
                              const int64_t *offset, REAL *buffer, REAL *flat, REAL *dw)
{
    const nrm_conv_plan *plan = &g->plan;
    const int64_t first = index % plan->parts * plan->part_rows, group = index / plan->parts % plan->groups;
    const int64_t block = index / plan->parts / plan->groups, rows = nrm_min_i64(plan->part_rows, plan->rows - first);
    F(nrm_conv_gradient) span = {
        .rows = rows, .depth = plan->depth, .x_image = plan->channels * plan->plane, .dy_image = rows * g->flat,
        .x = buffer, .dy = flat, .dy_stride = g->flat, .offset = offset,
        .dw = dw + ((block * plan->groups + group) * plan->rows + first) * plan->depth};

    F(zero)(span.dw, rows * plan->depth);
    for (int64_t chunk = block * g->chunks / g->blocks; chunk < (block + 1) * g->chunks / g->blocks; chunk++)
        F(gradient_chunk)(g, chunk, group, first, x, dy, &span, buffer, flat);
}

void F(nrm_conv_weight)(const nrm_conv_shape *shape, const REAL *x, const REAL *dy, REAL *dw, void *work, int threads)
{
    const nrm_conv_gradient_plan g = nrm_conv_gradient_plan_make(shape, sizeof(REAL));
    const nrm_conv_plan *plan = &g.plan;
    const layout at = gradient_layout(&g, work, threads, sizeof(REAL));
    const int64_t size = plan->groups * plan->rows * plan->depth;
    int64_t *offset = nrm_arena_at(&at.arena, at.offset);
    REAL *partial = g.blocks > 1 ? nrm_arena_at(&at.arena, at.partial) : dw;

    nrm_conv_plan_offsets(plan, offset);
#pragma omp parallel num_threads(threads)
    {
        REAL *buffer = (REAL *)nrm_arena_at(&at.arena, at.source) + omp_get_thread_num() * at.source_size;
        REAL *flat = (REAL *)nrm_arena_at(&at.arena, at.target) + omp_get_thread_num() * at.target_size;

#pragma omp for schedule(dynamic)
        for (int64_t index = 0; index < g.blocks * plan->groups * plan->parts; index++)
            F(gradient_block)(&g, index, x, dy, offset, buffer, flat, partial);
#pragma omp for schedule(static)
        for (int64_t j = 0; j < (g.blocks > 1 ? size : 0); j++) {
            REAL sum = partial[j];
            for (int64_t block = 1; block < g.blocks; block++) sum += partial[block * size + j];
            dw[j] = sum;
        }
    }
}
