// A plotly figure whose numbers are replaced in place.
export default {
  template: '<div class="plot" role="img" :aria-label="label"></div>',
  props: { figure: Object, label: String, themes: Object },
  mounted() {
    this.shown = { data: this.figure.data, layout: this.figure.layout };
    this.draw();
    this.watcher = new MutationObserver(() => this.recolour());
    this.watcher.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.resizer = new ResizeObserver(() => this.resize());
    this.resizer.observe(this.$el);
  },
  unmounted() {
    this.watcher.disconnect();
    this.resizer.disconnect();
    Plotly.purge(this.$el);
  },
  methods: {
    draw() {
      const width = this.$el.clientWidth;
      if (!width) return; // not visible yet
      this.width = width;
      const dark = document.body.classList.contains("body--dark");
      this.dark = dark;
      const layout = EigenlabFigure.layout(this.shown.layout, width, dark ? this.themes.dark : this.themes.light);
      return Plotly.react(this.$el, this.shown.data, layout, EigenlabFigure.config);
    },
    recolour() {
      if (document.body.classList.contains("body--dark") !== this.dark) this.draw();
    },
    resize() {
      if (this.$el.clientWidth && this.$el.clientWidth !== this.width) this.draw();
    },
    replace(figure) {
      this.shown = figure;
      return this.draw();
    },
    // changes: for each trace the keys that differ; layout: the same, or null where nothing differs.
    update(changes, layout) {
      this.shown.data = this.shown.data.map((trace, index) => Object.assign({}, trace, changes[index]));
      if (layout) this.shown.layout = Object.assign({}, this.shown.layout, layout);
      return this.draw();
    },
    save(format, name) {
      return Plotly.downloadImage(this.$el, { format, filename: name, width: 1000, height: this.$el.clientHeight });
    },
  },
};
