"""The arena explorer: both families see the same data, and training can be looked back on."""

import asyncio
import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from dgm_lib import arena, demo, targets
from dgm_lib.core import generator
from dgm_lib.demo import still
from dgm_lib.demo.arena.race import SHOTS
from dgm_lib.demo.arena.truth import SAMPLES, Truth

LAW = targets.GALLERY["ring"]
LAWS = dict(ring=LAW)


class Blur(arena.Contender):
    """The law itself with noise that gets less with each step, and a note of what it was shown."""

    def __init__(self, sigma=1.0, far=0.0):
        self.sigma, self.far, self.seen = sigma, far, []

    def step(self, x):
        self.seen.append(x)
        self.sigma *= 0.9

    def sample(self, n):
        return LAW.sample((n,)) + self.sigma * torch.randn(n, 2) + self.far


class Gaussian(Blur):
    """What has a density that is quick to tell."""

    likelihood = "exact"

    def log_prob(self, x):
        return torch.distributions.Normal(0.0, 3.0).log_prob(x).sum(-1)


FAMILIES = {
    "blur": lambda seed: Blur(),
    "gaussian": lambda seed: Gaussian(),
    "far away": lambda seed: Blur(far=100.0),
    "nan": lambda seed: Blur(far=math.nan),
    "exact": lambda seed: arena.Exact(LAW),
}


@pytest.fixture(scope="module")
def laws():
    """The truth of LAW is computed once, for all tests."""
    return Truth(LAW)


def explorer(**settings):
    return demo.arena_explorer(**dict(families=FAMILIES, targets=LAWS, steps=40) | settings)


def sides(made):
    return made.run.frame["sides"]


def test_both_see_the_same_batches_and_the_first_answers_are_snapshots():
    made = explorer()
    made.steps(5, left="blur", right="gaussian")
    left, right = sides(made)
    assert len(left.contender.seen) == len(right.contender.seen) == 6
    assert all(map(torch.equal, left.contender.seen, right.contender.seen))
    assert left.shots[0].steps == 1 and left.name == "blur"
    made.steps(0, left="exact")
    assert made.run.t == 0 and sides(made)[0].name == "exact"


def test_the_jsd_of_exact_samples_is_at_the_floor_and_others_are_above(laws):
    made = explorer()
    made.steps(39, left="exact", right="blur")
    left, right = sides(made)
    assert made.run.t == 39 and len(left.shots) == len(right.shots) >= SHOTS / 2
    values = np.array([shot.jsd for shot in left.shots])
    assert abs(np.median(values) / laws.floor - 1) < 0.15
    fresh = (LAW.sample((SAMPLES,), generator(k)) for k in range(20))
    assert np.mean([laws.jsd(x) for x in fresh]) == pytest.approx(laws.floor, rel=0.1)
    blurred = [shot.jsd for shot in right.shots]
    assert blurred[0] > 10 * laws.floor and blurred[-1] < blurred[0] / 5
    assert made.run.series["jsd_left"] == values.tolist()
    assert made.run.series["jsd_right"] == blurred


def test_the_gap_is_the_kl_to_the_law(laws):
    made = explorer()
    made.steps(2, left="gaussian", right="exact")
    left, right = sides(made)
    x = LAW.sample((200_000,), generator(5))
    exact = (LAW.log_prob(x) - Gaussian().log_prob(x)).mean()
    assert abs(left.shots[0].gap - exact) < 4 * (LAW.log_prob(x).std() + 1) / 500**0.5
    assert right.shots[0].gap == pytest.approx(0, abs=1e-6)
    assert made.run.series["gap_right"][0] == right.shots[0].gap
    assert sides(explorer_of("blur"))[0].shots[0].gap is None


def explorer_of(name):
    made = explorer()
    made.steps(1, left=name, right="exact")
    return made


def test_scrubbing_goes_back_and_keeps_the_training():
    made = explorer()
    made.steps(30, left="blur", right="exact")
    newest, steps = made.image(), made.run.t
    made.set(scrub=0)
    left = sides(made)[0]
    assert left.at(0) is left.shots[0] and left.at(100) is left.shots[-1]
    half = left.at(50)
    assert half.steps <= left.shots[-1].steps / 2 < left.shots[left.shots.index(half) + 1].steps
    assert made.run.t == steps and not np.array_equal(newest, made.image())
    made.set(scrub=100)
    assert np.array_equal(newest, made.image())
    made.steps(100)
    assert made.run.done and made.run.t == 39
    last = made.image()
    made.set(scrub=40)  # after the end, too
    assert not np.array_equal(last, made.image())


def test_a_budget_of_seconds_is_spent_by_both_alike():
    made = explorer(families={**FAMILIES, "VAE": arena.FAMILIES["VAE"]}, seconds=0.1)
    budget = list(made.controls["budget"].options.values())[1]
    made.steps(5000, budget=budget, left="VAE", right="blur")
    left, right = sides(made)
    assert made.run.done and left.now.seconds >= 0.1 and right.now.seconds >= 0.1
    assert right.now.steps > 3 * left.now.steps
    assert left.clock(left.shots[-1]) == left.shots[-1].seconds
    made.image()


def test_a_restart_gives_the_same_training_and_leaves_the_random_numbers_alone():
    def samples(made):
        return sides(made)[0].shots[-1].samples

    made = explorer(families=arena.FAMILIES)
    made.steps(3, left="spline flow", right="GAN")
    first, state = samples(made), torch.get_rng_state()
    made.run.restart()
    made.steps(3)
    assert np.array_equal(first, samples(made)) and torch.equal(state, torch.get_rng_state())
    other = explorer(families=arena.FAMILIES, seed=1)
    other.steps(3, left="spline flow", right="GAN")
    assert not np.array_equal(first, samples(other))


def test_a_drawing_becomes_the_target():
    made = explorer()
    made.steps(1)
    points = torch.tensor([[1.0, 2.0], [1.5, 2.0]])
    made.steps(1, drawing=points)
    truth = sides(made)[0].truth
    assert made.run.p.target == "drawn" and torch.equal(truth.law.means, points)
    assert (made.image() != 255).any()


@pytest.mark.parametrize("name", ["nan", "far away"])
def test_what_is_no_number_or_far_off_counts_as_wrong(name):
    made = explorer_of(name)
    assert sides(made)[0].shots[0].jsd == pytest.approx(math.log(2), abs=0.01)
    made.image()


def test_wrong_arguments_are_named():
    for families in ({}, {"a": 1}):
        with pytest.raises(ValueError, match="families must map names to functions of a seed"):
            explorer(families=families)
    with pytest.raises(ValueError, match=r"arena.Contender\), got .* for 'module'"):
        explorer(families={"module": lambda seed: torch.nn.Linear(1, 1)}).steps(0)
    with pytest.raises(ValueError, match="targets must be laws of the plane"):
        explorer(targets={"line": targets.two_modes()})


def test_the_blitted_picture_is_the_full_one_and_layers_can_be_hidden():
    made = explorer()
    for params in (dict(left="gaussian", right="far away"), dict(scrub=30)):
        made.steps(11, **params)
        made.image()
        made.steps(2)
        blitted = made.image()
        made.scene.show(made.scene.layers[-1], True)
        assert np.array_equal(blitted, made.image())
    for layer in made.scene.panels[0].layers:
        before = layer.name != "samples, blurred"
        made.scene.show(layer, not before)
        assert not np.array_equal(blitted, made.image()), layer.name
        made.scene.show(layer, before)


def test_the_stored_picture_is_three_and_small():
    pictures, problem = explorer(poster=(0, 3, 9)).pictures()
    assert problem is None and len(pictures) == 3
    made = explorer()
    data = still.strip(pictures, made.scene.size[0])
    assert len(data) < 250_000 and Image.open(io.BytesIO(data)).size[0] <= 900


def test_it_plays_to_the_end_of_the_budget():
    async def play():
        made, shown = explorer(steps=12), []
        made.draw = lambda: shown.append(made.run.t)
        made.play()
        while made.playing:
            await asyncio.sleep(0.01)
        return made, shown

    made, shown = asyncio.run(play())
    assert made.run.done and shown[-1] == 11 and len(shown) > 2
