"""How many modes a generator reaches, and how many of its samples are good."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Tolerance
from dgm_lib.exercises.gan.coverage_mistakes import MISTAKES


def coverage(x: Tensor, modes: Tensor, radius: float) -> tuple[int, float]:
    """How many of the modes (k, d) the samples x (n, d) cover, and the share of good samples.

    A sample is good if the mode nearest to it is no further than radius, usually 3 standard
    deviations of a mode; a mode is covered if it is the nearest to at least one good sample.
    Lin, Khetan, Fanti & Oh, PacGAN (2018).
    """
    distance, nearest = torch.cdist(x, modes).min(dim=1)
    good = distance <= radius
    return len(nearest[good].unique()), good.double().mean().item()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, modes: list, radius: float, used: list[int], spread: float = 0.6) -> tuple:
        """n samples about some of the modes, none of them just on the edge of a radius."""
        centres = torch.tensor(modes, dtype=torch.float64)
        own = torch.tensor(used)[torch.randint(len(used), (n,), generator=generator)]
        noise = torch.randn(n, centres.shape[1], generator=generator, dtype=torch.float64)
        direction = noise / noise.norm(dim=1, keepdim=True)
        far = radius * (0.15 + spread * torch.rand(n, 1, generator=generator).double())
        far = torch.where((far / radius - 1).abs() < 0.05, 1.1 * radius, far)
        return (centres[own] + direction * far).to(dtype), centres.to(dtype), radius

    line, square = [[0.0], [4.0], [9.0]], [[0.0, 0.0], [3.0, 0.5], [-2.5, 3.0], [1.0, -4.0]]
    cube = [[0.0, 0.0, 0.0], [5.0, 1.0, 0.0], [0.0, 5.0, 2.0], [4.0, 4.0, 4.0], [-4.0, 1.0, 3.0]]
    return [
        case(3, line, 0.5, [0, 1], spread=1.6),
        case(9, square, 0.7, [0, 1, 3], spread=1.8),
        case(12, square, 0.9, [0, 2], spread=1.5),
        case(20, cube, 1.2, [0, 1, 2, 4], spread=1.3),
        case(7, square, 0.6, [1], spread=0.5),
        (torch.tensor([[20.0, 20.0], [-30.0, 4.0]], dtype=dtype), *case(1, square, 1.0, [0])[1:]),
        # A radius that reaches several modes: a sample counts for the nearest alone.
        case(8, square, 4.5, [0], spread=0.1),
        (
            torch.tensor([[3.0, 4.0], [0.0, 0.0], [6.5, 8.0]], dtype=dtype),
            torch.tensor([[0.0, 0.0], [30.0, 0.0]], dtype=dtype),
            5.0,
        ),
    ]


# ------------------------------------------------------------------------ right answers


def _differences(x, modes, radius):
    distances = (x[:, None] - modes).square().sum(-1).sqrt()
    good = distances.amin(1) <= radius
    nearest = distances.argmin(1)
    return nearest[good].unique().numel(), good.float().mean()


def _loop(x, modes, radius):
    covered, good = set(), 0
    for point in x:
        distances = [torch.dist(point, mode).item() for mode in modes]
        if min(distances) <= radius:
            covered.add(distances.index(min(distances)))
            good += 1
    return len(covered), good / len(x)


def _one_hot(x, modes, radius):
    distance, nearest = torch.norm(x[:, None, :] - modes[None], dim=-1).min(dim=-1)
    good = ~(distance > radius)
    return int((nearest[good].bincount(minlength=len(modes)) > 0).sum()), good.sum().item() / len(x)


def _mode_by_mode(x, modes, radius):
    distances = torch.cdist(x, modes)
    own = distances == distances.min(dim=1, keepdim=True).values
    good = own & (distances <= radius)
    return good.any(dim=0).sum().item(), good.any(dim=1).double().mean().item()


Exercise(
    coverage,
    title="Modes covered, and good samples",
    minutes=8,
    difficulty=2,
    returns="the number of covered modes, an int, and the share of good samples, a float",
    cases=_cases,
    tolerances={torch.float64: Tolerance(1e-5, 1e-6)},  # a share in single precision is one too
    mistakes=MISTAKES,
    accepts=[_differences, _loop, _one_hot, _mode_by_mode],
    hints=(
        "torch.cdist(x, modes) has all distances, (n, k). Its .min(dim=1) gives for each sample "
        "how far the nearest mode is, and which one it is.",
        "A sample is good where that distance is at most the radius. The share is the mean of "
        "these True and False, as numbers: .double().mean().item().",
        "The covered modes are the different ones among nearest[good]: .unique() lists each once.",
    ),
)
