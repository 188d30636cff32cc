// From values to places on an axis, and the ticks of it.
function makeScale(values, kind, from, to, perAxis) {
  const there = values.filter((value) => value !== null && value > 0 && Number.isFinite(value));
  const most = Math.max(...there), least = Math.min(...there);
  if (kind === "linear") {
    const top = most * 1.05;
    const at = (value) => from + ((to - from) * value) / top;
    return { at, start: from, ticks: niceSteps(top) };
  }
  // the paper's bars begin at v2 = log10(v1) + 2 = 0
  const floor = kind === "paper" ? Math.min(0.01 * perAxis, least) : least / Math.max(1.15, (most / least) ** 0.05);
  const ceiling = most * Math.max(1.15, (most / least) ** 0.05);
  const span = Math.log(ceiling / floor);
  const at = (value) => from + ((to - from) * Math.log(Math.max(value, floor) / floor)) / span;
  const ticks = kind === "paper" ? powers(floor, ceiling, perAxis) : logSteps(floor, ceiling);
  return { at, start: from, ticks };
}

function stepOf(raw) {
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((n) => n * power).find((size) => size >= raw);
}

// A narrow range has too few round powers: even steps within it.
function evenSteps(floor, ceiling) {
  const step = stepOf((ceiling - floor) / 4);
  const found = [];
  for (let place = Math.ceil(floor / step); place * step <= ceiling; place += 1) found.push(place * step);
  return found;
}

function niceSteps(top) {
  const step = stepOf(top / 5);
  const found = [];
  for (let place = 0; place * step <= top; place += 1) found.push(place * step);
  return found;
}

function logSteps(floor, ceiling) {
  const found = [];
  for (let power = Math.floor(Math.log10(floor)); power <= Math.log10(ceiling); power += 1) {
    for (const n of [1, 2, 5]) found.push(n * 10 ** power);
  }
  const within = found.filter((value) => value >= floor && value <= ceiling);
  if (within.length < 3) return evenSteps(floor, ceiling);
  if (within.length <= 7) return within;
  const tens = within.filter((value) => Number.isInteger(Math.log10(value) + 1e-9) || Math.abs(Math.log10(value) % 1) < 1e-9);
  const every = Math.ceil(tens.length / 6);
  return tens.filter((_, place) => place % every === 0);
}

function powers(floor, ceiling, perAxis) {
  const found = [];
  for (let power = -2; perAxis * 10 ** power <= ceiling; power += 1) found.push(perAxis * 10 ** power);
  return found.filter((value) => value >= floor * 0.999);
}

// The outline of a mark by mode: shape and colour say different things, so that neither is needed alone.
function shape(mode, x, y, size, fill) {
  const s = size;
  const paths = {
    native: `M${x} ${y - 1.3 * s}l${0.38 * s} ${0.85 * s} ${0.95 * s} ${0.1 * s} ${-0.7 * s} ${0.65 * s} ${0.2 * s} ${0.95 * s} ${-0.83 * s} ${-0.5 * s} ${-0.83 * s} ${0.5 * s} ${0.2 * s} ${-0.95 * s} ${-0.7 * s} ${-0.65 * s} ${0.95 * s} ${-0.1 * s}z`,
    interpreter: `M${x - 0.9 * s} ${y - 0.9 * s}h${1.8 * s}v${1.8 * s}h${-1.8 * s}z`,
    aot: `M${x} ${y - 1.15 * s}l${1.1 * s} ${2 * s}h${-2.2 * s}z`,
    framework: `M${x} ${y - 1.2 * s}l${1.2 * s} ${1.2 * s} ${-1.2 * s} ${1.2 * s} ${-1.2 * s} ${-1.2 * s}z`,
  };
  const look = { class: "mark", fill };
  return paths[mode] ? drawn("path", { d: paths[mode], ...look }) : drawn("circle", { cx: x, cy: y, r: s, ...look });
}
