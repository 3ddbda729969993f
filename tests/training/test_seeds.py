from itertools import product

import pytest

from cancernet.training import seed_of


@pytest.mark.parametrize("seed", [0, 1, 20251122, 2**32 - 1])
def test_parts_have_seeds_of_their_own_that_libraries_take(seed):
    parts = [seed_of(seed), *(seed_of(seed, *part) for part in product(range(12), range(10)))]
    assert len(set(parts)) == 121
    assert all(0 <= part < 2**31 for part in parts)


def test_the_order_of_parts_matters_and_seeds_stay_the_same():
    assert seed_of(7, 1, 2) == seed_of(7, 1, 2)
    assert seed_of(7, 1, 2) != seed_of(7, 2, 1)
