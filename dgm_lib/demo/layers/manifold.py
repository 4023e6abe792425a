"""A layer for the image of a mesh, as a map into the plane has left it: a sheet, or a line."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb

from dgm_lib import plot
from dgm_lib.demo.layers.base import Layer, Source, resolve
from dgm_lib.demo.run import Run, array

FAINTEST, DARKEST = 0.03, 0.8  # opacity of a cell


class Manifold(Layer):
    """A mesh (n, m, 2), its cells the darker the denser; or a line (n, 2), the same by its pieces.

    The source gives a pair (mesh, densities), densities (n - 1, m - 1) or (n - 1,): 1 and all
    above are darkest.
    """

    noun = "manifold"

    def __init__(self, source: Source, color: str = plot.MODEL, label: str | None = None) -> None:
        super().__init__(label)
        self.source, self.color = source, color

    def setup(self, ax: Axes) -> None:
        self.artists = [
            ax.add_collection(PolyCollection([], edgecolors="none"), autolim=False),
            ax.add_collection(LineCollection([]), autolim=False),
        ]

    def update(self, run: Run) -> bool:
        mesh, density = (array(part) for part in resolve(self.source, run))
        if (*[n - 1 for n in mesh.shape[:-1]], 2) != (*density.shape, 2) and len(mesh):
            raise ValueError(
                f"source must give a mesh (n, m, 2) with densities (n - 1, m - 1), or a line "
                f"(n, 2) with densities (n - 1,), got {mesh.shape} and {density.shape}"
            )
        cells, lines = self.artists
        # The root, as differences among thin places matter, too.
        shade = FAINTEST + (DARKEST - FAINTEST) * np.sqrt(density.clip(0, 1)).ravel()
        if mesh.ndim == 3:
            corners = mesh[:-1, :-1], mesh[1:, :-1], mesh[1:, 1:], mesh[:-1, 1:]
            cells.set(verts=np.stack(corners, -2).reshape(-1, 4, 2), facecolors=self._rgba(shade))
            edge = dict(linewidths=0.4, colors=[(*to_rgb(self.color), 0.55)])
            lines.set(segments=[*mesh, *mesh.swapaxes(0, 1)], **edge)
        else:
            cells.set(verts=[])
            pieces = np.stack([mesh[:-1], mesh[1:]], 1) if len(mesh) else []
            lines.set(segments=pieces, linewidths=2.5, colors=self._rgba((0.3 + shade).clip(max=1)))
        return False

    def _rgba(self, alpha: np.ndarray) -> np.ndarray:
        color = np.broadcast_to(to_rgb(self.color), (len(alpha), 3))
        return np.concatenate([color, alpha[:, None]], 1)
