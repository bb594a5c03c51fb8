// A plotly figure whose numbers are replaced in place.
import { toRaw } from "vue";

// Pixels. Below, no tick has room, and plotly places the axis title at minus infinity.
const NARROWEST = 100;

// Pictures whose numbers have changed. Those in sight are drawn in the next frame, so that the browser lays out and
// paints once and not after each; the others follow one by one, between which it answers keys and pointers.
const changed = new Set();
const waiting = new Set();

function drawSoon(plot) {
  if (!changed.size) requestAnimationFrame(drawChanged);
  changed.add(plot);
}

function drawChanged() {
  if (!waiting.size) setTimeout(drawWaiting);
  const plots = Array.from(changed);
  changed.clear(); // first, so that a figure that plotly cannot draw does not keep later ones from it
  for (const plot of plots) {
    const { top, bottom } = plot.$el.getBoundingClientRect();
    if (bottom > 0 && top < innerHeight) plot.draw();
    else waiting.add(plot);
  }
}

function drawWaiting() {
  const [plot] = waiting;
  waiting.delete(plot);
  if (waiting.size) setTimeout(drawWaiting);
  if (plot) plot.draw();
}

export default {
  template: '<div class="plot" role="img" :aria-label="label"></div>',
  props: { figure: Object, label: String, link: String, themes: Object },
  mounted() {
    // Vue observes what it passes on, which would slow plotly down at each number.
    this.shown = Object.assign({}, toRaw(this.figure));
    this.draw();
    this.watcher = new MutationObserver(() => this.recolour());
    this.watcher.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.resizer = new ResizeObserver(() => this.resize());
    this.resizer.observe(this.$el);
    this.hear = (event) => this.point(event.detail);
    if (this.link) addEventListener("pointed", this.hear);
  },
  unmounted() {
    this.watcher.disconnect();
    this.resizer.disconnect();
    changed.delete(this);
    waiting.delete(this);
    removeEventListener("pointed", this.hear);
    Plotly.purge(this.$el);
  },
  methods: {
    draw() {
      waiting.delete(this);
      const width = this.$el.clientWidth;
      if (width < NARROWEST) return; // not visible, or not laid out yet; the resizer comes back
      this.width = width;
      const dark = document.body.classList.contains("body--dark");
      this.dark = dark;
      const themes = toRaw(this.themes);
      const layout = EigenlabFigure.layout(this.shown.layout, width, dark ? themes.dark : themes.light);
      const drawn = Plotly.react(this.$el, this.shown.data, layout, EigenlabFigure.config);
      if (this.link && !this.tells) {
        this.tells = true;
        this.$el.on("plotly_hover", (event) => event.event && this.tell(event.points[0].x));
        this.$el.on("plotly_unhover", (event) => event.event && this.tell(null));
      }
      return drawn;
    },
    tell(x) {
      dispatchEvent(new CustomEvent("pointed", { detail: { from: this.$el, link: this.link, x } }));
    },
    // The value under the pointer of another picture; a hover that this makes has no mouse event.
    point({ from, link, x }) {
      if (from === this.$el || link !== this.link) return;
      if (x === null) return Plotly.Fx.unhover(this.$el);
      const points = this.$el.data
        .map((trace, curveNumber) => ({ curveNumber, pointNumber: Array.from(trace.x || []).indexOf(x) }))
        .filter((point) => point.pointNumber >= 0);
      if (points.length) Plotly.Fx.hover(this.$el, points);
    },
    recolour() {
      if (document.body.classList.contains("body--dark") !== this.dark) this.draw();
    },
    resize() {
      if (this.$el.clientWidth && this.$el.clientWidth !== this.width) this.draw();
    },
    replace(figure) {
      this.shown = figure;
      drawSoon(this);
    },
    // changes: for each trace the keys that differ; layout: the same, or null where nothing differs.
    update(changes, layout) {
      this.shown.data = this.shown.data.map((trace, index) => Object.assign({}, trace, changes[index]));
      if (layout) this.shown.layout = Object.assign({}, this.shown.layout, layout);
      drawSoon(this);
    },
    relabel(label) {
      this.$el.setAttribute("aria-label", label);
    },
    save(format, name) {
      return Plotly.downloadImage(this.$el, { format, filename: name, width: 1000, height: this.$el.clientHeight });
    },
  },
};
