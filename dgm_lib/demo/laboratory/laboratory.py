"""The GAN laboratory: its controls around its simulation and its scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dgm_lib.core import whole
from dgm_lib.demo.controls import Actions, Choice, Slider, Toggle
from dgm_lib.demo.demo import Demo
from dgm_lib.demo.laboratory.losses import LOSSES, by_name
from dgm_lib.demo.laboratory.match import BOTH, D, G, Networks, plane_networks
from dgm_lib.demo.laboratory.noise import NOISES
from dgm_lib.demo.laboratory.picture import scene
from dgm_lib.demo.laboratory.playing import Playing
from dgm_lib.demo.laboratory.truth import Truth
from dgm_lib.demo.laws import Laws
from dgm_lib.nets.inputs import positive
from dgm_lib.targets import GALLERY

NAMES = ("ring", "grid", "moons", "pinwheel", "spiral", "checkerboard", "banana")


def gan_laboratory(
    losses: Mapping[str, Any] | None = None,
    targets: Mapping[str, Any] | None = None,
    networks: Networks = plane_networks,
    *,
    rival: str | None = None,
    noises: Mapping[str, Any] | None = None,
    lr_d: float = 2e-3,
    lr_g: float = 1e-3,
    n_d: int = 1,
    batch: int = 128,
    drawing: Any = None,
    **settings: Any,
) -> Demo:
    """A generator and a discriminator play on the plane, against all that is exact about the data.

    `losses` maps names to pairs `(d_loss(real_logits, fake_logits), g_loss(fake_logits))`, scalars
    that Adam minimises, or to triples with a `penalty(discriminator, x_real, x_fake)` that is added
    to D's; by default the library's own, `demo.laboratory.LOSSES`. With the name of a `rival` two
    matches are played side by side, from the same weights and with the same data. `targets` maps
    names to laws; to these comes the law that is drawn in the pad, at first from the points
    `drawing` (n, 2). `networks(prior)` returns a new `gan.Generator` and a discriminator; `noises`
    maps names to priors, by default `demo.laboratory.NOISES`. Learning rates, D's steps for each
    of G's, and the batch size answer at once; all else starts afresh. `settings` go to `Demo`.

    q̂ is the law of 4,000 samples in the cells of a grid, every 20 rounds: `kl` and `jsd` are those
    of the two laws of cells, `modes` and `good` shares, `d_gap` the mean of |D - D*|. These and
    `d_loss`, `g_loss` are in the series, with `_rival` after them for the other match. The frames
    hold the `matches`: `matches[0].g`, `.d`, `.score`, `.truth.floor`, ...
    """
    n_d, batch = whole("n_d", n_d), whole("batch", batch)
    known = LOSSES if losses is None else by_name(losses)
    named = {name: GALLERY[name] for name in NAMES} if targets is None else targets
    laws = Laws(named, Truth, drawing)
    if rival is not None and rival not in known:
        raise ValueError(f"rival must be one of {list(known)}, got {rival!r}")
    priors = NOISES if noises is None else dict(noises)
    against = {} if rival is None else dict(rival=Choice(list(known), rival))
    controls = dict(
        turn=_Turns({"D learns": D, "G learns": G, "both learn": BOTH}, BOTH),
        slow=Toggle(False, label="slow motion"),
        target=laws.menu(),
        loss=Choice(list(known), label="losses"),
        **against,
        noise=Choice(list(priors)),
        lr_d=_rate(positive("lr_d", lr_d), "rate of D"),
        lr_g=_rate(positive("lr_g", lr_g), "rate of G"),
        n_d=Slider(1, max(10, n_d), n_d, label="D steps per G step"),
        batch=Slider(min(8, batch), max(512, batch), batch),
        drawing=laws.pad(150),
    )
    defaults = dict(
        name="GAN laboratory",
        structural=("target", "loss", "noise", *against),
        poster=(0, 60, 1000),
        speed=2,
    )
    sim = Playing(known, laws, priors, networks)
    return _Laboratory(sim, scene(rival is not None), controls, **defaults | settings)


def _rate(lr: float, label: str) -> Slider:
    return Slider(min(1e-5, lr), max(0.1, lr), lr, log=True, label=label)


class _Laboratory(Demo):
    def _chosen(self, key: str, value: Any) -> None:
        """A click on whose turn it is makes one step, unless the demo plays anyway."""
        super()._chosen(key, value)
        if key == "turn" and not self.playing:
            self._one_step()


class _Turns(Actions):
    """Buttons that choose whose turn it is, from now on."""

    plays = False
