"""Blocks that were decoded last, and the gate of a slide."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import numpy as np

from cancernet.slides.reading.gate import Gate
from cancernet.slides.reading.recent import Recent


def test_what_was_asked_last_is_held():
    made = []

    def make(key: int) -> np.ndarray:
        made.append(key)
        return np.full(100, key, dtype=np.uint8)

    recent = Recent(300)
    for key in (1, 2, 3, 1, 4, 1, 2):
        assert (recent.get(key, lambda key=key: make(key)) == key).all()
    assert made == [1, 2, 3, 4, 2]  # 1 was used again before 4 came, 2 had to go
    recent.clear()
    recent.get(1, lambda: make(1))
    assert made[-1] == 1


def test_what_is_too_large_is_not_held():
    recent, made = Recent(50), []
    for _ in range(2):
        recent.get(1, lambda: made.append(1) or np.zeros(51, dtype=np.uint8))
    assert made == [1, 1]


def test_many_threads():
    recent = Recent(10_000)
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda n: recent.get(n % 150, lambda: np.full(100, n % 150, dtype=np.uint8))[0], range(3000))
        assert list(found) == [n % 150 for n in range(3000)]
    assert recent._bytes == sum(array.nbytes for array in recent._held.values()) <= 10_000


def test_the_gate_waits_for_those_inside():
    gate, entered, leave = Gate(), Event(), Event()

    def stay() -> None:
        with gate.inside() as open_:
            assert open_
            entered.set()
            leave.wait(5)

    reader = Thread(target=stay)
    reader.start()
    entered.wait(5)
    closer = Thread(target=gate.shut)
    closer.start()
    closer.join(0.05)
    assert closer.is_alive()
    with gate.inside() as open_:
        assert not open_
    leave.set()
    closer.join(5)
    assert not closer.is_alive()
    reader.join()
    assert not gate.shut()
