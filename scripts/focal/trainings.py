"""The trainings of the comparison: which there are, in which order, how each is run, and what came out of it.

A training has a folder of its own, in which an interrupted one goes on. What came out of it is kept in results.json: one
that is in there is never run again. With that file and recipe.txt the comparison goes on in another folder, or on another
machine, where a seed stands for the same pictures in the same order, but its backbone comes out a little different.
"""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import threading

from .kept import digest, processor, write_whole
from .losses import LOSSES, MAIN, Loss

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOL = pathlib.Path(os.environ.get("DETECT_BATCH", ROOT / ".build/release/detect-batch"))
# 43 245 anchors for a picture of 464 pixels, which is filled up to 480: 4805 places, of three sizes and three shapes each,
# as in the paper. Heads of 32 channels need norms: the paper's first weights (normal, 0.01) all but silence so few.
NETWORK = "--pyramid-channels 32 --head-depth 2 --head-norm groupNorm --anchor-sizes 18,22,28 --anchor-ratios 0.5,1,2"
CLIP_NORM, WARM_UP = 5, 100
# The paper's 90 000 steps of SGD are out of reach. In a trial of 10 000 plainer pictures the focal loss reached AP 26 with
# SGD (rate 0.02, two drops) and 48 with AdamW, a cosine and a moving average of the weights, cross entropy 0 and 2.
# Divided by each picture's own objects, an empty one by 1, cross entropy's loss is at first mostly that of empty pictures.
RECIPE = (
    "--batch-norm frozen --frozen-stages 2 --optimizer adamw --weight-decay 0.01 --average-decay 0.99"
    f" --clip-norm {CLIP_NORM} --schedule cosine --warm-up {WARM_UP} --batch-size 4 --images-per-call 2 --sizes 464 --max-size 464 --flip 0 --quiet"
    " --normalization batch"
)
# The same for every loss; the best is chosen for each, on the first seed. The likeliest first.
RATES = [0.002, 0.004, 0.001]
# Tried with the main losses whose best of RATES is the one beside it.
WIDER = {0.004: 0.008, 0.001: 0.0005}


@dataclasses.dataclass(frozen=True)
class Training:
    loss: Loss
    rate: float
    epochs: float
    seed: int

    @property
    def name(self):
        return f"{self.loss.folder}/rate{self.rate}-epochs{self.epochs:g}-seed{self.seed}"


@dataclasses.dataclass
class Outcome:
    curve: list  # (epoch, AP) on the validation pictures; empty where the training diverged
    scores: list  # AP, AP50, AP75 of the last weights on the test pictures; zeros where it diverged
    above_clip_norm: float  # share of the steps after the warm-up whose gradient was longer
    anchors: int  # of all pictures seen, and those of objects
    object_anchors: int
    processor: str  # that it was trained on
    backbone: str  # digest of the weights that it started from; empty: not noted

    @property
    def validation(self):
        return self.curve[-1][1] if self.curve else 0.0


def outcome_of(run, diverged, backbone):
    """What came out of a training, from what it has written."""
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [entry for entry in metrics if "loss" in entry]
    measured = [entry for entry in metrics if "AP" in entry]
    anchors = sum(entry["anchors"] for entry in steps), sum(entry["objectAnchors"] for entry in steps)
    after = [entry["gradientNorm"] > CLIP_NORM for entry in steps[WARM_UP:]]
    above_clip_norm = sum(after) / max(1, len(after))
    if diverged:
        return Outcome([], [0, 0, 0], above_clip_norm, *anchors, processor(), digest(backbone))
    epochs = {entry["iteration"]: entry["epoch"] for entry in steps}
    curve = [(epochs[entry["iteration"]], entry["AP"]) for entry in measured]
    tested = json.loads((run / "test.json").read_text())["metrics"]
    return Outcome(curve, [tested["AP"], tested["AP50"], tested["AP75"]], above_clip_norm, *anchors, processor(), digest(backbone))


class Comparison:
    """All trainings below a folder, which start from the backbone of their seed (.pth files)."""

    def __init__(self, folder, epochs, seeds, train_set, validation, test, backbones, jobs=1):
        self.folder, self.epochs, self.seeds, self.jobs = folder, epochs, seeds, jobs
        self.train_set, self.validation, self.test, self.backbones = train_set, validation, test, backbones
        self.results, self.writing = folder / "results.json", threading.Lock()
        kept = json.loads(self.results.read_text()) if self.results.exists() else {}
        self.outcomes = {name: Outcome(**fields) for name, fields in kept.items()}

    def path(self, training):
        return self.folder / "runs" / training.name

    def outcome(self, training):
        """Of a finished training; None where it is not finished."""
        return self.outcomes.get(training.name)

    def keep(self, training, outcome):
        """Notes it, a training on a line."""
        with self.writing:
            self.outcomes[training.name] = outcome
            lines = (f"{json.dumps(name)}: {json.dumps(vars(outcome))}" for name, outcome in sorted(self.outcomes.items()))
            write_whole(self.results, "{\n" + ",\n".join(lines) + "\n}\n")

    def by_rate(self, loss):
        """The outcomes by rate of the first seed that the loss was trained with."""
        for seed in self.seeds:
            outcomes = {rate: self.outcome(Training(loss, rate, self.epochs, seed)) for rate in [*RATES, *WIDER.values()]}
            if any(outcomes.values()):
                return {rate: outcome for rate, outcome in outcomes.items() if outcome}
        return {}

    def best_rate(self, loss):
        """Of those that are tried; None before the first."""
        tried = self.by_rate(loss)
        return max(tried, key=lambda rate: tried[rate].validation, default=None)

    def common_rate(self):
        """One rate for all, as in the paper: of those that every main loss was tried with, the best for their mean."""
        tried = [self.by_rate(loss) for loss in LOSSES if loss.name in MAIN]
        shared = [rate for rate in RATES if all(rate in outcomes for outcomes in tried)]
        return max(shared, key=lambda rate: sum(outcomes[rate].validation for outcomes in tried), default=None)

    def run(self, training):
        """Runs a training, or goes on with it, unless it is done."""
        if self.outcome(training):
            return
        run = self.path(training)
        workers = max(1, os.cpu_count() // self.jobs)
        command = [TOOL, "train", "--workers", workers]
        if (run / "resume/state.safetensors").exists():
            command += ["--resume", run]
        else:
            run.parent.mkdir(parents=True, exist_ok=True)
            command += [self.train_set, "--validation", self.validation, "--start", self.backbones[training.seed], "--output", run]
            command += ["--seed", training.seed, "--epochs", training.epochs, "--learning-rate", training.rate]
            every = training.epochs / 8
            command += ["--evaluate-every", every, "--save-every", every]
            command += [*NETWORK.split(), *RECIPE.split(), *training.loss.options.split()]
        print(training.name, flush=True)
        result = subprocess.run([str(word) for word in command], stderr=subprocess.PIPE, text=True)
        diverged = result.returncode == 65 and "diverged" in result.stderr
        if result.returncode != 0 and not diverged:
            print(f"{run}: {result.stderr}what runs besides is still finished", file=sys.stderr, flush=True)
            sys.exit(1)
        if not diverged:
            self.measure(run, workers)
        self.keep(training, outcome_of(run, diverged, self.backbones[training.seed]))

    def measure(self, run, workers):
        """The last weights on pictures that nothing was chosen by."""
        command = [TOOL, "evaluate", "--annotations", self.test, "--images", self.test.parent, "--model", run / "last.safetensors"]
        command += ["--workers", workers, "--quiet", "--json"]
        result = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True)
        (run / "test.json").write_text(result.stdout)

    def losses(self, wanted):
        """The main ones first."""
        chosen = [loss for loss in LOSSES if loss.name in wanted]
        return sorted(chosen, key=lambda loss: MAIN.index(loss.name) if loss.name in MAIN else len(MAIN))

    def run_all(self, wanted):
        """Everything, what tells most first: the main losses at all rates, with their seeds, twice as long; then the others."""
        losses = self.losses(wanted)
        main = [loss for loss in losses if loss.name in MAIN]
        others = [loss for loss in losses if loss.name not in MAIN]
        self.run_side_by_side(self.first_seed(main, *RATES))
        self.run_side_by_side([self.first_seed([loss], WIDER[rate])[0] for loss in main if (rate := self.best_rate(loss)) in WIDER])
        self.run_side_by_side(self.other_seeds(main))
        self.run_side_by_side([self.twice_as_long(loss) for loss in main])
        self.run_side_by_side(self.first_seed(others, self.common_rate() or RATES[0], *RATES))
        self.run_side_by_side(self.other_seeds(others))

    def run_side_by_side(self, trainings):
        """One worker each: two such trainings are a tenth faster than one with two workers after the other, and the same."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(self.run, dict.fromkeys(trainings)))

    def at_rate(self, rate, losses):
        return [Training(loss, rate, self.epochs, seed) for seed in self.seeds for loss in losses]

    def first_seed(self, losses, *rates):
        return [Training(loss, rate, self.epochs, self.seeds[0]) for rate in rates for loss in losses]

    def other_seeds(self, losses):
        """At each loss's best rate and, of the main ones, at the one rate for all."""
        trainings = []
        for seed in self.seeds[1:]:
            for loss in losses:
                trainings.append(Training(loss, self.best_rate(loss), self.epochs, seed))
                if loss.name in MAIN and (rate := self.common_rate()):
                    trainings.append(Training(loss, rate, self.epochs, seed))
        return trainings

    def twice_as_long(self, loss):
        """Whether the length suffices: the same with all of it doubled."""
        return Training(loss, self.best_rate(loss), 2 * self.epochs, self.seeds[0])
