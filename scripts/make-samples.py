#!/usr/bin/env python3
"""Makes samples/: small pictures and a short video with machine-readable codes in them.

Needs Pillow and numpy, zint (draws the symbols) and ffmpeg (codes the video); Debian:
  apt-get install zint ffmpeg python3-pil python3-numpy fonts-dejavu-core
Usage: scripts/make-samples.py [FOLDER]      (default: samples beside scripts)

Everything is drawn from a seed: the same pictures on the same versions of Pillow and ffmpeg.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
# zint's numbers of the symbologies.
QR, DATA_MATRIX, AZTEC, PDF417, CODE128, EAN13 = 58, 71, 92, 55, 20, 13
ORIENTATION = 0x0112  # the EXIF tag


def symbol(kind, text, *options):
    """A code as a black and white picture, two pixels a module, with its quiet zone."""
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        command = ["zint", "-b", str(kind), "-o", file.name, "-d", text, "--quietzones", *options]
        subprocess.run(command, check=True)
        return Image.open(file.name).convert("RGB")


def label(size, title, lines, symbols):
    """A white card with a title, lines of text, and symbols pasted as (picture, x, y, width)."""
    card = Image.new("RGB", size, (250, 249, 245))
    draw = ImageDraw.Draw(card)
    draw.rectangle([0, 0, size[0] - 1, size[1] - 1], outline=(120, 118, 112), width=2)
    draw.text((18, 12), title, fill=(20, 20, 24), font=ImageFont.truetype(FONT, 30))
    for row, line in enumerate(lines):
        draw.text((18, 58 + 24 * row), line, fill=(40, 40, 44), font=ImageFont.truetype(FONT, 17))
    for picture, x, y, width in symbols:
        height = round(picture.height * width / picture.width)
        card.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (x, y))
    return card


def surface(generator, size, colour, grain, streaks=0.0):
    """A background: one colour, uneven light, grain, and horizontal streaks (wood, cardboard)."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = 1 + 0.18 * np.cos((x / width - generator.random()) * 2.6) - 0.12 * (y / height)
    picture = np.array(colour, np.float32) * light[..., None]
    rows = np.convolve(generator.normal(0, 1, height), np.ones(5) / 5, "same")
    picture += streaks * rows[:, None, None] + generator.normal(0, grain, (height, width, 1))
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def place(scene, card, corners):
    """Pastes a card so that its corners (from the top left, clockwise) lie at these points, over a soft shadow."""
    width, height = card.size
    rows, right = [], []
    for (x, y), (u, v) in zip(corners, [(0, 0), (width, 0), (width, height), (0, height)]):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    coefficients = np.linalg.solve(np.array(rows, float), np.array(right, float))
    warped = card.transform(
        scene.size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC
    )
    mask = Image.new("L", scene.size, 0)
    ImageDraw.Draw(mask).polygon([tuple(corner) for corner in corners], fill=255)
    shadow = mask.transform(scene.size, Image.Transform.AFFINE, (1, 0, -5, 0, 1, -7))
    shadow = shadow.filter(ImageFilter.GaussianBlur(7)).point(lambda value: value * 0.45)
    scene.paste((18, 16, 14), mask=shadow)
    scene.paste(warped, mask=mask.filter(ImageFilter.GaussianBlur(0.6)))


def photograph(generator, scene, blur=0.7, noise=3.0):
    """What a camera adds: softness and noise."""
    pixels = np.asarray(scene.filter(ImageFilter.GaussianBlur(blur)), np.float32)
    pixels = pixels + generator.normal(0, noise, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def parcel(generator):
    """A shipping label with a QR code and a barcode, on cardboard."""
    scene = surface(generator, (960, 720), (176, 140, 98), 5, streaks=6)
    ImageDraw.Draw(scene).rectangle([0, 300, 960, 352], fill=(196, 172, 128))
    card = label(
        (600, 440),
        "PARCEL 0042-7719",
        ["From: Winograd & Sons, Tile Street 4", "To: The Anchor, Pyramid Lane 7", "1.4 kg"],
        [
            (symbol(QR, "parcel:0042-7719;hop=3", "--secure", "2"), 400, 130, 180),
            (symbol(CODE128, "0042-7719-3361", "--height", "40"), 18, 190, 350),
        ],
    )
    place(scene, card, [(190, 120), (790, 150), (770, 600), (170, 560)])
    return photograph(generator, scene)


def ticket(generator):
    """A ticket with an Aztec code, lying askew on a dark table."""
    scene = surface(generator, (800, 600), (74, 82, 92), 4, streaks=3)
    aztec = symbol(AZTEC, "TICKET/A-1187/SEAT 14C/2024-05-03/ONE WAY")
    card = label(
        (520, 300),
        "ONE WAY",
        ["Seat 14C, coach 3", "3 May, 07:42", "Not valid without a frame"],
        [(aztec, 310, 70, 190)],
    )
    place(scene, card, [(150, 190), (610, 110), (668, 390), (206, 478)])
    return photograph(generator, scene, blur=0.9)


def shelf(generator):
    """Two price tags: an EAN barcode and a Data Matrix."""
    scene = surface(generator, (900, 600), (150, 160, 158), 3)
    draw = ImageDraw.Draw(scene)
    for left, colour in [(40, (170, 60, 52)), (240, (52, 98, 150)), (560, (220, 186, 70))]:
        draw.rectangle([left, 20, left + 170, 300], fill=colour, outline=(40, 40, 40), width=3)
    draw.rectangle([0, 300, 900, 330], fill=(92, 96, 96))
    ean = symbol(EAN13, "590123412345", "--height", "50")
    place(
        scene,
        label((420, 250), "OAT BISCUITS  2.49", ["250 g"], [(ean, 90, 85, 240)]),
        [(60, 345), (440, 340), (444, 570), (64, 566)],
    )
    matrix = symbol(DATA_MATRIX, "LOT 7731 / BEST BEFORE 2025-11 / LINE 2")
    place(
        scene,
        label((360, 250), "LOT 7731", ["Line 2"], [(matrix, 170, 60, 170)]),
        [(500, 350), (850, 344), (846, 572), (504, 566)],
    )
    return photograph(generator, scene)


def licence(generator):
    """A card with a PDF417 strip."""
    scene = surface(generator, (640, 800), (128, 104, 84), 4, streaks=4)
    strip = symbol(
        PDF417, "NAME:ADA EXAMPLE;ID:99-1203-77;CLASS:B;VALID:2030-01-31;COUNTRY:XX", "--cols", "5"
    )
    card = label(
        (540, 340),
        "CARD OF NO CONSEQUENCE",
        ["Ada Example", "99-1203-77", "Class B"],
        [(strip, 40, 170, 460)],
    )
    place(scene, card, [(50, 240), (586, 226), (600, 570), (40, 560)])
    return photograph(generator, scene)


def screenshot():
    """A ticket on a screen: no camera, few colours."""
    scene = Image.new("RGB", (360, 640), (236, 238, 242))
    draw = ImageDraw.Draw(scene)
    draw.rectangle([0, 0, 360, 56], fill=(40, 62, 110))
    draw.text((16, 16), "My tickets", fill="white", font=ImageFont.truetype(FONT, 20))
    code = symbol(QR, "screen/0815/14C", "--secure", "3").resize((200, 200), Image.Resampling.NEAREST)
    draw.rounded_rectangle([20, 80, 340, 420], 14, fill="white")
    scene.paste(code, (80, 110))
    draw.text((96, 340), "Coach 3, seat 14C", fill=(40, 40, 44), font=ImageFont.truetype(FONT, 17))
    return scene.convert("P", palette=Image.Palette.ADAPTIVE, colors=16)


def no_code(generator):
    """Fruit and a blank card, no code."""
    scene = surface(generator, (800, 600), (108, 128, 110), 4)
    draw = ImageDraw.Draw(scene)
    draw.ellipse([90, 300, 290, 500], fill=(200, 120, 60), outline=(60, 40, 30), width=4)
    draw.ellipse([250, 330, 420, 500], fill=(190, 60, 60), outline=(60, 30, 30), width=4)
    card = label((330, 230), "", ["oats, apples, tea"], [])
    place(scene, card, [(440, 120), (740, 150), (720, 350), (425, 330)])
    return photograph(generator, scene, blur=1.2)


def conveyor(generator, folder, frames=100, size=(640, 360)):
    """Parcels on a belt, right to left: frames as PNG."""
    width, height = size
    belt = surface(generator, (width * 2, height), (70, 72, 76), 2)
    kinds = [
        symbol(QR, "belt/0001", "--secure", "2"),
        symbol(CODE128, "BELT-0002", "--height", "40"),
        symbol(DATA_MATRIX, "belt/0003/data matrix"),
    ]
    boxes = []
    for index, kind in enumerate(kinds):
        box = surface(generator, (250, 220), (182, 146, 102), 3, streaks=4)
        code_width = 190 if kind.width > 2 * kind.height else 120
        card = Image.new("RGB", (code_width + 24, round(kind.height * code_width / kind.width) + 24))
        card.paste((250, 249, 245), (0, 0, *card.size))
        card.paste(
            kind.resize((code_width, card.height - 24), Image.Resampling.LANCZOS), (12, 12)
        )
        box.paste(card, ((250 - card.width) // 2, (220 - card.height) // 2))
        box.putalpha(255)
        boxes.append(box.rotate((-4, 3, 6)[index], Image.Resampling.BICUBIC, expand=True))
    for frame in range(frames):
        scene = belt.crop((frame * 6 % width, 0, frame * 6 % width + width, height))
        draw = ImageDraw.Draw(scene)
        draw.rectangle([0, 0, width, 34], fill=(48, 50, 54))
        draw.rectangle([0, height - 34, width, height], fill=(48, 50, 54))
        for index, box in enumerate(boxes):
            scene.paste(box, (width + 60 + index * 400 - frame * 15, 60), box)
        photograph(generator, scene, blur=0.5, noise=1.5).save(folder / f"{frame:04}.png")


def packing(generator, folder, frames=50, size=(480, 270)):
    """Parcels without a code on a belt, with text, tape and grates: frames as PNG."""
    width, height = size
    belt = surface(generator, (width * 2, height), (88, 90, 86), 2)
    draw = ImageDraw.Draw(belt)
    for x in range(0, 2 * width, 24):  # rollers
        draw.rectangle([x, 0, x + 5, height], fill=(60, 62, 60))
    parcels = []
    for title, lines in (("FRAGILE", ["this side up", "keep dry"]), ("TEA 12 x 250 g", ["shelf 4"])):
        parcel = surface(generator, (180, 150), (170, 138, 98), 3, streaks=4)
        pen = ImageDraw.Draw(parcel)
        pen.rectangle([0, 66, 180, 84], fill=(196, 178, 140))
        parcel.paste(label((150, 50), "", [], []), (14, 92))
        pen.text((18, 8), title, fill=(30, 26, 24), font=ImageFont.truetype(FONT, 20))
        for row, line in enumerate(lines):
            pen.text((22, 96 + 18 * row), line, fill=(40, 40, 44), font=ImageFont.truetype(FONT, 14))
        parcels.append(parcel)
    for frame in range(frames):
        scene = belt.crop((frame * 8 % width, 0, frame * 8 % width + width, height))
        for index, parcel in enumerate(parcels):
            scene.paste(parcel, (width - 100 + index * 260 - frame * 10, 60))
        photograph(generator, scene, blur=0.6, noise=2).save(folder / f"{frame:04}.png")


def film(make, seed, path):
    """Codes the frames that `make` draws."""
    with tempfile.TemporaryDirectory() as folder:
        make(np.random.default_rng(seed), Path(folder))
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-framerate", "25", "-i", f"{folder}/%04d.png"]
            + ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "26", "-g", "25", "-threads", "1"]
            + ["-bitexact", "-movflags", "+faststart", str(path)],
            check=True,
        )


def main():
    root = Path(__file__).resolve().parent.parent
    samples = Path(sys.argv[1]) if len(sys.argv) > 1 else root / "samples"
    images, videos = samples / "images", samples / "videos"
    images.mkdir(parents=True, exist_ok=True)
    videos.mkdir(parents=True, exist_ok=True)
    for seed, (name, make) in enumerate(
        [("parcel", parcel), ("ticket", ticket), ("shelf", shelf), ("no-code", no_code)]
    ):
        make(np.random.default_rng(seed)).save(images / f"{name}.jpg", quality=82)
    screenshot().save(images / "screenshot.png", optimize=True)
    # As a phone held upright stores it: the sensor's rows run down the picture, and a tag says so.
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    sideways = licence(np.random.default_rng(10)).transpose(Image.Transpose.ROTATE_90)
    sideways.save(images / "phone.jpg", quality=82, exif=exif)
    film(conveyor, 20, videos / "conveyor.mp4")
    film(packing, 21, videos / "packing.mp4")


if __name__ == "__main__":
    main()
