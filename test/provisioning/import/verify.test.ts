import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterEach, expect, it, vi } from "vitest";
import { Digest, Digesting } from "../../../constructs/provisioning/import/verify";

afterEach(() => vi.restoreAllMocks());

async function digestOf(chunks: readonly Buffer[]): Promise<string> {
  const digest = new Digest();
  await pipeline(Readable.from(chunks), new Digesting(digest), async (lines) => {
    for await (const _line of lines) void _line;
  });
  return String(digest);
}

it("joins the parts of a long row once, so that its time grows with its size and not with the square of it", async () => {
  const parts = [...Array.from({ length: 100 }, () => Buffer.alloc(1000, "x")), Buffer.from("y\nz\n")];
  const whole = await digestOf([Buffer.concat(parts)]);
  const join = vi.spyOn(Buffer, "concat");
  expect(await digestOf(parts)).toBe(whole);
  expect(join).toHaveBeenCalledTimes(1);
});
