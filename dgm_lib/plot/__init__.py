"""One style for the whole course. The truth is always grey, a model orange, samples blue.

Every function draws on the axes it is given and returns them; only `show` shows a figure.
An exact law is evaluated in double precision; a model or any other function gets its points in
torch's default dtype, which is that of a network's weights. A box is a tensor or a list.
Colours are Okabe and Ito's, which colour-blind readers can tell apart; figures are opaque, so
they look the same in a light and in a dark JupyterLab.
"""

import math
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

from dgm_lib.core import Estimate, Grid, tensor, whole
from dgm_lib.nets.inputs import between, positive
from dgm_lib.plot.values import array, density_of, levels_enclosing, values_at, with_errors

TRUTH = "#4d4d4d"  # what is exact
TRUTH_FILL = "#d4d4d4"
MODEL = "#d55e00"  # what is learned or fitted
SAMPLES = "#0072b2"  # what is drawn
SECOND = "#009e73"  # a second model, a second sample
THIRD = "#cc79a7"
LABELS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a7500", "#4d4d4d")
TRUTH_MAP = LinearSegmentedColormap.from_list("truth", ["#ffffff", "#c9c9c9", "#5a5a5a"])
MODEL_MAP = LinearSegmentedColormap.from_list("model", ["#ffffff", "#f3c09a", MODEL])
SIGNED_MAP = LinearSegmentedColormap.from_list("signed", [SAMPLES, "#ffffff", MODEL])

STYLE = {
    "figure.facecolor": "white",
    "figure.dpi": 90,
    "savefig.dpi": 90,
    "axes.facecolor": "white",
    "axes.edgecolor": "#7f7f7f",
    "axes.labelcolor": "#222222",
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(color=[SAMPLES, MODEL, SECOND, THIRD, "#e69f00", "#56b4e9"]),
    "axes.grid": False,
    "text.color": "#222222",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "image.cmap": "Greys",
    "image.interpolation": "nearest",
}


def use_style() -> None:
    """Give every figure of this notebook the style of the course."""
    plt.rcParams.update(STYLE)


def figure(cols: int = 1, rows: int = 1, width: float = 3.2, height: float = 3.2):
    """A figure of `rows` × `cols` axes of the given size in inches -> (figure, axes)."""
    rows, cols = whole("rows", rows), whole("cols", cols)
    size = positive("width", width) * cols, positive("height", height) * rows
    return plt.subplots(rows, cols, figsize=size, layout="constrained", squeeze=True)


def show() -> None:
    """Show the figures of this cell, and not the value of its last line."""
    plt.show()


# ---- laws: what has a density --------------------------------------------------------------


def truth(ax: Axes, target, n: int = 300) -> Axes:
    """The exact density of a law: a filled grey curve in 1D, a grey heat map in 2D."""
    grid, density = density_of(target, n)
    if target.d == 1:
        x = grid.axes[0]
        ax.fill_between(x, density, color=TRUTH_FILL, lw=0)
        ax.plot(x, density, color=TRUTH, lw=1.2, label="p, exact")
        return _frame_1d(ax, grid.box)
    return _picture(ax, density, grid, cmap=TRUTH_MAP)


def contours(ax: Axes, target, n: int = 200, color: str = TRUTH) -> Axes:
    """Thin contour lines of an exact 2D density, to lie over something else.

    The lines enclose 50, 80 and 95 % of the probability.
    """
    grid, density = density_of(target, n)
    return _lines(ax, density, grid, colors=color, linewidths=0.8)


def model(ax: Axes, log_prob: Callable[[Tensor], Tensor], box: Tensor, color: str = MODEL,
          label: str | None = "q", dashed: bool = False, n: int = 300) -> Axes:  # fmt: skip
    """The density of a model: a coloured curve in 1D, contour lines in 2D.

    The lines enclose 50, 80 and 95 % of the model's probability; dash them to lie over others.
    """
    line = "--" if dashed else "-"
    grid = Grid(box, n, torch.get_default_dtype())
    density = values_at("log_prob", log_prob, grid).exp()
    if len(grid.box) == 1:
        ax.plot(grid.axes[0], density, color=color, ls=line, label=label)
        return _frame_1d(ax, grid.box)
    if label:
        ax.plot([], [], color=color, ls=line, label=label)
    return _lines(ax, density, grid, colors=color, linewidths=1.3, linestyles=line)


def heat(ax: Axes, value: Callable[[Tensor], Tensor], box: Tensor, cmap=MODEL_MAP, n: int = 200,
         **kwargs) -> Axes:  # fmt: skip
    """A heat map of any function of x (*batch, 2) -> (*batch,)."""
    grid = Grid(box, n, torch.get_default_dtype())
    return _picture(ax, values_at("value", value, grid), grid, cmap=cmap, **kwargs)


# ---- samples -----------------------------------------------------------------------------------


def samples(ax: Axes, x: Tensor, color: str = SAMPLES, label: str | None = None,
            size: float = 4.0, alpha: float = 0.6) -> Axes:  # fmt: skip
    """Points (n, 2) in the plane, or a histogram of points (n, 1) or (n,) on the line."""
    x = array(x)
    if x.ndim not in (1, 2) or x.ndim == 2 and x.shape[1] not in (1, 2):
        raise ValueError(f"x must have shape (n, 2), (n, 1) or (n,), got {x.shape}")
    if x.ndim == 2 and x.shape[-1] == 2:
        ax.scatter(*x.T, s=size, color=color, alpha=alpha, lw=0, label=label)
        return ax
    sns.histplot(x=x[np.isfinite(x)], stat="density", bins=60, color=color, alpha=0.45,
                 element="step", lw=0, label=label, ax=ax)  # fmt: skip
    return ax


def labelled(ax: Axes, x: Tensor, y: Tensor, size: float = 4.0) -> Axes:
    """Points (n, 2) coloured by their label (n,)."""
    x, y = tensor("x", x), tensor("y", y)
    if y.shape != x.shape[:1] or y.is_floating_point() or y.is_complex():
        raise ValueError(
            f"y must hold integers, one for each of x's points {tuple(x.shape)}, "
            f"got {y.dtype} of shape {tuple(y.shape)}"
        )
    for k in y.unique().tolist():
        samples(ax, x[y == k], color=LABELS[k % len(LABELS)], label=f"y = {k}", size=size)
    return ax


def mesh(ax: Axes, x: Tensor, color: str = TRUTH) -> Axes:
    """The lines of a mesh of points (n, m, 2), as a map of the plane has left them."""
    x = array(x)
    if x.ndim != 3 or x.shape[-1] != 2:
        raise ValueError(f"x must have shape (n, m, 2), got {x.shape}")
    ax.add_collection(LineCollection([*x, *x.swapaxes(0, 1)], colors=color, lw=0.6))
    ax.autoscale_view()
    return ax


def images(ax: Axes, x: Tensor, cols: int | None = None) -> Axes:
    """A sheet of square images, one a row of x (n, side²) with values in [0, 1]."""
    x = torch.from_numpy(array(x))
    n, side = x.shape[:1].numel(), round(x.shape[-1:].numel() ** 0.5)
    if x.shape != (n, side**2) or not n:
        raise ValueError(f"x must have shape (n, side²), at least one image, got {tuple(x.shape)}")
    cols = n if cols is None else whole("cols", cols)
    sheet = torch.ones(-(-n // cols) * cols, side + 1, side + 1)  # one pixel of margin
    sheet[:n, :side, :side] = 1 - x.reshape(n, side, side)
    sheet = sheet.reshape(-1, cols, side + 1, side + 1).permute(0, 2, 1, 3)
    ax.imshow(sheet.reshape(-1, cols * (side + 1)).numpy(), cmap="gray", vmin=0, vmax=1)
    ax.set_axis_off()
    return ax


# ---- numbers -------------------------------------------------------------------------------------


def truth_line(ax: Axes, value: float, label: str | None = None) -> Axes:
    """A horizontal line at an exact value: the floor, the bound, the answer."""
    value = between("value", value, -math.inf, math.inf)
    ax.axhline(value, color=TRUTH, lw=1.2, ls="--", label=label, zorder=1)
    return ax


def band(ax: Axes, x: Sequence[float], estimates: Sequence[Estimate], color: str = SAMPLES,
         label: str | None = None) -> Axes:  # fmt: skip
    """A curve of estimates with a band of two standard errors on either side."""
    x, (value, stderr) = array(x), with_errors(estimates)
    ax.fill_between(x, value - 2 * stderr, value + 2 * stderr, color=color, alpha=0.2, lw=0)
    ax.plot(x, value, color=color, marker="o", ms=3.5, label=label)
    return ax


def dots(ax: Axes, x: Sequence[float], estimates: Sequence[Estimate], color: str = SAMPLES,
         label: str | None = None) -> Axes:  # fmt: skip
    """Single estimates with bars of two standard errors, for where a line would claim too much."""
    value, stderr = with_errors(estimates)
    ax.errorbar(array(x), value, yerr=2 * stderr, fmt="o", ms=4, color=color, label=label)
    return ax


def table(ax: Axes, values: Tensor, rows: Sequence[str], cols: Sequence[str],
          fmt: str = ".2f", vmax: float | None = None) -> Axes:  # fmt: skip
    """A table of numbers (rows, cols), darker where larger."""
    values, names = array(values, "values"), (rows, cols)
    if not all(isinstance(n, Sequence) for n in names) or values.shape != (*map(len, names),):
        raise ValueError(f"values must have the shape of (rows, cols), got {values.shape}")
    sns.heatmap(values, annot=True, fmt=fmt, cmap=TRUTH_MAP, cbar=False,
                linewidths=1.5, xticklabels=cols, yticklabels=rows, square=True,
                vmin=0, vmax=vmax, ax=ax)  # fmt: skip
    ax.tick_params(length=0)
    plt.setp(ax.get_yticklabels(), rotation=0)
    return ax


def losses(ax: Axes, values: Tensor, floor: float, window: int = 25, label: str = "loss") -> Axes:
    """A training curve with its running mean and the floor that no model can pass."""
    values = array(values, "values")
    if values.ndim != 1 or not len(values):
        raise ValueError(f"values must have shape (n,), n > 0, got {values.shape}")
    window = min(whole("window", window), len(values))
    smooth = np.convolve(values, np.ones(window) / window, mode="valid")
    ax.plot(values, color=MODEL, alpha=0.25, lw=0.8)
    ax.plot(np.arange(len(smooth)) + window - 1, smooth, color=MODEL, label=label)
    floor = between("floor", floor, -math.inf, math.inf)
    truth_line(ax, floor, f"floor {floor:.3f}")
    ax.set(xlabel="step", ylabel="nats")
    ax.legend()
    return ax


# ---- frames --------------------------------------------------------------------------------------


def frame(ax: Axes, box: Tensor) -> Axes:
    """The axes of the plane: the box of the law, labelled, one unit as long as the other."""
    (left, right), (bottom, top) = Grid(box).box.tolist()
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="$x_1$", ylabel="$x_2$")
    ax.set_aspect("equal" if 0.5 < (right - left) / (top - bottom) < 2 else "auto")
    return ax


def _frame_1d(ax: Axes, box: Tensor) -> Axes:
    ax.set(xlim=tuple(box[0].tolist()), xlabel="$x$", ylabel="density")
    ax.set_ylim(bottom=0)
    return ax


def _picture(ax: Axes, values: Tensor, grid: Grid, **kwargs) -> Axes:
    extent = grid.box.flatten().tolist()
    ax.imshow(values.T.numpy(), extent=extent, origin="lower", aspect="auto", **kwargs)
    return frame(ax, grid.box)


def _lines(ax: Axes, density: Tensor, grid: Grid, **style) -> Axes:
    """Lines that enclose 50, 80 and 95 %; none where the box holds nothing of the density."""
    levels = np.unique(levels_enclosing(density, (0.95, 0.8, 0.5))) * (1 - 1e-6)  # under flat tops
    levels = levels[(density.min().item() < levels) & (levels < density.max().item())]
    if len(levels):
        ax.contour(*grid.axes, density.T, levels=levels, **style)
    return frame(ax, grid.box)
