"use strict";
(function () {
  const themes = JSON.parse(document.getElementById("themes").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const plots = Array.from(document.querySelectorAll(".plot"));
  const template = () => (dark.matches ? themes.dark : themes.light);

  function draw(plot) {
    if (plot.dataset.drawn) return;
    plot.dataset.drawn = "yes";
    const figure = JSON.parse(plot.nextElementSibling.textContent);
    const layout = Object.assign({}, figure.layout, { template: template(), autosize: true, modebar: { bgcolor: "rgba(0,0,0,0)" } });
    delete layout.width;
    if (!layout.title) layout.margin = Object.assign({ t: 20 }, layout.margin);
    if (touch) layout.dragmode = false; // so that a finger scrolls the page
    plot.textContent = "";
    Plotly.newPlot(plot, figure.data, layout, {
      responsive: true,
      displayModeBar: touch ? false : "hover",
      displaylogo: false,
      // Named one by one: none of plotly's buttons that would send the figure somewhere.
      modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
    });
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

  const repaint = (chosen) =>
    plots.filter((plot) => plot.dataset.drawn).forEach((plot) => Plotly.relayout(plot, { template: chosen }));
  dark.addEventListener("change", () => repaint(template()));

  // Paper is white, and holds everything.
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((details) => (details.open = true));
    plots.forEach(draw);
    repaint(themes.light);
  });
  window.addEventListener("afterprint", () => repaint(template()));
})();
