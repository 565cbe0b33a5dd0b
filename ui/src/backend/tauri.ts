// The engine behind the desktop shell's commands.

import { listen } from "@tauri-apps/api/event";
import type { Backend } from "./backend";
import { commands } from "./bindings";
import type { ApiError, Delta } from "./types";
import { Failure } from "./failure";

type Answer<T> = { status: "ok"; data: T } | { status: "error"; error: ApiError };

/** The answer's value; what went wrong is thrown. */
async function value<T>(answer: Promise<Answer<T>>): Promise<T> {
  const came = await answer;
  if (came.status === "ok") return came.data;
  throw new Failure(came.error);
}

async function done(answer: Promise<Answer<unknown>>): Promise<void> {
  await value(answer);
}

/** Copies a text the old way, for a webview that keeps its clipboard closed. */
function copyBySelection(text: string): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "sr-only";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  return copied;
}

export const tauriBackend: Backend = {
  snapshot: () => commands.snapshot(),
  follow: (take) => listen<Delta>("delta", (event) => take(event.payload)),
  start: () => done(commands.start()),
  stop: () => done(commands.stop()),

  rounds: (offset, limit) => value(commands.rounds(offset, limit)),
  gradients: (query) => value(commands.gradients(query)),
  gradient: (id) => value(commands.gradient(id)),
  gradientPoints: (round, limit) => value(commands.gradientPoints(round, limit)),
  miners: (query) => value(commands.miners(query)),
  miner: (address) => value(commands.miner(address)),
  submissions: (query) => value(commands.submissions(query)),
  exportSubmissions: (format) => value(commands.exportSubmissions(format)),

  ledger: (offset, limit) => value(commands.ledger(offset, limit)),
  earningsByDay: (days) => value(commands.earningsByDay(days)),
  previewClaim: () => value(commands.claimPreview()),
  claim: (access) => value(commands.claim(access)),
  checkPayout: (to, amount) => value(commands.checkPayout(to, amount)),
  previewPayout: (to, amount) => value(commands.payoutPreview(to, amount)),
  payout: (to, amount, access) => value(commands.payout(to, amount, access)),

  checkMachine: () => value(commands.checkSystem()),
  load: () => value(commands.machineLoad()),
  doctor: () => value(commands.doctor()),
  logs: (query) => commands.logPage(query),
  exportLogs: () => value(commands.exportLog()),
  ready: async () => void (await commands.windowReady()),
  report: async (message) => void (await commands.recordFault(message)),

  profiles: () => value(commands.profiles()),
  addProfile: () => value(commands.addProfile()),
  chooseNetwork: (choice) => done(commands.chooseNetwork(choice)),
  probeEndpoint: (url) => value(commands.probeEndpoint(url)),
  probeIpfs: (url) => value(commands.probeIpfs(url)),

  keychain: () => value(commands.keychainState()),
  draftKey: (name, words, store, passphrase, access) =>
    value(commands.draftKey(name, words, store, passphrase, access)),
  draftWords: (access) => value(commands.revealWords(access)),
  confirmKey: (answers) => value(commands.keepKey(answers)),
  dropDraft: () => done(commands.dropDraft()),
  importKey: (name, source, store, passphrase, sourcePassphrase, access) =>
    value(commands.importKey(name, source, store, passphrase, sourcePassphrase, access)),
  useKey: (name, access) => done(commands.useKey(name, access)),
  deleteKey: (name, address, access) => done(commands.deleteKey(name, address, access)),
  unlockKeys: (passphrase) => done(commands.unlockKeys(passphrase)),
  backupKeys: (passphrase, keys, access) => value(commands.backUp(passphrase, keys, access)),
  restoreKeys: (passphrase, store, keys, access) => value(commands.restore(passphrase, store, keys, access)),

  composeAuthorization: (contact, statement, access) =>
    value(commands.requestAuthorization(contact, statement, access)),
  saveAuthorization: (request) => value(commands.saveAuthorization(request.text, request.fileName)),
  sendAuthorization: (request) => done(commands.sendAuthorization(request.text)),
  grantLocally: () => done(commands.grantOnLocalNetwork()),
  previewRegistration: (stake) => value(commands.registrationPreview(stake)),
  register: (stake, access) => value(commands.register(stake, access)),
  lookAgain: async () => void (await commands.lookAgain()),

  settings: () => value(commands.settings()),
  checkSettings: (changes) => value(commands.checkSettings(changes)),
  saveSettings: (changes) => value(commands.saveSettings(changes)),
  setPreferences: (preferences) => done(commands.setPreferences(preferences)),
  probeFolder: (path) => value(commands.probeFolder(path)),
  pickFolder: () => value(commands.pickFolder()),
  moveFolder: (path) => done(commands.moveDataFolder(path)),
  openFolder: () => done(commands.openDataFolder()),
  setAccess: (present, next) => done(commands.setAccessPassphrase(present, next)),

  copy: async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      if (!copyBySelection(text)) {
        throw new Failure({ code: "request", message: "reach the clipboard", remedy: null });
      }
    }
  },
  openUrl: (url) => done(commands.openPage(url)),
};
