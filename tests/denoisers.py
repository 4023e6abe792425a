"""Denoisers to play with: the ring on all paths, and a step as a learner writes it."""

from dgm_lib import demo, paths, targets

RING = targets.ring()
PATHS = dict(
    linear=paths.linear(),
    cosine=paths.cosine(),
    straight=paths.straight(),
    exploding=paths.exploding(0.02, 8.0),
)


def ddim(model, x, t, s, noise):
    """A learner's step."""
    a, b = (model.path.alpha(time) ** 2 for time in (t, s))
    eps = model.eps(x, t)
    return b.sqrt() * (x - (1 - a).sqrt() * eps) / a.sqrt() + (1 - b).sqrt() * eps


def shown(samplers=None, **settings):
    """The denoiser on the ring."""
    return demo.denoiser(samplers, **dict(targets={"ring": RING}) | settings)


def differs(a, b):
    """Whether two pictures or tensors are not the same."""
    return (a != b).any()
