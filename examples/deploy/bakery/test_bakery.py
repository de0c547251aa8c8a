"""What the bakery promises."""

import unittest
from pathlib import Path

from bakery import Bread, breads, index, page

HERE = Path(__file__).parent


class TestBakery(unittest.TestCase):
    """Every bread can be bought."""

    def test_every_bread_has_a_price(self) -> None:
        for bread in breads(HERE).values():
            with self.subTest(bread.name):
                assert bread.cents > 0

    def test_a_price_is_in_euros_and_cents(self) -> None:
        assert Bread("Roll", 60, 45).price == "0.45 €"

    def test_the_first_page_links_to_every_bread(self) -> None:
        for key in breads(HERE):
            assert f'href="{key}.html"' in index(breads(HERE))

    def test_a_name_is_no_markup(self) -> None:
        assert "Rye &amp; barley" in page(Bread("Rye & barley", 500, 390))


if __name__ == "__main__":
    unittest.main()
