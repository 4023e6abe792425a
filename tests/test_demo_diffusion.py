"""The denoiser: what it says about a run is true, and the step that is given is the one taken."""

import itertools
import math

import numpy as np
import pytest
import torch

from dgm_lib import core, targets
from dgm_lib.demo.diffusion.sliced import sliced
from dgm_lib.demo.diffusion.steps import SAMPLERS
from dgm_lib.demo.diffusion.truth import PIXELS, Truth
from dgm_lib.demo.diffusion.walking import BACKWARD, FORWARD
from dgm_lib.models.diffusion import Exact
from dgm_lib.samplers import diffusion
from tests.denoisers import PATHS, RING, ddim, shown

GAUSSIAN = targets.GaussianMixture([[0.5, -1.0]], scale=0.8)


# ---- what is exact -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
def test_the_picture_shows_the_exact_law_in_units_of_its_size(name, share):
    path = PATHS[name]
    truth = Truth(RING, path, 10, core.generator(0))
    low, high = path.span
    moment = truth.moment(low + share * (high - low))
    grid = core.Grid(truth.box, PIXELS)
    noised = RING.noised(moment.alpha, moment.sigma)
    exact = noised.log_prob(grid.points * moment.unit).exp().numpy() * moment.unit**2
    assert np.allclose(moment.density, exact, rtol=1e-6, atol=1e-12)
    assert moment.density.sum() * grid.cell == pytest.approx(1, abs=0.02)  # all in view
    for k, marginal in enumerate(moment.marginals):
        side = truth.box[1 - k][1] - truth.box[1 - k][0]
        assert np.allclose(marginal, exact.sum(1 - k) * side / PIXELS, atol=0.01)


def test_the_distance_of_a_shifted_and_a_scaled_gaussian_is_known():
    truth = Truth(GAUSSIAN, PATHS["linear"], 4000, core.generator(0))
    moment = truth.moment(0.2)
    levels = torch.linspace(0, 1, 4001).double()[:-1] + 0.5 / 4000
    assert np.abs(np.diff(moment.quantiles, axis=0)).max() < 0.6  # no gap in the tails
    at = moment.quantiles[:, 0], torch.special.ndtri(levels).numpy() * moment.scales
    assert np.allclose(at[0] - at[0].mean(), at[1], atol=0.01)
    x = torch.randn(4000, 2, generator=core.generator(1)).double()
    x = (x - x.mean(0)) * torch.from_numpy(moment.scales) + torch.from_numpy(moment.means)
    near = sliced(x, moment.quantiles)
    shifted = sliced(x + torch.tensor([0.6, 0.8]), moment.quantiles)
    assert near < 0.03 and shifted == pytest.approx(1 / math.sqrt(2), abs=0.03)


@pytest.mark.parametrize("t", [1e-4, 0.2, 0.7])
def test_exact_samples_are_at_the_floor(t):
    truth = Truth(RING, PATHS["linear"], 500, core.generator(0))
    moment, fresh = truth.moment(t), Truth(RING, PATHS["linear"], 500, core.generator(1))
    others = np.array([sliced(x, moment.quantiles) for x in fresh.samples(t)])
    assert abs(others.mean() - moment.floor) < 5 * others.std() + 0.01


@pytest.mark.parametrize("sampler", ["Heun", "ancestral", "DDIM", "Euler–Maruyama"])
def test_with_the_exact_score_and_many_steps_points_stay_near_the_exact_law(sampler):
    ratios = []
    for seed in range(3):
        made = shown(particles=300, steps=80, seed=seed)
        made.steps(80, sampler=sampler)
        rows = made.run.frame["walk"].numbers
        ratios.append([row.distance / row.floor for row in rows])
    assert len(rows) == 81 and np.mean(ratios) < 1.35


def test_few_steps_err_more():
    few, many = (shown(steps=n).steps(n, sampler="DDIM")["distance"] for n in (4, 100))
    assert few > 2 * many


def test_the_noising_process_keeps_to_the_exact_law():
    made = shown(particles=1500, path=PATHS["exploding"])
    made.steps(40, direction=FORWARD)
    rows = made.run.frame["walk"].numbers
    assert rows[0].t == 0 and rows[-1].t == 1
    assert np.mean([row.distance / row.floor for row in rows]) < 1.5


# ---- who drives ----------------------------------------------------------------------------------


def test_the_learners_step_is_the_one_that_is_taken():
    calls = []

    def mine(model, x, t, s, noise):
        calls.append((t[0].item(), s[0].item(), t.shape, s.shape, noise.shape, model.path))
        return ddim(model, x, t, s, noise)

    made = shown({"mine": mine}, steps=10, particles=50)
    before = made.steps(3)["x"]
    after = made.steps(1)["x"]
    t, s, *shapes, path = calls[-1]
    assert len(calls) == 4 and 1 > t > s > 0 and shapes == [(50, 1), (50, 1), (50, 2)]
    model, times = Exact(path, RING), torch.tensor([[t], [s]]).expand(2, 50)[..., None]
    assert torch.allclose(after, ddim(model, before, *times, None), atol=1e-6)
    library = shown(steps=10, particles=50)
    assert torch.allclose(library.steps(4, sampler="DDIM")["x"], after, atol=1e-4)


def test_a_step_that_does_nothing_stays_noise_and_is_far_from_the_law():
    made = shown({"idle": lambda model, x, t, s, noise: x})
    start = made.steps(0)["x"]
    end = made.steps(40)
    assert torch.equal(end["x"], start) and end["distance"] > 5 * end["floor"]


def test_a_step_in_place_does_not_change_what_has_been():
    def in_place(model, x, t, s, noise):
        x.mul_(0.5)
        return x

    made = shown({"mine": in_place}, particles=20)
    start = made.steps(0)["x"]
    made.steps(3)
    assert torch.equal(made.run.frame["walk"].states[0], start)


def test_langevin_on_the_exploding_path_finds_the_modes():
    def annealed(model, x, t, s, noise):
        for _ in range(10):
            h, fresh = 0.1 * model.path.sigma(s) ** 2, torch.randn_like(x)
            x = diffusion.langevin_step(x, model.score(x, s), h, fresh)
        return x

    frame = shown({"mine": annealed}, path=PATHS["exploding"], steps=60).steps(60)
    away = torch.cdist(frame["x"], RING.modes).min(1).values
    assert frame["distance"] < 3 * frame["floor"] and away.median() < 0.35


@pytest.mark.parametrize("name", PATHS)
def test_every_sampler_in_either_direction_on_every_path(name):
    made = shown(path=PATHS[name], steps=6, particles=20)
    for sampler, direction in itertools.product(SAMPLERS, (BACKWARD, FORWARD)):
        made.set(sampler=sampler, direction=direction)
        frame = made.steps(100)
        assert made.run.done and frame["x"].isfinite().all() and "error" not in frame
        assert frame["walk"].arrived and len(frame["walk"].states) == 7


def test_paths_by_name_are_a_menu():
    made = shown(path=PATHS, particles=20)
    assert made.run.p.path is PATHS["linear"]
    assert made.steps(0, path=PATHS["straight"])["t"] == pytest.approx(0.999)
