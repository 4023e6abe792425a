"""Random numbers in training: a run is its seed, and the global generator is left alone."""

from functools import partial
from itertools import repeat

import pytest
import torch
from torch import nn

from dgm_lib.nets import MLP
from dgm_lib.training import constant, epochs, train
from tests.runs import DATA, equal, net, square


def test_a_run_is_its_seeds_whatever_the_consumer_draws():
    def run(seed, disturb):
        torch.manual_seed(torch.randint(9999, ()).item())
        found = []
        model = net(dropout=0.5)
        for step in train(model, square, epochs(DATA, 5), steps=20, seed=seed):
            found.append(step.loss)
            if disturb:
                torch.manual_seed(step.index)
                torch.randn(step.index)
        return found, model.state_dict()

    plain, disturbed, other = run(0, False), run(0, True), run(1, False)
    assert equal(plain, disturbed) and plain[0] != other[0]


def test_the_global_generator_is_left_alone():
    run = train(net(0.5), square, epochs(DATA, 5), steps=5)
    before = torch.get_rng_state()
    next(run)
    assert torch.equal(before, torch.get_rng_state())
    list(run)
    with pytest.raises(ZeroDivisionError):
        list(train(net(0.5), lambda model, x: 1 / 0 * torch.randn(3), epochs(DATA, 5)))
    assert torch.equal(before, torch.get_rng_state())


def test_the_batches_are_the_seeds_whatever_the_model_draws():
    def batches(dropout):
        seen = []

        def loss(model, x):
            seen.append(x)
            return square(model, x) if dropout else model(x).square().mean()

        list(train(net(dropout), loss, epochs(DATA, 5), steps=9))
        return seen

    assert equal(batches(0.0), batches(0.5))


def test_interleaved_runs_are_what_each_is_alone():
    def run():
        return train(net(0.5), square, epochs(DATA, 5), steps=9, ema=0.9)

    alone = [step.loss for step in run()]
    together = [(a.loss, b.loss) for a, b in zip(run(), run())]
    assert together == [(loss, loss) for loss in alone]


def bce(score, real):
    return nn.functional.binary_cross_entropy_with_logits(score, torch.full_like(score, real))


def test_a_gan_is_two_runs_zipped():
    z, x = torch.linspace(-2, 2, 32)[:, None], torch.linspace(1, 3, 32)[:, None]

    def modules():
        torch.manual_seed(0)
        return nn.ModuleDict(dict(g=MLP(1, 1, (8,)), d=MLP(1, 1, (8,))))

    def d_loss(gan, x):
        return bce(gan["d"](x), 1.0) + bce(gan["d"](gan["g"](z)), 0.0)

    def g_loss(gan):
        return bce(gan["d"](gan["g"](z)), 1.0)

    gan, hand = modules(), modules()
    runs = (
        train(gan, loss, batches, steps=50, schedule=constant,
              optimizer=lambda _, part=part: torch.optim.Adam(gan[part].parameters()))
        for part, loss, batches in (("d", d_loss, repeat(x)), ("g", g_loss, repeat(())))
    )  # fmt: skip
    pairs = [(d.loss, g.loss) for d, g in zip(*runs)]

    optimizers = {part: torch.optim.Adam(hand[part].parameters()) for part in hand}
    for expected in pairs:
        losses = []
        for part, loss in (("d", partial(d_loss, x=x)), ("g", g_loss)):
            optimizers[part].zero_grad()
            value = loss(hand)
            value.backward()
            optimizers[part].step()
            losses.append(value.item())
        assert expected == tuple(losses)
    assert len(pairs) == 50 and equal(gan.state_dict(), hand.state_dict())
