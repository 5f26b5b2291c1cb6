from pathlib import Path

from services.collections.pending import Pending, Stamp, stamp


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def pending() -> tuple[Pending, Clock]:
    clock = Clock()
    return Pending(stable_s=0.5, longest_s=2.0, clock=clock), clock


def test_a_path_is_complete_when_it_stayed_the_same_for_long_enough() -> None:
    waiting, clock = pending()
    waiting.add(["a.md"])
    assert waiting.settled({"a.md": (1, 1)}) == []
    clock.now += 0.4
    assert waiting.settled({"a.md": (1, 1)}) == []
    clock.now += 0.1
    assert waiting.settled({"a.md": (1, 1)}) == ["a.md"]
    assert waiting.paths == ()


def test_a_file_that_grows_is_not_complete() -> None:
    waiting, clock = pending()
    waiting.add(["big.pdf"])
    for size in range(20):
        assert waiting.settled({"big.pdf": (size, size)}) == []
        clock.now += 0.4
    clock.now += 0.5
    assert waiting.settled({"big.pdf": (19, 19)}) == ["big.pdf"]


def test_an_event_alone_starts_the_wait_anew() -> None:
    waiting, clock = pending()
    waiting.add(["a.md"])
    waiting.settled({"a.md": (1, 1)})
    clock.now += 0.4
    waiting.add(["a.md"])
    clock.now += 0.4
    assert waiting.settled({"a.md": (1, 1)}) == []


def test_a_burst_is_handed_on_as_one() -> None:
    waiting, clock = pending()
    stamps: dict[str, Stamp] = {}
    for number in range(5):
        waiting.add([f"{number}.md"])
        stamps[f"{number}.md"] = (number, number)
        assert waiting.settled(stamps) == []
        clock.now += 0.3
    clock.now += 0.5
    assert waiting.settled(stamps) == [f"{number}.md" for number in range(5)]


def test_complete_files_do_not_wait_for_one_that_never_stops_growing() -> None:
    waiting, clock = pending()
    waiting.add(["done.md", "server.log"])
    taken: list[str] = []
    for tick in range(12):
        taken += waiting.settled(
            {"done.md": (1, 1), "server.log": (tick, tick)} if not taken else {"server.log": (tick, tick)}
        )
        clock.now += 0.2
    assert taken == ["done.md"]
    assert waiting.paths == ("server.log",)


def test_a_deleted_file_is_complete_too() -> None:
    waiting, clock = pending()
    waiting.add(["gone.md"])
    clock.now += 0.5
    assert waiting.settled({"gone.md": None}) == ["gone.md"]


def test_what_is_forgotten_is_not_handed_on() -> None:
    waiting, clock = pending()
    waiting.add(["a.md"])
    waiting.clear()
    clock.now += 5
    assert waiting.settled({}) == []


def test_a_stamp_tells_size_and_time_and_absence(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    assert stamp(file) is None
    file.write_text("four")
    assert stamp(file) == (4, file.stat().st_mtime_ns)
