// The report: choice of a figure, the trials behind a point, what filters act on.
function openTrials(cell, owner) {
  const box = $("trials");
  box.replaceChildren(element("h3", { id: "trials-title", tabindex: -1 }, `Trials of ${label(armOf(cell))}, ${modelOf(cell).name}, batch ${cell.batch}`));
  const rows = data.trials[cell.id] ?? [];
  if (!rows.length) box.append(element("p", {}, data.hasTrials ? "No trial of this case ended well." : "This campaign has too many trials for a page: `lab export` writes them."));
  else box.append(strip(rows), trialTable(rows, cell));
  const close = element("button", { type: "button" }, "Close");
  const leave = () => { box.hidden = true; if (owner.isConnected) owner.focus(); };
  close.addEventListener("click", leave);
  box.onkeydown = (event) => { if (event.key === "Escape") leave(); };
  box.append(close);
  box.hidden = false;
  hideTip();
  $("trials-title").focus();
  box.scrollIntoView({ block: "nearest" });
}

// Every trial of the case as a dot, in the order of blocks: drifts and outliers are seen before they are read.
function strip(rows) {
  const width = Math.min(620, $("panels").clientWidth - 40), height = 120;
  const index = state.quantity === "memory" ? 3 : state.quantity === "steady" ? 2 : 1, show = shower(state.quantity);
  const there = rows.filter((row) => row[index] !== null);
  const made = drawn("svg", { width, height, role: "img", "aria-label": `${quantityOf(state.quantity).title} of each trial by block; the numbers are in the table below` });
  if (!there.length) return made;
  const ys = makeScale(there.map((row) => row[index]), "log", height - 20, 16, 1);
  const last = Math.max(1, ...there.map((row) => row[0]));
  for (const tick of ys.ticks) made.append(line(70, ys.at(tick), width - 10, ys.at(tick), "grid"), words(64, ys.at(tick) + 4, show(tick), { "text-anchor": "end", class: "soft" }));
  for (const row of there) made.append(drawn("circle", { cx: 80 + ((width - 100) * row[0]) / last, cy: ys.at(row[index]), r: 4, class: "other" }));
  made.append(words(width - 10, height - 4, "block", { "text-anchor": "end", class: "soft" }));
  return made;
}

function trialTable(rows, cell) {
  const body = element("tbody");
  for (const [block, cold, steady, memory] of rows) {
    const cells = [block, cold === null ? "–" : seconds(cold), steady === null ? "–" : seconds(steady), memory === null ? "–" : megabytes(memory)];
    body.append(element("tr", {}, ...cells.map((text) => element("td", {}, `${text}`))));
  }
  const heads = ["block", ...data.quantities.map(({ title }) => title.toLowerCase())].map((text) => element("th", { scope: "col" }, text));
  const table = element("table", {}, element("caption", {}, describe(cell).split("\n").slice(-1)[0]), element("thead", {}, element("tr", {}, ...heads)), body);
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Trials" }, table);
}

function drawAll() {
  hideTip();
  const shown = data.cells.filter(isShown);
  const groups = new Map();
  for (const cell of shown) {
    const key = `${modelOf(cell).name}${data.batches.length > 1 ? `, batch ${cell.batch}` : ""}`;
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  const panels = $("panels");
  panels.replaceChildren();
  const figures = [...groups].map(([title, cells]) => {
    const figure = element("figure", {}, element("figcaption", {}, title));
    panels.append(figure);
    return [figure, cells, title];
  });
  for (const [figure, cells, title] of figures) figure.append(VIEWS[state.view](cells, Math.max(260, figure.clientWidth), `${title}: arrow keys go from mark to mark, Enter opens the trials`));
  drawKey(shown);
  announce(`${shown.length} of ${data.cells.length} cases shown`);
  const has = { costs: ["quantity", "relative", "scale"], phases: ["relative"] }[state.view] ?? ["scale"];
  for (const name of ["quantity", "relative", "scale"]) $(`choose-${name}`).hidden = !has.includes(name);
  const paper = document.querySelector('#choose-scale input[value="paper"]');
  paper.closest("label").hidden = state.view !== "costs" || state.relative || state.quantity === "steady";
}

function drawKey(shown) {
  const key = $("key");
  key.replaceChildren();
  const entry = (sign, text) => key.append(element("li", {}, sign, text));
  const small = (...children) => drawn("svg", { width: 16, height: 14, "aria-hidden": "true" }, ...children);
  if (state.view === "phases") {
    for (const phase of data.phases) entry(small(drawn("rect", { x: 1, y: 1, width: 14, height: 12, class: "mark", fill: phase.colour }), words(8, 11, phase.letter, { "text-anchor": "middle", class: onColour(phase.colour) })), phase.title);
    return;
  }
  if (state.view === "memory" || state.view === "start") {
    for (const place of [...new Set(shown.map((cell) => cell.arm))].sort((a, b) => a - b)) {
      const arm = data.arms[place];
      if (arm.mode !== "native") entry(small(shape(arm.mode, 8, 7, 5, arm.colour)), `${place + 1} ${label(arm)}`);
    }
    return;
  }
  if (state.view === "totals") {
    const stroke = (kind) => drawn("svg", { width: 26, height: 14, "aria-hidden": "true" }, line(0, 7, 26, 7, kind));
    for (const [kind, text] of [["best", "takes least, native aside"], ["line", "other arms"], ["native", "native"]]) entry(stroke(kind), text);
  }
  for (const mode of data.modes) if (shown.some((cell) => armOf(cell).mode === mode.id)) entry(small(shape(mode.id, 8, 7, 5, "none")), mode.name);
  const seen = new Map(shown.map((cell) => [armOf(cell).runtime, armOf(cell)]));
  for (const arm of seen.values()) entry(small(drawn("rect", { x: 2, y: 2, width: 11, height: 10, class: "mark", fill: arm.colour })), arm.title);
}

function update() { filterTables(); drawAll(); }

function choose(name, act) {
  $(`choose-${name}`).addEventListener("change", (event) => { act(event.target.value); drawAll(); });
}

makeFilter("model", "Model", data.models);
const runtimes = new Map(data.arms.map((arm) => [arm.runtime, { id: arm.runtime, name: arm.title }]));
makeFilter("runtime", "Runtime", [...runtimes.values()]);
makeFilter("mode", "Mode", data.modes);
makeFilter("guest", "Guest", data.guests.map((id) => ({ id, name: id })));
makeFilter("batch", "Batch", data.batches.map((id) => ({ id, name: `${id}` })));
choose("view", (value) => { state.view = value; });
choose("quantity", (value) => { state.quantity = value; });
choose("relative", (value) => { state.relative = value === "relative"; });
choose("scale", (value) => { state.scale = value; });
let lastWidth = innerWidth, waiting = 0;
addEventListener("resize", () => {
  if (innerWidth === lastWidth) return;
  lastWidth = innerWidth;
  clearTimeout(waiting);
  waiting = setTimeout(drawAll, 120);
});
update();
