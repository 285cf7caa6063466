"""Benchmarks: `pytest bench` for this package alone, `python -m bench.compare` beside others."""
