"""The workflow, one module per stage, from the raw table to the frozen model."""
