// A stage for the view: a shadow root styled as that of <narrate-run>, and what hands it events and data of details.

import view from "/pipelines/travel-escape/page/view.js";

class ViewStage extends HTMLElement {
  holding = false;
  #held = new Map();
  #asked = [];
  #shifts = 0;

  async connectedCallback() {
    const style = new CSSStyleSheet();
    await style.replace(await (await fetch("/web/narrate-run.css")).text());
    const title = document.createElement("h2");
    title.textContent = "A run";
    this.place = document.createElement("div");
    this.attachShadow({ mode: "open" }).append(title, this.place);
    this.shadowRoot.adoptedStyleSheets = [style];
    this.take = view(this.place, { data: (event) => this.data(event) });
    await this.drawn(); // That the view comes to stand above what is below is none of its own shifts.
    this.observer = new PerformanceObserver((list) => this.count(list.getEntries()));
    this.observer.observe({ type: "layout-shift" });
    this.setAttribute("ready", "");
  }

  get root() {
    return this.place.shadowRoot;
  }

  // Tell these at once, and come back when they have been drawn, with the details that are not held.
  async tell(events) {
    events.forEach((event) => this.take(event));
    if (!this.holding) await Promise.allSettled(this.#asked);
    await this.drawn();
  }

  // What is due is drawn by a timer, so a later one comes after it.
  async drawn() {
    await new Promise((resolve) => setTimeout(resolve));
    for (let n = 0; n < 2; n += 1) await new Promise(requestAnimationFrame);
  }

  // The data of a detail as it is fetched; while these are held, once it is let go.
  data(event) {
    const fetched = async () => (await fetch(event.link)).json();
    const { promise, resolve, reject } = Promise.withResolvers();
    if (this.holding) this.#held.set(event.title, { resolve: () => resolve(fetched()), reject });
    else resolve(fetched());
    this.#asked.push(promise);
    return promise;
  }

  // Let held details go, in this order, each after the one before has been drawn.
  async release(titles) {
    for (const title of titles) {
      this.#held.get(title).resolve();
      await this.drawn();
    }
    await Promise.allSettled(this.#asked);
    await this.drawn();
  }

  async refuse(titles) {
    for (const title of titles) this.#held.get(title).reject(new Error("It is gone."));
    await this.drawn();
  }

  get shifted() {
    this.count(this.observer.takeRecords());
    return this.#shifts;
  }

  count(entries) {
    for (const { value } of entries) this.#shifts += value;
  }
}

customElements.define("view-stage", ViewStage);
