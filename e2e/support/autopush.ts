import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

/** What Firefox says of a message that it opened and handed to the service worker. */
export const DELIVERED = 100;

/**
 * The push service of a Firefox: sites send to it by RFC 8030, and Firefox has it over a WebSocket,
 * by the protocol of Mozilla's own (autopush). A message stays encrypted on its way.
 */
export class Autopush {
  /** How Firefox took each message, as a code. */
  readonly acknowledged: number[] = [];
  private readonly firefox = new Map<string, WebSocket>(); // by channel
  private sent = 0;

  private constructor(
    private readonly server: Server,
    private readonly sockets: WebSocketServer,
  ) {}

  static async start(): Promise<Autopush> {
    const server = createServer((request, response) => {
      service.take(request).then(
        (known) => response.writeHead(known ? 201 : 410, known ? { Location: `/message/${service.sent}` } : {}).end(),
        (cause) => response.writeHead(400).end(String(cause)),
      );
    });
    const service = new Autopush(server, new WebSocketServer({ server }));
    service.sockets.on("connection", (socket) => socket.on("message", (text) => service.hear(socket, JSON.parse(String(text)))));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  private get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** What a Firefox has to be told in its preferences. */
  get preferences(): Record<string, unknown> {
    return {
      "dom.push.serverURL": `ws://${this.host}/`,
      "dom.push.testing.allowInsecureServerURL": true,
      "dom.push.connection.enabled": true, // tests are without it as a rule
    };
  }

  stop(): void {
    for (const socket of this.sockets.clients) socket.terminate();
    this.server.closeAllConnections();
    this.server.close();
  }

  private hear(socket: WebSocket, heard: { messageType: string; channelID?: string; updates?: { code: number }[] }): void {
    const { messageType, channelID = "" } = heard;
    const answer = (more: object) => socket.send(JSON.stringify({ messageType, status: 200, ...more }));
    if (messageType === "hello") answer({ uaid: "0".repeat(32), use_webpush: true });
    if (messageType === "register") {
      this.firefox.set(channelID, socket);
      answer({ channelID, pushEndpoint: `http://${this.host}/${channelID}` });
    }
    if (messageType === "unregister") {
      this.firefox.delete(channelID);
      answer({ channelID });
    }
    if (messageType === "ack") this.acknowledged.push(...heard.updates!.map(({ code }) => code));
  }

  /** Whether somebody is subscribed there. */
  private async take(request: IncomingMessage): Promise<boolean> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const channelID = request.url!.slice(1);
    const headers = { encoding: request.headers["content-encoding"] };
    const version = `message ${++this.sent}`;
    const data = Buffer.concat(pieces).toString("base64url");
    this.firefox.get(channelID)?.send(JSON.stringify({ messageType: "notification", channelID, version, data, headers }));
    return this.firefox.has(channelID);
  }
}
