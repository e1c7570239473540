"""What came out of the comparison: a table, curves and bars beside the paper's, and every number in one small file."""

import json
import math
import statistics

from .losses import LOSSES, MAIN
from .trainings import RATES, Training

# Of Student's t, 97.5 %, by degrees of freedom.
T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365}
COLOURS = {"1a": "#8a8a8a", "1b": "#2a788e", "3": "#44bf70", "1d": "#d1495b"}


def interval(values):
    """Mean and half of the 95 % confidence interval, in percent; None without a second value."""
    mean = 100 * statistics.mean(values)
    if len(values) < 2:
        return mean, None
    return mean, 100 * T[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))


def cell(values):
    if not values:
        return ""
    mean, half = interval(values)
    return f"{mean:.1f}" + (f" ± {half:.1f}" if half is not None else "")


def collect(comparison, wanted):
    """Of each loss: its best rate, and the AP of every seed at it and at the one rate for all."""
    rows = []
    for loss in LOSSES:
        if loss.name not in wanted:
            continue
        tried = comparison.by_rate(loss)
        if not tried:
            continue
        best, common = comparison.best_rate(loss), comparison.common_rate()

        def finished(rate):
            found = [comparison.outcome(Training(loss, rate, comparison.epochs, seed)) for seed in comparison.seeds] if rate else []
            return [outcome for outcome in found if outcome]

        twice = comparison.outcome(comparison.twice_as_long(loss))
        rows.append({
            "loss": loss.name, "table": loss.table, "paper": loss.paper, "best_rate": best, "common_rate": common,
            "by_rate": {str(rate): outcome.ap for rate, outcome in tried.items()},
            "diverged": [rate for rate, outcome in tried.items() if not outcome.scores],
            "best": [outcome.scores or [0, 0, 0] for outcome in finished(best)],
            "common": [outcome.ap for outcome in finished(common)],
            "twice_as_long": twice.ap if twice else None,
            "curves": [outcome.curve for outcome in finished(best)],
            "anchors": [sum(outcome.anchors for outcome in finished(best)), sum(outcome.object_anchors for outcome in finished(best))],
        })  # fmt: skip
    return rows


def table(rows, comparison, about):
    lines = [
        about,
        "",
        f"AP in percent on the validation pictures: mean over the seeds {comparison.seeds} ± half of the 95 % confidence interval"
        " (Student's t). Rates were chosen for each loss on the first seed, from the same three (-: not tried)."
        " *One rate*: the best of the focal loss with gamma 2, for all. *Twice as long*: first seed, all else alike.",
        "",
        "| table | loss | AP | AP50 | AP75 | rate | AP by rate " + " / ".join(map(str, RATES)) + " | one rate | twice as long | paper |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        scores = [cell([scores[column] for scores in row["best"]]) for column in range(3)]
        by_rate = " / ".join(
            "diverged" if rate in row["diverged"] else f"{100 * row['by_rate'][str(rate)]:.1f}" if str(rate) in row["by_rate"] else "-"
            for rate in RATES
        )
        twice = "" if row["twice_as_long"] is None else f"{100 * row['twice_as_long']:.1f}"
        paper = "diverges" if row["paper"] is None else f"{row['paper']:.1f}"
        cells = [row["table"], row["loss"], *scores, row["best_rate"] or "", by_rate, cell(row["common"]), twice, paper]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    anchors, objects = (sum(row["anchors"][index] for row in rows) for index in (0, 1))
    if objects:
        lines += ["", f"One anchor in {anchors / objects:.0f} was an object's."]
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
        values = [100 * scores[0] for scores in row["best"]]
        if values:
            left.barh(place, statistics.mean(values), color=COLOURS[row["table"]])
            left.plot(values, [place] * len(values), "|", color="black", markersize=9)
        right.barh(place, row["paper"] or 0, color=COLOURS[row["table"]])
        if row["paper"] is None:
            right.text(0.5, place, "diverges", va="center")
    left.set_yticks(range(len(rows)), [row["loss"] for row in reversed(rows)])
    left.set_title("here: AP on generated pictures (marks: seeds)")
    right.set_title("the paper: AP on COCO minival")
    finish(figure, (left, right), "losses.svg")

    figure, axis = plt.subplots(figsize=(8, 5))
    for row in (row for row in rows if row["loss"] in MAIN and row["curves"] and row["curves"][0]):
        epochs = [epoch for epoch, _ in row["curves"][0]]
        complete = [curve for curve in row["curves"] if len(curve) == len(epochs)]
        means = [100 * statistics.mean(curve[index][1] for curve in complete) for index in range(len(epochs))]
        axis.plot(epochs, means, label=f"{row['loss']} ({len(complete)} seeds)")
    axis.set(xlabel="epoch", ylabel="validation AP, %", title="Main losses, each at its best rate")
    axis.legend(loc="lower right")
    finish(figure, [axis], "curves.svg")


def write(comparison, wanted, about):
    rows = collect(comparison, wanted)
    folder = comparison.folder
    (folder / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
    text = table(rows, comparison, about)
    (folder / "table.md").write_text(text)
    if rows:
        draw(rows, folder)
    return text
