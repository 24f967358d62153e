// What all pages share: sentences, acts, dialogs, the question. Lists: lists.js. Keys: keys.js.
"use strict";
const $ = (selector) => document.querySelector(selector);
const person = () => $("#tools")?.dataset.person;

function say(text, bad, link) {
  const said = $("#said");
  said.textContent = text;
  said.classList.toggle("bad", Boolean(bad));
  if (!link) return;
  const there = document.createElement("a");
  there.href = link;
  there.textContent = "Open";
  said.append(" ", there);
}

// Shows a sentence on the page that comes next.
function go(address, sentence) {
  sessionStorage.setItem("said", sentence);
  location.assign(address);
}

const parsed = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");

// Takes over what has changed, and stays where the user is.
async function refresh(sentence, bad, link) {
  if (person()) {
    const answer = await fetch(location.pathname);
    if (!answer.ok) return go("/people", sentence); // the last face has left
    const now = await parsed(answer), whose = now.getElementById("tools").dataset.person;
    if (whose !== person()) return go(`/person/${whose}`, sentence);
    await grid.reload(() => {
      for (const id of ["status", "tools"]) document.getElementById(id).replaceWith(now.getElementById(id));
    }, Number(now.getElementById("grid").dataset.total));
    others();
  } else if ($("#wall")) {
    await freshWall();
    await freshStatus();
  } else {
    return go(location.pathname, sentence);
  }
  say(sentence, bad, link);
}

async function freshStatus() {
  const answer = await fetch("/status");
  if (answer.ok) $("#status").replaceWith((await parsed(answer)).getElementById("status"));
}

// What another tab or program has done meanwhile: nothing is done from what is no longer so.
async function catchUp() {
  if ($("dialog[open]")) return;
  const answer = await fetch("/status");
  if (!answer.ok) return;
  const status = (await parsed(answer)).getElementById("status");
  if (status.dataset.moment === $("#status").dataset.moment) return;
  if (grid || $("#wall")) return refresh("This page was brought up to date.");
  $("#status").replaceWith(status);
  const form = $("#answering");
  const isBegun = form && (form.elements.name?.value || form.querySelector(":checked"));
  if ($("#question") && !isBegun) htmx.ajax("GET", "/", { target: "#question", swap: "outerHTML" });
}

// What a refusal says that is no answer of ours.
function sentence(type, text) {
  return (type || "").startsWith("text/plain") ? text.slice(0, 300) : "That went wrong; the terminal says what.";
}

let busy = false;
async function post(address, fields) {
  if (busy) return null;
  busy = true;
  try {
    const body = new URLSearchParams(fields);
    const answer = await fetch(address, { method: "POST", body });
    if ((answer.headers.get("content-type") || "").includes("json")) return await answer.json();
    return { ok: false, said: sentence(answer.headers.get("content-type"), await answer.text()) };
  } catch (error) {
    return { ok: false, said: `${error.message}. Is facesort still running?` };
  } finally {
    busy = false;
  }
}

// Returns what was refused, so that a dialog can say it; otherwise it is said on the page.
async function act(name, fields, address) {
  const done = await post(`/act/${name}`, fields);
  if (!done) return "The last thing is still being done.";
  if (done.taken || done.anyway) $("#merging").close();
  if (done.taken) return void choose(done, (same) => act(name, [...fields, ["same", same]], address));
  if (done.anyway) return void sure(`${done.said} Let this count instead?`, () => act(name, [...fields, ["anyway", "1"]], address));
  if (done.stale) return void await refresh(done.said, true);
  if (!done.ok) { say(done.said, true); return done.said; }
  const next = address && address(done);
  if (next && next !== location.pathname) go(next, done.said);
  else await refresh(done.said, false, name === "split" && `/person/${done.person}`);
}

// -- dialogs --------------------------------------------------------------------------------------
function showDialog(dialog, then) {
  dialog.returnValue = "";
  dialog.onclose = () => dialog.returnValue && then?.(dialog.returnValue);
  dialog.showModal();
}

function choose(done, then) {
  $("#choosing-said").textContent = done.said;
  $("#choosing [value='1']").hidden = done.taken === "several"; // which one?
  showDialog($("#choosing"), then);
}

function sure(sentence, then) {
  $("#sure-said").textContent = sentence;
  showDialog($("#sure"), then);
}

// -- whole photos: over the page, so that nothing chosen is lost -------------------------------------
const looking = { count: 0, at: 0, face: null };

async function look(count, face, at = 0) {
  Object.assign(looking, { count, at, face });
  const id = count ? await face(at) : null;
  if (!id) return;
  const answer = await fetch(`/photo/${id}`, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return say("That photo is not there any more: reload the page.", true);
  $("#photo").innerHTML = await answer.text(); // escaped by the server
  $("#which").textContent = `${at + 1} of ${count}`;
  for (const button of document.querySelectorAll("#whole [data-look]")) button.hidden = count < 2 && button.dataset.look !== "0";
  if (!$("#whole").open) showDialog($("#whole"));
}

function lookOn(steps) {
  if (!steps || looking.count < 2) return $("#whole").close();
  look(looking.count, looking.face, (looking.at + steps + looking.count) % looking.count);
}

function lookHere(at = 0) {
  if (grid) return grid.whole();
  const faces = [...document.querySelectorAll("#answering [data-photo]")].map((one) => one.dataset.photo);
  look(faces.length, (one) => faces[one], at);
}

// -- the question ---------------------------------------------------------------------------------
const MANY_FACES = 3; // so many are none only if that is said twice

function answer(button) {
  const form = $("#answering");
  if (!form) return;
  if (button.dataset.name) form.elements.name.value = button.dataset.name;
  if (button.dataset.answer === "name" && !form.elements.name.value.trim()) return form.elements.name.focus();
  if (Number(button.dataset.faces) > MANY_FACES && !button.classList.contains("sure")) {
    button.classList.add("sure");
    return say(`Really none of these ${button.dataset.faces} is a face? Press x again.`, true);
  }
  form.elements.answer.value = button.dataset.answer;
  form.elements.person.value = button.dataset.person || "";
  form.elements.another.value = button.dataset.another || "";
  form.requestSubmit();
}

// The numbers mean these only while some are typed: otherwise 1 is somebody under "Perhaps".
function taking(on) {
  $("#taking").hidden = !on;
  $("#answering").classList.toggle("numbered", on);
}

// Numbers like "3 5": out of the answer, or back in.
function takeOut(numbers) {
  const boxes = new Map([...document.querySelectorAll("[data-number]")].map((box) => [box.dataset.number, box]));
  const unknown = numbers.filter((number) => !boxes.has(number));
  if (unknown.length) return say(`There is no number ${unknown.join(", ")} here.`, true);
  for (const number of numbers) boxes.get(number).checked = !boxes.get(number).checked;
  say("");
}

async function step(which) {
  if ($("#question")) return htmx.ajax("POST", `/${which}`, { target: "#question", swap: "outerHTML" });
  const done = await post(`/${which}`, []);
  if (done) done.ok ? await refresh(done.said) : say(done.said, true);
}

// Times as this machine's clock shows them.
function localTimes() {
  for (const time of document.querySelectorAll("time:not([title])")) {
    time.title = time.dateTime;
    time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
  }
}
// The history stays as the user has left it, whatever is drawn anew.
let isHistoryOpen = false;
document.addEventListener("toggle", (event) => { if (event.target.id === "history" && event.target.isConnected) isHistoryOpen = event.target.open; }, true);
function drawnAnew() {
  localTimes();
  if (isHistoryOpen && !$("#history").open) $("#history").open = true;
}
new MutationObserver(drawnAnew).observe(document.body, { childList: true, subtree: true });
localTimes();

// A key that was pressed before the question could be seen does not answer it.
function seen() {
  requestAnimationFrame(() => requestAnimationFrame(() => { if ($("#answering")) $("#answering").dataset.seen = "1"; }));
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "question") return;
  say("");
  seen();
  scrollTo(0, 0);
  $("#main").focus({ preventScroll: true });
});
// A refusal that is no page takes the place of nothing.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail, type = xhr.getResponseHeader("content-type") || "";
  if (xhr.status < 500 && type.startsWith("text/html")) return;
  event.detail.shouldSwap = false;
  say(sentence(type, xhr.responseText), true);
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

// -- clicks ---------------------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const on = event.target.closest("[data-answer],[data-step],[data-act],[data-open],[data-whole],[data-back],[data-look],[data-take],[data-other],[data-photo],[data-close]");
  if (!on || event.ctrlKey || event.metaKey || event.shiftKey && on.href) return;
  const data = on.dataset;
  if (data.answer) answer(on);
  else if (data.step) step(data.step);
  else if (data.act) actHere(data.act);
  else if (data.other && on.closest("#pick-list")) picked(data.other, data.name);
  else if (data.other) give(data.other, data.name);
  else if ("close" in data) on.closest("dialog").close();
  else if (data.open === "moving") moving();
  else if (data.open === "merging") merging($("#tools"));
  else if (data.open === "differing") differing();
  else if (data.open) showDialog(document.getElementById(data.open));
  else if (data.look) lookOn(Number(data.look));
  else if ("take" in data) { taking(true); $("#take").focus(); }
  else if (data.photo) { event.preventDefault(); lookHere([...document.querySelectorAll("#answering [data-photo]")].indexOf(on)); }
  else if ("whole" in data) lookHere();
  else if ("back" in data && history.length > 1) { event.preventDefault(); history.back(); }
});

const waiting = sessionStorage.getItem("said");
if (waiting) { sessionStorage.removeItem("said"); say(waiting); }
seen();
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") catchUp(); });
