"""Masked networks: what depends on what, by masks and by derivatives."""

import pytest
import torch
from torch.autograd.functional import jacobian

from dgm_lib.nets import MaskedMLP, made_masks

SHAPES = [(2, (4,)), (3, (2, 5)), (5, (16, 16)), (6, (5,)), (4, (3, 3, 3))]
seeded = pytest.mark.parametrize("seed", range(3))


def shuffled(d, seed):
    return torch.randperm(d, generator=torch.Generator().manual_seed(seed))


def comes_before(order):
    """Entry [i, j] is True where j comes strictly before i."""
    place = {coordinate: k for k, coordinate in enumerate(order.tolist())}
    return torch.tensor(
        [[place[j] < place[i] for j in range(len(order))] for i in range(len(order))]
    )


def reach(masks):
    """What the outputs can see of the inputs through these masks."""
    seen = torch.eye(masks[0].shape[1])
    for mask in masks:
        seen = mask.float() @ seen
    return seen > 0


@pytest.mark.parametrize(("d", "hidden"), [*SHAPES, (3, ()), (1, (4,))])
@seeded
def test_masks_let_through_exactly_what_comes_before(d, hidden, seed):
    order = shuffled(d, seed)
    masks = made_masks(order, hidden)
    widths = [d, *hidden, d]
    assert [tuple(m.shape) for m in masks] == list(zip(widths[1:], widths[:-1]))
    assert all(mask.dtype == torch.bool for mask in masks)
    assert torch.equal(reach(masks), comes_before(order))


@pytest.mark.parametrize("context", [1, 3])
@seeded
def test_masks_let_the_whole_context_through_to_all(context, seed):
    order = shuffled(4, seed)
    seen = reach(made_masks(order, (6, 6), context))
    assert torch.equal(seen[:, :4], comes_before(order)) and seen[:, 4:].all()


@pytest.mark.parametrize("width", [1, 2, 4])
@seeded
def test_layers_too_narrow_for_all_degrees_stay_autoregressive(width, seed):
    order = shuffled(7, seed)
    seen = reach(made_masks(order, (width, width)))
    assert not (seen & ~comes_before(order)).any()
    assert seen[order[-1], order[:-1]].all()  # the last coordinate sees all others nevertheless


@pytest.mark.parametrize(("d", "hidden"), [*SHAPES, (7, (3,)), (3, ())])
@seeded
def test_the_jacobian_is_strictly_triangular_in_the_order(d, hidden, seed):
    torch.manual_seed(seed)
    order = shuffled(d, seed)
    net = MaskedMLP(d, 3, hidden, order).double()
    slopes = jacobian(net, torch.randn(d, dtype=torch.float64))  # (d, 3, d)
    before = comes_before(order)
    assert (slopes.abs().amax(1)[~before] == 0).all()
    if all(width >= d - 1 for width in hidden):
        assert (slopes.abs().amin(1)[before] > 0).all()


@seeded
def test_each_output_number_has_its_own_function_and_all_of_the_context(seed):
    torch.manual_seed(seed)
    net = MaskedMLP(1, 2, (8,), context=3).double()
    x, c = torch.randn(5, 1).double(), torch.randn(5, 3).double()
    slopes = jacobian(lambda c: net(x[0], c), c[0])  # (1, 2, 3)
    assert (slopes.abs() > 0).all()
    assert not torch.allclose(net(x, c)[..., 0], net(x, c)[..., 1])
    torch.testing.assert_close(net(x, c), net(x + 1, c))  # nothing comes before the one coordinate


@pytest.mark.parametrize("batch", [(), (0,), (2, 3)])
def test_any_batch_shape_gives_each_point_its_own_value(batch):
    torch.manual_seed(0)
    net, x, c = MaskedMLP(3, 2, (8,), context=2), torch.randn(*batch, 3), torch.randn(*batch, 2)
    assert net(x, c).shape == (*batch, 3, 2)
    for index in [(0,) * len(batch)] if 0 not in batch else []:
        torch.testing.assert_close(net(x, c)[index], net(x[index], c[index]))
    torch.testing.assert_close(net(x, torch.ones(2)), net(x, torch.ones(*batch, 2)))


def test_the_order_of_coordinates_is_theirs_in_space():
    """Coordinate order[0] is the one that sees nothing."""
    net = MaskedMLP(3, 1, (8,), order=torch.tensor([2, 0, 1]))
    y, z = net(torch.zeros(3)), net(torch.ones(3))
    assert y[2] == z[2] and y[0] != z[0] and y[1] != z[1]


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="x must have 3 as its last dimension"):
        MaskedMLP(3, 1)(torch.zeros(2))
    with pytest.raises(ValueError, match="context must be given"):
        MaskedMLP(3, 1, context=2)(torch.zeros(3))
    with pytest.raises(ValueError, match="context must have 2 as its last dimension"):
        MaskedMLP(3, 1, context=2)(torch.zeros(3), torch.zeros(3))
    with pytest.raises(ValueError, match=r"context must have shape \(4, 2\)"):
        MaskedMLP(3, 1, context=2)(torch.zeros(4, 3), torch.zeros(5, 2))
    for order in ([0, 1], [0, 1, 1], [1, 2, 3], [0.0, 1.0, 2.0], [[0, 1, 2]]):
        with pytest.raises(ValueError, match="order must be a permutation"):
            MaskedMLP(3, 1, order=torch.tensor(order))
    for bad in (dict(d=0, out=1), dict(d=2, out=0), dict(d=2, out=1, hidden=(0,))):
        with pytest.raises(ValueError, match="must be an integer of at least"):
            MaskedMLP(**bad)


def test_masked_nets_stay_on_their_device_and_dtype():
    with torch.device("meta"):
        net = MaskedMLP(3, 2, context=1)
    assert net(torch.empty(5, 3, device="meta"), torch.empty(1, device="meta")).is_meta
    assert MaskedMLP(3, 2).double()(torch.zeros(3).double()).dtype == torch.float64
