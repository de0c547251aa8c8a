// A view for the tests: it lists what it was given, with the data of details, and says how often it was called.

let calls = 0;

export default function view(place, help) {
  calls += 1;
  const list = document.createElement("ol");
  list.setAttribute("aria-label", `Seen ${calls}`);
  place.append(list);
  return async (event) => {
    const item = document.createElement("li");
    item.textContent = event.n ? `${event.n} ${event.type}` : event.type;
    list.append(item);
    if (event.type === "detail") item.append(` ${JSON.stringify(await help.data(event)).length}`);
  };
}
