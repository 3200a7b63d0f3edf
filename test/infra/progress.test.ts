import { PassThrough } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createProgress } from "../../infra/progress";

/** A double of a terminal: it keeps what is written. */
function terminal(isTTY: boolean, columns: number): { readonly stream: NodeJS.WriteStream; text(): string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns });
  const chunks: string[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => chunks.join("") };
}

describe("progress", () => {
  it("leaves the signals to the command, which has a server to stop", async () => {
    const before = ["SIGINT", "SIGTERM"].map((signal) => process.listenerCount(signal));
    const progress = createProgress(terminal(true, 80).stream);
    progress.doing("something");
    await pause(100);
    progress.done("something");
    progress.stop();
    expect(["SIGINT", "SIGTERM"].map((signal) => process.listenerCount(signal))).toEqual(before);
  });

  it("moves at a terminal, also at one of no width, and says what is done", async () => {
    const { stream, text } = terminal(true, 0);
    const progress = createProgress(stream);
    progress.doing("starting");
    while ((text().match(/starting/g)?.length ?? 0) < 2) await pause(20);
    progress.done("started");
    const written = text();
    await pause(200);
    expect(text()).toBe(written);
    expect(written.length).toBeLessThan(500);
    expect(written).toMatch(/started .*s/);
  });

  it("writes only what is done elsewhere", () => {
    const { stream, text } = terminal(false, 80);
    const progress = createProgress(stream);
    progress.doing("starting");
    progress.done("started");
    progress.note("a note");
    expect(text()).not.toContain("starting");
    expect(text()).toMatch(/started.*\na note\n$/);
  });
});
