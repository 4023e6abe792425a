"""A Gaussian draw that carries the gradient of its mean and variance."""

import math

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake


def reparameterise(mu: Tensor, log_var: Tensor, epsilon: Tensor) -> Tensor:
    """z = mu + sigma · epsilon, a draw of N(mu, diag sigma²) from one of N(0, I).

    mu, log_var = log sigma² (*batch, d_z), epsilon (*shape, *batch, d_z) -> z, as epsilon.
    """
    return mu + (0.5 * log_var).exp() * epsilon


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def case(*batch: int, draws: tuple[int, ...] = ()) -> tuple[Tensor, ...]:
        arguments = draw(*batch) + 0.6, draw(*batch) - 0.4, draw(*draws, *batch)
        return tuple(a.to(dtype) for a in arguments)

    return [case(2, 2), case(3), case(4, 1), case(5, 3), case(2, 3, 2), case(3, 2, draws=(4,))]


# ------------------------------------------------------------------------ right answers


def _root_of_variance(mu, log_var, epsilon):
    return mu + torch.sqrt(torch.exp(log_var)) * epsilon


def _addcmul(mu, log_var, epsilon):
    sigma = torch.exp(log_var / 2)
    return torch.addcmul(mu.expand_as(epsilon), sigma.expand_as(epsilon), epsilon)


def _std(mu, log_var, epsilon):
    std = log_var.mul(0.5).exp_()
    return epsilon.mul(std).add_(mu)


def _affine(mu, log_var, epsilon):
    law = torch.distributions.Normal(mu, log_var.exp() ** 0.5)
    return law.loc + law.scale * epsilon


def _wrong(scale):
    """A wrong sigma, made of log_var."""
    return lambda mu, log_var, epsilon: mu + scale(log_var) * epsilon


def _right(mu, log_var, epsilon):
    return mu + (log_var / 2).exp() * epsilon


def _own_noise(mu, log_var, epsilon):
    return _right(mu, log_var, torch.randn_like(epsilon))


def _law(mu, log_var, epsilon):
    return torch.distributions.Normal(mu, (log_var / 2).exp())


def _sampled(mu, log_var, epsilon):
    return _law(mu, log_var, epsilon).rsample()


Exercise(
    reparameterise,
    title="The reparameterised draw",
    minutes=4,
    difficulty=1,
    returns="as epsilon, one z for each",
    cases=_cases,
    grad_wrt=("mu", "log_var"),
    mistakes=[
        Mistake(
            "variance for sigma",
            _wrong(lambda log_var: log_var.exp()),
            "exp(log_var) is the variance: epsilon is multiplied with sigma, its square root",
        ),
        Mistake(
            "log variance for sigma",
            _wrong(lambda log_var: log_var),
            "log_var multiplies epsilon: sigma is exp(log_var / 2)",
        ),
        Mistake(
            "log sigma for sigma",
            _wrong(lambda log_var: 0.5 * log_var),
            "log_var / 2 = log sigma multiplies epsilon: take its exp",
        ),
        Mistake(
            "twice",
            _wrong(lambda log_var: (2 * log_var).exp()),
            "this is exp(2·log_var) = sigma⁴: sigma is exp(log_var / 2)",
        ),
        Mistake(
            "half outside",
            _wrong(lambda log_var: 0.5 * log_var.exp()),
            "the half stands outside exp: sigma is exp(log_var / 2)",
        ),
        Mistake(
            "precision",
            _wrong(lambda log_var: (-0.5 * log_var).exp()),
            "this is 1/sigma: the sign of log_var / 2 is flipped",
        ),
        Mistake(
            "inverse variance",
            _wrong(lambda log_var: (-log_var).exp()),
            "this is 1/sigma²: sigma is exp(log_var / 2)",
        ),
        Mistake(
            "root of the log",
            _wrong(lambda log_var: log_var.sqrt()),
            "the square root is taken of log_var, which may be negative: take exp first",
        ),
        Mistake(
            "root of its size",
            _wrong(lambda log_var: log_var.abs().sqrt()),
            "the square root is taken of |log_var|: sigma is exp(log_var / 2)",
        ),
        Mistake(
            "log twice",
            _wrong(lambda log_var: log_var.log()),
            "log is taken of log_var, which is a logarithm already: take exp(log_var / 2)",
        ),
        Mistake(
            "softplus",
            _wrong(torch.nn.functional.softplus),
            "softplus makes log_var positive, but it is log sigma²: sigma is exp(log_var / 2)",
        ),
        Mistake(
            "root of softplus",
            _wrong(lambda log_var: torch.nn.functional.softplus(log_var).sqrt()),
            "softplus is taken for exp: the variance is exp(log_var)",
        ),
        Mistake(
            "base two",
            _wrong(lambda log_var: 2 ** (0.5 * log_var)),
            "2 to the power is taken for exp: logs are natural",
        ),
        Mistake(
            "no sigma", _wrong(lambda log_var: 1.0), "sigma is missing: log_var has no influence"
        ),
        Mistake(
            "no mu",
            lambda mu, log_var, epsilon: (log_var / 2).exp() * epsilon,
            "mu is missing: these draws have the mean 0",
        ),
        Mistake(
            "no epsilon",
            lambda mu, log_var, epsilon: (mu + (log_var / 2).exp()).expand_as(epsilon).clone(),
            "epsilon is missing: this is mu + sigma, the same for every draw",
        ),
        Mistake(
            "only mu",
            lambda mu, log_var, epsilon: mu.expand_as(epsilon).clone(),
            "this is the mean alone: without noise it is an autoencoder, not a variational one",
        ),
        Mistake(
            "minus",
            lambda mu, log_var, epsilon: mu - (log_var / 2).exp() * epsilon,
            "sigma · epsilon is subtracted: as good a draw, but add it here",
        ),
        Mistake(
            "shifted first",
            lambda mu, log_var, epsilon: (log_var / 2).exp() * (mu + epsilon),
            "sigma multiplies mu too: scale epsilon first, then shift",
        ),
        Mistake(
            "standardised",
            lambda mu, log_var, epsilon: (epsilon - mu) / (log_var / 2).exp(),
            "this standardises, from z to epsilon: the other way round is asked for",
        ),
        Mistake(
            "swapped",
            lambda mu, log_var, epsilon: log_var + (mu / 2).exp() * epsilon,
            "mu and log_var are swapped",
        ),
        Mistake(
            "multiplied by mu",
            lambda mu, log_var, epsilon: epsilon + (log_var / 2).exp() * mu,
            "mu and epsilon are swapped: sigma multiplies epsilon",
        ),
        Mistake(
            "mu multiplies",
            lambda mu, log_var, epsilon: mu * (log_var / 2).exp() * epsilon,
            "mu multiplies: it is added",
        ),
        Mistake(
            "added",
            lambda mu, log_var, epsilon: mu + (log_var / 2).exp() + epsilon,
            "sigma and epsilon are added: multiply them",
        ),
        Mistake(
            "size of the noise",
            lambda mu, log_var, epsilon: mu + (log_var / 2).exp() * epsilon.abs(),
            "epsilon keeps its sign: no absolute value",
        ),
        Mistake(
            "one noise",
            lambda mu, log_var, epsilon: (
                mu + (log_var / 2).exp() * epsilon[..., :1].expand_as(epsilon)
            ),
            "all coordinates share one epsilon: each has its own",
        ),
        Mistake(
            "mean noise",
            lambda mu, log_var, epsilon: mu + (log_var / 2).exp() * epsilon.mean(),
            "epsilon is averaged: each coordinate has its own",
        ),
        Mistake(
            "root in exp",
            _wrong(lambda log_var: log_var.sqrt().exp()),
            "the root is taken of log_var, which may be negative: half of it, exp(log_var / 2)",
        ),
        Mistake(
            "small number",
            _wrong(lambda log_var: (log_var / 2).exp() + 1e-6),
            "a small number is added to sigma: exp is positive already",
        ),
        Mistake(
            "matrix product",
            lambda mu, log_var, epsilon: mu + (log_var / 2).exp() @ epsilon.mT,
            "a matrix product mixes the coordinates: sigma is diagonal, multiply with `*`",
        ),
        Mistake(
            "inner product",
            lambda mu, log_var, epsilon: mu + (log_var / 2).exp() @ epsilon,
            "an inner product mixes the coordinates: sigma is diagonal, multiply with `*`",
        ),
        Mistake(
            "one scale",
            lambda mu, log_var, epsilon: mu + (log_var / 2).exp().mean(-1, keepdim=True) * epsilon,
            "sigma is averaged over the coordinates: each has its own",
        ),
        Mistake(
            "density",
            lambda mu, log_var, epsilon: (
                mu + (log_var / 2).exp() * epsilon / math.sqrt(2 * math.pi)
            ),
            "√(2π) belongs to the density: a draw has no normaliser",
        ),
        Mistake(
            "own noise",
            _own_noise,
            "you draw noise of your own: use the epsilon that you are given",
        ),
        Mistake(
            "law",
            _law,
            "this is the law itself: return mu + sigma · epsilon, the draw",
            lambda fn, generator: isinstance(
                fn(*torch.rand(3, 2, generator=generator)), torch.distributions.Distribution
            ),
        ),
        Mistake(
            "sampled",
            _sampled,
            "rsample draws noise of its own: use the epsilon that you are given",
        ),
        Mistake(
            "detached",
            lambda *arguments: _right(*arguments).detach(),
            "z is detached: the draw has the right value, but no gradient reaches the encoder",
        ),
        Mistake(
            "mu detached",
            lambda mu, log_var, epsilon: _right(mu.detach(), log_var, epsilon),
            "mu is detached: no gradient reaches the encoder's mean",
        ),
        Mistake(
            "sigma detached",
            lambda mu, log_var, epsilon: _right(mu, log_var.detach(), epsilon),
            "sigma is detached: no gradient reaches the encoder's log_var",
        ),
    ],
    accepts=[_root_of_variance, _addcmul, _std, _affine],
    hints=(
        "A Gaussian is a standard one that is scaled and shifted: z = mu + sigma · epsilon.",
        "log_var = log sigma² = 2 log sigma, so sigma = exp(log_var / 2).",
        "No detach: the gradient of z reaches mu as it is, and log_var through sigma.",
    ),
)
