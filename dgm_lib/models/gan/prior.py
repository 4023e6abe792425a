"""Laws of the latent z: noise, codes that are to mean something, and both side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.distributions import Distribution
from torch.nn.functional import one_hot

from dgm_lib.core import RandomStream, whole
from dgm_lib.core import shape as checked_shape
from dgm_lib.nets.inputs import drawing_device, require_points


class StandardNormal:
    """N(0, I) in d dimensions: what a generator makes its samples from, unless told otherwise."""

    def __init__(self, d: int) -> None:
        self.d = whole("d", d)

    def sample(self, shape: tuple[int, ...] = (), generator: Generator | None = None) -> Tensor:
        """Independent draws, `(*shape, d)`."""
        sizes = (*checked_shape("shape", shape), self.d)
        return torch.randn(sizes, generator=generator, device=drawing_device(generator, "cpu"))

    def log_prob(self, z: Tensor) -> Tensor:
        """-‖z‖²/2 - d/2 · log 2π, `(*batch, d) -> (*batch,)`."""
        require_points(z, self.d, "z")
        return -0.5 * z.square().sum(dim=-1) - 0.5 * self.d * math.log(2 * math.pi)


class Codes:
    """Codes c = (one-hot blocks, numbers): each block uniform, each number uniform in (-1, 1).

    `categories` has the size of each block; c is `(*batch, sum of sizes + continuous)`, blocks
    first. `entropy` is in nats, with the differential one of the numbers.

    >>> codes = Codes(categories=(10,), continuous=2)
    >>> codes.d, round(codes.entropy, 3)  # log 10 + 2 log 2
    (12, 3.689)
    """

    def __init__(self, categories: Sequence[int] = (10,), continuous: int = 0) -> None:
        if not isinstance(categories, Sequence):
            raise ValueError(f"categories must be a sequence of sizes, got {categories!r}")
        self.categories = tuple(whole("a size in categories", k, at_least=2) for k in categories)
        self.continuous = whole("continuous", continuous, at_least=0)
        self.d = whole("categories and continuous, together,", sum(self.categories) + continuous)
        self.entropy = sum(map(math.log, self.categories)) + self.continuous * math.log(2)

    def sample(self, shape: tuple[int, ...] = (), generator: Generator | None = None) -> Tensor:
        """Independent draws, `(*shape, d)`."""
        batch, device = checked_shape("shape", shape), drawing_device(generator, "cpu")
        numbers = 2 * torch.rand(*batch, self.continuous, generator=generator, device=device) - 1
        chosen = [
            torch.randint(k, batch, generator=generator, device=device) for k in self.categories
        ]
        blocks = [one_hot(i, k).to(numbers) for i, k in zip(chosen, self.categories)]
        return torch.cat([*blocks, numbers], dim=-1)

    def split(self, c: Tensor) -> tuple[Tensor, ...]:
        """The blocks of c, one after another, and the numbers (`(*batch, 0)` if there are none)."""
        require_points(c, self.d, "c")
        return c.split([*self.categories, self.continuous], dim=-1)


class Joint:
    """Independent laws side by side, z = (z₁, z₂, ...): codes and noise, for an InfoGAN.

    >>> z = Joint(Codes((3,)), StandardNormal(2)).sample((5,))
    >>> z.shape, z[:, :3].sum(dim=-1)
    (torch.Size([5, 5]), tensor([1., 1., 1., 1., 1.]))
    """

    def __init__(self, *laws) -> None:
        if not laws or not all(hasattr(law, "sample") and hasattr(law, "d") for law in laws):
            raise ValueError(f"laws must have sample and d, at least one of them, got {laws!r}")
        self.laws = laws
        self.d = sum(law.d for law in laws)

    def sample(self, shape: tuple[int, ...] = (), generator: Generator | None = None) -> Tensor:
        """Independent draws, `(*shape, d)`."""
        return torch.cat([draw(law, shape, generator) for law in self.laws], dim=-1)

    def split(self, z: Tensor) -> tuple[Tensor, ...]:
        """The part of z that is each law's."""
        require_points(z, self.d, "z")
        return z.split([law.d for law in self.laws], dim=-1)


def draw(law, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
    """Draws of a law, which may be one of `torch.distributions`."""
    shape = checked_shape("shape", shape)
    if generator is None:
        return law.sample(shape)
    if not isinstance(law, Distribution):
        return law.sample(shape, generator=generator)
    # They have no argument for a generator: let ours seed a stream of their own.
    seed = torch.randint(2**62, (), generator=generator, device=drawing_device(generator, "cpu"))
    with RandomStream(seed.item()):
        return law.sample(shape)
