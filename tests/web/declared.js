// The shapes of all events as `narrate.d.ts` declares them, by TypeScript's own checker. Run, it prints them as JSON.

import { argv } from "node:process";
import { fileURLToPath } from "node:url";

import ts from "typescript";

const DECLARATIONS = fileURLToPath(new URL("../../narrate/web/narrate.d.ts", import.meta.url));

/** Of each type of event, in alphabetical order, the names of the fields that it has and of those that it may have. */
export function eventShapes() {
  const options = { strict: true, lib: ["lib.es2024.d.ts", "lib.dom.d.ts"], types: [] };
  const program = ts.createProgram([DECLARATIONS], options);
  const checker = program.getTypeChecker();
  const declared = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(DECLARATIONS)));
  const events = checker.getDeclaredTypeOfSymbol(declared.find(({ name }) => name === "StoryEvent"));
  const shapes = events.types.map((event) => {
    const fields = event.getProperties();
    const isOptional = ({ flags }) => Boolean(flags & ts.SymbolFlags.Optional);
    const names = (some) => some.map(({ name }) => name).sort();
    return {
      type: checker.getTypeOfSymbol(event.getProperty("type")).value,
      has: names(fields.filter((field) => !isOptional(field))),
      may: names(fields.filter(isOptional)),
    };
  });
  return shapes.sort((a, b) => (a.type < b.type ? -1 : 1));
}

if (argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(eventShapes()));
