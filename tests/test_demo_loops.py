"""Loops in a cell, awaited and of the learner's own: their steps, and what stops them."""

import asyncio
import signal

import pytest
import torch

from dgm_lib.demo import Curve, Demo, Points, Scene, interrupt
from tests.demos import pixels, until, walker


def test_training_can_be_awaited_and_stopped():
    def train(p, rng):
        w = torch.zeros(2, requires_grad=True)
        while True:
            (gradient,) = torch.autograd.grad(((w - 1) ** 2).sum(), w)
            w = (w - 0.1 * gradient).detach().requires_grad_()
            yield dict(loss=((w - 1) ** 2).sum())

    async def scenario():
        demo = Demo(train, Scene([Curve("loss", log=True)]))
        demo.widget()
        await demo.go(50)
        assert demo.run.t == 50 and not demo.playing
        asyncio.get_running_loop().call_later(0.3, demo.view.play.click)
        await demo.go(10**9)
        assert 50 < demo.run.t < 10**9

    asyncio.run(scenario())


def test_awaited_exceptions_fail_the_cell():
    def sim(p, rng):
        yield dict(a=1.0)
        raise KeyError("slip")

    with pytest.raises(KeyError, match="slip"):
        asyncio.run(Demo(sim, Scene([Curve("a")])).go(10))


def test_a_loop_of_the_learners_own():
    board = Demo(None, Scene([Points("x")], [Curve("loss")]), name="board")
    board.widget()
    for k in board.live(range(30)):
        board.log(loss=1 / (k + 1))
        if k % 10 == 0:
            board.log(x=torch.randn(5, 2))
        if k == 20:
            board.pause()
    assert board.error is None and len(board.run.series["loss"]) == 21
    assert (pixels(board.view.image.value) != 255).any()


def test_all_that_is_logged_for_one_item_is_one_step():
    board = Demo(None, Scene([Curve("loss", "val")]), name="board")
    for k in board.live(range(100)):
        if k % 10 == 4:
            board.log(early=k)
        board.log(loss=1 / (k + 1))
        if k % 10 == 9:
            board.log(val=k)
    times = board.run.times
    assert times["loss"] == list(range(100)) and board.run.t == 99
    assert times["val"] == board.run.series["val"] == list(range(9, 100, 10))
    assert times["early"] == list(range(4, 100, 10))


def test_a_name_that_is_logged_again_starts_a_step():
    board = Demo(None, Scene([Points("x")], [Curve("loss")]), name="board")
    for k in range(3):
        board.log(loss=k)
        board.log(x=torch.full((1, 2), float(k)))
    board.log(loss=3)
    assert board.run.times == dict(loss=[0, 1, 2, 3]) and board.run.t == 3
    assert board.run.frame["loss"] == 3 and board.run.frame["x"].tolist() == [[2.0, 2.0]]


def test_a_cancellation_is_passed_on():
    async def timeout():
        demo = walker()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await demo.go(10**9)
        assert not demo.playing
        await demo.go(demo.run.t + 5)

    async def cancel():
        demo = walker()
        task = asyncio.ensure_future(demo.go(10**9))
        await until(lambda: demo.run.t > 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(timeout())
    asyncio.run(cancel())


def test_the_interrupt_of_a_kernel_is_a_pause(monkeypatch):
    monkeypatch.setattr(interrupt, "get_ipython", lambda: "a shell")
    before = signal.getsignal(signal.SIGINT)

    async def scenario():
        demo = walker()
        asyncio.get_running_loop().call_later(0.1, signal.raise_signal, signal.SIGINT)
        await demo.go(10**9)
        assert 0 < demo.run.t < 10**9 and not demo.playing

    asyncio.run(scenario())
    assert signal.getsignal(signal.SIGINT) is before


def test_the_interrupt_of_a_program_is_its_own():
    async def scenario():
        asyncio.get_running_loop().call_later(0.1, signal.raise_signal, signal.SIGINT)
        await walker().go(10**9)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(scenario())
