"""Fitted steps as ops of the model file: a family a module."""
