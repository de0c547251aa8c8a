// How the client is used, as TypeScript sees it: what compiles here, and what must not. Checked by `tsc`, never run.

import { Cut, Decoder, Failed, Rejected, follow, narrate, waitBefore } from "../../narrate/web/narrate.js";
import type { Json, Problem, Run, RunState, StoryEvent } from "../../narrate/web/narrate.js";

interface Cities {
  cities: string[];
}

export async function read(): Promise<string[]> {
  const run = narrate<Cities>("/assist", { q: "hot" }, { signal: new AbortController().signal, key: "k" });
  for await (const event of run) console.log(lineOf(event), run.last);
  const state: RunState<Cities> = await run.cancel();
  const names: string[] | undefined = state.result?.cities;
  const told: string | undefined = (await run.answer("yes", state.steps[0].questions?.[0].n))?.value;
  console.log(told);
  return names ?? (await run.result()).cities;
}

// Every event is known by its type, and there is no other.
export function lineOf(event: StoryEvent<Cities>): string {
  switch (event.type) {
    case "run.started":
      return event.outline.map((stage) => (stage.kind === "concurrent" ? event.title : stage.title)).join();
    case "step.started":
    case "detail":
      return event.title;
    case "message":
    case "token":
      return event.text;
    case "question":
      return `${event.question} ${event.choices?.join()} within ${event.within} s, else ${event.default}`;
    case "answer":
      return event.value ?? event.by;
    case "step.retrying":
      return `${event.attempt} of ${event.of}, ${event.wait.toFixed()} s: ${event.reason}`;
    case "step.finished":
      return event.text ?? event.fallback ?? event.seconds.toFixed();
    case "step.skipped":
    case "step.cancelled":
    case "run.cancelled":
      return event.reason;
    case "step.failed":
    case "run.failed":
      return event.problem.errors?.map(({ field, detail }) => `${field}: ${detail}`).join() ?? event.problem.title;
    case "run.finished":
      return event.result.cities.join();
    case "gap":
      return `${event.from} to ${event.to}`;
    case "progress":
      return `${event.done} of ${event.of} ${event.unit}`;
    case "detached":
      return event.link;
    default:
      return event satisfies never;
  }
}

export function whatWentWrong(error: unknown): Problem | number | undefined {
  if (error instanceof Failed) return error.event.type === "run.failed" ? error.event.problem : error.problem;
  if (error instanceof Rejected) return error.problem;
  return error instanceof Cut ? error.last : undefined;
}

export const followed: Run = follow(new URL("https://api.example/runs/r1"), {
  after: 5,
  headers: async () => ({ Authorization: "Bearer x" }),
  onconnection: (connection) => connection.state === "waiting" && console.log(connection.wait, connection.reason),
});

export const parts: Json[] = [waitBefore(1, 1, 30, 0), new Decoder("5").feed(new Uint8Array())[0].data];

// @ts-expect-error  The place is for those who follow.
narrate("/assist", {}, { after: 5 });
// @ts-expect-error  The key is for those who begin.
follow("/runs/r1", { key: "k" });
// @ts-expect-error  What has been told does not change.
followed.last = 5;
// @ts-expect-error  A result of no known shape is unknown.
followed.result().then((result) => result.cities);
