// Saves what is typed now and then, says what figures show, and turns a pasted column of scores into its
// n, mean and SD. Without this script the buttons of the form do the same.
"use strict";

const form = document.getElementById("draft");
const status = document.getElementById("saved");
const effect = document.getElementById("effect");

// Long enough that a sentence is typed, short enough that little is lost.
const SAVE_AFTER = 2500;
const WORK_OUT_AFTER = 600;

// What is typed, without pasted scores: they never leave the page.
function typed() {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (!name.startsWith("paste.")) {
      fields.append(name, value);
    }
  }
  return fields;
}

let saving;
async function save() {
  status.textContent = form.dataset.saving;
  try {
    const answer = await fetch(`${form.getAttribute("action")}/autosave`, { method: "POST", body: typed() });
    status.textContent = answer.ok ? form.dataset.saved : form.dataset.notSaved;
  } catch {
    status.textContent = form.dataset.notSaved;
  }
}

let working;
let latest = 0;
async function workOut() {
  const asked = ++latest;
  try {
    const answer = await fetch(`${form.getAttribute("action")}/effect`, { method: "POST", body: typed() });
    const text = answer.ok ? await answer.text() : "";
    // Another figure may have been typed meanwhile.
    if (answer.ok && asked === latest) {
      effect.innerHTML = text;
    }
  } catch {
    // The button below works it out.
  }
}

// As the server reads it: a score a line, empty lines left out, a first line in words is a heading.
function column(text) {
  const scores = [];
  for (const [line, part] of text.split(/\r?\n/).entries()) {
    const trimmed = part.trim();
    const score = trimmed === "" ? NaN : Number(trimmed.replace(",", "."));
    if (Number.isFinite(score)) {
      scores.push(score);
    } else if (trimmed !== "" && line > 0) {
      return null;
    }
  }
  if (scores.length < 2) {
    return null;
  }
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const squares = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  return { n: scores.length, mean, sd: Math.sqrt(squares / (scores.length - 1)) };
}

function fill(name, value) {
  const field = form.elements.namedItem(name);
  if (field) {
    field.value = value;
  }
}

function takePasted(area) {
  const found = column(area.value);
  if (!found) {
    return;
  }
  const { fills } = area.dataset;
  const arm = fills.slice(0, fills.lastIndexOf("."));
  fill(`${fills}.mean`, found.mean.toFixed(2));
  fill(`${fills}.sd`, found.sd.toFixed(2));
  fill(fills.endsWith(".after") ? `${arm}.n` : `${arm}.n_at_start`, found.n);
  area.value = "";
}

form.addEventListener("input", (event) => {
  if (event.target.dataset.fills) {
    return;
  }
  clearTimeout(saving);
  saving = setTimeout(save, SAVE_AFTER);
  if (effect && event.target.closest("#figures")) {
    clearTimeout(working);
    working = setTimeout(workOut, WORK_OUT_AFTER);
  }
});

// Once the whole column is there, and not while it is typed.
form.addEventListener("change", (event) => {
  if (event.target.dataset.fills) {
    takePasted(event.target);
    event.target.closest("#figures").dispatchEvent(new Event("input", { bubbles: true }));
  }
});
form.addEventListener("paste", (event) => {
  if (event.target.dataset.fills) {
    setTimeout(() => {
      takePasted(event.target);
      event.target.closest("#figures").dispatchEvent(new Event("input", { bubbles: true }));
    });
  }
});

// What is on its way when the form is sent would arrive later and be older.
form.addEventListener("submit", () => clearTimeout(saving));
