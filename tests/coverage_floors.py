"""Hold each part of the code to its coverage floor: the design's targets, by folder."""

import json
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

FLOORS = {  # pattern of files, per cent of lines and branches
    "services/*/routes*.py": 90,
    "services/common/middleware/*.py": 80,
    "services/*": 90,
    "infra/*": 70,
    "chaos/*": 70,
    "loadtests/*": 70,
    "benchmarks/*": 70,
    "conformance/*": 70,
}


def main() -> int:
    """Combine what the layers measured and compare; 1 if any part is below its floor."""
    subprocess.run(["coverage", "combine", "--quiet", "--keep"], check=False)
    subprocess.run(["coverage", "json", "--quiet", "-o", "reports/coverage.json"], check=True)
    files = json.loads(Path("reports/coverage.json").read_text())["files"]
    failed = False
    for pattern, floor in FLOORS.items():
        summaries = [data["summary"] for name, data in files.items() if fnmatch(name, pattern)]
        covered = sum(s["covered_lines"] + s["covered_branches"] for s in summaries)
        total = sum(s["num_statements"] + s["num_branches"] for s in summaries)
        share = 100 * covered / total if total else 0.0
        failed |= share < floor
        print(f"{pattern:36} {share:5.1f} % of at least {floor} %{'' if share >= floor else '  TOO LOW'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
