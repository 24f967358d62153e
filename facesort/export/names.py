"""Names that every file system takes: one path component at a time, and how two of them compare."""

from __future__ import annotations

import re
import unicodedata

__all__ = [
    "MAX_BYTES",
    "comparable",
    "comparable_path",
    "cut",
    "safe_component",
    "split_extension",
    "with_suffix",
]

# Linux and APFS take 255 bytes, NTFS 255 UTF-16 units, but Windows programs stop at 260 for a whole
# path; 120 a component leaves room for the folder, a suffix and eCryptfs (143).
MAX_BYTES = 120

_FORBIDDEN = re.compile(
    r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]'
)
# Marks, embeddings, overrides and isolates of text direction, and the byte order mark: invisible,
# and able to make "gpj.exe" read as "exe.jpg".
_INVISIBLE = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_EXTENSION = re.compile(r"(?<=.)\.[A-Za-z0-9]{1,10}\Z", re.DOTALL)
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file; the superscript digits count too.
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [port + digit for port in ("COM", "LPT") for digit in "0123456789¹²³"]
)
_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def split_extension(name: str) -> tuple[str, str]:
    """Split `IMG_1.JPG` into `IMG_1` and `.JPG`; the extension is empty where there is none."""
    match = _EXTENSION.search(name)
    return (name[: match.start()], match.group()) if match else (name, "")


def safe_component(text: str) -> str:
    """Turn any text into one path component for Linux, macOS and Windows (NTFS, exFAT, APFS).

    The result is NFC, not empty, not hidden, no device name, has no separator, no trailing dot or
    space, and at most `MAX_BYTES` UTF-8 bytes; an extension outlives the cut. Applying it twice
    changes nothing more.
    """
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    text = unicodedata.normalize("NFC", _FORBIDDEN.sub("_", text))
    while (settled := _settle(text)) != text:  # cutting can bare a trailing dot or a device name
        text = settled
    return text


def _settle(text: str) -> str:
    text = text.strip().rstrip(".").rstrip()
    if not text or text.startswith(".") or _is_device(text):
        text = "_" + text
    stem, extension = split_extension(text)
    return cut(stem, MAX_BYTES - len(extension)) + extension


def _is_device(text: str) -> bool:
    return text.partition(".")[0].rstrip().upper() in _DEVICES


def with_suffix(name: str, suffix: str) -> str:
    """Append a suffix to a safe component that is a folder's name, and keep the limit."""
    return cut(name, MAX_BYTES - len(suffix.encode())) + suffix


def cut(text: str, max_bytes: int) -> str:
    """Shorten to at most that many UTF-8 bytes and split no character that the user sees."""
    coded = text.encode()
    if len(coded) <= max_bytes:
        return text
    end = len(coded[:max_bytes].decode("utf-8", "ignore"))
    whole = end
    while whole > 0 and (_belongs_to_previous(text[whole]) or text[whole - 1] == _JOINER):
        whole -= 1
    return text[: whole or end]


def _belongs_to_previous(character: str) -> bool:
    return (
        unicodedata.category(character).startswith("M")
        or character == _JOINER
        or ord(character) in _SKIN_TONES
    )


def comparable(text: str) -> str:
    """Return what two names share when some file system takes them for the same one.

    Case, Unicode form and invisible characters do not count. It is coarser than any one disk (a
    false clash costs a suffix, a missed one costs a photo): upper-casing also joins what only
    upper case joins, such as the dotless i.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFC", text).casefold()
    folded = unicodedata.normalize("NFD", folded).upper().casefold()
    visible = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFC", visible)


def comparable_path(path: str) -> str:
    """Return `comparable` of every component of a relative path."""
    return "/".join(comparable(part) for part in path.split("/"))
