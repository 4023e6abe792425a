"""The score of a mixture of round Gaussians, exactly and far from all of them too."""

import math

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake


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


# ------------------------------------------------------------------------ right answers


def _log_prob(x, weights, means, sigma):
    distance = (x.unsqueeze(-2) - means).square().sum(-1)
    return (weights.log() - x.shape[-1] * sigma.log() - distance / (2 * sigma**2)).logsumexp(-1)


def _autograd(x, weights, means, sigma):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(_log_prob(x, weights, means, sigma).sum(), x)[0]


def _laws(x, weights, means, sigma):
    scale = sigma[:, None].expand_as(means)
    laws = torch.distributions.Independent(torch.distributions.Normal(means, scale), 1)
    joint = laws.log_prob(x[..., None, :]) + weights.log()
    posterior = (joint - joint.logsumexp(-1, keepdim=True)).exp()
    return torch.einsum("...k,...kd->...d", posterior, (means - x[..., None, :]) / scale**2)


def _two_sums(x, weights, means, sigma):
    log_share = torch.stack(
        [
            w.log() - x.size(-1) * s.log() - ((x - m) / s).square().sum(-1) / 2
            for w, m, s in zip(weights, means, sigma)
        ],
        dim=-1,
    )
    pull = torch.softmax(log_share, -1) / sigma**2
    return pull @ means - pull.sum(-1, keepdim=True) * x


def _largest_out(x, weights, means, sigma):
    towards = means - x[..., None, :]
    log_share = weights.log() - 0.5 * towards.pow(2).sum(-1) / sigma**2
    log_share = log_share - towards.shape[-1] * torch.log(sigma)
    share = (log_share - log_share.amax(-1, keepdim=True)).exp()
    share = share / share.sum(-1, keepdim=True)
    return (share[..., None] * towards / sigma[:, None].square()).sum(-2)


# ------------------------------------------------------------------------ wrong answers


def _parts(x, weights, means, sigma):
    """The ways to the means (*batch, k, d), and log w_k N(x; mu_k, sigma_k²) up to a constant."""
    towards = means - x[..., None, :]
    distance = towards.square().sum(-1) / sigma**2
    return towards, weights.log() - x.shape[-1] * sigma.log() - distance / 2


def _pulled(pull):
    """A wrong pull of the components, of their shares (*batch, k), towards and sigma (k, 1)."""

    def wrong(x, weights, means, sigma):
        towards, log_share = _parts(x, weights, means, sigma)
        share = log_share.softmax(-1)[..., None]
        return pull(share, towards, sigma[:, None])

    return wrong


def _shared(share):
    """Wrong shares (*batch, k), of the right logs, weights, squared distances, sigma (k,) and d."""

    def wrong(x, weights, means, sigma):
        towards = means - x[..., None, :]
        squared, d = towards.square().sum(-1), x.shape[-1]
        shares = share(_parts(x, weights, means, sigma)[1], weights, squared, sigma, d)
        return (shares[..., None] * towards / sigma[:, None] ** 2).sum(-2)

    return wrong


def _one_gaussian(x, weights, means, sigma):
    return (weights @ means - x) / (weights @ sigma**2)


def _density_gradient(x, weights, means, sigma):
    towards, log_p = _parts(x, weights, means, sigma)
    p = (log_p - x.shape[-1] / 2 * math.log(2 * math.pi)).exp()
    return (p[..., None] * towards / sigma[:, None] ** 2).sum(-2)


def _naive(small):
    def shares(log_share, *_):
        p = log_share.exp()
        return p / (p.sum(-1, keepdim=True) + small)

    return _shared(shares)


MISTAKES = (
    Mistake(
        "sign",
        _pulled(lambda share, towards, sigma: -(share * towards / sigma**2).sum(-2)),
        "the sign is wrong: the score points uphill, from x to the means, (mu − x) / sigma²",
    ),
    Mistake(
        "sigma not squared",
        _pulled(lambda share, towards, sigma: (share * towards / sigma).sum(-2)),
        "mu − x is divided by sigma: the score of a Gaussian is (mu − x) / sigma²",
    ),
    Mistake(
        "not divided",
        _pulled(lambda share, towards, sigma: (share * towards).sum(-2)),
        "the division by sigma² is missing: a narrow component pulls harder",
    ),
    Mistake(
        "mean of the components",
        _pulled(lambda share, towards, sigma: (share * towards / sigma**2).mean(-2)),
        "the pulls are averaged over the components: the shares p(k|x) add up to 1 already",
    ),
    Mistake(
        "one sigma for all",
        _pulled(lambda share, towards, s: (share * towards).sum(-2) / (share * s**2).sum(-2)),
        "the mean pull is divided by the mean sigma²: each component's by its own, before the sum",
    ),
    Mistake(
        "weights for shares",
        _shared(lambda log_share, w, *_: w.expand_as(log_share)),
        "the scores of the components are averaged with weights w_k: log of a sum is no sum of "
        "logs, so the shares are p(k|x)",
    ),
    Mistake(
        "equal shares",
        _shared(lambda log_share, *_: torch.ones_like(log_share) / log_share.shape[-1]),
        "all components pull alike: each has the share p(k|x)",
    ),
    Mistake(
        "no shares",
        _shared(lambda log_share, *_: torch.ones_like(log_share)),
        "the scores of the components are added up: each has the share p(k|x)",
    ),
    Mistake(
        "the likeliest alone",
        _shared(lambda log_share, *_: (log_share >= log_share.amax(-1, True)).to(log_share)),
        "only the likeliest component pulls: all do, by their shares p(k|x)",
    ),
    Mistake(
        "no weights",
        _shared(lambda log_share, w, *_: (log_share - w.log()).softmax(-1)),
        "the weights w_k are missing in p(k|x)",
    ),
    Mistake(
        "weights not in logs",
        _shared(lambda log_share, w, *_: (log_share - w.log() + w).softmax(-1)),
        "w_k is added to log densities: its logarithm is",
    ),
    Mistake(
        "no normaliser",
        _shared(lambda log_share, w, q, s, d: (log_share + d * s.log()).softmax(-1)),
        "the density of a component has the factor sigma_k^−d: −d log sigma_k is missing in p(k|x)",
    ),
    Mistake(
        "normaliser of one dimension",
        _shared(lambda log_share, w, q, s, d: (log_share + (d - 1) * s.log()).softmax(-1)),
        "log sigma is taken once: the normaliser is sigma_k^−d in d dimensions",
    ),
    Mistake(
        "sign of the normaliser",
        _shared(lambda log_share, w, q, s, d: (log_share + 2 * d * s.log()).softmax(-1)),
        "log sigma has the wrong sign: a wide component is low, −d log sigma_k",
    ),
    Mistake(
        "no half",
        _shared(lambda log_share, w, q, s, d: (log_share - q / s**2 / 2).softmax(-1)),
        "the factor 1/2 in the exponent is missing: −‖x − mu‖² / (2 sigma²)",
    ),
    Mistake(
        "sigma in the exponent",
        _shared(lambda log_share, w, q, s, d: (w.log() - d * s.log() - q / (2 * s)).softmax(-1)),
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
        _shared(
            lambda log_share, w, q, s, d: (
                (w.log() - d * s.log() - q.sqrt() / (2 * s**2)).softmax(-1)
            )
        ),
        "the exponent has the distance itself: −‖x − mu‖² / (2 sigma²)",
    ),
    Mistake(
        "far for near",
        _shared(lambda log_share, w, q, s, d: (log_share + q / s**2).softmax(-1)),
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
        _shared(lambda log_share, *_: log_share.softmax(0)),
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
        _log_prob,
        "this is log p up to a constant: its gradient in x is asked for",
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
    accepts=[_autograd, _laws, _two_sums, _largest_out],
    hints=(
        "∇ log p = ∇p / p, and ∇ N(x; mu, sigma²) = N · (mu − x) / sigma²: the scores of the "
        "components, averaged with p(k|x).",
        "log p(k|x) is log w_k − d log sigma_k − ‖x − mu_k‖² / (2 sigma_k²) up to a constant; "
        "softmax over k takes care of that, and of underflow.",
        "means − x[..., None, :] has all the ways from points to means, (*batch, k, d).",
    ),
)
