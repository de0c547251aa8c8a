/**
 * What `narrate.js` promises, and the shape of everything that is told.
 *
 * Seconds are seconds everywhere. Readers pass over types of events and fields that they do not know.
 */

/** Where a JSON value stands whose shape the pipeline's author knows. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

// --- Runs ---

/**
 * Begin a run by a POST of `input` as JSON (`undefined`: no body), and follow its story to its end.
 *
 * Nothing is sent before the run is iterated or `result()` is asked for. So there is a reader from the first event
 * on, nothing is heard that would have to be kept for somebody who never comes, and no error is without a place.
 * The connection may break as often as it likes: the same POST is sent again with the same `Idempotency-Key`, which
 * the server answers from where the last one broke. Throws what `JSON.stringify` and `new URL` throw.
 */
export function narrate<Result = unknown>(url: string | URL, input?: unknown, options?: NarrateOptions): Run<Result>;

/**
 * Follow a run that has begun: `runUrl` is the address of its state (`run.url`) or of its events. Else as `narrate`.
 */
export function follow<Result = unknown>(runUrl: string | URL, options?: FollowOptions): Run<Result>;

/**
 * A run as one reader hears it, once: each event in its order, numbered ones without a gap and none twice.
 *
 * The iteration ends after the event that ends the run, or when the server says that nothing is left to tell. It throws
 * `Rejected` or `Cut`, the signal's own reason, or what the `headers` function throws. A loop that is left early
 * leaves the run, which goes on or not as its pipeline says. A second iteration throws a TypeError.
 */
export interface Run<Result = unknown> extends AsyncIterable<StoryEvent<Result>> {
  /** The run's id, once the server has answered. */
  readonly id: string | undefined;
  /** The absolute address of the run's state, once the server has answered; for `follow` at once. */
  readonly url: string | undefined;
  /** The number of the last event heard; at first 0, or what `after` said. */
  readonly last: number;
  /**
   * The run's result. Rejects with `Failed` when the run failed or was cancelled, else as the iteration throws; with
   * `Cut` also when the loop was left early, or the end had been told before. It reads the story by itself, unless a
   * loop has begun it or does so in the same turn.
   */
  result(): Promise<Result>;
  /**
   * Cancel the run itself, and have the state in which that leaves it; the story goes on to `run.cancelled`. A run that
   * the server has not answered for yet is cancelled as soon as it has; a wait for the next connection ends at once.
   * Rejects with `Rejected` where the server refuses, with `Cut` where it cannot be reached, as the iteration throws
   * where that ends first, and with a TypeError where the run was never begun.
   */
  cancel(): Promise<RunState<Result>>;
  /**
   * Answer the question that is event number `to`, and have the answer as it was told; undefined where it is kept and
   * not told yet. `to` may be left out where the run has asked one question alone. The same answer given again is the
   * same answer. Rejects as `cancel` does: `Rejected` says 409 where the answer comes too late, 422 where it does not fit.
   */
  answer(value: string, to?: number): Promise<Answer | undefined>;
}

export interface Options {
  /** Leaves the run without cancelling it: the iteration throws the signal's reason, whatever it was waiting for. */
  signal?: AbortSignal;
  /** Sent with every request. A function is asked for each connection, so that a token may be a fresh one. */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>);
  /**
   * Seconds without a byte after which a connection counts as dropped: by default twice the heartbeat that the server
   * names in `Narrate-Heartbeat`, and 60 where it names none.
   */
  silence?: number;
  /** After so many failed connections in a row, `Cut` is thrown: by default never. */
  attempts?: number;
  /** The longest wait for the next connection, in seconds, unless the server asks for a longer one: by default 30. */
  cap?: number;
  /** Told how the connection fares, each time that changes. */
  onconnection?: (connection: Connection) => void;
}

export interface NarrateOptions extends Options {
  /** The `Idempotency-Key`, which makes two requests one run: by default a random one. */
  key?: string;
}

export interface FollowOptions extends Options {
  /** The number of the last event that is known already: what comes after it is told. By default 0. */
  after?: number;
}

export type Connection =
  | { readonly state: "connecting" | "open" }
  /** Waiting so many seconds for the next connection, and in words why the last one came to nothing. */
  | { readonly state: "waiting"; readonly wait: number; readonly reason: string };

// --- What goes wrong ---

/** What went wrong, as RFC 9457 wants it told. Without a `type` it is `about:blank`. */
export interface Problem {
  readonly type?: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly step?: string;
  readonly errors?: readonly ProblemError[];
}

/** One of several things that are wrong: a field of the input (`place.name`), or one of the steps that failed. */
export interface ProblemError {
  readonly detail: string;
  readonly field?: string;
  readonly step?: string;
}

/** The server refused the request, or answered with something else than a story: to ask again would change nothing. */
export class Rejected extends Error {
  constructor(problem: Problem);
  readonly problem: Problem;
}

/** The run failed or was cancelled, as its last event says. Of one cancelled, the problem has status 409. */
export class Failed extends Error {
  constructor(event: RunFailed | RunCancelled);
  readonly event: RunFailed | RunCancelled;
  readonly problem: Problem;
}

/** The story was not heard to its end, and nobody tries any more. `last` is the number of the last event heard. */
export class Cut extends Error {
  constructor(last: number, why: string, options?: ErrorOptions);
  readonly last: number;
}

// --- Events ---

export type StoryEvent<Result = unknown> = Recorded<Result> | Progress | Detached;

export type Recorded<Result = unknown> =
  | RunStarted
  | StepStarted
  | Message
  | Token
  | Detail
  | Question
  | Answer
  | StepRetrying
  | StepFinished
  | StepSkipped
  | StepFailed
  | StepCancelled
  | Gap
  | Terminal<Result>;

/** What a record ends in. */
export type Terminal<Result = unknown> = RunFinished<Result> | RunFailed | RunCancelled;

/** One thing that was told: `n` is its place in the record, from 1; `t` the seconds into the run when it happened. */
export interface Numbered {
  readonly n: number;
  readonly t: number;
}

export interface RunStarted extends Numbered {
  readonly type: "run.started";
  readonly run: string;
  readonly pipeline: string;
  readonly title: string;
  readonly outline: readonly Outlined[];
  /** What is to be known of every run here, such as that it is a replay. */
  readonly note?: string;
}

/** A stage of the outline. A title has `…` where the run fills something in; `seconds` is what it usually takes. */
export type Outlined =
  | { readonly kind: "step"; readonly step: string; readonly title: string; readonly seconds?: number }
  | { readonly kind: "concurrent"; readonly members: readonly Outlined[] }
  | { readonly kind: "pipeline"; readonly step: string; readonly title: string; readonly stages: readonly Outlined[] };

export interface StepStarted extends Numbered {
  readonly type: "step.started";
  readonly step: string;
  readonly title: string;
}

export interface Message extends Numbered {
  readonly type: "message";
  readonly step: string;
  readonly text: string;
}

/** A piece of text as it arrived. Where neighbours were joined, `first` is the number of the first, `n` of the last. */
export interface Token extends Numbered {
  readonly type: "token";
  readonly step: string;
  readonly text: string;
  readonly first?: number;
}

/** Something to open and inspect: with its data or, when that is large, with the address where it can be fetched. */
export interface Detail extends Numbered {
  readonly type: "detail";
  readonly step: string;
  readonly title: string;
  readonly data?: Json;
  /** Bytes of the data as JSON. */
  readonly size?: number;
  readonly link?: string;
}

/**
 * A step waits for a person. `choices` are all that may be answered; without them any text may be. Within so many
 * seconds of `t` it must be answered; then the answer is the `default`, if there is one. `item` is which item of the
 * step's `each` asks, where items are no steps of their own.
 */
export interface Question extends Numbered {
  readonly type: "question";
  readonly step: string;
  readonly question: string;
  readonly choices?: readonly string[];
  readonly default?: string;
  readonly within?: number;
  readonly item?: string;
}

/**
 * The end of question number `to`. `by` is `person`; `default` where nobody answered in time; or `nobody` where it was
 * taken back, or its time was over without a default: then there is no `value`.
 */
export interface Answer extends Numbered {
  readonly type: "answer";
  readonly step: string;
  readonly to: number;
  readonly by: "person" | "default" | "nobody";
  readonly value?: string;
}

/** The attempt numbered `attempt` of at most `of` failed; the next begins in `wait` seconds. */
export interface StepRetrying extends Numbered {
  readonly type: "step.retrying";
  readonly step: string;
  readonly attempt: number;
  readonly of: number;
  readonly wait: number;
  readonly reason: string;
}

/** The step has its value. `fallback` is why a stand-in had to give it, `text` the step's summary. */
export interface StepFinished extends Numbered {
  readonly type: "step.finished";
  readonly step: string;
  readonly seconds: number;
  readonly text?: string;
  readonly fallback?: string;
}

export interface StepSkipped extends Numbered {
  readonly type: "step.skipped";
  readonly step: string;
  readonly reason: string;
}

export interface StepFailed extends Numbered {
  readonly type: "step.failed";
  readonly step: string;
  readonly problem: Problem;
}

export interface StepCancelled extends Numbered {
  readonly type: "step.cancelled";
  readonly step: string;
  readonly reason: string;
}

export interface RunFinished<Result = unknown> extends Numbered {
  readonly type: "run.finished";
  readonly result: Result;
  readonly seconds: number;
}

export interface RunFailed extends Numbered {
  readonly type: "run.failed";
  readonly problem: Problem;
  readonly seconds: number;
}

export interface RunCancelled extends Numbered {
  readonly type: "run.cancelled";
  readonly reason: string;
  readonly seconds: number;
}

/** History that is no longer kept: the events numbered `from` to `to`. Its own number is `to`. */
export interface Gap extends Numbered {
  readonly type: "gap";
  readonly from: number;
  readonly to: number;
}

/** Status, live and never numbered: how far a step is, or the state of a lane whose turn to be told has not come. */
export interface Progress {
  readonly type: "progress";
  readonly t: number;
  readonly step: string;
  readonly done?: number;
  readonly of?: number;
  readonly unit?: string;
  readonly text?: string;
  readonly state?: string;
}

/** This connection ends and the run carries on; its state is at `link`. The story goes on by itself. Not numbered. */
export interface Detached {
  readonly type: "detached";
  readonly t: number;
  readonly run: string;
  readonly link: string;
}

// --- State documents ---

/** What has become of a run, as `GET run.url` says. Ended, it has `seconds`, and a `result`, `problem` or `reason`. */
export interface RunState<Result = unknown> {
  readonly run: string;
  readonly pipeline: string;
  readonly title: string;
  readonly state: "working" | "finished" | "failed" | "cancelled";
  /** The number of the last event told, and how many seconds into the run it happened. */
  readonly n: number;
  readonly t: number;
  readonly steps: readonly StepState[];
  readonly note?: string;
  readonly seconds?: number;
  readonly result?: Result;
  readonly problem?: Problem;
  readonly reason?: string;
  /** The history that is missing: the events numbered `from` to `to`. */
  readonly gap?: { readonly from: number; readonly to: number };
  /** When it began, in seconds since 1970 in UTC. */
  readonly began: number;
  readonly links: { readonly self: string; readonly events: string; readonly answers?: string };
  /** How many seconds the run goes on after its last reader has left; null if to its end. */
  readonly linger?: number | null;
  /** Whether the run goes on whoever leaves. */
  readonly detached?: boolean;
  /** Its webhooks, each with the last attempt's outcome in words. */
  readonly deliveries?: readonly {
    readonly id: string;
    readonly state: string;
    readonly attempts: number;
    readonly last: string | null;
  }[];
}

export interface StepState {
  readonly step: string;
  readonly title: string;
  readonly state:
    | "waiting" | "working" | "retrying" | "done" | "skipped" | "failed" | "cancelled" | "unreached" | "unknown";
  readonly seconds?: number;
  readonly text?: string;
  readonly reason?: string;
  readonly problem?: Problem;
  readonly progress?: {
    readonly done?: number;
    readonly of?: number;
    readonly unit?: string;
    readonly text?: string;
  };
  /** What it waits for a person to answer: question number `n`, up to second `until` of the run. */
  readonly questions?: readonly (Omit<Question, "type" | "step" | "t" | "within"> & { readonly until?: number })[];
}

// --- The parts, for whoever builds another reader ---

/** Hears one `text/event-stream`, the same however it was cut into chunks (HTML standard, sections 9.2.5 and 9.2.6). */
export class Decoder {
  /** `lastEventId` is that of the stream which this one resumes. */
  constructor(lastEventId?: string);
  /** What to send as `Last-Event-ID` when connecting again. */
  lastEventId: string;
  /** Milliseconds to wait first, at most 2³¹−1; undefined where the stream has not said. */
  retry: number | undefined;
  /** The events that are complete with this chunk. */
  feed(chunk: Uint8Array): ServerSentEvent[];
}

export interface ServerSentEvent {
  readonly data: string;
  /** `message` where the stream gave no name. */
  readonly event: string;
  /** The last event id at that moment, which an earlier event may have set. */
  readonly id: string;
}

/**
 * Seconds to wait after so many failed connections in a row: twice as long each time, never less than `floor`, and
 * never more than `cap` unless the floor comes to more. `random` is from 0 to 1, and makes the wait up to half as long
 * again, lest all who lost one server come back to it at once.
 */
export function waitBefore(failures: number, floor: number, cap: number, random: number): number;
