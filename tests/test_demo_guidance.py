"""The dial of guidance: the law aimed at is exact, and the way that is given is the one taken."""

import itertools

import numpy as np
import pytest
import torch

from dgm_lib import demo, paths, targets
from dgm_lib.demo.diffusion.guide import WAYS
from dgm_lib.demo.diffusion.tilt import Labelled
from dgm_lib.exercises.guidance.classifier_free import classifier_free
from dgm_lib.exercises.guidance.guided_ddim import guided_ddim
from dgm_lib.exercises.guidance.guided_mean import guided_mean
from dgm_lib.models.diffusion import Denoiser, Exact, NoisyClassifier
from dgm_lib.samplers import diffusion
from tests.denoisers import differs

BLOBS = targets.GaussianMixture([[-1.1, -0.7], [1.1, -0.7], [0.0, 1.2]], 0.75, [0.5, 0.3, 0.2])
MINE = {
    "my guided_ddim": lambda g, x, t, s, noise: guided_ddim(
        x, g.eps(x, t), g.gradient(x, t), g.alpha_bar(t), g.alpha_bar(s), g.w
    ),
}


def by_free(g, x, t, s, noise):
    """A learner's step of DDIM."""
    eps = classifier_free(g.eps_given_y(x, t), g.eps(x, t), g.w)
    return diffusion.ddim_step(g.path, x, t, s, eps, noise)


def by_mean(g, x, t, s, noise):
    """A learner's step of DDPM."""
    mu, sigma = g.mean_and_sigma(x, t, s)
    return guided_mean(mu, sigma, g.gradient(mu, s), g.w) + sigma * noise


def dial(ways=None, **settings):
    return demo.guidance_dial(ways, **dict(targets={"blobs": BLOBS}, particles=300) | settings)


# ---- what is exact -------------------------------------------------------------------------------


@pytest.mark.parametrize("w", [0.0, 1.0, 3.5])
def test_the_tilted_law_is_that_of_the_target(w):
    labelled = Labelled(BLOBS)
    tilted, law = labelled.tilted(1, w, 4000), BLOBS.tilted(1, w)
    exact = law.log_prob(labelled.grid.points).exp().numpy()
    assert np.abs(tilted.density - exact).max() < 0.01 * exact.max()
    assert tilted.mass.sum().item() == pytest.approx(1)
    x = law.sample((4000,), torch.Generator().manual_seed(0)).double()
    drawn = tilted.sample(1, torch.Generator().manual_seed(1))[0]
    for points in (x, drawn):
        p = BLOBS.posterior(points)[:, 1]
        error = p.std().item() / 4000**0.5
        assert abs(p.mean().item() - tilted.numbers.fidelity) < 4.5 * error + 0.002
        spread = (points - points.mean(0)).square().sum(-1).mean().sqrt().item()
        assert tilted.numbers.diversity == pytest.approx(spread, abs=0.06)
    assert tilted.numbers.fidelity > labelled.tilted(1, w / 2, 1).numbers.fidelity or w == 0


@pytest.mark.parametrize("name", ["cosine", "linear", "straight", "exploding"])
@pytest.mark.parametrize("w", [0, 1])
def test_without_guidance_and_with_w_1_the_noised_tilted_law_is_known(name, w):
    path = getattr(paths, name)()
    labelled, model = Labelled(BLOBS), Exact(path, BLOBS)
    for share in (0.1, 0.5, 1.0):
        t = torch.full((50, 1), path.span[0] + share * (path.span[1] - path.span[0])).double()
        law = BLOBS.noised(path.alpha(t), path.sigma(t))
        x = law.sample((50,), torch.Generator().manual_seed(0)).double()
        expected = model.eps(x, t, 2) if w else model.eps(x, t)
        found = labelled.tilted(2, float(w), 1).eps(path, x, t)
        assert torch.allclose(found, expected, atol=0.02)


def test_guidance_samples_another_law_than_the_tilted_one_but_the_exact_tilt_does_not():
    made = dial(particles=1000, steps=40)
    guided = made.steps(0, way="classifier", w=6.0)
    tilted = made.steps(0, way="exact tilt", w=6.0)
    assert guided["distance"] > 5 * guided["floor"] and tilted["distance"] < 2.5 * tilted["floor"]
    assert tilted["fidelity"] == pytest.approx(tilted["truth"].fidelity, abs=0.02)
    assert tilted["diversity"] == pytest.approx(tilted["truth"].diversity, abs=0.08)
    assert guided["diversity"] < tilted["diversity"]


@pytest.mark.parametrize("seed", [0, 1])
def test_with_w_1_all_ways_reach_the_conditional_law(seed):
    made = dial(particles=1000, steps=60, seed=seed, w=1.0)
    for way in WAYS:
        frame = made.steps(0, way=way, y=1)
        assert frame["distance"] < 2.5 * frame["floor"] + 0.02


def test_with_exact_parts_a_classifier_and_no_classifier_are_the_same():
    made = dial(w=3.0)
    with_one, without = (made.steps(0, way=way)["x"] for way in ("classifier", "classifier-free"))
    assert torch.allclose(with_one, without, atol=1e-3)


# ---- who drives ----------------------------------------------------------------------------------


def test_the_learners_functions_are_the_ones_that_are_used():
    made = dial({**MINE, "my classifier_free": by_free, "my guided_mean": by_mean}, w=2.5)
    assert made.run.p.way == "my guided_ddim"
    for mine, usual in (
        ("my guided_ddim", "classifier"),
        ("my classifier_free", "classifier-free"),
        ("my guided_mean", "ancestral"),
    ):
        x, other = made.steps(0, way=mine)["x"], made.steps(0, way=usual)["x"]
        assert torch.allclose(x, other, atol=2e-3)


def test_a_way_that_forgets_w_gives_the_same_whatever_w():
    def forgetful(g, x, t, s, noise):
        return diffusion.ddim_step(g.path, x, t, s, g.eps(x, t), noise)

    made = dial({"mine": forgetful})
    assert torch.equal(made.steps(0, w=0.0)["x"], made.steps(0, w=6.0)["x"])


def test_the_noise_of_steps_is_independent_of_the_start():
    seen = []

    def listening(g, x, t, s, noise):
        seen.extend([x, noise, torch.randn_like(x)])
        return x

    dial({"mine": listening}, particles=2000, steps=2).steps(0)
    x, *others = (part.flatten() for part in seen[:3] + seen[4:6])
    for a, b in itertools.combinations([x, *others], 2):
        assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1]) < 4.5 / 4000**0.5


def test_a_turn_answers_at_once_and_playing_shows_how_it_came_about():
    made = dial(steps=12, w=3.0)
    answer = made.steps(0)
    assert answer["t"] == pytest.approx(paths.cosine().span[0]) and answer["i"] == 12
    start = made.steps(1)
    assert start["i"] == 0 and start["t"] == pytest.approx(0.999)
    assert start["x"].std() == pytest.approx(1, abs=0.1)
    end = made.steps(12)
    assert torch.equal(end["x"], answer["x"]) and end["distance"] == answer["distance"]
    made.steps(1)
    assert made.run.done
    before = made.image()
    made.set(w=0.0)
    assert differs(made.image(), before) and made.run.t == 0


def test_what_was_tried_stays_until_the_setting_changes():
    made = dial(w=0.0)
    for w in (0.0, 1.0, 2.0):
        frame = made.steps(0, w=w)
    made.steps(0, way="exact tilt")
    tried = made.run.frame["tried"]
    assert list(tried["classifier"]) == [0.0, 1.0, 2.0] and list(tried["exact tilt"]) == [2.0]
    assert tried["classifier"][2.0].distance == frame["distance"]
    fidelities = [row.fidelity for row in tried["classifier"].values()]
    assert fidelities == sorted(fidelities)
    assert list(made.steps(0, y=1)["tried"]) == ["exact tilt"]


def test_the_map_is_the_probability_of_the_class():
    made = dial(steps=5)
    made.steps(1)
    passage, t = made.run.frame["passage"], 0.4
    found = passage.map(t)
    side = np.linspace(*passage.labelled.box[0], 2 * len(found) + 1)[1::2]
    other = np.linspace(*passage.labelled.box[1], 2 * len(found) + 1)[1::2]
    x = torch.tensor([[side[3], other[7]], [side[30], other[20]]])
    at = paths.cosine().alpha(torch.tensor(t)).item(), paths.cosine().sigma(torch.tensor(t)).item()
    exact = BLOBS.noised(*at).posterior(x)[:, 0]
    assert found[3, 7] == pytest.approx(exact[0].item(), abs=1e-4)
    assert found[30, 20] == pytest.approx(exact[1].item(), abs=1e-4)


@pytest.mark.parametrize("target", ["blobs", "ring", "moons", "drawn"])
def test_every_way_on_every_target(target):
    made = demo.guidance_dial(particles=20, steps=5)
    for way, w in itertools.product(WAYS, (0.0, 8.0)):
        frame = made.steps(0, target=target, way=way, w=w, y=7)
        assert frame["x"].isfinite().all()
    assert made.run.p.y == {"blobs": 2, "ring": 7, "moons": 1, "drawn": 1}[target]


# ---- learned parts -------------------------------------------------------------------------------


def test_learned_parts_are_used_and_what_is_missing_stays_exact():
    torch.manual_seed(0)
    path = paths.linear()
    parts = dict(
        model=Denoiser(path, labels=3, hidden=(8,)),
        classifier=NoisyClassifier(path, k=3, hidden=(8,)),
    )
    exact = dial(path=path).steps(0)["x"]
    for given in (parts, {"classifier": parts["classifier"]}, {"model": parts["model"]}):
        made = dial(**given)
        assert torch.equal(made.steps(0)["x"], exact)  # until it is asked for
        assert differs(made.steps(0, parts="learned")["x"], exact)
        guide = made.run.frame["passage"].guide
        assert (guide.model is given.get("model")) == ("model" in given)
        assert (guide.classifier is given.get("classifier")) == ("classifier" in given)
    made.steps(0, target="drawn")  # two classes, not three
    assert made.run.p.parts == "exact" and differs(made.image(), 255)


def test_a_drawn_law_is_chosen_and_answers_at_once():
    made = dial(w=4.0)
    before, line = made.image(), torch.linspace(-2, 2, 40)
    made.set(drawing=torch.stack([line, 0.3 * line], -1))
    assert made.run.p.target == "drawn" and differs(made.image(), before)
    assert made.steps(0, y=0)["x"][:, 0].mean() < 0 < made.steps(0, y=1)["x"][:, 0].mean()
    assert made.steps(0, drawing=torch.ones(1, 2))["x"].isfinite().all()  # of one class


def test_the_stored_picture():
    pictures, problem = dial(particles=50, steps=6).pictures()
    assert problem is None and len(pictures) == 2 and differs(*pictures)


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(targets={"banana": targets.banana()}), "targets must be mixtures"),
        (dict(ways=by_mean), "ways must map names to steps"),
        (dict(model=3), "model must have eps"),
        (dict(model=Denoiser(paths.cosine())), "model must be one with labels"),
        (dict(classifier=3), "classifier must have log_prob"),
        (dict(classifier=NoisyClassifier(paths.linear(), 3), path=paths.cosine()), "path must be"),
        (dict(w=-1.0), "w must be"),
        (dict(steps=0), "steps must be"),
    ],
)
def test_wrong_arguments_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        demo.guidance_dial(**settings)


def test_wrong_steps_are_named():
    for step, message in (
        (lambda g, x, t, s, noise: None, "mine must return points"),
        (lambda g, x, t, s, noise: x + float("nan"), "mine must keep points"),
    ):
        with pytest.raises(ValueError, match=message):
            dial({"mine": step}).steps(0)
