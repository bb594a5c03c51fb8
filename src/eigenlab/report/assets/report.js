"use strict";
(function () {
  const themes = JSON.parse(document.getElementById("themes").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const plots = Array.from(document.querySelectorAll(".plot, .explorer"));
  const shown = () => Array.from(document.querySelectorAll(".plot, .panel")).filter((plot) => plot.dataset.drawn);
  const template = () => (dark.matches ? themes.dark : themes.light);

  function show(plot, data, given) {
    const layout = EigenlabFigure.layout(given, plot.clientWidth, template());
    if (!plot.dataset.drawn) plot.textContent = "";
    if (layout.height) plot.dataset.height = layout.height;
    plot.dataset.drawn = "yes";
    Plotly.react(plot, data, layout, EigenlabFigure.config);
  }

  function draw(plot) {
    if (plot.dataset.drawn) return;
    if (plot.classList.contains("explorer")) return explore(plot);
    const figure = JSON.parse(plot.nextElementSibling.textContent);
    show(plot, figure.data, figure.layout);
  }

  // A figure with sliders: one frame for each combination of their positions, the last fastest.
  function explore(box) {
    box.dataset.drawn = "yes";
    const grid = JSON.parse(box.querySelector("script").textContent);
    const inputs = Array.from(box.querySelectorAll("input"));
    const panels = Array.from(box.querySelectorAll(".panel"));
    const code = box.querySelector("figcaption code");
    const turn = () => {
      let place = 0;
      for (const input of inputs) {
        const values = JSON.parse(input.dataset.values);
        place = place * values.length + Number(input.value);
        input.nextElementSibling.value = values[input.value];
        input.setAttribute("aria-valuetext", values[input.value]);
      }
      grid.frames[place].forEach(([layout, ...traces], index) =>
        show(panels[index], traces.map((trace) => grid.traces[trace]), grid.layouts[layout])
      );
      if (grid.sentences) box.querySelector(".sentence").textContent = grid.sentences[place];
      code.textContent = grid.commands[place];
    };
    inputs.forEach((input) => input.addEventListener("input", turn));
    turn();
  }

  // A figure is drawn when the reader comes near it: a long page opens at once.
  if ("IntersectionObserver" in window) {
    const near = new IntersectionObserver(
      (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
      { rootMargin: "800px" }
    );
    plots.forEach((plot) => near.observe(plot));
  } else {
    plots.forEach(draw);
  }

  const repaint = (chosen, scale) =>
    shown().forEach((plot) =>
      Plotly.relayout(plot, { template: chosen, height: scale * (plot.dataset.height || parseFloat(plot.style.minHeight)) })
    );
  dark.addEventListener("change", () => repaint(template(), 1));

  // A link to a claim opens its evidence.
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) target.querySelectorAll("details").forEach((details) => (details.open = true));
  };
  window.addEventListener("hashchange", reveal);
  reveal();

  // Paper is white. It holds questions, answers, pictures, derivations and statements, and of the
  // evidence and the appendices what the reader has opened.
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll(".derivation").forEach((details) => (details.open = true));
    plots.forEach(draw);
    repaint(themes.light, 0.6); // two or three figures fit on a sheet
  });
  window.addEventListener("afterprint", () => repaint(template(), 1));
})();
