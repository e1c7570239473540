#!/usr/bin/env python3
"""Writes Tests/FrameDecodingTests/Fixtures/cases: small files of kinds that were once read wrongly.

Needs ffmpeg and ffprobe 5.1, heif-enc 1.15 (Debian: ffmpeg, libheif-examples), pillow, numpy, tifffile and imagecodecs.
  videos/*      times that only packets have, open groups of pictures, wrong key flags, an empty sample; ffprobe.json is what
                ffprobe says of them (see make-media-fixtures.py)
  tiff/*        tiles, planes, compressions, pages; scene.rgb is the picture in all of them
  heif/*        one picture in tiles, turned and mirrored in every way; scene.rgb is how it must look
  *.jls, *.jpg  pictures that FFmpeg cannot decode, or not wholly
"""
import importlib.util
import json
import pathlib
import shutil
import struct
import subprocess
import tempfile

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "Tests/FrameDecodingTests/Fixtures/cases"
spec = importlib.util.spec_from_file_location("media", HERE / "make-media-fixtures.py")
media = importlib.util.module_from_spec(spec)
spec.loader.exec_module(media)


def picture(width, height):
    """Smooth and without symmetry, so that compression does little and every way to lay it differs."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([40 + x * 180 // width + y // 2, 210 - y * 180 // height, 70 + x // 2 + y // 2], -1).clip(0, 255).astype(np.uint8)


def make_videos(folder):
    x264 = "-c:v libx264 -threads 1 -preset veryfast -crf 38 -pix_fmt yuv420p -g 10"
    opened = f"{x264} -bf 3 -b_strategy 0 -x264-params open-gop=1:b-pyramid=normal:scenecut=0"
    mpeg2 = "-c:v mpeg2video -threads 1 -q:v 20 -g 10 -bf 2"
    source = media.scene(1.4)
    for name, options in (
        ("open-gop.mp4", opened), ("open-gop.ts", opened), ("open-gop.mpg", opened), ("b-frames.avi", f"{x264} -bf 2"),
        ("mpeg2.mpg", mpeg2), ("mpeg2.m2v", mpeg2), ("mpeg4.avi", mpeg2.replace("mpeg2video", "mpeg4")),
        ("refresh.mp4", f"{x264} -bf 0 -x264-params intra-refresh=1:scenecut=0"),
        ("open-gop.mkv", "-c:v libx265 -threads 1 -preset ultrafast -crf 40 -x265-params "
         "log-level=error:open-gop=1:keyint=10:bframes=4:scenecut=0:pools=none:frame-threads=1"),
    ):
        media.ffmpeg(options, source, output=folder / name)
    # Begins at 1.6666666 seconds, which FFmpeg rounds up to microseconds: a second later is less than a second.
    media.ffmpeg(f"{x264} -bf 2 -output_ts_offset 0.266667", media.scene(1.4, rate=30), output=folder / "rounding.ts")

    # Only the first keyframe is called one, as by programs that count none that pictures refer across.
    movie = bytearray((folder / "open-gop.mp4").read_bytes())
    table = movie.index(b"stss")
    movie[table + 8 : table + 12] = struct.pack(">I", 1)
    (folder / "key-flags.mp4").write_bytes(movie)

    # A sample of no bytes: what follows moves up, so that the offsets of the one chunk still hold.
    movie = bytearray(media_bytes(f"{x264} -bf 0", media.scene(1), folder / "empty-sample.mp4"))
    sizes = movie.index(b"stsz") + 16
    count = struct.unpack(">I", movie[sizes - 4 : sizes])[0]
    lengths = struct.unpack(f">{count}I", movie[sizes : sizes + 4 * count])
    gone = count // 2
    movie[sizes + 4 * gone : sizes + 4 * gone + 4] = bytes(4)
    data = movie.index(b"mdat") + 4 + sum(lengths[:gone])
    movie[data:] = movie[data + lengths[gone] :]
    start = movie.index(b"mdat") - 4
    movie[start : start + 4] = struct.pack(">I", 8 + sum(lengths) - lengths[gone])
    (folder / "empty-sample.mp4").write_bytes(movie)
    probes = {path.name: media.probe(path) for path in sorted(folder.iterdir())}
    (folder / "ffprobe.json").write_text(json.dumps(probes, indent=1) + "\n")


def media_bytes(options, source, path):
    """A movie with its index in front, in one chunk, and nothing after its samples."""
    media.ffmpeg(f"{options} -movflags +faststart", source, output=path)
    return path.read_bytes()


def make_tiffs(folder):
    scene = picture(83, 61)
    (folder / "scene.rgb").write_bytes(scene.tobytes())
    planes = np.moveaxis(scene, -1, 0)
    for compression in ("none", "lzw", "deflate", "packbits", "zstd", "lzma"):
        tifffile.imwrite(folder / f"tiles-{compression}.tif", scene, compression=compression, tile=(32, 32), photometric="rgb")
        tifffile.imwrite(folder / f"planes-{compression}.tif", planes, compression=compression, planarconfig="separate", photometric="rgb")
    for name, kind in (("jpeg", "rgb"), ("jpeg-luma", "ycbcr")):
        options = dict(compression="jpeg", compressionargs=dict(level=98), photometric=kind)
        stored = scene if kind == "rgb" else np.asarray(Image.fromarray(scene).convert("YCbCr"))
        tifffile.imwrite(folder / f"tiles-{name}.tif", stored, tile=(32, 32), **options)
        tifffile.imwrite(folder / f"strips-{name}.tif", stored, **options)
    tifffile.imwrite(folder / "strips-16.tif", scene.astype(np.uint16) * 257, photometric="rgb", compression="lzw")
    tifffile.imwrite(folder / "strips-big.tif", scene, bigtiff=True, byteorder=">", photometric="rgb")
    # Red, green and blue are what they are, whatever alpha says.
    alpha = np.full(scene.shape[:2], 9, np.uint8)
    tifffile.imwrite(
        folder / "strips-alpha.tif", np.dstack([scene, alpha]), photometric="rgb", extrasamples=["unassalpha"], compression="lzw")
    tifffile.imwrite(folder / "float.tif", scene[..., 0].astype(np.float32) / 255, photometric="minisblack")
    with tifffile.TiffWriter(folder / "pages.tif") as pages:
        pages.write(scene, photometric="rgb", compression="lzw")
        pages.write(scene[::2, ::2], photometric="rgb", compression="lzw", subfiletype=1)
        pages.write(scene[::-1], photometric="rgb", compression="lzw", extratags=[(0x0112, "H", 1, 4, True)])
        pages.write(np.rot90(scene), photometric="rgb", compression="lzw", extratags=[(0x0112, "H", 1, 6, True)])
    # A camera's raw file by its parts: a preview, and the sensor's samples in a directory below.
    tifffile.imwrite(
        folder / "raw.dng", scene[::4, ::4], photometric="rgb", subfiletype=1, extratags=[(50706, "B", 4, b"\1\4\0\0", True)])


def box(kind, *contents):
    content = b"".join(contents)
    return struct.pack(">I", 8 + len(content)) + kind.encode() + content


def full_box(kind, version, *contents):
    return box(kind, struct.pack(">I", version << 24), *contents)


def coded(pixels, scratch):
    """The decoder's configuration and the bytes of one picture, as heif-enc makes them."""
    Image.fromarray(pixels).save(scratch / "tile.png")
    subprocess.run(
        ["heif-enc", "-q", "96", "-p", "chroma=444", "-o", scratch / "tile.heic", scratch / "tile.png"], check=True, capture_output=True)
    file = (scratch / "tile.heic").read_bytes()

    def content(kind):
        place = file.index(kind)
        return file[place + 4 : place - 4 + int.from_bytes(file[place - 4 : place], "big")]

    return content(b"hvcC"), content(b"mdat")


def grid(stored, turns, scratch):
    """A picture in tiles of 64x64, as phones store them, with boxes that turn it."""
    height, width = stored.shape[:2]
    rows, columns = -(-height // 64), -(-width // 64)
    padded = np.pad(stored, ((0, rows * 64 - height), (0, columns * 64 - width), (0, 0)), mode="edge")
    tiles = [coded(padded[y * 64 : y * 64 + 64, x * 64 : x * 64 + 64], scratch) for y in range(rows) for x in range(columns)]
    count = len(tiles)
    assert len({configuration for configuration, _ in tiles}) == 1
    layout = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    datas = [data for _, data in tiles] + [layout]
    primary = count + 1

    infos = b"".join(
        full_box("infe", 2, struct.pack(">HH", number, 0), (b"hvc1" if number <= count else b"grid"), b"\0")
        for number in range(1, primary + 1))
    properties = box(
        "ipco", box("hvcC", tiles[0][0]), full_box("ispe", 0, struct.pack(">II", 64, 64)),
        full_box("ispe", 0, struct.pack(">II", width, height)), *turns)
    links = [struct.pack(">HBBB", number, 2, 0x81, 2) for number in range(1, count + 1)]
    links.append(struct.pack(">HBB", primary, 1 + len(turns), 3) + bytes(0x84 + n for n in range(len(turns))))
    associations = full_box("ipma", 0, struct.pack(">I", primary), *links)

    def meta(start):
        places = []
        for number, data in enumerate(datas, 1):
            places.append(struct.pack(">HHHII", number, 0, 1, start, len(data)))
            start += len(data)
        return full_box(
            "meta", 0, full_box("hdlr", 0, bytes(4), b"pict", bytes(13)), full_box("pitm", 0, struct.pack(">H", primary)),
            full_box("iloc", 0, struct.pack(">BBH", 0x44, 0, primary), *places),
            full_box("iinf", 0, struct.pack(">H", primary), infos),
            full_box("iref", 0, box("dimg", struct.pack(f">HH{count}H", primary, count, *range(1, count + 1)))),
            box("iprp", properties, associations))

    kind = box("ftyp", b"heic", bytes(4), b"mif1heic")
    return kind + meta(len(kind) + len(meta(0)) + 8) + box("mdat", *datas)


def make_heifs(folder, scratch):
    scene = picture(100, 72)
    (folder / "scene.rgb").write_bytes(scene.tobytes())
    for quarters in range(4):
        for mirror in (None, 0, 1):
            turns, stored = [], scene
            # irot turns counterclockwise, then imir mirrors: to store, each is undone, the last first.
            if mirror is not None:
                stored = stored[::-1] if mirror == 0 else stored[:, ::-1]
            stored = np.rot90(stored, -quarters)
            if quarters:
                turns.append(box("irot", bytes([quarters])))
            if mirror is not None:
                turns.append(box("imir", bytes([mirror])))
            (folder / f"grid-{quarters}-{'none' if mirror is None else mirror}.heic").write_bytes(grid(stored, turns, scratch))
    # heif-enc takes ten bits of a PNG that has sixteen.
    Image.fromarray(scene).save(scratch / "scene.png")
    (scratch / "ten-bits.png").write_bytes(imagecodecs.png_encode(scene.astype(np.uint16) * 257))
    for name, options in (
        ("scene.avif", ["--avif", "-q", "90"]), ("scene.heic", ["-q", "90"]), ("ten-bits.heic", ["-q", "90", "-b", "10"]),
        ("identity.heic", ["-L", "-p", "chroma=444", "--matrix_coefficients=0"]),
    ):
        subprocess.run(["heif-enc", *options, "-o", folder / name, scratch / ("ten-bits.png" if "ten" in name else "scene.png")], check=True, capture_output=True)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    for name in ("videos", "tiff", "heif"):
        (OUT / name).mkdir(parents=True)
    make_videos(OUT / "videos")
    make_tiffs(OUT / "tiff")
    with tempfile.TemporaryDirectory() as scratch:
        make_heifs(OUT / "heif", pathlib.Path(scratch))
    scene = picture(83, 61)
    (OUT / "samples-interleaved.jls").write_bytes(imagecodecs.jpegls_encode(scene))
    (OUT / "gray.jls").write_bytes(imagecodecs.jpegls_encode(scene[..., 0]))
    print(f"{sum(p.stat().st_size for p in OUT.rglob('*') if p.is_file())} bytes in {OUT}")


if __name__ == "__main__":
    main()
