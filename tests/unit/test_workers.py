"""Threads that finish before they begin, shared memory, stage times."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from facesort.workers import Budget, StageTimes, Workers

PATIENCE = 10.0  # seconds; far more than anything here takes


def test_every_step_is_done_and_gives_its_result():
    with Workers(3, name="test") as workers:
        futures = [workers.submit(0, partial(pow, n, 2)) for n in range(50)]
        assert [future.result(PATIENCE) for future in futures] == [n * n for n in range(50)]


def test_what_a_step_raises_is_raised_where_its_result_is_asked_for_and_the_thread_lives_on():
    def fail() -> None:
        raise KeyError("photo")

    with Workers(1, name="test") as workers:
        failing, next_one = workers.submit(0, fail), workers.submit(0, lambda: "fine")
        with pytest.raises(KeyError, match="photo"):
            failing.result(PATIENCE)
        assert next_one.result(PATIENCE) == "fine"


def test_the_lowest_rank_is_done_first_and_equal_ranks_in_their_order():
    done: list[str] = []
    begin = threading.Event()
    with Workers(1, name="test") as workers:
        workers.submit(5, lambda: begin.wait(PATIENCE))  # keeps the only thread busy meanwhile
        time.sleep(0.05)
        futures = [
            workers.submit(rank, partial(done.append, label))
            for rank, label in ((1, "photo 1"), (1, "photo 2"), (0, "batch 1"), (0, "batch 2"))
        ]
        begin.set()
        for future in futures:
            future.result(PATIENCE)
    assert done == ["batch 1", "batch 2", "photo 1", "photo 2"]


def test_leaving_cancels_what_has_not_begun_and_waits_for_what_has():
    begun, ended = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        time.sleep(0.2)
        ended.set()

    with Workers(1, name="test") as workers:
        workers.submit(0, slow)
        waiting = workers.submit(0, lambda: None)
        assert begun.wait(PATIENCE)
    assert ended.is_set()
    assert waiting.cancelled()


def test_a_budget_is_never_exceeded_by_those_who_share_it():
    budget, lock, held, most = Budget(10), threading.Lock(), 0, 0

    def hold(amount: int) -> None:
        nonlocal held, most
        with budget.hold(amount):
            with lock:
                held += amount
                most = max(most, held)
            time.sleep(0.002)
            with lock:
                held -= amount

    threads = [threading.Thread(target=hold, args=(1 + n % 6,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert held == 0
    assert 6 < most <= 10


def test_who_needs_more_than_the_budget_works_alone():
    budget = Budget(10)
    entered = threading.Event()
    budget.acquire(1)

    def hold() -> None:
        with budget.hold(25):
            entered.set()

    thread = threading.Thread(target=hold)
    thread.start()
    assert not entered.wait(0.1)
    budget.release(1)
    assert entered.wait(PATIENCE)
    thread.join(PATIENCE)


def test_lifting_the_budget_lets_those_pass_who_wait():
    budget = Budget(10)
    budget.acquire(10)
    thread = threading.Thread(target=lambda: budget.acquire(10))
    thread.start()
    budget.lift()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_stage_times_add_up_over_threads():
    ticks = iter(range(100))
    times = StageTimes(clock=lambda: float(next(ticks)))
    for _ in range(3):
        with times.measure("decode"):
            pass
    with pytest.raises(ValueError, match="damaged"), times.measure("detect"):
        raise ValueError("damaged")
    assert times.seconds == {"decode": 3.0, "detect": 1.0}
