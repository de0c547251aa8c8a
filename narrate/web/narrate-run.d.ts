// What `narrate-run.js` promises: the element, and what it tells the page around it.

import type { Answer, StoryEvent } from "./narrate.js";

/** What becomes of the run that an element shows; `cut` and `rejected` are of the connection, not of the run. */
export type Showing =
  | "idle" | "connecting" | "working" | "waiting" | "finished" | "failed" | "cancelled" | "rejected" | "cut";

/** `<narrate-run src="/assist">`: a form for a pipeline's input, and the run that it begins; with `run`, one to follow. */
export class NarrateRun extends HTMLElement {
  /** The input of the run shown, as it was given to `begin`; undefined for a run that was only followed. */
  readonly input: unknown;

  /** What the run in the attribute `run` was given, if that is known: then it can be run again. */
  asked: unknown;

  /** Begin a run with this input, in place of the one that is shown. */
  begin(input: unknown): void;

  /** Follow a run that exists, in place of the one that is shown. `input` is what it was given, if that is known. */
  follow(url: string | URL, input?: unknown): void;

  /** Cancel the run that is shown; nothing happens to one that has ended. */
  cancel(): Promise<void>;

  /**
   * Answer a question of the run that is shown, as its form does: `to` is the question's number, and may be left out
   * where the run has asked one alone. Gives and rejects as `Run.answer` in `narrate.d.ts`.
   */
  answer(value: string, to?: number): Promise<Answer | undefined>;
}

/** What a run asks: with `choices` (null: any text is an answer), and up to second `until` of the run. */
export interface AskedOfRun {
  id: string;
  title: string;
  n: number;
  step: string;
  question: string;
  choices: string[] | null;
  default: string | null;
  until: number | null;
}

/** What bubbles from the element, also out of other shadow roots. */
export interface NarrateRunEvents {
  "narrate-begun": CustomEvent<{ id: string; url: string; title: string; pipeline: string }>;
  "narrate-told": CustomEvent<StoryEvent>;
  /** A step waits for a person: once a question, when it has been open for a moment. */
  "narrate-asked": CustomEvent<AskedOfRun>;
  /** What was asked is settled, in whatever way; so many questions are still `open`. */
  "narrate-answered": CustomEvent<AskedOfRun & { open: number }>;
  "narrate-ended": CustomEvent<{ id: string; state: "finished" | "failed" | "cancelled"; title: string }>;
  "narrate-connection": CustomEvent<{ state: "connecting" | "open" | "waiting"; wait?: number; reason?: string }>;
}

declare global {
  interface HTMLElementTagNameMap {
    "narrate-run": NarrateRun;
  }
  interface HTMLElementEventMap extends NarrateRunEvents {}
}
