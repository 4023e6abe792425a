"""Data sets that need no download."""

from typing import NamedTuple

import torch
from sklearn.datasets import load_digits
from torch import Tensor


class Digits(NamedTuple):
    """Handwritten digits: `x` (1797, 64) with values in [0, 1], `y` (1797,) with values 0 to 9."""

    x: Tensor
    y: Tensor


def digits() -> Digits:
    """The 8×8 handwritten digits that ship with scikit-learn, one image a row.

    Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI repository, 1998.

    >>> x, y = digits()
    >>> x.shape, x.min().item(), x.max().item()
    (torch.Size([1797, 64]), 0.0, 1.0)
    """
    try:
        raw = load_digits()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            "the digits are a file of scikit-learn, which is not there any more: install it anew "
            "by `pip install --force-reinstall --no-deps scikit-learn`"
        ) from error
    x = torch.as_tensor(raw.data / 16.0, dtype=torch.get_default_dtype())
    return Digits(x, torch.as_tensor(raw.target, dtype=torch.long))
