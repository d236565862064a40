// What the page's scripts meet in a test that needs no browser. Imported before them.

/** No other tab hears, and no test waits for one. */
globalThis.BroadcastChannel = /** @type {any} */ (class {
  addEventListener() {}
  postMessage() {}
});

/** Converse's events: `on` as scripts use it, `tell` for the test. */
export function listeners() {
  const all = {};
  const on = (name, listener) => (all[name] ??= []).push(listener);
  return { listen: { on, once: on }, tell: (name, ...args) => (all[name] ?? []).map((listener) => listener(...args)) };
}

/** What a hook makes of something: each listener has what the one before gave. */
export const hook = async (listeners, context, value, ...more) => {
  for (const listener of listeners) value = await listener(context, value, ...more);
  return value;
};

/** Everything that waits for no clock. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A model as scripts use it: attributes, and what happens when they change. */
export class Model {
  heard = {};

  constructor(attributes = {}) {
    this.attributes = attributes;
  }

  get(name) {
    return this.attributes[name];
  }

  set(attributes) {
    Object.assign(this.attributes, attributes);
  }

  save(attributes) {
    this.set(attributes);
  }

  on(names, listener) {
    for (const name of names.split(" ")) (this.heard[name] ??= []).push(listener);
  }

  trigger(name, ...args) {
    for (const listener of this.heard[name] ?? []) listener(...args);
  }
}
