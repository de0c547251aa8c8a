"""What can be measured of how a page looks: what runs out of it, what lies over what, how light it is, what moves."""

import base64
from typing import Any

from playwright.sync_api import Page

RUNNING_OUT = """
() => {
  const out = document.scrollingElement.scrollWidth > innerWidth
    ? [`the page is ${document.scrollingElement.scrollWidth} wide in ${innerWidth}`] : [];
  const scrolls = (element) => {
    for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
      if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(at).overflowX)) return true;
    }
    return false;
  };
  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) look(element.shadowRoot);
      if (!element.checkVisibility({visibilityProperty: true})) continue;
      const {left, right, width} = element.getBoundingClientRect();
      if (width > 0 && (right > innerWidth + 1 || left < -1) && !scrolls(element)) {
        out.push(`${element.localName}.${element.className}: ${left} to ${right} of ${innerWidth}`);
      }
    }
  };
  look(document);
  return out;
}
"""

OVERLAPS = """
() => {
  const texts = [];
  const clipped = (box, element) => {
    for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
      const style = getComputedStyle(at);
      if (style.overflowX === "visible" && style.clipPath === "none") continue;
      const frame = at.getBoundingClientRect();
      const small = style.clipPath !== "none" || frame.width <= 1;
      box = small ? null : {
        left: Math.max(box.left, frame.left), right: Math.min(box.right, frame.right),
        top: Math.max(box.top, frame.top), bottom: Math.min(box.bottom, frame.bottom),
      };
      if (!box || box.right <= box.left || box.bottom <= box.top) return null;
    }
    return box;
  };
  const look = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (node.shadowRoot) look(node.shadowRoot);
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
      if (!node.parentElement?.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const {left, right, top, bottom} of range.getClientRects()) {
        const seen = clipped({left, right, top, bottom}, node.parentElement);
        const layer = node.parentElement.closest(":popover-open"); // which lies over the rest, and is meant to
        if (seen) texts.push({words: node.data.trim().slice(0, 40), node, layer, ...seen});
      }
    }
  };
  look(document);
  const over = [];
  texts.forEach((one, n) => {
    for (const other of texts.slice(n + 1).filter(({layer}) => layer === one.layer)) {
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      const least = 0.35 * Math.min(one.bottom - one.top, other.bottom - other.top);
      if (one.node !== other.node && across > 2 && down > least) over.push(`“${one.words}” and “${other.words}”`);
    }
  });
  return over;
}
"""

LIGHTNESS = """
async (picture) => {
  const image = await createImageBitmap(new Blob([Uint8Array.from(atob(picture), (c) => c.charCodeAt(0))]));
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const {data} = context.getImageData(0, 0, image.width, image.height);
  let sum = 0;
  for (let at = 0; at < data.length; at += 4) sum += (data[at] + data[at + 1] + data[at + 2]) / 765;
  return sum / (data.length / 4);
}
"""

MOVING = """
() => {
  const roots = [document];
  for (const element of document.querySelectorAll("*")) if (element.shadowRoot) roots.push(element.shadowRoot);
  return roots.flatMap((root) => root.getAnimations()).filter(({playState}) => playState === "running").length;
}
"""


def running_out(page: Page) -> Any:
    """What is wider than the window, and cannot be scrolled by itself."""
    return page.evaluate(RUNNING_OUT)


def overlaps(page: Page) -> Any:
    """The texts that lie over other texts."""
    return page.evaluate(OVERLAPS)


def lightness(page: Page, blank: Page) -> float:
    """How light a picture of the whole page is, from 0 (black) to 1 (white). It is measured in another, blank page."""
    picture = base64.b64encode(page.screenshot(full_page=True)).decode()
    measured: float = blank.evaluate(LIGHTNESS, picture)
    return measured


def moving(page: Page) -> Any:
    """How many animations run."""
    return page.evaluate(MOVING)
