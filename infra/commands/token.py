"""Print a token with which a consumer may call the gateway: export TOKEN=$(make -s token).

It is signed with the consumer's secret as the stack has it now.
"""

import argparse

from infra import workspace
from infra.gateway.tokens import TokenError, mint, secret_name


def arguments(parser: argparse.ArgumentParser) -> None:
    """Whose token, and for how long."""
    parser.add_argument("--consumer", help="who calls (default: the stack's first consumer)")
    parser.add_argument("--hours", type=float, default=24, help="until it expires (default: 24)")


def run(parsed: argparse.Namespace) -> int:
    """Print the token alone."""
    outputs = workspace.outputs(parsed.stack)
    if "gateway" not in outputs:
        raise workspace.WorkspaceError(f"stack {parsed.stack} is not up; `make up` starts it")
    consumers = outputs["consumers"]
    consumer = parsed.consumer or consumers[0]
    if consumer not in consumers:
        raise TokenError(f"there is no consumer {consumer!r}; there are {', '.join(consumers)}")
    print(mint(consumer, outputs["secrets"][secret_name(consumer)], lifetime_s=int(parsed.hours * 3600)))
    return 0
