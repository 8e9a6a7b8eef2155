"""The kinds of photo files, known by their first bytes or, for what is costly to recognise, by their suffix."""

import re

HEAD = 32  # bytes from which `kind_of` recognises a file
# What Pillow calls the kinds that are decoded. It reads more formats, some by starting other programs.
DECODED = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
SIGNATURES = {
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "WEBP": rb"RIFF....WEBP",
    "BMP": rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0",  # the last four bytes are the length of a header
    "GIF": rb"GIF8[79]a",
    "TIFF": rb"II[*+]\0|MM\0[*+]|II\0\*|MM\*\0",  # the last two are wrong, but read
    "AVIF": rb"....ftyp(avif|avis)",
    "HEIC": rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)",
    "JPEG XL": rb"\xff\x0a|\0\0\0\x0cJXL ",
    "JPEG 2000": rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ",
}
# Most of them are TIFF files, in which Pillow finds a thumbnail.
RAW_SUFFIXES = {".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".rw2", ".srw"}
PHOTO_SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".avif", ".heic", ".heif", ".jxl", ".jp2"),
    *RAW_SUFFIXES,
}  # in lower case

_KINDS = {kind: re.compile(signature, re.DOTALL) for kind, signature in SIGNATURES.items()}


def kind_of(head: bytes) -> str | None:
    """Return the key of SIGNATURES for a file that begins with `head`, its first HEAD bytes; None for other files."""
    return next((kind for kind, signature in _KINDS.items() if signature.match(head)), None)
