"""What the dynamic resources of every target have in common.

Their `create`, `read`, `update` and `delete` run in a process of Pulumi's that is killed with it: each is written so
that a kill at any point leaves something that the next call puts right.
"""

from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

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


class LookProvider(Provider):
    """Looks at the stack in every `up`, and fails it where something is not as it has to be.

    A refresh, which comes first, forgets what was found the last time; so the resource is no longer as it is wanted.
    """

    def look(self, props: Props) -> None:
        """Return where all is well; raises an error that says what is not."""
        raise NotImplementedError

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        unknown = not olds.get("held")
        return DiffResult(changes=unknown or super().diff(id_, olds, news).changes, replaces=[])

    def create(self, props: Props) -> CreateResult:
        self.look(props)
        return CreateResult(f"{props['stack']}/{props['name']}", {**props, "held": True})

    def read(self, id_: str, props: Props) -> ReadResult:
        return ReadResult(id_, {**props, "held": False})

    def update(self, _id: str, _olds: Props, news: Props) -> UpdateResult:
        self.look(news)
        return UpdateResult({**news, "held": True})
