"""What the dynamic resources of every target have in common.

Their `create`, `read`, `update` and `delete` run in a process of Pulumi's that is killed with it: each is written so
that a kill at any point leaves something that the next call puts right.
"""

from typing import Any

from pulumi.dynamic import DiffResult, ResourceProvider

Props = dict[str, Any]


def differs(olds: Props, news: Props, keys: tuple[str, ...]) -> bool:
    """Whether any of the properties is not the same; `__provider`, which Pulumi adds, changes with the code alone."""
    return any(olds.get(key) != news.get(key) for key in keys)


class Provider(ResourceProvider):
    """A provider of resources that change when one of its `keys` does, and are never replaced."""

    serialize_as_secret_always = False  # the providers hold no state, so nothing to encrypt
    keys: tuple[str, ...] = ()

    def diff(self, _id: str, olds: Props, news: Props) -> DiffResult:
        return DiffResult(changes=differs(olds, news, self.keys), replaces=[])
