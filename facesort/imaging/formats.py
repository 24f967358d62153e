"""Which files are photos, told from their names (for the walk) or first bytes (for messages).

Standard library only: it is imported before anything heavy.
"""

from __future__ import annotations

import functools
import importlib.util

__all__ = [
    "HEIC",
    "JPEG_XL",
    "PHOTO_SUFFIXES",
    "RAW",
    "RAW_SUFFIXES",
    "VIDEO",
    "VIDEO_SUFFIXES",
    "format_of",
    "installed_extras",
    "is_video",
    "skip_reason",
    "unreadable_reason",
]

# Formats that an extra of the installation reads, by the name people know them by.
HEIC, RAW, JPEG_XL, VIDEO = "HEIC", "RAW", "JPEG XL", "video"

# Of each: the extra, and the module that it brings.
_EXTRAS = {
    HEIC: ("heic", "pi_heif"),
    RAW: ("raw", "rawpy"),
    JPEG_XL: ("jxl", "pillow_jxl"),
    VIDEO: ("video", "av"),
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Suffixes are lower case, without the dot. All of these are decoded by the core installation.
PHOTO_SUFFIXES = _words(
    "jpg jpeg jpe jfif mpo png apng webp tif tiff bmp dib gif "
    "jp2 j2k jpx j2c jpf avif avifs ppm pgm pbm pnm"
)

# Source: the cameras' own formats as listed by LibRaw and ExifTool.
RAW_SUFFIXES = _words(
    "3fr ari arw bay cap cr2 cr3 crw dcr dcs dng drf eip erf fff gpr iiq k25 kdc mdc mef mos mrw "
    "nef nrw orf pef ptx pxn raf raw rw2 rwl rwz sr2 srf srw x3f"
)

VIDEO_SUFFIXES = _words(
    "3g2 3gp asf avi dv flv insv m2ts m2v m4v mkv mod mov mp4 mpeg mpg mts mxf ogv qt rm "
    "tod ts vob webm wmv"
)

_SMALL_VIDEOS = frozenset(("lrv",))  # GoPro writes it beside the video itself

# Suffixes of the formats that the core installation does not read.
_OTHER_FORMATS = {
    RAW: tuple(RAW_SUFFIXES),
    HEIC: ("heic", "heif", "hif", "heics", "heifs"),
    JPEG_XL: ("jxl",),
    "JPEG XR": ("jxr", "wdp", "hdp"),
    "Photoshop": ("psd", "psb"),
    "GIMP": ("xcf",),
    "Affinity Photo": ("afphoto",),
    "OpenEXR": ("exr",),
    "Radiance HDR": ("hdr",),
    "SVG": ("svg", "svgz"),
    "EPS": ("eps", "ai"),
    "TGA": ("tga",),
    "DDS": ("dds",),
    "ICO": ("ico", "icns"),
    "PCX": ("pcx",),
    "QOI": ("qoi",),
}

_FORMAT_OF_SUFFIX = {
    suffix: label for label, suffixes in _OTHER_FORMATS.items() for suffix in suffixes
}

_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)

_AVIF_BRANDS = frozenset((b"avif", b"avis"))

# First bytes of formats that are found under a photo's suffix, and that nobody would call damaged.
_SIGNATURES = (
    (b"8BPS", "Photoshop"),
    (b"\xff\x0a", JPEG_XL),
    (b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a", JPEG_XL),
    (b"FUJIFILMCCD-RAW", RAW),
    (b"IIRO", RAW),  # Olympus
    (b"IIRS", RAW),
    (b"MMOR", RAW),
    (b"IIU\x00", RAW),  # Panasonic
    (b"II\x1a\x00\x00\x00HEAPCCDR", RAW),  # Canon before CR2
    (b"\x00MRM", RAW),  # Minolta
    (b"FOVb", RAW),  # Sigma
    (b"gimp xcf ", "GIMP"),
    (b"%!PS", "EPS"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"DDS ", "DDS"),
    (b"%PDF", "PDF"),
)

# What Pillow reads, whatever a file is called.
_CORE_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM")


@functools.cache
def installed_extras() -> frozenset[str]:
    """Return the extras whose formats this installation reads. Imports nothing."""
    return frozenset(
        extra for extra, module in _EXTRAS.values() if importlib.util.find_spec(module) is not None
    )


def skip_reason(name: str) -> str | None:
    """Say why a file of that name is not scanned.

    Args:
        name: file name, or any path that ends with it.

    Returns:
        None when it is to be scanned; otherwise a short reason that is the same for every file of
        the format, so that it can be counted: "Photoshop is not supported", "not an image".
    """
    suffix = _suffix(name)
    if suffix in PHOTO_SUFFIXES:
        return None
    if suffix in VIDEO_SUFFIXES:
        return unreadable_reason(VIDEO)
    if suffix in _SMALL_VIDEOS:
        return "a small copy of a video"
    label = _FORMAT_OF_SUFFIX.get(suffix)
    return unreadable_reason(label) if label else "not an image"


def is_video(name: str) -> bool:
    """Whether a file name, or any path that ends with it, is a video's."""
    return _suffix(name) in VIDEO_SUFFIXES


def unreadable_reason(label: str) -> str | None:
    """Say why pictures of a format are not read; None where they are.

    Args:
        label: from `format_of`.
    """
    if label not in _EXTRAS:
        return f"{label} is not supported"
    extra, _ = _EXTRAS[label]
    if extra in installed_extras():
        return None
    return f'{label} is not supported without the extra: pip install "facesort[{extra}]"'


def format_of(data: bytes, name: str) -> str | None:
    """Name the format of a file that Pillow does not read, if it is one we know.

    Phones and messengers hand out HEIC files that are called `.jpg`: those are not damaged.

    Args:
        data: the whole file.
        name: file name, or any path that ends with it. It decides only where the bytes do not: most
            RAW files look like the TIFF of their thumbnail.
    """
    head = data[:128]
    if head[4:8] == b"ftyp":
        return _format_of_brands(head)
    label = next((label for start, label in _SIGNATURES if head.startswith(start)), None)
    if label is None and _suffix(name) in RAW_SUFFIXES and not head.startswith(_CORE_SIGNATURES):
        return RAW
    return label


def _format_of_brands(head: bytes) -> str | None:
    size = int.from_bytes(head[:4], "big")
    # After the major brand comes a version, which is no brand's name.
    brands = {head[at : at + 4] for at in range(8, min(size, len(head)), 4)}
    if brands & _AVIF_BRANDS:
        return None
    return RAW if b"crx " in brands else HEIC if brands & _HEIF_BRANDS else None


def _suffix(name: str) -> str:
    """Return a name's suffix: lower case, without the dot; '' where there is none."""
    stem, dot, suffix = name.rpartition(".")
    return suffix.lower() if stem and dot else ""
