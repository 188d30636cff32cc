// What every page has: messages, tips, filters by facet, colours. A page defines `update`, which filters call.
const announce = (text) => { $("shown").textContent = text; };

function showTip(text, owner) {
  const tip = $("tip");
  tip.textContent = text;
  tip.hidden = false;
  const place = owner.getBoundingClientRect(), size = tip.getBoundingClientRect();
  const x = Math.min(Math.max(8, place.left + Math.min(place.width, 260) / 2), innerWidth - size.width - 8);
  const isBelow = place.bottom + size.height + 12 < innerHeight;
  tip.style.left = `${x}px`;
  tip.style.top = `${isBelow ? place.bottom + 8 : Math.max(4, place.top - size.height - 8)}px`;
}

function hideTip() { $("tip").hidden = true; }

function makeFilter(facet, title, values) {
  if (values.length < 2) return;
  const summary = element("summary");
  const boxes = values.map(({ id, name }) => {
    const box = element("input", { type: "checkbox", value: id });
    box.checked = true;
    return [box, element("label", {}, box, name)];
  });
  const all = element("button", { type: "button" }, "all / none");
  const read = () => {
    for (const [box] of boxes) state.excluded[box.checked ? "delete" : "add"](`${facet}=${box.value}`);
    const chosen = boxes.filter(([box]) => box.checked);
    const one = chosen.length === 1 ? chosen[0][1].textContent : `${chosen.length} of ${boxes.length}`;
    summary.textContent = `${title}: ${chosen.length === boxes.length ? "all" : one}`;
  };
  all.addEventListener("click", () => {
    const on = boxes.some(([box]) => !box.checked);
    for (const [box] of boxes) box.checked = on;
    read();
    update();
  });
  const set = element("fieldset", {}, element("legend", {}, title), ...boxes.map(([, text]) => text), all);
  set.addEventListener("change", () => { read(); update(); });
  const menu = element("details", {}, summary, set);
  menu.addEventListener("keydown", (event) => { if (event.key === "Escape") { menu.open = false; summary.focus(); } });
  menu.addEventListener("focusout", (event) => { if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false; });
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  $("shown").before(menu);
  read();
}

function remembered(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    localStorage.setItem(name, value);
  } catch { /* a page from a file may have no storage */ }
  return null;
}

function setTheme(value) {
  if (value === "auto") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset.theme = value;
}

document.documentElement.classList.add("scripted");
$("theme").value = remembered("theme") ?? "auto";
setTheme($("theme").value);
$("theme").addEventListener("change", () => { setTheme($("theme").value); remembered("theme", $("theme").value); });
