"""What CI holds against what it was: a short load by the SLO, then the cheap ratios by their baseline, on one stack."""

import subprocess
import sys

from benchmarks.stack import standing

CHECKS = (("loadtests", "run", "--shape", "guard"), ("benchmarks", "guard"))


def main() -> int:
    """Run both, whatever the first one says; returns 1 where one does not pass."""
    with standing("plain") as stack:
        statuses = [
            subprocess.run([sys.executable, "-m", *check, "--stack", stack.name], check=False).returncode
            for check in CHECKS
        ]
    return int(any(statuses))


if __name__ == "__main__":
    sys.exit(main())
