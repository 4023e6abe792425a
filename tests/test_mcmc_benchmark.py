"""The race of the samplers: densities, judging, turns and the command line. Peers are optional."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from arviz_stats.base import array_stats
from scipy.special import logsumexp

from benchmarks import mcmc, mcmc_lanes, mcmc_ours, mcmc_peers, race
from benchmarks.race import Entry
from dgm_lib.targets import GALLERY

CPU = torch.device("cpu")
TARGETS = ("banana", "ring")
PEERS = [name for name, entry in mcmc.MODELS.items() if not entry.ours]
EAGER = [name for name in mcmc.MODELS if name not in PEERS and "compiled" not in name]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Short slices of few draws, the threads as they were."""
    monkeypatch.setattr(race, "SLICE", 0.02)
    monkeypatch.setattr(mcmc_lanes, "DRAWS", 10_000)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


class Exact:
    """A sampler whose draws are independent, and which counts what it is asked for."""

    thin = 2

    def __init__(self, target, x, seed: int) -> None:
        self.target, self.start, self.asked = target, x, 0

    def draw(self):
        self.asked += 1
        until = time.process_time() + 0.002
        while time.process_time() < until:
            pass
        return self.target.sample((20, len(self.start)))


def only(factory, target: str, chains: int, seed: int = 0, budget: float = 0.3) -> dict:
    """The row of one sampler."""
    entries = {"it": Entry(factory)}
    ((_, found),) = mcmc_lanes.run(entries, GALLERY[target], chains, seed, budget, CPU)
    return found


# --------------------------------------------------------------------------- densities


def points(target: str, *batch: int):
    """Points of the start and of the target's box."""
    rng = torch.Generator().manual_seed(0)
    low, high = GALLERY[target].box.unbind(dim=1)
    return low + (high - low) * torch.rand(*batch, 2, generator=rng)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("framework", ["numpy", "torch", "jax"])
def test_the_peers_find_the_targets_density(target, framework):
    if framework == "jax":
        pytest.importorskip("jax")
        jx = mcmc_peers.jax()
        tools, read = (jx.numpy.asarray, jx.scipy.special.logsumexp), np.asarray
    elif framework == "numpy":
        tools, read = (np.asarray, logsumexp), np.asarray
    else:
        tools, read = (torch.asarray, torch.logsumexp), torch.Tensor.numpy
    log_prob = mcmc_peers.log_density(GALLERY[target], *tools)
    for batch in [(), (400,), (3, 5)]:
        x = points(target, *batch)
        exact = GALLERY[target].log_prob(x.double()).numpy()
        found = read(log_prob(tools[0](x.numpy())))
        assert found.shape == batch
        np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-5 * np.abs(exact).max())


@pytest.mark.parametrize("target", TARGETS)
def test_ours_have_the_targets_density_and_score(target):
    log_prob, score = mcmc_ours.law(GALLERY[target])
    for batch in [(400,), (3, 50)]:
        x = points(target, *batch)
        exact, slope = (f(x.double()) for f in (GALLERY[target].log_prob, GALLERY[target].score))
        assert log_prob(x).shape == batch and score(x).shape == x.shape
        torch.testing.assert_close(log_prob(x).double(), exact, rtol=1e-5, atol=1e-3)
        torch.testing.assert_close(score(x).double(), slope, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("make", [mcmc_ours.law, lambda t: mcmc_peers.log_density(t, None, None)])
def test_other_targets_are_refused(make):
    with pytest.raises(mcmc_lanes.Unfit, match="pinwheel"):
        make(GALLERY["pinwheel"])


# --------------------------------------------------------------------------- judging


def test_the_expectations_are_exact():
    banana = mcmc_lanes.expectations(GALLERY["banana"])
    means, stds = ([getattr(e, name) for e in banana] for name in ("mean", "std"))
    assert [e.kind for e in banana] == ["mean", "mean", "square", "square"]
    assert means == pytest.approx([0, 0, 2.25, 2.62], abs=2e-3)
    assert stds[:3] == pytest.approx([1.5, 2.62**0.5, 2**0.5 * 2.25], abs=3e-3)
    ring = mcmc_lanes.expectations(GALLERY["ring"])
    assert [e.mean for e in ring] == pytest.approx([0, 0, 2.04, 2.04] + [1 / 8] * 8, abs=1e-6)
    assert [e.std for e in ring[4:]] == pytest.approx([(7 / 64) ** 0.5] * 8, abs=1e-6)
    x = GALLERY["ring"].sample((100_000,), torch.Generator().manual_seed(0))
    for e in ring:
        assert abs(e.function(x).double().mean().item() - e.mean) < 5 * e.std / 100_000**0.5


@pytest.mark.parametrize("seed", range(3))
def test_ess_is_that_of_arviz(seed):
    rng = torch.Generator().manual_seed(seed)
    x = GALLERY["ring"].sample((200, 20), rng)
    for t in range(1, 200):  # chains that stay where they are three times in four
        stay = torch.rand(20, 1, generator=rng) < 0.75
        x[t] = torch.where(stay, x[t - 1], x[t])
    columns = [x[..., 0], x[..., 1], x[..., 0] ** 2, x[..., 1] ** 2]
    which = torch.cdist(x, GALLERY["ring"].modes).argmin(dim=-1)
    columns += [(which == k).double() for k in range(8)]
    ess = [array_stats.ess(c.T.numpy(), 0, 1, method="mean") for c in columns]
    found = mcmc_lanes.worth(x, GALLERY["ring"])
    assert found["ess"] == pytest.approx(min(ess), rel=1e-4)
    assert max(found[f"{kind}_z"] for kind in ("mean", "square", "weights")) < 5


def test_exact_draws_are_worth_themselves_and_wrong_ones_are_seen():
    rng = torch.Generator().manual_seed(1)
    x = GALLERY["ring"].sample((400, 50), rng)
    found = mcmc_lanes.worth(x, GALLERY["ring"])
    assert found["ess"] == pytest.approx(20_000, rel=0.15) and found["rhat"] < 1.01
    assert mcmc_lanes.worth(x + 0.1, GALLERY["ring"])["mean_z"] > 7
    assert mcmc_lanes.worth(1.1 * x, GALLERY["ring"])["square_z"] > 7
    half = x[:, x[0, :, 0] > 0]  # chains that begin on the right
    right = half.clone()
    right[..., 0] = right[..., 0].abs()
    assert mcmc_lanes.worth(right, GALLERY["ring"])["weights_z"] > 7


def test_chains_that_stay_in_their_modes_are_worth_one_draw_each():
    rng = torch.Generator().manual_seed(0)
    start = GALLERY["ring"].modes[torch.randint(8, (100,), generator=rng)]
    x = start + 0.2 * torch.randn(300, 100, 2, generator=rng)
    found = mcmc_lanes.worth(x, GALLERY["ring"])
    assert 50 < found["ess"] < 210 and found["rhat"] > 1.5
    one = mcmc_lanes.worth(x[:, :1], GALLERY["ring"])
    assert one["ess"] == 1 and one["rhat"] == math.inf


def test_draws_that_are_no_numbers_are_worth_nothing():
    x = GALLERY["ring"].sample((50, 4))
    x[7, 2, 1] = math.nan
    for draws in (x, x[:3].nan_to_num()):
        assert mcmc_lanes.worth(draws, GALLERY["ring"]) == dict(ess=0.0, rhat=math.inf)


# --------------------------------------------------------------------------- taking turns


def test_burn_in_is_discarded_and_rates_are_by_the_time_spent(monkeypatch):
    made = []

    def factory(target, x, seed):
        made.append(Exact(target, x, seed))
        return made[-1]

    found = only(factory, "banana", chains=10, budget=0.2)
    (sampler,) = made
    kept = found["steps"] / sampler.thin / 20
    assert 0.7 * (1 + mcmc_lanes.BURN_IN) < (sampler.asked - 1) / kept < 1.4 * 1.25
    assert 0.2 <= found["drawing_s"] < 0.25 and found["cpu_per_wall"] < 1.1
    assert found["steps_per_s"] == pytest.approx(10 * found["steps"] / found["drawing_s"])
    assert found["ess_per_s"] == pytest.approx(found["steps_per_s"] / 2, rel=0.3)
    low, high = sampler.start.aminmax()
    assert sampler.start.shape == (10, 2) and -2 <= low < high <= 4
    monkeypatch.setattr(mcmc_lanes, "ENOUGH", 2000)
    assert only(factory, "banana", chains=10, budget=100)["steps"] == 400


def test_what_does_not_fit_is_left_out(capsys):
    entries = {"exact": Entry(Exact), "pair": mcmc.MODELS["independence"]}
    found = dict(mcmc_lanes.run(entries, GALLERY["banana"], 5, 0, 0.05, CPU))
    assert set(found) == {"exact"}
    assert "pair: left out, it has settings for ring, not for banana" in capsys.readouterr().err


# --------------------------------------------------------------------------- the samplers


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", EAGER)
def test_our_samplers_run_and_are_right(name, target):
    if target == "banana" and ("tempering" in name or name == "independence"):
        pytest.skip("it is for separate modes")
    found = only(mcmc.MODELS[name].factory, target, chains=100, budget=0.2)
    assert found["ess_per_s"] > 0 and found["steps_per_s"] > 0
    if found["rhat"] < 1.05:  # others have not found all modes, or not forgotten the start
        assert max(found["mean_z"], found["square_z"], found.get("weights_z", 0)) < 5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PEERS)
def test_the_peers_run_and_are_right(name):
    pytest.importorskip(name.split("-")[0])
    found = only(mcmc.MODELS[name].factory, "banana", 1 if "pyro" in name else 64, budget=0.4)
    assert found["ess_per_s"] > 0 and found["cpu_per_wall"] < 1.2
    assert found["rhat"] < 1.5
    if found["rhat"] < 1.05:
        assert max(found["mean_z"], found["square_z"]) < 5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(mcmc.MODELS))
def test_every_draw_is_one_of_its_own(name):
    entry = mcmc.MODELS[name]
    if not entry.ours:
        pytest.importorskip(name.split("-")[0])
    elif "compiled" in name:
        pytest.skip("compiling takes long, and changes nothing here")
    x = torch.empty(1 if "pyro" in name else 50, 2).uniform_(-1, 1)
    draws = entry.factory(GALLERY["ring"], x, 0).draw()
    assert draws.shape[1:] == x.shape and draws.isfinite().all()
    moved = (draws.diff(dim=0) != 0).any(dim=-1).float().mean(dim=1)
    assert len(draws) > 5 and (moved > 0).float().mean() > 0.6


# --------------------------------------------------------------------------- the command line


def test_rows_are_kept_and_not_run_again(tmp_path, capsys):
    path = tmp_path / "mcmc.json"
    words = f"--models random-walk --targets ring --budget 0.05 --seeds 0 --json {path}".split()
    mcmc.main([*words, "--chains", "8"])
    first = json.loads(path.read_text())
    mcmc.main([*words, "--chains", "8,20"])
    again = json.loads(path.read_text())
    assert again["rows"][:1] == first["rows"]
    assert [row["model"] for row in again["rows"]] == ["random-walk ×8", "random-walk ×20"]
    row = again["rows"][1]
    assert row["target"] == "ring" and row["seed"] == 0 and row["cpu_s"] == 0.05 and row["ours"]
    fields = "chains ess_per_s rhat mean_z square_z weights_z steps_per_s setup_s cpu_per_wall"
    assert set(fields.split()) <= set(row) and row["chains"] == 20
    assert "| ring | 0.05 | **random-walk ×20** | 1 |" in capsys.readouterr().out
    assert "as long as the radius" in again["models"]["random-walk"]


def test_a_sampler_from_outside_is_found_by_its_name():
    name = f"{__name__}:Exact"
    words = f"--models {name} --targets banana --budget 0.05 --seeds 0 --chains 4".split()
    assert [row["model"] for row in mcmc.main(words).rows] == [f"{name} ×4"]


def test_learning_has_rows_with_the_divergence():
    words = "--learning --models cd-1,pcd-10 --targets ring --budget 0.3 --seeds 0".split()
    rows = mcmc.main(words).rows
    assert [row["model"] for row in rows] == ["cd-1", "pcd-10"]
    for row in rows:
        assert {"target", "seed", "cpu_s", "kl"} <= set(row) and 0 < row["kl"] < 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--models", "nobody"], "no model 'nobody'; there are hmc, "),
        (["--learning", "--models", "hmc"], "no model 'hmc'; there are cd-1, "),
        (["--chains", "0"], "--chains"),
        (["--chains", "ten"], "--chains"),
        (["--targets", "atlantis"], "atlantis"),
    ],
)
def test_wrong_arguments_are_named(arguments, words, capsys):
    with pytest.raises(SystemExit):
        mcmc.main(["--seeds", "0", *arguments])
    assert words in capsys.readouterr().err


def test_no_peer_is_imported_before_it_is_asked_for():
    code = (
        "import sys\n"
        "from benchmarks import mcmc\n"
        "mcmc.main('--targets ring --budget 0.05 --seeds 0 --chains 9 --models hmc'.split())\n"
        "assert not {'jax', 'blackjax', 'emcee', 'pyro'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "**hmc ×9**" in done.stdout
