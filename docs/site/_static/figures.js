"use strict";
// Draws each figure when the reader comes near it, in the colours of the theme in use.
(function () {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const plots = Array.from(document.querySelectorAll(".plot"));
  const template = () => {
    const chosen = document.body.dataset.theme; // light, dark or auto
    return chosen === "dark" || (chosen !== "light" && system.matches) ? themes.dark : themes.light;
  };

  function draw(plot) {
    if (plot.dataset.drawn) return;
    plot.dataset.drawn = "yes";
    const figure = JSON.parse(plot.nextElementSibling.textContent);
    const layout = Object.assign({}, figure.layout, { template: template(), autosize: true });
    delete layout.width;
    layout.modebar = { bgcolor: "rgba(0,0,0,0)" };
    if (plot.classList.contains("preview")) {
      const bare = { title: { text: "" }, showticklabels: false, ticks: "", automargin: false };
      for (const key of Object.keys(layout)) {
        if (/^[xy]axis\d*$/.test(key)) layout[key] = Object.assign({}, layout[key], bare);
      }
      Object.assign(layout, { height: 180, showlegend: false, margin: { l: 8, r: 8, t: 8, b: 8 } });
      delete layout.title;
      delete layout.annotations;
      for (const trace of figure.data.filter((each) => each.type === "heatmap")) {
        trace.showscale = false;
        delete trace.texttemplate;
      }
      Plotly.newPlot(plot, figure.data, layout, { responsive: true, staticPlot: true });
      return;
    }
    if (touch) layout.dragmode = false; // so that a finger scrolls the page
    Plotly.newPlot(plot, figure.data, layout, {
      responsive: true,
      displaylogo: false,
      displayModeBar: touch ? false : "hover",
      // Named one by one: none of plotly's buttons that would send the figure somewhere.
      modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
    });
  }

  const repaint = () =>
    plots.filter((plot) => plot.dataset.drawn).forEach((plot) => Plotly.relayout(plot, { template: template() }));
  const near = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
    { rootMargin: "800px" }
  );
  plots.forEach((plot) => near.observe(plot));
  system.addEventListener("change", repaint);
  new MutationObserver(repaint).observe(document.body, { attributeFilter: ["data-theme"] });
  window.addEventListener("beforeprint", () => plots.forEach(draw));
})();
