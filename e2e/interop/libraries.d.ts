// @xmpp/client 0.14 comes without types. These are the parts that are used.
declare module "@xmpp/client" {
  export interface Element {
    readonly name: string;
    readonly attrs: Record<string, string | undefined>;
    readonly children: (Element | string)[];
    is(name: string, xmlns?: string): boolean;
    getChild(name: string, xmlns?: string): Element | undefined;
    getChildren(name: string, xmlns?: string): Element[];
    getChildText(name: string, xmlns?: string): string | null;
    toString(): string;
  }
  interface Emitter {
    on(event: string, listener: (value: unknown) => void): void;
    once(event: string, listener: (value: unknown) => void): void;
  }
  export interface XmppClient extends Emitter {
    readonly socket: { readonly socket: unknown } | null;
    readonly streamManagement: Emitter & { readonly enabled: boolean };
    readonly iqCaller: {
      get(child: Element, to?: string): Promise<Element | undefined>;
      set(child: Element, to?: string): Promise<Element | undefined>;
      request(stanza: Element): Promise<Element>;
    };
    start(): Promise<{ toString(): string }>;
    stop(): Promise<void>;
    send(element: Element): Promise<void>;
  }
  export function client(options: {
    service: string;
    domain: string;
    credentials: (
      authenticate: (credentials: { username: string; password: string }, mechanism: string) => Promise<void>,
      mechanisms: string[],
    ) => Promise<void>;
  }): XmppClient;
  export function xml(name: string, attrs?: Record<string, string>, ...children: (Element | string)[]): Element;
}

// The XMLHttpRequest that Strophe is tested with outside of browsers.
declare module "xhr2" {
  const request: typeof XMLHttpRequest;
  export default request;
}
