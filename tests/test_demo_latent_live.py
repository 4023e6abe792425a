"""The latent plane explorer: β and z answer at once, and mistakes in the loss are told."""

import asyncio
import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.distributions import MultivariateNormal

from dgm_lib import demo, objectives, targets
from dgm_lib.core import Grid
from dgm_lib.demo import still
from dgm_lib.demo.latent.seen import PRIOR
from dgm_lib.models import flow, vae
from dgm_lib.training import Diverged

MOONS = dict(moons=targets.GALLERY["moons"])


def explorer(*arguments, **settings):
    return demo.latent_explorer(*arguments, **dict(targets=MOONS) | settings)


# ---- what the user chooses -----------------------------------------------------------------------


def test_the_learners_loss_is_trained_at_the_present_beta():
    betas = []

    def loss(model, x, beta):
        betas.append(beta)
        assert x.shape == (64, 2)
        return objectives.negative_elbo(model, x, beta)

    made = explorer(loss, batch=64, beta=2.0)
    made.steps(3)
    model = made.run.frame["seen"].model
    made.set(beta=5.0)
    made.steps(2)
    assert betas == [2.0] * 3 + [5.0] * 2
    assert made.run.t == 5 and made.run.frame["seen"].model is model


def test_a_large_beta_empties_the_codes():
    rates = []
    for beta in (0.1, 20.0):
        made = explorer(lr=1e-2)
        made.steps(250, beta=beta)
        rates.append(made.run.series["kl"][-1])
    assert rates[0] > 2 and rates[1] < 0.05
    assert made.run.frame["seen"].active == 0


def test_z_answers_while_the_demo_stands_still():
    made = explorer()
    made.steps(20)
    before, steps = made.image(), made.run.t
    assert np.array_equal(before, made.image())
    made.set(z1=-2.0)
    assert made.run.t == steps and not np.array_equal(before, made.image())
    made.set(z1=0.5)
    assert np.array_equal(made.image(), before)


def test_a_restart_gives_the_same_model_and_another_seed_another():
    def weights(made):
        return torch.cat([p.detach().flatten() for p in made.run.frame["seen"].model.parameters()])

    made = explorer()
    made.steps(12)
    first = weights(made)
    state = torch.get_rng_state()
    made.image()
    made.run.restart()
    made.steps(12)
    assert torch.equal(first, weights(made)) and torch.equal(state, torch.get_rng_state())
    other = explorer(seed=1)
    other.steps(12)
    assert not torch.equal(first, weights(other))


def test_targets_and_objectives_restart():
    losses = dict(
        elbo=objectives.negative_elbo,
        iwae=lambda model, x, beta: -objectives.iwae(model, x, 5).mean(),
    )
    made = demo.latent_explorer(losses, dict(MOONS, ring=targets.GALLERY["ring"]))
    made.steps(4)
    assert made.steps(3, target="ring")["seen"].truth.law is targets.GALLERY["ring"]
    assert made.run.t == 3
    made.steps(2, objective=losses["iwae"])
    assert made.run.t == 2 and made.run.p.target == "ring"


def test_a_drawing_becomes_the_target():
    made = explorer()
    made.steps(2)
    points = torch.tensor([[1.0, 2.0], [1.5, 2.0]])
    truth = made.steps(2, drawing=points)["seen"].truth
    assert made.run.p.target == "drawn" and torch.equal(truth.law.means, points)
    assert made.steps(1, target="moons")["seen"].truth.law is MOONS["moons"]
    assert (made.image() != 255).any()


def test_priors_and_posteriors_may_be_flows():
    def make():
        prior = flow.realnvp(2, layers=2, hidden=(8,))
        return vae.VAE(prior, vae.GaussianEncoder(2, 2), vae.GaussianEncoder(2, 2))

    made = explorer(make=make)
    made.steps(3)
    made.image()
    before = made.run.frame["seen"].prior()[0]
    made.steps(3)
    made.image()
    after, box = made.run.frame["seen"].prior()
    assert not np.array_equal(before, after) and box == PRIOR
    assert Grid(PRIOR, len(after)).integrate(torch.from_numpy(after)) == pytest.approx(1, abs=0.02)


def test_a_decoder_that_is_no_product_has_samples_but_no_density():
    class Correlated(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(2, 2)

        def forward(self, z):
            return MultivariateNormal(self.net(z), torch.tensor([[1.0, 0.5], [0.5, 1.0]]))

    def make():
        return vae.VAE(vae.StandardNormal(2), vae.GaussianEncoder(2, 2), Correlated())

    made = explorer(make=make)
    found = made.steps(2)["seen"]
    assert found.density() is None and found.samples().shape[-1] == 2
    made.image()


# ---- mistakes ------------------------------------------------------------------------------------


def broken(model, x, beta):
    raise ZeroDivisionError("the learner's mistake")


MISTAKES = {
    "nan": (lambda m, x, b: objectives.negative_elbo(m, x, b) * math.nan, Diverged, "is nan"),
    "shape": (lambda m, x, b: -objectives.elbo(m, x), ValueError, r"must return a scalar tensor"),
    "number": (lambda m, x, b: 1.0, ValueError, "must return a scalar tensor, got 1.0"),
    "detached": (
        lambda m, x, b: objectives.negative_elbo(m, x, b).detach(),
        ValueError,
        "must depend on the model's parameters",
    ),
    "raises": (broken, ZeroDivisionError, "the learner's mistake"),
    "arguments": (lambda m, x: x.sum(), TypeError, "positional argument"),
}


@pytest.mark.parametrize("name", list(MISTAKES))
def test_a_mistake_in_the_loss_is_told_and_the_demo_lives(name):
    loss, kind, message = MISTAKES[name]
    made = explorer(loss)
    made.steps(0)  # all is well before the first step
    with pytest.raises(kind, match=message):
        made.steps(1)


def test_the_error_box_and_the_stored_picture_tell_a_mistake():
    made = explorer(broken)
    made.widget()
    made._one_step()
    assert "the learner's mistake" in made.error and "in broken" in made.error
    assert made.view.problem.layout.display == "" and "mistake" in made.view.problem.value
    pictures, problem = made.pictures()
    assert isinstance(problem, ZeroDivisionError) and len(pictures) == 1
    made.close()


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="targets must be laws of the plane, got .* for 'line'"):
        explorer(targets={"line": targets.two_modes()})
    for loss in ({}, {"a": 1}, 3):
        with pytest.raises(ValueError, match="loss must be a function"):
            explorer(loss)
    deep = vae.VAE(vae.StandardNormal(3), vae.GaussianEncoder(2, 3), vae.GaussianDecoder(3, 2))
    for make, message in (
        (lambda: nn.Linear(2, 2), "make must return a vae.VAE"),
        (lambda: deep, "make must return a VAE with d_z = 2, got 3"),
    ):
        with pytest.raises(ValueError, match=message):
            explorer(make=make).steps(0)


# ---- pictures ------------------------------------------------------------------------------------


def test_the_blitted_picture_is_the_full_one():
    made = explorer()
    for params in (dict(), dict(target="drawn"), dict(target="moons", beta=0.01)):
        made.steps(31, **params)
        made.image()
        made.steps(3)
        blitted = made.image()
        made.scene.show(made.scene.layers[-1], True)
        assert np.array_equal(blitted, made.image())


def test_each_layer_can_be_hidden_and_hidden_contours_still_set_the_axes():
    made = demo.latent_explorer(targets=dict(MOONS, ring=targets.GALLERY["ring"]))
    made.steps(41)
    whole = made.image()
    for panel in made.scene.panels[:2]:
        for layer in panel.layers:
            before = not layer.visible if layer.name == "samples" else True
            made.scene.show(layer, layer.name == "samples")
            assert before and not np.array_equal(whole, made.image()), layer.name
            made.scene.show(layer, layer.name != "samples")
    assert np.array_equal(whole, made.image())
    contours = next(layer for layer in made.scene.layers if layer.name == "exact density")
    made.scene.show(contours, False)
    made.steps(1, target="ring")
    made.image()
    box = made.run.frame["seen"].truth.box
    assert made.scene.axes[1].get_xlim() == pytest.approx(box[0])


def test_the_stored_picture_is_three_and_small():
    made = explorer(poster=(0, 20, 60))
    pictures, problem = made.pictures()
    assert problem is None and len(pictures) == 3
    data = still.strip(pictures, made.scene.size[0])
    assert len(data) < 250_000 and Image.open(io.BytesIO(data)).size[0] <= 900


def test_it_plays():
    async def play():
        made, shown = explorer(), []
        made.draw = lambda: shown.append(made.run.t)
        made.play()
        while len(shown) < 4:
            await asyncio.sleep(0.01)
        made.pause()
        return shown

    shown = asyncio.run(play())
    assert shown[0] >= 1 and shown[3] > shown[0]
