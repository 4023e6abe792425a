"""Models with latent variables: autoencoders and generative adversarial networks."""

from __future__ import annotations

import torch

from dgm_lib import nets
from dgm_lib.models import gan, vae
from tests.inputs.arguments import Function, Line, Number, Points, Rng, Shape, Whole
from tests.inputs.nets_table import built, maker
from tests.inputs.several import Several
from tests.inputs.verdict import Case

X, DRAW = Points(), dict(shape=Shape(), generator=Rng())
D, WIDTHS, NET = Whole(2), Shape((4,)), Function(None, optional=True)
PRIOR = vae.StandardNormal(2)
Q, P = built(vae.GaussianEncoder, 2, 2, (4,)), built(vae.GaussianDecoder, 2, 2, (4,))
DEEP = built(vae.HierarchicalVAE, PRIOR, [Q, Q], [P, Q])
MLP = built(nets.MLP, 2, 2, (4,))
AUTOENCODER = vae.Autoencoder(MLP, MLP)
SIMPLEX = Line(make=lambda x: x.softmax(dim=0))

GENERATOR = built(gan.Generator, hidden=(4,))
DISCRIMINATOR = built(gan.Discriminator, hidden=(4,))
PAIRS = gan.BiGAN(GENERATOR, MLP)
PACKED = gan.Packed(built(gan.Discriminator, 4, (4,)), m=2)
CODES = gan.Codes((2,), 1)
HEAD = built(gan.CodeHead, CODES, hidden=(4,))
JOINT = gan.Joint(CODES, gan.StandardNormal(2))
CODE = Points(d=3, make=lambda c: torch.cat([torch.eye(2).repeat(4, 1)[: len(c)], c[:, 2:]], -1))


def law(x: torch.Tensor) -> torch.Tensor:
    return HEAD(x).log_prob(torch.tensor([1.0, 0.0, 0.5]).expand(*x.shape[:-1], 3))


def mean_of(conditional) -> object:
    """What a conditional law is like at a point."""
    return lambda x: conditional(x).mean


TABLE = [
    maker("GaussianEncoder", vae.GaussianEncoder, d=D, d_z=D, hidden=WIDTHS),
    maker("GaussianDecoder", vae.GaussianDecoder, d_z=D, d=D, hidden=WIDTHS, sigma=Number(0.5)),
    maker("BernoulliDecoder", vae.BernoulliDecoder, d_z=D, d=D, hidden=WIDTHS),
    maker("GaussianEncoder.net", lambda net: vae.GaussianEncoder(2, 2, (4,), net), net=NET),
    maker("BernoulliDecoder.net", lambda net: vae.BernoulliDecoder(2, 2, (4,), net), net=NET),
    Case("GaussianEncoder.law", mean_of(Q), dict(x=X)),
    Case("GaussianDecoder.law", lambda z: P(z).mean, dict(z=X), also=("x",)),
    Case("vae.StandardNormal", lambda d_z: vae.StandardNormal(d_z).mean, dict(d_z=D)),
    Case("vae.StandardNormal.log_prob", PRIOR.log_prob, dict(z=X)),
    Case("vae.StandardNormal.sample", PRIOR.sample, DRAW),
    maker(
        "HierarchicalVAE",
        vae.HierarchicalVAE,
        prior=Function(PRIOR),
        encoders=Several((Q, Q)),
        decoders=Several((P, Q)),
    ),
    Case(
        "HierarchicalVAE.log_weights",
        DEEP.log_weights,
        dict(x=X, k=Whole(2), generator=Rng()),
        random=True,
    ),
    Case("HierarchicalVAE.sample", DEEP.sample, DRAW),
    maker("Autoencoder", vae.Autoencoder, encoder=Function(MLP), decoder=Function(MLP)),
    Case("Autoencoder", lambda x: AUTOENCODER(x), dict(x=X)),
    Case(
        "MixtureOfGaussians",
        lambda **of: vae.MixtureOfGaussians(**of).log_prob(torch.ones(3, 2).double()),
        dict(weights=SIMPLEX, means=Points(tied=True), sigma=Number(0.5)),
    ),
    Case(
        "PPCA",
        lambda **of: vae.PPCA(**of).covariance,
        dict(
            W=Points(make=lambda w: w[:2, :1]),
            mu=Line(make=lambda m: m[:2], tied=True),
            sigma=Number(0.5),
        ),
    ),
    maker("Generator", gan.Generator, d_z=D, d=D, hidden=WIDTHS, net=NET),
    maker("Generator.prior", lambda prior: gan.Generator(prior=prior), prior=NET),
    maker("Discriminator", gan.Discriminator, d=D, hidden=WIDTHS, net=NET),
    Case("Discriminator.features", DISCRIMINATOR.features, dict(x=X)),
    maker("Packed", gan.Packed, discriminator=Function(PACKED.discriminator), m=Whole(2)),
    Case("Packed", lambda x: PACKED(x), dict(x=Points(fixed=False, make=lambda x: x[:4]))),
    maker("BiGAN", gan.BiGAN, generator=Function(GENERATOR), encoder=Function(MLP)),
    Case("BiGAN.data_pairs", PAIRS.data_pairs, dict(x=X)),
    Case("BiGAN.reconstruct", PAIRS.reconstruct, dict(x=X)),
    Case("BiGAN.model_pairs", PAIRS.model_pairs, DRAW),
    maker("CodeHead", gan.CodeHead, codes=Function(CODES), d=D, hidden=WIDTHS, net=NET),
    Case("CodeHead", law, dict(x=X)),
    Case("CodeLaw", lambda c: HEAD(torch.zeros(1, 2)).log_prob(c), dict(c=CODE)),
    Case(
        "Codes",
        lambda **of: gan.Codes(**of).entropy,
        dict(categories=Shape((2, 3)), continuous=Whole(1, low=0)),
    ),
    Case("Codes.sample", CODES.sample, DRAW),
    Case("Codes.split", CODES.split, dict(c=Points(d=3))),
    Case("Joint", lambda laws: gan.Joint(laws).d, dict(laws=Function(CODES))),
    Case("Joint.sample", JOINT.sample, DRAW),
    Case("Joint.split", JOINT.split, dict(z=Points(d=5))),
    Case("gan.StandardNormal", lambda d: gan.StandardNormal(d).d, dict(d=D)),
    Case("gan.StandardNormal.log_prob", gan.StandardNormal(2).log_prob, dict(z=X)),
    Case("gan.StandardNormal.sample", gan.StandardNormal(2).sample, DRAW),
]
