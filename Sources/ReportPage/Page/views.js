"use strict";
// The views but for that of one input, which is in player.js.

// MARK: Overview

function overviewView() {
  const { counts } = overview;
  const fact = (value, words, note) => html("li", {}, html("strong", {}, grouped.format(value)), html("span", {}, words),
    note && html("span", { class: "faint" }, note));
  return [
    html("h1", {}, overview.title),
    html("p", { class: "faint" }, `Made on ${overview.made} by detect-batch ${overview.version}.`,
      overview.threshold === null ? " Every recorded detection counts." : ` Detections that score ${overview.threshold} or more count.`),
    html("ul", { class: "facts" },
      fact(counts.inputs, counts.inputs === 1 ? "input" : "inputs", counts.failedInputs ? `${grouped.format(counts.failedInputs)} failed` : null),
      fact(counts.frames, counts.frames === 1 ? "frame" : "frames", counts.failedFrames ? `${grouped.format(counts.failedFrames)} could not be looked at` : null),
      fact(counts.framesWithDetections, "frames with detections", percent(counts.framesWithDetections, counts.frames)),
      fact(counts.detections, counts.detections === 1 ? "detection" : "detections", counts.below ? `and ${grouped.format(counts.below)} below the threshold` : null)),
    overview.notes.map((note) => html("p", { class: "note" }, note)),
    html("h2", {}, "Classes"),
    classTable(),
    html("h2", {}, "Scores"),
    scoreChart(),
    overview.topInputs.length ? [html("h2", {}, "Inputs with the most detections"),
      table([{ text: "input" }, { text: "detections", number: true }], overview.topInputs.map(([place, source, number]) =>
        [link(`#input/${place}`, {}, source), grouped.format(number)]), { label: "Inputs with the most detections" }),
      html("p", {}, link("#inputs/0", {}, `All ${count(counts.inputs, "input")}`))] : null,
    reasonTable(),
    html("h2", {}, "What was run"),
    overview.runs.length ? overview.runs.map(runFacts)
      : html("p", { class: "faint" }, "The records lie in no output directory of detect-batch, which would say so."),
  ].flat();
}

function classTable() {
  if (!overview.classes.length) return html("p", {}, "Nothing was found.");
  const high = Math.max(...overview.classes.map((entry) => entry.detections));
  const rows = overview.classes.map((entry, index) => ({ entry, index })).sort((a, b) => b.entry.detections - a.entry.detections);
  return table([{ text: "class" }, { text: "detections", number: true }, { text: "" }, { text: "frames", number: true },
    { text: "below", number: true }], rows.map(({ entry, index }) => [
    [swatch(index), " ", entry.gallery ? link(`#pictures/${entry.gallery}`, {}, entry.label) : entry.label],
    grouped.format(entry.detections), html("td", { class: "wide" }, bar(entry.detections, high, index)), grouped.format(entry.frames), grouped.format(entry.below)]),
  { label: "Detections by class" });
}

function scoreChart() {
  const place = html("div");
  const total = (index) => index === "all"
    ? overview.classes.reduce((sum, entry) => sum.map((number, step) => number + entry.scores[step]), new Array(100).fill(0))
    : overview.classes[index].scores;
  const draw = (index) => {
    const scores = total(index);
    const words = `Detections by score, ${index === "all" ? "all classes" : labelOf(index)}`;
    place.replaceChildren(histogram(scores, overview.line, words),
      html("details", {}, html("summary", {}, "As a table"), table([{ text: "score" }, { text: "detections", number: true }],
        scores.map((number, step) => [`${(step / 100).toFixed(2)} – ${((step + 1) / 100).toFixed(2)}`, grouped.format(number)])
          .filter((row) => row[1] !== "0"), { label: words })));
  };
  draw("all");
  return html("div", {}, choice("class", [["all", "all classes"], ...overview.classes.map((entry, index) => [index, entry.label])], "all", draw), place);
}

function reasonTable() {
  if (!overview.reasons.length) return null;
  return [html("h2", {}, "Failures"),
    table([{ text: "reason" }, { text: "times", number: true }], overview.reasons.map(([reason, number]) => [reason, grouped.format(number)]), { label: "Failures by reason" }),
    html("p", {}, link("#failures/0", {}, `All ${count(overview.counts.failures, "failure")}`))];
}

function runFacts(run) {
  const list = (facts) => html("dl", {}, facts.flatMap(([name, value]) => [html("dt", {}, name), html("dd", {}, value)]));
  return html("section", { class: "run" }, html("h3", {}, run.title), list(run.facts),
    run.settings.length ? html("details", {}, html("summary", {}, "Settings that decide what is found"), list(run.settings)) : null);
}

// MARK: Pictures

let pictureOrder = "score";

async function picturesView(name) {
  if (!overview.galleries.length) return [html("h1", {}, "Pictures"), html("p", {}, "There are none: no record could be sampled.")];
  const gallery = overview.galleries.find((entry) => entry.name === name) ?? overview.galleries[0];
  const tiles = await load(gallery.name);
  const place = html("div", { class: "tiles" });
  let wanted = "all";
  const draw = () => {
    const score = (tile) => tile.score ?? 0;
    const chosen = tiles.filter((tile) => wanted === "all" || tile.classes.includes(Number(wanted)));
    // They come in the order of chance.
    if (pictureOrder === "score") chosen.sort((a, b) => score(b) - score(a));
    if (pictureOrder === "input") chosen.sort((a, b) => a.input - b.input || (a.frame ?? 0) - (b.frame ?? 0));
    place.replaceChildren(...chosen.map((tile) => tileOf(tile, gallery)));
    if (!chosen.length) place.append(html("p", {}, "None."));
    announce(count(chosen.length, "picture"));
  };
  draw();
  const classes = [...new Set(tiles.flatMap((tile) => tile.classes))].sort((a, b) => a - b);
  return [
    html("h1", {}, gallery.title),
    html("p", { class: "faint" }, gallery.note),
    html("div", { class: "fields" },
      choice("show", overview.galleries.map((entry) => [entry.name, `${entry.title} (${entry.shown})`]), gallery.name, (to) => { location.hash = `#pictures/${to}`; }),
      choice("order", [["score", "by score"], ["chance", "at random"], ["input", "by input"]], pictureOrder, (to) => { pictureOrder = to; draw(); }),
      classes.length > 1 ? choice("class", [["all", "all classes"], ...classes.map((index) => [index, labelOf(index)])], "all", (to) => { wanted = to; draw(); }) : null,
      html("label", { class: "check" }, html("input", { type: "checkbox", checked: true, onchange: (event) => place.classList.toggle("bare", !event.target.checked) }), "boxes")),
    place,
  ];
}

function tileOf(tile, gallery) {
  const words = `${tile.source}${tile.time === null ? "" : `, ${clock(tile.time)}`}`;
  const found = saidText(said(tile.boxes));
  return link(`#input/${tile.input}/${tile.frame ?? ""}/${tile.time ?? ""}`, { class: "tile" },
    html("div", { class: "stage", style: { "aspect-ratio": `${tile.width} / ${tile.height}` } },
      tile.picture ? html("img", { src: tile.picture, loading: "lazy", decoding: "async", alt: found || "no detection" })
        : html("p", { class: "problem" }, tile.problem),
      boxLayer(tile.boxes, tile.width, tile.height, { least: gallery.least, marks: tile.marks, isSmall: true })),
    html("span", { class: "caption" }, words));
}

// MARK: Inputs

const filters = {
  all: ["all inputs", () => true], found: ["with detections", (row) => row.detections > 0],
  empty: ["without detections", (row) => row.detections === 0 && row.frames > row.failed], failed: ["failed", (row) => row.failed > 0],
};
let search = { text: "", filter: "all" };
// Searches are numbered: one that still looks when another begins shows nothing any more.
let searches = 0;

async function inputsView(word) {
  if (!overview.inputPages) return [html("h1", {}, "Inputs"), html("p", {}, "There are none.")];
  const page = Math.min(overview.inputPages - 1, Math.max(0, Number(word) || 0));
  const text = html("input", { type: "search", value: search.text, placeholder: "a part of a name", "aria-label": "find" });
  const place = html("div");
  const plain = async () => {
    const mine = ++searches;
    const rows = await load(`inputs-${page}`);
    if (mine !== searches) return;
    place.replaceChildren(inputTable(rows, page * overview.pageSize),
      pager(overview.inputPages, page, (to) => `#inputs/${to}`, "page") ?? "");
  };
  const start = async () => {
    search.text = text.value;
    if (search.text === "" && search.filter === "all") return plain();
    return find(place);
  };
  const form = html("form", { class: "fields", role: "search", onsubmit: (event) => { event.preventDefault(); start(); } },
    html("label", { class: "field" }, html("span", {}, "find"), text),
    choice("show", Object.entries(filters).map(([key, [name]]) => [key, name]), search.filter, (to) => { search.filter = to; start(); }),
    html("button", {}, "Find"));
  await start();
  return [html("h1", {}, "Inputs"), form, place];
}

// Looks through all pages, one after another, until there is a screenful; the page stays usable meanwhile.
async function find(place, from = 0) {
  const most = 200;
  const mine = ++searches;
  const view = turn;
  const wanted = { ...search, text: search.text.toLowerCase() };
  const isWanted = filters[wanted.filter][1];
  const found = [];
  const progress = html("p", { class: "faint" });
  if (from === 0) place.replaceChildren(progress); else place.append(progress);
  let page = from;
  for (; page < overview.inputPages && found.length < most; page++) {
    progress.textContent = `Looking through page ${page + 1} of ${overview.inputPages} …`;
    const rows = await load(`inputs-${page}`);
    if (mine !== searches || view !== turn) return;
    rows.forEach((row, at) => {
      if (isWanted(row) && row.source.toLowerCase().includes(wanted.text)) found.push([page * overview.pageSize + at, row]);
    });
  }
  progress.remove();
  place.append(found.length ? inputTable(found.map(([, row]) => row), 0, found.map(([index]) => index)) : html("p", {}, from ? "No more." : "None."));
  announce(`${count(found.length, "input")} found`);
  if (page < overview.inputPages) {
    const more = button("Look further", () => { more.remove(); find(place, page); });
    place.append(more);
  }
}

function inputTable(rows, first, places) {
  return table([{ text: "input" }, { text: "frames", number: true }, { text: "detections", number: true }, { text: "found" }, { text: "when" }],
    rows.map((row, at) => [
      link(`#input/${places ? places[at] : first + at}`, {}, row.source),
      html("td", { class: "number" }, grouped.format(row.frames), row.failed ? html("span", { class: "problem", title: row.failure }, ` ${grouped.format(row.failed)} failed`) : null),
      grouped.format(row.detections),
      html("td", { class: "found" }, saidNodes(row.classes.slice(0, 4).map(([index, number]) => [index, { count: number }])),
        row.classes.length > 4 ? ` and ${row.classes.length - 4} more` : null),
      html("td", { class: "when" }, timeline(row) ?? "")]), { label: "Inputs" });
}

// MARK: Failures

async function failuresView(word) {
  if (!overview.counts.failures) return [html("h1", {}, "Failures"), html("p", {}, "There are none: everything could be looked at.")];
  const page = Math.min(overview.failurePages - 1, Math.max(0, Number(word) || 0));
  const rows = await load(`failures-${page}`);
  return [html("h1", {}, "Failures"),
    html("p", { class: "faint" }, "Where nobody looked: frames and rests of inputs. “Nothing found” is something else."),
    table([{ text: "input" }, { text: "frame", number: true }, { text: "time", number: true }, { text: "reason" }],
      rows.map(([place, source, frame, time, reason]) => [link(`#input/${place}`, {}, source), frame === null ? "" : grouped.format(frame), time === null ? "" : clock(time), reason]),
      { label: "Failures" }),
    overview.failuresLeftOut ? html("p", {}, `${count(overview.failuresLeftOut, "failure")} more are in the records.`) : null,
    pager(overview.failurePages, page, (to) => `#failures/${to}`, "page")];
}

// MARK: Evaluation

function evaluationView() {
  const result = overview.evaluation;
  if (!result) return [html("h1", {}, "Evaluation"), html("p", {}, "No annotations were given (--annotations).")];
  const galleries = overview.galleries.filter((entry) => entry.kind === "evaluation");
  const strength = (step) => `color-mix(in srgb, var(--accent) ${100 - 8 * step}%, var(--ground))`;
  const main = ["AP", "AP50", "AP75", "AR100"];
  const overlap = (step) => (0.5 + step * 0.05).toFixed(2);
  return [
    html("h1", {}, "Evaluation"),
    html("p", { class: "faint" }, `${count(result.images, "image")}, ${count(result.objects, "object")}: ${result.annotations}.`),
    html("ul", { class: "facts" }, result.metrics.filter(([name]) => main.includes(name)).map(([name, value]) => html("li", {}, html("strong", {}, decimals(value, 3)), html("span", {}, name)))),
    result.notes.map((note) => html("p", { class: "note" }, note)),
    html("h2", {}, "True, false and missed"),
    html("p", {}, `Of the detections that count here, ${grouped.format(result.right)} are true, that is, have their own object of their class with an overlap (IoU) of 0.50 or more, and ${grouped.format(result.wrong)} are false; ${grouped.format(result.missed)} objects were missed.`),
    html("ul", { class: "links" }, galleries.map((entry) => html("li", {}, link(`#pictures/${entry.name}`, {}, entry.title), ` (${entry.shown} of ${count(entry.total, "picture")})`))),
    html("h2", {}, "Precision over recall"),
    html("div", { class: "grid-of-charts" },
      result.mean ? html("figure", {}, curves(result.mean.map((precision, step) => ({ precision, name: `IoU ${overlap(step)}`, colour: strength(step) })).reverse(), "Mean of the classes at ten overlaps"),
        html("figcaption", {}, "Mean of the classes, at overlaps from 0.50 (strong) to 0.95 (faint)")) : null,
      result.classes.filter((entry) => entry.curve50).slice(0, 60).map((entry) => html("figure", {},
        curves([{ precision: entry.curve50, name: "IoU 0.50", colour: "var(--accent)" }, { precision: entry.curve75, name: "IoU 0.75", colour: "var(--faint)", style: "dashed" }], `${entry.label}, at overlaps of 0.50 and 0.75`),
        html("figcaption", {}, `${entry.label}: AP ${decimals(entry.numbers[0], 3)}, at 0.50 ${decimals(entry.numbers[1], 3)} (line), at 0.75 ${decimals(entry.numbers[2], 3)} (dashes)`)))),
    html("h2", {}, "All numbers"),
    table([{ text: "" }, { text: "value", number: true }], result.metrics.map(([name, value]) => [name, decimals(value, 3)]), { label: "COCO's twelve numbers" }),
    html("h2", {}, "By class"),
    table(["class", "objects", "detections", "AP", "AP50", "AP75", "AR100", "best threshold", "precision", "recall", "F1"].map((text, column) => ({ text, number: column > 0 })),
      result.classes.map((entry) => [entry.label, grouped.format(entry.objects), grouped.format(entry.detections), ...entry.numbers.map((value) => decimals(value, 3)),
        ...(entry.best ?? [null, null, null, null]).map((value, at) => decimals(value, at ? 3 : 4))]), { label: "Numbers by class" }),
  ].flat();
}
