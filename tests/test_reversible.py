"""Reversible networks: exact inverses, the plain chain's gradients, and clear refusals."""

import copy

import pytest
import torch
from torch import nn

from dgm_lib import data
from dgm_lib.core import generator
from dgm_lib.nets import MLP, Reversible, ReversibleBlock, SpaceToDepth
from tests.reversibles import chain, irevnet, mlp_blocks

DOUBLE = torch.float64


def test_a_block_is_its_formula():
    (block,), x = mlp_blocks(1), torch.randn(5, 4, dtype=DOUBLE, generator=generator(0))
    y1 = x[:, :2] + block.f(x[:, 2:])
    y2 = x[:, 2:] + block.g(y1)
    torch.testing.assert_close(block(x), torch.cat([y1, y2], -1))
    torch.testing.assert_close(block.inverse(block(x)), x)


@pytest.mark.parametrize("seed", range(3))
def test_a_block_has_a_log_det_of_zero(seed):
    (block,), x = mlp_blocks(1, d=6, seed=seed), torch.randn(6, dtype=DOUBLE)
    jacobian = torch.autograd.functional.jacobian(block, x)
    assert abs(torch.linalg.slogdet(jacobian).logabsdet) < 1e-12
    assert (jacobian - torch.eye(6, dtype=DOUBLE)).abs().max() > 0.05  # and does something
    torch.testing.assert_close(torch.func.jacrev(block)(x), jacobian)


@pytest.mark.parametrize("batch", [(), (0,), (3,), (2, 3)])
def test_any_batch_shape_there_and_back(batch):
    net, x = Reversible(mlp_blocks(3)), torch.randn(*batch, 4, dtype=DOUBLE)
    torch.testing.assert_close(net.inverse(net(x)), x)
    torch.testing.assert_close(net(x), chain(net)(x))
    image = torch.randn(*batch[-1:], 1, 8, 8)  # convolutions take no more
    torch.testing.assert_close(irevnet(4).inverse(irevnet(4)(image)), image)


@pytest.mark.parametrize("activation", [torch.sin, torch.relu, lambda x: 3 * x**2])
def test_functions_that_cannot_be_inverted_are_welcome(activation):
    block, x = ReversibleBlock(activation, torch.cos), torch.randn(7, 6, dtype=DOUBLE)
    torch.testing.assert_close(block.inverse(block(x)), x, rtol=1e-12, atol=1e-12)
    net = Reversible([block, block])
    assert torch.autograd.gradcheck(net, x.requires_grad_())


def test_space_to_depth_moves_each_pixel_and_no_other():
    image = torch.arange(64.0).reshape(1, 8, 8)
    deep = SpaceToDepth()(image)
    assert deep.shape == (4, 4, 4)
    for c in range(4):
        assert torch.equal(deep[c], image[0, c // 2 :: 2, c % 2 :: 2])
    assert torch.equal(SpaceToDepth().inverse(deep), image)
    assert torch.equal(SpaceToDepth(4).inverse(SpaceToDepth(4)(image)), image)
    deeper = SpaceToDepth()(torch.randn(2, 5, 3, 8, 8))
    assert deeper.shape == (2, 5, 12, 4, 4)
    batch = torch.randn(2, 5, 3, 8, 8)
    torch.testing.assert_close(SpaceToDepth()(batch), torch.pixel_unshuffle(batch, 2))
    assert SpaceToDepth()(torch.zeros(0, 1, 8, 8)).shape == (0, 4, 4, 4)
    assert SpaceToDepth().inverse(torch.zeros(0, 4, 4, 4)).shape == (0, 1, 8, 8)


# --- gradients ------------------------------------------------------------------------------------


def gradients(net, x):
    """Of a scalar of net(x), at x and at every parameter."""
    x = x.clone().requires_grad_()
    y = net(x)
    weights = torch.randn(y.shape, dtype=y.dtype, generator=generator(1))
    return torch.autograd.grad((weights * y.square()).sum(), [x, *net.parameters()])


@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_those_of_the_plain_chain(seed):
    blocks, x = mlp_blocks(16, seed=seed), torch.randn(10, 4, dtype=DOUBLE)
    for ours, plain in zip(gradients(Reversible(blocks), x), gradients(chain(blocks), x)):
        torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-10)
    net, image = irevnet(seed=seed).double(), torch.randn(3, 1, 8, 8, dtype=DOUBLE)
    for ours, plain in zip(gradients(net, image), gradients(chain(net), image)):
        torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-10)


def test_backward_fills_grad_and_leaves_out_what_is_frozen():
    blocks, x = mlp_blocks(3), torch.randn(10, 4, dtype=DOUBLE)
    blocks[1].f.requires_grad_(False)
    net = Reversible(blocks)
    net(x).sum().backward()  # x itself needs no gradient
    plain = torch.autograd.grad(
        chain(blocks)(x).sum(), [p for p in net.parameters() if p.requires_grad]
    )
    found = [p.grad for p in net.parameters() if p.requires_grad]
    assert all(p.grad is None for p in blocks[1].f.parameters())
    for ours, truth in zip(found, plain, strict=True):
        torch.testing.assert_close(ours, truth, rtol=1e-10, atol=1e-10)


def test_a_block_used_twice_gathers_both_gradients():
    blocks, x = mlp_blocks(2), torch.randn(10, 4, dtype=DOUBLE)
    shared = [blocks[0], blocks[1], blocks[0]]
    for ours, plain in zip(gradients(Reversible(shared), x), gradients(chain(shared), x)):
        torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-10)


def test_it_can_stand_inside_another_and_within_a_larger_network():
    blocks, x = mlp_blocks(4), torch.randn(10, 4, dtype=DOUBLE)
    head = nn.Linear(4, 2).double()
    nested = nn.Sequential(Reversible([blocks[0], Reversible(blocks[1:])]), head)
    for ours, plain in zip(gradients(nested, x), gradients(chain([*blocks, head]), x)):
        torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-10)


def test_it_is_a_list_of_its_blocks():
    blocks, x = mlp_blocks(4), torch.randn(10, 4, dtype=DOUBLE)
    net = Reversible(blocks)
    assert len(net) == 4 and list(net) == blocks and isinstance(net[1:3], Reversible)
    torch.testing.assert_close(net[2:](net[:2](x)), net(x))
    twin = copy.deepcopy(net)
    twin.load_state_dict(net.state_dict())
    torch.testing.assert_close(twin(x), net(x))
    assert torch.equal(Reversible([])(x), x)
    with torch.no_grad():
        assert not net(x).requires_grad
    with torch.inference_mode():
        torch.testing.assert_close(net(x), chain(net)(x))


@pytest.mark.parametrize("seed", range(3))
def test_training_is_that_of_the_plain_chain(seed):
    nets = [Reversible(mlp_blocks(6, seed=seed)), chain(mlp_blocks(6, seed=seed))]
    x, target = torch.randn(2, 64, 4, dtype=DOUBLE, generator=generator(seed))
    losses = []
    for net in nets:
        optimiser = torch.optim.Adam(net.parameters(), 1e-3)
        for _ in range(20):
            optimiser.zero_grad()
            loss = (net(x) - target).square().mean()
            loss.backward()
            optimiser.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


# --- a bijection of images ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_digits_come_back_from_their_features(seed):
    images = data.digits().x.float().reshape(-1, 1, 8, 8)[:200]
    net = irevnet(seed=seed)
    features = net(images)
    assert features.shape == (200, 64, 1, 1)
    assert (net.inverse(features) - images).abs().max() < 1e-5
    assert (features.flatten(1) - images.flatten(1)).abs().mean() > 0.05  # and were changed
    jacobian = torch.autograd.functional.jacobian(
        lambda x: net(x.reshape(1, 8, 8)).flatten(), images[0].flatten()
    )
    assert abs(torch.linalg.slogdet(jacobian).logabsdet) < 1e-4


def test_digits_come_back_after_the_network_learnt_to_tell_them_apart():
    x, y = data.digits()
    images = x.float().reshape(-1, 1, 8, 8)
    net, head = irevnet(), nn.Linear(64, 10)
    optimiser = torch.optim.Adam([*net.parameters(), *head.parameters()], 2e-3)
    order = torch.randperm(len(y), generator=generator(0))
    train, test = order[:1400], order[1400:]
    for k in range(150):
        batch = train[torch.randint(len(train), (64,), generator=generator(k))]
        optimiser.zero_grad()
        nn.functional.cross_entropy(head(net(images[batch]).flatten(1)), y[batch]).backward()
        optimiser.step()
    with torch.no_grad():
        features = net(images[test])
        accuracy = (head(features.flatten(1)).argmax(-1) == y[test]).float().mean()
        assert accuracy > 0.85
        assert (net.inverse(features) - images[test]).abs().max() < 1e-5


# --- what is refused ------------------------------------------------------------------------------


def random_block(layer):
    return ReversibleBlock(nn.Sequential(nn.Linear(2, 2), layer), MLP(2, 2))


def test_dropout_is_refused_while_it_is_at_work():
    net, x = Reversible([random_block(nn.Dropout(0.5)), random_block(nn.Tanh())]), torch.randn(9, 4)
    with pytest.raises(RuntimeError, match="drew random numbers"):
        net(x)
    for ours, plain in zip(gradients(net.eval(), x), gradients(chain(net), x)):
        torch.testing.assert_close(ours, plain)
    with torch.no_grad():
        net.train()(x)  # nothing to compute again
    y = net.eval()(x)
    net.train()
    with pytest.raises(RuntimeError, match="drew random numbers"):
        y.sum().backward()


def test_batch_normalisation_is_refused_while_it_counts():
    net, x = Reversible([random_block(nn.BatchNorm1d(2))]), torch.randn(9, 4)
    with pytest.raises(RuntimeError, match="changed its buffers"):
        net(x)
    for ours, plain in zip(gradients(net.eval(), x), gradients(chain(net), x)):
        torch.testing.assert_close(ours, plain)
    assert gradients(Reversible([random_block(nn.LayerNorm(2))]), x)


def test_a_parameter_changed_before_backward_is_refused():
    net = Reversible(mlp_blocks(2))
    y = net(torch.randn(9, 4, dtype=DOUBLE))
    with torch.no_grad():
        net[0].f[0].weight.mul_(2)
    with pytest.raises(RuntimeError, match="changed between forward and backward"):
        y.sum().backward()


def test_a_network_hidden_in_a_function_is_refused_not_left_untrained():
    hidden = nn.Linear(2, 2)
    net = Reversible([ReversibleBlock(lambda x: hidden(x), MLP(2, 2))])
    with pytest.raises(RuntimeError, match="not one of its parameters"):
        net(torch.randn(9, 4)).sum().backward()


def test_a_second_derivative_is_refused():
    x = torch.randn(9, 4, dtype=DOUBLE, requires_grad=True)
    (slope,) = torch.autograd.grad(
        Reversible(mlp_blocks(2))(x).square().sum(), x, create_graph=True
    )
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def test_wrong_arguments_are_named():
    block = ReversibleBlock(MLP(2, 2), MLP(2, 2))
    for bad in (torch.zeros(5, 3), torch.tensor(1.0), torch.zeros(5, 0)):
        with pytest.raises(ValueError, match="x must have an even size in dimension -1"):
            block(bad)
    with pytest.raises(ValueError, match="y must have an even size in dimension -3"):
        ReversibleBlock(torch.sin, torch.sin, dim=-3).inverse(torch.zeros(3, 4, 4))
    with pytest.raises(ValueError, match=r"f must keep the shape \(5, 2\), got \(5, 1\)"):
        ReversibleBlock(MLP(2, 1), MLP(2, 2))(torch.zeros(5, 4))
    with pytest.raises(ValueError, match="x must have shape .* h and w divisible by 2"):
        SpaceToDepth()(torch.zeros(1, 8, 7))
    with pytest.raises(ValueError, match="y must have shape .* c divisible by 4"):
        SpaceToDepth().inverse(torch.zeros(6, 4, 4))
    with pytest.raises(ValueError, match="blocks must have an inverse, Linear has none"):
        Reversible([block, nn.Linear(4, 4)])
    with pytest.raises(ValueError, match="s must be an integer"):
        SpaceToDepth(0)
