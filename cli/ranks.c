/* ranks.c -- contract: ranks.h.
 *
 * The command does not link MPI, which takes longer to load than most calls take to run:
 * what launchers leave in the environment tells whether it is needed. */
#define _GNU_SOURCE /* RTLD_DEFAULT, dladdr */
#include "ranks.h"
#include "terminal.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef nrm_status (*create_fn)(nrm_comm **comm, const void *mpi_comm, const char **reason);

/* The first of these variables that is set, as a number; `otherwise` if none is. */
static long first_set(const char *const *names, long otherwise)
{
    for (; *names; names++) {
        const char *value = getenv(*names);
        if (value) return strtol(value, NULL, 10);
    }
    return otherwise;
}

/* Open MPI, MPICH and Intel MPI, MVAPICH; PMIx names no size, but SLURM, which offers it, does. */
static long started_ranks(void)
{
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", NULL};
    static const char *const tasks[] = {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", NULL};
    const long size = first_set(sizes, 0);
    if (size > 0) return size;
    return getenv("PMIX_RANK") ? first_set(tasks, 1) : 1;
}

static long own_rank(void)
{
    static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "PMIX_RANK", NULL};
    return first_set(ranks, 0);
}

/* The library beside libnorma, or wherever the system finds it. */
static void *open_library(void)
{
    char path[4096];
    Dl_info about;
    void *own = dlsym(RTLD_DEFAULT, "nrm_version"), *library = NULL;
    const char *end = own && dladdr(own, &about) != 0 && about.dli_fname ? strrchr(about.dli_fname, '/') : NULL;

    if (end && (size_t)(end - about.dli_fname) < sizeof path - sizeof RANKS_LIBRARY - 1) {
        snprintf(path, sizeof path, "%.*s/%s", (int)(end - about.dli_fname), about.dli_fname, RANKS_LIBRARY);
        library = dlopen(path, RTLD_NOW | RTLD_GLOBAL); /* what MPI loads itself looks for its symbols */
    }
    return library ? library : dlopen(RANKS_LIBRARY, RTLD_NOW | RTLD_GLOBAL);
}

int ranks_join(const nrm_method *method, nrm_comm **comm)
{
    const char *reason = "";
    create_fn create = NULL;

    *comm = NULL;
    if (!method->ranks || started_ranks() <= 1) return CLI_DONE;
    if (own_rank() > 0) say_nothing();
    void *library = open_library();
    void *symbol = library ? dlsym(library, "nrm_mpi_comm_create") : NULL;
    if (!symbol) {
        say("%s was started as %ld ranks, but the library that speaks MPI cannot be loaded (%s): build norma where MPI is "
            "installed, or start it without mpirun", method->name, started_ranks(), dlerror());
        return CLI_FAILED;
    }
    memcpy(&create, &symbol, sizeof create); /* ISO C has no cast from one to the other */
    if (create(comm, NULL, &reason) >= 0) return CLI_DONE;
    say("%s: %s", method->name, reason);
    return CLI_FAILED;
}
