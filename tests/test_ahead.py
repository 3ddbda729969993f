import threading

import pytest

from cancernet.ahead import one_ahead


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
