"""Which pods have their turn, and when: pauses double, what happens wakes, and nobody is forgotten."""

from __future__ import annotations

from yuheng.kubernetes.running.backlog import AGAIN, Backlog


def made(*keys: str) -> Backlog:
    backlog = Backlog()
    for key in keys:
        backlog.add(key, f"uid-{key}", 0.0)
    return backlog


def test_new_pods_have_their_turn_at_once():
    assert made("a", "b").due(0.0) == {"a", "b"}


def test_what_failed_is_tried_after_pauses_that_double_up_to_ten_seconds():
    backlog, now, pauses = made("a"), 0.0, []
    for _ in range(6):
        backlog.fail("a", now)
        assert not backlog.due(now)
        at = backlog.next_at(now)
        assert at is not None
        assert not backlog.due(at - 0.001)
        assert backlog.due(at) == {"a"}
        pauses.append(at - now)
        now = at
    assert pauses == [1, 2, 4, 8, 10, 10]


def test_what_was_refused_waits_for_something_to_happen_and_its_pause():
    backlog = made("a", "b")
    backlog.refuse("a", 0.0)
    assert backlog.due(5.0) == {"b"}
    backlog.wake()
    assert backlog.due(5.0) == {"a", "b"}
    backlog.refuse("a", 5.0)
    backlog.touch("a")
    assert backlog.due(6.9) == {"b"}
    assert backlog.due(7.0) == {"a", "b"}


def test_what_was_refused_is_tried_after_minutes_whatever_happened():
    backlog = made("a")
    backlog.refuse("a", 3.0)
    assert backlog.next_at(3.0) == 3.0 + AGAIN
    assert not backlog.due(2.9 + AGAIN)
    assert backlog.due(3.0 + AGAIN) == {"a"}


def test_a_pod_whose_binding_is_under_way_has_no_turn_until_it_fails():
    backlog = made("a")
    backlog.hold("a")
    backlog.wake()
    backlog.touch("a")
    assert not backlog.due(1000.0)
    assert backlog.next_at(1000.0) is None
    assert backlog.is_held("a")
    backlog.fail("a", 1000.0)
    assert backlog.due(1001.0) == {"a"}


def test_what_is_removed_is_tried_no_more_though_a_pause_was_running():
    backlog = made("a")
    backlog.fail("a", 0.0)
    assert backlog.remove("a") == (0.0, 1)
    assert not backlog.due(100.0)
    assert backlog.next_at(100.0) is None
    backlog.add("a", "another", 100.0)
    assert backlog.due(100.0) == {"a"}


def test_queues_are_counted():
    backlog = made("a", "b", "c", "d")
    backlog.fail("b", 0.0)
    backlog.refuse("c", 0.0)
    backlog.hold("d")
    assert backlog.counts(0.5) == {"active": 1, "backoff": 1, "unschedulable": 1}


def test_another_pod_of_the_same_name_has_its_turn_at_once():
    backlog = made("a")
    backlog.refuse("a", 0.0)
    backlog.add("a", "another", 0.5)
    assert backlog.due(0.5) == {"a"}
    backlog.add("a", "another", 0.6)
    backlog.hold("a")
    assert not backlog.due(10.0)


def first(backlog: Backlog, now: float, most: int = 100) -> list[str]:
    return backlog.first(now, most, lambda _: True)


def test_priority_is_first_then_who_came_first_then_age():
    backlog = Backlog()
    backlog.add("young", "u", 0.0, created=20.0)
    backlog.add("old", "u", 0.0, created=10.0)
    backlog.add("late", "u", 1.0, created=0.0)
    backlog.add("high", "u", 2.0, priority=5)
    assert first(backlog, 2.0) == ["high", "old", "young", "late"]
    assert first(backlog, 2.0, most=2) == ["high", "old"]
    assert first(backlog, 2.0) == ["high", "old", "young", "late"]


def test_who_was_refused_is_behind_those_that_came_before_its_next_turn():
    backlog = made("a")
    backlog.refuse("a", 1.0)
    backlog.add("new", "u", 2.0)
    backlog.wake()
    backlog.add("newest", "u", 3.0)
    assert first(backlog, 3.0) == ["a", "new", "newest"]
    backlog.refuse("a", 4.0)
    backlog.wake()
    assert first(backlog, 9.0) == ["new", "newest", "a"]


def test_who_is_not_ready_does_not_take_the_place_of_another():
    backlog = made(*(f"pod{i}" for i in range(10)))

    def is_ready(key: str) -> bool:
        if key < "pod5":
            backlog.pause(key, 60.0)
        return key >= "pod5"

    assert backlog.first(0.0, 3, is_ready) == ["pod5", "pod6", "pod7"]
    assert first(backlog, 0.0) == [f"pod{i}" for i in range(5, 10)]
    assert len(first(backlog, 60.0)) == 10


def test_of_pods_that_are_alike_one_is_tried_and_more_when_it_finds_room():
    backlog = made(*(f"pod{i}" for i in range(10)), "other")
    for i in range(10):
        backlog.refuse(f"pod{i}", 0.0, "of one job")
    backlog.refuse("other", 0.0, "of another")
    backlog.wake()
    tried = first(backlog, 1.0)
    assert len(tried) == 2
    assert "other" in tried
    (scout,) = set(tried) - {"other"}
    backlog.hold(scout)
    more = set(first(backlog, 1.0)) - {"other"}
    assert len(more) == 2
    for key in more:
        backlog.hold(key)
    assert len(set(first(backlog, 1.0)) - {"other"}) == 4


def test_who_is_tried_for_all_changes_so_that_nobody_rests_on_another_for_ever():
    backlog = made("a", "b", "c")
    for key in "abc":
        backlog.refuse(key, 0.0, "alike")
    tried = []
    for now in (1.0, 2.0, 3.0):
        backlog.wake()
        (scout,) = first(backlog, now)
        backlog.refuse(scout, now, "alike")
        tried.append(scout)
    assert sorted(tried) == ["a", "b", "c"]


def test_those_that_look_at_others_are_woken_when_others_come():
    backlog = made("near", "far")
    backlog.refuse("near", 0.0, "near", looks=True)
    backlog.refuse("far", 0.0, "far")
    backlog.wake_looking()
    assert first(backlog, 1.0) == ["near"]


def test_only_failed_bindings_are_paused():
    backlog = made("failed", "refused", "woken")
    backlog.fail("failed", 0.0)
    backlog.refuse("refused", 0.0, "x")
    backlog.refuse("woken", 0.0)
    backlog.touch("woken")
    assert backlog.paused(0.5) == {"failed"}
    assert not backlog.paused(1.0)


def test_turns_are_in_order_however_often_pods_are_paused_and_woken():
    backlog = made(*(f"pod{i:04}" for i in range(2000)))
    for round_ in range(5):
        for i in range(0, 2000, 2):
            backlog.pause(f"pod{i:04}", float(round_))
        assert first(backlog, float(round_), 4000) == [f"pod{i:04}" for i in range(2000)]


def test_when_the_one_that_was_to_be_tried_goes_another_is():
    backlog = made("a", "b", "c", "d")
    for key in "abcd":
        backlog.refuse(key, 0.0, "alike")
    backlog.wake()
    for gone in (backlog.remove, lambda key: backlog.park(key, 1.0)):
        (scout,) = first(backlog, 1.0)
        gone(scout)
    (third,) = first(backlog, 1.0)
    assert third in "abcd"
    backlog.refuse(third, 1.0, "alike")
    assert not first(backlog, 1.0)


def test_who_cannot_have_its_turn_is_not_tried_for_others():
    backlog = made("a", "b")
    for key in "ab":
        backlog.refuse(key, 0.0, "alike")
    backlog.park("a", 1.0)
    backlog.wake()
    assert first(backlog, 1.0) == ["b"]


def test_what_is_remembered_does_not_grow_with_the_turns():
    backlog = made("a")
    for i in range(10_000):
        backlog.refuse("a", float(i), "alike")
    assert sum(map(len, (backlog._last_tries, backlog._stuck["alike"], backlog._pauses))) < 4000
    backlog.wake()
    assert first(backlog, 20_000.0) == ["a"]
