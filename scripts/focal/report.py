"""What came out of the comparison: a table, curves and bars beside the paper's, and what was to be found."""

import collections
import json
import math
import statistics

from PIL import Image, ImageDraw

from .losses import LOSSES, MAIN, PAPERS_BEST
from .trainings import RATES, WIDER, Training

# Of Student's t, 97.5 %, by degrees of freedom.
T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365}
COLOURS = {"1a": "#8a8a8a", "1b": "#2a788e", "3": "#44bf70", "1d": "#d1495b", "": "#e0b040"}


def interval(values):
    """Mean and half of the 95 % confidence interval, in percent; None for one value, or more than the table of t has."""
    mean = 100 * statistics.mean(values)
    if len(values) - 1 not in T:
        return mean, None
    return mean, 100 * T[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))


def mean_and_interval(values):
    """In percent, as text."""
    if not values:
        return ""
    mean, half = interval(values)
    return f"{mean:.1f}" + (f" ± {half:.1f}" if half is not None else "")


def collect(comparison, wanted):
    """Of each loss: its best rate, and what every seed reaches at it and at the one rate for all, by seed."""
    rows = []
    for loss in LOSSES:
        if loss.name not in wanted:
            continue
        tried = comparison.by_rate(loss)
        if not tried:
            continue
        best, common = comparison.best_rate(loss), comparison.common_rate()

        def finished(rate):
            found = {seed: comparison.outcome(Training(loss, rate, comparison.epochs, seed)) for seed in comparison.seeds} if rate else {}
            return {seed: outcome for seed, outcome in found.items() if outcome}

        twice = comparison.outcome(comparison.twice_as_long(loss))
        at_best = finished(best)
        rows.append({
            "loss": loss.name, "table": loss.table, "paper": loss.paper, "note": loss.note, "best_rate": best,
            "by_rate": {rate: outcome.validation for rate, outcome in tried.items()},
            "diverged": [rate for rate, outcome in tried.items() if not outcome.curve],
            "best": {seed: outcome.scores for seed, outcome in at_best.items()},
            "common": {seed: outcome.scores for seed, outcome in finished(common).items()},
            "twice_as_long": twice.scores if twice else None,
            "curves": {seed: outcome.curve for seed, outcome in at_best.items()},
            "above_clip_norm": statistics.mean(outcome.above_clip_norm for outcome in at_best.values()),
            "anchors": [sum(getattr(outcome, name) for outcome in at_best.values()) for name in ("anchors", "object_anchors")],
        })  # fmt: skip
    return rows


def differences(row, reference):
    """AP at the one rate for all, less that of the paper's best loss: of each seed that both have."""
    pairs = [(scores[0], reference["common"][seed][0]) for seed, scores in row["common"].items() if seed in reference["common"]]
    return [ours - theirs for ours, theirs in pairs]


def table(rows, comparison, about):
    reference = next((row for row in rows if row["loss"] == PAPERS_BEST), None)
    rates = sorted([*RATES, *WIDER.values()])
    lines = [
        about,
        "",
        f"AP in percent on the test pictures, by which nothing was chosen: mean over seeds (of {comparison.seeds}, those that are"
        " trained) ± half of the 95 % confidence interval (Student's t, for the seeds: the pictures are the same). A loss's rate"
        " is the best on the validation pictures with the first of its seeds (-: not tried). *One rate*: for all, as in the paper,"
        f" the best for the mean of the main losses; *less*: that, less the same of {PAPERS_BEST}, seed by seed. *Twice as long*:"
        f" seed {comparison.seeds[0]}, all else alike. *Above 5*: steps after the warm-up whose gradient was longer, and was shortened to that but where the name says otherwise. The paper's Table 1d is of a ResNet-101, with"
        " which its focal loss has 36.0, and all others of a ResNet-50.",
        "",
        "| table | loss | AP | AP50 | AP75 | rate | validation AP at " + " / ".join(map(str, rates)) + " | one rate | less | twice as long | above 5 | paper |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for row in rows:
        scores = [mean_and_interval([scores[column] for scores in row["best"].values()]) for column in range(3)]
        by_rate = " / ".join(
            "diverged" if rate in row["diverged"] else f"{100 * row['by_rate'][rate]:.1f}" if rate in row["by_rate"] else "-"
            for rate in rates
        )
        common = mean_and_interval([scores[0] for scores in row["common"].values()])
        less = mean_and_interval(differences(row, reference)) if reference and row is not reference else ""
        twice = "" if row["twice_as_long"] is None else f"{100 * row['twice_as_long'][0]:.1f}"
        paper = " ".join(filter(None, ["" if row["paper"] is None else f"{row['paper']:.1f}", row["note"]]))
        cells = [row["table"], row["loss"], *scores, row["best_rate"] or "", by_rate, common, less, twice, f"{row['above_clip_norm']:.0%}", paper]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    anchors, objects = (sum(row["anchors"][index] for row in rows) for index in (0, 1))
    if objects:
        lines += ["", f"One anchor in {anchors / objects:.0f} was an object's."]
    processors = collections.Counter(outcome.processor for outcome in comparison.outcomes.values())
    lines += ["", "Trainings by processor: " + "; ".join(f"{name}: {count}" for name, count in processors.most_common()) + "."]
    return "\n".join(lines) + "\n"


def draw(rows, folder):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "reproduction"
    import matplotlib.pyplot as plt

    def finish(figure, axes, name):
        for axis in axes:
            axis.spines[["top", "right"]].set_visible(False)
            axis.grid(color="#e4e4e4")
            axis.set_axisbelow(True)
        figure.tight_layout()
        figure.savefig(folder / name, metadata={"Date": None})
        plt.close(figure)

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 0.34 * len(rows) + 1.4), sharey=True)
    for place, row in enumerate(reversed(rows)):
        values = [100 * scores[0] for scores in row["best"].values()]
        if values:
            left.barh(place, statistics.mean(values), color=COLOURS[row["table"]])
            left.plot(values, [place] * len(values), "|", color="black", markersize=9)
        right.barh(place, row["paper"] or 0, color=COLOURS[row["table"]], hatch="//" if row["table"] == "1d" else None, edgecolor="white")
        if row["paper"] is None:
            right.text(0.5, place, row["note"], va="center")
    left.set_yticks(range(len(rows)), [row["loss"] for row in reversed(rows)])
    left.set_title("here: AP on generated pictures\n(marks: seeds)")
    right.set_title("the paper: AP on COCO minival\n(hatched: ResNet-101; there FL gamma 2 has 36.0)")
    finish(figure, (left, right), "losses.svg")

    figure, axis = plt.subplots(figsize=(8, 5))
    for row in (row for row in rows if row["loss"] in MAIN):
        complete = [curve for curve in row["curves"].values() if curve]
        if not complete:
            continue
        epochs = [epoch for epoch, _ in complete[0]]
        means = [100 * statistics.mean(curve[index][1] for curve in complete) for index in range(len(epochs))]
        axis.plot(epochs, means, label=f"{row['loss']} (seeds: {len(complete)})")
    axis.set(xlabel="epoch", ylabel="validation AP, %", title="Main losses, each at its best rate of those tried")
    axis.legend(loc="lower right")
    finish(figure, [axis], "curves.svg")


def show(annotations, path, count=3):
    """The first pictures side by side, their objects framed."""
    truth = json.loads(annotations.read_text())
    images = truth["images"][:count]
    sheet = Image.new("RGB", (sum(image["width"] for image in images), images[0]["height"]))
    for place, image in enumerate(images):
        picture = Image.open(annotations.parent / image["file_name"]).convert("RGB")
        pen = ImageDraw.Draw(picture)
        for x, y, width, height in (entry["bbox"] for entry in truth["annotations"] if entry["image_id"] == image["id"]):
            pen.rectangle((x - 2, y - 2, x + width + 1, y + height + 1), outline=(255, 255, 255))
        sheet.paste(picture, (place * image["width"], 0))
    sheet.save(path, quality=80)


def write(comparison, wanted, about):
    rows = collect(comparison, wanted)
    folder = comparison.folder
    text = table(rows, comparison, about)
    (folder / "table.md").write_text(text)
    if rows:
        draw(rows, folder)
    if comparison.validation.exists():
        show(comparison.validation, folder / "pictures.jpg")
    return text
