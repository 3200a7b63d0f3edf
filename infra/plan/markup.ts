/** Markup, in which every value that a person wrote is escaped. */
export class Markup {
  constructor(readonly text: string) {}
}

export type Part = string | number | Markup | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Control characters, halves of characters, and characters that turn the direction of what follows: HTML forbids them, or they deceive. */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A text in which those are shown by their codes. */
export const visible = (text: string): string =>
  text.replaceAll(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

const escaped = (text: string): string => visible(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");

const toText = (part: Part): string => {
  if (part instanceof Markup) return part.text;
  return typeof part === "object" ? part.map(toText).join("") : escaped(String(part));
};

/** A template of HTML or SVG: escapes what it is given, unless that is markup already. Attributes need double quotes. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup =>
  new Markup(strings.reduce((text, string, index) => `${text}${toText(parts[index - 1] ?? "")}${string}`));

export const NOTHING = html``;
