// Tables: sorted by a click on a head, filtered by a text and by the page's filters, taken away as CSV or Markdown.
const clean = (cell) => cell.innerText.replaceAll("\n", " ").trim();

function sortBy(table, head, place) {
  const isUp = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", isUp ? "descending" : "ascending");
  const body = table.tBodies[0];
  const value = (row) => { const raw = row.cells[place].dataset.v; return raw === undefined ? null : Number(raw); };
  const rows = [...body.rows].map((row) => ({ row, number: value(row), text: row.cells[place].textContent }));
  const sign = isUp ? -1 : 1;
  const isMissing = (entry) => entry.text === "–" || entry.text === "";
  rows.sort((a, b) => {
    if (isMissing(a) !== isMissing(b)) return isMissing(a) ? 1 : -1;
    if (a.number !== null && b.number !== null) return sign * (a.number - b.number);
    if ((a.number === null) !== (b.number === null)) return a.number === null ? 1 : -1;
    return sign * a.text.localeCompare(b.text, "en", { numeric: true });
  });
  body.append(...rows.map(({ row }) => row));
  announce(`${table.caption.textContent} sorted by ${head.querySelector("button").textContent}, ${isUp ? "descending" : "ascending"}`);
}

const shownColumns = (table) => [...table.tHead.rows[0].cells].map((head, place) => (head.hidden ? -1 : place)).filter((place) => place >= 0);
const shownRows = (table) => [...table.tBodies[0].rows].filter((row) => !row.hidden);

function csv(table) {
  const columns = shownColumns(table);
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const harmless = (text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
  const entry = (cell) => { const text = clean(cell); return cell.dataset.v ?? (text === "–" ? "" : harmless(text)); };
  const heads = columns.map((place) => quoted(harmless(table.tHead.rows[0].cells[place].dataset.key)));
  return [heads, ...shownRows(table).map((row) => columns.map((place) => quoted(entry(row.cells[place]))))].map((cells) => cells.join(",")).join("\n") + "\n";
}

function markdown(table) {
  const columns = shownColumns(table);
  const escaped = (cell) => clean(cell).replaceAll(/[\\`*|<]/g, (sign) => `\\${sign}`);
  const rows = [table.tHead.rows[0], ...shownRows(table)].map((row) => `| ${columns.map((place) => escaped(row.cells[place])).join(" | ")} |`);
  rows.splice(1, 0, `|${columns.map(() => ":---").join("|")}|`);
  return `**${table.caption.textContent}**\n\n${rows.join("\n")}\n`;
}

function save(name, text, type) {
  const link = element("a", { download: name, href: URL.createObjectURL(new Blob([text], { type })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  announce(`${name} saved`);
}

function filterTable(table) {
  const text = (table.searchBox?.value ?? "").toLowerCase();
  for (const row of table.tBodies[0].rows) {
    row.hidden = FACETS.some((facet) => isExcluded(facet, row.dataset[facet])) || (text !== "" && !row.textContent.toLowerCase().includes(text));
  }
  for (const [place, head] of [...table.tHead.rows[0].cells].entries()) {
    const isHidden = isExcluded("model", head.dataset.model);
    if (head.hidden === isHidden) continue;
    for (const row of table.rows) row.cells[place].hidden = isHidden;
  }
}

function equip(table, name) {
  const title = table.caption.textContent;
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    const button = element("button", { type: "button" });
    const axis = head.querySelector("svg");
    button.append(...[...head.childNodes].filter((node) => node !== axis));
    button.addEventListener("click", () => sortBy(table, head, place));
    head.prepend(button);
  });
  const tools = element("div", { class: "tools" });
  if (table.tBodies[0].rows.length > 8) {
    table.searchBox = element("input", { type: "search", placeholder: "filter rows", "aria-label": `Filter rows of ${title}` });
    table.searchBox.addEventListener("input", () => filterTable(table));
    tools.append(table.searchBox);
  }
  for (const [suffix, make, type] of [["csv", csv, "text/csv"], ["md", markdown, "text/markdown"]]) {
    const button = element("button", { type: "button", "aria-label": `Save ${title} as ${suffix === "csv" ? "CSV" : "Markdown"}` }, suffix === "csv" ? "CSV" : "Markdown");
    button.addEventListener("click", () => save(`${name}.${suffix}`, make(table), type));
    tools.append(button);
  }
  const box = table.closest(".scroll");
  box.before(tools);
  return { table, box, tools };
}

const tables = [...document.querySelectorAll(".scroll > table")].map((table, place) => equip(table, `${table.dataset.name ?? "table"}-${place + 1}`));

function filterTables() {
  for (const { table, box, tools } of tables) {
    const isOut = FACETS.some((facet) => isExcluded(facet, table.dataset[facet]));
    box.hidden = tools.hidden = isOut;
    if (!isOut) filterTable(table);
  }
}
