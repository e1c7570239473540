#!/usr/bin/env python3
"""Writes Tests/FrameDecodingTests/Fixtures: small videos and images of every awkward kind, and what others say of them.

Needs ffmpeg and ffprobe (5.1 were used), pillow and numpy. Writes
  *.mp4, *.ts, ...         videos, 96x64, one or two seconds
  ffprobe.json             per video: the container's start time, and of every frame timestamp, key and size
  orientation/*            one scene stored in all eight orientations, and scene.rgb: how PIL turns it upright
  images/*                 image formats and modes, with PIL's RGB in images.json (SHA-256)
and, where the test data beside the project is,
  codes-photos.json        SHA-256 of PIL's RGB for every PNG in codes-photos
  rotated-videos.json      what ffmpeg shows of the first frames of the rotated videos, upright, averaged in 4x4 blocks
"""
import hashlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "Tests/FrameDecodingTests/Fixtures"
DATA = pathlib.Path(os.environ.get("DETECT_BATCH_TEST_DATA", ROOT.parent / "shared/data"))
X264 = "-c:v libx264 -threads 1 -preset veryfast -crf 35 -pix_fmt yuv420p"


def ffmpeg(arguments, *inputs, output, muxer="-fflags +bitexact -flags +bitexact"):
    """Runs ffmpeg; `inputs` are lavfi sources or files."""
    command = ["ffmpeg", "-hide_banner", "-v", "error", "-y"]
    for source in inputs:
        command += source if isinstance(source, list) else ["-f", "lavfi", "-i", source]
    subprocess.run(command + arguments.split() + muxer.split() + [str(output)], check=True)


def scene(seconds, rate=25, size="96x64"):
    return f"testsrc2=size={size}:rate={rate}:duration={seconds}"


def tone(seconds):
    return f"sine=frequency=440:duration={seconds}:sample_rate=8000"


def file(path):
    return ["-i", str(path)]


def set_display_matrix(path, matrix):
    """Writes a, b, c, d of the first track's display matrix, as phones do; ffmpeg 5.1 has no option for it."""
    movie = bytearray(path.read_bytes())
    # tkhd: type, version and flags, five fields, reserved, layer, group, volume, reserved; then a b u c d v x y w.
    start = movie.index(b"tkhd") + 44
    a, b, c, d = (round(value * 65536) for value in matrix)
    movie[start:start + 20] = struct.pack(">5i", a, b, 0, c, d)
    path.write_bytes(movie)


def make_videos(scratch):
    groups = f"{X264} -g 10 -bf 2"
    ffmpeg(groups + " -movflags +faststart", scene(2), output=OUT / "constant-rate.mp4")
    ffmpeg(
        f"{groups} -vf setpts='(N+floor(N/3)*floor(N/3)/4)/25/TB' -vsync vfr -enc_time_base 1:1000",
        scene(1.2), output=OUT / "variable-rate.mkv")
    # The cut lies between keyframes: packets before it are in the file and hidden by an edit list.
    ffmpeg("-c copy", ["-ss", "0.64", "-i", str(OUT / "constant-rate.mp4")], output=OUT / "edit-list.mp4")
    ffmpeg(f"{groups} -movflags +frag_keyframe+empty_moov", scene(1), output=OUT / "fragmented.mp4")
    ffmpeg(f"{groups} -c:a aac -b:a 16k", scene(1, rate=30), tone(1), output=OUT / "phone.mov")
    set_display_matrix(OUT / "phone.mov", (0, 1, -1, 0))
    # 20 degrees clockwise.
    ffmpeg(f"{groups}", scene(0.2), output=OUT / "slanted.mov")
    set_display_matrix(OUT / "slanted.mov", (0.9397, 0.342, -0.342, 0.9397))
    ffmpeg("-plays 0", scene(0.6, rate=10), output=OUT / "animation.gif")
    ffmpeg("", scene(0.1, rate=10), output=OUT / "single.gif")

    # Into a pipe the muxer can write neither durations nor an index.
    with open(OUT / "no-durations.mkv", "wb") as target:
        made = subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", scene(1), *groups.split(), "-fflags",
             "+bitexact", "-flags", "+bitexact", "-f", "matroska", "-"], check=True, stdout=subprocess.PIPE)
        target.write(made.stdout)

    # A broadcast whose clock goes on, jumps ahead and starts again.
    parts = []
    for number, offset in enumerate((0, 1000, 3)):
        part = scratch / f"part{number}.ts"
        ffmpeg(f"{groups} -output_ts_offset {offset}", scene(0.6), output=part)
        parts.append(part.read_bytes())
    (OUT / "time-jump.ts").write_bytes(b"".join(parts))

    # The picture size changes in mid-stream.
    sizes = []
    for size in ("96x64", "64x96", "80x48"):
        part = scratch / f"{size}.h264"
        ffmpeg(groups, scene(0.4, size=size), output=part)
        sizes.append(part.read_bytes())
    (OUT / "sizes.h264").write_bytes(b"".join(sizes))

    # The chroma subsampling changes in mid-stream.
    names = []
    for pixels in ("yuvj420p", "yuvj422p", "yuvj444p"):
        part = scratch / f"{pixels}.avi"
        ffmpeg(f"-c:v mjpeg -q:v 12 -pix_fmt {pixels}", scene(0.2), output=part)
        names.append(f"file {part}\n")
    listing = scratch / "list.txt"
    listing.write_text("".join(names))
    ffmpeg("-c copy", ["-f", "concat", "-safe", "0", "-i", str(listing)], output=OUT / "subsampling.avi")

    # Damage: the middle overwritten, the first keyframe cut off, the tail cut off.
    part = scratch / "broadcast.ts"
    ffmpeg(f"{groups} -mpegts_flags +resend_headers", scene(2), output=part)
    whole = bytearray(part.read_bytes())
    middle = len(whole) // 2 // 188 * 188
    damaged = whole[:]
    damaged[middle:middle + 188 * 6] = bytes((7 * i + 3) % 251 for i in range(188 * 6))
    (OUT / "damaged.ts").write_bytes(damaged)
    (OUT / "no-first-keyframe.ts").write_bytes(whole[188 * 20:])
    whole = (OUT / "constant-rate.mp4").read_bytes()
    (OUT / "truncated.mp4").write_bytes(whole[:len(whole) * 2 // 3])

    ffmpeg("-c:a aac -b:a 16k", tone(0.5), output=OUT / "audio.m4a")
    cover = scratch / "cover.png"
    ffmpeg("-frames:v 1", scene(1, size="128x128"), output=cover)
    ffmpeg(
        "-map 0:a -map 1:v -c:a aac -b:a 16k -c:v copy -disposition:v attached_pic", tone(0.5), file(cover),
        output=OUT / "audio-cover.m4a")
    # The cover is larger than the video, and comes first.
    ffmpeg(
        f"-map 1:v -map 0:v -c:v:0 copy {X264.replace('-c:v', '-c:v:1')} -disposition:v:0 attached_pic",
        scene(0.4), file(cover), output=OUT / "video-cover.mp4")

    # Every way to say what colours mean; ffv1 keeps values as they are.
    for name, pixels, options in (
        ("bt601", "yuv420p", "-colorspace smpte170m -color_range tv"),
        ("bt709", "yuv422p", "-colorspace bt709 -color_range tv"),
        ("bt709-full", "yuv444p", "-colorspace bt709 -color_range pc"),
        ("bt2020", "yuv420p10le", "-colorspace bt2020nc -color_range tv"),
    ):
        maximum = 1023 if pixels.endswith("10le") else 255
        step = maximum // 16
        ffmpeg(
            f"-vf format={pixels},geq=lum={maximum}*0.6:cb={step}*6+{step}*2*floor(X/(W/2)):"
            f"cr={step}*7+{step}*3*floor(Y/(H/2)) -c:v ffv1 {options}",
            "color=size=64x64:rate=5:duration=0.2", output=OUT / f"{name}.mkv")


def without_repeated_sets(stream):
    """H.264 with start codes, its parameter sets (types 7 and 8) where they come first."""
    units = [unit.rstrip(b"\0") for unit in stream.split(b"\0\0\1") if unit.strip(b"\0")]
    kept = [unit for place, unit in enumerate(units) if unit[0] & 31 not in (7, 8) or unit not in units[:place]]
    return b"".join(b"\0\0\0\1" + unit for unit in kept)


def make_parts(scratch):
    """Videos that several decoders can share, or cannot, 96x64 with a keyframe every 30 frames."""
    parts = OUT / "parts"
    parts.mkdir()
    closed = f"{X264} -g 30 -bf 2 -sc_threshold 0"
    ffmpeg(closed, scene(6), output=parts / "h264.mp4")
    ffmpeg("-c copy", file(parts / "h264.mp4"), output=parts / "h264.mkv")
    h265 = "-c:v libx265 -preset ultrafast -crf 40 -x265-params pools=none:frame-threads=1:keyint=30:scenecut=0:bframes=2"
    ffmpeg(f"{h265}:open-gop=0 -tag:v hvc1", scene(4), output=parts / "h265.mp4")
    ffmpeg(f"{h265}:open-gop=1", scene(4), output=parts / "open-gop.mkv")
    # Every picture for 50 frames, so that it is shown on both sides of keyframes; without loss, none differs.
    ffmpeg(f"{closed.replace('-crf 35', '-qp 0')} -vf fps=0.5,fps=25", scene(8), output=parts / "slides.mp4")
    # From the fifth second on, other parameter sets of the same names: with another offset of chroma. They come once: who
    # has not seen them decodes what follows with the first ones.
    streams = []
    for name, more in (("plain", ""), ("offset", " -x264-params chroma-qp-offset=6")):
        streams.append(scratch / f"{name}.h264")
        ffmpeg(f"{X264} -g 30 -bf 0 -sc_threshold 0{more}", scene(4), output=streams[-1])
    both = scratch / "both.h264"
    both.write_bytes(b"".join(without_repeated_sets(stream.read_bytes()) for stream in streams))
    ffmpeg("-c copy", ["-r", "25", *file(both)], output=parts / "other-sets.mp4")


def probe(path):
    """What ffprobe says of the video stream, as it prints it; lists are separated by spaces, "-" is no timestamp."""
    answer = json.loads(subprocess.run(
        ["ffprobe", "-v", "quiet", "-threads", "1", "-select_streams", "V:0", "-show_entries",
         "format=start_time:frame=best_effort_timestamp_time,key_frame,width,height", "-of", "json",
         str(path)], check=True, stdout=subprocess.PIPE).stdout)
    frames = [f for f in answer["frames"] if f]
    return {
        "startTime": answer["format"].get("start_time"),
        "times": " ".join(f.get("best_effort_timestamp_time", "-") for f in frames),
        "keys": "".join(str(f["key_frame"]) for f in frames),
        "sizes": " ".join(f"{f['width']}x{f['height']}" for f in frames),
    }


def make_orientations():
    folder = OUT / "orientation"
    folder.mkdir()
    y, x = np.mgrid[0:30, 0:46]
    # Smooth and without symmetry, so that compression does little and every orientation differs.
    upright = Image.fromarray(
        np.stack([60 + x * 3 + y, 200 - y * 5, 90 + x], -1).clip(0, 255).astype(np.uint8))
    (folder / "scene.rgb").write_bytes(upright.tobytes())
    stored_by = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }
    for tag, method in stored_by.items():
        stored = upright if method is None else upright.transpose(method)
        exif = Image.Exif()
        exif[0x0112] = tag
        kinds = {
            "jpg": dict(quality=95, subsampling=0), "webp": dict(lossless=True), "png": {},
            "tiff": {},
        }
        for extension, options in kinds.items():
            path = folder / f"{tag}.{extension}"
            if extension == "tiff":
                options = dict(tiffinfo={0x0112: tag})
            else:
                options = dict(options, exif=exif)
            stored.save(path, **options)
            turned = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
            error = np.abs(np.asarray(turned).astype(int) - np.asarray(upright)).max()
            assert turned.size == upright.size and error <= (4 if extension == "jpg" else 0), (path, error)


def make_images():
    folder = OUT / "images"
    folder.mkdir()
    y, x = np.mgrid[0:31, 0:45]
    colours = Image.fromarray(
        np.stack([x * 5 + y, y * 7, (x * y) // 5 + 40], -1).clip(0, 255).astype(np.uint8))
    gray = colours.convert("L")
    alpha = gray.point(lambda value: 255 - value)
    with_alpha = colours.copy()
    with_alpha.putalpha(alpha)
    gray_alpha = Image.merge("LA", (gray, alpha))
    palette = colours.quantize(32)
    for name, image, options in (
        ("rgb.png", colours, {}), ("gray.png", gray, {}), ("rgba.png", with_alpha, {}),
        ("gray-alpha.png", gray_alpha, {}), ("palette.png", palette, {}), ("bit.png", gray.convert("1"), {}),
        ("transparent-palette.png", palette, dict(transparency=3)),
        ("rgb.bmp", colours, {}), ("rgb.ppm", colours, {}), ("rgb.tga", colours, {}),
        ("lzw.tiff", colours, dict(compression="tiff_lzw")), ("lossless.webp", colours, dict(lossless=True)),
        ("single.gif", palette, {}), ("rgb.qoi", colours, {}), ("gray.pgm", gray, {}),
        ("rgb.pcx", colours, {}), ("rgb.sgi", colours, {}),
    ):
        image.save(folder / name, **options)
    digests = {}
    for path in sorted(folder.iterdir()):
        image = Image.open(path).convert("RGB")
        digests[path.name] = dict(
            width=image.width, height=image.height, sha256=hashlib.sha256(image.tobytes()).hexdigest())
    write("images.json", digests)
    # Read by FFmpeg only approximately as by PIL.
    colours.save(folder / "photo.jpg", quality=92)
    (folder / "photo.rgb").write_bytes(colours.tobytes())


def blocks(path):
    """Averages of red, green and blue in 4x4 blocks, row by row, of the first frame as ffmpeg turns it."""
    with tempfile.TemporaryDirectory() as scratch:
        still = pathlib.Path(scratch) / "frame.png"
        ffmpeg("-frames:v 1", file(path), output=still)
        picture = np.asarray(Image.open(still).convert("RGB")).astype(float)
    height, width = picture.shape[:2]
    picture = picture[:height // 4 * 4, :width // 4 * 4].reshape(4, height // 4, 4, width // 4, 3)
    return dict(width=width, height=height, means=picture.mean((1, 3)).round(2).flatten().tolist())


def write(name, value):
    (OUT / name).write_text(json.dumps(value, indent=1) + "\n")


def main():
    # Of make-decoding-cases.py, and what is made of photographs and videos that may not be here.
    kept = {"cases"} | ({"codes-photos.json", "rotated-videos.json"} if not DATA.exists() else set())
    for path in OUT.iterdir():
        if path.name in kept:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with tempfile.TemporaryDirectory() as scratch:
        make_videos(pathlib.Path(scratch))
        make_parts(pathlib.Path(scratch))
    stills = {"audio.m4a", "audio-cover.m4a", "single.gif"}
    write("ffprobe.json", {p.name: probe(p) for p in sorted(OUT.iterdir()) if p.is_file() and p.name not in stills})
    make_orientations()
    make_images()
    photos = sorted((DATA / "codes-photos").rglob("*.png"))
    if photos:
        write("codes-photos.json", {
            str(p.relative_to(DATA)): hashlib.sha256(Image.open(p).convert("RGB").tobytes()).hexdigest()
            for p in photos})
    rotated = sorted((DATA / "videos").glob("video_*.mov"))
    if rotated:
        write("rotated-videos.json", {str(p.relative_to(DATA)): blocks(p) for p in rotated})
    total = sum(p.stat().st_size for p in OUT.rglob("*") if p.is_file())
    print(f"{total} bytes in {OUT}")


if __name__ == "__main__":
    main()
