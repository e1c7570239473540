"use strict";
// What all views stand on: data, elements, words, and which view is shown.

// MARK: Data
//
// A report opens from a file system, where pages may not fetch. So data are scripts, data/NAME.js, which call
// report(NAME, VALUE) and are loaded when they are asked for; in a report of one file they are texts in it.

const keptParts = 40;
const parts = new Map();
const awaited = new Map();

function report(name, value) {
  awaited.get(name)?.(value);
  awaited.delete(name);
}

function load(name) {
  const part = parts.get(name) ?? inside(name) ?? beside(name);
  // The one used last stands last; what was not used for long is forgotten.
  parts.delete(name);
  parts.set(name, part);
  part.catch(() => parts.delete(name));
  if (parts.size > keptParts) parts.delete(parts.keys().next().value);
  return part;
}

function inside(name) {
  const text = document.getElementById(`data-${name}`);
  return text && Promise.resolve(JSON.parse(text.textContent));
}

function beside(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    awaited.set(name, resolve);
    script.src = `data/${name}.js`;
    script.onload = () => script.remove();
    script.onerror = () => {
      script.remove();
      reject(new Error(`data/${name}.js cannot be read: is the folder of the report whole?`));
    };
    document.head.append(script);
  });
}

// MARK: Elements
//
// Text is only ever set as text, never as markup: labels and names of files are anybody's.

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const html = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const link = (href, attributes, ...children) => html("a", { href, ...attributes }, ...children);
const button = (text, onclick, attributes = {}) => html("button", { type: "button", onclick, ...attributes }, text);

function choice(label, options, value, onchange) {
  const select = html("select", { onchange: () => onchange(select.value) }, options.map(([key, text]) =>
    html("option", { value: key, selected: String(key) === String(value) }, text)));
  return html("label", { class: "field" }, html("span", {}, label), select);
}

function table(heads, rows, attributes = {}) {
  const cell = (content, column) =>
    content instanceof Node && content.tagName === "TD" ? content
      : html("td", { class: heads[column].number ? "number" : null }, content);
  return html("div", { class: heads.length < 3 ? "scroll narrow" : "scroll", tabindex: "0", role: "region", "aria-label": attributes.label },
    html("table", {},
      html("thead", {}, html("tr", {}, heads.map((head) =>
        html("th", { scope: "col", class: head.number ? "number" : null }, head.text)))),
      html("tbody", {}, rows.map((row) => html("tr", {}, row.map(cell))))));
}

function pager(count, current, address, words) {
  if (count < 2) return null;
  const step = (to, text, rel) => to >= 0 && to < count
    ? link(address(to), { rel, class: "button" }, text) : html("span", { class: "button off" }, text);
  const number = html("input", { type: "number", min: 1, max: count, value: current + 1, "aria-label": words });
  number.addEventListener("change", () => {
    const wanted = Math.min(count, Math.max(1, Math.round(Number(number.value)) || 1));
    location.hash = address(wanted - 1);
  });
  return html("nav", { class: "pager", "aria-label": words },
    step(current - 1, "Previous", "prev"), html("span", {}, number, ` of ${count}`), step(current + 1, "Next", "next"));
}

// MARK: Words

const grouped = new Intl.NumberFormat("en");
const count = (number, word) => `${grouped.format(number)} ${word}${number === 1 || word.endsWith("s") ? "" : "s"}`;
const percent = (part, whole) => whole ? `${(100 * part / whole).toFixed(part && part * 1000 < whole ? 2 : 1)} %` : "–";
const decimals = (value, digits) => value === null || value === undefined ? "–" : value.toFixed(digits);

function clock(seconds, digits = 1) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.max(0, seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = (whole % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

const swatch = (index) => html("span", { class: "swatch", style: { "--class": overview.classes[index].colour }, "aria-hidden": "true" });
const labelOf = (index) => overview.classes[index].label;

// A kind of objects among boxes, which are lists of class, score, left, top, width and height, one after another.
function eachBox(boxes, body) {
  for (let at = 0; at + 5 < boxes.length; at += 6) body(boxes[at], boxes[at + 1], boxes.slice(at + 2, at + 6), at / 6);
}

// What a list of boxes says in words: "2 × car 0.93, person 0.71".
function said(boxes, least = 0) {
  const best = new Map();
  eachBox(boxes, (index, score) => {
    if (score < least) return;
    const entry = best.get(index) ?? { count: 0, score: 0 };
    best.set(index, { count: entry.count + 1, score: Math.max(entry.score, score) });
  });
  return [...best].sort((a, b) => b[1].score - a[1].score);
}

const saidText = (entries) => entries.map(([index, entry]) =>
  `${entry.count > 1 ? `${entry.count} × ` : ""}${labelOf(index)} ${entry.score.toFixed(2)}`).join(", ");
const saidNodes = (entries) => entries.map(([index, entry]) =>
  html("span", { class: "chip" }, swatch(index), `${entry.count > 1 ? `${entry.count} × ` : ""}${labelOf(index)} `,
    entry.score === undefined ? null : html("span", { class: "faint" }, entry.score.toFixed(2))));

// MARK: Which view is shown

let overview;
let turn = 0;
let leave = [];

// Calls when another view is shown.
const whenLeft = (body) => leave.push(body);

const tabs = [["overview", "Overview"], ["pictures", "Pictures"], ["inputs", "Inputs"], ["failures", "Failures"],
  ["evaluation", "Evaluation"]];

async function show(isFirst) {
  const mine = ++turn;
  const [name, ...words] = location.hash.slice(1).split("/");
  const view = Object.hasOwn(views, name) ? name : "overview";
  const main = document.getElementById("main");
  for (const body of leave.splice(0)) body();
  for (const tab of document.querySelectorAll("#tabs a")) {
    if (tab.dataset.view === (view === "input" ? "inputs" : view)) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  let content;
  try {
    content = await views[view](...words);
  } catch (error) {
    content = [html("h1", {}, "This cannot be shown"), html("p", { class: "problem" }, String(error.message ?? error))];
  }
  if (mine !== turn) return;
  main.replaceChildren(...content.flat().filter(Boolean));
  const head = main.querySelector("h1");
  document.title = view === "overview" || !head ? overview.title : `${head.textContent} – ${overview.title}`;
  if (isFirst || !head) return;
  head.tabIndex = -1;
  head.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function announce(text) { document.getElementById("status").textContent = text; }
