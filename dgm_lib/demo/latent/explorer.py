"""The latent plane explorer: its controls around its simulation and its scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dgm_lib.core import whole
from dgm_lib.demo.controls import Choice, Slider
from dgm_lib.demo.demo import Demo
from dgm_lib.demo.latent.picture import scene
from dgm_lib.demo.latent.training import Loss, Training
from dgm_lib.demo.latent.truth import Truth
from dgm_lib.demo.laws import Laws
from dgm_lib.models import vae
from dgm_lib.nets.inputs import positive
from dgm_lib.objectives import negative_elbo
from dgm_lib.targets import GALLERY

NAMES = ("moons", "ring", "pinwheel", "grid", "banana", "spiral")
FARTHEST = 3.0  # of the sliders


def plane_vae() -> vae.VAE:
    """A VAE from the plane to the plane, whose decoder learns its sigma."""
    return vae.VAE(vae.StandardNormal(2), vae.GaussianEncoder(2, 2), vae.GaussianDecoder(2, 2))


def latent_explorer(
    loss: Loss | Mapping[str, Loss] = negative_elbo,
    targets: Mapping[str, Any] | None = None,
    make: Callable[[], vae.VAE] = plane_vae,
    *,
    lr: float = 5e-3,
    batch: int = 256,
    beta: float = 1.0,
    drawing: Any = None,
    **settings: Any,
) -> Demo:
    """A VAE with two latents learns a law of the plane, seen from both planes as it does.

    `loss(model, x, beta)` is the learner's own objective, a scalar of a batch x (n, 2) that Adam
    minimises; or several by name, to choose from. `make()` returns a new `vae.VAE` with d = d_z =
    2. `targets` maps names to laws; to these comes the law that is drawn in the pad, at first from
    the points `drawing` (n, 2). β and z answer at once, also while the demo stands still; all
    else starts the training afresh. `settings` go to `Demo`.

    The curves are of fresh data, and whatever the loss: −ELBO = KL + distortion, in nats, at β = 1.
    Every 10 steps there are `negative_elbo`, `kl` and `distortion` in the series, every 200 the
    `gap`, KL(p ‖ model) by 100 importance weights for each datum: too large on average, and by much
    where a small β has made q(z | x) too narrow. Every frame holds what is `seen`: `seen.model`,
    `seen.density()`, `seen.gap`, `seen.rates`, ...
    """
    lr, batch, beta = positive("lr", lr), whole("batch", batch), positive("beta", beta)
    named = {name: GALLERY[name] for name in NAMES} if targets is None else targets
    laws = Laws(named, Truth, drawing)
    controls = dict(
        target=laws.menu(),
        objective=_objective(loss),
        beta=Slider(min(0.01, beta), max(30.0, beta), beta, log=True, label="β"),
        z1=Slider(-FARTHEST, FARTHEST, 0.5),
        z2=Slider(-FARTHEST, FARTHEST, 0.5),
        drawing=laws.pad(150),
    )
    defaults = dict(
        name="latent explorer",
        structural=("target", "objective"),
        poster=(0, 400, 1500),
        speed=5,
    )
    sim = Training(laws, make, lr, batch)
    return Demo(sim, scene(), controls, **defaults | settings)


def _objective(loss: Any) -> Any:
    """The parameter for one loss, or for several to choose from."""
    if callable(loss):
        return loss
    if isinstance(loss, Mapping) and loss and all(map(callable, loss.values())):
        return Choice(loss)
    raise ValueError(f"loss must be a function (model, x, beta), or several by name, got {loss!r}")
