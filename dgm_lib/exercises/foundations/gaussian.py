"""KL of two isotropic Gaussians, in closed form."""

import math

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake


def gaussian_kl(mu_p: Tensor, sigma_p: Tensor, mu_q: Tensor, sigma_q: Tensor) -> Tensor:
    """KL(N(mu_p, sigma_p² I) ‖ N(mu_q, sigma_q² I)), mu (*batch, d) and sigma, KL (*batch,)."""
    d = mu_p.shape[-1]
    ratio = (sigma_p / sigma_q) ** 2
    distance = ((mu_p - mu_q) ** 2).sum(dim=-1) / sigma_q**2
    return 0.5 * (d * (ratio - 1 - ratio.log()) + distance)


def _gaussian_cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    def case(*shape):
        mu_p, sigma_p = draw(*shape), (draw(*shape[:-1]) / 2).exp()
        return mu_p, sigma_p, draw(*shape), (draw(*shape[:-1]) / 2).exp()

    return [case(2, 3), case(5, 2), case(4), case(6, 1), case(2, 3, 4)]


def _never_negative(fn, generator):
    """never negative"""
    mu_p, mu_q = torch.randn(2, 64, 3, generator=generator)
    sigma_p, sigma_q = torch.randn(2, 64, generator=generator).exp()
    if (fn(mu_p, sigma_p, mu_q, sigma_q) < -1e-4).any():
        raise Fail("a KL divergence is never negative; yours is, for some pairs")


def _pieces(m, s, n, t):
    """What the formula is made of: d, (σp/σq)², ‖μp−μq‖²/σq²."""
    return m.shape[-1], (s / t) ** 2, ((m - n) ** 2).sum(-1) / t**2


def _pieces_of_sigma(s, t):
    ratio = (s / t) ** 2
    return ratio - 1 - ratio.log()


def _kl_of(bracket):
    """A wrong version of the formula, from its pieces."""
    return lambda m, s, n, t: bracket(*_pieces(m, s, n, t))


def _torch_kl(m, s, n, t):
    def normal(mu, sigma):
        scale = sigma.unsqueeze(-1).expand_as(mu)
        return torch.distributions.Independent(torch.distributions.Normal(mu, scale), 1)

    return torch.distributions.kl_divergence(normal(m, s), normal(n, t))


def _by_dimension(m, s, n, t):
    s, t = s[..., None], t[..., None]
    return (torch.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - 0.5).sum(-1)


def _from_log_sigma(m, s, n, t):
    a = 2 * (torch.log(s) - torch.log(t))
    squared = torch.einsum("...d,...d->...", m - n, m - n)
    return (m.shape[-1] * (torch.expm1(a) - a) + squared / t.square()) / 2


Exercise(
    gaussian_kl,
    title="KL of two Gaussians",
    minutes=6,
    difficulty=1,
    returns="(*batch,), one number for each pair",
    cases=_gaussian_cases,
    properties=[_never_negative],
    grad_wrt=("mu_p", "sigma_p", "mu_q", "sigma_q"),
    mistakes=[
        Mistake("sign", lambda *a: -gaussian_kl(*a), "the sign is flipped: this is −KL"),
        Mistake("no half", lambda *a: 2 * gaussian_kl(*a), "the factor 1/2 is missing"),
        Mistake(
            "reverse",
            lambda m, s, n, t: gaussian_kl(n, t, m, s),
            "this is KL(q‖p): p and q are swapped",
        ),
        Mistake(
            "sigma as variance",
            lambda m, s, n, t: gaussian_kl(m, s.sqrt(), n, t.sqrt()),
            "you use σ as if it were σ²: the arguments are standard deviations, square them",
        ),
        Mistake(
            "squared twice",
            lambda m, s, n, t: gaussian_kl(m, s**2, n, t**2),
            "σ is squared twice: the formula has σ², not σ⁴",
        ),
        Mistake(
            "log of sigma",
            _kl_of(lambda d, r, dist: 0.5 * (d * (r - 1 - 0.5 * r.log()) + dist)),
            "you take ln(σp/σq); the formula has ln(σp²/σq²), twice as much",
        ),
        Mistake(
            "log sign",
            _kl_of(lambda d, r, dist: 0.5 * (d * (r - 1 + r.log()) + dist)),
            "the logarithm has the wrong sign: it is −ln(σp²/σq²)",
        ),
        Mistake(
            "no one",
            _kl_of(lambda d, r, dist: 0.5 * (d * (r - r.log()) + dist)),
            "the −1 is missing: for p = q the bracket must be zero",
        ),
        Mistake(
            "no log",
            _kl_of(lambda d, r, dist: 0.5 * (d * (r - 1) + dist)),
            "the logarithm is missing in the bracket",
        ),
        Mistake(
            "no dimension",
            _kl_of(lambda d, r, dist: 0.5 * (r - 1 - r.log() + dist)),
            "the factor d is missing: every dimension contributes its own σ-term",
        ),
        Mistake(
            "dimension on all",
            _kl_of(lambda d, r, dist: 0.5 * d * (r - 1 - r.log() + dist)),
            "d multiplies the distance too; it belongs to the σ-term only",
        ),
        Mistake(
            "no distance",
            _kl_of(lambda d, r, dist: 0.5 * d * (r - 1 - r.log())),
            "the term with the means, ‖μp − μq‖²/σq², is missing",
        ),
        Mistake(
            "distance over sigma_p",
            lambda m, s, n, t: gaussian_kl(m, s, n, t)
            + 0.5 * ((m - n) ** 2).sum(-1) * (1 / s**2 - 1 / t**2),
            "you divide the distance of the means by σp²; the formula divides by σq²",
        ),
        Mistake(
            "distance unscaled",
            lambda m, s, n, t: gaussian_kl(m, s, n, t)
            + 0.5 * ((m - n) ** 2).sum(-1) * (1 - 1 / t**2),
            "the squared distance of the means must be divided by σq²",
        ),
        Mistake(
            "distance over sigma",
            lambda m, s, n, t: gaussian_kl(m, s, n, t)
            + 0.5 * ((m - n) ** 2).sum(-1) * (1 / t - 1 / t**2),
            "you divide the distance of the means by σq; the formula divides by σq²",
        ),
        Mistake(
            "distance not squared",
            lambda m, s, n, t: gaussian_kl(m, s, n, t)
            + 0.5 * ((m - n).norm(dim=-1) - ((m - n) ** 2).sum(-1)) / t**2,
            "the distance of the means is not squared",
        ),
        Mistake(
            "mean over dimensions",
            lambda m, s, n, t: gaussian_kl(m, s, n, t)
            + 0.5 * (((m - n) ** 2).mean(-1) - ((m - n) ** 2).sum(-1)) / t**2,
            "you average the squared distance over dimensions; ‖·‖² is their sum",
        ),
        Mistake(
            "inverse ratio",
            lambda m, s, n, t: gaussian_kl(m, t, n, s)
            + 0.5 * ((m - n) ** 2).sum(-1) * (1 / t**2 - 1 / s**2),
            "the ratio is upside down: it is σp²/σq²",
        ),
        Mistake(
            "bits",
            lambda *a: gaussian_kl(*a) / math.log(2),
            "this is in bits: use the natural logarithm",
        ),
        Mistake(
            "batch for dimension",
            lambda m, s, n, t: gaussian_kl(m, s, n, t)
            + 0.5 * (len(m) - m.shape[-1]) * _pieces_of_sigma(s, t),
            "d is the size of the last dimension, mu_p.shape[-1], not of the batch",
        ),
        Mistake(
            "one outside",
            _kl_of(lambda d, r, dist: 0.5 * (d * (r - r.log()) - 1 + dist)),
            "the −1 belongs inside the bracket that d multiplies",
        ),
        Mistake(
            "half on one term",
            _kl_of(lambda d, r, dist: 0.5 * d * (r - 1 - r.log()) + dist),
            "the factor 1/2 belongs to both terms",
        ),
        Mistake(
            "standard q",
            lambda m, s, n, t: gaussian_kl(m, s, torch.zeros_like(n), torch.ones_like(t)),
            "this is the KL to the standard normal: mu_q and sigma_q are not used",
        ),
        Mistake(
            "batch sum",
            lambda *a: gaussian_kl(*a).sum(),
            "you sum over the batch: return one number for each pair",
        ),
        Mistake(
            "batch mean",
            lambda *a: gaussian_kl(*a).mean(),
            "you average over the batch: return one number for each pair",
        ),
    ],
    accepts=[_torch_kl, _by_dimension, _from_log_sigma],
    hints=(
        "There are three pieces: the ratio σp²/σq², the dimension d, the distance of the means.",
        "ratio = (sigma_p / sigma_q) ** 2 appears twice: as it is, and in the logarithm.",
        "The squared distance sums over the last dimension: ((mu_p - mu_q) ** 2).sum(dim=-1).",
    ),
)
