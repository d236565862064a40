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
  before = {};

  constructor(attributes = {}) {
    this.attributes = attributes;
  }

  get(name) {
    return this.attributes[name];
  }

  /** What it had before the last change. */
  previous(name) {
    return this.before[name];
  }

  set(attributes, value) {
    this.before = { ...this.attributes };
    Object.assign(this.attributes, typeof attributes === "string" ? { [attributes]: value } : attributes);
  }

  save(attributes, value) {
    this.set(attributes, value);
  }

  on(names, listener) {
    for (const name of names.split(" ")) (this.heard[name] ??= []).push(listener);
  }

  off(names, listener) {
    for (const name of names.split(" ")) this.heard[name] = (this.heard[name] ?? []).filter((each) => each !== listener);
  }

  once(name, listener) {
    const heard = (...args) => {
      this.off(name, heard);
      listener(...args);
    };
    this.on(name, heard);
  }

  trigger(name, ...args) {
    for (const listener of [...(this.heard[name] ?? [])]) listener(...args);
  }
}

/** A clock of the test's own, in a page that is online and keeps nothing. */
export function onClock(t) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 0 });
  Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
  globalThis.sessionStorage = { getItem: () => null, setItem() {}, removeItem() {} };
}

/** Lets time pass, in steps, so that what waits in turn has its turn. */
export async function pass(t, ms, step = 50) {
  await settle();
  for (const end = Date.now() + ms; Date.now() < end; ) {
    t.mock.timers.tick(step);
    await settle();
  }
}
