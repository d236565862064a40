import { connect, type ClientHttp2Session } from "node:http2";
import type { IncomingHttpHeaders } from "node:http";
import { Agent, request } from "node:https";
import { WebSocket } from "ws";
import type { Proxy } from "./proxy.ts";

export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer; text: string };

type Asked = {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** The address of this machine to come from, such as 127.0.0.2. */
  from?: string;
};

/** Speaks to a proxy as browsers do, and trusts its certificate only. */
export class Client {
  private readonly agent: Agent;
  private readonly open: { close(): void }[] = [];
  private readonly authority: URL;

  constructor(readonly proxy: Proxy) {
    this.authority = new URL(proxy.url);
    this.agent = new Agent({ ca: proxy.ca, servername: "localhost", keepAlive: true });
  }

  /** Asks over HTTP/1.1. The path goes out as it is given. */
  ask(path: string, { method = "GET", headers = {}, body, from }: Asked = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { host, port } = this.authority;
      const sent = request({ host: "127.0.0.1", port, path, method, agent: this.agent, localAddress: from, headers: { host, ...headers } }, (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("error", reject);
        response.on("end", () => {
          const all = Buffer.concat(pieces);
          resolve({ status: response.statusCode!, headers: response.headers, body: all, text: all.toString() });
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** A connection over which many requests go at once (HTTP/2). */
  async http2(): Promise<ClientHttp2Session> {
    const session = connect(`https://127.0.0.1:${this.authority.port}`, { ca: this.proxy.ca, servername: "localhost" });
    this.open.push({ close: () => session.destroy() });
    await new Promise((resolve, reject) => session.once("connect", resolve).once("error", reject));
    return session;
  }

  /** Opens a WebSocket for the chat, and its stream. */
  async webSocket(): Promise<WebSocket> {
    const options = { ca: this.proxy.ca, servername: "localhost", headers: { host: this.authority.host } };
    const socket = new WebSocket(`wss://127.0.0.1:${this.authority.port}/xmpp-websocket`, "xmpp", options);
    this.open.push({ close: () => socket.terminate() });
    const features = new Promise((resolve, reject) => {
      socket.on("message", (data) => String(data).includes("features") && resolve(undefined));
      socket.once("error", reject).once("close", () => reject(new Error("the WebSocket was closed")));
      socket.once("open", () => socket.send(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>`));
    });
    await features;
    return socket;
  }

  close(): void {
    this.agent.destroy();
    for (const each of this.open) each.close();
  }
}

/** Asks over a connection of HTTP/2; the status and the text. */
export function askOver(session: ClientHttp2Session, path: string, body?: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": path, ":method": body === undefined ? "GET" : "POST", ":authority": "localhost" });
    let status = 0;
    let text = "";
    stream.setEncoding("utf8");
    stream.on("response", (headers) => (status = headers[":status"]!));
    stream.on("data", (piece: string) => (text += piece));
    stream.on("end", () => resolve({ status, text }));
    stream.on("error", reject);
    stream.end(body);
  });
}
