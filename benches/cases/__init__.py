"""The rows of the benchmark, a file a family; each defines ``CASES``."""
