"""Target laws with nothing hidden: exact density, score, entropy, modes, labels and samples.

>>> from dgm_lib import targets
>>> p = targets.ring(modes=8)
>>> x = p.sample((1000,))
>>> p.log_prob(x).shape, p.score(x).shape, p.modes.shape
(torch.Size([1000]), torch.Size([1000, 2]), torch.Size([8, 2]))
>>> sorted(targets.GALLERY)[:3]
['banana', 'checkerboard', 'drawn']
"""

from dgm_lib.targets.binned import Quantised as quantised
from dgm_lib.targets.board import Checkerboard as checkerboard
from dgm_lib.targets.entropy import Entropy
from dgm_lib.targets.gallery import GALLERY
from dgm_lib.targets.mixture import GaussianMixture
from dgm_lib.targets.noised import Noised
from dgm_lib.targets.shapes import drawn, grid, moons, ring, spiral, two_modes
from dgm_lib.targets.target import Target
from dgm_lib.targets.tilted import Tilted
from dgm_lib.targets.warped import Banana as banana
from dgm_lib.targets.warped import Funnel as funnel
from dgm_lib.targets.warped import Pinwheel as pinwheel

__all__ = [
    "GALLERY", "Entropy", "GaussianMixture", "Noised", "Target", "Tilted", "banana", "checkerboard",
    "drawn", "funnel", "grid", "moons", "pinwheel", "quantised", "ring", "spiral", "two_modes",
]
