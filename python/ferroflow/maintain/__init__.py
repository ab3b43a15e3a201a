"""Maintenance: what happens to models after they are trained."""
