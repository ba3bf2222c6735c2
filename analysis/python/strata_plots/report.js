"use strict";
// Shows one recorded place at a time: words shaded by nats, the inserted passage framed, a tooltip under pointer, finger or arrow keys.
(function () {
  const places = JSON.parse(document.getElementById("places").textContent);
  const steps = JSON.parse(document.getElementById("steps").textContent);
  const get = (id) => document.getElementById(id);
  const text = get("text"), tip = get("tip"), told = get("told"), heading = get("place-title"), box = get("reading");
  const condition = get("condition"), trial = get("trial");
  let words = [], now = -1;

  const shade = (nats) => { let step = 0; while (step < steps.length && nats >= steps[step]) step += 1; return step; };
  const nats = (value) => (value === null ? "not scored" : value.toFixed(1) + " nats");

  function describe(word) {
    const parts = (word[3] || []).map((piece) => "‘" + (piece[0].trim() || "␣") + "’ " + nats(piece[1])).join(" + ");
    return "‘" + word[0].trim() + "’ " + nats(word[1]) + (parts ? " = " + parts : "") + (word[2] ? " (inserted passage)" : "");
  }

  function edge(label) {
    const mark = document.createElement("span");
    mark.className = "edge";
    mark.textContent = label;
    return mark;
  }

  function show(place) {
    words = place.words;
    now = -1;
    heading.textContent = place.title;
    const made = document.createDocumentFragment();
    let inside = 0, target = made;
    words.forEach((word, index) => {
      if (word[2] && !inside) {
        made.append(" ", edge("▼ inserted passage"), " ");
        target = document.createElement("span");
        target.className = "in";
        made.append(target);
      }
      if (!word[2] && inside) {
        target = made;
        made.append(" ", edge("▲ end of the passage"));
      }
      const opens = word[2] && !inside;
      inside = word[2];
      const body = word[0].replace(/\f/g, "\n\n⁂\n\n"), lead = body.match(/^\s*/)[0];
      if (lead && !opens) target.append(lead);
      if (body.length === lead.length) return;
      const span = document.createElement("span");
      span.className = "w" + (word[1] === null ? "" : " s" + shade(word[1]));
      span.dataset.at = index;
      span.textContent = body.slice(lead.length);
      target.append(span);
    });
    if (inside) made.append(" ", edge("▲ end of the passage"));
    text.replaceChildren(made);
    told.textContent = "Point at a word, touch it, or use the arrow keys in the text.";
    const first = text.querySelector(".edge");
    box.scrollTop = first ? Math.max(0, first.offsetTop - box.clientHeight / 4) : 0;
  }

  function choose(span, place) {
    const before = text.querySelector(".now");
    if (before) before.classList.remove("now");
    if (!span) { tip.hidden = true; return; }
    const word = words[Number(span.dataset.at)];
    now = Number(span.dataset.at);
    tip.textContent = describe(word);
    tip.hidden = false;
    const area = place || span.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(area.left, window.innerWidth - tip.offsetWidth - 8)) + "px";
    tip.style.top = (area.bottom + 8 + tip.offsetHeight > window.innerHeight ? area.top - tip.offsetHeight - 8 : area.bottom + 8) + "px";
    if (!place) { span.classList.add("now"); told.textContent = describe(word); }
  }

  text.addEventListener("pointerover", (event) => {
    const span = event.target.closest(".w");
    if (span && event.pointerType === "mouse") choose(span, span.getClientRects()[0]);
  });
  text.addEventListener("pointerleave", () => { tip.hidden = true; });
  text.addEventListener("click", (event) => choose(event.target.closest(".w")));
  box.addEventListener("scroll", () => { tip.hidden = true; });
  window.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  box.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") tip.hidden = true;
    if (!move) return;
    event.preventDefault();
    const spans = [...text.querySelectorAll(".w")];
    const at = spans.findIndex((span) => Number(span.dataset.at) === now);
    const next = spans[Math.max(0, Math.min(spans.length - 1, at < 0 ? 0 : at + move))];
    if (!next) return;
    next.scrollIntoView({ block: "nearest" });
    choose(next);
  });

  function fill() {
    trial.replaceChildren(...places.map((place, index) => [place, index]).filter((pair) => pair[0].condition === condition.value).map((pair) => {
      const option = document.createElement("option");
      option.value = pair[1];
      option.textContent = pair[0].trial + (pair[0].title ? ": " + pair[0].title : "");
      return option;
    }));
    show(places[Number(trial.value)]);
  }
  condition.addEventListener("change", fill);
  trial.addEventListener("change", () => show(places[Number(trial.value)]));
  fill();
})();
