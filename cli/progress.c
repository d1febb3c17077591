/* progress.c -- one line on the terminal that says how far the work is. */
#define _POSIX_C_SOURCE 200809L
#include "run.h"
#include "terminal.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_TASK = 64, LEAST_BAR = 8, MOST_BAR = 40 };
static const double QUIET_SECONDS = 0.4; /* work shorter than this shows no line */

static struct {
    char task[LONGEST_TASK];
    double began, task_began, task_done; /* task_done: units at the first report of the task */
    bool drawn;
} line;

static void clear(void)
{
    static const char erase[] = "\r\033[K";
    text t = {0};
    if (!line.drawn) return;
    line.drawn = false; /* before writing: print_text_to may say something */
    text_add(&t, "%s", erase);
    print_text_to(STDERR_FILENO, &t);
    text_free(&t);
}

/* 12345678 as "12.3 M": three digits. */
static void add_count(text *t, double value)
{
    static const char *const prefix[] = {"", " k", " M", " G", " T"};
    int i = 0;
    for (; value >= 999.5 && i < 4; i++) value /= 1000;
    text_add(t, "%.3g%s", value, prefix[i]);
}

static void add_time(text *t, double seconds)
{
    if (!(seconds < 360000)) {
        text_add(t, "days");
        return;
    }
    const long s = (long)ceil(seconds);
    if (s >= 3600) text_add(t, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else text_add(t, "%ld:%02ld", s / 60, s % 60);
}

static void add_bar(text *t, double share, int width)
{
    static const char *const eighths[] = {"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
    const double filled = share * width;
    int whole = (int)filled, columns = whole;

    if (!terminal_unicode()) {
        text_add(t, "[");
        text_add_repeated(t, '#', whole);
        text_add_repeated(t, '.', width - whole);
        text_add(t, "]");
        return;
    }
    if (terminal_colour(STDERR_FILENO)) text_add(t, "\033[36m");
    for (int i = 0; i < whole; i++) text_add(t, "\u2588");
    const char *rest = whole < width ? eighths[(int)((filled - whole) * 8)] : "";
    text_add(t, "%s", rest);
    columns += *rest ? 1 : 0;
    if (terminal_colour(STDERR_FILENO)) text_add(t, "\033[0m");
    text_add_repeated(t, ' ', width - columns);
}

/* What stands right of the bar: share, rate, time left, the number to watch. */
static void add_numbers(text *t, const nrm_progress *p, double elapsed)
{
    const bool known = p->total > 0;
    const double rate = elapsed > 0 ? (p->done - line.task_done) / elapsed : 0;

    if (known) {
        text_add(t, "%3.0f %%", 100 * fmin(p->done / p->total, 1));
    } else {
        add_count(t, p->done);
        text_add(t, " done");
    }
    if (rate > 0) {
        text_add(t, "  ");
        add_count(t, rate);
        text_add(t, "/s");
    }
    if (known && rate > 0 && elapsed > 1) {
        text_add(t, "  ETA ");
        add_time(t, fmax(p->total - p->done, 0) / rate);
    } else if (!known) {
        text_add(t, "  ");
        add_time(t, seconds_now() - line.began);
    }
    if (p->value_name && isfinite(p->value)) text_add(t, "  %s %.3g", p->value_name, p->value);
}

static void new_task(const char *task, double done)
{
    const size_t length = strlen(task);
    const size_t kept = length < sizeof line.task ? length : sizeof line.task - 1;
    memcpy(line.task, task, kept);
    line.task[kept] = '\0';
    line.task_began = seconds_now();
    line.task_done = done;
}

/* The first `most` columns of t, and the rest of the line erased. */
static void draw(text *t, int most)
{
    size_t end = 0;
    int columns = 0;
    bool escape = false;
    for (; end < t->length; end++) {
        const unsigned char c = (unsigned char)t->data[end];
        if (c == '\033') escape = true;
        if (!escape && (c & 0xC0) != 0x80 && ++columns > most) break;
        if (escape && c == 'm') escape = false;
    }
    text out = {0};
    text_add(&out, "\r");
    text_add_bytes(&out, text_string(t), end);
    text_add(&out, "\033[K");
    print_text_to(STDERR_FILENO, &out);
    text_free(&out);
    line.drawn = true;
}

static int report(void *user, const nrm_progress *p)
{
    (void)user;
    const char *task = p->task ? p->task : "";
    if (strncmp(task, line.task, sizeof line.task - 1) != 0 || p->done < line.task_done) new_task(task, p->done);
    if (seconds_now() - line.began < QUIET_SECONDS) return 0;

    const int width = terminal_width(STDERR_FILENO) - 1;
    text t = {0}, numbers = {0};
    add_numbers(&numbers, p, seconds_now() - line.task_began);
    text_add(&t, "%s  ", line.task);
    int bar = width - text_columns(t.data, t.length) - text_columns(numbers.data, numbers.length) - 4;
    if (bar > MOST_BAR) bar = MOST_BAR;
    if (p->total > 0 && bar >= LEAST_BAR) {
        add_bar(&t, fmin(fmax(p->done / p->total, 0), 1), bar);
        text_add(&t, "  ");
    }
    text_add(&t, "%s", text_string(&numbers));
    draw(&t, width);
    text_free(&t);
    text_free(&numbers);
    return 0;
}

void progress_start(nrm_ctx *ctx)
{
    if (!terminal_is(STDERR_FILENO)) return;
    line.began = seconds_now();
    line.drawn = false;
    new_task("", 0);
    clear_line = clear;
    if (nrm_set_progress(ctx, report, NULL) < 0) clear_line = NULL;
}

void progress_stop(nrm_ctx *ctx)
{
    if (clear_line) clear();
    clear_line = NULL;
    if (nrm_set_progress(ctx, NULL, NULL) < 0) return;
}
