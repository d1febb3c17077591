/* norma/mpi.h -- the ranks of MPI as a communicator (norma/comm.h).  It is in the library
 * libnorma-mpi, so that programs without MPI do not load it:
 *
 *     nrm_comm *comm;
 *     const char *reason;
 *     if (nrm_mpi_comm_create(&comm, NULL, &reason) < 0) ...
 *     nrm_set_comm(ctx, comm);
 *     nrm_train(ctx, ...);
 *     nrm_comm_destroy(comm);
 */
#ifndef NORMA_MPI_H
#define NORMA_MPI_H

#include <norma/comm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A communicator over a copy of *mpi_comm (the address of an MPI_Comm; NULL: MPI_COMM_WORLD).
 * MPI is initialised if it is not yet; then the last such communicator ends MPI when it is
 * destroyed.  All ranks of *mpi_comm must call this.  NRM_E_NULL, _NOMEM, _RANGE (more ranks
 * than NRM_COMM_MOST), _UNSUPPORTED (MPI gives no thread support, or was ended), _IO;
 * *reason (may be NULL) is the sentence. */
NRM_API NRM_NODISCARD nrm_status nrm_mpi_comm_create(nrm_comm **comm, const void *mpi_comm, const char **reason);

/* End the processes of all ranks: for a rank that failed where the others wait for it. */
NRM_API void nrm_mpi_abort(nrm_comm *comm, int code);

#ifdef __cplusplus
}
#endif
#endif
