// What the other parts share: elements, numbers for people, the campaign's data, and what is chosen.
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const state = { view: "costs", quantity: "cold", relative: true, scale: "log", excluded: new Set() };

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const words = (x, y, text, attributes = {}) => drawn("text", { x, y, ...attributes }, text);
const line = (x1, y1, x2, y2, kind) => drawn("line", { x1, y1, x2, y2, class: kind });

// Three significant figures without an exponent, as everywhere in the report.
function digits(value, figures = 3) {
  if (value === 0) return "0";
  const rounded = value.toExponential(figures - 1);
  const places = figures - 1 - Number(rounded.split("e")[1]);
  return Number(rounded).toFixed(Math.min(20, Math.max(0, places)));
}

function seconds(ns) {
  const value = ns / 1e9;
  if (value < 0.9995) return `${digits(value * 1e3)} ms`;
  if (value < 600) return `${digits(value)} s`;
  return value < 7200 ? `${digits(value / 60)} min` : `${digits(value / 3600)} h`;
}

const megabytes = (bytes) => (bytes < 0.9995e9 ? `${digits(bytes / 1e6)} MB` : `${digits(bytes / 1e9)} GB`);
const times = (ratio) => `${digits(ratio)}×`;
const whole = (number) => number.toLocaleString("en");
const interval = (low, high, show) => (low === null || high === null ? "" : ` [${show(low)}, ${show(high)}]`);
const quantityOf = (key) => data.quantities.find((quantity) => quantity.key === key);
const shower = (key) => (quantityOf(key).unit === "bytes" ? megabytes : seconds);
const armOf = (cell) => data.arms[cell.arm];
const modelOf = (cell) => data.models[cell.model];

// A facet is something to filter by; a value of it is excluded under the name "facet=value".
const FACETS = ["model", "runtime", "mode", "guest", "batch", "change"];
const isExcluded = (facet, value) => value !== undefined && value !== null && state.excluded.has(`${facet}=${value}`);

function isShown(cell) {
  const arm = armOf(cell);
  const values = { model: modelOf(cell).id, runtime: arm.runtime, mode: arm.mode, guest: arm.guest, batch: cell.batch };
  return !FACETS.some((facet) => isExcluded(facet, values[facet]));
}

// The typical value of a cell with its interval, in its unit or over native; null where there is none.
function measured(cell, key, relative) {
  if (!relative) return cell.values[key] ?? null;
  if (armOf(cell).mode === "native" && cell.values[key] && armOf(cell).isBaseline) return [1, null, null];
  return cell.over[key] ?? null;
}

function describe(cell) {
  const arm = armOf(cell);
  const lines = [`${arm.name} (${arm.guest}), ${modelOf(cell).name}, batch ${cell.batch}`];
  if (cell.status !== "ok") lines.push(cell.why ? `${cell.status}: ${cell.why}` : cell.status);
  for (const { key, title } of data.quantities) {
    const value = cell.values[key];
    if (!value) continue;
    const show = shower(key);
    const over = cell.over[key];
    const ratio = over ? `; ${times(over[0])}${interval(over[1], over[2], times)} native${over[3] ? `, ${over[3]}` : ""}` : "";
    lines.push(`${title}: ${show(value[0])}${interval(value[1], value[2], show)}${ratio}`);
  }
  if (cell.trials) lines.push(`${cell.trials} trials, 95 % intervals by ${data.unit}`);
  return lines.join("\n");
}
