"""The bookkeeping of a finite mixture: its parameters in any precision, its labels, its blocks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from dgm_lib.targets import arguments

_BLOCK = 2**18  # numbers, points times components, that are in hand at a time


class Components:
    """K weighted components, each of which may belong to one of k labels.

    The tables `shares` and `log_shares` (k + 1, K) hold what each component weighs given each label
    and, in the last row, in the whole law: to condition on a label is to use its row.
    """

    def __init__(
        self, d: int, weights: Tensor, component_labels: Tensor | None, **parameters: Tensor
    ) -> None:
        self.d = d
        self._component_labels = component_labels
        members, shares = _tables(weights, component_labels)
        self._n_labels = len(members)
        self._parameters = dict(
            parameters, weights=weights, members=members, shares=shares, log_shares=shares.log()
        )
        self._casts: dict[tuple[torch.device, torch.dtype], SimpleNamespace] = {}
        for dtype in (torch.float32, torch.float64):
            self._keep(torch.device("cpu"), dtype)

    def _component_log_prob(self, x: Tensor) -> Tensor:
        """log p_k(x) of all K components, `(*batch, d) -> (*batch, K)`."""
        raise NotImplementedError

    def _points(self, x: Tensor) -> Tensor:
        x = arguments.tensor("x", x)
        if not x.is_floating_point():
            raise ValueError(f"x must hold floating-point numbers, got {x.dtype}")
        if x.ndim == 0 or x.shape[-1] != self.d:
            raise ValueError(f"x must have shape (*batch, {self.d}), got {tuple(x.shape)}")
        return x

    def _need_labels(self) -> None:
        if not self._n_labels:
            raise ValueError(f"label must be None: {self!r} has no labels")

    def _row(self, label: object) -> int | Tensor:
        """The row of `shares` for this label: a label is its own row, None the last."""
        if label is None:
            return -1
        self._need_labels()
        return _checked(label, self._n_labels)

    def _matched(self, x: Tensor, label: object) -> tuple[Tensor, int | Tensor]:
        """x and the row of its label, both checked and of one batch shape."""
        x, row = self._points(x), self._row(label)
        if isinstance(row, Tensor):
            batch = common_shape(row.shape, "x's batch", x.shape[:-1])
            x, row = x.expand(*batch, self.d), row.to(x.device).expand(batch)
        return x, row

    def _weighted(self, x: Tensor, row: int | Tensor) -> Tensor:
        """log w_k p_k(x) of all components, `(*batch, K)`."""
        return self._component_log_prob(x) + self._at(x).log_shares[row]

    def _blockwise(
        self, function: Callable[[Tensor, int | Tensor], Tensor], x: Tensor, label: object
    ) -> Tensor:
        """function(x, row) in parts that fit a CPU's cache, which is up to 20 times faster."""
        x, row = self._matched(x, label)
        size = max(_BLOCK // self._parameters["weights"].numel(), 1)
        batch = x.shape[:-1]
        if x.device.type != "cpu" or batch.numel() <= size:
            return function(x, row)
        rows = row.flatten().split(size) if isinstance(row, Tensor) else itertools.repeat(row)
        parts = [function(*part) for part in zip(x.reshape(-1, self.d).split(size), rows)]
        return torch.cat(parts).unflatten(0, batch)

    def _at(self, x: Tensor) -> SimpleNamespace:
        """The parameters in the precision and on the device of x."""
        return self._casts.get((x.device, x.dtype)) or self._cast(x.device, x.dtype)

    def _keep(self, device: torch.device, dtype: torch.dtype) -> None:
        """Have the parameters at hand in this form, the only ones that are kept.

        To keep what `_at` casts would keep whatever it runs in: the wrapped tensors of torch.func,
        and fake ones.
        """
        if (device, dtype) not in self._casts:
            cast = self._cast(device, dtype)
            self._casts[cast.weights.device, dtype] = cast  # x on "cuda" is on "cuda:0"

    def _cast(self, device: torch.device, dtype: torch.dtype) -> SimpleNamespace:
        with torch.inference_mode(False):  # tensors born in it could not meet autograd later
            cast = {k: v.to(device, dtype, copy=True) for k, v in self._parameters.items()}
        return SimpleNamespace(**cast)


def relative(log_w: Tensor) -> tuple[Tensor, Tensor]:
    """exp(log_w) over the largest of each row, and the log of that, `(*batch, K), (*batch, 1)`.

    Next to the largest, which is 1, nothing below e^-80 counts; but further down, where numbers
    are subnormal, a CPU takes twenty times as long for each.
    """
    top = log_w.detach().amax(dim=-1, keepdim=True)
    return (log_w - top).clamp(min=-80).exp(), top


def _tables(weights: Tensor, component_labels: Tensor | None) -> tuple[Tensor, Tensor]:
    """Which components each label has, `(k, K)` zeros and ones, and what each component weighs
    given each label, with its weight in the whole law as one more row, `(k + 1, K)`."""
    if component_labels is None:
        return weights.new_zeros(0, len(weights)), weights[None]
    members = torch.nn.functional.one_hot(component_labels).double().T
    joint = members * weights
    total = joint.sum(dim=1, keepdim=True)
    # In a label of weight zero no component outweighs another: they share equally.
    within = torch.where(total > 0, joint / total, members / members.sum(dim=1, keepdim=True))
    return members, torch.cat([within, weights[None]])


def _checked(label: object, n: int) -> int | Tensor:
    """A label, or a tensor of them, each from 0 to n - 1."""
    label = arguments.integers("label", label)
    if label.numel() and not 0 <= label.min() <= label.max() < n:
        found = f"{label.min()} to {label.max()}" if label.ndim else f"{label}"
        raise ValueError(f"label must be from 0 to {n - 1}, got {found}")
    return label if label.ndim else int(label)


def common_shape(labels: torch.Size, other: str, theirs: torch.Size) -> torch.Size:
    """The shape that labels and something else broadcast to."""
    try:
        return torch.broadcast_shapes(labels, theirs)
    except RuntimeError:
        message = f"label must fit {other} {tuple(theirs)}, got shape {tuple(labels)}"
        raise ValueError(message) from None
