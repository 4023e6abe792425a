"""What flows say to those who call them wrongly: an error that names the argument, and no NaN."""

import math

import numpy as np
import pytest
import torch

from dgm_lib.models import flow

BASE = flow.StandardNormal(2)
CONDITIONAL = flow.realnvp(2, 2, context=3)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(5, 3), r"x must have 2 as its last dimension, got \(5, 3\)"),
        (torch.zeros(()), "x must have 2 as its last dimension"),
        (torch.tensor([0.0, math.nan]), "x must be finite everywhere"),
        (torch.tensor([[0.0, 1.0], [math.inf, 0.0]]), "x must be finite everywhere"),
        (torch.zeros(5, 2, dtype=torch.long), "x must be a tensor of floating-point numbers"),
        (torch.zeros(5, 2, dtype=torch.complex64), "x must be a tensor of floating-point numbers"),
        ([[0.0, 1.0]], "x must be a tensor of floating-point numbers, got list"),
    ],
)
@pytest.mark.parametrize("name", ["realnvp", "maf", "planar"])
def test_log_prob_names_what_is_wrong_with_x(name, x, message):
    with pytest.raises(ValueError, match=message):
        getattr(flow, name)(2, 2).log_prob(x)


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (None, "context must be given, with 3 as its last dimension"),
        (torch.zeros(()), "context must have 3 as its last dimension"),
        (torch.zeros(5, 2), "context must have 3 as its last dimension"),
        (torch.zeros(4, 3), r"context must have shape \(5, 3\)"),
        (torch.zeros(1, 5, 3), r"context must have shape \(5, 3\)"),
    ],
)
def test_log_prob_names_what_is_wrong_with_the_context(context, message):
    with pytest.raises(ValueError, match=message):
        CONDITIONAL.log_prob(torch.zeros(5, 2), context)


def test_a_context_is_never_ignored_nor_forgotten():
    with pytest.raises(ValueError, match="context must be None"):
        flow.realnvp(2).log_prob(torch.zeros(5, 2), torch.zeros(5, 3))
    with pytest.raises(ValueError, match="context must be None"):
        flow.planar(2).sample((3,), context=torch.zeros(3))
    for draw in (CONDITIONAL.sample, CONDITIONAL.rsample, CONDITIONAL.rsample_with_log_prob):
        with pytest.raises(ValueError, match="context must be given"):
            draw((3,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: flow.Coupling(1, flow.Affine()), "d must be an integer of at least 2"),
        (lambda: flow.Coupling(2, flow.Affine(), [True, True]), "mask must hold a bool"),
        (lambda: flow.Coupling(2, flow.Affine(), [False, False]), "mask must hold a bool"),
        (lambda: flow.Coupling(2, flow.Affine(), [0, 1]), "mask must hold a bool"),
        (
            lambda: flow.Coupling(2, flow.Affine(), [True, False, True]),
            r"mask must have shape \(2,",
        ),
        (lambda: flow.Autoregressive(2, flow.Affine(), [1, 1]), "order must be a permutation"),
        (lambda: flow.Affine(0.0), "limit must be positive, got 0.0"),
        (lambda: flow.Planar(0), "d must be"),
        (lambda: flow.Sylvester(2, 3), "m must be an integer of at least 1 and at most 2"),
        (lambda: flow.LU(3, [0, 1]), "order must be a permutation"),
        (lambda: flow.Permute([0, 2]), "order must be a permutation"),
        (lambda: flow.Standardise([0.0], [0.0]), "std must be positive"),
        (lambda: flow.Standardise([0.0, 1.0], [1.0]), "mean and std must both have shape"),
        (lambda: flow.StandardNormal(0), "d must be"),
        (lambda: flow.Flow(BASE, [flow.Scale(3)]), r"must have one dimension d, got \[2, 3\]"),
        (lambda: flow.Chain([flow.LU(2), flow.LU(3)]), "must have one dimension d"),
        (
            lambda: flow.Chain([*CONDITIONAL.transform, flow.Planar(2, context=1)]),
            "must take a context of one size",
        ),
        (lambda: flow.realnvp(2, -1), "layers must be an integer of at least 0"),
        (lambda: flow.Coupling(2, flow.Affine), "law must be a law such as flow.Affine()"),
        (lambda: flow.Autoregressive(2, flow.Affine), "law must be a law such as flow.Affine()"),
        (lambda: flow.Coupling(2, "affine"), "law must be a law .* got 'affine'"),
        *(
            (lambda make=make, hidden=hidden: make(hidden), "hidden must be")
            for make in (
                lambda hidden: flow.realnvp(2, 2, hidden),
                lambda hidden: flow.maf(2, 2, hidden),
                lambda hidden: flow.planar(2, 2, hidden, context=1),
            )
            for hidden in (64, (-3,), ("a",), (2.5,), (0,), None)
        ),
        (lambda: flow.Flow(None, flow.Scale(2)), "base must be a law, .* got None"),
        (lambda: flow.Flow(flow.Scale(2), BASE), r"base must be .* got Scale\(\)"),
        (lambda: flow.Flow(flow.StandardNormal, flow.Scale(2)), "base must be .* got <class"),
        (lambda: flow.Flow(BASE, None), "transforms must be .* got None"),
        (lambda: flow.Flow(BASE, flow.Scale), "transforms must be .* got <class"),
        (lambda: flow.Flow(BASE, [flow.Scale]), "every one of transforms must be an nn.Module"),
        (lambda: flow.Standardise([0.0], [1e-60]), "std must be positive and finite in torch.fl"),
        (lambda: flow.Standardise([0.0], [1e60]), "std must be positive and finite in torch.float"),
        (lambda: flow.Standardise([1e60], [1.0]), "mean must be finite"),
    ],
)
def test_makers_name_the_wrong_argument(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "layer",
    [
        flow.Coupling(3, flow.Affine()),
        flow.Autoregressive(3, flow.Affine()),
        flow.Planar(3),
        flow.Sylvester(3, 2),
        flow.LU(3),
        flow.reverse(3),
        flow.Scale(3),
        flow.Standardise([0.0] * 3, [1.0] * 3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_name_the_points_of_either_direction(layer):
    with pytest.raises(ValueError, match="x must have 3 as its last dimension"):
        layer(torch.zeros(4, 2))
    with pytest.raises(ValueError, match="z must have 3 as its last dimension"):
        layer.inverse(torch.zeros(4, 1))


def test_the_base_is_the_standard_normal():
    x = torch.randn(5, 7, 3, dtype=torch.float64)
    truth = torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(-1)
    torch.testing.assert_close(flow.StandardNormal(3).log_prob(x), truth)
    base = flow.StandardNormal(3).double()
    assert base.sample((2, 4)).dtype == torch.float64 and base.sample().shape == (3,)
    same = [base.sample((9,), torch.Generator().manual_seed(0)) for _ in range(2)]
    assert torch.equal(*same)
    with pytest.raises(ValueError, match="z must have 3"):
        base.log_prob(x[..., :2])


class PerCoordinate(torch.nn.Module):
    """A learner's transform that forgot the sum over coordinates."""

    def forward(self, x):
        return x, torch.zeros_like(x)

    inverse = forward


@pytest.mark.parametrize("n", [2, 5])
def test_log_densities_of_another_shape_are_never_broadcast(n):
    x = torch.zeros(n, 2)
    with pytest.raises(ValueError, match=r"ladj of PerCoordinate must have shape \(\d,\)"):
        flow.Flow(BASE, PerCoordinate()).log_prob(x)
    with pytest.raises(ValueError, match=r"ladj of PerCoordinate must have shape \(\d,\)"):
        flow.Flow(BASE, PerCoordinate()).sample((n,))
    with pytest.raises(ValueError, match="base must be a law of points"):
        normal = torch.distributions.Normal(torch.zeros(2), 1.0)
        flow.Flow(normal, flow.Scale(2)).log_prob(x)


def test_a_constant_ladj_stands_for_all_points():
    class Shift(torch.nn.Module):
        def forward(self, x):
            return x + 1, 0.0

        def inverse(self, z):
            return z - 1, 0

    model = flow.Flow(BASE, Shift())
    torch.testing.assert_close(model.log_prob(torch.zeros(5, 2)), BASE.log_prob(torch.ones(5, 2)))
    assert model.sample(3).shape == (3, 2)


def test_a_ladj_that_is_forgotten_or_summed_over_the_batch_is_an_error():
    class Forgotten(torch.nn.Module):
        def forward(self, x):
            return 2 * x

        inverse = forward

    class Summed(torch.nn.Module):
        def forward(self, x):
            return x, x.sum()

        inverse = forward

    class Flattened(torch.nn.Module):
        def forward(self, x):
            return x.sum(-1), x.sum(-1)

        inverse = forward

    for broken, message in [
        (Forgotten(), "Forgotten must return the points and ladj, got Tensor"),
        (Summed(), r"ladj of Summed must have shape \(2,\), one number for each point, got \(\)"),
        (Flattened(), r"the points from Flattened must have shape \(2, 2\)"),
    ]:
        model = flow.Flow(BASE, broken)
        for use in (
            lambda: model.log_prob(torch.zeros(2, 2)),
            lambda: model.sample((2,)),
            lambda: list(model.transform.path(torch.zeros(2, 2))),
            lambda: list(model.transform.inverse_path(torch.zeros(2, 2))),
        ):
            with pytest.raises(ValueError, match=message):
                use()


@pytest.mark.parametrize("name", ["realnvp", "maf", "planar", "sylvester"])
def test_points_and_contexts_have_the_dtype_of_the_flow(name):
    model, conditional = getattr(flow, name)(2, 2), getattr(flow, name)(2, 2, context=3)
    wrong = "must have the flow's dtype torch.float32, got torch.float64"
    with pytest.raises(ValueError, match="x " + wrong):
        model.log_prob(torch.zeros(5, 2).double())
    with pytest.raises(ValueError, match="x must have the flow's dtype torch.float64"):
        getattr(flow, name)(2, 2).double().log_prob(torch.zeros(5, 2))
    for context, message in [
        (torch.zeros(5, 3).double(), "context " + wrong),
        (torch.full((5, 3), math.nan), "context must be finite"),
        (torch.full((5, 3), math.inf), "context must be finite"),
        ([[0.0] * 3] * 5, "context must be a tensor of floating-point numbers, got list"),
        ("ab", "context must be a tensor of floating-point numbers, got str"),
        (torch.zeros(5, 3).long(), "context must be a tensor of floating-point numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            conditional.log_prob(torch.zeros(5, 2), context)
        for draw in (conditional.sample, conditional.rsample, conditional.rsample_with_log_prob):
            with pytest.raises(ValueError, match=message):
                draw((2,), context=context)


@pytest.mark.parametrize("shape", [-1, (2, -1), 2.5, "ab", (None,), None, True])
def test_sample_shapes_are_checked(shape):
    model = flow.realnvp(2, 2)
    for draw in (model.sample, model.rsample, model.rsample_with_log_prob, BASE.sample):
        with pytest.raises(ValueError, match="shape must be an integer"):
            draw(shape)


def test_sample_shapes_may_be_integers_of_any_library():
    for shape in (3, np.int64(3), [3], (np.int32(3),), torch.Size([3]), torch.tensor(3)):
        assert flow.realnvp(2, 2).sample(shape).shape == BASE.sample(shape).shape == (3, 2)
