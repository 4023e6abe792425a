"""From data to noise in one step, at a different time for each datum."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake
from dgm_lib.exercises.engine.terms import is_random, points, wrong_terms


def forward_noising(x0: Tensor, betas: Tensor, i: Tensor, eps: Tensor) -> Tensor:
    """x_i = √ᾱ_i x_0 + √(1 − ᾱ_i) ε with ᾱ_i = Π_{j ≤ i} (1 − β_j), each datum at its own i.

    x0 and noise eps of N(0, I) (n, d), betas (N,) are β_1, ..., β_N, i (n,) whole numbers from 1
    to N -> (n, d). Ho, Jain & Abbeel (2020), (4).
    """
    alpha_bar = (1 - betas).cumprod(dim=0)[i - 1, None]
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * eps


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, d: int, *i: int, betas: tuple[float, ...]) -> tuple[Tensor, ...]:
        x0, eps = torch.randn(2, n, d, generator=generator, dtype=torch.float64)
        betas = torch.tensor(betas, dtype=dtype)
        return (1.3 * x0 + 0.4).to(dtype), betas, torch.tensor(i), eps.to(dtype)

    few, many = (0.1, 0.25, 0.4), (0.02, 0.05, 0.08, 0.13, 0.2, 0.31, 0.45)
    return [
        case(1, 2, 2, betas=few),
        case(2, 2, 3, 2, betas=few),
        case(3, 3, 3, 1, 2, betas=few),
        case(4, 2, 5, 7, 3, 4, betas=many),
        case(3, 1, 6, 2, 6, betas=many),
        case(5, 4, 1, 3, 4, 5, 7, betas=many),
    ]


# ------------------------------------------------------------------------ right answers


def _logs(x0, betas, i, eps):
    log_alpha_bar = torch.log1p(-betas).cumsum(0)[i - 1].unsqueeze(-1)
    return (log_alpha_bar / 2).exp() * x0 + (-torch.expm1(log_alpha_bar)).sqrt() * eps


def _one_by_one(x0, betas, i, eps):
    rows = []
    for x, step, noise in zip(x0, i.tolist(), eps):
        alpha_bar = torch.prod(1 - betas[:step])
        rows.append(torch.sqrt(alpha_bar) * x + torch.sqrt(1 - alpha_bar) * noise)
    return torch.stack(rows)


def _from_the_data_on(x0, betas, i, eps):
    alpha_bar = torch.cat([torch.ones_like(betas[:1]), torch.cumprod(1 - betas, 0)])
    signal = alpha_bar[i].view(-1, 1)
    return signal**0.5 * x0 + (1 - signal) ** 0.5 * eps


def _variances(x0, betas, i, eps):
    variance, variances = 0.0, []
    for beta in betas:
        variance = (1 - beta) * variance + beta
        variances.append(variance)
    variance = torch.stack(variances).gather(0, i - 1).reshape(-1, 1)
    return torch.sqrt(1 - variance) * x0 + torch.sqrt(variance) * eps


# ------------------------------------------------------------------------ wrong answers


_BETAS, _STEPS = torch.tensor([0.1, 0.3, 0.2, 0.4], dtype=torch.float64), torch.tensor([2, 4, 3])
_X0, _EPS = points(2)
_ARGS = _X0, _BETAS, _STEPS, _EPS


def _mixed(mix):
    """A wrong mixture of x_0, ε, ᾱ_i (n, 1) and β_i (n, 1)."""

    def wrong(x0, betas, i, eps):
        return mix(x0, eps, _alpha_bar(betas)[i - 1, None], betas[i - 1, None])

    return wrong


def _level(level):
    """The right mixture with a wrong ᾱ (n, 1), of the betas and i."""

    def wrong(x0, betas, i, eps):
        a = level(betas, i)
        return a.sqrt() * x0 + (1 - a).sqrt() * eps

    return wrong


def _alpha_bar(betas):
    return (1 - betas).cumprod(0)


def _not_a_column(x0, betas, i, eps):
    a = _alpha_bar(betas)[i - 1]
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


def _does_not_fit(fn, generator):
    try:
        fn(torch.ones(3, 2), torch.tensor([0.1, 0.2]), torch.tensor([1, 2, 1]), torch.ones(3, 2))
    except RuntimeError as error:
        return "must match the size" in str(error)
    return False


def _one_noise(x0, betas, i, eps):
    x = x0
    for j, beta in enumerate(betas, start=1):
        x = torch.where(j <= i[:, None], (1 - beta).sqrt() * x + beta.sqrt() * eps, x)
    return x


def _own_noise(x0, betas, i, eps):
    return forward_noising(x0, betas, i, torch.randn_like(x0))


MISTAKES = (
    Mistake(
        "beta for alpha_bar",
        _mixed(lambda x0, e, a, b: (1 - b).sqrt() * x0 + b.sqrt() * e),
        "1 − β_i stands for ᾱ_i: that is the last step alone, ᾱ_i is the product of all up to i",
    ),
    Mistake(
        "beta itself",
        _mixed(lambda x0, e, a, b: b.sqrt() * x0 + (1 - b).sqrt() * e),
        "β_i stands for ᾱ_i: β is the noise of a step, ᾱ_i = Π (1 − β_j) what is left of the "
        "signal",
    ),
    Mistake(
        "beta of the noise",
        _mixed(lambda x0, e, a, b: a.sqrt() * x0 + b.sqrt() * e),
        "the noise is that of the last step, √β_i: over all steps it is √(1 − ᾱ_i)",
    ),
    Mistake(
        "product of betas",
        _level(lambda betas, i: betas.cumprod(0)[i - 1, None]),
        "the β_j are multiplied: ᾱ_i is the product of 1 − β_j",
    ),
    Mistake(
        "sum of betas",
        _level(lambda betas, i: (1 - betas.cumsum(0)).clamp(min=0)[i - 1, None]),
        "the β_j are added up: what is left of the signal multiplies, Π (1 − β_j)",
    ),
    Mistake(
        "sum in the exponent",
        _level(lambda betas, i: (-betas.cumsum(0)).exp()[i - 1, None]),
        "exp(−Σβ_j) is the limit of many small steps: here it is the product of 1 − β_j",
    ),
    Mistake(
        "power",
        _level(lambda betas, i: ((1 - betas[i - 1]) ** i)[:, None]),
        "(1 − β_i) is raised to the power i, as if all β_j were alike: multiply the 1 − β_j",
    ),
    Mistake(
        "no roots",
        _mixed(lambda x0, e, a, b: a * x0 + (1 - a) * e),
        "both roots are missing: ᾱ and 1 − ᾱ are variances, √ᾱ x_0 + √(1 − ᾱ) ε",
    ),
    Mistake(
        "squares of alpha_bar",
        _mixed(lambda x0, e, a, b: a * x0 + (1 - a**2).sqrt() * e),
        "ᾱ multiplies x_0, and √(1 − ᾱ²) ε: ᾱ is a variance already, √ᾱ and √(1 − ᾱ)",
    ),
    Mistake(
        "no root of the signal",
        _mixed(lambda x0, e, a, b: a * x0 + (1 - a).sqrt() * e),
        "x_0 is multiplied by ᾱ: take its root",
    ),
    Mistake(
        "no root of the noise",
        _mixed(lambda x0, e, a, b: a.sqrt() * x0 + (1 - a) * e),
        "ε is multiplied by the variance 1 − ᾱ: take its root, the standard deviation",
    ),
    Mistake(
        "one minus the root",
        _mixed(lambda x0, e, a, b: a.sqrt() * x0 + (1 - a.sqrt()) * e),
        "1 − √ᾱ multiplies ε: it is √(1 − ᾱ), so that the squares add up to 1",
    ),
    Mistake(
        "swapped",
        _mixed(lambda x0, e, a, b: (1 - a).sqrt() * x0 + a.sqrt() * e),
        "signal and noise are swapped: √ᾱ_i belongs to x_0",
    ),
    Mistake(
        "noise not scaled",
        _mixed(lambda x0, e, a, b: a.sqrt() * x0 + e),
        "the noise is not scaled: its standard deviation is √(1 − ᾱ_i)",
    ),
    Mistake(
        "signal not scaled",
        _mixed(lambda x0, e, a, b: x0 + (1 - a).sqrt() * e),
        "the signal is not scaled by √ᾱ_i: the variance would grow with i",
    ),
    Mistake(
        "noise subtracted",
        _mixed(lambda x0, e, a, b: a.sqrt() * x0 - (1 - a).sqrt() * e),
        "the noise is subtracted: no different in law, but the network is to say ε, not −ε",
    ),
    Mistake(
        "from zero",
        _level(lambda betas, i: _alpha_bar(betas)[i.clamp(max=len(betas) - 1), None]),
        "this is ᾱ_{i+1}: the steps count from 1, the tensor from 0",
    ),
    Mistake(
        "one too early",
        _level(lambda betas, i: (_alpha_bar(betas) / (1 - betas))[i - 1, None]),
        "this is ᾱ_{i−1}: the product includes step i itself",
    ),
    Mistake(
        "all steps",
        _level(lambda betas, i: (1 - betas).prod().expand(len(i), 1)),
        "all data are at the last step: each at its own, i",
    ),
    Mistake(
        "one time for all",
        _level(lambda betas, i: _alpha_bar(betas)[i[:1] - 1, None].expand(len(i), 1)),
        "all data are at the first one's step: each has its own, i",
    ),
    Mistake(
        "not a column",
        _not_a_column,
        "ᾱ of the data is a row for you, and meets the coordinates: make it a column, [:, None]",
        _does_not_fit,
    ),
    Mistake(
        "own noise",
        _own_noise,
        "you draw noise of your own: use eps, which the loss needs too",
        is_random(*_ARGS),
    ),
    Mistake(
        "one minus the product of betas",
        _level(lambda betas, i: 1 - betas.cumprod(0)[i - 1, None]),
        "1 − Π β_j stands for ᾱ_i: subtract first, and multiply then, Π (1 − β_j)",
    ),
    Mistake(
        "roots twice",
        _level(lambda betas, i: _alpha_bar(betas).sqrt()[i - 1, None]),
        "the root is taken twice: Π √(1 − β_j) is √ᾱ_i already",
    ),
    Mistake(
        "the same noise in each step",
        _one_noise,
        "the same ε is added in each step, so that standard deviations add up: variances do, to "
        "1 − ᾱ_i",
    ),
    *wrong_terms(
        forward_noising,
        _ARGS,
        {
            0: "x_0 has another factor than √ᾱ_i, with ᾱ_i = Π (1 − β_j) over all j up to i",
            3: "ε has another factor than √(1 − ᾱ_i)",
        },
    ),
)

Exercise(
    forward_noising,
    title="Noise in one step",
    minutes=8,
    difficulty=2,
    returns="(n, d), one noised point for each datum",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=[_logs, _one_by_one, _from_the_data_on, _variances],
    hints=(
        "In each step √(1 − β_j) of the signal is left; over steps these factors multiply: ᾱ_i is "
        "the product of 1 − β_1 to 1 − β_i.",
        "(1 − betas).cumprod(dim=0) has all ᾱ; step i is at index i − 1, and [:, None] makes a "
        "column of what n data need.",
        "Variances of signal and noise are ᾱ and 1 − ᾱ; points are multiplied by their roots.",
    ),
)
