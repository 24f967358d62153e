// Keys, acts on people and faces, and the grid of a person's faces. htmx does the questions.
"use strict";
const $ = (selector) => document.querySelector(selector);
const person = () => $("#tools")?.dataset.person;

function say(text, bad) {
  const said = $("#said");
  said.textContent = text;
  said.classList.toggle("bad", Boolean(bad));
}

// Shows a sentence on the page that comes next.
function go(address, sentence) {
  sessionStorage.setItem("said", sentence);
  if (address === location.pathname) location.reload();
  else location.assign(address);
}

let busy = false;
async function post(address, fields) {
  if (busy) return null;
  busy = true;
  try {
    const body = new URLSearchParams(fields);
    const answer = await fetch(address, { method: "POST", body });
    if (!(answer.headers.get("content-type") || "").includes("json")) throw new Error(await answer.text());
    return await answer.json();
  } catch (error) {
    return { ok: false, said: `${error.message}. Is facesort still running?` };
  } finally {
    busy = false;
  }
}

async function act(name, fields, address) {
  const done = await post(`/act/${name}`, fields);
  if (!done) return;
  if (done.taken) return choose(done.said, (same) => act(name, [...fields, ["same", same]], address));
  if (!done.ok) return say(done.said, true);
  go(typeof address === "function" ? address(done) : address || location.pathname, done.said);
}

function choose(sentence, then) {
  const dialog = $("#choosing");
  $("#choosing-said").textContent = sentence;
  dialog.returnValue = "";
  dialog.onclose = () => dialog.returnValue && then(dialog.returnValue);
  dialog.showModal();
}

// -- the question ---------------------------------------------------------------------------------
function answer(button) {
  const form = $("#answering");
  if (!form) return;
  if (button.dataset.answer === "name" && !form.elements.name.value.trim()) return form.elements.name.focus();
  form.elements.answer.value = button.dataset.answer;
  form.elements.person.value = button.dataset.person || "";
  form.requestSubmit();
}

async function step(which) {
  if ($("#question")) {
    htmx.ajax("POST", `/${which}`, { target: "#question", swap: "outerHTML" });
    return;
  }
  const done = await post(`/${which}`, []);
  if (done) done.ok ? go(location.pathname, done.said) : say(done.said, true);
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "question") { say(""); $("#main").focus({ preventScroll: true }); }
});
document.addEventListener("htmx:sendError", () => say("No answer. Is facesort still running?", true));
// One answer at a time: a key pressed twice answers one question.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb !== "post") return;
  if (document.body.dataset.sending) event.preventDefault();
  else document.body.dataset.sending = "1";
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.requestConfig.verb === "post") delete document.body.dataset.sending;
});

// -- completion of names ---------------------------------------------------------------------------
let typing = 0;
document.addEventListener("input", (event) => {
  if (event.target.getAttribute("list") !== "names") return;
  clearTimeout(typing);
  const text = event.target.value;
  typing = setTimeout(async () => {
    const answer = await fetch(`/names?text=${encodeURIComponent(text.slice(0, 100))}`);
    if (answer.ok) $("#names").innerHTML = await answer.text(); // escaped by the server
  }, 120);
});

// -- clicks ---------------------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const on = event.target.closest("[data-answer],[data-step],[data-act],[data-open],[data-whole],[data-back]");
  if (!on) return;
  if (on.dataset.answer) answer(on);
  else if (on.dataset.step) step(on.dataset.step);
  else if (on.dataset.act) actHere(on.dataset.act);
  else if (on.dataset.open === "moving") moving();
  else if (on.dataset.open) merging(person());
  else if ("whole" in on.dataset) grid?.whole();
  else if (history.length > 1) { event.preventDefault(); history.back(); }
});

function actHere(name) {
  if (name === "ignore") return act("ignore", [["people", person()]], "/people");
  const fields = [...grid.chosen()].map((face) => ["faces", face]);
  if (!fields.length) return say("No face is selected. Click on faces, or use Space.", true);
  if (name !== "reject" && name !== "not-a-face") fields.push(["people", person()]);
  const emptied = fields.length >= grid.total && (name === "reject" || name === "not-a-face");
  act(name, fields, emptied ? "/people" : undefined);
}

// Asks for a name or an id.
function askWho(title, then) {
  const dialog = $("#merging");
  $("#merging-title").textContent = title;
  $("#merge-with").value = "";
  dialog.returnValue = "";
  dialog.onclose = () => {
    const other = $("#merge-with").value.trim();
    if (dialog.returnValue === "merge" && other) then(other);
  };
  dialog.showModal();
}

function merging(one) { askWho("Merge with…", (other) => merge(other, one)); }

function moving() {
  const faces = [...grid.chosen()].map((face) => ["faces", face]);
  if (!faces.length) return say("No face is selected. Click on faces, or use Space.", true);
  askWho("These faces are…", (other) => act("confirm", [...faces, ["people", other]], faces.length >= grid.total ? "/people" : undefined));
}

function merge(into, one) {
  if (into === one) return;
  act("merge", [["people", into], ["people", one]], (done) => (person() ? `/person/${done.person}` : location.pathname));
}

// -- keys: the terminal's --------------------------------------------------------------------------
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && event.key.length === 1) return;
  if ($("dialog[open]")) return;
  const writing = event.target.closest("input:not([type=checkbox]),select,textarea");
  if (writing) {
    if (event.key === "Escape") writing.blur();
    if (event.key === "Enter" && writing.closest("#answering")) {
      event.preventDefault();
      answer($("#answering [data-answer=name]"));
    }
    return;
  }
  const card = event.target.closest?.("#wall .card");
  if (card && event.key === "m") { event.preventDefault(); return merging(card.dataset.person); }
  if (card && event.key === "i") return act("ignore", [["people", card.dataset.person]]);
  if (event.key === "Enter" && event.target.closest("a,button,summary,input")) return;
  const key = CSS.escape(event.key);
  const button = document.querySelector(`[data-key="${key}"]:not(:disabled)`);
  if (button) { event.preventDefault(); return button.click(); }
  const field = document.querySelector(`[data-focus="${key}"]`);
  if (field) { event.preventDefault(); field.focus(); field.select(); }
});

// -- the wall: drag one onto another ---------------------------------------------------------------
document.addEventListener("dragstart", (event) => {
  const card = event.target.closest?.("#wall .card");
  if (card) event.dataTransfer.setData("text/x-facesort-person", card.dataset.person);
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const card = event.target.closest?.("#wall .card");
    if (!card || !event.dataTransfer.types.includes("text/x-facesort-person")) return;
    event.preventDefault();
    card.classList.toggle("over", kind === "dragover");
    if (kind === "drop") merge(card.dataset.person, event.dataTransfer.getData("text/x-facesort-person"));
  });
}

// -- all faces of a person: only the rows in sight are in the page ------------------------------------
const WIDTH = 120, HEIGHT = 140, PART = 200;

class Grid {
  constructor(box) {
    this.box = box;
    this.room = $("#room");
    this.total = Number(box.dataset.total);
    this.faces = [];
    this.asked = new Map();
    this.picked = new Set();
    this.active = 0;
    this.from = 0;
    this.cells = new Map();
    box.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()));
    box.addEventListener("click", (event) => this.click(event));
    box.addEventListener("dblclick", () => this.whole());
    box.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(box);
  }

  get columns() { return Math.max(1, Math.floor(this.box.clientWidth / WIDTH)); }

  draw() {
    const columns = this.columns;
    this.room.style.height = `${Math.ceil(this.total / columns) * HEIGHT}px`;
    const first = Math.max(0, Math.floor(this.box.scrollTop / HEIGHT) - 2) * columns;
    const rows = Math.ceil(this.box.clientHeight / HEIGHT) + 5;
    const end = Math.min(this.total, first + rows * columns);
    for (const [at, cell] of this.cells) if (at < first || at >= end) { cell.remove(); this.cells.delete(at); }
    // What flies past while somebody scrolls is not asked for.
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      for (let part = Math.floor(first / PART); part * PART < end; part++) this.fetch(part);
    }, 40);
    for (let at = first; at < end; at++) this.place(at, columns);
    this.box.setAttribute("aria-activedescendant", `cell-${this.active}`);
  }

  place(at, columns) {
    let cell = this.cells.get(at);
    if (!cell) {
      cell = document.createElement("div");
      cell.className = "cell";
      cell.id = `cell-${at}`;
      cell.dataset.at = at;
      cell.setAttribute("role", "option");
      cell.setAttribute("aria-setsize", this.total);
      cell.setAttribute("aria-posinset", at + 1);
      this.cells.set(at, cell);
      // In the order of the list, also for a reader.
      const after = [...this.cells.keys()].filter((other) => other > at).sort((a, b) => a - b)[0];
      this.room.insertBefore(cell, after === undefined ? null : this.cells.get(after));
    }
    cell.style.left = `${(at % columns) * WIDTH}px`;
    cell.style.top = `${Math.floor(at / columns) * HEIGHT}px`;
    const face = this.faces[at];
    if (face && cell.dataset.face !== face.id) {
      cell.dataset.face = face.id;
      const picture = new Image(106, 106);
      picture.src = `/face/${face.id}.webp`;
      picture.alt = `${face.photo} ${face.taken}`;
      picture.draggable = false;
      const words = face.doubt ? `${Math.round(face.doubt * 100)} % doubt` : face.status;
      cell.replaceChildren(picture, words);
      cell.classList.toggle("doubtful", face.doubt > 0);
    }
    cell.setAttribute("aria-selected", face ? this.picked.has(face.id) : false);
    cell.classList.toggle("active", at === this.active);
  }

  fetch(part) {
    if (!this.asked.has(part)) this.asked.set(part, this.load(part));
    return this.asked.get(part);
  }

  async load(part) {
    const answer = await fetch(`/person/${this.box.dataset.person}/faces?start=${part * PART}&count=${PART}`);
    if (!answer.ok) return say("These faces cannot be shown: reload the page.", true);
    const found = await answer.json();
    this.total = found.total;
    found.faces.forEach((face, row) => { this.faces[found.start + row] = face; });
    this.draw();
  }

  click(event) {
    const cell = event.target.closest(".cell");
    if (cell) this.pick(Number(cell.dataset.at), event.shiftKey);
  }

  async pick(at, between) {
    if (between) {
      // Rows between may never have been in sight.
      const parts = [];
      for (let part = Math.floor(Math.min(this.from, at) / PART); part * PART <= Math.max(this.from, at); part++) parts.push(this.fetch(part));
      await Promise.all(parts);
    }
    const face = this.faces[at];
    if (!face) return;
    if (between) {
      for (let one = Math.min(this.from, at); one <= Math.max(this.from, at); one++) if (this.faces[one]) this.picked.add(this.faces[one].id);
    } else {
      if (!this.picked.delete(face.id)) this.picked.add(face.id);
      this.from = at;
    }
    this.active = at;
    this.tell();
  }

  tell() {
    $("#selected").textContent = this.picked.size ? `${this.picked.size} selected` : "None selected";
    this.draw();
  }

  key(event) {
    const columns = this.columns, page = columns * Math.max(1, Math.floor(this.box.clientHeight / HEIGHT));
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -page, PageDown: page, Home: -this.total, End: this.total };
    if (event.key === " ") { event.preventDefault(); return this.pick(this.active, event.shiftKey); }
    if (event.key === "Escape") { this.picked.clear(); return this.tell(); }
    if (event.key === "Enter") return this.whole();
    if (!(event.key in moves)) return;
    event.preventDefault();
    if (!event.shiftKey) this.from = Math.min(this.total - 1, Math.max(0, this.active + moves[event.key]));
    this.active = Math.min(this.total - 1, Math.max(0, this.active + moves[event.key]));
    const top = Math.floor(this.active / columns) * HEIGHT;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top + HEIGHT > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = top + HEIGHT - this.box.clientHeight;
    if (event.shiftKey) this.pick(this.active, true);
    else this.draw();
  }

  whole() { const face = this.faces[this.active]; if (face) location.assign(`/photo/${face.id}`); }

  chosen() { return this.picked; }
}

const grid = $("#grid") ? new Grid($("#grid")) : null;
$("#naming")?.addEventListener("submit", (event) => {
  event.preventDefault();
  act("name", [["people", person()], ["name", event.target.elements.name.value]], (done) => `/person/${done.person}`);
});
const waiting = sessionStorage.getItem("said");
if (waiting) { sessionStorage.removeItem("said"); say(waiting); }
if (grid) { grid.draw(); grid.box.focus({ preventScroll: true }); }
