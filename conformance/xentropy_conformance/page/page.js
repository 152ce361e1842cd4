"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);
const form = document.getElementById("filters"), cards = document.getElementById("cards");
const more = document.getElementById("more"), count = document.getElementById("count");
const PAGE = 40, NUMBERS = 60;
let shown = [], visible = PAGE;

// small helpers: everything from the data is put in as text, never as markup
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
}
const unique = (list) => [...new Set(list)];
const byRule = (a, b) => (Number(a) || 1e6) - (Number(b) || 1e6) || String(a).localeCompare(b);

// ------------------------------------------------------------------ filters
const FIELDS = {
  target: (f) => [f.target],
  library: (f) => f.settings.map((s) => DATA.settings[s].library),
  mode: (f) => f.settings.map((s) => DATA.settings[s].mode),
  rule: (f) => [f.rule],
  function: (f) => [f.function],
  result: (f) => [f.status, ...(f.news ? ["news"] : []), ...(f.why ? ["explained"] : ["unexplained"])],
};
const LABELS = { rule: (r) => `${r}: ${DATA.rules[r] || ""}` };

for (const [name, read] of Object.entries(FIELDS)) {
  const values = unique(DATA.failures.flatMap(read)).sort(name === "rule" ? byRule : undefined);
  const label = LABELS[name] || String;
  form.elements[name].append(el("option", { value: "" }, "all"), ...values.map((v) => el("option", { value: v }, label(v))));
}
function words(f) {
  const settings = f.settings.map((s) => DATA.settings[s].name).join(" ");
  return [f.target, f.function, f.about, f.ids.join(" "), f.text, f.issues.join(" "), f.reports.join(" "), f.why || "", settings].join(" ").toLowerCase();
}
for (const f of DATA.failures) f.words = words(f);

function matches(f) {
  for (const [name, read] of Object.entries(FIELDS)) {
    const wanted = form.elements[name].value;
    if (wanted && !read(f).includes(wanted)) return false;
  }
  const text = form.elements.text.value.trim().toLowerCase();
  return text.split(/\s+/).every((word) => f.words.includes(word));
}
function toHash() {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  const text = query.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}
function fromHash() {
  const query = new URLSearchParams(location.hash.slice(1));
  for (const name of [...Object.keys(FIELDS), "text"]) {
    if (!query.has(name)) continue;
    form.elements[name].value = query.get(name);
    if (form.elements[name].value !== query.get(name)) form.elements[name].value = "";
  }
}
function apply() {
  shown = DATA.failures.filter(matches);
  visible = PAGE;
  draw();
}
function draw() {
  cards.replaceChildren(...shown.slice(0, visible).map(card));
  const cases = shown.reduce((sum, f) => sum + f.ids.length, 0);
  count.textContent = shown.length
    ? `${shown.length} kind${shown.length > 1 ? "s" : ""} of failure, ${cases} case${cases > 1 ? "s" : ""}`
    : DATA.failures.length ? "No failure fits." : "Nothing failed.";
  more.hidden = shown.length <= visible;
}
more.addEventListener("click", () => {
  const from = visible;
  visible += PAGE;
  draw();
  cards.children[from]?.firstChild.focus();
});
form.addEventListener("input", () => { apply(); toHash(); });
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(() => { apply(); toHash(); }));

// ------------------------------------------------------------------ cards
function card(f) {
  const settings = f.settings.map((s) => DATA.settings[s].name).join("; ");
  const cases = f.ids.length > 1 ? ` · ${f.ids.length} cases` : "";
  const summary = el("summary", {},
    el("span", { class: `badge ${f.status}` }, f.status),
    el("span", { class: "title" }, el("b", {}, `${f.target} · ${f.function}`), ` — rule ${f.rule}: ${f.about}`),
    el("span", { class: "where" }, `${settings} · ${f.dtypes.join(", ")}${cases}`));
  const details = el("details", { class: "card" }, summary);
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(body(f));
  });
  return details;
}
function issue(name) {
  const [repository, number] = name.split("#");
  return el("a", { href: `https://github.com/${repository}/issues/${number}`, rel: "noopener" }, name);
}
function listOf(names) {
  return names.flatMap((name, i) => (i ? [", ", issue(name)] : [issue(name)]));
}
function body(f) {
  const box = el("div", { class: "body" });
  if (f.why) box.append(el("p", { class: "why" }, `Known: ${f.why}. `, ...listOf(f.issues)));
  if (f.reports.length) box.append(el("p", { class: "why" }, "The case was inspired by ", ...listOf(f.reports)));
  const input = DATA.cases[f.case];
  box.append(el("h3", {}, `Input of ${f.case}`), inputs(input));
  if (f.text) box.append(el("h3", {}, "Raised"), el("pre", {}, f.text));
  for (const part of f.parts) box.append(el("h3", {}, part.name), part.complaint ? el("pre", {}, part.complaint) : numbers(part));
  const code = el("pre", { tabindex: "0" }, f.code), copy = el("button", { type: "button" }, "Copy");
  copy.addEventListener("click", () => copyText(f.code, copy, code));
  box.append(el("div", { class: "codehead" }, el("h3", {}, `Reproduction: ${DATA.settings[f.shown].name}`), copy), code);
  if (f.ids.length > 1) box.append(el("h3", {}, "Cases"), el("div", { class: "where" }, f.ids.join(", ")));
  return box;
}
async function copyText(text, button, code) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code); // a page from a file may not write to the clipboard
    button.textContent = "Selected: press Ctrl+C";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}
function inputs(input) {
  const rows = Object.entries(input.inputs).map(([name, x]) =>
    el("tr", {}, el("td", {}, name), el("td", {}, `${x.dtype} ${shape(x.shape)}`), el("td", {}, x.text)));
  const options = Object.entries(input.options).map(([name, x]) =>
    el("tr", {}, el("td", {}, name), el("td", {}, "option"), el("td", {}, JSON.stringify(x))));
  return el("table", {}, el("tbody", {}, ...rows, ...options));
}
const shape = (sizes) => `(${sizes.join(", ")}${sizes.length === 1 ? "," : ""})`;
function place(i, sizes) {
  const out = [];
  for (let k = sizes.length - 1; k >= 0; k--) { out.unshift(i % sizes[k]); i = Math.floor(i / sizes[k]); }
  return `[${out.join(", ")}]`;
}
function numbers(part) {
  const rows = part.given.slice(0, NUMBERS).map((given, i) => {
    const error = part.bars[i];
    const wrong = error === "inf" || error > 1;
    return el("tr", wrong ? { class: "bad" } : {}, el("td", {}, place(i, part.shape)), el("td", { class: "num" }, part.expected[i]),
      el("td", { class: "num" }, given), el("td", { class: "num" }, error === "inf" ? "∞" : String(error)));
  });
  const head = ["at", "expected", "given", "bars"].map((name) => el("th", { scope: "col" }, name));
  const left = part.given.length - NUMBERS;
  const table = el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
  if (left > 0) table.append(el("caption", {}, `and ${left} numbers more`));
  return table;
}

// ------------------------------------------------------------------ the matrix
function choose(values) {
  for (const name of Object.keys(FIELDS)) form.elements[name].value = values[name] || "";
  form.elements.text.value = values.text || "";
  apply();
  toHash();
  document.getElementById("failures").scrollIntoView();
  form.elements.target.focus({ preventScroll: true });
}
for (const table of document.querySelectorAll(".matrix")) {
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")].map((td) => td.querySelector("button")));
  const buttons = rows.flat().filter(Boolean);
  buttons.forEach((button, i) => { button.tabIndex = i ? -1 : 0; });
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(JSON.parse(button.dataset.filter));
  });
  table.addEventListener("keydown", (event) => {
    const r = rows.findIndex((row) => row.includes(event.target));
    if (r < 0) return;
    const c = rows[r].indexOf(event.target);
    const moves = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
    let [y, x] = [r, c], to = null;
    if (event.key === "Home") to = rows[r].find(Boolean);
    if (event.key === "End") to = rows[r].findLast(Boolean);
    if (moves[event.key]) {
      do { y += moves[event.key][0]; x += moves[event.key][1]; } while (rows[y] && x in rows[y] && !rows[y][x]);
      to = rows[y]?.[x];
    }
    if (!to) return;
    event.preventDefault();
    buttons.forEach((button) => { button.tabIndex = -1; });
    to.tabIndex = 0;
    to.focus();
  });
}

// ------------------------------------------------------------------ keys and theme
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "Escape" && (event.target.closest("form") || !typing)) { form.reset(); document.activeElement.blur(); }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") { event.preventDefault(); form.elements.text.focus(); }
  if (event.key === "j" || event.key === "k") {
    const all = [...cards.querySelectorAll("summary")], now = all.indexOf(document.activeElement.closest?.("details")?.firstChild);
    all[Math.min(Math.max(now + (event.key === "j" ? 1 : -1), 0), all.length - 1)]?.focus();
  }
});
document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
addEventListener("hashchange", () => { fromHash(); apply(); });
fromHash();
apply();
