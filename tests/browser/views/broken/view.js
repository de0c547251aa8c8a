// A view for the tests that fails at once.

export default function view() {
  throw new Error("The projector is broken.");
}
