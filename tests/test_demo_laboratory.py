"""The GAN laboratory: its numbers are true, its players do what they say, mistakes are told."""

import math
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from dgm_lib import demo, objectives, targets
from dgm_lib.core import Grid, generator
from dgm_lib.demo.laboratory import LOSSES, NOISES
from dgm_lib.demo.laboratory.match import KEPT, History
from dgm_lib.demo.laboratory.truth import GOOD, PIXELS, SAMPLES, Truth
from dgm_lib.models import gan
from dgm_lib.training import Diverged

LAW = targets.GaussianMixture([[0.5, -1.0], [-1.0, 1.0]], scale=0.4)
LAWS = dict(two=LAW, moons=targets.GALLERY["moons"])
RING = Truth(targets.GALLERY["ring"])


def laboratory(*arguments, **settings):
    return demo.gan_laboratory(*arguments, **dict(targets=LAWS) | settings)


def match(made, k=0):
    return made.run.frame["matches"][k]


def weights(net):
    return [parameter.detach().clone() for parameter in net.parameters()]


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def exact(law, n, seed):
    return law.sample((n,), generator=generator(seed)).double().numpy()


# ---- what is exact -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ring", "grid", "moons", "pinwheel"])
def test_exact_samples_score_the_floor(name):
    truth = Truth(targets.GALLERY[name])
    scores = np.array([truth.score(exact(truth.law, SAMPLES, seed)) for seed in range(30)])
    for k, key in ((0, "kl"), (1, "jsd"), (3, "good")):
        spread = scores[:, k].std() / math.sqrt(30)
        assert abs(scores[:, k].mean() - getattr(truth.floor, key)) < 5 * spread + 1e-3
    separate = name in ("ring", "grid")
    assert np.nanmean(scores[:, 2]) == 1 if separate else np.isnan(scores[:, 2]).all()


def test_divergences_are_those_of_the_laws_of_the_cells():
    truth = Truth(LAW)
    q = np.roll(truth.cells, 7) + 1e-3
    q /= q.sum()
    kl, jsd = truth.divergences(1e9 * q)
    p, m = truth.cells, (truth.cells + q) / 2
    some = p > 0
    assert kl == pytest.approx((p[some] * np.log(p[some] / q[some])).sum(), rel=1e-4)
    halves = (p[some] * np.log(p[some] / m[some])).sum() + (q * np.log(q / m)).sum()
    assert jsd == pytest.approx(halves / 2, rel=1e-4) and 0 < jsd < math.log(2)
    assert np.isfinite(truth.divergences(np.eye(len(p))[0] * SAMPLES)).all()


def test_collapsed_samples_cover_one_mode_and_are_good():
    x = RING.law.means[3].double().numpy() + 1e-3 * np.random.default_rng(0).normal(size=(4000, 2))
    score = RING.score(x)
    assert score.modes == 1 / 8 and score.good == 1
    assert score.kl > 3 and score.jsd > 0.4
    assert RING.score(x + 100).good == 0 and RING.score(x + 100).modes == 0


def test_without_separate_modes_good_is_where_the_density_is_high():
    truth = Truth(targets.GALLERY["moons"])
    x = truth.law.sample((50_000,), generator=generator(0))
    level = truth.law.log_prob(x).quantile(1 - GOOD).exp()
    assert truth.level == pytest.approx(float(level), rel=0.15)
    assert truth.centres is None


def test_the_best_discriminator_is_that_of_two_gaussians():
    law = targets.GaussianMixture([[0.0, 0.0]], scale=1.0)
    other = targets.GaussianMixture([[1.0, 0.0]], scale=1.0)
    truth = Truth(law)
    best = truth.optimum(exact(other, 400_000, 0))
    x = Grid(truth.box, PIXELS).points
    p, q = law.log_prob(x).exp().numpy(), other.log_prob(x).exp().numpy()
    where = p + q > 0.05
    assert np.abs(best - p / (p + q))[where].max() < 0.05
    assert np.abs(best - p / (p + q))[where].mean() < 0.01
    assert truth.gap(np.nan_to_num(best, nan=0.5), exact(other, 400_000, 0)) < 1e-12
    at_home = truth.optimum(exact(law, 400_000, 1))
    assert np.abs(at_home - 0.5)[np.asarray(p > 0.05)].max() < 0.05


# ---- who learns ----------------------------------------------------------------------------------


@pytest.mark.parametrize("turn, moves", [("D", (1, 0)), ("G", (0, 1)), ("both", (1, 1))])
def test_only_who_has_the_turn_learns(turn, moves):
    made = laboratory()
    made.steps(3)
    before = [weights(match(made).d), weights(match(made).g)]
    made.steps(1, turn=turn)
    after = [weights(match(made).d), weights(match(made).g)]
    assert [not same(a, b) for a, b in zip(before, after)] == [bool(move) for move in moves]


def test_slow_motion_shows_each_update_of_the_same_rounds():
    slow, quick = laboratory(n_d=3), laboratory(n_d=3)
    slow.steps(0, slow=True)
    said = []
    for _ in range(8):
        slow.steps(1)
        said.append((match(slow).round, match(slow).said))
    learned = [f"D has learned ({k} of 3)" for k in (1, 2, 3)] + ["G has learned"]
    assert said == [(r, words) for r in (1, 2) for words in learned]
    quick.steps(2)
    assert same(weights(match(slow).g), weights(match(quick).g))
    assert slow.run.series["d_loss"] == quick.run.series["d_loss"]
    slow.steps(1)
    slow.steps(1, turn="G")  # what was left of the round is dropped
    assert (match(slow).round, match(slow).said) == (4, "G has learned")


def test_the_first_step_is_that_of_adam_on_the_losses():
    made = laboratory(lr_d=0.01)
    made.steps(0)
    d, g, batch = deepcopy(match(made).d), deepcopy(match(made).g), 128
    made.steps(1, turn="D")
    moved = [(a - b).abs().max() for a, b in zip(weights(match(made).d), weights(d))]
    assert all(float(step) == pytest.approx(0.01, rel=1e-2) for step in moved)  # Adam's first
    x, fakes = LAW.sample((20_000,), generator=generator(0)), g.sample((20_000,), generator(1))
    loss = objectives.discriminator_loss(d(x), d(fakes)).item()
    assert made.run.series["d_loss"][0] == pytest.approx(loss, abs=5 / math.sqrt(batch))


def test_rates_and_batches_are_live_and_do_not_restart():
    sizes = []

    def seen(real, fake):
        sizes.append(len(real))
        return objectives.discriminator_loss(real, fake)

    made = laboratory({"seen": (seen, objectives.non_saturating)})
    made.steps(2)
    made.steps(1, batch=16, lr_d=1e-5, lr_g=1e-5)
    before = weights(match(made).d)
    made.steps(1)
    assert match(made).round == 4 and sizes[-2:] == [16, 16]
    assert max((a - b).abs().max() for a, b in zip(before, weights(match(made).d))) < 1e-4


def test_a_new_target_noise_or_loss_starts_afresh():
    made = laboratory()
    for change in (dict(target="moons"), dict(noise="1-D uniform"), dict(loss="saturating")):
        made.steps(3)
        made.set(**change)
        made.steps(1)
        assert match(made).round == 1
    assert match(made).g.d_z == 1 and match(made).name == "saturating"


def test_a_drawing_becomes_the_target():
    made = laboratory()
    points = torch.tensor([[1.0, 2.0], [1.5, 2.0]])
    made.steps(5, drawing=points)
    assert made.run.p.target == "drawn" and torch.equal(match(made).truth.law.means, points)


def test_a_click_on_a_turn_is_one_step():
    made = laboratory()
    made.steps(0)
    made._chosen("turn", "D")
    assert match(made).round == 1 and match(made).said == "D has learned" and not made.playing
    made._chosen("lr_d", 1e-4)
    assert match(made).round == 1


def test_rivals_start_alike_and_equal_ones_stay_alike():
    made = laboratory(rival="non-saturating")
    made.steps(3)
    assert same(weights(match(made, 0).g), weights(match(made, 1).g))
    made.set(rival="Wasserstein, penalty")
    made.steps(0)
    assert same(weights(match(made, 0).g), weights(match(made, 1).g))
    made.steps(3)
    assert not same(weights(match(made, 0).g), weights(match(made, 1).g))
    assert len(made.run.series["g_loss_rival"]) == 3 and "d_gap_rival" not in made.run.series


@pytest.mark.parametrize("name", list(LOSSES))
def test_all_losses_of_the_library_bring_the_laws_nearer(name):
    made = laboratory({name: LOSSES[name]}, n_d=2)
    made.steps(160)
    series = made.run.series
    assert min(series["jsd"][3:]) < series["jsd"][0] - 0.05
    assert len(series["kl"]) == 9 and made.run.times["kl"][-1] == 160


def test_noise_is_as_it_is_named():
    for name, law in NOISES.items():
        z = law.sample((40_000,), generator(0))
        assert z.shape == (40_000, int(name[0]))
        scale = 1 if "normal" in name else math.sqrt(1 / 3)
        assert abs(z.mean()) < 0.02 and float(z.std()) == pytest.approx(scale, abs=0.02)
        assert law.mesh(5).shape == (5,) * law.d + (law.d,)


def test_a_long_history_stays_short_and_keeps_its_last():
    history = History()
    for k in range(10_000):
        history.add(k, float(k))
        assert history.last == k
    at = [row[0] for row in history.rows]
    assert KEPT / 4 < len(at) <= KEPT and at == sorted(set(at))


# ---- mistakes ------------------------------------------------------------------------------------

D_LOSS, G_LOSS = objectives.discriminator_loss, objectives.non_saturating


@pytest.mark.parametrize(
    "losses, error, said",
    [
        ((lambda r, f: r - f, G_LOSS), ValueError, "the loss of D of 'yours' .* shape"),
        ((D_LOSS, lambda f: None), ValueError, "the loss of G of 'yours' must .* got None"),
        ((D_LOSS, lambda f: -f), ValueError, "the loss of G of 'yours' must return a scalar"),
        ((D_LOSS, lambda f: G_LOSS(f).detach()), (ValueError, RuntimeError), "grad"),
        ((lambda r, f: (r * math.inf).mean(), G_LOSS), Diverged, "D of 'yours': training div"),
        ((D_LOSS, lambda f: (f - math.nan).mean()), Diverged, "G of 'yours': training diverged"),
        ((D_LOSS, G_LOSS, lambda d, x, y: d(x)), ValueError, "the penalty of 'yours' must"),
        ((lambda r: r.mean(), G_LOSS), TypeError, "positional argument"),
        ((D_LOSS, lambda f: 1 / 0), ZeroDivisionError, "division"),
    ],
)
def test_mistakes_in_losses_are_told_when_it_plays(losses, error, said):
    made = laboratory({"yours": losses})
    with pytest.raises(error, match=said):
        made.steps(1)
        made.image()
    pictures, problem = made.pictures()
    assert isinstance(problem, error) and pictures


def test_wrong_arguments_are_named():
    for given in ({}, {"one": D_LOSS}, {"one": (D_LOSS,)}, {"one": (D_LOSS, 1)}):
        with pytest.raises(ValueError, match="losses must map names"):
            laboratory(given)
    with pytest.raises(ValueError, match="penalty of 'x' must be a function"):
        laboratory({"x": (D_LOSS, G_LOSS, 3)})
    with pytest.raises(ValueError, match="rival must be one of"):
        laboratory(rival="nobody")
    with pytest.raises(ValueError, match="targets must be laws of the plane, got .* for 'line'"):
        laboratory(targets={"line": targets.two_modes()})
    for wrong in (lambda prior: None, lambda prior: (nn.Linear(2, 2), nn.Linear(2, 1))):
        with pytest.raises(ValueError, match="networks must"):
            laboratory(networks=wrong).steps(0)
    three = gan.Generator(3, 2), gan.Discriminator(2)
    with pytest.raises(ValueError, match="networks must make a generator with d_z = 2, got 3"):
        laboratory(networks=lambda prior: three).steps(0)
