"""Benchmarks: scripts to be run as `python -m benchmarks.speed` from the repository's root. See benchmarks/README.md."""
