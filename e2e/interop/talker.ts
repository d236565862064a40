import type { Ends } from "./fixtures.ts";

/** What every client can do. */
export type Talker = Ends & {
  /** The full address that the server gave. */
  readonly jid: string;
  say(to: string, text: string): Promise<void>;
  /** Waits for the message with this text; its sender. */
  hears(text: string): Promise<string>;
};

/** The address without its resource. */
export function bare(jid: string): string {
  return jid.split("/")[0]!;
}
