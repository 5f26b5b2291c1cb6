from .conftest import Gateway


def test_a_minutes_requests_are_cut_exactly_at_the_limit_and_only_for_their_consumer(
    gateway: Gateway,
) -> None:
    answers = [gateway.client("few").get("/search") for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert gateway.client("app").get("/search").status_code == 200

    left = [answer.headers["x-ratelimit-remaining-minute"] for answer in answers]
    assert left == ["4", "3", "2", "1", "0", "0", "0", "0"]
    first, refused = answers[0], answers[5]
    assert first.headers["x-ratelimit-limit-minute"] == first.headers["ratelimit-limit"] == "5"
    assert (first.headers["x-ratelimit-limit-hour"], first.headers["ratelimit-remaining"]) == ("1000", "4")
    assert refused.json()["message"] == "API rate limit exceeded"
    assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"] == "12"  # 60 s / 5
    assert refused.headers["ratelimit-remaining"] == "0"
    assert "x-ratelimit-remaining-hour" not in refused.headers  # it does not count there


def test_the_hour_has_a_limit_of_its_own(gateway: Gateway) -> None:
    answers = [gateway.client("hourly").get("/search") for _ in range(9)]
    assert [answer.status_code for answer in answers] == [200] * 7 + [429] * 2
    refused = answers[-1].headers
    assert refused["retry-after"] == "515"  # 3600 s / 7
    assert (refused["ratelimit-limit"], refused["ratelimit-remaining"]) == ("7", "0")


def test_what_has_no_consumer_is_not_counted(gateway: Gateway) -> None:
    answer = gateway.client(None).get("/nowhere")
    assert not [name for name in answer.headers if "ratelimit" in name]
