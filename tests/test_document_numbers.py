"""The numbers in README and docs are those of the stored results.

Each function renders sentences or table rows of a document from what a benchmark has stored; the
document must contain them word for word. The numbers of the course are in `test_course_numbers.py`.
"""

from __future__ import annotations

from statistics import fmean, median, stdev

import pytest

from eigenlab.experiments.training_ladder.measure import operations
from eigenlab.statistics import mean_interval
from eigenlab.vision import Recipe, ladder
from eigenlab.vision.training import settings
from quotes import missing_quotes, row, significant, stored

BENCHMARKS = "benchmarks/README.md"


def readme_forget_gate():
    found = stored("vanishing_lstm")
    plain, raised = (found["rows"][f"forget-gate bias {bias}"] for bias in (0, 6))
    yield (
        f"Its loss is {plain['loss']:.3f}, no better than the variance of the target, "
        f"{found['variance of the target']:.3f}. Started with a forget-gate bias of 6, the same "
        f"LSTM reaches {raised['loss']:.3f}, with an exponent of "
        f"{raised['lyapunov_exponent']:+.2f}"
    )
    yield f"largest Lyapunov exponent {plain['lyapunov_exponent']:.3f} a time step"
    name = "radius of the input gate"
    yield f"the input gate, {plain[name]:.2f} and {raised[name]:.2f}, does not"


def readme_cifar10():
    found = stored("vision_train")
    minutes = found["median_training_seconds"] / 60
    yield (
        f"reaches {found['summary']['mean'][0]:.2%} in {minutes:.0f} minutes on two CPU cores "
        "(mean of three)"
    ).replace("%", " %", 1)


def readme_one_gpu():
    rows = stored("vision_gpu")["rows"]
    ours, airbench = rows["eigenlab"], rows["airbench94_muon"]
    yield (
        f"{ours['median_seconds']:.3f} s on one H200 ({100 * ours['summary']['mean'][0]:.2f} %, "
        f"{ours['n']} runs; airbench94_muon {airbench['median_seconds']:.3f} s there)"
    )


def benchmarks_cifar10():
    found = stored("vision_train")
    runs, (mean, low, high) = found["runs"], found["summary"]["mean"]
    tta = ", ".join(f"{100 * run['accuracy']:.2f}" for run in runs)
    yield f"a mean of **{100 * mean:.2f} %** with test-time augmentation (seeds 0, 1, 2: {tta} %"
    yield f"95 % interval of the mean {100 * low:.2f} to {100 * high:.2f} %"
    assert low < 0.94 < mean
    yield f"a one-sided t test gives p = {found['summary']['p_value']:.3f}, and the interval begins"
    plain = fmean(run["plain_accuracy"] for run in runs)
    first, second, third = (f"{run['training_seconds'] / 60:.1f}" for run in runs)
    yield f"and {100 * plain:.2f} % without, after {first}, {second} and {third} minutes"
    rates = sorted(run["images"] / run["training_seconds"] for run in runs)
    yield f"({rates[0]:.0f} to {rates[-1]:.0f} images/s"


def benchmarks_accuracy_on_cores():
    """By operations: 708 MFLOP an image, forward and backward."""
    found = stored("vision_train")
    curves = [dict(map(tuple, run["evaluations"])) for run in found["runs"]]
    per_pass = found["runs"][0]["images"] / found["recipe"]["epochs"]
    for update in curves[0]:
        images = update * found["recipe"]["batch_size"]
        accuracy = fmean(curve[update]["accuracy"] for curve in curves)
        flops = images * operations(Recipe(**found["recipe"])) / 1e12
        yield row(f"{images / per_pass:g}", f"{flops:.0f}", f"{100 * accuracy:.2f} %")


def benchmarks_images():
    names = {
        "plain, float32": "plain, float32",
        "plain, autocast": "plain, autocast",
        "eigenlab, float32": "eigenlab, float32",
        "eigenlab, bfloat16": "eigenlab, bfloat16",
    }
    found = stored("vision_speed")["rows"]
    for label, name in names.items():
        cells = found[name]
        rate = cells["images_per_second"]
        low, high = (rate * cells["median_ms"] / ms for ms in reversed(cells["quartiles_ms"]))
        ratio = "1" if cells["ratio"] == 1 else f"{1 / cells['ratio']:.2f}"
        share = f"{100 * cells['share_of_matrix_rate']:.0f} %"
        yield row(label, f"{rate:.0f} [{low:.0f}, {high:.0f}]", ratio, share)


GPU_RUNS = {
    "airbench94_muon": "airbench94_muon",
    "cifar10-speedrun": "cifar10_speedrun",
    "eigenlab": "eigenlab",
}


def benchmarks_one_gpu():
    found = stored("vision_gpu")
    rows, floors = found["rows"], found["floors"]
    for label, name in GPU_RUNS.items():
        cells, bold = rows[name], "**" if name == "eigenlab" else ""
        mean, low, high = (100 * value for value in cells["summary"]["mean"])
        below, above = cells["quartiles_seconds"]
        ratio = cells["ratio_to_first_peer"]
        yield row(
            label,
            f"{bold}{cells['median_seconds']:.3f}{bold} [{below:.3f}, {above:.3f}]",
            "1" if ratio == 1 else f"{bold}{ratio:.2f}{bold}",
            f"{bold}{mean:.2f} %{bold} [{low:.2f}, {high:.2f}]",
            f"{100 * cells['summary']['rate'][0]:.0f} %",
            f"{found['memory_gib'][name]:.1f}",
        )
    ours, hiverge = (rows[name]["seconds"] for name in ("eigenlab", "cifar10_speedrun"))
    wins = sum(a < b for a, b in zip(ours, hiverge, strict=True))
    ratio = median(a / b for a, b in zip(ours, hiverge, strict=True))
    yield f"{wins} of {len(ours)} rounds against cifar10-speedrun (median ratio {ratio:.3f})"
    peer = rows["airbench94_muon"]["seconds"]
    wins = sum(a < b for a, b in zip(ours, peer, strict=True))
    yield f"{wins} of {len(ours)} against airbench94_muon, whose"
    yield f"fastest run took {min(peer):.3f} s"
    yield f"(p = {rows['eigenlab']['summary']['p_value']:.3f})"
    arithmetic, memory = (floors[f"{k}_floor_seconds"] for k in ("arithmetic", "memory"))
    yield f"{floors['flops'] / 1e12:.0f} TFLOP, counted"
    yield f"at the {floors['matrix_rate'] / 1e12:.0f} TFLOP/s of a large matrix product"
    yield f"take {arithmetic:.3f} s"
    yield f"at {floors['bandwidth'] / 1e12:.1f} TB/s takes {memory:.3f} s"
    yield f"({found['memory_gib']['eigenlab'] * 2**30 / 1e9:.2f} GB, what torch's"
    times = rows["eigenlab"]["median_seconds"] / (arithmetic + memory)
    yield f"takes {times:.2f} times the sum of the two"


def benchmarks_accuracy_by_operations():
    found = stored("vision_gpu")
    per_pass = found["floors"]["flops"] / found["recipe"]["epochs"] / 1e12
    labels = {"freeze": ", first group frozen at the end", "tta": ", more images augmented"}
    for cells in stored("vision_gpu_search")["rows"]:
        settings, accuracies = cells["settings"], [100 * a for a in cells["accuracies"]]
        kind = "freeze" if "freeze" in settings else "tta" if settings["tta_below"] > 0.8 else ""
        error = stdev(accuracies) / len(accuracies) ** 0.5
        yield row(
            f"{settings['epochs']:g}{labels.get(kind, '')}",
            f"{per_pass * settings['epochs']:.0f}",
            str(len(accuracies)),
            f"{fmean(accuracies):.2f} ± {error:.2f} %",
            f"{100 * fmean(cells['plain_accuracies']):.2f} %",
        )


def benchmarks_grading():
    found = stored("grading")
    for name, cells in found["rows"].items():
        low, high = cells["quartiles_s"]
        yield row(
            name,
            cells["submissions"],
            f"{cells['seconds']:.0f}",
            f"{cells['a_minute']:.1f}",
            f"{cells['median_s']:.2f} [{low:.2f}, {high:.2f}]",
        )
    yield f"**{found['ratio']:.1f} times** as many a minute as otter-grader {found['otter']}"
    yield (
        f"the checks take {found['checks_s']:.3f} s and the rest {found['overhead_s']:.2f} s, of "
        f"which starting and ending a process takes {found['process_s']:.3f} s for each part"
    )


def grade_throughput():
    yield f"that is {stored('grading')['ratio']:.1f} times as many a minute"


def benchmarks_studio():
    parts = stored("studio")["parts"]
    names = {
        "gradient-flow": "gradient flow, 100 steps, 32 units",
        "clustering": "clustering, 2,000 points",
    }
    for name, label in names.items():
        for way in ("onward", "to and fro"):
            seen, drawn = (parts["latency"][name][way][which] for which in ("in sight", "all"))
            numbers = (seen["p50_ms"], seen["p95_ms"], drawn["p50_ms"], drawn["p95_ms"])
            yield row(f"{label}, {way}", *(f"{number:.0f} ms" for number in numbers))
        drawn = parts["render"][name]
        yield row(
            label,
            f"{drawn['in place']['p50_ms']:.0f} ms",
            f"{drawn['anew']['p50_ms']:.0f} ms",
            f"{drawn['ratio']:.1f}",
        )
    start = parts["start"]["/"]
    yield f"The first page is usable after {start['p50_ms'] / 1000:.1f} s (median of eight"
    moves = parts["memory"]["rows"]
    megabytes = [moment["resident_mb"] for moment in moves]
    yield (
        f"from {megabytes[1]:.0f} MB after the first hundred to {megabytes[-1]:.0f} MB, and by "
        f"{megabytes[-1] - megabytes[-3]:.1f} MB in the last two hundred"
    )
    heap = [moment["heap_mb"] for moment in moves[1:]]
    yield f"between {min(heap):.0f} and {max(heap):.0f} MB"
    ten = parts["tabs"]["ten tabs"]
    yield f"is drawn after {ten['p50_ms']:.0f} ms (p95 {ten['p95_ms']:.0f} ms)"
    for path, delay in parts["tabs"]["fifty visitors"].items():
        yield row(f"`{path}`", f"{delay['p50_ms']:.0f} ms", f"{delay['p95_ms']:.0f} ms")


def vision_one_gpu():
    rows = stored("vision_gpu")["rows"]
    ours = rows["eigenlab"]
    yield (
        f"| eigenlab (2026) | {100 * ours['summary']['mean'][0]:.2f} % | {ours['n']} | "
        f"{ours['median_seconds']:.3f} | H200 |"
    )
    airbench, hiverge = rows["airbench94_muon"], rows["cifar10_speedrun"]
    yield (
        f"airbench94_muon took {airbench['median_seconds']:.3f} s and cifar10-speedrun "
        f"{hiverge['median_seconds']:.3f} s (medians of {hiverge['n']} runs; "
        f"{100 * hiverge['summary']['mean'][0]:.2f} % both)"
    )


def benchmarks_recurrent():
    found = stored("recurrent")
    yield f"the same process ({found['gemm_gflops']:.0f} GFLOP/s)"
    columns = (
        "torch.nn.RNN",
        "loop, input product hoisted",
        "loop, retain_grad keeps dL/dh_t",
        "eigenlab RNN",
    )
    for case in found["sizes"]:
        digits = 2 if case["rnn"]["torch.nn.RNN"]["median_ms"] < 10 else 1
        times = [f"{case['rnn'][name]['median_ms']:.{digits}f} ms" for name in columns]
        ours = case["rnn"]["eigenlab RNN"]
        over = ours["median_ms"] / case["limit_ms"]
        yield row(
            f"({', '.join(map(str, case['size']))})",
            *times,
            f"{ours['ratio']:.2f}",
            f"{case['goal']:g}",
            f"{over:.1f} x" if over < 10 else f"{float(f'{over:.2g}'):.0f} x",
        )


def benchmarks_gradient_trace():
    tables = stored("gradient_trace")["tables"]
    pairs, last, long_last = (
        tables[name] for name in ("pairs, T = 100", "last step, T = 100", "last step, T = 1000")
    )
    yield row(
        "every pair: T calls of autograd", f"{pairs['T autograd calls']['median_ms']:.0f} ms", ""
    ).replace("|  |", "| |")
    yield row(
        "last step: a training step of eigenlab's `RNN`",
        f"{last['eigenlab training step']['median_ms']:.2f} ms",
        f"{long_last['eigenlab training step']['median_ms']:.1f} ms",
    )
    yield row(
        "last step: `trace_gradients(..., last_step_only=True)`",
        f"**{last['eigenlab last-step trace']['median_ms']:.1f} ms**",
        f"**{long_last['eigenlab last-step trace']['median_ms']:.1f} ms**",
    )


def benchmarks_gradient_monitor():
    labels = {
        "nn.LSTM, H = 128, B = 32, T = 100": "`nn.LSTM`, H = 128, B = 32, T = 100",
        "nn.LSTM x 2, H = 128, B = 32, T = 100": "`nn.LSTM`, two layers",
        "nn.LSTM, H = 256, B = 64, T = 100": "`nn.LSTM`, H = 256, B = 64",
        "nn.GRU, H = 128, B = 32, T = 100": "`nn.GRU`, H = 128, B = 32",
        "nn.RNN, H = 128, B = 32, T = 100": "`nn.RNN`, H = 128, B = 32",
    }
    tables = stored("gradient_monitor")["tables"]
    for name, label in labels.items():
        without, watched = tables[name]["without"], tables[name]["with GradientMonitor"]
        times = (f"{each['median_ms']:,.0f} ms" for each in (without, watched))
        yield row(label, *times, f"{watched['ratio']:.2f}")


def benchmarks_pca():
    found = stored("pca")
    labels = {
        "sklearn covariance_eigh": "scikit-learn, covariance_eigh",
        "eigenlab": "eigenlab `LinearAutoencoder`",
    }
    for name, label in labels.items():
        cells = found["in_memory"][name]
        low, high = cells["quartiles_ms"]
        yield row(
            label,
            f"{cells['median_ms']:.0f} ms [{low:.0f}, {high:.0f}]",
            f"{cells['variance_error']:.1e}".replace("e-0", "e-"),
            f"{cells['largest_angle']:.1e} rad".replace("e-0", "e-"),
        )
    yield f"The limit is {found['limit_ms']:.0f} ms"


def benchmarks_autoencoders():
    found = stored("autoencoders")
    for name, label in {
        "loop": "plain loop, one after another",
        "ensemble": "`train_ensemble` and `linear_probes`",
    }.items():
        seconds = sorted(value / 1000 for value in found["samples_ms"][name])
        yield row(label, f"{seconds[1]:.1f} ({seconds[0]:.1f} to {seconds[2]:.1f})")
    low, middle, high = sorted(found["ratios"])
    yield f"{middle:.1f} times as fast ({low:.1f} to {high:.1f})"


def benchmarks_few_labels():
    found = stored("few_labels")["mnist"]
    for encoder in dict.fromkeys(each["encoder"] for each in found["rows"]):
        cells = []
        for labels in (50, 100, 200, 1000):
            values = [
                100 * each["accuracy"]
                for each in found["rows"]
                if (each["encoder"], each["labels"]) == (encoder, labels)
            ]
            interval = mean_interval(values)
            half = (interval.high - interval.low) / 2
            best = (encoder, labels) == ("warped, convolutional", 200)
            mark = "**" if best else ""
            cells.append(f"{mark}{interval.estimate:.1f} ± {half:.1f}{mark}")
        seconds = found["training_seconds"].get(encoder)
        taken = f"{median(seconds):.0f}, {max(seconds):.0f}" if seconds else ""
        label = {"PCA": "PCA, 64"}.get(encoder, encoder)
        yield row(label, *cells, taken).replace("|  |", "| |")


def benchmarks_embedding():
    found = stored("embedding")
    for name, digits in found["digits"]["embeddings"].items():
        mnist = found["mnist"]["embeddings"][name]
        cells = [100 * fmean(digits["accuracy"][n]) for n in ("50", "200")]
        cells += [100 * fmean(mnist["accuracy"][n]) for n in ("50", "200", "1000")]
        marks = ["", ""] + ["**" if name == "convolutional" else ""] * 3
        shown = [f"{mark}{cell:.1f}{mark}" for mark, cell in zip(marks, cells, strict=True)]
        yield row(name, *shown, f"{significant(fmean(mnist['seconds']), 1)} s")


def benchmarks_translation_speed():
    rows = stored("translation_speed")["rows"]
    for cell, label in {"gru": "GRU", "rnn": "tanh RNN", "lstm": "LSTM"}.items():
        plain, ours, short = (
            rows[name] for name in (f"plain {cell}", f"ours {cell}", f"ours {cell}, bfloat16")
        )
        yield row(
            label,
            *(
                f"{each['tokens_per_second']:,.0f} "
                f"[{each['quartiles'][0]:,.0f}, {each['quartiles'][1]:,.0f}]"
                for each in (plain, ours)
            ),
            _ratio(ours),
            f"{short['tokens_per_second']:,.0f}",
            _ratio(short),
        )


def _ratio(cells):
    low, high = cells["ratio_quartiles"]
    return f"{cells['ratio']:.2f} [{low:.2f}, {high:.2f}]"


def benchmarks_translation_decoding():
    found = stored("translation_decoding")
    for name, label in {
        "plain loop, as they come": "plain loop, sentences as they come",
        "plain loop, sorted": "plain loop, sorted by length",
        "ours, greedy": "eigenlab",
        "ours, beam 5": "eigenlab, beams of 5",
    }.items():
        cells = found["rows"][name]
        low, high = (value / 1000 for value in cells["quartiles_ms"])
        ratio = "1" if cells["ratio"] == 1 else f"{cells['ratio']:.2f}"
        yield row(label, f"{cells['median_ms'] / 1000:.2f} [{low:.2f}, {high:.2f}]", ratio)
    yield f"(BLEU {found['greedy']['bleu']:.1f} after a training of a minute)"


def benchmarks_translation_phrasebook():
    rows = stored("translation_phrasebook")["rows"]
    for name, label in {
        "gru, attention": "GRU, bidirectional, attention",
        "gru, last state": "GRU, last state only",
        "rnn, last state": "tanh RNN, last state only",
    }.items():
        cells = rows[f"phrasebook: {name}"]
        mark = "**" if name == "gru, attention" else ""
        yield row(
            label,
            f"{cells['seconds'] / 60:.1f}",
            f"{cells['updates']:,}",
            f"{mark}{100 * cells['exact']:.1f} %{mark}",
            f"{cells['bleu']:.1f}",
        )


def benchmarks_translation_budgets():
    rows = stored("translation_budgets")["rows"]
    for name, label in {"plain gru": "plain GRU"}.items():
        yield row(label, *(f"{rows[name][minutes]['bleu']:.1f}" for minutes in ("2", "5", "10")))
    for name, label in {
        "ours gru": "eigenlab, bidirectional GRU, last states",
        "ours gru, attention": "eigenlab, bidirectional GRU, attention",
    }.items():
        yield row(
            label,
            *(
                f"{cells['bleu']:.1f} ({cells['seconds'] / 60:.1f} min)"
                for cells in (rows[name][minutes] for minutes in ("2", "5", "10"))
            ),
        )


def benchmarks_translation_tanh():
    for name, cells in stored("translation_tanh")["rows"].items():
        radius = cells["spectral_radius"]
        largest = {
            part: max(value for key, value in radius.items() if part in key)
            for part in ("encoder", "decoder")
        }
        yield row(
            name,
            f"{cells['seconds'] / 60:.1f}",
            f"{cells['updates']:,}",
            f"{cells['bleu']:.1f}",
            f"{largest['encoder']:.2f}",
            f"{largest['decoder']:.2f}",
        )


def benchmarks_translation_joeynmt():
    found = stored("translation_joeynmt")
    for name, cells in found["rows"].items():
        yield row(
            "eigenlab" if name == "ours" else "JoeyNMT",
            f"{cells['learning_rate']:g}",
            f"{cells['parameters'] / 1e6:.1f} M",
            f"{cells['seconds'] / 60:.1f}",
            f"{cells['tokens_per_second']:,.0f}",
            f"{cells['updates']:,}",
            f"{cells['bleu']:.1f}",
        )


def benchmarks_translation_short():
    found = stored("translation_short")
    yield (
        f"On all {found['pairs']:,} pairs of up to 12 words on both sides (`short`), the "
        f"bidirectional GRU with attention reaches {found['bleu']:.1f} BLEU after "
        f"{found['updates']:,} updates in {found['seconds'] / 60:.1f} minutes"
    )


def benchmarks_translation_multi30k():
    found = stored("translation_multi30k")
    for name in ("greedy", "beam 5"):
        row = found["rows"][name]
        label = "eigenlab, greedy" if name == "greedy" else "eigenlab, beams of 5"
        spacy = f"{row['tokenized_bleu']['spaCy']:.1f}"
        spacy = spacy if name == "greedy" else f"**{spacy}**"
        yield f"| {label} | {spacy} | {row['bleu']:.1f} | {row['chrf']:.1f} |"
    for name, value in found["anchors"].items():
        label = "GRU with additive attention" if name == "additive attention" else name
        yield f"| {label} | {value} | | |"
    yield f"in {found['seconds'] / 60:.0f} minutes on two cores"
    yield f"the length penalty ({found['penalty']})"
    yield f"`{found['rows']['greedy']['signature']}`"


def surnames_table():
    rows = stored("surnames")["rows"]
    labels = {"n-grams": "character n-grams", "rnn": "tanh RNN", "best": "best recurrent"}
    for protocol, model in dict.fromkeys((each["protocol"], each["model"]) for each in rows):
        chosen = [each for each in rows if (each["protocol"], each["model"]) == (protocol, model)]

        def of(name, chosen=chosen):
            values = [100 * each[name] for each in chosen]
            return f"{fmean(values):.1f} ± {stdev(values):.1f}"

        yield row(
            protocol,
            labels.get(model, model),
            str(len(chosen)),
            of("accuracy"),
            of("macro_f1"),
            f"{fmean(each['nll'] for each in chosen):.3f}",
            f"{fmean(each['calibration_error'] for each in chosen):.3f}",
            f"{fmean(each['seconds']['processor'] for each in chosen):.0f}",
        )


QUOTES = [
    ("README.md", readme_forget_gate),
    ("README.md", readme_cifar10),
    (BENCHMARKS, benchmarks_cifar10),
    (BENCHMARKS, benchmarks_accuracy_on_cores),
    (BENCHMARKS, benchmarks_images),
    (BENCHMARKS, benchmarks_recurrent),
    (BENCHMARKS, benchmarks_gradient_trace),
    (BENCHMARKS, benchmarks_gradient_monitor),
    (BENCHMARKS, benchmarks_pca),
    (BENCHMARKS, benchmarks_autoencoders),
    (BENCHMARKS, benchmarks_few_labels),
    (BENCHMARKS, benchmarks_embedding),
    ("docs/autoencoders.md", benchmarks_embedding),
    (BENCHMARKS, benchmarks_translation_speed),
    (BENCHMARKS, benchmarks_translation_decoding),
    (BENCHMARKS, benchmarks_translation_phrasebook),
    (BENCHMARKS, benchmarks_translation_budgets),
    (BENCHMARKS, benchmarks_translation_tanh),
    (BENCHMARKS, benchmarks_translation_joeynmt),
    (BENCHMARKS, benchmarks_translation_short),
    (BENCHMARKS, benchmarks_translation_multi30k),
    (BENCHMARKS, benchmarks_one_gpu),
    (BENCHMARKS, benchmarks_grading),
    ("docs/grade.md", grade_throughput),
    (BENCHMARKS, benchmarks_studio),
    (BENCHMARKS, benchmarks_accuracy_by_operations),
    ("README.md", readme_one_gpu),
    ("docs/vision.md", vision_one_gpu),
    ("docs/surnames.md", surnames_table),
]


def test_the_last_rung_is_what_was_measured():
    found, rung = stored("vision_gpu"), ladder()[-1]
    assert rung.published == round(found["rows"]["eigenlab"]["median_seconds"], 2)
    measured = rung.recipe.replaced(precision="bfloat16", compile=True)
    assert settings(measured) == found["recipe"]


@pytest.mark.parametrize(
    ("document", "quotes"), QUOTES, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_document_states_what_is_stored(document, quotes):
    assert not missing_quotes(document, quotes())
