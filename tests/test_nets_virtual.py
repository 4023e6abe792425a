"""Virtual batch normalisation, and the convolutional networks of the digits."""

import pytest
import torch
from torch import nn
from torch.nn.functional import batch_norm

from dgm_lib.core import generator
from dgm_lib.nets import (
    DigitDiscriminator,
    DigitGenerator,
    VirtualBatchNorm,
    VirtualMLP,
)

F64 = torch.float64


def points(seed, *shape):
    return 2 * torch.randn(*shape, generator=generator(seed), dtype=F64) + 1


def test_each_point_is_normalised_with_the_reference_and_itself():
    reference, x = points(0, 7, 3), points(1, 5, 3)
    layer = VirtualBatchNorm(3, reference).double()
    nn.init.uniform_(layer.gamma), nn.init.uniform_(layer.beta)
    truth = [
        batch_norm(torch.cat([reference, row]), None, None, layer.gamma, layer.beta, True)[-1]
        for row in x.split(1)
    ]
    torch.testing.assert_close(layer(x), torch.stack(truth))
    torch.testing.assert_close(layer(x.reshape(1, 5, 3))[0], layer(x))


@pytest.mark.parametrize("where", [0.0, 1e6])
def test_far_from_the_origin_it_is_as_exact(where):
    reference, x = points(0, 50, 2), points(1, 5, 2)
    near, far = (VirtualBatchNorm(2, reference + shift).double() for shift in (0.0, where))
    torch.testing.assert_close(far(x + where), near(x), atol=1e-8, rtol=0)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "net",
    [
        lambda: VirtualBatchNorm(3, points(0, 9, 3)),
        lambda: VirtualMLP(3, 2, points(0, 9, 3), (8, 8)),
    ],
    ids=["layer", "network"],
)
def test_a_point_does_not_depend_on_the_rest_of_its_batch(net, training):
    torch.manual_seed(0)
    net = net().double().train(training)
    x = points(1, 6, 3).requires_grad_()
    alone = torch.stack([net(row) for row in x])
    torch.testing.assert_close(net(x), alone)
    (slope,) = torch.autograd.grad(net(x)[2].sum(), x)
    assert slope[2].abs().min() > 0 and slope[[0, 1, 3, 4, 5]].abs().max() == 0


def test_a_deep_network_is_batch_normalisation_of_reference_and_point_in_its_first_layer():
    torch.manual_seed(1)
    reference, x = points(0, 9, 3), points(1, 1, 3)
    net = VirtualMLP(3, 2, reference, (8,), nn.Tanh).double()
    hidden = batch_norm(net.linears[0](torch.cat([reference, x])), None, None, training=True)
    torch.testing.assert_close(net(x), net.head(hidden[-1:].tanh()))


def test_the_reference_moves_with_the_weights_and_lies_in_the_state():
    torch.manual_seed(2)
    net = VirtualMLP(3, 1, points(0, 9, 3), (8, 8)).double()
    x = points(1, 4, 3)
    y = net(x)
    with torch.no_grad():
        net.linears[0].weight.mul_(10.0)  # which a normalisation at these weights undoes
        net.linears[0].bias.mul_(10.0)
    torch.testing.assert_close(net(x), y, atol=1e-3, rtol=0)
    other = VirtualMLP(3, 1, torch.zeros(9, 3), (8, 8)).double()
    other.load_state_dict(net.state_dict())
    assert not any("norms" in name and "reference" in name for name in net.state_dict())
    torch.testing.assert_close(other(x), net(x))


def test_bad_references_are_named():
    for bad in (torch.zeros(3), torch.zeros(0, 3), torch.zeros(4, 2), [1.0]):
        with pytest.raises(ValueError, match="^reference must"):
            VirtualBatchNorm(3, bad)
    with pytest.raises(ValueError, match="^reference must"):
        VirtualBatchNorm(3)(torch.zeros(4, 3))
    with pytest.raises(ValueError, match="^x must have 3"):
        VirtualBatchNorm(3, torch.zeros(4, 3))(torch.zeros(5, 2))


# --------------------------------------------------------------------------- digits


@pytest.mark.parametrize("batch", [(), (1,), (5,), (2, 3), (0,)])
def test_the_digits_networks_take_any_batch(batch):
    torch.manual_seed(3)
    G, D = DigitGenerator(6, width=4).eval(), DigitDiscriminator(width=4)
    z = torch.randn(*batch, 6)
    x = G(z)
    assert x.shape == (*batch, 64) and D(x).shape == batch
    assert D.features(x).shape == (*batch, D.d_features)
    assert ((x > 0) & (x < 1)).all()
    torch.testing.assert_close(D.head(D.features(x)).squeeze(-1), D(x))
    if batch == (5,):
        torch.testing.assert_close(G(z[2]), x[2])
        torch.testing.assert_close(D(x[2]), D(x)[2])


def test_a_discriminator_judges_each_digit_for_itself_unless_told_to_normalise():
    torch.manual_seed(4)
    x = torch.rand(5, 64, requires_grad=True)
    for norm, alone in ((nn.Identity, True), (nn.BatchNorm2d, False)):
        (slope,) = torch.autograd.grad(DigitDiscriminator(4, norm)(x)[0], x)
        assert (slope[1:].abs().max() == 0) == alone


def test_wrong_digits_are_named():
    with pytest.raises(ValueError, match="x must have 64"):
        DigitDiscriminator()(torch.zeros(5, 1, 8, 8))
    with pytest.raises(ValueError, match="z must have 6"):
        DigitGenerator(6)(torch.zeros(5, 7))
