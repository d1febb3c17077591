/* arguments.c -- argv to a call: names found in the descriptor, values handed to the
 * library, which checks them and has the words for what is wrong. */
#include "run.h"
#include "describe.h"
#include "terminal.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_NAME = 128 };

/* "--name=value" apart; value is NULL where there is no '='. */
typedef struct argument {
    char name[LONGEST_NAME];
    const char *value;
} argument;

static int split(const run *r, const char *word, argument *a)
{
    const nrm_method *m = r->method;
    if (word[0] == '-' && word[1] != '-' && word[1] != '\0')
        return say_usage("%s has no option '%s'; names take two dashes: -%s", m->name, word, word);
    if (word[0] != '-' || word[1] == '\0') {
        if (m->input_count == 0)
            return say_usage("%s: '%s' stands without a name; 'norma help %s' shows the names", m->name, word, m->name);
        return say_usage("%s: '%s' stands without a name; write --%s %s", m->name, word, m->inputs[0].name, word);
    }
    if (word[2] == '\0') return say_usage("%s: '--' is not needed; every value has a name", m->name);
    word += 2;
    const size_t length = strcspn(word, "=");
    if (length == 0 || length >= sizeof a->name)
        return say_usage("%s has no parameter '--%.40s'; 'norma help %s' shows what it takes", m->name, word, m->name);
    memcpy(a->name, word, length);
    a->name[length] = '\0';
    a->value = word[length] == '=' ? word + length + 1 : NULL;
    return CLI_DONE;
}

static int find_option(const char *name)
{
    for (int i = 0; i < METHOD_OPTION_COUNT; i++)
        if (nrm_same_name(method_options[i].name + 2, name)) return i;
    return -1;
}

/* ---- Options of every method ------------------------------------------------------------- */

static int take_seed(run *r, const char *value)
{
    char *end = NULL;
    errno = 0;
    r->seed = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end || errno)
        return say_usage("seed is '%s'; it must be a whole number from 0 to %" PRIu64, value, UINT64_MAX);
    return CLI_DONE;
}

/* More threads than this never helps, and the system may refuse to make them. */
static long most_threads(void)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors > 8 ? 8 * processors : 64;
}

static int take_threads(run *r, const char *value)
{
    char *end = NULL;
    errno = 0;
    const long threads = strtol(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end || errno || threads > most_threads())
        return say_usage("threads is '%s'; it must be a whole number from 0 (all) to %ld", value, most_threads());
    r->threads = (int)threads;
    return CLI_DONE;
}

static int take_option(run *r, int id, const char *value)
{
    if (r->given[id]) return say_usage("%s is given twice; give it once", method_options[id].name);
    r->given[id] = true;
    switch (id) {
    case OPTION_SEED: return take_seed(r, value);
    case OPTION_THREADS: return take_threads(r, value);
    case OPTION_SAVE_PROBLEM:
        if (!*value) return say_usage("--save-problem needs the name of a file");
        r->save_problem = value;
        return CLI_DONE;
    default: return CLI_DONE;
    }
}

/* ---- Ports and parameters ----------------------------------------------------------------- */

static int told(const run *r, nrm_status status)
{
    if (status >= 0) return CLI_DONE;
    say("%s", nrm_message(r->ctx));
    return exit_code_of(status);
}

static int take_output(run *r, int i, const char *path)
{
    const nrm_method *m = r->method;
    if (!*path) return say_usage("%s: the path for %s is empty; give a file or -", m->name, m->outputs[i].name);
    const nrm_status st = nrm_call_want(r->call, m->outputs[i].name);
    if (st < 0) return told(r, st);
    for (int k = 0; k < m->output_count; k++) {
        if (!r->paths[k] || strcmp(r->paths[k], path) != 0) continue;
        return say_usage("%s: %s and %s would both be written to %s; give each its own", m->name,
                         m->outputs[k].name, m->outputs[i].name, strcmp(path, "-") == 0 ? "standard output" : path);
    }
    r->paths[i] = path;
    return CLI_DONE;
}

/* The guess is among all that could stand there: ports, parameters, options of every method. */
static int unknown_name(const run *r, const char *name)
{
    enum { MOST = 256 };
    const nrm_method *m = r->method;
    const char *words[MOST + 1] = {NULL};
    int count = 0;

    for (int i = 0; i < m->input_count && count < MOST; i++) words[count++] = m->inputs[i].name;
    for (int i = 0; i < m->output_count && count < MOST; i++) words[count++] = m->outputs[i].name;
    for (int i = 0; i < m->param_count && count < MOST; i++) words[count++] = m->params[i].name;
    for (int i = 0; i < METHOD_OPTION_COUNT && count < MOST; i++) words[count++] = method_options[i].name + 2;
    const char *near = nrm_nearest(name, words);
    if (near) return say_usage("%s has no parameter '%s'; did you mean '%s'?", m->name, name, near);
    return say_usage("%s has no parameter '%s'; 'norma help %s' shows what it takes", m->name, name, m->name);
}

/* What a name stands for, and so whether a value follows. */
typedef enum meaning { IS_OPTION, IS_INPUT, IS_OUTPUT, IS_PARAM, IS_FLAG, IS_NO_FLAG, IS_UNKNOWN } meaning;

static meaning look_up(const run *r, const char *name, int *index, const nrm_param **param)
{
    const nrm_method *m = r->method;
    if ((*index = find_option(name)) >= 0) return IS_OPTION;
    if ((*index = nrm_port_find(m->inputs, m->input_count, name)) >= 0) return IS_INPUT;
    if ((*index = nrm_port_find(m->outputs, m->output_count, name)) >= 0) return IS_OUTPUT;
    if ((*param = nrm_param_find(m, name)) != NULL) return (*param)->kind == NRM_KIND_FLAG ? IS_FLAG : IS_PARAM;
    if (strncmp(name, "no-", 3) == 0 || strncmp(name, "no_", 3) == 0) {
        *param = nrm_param_find(m, name + 3);
        if (*param && (*param)->kind == NRM_KIND_FLAG) return IS_NO_FLAG;
    }
    return IS_UNKNOWN;
}

static int take_one(run *r, const argument *a, meaning what, int index, const nrm_param *param, const char *value)
{
    switch (what) {
    case IS_OPTION: return take_option(r, index, value);
    case IS_INPUT:
        r->inputs_given[index] = true;
        return told(r, nrm_call_input_path(r->call, r->method->inputs[index].name, value));
    case IS_OUTPUT: return take_output(r, index, value);
    case IS_PARAM: return told(r, nrm_call_set(r->call, param->name, value));
    case IS_FLAG: return told(r, nrm_call_set(r->call, param->name, a->value ? a->value : "true"));
    case IS_NO_FLAG:
        if (a->value) return say_usage("%s: --%s takes no value", r->method->name, a->name);
        return told(r, nrm_call_set(r->call, param->name, "false"));
    default: return unknown_name(r, a->name);
    }
}

static int needs_value(const run *r, const argument *a, meaning what, const nrm_param *param)
{
    const char *m = r->method->name;
    if (what == IS_INPUT) return say_usage("%s: --%s needs a value: a file, - or a literal such as '[1,2,3]'", m, a->name);
    if (what == IS_OUTPUT) return say_usage("%s: --%s needs a value: a file or -", m, a->name);
    if (what == IS_PARAM && param->kind == NRM_KIND_TEXT)
        return say_usage("%s: --%s needs a value; one that begins with -- is joined: --%s=%s", m, a->name, a->name,
                         param_placeholder(param));
    return say_usage("%s: --%s needs a value", m, a->name);
}

int take_run_arguments(run *r, int argc, char **argv, bool replayed)
{
    for (int i = 0; i < argc; i++) {
        argument a;
        int index = -1;
        const nrm_param *param = NULL;
        int code = split(r, argv[i], &a);
        if (code != CLI_DONE) return code;

        const meaning what = look_up(r, a.name, &index, &param);
        const bool takes_value = what == IS_INPUT || what == IS_OUTPUT || what == IS_PARAM ||
                                 (what == IS_OPTION && method_options[index].value != VALUE_NONE);
        const char *value = a.value;
        if (replayed && (what == IS_INPUT || what == IS_PARAM || what == IS_FLAG || what == IS_NO_FLAG))
            return say_usage("replay: '%s' is in the saved problem; only outputs and options may be given", a.name);
        if (what == IS_OPTION && !takes_value && value)
            return say_usage("%s: %s takes no value", r->method->name, method_options[index].name);
        if (takes_value && !value) {
            if (i + 1 == argc || strncmp(argv[i + 1], "--", 2) == 0)
                return needs_value(r, &a, what, param);
            value = argv[++i];
        }
        if (what == IS_FLAG && !value && i + 1 < argc && argv[i + 1][0] != '-')
            return say_usage("%s: --%s takes its value after '=': --%s=true, or --no-%s", r->method->name, a.name,
                             a.name, a.name);
        code = take_one(r, &a, what, index, param, value);
        if (code != CLI_DONE) return code;
    }
    return CLI_DONE;
}
