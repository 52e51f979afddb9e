"""The benchmark: what the goals of speed and memory ask for, measured side by side. `python -m tests.bench --help`."""
