// Choosing among many drills. Without this script everything on the page is there and can be opened.
"use strict";
(() => {
  const form = document.getElementById("filters");
  const rows = [...document.querySelectorAll(".row")];
  const texts = new Map();

  // what is searched: the row, why, and the commands, but not what they printed
  function text(row) {
    if (!texts.has(row)) {
      const told = [...row.querySelectorAll(".line, .said, td code")];
      texts.set(row, told.map((each) => each.textContent).join(" ").toLowerCase());
    }
    return texts.get(row);
  }

  function fits(row, chosen) {
    const words = (chosen.get("q") || "").toLowerCase().split(/\s+/).filter(Boolean);
    const same = ["severity", "fault", "chapter", "outcome"].every((name) => {
      const wanted = chosen.get(name);
      return !wanted || row.dataset[name].split("|").includes(wanted);
    });
    return same && words.every((word) => text(row).includes(word));
  }

  function choose() {
    const chosen = new URLSearchParams(new FormData(form));
    for (const name of [...chosen.keys()]) if (!chosen.get(name)) chosen.delete(name);
    for (const row of rows) row.hidden = !fits(row, chosen);
    for (const group of document.querySelectorAll(".group")) {
      group.hidden = !group.querySelector(".row:not([hidden])");
    }
    const shown = rows.filter((row) => !row.hidden).length;
    form.querySelector("output").textContent = `${shown} of ${rows.length} drills`;
    return chosen.toString();
  }

  function remember() {
    const chosen = choose();
    history.replaceState(null, "", chosen ? `#?${chosen}` : location.pathname + location.search);
  }

  // "#?fault=redis-slow" chooses; "#drill-..." leads to a place, whatever was chosen and folded
  function follow() {
    const where = location.hash.slice(1);
    if (where.startsWith("?")) {
      const chosen = new URLSearchParams(where.slice(1));
      for (const field of form.elements) if (field.name) field.value = chosen.get(field.name) || "";
      choose();
      return;
    }
    const place = document.getElementById(decodeURIComponent(where));
    if (!place) return;
    if (place.closest("[hidden]")) {
      form.reset();
      choose();
    }
    const lines = place.closest(".runbook");
    if (lines) show(lines, "");
    for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    place.scrollIntoView();
  }

  function show(lines, mark) {
    lines.dataset.show = mark;
    lines.parentElement.querySelector("select").value = mark;
  }

  for (const choice of document.querySelectorAll(".choose")) {
    choice.hidden = false;
    choice.addEventListener("change", (event) => show(choice.parentElement.querySelector(".runbook"), event.target.value));
  }
  if (form) {
    form.hidden = false;
    form.addEventListener("input", remember);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(remember));
    const fold = document.getElementById("fold");
    fold.addEventListener("click", () => {
      const open = fold.textContent === "Open each";
      for (const row of rows) if (!row.hidden) row.querySelector("details").open = open;
      fold.textContent = open ? "Fold each" : "Open each";
    });
    choose();
  }
  // the first column lies on what is scrolled below it, and browsers leave what is half in view where it is
  for (const table of document.querySelectorAll(".matrix")) table.addEventListener("focusin", (event) => {
    if (event.target.closest("td")) event.target.scrollIntoView({block: "nearest", inline: "nearest"});
  });
  addEventListener("hashchange", follow);
  follow();
})();
