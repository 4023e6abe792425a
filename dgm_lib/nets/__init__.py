"""Small neural networks: functions of x, or of (x, t), and nothing probabilistic.

They take any batch shape and say so clearly when the last dimension is not what they were built
for, where a bare matrix product would fail cryptically or broadcast in silence.
"""

from dgm_lib.nets.bijections import ReversibleBlock, SpaceToDepth
from dgm_lib.nets.conv import ConvDecoder, ConvEncoder
from dgm_lib.nets.digits import DigitDiscriminator, DigitGenerator
from dgm_lib.nets.frozen import frozen
from dgm_lib.nets.masked import MaskedMLP, made_masks
from dgm_lib.nets.memory import saved_bytes
from dgm_lib.nets.mlp import MLP, Activation, TimeFeatures, TimeMLP
from dgm_lib.nets.reversible import Reversible
from dgm_lib.nets.spectral import clip_, lipschitz_bound, power_iteration, spectral_norm
from dgm_lib.nets.virtual import VirtualBatchNorm, VirtualMLP

__all__ = [
    "MLP",
    "Activation",
    "ConvDecoder",
    "ConvEncoder",
    "DigitDiscriminator",
    "DigitGenerator",
    "MaskedMLP",
    "Reversible",
    "ReversibleBlock",
    "SpaceToDepth",
    "TimeFeatures",
    "TimeMLP",
    "VirtualBatchNorm",
    "VirtualMLP",
    "clip_",
    "frozen",
    "lipschitz_bound",
    "made_masks",
    "power_iteration",
    "saved_bytes",
    "spectral_norm",
]
