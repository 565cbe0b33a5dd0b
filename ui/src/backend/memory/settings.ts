// The engine's keys as the model in memory holds them, with the checks that tests rely on.

import type { SettingChange, SettingProblem, SettingView } from "../types";

const setting = (key: string, value: string | null, standard: string | null = value): SettingView => ({
  key,
  about: `What ${key} means.`,
  value,
  standard,
  optional: standard === null,
});

export const SETTINGS: SettingView[] = [
  setting("network.profile", "remes-1"),
  setting("network.chain_id", "remes-1"),
  setting("network.rpc", "https://rpc-1.remes.example, https://rpc-2.remes.example"),
  setting("network.gas_price", "0.025"),
  setting("account.key", "main", null),
  setting("aggregation.method", "arc+caf"),
  setting("aggregation.trim", null),
  setting("aggregation.f", null),
  setting("round.quorum", "10"),
  setting("round.minimum_participants", "3"),
  setting("round.maximum_wait", "10m"),
  setting("round.minimum_interval", "1m"),
  setting("verification.source", "exclude"),
  setting("verification.norm", "report"),
  setting("quality.max_norm_ratio", null),
  setting("quality.min_trust_score", null),
  setting("limits.parallel_fetches", "8"),
  setting("limits.spool_quota", "20 GiB"),
  setting("submission.strategy", "commit-reveal"),
  setting("submission.max_fee", null),
  setting("payout.address", null),
  setting("future.key", "1"),
];

const WHOLE = ["round.quorum", "round.minimum_participants", "limits.parallel_fetches"];

export function problemsOf(changes: SettingChange[]): SettingProblem[] {
  return changes.flatMap(({ key, value }) => {
    if (!SETTINGS.some((one) => one.key === key)) return [{ key, text: "is not a key" }];
    if (WHOLE.includes(key)) {
      if (!/^\d+$/.test(value)) return [{ key, text: `must be a whole number, is "${value}"` }];
      if (Number(value) < 1) return [{ key, text: `must be at least 1, is ${value}` }];
    }
    if (key === "aggregation.method" && !/^[a-z+()=0-9.-]+$/.test(value)) {
      return [{ key, text: `unknown method "${value}", expected one of average, median` }];
    }
    return [];
  });
}
