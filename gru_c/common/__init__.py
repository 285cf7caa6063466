"""Helpers that know nothing of networks: arrays, names, numbers, progress."""
