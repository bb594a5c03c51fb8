"""Train a recurrent network, and see where its gradient goes before and after (1c, 1h)."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from eigenlab.recurrent import regression_loss
from eigenlab.studio.demos.demo import Demo, Example, Goal, Preparation, View, power
from eigenlab.studio.demos.own_sequence import OwnSequence
from eigenlab.studio.demos.train_rnn_figures import panels_of
from eigenlab.studio.demos.train_rnn_networks import (
    AVERAGE,
    BATCH,
    CLIP,
    COPY,
    FRESH,
    NUMBERS,
    OWN,
    TRACED,
    TRAINED_ON,
    Result,
    TrainRNNSettings,
    check,
    fresh,
    needed_step,
    own_sequence,
    own_values,
    plans,
    prepare,
    tested,
    trained_network,
)

#: Of the goals: a lag that is far, and the losses, as shares of that of always answering 0.
FAR, COPIED, AVERAGED, FEW_UNITS = 15, 0.1, 0.02, 4


def draw(settings: TrainRNNSettings, folder: Path) -> View:
    """Test each trained network on fresh sequences and follow its gradient.

    Args:
        settings: those of the training, and the sequences that are looked at.
        folder: where :func:`prepare` has stored the networks.
    """
    own = own_sequence(settings)
    x, y = fresh(settings, own)
    results = [
        tested(
            trained_network(folder, number, plan, settings.seed), plan, x, y, needed_step(settings)
        )
        for number, plan in enumerate(plans(settings), start=1)
    ]
    numbers = {"loss_of_zero": float(regression_loss(torch.zeros_like(y), y))}
    if own is not None:
        numbers["loss_of_repeating"] = float(regression_loss(x, y))
    for prefix, result in zip(("", "second_"), results, strict=False):
        numbers[f"{prefix}loss"] = result.loss
        numbers[f"{prefix}ratio_before"], numbers[f"{prefix}ratio_after"] = result.ratios
    return View(
        sentence=_sentence(settings, results, own, numbers),
        panels=panels_of(settings, results, y, own, numbers),
        numbers=numbers,
        goals=_goals(settings, numbers),
        python=_python(settings),
    )


def _sentence(
    settings: TrainRNNSettings,
    results: list[Result],
    own: OwnSequence | None,
    numbers: dict[str, float],
) -> str:
    where = f"the last {len(own.test)} numbers" if own else "fresh sequences"
    silent = numbers["loss_of_zero"]
    losses = _each(results, [power(result.loss) for result in results])
    shares = _each(results, [power(_share(result.loss, silent)) for result in results])
    constant = "the mean" if own else "0"
    parts = [
        f"After {settings.updates:,} updates the loss on {where} is {losses}: {shares} "
        f"times that of always answering {constant} ({power(silent)})."
    ]
    if own:
        repeated = power(numbers["loss_of_repeating"])
        parts.append(f"To repeat the number before costs {repeated}.")
        place = "At the first step of a window the gradient of the last answer changes"
    else:
        parts.append(f"The last answer needs the input at step {needed_step(settings) + 1}.")
        place = "There its gradient changes"
    changes = [
        f"from {power(before)} before to {power(after)} after training"
        for before, after in (result.ratios for result in results)
    ]
    parts.append(f"{place}, as a multiple of that at the last step, {_each(results, changes)}.")
    return " ".join(parts)


def _share(loss: float, silent: float) -> float:
    """A loss as a multiple of that of a constant answer, which costs nothing if it is right."""
    return loss / silent if silent else math.inf


def _task(settings: TrainRNNSettings) -> str:
    return "your own sequence" if settings.task in OWN else f"the {settings.task}"


def _each(results: list[Result], texts: list[str]) -> str:
    """The texts of one network or two, which are then named."""
    if len(results) == 1:
        return texts[0]
    names = [result.plan.cell for result in results]
    if names[0] == names[1]:
        names = ["first", "second"]
    return " and ".join(f"{text} ({name})" for text, name in zip(texts, names, strict=True))


def _goals(settings: TrainRNNSettings, numbers: dict[str, float]) -> tuple[Goal, ...]:
    share = _share(numbers["loss"], numbers["loss_of_zero"])
    far = settings.task == COPY and settings.lag >= FAR
    few = settings.task == AVERAGE and settings.hidden_size <= FEW_UNITS
    goals = [
        Goal(
            f"Learn the delayed copy over {FAR} steps or more: a loss below {COPIED:.0%} of that "
            "of always answering 0.",
            far and share < COPIED,
            f"now {share:.2g}, with {_task(settings)}"
            + (f" over {settings.lag} steps" if settings.task == COPY else ""),
        ),
        Goal(
            f"Learn the running average with {FEW_UNITS} hidden units or fewer: a loss below "
            f"{AVERAGED:.0%} of that of always answering 0.",
            few and share < AVERAGED,
            f"now {share:.2g}, with {_task(settings)} and {settings.hidden_size} units",
        ),
    ]
    if settings.task in OWN:
        repeated = numbers["loss_of_repeating"]
        goals.append(
            Goal(
                "Predict your own sequence better than by repeating the number before.",
                numbers["loss"] < repeated,
                f"now a loss of {power(numbers['loss'])}, and of {power(repeated)} by repeating",
            )
        )
    return tuple(goals)


def _python(settings: TrainRNNSettings) -> str:
    planned = plans(settings)
    cells = ", ".join(sorted({plan.cell for plan in planned}))
    names, data = _python_data(settings)
    calls = "".join(
        f"{prefix}loss, {prefix}ratio_before, {prefix}ratio_after = fitted(\n"
        f"    {plan.cell}(1, {plan.hidden_size}, {plan.num_layers}, dtype=torch.float64), "
        f"{plan.learning_rate!r}\n)\n"
        for prefix, plan in zip(("", "second_"), planned, strict=False)
    )
    return (
        "import torch\n"
        "from eigenlab.recurrent import (\n"
        f"    {cells}, RecurrentRegressor, {names}fit_regressor, regression_loss,\n"
        "    trace_gradients,\n"
        ")\n"
        "from eigenlab.reporter import SILENT\n"
        "from eigenlab.training import generator\n"
        f"{data}\n\n"
        "def ratio(model):\n"
        f"    trace = trace_gradients(model, x[:{TRACED}], y[:{TRACED}], last_step_only=True)\n"
        "    norms = trace.gradient_norms[0]\n"
        f"    return float(norms[{needed_step(settings)}] / norms[-1])\n\n\n"
        "def fitted(layers, learning_rate):\n"
        "    model = RecurrentRegressor(layers)\n"
        f'    model.reset_parameters(generator({settings.seed}, "weights"))\n'
        "    before = ratio(model)\n"
        "    fit_regressor(\n"
        "        model,\n"
        "        draw,\n"
        f"        seed={settings.seed},\n"
        f"        steps={settings.updates},\n"
        "        learning_rate=learning_rate,\n"
        "        last_step_only=False,\n"
        '        device=torch.device("cpu"),\n'
        "        reporter=SILENT,\n"
        "        checkpoint=None,\n"
        f"        clip_norm={CLIP},\n"
        "    )\n"
        "    with torch.no_grad():\n"
        "        loss = float(regression_loss(model(x)[0], y))\n"
        "    return loss, before, ratio(model)\n\n\n"
        f"{calls}"
        "loss_of_zero = float(regression_loss(torch.zeros_like(y), y))\n"
        + ("loss_of_repeating = float(regression_loss(x, y))\n" if settings.task in OWN else "")
    )


def _python_data(settings: TrainRNNSettings) -> tuple[str, str]:
    """What the lines import for their data, and the lines that make ``draw``, x and y."""
    if settings.task in OWN:
        return "", (
            "from eigenlab.studio.demos.own_sequence import (\n"
            "    draw_windows, last_windows, split_sequence,\n"
            ")\n\n"
            f"own = split_sequence({own_values(settings)}, {settings.length})\n"
            f"x, y = last_windows(own.test, {settings.length}, {FRESH}, {settings.sequence})\n"
            "\n\n"
            "def draw(source):\n"
            f"    return draw_windows(own.train, {BATCH}, {settings.length}, source)\n"
        )
    average = settings.task == AVERAGE
    task = "running_average" if average else "delayed_copy"
    size = settings.length if average else settings.lag
    return f"{task}, ", (
        "\n\n"
        f"def draw(source, count={BATCH}):\n"
        f"    return {task}(count, {size}, generator=source, dtype=torch.float64)\n\n\n"
        f'x, y = draw(generator({settings.sequence}, "fresh sequences"), {FRESH})\n'
    )


DEMO = Demo(
    name="train-rnn",
    title="Train a recurrent network",
    questions=("1c", "1h"),
    summary="Train a small network, or two side by side, while you watch the loss, then see how "
    "far back the gradient reaches, before and after.",
    settings=TrainRNNSettings,
    draw=draw,
    preparation=Preparation(
        "Train the network", TRAINED_ON, minutes=0.1, make=prepare, check=check
    ),
    examples=(
        Example(
            "1. The running average",
            {},
            "Each answer changes only a little from step to step, so the network can learn it "
            "although its gradient hardly reaches the first steps.",
        ),
        Example(
            "2. Copy, three steps later",
            {"task": COPY, "lag": 3},
            "Now one single input counts. Over three steps a plain layer learns to carry it.",
        ),
        Example(
            "3. Copy, twenty steps later",
            {"task": COPY, "lag": 20},
            "The same network, the same training: the gradient of the answer vanishes before it "
            "reaches the input that it needs, and nothing is learnt.",
        ),
        Example(
            "4. An LSTM beside it",
            {"compare": True},
            "The running average again, and beside the plain layer a cell that adds instead of "
            "multiplying, on the same sequences. Compare their losses, and the gradients at step 1 "
            "before the training.",
        ),
        Example(
            "5. Two layers",
            {"num_layers": 2, "length": 40},
            "The gradient of the lower layer comes through the upper one: two curves and two sets "
            "of eigenvalues.",
        ),
        Example(
            "6. Your own sequence",
            {"task": NUMBERS},
            "The network predicts the next number. Paste your own over these, or upload a table. "
            "Is it better than to repeat the number before?",
        ),
    ),
)
