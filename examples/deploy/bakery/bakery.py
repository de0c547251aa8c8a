"""What the bakery sells, and the page that says so."""

import html
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Bread:
    """One kind of bread."""

    name: str
    grams: int
    cents: int

    @property
    def price(self) -> str:
        """In euros."""
        return f"{self.cents / 100:.2f} €"


def breads(folder: Path) -> dict[str, Bread]:
    """All that is in `breads.toml`."""
    with (folder / "breads.toml").open("rb") as file:
        return {key: Bread(**one) for key, one in tomllib.load(file).items()}


def page(bread: Bread) -> str:
    """The page of one bread."""
    title = html.escape(bread.name)
    return f"<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n<p>{bread.grams} g for {bread.price}</p>\n"


def index(all_of_them: dict[str, Bread]) -> str:
    """The first page, with a link to each."""
    links = "".join(f'<li><a href="{key}.html">{html.escape(one.name)}</a>\n' for key, one in all_of_them.items())
    return f"<!doctype html>\n<title>Bakery</title>\n<h1>Our bread</h1>\n<ul>\n{links}</ul>\n"
