// People: what the page has shown of them, the wall, and choosing somebody.
"use strict";

// Goes with every act, so that it hits nobody whom this page has not shown.
const shownAs = (id, name) => ["shown", `${id} ${name}`];
const shown = () => [shownAs(person(), $("#tools").dataset.name)];
const ofPage = () => [["owner", person()], ...shown()];
const calledOf = (one) => one.dataset.name || `unnamed ${one.dataset.person}`;

// -- choosing somebody: by face, name or id -------------------------------------------------------------
const choice = { whom: "", then: null, timer: 0, count: 0 };

function askWho(title, whom, then) {
  Object.assign(choice, { whom: whom.dataset.person, then });
  $("#merging-title").textContent = title;
  const picture = whom.querySelector("img");
  $("#merging-whom").hidden = !picture;
  if (picture) $("#merging-whom").src = picture.src;
  $("#merge-with").value = "";
  $("#merging-said").textContent = "";
  $("#pick-list").replaceChildren();
  showDialog($("#merging"));
  listChoice();
}

async function listChoice() {
  const count = ++choice.count;
  const answer = await fetch(`/person/${choice.whom}/others?text=${encodeURIComponent($("#merge-with").value.slice(0, 100))}`);
  const text = await answer.text();
  if (answer.ok && count === choice.count) $("#pick-list").innerHTML = text; // escaped by the server
}

// The dialog stays, with what was typed, until what was chosen is done.
async function picked(other, called) {
  const refused = await choice.then(other, called);
  if (refused) return void ($("#merging-said").textContent = refused);
  $("#merging").close();
  if ($("#wall")) focusOnWall();
}

$("#merge-with").addEventListener("input", () => { clearTimeout(choice.timer); choice.timer = setTimeout(listChoice, 120); });
$("#picking").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("#merge-with").value.trim();
  if (text) picked(text);
});

function merging(one) { askWho(`Merge ${calledOf(one)} into…`, one, (other, called) => merge(other, called, one)); }

function merge(into, called, one) {
  if (into === one.dataset.person) return null;
  const fields = [["people", into], ["people", one.dataset.person], shownAs(one.dataset.person, one.dataset.name)];
  if (called !== undefined) fields.push(shownAs(into, called));
  return act("merge", fields, person() ? (done) => `/person/${done.person}` : null);
}

function differing() {
  askWho(`${calledOf($("#tools"))} is not the same as…`, $("#tools"), (other, called) => {
    const fields = [["people", person()], ["people", other], ...shown()];
    if (called !== undefined) fields.push(shownAs(other, called));
    return act("different", fields);
  });
}

// -- the wall -------------------------------------------------------------------------------------------
const cards = () => [...document.querySelectorAll("#wall .card")];
let wallAt = -1; // the card that was focused last

document.addEventListener("focusin", (event) => {
  const card = event.target.closest("#wall .card");
  if (card) wallAt = cards().indexOf(card);
});

function focusOnWall() {
  const here = cards();
  if (wallAt >= 0) here[Math.min(wallAt, here.length - 1)]?.focus();
}

// As many as were scrolled through, and the focus where it was: on the neighbour of who has left.
async function freshWall() {
  const asked = new URLSearchParams(new FormData($("#search")));
  asked.set("count", Math.max(cards().length, 120));
  const answer = await fetch(`/people/more?${asked}`);
  if (!answer.ok) return;
  const isFocused = document.activeElement.closest("#wall");
  $("#wall").innerHTML = await answer.text(); // escaped by the server
  htmx.process($("#wall"));
  if (isFocused) focusOnWall();
}

function keyOnCard(event, card) {
  const here = cards(), at = here.indexOf(card);
  const wrap = here.findIndex((one) => one.offsetTop > here[0].offsetTop);
  const columns = wrap < 0 ? here.length : wrap;
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: here.length - 1 }[event.key];
  if (to !== undefined) here[to]?.focus();
  else if (event.key === "m") merging(card);
  else if (event.key === "i") act($("#search").elements.ignored.checked ? "show" : "ignore", [["people", card.dataset.person], shownAs(card.dataset.person, card.dataset.name)]);
  else return false;
  event.preventDefault();
  return true;
}
