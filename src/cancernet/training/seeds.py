"""Seeds for the parts of a piece of work, each its own, all from one."""

import numpy as np

__all__ = ["seed_of"]


def seed_of(seed: int, *parts: int) -> int:
    """Return the seed of a part: the same for the same numbers, unrelated for others.

    Parameters
    ----------
    seed
        Of the whole, at least 0.
    parts
        Which part, at least 0 each: repeat, fold, inner fold.

    Returns
    -------
    A number from 0 to 2**31 - 1, which NumPy, scikit-learn and Keras all take.
    """
    return int(np.random.SeedSequence(seed, spawn_key=parts).generate_state(1)[0]) % 2**31
