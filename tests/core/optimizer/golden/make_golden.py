#!/usr/bin/python3
"""Makes golden.txt: what PyTorch learns from a small dense stream, in double precision.

Needs Debian's python3-torch; the tests need only the output:

    /usr/bin/python3 make_golden.py > golden.txt

Lines of the output:
    row LABEL VALUE...          one example of the stream, for each case the same
    case NAME                   starts a case, whose options are in golden_test.cc
    scores SCORE...             of every fourth row, before the update on it
    weights WEIGHT... INTERCEPT after the last row

Each step: forward, backward, clip, then weight decay and the optimizer's rule. The intercept is a
separate parameter group with its own rate and no weight decay.
"""

import torch

ROWS = 240
FEATURES = 6
LOGISTIC, SQUARED = "logistic", "squared"


def make_stream():
    generator = torch.Generator().manual_seed(20240607)
    x = torch.randn(ROWS, FEATURES, generator=generator, dtype=torch.float64)
    hidden = torch.tensor([1.5, -2.0, 0.7, 0.0, 0.3, -0.4], dtype=torch.float64)
    noise = torch.randn(ROWS, generator=generator, dtype=torch.float64)
    y = ((x @ hidden + 0.5 + noise) > 0).double()
    # Rounded to what is printed, so that both learn from the same numbers.
    return torch.round(x * 1e4) / 1e4, y


def learn(x, y, loss, make_optimizer, rate, intercept_rate, l2=0.0, clip=0.0, batch=1,
          make_schedule=None, plateau=None):
    weights = torch.zeros(FEATURES, dtype=torch.float64, requires_grad=True)
    intercept = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = make_optimizer([
        {"params": [weights], "lr": rate, "weight_decay": l2},
        {"params": [intercept], "lr": intercept_rate, "weight_decay": 0.0},
    ])
    schedule = make_schedule(optimizer) if make_schedule else None
    scores, window = [], []
    for begin in range(0, ROWS, batch):
        optimizer.zero_grad()
        score = x[begin:begin + batch] @ weights + intercept
        target = y[begin:begin + batch]
        if loss == LOGISTIC:
            value = torch.nn.functional.binary_cross_entropy_with_logits(score, target)
        else:
            value = torch.nn.functional.mse_loss(score, target)
        scores += score.tolist()
        if len(target) < batch:
            break  # An incomplete window takes no step.
        value.backward()
        if clip:
            torch.nn.utils.clip_grad_value_([weights, intercept], clip)
        optimizer.step()
        if plateau:
            window.append(value.item())
            if len(window) == plateau:
                schedule.step(sum(window) / plateau)
                window = []
        elif schedule:
            schedule.step()
    return scores, weights.tolist() + [intercept.item()]


def cases():
    """Yields the name of each case and the arguments of learn()."""
    optim = torch.optim
    rules = {
        "sgd": (lambda p: optim.SGD(p, lr=1), 0.1),
        "minibatch": (lambda p: optim.SGD(p, lr=1), 0.5),
        "momentum": (lambda p: optim.SGD(p, lr=1, momentum=0.8), 0.03),
        "nesterov": (lambda p: optim.SGD(p, lr=1, momentum=0.8, nesterov=True), 0.03),
        # An accumulator that starts at epsilon, with eps=0, equals our epsilon inside the root.
        "adagrad": (lambda p: optim.Adagrad(p, initial_accumulator_value=0.3, eps=0), 0.4),
        # For an epsilon this small, inside or outside of the root makes no difference.
        "rmsprop": (lambda p: optim.RMSprop(p, alpha=0.95, eps=1e-12), 0.02),
        "adam": (lambda p: optim.Adam(p, betas=(0.8, 0.98), eps=1e-3), 0.05),
    }
    for name, (rule, rate) in rules.items():
        batch = 7 if name == "minibatch" else 1
        for loss in (LOGISTIC, SQUARED):
            scale = 1 if loss == LOGISTIC else 0.3
            yield f"{name} {loss} plain", dict(
                loss=loss, make_optimizer=rule, rate=rate * scale, intercept_rate=rate * scale,
                batch=batch)
            yield f"{name} {loss} l2 clip", dict(
                loss=loss, make_optimizer=rule, rate=rate * scale,
                intercept_rate=rate * scale / 4, l2=0.02, clip=0.25, batch=batch)

    # For these rules it makes no difference whether the rate is inside or outside the running mean.
    for name in ("sgd", "minibatch", "adagrad", "rmsprop", "adam"):
        rule, rate = rules[name]
        batch = 7 if name == "minibatch" else 1
        base = dict(loss=LOGISTIC, make_optimizer=rule, rate=rate, intercept_rate=rate / 2,
                    batch=batch)
        yield f"{name} inverse_power", dict(base, make_schedule=lambda o: optim.lr_scheduler.LambdaLR(
            o, lambda t: (5 / (5 + t)) ** 0.7))
        yield f"{name} exponential", dict(
            base, make_schedule=lambda o: optim.lr_scheduler.ExponentialLR(o, 0.4 ** (1 / 50)))
        yield f"{name} step", dict(base, make_schedule=lambda o: optim.lr_scheduler.StepLR(o, 15, 0.6))
    # PyTorch reduces the rate after more than `patience` bad windows, we after `patience`.
    rule, rate = rules["sgd"]
    yield "sgd plateau", dict(
        loss=LOGISTIC, make_optimizer=rule, rate=rate * 8, intercept_rate=rate * 8, plateau=10,
        make_schedule=lambda o: optim.lr_scheduler.ReduceLROnPlateau(
            o, factor=0.5, patience=1, threshold=0.01, eps=0, min_lr=[rate * 8 * 0.1] * 2))


def main():
    torch.set_num_threads(1)
    x, y = make_stream()
    for row, label in zip(x.tolist(), y.tolist()):
        print("row", f"{label:g}", *(f"{value:.4f}" for value in row))
    for name, arguments in cases():
        scores, weights = learn(x, y, **arguments)
        print("case", name)
        print("scores", *(f"{score:.8g}" for score in scores[::4]))
        print("weights", *(f"{weight:.8g}" for weight in weights))


if __name__ == "__main__":
    main()
