"""An address as a block of lines that fits its space: as large as it may be, never cut off."""

from dataclasses import dataclass

from reportlab.pdfgen.canvas import Canvas

from touchpoints.printing.addresses import PostalAddress
from touchpoints.printing.fonts import FONT, font, width_of

LEADING = 1.2  # times the size
STEP = 0.5  # points


@dataclass(frozen=True)
class Block:
    """Lines in one size."""

    lines: tuple[str, ...]
    size: float

    @property
    def height(self) -> float:
        """From the top of the first line's capitals to the last baseline, in points."""
        return capital_height(self.size) + (len(self.lines) - 1) * self.size * LEADING


def capital_height(size: float) -> float:
    """How high a capital letter is, in points."""
    return float(font().face.capHeight) / 1000 * size


def fitted(
    address: PostalAddress, *, width: float, height: float, largest: float, smallest: float
) -> Block | None:
    """The address in the largest size at which it fits; None when even the smallest does not.

    A smaller size is taken where a name's credentials would stand alone in a line, if that mends it.
    """
    size, parted = largest, None
    while size >= smallest:
        lines = _lines(address, width, size)
        block = Block(tuple(lines), size)
        is_narrow = all(width_of(line, size) <= width for line in lines)
        if is_narrow and block.height <= height:
            if not _are_credentials_parted(block):
                return block
            parted = parted or block
        size -= STEP
    return parted


def draw(canvas: Canvas, block: Block, *, left: float, top: float) -> None:
    """Set the block with the top of its first line's capitals at `top`, in points from the page's lower edge."""
    canvas.setFont(FONT, block.size)
    baseline = top - capital_height(block.size)
    for line in block.lines:
        canvas.drawString(left, baseline, line)
        baseline -= block.size * LEADING


def draw_in_the_middle(canvas: Canvas, block: Block, *, left: float, middle: float) -> None:
    """Set the block with as much space above as below `middle`."""
    draw(canvas, block, left=left, top=middle + block.height / 2)


def wrapped(text: str, width: float, size: float) -> list[str]:
    """The text in lines no wider than `width`, broken between words; a word too long stands alone."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_of(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _are_credentials_parted(block: Block) -> bool:
    """Only a name's line ends with the comma before its credentials."""
    return any(line.endswith(",") for line in block.lines)


def _name_lines(name: str, width: float, size: float) -> list[str]:
    """A name in lines; where there is room, its last word goes down with its credentials."""
    lines = wrapped(name, width, size)
    while len(lines) > 1 and lines[-2].endswith(",") and " " in lines[-2]:
        rest, word = lines[-2].rsplit(" ", 1)
        if width_of(f"{word} {lines[-1]}", size) > width:
            break
        lines[-2:] = [rest, f"{word} {lines[-1]}"]
    return lines


def _lines(address: PostalAddress, width: float, size: float) -> list[str]:
    names = [line for name in address.names for line in _name_lines(name, width, size)]
    where = address.delivery_lines(lambda line: width_of(line, size) <= width)
    return [*names, *where, *filter(None, [address.last_line])]
