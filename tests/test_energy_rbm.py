"""The restricted Boltzmann machine against brute force over all of its states."""

import math
import time
from itertools import product

import pytest
import torch

from dgm_lib.core import generator
from dgm_lib.data import digits
from dgm_lib.models import energy
from tests.samples import F64

SIZES = [(4, 3), (3, 5), (1, 1), (5, 5)]


def machine(seed, visible, hidden, scale=1.0):
    """An RBM with large random parameters, in float64."""
    rng, rbm = generator(seed), energy.RBM(visible, hidden).to(F64)
    with torch.no_grad():
        for parameter in rbm.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=rng, dtype=F64))
    return rbm


def all_states(units):
    return torch.tensor(list(product([0.0, 1.0], repeat=units)), dtype=F64)


def joint_table(rbm):
    """p(v, h) at all states, (2^visible, 2^hidden), by the definition, and log Z."""
    v, h = all_states(rbm.n_visible), all_states(rbm.n_hidden)
    E = -((v @ rbm.b)[:, None] + h @ rbm.c + v @ rbm.W @ h.T).detach()
    log_Z = (-E).flatten().logsumexp(0)
    return (-E - log_Z).exp(), log_Z.item()


@pytest.mark.parametrize(("visible", "hidden"), SIZES)
def test_all_is_as_brute_force_says(visible, hidden):
    rbm = machine(visible, visible, hidden)
    table, log_Z = joint_table(rbm)
    v, h = all_states(visible), all_states(hidden)
    p_v, p_h = table.sum(1), table.sum(0)
    exact = energy.Enumerated(rbm)
    assert rbm.log_Z() == pytest.approx(log_Z, abs=1e-12) == exact.log_Z
    torch.testing.assert_close(exact.log_prob(v).exp().detach(), p_v)
    torch.testing.assert_close((-rbm.energy(v) - log_Z).exp().detach(), p_v)
    pairs = rbm.joint_energy(v[:, None].expand(-1, len(h), -1), h.expand(len(v), -1, -1))
    torch.testing.assert_close((-pairs - log_Z).exp().detach(), table)
    torch.testing.assert_close(rbm.hidden(v).detach(), (table / p_v[:, None]) @ h)
    torch.testing.assert_close(rbm.visible(h).detach(), (table / p_h).T @ v)
    assert not hasattr(rbm, "log_prob")


def frequencies(v):
    """How often each state occurs among (n, units), (2^units,)."""
    code = (v.long() * 2 ** torch.arange(v.shape[-1]).flip(0)).sum(-1)
    return code.bincount(minlength=2 ** v.shape[-1]).to(F64) / len(v)


@pytest.mark.parametrize(("visible", "hidden"), [(4, 3), (3, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_samples_are_exact_and_gibbs_leaves_them_so(visible, hidden, seed):
    rbm, rng, n = machine(seed, visible, hidden), generator(seed), 40_000
    p = joint_table(rbm)[0].sum(1)
    v = energy.Enumerated(rbm).sample((n,), rng)
    limit = 4 * (p * (1 - p) / n).sqrt() + 4 / n
    assert ((frequencies(v) - p).abs() < limit).all()
    for _ in range(3):
        moved = rbm.gibbs(v, rng)
        assert not torch.equal(moved, v) and not moved.requires_grad
        v = moved
    assert ((frequencies(v) - p).abs() < limit).all()


@pytest.mark.parametrize("seed", range(2))
def test_one_gibbs_step_has_the_transition_law(seed):
    rbm, n = machine(seed, 3, 2), 30_000
    table = joint_table(rbm)[0]
    forward = table / table.sum(1, keepdim=True)  # p(h | v)
    back = (table / table.sum(0)).T  # p(v' | h)
    for row, start in zip(forward @ back, all_states(3), strict=True):
        got = frequencies(rbm.gibbs(start.expand(n, 3), generator(seed)))
        assert ((got - row).abs() < 4 * (row * (1 - row) / n).sqrt() + 4 / n).all()


def test_the_likelihood_has_the_exact_gradient():
    rbm = machine(0, 4, 3)
    table, _ = joint_table(rbm)
    v, h = all_states(4), all_states(3)
    data = v[[1, 5, 5, 12]]
    energy.Enumerated(rbm).log_prob(data).mean().backward()
    hidden = rbm.hidden(data).detach()
    truth = data.T @ hidden / 4 - v.T @ table @ h  # data moments minus model moments
    torch.testing.assert_close(rbm.W.grad, truth)
    torch.testing.assert_close(rbm.b.grad, data.mean(0) - table.sum(1) @ v)
    torch.testing.assert_close(rbm.c.grad, hidden.mean(0) - table.sum(0) @ h)


def test_tempering_goes_from_independent_units_to_the_machine():
    rbm = machine(1, 4, 3)
    base, v = torch.tensor([0.5, -1.0, 2.0, 0.0], dtype=F64), all_states(4)
    before = {name: value.clone() for name, value in rbm.state_dict().items()}
    torch.testing.assert_close(rbm.tempered(1.0, base).energy(v), rbm.energy(v).detach())
    for beta in (0.0, 0.3, 0.9):  # Salakhutdinov & Murray (2008), eq. 16, base of no hidden units
        between = rbm.tempered(beta, base)
        truth = -(1 - beta) * v @ base - beta * v @ rbm.b
        truth = truth - torch.log1p((beta * (rbm.c + v @ rbm.W)).exp()).sum(-1)
        torch.testing.assert_close(between.energy(v), truth.detach())
        assert not between.energy(v).requires_grad
        assert between.log_Z() == pytest.approx(joint_table(between)[1], abs=1e-12)
    for name, value in rbm.state_dict().items():
        assert torch.equal(value, before[name])
    start = rbm.tempered(0.0, base).gibbs(torch.zeros(50_000, 4, dtype=F64), generator(0))
    p = torch.sigmoid(base)
    assert ((start.mean(0) - p).abs() < 4 * (p * (1 - p) / 50_000).sqrt()).all()
    assert ((start.T.cov() - torch.diag(p * (1 - p))).abs() < 4 / math.sqrt(50_000)).all()


def test_independent_units_have_a_known_log_Z_at_any_size():
    large = energy.RBM(784, 500).tempered(0.0, torch.linspace(-2, 2, 784))
    truth = torch.log1p(torch.linspace(-2, 2, 784, dtype=F64).exp()).sum() + 500 * math.log(2)
    assert large.log_Z() == pytest.approx(truth.item(), abs=1e-3)
    with pytest.raises(ValueError, match="^rbm must have at most 20 units.*annealed"):
        energy.RBM(21, 30).log_Z()


def test_sixteen_hidden_units_on_digits_are_summed_in_less_than_a_second():
    v = (digits().x > 0.5).float()
    rbm = machine(2, 64, 16, scale=0.3).float()
    start = time.process_time()
    log_Z = rbm.log_Z()
    assert time.process_time() - start < 1
    h = all_states(16)
    direct = h @ rbm.c.double() + torch.log1p((rbm.b + h @ rbm.W.T.double()).exp()).sum(-1)
    assert log_Z == pytest.approx(direct.logsumexp(0).item(), abs=1e-9)
    log_p = energy.Enumerated(rbm).log_prob(v)
    torch.testing.assert_close(log_p.float(), -rbm.energy(v) - log_Z, rtol=0, atol=1e-3)


def test_units_come_in_any_batch_and_dtype():
    rbm = energy.RBM(6, 4)
    v = torch.rand(2, 3, 6, generator=generator(0)) > 0.5
    assert rbm.energy(v).shape == (2, 3) and rbm.hidden(v[0, 0]).shape == (4,)
    assert torch.equal(rbm.energy(v), rbm.energy(v.double()))
    assert rbm.gibbs(v, generator(0)).dtype == torch.float32
    exact = energy.Enumerated(rbm)
    assert exact.sample((2, 5)).shape == (2, 5, 6) and exact.sample().shape == (6,)
    assert exact.log_prob(v).shape == (2, 3)


def test_nothing_global_is_changed():
    rbm = machine(0, 4, 3)
    before = torch.get_rng_state()
    rbm.gibbs(all_states(4), generator(0))
    energy.Enumerated(rbm).sample((9,), generator(0))
    rbm.tempered(0.5).log_Z()
    assert torch.equal(before, torch.get_rng_state())


def test_bad_arguments_are_named():
    rbm = energy.RBM(4, 3)
    for beta in (-0.1, 1.1, math.nan, "a"):
        with pytest.raises(ValueError, match="^beta must be"):
            rbm.tempered(beta)
    with pytest.raises(ValueError, match=r"^base_bias must have shape \(4,\)"):
        rbm.tempered(0.5, torch.zeros(3))
    with pytest.raises(ValueError, match="^v must have 4"):
        rbm.energy(torch.zeros(5, 3))
    with pytest.raises(ValueError, match="^h must have 3"):
        rbm.visible(torch.zeros(5, 4))
    with pytest.raises(ValueError, match="^visible must be"):
        energy.RBM(0, 3)
    with pytest.raises(ValueError, match="^v must hold zeros and ones"):
        energy.Enumerated(rbm).log_prob(torch.full((4,), 0.5))
    with pytest.raises(ValueError, match="^rbm must be an RBM"):
        energy.Enumerated(torch.nn.Linear(2, 2))
