"""The race of the GANs: every recipe plays, its trick is in the game, and the tables are right."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch.nn.functional import logsigmoid

from benchmarks import gan, gan_recipes, race
from dgm_lib.core import RandomStream, generator
from dgm_lib.nets import lipschitz_bound

RECIPES = {name: entry.factory for name, entry in gan.MODELS.items()}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Small samples, the threads and the random numbers as they were."""
    for name, value in dict(HELD_OUT=500, SAMPLES=500).items():
        monkeypatch.setattr(race, name, value)
    threads = torch.get_num_threads()
    with RandomStream(0):
        yield
    torch.set_num_threads(threads)


def played(name: str, steps: int = 6, n: int = 64):
    """A recipe after a few steps, the last at the end of the budget, and a batch of its data."""
    racer, rng = RECIPES[name](0), generator(0)
    for k in range(steps):
        racer.progress(k / steps)
        racer.step(x := gan.TARGETS["grid"].sample((n,), rng))
    return racer, x


# --------------------------------------------------------------------------- the targets


@pytest.mark.parametrize(
    ("name", "modes", "spacing", "scale"),
    [("ring", 8, 4 * math.sin(math.pi / 8), 0.02), ("grid", 25, 2.0, 0.05)],
)
def test_the_targets_are_those_of_the_literature(name, modes, spacing, scale):
    target = gan.TARGETS[name]
    assert target.modes.shape == (modes, 2) and target.mode_scale == scale
    apart = torch.cdist(target.modes, target.modes) + 9 * torch.eye(modes)
    assert apart.min().item() == pytest.approx(spacing, abs=1e-5)


# --------------------------------------------------------------------------- the recipes


@pytest.mark.parametrize("name", RECIPES)
def test_both_players_move_and_what_comes_is_on_the_scale_of_the_data(name):
    racer, _ = played(name)
    fresh = RECIPES[name](0)
    for net in ("G", "D"):
        after, before = (list(getattr(r, net).parameters()) for r in (racer, fresh))
        assert all(p.isfinite().all() for p in after)
        assert not any(torch.equal(p, q) for p, q in zip(after, before))
    x = racer.sample(1000)
    assert x.shape == (1000, 2) and x.isfinite().all() and not x.requires_grad
    assert racer.scale.item() == pytest.approx(2 * 2**0.5, rel=0.3)
    assert all(p.grad is None for net in (racer.G, racer.D) for p in net.parameters())


def test_the_learning_rate_falls_to_nothing():
    racer, x = played("non-saturating")
    before = [p.clone() for p in racer.G.parameters()]
    racer.progress(1.0)
    racer.step(x)
    assert all(torch.equal(p, q) for p, q in zip(before, racer.G.parameters()))


@pytest.mark.parametrize(("name", "turns"), [("wgan-clipped", 5), ("wgan-gp", 5), ("r1", 1)])
def test_the_generator_waits_for_its_turn(name, turns):
    racer, _ = played(name, steps=5)
    assert racer.count == 10
    (state, *_) = racer.players[1].state.values()
    assert int(state["step"]) == 10 // turns


def test_what_each_generator_minimises():
    x, fake = torch.randn(8, 2), torch.randn(8, 2)
    for name, formula in {
        "saturating": lambda logit: logsigmoid(-logit).mean(),
        "non-saturating": lambda logit: -logsigmoid(logit).mean(),
        "wgan-clipped": lambda logit: -logit.mean(),
        "wgan-gp": lambda logit: -logit.mean(),
    }.items():
        racer = RECIPES[name](0)
        torch.testing.assert_close(racer.loss_of_generator(x, fake), formula(racer.D(fake)))


def test_the_tricks_are_in_the_game():
    clipped, _ = played("wgan-clipped")
    assert max(p.abs().max() for p in clipped.D.parameters()) <= 0.1
    normed, _ = played("spectral-norm")
    assert lipschitz_bound(normed.D) == pytest.approx(1, rel=0.3)
    packed, x = played("packing")
    assert packed.D(x).shape == (32,)
    averaged, _ = played("historical-averaging")
    assert averaged.away(averaged.G) > 0 and averaged.away(averaged.D) > 0
    virtual = RECIPES["virtual-batch-norm"](0)
    assert virtual.G.net.reference.shape == (64, 2)


def test_r1_is_paid_now_and_then_and_falls():
    x, fake = torch.randn(2, 8, 2, dtype=torch.float64)
    racer = RECIPES["best"](0)
    racer.D.double()

    def penalty(count: int, done: float) -> float:
        racer.count = count
        racer.progress(done)
        plain = gan_recipes.NonSaturating.loss_of_discriminator(racer, racer.D, x, fake)
        return (racer.loss_of_discriminator(racer.D, x, fake) - plain).item()

    first, last = racer.first, racer.last
    assert penalty(4, 0.0) > 0 and penalty(1, 0.0) == penalty(6, 0.5) == 0
    assert penalty(4, 1.0) / penalty(4, 0.0) == pytest.approx(last / first, rel=0.05)
    assert penalty(4, 0.5) / penalty(4, 0.0) == pytest.approx((last / first) ** 0.5, rel=0.05)


def test_a_judge_learns_alone_before_it_rejects():
    racer, x = played("best-rejection", steps=3)
    player = racer.D
    for done, together in [(0.69, True), (0.7, False), (0.85, False)]:
        racer.progress(done)
        before = [[p.clone() for p in net.parameters()] for net in (racer.G, racer.D)]
        turns = racer.count
        racer.step(x)
        G_moved, D_moved = (
            not all(torch.equal(p, q) for p, q in zip(old, net.parameters(), strict=True))
            for old, net in zip(before, (racer.G, racer.D))
        )
        assert (G_moved, D_moved, racer.count - turns) == (together, True, 2 if together else 1)
        assert (racer.D is player) == together
    assert racer.players[0].param_groups[0]["lr"] == pytest.approx(racer.lr / 2)
    racer.count = 4  # the player would pay a penalty now
    plain = gan_recipes.NonSaturating.loss_of_discriminator(racer, racer.D, x, x)
    assert torch.equal(racer.loss_of_discriminator(racer.D, x, x), plain)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_the_judge_keeps_has_the_width_of_the_data(seed):
    """For p = N(0, 1/4) and q = N(0, 1): p/q = 4 exp(-3r²/2), and r² is exponential under q."""
    rng = generator(seed)
    racer = RECIPES["best-rejection"](seed)
    racer.mean, racer.scale = torch.zeros(2), torch.tensor(1.0)
    racer.G.rsample = racer.G.sample = lambda shape: torch.randn(*shape, 2, generator=rng)
    for k in range(steps := 200):
        racer.progress(racer.game + k / steps * (1 - racer.game))
        racer.step(torch.randn(512, 2, generator=rng) / 2)
    square = torch.linspace(0, 40, 400_001, dtype=torch.float64)
    edge = -2 * math.log(0.95)  # where p/q has its 95 % quantile
    kept = (-square / 2 - 1.5 * (square - edge).clamp(min=0)).exp()
    truth = ((square * kept).sum() / kept.sum() / 2).sqrt().item()
    assert racer.sample(20_000).std().item() == pytest.approx(truth, rel=0.1)


def test_the_waves_are_sines_from_1_to_64():
    waves, x = gan_recipes.Waves(2).double(), torch.randn(5, 3, 2, dtype=torch.float64)
    omega = waves.weight.norm(dim=1)
    torch.testing.assert_close(omega[[0, -1]], torch.tensor([1.0, 64.0]).double())
    torch.testing.assert_close(
        omega[1:] / omega[:-1], torch.full((63,), 64 ** (1 / 63)).double(), rtol=1e-6, atol=0
    )
    out = waves(x)
    assert torch.equal(out[..., :2], x)
    torch.testing.assert_close(out[..., 2:], (x @ waves.weight.T + waves.bias).sin())


def test_rejection_keeps_what_is_likelier_under_the_data():
    """For q = U(-1, 1)² and p/q = 1 + x₁, whose 95 % quantile is 1.9: 0.332, near p's own 1/3."""
    racer, _ = played("best-rejection", steps=1)
    racer.mean, racer.scale = torch.zeros(2), torch.tensor(1.0)
    racer.G.sample = lambda shape: 2 * torch.rand(*shape, 2) - 1
    racer.D.forward = lambda x: (1 + x[:, 0]).log()
    x = racer.sample(40_000)[:, 0]
    below, above = (0.9**2 - 1) / 2 + (0.9**3 + 1) / 3, 1.9 * (1 - 0.9**2) / 2
    truth, spread = (below + above) / (1.9**2 / 2 + 1.9 * 0.1), 0.5
    assert x.mean().item() == pytest.approx(truth, abs=4 * spread / 200)


def test_rejection_ends_where_training_has_ended_in_nan():
    racer, _ = played("best-rejection", steps=1)
    racer.G.sample = lambda shape: torch.full((*shape, 2), math.nan)
    assert racer.sample(100).isnan().all()


# --------------------------------------------------------------------------- the command line


def test_the_race_is_run_written_down_and_not_run_again(tmp_path, capsys):
    path = tmp_path / "gan.json"
    arguments = ["--models", "best,packing", "--budget", "0.1", "--seeds", "0", "--json", str(path)]
    gan.main(arguments)
    first = json.loads(path.read_text())
    assert {(row["target"], row["model"]) for row in first["rows"]} == {
        (target, model) for target in ("ring", "grid") for model in ("best", "packing")
    }
    assert all(0 <= row["hq"] <= 1 and row["modes"] <= 25 for row in first["rows"])
    out = capsys.readouterr().out
    assert "| ring | 0.1 | best | 1 | " in out and "PacGAN (2018)" in out
    gan.main(arguments)
    again = json.loads(path.read_text())
    assert again["rows"] == first["rows"] and again["commands"] == first["commands"]


def test_the_worst_seed_is_shown():
    row = dict(target="ring", model="m", ours=True, cpu_s=30.0, modes=8.0)
    rows = [row | dict(seed=k, hq=hq) for k, hq in enumerate([0.98, 0.9, 0.97])]
    assert gan.worst(rows).splitlines()[2:] == ["| ring | 30 | m | 3 | 8 (8) | 0.970 (0.900) |"]
    assert gan.worst([*rows, {"target": "ring", "model": "m", "cpu_s": 30.0}]).endswith("(0.000) |")


@pytest.mark.parametrize("arguments", [["--targets", "moons"], ["--models", "nobody"]])
def test_wrong_arguments_are_named(arguments, capsys):
    with pytest.raises(SystemExit):
        gan.main(arguments)
    assert arguments[1] in capsys.readouterr().err
