// @ts-check
// A place in a shadow root, styled as <narrate-run> is, for a form or a detail by itself. The form is sent nowhere: its
// value, or the sentences that fit no field, are written below it.

import { drawDetail } from "/web/details.js";
import { inputForm } from "/web/form.js";
import { sheet } from "/web/sheets.js";

const SHEETS = await Promise.all(["form.css", "details.css", "narrate-run.css"].map(sheet));

class Stage extends HTMLElement {
  /** The form that was drawn last, as `inputForm` gave it. @type {any} */
  inputs;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = SHEETS;
  }

  /** @param {any} schema @param {any} [value] */
  form(schema, value) {
    this.inputs = inputForm(schema);
    if (value !== undefined) this.inputs.fill(value);
    const form = document.createElement("form");
    const send = document.createElement("button");
    const said = document.createElement("output");
    form.noValidate = true;
    send.className = "begin";
    send.textContent = "Begin";
    form.append(this.inputs.element, send, said);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.inputs.clear();
      said.textContent = this.#sent();
    });
    this.shadowRoot?.replaceChildren(form);
  }

  #sent() {
    try {
      return JSON.stringify(this.inputs.value());
    } catch (problems) {
      return ["Refused.", ...this.inputs.show(problems)].join(" ");
    }
  }

  /** @param {any} data @param {string} [label] */
  detail(data, label) {
    this.shadowRoot?.replaceChildren(drawDetail(data, label));
  }
}

customElements.define("test-stage", Stage);
