"""What noise laws say to those who call them wrongly."""

import math

import pytest
import torch

from dgm_lib.models import flow
from dgm_lib.models.dequantise import FlowNoise, UniformNoise


@pytest.mark.parametrize("y", [[0.5, 0.0], [-1.0, 0.0], [math.nan, 0.0], [math.inf, 0.0]])
def test_cells_have_whole_numbers(y):
    noise = FlowNoise(flow.realnvp(2, 2, context=2), levels=4)
    for law in (UniformNoise(2), noise):
        with pytest.raises(ValueError, match="y must hold whole numbers"):
            law(torch.tensor(y))
    with pytest.raises(ValueError, match="y must be less than levels, which is 4"):
        noise(torch.tensor([3, 4]))


def test_no_cell_holds_nan_and_shapes_may_be_integers():
    noise, y = FlowNoise(flow.realnvp(2, 2, context=2), levels=4), torch.zeros(5, 2)
    u = torch.full((5, 2), 0.5)
    u[0, 1] = math.nan
    assert (UniformNoise(2)(y).log_prob(u) == torch.tensor([-math.inf, 0, 0, 0, 0])).all()
    for law in (UniformNoise(2)(y), noise(y)):
        u, log_q = law.rsample_with_log_prob(3)
        assert u.shape == (3, 5, 2) and log_q.shape == (3, 5)
        with pytest.raises(ValueError, match="shape must be an integer"):
            law.rsample_with_log_prob(-1)
