"""The style of the course: what is drawn is what is true, and nothing global changes unasked."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from dgm_lib import plot, targets
from dgm_lib.core import Estimate, generator
from dgm_lib.plot.values import levels_enclosing


@pytest.fixture
def ax():
    fig, ax = plot.figure()
    yield ax
    plt.close(fig)


def test_truth_on_the_line_is_the_exact_density(ax) -> None:
    law = targets.two_modes()
    plot.truth(ax, law)
    x, y = ax.lines[0].get_data()
    exact = law.log_prob(torch.as_tensor(x)[:, None]).exp()
    np.testing.assert_allclose(y, exact, rtol=1e-12)


def test_truth_in_the_plane_is_the_exact_density_the_right_way_up(ax) -> None:
    law = targets.GaussianMixture([[1.0, -2.0]], scale=0.3)
    plot.truth(ax, law, n=101)
    image = ax.images[0]
    rows, cols = np.unravel_index(np.argmax(image.get_array()), (101, 101))
    left, right, bottom, top = image.get_extent()
    peak = left + (cols + 0.5) / 101 * (right - left), bottom + (rows + 0.5) / 101 * (top - bottom)
    assert image.origin == "lower"
    np.testing.assert_allclose(peak, (1.0, -2.0), atol=0.05)


@pytest.mark.parametrize("name", ["moons", "ring"])
def test_contours_enclose_the_shares_they_claim(name) -> None:
    law = targets.GALLERY[name]
    mass = torch.rand(200, 200, generator=generator(0), dtype=torch.float64)
    levels = levels_enclosing(mass / mass.sum(), (0.95, 0.8, 0.5))
    shares = [(mass / mass.sum())[mass / mass.sum() >= level].sum().item() for level in levels]
    np.testing.assert_allclose(shares, (0.95, 0.8, 0.5), atol=1e-3)
    fig, axes = plot.figure()
    plot.contours(axes, law)
    plt.close(fig)


def test_a_band_is_two_standard_errors_either_side(ax) -> None:
    plot.band(ax, [0, 1], [Estimate(1.0, 0.1), Estimate(2.0, 0.2)])
    y = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert y.min() == pytest.approx(0.8) and y.max() == pytest.approx(2.4)


def test_dots_have_bars_of_two_standard_errors(ax) -> None:
    plot.dots(ax, [0, 1], [Estimate(1.0, 0.1), Estimate(2.0, 0.2)])
    low, high = ax.collections[0].get_segments()[1][:, 1]
    assert (low, high) == pytest.approx((1.6, 2.4))


def test_a_sheet_of_images_keeps_every_image(ax) -> None:
    x = torch.zeros(5, 9)
    x[3, 4] = 1.0  # the middle pixel of the fourth image
    plot.images(ax, x, cols=3)
    sheet = np.asarray(ax.images[0].get_array())
    assert sheet.shape == (8, 12)
    assert np.argwhere(sheet == 0).tolist() == [[5, 1]]


def test_a_mesh_has_its_rows_and_columns_in_view(ax) -> None:
    x1, x2 = torch.linspace(-3, 5, 4), torch.linspace(0, 1, 3)
    x = torch.stack(torch.meshgrid(x1, x2, indexing="ij"), dim=-1)
    assert plot.mesh(ax, x) is ax
    lines = ax.collections[0].get_segments()
    assert [len(line) for line in lines] == [3] * 4 + [4] * 3
    assert np.allclose(lines[4], x[:, 0])
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < -3 and right > 5 and bottom < 0 and top > 1


def test_every_function_returns_its_axes(ax) -> None:
    law, x = targets.GALLERY["ring"], targets.GALLERY["ring"].sample((50,), generator=generator(0))
    y = torch.arange(50) % 3
    assert all(
        returned is ax
        for returned in (
            plot.truth(ax, law),
            plot.contours(ax, law),
            plot.model(ax, law.log_prob, law.box),
            plot.samples(ax, x),
            plot.samples(ax, x[:, 0]),
            plot.labelled(ax, x, y),
            plot.losses(ax, torch.rand(60, generator=generator(1)), floor=0.0),
            plot.truth_line(ax, 0.0, "zero"),
            plot.table(ax, torch.eye(2), ["a", "b"], ["c", "d"]),
        )
    )


def test_the_style_is_applied_only_when_asked_for() -> None:
    before = dict(plt.rcParams)
    fig, _ = plot.figure()
    plt.close(fig)
    assert dict(plt.rcParams) == before
    with plt.rc_context():
        plot.use_style()
        assert plt.rcParams["figure.facecolor"] == "white"
        assert dict(plt.rcParams) != before
    assert dict(plt.rcParams) == before


def test_colours_of_truth_model_and_samples_can_be_told_apart() -> None:
    """In luminance too, for a black-and-white print: at least 5 % between any two."""
    rgb = torch.tensor([to_rgb(c) for c in (plot.TRUTH, plot.MODEL, plot.SAMPLES)])
    luminance = rgb @ torch.tensor([0.2126, 0.7152, 0.0722])
    assert torch.pdist(luminance[:, None]).min() > 0.05


@pytest.mark.parametrize("far", [30.0, 300.0])
def test_a_model_outside_of_the_box_has_no_lines(ax, far) -> None:
    law = torch.distributions.MultivariateNormal(torch.full((2,), far), 0.1 * torch.eye(2))
    plot.model(ax, law.log_prob, [[-4, 4], [-4, 4]], label="q")
    assert all(len(c.get_paths()) == 0 or c.get_array().max() < 1e-30 for c in ax.collections)
    assert ax.get_xlim() == (-4, 4) and ax.get_legend_handles_labels()[1] == ["q"]


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_flat_and_narrow_densities_have_an_outline(ax, scale) -> None:
    log_prob = lambda x: torch.where(x.abs().amax(-1) < scale, 0.0, -torch.inf)  # noqa: E731
    plot.model(ax, log_prob, [[-4, 4], [-4, 4]], n=201)
    outline = ax.collections[0].get_paths()[0].vertices
    assert np.abs(outline).max() == pytest.approx(scale, abs=8 / 201)
    plot.model(ax, lambda x: torch.zeros(x.shape[:-1]), [[-4, 4], [-4, 4]])  # the same everywhere


def test_a_box_may_be_a_list(ax) -> None:
    box = [[-2, 3], [-1, 1]]
    plot.frame(plot.heat(ax, lambda x: x[..., 0], box), box)
    assert ax.images[0].get_extent() == [-2, 3, -1, 1] and ax.get_xlim() == (-2, 3)
    plot.model(ax, torch.distributions.Normal(0.0, 1.0).log_prob, box[:1])


@pytest.mark.parametrize("default", [torch.float32, torch.float64])
def test_networks_of_the_default_dtype_can_be_drawn_and_laws_are_exact(ax, default) -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        net, seen = torch.nn.Linear(2, 1), []
        value = lambda x: seen.append(x.dtype) or net(x)[..., 0]  # noqa: E731
        plot.heat(ax, value, [[-1, 1], [-1, 1]], n=20)
        plot.model(ax, value, [[-1, 1], [-1, 1]], n=20)
        plot.truth(ax, targets.ring())
    finally:
        torch.set_default_dtype(before)
    assert seen == [default, default]


def test_nothing_can_be_drawn(ax) -> None:
    assert plot.dots(ax, [], []) is ax and plot.band(ax, [], []) is ax
    assert plot.samples(ax, torch.empty(0)) is ax and plot.samples(ax, torch.empty(0, 2)) is ax
    ax.figure.canvas.draw()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.int64])
def test_samples_of_any_dtype_can_be_drawn(ax, dtype) -> None:
    x = torch.randn(200, 2, generator=generator(0)).mul(3).to(dtype)
    plot.samples(plot.samples(ax, x), x[:, 0])
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), x.double().numpy())


def test_a_histogram_leaves_out_what_is_not_finite(ax) -> None:
    plot.samples(ax, torch.tensor([0.0, 1.0, 2.0, torch.nan, torch.inf, -torch.inf]))
    assert ax.get_xlim()[1] < 3
    plot.samples(ax, torch.full((5,), torch.nan))
    ax.figure.canvas.draw()


def test_short_losses_have_a_running_mean_of_their_length(ax) -> None:
    plot.losses(ax, torch.tensor([3.0, 1.0], requires_grad=True), floor=0.0)
    assert ax.lines[1].get_xydata().tolist() == [[1.0, 2.0]]
