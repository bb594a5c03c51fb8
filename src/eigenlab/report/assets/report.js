"use strict";
(function () {
  const themes = JSON.parse(document.getElementById("themes").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const plots = Array.from(document.querySelectorAll(".plot"));
  const template = () => (dark.matches ? themes.dark : themes.light);

  // A title longer than its axis is cut off by plotly: break it at a space near its middle.
  function wrap(text, room) {
    if (text.length <= room || text.includes("<br>")) return text;
    const spaces = Array.from(text.matchAll(/ /g), (match) => match.index);
    const middle = text.length / 2;
    const place = spaces.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
    return place === undefined ? text : text.slice(0, place) + "<br>" + text.slice(place + 1);
  }

  function wrapTitles(layout, width) {
    for (const key of Object.keys(layout)) {
      const axis = layout[key];
      if (!/^[xy]axis\d*$/.test(key) || !axis.title || !axis.title.text) continue;
      axis.title.text = wrap(axis.title.text, key[0] === "x" ? width / 9 : 36);
    }
  }

  function draw(plot) {
    if (plot.dataset.drawn) return;
    plot.dataset.drawn = "yes";
    const figure = JSON.parse(plot.nextElementSibling.textContent);
    const layout = Object.assign({}, figure.layout, { template: template(), autosize: true, modebar: { bgcolor: "rgba(0,0,0,0)" } });
    delete layout.width;
    if (!layout.title) layout.margin = Object.assign({ t: 20 }, layout.margin);
    if (touch) layout.dragmode = false; // so that a finger scrolls the page
    wrapTitles(layout, plot.clientWidth);
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

  // A link to a claim opens its evidence.
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) target.querySelectorAll("details").forEach((details) => (details.open = true));
  };
  window.addEventListener("hashchange", reveal);
  reveal();

  // Paper is white, and holds everything.
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((details) => (details.open = true));
    plots.forEach(draw);
    repaint(themes.light);
  });
  window.addEventListener("afterprint", () => repaint(template()));
})();
