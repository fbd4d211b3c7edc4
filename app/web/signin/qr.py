"""A QR code as SVG inside a page: drawn by attributes alone, since the page's policy allows no style of its own."""

import segno


def qr_svg(text: str) -> str:
    """Return the SVG of a QR code: dark squares on a white ground, in light and dark alike, or cameras miss it."""
    drawn = segno.make(text, error="m", micro=False)
    return drawn.svg_inline(scale=5, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True)
