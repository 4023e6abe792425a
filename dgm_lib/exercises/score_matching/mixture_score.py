"""The score of a mixture of round Gaussians, exactly and far from all of them too."""

import math

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake
from dgm_lib.exercises.score_matching.mixture_answers import (
    ANSWERS,
    log_prob,
    parts,
    pulled,
    shared,
)


def mixture_score(x: Tensor, weights: Tensor, means: Tensor, sigma: Tensor) -> Tensor:
    """∇ log p(x) = Σ_k p(k | x) (mu_k − x) / sigma_k² for p = Σ_k w_k N(mu_k, sigma_k² I).

    x (*batch, d), weights (k,), means (k, d), sigma (k,) standard deviations -> (*batch, d).
    """
    towards = means - x[..., None, :]
    distance = towards.square().sum(dim=-1) / sigma**2
    log_share = weights.log() - x.shape[-1] * sigma.log() - distance / 2
    shares = log_share.softmax(dim=-1) / sigma**2
    return (shares[..., None] * towards).sum(dim=-2)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape: int, k: int, far: float = 0.0) -> tuple[Tensor, ...]:
        def draw(*size: int) -> Tensor:
            return torch.randn(*size, generator=generator, dtype=torch.float64)

        weights, sigma = (draw(k) / 2).softmax(dim=0), (0.4 * draw(k)).exp()
        args = 1.5 * draw(*shape) + far, weights, 1.3 * draw(k, shape[-1]) + 0.2, sigma
        return tuple(a.to(dtype) for a in args)

    return [
        case(1, 2, k=2),
        case(2, 1, k=3),
        case(4, 2, k=3),
        case(5, 3, k=4),
        case(2, 3, 2, k=5),
        case(3, 2, 4, k=2),
        case(2, 2, k=3, far=-60.0),  # exp underflows for every component
    ]


# ------------------------------------------------------------------------ wrong answers


def _one_gaussian(x, weights, means, sigma):
    return (weights @ means - x) / (weights @ sigma**2)


def _density_gradient(x, weights, means, sigma):
    towards, log_p = parts(x, weights, means, sigma)
    p = (log_p - x.shape[-1] / 2 * math.log(2 * math.pi)).exp()
    return (p[..., None] * towards / sigma[:, None] ** 2).sum(-2)


def _one_sigma(x, weights, means, sigma):
    return mixture_score(x, weights, means, sigma.mean().expand_as(sigma))


def _is_right_for(k):
    """Whether an answer is right where the mixture has k components."""

    def is_right(fn):
        x = torch.linspace(-1.7, 1.9, 12, dtype=torch.float64).reshape(4, 3)
        means = torch.tensor([[0.9, 0.2, -0.6], [-0.7, 1.1, 0.3]], dtype=torch.float64)
        weights, sigma = torch.tensor([[0.3, 0.7], [0.6, 1.4]], dtype=torch.float64)
        args = x, weights[:k] / weights[:k].sum(), means[:k], sigma[:k]
        out, right = fn(*(arg.clone() for arg in args)), mixture_score(*args)
        if out.shape != right.shape:
            raise ValueError("the shape is wrong, whatever the values are")
        return torch.allclose(out, right)

    return is_right


_ONE_IS_RIGHT, _TWO_ARE_RIGHT = _is_right_for(1), _is_right_for(2)


def _naive(small):
    def shares(log_share, *_):
        p = log_share.exp()
        return p / (p.sum(-1, keepdim=True) + small)

    return shared(shares)


MISTAKES = (
    Mistake(
        "sign",
        pulled(lambda share, towards, sigma: -(share * towards / sigma**2).sum(-2)),
        "the sign is wrong: the score points uphill, from x to the means, (mu − x) / sigma²",
    ),
    Mistake(
        "sigma not squared",
        pulled(lambda share, towards, sigma: (share * towards / sigma).sum(-2)),
        "mu − x is divided by sigma: the score of a Gaussian is (mu − x) / sigma²",
    ),
    Mistake(
        "not divided",
        pulled(lambda share, towards, sigma: (share * towards).sum(-2)),
        "the division by sigma² is missing: a narrow component pulls harder",
    ),
    Mistake(
        "mean of the components",
        pulled(lambda share, towards, sigma: (share * towards / sigma**2).mean(-2)),
        "the pulls are averaged over the components: the shares p(k|x) add up to 1 already",
    ),
    Mistake(
        "sum over coordinates",
        pulled(lambda share, towards, sigma: (share * towards / sigma**2).sum(-1)),
        "the pulls are summed over the coordinates, dim=-1: over the components, dim=-2",
    ),
    Mistake(
        "one sigma for all",
        pulled(lambda share, towards, s: (share * towards).sum(-2) / (share * s**2).sum(-2)),
        "the mean pull is divided by the mean sigma²: each component's by its own, before the sum",
    ),
    Mistake(
        "weights for shares",
        shared(lambda log_share, w, *_: w.expand_as(log_share)),
        "the scores of the components are averaged with weights w_k: log of a sum is no sum of "
        "logs, so the shares are p(k|x)",
    ),
    Mistake(
        "equal shares",
        shared(lambda log_share, *_: torch.ones_like(log_share) / log_share.shape[-1]),
        "all components pull alike: each has the share p(k|x)",
    ),
    Mistake(
        "no shares",
        shared(lambda log_share, *_: torch.ones_like(log_share)),
        "the scores of the components are added up: each has the share p(k|x)",
    ),
    Mistake(
        "the likeliest alone",
        shared(lambda log_share, *_: (log_share >= log_share.amax(-1, True)).to(log_share)),
        "only the likeliest component pulls: all do, by their shares p(k|x)",
    ),
    Mistake(
        "no weights",
        shared(lambda log_share, w, *_: (log_share - w.log()).softmax(-1)),
        "the weights w_k are missing in p(k|x)",
    ),
    Mistake(
        "weights not in logs",
        shared(lambda log_share, w, *_: (log_share - w.log() + w).softmax(-1)),
        "w_k is added to log densities: its logarithm is",
    ),
    Mistake(
        "no normaliser",
        shared(lambda log_share, w, q, s, d: (log_share + d * s.log()).softmax(-1)),
        "the density of a component has the factor sigma_k^−d: −d log sigma_k is missing in p(k|x)",
    ),
    Mistake(
        "normaliser of one dimension",
        shared(lambda log_share, w, q, s, d: (log_share + (d - 1) * s.log()).softmax(-1)),
        "log sigma is taken once: the normaliser is sigma_k^−d in d dimensions",
    ),
    Mistake(
        "sign of the normaliser",
        shared(lambda log_share, w, q, s, d: (log_share + 2 * d * s.log()).softmax(-1)),
        "log sigma has the wrong sign: a wide component is low, −d log sigma_k",
    ),
    Mistake(
        "no half",
        shared(lambda log_share, w, q, s, d: (log_share - q / s**2 / 2).softmax(-1)),
        "the factor 1/2 in the exponent is missing: −‖x − mu‖² / (2 sigma²)",
    ),
    Mistake(
        "sigma in the exponent",
        shared(lambda log_share, w, q, s, d: (w.log() - d * s.log() - q / (2 * s)).softmax(-1)),
        "the exponent has sigma for sigma²: −‖x − mu‖² / (2 sigma²)",
    ),
    Mistake(
        "sigma as variance",
        lambda x, weights, means, sigma: mixture_score(x, weights, means, sigma.sqrt()),
        "sigma is taken for a variance: it is the standard deviation, in the exponent, before it, "
        "and under mu − x",
    ),
    Mistake(
        "distance not squared",
        shared(lambda log_share, w, q, s, d: (log_share + (q - q.sqrt()) / s**2 / 2).softmax(-1)),
        "the exponent has the distance itself: −‖x − mu‖² / (2 sigma²)",
    ),
    Mistake(
        "far for near",
        shared(lambda log_share, w, q, s, d: (log_share + q / s**2).softmax(-1)),
        "the exponent has the wrong sign, and the farthest component has the largest share",
    ),
    Mistake(
        "underflow",
        _naive(0.0),
        "far from all components exp underflows, and 0/0 is nan: use softmax of the logs",
    ),
    Mistake(
        "small number",
        _naive(1e-10),
        "a small number in the denominator hides that exp underflows: use softmax of the logs",
    ),
    Mistake(
        "over the points",
        shared(lambda log_share, *_: log_share.softmax(0)),
        "softmax runs over the points: the shares of each point add up over the components",
    ),
    Mistake(
        "one Gaussian",
        _one_gaussian,
        "this is the score of one Gaussian in the middle: the components pull by their shares",
    ),
    Mistake(
        "of the density",
        _density_gradient,
        "this is the gradient of p: the score is that of log p, divided by p",
    ),
    Mistake(
        "the log itself",
        log_prob,
        "this is log p up to a constant: its gradient in x is asked for",
    ),
    Mistake(
        "logs of the shares",
        shared(lambda log_share, *_: log_share.log_softmax(-1)),
        "log_softmax gives the logs of the shares, which are negative: softmax the shares p(k|x)",
    ),
    Mistake(
        "not normalised",
        shared(lambda log_share, *_: log_share.exp()),
        "the shares of a point do not add up to 1: softmax over the components",
    ),
    Mistake(
        "softmax of densities",
        shared(lambda log_share, *_: log_share.exp().softmax(-1)),
        "softmax is given densities: it takes their logs, and does the exp itself",
    ),
    Mistake(
        "mean sigma",
        _one_sigma,
        "one mean sigma stands for all: each component has its own, in its share and in its pull",
    ),
    Mistake(
        "mean sigma in the pull",
        pulled(lambda share, towards, s: (share * towards).sum(-2) / s.mean() ** 2),
        "the pulls are divided by one mean sigma²: each component's by its own",
    ),
    Mistake(
        "brackets",
        shared(lambda log_share, w, q, s, d: (w.log() - d * s.log() - q / 2 * s**2).softmax(-1)),
        "the exponent is multiplied by sigma²: mind the brackets, −‖x − mu‖² / (2 sigma²)",
    ),
    Mistake(
        "half a normaliser",
        shared(lambda log_share, w, q, s, d: (log_share + d / 2 * s.log()).softmax(-1)),
        "log sigma is taken d/2 times, as if it were a variance's: d times",
    ),
    Mistake(
        "number of points",
        shared(lambda log_share, w, q, s, d: (log_share + (d - len(q)) * s.log()).softmax(-1)),
        "log sigma is taken as often as there are points: d is x.shape[-1]",
    ),
    Mistake(
        "one component",
        pulled(lambda share, towards, s: (share * towards / s**1.5).sum(-2)),
        "one component alone is wrong for you: its share is 1, and the score (mu − x) / sigma²",
        lambda fn, generator: not _ONE_IS_RIGHT(fn),
    ),
    Mistake(
        "shares",
        shared(lambda log_share, w, *_: (log_share + w.log() / 2).softmax(-1)),
        "one component alone is right for you, two are not: look at their shares, softmax over k "
        "of log w_k − d log sigma_k − ‖x − mu_k‖² / (2 sigma_k²)",
        lambda fn, generator: _ONE_IS_RIGHT(fn) and not _TWO_ARE_RIGHT(fn),
    ),
)

Exercise(
    mixture_score,
    title="The score of a mixture",
    minutes=10,
    difficulty=2,
    returns="(*batch, d), one gradient for each point",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=ANSWERS,
    hints=(
        "∇ log p = ∇p / p, and ∇ N(x; mu, sigma²) = N · (mu − x) / sigma²: the scores of the "
        "components, averaged with p(k|x).",
        "log p(k|x) is log w_k − d log sigma_k − ‖x − mu_k‖² / (2 sigma_k²) up to a constant; "
        "softmax over k takes care of that, and of underflow.",
        "means − x[..., None, :] has all the ways from points to means, (*batch, k, d).",
    ),
)
