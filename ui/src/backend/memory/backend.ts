// The engine's place taken by a model in memory, for tests and pictures. It is no part of the product.

import type { Backend } from "../backend";
import type {
  ApiError,
  Change,
  Concern,
  Delta,
  GradientRow,
  KeyRow,
  LogLine,
  MinerRow,
  NetworkChoice,
  Snapshot,
  SubmissionRow,
  Trouble,
  VerdictLevel,
} from "../types";
import { Failure } from "../failure";
import * as data from "./data";
import { setupOf, world, type Scenario, type World } from "./scenarios";
import { problemsOf, SETTINGS } from "./settings";

const WORDS =
  "abandon ability able about above absent absorb abstract absurd abuse access accident account accuse achieve acid acoustic acquire across act action actor actress actual".split(
    " ",
  );

/** What tests see of it beyond the interface. */
export class MemoryBackend implements Backend {
  readonly world: World;
  /** What was asked of it that changes something, in order. */
  readonly calls: string[] = [];
  /** Files that it was asked to write, the clipboard, and what was opened. */
  readonly written: string[] = [];
  copied: string | null = null;
  opened: string | null = null;
  /** While held, operations that wait for the chain do not come back. */
  held: Promise<void> | null = null;
  claimRefused: ApiError | null = null;
  /** Whether a payout of before is still under way. */
  payoutBefore = false;
  keysLocked: string | null = null;

  #listeners = new Set<(delta: Delta) => void>();
  #draft: { name: string; count: number; store: KeyRow["store"] } | null = null;
  #settings = SETTINGS.map((one) => ({ ...one }));
  #needsRestart = false;
  #release: (() => void) | undefined;

  constructor(scenario: Scenario) {
    this.world = world(scenario);
  }

  /** Changes one part of the snapshot and tells it. */
  put(change: Change): void {
    const { snapshot } = this.world;
    const seq = snapshot.seq + 1;
    const replaced =
      change.part === "judged" || change.part === "notice" ? {} : { [change.part]: change.value };
    this.world.snapshot = {
      ...snapshot,
      ...(replaced as Partial<Snapshot>),
      seq,
      at: new Date().toISOString(),
    };
    const delta: Delta = { seq, at: this.world.snapshot.at, change };
    for (const listener of this.#listeners) listener(structuredClone(delta));
    if (change.part !== "setup" && change.part !== "judged" && change.part !== "notice") {
      const setup = setupOf(this.world.snapshot);
      if (JSON.stringify(setup) !== JSON.stringify(this.world.snapshot.setup))
        this.put({ part: "setup", value: setup });
    }
  }

  engine(change: Partial<Snapshot["engine"]>): void {
    this.put({
      part: "engine",
      value: { ...this.world.snapshot.engine, since: new Date().toISOString(), ...change },
    });
  }

  /** Something goes wrong; what is not said of it is as the model usually has it. */
  trouble(concern: Concern, change: Partial<Trouble> = {}): void {
    const all = this.world.snapshot.troubles.filter((one) => one.concern !== concern);
    all.push({ ...data.trouble(concern, 0), since: new Date().toISOString(), ...change });
    this.put({ part: "troubles", value: data.mostUrgentFirst(all) });
  }
  /** It is well again. */
  well(concern: Concern): void {
    const { troubles } = this.world.snapshot;
    this.put({ part: "troubles", value: troubles.filter((one) => one.concern !== concern) });
  }

  /** Numbers a delta is lost by: the next one shows a gap. */
  loseDelta(): void {
    this.world.snapshot = { ...this.world.snapshot, seq: this.world.snapshot.seq + 1 };
  }

  /** Judges one more gradient. */
  judge(): GradientRow {
    this.world.gradients += 1;
    const row = {
      ...data.gradientRow(this.world.gradients - 1, this.world.gradients - 1),
      seenAt: new Date().toISOString(),
    };
    this.put({ part: "judged", value: row });
    return row;
  }

  hold(): void {
    this.held = new Promise((resolve) => (this.#release = resolve));
  }
  release(): void {
    this.#release?.();
    this.held = null;
  }

  async #query(): Promise<void> {
    if (this.world.failing) throw new Failure(this.world.failing);
  }
  #access(given: string | null): void {
    const wanted = this.world.accessPassphrase;
    if (wanted === null || wanted === given) return;
    const message =
      given === null ? "sign: the access passphrase is needed" : "sign: the access passphrase is wrong";
    throw new Failure({ code: "access", message, remedy: "type the access passphrase" });
  }
  #page<T>(
    total: number,
    offset: number,
    limit: number,
    row: (index: number) => T,
  ): { total: number; rows: T[] } {
    const rows = Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_, i) =>
      row(offset + i),
    );
    return { total, rows };
  }

  async snapshot(): Promise<Snapshot> {
    if (this.world.silent)
      throw new Failure({ code: "engine", message: "reach the engine: it does not answer", remedy: null });
    return structuredClone(this.world.snapshot);
  }
  async follow(take: (delta: Delta) => void): Promise<() => void> {
    this.#listeners.add(take);
    return () => this.#listeners.delete(take);
  }

  async start(): Promise<void> {
    this.calls.push("start");
    const { engine } = this.world.snapshot;
    if (engine.startBlocked) throw new Failure(engine.startBlocked);
    if (this.keysLocked !== null) {
      throw new Failure({
        code: "passphrase",
        message: "open the key file: its passphrase is needed",
        remedy: null,
      });
    }
    this.engine({
      state: "starting",
      desired: "running",
      step: "chain",
      canStop: true,
      error: null,
      health: "off",
    });
    await this.held;
    this.engine({ state: "running", step: null, health: "unproven", canStop: true });
  }
  async stop(): Promise<void> {
    this.calls.push("stop");
    this.engine({ state: "stopping", desired: "stopped", canStop: true, error: null, retryAt: null });
    await this.held;
    this.engine({ state: "stopped", canStop: false, health: "off", step: null, troubles: [] });
  }

  async rounds(offset: number, limit: number) {
    await this.#query();
    const newest = this.world.rounds;
    return this.#page(newest, offset, limit, (index) =>
      index === 0 && this.world.snapshot.round
        ? this.world.snapshot.round
        : data.roundView(newest - index, newest),
    );
  }
  async gradients(query: Parameters<Backend["gradients"]>[0]) {
    await this.#query();
    const newest = this.world.gradients - 1;
    const all = query.search === "" && query.verdict === null && query.trainingRound === null;
    if (all)
      return this.#page(this.world.gradients, query.offset, query.limit, (i) =>
        data.gradientRow(newest - i, newest),
      );
    const fits = (id: number) => {
      if (query.verdict !== null && data.verdictOf(id) !== query.verdict) return false;
      const row = data.gradientRow(id, newest);
      if (query.trainingRound !== null && row.trainingRound !== query.trainingRound) return false;
      return (
        row.id === query.search || row.miner.startsWith(query.search) || row.cid.startsWith(query.search)
      );
    };
    const ids: number[] = [];
    for (let id = newest; id >= 0; id -= 1) if (fits(id)) ids.push(id);
    return this.#page(ids.length, query.offset, query.limit, (i) => data.gradientRow(ids[i]!, newest));
  }
  async gradient(id: string) {
    await this.#query();
    return data.gradientDetail(data.gradientRow(Number(id), this.world.gradients - 1));
  }
  async gradientPoints(trainingRound: string | null, limit: number) {
    await this.#query();
    const newest = this.world.gradients - 1;
    const count = Math.min(limit, this.world.gradients);
    return Array.from({ length: count }, (_, i) => data.gradientRow(newest - count + 1 + i, newest))
      .filter((row) => row.norm !== null && (trainingRound === null || row.trainingRound === trainingRound))
      .map((row) => ({
        id: row.id,
        miner: row.miner,
        trainingRound: row.trainingRound,
        norm: row.norm!,
        similarity:
          row.verdict === "reported"
            ? -0.4 + data.fraction(Number(row.id)) * 0.2
            : 0.72 + data.fraction(Number(row.id)) * 0.2,
        verdict: row.verdict,
      }));
  }
  async miners(query: Parameters<Backend["miners"]>[0]) {
    await this.#query();
    const list: MinerRow[] = this.world.gradients
      ? Array.from({ length: data.MINERS }, (_, i) => data.minerRow(i, this.world.gradients)).filter((row) =>
          row.address.startsWith(query.search),
        )
      : [];
    return this.#page(list.length, query.offset, query.limit, (i) => list[i]!);
  }
  async miner(address: string) {
    await this.#query();
    const number =
      Array.from({ length: data.MINERS }, (_, i) => i).find((i) => data.address(i) === address) ?? 0;
    const row = data.minerRow(number, this.world.gradients);
    return {
      row,
      trustScore: row.trust,
      tier: "gold",
      submissions: String(row.gradients),
      successful: String(row.passed),
      slashingEvents: "0",
      history: Array.from({ length: 30 }, (_, i) => ({
        trainingRound: String(212 + i),
        at: data.ago((30 - i) * 140),
        gradients: 2,
        passed: i % 9 === 4 ? 1 : 2,
        norm: 2.2 + data.fraction(i + number) * 0.7,
        // The first rounds were over when it was first asked.
        trust: i < 4 ? null : data.trust(number, i),
      })),
      error: null,
    };
  }
  async submissions(query: Parameters<Backend["submissions"]>[0]) {
    await this.#query();
    const newest = this.world.rounds;
    const rows: SubmissionRow[] = [];
    if (query.search === "" && query.stage === null) {
      return this.#page(Math.max(0, newest - 1), query.offset, query.limit, (i) =>
        data.submissionRow(newest - 1 - i, newest),
      );
    }
    for (let number = newest - 1; number > 0; number -= 1) {
      const row = data.submissionRow(number, newest);
      const found = [row.trainingRound, row.cid, row.merkleRoot, row.revealTx].some((text) =>
        text?.startsWith(query.search),
      );
      if (found && (query.stage === null || row.stage === query.stage)) rows.push(row);
    }
    return this.#page(rows.length, query.offset, query.limit, (i) => rows[i]!);
  }
  async exportSubmissions(format: "csv" | "json") {
    const path = `submissions.${format}`;
    this.written.push(path);
    return { path, records: Math.max(0, this.world.rounds - 1) };
  }

  async ledger(offset: number, limit: number) {
    await this.#query();
    const newest = this.world.rounds;
    return this.#page(Math.max(0, newest - 1) * 3, offset, limit, (i) => {
      const number = newest - 1 - Math.floor(i / 3);
      const reward = i % 3 === 0;
      return {
        kind: reward ? "reward" : "fee",
        income: reward,
        trainingRound: String(number),
        amount: reward ? "610" : "3975",
        denom: reward ? "remes" : "stake",
        height: String(20_000 + number * 30 + 12),
        txHash: data.txHash(number + (i % 3) * 40_000),
        at: data.ago((newest - number) * 140),
      };
    });
  }
  async earningsByDay(days: number) {
    await this.#query();
    if (this.world.rounds === 0) return [];
    return Array.from({ length: days }, (_, i) => ({
      day: data.ago((days - 1 - i) * 86_400).slice(0, 10),
      income: [{ amount: String(4200 + Math.floor(data.fraction(i) * 1800)), denom: "remes" }],
      expense: [{ amount: String(60_000 + Math.floor(data.fraction(i + 9) * 9000)), denom: "stake" }],
    }));
  }
  async previewClaim() {
    await this.held;
    return {
      address: data.OURS,
      rewards: [
        { amount: "1834", denom: "remes" },
        { amount: "12", denom: "stake" },
      ],
      validators: [`remesvaloper1${data.address(1).slice(6)}`],
      gas: "184000",
      fee: [{ amount: "4600", denom: "stake" }],
      net: [
        { amount: "1834", denom: "remes" },
        { amount: "-4588", denom: "stake" },
      ],
      refused: this.claimRefused,
    };
  }
  async claim(access: string | null) {
    this.#access(access);
    this.calls.push("claim");
    const earnings = this.world.snapshot.earnings;
    this.put({ part: "earnings", value: { ...earnings, claimInFlight: true } });
    await this.held;
    this.put({ part: "earnings", value: { ...earnings, claimInFlight: false, claimable: [] } });
    return {
      txHash: data.txHash(77),
      height: "21850",
      received: [
        { amount: "1834", denom: "remes" },
        { amount: "12", denom: "stake" },
      ],
      fee: [{ amount: "4600", denom: "stake" }],
      at: new Date().toISOString(),
    };
  }

  async checkPayout(to: string, amount: string | null) {
    const problem =
      amount === null || /^\d+$/.test(amount) ? null : "must be digits, with at most one decimal mark";
    const foreign = /^remes1[a-z0-9]{38}$/.test(to) ? null : `"${to}" is no address of remes1...`;
    return { to: to === data.OURS ? "it is the account's own address" : foreign, amount: problem };
  }
  async previewPayout(to: string, amount: string | null) {
    await this.held;
    const balance = 184_210;
    const reserve = 50_000;
    const moved = Number(amount ?? balance - reserve);
    const remes = (units: number) => ({ amount: String(units), denom: "remes" });
    return {
      from: data.OURS,
      to,
      amount: remes(moved),
      balance: remes(balance),
      reserve: remes(reserve),
      left: remes(balance - moved),
      gas: "92000",
      fee: [{ amount: "2300", denom: "stake" }],
      refused:
        moved > balance - reserve
          ? {
              code: "insufficient-funds" as const,
              message: `pay out ${moved} remes: only ${balance - reserve} remes stand above the reserve of ${reserve} remes`,
              remedy: "pay out less, or lower payout.reserve",
            }
          : null,
    };
  }
  async payout(to: string, amount: string, access: string | null) {
    this.#access(access);
    this.calls.push(`payout ${amount} ${to}`);
    const earnings = this.world.snapshot.earnings;
    this.put({ part: "earnings", value: { ...earnings, payoutInFlight: true } });
    await this.held;
    this.put({ part: "earnings", value: { ...earnings, payoutInFlight: false } });
    return {
      earlier: this.payoutBefore,
      to,
      amount: [{ amount, denom: "remes" }],
      txHash: data.txHash(78),
      height: "21852",
      fee: [{ amount: "2300", denom: "stake" }],
      at: new Date().toISOString(),
    };
  }

  async checkMachine() {
    await this.#query();
    const machine = { ...world("running").snapshot.machine, at: new Date().toISOString() };
    this.put({ part: "machine", value: machine });
    return machine;
  }
  async load() {
    await this.#query();
    const tick = Date.now() / 4000;
    return {
      cpu: 0.21 + Math.sin(tick) * 0.08,
      processCpu: 0.34,
      memoryUsed: String(12_100_000_000 + Math.round(Math.sin(tick) * 2e8)),
      memoryTotal: "33500000000",
      processMemory: "214000000",
      diskFree: "412000000000",
      receivedPerSecond: 1_840_000 + Math.sin(tick * 2) * 700_000,
      sentPerSecond: 420_000 + Math.cos(tick * 2) * 90_000,
      at: new Date().toISOString(),
    };
  }
  async doctor() {
    await this.#query();
    const at = new Date().toISOString();
    const line = (kind: string, level: VerdictLevel, reason: string, remedy: string | null = null) => ({
      kind: kind as never,
      level,
      reason,
      remedy,
      at,
    });
    return [
      line("minerConnectivity", "pass", "112 gradients of the last rounds, all of them could be fetched"),
      line("registration", "pass", "registered with 50000remes"),
      line("firewall", "pass", "every endpoint's port is reached"),
      line("format", "pass", "the last 500 gradients could all be read"),
      line(
        "thresholds",
        "warn",
        "290 of the last 500 gradients are beyond a threshold of yours",
        "loosen the thresholds of quality: most gradients should be within them",
      ),
      line("resources", "pass", "cores: 16 cores"),
      line("chain", "pass", "3 of 3 endpoints are well, at block 21844"),
      line("fees", "pass", "9120400 stake, enough for about 364 rounds"),
      line("ipfs", "pass", "version 0.40.1, 184 peers"),
      line("uptime", "pass", `at work since ${data.ago(86_000)}`),
      line("clock", "pass", "clock: agrees with the newest block, 3.1 s old"),
      line("keys", "pass", `main, in a backup of ${data.ago(600_000)}`),
    ];
  }
  async logs(query: Parameters<Backend["logs"]>[0]) {
    await this.#query();
    const order = ["trace", "debug", "info", "warn", "error"];
    const lines: LogLine[] = Array.from({ length: this.world.rounds ? 400 : 0 }, (_, i) => ({
      seq: i + 1,
      at: data.ago((400 - i) * 3),
      level: (i % 37 === 5
        ? "warn"
        : i % 91 === 7
          ? "error"
          : i % 3 === 0
            ? "debug"
            : "info") as LogLine["level"],
      target: i % 2 ? "r3mes_engine::steps::collect" : "r3mes_engine::submission",
      message:
        i % 37 === 5
          ? `gradient ${2400 + i}: fetched at the second attempt`
          : i % 91 === 7
            ? "broadcast: the node answered with an internal error, tried again"
            : `round advanced round=${Math.floor(i / 6) + 170} state=committed height=${20_000 + i * 4}`,
    })).filter(
      (line) =>
        order.indexOf(line.level) >= order.indexOf(query.level) &&
        (query.after == null || line.seq > query.after) &&
        line.message.toLowerCase().includes(query.search.toLowerCase()),
    );
    return { lines: lines.slice(-query.limit), total: lines.length, newest: 400 };
  }
  async exportLogs() {
    this.written.push("proposer.log");
    return { path: "proposer.log", records: 400 };
  }
  async ready(): Promise<void> {}
  async report(message: string): Promise<void> {
    this.calls.push(`report ${message}`);
  }

  async profiles() {
    return ["remes-1", "remes-test", "remes-mainnet-1"].map((name) => ({
      name,
      chainId: name,
      rpc: ["http://127.0.0.1:26657"],
      builtIn: true,
      chosen: name === this.world.snapshot.network.name,
    }));
  }
  async addProfile() {
    this.calls.push("profile");
    return true;
  }
  async chooseNetwork(choice: NetworkChoice): Promise<void> {
    this.calls.push(`network ${JSON.stringify(choice)}`);
    const local = choice.kind === "local";
    const name = choice.kind === "profile" ? choice.name : local ? "localnet" : "own";
    const { network } = world("running").snapshot;
    this.put({ part: "application", value: { ...this.world.snapshot.application, localNetwork: local } });
    this.put({
      part: "network",
      value: {
        ...network,
        name,
        chainId: local ? "remes-local" : choice.kind === "profile" ? choice.name : "remes-1",
        local,
      },
    });
    if (local) this.engine({ startBlocked: null });
    this.#standing();
  }
  async probeEndpoint(url: string) {
    if (!/^https?:\/\/\S+$/.test(url))
      throw new Failure({
        code: "request",
        message: `use "${url}": it must be an http or https URL`,
        remedy: null,
      });
    if (url.includes("dead"))
      throw new Failure({
        code: "network",
        message: `reach ${url}: connection refused`,
        remedy: "check the address, and that the node runs",
      });
    return {
      url,
      chainId: url.includes("test") ? "remes-test" : "remes-1",
      height: "21844",
      blockTime: data.ago(3),
      lagSeconds: 3,
      latencyMs: 41.2,
      catchingUp: url.includes("behind"),
      indexesTransactions: !url.includes("noindex"),
      moniker: "node",
    };
  }
  async probeIpfs(url: string) {
    if (url.includes("dead"))
      throw new Failure({
        code: "network",
        message: `reach the IPFS node ${url}: connection refused`,
        remedy: null,
      });
    return { url, version: "kubo 0.40.1", peers: 184, latencyMs: 1.2 };
  }

  #key(name: string, store: KeyRow["store"]): KeyRow {
    const inUse = !this.world.snapshot.keys.some((key) => key.inUse);
    const key: KeyRow = {
      name,
      address: data.OURS,
      store,
      inUse,
      createdAt: new Date().toISOString(),
      lastBackup: null,
    };
    this.put({ part: "keys", value: [...this.world.snapshot.keys.filter((one) => one.name !== name), key] });
    this.engine({
      startBlocked: {
        code: "standing",
        message: "start the proposer: the account is not registered",
        remedy: "register the account",
      },
    });
    this.#standing();
    return key;
  }
  #standing(): void {
    const { keys, standing, network } = this.world.snapshot;
    if (
      keys.length === 0 ||
      network.chainId === "" ||
      standing.state === "registered" ||
      standing.state === "authorized"
    )
      return;
    this.put({
      part: "standing",
      value: {
        ...world("running").snapshot.standing,
        state: standing.requestedAt ? "requested" : "notRequested",
        stake: null,
        registeredHeight: null,
        requestedAt: standing.requestedAt,
        at: new Date().toISOString(),
      },
    });
  }
  async keychain() {
    return this.world.keychain;
  }
  async draftKey(
    name: string,
    words: "twelve" | "twentyFour",
    store: KeyRow["store"],
    _passphrase: string | null,
    access: string | null,
  ) {
    this.#access(access);
    this.calls.push(`draft ${name}`);
    const count = words === "twelve" ? 12 : 24;
    this.#draft = { name, count, store };
    return { name, address: data.OURS, words: count, asked: [3, 7, 11] };
  }
  async draftWords(access: string | null) {
    this.#access(access);
    return WORDS.slice(0, this.#draft?.count ?? 0);
  }
  async confirmKey(answers: { place: number; word: string }[]) {
    const wrong = answers.filter((one) => WORDS[one.place - 1] !== one.word.toLowerCase());
    if (wrong.length > 0) {
      throw new Failure({
        code: "request",
        message: `keep the key: these words are not right: ${wrong.map((one) => `word ${one.place}`).join(", ")}`,
        remedy: "look at the words again, and write them down",
      });
    }
    this.calls.push("confirm");
    const draft = this.#draft!;
    this.#draft = null;
    return this.#key(draft.name, draft.store);
  }
  async dropDraft(): Promise<void> {
    this.#draft = null;
  }
  async importKey(
    name: string,
    source: { kind: string; text: string },
    store: KeyRow["store"],
    _passphrase: string | null,
    _armor: string | null,
    access: string | null,
  ) {
    this.#access(access);
    const typed = source.text.split(/[\s,]+/).filter(Boolean);
    const bad = source.kind === "words" ? typed.findIndex((word) => !WORDS.includes(word)) : -1;
    if (bad >= 0) {
      throw new Failure({
        code: "key",
        message: `read the key: word ${bad + 1} of the mnemonic is not in the English BIP-39 list, the nearest that is: ability`,
        remedy: null,
      });
    }
    this.calls.push(`import ${source.kind}`);
    return this.#key(name, store);
  }
  async useKey(name: string, access: string | null): Promise<void> {
    this.#access(access);
    this.calls.push(`use ${name}`);
    this.put({
      part: "keys",
      value: this.world.snapshot.keys.map((key) => ({ ...key, inUse: key.name === name })),
    });
  }
  async deleteKey(name: string, _address: string, access: string | null): Promise<void> {
    this.#access(access);
    this.calls.push(`delete ${name}`);
    this.put({ part: "keys", value: this.world.snapshot.keys.filter((key) => key.name !== name) });
  }
  async unlockKeys(passphrase: string): Promise<void> {
    if (passphrase !== this.keysLocked)
      throw new Failure({
        code: "passphrase",
        message: "use the key: the key file main.key does not open: the passphrase does not open it",
        remedy: null,
      });
    this.keysLocked = null;
  }
  async backupKeys(_passphrase: string, _keys: string | null, access: string | null) {
    this.#access(access);
    const at = new Date().toISOString();
    this.written.push("r3mes-backup.bin");
    this.put({ part: "keys", value: this.world.snapshot.keys.map((key) => ({ ...key, lastBackup: at })) });
    return {
      path: "r3mes-backup.bin",
      keys: this.world.snapshot.keys.map((key) => key.name),
      files: ["settings.toml"],
      at,
    };
  }
  async restoreKeys(passphrase: string, _store: string | null, _keys: string | null, access: string | null) {
    this.#access(access);
    if (passphrase === "wrong")
      throw new Failure({
        code: "file",
        message: "open the backup r3mes-backup.bin: the passphrase does not open it",
        remedy: null,
      });
    this.#key("main", "file");
    return { path: "r3mes-backup.bin", keys: ["main"], files: ["settings.toml"], at: data.ago(600_000) };
  }

  async composeAuthorization(contact: string, statement: string, access: string | null) {
    this.#access(access);
    this.calls.push("compose");
    const at = new Date().toISOString();
    const { standing } = this.world.snapshot;
    this.put({
      part: "standing",
      value: {
        ...standing,
        requestedAt: at,
        state: standing.state === "notRequested" ? "requested" : standing.state,
      },
    });
    const text = JSON.stringify({
      address: data.OURS,
      chain_id: "remes-1",
      contact,
      role: "proposer",
      statement,
      time: at,
      signature: data.hex(5),
    });
    return { text, address: data.OURS, fileName: "authorization-request.json", at };
  }
  async saveAuthorization(request: { fileName: string }) {
    this.written.push(request.fileName);
    return request.fileName;
  }
  async sendAuthorization(): Promise<void> {
    this.calls.push("send");
  }
  async previewRegistration(stake: string | null) {
    const amount = stake ?? "50000";
    return {
      address: data.OURS,
      stake: amount,
      stakeDenom: "remes",
      minimumStake: "50000",
      stakeBalance: "184210",
      feeBalance: "9120400",
      feeDenom: "stake",
      fee: "5200",
      gas: "208000",
      resources: { cpuCores: 16, memoryGb: 31, storageGb: 412, gpuCount: 0 },
      refused:
        BigInt(amount) < 50_000n
          ? {
              code: "request" as const,
              message: `register with ${amount}remes: the network's minimum is 50000remes`,
              remedy: "raise --stake",
            }
          : null,
    };
  }
  async register(stake: string | null, access: string | null) {
    this.#access(access);
    this.calls.push(`register ${stake}`);
    await this.held;
    this.put({
      part: "standing",
      value: {
        ...this.world.snapshot.standing,
        state: "registered",
        stake: `${stake}remes`,
        registeredHeight: "21849",
      },
    });
    this.engine({ startBlocked: null });
    return { stake: `${stake}remes`, txHash: data.txHash(3), height: "21849" };
  }
  /** What an administrator does on a real network. */
  grant(): void {
    this.put({
      part: "standing",
      value: { ...this.world.snapshot.standing, state: "authorized", at: new Date().toISOString() },
    });
  }
  async grantLocally(): Promise<void> {
    this.calls.push("grant");
    this.grant();
  }
  async lookAgain(): Promise<void> {
    this.put({ part: "standing", value: { ...this.world.snapshot.standing, at: new Date().toISOString() } });
  }

  async settings() {
    await this.#query();
    return {
      path: "settings.toml",
      saved: true,
      keys: this.#settings.map((one) => ({ ...one })),
      needsRestart: this.#needsRestart,
    };
  }
  async checkSettings(changes: Parameters<Backend["checkSettings"]>[0]) {
    return problemsOf(changes);
  }
  async saveSettings(changes: Parameters<Backend["saveSettings"]>[0]) {
    const problems = problemsOf(changes);
    if (problems.length > 0) return { kind: "problems" as const, value: problems };
    this.calls.push(`settings ${changes.map((one) => `${one.key}=${one.value}`).join(" ")}`);
    for (const change of changes)
      this.#settings.find((one) => one.key === change.key)!.value = change.value || null;
    this.#needsRestart = this.world.snapshot.engine.state === "running";
    return { kind: "saved" as const, value: await this.settings() };
  }
  async setPreferences(preferences: Snapshot["preferences"]): Promise<void> {
    this.put({ part: "preferences", value: preferences });
  }
  async probeFolder(path: string) {
    const dead = path.includes("read-only");
    return {
      path,
      writable: !dead,
      inUse: path === this.world.snapshot.application.dataFolder,
      freeBytes: "412000000000",
      bytesPerSecond: dead ? null : 412_000_000,
      error: dead ? "write in data: the file system is read-only" : null,
    };
  }
  async pickFolder() {
    return "/mnt/proposer";
  }
  async moveFolder(path: string): Promise<void> {
    this.calls.push(`folder ${path}`);
  }
  async openFolder(): Promise<void> {
    this.opened = this.world.snapshot.application.dataFolder;
  }
  async setAccess(current: string | null, next: string | null): Promise<void> {
    this.#access(current);
    this.world.accessPassphrase = next;
    this.put({
      part: "application",
      value: { ...this.world.snapshot.application, accessProtected: next !== null },
    });
  }
  async copy(text: string): Promise<void> {
    this.copied = text;
  }
  async openUrl(url: string): Promise<void> {
    this.opened = url;
  }
}
