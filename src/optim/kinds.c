/* kinds.c -- the kinds of optimizers and their options, by name.  Contract: norma/optim.h. */
#include "optim.h"
#include <stdio.h>

static const nrm_rule *const rules[] = {
    [NRM_OPTIMIZER_SGD] = &nrm_sgd_rule, [NRM_OPTIMIZER_ADAMW] = &nrm_adamw_rule, [NRM_OPTIMIZER_MUON] = &nrm_muon_rule,
    [NRM_OPTIMIZER_NORMUON] = &nrm_normuon_rule, [NRM_OPTIMIZER_ROOT] = &nrm_root_rule,
    [NRM_OPTIMIZER_AUON] = &nrm_auon_rule, [NRM_OPTIMIZER_HYBRID_AUON] = &nrm_hybrid_auon_rule,
    [NRM_OPTIMIZER_LION] = &nrm_lion_rule,
    [NRM_OPTIMIZER_DCT_ADAMW] = &nrm_dct_adamw_rule, [NRM_OPTIMIZER_TRION] = &nrm_trion_rule,
    [NRM_OPTIMIZER_GALORE] = &nrm_galore_rule, [NRM_OPTIMIZER_LDADAM] = &nrm_ldadam_rule,
    [NRM_OPTIMIZER_FRUGAL] = &nrm_frugal_rule, [NRM_OPTIMIZER_FIRA] = &nrm_fira_rule, [NRM_OPTIMIZER_DION] = &nrm_dion_rule};
_Static_assert(NRM_COUNT(rules) == nrm_optimizer_kind_count, "every kind has a rule");

const nrm_rule *nrm_optimizer_rule(nrm_optimizer_kind kind)
{
    return (int)kind >= 0 && (int)kind < NRM_COUNT(rules) ? rules[kind] : NULL;
}

const char *nrm_optimizer_kind_name(nrm_optimizer_kind kind)
{
    const nrm_rule *rule = nrm_optimizer_rule(kind);
    return rule ? rule->method->name : "unknown";
}

bool nrm_optimizer_kind_takes_matrices(nrm_optimizer_kind kind)
{
    const nrm_rule *rule = nrm_optimizer_rule(kind);
    return rule && rule->matrix;
}

nrm_status nrm_optimizer_find_rule(nrm_ctx *ctx, nrm_optimizer_kind kind, const nrm_rule **rule)
{
    *rule = nrm_optimizer_rule(kind);
    NRM_REQUIRE(ctx, *rule, NRM_E_ARGUMENT, "optimizer: kind is %d; it must be one of nrm_optimizer_kind, 0 to %d",
                (int)kind, nrm_optimizer_kind_count - 1);
    return NRM_OK;
}

nrm_status nrm_optimizer_kind_find(nrm_ctx *ctx, const char *name, nrm_optimizer_kind *kind)
{
    const char *names[NRM_COUNT(rules) + 1] = {NULL};
    char list[256] = "";

    NRM_REQUIRE(ctx, name && kind, NRM_E_NULL, "optimizer: name and kind must not be NULL");
    for (int i = 0; i < NRM_COUNT(rules); i++) {
        names[i] = rules[i]->method->name;
        if (nrm_same_name(names[i], name)) {
            *kind = (nrm_optimizer_kind)i;
            return NRM_OK;
        }
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = nrm_nearest(name, names);
    return nrm_fail(ctx, NRM_E_ARGUMENT, "optimizer: '%s' is not known; it must be one of %s%s%s%s", name, list,
                    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

const nrm_param *nrm_optimizer_params(nrm_optimizer_kind kind, int *count)
{
    const nrm_rule *rule = nrm_optimizer_rule(kind);
    if (count) *count = rule ? rule->method->param_count : 0;
    return rule ? rule->method->params : NULL;
}

nrm_status nrm_optimizer_options_init(nrm_ctx *ctx, nrm_optimizer_kind kind, nrm_optimizer_options *options)
{
    const nrm_rule *rule;
    NRM_REQUIRE(ctx, options, NRM_E_NULL, "optimizer: options must not be NULL");
    NRM_TRY(nrm_optimizer_find_rule(ctx, kind, &rule));
    nrm_options_default(rule->method, options);
    return NRM_OK;
}

nrm_status nrm_optimizer_options_set(nrm_ctx *ctx, nrm_optimizer_kind kind, nrm_optimizer_options *options,
                                     const char *name, const char *text)
{
    enum { MOST = 32 };
    const char *names[MOST + 1] = {NULL};
    const nrm_rule *rule;
    nrm_optimizer_options fresh;

    NRM_REQUIRE(ctx, options && name && text, NRM_E_NULL, "optimizer: options, name and text must not be NULL");
    NRM_TRY(nrm_optimizer_find_rule(ctx, kind, &rule));
    const nrm_method *method = rule->method;
    NRM_REQUIRE(ctx, options->size == method->options_size, NRM_E_ARGUMENT,
                "%s: options.size is %zu; make the options with nrm_optimizer_options_init", method->name, options->size);
    for (int i = 0; i < method->param_count && i < MOST; i++) names[i] = method->params[i].name;
    const nrm_param *param = nrm_param_find(method, name);
    if (!param) {
        char list[MOST * 24] = "";
        for (int i = 0; names[i]; i++) {
            const size_t used = strlen(list);
            snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
        }
        const char *near = nrm_nearest(name, names);
        return nrm_fail(ctx, NRM_E_ARGUMENT, "%s: there is no option '%s'; there are %s%s%s%s", method->name, name, list,
                        near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
    }
    fresh = *options;
    NRM_TRY(nrm_option_from_text(ctx, method, param, text, &fresh));
    *options = fresh;
    return NRM_OK;
}

nrm_status nrm_optimizer_options_parse(nrm_ctx *ctx, nrm_optimizer_kind kind, nrm_optimizer_options *options, const char *text)
{
    static const char BETWEEN[] = ", \t\n";
    enum { LONGEST = 256 };
    char pair[LONGEST];
    nrm_optimizer_options fresh;

    NRM_REQUIRE(ctx, options && text, NRM_E_NULL, "optimizer: options and text must not be NULL");
    fresh = *options;
    for (const char *at = text + strspn(text, BETWEEN); *at; at += strspn(at, BETWEEN)) {
        const size_t length = strcspn(at, BETWEEN);
        NRM_REQUIRE(ctx, length < LONGEST, NRM_E_ARGUMENT, "%s: an option of %zu characters begins with '%.20s'; write name=value, "
                    "at most %d long", nrm_optimizer_kind_name(kind), length, at, LONGEST - 1);
        memcpy(pair, at, length);
        pair[length] = '\0';
        char *equals = strchr(pair, '=');
        NRM_REQUIRE(ctx, equals, NRM_E_ARGUMENT, "%s: '%s' is not an option with a value; write name=value",
                    nrm_optimizer_kind_name(kind), pair);
        *equals = '\0';
        NRM_TRY(nrm_optimizer_options_set(ctx, kind, &fresh, pair, equals + 1));
        at += length;
    }
    *options = fresh;
    return NRM_OK;
}
