"""A trained model one time step at a time."""
