"""States of flows: a state of another order or mask is refused, and meta modules take theirs."""

import copy
import pickle

import pytest
import torch
from torch import nn

from dgm_lib.models import flow
from dgm_lib.nets import MaskedMLP
from tests.flows import CONDITIONAL, LAYERS, RECIPES, perturbed, points

AFFINE = flow.Affine()
SPLITS = [[True, False, False, True], [False, True, True, False], [True, False, True, False]]
DIFFERENT = {
    "order": (lambda order: flow.Autoregressive(3, AFFINE, order), [[0, 1, 2], [2, 1, 0]]),
    "order, own net": (
        lambda order: flow.Autoregressive(2, AFFINE, order, net=nn.Linear(2, 4)),
        [[0, 1], [1, 0]],
    ),
    "order, inverse": (lambda order: flow.Autoregressive(2, AFFINE, order).inv, [[0, 1], [1, 0]]),
    "order of a network": (
        lambda order: MaskedMLP(3, 2, (8,), torch.tensor(order)),
        [[0, 1, 2], [0, 2, 1]],
    ),
    "mask": (lambda mask: flow.Coupling(4, AFFINE, mask), SPLITS),
    "mask of halves": (lambda mask: flow.Coupling(2, AFFINE, mask), [[True, False], [False, True]]),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_state_of_another_order_or_mask_is_refused(name):
    make, choices = DIFFERENT[name]
    state = nn.Sequential(make(choices[0])).state_dict()
    same = nn.Sequential(make(choices[0]))
    for twin in (same, copy.deepcopy(same), pickle.loads(pickle.dumps(same))):
        twin.load_state_dict(state)
    for other in choices[1:]:
        theirs = nn.Sequential(make(other))
        for twin in (theirs, copy.deepcopy(theirs), pickle.loads(pickle.dumps(theirs))):
            for strict in (True, False):
                with pytest.raises(RuntimeError, match=rf"0.*{name.split()[0].strip(',')} must be"):
                    twin.load_state_dict(state, strict=strict)


def makers():
    yield from LAYERS.items()
    yield from ((f"conditional {name}", make) for name, make in CONDITIONAL.items())
    yield from ((name, lambda make=make: make(3, 2, (8,))) for name, make in RECIPES.items())


@pytest.mark.parametrize("make", dict(makers()).values(), ids=dict(makers()))
@pytest.mark.parametrize("assign", [False, True])
def test_modules_made_on_meta_take_their_state(make, assign):
    source = perturbed(make())
    with torch.device("meta"):
        twin = make()
    if not assign:
        twin = twin.to_empty(device="cpu")
        for tensor in (*twin.parameters(), *twin.buffers()):
            tensor.data.zero_()  # what uninitialised memory may hold
    twin.load_state_dict(source.state_dict(), assign=assign)
    assert {k: v.tolist() for k, v in twin.state_dict().items()} == {
        k: v.tolist() for k, v in source.state_dict().items()
    }


@pytest.mark.parametrize("name", ["order", "mask"])
def test_a_flow_from_meta_is_the_same_law(name):
    make, (choice, *_) = DIFFERENT[name]
    source = perturbed(make(choice))
    with torch.device("meta"):
        twin = make(choice)
    twin = twin.to_empty(device="cpu")
    twin.load_state_dict(source.state_dict())
    x = points(5, source.d).float()
    for ours, theirs in [(source(x), twin(x)), (source.inverse(x), twin.inverse(x))]:
        assert torch.equal(ours[0], theirs[0]) and torch.equal(ours[1], theirs[1])


def test_a_sequential_with_its_own_way_back_is_one_transform():
    class Own(nn.Sequential):
        def forward(self, x):
            return x + 1, 0.0

        def inverse(self, z):
            return z - 1, 0.0

    base = flow.StandardNormal(2)
    model = flow.Flow(base, Own(flow.Scale(2), flow.Scale(2)))
    assert len(model.transform) == 1
    assert torch.equal(model.log_prob(torch.zeros(3, 2)), base.log_prob(torch.ones(3, 2)))
    assert len(flow.Flow(base, nn.Sequential(flow.Scale(2), flow.Scale(2))).transform) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_logit_is_finite_and_exact_down_to_the_smallest_numbers(dtype):
    x = torch.tensor([[0.0], [1e-36], [1e-20], [1e-3], [0.5], [1.0]], dtype=dtype)
    z, ladj = flow.Logit()(x)
    assert z.isfinite().all() and ladj.isfinite().all()
    small = x[1:5].double()
    truth = small.log() - torch.log1p(-small)
    torch.testing.assert_close(z[1:5].double(), truth, rtol=1e-6, atol=1e-6)
    slope = -(small * (1 - small)).log().squeeze(-1)
    torch.testing.assert_close(ladj[1:5].double(), slope, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sylvester_works_in_half_precision(dtype):
    torch.manual_seed(0)
    layer = perturbed(flow.Sylvester(4, 3), scale=0.1)
    x = points(6, 4).float()
    exact, halved = layer(x), layer.to(dtype)(x.to(dtype))
    for found, truth in zip(halved, exact):
        assert found.dtype == dtype
        torch.testing.assert_close(found.float(), truth, atol=0.1, rtol=0.1)
