"""The errors a person can mend: each message says what is wrong, where, and what to do about it."""


class WorkflowError(ValueError):
    """A stage could not do its work; the command line prints the message and leaves with exit code 1."""


class DataError(WorkflowError):
    """The data cannot be read, or are not what the configuration says."""


class ConfigError(WorkflowError):
    """``workflow.toml`` has an unknown key or a wrong value; the message names the key."""
