"use strict";
// One input: its original file with what was found drawn over it.
//
// A record is a list: frame, time, then its boxes, or the reason why nobody looked, or how many frames from this one
// on have none; and a last element where the picture has another size than the input's first.

let leastScore = null;

async function inputView(word, frame, time) {
  const view = turn;
  const place = Number(word) || 0;
  const rows = await load(`inputs-${Math.floor(place / overview.pageSize)}`);
  const row = rows[place % overview.pageSize];
  if (!row) return [html("h1", {}, "There is no such input")];
  // Left meanwhile.
  if (view !== turn) return [];
  const player = new Player(row, place);
  whenLeft(() => player.end());
  await player.begin(frame === undefined || frame === "" ? null : Number(frame), time === undefined || time === "" ? null : Number(time));
  return player.content();
}

class Player {
  constructor(row, place) {
    this.row = row;
    this.place = place;
    this.isVideo = row.times !== null;
    this.block = -1;
    this.records = [];
    // A video may show its first picture before the records are here.
    this.timed = [];
    this.at = -1;
    this.least = leastScore ?? overview.threshold ?? 0;
    this.layer = html("div", { class: "boxes", "aria-hidden": "true" });
    this.stage = html("div", { class: "stage" });
    this.screen = html("div", { class: "screen" }, this.stage);
    this.fit(row.width || 16, row.height || 9);
    this.problem = html("p", { class: "problem", hidden: true });
    this.now = html("p", { class: "now" });
    this.list = html("div");
    this.head = svg("line", { y1: 0, y2: 60, x1: 0, x2: 0, class: "playhead" });
    this.onkey = (event) => this.key(event);
  }

  async begin(frame, time) {
    document.addEventListener("keydown", this.onkey);
    this.makeMedia();
    if (!this.row.blocks.length) return;
    const blocks = this.row.blocks;
    let first = 0;
    while (first + 1 < blocks.length && (time !== null ? blocks[first + 1].time !== null && blocks[first + 1].time <= time
      : frame !== null && blocks[first + 1].frame !== null && blocks[first + 1].frame <= frame)) first++;
    await this.open(first);
    if (this.isOver) return;
    const wanted = time !== null ? this.recordAt(time) : frame !== null ? this.records.findIndex((record) => record[0] === frame)
      : this.isVideo ? 0 : this.records.findIndex((record) => this.isHit(record));
    this.select(Math.max(0, wanted));
  }

  end() {
    document.removeEventListener("keydown", this.onkey);
    this.isOver = true;
    if (this.isVideo && this.media) { this.media.pause(); this.media.removeAttribute("src"); this.media.load(); }
  }

  // MARK: The original

  makeMedia() {
    const { row } = this;
    if (!row.link) {
      this.fail("The file that this was made from is not known.");
    } else if (this.isVideo) {
      this.media = html("video", { src: row.link, controls: true, muted: true, playsinline: true, preload: "auto", tabindex: "0",
        controlslist: "nofullscreen nodownload noremoteplayback", disablepictureinpicture: true, "aria-label": row.source });
      this.media.muted = true;
      this.media.addEventListener("loadedmetadata", () => this.fit(this.media.videoWidth, this.media.videoHeight));
      this.media.addEventListener("error", () => this.fail(`This browser cannot play ${row.source}: many play MP4 with H.264 and WebM only. (Or the file is not where it was.) The list below is complete all the same.`));
      this.follow();
    } else {
      this.media = html("img", { src: row.link, alt: row.source });
      this.media.addEventListener("load", () => this.fit(this.media.naturalWidth, this.media.naturalHeight));
      this.media.addEventListener("error", () => this.fail(`This browser cannot show ${row.source}: most show JPEG, PNG, WebP, AVIF and GIF only. (Or the file is not where it was.) The boxes are right all the same.`));
    }
    this.stage.replaceChildren(...[this.media, this.layer].filter(Boolean));
  }

  // The picture as the browser shows it: turned, and with the width that its pixels have.
  fit(width, height) { if (width && height) this.stage.style.setProperty("--ratio", width / height); }

  fail(text) {
    this.problem.textContent = text;
    this.problem.hidden = false;
    this.stage.classList.add("missing");
  }

  // Draws what belongs to the picture that is shown: told by the browser for each picture where it can, else now and then.
  follow() {
    const { media } = this;
    if ("requestVideoFrameCallback" in media) {
      const next = (_, picture) => {
        this.show(picture.mediaTime);
        if (!this.isOver) media.requestVideoFrameCallback(next);
      };
      media.requestVideoFrameCallback(next);
    } else {
      for (const event of ["timeupdate", "seeked", "loadeddata"]) media.addEventListener(event, () => this.show(media.currentTime));
      const tick = () => {
        if (!media.paused) this.show(media.currentTime);
        if (!this.isOver) requestAnimationFrame(tick);
      };
      tick();
    }
  }

  // MARK: Records

  async open(block) {
    if (block === this.block) return;
    this.block = block;
    const part = await load(`records-${this.row.blocks[block].block}`);
    if (block !== this.block || this.isOver) return;
    this.records = part[this.place];
    this.at = -1;
    // Times may jump back; what is shown at a time is found among rising ones.
    this.timed = this.records.map((record, at) => [record[1], at]).filter(([time]) => time !== null).sort((a, b) => a[0] - b[0]);
    this.drawList();
  }

  // The last record at a time or before it. Clocks of containers and browsers are rounded, each in its way.
  recordAt(time) {
    let [low, high] = [0, this.timed.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.timed[middle][0] <= time + 0.002) low = middle + 1; else high = middle;
    }
    return low ? this.timed[low - 1][1] : -1;
  }

  blockAt(time) {
    const { blocks } = this.row;
    let block = this.block;
    while (block + 1 < blocks.length && blocks[block + 1].time !== null && blocks[block + 1].time <= time + 0.002) block++;
    while (block > 0 && blocks[block].time !== null && blocks[block].time > time + 0.002) block--;
    return block;
  }

  async show(time) {
    if (this.isOver || this.block < 0) return;
    this.moveHead(time);
    const block = this.blockAt(time);
    if (block !== this.block) await this.open(block);
    this.at = this.recordAt(time);
    this.draw(time);
  }

  // Shows a record, and the video at its time.
  select(at) {
    this.at = at;
    const record = this.records[at];
    if (!record) return this.draw(null);
    if (this.isVideo && this.media && record[1] !== null) {
      // Between this picture's time and the next one's: times are rounded, and a little less shows the one before.
      const time = Math.max(0, record[1] + 0.001);
      if (this.media.readyState) this.media.currentTime = time;
      else this.media.addEventListener("loadedmetadata", () => { this.media.currentTime = time; }, { once: true });
    }
    this.moveHead(record[1]);
    this.draw(record[1]);
  }

  boxesOf(record) { return Array.isArray(record?.[2]) ? record[2] : []; }
  isHit(record) {
    let isHit = false;
    eachBox(this.boxesOf(record), (index, score) => { isHit ||= score >= this.least; });
    return isHit;
  }

  draw(time) {
    const record = this.records[this.at];
    const size = record?.[3] ?? [this.row.width, this.row.height];
    drawBoxes(this.layer, this.boxesOf(record), size[0] || 1, size[1] || 1, { least: this.least });
    // Between sampled frames the boxes are those of the last one.
    this.layer.classList.toggle("stale", record !== undefined && time !== null && record[1] !== null && typeof record[2] !== "number" && time - record[1] > 0.15);
    const words = [];
    if (this.isVideo && time !== null) words.push(clock(time, 2));
    if (record) {
      if (record[0] !== null) words.push(typeof record[2] === "number" && record[2] > 1 ? `frames from ${grouped.format(record[0])}` : `frame ${grouped.format(record[0])}`);
      if (typeof record[2] === "string") words.push(`not looked at: ${record[2]}`);
      else words.push(saidText(said(this.boxesOf(record), this.least)) || "nothing found");
    }
    this.now.textContent = words.join(" · ");
  }

  moveHead(time) {
    if (time === null || !this.row.bins) return;
    const x = time / this.row.binSeconds * 6;
    this.head.setAttribute("x1", x);
    this.head.setAttribute("x2", x);
  }

  // MARK: Steps

  async step(by, isWanted) {
    let at = this.at + by;
    while (true) {
      for (; at >= 0 && at < this.records.length; at += by) {
        if (isWanted(this.records[at])) { this.media?.pause?.(); return this.select(at); }
      }
      if (this.block + by < 0 || this.block + by >= this.row.blocks.length) return announce(by > 0 ? "This is the last." : "This is the first.");
      await this.open(this.block + by);
      if (this.isOver) return;
      at = by > 0 ? 0 : this.records.length - 1;
    }
  }

  hit(by) {
    // From a hit to the next means past those that follow it closely.
    const isHit = (record) => this.isHit(record);
    let from = this.at;
    while (isHit(this.records[from]) && isHit(this.records[from + by])) from += by;
    this.at = from;
    return this.step(by, isHit);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const actions = { n: () => this.hit(1), p: () => this.hit(-1), ".": () => this.step(1, () => true), ",": () => this.step(-1, () => true),
      b: () => this.stage.classList.toggle("bare") };
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]();
  }

  // MARK: What is on the page

  content() {
    const { row } = this;
    const [before, after] = [this.place - 1, this.place + 1];
    const facts = [row.width ? `${row.width} × ${row.height}` : null, count(row.frames, "frame"), count(row.detections, "detection"),
      row.failed ? `${grouped.format(row.failed)} not looked at` : null, row.corrupt ? `${grouped.format(row.corrupt)} damaged` : null].filter(Boolean);
    const slider = html("input", { type: "range", min: 0, max: 1, step: 0.01, value: this.least });
    const said = html("output", {}, this.least.toFixed(2));
    slider.addEventListener("input", () => {
      this.least = leastScore = Number(slider.value);
      said.textContent = this.least.toFixed(2);
      this.draw(this.records[this.at]?.[1] ?? null);
      this.drawList();
    });
    const steps = row.frames > 1 ? [button("← hit", () => this.hit(-1), { title: "previous detection (p)" }), button("hit →", () => this.hit(1), { title: "next detection (n)" }),
      button("← record", () => this.step(-1, () => true), { title: "previous record (,)" }), button("record →", () => this.step(1, () => true), { title: "next record (.)" })] : [];
    return [
      html("nav", { class: "pager", "aria-label": "input" },
        before >= 0 ? link(`#input/${before}`, { class: "button", rel: "prev" }, "Previous input") : null,
        link(`#inputs/${Math.floor(this.place / overview.pageSize)}`, {}, "All inputs"),
        after < overview.counts.inputs ? link(`#input/${after}`, { class: "button", rel: "next" }, "Next input") : null),
      html("h1", { class: "path" }, row.source),
      html("p", { class: "faint" }, facts.join(" · "), row.link ? [" · ", link(row.link, { target: "_blank", rel: "noopener" }, "open the file")] : null),
      row.failure ? html("p", { class: "problem" }, row.failure) : null,
      html("figure", { class: "player" }, this.problem, this.screen, this.now, this.timelineNode(),
        html("div", { class: "fields" }, steps,
          html("label", { class: "field" }, html("span", {}, "score from"), slider, said),
          html("label", { class: "check" }, html("input", { type: "checkbox", checked: true, onchange: (event) => this.stage.classList.toggle("bare", !event.target.checked) }), "boxes"),
          document.fullscreenEnabled ? button("Full screen", () => this.screen.requestFullscreen()) : null)),
      row.frames > 1 ? html("p", { class: "faint keys" }, "Keys: n and p go to the next and previous detection, . and , to the next and previous record, b hides the boxes.") : null,
      html("h2", {}, "Found"), this.list,
    ];
  }

  timelineNode() {
    const drawing = timeline(this.row, { class: "timeline large" });
    if (!drawing) return null;
    drawing.append(this.head);
    drawing.addEventListener("click", (event) => {
      const box = drawing.getBoundingClientRect();
      const time = (event.clientX - box.left) / box.width * this.row.binCount * this.row.binSeconds;
      if (this.media) this.media.currentTime = time;
      this.show(time);
    });
    return html("div", {}, drawing, html("div", { class: "ends" }, html("span", {}, "0:00"), html("span", {}, clock(this.row.binCount * this.row.binSeconds))));
  }

  // Detections one after another as spans; each a link into the video.
  drawList() {
    const spans = [];
    let open = false;
    this.records.forEach((record, at) => {
      if (!this.isHit(record)) { open = false; return; }
      if (!open) spans.push({ at, end: at, boxes: [] });
      open = this.isVideo;
      const span = spans[spans.length - 1];
      span.end = at;
      for (const [index, entry] of said(this.boxesOf(record), this.least)) {
        const best = span.best ??= new Map();
        const old = best.get(index) ?? { count: 0, score: 0 };
        best.set(index, { count: Math.max(old.count, entry.count), score: Math.max(old.score, entry.score) });
      }
    });
    const most = 500;
    const where = (at) => this.records[at][1] !== null ? clock(this.records[at][1]) : this.records[at][0] !== null ? `frame ${this.records[at][0]}` : "";
    const go = (at) => (event) => { event.preventDefault(); this.select(at); this.stage.scrollIntoView({ block: "nearest" }); };
    const address = (at) => `#input/${this.place}/${this.records[at][0] ?? ""}/${this.records[at][1] ?? ""}`;
    const blocks = this.row.blocks.length;
    this.list.replaceChildren(...[
      blocks > 1 ? html("div", { class: "pager" }, button("Earlier", () => this.turn(-1), { disabled: this.block === 0 }),
        ` part ${this.block + 1} of ${blocks} `, button("Later", () => this.turn(1), { disabled: this.block === blocks - 1 })) : null,
      spans.length ? html("ol", { class: "hits" }, spans.slice(0, most).map((span) => html("li", {},
        this.row.frames > 1 ? link(address(span.at), { onclick: go(span.at) }, where(span.at), span.end > span.at ? ` – ${where(span.end)}` : "") : null,
        " ", saidNodes([...span.best].sort((a, b) => b[1].score - a[1].score))))) : html("p", {}, blocks > 1 ? "Nothing in this part." : "Nothing."),
      spans.length > most ? html("p", { class: "faint" }, `and ${grouped.format(spans.length - most)} more in this part`) : null,
    ].filter(Boolean));
  }

  async turn(by) {
    await this.open(this.block + by);
    this.select(0);
  }
}
