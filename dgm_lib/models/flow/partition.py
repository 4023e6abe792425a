"""The two parts of a coupling layer's coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dgm_lib.core import tensor
from dgm_lib.nets.fixed import fix


class Partition(nn.Module):
    """Splits points by a mask `(d,)` into kept (True) and moved coordinates, and joins them.

    Where the mask changes its value only once this is a split and a concatenation, which are much
    cheaper than selecting by index, forward and backward.
    """

    def __init__(self, mask: Tensor | Sequence[bool]) -> None:
        super().__init__()
        mask = _checked(tensor("mask", mask, "cpu"))
        fix(self, "mask", mask)
        self.keeps = mask.tolist()
        d = len(self.keeps)
        # The part that coordinate 0 is in comes first, so that halves need no reordering.
        order = sorted(range(d), key=lambda i: self.keeps[i] != self.keeps[0])
        self.in_place = order == list(range(d))
        self.register_buffer("order", torch.tensor(order))
        self.register_buffer("back", torch.tensor(order).argsort())
        self.kept = sum(self.keeps)
        self.moved = d - self.kept
        self.sizes = (self.kept, self.moved) if self.keeps[0] else (self.moved, self.kept)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The kept and the moved coordinates, `(*batch, d) -> (*batch, kept), (*batch, moved)`."""
        if not self.in_place:
            x = x.index_select(-1, self.order)
        first, second = x.split(self.sizes, dim=-1)
        return (first, second) if self.keeps[0] else (second, first)

    def join(self, kept: Tensor, moved: Tensor) -> Tensor:
        """The points that split into these."""
        x = torch.cat((kept, moved) if self.keeps[0] else (moved, kept), dim=-1)
        return x if self.in_place else x.index_select(-1, self.back)


def _checked(mask: Tensor) -> Tensor:
    if mask.dtype != torch.bool or mask.ndim != 1 or mask.all() or not mask.any():
        raise ValueError(
            "mask must hold a bool for each of d ≥ 2 coordinates, some True (they pass) and some "
            f"False (they move), got {mask.tolist()}"
        )
    return mask
