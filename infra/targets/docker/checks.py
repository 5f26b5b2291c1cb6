"""Health checks by what the images have in them."""

from infra.targets.docker.container import Check


def bash(port: int, path: str, start_s: int) -> Check:
    """GET `path` by Bash itself, in the images that have neither curl nor wget: Qdrant's and Kong's."""
    request = (
        f"exec 3<>/dev/tcp/127.0.0.1/{port} && "
        f"printf 'GET {path} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200'"
    )
    return Check(("CMD", "bash", "-c", request), start_s)


def wget(port: int, path: str, start_s: int) -> Check:
    """GET `path` by Busybox's wget: Prometheus, Alertmanager, Grafana."""
    return Check(("CMD", "wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{port}{path}"), start_s)


def python(port: int, path: str, start_s: int) -> Check:
    """GET `path` by Python, as the Dockerfile's own check of a service does."""
    program = (
        "import sys; from http.client import HTTPConnection; "
        f"c = HTTPConnection('127.0.0.1', {port}); c.request('GET', '{path}'); sys.exit(c.getresponse().status != 200)"
    )
    return Check(("CMD", "python", "-IS", "-c", program), start_s)


def command(*words: str, start_s: int, interval_s: int = 5) -> Check:
    """A program of the image's own."""
    return Check(("CMD", *words), start_s, interval_s)
