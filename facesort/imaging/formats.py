"""Which files are photos, told from their names (for the walk) or first bytes (for messages).

Standard library only: it is imported before anything heavy.
"""

from __future__ import annotations

__all__ = [
    "PHOTO_SUFFIXES",
    "RAW_SUFFIXES",
    "VIDEO_SUFFIXES",
    "skip_reason",
    "unsupported_format",
]


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
    "3g2 3gp asf avi dv flv insv lrv m2ts m2v m4v mkv mod mov mp4 mpeg mpg mts mxf ogv qt rm "
    "tod ts vob webm wmv"
)

# Pictures that this version does not read, by the name people know the format by.
_OTHER_FORMATS = {
    "HEIC": ("heic", "heif", "hif", "heics", "heifs"),
    "JPEG XL": ("jxl",),
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

_REASONS: dict[str, str | None] = {
    **{suffix: f"RAW ({suffix}) is not supported" for suffix in RAW_SUFFIXES},
    **dict.fromkeys(VIDEO_SUFFIXES, "video"),
    **{
        suffix: f"{label} is not supported"
        for label, suffixes in _OTHER_FORMATS.items()
        for suffix in suffixes
    },
    **dict.fromkeys(PHOTO_SUFFIXES),
}

_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)

_AVIF_BRANDS = frozenset((b"avif", b"avis"))

# First bytes of formats that are found under a photo's suffix, and that nobody would call damaged.
_SIGNATURES = (
    (b"8BPS", "Photoshop"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a", "JPEG XL"),
    (b"FUJIFILMCCD-RAW", "RAW (raf)"),
    (b"IIRO", "RAW (orf)"),
    (b"IIU\x00", "RAW (rw2)"),
    (b"gimp xcf ", "GIMP"),
    (b"%!PS", "EPS"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"DDS ", "DDS"),
    (b"%PDF", "PDF"),
)


def skip_reason(name: str) -> str | None:
    """Say why a file of that name is not scanned.

    Args:
        name: file name, or any path that ends with it.

    Returns:
        None when it is to be scanned; otherwise a short reason that is the same for every file of
        the format, so that it can be counted: "HEIC is not supported", "video", "not an image".
    """
    stem, dot, suffix = name.rpartition(".")
    if not (stem and dot):
        return "not an image"
    return _REASONS.get(suffix.lower(), "not an image")


def unsupported_format(head: bytes) -> str | None:
    """Name the format of a file that begins with these bytes, if it is one we know but do not read.

    Phones and messengers hand out HEIC files that are called `.jpg`: those are not damaged.

    Args:
        head: the first 128 bytes, or all of a shorter file.
    """
    if head[4:8] == b"ftyp":
        size = int.from_bytes(head[:4], "big")
        # After the major brand comes a version, which is no brand's name.
        brands = {head[at : at + 4] for at in range(8, min(size, len(head)), 4)}
        if brands & _AVIF_BRANDS:
            return None
        return "RAW (cr3)" if b"crx " in brands else "HEIC" if brands & _HEIF_BRANDS else None
    return next((label for start, label in _SIGNATURES if head.startswith(start)), None)
