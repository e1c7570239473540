"""The losses of the paper's tables, and what it reports for each."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Loss:
    name: str
    table: str  # of the paper
    options: str  # of `detect-batch train`
    paper: float | None  # AP on COCO minival, 600 pixels, ResNet-50, of Table 1d ResNet-101; None: it has none
    note: str = ""

    @property
    def folder(self):
        return self.name.replace(" ", "_").replace(":", "-").replace(",", "").replace("*", "-star")


def ohem(count, nms, one_to_three, paper):
    flag = " --ohem-one-to-three" if one_to_three else ""
    name = f"OHEM {count}, nms {nms}{' 1:3' if one_to_three else ''}"
    return Loss(name, "1d", f"--loss ohem --ohem-batch {count} --ohem-nms {nms}{flag}", paper, "ResNet-101")


LOSSES = [
    Loss("CE without prior", "1a", "--loss cross-entropy --prior none", None, "diverges"),
    Loss("CE", "1a", "--loss cross-entropy", 30.2),
    *[
        Loss(f"CE alpha {alpha}", "1a", f"--loss cross-entropy --alpha {alpha}", paper)
        for alpha, paper in ((0.10, 0.0), (0.25, 10.8), (0.50, 30.2), (0.75, 31.1), (0.90, 30.8), (0.99, 28.7), (0.999, 25.1))
    ],
    *[
        Loss(f"FL gamma {gamma} alpha {alpha}", "1b", f"--loss focal --gamma {gamma} --alpha {alpha}", paper)
        for gamma, alpha, paper in (
            (0.1, 0.75, 31.4), (0.2, 0.75, 31.9), (0.5, 0.50, 32.9), (1.0, 0.25, 33.7), (2.0, 0.25, 34.0), (5.0, 0.25, 32.2),
        )
    ],
    Loss("FL* gamma 2 beta 1", "3", "--loss focal-star --gamma 2 --beta 1", 33.8),
    Loss("FL* gamma 4 beta 0", "3", "--loss focal-star --gamma 4 --beta 0", 33.9),
    ohem(128, 0.7, False, 31.1),
    ohem(256, 0.7, False, 31.8),
    ohem(512, 0.7, False, 30.6),
    ohem(128, 0.5, False, 32.8),
    ohem(256, 0.5, False, 31.0),
    ohem(512, 0.5, False, 27.6),
    ohem(128, 0.5, True, 31.1),
    ohem(256, 0.5, True, 28.3),
    ohem(512, 0.5, True, 24.0),
    # Whether what differs is the loss, or what comes with it. In mid-training the focal loss's class part is a ninth of cross
    # entropy's, so its boxes weigh more; OHEM divides its class part by the examples it keeps, three times the objects, so
    # its boxes do, too; and half of cross entropy's gradients are shortened.
    Loss("CE, box weight 5", "", "--loss cross-entropy --box-weight 5", None, "not in the paper"),
    Loss("CE, gradients as they are", "", "--loss cross-entropy --clip-norm 100000", None, "not in the paper"),
    Loss("OHEM 128, nms 0.5, box weight 0.3", "", "--loss ohem --ohem-batch 128 --ohem-nms 0.5 --box-weight 0.3", None, "not in the paper"),
]  # fmt: skip

# What the paper's argument rests on: trained first.
PAPERS_BEST = "FL gamma 2.0 alpha 0.25"
MAIN = ["CE", PAPERS_BEST, "CE alpha 0.75", "OHEM 128, nms 0.5", "FL gamma 0.5 alpha 0.5"]
