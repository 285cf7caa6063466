"""Models that run one time step at a time."""
