"""The spline law: a monotone rational-quadratic spline, flexible and inverted in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dgm_lib.core import whole
from dgm_lib.models.flow import rational
from dgm_lib.models.flow.by_hand import Pullback, by_hand
from dgm_lib.models.flow.inputs import steered
from dgm_lib.nets.inputs import positive


@dataclass(frozen=True)
class Spline:
    """A monotone rational-quadratic spline of `bins` pieces on [-bound, bound], else the identity.

    In a bin of width w and height h with slopes d₀ and d₁ at its ends, where θ in [0, 1] is the
    place in it, s = h/w and u = 1 - θ,

        z = z₀ + h (s θ² + d₀ θu) / (s + (d₀ + d₁ - 2s) θu).

    The first `bins - 1` parameters are log-slopes at the inner knots, then come `bins` logits of
    the widths and `bins` of log h/w. Each acts within ±`limit`, smoothly: d stays between
    exp(±limit) and h/w between exp(±2 limit), no bin vanishes, and a stack can be inverted in
    single precision. (Durkan et al., 2019.)

    >>> spline = Spline(bins=4, bound=3.0)
    >>> x, params = torch.tensor([-5.0, 0.5, 2.0]), torch.randn(3, spline.size)
    >>> z, ladj = spline.forward(x, params)
    >>> torch.allclose(spline.inverse(z, params)[0], x, atol=1e-5)
    True
    """

    bins: int = 8
    bound: float = 4.0
    limit: float = 3.0

    def __post_init__(self) -> None:
        whole("bins", self.bins)
        for name in ("bound", "limit"):
            positive(name, getattr(self, name))

    @property
    def size(self) -> int:
        """How many parameters it takes per coordinate."""
        return 3 * self.bins - 1

    def forward(self, x: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """z and log|∂z/∂x|."""
        return by_hand(self.fast, self.plain, x, self._rows("x", x, params))

    def inverse(self, z: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """x and log|∂x/∂z|."""
        rows = self._rows("z", z, params)
        y, is_inside = self._unit(z)
        bins = rational.find(y, rows, self.limit, axis=1)
        t, ladj = rational.inverse(y, bins)
        return torch.addcmul(z, is_inside, t - y, value=2 * self.bound), ladj * is_inside

    def plain(self, x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """`forward` with the parameters in front, `(size, *batch, d)`, differentiated by torch."""
        return self._forward(x, rows)[0]

    def fast(self, x: Tensor, rows: Tensor) -> tuple[tuple[Tensor, Tensor], Pullback]:
        """`plain`, and its gradient by hand: see `by_hand`."""
        outputs, is_inside, *found = self._forward(x, rows)

        def pullback(z_bar: Tensor, ladj_bar: Tensor) -> tuple[Tensor, Tensor]:
            y_bar = is_inside * z_bar * (2 * self.bound)
            t_bar, rows_bar = rational.pull(y_bar, is_inside * ladj_bar, *found)
            return torch.add(z_bar, t_bar - y_bar, alpha=0.5 / self.bound), rows_bar

        return outputs, pullback

    def _forward(self, x: Tensor, rows: Tensor) -> tuple:
        t, is_inside = self._unit(x)
        bins = rational.find(t, rows, self.limit, axis=0)
        y, log_slope, piece = rational.forward(t, bins)
        # In this form, y = t gives back x to its last digit.
        z = torch.addcmul(x, is_inside, y - t, value=2 * self.bound)
        return (z, log_slope * is_inside), is_inside, bins, piece

    def _unit(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The place in [-½, ½], and 1 for what lies between the bounds, 0 for what does not."""
        place = x * (0.5 / self.bound)
        t = place.clamp(-0.5, 0.5)
        return t, (place == t).to(x.dtype)

    def _rows(self, name: str, x: Tensor, params: Tensor) -> Tensor:
        return steered(name, x, params, self.size).movedim(-1, 0)
