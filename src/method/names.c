/* names.c -- names of methods, ports and parameters: compared and found. */
#include "descriptor.h"

bool nrm_same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        const char x = *a == '_' ? '-' : *a, y = *b == '_' ? '-' : *b;
        if (x != y) return false;
    }
    return *a == *b;
}

const nrm_param *nrm_param_find(const nrm_method *method, const char *name)
{
    for (int i = 0; i < method->param_count; i++)
        if (nrm_same_name(method->params[i].name, name)) return &method->params[i];
    return NULL;
}

int nrm_port_find(const nrm_port *ports, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (nrm_same_name(ports[i].name, name)) return i;
    return -1;
}

bool nrm_param_required(const nrm_param *p)
{
    return (p->kind == NRM_KIND_F64 && isnan(p->f64_default)) ||
           (p->kind == NRM_KIND_I64 && p->i64_default == NRM_REQUIRED_I64) ||
           (p->kind == NRM_KIND_TEXT && p->text_default && strcmp(p->text_default, NRM_REQUIRED_TEXT) == 0);
}
