"""The ground room: devices, random streams, estimates, grids."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from dgm_lib import core
from dgm_lib.core import Density, Estimate, Grid, RandomStream

ACCELERATOR = torch.accelerator.current_accelerator(check_available=True)
NAN, INF = math.nan, math.inf


# --------------------------------------------------------------------------- device


def test_device_follows_name_then_environment_then_machine(monkeypatch):
    monkeypatch.delenv("DGM_DEVICE", raising=False)
    assert core.device().type == (ACCELERATOR.type if ACCELERATOR else "cpu")
    monkeypatch.setenv("DGM_DEVICE", "cpu")
    assert core.device() == torch.device("cpu")
    monkeypatch.setenv("DGM_DEVICE", "no-such-thing")
    assert core.device("cpu") == core.device(torch.device("cpu")) == torch.device("cpu")
    monkeypatch.setenv("DGM_DEVICE", "")
    assert core.device().type == (ACCELERATOR.type if ACCELERATOR else "cpu")


@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps", "xpu", "cuda:99", "gpu"])
@pytest.mark.parametrize("by_environment", [False, True])
def test_missing_device_is_a_clear_error(monkeypatch, name, by_environment):
    if ACCELERATOR and name.startswith(ACCELERATOR.type) and name != "cuda:99":
        pytest.skip("this machine has one")
    if by_environment:
        monkeypatch.setenv("DGM_DEVICE", name)
    with pytest.raises(RuntimeError) as error:
        core.device(None if by_environment else name)
    message = str(error.value)
    assert repr(name) in message and "offers cpu" in message and "ask for" in message
    assert ("DGM_DEVICE" in message) == by_environment


def test_import_touches_no_global_state():
    code = (
        "import torch; torch.manual_seed(7); before = torch.get_rng_state();"
        "threads = torch.get_num_threads(); import dgm_lib.core, dgm_lib.targets;"
        "assert torch.equal(before, torch.get_rng_state());"
        "assert threads == torch.get_num_threads() and torch.get_default_dtype() == torch.float32"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --------------------------------------------------------------------------- random numbers


def test_generator_is_seeded_and_private():
    before = torch.get_rng_state()
    a, b, c = (torch.randn(5, generator=core.generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert torch.equal(before, torch.get_rng_state())


def test_stream_is_private_and_goes_on():
    whole, pieces = RandomStream(5), RandomStream(5)
    with whole:
        expected = torch.rand(4)
    before = torch.get_rng_state()
    with pieces:
        first = torch.rand(2)
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(100)  # what happens outside changes nothing inside
    with pieces:
        second = torch.rand(2)
    assert torch.equal(torch.cat([first, second]), expected)


def test_stream_state_is_exact_even_inside_a_block_and_through_a_file(tmp_path):
    stream = RandomStream(0)
    with stream:
        torch.randn(3)  # an odd number: normal numbers are made in pairs
        saved = stream.state()
        expected = torch.randn(20)
    torch.save(saved, tmp_path / "stream.pt")
    loaded = torch.load(tmp_path / "stream.pt", weights_only=True)
    other = RandomStream(99)
    other.load(loaded)
    with other:
        assert torch.equal(torch.randn(20), expected)
        other.load(saved)
        assert torch.equal(torch.randn(20), expected)
    other.load(saved)
    with other:
        torch.rand(1000)
    with RandomStream(1) as another:
        another.load(saved)  # and using a stream left the saved state alone
        assert torch.equal(torch.randn(20), expected)


def test_stream_puts_the_state_back_after_an_exception():
    stream, before = RandomStream(0), torch.get_rng_state()
    with pytest.raises(KeyError):
        with stream:
            torch.rand(3)
            raise KeyError
    assert torch.equal(before, torch.get_rng_state())
    with stream:  # usable again
        torch.rand(3)


def test_streams_nest_in_one_another_but_not_in_themselves():
    outer, inner, reference = RandomStream(0), RandomStream(1), RandomStream(0)
    with outer:
        a = torch.rand(2)
        with inner:
            torch.rand(7)
        b = torch.rand(2)
        with pytest.raises(RuntimeError, match="already in use"):
            outer.__enter__()
    with reference:
        assert torch.equal(torch.rand(4), torch.cat([a, b]))


def test_stream_rejects_a_foreign_state():
    with pytest.raises(ValueError, match="state must come from a stream on cpu"):
        RandomStream(0, device="cpu").load({"cpu": torch.get_rng_state(), "cuda": None})


# --------------------------------------------------------------------------- estimates


@pytest.mark.parametrize(
    "value, stderr, text",
    [
        (0.44321, 0.0021, "0.443 ± 0.002"),
        (0.44321, 0.0151, "0.443 ± 0.015"),
        (-1.0, 0.5, "-1.0 ± 0.5"),
        (12345.6, 230.0, "12300 ± 200"),
        (3.2, 14.0, "3 ± 14"),
        (0.443, 0.0, "0.443 ± 0"),
        (0.443, 1e-17, "0.443 ± 1e-17"),
        (1.5, NAN, "1.5 ± nan"),
        (1.5, INF, "1.5 ± inf"),
        (NAN, 0.1, "nan ± 0.1"),
        (INF, NAN, "inf ± nan"),
        (1.2e30, 1e28, "1.2e+30 ± 1e+28"),
        (0.5, 5e-324, "0.5 ± 4.9e-324"),
    ],
)
def test_estimate_prints_the_digits_it_knows(value, stderr, text):
    assert str(Estimate(value, stderr)) == f"{Estimate(value, stderr)}" == text


def test_estimate_of_values():
    value, stderr = Estimate.of(torch.tensor([[1.0, 2.0], [3.0, 6.0]]))
    assert value == 3.0
    assert stderr == pytest.approx(math.sqrt((4 + 1 + 0 + 9) / 3 / 4))
    assert math.isnan(Estimate.of(torch.ones(1)).stderr)
    with pytest.raises(ValueError, match="values"):
        Estimate.of(torch.ones(0))


def test_estimate_covers_the_truth_at_the_right_rate():
    x = torch.rand(2000, 50, generator=core.generator(0), dtype=torch.float64)
    z = torch.tensor([(e.value - 0.5) / e.stderr for e in map(Estimate.of, x)])
    inside = (z.abs() < 1.96).double().mean().item()
    assert abs(inside - 0.943) < 4 * math.sqrt(0.05 * 0.95 / 2000)  # Student's t, 49 degrees


# --------------------------------------------------------------------------- grids


@pytest.mark.parametrize("n", [1, 7, 200])
def test_grid_in_the_plane(n):
    grid = Grid([[-1, 3], [2, 2.5]], n)
    assert grid.points.shape == (n, n, 2) and grid.points.dtype == torch.float64
    assert grid.shape == (n, n)
    assert grid.cell == pytest.approx(4 * 0.5 / n**2)
    assert grid.points[0, 0].tolist() == pytest.approx([-1 + 2 / n, 2 + 0.25 / n])
    assert (grid.points[:, 0, 1] == grid.points[0, 0, 1]).all()
    assert grid.integrate(torch.ones(grid.shape)) == pytest.approx(2)
    assert grid.integrate(grid.points.prod(dim=-1)) == pytest.approx(4 * 1.125)  # exact for n >= 1


def test_grid_on_the_line():
    grid = Grid(torch.tensor([[0.0, 1.0]]), 400)
    assert grid.points.shape == (400, 1)
    assert grid.integrate(grid.points[:, 0].exp()) == pytest.approx(math.e - 1, abs=1e-6)


def test_coarser_grid_shows_the_error_of_order_two():
    grid = Grid([[0, 1], [0, 1]], 64)
    error, coarser = (
        g.integrate(g.points.exp().prod(dim=-1)) - (math.e - 1) ** 2 for g in (grid, grid.coarser())
    )
    assert grid.coarser().shape == (32, 32) and coarser / error == pytest.approx(4, rel=1e-3)


@pytest.mark.parametrize(
    "box, n, name",
    [
        ([[1, 0]], 5, "box"),
        ([0, 1], 5, "box"),
        ([[0, INF]], 5, "box"),
        ([[0, 1]] * 3, 5, "box"),
        ([[0, 1]], 0, "n"),
        ([[0, 1]], 2.5, "n"),
        ([[0, 1]], True, "n"),
        ([[0, 1]], "5", "n"),
        ([[0, 1]], 10**400, "n"),
        (None, 5, "box"),
        ("a", 5, "box"),
        ({}, 5, "box"),
        (object(), 5, "box"),
        ([[0, 1], [0]], 5, "box"),
        ([[0, 1j]], 5, "box"),
        ([["0", "1"]], 5, "box"),
        ([[0, 10**400]], 5, "box"),
    ],
)
def test_grid_rejects(box, n, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        Grid(box, n)


def test_numpy_integers_are_integers():
    assert Grid([[0, 1]], np.int64(4)).points.shape == (4, 1)
    assert core.generator(np.int64(3)).initial_seed() == core.generator(3).initial_seed() == 3
    assert core.generator(-1).initial_seed() == core.generator(2**64 - 1).initial_seed()


@pytest.mark.parametrize("seed", [None, "3", 3.0, True, {}, 10**400])
def test_bad_seed(seed):
    with pytest.raises(ValueError, match="^seed must"):
        core.generator(seed)


@pytest.mark.parametrize("dtype", ["float64", torch.long, None])
def test_grid_rejects_dtypes(dtype):
    with pytest.raises(ValueError, match="^dtype must"):
        Grid([[0, 1]], 5, dtype=dtype)


def test_grid_rejects_values_of_another_shape():
    with pytest.raises(ValueError, match="values must have shape"):
        Grid([[0, 1], [0, 1]], 5).integrate(torch.ones(25))


def test_density_protocol_fits_torch_distributions():
    law = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
    assert isinstance(law, Density) and not isinstance(object(), Density)
