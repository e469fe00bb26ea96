"""Puts the frames that moving.js took into one animated PNG: moving.py FRAMES.json OUT.png"""

import json
import os
import sys

from PIL import Image

BYTES_MAX = 1024 * 1024

listed, out = sys.argv[1:]
with open(listed, encoding="utf-8") as file:
    frames = json.load(file)
# One palette for all, so that a frame stores what changed and nothing else.
images = [Image.open(frame["file"]).convert("RGB") for frame in frames]
width, height = images[0].size
sheet = Image.new("RGB", (width, height * len(images)))
for at, image in enumerate(images):
    sheet.paste(image, (0, at * height))
palette = sheet.quantize(colors=256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
first, *others = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
durations = [frame["ms"] for frame in frames]
first.save(out, format="PNG", save_all=True, append_images=others, duration=durations, loop=0, optimize=True)
size = os.path.getsize(out)
print(f"{out}: {len(frames)} frames, {sum(durations) / 1000:.1f} s, {size / 1024:.0f} KiB")
if size > BYTES_MAX:
    sys.exit(f"larger than {BYTES_MAX // 1024} KiB")
