"""Learning energies: the gradient of contrastive divergence, and where its negatives come from."""

import math

import pytest
import torch

from dgm_lib.core import Grid, generator
from dgm_lib.metrics import kl
from dgm_lib.models import energy
from dgm_lib.nets import MLP
from dgm_lib.objectives import contrastive, nll
from dgm_lib.samplers.persistent import FromData, Persistent
from dgm_lib.targets import two_modes
from tests.samples import F64

BOX = Grid([[-7, 7], [-7, 7]], n=140)


def network(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return energy.EnergyModel(MLP(2, 1, (8,)).to(F64), scale=1.2)


def gradient(loss, model):
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])


# --- contrastive ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_exact_samples_give_the_gradient_of_the_likelihood(seed):
    model, rng = network(seed), generator(seed)
    judge = energy.OnGrid(model, BOX)
    x = torch.randn(50, 2, generator=rng, dtype=F64) + 1
    truth = gradient(nll(judge, x), model)
    batches = judge.sample((60, 500), rng)
    found = torch.stack([gradient(contrastive(model, x, batch), model) for batch in batches])
    stderr = found.std(0) / math.sqrt(len(found))
    # 33 parameters at once; and a draw is uniform in its cell, not quite the law.
    assert ((found.mean(0) - truth).abs() < 5 * stderr + 1e-4).all()
    assert stderr.max() < 0.02 and truth.norm() > 0.1


def test_by_all_points_of_the_grid_it_is_exact():
    """Of a flat energy all cells are equally likely: then the grid is the sample."""
    model = network(0)
    with torch.no_grad():
        model.net[-1].weight.zero_()
    model.scale = None
    x = torch.randn(50, 2, generator=generator(0), dtype=F64)
    truth = gradient(nll(energy.OnGrid(model, BOX), x), model)
    found = gradient(contrastive(model, x, BOX.points), model)
    torch.testing.assert_close(found, truth)


@pytest.mark.parametrize("seed", range(3))
def test_exact_samples_of_a_boltzmann_machine_give_its_gradient(seed):
    rng, rbm = generator(seed), energy.RBM(6, 4).to(F64)
    with torch.no_grad():
        rbm.W.copy_(torch.randn(6, 4, generator=rng, dtype=F64))
    exact = energy.Enumerated(rbm)
    v = (torch.rand(30, 6, generator=rng, dtype=F64) < 0.3).double()
    truth = gradient(nll(exact, v), rbm)
    found = torch.stack(
        [gradient(contrastive(rbm, v, batch), rbm) for batch in exact.sample((60, 500), rng)]
    )
    assert ((found.mean(0) - truth).abs() < 5 * found.std(0) / math.sqrt(60)).all()


def test_the_value_and_the_regulariser():
    model, x = network(1), torch.randn(7, 2, generator=generator(0), dtype=F64)
    x_model = torch.randn(3, 5, 2, generator=generator(1), dtype=F64)
    down, up = model.energy(x), model.energy(x_model)
    torch.testing.assert_close(contrastive(model, x, x_model), down.mean() - up.mean())
    extra = contrastive(model, x, x_model, 0.1) - contrastive(model, x, x_model)
    torch.testing.assert_close(extra, 0.1 * (down.square().mean() + up.square().mean()))
    assert contrastive(model, x, x).item() == 0


def test_no_gradient_flows_through_the_negatives():
    model, x = network(2), torch.randn(7, 2, generator=generator(0), dtype=F64)

    def uphill(model, x):
        return x + 0.5 * model.score(x)  # depends on the parameters

    by_function = gradient(contrastive(model, x, uphill), model)
    by_tensor = gradient(contrastive(model, x, uphill(model, x)), model)
    truth = gradient(model.energy(x).mean() - model.energy(uphill(model, x).detach()).mean(), model)
    assert torch.equal(by_function, truth) and torch.equal(by_tensor, truth)


def test_bad_negatives_are_named():
    model, x = network(0), torch.zeros(7, 2, dtype=F64)
    for bad in (torch.zeros(7, 3), torch.tensor(0.0), None, lambda model, x: None):
        with pytest.raises(ValueError, match="^negatives must have shape"):
            contrastive(model, x, bad)
    with pytest.raises(ValueError, match="^regulariser must be a number of at least 0"):
        contrastive(model, x, x, -1.0)

    class Column:
        def energy(self, x):
            return x[..., :1]

    with pytest.raises(ValueError, match="^model.energy must return one number per point"):
        contrastive(Column(), x, x)


# --- where negatives come from --------------------------------------------------------------------


def add_noise(model, x, generator):
    return x + torch.randn(x.shape, generator=generator, dtype=x.dtype)


def test_persistent_chains_go_on_and_others_start_anew():
    def step(model, x, generator):
        return x + model

    start, data = torch.zeros(3, 2), torch.full((4, 2), 10.0)
    kept, anew = Persistent(start, step, k=2), FromData(step, k=3)
    assert [kept(1.0, data)[0, 0].item() for _ in range(3)] == [2, 4, 6]
    assert kept(0.5, data)[0, 0] == 7 and (start == 0).all()
    kept(1.0, data).zero_()  # what the caller does to them is not the chains' business
    assert (kept.x == 9).all()
    assert [anew(1.0, data)[0, 0].item() for _ in range(3)] == [13, 13, 13]
    assert (data == 10).all()


def test_steps_may_work_in_place():
    def step(model, x, generator):
        return x.add_(1)

    start, data = torch.zeros(3, 2), torch.zeros(4, 2)
    kept, anew = Persistent(start, step), FromData(step)
    first = kept(None, data)
    assert (kept(None, data) == 2).all() and (first == 1).all() and (anew(None, data) == 1).all()
    assert (start == 0).all() and (data == 0).all()


def test_chains_carry_no_graph():
    model, x = network(0), torch.zeros(5, 2, dtype=F64)

    def uphill(model, x, generator):
        assert not x.requires_grad
        return x + 0.1 * model.score(x)

    for negatives in (Persistent(x, uphill, k=3), FromData(uphill, k=3)):
        assert not negatives(model, x).requires_grad


@pytest.mark.parametrize("seed", range(3))
def test_a_share_of_the_chains_starts_anew(seed):
    def stay(model, x, generator):
        return x

    n = 10_000
    data = torch.arange(5.0)[:, None].expand(5, 2).reshape(5, 1, 2) + 1
    chains = Persistent(torch.zeros(n, 2), stay, share=0.05, generator=generator(seed))
    x = chains(None, data)
    restarted = (x != 0).all(dim=1)
    assert abs(restarted.sum() - 0.05 * n) < 4 * math.sqrt(0.05 * 0.95 * n)
    counts = x[restarted, 0].long().bincount(minlength=6)[1:].double()
    assert ((counts - counts.sum() / 5).abs() < 4 * (counts.sum() * 0.16).sqrt()).all()

    def fresh(n, generator):
        return torch.randn(n, 2, generator=generator) + 100

    noisy = Persistent(torch.zeros(n, 2), stay, 1, 0.05, fresh, generator(seed))
    x = noisy(None, data)
    assert torch.equal((x > 50).all(dim=1), restarted) and (x[~restarted] == 0).all()


def test_negatives_are_reproducible():
    x = torch.zeros(6, 2)
    before = torch.get_rng_state()
    for make in (
        lambda rng: FromData(add_noise, 2, rng),
        lambda rng: Persistent(x, add_noise, 2, share=0.5, generator=rng),
    ):
        first, second = make(generator(0)), make(generator(0))
        assert torch.equal(first(None, x), second(None, x))
        assert torch.equal(first(None, x), second(None, x))
    assert torch.equal(before, torch.get_rng_state())


def test_bad_chains_are_named():
    x = torch.zeros(6, 2)
    for bad in (None, torch.zeros(2), torch.zeros(0, 2)):
        with pytest.raises(ValueError, match="^x must be a tensor"):
            Persistent(bad, add_noise)
    for k in (0, 1.5):
        with pytest.raises(ValueError, match="^k must be"):
            FromData(add_noise, k)
    for share in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="^share must be"):
            Persistent(x, add_noise, share=share)
    with pytest.raises(ValueError, match="^step must return chains"):
        FromData(lambda model, x, generator: x[:1])(None, x)
    for fresh in (lambda n, g: torch.zeros(1, 2), lambda n, g: torch.zeros(n, 1), lambda n, g: 0.0):
        with pytest.raises(ValueError, match=r"^fresh must return points of shape \(6, 2\)"):
            Persistent(x, add_noise, share=0.5, fresh=fresh)(None, x)
    for data in (torch.zeros(5, 1), torch.zeros(0, 2), torch.zeros(2)[:0], torch.tensor(0.0)):
        with pytest.raises(ValueError, match=r"^x must be data of shape \(\*batch, 2\)"):
            Persistent(x, add_noise, share=0.5)(None, data)


# --- and it learns --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_exact_negatives_lead_to_the_maximum_of_the_likelihood(seed):
    """The likelihood of an exponential family is concave: Newton's method knows its maximum."""
    rng, target = generator(seed), two_modes().to(dtype=F64)
    grid, features = Grid(target.box, n=300), energy.polynomial(4)
    best, model = (energy.ExponentialFamily(features, d=1) for _ in range(2))
    x = target.sample((2000,), rng)
    *_, newton = best.fit_moments(features(x).mean(0), grid)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    judge = energy.OnGrid(model, grid)
    for step in range(400):
        optimiser.param_groups[0]["lr"] = 0.1 * (1 - step / 400)
        loss = contrastive(model, x, judge.sample((1000,), rng))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert newton.gap.abs().max() < 1e-6
    assert kl(energy.OnGrid(best, grid), judge, grid).value < 0.005
    assert (nll(judge, x) - nll(energy.OnGrid(best, grid), x)).item() < 0.005


def test_negatives_come_in_the_precision_of_the_data_and_are_sound():
    model, x = energy.EnergyModel(MLP(2, 1), scale=1.0), torch.randn(8, 2)
    double = contrastive(model, x, x.double() + 1)
    assert torch.allclose(double, contrastive(model, x, x + 1))
    for wrong in (x[:0], x * math.nan):
        with pytest.raises(ValueError, match="negatives"):
            contrastive(model, x, wrong)
