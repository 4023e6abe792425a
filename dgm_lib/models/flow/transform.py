"""Invertible maps: the contract, the composition, and the exchange of the two directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor, nn

from dgm_lib.nets.inputs import module, require_floats

Pair = tuple[Tensor, Tensor]


class Transform(nn.Module):
    """An invertible map from data to latent, which knows how it changes volumes.

    `forward(x)` returns z = f(x) and log|det ∂z/∂x|; `inverse(z)` returns x = f⁻¹(z) and
    log|det ∂x/∂z|. The points are `(*batch, d)`, the log-determinants `(*batch,)`, or a Python
    number for all of the points: a tensor without axes could be a sum over the batch, and is an
    error. A map may depend on a context `(*batch, c)`, and one that does not ignores it.

    >>> class Double(Transform):
    ...     def forward(self, x, context=None):
    ...         return 2 * x, torch.full(x.shape[:-1], x.shape[-1] * math.log(2))
    ...     def inverse(self, z, context=None):
    ...         return z / 2, torch.full(z.shape[:-1], -z.shape[-1] * math.log(2))
    >>> import math, torch
    >>> Double().inverse(torch.tensor([2.0, 4.0]))
    (tensor([1., 2.]), tensor(-1.3863))
    """

    d: int | None = None  # of the points; None for any
    context: int | None = None  # of the context; None where it is not declared

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        raise NotImplementedError(f"{type(self).__name__} needs forward(x) -> (z, ladj)")

    def inverse(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The way back, `(*batch, d) -> (*batch, d), (*batch,)`."""
        raise NotImplementedError(f"{type(self).__name__} needs inverse(z) -> (x, ladj)")

    @property
    def inv(self) -> Inverse:
        """The same map with its two directions exchanged; it shares the parameters."""
        return Inverse(self)


class Inverse(Transform):
    """A transform with its directions exchanged: what was cheap to sample is cheap to score."""

    def __init__(self, transform: nn.Module) -> None:
        super().__init__()
        self.transform = module("transform", transform)
        self.d, self.context = dimension([transform]), context_size([transform])

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.transform.inverse(x, *_given(context))

    def inverse(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.transform(z, *_given(context))

    @property
    def inv(self) -> nn.Module:
        return self.transform


class Chain(Transform):
    """The composition f_n ∘ … ∘ f_1: forward applies the first transform first.

    Its log-determinant is the sum of theirs. It has a length, can be iterated over, and a slice
    of it is a Chain that shares its parameters.
    """

    def __init__(self, transforms: Iterable[nn.Module] = ()) -> None:
        super().__init__()
        self.transforms = nn.ModuleList(_modules(transforms))
        self.d, self.context = dimension(self.transforms), context_size(self.transforms)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        ladj = require_floats(x, "x").new_zeros(x.shape[:-1])
        for transform in self.transforms:
            x, change = _checked(transform(x, *_given(context)), x, transform)
            ladj = ladj + change
        return x, ladj

    def inverse(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        ladj = require_floats(z, "z").new_zeros(z.shape[:-1])
        for transform in reversed(self.transforms):
            z, change = _checked(transform.inverse(z, *_given(context)), z, transform)
            ladj = ladj + change
        return z, ladj

    def path(self, x: Tensor, context: Tensor | None = None) -> Iterator[Tensor]:
        """The points at every stage on the way to latent: x itself, then after each transform."""
        yield x
        for transform in self.transforms:
            x, _ = _checked(transform(x, *_given(context)), x, transform)
            yield x

    def inverse_path(self, z: Tensor, context: Tensor | None = None) -> Iterator[Tensor]:
        """The points at every stage on the way to data: z itself, then after each transform."""
        yield z
        for transform in reversed(self.transforms):
            z, _ = _checked(transform.inverse(z, *_given(context)), z, transform)
            yield z

    def __len__(self) -> int:
        return len(self.transforms)

    def __iter__(self) -> Iterator[nn.Module]:
        return iter(self.transforms)

    def __getitem__(self, index: int | slice) -> nn.Module:
        found = self.transforms[index]
        return Chain(found) if isinstance(index, slice) else found


def dimension(parts: Iterable[object]) -> int | None:
    """The one dimension d that these parts agree upon; None if all of them take any."""
    found = sorted({part.d for part in parts if isinstance(getattr(part, "d", None), int)})
    if len(found) > 1:
        raise ValueError(f"transforms must have one dimension d, got {found}")
    return found[0] if found else None


def context_size(transforms: Iterable[nn.Module]) -> int | None:
    """The size of context these take: 0 if certainly none, None if some have not declared it."""
    sizes = [getattr(transform, "context", None) for transform in transforms]
    declared = sorted({size for size in sizes if isinstance(size, int)})
    takers = [size for size in declared if size > 0]
    if len(takers) > 1:
        raise ValueError(f"transforms must take a context of one size, got {takers}")
    if takers:
        return takers[0]
    return 0 if all(isinstance(size, int) for size in sizes) else None


def _modules(transforms: Iterable[nn.Module]) -> list[nn.Module]:
    """The argument `transforms`, once it is known to hold modules."""
    if isinstance(transforms, type) or not isinstance(transforms, Iterable):
        raise ValueError(f"transforms must be a Transform or a list of them, got {transforms!r}")
    found = list(transforms)
    for transform in found:
        if not isinstance(transform, nn.Module):
            raise ValueError(f"every one of transforms must be an nn.Module, got {transform!r}")
    return found


def _checked(found: Pair, x: Tensor, transform: nn.Module) -> Pair:
    """What `transform` made of x, once it is known to be points and a number for each."""
    name, batch = type(transform).__name__, x.shape[:-1]
    if not (isinstance(found, tuple) and len(found) == 2):
        raise ValueError(f"{name} must return the points and ladj, got {type(found).__name__}")
    z, ladj = found
    if getattr(z, "shape", None) != x.shape:
        raise ValueError(
            f"the points from {name} must have shape {tuple(x.shape)}, like those it was given, "
            f"got {tuple(getattr(z, 'shape', ()))}"
        )
    shape = getattr(ladj, "shape", None)
    if shape != batch and not isinstance(ladj, (int, float)):
        got = type(ladj).__name__ if shape is None else tuple(shape)
        raise ValueError(
            f"ladj of {name} must have shape {tuple(batch)}, one number for each point, got {got}"
        )
    return found


def _given(context: Tensor | None) -> tuple[Tensor, ...]:
    """The context as arguments: none for none, so that a map of x alone is a transform too."""
    return () if context is None else (context,)
