"""A GAN is two runs in step: they learn, they repeat, and they go on from where they stopped."""

from itertools import islice, repeat

import pytest
import torch

from dgm_lib import metrics, targets
from dgm_lib.core import generator
from dgm_lib.models import gan
from dgm_lib.nets import clip_, frozen, lipschitz_bound, spectral_norm
from dgm_lib.objectives import (
    critic_loss,
    discriminator_loss,
    gradient_penalty,
    non_saturating,
    r1,
    unrolled,
)
from dgm_lib.training import draws, train
from tests.runs import equal


def adam(parameters):
    return torch.optim.Adam(parameters, betas=(0.0, 0.99), fused=True)


def players(seed, d_z=4, hidden=(64, 64)):
    torch.manual_seed(seed)
    return gan.Generator(d_z, 2, hidden), gan.Discriminator(2, hidden)


def runs(G, D, law, steps, gamma=0.1, n=128, resume=(None, None), **options):
    """The runs of D and of G, non-saturating with R1."""

    def loss_of_D(D, x):
        fake = G.sample((len(x),))
        return discriminator_loss(D(x), D(fake)) + r1(D, x, gamma)

    def loss_of_G(G):
        with frozen(D):
            return non_saturating(D(G.rsample((n,))))

    options = dict(steps=steps, optimizer=adam, **options)
    return (
        train(D, loss_of_D, draws(law, n), resume=resume[0], **options),
        train(G, loss_of_G, repeat(()), resume=resume[1], seed=1, **options),
    )


@pytest.mark.parametrize("seed", range(2))
def test_a_trained_network_comes_close_to_the_exact_ratio(seed):
    p, q = targets.ring(), targets.grid(3, 1.5, 0.6)
    torch.manual_seed(seed)
    D = gan.Discriminator(2)
    loss = lambda D, x, y: discriminator_loss(D(x), D(y))  # noqa: E731
    for _ in train(D, loss, zip(draws(p, 512), draws(q, 512)), steps=1000, lr=2e-3, seed=seed):
        pass
    x = torch.cat([law.sample((4000,), generator(seed)) for law in (p, q)])
    truth = (p.log_prob(x) - q.log_prob(x)).sigmoid()
    assert (D(x).detach().sigmoid() - truth).square().mean().sqrt() < 0.05  # 0.033 to 0.034


@pytest.mark.parametrize("seed", range(3))
def test_the_ring_is_covered(seed):
    law = targets.ring()
    G, D = players(seed)
    for _ in zip(*runs(G, D, law, 600, lr=2e-3)):
        pass
    found = metrics.coverage(G.sample((2000,), generator(9)), law.modes, 0.2, at_least=100)
    assert found.modes.value == 8 and found.high_quality.value > 0.6  # 0.72 to 0.82


def test_two_runs_in_step_repeat_and_resume_to_the_bit():
    law = targets.ring()

    def states(steps, of, resume=(None, None)):
        G, D = players(0, 2, (8,))
        for both in islice(zip(*runs(G, D, law, 12, n=16, lr=0.01, resume=resume)), steps):
            pass
        assert both[0].index == both[1].index == of
        return [step.state() for step in both]

    whole = states(12, 12)
    assert equal(states(12, 12)[1]["model"], whole[1]["model"])
    rest = states(7, 12, resume=states(5, 5))
    assert all(equal(a["model"], b["model"]) for a, b in zip(rest, whole))


def test_a_step_of_one_player_leaves_the_other_alone():
    G, D = players(0, 2, (8,))
    of_D, of_G = runs(G, D, targets.ring(), 9, n=16, lr=0.01)
    for mover, run, other in ((D, of_D, G), (G, of_G, D)):
        moved, kept = ([p.detach().clone() for p in net.parameters()] for net in (mover, other))
        gradients = [None if p.grad is None else p.grad.clone() for p in other.parameters()]
        next(run)
        assert all(not torch.equal(p, before) for p, before in zip(mover.parameters(), moved))
        assert all(torch.equal(p, before) for p, before in zip(other.parameters(), kept))
        for p, before in zip(other.parameters(), gradients):
            assert p.grad is None if before is None else torch.equal(p.grad, before)


@pytest.mark.parametrize("seed", range(2))
def test_the_penalised_critic_scores_the_distance_and_what_the_penalty_lets_pass(seed):
    # All points are moved by w = 2, and a critic of slope s along the way scores w s. The penalty
    # weighs λ (s - 1)², so the best has s = 1 + w / 2λ: its score is 2.2, where W₁ is 2.
    law, shift = targets.ring(), torch.tensor([2.0, 0.0])
    torch.manual_seed(seed)
    critic = gan.Discriminator(2, (64, 64))

    def loss(critic, x, y):
        return critic_loss(critic(x), critic(y + shift)) + gradient_penalty(critic, x, y + shift)

    pairs = zip(draws(law, 128), draws(law, 128))
    run = train(critic, loss, pairs, steps=400, lr=4e-3, optimizer=adam, seed=seed)
    # So D takes five steps for each of G's.
    assert [step.index for step in islice(run, 4, None, 5)] == list(range(5, 401, 5))
    x = law.sample((4000,), generator(seed)).float()
    found = (critic(x) - critic(x + shift)).mean()
    assert abs(found.item() - 2.2) < 0.1


def test_clipped_weights_bound_the_slope():
    G, D = players(1, 2, (16, 16))
    loss = lambda D, x: critic_loss(D(x), D(G.sample((len(x),))))  # noqa: E731
    for step in train(D, loss, draws(targets.ring(), 32), steps=20, lr=0.05):
        clip_(step.model, 0.01)
    assert max(p.abs().max() for p in D.parameters()) <= 0.01
    # Frobenius norms of matrices of ±0.01, the largest that there are.
    assert lipschitz_bound(D) <= 0.01**3 * (32 * 256 * 16) ** 0.5 * (1 + 1e-6)


def test_a_normalised_discriminator_is_trained_penalised_averaged_and_unrolled():
    G, D = players(2, 2, (16, 16))
    spectral_norm(D, bound=2.0)
    for of_D, _ in zip(*runs(G, D, targets.ring(), 30, n=32, lr=1e-3, ema=0.9)):
        pass
    assert 8 * 0.99 < lipschitz_bound(D) < 8 * 1.2  # three layers of norm 2, ReLU between them
    x = torch.randn(5, 2)
    assert of_D.averaged(x).shape == (5,)
    loss_of_D = lambda D: discriminator_loss(D(x), D(G(x)))  # noqa: E731
    loss_of_G = lambda D: non_saturating(D(G(x)))  # noqa: E731
    plain = loss_of_G(D.eval())
    torch.testing.assert_close(unrolled(D, loss_of_D, loss_of_G, 0, 0.1), plain)
    ahead = unrolled(D, loss_of_D, loss_of_G, 3, 0.1)
    ahead.backward()
    assert ahead > plain  # D would learn to tell, and G sees it coming
    assert all(p.grad.isfinite().all() for p in G.parameters())
