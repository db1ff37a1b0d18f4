"""A chart as plain SVG: a bar for each figure, a mark where its budget ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LEFT, WIDTH, ROW, TOP = 230, 760, 24, 56
BAR, LATE, MARK, INK, PAPER = "#2f6f9f", "#b3452c", "#444444", "#222222", "#ffffff"


@dataclass(frozen=True)
class Bar:
    """One line of the chart."""

    name: str
    value: float
    bound: float


def chart(title: str, bars: Sequence[Bar]) -> str:
    """The bars in their order, on one scale from nothing."""
    most = max((max(bar.value, bar.bound) for bar in bars), default=1.0) * 1.12
    height = TOP + ROW * len(bars) + 20
    scale = (WIDTH - LEFT - 20) / most
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' font-family="sans-serif" font-size="13" fill="{INK}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
        f'<text x="16" y="26" font-size="16">{escape(title)}</text>',
        '<text x="16" y="44">Times the page of one query, medians; the upright mark is the budget.</text>',
    ]
    for place, bar in enumerate(bars):
        lines += _lines_of(bar, TOP + ROW * place, scale)
    return "\n".join([*lines, "</svg>", ""])


def _lines_of(bar: Bar, top: int, scale: float) -> list[str]:
    colour = LATE if bar.value > bar.bound else BAR
    end, mark = LEFT + bar.value * scale, LEFT + bar.bound * scale
    return [
        f'<text x="{LEFT - 8}" y="{top + 16}" text-anchor="end">{escape(bar.name)}</text>',
        f'<rect x="{LEFT}" y="{top + 4}" width="{bar.value * scale:.1f}" height="{ROW - 8}" fill="{colour}"/>',
        f'<text x="{end + 5:.1f}" y="{top + 16}">{bar.value:.1f}</text>',
        f'<path d="M{mark:.1f} {top + 1}v{ROW - 2}" stroke="{MARK}" stroke-width="2"/>',
    ]
