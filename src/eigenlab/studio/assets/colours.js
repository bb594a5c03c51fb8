// The chosen colours, set once. NiceGUI's dark_mode sets them again after every change of the page, and the
// browser then computes the style of every element anew.
export default {
  template: "<span hidden></span>",
  props: { dark: Boolean },
  mounted() {
    setDark(this.dark);
  },
};
