"""Run a program of the tests under mpiexec: python mpi_programs.py PROGRAM FILE [ARGUMENTS].

Every rank writes what the program returns to FILE.RANK, as a pickle.
"""

import pickle
import sys

import mpi_agreement
import mpi_faults
import mpi_training


def main(name, path, *arguments):
    from gru_c.distributed import DataParallel

    modules = (mpi_training, mpi_faults, mpi_agreement)
    program = next(vars(module)[name] for module in modules if name in vars(module))
    parallel = DataParallel()
    result = program(parallel, *arguments)
    with open(f"{path}.{parallel.rank}", "wb") as file:
        pickle.dump(result, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
