/** Returns a normalized name for a server: case and a trailing dot do not matter in DNS (RFC 4343, RFC 1034). */
export const serverName = (host: string, port: number): string => `${host.toLowerCase().replace(/\.$/, "")}:${port}`;
