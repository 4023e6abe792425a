"""GANs with a way back: from x to its latent z (BiGAN), or to the codes in it (InfoGAN)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Normal

from dgm_lib.core import whole
from dgm_lib.models.gan.generator import Generator
from dgm_lib.models.gan.prior import Codes
from dgm_lib.nets import MLP
from dgm_lib.nets.inputs import holds, network, require_floats, require_last


class BiGAN(nn.Module):
    """A generator and an encoder E, judged by the pairs (x, E(x)) and (G(z), z) they make.

    The discriminator is one of d + d_z dimensions. Where it cannot tell the two laws of pairs
    apart, E inverts G. For both players the loss is `discriminator_loss`, with the pairs swapped
    for G and E. Donahue, Krähenbühl & Darrell (2017); Dumoulin et al. (2017).

    >>> model = BiGAN(Generator(d_z=2, d=3), MLP(3, 2))
    >>> model.data_pairs(torch.zeros(5, 3)).shape, model.model_pairs((5,)).shape
    (torch.Size([5, 5]), torch.Size([5, 5]))
    """

    def __init__(self, generator: Generator, encoder: nn.Module) -> None:
        super().__init__()
        if not isinstance(generator, Generator):
            raise ValueError(f"generator must be a gan.Generator, got {generator!r}")
        self.generator, self.encoder = generator, network("encoder", encoder)

    def data_pairs(self, x: Tensor) -> Tensor:
        """(x, E(x)), `(*batch, d) -> (*batch, d + d_z)`."""
        return torch.cat([x, self.encode(x)], dim=-1)

    def model_pairs(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Draws (G(z), z), `(*shape, d + d_z)`."""
        z = self.generator.latent(shape, generator)
        return torch.cat([self.generator(z), z], dim=-1)

    def encode(self, x: Tensor) -> Tensor:
        """z = E(x), `(*batch, d) -> (*batch, d_z)`."""
        z = self.encoder(x)
        require_last(z, self.generator.d_z, "encoder's z")
        return z

    def reconstruct(self, x: Tensor) -> Tensor:
        """G(E(x)), `(*batch, d) -> (*batch, d)`."""
        return self.generator(self.encode(x))

    def sample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws, `(*shape, d)`."""
        return self.generator.sample(shape, generator)


class CodeHead(nn.Module):
    """q(c | x), the guess at the codes that x was made from, `(*batch, d)` to a law of them.

    `codes.entropy + q(x).log_prob(c).mean()` is a lower bound on the mutual information of c and
    x, which an InfoGAN's generator and head raise. On a discriminator's features, d of them,
    `hidden=()` shares its layers. Chen et al., InfoGAN (2016).

    >>> codes = Codes(categories=(3,), continuous=1)
    >>> CodeHead(codes, d=2)(torch.zeros(5, 2)).log_prob(codes.sample((5,))).shape
    torch.Size([5])
    """

    def __init__(
        self,
        codes: Codes,
        d: int = 2,
        hidden: Sequence[int] = (128, 128),
        net: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(codes, Codes):
            raise ValueError(f"codes must be gan.Codes, got {codes!r}")
        self.codes, self.d = codes, whole("d", d)
        # A logit for each category, and a mean and a log_sigma for each number.
        self.d_out = codes.d + codes.continuous
        self.net = MLP(d, self.d_out, hidden, nn.ReLU) if net is None else network("net", net)

    def forward(self, x: Tensor) -> CodeLaw:
        """The law q(c | x)."""
        require_last(x, self.d, "x")
        out = self.net(x)
        if out.shape != (*x.shape[:-1], self.d_out):
            raise ValueError(
                f"net must return {self.d_out} numbers for each point, shape "
                f"{(*x.shape[:-1], self.d_out)}, got {tuple(out.shape)}"
            )
        return CodeLaw(self.codes, out)


class CodeLaw:
    """A law of codes, with a probability for each category and N(mu, sigma²) of each number."""

    def __init__(self, codes: Codes, out: Tensor) -> None:
        *logits, mu, log_sigma = out.split(
            [*codes.categories, codes.continuous, codes.continuous], dim=-1
        )
        self.codes = codes
        self.blocks = [Categorical(logits=block, validate_args=False) for block in logits]
        self.numbers = Normal(mu, log_sigma.clamp(-7, 7).exp(), validate_args=False)

    def log_prob(self, c: Tensor) -> Tensor:
        """log q(c), `(*batch, codes.d) -> (*batch,)`."""
        *blocks, numbers = self.codes.split(require_floats(c, "c"))
        if not all(holds((block.sum(dim=-1) == 1) & (block.amax(dim=-1) == 1)) for block in blocks):
            raise ValueError("c must have a 1 among zeros in each block, for its category")
        of_blocks = (q.log_prob(block.argmax(dim=-1)) for q, block in zip(self.blocks, blocks))
        return sum(of_blocks, self.numbers.log_prob(numbers).sum(dim=-1))
