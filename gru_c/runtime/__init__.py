"""Settings of the process: threads, BLAS, OpenMP; and the configuration of the installation."""
