"""Small laws, maps and models that stand for a flow in the cases of this lecture."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from dgm_lib.exercises import Fail


class Named:
    """A function that a report shows by its formula."""

    def __init__(self, name: str, function: Callable) -> None:
        self.name, self.function = name, function

    def __call__(self, x: Tensor) -> Tensor:
        """The function's value."""
        return self.function(x)


class Gaussian(nn.Module):
    """A base N(mu, sigma² I), away from 0 and 1 so that a sign or a scale cannot hide."""

    def __init__(self, d: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.mu = nn.Parameter(torch.linspace(-0.4, 0.9, d + 1, dtype=dtype)[1:])
        self.log_sigma = nn.Parameter(torch.tensor(0.3, dtype=dtype))

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z), z (*batch, d) -> (*batch,)."""
        mu, log_sigma = self.mu.to(z), self.log_sigma.to(z)
        standard = (z - mu) * (-log_sigma).exp()
        return (-0.5 * standard**2 - log_sigma - 0.5 * math.log(2 * math.pi)).sum(dim=-1)


class Sinh(nn.Module):
    """The elementwise map z = sinh(slope·x + shift), data to latent."""

    def __init__(self, d: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.linspace(1.2, 0.4, d + 1, dtype=dtype)[1:])
        self.shift = nn.Parameter(torch.linspace(0.5, -0.7, d + 1, dtype=dtype)[1:])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (*batch, d) -> z (*batch, d), ladj (*batch,)."""
        slope, shift = self.slope.to(x), self.shift.to(x)
        bent = slope * x + shift
        return bent.sinh(), (slope.log() + bent.cosh().log()).sum(dim=-1)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (*batch, d) -> x (*batch, d), ladj (*batch,) of this direction."""
        slope, shift = self.slope.to(z), self.shift.to(z)
        return (z.asinh() - shift) / slope, -(slope.log() + 0.5 * (1 + z**2).log()).sum(dim=-1)


class Flow(nn.Module):
    """A model with a base and a transform, and no log_prob: that is what the learner writes."""

    def __init__(self, d: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.base, self.transform = Gaussian(d, dtype), Sinh(d, dtype)


class FlowWithLogProb(Flow):
    """A model that has a log_prob, and notes whether it was asked."""

    asked = False

    def log_prob(self, x: Tensor) -> Tensor:
        """log q(x), x (*batch, d) -> (*batch,)."""
        self.asked = True
        z, ladj = self.transform(x)
        return self.base.log_prob(z) + ladj


QUARTIC = Named(
    "log p, unnormalised", lambda x: (0.4 * x - 0.2 * x**2 - 0.02 * x**4 - 1).sum(dim=-1)
)
WAVY = Named("log p, unnormalised", lambda x: -(x - 0.5 * x.cos()).square().sum(dim=-1) / 2)


# ------------------------------------------------------------------------ for coupling layers


class Net(nn.Module):
    """A small network, R^d to R^2d, whose weights come from a generator."""

    def __init__(self, d: int, generator: torch.Generator) -> None:
        super().__init__()

        def weights(*shape):
            drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
            return nn.Parameter(0.7 * drawn)

        self.inner, self.offset = weights(d, 5), weights(5)
        self.outer, self.shift = weights(5, 2 * d), weights(2 * d)

    def forward(self, x: Tensor) -> Tensor:
        """x (*batch, d) -> (*batch, 2d)."""
        return torch.tanh(x @ self.inner + self.offset) @ self.outer + self.shift


Example = tuple[Net, Tensor, Tensor]
MASKS = ((True, False), (False, True, True), (True, False, False, True, False))
BATCHES = ((4,), (2, 3), ())


def coupling_examples(generator: torch.Generator) -> Iterator[Example]:
    """Nets, masks and points in float64: every mask with every shape of batch."""
    for values in MASKS:
        net, mask = Net(len(values), generator), torch.tensor(values)
        for batch in BATCHES:
            shape = (*batch, len(mask))
            yield net, mask, torch.randn(shape, generator=generator, dtype=torch.float64)


# ------------------------------------------------------------------------ what a loss does


def _points() -> Tensor:
    return torch.tensor([[0.3, -1.1, 0.8], [1.4, 0.2, -0.5]], dtype=torch.float64)


def transform_gradients(loss: Callable, *law: Callable) -> list[Tensor]:
    """Gradients of loss(model, *law, points) in the transform's parameters, [] if it has none.

    Those of the base are left out: in a reverse KL, z is drawn from it outside.
    """
    model = Flow(3, torch.float64)
    value, leaves = loss(model, *law, _points()), list(model.transform.parameters())
    if not value.requires_grad:
        return []
    gradients = torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
    return list(gradients)


def trains_as(reference: Callable, *law: Callable) -> Callable:
    """The property that a loss has the gradients of the reference."""

    def trains(fn, generator):
        """gradients in the transform's parameters"""
        mine, right = transform_gradients(fn, *law), transform_gradients(reference, *law)
        if not any(gradient.any() for gradient in mine):
            raise Fail(
                "no gradient reaches the transform's parameters: a `.detach()`, `.item()` or "
                "`no_grad()` cuts the graph"
            )
        if not all(map(torch.allclose, mine, right)):
            raise Fail(
                "the value is right, but the gradients in the transform's parameters are not"
            )

    return trains


def trains_like(wrong: Callable, *law: Callable) -> Callable:
    """Whether an answer has the gradients of a wrong version: a `recognise` for mistakes."""

    def recognise(fn, generator):
        mine, theirs = transform_gradients(fn, *law), transform_gradients(wrong, *law)
        return len(mine) == len(theirs) and all(map(torch.allclose, mine, theirs))

    return recognise


def asks_for_log_prob(loss: Callable, *law: Callable) -> bool:
    """Whether a loss calls the model's own log_prob."""
    model = FlowWithLogProb(3, torch.float64)
    loss(model, *law, _points())
    return model.asked


def takes_a_pair_for_points(loss: Callable, *law: Callable) -> bool:
    """Whether a loss uses what a transform returns without unpacking it."""
    try:
        loss(Flow(3, torch.float64), *law, _points())
    except (TypeError, AttributeError) as error:
        return "tuple" in str(error) or "sequence" in str(error)
    return False
