"""The sampler gallery: where its chains may start, and how far away they may go."""

import numpy as np
import pytest
import torch

from dgm_lib import demo, targets
from dgm_lib.demo.samplers.exact import Exact
from dgm_lib.demo.samplers.tally import Tally
from dgm_lib.samplers import mcmc

PLANE = {name: law for name, law in targets.GALLERY.items() if law.d == 2}
KERNELS = {
    "gibbs": lambda p, step: mcmc.gibbs_table(p.log_prob, p.box, n=60),
    "ula": lambda p, step: mcmc.ula(p.log_prob, step, p.score),
}


@pytest.mark.parametrize("start", ["one point", "all over", "exact samples"])
@pytest.mark.parametrize("target", ["ring", "moons", "funnel", "checkerboard", "drawn"])
def test_chains_start_where_the_law_is_positive(start, target):
    made = demo.sampler_gallery(KERNELS, PLANE, chains=300)
    frame = made.steps(0, sampler="gibbs", target=target, start=start)
    assert frame["tally"].exact.law.log_prob(frame["x"]).isfinite().all()
    assert len(frame["x"].unique(dim=0)) == (1 if start == "one point" else 300)


def test_chains_at_no_point_are_an_error():
    with pytest.raises(ValueError, match="kernel must keep all chains at finite points"):
        Tally(Exact(PLANE["ring"])).add(torch.tensor([[0.0, torch.nan]]), torch.ones(1).bool())


def test_points_that_are_far_but_finite_are_counted():
    law = targets.GALLERY["banana"].to(dtype=torch.float64)
    kernels = {"ula": KERNELS["ula"]}
    made = demo.sampler_gallery(kernels, {"banana": law}, chains=3, step=1e4)
    frame = made.steps(60)
    assert frame["x"].isfinite().all() and frame["x"].abs().max() > torch.finfo(torch.float32).max
    tally = frame["tally"]
    assert np.isfinite(tally.window(5)).all() and tally.counts.sum() == tally.n
    assert (made.image() != 255).any()
