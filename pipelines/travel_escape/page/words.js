// @ts-check
// The words of the view: how long, how far, how warm, which day, which country.

const BY_KIND = { hot: "hot enough", normal: "mild", cold: "cold enough" };

/**
 * Minutes as people say them: `1 h 20 min`.
 * @param {number} minutes
 */
export function spokenMinutes(minutes) {
  const whole = Math.round(minutes);
  const parts = [Math.floor(whole / 60) && `${Math.floor(whole / 60)} h`, whole % 60 && `${whole % 60} min`];
  return parts.filter(Boolean).join(" ") || "0 min";
}

/**
 * A flight's time; an estimate is said to be one.
 * @param {{flight_minutes: number, scheduled: boolean}} escape
 */
export function flightTime({ flight_minutes: minutes, scheduled }) {
  return scheduled ? spokenMinutes(minutes) : `about ${spokenMinutes(minutes)}`;
}

/** @param {number} high */
export function degrees(high) {
  return `${Math.round(high)} °C`;
}

/** @param {number} km */
export function kilometres(km) {
  return `${new Intl.NumberFormat("en").format(km)} km`;
}

/**
 * `Wednesday 14 October` of `2026-10-14`; a day that is none is left as it is.
 * @param {string} day
 */
export function spokenDay(day) {
  const date = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(date.valueOf())) return day;
  const format = { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" };
  return new Intl.DateTimeFormat("en-GB", /** @type {Intl.DateTimeFormatOptions} */ (format)).format(date);
}

/**
 * The English name of a country by its ISO code; a code that is none is left as it is.
 * @param {string} code
 */
export function countryName(code) {
  try {
    return new Intl.DisplayNames(["en"], { type: "region" }).of(code) ?? code;
  } catch {
    return code;
  }
}

/**
 * What is said of places whose weather is as wished for.
 * @param {string | undefined} kind
 */
export function fittingWeather(kind) {
  return BY_KIND[/** @type {keyof typeof BY_KIND} */ (kind)] ?? "right weather";
}

/**
 * @param {number} n
 * @param {string} what
 */
export function count(n, what) {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

/**
 * `Sevilla, Fes and Malaga`.
 * @param {string[]} names
 */
export function listed(names) {
  return new Intl.ListFormat("en-GB", { type: "conjunction" }).format(names);
}
