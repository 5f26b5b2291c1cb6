import pytest

from infra.policy.images import Image, parsed


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("redis", Image("docker.io", "redis", "", "")),
        ("breakwater/query:0.1.0", Image("docker.io", "breakwater/query", "0.1.0", "")),
        ("ghcr.io/shopify/toxiproxy:2.12.0", Image("ghcr.io", "shopify/toxiproxy", "2.12.0", "")),
        (
            "images.lan:5000/breakwater/query:1@sha256:ab",
            Image("images.lan:5000", "breakwater/query", "1", "sha256:ab"),
        ),
        ("localhost/query", Image("localhost", "query", "", "")),
    ],
)
def test_a_name_is_read_as_a_docker_engine_reads_it(name: str, parts: Image) -> None:
    assert parsed(name) == parts
