"""What a weight w asks for: the law p(x) p(y | x)^w, on a grid."""

import math

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake, Tolerance
from dgm_lib.exercises.engine.inputs import fresh


def tilted_log_density(log_p: Tensor, log_p_y: Tensor, w: float, cell: float) -> Tensor:
    """log of p(x) p(y | x)^w / Z at the points of a grid, Z by the sum over its cells.

    log_p and log_p_y hold log p(x) and log p(y | x) at all points, in any shape; cell is the
    volume of one cell. The result has their shape: exp of it, times cell, adds up to 1.
    """
    tilted = log_p + w * log_p_y
    log_z = tilted.logsumexp(dim=tuple(range(tilted.ndim))) + math.log(cell)
    return tilted - log_z


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape: int, w: float, cell: float, low: float = 0.0) -> tuple:
        log_p, log_p_y = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
        return (1.4 * log_p - 1.0 + low).to(dtype), -(log_p_y.abs() * 1.2).to(dtype), w, cell

    low = -150.0 if dtype == torch.float32 else -900.0  # exp underflows
    return [
        case(3, w=2.0, cell=0.5),
        case(2, 3, w=3.5, cell=0.1),
        case(6, w=0.5, cell=0.25),
        case(4, 3, w=0.0, cell=1.5),
        case(2, 3, 4, w=6.0, cell=0.02),
        case(5, w=1.0, cell=0.3),
        case(4, 5, w=2.0, cell=0.05, low=low),
    ]


# ------------------------------------------------------------------------ right answers


def _softmax(log_p, log_p_y, w, cell):
    tilted = torch.add(log_p, log_p_y, alpha=w)
    return tilted.flatten().log_softmax(0).reshape(log_p.shape) - math.log(cell)


def _largest_out(log_p, log_p_y, w, cell):
    tilted = log_p + w * log_p_y
    tilted = tilted - tilted.max()
    return tilted - torch.log(tilted.exp().sum() * cell)


def _inside(log_p, log_p_y, w, cell):
    mass = log_p + w * log_p_y + math.log(cell)
    return mass - mass.reshape(-1).logsumexp(0) - math.log(cell)


def _categorical(log_p, log_p_y, w, cell):
    law = torch.distributions.Categorical(logits=(log_p_y * w + log_p).flatten())
    return (law.logits - math.log(cell)).view_as(log_p)


# ------------------------------------------------------------------------ wrong answers


def _normalised(tilted, cell):
    return tilted - tilted.flatten().logsumexp(0) - math.log(cell)


def _tilt(tilt):
    """A wrong tilted law of log p(x), log p(y | x) and w, normalised rightly."""
    return lambda log_p, log_p_y, w, cell: _normalised(tilt(log_p, log_p_y, w), cell)


def _of(normalise):
    """A wrong normalisation of the right tilted logs, and the cell."""
    return lambda log_p, log_p_y, w, cell: normalise(log_p + w * log_p_y, cell)


def _off(fn):
    """How far an answer is off on a small grid, and the log of its integral."""
    log_p = torch.tensor([[-0.4, -1.9, -2.3], [-0.8, -3.1, -1.2]], dtype=torch.float64)
    args = log_p, log_p.flip(1) / 2, 1.7, 0.4
    out = fn(*(fresh(arg) for arg in args))
    return out - tilted_log_density(*args), out.flatten().logsumexp(0) + math.log(0.4)


def _by_a_constant(fn, generator):
    off, _ = _off(fn)
    return off.abs().max() > 1e-6 and torch.allclose(off, off.mean().expand_as(off))


def _another_law(fn, generator):
    off, log_mass = _off(fn)
    return off.abs().max() > 1e-6 and log_mass.abs() < 1e-6


MISTAKES = (
    Mistake(
        "not normalised",
        _of(lambda tilted, cell: tilted),
        "this is not normalised: subtract log Z, the log of the sum over the grid times the cell",
    ),
    Mistake(
        "no cell",
        _of(lambda tilted, cell: tilted - tilted.flatten().logsumexp(0)),
        "the cell's volume is missing: these are the logs of probabilities of cells, not of a "
        "density",
    ),
    Mistake(
        "cell multiplied",
        _of(lambda tilted, cell: tilted - tilted.flatten().logsumexp(0) + math.log(cell)),
        "log cell has the wrong sign: Z = Σ exp(…) · cell, and log Z is subtracted",
    ),
    Mistake(
        "cell not in logs",
        _of(lambda tilted, cell: tilted - tilted.flatten().logsumexp(0) - cell),
        "the cell is subtracted: its logarithm is",
    ),
    Mistake(
        "mean for the sum",
        _of(lambda tilted, cell: _normalised(tilted, cell) + math.log(tilted.numel())),
        "the mean over the grid stands for the sum: Z = Σ exp(…) · cell",
    ),
    Mistake(
        "sum of logs",
        _of(lambda tilted, cell: tilted - tilted.sum() - math.log(cell)),
        "the logs are added up for Z: add up the densities, which is logsumexp",
    ),
    Mistake(
        "largest subtracted",
        _of(lambda tilted, cell: tilted - tilted.max() - math.log(cell)),
        "the largest value stands for log Z: sum over all cells",
    ),
    Mistake(
        "last axis alone",
        _of(lambda tilted, cell: tilted.log_softmax(-1) - math.log(cell)),
        "each line of the grid is normalised by itself: the sum runs over the whole grid",
    ),
    Mistake(
        "density",
        _of(lambda tilted, cell: _normalised(tilted, cell).exp()),
        "this is the density: its log is asked for",
    ),
    Mistake(
        "underflow",
        _of(lambda tilted, cell: tilted - (tilted.exp().sum() * cell).log()),
        "exp underflows where all logs are low: use logsumexp",
    ),
    Mistake(
        "small number",
        _of(lambda tilted, cell: (tilted.exp() / (tilted.exp().sum() * cell) + 1e-12).log()),
        "a small number under the log stands in for densities that are lower, and exp underflows: "
        "stay in logs",
    ),
    Mistake(
        "no w",
        _tilt(lambda log_p, log_p_y, w: log_p + log_p_y),
        "w is not used: this is p(x | y), the case w = 1",
    ),
    Mistake(
        "one plus w",
        _tilt(lambda log_p, log_p_y, w: log_p + (1 + w) * log_p_y),
        "the power is 1 + w for you: w = 0 leaves p(x), and w = 1 is p(x | y)",
    ),
    Mistake(
        "w on both",
        _tilt(lambda log_p, log_p_y, w: w * (log_p + log_p_y)),
        "w is the power of p(x) too: it belongs to p(y | x) alone",
    ),
    Mistake(
        "w on p",
        _tilt(lambda log_p, log_p_y, w: w * log_p + log_p_y),
        "w is the power of p(x): it belongs to p(y | x)",
    ),
    Mistake(
        "between",
        _tilt(lambda log_p, log_p_y, w: (1 - w) * log_p + w * log_p_y),
        "p(x) has the power 1 − w: it stays as it is",
    ),
    Mistake(
        "sign",
        _tilt(lambda log_p, log_p_y, w: log_p - w * log_p_y),
        "this divides by p(y | x)^w, and leads away from the class: add w log p(y | x)",
    ),
    Mistake(
        "probability for its log",
        _tilt(lambda log_p, log_p_y, w: log_p + w * log_p_y.exp()),
        "p(y | x) is added to log p(x): its log is",
    ),
    Mistake(
        "power of the log",
        _tilt(lambda log_p, log_p_y, w: log_p - log_p_y.abs() ** w),
        "log p(y | x) is raised to the power w: the log of a power is w times the log",
    ),
    Mistake(
        "power of the log, as it is",
        _tilt(lambda log_p, log_p_y, w: log_p + log_p_y**w),
        "log p(y | x) is raised to the power w: the log of a power is w times the log",
    ),
    Mistake(
        "a mixture",
        _tilt(lambda log_p, log_p_y, w: (log_p.exp() + w * (log_p + log_p_y).exp()).log()),
        "the densities are mixed, p(x) + w p(x, y): multiply p(x) by p(y | x)^w",
    ),
    Mistake(
        "no p",
        _tilt(lambda log_p, log_p_y, w: w * log_p_y),
        "p(x) is missing: this is p(y | x)^w alone",
    ),
    Mistake(
        "no class",
        _tilt(lambda log_p, log_p_y, w: log_p.clone()),
        "p(y | x) is missing: this is p(x), the case w = 0",
    ),
    Mistake(
        "Z of p alone",
        lambda log_p, log_p_y, w, cell: (
            log_p + w * log_p_y - log_p.flatten().logsumexp(0) - math.log(cell)
        ),
        "Z is that of p(x) alone: the sum is over p(x) p(y | x)^w, what is normalised",
    ),
    Mistake(
        "Z without w",
        lambda log_p, log_p_y, w, cell: (
            log_p + w * log_p_y - (log_p + log_p_y).flatten().logsumexp(0) - math.log(cell)
        ),
        "Z is that of w = 1: the sum is over p(x) p(y | x)^w, what is normalised",
    ),
    Mistake(
        "float32",
        _of(lambda tilted, cell: _normalised(tilted, 1.0) - torch.tensor(cell).float().log()),
        "the cell is rounded to float32, as torch.tensor(cell) does: math.log(cell) is exact",
    ),
    Mistake(
        "probabilities",
        _of(lambda tilted, cell: tilted.flatten().softmax(0).view_as(tilted)),
        "these are the probabilities of cells: their logs are asked for, and of a density, so "
        "subtract log cell",
    ),
    Mistake(
        "first axis alone",
        _of(lambda tilted, cell: tilted.log_softmax(0) - math.log(cell)),
        "the sum runs over the first axis only: it runs over the whole grid",
    ),
    Mistake(
        "log Z added",
        _of(lambda tilted, cell: tilted + tilted.flatten().logsumexp(0) + math.log(cell)),
        "log Z is added: dividing by Z subtracts it",
    ),
    Mistake(
        "divided by log Z",
        _of(lambda tilted, cell: tilted / (tilted.flatten().logsumexp(0) + math.log(cell))),
        "the logs are divided by log Z: in logs dividing by Z subtracts log Z",
    ),
    Mistake(
        "w minus one",
        _tilt(lambda log_p, log_p_y, w: log_p + (w - 1) * log_p_y),
        "the power is w − 1 for you: w = 1 is p(x | y)",
    ),
    Mistake(
        "up to a constant",
        _of(lambda tilted, cell: _normalised(tilted, cell) + 0.37),
        "this is right up to a constant: log Z is the logsumexp of log p(x) + w log p(y | x) over "
        "all points, plus log cell",
        _by_a_constant,
    ),
    Mistake(
        "another law",
        _tilt(lambda log_p, log_p_y, w: 1.37 * log_p + w * log_p_y),
        "this is normalised, but another law: before that it is log p(x) + w log p(y | x)",
        _another_law,
    ),
)

Exercise(
    tilted_log_density,
    title="The tilted law",
    minutes=6,
    difficulty=2,
    returns="the shape of log_p, one log density for each point of the grid",
    cases=_cases,
    tolerances={torch.float32: Tolerance(1e-4, 1e-4)},  # differences of numbers near -150
    mistakes=MISTAKES,
    accepts=[_softmax, _largest_out, _inside, _categorical],
    hints=(
        "In logs a product is a sum and a power a factor: log p(x) + w log p(y | x), up to log Z.",
        "Z is an integral, here the sum over all points of the grid times the volume of a cell.",
        "log Σ exp without underflow is logsumexp, over all axes; log cell is added to it, and all "
        "that is subtracted.",
    ),
)
