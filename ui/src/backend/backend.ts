// Everything that the screens ask of the engine, whoever answers: the Tauri shell in the product, a model in
// memory in tests. An operation that fails throws a `Failure`.

import type {
  AuthorizationRequest,
  BackupView,
  ClaimPreview,
  ClaimReceipt,
  DayEarnings,
  Delta,
  DoctorCheck,
  EndpointProbe,
  Exported,
  ExportFormat,
  FolderProbe,
  GradientDetail,
  GradientPage,
  GradientPoint,
  GradientQuery,
  ImportSource,
  IpfsProbe,
  KeychainState,
  KeyDraft,
  KeyRow,
  KeyStore,
  LedgerPage,
  LoadView,
  LogPage,
  LogQuery,
  MachineView,
  MinerDetail,
  MinerPage,
  MinerQuery,
  NetworkChoice,
  PayoutPreview,
  PayoutProblems,
  PayoutReceipt,
  Preferences,
  ProfileView,
  RegistrationPreview,
  RegistrationReceipt,
  RoundPage,
  SaveOutcome,
  SettingChange,
  SettingProblem,
  SettingsView,
  Snapshot,
  SubmissionPage,
  SubmissionQuery,
  WordAnswer,
  WordCount,
} from "./types";

export interface Backend {
  snapshot(): Promise<Snapshot>;
  /** Hands every delta from now on to `take`. Returns what ends it. */
  follow(take: (delta: Delta) => void): Promise<() => void>;

  start(): Promise<void>;
  stop(): Promise<void>;

  rounds(offset: number, limit: number): Promise<RoundPage>;
  gradients(query: GradientQuery): Promise<GradientPage>;
  gradient(id: string): Promise<GradientDetail>;
  /** The newest judged gradients, oldest first. */
  gradientPoints(trainingRound: string | null, limit: number): Promise<GradientPoint[]>;
  miners(query: MinerQuery): Promise<MinerPage>;
  miner(address: string): Promise<MinerDetail>;
  submissions(query: SubmissionQuery): Promise<SubmissionPage>;
  /** Writes all of them to a file that the operator picks; `null` where they pick none. */
  exportSubmissions(format: ExportFormat): Promise<Exported | null>;

  ledger(offset: number, limit: number): Promise<LedgerPage>;
  earningsByDay(days: number): Promise<DayEarnings[]>;
  previewClaim(): Promise<ClaimPreview>;
  /** `access` is the access passphrase here and below; `null` where none was asked for. */
  claim(access: string | null): Promise<ClaimReceipt>;
  /** What is wrong with what was typed; an amount is in the shown unit, `null` is all above the reserve. */
  checkPayout(to: string, amount: string | null): Promise<PayoutProblems>;
  previewPayout(to: string, amount: string | null): Promise<PayoutPreview>;
  /** Sends what was previewed last: so many whole units. */
  payout(to: string, amount: string, access: string | null): Promise<PayoutReceipt>;

  checkMachine(): Promise<MachineView>;
  load(): Promise<LoadView>;
  doctor(): Promise<DoctorCheck[]>;
  logs(query: LogQuery): Promise<LogPage>;
  exportLogs(): Promise<Exported | null>;
  /** Says that the first snapshot is drawn, and that the page takes input. */
  ready(): Promise<void>;
  /** Writes a line about the page itself into the log. */
  report(message: string): Promise<void>;

  profiles(): Promise<ProfileView[]>;
  /** Takes a profile in from a file that the operator picks; whether they picked one. */
  addProfile(): Promise<boolean>;
  chooseNetwork(choice: NetworkChoice): Promise<void>;
  probeEndpoint(url: string): Promise<EndpointProbe>;
  probeIpfs(url: string): Promise<IpfsProbe>;

  keychain(): Promise<KeychainState>;
  draftKey(
    name: string,
    words: WordCount,
    store: KeyStore,
    passphrase: string | null,
    access: string | null,
  ): Promise<KeyDraft>;
  /** The words of the key that is being made: the one secret that comes this way. */
  draftWords(access: string | null): Promise<string[]>;
  confirmKey(answers: WordAnswer[]): Promise<KeyRow>;
  dropDraft(): Promise<void>;
  importKey(
    name: string,
    source: ImportSource,
    store: KeyStore,
    passphrase: string | null,
    sourcePassphrase: string | null,
    access: string | null,
  ): Promise<KeyRow>;
  useKey(name: string, access: string | null): Promise<void>;
  deleteKey(name: string, address: string, access: string | null): Promise<void>;
  /** Opens the file store for this run of the program. */
  unlockKeys(passphrase: string): Promise<void>;
  /** `keys` is the passphrase of the key files, where keys lie in such; it is `null` where it is known. */
  backupKeys(passphrase: string, keys: string | null, access: string | null): Promise<BackupView | null>;
  /** Keys go where they were, or into `store`. */
  restoreKeys(
    passphrase: string,
    store: KeyStore | null,
    keys: string | null,
    access: string | null,
  ): Promise<BackupView | null>;

  composeAuthorization(
    contact: string,
    statement: string,
    access: string | null,
  ): Promise<AuthorizationRequest>;
  saveAuthorization(request: AuthorizationRequest): Promise<string | null>;
  sendAuthorization(request: AuthorizationRequest): Promise<void>;
  /** Authorizes and funds the account on the local network. */
  grantLocally(): Promise<void>;
  previewRegistration(stake: string | null): Promise<RegistrationPreview>;
  register(stake: string | null, access: string | null): Promise<RegistrationReceipt>;
  /** Has everything that is looked at from time to time be looked at now; deltas bring what is found. */
  lookAgain(): Promise<void>;

  settings(): Promise<SettingsView>;
  checkSettings(changes: SettingChange[]): Promise<SettingProblem[]>;
  saveSettings(changes: SettingChange[]): Promise<SaveOutcome>;
  setPreferences(preferences: Preferences): Promise<void>;
  probeFolder(path: string): Promise<FolderProbe>;
  pickFolder(): Promise<string | null>;
  /** Names another data folder, which the next start of the program works on. */
  moveFolder(path: string): Promise<void>;
  openFolder(): Promise<void>;

  setAccess(current: string | null, next: string | null): Promise<void>;

  copy(text: string): Promise<void>;
  openUrl(url: string): Promise<void>;
}
