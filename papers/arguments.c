/* arguments.c -- the command line of `norma reproduce`; --help is answered by the command
 * itself (cli/commands.c), from the table there. */
#define _POSIX_C_SOURCE 200809L
#include "report.h"
#include "terminal.h"
#include <errno.h>
#include <norma/method.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_known(text *t)
{
    for (int i = 0; i < nrm_paper_count(); i++) {
        const int number = nrm_paper_at(i)->number;
        if (i > 0) text_add(t, ", ");
        if (number > 0) text_add(t, "%d ", number);
        text_add_dashed(t, nrm_paper_alias(i));
    }
}

/* The implemented paper that `name` means, by number, slug or alias; -1 for none. */
static int find_paper(const char *name)
{
    char *end;
    const long number = strtol(name, &end, 10);
    for (int i = 0; i < nrm_paper_count(); i++) {
        const nrm_citation c = nrm_citation_of(nrm_paper_at(i));
        if (end != name && *end == '\0' ? number == c.number && number > 0
                                        : nrm_same_name(name, c.slug) || nrm_same_name(name, nrm_paper_alias(i)))
            return i;
    }
    return -1;
}

static int unknown_paper(const char *name)
{
    text known = {0};
    add_known(&known);
    char *end;
    const long number = strtol(name, &end, 10);
    const nrm_citation *waiting = NULL;
    for (int k = 1; k <= NRM_PAPER_COUNT; k++) {
        const nrm_citation *c = nrm_citation_at(k);
        if ((end != name && *end == '\0' && number == k) || nrm_same_name(name, c->slug)) waiting = c;
    }
    const char *near = waiting ? NULL : nrm_method_nearest(name);
    if (waiting)
        say("reproduce: paper %d (%s) is not reproduced yet; those that are: %s", waiting->number, waiting->slug,
            text_string(&known));
    else if (near && find_paper(near) >= 0)
        say("reproduce: no paper is called \"%s\"; did you mean %s?", name, near);
    else
        say("reproduce: no paper is called \"%s\"; give a number, a name or all: %s", name, text_string(&known));
    text_free(&known);
    return CLI_USAGE;
}

static bool parse_count(const char *words, uint64_t most, uint64_t *value)
{
    char *end;
    errno = 0;
    const unsigned long long number = strtoull(words, &end, 10);
    if (*words < '0' || *words > '9' || *end || errno || number > most) return false;
    *value = number;
    return true;
}

static int take_once(const char *name, bool *given)
{
    if (*given) return say_usage("reproduce: --%s is given twice; give it once", name);
    *given = true;
    return CLI_DONE;
}

/* An option that takes a value.  *used says whether the next argument was the value. */
static int take_value(nrm_arguments *a, const char *name, const char *value)
{
    uint64_t number = 0;
    if (strcmp(name, "data") == 0) {
        a->data = value;
        if (access(value, R_OK | X_OK) != 0)
            return say_usage("reproduce: --data %s cannot be read: %s", value, strerror(errno));
        return take_once(name, &a->given_data);
    }
    if (strcmp(name, "out") == 0) {
        a->out = value;
        if (!*value) return say_usage("reproduce: --out is empty; give a folder");
        return take_once(name, &a->given_out);
    }
    if (strcmp(name, "seed") == 0) {
        if (!parse_count(value, INT64_MAX, &number))
            return say_usage("reproduce: --seed is \"%s\"; it must be a whole number from 0 to %lld", value,
                             (long long)INT64_MAX);
        a->seed = number;
        return take_once(name, &a->given_seed);
    }
    if (!parse_count(value, 65536, &number))
        return say_usage("reproduce: --threads is \"%s\"; it must be a whole number from 0 (all) to 65536", value);
    a->threads = (int)number;
    return take_once(name, &a->given_threads);
}

static int take_option(nrm_arguments *a, const char *name, const char *inline_value, const char *next, bool *used)
{
    static const char *const with_value[] = {"data", "out", "seed", "threads"};
    const struct { const char *name; bool *flag, *given; } flags[] = {
        {"quick", &a->quick, &a->given_quick},
        {"json", &a->json, &a->given_json},
        {"quiet", &a->quiet, &a->given_quiet}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (strcmp(name, flags[i].name) != 0) continue;
        if (inline_value) return say_usage("reproduce: --%s takes no value", name);
        *flags[i].flag = true;
        return take_once(name, flags[i].given);
    }
    for (size_t i = 0; i < sizeof with_value / sizeof *with_value; i++) {
        if (strcmp(name, with_value[i]) != 0) continue;
        *used = !inline_value;
        const char *value = inline_value ? inline_value : next;
        if (!value) return say_usage("reproduce: --%s needs a value", name);
        return take_value(a, name, value);
    }
    return say_usage("reproduce: there is no --%s; the options are --quick --data --out --seed --threads "
                     "--json --quiet", name);
}

static int take_name(nrm_arguments *a, const char *name)
{
    if (strcmp(name, "all") == 0) {
        for (int i = 0; i < nrm_paper_count(); i++) a->chosen[i] = true;
        return CLI_DONE;
    }
    const int i = find_paper(name);
    if (i < 0) return unknown_paper(name);
    a->chosen[i] = true;
    return CLI_DONE;
}

int nrm_arguments_parse(int argc, char **argv, nrm_arguments *a)
{
    int names = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        int code = CLI_DONE;
        if (strncmp(word, "--", 2) == 0) {
            const size_t length = strcspn(word + 2, "=");
            text name = {0};
            bool used = false;
            text_add_bytes(&name, word + 2, length);
            code = take_option(a, text_string(&name), word[2 + length] ? word + 3 + length : NULL,
                               i + 1 < argc ? argv[i + 1] : NULL, &used);
            if (used) i++;
            text_free(&name);
        } else {
            code = take_name(a, word);
            names++;
        }
        if (code != CLI_DONE) return code;
    }
    if (names > 0) return CLI_DONE;
    text known = {0};
    add_known(&known);
    say("reproduce: which paper?  Give a number, a name or all: %s", text_string(&known));
    text_free(&known);
    return CLI_USAGE;
}

/* The word that chooses one: its number, or the name of a page. */
static void add_choice(text *t, const nrm_paper *paper)
{
    if (paper->number > 0) text_add(t, " %d", paper->number);
    else text_add(t, " %s", paper->slug);
}

void nrm_arguments_command(text *t, const nrm_arguments *a, const nrm_paper *paper, int threads)
{
    text_add(t, "norma reproduce");
    int chosen = 0;
    for (int i = 0; i < nrm_paper_count(); i++) chosen += a->chosen[i];
    if (paper) add_choice(t, paper);
    else if (chosen == nrm_paper_count()) text_add(t, " all");
    for (int i = 0; !paper && chosen < nrm_paper_count() && i < nrm_paper_count(); i++)
        if (a->chosen[i]) add_choice(t, nrm_paper_at(i));
    if (a->quick) text_add(t, " --quick");
    if (a->data) {
        text_add(t, " --data ");
        text_add_quoted(t, a->data);
    }
    text_add(t, " --seed %llu --threads %d", (unsigned long long)a->seed, threads);
}
