// People and faces: the grid of a person's faces, acts on those selected, and dragging.
"use strict";
const WIDTH = 120, HEIGHT = 140, PART = 200;
const MANY = 20; // so many faces are given away only after a question

// All faces of a person: only the rows in sight are in the page.
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
    if (this.cells.has(this.active)) this.box.setAttribute("aria-activedescendant", `cell-${this.active}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  place(at, columns) {
    let cell = this.cells.get(at);
    if (!cell) {
      cell = document.createElement("div");
      cell.className = "cell";
      cell.id = `cell-${at}`;
      cell.dataset.at = at;
      cell.draggable = true;
      cell.setAttribute("role", "option");
      cell.setAttribute("aria-label", `face ${at + 1}`);
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
    if (face && cell.dataset.face !== face.id) this.fill(cell, face);
    cell.setAttribute("aria-selected", face ? this.picked.has(face.id) : false);
    cell.classList.toggle("active", at === this.active);
  }

  fill(cell, face) {
    cell.dataset.face = face.id;
    const picture = new Image(106, 106);
    picture.src = `/face/${face.id}.webp`;
    picture.alt = "";
    picture.draggable = false;
    const words = face.doubt ? `${Math.round(face.doubt * 100)} % doubt` : face.status === "automatic" ? "" : face.status;
    cell.setAttribute("aria-label", `${face.photo} ${face.taken} ${words}`);
    cell.title = `${face.photo} ${face.taken}`;
    cell.replaceChildren(picture, words);
    cell.classList.toggle("doubtful", face.doubt > 0);
  }

  fetch(part) {
    if (!this.asked.has(part)) this.asked.set(part, this.load(part));
    return this.asked.get(part);
  }

  async load(part) {
    const answer = await fetch(`/person/${this.box.dataset.person}/faces?start=${part * PART}&count=${PART}`);
    if (!answer.ok) return say("These faces cannot be shown: reload the page.", true);
    const found = await answer.json();
    if (found.total !== this.total) this.total = found.total;
    found.faces.forEach((face, row) => { this.faces[found.start + row] = face; });
    this.draw();
  }

  // Shows what has become of the person, at the same place of the list.
  async reload(change, total) {
    const part = Math.floor(Math.min(this.active, Math.max(0, total - 1)) / PART);
    const answer = await fetch(`/person/${this.box.dataset.person}/faces?start=${part * PART}&count=${PART}`);
    const found = answer.ok ? await answer.json() : { total, start: 0, faces: [] };
    this.faces = [];
    this.asked = new Map([[part, Promise.resolve()]]);
    this.picked.clear();
    for (const cell of this.cells.values()) cell.remove();
    this.cells.clear();
    this.total = found.total;
    this.active = this.from = Math.max(0, Math.min(this.active, this.total - 1));
    found.faces.forEach((face, row) => { this.faces[found.start + row] = face; });
    change();
    this.tell();
  }

  click(event) {
    const cell = event.target.closest(".cell");
    if (cell) this.pick(Number(cell.dataset.at), event.shiftKey);
  }

  async pick(at, between) {
    const first = Math.min(this.from, at), last = Math.max(this.from, at);
    if (between) {
      const ids = await this.ids(first, last + 1);
      for (const id of ids) this.picked.add(id);
    } else {
      const face = this.faces[at];
      if (!face) return;
      if (!this.picked.delete(face.id)) this.picked.add(face.id);
      this.from = at;
    }
    this.active = at;
    this.tell();
  }

  // Rows between may never have been in sight.
  async ids(start, end) {
    const here = this.faces.slice(start, end).filter(Boolean).map((face) => face.id);
    if (here.length === end - start) return here;
    const answer = await fetch(`/person/${this.box.dataset.person}/ids?start=${start}&count=${end - start}`);
    if (answer.ok) return (await answer.json()).faces;
    say("These faces cannot be selected: reload the page.", true);
    return [];
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
    if (event.key === "Enter") { event.preventDefault(); event.stopPropagation(); return this.whole(); }
    if (!(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.goTo(this.active + moves[event.key], event.shiftKey);
  }

  goTo(at, between) {
    this.active = Math.min(this.total - 1, Math.max(0, at));
    if (!between) this.from = this.active;
    const top = Math.floor(this.active / this.columns) * HEIGHT;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top + HEIGHT > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = top + HEIGHT - this.box.clientHeight;
    if (between) this.pick(this.active, true);
    else this.draw();
  }

  whole() {
    look(this.total, async (at) => {
      await this.fetch(Math.floor(at / PART));
      this.goTo(at);
      return this.faces[at]?.id;
    }, this.active);
  }
}

// -- acts on those selected, or dragged ---------------------------------------------------------------
const fieldsOf = (faces) => [...faces].map((face) => ["faces", face]);
const NONE = "No face is selected. Click on faces, or use Space.";

function actHere(name, faces = grid?.picked) {
  if (name === "ignore" || name === "show") {
    return act(name, [["people", person()], ...shown()], name === "ignore" ? () => "/people" : null);
  }
  if (!faces.size) return say(NONE, true);
  const fields = [...fieldsOf(faces), ...ofPage()];
  if (name !== "reject" && name !== "not-a-face") fields.push(["people", person()]);
  const what = { reject: "not this person", "not-a-face": "no faces" }[name];
  if (what && faces.size >= MANY) return sure(`${faces.size.toLocaleString("en")} are ${what}?`, () => act(name, fields));
  act(name, fields);
}

// Gives faces to somebody: clicked, dragged onto, or typed (then without what they are called).
function give(other, called, faces = grid.picked) {
  if (!faces.size) return say(NONE, true);
  const fields = [...fieldsOf(faces), ["people", other], ...ofPage()];
  if (called !== undefined) fields.push(shownAs(other, called));
  if (faces.size < MANY) return act("confirm", fields);
  $("#merging").close();
  sure(`${faces.size.toLocaleString("en")} faces are ${called === "" ? `unnamed ${other}` : called || other}?`, () => act("confirm", fields));
}

function moving(faces = grid.picked) {
  if (!faces.size) return say(NONE, true);
  const many = faces.size === 1 ? "This face is…" : `These ${faces.size.toLocaleString("en")} faces are…`;
  askWho(many, $("#tools"), (other, called) => give(other, called, faces));
}

// -- dragging: one person onto another, faces onto people and buttons -----------------------------------
let dragged = null;

function dropOn(event) {
  const on = event.target.closest?.("#wall .card, .other, #facebar [data-act], #facebar [data-open]");
  return on && dragged && Boolean(dragged.person) === on.matches(".card") ? on : null;
}

document.addEventListener("dragstart", (event) => {
  const card = event.target.closest?.("#wall .card"), cell = event.target.closest?.(".cell[data-face]");
  if (card) dragged = { person: card };
  else if (cell) dragged = { faces: grid.picked.has(cell.dataset.face) ? new Set(grid.picked) : new Set([cell.dataset.face]) };
  else return;
  event.dataTransfer.setData("text/plain", ""); // Firefox drags nothing without
  event.dataTransfer.effectAllowed = "move";
  document.body.classList.add(card ? "dragging-person" : "dragging-faces");
});
document.addEventListener("dragend", () => { dragged = null; document.body.classList.remove("dragging-person", "dragging-faces"); });
for (const kind of ["dragenter", "dragover", "dragleave"]) {
  document.addEventListener(kind, (event) => {
    const on = dropOn(event);
    if (!on) return;
    event.preventDefault();
    on.classList.toggle("over", kind !== "dragleave");
  });
}
document.addEventListener("drop", (event) => {
  const on = dropOn(event);
  if (!on) return;
  event.preventDefault();
  on.classList.remove("over");
  const { person: whom, faces } = dragged;
  dragged = null;
  if (whom) merge(on.dataset.person, on.dataset.name, whom);
  else if (on.dataset.other) give(on.dataset.other, on.dataset.name, faces);
  else if (on.dataset.act) actHere(on.dataset.act, faces);
  else moving(faces);
});

// -- a person's page ------------------------------------------------------------------------------------
const grid = $("#grid") ? new Grid($("#grid")) : null;

async function others() {
  const answer = await fetch(`/person/${person()}/others?text=${encodeURIComponent($("#other-text").value.slice(0, 100))}`);
  if (answer.ok) $("#other-list").innerHTML = await answer.text(); // escaped by the server
}

if (grid) {
  grid.draw();
  grid.box.focus({ preventScroll: true });
  others();
  let soon = 0;
  $("#other-text").addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(others, 120); });
}
document.addEventListener("submit", (event) => {
  if (event.target.id !== "naming") return;
  event.preventDefault();
  act("name", [["people", person()], ["name", event.target.elements.name.value], ...shown()], (done) => `/person/${done.person}`);
});
