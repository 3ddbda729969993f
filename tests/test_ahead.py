import os
import subprocess
import sys
import threading
import time

import pytest

from cancernet.ahead import one_ahead, processors, several_ahead


def test_items_come_in_order_and_the_next_one_is_made_meanwhile():
    made, second = [], threading.Event()

    def items():
        for number in range(5):
            made.append((number, threading.current_thread()))
            if number == 1:
                second.set()
            yield number

    stream = one_ahead(items())

    assert next(stream) == 0
    assert second.wait(10), "the second item was not made while the first one was in use"
    assert list(stream) == [1, 2, 3, 4]
    assert [number for number, _ in made] == [0, 1, 2, 3, 4]
    assert threading.main_thread() not in {thread for _, thread in made}


def test_an_error_is_raised_after_the_items_before_it():
    def items():
        yield "first"
        raise OSError("gone")

    stream = one_ahead(items())

    assert next(stream) == "first"
    with pytest.raises(OSError, match="gone"):
        next(stream)


def test_nothing_makes_nothing():
    assert list(one_ahead([])) == []


def test_several_are_made_at_once_and_come_in_order():
    together = threading.Barrier(3, timeout=10)

    def make(item):
        if item < 3:
            together.wait()  # passes only when three are under way
        time.sleep(0.001 * (7 - item))
        return item * item

    assert list(several_ahead(range(7), make, threads=3, ahead=4)) == [0, 1, 4, 9, 16, 25, 36]


def test_no_more_are_begun_than_asked_for():
    begun = []
    stream = several_ahead(iter(range(100)), lambda item: begun.append(item) or item, threads=2, ahead=3)
    assert next(stream) == 0
    stream.close()
    assert set(begun) <= set(range(4))


def test_an_error_while_making_is_raised_at_its_place():
    def make(item):
        if item == 2:
            raise OSError("gone")
        return item

    stream = several_ahead(range(50), make, threads=2, ahead=4)
    assert [next(stream), next(stream)] == [0, 1]
    with pytest.raises(OSError, match="gone"):
        next(stream)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not bind processes")
def test_a_process_that_is_bound_to_one_processor_has_one():
    assert processors() == len(os.sched_getaffinity(0))
    program = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    program += "from cancernet.ahead import processors; print(processors())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
