"""Remove a test's stack when the tests end: their end of this process's input closes however they end."""

import signal
import sys
from pathlib import Path

from tests.stacks import remove

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests; this cleans up after them
    sys.stdin.read()
    remove(*map(Path, sys.argv[1:4]))
