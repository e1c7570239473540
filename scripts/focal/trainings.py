"""The trainings of the comparison: which there are, in which order, how each is run, and what came out of it.

A training is kept in a folder of its own: one that is done is never run again, one that was interrupted goes on.
"""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

from .losses import LOSSES, MAIN, Loss

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOL = pathlib.Path(os.environ.get("DETECT_BATCH", ROOT / ".build/release/detect-batch"))
# 42 680 anchors for a picture of 320 pixels: 2134 places, of four sizes and five shapes each.
NETWORK = "--pyramid-channels 32 --head-depth 2 --anchor-sizes 14,17,20,24 --anchor-ratios 0.33,0.6,1,1.6,3"
# As the paper's: SGD with momentum, from a backbone with frozen norms, two drops of the rate, mirrored pictures excepted.
RECIPE = (
    "--batch-norm frozen --frozen-stages 2 --optimizer sgd --momentum 0.9 --weight-decay 0.0001 --schedule steps"
    " --warm-up 200 --batch-size 8 --images-per-call 4 --sizes 320 --max-size 320 --flip 0 --quiet"
)
# The same for every loss; the best is chosen for each, on the first seed. The likeliest first.
RATES = [0.012, 0.036, 0.004]


@dataclasses.dataclass(frozen=True)
class Training:
    loss: Loss
    rate: float
    epochs: float
    seed: int

    @property
    def folder(self):
        return f"{self.loss.folder}/rate{self.rate}-epochs{self.epochs:g}-seed{self.seed}"


@dataclasses.dataclass
class Outcome:
    curve: list  # (epoch, AP) of every evaluation; empty where the training diverged
    scores: list  # AP, AP50, AP75 at the end
    anchors: int = 0  # of all pictures seen, and those of objects
    object_anchors: int = 0

    @property
    def ap(self):
        return self.scores[0] if self.scores else 0.0


class Comparison:
    """All trainings below a folder."""

    def __init__(self, folder, epochs, seeds, train_set, validation, backbone):
        self.folder, self.epochs, self.seeds = folder, epochs, seeds
        self.train_set, self.validation, self.backbone = train_set, validation, backbone

    def path(self, training):
        return self.folder / "runs" / training.folder

    def outcome(self, training):
        """Of a finished training; None where it is not finished."""
        run = self.path(training)
        if not (run / "done").exists():
            return None
        metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        steps = [entry for entry in metrics if "loss" in entry]
        measured = [entry for entry in metrics if "AP" in entry]
        anchors = sum(entry["anchors"] for entry in steps), sum(entry["objectAnchors"] for entry in steps)
        if (run / "diverged").exists() or not measured:
            return Outcome([], [], *anchors)
        last = measured[-1]
        epochs = {entry["iteration"]: entry["epoch"] for entry in steps}
        curve = [(epochs[entry["iteration"]], entry["AP"]) for entry in measured]
        return Outcome(curve, [last["AP"], last["AP50"], last["AP75"]], *anchors)

    def best_rate(self, loss, epochs=None):
        """Of the first seed; None while not all rates are tried."""
        outcomes = [self.outcome(Training(loss, rate, epochs or self.epochs, self.seeds[0])) for rate in RATES]
        if None in outcomes:
            return None
        return RATES[max(range(len(RATES)), key=lambda index: outcomes[index].ap)]

    def common_rate(self):
        """One rate for all, as in the paper: the best of its focal loss."""
        return self.best_rate(next(loss for loss in LOSSES if loss.name == "FL gamma 2.0 alpha 0.25"))

    def run(self, training):
        """Runs a training, or goes on with it, unless it is done."""
        run = self.path(training)
        if (run / "done").exists():
            return
        command = [TOOL, "train"]
        if (run / "resume/state.safetensors").exists():
            command += ["--resume", run]
        else:
            run.parent.mkdir(parents=True, exist_ok=True)
            command += [self.train_set, "--validation", self.validation, "--start", self.backbone, "--output", run]
            command += ["--seed", training.seed, "--epochs", training.epochs, "--learning-rate", training.rate]
            every = max(0.25, training.epochs / 16)
            command += ["--evaluate-every", every, "--save-every", every]
            command += [*NETWORK.split(), *RECIPE.split(), *training.loss.options.split()]
        print(training.folder, flush=True)
        result = subprocess.run([str(word) for word in command], stderr=subprocess.PIPE, text=True)
        if result.returncode == 65 and "diverged" in result.stderr:
            (run / "diverged").write_text(result.stderr)
        elif result.returncode != 0:
            sys.exit(result.stderr)
        (run / "done").touch()

    def losses(self, wanted):
        """The main ones first."""
        chosen = [loss for loss in LOSSES if loss.name in wanted]
        return sorted(chosen, key=lambda loss: MAIN.index(loss.name) if loss.name in MAIN else len(MAIN))

    def run_all(self, wanted):
        """Everything, in breadth: all rates of the main losses, whether more would help, their seeds; then the others."""
        losses = self.losses(wanted)
        for group in ([loss for loss in losses if loss.name in MAIN], [loss for loss in losses if loss.name not in MAIN]):
            for rate in RATES:
                for loss in group:
                    self.run(Training(loss, rate, self.epochs, self.seeds[0]))
            main = [loss for loss in group if loss.name in MAIN]
            for loss in main:
                self.run(self.twice_as_long(loss))
            for seed in self.seeds[1:]:
                for loss in group:
                    self.run(Training(loss, self.best_rate(loss), self.epochs, seed))
                for loss in main:
                    if rate := self.common_rate():
                        self.run(Training(loss, rate, self.epochs, seed))

    def twice_as_long(self, loss):
        """Whether the length suffices: the same with all of it doubled."""
        return Training(loss, self.best_rate(loss), 2 * self.epochs, self.seeds[0])
