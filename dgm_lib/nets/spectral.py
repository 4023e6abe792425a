"""Networks that cannot be steep: spectral norms, their bound on the slope, clipped weights."""

from __future__ import annotations

import math
from numbers import Real

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

from dgm_lib.core import whole
from dgm_lib.nets.inputs import module as checked_module
from dgm_lib.nets.inputs import require_floats, require_like

Affine = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)

# The largest slope of each; those of SiLU and GELU are above 1.
SLOPES = {
    nn.ReLU: 1.0,
    nn.Tanh: 1.0,
    nn.Sigmoid: 0.25,
    nn.Softplus: 1.0,
    nn.SiLU: 1.09984,
    nn.GELU: 1.12905,
    nn.Identity: 1.0,
    nn.Flatten: 1.0,
    nn.Unflatten: 1.0,
}


def power_iteration(W: Tensor, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One step towards the largest singular value of W `(m, n)`: (sigma, u `(m,)`, v `(n,)`).

    v = Wᵀu / ‖Wᵀu‖, then u = Wv / ‖Wv‖ and sigma = uᵀWv, never above the largest. The error of
    u shrinks by (σ₂/σ₁)² a step. u and v are held fixed in sigma, whose gradient is then u vᵀ.

    >>> sigma, u, v = power_iteration(torch.diag(torch.tensor([3.0, 1.0])), torch.ones(2))
    >>> [round(value, 3) for value in (sigma.item(), *u.tolist())]
    [2.864, 0.994, 0.11]
    """
    require_floats(W, "W"), require_like(u, W, "u")
    if W.ndim != 2 or u.shape != W.shape[:1]:
        raise ValueError(
            f"W must have shape (m, n) and u (m,), got {tuple(W.shape)} and {tuple(u.shape)}"
        )
    smallest = torch.finfo(W.dtype).tiny
    with torch.no_grad():
        v = normalize(W.T @ u, dim=0, eps=smallest)
        u = normalize(W @ v, dim=0, eps=smallest)
    return u @ W @ v, u, v


def spectral_norm(module: nn.Module, iterations: int = 1, bound: float = 1.0) -> nn.Module:
    """Give the weight W of every linear and convolutional layer the spectral norm `bound`.

    W becomes bound · W / sigma(W), sigma by so many steps of power iteration each time the weight
    is used, from where the last use in training left u. A kernel counts as the matrix that it
    applies to each patch. Changes the module, and returns it. Miyato et al. (2018).

    >>> net = spectral_norm(nn.Linear(3, 2))
    >>> round(torch.linalg.matrix_norm(net.weight, 2).item(), 5)
    1.0
    """
    iterations = whole("iterations", iterations)
    if not isinstance(bound, Real) or not 0 < bound < math.inf:
        raise ValueError(f"bound must be positive, got {bound!r}")
    modules = checked_module("module", module).modules()
    layers = [layer for layer in modules if isinstance(layer, Affine)]
    if not layers:
        raise ValueError("module must hold linear or convolutional layers, got none")
    if any(parametrize.is_parametrized(layer, "weight") for layer in layers):
        raise ValueError("module must hold no weight that is parametrised already, got one")
    for layer in layers:
        normalised = _Normalised(layer.weight, iterations, float(bound))
        parametrize.register_parametrization(layer, "weight", normalised)
    return module


class _Normalised(nn.Module):
    """The parametrisation W ↦ bound · W / sigma(W)."""

    def __init__(self, weight: Tensor, iterations: int, bound: float) -> None:
        super().__init__()
        self.iterations, self.bound = iterations, bound
        self.register_buffer("u", weight.new_zeros(len(weight)))

    def forward(self, weight: Tensor) -> Tensor:
        u = self.u
        for _ in range(self.iterations):
            sigma, u, _ = power_iteration(_matrix(weight), u)
        if self.training:
            self.u.copy_(u)
        return self.bound * weight / sigma.clamp(min=torch.finfo(sigma.dtype).tiny)

    def right_inverse(self, weight: Tensor) -> Tensor:
        # Called with the first weight and with any that is assigned, from which u may be far.
        self.u.copy_(_leading(_matrix(weight)))
        return weight


@torch.no_grad()
def lipschitz_bound(net: nn.Module) -> float:
    """An upper bound on how steep a chain of layers is: ‖net(a) - net(b)‖ ≤ bound · ‖a - b‖.

    The product of the layers' own: the largest singular value of a linear layer, the largest
    slope of an activation. A kernel's singular value counts √k for the k windows that a pixel
    is seen by. `net` is a layer, an `nn.Sequential`, or has a method `lipschitz_bound`.
    Exact singular values, not the estimates of `spectral_norm`. Tsuzuku, Sato & Sugiyama (2018).
    """
    if hasattr(net, "lipschitz_bound"):
        return net.lipschitz_bound()
    if isinstance(net, nn.Sequential):
        return math.prod(map(lipschitz_bound, net))
    if isinstance(net, Affine):
        return _largest(net) * math.sqrt(_windows(net))
    if isinstance(net, nn.LeakyReLU):
        return max(1.0, abs(net.negative_slope))
    if isinstance(net, nn.ELU):
        return max(1.0, net.alpha)
    if type(net) in SLOPES:
        return SLOPES[type(net)]
    raise ValueError(f"net must be a chain of layers of known slope, got a {type(net).__name__}")


@torch.no_grad()
def clip_(net: nn.Module, c: float) -> nn.Module:
    """Bring all parameters of a network into [-c, c], in place, and return it.

    Between the steps of a run: `for step in run: clip_(step.model, 0.01)`. Arjovsky, Chintala &
    Bottou, "Wasserstein GAN" (2017).
    """
    if not isinstance(c, Real) or not 0 < c < math.inf:
        raise ValueError(f"c must be positive, got {c!r}")
    for parameter in checked_module("net", net).parameters():
        parameter.clamp_(-c, c)
    return net


def _matrix(weight: Tensor) -> Tensor:
    return weight.flatten(1)


@torch.no_grad()
def _leading(W: Tensor) -> Tensor:
    """The left singular vector of the largest singular value: no need to start at random."""
    return torch.linalg.svd(W, full_matrices=False).U[:, 0].contiguous()


def _largest(layer: nn.Module) -> float:
    """The largest singular value of a layer's weight, without a step of its power iteration."""
    training = layer.training
    layer.eval()
    value = torch.linalg.matrix_norm(_matrix(layer.weight), 2).item()
    layer.train(training)
    return value


def _windows(layer: nn.Module) -> int:
    """How many windows of the layer a pixel is at most in."""
    if isinstance(layer, nn.Linear):
        return 1
    if layer.padding_mode != "zeros":
        raise ValueError(f"net must pad its images with zeros, got {layer.padding_mode!r}")
    sizes = zip(layer.kernel_size, layer.stride, layer.dilation)
    return math.prod(math.ceil(k / (s // math.gcd(s, d))) for k, s, d in sizes)
