// Sends files one by one with a bar for each, takes a dropped folder, and goes on with the rest when one
// is refused. Without this script the form sends all of them at once.
"use strict";

const form = document.getElementById("add-files");
const drop = document.getElementById("drop");
const chosen = document.getElementById("files");
const folder = document.getElementById("folder");
const progress = document.getElementById("progress");
const said = document.getElementById("progress-said");
const list = progress.querySelector("ul");
const says = form.dataset;

document.getElementById("folder-part").hidden = false;
document.getElementById("drop-here").hidden = false;

// What systems put into folders, and what programs keep while a document is open.
const LEFT_OUT = /^(\.|~\$|thumbs\.db$|desktop\.ini$)/i;

function filesOf(entry) {
  if (entry.isFile) {
    return new Promise((found) => entry.file((file) => found([file]), () => found([])));
  }
  const reader = entry.createReader();
  // A reader gives a part of a folder at a time, and nothing at its end.
  const part = () => new Promise((read) => reader.readEntries(read, () => read([])));
  return (async () => {
    const files = [];
    for (let entries = await part(); entries.length > 0; entries = await part()) {
      for (const inside of entries) {
        files.push(...(await filesOf(inside)));
      }
    }
    return files;
  })();
}

// A line of the list, with what becomes of its file.
function line(file) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  const bar = document.createElement("progress");
  const state = document.createElement("p");
  name.textContent = file.name;
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  state.className = "about";
  state.textContent = says.waits;
  item.append(name, bar, state);
  list.append(item);
  return {
    at(part) {
      bar.value = part;
      state.textContent = part < 1 ? says.sending : says.looking;
    },
    ends(text, refused) {
      bar.remove();
      state.textContent = text;
      state.className = refused ? "error" : "about";
    },
  };
}

function send(file, draft, shown) {
  const body = new FormData(form);
  body.delete("files");
  if (draft) {
    body.set("draft", draft);
  }
  body.append("files", file, file.name);
  return new Promise((answered) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.getAttribute("action"));
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => shown.at(event.loaded / (event.total || 1)));
    request.addEventListener("loadend", () => answered(request.response || {}));
    request.send(body);
  });
}

let busy = false;
async function sendAll(files) {
  const wanted = files.filter((file) => !LEFT_OUT.test(file.name));
  if (busy || wanted.length === 0) {
    return;
  }
  busy = true;
  progress.hidden = false;
  list.replaceChildren();
  said.textContent = "";
  const each = form.elements.namedItem("how")?.value === "each";
  let draft = form.elements.namedItem("draft")?.value;
  const drafts = new Map();
  let refused = 0;
  const lines = wanted.map(line);
  for (const [place, file] of wanted.entries()) {
    const answer = await send(file, each ? "" : draft, lines[place]);
    const [begun] = answer.drafts ?? [];
    if (begun) {
      drafts.set(begun.id, begun.title);
      draft = begun.id;
      lines[place].ends(says.added, false);
    } else {
      refused += 1;
      lines[place].ends(answer.refused?.[0]?.reason ?? answer.error ?? says.failed, true);
    }
  }
  busy = false;
  const [only] = drafts.keys();
  if (drafts.size === 1 && refused === 0) {
    location.assign(`/write/${only}`);
    return;
  }
  for (const [id, title] of drafts) {
    const link = document.createElement("a");
    link.href = `/write/${id}`;
    link.textContent = `${says.goOn} ${title}`;
    const item = document.createElement("li");
    item.append(link);
    list.append(item);
  }
  if (drafts.size > 1 && drafts.size <= Number(says.most)) {
    const link = document.createElement("a");
    link.className = "button";
    link.href = `/write/several?${[...drafts.keys()].map((id) => `draft=${id}`).join("&")}`;
    link.textContent = says.together;
    const item = document.createElement("li");
    item.append(link);
    list.append(item);
  }
  said.textContent = `${wanted.length - refused} / ${wanted.length}: ${says.added}`;
}

form.addEventListener("submit", (event) => {
  const files = [...chosen.files, ...folder.files];
  if (files.length > 0) {
    event.preventDefault();
    sendAll(files);
  }
});
drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  const files = await Promise.all(entries.map(filesOf));
  sendAll(files.flat());
});
