"use strict";
// Begins.

const views = { overview: overviewView, pictures: picturesView, inputs: inputsView, input: inputView, failures: failuresView,
  evaluation: evaluationView };

load("overview").then((value) => {
  overview = value;
  const there = { pictures: overview.galleries.length, failures: overview.counts.failures, evaluation: overview.evaluation };
  document.getElementById("tabs").append(...tabs.filter(([name]) => !(name in there) || there[name])
    .map(([name, text]) => html("li", {}, link(`#${name}`, { "data-view": name }, text))));
  // The address after # says which view it is: the link must not change it.
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    const main = document.getElementById("main");
    main.tabIndex = -1;
    main.focus();
  });
  addEventListener("hashchange", () => show(false));
  return show(true);
}).catch((error) => {
  document.getElementById("main").replaceChildren(html("p", { class: "problem" }, String(error.message ?? error)));
});
