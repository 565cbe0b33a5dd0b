// What a new passphrase must be like.

import { m } from "../paraglide/messages.js";

const LEAST = 8;

/** Why a new passphrase cannot be taken; `null` where it can. */
export function passphraseReason(passphrase: string, repeated: string): string | null {
  if (passphrase.length < LEAST) return m.passphrase_short({ n: String(LEAST) });
  return passphrase === repeated ? null : m.store_differs();
}
