"""Networks: their function, any batch shape, and clear errors for the wrong one."""

import math

import pytest
import torch

from dgm_lib.nets import MLP, ConvDecoder, ConvEncoder, TimeFeatures, TimeMLP


def test_mlp_is_its_formula():
    torch.manual_seed(0)
    net = MLP(3, 2, hidden=(5,), activation=torch.nn.Tanh).double()
    x = torch.randn(4, 7, 3, dtype=torch.float64)
    first, last = net[0], net[2]
    truth = torch.tanh(x @ first.weight.T + first.bias) @ last.weight.T + last.bias
    torch.testing.assert_close(net(x), truth)


def test_mlp_without_hidden_layers_is_affine():
    net = MLP(3, 2, hidden=())
    x, y = torch.randn(6, 3), torch.randn(6, 3)
    torch.testing.assert_close(net(x) + net(y), net(x + y) + net(torch.zeros(6, 3)))


@pytest.mark.parametrize("batch", [(), (0,), (1,), (5,), (2, 3)])
def test_any_batch_shape_gives_each_point_its_own_value(batch):
    torch.manual_seed(1)
    x, t, image = torch.randn(*batch, 2), torch.rand(*batch, 1), torch.randn(*batch, 1, 8, 8)
    mlp, time_mlp = MLP(2, 3), TimeMLP(2, 3)
    encoder, decoder = ConvEncoder(4, width=4), ConvDecoder(2, width=4)
    assert mlp(x).shape == (*batch, 3)
    assert time_mlp(x, t).shape == (*batch, 3)
    assert encoder(image).shape == (*batch, 4)
    assert decoder(x).shape == (*batch, 1, 8, 8)
    for index in [(0,) * len(batch)] if 0 not in batch else []:
        torch.testing.assert_close(mlp(x)[index], mlp(x[index]))
        torch.testing.assert_close(time_mlp(x, t)[index], time_mlp(x[index], t[index]))
        torch.testing.assert_close(encoder(image)[index], encoder(image[index]))
        torch.testing.assert_close(decoder(x)[index], decoder(x[index]))


def test_one_time_for_all_is_the_same_as_each_its_own():
    torch.manual_seed(2)
    net, x = TimeMLP(2, 2), torch.randn(9, 2)
    torch.testing.assert_close(net(x, torch.full((1, 1), 0.3)), net(x, torch.full((9, 1), 0.3)))


@pytest.mark.parametrize("shape", [(), (1,), (9,), (9, 2), (3, 1), (1, 9, 1)])
def test_a_time_of_another_shape_is_never_broadcast(shape):
    with pytest.raises(ValueError, match="t must have shape"):
        TimeMLP(2, 2)(torch.zeros(9, 2), torch.zeros(shape))


def test_time_features_tell_near_times_apart_and_far_ones_too():
    features = TimeFeatures(32)
    t = torch.linspace(0, 1, 201)[:, None]
    distances = torch.cdist(features(t), features(t)) + 10 * torch.eye(201)
    assert distances.min() > 0.5
    torch.testing.assert_close(features(t)[:, 0], t[:, 0].sin())
    torch.testing.assert_close(features(t)[:, -1], (100 * t[:, 0]).cos(), atol=1e-5, rtol=0)


def test_wrong_arguments_are_named():
    for net, bad in ((MLP(3, 2), torch.zeros(4, 2)), (ConvDecoder(3), torch.zeros(2))):
        with pytest.raises(ValueError, match="must have 3 as its last dimension, got"):
            net(bad)
    with pytest.raises(ValueError, match="x must end in the shape"):
        ConvEncoder(2)(torch.zeros(8, 8))
    with pytest.raises(ValueError, match="x must have 3"):
        TimeMLP(3, 1)(torch.zeros(2), torch.zeros(1))
    with pytest.raises(ValueError, match="features must be even"):
        TimeFeatures(3)
    with pytest.raises(ValueError, match="x must have 3"):
        MLP(3, 2)(torch.tensor(math.pi))


def test_nets_stay_on_their_device_and_dtype():
    with torch.device("meta"):
        nets = MLP(2, 2), TimeMLP(2, 2), ConvEncoder(2), ConvDecoder(2)
    x, t, image = (torch.empty(5, *s, device="meta") for s in ((2,), (1,), (1, 8, 8)))
    outputs = nets[0](x), nets[1](x, t), nets[2](image), nets[3](x)
    assert all(y.is_meta for y in outputs)
    x, t = torch.zeros(5, 2, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    assert TimeMLP(2, 2).double()(x, t).dtype == torch.float64
