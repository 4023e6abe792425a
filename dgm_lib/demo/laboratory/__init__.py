"""The GAN laboratory: two networks play on the plane, against all that is exact about the data."""

from dgm_lib.demo.laboratory.laboratory import gan_laboratory
from dgm_lib.demo.laboratory.losses import LOSSES
from dgm_lib.demo.laboratory.noise import NOISES, Noise

__all__ = ["LOSSES", "NOISES", "Noise", "gan_laboratory"]
