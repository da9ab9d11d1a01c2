"""Labels that come later."""

import time

import pytest

import freshet


def test_a_logged_prediction_is_learned_with_the_label_that_follows(new_model):
    model = new_model(wait="1", label_rule={"horizon": "1h", "feedback": ["click"]})
    shown = model.predict_one({"user": "ann"}, log=True, wait=True)
    named = model.predict_one({"user": "bob"}, log=True, event_id="mine", wait=True)
    assert named.event_id == "mine" and shown.event_id
    assert model.events.get("mine")["event_id"] == "mine"
    assert len(model.events.list()) == 2
    model.feedback(shown.event_id, name="click")
    deadline = time.monotonic() + 30
    while model.metrics.rows < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert model.metrics.label_mean == pytest.approx(0.5)
    assert model.events.get(shown.event_id)["label"] == 1
    with pytest.raises(freshet.NotFound):
        model.events.get("other")
    with pytest.raises(freshet.InvalidRow):
        model.feedback("", name="click")


def test_a_model_without_a_label_rule_takes_no_events(new_model):
    model = new_model()
    with pytest.raises(freshet.FailedPrecondition):
        model.predict_one({"user": "ann"}, log=True)
    with pytest.raises(freshet.FailedPrecondition):
        model.feedback("mine")
