/* describe.c -- the kinds of optimizers as JSON.  Contract: norma/optim.h. */
#include "method/call_impl.h"
#include "optim.h"

static json_t *kind_json(const nrm_rule *rule)
{
    const nrm_method *m = rule->method;
    json_t *object = json_object(), *list = json_array();
    nrm_optimizer_options defaults;

    nrm_options_default(m, &defaults);
    json_object_set_new(object, "name", json_string(m->name));
    json_object_set_new(object, "summary", json_string(m->summary));
    json_object_set_new(object, "matrices", json_boolean(rule->matrix));
    json_object_set_new(object, "options_size", json_integer((json_int_t)m->options_size));
    for (int i = 0; i < m->param_count; i++) json_array_append_new(list, nrm_param_json(&m->params[i], &defaults));
    json_object_set_new(object, "parameters", list);
    return object;
}

nrm_status nrm_optimizers_json(nrm_ctx *ctx, char **json)
{
    NRM_REQUIRE(ctx, json, NRM_E_NULL, "optimizer: nowhere to put the text");
    json_t *list = json_array();
    for (int i = 0; i < nrm_optimizer_kind_count; i++)
        json_array_append_new(list, kind_json(nrm_optimizer_rule((nrm_optimizer_kind)i)));
    return nrm_json_text(ctx, list, json);
}
