"""A pass of a GRU over sequences: which time steps, which tape, one call of the core."""
