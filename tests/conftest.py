import signal


def pytest_configure():
    """Undo what a shell does to commands in its background, so that tests of Ctrl-C mean the same there."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
