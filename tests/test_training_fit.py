"""Fit: the history of a run, an interrupt, and the progress bar."""

from itertools import repeat

import torch

from dgm_lib.training import checkpoint, collect, epochs, fit, train
from tests.runs import DATA, OPTIONS, equal, net, no_bar, square  # noqa: F401


def test_fit_tells_what_happened():
    history = fit(net(), square, repeat(DATA), steps=30, ema=0.9, lr=0.01)
    steps = list(train(net(), square, repeat(DATA), steps=30, ema=0.9, lr=0.01))
    assert history.losses.tolist() == [s.loss for s in steps]
    assert history.lrs.tolist() == [s.lr for s in steps]
    assert history.grad_norms.tolist() == [s.grad_norm for s in steps]
    assert equal(history.averaged.state_dict(), steps[-1].averaged.state_dict())
    assert history.seconds > 0 and repr(history) == "History(30 steps)"
    means = [history.losses[max(0, k - 6) : k + 1].mean() for k in range(30)]
    torch.testing.assert_close(history.smooth(7), torch.stack(means))
    torch.testing.assert_close(history.smooth(1), history.losses)
    assert history.smooth(1000).shape == (30,)


def test_an_interrupt_stops_fit_cleanly():
    def loss(model, x):
        loss.calls += 1
        if loss.calls == 6:
            raise KeyboardInterrupt
        return square(model, x)

    loss.calls, before = 0, torch.get_rng_state()
    history = fit(net(), loss, repeat(DATA), steps=100)
    assert len(history.losses) == 5 and history.model is not None
    assert torch.equal(before, torch.get_rng_state())


def test_a_finished_run_can_be_fitted_again(tmp_path):
    path = tmp_path / "run.pt"
    first = collect(checkpoint(train(net(), square, epochs(DATA, 5), **OPTIONS), path))
    again = fit(net(), square, epochs(DATA, 5), **OPTIONS, resume=path)
    assert len(first.losses) == 24 and len(again.losses) == len(again.smooth()) == 0
    assert equal(first.averaged.state_dict(), again.averaged.state_dict())


def test_the_bar_shows_unless_disabled(monkeypatch, capsys):
    fit(net(), square, repeat(DATA), steps=3)
    assert capsys.readouterr() == ("", "")
    monkeypatch.delenv("TQDM_DISABLE")
    fit(net(), square, repeat(DATA), steps=3)
    shown = capsys.readouterr().err
    assert "3/3" in shown and "loss" in shown
