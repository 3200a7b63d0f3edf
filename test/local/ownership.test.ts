import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { alone, own } from "../../constructs/local/ownership";

const ownerOf = async <T>(directory: string) => {
  const ownership = await own<T>(directory);
  if (ownership.role !== "owner") throw new Error("somebody else owns it");
  return ownership;
};
const guestOf = async <T>(directory: string) => {
  const ownership = await own<T>(directory);
  if (ownership.role !== "guest") throw new Error("nobody owns it");
  return ownership;
};
const isPending = async (promise: Promise<unknown>): Promise<boolean> =>
  (await Promise.race([promise.then(() => "done"), pause(150).then(() => "pending")])) === "pending";

describe("own", () => {
  it("makes the first the owner, and gives the others what it published, however early they ask", async () => {
    const directory = `/nowhere/${randomUUID()}`;
    const first = await ownerOf<{ port: number }>(directory);
    const early = guestOf<{ port: number }>(directory);
    await pause(100);
    first.publish({ port: 1 });
    expect((await early).info).toEqual({ port: 1 });
    expect((await guestOf(directory)).info).toEqual({ port: 1 });
    first.release();
  });

  it("knows when its last guest has left", async () => {
    const directory = `/nowhere/${randomUUID()}`;
    const first = await ownerOf(directory);
    first.publish({});
    const guests = [await guestOf(directory), await guestOf(directory)];
    const alone = first.alone();
    guests[0]?.leave();
    expect(await isPending(alone)).toBe(true);
    guests[1]?.leave();
    await alone;
    first.release();
  });

  it("tells its guests when it ends", async () => {
    const directory = `/nowhere/${randomUUID()}`;
    const first = await ownerOf(directory);
    first.publish({});
    const guest = await guestOf(directory);
    expect(await isPending(guest.ownerEnded)).toBe(true);
    first.release();
    await guest.ownerEnded;
  });

  it("lets one of those who wait take over where the owner gives up", async () => {
    const directory = `/nowhere/${randomUUID()}`;
    const first = await ownerOf(directory);
    const waiting = [own(directory), own(directory)];
    await pause(100);
    first.release();
    const next = await Promise.race(waiting);
    expect(next.role).toBe("owner");
    if (next.role === "owner") next.publish({});
    expect((await Promise.all(waiting)).map((each) => each.role).sort()).toEqual(["guest", "owner"]);
    if (next.role === "owner") next.release();
  });

  it("keeps directories apart", async () => {
    const both = [await ownerOf(`/nowhere/${randomUUID()}`), await ownerOf(`/nowhere/${randomUUID()}`)];
    for (const each of both) each.release();
  });

  it("shows that it waits", async () => {
    const directory = `/nowhere/${randomUUID()}`;
    const first = await ownerOf(directory);
    let told = 0;
    const waiting = own(directory, () => {
      told += 1;
    });
    await pause(1_200);
    first.release();
    const next = await waiting;
    expect(told).toBe(1);
    if (next.role === "owner") next.release();
  });
});

describe("alone", () => {
  it("runs one at a time, also after one that failed", async () => {
    const directory = `/nowhere/${randomUUID()}`;
    let running = 0;
    let most = 0;
    const work = async () => {
      running += 1;
      most = Math.max(most, running);
      await pause(20);
      running -= 1;
    };
    await expect(alone(directory, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await Promise.all([1, 2, 3, 4].map(() => alone(directory, work)));
    expect(most).toBe(1);
  });
});
