// Amounts of coins. They stay decimal strings of whole units; a network may show its reward denom shifted, under the
// name of the shifted unit.

import type { NetworkView } from "../backend/types";
import { NONE, whole } from "./format";
import type { Locale } from "./language";

interface Coin {
  amount: string;
  denom: string;
}

type Denoms = Pick<NetworkView, "rewardDenom" | "rewardExponent">;

/** An amount without its denom, shifted by the network's exponent where it is in the reward denom. */
export function display(amount: string, denom: string, network: Denoms, locale: Locale): string {
  const exponent = shift(denom, network);
  if (exponent === 0 || !/^-?\d+$/.test(amount)) return whole(amount, locale);
  const sign = amount.startsWith("-") ? "-" : "";
  const digits = amount.replace("-", "").padStart(exponent + 1, "0");
  const fraction = digits.slice(-exponent).replace(/0+$/, "");
  const point = locale === "tr" ? "," : ".";
  return `${sign}${whole(digits.slice(0, -exponent), locale)}${fraction ? point + fraction : ""}`;
}

/** The letters by which Cosmos marks a part of a unit, each with its exponent. */
const MARKS: Record<number, string> = { 3: "m", 6: "u", 9: "n", 12: "p", 18: "a" };

/** What a displayed amount is of: `REMES` where amounts in `uremes` are shifted by 6. */
export function unit(denom: string, network: Denoms): string {
  const exponent = shift(denom, network);
  if (exponent === 0) return denom;
  const mark = MARKS[exponent];
  const marked = mark !== undefined && denom.startsWith(mark) && denom.length > 3;
  return (marked ? denom.slice(1) : denom).toUpperCase();
}

/** An amount with its unit. */
export function coin(amount: string, denom: string, network: Denoms, locale: Locale): string {
  return `${display(amount, denom, network, locale)} ${unit(denom, network)}`;
}

/** Coins with their units, one after the other. */
export function coins(list: Coin[], network: Denoms, locale: Locale): string {
  return list.map((one) => coin(one.amount, one.denom, network, locale)).join(", ");
}

/** Coins in one line, and a dash where there are none. */
export function listed(list: Coin[], network: Denoms, locale: Locale): string {
  return list.length ? coins(list, network, locale) : NONE;
}

/** A figure as it is typed in a language, with the point that the engine reads; what it may not hold stays in it. */
export function typed(text: string, locale: Locale): string {
  const swapped: Record<string, string> = { ",": ".", ".": "," };
  return locale === "tr" ? text.trim().replace(/[.,]/g, (mark) => swapped[mark]!) : text.trim();
}

function shift(denom: string, network: Denoms): number {
  return denom === network.rewardDenom ? network.rewardExponent : 0;
}
