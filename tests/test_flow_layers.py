"""Every layer of a flow: its log-determinant, its inverse, its gradients, whatever the shape."""

import copy
import math
import pickle

import pytest
import torch
from torch.autograd.functional import jacobian
from torch.func import jacrev, vmap

from dgm_lib.models import flow
from tests.flows import CONDITIONAL, DOUBLE, LAYERS, SEEDS, built, points

every = pytest.mark.parametrize("name", LAYERS)
conditional = pytest.mark.parametrize("name", CONDITIONAL)
seeded = pytest.mark.parametrize("seed", SEEDS)


def log_det(way, x):
    """log|det| of the Jacobian of `way` at every point, by autograd."""
    return torch.stack([torch.linalg.slogdet(jacobian(lambda y: way(y)[0], row))[1] for row in x])


@every
@seeded
def test_ladj_is_the_jacobians_in_both_directions(name, seed):
    layer = built(LAYERS[name], seed)
    x = points(5, layer.d or 3, seed=seed)
    z, forward = layer(x)
    back, inverse = layer.inverse(z)
    torch.testing.assert_close(back, x, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(forward, log_det(layer, x), atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(inverse, log_det(layer.inverse, z), atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(layer.inv(z)[0], x, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(layer.inv.inverse(x), (z, forward))


@conditional
@seeded
def test_ladj_of_conditional_layers_is_the_jacobians(name, seed):
    layer = built(CONDITIONAL[name], seed)
    x, contexts = points(4, layer.d, seed=seed), points(4, 2, seed=seed + 1)
    z, forward = layer(x, contexts)
    back, inverse = layer.inverse(z, contexts)
    torch.testing.assert_close(back, x, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(inverse, -forward, atol=1e-9, rtol=1e-9)
    for k, c in enumerate(contexts):
        truth = log_det(lambda row: layer(row, c), x[k : k + 1])
        torch.testing.assert_close(forward[k : k + 1], truth, atol=1e-9, rtol=1e-9)
    assert not torch.allclose(layer(x, -contexts)[0], z)


@every
@pytest.mark.parametrize("batch", [(), (0,), (1,), (2, 3)])
def test_any_batch_shape_gives_each_point_its_own_value(name, batch):
    layer = built(LAYERS[name])
    x = points(*batch, layer.d or 3)
    for way in (layer, lambda x: layer.inverse(layer(x)[0])):
        y, ladj = way(x)
        assert y.shape == x.shape and ladj.shape == batch
        for index in [(0,) * len(batch), (-1,) * len(batch)] if 0 not in batch else []:
            torch.testing.assert_close(way(x[index]), (y[index], ladj[index]))


@every
def test_torch_func_and_second_derivatives(name):
    layer = built(LAYERS[name])
    x = points(4, layer.d or 3)
    for way in (layer, layer.inverse):
        start = x if way is layer else layer(x)[0].detach()
        torch.testing.assert_close(vmap(way)(start), way(start))
        slopes = vmap(jacrev(lambda row: way(row)[0]))(start)
        truth = torch.stack([jacobian(lambda y: way(y)[0], row) for row in start])
        torch.testing.assert_close(slopes, truth)

        def total(row):
            z, ladj = way(row)
            return z.square().sum() + ladj

        assert torch.autograd.gradcheck(total, start[0].clone().requires_grad_())
        assert torch.autograd.gradgradcheck(total, start[0].clone().requires_grad_())


@every
def test_gradients_reach_the_parameters_alike_in_both_directions(name):
    layer = built(LAYERS[name])
    parameters = list(layer.parameters())
    x = points(3, layer.d or 3)
    for way in (layer, layer.inverse):
        start = x if way is layer else layer(x)[0].detach()
        for weights in parameters:
            (found,) = torch.autograd.grad(_total(way, start), weights)
            index = tuple(size // 2 for size in weights.shape)
            with torch.no_grad():
                weights[index] += 1e-6
                above = _total(way, start)
                weights[index] -= 2e-6
                below = _total(way, start)
                weights[index] += 1e-6
            slope = (above - below) / 2e-6
            torch.testing.assert_close(found[index], slope, atol=1e-6, rtol=1e-6)


def _total(way, x):
    z, ladj = way(x)
    return (z * torch.arange(1.0, z.shape[-1] + 1)).sum() + ladj.square().sum()


@every
def test_copies_pickles_and_state_dicts_are_the_same_map(name):
    layer = built(LAYERS[name])
    x = points(4, layer.d or 3)
    other = built(LAYERS[name], seed=7)
    other.load_state_dict(layer.state_dict())
    for same in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), other):
        torch.testing.assert_close(same(x), layer(x), atol=0, rtol=0)


@every
def test_layers_stay_on_their_device_and_dtype(name):
    layer = LAYERS[name]().to("meta")
    x = torch.empty(5, layer.d or 3, device="meta")
    assert all(out.is_meta for way in (layer, layer.inverse) for out in way(x))
    with torch.device("meta"):
        layer = LAYERS[name]()
    assert all(out.is_meta for way in (layer, layer.inverse) for out in way(x))
    single = LAYERS[name]()
    x = torch.rand(2, layer.d or 3)
    assert all(out.dtype == torch.float32 for way in (single, single.inverse) for out in way(x))


@pytest.mark.parametrize("law", [flow.Additive(), flow.Affine(), flow.Affine(0.5)], ids=repr)
def test_laws_start_at_the_identity_and_invert(law):
    x, params = points(6, 3), 4 * points(6, 3, law.size, seed=1)
    z, ladj = law.forward(x, torch.zeros_like(params))
    torch.testing.assert_close((z, ladj), (x, torch.zeros_like(x)))
    z, ladj = law.forward(x, params)
    back, other = law.inverse(z, params)
    torch.testing.assert_close((back, other), (x, -ladj))
    assert law.size == 1 or ladj.abs().max() < law.limit


def test_affine_is_its_formula():
    x, s, t = points(3, 5)
    z, ladj = flow.Affine(2.0).forward(x, torch.stack([s, t], dim=-1))
    scale = 2 * torch.tanh(s / 2)
    torch.testing.assert_close((z, ladj), (x * scale.exp() + t, scale))


@seeded
def test_a_coupling_is_an_autoregressive_layer_with_block_masks(seed):
    """RealNVP as MAF and as IAF: the network that tells the moved half ignores it."""
    d, law = 4, flow.Affine()
    coupling = built(lambda: flow.Coupling(d, law, hidden=(8,)), seed)

    class Block(torch.nn.Module):
        def forward(self, x):
            moved = coupling.net(x[..., :2]).reshape(*x.shape[:-1], 2, law.size)
            return torch.cat([torch.zeros_like(moved), moved], dim=-2)

    layer, x = flow.Autoregressive(d, law, net=Block()), points(6, d, seed=seed)
    torch.testing.assert_close(layer(x), coupling(x))
    torch.testing.assert_close(layer.inverse(x), coupling.inverse(x))


@pytest.mark.parametrize("d", [1, 2, 5])
def test_autoregressive_layers_take_one_pass_one_way_and_d_the_other(d):
    layer = built(lambda: flow.Autoregressive(d, flow.Affine()))
    calls = []
    layer.net.register_forward_hook(lambda *_: calls.append(1))
    layer(points(7, d))
    assert len(calls) == 1
    layer.inverse(points(7, d))
    assert len(calls) == 1 + d


def test_autoregressive_inverse_is_sound_in_many_dimensions():
    layer = built(lambda: flow.Autoregressive(64, flow.Affine()), scale=2.0)
    x = points(5, 64)
    torch.testing.assert_close(layer.inverse(layer(x)[0])[0], x)


@seeded
def test_planar_and_sylvester_layers_cannot_fold(seed):
    """However large their weights: the slope stays positive, and the inverse finds the point."""
    for make in (lambda: flow.Planar(2), lambda: flow.Sylvester(2, 2)):
        layer = built(make, seed, scale=20.0)
        x = 3 * points(500, 2, seed=seed)
        z, ladj = layer(x)
        assert ladj.isfinite().all()
        torch.testing.assert_close(layer.inverse(z)[0], x, atol=1e-8, rtol=1e-8)


def test_planar_is_its_formula_and_the_matrix_determinant_lemma():
    layer, x = built(lambda: flow.Planar(3)), points(6, 3)
    v, w, b = layer.parameters_at(x)
    z, ladj = layer(x)
    h = torch.tanh(x @ w + b)
    torch.testing.assert_close(z, x + h[:, None] * v)
    torch.testing.assert_close(ladj, torch.log1p(w @ v * (1 - h**2)))


def test_sylvester_of_one_unit_is_planar():
    sylvester, x = built(lambda: flow.Sylvester(3, 1)), points(6, 3)
    Q, R, S, b = sylvester.parameters_at(x)
    torch.testing.assert_close(Q.T @ Q, torch.eye(1, dtype=DOUBLE))
    v, w = (Q * R).squeeze(-1), (Q * S).squeeze(-1)
    h = torch.tanh(x @ w + b)
    z, ladj = sylvester(x)
    torch.testing.assert_close(z, x + h[:, None] * v)
    torch.testing.assert_close(ladj, torch.log1p(w @ v * (1 - h**2)))


def test_lu_is_its_matrix():
    layer, x = built(LAYERS["LU"]), points(6, 3)
    W = layer.P @ layer.L @ layer.U
    z, ladj = layer(x)
    torch.testing.assert_close(z, x @ W.T + layer.b)
    torch.testing.assert_close(ladj, torch.linalg.slogdet(W)[1].expand(6))
    fresh = flow.LU(3, order=[2, 0, 1])
    torch.testing.assert_close(fresh(torch.tensor([0.0, 1, 2]))[0], torch.tensor([2.0, 0, 1]))


def test_permutations_go_there_and_back():
    x = torch.arange(5.0)
    assert flow.reverse(5)(x)[0].tolist() == [4, 3, 2, 1, 0]
    layer = flow.Permute([1, 4, 0, 3, 2])
    assert layer(x)[0].tolist() == [1, 4, 0, 3, 2]
    torch.testing.assert_close(layer.inverse(layer(x)[0])[0], x)


def test_sigmoid_is_exact_where_it_saturates_and_finite_at_the_edge():
    x = torch.tensor([[-40.0, 0.0, 30.0]], dtype=DOUBLE)
    z, ladj = flow.Sigmoid()(x)
    torch.testing.assert_close(z, x.sigmoid())
    truth = -40.0 - 2 * math.log(2) - 30.0
    torch.testing.assert_close(ladj, torch.tensor([truth], dtype=DOUBLE))
    edge, ladj = flow.Logit()(torch.tensor([0.0, 0.3, 1.0]))
    assert edge.isfinite().all() and ladj.isfinite()
    for outside in (1.5, -0.1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            flow.Logit()(torch.tensor([0.5, outside]))


def test_chains_compose_and_are_cut_like_lists():
    parts = [built(LAYERS[name]) for name in ("LU", "planar", "MAF", "IAF")]
    chain, x = flow.Chain(parts), points(5, 3)
    stages, total = [x], 0
    for part in parts:
        z, ladj = part(stages[-1])
        stages.append(z)
        total = total + ladj
    torch.testing.assert_close(chain(x), (stages[-1], total))
    torch.testing.assert_close(list(chain.path(x)), stages)
    torch.testing.assert_close(list(chain.inverse_path(stages[-1])), stages[::-1])
    assert len(chain) == 4 and list(chain) == parts and chain[1] is parts[1]
    assert isinstance(chain[2:], flow.Chain) and list(chain[2:]) == parts[2:]
    torch.testing.assert_close(chain[2:](stages[2])[0], stages[-1])
    assert chain.d == 3 and flow.Chain([flow.Sigmoid()]).d is None
