/* refusal_kit.h -- builders that must refuse. */
#ifndef NRM_REFUSAL_KIT_H
#define NRM_REFUSAL_KIT_H

#include "testkit.h"
#include <norma/graph.h>

/* The graph of one builder call is refused with a sentence that holds `piece`. */
#define KIT_REFUSED(ctx, status, piece, declarations, call)   \
    do {                                                      \
        nrm_graph *g;                                         \
        assert_ok(ctx, nrm_graph_create(ctx, &g));            \
        declarations;                                         \
        assert_false(nrm_node_valid(call));                   \
        assert_status(ctx, nrm_graph_check(g), status);       \
        assert_message(ctx, piece);                           \
        nrm_graph_destroy(g);                                 \
    } while (0)

#endif
