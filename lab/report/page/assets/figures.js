// The figures: each draws the cells of one model and batch into a panel of a given width.
const ROW = 24, TOP = 6, FOOT = 34;

// Something that can be hovered, focused, and opened; its text is its accessible name, too.
function mark(text, cell, ring, ...children) {
  const made = drawn("g", { role: "button", tabindex: -1, "aria-label": text.replaceAll("\n", "; ") });
  made.append(drawn(ring.length === 3 ? "circle" : "rect", { class: "ring", ...ringOf(ring) }), ...children);
  for (const [event, act] of [["mouseenter", showTip], ["focus", showTip], ["mouseleave", hideTip], ["blur", hideTip]]) {
    made.addEventListener(event, () => act(text, made));
  }
  if (cell) {
    made.addEventListener("click", () => openTrials(cell, made));
    made.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      openTrials(cell, made);
    });
  }
  return made;
}

function ringOf(ring) {
  const [x, y, a, b] = ring;
  return ring.length === 3 ? { cx: x, cy: y, r: a } : { x, y, width: a, height: b };
}

// A round number of a tick: ``1.00×`` is ``1×`` there.
const plain = (text) => text.replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");

function across(scale, show, y, top, label, right) {
  const made = drawn("g", { "aria-hidden": "true" });
  let free = -Infinity;
  for (const tick of scale.ticks) {
    const x = scale.at(tick), text = plain(show(tick)), half = 3.6 * text.length;
    made.append(line(x, top, x, y, "grid"));
    if (x - half < free) continue; // it would run into the one before
    made.append(words(x, y + 14, text, { "text-anchor": "middle", class: "soft" }));
    free = x + half + 3;
  }
  made.append(words(right, y + 29, label, { "text-anchor": "end", class: "soft" }));
  return made;
}

// Paper, arrow keys from mark to mark, and one tab stop for all of them.
function board(width, height, title, marks, ...others) {
  const made = drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": title });
  made.append(...others, ...marks);
  if (marks.length) marks[0].setAttribute("tabindex", 0);
  made.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const place = marks.indexOf(document.activeElement);
    const ends = { Home: 0, End: marks.length - 1 }[event.key];
    if (place < 0 || (step === undefined && ends === undefined)) return;
    event.preventDefault();
    const next = ends ?? Math.min(marks.length - 1, Math.max(0, place + step));
    marks[place].setAttribute("tabindex", -1);
    marks[next].setAttribute("tabindex", 0);
    marks[next].focus();
  });
  return made;
}

const short = (text, width) => (text.length * 6.4 <= width ? text : `${text.slice(0, Math.floor(width / 6.4) - 1)}…`);
const label = (arm) => (data.severalGuests ? `${arm.name} (${arm.guest})` : arm.name);

function costs(cells, width, title) {
  const quantity = quantityOf(state.quantity);
  const relative = state.relative && cells.some((cell) => cell.over[state.quantity]);
  const show = relative ? times : shower(state.quantity);
  const known = cells.filter((cell) => measured(cell, state.quantity, relative));
  const place = (cell) => measured(cell, state.quantity, relative)[0];
  known.sort((a, b) => place(a) - place(b));
  const failed = cells.filter((cell) => !known.includes(cell));
  const isNarrow = width < 460;
  const names = isNarrow ? 0 : Math.min(230, width * 0.4), row = isNarrow ? 38 : ROW;
  const numbers = width > 560 ? 156 : 18;
  const left = names + 10, right = width - numbers, bottom = TOP + row * cells.length;
  const ends = known.flatMap((cell) => measured(cell, state.quantity, relative).slice(0, 3));
  const kind = state.scale === "paper" && relative ? "log" : state.scale;
  const perAxis = quantity.unit === "bytes" ? 1e9 : 1e9;
  const scale = known.length ? makeScale(relative ? [...ends, 1] : ends, kind, left, right, perAxis) : null;
  const base = drawn("g");
  if (scale) {
    const isPaper = kind === "paper";
    const tick = isPaper ? (value) => digits(Math.log10(value / perAxis) + 2, 2) : show;
    const unit = quantity.unit === "bytes" ? "GB" : "s";
    const text = isPaper ? `${quantity.title}, log10(${unit}) + 2` : `${quantity.title}${relative ? " over native" : ""}`;
    base.append(across(scale, tick, bottom, TOP, text, right));
    if (relative) base.append(line(scale.at(1), TOP, scale.at(1), bottom, "one"));
  }
  const marks = [...known, ...failed].map((cell, index) => {
    const arm = armOf(cell), middle = TOP + row * index + (isNarrow ? 27 : row / 2);
    const name = isNarrow
      ? words(left, middle - 12, short(label(arm), width - 20))
      : words(names, middle + 4, short(label(arm), names), { "text-anchor": "end" });
    const value = measured(cell, state.quantity, relative);
    const parts = [name];
    if (value) {
      const [typical, low, high] = value;
      const x = scale.at(typical);
      if (kind === "paper") parts.push(drawn("rect", { x: left, y: middle - 6, width: Math.max(1, x - left), height: 12, class: "mark", fill: arm.colour }));
      if (low !== null && high !== null) parts.push(line(scale.at(low), middle, scale.at(high), middle, "bar"));
      if (kind !== "paper") parts.push(shape(arm.mode, x, middle, 5, arm.colour));
      if (numbers > 100) parts.push(words(right + 10, middle + 4, `${show(typical)}${interval(low, high, (end) => show(end).split(/[ ×]/)[0])}`));
    } else {
      parts.push(words(left, middle + 4, `× ${cell.status}`, { class: "soft" }));
    }
    return mark(describe(cell), cell, [1, middle - (isNarrow ? 25 : 11), width - 2, isNarrow ? 34 : 22], ...parts);
  });
  return board(width, bottom + FOOT, title, marks, base);
}

// Cells that no other but native beats in one cost without losing in the other, by the first cost.
function frontOf(points) {
  const sorted = points.filter(({ cell }) => armOf(cell).mode !== "native").sort((a, b) => a.x - b.x || a.y - b.y);
  const found = [];
  for (const point of sorted) if (!found.length || point.y < found[found.length - 1].y) found.push(point);
  return found;
}

function scatter(pick, titles, shows) {
  return (cells, width, title) => {
    const height = Math.min(420, Math.max(260, width * 0.7));
    const points = cells.map((cell) => ({ cell, both: pick(cell) })).filter(({ both }) => both)
      .map(({ cell, both }) => ({ cell, x: both[0], y: both[1] }));
    if (!points.length) return element("p", {}, "Nothing measured has both.");
    const left = 58, right = width - 14, bottom = height - 40;
    const kind = state.scale === "linear" ? "linear" : "log";
    const xs = makeScale(points.map(({ x }) => x), kind, left, right, 1), ys = makeScale(points.map(({ y }) => y), kind, bottom, 22, 1);
    const base = drawn("g");
    const front = frontOf(points);
    if (front.length) {
      const corners = front.map(({ x, y }, place) => `${place ? `H${xs.at(x)}` : ""}V${ys.at(y)}`).join("");
      base.append(drawn("path", { class: "area", d: `M${xs.at(front[0].x)} 22${corners}H${right}V22z` }));
      base.append(drawn("path", { class: "front", d: `M${xs.at(front[0].x)} 22${corners}H${right}` }));
    }
    base.append(across(xs, shows[0], bottom, 22, titles[0], right));
    for (const tick of ys.ticks) base.append(words(left - 6, ys.at(tick) + 4, plain(shows[1](tick)), { "text-anchor": "end", class: "soft" }), line(left, ys.at(tick), right, ys.at(tick), "grid"));
    base.append(words(4, 13, `${titles[1]}  (lower left is better)`, { class: "soft" }));
    const marks = points.sort((a, b) => a.x - b.x).map(({ cell, x, y }) => {
      const arm = armOf(cell), isBest = front.some((point) => point.cell === cell);
      const px = xs.at(x), py = ys.at(y);
      const parts = [shape(arm.mode, px, py, isBest ? 6.5 : 5, arm.colour)];
      const end = px > (left + right) / 2;
      const text = arm.mode === "native" ? "native" : `${cell.arm + 1}`;
      parts.push(words(px + (end ? -9 : 9), py + (isBest ? -5 : 4), text, { "text-anchor": end ? "end" : "start", ...(isBest ? { "font-weight": "bold" } : {}) }));
      return mark(`${isBest ? "On the front. " : ""}${describe(cell)}\n${titles[0]}: ${shows[0](x)}; ${titles[1]}: ${shows[1](y)}`, cell, [px, py, 10], ...parts);
    });
    return board(width, height, title, marks, base);
  };
}

// The class of a letter on a colour: white on dark ones, by relative luminance.
function onColour(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.18 ? "on light" : "on";
}

const MOST = 10000;

// Which cell takes least from how many inferences per start on: the lower envelope of the lines.
function envelope(cells) {
  const total = (cell, n) => cell.values.cold[0] + (n - 1) * cell.values.steady[0];
  const found = [];
  let n = 1;
  while (n <= MOST) {
    const best = cells.reduce((a, b) => (total(b, n) < total(a, n) ? b : a));
    found.push({ cell: best, first: n });
    const [cold, steady] = [best.values.cold[0], best.values.steady[0]];
    const crossings = cells.filter((cell) => cell.values.steady[0] < steady)
      .map((cell) => Math.floor((cell.values.cold[0] - cold) / (steady - cell.values.steady[0])) + 2).filter((at) => at > n);
    if (!crossings.length) break;
    n = Math.min(...crossings);
  }
  return found;
}

function totals(cells, width, title) {
  const lines = cells.filter((cell) => cell.values.cold && cell.values.steady);
  if (!lines.length) return element("p", {}, "No trial here has a second inference.");
  const height = Math.min(420, Math.max(280, width * 0.7)), left = 58, right = width - 14, bottom = height - 40;
  const total = (cell, n) => cell.values.cold[0] + (n - 1) * cell.values.steady[0];
  const isLinear = state.scale === "linear";
  const xs = makeScale([1, MOST], isLinear ? "linear" : "log", left, right, 1);
  const ys = makeScale(lines.flatMap((cell) => [total(cell, 1), total(cell, MOST)]), isLinear ? "linear" : "log", bottom, 22, 1);
  const grid = Array.from({ length: 60 }, (_, place) => (isLinear ? 1 + (place * (MOST - 1)) / 59 : MOST ** (place / 59)));
  const path = (cell, from = 1, to = MOST) => {
    const numbers = [from, ...grid.filter((n) => n > from && n < to), to];
    return numbers.map((n, place) => `${place ? "L" : "M"}${xs.at(n).toFixed(1)} ${ys.at(total(cell, n)).toFixed(1)}`).join("");
  };
  const base = drawn("g", { "aria-hidden": "true" });
  base.append(across(xs, whole, bottom, 22, "inferences per start", right));
  for (const tick of ys.ticks) base.append(words(left - 6, ys.at(tick) + 4, plain(seconds(tick)), { "text-anchor": "end", class: "soft" }), line(left, ys.at(tick), right, ys.at(tick), "grid"));
  base.append(words(4, 13, "total time", { class: "soft" }));
  for (const cell of lines) base.append(drawn("path", { class: armOf(cell).mode === "native" ? "native" : "line", d: path(cell) }));
  const contenders = lines.filter((cell) => armOf(cell).mode !== "native");
  const best = contenders.length ? envelope(contenders) : [];
  const marks = best.map(({ cell, first }, place) => {
    const until = best[place + 1]?.first ?? MOST;
    base.append(drawn("path", { class: "best", d: path(cell, first, until) }));
    const before = place ? best[place - 1].cell : null;
    const text = before
      ? `From ${whole(first)} inferences per start on, ${label(armOf(cell))} takes less in all than ${label(armOf(before))}${crossing(before, cell)}`
      : `For few inferences per start, ${label(armOf(cell))} takes least: ${seconds(total(cell, 1))} for one`;
    const x = xs.at(first), y = ys.at(total(cell, first)), end = x > (left + right) / 2;
    return mark(text, cell, [x, y, 10], shape(armOf(cell).mode, x, y, 5.5, armOf(cell).colour),
      words(x + (end ? -10 : 10), y + (end ? -8 : place % 2 ? 30 : 17), `${place ? `${whole(first)}: ` : ""}${label(armOf(cell))}`, { "text-anchor": end ? "end" : "start", "font-weight": "bold" }));
  });
  return board(width, height, title, marks, base);
}

// The interval of a break-even, where the report has one.
function crossing(before, cell) {
  const found = data.crossings[`${before.id}-${cell.id}`] ?? data.crossings[`${cell.id}-${before.id}`];
  if (!found) return "";
  const [low, high] = found;
  return ` (95 % interval ${digits(low)} to ${high === null ? "∞" : digits(high)})`;
}

function phases(cells, width, title) {
  const known = cells.filter((cell) => cell.phases);
  if (!known.length) return element("p", {}, "No phases measured.");
  const isNarrow = width < 460;
  const names = isNarrow ? 0 : Math.min(230, width * 0.4), row = isNarrow ? 38 : ROW;
  const left = names + 10, right = width - 64, bottom = TOP + row * known.length;
  const sum = (cell) => cell.phases.reduce((all, part) => all + (part ?? 0), 0);
  const isShare = state.relative;
  const most = isShare ? 1 : Math.max(...known.map(sum));
  const at = (value) => left + ((right - left) * value) / most;
  const scale = { at, ticks: isShare ? [0, 0.25, 0.5, 0.75, 1] : niceSteps(most) };
  const base = across(scale, isShare ? (value) => `${100 * value} %` : seconds, bottom, TOP, isShare ? "share of one cold inference" : "one cold inference", right);
  const marks = known.map((cell, index) => {
    const arm = armOf(cell), middle = TOP + row * index + (isNarrow ? 27 : row / 2), all = sum(cell);
    const parts = [isNarrow ? words(left, middle - 12, short(label(arm), width - 20)) : words(names, middle + 4, short(label(arm), names), { "text-anchor": "end" })];
    let done = 0;
    const lines = [`${label(arm)}, ${modelOf(cell).name}, batch ${cell.batch}: ${seconds(all)}`];
    data.phases.forEach((phase, place) => {
      const part = cell.phases[place];
      if (part === null) return;
      const from = at(isShare ? done / all : done);
      done += part;
      const to = at(isShare ? done / all : done);
      parts.push(drawn("rect", { x: from, y: middle - 8, width: Math.max(0, to - from), height: 16, class: "segment", fill: phase.colour }));
      if (to - from > 13) parts.push(words((from + to) / 2, middle + 4, phase.letter, { "text-anchor": "middle", class: onColour(phase.colour) }));
      lines.push(`${phase.title}: ${seconds(part)}, ${digits((100 * part) / all)} %`);
    });
    parts.push(words(at(isShare ? 1 : all) + 5, middle + 4, seconds(all)));
    return mark(lines.join("\n"), cell, [1, middle - (isNarrow ? 25 : 11), width - 2, isNarrow ? 34 : 22], ...parts);
  });
  return board(width, bottom + FOOT, title, marks, base);
}

const VIEWS = {
  costs,
  memory: scatter(
    (cell) => { const [over, bytes] = [measured(cell, "cold", true), cell.values.memory]; return over && bytes ? [over[0], bytes[0]] : null; },
    ["cold run over native", "peak memory"], [times, megabytes]),
  start: scatter(
    (cell) => { const [cold, steady] = [cell.values.cold, cell.values.steady]; return cold && steady && cold[0] > steady[0] ? [cold[0] - steady[0], steady[0]] : null; },
    ["start: a cold run less a steady inference", "steady inference"], [seconds, seconds]),
  totals,
  phases,
};
