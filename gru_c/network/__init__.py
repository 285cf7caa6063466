"""Layers in a row that compute, and their states."""
