// Suggestions while a person types: the pattern "editable combobox with list autocomplete" of the ARIA
// Authoring Practices Guide. Without this script the search works as well, without suggestions.
"use strict";

const field = document.getElementById("q");
const list = document.createElement("ul");
let latest = 0;
let chosen = -1;

list.id = "suggestions";
list.hidden = true;
list.setAttribute("role", "listbox");
list.setAttribute("aria-label", "Suggestions");
field.parentElement.after(list);
field.autocomplete = "off";
field.setAttribute("role", "combobox");
field.setAttribute("aria-autocomplete", "list");
field.setAttribute("aria-controls", list.id);
field.setAttribute("aria-expanded", "false");

function close() {
  list.hidden = true;
  list.replaceChildren();
  choose(-1);
  field.setAttribute("aria-expanded", "false");
}

function choose(place) {
  list.children[chosen]?.setAttribute("aria-selected", "false");
  chosen = place;
  const option = list.children[chosen];
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) {
    field.setAttribute("aria-activedescendant", option.id);
  } else {
    field.removeAttribute("aria-activedescendant");
  }
}

function search(text) {
  field.value = text;
  close();
  field.form.requestSubmit();
}

function show(suggestions) {
  close();
  suggestions.forEach((text, place) => {
    const option = document.createElement("li");
    option.id = `suggestion-${place}`;
    option.textContent = text;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    // Before the field loses the focus and the list closes.
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      search(text);
    });
    list.append(option);
  });
  list.hidden = suggestions.length === 0;
  field.setAttribute("aria-expanded", String(!list.hidden));
}

field.addEventListener("input", async () => {
  const asked = ++latest;
  const typed = field.value;
  if (typed.trim() === "") {
    close();
    return;
  }
  try {
    const answer = await fetch(`/suggestions?q=${encodeURIComponent(typed)}`);
    const suggestions = answer.ok ? await answer.json() : [];
    // Another letter may have been typed meanwhile.
    if (asked === latest && document.activeElement === field) {
      show(suggestions);
    }
  } catch {
    close();
  }
});

field.addEventListener("keydown", (event) => {
  const count = list.children.length;
  if (event.key === "Escape" && !list.hidden) {
    event.preventDefault();
    close();
  } else if (event.key === "Enter") {
    latest++;
    if (chosen >= 0) {
      event.preventDefault();
      search(list.children[chosen].textContent);
    }
  } else if (count > 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    // The place before the first is that of the field itself.
    const step = event.key === "ArrowDown" ? 1 : -1;
    choose(((chosen + 1 + step + count + 1) % (count + 1)) - 1);
  }
});

field.addEventListener("blur", close);
