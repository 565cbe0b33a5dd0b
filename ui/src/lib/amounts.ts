// Amounts of coins. They stay decimal strings of whole units; a network may show its reward denom shifted.

import type { NetworkView } from "../backend/types";
import { whole } from "./format";
import type { Locale } from "./language";

interface Coin {
  amount: string;
  denom: string;
}

type Denoms = Pick<NetworkView, "rewardDenom" | "rewardExponent">;

/** An amount without its denom, shifted by the network's exponent where it is in the reward denom. */
export function display(amount: string, denom: string, network: Denoms, locale: Locale): string {
  const exponent = denom === network.rewardDenom ? network.rewardExponent : 0;
  if (exponent === 0 || !/^-?\d+$/.test(amount)) return whole(amount, locale);
  const sign = amount.startsWith("-") ? "-" : "";
  const digits = amount.replace("-", "").padStart(exponent + 1, "0");
  const fraction = digits.slice(-exponent).replace(/0+$/, "");
  const point = locale === "tr" ? "," : ".";
  return `${sign}${whole(digits.slice(0, -exponent), locale)}${fraction ? point + fraction : ""}`;
}

/** Coins with their denoms, one after the other. */
export function coins(list: Coin[], network: Denoms, locale: Locale): string {
  return list.map((coin) => `${display(coin.amount, coin.denom, network, locale)} ${coin.denom}`).join(", ");
}
