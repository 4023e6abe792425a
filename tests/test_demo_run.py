"""Runs: repeatable, with snapshots as frames and scalars as series; wrong simulations are named."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal

from dgm_lib.core import Estimate
from dgm_lib.demo import Curve, Demo, Run, Scene
from tests.demos import COVARIANCE, Gaussian, particles, walk, walker


def test_a_run_can_be_repeated():
    first, again = particles().steps(30), particles().steps(30)
    assert torch.equal(first["x"], again["x"])
    demo = particles()
    demo.steps(30)
    demo.run.restart()
    assert torch.equal(demo.steps(30)["x"], first["x"])
    assert not torch.equal(particles(seed=1).steps(30)["x"], first["x"])


def test_global_randomness_is_private_and_seeded():
    def sim(p, rng):
        while True:
            yield dict(x=torch.rand(()))

    before = torch.get_rng_state()
    first = Run(sim, {}).step(3)
    assert torch.equal(torch.get_rng_state(), before)
    assert first == Run(sim, {}).step(3)


def test_frames_are_snapshots():
    frames = [particles().run.step(k)["x"] for k in (1, 2)]
    assert not torch.equal(*frames)
    run = particles().run
    run.step(5)
    positions = torch.stack([frame["x"][0] for frame in run.recent])
    assert len(positions.unique(dim=0)) == 5


class Pair(NamedTuple):
    start: torch.Tensor
    end: np.ndarray


def test_what_is_inside_of_a_frame_is_a_snapshot_too():
    x, y = torch.zeros(2), np.zeros(2)
    nested = dict(a=dict(b=[x, (y,)]), pair=Pair(x, y), rows=[dict(x=x)], shape=x.shape)

    def sim(p, rng):
        yield nested
        nested["rows"].append(1)
        x.add_(1)
        y[:] = 1

    frame = Run(sim, {}).step(2)
    b, (in_tuple,) = frame["a"]["b"]
    inside = b, in_tuple, frame["pair"].start, frame["pair"].end, frame["rows"][0]["x"]
    assert frame["shape"] is nested["shape"]
    assert all((np.asarray(value) == 0).all() for value in inside) and len(frame["rows"]) == 1


def test_scalars_become_series_and_the_rest_stays():
    law = Gaussian()
    frame = dict(a=1, b=torch.tensor(2.0), c=Estimate(3.0, 0.1), d=np.float32(4))
    frame |= dict(x=np.ones(3), law=law)

    def sim(p, rng):
        yield frame
        yield frame

    run = Run(sim, {})
    run.step(5)
    assert run.series == dict(a=[1.0, 1.0], b=[2.0, 2.0], c=[3.0, 3.0], d=[4.0, 4.0])
    assert run.times == dict.fromkeys("abcd", [0, 1])
    assert run.done and not run.failed and run.t == 1 and run.frame["law"] is law


def test_mean_log_density_reaches_the_truth():
    demo = particles()
    demo.steps(300, n=3000)
    values = demo.run.series["log_p"][-100:]
    entropy = MultivariateNormal(torch.zeros(2), COVARIANCE).entropy().item()
    assert abs(np.mean(values) + entropy) < 0.06  # discretisation error of the step included


def test_restart_undoes_what_the_simulation_did_but_not_the_user():
    demo = walker()
    demo.steps(10)
    assert demo.run.p.mu == pytest.approx(1.0)
    demo.run.restart()
    assert demo.run.p.mu == 0.0
    demo.set(mu=2.0)
    demo.steps(10)
    demo.run.restart()
    assert demo.run.p.mu == 2.0


def test_structural_parameters_restart():
    demo = particles()
    demo.steps(5, step=0.1)
    demo.set(step=0.2)
    assert demo.run.t == 5
    demo.set(n=20)
    assert demo.run.t == -1 and len(demo.steps(0)["x"]) == 20


def test_wrong_simulations_are_named():
    with pytest.raises(ValueError, match="sim must yield dicts, got float"):
        Run(lambda p, rng: iter([1.0]), {}).step()
    with pytest.raises(TypeError, match="iterable"):
        Run(lambda p, rng: None, {}).step()
    with pytest.raises(ValueError, match="params must be among"):
        particles().steps(1, stepp=0.1)
    for fps in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="fps must be positive, got"):
            walker(fps=fps)
    with pytest.raises(ValueError, match="structural must name params"):
        Demo(walk, Scene([Curve("mu")]), structural=("n",))
