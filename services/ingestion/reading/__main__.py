"""The reader process: reads documents that come on stdin, one after another, and answers on stdout.

A broken document may make a parser loop, take all memory or crash. Then this process ends, and nothing else.
"""

import os
import resource
import signal
import sys
from typing import BinaryIO

import orjson

from services.ingestion.reading.content import UnreadableError
from services.ingestion.reading.formats import LENGTH, Wanted, clean, read

MEMORY = 600 * 1024 * 1024  # bytes; a document that needs more is refused


def main() -> None:
    """Serve until stdin ends; the argument is how many seconds one document may take."""
    seconds = int(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which then ends this process
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the answers
    while header := _receive(sys.stdin.buffer):
        data = _receive(sys.stdin.buffer)
        signal.alarm(seconds)  # not handled: the kernel ends the process, whatever it is doing
        answer = _answer(Wanted(**orjson.loads(header)), data)
        signal.alarm(0)
        answers.write(len(answer).to_bytes(LENGTH) + answer)
        answers.flush()


def _receive(stream: BinaryIO) -> bytes:
    return stream.read(int.from_bytes(stream.read(LENGTH)))


def _answer(wanted: Wanted, data: bytes) -> bytes:
    try:
        return orjson.dumps(read(wanted, data))
    except UnreadableError as error:
        reason = str(error)
    except MemoryError:
        reason = f"needs more than {MEMORY // 2**20} MiB of memory to be read"
    except Exception as error:  # noqa: BLE001 - a reader's defect costs one document, never the others
        reason = f"cannot be read: {type(error).__name__}: {error}"
    return orjson.dumps({"reason": clean(reason)[:500]})


if __name__ == "__main__":
    main()
