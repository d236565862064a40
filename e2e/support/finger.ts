import type { CDPSession, Locator, Page } from "@playwright/test";

type Point = { x: number; y: number };

/** One finger on a screen that feels touches: it may stay there, and go elsewhere before it is lifted. */
export class Finger {
  private constructor(private readonly browser: CDPSession) {}

  static async on(page: Page): Promise<Finger> {
    return new Finger(await page.context().newCDPSession(page));
  }

  /** Puts it down, and leaves it there. */
  async rest(target: Locator): Promise<Point> {
    const { x, y, width, height } = (await target.boundingBox())!;
    const at = { x: x + width / 2, y: y + height / 2 };
    await this.touch("touchStart", at);
    return at;
  }

  /** Puts it down and draws it downwards, by so many pixels. */
  async draw(target: Locator, by: number): Promise<void> {
    const { x, y } = await this.rest(target);
    for (const part of [0.25, 0.5, 0.75, 1]) await this.touch("touchMove", { x, y: y + part * by });
  }

  async lift(): Promise<void> {
    await this.touch("touchEnd");
  }

  async tap(target: Locator): Promise<void> {
    await this.rest(target);
    await this.lift();
  }

  private async touch(type: "touchStart" | "touchMove" | "touchEnd", ...touchPoints: Point[]): Promise<void> {
    await this.browser.send("Input.dispatchTouchEvent", { type, touchPoints });
  }
}
