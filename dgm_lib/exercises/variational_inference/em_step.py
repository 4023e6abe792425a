"""One step of expectation maximisation for a mixture of isotropic Gaussians."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.variational_inference.em_step_mistakes import MISTAKES

Parameters = tuple[Tensor, Tensor, Tensor]


def em_step(x: Tensor, weights: Tensor, means: Tensor, sigma: Tensor) -> Parameters:
    """One EM step for the mixture Σ_k weights_k N(means_k, sigma_k² I).

    x (n, d), weights (K,), means (K, d), sigma (K,) -> the new weights, means, sigma.
    """
    n, d = x.shape
    squared = ((x[:, None] - means) ** 2).sum(dim=-1)
    log_joint = weights.log() - d * sigma.log() - squared / (2 * sigma**2)
    r = log_joint.softmax(dim=1)

    counts = r.sum(dim=0)
    means = r.T @ x / counts[:, None]
    squared = ((x[:, None] - means) ** 2).sum(dim=-1)
    sigma = ((r * squared).sum(dim=0) / (d * counts)).sqrt()
    return counts / n, means, sigma


def _start(generator: torch.Generator, n: int, k: int, d: int) -> tuple[Tensor, ...]:
    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    means = 1.5 * draw(k, d)
    x = means[torch.arange(n) % k] + 0.8 * draw(n, d) + 0.3
    return x, (0.8 * draw(k)).softmax(-1), means, (0.4 * draw(k)).exp()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, k: int, d: int) -> tuple[Tensor, ...]:
        return tuple(a.to(dtype) for a in _start(generator, n, k, d))

    # All densities underflow at these points, and yet both components have their share.
    x, weights = case(8, 2, 2)[:2]
    means, sigma = torch.tensor([[0.6, 17.0], [-0.4, 17.02]]), torch.tensor([0.93, 0.93])
    far = x, weights, means.to(dtype), sigma.to(dtype)
    return [case(4, 2, 2), case(7, 3, 1), case(9, 3, 2), case(12, 2, 3), case(5, 5, 4), far]


def _never_worse(fn, generator):
    """the likelihood never falls"""
    x, *parameters = _start(generator, 40, 3, 2)
    before = _log_likelihood(x, *parameters)
    for _ in range(5):
        parameters = fn(x, *parameters)
        after = _log_likelihood(x, *parameters)
        if after < before - 1e-8:
            raise Fail("the log-likelihood falls in a step; EM never lowers it")
        before = after


def _log_likelihood(x: Tensor, weights: Tensor, means: Tensor, sigma: Tensor) -> Tensor:
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(weights),
        torch.distributions.Independent(torch.distributions.Normal(means, sigma[:, None]), 1),
    )
    return mixture.log_prob(x).sum()


# ------------------------------------------------------------------------ right answers


def _with_distributions(x, weights, means, sigma):
    normal = torch.distributions.Normal(means, sigma[:, None].expand_as(means))
    log_p = torch.distributions.Independent(normal, 1).log_prob(x.unsqueeze(1))
    joint = log_p + torch.log(weights)
    r = torch.exp(joint - torch.logsumexp(joint, 1, keepdim=True))
    new_means = torch.einsum("nk,nd->kd", r, x) / r.sum(0).unsqueeze(-1)
    residual = x.unsqueeze(1) - new_means
    variance = (r.unsqueeze(-1) * residual**2).sum((0, 2)) / (r.sum(0) * x.shape[1])
    return r.mean(0), new_means, variance.sqrt()


def _component_by_component(x, weights, means, sigma):
    n, d = x.shape
    joint = torch.stack(
        [
            w.log() - 0.5 * d * torch.log(s**2) - (x - m).square().sum(1) / (2 * s**2)
            for w, m, s in zip(weights, means, sigma)
        ],
        dim=1,
    )
    new = []
    for r in torch.softmax(joint, dim=1).unbind(1):
        mean = (r[:, None] * x).sum(0) / r.sum()
        spread = (r * (x - mean).pow(2).mean(1)).sum() / r.sum()
        new.append((r.sum() / n, mean, spread**0.5))
    return tuple(torch.stack(part) for part in zip(*new))


def _components_first(x, weights, means, sigma):
    squared = torch.cdist(means, x, compute_mode="donot_use_mm_for_euclid_dist") ** 2
    per_coordinate = sigma.square()[:, None]
    joint = weights[:, None].log() - 0.5 * (
        squared / per_coordinate + x.shape[1] * torch.log(2 * torch.pi * per_coordinate)
    )
    r = joint.softmax(0)
    shares = r / r.sum(1, keepdim=True)
    means = shares @ x
    squared = torch.cdist(means, x, compute_mode="donot_use_mm_for_euclid_dist") ** 2
    return [r.mean(1), means, ((shares * squared).sum(1) / x.shape[1]).sqrt()]


def _maximum_subtracted(x, weights, means, sigma):
    difference = x[:, None, :] - means[None, :, :]
    log_w = torch.log(weights) - x.shape[1] * torch.log(sigma)
    log_w = log_w - (difference**2).sum(2) / sigma**2 / 2
    w = torch.exp(log_w - log_w.amax(1, keepdim=True))
    r = w / w.sum(1, keepdim=True)
    counts = r.sum(0)
    means = (r[..., None] * x[:, None]).sum(0) / counts[:, None]
    squared = ((x[:, None, :] - means) ** 2).mean(2)
    return counts / counts.sum(), means, torch.sqrt((r * squared).sum(0) / counts)


Exercise(
    em_step,
    title="A step of expectation maximisation",
    minutes=15,
    difficulty=2,
    returns="(K,), (K, d), (K,)",
    cases=_cases,
    properties=[_never_worse],
    mistakes=MISTAKES,
    accepts=[
        _with_distributions,
        _component_by_component,
        _components_first,
        _maximum_subtracted,
    ],
    hints=(
        "E-step: the responsibility r_nk = p(k | x_n) is weights_k N(x_n; means_k, sigma_k² I) "
        "over its sum over k: a softmax over k of the logs, which never underflows.",
        "M-step: with n_k = Σ_n r_nk, the new weight is n_k / n and the new mean is "
        "Σ_n r_nk x_n / n_k.",
        "The new variance is Σ_n r_nk ‖x_n − new mean_k‖² / (d · n_k), since each of the d "
        "coordinates has the variance sigma_k². sigma is its root.",
    ),
)
