"""Training: it learns, it is reproducible to the bit, it survives kills, NaN and interrupts."""

import math
import os
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from itertools import islice, repeat

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from dgm_lib.metrics import nll_gap
from dgm_lib.nets import MLP
from dgm_lib.objectives import nll
from dgm_lib.training import (
    Diverged,
    checkpoint,
    collect,
    constant,
    cosine,
    draws,
    epochs,
    fit,
    load,
    train,
)


@pytest.fixture(autouse=True)
def no_bar(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")


class Gaussian(nn.Module):
    def __init__(self):
        super().__init__()
        self.mu, self.log_sigma = (nn.Parameter(torch.zeros(2).double()) for _ in range(2))

    def log_prob(self, x):
        return Independent(Normal(self.mu, self.log_sigma.exp()), 1).log_prob(x)


TRUTH = Independent(Normal(*torch.tensor([[1.0, -2.0], [0.5, 3.0]]).double()), 1)
DATA = torch.linspace(-1, 1, 26).reshape(13, 2)


def net(dropout=0.0):
    torch.manual_seed(1)
    return nn.Sequential(MLP(2, 8, (8,)), nn.BatchNorm1d(8), nn.Dropout(dropout), MLP(8, 2, ()))


def square(model, x):
    """A loss that draws random numbers of its own."""
    return (model(x + 0.01 * torch.randn_like(x)) - x.sin()).square().mean()


def equal(a, b):
    """Whether two nested states agree to the bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


# --------------------------------------------------------------------------- learning


@pytest.mark.parametrize("seed", range(3))
def test_a_gaussian_is_fitted_to_a_thousandth_of_a_nat(seed):
    history = fit(Gaussian(), nll, draws(TRUTH, 256), steps=600, lr=0.05, seed=seed)
    torch.manual_seed(100 + seed)
    assert nll_gap(history.model, TRUTH, TRUTH.sample((4000,))).value < 1e-3
    assert history.smooth(50)[-1] < history.smooth(50)[50] - 0.5


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, partial(torch.optim.SGD, momentum=0.5)])
def test_another_optimiser_takes_the_given_rate(optimizer):
    model = nn.Linear(1, 1, bias=False)
    start = model.weight.item()
    loss = lambda model, x: model(x).sum()  # noqa: E731
    run = train(model, loss, [torch.ones(1, 1)], optimizer=optimizer, lr=0.25)
    assert next(run).model.weight.item() == pytest.approx(start - 0.25)


def test_cosine_is_the_default_and_starts_at_the_full_rate():
    lrs = [step.lr for step in train(net(), square, repeat(DATA), steps=8, lr=0.1)]
    assert lrs == pytest.approx([0.05 * (1 + math.cos(math.pi * k / 8)) for k in range(8)])
    for options in (dict(steps=5, schedule=constant), dict()):
        run = islice(train(net(), square, repeat(DATA), lr=0.1, **options), 5)
        assert [step.lr for step in run] == [0.1] * 5
    assert (cosine(0), cosine(0.5), cosine(1)) == pytest.approx((1, 0.5, 0))


def test_groups_of_parameters_keep_their_own_rates():
    def optimizer(parameters):
        first = {"params": parameters[:2], "lr": 1.0}
        return torch.optim.SGD([first, {"params": parameters[2:]}], lr=0.5)

    run = train(net(), square, repeat(DATA), steps=2, optimizer=optimizer, schedule=lambda s: 1 - s)
    groups = [step.state()["optimizer"]["param_groups"] for step in run]
    rates = [[group["lr"] for group in step] for step in groups]
    assert rates == [[1.0, 0.5], [0.5, 0.25]]


def test_the_average_is_its_recursion():
    expected = None
    for step in train(net(), square, repeat(DATA), steps=20, lr=0.01, ema=0.9):
        weights = [p.detach().clone() for p in step.model.parameters()]
        if expected is None:
            expected = weights
        else:
            expected = [0.9 * e + 0.1 * w for e, w in zip(expected, weights)]
        torch.testing.assert_close(list(step.averaged.parameters()), expected)
    assert type(step.averaged) is type(step.model)


def test_clipping_bounds_the_update_and_reports_the_norm_before():
    model = MLP(2, 2)
    before = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    loss = lambda model, x: 1e4 * model(x).square().mean()  # noqa: E731
    run = train(model, loss, repeat(DATA), optimizer=torch.optim.SGD, lr=1.0, clip=0.5)
    step = next(run)
    moved = (nn.utils.parameters_to_vector(model.parameters()) - before).norm()
    assert step.grad_norm > 1 and moved.item() == pytest.approx(0.5, rel=1e-4)


def test_steps_see_the_loss_and_gradient_the_update_was_made_from():
    model = nn.Linear(1, 1, bias=False)
    weight = model.weight.item()
    step = next(train(model, lambda m, x: m(x).square().mean(), [torch.full((3, 1), 2.0)]))
    assert step.index == 1
    assert step.loss == pytest.approx(4 * weight**2)
    assert step.grad_norm == pytest.approx(abs(8 * weight))


def test_updates_run_in_training_mode_and_the_consumers_mode_is_kept():
    model, seen = net(), []

    def loss(model, x):
        seen.append(model.training)
        return square(model, x)

    for step in train(model, loss, repeat(DATA), steps=4):
        assert model.training == (step.index in (1,))
        model.eval()
    assert seen == [True] * 4 and not model.training


# --------------------------------------------------------------------------- batches


def test_every_point_comes_once_an_epoch_in_another_order():
    torch.manual_seed(0)
    x, y = torch.arange(10), torch.arange(10) * 2
    batches = iter(epochs((x, y), 4))
    orders = []
    for _ in range(3):
        parts = list(islice(batches, 3))
        assert [len(a) for a, _ in parts] == [4, 4, 2]
        assert all(torch.equal(b, 2 * a) for a, b in parts)
        orders.append(torch.cat([a for a, _ in parts]))
        assert torch.equal(orders[-1].sort().values, x)
    assert not torch.equal(orders[0], orders[1])


def test_tuples_are_passed_on_and_finite_batches_end_a_run_without_steps():
    loss = lambda model, x, y: (model(x) - y).square().mean()  # noqa: E731
    assert len(list(train(nn.Linear(2, 2), loss, [(DATA, DATA)] * 5))) == 5
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(DATA, DATA), batch_size=5)
    assert len(list(train(nn.Linear(2, 2), loss, loader))) == 3
    with pytest.raises(ValueError, match="batches must last for 9 steps, but ended after 5"):
        list(train(nn.Linear(2, 2), loss, [(DATA, DATA)] * 5, steps=9))


# --------------------------------------------------------------------------- random numbers


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


# --------------------------------------------------------------------------- resuming

OPTIONS = dict(steps=24, lr=0.01, ema=0.9, clip=1.0, seed=3)
SOURCES = {
    "epochs": lambda: epochs(DATA, 5),
    "draws": lambda: draws(Independent(Normal(torch.zeros(2), torch.ones(2)), 1), 5),
    "list": lambda: [DATA + k for k in range(24)],
    "generator": lambda: (torch.randn(5, 2) for _ in range(24)),
    "loader": lambda: torch.utils.data.DataLoader(DATA.repeat(8, 1), batch_size=4, shuffle=True),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(source, tmp_path):
    def run(**more):
        return train(net(0.3), square, source(), **OPTIONS, **more)

    whole = list(checkpoint(run(), tmp_path / "whole.pt"))
    first = list(islice(checkpoint(run(), tmp_path / "half.pt", every=11), 11))
    second = list(checkpoint(run(resume=tmp_path / "half.pt"), tmp_path / "rest.pt"))
    assert [s.loss for s in whole] == [s.loss for s in first + second]
    assert [s.index for s in second] == list(range(12, 25))
    assert equal(load(tmp_path / "whole.pt"), load(tmp_path / "rest.pt"))
    assert list(run(resume=str(tmp_path / "rest.pt"))) == []


def test_a_state_in_memory_is_a_copy_and_only_of_the_last_step():
    run = train(net(), square, epochs(DATA, 5), **OPTIONS)
    third = list(islice(run, 3))[-1]
    state = third.state()
    rest = [step.loss for step in run]
    again = train(net(), square, epochs(DATA, 5), **OPTIONS, resume=state)
    assert [step.loss for step in again] == rest
    with pytest.raises(RuntimeError, match="step 3"):
        third.state()


KILLED = """
import sys, time, torch
sys.path[:0] = {path!r}
from tests.test_training import DATA, OPTIONS, net, square
from dgm_lib.training import checkpoint, epochs, train
for step in checkpoint(train(net(0.3), square, epochs(DATA, 5), **OPTIONS), sys.argv[1], every=1):
    print(step.index, flush=True)
    time.sleep(0.01)
"""


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path):
    path = tmp_path / "run.pt"
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    script = [sys.executable, "-c", KILLED.format(path=[root]), str(path)]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as process:
        while int(process.stdout.readline()) < 5:
            pass
        time.sleep(0.005)
        process.kill()
    done = load(path)["index"]
    assert 5 <= done < 24
    resumed = list(train(net(0.3), square, epochs(DATA, 5), **OPTIONS, resume=path))
    whole = list(train(net(0.3), square, epochs(DATA, 5), **OPTIONS))
    assert [s.loss for s in resumed] == [s.loss for s in whole[done:]]
    assert equal(resumed[-1].model.state_dict(), whole[-1].model.state_dict())
    assert equal(resumed[-1].averaged.state_dict(), whole[-1].averaged.state_dict())


def test_resuming_the_wrong_thing_is_refused(tmp_path):
    path = tmp_path / "deep" / "run.pt"
    list(checkpoint(train(net(), square, epochs(DATA, 5), **OPTIONS), path))
    assert os.listdir(path.parent) == ["run.pt"]  # nothing is left beside it

    def resume(**changed):
        train(net(), square, epochs(DATA, 5), **{**OPTIONS, "resume": path, **changed})

    for name, value in dict(steps=30, lr=0.1, ema=0.5, clip=2.0, seed=0).items():
        with pytest.raises(ValueError, match=f"{name} must be .* as in the run to resume"):
            resume(**{name: value})
    with pytest.raises(ValueError, match="does not fit this model"):
        train(MLP(2, 2), square, epochs(DATA, 5), **OPTIONS, resume=path)
    with pytest.raises(ValueError, match="data must be those of the checkpoint, 13 points, got 9"):
        train(net(), square, epochs(DATA[:9], 5), **OPTIONS, resume=path)
    for batches in (repeat(DATA), draws(TRUTH, 5)):
        with pytest.raises(ValueError, match="does not fit this model, optimiser or batches"):
            train(net(), square, batches, **OPTIONS, resume=path)
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        resume(resume=tmp_path / "nowhere.pt")
    with pytest.raises(ValueError, match="something else"):
        resume(resume={"model": {}})


def test_damaged_and_foreign_files_are_refused(tmp_path):
    good, bad = tmp_path / "good.pt", tmp_path / "bad.pt"
    list(checkpoint(train(MLP(2, 2, (200, 200)), square, repeat(DATA), steps=2), good))
    content = good.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    cut = content[:100], content[:middle], content[:-1]
    for damaged in (b"", b"not a checkpoint", *cut, flipped):
        bad.write_bytes(damaged)
        with pytest.raises(ValueError, match="damaged"):
            load(bad)
    for foreign in (net().state_dict(), [1, 2], torch.zeros(3)):
        torch.save(foreign, bad)
        with pytest.raises(ValueError, match="something else"):
            load(bad)
    torch.save(net(), bad)  # holds code
    with pytest.raises(ValueError, match="no checkpoint"):
        load(bad)


# --------------------------------------------------------------------------- divergence


def snapshot(step):
    return [t.detach().clone() for t in (*step.model.parameters(), *step.averaged.parameters())]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_goes_back_to_weights_whose_loss_was(bad):
    def loss(model, x):
        loss.calls += 1
        return square(model, x) * (bad if loss.calls == 8 else 1)

    loss.calls = 0
    model, kept = net(), {}
    with pytest.raises(Diverged, match=f"at step 8: the loss is {bad}.*learning rate") as caught:
        for step in train(model, loss, repeat(DATA), steps=20, lr=0.01, ema=0.9):
            kept[step.index] = snapshot(step)
    # The weights after step 7 gave the bad loss; those after step 6 gave a finite one.
    assert equal(kept[6], snapshot(step)) and caught.value.step == 8
    assert all(p.grad is None for p in model.parameters())
    assert all(b.isfinite().all() for b in model.buffers())


def test_a_gradient_that_is_not_finite_is_not_applied_and_its_parameter_named():
    model = nn.Linear(2, 1)

    def loss(model, x):
        loss.calls += 1
        return model(x).square().mean() + (model.bias * (loss.calls < 4)).square().sum().sqrt()

    loss.calls, kept = 0, {}
    with pytest.raises(Diverged, match="step 4: the gradient has norm nan.*bias"):
        for step in train(model, loss, repeat(DATA), lr=0.01, ema=0.5):
            kept[step.index] = snapshot(step)
    assert equal(kept[3], snapshot(step))


@pytest.mark.parametrize("steps", [1, 10])
def test_an_update_to_infinity_is_undone_before_anybody_sees_it(steps):
    model = net()
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(Diverged, match="step 1: the update made the weights infinite"):
        list(train(model, square, repeat(DATA), steps=steps, lr=1e39))
    assert equal(before, [p.detach() for p in model.parameters()])


def test_bad_data_are_blamed_on_the_data():
    model = net()
    with pytest.raises(Diverged, match="step 3.*batch itself"):
        list(train(model, square, [DATA, DATA, DATA * math.nan]))
    assert all(t.isfinite().all() for t in model.state_dict().values())
    with pytest.raises(Diverged, match="step 1"):
        fit(net(), square, repeat(DATA * math.inf), steps=5)


# --------------------------------------------------------------------------- fit


def test_fit_tells_what_happened():
    history = fit(net(), square, repeat(DATA), steps=30, ema=0.9, lr=0.01)
    steps = list(train(net(), square, repeat(DATA), steps=30, ema=0.9, lr=0.01))
    assert history.losses.tolist() == [s.loss for s in steps]
    assert history.lrs.tolist() == [s.lr for s in steps]
    assert history.grad_norms.tolist() == [s.grad_norm for s in steps]
    assert equal(history.averaged.state_dict(), steps[-1].averaged.state_dict())
    assert history.seconds > 0 and repr(history) == "History(30 steps)"
    means = [history.losses[max(0, k - 6) : k + 1].mean() for k in range(30)]
    torch.testing.assert_close(history.smooth(7), torch.stack(means))
    torch.testing.assert_close(history.smooth(1), history.losses)
    assert history.smooth(1000).shape == (30,)


def test_an_interrupt_stops_fit_cleanly():
    def loss(model, x):
        loss.calls += 1
        if loss.calls == 6:
            raise KeyboardInterrupt
        return square(model, x)

    loss.calls, before = 0, torch.get_rng_state()
    history = fit(net(), loss, repeat(DATA), steps=100)
    assert len(history.losses) == 5 and history.model is not None
    assert torch.equal(before, torch.get_rng_state())


def test_a_finished_run_can_be_fitted_again(tmp_path):
    path = tmp_path / "run.pt"
    first = collect(checkpoint(train(net(), square, epochs(DATA, 5), **OPTIONS), path))
    again = fit(net(), square, epochs(DATA, 5), **OPTIONS, resume=path)
    assert len(first.losses) == 24 and len(again.losses) == len(again.smooth()) == 0
    assert equal(first.averaged.state_dict(), again.averaged.state_dict())


def test_the_bar_shows_unless_disabled(monkeypatch, capsys):
    fit(net(), square, repeat(DATA), steps=3)
    assert capsys.readouterr() == ("", "")
    monkeypatch.delenv("TQDM_DISABLE")
    fit(net(), square, repeat(DATA), steps=3)
    shown = capsys.readouterr().err
    assert "3/3" in shown and "loss" in shown


# --------------------------------------------------------------------------- bad inputs


def detached(model, x):
    return model(x).detach().mean()


def test_wrong_losses_are_named():
    wrong = {
        "loss detached must depend on the model's parameters": detached,
        "must return a scalar tensor, got shape": lambda model, x: model(x),
        "must return a scalar tensor, got 3.0": lambda model, x: 3.0,
        "must return a scalar tensor, got None": lambda model, x: None,
        "must depend on the model's param": lambda m, x: torch.ones(2, requires_grad=True).sum(),
    }
    for message, loss in wrong.items():
        with pytest.raises(ValueError, match=message):
            next(train(MLP(2, 2), loss, repeat(DATA)))
    with pytest.raises(ValueError, match="loss detached"):
        next(train(MLP(2, 2), partial(detached), repeat(DATA)))


def test_wrong_arguments_are_refused_at_once():
    wrong = {
        "model must have parameters": dict(model=nn.Tanh()),
        "batches must be an iterable.*epochs": dict(batches=DATA),
        "batches must be an iterable.*draws": dict(batches=TRUTH),
        "steps must be": dict(steps=0),
        "lr must be": dict(lr=-1.0),
        "clip must be": dict(clip=0.0),
        "ema must be": dict(ema=1.0),
        "schedule needs steps": dict(schedule=cosine, steps=None),
    }
    for message, argument in wrong.items():
        options = {"model": MLP(2, 2), "loss": square, "batches": repeat(DATA), "steps": 5}
        with pytest.raises(ValueError, match=message):
            train(**{**options, **argument})
    with pytest.raises(ValueError, match="model must have parameters"):
        train(MLP(2, 2).requires_grad_(False), square, repeat(DATA))
    for call in (lambda: draws(TRUTH, 0), lambda: epochs(DATA, -1)):
        with pytest.raises(ValueError, match="size must be"):
            call()
    for data in (DATA[:0], (DATA, DATA[:3]), ()):
        with pytest.raises(ValueError, match="data must"):
            epochs(data, 2)
    with pytest.raises(ValueError, match="every must be"):
        checkpoint(iter(()), "x", every=0)
    with pytest.raises(ValueError, match="k must be"):
        fit(net(), square, repeat(DATA), steps=1).smooth(0)


def test_frozen_parameters_stay_and_a_run_may_be_closed():
    model = net()
    model[0].requires_grad_(False)
    before = {name: p.detach().clone() for name, p in model[0].named_parameters()}
    with closing(train(model, square, repeat(DATA), ema=0.9)) as run, torch.no_grad():
        assert next(run).grad_norm > 0  # under the consumer's no_grad, too
    assert equal(before, {name: p.detach() for name, p in model[0].named_parameters()})
