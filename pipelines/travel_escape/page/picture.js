// @ts-check
// What a run has told so far, and the picture that it makes. Pure: events and their data in, a plain value out.
//
// Facts are kept by what they are of, never by when they came: a detail that is fetched may arrive after the run has
// ended, and the picture is the same.

/**
 * @typedef {{iata: string, name?: string, city: string, country: string, lat: number, lon: number}} Airport
 * @typedef {{number: string, departs: string | null}} Flight
 * @typedef {{city: string, country: string, iata: string, lat: number, lon: number, km: number, flight_minutes: number,
 *   scheduled: boolean, high: number, sky: string, flights: Flight[]}} Escape
 * @typedef {"near" | "far" | "fitting" | "unfit" | "chosen"} Fate
 * @typedef {{iata: string, city: string, lat: number, lon: number, km: number, fate: Fate, high: number | null}} Place
 * @typedef {"idle" | "working" | "finished" | "failed" | "cancelled"} State
 * @typedef {{state: State, departure: Airport | null, places: Place[], hours: number | null,
 *   weather: string | undefined, day: string | null, found: number | null, near: number | null, fitting: number | null,
 *   escapes: Escape[], relax: string | null}} Picture
 * @typedef {"wish" | "departure" | "distances" | "weather"} Kind
 * @typedef {{state: State, result: any} & Partial<Record<Kind, any>>} Facts
 */

/** Which detail tells what, by its step and title. @type {Record<string, Kind>} */
const TELLING = {
  "intent: What was understood": "wish",
  "departure: Where you leave from": "departure",
  "distances: How far they are": "distances",
  "weather: The weather of the day": "weather",
};

/** @type {Record<string, State>} */
const STATES = {
  "run.started": "working",
  "run.finished": "finished",
  "run.failed": "failed",
  "run.cancelled": "cancelled",
};

/** How far a run has come with each of them told. @type {Record<Kind | State, number>} */
const CHAPTERS = {
  idle: 0, working: 0, wish: 0, departure: 1, distances: 2, weather: 3, finished: 3, failed: 3, cancelled: 3,
};

/**
 * Which of the picture's details this event is; undefined for all others.
 * @param {any} event
 * @returns {Kind | undefined}
 */
export function kindOf(event) {
  return event.type === "detail" ? TELLING[`${event.step}: ${event.title}`] : undefined;
}

/**
 * The state that a run is in from this event on; undefined where it changes nothing.
 * @param {any} event
 * @returns {State | undefined}
 */
export function stateOf(event) {
  return STATES[event.type];
}

/**
 * The chapter of the run that is reached with this.
 * @param {Kind | State} told
 */
export function chapterOf(told) {
  return CHAPTERS[told];
}

/**
 * The picture of these facts.
 * @param {Facts} facts
 * @returns {Picture}
 */
export function pictureOf(facts) {
  const { state, result } = facts;
  const escapes = rows(result?.escapes).filter(isPlaced);
  const forecasts = new Map(rows(facts.weather).map((row) => [row.iata, row]));
  const chosen = new Map(escapes.map((escape) => [escape.iata, escape]));
  const measured = rows(facts.distances).filter(isPlaced);
  const known = new Set(measured.map(({ iata }) => iata));
  const places = [...measured, ...escapes.filter(({ iata }) => !known.has(iata))].map((row) => ({
    iata: row.iata,
    city: row.city,
    lat: row.lat,
    lon: row.lon,
    km: row.km,
    fate: chosen.has(row.iata) ? "chosen" : fateOf(row, facts, forecasts.get(row.iata)),
    high: (chosen.get(row.iata) ?? forecasts.get(row.iata))?.high ?? null,
  }));
  return {
    state,
    departure: [result?.departure, facts.departure].find(isPlaced) ?? null,
    places: /** @type {Place[]} */ (places),
    hours: result?.hours ?? facts.wish?.hours ?? null,
    weather: result?.weather ?? facts.wish?.weather,
    day: result?.day ?? null,
    found: facts.distances ? measured.length : null,
    near: facts.distances ? measured.filter(({ within }) => within).length : null,
    fitting: facts.weather ? rows(facts.weather).filter(({ fits }) => fits).length : result ? escapes.length : null,
    escapes,
    relax: result?.relax ?? null,
  };
}

/**
 * @param {any} row
 * @param {Facts} facts
 * @param {any} forecast
 * @returns {Fate}
 */
function fateOf(row, facts, forecast) {
  if (!row.within) return "far";
  if (!facts.weather) return facts.result ? "unfit" : "near";
  return forecast?.fits ? "fitting" : "unfit";
}

/** @param {any} data @returns {any[]} */
function rows(data) {
  return Array.isArray(data) ? data : [];
}

/** @param {any} place */
function isPlaced(place) {
  return Number.isFinite(place?.lat) && Number.isFinite(place?.lon);
}
