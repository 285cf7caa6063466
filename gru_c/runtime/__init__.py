"""The process: threads, BLAS, OpenMP, the configuration that was found."""
