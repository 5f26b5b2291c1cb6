"""What stands in the model server's place: answers GETs with known bytes, and has a process of its own beside it."""

import http.server
import subprocess
import sys

from infra.targets.local.launch import die_with_parent

BODY = bytes(index % 251 for index in range(30_000))


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with as many bytes of BODY as the path says, as in `/100`; with none to any other path."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        count = int(self.path[1:]) if self.path[1:].isdigit() else 0
        self.send_response(200)
        self.send_header("Content-Length", str(count))
        self.end_headers()
        self.wfile.write(BODY[:count])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


if __name__ == "__main__":
    with http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        subprocess.Popen(["sleep", "600"], preexec_fn=die_with_parent)  # noqa: PLW1509 - there is no other thread yet
        server.serve_forever()
