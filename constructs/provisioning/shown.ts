/** Characters of a text from elsewhere that a message shows. */
const LONGEST = 300;

/** A text that a platform, or a server, wrote, fit to be shown: on one line, without control characters, and short. */
export function shown(text: string): string {
  const clean = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}...` : clean;
}
