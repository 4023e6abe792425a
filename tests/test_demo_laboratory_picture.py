"""What is drawn of the GAN laboratory is what its networks do; pictures and layers."""

import asyncio
import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from dgm_lib import demo, targets
from dgm_lib.core import Grid
from dgm_lib.demo import still
from dgm_lib.demo.laboratory import LOSSES, NOISES, views
from dgm_lib.models import gan

LAW = targets.GaussianMixture([[0.5, -1.0], [-1.0, 1.0]], scale=0.4)
LAWS = dict(two=LAW, moons=targets.GALLERY["moons"])


def laboratory(*arguments, **settings):
    return demo.gan_laboratory(*arguments, **dict(targets=LAWS) | settings)


def match(made, k=0):
    return made.run.frame["matches"][k]


# ---- what is drawn -------------------------------------------------------------------------------


def test_critics_are_told_from_discriminators():
    assert [losses.is_critic() for losses in LOSSES.values()] == [False, False, False, True]


def test_the_surface_is_the_discriminators():
    made = laboratory()
    made.steps(5)
    found = match(made)
    x = Grid(found.truth.box, views.PIXELS, torch.float32).points
    surface = views.surface(found)
    assert np.allclose(surface, torch.sigmoid(found.d(x)).detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("name", ["saturating", "non-saturating"])
def test_arrows_lead_down_the_generators_loss(name):
    made = laboratory({name: LOSSES[name]})
    made.steps(20)
    found = match(made)
    x, down = views.slopes(found)
    logits = found.d(x.requires_grad_())
    slope = torch.autograd.grad(logits.sum(), x)[0]  # of each logit
    sigma = torch.sigmoid(logits.detach())[:, None]
    push = sigma if name == "saturating" else 1 - sigma
    assert torch.allclose(down, push * slope, atol=1e-5)
    at, drawn = views.arrows(found)
    assert torch.equal(at, x) and (torch.linalg.vecdot(drawn, down) >= 0).all()
    side = found.truth.box[0][1] - found.truth.box[0][0]
    assert drawn.norm(dim=-1).max() < 1.001 * views.LONGEST * side
    assert all(parameter.requires_grad for parameter in found.d.parameters())


class Linear(nn.Linear):
    """G(z) = A z + b."""

    def __init__(self, a):
        super().__init__(len(a[0]), 2)
        self.weight.data, self.bias.data = torch.tensor(a), torch.tensor([0.3, -0.2])


@pytest.mark.parametrize("noise", ["2-D normal", "2-D uniform"])
def test_the_manifold_shows_the_density_of_a_linear_generator(noise):
    a = [[1.0, 0.5], [0.0, 0.8]]

    def networks(prior):
        return gan.Generator(2, 2, net=Linear(a), prior=prior), gan.Discriminator(2, (8,))

    made = laboratory(networks=networks, noises={noise: NOISES[noise]})
    made.steps(0)
    mesh, density = views.manifold(match(made))
    middle = len(density) // 2
    top = match(made).truth.density.max()
    of_z = 0.25 if noise == "2-D uniform" else 1 / (2 * math.pi)
    n = len(density)
    # The cells' mass is 1 / n², though the mesh leaves the outermost percent out.
    expected = of_z / (0.8 * top) / 0.99**2
    assert mesh.shape == (n + 1, n + 1, 2)
    assert density[middle, middle] == pytest.approx(expected, rel=0.02)


def test_shapes_of_manifolds_are_checked():
    wrong = demo.Manifold(lambda run: (np.zeros((4, 4, 2)), np.zeros((4, 4))))
    made = demo.Demo(lambda p, rng: iter([{"x": 0.0}]), demo.Scene([wrong]))
    with pytest.raises(ValueError, match="source must give a mesh"):
        made.image()


# ---- pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rival", [None, "Wasserstein, penalty"])
def test_the_blitted_picture_is_the_full_one(rival):
    made = laboratory(rival=rival)
    for params in (dict(target="moons"), dict(noise="1-D normal"), dict(slow=True)):
        made.steps(21, **params)
        made.image()
        made.steps(2)
        blitted = made.image()
        made.scene.show(made.scene.layers[0], True)
        assert np.array_equal(blitted, made.image())


def test_each_layer_can_be_hidden():
    made = laboratory()
    made.steps(20)
    whole = made.image()
    for layer in made.scene.panels[0].layers:
        shown = layer.visible and "best" not in layer.name
        made.scene.show(layer, not shown)
        assert not np.array_equal(made.image(), whole), layer.name
        made.scene.show(layer, shown)
    assert np.array_equal(whole, made.image())


def test_layers_of_rivals_are_hidden_together():
    made = laboratory(rival="saturating")
    made.steps(20)
    whole = made.image()
    third = whole.shape[1] // 3
    for layer in made.scene.panels[0].layers[1:4:2]:
        made.scene.show(layer, "best" in layer.name)
        changed = made.image() != whole
        assert changed[:, :third].any() and changed[:, third : 2 * third].any(), layer.name
    assert len(made.scene.twins) == len(made.scene.panels[0].layers)


def test_the_stored_picture_is_three_and_small():
    made = laboratory(poster=(0, 20, 60))
    pictures, problem = made.pictures()
    assert problem is None and len(pictures) == 3
    data = still.strip(pictures, made.scene.size[0])
    assert len(data) < 400_000 and Image.open(io.BytesIO(data)).size[0] <= 900


def test_it_plays():
    async def play():
        made, shown = laboratory(), []
        made.draw = lambda: shown.append(match(made).round)
        made.play()
        while len(shown) < 4:
            await asyncio.sleep(0.01)
        made.pause()
        assert shown == sorted(shown) and shown[-1] >= 6

    asyncio.run(play())
