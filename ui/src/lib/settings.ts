// The engine's settings in groups, and what they are called. A key that is not named here still shows, with
// the engine's own word on it.

import type { SettingView } from "../backend/types";
import { m } from "../paraglide/messages.js";

export interface Group {
  id: string;
  title: () => string;
  keys: string[];
}

/** What most operators look at. */
export const SIMPLE: Group[] = [
  { id: "aggregation", title: m.group_aggregation, keys: ["aggregation.method", "aggregation.f"] },
  {
    id: "round",
    title: m.group_round,
    keys: ["round.quorum", "round.minimum_participants", "round.maximum_wait"],
  },
  { id: "submission", title: m.group_submission, keys: ["submission.strategy", "submission.max_fee"] },
  { id: "quality", title: m.group_quality, keys: ["quality.max_norm_ratio", "quality.min_trust_score"] },
];

const TITLES: Record<string, () => string> = {
  account: m.group_account,
  aggregation: m.group_aggregation,
  round: m.group_round,
  verification: m.group_verification,
  quality: m.group_quality,
  limits: m.group_limits,
  submission: m.group_submission,
  network: m.group_network,
  ipfs: m.group_ipfs,
  payout: m.group_payout,
  intake: m.group_intake,
};

/** Every key, by its section, in the engine's order. */
export function sections(settings: SettingView[]): Group[] {
  const groups = new Map<string, Group>();
  for (const setting of settings) {
    const id = setting.key.split(".")[0]!;
    // Which key signs is chosen among the keys.
    if (id === "version" || setting.key === "account.key") continue;
    const group = groups.get(id) ?? { id, title: TITLES[id] ?? (() => id), keys: [] };
    group.keys.push(setting.key);
    groups.set(id, group);
  }
  return [...groups.values()];
}

interface Words {
  label: () => string;
  help: () => string;
}

const WORDS: Record<string, Words> = {
  "aggregation.method": { label: m.set_method, help: m.set_method_help },
  "aggregation.trim": { label: m.set_trim, help: m.set_trim_help },
  "aggregation.f": { label: m.set_f, help: m.set_f_help },
  "aggregation.weights": { label: m.set_weights, help: m.set_weights_help },
  "aggregation.fedavg_cap": { label: m.set_fedavg_cap, help: m.set_fedavg_cap_help },
  "round.quorum": { label: m.set_quorum, help: m.set_quorum_help },
  "round.minimum_participants": { label: m.set_minimum, help: m.set_minimum_help },
  "round.maximum_wait": { label: m.set_wait, help: m.set_wait_help },
  "round.minimum_interval": { label: m.set_interval, help: m.set_interval_help },
  "verification.source": { label: m.check_source, help: m.set_source_help },
  "verification.registration": { label: m.check_registration, help: m.set_registration_help },
  "verification.gradient_hash": { label: m.check_gradient_hash, help: m.set_gradient_hash_help },
  "verification.claimed_loss": { label: m.check_claimed_loss, help: m.set_claimed_loss_help },
  "verification.duplicate": { label: m.check_duplicate, help: m.set_duplicate_help },
  "verification.norm": { label: m.check_norm, help: m.set_norm_help },
  "verification.zeros": { label: m.check_zeros, help: m.set_zeros_help },
  "verification.trust_score": { label: m.check_trust_score, help: m.set_trust_score_help },
  "quality.max_norm": { label: m.set_max_norm, help: m.set_max_norm_help },
  "quality.max_norm_ratio": { label: m.set_max_norm_ratio, help: m.set_max_norm_ratio_help },
  "quality.max_zero_share": { label: m.set_max_zero_share, help: m.set_max_zero_share_help },
  "quality.min_trust_score": { label: m.set_min_trust, help: m.set_min_trust_help },
  "limits.max_gradient": { label: m.set_max_gradient, help: m.set_max_gradient_help },
  "limits.parallel_fetches": { label: m.set_parallel, help: m.set_parallel_help },
  "limits.fetch_timeout": { label: m.set_timeout, help: m.set_timeout_help },
  "limits.spool_quota": { label: m.set_quota, help: m.set_quota_help },
  "submission.strategy": { label: m.set_strategy, help: m.set_strategy_help },
  "submission.max_fee": { label: m.set_max_fee, help: m.set_max_fee_help },
  "payout.address": { label: m.set_payout_address, help: m.set_payout_address_help },
  "payout.reserve": { label: m.set_payout_reserve, help: m.set_payout_reserve_help },
  "payout.rule": { label: m.set_payout_rule, help: m.set_payout_rule_help },
  "payout.threshold": { label: m.set_payout_threshold, help: m.set_payout_threshold_help },
  "payout.interval": { label: m.set_payout_interval, help: m.set_payout_interval_help },
  "network.profile": { label: m.set_net_profile, help: m.set_net_profile_help },
  "network.name": { label: m.set_net_name, help: m.set_net_name_help },
  "network.chain_id": { label: m.chain_id, help: m.set_net_chain_id_help },
  "network.rpc": { label: m.set_net_rpc, help: m.set_net_rpc_help },
  "network.ipfs_api": { label: m.set_net_ipfs, help: m.set_net_ipfs_help },
  "network.bech32_prefix": { label: m.set_net_prefix, help: m.set_net_prefix_help },
  "network.coin_type": { label: m.set_net_coin_type, help: m.set_net_coin_type_help },
  "network.reward_denom": { label: m.set_net_reward_denom, help: m.set_net_reward_denom_help },
  "network.reward_display_exponent": { label: m.set_net_exponent, help: m.set_net_exponent_help },
  "network.stake_denom": { label: m.set_net_stake_denom, help: m.set_net_stake_denom_help },
  "network.fee_denom": { label: m.set_net_fee_denom, help: m.set_net_fee_denom_help },
  "network.gas_price": { label: m.set_net_gas_price, help: m.set_net_gas_price_help },
  "network.gas_adjustment": { label: m.set_net_gas_adjustment, help: m.set_net_gas_adjustment_help },
  "network.block_time": { label: m.set_net_block_time, help: m.set_net_block_time_help },
  "network.reveal_window_blocks": { label: m.set_net_reveal, help: m.set_net_reveal_help },
  "network.challenge_period_blocks": { label: m.set_net_challenge, help: m.set_net_challenge_help },
  "network.minimum_stake": { label: m.set_net_stake, help: m.set_net_stake_help },
  "network.dashboard_url": { label: m.subject_dashboard, help: m.set_net_dashboard_help },
  "network.explorer_url": { label: m.subject_explorer, help: m.set_net_explorer_help },
  "network.admin_url": { label: m.subject_administrator, help: m.set_net_admin_help },
  "network.localnet.seed": { label: m.set_net_seed, help: m.set_net_seed_help },
};

export function settingLabel(setting: SettingView): string {
  return WORDS[setting.key]?.label() ?? setting.key;
}

export function settingHelp(setting: SettingView): string {
  return WORDS[setting.key]?.help() ?? setting.about;
}

/** Methods that can be chosen by name; what else the engine understands can be typed. */
export const METHODS: { name: string; about: () => string }[] = [
  { name: "arc+caf", about: m.method_arc_caf },
  { name: "median", about: m.method_median },
  { name: "trimmed-mean", about: m.method_trimmed_mean },
  { name: "arc+nnm+trimmed-mean", about: m.method_arc_nnm },
  { name: "multi-krum", about: m.method_multi_krum },
  { name: "krum", about: m.method_krum },
  { name: "bulyan", about: m.method_bulyan },
  { name: "geometric-median", about: m.method_geometric_median },
  { name: "centered-clipping", about: m.method_centered_clipping },
  { name: "meamed", about: m.method_meamed },
  { name: "mda", about: m.method_mda },
  { name: "caf", about: m.method_caf },
  { name: "sign-majority", about: m.method_sign_majority },
  { name: "fltrust", about: m.method_fltrust },
  { name: "weighted-median", about: m.method_weighted_median },
  { name: "weighted-trimmed-mean", about: m.method_weighted_trimmed_mean },
  { name: "weighted-average", about: m.method_weighted_average },
  { name: "fedavg", about: m.method_fedavg },
  { name: "average", about: m.method_average },
];

/** The values of a key that has few; `null` where anything can be typed. */
export function choices(key: string): { value: string; text: () => string }[] | null {
  if (key.startsWith("verification.")) {
    return [
      { value: "report", text: m.policy_report },
      { value: "exclude", text: m.policy_exclude },
    ];
  }
  if (key === "submission.strategy") {
    return [
      { value: "commit-reveal", text: m.strategy_commit_reveal },
      { value: "direct", text: m.strategy_direct },
    ];
  }
  if (key === "payout.rule") {
    return [
      { value: "off", text: m.payout_off },
      { value: "above-reserve", text: m.payout_above_reserve },
    ];
  }
  return null;
}
