"""Runs a component's own module with a defect: `python -m chaos.sabotage DEFECT MODULE [ARGUMENTS]`.

DEFECT is `file:function` below `chaos.sabotage.defects`. The fault `Program` starts components so.
"""

import runpy
import sys
from pkgutil import resolve_name


def main() -> None:
    """Put the defect in and become the module."""
    _, defect, module, *arguments = sys.argv
    resolve_name(f"chaos.sabotage.defects.{defect}")()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
