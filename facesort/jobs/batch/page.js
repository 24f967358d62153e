
"use strict";
// Names and everything else from the library are only ever set as text.
const data = JSON.parse(document.getElementById("data").textContent);
const WORDS = { yes: "yes", no: "no", unsure: "not sure", ignore: "ignore", "not-a-face": "not a face" };
const LABELS = { unsure: "Not sure", ignore: "Nobody of interest", "not-a-face": "Not a face" };
const YES = { two: "Yes, two people", mirror: "Yes, one person twice" };
const NO = { two: "No, one person", mirror: "No, two people" };
const KEYS = { yes: "y", no: "n", unsure: "?", ignore: "i", "not-a-face": "x" };
const COLUMNS = ["number", "id", "question", "allowed answers", "answer", "name", "not these", "about"];
const STORE = "facesort answers " + data.id;
const MANY = 3; // more faces than this are no faces only when that was said twice
const kept = restored();
const given = kept.given;
const cards = [];
const changes = []; // what each answer was before it was changed, the last change last
let current = 0;
let saved = kept.saved; // the file holds what is answered here
let really = null; // the question of which "not a face" was said once

function restored() {
  try {
    const found = JSON.parse(localStorage.getItem(STORE));
    if (found && found.given) return { given: found.given, saved: found.saved === true };
  } catch { /* nothing was kept, or it is damaged */ }
  return { given: {}, saved: true };
}

function keep() {
  try { localStorage.setItem(STORE, JSON.stringify({ given, saved })); } catch { /* it is kept in this page */ }
}

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null) continue;
    if (name === "class") element.className = value; else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function answerOf(question) {
  return given[question.id] || { answer: "", name: "", out: [] };
}

function say(question, change) {
  const last = changes.at(-1), isTyped = Boolean(change.name);
  // The letters of one name are one change.
  if (!(isTyped && last && last.isTyped && last.question === question)) changes.push({ question, isTyped, before: answerOf(question) });
  put(question, { ...answerOf(question), ...change });
}

function put(question, answer) {
  given[question.id] = answer;
  saved = false;
  really = null;
  keep();
  show();
}

function takeBack() {
  const last = changes.pop();
  if (!last) return;
  put(last.question, last.before);
  go(data.questions.indexOf(last.question));
}

const facesOf = (question) => (question.kind === "who" ? question.sides[0].faces : question.faces.length);

// Returns whether it was said: that many faces are none has to be said twice.
function choose(question, answer) {
  if (answer === "not-a-face" && facesOf(question) > MANY && really !== question.id) {
    really = question.id;
    show();
    return false;
  }
  say(question, { answer, name: "" });
  return true;
}

const isAnswered = (answer) => Boolean(answer.answer || answer.name);

function picture(shown, alt) {
  return shown.picture
    ? make("img", { src: shown.picture, alt, width: 160, height: 160, loading: "lazy" })
    : make("span", { class: "gone" }, "no picture now");
}

function face(question, shown, place) {
  if (!shown.letter) return make("li", {}, picture(shown, "Face " + place));
  const button = make("button", { type: "button", "data-out": shown.letter, "aria-pressed": "false", title: "Click what it is not true of" },
    picture(shown, "Face " + shown.letter + ", press to take it out"), make("span", { "aria-hidden": "true" }, shown.letter));
  button.onclick = () => toggle(question, shown.letter);
  return make("li", {}, button);
}

function toggle(question, letter) {
  const out = answerOf(question).out;
  say(question, { out: out.includes(letter) ? out.filter((one) => one !== letter) : [...out, letter] });
}

function caption(question, side, place) {
  const many = side.faces === 1 ? "1 face" : side.faces + " faces";
  const whose = (side.name ? side.name + ", " : "") + many;
  if (["who", "same"].includes(question.kind)) return place || side.name ? whose : many;
  if (question.kind === "mirror") return (place ? "The other: " : "The one: ") + whose;
  if (question.kind === "two") return place ? "The second: " + whose : "The first";
  return place ? (side.name || "This person") + ", " + many : "In question";
}

function sideOf(question, side, place) {
  if (!side.shown.length) return null;
  const group = make("section", {}, make("h3", {}, caption(question, side, place)),
    make("ul", { class: "faces" }, ...side.shown.map((shown, at) => face(question, shown, at + 1))));
  if (side.letter) {
    const button = make("button", { type: "button", class: "person", "data-out": side.letter, "aria-pressed": "false" }, "Somebody else (" + side.letter + ")");
    button.onclick = () => toggle(question, side.letter);
    group.append(make("p", {}, button));
  }
  return group;
}

function choice(question, answer, label, key) {
  const button = make("button", { type: "button", "data-answer": answer, "aria-pressed": "false" }, label + " ", make("kbd", { "aria-hidden": "true" }, key));
  button.onclick = () => choose(question, answerOf(question).answer === answer ? "" : answer);
  return button;
}

function listedOf(question) {
  if (!question.listed.length || !question.answers.includes("person")) return null;
  const row = make("div", { class: "listed", role: "group", "aria-label": "Perhaps" }, "Perhaps:");
  for (const one of question.listed) {
    const name = one.name || (one.ignored ? "nobody of interest" : "somebody without a name");
    const button = choice(question, String(one.digit), name, String(one.digit));
    for (const shown of one.shown.slice(0, 2).reverse()) if (shown.picture) button.prepend(picture(shown, ""));
    row.append(button);
  }
  return row;
}

function namingOf(question) {
  const label = question.answers.includes("no") ? "No, it is" : "Name";
  const id = "name-" + question.number;
  const input = make("input", { id, list: "names", maxlength: "200", autocomplete: "off", "data-name": "" });
  input.oninput = () => say(question, { name: input.value.trim(), answer: "" });
  input.onkeydown = (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); input.blur(); go(current + 1); } };
  return make("span", { class: "naming" }, make("label", { for: id }, label), input);
}

function cardOf(question, place) {
  const card = make("li", { class: "question", id: "question-" + question.number, tabindex: "-1", "aria-labelledby": "asked-" + question.number });
  const row = make("div", { class: "answers", role: "group", "aria-label": "Answers" });
  for (const answer of ["yes", "no"]) {
    const labels = answer === "yes" ? YES : NO;
    if (question.answers.includes(answer)) row.append(choice(question, answer, labels[question.kind] || (answer === "yes" ? "Yes" : "No"), KEYS[answer]));
  }
  if (question.answers.includes("name")) row.append(namingOf(question));
  for (const answer of ["unsure", "ignore", "not-a-face"]) {
    if (question.answers.includes(answer)) row.append(choice(question, answer, LABELS[answer], KEYS[answer]));
  }
  card.append(make("h2", { id: "asked-" + question.number }, make("span", { class: "number" }, question.number + "."), question.asked),
    ...question.sides.map((side, at) => sideOf(question, side, at)).filter(Boolean),
    listedOf(question) || "", row, make("p", { class: "paper" }, "Answer: ______________________   not these: ____________"), make("p", { class: "said", role: "status" }));
  card.addEventListener("focusin", () => mark(place));
  card.addEventListener("click", () => mark(place));
  return card;
}

function mark(place) {
  if (!cards.length) return;
  cards[current].classList.remove("current");
  current = Math.max(0, Math.min(place, cards.length - 1));
  cards[current].classList.add("current");
}

function go(place) {
  mark(place);
  if (!cards.length) return;
  cards[current].focus({ preventScroll: true });
  cards[current].scrollIntoView({ block: "start" });
}

function told(question) {
  const { answer, name, out } = answerOf(question);
  if (really === question.id) return "Really none of these " + facesOf(question) + " faces is a face? Press it again.";
  if (!answer && !name) return out.length ? "Taken out: " + out.join(", ") + ". Now say of whom the rest are." : "";
  const listed = question.listed.find((one) => String(one.digit) === answer);
  const said = name || (listed ? listed.name || "number " + answer : (LABELS[answer] || WORDS[answer]).toLowerCase());
  return "Your answer: " + said + (out.length ? ", but not " + out.join(", ") : "");
}

function show() {
  let many = 0;
  data.questions.forEach((question, place) => {
    const answer = answerOf(question), card = cards[place];
    many += isAnswered(answer);
    for (const button of card.querySelectorAll("[data-answer]")) button.setAttribute("aria-pressed", String(button.dataset.answer === answer.answer));
    for (const button of card.querySelectorAll("[data-out]")) button.setAttribute("aria-pressed", String(answer.out.includes(button.dataset.out)));
    const input = card.querySelector("[data-name]");
    if (input && input.value.trim() !== answer.name) input.value = answer.name;
    const line = card.querySelector(".said");
    if (line.textContent !== told(question)) line.textContent = told(question);
  });
  document.getElementById("progress").textContent = many + " of " + data.questions.length + " answered" + (saved && many ? ", saved" : "");
  document.getElementById("text").value = table();
  const names = new Set(Object.values(given).map((answer) => answer.name));
  for (const question of data.questions) for (const one of [...question.listed, ...question.sides]) names.add(one.name);
  document.getElementById("names").replaceChildren(...[...names].filter(Boolean).sort().map((name) => make("option", { value: name })));
}

// A spreadsheet would compute what begins like a formula.
const guarded = (name) => (/^[=+\-@]/.test(name) ? "'" + name : name);
const cell = (value) => '"' + String(value).replaceAll('"', '""') + '"';

function table() {
  const rows = data.questions.map((question) => {
    const { answer, name, out } = answerOf(question);
    return [question.number, question.id, question.asked, "", WORDS[answer] || answer, guarded(name), isAnswered({ answer, name }) ? out.join(" ") : "", question.about];
  });
  return [COLUMNS, ...rows].map((row) => row.map(cell).join(",") + "\r\n").join("");
}

function save() {
  const link = make("a", { href: URL.createObjectURL(new Blob(["\ufeff", table()], { type: "text/csv" })), download: "answers.csv" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  saved = true;
  keep();
  show();
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea")) return;
  const question = data.questions[current], card = cards[current];
  if (!question) return;
  const key = event.key, onButton = event.target.closest("button, summary, a");
  if (key === "j" || key === "k") { event.preventDefault(); go(current + (key === "j" ? 1 : -1)); return; }
  if (key === "u") { event.preventDefault(); takeBack(); return; }
  const input = card.querySelector("[data-name]");
  if (input && ((key === "Enter" && !onButton) || (key === "n" && !question.answers.includes("no")))) { event.preventDefault(); input.focus(); return; }
  const answer = Object.keys(KEYS).find((one) => KEYS[one] === key) || key;
  const button = [...card.querySelectorAll("[data-answer]")].find((one) => one.dataset.answer === answer);
  if (!button) return;
  event.preventDefault();
  if (choose(question, answer)) go(current + 1);
}

for (const question of data.questions) cards.push(cardOf(question, cards.length));
document.getElementById("list").append(...cards);
document.getElementById("save").onclick = save;
document.addEventListener("keydown", press);
window.addEventListener("beforeunload", (event) => { if (!saved) event.preventDefault(); });
mark(0);
show();
