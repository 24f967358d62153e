// Keys: the terminal's, and completion of names.
"use strict";
const typed = { timer: 0 };

document.addEventListener("input", (event) => {
  if (event.target.getAttribute("list") !== "names") return;
  clearTimeout(typed.timer);
  const text = event.target.value;
  typed.timer = setTimeout(async () => {
    const answer = await fetch(`/names?text=${encodeURIComponent(text.slice(0, 100))}`);
    if (answer.ok) $("#names").innerHTML = await answer.text(); // escaped by the server
  }, 120);
});

function keyInField(event, field) {
  if (event.key === "Escape") {
    field.blur();
    if (field.id === "take") taking(false);
    $("#main").focus({ preventScroll: true });
  }
  if (event.key !== "Enter" || !field.closest("#answering")) return;
  event.preventDefault();
  if (field.id !== "take") return answer($("#answering [data-answer=name]"));
  takeOut(field.value.split(/[\s,]+/).filter(Boolean));
  field.value = "";
  taking(false);
  $("#main").focus({ preventScroll: true });
}

function keyInPhoto(event) {
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, " ": 1, w: 1, W: 1 }[event.key];
  if (event.key === " " && event.target.closest("button")) return;
  if (steps === undefined && event.key.length > 1) return;
  event.preventDefault();
  lookOn(steps || 0);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && event.key.length === 1) return;
  if ($("#whole").open) return keyInPhoto(event);
  if ($("dialog[open]")) return;
  const writing = event.target.closest("input:not([type=checkbox]),select,textarea");
  if (writing) return keyInField(event, writing);
  const card = event.target.closest("#wall .card");
  if (card && keyOnCard(event, card)) return;
  const onControl = event.target.closest("a,button,summary,input");
  if (onControl && ["Enter", " "].includes(event.key)) return;
  if (event.key === "Escape" && $("#answering")) {
    for (const box of document.querySelectorAll("[data-number]")) box.checked = false;
    return say("");
  }
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const key = CSS.escape(name);
  const button = document.querySelector(`[data-key="${key}"]:not(:disabled)`);
  if (button) {
    event.preventDefault();
    if (button.dataset.answer && !$("#answering").dataset.seen) return;
    return button.click();
  }
  const field = document.querySelector(`[data-focus~="${key}"]`);
  if (field) {
    event.preventDefault();
    if (field.id === "take") taking(true);
    field.focus();
    return field.select?.();
  }
  if ($("#answering") && name.length === 1 && name !== " ") say(`“${name}” means nothing here; h shows the keys.`, true);
});
