// A slider and its number, which move together. For NiceGUI's own, Vue renders the whole page anew at each move.
export default {
  template: `<div class="slider">
    <span class="name">{{ title }}</span><slot></slot>
    <input ref="number" type="number" :min="low" :max="high" step="any" :aria-label="title + ', as a number'" @input="type">
    <input ref="range" type="range" :min="position(low)" :max="position(high)" :step="step" :aria-label="title"
      @input="$emit('moved', follow())" @change="$emit('released', follow())">
  </div>`,
  props: { title: String, low: Number, high: Number, step: Number, scale: String, value: Number },
  emits: ["moved", "released", "typed"],
  mounted() {
    this.show(this.value);
  },
  methods: {
    position(value) {
      return this.scale === "log" ? Math.log10(value) : value;
    },
    // As in slider.py.
    valueAt(position) {
      if (this.scale === "log") return Math.min(this.high, Math.max(this.low, Number((10 ** position).toPrecision(3))));
      return this.scale === "whole" ? Math.round(position) : Number(position.toPrecision(10));
    },
    show(value) {
      this.$refs.range.value = this.position(value);
      this.number(value);
    },
    number(value) {
      this.$refs.number.value = value;
      this.$refs.range.setAttribute("aria-valuetext", value);
    },
    follow() {
      const position = this.$refs.range.valueAsNumber;
      this.number(this.valueAt(position));
      return position;
    },
    type() {
      const value = this.$refs.number.valueAsNumber;
      if (Number.isNaN(value)) return; // not complete yet
      if (value >= this.low && value <= this.high) {
        this.$refs.range.value = this.position(value);
        this.$refs.range.setAttribute("aria-valuetext", value);
      }
      this.$emit("typed", value);
    },
  },
};
