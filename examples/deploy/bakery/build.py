"""Write the site into `public`."""

from pathlib import Path

from bakery import breads, index, page

here = Path(__file__).parent
public = here / "public"
public.mkdir(exist_ok=True)
all_of_them = breads(here)
pages = {"index": index(all_of_them)} | {key: page(one) for key, one in all_of_them.items()}
for name, text in pages.items():
    (public / f"{name}.html").write_text(text, encoding="utf-8")
    print(f"public/{name}.html, {len(text.encode())} bytes")  # noqa: T201
