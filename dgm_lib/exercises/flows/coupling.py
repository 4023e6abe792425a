"""An affine coupling layer: a class, judged by what its two directions return."""

import contextlib
import copy
import functools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.exercises.engine.compare import differs
from dgm_lib.exercises.engine.examine import ELSEWHERE, ON_CPU
from dgm_lib.exercises.engine.exercise import TOLERANCES
from dgm_lib.exercises.flows.coupling_answers import (
    ACCEPTS,
    FEWER_COORDINATES,
    TWO_DIMENSIONS,
    WRONG,
)
from dgm_lib.exercises.flows.stand_ins import Example, coupling_examples


class AffineCoupling(nn.Module):
    """z = x where the mask is True, else x·exp(s) + t, with s, t = net(x where the mask is True).

    net: (*batch, d) -> (*batch, 2d), all log-scales s, then all shifts t. mask: bool (d,).
    """

    def __init__(self, net: nn.Module, mask: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (*batch, d) -> z (*batch, d), ladj = log|det dz/dx| (*batch,)."""
        s, t = self.net(x * self.mask).chunk(2, dim=-1)
        s, t = s * ~self.mask, t * ~self.mask
        return x * s.exp() + t, s.sum(dim=-1)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (*batch, d) -> x (*batch, d), ladj = log|det dx/dz| (*batch,)."""
        s, t = self.net(z * self.mask).chunk(2, dim=-1)
        s, t = s * ~self.mask, t * ~self.mask
        return (z - t) * (-s).exp(), -s.sum(dim=-1)


DIRECTIONS = ("forward", "inverse")

# ------------------------------------------------------------------------ what it is tried on


def _large(generator: torch.Generator) -> Example:
    """The example with the longest mask and the most points."""
    return max(coupling_examples(generator), key=lambda example: example[2].numel())


def _layer(cls: Callable, net: nn.Module, mask: Tensor, dtype=torch.float64) -> nn.Module:
    """A layer that shares nothing with any other."""
    return cls(copy.deepcopy(net).to(dtype), mask.clone())


def _on_examples(cls: Callable, generator: torch.Generator) -> Iterator[tuple]:
    """The answer and the reference on every example in both dtypes, with the tolerance there."""
    for net, mask, x in coupling_examples(generator):
        for dtype, tolerance in TOLERANCES.items():
            layers = [_layer(kind, net, mask, dtype) for kind in (cls, AffineCoupling)]
            yield *layers, x.to(dtype), tolerance


# ------------------------------------------------------------------------ what is asked


def _is_a_module(cls, generator):
    """a torch.nn.Module with the net's parameters"""
    if not issubclass(cls, nn.Module):
        raise Fail(f"`{cls.__name__}` must be a torch.nn.Module: an optimiser asks it for its net")
    net, mask, _ = _large(generator)
    mine = {id(parameter) for parameter in cls(net, mask).parameters()}
    if not mine.issuperset(map(id, net.parameters())):
        raise Fail("the net's parameters are not among the layer's: `self.net = net` adds them")


def _latent(cls, generator):
    """z in float32 and float64, for any batch"""
    for layer, right, x, tolerance in _on_examples(cls, generator):
        if words := differs(_pair(layer, "forward", x)[0], right(x)[0], tolerance):
            raise Fail(f"z of `forward` is not right{_shown(x)}: {words}")


def _undone(cls, generator):
    """inverse undoes forward"""
    for layer, right, x, tolerance in _on_examples(cls, generator):
        layer(2 * x + 1)  # an `inverse` that uses what `forward` left behind is then wrong
        z = right(x)[0].detach()
        if words := differs(_pair(layer, "inverse", z)[0], x, tolerance):
            raise Fail(f"`inverse` does not undo `forward`{_shown(x)}: {words}")


def _shown(x: Tensor) -> str:
    return f" for x of shape {tuple(x.shape)}"


def _pair(layer: nn.Module, direction: str, x: Tensor) -> tuple[Tensor, Tensor]:
    """What a direction returns, once it is known to be a pair and to leave its input alone."""
    given = x.clone()
    out = getattr(layer, direction)(given)
    if not torch.equal(given, x):
        raise Fail(f"`{direction}` writes into its input: start from a clone, or use torch.where")
    if not isinstance(out, (tuple, list)) or len(out) != 2:
        raise Fail(f"`{direction}` must return two tensors, the points and ladj")
    return out


def _log_determinants(cls, generator):
    """ladj of both directions against autograd's Jacobian"""
    for layer, right, x, tolerance in _on_examples(cls, generator):
        for direction in DIRECTIONS:
            ladj, truth = getattr(layer, direction)(x)[1], _by_autograd(right, direction, x)
            if words := differs(ladj, truth, tolerance):
                raise Fail(f"ladj of `{direction}` is not the log|det| of its Jacobian: {words}")


def _by_autograd(layer: nn.Module, direction: str, x: Tensor) -> Tensor:
    """log|det| of the Jacobian at every point."""

    def at(point):
        return getattr(layer, direction)(point)[0]

    points = x.reshape(-1, x.shape[-1])
    jacobians = [torch.autograd.functional.jacobian(at, point) for point in points]
    return torch.linalg.slogdet(torch.stack(jacobians)).logabsdet.reshape(x.shape[:-1])


def _trains(cls, generator):
    """gradients in the input and the net's parameters"""
    net, mask, x = _large(generator)
    for direction in DIRECTIONS:
        for place, name in enumerate(("points", "ladj")):
            mine, right = (
                _gradients(kind, net, mask, direction, x, place) for kind in (cls, AffineCoupling)
            )
            if not mine or not all(map(torch.allclose, mine, right)):
                raise Fail(
                    f"the {name} of `{direction}` have the right values but wrong gradients: "
                    "a `.detach()` or `no_grad()` cuts the graph"
                )


def _gradients(cls, net, mask, direction, x, place) -> list[Tensor] | None:
    """Gradients of one output in the input and the net; None if it depends on neither."""
    net, x = copy.deepcopy(net), x.clone().requires_grad_()
    out = getattr(cls(net, mask), direction)(x)[place]
    weights = torch.linspace(-1.0, 2.0, out.numel(), dtype=out.dtype)
    if not out.requires_grad:
        return None
    leaves = [x, *net.parameters()]
    total = (weights * out.flatten()).sum()
    return list(torch.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True))


def _moves(cls, generator):
    """moves to other devices"""
    net, mask, x = _large(generator)
    layer = _layer(cls, net, mask).to("meta")  # which stands for an accelerator
    for direction in DIRECTIONS:
        try:
            out = getattr(layer, direction)(x.to("meta"))
        except Exception as error:  # what needs values cannot run there
            if ELSEWHERE.search(str(error)):
                raise Fail(
                    "a tensor stays behind when the layer moves to another device: "
                    'self.register_buffer("mask", mask) takes the mask along'
                ) from None
            continue
        if any(tensor.device.type != "meta" for tensor in out):
            raise Fail(ON_CPU)


# ------------------------------------------------------------------------ which mistake it is


def _behaves_like(wrong: type) -> Callable:
    """Whether the first wrong result of the answer is the first of a wrong version too."""

    def recognise(cls, generator):
        mine, theirs = _first_fault(cls), _first_fault(wrong)
        return mine is not None and mine[0] == theirs[0] and _same(mine[1], theirs[1])

    return recognise


@functools.lru_cache(maxsize=128)
def _first_fault(cls: Callable) -> tuple[int, list[Tensor]] | None:
    """Which of the results is not that of the reference, and what it is instead."""
    every = coupling_examples(torch.Generator().manual_seed(5))
    examples = [example for example in every if example[2].dim() > 1][-3:]
    for number, pair in enumerate(zip(_results(cls, examples), _results(AffineCoupling, examples))):
        if not _same(*pair):
            return number, pair[0]
    return None


def _results(cls: Callable, examples: list[Example]) -> list[list[Tensor]]:
    """z, x and both ladj on all examples, in the order in which they are judged."""
    there, back = (_pairs(cls, direction, examples) for direction in DIRECTIONS)
    return [[pair[place] for pair in pairs] for place in (0, 1) for pairs in (there, back)]


def _pairs(cls: Callable, direction: str, examples: list[Example]) -> list[tuple]:
    """What a direction returns for each example; nothing at all if it fails."""
    pairs = []
    try:
        for net, mask, x in examples:
            layer = _layer(cls, net, mask)
            layer(2 * x + 1)
            pairs.append(getattr(layer, direction)(x.clone()))
    except Exception:
        return []
    return pairs


def _same(some: list, others: list) -> bool:
    close = [not differs(a, b, TOLERANCES[torch.float64]) for a, b in zip(some, others)]
    return bool(close) and all(close)


def _needs_two_dimensions(cls, generator):
    """Whether it raises an IndexError, but not for points (n, d)."""
    for net, mask, x in coupling_examples(generator):
        try:
            _layer(cls, net, mask)(x)
        except IndexError:
            return x.dim() != 2
    return False


def _hides_coordinates_from_the_net(cls, generator):
    """Whether the net gets fewer than all d coordinates."""
    widths = []

    class Net(nn.Module):
        def forward(self, x):
            widths.append(x.shape[-1])
            return x.new_zeros(*x.shape[:-1], 10)

    with contextlib.suppress(Exception):
        cls(Net(), torch.arange(5) < 2).forward(torch.ones(4, 5))
    return bool(widths) and widths[0] < 5


MISTAKES = (
    Mistake(*TWO_DIMENSIONS, _needs_two_dimensions),
    Mistake(*FEWER_COORDINATES, _hides_coordinates_from_the_net),
    *(Mistake(name, wrong, hint, _behaves_like(wrong)) for name, wrong, hint in WRONG),
)

Exercise(
    AffineCoupling,
    title="An affine coupling layer",
    minutes=15,
    difficulty=2,
    properties=[_is_a_module, _latent, _undone, _log_determinants, _trains, _moves],
    mistakes=MISTAKES,
    accepts=ACCEPTS,
    hints=(
        "The net sees only what passes: s, t = self.net(x * self.mask).chunk(2, dim=-1). Set both "
        "to 0 where the mask is True, and one formula does for all coordinates.",
        "The Jacobian is triangular, up to the order of the coordinates, with exp(s) on its "
        "diagonal: ladj is the sum of s over the coordinates that change, one number per point.",
        "What passes is the same in x and z, so inverse finds the same s and t from z: "
        "x = (z − t)·exp(−s), and its own ladj is −Σ s.",
        'self.register_buffer("mask", mask) makes the mask move with the layer to a GPU.',
    ),
)
