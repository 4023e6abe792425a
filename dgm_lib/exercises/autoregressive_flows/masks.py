"""MADE: masks that make a perceptron autoregressive."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.autoregressive_flows.masks_mistakes import MISTAKES, version


def made_masks(order: Tensor, hidden: Sequence[int]) -> tuple[Tensor, ...]:
    """Order (d,), d ≥ 2, and widths of hidden layers -> len(hidden) + 1 bool masks (n_out, n_in).

    order[k] is the coordinate that comes k-th. Through all layers, output i sees input j if and
    only if j comes before i, each hidden unit sees an input and is seen by an output, and no
    connection is cut that may stay (where layers are narrower than d − 1, less may be seen).
    Germain et al., "MADE" (2015).
    """
    d = len(order)
    degree = 1 + torch.argsort(order)  # when each coordinate comes, counted from 1
    degrees = [degree]
    for width in hidden:
        degrees.append(1 + torch.arange(width, device=order.device) % (d - 1))
    masks = [after[:, None] >= before for before, after in pairwise(degrees)]
    return *masks, degree[:, None] > degrees[-1]


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    # No order of more than two is its own inverse: a place must not pass for a coordinate.
    return [
        (torch.tensor([1, 0]), [3]),
        (torch.tensor([2, 0, 1]), [4]),
        (torch.tensor([1, 3, 0, 2]), [3, 7]),
        (torch.tensor([1, 2, 3, 0]), [6, 4, 5]),
        (torch.tensor([3, 0, 4, 1, 2]), [9, 8]),
        (torch.tensor([2, 5, 0, 3, 1, 4]), [4, 3]),  # too narrow to see everything
    ]


def _sees(masks: Sequence[Tensor]) -> Tensor:
    """Whether output i sees input j through some path, (d, d)."""
    paths = masks[0].double()
    for mask in masks[1:]:
        paths = mask.double() @ paths
    return paths > 0


def _fault(masks: Sequence[Tensor], order: Tensor, hidden: Sequence[int]) -> str | None:
    """Words for what is wrong with masks of the right shapes, None if nothing is."""
    place = torch.argsort(order)
    before, sees = place[:, None] > place, _sees(masks)
    for i, j in (sees & ~before).nonzero().tolist():
        if i == j:
            return f"output {i} sees its own input, {j}"
        return f"output {i} sees input {j}, which does not come before {i}"
    if min(hidden) < len(order) - 1:
        return None
    for i, j in (before & ~sees).nonzero().tolist():
        return f"output {i} does not see input {j}, which comes before {i}"
    for number in range(1, len(masks)):
        if not _sees(masks[:number]).any(dim=1).all():
            return f"a unit of hidden layer {number} sees no input: it is idle"
        if not _sees(masks[number:]).any(dim=0).all():
            return f"a unit of hidden layer {number} is seen by no output: it is idle"
    return _needless_cut(masks)


def _needless_cut(masks: Sequence[Tensor]) -> str | None:
    """Words for a connection between hidden layers that is cut though it would show nothing new."""
    for number in range(1, len(masks) - 1):
        below, above = _sees(masks[:number]), _sees(masks[: number + 1])
        shows_more = (below & ~above[:, None]).any(dim=-1)
        if (~shows_more & ~masks[number]).any():
            return (
                f"a unit of hidden layer {number + 1} is cut off from one below that sees no more "
                f"than it does: such connections may stay, and the network needs them"
            )
    return None


def _same_view(out, expected, args) -> str | None:
    """Any degrees will do that let each output see what it should."""
    fault, other = _fault(out, *args), _fault(expected, *args)
    if other is None or fault is None:
        return fault
    same = fault == other and torch.equal(_sees(out), _sees(expected))
    return None if same else f"{fault}, and not: {other}"


def _any_order(fn, generator):
    """each output sees exactly what comes before it"""
    for d in (3, 5, 8):
        args = torch.randperm(d, generator=generator), [2 * d, d - 1, d + 1]
        if fault := _fault(fn(*args), *args):
            raise Fail(f"for order = {args[0].tolist()}, hidden = {args[1]}: {fault}")


def _from_zero(order, hidden):
    place = order.argsort()
    units = [torch.arange(width, device=order.device) % (len(order) - 1) for width in hidden]
    masks = [b.unsqueeze(1) >= a.unsqueeze(0) for a, b in pairwise([place, *units])]
    return [*masks, place.unsqueeze(1) > units[-1].unsqueeze(0)]


def _number_by_number(order, hidden):
    order, d = order.tolist(), len(order)
    degrees = [[order.index(i) + 1 for i in range(d)]]
    degrees += [[unit % (d - 1) + 1 for unit in range(width)] for width in hidden]
    masks = [[[b >= a for a in before] for b in after] for before, after in pairwise(degrees)]
    masks.append([[i > a for a in degrees[-1]] for i in degrees[0]])
    return tuple(torch.tensor(mask) for mask in masks)


def _spread(width, d):
    return torch.linspace(1, d - 1, width).round()


def _last_degrees_repeated(width, d):
    return torch.arange(1, width + 1).clamp(max=d - 1)


def _scattered(order, hidden):
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order), device=order.device)
    masks, seen = [], place
    for width in hidden:
        now = (width - 1 - torch.arange(width, device=order.device)) % (len(order) - 1)
        masks.append(~(now[:, None] < seen[None, :]))
        seen = now
    return masks + [seen[None, :] < place[:, None]]


Exercise(
    made_masks,
    title="MADE: masks of an autoregressive network",
    minutes=15,
    difficulty=2,
    returns="one mask (n_out, n_in) per layer",
    cases=_cases,
    properties=[_any_order],
    compare=_same_view,
    mistakes=MISTAKES,
    accepts=[
        _from_zero,
        _number_by_number,
        version(units=_spread),
        version(units=_last_degrees_repeated),
        _scattered,
    ],
    hints=(
        "Give every unit a degree: a coordinate's is its place in the order, 1, …, d (argsort of "
        "`order`); a hidden unit's says how many coordinates it may see, 1, …, d − 1 and again.",
        "A hidden unit sees units of the layer before whose degree is at most its own: >=. An "
        "output sees hidden units of smaller degree only: >. Inputs and outputs share degrees.",
        "A mask (n_out, n_in) is one comparison: after[:, None] >= before. For the hidden units "
        "1 + torch.arange(width, device=order.device) % (d - 1).",
    ),
)
