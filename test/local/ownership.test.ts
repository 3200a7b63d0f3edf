import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { own } from "../../constructs/local/ownership";

describe("own", () => {
  it("makes the first the owner, and tells the others what it published, however early they ask", async () => {
    const directory = `/nowhere/${randomUUID()}`;
    const first = await own<{ port: number }>(directory);
    if (first.role !== "owner") throw new Error("somebody else owns it");
    const early = own<{ port: number }>(directory);
    await new Promise((resolve) => setTimeout(resolve, 100));
    first.publish({ port: 1 });
    expect(await early).toEqual({ role: "guest", info: { port: 1 } });
    expect(await own(directory)).toEqual({ role: "guest", info: { port: 1 } });
    await first.release();
  });

  it("lets one of those who wait take over where the owner gives up", async () => {
    const directory = `/nowhere/${randomUUID()}`;
    const first = await own(directory);
    if (first.role !== "owner") throw new Error("somebody else owns it");
    const waiting = [own(directory), own(directory)];
    await new Promise((resolve) => setTimeout(resolve, 100));
    await first.release();
    const next = await Promise.race(waiting);
    expect(next.role).toBe("owner");
    if (next.role === "owner") next.publish({});
    expect((await Promise.all(waiting)).map((each) => each.role).sort()).toEqual(["guest", "owner"]);
    if (next.role === "owner") await next.release();
  });

  it("keeps directories apart", async () => {
    const both = await Promise.all([own(`/nowhere/${randomUUID()}`), own(`/nowhere/${randomUUID()}`)]);
    expect(both.map((each) => each.role)).toEqual(["owner", "owner"]);
    for (const each of both) if (each.role === "owner") await each.release();
  });
});
