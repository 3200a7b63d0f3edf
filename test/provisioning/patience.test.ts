import { afterEach, expect, it, vi } from "vitest";
import { persist, type Server } from "../../constructs/provisioning/connect";

const SERVER: Server = { host: "localhost", port: 5432, tls: { mode: "verify-full", ca: null } };
const DAY = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
});

it("patience lasts as long as it says, also if the clock of the machine is set meanwhile", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  let tries = 0;
  const startsLate = async (): Promise<string> => {
    tries++;
    if (tries > 1) return "connected";
    vi.setSystemTime(Date.now() + DAY);
    throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  };
  const login = { username: "master", password: "" };
  expect(await persist(SERVER, login, "postgres", { deadlineMs: 600_000 }, startsLate)).toBe("connected");
});
