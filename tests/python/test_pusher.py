"""Streams of rows: batches, resuming, interruption."""

import os
import signal
import threading
import time

import pytest

import freshet


def rows(count, start=0):
    for i in range(start, count):
        yield {"user": f"u{i % 50}", "n": i % 7, "ad": f"a{i % 11}"}, i % 3 == 0


def test_pushed_rows_are_those_learned_one_by_one(new_model):
    one, many, learned = new_model(), new_model(), new_model()
    for x, y in rows(300):
        one.learn_one(x, y)
    with many.pusher(batch_rows=64) as p:
        for x, y in rows(300):
            p.push(x, y)
    assert p.stats.acknowledged == p.stats.rows == p.next_row == 300
    assert many.digest().digest == one.digest().digest
    assert learned.learn(rows(300)).acknowledged == 300
    assert learned.digest().digest == one.digest().digest


def test_a_cell_that_runs_again_learns_once(new_model):
    model, once = new_model(), new_model()
    once.learn(rows(1000))
    assert model.learn(rows(700), producer_id="cell").acknowledged == 700
    again = model.learn(rows(1000), producer_id="cell")
    assert (again.known, again.acknowledged) == (700, 300)
    assert model.learn(rows(1000), producer_id="cell").known == 1000
    assert model.digest().digest == once.digest().digest


def test_rows_are_sent_before_the_batch_is_full(new_model):
    model = new_model()
    with model.pusher() as p:
        p.push({"a": 1}, 1)
        deadline = time.monotonic() + 20
        while p.stats.acknowledged == 0:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        p.push({"a": 1}, 1)
        p.flush()
        assert p.stats.acknowledged == 2


def test_bad_rows_are_named_by_their_number(new_model):
    model = new_model()
    with model.pusher() as p:
        p.push({"a": 1}, 1)
        with pytest.raises(freshet.InvalidRow) as error:
            p.push({"a": float("inf")}, 1)
        assert (error.value.row, error.value.field) == (1, "a")
        p.push({"a": 2}, 0)
    assert p.stats.acknowledged == 2
    with pytest.raises(freshet.InvalidRow) as error:
        model.learn([({"a": 1}, 1), ({"a": 1}, 0), ({"a": 1}, 7)])
    assert (error.value.row, error.value.field) == (2, "label")
    done = model.learn(
        [({"a": 1}, 1), ({"a": object()}, 1), ({"a": 1}, 7), ({"a": 1}, 0)], skip_bad_rows=True
    )
    assert (done.acknowledged, done.rejected) == (2, 2)
    assert sorted(bad.row for bad in done.bad_rows) == [1, 2]


@pytest.fixture
def ctrl_c_interrupts():
    """As on a terminal: a process that was started in the background ignores the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_ctrl_c_keeps_what_is_acknowledged_and_says_where_to_go_on(new_model):
    model, once = new_model(), new_model()
    once.learn(rows(3000))

    def interrupted_rows():
        for i, row in enumerate(rows(3000)):
            if i == 2000:
                os.kill(os.getpid(), signal.SIGINT)
            yield row

    with pytest.raises(KeyboardInterrupt) as stop:
        model.learn(interrupted_rows())
    assert isinstance(stop.value, freshet.Interrupted)
    assert stop.value.next_row == model.metrics.rows == 2000
    again = model.learn(rows(3000), producer_id=stop.value.producer_id)
    assert (again.known, again.acknowledged) == (2000, 1000)
    assert model.digest().digest == once.digest().digest


def test_threads_share_a_model_and_a_pusher(new_model):
    model = new_model()
    with model.pusher(batch_rows=16) as p:

        def work(k):
            for i in range(200):
                p.push({"user": f"u{k}", "n": i}, 1)
                model.predict_one({"user": f"u{k}"})
            model.learn_one({"user": f"u{k}"}, 0)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert p.stats.acknowledged == 1600
    assert model.metrics.rows == 1608


def test_a_fork_cannot_use_the_connection_and_does_not_hang(new_model):
    model = new_model()
    model.learn_one({"a": 1}, 1)
    p = model.pusher()
    p.push({"a": 1}, 1)
    child = os.fork()
    if child == 0:
        refused = 0
        server = model._client.server
        for call in (
            lambda: model.predict_one({"a": 1}),
            lambda: model.metrics,
            lambda: p.push({"a": 1}, 1),
            lambda: freshet.connect(server),
        ):
            try:
                call()
            except freshet.FailedPrecondition:
                refused += 1
        os._exit(0 if refused == 4 else 1)
    assert os.waitpid(child, 0)[1] == 0
    p.close()
    assert model.metrics.rows == 2


def test_other_users_of_grpc_in_the_process(new_model):
    grpc = pytest.importorskip("grpc")
    model = new_model()
    channel = grpc.insecure_channel(model._client.server)
    grpc.channel_ready_future(channel).result(20)
    model.learn_one({"a": 1}, 1)
    channel.close()
    assert model.metrics.rows == 1
