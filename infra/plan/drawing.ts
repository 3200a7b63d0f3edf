import type { Level } from "./change";
import { html, type Markup } from "./markup";

/** Width of a character relative to its size: in the monospaced font of names, and on average in the other font. */
const EM = { name: 0.61, other: 0.55 } as const;

/** A text that fits into a width, in pixels. A longer text is cut, and shown completely on hover. */
export function text(x: number, y: number, content: string, options: { width: number; as?: string }): Markup {
  const { width, as = "" } = options;
  const size = as.includes("quiet") ? 12 : 13;
  const most = Math.floor(width / (size * (as === "name" ? EM.name : EM.other)));
  const characters = [...content];
  if (characters.length <= most) return html`<text x="${x}" y="${y}" class="${as}">${content}</text>`;
  return html`<text x="${x}" y="${y}" class="${as}">${characters.slice(0, most - 1).join("")}…<title>${content}</title></text>`;
}

export const box = (x: number, y: number, width: number, height: number, as: string): Markup =>
  html`<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="9" class="${as}"/>`;

/** Width of a badge. */
export const BADGE = 70;

/** A badge with the effect on an object, at its corner. @param right its right edge. */
export const badge = (right: number, y: number, level: Level, word: string): Markup =>
  html`<g class="badge ${level}"><rect x="${right - BADGE}" y="${y}" width="${BADGE}" height="18" rx="9"/><text x="${right - BADGE / 2}" y="${y + 13}">${word}</text></g>`;

/** A line through points, each two numbers. */
export const wire = (as: string, ...points: readonly number[]): Markup => html`<polyline points="${points.join(" ")}" class="wire ${as}"/>`;

/** The end of a line that comes from the left. */
export const arrow = (x: number, y: number, as = ""): Markup =>
  html`<path d="M${x - 8},${y - 4.5}L${x},${y}L${x - 8},${y + 4.5}Z" class="arrow ${as}"/>`;

/** The end of a line that comes from above. */
export const arrowDown = (x: number, y: number): Markup =>
  html`<path d="M${x - 4.5},${y - 8}L${x},${y}L${x + 4.5},${y - 8}Z" class="arrow"/>`;

/** A database's symbol. @param x, y its middle. */
export const cylinder = (x: number, y: number, as = ""): Markup =>
  html`<path d="M${x - 8},${y - 6}a8,3 0 0 1 16,0v12a8,3 0 0 1 -16,0zM${x - 8},${y - 6}a8,3 0 0 0 16,0" class="icon ${as}"/>`;

/** The Auth Proxy. @param x, y its middle. */
export const proxy = (x: number, y: number): Markup =>
  html`<g class="proxy"><rect x="${x - 11}" y="${y - 11}" width="22" height="22" rx="6"/><path d="M${x},${y - 6}l5.5,2v3.5c0,3.5 -2.5,5.5 -5.5,7c-3,-1.5 -5.5,-3.5 -5.5,-7v-3.5z"/></g>`;
