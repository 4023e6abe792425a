"""The arena's contenders: each is what it says that it is."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from dgm_lib import arena
from dgm_lib.core import Grid
from dgm_lib.targets import GALLERY, moons

STEPS = 60
EXACT = ["mixture", "coupling flow", "spline flow", "autoregressive flow", "energy"]
BY_ODE = ["diffusion", "flow matching"]
NONE = ["GAN", "WGAN-GP"]


@pytest.fixture(scope="module")
def trained():
    """Every family after a few steps on moons, trained when it is first asked for."""
    found = {}

    def of(name: str) -> arena.Contender:
        if name not in found:
            found[name] = arena.FAMILIES[name](seed=0)
            for _ in arena.rounds(found[name], GALLERY["moons"], arena.Steps(STEPS)):
                pass
        return found[name]

    return of


@pytest.mark.parametrize("name", arena.FAMILIES)
def test_every_family_trains_and_samples(name, trained):
    contender = trained(name)
    x = contender.sample(500)
    assert contender.finite() and x.shape == (500, 2) and x.isfinite().all()
    assert not x.requires_grad and contender.seconds > 0
    truth = GALLERY["moons"]
    assert (x.mean(0) - truth.mean).norm() < 1.0 and 0.3 < x.std() / 1.1 < 3


@pytest.mark.parametrize("name", arena.FAMILIES)
def test_a_family_says_how_it_gets_its_likelihood_or_has_none(name, trained):
    contender = trained(name)
    assert (
        hasattr(contender, "log_prob") == (contender.likelihood is not None) == (name not in NONE)
    )


@pytest.mark.parametrize(("name", "n"), [*((k, 240) for k in EXACT), *((k, 48) for k in BY_ODE)])
def test_densities_integrate_to_one_and_samples_follow_them(name, n, trained):
    """The mean of log q over samples of q is minus the entropy that the grid gives."""
    contender = trained(name)
    spread = (6 if name in BY_ODE else 8) * contender.scale.item()
    grid = Grid(contender.mean[:, None].double() + torch.tensor([[-spread, spread]] * 2), n)
    on_grid = contender.log_prob(grid.points.reshape(-1, 2)).reshape(n, n)
    assert grid.integrate(on_grid.exp()) == pytest.approx(1, abs=0.03 if name in BY_ODE else 0.01)
    if name == "energy":
        return  # after a few steps its chains have not arrived
    log_q = contender.log_prob(contender.sample(600)).double()
    entropy = -grid.integrate(torch.special.xlogy(on_grid.exp(), on_grid.exp()))
    assert abs(log_q.mean() + entropy) < 4 * log_q.std() / math.sqrt(len(log_q)) + 0.05


def test_the_bound_is_below_the_likelihood(trained):
    """p(x) of the VAE by a grid over z, to which its bound must not come above."""
    contender = trained("VAE")
    x = contender.sample(40)
    model, z = contender.model, Grid([[-6, 6]] * 2, 160, torch.float32)
    law, points = model.decoder(z.points.reshape(-1, 1, 2)), contender.standard(x)
    with torch.no_grad():
        log_joint = law.log_prob(points) + model.prior.log_prob(z.points.reshape(-1, 1, 2))
        log_p = log_joint.logsumexp(0) + math.log(z.cell) - 2 * contender.scale.log()
        gap = log_p - torch.stack([contender.log_prob(x) for _ in range(8)]).mean(0)
    assert gap.mean() > -0.01 and gap.min() > -0.3 and gap.mean() < 0.5


def test_log_prob_follows_the_precision_of_x(trained):
    x = GALLERY["moons"].sample((3,))
    for name in ["mixture", "spline flow", "VAE", "energy", "diffusion"]:
        assert trained(name).log_prob(x.double()).dtype == torch.float64
        assert trained(name).log_prob(x).dtype == torch.float32


# --------------------------------------------------------------------------- what it costs


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("mixture", 0),
        ("coupling flow", 1),
        ("spline flow", 1),
        ("autoregressive flow", 2),
        ("VAE", 1),
        ("GAN", 1),
        ("WGAN-GP", 1),
        ("energy", 101),
        ("diffusion", 64),
        ("flow matching", 64),
    ],
)
def test_passes_are_counted(name, passes, trained):
    before = torch.get_rng_state()
    assert trained(name).passes == passes
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", arena.FAMILIES)
def test_parameters_are_those_that_are_learned(name, trained):
    contender = trained(name)
    if name == "mixture":
        assert contender.parameters == 31 + 64 + 32
        return
    nets = [v for v in vars(contender).values() if isinstance(v, nn.Module)]
    assert contender.parameters == sum(p.numel() for net in nets for p in net.parameters())
    assert 6_000 < contender.parameters < 30_000


def test_weights_start_where_the_seed_says():
    def weights(seed: int) -> torch.Tensor:
        return torch.cat([p.flatten() for p in arena.vae(seed).model.parameters()])

    before = torch.get_rng_state()
    assert torch.equal(weights(1), weights(1)) and not torch.equal(weights(1), weights(2))
    assert torch.equal(torch.get_rng_state(), before)


# --------------------------------------------------------------------------- training


def test_the_same_seed_trains_the_same_contender():
    def after(seed: int) -> torch.Tensor:
        contender = arena.gan(0)
        for _ in arena.rounds(contender, moons(), arena.Steps(3), seed):
            torch.rand(7)  # what others draw meanwhile is nothing to it
        return contender.generator.net[0].weight.detach()

    assert torch.equal(after(0), after(0)) and not torch.equal(after(0), after(1))


def test_a_budget_is_spent_and_told():
    contender = arena.vae(0)
    told = []
    contender.progress = told.append
    rounds = list(arena.rounds(contender, moons(), arena.Steps(4)))
    assert told == [0, 0.25, 0.5, 0.75] and [r.steps for r in rounds] == [1, 2, 3, 4]
    assert rounds[-1].done == 1 and contender.seconds == rounds[-1].seconds > 0
    *_, last = arena.rounds(arena.vae(0), moons(), arena.Seconds(0.2))
    assert last.done == 1 and 0.2 <= last.seconds < 0.4 and last.steps > 1


@pytest.mark.parametrize("make", [lambda: arena.Steps(0), lambda: arena.Seconds(0.0)])
def test_a_budget_is_positive(make):
    with pytest.raises(ValueError, match="limit"):
        make()


def test_the_rate_falls_to_nothing():
    contender = arena.spline_flow(0)
    contender.progress(1.0)
    before = [p.clone() for p in contender.model.parameters()]
    contender.step(moons().sample((64,)))
    assert all(map(torch.equal, before, contender.model.parameters()))
