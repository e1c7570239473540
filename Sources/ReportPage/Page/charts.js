"use strict";
// Drawings. Their colours come from the style sheet, so that they follow light, dark and print.

// Scores: how many detections fall into each of 100 steps, and where the threshold is.
function histogram(counts, threshold, words) {
  const [width, height, left, bottom] = [720, 240, 56, 30];
  const high = Math.max(1, ...counts);
  const across = (score) => left + score * (width - left - 12);
  const up = (number) => height - bottom - number / high * (height - bottom - 16);
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words, class: "chart" });
  for (const part of [0, 0.5, 1]) {
    const y = up(high * part);
    drawing.append(svg("line", { x1: left, x2: width - 12, y1: y, y2: y, class: "grid" }),
      svg("text", { x: left - 8, y: y + 4, class: "tick end" }, grouped.format(Math.round(high * part))));
  }
  counts.forEach((number, step) => {
    if (!number) return;
    const isBelow = threshold !== null && (step + 1) / counts.length <= threshold + 1e-9;
    drawing.append(svg("rect", {
      x: across(step / counts.length) + 0.5, width: (width - left - 12) / counts.length - 1,
      y: Math.min(up(number), height - bottom - 1), height: Math.max(1, height - bottom - up(number)),
      class: isBelow ? "bar below" : "bar",
    }, svg("title", {}, `${(step / counts.length).toFixed(2)} to ${((step + 1) / counts.length).toFixed(2)}: ${grouped.format(number)}`)));
  });
  for (let score = 0; score <= 10; score += 2) {
    drawing.append(svg("text", { x: across(score / 10), y: height - bottom + 18, class: "tick middle" }, (score / 10).toFixed(1)));
  }
  if (threshold !== null) {
    const x = across(threshold);
    drawing.append(svg("line", { x1: x, x2: x, y1: 6, y2: height - bottom, class: "threshold" }),
      svg("text", { x: x + (threshold > 0.75 ? -6 : 6), y: 16, class: threshold > 0.75 ? "mark end" : "mark" }, `threshold ${threshold}`));
  }
  return drawing;
}

// When an input has how many detections: a column for each step of time, with the classes on top of each other.
function timeline(row, attributes = {}) {
  const bins = row.bins;
  if (!bins) return null;
  const [width, height] = [row.binCount * 6, 60];
  const sums = new Array(row.binCount).fill(0);
  const columns = bins.flatMap(([index, ...pairs]) => {
    const found = [];
    for (let at = 0; at < pairs.length; at += 2) found.push([index, pairs[at], pairs[at + 1]]);
    return found;
  });
  for (const [, bin, number] of columns) sums[bin] += number;
  const high = Math.max(1, ...sums);
  const filled = new Array(row.binCount).fill(0);
  const words = row.detections ? `Detections over time, at most ${count(high, "detection")} in ${clock(row.binSeconds, 2)}` : "No detections over time";
  return svg("svg", {
    viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": words, class: "timeline", ...attributes,
  }, svg("rect", { width, height, class: "ground" }), columns.map(([index, bin, number]) => {
    const tall = number / high * height;
    filled[bin] += tall;
    return svg("rect", { x: bin * 6, width: 6, y: height - filled[bin], height: tall, style: { fill: overview.classes[index].colour } });
  }));
}

// Precision over recall. Lines are lists of 101 precisions with a name and a colour.
function curves(lines, words) {
  const [width, height, left, bottom] = [440, 340, 46, 40];
  const across = (recall) => left + recall * (width - left - 12);
  const up = (precision) => height - bottom - precision * (height - bottom - 12);
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words, class: "chart curves" });
  for (const part of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    drawing.append(svg("line", { x1: left, x2: width - 12, y1: up(part), y2: up(part), class: "grid" }),
      svg("line", { x1: across(part), x2: across(part), y1: up(0), y2: up(1), class: "grid" }),
      svg("text", { x: left - 6, y: up(part) + 4, class: "tick end" }, part.toFixed(1)),
      svg("text", { x: across(part), y: height - bottom + 16, class: "tick middle" }, part.toFixed(1)));
  }
  drawing.append(svg("text", { x: across(0.5), y: height - 6, class: "tick middle" }, "recall"),
    svg("text", { x: 12, y: up(0.5), class: "tick middle", transform: `rotate(-90 12 ${up(0.5)})` }, "precision"));
  for (const line of lines) {
    const end = line.precision.indexOf(0);
    const points = line.precision.slice(0, end < 0 ? undefined : end + 1)
      .map((precision, step) => `${across(step / 100).toFixed(1)},${up(precision).toFixed(1)}`);
    drawing.append(svg("polyline", { points: points.join(" "), class: `curve ${line.style ?? ""}`, style: { stroke: line.colour } },
      svg("title", {}, line.name)));
  }
  return drawing;
}

// A number as a bar beside others.
const bar = (number, high, index) => html("div", { class: "meter", "aria-hidden": "true" },
  html("div", { style: { width: `${100 * number / Math.max(1, high)}%`, "--class": index === undefined ? "var(--accent)" : overview.classes[index].colour } }));

// Boxes over a picture of this size. They are elements in shares of the picture, so that a picture that is shown wider
// than it is stored (pixels need not be square) has them in the right place, with letters of the right shape.
function boxLayer(boxes, width, height, options = {}) {
  const layer = html("div", { class: "boxes", "aria-hidden": "true" });
  drawBoxes(layer, boxes, width, height, options);
  return layer;
}

function drawBoxes(layer, boxes, width, height, { least = 0, marks = [], isSmall = false } = {}) {
  layer.replaceChildren();
  eachBox(boxes, (index, score, [x, y, w, h], place) => {
    const mark = marks[place];
    if (score < least && mark !== "missed") return;
    const words = mark === "missed" ? `missed ${labelOf(index)}` : `${mark === "false" ? "false " : ""}${labelOf(index)} ${score.toFixed(2)}`;
    layer.append(html("div", {
      class: `box ${mark ?? ""} ${isSmall ? "small" : ""} ${y < height * 0.08 ? "under" : ""}`,
      style: {
        left: `${100 * x / width}%`, top: `${100 * y / height}%`, width: `${100 * w / width}%`, height: `${100 * h / height}%`,
        "--class": overview.classes[index].colour,
      },
    }, html("span", { class: x > width * 0.7 ? "right" : null }, words)));
  });
}
