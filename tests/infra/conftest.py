"""A stack to a file: files run beside each other, on both cores."""

from collections.abc import Iterator

import pytest

from tests.stacks import Stack, few_documents, temporary_stack

UP = ("up", "--yes", "--skip-preview", "--suppress-outputs")
PREVIEW = ("preview", "--expect-no-changes")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with temporary_stack(**few_documents(tmp_path_factory.mktemp("data"))) as made:
        up = made.pulumi(*UP)
        assert up.returncode == 0, up.stdout + up.stderr
        yield made
