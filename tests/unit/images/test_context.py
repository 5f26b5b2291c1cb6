from pathlib import Path

from tests.unit.images.dockerfile import context, instructions, stages

KEPT_OUT = (
    *(
        ".git/config",
        ".env",
        ".breakwater/passphrase",
        ".venv/pyvenv.cfg",
        ".tools/bin/pulumi",
        ".github/workflows/ci.yml",
    ),
    *("Pulumi.yaml", "Pulumi.prod.yaml", "collections-config.json", "reports/run.html", "docs/secrets.md"),
    *("tests/unit/test_one.py", "chaos/stack.py", "infra/secret.py", "infra/workspace.py", "infra/targets/secrets.py"),
    *("services/.env", "services/query/.env", "services/query/__pycache__/main.pyc", "services/query/.cache/answer"),
    *("infra/.coverage.1", "infra/qdrant/.secret", "infra/__pycache__/models.pyc", "images/.token", "migrations/.env"),
)
LET_IN = (
    *("Dockerfile", ".dockerignore", "pyproject.toml", "images/install", "images/services.lock"),
    *("services/__init__.py", "services/query/main.py", "services/ingestion/reading/pdf.py"),
    *("infra/__init__.py", "infra/models.py", "infra/migrate.py", "infra/settings.py", "infra/topology.py"),
    "infra/qdrant/view.py",
    "migrations/1_schema.sql",
)


def test_secrets_state_history_and_tests_stay_out_of_the_build_and_what_it_needs_is_let_in(tmp_path: Path) -> None:
    for name in (*KEPT_OUT, *LET_IN):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert context(tmp_path) == set(LET_IN)


def test_of_this_checkout_only_code_migrations_and_locks_are_let_in() -> None:
    sent = context()
    assert {file.rpartition("/")[2].rpartition(".")[2] for file in sent if file.startswith(("services", "infra"))} == {
        "py"
    }
    assert {file for file in sent if not file.startswith(("services/", "infra/"))} == {
        *(".dockerignore", "Dockerfile", "pyproject.toml", "images/install"),
        *(f"images/{name}.{kind}" for name in ("services", "ingestion", "jobs") for kind in ("in", "lock")),
        *(str(file) for file in sent if file.startswith("migrations/") and file.endswith(".sql")),
    }


def test_everything_that_a_stage_copies_is_let_in() -> None:
    sent = context()
    copied = [
        source
        for stage in stages().values()
        for copy in stage.arguments("COPY")
        if not copy.startswith("--from")
        for source in copy.split()[:-1]
    ]
    assert copied
    for source in copied:
        assert any(file == source or file.startswith(f"{source}/") for file in sent), source


def test_nothing_is_added_but_by_copying() -> None:
    assert "ADD" not in {name for name, _ in instructions()}
