"""Demos to try the room on: particles that follow a law, and a simulation that moves a slider."""

import asyncio
import io
import math

import numpy as np
import torch
from PIL import Image
from torch.distributions import MultivariateNormal, Normal

from dgm_lib.demo import Arrows, Curve, Demo, Density, Fill, Line, Points, Scene, Slider, Trails

COVARIANCE = torch.tensor([[1.5, 0.6], [0.6, 0.8]])


class Gaussian:
    """A correlated Gaussian of the plane, with a box as the targets have one."""

    box = torch.tensor([[-6.0, 6.0], [-5.0, 5.0]])
    mean, covariance = torch.tensor([0.5, -1.0]), COVARIANCE

    def log_prob(self, x):
        return MultivariateNormal(self.mean, COVARIANCE).log_prob(x)

    def score(self, x):
        return -(x - self.mean) @ COVARIANCE.inverse()


LAW = Gaussian()


def langevin(p, rng):
    """Particles that follow the score of LAW."""
    x = torch.randn(p.n, 2, generator=rng)
    while True:
        yield dict(x=x, log_p=LAW.log_prob(x).mean(), at=(x[:20], LAW.score(x[:20])))
        noise = torch.randn(x.shape, generator=rng)
        x += p.step * LAW.score(x) + math.sqrt(2 * p.step) * noise  # in place, as learners do


def walk(p, rng):
    """The simulation moves its own parameter."""
    while True:
        yield dict(mu=p.mu)
        p.mu += 0.1


def particles(**kwargs):
    """A demo with a panel of the plane and one of a curve."""
    panels = [Density(LAW), Trails("x"), Points("x"), Arrows("at")], [Curve("log_p")]
    params = dict(n=Slider(10, 3000, 500), step=(0.001, 0.5, 0.02), flag=True, kernel=["a", "b"])
    return Demo(langevin, Scene(*panels), params, structural=("n",), **kwargs)


def walker(**kwargs):
    """A demo whose slider follows the simulation."""
    line = Line(lambda run: Normal(run.p.mu, 1.0))
    return Demo(walk, Scene([Fill(Normal(0.0, 1.0)), line]), dict(mu=Slider(-4, 4, 0.0)), **kwargs)


def pixels(data: bytes) -> np.ndarray:
    """The numbers of a PNG picture."""
    return np.asarray(Image.open(io.BytesIO(data)))


async def until(condition, seconds: float = 10.0):
    """Let the event loop run until `condition()` holds."""
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("the condition never came true")
