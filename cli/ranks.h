/* ranks.h -- a command that was started as one of several ranks (mpirun). */
#ifndef NRM_CLI_RANKS_H
#define NRM_CLI_RANKS_H

#include <norma/comm.h>
#include <norma/method.h>

/* Where mpirun started several and the method can share its work, their communicator, by
 * libnorma-mpi; else NULL.  Ranks other than 0 say nothing from then on.  CLI_DONE, or CLI_FAILED
 * with the reason said. */
int ranks_join(const nrm_method *method, nrm_comm **comm);

#endif
