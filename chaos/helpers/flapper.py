"""Turn a proxy off and on again, over and over: `flapper TOKEN API-PORT PROXY OFF-SECONDS ON-SECONDS`.

Ends when its input does. The proxy stays as it is at that moment: whoever heals puts it right.
"""

import select
import sys
from contextlib import suppress
from itertools import cycle

from chaos import helpers
from chaos.toxiproxy import Toxiproxy, ToxiproxyError


def main() -> None:
    """Begin with off; an API that is away for a while is tried again at the next turn."""
    _token, port, proxy, off_s, on_s = sys.argv[1:]
    toxiproxy = Toxiproxy(int(port))
    helpers.ready()
    rest_s = 0.0
    for enabled, next_rest_s in cycle([(False, float(off_s)), (True, float(on_s))]):
        if select.select([sys.stdin], [], [], rest_s)[0]:
            return
        with suppress(ToxiproxyError):
            toxiproxy.enable(proxy, enabled)
        rest_s = next_rest_s


if __name__ == "__main__":
    main()
