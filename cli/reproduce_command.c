/* reproduce_command.c -- norma reproduce: the reproductions have their own door. */
#include "commands.h"
#include "reproduce.h"

int run_reproduce(int argc, char **argv) { return nrm_reproduce_main(argc, argv); }
