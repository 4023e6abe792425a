"""The sampler gallery: what it says about chains is true, and what it draws is what they did."""

import asyncio
import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from dgm_lib import demo, targets
from dgm_lib.demo import still
from dgm_lib.demo.samplers.exact import BINS, Exact
from dgm_lib.demo.samplers.tally import WINDOW, Tally
from dgm_lib.samplers import mcmc

PLANE = {name: targets.GALLERY[name] for name in ("ring", "banana", "checkerboard")}
NORMAL = targets.GaussianMixture([[0.5, -1.0]], scale=0.8)
BETAS = [1.0, 0.4, 0.1]
KERNELS = {
    "walk": lambda p, step: mcmc.random_walk(p.log_prob, step),
    "mala": lambda p, step: mcmc.mala(p.log_prob, step**2 / 2, p.score),
    "hmc": lambda p, step: mcmc.hmc(p.log_prob, step, 8, p.score, keep_path=True),
    "nuts": lambda p, step: mcmc.nuts(p.log_prob, step, 4, p.score, keep_path=True),
    "gibbs": lambda p, step: mcmc.gibbs_table(p.log_prob, p.box, 50),
    "tempering": lambda p, step: mcmc.tempering(
        lambda log_prob: mcmc.random_walk(log_prob, step), p.log_prob, BETAS
    ),
}


class Redraw:
    """A kernel of the least that the gallery asks for: x' = mean + a (x - mean) + noise."""

    def __init__(self, p, a=0.0):
        self.p, self.a = p, a

    def init(self, x):
        chains = x.shape[:-1]
        yes = torch.ones(chains, dtype=torch.bool)
        return SimpleNamespace(x=x, proposal=x, accepted=yes, accept_prob=torch.ones(chains))

    def __call__(self, state, generator):
        fresh = self.p.sample(state.x.shape[:-1], generator=generator)
        if self.a:
            mean = self.p.mean
            fresh = mean + self.a * (state.x - mean) + (1 - self.a**2) ** 0.5 * (fresh - mean)
        return self.init(fresh)


class Still(Redraw):
    """It proposes, and never accepts."""

    def __call__(self, state, generator):
        new = super().__call__(state, generator)
        new.x, new.accepted = state.x, ~new.accepted
        return new


def gallery(**settings):
    return demo.sampler_gallery(KERNELS, PLANE, **settings)


def of_independent_samples(exact, n):
    """400 distances of n independent samples each."""
    counts = np.random.default_rng(n).multinomial(n, exact.cells, 400)
    return 0.5 * np.abs(counts / n - exact.cells).sum(1)


# ---- what is exact -------------------------------------------------------------------------------


def test_the_marginals_of_a_gaussian_are_exact():
    exact = Exact(NORMAL)
    for axis, marginal, mean in zip(exact.axes, exact.marginals, (0.5, -1.0), strict=True):
        closed = np.exp(-(((axis - mean) / 0.8) ** 2) / 2) / (0.8 * np.sqrt(2 * np.pi))
        assert np.abs(marginal - closed).max() < 2e-3  # the mass outside of the view
    assert exact.cells.sum() == pytest.approx(1) and exact.cells[-1] < 0.01


@pytest.mark.parametrize("n", [1, 30, 5000])
def test_the_floor_is_the_mean_distance_of_independent_samples(n):
    exact = Exact(PLANE["ring"])
    distances = of_independent_samples(exact, n)
    assert abs(distances.mean() - exact.floor(n)) < 4 * distances.std() / 20 + 1e-12


@pytest.mark.parametrize("name", [*PLANE, "funnel", "spiral"])
def test_a_sampler_without_error_stays_at_the_floor(name):
    law = targets.GALLERY[name]
    exactly = demo.sampler_gallery({"exact": lambda p, step: Redraw(p)}, {name: law}, chains=500)
    tally = exactly.steps(100)["tally"]
    n, distance, floor = tally.distance()
    spread = of_independent_samples(tally.exact, n).std()
    assert n == 50_000 and abs(distance - floor) < 4.5 * spread + 0.001  # of the quadrature
    assert tally.acceptance() == 1 and 0.8 < tally.ess_per_step() < 1.3
    for edges, heights, x, density in tally.marginals():
        width = edges[1] - edges[0]
        expected = density.reshape(BINS, -1).mean(1)
        spread = np.sqrt(expected / (n * width)) + 1 / (n * width)
        assert (np.abs(heights - expected) < 5.5 * spread).all()


@pytest.mark.parametrize("a", [0.5, 0.8])
def test_autocorrelation_and_ess_are_those_of_an_autoregression(a):
    made = demo.sampler_gallery(
        {"AR(1)": lambda p, step: Redraw(p, a)}, {"normal": NORMAL}, chains=40
    )
    tally = made.steps(1000, start="exact samples")["tally"]
    lags, rho = tally.autocorrelation()
    assert np.abs(rho[:20] - a ** lags[:20]).max() < 0.03
    assert tally.ess_per_step() == pytest.approx((1 - a) / (1 + a), rel=0.1)


def test_chains_that_never_move_have_no_autocorrelation_but_a_picture():
    made = demo.sampler_gallery({"still": lambda p, step: Still(p)}, PLANE)
    tally = made.steps(60)["tally"]
    assert np.isnan(tally.ess_per_step()) and tally.acceptance() == 0
    assert (made.image() != 255).any()


# ---- the record ----------------------------------------------------------------------------------


def test_every_point_is_counted_and_memory_is_bounded():
    tally, rng = Tally(Exact(NORMAL)), torch.Generator().manual_seed(0)
    yes = torch.ones(3, dtype=torch.bool)
    for k in range(3000):
        x = NORMAL.sample((3,), generator=rng) + (100 if k % 10 == 0 else 0)
        tally.add(x, yes)
    assert tally.counts.sum() == tally.n == 9000
    assert tally.counts[1:-1, 1:-1].sum() == pytest.approx(8100, abs=60)
    assert len(tally.past) == WINDOW and len(tally.distances) < 200
    assert len(tally.cloud()) < 1100 and len(tally.trace()[0]) == 200
    assert tally.distance()[1] > 0.09  # a tenth of the points is far away


# ---- one proposal at a time ----------------------------------------------------------------------


@pytest.mark.parametrize("sampler", list(KERNELS))
def test_a_proposal_comes_before_its_verdict_and_the_chain_goes_where_it_says(sampler):
    made, seen = gallery(chains=4, step=0.35), set()
    x = made.steps(0, sampler=sampler)["x"]
    for k in range(60):
        asked = made.steps(1)
        assert torch.equal(asked["x"], x) and asked["tally"].steps == k
        assert asked["moves"].verdicts == ["proposed"] * 4
        told = made.steps(1)
        assert torch.equal(asked["moves"].paths, told["moves"].paths)
        for i, (path, verdict) in enumerate(zip(told["moves"].paths, told["moves"].verdicts)):
            goes_on = verdict in ("accepted", "swapped")
            assert torch.equal(path[0], x[i])
            assert torch.equal(told["x"][i], path[-1] if goes_on else x[i])
            seen.add(verdict)
        x = told["x"]
    assert "accepted" in seen and ("swapped" in seen) == (sampler == "tempering")
    assert "rejected" in seen or sampler in ("hmc", "nuts", "gibbs")


def test_paths_are_shown_as_long_as_they_are():
    made = gallery()
    assert made.steps(2, sampler="hmc")["moves"].paths.shape == (1, 9, 2)
    assert made.steps(2, sampler="gibbs")["moves"].paths.shape == (1, 3, 2)
    made.steps(0, sampler="nuts", halves=False)
    for _ in range(100):
        before = made.run.frame["x"]
        moves, x = made.steps(1)["moves"], made.run.frame["x"]
        assert torch.equal(moves.paths[:, [0, -1]], torch.stack([before, x], 1))
        for point in moves.paths[0] if len(moves.ways) else ():  # both are on the trajectory
            assert (moves.ways[0] == point).all(-1).any()


def test_whole_steps_are_the_same_steps():
    halves, whole = gallery(chains=3), gallery(chains=3)
    whole.set(halves=False)
    for _ in range(20):
        a, b = halves.steps(2), whole.steps(1)
        assert torch.equal(a["x"], b["x"]) and a["moves"].verdicts == b["moves"].verdicts


def test_many_chains_are_a_cloud_in_whole_steps():
    frame = gallery(chains=1000).steps(30)
    assert frame["tally"].steps == 30 and not len(frame["moves"].paths) and not len(frame["few"])
    assert frame["tally"].cloud().shape == (1000, 2)
    assert np.array_equal(frame["tally"].cloud(), frame["x"].numpy())


# ---- what the user chooses -----------------------------------------------------------------------


def test_a_new_step_size_starts_the_record_afresh_from_the_same_places():
    made = gallery(chains=20)
    x = made.steps(50)["x"]
    frame = made.steps(1, step=0.01)
    assert torch.equal(frame["x"], x) and frame["tally"].steps == 0
    assert made.steps(50)["tally"].acceptance() > 0.9


def test_a_drawing_becomes_the_target():
    made = gallery()
    made.steps(5)
    points = torch.tensor([[1.0, 2.0], [1.5, 2.0]])
    exact = made.steps(5, drawing=points)["tally"].exact
    assert made.run.p.target == "drawn" and torch.equal(exact.law.means, points)
    assert made.steps(5, target="ring")["tally"].exact.law is PLANE["ring"]
    assert made.steps(5, target="drawn")["tally"].exact.law.means.shape == points.shape


def test_fast_play_stops_at_verdicts():
    async def play():
        made = gallery(speed=10)
        shown = []
        made.draw = lambda: shown.append(made.run.frame["moves"].verdicts)
        made.play()
        while len(shown) < 8:
            await asyncio.sleep(0.01)
        made.pause()
        assert ["proposed"] not in shown[1:]

    asyncio.run(play())


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="kernels must name at least one sampler"):
        demo.sampler_gallery({}, PLANE)
    with pytest.raises(ValueError, match="targets must be laws of the plane, got .* for 'line'"):
        demo.sampler_gallery(KERNELS, {"line": targets.two_modes()})
    with pytest.raises(ValueError, match="panels must be at least one"):
        demo.Stack()
    made = demo.sampler_gallery({"broken": lambda p, step: 1 / 0}, PLANE)
    with pytest.raises(ZeroDivisionError):
        made.steps(1)


# ---- pictures ------------------------------------------------------------------------------------


def test_the_blitted_picture_is_the_full_one():
    made = gallery(chains=4)
    for params in (dict(sampler="nuts"), dict(target="banana", sampler="walk"), dict(chains=500)):
        made.steps(101, **params)
        made.image()
        made.steps(3)
        blitted = made.image()
        made.scene.show(made.scene.layers[-1], True)
        assert np.array_equal(blitted, made.image())


def test_each_layer_can_be_hidden_and_a_hidden_density_still_sets_the_axes():
    made = gallery(chains=2)
    made.steps(41, sampler="nuts")
    whole = made.image()
    for layer in made.scene.panels[0].layers:
        made.scene.show(layer, False)
        assert not np.array_equal(whole, made.image()), layer.name
        made.scene.show(layer, True)
    assert np.array_equal(whole, made.image())
    made.scene.show(made.scene.layers[0], False)
    made.steps(1, target="banana")
    made.image()
    box = made.run.frame["tally"].exact.box
    assert made.scene.axes[0].get_xlim() == pytest.approx(box[0])


def test_the_stored_picture_is_three_and_small():
    made = gallery()
    pictures, problem = made.pictures()
    assert problem is None and len(pictures) == 3
    data = still.strip(pictures, made.scene.size[0])
    assert len(data) < 200_000 and Image.open(io.BytesIO(data)).size[0] <= 900


def test_moves_leave_out_what_cannot_be_drawn():
    ends = [[[1, 1], [torch.nan, 0]], [[0, 0], [0, 0]], [[1, 0], [2, 0]]]
    paths, names = torch.tensor([[[0, 0], *end] for end in ends]), ["a", "b", "a"]
    given = [dict(m=(paths[:k], names[:k])) for k in (3, 1, 0)]
    moves = demo.Moves("m", dict(a="red", b="blue"))
    made = demo.Demo(lambda p, rng: iter(given), demo.Scene([moves]))
    drawn = []
    for _ in given:
        made.image()
        drawn.append([len(path) for path in moves.artists[0].get_segments()])
        made.steps(1)
    assert drawn == [[2, 3], [2], []] and not any(head.get_alpha() for head in moves.artists[1:])
