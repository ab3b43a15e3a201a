"""Deployment: a trained pipeline becomes a file, and the file becomes a service."""
