"""What every target law has: exact density, score, labels, samples, entropy and modes."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.targets import arguments, peaks
from dgm_lib.targets.components import Components, common_shape, relative
from dgm_lib.targets.entropy import Entropy, monte_carlo
from dgm_lib.targets.tilted import Tilted

_ENTROPY_SAMPLES = 200_000


class Target(Components):
    """A law p(x) = sum_k w_k p_k(x) on R^d, known exactly.

    Each component k may belong to a label y, which makes it a joint law of (x, y): everything takes
    an optional `label`, and means the law given that label when it is there.

    The parameters are kept in double precision. Densities are computed in the precision and on the
    device of x; samples come in the target's own `dtype` (float32 unless changed by `to`) and on
    its own `device`.

    A family says what its components are by three methods (`_component_log_prob`,
    `_component_sample`, `_starts`), and what it knows in closed form by overriding others.
    """

    name: str
    d: int
    mode_scale: float | None = None  # standard deviation around a mode where there is one

    def __init__(
        self, d: int, weights: Tensor, component_labels: Tensor | None, **parameters: Tensor
    ) -> None:
        super().__init__(d, weights, component_labels, **parameters)
        self.dtype, self.device = torch.float32, torch.device("cpu")
        self.named(type(self).__name__, d=d)
        self._facts: dict[str, object] = {}  # found when asked for, shared with copies

    # ------------------------------------------------------------------ density

    def log_prob(self, x: Tensor, label: int | Tensor | None = None) -> Tensor:
        """log p(x), or log p(x | label), in nats, `(*batch, d) -> (*batch,)`."""

        def block(x: Tensor, row: int | Tensor) -> Tensor:
            shares, top = relative(self._weighted(x, row))
            log_p = shares.sum(dim=-1).log() + top.squeeze(-1)
            # So far out that numbers overflow, inf - inf would hide that p is 0.
            overflown = log_p.isnan() & ~x.isnan().any(dim=-1)
            return log_p.masked_fill(overflown, -math.inf)

        return self._blockwise(block, x, label)

    def score(self, x: Tensor, label: int | Tensor | None = None) -> Tensor:
        """The score: the gradient of log p(x), or log p(x | label), `(*batch, d) -> (*batch, d)`.

        It can be differentiated again where x requires a gradient.
        """
        x, _ = self._matched(x, label)
        follow = torch.is_grad_enabled() and x.requires_grad
        with torch.inference_mode(False), torch.enable_grad():
            at = x if follow else x.clone().detach().requires_grad_()
            total = self.log_prob(at, label).sum()
            return torch.autograd.grad(total, at, create_graph=follow)[0]

    def posterior(self, x: Tensor) -> Tensor:
        """p(y | x) for every label y, `(*batch, d) -> (*batch, k)`."""
        self._need_labels()

        def block(x: Tensor, row: int) -> Tensor:
            shares, _ = relative(self._weighted(x, row))
            return shares / shares.sum(dim=-1, keepdim=True) @ self._at(x).members.T

        return self._blockwise(block, x, None)

    def tilted(self, label: int, w: float) -> Tilted:
        """The law p(x) p(label | x)^w / Z, which guidance with the weight w aims at."""
        return Tilted(self, label, w)

    # ------------------------------------------------------------------ samples

    def sample(
        self,
        shape: int | tuple[int, ...] = (),
        generator: torch.Generator | None = None,
        label: int | Tensor | None = None,
    ) -> Tensor:
        """Independent draws from p(x), or p(x | label), `(*shape, d)`.

        A label tensor must broadcast to `shape`. A generator of another device draws there, so
        that one seed gives the same points on every device.
        """
        return self._draw(shape, generator, label)[0]

    def sample_labelled(
        self, shape: int | tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Independent draws (x, y) from the joint law, `(*shape, d)` and `(*shape,)`."""
        self._need_labels()
        x, component = self._draw(shape, generator, None)
        return x, self._component_labels.to(component.device)[component]

    def _draw(
        self, shape: int | tuple[int, ...], generator: torch.Generator | None, label: object
    ) -> tuple[Tensor, Tensor]:
        shape = arguments.shape("shape", shape)
        generator = arguments.generator("generator", generator)
        device = self.device if generator is None else generator.device
        row, like = self._row(label), torch.empty(0, dtype=self.dtype, device=device)
        n, shares = shape.numel(), self._at(like).shares
        if isinstance(row, Tensor):
            if common_shape(row.shape, "shape", shape) != shape:
                raise ValueError(f"shape must be that of label or larger, got {tuple(shape)}")
            n_each, rows = 1, shares[row.to(device).expand(shape).flatten()]
        else:
            n_each, rows = n, shares[row]
        if n == 0:  # which multinomial refuses
            component = like.long()
        else:
            component = rows.multinomial(n_each, replacement=True, generator=generator).flatten()
        x = self._component_sample(component, like, generator)
        return x.reshape(*shape, self.d).to(self.device), component.reshape(shape).to(self.device)

    # ------------------------------------------------------------------ facts

    @property
    def entropy(self) -> Entropy:
        """-E[log p(x)] in nats; it says `how` it was obtained, and its error `stderr`."""
        return self._once("entropy", self._entropy)

    @property
    def modes(self) -> Tensor:
        """The local maxima of p, `(k, d)`; on a flat ridge, one point stands for all of it."""
        return self._own(self._once("modes", self._modes))

    @property
    def labels(self) -> Tensor | None:
        """The labels 0, ..., k-1, or None where there are none."""
        return torch.arange(self._n_labels, device=self.device) if self._n_labels else None

    @property
    def label_weights(self) -> Tensor:
        """p(y), `(k,)`."""
        self._need_labels()
        return self._own(self._parameters["members"] @ self._parameters["weights"])

    @property
    def box(self) -> Tensor:
        """Rows (low, high), `(d, 2)`: all but 1e-5 of the mass is inside."""
        return self._own(self._once("box", self._box))

    @property
    def mean(self) -> Tensor:
        """E[x], `(d,)`, exact; `NotImplementedError` where there is no closed form."""
        return self._own(self._mean())

    @property
    def covariance(self) -> Tensor:
        """Cov[x], `(d, d)`, exact; `NotImplementedError` where there is no closed form."""
        return self._own(self._covariance())

    # ------------------------------------------------------------------ housekeeping

    def to(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> Target:
        """A copy whose samples and facts come on this device and in this precision."""
        moved = copy.copy(self)
        moved.device = self.device if device is None else torch.device(device)
        moved.dtype = self.dtype if dtype is None else arguments.floating("dtype", dtype)
        moved._keep(moved.device, moved.dtype)
        return moved

    def named(self, name: str, **settings: object) -> Target:
        """This target, with the name and the settings that its repr shall show."""
        self.name, self._settings = name, settings
        return self

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={_show(v)}' for k, v in self._settings.items())})"

    def _once(self, name: str, compute: Callable[[], object]) -> object:
        if name not in self._facts:
            with torch.inference_mode(False), torch.no_grad():
                self._facts[name] = compute()
        return self._facts[name]

    def _own(self, value: Tensor) -> Tensor:
        return value.to(dtype=self.dtype).to(self.device, copy=True)

    # ------------------------------------------------------------------ what a family fills in

    def _component_sample(
        self, component: Tensor, like: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        """One draw of each of these components, `(n,) -> (n, d)`, in the precision of `like`."""
        raise NotImplementedError

    def _box(self) -> Tensor:
        raise NotImplementedError

    def _entropy(self) -> Entropy:
        double = self.to("cpu", torch.float64)
        seed = torch.Generator().manual_seed(0)
        return monte_carlo(double.log_prob, double.sample((_ENTROPY_SAMPLES,), seed))

    def _modes(self) -> Tensor:
        starts, reach = self._starts()
        return peaks.find(self.log_prob, self.score, starts, reach)

    def _starts(self) -> tuple[Tensor, float]:
        """Where the search for modes starts, (n, d), and the size of the smallest feature."""
        raise NotImplementedError

    def _mean(self) -> Tensor:
        raise NotImplementedError(f"the mean of {self!r} has no closed form here")

    def _covariance(self) -> Tensor:
        raise NotImplementedError(f"the covariance of {self!r} has no closed form here")


def _show(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_show, value))})"
    return f"{value:g}" if isinstance(value, float) else str(value)
