"""Symbols of every common symbology, drawn by zint: matrices of modules with the label that a detector shall give them."""

import dataclasses
import string
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from .lettering import prose

LABELS = ["qr_code", "data_matrix", "aztec", "pdf417", "barcode"]
# Linear codes are one row of modules; their height is chosen where they are drawn.
LINEAR = "barcode"


@dataclasses.dataclass(frozen=True)
class Symbol:
    """`modules` is true where there is ink, without quiet zone; `text` is what people print below, if they do."""

    label: str
    kind: str
    modules: np.ndarray
    text: str


def digits(rng, count):
    return "".join(str(d) for d in rng.integers(0, 10, count))


def upper(rng, count):
    return "".join(rng.choice(list(string.ascii_uppercase + string.digits), count))


def between(rng, least, most):
    """A whole number, evenly in its logarithm."""
    return int(np.exp(rng.uniform(np.log(least), np.log(most + 1))))


def qr(rng):
    text = prose(rng, between(rng, 4, 330)) if rng.random() < 0.8 else digits(rng, between(rng, 4, 300))
    return ["-b", "58", "--secure", str(rng.integers(1, 5))], text


def micro_qr(rng):
    text = digits(rng, rng.integers(1, 15)) if rng.random() < 0.5 else upper(rng, rng.integers(1, 12))
    return ["-b", "97"], text


def data_matrix(rng):
    text = prose(rng, between(rng, 1, 150)) if rng.random() < 0.75 else digits(rng, between(rng, 2, 120))
    return ["-b", "71", "--square"], text


def rectangular_data_matrix(rng):
    version = int(rng.integers(25, 31))  # 8x18, 8x32, 12x26, 12x36, 16x36, 16x48
    return ["-b", "71", "--vers", str(version)], upper(rng, rng.integers(1, (6, 11, 17, 23, 33, 48)[version - 25]))


def aztec(rng):
    text = prose(rng, between(rng, 1, 200)) if rng.random() < 0.75 else digits(rng, between(rng, 2, 200))
    return ["-b", "92", "--secure", str(rng.integers(1, 4))], text


def aztec_rune(rng):
    return ["-b", "128"], str(rng.integers(0, 256))


def pdf417(rng):
    text = prose(rng, between(rng, 8, 330))
    return ["-b", "55", "--cols", str(rng.integers(1, 11)), "--secure", str(rng.integers(0, 5))], text


def truncated_pdf417(rng):
    return ["-b", "56", "--cols", str(rng.integers(1, 8))], prose(rng, between(rng, 8, 200))


def micro_pdf417(rng):
    return ["-b", "84", "--cols", str(rng.integers(1, 5))], prose(rng, between(rng, 4, 60))


def ean13(rng):
    add_on = "" if rng.random() < 0.9 else "+" + digits(rng, rng.choice([2, 5]))
    return ["-b", "13"], digits(rng, 12) + add_on


def gs1_128(rng):
    return ["-b", "16"], f"[01]{gtin(rng)}[10]{upper(rng, rng.integers(2, 8))}"


def gtin(rng):
    body = digits(rng, 13)
    check = -sum(int(d) * (3, 1)[i % 2] for i, d in enumerate(body)) % 10
    return f"{body}{check}"


# Label, name, share among its label's, and what zint is told.
KINDS = [
    ("qr_code", "qr", 0.93, qr),
    ("qr_code", "micro_qr", 0.07, micro_qr),
    ("data_matrix", "data_matrix", 0.84, data_matrix),
    ("data_matrix", "rectangular_data_matrix", 0.16, rectangular_data_matrix),
    ("aztec", "aztec", 0.94, aztec),
    ("aztec", "aztec_rune", 0.06, aztec_rune),
    ("pdf417", "pdf417", 0.82, pdf417),
    ("pdf417", "truncated_pdf417", 0.08, truncated_pdf417),
    ("pdf417", "micro_pdf417", 0.1, micro_pdf417),
    ("barcode", "ean13", 0.25, ean13),
    ("barcode", "ean8", 0.07, lambda rng: (["-b", "13"], digits(rng, 7))),
    ("barcode", "upca", 0.1, lambda rng: (["-b", "34"], digits(rng, 11))),
    ("barcode", "upce", 0.05, lambda rng: (["-b", "37"], "0" + digits(rng, 6))),
    ("barcode", "code128", 0.15, lambda rng: (["-b", "20"], upper(rng, between(rng, 4, 24)))),
    ("barcode", "gs1_128", 0.03, gs1_128),
    ("barcode", "code39", 0.09, lambda rng: (["-b", "8"], upper(rng, rng.integers(3, 13)))),
    ("barcode", "code93", 0.04, lambda rng: (["-b", "25"], upper(rng, rng.integers(4, 14)))),
    ("barcode", "itf", 0.12, lambda rng: (["-b", "3"], digits(rng, 2 * rng.integers(1, 10)))),
    ("barcode", "itf14", 0.05, lambda rng: (["-b", "89"], digits(rng, 13))),
    ("barcode", "industrial", 0.02, lambda rng: (["-b", str(rng.choice([2, 6, 7]))], digits(rng, rng.integers(3, 12)))),
    ("barcode", "msi", 0.01, lambda rng: (["-b", "47"], digits(rng, rng.integers(3, 12)))),
    ("barcode", "code11", 0.01, lambda rng: (["-b", "1"], digits(rng, rng.integers(3, 12)))),
    ("barcode", "codabar", 0.04, lambda rng: (["-b", "18"], f"A{digits(rng, rng.integers(4, 12))}B")),
    ("barcode", "databar", 0.02, lambda rng: (["-b", "29"], digits(rng, 13))),
    ("barcode", "databar_limited", 0.01, lambda rng: (["-b", "30"], "0" + digits(rng, 12))),
    ("barcode", "databar_stacked", 0.02, lambda rng: (["-b", str(rng.choice([79, 80]))], digits(rng, 13))),
]  # fmt: skip


def draw(label, kind, describe, rng):
    """One symbol; zint refuses what does not fit into a symbology, so it is asked again with another content."""
    for _ in range(20):
        options, text = describe(rng)
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            command = ["zint", *options, "-d", text, "-o", file.name, "--scale", "0.5", "--notext"]
            if subprocess.run(command, capture_output=True).returncode >= 5:
                continue
            ink = np.asarray(Image.open(file.name).convert("L")) < 128
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if label == LINEAR and kind != "databar_stacked":
            ink = ink[len(ink) // 2 : len(ink) // 2 + 1]
        return Symbol(label, kind, np.ascontiguousarray(ink), text.replace("[", "(").replace("]", ")"))
    raise ValueError(f"zint draws no {kind}")


def draw_pool(seed, per_label, threads):
    """Symbols by label, `per_label` of each, the same for the same seed (a list of numbers) and zint."""
    jobs = []
    for number, (label, kind, share, describe) in enumerate(KINDS):
        for index in range(max(1, round(share * per_label))):
            jobs.append((label, kind, describe, np.random.default_rng([*seed, number, index])))
    with ThreadPoolExecutor(threads) as executor:
        symbols = list(executor.map(lambda job: draw(*job), jobs))
    return {label: [s for s in symbols if s.label == label] for label in LABELS}
