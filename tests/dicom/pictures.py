"""Photos to test with, and what Pillow and ExifTool see in them."""
import io
import json
import os
import pathlib
import struct
import subprocess
import zlib

from PIL import Image

# Photos of real cameras, where there are any: a folder, or what Debian's python-matplotlib-data brings.
CORPUS = pathlib.Path(os.environ.get("LETTERBOX_PHOTOS", pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus" / "photos"))
SAMPLES = pathlib.Path("/usr/share/matplotlib/mpl-data/sample_data")
# Planted in every place that metadata can be in; nothing of it may come out.
CANARY = "Grünwald-7741-canary"
# What ExifTool calls those chunks of a PNG that are needed to show it.
OF_A_PNG = {"PNG:" + name for name in (
    "ImageWidth ImageHeight BitDepth ColorType Compression Filter Interlace Palette Transparency BackgroundColor SignificantBits"
    " PixelsPerUnitX PixelsPerUnitY PixelUnits Gamma SRGBRendering ProfileName").split()}


def real_photos():
    """Paths, of the corpus if there is one and of what Debian brings."""
    photos = [path for folder in (CORPUS, SAMPLES) if folder.is_dir()
              for path in sorted(folder.iterdir()) if path.suffix in {".jpg", ".png"}]
    if not photos:
        raise AssertionError("not even python-matplotlib-data's photos are here")
    return photos


def metadata(photo):
    """What ExifTool reads, but for what it says of the file, and of what is needed to show the picture."""
    done = subprocess.run(["exiftool", "-json", "-G0", "-a", "-u", "-"], input=photo, capture_output=True, check=True, timeout=60)
    shown = json.loads(done.stdout)[0]
    return {name: value for name, value in shown.items()
            if name.split(":")[0] not in {"SourceFile", "ExifTool", "File", "JFIF", "ICC_Profile", "Composite", "PNG", "APP14"}
            or name == "File:Comment" or (name.startswith("PNG:") and name not in OF_A_PNG)}


def pixels(photo):
    with Image.open(io.BytesIO(photo)) as image:
        return image.mode, image.size, image.tobytes(), image.info.get("icc_profile")


def picture(mode="RGB", size=(48, 37)):
    image = Image.new("RGB", size)
    image.putdata([((x * 5) % 256, (y * 7) % 256, (x * y) % 256) for y in range(size[1]) for x in range(size[0])])
    return image.convert(mode)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation=1, taken=None, offset=None):
    tags = Image.Exif()
    tags[0x010F] = CANARY  # Make
    tags[0x0112] = orientation
    tags[0x8769] = {0x9286: CANARY.encode()}  # UserComment
    if taken:
        tags[0x8769][0x9003] = taken
    if offset:
        tags[0x8769][0x9011] = offset
    tags[0x8825] = {29: CANARY}  # GPSDateStamp
    return tags


def segment(marker, content):
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
