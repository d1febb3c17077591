/* norma/norma.h -- everything: the shared floor and every method. */
#ifndef NORMA_NORMA_H
#define NORMA_NORMA_H

#include <norma/array.h>
#include <norma/call.h>
#include <norma/comm.h>
#include <norma/core.h>
#include <norma/graph.h>
#include <norma/io.h>
#include <norma/lewis_weights.h>
#include <norma/linf_regression.h>
#include <norma/lp_coreset.h>
#include <norma/lp_regression.h>
#include <norma/method.h>
#include <norma/nn.h>
#include <norma/optim.h>
#include <norma/optim_distributed.h>
#include <norma/optimizer_step.h>
#include <norma/orthogonalize.h>
#include <norma/private_protocol.h>
#include <norma/private_sparse_regression.h>
#include <norma/program.h>
#include <norma/row_sketch.h>
#include <norma/select_columns.h>
#include <norma/softmax.h>
#include <norma/sparse_ot.h>
#include <norma/top_eigenvector.h>
#include <norma/train.h>
#include <norma/volume_sampling.h>
#include <norma/weighted_least_squares.h>

#endif
