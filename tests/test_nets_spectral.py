"""Spectral norms against the SVD and torch's own, and the slope they bound."""

import math
from copy import deepcopy

import pytest
import torch
from torch import nn

from dgm_lib.core import generator
from dgm_lib.nets import (
    MLP,
    DigitDiscriminator,
    clip_,
    frozen,
    lipschitz_bound,
    power_iteration,
    spectral_norm,
)

F64 = torch.float64


def matrix(seed, m=5, n=7):
    return torch.randn(m, n, generator=generator(seed), dtype=F64)


def largest(W):
    return torch.linalg.svdvals(W.detach().flatten(1))[0].item()


# --------------------------------------------------------------------------- power iteration


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_power_iteration_reaches_the_largest_singular_value_from_below(seed, scale):
    W = scale * matrix(seed)
    u, found = torch.randn(5, generator=generator(9), dtype=F64), []
    for _ in range(200):
        sigma, u, v = power_iteration(W, u)
        found.append(sigma.item() / scale)
        torch.testing.assert_close(torch.stack([u.norm(), v.norm()]), torch.ones(2, dtype=F64))
    truth = largest(W) / scale
    assert found == sorted(found) or max(a - b for a, b in zip(found, found[1:])) < 1e-12
    assert found[-1] == pytest.approx(truth, rel=1e-10) and max(found) <= truth * (1 + 1e-12)


def test_the_error_of_u_shrinks_by_the_squared_ratio_of_the_singular_values():
    W, u = torch.diag(torch.tensor([2.0, 1.0], dtype=F64)), torch.ones(2, dtype=F64)
    for k in range(1, 6):
        _, u, _ = power_iteration(W, u)
        assert (u[1] / u[0]).item() == pytest.approx(0.25**k)


def test_the_gradient_of_the_estimate_is_that_of_the_singular_value():
    W = matrix(0).requires_grad_()
    u = torch.ones(5, dtype=F64)
    for _ in range(500):
        sigma, u, v = power_iteration(W, u)
    (ours,) = torch.autograd.grad(sigma, W)
    (truth,) = torch.autograd.grad(torch.linalg.matrix_norm(W, 2), W)
    torch.testing.assert_close(ours, truth)
    torch.testing.assert_close(ours, torch.outer(u, v))


def test_a_step_leaves_its_arguments_alone_and_survives_a_matrix_of_zeros():
    W, u = matrix(1), torch.ones(5, dtype=F64)
    power_iteration(W, u)
    assert torch.equal(W, matrix(1)) and torch.equal(u, torch.ones(5, dtype=F64))
    assert power_iteration(torch.zeros(5, 7, dtype=F64), u)[0] == 0
    for bad in (torch.ones(7, dtype=F64), torch.ones(5, 1, dtype=F64)):
        with pytest.raises(ValueError, match="u .m,."):
            power_iteration(W, bad)


# --------------------------------------------------------------------------- the parametrisation

LAYERS = {
    "linear": lambda: nn.Linear(7, 5),
    "wide": lambda: nn.Linear(3, 9, bias=False),
    "convolution": lambda: nn.Conv2d(2, 4, 3),
    "transposed": lambda: nn.ConvTranspose2d(3, 4, 4, stride=2),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("bound", [1.0, 2.5])
def test_a_normalised_weight_has_the_norm_asked_for(layer, bound):
    torch.manual_seed(0)
    layer = layer().double()
    direction = layer.weight.detach().clone()
    assert spectral_norm(layer, bound=bound) is layer
    assert largest(layer.weight) == pytest.approx(bound)
    torch.testing.assert_close(layer.weight, bound * direction / largest(direction))


@pytest.mark.parametrize("iterations", [1, 3])
def test_weight_and_gradient_are_those_of_torchs_parametrisation(iterations):
    torch.manual_seed(1)
    ours, theirs = (nn.Linear(7, 5).double() for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    spectral_norm(ours, iterations)
    nn.utils.parametrizations.spectral_norm(theirs, n_power_iterations=iterations)
    x = matrix(2, 4, 7)
    for _ in range(3):  # the weights move, and both follow
        for layer in (ours, theirs):
            for _ in range(300 // iterations):
                layer.weight  # noqa: B018 - a step of its power iteration
            layer.zero_grad()
            layer(x).tanh().sum().backward()
        originals = [layer.parametrizations.weight.original for layer in (ours, theirs)]
        torch.testing.assert_close(ours.weight, theirs.weight)
        torch.testing.assert_close(originals[0].grad, originals[1].grad)
        with torch.no_grad():
            for original in originals:
                original -= 0.1 * originals[0].grad


@pytest.mark.parametrize("seed", range(3))
def test_in_training_the_norm_lags_behind_the_weights_and_catches_up(seed):
    torch.manual_seed(seed)
    net = spectral_norm(MLP(2, 1, (32, 32)))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    x, layers = torch.randn(64, 2), list(net)[::2]
    for _ in range(200):
        optimizer.zero_grad()
        (net(x) * x[:, :1].sin()).sum().backward()
        optimizer.step()
        # One step of the power iteration for each of the weights' finds sigma from below.
        assert all(0.999 < largest(layer.eval().weight) < 1.5 for layer in layers)
        net.train()
    for _ in range(300):
        net(x[:1])
    assert all(largest(layer.eval().weight) == pytest.approx(1, abs=1e-3) for layer in layers)


def test_evaluation_changes_nothing_and_a_state_brings_the_norm_back():
    torch.manual_seed(2)
    net = spectral_norm(MLP(3, 2, (8,)))
    net(torch.ones(1, 3))
    net.eval()
    before = deepcopy(net.state_dict())
    x = torch.randn(5, 3)
    y = net(x)
    lipschitz_bound(net.train())
    net.eval()
    assert all(torch.equal(a, b) for a, b in zip(before.values(), net.state_dict().values()))
    other = spectral_norm(MLP(3, 2, (8,))).eval()
    other.load_state_dict(before)
    assert torch.equal(other(x), y) and torch.equal(deepcopy(net)(x), y)


def test_an_assigned_weight_is_normalised_at_once():
    layer = nn.Linear(2, 2)
    layer.weight = nn.Parameter(torch.diag(torch.tensor([3.0, 1.0])))
    spectral_norm(layer)
    layer.weight = torch.diag(torch.tensor([1.0, 4.0]))  # orthogonal to where u was
    torch.testing.assert_close(layer.weight, torch.diag(torch.tensor([0.25, 1.0])))
    layer.weight = torch.zeros(2, 2)
    assert torch.equal(layer.weight, torch.zeros(2, 2))


def test_what_cannot_be_normalised_is_named():
    with pytest.raises(ValueError, match="module must hold linear"):
        spectral_norm(nn.ReLU())
    with pytest.raises(ValueError, match="parametrised already"):
        spectral_norm(spectral_norm(nn.Linear(2, 2)))
    for options in (dict(bound=0.0), dict(bound=math.inf), dict(iterations=0)):
        with pytest.raises(ValueError, match=next(iter(options))):
            spectral_norm(nn.Linear(2, 2), **options)


# --------------------------------------------------------------------------- the bound on the slope

IMAGES = [
    nn.Unflatten(-1, (1, 8, 8)),
    nn.Conv2d(1, 3, 3, padding=1),
    nn.GELU(),
    nn.Conv2d(3, 4, 4, stride=2, padding=1),
    nn.ELU(2.0),
    nn.Conv2d(4, 4, 3, stride=2, dilation=2, padding=1),
    nn.ConvTranspose2d(4, 2, 4, stride=2),
    nn.Flatten(0),
]
NETS = {
    "MLP": (lambda: MLP(4, 3, (16, 16)), 4),
    "normalised": (lambda: spectral_norm(MLP(4, 3, (16, 16))), 4),
    "ReLU": (lambda: MLP(4, 3, (16,), nn.ReLU), 4),
    "convolutions": (lambda: nn.Sequential(*deepcopy(IMAGES)), 64),
    "digits": (lambda: DigitDiscriminator(4), 64),
}


def steepest(net, x):
    """The largest singular value of the Jacobian at the points."""
    return max(
        torch.linalg.matrix_norm(torch.func.jacrev(net)(row).reshape(-1, len(row)), 2).item()
        for row in x
    )


@pytest.mark.parametrize(("net", "d"), NETS.values(), ids=NETS)
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_no_slope_is_above_the_bound(net, d, scale):
    torch.manual_seed(3)
    net = net().double().eval()
    x = scale * torch.randn(30, d, dtype=F64)
    assert 0 < steepest(net, x) <= lipschitz_bound(net)


def test_the_bound_is_the_product_and_is_reached_by_a_linear_chain():
    W = matrix(4, 3, 3)
    net = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Tanh(), nn.Linear(3, 1)).double()
    U, S, V = torch.linalg.svd(W)
    with torch.no_grad():
        net[0].weight.copy_(W)
        net[2].weight.copy_(U[:, :1].T)  # aligned with the first layer; tanh has slope 1 at 0
    assert lipschitz_bound(net) == pytest.approx(S[0].item())
    assert steepest(net, torch.zeros(1, 3).double()) == pytest.approx(S[0].item())


def test_a_convolution_of_ones_reaches_its_bound():
    # On an image much larger than the kernel: of a constant image each window makes a constant.
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False).double()
    nn.init.ones_(layer.weight)
    image = torch.ones(1, 1, 60, 60, dtype=F64)
    ratio = (layer(image).norm() / image.norm()).item()
    assert lipschitz_bound(layer) == pytest.approx(9.0) and 8.8 < ratio <= 9.0


@pytest.mark.parametrize(
    "net", [nn.LSTM(2, 2), nn.Softmax(-1), nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")]
)
def test_a_net_of_unknown_slope_is_refused(net):
    with pytest.raises(ValueError, match="net must"):
        lipschitz_bound(nn.Sequential(net))


# --------------------------------------------------------------------------- clipped and frozen


def test_clipping_is_of_all_weights_and_in_place():
    net = MLP(2, 2)
    kept = [p.detach().clone() for p in net.parameters()]
    assert clip_(net, 0.05) is net
    for now, before in zip(net.parameters(), kept):
        assert torch.equal(now, before.clamp(-0.05, 0.05)) and now.requires_grad
    for c in (0, -1.0, math.nan, "a"):
        with pytest.raises(ValueError, match="c must be positive"):
            clip_(net, c)


def test_gradients_flow_through_a_frozen_net_and_not_to_it():
    net, x = MLP(2, 1), torch.randn(5, 2, requires_grad=True)
    net[0].bias.requires_grad_(False)
    (truth,) = torch.autograd.grad(net(x).sum(), x)
    with pytest.raises(RuntimeError, match="inside"), frozen(net) as same:
        assert same is net
        y = net(x).sum()
        raise RuntimeError("inside")
    y.backward()
    torch.testing.assert_close(x.grad, truth)
    assert all(p.grad is None for p in net.parameters())
    assert [p.requires_grad for p in net.parameters()] == [True, False] + [True] * 4
