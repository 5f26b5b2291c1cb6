import pytest

from infra.migrate import run, with_password


def test_the_password_goes_into_the_url_quoted() -> None:
    assert with_password("postgresql://me@127.0.0.1:1/rag", "a/b@c") == "postgresql://me:a%2Fb%40c@127.0.0.1:1/rag"


def test_a_failing_step_ends_the_job_with_its_status() -> None:
    with pytest.raises(SystemExit) as ended:
        run(["sh", "-c", "exit 7"])
    assert ended.value.code == 7


def test_a_step_sees_what_it_is_given() -> None:
    run(["sh", "-c", 'test "$DATABASE_URL" = x'], DATABASE_URL="x")
