// Words that change with every move. For any other element NiceGUI renders the whole page anew.
export default {
  template: '<component :is="tag"></component>',
  props: { html: String, tag: String },
  mounted() {
    this.say(this.html);
  },
  methods: {
    say(html) {
      this.$el.innerHTML = html;
    },
  },
};
