import { describe, expect, it } from "vitest";
import { addressesIn, HOST, isPublic, isThisMachine, nobodysNetwork, overlaps } from "../../constructs/model/address";

describe("a host", () => {
  it.each(["db", "db.example", "DB.example.", "db_1", "xn--bcher-kva.example", "10.1.2.3", "fd00::1", "::1", "1.example", "a".repeat(63)])(
    "may be %s",
    (host) => expect(HOST.pattern.test(host)).toBe(true),
  );

  it.each([
    "",
    "-",
    ".",
    "...",
    "db:5432",
    "10.1.2.3:5432",
    "[::1]",
    "db..example",
    "-db",
    "db-",
    "10.0.0.256",
    "010.0.0.1",
    "1.2.3",
    "https://db",
    "db/postgres",
    "db example",
    "fd00:::1",
    "a".repeat(64),
  ])("is not %s", (host) => expect(HOST.pattern.test(host)).toBe(false));

  it("is this machine by every name that it has", () => {
    const own = [
      "localhost",
      "LOCALHOST.",
      "localhost.localdomain",
      "db.localhost",
      "127.0.0.1",
      "127.1.2.3",
      "0.0.0.0",
      "::",
      "::1",
      "0:0:0:0:0:0:0:1",
    ];
    expect(own.filter((host) => !isThisMachine(host))).toEqual([]);
    expect(["localhost.example", "notlocalhost", "10.127.0.1", "fd00::1", "::2"].filter(isThisMachine)).toEqual([]);
  });
});

describe("a network", () => {
  it.each([
    ["10.0.0.0/8", "10.255.0.0/16", true],
    ["10.0.0.0/16", "10.1.0.0/16", false],
    ["0.0.0.0/0", "255.255.255.255/32", true],
    ["10.0.0.0/8", "fd00::/8", false],
  ])("%s overlaps %s: %s", (a, b, expected) => {
    expect([overlaps(a, b), overlaps(b, a)]).toEqual([expected, expected]);
  });

  it.each([
    ["10.0.0.0/8", null],
    ["198.19.0.0/16", null],
    ["8.0.0.0/8", null],
    ["fe80::/10", null],
    ["0.1.0.0/16", "is not a source address (0.0.0.0/8)"],
    ["127.0.0.1/32", "is loopback (127.0.0.0/8)"],
    ["169.254.169.254/32", "is link-local (169.254.0.0/16)"],
    ["239.255.0.0/16", "is multicast (224.0.0.0/4)"],
    ["255.255.255.255/32", "is reserved (240.0.0.0/4)"],
  ])("%s is nobody's: %s", (cidr, expected) => expect(nobodysNetwork(cidr)).toBe(expected));

  it("is public outside of what is kept for private ones, and in part outside", () => {
    const cidrs = [
      "10.0.0.0/8",
      "172.16.0.0/12",
      "172.16.0.0/11",
      "192.168.0.0/16",
      "192.169.0.0/16",
      "100.64.0.0/10",
      "11.0.0.0/8",
      "2001:db8::/32",
    ];
    expect(cidrs.filter(isPublic)).toEqual(["172.16.0.0/11", "192.169.0.0/16", "11.0.0.0/8"]);
  });

  it("has its addresses once, however often it is named", () => {
    expect(addressesIn(["10.0.0.0/9", "10.0.0.0/8", "10.1.0.0/16", "8.0.0.0/24", "fd00::/8"])).toBe(2 ** 24 + 256);
    expect(addressesIn(["0.0.0.0/1", "128.0.0.0/1"])).toBe(2 ** 32);
    expect(addressesIn([])).toBe(0);
  });
});
