"""Expressions of columns: read from Python's syntax, never run as Python."""
