from benchmarks.benchmark import QUICK, Bench, Effort, catalogue
from benchmarks.figures import Figure


def test_what_is_compared_takes_turns_and_the_order_alternates() -> None:
    order: list[str] = []

    def measure(name: str) -> int:
        order.append(name)
        return len(order)

    taken = Bench(QUICK).in_turn({"a": lambda: measure("a"), "b": lambda: measure("b")}, rounds=3)
    assert "".join(order) == "abbaab"
    assert taken == {"a": [1, 4, 5], "b": [2, 3, 6]}


def test_the_effort_says_how_many_rounds_there_are() -> None:
    assert len(Bench(QUICK).in_turn({"a": lambda: 0})["a"]) == QUICK.rounds


def test_benchmarks_that_need_the_same_stack_come_one_after_the_other() -> None:
    stacks = [one.stack for one in catalogue().values()]
    assert stacks == sorted(stacks, key=[None, "plain", "proxied"].index)
    assert all(one.title for one in catalogue().values())


def test_what_the_middleware_costs_is_told_for_each_and_for_all_together() -> None:
    figures: list[Figure] = list(catalogue()["middleware"].measure(Bench(Effort(1, 0.0))))
    together, *each = figures
    assert together.name == "with all / without any"
    assert together.estimate.median > 1
    assert {"RequestId", "Access"} <= {figure.name for figure in each}
