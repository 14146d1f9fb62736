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
