// What page_checks.py asks of an open page. Each gives what is wrong in words, nothing where all is well.
"use strict";
window.look ||= (() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));

  function named(element) {
    const words = (element.textContent || element.name || "").trim().slice(0, 50);
    const classes = element.getAttribute("class");
    const name = element.tagName.toLowerCase() + (element.id && "#" + element.id) + (classes ? "." + classes : "");
    return `${name} ${JSON.stringify(words)}`;
  }

  function seen(element) {
    return !!element && element.checkVisibility({visibilityProperty: true}) && element.getBoundingClientRect().height > 0;
  }

  function unfold() {
    for (const fold of all("details")) fold.open = true;
  }

  // what stands again under another name, "... (2)", stays a folded row
  function unfoldOnce() {
    unfold();
    for (const row of all(".row"))
      if (/\(\d+\)$/.test(scenario(row))) for (const fold of all("details", row)) fold.open = false;
  }

  function set(field, value) {
    field.value = value;
    field.dispatchEvent(new Event("input", {bubbles: true}));
    field.dispatchEvent(new Event("change", {bubbles: true}));
  }

  function choose(name, value) {
    const list = document.querySelector(`#filters [name=${name}]`);
    if (!entries(name).includes(value)) throw new Error(`${name} has no entry ${value}`);
    set(list, value);
  }

  const entries = (name) => all(`#filters [name=${name}] option`).map((option) => option.value);
  const scenario = (row) => row.querySelector("h3").textContent;
  const rows = () => all(".row").filter(seen).map(scenario);
  const places = () => [...new Set(all("a[href^='#']").map((link) => link.getAttribute("href").slice(1)))];

  function wider() {
    const root = document.scrollingElement, width = root.clientWidth;
    if (root.scrollWidth <= width) return [];
    function scrolls(element) {
      for (let up = element.parentElement; up && up !== document.body; up = up.parentElement)
        if (getComputedStyle(up).overflowX !== "visible") return true;
      return false;
    }
    const out = all("body *").filter((each) => (each.getBoundingClientRect().right > width + 0.5
      || (each.clientWidth && each.scrollWidth > each.clientWidth)) && !scrolls(each));
    return [`${root.scrollWidth} pixels in a window of ${width}`, ...out.slice(-5).map(named)];
  }

  // where the first character of an element stands
  function beginning(element) {
    if (element instanceof SVGElement) return element.getBoundingClientRect().left;
    const text = document.createRange();
    text.selectNodeContents(element);
    return text.getClientRects()[0].left;
  }

  function cut() {
    const wrong = [];
    for (const label of all(".timeline text, td code, .runbook > div > code")) {
      if (!seen(label) || !label.textContent.trim()) continue;
      const left = beginning(label);
      if (left + scrollX < 0) wrong.push(`begins left of the window: ${label.textContent}`);
      for (let up = label.parentElement; up; up = up.parentElement) {
        if (getComputedStyle(up).overflowX === "visible" && !(up instanceof SVGSVGElement)) continue;
        if (left < up.getBoundingClientRect().left - up.scrollLeft - 0.5)
          wrong.push(`begins outside of ${up.getAttribute("class")}: ${label.textContent}`);
      }
    }
    for (const label of all(".timeline .commandname:not(.changed)")) {
      const title = label.parentElement.querySelector("title").textContent;
      const told = title.replace(/^runbook line \d+: /, "").replace(/ \([^()]*\)$/, "");
      if (!label.textContent.replace(/^\d+ +/, "").startsWith(told.slice(0, 20)))
        wrong.push(`${label.textContent} is not how ${told} begins`);
    }
    return wrong;
  }

  let controls = [], plain = new Map();

  function frame(control) {
    const style = getComputedStyle(control);
    return [style.outlineStyle, style.outlineWidth, style.boxShadow, style.borderColor].join();
  }

  // how many controls a keyboard has to reach
  function begin() {
    controls = all("a[href], button, input, select, summary, [tabindex='0']").filter((each) => seen(each) && !each.disabled);
    document.activeElement.blur();
    plain = new Map(controls.map((control) => [control, frame(control)]));
    return controls.length;
  }

  // the number of the control that has the focus, and what is wrong with it
  async function focused() {
    await drawn();
    const control = document.activeElement, number = controls.indexOf(control);
    if (number < 0) return [number, ""];
    const wrong = [], box = control.getClientRects()[0];
    if (frame(control) === plain.get(control) || !control.matches(":focus-visible")) wrong.push("nothing shows the focus");
    // near its beginning, or what is in view of something larger than the window
    const y = Math.min(innerHeight - 1, Math.max(box.top + Math.min(8, box.height / 2), Math.min(box.bottom - 8, 60)));
    const there = document.elementFromPoint(box.left + Math.min(6, box.width / 2), y);
    if (!there || y > box.bottom || y < box.top)
      wrong.push(`is out of view, from ${box.left}, ${box.top} to ${box.right}, ${box.bottom}`);
    else if (!control.contains(there) && !there.contains(control)) wrong.push(`is covered by ${named(there)}`);
    return [number, wrong.length ? `${named(control)}: ${wrong.join(", ")}` : ""];
  }

  const missed = (reached) => controls.filter((_, number) => !reached.includes(number)).map(named);

  async function closed(places) {
    const wrong = [];
    for (const place of places) {
      for (const fold of all("details[open]")) fold.open = false;
      set(document.querySelector("#filters [name=q]"), "no drill has these words");
      location.hash = "";
      scrollTo(0, 0);
      await drawn();
      location.hash = place;
      await drawn();
      await drawn();
      const target = document.getElementById(place), box = target.getBoundingClientRect();
      if (!seen(target)) wrong.push(`${place} stays folded`);
      else if (box.top < -1 || box.top >= innerHeight) wrong.push(`${place} is not in the window`);
    }
    return wrong;
  }

  function paper() {
    const wrong = [];
    for (const row of all(".row:not([hidden])"))
      for (const part of ["picture", "said", "facts"])
        if (!seen(row.querySelector(`details .${part}`))) wrong.push(`${scenario(row)}: no ${part}`);
    for (const part of all("#filters, nav, button, select").filter(seen)) wrong.push(`${named(part)} is of no use on paper`);
    return wrong;
  }

  function loading() {
    const [told] = performance.getEntriesByType("navigation");
    const [first] = performance.getEntriesByName("first-contentful-paint");
    return {ready: told.domContentLoadedEventEnd, drawn: first ? first.startTime : 0, loaded: told.loadEventEnd};
  }

  const dead = () => places().filter((place) => !document.getElementById(decodeURIComponent(place)));
  return {unfold, unfoldOnce, choose, entries, rows, places, wider, cut, begin, focused, missed, closed, paper, loading, dead};
})();
