"""Learning-rate schedules: from the fraction of the training done, in [0, 1], to a multiplier.

On the small models of this course, annealing halves to quarters the gap to the truth at no cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[float], float]


def cosine(done: float) -> float:
    """Half a cosine, ½ (1 + cos π·done): from 1 down to 0 (Loshchilov & Hutter, 2017).

    >>> cosine(0.0), round(cosine(0.5), 12), cosine(1.0)
    (1.0, 0.5, 0.0)
    """
    return (1 + math.cos(math.pi * done)) / 2


def constant(done: float) -> float:
    """No annealing."""
    return 1.0
