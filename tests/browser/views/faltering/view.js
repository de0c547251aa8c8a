// A view for the tests that fails at the first message, and would at every later one.

export default function view() {
  return ({ type }) => {
    if (type === "message") throw new Error("The film has torn.");
  };
}
