const OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
/** An IPv4 address, for a larger pattern. Leading zeros are rejected: some programs read them as octal, and EC2 takes none. */
export const IPV4 = `${OCTET}(\\.${OCTET}){3}`;

/** Allows underscores, which container names can have. */
const LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
/** A DNS name of RFC 1035, for a larger pattern. Digits and dots alone are an address, or a mistyped one. */
const DNS_NAME = `(?=.{1,254}$)(?![0-9.]+$)${LABEL}(\\.${LABEL})*\\.?`;
const IPV6 = "(?=.{2,45}$)(?!.*:::)[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*";

/** Where a server is. */
export const HOST = {
  pattern: new RegExp(`^(${DNS_NAME}|${IPV4}|${IPV6})$`),
  form: "a DNS name or an address, without a port",
};

/** Whether a host is the machine that resolves it, which differs in each pod. https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
export const isThisMachine = (host: string): boolean =>
  /^((.*\.)?localhost(\.localdomain)?\.?|127\.[0-9.]+|0\.0\.0\.0|[0:]*:[0:]*:0*1?|::ffff:127\.[0-9.]+)$/i.test(host);

/** The addresses of an IPv4 network: the first, and the first after it. */
interface AddressRange {
  readonly from: number;
  readonly to: number;
}

const numberOf = (address: string): number => address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);

/** Returns the addresses of a CIDR block whose form has been checked; null for IPv6. */
const rangeOf = (cidr: string): AddressRange | null => (cidr.includes(":") ? null : toRange(cidr));

function toRange(cidr: string): AddressRange {
  const [address = "", bits = ""] = cidr.split("/");
  const size = 2 ** (32 - Number(bits));
  const value = numberOf(address);
  const from = value - (value % size);
  return { from, to: from + size };
}

/** Whether a CIDR block of IPv4 is written with its first address. */
export const beginsAtItsFirst = (cidr: string): boolean => rangeOf(cidr)?.from === numberOf(cidr.split("/", 1)[0] ?? "");

const isApart = (a: AddressRange, b: AddressRange): boolean => a.to <= b.from || b.to <= a.from;

/** Whether two CIDR blocks have an address in common. */
export function overlaps(a: string, b: string): boolean {
  const [one, other] = [rangeOf(a), rangeOf(b)];
  return one !== null && other !== null && !isApart(one, other);
}

/** Networks that contain no client or server. https://www.iana.org/assignments/iana-ipv4-special-registry/ */
const NOBODYS = [
  ["0.0.0.0/8", "is not a source address (0.0.0.0/8)"],
  ["127.0.0.0/8", "is loopback (127.0.0.0/8)"],
  ["169.254.0.0/16", "is link-local (169.254.0.0/16)"],
  ["224.0.0.0/4", "is multicast (224.0.0.0/4)"],
  ["240.0.0.0/4", "is reserved (240.0.0.0/4)"],
] as const;

const NOBODYS_RANGES = NOBODYS.map(([network, words]) => ({ range: toRange(network), words }));

/** Returns, in words, why a network contains no client or server; null if it can. */
export function nobodysNetwork(cidr: string): string | null {
  const its = rangeOf(cidr);
  if (its === null) return null;
  return NOBODYS_RANGES.find(({ range }) => !isApart(range, its))?.words ?? null;
}

/** RFC 1918, RFC 6598, and RFC 2544, which Amazon recommends for pods. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"].map(toRange);

/** Whether a CIDR block has public addresses; false for IPv6. */
export function isPublic(cidr: string): boolean {
  const range = rangeOf(cidr);
  return range !== null && !PRIVATE.some((each) => each.from <= range.from && range.to <= each.to);
}

/** Returns how many addresses CIDR blocks have together; shared addresses count once. */
export function addressesIn(cidrs: readonly string[]): number {
  const ranges = cidrs.map(rangeOf).filter((each) => each !== null);
  let [counted, end] = [0, 0];
  for (const { from, to } of ranges.sort((a, b) => a.from - b.from)) {
    counted += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return counted;
}
