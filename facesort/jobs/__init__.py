"""The long jobs: scan, group, export, sheets and benchmarks, each one use case of the library."""
