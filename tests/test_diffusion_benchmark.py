"""The race of the diffusion models: laws, recipes, solvers and the command line."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys

import pytest
import torch

from benchmarks import diffusion, diffusion_models, diffusion_solvers, race
from dgm_lib import paths
from dgm_lib.core import RandomStream, generator
from dgm_lib.models.diffusion import Exact
from dgm_lib.targets import GALLERY, GaussianMixture

RECIPES = {name: entry.factory for name, entry in diffusion.MODELS.items()}
OURS = [name for name, entry in diffusion.MODELS.items() if entry.ours]
PEERS = [name for name in RECIPES if name not in OURS]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Small samples, the threads and the random numbers as they were."""
    for name, value in dict(HELD_OUT=300, SAMPLES=300).items():
        monkeypatch.setattr(race, name, value)
    threads = torch.get_num_threads()
    with RandomStream(0):
        yield
    torch.set_num_threads(threads)


def made(name: str):
    """A racer, if what it is made of is here."""
    if name in PEERS:
        pytest.importorskip(name.replace("-recipe", "").replace("-", "_"))
    try:
        return RECIPES[name](0)
    except ImportError:
        pytest.skip("a package that the peer needs is missing")


def trained(name: str, steps: int = 4, target: str = "ring"):
    """A racer after a few steps."""
    racer, rng = made(name), generator(0)
    for k in range(steps):
        racer.progress(k / steps)
        racer.step(GALLERY[target].sample((512,), rng))
    return racer


# --------------------------------------------------------------------------- the law of a velocity


def test_the_likelihood_of_the_exact_velocity_is_the_target_at_every_tolerance():
    target = GALLERY["ring"]
    x = target.sample((200,), generator(1)).double()
    known = diffusion_solvers.Known(Exact(paths.cosine(), target))
    exact = target.log_prob(x)
    for tolerance, error in [(1e-4, 2e-3), (1e-6, 2e-5)]:
        torch.testing.assert_close(known.likelihood(x, tolerance), exact, rtol=0, atol=error)


def test_the_units_of_the_model_are_undone():
    shifted = GaussianMixture([[3.0, -1.0]], 0.5)
    known = diffusion_solvers.Known(Exact(paths.cosine(), GaussianMixture([[0.0, 0.0]], 1.0)))
    known.mean, known.scale = torch.tensor([3.0, -1.0]), torch.tensor(0.5)
    x = shifted.sample((50,), generator(0))
    torch.testing.assert_close(known.likelihood(x), shifted.log_prob(x), rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", [*OURS, "flow-matching", "torchcfm-recipe"])
def test_likelihood_and_samples_are_of_one_law(name):
    """Integrated over a box the density is 1, and the share of the samples in a half agrees."""
    racer = trained(name)
    side = torch.linspace(-8, 8, 60)
    x = torch.cartesian_prod(side, side)
    mass = racer.log_prob(x).exp() * (side[1] - side[0]) ** 2
    assert mass.sum().item() == pytest.approx(1, abs=0.01)
    half = mass[x[:, 0] + x[:, 1] > 0.4].sum().item()
    draws = racer.sample(1000)
    found = (draws.sum(dim=1) > 0.4).float().mean().item()
    assert found == pytest.approx(half, abs=4 * 0.5 / 1000**0.5 + 0.02)


@pytest.mark.parametrize("name", diffusion.TARGETS.split(","))
def test_the_gap_on_the_grid_is_exact(name):
    """Of the target it is 0; and of two Gaussians it is known."""
    target = GALLERY[name]

    def gap(p, q) -> float:
        lane = object.__new__(diffusion.OnGrid)
        lane.target, lane.racer, lane.device = p, q, torch.device("cpu")
        return lane.gap(generator(0))

    assert gap(target, target) == pytest.approx(0, abs=1e-5)
    p, q = GaussianMixture([[0.0, 0.0]], 1.0), GaussianMixture([[0.3, 0.0]], 1.2)
    truth = 2 * math.log(1.2) + (2 + 0.09) / (2 * 1.44) - 1
    assert gap(p, q) == pytest.approx(truth, abs=1e-4)


@pytest.mark.parametrize("name", [*OURS, "flow-matching", "torchcfm"])
def test_training_comes_closer_to_the_target(name):
    target = GALLERY["ring"]
    x = target.sample((500,), generator(7))

    def gap(steps: int) -> float:
        racer = trained(name, steps)
        return (target.log_prob(x) - racer.log_prob(x)).mean().item()

    assert gap(150) < gap(2) - 0.3


@pytest.mark.parametrize("name", OURS)
def test_what_has_ended_in_nan_is_judged_so(name):
    racer = trained(name, steps=1)
    with torch.no_grad():
        next(racer.net.parameters()).fill_(math.nan)
    assert racer.sample(10).isnan().all() and racer.log_prob(torch.zeros(4, 2)).isnan().all()


def test_the_learning_rate_falls_to_nothing_but_in_the_recipes():
    racer = trained("diffusion")
    before = [p.clone() for p in racer.net.parameters()]
    racer.progress(1.0)
    racer.step(GALLERY["ring"].sample((512,)))
    assert all(torch.equal(p, q) for p, q in zip(before, racer.net.parameters()))
    recipe = made("flow-matching-recipe")
    recipe.progress(0.9)
    assert recipe.rate() == 1e-3


def test_the_waves_are_blurred_as_the_noise_blurs_them():
    """Each is the mean over the noise of the wave itself."""
    net = diffusion_models.Net((4,)).double()
    x = torch.randn(5, 2, dtype=torch.float64, generator=generator(0))
    nodes = torch.linspace(-9, 9, 2001, dtype=torch.float64)
    weights = (-nodes.square() / 2).exp() / (-nodes.square() / 2).exp().sum()
    for sigma in (torch.zeros(5, 1).double(), torch.linspace(0.1, 1, 5)[:, None].double()):
        sharp = torch.zeros(5, 1).double()
        clouds = (x + sigma * node for node in nodes)
        waves = (torch.cat(net.waves(cloud, sharp), dim=-1) for cloud in clouds)
        means = sum(weight * wave for weight, wave in zip(weights, waves))
        torch.testing.assert_close(torch.cat(net.waves(x, sigma), dim=-1), means)


def test_the_peers_field_is_turned_round():
    """Theirs runs from noise at 0 to data at 1: a field that is 1 - t there is -t here."""
    racer = diffusion_models.Regression((4,), 1e-2)
    racer.net = lambda xt: 1 - xt[:, 2:].expand(-1, 2)
    t = torch.rand(5, 1)
    torch.testing.assert_close(racer.velocity(torch.zeros(5, 2), t), -t.expand(5, 2))


def test_a_missing_peer_is_explained(monkeypatch):
    def nothing(name: str):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", nothing)
    with pytest.raises(ImportError, match="pip install --no-deps torchcfm flow_matching"):
        RECIPES["torchcfm"](0)


# --------------------------------------------------------------------------- the solvers


def test_the_solvers_orders_are_seen(monkeypatch):
    monkeypatch.setattr(diffusion_solvers, "EVALUATIONS", (64, 128))
    z = torch.randn(100, 2, generator=generator(0), dtype=torch.float64)
    model = Exact(paths.cosine(), GALLERY["ring"])
    rows = list(diffusion_solvers.solver_rows("exact", model, z, 1.0))
    ratios = {}
    for row in rows:
        if "tolerance" not in row:
            ratios.setdefault(row["solver"], []).append(row["error"])
    ratios = {name: first / second for name, (first, second) in ratios.items()}
    assert ratios["euler"] == pytest.approx(2, rel=0.25)
    assert ratios["ddim"] == pytest.approx(2, rel=0.25)
    assert ratios["heun"] == pytest.approx(4, rel=0.4)
    assert ratios["rk4"] > 8
    adaptive = [row for row in rows if row["solver"] == "dormand-prince, adaptive"]
    errors, counts = ([row[name] for row in adaptive] for name in ("error", "evaluations"))
    assert errors == sorted(errors, reverse=True) and counts == sorted(counts)
    assert errors[-1] < 1e-4


def test_the_solvers_are_written_down(tmp_path, capsys, monkeypatch):
    for name, value in dict(EVALUATIONS=(8,), TOLERANCES=(1e-2,), POINTS=20).items():
        monkeypatch.setattr(diffusion_solvers, name, value)
    path = tmp_path / "solvers.json"
    diffusion.main(["--solvers", "--budget", "0.1", "--json", str(path)])
    content = json.loads(path.read_text())
    assert {row["field"] for row in content["rows"]} == {"exact", "ours"}
    gaps = [row["gap"] for row in content["rows"] if row["field"] == "exact" and "gap" in row]
    assert len(gaps) == 3 and max(map(abs, gaps)) < 1e-3
    assert "--solvers" in content["command"] and content["machine"]["torch"] == torch.__version__
    out = capsys.readouterr().out
    assert "| exact | ddim | " in out and "| ours | gap | 1e-04 |" in out


# --------------------------------------------------------------------------- the command line


def test_the_race_is_written_down_and_the_peers_are_not_imported():
    code = (
        "import sys\n"
        "from benchmarks import diffusion, race\n"
        "race.HELD_OUT = race.SAMPLES = 300\n"
        "diffusion.main('--targets ring --budget 0.1 --seeds 0 --models diffusion,plain'.split())\n"
        "assert not {'torchcfm', 'flow_matching', 'ot', 'torchdiffeq'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "| ring | 0.1 | **diffusion** | 1 |" in done.stdout and "**plain**" in done.stdout


def test_recipes_race_only_when_asked_for(monkeypatch):
    known = []
    monkeypatch.setattr(race, "main", lambda models, *_, **__: known.append(set(models)))
    diffusion.main(["--budget", "1"])
    diffusion.main(["--models", "plain"])
    assert known == [{"diffusion", "plain", "flow-matching", "torchcfm"}, set(RECIPES)]


def test_wrong_arguments_are_named(capsys):
    with pytest.raises(SystemExit):
        diffusion.main(["--models", "nobody"])
    assert "nobody" in capsys.readouterr().err
