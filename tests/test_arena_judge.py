"""The arena's judge and its tables, by contenders that are known exactly."""

from __future__ import annotations

import functools
import importlib
import json
import math

import pytest
import torch

import dgm_lib
from dgm_lib import arena, exercises
from dgm_lib.core import Grid
from dgm_lib.exercises.engine.exercise import find
from dgm_lib.targets import GALLERY, GaussianMixture

N = 1000
MOONS, RING = GALLERY["moons"], GALLERY["ring"]


class Resampler(arena.Contender):
    """A family in four lines: it has learned its last batch by heart."""

    def step(self, x):
        self.x = x

    def sample(self, n):
        return self.x[torch.randint(len(self.x), (n,))]


@pytest.mark.parametrize("target", [MOONS, RING, GALLERY["checkerboard"]], ids=lambda t: t.name)
def test_the_truth_is_judged_perfect(target):
    found = arena.judge(arena.Exact(target), target, samples=N)
    assert found["gap"] == 0 and found["passes"] == found["parameters"] == 0
    assert 0.3 < found["sw2_ratio"] < 2.5
    assert abs(found["mmd2"]) < 1e-3
    for metric in ("jsd", "kl"):
        assert found[metric] == pytest.approx(found[f"{metric}_floor"], rel=0.35)
    if target.name == "ring":
        assert found["modes"] == 8 and found["hq"] == pytest.approx(1 - math.exp(-4.5), abs=0.01)
    else:
        assert "modes" not in found and "hq" not in found


def test_a_known_gap_is_found():
    p, q = GaussianMixture([[0.0, 0.0]], 1.0), GaussianMixture([[0.5, 0.0]], 1.0)
    gap = arena.judge(arena.Exact(q), p, samples=N)["gap"]
    assert gap == pytest.approx(0.125, abs=4 * 0.5 / math.sqrt(N))


def test_a_dropped_mode_and_a_blur_are_seen():
    target = RING
    dropped = GaussianMixture(target.means[1:], 0.2)
    blurred = GaussianMixture(target.means, 0.4)
    floor, few, wide = (
        arena.judge(arena.Exact(q), target, samples=N) for q in (target, dropped, blurred)
    )
    assert few["modes"] == 7 and wide["modes"] == 8
    assert few["hq"] > 0.97 and wide["hq"] < 0.8
    assert min(few["jsd"], wide["jsd"]) > floor["jsd"] + 0.01
    assert few["sw2_ratio"] > 2  # which hardly sees a blur


def test_the_judge_is_deterministic_and_leaves_no_trace():
    target, before = RING, torch.get_rng_state()
    first, again = (arena.judge(arena.Exact(target), target, 3, N) for _ in range(2))
    timed = {"sample_s"}
    assert {k: v for k, v in first.items() if k not in timed} == {
        k: v for k, v in again.items() if k not in timed
    }
    assert torch.equal(torch.get_rng_state(), before)


def test_a_contender_that_ended_in_nan_is_said_to():
    contender = arena.vae(0)
    with torch.no_grad():
        next(contender.model.parameters()).fill_(math.nan)
    found = arena.judge(contender, MOONS, samples=N)
    assert found["gap"] == math.inf and found["finite"] == 0 and "jsd" not in found


def test_cells_hold_the_exact_mass():
    target = GaussianMixture([[0.3, -0.2]], [0.5])
    cells = arena.Cells(target, n=10)
    edges = [torch.linspace(*row.tolist(), 11).double() for row in target.box]
    cdf = [
        torch.distributions.Normal(m, 0.5).cdf(e).diff()
        for m, e in zip(target.means[0].double(), edges)
    ]
    exact = cdf[0][:, None] * cdf[1]
    assert torch.allclose(cells.mass[:-1].reshape(10, 10), exact, atol=1e-4)
    assert cells.mass.sum() == pytest.approx(1)


def test_samples_are_counted_in_their_cells():
    target = MOONS
    cells, (x, y) = arena.Cells(target, n=7), Grid(target.box, 7).points[2, 5]
    counts = cells.counts(torch.stack([x, y]).expand(3, 2))
    assert counts[:-1].reshape(7, 7)[2, 5] == 3 and counts.sum() == 3
    far = cells.counts(torch.tensor([[1e6, 0.0], [-1e6, 0.0], [0.0, 99.0]]))
    assert far[-1] == 3 and far.sum() == 3


def test_adding_a_family_is_one_line():
    families = arena.FAMILIES | {"resampler": lambda seed: Resampler()}
    contender = families["resampler"](0)
    for _ in arena.rounds(contender, RING, arena.Steps(2)):
        pass
    found = arena.judge(contender, RING, samples=N)
    assert "gap" not in found and found["modes"] == 8 and found["passes"] == 0


# --------------------------------------------------------------------------- the learner's own

ELBO = """
import math
import torch
def gaussian_elbo(x, x_mean, sigma, mu, log_var):
    log_px = -0.5 * ((x - x_mean) / sigma) ** 2 - torch.log(sigma) - 0.5 * math.log(2 * math.pi)
    return log_px.sum(-1) - 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(-1)
"""


def test_nothing_saved_nothing_raced(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DGM_HOME", str(tmp_path))
    assert arena.mine() == {} and capsys.readouterr().out == ""


def test_a_saved_answer_is_raced_and_really_called(tmp_path, monkeypatch):
    monkeypatch.setenv("DGM_HOME", str(tmp_path))
    source = tmp_path / "learner_answer.py"
    source.write_text(ELBO)
    monkeypatch.syspath_prepend(str(tmp_path))
    answer = importlib.import_module("learner_answer")
    exercises.check("vae.gaussian_elbo", answer.gaussian_elbo)
    recipes = arena.mine()
    assert list(recipes) == ["my VAE"] and recipes["my VAE"].__doc__ == arena.vae.__doc__
    own = recipes["my VAE"].keywords["elbo"]
    assert own.__code__ is not find("vae.gaussian_elbo").reference.__code__
    calls = []
    counted = lambda *args: calls.append(args) or own(*args)  # noqa: E731
    contender = functools.partial(recipes["my VAE"], elbo=counted)(0)
    for _ in arena.rounds(contender, MOONS, arena.Steps(3)):
        pass
    assert len(calls) == 3 and contender.finite()


@pytest.mark.parametrize("family", arena.ANSWERS)
def test_the_references_of_the_exercises_drive_their_families(family):
    functions = {key: find(name).reference for key, name in arena.ANSWERS[family].items()}
    contender = arena.FAMILIES[family](0, **functions)
    for _ in arena.rounds(contender, MOONS, arena.Steps(5)):
        pass
    assert contender.finite() and contender.sample(5).isfinite().all()


# --------------------------------------------------------------------------- tables


def test_the_table_shows_medians_and_the_range():
    row = dict(target="moons", model="VAE")
    rows = [row | dict(seed=k, gap=gap, passes=1) for k, gap in enumerate([0.5, 0.1, 0.2])]
    assert arena.table(rows).splitlines() == [
        "| target | model | seeds | gap | passes |",
        "| --- | --- | --: | --: | --: |",
        "| moons | VAE | 3 | 0.200 [0.100, 0.500] | 1 |",
    ]


def test_stored_results_are_found_beside_the_package_or_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(dgm_lib, "__file__", str(tmp_path / "dgm_lib" / "__init__.py"))
    with pytest.raises(FileNotFoundError, match="python -m benchmarks.arena"):
        arena.stored()
    folder = tmp_path / "benchmarks" / "results"
    folder.mkdir(parents=True)
    (folder / "arena.json").write_text(json.dumps(dict(rows=[dict(model="VAE")])))
    assert arena.stored() == [dict(model="VAE")]
