import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProgress, type Output } from "../../infra/progress";
import { until } from "../fixtures/cli";

let directory: string;
let files = 0;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "progress-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A file in the place of a terminal, because a thread writes there, too. */
function terminal(isTTY: boolean, columns: number): { readonly output: Output; text(): string; close(): void } {
  files += 1;
  const file = join(directory, String(files));
  const fd = openSync(file, "a");
  const write = (text: string | Uint8Array) => writeSync(fd, String(text)) > 0;
  return {
    output: { fd, isTTY, columns, write: write as Output["write"] },
    text: () => readFileSync(file, "utf8"),
    close: () => closeSync(fd),
  };
}

describe("progress", () => {
  it("leaves the signals to the command, which has a server to stop", async () => {
    const before = ["SIGINT", "SIGTERM"].map((signal) => process.listenerCount(signal));
    const progress = createProgress("", terminal(true, 80).output);
    progress.doing("something");
    await pause(100);
    progress.done("something");
    progress.stop();
    expect(["SIGINT", "SIGTERM"].map((signal) => process.listenerCount(signal))).toEqual(before);
  });

  it("moves at a terminal, also at one of no width, and says what is done", async () => {
    const { output, text } = terminal(true, 0);
    const progress = createProgress("", output);
    progress.doing("starting");
    await until(
      () => (text().match(/starting/g)?.length ?? 0) >= 2,
      () => text(),
    );
    progress.done("started");
    const written = text();
    await pause(200);
    expect(text()).toBe(written);
    expect(written).toMatch(/started .*s/);
  });

  it("moves, and shows how long a step takes, while this thread computes", () => {
    const { output, text } = terminal(true, 40);
    const progress = createProgress("", output);
    progress.doing(`computing ${"x".repeat(100)}`);
    for (const end = Date.now() + 60_000; !/ 2 s/.test(text()) && Date.now() < end; );
    progress.stop();
    const lines = stripVTControlCharacters(text()).split("\r");
    expect(lines.filter((line) => line !== "" && !/^. computing x+( \d s)?$/.test(line))).toEqual([]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(40);
    expect(text()).toContain(" 2 s\r\u001b[2K");
  });

  it("writes only what is done elsewhere", async () => {
    const { output, text } = terminal(false, 80);
    const progress = createProgress("", output, true);
    progress.doing("starting");
    await pause(300);
    progress.done("started");
    progress.note("a note");
    expect(text()).toMatch(/^[^\n]*started[^\n]*\na note\n$/);
  });

  it("says that it was stopped, and nothing after that", () => {
    const { output, text } = terminal(false, 80);
    const progress = createProgress("the next run does the rest", output);
    progress.stop(true);
    progress.doing("more");
    progress.done("more");
    progress.note("more");
    expect(stripVTControlCharacters(text())).toBe("✖ stopped; the next run does the rest\n");
  });
});
