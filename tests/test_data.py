"""Data sets that need no download."""

import torch

from dgm_lib import data


def test_digits_are_images_with_labels() -> None:
    x, y = data.digits()
    assert x.shape == (1797, 64) and y.shape == (1797,)
    assert x.dtype == torch.float32 and y.dtype == torch.int64
    assert x.min() == 0 and x.max() == 1
    assert y.bincount().min() > 170  # ten digits, evenly


def test_a_digit_is_nearest_to_its_own_kind() -> None:
    """The pixels belong to the labels: one nearest neighbour tells nearly every digit."""
    x, y = data.digits()
    distance = torch.cdist(x, x)
    distance.fill_diagonal_(torch.inf)
    assert (y[distance.argmin(-1)] == y).double().mean() > 0.97
